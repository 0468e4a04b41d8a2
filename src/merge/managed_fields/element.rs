//! The parts of a field's path: a field's name, an item's keys, an item's value, an index.

use crate::api::json;
use serde_json::{Map, Value};

/// The part for a field, or a key of a map.
pub fn field(name: &str) -> String {
    let mut part = String::with_capacity(name.len() + 2);
    part.push_str("f:");
    part.push_str(name);
    part
}

/// The part for an item of a list of maps that has these keys.
pub fn keys(keys: Map<String, Value>) -> String {
    format!("k:{}", json::to_string(&Value::Object(keys)))
}

/// The part for an item of a set.
pub fn value(value: &Value) -> String {
    format!("v:{}", json::to_string(value))
}

/// The canonical form of a part that a client wrote: none within `Some` when its sort is unknown, none at all when it
/// is no part.
pub fn canonical(part: &str) -> Option<Option<String>> {
    let (sort, rest) = part.split_at_checked(2)?;
    Some(match sort {
        "f:" => Some(part.into()),
        "k:" => Some(keys(serde_json::from_str(rest).ok()?)),
        "v:" => Some(value(&serde_json::from_str(rest).ok()?)),
        "i:" => Some(format!("i:{}", rest.parse::<i64>().ok()?)),
        _ if sort.ends_with(':') => None,
        _ => return None,
    })
}

/// A part as errors write it: `.name`, `[name="c"]`, `[="x"]`, `[0]`.
pub fn display(part: &str) -> String {
    let (sort, rest) = part.split_at_checked(2).unwrap_or(("", part));
    match sort {
        "k:" => {
            let keys: Map<String, Value> = serde_json::from_str(rest).unwrap_or_default();
            let pairs: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={}", scalar(value))).collect();
            format!("[{}]", pairs.join(","))
        }
        "v:" => format!("[={}]", scalar(&serde_json::from_str(rest).unwrap_or_default())),
        "i:" => format!("[{rest}]"),
        _ => format!(".{rest}"),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_are_written_and_displayed() {
        let port = json!({"protocol": "TCP", "containerPort": 80}).as_object().unwrap().clone();
        for (part, text, shown) in [
            (field("spec"), "f:spec", ".spec"),
            (keys(port), r#"k:{"containerPort":80,"protocol":"TCP"}"#, r#"[containerPort=80,protocol="TCP"]"#),
            (value(&json!("a<b")), r#"v:"a\u003cb""#, r#"[="a<b"]"#),
            ("i:3".into(), "i:3", "[3]"),
        ] {
            assert_eq!((part.as_str(), display(&part).as_str()), (text, shown));
            assert_eq!(canonical(&part), Some(Some(part)));
        }
    }
}
