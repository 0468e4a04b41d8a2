//! Pruning by allowlist: what was applied before, matches the selector and is not among what is applied now.

use super::delete::{self, Target};
use super::lists::{self, Query};
use super::{Cluster, Failure, last_applied, waves};
use crate::api::{GroupVersionKind, Object, ObjectExt};
use crate::client::Mapping;
use futures_util::{StreamExt, stream};
use std::collections::BTreeSet;

/// What is pruned unless an allowlist is given, in kubectl's order.
const DEFAULT: [(&str, &str, &str); 16] = [
    ("", "v1", "ConfigMap"),
    ("", "v1", "Endpoints"),
    ("", "v1", "PersistentVolumeClaim"),
    ("", "v1", "Pod"),
    ("", "v1", "ReplicationController"),
    ("", "v1", "Secret"),
    ("", "v1", "Service"),
    ("batch", "v1", "Job"),
    ("batch", "v1", "CronJob"),
    ("networking.k8s.io", "v1", "Ingress"),
    ("apps", "v1", "DaemonSet"),
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "ReplicaSet"),
    ("apps", "v1", "StatefulSet"),
    ("", "v1", "Namespace"),
    ("", "v1", "PersistentVolume"),
];
/// Where kubectl's source warns that the default list will become shorter, and how.
pub const WARNING: (&str, &str) = (
    "prune.go:71",
    "Deprecated: kubectl apply will no longer prune non-namespaced resources by default when used with the --namespace flag in a future release. To preserve the current behaviour, list the resources you want to target explicitly in the --prune-allowlist flag.",
);

/// Reads `--prune-allowlist`: GROUP/VERSION/KIND, with `core` or nothing for the core group.
pub fn allowlist(entries: &[String]) -> Result<Vec<GroupVersionKind>, Failure> {
    let read = |entry: &String| match entry.split('/').collect::<Vec<_>>()[..] {
        [group, version, kind] => Ok(GroupVersionKind::new(if group == "core" { "" } else { group }, version, kind)),
        _ => Err(Failure::message(format!(
            "invalid GroupVersionKind format: {entry}, please follow <group/version/kind>"
        ))),
    };
    entries.iter().map(read).collect()
}

/// The resources of an allowlist.
pub async fn resources(cluster: &Cluster, allowlist: &[GroupVersionKind]) -> Result<Vec<Mapping>, Failure> {
    let mut mappings = Vec::new();
    for kind in allowlist {
        mappings.push(cluster.client.kind(kind).await?);
    }
    Ok(mappings)
}

/// The resources that are pruned when there is no allowlist.
pub async fn default_resources(cluster: &Cluster) -> Result<Vec<Mapping>, Failure> {
    let mut mappings = Vec::new();
    for (group, version, kind) in DEFAULT {
        let namespaced = !matches!(kind, "Namespace" | "PersistentVolume");
        let mapping = cluster.client.kind(&GroupVersionKind::new(group, version, kind)).await.map_err(|error| {
            let what = format!("{group}/{version}, Kind={kind}, Namespaced={namespaced}");
            Failure::message(format!("error retrieving RESTMappings to prune: invalid resource {what}: {error}"))
        });
        mappings.push(mapping?);
    }
    Ok(mappings)
}

/// A type of objects and where they are looked for.
#[derive(Clone, Debug)]
pub struct Place {
    /// The type.
    pub mapping: Mapping,
    /// The namespace; empty for what belongs to the whole cluster.
    pub namespace: String,
}

impl Place {
    /// The places of these types: in each namespace those that are in namespaces, then the others.
    pub fn of(mappings: &[Mapping], namespaces: &BTreeSet<String>) -> Vec<Place> {
        let place =
            |mapping: &Mapping, namespace: &str| Place { mapping: mapping.clone(), namespace: namespace.into() };
        let inside = || mappings.iter().filter(|mapping| mapping.namespaced);
        let outside = mappings.iter().filter(|mapping| !mapping.namespaced);
        namespaces
            .iter()
            .flat_map(|namespace| inside().map(move |mapping| place(mapping, namespace)))
            .chain(outside.map(|mapping| place(mapping, "")))
            .collect()
    }

