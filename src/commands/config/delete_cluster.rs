//! `config delete-cluster`.

use super::Files;
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("delete-cluster")
        .about("Delete the specified cluster from the kubeconfig")
        .after_help("# Forget the cluster old\nkubectl config delete-cluster old")
        .before_help("NAME")
        .defer(|c| c.arg(crate::commands::flags::words()))
}

/// Deletes it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let mut files = Files::load(cx)?;
    let Some(name) = super::only_word(matches, cx, "cluster")? else { return Ok(0) };
    if files.config.clusters.remove(&name).is_none() {
        return Err(Failure::message(format!("cannot delete cluster {name}, not in {}", files.name())));
    }
    files.save(true)?;
    cx.print(&format!("deleted cluster {name} from {}\n", files.name()))?;
    Ok(0)
}
