//! `completion`: the script that makes a shell complete.

use super::flags::{Flags, words};
use super::{Context, Exit, Failure};
use crate::completion::shells::Shell;
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("completion")
        .about("Output shell completion code for the specified shell (bash, zsh, fish, or powershell)")
        .long_about(
            "Print the script that makes a shell complete this program's commands, flags, types and names.\n\n \
             The script is loaded by the shell, at best in the file that it reads when it starts. What depends on the \
             server is asked of the server with the kubeconfig and the flags on the line.",
        )
        .after_help(
            "# bash, for this shell and for all later ones\nsource <(kubectl completion bash)\n\
             kubectl completion bash > ~/.local/share/bash-completion/completions/kubectl\n\n\
             # bash, for an alias\nalias k=kubectl\ncomplete -o default -F __start_kubectl k\n\n\
             # zsh\nsource <(kubectl completion zsh)\n\n# fish\nkubectl completion fish | source\n\n\
             # PowerShell\nkubectl completion powershell | Out-String | Invoke-Expression",
        )
        .before_help("SHELL")
        .defer(|c| c.arg(words()))
}

fn plan(matches: &ArgMatches) -> Result<Shell, Failure> {
    let usage = |message: String| Failure::Usage { message, command: "completion".into() };
    match matches.words().as_slice() {
        [] => Err(usage("Shell not specified.".into())),
        [name] => Shell::named(name).ok_or_else(|| usage(format!("Unsupported shell type {name:?}."))),
        _ => Err(usage("Too many arguments. Expected only the shell type.".into())),
    }
}

/// Prints the script.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let script = plan(matches)?.script(cx.program.name());
    cx.print(&script)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::report::report;

    #[test]
    fn shells_are_named() {
        let parse = |line: &str| plan(&command().get_matches_from(line.split(' ')));
        assert_eq!(parse("completion zsh").unwrap(), Shell::Zsh);
        for (line, words) in [
            ("completion", "error: Shell not specified.\n"),
            ("completion foo", "error: Unsupported shell type \"foo\".\n"),
            ("completion bash zsh", "error: Too many arguments. Expected only the shell type.\n"),
        ] {
            let said = report(&parse(line).unwrap_err(), "kubectl").stderr;
            assert_eq!(said, format!("{words}See 'kubectl completion -h' for help and examples\n"), "{line}");
        }
    }
}
