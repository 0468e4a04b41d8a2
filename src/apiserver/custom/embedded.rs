//! Whole objects: the metadata of custom resources, and objects that are fields of others.

use super::super::kinds::field::{Errors, printed};
use super::super::meta;
use super::schema::Schema;
use crate::api::names::{dns1035_label, path_segment};
use crate::api::{ObjectExt, TypeRef, Value};
use crate::schema::{self, DecodeError};
use thiserror::Error;

fn metadata_type() -> Option<TypeRef<'static>> {
    schema::builtin().named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
}

/// Brings an object's metadata into the form of its type, and gives the paths of what was no field.
///
/// # Errors
/// What Go's decoder says of metadata that is none.
pub fn normalise_metadata(object: &mut Value) -> Result<Vec<String>, DecodeError> {
    let Some(metadata) = object.get_mut("metadata").filter(|metadata| !metadata.is_null()) else {
        return Ok(Vec::new());
    };
    let Some(ty) = metadata_type() else { return Ok(Vec::new()) };
    let unknown = schema::normalise(metadata, ty).map_err(|error| {
        let field = if error.field.is_empty() { "metadata".into() } else { format!("metadata.{}", error.field) };
        DecodeError { field, ..error }
    })?;
    Ok(unknown.iter().filter_map(|text| text.split('"').nth(1)).map(|path| format!("metadata.{path}")).collect())
}

/// Brings objects that are fields of others, and lie at `place`, into form, and gives the paths of what was no field of their metadata.
///
/// # Errors
/// When what makes an object of one is of another type.
pub fn coerce(object: &mut Value, schema: &Schema, place: &str) -> Result<Vec<String>, NoObject> {
    let mut coerce = Coerce { path: place.into(), unknown: Vec::new() };
    coerce.value(object, schema)?;
    coerce.unknown.sort();
    Ok(coerce.unknown)
}

/// What makes an object none.
#[derive(Debug, Error)]
#[error("{field}: {complaint}")]
pub struct NoObject {
    /// The field, from the root.
    pub field: String,
    /// What is wrong with it.
    pub complaint: String,
}

impl From<NoObject> for DecodeError {
    fn from(error: NoObject) -> Self {
        Self { message: error.to_string(), field: error.field }
    }
}

struct Coerce {
    path: String,
    unknown: Vec<String>,
}

impl Coerce {
    fn value(&mut self, value: &mut Value, schema: &Schema) -> Result<(), NoObject> {
        match value {
            Value::Object(_) => {
                if schema.embedded {
                    self.object(value)?;
                }
                for (name, value) in value.as_object_mut().into_iter().flatten() {
                    let Some(inner) = schema.field(name) else { continue };
                    let step = step(&self.path, name, schema);
                    self.at(&step, |coerce| coerce.value(value, inner))?;
                }
                Ok(())
            }
            Value::Array(list) => {
                let Some(items) = schema.items.as_deref() else { return Ok(()) };
                let mut all = list.iter_mut().enumerate();
                all.try_for_each(|(index, item)| self.at(&format!("[{index}]"), |coerce| coerce.value(item, items)))
            }
            _ => Ok(()),
        }
    }

    fn at<T>(&mut self, step: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        self.path.push_str(step);
        let result = work(self);
        self.path.truncate(length);
        result
    }

    fn object(&mut self, object: &mut Value) -> Result<(), NoObject> {
        let refuse = |field: &str, value: &Value, why: &str| {
            let dot = if self.path.is_empty() { "" } else { "." };
            let field = format!("{}{dot}{field}", self.path);
            NoObject { complaint: format!("Invalid value: {}: {why}", printed(value)), field }
        };
        for name in ["apiVersion", "kind"] {
            if let Some(value) = object.get(name).filter(|value| !value.is_string()) {
                return Err(refuse(name, value, "must be a string"));
            }
        }
        let Some((metadata, ty)) = object.get_mut("metadata").zip(metadata_type()) else { return Ok(()) };
        let given = metadata.clone();
        let unknown = schema::normalise(metadata, ty).map_err(|error| refuse("metadata", &given, &error.message))?;
        let paths = unknown.iter().filter_map(|text| text.split('"').nth(1));
        let dot = if self.path.is_empty() { "" } else { "." };
        self.unknown.extend(paths.map(|path| format!("{}{dot}metadata.{path}", self.path)));
        Ok(())
    }
}

