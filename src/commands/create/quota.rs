//! `create quota`.

use super::generated;
use crate::api::quantity::Quantity;
use crate::api::{Map, Object, ObjectExt, Value};
use crate::commands::flags::{Flags, text, words};
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};
use serde_json::json;
use std::str::FromStr;

/// How the command is called.
pub fn command() -> Command {
    Command::new("quota")
        .alias("resourcequota")
        .about("Create a quota with the specified name")
        .long_about("Create a resource quota: how much a namespace may have, and of which kind of pods that is said.")
        .after_help(
            "# How many pods and how much of the nodes\nkubectl create quota small --hard=cpu=1,memory=1G,pods=10\n\n\
             # Only of pods that ask for nothing\nkubectl create quota idle --hard=pods=100 --scopes=BestEffort",
        )
        .before_help("NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2] [--dry-run=server|client|none]")
        .defer(|c| {
            c.args(generated::flags())
                .args([
                    text("hard", None, "", "RESOURCE=QUANTITY,... that must not be passed."),
                    text("scopes", None, "", "The kinds of pods that are counted, with commas between them."),
                ])
                .arg(words())
        })
}

fn object(matches: &ArgMatches) -> Result<Object, Failure> {
    let name = generated::name(matches, "create quota")?;
    let mut quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}});
    let (hard, scopes) = (matches.text("hard"), matches.text("scopes"));
    if !hard.is_empty() {
        quota.put(&["spec", "hard"], limits(hard)?);
    }
    if !scopes.is_empty() {
        if scopes.split(',').any(str::is_empty) {
            return Err(Failure::message("invalid resource quota scope \"\""));
        }
        quota.put(&["spec", "scopes"], scopes.split(',').collect::<Vec<_>>());
    }
    Ok(quota)
}

fn limits(text: &str) -> Result<Value, Failure> {
    let mut limits = Map::new();
    for part in text.split(',') {
        let [resource, quantity] = part.split('=').collect::<Vec<_>>()[..] else {
            return Err(Failure::message(format!("Invalid argument syntax {part}, expected <resource>=<value>")));
        };
        let quantity = Quantity::from_str(quantity).map_err(|error| Failure::message(error.to_string()))?;
        limits.insert(resource.into(), quantity.to_string().into());
    }
    Ok(limits.into())
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    generated::create(object(matches)?, "failed to create quota: ", matches, cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_quantities() {
        let made = |line: &str| object(&command().get_matches_from(line.split(' ')));
        assert_eq!(
            made("quota q --hard=cpu=1000m,pods=2 --scopes=A,B").unwrap()["spec"],
            json!({"hard": {"cpu": "1", "pods": "2"}, "scopes": ["A", "B"]})
        );
        for bad in
            ["quota q --hard=cpu", "quota q --hard=cpu=x", "quota q --hard=cpu=1=2", "quota q --scopes=A,", "quota"]
        {
            assert!(made(bad).is_err(), "{bad}");
        }
    }
}
