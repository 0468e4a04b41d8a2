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
use crate::apiserver::store::{Change, Entry, Expect, Key, StoreError, Write};
use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

/// How long after a request its consequences come. Clients see the state between, as they do in a cluster.
const AFTER: Duration = Duration::from_millis(100);
/// How long until something that could not be finished is looked at again.
const AGAIN: Duration = Duration::from_secs(1);
/// How often servers over one store look for what one of them left when it went.
const LOOK: Duration = Duration::from_secs(10);

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
        for job in consequences(object, served, gone) {
            // Nobody takes jobs when the server has stopped, and then none has to be done.
            let _ = self.jobs.send(job);
        }
    }
}

/// What follows when an object was deleted, or only marked.
fn consequences(object: &Value, served: &Served, gone: bool) -> Vec<Job> {
    let held = meta::finalizers(object).iter().any(|f| [ORPHAN, FOREGROUND].contains(f) || PROTECTION.contains(f));
    let mut jobs = Vec::new();
    if gone {
        jobs.push(Job::Gone(object.uid().to_string()));
        if &*served.collection == "/registry/ipaddresses/" {
            jobs.push(Job::Claims);
        }
        if served.info.namespaced() {
            jobs.push(Job::Uncharged(object.namespace().to_string()));
        }
    } else if &*served.collection == "/registry/namespaces/" {
        jobs.push(Job::Namespace(object.name().to_string()));
    } else if *served.collection == *custom::COLLECTION {
        jobs.push(Job::Definition(object.name().to_string()));
    } else if held {
        let name = served.place(object.namespace(), object.name());
        jobs.push(Job::Held(Key { collection: served.collection.clone(), name }));
    }
    jobs
}

/// The end of the queue from which it is worked off.
pub(super) struct Backlog(mpsc::UnboundedReceiver<Job>);

/// Works off the queue for as long as the server is there.
pub(super) async fn run(server: Weak<Server>, mut backlog: Backlog) {
    let mut unfinished = HashSet::new();
    let mut again = Instant::now() + AGAIN;
    // What others left is looked for at once.
    let mut look = Some(Instant::now());
    loop {
        let mut jobs = HashSet::new();
        tokio::select! {
            job = backlog.0.recv() => {
                let Some(first) = job else { return };
                jobs.insert(first);
                sleep(AFTER).await;
                while let Ok(job) = backlog.0.try_recv() {
                    jobs.insert(job);
                }
            }
            () = sleep_until(again), if !unfinished.is_empty() => jobs = std::mem::take(&mut unfinished),
            () = sleep_until(look.unwrap_or(again)), if look.is_some() => {}
        }
        let Some(server) = server.upgrade() else { return };
        if look.is_some_and(|look| look <= Instant::now()) {
            look = match server.left().await {
                Ok(left) => {
                    jobs.extend(left.into_iter().filter(|job| !unfinished.contains(job)));
                    server.store.is_shared().then(|| Instant::now() + LOOK)
                }
                Err(_) => Some(Instant::now() + AGAIN),
            };
        }
        if unfinished.is_empty() {
            again = Instant::now() + AGAIN;
        }
        unfinished.extend(server.work(jobs).await);
    }
}

impl Server {
    /// The resources that objects are kept of, each collection once.
    fn kept(&self) -> impl Iterator<Item = Arc<Served>> + use<> {
        let mut seen = HashSet::new();
        self.registry.all().into_iter().filter(move |s| s.allows("delete") && seen.insert(s.collection.clone()))
    }

    /// Does what is to be done, and gives what could not be finished: the store may be away for a while, or somebody
    /// else has to act first.
    async fn work(&self, jobs: HashSet<Job>) -> Vec<Job> {
        let mut unfinished = Vec::new();
        let (mut uids, mut others) = (HashSet::new(), Vec::new());
        for job in jobs {
            match job {
                Job::Gone(uid) => drop(uids.insert(uid)),
                other => others.push(other),
            }
        }
        if !uids.is_empty() && !self.collect(&uids).await.unwrap_or(false) {
            unfinished.extend(uids.into_iter().map(Job::Gone));
        }
        for job in others {
            let done = match &job {
                Job::Held(key) => self.release_held(key).await,
                Job::Namespace(name) => self.empty_namespace(name).await,
                Job::Definition(name) => self.empty_definition(name).await,
                Job::Uncharged(namespace) => self.recount(namespace).await.map(|()| true),
                Job::Claims => self.repair_claims().await.map(|()| true),
                Job::Gone(_) => Ok(true),
            };
            if !done.unwrap_or(false) {
                unfinished.push(job);
            }
        }
        unfinished
    }

