//! Patches that are applied here and not on the server.

use super::{Failure, edit};
use crate::api::json::{self, from_slice};
use crate::api::{Object, ObjectExt, Value};
use crate::client::PatchKind;
use crate::merge::{json_patch, merge_patch, strategic};
use crate::schema;

/// The text of a patch as JSON: YAML is turned into it, what looks like JSON is left as it is for the server to judge.
///
/// # Errors
/// What is wrong with the YAML.
pub fn to_json(text: &[u8]) -> Result<Vec<u8>, String> {
    if text.trim_ascii_start().starts_with(b"{") {
        return Ok(text.to_vec());
    }
    let value = crate::yaml::from_slice(text).map_err(|error| error.reason().to_string())?;
    Ok(json::to_string(&value).into_bytes())
}

/// The object with the patch applied, which may be of a kind that only the server knows unless it is strategic.
pub fn apply(object: &Object, kind: PatchKind, patch: &[u8]) -> Result<Object, Failure> {
    let failed = |error: &dyn std::error::Error| Failure::message(error.to_string());
    let read = from_slice(patch);
    let patched = match kind {
        PatchKind::Json => {
            let operations = read.map_err(|error| failed(&error))?;
            json_patch::apply(object, &operations).map_err(|error| missing_key(&error.to_string()))?
        }
        PatchKind::Merge | PatchKind::Apply => {
            let bad = || Failure::message("Invalid JSON Patch");
            let patch = read.ok().filter(|patch| patch.is_object() || patch.is_array()).ok_or_else(bad)?;
            let mut patched = object.clone();
            merge_patch::apply(&mut patched, &patch);
            patched
        }
        PatchKind::Strategic => {
            let gvk = object.group_version_kind();
            let Some(schema) = schema::builtin().kind(&gvk).filter(|_| edit::is_registered(object)) else {
                return Err(Failure::message(format!(
                    "strategic merge patch is not supported for {gvk} locally, try --type merge"
                )));
            };
            match read {
                Ok(Value::Null) => object.clone(),
                Ok(patch) => strategic::apply(object, &patch, schema).map_err(|error| failed(&error))?,
                Err(_) => return Err(Failure::message("invalid JSON document")),
            }
        }
    };
    checked(patched)
}

/// What is left must still be an object that says what it is.
fn checked(object: Object) -> Result<Object, Failure> {
    if object.is_array() {
        return Err(Failure::message("json: cannot unmarshal array into Go value of type unstructured.detector"));
    }
    if object.kind().is_empty() {
        return Err(Failure::message(format!("Object 'Kind' is missing in '{}'", json::to_string(&object))));
    }
    Ok(object)
}

fn missing_key(error: &str) -> Failure {
    match (error.contains("doc is missing key"), error.split_once("key: ")) {
        (true, Some((_, key))) => Failure::message(format!("Object to be patched is missing field ({key})")),
        _ => Failure::message(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn yaml_becomes_json_and_json_stays() {
        for (text, json) in [(" {bad", " {bad"), ("a: {b: 1}", "{\"a\":{\"b\":1}}"), ("- 1", "[1]"), ("\"x\"", "\"x\"")]
        {
            assert_eq!(to_json(text.as_bytes()).unwrap(), json.as_bytes());
        }
        assert_eq!(to_json(b"a: b: c").unwrap_err(), "yaml: mapping values are not allowed in this context");
    }

    #[test]
    fn patches_apply_and_fail_in_kubectls_words() {
        let object = || {
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": 1,
            "template": {"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}}}})
        };
        let said = |kind, patch: &str| match apply(&object(), kind, patch.as_bytes()) {
            Ok(object) => json::to_string(object.at(&["spec", "replicas"]).unwrap_or(&Value::Null)),
            Err(Failure::Message(text)) => text,
            Err(other) => format!("{other:?}"),
        };
        use PatchKind::{Json, Merge, Strategic};
        for (kind, patch, want) in [
            (Strategic, r#"{"spec":{"replicas":3}}"#, "3"),
            (Strategic, "null", "1"),
            (Strategic, "{bad", "invalid JSON document"),
            (Strategic, "[]", "invalid JSON document"),
            (Merge, r#"{"spec":{"replicas":4}}"#, "4"),
            (Merge, "{bad", "Invalid JSON Patch"),
            (Merge, "null", "Invalid JSON Patch"),
            (Merge, "[]", "json: cannot unmarshal array into Go value of type unstructured.detector"),
            (Json, r#"[{"op":"replace","path":"/spec/replicas","value":5}]"#, "5"),
            (
                Json,
                r#"[{"op":"test","path":"/spec/replicas","value":3}]"#,
                "testing value /spec/replicas failed: test failed",
            ),
            (Json, r#"{"op":"x"}"#, "json: cannot unmarshal object into Go value of type jsonpatch.Patch"),
            (
                Json,
                r#"[{"op":"remove","path":"/spec/nosuch"}]"#,
                "error in remove for path: '/spec/nosuch': Unable to remove nonexistent key: nosuch: missing value",
            ),
        ] {
            assert_eq!(said(kind, patch), want, "{patch}");
        }
        let custom = json!({"apiVersion": "example.com/v1", "kind": "Foo"});
        let failure = format!("{:?}", apply(&custom, Strategic, b"{}").unwrap_err());
        assert!(failure.contains("not supported for example.com/v1, Kind=Foo locally, try --type merge"), "{failure}");
        let nameless = format!("{:?}", apply(&custom, Merge, br#"{"kind":null}"#).unwrap_err());
        assert!(nameless.contains("Object 'Kind' is missing in '{"), "{nameless}");
    }
}
