//! Pods, and the templates of pods in the objects that make them.

use super::containers::{self, Place};
use super::context::Context;
use super::labels::{self, sorted};
use super::read::{int, number, some, text};
use super::writer::Writer;
use super::{conditions, selector, volumes};
use crate::api::{ObjectExt, Value};

/// Describes a Pod.
pub fn write(w: &mut Writer, pod: &Value, context: &Context) {
    let spec = pod.at(&["spec"]).unwrap_or(&Value::Null);
    w.field(0, "Name", pod.name());
    w.field(0, "Namespace", pod.namespace());
    if let Some(priority) = spec.integer(&["priority"]) {
        w.field(0, "Priority", priority);
    }
    for (heading, key) in [
        ("Priority Class Name", "priorityClassName"),
        ("Runtime Class Name", "runtimeClassName"),
        ("Service Account", "serviceAccountName"),
    ] {
        text(spec, &[key]).into_iter().for_each(|text| w.field(0, heading, text));
    }
    match text(spec, &["nodeName"]) {
        Some(node) => w.field(0, "Node", format_args!("{node}/{}", pod.text(&["status", "hostIP"]))),
        None => w.field(0, "Node", "<none>"),
    }
    if let Some(time) = text(pod, &["status", "startTime"]) {
        w.field(0, "Start Time", context.time(time));
    }
    labels::labels_and_annotations(w, pod);
    status(w, pod, context);
    if let Some(controller) = controller(pod) {
        w.field(0, "Controlled By", controller);
    }
    if let Some(node) = text(pod, &["status", "nominatedNodeName"]) {
        w.field(0, "NominatedNodeName", node);
    }
    if let Some(resources) = some(spec, &["resources"]) {
        w.line(0, "Resources:");
        containers::resources(w, 1, Some(resources));
    }
    for (heading, key, statuses) in [
        ("Init Containers", "initContainers", "initContainerStatuses"),
        ("Containers", "containers", "containerStatuses"),
        ("Ephemeral Containers", "ephemeralContainers", "ephemeralContainerStatuses"),
    ] {
        let list = spec.items_at(&[key]);
        if !list.is_empty() || key == "containers" {
            let statuses = pod.items_at(&["status", statuses]);
            containers::write(w, heading, list, Place::Pod { pod, statuses, context });
        }
    }
    readiness_gates(w, pod);
    conditions::write(w, pod, conditions::POD, context);
    volumes::volumes(w, spec.items_at(&["volumes"]), "");
    w.field(0, "QoS Class", quality_of_service(pod));
    labels::labels(w, "Node-Selectors", spec, &["nodeSelector"]);
    labels::tolerations(w, "Tolerations", spec.items_at(&["tolerations"]));
    spread_constraints(w, spec, "");
    scheduling_group(w, spec, "");
}

fn status(w: &mut Writer, pod: &Value, context: &Context) {
    let phase = pod.text(&["status", "phase"]);
    match text(pod, &["metadata", "deletionTimestamp"]) {
        Some(time) if !matches!(phase, "Failed" | "Succeeded") => {
            w.field(0, "Status", format_args!("Terminating (lasts {})", context.age(time)));
            let seconds = int(pod, &["metadata", "deletionGracePeriodSeconds"]);
            w.field(0, "Termination Grace Period", format_args!("{seconds}s"));
        }
        _ => w.field(0, "Status", phase),
    }
    for (heading, key) in [("Reason", "reason"), ("Message", "message")] {
        text(pod, &["status", key]).into_iter().for_each(|text| w.field(0, heading, text));
    }
    if let Some(profile) = some(pod, &["spec", "securityContext", "seccompProfile"]) {
        w.field(0, "SeccompProfile", profile.text(&["type"]));
        if profile.text(&["type"]) == "Localhost" {
            w.field(0, "LocalhostProfile", profile.text(&["localhostProfile"]));
        }
    }
    w.field(0, "IP", pod.text(&["status", "podIP"]));
    let addresses = pod.items_at(&["status", "podIPs"]);
    if addresses.is_empty() {
        w.field(0, "IPs", "<none>");
    } else {
        w.line(0, "IPs:");
        addresses.iter().for_each(|address| w.field(1, "IP", address.text(&["ip"])));
    }
}

