//! `config get-clusters`.

use super::Files;
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("get-clusters")
        .about("Display clusters defined in the kubeconfig")
        .after_help("# The names of all clusters\nkubectl config get-clusters")
        .defer(|c| c.arg(crate::commands::flags::words()))
}

/// Prints their names.
pub fn run(_: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let files = Files::load(cx)?;
    cx.print("NAME\n")?;
    files.config.clusters.keys().try_for_each(|name| cx.print(&format!("{name}\n")))?;
    Ok(0)
}
