//! `rollout pause`: has a controller look away.

use super::change;
use crate::commands::{Context, Exit, Failure};
use crate::ops::rollout::change::Change;
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    change::with_flags(
        Command::new("pause")
            .about("Mark the provided resource as paused")
            .long_about("Have a deployment's controller look away, so that several changes make one rollout. Only deployments can be paused.")
            .after_help("# No rollout until it is resumed\nkubectl rollout pause deployment/web"),
    )
}

/// Pauses the objects.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    change::run(matches, cx, &Change::Pause, "paused")
}
