//! Applying a configuration without anybody owning what it says.

use super::shape::{Shape, child};
use super::structured::merge;
use crate::api::TypeRef;
use serde_json::Value;

/// Merges a configuration into an object.
///
/// # Errors
/// When it says something of what can only be replaced as a whole, which would take away what it does not say.
pub fn configure(object: &Value, config: &Value, ty: Option<TypeRef>) -> Result<Value, String> {
    let mut found = Vec::new();
    atomic(config, ty, "", &mut found);
    if !found.is_empty() {
        let found = found.join(", ");
        return Err(format!("invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {found}"));
    }
    Ok(merge(Some(object), Some(config), ty)?.unwrap_or_default())
}

fn atomic(value: &Value, ty: Option<TypeRef>, path: &str, found: &mut Vec<String>) {
    let is_whole = matches!(Shape::of(ty).with(value), Shape::Leaf);
    match value {
        Value::Object(_) | Value::Array(_) if is_whole => found.push(path.to_owned()),
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            atomic(value, child(ty, key), &format!("{path}.{key}"), found);
        }),
        Value::Array(list) => list.iter().enumerate().for_each(|(index, item)| {
            atomic(item, ty.and_then(TypeRef::items), &format!("{path}[{index}]"), found);
        }),
        _ => {}
    }
}
