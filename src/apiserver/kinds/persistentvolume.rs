//! PersistentVolumes.

use super::field::{Errors, Field, IMMUTABLE};
use super::fill::fill;
use super::internal;
use super::node::selector_warnings;
use super::persistentvolumeclaim::{access_modes, add_finalizer, class_of, class_warning, shown_phase, unset};
use super::pod::defaults::{round_list, volume};
use super::pod::scheduling::node_selector;
use super::pod::sources::*;
use super::pod::volumes::{Source, one_source, source, with};
use super::pod::warnings::VOLUMES;
use super::resources::quantity;
use super::{GENERIC, Kind, cells};
use crate::api::time::rfc3339;
use crate::api::{Object, ObjectExt, Value, names};
use serde_json::json;

/// Where it says since when the phase is what it is.
const PHASE_SINCE: [&str; 2] = ["status", "lastPhaseTransitionTime"];

pub(super) const KIND: Kind = Kind {
    resource: "persistentvolumes",
    default: |volume| {
        let spec = json!({"persistentVolumeReclaimPolicy": "Retain", "volumeMode*": "Filesystem"});
        fill(volume, &json!({"spec": spec, "status": {"phase": "Pending"}}));
        inline_defaults(volume.at_mut(&["spec"]));
    },
    prepare_for_create: |volume| {
        let now = volume.text(&["metadata", "creationTimestamp"]).to_owned();
        volume.put(&["status"], json!({"phase": "Pending", "lastPhaseTransitionTime": now}));
        add_finalizer(volume, "kubernetes.io/pv-protection");
    },
    prepare_for_status_update: |volume, old| {
        super::keep_all_but_status(volume, old);
        let phase = ["status", "phase"];
        if volume.at(&PHASE_SINCE).is_none()
            && volume.at(&phase) == old.at(&phase)
            && let Some(since) = old.at(&PHASE_SINCE)
        {
            volume.put(&PHASE_SINCE, since.clone());
        }
    },
    stamp: |volume, old, now| {
        let phase = ["status", "phase"];
        let since = volume.at(&PHASE_SINCE);
        if volume.at(&phase) != old.at(&phase) && (since.is_none() || since == old.at(&PHASE_SINCE)) {
            volume.put(&PHASE_SINCE, rfc3339(now));
        }
    },
    validate: |volume, errors| spec(&Field::new("", volume).get("spec"), volume.name(), errors),
    validate_update,
    validate_status_update: |new, _, errors| {
        if new.resource_version().is_empty() {
            errors.required("resourceVersion", "");
        }
    },
    warnings,
    cells: row,
    ..GENERIC
};

/// All sources of persistent volumes, in the order in which they are looked at.
const SOURCES: &[Source] = &[
    with(host_path, source("hostPath", &[])),
    Source { path: "persistentDisk", ..with(disk_partition, source("gcePersistentDisk", &["pdName"])) },
    with(disk_partition, source("awsElasticBlockStore", &["volumeID"])),
    with(endpoints_namespace, source("glusterfs", &["endpoints", "path"])),
    with(flocker, source("flocker", &[])),
    with(absolute_path, source("nfs", &["server", "path"])),
    source("rbd", &["monitors", "image"]),
    with(quobyte, source("quobyte", &[])),
    Source { other: "cephFS", ..source("cephfs", &["monitors"]) },
    with(iscsi_disk, source("iscsi", &["targetPortal"])),
    with(secret_ref, source("cinder", &["volumeID"])),
    with(fibre_channel, source("fc", &[])),
    Source { beside: true, ..with(flex_options, source("flexVolume", &["driver"])) },
    with(
        |source, errors| {
            if source.get("secretNamespace").is_set() {
                errors.need(&source.get("secretNamespace"));
            }
        },
        source("azureFile", &["secretName", "shareName"]),
    ),
    source("vsphereVolume", &["volumePath"]),
    source("photonPersistentDisk", &["pdID"]),
    source("portworxVolume", &["volumeID"]),
    with(azure_disk, source("azureDisk", &["diskName", "diskURI"])),
    source("scaleIO", &["gateway", "system", "volumeName"]),
    with(local, source("local", &["path"])),
    with(storage_os_volume, source("storageos", &["volumeName"])),
    with(csi_volume, source("csi", &[])),
];

fn endpoints_namespace(source: &Field, errors: &mut Errors) {
    let namespace = source.get("endpointsNamespace");
    if namespace.is_set() && namespace.is_empty() {
        errors.reject(&namespace, "if the endpointnamespace is set, it must be a valid namespace name");
    } else if namespace.is_set() {
        errors.name(&namespace, names::dns1123_label);
    }
}

fn local(source: &Field, errors: &mut Errors) {
    no_back_steps(&source.get("path"), errors);
    if let Some(spec) = source.above().filter(|spec| !spec.get("nodeAffinity").is_set()) {
        errors.required(spec.get("nodeAffinity"), "Local volume requires node affinity");
    }
}

fn iscsi_disk(disk: &Field, errors: &mut Errors) {
    iscsi_names(disk, "must be valid format", secret_ref_name, errors);
}

