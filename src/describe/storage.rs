//! PersistentVolumes, StorageClasses, VolumeAttributesClasses and CSINodes.

use super::context::Context;
use super::read::{Brackets, joined, pairs, quantity, some, text, texts, title};
use super::writer::Writer;
use super::{claim, labels, volumes};
use crate::api::{ObjectExt, Value};

/// Describes a PersistentVolume.
pub fn persistent_volume(w: &mut Writer, object: &Value, context: &Context) {
    let spec = object.at(&["spec"]).unwrap_or(&Value::Null);
    w.field(0, "Name", object.name());
    labels::labels_and_annotations(w, object);
    w.field(0, "Finalizers", Brackets(texts(object, &["metadata", "finalizers"])));
    w.field(0, "StorageClass", claim::storage_class(object));
    claim::status(w, object, context);
    let claim = some(spec, &["claimRef"]).map(|c| format!("{}/{}", c.text(&["namespace"]), c.text(&["name"])));
    w.field(0, "Claim", claim.unwrap_or_default());
    w.field(0, "Reclaim Policy", spec.text(&["persistentVolumeReclaimPolicy"]));
    w.field(0, "Access Modes", claim::access_modes(&texts(spec, &["accessModes"])));
    if let Some(mode) = text(spec, &["volumeMode"]) {
        w.field(0, "VolumeMode", mode);
    }
    w.field(0, "Capacity", quantity(spec, &["capacity", "storage"]));
    node_affinity(w, spec);
    w.field(0, "Message", object.text(&["status", "message"]));
    w.line(0, "Source:");
    volumes::persistent_volume_source(w, spec);
}

fn node_affinity(w: &mut Writer, spec: &Value) {
    let Some(required) = some(spec, &["nodeAffinity", "required"]) else {
        return w.field(0, "Node Affinity", "<none>");
    };
    w.field(0, "Node Affinity", "");
    let terms = required.items_at(&["nodeSelectorTerms"]);
    w.field(1, "Required Terms", if terms.is_empty() { "<none>" } else { "" });
    for (index, term) in terms.iter().enumerate() {
        let expressions = term.items_at(&["matchExpressions"]).iter().map(|expression| {
            let (key, operator) = (expression.text(&["key"]), expression.text(&["operator"]).to_lowercase());
            expression_text(key, &operator, &texts(expression, &["values"]))
        });
        term_lines(w, 2, index, expressions.collect());
    }
}

fn expression_text(key: &str, operator: &str, values: &[&str]) -> String {
    if values.is_empty() { format!("{key} {operator}") } else { format!("{key} {operator} [{}]", values.join(", ")) }
}

fn term_lines(w: &mut Writer, level: usize, number: usize, expressions: Vec<String>) {
    w.put(level, format_args!("Term {number}:\t"));
    if expressions.is_empty() {
        w.line(0, "<none>");
    }
    for (index, expression) in expressions.into_iter().enumerate() {
        if index > 0 {
            w.put(level, "\t");
        }
        w.line(0, expression);
    }
}

/// Describes a StorageClass.
pub fn storage_class(w: &mut Writer, object: &Value) {
    const DEFAULT: [&str; 2] =
        ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
    let default = DEFAULT.iter().any(|key| object.annotation(key) == Some("true"));
    w.field(0, "Name", object.name());
    w.field(0, "IsDefaultClass", if default { "Yes" } else { "No" });
    w.field(0, "Annotations", joined(&pairs(object, &["metadata", "annotations"])));
    w.field(0, "Provisioner", object.text(&["provisioner"]));
    w.field(0, "Parameters", joined(&pairs(object, &["parameters"])));
    let expansion = object.at(&["allowVolumeExpansion"]).and_then(Value::as_bool);
    w.field(0, "AllowVolumeExpansion", expansion.map_or("<unset>", title));
    let options = texts(object, &["mountOptions"]);
    if options.is_empty() {
        w.field(0, "MountOptions", "<none>");
    } else {
        w.line(0, "MountOptions:");
        options.into_iter().for_each(|option| w.line(1, option));
    }
    for (heading, key) in [("ReclaimPolicy", "reclaimPolicy"), ("VolumeBindingMode", "volumeBindingMode")] {
        text(object, &[key]).into_iter().for_each(|text| w.field(0, heading, text));
    }
    if let Some(terms) = some(object, &["allowedTopologies"]).and_then(Value::as_array) {
        w.field(0, "AllowedTopologies", if terms.is_empty() { "<none>" } else { "" });
        for (index, term) in terms.iter().enumerate() {
            let expressions = term.items_at(&["matchLabelExpressions"]).iter();
            let expressions = expressions.map(|e| expression_text(e.text(&["key"]), "in", &texts(e, &["values"])));
            term_lines(w, 1, index, expressions.collect());
        }
    }
}

/// Describes a VolumeAttributesClass.
pub fn volume_attributes_class(w: &mut Writer, object: &Value) {
    w.field(0, "Name", object.name());
    w.field(0, "Annotations", joined(&pairs(object, &["metadata", "annotations"])));
    w.field(0, "DriverName", object.text(&["driverName"]));
    w.field(0, "Parameters", joined(&pairs(object, &["parameters"])));
}

/// Describes a CSINode.
pub fn csi_node(w: &mut Writer, object: &Value, context: &Context) {
    w.field(0, "Name", object.name());
    labels::labels_and_annotations(w, object);
    w.field(0, "CreationTimestamp", context.time(object.text(&["metadata", "creationTimestamp"])));
    w.line(0, "Spec:");
    let Some(drivers) = some(object, &["spec", "drivers"]).and_then(Value::as_array) else { return };
    w.line(1, "Drivers:");
    for driver in drivers {
        w.line(2, format_args!("{}:", driver.text(&["name"])));
        w.field(3, "Node ID", driver.text(&["nodeID"]));
        if let Some(count) = driver.integer(&["allocatable", "count"]) {
            w.line(3, "Allocatables:");
            w.field(4, "Count", count);
        }
        if some(driver, &["topologyKeys"]).is_some() {
            w.field(3, "Topology Keys", Brackets(texts(driver, &["topologyKeys"])));
        }
    }
}
