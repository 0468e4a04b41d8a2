//! Whether an applied configuration fits its type, in the words of kube-apiserver.

use super::element;
use super::shape::{Shape, child, entries};
use crate::api::{TypeRef, Value};
use crate::merge::go_print::{GoPrint, go_type};
use std::collections::HashSet;

/// What is wrong with a configuration; nothing when it fits. A list may not have two items of one name.
pub fn complaints(config: &Value, ty: Option<TypeRef>) -> Option<String> {
    let mut found = Vec::new();
    walk(config, ty, String::new(), &mut found);
    match found.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        several => Some(format!("errors:\n  {}", several.join("\n  "))),
    }
}

fn walk(value: &Value, ty: Option<TypeRef>, path: String, found: &mut Vec<String>) {
    let mut complain = |reason: String| {
        found.push(if path.is_empty() { reason } else { format!("{path}: {reason}") });
    };
    let Some(ty) = ty else { return };
    if value.is_null() {
        return;
    }
    match ty.node().kind.as_str() {
        "object" => {
            if !value.is_object() {
                return complain(format!("expected map, got &{{{}}}", GoPrint(value)));
            }
            let is_struct = !ty.node().fields.is_empty() && ty.node().values.is_none() && !ty.node().preserve_unknown;
            for (key, value) in entries(Some(value)) {
                let path = format!("{path}{}", element::display(&element::field(key)));
                if is_struct && !ty.has_field(key) {
                    found.push(format!("{path}: field not declared in schema"));
                    return;
                }
                walk(value, child(Some(ty), key), path, found);
            }
        }
        "array" => {
            let Value::Array(list) = value else {
                return complain(format!("expected list, got &{{{}}}", GoPrint(value)));
            };
            let mut seen = HashSet::new();
            for (index, item) in list.iter().enumerate() {
                let part = match Shape::of(Some(ty)) {
                    Shape::List(items) => match items.part(item) {
                        Ok(part) => part,
                        Err(reason) => {
                            found.push(format!("{path}: element {index}: {reason}"));
                            return;
                        }
                    },
                    _ => format!("i:{index}"),
                };
                let shown = element::display(&part);
                if !seen.insert(part) {
                    found.push(format!("{path}: duplicate entries for key {shown}"));
                }
                walk(item, ty.items(), format!("{path}{shown}"), found);
            }
        }
        kind => {
            if let Some(reason) = scalar_complaint(value, kind, ty) {
                complain(reason);
            }
        }
    }
}

fn scalar_complaint(value: &Value, kind: &str, ty: TypeRef) -> Option<String> {
    let is_scalar = !value.is_object() && !value.is_array();
    match kind {
        "string" if ty.node().format == "int-or-string" || ty.is_quantity() => {
            (!is_scalar).then(|| format!("expected any scalar, got &{{{}}}", GoPrint(value)))
        }
        "string" => (!value.is_string())
            .then(|| format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_syntax(value))),
        "integer" | "number" => {
            (!value.is_number()).then(|| format!("expected numeric (int or float), got {}", go_type(value)))
        }
        "boolean" => (!value.is_boolean()).then(|| format!("expected boolean, got &{{{}}}", GoPrint(value))),
        _ => None,
    }
}

/// A value as Go's `%#v` prints it.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Array(list) => {
            let items: Vec<String> = list.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(map) => {
            let entries: Vec<String> = map.iter().map(|(key, value)| format!("{key:?}:{}", go_syntax(value))).collect();
            format!("map[string]interface {{}}{{{}}}", entries.join(", "))
        }
        Value::Null => "interface {}(nil)".into(),
        other => other.to_string(),
    }
}
