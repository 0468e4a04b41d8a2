//! `rollout restart`: has a controller make all its pods anew.

use super::change;
use crate::commands::{Context, Exit, Failure};
use crate::ops::rollout::change::Change;
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    change::with_flags(
        Command::new("restart")
            .about("Restart a resource")
            .long_about("Note the time in the template of a deployment, daemon set or stateful set, so that all pods are made anew.")
            .after_help("# The pods of one deployment, and of all that have a label\nkubectl rollout restart deployment/web\nkubectl rollout restart deployment --selector=app=web"),
    )
}

/// Restarts the objects.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let time = jiff::fmt::strtime::format("%Y-%m-%dT%H:%M:%S%:z", &cx.now());
    let time = time.map_err(|error| Failure::message(error.to_string()))?;
    let time = time.strip_suffix("+00:00").map_or(time.clone(), |time| format!("{time}Z"));
    change::run(matches, cx, &Change::Restart(time), "restarted")
}
