//! Pods, and what pods are made of in the templates of other kinds.

mod annotations;
mod container;
pub(super) mod defaults;
mod handlers;
mod parts;
mod prepare;
mod projected;
mod refs;
pub(super) mod scheduling;
mod security;
pub(super) mod sources;
mod status;
mod table;
mod update;
pub(super) mod validate;
pub(super) mod volumes;
pub(super) mod warnings;

use super::{GENERIC, Kind};
use crate::api::{Object, ObjectExt};

pub(super) const KIND: Kind = Kind {
    resource: "pods",
    default: defaults::pod,
    pod_spec: &["spec"],
    disabled: &[
        "status.nodeAllocatableResourceClaimStatuses",
        "status.containerStatuses[].volumeMounts[].volumeStatus",
        "status.initContainerStatuses[].volumeMounts[].volumeStatus",
        "status.ephemeralContainerStatuses[].volumeMounts[].volumeStatus",
    ],
    has_generation: true,
    prepare_for_create: prepare::create,
    early_warnings: prepare::early_warnings,
    prepare_for_update: prepare::update,
    prepare_for_status_update,
    validate: validate::create,
    validate_update: update::update,
    validate_status_update: status::update,
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

fn prepare_for_status_update(pod: &mut Object, old: &Object) {
    super::keep_all_but_status(pod, old);
    super::keep_metadata(pod, old, &["ownerReferences"]);
    let class = ["status", "qosClass"];
    if let Some(value) = old.at(&class).filter(|_| pod.at(&class).is_none()) {
        pod.put(&class, value.clone());
    }
}
