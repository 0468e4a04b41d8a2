//! Namespaces.

use super::field::{Errors, Field};
use super::fill::fill;
use super::{GENERIC, Kind, cells, label};
use crate::api::{ObjectExt, names};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    resource: "namespaces",
    default: |namespace| {
        let name = namespace.name().to_owned();
        if !name.is_empty() {
            namespace.put(&["metadata", "labels", "kubernetes.io/metadata.name"], name);
        }
        fill(namespace, &json!({"spec": {}, "status": {"phase": "Active"}}));
    },
    name_complaints: label,
    prepare_for_create: |namespace| {
        namespace.put(&["status"], json!({"phase": "Active"}));
        let finalizers = namespace.items_at(&["spec", "finalizers"]);
        if !finalizers.contains(&json!("kubernetes")) {
            let all: Vec<_> = finalizers.iter().cloned().chain([json!("kubernetes")]).collect();
            namespace.put(&["spec", "finalizers"], all);
        }
    },
    // Finalizers change through their own subresource.
    prepare_for_update: |namespace, old| match old.at(&["spec"]) {
        Some(spec) => namespace.put(&["spec"], spec.clone()),
        None => namespace.put(&["spec"], json!({})),
    },
    validate: |namespace, errors| {
        let root = Field::new("", namespace);
        let finalizers = root.get("spec.finalizers");
        for finalizer in finalizers.items() {
            complain_about_finalizer(&finalizers.with(finalizer.value()), errors);
        }
    },
    validate_part_update: |part, new, _, errors| {
        for finalizer in Field::new("", new).get("spec.finalizers").items().filter(|_| part == "finalize") {
            complain_about_finalizer(&finalizer, errors);
        }
    },
    validate_status_update: |new, _, errors| {
        let root = Field::new("", new);
        let phase = if root.get("metadata.deletionTimestamp").is_set() { "Terminating" } else { "Active" };
        let not = if phase == "Active" { "" } else { "not " };
        if root.get("status.phase").text() != phase {
            let detail = format!("may only be '{phase}' if `deletionTimestamp` is {not}empty");
            errors.invalid("status.Phase", root.get("status.phase").value(), &detail);
        }
    },
    cells: |namespace, now| {
        let phase = namespace.text(&["status", "phase"]);
        vec![namespace.name().into(), phase.into(), cells::age(namespace, now)]
    },
    selectable_fields: &[("status.phase", |namespace| namespace.text(&["status", "phase"]).into())],
    ..GENERIC
};

/// Complains about a finalizer: it has a domain, or is one of Kubernetes' own.
pub fn complain_about_finalizer(finalizer: &Field, errors: &mut Errors) {
    errors.name(finalizer, names::qualified_name);
    let name = finalizer.text();
    let standard = ["kubernetes", "orphan", "foregroundDeletion"].contains(&name);
    if !name.contains('/') && !standard {
        errors.reject(finalizer, "name is neither a standard finalizer name nor is it fully qualified");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finalizers_and_phases() {
        let mut namespace = json!({"metadata": {"name": "x"}});
        (KIND.default)(&mut namespace);
        (KIND.prepare_for_create)(&mut namespace);
        assert_eq!(namespace["spec"]["finalizers"], json!(["kubernetes"]));
        assert_eq!(namespace["metadata"]["labels"], json!({"kubernetes.io/metadata.name": "x"}));
        namespace["spec"]["finalizers"] = json!(["kubernetes", "bad"]);
        namespace["status"]["phase"] = json!("Terminating");
        let mut errors = Errors::default();
        (KIND.validate)(&namespace, &mut errors);
        (KIND.validate_status_update)(&namespace, &namespace, &mut errors);
        let lines: Vec<_> = errors.causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        assert_eq!(
            lines,
            [
                "spec.finalizers: Invalid value: \"bad\": name is neither a standard finalizer name nor is it fully \
                 qualified",
                "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty",
            ]
        );
    }
}
