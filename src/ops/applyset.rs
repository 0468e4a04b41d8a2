//! ApplySets: a parent object that remembers which types and namespaces hold what was applied together, so that what
//! is not applied any more can be found and deleted (KEP-3659).

use super::options::{DryRun, Validation};
use super::prune::Place;
use super::{Cluster, Failure, infos::Info, lists};
use crate::api::{GroupVersionKind, GroupVersionResource, Object, ObjectExt, json};
use crate::client::{self, Mapping, PatchKind, Request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const TOOLING: &str = "applyset.kubernetes.io/tooling";
const NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";
const KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";
/// What stood for [`KINDS`] before: resources, not kinds.
const RESOURCES: &str = "applyset.kubernetes.io/contains-group-resources";
const ID: &str = "applyset.kubernetes.io/id";
const PART_OF: &str = "applyset.kubernetes.io/part-of";
const PARENT_TYPE: &str = "applyset.kubernetes.io/is-parent-type";
/// The tool whose sets these are: kubectl's, so that either program can go on with the other's.
const TOOL: &str = "kubectl";
/// The field manager of parents.
const MANAGER: &str = "kubectl-applyset";

/// The object that remembers a set.
#[derive(Clone, Debug)]
pub struct Parent {
    mapping: Mapping,
    namespace: String,
    name: String,
}

/// A set, as it was and as it will be.
#[derive(Debug)]
pub struct ApplySet {
    parent: Parent,
    /// The tool and its version, as the parent says them.
    tooling: String,
    current: Members,
    updated: Members,
}

/// Where the objects of a set are.
#[derive(Clone, Debug, Default)]
struct Members {
    /// By `Kind.group`.
    kinds: BTreeMap<String, Mapping>,
    namespaces: BTreeSet<String>,
}

/// What a parent is to remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What was there and what will be: nothing is lost when the rest fails.
    Superset,
    /// What is there now.
    Latest,
}

impl Parent {
    /// Reads `--applyset`: `[RESOURCE][.GROUP]/NAME`, or the name of a Secret. A namespace counts only when it was asked
    /// for by name.
    pub async fn find(cluster: &Cluster, text: &str) -> Result<Self, Failure> {
        let wrong = |problem: String| Failure::message(format!("invalid parent reference {text:?}: {problem}"));
        let (word, name) = text.split_once('/').unwrap_or(("secrets", text));
        if name.is_empty() {
            return Err(wrong("name cannot be blank".into()));
        }
        let mapping = cluster.client.resource(word).await.map_err(|error| {
            let (resource, group) = word.split_once('.').unwrap_or((word, ""));
            wrong(match error {
                client::Error::Map(_) => format!("no matches for {group}/, Resource={resource}"),
                error => error.to_string(),
            })
        })?;
        let namespace = if mapping.namespaced && cluster.enforced { cluster.namespace.clone() } else { String::new() };
        Ok(Parent { mapping, namespace, name: name.into() })
    }

    fn is_builtin(&self) -> bool {
        let gvr = &self.mapping.gvr;
        gvr.group.is_empty() && matches!(gvr.resource.as_str(), "secrets" | "configmaps")
    }

    /// Refuses what may not be a parent.
    pub async fn check(&self, cluster: &Cluster) -> Result<(), Failure> {
        let mut failures = Vec::new();
        if self.mapping.namespaced && self.namespace.is_empty() {
            failures.push(Failure::message("namespace is required to use namespace-scoped ApplySet"));
        }
        if !self.is_builtin() {
            let permitted = match custom_parents(cluster).await {
                Ok(permitted) => permitted,
                Err(failure) => {
                    let words = failure.words();
                    failures
                        .push(Failure::message(format!("identifying allowed custom resource parent types: {words}")));
                    Vec::new()
                }
            };
            let gvr = &self.mapping.gvr;
            if !permitted.contains(&gvr.group_resource().to_string()) {
                let what = format!("{}/{}, Resource={}", gvr.group, gvr.version, gvr.resource);
                failures.push(Failure::message(format!("resource {what:?} is not permitted as an ApplySet parent")));
            }
        }
        Failure::collect(failures)
    }

