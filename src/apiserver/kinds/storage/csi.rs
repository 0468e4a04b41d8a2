//! The kinds of the Container Storage Interface: drivers, nodes, capacities, attachments.

use super::super::cells::{age, created_at};
use super::super::field::{Errors, Field, IMMUTABLE};
use super::super::fill::fill;
use super::super::labels::validate_selector;
use super::super::node::deprecated_label;
use super::super::pod::sources::driver_name;
use super::super::resources::quantity;
use super::super::{GENERIC, Kind, internal, keep_all_but_the_status_itself, persistentvolume};
use crate::api::{Object, ObjectExt, Value, names};
use serde_json::json;

const GROUP: &str = "storage.k8s.io";

pub(in super::super) const DRIVERS: Kind = Kind {
    group: GROUP,
    resource: "csidrivers",
    disabled: &["spec.preventPodSchedulingIfMissing"],
    warnings: |driver, old| {
        let (requests, secrets) = (["spec", "tokenRequests"], ["spec", "serviceAccountTokenInSecrets"]);
        let changed = old.is_none_or(|old| old.items_at(&requests) != driver.items_at(&requests));
        if !changed || driver.items_at(&requests).is_empty() || driver.at(&secrets).is_some() {
            return Vec::new();
        }
        let advice = "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to \
                      prevent possible logging of tokens in volume attributes";
        vec![advice.into()]
    },
    default: |driver| {
        fill(
            driver,
            &json!({"spec": {
                "attachRequired": true,
                "podInfoOnMount": false,
                "storageCapacity": false,
                "fsGroupPolicy*": "ReadWriteOnceWithFSType",
                "requiresRepublish": false,
                "seLinuxMount": false,
            }}),
        );
        if driver.items_at(&["spec", "volumeLifecycleModes"]).is_empty() {
            driver.put(&["spec", "volumeLifecycleModes"], json!(["Persistent"]));
        }
    },
    prepare_for_update: |driver, old| {
        // Only what may change counts, and a new driver has no generation yet.
        if driver.get("spec") != old.get("spec") {
            let generation = old.integer(&["metadata", "generation"]).unwrap_or(0);
            driver.put(&["metadata", "generation"], generation + 1);
        }
    },
    validate: driver,
    validate_update: |new, old, errors| {
        driver(new, errors);
        let (root, old_root) = (Field::new("", new), Field::new("", old));
        let (attach, modes) = ("spec.attachRequired", "spec.volumeLifecycleModes");
        if root.get(attach).value() != old_root.get(attach).value() {
            errors.invalid("spec.attachedRequired", root.get(attach).value(), IMMUTABLE);
        }
        errors.immutable(&root.get(modes), &old_root.get(modes));
    },
    cells: |driver, now| {
        let is = |name: &str, default: bool| -> Value {
            driver.at(&["spec", name]).and_then(Value::as_bool).unwrap_or(default).into()
        };
        let list = |name: &str, text: fn(&Value) -> &str| {
            let items = driver.at(&["spec", name]).and_then(Value::as_array)?;
            Some(items.iter().map(text).collect::<Vec<_>>().join(","))
        };
        let modes = list("volumeLifecycleModes", |mode| mode.as_str().unwrap_or("")).unwrap_or_default();
        vec![
            driver.name().into(),
            is("attachRequired", true),
            is("podInfoOnMount", false),
            is("storageCapacity", false),
            list("tokenRequests", |request| request.text(&["audience"])).unwrap_or_else(|| "<unset>".into()).into(),
            is("requiresRepublish", false),
            if modes.is_empty() { "<none>".into() } else { modes.into() },
            age(driver, now),
        ]
    },
    ..GENERIC
};

fn driver(driver: &Object, errors: &mut Errors) {
    let root = Field::new("", driver);
    let spec = root.get("spec");
    let policy = spec.get("fsGroupPolicy");
    if policy.is_set() {
        errors.one_of(&policy, &["File", "None", "ReadWriteOnceWithFSType"]);
    }
    let requests = spec.get("tokenRequests");
    for (index, request) in requests.items().enumerate() {
        let (audience, seconds) = (request.get("audience"), request.get("expirationSeconds"));
        if (0..index).any(|before| requests.item(before).get("audience").text() == audience.text()) {
            errors.duplicate(audience, &audience.text().into());
            continue;
        }
        if seconds.integer().is_some_and(|seconds| seconds < 600) {
            errors.reject(&seconds, "may not specify a duration less than 10 minutes");
        }
        if seconds.number() > 1 << 32 {
            errors.reject(&seconds, "may not specify a duration larger than 2^32 seconds");
        }
    }
    let modes = spec.get("volumeLifecycleModes");
    for mode in modes.items() {
        errors.one_of(&modes.with(mode.value()), &["Persistent", "Ephemeral"]);
    }
    let period = spec.get("nodeAllocatableUpdatePeriodSeconds");
    if period.integer().is_some_and(|seconds| seconds < 10) {
        errors.reject(&period, "must be greater than or equal to 10 seconds");
    }
}

pub(in super::super) const NODES: Kind = Kind {
    group: GROUP,
    resource: "csinodes",
    default: |node| fill(node, &json!({"spec": {"drivers": []}})),
    validate: node,
    validate_update: |new, old, errors| {
        node(new, errors);
        let (root, old_root) = (Field::new("", new), Field::new("", old));
        let (drivers, before) = (root.get("spec.drivers"), old_root.get("spec.drivers"));
        for old in before.items() {
            for new in drivers.items().filter(|new| new.get("name").text() == old.get("name").text()) {
                let without = |driver: &Field| {
                    let mut driver = driver.value().clone();
                    driver.take_at(&["allocatable"]);
                    driver
                };
                if without(&new) != without(&old) {
                    errors.invalid_as(drivers, &internal::print("CSINodeDriver", &without(&new)), IMMUTABLE);
                }
            }
        }
    },
    cells: |node, now| vec![node.name().into(), node.items_at(&["spec", "drivers"]).len().into(), age(node, now)],
    ..GENERIC
};

