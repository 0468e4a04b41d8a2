//! What services claim: addresses, which are objects of their own, and ports of nodes. A claim is a key that only one
//! service can write, in the transaction that writes the service, so that two servers over one store agree.

mod families;
mod ranges;
mod repair;

pub use ranges::ServiceRange;

use super::encoding::Encoded;
use super::errors::{About, Answer, internal, internal_plain, invalid};
use super::kinds::field::Errors;
use super::kinds::has_sound_addresses;
use super::meta;
use super::ownership::{self, Manager};
use super::pipeline::{Server, store_failure};
use super::registry::Served;
use super::store::{Change, Entry, Expect, Key, Range, Write};
use crate::api::{ObjectExt, Value};
use ranges::{Block, family_of};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

/// The ports of nodes that services get.
const NODE_PORTS: std::ops::RangeInclusive<i64> = 30000..=32767;
/// Where claimed ports are kept.
const PORTS: &str = "/registry/ranges/servicenodeports/";
/// Where claimed addresses are kept.
const ADDRESSES: &str = "/registry/ipaddresses/";
/// Where services are kept.
const SERVICES: &str = "/registry/services/specs/";

const HEALTH: [&str; 2] = ["spec", "healthCheckNodePort"];

/// What a service holds.
#[derive(Debug, Default, PartialEq)]
struct Held {
    addresses: HashSet<String>,
    ports: HashSet<i64>,
    /// The port that is there for checks alone, if any.
    health: i64,
}

impl Held {
    fn of(service: Option<&Value>) -> Self {
        let Some(service) = service else { return Self::default() };
        let addresses = service.items_at(&["spec", "clusterIPs"]).iter().filter_map(Value::as_str);
        let ports = service.items_at(&["spec", "ports"]).iter().filter_map(|port| port.integer(&["nodePort"]));
        Self {
            addresses: addresses.filter(|address| *address != "None").map(String::from).collect(),
            ports: ports.chain(service.integer(&HEALTH)).filter(|port| *port != 0).collect(),
            health: service.integer(&HEALTH).unwrap_or(0),
        }
    }
}

/// A service that is about to claim something.
struct Claimant<'a> {
    service: &'a mut Value,
    /// What it holds already.
    before: &'a Held,
    is_new: bool,
    dry_run: bool,
}

impl Claimant<'_> {
    fn kind(&self) -> &str {
        self.service.text(&["spec", "type"])
    }

    /// Why a port cannot be had. Where nothing is stored, kube-apiserver looks only for who else has it.
    fn refusal(&self, port: i64, taken: &HashSet<String>) -> Option<&'static str> {
        if !NODE_PORTS.contains(&port) && !self.dry_run {
            return Some("provided port is not in the valid range. The range of valid ports is 30000-32767");
        }
        taken.contains(&port.to_string()).then_some("provided port is already allocated")
    }

    fn refuse(&self, errors: Errors) -> Answer<()> {
        let about = About { group: "", kind: "Service", name: self.service.name() };
        if errors.causes.is_empty() { Ok(()) } else { Err(invalid(about, errors)) }
    }
}

