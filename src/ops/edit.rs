//! Changing objects that are on the server: patches and replacements, and how they are sent.

use super::options::{DryRun, Validation};
use super::{Cluster, Failure, infos::Info};
use crate::api::{GroupVersionKind, Object, ObjectExt, Value, json};
use crate::client::{PatchKind, Request};
use crate::merge::{merge_patch, strategic};
use crate::schema;

/// How a change is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sending {
    /// Whether it is kept.
    pub dry_run: DryRun,
    /// The field manager.
    pub manager: String,
    /// The subresource that is changed; empty for the object itself.
    pub subresource: String,
    /// What happens about unknown fields; none where the command leaves it to the server.
    pub validation: Option<Validation>,
    /// The command line, where it is to be noted in the object.
    pub cause: Option<String>,
}

impl Sending {
    fn dressed(&self, request: Request) -> Request {
        let mut request = request.subresource(&self.subresource).query_if("fieldManager", &self.manager);
        if let Some(validation) = self.validation {
            request = request.query("fieldValidation", validation.parameter());
        }
        if self.dry_run == DryRun::Server { request.query("dryRun", "All") } else { request }
    }

    /// Sends a patch. The result is the object as it is now, or would be.
    pub async fn patch(
        &self,
        cluster: &Cluster,
        info: &Info,
        kind: PatchKind,
        patch: Vec<u8>,
    ) -> Result<Object, Failure> {
        let request = Request::patch(&info.mapping, &info.namespace, &info.name, kind, patch);
        Ok(cluster.client.json(&self.dressed(request)).await?)
    }

    /// Sends the difference between two versions of an object as a merge patch.
    pub async fn difference(
        &self,
        cluster: &Cluster,
        info: &Info,
        before: &Object,
        after: &Object,
    ) -> Result<Object, Failure> {
        let patch = json::to_string(&merge_patch::diff(before, after)).into_bytes();
        self.patch(cluster, info, PatchKind::Merge, patch).await
    }

    /// Sends a strategic merge patch.
    pub async fn strategic(&self, cluster: &Cluster, info: &Info, patch: &Value) -> Result<Object, Failure> {
        self.patch(cluster, info, PatchKind::Strategic, json::to_string(patch).into_bytes()).await
    }

    /// Sends a new object.
    pub async fn create(&self, cluster: &Cluster, info: &Info, object: &Object) -> Result<Object, Failure> {
        let request = Request::create(&info.mapping, &info.namespace, object);
        Ok(cluster.client.json(&self.dressed(request)).await?)
    }

    /// Sends the whole object.
    pub async fn update(&self, cluster: &Cluster, info: &Info, object: &Object) -> Result<Object, Failure> {
        let request = Request::update(&info.mapping, &info.namespace, &info.name, object);
        Ok(cluster.client.json(&self.dressed(request)).await?)
    }
}

/// The strategic merge patch that makes one version of a built-in object of another.
pub fn strategic_difference(before: &Object, after: &Object) -> Result<Value, Failure> {
    let kind = before.group_version_kind();
    match schema::builtin().kind(&kind) {
        Some(schema) => strategic::diff(before, after, schema).map_err(|error| Failure::message(error.to_string())),
        None => Err(Failure::message(not_registered(before))),
    }
}

/// What is said of a list's item whose kind has no Go type.
pub const UNKNOWN_ITEM: &str = "unable to get type info from the object \"*runtime.Unknown\": no kind is registered for the type runtime.Unknown in scheme \"pkg/scheme/scheme.go:28\"";

/// The groups of built-in kinds that kubectl has no Go types of.
const UNREGISTERED: [&str; 2] = ["apiextensions.k8s.io", "apiregistration.k8s.io"];

/// Whether kubectl has a Go type for the object's kind.
pub fn is_registered(object: &Object) -> bool {
    let kind = object.group_version_kind();
    !UNREGISTERED.contains(&kind.group.as_str()) && schema::builtin().kind(&kind).is_some()
}

/// Whether the object is of a version that kubectl knows, though no server has it any more: there is no telling what is
/// wrong with it.
pub fn is_of_old_version(object: &Object) -> bool {
    let kind = object.group_version_kind();
    // Every version of a group has watches.
    let known = GroupVersionKind { kind: "WatchEvent".into(), ..kind.clone() };
    let is_served = |resource: &schema::Resource| {
        let of = resource.group_version_kind();
        (of.group, of.version) == (kind.group.clone(), kind.version.clone())
    };
    schema::builtin().kind(&known).is_some() && !schema::resources().iter().any(is_served)
}

/// An object as the Go type of its kind holds it. `source` is the file that it is from, for the complaint.
pub fn typed(object: &Object, source: &str) -> Result<Object, Failure> {
    let problem = match schema::as_go_type(object).filter(|_| is_registered(object)) {
        Some(Ok(object)) => return Ok(object),
        Some(Err(error)) => error.to_string(),
        None => not_registered(object),
    };
    Err(Failure::message(match source {
        "" => problem,
        source => format!("unable to decode {source:?}: {problem}"),
    }))
}

fn not_registered(object: &Object) -> String {
    format!(
        "no kind {:?} is registered for version {:?} in scheme \"pkg/scheme/scheme.go:28\"",
        object.kind(),
        object.api_version()
    )
}
