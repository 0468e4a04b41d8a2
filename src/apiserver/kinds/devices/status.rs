//! The devices that a claim was given.

use super::super::conditions::conditions;
use super::super::field::{Errors, Field, IMMUTABLE, quoted};
use super::super::internal;
use super::super::pod::scheduling::node_selector;
use super::super::pod::sources::driver_name;
use super::claim::{reference, references};
use super::{binding_conditions, each, object, opaque, set};
use crate::api::{Object, ObjectExt, Value, names};

/// Complains about a change of a claim's status.
pub(super) fn change(new: &Object, old: &Object, errors: &mut Errors) {
    let (root, old_root) = (Field::new("", new), Field::new("", old));
    let (status, before, requests) = (root.get("status"), old_root.get("status"), root.get("spec.devices.requests"));
    let (reserved, allocation) = (status.get("reservedFor"), status.get("allocation"));
    set(
        &reserved,
        256,
        |user| quoted(user.get("uid").text()),
        errors,
        |user, errors| {
            for name in ["resource", "name", "uid"] {
                errors.need(&user.get(name));
            }
        },
    );
    let results = allocation.get("devices.results");
    set(&status.get("devices"), usize::MAX, id, errors, |device, errors| self::device(device, &results, errors));
    if reserved.count() > 0 && !allocation.is_set() {
        errors.forbidden(reserved, "may not be specified when `allocated` is not set");
    } else if new.at(&["metadata", "deletionTimestamp"]).is_some() {
        let known = before.get("reservedFor");
        if reserved.items().any(|user| known.items().all(|old| old.value() != user.value())) {
            let complaint = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
            errors.forbidden(reserved, complaint);
        }
    }
    if allocation.is_set() && before.get("allocation").is_set() {
        if before.get("allocation").value() != allocation.value() {
            let whole = internal::print("AllocationResult", allocation.value());
            errors.invalid_as(allocation, &whole, IMMUTABLE);
        }
    } else if allocation.is_set() {
        self::allocation(&allocation, &requests, errors);
    }
}

fn allocation(allocation: &Field, requests: &Field, errors: &mut Errors) {
    let (devices, selector) = (allocation.get("devices"), allocation.get("nodeSelector"));
    each(&devices.get("results"), 32, errors, |result, errors| {
        reference(&result.get("request"), requests, errors);
        place(result, errors);
        binding_conditions(result, errors);
        share(&result.get("shareID"), errors);
    });
    each(&devices.get("config"), 64, errors, |config, errors| {
        errors.need_one_of(&config.get("source"), &["FromClaim", "FromClass"]);
        references(&config.get("requests"), requests, errors);
        opaque(config, errors);
    });
    if selector.is_set() {
        node_selector(&selector, errors);
    }
}

/// Complains about the names that a device goes by.
fn place(device: &Field, errors: &mut Errors) {
    driver_name(&device.get("driver"), errors);
    super::slice::pool_name(&device.get("pool"), errors);
    errors.name(&device.get("device"), names::dns1123_label);
}

/// Complains about an id that is no UUID in its usual form (RFC 9562).
fn share(id: &Field, errors: &mut Errors) {
    if !id.is_set() {
        return;
    }
    let text = id.text();
    if let Some(why) = no_uuid(text) {
        errors.invalid(id, &text.into(), &format!("error validating uid: {why}"));
    } else if text.len() != 36 || text.chars().any(|c| c.is_ascii_uppercase()) {
        let complaint = "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase \
                         hexadecimal characters";
        errors.invalid(id, &text.into(), complaint);
    }
}

/// Why a text is no UUID in any of its forms: with dashes, perhaps after `urn:uuid:` or in braces, or without.
fn no_uuid(text: &str) -> Option<String> {
    let format = || Some("invalid UUID format".to_owned());
    let plain = match text.len() {
        36 => text,
        45 => match text.get(..9).filter(|prefix| prefix.eq_ignore_ascii_case("urn:uuid:")) {
            Some(prefix) => &text[prefix.len()..],
            None => return Some(format!("invalid urn prefix: {}", quoted(text.get(..9).unwrap_or(text)))),
        },
        38 => match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(plain) => plain,
            None => return Some("invalid bracketed UUID format".into()),
        },
        32 => return text.bytes().any(|b| !b.is_ascii_hexdigit()).then(format).flatten(),
        length => return Some(format!("invalid UUID length: {length}")),
    };
    let fits = |(at, b): (usize, u8)| if [8, 13, 18, 23].contains(&at) { b == b'-' } else { b.is_ascii_hexdigit() };
    if plain.bytes().enumerate().all(fits) { None } else { format() }
}

/// What a device is known by, as kube-apiserver prints it.
fn id(device: &Field) -> String {
    let parts = ["driver", "pool", "device", "shareID"].map(|name| device.get(name).text());
    internal::print("SharedDeviceID", &id_of(parts))
}

fn id_of([driver, pool, device, share]: [&str; 4]) -> Value {
    serde_json::json!({"driver": driver, "pool": pool, "device": device, "shareID": share})
}

fn device(device: &Field, results: &Field, errors: &mut Errors) {
    place(device, errors);
    share(&device.get("shareID"), errors);
    if results.items().all(|result| id(&result) != id(device)) {
        errors.invalid_as(device, &id(device), "must be an allocated device in the claim");
    }
    let own = device.get("conditions");
    errors.at_most_items(&own, 8);
    conditions(&own, errors);
    let (data, network) = (device.get("data"), device.get("networkData"));
    if data.is_set() {
        object(&data, errors);
    }
    errors.at_most_bytes(&network.get("interfaceName"), 256);
    errors.at_most_bytes(&network.get("hardwareAddress"), 128);
    set(
        &network.get("ips"),
        16,
        |ip| quoted(ip.text()),
        errors,
        |ip, errors| {
            let Some((address, bits)) = names::parse_cidr(ip.text()) else {
                let complaint = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)";
                return errors.invalid(ip, &ip.text().into(), complaint);
            };
            let canonical = format!("{address}/{bits}");
            if canonical != ip.text() {
                errors.reject(ip, &format!("must be in canonical form ({})", quoted(&canonical)));
            }
        },
    );
}

/// Forgets what is known of devices that are given back with this change.
pub(super) fn forget_given_back(new: &mut Object, old: &Object) {
    fn given(claim: &Object) -> Vec<String> {
        let root = Field::new("", claim);
        root.get("status.allocation.devices.results").items().map(|result| id(&result)).collect()
    }
    let (before, now) = (given(old), given(new));
    let Some(devices) = new.at_mut(&["status"]).get_mut("devices").and_then(Value::as_array_mut) else { return };
    devices.retain(|device| {
        let id = id(&Field::new("", device));
        !before.contains(&id) || now.contains(&id)
    });
    if devices.is_empty() {
        new.take_at(&["status", "devices"]);
    }
}