    /// `secrets./name`, as messages quote it.
    fn shown(&self) -> String {
        let gvr = &self.mapping.gvr;
        format!("{:?}", format!("{}.{}/{}", gvr.resource, gvr.group, self.name))
    }

    /// The set's id: a label's value, made of the parent's name, namespace, kind and group.
    fn id(&self) -> String {
        let gvk = &self.mapping.gvk;
        let whole = [self.name.as_str(), &self.namespace, &gvk.kind, &gvk.group].join(".");
        let digest = ring::digest::digest(&ring::digest::SHA256, whole.as_bytes());
        format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(digest))
    }
}

/// The names of the definitions whose objects may be parents.
async fn custom_parents(cluster: &Cluster) -> Result<Vec<String>, Failure> {
    let definitions = Mapping {
        gvr: GroupVersionResource::new("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
        gvk: GroupVersionKind::new("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
        ..Mapping::default()
    };
    let request = Request::list(&definitions, "").query("labelSelector", PARENT_TYPE);
    let list = cluster.client.json(&request).await?;
    Ok(lists::items(list).iter().map(|definition| definition.name().to_string()).collect())
}

impl ApplySet {
    /// The set of a parent; `version` is that of the tool.
    pub fn new(parent: Parent, version: &str) -> Self {
        let tooling = format!("{TOOL}/{version}");
        ApplySet { parent, tooling, current: Members::default(), updated: Members::default() }
    }

    /// Makes objects members. None may be a member of any set already.
    pub fn label(&self, infos: &mut [Info]) -> Result<(), Failure> {
        for info in infos {
            if info.object.label(PART_OF).is_some() {
                return Err(Failure::message(format!("ApplySet label {PART_OF:?} already set in input data")));
            }
            info.object.put(&["metadata", "labels", PART_OF], self.parent.id());
        }
        Ok(())
    }

    /// Reads the parent, and has it remember where these objects will be as well, before any of them is applied.
    pub async fn prepare(
        &mut self,
        cluster: &Cluster,
        infos: &[Info],
        dry_run: DryRun,
        validation: Validation,
    ) -> Result<Option<String>, Failure> {
        self.current = self.fetch(cluster).await?;
        for info in infos {
            self.updated.kinds.insert(group_kind(&info.mapping), info.mapping.clone());
            if info.mapping.namespaced && !info.namespace.is_empty() {
                self.updated.namespaces.insert(info.namespace.clone());
            }
        }
        self.remember(cluster, Extent::Superset, dry_run, validation).await
    }

    /// What the parent remembers; nothing when it is not there and can be made.
    async fn fetch(&self, cluster: &Cluster) -> Result<Members, Failure> {
        let parent = &self.parent;
        let (shown, mapping) = (parent.shown(), &parent.mapping);
        let fail = |text: String| Err(Failure::message(text));
        let request = Request::get(mapping, &parent.namespace, &parent.name);
        let object = match cluster.client.json(&request).await.map_err(Failure::from) {
            Ok(object) => object,
            Err(failure) if failure.is_not_found() => {
                return match parent.is_builtin() {
                    true => Ok(Members::default()),
                    false => fail("custom resource ApplySet parents cannot be created automatically".into()),
                };
            }
            Err(failure) => {
                return fail(format!("failed to fetch ApplySet parent object {shown}: {}", failure.words()));
            }
        };
        let Some(tooling) = object.annotation(TOOLING) else {
            return fail(format!(
                "ApplySet parent object {shown} already exists and is missing required annotation {TOOLING:?}"
            ));
        };
        let tool = tooling.rsplit_once('/').map_or(tooling, |(tool, _)| tool);
        if tool != TOOL {
            return fail(format!(
                "ApplySet parent object {shown} already exists and is managed by tooling {tool:?} instead of {TOOL:?}"
            ));
        }
        match (object.label(ID), parent.id()) {
            (None, _) => {
                return fail(format!("ApplySet parent object {shown} exists and does not have required label {ID}"));
            }
            (Some(id), own) if id != own => {
                return fail(format!(
                    "ApplySet parent object {shown} exists and has incorrect value for label {ID:?} (got: {id}, want: {own})"
                ));
            }
            _ => {}
        }
        let kinds = kinds(cluster, &object).await.map_err(|failure| {
            Failure::message(format!("parsing ApplySet annotation on {shown}: {}", failure.words()))
        })?;
        let mut namespaces: BTreeSet<String> =
            parts(object.annotation(NAMESPACES).unwrap_or_default()).map(String::from).collect();
        if mapping.namespaced {
            namespaces.insert(parent.namespace.clone());
        }
        Ok(Members { kinds, namespaces })
    }

    /// Has the parent remember, by server-side apply. The result is a warning, when others had set what is the set's.
    pub async fn remember(
        &self,
        cluster: &Cluster,
        extent: Extent,
        dry_run: DryRun,
        validation: Validation,
    ) -> Result<Option<String>, Failure> {
        if dry_run == DryRun::Client {
            return Ok(None);
        }
        let parent = &self.parent;
        let body = json::to_string(&self.patch(extent)).into_bytes();
        let send = |force: &str| {
            let request =
                Request::patch(&parent.mapping, &parent.namespace, &parent.name, PatchKind::Apply, body.clone())
                    .query("fieldManager", MANAGER)
                    .query("fieldValidation", validation.parameter())
                    .query("force", force);
            if dry_run == DryRun::Server { request.query("dryRun", "All") } else { request }
        };
        let mut warning = None;
        let mut answer = cluster.client.json(&send("false")).await.map_err(Failure::from);
        if let Err(failure) = &answer
            && failure.is_conflict()
        {
            let words = failure.words();
            warning = Some(format!(
                "WARNING: failed to update ApplySet: {words}\nApplySet field manager {MANAGER} should own these fields. Retrying with conflicts forced."
            ));
            answer = cluster.client.json(&send("true")).await.map_err(Failure::from);
        }
        answer
            .map(|_| warning)
            .map_err(|failure| Failure::message(format!("failed to update ApplySet: {}", failure.words())))
    }

    fn patch(&self, extent: Extent) -> Object {
        let Members { mut kinds, mut namespaces } = self.updated.clone();
        if extent == Extent::Superset {
            kinds.extend(self.current.kinds.clone());
            namespaces.extend(self.current.namespaces.iter().cloned());
        }
        let parent = &self.parent;
        namespaces.remove(&parent.namespace);
        let joined = |names: Vec<String>| names.join(",");
        let mut patch = json!({
            "apiVersion": parent.mapping.gvk.api_version(), "kind": parent.mapping.gvk.kind,
            "metadata": {
                "name": parent.name,
                "annotations": {
                    TOOLING: self.tooling,
                    KINDS: joined(kinds.into_keys().collect()),
                    NAMESPACES: joined(namespaces.into_iter().collect()),
                },
                "labels": {ID: parent.id()},
            },
        });
        if !parent.namespace.is_empty() {
            patch.put(&["metadata", "namespace"], parent.namespace.as_str());
        }
        patch
    }

    /// Where members may be that are to go.
    pub fn places(&self) -> Vec<Place> {
        let mappings: Vec<Mapping> = self.current.kinds.values().cloned().collect();
        Place::of(&mappings, &self.current.namespaces)
    }

    /// The selector of members.
    pub fn selector(&self) -> String {
        format!("{PART_OF}={}", self.parent.id())
    }
}

/// The parts of a list with commas; none in an empty one.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(move |_| !text.is_empty())
}

/// `Deployment.apps`; a kind of the core group stands alone.
pub fn group_kind(mapping: &Mapping) -> String {
    crate::api::group::qualified(&mapping.gvk.kind, &mapping.gvk.group)
}

/// The kinds that a parent says its set has.
async fn kinds(cluster: &Cluster, parent: &Object) -> Result<BTreeMap<String, Mapping>, Failure> {
    let mut found = BTreeMap::new();
    let fail = |text: String| Failure::message(text);
    match (parent.annotation(KINDS), parent.annotation(RESOURCES).filter(|text| !text.is_empty())) {
        (Some(kinds), _) => {
            for part in parts(kinds) {
                let (kind, group) = part.split_once('.').unwrap_or((part, ""));
                let mapping = cluster.client.kind(&GroupVersionKind::new(group, "", kind)).await.map_err(|error| {
                    let problem = match error {
                        client::Error::Map(_) => format!("no matches for kind {kind:?} in group {group:?}"),
                        error => error.to_string(),
                    };
                    fail(format!("could not find mapping for kind in {KINDS:?} annotation: {problem}"))
                })?;
                found.insert(group_kind(&mapping), mapping);
            }
        }
        (None, Some(resources)) => {
            for part in parts(resources) {
                let mapping = cluster.client.resource(part).await.map_err(|error| {
                    let (resource, group) = part.split_once('.').unwrap_or((part, ""));
                    let problem = match error {
                        client::Error::Map(_) => format!("no matches for {group}/, Resource={resource}"),
                        error => error.to_string(),
                    };
                    fail(format!("invalid group resource in {RESOURCES:?} annotation: {problem}"))
                })?;
                found.insert(group_kind(&mapping), mapping);
            }
        }
        (None, None) => {
            return Err(fail(format!(
                "kubectl requires the {KINDS:?} annotation to be set on all ApplySet parent objects"
            )));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(group: &str, kind: &str, resource: &str, namespaced: bool) -> Mapping {
        Mapping {
            gvk: GroupVersionKind::new(group, "v1", kind),
            gvr: GroupVersionResource::new(group, "v1", resource),
            namespaced,
            ..Mapping::default()
        }
    }

    fn set() -> ApplySet {
        let parent =
            Parent { mapping: mapping("", "Secret", "secrets", true), namespace: "default".into(), name: "x".into() };
        let mut set = ApplySet::new(parent, "v1.37.1");
        let deployment = mapping("apps", "Deployment", "deployments", true);
        let namespace = mapping("", "Namespace", "namespaces", false);
        set.current.kinds = [("Deployment.apps", &deployment), ("Namespace", &namespace)]
            .map(|(key, mapping)| (key.to_string(), mapping.clone()))
            .into();
        set.current.namespaces = ["default", "one"].map(String::from).into();
        set.updated.kinds = [("ConfigMap".to_string(), mapping("", "ConfigMap", "configmaps", true))].into();
        set.updated.namespaces = ["two".to_string()].into();
        set
    }

    #[test]
    fn ids_are_those_of_kubectl() {
        assert_eq!(set().parent.id(), "applyset-G-rLwzXLn5grGNpeFK7ac0_4jtXh8lZY2C-WSkRhu3w-v1");
        assert_eq!(set().parent.shown(), "\"secrets./x\"");
    }

    #[test]
    fn parents_remember_both_until_pruning_is_done() {
        for (extent, kinds, namespaces) in
            [(Extent::Superset, "ConfigMap,Deployment.apps,Namespace", "one,two"), (Extent::Latest, "ConfigMap", "two")]
        {
            let patch = set().patch(extent);
            assert_eq!(patch.annotation(KINDS), Some(kinds));
            assert_eq!(patch.annotation(NAMESPACES), Some(namespaces));
            assert_eq!(patch.annotation(TOOLING), Some("kubectl/v1.37.1"));
            assert_eq!(patch.namespace(), "default");
        }
    }

    #[test]
    fn members_are_looked_for_where_they_were() {
        let places = set().places();
        let found: Vec<_> = places.iter().map(|p| (p.namespace.as_str(), group_kind(&p.mapping))).collect();
        let want = [("default", "Deployment.apps"), ("one", "Deployment.apps"), ("", "Namespace")];
        assert_eq!(found, want.map(|(namespace, kind)| (namespace, kind.to_string())));
        assert_eq!(parts("").count(), 0);
        assert_eq!(parts("a,b").count(), 2);
    }
}
