//! What the server makes of a new pod before it looks for faults.

use super::super::amounts::quality_of_service;
use super::super::field::Field;
use super::super::fill::fill;
use super::annotations::APP_ARMOR;
use super::container::each;
use crate::api::{Object, ObjectExt, Value};
use serde_json::json;

/// Settles what only the server says of a new pod, and what follows from its labels and annotations.
pub(super) fn create(pod: &mut Object) {
    let class = quality_of_service(&pod["spec"]);
    pod.put(&["status"], json!({"phase": "Pending", "qosClass": class}));
    if !pod.items_at(&["spec", "schedulingGates"]).is_empty() {
        let since = pod.text(&["metadata", "creationTimestamp"]).to_owned();
        let gated = json!([{"type": "PodScheduled", "status": "False", "lastProbeTime": null,
            "lastTransitionTime": since, "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates"}]);
        pod.put(&["status", "conditions"], gated);
    }
    merge_label_keys(pod);
    obey_app_armor_annotations(pod);
    tolerate_short_outages(pod);
    let spec = pod.at_mut(&["spec"]);
    if spec.text(&["priorityClassName"]).is_empty() {
        fill(spec, &json!({"priority": 0, "preemptionPolicy": "PreemptLowerPriority"}));
    }
}

/// Gives a changed pod what clients leave out since admission had added it.
pub(super) fn update(pod: &mut Object, old: &Object) {
    for path in [["status", "qosClass"], ["spec", "priority"], ["spec", "preemptionPolicy"]] {
        if let Some(value) = old.at(&path).filter(|_| path[0] == "status" || pod.at(&path).is_none()) {
            pod.put(&path, value.clone());
        }
    }
    tolerate_short_outages(pod);
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

/// Where pods say that they want to be near others like them, they may name keys of their own labels instead of values
/// (KEP-3633, KEP-3243): the values go into the selectors.
fn merge_label_keys(pod: &mut Object) {
    let labels = pod.at(&["metadata", "labels"]).cloned().unwrap_or_default();
    let Some(spec) = pod.get_mut("spec") else { return };
    let kinds = ["podAffinity", "podAntiAffinity"];
    for kind in kinds {
        let Some(affinity) = spec.get_mut("affinity").and_then(|affinity| affinity.get_mut(kind)) else { continue };
        for term in items(affinity, "requiredDuringSchedulingIgnoredDuringExecution") {
            merge_keys_of(term, &labels);
        }
        for term in items(affinity, "preferredDuringSchedulingIgnoredDuringExecution") {
            if let Some(term) = term.get_mut("podAffinityTerm") {
                merge_keys_of(term, &labels);
            }
        }
    }
    items(spec, "topologySpreadConstraints").for_each(|constraint| merge_keys_of(constraint, &labels));
}

fn items<'a>(value: &'a mut Value, list: &str) -> impl Iterator<Item = &'a mut Value> + use<'a> {
    value.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten()
}

fn merge_keys_of(term: &mut Value, labels: &Value) {
    let mut expressions = Vec::new();
    for (keys, operator) in [("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")] {
        for key in term.items_at(&[keys]).iter().filter_map(Value::as_str) {
            if let Some(value) = labels.get(key) {
                expressions.push(json!({"key": key, "operator": operator, "values": [value]}));
            }
        }
    }
    let Some(selector) = term.get_mut("labelSelector").filter(|_| !expressions.is_empty()) else { return };
    let all: Vec<_> = selector.items_at(&["matchExpressions"]).iter().cloned().chain(expressions).collect();
    selector.put(&["matchExpressions"], all);
}

/// The profile that an annotation of old names; null where it names none.
fn app_armor_profile(annotation: &str) -> Value {
    match (annotation, annotation.strip_prefix("localhost/")) {
        ("unconfined", _) => json!({"type": "Unconfined"}),
        ("runtime/default", _) => json!({"type": "RuntimeDefault"}),
        (_, Some(path)) if is_profile(path) => json!({"type": "Localhost", "localhostProfile": path}),
        _ => Value::Null,
    }
}

/// Whether a profile's name may stand in the field, too.
fn is_profile(name: &str) -> bool {
    !name.is_empty() && name.trim() == name && name.len() <= 4095
}

