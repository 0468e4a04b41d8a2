//! The hash that `--append-hash` puts behind the name of a config map or secret, so that a change of the contents is a
//! change of the name.

use super::{Object, ObjectExt, Value, json};
use serde_json::Map;

/// The hash of a config map.
pub fn config_map(object: &Object) -> String {
    let mut content = content(object, "ConfigMap");
    content.insert("data".into(), object.at(&["data"]).cloned().unwrap_or_else(|| Value::Object(Map::new())));
    if let Some(binary) = object.at(&["binaryData"]) {
        content.insert("binaryData".into(), binary.clone());
    }
    short(content)
}

/// The hash of a secret.
pub fn secret(object: &Object) -> String {
    let mut content = content(object, "Secret");
    content.insert("type".into(), object.text(&["type"]).into());
    content.insert("data".into(), object.at(&["data"]).cloned().unwrap_or_else(|| Value::Object(Map::new())));
    short(content)
}

fn content(object: &Object, kind: &str) -> Map<String, Value> {
    Map::from_iter([("kind".to_string(), Value::from(kind)), ("name".to_string(), Value::from(object.name()))])
}

/// Ten digits of the SHA-256 of the content, with those letters and digits replaced that could make a word.
fn short(content: Map<String, Value>) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, json::to_string(&Value::Object(content)).as_bytes());
    let hex: String = digest.as_ref().iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    hex.chars()
        .map(|c| match c {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hashes_are_those_of_kubectl() {
        // What `kubectl create ... --append-hash` puts behind these names.
        let config = json!({"metadata": {"name": "x"}, "data": {"a": "b"}});
        let secret_object = json!({"metadata": {"name": "x"}, "data": {"a": "Yg=="}});
        assert_eq!(config_map(&config), "64686gkt6c");
        assert_eq!(secret(&secret_object), "k694gm4m9h");
    }
}
