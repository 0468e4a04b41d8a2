//! `config delete-context`.

use super::Files;
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("delete-context")
        .about("Delete the specified context from the kubeconfig")
        .after_help("# Forget the context old\nkubectl config delete-context old")
        .before_help("NAME")
        .defer(|c| c.arg(crate::commands::flags::words()))
}

/// Deletes it. The current context may be left without an entry.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let mut files = Files::load(cx)?;
    let Some(name) = super::only_word(matches, cx, "context")? else { return Ok(0) };
    if files.config.contexts.remove(&name).is_none() {
        return Err(Failure::message(format!("cannot delete context {name}, not in {}", files.name())));
    }
    if files.config.current_context == name {
        cx.complain(
            "warning: this removed your active context, use \"kubectl config use-context\" to select a different one\n",
        );
    }
    files.save(true)?;
    cx.print(&format!("deleted context {name} from {}\n", files.name()))?;
    Ok(0)
}
