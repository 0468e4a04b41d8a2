//! PodDisruptionBudgets.

use super::cells::{age, number};
use super::conditions::conditions;
use super::field::{Errors, Field, printed};
use super::fill::fill;
use super::labels::validate_selector;
use super::workload::{at_most_all, int_or_percent};
use super::{GENERIC, Kind};
use crate::api::{Object, ObjectExt, Value, names};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    group: "policy",
    resource: "poddisruptionbudgets",
    default: |budget| fill(budget, &json!({"spec": {}, "status": no_status()})),
    name_complaints: names::path_segment,
    has_generation: true,
    prepare_for_create: |budget| budget.put(&["status"], no_status()),
    validate,
    validate_update: |new, _, errors| validate(new, errors),
    validate_status_update: |new, _, errors| {
        let root = Field::new("", new);
        for name in COUNTS {
            errors.non_negative(&root.get("status").get(name));
        }
        conditions(&root.get("status.conditions"), errors);
    },
    cells: |budget, now| {
        let bound = |name: &str| match budget.at(&["spec", name]) {
            None => "N/A".into(),
            Some(Value::String(text)) => text.clone(),
            Some(number) => number.to_string(),
        };
        vec![
            budget.name().into(),
            bound("minAvailable").into(),
            bound("maxUnavailable").into(),
            number(budget, &["status", "disruptionsAllowed"]),
            age(budget, now),
        ]
    },
    ..GENERIC
};

const COUNTS: [&str; 4] = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"];

fn no_status() -> Value {
    COUNTS.iter().map(|name| (name.to_string(), json!(0))).collect()
}

fn validate(budget: &Object, errors: &mut Errors) {
    let root = Field::new("", budget);
    let spec = root.get("spec");
    let [least, most, policy] = ["minAvailable", "maxUnavailable", "unhealthyPodEvictionPolicy"].map(|n| spec.get(n));
    if least.is_set() && most.is_set() {
        let [least, most, selector, policy] =
            [&least, &most, &spec.get("selector"), &policy].map(|field| printed(field.value()));
        let whole = format!(
            r#"{{"MinAvailable":{least},"Selector":{selector},"MaxUnavailable":{most},"UnhealthyPodEvictionPolicy":{policy}}}"#
        );
        errors.invalid_as(spec, &whole, "minAvailable and maxUnavailable cannot be both set");
    }
    for bound in [&least, &most].into_iter().filter(|bound| bound.is_set()) {
        int_or_percent(bound, errors);
        at_most_all(bound, errors);
    }
    validate_selector(&spec.get("selector"), errors);
    if policy.is_set() {
        errors.one_of(&policy, &["AlwaysAllow", "IfHealthyBudget"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_bound() {
        let mut errors = Errors::default();
        let spec = json!({"minAvailable": 1, "maxUnavailable": "101%", "selector": {"matchLabels": {"a": "b"}}});
        validate(&json!({"spec": spec}), &mut errors);
        let lines: Vec<_> = errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        assert_eq!(
            lines,
            [
                r#"spec: Invalid value: {"MinAvailable":1,"Selector":{"matchLabels":{"a":"b"}},"MaxUnavailable":"101%","UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set"#,
                r#"spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%"#,
            ]
        );
    }
}
