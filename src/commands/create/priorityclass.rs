//! `create priorityclass`.

use super::generated;
use crate::api::Object;
use crate::commands::flags::{Flags, integer32, switch, text, words};
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};
use serde_json::json;

/// How the command is called.
pub fn command() -> Command {
    Command::new("priorityclass")
        .alias("pc")
        .about("Create a priority class with the specified name")
        .long_about("Create a priority class: how much more important than others the pods are that name it.")
        .after_help(
            "# A class for what must run\nkubectl create priorityclass high --value=1000 --description=\"must run\"\n\n\
             # One that never has others removed\nkubectl create priorityclass patient --value=1000 --preemption-policy=Never",
        )
        .before_help("NAME --value=VALUE --global-default=BOOL [--dry-run=server|client|none]")
        .defer(|c| {
            c.args(generated::flags())
                .args([
                    text("description", None, "", "When the class is to be used."),
                    switch("global-default", None, false, "The class of pods that name none."),
                    text("preemption-policy", None, "PreemptLowerPriority", "PreemptLowerPriority or Never: whether other pods make room."),
                    integer32("value", None, "0", "The priority: higher goes before lower."),
                ])
                .arg(words())
        })
}

fn object(matches: &ArgMatches) -> Result<Object, Failure> {
    Ok(json!({
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
        "metadata": {"name": generated::any_name(matches, "create priorityclass")?},
        "value": matches.integer("value"), "globalDefault": matches.on("global-default"),
        "description": matches.text("description"), "preemptionPolicy": matches.text("preemption-policy"),
    }))
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    generated::create(object(matches)?, "failed to create priorityclass: ", matches, cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_become_a_class() {
        let class = object(&command().get_matches_from(["pc", "p", "--value=7"])).unwrap();
        assert_eq!((&class["value"], &class["preemptionPolicy"]), (&json!(7), &json!("PreemptLowerPriority")));
        assert!(command().try_get_matches_from(["pc", "p", "--value=3000000000"]).is_err());
    }
}
