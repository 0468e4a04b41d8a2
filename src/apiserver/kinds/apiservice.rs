//! APIServices: which server serves which version of which group.

use super::cells::age;
use super::field::{Errors, Field, quoted};
use super::fill::fill;
use super::{GENERIC, Kind, keep_all_but_the_status_itself};
use crate::api::{Object, ObjectExt, names};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    group: "apiregistration.k8s.io",
    resource: "apiservices",
    default: |service| {
        let spec = json!({"groupPriorityMinimum": 0, "versionPriority": 0, "service?": {"port": 443}});
        fill(service, &json!({"spec": spec, "status": {}}));
    },
    name_complaints: names::path_segment,
    prepare_for_create: |service| {
        service.put(&["status"], json!({}));
        if service.at(&["spec", "service"]).is_none() {
            let condition = json!({
                "type": "Available",
                "status": "True",
                "lastTransitionTime": service.text(&["metadata", "creationTimestamp"]),
                "reason": "Local",
                "message": "Local APIServices are always available",
            });
            service.put(&["status", "conditions"], vec![condition]);
        }
    },
    validate,
    validate_update: |new, _, errors| validate(new, errors),
    prepare_for_status_update: keep_all_but_the_status_itself,
    validate_status_update: |new, _, errors| {
        let root = Field::new("", new);
        for condition in root.get("status.conditions").items() {
            errors.one_of(&condition.get("status"), &["True", "False", "Unknown"]);
        }
    },
    cells: |service, now| {
        let text = |name: &str| service.text(&["spec", "service", name]);
        let local = service.at(&["spec", "service"]).is_none();
        let conditions = service.items_at(&["status", "conditions"]);
        let available = conditions.iter().find(|condition| condition.text(&["type"]) == "Available");
        let state = available.map(|condition| match (condition.text(&["status"]), condition.text(&["reason"])) {
            ("True", _) => "True".into(),
            (status, reason) => format!("{status} ({reason})"),
        });
        vec![
            service.name().into(),
            if local { "Local".into() } else { format!("{}/{}", text("namespace"), text("name")) }.into(),
            state.unwrap_or_else(|| "Unknown".into()).into(),
            age(service, now),
        ]
    },
    ..GENERIC
};

fn validate(service: &Object, errors: &mut Errors) {
    let root = Field::new("", service);
    let spec = root.get("spec");
    let [group, version, target, insecure] =
        ["group", "version", "service", "insecureSkipTLSVerify"].map(|name| spec.get(name));
    let name = format!("{}.{}", version.text(), group.text());
    if service.name() != name && names::path_segment(service.name(), false).is_empty() {
        let complaint = format!("must be `spec.version+\".\"+spec.group`: {}", quoted(&name));
        errors.reject(&root.get("metadata.name"), &complaint);
    }
    if group.is_empty() && version.text() != "v1" {
        errors.required(group, "only v1 may have an empty group and it better be legacy kube");
    }
    if !group.is_empty() {
        errors.name(&group, names::dns1123_subdomain);
    }
    errors.name(&version, names::dns1035_label);
    for (name, most) in [("groupPriorityMinimum", 20_000), ("versionPriority", 1000)] {
        let priority = spec.get(name).number();
        if !(1..=most).contains(&priority) {
            errors.invalid(spec.get(name), &priority.into(), &format!("must be positive and less than {most}"));
        }
    }
    let bundle = spec.get("caBundle");
    if !target.is_set() {
        if !bundle.is_empty() {
            let bytes = super::configmap::decoded_length(bundle.text());
            errors.invalid_as(bundle, &quoted(&format!("{bytes} bytes")), "local APIServices may not have a caBundle");
        }
        if insecure.is_true() {
            errors.reject(&insecure, "local APIServices may not have insecureSkipTLSVerify");
        }
        return;
    }
    errors.need(&target.get("namespace"));
    errors.need(&target.get("name"));
    port(&target.get("port"), errors);
    if insecure.is_true() && !bundle.is_empty() {
        errors.reject(&insecure, "may not be true if caBundle is present");
    }
}

/// Complains about the port of a service that Kubernetes itself calls.
pub(super) fn port(port: &Field, errors: &mut Errors) {
    let complaints = names::port_number(port.number());
    if !complaints.is_empty() {
        errors.invalid(port, &port.number().into(), &format!("port is not valid: {}", complaints.join(", ")));
    }
}
