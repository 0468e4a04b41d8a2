//! ServiceCIDRs and IPAddresses: what services' addresses come from, and those that are taken.

use super::cells::age;
use super::field::{Errors, Field, IMMUTABLE, printed};
use super::fill::fill;
use super::{GENERIC, Kind, keep_all_but_the_status_itself};
use crate::api::{Object, ObjectExt, Value, names};
use serde_json::json;

pub(super) const CIDRS: Kind = Kind {
    group: "networking.k8s.io",
    resource: "servicecidrs",
    default: |cidr| fill(cidr, &json!({"spec": {}, "status": {"conditions": [{"reason": "", "message": ""}]}})),
    prepare_for_create: |cidr| cidr.put(&["status"], json!({})),
    prepare_for_status_update: keep_all_but_the_status_itself,
    validate: |cidr, errors| cidrs(&Field::new("", cidr).get("spec"), errors),
    validate_update,
    cells: |cidr, now| {
        let cidrs: Vec<_> = cidr.items_at(&["spec", "cidrs"]).iter().filter_map(Value::as_str).collect();
        vec![cidr.name().into(), cidrs.join(",").into(), age(cidr, now)]
    },
    ..GENERIC
};

pub(super) const ADDRESSES: Kind = Kind {
    group: "networking.k8s.io",
    resource: "ipaddresses",
    default: |address| fill(address, &json!({"spec": {}})),
    name_complaints: |name, _| names::canonical_ip(name),
    validate: address,
    validate_update: |new, old, errors| {
        address(new, errors);
        let (root, old_root) = (Field::new("", new), Field::new("", old));
        let parent = root.get("spec.parentRef");
        if parent.value() != old_root.get("spec.parentRef").value() {
            let part = |name: &str| printed(&parent.get(name).text().into());
            let parts = ["Group", "Resource", "Namespace", "Name"]
                .map(|name| format!("\"{name}\":{}", part(&name.to_lowercase())));
            let shown = if parent.is_set() { format!("{{{}}}", parts.join(",")) } else { "null".into() };
            errors.invalid_as(parent, &shown, IMMUTABLE);
        }
    },
    cells: |address, now| {
        let text = |name: &str| address.text(&["spec", "parentRef", name]);
        let mut parent = crate::api::group::qualified(text("resource"), text("group")).to_lowercase();
        for part in ["namespace", "name"].map(text).into_iter().filter(|part| !part.is_empty()) {
            parent += &format!("/{part}");
        }
        let parent = if address.at(&["spec", "parentRef"]).is_some() { parent } else { "<none>".into() };
        vec![address.name().into(), parent.into(), age(address, now)]
    },
    ..GENERIC
};

const ONE_OF_EACH: &str = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";

/// The internal type of the whole `spec`.
fn internal(spec: &Field) -> String {
    format!(r#"{{"CIDRs":{}}}"#, printed(spec.get("cidrs").value()))
}

fn cidrs(spec: &Field, errors: &mut Errors) {
    let list = spec.get("cidrs");
    match list.count() {
        0 => return errors.required(list, "at least one CIDR required"),
        1 | 2 => {}
        _ => return errors.invalid_as(list, &internal(spec), "may only hold up to 2 values"),
    }
    list.items().for_each(|cidr| errors.name(&cidr, names::canonical_cidr));
    let mut families = list.items().map(|cidr| names::parse_cidr(cidr.text()).map(|(ip, _)| ip.is_ipv4()));
    if let (Some(Some(first)), Some(second)) = (families.next(), families.next())
        && second == Some(first)
    {
        errors.reject(&list, ONE_OF_EACH);
    }
}

fn validate_update(new: &Object, old: &Object, errors: &mut Errors) {
    let (root, old_root) = (Field::new("", new), Field::new("", old));
    let (list, old_list) = (root.get("spec.cidrs"), old_root.get("spec.cidrs"));
    let grows = (old_list.count(), list.count()) == (1, 2);
    if !grows && list.count() != old_list.count() {
        return errors.reject(&list, IMMUTABLE);
    }
    for (cidr, old) in list.items().zip(old_list.items()) {
        errors.immutable(&cidr, &old);
    }
    if grows {
        cidrs(&root.get("spec"), errors);
    }
}

fn path_segment(text: &str) -> Vec<String> {
    names::path_segment(text, false)
}

fn address(address: &Object, errors: &mut Errors) {
    let root = Field::new("", address);
    let parent = root.get("spec.parentRef");
    if !parent.is_set() {
        return errors.required(parent, "");
    }
    if !parent.get("group").is_empty() {
        errors.name(&parent.get("group"), names::dns1123_subdomain);
    }
    errors.need_name(&parent.get("resource"), path_segment);
    errors.need_name(&parent.get("name"), path_segment);
    if !parent.get("namespace").is_empty() {
        errors.name(&parent.get("namespace"), path_segment);
    }
}
