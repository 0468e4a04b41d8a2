//! What services claim: addresses, which are objects of their own, and ports of nodes. A claim is a key that only one
//! service can write, in the transaction that writes the service, so that two servers over one store agree.

use super::errors::{Answer, invalid};
use super::kinds::field::Errors;
use super::meta;
use super::ownership::{self, Manager};
use super::pipeline::{Server, store_failure};
use super::registry::Served;
use super::store::{Expect, Key, Range, Write};
use crate::api::{ObjectExt, Value};
use serde_json::json;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// The ports of nodes that services get.
const NODE_PORTS: std::ops::RangeInclusive<i64> = 30000..=32767;
/// Where claimed ports are kept.
const PORTS: &str = "/registry/ranges/servicenodeports/";

/// The addresses that services get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceRange {
    network: Ipv4Addr,
    bits: u32,
}

impl Default for ServiceRange {
    fn default() -> Self {
        Self { network: Ipv4Addr::new(10, 0, 0, 0), bits: 24 }
    }
}

impl std::str::FromStr for ServiceRange {
    type Err = String;

    /// Reads `10.0.0.0/24`.
    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("invalid CIDR address: {text}");
        let (network, bits) = text.split_once('/').ok_or_else(invalid)?;
        let network: Ipv4Addr = network.parse().map_err(|_| invalid())?;
        let bits: u32 = bits.parse().ok().filter(|bits| (8..=29).contains(bits)).ok_or_else(invalid)?;
        let mask = u32::MAX << (32 - bits);
        Ok(Self { network: (u32::from(network) & mask).into(), bits })
    }
}

impl std::fmt::Display for ServiceRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.network, self.bits)
    }
}

impl ServiceRange {
    /// How many addresses there are between the network's own and the last one.
    fn usable(self) -> u32 {
        (1 << (32 - self.bits)) - 2
    }

    /// One of the usable addresses, counted from 0.
    fn address(self, index: u32) -> Ipv4Addr {
        (u32::from(self.network) + 1 + index).into()
    }

    /// The address of the `kubernetes` service.
    pub fn first(self) -> Ipv4Addr {
        self.address(0)
    }

    fn contains(self, address: Ipv4Addr) -> bool {
        let index = u32::from(address).wrapping_sub(u32::from(self.network));
        (1..=self.usable()).contains(&index)
    }
}

/// What a service holds.
#[derive(Debug, Default, PartialEq)]
struct Held {
    addresses: HashSet<String>,
    ports: HashSet<i64>,
}

impl Held {
    fn of(service: Option<&Value>) -> Self {
        let Some(service) = service else { return Self::default() };
        let spec = &["spec"];
        let addresses = service.at(spec).map_or(&[][..], |spec| spec.items_at(&["clusterIPs"]));
        let ports = service.items_at(&["spec", "ports"]);
        Self {
            addresses: addresses.iter().filter_map(Value::as_str).filter(|a| *a != "None").map(String::from).collect(),
            ports: ports.iter().filter_map(|port| port.integer(&["nodePort"])).filter(|port| *port != 0).collect(),
        }
    }
}

/// Refuses families of addresses that there are none of: the cluster's range is one of IPv4 addresses. A service that
/// has neither an address nor a selector may say what it likes.
fn check_families(service: &Value) -> Answer<()> {
    let ips = service.items_at(&["spec", "clusterIPs"]);
    let selectorless = service.map_at(&["spec", "selector"]).is_none_or(|selector| selector.is_empty());
    if selectorless && ips.first().is_some_and(|ip| ip == "None") {
        return Ok(());
    }
    let mut errors = Errors::default();
    if let Some(index) = ips.iter().position(|ip| ip.as_str().is_some_and(|ip| ip.contains(':'))) {
        let shown = Value::from(ips.to_vec());
        errors.invalid(format!("spec.clusterIPs[{index}]"), &shown, "IPv6 is not configured on this cluster");
    } else {
        let policy = service.text(&["spec", "ipFamilyPolicy"]);
        if policy == "RequireDualStack" {
            let why = "this cluster is not configured for dual-stack services";
            errors.invalid("spec.ipFamilyPolicy", &policy.into(), why);
        }
        for (index, family) in service.items_at(&["spec", "ipFamilies"]).iter().enumerate() {
            if family != "IPv4" {
                errors.invalid(format!("spec.ipFamilies[{index}]"), family, "not configured on this cluster");
            }
        }
    }
    if errors.causes.is_empty() {
        return Ok(());
    }
    Err(invalid(super::errors::About { group: "", kind: "Service", name: service.name() }, errors))
}

