//! StorageClasses and VolumeAttributesClasses.

use super::super::cells::age;
use super::super::field::{Errors, Field, quoted};
use super::super::fill::fill;
use super::super::node::deprecated_label;
use super::super::persistentvolumeclaim::add_finalizer;
use super::super::{GENERIC, Kind};
use crate::api::{Object, ObjectExt, names};
use serde_json::json;

const GROUP: &str = "storage.k8s.io";
const DEFAULT: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

pub(in super::super) const CLASSES: Kind = Kind {
    group: GROUP,
    resource: "storageclasses",
    default: |class| {
        fill(class, &json!({"provisioner": "", "reclaimPolicy*": "Delete", "volumeBindingMode*": "Immediate"}));
    },
    validate: class,
    validate_update: |new, old, errors| {
        class(new, errors);
        let (root, old_root) = (Field::new("", new), Field::new("", old));
        let fixed = ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"];
        errors.all_immutable(&root, &old_root, &fixed);
    },
    warnings: |class, _| {
        let root = Field::new("", class);
        let mut warnings = Vec::new();
        for topology in root.get("allowedTopologies").items() {
            for expression in topology.get("matchLabelExpressions").items() {
                let advice = deprecated_label(expression.get("key").text());
                warnings.extend(advice.map(|advice| format!("{expression}: {advice}")));
            }
        }
        warnings
    },
    cells: |class, now| {
        let default = DEFAULT.iter().any(|note| class.annotation(note) == Some("true"));
        let or = |name: &str, default: &'static str| match class.text(&[name]) {
            "" => default.to_string(),
            text => text.to_string(),
        };
        vec![
            format!("{}{}", class.name(), if default { " (default)" } else { "" }).into(),
            class.text(&["provisioner"]).into(),
            or("reclaimPolicy", "Delete").into(),
            or("volumeBindingMode", "Immediate").into(),
            (class.get("allowVolumeExpansion") == Some(&true.into())).into(),
            age(class, now),
        ]
    },
    ..GENERIC
};

pub(in super::super) const ATTRIBUTES: Kind = Kind {
    group: GROUP,
    resource: "volumeattributesclasses",
    default: |class| fill(class, &json!({"driverName": ""})),
    prepare_for_create: |class| add_finalizer(class, "kubernetes.io/vac-protection"),
    validate: attributes,
    validate_update: |new, old, errors| {
        let (root, old_root) = (Field::new("", new), Field::new("", old));
        fixed(&root, &old_root, "driverName", errors);
        fixed(&root, &old_root, "parameters", errors);
        attributes(new, errors);
    },
    cells: |class, now| vec![class.name().into(), class.text(&["driverName"]).into(), age(class, now)],
    ..GENERIC
};

fn fixed(new: &Field, old: &Field, name: &str, errors: &mut Errors) {
    if new.get(name).value() != old.get(name).value() {
        errors.forbidden(new.get(name), &format!("updates to {name} are forbidden."));
    }
}

fn provisioner(name: &Field, errors: &mut Errors) {
    if errors.need(name) {
        let lower = name.text().to_lowercase();
        for complaint in names::qualified_name(&lower) {
            errors.invalid_as(name, &quoted(&lower), &complaint);
        }
    }
}

fn parameters(parameters: &Field, errors: &mut Errors) {
    if parameters.count() > 512 {
        return errors.too_long(parameters, 512);
    }
    let mut size = 0;
    for (key, value) in parameters.entries() {
        if key.is_empty() {
            errors.invalid_as(parameters, "\"\"", "field can not be empty.");
        }
        size += key.len() + value.text().len();
    }
    if size > 256 * 1024 {
        errors.too_long(parameters, 256 * 1024);
    }
}

fn class(class: &Object, errors: &mut Errors) {
    let root = Field::new("", class);
    provisioner(&root.get("provisioner"), errors);
    parameters(&root.get("parameters"), errors);
    if !root.get("reclaimPolicy").is_empty() {
        errors.one_of(&root.get("reclaimPolicy"), &["Delete", "Retain"]);
    }
    let mode = root.get("volumeBindingMode");
    if mode.is_set() {
        errors.one_of(&mode, &["Immediate", "WaitForFirstConsumer"]);
    } else {
        errors.required(mode, "");
    }
    let topologies = root.get("allowedTopologies");
    for (index, term) in topologies.items().enumerate() {
        topology(&term, errors);
        // kube-apiserver compares with empty ones, too, as many as there are terms.
        let is_empty = term.get("matchLabelExpressions").is_empty();
        let empty_ones = if is_empty { topologies.count() } else { 0 };
        let before = (0..index).filter(|before| topologies.item(*before).value() == term.value()).count();
        for _ in 0..empty_ones + before {
            errors.duplicate(term.get("matchLabelExpressions"), &"".into());
        }
    }
}

fn topology(term: &Field, errors: &mut Errors) {
    let expressions = term.get("matchLabelExpressions");
    for (index, expression) in expressions.items().enumerate() {
        let (key, values) = (expression.get("key"), expression.get("values"));
        errors.need(&values);
        for (place, value) in values.items().enumerate() {
            if (0..place).any(|before| values.item(before).value() == value.value()) {
                errors.duplicate(value, value.value());
            }
        }
        errors.name(&key, names::qualified_name);
        if (0..index).any(|before| expressions.item(before).get("key").text() == key.text()) {
            errors.duplicate(key, key.value());
        }
    }
}

fn attributes(class: &Object, errors: &mut Errors) {
    let root = Field::new("", class);
    provisioner(&root.get("driverName"), errors);
    parameters(&root.get("parameters"), errors);
    if root.get("parameters").is_empty() {
        errors.required("parameters", "must contain at least one key/value pair");
    }
}
