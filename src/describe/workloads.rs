//! Deployments, ReplicaSets, ReplicationControllers, StatefulSets and DaemonSets.

use super::context::{Context, Lookup};
use super::read::{Scalar, int, joined, pairs, some, text};
use super::writer::Writer;
use super::{Error, claim, conditions, labels, pod, selector};
use crate::api::{ObjectExt, Value, time};
use crate::expr::label_selector;

/// What a controller's description needs: the pods that its selector selects.
pub fn needs_pods(controller: &Value) -> Vec<Lookup> {
    vec![pods(controller)]
}

fn pods(controller: &Value) -> Lookup {
    let labels = match controller.kind() {
        "ReplicationController" => {
            let pairs = pairs(controller, &["spec", "selector"]);
            if pairs.is_empty() { String::new() } else { joined(&pairs) }
        }
        // A selector that is none is an error when it comes to describing.
        _ => label_selector::text(controller.at(&["spec", "selector"])).unwrap_or_default(),
    };
    Lookup::list("", "v1", "pods", controller.namespace(), &labels, "")
}

/// `1 Running / 0 Waiting / 0 Succeeded / 0 Failed`: the pods that a controller controls.
fn pod_counts(controller: &Value, pods: &[Value]) -> String {
    let owned = |pod: &&Value| pod.is_controlled_by(controller.uid());
    let count = |phase| pods.iter().filter(owned).filter(|pod| pod.text(&["status", "phase"]) == phase).count();
    let (running, waiting, succeeded, failed) =
        (count("Running"), count("Pending"), count("Succeeded"), count("Failed"));
    format!("{running} Running / {waiting} Waiting / {succeeded} Succeeded / {failed} Failed")
}

/// What a Deployment's description needs: the ReplicaSets that its selector selects.
pub fn needs_replica_sets(deployment: &Value) -> Vec<Lookup> {
    vec![replica_sets(deployment)]
}

fn replica_sets(deployment: &Value) -> Lookup {
    let labels = label_selector::text(deployment.at(&["spec", "selector"])).unwrap_or_default();
    Lookup::list("apps", "v1", "replicasets", deployment.namespace(), &labels, "")
}

/// Describes a Deployment.
pub fn deployment(w: &mut Writer, object: &Value, context: &Context) -> Result<(), Error> {
    let selector = label_selector::text(object.at(&["spec", "selector"]))?;
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    w.field(0, "CreationTimestamp", context.time(object.text(&["metadata", "creationTimestamp"])));
    labels::labels_and_annotations(w, object);
    w.field(0, "Selector", selector);
    let status = |key| int(object, &["status", key]);
    let (updated, total) = (status("updatedReplicas"), status("replicas"));
    let (available, unavailable) = (status("availableReplicas"), status("unavailableReplicas"));
    let desired = int(object, &["spec", "replicas"]);
    let replicas = format!(
        "{desired} desired | {updated} updated | {total} total | {available} available | {unavailable} unavailable"
    );
    w.field(0, "Replicas", replicas);
    w.field(0, "StrategyType", object.text(&["spec", "strategy", "type"]));
    w.field(0, "MinReadySeconds", int(object, &["spec", "minReadySeconds"]));
    if let Some(rolling) = some(object, &["spec", "strategy", "rollingUpdate"]) {
        let amount = |key| some(rolling, &[key]).map_or_else(|| "<nil>".into(), |amount| Scalar(amount).to_string());
        let (unavailable, surge) = (amount("maxUnavailable"), amount("maxSurge"));
        w.field(0, "RollingUpdateStrategy", format_args!("{unavailable} max unavailable, {surge} max surge"));
    }
    pod::template(w, object.at(&["spec", "template"]));
    conditions::write(w, object, conditions::CONTROLLER, context);
    if let Ok(sets) = context.found(&replica_sets(object)) {
        generations(w, object, sets);
    }
    Ok(())
}

/// Writes the ReplicaSet that has a Deployment's template, and those that do not.
fn generations(w: &mut Writer, deployment: &Value, sets: &[Value]) {
    let owned = |set: &&Value| set.is_controlled_by(deployment.uid());
    let mut sets: Vec<&Value> = sets.iter().filter(owned).collect();
    sets.sort_by_key(|set| (time::parse(set.text(&["metadata", "creationTimestamp"])), set.name()));
    let new = sets.iter().position(|set| {
        let templates = [deployment, set].map(|object| object.at(&["spec", "template"]).cloned().map(without_hash));
        templates[0] == templates[1]
    });
    let new: Vec<&Value> = new.map(|place| sets.remove(place)).into_iter().collect();
    if new.is_empty() && sets.is_empty() {
        return;
    }
    let shown = |sets: &[&Value]| {
        let sets = sets.iter().map(|set| {
            let (created, desired) = (int(set, &["status", "replicas"]), int(set, &["spec", "replicas"]));
            format!("{} ({created}/{desired} replicas created)", set.name())
        });
        Some(sets.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty()).unwrap_or_else(|| "<none>".into())
    };
    w.field(0, "OldReplicaSets", shown(&sets));
    w.field(0, "NewReplicaSet", shown(&new));
}

