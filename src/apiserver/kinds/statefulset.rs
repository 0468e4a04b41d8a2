//! StatefulSets.

use super::cells::{age, containers, number};
use super::field::{Errors, Field, printed, quoted};
use super::fill::fill;
use super::pod::validate::template as validate_template;
use super::workload::{
    always_restarts, amount, at_most_all, counts, int_or_percent, never_decremented, pod_spec, required_selector,
    selects_its_template, template_warnings,
};
use super::{GENERIC, Kind, label, persistentvolumeclaim, pod};
use crate::api::{Object, ObjectExt, Value, names};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    group: "apps",
    resource: "statefulsets",
    pod_spec: &["spec", "template", "spec"],
    disabled: &["spec.updateStrategy.rollingUpdate.maxUnavailable"],
    default: defaults,
    name_complaints: label,
    has_generation: true,
    prepare_for_create: |set| set.put(&["status"], no_status()),
    validate: |set, errors| validate(set, true, errors),
    validate_update,
    validate_status_update: |new, old, errors| {
        let bounded = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];
        let all = [
            "replicas",
            "readyReplicas",
            "currentReplicas",
            "updatedReplicas",
            "availableReplicas",
            "observedGeneration",
            "collisionCount",
        ];
        counts(&Field::new("", new).get("status"), &all, &bounded, "status.readyReplicas", errors);
        never_decremented(new, old, errors);
    },
    warnings: |set, old| {
        let mut warnings = template_warnings(set, old);
        let root = Field::new("", set);
        let claims = root.get("spec.volumeClaimTemplates");
        for claim in claims.items() {
            // What has changed is called otherwise.
            let spec = claim.get("spec");
            let place = if old.is_some() { claim.get("Spec").with(spec.value()) } else { claim.with(spec.value()) };
            warnings.extend(persistentvolumeclaim::fraction_warnings(&place.get("resources")));
        }
        if set.integer(&["spec", "revisionHistoryLimit"]).is_some_and(|limit| limit < 0) {
            warnings.push(
                "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is \
                 recommended"
                    .into(),
            );
        }
        warnings
    },
    cells: |set, now| {
        let [ready, wanted] = [&["status", "readyReplicas"], &["spec", "replicas"]].map(|path| number(set, path));
        let mut row = vec![set.name().into(), format!("{ready}/{wanted}").into(), age(set, now)];
        row.extend(containers(pod_spec(set)));
        row
    },
    ..GENERIC
};

fn no_status() -> Value {
    json!({"replicas": 0, "availableReplicas": 0})
}