fn node(node: &Object, errors: &mut Errors) {
    const LONGEST: usize = 256;
    let root = Field::new("", node);
    let drivers = root.get("spec.drivers");
    for (index, driver) in drivers.items().enumerate() {
        let [name, id, count, keys] =
            ["name", "nodeID", "allocatable.count", "topologyKeys"].map(|name| driver.get(name));
        driver_name(&name, errors);
        errors.need(&id);
        if id.text().len() > LONGEST {
            errors.reject(&id, &format!("must be {LONGEST} characters or less"));
        }
        errors.non_negative(&count);
        if (0..index).any(|before| drivers.item(before).get("name").text() == name.text()) {
            errors.duplicate(name, name.value());
        }
        for (place, key) in keys.items().enumerate() {
            // Complaints about keys name the driver.
            let at = driver.with(key.value());
            errors.need(&at);
            if (0..place).any(|before| keys.item(before).value() == key.value()) {
                errors.duplicate(at, key.value());
            }
            errors.name(&at, names::qualified_name);
        }
    }
}

pub(in super::super) const CAPACITIES: Kind = Kind {
    group: GROUP,
    resource: "csistoragecapacities",
    default: |capacity| fill(capacity, &json!({"storageClassName": ""})),
    validate: capacity,
    validate_update: |new, old, errors| {
        capacity(new, errors);
        errors.all_immutable(&Field::new("", new), &Field::new("", old), &["nodeTopology", "storageClassName"]);
    },
    warnings: |capacity, _| {
        let root = Field::new("", capacity);
        let mut warnings = Vec::new();
        for expression in root.get("nodeTopology.matchExpressions").items() {
            let key = expression.get("key").text();
            warnings.extend(deprecated_label(key).map(|advice| format!("{expression}: {key} is {advice}")));
        }
        for (label, _) in root.get("nodeTopology.matchLabels").entries() {
            let advice = deprecated_label(label);
            warnings.extend(advice.map(|advice| format!("nodeTopology.matchLabels.{label}: {advice}")));
        }
        warnings
    },
    cells: |capacity, _| vec![capacity.name().into(), created_at(capacity)],
    ..GENERIC
};

fn capacity(capacity: &Object, errors: &mut Errors) {
    let root = Field::new("", capacity);
    let amount = root.get("capacity");
    validate_selector(&root.get("nodeTopology"), errors);
    errors.name(&root.get("storageClassName"), names::dns1123_subdomain);
    if quantity(&amount).sign() < 0 {
        errors.reject(&amount, "must be greater than or equal to 0");
    }
}

pub(in super::super) const ATTACHMENTS: Kind = Kind {
    group: GROUP,
    resource: "volumeattachments",
    default: |attachment| {
        fill(attachment, &json!({"spec": {"source": {}}, "status": {"attached": false}}));
        if let Some(volume) = attachment.at_mut(&["spec", "source"]).get_mut("inlineVolumeSpec") {
            persistentvolume::inline_defaults(volume);
        }
    },
    prepare_for_status_update: keep_all_but_the_status_itself,
    prepare_for_create: |attachment| attachment.put(&["status"], json!({"attached": false})),
    validate: attachment,
    validate_update: |new, old, errors| {
        attachment(new, errors);
        if new.get("spec") != old.get("spec") {
            let whole = internal::print("VolumeAttachmentSpec", new.get("spec").unwrap_or(&Value::Null));
            errors.invalid_as("spec", &whole, IMMUTABLE);
        }
    },
    validate_status_update: |new, _, errors| attachment(new, errors),
    cells: |attachment, now| {
        let text = |path: &[&str]| -> Value { attachment.text(path).into() };
        vec![
            attachment.name().into(),
            text(&["spec", "attacher"]),
            text(&["spec", "source", "persistentVolumeName"]),
            text(&["spec", "nodeName"]),
            (attachment.at(&["status", "attached"]) == Some(&true.into())).into(),
            age(attachment, now),
        ]
    },
    ..GENERIC
};

fn attachment(attachment: &Object, errors: &mut Errors) {
    let root = Field::new("", attachment);
    let (spec, status) = (root.get("spec"), root.get("status"));
    let (source, node) = (spec.get("source"), spec.get("nodeName"));
    let (inline, volume) = (source.get("inlineVolumeSpec"), source.get("persistentVolumeName"));
    driver_name(&spec.get("attacher"), errors);
    let one = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    match (inline.is_set(), volume.is_set()) {
        (false, false) => errors.required(source, one),
        (true, true) => errors.forbidden(source, one),
        (false, true) if volume.is_empty() => {
            errors.required(volume, "must specify non empty persistentVolumeName");
        }
        (false, true) => {}
        (true, false) => persistentvolume::inline(&inline, errors),
    }
    errors.name(&node, names::dns1123_subdomain);
    let metadata = status.get("attachmentMetadata");
    let size: usize = metadata.entries().map(|(key, value)| key.len() + value.text().len()).sum();
    if size > 256 * 1024 {
        errors.too_long(metadata, 256 * 1024);
    }
    for error in [status.get("attachError"), status.get("detachError")] {
        if error.get("message").text().len() > 1024 {
            errors.too_long(error.get("message"), 256 * 1024);
        }
        if error.get("errorCode").number() < 0 {
            errors.reject(&error.get("errorCode"), &names::range(0, i64::from(i32::MAX)));
        }
    }
    if volume.is_set() {
        errors.name(&volume, names::dns1123_subdomain);
    }
}
