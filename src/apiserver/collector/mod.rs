//! What goes on after an answer: dependents follow their owners (garbage collection), namespaces empty themselves,
//! and what is held only by the server's own finalizers goes.
//!
//! In a cluster controllers do this a moment later; so does the collector, from a queue.

mod namespaces;

use crate::api::{GroupVersion, ObjectExt, Value};
use crate::apiserver::custom;
use crate::apiserver::errors::Answer;
use crate::apiserver::meta::{self, FOREGROUND, ORPHAN};
use crate::apiserver::options::{Delete, Propagation};
use crate::apiserver::pipeline::{Server, store_failure};
use crate::apiserver::registry::Served;
use crate::apiserver::store::{Entry, Expect, Key, StoreError, Write};
use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

/// How long after a request its consequences come. Clients see the state between, as they do in a cluster.
const AFTER: Duration = Duration::from_millis(100);
/// How long until something that could not be finished is looked at again.
const AGAIN: Duration = Duration::from_secs(1);

/// Finalizers that in a cluster a controller takes away when nobody uses the object any more.
const PROTECTION: [&str; 3] =
    ["kubernetes.io/pvc-protection", "kubernetes.io/pv-protection", "kubernetes.io/vac-protection"];

/// Something that has consequences.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Job {
    /// The object with this uid has gone.
    Gone(String),
    /// The object with this key waits for its dependents, or for somebody who protects it.
    Held(Key),
    /// This namespace is to be emptied.
    Namespace(String),
    /// All objects of the resource that this definition defines are to be deleted.
    Definition(String),
    /// Something in this namespace has gone, which its quotas counted.
    Uncharged(String),
    /// What services claim may not fit them.
    Claims,
}

/// The queue of what is to be done.
#[derive(Clone)]
pub struct Collector {
    jobs: mpsc::UnboundedSender<Job>,
}

impl Collector {
    /// A queue, and the end from which it is worked off.
    pub(super) fn new() -> (Self, Backlog) {
        let (jobs, backlog) = mpsc::unbounded_channel();
        (Self { jobs }, Backlog(backlog))
    }

    /// Notes that an object was deleted, or only marked.
    pub(super) fn deleted(&self, object: &Value, served: &Served, gone: bool) {
        let held = meta::finalizers(object).iter().any(|f| [ORPHAN, FOREGROUND].contains(f) || PROTECTION.contains(f));
        if gone {
            self.push(Job::Gone(object.uid().to_string()));
            if &*served.collection == "/registry/ipaddresses/" {
                self.push(Job::Claims);
            }
            if served.info.namespaced() {
                self.push(Job::Uncharged(object.namespace().to_string()));
            }
        } else if &*served.collection == "/registry/namespaces/" {
            self.push(Job::Namespace(object.name().to_string()));
        } else if *served.collection == *custom::COLLECTION {
            self.push(Job::Definition(object.name().to_string()));
        } else if held {
            let name = served.place(object.namespace(), object.name());
            self.push(Job::Held(Key { collection: served.collection.clone(), name }));
        }
    }

    fn push(&self, job: Job) {
        // Nobody takes jobs when the server has stopped, and then none has to be done.
        let _ = self.jobs.send(job);
    }
}

/// The end of the queue from which it is worked off.
pub(super) struct Backlog(mpsc::UnboundedReceiver<Job>);

/// Works off the queue for as long as the server is there.
pub(super) async fn run(server: Weak<Server>, mut backlog: Backlog) {
    while let Some(server) = server.upgrade() {
        if server.resume().await.is_ok() {
            break;
        }
        sleep(AGAIN).await;
    }
    while let Some(first) = backlog.0.recv().await {
        sleep(AFTER).await;
        let Some(server) = server.upgrade() else { return };
        let mut jobs = HashSet::from([first]);
        while let Ok(job) = backlog.0.try_recv() {
            jobs.insert(job);
        }
        let mut unfinished = Vec::new();
        let (mut uids, mut held) = (HashSet::new(), Vec::new());
        for job in jobs {
            match job {
                Job::Gone(uid) => drop(uids.insert(uid)),
                other => held.push(other),
            }
        }
        // What fails is tried again: the store may be away for a while.
        if !uids.is_empty() && server.collect(&uids).await.is_err() {
            unfinished.extend(uids.into_iter().map(Job::Gone));
        }
        for job in held {
            let done = match &job {
                Job::Held(key) => server.release_held(key).await,
                Job::Namespace(name) => server.empty_namespace(name).await,
                Job::Definition(name) => server.empty_definition(name).await,
                Job::Uncharged(namespace) => server.recount(namespace).await.map(|()| true),
                Job::Claims => server.repair_claims().await.map(|()| true),
                Job::Gone(_) => Ok(true),
            };
            if !done.unwrap_or(false) {
                unfinished.push(job);
            }
        }
        if !unfinished.is_empty() {
            let collector = server.collector.clone();
            tokio::spawn(async move {
                sleep(AGAIN).await;
                unfinished.into_iter().for_each(|job| collector.push(job));
            });
        }
    }
}

