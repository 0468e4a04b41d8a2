//! PersistentVolumeClaims, and the templates of them in pods and StatefulSets.

use super::field::{Errors, Field, quoted};
use super::fill::fill;
use super::internal;
use super::labels::{validate_annotations, validate_labels, validate_selector};
use super::pod::defaults::round_list;
use super::resources::{is_native, quantity};
use super::{GENERIC, Kind, cells};
use crate::api::{Object, ObjectExt, Value, names};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    resource: "persistentvolumeclaims",
    default: defaults,
    prepare_for_create: |claim| {
        claim.put(&["status"], json!({"phase": "Pending"}));
        keep_known_sources(claim.at_mut(&["spec"]));
        data_source(claim.at_mut(&["spec"]));
        add_finalizer(claim, "kubernetes.io/pvc-protection");
    },
    prepare_for_update: |claim, old| {
        if old.at(&["spec", "dataSource"]).is_none() {
            keep_known_sources(claim.at_mut(&["spec"]));
        }
        data_source(claim.at_mut(&["spec"]));
    },
    validate: |claim, errors| validate_spec(&Field::new("", claim).get("spec"), errors),
    validate_update,
    validate_status_update,
    warnings: |claim, _| {
        let mut warnings: Vec<String> = class_warning(claim).into_iter().collect();
        let root = Field::new("", claim);
        warnings.extend(fraction_warnings(&root.get("spec.resources")));
        warnings
    },
    cells: row,
    ..GENERIC
};

/// The advice about the annotation that names a class.
pub(super) fn class_warning(object: &Object) -> Option<String> {
    object.annotation(CLASS_ANNOTATION)?;
    let advice = "deprecated since v1.8; use \"storageClassName\" attribute instead";
    Some(format!("metadata.annotations[{CLASS_ANNOTATION}]: {advice}"))
}

/// The advice about parts of bytes.
pub(super) fn fraction_warnings(resources: &Field) -> Vec<String> {
    let mut warnings = Vec::new();
    for list in [resources.get("requests"), resources.get("limits")] {
        let amount = list.entry("storage");
        if quantity(&amount).milli_value() % 1000 != 0 {
            let value = quoted(amount.text());
            warnings.push(format!("{amount}: fractional byte value {value} is invalid, must be an integer"));
        }
    }
    warnings
}

/// The annotation from before there was `storageClassName`.
pub(super) const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

/// Adds a finalizer that admission gives every object of a kind.
pub(super) fn add_finalizer(object: &mut Object, name: &str) {
    let finalizers = object.items_at(&["metadata", "finalizers"]);
    if !finalizers.iter().any(|finalizer| finalizer == name) {
        let all: Vec<_> = finalizers.iter().cloned().chain([name.into()]).collect();
        object.put(&["metadata", "finalizers"], all);
    }
}

fn defaults(claim: &mut Object) {
    fill(claim, &json!({"spec": {"resources": {}, "volumeMode*": "Filesystem"}, "status": {"phase": "Pending"}}));
    for path in [&["spec", "resources"][..], &["status"]] {
        for list in ["limits", "requests", "capacity", "allocatedResources"] {
            round_list(claim.at_mut(path), list);
        }
    }
}

/// Claims of old could name any source, and only these counted. Sources in other namespaces are a feature that is off.
fn keep_known_sources(spec: &mut Value) {
    if spec.at(&["dataSourceRef", "namespace"]).is_some_and(|namespace| namespace != "") {
        spec.take_at(&["dataSourceRef"]);
    }
    let known = [("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot")];
    let source = (spec.text(&["dataSource", "apiGroup"]), spec.text(&["dataSource", "kind"]));
    if spec.get("dataSourceRef").is_none() && !known.contains(&source) {
        spec.take_at(&["dataSource"]);
    }
}

/// `dataSource` and `dataSourceRef` say the same, unless the source is in another namespace (KEP-1495).
fn data_source(spec: &mut Value) {
    let (old, new) = (spec.get("dataSource").cloned(), spec.get("dataSourceRef").cloned());
    match (old, new) {
        (Some(source), None) => spec.put(&["dataSourceRef"], source),
        (None, Some(source)) if source.text(&["namespace"]).is_empty() => spec.put(&["dataSource"], source),
        _ => {}
    }
}

/// Complains about the template of a claim.
pub(super) fn validate_template(template: &Field, errors: &mut Errors) {
    let metadata = template.get("metadata");
    validate_annotations(&metadata.get("annotations"), errors);
    validate_labels(&metadata.get("labels"), errors);
    for (name, _) in metadata.entries().filter(|(name, _)| *name != "annotations" && *name != "labels") {
        errors.forbidden(metadata.get(name), "cannot be set");
    }
    validate_spec(&template.get("spec"), errors);
}

/// Complains about access modes.
pub(super) fn access_modes(modes: &Field, errors: &mut Errors) {
    let known = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
    for mode in modes.items() {
        errors.one_of(&modes.with(mode.value()), &known);
    }
    let alone = |mode: &Field| mode.text() == "ReadWriteOncePod";
    if modes.items().any(|mode| alone(&mode)) && modes.items().any(|mode| !alone(&mode) && known.contains(&mode.text()))
    {
        errors.forbidden(modes, "may not use ReadWriteOncePod with other access modes");
    }
}

