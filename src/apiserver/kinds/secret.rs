//! Secrets.

use super::configmap::{SIZE_LIMIT, complain_about_key, decoded_length, keep_immutable};
use super::field::{Errors, Field};
use super::fill::fill;
use super::{GENERIC, Kind, cells};
use crate::api::{Object, ObjectExt, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    resource: "secrets",
    default: defaults,
    validate,
    validate_update,
    warnings: |secret, _| {
        let root = Field::new("", secret);
        let is_tls = root.get("type").text() == "kubernetes.io/tls";
        tls_warning(&root.get("data")).filter(|_| is_tls).into_iter().collect()
    },
    cells: |secret, now| {
        let count = secret.map_at(&["data"]).map_or(0, |data| data.len());
        vec![secret.name().into(), secret.text(&["type"]).into(), count.into(), cells::age(secret, now)]
    },
    selectable_fields: &[("type", |secret| secret.text(&["type"]).into())],
    ..GENERIC
};

/// `stringData` is only ever written: it goes into `data`.
fn defaults(secret: &mut Object) {
    if let Some(Value::Object(texts)) = secret.take_at(&["stringData"]) {
        for (key, text) in texts {
            let encoded = STANDARD.encode(text.as_str().unwrap_or(""));
            secret.at_mut(&["data"]).put(&[&key], encoded);
        }
    }
    fill(secret, &json!({"type": "Opaque"}));
}

fn validate(secret: &Object, errors: &mut Errors) {
    let root = Field::new("", secret);
    let data = root.get("data");
    let mut size = 0;
    for (key, value) in data.entries() {
        complain_about_key(&data, key, errors);
        size += decoded_length(value.text());
    }
    if size > SIZE_LIMIT {
        errors.too_long(data, SIZE_LIMIT);
    }
    let need_key = |key: &str, errors: &mut Errors| {
        if !data.entry(key).is_set() {
            errors.required(data.entry(key), "");
        }
    };
    match root.get("type").text() {
        "kubernetes.io/service-account-token" => {
            let annotations = root.get("metadata.annotations");
            let name = annotations.entry("kubernetes.io/service-account.name");
            if name.is_empty() {
                errors.required(name, "");
            }
        }
        "kubernetes.io/dockercfg" => need_json(&data, ".dockercfg", errors),
        "kubernetes.io/dockerconfigjson" => need_json(&data, ".dockerconfigjson", errors),
        "kubernetes.io/basic-auth" if !data.entry("username").is_set() && !data.entry("password").is_set() => {
            need_key("username", errors);
            need_key("password", errors);
        }
        "kubernetes.io/ssh-auth" if decoded(&data, "ssh-privatekey").is_empty() => {
            errors.required(data.entry("ssh-privatekey"), "");
        }
        "kubernetes.io/tls" => {
            need_key("tls.crt", errors);
            need_key("tls.key", errors);
        }
        _ => {}
    }
}

/// What Go says of a certificate and a key that are none.
fn tls_warning(data: &Field) -> Option<String> {
    let names = |key: &str| super::certificates::pem_blocks(data.entry(key).text());
    let (certificates, keys) = (names("tls.crt"), names("tls.key"));
    let is_key = |name: &String| name == "PRIVATE KEY" || name.ends_with(" PRIVATE KEY");
    let fault = |what: &str, found: &[String], wanted: &str| match found {
        [] => format!("tls: failed to find any PEM data in {what} input"),
        found => format!(
            "tls: failed to find {wanted} PEM {} in {what} input after skipping PEM blocks of the following types: [{}]",
            if what == "key" { "block with type ending in \"PRIVATE KEY\"" } else { "block" },
            found.join(" ")
        ),
    };
    if !certificates.iter().any(|name| name == "CERTIFICATE") {
        return Some(fault("certificate", &certificates, "\"CERTIFICATE\""));
    }
    (!keys.iter().any(is_key)).then(|| fault("key", &keys, ""))
}

fn need_json(data: &Field, key: &str, errors: &mut Errors) {
    let entry = data.entry(key);
    if !entry.is_set() {
        errors.required(entry, "");
        return;
    }
    if let Err(error) = serde_json::from_slice::<Value>(&decoded(data, key)) {
        errors.invalid_as(entry, "\"<secret contents redacted>\"", &go_json_error(&decoded(data, key), &error));
    }
}

fn decoded(data: &Field, key: &str) -> Vec<u8> {
    STANDARD.decode(data.entry(key).text()).unwrap_or_default()
}

/// What Go's JSON decoder says of the commonest mistakes.
fn go_json_error(bytes: &[u8], error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".into();
    }
    let line_start: usize = bytes.split(|b| *b == b'\n').take(error.line() - 1).map(|line| line.len() + 1).sum();
    let offset = line_start + error.column().saturating_sub(1);
    match bytes.get(offset) {
        Some(byte) if offset == 0 => {
            let shown = super::field::quoted(&char::from(*byte).to_string());
            format!("invalid character '{}' looking for beginning of value", shown.trim_matches('"'))
        }
        _ => error.to_string(),
    }
}

fn validate_update(new: &Object, old: &Object, errors: &mut Errors) {
    let (root, old_root) = (Field::new("", new), Field::new("", old));
    errors.immutable(&root.get("type"), &old_root.get("type"));
    if old_root.get("immutable").is_true() {
        keep_immutable(&root, &old_root, &["data"], errors);
    }
    validate(new, errors);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(secret: &Object) -> Vec<String> {
        let mut errors = Errors::default();
        validate(secret, &mut errors);
        errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
    }

    #[test]
    fn texts_become_data() {
        let mut secret = json!({"stringData": {"a": "b", "c": "d"}, "data": {"a": "eA=="}});
        defaults(&mut secret);
        assert_eq!(secret, json!({"data": {"a": "Yg==", "c": "ZA=="}, "type": "Opaque"}));
    }

    #[test]
    fn types_need_their_keys() {
        for (secret, expected) in [
            (json!({"type": "Opaque"}), vec![]),
            (
                json!({"type": "kubernetes.io/tls", "data": {}}),
                vec!["data[tls.crt]: Required value", "data[tls.key]: Required value"],
            ),
            (json!({"type": "kubernetes.io/basic-auth", "data": {"username": ""}}), vec![]),
            (
                json!({"type": "kubernetes.io/basic-auth"}),
                vec!["data[username]: Required value", "data[password]: Required value"],
            ),
            (
                json!({"type": "kubernetes.io/service-account-token"}),
                vec!["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
            ),
            (
                json!({"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "eA=="}}),
                vec![
                    "data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": invalid character 'x' \
                     looking for beginning of value",
                ],
            ),
        ] {
            assert_eq!(complaints(&secret), expected);
        }
    }
}
