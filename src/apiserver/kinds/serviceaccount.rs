//! ServiceAccounts.

use super::{GENERIC, Kind, cells};
use crate::api::{Object, ObjectExt, Value};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    resource: "serviceaccounts",
    prepare_for_create: names_only,
    prepare_for_update: |account, _| names_only(account),
    warnings: |account, old| {
        let note = |account: &Object| account.annotation(MOUNTABLE).map(String::from);
        let advice = "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets";
        match note(account) {
            Some(new) if old.and_then(note) != Some(new.clone()) => {
                vec![format!("metadata.annotations[{MOUNTABLE}]: {advice}")]
            }
            _ => Vec::new(),
        }
    },
    cells: |account, now| vec![account.name().into(), cells::age(account, now)],
    ..GENERIC
};

const MOUNTABLE: &str = "kubernetes.io/enforce-mountable-secrets";

/// Of a secret's reference only the name is kept.
fn names_only(account: &mut Object) {
    for secret in account.get_mut("secrets").and_then(Value::as_array_mut).into_iter().flatten() {
        *secret = match secret.text(&["name"]) {
            "" => json!({}),
            name => json!({"name": name}),
        };
    }
}
