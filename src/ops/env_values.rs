//! What the variables of a container are that refer to other things: keys of config maps and secrets, fields of the
//! object, resources of the container.

use super::Cluster;
use crate::api::quantity::Quantity;
use crate::api::{GroupVersionKind, GroupVersionResource, Object, ObjectExt, Value, names};
use crate::client::{Mapping, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::str::FromStr;

/// The value of a variable that has a `valueFrom`; what is wrong, in kubectl's words, where it cannot be had. Without a
/// cluster nothing can be read from one.
pub async fn value(
    cluster: Option<&Cluster>,
    variable: &Value,
    object: &Object,
    container: &Value,
) -> Result<String, String> {
    let Some(from) = variable.at(&["valueFrom"]) else { return Ok(variable.text(&["value"]).into()) };
    for (field, kind, resource, words) in
        [("secretKeyRef", "Secret", "secrets", "secret"), ("configMapKeyRef", "ConfigMap", "configmaps", "config map")]
    {
        let Some(reference) = from.at(&[field]) else { continue };
        let (name, key) = (reference.text(&["name"]), reference.text(&["key"]));
        let mapping = Mapping {
            gvr: GroupVersionResource::new("", "v1", resource),
            gvk: GroupVersionKind::new("", "v1", kind),
            namespaced: true,
            ..Mapping::default()
        };
        let cluster = cluster.ok_or_else(|| format!("{words} {name} is on no server"))?;
        let request = Request::get(&mapping, &cluster.namespace, name);
        let holder = cluster.client.json(&request).await.map_err(|error| error.to_string())?;
        return match holder.at(&["data", key]).and_then(Value::as_str) {
            Some(text) if kind == "Secret" => {
                Ok(String::from_utf8_lossy(&STANDARD.decode(text).unwrap_or_default()).into_owned())
            }
            Some(text) => Ok(text.into()),
            None => Err(format!("key {key} not found in {words} {name}")),
        };
    }
    if let Some(reference) = from.at(&["fieldRef"]) {
        return field(object, reference.text(&["fieldPath"]));
    }
    match from.at(&["resourceFieldRef"]) {
        Some(reference) => resource(reference, container),
        None => Err("invalid valueFrom".into()),
    }
}

/// A field of the object's metadata, by a path such as `metadata.labels['app']`.
fn field(object: &Object, path: &str) -> Result<String, String> {
    let entry = |part: &str, key: &str| object.text(&["metadata", part, key]).to_string();
    if let Some((part, key)) =
        path.strip_suffix("']").and_then(|path| path.split_once("['")).filter(|(p, _)| !p.is_empty())
    {
        let (part, checked) = match part {
            "metadata.annotations" => ("annotations", key.to_lowercase()),
            "metadata.labels" => ("labels", key.to_string()),
            _ => return Err(format!("fieldPath {path:?} does not support subscript")),
        };
        let complaints = names::qualified_name(&checked);
        if !complaints.is_empty() {
            return Err(format!("invalid key subscript in {path}: {}", complaints.join(";")));
        }
        return Ok(entry(part, key));
    }
    let listed = |part: &str| {
        let entries = object.map_at(&["metadata", part]).into_iter().flatten();
        entries
            .map(|(key, value)| format!("{key}={:?}", value.as_str().unwrap_or_default()))
            .collect::<Vec<_>>()
            .join("\n")
    };
    match path {
        "metadata.annotations" => Ok(listed("annotations")),
        "metadata.labels" => Ok(listed("labels")),
        "metadata.name" => Ok(object.name().into()),
        "metadata.namespace" => Ok(object.namespace().into()),
        "metadata.uid" => Ok(object.uid().into()),
        _ => Err(format!("unsupported fieldPath: {path}")),
    }
}

/// A request or limit of the container, in units of the divisor and rounded up.
fn resource(reference: &Value, container: &Value) -> Result<String, String> {
    let name = reference.text(&["resource"]);
    let quantity = |value: Option<&Value>| {
        let text = value.map(|value| value.as_str().map_or_else(|| value.to_string(), String::from));
        text.and_then(|text| Quantity::from_str(&text).ok())
    };
    let parts = name.split_once('.').filter(|(part, what)| {
        matches!(*part, "limits" | "requests")
            && (matches!(*what, "cpu" | "memory" | "ephemeral-storage") || what.starts_with("hugepages-"))
    });
    let Some((part, what)) = parts else { return Err(format!("Unsupported container resource : {name}")) };
    let amount = quantity(container.at(&["resources", part, what]));
    let divisor = quantity(reference.at(&["divisor"])).filter(|divisor| !divisor.is_zero());
    let count = |quantity: Option<Quantity>, none: f64| {
        let milli = if what == "cpu" { 1000.0 } else { 1.0 };
        quantity.map_or(none * milli, |q| if what == "cpu" { q.milli_value() as f64 } else { q.value() as f64 })
    };
    Ok(format!("{}", (count(amount, 0.0) / count(divisor, 1.0)).ceil() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_of_the_object() {
        let object = json!({"metadata": {"name": "n", "labels": {"b": "2", "a": "1"}}});
        for (path, want) in [
            ("metadata.name", Ok("n")),
            ("metadata.labels", Ok("a=\"1\"\nb=\"2\"")),
            ("metadata.labels['a']", Ok("1")),
            ("metadata.labels['']", Err("invalid key subscript")),
            ("spec.x['a']", Err("fieldPath \"spec.x['a']\" does not support subscript")),
            ("status.podIP", Err("unsupported fieldPath: status.podIP")),
        ] {
            match (field(&object, path), want) {
                (Ok(value), Ok(want)) => assert_eq!(value, want),
                (Err(said), Err(want)) => assert!(said.starts_with(want), "{said}"),
                (found, want) => panic!("{path}: {found:?} and not {want:?}"),
            }
        }
    }

    #[test]
    fn resources_of_the_container() {
        let container = json!({"resources": {"limits": {"cpu": "1500m", "memory": "3Mi"}}});
        for (reference, want) in [
            (json!({"resource": "limits.cpu"}), "2"),
            (json!({"resource": "limits.cpu", "divisor": "1m"}), "1500"),
            (json!({"resource": "limits.memory", "divisor": "1Mi"}), "3"),
            (json!({"resource": "requests.memory", "divisor": "0"}), "0"),
        ] {
            assert_eq!(resource(&reference, &container).unwrap(), want, "{reference}");
        }
        assert!(resource(&json!({"resource": "limits.gpu"}), &container).is_err());
    }
}
