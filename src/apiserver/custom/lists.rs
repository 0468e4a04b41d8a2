//! Lists of type `set` and `map`: no item twice.

use super::super::kinds::field::Errors;
use super::schema::Schema;
use crate::api::Value;
use std::collections::HashMap;

/// Complains about items that are there twice.
pub fn validate(object: &Value, schema: &Schema, errors: &mut Errors) {
    walk(object, schema, "", errors);
}

fn walk(value: &Value, schema: &Schema, path: &str, errors: &mut Errors) {
    match value {
        Value::Object(map) => {
            let dot = if path.is_empty() { "" } else { "." };
            if let Some(of_values) = schema.additional.schema() {
                map.iter().for_each(|(key, value)| walk(value, of_values, &format!("{path}[{key}]"), errors));
            }
            for (name, value) in map {
                if let Some(property) = schema.properties.get(name) {
                    walk(value, property, &format!("{path}{dot}{name}"), errors);
                }
            }
        }
        Value::Array(list) => {
            match schema.list_type.as_str() {
                "set" => doubled(list).for_each(|index| errors.duplicate(format!("{path}[{index}]"), &list[index])),
                "map" => maps(list, schema, path, errors),
                _ => {}
            }
            if let Some(items) = schema.items.as_deref() {
                let all = list.iter().enumerate();
                all.for_each(|(index, item)| walk(item, items, &format!("{path}[{index}]"), errors));
            }
        }
        _ => {}
    }
}

fn maps(list: &[Value], schema: &Schema, path: &str, errors: &mut Errors) {
    if let Some(index) = list.iter().position(|item| !item.is_object() && !item.is_null()) {
        let complaint = "must be an object for an array of list-type map";
        return errors.invalid(format!("{path}[{index}]"), &list[index], complaint);
    }
    let key = |item: &Value| {
        let fields = schema.list_map_keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone())));
        Value::Object(fields.collect())
    };
    let keys: Vec<Value> = list.iter().map(key).collect();
    doubled(&keys).for_each(|index| errors.duplicate(format!("{path}[{index}]"), &keys[index]));
}

/// Where a value is for the second time; later times are not told.
fn doubled(list: &[Value]) -> impl Iterator<Item = usize> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut found = Vec::new();
    for (index, item) in list.iter().enumerate() {
        // A float is no integer, even where both are written alike.
        let times = seen.entry(item.to_string()).or_insert(0);
        *times += 1;
        if *times == 2 {
            found.push(index);
        }
    }
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as value;

    #[test]
    fn items_are_unique() {
        let schema = Schema::compile(&value!({"type": "object", "properties": {
            "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "map": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a", "b"],
                "items": {"type": "object"}},
            "maps": {"type": "object", "additionalProperties": {"type": "array", "x-kubernetes-list-type": "set"}},
        }}));
        for (object, want) in [
            (value!({"set": ["a", "b"], "map": [{"a": 1}, {"a": 2}]}), vec![]),
            (value!({"set": [1, 1.0]}), vec![]),
            (value!({"set": ["a", "a", "a"]}), vec![r#"set[1]: Duplicate value: "a""#]),
            (value!({"map": [{"a": 1, "x": 1}, {"a": 1}]}), vec![r#"map[1]: Duplicate value: {"a":1}"#]),
            (value!({"map": [1]}), vec!["map[0]: Invalid value: 1: must be an object for an array of list-type map"]),
            (value!({"maps": {"k": [1, 1]}}), vec!["maps[k][1]: Duplicate value: 1"]),
        ] {
            let mut errors = Errors::default();
            validate(&object, &schema, &mut errors);
            let found: Vec<String> = errors.causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
            assert_eq!(found, want, "{object}");
        }
    }
}
