//! What is wrong with changes of a pod: most of it may not change.

use super::super::field::{Errors, Field};
use super::super::internal;
use super::{annotations, scheduling, validate};
use crate::api::{Object, ObjectExt, Value, names};

const UPDATABLE: &str = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,\
                         `spec.tolerations` (only additions to existing tolerations),\
                         `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// Complains about a change of a pod.
pub(super) fn update(new: &Object, old: &Object, errors: &mut Errors) {
    let (root, old_root) = (Field::new("", new), Field::new("", old));
    let (spec, old_spec) = (root.get("spec"), old_root.get("spec"));
    validate::metadata_and_spec(&root, errors);
    annotations::validate_change(
        &root.get("metadata.annotations"),
        &old_root.get("metadata.annotations"),
        &spec,
        errors,
    );
    for list in ["containers", "initContainers"] {
        let (containers, old_containers) = (spec.get(list), old_spec.get(list));
        if containers.count() != old_containers.count() {
            return errors.forbidden(containers, "pod updates may not add or remove containers");
        }
        for container in containers.items() {
            let image = container.get("image");
            errors.need(&image);
            if image.text().trim().len() != image.text().len() {
                errors.reject(&image, "must not have leading or trailing whitespace");
            }
        }
    }
    if !deadline(&spec, &old_spec, errors) {
        return;
    }
    tolerations(&spec.get("tolerations"), &old_spec.get("tolerations"), errors);
    let (gates, old_gates) = (spec.get("schedulingGates"), old_spec.get("schedulingGates"));
    for gate in gates.items().filter(|gate| !old_gates.items().any(|old| old.value() == gate.value())) {
        let name = gate.get("name").text();
        let detail = format!("only deletion is allowed, but found new scheduling gate '{name}'");
        errors.forbidden(gate.get("name"), &detail);
    }
    if spec.value() == old_spec.value() {
        return;
    }
    let mut rest = spec.value().clone();
    put_back(&mut rest, old_spec.value());
    if old_gates.count() > 0 {
        where_to_run(&mut rest, &spec, &old_spec, errors);
    }
    if rest != *old_spec.value() {
        let diff = internal::diff("PodSpec", old_spec.value(), &rest);
        errors.forbidden(spec, &format!("pod updates may not change fields other than {UPDATABLE}\n{diff}"));
    }
}

fn deadline(spec: &Field, old: &Field, errors: &mut Errors) -> bool {
    let (new, old) = (spec.get("activeDeadlineSeconds"), old.get("activeDeadlineSeconds"));
    let most = i64::from(i32::MAX);
    let complaint = match (new.integer(), old.integer()) {
        (Some(seconds), _) if !(0..=most).contains(&seconds) => names::range(0, most),
        (Some(seconds), Some(before)) if before < seconds => "must be less than or equal to previous value".into(),
        (None, Some(_)) => {
            errors.reject(&new, "must not update from a positive integer to nil value");
            return true;
        }
        _ => return true,
    };
    errors.reject(&new, &complaint);
    false
}

fn tolerations(new: &Field, old: &Field, errors: &mut Errors) {
    let without_seconds = |toleration: &Value| {
        let mut toleration = toleration.clone();
        toleration.take_at(&["tolerationSeconds"]);
        toleration
    };
    for toleration in old.items() {
        let same = |other: Field| without_seconds(other.value()) == without_seconds(toleration.value());
        if !new.items().any(same) {
            let detail = "existing toleration can not be modified except its tolerationSeconds";
            return errors.forbidden(new, detail);
        }
    }
    scheduling::tolerations(new, errors);
}

/// Gives a changed spec the old values of all that may change.
fn put_back(spec: &mut Value, old: &Value) {
    for list in ["containers", "initContainers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for (container, old) in containers.zip(old.items_at(&[list])) {
            restore(container, old, "image");
        }
    }
    for field in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
        restore(spec, old, field);
    }
    let grace = |spec: &Value| spec.integer(&["terminationGracePeriodSeconds"]);
    if grace(old).is_some_and(|seconds| seconds < 0) && grace(spec) == Some(1) {
        restore(spec, old, "terminationGracePeriodSeconds");
    }
}

fn restore(value: &mut Value, old: &Value, field: &str) {
    match old.get(field) {
        Some(old) => value.put(&[field], old.clone()),
        None => drop(value.take_at(&[field])),
    }
}

/// A gated pod may still be told more exactly where to run (KEP-3838).
fn where_to_run(rest: &mut Value, spec: &Field, old: &Field, errors: &mut Errors) {
    let (labels, old_labels) = (spec.get("nodeSelector"), old.get("nodeSelector"));
    if labels.value() != old_labels.value() {
        if old_labels.entries().any(|(key, value)| labels.entry(key).value() != value.value()) {
            let detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
            errors.reject(&labels, detail);
        }
        restore(rest, old.value(), "nodeSelector");
    }
    let (node, old_node) = (spec.get("affinity.nodeAffinity"), old.get("affinity.nodeAffinity"));
    if node.value() == old_node.value() {
        return;
    }
    let required = "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
    let (terms, old_terms) = (node.get(required), old_node.get(required));
    if old_terms.count() > 0 && old_terms.count() != terms.count() {
        let value = internal::print("[]NodeSelectorTerm", terms.value());
        let detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        errors.invalid_as(terms, &value, detail);
    } else {
        for (term, old) in terms.items().zip(old_terms.items()) {
            if !only_adds(term.value(), old.value()) {
                let value = internal::print("NodeSelectorTerm", term.value());
                errors.invalid_as(term, &value, "only additions are allowed (no mutations or deletions)");
            }
        }
    }
    match old_node.value() {
        Value::Null => {
            rest.take_at(&["affinity", "nodeAffinity"]);
            if old.get("affinity").is_set() {
            } else if rest.map_at(&["affinity"]).is_some_and(|affinity| affinity.is_empty()) {
                rest.take_at(&["affinity"]);
            }
        }
        value => rest.put(&["affinity", "nodeAffinity"], value.clone()),
    }
}

fn only_adds(term: &Value, old: &Value) -> bool {
    let lists = ["matchExpressions", "matchFields"].map(|list| (term.items_at(&[list]), old.items_at(&[list])));
    let was_empty = lists.iter().all(|(_, old)| old.is_empty());
    lists.iter().all(|(new, old)| if was_empty { new.is_empty() } else { new.starts_with(old) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod() -> Object {
        let mut pod = json!({"metadata": {"name": "x"}, "spec": {"containers": [{"name": "c", "image": "i"}],
            "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}]}});
        super::super::defaults::pod(&mut pod);
        pod
    }

    fn complaints(change: impl Fn(&mut Object)) -> Vec<String> {
        let (mut new, old) = (pod(), pod());
        change(&mut new);
        let mut errors = Errors::default();
        update(&new, &old, &mut errors);
        errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
    }

    #[test]
    fn a_few_fields_may_change() {
        assert_eq!(complaints(|pod| pod["spec"]["containers"][0]["image"] = json!("j")), Vec::<String>::new());
        assert_eq!(complaints(|pod| pod.put(&["spec", "activeDeadlineSeconds"], 5)), Vec::<String>::new());
        assert_eq!(
            complaints(|pod| pod["spec"]["tolerations"][0]["tolerationSeconds"] = json!(9)),
            Vec::<String>::new()
        );
        let forbidden = complaints(|pod| pod.put(&["spec", "nodeName"], "n"));
        assert!(forbidden[0].contains("\n@@ ") && forbidden[0].contains("\n+ \"NodeName\": \"n\",\n"), "{forbidden:?}");
        assert_eq!(
            complaints(|pod| pod["spec"]["containers"] = json!([])),
            [
                "spec.containers: Required value",
                "spec.containers: Forbidden: pod updates may not add or remove containers"
            ]
        );
    }
}
