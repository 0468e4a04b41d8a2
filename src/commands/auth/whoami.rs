//! `auth whoami`: who the server takes one for.

use crate::api::{GroupVersionResource, Object, ObjectExt};
use crate::client::{Mapping, Request};
use crate::commands::flags::{Flags, words};
use crate::commands::{Context, Exit, Failure, sets};
use crate::ops::Cluster;
use crate::ops::options::DryRun;
use crate::output::tabwriter::{Layout, TabWriter};
use crate::schema;
use clap::{ArgMatches, Command};
use serde_json::json;

/// The versions in which servers have had the question.
const VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha1"];

/// How the command is called.
pub fn command() -> Command {
    Command::new("whoami")
        .about("Experimental: Check self subject attributes")
        .long_about(
            "Print the name, groups and other attributes that the server knows whoever asks by. What they are depends on \
             how the server knows its users, and is not always plain from the kubeconfig.",
        )
        .after_help("# Who am I?\nkubectl auth whoami\n\n# As JSON\nkubectl auth whoami -o json")
        .before_help("")
        .defer(|c| c.args(sets::output()).arg(words()))
}

async fn ask(cluster: &Cluster) -> Result<Object, Failure> {
    let mut refused = None;
    for version in VERSIONS {
        let gvr = GroupVersionResource::new("authentication.k8s.io", version, "selfsubjectreviews");
        let review =
            json!({"apiVersion": gvr.group_version().to_string(), "kind": "SelfSubjectReview", "metadata": {}});
        let mapping = Mapping { gvr, ..Mapping::default() };
        match cluster.client.json(&Request::create(&mapping, "", &review)).await.map_err(Failure::from) {
            Err(failure) if failure.is_not_found() => {}
            Err(failure) if failure.status().is_some_and(|status| status.reason == "Forbidden") => {
                refused = Some(" or you do not have permission to call it");
                break;
            }
            answer => return answer,
        }
    }
    let refused = refused.unwrap_or_default();
    Err(Failure::message(format!("the selfsubjectreviews API is not enabled in the cluster{refused}")))
}

/// Asks, and prints the answer.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let printer = cx.typed_printer(matches, "", DryRun::None)?;
    let cluster = cx.cluster()?;
    let review = cx.block_on(ask(&cluster))?;
    if matches.text("output").is_empty() {
        cx.print(&table(&review)?)?;
    } else {
        let review = schema::as_go_type(&review).and_then(Result::ok).unwrap_or(review);
        printer.print(&review, cx.stdout())?;
    }
    Ok(0)
}

fn table(review: &Object) -> Result<String, Failure> {
    let mut tabs = TabWriter::new(Vec::new(), Layout::TABLE);
    tabs.push("ATTRIBUTE\tVALUE\n")?;
    let user = review.at(&["status", "userInfo"]).cloned().unwrap_or_default();
    let list = |value: &Object| {
        let texts = value.as_array().into_iter().flatten().filter_map(Object::as_str);
        texts.collect::<Vec<_>>().join(" ")
    };
    for (label, field) in [("Username", "username"), ("UID", "uid")] {
        if !user.text(&[field]).is_empty() {
            tabs.push(&format!("{label}\t{}\n", user.text(&[field])))?;
        }
    }
    if !user.items_at(&["groups"]).is_empty() {
        tabs.push(&format!("Groups\t[{}]\n", list(&user["groups"])))?;
    }
    let mut extra: Vec<_> = user.map_at(&["extra"]).into_iter().flatten().collect();
    extra.sort_by_key(|(key, _)| *key);
    for (key, values) in extra {
        tabs.push(&format!("Extra: {key}\t[{}]\n", list(values)))?;
    }
    tabs.flush()?;
    Ok(String::from_utf8_lossy(tabs.inner_mut()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_shown() {
        let shown = |user: Object| table(&json!({"status": {"userInfo": user}})).unwrap();
        assert_eq!(shown(json!({"username": "a"})), "ATTRIBUTE   VALUE\nUsername    a\n");
        assert_eq!(
            shown(json!({"username": "a", "uid": "u", "groups": ["g", "h"], "extra": {"y": ["1", "2"], "x": []}})),
            "ATTRIBUTE   VALUE\nUsername    a\nUID         u\nGroups      [g h]\nExtra: x    []\nExtra: y    [1 2]\n"
        );
    }
}