/// Whether objects of a resource claim anything.
pub fn concern(served: &Served) -> bool {
    &*served.collection == SERVICES
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
        let same = old.zip(new.as_deref()).is_some_and(|(old, new)| old.get("spec") == new.get("spec"));
        if !concern(served) || same {
            return Ok(Vec::new());
        }
        let before = Held::of(old);
        let mut writes = Vec::new();
        let mut after = Held::default();
        if let Some(service) = new {
            if service.text(&["spec", "type"]) != "ExternalName" {
                let mut errors = Errors::default();
                if has_sound_addresses(service, old, &mut errors) {
                    families::settle(service, old, self.services, &mut errors);
                }
                let mut claimant = Claimant { service, before: &before, is_new: old.is_none(), dry_run };
                claimant.refuse(errors)?;
                self.claim_addresses(&mut claimant, &mut writes).await?;
                self.claim_ports(&mut claimant, &mut writes).await?;
            }
            after = Held::of(Some(service));
        }
        if dry_run {
            return Ok(Vec::new());
        }
        for gone in before.addresses.difference(&after.addresses) {
            self.release(ADDRESSES, gone, &mut writes).await?;
        }
        for gone in before.ports.difference(&after.ports) {
            self.release(PORTS, &gone.to_string(), &mut writes).await?;
        }
        Ok(writes)
    }

    /// Claims an address of each family that a service has and holds no address of.
    async fn claim_addresses(&self, claimant: &mut Claimant<'_>, writes: &mut Vec<Write>) -> Answer<()> {
        let spec = |name: &str| claimant.service.items_at(&["spec", name]).iter().filter_map(Value::as_str);
        let mut addresses: Vec<String> = spec("clusterIPs").map(String::from).collect();
        let families: Vec<String> = spec("ipFamilies").map(String::from).collect();
        let held = |address: &String| address == "None" || claimant.before.addresses.contains(address);
        if addresses.first().is_some_and(|first| first == "None")
            || addresses.len() >= families.len() && addresses.iter().all(held)
        {
            return Ok(());
        }
        let taken = self.taken(ADDRESSES).await?;
        let wanted: Vec<String> = addresses.iter().filter(|address| !held(address)).cloned().collect();
        for address in &wanted {
            self.check_address(claimant, address, &taken)?;
        }
        let mut claimed = wanted;
        for family in families.iter().skip(addresses.len()) {
            let Some(block) = self.services.of(family) else { continue };
            let address =
                if claimant.dry_run { block.network().to_string() } else { free_address(block, &taken)?.to_string() };
            addresses.push(address.clone());
            claimed.push(address);
        }
        writes.extend(claimed.iter().map(|address| self.address_claim(claimant.service, address)));
        claimant.service.put(&["spec", "clusterIP"], addresses[0].as_str());
        claimant.service.put(&["spec", "clusterIPs"], json!(addresses));
        Ok(())
    }

    fn check_address(&self, claimant: &Claimant<'_>, wanted: &str, taken: &HashSet<String>) -> Answer<()> {
        let address: Option<IpAddr> = wanted.parse().ok();
        let block = address.and_then(|address| self.services.of(family_of(address)));
        let why = match address.zip(block) {
            Some((address, block)) if block.contains(address) => {
                if !taken.contains(wanted) || claimant.dry_run {
                    return Ok(());
                }
                "provided IP is already allocated".into()
            }
            _ => {
                let range = block.map_or_else(|| self.services.cidrs().join(","), |block| block.to_string());
                format!("the provided IP ({wanted}) is not in the valid range. The range of valid IPs is {range}")
            }
        };
        let mut errors = Errors::default();
        let all = claimant.service.at(&["spec", "clusterIPs"]).cloned().unwrap_or_default();
        errors.invalid("spec.clusterIPs", &all, &format!("failed to allocate IP {wanted}: {why}"));
        claimant.refuse(errors)
    }

    /// The object that says whose an address is.
    fn address_claim(&self, service: &Value, address: &str) -> Write {
        let family = address.parse().map_or("IPv4", family_of);
        let mut object = json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IPAddress",
            "metadata": {"name": address, "labels": {
                "ipaddress.kubernetes.io/ip-family": family,
                "ipaddress.kubernetes.io/managed-by": ALLOCATOR
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
            None => Encoded::new(&object),
        };
        let key = Key { collection: ADDRESSES.into(), name: address.into() };
        Write { key, expect: Expect::Absent, change: Change::Put(encoded) }
    }

    /// Claims the ports of nodes that a service asks for, and those that it needs and does not name.
    async fn claim_ports(&self, claimant: &mut Claimant<'_>, writes: &mut Vec<Write>) -> Answer<()> {
        let balanced = claimant.kind() == "LoadBalancer";
        let allocates = claimant.service.at(&["spec", "allocateLoadBalancerNodePorts"]) != Some(&false.into());
        let needed = claimant.kind() == "NodePort" || balanced && allocates;
        if !needed && !balanced {
            return Ok(());
        }
        let taken = self.taken(PORTS).await?;
        let mut claimed = claimant.before.ports.clone();
        let mut ports = claimant.service.items_at(&["spec", "ports"]).to_vec();
        // None of the ports that are asked for is given away.
        let mut reserved: HashSet<i64> = ports.iter().filter_map(|port| port.integer(&["nodePort"])).collect();
        reserved.extend(claimant.service.integer(&HEALTH));
        let number = |port: &Value| port.integer(&["port"]).unwrap_or(0);
        // What a new service serves by several protocols under one number has one number on the nodes too.
        let mut shared: HashMap<i64, i64> = HashMap::new();
        for port in ports.iter().rev().filter(|_| claimant.is_new) {
            shared
                .extend(port.integer(&["nodePort"]).filter(|wanted| *wanted != 0).map(|wanted| (number(port), wanted)));
        }
        let mut given: HashSet<(String, i64)> = HashSet::new();
        for (i, port) in ports.iter_mut().enumerate() {
            let mut wanted = port.integer(&["nodePort"]).unwrap_or(0);
            if wanted == 0 && !needed {
                continue;
            }
            if wanted == 0 {
                wanted = match shared.get(&number(port)) {
                    Some(same) => *same,
                    None => free_port(&taken, &[&claimed, &reserved], "nodePort")?,
                };
            }
            let own = claimed.contains(&wanted) && wanted != claimant.before.health;
            let refused = claimant.refusal(wanted, &taken).filter(|_| !own);
            if let Some(why) = refused {
                let mut errors = Errors::default();
                errors.invalid(format!("spec.ports[{i}].nodePort"), &wanted.into(), why);
                claimant.refuse(errors)?;
            }
            let protocol = port.text(&["protocol"]).to_owned();
            if !claimant.is_new && given.contains(&(protocol.clone(), wanted)) {
                return Err(internal_plain(format!("duplicate nodePort: {{{protocol} {wanted}}}")));
            }
            given.insert((protocol, wanted));
            claimed.insert(wanted);
            if claimant.is_new {
                shared.entry(number(port)).or_insert(wanted);
            }
            port.put(&["nodePort"], wanted);
        }
        if !ports.is_empty() {
            claimant.service.put(&["spec", "ports"], ports);
        }
        if balanced && claimant.service.text(&["spec", "externalTrafficPolicy"]) == "Local" {
            let wanted = match claimant.service.integer(&HEALTH).filter(|port| *port != 0) {
                None => free_port(&taken, &[&claimed, &reserved], "HealthCheck NodePort")?,
                Some(wanted) => {
                    match claimant.refusal(wanted, &taken).filter(|_| !claimant.before.ports.contains(&wanted)) {
                        Some(why) => {
                            let problem = format!("failed to allocate requested HealthCheck NodePort {wanted}: {why}");
                            return Err(internal(problem));
                        }
                        None => wanted,
                    }
                }
            };
            claimed.insert(wanted);
            claimant.service.put(&HEALTH, wanted);
        }
        writes.extend(claimed.difference(&claimant.before.ports).map(|port| port_claim(*port)));
        Ok(())
    }

    /// The names in a collection.
    async fn taken(&self, collection: &str) -> Answer<HashSet<String>> {
        Ok(self.claimed(collection).await?.iter().map(|entry| entry.name.to_string()).collect())
    }

    /// All claims in a collection.
    async fn claimed(&self, collection: &str) -> Answer<Vec<Arc<Entry>>> {
        let range = Range { collection, prefix: "", start: "", limit: 0, at: None };
        Ok(self.store.range(range).await.map_err(store_failure)?.entries)
    }

    /// Lets go of a claim, if it is still there.
    async fn release(&self, collection: &str, name: &str, writes: &mut Vec<Write>) -> Answer<()> {
        let key = Key { collection: collection.into(), name: name.into() };
        if let Some(entry) = self.store.get(&key).await.map_err(store_failure)? {
            writes.push(Write { key, expect: Expect::At(entry.revision), change: Change::Delete });
        }
        Ok(())
    }
}

