//! The server and namespace that a command works with.

use crate::client::Client;
use std::rc::Rc;

/// A client, and where in the cluster a command works.
#[derive(Clone)]
pub struct Cluster {
    /// The client. Commands run on one thread.
    pub client: Rc<Client>,
    /// The namespace of objects that say none.
    pub namespace: String,
    /// Whether the namespace was asked for by name, so that objects of another one are refused.
    pub enforced: bool,
}

impl Cluster {
    /// The same cluster, where objects of any namespace are taken.
    pub fn unenforced(&self) -> Self {
        Self { enforced: false, ..self.clone() }
    }
}
