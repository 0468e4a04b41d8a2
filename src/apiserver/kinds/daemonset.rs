//! DaemonSets.

use super::cells::{age, number};
use super::deployment::internal;
use super::field::{Errors, Field};
use super::fill::fill;
use super::labels::validate_selector;
use super::workload::{
    amount, at_most_all, counts, int_or_percent, lasting_template, never_decremented, pod_spec, wide_cells,
};
use super::{GENERIC, Kind, cells, labels, pod};
use crate::api::{Object, ObjectExt, Value};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    group: "apps",
    resource: "daemonsets",
    pod_spec: &["spec", "template", "spec"],
    default: defaults,
    has_generation: true,
    prepare_for_create: |set| {
        set.put(&["status"], no_status());
        set.put(&["metadata", "annotations", GENERATION], "1");
    },
    prepare_for_update: |set, old| {
        let before = old.annotation(GENERATION).and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
        let path = ["spec", "template"];
        let now = if set.at(&path) == old.at(&path) { before } else { before + 1 };
        set.put(&["metadata", "annotations", GENERATION], now.to_string());
    },
    validate,
    validate_update: |new, old, errors| {
        errors.immutable(&Field::new("", new).get("spec.selector"), &Field::new("", old).get("spec.selector"));
        validate(new, errors);
    },
    validate_status_update: |new, old, errors| {
        let all = [
            "currentNumberScheduled",
            "numberMisscheduled",
            "desiredNumberScheduled",
            "numberReady",
            "observedGeneration",
            "updatedNumberScheduled",
            "numberAvailable",
            "numberUnavailable",
            "collisionCount",
        ];
        counts(&Field::new("", new).get("status"), &all, &[], "", errors);
        never_decremented(new, old, errors);
    },
    warnings: |set, old| {
        if old.is_some_and(|old| old.annotation(GENERATION) == set.annotation(GENERATION)) {
            return Vec::new();
        }
        pod::warnings::of_template(set, "spec.template")
    },
    cells: |set, now| {
        let counts = [
            "desiredNumberScheduled",
            "currentNumberScheduled",
            "numberReady",
            "updatedNumberScheduled",
            "numberAvailable",
        ];
        let mut row: Vec<Value> = vec![set.name().into()];
        row.extend(counts.map(|name| number(set, &["status", name])));
        row.push(cells::labels(pod_spec(set).and_then(|spec| spec.map_at(&["nodeSelector"]))).into());
        row.push(age(set, now));
        row.extend(wide_cells(pod_spec(set), cells::selector(set.at(&["spec", "selector"]))));
        row
    },
    internal_annotations: &[GENERATION],
    ..GENERIC
};

/// Where the count of the template's changes has gone.
const GENERATION: &str = "deprecated.daemonset.template.generation";

fn no_status() -> Value {
    json!({"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0})
}

fn defaults(set: &mut Object) {
    fill(
        set,
        &json!({
            "spec": {"updateStrategy": {"type": "RollingUpdate"}, "revisionHistoryLimit": 10, "template": {}},
            "status": no_status(),
        }),
    );
    // The annotation is a field of kube-apiserver's own type, and so always there.
    if set.annotation(GENERATION).is_none() {
        set.put(&["metadata", "annotations", GENERATION], "0");
    }
    let spec = set.at_mut(&["spec"]);
    if spec.text(&["updateStrategy", "type"]) == "RollingUpdate" {
        let one = json!({"maxUnavailable": 1, "maxSurge": 0});
        fill(spec, &json!({"updateStrategy": {"rollingUpdate": one}}));
    }
    pod::defaults::template(spec.at_mut(&["template"]));
}

fn validate(set: &Object, errors: &mut Errors) {
    let root = Field::new("", set);
    let spec = root.get("spec");
    let (selector, labels) = (spec.get("selector"), spec.get("template.metadata.labels"));
    validate_selector(&selector, errors);
    if labels::selects(selector.value(), labels.value().as_object()) == Some(false) {
        errors.reject(&labels, "`selector` does not match template `labels`");
    }
    if selector.is_set() && selector.get("matchLabels").is_empty() && selector.get("matchExpressions").is_empty() {
        errors.reject(&selector, "empty selector is invalid for daemonset");
    }
    lasting_template(&spec.get("template"), "DaemonSet", errors);
    errors.non_negative(&spec.get("minReadySeconds"));
    strategy(&spec.get("updateStrategy"), errors);
    errors.non_negative(&spec.get("revisionHistoryLimit"));
}

fn strategy(strategy: &Field, errors: &mut Errors) {
    let rolling = strategy.get("rollingUpdate");
    let (unavailable, surge) = (rolling.get("maxUnavailable"), rolling.get("maxSurge"));
    match strategy.get("type").text() {
        "OnDelete" => {}
        "RollingUpdate" => {
            for rule in [int_or_percent, at_most_all] {
                rule(&unavailable, errors);
                rule(&surge, errors);
            }
            match (amount(&unavailable) != 0, amount(&surge) != 0) {
                (true, true) => errors.reject(&surge, "may not be set when maxUnavailable is non-zero"),
                (false, false) => errors.required(unavailable, "cannot be 0 when maxSurge is 0"),
                _ => {}
            }
        }
        _ => errors.unsupported(strategy, &internal(strategy), &["RollingUpdate", "OnDelete"]),
    }
}
