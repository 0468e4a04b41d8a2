//! JSON Patch (RFC 6902), with the liberties that kube-apiserver and kubectl take: negative indices count from the
//! end, `replace` of a missing key adds it, `copy` of a missing key copies null, a missing `value` is null.

use crate::api::gotext;
use serde_json::Value;
use std::mem::take;
use thiserror::Error;

/// Why a JSON patch could not be applied.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// The patch is no list of operations: the request itself is bad.
    #[error("{0}")]
    Malformed(String),
    /// An operation cannot be done, or a test failed: the patch does not fit this document.
    #[error("{0}")]
    Failed(String),
}

type Outcome = Result<(), String>;

/// Applies the operations of `patch` in order and returns the new document. Nothing is applied when one fails.
pub fn apply(document: &Value, patch: &Value) -> Result<Value, Error> {
    let operations = match patch {
        Value::Null => &[][..],
        Value::Array(operations) => operations,
        other => return Err(unmarshal(other, "jsonpatch.Patch")),
    };
    if let Some(odd) = operations.iter().find(|operation| !operation.is_object()) {
        return Err(unmarshal(odd, "jsonpatch.Operation"));
    }
    let mut result = document.clone();
    for operation in operations {
        step(&mut result, operation).map_err(Error::Failed)?;
    }
    Ok(result)
}

fn unmarshal(value: &Value, into: &str) -> Error {
    Error::Malformed(cannot_unmarshal(value, into))
}

fn cannot_unmarshal(value: &Value, into: &str) -> String {
    let kind = gotext::json_kind(value);
    format!("json: cannot unmarshal {kind} into Go value of type {into}")
}

/// The pointer that `operation` has under `key`, or what is wrong with it.
fn pointer<'a>(operation: &'a Value, key: &str, missing: &str) -> Result<&'a str, String> {
    match &operation[key] {
        Value::String(text) => Ok(text),
        Value::Null => Err(missing.into()),
        other => Err(cannot_unmarshal(other, "string")),
    }
}

fn step(document: &mut Value, operation: &Value) -> Outcome {
    let kind = operation["op"].as_str().unwrap_or("unknown");
    let path = || {
        pointer(operation, "path", "operation missing path field: missing value").map_err(|reason| match kind {
            // These three hide the reason.
            "add" | "remove" | "copy" => format!("{kind} operation failed to decode path: missing value"),
            _ => format!("{kind} operation failed to decode path: {reason}"),
        })
    };
    let from = || {
        pointer(operation, "from", "operation, missing from field: missing value")
            .map_err(|reason| format!("{kind} operation failed to decode from: {reason}"))
    };
    let value = || operation["value"].clone();
    match kind {
        "add" => {
            let path = path()?;
            let (parent, key) = find(document, path).ok_or_else(|| {
                format!("add operation does not apply: doc is missing path: \"{path}\": missing value")
            })?;
            add(parent, &key, value()).map_err(|reason| format!("error in add for path: '{path}': {reason}"))
        }
        "remove" => {
            let path = path()?;
            let (parent, key) = find(document, path).ok_or_else(|| {
                format!("remove operation does not apply: doc is missing path: \"{path}\": missing value")
            })?;
            remove(parent, &key).map(drop).map_err(|reason| format!("error in remove for path: '{path}': {reason}"))
        }
        "replace" => {
            let path = path()?;
            replace(document, path, value())
        }
        "move" => {
            let from = from()?;
            let (parent, key) = find(document, from).ok_or_else(|| {
                format!("move operation does not apply: doc is missing from path: {from}: missing value")
            })?;
            let value = remove(parent, &key).map_err(|reason| format!("error in move for path: '{key}': {reason}"))?;
            let path = path()?;
            let (parent, key) = find(document, path).ok_or_else(|| {
                format!("move operation does not apply: doc is missing destination path: {path}: missing value")
            })?;
            add(parent, &key, value).map_err(|reason| format!("error in move for path: '{path}': {reason}"))
        }
        "copy" => {
            let from = from()?;
            let (parent, key) = find(document, from).ok_or_else(|| {
                format!("copy operation does not apply: doc is missing from path: {from}: missing value")
            })?;
            let value = get(parent, &key)
                .map_err(|reason| format!("error in copy for from: '{from}': {reason}"))?
                .cloned()
                .unwrap_or_default();
            let path = path()?;
            let (parent, key) = find(document, path).ok_or_else(|| {
                format!("copy operation does not apply: doc is missing destination path: {path}: missing value")
            })?;
            add(parent, &key, value).map_err(|reason| format!("error while adding value during copy: {reason}"))
        }
        "test" => {
            let path = path()?;
            test(document, path, &operation["value"])
        }
        other => Err(format!("Unexpected kind: {other}")),
    }
}

