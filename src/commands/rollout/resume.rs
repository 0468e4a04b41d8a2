//! `rollout resume`: has a controller look again.

use super::change;
use crate::commands::{Context, Exit, Failure};
use crate::ops::rollout::change::Change;
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    change::with_flags(
        Command::new("resume")
            .about("Resume a paused resource")
            .long_about("Have a paused deployment's controller look again. Only deployments can be resumed.")
            .after_help("# What was changed meanwhile is rolled out\nkubectl rollout resume deployment/web"),
    )
}

/// Resumes the objects.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    change::run(matches, cx, &Change::Resume, "resumed")
}
