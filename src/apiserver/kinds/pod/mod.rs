//! Pods, and what pods are made of in the templates of other kinds.

mod annotations;
mod container;
pub(super) mod defaults;
mod handlers;
mod parts;
mod projected;
mod refs;
pub(super) mod scheduling;
mod security;
pub(super) mod sources;
mod table;
mod update;
pub(super) mod validate;
pub(super) mod volumes;
pub(super) mod warnings;

use super::{GENERIC, Kind};
use crate::api::{Object, ObjectExt, Value};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    resource: "pods",
    default: defaults::pod,
    has_generation: true,
    prepare_for_create,
    prepare_for_update: |pod, old| {
        if let Some(gates) = old.at(&["status", "qosClass"]) {
            pod.put(&["status", "qosClass"], gates.clone());
        }
    },
    prepare_for_status_update,
    validate: validate::create,
    validate_update: update::update,
    validate_status_update: update::status,
    validate_part_update: parts::update,
    warnings: warnings::of_pod,
    cells: table::cells,
    row_conditions: table::conditions_of_row,
    selectable_fields: &[
        ("spec.nodeName", |pod| pod.text(&["spec", "nodeName"]).into()),
        ("spec.restartPolicy", |pod| pod.text(&["spec", "restartPolicy"]).into()),
        ("spec.schedulerName", |pod| pod.text(&["spec", "schedulerName"]).into()),
        ("spec.serviceAccountName", |pod| pod.text(&["spec", "serviceAccountName"]).into()),
        ("spec.hostNetwork", |pod| (pod.at(&["spec", "hostNetwork"]) == Some(&true.into())).to_string()),
        ("status.phase", |pod| pod.text(&["status", "phase"]).into()),
        ("status.podIP", |pod| pod.items_at(&["status", "podIPs"]).first().map_or("", |ip| ip.text(&["ip"])).into()),
        ("status.nominatedNodeName", |pod| pod.text(&["status", "nominatedNodeName"]).into()),
    ],
    ..GENERIC
};

fn prepare_for_create(pod: &mut Object) {
    let class = super::amounts::quality_of_service(&pod["spec"]);
    pod.put(&["status"], json!({"phase": "Pending", "qosClass": class}));
    if !pod.items_at(&["spec", "schedulingGates"]).is_empty() {
        let since = pod.text(&["metadata", "creationTimestamp"]).to_owned();
        let gated = json!([{"type": "PodScheduled", "status": "False", "lastProbeTime": null,
            "lastTransitionTime": since, "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates"}]);
        pod.put(&["status", "conditions"], gated);
    }
    tolerate_short_outages(pod);
    let spec = pod.at_mut(&["spec"]);
    if spec.text(&["priorityClassName"]).is_empty() {
        super::fill::fill(spec, &json!({"priority": 0, "preemptionPolicy": "PreemptLowerPriority"}));
    }
}

/// Admission lets each pod stay for five minutes on a node that is gone (DefaultTolerationSeconds).
fn tolerate_short_outages(pod: &mut Object) {
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerations = pod.items_at(&["spec", "tolerations"]);
        let tolerated = |toleration: &Value| {
            let (own, effect) = (toleration.text(&["key"]), toleration.text(&["effect"]));
            (own.is_empty() || own == key) && (effect.is_empty() || effect == "NoExecute")
        };
        if !tolerations.iter().any(tolerated) {
            let added = json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
            let all: Vec<_> = tolerations.iter().cloned().chain([added]).collect();
            pod.put(&["spec", "tolerations"], all);
        }
    }
}

fn prepare_for_status_update(pod: &mut Object, old: &Object) {
    super::keep_all_but_status(pod, old);
    for path in [&["status", "qosClass"][..], &["metadata", "ownerReferences"]] {
        match old.at(path) {
            Some(value) if path[0] == "metadata" || pod.at(path).is_none() => pod.put(path, value.clone()),
            None if path[0] == "metadata" => drop(pod.take_at(path)),
            _ => {}
        }
    }
}
