//! `config current-context`.

use super::Files;
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("current-context")
        .about("Display the current-context")
        .after_help("# The context that is used when none is named\nkubectl config current-context")
        .defer(|c| c.arg(crate::commands::flags::words()))
}

/// Prints its name.
pub fn run(_: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let files = Files::load(cx)?;
    if files.config.current_context.is_empty() {
        return Err(Failure::message("current-context is not set"));
    }
    cx.print(&format!("{}\n", files.config.current_context))?;
    Ok(0)
}
