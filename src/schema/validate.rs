//! Checking an object against a server's types before it is sent: what kubectl does for servers that cannot check
//! fields themselves.

use crate::api::{Map, TypeRef, Value};

/// What is wrong with an object of the type `ty`, in kubectl's words: unknown fields, missing ones, values of the wrong
/// kind, nulls where something must be.
pub fn validate(object: &Value, ty: TypeRef) -> Vec<String> {
    let kind = ty.node().gvk.first().map_or("", |gvk| gvk.kind.as_str());
    let mut found = Vec::new();
    check(object, ty, kind.into(), type_path(ty, kind), &mut found);
    found
}

/// The name of a type, or where it is used when it has none.
fn type_path(ty: TypeRef, used: &str) -> String {
    ty.name().unwrap_or(used).to_owned()
}

fn check(value: &Value, ty: TypeRef, path: String, type_name: String, found: &mut Vec<String>) {
    let node = ty.node();
    let mut wrong = |expected: &str| {
        let actual = match value {
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            _ => "map",
        };
        let name = &type_name;
        found.push(format!("ValidationError({path}): invalid type for {name}: got {actual:?}, expected {expected:?}"));
    };
    match (node.kind.as_str(), value) {
        (_, Value::Null) | ("", _) => {}
        ("object", Value::Object(map)) if !node.fields.is_empty() => check_fields(map, ty, &path, &type_name, found),
        ("object", Value::Object(map)) => {
            let Some(of_value) = ty.values() else { return };
            for (key, value) in map {
                let path = format!("{path}.{key}");
                match value {
                    Value::Null => found.push(format!("unknown object type \"nil\" in {path}")),
                    _ => check(value, of_value, path, type_path(of_value, &type_name), found),
                }
            }
        }
        ("object", _) => wrong("map"),
        ("array", Value::Array(list)) => {
            let Some(of_item) = ty.items() else { return };
            for (index, item) in list.iter().enumerate() {
                let place = format!("{path}[{index}]");
                match item {
                    Value::Null => {
                        found.push(format!("ValidationError({path}): unknown object type \"nil\" in {place}"));
                    }
                    _ => check(item, of_item, place, type_path(of_item, &type_name), found),
                }
            }
        }
        ("array", _) => wrong("array"),
        // A text may be written as any scalar.
        ("string", Value::Object(_) | Value::Array(_)) => wrong("string"),
        ("integer" | "number", Value::Number(_)) | ("boolean", Value::Bool(_)) | ("string", _) => {}
        (kind, _) => wrong(kind),
    }
}

fn check_fields(map: &Map<String, Value>, ty: TypeRef, path: &str, type_name: &str, found: &mut Vec<String>) {
    let node = ty.node();
    for (key, value) in map {
        match ty.declared(key).or_else(|| ty.values()) {
            Some(field) => {
                let used = format!("{type_name}.{key}");
                check(value, field, format!("{path}.{key}"), type_path(field, &used), found);
            }
            None if node.preserve_unknown => {}
            None => found.push(format!("ValidationError({path}): unknown field {key:?} in {type_name}")),
        }
    }
    let missing = node.required.iter().filter(|key| map.get(*key).is_none_or(Value::is_null));
    found.extend(missing.map(|key| format!("ValidationError({path}): missing required field {key:?} in {type_name}")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{GroupVersion, GroupVersionKind};
    use crate::schema::openapi::{from_v3, v3};
    use serde_json::json;

    #[test]
    fn complaints_are_those_of_kubectl() {
        let catalog = from_v3(&v3(&GroupVersion::parse("v1")).unwrap());
        let pod = catalog.kind(&GroupVersionKind::new("", "v1", "Pod")).unwrap();
        for (object, want) in [
            (json!({"spec": {"containers": [{"name": "c"}], "nodeName": null}}), vec![]),
            (
                json!({"spec": {"containers": [{"name": "c", "imge": "x"}], "nosuch": 1}, "x": {}}),
                vec![
                    r#"ValidationError(Pod.spec.containers[0]): unknown field "imge" in io.k8s.api.core.v1.Container"#,
                    r#"ValidationError(Pod.spec): unknown field "nosuch" in io.k8s.api.core.v1.PodSpec"#,
                    r#"ValidationError(Pod): unknown field "x" in io.k8s.api.core.v1.Pod"#,
                ],
            ),
            (
                json!({"spec": {"containers": [{"ports": [{"containerPort": "80"}], "args": "x", "resources": []}]}}),
                vec![
                    r#"ValidationError(Pod.spec.containers[0].args): invalid type for io.k8s.api.core.v1.Container.args: got "string", expected "array""#,
                    r#"ValidationError(Pod.spec.containers[0].ports[0].containerPort): invalid type for io.k8s.api.core.v1.ContainerPort.containerPort: got "string", expected "integer""#,
                    r#"ValidationError(Pod.spec.containers[0].resources): invalid type for io.k8s.api.core.v1.ResourceRequirements: got "array", expected "map""#,
                    r#"ValidationError(Pod.spec.containers[0]): missing required field "name" in io.k8s.api.core.v1.Container"#,
                ],
            ),
            (
                json!({"metadata": {"labels": {"a": null}}, "spec": {"containers": [null]}}),
                vec![
                    r#"unknown object type "nil" in Pod.metadata.labels.a"#,
                    r#"ValidationError(Pod.spec.containers): unknown object type "nil" in Pod.spec.containers[0]"#,
                ],
            ),
            (
                json!({"spec": {"containers": null}}),
                vec![r#"ValidationError(Pod.spec): missing required field "containers" in io.k8s.api.core.v1.PodSpec"#],
            ),
        ] {
            assert_eq!(validate(&object, pod), want, "{object}");
        }
    }
}
