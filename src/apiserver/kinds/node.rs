//! Nodes.

use super::addresses::agree;
use super::field::{Errors, Field, printed, quoted};
use super::fill::fill;
use super::resources::amount;
use super::{GENERIC, Kind, cells};
use crate::api::{Object, ObjectExt, Value, names};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    resource: "nodes",
    disabled: &["spec.configSource", "status.config"],
    default: defaults,
    prepare_for_create: |node| {
        // Admission keeps pods away until the node says that it is ready.
        let not_ready = json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"});
        let taints = node.items_at(&["spec", "taints"]);
        let there = |taint: &Value| ["key", "effect"].iter().all(|part| taint.get(part) == not_ready.get(part));
        if !taints.iter().any(there) {
            let all: Vec<_> = taints.iter().cloned().chain([not_ready]).collect();
            node.put(&["spec", "taints"], all);
        }
    },
    validate,
    validate_update: |new, old, errors| {
        validate(new, errors);
        validate_update(new, old, errors);
    },
    validate_status_update: validate_update,
    warnings: |node, _| {
        let root = Field::new("", node);
        let mut warnings = Vec::new();
        if !root.get("spec.externalID").is_empty() {
            warnings.push("spec.externalID: this field is deprecated, and is unused by Kubernetes".into());
        }
        warnings
    },
    cells: row,
    selectable_fields: &[("spec.unschedulable", |node| {
        (node.at(&["spec", "unschedulable"]) == Some(&true.into())).to_string()
    })],
    ..GENERIC
};

fn defaults(node: &mut Object) {
    let unknown = [
        "machineID",
        "systemUUID",
        "bootID",
        "kernelVersion",
        "osImage",
        "containerRuntimeVersion",
        "kubeletVersion",
        "kubeProxyVersion",
        "operatingSystem",
        "architecture",
    ];
    let info: Value = unknown.iter().map(|field| (field.to_string(), json!(""))).collect();
    let port = json!({"kubeletEndpoint": {"Port": 0}});
    fill(node, &json!({"spec": {}, "status": {"daemonEndpoints": port, "nodeInfo": info}}));
    if let (None, Some(capacity)) = (node.at(&["status", "allocatable"]), node.at(&["status", "capacity"]).cloned()) {
        node.put(&["status", "allocatable"], capacity);
    }
    agree(node, &["spec", "podCIDR"], &["spec", "podCIDRs"], "");
}

fn validate(node: &Object, errors: &mut Errors) {
    let root = Field::new("", node);
    taints(&root, errors);
    amounts(&root, errors);
    features(&root, errors);
    let cidrs = root.get("spec.podCIDRs");
    for cidr in cidrs.items() {
        errors.name(&cidr, names::cidr);
    }
    let families: Vec<_> =
        cidrs.items().map(|cidr| names::parse_cidr(cidr.text()).is_some_and(|(ip, _)| ip.is_ipv6())).collect();
    if families.len() > 2 || matches!(families.as_slice(), [one, two] if one == two) {
        errors.reject(&cidrs, "may specify no more than one CIDR for each IP family");
    }
}

fn amounts(root: &Field, errors: &mut Errors) {
    for list in ["status.capacity", "status.allocatable"] {
        let amounts = root.get(list);
        for (name, quantity) in amounts.entries() {
            amount(name, &amounts.get(name).with(quantity.value()), errors);
        }
    }
}

