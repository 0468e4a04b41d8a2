//! `create service loadbalancer`.

use super::{create, flags, plan};
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("loadbalancer")
        .about("Create a LoadBalancer service")
        .long_about("Create a service that the cluster's surroundings give an address outside of it.")
        .after_help("# A service on port 5678 for port 8080 of its pods\nkubectl create service loadbalancer web --tcp=5678:8080")
        .before_help("NAME [--tcp=port:targetPort] [--dry-run=server|client|none]")
        .defer(|c| c.args(flags()))
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches, "LoadBalancer", "create service loadbalancer")?;
    create(&plan, "failed to create LoadBalancer service: ", matches, cx)
}
