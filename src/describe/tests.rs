//! Holds descriptions against what kubectl 1.37.1 printed of the same objects (fixtures/describe.json).

use super::*;
use jiff::tz::TimeZone;

const RECORDED: &str = include_str!("../../fixtures/describe.json");

/// Where a lookup would ask a server.
fn path(lookup: &Lookup) -> String {
    let mut path = lookup.resource.group_version().root();
    if !lookup.namespace.is_empty() {
        path = format!("{path}/namespaces/{}", lookup.namespace);
    }
    path = format!("{path}/{}", lookup.resource.resource);
    match &lookup.wanted {
        Wanted::Name(name) => format!("{path}/{name}"),
        Wanted::All { .. } => path,
    }
}

fn recorded() -> (Value, Context) {
    let recorded: Value = serde_json::from_str(RECORDED).unwrap();
    let now = recorded["now"].as_i64().unwrap();
    (recorded, Context { now, zone: TimeZone::UTC, show_events: true, found: Vec::new() })
}

fn find(recorded: &Value, lookups: Vec<Lookup>) -> Vec<(Lookup, Found)> {
    let found = |lookup: Lookup| {
        let found = match (recorded["found"].get(path(&lookup)), &lookup.wanted) {
            (Some(found), _) => Ok(found.as_array().unwrap().clone()),
            (None, Wanted::All { .. }) => Ok(Vec::new()),
            (None, Wanted::Name(name)) => {
                Err(Status::failure(404, "NotFound", format!("{} \"{name}\" not found", lookup.resource.resource)))
            }
        };
        (lookup, found)
    };
    lookups.into_iter().map(found).collect()
}

#[test]
fn descriptions_are_kubectls() {
    let (recorded, mut context) = recorded();
    for case in recorded["cases"].as_array().unwrap() {
        let object = &case["object"];
        let want: Vec<&str> = case["text"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        // The pod that was recorded last has no events.
        let alone = want.iter().any(|line| line.starts_with("Events:") && line.ends_with("<none>"));
        context.found = if alone { Vec::new() } else { find(&recorded, needs(object, true)) };
        let text = describe(object, &context).unwrap();
        let lines: Vec<&str> = text.split('\n').collect();
        assert_eq!(lines, want, "{} {}", object.kind(), object.name());
    }
}

#[test]
fn events_are_looked_up_and_shown_on_demand() {
    let (recorded, mut context) = recorded();
    let pod =
        &recorded["cases"].as_array().unwrap().iter().find(|case| case["object"].kind() == "Pod").unwrap()["object"];
    let lookup = &needs(pod, true)[0];
    assert_eq!(path(lookup), "/api/v1/namespaces/default/events");
    // The uid of a static pod's events is the hash of its file.
    let fields = "involvedObject.name=p,involvedObject.namespace=default,involvedObject.uid=abc".to_string();
    assert_eq!(lookup.wanted, Wanted::All { labels: String::new(), fields });
    assert_eq!(needs(pod, false), []);
    context.show_events = false;
    assert!(!describe(pod, &context).unwrap().contains("Events:"));
    context.show_events = true;
    context.found = vec![(lookup.clone(), Err(Status::failure(403, "Forbidden", "no")))];
    assert!(!describe(pod, &context).unwrap().contains("Events:"));
}

#[test]
fn what_cannot_be_fetched_is_an_error_where_it_is_needed() {
    let (recorded, context) = recorded();
    let refused = |lookups: Vec<Lookup>, reason: &str| {
        let refused = lookups.into_iter().map(|lookup| (lookup, Err(Status::failure(403, reason, "no such luck"))));
        Context { found: refused.collect(), ..context.clone() }
    };
    let described = |kind: &str, reason: &str| {
        let case = recorded["cases"].as_array().unwrap().iter().find(|case| case["object"].kind() == kind).unwrap();
        let object = &case["object"];
        describe(object, &refused(needs(object, true), reason)).map_err(|error| error.to_string())
    };
    for kind in ["StatefulSet", "DaemonSet", "ReplicationController", "PersistentVolumeClaim", "Namespace"] {
        assert_eq!(described(kind, "Forbidden").unwrap_err(), "no such luck", "{kind}");
    }
    for (kind, part) in [
        ("ReplicaSet", "Pods Status: error in fetching pods: no such luck"),
        ("Node", "Pods: not authorized"),
        ("Node", "Lease: Failed to get lease: no such luck"),
        ("Ingress", "/ s:http (<error: no such luck>)"),
    ] {
        let text = described(kind, "Forbidden").unwrap();
        let mut lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        assert!(lines.any(|line| line == part), "{kind}: {text}");
    }
    assert!(!described("Deployment", "Forbidden").unwrap().contains("ReplicaSet:"));
    assert_eq!(described("Node", "InternalError").unwrap_err(), "no such luck");
    assert!(!described("Namespace", "NotFound").unwrap().contains("quota"));
}

#[test]
fn a_selector_that_is_none_is_an_error() {
    let deployment = serde_json::json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "spec": {"selector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}}});
    let error = describe(&deployment, &recorded().1).unwrap_err();
    assert_eq!(error.to_string(), "\"Like\" is not a valid label selector operator");
}