/// Complains about the features that a node says it has (KEP-5328).
fn features(root: &Field, errors: &mut Errors) {
    let list = root.get("status.declaredFeatures");
    for (index, feature) in list.items().enumerate() {
        let text = feature.text();
        let segment = |(index, segment): (usize, &str)| {
            let first = |c: char| if index == 0 { c.is_ascii_uppercase() } else { c.is_ascii_alphabetic() };
            segment.starts_with(first) && segment.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        if text.len() > 253 {
            let detail = format!("invalid feature name {}: must be no more than 253 characters", quoted(text));
            errors.invalid_as(feature, &quoted(text), &detail);
        } else if !text.split('/').enumerate().all(segment) {
            let detail = format!(
                "invalid feature name {}: must start with an UpperCamelCase segment, with subsequent segments separated \
                 by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes",
                quoted(text)
            );
            errors.invalid_as(feature, &quoted(text), &detail);
        }
        let next = list.item(index + 1);
        if next.is_set() && next.text() == text {
            errors.duplicate(next, next.value());
        } else if next.is_set() && next.text() < text {
            errors.reject(&next, "list must be sorted alphabetically");
        }
    }
}

/// Complains about taints; kube-apiserver writes their path like this.
fn taints(root: &Field, errors: &mut Errors) {
    let taints = Field::new("metadata.taints", root.get("spec.taints").value());
    for index in 0..taints.count() {
        let taint = taints.item(index);
        errors.name(&taint.get("key"), names::qualified_name);
        let value = taint.get("value");
        let complaints = names::label_value(value.text());
        if !complaints.is_empty() {
            errors.reject(&value, &complaints.join(";"));
        }
        taint_effect(&taint.get("effect"), errors);
        let same = |before: usize| {
            ["key", "effect"].iter().all(|part| taints.item(before).get(part).value() == taint.get(part).value())
        };
        if (0..index).any(same) {
            let message =
                format!("Duplicate value: {}: taints must be unique by key and effect pair", internal(&taint));
            errors.push("FieldValueDuplicate", taint, message);
        }
    }
}

/// A taint as the internal type prints.
fn internal(taint: &Field) -> String {
    let text = |part: &str| printed(&taint.get(part).text().into());
    let added = printed(taint.get("timeAdded").value());
    format!(r#"{{"Key":{},"Value":{},"Effect":{},"TimeAdded":{added}}}"#, text("key"), text("value"), text("effect"))
}

/// Complains about what a taint does to pods.
pub(super) fn taint_effect(effect: &Field, errors: &mut Errors) {
    errors.need_one_of(effect, &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
}

const DEPRECATED_LABELS: [(&str, &str); 8] = [
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    ("failure-domain.beta.kubernetes.io/zone", "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"),
    ("beta.kubernetes.io/instance-type", "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"),
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    ("scheduler.alpha.kubernetes.io/preferAvoidPods", "deprecated since v1.22; use Taints and Tolerations instead"),
    ("node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"),
];

/// What to say of a label of nodes that nobody should select any more.
pub(super) fn deprecated_label(key: &str) -> Option<&'static str> {
    DEPRECATED_LABELS.iter().find(|(label, _)| *label == key).map(|(_, message)| *message)
}

/// The warnings of a term of a node selector.
pub(super) fn selector_warnings(term: &Field, checks_values: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    for expression in term.get("matchExpressions").items() {
        let (key, values) = (expression.get("key"), expression.get("values"));
        if let Some(message) = deprecated_label(key.text()) {
            warnings.push(format!("{key}: {} is {message}", key.text()));
        }
        for value in values.items().filter(|_| checks_values) {
            for complaint in names::label_value(value.text()) {
                warnings.push(format!("{value}: {} is invalid, {complaint}", value.text()));
            }
        }
    }
    warnings
}

fn validate_update(new: &Object, old: &Object, errors: &mut Errors) {
    let (root, old_root) = (Field::new("", new), Field::new("", old));
    amounts(&root, errors);
    features(&root, errors);
    let addresses = root.get("status.addresses");
    for index in 0..addresses.count() {
        let address = addresses.item(index);
        if (0..index).any(|before| addresses.item(before).value() == address.value()) {
            let (kind, text) = (address.get("type"), address.get("address"));
            let message =
                format!(r#"Duplicate value: {{"Type":{},"Address":{}}}"#, printed(kind.value()), printed(text.value()));
            errors.push("FieldValueDuplicate", address, message);
        }
    }
    for (field, complaint) in [
        ("spec.podCIDRs", "node updates may not change podCIDR except from \"\" to valid"),
        ("spec.providerID", "node updates may not change providerID except from \"\" to valid"),
    ] {
        if !old_root.get(field).is_empty() && old_root.get(field).value() != root.get(field).value() {
            errors.forbidden(root.get(field), complaint);
        }
    }
    taints(&root, errors);
    if root.get("spec.externalID").text() != old_root.get("spec.externalID").text() {
        errors.forbidden("spec.externalID", "may not be updated");
    }
}

fn row(node: &Object, now: i64) -> Vec<Value> {
    let ready = node.items_at(&["status", "conditions"]).iter().rfind(|c| c.text(&["type"]) == "Ready");
    let mut status =
        ready.map_or("Unknown", |c| if c.text(&["status"]) == "True" { "Ready" } else { "NotReady" }).to_owned();
    if node.at(&["spec", "unschedulable"]) == Some(&true.into()) {
        status.push_str(",SchedulingDisabled");
    }
    let address = |kind: &str| {
        let addresses = node.items_at(&["status", "addresses"]).iter();
        let address = addresses.into_iter().find(|a| a.text(&["type"]) == kind).map_or("", |a| a.text(&["address"]));
        cells::none_if_empty(address)
    };
    let info = |field: &str| match node.text(&["status", "nodeInfo", field]) {
        "" => "<unknown>".to_owned(),
        text => text.to_owned(),
    };
    let mut kernel = info("kernelVersion");
    let architecture = node.text(&["status", "nodeInfo", "architecture"]);
    if kernel != "<unknown>" && !architecture.is_empty() {
        kernel = format!("{kernel} ({architecture})");
    }
    vec![
        node.name().into(),
        status.into(),
        cells::none_if_empty(&roles(node).join(",")),
        cells::age(node, now),
        node.text(&["status", "nodeInfo", "kubeletVersion"]).into(),
        address("InternalIP"),
        address("ExternalIP"),
        info("osImage").into(),
        kernel.into(),
        info("containerRuntimeVersion").into(),
    ]
}

/// The roles that a node's labels give it, sorted.
fn roles(node: &Object) -> Vec<&str> {
    let labels = node.map_at(&["metadata", "labels"]).into_iter().flatten();
    let mut roles: Vec<&str> = labels
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            None if key == "kubernetes.io/role" => value.as_str(),
            role => role,
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taints_must_make_sense() {
        let node = json!({"spec": {"taints": [
            {"key": "a", "effect": "NoSchedule"}, {"key": "a", "value": "b", "effect": "NoSchedule"},
            {"key": "a", "effect": "Never"}]}});
        let mut errors = Errors::default();
        validate(&node, &mut errors);
        let lines: Vec<_> = errors.causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        assert_eq!(
            lines,
            [
                r#"metadata.taints[1]: Duplicate value: {"Key":"a","Value":"b","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair"#,
                r#"metadata.taints[2].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute""#,
            ]
        );
    }

    #[test]
    fn some_fields_are_set_once() {
        let old = json!({"spec": {"podCIDRs": ["10.0.0.0/24"], "providerID": ""}});
        let new = json!({"spec": {"podCIDRs": ["10.0.1.0/24"], "providerID": "a"}});
        let mut errors = Errors::default();
        validate_update(&new, &old, &mut errors);
        assert_eq!(errors.causes.len(), 1);
        assert_eq!(errors.causes[0].field, "spec.podCIDRs");
    }
}
