//! What an object can be waited for: that it is there or gone, a condition of its status, a value in it.

use super::Failure;
use super::delete::why_there;
use crate::api::{Object, ObjectExt, Value};
use crate::expr::go_value::Plain;
use crate::expr::jsonpath::{JsonPath, relax};

/// One thing to wait for.
#[derive(Debug)]
pub enum Condition {
    /// That the object is there.
    Created,
    /// That it is gone.
    Deleted,
    /// That a condition of its status is so.
    Status {
        /// The condition's type.
        name: String,
        /// What its status must be.
        value: String,
    },
    /// That a path leads to a value; to any when it is none.
    Path {
        /// The path, as it was written.
        text: String,
        /// The path.
        path: JsonPath,
        /// The value as Go prints it.
        value: Option<String>,
    },
}

impl Condition {
    /// Reads one `--for`.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        match text.to_lowercase().as_str() {
            "create" => return Ok(Condition::Created),
            "delete" => return Ok(Condition::Deleted),
            _ => {}
        }
        if let Some(condition) = text.strip_prefix("condition=") {
            let (name, value) = condition.split_once('=').unwrap_or((condition, "true"));
            return Ok(Condition::Status { name: name.into(), value: value.into() });
        }
        match text.strip_prefix("jsonpath=") {
            Some(input) => path(input),
            None => Err(Failure::message(format!("unrecognized condition: {text:?}"))),
        }
    }

    /// Whether the object is so.
    pub fn is_met(&self, object: &Object) -> Result<bool, Failure> {
        match self {
            Condition::Created => Ok(true),
            Condition::Deleted => Ok(false),
            Condition::Status { name, value } => Ok(has_condition(object, name, value)),
            Condition::Path { path, value, .. } => has_value(object, path, value.as_deref()),
        }
    }

    /// How the object is instead, for a person who waits.
    pub fn instead(&self, object: &Object) -> String {
        match self {
            Condition::Created => "is not there yet".into(),
            Condition::Deleted => why_there(object),
            Condition::Status { name, value } => match condition(object, name) {
                None => format!("has no condition {name}"),
                Some(found) if is_old(object, found) => format!("has {} of an older generation", found.text(&["type"])),
                Some(found) => {
                    let said = ["reason", "message"].map(|field| found.text(&[field])).into_iter();
                    let said: Vec<&str> = said.filter(|text| !text.is_empty()).collect();
                    let why = if said.is_empty() { String::new() } else { format!(" ({})", said.join(": ")) };
                    format!("has {}={}, not {value}{why}", found.text(&["type"]), found.text(&["status"]))
                }
            },
            Condition::Path { text, path, value } => {
                let found = path.find(object, true).unwrap_or_default();
                let found: Vec<String> = found.iter().flatten().map(|value| Plain(value).to_string()).collect();
                match (found.is_empty(), value) {
                    (true, _) => format!("has no {text}"),
                    (false, Some(value)) => format!("has {text}={}, not {value}", found.join(",")),
                    (false, None) => format!("has {text}={}", found.join(",")),
                }
            }
        }
    }
}

/// The condition of this type that the object's status has.
fn condition<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object.items_at(&["status", "conditions"]).iter().find(|condition| {
        same(condition.text(&["type"]), name) && condition.at(&["status"]).is_some_and(Value::is_string)
    })
}

/// Whether a condition was found of an older specification than the present one.
fn is_old(object: &Object, condition: &Value) -> bool {
    let observed =
        condition.integer(&["observedGeneration"]).or_else(|| object.integer(&["status", "observedGeneration"]));
    object.integer(&["metadata", "generation"]).zip(observed).is_some_and(|(now, then)| then < now)
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// Whether the status says so of the present specification and not of an older one.
fn has_condition(object: &Object, name: &str, value: &str) -> bool {
    condition(object, name).is_some_and(|found| !is_old(object, found) && same(found.text(&["status"]), value))
}

fn has_value(object: &Object, path: &JsonPath, value: Option<&str>) -> Result<bool, Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    let results = path.find(object, true).map_err(|error| Failure::message(error.to_string()))?;
    let found = match results.as_slice() {
        [] => return Ok(false),
        [first, ..] if first.is_empty() => return Ok(false),
        [_, _, ..] => return fail("given jsonpath expression matches more than one list"),
        [first] => match first.as_slice() {
            [one] => *one,
            _ => return fail("given jsonpath expression matches more than one value"),
        },
    };
    let Some(value) = value else { return Ok(true) };
    if found.is_object() || found.is_array() {
        return fail("jsonpath leads to a nested object or list which is not supported");
    }
    Ok(Plain(found).to_string().trim() == value.trim())
}

