//! `config delete-user`.

use super::Files;
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("delete-user")
        .about("Delete the specified user from the kubeconfig")
        .after_help("# Forget the user old\nkubectl config delete-user old")
        .before_help("NAME")
        .defer(|c| c.arg(crate::commands::flags::words()))
}

/// Deletes it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let mut files = Files::load(cx)?;
    let Some(name) = super::only_word(matches, cx, "user")? else { return Ok(0) };
    if files.config.users.remove(&name).is_none() {
        return Err(Failure::message(format!("cannot delete user {name}, not in {}", files.name())));
    }
    files.save(true)?;
    cx.print(&format!("deleted user {name} from {}\n", files.name()))?;
    Ok(0)
}
