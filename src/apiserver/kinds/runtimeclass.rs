//! RuntimeClasses.

use super::cells::age;
use super::field::{Errors, Field};
use super::fill::fill;
use super::labels::validate_labels;
use super::node::deprecated_label;
use super::pod::scheduling::tolerations;
use super::resources::{container_resource_name, requirements};
use super::{GENERIC, Kind, internal};
use crate::api::{Object, ObjectExt, names};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    group: "node.k8s.io",
    resource: "runtimeclasses",
    default: |class| fill(class, &json!({"handler": ""})),
    validate,
    validate_update: |new, old, errors| {
        validate(new, errors);
        errors.immutable(&Field::new("", new).get("handler"), &Field::new("", old).get("handler"));
    },
    warnings: |class, old| {
        let labels = class.map_at(&["scheduling", "nodeSelector"]).filter(|_| old.is_none());
        let advice = labels.into_iter().flatten().filter_map(|(label, _)| deprecated_label(label));
        advice.map(|advice| format!("scheduling.nodeSelector: {advice}")).collect()
    },
    cells: |class, now| vec![class.name().into(), class.text(&["handler"]).into(), age(class, now)],
    ..GENERIC
};

fn validate(class: &Object, errors: &mut Errors) {
    let root = Field::new("", class);
    errors.need_name(&root.get("handler"), names::dns1123_label);
    let (overhead, scheduling) = (root.get("overhead"), root.get("scheduling"));
    if overhead.is_set() {
        // The overhead counts as limits, and complaints say so.
        let limits = json!({"limits": overhead.get("podFixed").value()});
        requirements(&Field::new("overhead", &limits), container_resource_name, &[], errors);
    }
    if scheduling.is_set() {
        validate_labels(&scheduling.get("nodeSelector"), errors);
        let list = scheduling.get("tolerations");
        tolerations(&list, errors);
        for (index, toleration) in list.items().enumerate() {
            if (0..index).any(|before| list.item(before).value() == toleration.value()) {
                let shown = internal::print("Toleration", toleration.value());
                errors.push("FieldValueDuplicate", toleration, format!("Duplicate value: {shown}"));
            }
        }
    }
}