/// What IPAddresses that services claim are labelled with: nobody else looks after them.
const ALLOCATOR: &str = "ipallocator.k8s.io";

/// The key that says that a port is taken.
fn port_claim(port: i64) -> Write {
    let name = port.to_string();
    let change = Change::Put(Encoded::new(&json!({"metadata": {"name": name}})));
    Write { key: Key { collection: PORTS.into(), name: name.into() }, expect: Expect::Absent, change }
}

fn free_port(taken: &HashSet<String>, besides: &[&HashSet<i64>], what: &str) -> Answer<i64> {
    let count = NODE_PORTS.end() - NODE_PORTS.start() + 1;
    let start = i64::from(random());
    let mut candidates = (0..count).map(|i| NODE_PORTS.start() + (start + i) % count);
    let free = |port: &i64| besides.iter().all(|set| !set.contains(port)) && !taken.contains(&port.to_string());
    candidates.find(free).ok_or_else(|| internal(format!("failed to allocate a {what}: range is full")))
}

fn free_address(block: Block, taken: &HashSet<String>) -> Answer<IpAddr> {
    let (start, usable) = (u64::from(random()), block.usable());
    let mut candidates = (0..usable).map(|i| block.address((start + i) % usable));
    let free = candidates.find(|address| !taken.contains(&address.to_string()));
    free.ok_or_else(|| internal("failed to allocate a serviceIP: range is full"))
}

fn random() -> u32 {
    let bytes = *uuid::Uuid::new_v4().as_bytes();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) >> 1
}
