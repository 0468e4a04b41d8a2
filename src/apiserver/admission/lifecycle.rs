//! Namespaces have to be there for what is to lie in them, and some may not go (NamespaceLifecycle).

use super::super::errors::{About, Answer, forbidden, not_found};
use super::super::pipeline::Server;
use super::super::registry::Served;
use super::Asked;
use crate::api::{Cause, Value};

/// The namespaces that a cluster cannot be without.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

impl Server {
    /// Checks that a namespace is there, and is not going away.
    pub(super) async fn admit_into(&self, asked: &Asked<'_>, object: &Value) -> Answer<()> {
        let namespace = asked.namespace;
        match self.get_core("namespaces", "", namespace).await? {
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
            Some(_) => Ok(()),
        }
    }
}

/// Refuses to delete what a cluster cannot be without.
pub(in super::super) fn admit_delete(served: &Served, name: &str) -> Answer<()> {
    if &*served.collection == "/registry/namespaces/" && IMMORTAL.contains(&name) {
        return Err(forbidden(served.about(name), "this namespace may not be deleted"));
    }
    Ok(())
}
