//! `create service clusterip`.

use super::{create, flags, plan};
use crate::commands::flags::text;
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("clusterip")
        .about("Create a ClusterIP service")
        .long_about("Create a service with an address inside the cluster, or with none.")
        .after_help(
            "# A service on port 5678 for port 8080 of its pods\nkubectl create service clusterip web --tcp=5678:8080\n\n\
             # Without an address of its own\nkubectl create service clusterip web --clusterip=None",
        )
        .before_help("NAME [--tcp=<port>:<targetPort>] [--dry-run=server|client|none]")
        .defer(|c| c.args(flags()).arg(text("clusterip", None, "", "The address; None for a service without one.")))
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches, "ClusterIP", "create service clusterip")?;
    create(&plan, "failed to create ClusterIP service: ", matches, cx)
}
