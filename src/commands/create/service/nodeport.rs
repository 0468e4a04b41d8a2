//! `create service nodeport`.

use super::{create, flags, plan};
use crate::commands::flags::integer;
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("nodeport")
        .about("Create a NodePort service")
        .long_about("Create a service with a port on every node.")
        .after_help(
            "# A service on port 5678 for port 8080 of its pods\nkubectl create service nodeport web --tcp=5678:8080",
        )
        .before_help("NAME [--tcp=port:targetPort] [--dry-run=server|client|none]")
        .defer(|c| {
            c.args(flags()).arg(integer("node-port", None, "0", "The port on every node; 0 has the server choose."))
        })
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches, "NodePort", "create service nodeport")?;
    create(&plan, "failed to create NodePort service: ", matches, cx)
}
