//! `cordon`: has nodes take no new pods.

use super::{Context, Exit, Failure, nodes};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("cordon")
        .about("Mark node as unschedulable")
        .long_about("Have nodes take no new pods. Those that are there stay.")
        .after_help("# No new pods on one node\nkubectl cordon one")
        .before_help("NODE")
        .defer(|c| c.args(nodes::flags()))
}

/// Has nodes take no new pods.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    nodes::run(matches, cx, "cordon", false)
}
