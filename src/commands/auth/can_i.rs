//! `auth can-i`: whether the server would allow something, or all that it allows.

use crate::api::{GroupVersionResource, Object, ObjectExt};
use crate::client::{Mapping, Request};
use crate::commands::flags::{Flags, switch, text, words};
use crate::commands::{Context, Exit, Failure, sets};
use crate::describe::compact_rules;
use crate::ops::Cluster;
use crate::output::tabwriter::{Layout, TabWriter};
use clap::{ArgMatches, Command};
use serde_json::json;

/// The verbs of resources that are warned of when they are none of these.
const VERBS: [&str; 16] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "use",
    "bind",
    "impersonate",
    "*",
    "approve",
    "sign",
    "escalate",
    "attest",
];
/// The verbs of paths.
const METHODS: [&str; 8] = ["get", "put", "post", "head", "options", "delete", "patch", "*"];
/// What can be impersonated, although no server lists it.
const UNLISTED: [&str; 2] = ["users", "groups"];

/// How the command is called.
pub fn command() -> Command {
    Command::new("can-i")
        .about("Check whether an action is allowed")
        .long_about(
            "Ask the server whether it would allow an action, or with --list what it allows. The answer is yes or no; \
             no ends with 1. With --as the question is about somebody else.\n\n \
             VERB is what is done, such as get, list, watch, create, update, patch or delete. TYPE is a resource, in any \
             of its names. NONRESOURCEURL is a path that begins with a slash.",
        )
        .after_help(
            "# May I make pods in any namespace?\nkubectl auth can-i create pods --all-namespaces\n\n\
             # May the service account robot list deployments in the namespace shop?\nkubectl auth can-i list deployments.apps -n shop --as=system:serviceaccount:shop:robot\n\n\
             # May I read the logs of the pod web?\nkubectl auth can-i get pods/web --subresource=log\n\n\
             # May I ask for /logs/?\nkubectl auth can-i get /logs/\n\n\
             # Everything that I may do in the namespace shop\nkubectl auth can-i --list --namespace=shop",
        )
        .before_help("VERB [TYPE | TYPE/NAME | NONRESOURCEURL]")
        .defer(|c| {
            c.args([
                sets::all_namespaces(),
                switch("list", None, false, "Print all that is allowed."),
                switch("no-headers", None, false, "With --list: leave the headings out."),
                switch("quiet", Some('q'), false, "Print nothing; the exit code is the answer."),
                text("subresource", None, "", "What lies below the objects, such as log or scale."),
            ])
            .arg(words())
        })
}

#[derive(Debug, PartialEq)]
enum Plan {
    List { headers: bool },
    Path { verb: String, path: String, quiet: bool },
    Resource { verb: String, resource: String, name: String, subresource: String, everywhere: bool, quiet: bool },
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    let (words, quiet, everywhere) = (matches.words(), matches.on("quiet"), matches.on("all-namespaces"));
    let subresource = matches.text("subresource").to_string();
    if matches.on("list") {
        if !words.is_empty() {
            return fail("list option must be specified with no arguments");
        }
        if quiet || everywhere || !subresource.is_empty() {
            return fail("list option can't be specified with neither quiet, all-namespaces nor subresource options");
        }
        return Ok(Plan::List { headers: !matches.on("no-headers") });
    }
    let [verb, what] = words.as_slice() else {
        return fail(
            "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.",
        );
    };
    let verb = verb.clone();
    if what.starts_with('/') {
        if !subresource.is_empty() {
            return fail("--subresource can not be used with NonResourceURL");
        }
        return Ok(Plan::Path { verb, path: what.clone(), quiet });
    }
    let (resource, name) = what.split_once('/').unwrap_or((what, ""));
    Ok(Plan::Resource { verb, resource: resource.into(), name: name.into(), subresource, everywhere, quiet })
}

/// The resource that a word means, and whether it is known to be outside namespaces. What the server does not list is
/// asked about as it was written.
fn resource(word: &str, cluster: &Cluster, cx: &mut Context) -> Result<(GroupVersionResource, bool), Failure> {
    let unknown = GroupVersionResource::new("", "", word);
    if word == "*" {
        return Ok((unknown, false));
    }
    let lower = word.to_lowercase();
    let found = cx.runtime()?.block_on(cluster.client.resource_name(&lower));
    if let Ok(mapping) = found {
        return Ok((mapping.gvr, !mapping.namespaced));
    }
    if !UNLISTED.contains(&lower.as_str()) {
        cx.warn(&match lower.split_once('.') {
            Some((resource, group)) if !group.is_empty() => {
                format!("the server doesn't have a resource type '{resource}' in group '{group}'\n")
            }
            _ => format!("the server doesn't have a resource type '{}'\n", lower.trim_end_matches('.')),
        });
    }
    Ok((unknown, false))
}

/// Asks the server for a review.
fn ask(cluster: &Cluster, cx: &mut Context, resource: &str, kind: &str, spec: Object) -> Result<Object, Failure> {
    let gvr = GroupVersionResource::new("authorization.k8s.io", "v1", resource);
    let mapping = Mapping { gvr, ..Mapping::default() };
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": kind, "metadata": {}, "spec": spec});
    cx.block_on(cluster.client.json(&Request::create(&mapping, "", &review)))
}

