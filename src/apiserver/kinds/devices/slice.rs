//! The devices of a node, or of a network.

use super::super::field::{Errors, Field, quoted};
use super::super::internal;
use super::super::pod::scheduling::node_selector;
use super::super::pod::sources::driver_name;
use super::{device, set};
use crate::api::names;

pub(super) const PLACES: [&str; 4] = ["nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"];

/// Complains about the name of a pool: one or more domains with slashes between.
pub(super) fn pool_name(name: &Field, errors: &mut Errors) {
    if !errors.need(name) {
        return;
    }
    errors.at_most_bytes(name, 253);
    for part in name.text().split('/') {
        for complaint in names::dns1123_subdomain(part) {
            errors.invalid_as(name, &quoted(part), &complaint);
        }
    }
}

/// Complains about a slice's `spec`. `before` is what it was, if it was.
pub(super) fn spec(spec: &Field, before: Option<&Field>, errors: &mut Errors) {
    driver_name(&spec.get("driver"), errors);
    let pool = spec.get("pool");
    pool_name(&pool.get("name"), errors);
    if pool.get("resourceSliceCount").number() <= 0 {
        let count = pool.get("resourceSliceCount");
        errors.invalid(count, &count.number().into(), "must be greater than zero");
    }
    if pool.get("generation").number() < 0 {
        errors.reject(&pool.get("generation"), "must be greater than or equal to zero");
    }
    if let Some(before) = before {
        errors.all_immutable(spec, before, &["pool.name", "driver", "nodeName"]);
    }
    let set_places = places(spec, &PLACES, "must be either unset or set to a non-empty string", errors);
    let one = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
    match set_places.len() {
        0 => errors.required(spec, one),
        1 => {}
        _ => {
            let shown = quoted(&format!("{{{}}}", set_places.join(", ")));
            errors.invalid_as(spec, &shown, &format!("{one}, but multiple fields are set"));
        }
    }
    let (devices, counters) = (spec.get("devices"), spec.get("sharedCounters"));
    if devices.is_set() && counters.is_set() {
        errors.invalid_as(spec, "\"\"", "only one of `sharedCounters` or `devices` is allowed");
    }
    let advanced =
        devices.items().any(|device| device.get("taints").count() > 0 || device.get("consumesCounters").count() > 0);
    let per_device = spec.get("perDeviceNodeSelection").is_true();
    let known = before.map(|before| before.get("devices"));
    let name = |item: &Field| quoted(item.get("name").text());
    set(&devices, if advanced { 64 } else { 128 }, name, errors, |device, errors| {
        let mut known = known.iter().flat_map(|known| known.items());
        let old = known.find(|old| old.get("name").text() == device.get("name").text());
        device::device(device, old.as_ref(), per_device, errors);
    });
    set(&counters, 8, name, errors, |set, errors| {
        errors.need_name(&set.get("name"), names::dns1123_label);
        device::counters(&set.get("counters"), errors);
    });
}

/// Complains about where devices are; returns the fields that say so.
pub(super) fn places(owner: &Field, fields: &[&'static str], empty: &str, errors: &mut Errors) -> Vec<String> {
    let mut set = Vec::new();
    for name in fields {
        let field = owner.get(name);
        match *name {
            _ if !field.is_set() => continue,
            "nodeName" if field.is_empty() => {
                errors.reject(&field, empty);
                continue;
            }
            "nodeName" => errors.name(&field, names::dns1123_subdomain),
            "nodeSelector" => {
                node_selector(&field, errors);
                let terms = field.get("nodeSelectorTerms");
                if terms.count() != 1 && fields.len() == PLACES.len() {
                    let shown = internal::print("[]NodeSelectorTerm", terms.value());
                    errors.invalid_as(terms, &shown, "must have exactly one node selector term");
                }
            }
            _ if !field.is_true() => {
                errors.reject(&field, "must be either unset or set to true");
                continue;
            }
            _ => {}
        }
        set.push(format!("`{name}`"));
    }
    set
}