impl Server {
    /// Fills in what a new state of a service claims, and gives the writes that claim it and let go of the rest.
    /// No new state means that the service goes.
    pub(super) async fn claims(
        &self,
        served: &Served,
        old: Option<&Value>,
        new: Option<&mut Value>,
        dry_run: bool,
    ) -> Answer<Vec<Write>> {
        if &*served.collection != "/registry/services/specs/" {
            return Ok(Vec::new());
        }
        let before = Held::of(old);
        let mut writes = Vec::new();
        let mut after = Held::default();
        if let Some(service) = new {
            if !self.claim_address(service, &before, dry_run, &mut writes).await? {
                self.claim_ports(service, &before, dry_run, &mut writes).await?;
            }
            after = Held::of(Some(service));
        }
        if !dry_run {
            let addresses = self.address_collection();
            for gone in before.addresses.difference(&after.addresses) {
                self.release(&addresses, gone, &mut writes).await?;
            }
            for gone in before.ports.difference(&after.ports) {
                self.release(&PORTS.into(), &gone.to_string(), &mut writes).await?;
            }
        }
        Ok(writes)
    }

    /// Claims an address where a service needs one. Says whether the service has none and needs no ports either.
    async fn claim_address(
        &self,
        service: &mut Value,
        before: &Held,
        dry_run: bool,
        writes: &mut Vec<Write>,
    ) -> Answer<bool> {
        if service.text(&["spec", "type"]) == "ExternalName" {
            return Ok(true);
        }
        check_families(service)?;
        let wanted = service.text(&["spec", "clusterIP"]).to_string();
        if wanted == "None" || before.addresses.contains(&wanted) {
            return Ok(false);
        }
        let address = if wanted.is_empty() {
            if dry_run { self.services.network.to_string() } else { self.free_address().await? }
        } else {
            self.check_address(service, &wanted).await?;
            wanted
        };
        service.put(&["spec", "clusterIP"], address.as_str());
        service.put(&["spec", "clusterIPs"], json!([address]));
        if !dry_run {
            writes.push(self.address_claim(service, &address));
        }
        Ok(false)
    }

    async fn check_address(&self, service: &Value, wanted: &str) -> Answer<()> {
        let in_range = match wanted.parse() {
            Ok(IpAddr::V4(address)) => self.services.contains(address),
            _ => false,
        };
        let why = if !in_range {
            format!("the provided IP ({wanted}) is not in the valid range. The range of valid IPs is {}", self.services)
        } else if self.taken(&self.address_collection()).await?.contains(wanted) {
            "provided IP is already allocated".into()
        } else {
            return Ok(());
        };
        let mut errors = Errors::default();
        let why = format!("failed to allocate IP {wanted}: {why}");
        errors.invalid("spec.clusterIPs", &json!([wanted]), &why);
        Err(invalid(super::errors::About { group: "", kind: "Service", name: service.name() }, errors))
    }

    async fn free_address(&self) -> Answer<String> {
        let taken = self.taken(&self.address_collection()).await?;
        let usable = self.services.usable();
        let start = random() % usable;
        let mut candidates = (0..usable).map(|i| self.services.address((start + i) % usable).to_string());
        candidates
            .find(|address| !taken.contains(address))
            .ok_or_else(|| super::errors::internal("failed to allocate a serviceIP: range is full"))
    }

