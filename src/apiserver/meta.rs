//! Metadata: what the server sets on objects, and what it says about wrong ones.

use super::kinds::field::Errors;
use super::kinds::internal;
use super::rechecks::{self, Check};
use super::registry::Served;
use crate::api::names::{dns1123_label, label_value, path_segment, qualified_name};
use crate::api::time::{Moment, rfc3339};
use crate::api::{GroupVersion, Map, ObjectExt, Value};

/// The fields that a client cannot set on a new object.
const SERVERS_OWN: [&str; 5] =
    ["uid", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion"];

/// The finalizer of an object that goes after its dependents.
pub const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer of an object that leaves its dependents behind.
pub const ORPHAN: &str = "orphan";

/// The letters of generated names: no vowels and nothing that is mistaken for another.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Sets what a new object gets from the server.
pub fn prepare_new(object: &mut Value, served: &Served, namespace: &str, now: Moment) {
    let metadata = metadata_mut(object);
    SERVERS_OWN.iter().for_each(|field| drop(metadata.remove(*field)));
    metadata.insert("uid".into(), uuid::Uuid::new_v4().to_string().into());
    metadata.insert("creationTimestamp".into(), rfc3339(now.seconds).into());
    if served.info.namespaced() {
        metadata.insert("namespace".into(), namespace.into());
    }
    if served.rules.has_generation {
        metadata.insert("generation".into(), 1.into());
    } else {
        metadata.remove("generation");
    }
    generate_name(metadata);
}

/// Takes out owners that are there twice, and gives their uids.
pub fn dedup_owners(object: &mut Value) -> Vec<String> {
    let mut doubled = Vec::new();
    let owners = object.get_mut("metadata").and_then(|metadata| metadata.get_mut("ownerReferences"));
    if let Some(owners) = owners.and_then(Value::as_array_mut) {
        let mut seen: Vec<Value> = Vec::with_capacity(owners.len());
        for owner in std::mem::take(owners) {
            if seen.contains(&owner) {
                doubled.push(owner.text(&["uid"]).to_owned());
            } else {
                seen.push(owner);
            }
        }
        *owners = seen;
    }
    doubled
}

/// What a client is told whose object has owners twice: `moment` says when that was seen.
pub fn doubled_owners(uids: &[String], moment: &str) -> Option<String> {
    (!uids.is_empty()).then(|| {
        format!(
            ".metadata.ownerReferences contains duplicate entries{moment}; API server dedups owner references in 1.20+, \
             and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
            uids.join(", ")
        )
    })
}

/// When admission has doubled an owner, or a patch has.
pub const AFTER_ADMISSION: &str = " after mutating admission happens";

/// Makes a name from `generateName` when there is no other.
pub fn generate_name(metadata: &mut Map<String, Value>) -> bool {
    let text = |field: &str| metadata.get(field).and_then(Value::as_str).unwrap_or("");
    let base = text("generateName");
    if !text("name").is_empty() || base.is_empty() {
        return false;
    }
    let name = format!("{}{}", base.get(..58).unwrap_or(base), random_suffix());
    metadata.insert("name".into(), name.into());
    true
}

fn random_suffix() -> String {
    let random = uuid::Uuid::new_v4();
    random.as_bytes()[..5].iter().map(|b| LETTERS[usize::from(*b) % LETTERS.len()] as char).collect()
}

/// An object's metadata, made where it is missing.
pub fn metadata_mut(object: &mut Value) -> &mut Map<String, Value> {
    let metadata = object.at_mut(&["metadata"]);
    if !metadata.is_object() {
        *metadata = Value::Object(Map::new());
    }
    match metadata {
        Value::Object(map) => map,
        _ => unreachable!("it was made an object just now"),
    }
}

/// Drops empty strings, lists and maps from metadata: Go leaves them out. Managed fields stay, because an empty list
/// of them says something.
pub fn prune(object: &mut Value) {
    metadata_mut(object).retain(|field, value| match value {
        _ if field == "managedFields" => true,
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    });
}

/// Complaints about metadata of any kind; `name` is the rule of names, and is asked with true about a `generateName`.
pub fn validate(object: &Value, namespaced: bool, name: &dyn Fn(&str, bool) -> Vec<String>, errors: &mut Errors) {
    let Some(metadata) = object.map_at(&["metadata"]) else { return };
    let text = |field: &str| metadata.get(field).and_then(Value::as_str).unwrap_or("");
    if !text("generateName").is_empty() {
        complain(errors, "metadata.generateName", text("generateName"), name(text("generateName"), true));
    }
    if text("name").is_empty() {
        errors.required("metadata.name", "name or generateName is required");
    } else {
        complain(errors, "metadata.name", text("name"), name(text("name"), false));
    }
    match (namespaced, text("namespace")) {
        (true, "") => errors.required("metadata.namespace", ""),
        (true, namespace) => complain(errors, "metadata.namespace", namespace, dns1123_label(namespace)),
        (false, "") => {}
        (false, _) => {
            errors.push("FieldValueForbidden", "metadata.namespace", "Forbidden: not allowed on this type".into())
        }
    }
    validate_maps(object, errors);
    let finalizers = finalizers(object);
    for finalizer in &finalizers {
        complain(errors, "metadata.finalizers", finalizer, qualified_name(finalizer));
    }
    if finalizers.contains(&ORPHAN) && finalizers.contains(&FOREGROUND) {
        let why = format!("finalizer {ORPHAN} and {FOREGROUND} cannot be both set");
        errors.invalid("metadata.finalizers", &Value::from(finalizers.clone()), &why);
    }
}

/// The finalizers that are no domain's.
pub const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", ORPHAN, FOREGROUND];

/// Complains about finalizers without a domain that nobody knows.
fn validate_finalizers(object: &Value, errors: &mut Errors) {
    for (i, finalizer) in finalizers(object).iter().enumerate() {
        if !finalizer.contains('/') && !STANDARD_FINALIZERS.contains(finalizer) {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            errors.invalid(format!("metadata.finalizers[{i}]"), &Value::from(*finalizer), why);
        }
    }
}

fn validate_maps(object: &Value, errors: &mut Errors) {
    for (key, value) in object.map_at(&["metadata", "labels"]).into_iter().flatten() {
        complain(errors, "metadata.labels", key, qualified_name(key));
        let value = value.as_str().unwrap_or("");
        complain(errors, "metadata.labels", value, label_value(value));
    }
    let mut size = 0;
    for (key, value) in object.map_at(&["metadata", "annotations"]).into_iter().flatten() {
        complain(errors, "metadata.annotations", key, qualified_name(&key.to_lowercase()));
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > 256 * 1024 {
        let message = "Too long: may not be more than 262144 bytes".into();
        errors.push("FieldValueTooLong", "metadata.annotations", message);
    }
    validate_owners(object, errors);
}

fn validate_owners(object: &Value, errors: &mut Errors) {
    let path = "metadata.ownerReferences";
    let owners = object.items_at(&["metadata", "ownerReferences"]);
    for owner in owners {
        let version = owner.text(&["apiVersion"]);
        if GroupVersion::parse(version).version.is_empty() {
            errors.invalid(format!("{path}.apiVersion"), &version.into(), "version must not be empty");
        }
        for field in ["kind", "name", "uid"] {
            if owner.text(&[field]).is_empty() {
                errors.invalid(format!("{path}.{field}"), &"".into(), "must not be empty");
            }
        }
        if version == "v1" && owner.kind() == "Event" {
            errors.invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner");
        }
    }
    let mut controllers = owners.iter().filter(|owner| owner.get("controller") == Some(&true.into()));
    if let (Some(first), Some(second)) = (controllers.next(), controllers.next()) {
        let why = format!(
            "Only one reference can have Controller set to true. Found \"true\" in references for {} and {}",
            owner_shown(first),
            owner_shown(second)
        );
        errors.invalid_as(path, &internal::print("[]OwnerReference", &Value::from(owners.to_vec())), &why);
    }
}

fn owner_shown(owner: &Value) -> String {
    format!("{}/{}", owner.kind(), owner.text(&["name"]))
}

/// Complaints about metadata of a kind that is known.
pub fn validate_of(served: &Served, object: &Value, errors: &mut Errors) {
    validate(object, served.info.namespaced(), &served.rules.name_complaints, errors);
    if rechecks::knows_finalizers(served) {
        validate_finalizers(object, errors);
    }
}

/// Complaints that kube-apiserver's generic code makes about an update, before those of the kind.
pub fn validate_update(new: &Value, old: &Value, served: &Served, errors: &mut Errors) {
    validate(new, served.info.namespaced(), &|name, _| path_segment(name, false), errors);
    validate_change(new, old, errors);
}

/// What the kind says of metadata after that; `is_main` says that more than a part of the object changes.
pub fn validate_again(new: &Value, old: &Value, served: &Served, is_main: bool, errors: &mut Errors) {
    for check in rechecks::of(served, is_main) {
        match check {
            Check::Whole => validate_of(served, new, errors),
            Check::Change => {
                validate_change(new, old, errors);
                if rechecks::knows_finalizers(served) {
                    validate_finalizers(new, errors);
                }
            }
        }
    }
}

fn validate_change(new: &Value, old: &Value, errors: &mut Errors) {
    if !old.text(&["metadata", "deletionTimestamp"]).is_empty() {
        let before = finalizers(old);
        let extra: Vec<&str> = finalizers(new).into_iter().filter(|f| !before.contains(f)).collect();
        if !extra.is_empty() {
            let shown: Vec<String> = extra.iter().map(|f| format!("{f:?}")).collect();
            let why = "no new finalizers can be added if the object is being deleted, found new finalizers";
            let message = format!("Forbidden: {why} []string{{{}}}", shown.join(", "));
            errors.push("FieldValueForbidden", "metadata.finalizers", message);
        }
    }
    for field in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let at = |object: &Value| object.at(&["metadata", field]).cloned().unwrap_or_default();
        if at(new) != at(old) {
            errors.invalid(format!("metadata.{field}"), &at(new), "field is immutable");
        }
    }
    validate_maps(new, errors);
}

/// An object's finalizers.
pub fn finalizers(object: &Value) -> Vec<&str> {
    object.items_at(&["metadata", "finalizers"]).iter().filter_map(Value::as_str).collect()
}

/// Whether an object is being deleted.
pub fn is_deleting(object: &Value) -> bool {
    !object.text(&["metadata", "deletionTimestamp"]).is_empty()
}

fn complain(errors: &mut Errors, path: &str, value: &str, complaints: Vec<String>) {
    for complaint in complaints {
        errors.invalid(path, &value.into(), &complaint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn complaints(metadata: Value) -> Vec<String> {
        let mut errors = Errors::default();
        let object = json!({"metadata": metadata});
        validate(&object, true, &|name, _| dns1123_label(name), &mut errors);
        validate_finalizers(&object, &mut errors);
        errors.causes.into_iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
    }

    #[test]
    fn metadata_is_checked() {
        for (metadata, expected) in [
            (json!({"name": "a", "namespace": "n"}), vec![]),
            (json!({"namespace": "n"}), vec!["metadata.name: Required value: name or generateName is required"]),
            (json!({"name": "a"}), vec!["metadata.namespace: Required value"]),
            (
                json!({"name": "a", "namespace": "n", "finalizers": ["bad"]}),
                vec![
                    r#"metadata.finalizers[0]: Invalid value: "bad": name is neither a standard finalizer name nor is it fully qualified"#,
                ],
            ),
            (
                json!({"name": "a", "namespace": "n", "ownerReferences": [{"kind": "A", "name": "b"}]}),
                vec![
                    r#"metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty"#,
                    r#"metadata.ownerReferences.uid: Invalid value: "": must not be empty"#,
                ],
            ),
        ] {
            assert_eq!(complaints(metadata), expected);
        }
        assert_eq!(complaints(json!({"name": "a", "namespace": "n", "labels": {"k!": "v!"}})).len(), 2);
    }

    #[test]
    fn names_are_generated_once() {
        let mut object = json!({"metadata": {"generateName": "x-"}});
        assert!(generate_name(metadata_mut(&mut object)));
        let name = object.name().to_string();
        assert!(name.starts_with("x-") && name.len() == 7, "{name}");
        assert!(!generate_name(metadata_mut(&mut object)));
    }
}
