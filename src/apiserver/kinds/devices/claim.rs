//! What is claimed of devices.

use super::super::field::{Errors, Field, printed, quoted};
use super::selector::selectors;
use super::{each, fully_qualified_name, opaque, set};
use crate::api::names;

/// How many requests, constraints and configurations a claim may have, and how many requests each may name.
const MOST: usize = 32;

/// Complains about a claim's `spec`.
pub(super) fn spec(spec: &Field, errors: &mut Errors) {
    let devices = spec.get("devices");
    let [requests, constraints, config] = ["requests", "constraints", "config"].map(|name| devices.get(name));
    set(&requests, MOST, |request| quoted(request.get("name").text()), errors, request);
    each(&constraints, MOST, errors, |constraint, errors| {
        references(&constraint.get("requests"), &requests, errors);
        let (same, other) = (constraint.get("matchAttribute"), constraint.get("distinctAttribute"));
        match (same.is_set(), other.is_set()) {
            (true, _) => fully_qualified_name(&same, errors),
            (false, true) => fully_qualified_name(&other, errors),
            (false, false) => {
                let complaint = "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple \
                                 fields are set";
                errors.required(constraint, complaint);
            }
        }
    });
    each(&config, MOST, errors, |config, errors| {
        references(&config.get("requests"), &requests, errors);
        opaque(config, errors);
    });
}

fn request(request: &Field, errors: &mut Errors) {
    let (exactly, first) = (request.get("exactly"), request.get("firstAvailable"));
    errors.name(&request.get("name"), names::dns1123_label);
    let one = "exactly one of `exactly` or `firstAvailable` is required";
    match (exactly.is_set(), first.count() > 0) {
        (false, false) => errors.required(request, one),
        (true, true) => errors.invalid_as(request, "null", &format!("{one}, but multiple fields are set")),
        (true, false) => devices(&exactly, errors),
        (false, true) => set(
            &first,
            8,
            |request| quoted(request.get("name").text()),
            errors,
            |request, errors| {
                errors.name(&request.get("name"), names::dns1123_label);
                devices(request, errors);
            },
        ),
    }
}

/// Complains about what devices are asked for, and how many.
fn devices(request: &Field, errors: &mut Errors) {
    let (mode, count) = (request.get("allocationMode"), request.get("count"));
    errors.need_name(&request.get("deviceClassName"), names::dns1123_subdomain);
    selectors(&request.get("selectors"), errors);
    match mode.text() {
        "All" if count.number() != 0 => {
            errors.reject(&count, "must not be specified when allocationMode is 'All'");
        }
        "ExactCount" if count.number() <= 0 => {
            errors.invalid(count, &count.number().into(), "must be greater than zero");
        }
        _ => errors.one_of(&mode, &["All", "ExactCount"]),
    }
    request.get("tolerations").items().for_each(|item| toleration(&item, errors));
}

fn toleration(toleration: &Field, errors: &mut Errors) {
    let [key, operator, value, effect] = ["key", "operator", "value", "effect"].map(|name| toleration.get(name));
    if !key.is_empty() {
        errors.name(&key, names::qualified_name);
    }
    match operator.text() {
        "Exists" if !value.is_empty() => errors.reject(&value, "must be empty for operator `Exists`"),
        "Exists" => {}
        "Equal" => errors.name(&value, names::label_value),
        _ => errors.need_one_of(&operator, &["Equal", "Exists"]),
    }
    if !effect.is_empty() {
        errors.one_of(&effect, &super::EFFECTS);
    }
}

/// Complains about names of requests that there are not.
pub(super) fn references(list: &Field, requests: &Field, errors: &mut Errors) {
    set(list, MOST, |name| printed(name.value()), errors, |name, errors| reference(name, requests, errors));
}

/// Complains about a name of a request, or of one and a part of it, that there is not.
pub(super) fn reference(name: &Field, requests: &Field, errors: &mut Errors) {
    let parts: Vec<&str> = name.text().split('/').collect();
    if parts.len() <= 2 {
        for part in &parts {
            for complaint in names::dns1123_label(part) {
                errors.invalid_as(name, &quoted(part), &complaint);
            }
        }
    }
    // Of several requests with one name the last counts.
    let of_name = |list: &Field, name: &str| list.items().filter(|item| item.get("name").text() == name).count();
    let last = requests.items().filter(|item| item.get("name").text() == parts[0]).last();
    let found = match (&parts[..], last) {
        ([_], last) => last.is_some(),
        ([_, part], Some(request)) => of_name(&request.get("firstAvailable"), part) > 0,
        _ => false,
    };
    if !found {
        let complaint = "must be the name of a request in the claim or the name of a request and a subrequest separated \
                         by '/'";
        errors.invalid(name, &name.text().into(), complaint);
    }
}
