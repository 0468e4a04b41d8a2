//! What is wrong with changes of a pod through its subresources: `ephemeralcontainers` (KEP-277) and `resize`
//! (KEP-1287).

use super::super::amounts::quality_of_service;
use super::super::field::{Errors, Field};
use super::super::internal;
use super::super::resources::quantity;
use super::{annotations, validate};
use crate::api::{Object, ObjectExt, Value};
use std::cmp::Ordering;

/// The annotation of pods that a kubelet has from elsewhere than the server.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// Complains about a change through a subresource.
pub(super) fn update(subresource: &str, new: &Object, old: &Object, errors: &mut Errors) {
    let (root, old_root) = (Field::new("", new), Field::new("", old));
    match subresource {
        "ephemeralcontainers" => ephemeral_containers(&root, &old_root, errors),
        "resize" => resize(&root, &old_root, errors),
        _ => {}
    }
}

/// Some pods cannot be changed at all: then that alone is said.
fn only(errors: &mut Errors, detail: &str) {
    *errors = Errors::default();
    errors.forbidden("", detail);
}

fn ephemeral_containers(root: &Field, old: &Field, errors: &mut Errors) {
    let (notes, old_notes) = (root.get("metadata.annotations"), old.get("metadata.annotations"));
    validate::metadata_and_spec(root, errors);
    annotations::validate_change(&notes, &old_notes, &root.get("spec"), errors);
    if old_notes.entry(MIRROR).is_set() {
        return only(errors, "static pods do not support ephemeral containers");
    }
    let list = root.get("spec.ephemeralContainers");
    for before in old.get("spec.ephemeralContainers").items() {
        let name = before.get("name").text();
        match list.items().filter(|container| container.get("name").text() == name).last() {
            None => {
                errors.forbidden(list, &format!("existing ephemeral containers {name:?} may not be removed\n"));
            }
            Some(now) if now.value() != before.value() => {
                let diff = internal::diff("EphemeralContainer", before.value(), now.value());
                let detail = format!("existing ephemeral containers {name:?} may not be changed\n{diff}");
                errors.forbidden(list, &detail);
            }
            Some(_) => {}
        }
    }
}

fn resize(root: &Field, old: &Field, errors: &mut Errors) {
    validate::metadata_and_spec(root, errors);
    let (spec, old_spec) = (root.get("spec"), old.get("spec"));
    if old.get("metadata.annotations").entry(MIRROR).is_set() {
        return only(errors, "static pods cannot be resized");
    }
    if old_spec.get("os.name").text() == "windows" {
        return only(errors, "windows pods cannot be resized");
    }
    let class = old.get("status.qosClass");
    if class.text() != quality_of_service(spec.value()) {
        let detail = "Pod QOS Class may not change as a result of resizing";
        errors.invalid(spec, root.get("status.qosClass").value(), detail);
    }
    let statuses = old.get("status.containerStatuses");
    if statuses
        .items()
        .find(|status| status.get("state.running").is_set())
        .is_some_and(|s| !s.get("resources").is_set())
    {
        errors.forbidden(spec, "Pod running on node without support for resize");
    }
    resize_pod(&spec, &old_spec, errors);
    if old.get("status.nodeAllocatableResourceClaimStatuses").count() > 0 {
        errors.forbidden(spec, "pods with node allocatable resource claims cannot be resized");
    }
    if !same_containers(&spec, &old_spec, errors) {
        return;
    }
    for list in ["initContainers", "containers"] {
        let (containers, before) = (spec.get(list), old_spec.get(list));
        for (container, before) in containers.items().zip(before.items()) {
            nothing_removed(&container.get("resources"), &before.get("resources"), "resource", errors);
        }
    }
    let (containers, before) = (spec.get("containers"), old_spec.get("containers"));
    for (container, before) in containers.items().zip(before.items()) {
        if !same_but_resizable(container.value(), before.value()) {
            errors.forbidden(spec, "only cpu and memory resources are mutable");
        }
    }
    let (containers, before) = (spec.get("initContainers"), old_spec.get("initContainers"));
    for (container, before) in containers.items().zip(before.items()) {
        if !same_but_resizable(container.value(), before.value()) {
            errors.forbidden(container, "only cpu and memory resources for init or sidecar containers are mutable");
        }
        if container.value() != before.value() && container.get("restartPolicy").text() != "Always" {
            for policy in container.get("resizePolicy").items() {
                if policy.get("restartPolicy").text() == "RestartContainer" {
                    let detail =
                        "non-sidecar init containers with a resize policy of RestartContainer cannot be resized";
                    errors.forbidden(container, detail);
                }
            }
        }
    }
}

/// What the pod as a whole asks for may change, too (KEP-5419).
fn resize_pod(spec: &Field, old: &Field, errors: &mut Errors) {
    let (resources, before) = (spec.get("resources"), old.get("resources"));
    let amounts = |resources: &Field| resources.get("requests").count() + resources.get("limits").count();
    if amounts(&resources) + amounts(&before) == 0 {
        return;
    }
    if before.is_set() && !resources.is_set() {
        return errors.forbidden(resources, "pod-level resources cannot be removed");
    }
    if before.is_set() {
        nothing_removed(&resources, &before, "pod-level resource", errors);
    }
    let rest = |resources: &Field| {
        let mut rest = resources.value().clone();
        for part in ["requests", "limits"] {
            rest.take_at(&[part]);
        }
        rest.as_object().filter(|rest| !rest.is_empty()).cloned()
    };
    if rest(&resources) != rest(&before) || !same_fixed_amounts(&resources, &before) {
        errors.forbidden(spec, "only cpu and memory resources are mutable at pod-level");
    }
}

