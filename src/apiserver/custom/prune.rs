//! Taking away what a schema does not have.

use super::schema::{Additional, Schema};
use crate::api::Value;
use std::fmt::Write;

/// The fields that every object has.
const META: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Takes away the fields of an object that its schema does not have, and gives the path of each.
pub fn prune(object: &mut Value, schema: &Schema) -> Vec<String> {
    let mut walk = Walk::default();
    walk.value(object, Some(schema), true);
    walk.gone
}

/// Takes away the fields of a part of an object that its schema does not have.
pub fn prune_part(value: &mut Value, schema: &Schema) {
    Walk::default().value(value, Some(schema), false);
}

#[derive(Default)]
struct Walk {
    path: String,
    gone: Vec<String>,
}

impl Walk {
    /// Prunes a value; one without a schema loses all its fields.
    fn value(&mut self, value: &mut Value, schema: Option<&Schema>, whole: bool) {
        match value {
            Value::Array(items) => {
                let of_items = schema.and_then(|schema| schema.items.as_deref());
                let keeps = schema.is_some_and(|schema| schema.preserve_unknown && of_items.is_none());
                for (index, item) in items.iter_mut().enumerate().filter(|_| !keeps) {
                    self.at(format_args!("[{index}]"), |walk| walk.value(item, of_items, false));
                }
            }
            Value::Object(map) => map.retain(|name, value| {
                let Some(schema) = schema else { return self.lose(name) };
                if (whole || schema.embedded) && META.contains(&name.as_str()) {
                    return true;
                }
                let dot = if self.path.is_empty() { "" } else { "." };
                if let Some(property) = schema.properties.get(name) {
                    self.at(format_args!("{dot}{name}"), |walk| walk.value(value, Some(property), false));
                    return true;
                }
                match &schema.additional {
                    Additional::Of(of_values) => {
                        self.at(format_args!("{dot}{name}"), |walk| walk.value(value, Some(of_values), false));
                        true
                    }
                    _ if schema.preserve_unknown => true,
                    Additional::Any => {
                        self.at(format_args!("{dot}{name}"), |walk| walk.value(value, None, false));
                        true
                    }
                    Additional::None => self.lose(name),
                }
            }),
            _ => {}
        }
    }

    /// Notes that a field goes.
    fn lose(&mut self, name: &str) -> bool {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.gone.push(format!("{}{dot}{name}", self.path));
        false
    }

    fn at(&mut self, step: std::fmt::Arguments, work: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        // Writing to a String cannot fail.
        let _ = self.path.write_fmt(step);
        work(self);
        self.path.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_has_no_schema_goes() {
        let schema = Schema::compile(&json!({"type": "object", "properties": {
            "a": {"type": "object", "properties": {"x": {"type": "string"}}},
            "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                "properties": {"known": {"type": "object", "properties": {"x": {"type": "string"}}}}},
            "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {"x": {"type": "string"}}}},
            "free": {"type": "object", "additionalProperties": true},
            "list": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "string"}}}},
            "whole": {"type": "object", "x-kubernetes-embedded-resource": true},
        }}));
        for (given, left, gone) in [
            (json!({"apiVersion": "v1", "kind": "K", "metadata": {"z": 1}}), None, vec![]),
            (json!({"a": {"x": "1", "y": 1}, "b": 1}), Some(json!({"a": {"x": "1"}})), vec!["a.y", "b"]),
            (
                json!({"any": {"y": {"z": 1}, "known": {"x": "", "y": 1}}}),
                Some(json!({"any": {"y": {"z": 1}, "known": {"x": ""}}})),
                vec!["any.known.y"],
            ),
            (json!({"map": {"k": {"x": "", "y": 1}}}), Some(json!({"map": {"k": {"x": ""}}})), vec!["map.k.y"]),
            (json!({"free": {"k": {"x": 1}, "s": 1}}), Some(json!({"free": {"k": {}, "s": 1}})), vec!["free.k.x"]),
            (json!({"list": [{}, {"y": 1}]}), Some(json!({"list": [{}, {}]})), vec!["list[1].y"]),
            (
                json!({"whole": {"apiVersion": "v1", "kind": "K", "metadata": {}, "spec": {}}}),
                Some(json!({"whole": {"apiVersion": "v1", "kind": "K", "metadata": {}}})),
                vec!["whole.spec"],
            ),
        ] {
            let mut object = given.clone();
            assert_eq!(prune(&mut object, &schema), gone, "{given}");
            assert_eq!(object, left.unwrap_or(given));
        }
    }
}