/// Complains about the `spec` of a claim.
pub(super) fn validate_spec(spec: &Field, errors: &mut Errors) {
    let modes = spec.get("accessModes");
    if modes.count() == 0 {
        errors.required(modes, "at least 1 access mode is required");
    }
    validate_selector(&spec.get("selector"), errors);
    access_modes(&modes, errors);
    let (storage, resources) = (spec.get("resources.requests.storage"), spec.get("resources"));
    let place = resources.entry("storage");
    if !storage.is_set() {
        errors.required(place, "");
    } else if quantity(&storage).sign() <= 0 {
        errors.invalid(place, storage.value(), "must be greater than zero");
    }
    if !spec.get("storageClassName").is_empty() {
        errors.name(&spec.get("storageClassName"), names::dns1123_subdomain);
    }
    if spec.get("volumeMode").is_set() {
        errors.one_of(&spec.get("volumeMode"), &["Block", "Filesystem"]);
    }
    let (source, reference) = (spec.get("dataSource"), spec.get("dataSourceRef"));
    for part in [&source, &reference].into_iter().filter(|part| part.is_set()) {
        typed_reference(part, errors);
    }
    if source.is_set() && reference.is_set() {
        let same =
            ["apiGroup", "kind", "name"].iter().all(|part| source.get(part).value() == reference.get(part).value());
        let detail = if !reference.get("namespace").is_empty() {
            "may not be specified when dataSourceRef.namespace is specified"
        } else if same {
            ""
        } else {
            "must match dataSourceRef"
        };
        if !detail.is_empty() {
            // The value is a path whose parts no JSON shows.
            errors.invalid_as(spec, "{}", detail);
        }
    }
    if !spec.get("volumeAttributesClassName").is_empty() {
        errors.name(&spec.get("volumeAttributesClassName"), names::dns1123_subdomain);
    }
}

fn typed_reference(source: &Field, errors: &mut Errors) {
    let (group, kind, namespace) = (source.get("apiGroup"), source.get("kind"), source.get("namespace"));
    errors.need(&source.get("name"));
    errors.need(&kind);
    if group.is_empty() && kind.text() != "PersistentVolumeClaim" {
        let detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
        errors.invalid_as(source, &quoted(kind.text()), detail);
    }
    if !group.is_empty() {
        errors.name(&group, names::dns1123_subdomain);
    }
    if !namespace.is_empty() {
        errors.name(&namespace, names::dns1123_label);
    }
}

fn validate_update(new: &Object, old: &Object, errors: &mut Errors) {
    let (root, old_root) = (Field::new("", new), Field::new("", old));
    let (spec, old_spec) = (root.get("spec"), old_root.get("spec"));
    validate_spec(&spec, errors);
    let bound = root.get("status.phase").text() == "Bound";
    let (mut mine, mut before) = (spec.value().clone(), old_spec.value().clone());
    let copy = |to: &mut Value, from: &Value, path: &[&str]| match from.at(path) {
        Some(value) => to.put(path, value.clone()),
        None => drop(to.take_at(path)),
    };
    if old_spec.get("volumeName").is_empty() {
        copy(&mut before, &mine, &["volumeName"]);
    }
    storage_class(&root, &old_root, &mut mine, errors);
    if bound && mine.at(&["resources", "requests"]).is_some() {
        copy(&mut mine, &before, &["resources", "requests", "storage"]);
    }
    if bound {
        copy(&mut mine, &before, &["volumeAttributesClassName"]);
    }
    if mine != before {
        let diff = internal::diff("PersistentVolumeClaimSpec", &before, &mine);
        let detail = "spec is immutable after creation except resources.requests and volumeAttributesClassName for \
                      bound claims";
        errors.forbidden(spec, &format!("{detail}\n{diff}"));
    }
    let (size, old_size) = (spec.get("resources.requests.storage"), old_spec.get("resources.requests.storage"));
    let capacity = quantity(&old_root.get("status.capacity.storage"));
    if quantity(&size) < quantity(&old_size) && quantity(&size) <= capacity {
        errors.forbidden(size, "field can not be less than status.capacity");
    }
    errors.immutable(&spec.get("volumeMode").named("volumeMode"), &old_spec.get("volumeMode"));
    let class = spec.get("volumeAttributesClassName");
    let current = old_root.get("status.currentVolumeAttributesClassName").is_set();
    if current && class.value() != old_spec.get("volumeAttributesClassName").value() && class.is_empty() {
        let what = if class.is_set() { "empty string" } else { "nil" };
        let detail = format!("update to {what} is forbidden when status.currentVolumeAttributesClassName is not nil");
        errors.forbidden(class, &detail);
    }
}

