//! EndpointSlices: the addresses and ports behind a service.

use super::addresses::ip_warning;
use super::cells::age;
use super::endpoints::first;
use super::field::{Errors, Field};
use super::fill::fill;
use super::naming::full_domain;
use super::service::reachable_ip;
use super::{GENERIC, Kind};
use crate::api::{Object, ObjectExt, Value, names};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    group: "discovery.k8s.io",
    resource: "endpointslices",
    disabled: &["endpoints[].deprecatedTopology"],
    default: |slice| fill(slice, &json!({"ports": [{"name": "", "protocol*": "TCP"}]})),
    has_generation: true,
    changes_generation: |new, old| {
        let parts: [&[&str]; 5] =
            [&["ports"], &["endpoints"], &["addressType"], &["metadata", "labels"], &["metadata", "annotations"]];
        parts.iter().any(|part| new.at(part) != old.at(part))
    },
    validate: |slice, errors| validate(slice, None, errors),
    validate_update: |new, old, errors| {
        validate(new, Some(old), errors);
        errors.immutable(&Field::new("", new).get("addressType"), &Field::new("", old).get("addressType"));
    },
    warnings: |slice, _| {
        let root = Field::new("", slice);
        let managed = ["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"];
        let manager = root.get("metadata.labels");
        let mut warnings = Vec::new();
        let by_controller = managed.contains(&manager.entry("endpointslice.kubernetes.io/managed-by").text());
        if root.get("addressType").text() == "FQDN" {
            warnings.push("addressType: FQDN endpoints are deprecated".into());
        } else if !by_controller {
            for endpoint in root.get("endpoints").items() {
                warnings.extend(endpoint.get("addresses").items().filter_map(|ip| ip_warning(&ip)));
            }
        }
        warnings
    },
    cells: |slice, now| {
        let ports = slice.items_at(&["ports"]).iter().map(|port| match port.integer(&["port"]) {
            Some(number) => number.to_string(),
            None => port.at(&["name"]).and_then(Value::as_str).unwrap_or("*").into(),
        });
        let endpoints = slice.items_at(&["endpoints"]).iter().flat_map(|endpoint| endpoint.items_at(&["addresses"]));
        let addresses = endpoints.filter_map(Value::as_str).map(String::from);
        vec![
            slice.name().into(),
            slice.text(&["addressType"]).into(),
            list(&ports.collect::<Vec<_>>()),
            list(&addresses.collect::<Vec<_>>()),
            age(slice, now),
        ]
    },
    ..GENERIC
};

fn list(all: &[String]) -> Value {
    match first(all, 3).as_str() {
        "" => "<unset>".into(),
        text => text.into(),
    }
}

fn validate(slice: &Object, old: Option<&Object>, errors: &mut Errors) {
    let root = Field::new("", slice);
    let (kind, ports, endpoints) = (root.get("addressType"), root.get("ports"), root.get("endpoints"));
    errors.need_one_of(&kind, &["FQDN", "IPv4", "IPv6"]);
    if ports.count() > 20_000 {
        errors.at_most_items(&ports, 20_000);
    } else {
        self::ports(&ports, errors);
    }
    if old.is_some_and(|old| old.get("endpoints") == slice.get("endpoints")) {
        return;
    }
    if endpoints.count() > 1000 {
        return errors.at_most_items(&endpoints, 1000);
    }
    endpoints.items().for_each(|endpoint| self::endpoint(&endpoint, kind.text(), errors));
}

fn ports(ports: &Field, errors: &mut Errors) {
    let mut seen: Vec<&str> = Vec::new();
    for port in ports.items() {
        let (name, protocol) = (port.get("name"), port.get("appProtocol"));
        if !name.is_empty() {
            errors.name(&name, names::dns1123_label);
        }
        if seen.contains(&name.text()) {
            errors.duplicate(name, &name.text().into());
        }
        seen.push(name.text());
        if port.get("protocol").is_set() {
            errors.one_of(&port.get("protocol"), &["SCTP", "TCP", "UDP"]);
        } else {
            errors.required(port.get("protocol"), "");
        }
        if protocol.is_set() {
            errors.name(&protocol, names::qualified_name);
        }
    }
}

fn endpoint(endpoint: &Field, kind: &str, errors: &mut Errors) {
    let addresses = endpoint.get("addresses");
    if addresses.count() == 0 {
        errors.required(addresses, "must contain at least 1 address");
    }
    errors.at_most_items(&addresses, 100);
    for address in addresses.items() {
        match kind {
            "IPv4" | "IPv6" => {
                ip(&address, &addresses, kind == "IPv4", errors);
            }
            "FQDN" => full_domain(&address, errors),
            _ => {}
        }
    }
    for (name, rule) in
        [("nodeName", names::dns1123_subdomain as fn(&str) -> Vec<String>), ("hostname", names::dns1123_label)]
    {
        if endpoint.get(name).is_set() {
            errors.name(&endpoint.get(name), rule);
        }
    }
    for (list, name) in [("forZones", "zone"), ("forNodes", "node")] {
        let hints = endpoint.get("hints");
        let hints = hints.get(list);
        if hints.count() > 8 {
            errors.at_most_items(&hints, 8);
            continue;
        }
        for (index, hint) in hints.items().enumerate() {
            let target = hint.get("name");
            if (0..index).any(|before| hints.item(before).get("name").text() == target.text()) {
                errors.duplicate(target, target.value());
            }
            errors.name(&target, if name == "zone" { names::label_value } else { names::dns1123_subdomain });
        }
    }
}

fn ip(address: &Field, all: &Field, four: bool, errors: &mut Errors) {
    let family = if four { "IPv4" } else { "IPv6" };
    errors.name(address, names::ip);
    let Some(ip) = names::parse_ip(address.text()) else { return };
    if ip.is_ipv4() != four {
        errors.invalid(all, address.value(), &format!("must be an {family} address"));
    }
    reachable_ip(address, errors);
}