fn secret_ref(source: &Field, errors: &mut Errors) {
    if source.get("secretRef").is_set() {
        errors.need(&source.get("secretRef.name"));
        errors.need(&source.get("secretRef.namespace"));
    }
}

fn storage_os_volume(source: &Field, errors: &mut Errors) {
    for name in ["volumeName", "volumeNamespace"].map(|name| source.get(name)) {
        if !name.is_empty() {
            errors.name(&name, names::dns1123_label);
        }
    }
    secret_ref(source, errors);
}

fn csi_volume(source: &Field, errors: &mut Errors) {
    driver_name(&source.get("driver"), errors);
    errors.need(&source.get("volumeHandle"));
    for secret in
        ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"]
    {
        let secret = source.get(secret);
        if secret.is_set() {
            errors.need_name(&secret.get("name"), names::dns1123_subdomain);
            errors.need_name(&secret.get("namespace"), names::dns1123_label);
        }
    }
}

/// Fills in the `spec` of a volume that is written into an attachment.
pub(super) fn inline_defaults(spec: &mut Value) {
    fill(spec, &volume());
    round_list(spec, "capacity");
}

fn spec(spec: &Field, name: &str, errors: &mut Errors) {
    let (modes, capacity, policy) =
        (spec.get("accessModes"), spec.get("capacity"), spec.get("persistentVolumeReclaimPolicy"));
    errors.need(&modes);
    access_modes(&modes, errors);
    errors.need(&capacity);
    if !capacity.entry("storage").is_set() || capacity.count() > 1 {
        let printed = super::field::printed(capacity.value());
        errors.unsupported(capacity, &printed, &["storage"]);
    }
    for (_, amount) in capacity.entries() {
        let size = quantity(&amount);
        if size.value() < 0 {
            errors.invalid(amount, &size.value().into(), "must be a valid resource quantity");
        }
        if size.sign() <= 0 {
            errors.invalid(amount, &size.to_string().into(), "must be greater than zero");
        }
    }
    if !policy.is_empty() {
        errors.one_of(&policy, &["Delete", "Recycle", "Retain"]);
    }
    let affinity = spec.get("nodeAffinity");
    if affinity.get("required").is_set() {
        node_selector(&affinity.get("required"), errors);
    } else if affinity.is_set() {
        errors.required(affinity.get("required"), "must specify required node constraints");
    }
    sources(spec, name, errors);
    let path = spec.get("hostPath.path").text();
    if policy.text() == "Recycle" && path.starts_with('/') && path.split('/').all(|part| matches!(part, "" | ".")) {
        errors.forbidden(policy, "may not be 'recycle' for a hostPath mount of '/'");
    }
    if !spec.get("storageClassName").is_empty() {
        errors.name(&spec.get("storageClassName"), names::dns1123_subdomain);
    }
    if spec.get("volumeMode").is_set() {
        errors.one_of(&spec.get("volumeMode"), &["Block", "Filesystem"]);
    }
    attributes_class(spec, errors);
}

fn sources(spec: &Field, name: &str, errors: &mut Errors) {
    one_source(spec, SOURCES, errors);
    let iscsi = spec.get("iscsi");
    let portal = iscsi.get("targetPortal");
    if iscsi.get("initiatorName").is_set() && name.len() + 1 + portal.text().len() > 64 {
        errors.invalid(iscsi.get("targetportal"), portal.value(), PORTAL_TOO_LONG);
    }
}

fn attributes_class(spec: &Field, errors: &mut Errors) {
    let class = spec.get("volumeAttributesClassName");
    if !class.is_set() {
        return;
    }
    if class.is_empty() {
        errors.required(class, "an empty string is disallowed");
    } else {
        errors.name(&class, names::dns1123_subdomain);
    }
    if !spec.get("csi").is_set() {
        errors.required(spec.get("csi"), "has to be specified when using volumeAttributesClassName");
    }
}

/// Complains about the `spec` of a volume that is written into an attachment.
pub(super) fn inline(spec: &Field, errors: &mut Errors) {
    let place = "in the context of inline volumes";
    for name in ["claimRef", "capacity"].into_iter().filter(|name| !spec.get(name).is_empty()) {
        errors.forbidden(spec.get(name), &format!("may not be specified {place}"));
    }
    if !spec.get("csi").is_set() {
        errors.required(spec.get("csi"), &format!("has to be specified {place}"));
    }
    errors.need(&spec.get("accessModes"));
    access_modes(&spec.get("accessModes"), errors);
    let policy = spec.get("persistentVolumeReclaimPolicy");
    if !["", "Retain"].contains(&policy.text()) {
        errors.forbidden(policy, &format!("may only be Retain {place}"));
    }
    if spec.get("nodeAffinity").is_set() {
        errors.forbidden(spec.get("nodeAffinity"), &format!("may not be specified {place}"));
    }
    sources(spec, "", errors);
    if !spec.get("storageClassName").is_empty() {
        errors.forbidden(spec.get("storageClassName"), &format!("may not be specified {place}"));
    }
    if !["", "Filesystem"].contains(&spec.get("volumeMode").text()) {
        let complaint = format!("may not specify volumeMode other than Filesystem {place}");
        errors.forbidden(spec.get("volumeMode"), &complaint);
    }
    attributes_class(spec, errors);
}

