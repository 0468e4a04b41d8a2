//! Who asks, and whether they may.

pub mod authenticate;
pub mod devices;
pub mod escalation;
pub mod impersonation;
pub mod rbac;
pub mod reviews;
pub mod signer;
pub mod subject;
pub mod token;

use super::errors::quoted;
use super::registry::Served;
use std::collections::BTreeMap;

/// The group of those who may do everything.
pub const MASTERS: &str = "system:masters";
/// The group of everybody who is known.
pub const AUTHENTICATED: &str = "system:authenticated";
/// The group of everybody else.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The name of everybody else.
pub const ANONYMOUS: &str = "system:anonymous";

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// What tells users of one name apart, where there is such a thing.
    pub uid: String,
    /// The groups.
    pub groups: Vec<String>,
    /// What else the authenticator knows.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// A user with groups.
    pub fn new(name: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().map(ToString::to_string).collect();
        Self { name: name.into(), groups, ..Self::default() }
    }

    /// Whether the user is in a group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|g| g == group)
    }

    /// The user, known to be who they say.
    fn authenticated(mut self) -> Self {
        if !self.is_in(AUTHENTICATED) && !self.is_in(UNAUTHENTICATED) {
            let group = if self.name == ANONYMOUS { UNAUTHENTICATED } else { AUTHENTICATED };
            self.groups.push(group.into());
        }
        self
    }
}

/// What somebody wants to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// The verb: a resource's, or an HTTP method in small letters.
    pub verb: String,
    /// The group of the resource.
    pub group: String,
    /// The resource; empty for a path.
    pub resource: String,
    /// The subresource.
    pub subresource: String,
    /// The namespace; empty for the cluster or for all.
    pub namespace: String,
    /// The object's name; empty for all.
    pub name: String,
    /// The path, where it is about no resource.
    pub path: String,
}

impl Attributes {
    /// What somebody wants to do with one object.
    pub(super) fn of(served: &Served, verb: &str, namespace: &str, name: &str) -> Self {
        Self {
            verb: verb.into(),
            group: served.kind.group.clone(),
            resource: served.info.resource.clone(),
            namespace: namespace.into(),
            name: name.into(),
            ..Self::default()
        }
    }

    /// The resource with its subresource, as rules spell it.
    pub fn resource_path(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }

    /// What somebody cannot do and, where it is known, why, in kube-apiserver's words. Nothing of what they asked for
    /// can be taken for HTML.
    pub fn denied(&self, user: &User, reason: &str) -> String {
        let what = self.wanted(user).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        if reason.is_empty() { what } else { format!("{what}: {reason}") }
    }

    fn wanted(&self, user: &User) -> String {
        let who = quoted(&user.name);
        if self.resource.is_empty() {
            return format!("User {who} cannot {} path {}", self.verb, quoted(&self.path));
        }
        let scope = if self.namespace.is_empty() {
            "at the cluster scope".to_string()
        } else {
            format!("in the namespace {}", quoted(&self.namespace))
        };
        let (verb, resource, group) = (&self.verb, quoted(&self.resource_path()), quoted(&self.group));
        format!("User {who} cannot {verb} resource {resource} in API group {group} {scope}")
    }
}
