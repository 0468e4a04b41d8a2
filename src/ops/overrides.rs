//! `--overrides`: JSON that is put over an object that a command made.

use super::{Failure, edit, local_patch};
use crate::api::Object;
use crate::client::PatchKind;
use crate::schema;

/// The object with the overrides put over it, which are of the type `json`, `merge` or `strategic`.
pub fn apply(object: Object, overrides: &str, kind: &str) -> Result<Object, Failure> {
    if overrides.is_empty() {
        return Ok(object);
    }
    let kind = match kind {
        "json" => PatchKind::Json,
        "merge" | "" => PatchKind::Merge,
        "strategic" => PatchKind::Strategic,
        other => return Err(Failure::message(format!("invalid override type: {other}"))),
    };
    let whole = schema::as_go_type(&object).and_then(Result::ok).unwrap_or(object);
    let patched = local_patch::apply(&whole, kind, overrides.as_bytes())?;
    edit::typed(&patched, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn overrides_are_put_over() {
        let pod = || json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "x"}]}});
        for (kind, overrides, image) in [
            ("merge", r#"{"spec":{"containers":[{"name":"a","image":"y"}]}}"#, "y"),
            ("strategic", r#"{"spec":{"containers":[{"name":"a","image":"z"}]}}"#, "z"),
            ("json", r#"[{"op":"replace","path":"/spec/containers/0/image","value":"w"}]"#, "w"),
            ("", "", "x"),
        ] {
            assert_eq!(apply(pod(), overrides, kind).unwrap()["spec"]["containers"][0]["image"], image);
        }
        for (kind, overrides) in
            [("merge", "{bad"), ("bogus", "{}"), ("merge", r#"{"kind":null}"#), ("merge", r#"{"spec":3}"#)]
        {
            assert!(apply(pod(), overrides, kind).is_err(), "{overrides}");
        }
    }
}
