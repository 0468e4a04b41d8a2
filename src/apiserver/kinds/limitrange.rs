//! LimitRanges.

use super::cells::created_at;
use super::field::{Errors, Field, quoted};
use super::fill::fill;
use super::pod::defaults::round_list;
use super::resources::{container_resource_name, may_overcommit, quantity, resource_name};
use super::{GENERIC, Kind};
use crate::api::{Object, ObjectExt, Quantity, Value, names};
use serde_json::json;
use std::collections::BTreeSet;

pub(super) const KIND: Kind = Kind {
    resource: "limitranges",
    default: defaults,
    validate: |range, errors| {
        let root = Field::new("", range);
        let limits = root.get("spec.limits");
        for (index, limit) in limits.items().enumerate() {
            let kind = limit.get("type");
            limit_type(&kind, errors);
            if (0..index).any(|before| limits.item(before).get("type").text() == kind.text()) {
                errors.duplicate(kind, &kind.text().into());
            }
            self::limit(&limit, errors);
        }
    },
    validate_update: |new, _, errors| (KIND.validate)(new, errors),
    cells: |range, _| vec![range.name().into(), created_at(range)],
    ..GENERIC
};

const LISTS: [&str; 5] = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];

fn defaults(range: &mut Object) {
    fill(range, &json!({"spec": {}}));
    let limits = range.at_mut(&["spec"]).get_mut("limits").and_then(Value::as_array_mut);
    for limit in limits.into_iter().flatten() {
        LISTS.iter().for_each(|list| round_list(limit, list));
        if limit.text(&["type"]) == "Container" {
            for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
                if let Some(amounts) = limit.map_at(&[from]).filter(|map| !map.is_empty()).cloned() {
                    fill(limit, &json!({to: amounts}));
                }
            }
        }
    }
}

fn limit_type(kind: &Field, errors: &mut Errors) {
    let complaints = names::qualified_name(kind.text());
    let standard = ["Pod", "Container", "PersistentVolumeClaim"].contains(&kind.text());
    if !complaints.is_empty() {
        errors.name(kind, names::qualified_name);
    } else if !kind.text().contains('/') && !standard {
        errors.reject(kind, "must be a standard limit type or fully qualified");
    }
}

fn limit(limit: &Field, errors: &mut Errors) {
    let kind = limit.get("type").text();
    let mut keys = BTreeSet::new();
    for name in LISTS {
        let list = limit.get(name);
        if kind == "Pod" && name.starts_with("default") {
            if !list.is_empty() {
                errors.forbidden(list, "may not be specified when `type` is 'Pod'");
            }
            continue;
        }
        if name == "maxLimitRequestRatio" && kind == "PersistentVolumeClaim" {
            let storage = |list: &str| limit.get(list).entry("storage").is_set();
            if !storage("min") && !storage("max") {
                let complaint = "either minimum or maximum storage value is required, but neither was provided";
                errors.required(limit.get("limits"), complaint);
            }
        }
        for (key, entry) in list.entries() {
            if ["Pod", "Container"].contains(&kind) {
                container_resource_name(key, &entry, errors);
            } else {
                resource_name(key, &entry, errors);
            }
            keys.insert(key);
        }
    }
    keys.into_iter().for_each(|key| amounts(limit, key, errors));
}

/// Complains about amounts of one resource that do not fit together.
fn amounts(limit: &Field, key: &str, errors: &mut Errors) {
    let lists = LISTS.map(|name| limit.get(name));
    let [most, least, usual, request, ratio] =
        [0, 1, 2, 3, 4].map(|i: usize| Some(lists[i].entry(key)).filter(Field::is_set).filter(|_| allowed(limit, i)));
    let words = ["max", "min", "default", "default request"];
    // What is compared, by its index, and the field and value that the complaint is about.
    let rules = [
        (&least, 1, &most, 0, 1, 1),
        (&least, 1, &request, 3, 3, 3),
        (&request, 3, &most, 0, 3, 3),
        (&request, 3, &usual, 2, 3, 3),
        (&least, 1, &usual, 2, 2, 1),
        (&usual, 2, &most, 0, 2, 0),
    ];
    for (small, small_word, large, large_word, place, shown) in rules {
        let (Some(small), Some(large)) = (small, large) else { continue };
        if quantity(small) > quantity(large) {
            let limit_word = if (small_word, large_word) == (3, 2) { "default limit" } else { words[large_word] };
            let complaint = format!(
                "{} value {} is greater than {limit_word} value {}",
                words[small_word],
                quantity(small),
                quantity(large)
            );
            errors.invalid(lists[place].entry(key), lists[shown].entry(key).value(), &complaint);
        }
    }
    if let Some(ratio) = ratio {
        self::ratio(&ratio, least.as_ref().zip(most.as_ref()), errors);
    }
    if let (Some(usual), Some(request)) = (&usual, &request)
        && !may_overcommit(key)
        && quantity(usual) != quantity(request)
    {
        let complaint = format!(
            "default value {} must equal to defaultRequest value {} in {key}",
            quantity(usual),
            quantity(request)
        );
        errors.reject(request, &complaint);
    }
}

/// Whether a list means anything for a type.
fn allowed(limit: &Field, list: usize) -> bool {
    limit.get("type").text() != "Pod" || !LISTS[list].starts_with("default")
}

fn ratio(ratio: &Field, bounds: Option<(&Field, &Field)>, errors: &mut Errors) {
    let value = quantity(ratio);
    if value < Quantity::whole(1) {
        errors.reject(ratio, &format!("ratio {value} is less than 1"));
    }
    if let Some((least, most)) = bounds {
        let greatest = quantity(most).as_f64() / quantity(least).as_f64();
        if value.as_f64() > greatest {
            errors.invalid_as(
                ratio,
                &quoted(&value.to_string()),
                &format!("ratio {value} is greater than max/min = {greatest:.6}"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(limit: Value) -> Vec<String> {
        let mut range = json!({"spec": {"limits": [limit]}});
        defaults(&mut range);
        let mut errors = Errors::default();
        (KIND.validate)(&range, &mut errors);
        errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
    }

    #[test]
    fn limits_that_make_sense() {
        let at = "spec.limits[0]";
        for (limit, expected) in [
            (json!({"type": "Container", "max": {"cpu": "2"}, "min": {"cpu": "500m"}}), vec![]),
            (json!({"type": "Pod", "max": {"cpu": "2"}, "maxLimitRequestRatio": {"cpu": "2"}}), vec![]),
            (
                json!({"type": "Container", "max": {"cpu": "1"}, "min": {"cpu": "2"}, "default": {"cpu": "1"}}),
                vec![
                    r#"spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1"#,
                    r#"spec.limits[0].defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default request value 1"#,
                    r#"spec.limits[0].default[cpu]: Invalid value: "2": min value 2 is greater than default value 1"#,
                ],
            ),
            (
                json!({"type": "PersistentVolumeClaim"}),
                vec![
                    "spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but \
                     neither was provided",
                ],
            ),
            (
                json!({"type": "Pod", "default": {"cpu": "1"}}),
                vec!["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
            ),
            (
                json!({"type": "Pod", "max": {"cpu": "2"}, "min": {"cpu": "1"}, "maxLimitRequestRatio": {"cpu": "3"}}),
                vec![
                    r#"spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000"#,
                ],
            ),
        ] {
            assert_eq!(complaints(limit), expected, "{at}");
        }
    }
}