    /// What a server before this one, or one beside it that has gone, left unfinished in the store.
    async fn left(&self) -> Answer<Vec<Job>> {
        let mut jobs = vec![Job::Claims];
        let (mut there, mut owned) = (HashSet::new(), Vec::new());
        for served in self.kept() {
            for entry in self.all(&served, "").await? {
                if entry.object.is_deleting() {
                    jobs.extend(consequences(&served.value(&entry.object, entry.revision), &served, false));
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
                let uid = owner.text(&["uid"]);
                // It may have been made since its kind was looked through. One of a kind that the server does not have
                // may be somewhere else.
                if !there.contains(uid) && self.is_there(owner, object.namespace()).await? == Some(false) {
                    jobs.push(Job::Gone(uid.to_string()));
                }
            }
        }
        Ok(jobs)
    }

    /// Whether the owner that a reference of an object in a namespace names is there; none when its kind is unknown.
    async fn is_there(&self, owner: &Value, namespace: &str) -> Answer<Option<bool>> {
        // What belongs to the cluster cannot say in which namespace its owner is.
        let known = |served: &Arc<Served>| !served.info.namespaced() || !namespace.is_empty();
        let Some(served) = self.owners_kind(owner).filter(known) else { return Ok(None) };
        let key = self.key(&served, namespace, owner.text(&["name"]));
        let found = self.store.get(&key).await.map_err(store_failure)?;
        Ok(Some(found.is_some_and(|entry| entry.object.uid() == owner.text(&["uid"]))))
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

    /// Deletes what depended on objects that have gone, unless another owner is left. Says whether that is done.
    async fn collect(&self, gone: &HashSet<String>) -> Answer<bool> {
        let mut done = true;
        for (served, entry) in self.dependents(gone).await? {
            if entry.object.owners().iter().all(|uid| gone.contains(&**uid)) {
                done &= self.remove_fully(&served, &entry, Propagation::Background).await?;
            } else {
                self.disown(&served, &entry, gone).await?;
            }
        }
        Ok(done)
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

    /// Deletes an object in this state; its dependents go as it says itself, or so. Says whether that is done: who has
    /// changed since may depend on others now.
    async fn remove_fully(&self, served: &Served, entry: &Arc<Entry>, how: Propagation) -> Answer<bool> {
        if entry.object.is_deleting() {
            return Ok(true);
        }
        let object = served.value(&entry.object, entry.revision);
        let said = meta::finalizers(&object).into_iter().find_map(|finalizer| match finalizer {
            ORPHAN => Some(Propagation::Orphan),
            FOREGROUND => Some(Propagation::Foreground),
            _ => None,
        });
        let options = Delete { propagation: said.or(Some(how)), ..Delete::default() };
        Ok(self.remove(served, entry, &options, (self.clock)()).await?.is_some())
    }

    /// Takes owners away from an object.
    async fn disown(&self, served: &Served, entry: &Entry, owners: &HashSet<String>) -> Answer<()> {
        let key = Key { collection: served.collection.clone(), name: entry.name.clone() };
        self.revise(served, &key, entry.object.uid(), |object| {
            let references = object.at_mut(&["metadata", "ownerReferences"]);
            if let Some(references) = references.as_array_mut() {
                references.retain(|reference| !owners.contains(reference.text(&["uid"])));
            }
        })
        .await
        .map(drop)
    }

    /// Changes the object with this uid as the server itself does, and deletes it when nothing holds it any more. Gives
    /// the new state; none when the object is not there, or another has its name.
    pub(super) async fn revise(
        &self,
        served: &Served,
        key: &Key,
        uid: &str,
        change: impl Fn(&mut Value),
    ) -> Answer<Option<Value>> {
        loop {
            let Some(entry) = self.store.get(key).await.map_err(store_failure)? else { return Ok(None) };
            if entry.object.uid() != uid {
                return Ok(None);
            }
            let mut object = served.value(&entry.object, entry.revision);
            change(&mut object);
            meta::prune(&mut object);
            let gone = super::update::is_finished(&object);
            let encoded = served.encode(&object);
            if !gone && encoded.same_as(&entry.object) {
                return Ok(Some(object));
            }
            let change = if gone { Change::Delete } else { Change::Put(encoded) };
            let mut writes = vec![Write { key: key.clone(), expect: Expect::At(entry.revision), change }];
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
            let (mut blocked, mut changed) = (false, false);
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
                changed |= !self.remove_fully(&kind, &dependent, how).await?;
            }
            if !changed && !blocked || self.dependents(&owner).await?.is_empty() {
                done.push(FOREGROUND);
            }
        }
        if !self.in_use(&object).await? {
            done.extend(PROTECTION);
        }
        let left = self
            .revise(&served, key, object.uid(), |object| {
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
