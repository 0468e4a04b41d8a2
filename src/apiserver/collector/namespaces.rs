//! Terminating namespaces: what they hold is deleted, then they go. A namespace that has to wait says what for.

use crate::api::{ObjectExt, Value};
use crate::apiserver::delete::Deleted;
use crate::apiserver::errors::Answer;
use crate::apiserver::meta;
use crate::apiserver::options::{Delete, Propagation};
use crate::apiserver::pipeline::{Server, store_failure};
use crate::apiserver::registry::Served;
use crate::apiserver::store::Write;
use crate::apiserver::subresources::set_condition;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is left in a namespace after everything in it was deleted.
#[derive(Debug, Default)]
struct Left {
    /// How many objects there are of each resource.
    objects: BTreeMap<String, usize>,
    /// How many objects each finalizer holds.
    finalizers: BTreeMap<String, usize>,
}

impl Server {
    /// Deletes what a terminating namespace holds, and then the namespace. Says whether there is nothing left to do.
    pub(super) async fn empty_namespace(&self, name: &str) -> Answer<bool> {
        let Some(namespaces) = self.registry.core("namespaces").cloned() else { return Ok(true) };
        let key = self.key(&namespaces, "", name);
        let namespace = match self.store.get(&key).await.map_err(store_failure)? {
            Some(entry) if entry.object.is_deleting() => entry,
            _ => return Ok(true),
        };
        // Another server may finish first, and a new namespace with this name is not to be emptied.
        let held = || Some(Write::hold(key.clone(), namespace.revision));
        let mut left = Left::default();
        let kept: Vec<Arc<Served>> = self.kept().filter(|s| s.info.namespaced()).collect();
        for served in kept {
            for entry in self.all(&served, name).await? {
                let options = Delete { propagation: Some(Propagation::Background), ..Delete::default() };
                match self.remove_while(&served, &entry, &options, (self.clock)(), held()).await? {
                    Some(Deleted::Gone(_)) => {}
                    Some(Deleted::Waiting(shown)) => left.note(&served, &shown.object.value(0)),
                    // It has just changed.
                    None => left.note(&served, &served.value(&entry.object, entry.revision)),
                }
            }
        }
        let now = (self.clock)().seconds;
        self.revise(&namespaces, &key, namespace.object.uid(), |namespace| {
            if left.objects.is_empty() {
                namespace.take_at(&["spec", "finalizers"]);
            } else {
                left.conditions().into_iter().for_each(|condition| set_condition(namespace, condition, now));
            }
        })
        .await?;
        Ok(left.objects.is_empty())
    }
}

impl Left {
    fn note(&mut self, served: &Served, object: &Value) {
        *self.objects.entry(format!("{}.{}", served.info.resource, served.kind.group)).or_default() += 1;
        for finalizer in meta::finalizers(object) {
            *self.finalizers.entry(finalizer.into()).or_default() += 1;
        }
    }

    /// The conditions of the namespace, in the words of Kubernetes' namespace controller.
    fn conditions(&self) -> Vec<Value> {
        let listed = |counts: &BTreeMap<String, usize>, between: &str| {
            counts
                .iter()
                .map(|(name, n)| format!("{name} {between} {n} resource instances"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let condition = |kind: &str, status: bool, reason: &str, message: &str| {
            let status = if status { "True" } else { "False" };
            json!({"type": kind, "status": status, "reason": reason, "message": message})
        };
        let objects = format!("Some resources are remaining: {}", listed(&self.objects, "has"));
        let mut conditions = vec![
            condition(
                "NamespaceDeletionDiscoveryFailure",
                false,
                "ResourcesDiscovered",
                "All resources successfully discovered",
            ),
            condition(
                "NamespaceDeletionGroupVersionParsingFailure",
                false,
                "ParsedGroupVersions",
                "All legacy kube types successfully parsed",
            ),
            condition(
                "NamespaceDeletionContentFailure",
                false,
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization",
            ),
            condition("NamespaceContentRemaining", true, "SomeResourcesRemain", &objects),
        ];
        conditions.push(if self.finalizers.is_empty() {
            condition(
                "NamespaceFinalizersRemaining",
                false,
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished",
            )
        } else {
            let finalizers = listed(&self.finalizers, "in");
            let message = format!("Some content in the namespace has finalizers remaining: {finalizers}");
            condition("NamespaceFinalizersRemaining", true, "SomeFinalizersRemain", &message)
        });
        conditions
    }
}
