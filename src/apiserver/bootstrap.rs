//! What a fresh server has: namespaces, the `kubernetes` service, priority classes, roles, and the like.

use super::codec::Decoded;
use super::create::New;
use super::errors::{Answer, internal};
use super::ownership::{self, Manager};
use super::pipeline::{Server, store_failure};
use super::registry::Served;
use super::store::{Entry, Key, Range};
use super::update::{Edit, Part};
use super::verbatim::Source;
use crate::api::{GroupVersion, ObjectExt, Value};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// The objects whose content never varies, by the manager that makes them, in the order in which they are made.
const OBJECTS: &[u8] = include_bytes!("bootstrap.json");

/// The name under which the server writes.
const MANAGER: &str = "kube-apiserver";

/// In which order clients are to look through the groups, the greatest number first.
const GROUP_PRIORITIES: [(&str, i64); 20] = [
    ("", 18000),
    ("apps", 17800),
    ("events.k8s.io", 17750),
    ("authentication.k8s.io", 17700),
    ("authorization.k8s.io", 17600),
    ("autoscaling", 17500),
    ("batch", 17400),
    ("certificates.k8s.io", 17300),
    ("networking.k8s.io", 17200),
    ("policy", 17100),
    ("rbac.authorization.k8s.io", 17000),
    ("storage.k8s.io", 16800),
    ("admissionregistration.k8s.io", 16700),
    ("apiextensions.k8s.io", 16700),
    ("scheduling.k8s.io", 16600),
    ("coordination.k8s.io", 16500),
    ("node.k8s.io", 16300),
    ("discovery.k8s.io", 16200),
    ("resource.k8s.io", 16200),
    ("flowcontrol.apiserver.k8s.io", 16100),
];

impl Server {
    /// Makes what is not there yet of the objects that every server has.
    pub async fn bootstrap(&self) -> Answer<()> {
        let fixed: BTreeMap<String, Vec<Value>> =
            serde_json::from_slice(OBJECTS).map_err(|error| internal(error.to_string()))?;
        let fixed = fixed.iter().flat_map(|(manager, objects)| objects.iter().map(move |o| (o.clone(), &**manager)));
        let (namespaces, others): (Vec<_>, Vec<_>) = fixed.partition(|(object, _)| object.kind() == "Namespace");
        let mut own = self.api_services();
        own.extend([self.service_cidr(), self.kubernetes_service()]);
        // Endpoints cannot be loopback addresses: to whoever reads them they would mean another machine.
        if !self.endpoint.ip().is_loopback() {
            own.extend([endpoints(self.endpoint), endpoint_slice(self.endpoint)]);
        }
        let own = own.into_iter().map(|object| (object, MANAGER));
        self.ensure_all(namespaces).await?;
        self.ensure_all(others.into_iter().chain(own)).await
    }

    /// Makes objects that do not depend on each other, at once: a store may bring them to disk together.
    async fn ensure_all<'a>(&self, objects: impl IntoIterator<Item = (Value, &'a str)>) -> Answer<()> {
        let made = objects.into_iter().map(|(object, manager)| self.ensure(object, manager));
        futures_util::future::try_join_all(made).await.map(drop)
    }

    /// Makes an object, unless there is one with its name.
    async fn ensure(&self, object: Value, manager: &str) -> Answer<()> {
        let version = GroupVersion::parse(object.api_version());
        let Some(served) = self.registry.of_kind(&version.group, &version.version, object.kind()) else {
            return Ok(());
        };
        let namespace = object.namespace().to_string();
        let key = self.key(served, &namespace, object.name());
        if self.store.get(&key).await.map_err(store_failure)?.is_some() {
            return Ok(());
        }
        let manager = Manager { name: manager, subresource: "" };
        let new =
            New { served, namespace: &namespace, manager, user: None, applied: false, verbatim: None, dry_run: false };
        let status = object.get("status").cloned();
        match self.make(&new, object, &mut Vec::new()).await {
            Ok(shown) => match status {
                Some(status) => {
                    let object = served.as_shown(&shown.object, shown.version.unwrap_or(0));
                    let key = self.key(served, &namespace, object.name());
                    let manager = status_manager(object.kind()).unwrap_or(MANAGER);
                    self.set_status(served, key, manager, status).await
                }
                None => Ok(()),
            },
            // Another server over the same store may have been faster.
            Err(failure) => match self.store.get(&key).await.map_err(store_failure)? {
                Some(_) => Ok(()),
                None => Err(failure),
            },
        }
    }

    /// The API services that stand for the groups the server has itself.
    fn api_services(&self) -> Vec<Value> {
        let mut made: Vec<Value> = Vec::new();
        for served in self.registry.built_in().iter().filter(|s| s.kind.group != "apiregistration.k8s.io") {
            let GroupVersion { group, version } = served.kind.group_version();
            let name = format!("{version}.{group}");
            if made.iter().any(|known| known.name() == name) {
                continue;
            }
            let (_, priority) = GROUP_PRIORITIES.into_iter().find(|(known, _)| *known == group).unwrap_or_default();
            let mut spec = json!({
                "version": version, "groupPriorityMinimum": priority,
                "versionPriority": match (group.as_str(), version.as_str()) {
                    ("", _) => 1,
                    ("autoscaling", "v2") => 30,
                    ("flowcontrol.apiserver.k8s.io" | "resource.k8s.io", _) => 21,
                    _ => 15,
                }
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
            "spec": {"cidrs": self.services.cidrs()},
            "status": {"conditions": [{
                "type": "Ready", "status": "True", "lastTransitionTime": self.stamp(),
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

    /// Sets the status of a new object, by an apply where a controller of its own does that.
    async fn set_status(&self, served: &Served, key: Key, manager: &str, status: Value) -> Answer<()> {
        let manager = Manager { name: manager, subresource: "status" };
        let applied = manager.name != MANAGER;
        let (part, verb, source) = (Part::Status, "update", Source::Values);
        let edit = Edit { served, key, part, manager, user: None, verb, applied, source, dry_run: false };
        let change = |live: &Value| {
            let mut object = live.clone();
            if applied {
                let config = json!({
                    "apiVersion": live.api_version(), "kind": live.kind(), "metadata": {"name": live.name()},
                    "status": status
                });
                object = ownership::apply(Some(live), &config, served, &manager, false, (self.clock)())
                    .map_err(|error| internal(error.to_string()))?;
            } else {
                object.put(&["status"], status.clone());
            }
            Ok(Decoded { object, warnings: Vec::new() })
        };
        self.change(&edit, &mut Vec::new(), &change).await.map(drop)
    }
}

/// Who sets the status of the objects of a kind, where that is not the server itself.
fn status_manager(kind: &str) -> Option<&'static str> {
    (kind == "ServiceCIDR").then_some("kubernetes-service-cidr-controller")
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
