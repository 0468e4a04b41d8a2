//! ConfigMaps, Secrets and ServiceAccounts.

use super::labels;
use super::read::{flag, int, joined, pairs};
use super::writer::Writer;
use crate::api::{ObjectExt, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Describes a ConfigMap.
pub fn config_map(w: &mut Writer, object: &Value) {
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    labels::labels_and_annotations(w, object);
    w.line(0, "\nData\n====");
    for (key, value) in pairs(object, &["data"]) {
        w.line(0, format_args!("{key}:\n----"));
        w.line(0, value);
        w.line(0, "");
    }
    w.line(0, "\nBinaryData\n====");
    for (key, value) in pairs(object, &["binaryData"]) {
        w.line(0, format_args!("{key}: {} bytes", decoded(value).len()));
    }
    w.line(0, "");
}

fn decoded(value: &str) -> Vec<u8> {
    STANDARD.decode(value).unwrap_or_default()
}

/// Describes a Secret: how long its values are, and the token of a service account.
pub fn secret(w: &mut Writer, object: &Value) {
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    labels::labels_and_annotations(w, object);
    let kind = object.text(&["type"]);
    w.field(0, "\nType", kind);
    w.line(0, "\nData\n====");
    for (key, value) in pairs(object, &["data"]) {
        let value = decoded(value);
        if key == "token" && kind == "kubernetes.io/service-account-token" {
            w.field(0, key, String::from_utf8_lossy(&value));
        } else {
            w.field(0, key, format_args!("{} bytes", value.len()));
        }
    }
}

/// Describes a ServiceAccount.
pub fn service_account(w: &mut Writer, object: &Value) {
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    labels::labels_and_annotations(w, object);
    const HEADING: &str = "Image pull secrets:";
    let secrets = object.items_at(&["imagePullSecrets"]);
    if secrets.is_empty() {
        w.line(0, format_args!("{HEADING}\t<none>"));
    }
    for (index, secret) in secrets.iter().enumerate() {
        let heading = if index == 0 { HEADING } else { "                   " };
        w.line(0, format_args!("{heading}\t{}", secret.text(&["name"])));
    }
}

/// Describes a PriorityClass.
pub fn priority_class(w: &mut Writer, object: &Value) {
    w.field(0, "Name", object.name());
    w.field(0, "Value", int(object, &["value"]));
    w.field(0, "GlobalDefault", flag(object, &["globalDefault"]));
    w.field(0, "PreemptionPolicy", object.text(&["preemptionPolicy"]));
    w.field(0, "Description", object.text(&["description"]));
    w.field(0, "Annotations", joined(&pairs(object, &["metadata", "annotations"])));
}