fn defaults(set: &mut Object) {
    let claim =
        json!({"metadata": {}, "spec": {"resources": {}, "volumeMode*": "Filesystem"}, "status": {"phase": "Pending"}});
    fill(
        set,
        &json!({
            "spec": {
                "podManagementPolicy": "OrderedReady",
                "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
                "replicas": 1,
                "revisionHistoryLimit": 10,
                "serviceName": "",
                "template": {},
                "volumeClaimTemplates": [claim],
            },
            "status": no_status(),
        }),
    );
    let spec = set.at_mut(&["spec"]);
    if spec.text(&["updateStrategy", "type"]).is_empty() {
        fill(spec, &json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {}}}));
    }
    if spec.text(&["updateStrategy", "type"]) == "RollingUpdate" {
        fill(spec, &json!({"updateStrategy": {"rollingUpdate?": {"partition": 0}}}));
    }
    if let Some(claims) = spec.get_mut("volumeClaimTemplates").and_then(Value::as_array_mut) {
        claims.iter_mut().for_each(|claim| fill(claim, &json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim"})));
    }
    pod::defaults::template(spec.at_mut(&["template"]));
}

/// Complains about a set. What never changes once it is there, `is_new` says, is not looked at again.
fn validate(set: &Object, is_new: bool, errors: &mut Errors) {
    let root = Field::new("", set);
    let spec = root.get("spec");
    let management = spec.get("podManagementPolicy");
    if errors.need(&management) && !["OrderedReady", "Parallel"].contains(&management.text()) {
        errors.reject(&management, "must be 'OrderedReady' or 'Parallel'");
    }
    strategy(&spec.get("updateStrategy"), errors);
    let retention = spec.get("persistentVolumeClaimRetentionPolicy");
    for when in ["whenDeleted", "whenScaled"].map(|when| retention.get(when)) {
        if retention.is_set() {
            errors.one_of(&when, &["Retain", "Delete"]);
        }
    }
    let claims = spec.get("volumeClaimTemplates");
    for claim in claims.items().filter(|_| is_new) {
        persistentvolumeclaim::validate_spec(&claim.get("spec"), errors);
    }
    errors.non_negative(&spec.get("replicas"));
    errors.non_negative(&spec.get("minReadySeconds"));
    errors.non_negative(&spec.get("ordinals.start"));
    if is_new && !spec.get("serviceName").is_empty() {
        errors.name(&spec.get("serviceName"), names::dns1123_label);
    }
    required_selector(&spec.get("selector"), "statefulset", errors);
    if selects_its_template(&spec, "", errors) {
        let template = spec.get("template");
        validate_template(&template.with(&as_of_pods(&template, &claims)), errors);
    }
    always_restarts(&spec.get("template"), "StatefulSet", errors);
}

/// The template of the pods that there will be: they have the claims as volumes, before the others, and names that the
/// set gives them.
fn as_of_pods(template: &Field, claims: &Field) -> Value {
    let mut whole = template.value().clone();
    let mut volumes: Vec<Value> = Vec::new();
    for claim in claims.items() {
        let name = claim.get("metadata.name").text();
        if volumes.iter().all(|volume| volume.text(&["name"]) != name) {
            volumes.push(json!({"name": name, "persistentVolumeClaim": {"claimName": name}}));
        }
    }
    if !volumes.is_empty() {
        let is_claim = |name: &str| claims.items().any(|claim| claim.get("metadata.name").text() == name);
        let own = whole.items_at(&["spec", "volumes"]).iter();
        volumes.extend(own.filter(|volume| !is_claim(volume.text(&["name"]))).cloned());
        whole.put(&["spec", "volumes"], volumes);
    }
    for name in ["hostname", "subdomain"] {
        whole.take_at(&["spec", name]);
    }
    whole
}

fn strategy(strategy: &Field, errors: &mut Errors) {
    let (kind, rolling) = (strategy.get("type"), strategy.get("rollingUpdate"));
    match kind.text() {
        "" => errors.required(strategy, ""),
        "OnDelete" => {
            if rolling.is_set() {
                errors.invalid_as(rolling, &internal(&rolling), "only allowed for updateStrategy 'RollingUpdate'");
            }
        }
        "RollingUpdate" => {
            errors.non_negative(&rolling.get("partition"));
            let unavailable = rolling.get("maxUnavailable");
            if unavailable.is_set() {
                int_or_percent(&unavailable, errors);
                if amount(&unavailable) == 0 {
                    errors.reject(&unavailable, "cannot be 0");
                }
                at_most_all(&unavailable, errors);
            }
        }
        text => {
            let whole = format!(r#"{{"Type":{},"RollingUpdate":{}}}"#, quoted(text), internal(&rolling));
            errors.invalid_as(strategy, &whole, "must be 'RollingUpdate' or 'OnDelete'");
        }
    }
}

fn internal(rolling: &Field) -> String {
    if !rolling.is_set() {
        return "null".into();
    }
    let unavailable = printed(rolling.get("maxUnavailable").value());
    format!(r#"{{"Partition":{},"MaxUnavailable":{unavailable}}}"#, rolling.get("partition").number())
}

fn validate_update(new: &Object, old: &Object, errors: &mut Errors) {
    validate(new, false, errors);
    let (root, old_root) = (Field::new("", new), Field::new("", old));
    let may_change = [
        "replicas",
        "template",
        "updateStrategy",
        "minReadySeconds",
        "ordinals",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
    ];
    let fixed = |spec: &Field| -> Value {
        let entries = spec.value().as_object().into_iter().flatten();
        entries.filter(|(key, _)| !may_change.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    if fixed(&root.get("spec")) != fixed(&old_root.get("spec")) {
        errors.forbidden(
            "spec",
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
             'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        );
    }
}
