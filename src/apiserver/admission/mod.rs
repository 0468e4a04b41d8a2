//! Admission: what has to be asked of other objects before one is stored, by kube-apiserver's plugins and in their
//! order. First come those that may change the object, then, when it was found valid, those that only say yes or no.

mod certificates;
mod defaults;
mod expansion;
mod lifecycle;
mod limits;
mod pod_security;
mod policies;
mod priority;
mod quota;
mod runtime_class;
mod webhooks;

pub(super) use certificates::note_requester;
pub(super) use lifecycle::admit_delete;
pub(super) use policies::Cache as Policies;

use policies::Changes;
use webhooks::Mutators;

use super::auth::User;
use super::errors::{About, Answer, Failure, forbidden};
use super::pipeline::{Call, Server, store_failure};
use super::registry::Served;
use super::store::{Entry, Key, Write};
use crate::api::{GroupVersion, ObjectExt, Value};
use std::sync::Arc;

/// What is to be done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// It is new.
    Create,
    /// It changes.
    Update,
    /// It goes.
    Delete,
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
    /// Who asks; none for the server itself.
    pub user: Option<&'a User>,
    /// Whether nothing will be stored.
    pub dry_run: bool,
}

impl Asked<'_> {
    /// Whether it is about what is made below an object and not stored: an eviction, a binding, a token.
    fn is_request(&self) -> bool {
        self.operation == Operation::Create && !self.subresource.is_empty()
    }

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
    /// Admits an object that was decoded, and fills in what depends on other objects. What webhooks change is looked at
    /// once more.
    pub(super) async fn admit(&self, asked: &Asked<'_>, object: &mut Value, warnings: &mut Vec<String>) -> Answer<()> {
        if asked.operation == Operation::Create && asked.served.info.namespaced() {
            self.admit_into(asked, object).await?;
        }
        let mut changers = (self.changes(asked, object).await?, self.mutators(asked).await?);
        for _ in 0..2 {
            self.limit(asked, object).await?;
            if asked.operation == Operation::Create && asked.is_for("", "pods") {
                self.prioritise(object).await?;
            }
            self.follow_runtime_class(asked, object).await?;
            self.choose_classes(asked, object).await?;
            if !self.change_by_users(asked, &mut changers, object, warnings).await? {
                break;
            }
        }
        Ok(())
    }

    /// Has those change an object that users configured, policies and then webhooks, and tells whether they did.
    async fn change_by_users(
        &self,
        asked: &Asked<'_>,
        (policies, webhooks): &mut (Changes, Mutators),
        object: &mut Value,
        warnings: &mut Vec<String>,
    ) -> Answer<bool> {
        let changed = self.change_by_policies(asked, policies, object).await?;
        Ok(self.mutate(asked, webhooks, object, warnings).await? || changed)
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
        self.check_expansion(asked, object).await?;
        runtime_class::check_overhead(asked, object)?;
        self.check_signer(asked, object).await?;
        self.judge(asked, Some(object), warnings).await?;
        self.charge(asked, object).await
    }

    /// Approves of a delete that a client asked for.
    pub(super) async fn approve_delete(&self, call: &Call<'_>, old: &Value, dry_run: bool) -> Answer<()> {
        let asked = Asked {
            served: call.served,
            operation: Operation::Delete,
            subresource: "",
            namespace: old.namespace(),
            old: Some(old),
            user: Some(call.user),
            dry_run,
        };
        let mut warnings = Vec::new();
        let mut answer = self.mutate_delete(&asked, &mut warnings).await;
        if answer.is_ok() {
            answer = self.judge(&asked, None, &mut warnings).await;
        }
        call.warn(warnings);
        answer
    }

    /// Admits what a client makes below an object, which is not stored: an eviction, a binding, a token.
    pub(super) async fn admit_request(&self, call: &Call<'_>, request: &mut Value, dry_run: bool) -> Answer<()> {
        let asked = Asked {
            served: call.served,
            operation: Operation::Create,
            subresource: &call.target.subresource,
            namespace: &call.target.namespace,
            old: None,
            user: Some(call.user),
            dry_run,
        };
        if let Some(part) = call.served.subresource(asked.subresource) {
            let version = GroupVersion { group: part.kind.group.clone(), version: part.kind.version.clone() };
            request.put(&["apiVersion"], version.to_string());
            request.put(&["kind"], part.kind.kind.as_str());
        }
        if asked.served.info.namespaced() {
            self.admit_into(&asked, request).await?;
        }
        let mut changers = (self.changes(&asked, request).await?, self.mutators(&asked).await?);
        let mut warnings = Vec::new();
        for _ in 0..2 {
            if !self.change_by_users(&asked, &mut changers, request, &mut warnings).await? {
                break;
            }
        }
        let answer = self.judge(&asked, Some(request), &mut warnings).await;
        call.warn(warnings);
        answer
    }

    /// Asks those that users configured whether they approve: policies, then webhooks.
    async fn judge(&self, asked: &Asked<'_>, object: Option<&Value>, warnings: &mut Vec<String>) -> Answer<()> {
        self.apply_policies(asked, object, warnings).await?;
        self.validate(asked, object, warnings).await
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
