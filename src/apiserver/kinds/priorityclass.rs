//! PriorityClasses.

use super::cells::{age, number};
use super::field::{Errors, Field};
use super::fill::fill;
use super::{GENERIC, Kind};
use crate::api::{Object, ObjectExt};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    group: "scheduling.k8s.io",
    resource: "priorityclasses",
    default: |class| fill(class, &json!({"value": 0, "preemptionPolicy*": "PreemptLowerPriority"})),
    has_generation: true,
    changes_generation: |_, _| false,
    validate,
    validate_update: |new, old, errors| {
        if new.get("value") != old.get("value") {
            errors.forbidden("value", "may not be changed in an update.");
        }
        errors.immutable(&Field::new("", new).get("preemptionPolicy"), &Field::new("", old).get("preemptionPolicy"));
    },
    cells: |class, now| {
        vec![
            class.name().into(),
            number(class, &["value"]),
            (class.get("globalDefault") == Some(&true.into())).into(),
            age(class, now),
            class.text(&["preemptionPolicy"]).into(),
        ]
    },
    ..GENERIC
};

/// The names of Kubernetes' own classes begin with this, and have these values.
const OWN_PREFIX: &str = "system-";
const OWN: [(&str, i64); 2] = [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];
const HIGHEST: i64 = 1_000_000_000;

fn validate(class: &Object, errors: &mut Errors) {
    let root = Field::new("", class);
    let (value, policy, name) = (root.get("value").number(), root.get("preemptionPolicy"), class.name());
    if name.starts_with(OWN_PREFIX) {
        let wrong = match OWN.iter().find(|(own, _)| *own == name) {
            None => Some(format!("{name} is not a known system priority class")),
            Some((_, own)) if *own != value => Some(format!("value of {name} PriorityClass must be {own}")),
            Some(_) if root.get("globalDefault").is_true() => {
                Some(format!("globalDefault of {name} PriorityClass must be false"))
            }
            Some(_) => None,
        };
        if let Some(why) = wrong {
            let reserved = format!(
                "priority class names with '{OWN_PREFIX}' prefix are reserved for system use only. error: {why}"
            );
            errors.forbidden("metadata.name", &reserved);
        }
    } else if value > HIGHEST {
        errors.forbidden("value", &format!("maximum allowed value of a user defined priority is {HIGHEST}"));
    }
    if policy.is_set() {
        errors.need_one_of(&policy, &["PreemptLowerPriority", "Never"]);
    }
}
