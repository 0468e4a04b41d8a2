//! ReplicaSets and ReplicationControllers: the same thing, twice.

use super::cells::{age, number};
use super::deployment::replicas_template;
use super::field::{Errors, Field};
use super::fill::fill;
use super::workload::{counts, lasting_template, name_warning, pod_spec, template_warnings, wide_cells};
use super::{GENERIC, Kind, cells, pod};
use crate::api::{Object, ObjectExt, Value};
use serde_json::json;

pub(super) const REPLICA_SETS: Kind = Kind {
    group: "apps",
    resource: "replicasets",
    pod_spec: &["spec", "template", "spec"],
    default: |set| {
        fill(set, &json!({"spec": {"replicas": 1, "template": {}}, "status": {"replicas": 0}}));
        pod::defaults::template(set.at_mut(&["spec", "template"]));
    },
    validate: |set, errors| {
        let root = Field::new("", set);
        let spec = root.get("spec");
        errors.non_negative(&spec.get("replicas"));
        errors.non_negative(&spec.get("minReadySeconds"));
        replicas_template(&spec, errors);
    },
    validate_update: |new, old, errors| {
        (REPLICA_SETS.validate)(new, errors);
        errors.immutable(&Field::new("", new).get("spec.selector"), &Field::new("", old).get("spec.selector"));
    },
    cells: |set, now| row(set, now, cells::selector(set.at(&["spec", "selector"]))),
    ..BOTH
};

pub(super) const REPLICATION_CONTROLLERS: Kind = Kind {
    resource: "replicationcontrollers",
    pod_spec: &["spec", "template", "spec"],
    default: |controller| {
        fill(controller, &json!({"spec": {"replicas": 1}, "status": {"replicas": 0}}));
        if let Some(template) = controller.at_mut(&["spec"]).get_mut("template") {
            pod::defaults::template(template);
        }
        let Some(labels) = controller.at(&["spec", "template", "metadata", "labels"]).cloned() else { return };
        for path in [&["spec", "selector"], &["metadata", "labels"]] {
            if controller.map_at(path).is_none_or(|map| map.is_empty()) {
                controller.put(path, labels.clone());
            }
        }
    },
    validate: controller,
    validate_update: |new, _, errors| controller(new, errors),
    warnings: |set, old| match old {
        None => (BOTH.warnings)(set, None),
        // kube-apiserver takes the old one for the new one.
        Some(old) => template_warnings(old, Some(set)),
    },
    cells: |set, now| row(set, now, cells::labels(set.map_at(&["spec", "selector"]))),
    ..BOTH
};

const BOTH: Kind = Kind {
    has_generation: true,
    prepare_for_create: |set| set.put(&["status"], json!({"replicas": 0})),
    validate_status_update: |new, _, errors| {
        let bounded = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];
        let all = [
            "replicas",
            "fullyLabeledReplicas",
            "readyReplicas",
            "availableReplicas",
            "terminatingReplicas",
            "observedGeneration",
        ];
        counts(&Field::new("", new).get("status"), &all, &bounded, "readyReplicas", errors);
    },
    warnings: |set, old| {
        let mut warnings = if old.is_none() { name_warning(set) } else { Vec::new() };
        warnings.extend(template_warnings(set, old));
        warnings
    },
    selectable_fields: &[("status.replicas", |set| set.integer(&["status", "replicas"]).unwrap_or(0).to_string())],
    ..GENERIC
};

fn controller(controller: &Object, errors: &mut Errors) {
    let root = Field::new("", controller);
    let spec = root.get("spec");
    let (selector, template) = (spec.get("selector"), spec.get("template"));
    errors.non_negative(&spec.get("minReadySeconds"));
    errors.need(&selector);
    errors.non_negative(&spec.get("replicas"));
    if !template.is_set() {
        return errors.required(template, "");
    }
    let labels = template.get("metadata.labels");
    if selector.entries().any(|(key, value)| labels.entry(key).value() != value.value()) {
        errors.reject(&labels, "`selector` does not match template `labels`");
    }
    lasting_template(&template, "ReplicationController", errors);
}

fn row(set: &Object, now: i64, selector: String) -> Vec<Value> {
    let mut row = vec![set.name().into()];
    row.extend(
        [&["spec", "replicas"], &["status", "replicas"], &["status", "readyReplicas"]].map(|path| number(set, path)),
    );
    row.push(age(set, now));
    row.extend(wide_cells(pod_spec(set), selector));
    row
}
