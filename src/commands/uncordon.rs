//! `uncordon`: has nodes take new pods again.

use super::{Context, Exit, Failure, nodes};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("uncordon")
        .about("Mark node as schedulable")
        .long_about("Have nodes take new pods again.")
        .after_help("# New pods on one node again\nkubectl uncordon one")
        .before_help("NODE")
        .defer(|c| c.args(nodes::flags()))
}

/// Has nodes take new pods again.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    nodes::run(matches, cx, "uncordon", true)
}
