//! `config get-users`.

use super::Files;
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("get-users")
        .about("Display users defined in the kubeconfig")
        .after_help("# The names of all users\nkubectl config get-users")
        .defer(|c| c.arg(crate::commands::flags::words()))
}

/// Prints their names.
pub fn run(_: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let files = Files::load(cx)?;
    cx.print("NAME\n")?;
    files.config.users.keys().try_for_each(|name| cx.print(&format!("{name}\n")))?;
    Ok(0)
}
