//! Deployments.

use super::cells::{age, number};
use super::field::{Errors, Field, printed};
use super::fill::fill;
use super::workload::{
    amount, at_most_all, counts, int_or_percent, lasting_template, name_warning, never_decremented, pod_spec,
    required_selector, selects_its_template, template_warnings, wide_cells,
};
use super::{GENERIC, Kind, cells, keep_all_but_status, keep_metadata, pod};
use crate::api::{Object, ObjectExt, Value};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    group: "apps",
    resource: "deployments",
    pod_spec: &["spec", "template", "spec"],
    default: defaults,
    has_generation: true,
    changes_generation: |new, old| {
        let notes = ["metadata", "annotations"];
        new.get("spec") != old.get("spec") || new.at(&notes) != old.at(&notes)
    },
    prepare_for_create: |deployment| deployment.put(&["status"], json!({})),
    validate,
    validate_update: |new, old, errors| {
        validate(new, errors);
        errors.immutable(&Field::new("", new).get("spec.selector"), &Field::new("", old).get("spec.selector"));
    },
    prepare_for_status_update: |new, old| {
        keep_all_but_status(new, old);
        keep_metadata(new, old, &["labels"]);
    },
    validate_status_update: |new, old, errors| {
        let bounded = ["updatedReplicas", "readyReplicas", "availableReplicas"];
        let all = [
            "observedGeneration",
            "replicas",
            "updatedReplicas",
            "readyReplicas",
            "availableReplicas",
            "unavailableReplicas",
            "terminatingReplicas",
            "collisionCount",
        ];
        counts(&Field::new("", new).get("status"), &all, &bounded, "readyReplicas", errors);
        never_decremented(new, old, errors);
    },
    warnings: |deployment, old| {
        let mut warnings = if old.is_none() { name_warning(deployment) } else { Vec::new() };
        warnings.extend(template_warnings(deployment, old));
        warnings
    },
    cells: |deployment, now| {
        let [ready, wanted] =
            [&["status", "readyReplicas"], &["spec", "replicas"]].map(|path| number(deployment, path));
        let mut row = vec![
            deployment.name().into(),
            format!("{ready}/{wanted}").into(),
            number(deployment, &["status", "updatedReplicas"]),
            number(deployment, &["status", "availableReplicas"]),
            age(deployment, now),
        ];
        row.extend(wide_cells(pod_spec(deployment), cells::selector(deployment.at(&["spec", "selector"]))));
        row
    },
    ..GENERIC
};

fn defaults(deployment: &mut Object) {
    fill(
        deployment,
        &json!({
            "spec": {
                "replicas": 1,
                "strategy": {"type": "RollingUpdate"},
                "revisionHistoryLimit": 10,
                "progressDeadlineSeconds": 600,
                "template": {},
            },
            "status": {},
        }),
    );
    let spec = deployment.at_mut(&["spec"]);
    if spec.text(&["strategy", "type"]) == "RollingUpdate" {
        let quarter = json!({"maxUnavailable*": "25%", "maxSurge*": "25%"});
        fill(spec, &json!({"strategy": {"rollingUpdate": quarter}}));
    }
    pod::defaults::template(spec.at_mut(&["template"]));
}

fn validate(deployment: &Object, errors: &mut Errors) {
    let root = Field::new("", deployment);
    let spec = root.get("spec");
    errors.non_negative(&spec.get("replicas"));
    replicas_template(&spec, errors);
    strategy(&spec.get("strategy"), errors);
    let (ready, deadline) = (spec.get("minReadySeconds"), spec.get("progressDeadlineSeconds"));
    errors.non_negative(&ready);
    errors.non_negative(&spec.get("revisionHistoryLimit"));
    errors.non_negative(&deadline);
    if deadline.is_set() && deadline.number() <= ready.number() {
        errors.reject(&deadline, "must be greater than minReadySeconds");
    }
}

/// Complains about the selector and the template of a Deployment or a ReplicaSet.
pub(super) fn replicas_template(spec: &Field, errors: &mut Errors) {
    required_selector(&spec.get("selector"), "deployment", errors);
    selects_its_template(spec, "invalid label selector", errors);
    if super::labels::selects(spec.get("selector").value(), None).is_some() {
        lasting_template(&spec.get("template"), "ReplicaSet", errors);
    }
}

fn strategy(strategy: &Field, errors: &mut Errors) {
    let rolling = strategy.get("rollingUpdate");
    match strategy.get("type").text() {
        "Recreate" => {
            if rolling.is_set() {
                errors.forbidden(rolling, "may not be specified when strategy `type` is 'Recreate'");
            }
        }
        "RollingUpdate" => {
            let (unavailable, surge) = (rolling.get("maxUnavailable"), rolling.get("maxSurge"));
            int_or_percent(&unavailable, errors);
            int_or_percent(&surge, errors);
            if amount(&unavailable) == 0 && amount(&surge) == 0 {
                errors.reject(&unavailable, "may not be 0 when `maxSurge` is 0");
            }
            at_most_all(&unavailable, errors);
        }
        _ => errors.unsupported(strategy, &internal(strategy), &["Recreate", "RollingUpdate"]),
    }
}

/// A strategy as kube-apiserver's internal type prints it, of Deployments and of DaemonSets.
pub(super) fn internal(strategy: &Field) -> String {
    let rolling = strategy.get("rollingUpdate");
    let part = |name: &str| match rolling.get(name).value() {
        Value::Null => "0".into(),
        value => printed(value),
    };
    let rolling = if rolling.is_set() {
        format!(r#"{{"MaxUnavailable":{},"MaxSurge":{}}}"#, part("maxUnavailable"), part("maxSurge"))
    } else {
        "null".into()
    };
    format!(r#"{{"Type":{},"RollingUpdate":{rolling}}}"#, printed(&strategy.get("type").text().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(change: Value) -> Vec<String> {
        let labels = json!({"app": "d"});
        let mut deployment = json!({"metadata": {"name": "x"}, "spec": {"selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}});
        for (key, value) in change.as_object().unwrap() {
            deployment["spec"][key] = value.clone();
        }
        defaults(&mut deployment);
        let mut errors = Errors::default();
        validate(&deployment, &mut errors);
        errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
    }

    #[test]
    fn rolling_updates() {
        let rolling = |unavailable: Value, surge: Value| json!({"strategy": {"rollingUpdate": {"maxUnavailable": unavailable, "maxSurge": surge}}});
        for (change, expected) in [
            (json!({}), vec![]),
            (rolling(json!(1), json!(0)), vec![]),
            (
                rolling(json!("0%"), json!(0)),
                vec![
                    "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"0%\": may not be 0 when `maxSurge` is 0",
                ],
            ),
            (
                rolling(json!("101%"), json!(-1)),
                vec![
                    "spec.strategy.rollingUpdate.maxSurge: Invalid value: -1: must be greater than or equal to 0",
                    "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"101%\": must not be greater than 100%",
                ],
            ),
            (
                rolling(json!("x"), json!("1%")),
                vec![
                    "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"x\": a valid percent string must be a \
                     numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is \
                     '[0-9]+%')",
                ],
            ),
            (
                json!({"strategy": {"type": "X", "rollingUpdate": {"maxSurge": 1}}}),
                vec![
                    r#"spec.strategy: Unsupported value: {"Type":"X","RollingUpdate":{"MaxUnavailable":0,"MaxSurge":1}}: supported values: "Recreate", "RollingUpdate""#,
                ],
            ),
            (
                json!({"selector": {}}),
                vec!["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
            ),
        ] {
            assert_eq!(complaints(change), expected);
        }
    }
}