/// Asks, and prints the answer.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let cluster = cx.cluster()?;
    let unlisted_headers = || match matches.on("no-headers") {
        true => Err(Failure::message("--no-headers cannot be set without --list specified")),
        false => Ok(()),
    };
    let unknown_verb = |verb: &str| format!("verb '{verb}' is not a known verb\n");
    let (spec, quiet) = match plan {
        Plan::List { headers } => return list(&cluster, cx, headers),
        Plan::Path { verb, path, quiet } => {
            if !METHODS.contains(&verb.as_str()) {
                cx.warn(&unknown_verb(&verb));
            }
            (json!({"nonResourceAttributes": {"path": path, "verb": verb}}), quiet)
        }
        Plan::Resource { verb, resource: word, name, subresource, everywhere, quiet } => {
            let (gvr, across) = resource(&word, &cluster, cx)?;
            if !everywhere && !gvr.resource.is_empty() {
                if across {
                    let group = if gvr.group.is_empty() { String::new() } else { format!(" in group '{}'", gvr.group) };
                    cx.warn(&format!("resource '{}' is not namespace scoped{group}\n", gvr.resource));
                }
                if !VERBS.contains(&verb.as_str()) {
                    cx.warn(&unknown_verb(&verb));
                }
            }
            let namespace = if everywhere { "" } else { &cluster.namespace };
            let asked = [
                ("namespace", namespace),
                ("verb", &verb),
                ("group", &gvr.group),
                ("resource", &gvr.resource),
                ("subresource", &subresource),
                ("name", &name),
            ];
            let asked = asked.into_iter().filter(|(_, text)| !text.is_empty());
            let asked: Object = asked.map(|(field, text)| (field.to_string(), Object::from(text))).collect();
            (json!({"resourceAttributes": asked}), quiet)
        }
    };
    unlisted_headers()?;
    let answer = ask(&cluster, cx, "selfsubjectaccessreviews", "SelfSubjectAccessReview", spec)?;
    let (text, allowed) = worded(&answer);
    if !quiet {
        cx.print(&text)?;
    }
    Ok(if allowed { 0 } else { 1 })
}

/// The answer, and whether it is yes.
fn worded(review: &Object) -> (String, bool) {
    if review.at(&["status", "allowed"]).and_then(Object::as_bool) == Some(true) {
        return ("yes\n".into(), true);
    }
    let reasons = ["reason", "evaluationError"].map(|field| review.text(&["status", field]));
    let reasons = reasons.iter().filter(|reason| !reason.is_empty());
    (format!("no{}\n", reasons.map(|reason| format!(" - {reason}")).collect::<String>()), false)
}

fn list(cluster: &Cluster, cx: &mut Context, headers: bool) -> Result<Exit, Failure> {
    let spec = json!({"namespace": cluster.namespace});
    let review = ask(cluster, cx, "selfsubjectrulesreviews", "SelfSubjectRulesReview", spec)?;
    if review.at(&["status", "incomplete"]).and_then(Object::as_bool) == Some(true) {
        cx.warn(&format!("the list may be incomplete: {}", review.text(&["status", "evaluationError"])));
    }
    cx.print(&table(&review, headers)?)?;
    Ok(0)
}

fn table(review: &Object, headers: bool) -> Result<String, Failure> {
    let rules = ["resourceRules", "nonResourceRules"].map(|field| review.items_at(&["status", field]));
    let mut tabs = TabWriter::new(Vec::new(), Layout::TABLE);
    if headers {
        tabs.push("Resources\tNon-Resource URLs\tResource Names\tVerbs\n")?;
    }
    for rule in compact_rules(&rules.concat()) {
        tabs.push(&format!("{rule}\n"))?;
    }
    tabs.flush()?;
    Ok(String::from_utf8_lossy(tabs.inner_mut()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(line: &str) -> Result<Plan, String> {
        plan(&command().get_matches_from(line.split(' '))).map_err(|failure| failure.words())
    }

    #[test]
    fn questions_are_read() {
        let resource = |verb: &str, resource: &str, name: &str, subresource: &str, everywhere: bool| Plan::Resource {
            verb: verb.into(),
            resource: resource.into(),
            name: name.into(),
            subresource: subresource.into(),
            everywhere,
            quiet: false,
        };
        for (line, expected) in [
            ("can-i get pods", resource("get", "pods", "", "", false)),
            ("can-i get pods/a/b --subresource=log -A", resource("get", "pods", "a/b", "log", true)),
            ("can-i --list --no-headers", Plan::List { headers: false }),
            ("can-i get /a -q", Plan::Path { verb: "get".into(), path: "/a".into(), quiet: true }),
        ] {
            assert_eq!(planned(line), Ok(expected), "{line}");
        }
        for (line, words) in [
            ("can-i", "you must specify two arguments"),
            ("can-i get", "you must specify two arguments"),
            ("can-i get pods a", "you must specify two arguments"),
            ("can-i --list x", "list option must be specified with no arguments"),
            ("can-i --list -A", "list option can't be specified with"),
            ("can-i get /a --subresource=x", "--subresource can not be used with NonResourceURL"),
        ] {
            assert!(planned(line).unwrap_err().starts_with(words), "{line}");
        }
    }

    #[test]
    fn answers_have_reasons() {
        for (status, text) in [
            (json!({"allowed": true, "reason": "because"}), "yes\n"),
            (json!({"allowed": false}), "no\n"),
            (json!({"reason": "a", "evaluationError": "b"}), "no - a - b\n"),
        ] {
            assert_eq!(worded(&json!({"status": status})).0, text);
        }
    }

    #[test]
    fn rules_are_listed() {
        let status = json!({
            "resourceRules": [{"verbs": ["get"], "apiGroups": ["apps"], "resources": ["deployments"]}],
            "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/x"]}]
        });
        let lines = "                   [/x]                []               [get]\n\
                     deployments.apps   []                  []               [get]\n";
        let headings = "Resources          Non-Resource URLs   Resource Names   Verbs\n";
        assert_eq!(table(&json!({"status": status}), true).unwrap(), format!("{headings}{lines}"));
    }
}