fn same_containers(spec: &Field, old: &Field, errors: &mut Errors) -> bool {
    let before = errors.causes.len();
    for list in ["containers", "initContainers"] {
        let (containers, old) = (spec.get(list), old.get(list));
        if containers.count() != old.count() {
            errors.forbidden(containers, &format!("{list} may not be added or removed on resize"));
            continue;
        }
        for (container, old) in containers.items().zip(old.items()) {
            if container.get("name").text() != old.get("name").text() {
                let detail = format!("{list} may not be renamed or reordered on resize");
                errors.forbidden(container.get("name"), &detail);
            }
        }
    }
    errors.causes.len() == before
}

fn nothing_removed(resources: &Field, old: &Field, what: &str, errors: &mut Errors) {
    for part in ["requests", "limits"] {
        let (amounts, old) = (resources.get(part), old.get(part));
        if old.entries().any(|(name, _)| !amounts.entry(name).is_set()) {
            errors.forbidden(amounts, &format!("{what} {part} cannot be removed"));
        }
    }
}

/// Whether a container differs in nothing but the cpu and memory that it asks for.
fn same_but_resizable(container: &Value, old: &Value) -> bool {
    let rest = |container: &Value| {
        let mut rest = container.clone();
        rest.take_at(&["resources"]);
        rest
    };
    let (now, before) = (Field::new("", container), Field::new("", old));
    rest(container) == rest(old) && same_fixed_amounts(&now.get("resources"), &before.get("resources"))
}

/// Whether two resources are the same but for cpu and memory.
fn same_fixed_amounts(now: &Field, before: &Field) -> bool {
    ["requests", "limits"].iter().all(|part| {
        let (now, before) = (now.get(part), before.get(part));
        let fixed = |name: &str| name != "cpu" && name != "memory";
        let mut names = now.entries().chain(before.entries()).map(|(name, _)| name).filter(|name| fixed(name));
        names.all(|name| {
            let (now, before) = (now.entry(name), before.entry(name));
            now.is_set() == before.is_set() && quantity(&now).cmp(&quantity(&before)) == Ordering::Equal
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(resources: Value) -> Object {
        let mut pod = json!({"metadata": {"name": "x"}, "spec": {"containers": [
            {"name": "c", "image": "i", "resources": resources}
        ]}, "status": {"qosClass": "Burstable"}});
        super::super::defaults::pod(&mut pod);
        pod
    }

    fn complaints(subresource: &str, new: &Object, old: &Object) -> Vec<String> {
        let mut errors = Errors::default();
        update(subresource, new, old, &mut errors);
        errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
    }

    #[test]
    fn what_a_resize_may_change() {
        let old = pod(json!({"requests": {"cpu": "1", "ephemeral-storage": "1Gi"}}));
        let resized = |resources| complaints("resize", &pod(resources), &old);
        assert_eq!(resized(json!({"requests": {"cpu": "2", "ephemeral-storage": "1Gi"}})), Vec::<String>::new());
        for (resources, complaint) in [
            (
                json!({"requests": {"cpu": "2", "ephemeral-storage": "2Gi"}}),
                "spec: Forbidden: only cpu and memory resources are mutable",
            ),
            (
                json!({"requests": {"ephemeral-storage": "1Gi"}}),
                r#"spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing"#,
            ),
        ] {
            assert_eq!(resized(resources.clone())[0], complaint, "{resources}");
        }
        let mut running = old.clone();
        running.put(&["status", "containerStatuses"], json!([{"name": "c", "state": {"running": {}}}]));
        assert_eq!(
            complaints("resize", &old, &running),
            ["spec: Forbidden: Pod running on node without support for resize"]
        );
        let mut mirror = old.clone();
        mirror.put(&["metadata", "annotations", MIRROR], "x");
        assert_eq!(complaints("resize", &old, &mirror), [": Forbidden: static pods cannot be resized"]);
    }

    #[test]
    fn ephemeral_containers_stay_as_they_are() {
        let with = |image: &str| {
            let mut pod = pod(json!({}));
            pod.put(&["spec", "ephemeralContainers"], json!([{"name": "e", "image": image}]));
            super::super::defaults::pod(&mut pod);
            pod
        };
        let part = "ephemeralcontainers";
        assert_eq!(complaints(part, &with("i"), &with("i")), Vec::<String>::new());
        assert!(complaints(part, &with("j"), &with("i"))[0].starts_with(
            "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"e\" may not be changed\n"
        ));
        assert_eq!(
            complaints(part, &pod(json!({})), &with("i")),
            ["spec.ephemeralContainers: Forbidden: existing ephemeral containers \"e\" may not be removed\n"]
        );
    }
}