    /// The object that says whose an address is.
    fn address_claim(&self, service: &Value, address: &str) -> Write {
        let mut object = json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IPAddress",
            "metadata": {"name": address, "labels": {
                "ipaddress.kubernetes.io/ip-family": "IPv4",
                "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"
            }},
            "spec": {"parentRef": {
                "resource": "services", "namespace": service.namespace(), "name": service.name()
            }}
        });
        let encoded = match self.registry.find("networking.k8s.io", "v1", "ipaddresses") {
            Some(served) => {
                let now = (self.clock)();
                meta::prepare_new(&mut object, served, "", now);
                let manager = Manager { name: "kube-apiserver", subresource: "" };
                ownership::note_update(None, &mut object, served, &manager, now);
                served.encode(&object)
            }
            None => super::encoding::Encoded::new(&object),
        };
        let key = Key { collection: self.address_collection(), name: address.into() };
        Write { key, expect: Expect::Absent, object: Some(encoded) }
    }

    async fn claim_ports(
        &self,
        service: &mut Value,
        before: &Held,
        dry_run: bool,
        writes: &mut Vec<Write>,
    ) -> Answer<()> {
        let kind = service.text(&["spec", "type"]);
        let allocates = service.at(&["spec", "allocateLoadBalancerNodePorts"]) != Some(&false.into());
        let needed = kind == "NodePort" || kind == "LoadBalancer" && allocates;
        if !needed && kind != "LoadBalancer" {
            return Ok(());
        }
        let taken = self.taken(&PORTS.into()).await?;
        let about = service.name().to_string();
        let mut claimed: HashSet<i64> = before.ports.clone();
        let mut errors = Errors::default();
        let Some(ports) = service.at_mut(&["spec"]).get_mut("ports").and_then(Value::as_array_mut) else {
            return Ok(());
        };
        // Ports that are asked for come first, so that none of them is given away.
        for (i, port) in ports.iter().enumerate() {
            let wanted = port.integer(&["nodePort"]).unwrap_or(0);
            if wanted == 0 || claimed.contains(&wanted) || dry_run {
                continue;
            }
            let path = format!("spec.ports[{i}].nodePort");
            if !NODE_PORTS.contains(&wanted) {
                let why = "provided port is not in the valid range. The range of valid ports is 30000-32767";
                errors.invalid(&path, &wanted.into(), why);
            } else if taken.contains(wanted.to_string().as_str()) {
                errors.invalid(&path, &wanted.into(), "provided port is already allocated");
            }
            claimed.insert(wanted);
        }
        if !errors.causes.is_empty() {
            return Err(invalid(super::errors::About { group: "", kind: "Service", name: &about }, errors));
        }
        for port in ports.iter_mut().filter(|port| needed && port.integer(&["nodePort"]).unwrap_or(0) == 0) {
            let count = NODE_PORTS.end() - NODE_PORTS.start() + 1;
            let start = i64::from(random()) % count;
            let mut candidates = (0..count).map(|i| NODE_PORTS.start() + (start + i) % count);
            let free = candidates.find(|p| !claimed.contains(p) && !taken.contains(p.to_string().as_str()));
            let free = free.ok_or_else(|| super::errors::internal("failed to allocate a nodePort: range is full"))?;
            port.put(&["nodePort"], free);
            claimed.insert(free);
        }
        for port in claimed.difference(&before.ports).filter(|_| !dry_run) {
            let key = Key { collection: PORTS.into(), name: port.to_string().into() };
            let object = super::encoding::Encoded::new(&json!({"metadata": {"name": port.to_string()}}));
            writes.push(Write { key, expect: Expect::Absent, object: Some(object) });
        }
        Ok(())
    }

    fn address_collection(&self) -> Arc<str> {
        "/registry/ipaddresses/".into()
    }

    /// The names in a collection.
    async fn taken(&self, collection: &Arc<str>) -> Answer<HashSet<String>> {
        let range = Range { collection, prefix: "", start: "", limit: 0, at: None };
        let page = self.store.range(range).await.map_err(store_failure)?;
        Ok(page.entries.iter().map(|entry| entry.name.to_string()).collect())
    }

    /// Lets go of a claim, if it is still there.
    async fn release(&self, collection: &Arc<str>, name: &str, writes: &mut Vec<Write>) -> Answer<()> {
        let key = Key { collection: collection.clone(), name: name.into() };
        if let Some(entry) = self.store.get(&key).await.map_err(store_failure)? {
            writes.push(Write { key, expect: Expect::At(entry.revision), object: None });
        }
        Ok(())
    }
}

fn random() -> u32 {
    let bytes = *uuid::Uuid::new_v4().as_bytes();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) >> 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        let range: ServiceRange = "10.96.3.7/12".parse().unwrap();
        assert_eq!((range.to_string().as_str(), range.first()), ("10.96.0.0/12", Ipv4Addr::new(10, 96, 0, 1)));
        let small = ServiceRange::default();
        assert_eq!(small.usable(), 254);
        for (address, inside) in [("10.0.0.1", true), ("10.0.0.254", true), ("10.0.0.0", false), ("10.0.1.1", false)] {
            assert_eq!(small.contains(address.parse().unwrap()), inside, "{address}");
        }
        for text in ["", "10.0.0.0", "10.0.0.0/33", "x/24"] {
            assert!(text.parse::<ServiceRange>().is_err(), "{text}");
        }
    }
}