fn validate_update(new: &Object, old: &Object, errors: &mut Errors) {
    let (root, old_root) = (Field::new("", new), Field::new("", old));
    let (spec, old_spec) = (root.get("spec"), old_root.get("spec"));
    // kube-apiserver looks twice.
    for _ in 0..2 {
        self::spec(&spec, new.name(), errors);
    }
    let mut now = spec.value().clone();
    let expand = ["csi", "controllerExpandSecretRef"];
    if old_spec.value().at(&expand).is_none() && old_spec.get("csi").is_set() {
        now.take_at(&expand);
    }
    let printed = |spec: &Value| internal::print("PersistentVolumeSource", spec);
    if printed(&now) != printed(old_spec.value()) {
        let diff = internal::diff("PersistentVolumeSource", old_spec.value(), &now);
        let complaint = format!("spec.persistentvolumesource is immutable after creation\n{diff}");
        errors.forbidden("spec.persistentvolumesource", &complaint);
    }
    if spec.get("volumeMode").value() != old_spec.get("volumeMode").value() {
        errors.invalid("volumeMode", spec.get("volumeMode").value(), IMMUTABLE);
    }
    let (affinity, old_affinity) = (spec.get("nodeAffinity"), old_spec.get("nodeAffinity"));
    if old_affinity.is_set() && *affinity.value() != with_new_labels(old_affinity.value(), affinity.value()) {
        let shown = internal::print("*VolumeNodeAffinity", affinity.value());
        let complaint = format!("{IMMUTABLE}, except for updating from beta label to GA");
        errors.invalid_as("nodeAffinity", &shown, &complaint);
    }
    let class = spec.get("volumeAttributesClassName");
    if old_spec.get("volumeAttributesClassName").is_set() && !class.is_set() {
        errors.forbidden(class, "update from non-nil value to nil is forbidden");
    }
}

/// An affinity with the labels that the new one has in place of others; kube-apiserver takes no label for one, too.
fn with_new_labels(affinity: &Value, new: &Value) -> Value {
    const LABELS: [(&str, &str); 5] = [
        ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
        ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
        ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
        ("beta.kubernetes.io/os", "kubernetes.io/os"),
        ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
    ];
    let mut affinity = affinity.clone();
    let terms = affinity.get_mut("required").and_then(|r| r.get_mut("nodeSelectorTerms")).and_then(Value::as_array_mut);
    for (term, new) in terms.into_iter().flatten().zip(new.items_at(&["required", "nodeSelectorTerms"])) {
        for list in ["matchExpressions", "matchFields"] {
            let expressions = term.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
            for (expression, new) in expressions.zip(new.items_at(&[list])) {
                let (before, now) = (expression.text(&["key"]), new.text(&["key"]));
                let of_before = LABELS.iter().find(|(label, _)| *label == before).map_or("", |(_, label)| *label);
                if before != now && of_before == now {
                    match new.get("key").cloned() {
                        Some(key) => expression.put(&["key"], key),
                        None => drop(expression.take_at(&["key"])),
                    }
                }
            }
        }
    }
    affinity
}

fn warnings(volume: &Object, _: Option<&Object>) -> Vec<String> {
    let root = Field::new("", volume);
    let spec = root.get("spec");
    let mut warnings: Vec<String> = class_warning(volume).into_iter().collect();
    if spec.get("persistentVolumeReclaimPolicy").text() == "Recycle" {
        let advice = "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic \
                      provisioning.";
        warnings.push(format!("spec.persistentVolumeReclaimPolicy: {advice}"));
    }
    let required = spec.get("nodeAffinity.required");
    for term in required.get("nodeSelectorTerms").items() {
        warnings.extend(selector_warnings(&term, false));
    }
    let gone = VOLUMES.iter().filter(|(name, _, _)| *name != "gitRepo" && spec.get(name).is_set());
    warnings.extend(gone.map(|(_, path, advice)| format!("spec.{path}: {advice}")));
    warnings
}

fn row(volume: &Object, now: i64) -> Vec<Value> {
    let claim = volume.at(&["spec", "claimRef"]);
    let claim = claim.map(|claim| format!("{}/{}", claim.text(&["namespace"]), claim.text(&["name"])));
    vec![
        volume.name().into(),
        volume.at(&["spec", "capacity", "storage"]).cloned().unwrap_or_else(|| "0".into()),
        cells::access_modes(volume.items_at(&["spec", "accessModes"])).into(),
        volume.text(&["spec", "persistentVolumeReclaimPolicy"]).into(),
        shown_phase(volume).into(),
        claim.unwrap_or_default().into(),
        class_of(volume).into(),
        unset(volume, &["spec", "volumeAttributesClassName"]),
        volume.text(&["status", "reason"]).into(),
        cells::age(volume, now),
        unset(volume, &["spec", "volumeMode"]),
    ]
}
