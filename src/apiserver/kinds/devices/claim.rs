//! What is claimed of devices, and what was given.

use super::super::field::{Errors, Field, IMMUTABLE};
use super::super::internal;
use super::super::pod::scheduling::{node_selector, tolerations};
use super::super::pod::sources::driver_name;
use super::{opaque, selectors};
use crate::api::{Object, ObjectExt, names};

/// Complains about a claim's `spec`.
pub(super) fn spec(spec: &Field, errors: &mut Errors) {
    let devices = spec.get("devices");
    let [requests, constraints, config] = ["requests", "constraints", "config"].map(|name| devices.get(name));
    errors.at_most_items(&requests, 32);
    distinct(&requests, "name", errors, self::request);
    errors.at_most_items(&constraints, 32);
    for constraint in constraints.items() {
        references(&constraint.get("requests"), &requests, errors);
        let (same, other) = (constraint.get("matchAttribute"), constraint.get("distinctAttribute"));
        if !same.is_set() && !other.is_set() {
            let complaint = "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple \
                             fields are set";
            errors.required(constraint, complaint);
        }
    }
    errors.at_most_items(&config, 32);
    for config in config.items() {
        references(&config.get("requests"), &requests, errors);
        opaque(&config, errors);
    }
}

/// Complains about each item, and about one with the name of an earlier one.
fn distinct(list: &Field, key: &str, errors: &mut Errors, mut check: impl FnMut(&Field, &mut Errors)) {
    for (index, item) in list.items().enumerate() {
        check(&item, errors);
        let name = item.get(key);
        if (0..index).any(|before| list.item(before).get(key).text() == name.text()) {
            errors.duplicate(item, name.value());
        }
    }
}

fn request(request: &Field, errors: &mut Errors) {
    let (exactly, first) = (request.get("exactly"), request.get("firstAvailable"));
    errors.need_name(&request.get("name"), names::dns1123_label);
    let one = "exactly one of `exactly` or `firstAvailable` is required";
    match (exactly.is_set(), first.count() > 0) {
        (false, false) => errors.required(request, one),
        (true, true) => errors.invalid_as(request, "null", &format!("{one}, but multiple fields are set")),
        (true, false) => devices(&exactly, errors),
        (false, true) => {
            errors.at_most_items(&first, 8);
            distinct(&first, "name", errors, |request, errors| {
                errors.need_name(&request.get("name"), names::dns1123_label);
                devices(request, errors);
            });
        }
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
    tolerations(&request.get("tolerations"), errors);
}

/// Complains about names of requests that there are not.
fn references(list: &Field, requests: &Field, errors: &mut Errors) {
    errors.at_most_items(list, 32);
    for (index, name) in list.items().enumerate() {
        reference(&name, requests, errors);
        if (0..index).any(|before| list.item(before).text() == name.text()) {
            errors.duplicate(name, name.value());
        }
    }
}

fn reference(name: &Field, requests: &Field, errors: &mut Errors) {
    let (request, sub) = name.text().split_once('/').map_or((name.text(), None), |(r, sub)| (r, Some(sub)));
    let found = requests.items().find(|item| item.get("name").text() == request);
    let found = found.is_some_and(|found| {
        let first = found.get("firstAvailable");
        sub.is_none_or(|sub| first.items().any(|item| item.get("name").text() == sub))
    });
    if !found {
        let complaint = "must be the name of a request in the claim or the name of a request and a subrequest separated \
                         by '/'";
        errors.reject(name, complaint);
    }
}

/// Complains about a change of a claim's status.
pub(super) fn status(new: &Object, old: &Object, errors: &mut Errors) {
    let (root, old_root) = (Field::new("", new), Field::new("", old));
    let (status, before, requests) = (root.get("status"), old_root.get("status"), root.get("spec.devices.requests"));
    let (reserved, allocation) = (status.get("reservedFor"), status.get("allocation"));
    errors.at_most_items(&reserved, 256);
    distinct(&reserved, "uid", errors, |user, errors| {
        for name in ["resource", "name", "uid"] {
            errors.need(&user.get(name));
        }
    });
    if reserved.count() > 0 && !allocation.is_set() {
        errors.forbidden(reserved, "may not be specified when `allocated` is not set");
    } else if new.at(&["metadata", "deletionTimestamp"]).is_some() {
        let known = before.get("reservedFor");
        if reserved.items().any(|user| known.items().all(|old| old.value() != user.value())) {
            let complaint = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
            errors.forbidden(reserved, complaint);
        }
    }
    if before.get("allocation").is_set() && allocation.is_set() {
        if before.get("allocation").value() != allocation.value() {
            let whole = internal::print("AllocationResult", allocation.value());
            errors.invalid_as(allocation, &whole, IMMUTABLE);
        }
        return;
    }
    let devices = allocation.get("devices");
    let (results, config) = (devices.get("results"), devices.get("config"));
    errors.at_most_items(&results, 32);
    for result in results.items() {
        reference(&result.get("request"), &requests, errors);
        driver_name(&result.get("driver"), errors);
        super::slice::pool_name(&result.get("pool"), errors);
        errors.need_name(&result.get("device"), names::dns1123_label);
    }
    errors.at_most_items(&config, 64);
    for config in config.items() {
        errors.need_one_of(&config.get("source"), &["FromClaim", "FromClass"]);
        references(&config.get("requests"), &requests, errors);
        opaque(&config, errors);
    }
    if allocation.get("nodeSelector").is_set() {
        node_selector(&allocation.get("nodeSelector"), errors);
    }
}
