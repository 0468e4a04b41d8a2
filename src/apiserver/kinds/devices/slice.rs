//! The devices of a node, or of a network.

use super::super::field::{Errors, Field, printed, quoted};
use super::super::internal;
use super::super::pod::scheduling::node_selector;
use super::super::pod::sources::driver_name;
use crate::api::names;

const PLACES: [&str; 4] = ["nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"];

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

/// Complains about a slice's `spec`.
pub(super) fn spec(spec: &Field, errors: &mut Errors) {
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
    let set = places(spec, &PLACES, "must be either unset or set to a non-empty string", errors);
    let one = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
    match set.len() {
        0 => errors.required(spec, one),
        1 => {}
        _ => {
            let shown = quoted(&format!("{{{}}}", set.join(", ")));
            errors.invalid_as(spec, &shown, &format!("{one}, but multiple fields are set"));
        }
    }
    let (devices, counters) = (spec.get("devices"), spec.get("sharedCounters"));
    if devices.is_set() && counters.is_set() {
        errors.invalid_as(spec, "\"\"", "only one of `sharedCounters` or `devices` is allowed");
    }
    let advanced =
        devices.items().any(|device| device.get("taints").count() > 0 || device.get("consumesCounters").count() > 0);
    errors.at_most_items(&devices, if advanced { 64 } else { 128 });
    let per_device = spec.get("perDeviceNodeSelection").is_true();
    for (index, device) in devices.items().enumerate() {
        self::device(&device, per_device, errors);
        let name = device.get("name");
        if (0..index).any(|before| devices.item(before).get("name").text() == name.text()) {
            errors.duplicate(device, name.value());
        }
    }
    errors.at_most_items(&counters, 8);
    for set in counters.items() {
        errors.need_name(&set.get("name"), names::dns1123_label);
        self::counters(&set.get("counters"), errors);
    }
}

/// Complains about where devices are; returns the fields that say so.
fn places(owner: &Field, fields: &[&'static str], empty: &str, errors: &mut Errors) -> Vec<String> {
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

fn counters(counters: &Field, errors: &mut Errors) {
    if errors.need(counters) {
        errors.at_most_items(counters, 32);
        for (name, _) in counters.entries() {
            for complaint in names::dns1123_label(name) {
                errors.invalid_as(counters, &quoted(name), &complaint);
            }
        }
    }
}

fn device(device: &Field, per_device: bool, errors: &mut Errors) {
    const MOST: usize = 32;
    let [attributes, capacity, taints, consumed] =
        ["attributes", "capacity", "taints", "consumesCounters"].map(|name| device.get(name));
    errors.need_name(&device.get("name"), names::dns1123_label);
    let count = attributes.count() + capacity.count();
    if count > MOST {
        let complaint = format!("the total number of attributes and capacities must not exceed {MOST}");
        errors.invalid(device, &count.into(), &complaint);
    }
    for (name, value) in attributes.entries() {
        qualified_name(name, &attributes, errors);
        attribute(&value, errors);
    }
    for (name, value) in capacity.entries() {
        qualified_name(name, &capacity, errors);
        if value.get("requestPolicy").is_set() && !device.get("allowMultipleAllocations").is_true() {
            errors.forbidden(value.get("requestPolicy"), "allowMultipleAllocations must be true");
        }
    }
    errors.at_most_items(&taints, 16);
    for taint in taints.items() {
        errors.name(&taint.get("key"), names::qualified_name);
        if !taint.get("value").is_empty() {
            errors.name(&taint.get("value"), names::label_value);
        }
        errors.need_one_of(&taint.get("effect"), &["NoExecute", "NoSchedule", "None"]);
    }
    errors.at_most_items(&consumed, 2);
    for part in consumed.items() {
        errors.need_name(&part.get("counterSet"), names::dns1123_label);
        counters(&part.get("counters"), errors);
    }
    let fields = &PLACES[..3];
    if per_device {
        let one = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` \
                   is set to true in the ResourceSlice spec";
        let set = places(device, fields, "must not be empty", errors);
        match set.len() {
            0 => errors.required(device, one),
            1 => {}
            _ => errors.invalid_as(device, &quoted(&format!("{{{}}}", set.join(", "))), one),
        }
    } else if fields.iter().any(|name| device.get(name).is_set()) {
        let complaint = "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set \
                         to true in the ResourceSlice spec";
        errors.invalid_as(device, "null", complaint);
    }
}

/// Complains about a name that is a C identifier, after a domain if there is a slash.
fn qualified_name(name: &str, map: &Field, errors: &mut Errors) {
    let (domain, id) = name.split_once('/').map_or((None, name), |(domain, id)| (Some(domain), id));
    if id.len() > 32 {
        errors.too_long(map, 32);
    }
    for complaint in names::c_identifier(id) {
        errors.invalid_as(map, &quoted(id), &complaint);
    }
    for complaint in domain.map(names::dns1123_subdomain).unwrap_or_default() {
        errors.invalid_as(map, &quoted(domain.unwrap_or("")), &complaint);
    }
}

fn attribute(attribute: &Field, errors: &mut Errors) {
    const LONGEST: usize = 64;
    let (text, version) = (attribute.get("string"), attribute.get("version"));
    errors.at_most_bytes(&text, LONGEST);
    if version.is_set() {
        if !is_semantic(version.text()) {
            errors.reject(&version, "must be a string compatible with semver.org spec 2.0.0");
        }
        errors.at_most_bytes(&version, LONGEST);
    }
    match attribute.count() {
        0 => errors.invalid_as(attribute, "\"\"", "exactly one value must be specified"),
        1 => {}
        _ => errors.invalid_as(attribute, &printed(attribute.value()), "exactly one value must be specified"),
    }
}

/// Whether a text is a version of semver.org.
fn is_semantic(text: &str) -> bool {
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let number = |part: &str| digits(part) && (part == "0" || !part.starts_with('0'));
    core.split('.').count() == 3
        && core.split('.').all(number)
        && pre.is_none_or(|pre| pre.split('.').all(|part| word(part) && (!digits(part) || number(part))))
        && build.is_none_or(|build| build.split('.').all(word))
}

#[cfg(test)]
mod tests {
    use super::is_semantic;

    #[test]
    fn semantic_versions() {
        for text in ["1.2.3", "0.0.0-alpha.1+b.01", "1.0.0--"] {
            assert!(is_semantic(text), "{text}");
        }
        for text in ["1", "1.2", "01.2.3", "1.2.3-01", "1.2.3+", "v1.2.3"] {
            assert!(!is_semantic(text), "{text}");
        }
    }
}