fn replace(document: &mut Value, path: &str, value: Value) -> Outcome {
    if path.is_empty() {
        if !value.is_object() && !value.is_array() {
            return Err("replace operation value must be object or array: %!w(<nil>)".into());
        }
        *document = value;
        return Ok(());
    }
    let (parent, key) = find(document, path)
        .ok_or_else(|| format!("replace operation does not apply: doc is missing path: {path}: missing value"))?;
    match parent {
        Value::Object(map) => {
            map.insert(key, value);
        }
        Value::Array(list) => {
            let index = index(&key, list.len())
                .map_err(|_| format!("replace operation does not apply: doc is missing key: {path}: missing value"))?;
            list[index] = value;
        }
        _ => {}
    }
    Ok(())
}

fn test(document: &mut Value, path: &str, value: &Value) -> Outcome {
    let holds = if path.is_empty() {
        document == value
    } else {
        let (parent, key) = find(document, path)
            .ok_or_else(|| format!("test operation does not apply: is missing path: {path}: missing value"))?;
        let found = get(parent, &key).map_err(|reason| format!("error in test for path: '{path}': {reason}"))?;
        found.unwrap_or(&Value::Null) == value
    };
    if holds { Ok(()) } else { Err(format!("testing value {path} failed: test failed")) }
}

/// The container of what `path` (RFC 6901) points to, and the last key of the path.
fn find<'a>(document: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let mut keys: Vec<String> = path.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~")).collect();
    let last = keys.pop()?;
    let parent = keys.iter().try_fold(document, |value, key| match value {
        Value::Object(map) => map.get_mut(key),
        Value::Array(list) => {
            let index = index(key, list.len()).ok()?;
            list.get_mut(index)
        }
        _ => None,
    })?;
    (parent.is_object() || parent.is_array()).then_some((parent, last))
}

fn get<'a>(parent: &'a Value, key: &str) -> Result<Option<&'a Value>, String> {
    match parent {
        Value::Array(list) => Ok(list.get(index(key, list.len())?)),
        _ => Ok(parent.get(key)),
    }
}

fn add(parent: &mut Value, key: &str, value: Value) -> Outcome {
    match parent {
        Value::Object(map) => {
            map.insert(key.into(), value);
        }
        Value::Array(list) if key == "-" => list.push(value),
        Value::Array(list) => {
            let place =
                number(key).map_err(|reason| format!("value was not a proper array index: '{key}': {reason}"))?;
            let place = within(place, list.len() + 1)?;
            list.insert(place, value);
        }
        _ => {}
    }
    Ok(())
}

fn remove(parent: &mut Value, key: &str) -> Result<Value, String> {
    match parent {
        Value::Object(map) => {
            map.remove(key).ok_or_else(|| format!("Unable to remove nonexistent key: {key}: missing value"))
        }
        Value::Array(list) => Ok(list.remove(index(key, list.len())?)),
        other => Ok(take(other)),
    }
}

/// The place that `key` names in a list of `len` items.
fn index(key: &str, len: usize) -> Result<usize, String> {
    within(number(key)?, len)
}

fn number(key: &str) -> Result<i64, String> {
    key.parse().map_err(|_| format!("strconv.Atoi: parsing {key:?}: invalid syntax"))
}

