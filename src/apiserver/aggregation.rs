//! Whether the servers that APIServices name are there (kube-aggregator's availability). This server has all groups
//! itself and asks no other, so that one with a service is never available; why, is said as far as it can be known.

use super::errors::Answer;
use super::ownership::{self, Manager};
use super::pipeline::{Server, store_failure};
use super::registry::Served;
use super::store::{Change, Expect, StoreError, Write};
use crate::api::time::rfc3339;
use crate::api::{ObjectExt, Value};
use serde_json::json;

/// Where APIServices are kept.
const API_SERVICES: &str = "/registry/apiregistration.k8s.io/apiservices/";

impl Server {
    /// Notes in the status of an APIService that was written whether its server is there.
    pub(super) async fn note_availability(&self, served: &Served, name: &str) -> Answer<()> {
        if &*served.collection != API_SERVICES {
            return Ok(());
        }
        let key = self.key(served, "", name);
        while let Some(entry) = self.store.get(&key).await.map_err(store_failure)? {
            let live = served.value(&entry.object, entry.revision);
            if live.at(&["spec", "service"]).is_none() {
                break;
            }
            let (reason, message) = self.why_unavailable(&live).await?;
            let conditions = live.items_at(&["status", "conditions"]);
            if conditions.iter().any(|known| known.text(&["reason"]) == reason && known.text(&["message"]) == message) {
                break;
            }
            let now = (self.clock)();
            let mut new = live.clone();
            let condition = json!({
                "type": "Available", "status": "False", "lastTransitionTime": rfc3339(now.seconds),
                "reason": reason, "message": message
            });
            new.put(&["status", "conditions"], vec![condition]);
            let manager = Manager { name: "kube-apiserver", subresource: "status" };
            ownership::note_update(Some(&live), &mut new, served, &manager, now);
            let change = Change::Put(served.encode(&new));
            let write = Write { key: key.clone(), expect: Expect::At(entry.revision), change };
            match self.store.commit(vec![write]).await {
                Ok(_) => break,
                Err(StoreError::Conflict(..)) => {}
                Err(other) => return Err(store_failure(other)),
            }
        }
        Ok(())
    }

    async fn why_unavailable(&self, api_service: &Value) -> Answer<(&'static str, String)> {
        let target = |field: &str| api_service.text(&["spec", "service", field]);
        let (name, namespace) = (target("name"), target("namespace"));
        let port = api_service.integer(&["spec", "service", "port"]).unwrap_or(443);
        let about = format!("service/{name} in {namespace:?}");
        let Some(entry) = self.get_core("services", namespace, name).await? else {
            return Ok(("ServiceNotFound", format!("{about} is not present")));
        };
        let service = entry.object.value(entry.revision);
        let ports = service.items_at(&["spec", "ports"]);
        let Some(port) = ports.iter().find(|own| own.integer(&["port"]) == Some(port)) else {
            return Ok(("ServicePortError", format!("{about} is not listening on port {port}")));
        };
        let slices = match self.registry.find("discovery.k8s.io", "v1", "endpointslices") {
            Some(slices) => self.all(slices, namespace).await?,
            None => Vec::new(),
        };
        let mut slices =
            slices.iter().filter(|entry| entry.object.label("kubernetes.io/service-name") == Some(name)).peekable();
        if slices.peek().is_none() {
            return Ok(("EndpointsNotFound", format!("cannot find endpointslices for {about}")));
        }
        let port_name = port.text(&["name"]);
        let has_address = |slice: &Value| {
            slice.items_at(&["ports"]).iter().any(|port| port.text(&["name"]) == port_name)
                && slice.items_at(&["endpoints"]).iter().any(|endpoint| !endpoint.items_at(&["addresses"]).is_empty())
        };
        if !slices.any(|entry| has_address(&entry.object.value(entry.revision))) {
            let why = format!("endpoints for {about} have no addresses with port name {port_name:?}");
            return Ok(("MissingEndpoints", why));
        }
        Ok(("FailedDiscoveryCheck", format!("this server asks no other server, and so not {about}")))
    }
}
