//! Why a value is no object of its type, in the words of the converter through which the result of a strategic merge
//! goes: kube-apiserver has it as a map already, and does not decode it.

use super::scalar;
use crate::api::{TypeNode, TypeRef, Value};

/// What is wrong with a value; none when it is of the type.
pub fn misfit(value: &Value, ty: TypeRef) -> Option<String> {
    if value.is_null() {
        return None;
    }
    let node: &TypeNode = ty.node();
    let is_marshalled = ty.is_quantity() || ["date-time", "int-or-string"].contains(&node.format.as_str());
    match (node.kind.as_str(), value) {
        ("", _) => None,
        ("string", _) if is_marshalled => scalar::normalise(&mut value.clone(), ty).err().flatten(),
        ("string", other) if node.format == "byte" => match other.as_str() {
            Some(_) => scalar::normalise(&mut value.clone(), ty).err().flatten(),
            None => Some(format!("cannot restore slice from {}", kind(other))),
        },
        ("object", Value::Object(map)) if !node.fields.is_empty() => {
            map.iter().find_map(|(name, value)| misfit(value, ty.declared(name)?))
        }
        ("object", Value::Object(map)) => map.values().find_map(|value| misfit(value, ty.values()?)),
        ("object", other) if !node.fields.is_empty() => Some(format!("cannot restore struct from: {}", kind(other))),
        ("object", other) => node.values.as_ref().map(|_| format!("cannot restore map from {}", kind(other))),
        ("array", Value::Array(list)) => list.iter().find_map(|item| misfit(item, ty.items()?)),
        ("array", other) => Some(format!("cannot restore slice from {}", kind(other))),
        (wanted, other) => scalar_misfit(wanted, other, ty),
    }
}

fn scalar_misfit(wanted: &str, value: &Value, ty: TypeRef) -> Option<String> {
    let go_kind = match wanted {
        "boolean" => "bool",
        "number" => "float64",
        "integer" if ty.node().format.is_empty() => "int",
        "integer" => &ty.node().format,
        other => other,
    };
    let whole = value.as_f64().is_some_and(|number| number.fract() == 0.0);
    match (wanted, value) {
        ("string", Value::String(_)) | ("boolean", Value::Bool(_)) | ("number", Value::Number(_)) => None,
        ("integer", Value::Number(_)) if whole => None,
        // Go has a conversion of these, but JSON has not.
        ("integer", Value::Number(_)) => Some(format!("cannot convert float64 to {go_kind}")),
        ("string", Value::Number(number)) if !number.is_f64() => {
            let own = ty.usage().go_type.as_str();
            Some(format!("cannot convert int64 to {}", if own.is_empty() { go_kind } else { own }))
        }
        _ => Some(format!("unrecognized type: {go_kind}")),
    }
}

/// Go's word for the kind of a value.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::GroupVersionKind;
    use crate::schema::builtin;
    use serde_json::json;

    #[test]
    fn misfits_are_worded_like_the_converters() {
        let pod = builtin().kind(&GroupVersionKind::new("", "v1", "Pod")).unwrap();
        let container = |part: Value| json!({"spec": {"containers": [part]}});
        for (value, words) in [
            (json!({"spec": {"containers": "x"}}), Some("cannot restore slice from string")),
            (json!({"spec": 5}), Some("cannot restore struct from: int64")),
            (json!({"metadata": {"labels": []}}), Some("cannot restore map from slice")),
            (json!({"metadata": {"labels": {"a": 1}}}), Some("cannot convert int64 to string")),
            (json!({"metadata": {"labels": {"a": true}}}), Some("unrecognized type: string")),
            (json!({"spec": {"priority": "x"}}), Some("unrecognized type: int32")),
            (json!({"spec": {"priority": 1.5}}), Some("cannot convert float64 to int32")),
            (json!({"spec": {"priority": 2.0, "hostNetwork": null}}), None),
            (json!({"spec": {"hostNetwork": "true"}}), Some("unrecognized type: bool")),
            (container(json!({"imagePullPolicy": 3})), Some("cannot convert int64 to v1.PullPolicy")),
            (container(json!({"resources": {"limits": {"cpu": "1"}}, "nosuch": 1})), None),
        ] {
            assert_eq!(misfit(&value, pod).as_deref(), words, "{value}");
        }
        let quantity = container(json!({"resources": {"limits": {"cpu": "x"}}}));
        assert!(misfit(&quantity, pod).unwrap().starts_with("quantities must match"));
    }
}
