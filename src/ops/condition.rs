//! What an object can be waited for: that it is there or gone, a condition of its status, a value in it.

use super::Failure;
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
            Condition::Path { path, value } => has_value(object, path, value.as_deref()),
        }
    }
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// Whether the status says so of the present specification and not of an older one.
fn has_condition(object: &Object, name: &str, value: &str) -> bool {
    let conditions = object.items_at(&["status", "conditions"]);
    let Some(condition) = conditions.iter().find(|condition| {
        same(condition.text(&["type"]), name) && condition.at(&["status"]).is_some_and(Value::is_string)
    }) else {
        return false;
    };
    let observed =
        condition.integer(&["observedGeneration"]).or_else(|| object.integer(&["status", "observedGeneration"]));
    let is_old = object.integer(&["metadata", "generation"]).zip(observed).is_some_and(|(now, then)| then < now);
    !is_old && same(condition.text(&["status"]), value)
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
    Ok(Condition::Path { path: JsonPath::parse(&relaxed).map_err(|error| bad(&error))?, value })
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
