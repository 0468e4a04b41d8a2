//! Objects as JSON values, with readers for the parts that every object has (API conventions, "Metadata").

use super::{GroupVersion, GroupVersionKind};
use serde_json::{Map, Value};

/// An API object: a JSON value that is a map with `apiVersion`, `kind` and, mostly, `metadata`.
///
/// Maps are kept in key order, which is the order kubectl prints.
pub type Object = Value;

/// Readers and writers for the parts that every object has. A missing or ill-typed part reads as empty.
pub trait ObjectExt {
    /// The text at `path`, empty when it is missing or no string.
    fn text(&self, path: &[&str]) -> &str;
    /// The value at `path` of nested maps.
    fn at(&self, path: &[&str]) -> Option<&Value>;
    /// The value at `path`, with the maps on the way made where they are missing.
    fn at_mut(&mut self, path: &[&str]) -> &mut Value;
    /// Puts `value` at `path`, making the maps on the way.
    fn put(&mut self, path: &[&str], value: impl Into<Value>);
    /// Takes away what is at `path`, and returns it.
    fn take_at(&mut self, path: &[&str]) -> Option<Value>;
    /// Makes the nulls in the map at `path` empty texts. Whatever changes labels or annotations does so: there is no
    /// null in a map of texts, which those are.
    fn make_texts(&mut self, path: &[&str]);

    /// `apiVersion`.
    fn api_version(&self) -> &str {
        self.text(&["apiVersion"])
    }
    /// `kind`.
    fn kind(&self) -> &str {
        self.text(&["kind"])
    }
    /// `metadata.name`.
    fn name(&self) -> &str {
        self.text(&["metadata", "name"])
    }
    /// `metadata.namespace`; empty for what belongs to the whole cluster.
    fn namespace(&self) -> &str {
        self.text(&["metadata", "namespace"])
    }
    /// `metadata.uid`.
    fn uid(&self) -> &str {
        self.text(&["metadata", "uid"])
    }
    /// `metadata.resourceVersion`.
    fn resource_version(&self) -> &str {
        self.text(&["metadata", "resourceVersion"])
    }
    /// `metadata.labels[key]`.
    fn label(&self, key: &str) -> Option<&str> {
        self.at(&["metadata", "labels", key]).and_then(Value::as_str)
    }
    /// `metadata.annotations[key]`.
    fn annotation(&self, key: &str) -> Option<&str> {
        self.at(&["metadata", "annotations", key]).and_then(Value::as_str)
    }
    /// The kind's full name, from `apiVersion` and `kind`.
    fn group_version_kind(&self) -> GroupVersionKind {
        GroupVersion::parse(self.api_version()).with_kind(self.kind())
    }
    /// The items of a list at `path`; empty when it is missing or no list.
    fn items_at(&self, path: &[&str]) -> &[Value] {
        self.at(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
    /// The entries of the map at `path`, when there is one.
    fn map_at(&self, path: &[&str]) -> Option<&Map<String, Value>> {
        self.at(path).and_then(Value::as_object)
    }
    /// The owner reference of what controls this object: one owner at most says that it does.
    fn controller(&self) -> Option<&Value> {
        let controls = |owner: &&Value| owner.at(&["controller"]).and_then(Value::as_bool).unwrap_or_default();
        self.items_at(&["metadata", "ownerReferences"]).iter().find(controls)
    }
    /// Whether the object with this uid controls this one.
    fn is_controlled_by(&self, uid: &str) -> bool {
        self.controller().is_some_and(|owner| owner.text(&["uid"]) == uid)
    }
    /// The integer at `path`.
    fn integer(&self, path: &[&str]) -> Option<i64> {
        self.at(path).and_then(Value::as_i64)
    }
}

impl ObjectExt for Value {
    fn text(&self, path: &[&str]) -> &str {
        self.at(path).and_then(Value::as_str).unwrap_or("")
    }

    fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self, |value, key| value.as_object()?.get(*key))
    }

    fn at_mut(&mut self, path: &[&str]) -> &mut Value {
        path.iter().fold(self, |value, key| {
            if !value.is_object() {
                *value = Value::Object(Map::new());
            }
            &mut value[*key]
        })
    }

    fn put(&mut self, path: &[&str], value: impl Into<Value>) {
        *self.at_mut(path) = value.into();
    }

    fn take_at(&mut self, path: &[&str]) -> Option<Value> {
        let (last, parents) = path.split_last()?;
        let parent = parents.iter().try_fold(self, |value, key| value.as_object_mut()?.get_mut(*key))?;
        parent.as_object_mut()?.remove(*last)
    }

    fn make_texts(&mut self, path: &[&str]) {
        let map = path.iter().try_fold(self, |value, key| value.as_object_mut()?.get_mut(*key));
        for value in map.and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut).filter(|v| v.is_null()) {
            *value = "".into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_read_as_empty_when_missing() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}}});
        assert_eq!((pod.name(), pod.namespace(), pod.label("a")), ("p", "", Some("b")));
        assert_eq!(json!([]).name(), "");
    }

    #[test]
    fn an_owner_that_says_so_is_the_controller() {
        let owned = |controller: Value| json!({"metadata": {"ownerReferences": [{"uid": "0"}, {"uid": "1", "controller": controller}]}});
        assert!(owned(json!(true)).is_controlled_by("1"));
        assert!(!owned(json!(true)).is_controlled_by("0"));
        assert!(!owned(json!(false)).is_controlled_by("1"));
        assert_eq!(json!({}).controller(), None);
    }

    #[test]
    fn put_makes_the_way_and_take_leaves_it() {
        let mut object = json!({"metadata": null});
        object.put(&["metadata", "labels", "a"], "b");
        assert_eq!(object, json!({"metadata": {"labels": {"a": "b"}}}));
        assert_eq!(object.take_at(&["metadata", "labels", "a"]), Some(json!("b")));
        assert_eq!(object, json!({"metadata": {"labels": {}}}));
        assert_eq!(object.take_at(&["spec", "x"]), None);
    }
}
