//! Admission: what has to be asked of other objects before one is stored.

use super::errors::{About, Answer, forbidden, not_found};
use super::pipeline::{Server, store_failure};
use super::registry::Served;
use super::store::{Entry, Key};
use crate::api::{Cause, ObjectExt, Value};
use std::sync::Arc;

/// The namespaces that a cluster cannot be without.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

impl Server {
    /// Admits a new object, and fills in what depends on other objects.
    pub(super) async fn admit_new(&self, served: &Served, namespace: &str, object: &mut Value) -> Answer<()> {
        if served.info.namespaced() {
            self.admit_into(served, namespace, object.name()).await?;
        }
        if &*served.collection == "/registry/pods/" {
            self.admit_pod(object).await?;
        }
        Ok(())
    }

    /// Checks that a namespace is there, and is not going away (NamespaceLifecycle).
    async fn admit_into(&self, served: &Served, namespace: &str, name: &str) -> Answer<()> {
        let found = self.get_core("namespaces", "", namespace).await?;
        match found {
            None => Err(not_found(About { group: "", kind: "namespaces", name: namespace })),
            Some(entry) if entry.object.is_deleting() => {
                let why =
                    format!("unable to create new content in namespace {namespace} because it is being terminated");
                let mut failure = forbidden(served.about(name), &why);
                if let Some(details) = failure.details.as_mut() {
                    details.causes.push(Cause {
                        reason: "NamespaceTerminating".into(),
                        message: format!("namespace {namespace} is being terminated"),
                        field: "metadata.namespace".into(),
                    });
                }
                Err(failure)
            }
            Some(_) => Ok(()),
        }
    }

    /// Gives a pod the priority of its class (Priority).
    async fn admit_pod(&self, pod: &mut Value) -> Answer<()> {
        let class = pod.text(&["spec", "priorityClassName"]).to_string();
        let Some(classes) = self.registry.find("scheduling.k8s.io", "v1", "priorityclasses") else { return Ok(()) };
        let found = if class.is_empty() {
            self.default_priority_class(classes).await?
        } else {
            let key = Key { collection: classes.collection.clone(), name: class.as_str().into() };
            let Some(entry) = self.store.get(&key).await.map_err(store_failure)? else {
                let why = format!("no PriorityClass with name {class} was found");
                return Err(forbidden(About { group: "", kind: "pods", name: pod.name() }, &why));
            };
            Some(classes.value(&entry.object, entry.revision))
        };
        let value = found.as_ref().and_then(|class| class.integer(&["value"])).unwrap_or(0);
        let policy = found.as_ref().map_or("", |class| class.text(&["preemptionPolicy"]));
        let policy = if policy.is_empty() { "PreemptLowerPriority" } else { policy };
        if pod.at(&["spec", "priority"]).is_none() {
            pod.put(&["spec", "priority"], value);
        }
        if pod.at(&["spec", "preemptionPolicy"]).is_none() {
            pod.put(&["spec", "preemptionPolicy"], policy);
        }
        if let Some(class) = found.as_ref().filter(|_| class.is_empty()) {
            pod.put(&["spec", "priorityClassName"], class.name());
        }
        Ok(())
    }

    async fn default_priority_class(&self, classes: &Served) -> Answer<Option<Value>> {
        let all = self.all(classes, "").await?;
        let values = all.iter().map(|entry| classes.value(&entry.object, entry.revision));
        let defaults = values.filter(|class| class.get("globalDefault") == Some(&true.into()));
        Ok(defaults.min_by_key(|class| class.integer(&["value"])))
    }

    /// Reads an object of the core group.
    pub(super) async fn get_core(&self, resource: &str, namespace: &str, name: &str) -> Answer<Option<Arc<Entry>>> {
        let Some(served) = self.registry.core(resource) else { return Ok(None) };
        let key = Key { collection: served.collection.clone(), name: served.place(namespace, name) };
        self.store.get(&key).await.map_err(store_failure)
    }
}

/// Refuses to delete what a cluster cannot be without.
pub(super) fn admit_delete(served: &Served, name: &str) -> Answer<()> {
    if &*served.collection == "/registry/namespaces/" && IMMORTAL.contains(&name) {
        return Err(forbidden(served.about(name), "this namespace may not be deleted"));
    }
    Ok(())
}
