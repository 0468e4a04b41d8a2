//! `create role`.

use super::generated;
use crate::commands::flags::{Flags, lines, list, words};
use crate::commands::{Context, Exit, Failure};
use crate::ops::roles::Rules;
use clap::{ArgMatches, Command};
use serde_json::json;

/// How the command is called.
pub fn command() -> Command {
    Command::new("role")
        .about("Create a role with single rule")
        .long_about("Create a role that allows some verbs for some resources of a namespace.")
        .after_help(
            "# Reading pods\nkubectl create role reader --verb=get,list,watch --resource=pods\n\n\
             # Reading one pod\nkubectl create role reader --verb=get --resource=pods --resource-name=web\n\n\
             # Replica sets of apps, and a subresource\nkubectl create role scaler --verb=get,update --resource=rs.apps,deployments.apps/scale",
        )
        .before_help(
            "NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename] [--dry-run=server|client|none]",
        )
        .defer(|c| {
            c.args(generated::flags())
                .args([
                    list("resource", None, "The resources, as RESOURCE.GROUP/SUBRESOURCE."),
                    lines("resource-name", None, "The name of one object; may be repeated. All objects without it."),
                    list("verb", None, "The verbs."),
                ])
                .arg(words())
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    name: String,
    rules: Rules,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let name = generated::name(matches, "create role")?;
    let resources = matches.list("resource");
    let rules = Rules::new(matches.list("verb"), &resources, matches.list("resource-name"), Vec::new());
    if rules.verbs.is_empty() {
        return Err(Failure::message("at least one verb must be specified"));
    }
    Ok(Plan { name, rules })
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let Plan { name, rules } = plan(matches)?;
    for verb in rules.odd_verbs() {
        cx.complain(&format!("Warning: '{verb}' is not a standard resource verb\n"));
    }
    if rules.resources.is_empty() {
        return Err(Failure::message("at least one resource must be specified"));
    }
    let client = cx.client()?;
    let found = cx.block_on(rules.resolve(&client))?;
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name},
        "rules": rules.rules(&found),
    });
    generated::create(role, "", matches, cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_needed() {
        let planned = |line: &str| plan(&command().get_matches_from(line.split(' ')));
        assert!(planned("role r --resource=pods").is_err() && planned("role --verb=get").is_err());
        assert_eq!(planned("role r --verb=get,list --verb=get").unwrap().rules.verbs, ["get", "list"]);
    }
}
