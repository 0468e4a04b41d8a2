//! What a fresh server has: namespaces, the `kubernetes` service, priority classes, roles, and the like.

use super::create::New;
use super::errors::{Answer, internal};
use super::ownership::Manager;
use super::pipeline::{Server, store_failure};
use super::registry::Served;
use super::respond::Shown;
use super::store::{Entry, Range};
use crate::api::{GroupVersion, ObjectExt, Value};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// The objects whose content never varies, by the manager that makes them, in the order in which they are made.
const OBJECTS: &[u8] = include_bytes!("bootstrap.json");

/// The name under which the server writes.
const MANAGER: &str = "kube-apiserver";

impl Server {
    /// Makes what is not there yet of the objects that every server has.
    pub async fn bootstrap(&self) -> Answer<()> {
        let objects: BTreeMap<String, Vec<Value>> =
            serde_json::from_slice(OBJECTS).map_err(|error| internal(error.to_string()))?;
        for (manager, objects) in objects {
            for object in objects {
                self.ensure(object, &manager).await?;
            }
        }
        for object in self.api_services() {
            self.ensure(object, MANAGER).await?;
        }
        self.ensure(self.service_cidr(), MANAGER).await?;
        self.ensure(self.kubernetes_service(), MANAGER).await?;
        // Endpoints cannot be loopback addresses: to whoever reads them they would mean another machine.
        if !self.endpoint.ip().is_loopback() {
            self.ensure(endpoints(self.endpoint), MANAGER).await?;
            self.ensure(endpoint_slice(self.endpoint), MANAGER).await?;
        }
        Ok(())
    }

    /// Makes an object, unless there is one with its name.
    async fn ensure(&self, object: Value, manager: &str) -> Answer<()> {
        let version = GroupVersion::parse(object.api_version());
        let Some(served) = self.registry.of_kind(&version.group, &version.version, object.kind()) else {
            return Ok(());
        };
        let namespace = object.namespace().to_string();
        let manager = Manager { name: manager, subresource: "" };
        let new = New { served, namespace: &namespace, manager, applied: false, dry_run: false };
        let status = object.get("status").cloned();
        match self.make(&new, object, &mut Vec::new()).await {
            Ok(shown) => match status {
                Some(status) => self.set_status(served, &namespace, shown, status).await,
                None => Ok(()),
            },
            Err(failure) if failure.reason == "AlreadyExists" => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// The API services that stand for the groups the server has itself.
    fn api_services(&self) -> Vec<Value> {
        let mut made: Vec<Value> = Vec::new();
        let mut priority = 18000;
        for served in self.registry.all().iter().filter(|s| s.kind.group != "apiregistration.k8s.io") {
            let GroupVersion { group, version } = served.kind.group_version();
            let name = format!("{version}.{group}");
            if made.iter().any(|known| known.name() == name) {
                continue;
            }
            let same_group = made.last().is_some_and(|last| last.text(&["spec", "group"]) == group);
            if !same_group && !made.is_empty() {
                priority -= 100;
            }
            let mut spec = json!({
                "version": version, "groupPriorityMinimum": priority,
                "versionPriority": if group.is_empty() { 1 } else if version == "v2" { 30 } else { 15 }
            });
            if !group.is_empty() {
                spec.put(&["group"], group);
            }
            made.push(json!({
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": name, "labels": {"kube-aggregator.kubernetes.io/automanaged": "onstart"}},
                "spec": spec,
                "status": {"conditions": [{
                    "type": "Available", "status": "True", "lastTransitionTime": self.stamp(), "reason": "Local",
                    "message": "Local APIServices are always available"
                }]}
            }));
        }
        made
    }

    fn service_cidr(&self) -> Value {
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "ServiceCIDR",
            "metadata": {"name": "kubernetes"},
            "spec": {"cidrs": [self.services.to_string()]},
            "status": {"conditions": [{
                "type": "Ready", "status": "True", "lastTransitionTime": self.stamp(), "reason": "",
                "message": "Kubernetes Service CIDR is ready"
            }]}
        })
    }

    fn kubernetes_service(&self) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": "kubernetes", "namespace": "default",
                "labels": {"component": "apiserver", "provider": "kubernetes"}
            },
            "spec": {
                "clusterIP": self.services.first().to_string(),
                "internalTrafficPolicy": "Cluster",
                "ipFamilyPolicy": "SingleStack",
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": self.endpoint.port()}],
                "sessionAffinity": "None",
                "type": "ClusterIP"
            }
        })
    }

    fn stamp(&self) -> String {
        crate::api::time::rfc3339((self.clock)().seconds)
    }

    /// All entries of a resource, in a namespace or in all.
    pub(super) async fn all(&self, served: &Served, namespace: &str) -> Answer<Vec<Arc<Entry>>> {
        let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
        let range = Range { collection: &served.collection, prefix: &prefix, start: "", limit: 0, at: None };
        Ok(self.store.range(range).await.map_err(store_failure)?.entries)
    }

    async fn set_status(&self, served: &Served, namespace: &str, shown: Shown, status: Value) -> Answer<()> {
        let object = served.as_shown(&shown.object, shown.version.unwrap_or(0));
        let key = self.key(served, namespace, object.name());
        let edit = super::update::Edit {
            served,
            key,
            part: super::update::Part::Status,
            manager: Manager { name: MANAGER, subresource: "status" },
            applied: false,
            dry_run: false,
        };
        let change = |live: &Value| {
            let mut object = live.clone();
            object.put(&["status"], status.clone());
            Ok(super::codec::Decoded { object, warnings: Vec::new() })
        };
        self.change(&edit, &mut Vec::new(), &change).await.map(drop)
    }
}

/// Where the `kubernetes` service leads, in the old form.
fn endpoints(at: SocketAddr) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {
            "name": "kubernetes", "namespace": "default",
            "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}
        },
        "subsets": [{
            "addresses": [{"ip": at.ip().to_string()}],
            "ports": [{"name": "https", "port": at.port(), "protocol": "TCP"}]
        }]
    })
}

/// Where the `kubernetes` service leads, in the new form.
fn endpoint_slice(at: SocketAddr) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kubernetes", "namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes"}
        },
        "addressType": if at.is_ipv4() { "IPv4" } else { "IPv6" },
        "endpoints": [{"addresses": [at.ip().to_string()], "conditions": {"ready": true}}],
        "ports": [{"name": "https", "port": at.port(), "protocol": "TCP"}]
    })
}