/// The containers whose annotation, but no field, names a profile: the annotation, and the profile when it is another
/// one than that of the pod.
fn annotated(pod: &Field, visit: &mut dyn FnMut(&Field, Option<Value>)) {
    let (spec, annotations) = (pod.get("spec"), pod.get("metadata.annotations"));
    each(&spec, &mut |container| {
        let key = format!("{APP_ARMOR}{}", container.get("name").text());
        let annotation = annotations.entry(&key);
        if annotation.is_set() && !container.get("securityContext.appArmorProfile").is_set() {
            let profile = app_armor_profile(annotation.text());
            let differs = profile.is_null() || profile != *spec.get("securityContext.appArmorProfile").value();
            if differs {
                visit(&annotation, Some(profile).filter(|profile| !profile.is_null()));
            }
        }
    });
}

/// The warnings about annotations, of a pod or a template, whose place a field has taken.
pub(super) fn warnings(pod: &Field) -> Vec<String> {
    let mut warnings = Vec::new();
    annotated(pod, &mut |annotation, _| {
        warnings.push(format!("{annotation}: deprecated since v1.30; use the \"appArmorProfile\" field instead"));
    });
    warnings
}

/// Whether annotations about AppArmor say anything.
fn has_app_armor(pod: &Object) -> bool {
    pod.text(&["spec", "os", "name"]) != "windows"
}

/// The warnings about what is settled here.
pub(super) fn early_warnings(pod: &Object) -> Vec<String> {
    if has_app_armor(pod) { warnings(&Field::new("", pod)) } else { Vec::new() }
}

/// What the annotations say goes into the fields.
fn obey_app_armor_annotations(pod: &mut Object) {
    if !has_app_armor(pod) {
        return;
    }
    let mut profiles = Vec::new();
    annotated(&Field::new("", pod), &mut |annotation, profile| {
        let key = annotation.to_string();
        let name = key.rsplit('/').next().unwrap_or("").trim_end_matches(']').to_owned();
        profiles.extend(profile.map(|profile| (name, profile)));
    });
    let Some(spec) = pod.get_mut("spec").filter(|_| !profiles.is_empty()) else { return };
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in items(spec, list) {
            let own = profiles.iter().find(|(name, _)| name == container.text(&["name"]));
            if let Some((_, profile)) = own {
                container.put(&["securityContext", "appArmorProfile"], profile.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_labels_become_expressions() {
        let term = json!({"labelSelector": {"matchLabels": {"a": "b"}}, "matchLabelKeys": ["a", "no"],
            "mismatchLabelKeys": ["t"]});
        let mut pod = json!({"metadata": {"labels": {"a": "1", "t": "2"}}, "spec": {
            "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 1, "podAffinityTerm": term}]}},
            "topologySpreadConstraints": [{"matchLabelKeys": ["a"]}]}});
        merge_label_keys(&mut pod);
        let terms = "/spec/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/0/podAffinityTerm";
        assert_eq!(
            pod.pointer(terms).unwrap()["labelSelector"]["matchExpressions"],
            json!([{"key": "a", "operator": "In", "values": ["1"]}, {"key": "t", "operator": "NotIn", "values": ["2"]}])
        );
        assert_eq!(pod["spec"]["topologySpreadConstraints"], json!([{"matchLabelKeys": ["a"]}]));
    }

    #[test]
    fn what_admission_added_stays() {
        let spec = json!({"containers": [{"name": "c"}]});
        let mut old = json!({"spec": spec});
        create(&mut old);
        let mut new = json!({"spec": spec, "status": old["status"]});
        update(&mut new, &old);
        assert_eq!(new, old);
    }

    #[test]
    fn annotations_about_app_armor_become_fields() {
        for (annotation, pod_profile, field, warns) in [
            ("unconfined", Value::Null, json!({"type": "Unconfined"}), true),
            ("localhost/p", Value::Null, json!({"type": "Localhost", "localhostProfile": "p"}), true),
            ("localhost/", Value::Null, Value::Null, true),
            ("runtime/default", json!({"type": "RuntimeDefault"}), Value::Null, false),
        ] {
            let key = format!("{APP_ARMOR}c");
            let mut pod = json!({"metadata": {"annotations": {key: annotation}},
                "spec": {"containers": [{"name": "c"}], "securityContext": {"appArmorProfile": pod_profile}}});
            assert_eq!(early_warnings(&pod).len(), usize::from(warns), "{annotation}");
            obey_app_armor_annotations(&mut pod);
            let made = pod["spec"]["containers"][0].at(&["securityContext", "appArmorProfile"]).cloned();
            assert_eq!(made.unwrap_or_default(), field, "{annotation}");
        }
    }
}
