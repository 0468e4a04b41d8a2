//! What follows from a definition: it gets its names, its resource is served, and when it is deleted, all objects of
//! its resource go first.

use super::definition::{holds, serve};
use super::naming::Taken;
use super::rank::{VersionRank, rank};
use crate::api::time::rfc3339;
use crate::api::{ObjectExt, Value};
use crate::apiserver::codec::Decoded;
use crate::apiserver::delete::Deleted;
use crate::apiserver::errors::Answer;
use crate::apiserver::options::{Delete, Propagation};
use crate::apiserver::ownership::Manager;
use crate::apiserver::pipeline::{Server, store_failure};
use crate::apiserver::registry::Served;
use crate::apiserver::store::{Feed, Key, Revision, Write};
use crate::apiserver::update::{Edit, Part};
use crate::apiserver::verbatim::Source;
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Mutex;

/// Where definitions are kept.
pub const COLLECTION: &str = "/registry/apiextensions.k8s.io/customresourcedefinitions/";

/// The finalizer of a definition whose objects are still there.
pub const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// The definitions that are known, with the resource that each defines.
#[derive(Default)]
pub struct Definitions {
    known: Mutex<Known>,
}

/// By name: the revision that wrote a definition, and its resource in each version.
type Known = HashMap<String, (Revision, Vec<Arc<Served>>)>;

/// Follows changes of definitions that other servers make over the same store.
pub async fn follow(server: Weak<Server>, mut feed: Box<dyn Feed>) {
    loop {
        let fell_behind = feed.next().await.is_err();
        let Some(server) = server.upgrade() else { return };
        if fell_behind {
            // The store has forgotten what came next: what there is now is looked at instead.
            match server.definitions_feed().await {
                Ok(Some(again)) => feed = again,
                _ => tokio::time::sleep(AGAIN).await,
            }
        }
        // What fails now is tried again after the next change.
        let _ = server.settle_definitions().await;
    }
}

/// How long it is until a store that cannot be watched is asked again.
const AGAIN: Duration = Duration::from_secs(1);

impl Server {
    fn definitions(&self) -> Option<&Arc<Served>> {
        self.registry.find("apiextensions.k8s.io", "v1", "customresourcedefinitions")
    }

    /// Starts to follow changes of definitions, and serves what there is.
    pub(in crate::apiserver) async fn serve_definitions(self: &Arc<Self>) -> Answer<()> {
        if let Some(feed) = self.definitions_feed().await? {
            tokio::spawn(follow(Arc::downgrade(self), feed));
        }
        self.settle_definitions().await
    }

    /// Changes of definitions from now on.
    async fn definitions_feed(&self) -> Answer<Option<Box<dyn Feed>>> {
        let Some(kind) = self.definitions() else { return Ok(None) };
        self.store.watch(&kind.collection, None).await.map(Some).map_err(store_failure)
    }

    /// Gives names to definitions that need them, and serves the resources of all that have theirs.
    pub(in crate::apiserver) async fn settle_definitions(&self) -> Answer<()> {
        let Some(kind) = self.definitions() else { return Ok(()) };
        let mut known = self.definitions.known.lock().await;
        let mut entries = self.all(kind, "").await?;
        let values = |entries: &[_]| -> Vec<Value> {
            let value = |entry: &Arc<crate::apiserver::store::Entry>| kind.value(&entry.object, entry.revision);
            entries.iter().map(value).collect()
        };
        let mut definitions = values(&entries);
        // What one gives up another may get.
        for _ in 0..=entries.len() {
            let mut changed = false;
            for definition in &definitions {
                changed |= self.give_names(kind, definition, &definitions).await?;
                if changed {
                    break;
                }
            }
            if !changed {
                break;
            }
            entries = self.all(kind, "").await?;
            definitions = values(&entries);
        }
        let mut now = HashMap::new();
        let mut changed = false;
        for (entry, definition) in entries.iter().zip(&definitions).filter(|(_, d)| holds(d, "Established")) {
            let name = definition.name().to_owned();
            let served = match known.remove(&name) {
                Some((revision, served)) if revision == entry.revision => served,
                _ => {
                    changed = true;
                    serve(definition, entry.revision, &self.registry)
                }
            };
            now.insert(name, (entry.revision, served));
        }
        changed |= !known.is_empty();
        *known = now;
        if changed {
            let mut all: Vec<Arc<Served>> = known.values().flat_map(|(_, served)| served).cloned().collect();
            all.sort_by_key(|served| order(served));
            self.registry.set_custom(all);
            self.documents.forget();
        }
        Ok(())
    }

