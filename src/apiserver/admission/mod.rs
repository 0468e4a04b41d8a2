//! Admission: what has to be asked of other objects before one is stored, by kube-apiserver's plugins and in their
//! order. First come those that may change the object, then, when it was found valid, those that only say yes or no.

mod defaults;
mod lifecycle;
mod limits;
mod pod_security;
mod priority;
mod quota;

pub(super) use lifecycle::admit_delete;

use super::errors::{About, Answer, Failure, forbidden};
use super::pipeline::{Server, store_failure};
use super::registry::Served;
use super::store::{Entry, Key, Write};
use crate::api::{ObjectExt, Value};
use std::sync::Arc;

/// What is to be done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// It is new.
    Create,
    /// It changes.
    Update,
}

/// A write that asks to be admitted.
pub(super) struct Asked<'a> {
    /// The resource.
    pub served: &'a Served,
    /// What is to be done.
    pub operation: Operation,
    /// The subresource that is written; empty for the object itself.
    pub subresource: &'a str,
    /// The namespace; empty for what belongs to the cluster.
    pub namespace: &'a str,
    /// The object before.
    pub old: Option<&'a Value>,
}

impl Asked<'_> {
    /// Whether it is about the objects of a collection themselves, or about a part of them.
    fn is_for(&self, group: &str, resource: &str) -> bool {
        self.served.kind.group == group && self.served.info.resource == resource
    }

    /// A refusal.
    fn refuse(&self, object: &Value, why: &str) -> Failure {
        let name = match (object.name(), object.text(&["metadata", "generateName"])) {
            ("", "") => "Unknown",
            ("", prefix) => prefix,
            (name, _) => name,
        };
        let group = if self.served.kind.group == "events.k8s.io" { "" } else { &self.served.kind.group };
        forbidden(About { group, kind: &self.served.info.resource, name }, why)
    }
}

impl Server {
    /// Admits an object that was decoded, and fills in what depends on other objects.
    pub(super) async fn admit(&self, asked: &Asked<'_>, object: &mut Value) -> Answer<()> {
        if asked.operation == Operation::Create && asked.served.info.namespaced() {
            self.admit_into(asked, object).await?;
        }
        self.limit(asked, object).await?;
        if asked.operation == Operation::Create && asked.is_for("", "pods") {
            self.prioritise(object).await?;
        }
        self.choose_classes(asked, object).await
    }

    /// Approves of an object that is valid and complete; with it are to be written what is given.
    pub(super) async fn approve(
        &self,
        asked: &Asked<'_>,
        object: &Value,
        warnings: &mut Vec<String>,
    ) -> Answer<Vec<Write>> {
        self.check_limits(asked, object).await?;
        self.secure(asked, object, warnings).await?;
        self.charge(asked, object).await
    }

    /// Reads an object of the core group.
    pub(super) async fn get_core(&self, resource: &str, namespace: &str, name: &str) -> Answer<Option<Arc<Entry>>> {
        let Some(served) = self.registry.core(resource) else { return Ok(None) };
        let key = Key { collection: served.collection.clone(), name: served.place(namespace, name) };
        self.store.get(&key).await.map_err(store_failure)
    }

    /// All objects of a resource, in a namespace or in all.
    async fn objects(&self, group: &str, resource: &str, namespace: &str) -> Answer<Vec<Value>> {
        let Some(served) = self.registry.find(group, "v1", resource) else { return Ok(Vec::new()) };
        let all = self.all(served, namespace).await?;
        Ok(all.iter().map(|entry| served.value(&entry.object, entry.revision)).collect())
    }
}

/// Several complaints in one line, as Go joins errors.
fn joined(complaints: &[String]) -> String {
    match complaints {
        [one] => one.clone(),
        _ => {
            let mut once: Vec<&str> = Vec::new();
            for complaint in complaints {
                if !once.contains(&complaint.as_str()) {
                    once.push(complaint);
                }
            }
            if let [one] = once.as_slice() { one.to_string() } else { format!("[{}]", once.join(", ")) }
        }
    }
}
