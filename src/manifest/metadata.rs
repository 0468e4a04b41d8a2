//! The types of `apiVersion`, `kind` and `metadata`, which kubectl checks in every object it reads.

use super::time;
use crate::api::gotext::json_kind;
use crate::api::{Map, Value, json};

/// The type of a field.
enum Shape {
    /// A string, with the name of its Go type.
    Text(&'static str),
    Bool,
    Integer,
    Time,
    TextMap,
    TextList,
    /// A list of objects, with the name of their Go type and their fields.
    Objects(&'static str, &'static [(&'static str, Shape)]),
}

const STRING: Shape = Shape::Text("string");

const OBJECT_META: &[(&str, Shape)] = &[
    ("annotations", Shape::TextMap),
    ("creationTimestamp", Shape::Time),
    ("deletionGracePeriodSeconds", Shape::Integer),
    ("deletionTimestamp", Shape::Time),
    ("finalizers", Shape::TextList),
    ("generateName", STRING),
    ("generation", Shape::Integer),
    ("labels", Shape::TextMap),
    ("managedFields", Shape::Objects("ManagedFieldsEntry", MANAGED_FIELDS_ENTRY)),
    ("name", STRING),
    ("namespace", STRING),
    ("ownerReferences", Shape::Objects("OwnerReference", OWNER_REFERENCE)),
    ("resourceVersion", STRING),
    ("selfLink", STRING),
    ("uid", Shape::Text("types.UID")),
];

const OWNER_REFERENCE: &[(&str, Shape)] = &[
    ("apiVersion", STRING),
    ("blockOwnerDeletion", Shape::Bool),
    ("controller", Shape::Bool),
    ("kind", STRING),
    ("name", STRING),
    ("uid", Shape::Text("types.UID")),
];

const MANAGED_FIELDS_ENTRY: &[(&str, Shape)] = &[
    ("apiVersion", STRING),
    ("fieldsType", STRING),
    ("manager", STRING),
    ("operation", Shape::Text("v1.ManagedFieldsOperationType")),
    ("subresource", STRING),
    ("time", Shape::Time),
];

/// Checks the fields of an object that is known to have a kind. The error is Go's: the first that is wrong, except that
/// times, which read themselves, come before all else.
pub(super) fn check(object: &Map<String, Value>) -> Result<(), String> {
    let mut checker = Checker::default();
    for (key, value) in object {
        match (key.as_str(), value) {
            ("apiVersion", value) => checker.field(value, &STRING, "metadataOnlyObject", "TypeMeta.apiVersion")?,
            ("metadata", Value::Object(fields)) => checker.fields(fields, OBJECT_META, "ObjectMeta", "metadata")?,
            ("metadata", Value::Null) => {}
            ("metadata", value) => checker.wrong(value, "metadataOnlyObject", "metadata", "v1.ObjectMeta"),
            _ => {}
        }
    }
    checker.first.map_or(Ok(()), Err)
}

#[derive(Default)]
struct Checker {
    /// The first mismatch. Reading goes on after it.
    first: Option<String>,
}

impl Checker {
    fn wrong(&mut self, value: &Value, owner: &str, path: &str, go_type: &str) {
        self.first.get_or_insert_with(|| mismatch(value, owner, path, go_type));
    }

    fn fields(
        &mut self,
        fields: &Map<String, Value>,
        shapes: &[(&str, Shape)],
        owner: &str,
        path: &str,
    ) -> Result<(), String> {
        fields.iter().try_for_each(|(key, value)| match shapes.iter().find(|(name, _)| name == key) {
            Some((_, shape)) => self.field(value, shape, owner, &format!("{path}.{key}")),
            None => Ok(()),
        })
    }

    fn field(&mut self, value: &Value, shape: &Shape, owner: &str, path: &str) -> Result<(), String> {
        let go_type = match (shape, value) {
            (_, Value::Null) | (Shape::Text(_), Value::String(_)) | (Shape::Bool, Value::Bool(_)) => return Ok(()),
            (Shape::Integer, Value::Number(number)) if number.is_i64() => return Ok(()),
            (Shape::Time, Value::String(text)) => return time::problem(text).map_or(Ok(()), Err),
            (Shape::Time, _) => return Err(mismatch(value, owner, path, "string")),
            (Shape::TextMap, Value::Object(fields)) => return self.texts(fields.values(), owner, path),
            (Shape::TextList, Value::Array(items)) => return self.texts(items.iter(), owner, path),
            (Shape::Objects(go_type, shapes), Value::Array(items)) => {
                return items.iter().try_for_each(|item| match item {
                    Value::Object(fields) => self.fields(fields, shapes, go_type, path),
                    Value::Null => Ok(()),
                    _ => {
                        self.wrong(item, owner, path, &format!("v1.{go_type}"));
                        Ok(())
                    }
                });
            }
            (Shape::Text(go_type), _) => (*go_type).to_owned(),
            (Shape::Bool, _) => "bool".into(),
            (Shape::Integer, _) => "int64".into(),
            (Shape::TextMap, _) => "map[string]string".into(),
            (Shape::TextList, _) => "[]string".into(),
            (Shape::Objects(go_type, _), _) => format!("[]v1.{go_type}"),
        };
        self.wrong(value, owner, path, &go_type);
        Ok(())
    }

    fn texts<'a>(
        &mut self,
        mut values: impl Iterator<Item = &'a Value>,
        owner: &str,
        path: &str,
    ) -> Result<(), String> {
        values.try_for_each(|value| self.field(value, &STRING, owner, path))
    }
}

fn mismatch(value: &Value, owner: &str, path: &str, go_type: &str) -> String {
    let kind = match value {
        // Only here the number itself is told.
        Value::Number(number) if go_type == "int64" => format!("number {}", json::to_string(&number.clone().into())),
        _ => json_kind(value).into(),
    };
    format!("json: cannot unmarshal {kind} into Go struct field {owner}.{path} of type {go_type}")
}
