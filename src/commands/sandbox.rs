//! `sandbox`: a command, or a shell, with an API server of its own.

use super::flags::{Flags, switch};
use super::{Context, Exit, Failure};
use crate::sandbox::{self, Sandbox};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::ffi::OsString;
use std::io::IsTerminal;

/// How the command is called.
pub fn command() -> Command {
    Command::new("sandbox")
        .about("Run a command, or a shell, with a throw-away API server")
        .long_about(
            "Start an API server on a free port of this machine, run a command with KUBECONFIG set to it, and end with \
             the command's exit code. kubectl and steer on the command's PATH are this program.\n\n \
             Without a command it is a shell. When it ends, the server, its objects and all files of the sandbox are gone.",
        )
        .after_help(
            "# A smoke test without a cluster\nsteer sandbox -- ./smoke.sh\n\n# A shell to try manifests in\nsteer sandbox",
        )
        .before_help("[--secure] [-- COMMAND [args...]]")
        .defer(|c| {
            c.arg(switch("secure", None, false, "Speak TLS, and ask who is there: the kubeconfig has a token.")).arg(
                Arg::new("command")
                    .num_args(0..)
                    .trailing_var_arg(true)
                    .allow_hyphen_values(true)
                    .action(ArgAction::Append)
                    .value_parser(clap::value_parser!(OsString)),
            )
        })
}

fn plan(matches: &ArgMatches, cx: &Context, interactive: bool) -> Sandbox {
    Sandbox {
        command: matches.get_many::<OsString>("command").map(|words| words.cloned().collect()).unwrap_or_default(),
        shell: cx.env("SHELL").unwrap_or("/bin/sh").into(),
        path: cx.env("PATH").unwrap_or_default().into(),
        interactive,
        secure: matches.on("secure"),
    }
}

/// Runs it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches, cx, std::io::stdin().is_terminal());
    cx.finish()?;
    let runtime = cx.runtime()?;
    runtime.block_on(sandbox::run(plan)).map_err(|error| Failure::message(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_dashes_is_the_command() {
        let cx = Context::for_test();
        let planned = |line: &[&str]| plan(&command().get_matches_from(["sandbox"].iter().chain(line)), &cx, false);
        assert_eq!(planned(&["--", "sh", "-c", "exit 3"]).command, ["sh", "-c", "exit 3"]);
        assert_eq!(planned(&["--secure", "./smoke.sh", "-v"]).command, ["./smoke.sh", "-v"]);
        assert!(planned(&[]).command.is_empty());
        assert_eq!(planned(&[]).shell, "/bin/sh");
    }
}