impl Server {
    /// The resources that objects are kept of, each collection once.
    fn kept(&self) -> impl Iterator<Item = Arc<Served>> + use<> {
        let mut seen = HashSet::new();
        self.registry.all().into_iter().filter(move |s| s.allows("delete") && seen.insert(s.collection.clone()))
    }

    /// Queues what a server before this one, over the same store, left unfinished.
    async fn resume(&self) -> Answer<()> {
        self.collector.push(Job::Claims);
        let (mut there, mut owned) = (HashSet::new(), Vec::new());
        for served in self.kept() {
            for entry in self.all(&served, "").await? {
                if entry.object.is_deleting() {
                    self.collector.deleted(&served.value(&entry.object, entry.revision), &served, false);
                }
                there.insert(entry.object.uid().to_string());
                if !entry.object.owners().is_empty() {
                    owned.push((served.clone(), entry));
                }
            }
        }
        for (served, entry) in owned {
            if entry.object.owners().iter().all(|uid| there.contains(&**uid)) {
                continue;
            }
            let object = served.value(&entry.object, entry.revision);
            for owner in object.items_at(&["metadata", "ownerReferences"]) {
                // An owner of a kind that the server does not have may be somewhere else.
                if self.owners_kind(owner).is_some() && !there.contains(owner.text(&["uid"])) {
                    self.collector.push(Job::Gone(owner.text(&["uid"]).to_string()));
                }
            }
        }
        Ok(())
    }

    /// The objects that one of these is an owner of.
    async fn dependents(&self, owners: &HashSet<String>) -> Answer<Vec<(Arc<Served>, Arc<Entry>)>> {
        let mut found = Vec::new();
        for served in self.kept() {
            for entry in self.all(&served, "").await? {
                if entry.object.owners().iter().any(|uid| owners.contains(&**uid)) {
                    found.push((served.clone(), entry));
                }
            }
        }
        Ok(found)
    }

    /// Deletes what depended on objects that have gone, unless another owner is left.
    async fn collect(&self, gone: &HashSet<String>) -> Answer<()> {
        for (served, entry) in self.dependents(gone).await? {
            let others: Vec<&str> =
                entry.object.owners().iter().map(|uid| &**uid).filter(|uid| !gone.contains(*uid)).collect();
            if others.is_empty() {
                self.remove_fully(&served, entry, Propagation::Background).await?;
            } else {
                self.disown(&served, &entry, gone).await?;
            }
        }
        Ok(())
    }

