//! What the kinds that make pods have in common: selectors, templates, rolling updates, counts, rows.

use super::cells;
use super::field::{Errors, Field};
use super::labels::{selects, validate_selector};
use super::pod::validate::template as validate_template;
use crate::api::{Object, ObjectExt, Value, names};

/// Complains about a `spec.selector` that must be there; `kind` is the word for the owner.
pub(super) fn required_selector(selector: &Field, kind: &str, errors: &mut Errors) {
    if !selector.is_set() {
        return errors.required(selector, "");
    }
    validate_selector(selector, errors);
    if selector.get("matchLabels").is_empty() && selector.get("matchExpressions").is_empty() {
        errors.reject(selector, &format!("empty selector is invalid for {kind}"));
    }
}

/// Complains when the selector does not select what the template makes, or makes no sense.
pub(super) fn selects_its_template(spec: &Field, nonsense: &str, errors: &mut Errors) -> bool {
    let (selector, labels) = (spec.get("selector"), spec.get("template.metadata.labels"));
    match selects(selector.value(), labels.value().as_object()) {
        None => errors.reject(&selector, nonsense),
        Some(false) => errors.reject(&labels, "`selector` does not match template `labels`"),
        Some(true) => return true,
    }
    selects(selector.value(), None).is_some()
}

/// Complains about the template of pods that run for ever.
pub(super) fn lasting_template(template: &Field, owner: &str, errors: &mut Errors) {
    validate_template(template, errors);
    always_restarts(template, owner, errors);
}

/// Complains about pods that would end.
pub(super) fn always_restarts(template: &Field, owner: &str, errors: &mut Errors) {
    errors.one_of(&template.get("spec.restartPolicy"), &["Always"]);
    let deadline = template.get("spec.activeDeadlineSeconds");
    if deadline.is_set() {
        errors.forbidden(deadline, &format!("activeDeadlineSeconds in {owner} is not Supported"));
    }
}

/// Complains about a number that is not negative, or a percentage.
pub(super) fn int_or_percent(field: &Field, errors: &mut Errors) {
    if field.value().is_string() {
        errors.name(field, names::percent);
    } else {
        errors.non_negative(field);
    }
}

fn percentage(field: &Field) -> Option<i64> {
    field.text().strip_suffix('%').and_then(|number| number.parse().ok()).filter(|number| *number >= 0)
}

/// The number, or the number of a percentage.
pub(super) fn amount(field: &Field) -> i64 {
    percentage(field).unwrap_or_else(|| field.number())
}

/// Complains about more than everything.
pub(super) fn at_most_all(field: &Field, errors: &mut Errors) {
    if percentage(field).is_some_and(|percent| percent > 100) {
        errors.reject(field, "must not be greater than 100%");
    }
}

/// Complains about negative counts of a status, and about those that are more than there are replicas.
pub(super) fn counts(status: &Field, names: &[&str], bounded: &[&str], ready: &str, errors: &mut Errors) {
    for name in names {
        errors.non_negative(&status.get(name));
    }
    let number = |name: &str| status.get(name).number();
    for name in bounded.iter().filter(|name| number(name) > number("replicas")) {
        errors.invalid(status.get(name), &number(name).into(), "cannot be greater than status.replicas");
    }
    if bounded.contains(&"availableReplicas") && number("availableReplicas") > number("readyReplicas") {
        let available = number("availableReplicas").into();
        errors.invalid(status.get("availableReplicas"), &available, &format!("cannot be greater than {ready}"));
    }
}

/// Complains about a count of collisions that goes back.
pub(super) fn never_decremented(new: &Object, old: &Object, errors: &mut Errors) {
    let count = |object: &Object| object.integer(&["status", "collisionCount"]);
    if count(old).is_some_and(|before| count(new).is_none_or(|now| now < before)) {
        errors.invalid("status.collisionCount", &count(new).unwrap_or(0).into(), "cannot be decremented");
    }
}

/// The warnings about a template at `spec.template` that is new or has changed.
pub(super) fn template_warnings(object: &Object, old: Option<&Object>) -> Vec<String> {
    let generation = ["metadata", "generation"];
    if old.is_some_and(|old| old.at(&generation) == object.at(&generation)) {
        return Vec::new();
    }
    super::pod::warnings::of_template(object, "spec.template")
}

/// The advice about names that pods' host names are made of.
pub(super) fn name_warning(object: &Object) -> Vec<String> {
    let complaints = names::dns1123_label(object.name());
    if complaints.is_empty() {
        return Vec::new();
    }
    let text = "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS \
                label is recommended";
    vec![format!("{text}: [{}]", complaints.join(" "))]
}

/// The last cells of most workloads' rows: containers, images and the selector.
pub(super) fn wide_cells(spec: Option<&Value>, selector: String) -> Vec<Value> {
    let [names, images] = cells::containers(spec);
    vec![names, images, selector.into()]
}

/// `spec.template.spec`.
pub(super) fn pod_spec(object: &Object) -> Option<&Value> {
    object.at(&["spec", "template", "spec"])
}
