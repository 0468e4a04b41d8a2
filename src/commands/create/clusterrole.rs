//! `create clusterrole`.

use super::generated;
use crate::commands::flags::{Flags, lines, list, pairs, words};
use crate::commands::{Context, Exit, Failure};
use crate::ops::roles::Rules;
use clap::{ArgMatches, Command};
use serde_json::json;
use std::collections::BTreeMap;

/// How the command is called.
pub fn command() -> Command {
    Command::new("clusterrole")
        .about("Create a cluster role")
        .long_about(
            "Create a role that allows some verbs for some resources of the whole cluster, or for paths of the server, \
             or all that other cluster roles with some labels allow.",
        )
        .after_help(
            "# Reading pods\nkubectl create clusterrole reader --verb=get,list,watch --resource=pods\n\n\
             # Reading paths\nkubectl create clusterrole logs --verb=get --non-resource-url=/logs/*\n\n\
             # All that roles with a label allow\nkubectl create clusterrole all --aggregation-rule=example.com/part-of=all",
        )
        .before_help(
            "NAME --verb=verb --resource=resource.group [--resource-name=resourcename] [--dry-run=server|client|none]",
        )
        .defer(|c| {
            c.args(generated::flags())
                .args([
                    pairs("aggregation-rule", "KEY=value,... of the labels of the cluster roles to gather."),
                    list("non-resource-url", None, "Paths of the server that are no resources."),
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
    aggregation: BTreeMap<String, String>,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    let name = generated::name(matches, "create clusterrole")?;
    let urls = matches.list("non-resource-url");
    let rules = Rules::new(matches.list("verb"), &matches.list("resource"), matches.list("resource-name"), urls);
    let aggregation = matches.pairs("aggregation-rule");
    if !aggregation.is_empty() {
        if rules != Rules::default() {
            return fail(
                "aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames",
            );
        }
    } else if rules.verbs.is_empty() {
        return fail("at least one verb must be specified");
    } else if rules.resources.is_empty() && rules.urls.is_empty() {
        return fail("one of resource or nonResourceURL must be specified");
    }
    Ok(Plan { name, rules, aggregation })
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let Plan { name, rules, aggregation } = plan(matches)?;
    let mut role =
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}});
    if aggregation.is_empty() {
        let mut found = Vec::new();
        if !rules.resources.is_empty() {
            for verb in rules.odd_verbs() {
                cx.complain(&format!("Warning: '{verb}' is not a standard resource verb\n"));
            }
            let client = cx.client()?;
            found = cx.block_on(rules.resolve(&client))?;
        }
        rules.check_urls()?;
        role["rules"] = rules.rules(&found).into();
    } else {
        role["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": aggregation}]});
    }
    generated::create(role, "", matches, cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_refused() {
        let planned = |line: &str| plan(&command().get_matches_from(line.split(' ')));
        for line in [
            "clusterrole r",
            "clusterrole r --verb=get",
            "clusterrole r --aggregation-rule=a=b --verb=get",
            "clusterrole --verb=get",
        ] {
            assert!(planned(line).is_err(), "{line}");
        }
        let aggregation = planned("clusterrole r --aggregation-rule=a=b,c=d").unwrap().aggregation;
        assert_eq!(aggregation, BTreeMap::from([("a".into(), "b".into()), ("c".into(), "d".into())]));
        assert!(planned("clusterrole r --verb=get --non-resource-url=/a").is_ok());
    }
}
