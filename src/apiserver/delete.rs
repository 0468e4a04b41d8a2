//! Deleting: at once, after a while, or when everything that holds an object has let go.

use super::admission::admit_delete;
use super::codec::decode_options;
use super::custom;
use super::errors::{Answer, conflict};
use super::meta::{self, FOREGROUND, ORPHAN};
use super::options::{Delete, List, Propagation};
use super::pipeline::{Call, Server, store_failure};
use super::read::{self, Selection};
use super::registry::Served;
use super::respond::{self, Body, Shown};
use super::store::{Change, Entry, Expect, Key, StoreError, Write};
use crate::api::time::{Moment, rfc3339, unix_seconds};
use crate::api::{ObjectExt, Value};
use http::{Response, StatusCode};
use std::sync::Arc;

const JOBS_ORPHAN: &str = "child pods are preserved by default when jobs are deleted; set \
    propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";

/// What a delete did.
pub(super) enum Deleted {
    /// The object is gone; this is how it was.
    Gone(Shown),
    /// The object stays for now, marked.
    Waiting(Shown),
}

impl Server {
    /// Deletes the object that a request names.
    pub(super) async fn delete(&self, call: &Call<'_>) -> Answer<Response<Body>> {
        let options = delete_options(call)?;
        if &*call.served.collection == "/registry/jobs/" && options.propagation.is_none() {
            call.warn([JOBS_ORPHAN.into()]);
        }
        let deleted = loop {
            let entry = self.entry(call).await?;
            let live = call.served.value(&entry.object, entry.revision);
            self.approve_delete(call, &live, options.dry_run).await?;
            match self.remove(call.served, &entry, &options, call.now).await? {
                Some(deleted) => break deleted,
                None => continue,
            }
        };
        let status = match deleted {
            Deleted::Waiting(_) if options.cascades => StatusCode::ACCEPTED,
            _ => StatusCode::OK,
        };
        Ok(match deleted {
            Deleted::Gone(shown) if !returns_object(call.served) => {
                let uid = shown.object.value(0).uid().to_string();
                let mut details =
                    serde_json::json!({"name": call.target.name, "kind": call.served.info.resource, "uid": uid});
                if !call.served.kind.group.is_empty() {
                    details.put(&["group"], call.served.kind.group.as_str());
                }
                let done = serde_json::json!({
                    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details
                });
                respond::value(status, &done, call.accepted)
            }
            Deleted::Gone(shown) | Deleted::Waiting(shown) => {
                respond::object(status, &shown, call.served, call.accepted, call.now.seconds)
            }
        })
    }

    /// Deletes all objects that a request selects, and answers with what they were.
    pub(super) async fn delete_collection(&self, call: &Call<'_>) -> Answer<Response<Body>> {
        let options = delete_options(call)?;
        let list = List::parse(call.query, false)?;
        let selection = Selection::parse(&list, call.served)?;
        let page = self.page(call, &list, &selection).await.map_err(|mut failure| {
            // kube-apiserver reads this list from its store, which does not say when to ask again.
            if let Some(details) = &mut failure.details {
                details.retry_after_seconds = 0;
            }
            failure
        });
        let (page, continues, remaining) = page?;
        let mut shown = Vec::with_capacity(page.entries.len());
        for entry in page.entries {
            let mut current = entry.clone();
            let live = call.served.value(&entry.object, entry.revision);
            self.approve_delete(call, &live, options.dry_run).await?;
            loop {
                match self.remove(call.served, &current, &options, call.now).await? {
                    Some(_) => break,
                    None => {
                        let key = Key { collection: call.served.collection.clone(), name: entry.name.clone() };
                        match self.store.get(&key).await.map_err(store_failure)? {
                            Some(found) => current = found,
                            None => break,
                        }
                    }
                }
            }
            shown.push(entry);
        }
        Ok(read::answer(call, shown, read::list_metadata(call, page.revision, continues, remaining)))
    }

    /// Deletes an object in this state; none when it is no longer in this state.
    pub(super) async fn remove(
        &self,
        served: &Served,
        entry: &Arc<Entry>,
        options: &Delete,
        now: Moment,
    ) -> Answer<Option<Deleted>> {
        self.remove_while(served, entry, options, now, None).await
    }