/// The class may move from the annotation to the field, and be set once.
fn storage_class(root: &Field, old: &Field, spec: &mut Value, errors: &mut Errors) {
    let (notes, old_notes) = (root.get("metadata.annotations"), old.get("metadata.annotations"));
    let (note, old_note) = (notes.entry(CLASS_ANNOTATION), old_notes.entry(CLASS_ANNOTATION));
    let (class, old_class) = (root.get("spec.storageClassName"), old.get("spec.storageClassName"));
    if old_class.is_set() || !class.is_set() {
    } else if old_note.is_set() && class.text() == old_note.text() && (!note.is_set() || note.text() == old_note.text())
    {
        spec.take_at(&["storageClassName"]);
        return;
    } else if !old_note.is_set() || class.text() == old_note.text() {
        spec.take_at(&["storageClassName"]);
    }
    if note.text() != old_note.text() {
        let path = format!("metadata.annotations.{CLASS_ANNOTATION}");
        errors.invalid_as(path, &quoted(note.text()), super::field::IMMUTABLE);
    }
}

/// Complains about the name of a resource that claims do not know; says whether they do.
fn resource_key(field: &Field, name: &str, errors: &mut Errors) -> bool {
    let complaints = names::qualified_name(name);
    for complaint in &complaints {
        errors.invalid_as(field, &quoted(name), complaint);
    }
    let foreign = name != "storage" && is_native(name);
    if complaints.is_empty() && foreign {
        errors.unsupported(field, &quoted(name), &["storage"]);
    }
    complaints.is_empty() && !foreign
}

fn validate_status_update(new: &Object, _: &Object, errors: &mut Errors) {
    let root = Field::new("", new);
    if root.get("spec.accessModes").count() == 0 {
        errors.required("Spec.accessModes", "");
    }
    for (_, amount) in root.get("status.capacity").entries() {
        if quantity(&amount).value() < 0 {
            errors.invalid(amount, &quantity(&amount).value().into(), "must be a valid resource quantity");
        }
    }
    let states = [
        "ControllerResizeInProgress",
        "ControllerResizeInfeasible",
        "NodeResizeInProgress",
        "NodeResizeInfeasible",
        "NodeResizePending",
    ];
    let statuses = root.get("status.allocatedResourceStatuses");
    for (name, state) in statuses.entries() {
        resource_key(&statuses, name, errors);
        if !states.contains(&state.text()) {
            errors.unsupported(statuses, &quoted(name), &states);
        }
    }
    let allocated = root.get("status.allocatedResources");
    for (name, amount) in allocated.entries() {
        if !resource_key(&allocated, name, errors) {
            continue;
        }
        if quantity(&amount).value() < 0 {
            errors.invalid(amount, &quantity(&amount).value().into(), "must be a valid resource quantity");
        }
    }
}

/// The class of a claim or a volume: the old annotation's, or the field's.
pub(super) fn class_of(object: &Object) -> &str {
    object.annotation(CLASS_ANNOTATION).unwrap_or_else(|| object.text(&["spec", "storageClassName"]))
}

/// The phase of a claim or a volume, as tables show it.
pub(super) fn shown_phase(object: &Object) -> &str {
    let going = object.at(&["metadata", "deletionTimestamp"]).is_some();
    if going { "Terminating" } else { object.text(&["status", "phase"]) }
}

/// `<unset>` for a text that is not there.
pub(super) fn unset(object: &Object, path: &[&str]) -> Value {
    object.at(path).and_then(Value::as_str).unwrap_or("<unset>").into()
}

fn row(claim: &Object, now: i64) -> Vec<Value> {
    let volume = claim.text(&["spec", "volumeName"]);
    let (mut capacity, mut modes) = (String::new(), String::new());
    if !volume.is_empty() {
        capacity = claim.at(&["status", "capacity", "storage"]).and_then(Value::as_str).unwrap_or("0").into();
        modes = cells::access_modes(claim.items_at(&["status", "accessModes"]));
    }
    vec![
        claim.name().into(),
        shown_phase(claim).into(),
        volume.into(),
        capacity.into(),
        modes.into(),
        class_of(claim).into(),
        unset(claim, &["spec", "volumeAttributesClassName"]),
        cells::age(claim, now),
        unset(claim, &["spec", "volumeMode"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(spec: Value) -> Object {
        let mut claim = json!({"metadata": {"name": "x"}, "spec": spec});
        defaults(&mut claim);
        claim
    }

    fn changes(new: &Object, old: &Object) -> Vec<String> {
        let mut errors = Errors::default();
        validate_update(new, old, &mut errors);
        errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
    }

    #[test]
    fn a_claim_may_only_grow() {
        let size = |size: &str| json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}});
        let (small, mut large) = (claim(size("1Gi")), claim(size("2Gi")));
        let pending = changes(&large, &small);
        assert!(pending[0].starts_with("spec: Forbidden: spec is immutable after creation except"), "{pending:?}");
        assert!(pending[0].contains("\n-   \"storage\": \"1Gi\"\n+   \"storage\": \"2Gi\"\n"), "{pending:?}");
        large.put(&["status", "phase"], "Bound");
        assert_eq!(changes(&large, &small), Vec::<String>::new());
        large.put(&["status", "capacity", "storage"], "2Gi");
        let mut shrunk = small.clone();
        shrunk.put(&["status", "phase"], "Bound");
        assert_eq!(
            changes(&shrunk, &large),
            ["spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"]
        );
    }
}
