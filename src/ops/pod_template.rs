//! The part of an object that says what its pods are.

use crate::api::{Map, Object, ObjectExt, Value};

/// Where the pod's spec is in an object, when it has pods.
fn path(object: &Object) -> Option<&'static [&'static str]> {
    let kind = object.group_version_kind();
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => Some(&["spec"]),
        ("", "ReplicationController")
        | ("apps" | "extensions", "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet")
        | ("batch", "Job") => Some(&["spec", "template", "spec"]),
        ("batch", "CronJob") => Some(&["spec", "jobTemplate", "spec", "template", "spec"]),
        _ => None,
    }
}

/// The spec of the object's pods; made where it is missing.
///
/// # Errors
/// When the object has no pods, in kubectl's words.
pub fn spec_mut(object: &mut Object) -> Result<&mut Value, String> {
    let Some(path) = path(object) else { return Err(format!("{NONE}: {}", go_type(object))) };
    let spec = object.at_mut(path);
    if !spec.is_object() {
        *spec = Value::Object(Map::new());
    }
    Ok(spec)
}

/// The spec of the object's pods, when it has any.
pub fn spec(object: &Object) -> Option<&Value> {
    object.at(path(object)?)
}

const NONE: &str = "the object is not a pod or does not have a pod template";

/// How Go prints the type of an object.
pub fn go_type(object: &Object) -> String {
    let kind = object.group_version_kind();
    format!("*{}.{}", kind.version, kind.kind)
}

/// The containers of a pod's spec whose names match, those that run before the others last.
pub fn containers_mut<'a>(spec: &'a mut Value, pattern: &str) -> Vec<&'a mut Value> {
    let Some(spec) = spec.as_object_mut() else { return Vec::new() };
    let (mut first, mut init) = (Vec::new(), Vec::new());
    for (field, value) in spec.iter_mut() {
        let list = match field.as_str() {
            "containers" => &mut first,
            "initContainers" => &mut init,
            _ => continue,
        };
        list.extend(value.as_array_mut().into_iter().flatten().filter(|c| matches(c.text(&["name"]), pattern)));
    }
    first.extend(init);
    first
}

/// Whether a name matches a pattern with stars: the first star matches as little as it can.
fn matches(name: &str, pattern: &str) -> bool {
    if pattern == "*" || name == pattern {
        return true;
    }
    if !pattern.contains('*') {
        return false;
    }
    // kubectl's own rule, kept with its oddities: a part after the first must begin behind the one before it.
    let parts: Vec<&str> = pattern.split('*').collect();
    let mut at = 0;
    for (i, part) in parts.iter().enumerate().filter(|(_, part)| !part.is_empty()) {
        let Some(next) = name.get(at..).and_then(|rest| rest.find(part)) else { return false };
        let is_last = i + 1 == parts.len();
        if next < at || (i == 0 && at != 0) || (is_last && name.len() != part.len() + next) {
            return false;
        }
        at = next;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pods_are_where_the_kind_has_them() {
        for (version, kind, pointer) in [
            ("v1", "Pod", "/spec/x"),
            ("apps/v1", "Deployment", "/spec/template/spec/x"),
            ("batch/v1", "CronJob", "/spec/jobTemplate/spec/template/spec/x"),
        ] {
            let mut object = json!({"apiVersion": version, "kind": kind});
            spec_mut(&mut object).unwrap().put(&["x"], 1);
            assert_eq!(object.pointer(pointer), Some(&json!(1)));
        }
        let mut map = json!({"apiVersion": "v1", "kind": "ConfigMap"});
        assert_eq!(spec_mut(&mut map).unwrap_err(), format!("{NONE}: *v1.ConfigMap"));
    }

    #[test]
    fn names_match_patterns() {
        for (name, pattern, good) in [
            ("a", "*", true),
            ("a", "a", true),
            ("a", "b", false),
            ("web-1", "web*", true),
            ("my-web", "web*", true),
            ("init", "*it", true),
            ("init", "*in", false),
            ("init", "x*", false),
        ] {
            assert_eq!(matches(name, pattern), good, "{name} {pattern}");
        }
    }

    #[test]
    fn containers_come_before_those_that_run_first() {
        let mut spec = json!({"containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}]});
        let names: Vec<String> = containers_mut(&mut spec, "*").iter().map(|c| c.text(&["name"]).to_string()).collect();
        assert_eq!(names, ["a", "b", "i"]);
        assert_eq!(containers_mut(&mut spec, "b").len(), 1);
    }
}