    /// Whether an object has an owner beside this one that stays.
    async fn has_other_owner(&self, object: &Value, owner: &str) -> Answer<bool> {
        for reference in object.items_at(&["metadata", "ownerReferences"]) {
            let uid = reference.text(&["uid"]);
            let Some(served) = self.owners_kind(reference).filter(|_| uid != owner) else { continue };
            let key = self.key(&served, object.namespace(), reference.text(&["name"]));
            let Some(found) = self.store.get(&key).await.map_err(store_failure)? else { continue };
            let waits = meta::finalizers(&served.value(&found.object, found.revision)).contains(&FOREGROUND);
            if found.object.uid() == uid && !(found.object.is_deleting() && waits) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The resource of the owner that a reference names; none when the server has no such kind.
    fn owners_kind(&self, reference: &Value) -> Option<Arc<Served>> {
        let version = GroupVersion::parse(reference.text(&["apiVersion"]));
        let kind = reference.text(&["kind"]);
        let is_it = |s: &Arc<Served>| s.kind.kind == kind && s.kind.group_version() == version && s.allows("get");
        self.registry.all().into_iter().find(is_it)
    }

    /// Deletes an object whose state may change meanwhile; its dependents go as it says itself, or so.
    async fn remove_fully(&self, served: &Served, mut entry: Arc<Entry>, how: Propagation) -> Answer<()> {
        let object = served.value(&entry.object, entry.revision);
        let said = meta::finalizers(&object).into_iter().find_map(|finalizer| match finalizer {
            ORPHAN => Some(Propagation::Orphan),
            FOREGROUND => Some(Propagation::Foreground),
            _ => None,
        });
        let options = Delete { propagation: said.or(Some(how)), ..Delete::default() };
        loop {
            if entry.object.is_deleting() || self.remove(served, &entry, &options, (self.clock)()).await?.is_some() {
                return Ok(());
            }
            let key = Key { collection: served.collection.clone(), name: entry.name.clone() };
            match self.store.get(&key).await.map_err(store_failure)? {
                Some(found) => entry = found,
                None => return Ok(()),
            }
        }
    }

    /// Takes owners away from an object.
    async fn disown(&self, served: &Served, entry: &Entry, owners: &HashSet<String>) -> Answer<()> {
        let key = Key { collection: served.collection.clone(), name: entry.name.clone() };
        self.revise(served, &key, |object| {
            let references = object.at_mut(&["metadata", "ownerReferences"]);
            if let Some(references) = references.as_array_mut() {
                references.retain(|reference| !owners.contains(reference.text(&["uid"])));
            }
        })
        .await
        .map(drop)
    }

    /// Changes an object as the server itself does, and deletes it when nothing holds it any more. Gives the new
    /// state; none when the object is not there.
    pub(super) async fn revise(
        &self,
        served: &Served,
        key: &Key,
        change: impl Fn(&mut Value),
    ) -> Answer<Option<Value>> {
        loop {
            let Some(entry) = self.store.get(key).await.map_err(store_failure)? else { return Ok(None) };
            let mut object = served.value(&entry.object, entry.revision);
            change(&mut object);
            meta::prune(&mut object);
            let gone = super::update::is_finished(&object);
            let encoded = served.encode(&object);
            if !gone && encoded.same_as(&entry.object) {
                return Ok(Some(object));
            }
            let mut writes = vec![Write {
                key: key.clone(),
                expect: Expect::At(entry.revision),
                object: (!gone).then_some(encoded),
            }];
            if gone {
                writes.extend(self.claims(served, Some(&object), None, false).await?);
            }
            match self.store.commit(writes).await {
                Ok(_) => {
                    if gone {
                        self.collector.deleted(&object, served, true);
                    }
                    return Ok(if gone { None } else { Some(object) });
                }
                Err(StoreError::Conflict(..)) => {}
                Err(other) => return Err(store_failure(other)),
            }
        }
    }

    /// Does what an object waits for. Says whether it waits for nothing more that the server can do.
    async fn release_held(&self, key: &Key) -> Answer<bool> {
        let Some(served) = self.kept().find(|s| s.collection == key.collection) else { return Ok(true) };
        let Some(entry) = self.store.get(key).await.map_err(store_failure)? else { return Ok(true) };
        let object = served.value(&entry.object, entry.revision);
        if !meta::is_deleting(&object) {
            return Ok(true);
        }
        let finalizers = meta::finalizers(&object);
        let owner = HashSet::from([object.uid().to_string()]);
        let mut done: Vec<&str> = Vec::new();
        if finalizers.contains(&ORPHAN) {
            for (kind, dependent) in self.dependents(&owner).await? {
                self.disown(&kind, &dependent, &owner).await?;
            }
            done.push(ORPHAN);
        }
        if finalizers.contains(&FOREGROUND) {
            let dependents = self.dependents(&owner).await?;
            let mut blocked = false;
            for (kind, dependent) in dependents {
                let value = kind.value(&dependent.object, dependent.revision);
                if self.has_other_owner(&value, object.uid()).await? {
                    self.disown(&kind, &dependent, &owner).await?;
                    continue;
                }
                blocked |= blocks(&value, object.uid());
                let own = HashSet::from([value.uid().to_string()]);
                let leaf = self.dependents(&own).await?.is_empty();
                let how = if leaf { Propagation::Background } else { Propagation::Foreground };
                self.remove_fully(&kind, dependent, how).await?;
            }
            if !blocked || self.dependents(&owner).await?.is_empty() {
                done.push(FOREGROUND);
            }
        }
        if !self.in_use(&object).await? {
            done.extend(PROTECTION);
        }
        let left = self
            .revise(&served, key, |object| {
                if let Some(finalizers) = object.at_mut(&["metadata", "finalizers"]).as_array_mut() {
                    finalizers.retain(|f| !f.as_str().is_some_and(|f| done.contains(&f)));
                }
            })
            .await?;
        let own = |f: &&str| [ORPHAN, FOREGROUND].contains(f) || PROTECTION.contains(f);
        Ok(left.is_none_or(|object| !meta::finalizers(&object).iter().any(own)))
    }

    /// Whether a pod uses a claim.
    async fn in_use(&self, object: &Value) -> Answer<bool> {
        if object.kind() != "PersistentVolumeClaim" {
            return Ok(false);
        }
        let Some(pods) = self.registry.core("pods") else { return Ok(false) };
        let uses = |entry: &Arc<Entry>| {
            let pod = pods.value(&entry.object, entry.revision);
            let volumes = pod.items_at(&["spec", "volumes"]);
            volumes.iter().any(|v| v.text(&["persistentVolumeClaim", "claimName"]) == object.name())
        };
        Ok(self.all(pods, object.namespace()).await?.iter().any(uses))
    }
}

/// Whether a dependent keeps its owner from going before it.
fn blocks(dependent: &Value, owner: &str) -> bool {
    let references = dependent.items_at(&["metadata", "ownerReferences"]);
    references.iter().any(|r| r.text(&["uid"]) == owner && r.get("blockOwnerDeletion") == Some(&true.into()))
}
