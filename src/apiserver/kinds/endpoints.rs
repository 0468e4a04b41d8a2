//! Endpoints: the addresses and ports behind a service, in the old form.

use super::addresses::ip_warning;
use super::cells::age;
use super::field::{Errors, Field};
use super::fill::fill;
use super::service::reachable_ip;
use super::{GENERIC, Kind};
use crate::api::{Object, ObjectExt, names};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    resource: "endpoints",
    default: |endpoints| fill(endpoints, &json!({"subsets": [{"ports": [{"protocol": "TCP"}]}]})),
    validate: |endpoints, errors| subsets(&Field::new("", endpoints).get("subsets"), errors),
    validate_update: |new, old, errors| {
        if new.get("subsets") != old.get("subsets") {
            subsets(&Field::new("", new).get("subsets"), errors);
        }
    },
    warnings: |endpoints, _| {
        if endpoints.map_at(&["metadata", "labels"]).is_some_and(|map| map.contains_key(MANAGED_BY)) {
            return Vec::new();
        }
        let root = Field::new("", endpoints);
        let mut warnings = Vec::new();
        for subset in root.get("subsets").items() {
            for list in [subset.get("addresses"), subset.get("notReadyAddresses")] {
                warnings.extend(list.items().filter_map(|address| ip_warning(&address.get("ip"))));
            }
        }
        warnings
    },
    cells: |endpoints, now| vec![endpoints.name().into(), shown(endpoints).into(), age(endpoints, now)],
    ..GENERIC
};

/// The label of endpoints that a controller writes.
const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";

fn subsets(subsets: &Field, errors: &mut Errors) {
    for subset in subsets.items() {
        let (ready, waiting, ports) = (subset.get("addresses"), subset.get("notReadyAddresses"), subset.get("ports"));
        if ready.count() + waiting.count() == 0 {
            errors.required(subset, "must specify `addresses` or `notReadyAddresses`");
        }
        for list in [ready, waiting] {
            list.items().for_each(|address| self::address(&address, errors));
        }
        for port in ports.items() {
            self::port(&port, ports.count() > 1, errors);
        }
    }
}

fn address(address: &Field, errors: &mut Errors) {
    let (ip, host, node) = (address.get("ip"), address.get("hostname"), address.get("nodeName"));
    errors.name(&ip, names::ip);
    if !host.is_empty() {
        errors.name(&host, names::dns1123_label);
    }
    if node.is_set() {
        errors.name(&node, names::dns1123_subdomain);
    }
    reachable_ip(&ip, errors);
}

fn port(port: &Field, needs_name: bool, errors: &mut Errors) {
    let (name, number, protocol) = (port.get("name"), port.get("port"), port.get("appProtocol"));
    if needs_name {
        errors.need(&name);
    }
    if !name.is_empty() {
        errors.name(&name, names::dns1123_label);
    }
    errors.within(&number, 1, 65535);
    errors.need_one_of(&port.get("protocol"), &["SCTP", "TCP", "UDP"]);
    if protocol.is_set() {
        errors.name(&protocol, names::qualified_name);
    }
}

/// The first three of all pairs of address and port, and how many more there are.
fn shown(endpoints: &Object) -> String {
    let subsets = endpoints.items_at(&["subsets"]);
    if subsets.is_empty() {
        return "<none>".into();
    }
    let mut all: Vec<String> = Vec::new();
    for subset in subsets {
        let addresses = || subset.items_at(&["addresses"]).iter().map(|address| address.text(&["ip"]));
        let ports: Vec<i64> = subset.items_at(&["ports"]).iter().filter_map(|p| p.integer(&["port"])).collect();
        if ports.is_empty() {
            all.extend(addresses().map(String::from));
        }
        for port in ports {
            let host = |ip: &str| if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") };
            all.extend(addresses().map(host));
        }
    }
    first(&all, 3)
}

/// The first items with commas between, and how many more there are.
pub(super) fn first(all: &[String], most: usize) -> String {
    let shown = all[..all.len().min(most)].join(",");
    if all.len() > most { format!("{shown} + {} more...", all.len() - most) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_ports() {
        let endpoints = json!({"subsets": [
            {"addresses": [{"ip": "10.0.0.1"}, {"ip": "::1"}], "ports": [{"port": 80}, {"port": 443}]},
            {"addresses": [{"ip": "10.0.0.2"}]}]});
        assert_eq!(shown(&endpoints), "10.0.0.1:80,[::1]:80,10.0.0.1:443 + 2 more...");
        assert_eq!(shown(&json!({})), "<none>");
        let mut errors = Errors::default();
        (KIND.validate)(&endpoints, &mut errors);
        let fields: Vec<_> = errors.causes.iter().map(|c| c.field.as_str()).collect();
        assert_eq!(
            fields[..3],
            ["subsets[0].addresses[1].ip", "subsets[0].ports[0].name", "subsets[0].ports[0].protocol"]
        );
    }
}