/// Reads `{.path}` or `{.path}=value`. Two equal signs together belong to the path.
fn path(input: &str) -> Result<Condition, Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    let bad = |error: &dyn std::fmt::Display| Failure::message(error.to_string());
    let parts = parts(input);
    let [path, value @ ..] = parts.as_slice() else { return fail("jsonpath expression cannot be empty") };
    if value.len() > 1 {
        return fail(
            "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'",
        );
    }
    let relaxed = relax(path).map_err(|error| bad(&error))?;
    let value = match value.first().map(|value| value.trim_matches(['\'', '"'])) {
        Some("") => {
            return fail(
                "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3",
            );
        }
        value => value.map(String::from),
    };
    if relaxed.is_empty() {
        return fail("jsonpath expression cannot be empty");
    }
    let path = JsonPath::parse(&relaxed).map_err(|error| bad(&error))?;
    Ok(Condition::Path { text: relaxed, path, value })
}

fn parts(input: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = input.chars().peekable();
    while let Some(c) = rest.next() {
        let last = parts.len() - 1;
        match c {
            '=' if rest.next_if_eq(&'=').is_some() => parts[last].push_str("=="),
            '=' => parts.push(String::new()),
            c => parts[last].push(c),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn conditions_are_met() {
        let object = json!({
            "metadata": {"name": "d", "generation": 2},
            "spec": {"replicas": 3, "nodes": [{"ip": "a"}, {"ip": "b"}]},
            "status": {"phase": "Running", "conditions": [
                {"type": "Available", "status": "True", "observedGeneration": 2},
                {"type": "Old", "status": "True", "observedGeneration": 1},
                {"type": "Failed", "status": "False"}]},
        });
        for (text, met) in [
            ("create", true),
            ("DELETE", false),
            ("condition=available", true),
            ("condition=Available=false", false),
            ("condition=Failed=FALSE", true),
            ("condition=Old", false),
            ("condition=Nosuch", false),
            ("jsonpath={.status.phase}=Running", true),
            ("jsonpath=.status.phase='Running'", true),
            ("jsonpath={.spec.replicas}=3", true),
            ("jsonpath={.spec.replicas}=4", false),
            ("jsonpath={.spec.nodeName}", false),
            ("jsonpath={.metadata.name}", true),
            ("jsonpath={.spec.nodes[?(@.ip==\"a\")].ip}=a", true),
        ] {
            assert_eq!(Condition::parse(text).unwrap().is_met(&object).unwrap(), met, "{text}");
        }
        for (text, words) in [
            ("jsonpath={.spec}=x", "leads to a nested object"),
            ("jsonpath={.spec.nodes[*].ip}=a", "matches more than one value"),
        ] {
            let failure = format!("{:?}", Condition::parse(text).unwrap().is_met(&object).unwrap_err());
            assert!(failure.contains(words), "{text}: {failure}");
        }
    }

    #[test]
    fn what_is_instead_is_said() {
        let object = json!({
            "metadata": {"name": "d", "generation": 2, "finalizers": ["a/b"]},
            "spec": {"nodes": [{"ip": "a"}, {"ip": "b"}]},
            "status": {"phase": "Pending", "observedGeneration": 2, "conditions": [
                {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "unready: [c]"},
                {"type": "Bare", "status": "Unknown"},
                {"type": "Old", "status": "True", "observedGeneration": 1}]},
        });
        for (text, words) in [
            ("create", "is not there yet"),
            ("delete", "waits for finalizers: a/b"),
            ("condition=ready", "has Ready=False, not true (ContainersNotReady: unready: [c])"),
            ("condition=Bare=False", "has Bare=Unknown, not False"),
            ("condition=Old", "has Old of an older generation"),
            ("condition=Nosuch", "has no condition Nosuch"),
            ("jsonpath={.status.phase}=Running", "has {.status.phase}=Pending, not Running"),
            ("jsonpath=.spec.nodes[*].ip=x", "has {.spec.nodes[*].ip}=a,b, not x"),
            ("jsonpath={.status.nosuch}", "has no {.status.nosuch}"),
        ] {
            assert_eq!(Condition::parse(text).unwrap().instead(&object), words, "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (text, words) in [
            ("bogus", "unrecognized condition: \\\"bogus\\\""),
            ("jsonpath={.a}=", "has to have a value after equal sign"),
            ("jsonpath={.a}=b=c", "jsonpath wait format must be"),
            ("jsonpath={.bad=x", "unexpected path string"),
        ] {
            let failure = format!("{:?}", Condition::parse(text).unwrap_err());
            assert!(failure.contains(words), "{text}: {failure}");
        }
    }
}
