//! Who owns a field that an error names, and where the field is in an object.
//!
//! A field's path as errors write it cannot be read back: names may have dots in them. But it can be looked for among the
//! fields that are owned.

use super::element;
use crate::api::{ObjectExt, Value};
use serde_json::Map;

/// An entry of `metadata.managedFields` that owns a field.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    entry: &'a Value,
}

impl<'a> Owner<'a> {
    /// The field manager's name.
    pub fn manager(&self) -> &'a str {
        self.entry.text(&["manager"])
    }

    /// `Apply` or `Update`.
    pub fn operation(&self) -> &'a str {
        self.entry.text(&["operation"])
    }

    /// The subresource that was written to; empty for the object itself.
    pub fn subresource(&self) -> &'a str {
        self.entry.text(&["subresource"])
    }

    /// When the manager's fields changed last, as RFC 3339; empty when that is not known.
    pub fn time(&self) -> &'a str {
        self.entry.text(&["time"])
    }
}

/// The entries of an object's `metadata.managedFields` that own a field, which is named as errors name it, and the
/// parts of the field's path.
pub fn owners<'a>(object: &'a Value, field: &str) -> Option<(Vec<Owner<'a>>, Vec<&'a str>)> {
    let mut found = Vec::new();
    let mut path = None;
    for entry in object.items_at(&["metadata", "managedFields"]) {
        if let Some(parts) = entry.map_at(&["fieldsV1"]).and_then(|fields| parts(fields, field)) {
            found.push(Owner { entry });
            path = Some(parts);
        }
    }
    path.map(|path| (found, path))
}

/// The parts of the path that errors write so, in a set of fields.
fn parts<'a>(fields: &'a Map<String, Value>, field: &str) -> Option<Vec<&'a str>> {
    fields.iter().find_map(|(part, below)| {
        let rest = field.strip_prefix(element::display(part).as_str())?;
        let below = below.as_object();
        let mut path = match rest {
            "" if below.is_none_or(|below| below.is_empty() || below.contains_key(".")) => Vec::new(),
            "" => return None,
            rest => parts(below?, rest)?,
        };
        path.insert(0, part.as_str());
        Some(path)
    })
}

/// The value at a path of parts. Keys that an item leaves to their defaults do not tell it from others.
pub fn value_at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    let Some((part, rest)) = path.split_first() else { return Some(value) };
    let (sort, name) = part.split_at_checked(2)?;
    let read = || serde_json::from_str::<Value>(name).ok();
    let below = match sort {
        "f:" => value.get(name)?,
        "i:" => value.get(name.parse::<usize>().ok()?)?,
        "v:" => {
            let wanted = read()?;
            value.as_array()?.iter().find(|item| **item == wanted)?
        }
        "k:" => {
            let keys = read()?;
            let keys = keys.as_object()?;
            let fits = |item: &&Value, absent: bool| {
                keys.iter().all(|(key, value)| item.get(key).map_or(absent, |own| own == value))
            };
            let items = value.as_array()?;
            items.iter().find(|item| fits(item, false)).or_else(|| items.iter().find(|item| fits(item, true)))?
        }
        _ => return None,
    };
    value_at(below, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object() -> Value {
        let entry = |manager: &str, fields: Value| {
            json!({"manager": manager, "operation": "Update", "apiVersion": "v1", "time": "t", "fieldsType": "FieldsV1",
                "fieldsV1": fields})
        };
        json!({
            "metadata": {"labels": {"a.b/c": "l"}, "finalizers": ["x/y"], "managedFields": [
                entry("one", json!({"f:spec": {"f:replicas": {}, "f:ports": {
                    "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:targetPort": {}},
                    "k:{\"port\":80,\"protocol\":\"UDP\"}": {"f:targetPort": {}}}}})),
                entry("two", json!({"f:spec": {"f:replicas": {}, "f:list": {"i:1": {}}},
                    "f:metadata": {"f:labels": {"f:a": {"f:b": {}}, "f:a.b/c": {}}, "f:finalizers": {"v:\"x/y\"": {}}}}))]},
            "spec": {"replicas": 3, "list": [1, 2], "ports": [
                {"port": 80, "protocol": "UDP", "targetPort": "u"}, {"port": 80, "protocol": "TCP", "targetPort": "t"}]},
        })
    }

    #[test]
    fn fields_that_errors_name_are_found() {
        let object = object();
        for (field, managers, value) in [
            (".spec.replicas", "one two", json!(3)),
            (r#".spec.ports[port=80,protocol="TCP"].targetPort"#, "one", json!("t")),
            (r#".spec.ports[port=80,protocol="UDP"].targetPort"#, "one", json!("u")),
            (
                r#".spec.ports[port=80,protocol="TCP"]"#,
                "one",
                json!({"port": 80, "protocol": "TCP", "targetPort": "t"}),
            ),
            (".metadata.labels.a.b/c", "two", json!("l")),
            (r#".metadata.finalizers[="x/y"]"#, "two", json!("x/y")),
            (".spec.list[1]", "two", json!(2)),
        ] {
            let (owners, path) = owners(&object, field).expect(field);
            let names: Vec<&str> = owners.iter().map(Owner::manager).collect();
            assert_eq!(names.join(" "), managers, "{field}");
            assert!(
                owners
                    .iter()
                    .all(|owner| (owner.operation(), owner.time(), owner.subresource()) == ("Update", "t", ""))
            );
            assert_eq!(value_at(&object, &path), Some(&value), "{field}");
        }
        for field in ["", ".spec", ".spec.nosuch", r#".spec.ports[port=80,protocol="UDP"]"#, ".spec.replicas.x"] {
            assert!(owners(&object, field).is_none(), "{field}");
        }
        assert!(owners(&json!({}), ".spec").is_none());
    }

    #[test]
    fn keys_may_be_left_to_their_defaults() {
        let manifest = json!({"ports": [{"port": 81}, {"port": 80, "protocol": "UDP"}, {"port": 80, "name": "tcp"}]});
        for (keys, name) in [
            (r#"k:{"port":80,"protocol":"TCP"}"#, Some("tcp")),
            (r#"k:{"port":80,"protocol":"UDP"}"#, None),
            (r#"k:{"port":82,"protocol":"TCP"}"#, None),
        ] {
            let found = value_at(&manifest, &["f:ports", keys, "f:name"]);
            assert_eq!(found.and_then(Value::as_str), name, "{keys}");
        }
        assert_eq!(value_at(&manifest, &["f:ports", "z:odd"]), None);
        assert_eq!(value_at(&manifest, &["f:nosuch"]), None);
    }
}