    /// Says that this place was being pruned when something went wrong.
    pub fn failed(&self, failure: &Failure) -> Failure {
        let scope = if self.mapping.namespaced { "namespaced" } else { "nonNamespaced" };
        Failure::message(format!("error pruning {scope} object {}: {}", self.mapping.gvk, failure.words()))
    }

    /// The objects here that match the selector and that `stale` says are to go.
    async fn stale(
        &self,
        cluster: &Cluster,
        labels: &str,
        stale: &impl Fn(&Object) -> bool,
    ) -> Result<Vec<Object>, Failure> {
        let query = Query { labels: labels.into(), ..Query::default() };
        let mut found = Vec::new();
        let page = |page| {
            found.extend(lists::items(page).into_iter().filter(stale));
            Ok(())
        };
        query.pages(cluster, &self.mapping, &self.namespace, page).await?;
        Ok(found)
    }

    /// Deletes one object that was found here.
    pub async fn delete(&self, cluster: &Cluster, object: &Object, options: &delete::Options) -> Result<(), Failure> {
        let target = Target {
            mapping: self.mapping.clone(),
            namespace: self.namespace.clone(),
            name: object.name().into(),
            source: String::new(),
        };
        delete::delete(cluster, &target, options).await.map(drop)
    }
}

/// Looks in all places at once. `found` gets what is to go from each, in their order; what it returns ends the search.
pub async fn search(
    cluster: &Cluster,
    places: &[Place],
    labels: &str,
    stale: impl Fn(&Object) -> bool,
    mut found: impl AsyncFnMut(&Place, Result<Vec<Object>, Failure>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let look = |place: &'_ Place| {
        let place = place.clone();
        let stale = &stale;
        async move { place.stale(cluster, labels, stale).await }
    };
    let mut answers = std::pin::pin!(stream::iter(places).map(look).buffered(waves::CONCURRENCY));
    for place in places {
        let Some(answer) = answers.next().await else { break };
        found(place, answer).await?;
    }
    Ok(())
}

/// Whether an object is to go: it was applied, and is none of those that were visited now.
pub fn is_stale(object: &Object, visited: &BTreeSet<String>) -> bool {
    last_applied::read(object).is_some() && !visited.contains(object.uid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn allowlists_name_kinds() {
        let read = |entry: &str| allowlist(&[entry.to_string()]);
        assert_eq!(read("core/v1/Pod").unwrap(), [GroupVersionKind::new("", "v1", "Pod")]);
        assert_eq!(read("/v1/Pod").unwrap(), [GroupVersionKind::new("", "v1", "Pod")]);
        assert_eq!(read("apps/v1/Deployment").unwrap(), [GroupVersionKind::new("apps", "v1", "Deployment")]);
        for wrong in ["", "v1/Pod", "a/b/c/d"] {
            let words = read(wrong).unwrap_err().words();
            assert_eq!(words, format!("invalid GroupVersionKind format: {wrong}, please follow <group/version/kind>"));
        }
    }

    #[test]
    fn namespaces_come_before_the_cluster() {
        let mapping = |kind: &str, namespaced| Mapping {
            gvk: GroupVersionKind::new("", "v1", kind),
            namespaced,
            ..Mapping::default()
        };
        let mappings = [mapping("Namespace", false), mapping("Pod", true)];
        let places = Place::of(&mappings, &BTreeSet::from(["a".to_string(), "b".to_string()]));
        let found: Vec<_> =
            places.iter().map(|place| (place.namespace.as_str(), place.mapping.gvk.kind.as_str())).collect();
        assert_eq!(found, [("a", "Pod"), ("b", "Pod"), ("", "Namespace")]);
        let failure = Failure::message("no");
        assert_eq!(places[0].failed(&failure).words(), "error pruning namespaced object /v1, Kind=Pod: no");
        assert_eq!(places[2].failed(&failure).words(), "error pruning nonNamespaced object /v1, Kind=Namespace: no");
    }

    #[test]
    fn only_what_was_applied_goes() {
        let applied = json!({"metadata": {"uid": "1", "annotations": {last_applied::ANNOTATION: "{}"}}});
        assert!(is_stale(&applied, &BTreeSet::new()));
        assert!(!is_stale(&applied, &BTreeSet::from(["1".to_string()])));
        assert!(!is_stale(&json!({"metadata": {"uid": "2"}}), &BTreeSet::new()));
    }
}
