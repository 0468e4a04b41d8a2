//! What of a Job may change.

use super::super::field::{Errors, Field, IMMUTABLE};
use super::super::internal;
use crate::api::{Object, ObjectExt, Value};

/// Complains about a change of a Job.
pub(super) fn validate(new: &Object, old: &Object, errors: &mut Errors) {
    let (root, old_root) = (Field::new("", new), Field::new("", old));
    let (spec, old_spec) = (root.get("spec"), old_root.get("spec"));
    super::validate_spec(&spec, errors);
    completions(&spec, &old_spec, errors);
    errors.immutable(&spec.get("selector"), &old_spec.get("selector"));
    template(&spec, &old_root, errors);
    errors.immutable(&spec.get("completionMode"), &old_spec.get("completionMode"));
    for (name, kind) in [("podFailurePolicy", "PodFailurePolicy"), ("successPolicy", "SuccessPolicy")] {
        if name == "successPolicy" {
            errors.all_immutable(&spec, &old_spec, &["backoffLimitPerIndex", "managedBy"]);
        }
        let policy = spec.get(name);
        if policy.value() != old_spec.get(name).value() {
            errors.invalid_as(policy, &internal::print(&format!("*{kind}"), policy.value()), IMMUTABLE);
        }
    }
}

fn completions(spec: &Field, old: &Field, errors: &mut Errors) {
    let completions = spec.get("completions");
    if !super::is_indexed(spec) {
        return errors.immutable(&completions, &old.get("completions"));
    }
    let changed = completions.value() != old.get("completions").value();
    if changed && completions.is_set() && completions.value() != spec.get("parallelism").value() {
        errors.reject(&completions, "can only be modified in tandem with spec.parallelism");
    }
}

/// Complains about a change of the template. A suspended Job may be told other nodes, and other resources.
fn template(spec: &Field, old: &Field, errors: &mut Errors) {
    let template = spec.get("template");
    let mut before = old.get("spec.template").value().clone();
    let now = template.value();
    let suspended = old.get("spec.suspend").is_true();
    if suspended && !old.get("status.startTime").is_set() {
        let free = ["nodeSelector", "tolerations", "schedulingGates"].map(|name| ["spec", name]);
        let affinity: &[&str] = &["spec", "affinity", "nodeAffinity"];
        let notes: [&[&str]; 2] = [&["metadata", "annotations"], &["metadata", "labels"]];
        for path in free.iter().map(|path| &path[..]).chain(notes).chain([affinity]) {
            copy(&mut before, now, path);
        }
        let affinity = ["spec", "affinity"];
        if now.at(&affinity).is_none() && before.map_at(&affinity).is_some_and(|map| map.is_empty()) {
            before.take_at(&affinity);
        }
    }
    let (place, kind) = if suspended { ("spec", "PodSpec") } else { ("", "PodTemplateSpec") };
    if suspended {
        resources(before.at_mut(&["spec"]), now.get("spec").unwrap_or(&Value::Null));
    }
    let (at, part) = match place {
        "" => (template, Some(&before)),
        name => (template.get(name), before.get(name)),
    };
    if Some(at.value()) != part {
        errors.invalid_as(at, &internal::print(kind, at.value()), IMMUTABLE);
    }
}

fn resources(before: &mut Value, now: &Value) {
    for list in ["containers", "initContainers"] {
        let there = now.items_at(&[list]);
        let Some(containers) = before.get_mut(list).and_then(Value::as_array_mut) else { continue };
        if containers.len() == there.len() {
            let same = containers.iter_mut().zip(there).filter(|(one, other)| one.get("name") == other.get("name"));
            same.for_each(|(one, other)| copy(one, other, &["resources"]));
        }
    }
}

fn copy(to: &mut Value, from: &Value, path: &[&str]) {
    match from.at(path) {
        Some(value) => to.put(path, value.clone()),
        None => drop(to.take_at(path)),
    }
}