    /// Deletes an object in this state while what is held stays as it is; none when one of them has changed.
    pub(super) async fn remove_while(
        &self,
        served: &Served,
        entry: &Arc<Entry>,
        options: &Delete,
        now: Moment,
        held: Option<Write>,
    ) -> Answer<Option<Deleted>> {
        let live = served.value(&entry.object, entry.revision);
        admit_delete(served, live.name())?;
        check_preconditions(served, &live, options)?;
        let mut new = live.clone();
        let goes = mark(&mut new, served, options, now);
        let encoded = served.encode(&new);
        let deleted = |version| {
            let shown = served.show(&encoded, Some(version));
            if goes { Deleted::Gone(shown) } else { Deleted::Waiting(shown) }
        };
        if options.dry_run || !goes && encoded.same_as(&entry.object) {
            return Ok(Some(deleted(entry.revision)));
        }
        let key = Key { collection: served.collection.clone(), name: entry.name.clone() };
        let change = if goes { Change::Delete } else { Change::Put(encoded.clone()) };
        let mut writes = vec![Write { key, expect: Expect::At(entry.revision), change }];
        writes.extend(held);
        if goes {
            writes.extend(self.claims(served, Some(&live), None, false).await?);
        }
        match self.store.commit(writes).await {
            Ok(revision) => {
                self.collector.deleted(&new, served, goes);
                Ok(Some(deleted(revision)))
            }
            Err(StoreError::Conflict(..)) => Ok(None),
            Err(other) => Err(store_failure(other)),
        }
    }
}

/// Whether the answer to a delete is the object itself and not a Status (kube-apiserver's ReturnDeletedObject).
fn returns_object(served: &Served) -> bool {
    const CORE: [&str; 8] = [
        "namespaces",
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "podtemplates",
        "resourcequotas",
        "serviceaccounts",
        "services",
    ];
    match served.kind.group.as_str() {
        "" => CORE.contains(&served.info.resource.as_str()),
        group => matches!(group, "resource.k8s.io" | "storage.k8s.io"),
    }
}

/// Kinds whose dependents stay when nothing else is said, because that is how it was before there was a choice.
fn orphans_by_default(served: &Served) -> bool {
    matches!(&*served.collection, "/registry/controllers/" | "/registry/jobs/")
}

/// The finalizers of an object that is deleted, with those that say what happens to its dependents.
fn for_dependents(finalizers: Vec<String>, served: &Served, wanted: Option<Propagation>) -> Vec<String> {
    if &*served.collection == "/registry/events/" {
        return finalizers;
    }
    let said = finalizers.iter().find_map(|finalizer| match finalizer.as_str() {
        ORPHAN => Some(Propagation::Orphan),
        FOREGROUND => Some(Propagation::Foreground),
        _ => None,
    });
    let own = match wanted.or(said).or(orphans_by_default(served).then_some(Propagation::Orphan)) {
        Some(Propagation::Orphan) => Some(ORPHAN),
        Some(Propagation::Foreground) => Some(FOREGROUND),
        Some(Propagation::Background) | None => None,
    };
    let is_said = |own: &str| finalizers.iter().any(|finalizer| finalizer == own);
    if [ORPHAN, FOREGROUND].iter().all(|one| is_said(one) == (own == Some(one))) {
        return finalizers;
    }
    let others = finalizers.into_iter().filter(|finalizer| finalizer != ORPHAN && finalizer != FOREGROUND);
    others.chain(own.map(String::from)).collect()
}

/// Gives an object that is being deleted less time than it has left. Says whether it did.
fn shorten(object: &mut Value, left: i64, wanted: Option<i64>, now: Moment) -> bool {
    let Some(wanted) = wanted.map(at_least_one).filter(|wanted| *wanted < left) else { return false };
    let ends = unix_seconds(object.text(&["metadata", "deletionTimestamp"])).unwrap_or(now.seconds) - left + wanted;
    // When that is over already, whoever ends the object still has to be told.
    let (ends, wanted) = if ends < now.seconds { (now.seconds, wanted.min(1)) } else { (ends, wanted) };
    object.put(&["metadata", "deletionTimestamp"], rfc3339(ends));
    object.put(&["metadata", "deletionGracePeriodSeconds"], wanted);
    true
}

/// A negative time to end means one second.
fn at_least_one(grace: i64) -> i64 {
    if grace < 0 { 1 } else { grace }
}

