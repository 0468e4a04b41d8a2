//! `create serviceaccount`.

use super::generated;
use crate::api::Object;
use crate::commands::flags::words;
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};
use serde_json::json;

/// How the command is called.
pub fn command() -> Command {
    Command::new("serviceaccount")
        .alias("sa")
        .about("Create a service account with the specified name")
        .after_help("# A service account named robot\nkubectl create serviceaccount robot")
        .before_help("NAME [--dry-run=server|client|none]")
        .defer(|c| c.args(generated::flags()).arg(words()))
}

fn object(name: &str) -> Object {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let name = generated::name(matches, "create serviceaccount")?;
    generated::create(object(&name), "failed to create serviceaccount: ", matches, cx)
}
