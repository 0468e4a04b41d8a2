//! `create service externalname`.

use super::{create, flags, plan};
use crate::commands::flags::{required, text};
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};

/// The kind of service.
pub const KIND: &str = "ExternalName";

/// How the command is called.
pub fn command() -> Command {
    Command::new("externalname")
        .about("Create an ExternalName service")
        .long_about(
            "Create a service that stands for a DNS name outside of the cluster, or in another namespace or cluster.",
        )
        .after_help(
            "# A name for a database elsewhere\nkubectl create service externalname db --external-name=db.example.com",
        )
        .before_help("NAME --external-name external.name [--dry-run=server|client|none]")
        .defer(|c| c.args(flags()).arg(text("external-name", None, "", "The DNS name.")))
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    required(matches, &["external-name"])?;
    let plan = plan(matches, KIND, "create service externalname")?;
    create(&plan, "failed to create ExternalName service: ", matches, cx)
}