fn readiness_gates(w: &mut Writer, pod: &Value) {
    let gates = pod.items_at(&["spec", "readinessGates"]);
    if gates.is_empty() {
        return;
    }
    w.line(0, "Readiness Gates:\n  Type\tStatus");
    for gate in gates {
        let kind = gate.text(&["conditionType"]);
        let mut conditions = pod.items_at(&["status", "conditions"]).iter();
        let condition = conditions.find(|condition| condition.text(&["type"]) == kind);
        let status = condition.map_or("<none>", |condition| condition.text(&["status"]));
        w.line(1, format_args!("{kind} \t{status} "));
    }
}

/// `ReplicaSet/web-5d`: what controls an object.
pub fn controller(object: &Value) -> Option<String> {
    let owner = object.controller()?;
    Some(format!("{}/{}", owner.text(&["kind"]), owner.text(&["name"])))
}

/// The quality of service that the server has found, or, where there was none, that the resources mean.
fn quality_of_service(pod: &Value) -> &str {
    if let Some(class) = text(pod, &["status", "qosClass"]) {
        return class;
    }
    let containers = || ["containers", "initContainers"].into_iter().flat_map(|key| pod.items_at(&["spec", key]));
    let amount = |container: &Value, kind: &str, resource: &str| {
        some(container, &["resources", kind, resource]).and_then(number).filter(|quantity| quantity.sign() > 0)
    };
    let all = || containers().flat_map(|c| [(c, "cpu"), (c, "memory")]);
    if all().all(|(c, resource)| amount(c, "limits", resource).or(amount(c, "requests", resource)).is_none()) {
        "BestEffort"
    } else if all().all(|(c, resource)| {
        let limit = amount(c, "limits", resource);
        limit.is_some() && (amount(c, "requests", resource).is_none() || amount(c, "requests", resource) == limit)
    }) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

fn spread_constraints(w: &mut Writer, spec: &Value, space: &str) {
    let constraints = spec.items_at(&["topologySpreadConstraints"]);
    if constraints.is_empty() {
        return;
    }
    w.put(0, format_args!("{space}Topology Spread Constraints:\t"));
    let sorted = sorted(constraints, |constraint| constraint.text(&["topologyKey"]).to_owned());
    for (index, constraint) in sorted.enumerate() {
        if index > 0 {
            w.put(0, format_args!("{space}\t"));
        }
        let (key, otherwise) = (constraint.text(&["topologyKey"]), constraint.text(&["whenUnsatisfiable"]));
        let selector = some(constraint, &["labelSelector"]);
        let selector = selector.map(|s| format!(" for selector {}", selector::shown(Some(s)))).unwrap_or_default();
        let skew = int(constraint, &["maxSkew"]);
        w.line(0, format_args!("{key}:{otherwise} when max skew {skew} is exceeded{selector}"));
    }
}

fn scheduling_group(w: &mut Writer, spec: &Value, space: &str) {
    if let Some(group) = some(spec, &["schedulingGroup"]) {
        w.line(0, format_args!("{space}SchedulingGroup:"));
        w.field(1, "PodGroupName", group.text(&["podGroupName"]));
    }
}

/// Writes a template of pods.
pub fn template(w: &mut Writer, template: Option<&Value>) {
    w.line(0, "Pod Template:");
    let Some(template) = template else { return w.put(1, "<unset>") };
    let spec = template.at(&["spec"]).unwrap_or(&Value::Null);
    labels::labels(w, "  Labels", template, &["metadata", "labels"]);
    if template.map_at(&["metadata", "annotations"]).is_some_and(|annotations| !annotations.is_empty()) {
        labels::annotations(w, "  Annotations", template, &["metadata", "annotations"]);
    }
    if let Some(account) = text(spec, &["serviceAccountName"]) {
        w.field(1, "Service Account", account);
    }
    let init = spec.items_at(&["initContainers"]);
    if !init.is_empty() {
        containers::write(w, "Init Containers", init, Place::Template);
    }
    containers::write(w, "Containers", spec.items_at(&["containers"]), Place::Template);
    volumes::volumes(w, spec.items_at(&["volumes"]), "  ");
    spread_constraints(w, spec, "  ");
    if let Some(class) = text(spec, &["priorityClassName"]) {
        w.field(1, "Priority Class Name", class);
    }
    labels::labels(w, "  Node-Selectors", spec, &["nodeSelector"]);
    labels::tolerations(w, "  Tolerations", spec.items_at(&["tolerations"]));
    scheduling_group(w, spec, "  ");
}
