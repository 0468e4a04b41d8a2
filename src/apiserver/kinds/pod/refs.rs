//! References from a pod's parts to fields, resources and keys of other objects.

use super::super::field::{Errors, Field, quoted};
use super::super::resources::quantity;
use super::sources::no_back_steps;
use crate::api::names;

/// The fields that environment variables may show.
pub(super) const ENV_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// The fields that files may show.
pub(super) const VOLUME_FIELDS: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

/// Fields of a pod that have a name at all, besides those above.
const OTHER_FIELDS: [&str; 4] = ["spec.restartPolicy", "spec.schedulerName", "status.phase", "spec.host"];

const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

/// Complains about a `fieldRef`.
pub(super) fn object_field(reference: &Field, allowed: &[&str], errors: &mut Errors) {
    let (version, path) = (reference.get("apiVersion"), reference.get("fieldPath"));
    if !errors.need(&version) || !errors.need(&path) {
        return;
    }
    let text = path.text();
    let (name, key) = match text.strip_suffix("']").and_then(|rest| rest.split_once("['")) {
        Some((name, key)) if !name.is_empty() => (name, Some(key)),
        _ => (text, None),
    };
    let subscripts = ["metadata.annotations", "metadata.labels"].contains(&name) && key.is_some();
    let known = ENV_FIELDS.contains(&text) || VOLUME_FIELDS.contains(&text) || OTHER_FIELDS.contains(&text);
    let problem = if version.text() != "v1" {
        format!("unsupported pod version: {}", version.text())
    } else if !subscripts && !known {
        format!("field label not supported: {}", if key.is_some() { name } else { text })
    } else {
        String::new()
    };
    if !problem.is_empty() {
        errors.reject(&path, &format!("error converting fieldPath: {problem}"));
    } else if let Some(key) = key {
        let key = if name == "metadata.annotations" { key.to_lowercase() } else { key.into() };
        for complaint in names::qualified_name(&key) {
            errors.invalid_as(reference, &quoted(&key), &complaint);
        }
    } else {
        let internal = if text == "spec.host" { "spec.nodeName" } else { text };
        if !allowed.contains(&internal) {
            errors.unsupported(path, &quoted(internal), allowed);
        }
    }
}

/// Complains about a `resourceFieldRef`; in a volume it must name its container.
pub(super) fn resource_field(reference: &Field, in_volume: bool, errors: &mut Errors) {
    let (container, resource) = (reference.get("containerName"), reference.get("resource"));
    let name = resource.text();
    let huge = name.starts_with("requests.hugepages-") || name.starts_with("limits.hugepages-");
    if in_volume && container.is_empty() {
        errors.required(container, "");
    } else if errors.need(&resource) && !huge {
        errors.one_of(&resource, &RESOURCES);
    }
    let divisor = quantity(&reference.get("divisor"));
    let (of, cpu) = match name.split_once('.').map_or("", |(_, of)| of) {
        "cpu" => ("cpu resource", true),
        "memory" => ("memory resource", false),
        "ephemeral-storage" => ("local ephemeral storage resource", false),
        _ if huge => ("hugepages resource", false),
        _ => return,
    };
    let divisors = if cpu { "1m and 1" } else { "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei" };
    let text = divisor.to_string();
    if !divisor.is_zero() && !divisors.split([',', ' ']).any(|one| one == text) {
        let detail = format!("only divisor's values {divisors} are supported with the {of}");
        errors.invalid_as(reference.get("divisor"), &quoted(name), &detail);
    }
}

/// Complains about the key of a ConfigMap or a Secret.
pub(super) fn key_ref(reference: &Field, errors: &mut Errors) {
    errors.name(&reference.get("name"), names::dns1123_subdomain);
    errors.need_name(&reference.get("key"), names::config_map_key);
}

/// Complains about the key of a file of variables.
pub(super) fn file_key(reference: &Field, errors: &mut Errors) {
    errors.need_name(&reference.get("key"), names::env_var_name);
    errors.need_name(&reference.get("volumeName"), names::dns1123_label);
    if errors.need(&reference.get("path")) {
        no_back_steps(&reference.get("path"), errors);
    }
}