/// What leads from an object to a field of it: `.name`, or `[key]` where the field is an entry of a map.
fn step(path: &str, name: &str, schema: &Schema) -> String {
    match (schema.properties.contains_key(name), path.is_empty()) {
        (true, true) => name.into(),
        (true, false) => format!(".{name}"),
        (false, _) => format!("[{name}]"),
    }
}

/// Complains about objects that are fields of others, and about `object` itself when the schema says that it is one.
pub fn validate(object: &Value, schema: &Schema, place: &str, errors: &mut Errors) {
    match object {
        Value::Object(map) => {
            if schema.embedded {
                complain(object, place, errors);
            }
            for (name, value) in map {
                if let Some(inner) = schema.field(name) {
                    validate(value, inner, &format!("{place}{}", step(place, name, schema)), errors);
                }
            }
        }
        Value::Array(list) => {
            let Some(items) = schema.items.as_deref() else { return };
            let all = list.iter().enumerate();
            all.for_each(|(index, item)| validate(item, items, &format!("{place}[{index}]"), errors));
        }
        _ => {}
    }
}

fn complain(object: &Value, place: &str, errors: &mut Errors) {
    let at = |field: &str| if place.is_empty() { field.to_owned() } else { format!("{place}.{field}") };
    for field in ["apiVersion", "kind"].into_iter().filter(|field| object.get(*field).is_none()) {
        errors.required(at(field), "");
    }
    for (field, check) in [("apiVersion", version as fn(&str) -> Option<String>), ("kind", kind)] {
        let complaint = match object.get(field) {
            None => None,
            Some(Value::String(text)) if text.is_empty() => Some("must not be empty".into()),
            Some(Value::String(text)) => check(text),
            Some(_) => Some("must be a string".into()),
        };
        if let Some((value, complaint)) = object.get(field).zip(complaint) {
            errors.invalid(at(field), value, &complaint);
        }
    }
    let mut inner = Errors::default();
    if object.get("metadata").is_some() {
        let namespaced = !object.namespace().is_empty();
        meta::validate(object, namespaced, &|name, prefix| path_segment(name, prefix), &mut inner);
        // Whatever it is a part of has a name.
        inner.causes.retain(|cause| !object.name().is_empty() || cause.field != "metadata.name");
    }
    for cause in inner.causes {
        errors.push(&cause.reason, at(&cause.field), cause.message);
    }
}

fn version(text: &str) -> Option<String> {
    (text.matches('/').count() > 1).then(|| format!("unexpected GroupVersion string: {text}"))
}

fn kind(text: &str) -> Option<String> {
    let complaints = dns1035_label(&text.to_lowercase());
    (!complaints.is_empty())
        .then(|| format!("may have mixed case, but should otherwise match: {}", complaints.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_within_objects_are_objects() {
        let whole = json!({"type": "object", "x-kubernetes-embedded-resource": true,
            "x-kubernetes-preserve-unknown-fields": true});
        let schema = Schema::compile(&json!({"type": "object", "properties": {
            "one": whole, "list": {"type": "array", "items": whole}, "map": {"type": "object", "additionalProperties": whole}}}));
        for (given, want) in [
            (json!({"one": {"apiVersion": "v1", "kind": "Pod", "metadata": null}}), vec![]),
            (json!({"one": {}}), vec!["one.apiVersion: Required value", "one.kind: Required value"]),
            (
                json!({"map": {"k": {"apiVersion": "a/b/c", "kind": "", "metadata": {"finalizers": ["x"]}}}}),
                vec![
                    r#"map[k].apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c"#,
                    r#"map[k].kind: Invalid value: "": must not be empty"#,
                ],
            ),
            (
                json!({"list": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"x": 1, "name": "a", "namespace": "b"}}]}),
                vec!["list[0].metadata.x is unknown"],
            ),
            (json!({"one": {"apiVersion": 1}}), vec!["one.apiVersion: Invalid value: 1: must be a string"]),
            (
                json!({"one": {"metadata": {"name": 5}}}),
                vec![
                    r#"one.metadata: Invalid value: {"name":5}: json: cannot unmarshal number into Go struct field ObjectMeta.name of type string"#,
                ],
            ),
        ] {
            let mut object = given.clone();
            let found = match coerce(&mut object, &schema, "") {
                Err(error) => vec![error.to_string()],
                Ok(unknown) => {
                    let mut errors = Errors::default();
                    validate(&object, &schema, "", &mut errors);
                    let complaints = errors.causes.iter().map(|c| format!("{}: {}", c.field, c.message));
                    unknown.into_iter().map(|path| format!("{path} is unknown")).chain(complaints).collect()
                }
            };
            assert_eq!(found, want, "{given}");
        }
    }
}
