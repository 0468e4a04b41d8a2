//! Namespaces have to be there for what is to lie in them, and some may not go (NamespaceLifecycle). So have the
//! definitions of custom resources.

use super::super::custom::COLLECTION;
use super::super::errors::{About, Answer, forbidden, no_such_resource, not_found};
use super::super::pipeline::{Server, store_failure, terminating};
use super::super::registry::Served;
use super::super::store::{Entry, Key, Write};
use super::Asked;
use crate::api::{Cause, Value};
use std::sync::Arc;

/// Where namespaces are kept.
const NAMESPACES: &str = "/registry/namespaces/";

/// The namespaces that a cluster cannot be without.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

impl Server {
    /// Checks that what a new object lies in, its namespace and its definition, is there and not going away. With the
    /// object are to be written the holds that are given, for these may go at any time, at the word of another server too.
    pub(in super::super) async fn home(&self, asked: &Asked<'_>, object: &Value) -> Answer<Vec<Write>> {
        let mut holds = Vec::new();
        if asked.served.info.namespaced() {
            let (key, entry) = self.admit_into(asked, object).await?;
            holds.push(Write::hold(key, entry.revision));
        }
        if asked.served.custom.is_some() {
            let Served { info, kind, .. } = asked.served;
            let key = Key { collection: COLLECTION.into(), name: format!("{}.{}", info.resource, kind.group).into() };
            let definition = self.store.get(&key).await.map_err(store_failure)?.ok_or_else(no_such_resource)?;
            if definition.object.is_deleting() {
                return Err(terminating(asked.served));
            }
            holds.push(Write::hold(key, definition.revision));
        }
        Ok(holds)
    }

    /// Checks that a namespace is there, and is not going away.
    pub(super) async fn admit_into(&self, asked: &Asked<'_>, object: &Value) -> Answer<(Key, Arc<Entry>)> {
        let namespace = asked.namespace;
        let key = Key { collection: NAMESPACES.into(), name: namespace.into() };
        match self.store.get(&key).await.map_err(store_failure)? {
            None => Err(not_found(About { group: "", kind: "namespaces", name: namespace })),
            Some(entry) if entry.object.is_deleting() => {
                let why =
                    format!("unable to create new content in namespace {namespace} because it is being terminated");
                let mut failure = asked.refuse(object, &why);
                if let Some(details) = failure.details.as_mut() {
                    details.causes.push(Cause {
                        reason: "NamespaceTerminating".into(),
                        message: format!("namespace {namespace} is being terminated"),
                        field: "metadata.namespace".into(),
                    });
                }
                Err(failure)
            }
            Some(entry) => Ok((key, entry)),
        }
    }
}

/// Refuses to delete what a cluster cannot be without.
pub(in super::super) fn admit_delete(served: &Served, name: &str) -> Answer<()> {
    if &*served.collection == NAMESPACES && IMMORTAL.contains(&name) {
        return Err(forbidden(served.about(name), "this namespace may not be deleted"));
    }
    Ok(())
}