/// A template without the label that the Deployment controller adds to it.
fn without_hash(mut template: Value) -> Value {
    template.take_at(&["metadata", "labels", "pod-template-hash"]);
    template
}

/// Describes a ReplicaSet.
pub fn replica_set(w: &mut Writer, object: &Value, context: &Context) -> Result<(), Error> {
    label_selector::text(object.at(&["spec", "selector"]))?;
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    w.field(0, "Selector", selector::shown(object.at(&["spec", "selector"])));
    labels::labels_and_annotations(w, object);
    if let Some(controller) = pod::controller(object) {
        w.field(0, "Controlled By", controller);
    }
    let (current, desired) = (int(object, &["status", "replicas"]), int(object, &["spec", "replicas"]));
    w.field(0, "Replicas", format_args!("{current} current / {desired} desired"));
    let counts = match context.found(&pods(object)) {
        Ok(pods) => pod_counts(object, pods),
        Err(status) => format!("error in fetching pods: {}", status.message),
    };
    w.field(0, "Pods Status", counts);
    pod::template(w, object.at(&["spec", "template"]));
    conditions::write(w, object, conditions::CONTROLLER, context);
    Ok(())
}

/// Describes a ReplicationController.
pub fn replication_controller(w: &mut Writer, object: &Value, context: &Context) -> Result<(), Error> {
    let pods = context.found(&pods(object))?;
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    w.field(0, "Selector", joined(&pairs(object, &["spec", "selector"])));
    labels::labels_and_annotations(w, object);
    let (current, desired) = (int(object, &["status", "replicas"]), int(object, &["spec", "replicas"]));
    w.field(0, "Replicas", format_args!("{current} current / {desired} desired"));
    w.field(0, "Pods Status", pod_counts(object, pods));
    pod::template(w, some(object, &["spec", "template"]));
    conditions::write(w, object, conditions::CONTROLLER, context);
    Ok(())
}

/// Describes a StatefulSet.
pub fn stateful_set(w: &mut Writer, object: &Value, context: &Context) -> Result<(), Error> {
    let selector = label_selector::text(object.at(&["spec", "selector"]))?;
    let pods = context.found(&pods(object))?;
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    w.field(0, "CreationTimestamp", context.time(object.text(&["metadata", "creationTimestamp"])));
    w.field(0, "Selector", selector);
    labels::labels_and_annotations(w, object);
    for (heading, key) in [("Service Name", "serviceName"), ("Pod Management Policy", "podManagementPolicy")] {
        text(object, &["spec", key]).into_iter().for_each(|text| w.field(0, heading, text));
    }
    let (desired, total) = (int(object, &["spec", "replicas"]), int(object, &["status", "replicas"]));
    w.field(0, "Replicas", format_args!("{desired} desired | {total} total"));
    w.field(0, "Update Strategy", object.text(&["spec", "updateStrategy", "type"]));
    let rolling = &["spec", "updateStrategy", "rollingUpdate"];
    if let Some((rolling, partition)) = some(object, rolling).and_then(|r| Some((r, r.integer(&["partition"])?))) {
        w.field(1, "Partition", partition);
        if let Some(unavailable) = some(rolling, &["maxUnavailable"]) {
            w.field(1, "MaxUnavailable", Scalar(unavailable));
        }
    }
    if let Some(policy) = some(object, &["spec", "persistentVolumeClaimRetentionPolicy"]) {
        w.line(0, "Persistent Volume Claim Retention Policy:");
        w.field(1, "WhenDeleted", policy.text(&["whenDeleted"]));
        w.field(1, "WhenScaled", policy.text(&["whenScaled"]));
    }
    w.field(0, "Pods Status", pod_counts(object, pods));
    pod::template(w, object.at(&["spec", "template"]));
    claim::templates(w, object.items_at(&["spec", "volumeClaimTemplates"]));
    Ok(())
}

/// Describes a DaemonSet.
pub fn daemon_set(w: &mut Writer, object: &Value, context: &Context) -> Result<(), Error> {
    let selector = label_selector::text(object.at(&["spec", "selector"]))?;
    let pods = context.found(&pods(object))?;
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    w.field(0, "Selector", selector);
    w.field(0, "Node-Selector", joined(&pairs(object, &["spec", "template", "spec", "nodeSelector"])));
    labels::labels_and_annotations(w, object);
    for (heading, key) in [
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ] {
        w.line(0, format_args!("{heading}: {}", int(object, &["status", key])));
    }
    w.field(0, "Pods Status", pod_counts(object, pods));
    pod::template(w, object.at(&["spec", "template"]));
    Ok(())
}