fn within(index: i64, len: usize) -> Result<usize, String> {
    let place = if index < 0 { index + len as i64 } else { index };
    usize::try_from(place)
        .ok()
        .filter(|place| *place < len)
        .ok_or_else(|| format!("Unable to access invalid index: {index}: invalid index referenced"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn operations_apply() {
        for (document, patch, want) in [
            (json!({"a": 1}), json!(null), json!({"a": 1})),
            (json!({"a": 1}), json!([{"op": "add", "path": "/b", "value": 2}]), json!({"a": 1, "b": 2})),
            (json!({"a": 1}), json!([{"op": "add", "path": "/b"}]), json!({"a": 1, "b": null})),
            (json!({"a": [1, 3]}), json!([{"op": "add", "path": "/a/1", "value": 2}]), json!({"a": [1, 2, 3]})),
            (json!({"a": [1]}), json!([{"op": "add", "path": "/a/-", "value": 2}]), json!({"a": [1, 2]})),
            (json!({"a": [1]}), json!([{"op": "add", "path": "/a/-1", "value": 2}]), json!({"a": [1, 2]})),
            (json!({"a": [1, 2]}), json!([{"op": "remove", "path": "/a/-1"}]), json!({"a": [1]})),
            (json!({"a": {"b~/c": 1}}), json!([{"op": "remove", "path": "/a/b~0~1c"}]), json!({"a": {}})),
            (json!({"a": [1]}), json!([{"op": "replace", "path": "/a/0", "value": {}}]), json!({"a": [{}]})),
            (json!({}), json!([{"op": "replace", "path": "/new", "value": 1}]), json!({"new": 1})),
            (json!({"a": 1}), json!([{"op": "replace", "path": "", "value": {"b": 2}}]), json!({"b": 2})),
            (json!({"a": {"b": 1}}), json!([{"op": "move", "from": "/a/b", "path": "/c"}]), json!({"a": {}, "c": 1})),
            (json!({"a": [1, 2]}), json!([{"op": "move", "from": "/a/0", "path": "/a/1"}]), json!({"a": [2, 1]})),
            (json!({"a": 1}), json!([{"op": "copy", "from": "/a", "path": "/b"}]), json!({"a": 1, "b": 1})),
            (json!({}), json!([{"op": "copy", "from": "/a", "path": "/b"}]), json!({"b": null})),
            (
                json!({"a": {"x": [1]}}),
                json!([{"op": "test", "path": "/a", "value": {"x": [1]}}]),
                json!({"a": {"x": [1]}}),
            ),
            (json!({}), json!([{"op": "test", "path": "/a"}]), json!({})),
            (json!({"d": {}}), json!([{"op": "add", "path": "d/b", "value": 1}]), json!({"d": {}, "b": 1})),
        ] {
            assert_eq!(apply(&document, &patch), Ok(want), "{document} {patch}");
        }
    }

    #[test]
    fn failures_speak_as_kubectl_does() {
        let document = json!({"a": "1", "l": [1], "n": null});
        for (patch, want) in [
            (json!([{"op": "nosuch", "path": "/a"}]), "Unexpected kind: nosuch"),
            (json!([{"path": "/a"}]), "Unexpected kind: unknown"),
            (json!([{"op": "test", "path": "/a", "value": "2"}]), "testing value /a failed: test failed"),
            (
                json!([{"op": "remove", "path": "/q"}]),
                "error in remove for path: '/q': Unable to remove nonexistent key: q: missing value",
            ),
            (
                json!([{"op": "remove", "path": "/l/1"}]),
                "error in remove for path: '/l/1': Unable to access invalid index: 1: invalid index referenced",
            ),
            (
                json!([{"op": "add", "path": "/l/x", "value": 1}]),
                "error in add for path: '/l/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid syntax",
            ),
            (
                json!([{"op": "add", "path": "/q/r", "value": 1}]),
                "add operation does not apply: doc is missing path: \"/q/r\": missing value",
            ),
            (
                json!([{"op": "add", "path": "/a/r", "value": 1}]),
                "add operation does not apply: doc is missing path: \"/a/r\": missing value",
            ),
            (
                json!([{"op": "add", "path": "", "value": {}}]),
                "add operation does not apply: doc is missing path: \"\": missing value",
            ),
            (
                json!([{"op": "replace", "path": 5}]),
                "replace operation failed to decode path: json: cannot unmarshal number into Go value of type string",
            ),
            (
                json!([{"op": "move", "from": "/z", "path": "/y"}]),
                "error in move for path: 'z': Unable to remove nonexistent key: z: missing value",
            ),
        ] {
            assert_eq!(apply(&document, &patch), Err(Error::Failed(want.into())), "{patch}");
        }
    }

    #[test]
    fn what_is_no_patch_is_told_apart() {
        for (patch, want) in [
            (json!({"op": "x"}), "json: cannot unmarshal object into Go value of type jsonpatch.Patch"),
            (json!([1]), "json: cannot unmarshal number into Go value of type jsonpatch.Operation"),
        ] {
            assert_eq!(apply(&json!({}), &patch), Err(Error::Malformed(want.into())), "{patch}");
        }
    }
}
