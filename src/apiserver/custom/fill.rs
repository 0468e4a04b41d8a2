//! Defaults, and nulls that stand for nothing.

use super::schema::Schema;
use crate::api::Value;

/// Fills in the defaults of what is missing, or null where it may not be.
pub fn fill(value: &mut Value, schema: &Schema) {
    match value {
        Value::Object(map) => {
            for (name, property) in &schema.properties {
                let Some(default) = &property.default else { continue };
                match map.get_mut(name) {
                    Some(value) if is_nothing(value, property) => *value = default.clone(),
                    Some(_) => {}
                    None => drop(map.insert(name.clone(), default.clone())),
                }
            }
            for (name, value) in map {
                let is_property = schema.properties.contains_key(name);
                let Some(inner) = schema.field(name) else { continue };
                if let Some(default) = inner.default.as_ref().filter(|_| !is_property && is_nothing(value, inner)) {
                    *value = default.clone();
                }
                fill(value, inner);
            }
        }
        Value::Array(list) => {
            let Some(items) = schema.items.as_deref() else { return };
            for item in list {
                if let Some(default) = items.default.as_ref().filter(|_| is_nothing(item, items)) {
                    *item = default.clone();
                }
                fill(item, items);
            }
        }
        _ => {}
    }
}

/// Takes away nulls of fields that may not be null and have no default.
pub fn drop_nulls(value: &mut Value, schema: &Schema) {
    match value {
        Value::Object(map) => map.retain(|name, value| {
            let Some(inner) = schema.field(name) else { return true };
            if is_nothing(value, inner) {
                return inner.default.is_some();
            }
            drop_nulls(value, inner);
            true
        }),
        Value::Array(list) => {
            if let Some(items) = schema.items.as_deref() {
                list.iter_mut().for_each(|item| drop_nulls(item, items));
            }
        }
        _ => {}
    }
}

fn is_nothing(value: &Value, schema: &Schema) -> bool {
    value.is_null() && !schema.nullable
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_reach_what_is_there() {
        let schema = Schema::compile(&json!({"type": "object", "properties": {
            "a": {"type": "string", "default": "x"},
            "b": {"type": "object", "properties": {"c": {"type": "integer", "default": 3}}},
            "d": {"type": "object", "default": {}, "properties": {"e": {"type": "integer", "default": 4}}},
            "l": {"type": "array", "items": {"type": "object", "properties": {"f": {"type": "boolean", "default": false}}}},
            "m": {"type": "object", "additionalProperties": {"type": "string", "default": "y"}},
            "n": {"type": "string", "nullable": true, "default": "z"},
            "o": {"type": "string"},
        }}));
        for (given, want) in [
            (json!({}), json!({"a": "x", "d": {"e": 4}, "n": "z"})),
            (
                json!({"a": null, "b": {}, "l": [{}, {"f": true}], "m": {"k": null}, "n": null, "o": null}),
                json!({"a": "x", "b": {"c": 3}, "d": {"e": 4}, "l": [{"f": false}, {"f": true}], "m": {"k": "y"}, "n": null}),
            ),
        ] {
            let mut object = given;
            drop_nulls(&mut object, &schema);
            fill(&mut object, &schema);
            assert_eq!(object, want);
        }
    }
}
