//! One device: what it is like, and how much of it there is.

use super::super::field::{Errors, Field, quoted};
use super::super::internal;
use super::selector::ATTRIBUTE;
use super::slice::{PLACES, places};
use super::{binding_conditions, each, qualified_name, set};
use crate::api::{Quantity, names};

/// How many attributes and capacities a device may have.
const MOST: usize = 32;
/// How many values its attributes may have.
const MOST_VALUES: usize = 48;

/// Complains about a device. `before` is what it was, if it was.
pub(super) fn device(device: &Field, before: Option<&Field>, per_device: bool, errors: &mut Errors) {
    let [attributes, capacity, taints, consumed] =
        ["attributes", "capacity", "taints", "consumesCounters"].map(|name| device.get(name));
    errors.name(&device.get("name"), names::dns1123_label);
    let counts = [
        (attributes.count() + capacity.count(), MOST, "attributes and capacities"),
        (attributes.count(), MOST_VALUES, "attribute values"),
    ];
    for (count, most, what) in counts {
        if count > most {
            errors.invalid(device, &count.into(), &format!("the total number of {what} must not exceed {most}"));
        }
    }
    for (name, value) in attributes.entries() {
        qualified_name(name, &attributes, errors);
        attribute(&attributes.entry(&shortened(name)).with(value.value()), errors);
    }
    let is_shared = device.get("allowMultipleAllocations").is_true();
    for (name, value) in capacity.entries() {
        qualified_name(name, &capacity, errors);
        let name = shortened(name);
        let of_name = capacity.entry(&name).with(value.value());
        let policy = of_name.get("requestPolicy");
        match policy.is_set() {
            true if is_shared => request_policy(&policy, quantity(&value.get("value")), errors),
            true => errors.forbidden(policy, "allowMultipleAllocations must be true"),
            false => {}
        }
    }
    if before.is_none_or(|before| before.get("taints").value() != taints.value()) {
        each(&taints, 16, errors, taint);
    }
    set(
        &consumed,
        2,
        |part| quoted(part.get("counterSet").text()),
        errors,
        |part, errors| {
            errors.need_name(&part.get("counterSet"), names::dns1123_label);
            counters(&part.get("counters"), errors);
        },
    );
    location(device, per_device, errors);
    binding_conditions(device, errors);
}

/// A key that is too long, without its middle.
fn shortened(key: &str) -> String {
    const LONGEST: usize = 63 + 1 + 32;
    if key.len() <= LONGEST {
        return key.to_owned();
    }
    let kept = LONGEST - 3;
    let part = |range: std::ops::Range<usize>| String::from_utf8_lossy(&key.as_bytes()[range]).into_owned();
    format!("{}...{}", part(0..kept.div_ceil(2)), part(key.len() - kept / 2..key.len()))
}

fn taint(taint: &Field, errors: &mut Errors) {
    errors.name(&taint.get("key"), names::qualified_name);
    if !taint.get("value").is_empty() {
        errors.name(&taint.get("value"), names::label_value);
    }
    errors.need_one_of(&taint.get("effect"), &super::EFFECTS);
}

/// Complains about counters.
pub(super) fn counters(counters: &Field, errors: &mut Errors) {
    const MOST: usize = 32;
    if !errors.need(counters) {
        return;
    }
    if counters.count() > MOST {
        return errors.too_many(counters, counters.count(), MOST);
    }
    for (name, _) in counters.entries() {
        for complaint in names::dns1123_label(name) {
            errors.invalid_as(counters, &quoted(name), &complaint);
        }
    }
}