    /// Gives a definition its names and conditions; says whether that changed anything.
    async fn give_names(&self, kind: &Arc<Served>, definition: &Value, all: &[Value]) -> Answer<bool> {
        let group = definition.text(&["spec", "group"]);
        let settled = definition.at(&["spec", "names"]) == definition.at(&["status", "acceptedNames"]);
        if settled && holds(definition, "Established") {
            return Ok(false);
        }
        let taken = Taken::of(all.iter().filter(|other| other.text(&["spec", "group"]) == group));
        let (names, verdict) = taken.accept(definition);
        let accepted = if verdict.is_yes() { "True" } else { "False" };
        let established = match (holds(definition, "Established"), verdict.is_yes()) {
            (true, _) => None,
            (false, true) => Some(("True", "InitialNamesAccepted", "the initial names have been accepted")),
            (false, false) => Some(("False", "NotAccepted", "not all names are accepted")),
        };
        let now = rfc3339((self.clock)().seconds);
        let set_names = |definition: &mut Value| {
            definition.put(&["status", "acceptedNames"], names.clone());
            set_condition(definition, ("NamesAccepted", accepted, verdict.reason, &verdict.message), &now);
            if let Some((status, reason, message)) = established {
                set_condition(definition, ("Established", status, reason, message), &now);
            }
        };
        let mut wanted = definition.clone();
        set_names(&mut wanted);
        if wanted == *definition {
            return Ok(false);
        }
        let key = self.key(kind, "", definition.name());
        let edit = Edit {
            served: kind,
            key,
            part: Part::Status,
            manager: Manager { name: "kube-apiserver", subresource: "status" },
            user: None,
            verb: "update",
            applied: false,
            source: Source::Values,
            dry_run: false,
        };
        let change = |live: &Value| {
            let mut object = live.clone();
            set_names(&mut object);
            Ok(Decoded { object, warnings: Vec::new() })
        };
        match self.change(&edit, &mut Vec::new(), &change).await {
            Ok(_) => Ok(true),
            // It has gone meanwhile.
            Err(failure) if failure.code == 404 => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Deletes all objects of a definition that is being deleted, and then the definition. Says whether there is
    /// nothing left to do.
    pub(in crate::apiserver) async fn empty_definition(&self, name: &str) -> Answer<bool> {
        let Some(kind) = self.definitions().cloned() else { return Ok(true) };
        let key = self.key(&kind, "", name);
        // Another server may know more of it than this one has heard of yet.
        self.settle_definitions().await?;
        let definition = match self.store.get(&key).await.map_err(store_failure)? {
            Some(entry) if entry.object.is_deleting() => entry,
            _ => return Ok(true),
        };
        let uid = definition.object.uid();
        let served = self.definitions.known.lock().await.get(name).and_then(|(_, served)| served.first().cloned());
        if let Some(served) = served {
            let mut left = false;
            for entry in self.all(&served, "").await? {
                let options = Delete { propagation: Some(Propagation::Background), ..Delete::default() };
                // A new definition with this name keeps its objects.
                let held = Some(Write::hold(key.clone(), definition.revision));
                let deleted = self.remove_while(&served, &entry, &options, (self.clock)(), held).await?;
                left |= !matches!(deleted, Some(Deleted::Gone(_)));
            }
            if left {
                let progress = ("True", "InstanceDeletionInProgress", "CustomResource deletion is in progress");
                self.note_deletion(&kind, &key, uid, progress, false).await?;
                return Ok(false);
            }
        }
        let completed = ("False", "InstanceDeletionCompleted", "removed all instances");
        self.note_deletion(&kind, &key, uid, completed, true).await?;
        self.settle_definitions().await?;
        Ok(true)
    }

    /// Notes how far the deletion of a definition's objects has come; lets go of it when that is done.
    async fn note_deletion(
        &self,
        kind: &Served,
        key: &Key,
        uid: &str,
        state: (&str, &str, &str),
        done: bool,
    ) -> Answer<()> {
        let now = rfc3339((self.clock)().seconds);
        self.revise(kind, key, uid, |definition| {
            let (status, reason, message) = state;
            set_condition(definition, ("Terminating", status, reason, message), &now);
            if let Some(finalizers) = definition.at_mut(&["metadata", "finalizers"]).as_array_mut().filter(|_| done) {
                finalizers.retain(|finalizer| finalizer != FINALIZER);
            }
        })
        .await?;
        Ok(())
    }
}

/// Marks a definition as one that is being deleted.
pub fn begin_deletion(definition: &mut Value, now: i64) {
    let message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
    set_condition(definition, ("Terminating", "True", "InstanceDeletionPending", message), &rfc3339(now));
}

/// Sets a condition: type, status, reason and message. The time of the transition stays when the status does.
fn set_condition(definition: &mut Value, condition: (&str, &str, &str, &str), now: &str) {
    let (kind, status, reason, message) = condition;
    let conditions = definition.at_mut(&["status", "conditions"]);
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let Some(list) = conditions.as_array_mut() else { return };
    let known = list.iter_mut().find(|known| known.text(&["type"]) == kind);
    let since =
        known.as_ref().filter(|known| known.text(&["status"]) == status).map(|k| k.text(&["lastTransitionTime"]));
    let made = json!({
        "type": kind, "status": status, "lastTransitionTime": since.unwrap_or(now), "reason": reason, "message": message
    });
    match known {
        Some(known) => *known = made,
        None => list.push(made),
    }
}

/// The order of discovery: groups by name, versions as Kubernetes ranks them, resources by name.
fn order(served: &Served) -> (String, VersionRank, String) {
    (served.kind.group.clone(), rank(&served.kind.version), served.info.resource.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transition_is_a_change_of_the_status() {
        let mut definition = json!({});
        set_condition(&mut definition, ("A", "False", "R", "m"), "1");
        set_condition(&mut definition, ("A", "False", "S", "m"), "2");
        assert_eq!(definition["status"]["conditions"][0]["lastTransitionTime"], "1");
        set_condition(&mut definition, ("A", "True", "S", "m"), "3");
        assert_eq!(
            definition["status"]["conditions"],
            json!([
                {"type": "A", "status": "True", "lastTransitionTime": "3", "reason": "S", "message": "m"}
            ])
        );
    }
}
