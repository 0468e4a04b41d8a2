//! Custom resources whose definitions are in the same input: what the server will call them, and when it is ready.

use super::{Cluster, Failure, infos::Info};
use crate::api::{GroupVersionKind, GroupVersionResource, Object, ObjectExt};
use crate::client::{MapError, Mapping, Request};
use http::Method;
use std::time::{Duration, Instant};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/// How long a new definition may take until its objects are served, and how often that is asked.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// The resources that a CustomResourceDefinition defines; none for other objects.
pub fn defined(object: &Object) -> Vec<Mapping> {
    let group = object.text(&["spec", "group"]);
    if object.kind() != "CustomResourceDefinition" || group.is_empty() {
        return Vec::new();
    }
    let (kind, plural) = (object.text(&["spec", "names", "kind"]), object.text(&["spec", "names", "plural"]));
    let served = |version: &&Object| version.get("served") != Some(&Object::Bool(false));
    let mapping = |version: &'_ Object| Mapping {
        gvk: GroupVersionKind::new(group, version.text(&["name"]), kind),
        gvr: GroupVersionResource::new(group, version.text(&["name"]), plural),
        namespaced: object.text(&["spec", "scope"]) == "Namespaced",
        ..Mapping::default()
    };
    object.items_at(&["spec", "versions"]).iter().filter(served).map(mapping).collect()
}

/// What is said of an object of a kind that the server does not have.
pub fn unmapped(object: &Object, source: &str, problem: &dyn std::fmt::Display) -> Failure {
    let (name, namespace) = (object.name(), object.namespace());
    Failure::message(format!(
        "resource mapping not found for name: {name:?} namespace: {namespace:?} from {source:?}: {problem}\nensure CRDs are installed first"
    ))
}

/// Whether an object is of a kind that the server did not know when it was asked, and the same input defines.
pub fn is_awaited(info: &Info) -> bool {
    // What a server tells of a resource is what can be done with it.
    info.mapping.verbs.is_empty()
}

/// Waits until the server serves the resource of an object that is of a kind which the same input defines, and has
/// `tell` hear so. Where the server knew the kind before, there is nothing to wait for.
pub async fn ready(cluster: &Cluster, info: &Info, tell: impl Fn(String)) -> Result<(), Failure> {
    if !is_awaited(info) {
        return Ok(());
    }
    let gvr = &info.mapping.gvr;
    let definition = format!("{DEFINITIONS}/{}.{}", gvr.resource, gvr.group);
    match cluster.client.json(&Request::new(Method::GET, &definition)).await.map_err(Failure::from) {
        Err(failure) if failure.is_not_found() => {
            let problem = MapError::Kind(info.mapping.gvk.clone());
            Err(unmapped(&info.object, &info.source, &problem))
        }
        // Who may not look at definitions may still have what they define.
        _ => {
            tell(format!("waits for the server to serve {}", gvr.group_resource()));
            served(cluster, &info.mapping).await
        }
    }
}

async fn served(cluster: &Cluster, mapping: &Mapping) -> Result<(), Failure> {
    let gvr = &mapping.gvr;
    let request = Request::new(Method::GET, &format!("/apis/{}/{}", gvr.group, gvr.version));
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = cluster.client.json(&request).await.map_err(Failure::from);
        match answer {
            Ok(list) if list.items_at(&["resources"]).iter().any(|known| known.text(&["name"]) == gvr.resource) => {
                return Ok(());
            }
            Err(failure) if !failure.is_not_found() && failure.status().is_none_or(|status| status.code != 503) => {
                return Err(failure);
            }
            _ if Instant::now() > deadline => {
                let what = gvr.group_resource();
                return Err(Failure::message(format!("timed out waiting for the server to serve {what}")));
            }
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn definitions_name_their_resources() {
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "spec": {
                "group": "example.com", "scope": "Namespaced", "names": {"kind": "Widget", "plural": "widgets"},
                "versions": [{"name": "v1", "served": true}, {"name": "v1beta1", "served": false}, {"name": "v2"}],
            },
        });
        let found: Vec<_> = defined(&definition).iter().map(|mapping| mapping.gvk.to_string()).collect();
        assert_eq!(found, ["example.com/v1, Kind=Widget", "example.com/v2, Kind=Widget"]);
        assert!(defined(&definition)[0].namespaced);
        assert_eq!(defined(&definition)[0].gvr.resource, "widgets");
        assert!(defined(&json!({"kind": "Pod", "spec": {"group": "x"}})).is_empty());
    }
}