/// Complains about where a device is.
fn location(device: &Field, per_device: bool, errors: &mut Errors) {
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

fn attribute(attribute: &Field, errors: &mut Errors) {
    let (text, version) = (attribute.get("string"), attribute.get("version"));
    errors.at_most_bytes(&text, ATTRIBUTE);
    if version.is_set() {
        if !is_semantic(version.text()) {
            errors.reject(&version, "must be a string compatible with semver.org spec 2.0.0");
        }
        errors.at_most_bytes(&version, ATTRIBUTE);
    }
    let complaint = "exactly one value must be specified";
    match attribute.count() {
        0 => errors.invalid_as(attribute, "\"\"", complaint),
        1 => {}
        _ => errors.invalid_as(attribute, &internal::print("DeviceAttribute", attribute.value()), complaint),
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

fn quantity(field: &Field) -> Quantity {
    field.text().parse().unwrap_or_else(|_| Quantity::whole(0))
}

/// Complains about how much of a device's capacity may be asked for.
fn request_policy(policy: &Field, capacity: Quantity, errors: &mut Errors) {
    let (default, values, range) = (policy.get("default"), policy.get("validValues"), policy.get("validRange"));
    let one = "exactly one policy can be specified, cannot specify \"validValues\" and \"validRange\" at the same time";
    match (values.count() > 0, range.is_set()) {
        (true, true) => errors.forbidden(policy, one),
        (true, false) if !default.is_set() => errors.required(default, "required when validValues is defined"),
        (false, true) if !default.is_set() => errors.required(default, "required when validRange is defined"),
        (true, false) => valid_values(&values, &default, capacity, errors),
        (false, true) => valid_range(&range, &default, capacity, errors),
        (false, false) => {}
    }
}

fn valid_values(values: &Field, default: &Field, capacity: Quantity, errors: &mut Errors) {
    for (before, value) in values.items().zip(values.items().skip(1)) {
        if quantity(&before) > quantity(&value) {
            errors.reject(&value, "values must be sorted in ascending order");
        }
    }
    let by_number = |value: &Field| quoted(&quantity(value).value().to_string());
    set(values, 10, by_number, errors, |value, errors| {
        if quantity(value) > capacity {
            errors.reject(value, &format!("option is larger than capacity value: {capacity}"));
        }
    });
    // Too many values are not looked at.
    if values.count() > 10 || values.items().all(|value| quantity(&value) != quantity(default)) {
        errors.invalid(values, default.value(), "default value is not valid according to the requestPolicy");
    }
}

fn valid_range(range: &Field, default: &Field, capacity: Quantity, errors: &mut Errors) {
    let (min, max, step) = (range.get("min"), range.get("max"), range.get("step"));
    if !min.is_set() {
        return errors.required(min, "required when validRange is defined");
    }
    let (least, most, given) = (quantity(&min), quantity(&max), quantity(default));
    if least > capacity {
        errors.reject(&min, &format!("min is larger than capacity value: {capacity}"));
    }
    if given < least {
        errors.invalid(min, default.value(), &format!("default is less than min: {}", min.text()));
    }
    if max.is_set() {
        if least > most {
            errors.invalid(max, min.value(), &format!("min is larger than max: {}", max.text()));
        }
        if most > capacity {
            errors.reject(&max, &format!("max is larger than capacity value: {capacity}"));
        }
        if given > most {
            errors.invalid(max, default.value(), &format!("default is more than max: {}", max.text()));
        }
    }
    if !step.is_set() {
        return;
    }
    let first = least.plus(&quantity(&step));
    if first > capacity {
        errors.reject(&step, &format!("one step {first} is larger than capacity value: {capacity}"));
    }
    for field in [default, &max].into_iter().filter(|field| field.is_set()) {
        let beyond = quantity(field).value().wrapping_sub(least.value());
        if beyond.checked_rem(quantity(&step).value()).is_some_and(|rest| rest != 0) {
            let complaint = format!("value is not a multiple of a given step ({}) from ({})", step.text(), min.text());
            errors.invalid(step, field.value(), &complaint);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn semantic_versions() {
        for text in ["1.2.3", "0.0.0-alpha.1+b.01", "1.0.0--"] {
            assert!(is_semantic(text), "{text}");
        }
        for text in ["1", "1.2", "01.2.3", "1.2.3-01", "1.2.3+", "v1.2.3"] {
            assert!(!is_semantic(text), "{text}");
        }
    }

    #[test]
    fn long_keys_lose_their_middle() {
        assert_eq!(shortened("a.b/c"), "a.b/c");
        let short = shortened(&format!("{}{}", "a".repeat(60), "b".repeat(60)));
        assert_eq!(short, format!("{}...{}", "a".repeat(47), "b".repeat(46)));
    }

    #[test]
    fn what_is_wrong_with_policies() {
        for (policy, complaints) in [
            (json!({"default": "1", "validValues": ["1", "2"]}), vec![]),
            (json!({"default": "2", "validRange": {"min": "1", "max": "9", "step": "1"}}), vec![]),
            (
                json!({"validValues": ["1"], "validRange": {}}),
                vec![
                    "p: Forbidden: exactly one policy can be specified, cannot specify \"validValues\" and \
                     \"validRange\" at the same time",
                ],
            ),
            (json!({"validValues": ["1"]}), vec!["p.default: Required value: required when validValues is defined"]),
            (
                json!({"default": "3", "validValues": ["2", "1", "20", "2"]}),
                vec![
                    r#"p.validValues[1]: Invalid value: "1": values must be sorted in ascending order"#,
                    r#"p.validValues[3]: Invalid value: "2": values must be sorted in ascending order"#,
                    r#"p.validValues[2]: Invalid value: "20": option is larger than capacity value: 10"#,
                    r#"p.validValues[3]: Duplicate value: "2""#,
                    r#"p.validValues: Invalid value: "3": default value is not valid according to the requestPolicy"#,
                ],
            ),
            (
                json!({"default": "4", "validRange": {"min": "5", "max": "11", "step": "6"}}),
                vec![
                    r#"p.validRange.min: Invalid value: "4": default is less than min: 5"#,
                    r#"p.validRange.max: Invalid value: "11": max is larger than capacity value: 10"#,
                    r#"p.validRange.step: Invalid value: "6": one step 11 is larger than capacity value: 10"#,
                    r#"p.validRange.step: Invalid value: "4": value is not a multiple of a given step (6) from (5)"#,
                ],
            ),
        ] {
            let object = json!({"p": policy});
            let mut errors = Errors::default();
            request_policy(&Field::new("", &object).get("p"), Quantity::whole(10), &mut errors);
            let found: Vec<_> = errors.causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
            assert_eq!(found, complaints, "{policy}");
        }
    }
}
