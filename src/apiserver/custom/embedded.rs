//! Whole objects: the metadata of custom resources, and objects that are fields of others.

use super::super::kinds::field::Errors;
use super::super::meta;
use super::schema::Schema;
use crate::api::names::path_segment;
use crate::api::{ObjectExt, TypeRef, Value};
use crate::schema::{self, DecodeError};

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

/// Complains about objects that are fields of others.
pub fn validate(object: &Value, schema: &Schema, errors: &mut Errors) {
    walk(object, schema, "", true, errors);
}

fn walk(value: &Value, schema: &Schema, path: &str, whole: bool, errors: &mut Errors) {
    let dot = if path.is_empty() { "" } else { "." };
    match value {
        Value::Object(map) => {
            if schema.embedded && !whole {
                complain(value, path, errors);
            }
            for (name, value) in map {
                match (schema.properties.get(name), schema.additional.schema()) {
                    (Some(property), _) => walk(value, property, &format!("{path}{dot}{name}"), false, errors),
                    (None, Some(of_values)) => walk(value, of_values, &format!("{path}[{name}]"), false, errors),
                    (None, None) => {}
                }
            }
        }
        Value::Array(list) => {
            let Some(items) = schema.items.as_deref() else { return };
            let all = list.iter().enumerate();
            all.for_each(|(index, item)| walk(item, items, &format!("{path}[{index}]"), false, errors));
        }
        _ => {}
    }
}

fn complain(object: &Value, path: &str, errors: &mut Errors) {
    for field in ["apiVersion", "kind"] {
        if object.text(&[field]).is_empty() {
            errors.required(format!("{path}.{field}"), "must not be empty");
        }
    }
    let mut inner = Errors::default();
    if object.get("metadata").is_some() {
        let namespaced = !object.namespace().is_empty();
        let named = !object.name().is_empty() || !object.text(&["metadata", "generateName"]).is_empty();
        meta::validate(object, namespaced, &|name, prefix| path_segment(name, prefix), &mut inner);
        inner.causes.retain(|cause| named || cause.field != "metadata.name");
    }
    for cause in inner.causes {
        errors.push(&cause.reason, format!("{path}.{}", cause.field), cause.message);
    }
}
