//! `config use-context`.

use super::Files;
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("use-context")
        .alias("use")
        .about("Set the current-context in a kubeconfig file")
        .after_help("# Work in the context dev from now on\nkubectl config use-context dev")
        .before_help("CONTEXT_NAME")
        .defer(|c| c.arg(crate::commands::flags::words()))
}

/// Makes another context the current one.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let [name] = super::words(matches, cx)?;
    let mut files = Files::load(cx)?;
    if name.is_empty() {
        return Err(Failure::message("empty context names are not allowed"));
    }
    if !files.config.contexts.contains_key(&name) {
        return Err(Failure::message(format!("no context exists with the name: {name:?}")));
    }
    files.config.current_context = name.clone();
    files.save(true)?;
    cx.print(&format!("Switched to context {name:?}.\n"))?;
    Ok(0)
}