/// Marks an object as deleted, and says whether it goes at once.
fn mark(new: &mut Value, served: &Served, options: &Delete, now: Moment) -> bool {
    let marked = meta::is_deleting(new);
    let graceful = is_graceful(served);
    let emptied = !is_namespace(served) || new.items_at(&["spec", "finalizers"]).is_empty();
    if marked && !emptied {
        return false;
    }
    if marked && graceful {
        let left = new.integer(&["metadata", "deletionGracePeriodSeconds"]).unwrap_or(0);
        if left > 0 && !shorten(new, left, options.grace, now) {
            // What is said of dependents comes too late.
            return false;
        }
    }
    let finalizers: Vec<String> = meta::finalizers(new).into_iter().map(String::from).collect();
    let mut finalizers = for_dependents(finalizers, served, options.propagation);
    let defines = *served.collection == *custom::COLLECTION;
    if defines && !marked {
        add_remove(&mut finalizers, custom::FINALIZER, "");
        custom::begin_deletion(new, now.seconds);
    }
    let held = !finalizers.is_empty() || !emptied;
    new.put(&["metadata", "finalizers"], finalizers);
    if marked {
        let left = new.integer(&["metadata", "deletionGracePeriodSeconds"]).unwrap_or(0);
        meta::prune(new);
        return left == 0 && !held;
    }
    let grace = if graceful { grace(new, options) } else { 0 };
    if grace > 0 || held || graceful {
        let metadata = meta::metadata_mut(new);
        metadata.insert("deletionTimestamp".into(), rfc3339(now.seconds.saturating_add(grace)).into());
        if !is_namespace(served) && !defines {
            metadata.insert("deletionGracePeriodSeconds".into(), grace.into());
        }
        if let Some(generation) = metadata.get("generation").and_then(Value::as_i64).filter(|_| !defines) {
            metadata.insert("generation".into(), (generation + 1).into());
        }
    }
    if held && is_namespace(served) {
        new.put(&["status", "phase"], "Terminating");
    }
    meta::prune(new);
    grace == 0 && !held
}

fn is_namespace(served: &Served) -> bool {
    &*served.collection == "/registry/namespaces/"
}

/// Whether objects of a kind get time to end.
fn is_graceful(served: &Served) -> bool {
    &*served.collection == "/registry/pods/"
}

/// The seconds that a pod may take to end.
fn grace(pod: &Value, options: &Delete) -> i64 {
    let own = pod.integer(&["spec", "terminationGracePeriodSeconds"]).unwrap_or(30);
    let wanted = options.grace.unwrap_or(own);
    // Nobody has to be asked about a pod that no node runs, or that has ended.
    let idle = pod.text(&["spec", "nodeName"]).is_empty();
    let ended = matches!(pod.text(&["status", "phase"]), "Failed" | "Succeeded");
    if idle || ended { 0 } else { at_least_one(wanted) }
}

fn add_remove(finalizers: &mut Vec<String>, add: &str, remove: &str) {
    finalizers.retain(|finalizer| finalizer != remove);
    if !finalizers.iter().any(|finalizer| finalizer == add) {
        finalizers.push(add.into());
    }
}

/// Refuses when the object is not the one that is meant.
pub(super) fn check_preconditions(served: &Served, live: &Value, options: &Delete) -> Answer<()> {
    let about = if is_namespace(served) { served.about(live.name()) } else { served.about_kind(live.name()) };
    let differs = |what: &str, wanted: &str, found: &str, then: &str| {
        conflict(
            about,
            &if is_namespace(served) {
                format!("Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {found}")
            } else {
                format!(
                    "the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). The object might have been {then}"
                )
            },
        )
    };
    if let Some(uid) = options.uid.as_deref().filter(|uid| *uid != live.uid()) {
        return Err(differs("UID", uid, live.uid(), "deleted and then recreated"));
    }
    if let Some(version) = options.version.as_deref().filter(|version| *version != live.resource_version()) {
        return Err(differs("ResourceVersion", version, live.resource_version(), "modified"));
    }
    Ok(())
}

fn delete_options(call: &Call<'_>) -> Answer<Delete> {
    if call.body.is_empty() {
        return Delete::parse(call.query, None);
    }
    let body = decode_options(call.body, call.media()?)?;
    Delete::parse(call.query, Some(&body))
}
