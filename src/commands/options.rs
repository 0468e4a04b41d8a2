//! `options`: the flags that every command has.

use super::{Context, Exit, Failure, help, sets};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("options").about("List the flags that every command has").hide(true)
}

/// Prints them.
pub fn run(_: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let global = sets::global(cx.program.name());
    let text = help::flags(global.iter().filter(|arg| !arg.is_hide_set()).collect());
    cx.print(&format!("The following options can be passed to any command:\n\n{text}"))?;
    Ok(0)
}
