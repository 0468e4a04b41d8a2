//! What a server serves: groups, versions and resources, from its discovery documents (KEP-3352, and the older form).

use super::transport::Transport;
use super::{Error, answer};
use crate::api::{GoDuration, GroupVersion, GroupVersionKind, GroupVersionResource, Value};
use crate::client::Request;
use crate::client::mapper::{Mapping, Subresource};
use futures_util::StreamExt;
use futures_util::stream;
use http::{HeaderMap, Method};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// Asks for all groups with all their resources at once, in the newest form that the server knows.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                          application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
/// How long discovery may take when nothing else is said (client-go).
const TIMEOUT: GoDuration = GoDuration(32_000_000_000);
/// How many of the older documents are asked for at the same time.
const CONCURRENCY: usize = 10;

/// What a server serves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Discovery {
    /// The groups, in the server's order; the core group is first and has no name.
    pub groups: Vec<Group>,
    /// The group versions that could not be asked, with the reasons.
    #[serde(skip)]
    pub failed: BTreeMap<String, String>,
}

/// One group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The name; empty for the core group.
    pub name: String,
    /// The version that the server prefers.
    pub preferred: String,
    /// The versions, in the server's order.
    pub versions: Vec<Version>,
}

/// One version of a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// The name, such as `v1`.
    pub version: String,
    /// What it has; nothing when the server did not know, or could not be asked.
    pub resources: Vec<ApiResource>,
}

/// One resource of a group version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiResource {
    /// The plural name.
    #[serde(rename = "n")]
    pub name: String,
    /// The singular name; empty when the server gives none.
    #[serde(rename = "s", skip_serializing_if = "String::is_empty")]
    pub singular: String,
    /// The kind of its objects.
    #[serde(rename = "k")]
    pub kind: String,
    /// Whether its objects live in namespaces.
    #[serde(rename = "ns", skip_serializing_if = "std::ops::Not::not")]
    pub namespaced: bool,
    /// What can be done with it.
    #[serde(rename = "v")]
    pub verbs: Vec<String>,
    /// Short names.
    #[serde(rename = "sn", skip_serializing_if = "Vec::is_empty")]
    pub short_names: Vec<String>,
    /// Categories, such as `all`.
    #[serde(rename = "c", skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// What lies below an object.
    #[serde(rename = "sub", skip_serializing_if = "Vec::is_empty")]
    pub subresources: Vec<ApiSubresource>,
}

/// What lies below an object: `status`, `scale`, ...
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiSubresource {
    /// The name.
    #[serde(rename = "n")]
    pub name: String,
    /// The group of the kind that it takes and gives; with an empty version, the resource's own.
    #[serde(rename = "g", skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The kind's version; empty for the resource's own.
    #[serde(rename = "gv", skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The kind.
    #[serde(rename = "k")]
    pub kind: String,
    /// What can be done with it.
    #[serde(rename = "v")]
    pub verbs: Vec<String>,
}

impl Discovery {
    /// Every group version with its resources, in the server's order.
    pub fn versions(&self) -> impl Iterator<Item = (GroupVersion, &Version)> {
        self.groups.iter().flat_map(|group| {
            group
                .versions
                .iter()
                .map(|version| (GroupVersion { group: group.name.clone(), version: version.version.clone() }, version))
        })
    }

    /// The mapping of a resource that is served in a group version.
    pub(super) fn mapping(gv: &GroupVersion, resource: &ApiResource) -> Mapping {
        let own = |kind: &str, group: &str, version: &str| match version {
            "" => gv.with_kind(kind),
            version => GroupVersionKind::new(group, version, kind),
        };
        let subresources = resource.subresources.iter().map(|sub| Subresource {
            name: sub.name.clone(),
            gvk: own(&sub.kind, &sub.group, &sub.version),
            verbs: sub.verbs.clone(),
        });
        Mapping {
            gvr: GroupVersionResource::new(&gv.group, &gv.version, &resource.name),
            gvk: gv.with_kind(&resource.kind),
            namespaced: resource.namespaced,
            verbs: resource.verbs.clone(),
            short_names: resource.short_names.clone(),
            singular: resource.singular.clone(),
            categories: resource.categories.clone(),
            subresources: subresources.collect(),
        }
    }
}

/// Asks the server what it serves.
pub(super) async fn fetch(transport: &Transport) -> Result<Discovery, Error> {
    let mut discovery = Discovery::default();
    let mut missing: Vec<GroupVersion> = Vec::new();
    for path in ["/api", "/apis"] {
        let (headers, body) = match document(transport, path, AGGREGATED).await {
            // A server without a core group is one of an extension.
            Err(error) if path == "/api" && error.has_reason("NotFound") => continue,
            other => other?,
        };
        if is_aggregated(&headers) {
            discovery.groups.extend(decode::<AggregatedList>(&body)?.items.into_iter().map(Group::from));
        } else {
            let groups = if path == "/api" {
                vec![decode::<CoreVersions>(&body)?.into()]
            } else {
                decode::<GroupList>(&body)?.groups
            };
            let groups = groups.into_iter().map(Group::from);
            for group in groups {
                missing.extend(
                    group
                        .versions
                        .iter()
                        .map(|v| GroupVersion { group: group.name.clone(), version: v.version.clone() }),
                );
                discovery.groups.push(group);
            }
        }
    }
    fetch_resources(transport, &mut discovery, missing).await;
    Ok(discovery)
}

/// Asks for the resources of single group versions, the older way.
async fn fetch_resources(transport: &Transport, discovery: &mut Discovery, missing: Vec<GroupVersion>) {
    let ask = |gv: GroupVersion| async move {
        let answer = document(transport, &gv.root(), super::request::ANYTHING).await;
        (answer.and_then(|(_, body)| decode::<ResourceList>(&body)), gv)
    };
    let mut answers = stream::iter(missing).map(ask).buffer_unordered(CONCURRENCY);
    while let Some((answer, gv)) = answers.next().await {
        let groups = discovery.groups.iter_mut().filter(|group| group.name == gv.group);
        let version = groups.flat_map(|g| &mut g.versions).find(|version| version.version == gv.version);
        match (answer, version) {
            (Ok(list), Some(version)) => version.resources = resources(list),
            (Ok(_), None) => {}
            (Err(error), _) => {
                discovery.failed.insert(gv.to_string(), error.to_string());
            }
        }
    }
}

async fn document(transport: &Transport, path: &str, accept: &str) -> Result<(HeaderMap, Vec<u8>), Error> {
    let request = Request::new(Method::GET, path).accept(accept).timeout(TIMEOUT);
    let response = transport.open(&request).await?;
    let (code, headers) = (response.status(), response.headers().clone());
    let body = transport.body(response).await?;
    transport.trace_body(&request, &body);
    if !code.is_success() {
        return Err(answer::generic(&request, code.as_u16(), &headers, &body).into());
    }
    Ok((headers, body.to_vec()))
}

fn is_aggregated(headers: &HeaderMap) -> bool {
    let text = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';').any(|part| part.trim() == "as=APIGroupDiscoveryList")
}

fn decode<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| Error::Message(super::json_fault(&error, body)))
}

/// Null and a missing list are the same.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Deserialize)]
struct AggregatedList {
    #[serde(default, deserialize_with = "list")]
    items: Vec<AggregatedGroup>,
}

#[derive(Deserialize)]
struct AggregatedGroup {
    #[serde(default)]
    metadata: Value,
    #[serde(default, deserialize_with = "list")]
    versions: Vec<AggregatedVersion>,
}

#[derive(Deserialize)]
struct AggregatedVersion {
    version: String,
    #[serde(default, deserialize_with = "list")]
    resources: Vec<AggregatedResource>,
    #[serde(default)]
    freshness: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AggregatedResource {
    resource: String,
    response_kind: Option<Kind>,
    scope: String,
    singular_resource: String,
    #[serde(deserialize_with = "list")]
    verbs: Vec<String>,
    #[serde(deserialize_with = "list")]
    short_names: Vec<String>,
    #[serde(deserialize_with = "list")]
    categories: Vec<String>,
    #[serde(deserialize_with = "list")]
    subresources: Vec<AggregatedSubresource>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AggregatedSubresource {
    subresource: String,
    response_kind: Option<Kind>,
    #[serde(deserialize_with = "list")]
    verbs: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Kind {
    group: String,
    version: String,
    kind: String,
}

impl From<AggregatedGroup> for Group {
    fn from(group: AggregatedGroup) -> Self {
        let name = group.metadata.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let preferred = group.versions.first().map(|first| first.version.clone()).unwrap_or_default();
        // What the server says of a group that it cannot reach at present is not to be relied on.
        let current = |version: AggregatedVersion| Version {
            version: version.version,
            resources: match version.freshness.as_str() {
                "Stale" => Vec::new(),
                // A resource without a kind only has subresources to offer.
                _ => {
                    version.resources.into_iter().filter(|r| r.response_kind.is_some()).map(ApiResource::from).collect()
                }
            },
        };
        Self { name, preferred, versions: group.versions.into_iter().map(current).collect() }
    }
}

impl From<AggregatedResource> for ApiResource {
    fn from(resource: AggregatedResource) -> Self {
        let subresource = |sub: AggregatedSubresource| {
            let kind = sub.response_kind.unwrap_or_default();
            ApiSubresource {
                name: sub.subresource,
                group: kind.group,
                version: kind.version,
                kind: kind.kind,
                verbs: sub.verbs,
            }
        };
        Self {
            name: resource.resource,
            singular: resource.singular_resource,
            kind: resource.response_kind.unwrap_or_default().kind,
            namespaced: resource.scope == "Namespaced",
            verbs: resource.verbs,
            short_names: resource.short_names,
            categories: resource.categories,
            subresources: resource.subresources.into_iter().map(subresource).collect(),
        }
    }
}

#[derive(Deserialize)]
struct CoreVersions {
    #[serde(default, deserialize_with = "list")]
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct GroupList {
    #[serde(default, deserialize_with = "list")]
    groups: Vec<OldGroup>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OldGroup {
    name: String,
    versions: Vec<OldVersion>,
    preferred_version: OldVersion,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct OldVersion {
    version: String,
}

impl From<CoreVersions> for OldGroup {
    fn from(core: CoreVersions) -> Self {
        let versions: Vec<OldVersion> = core.versions.into_iter().map(|version| OldVersion { version }).collect();
        Self { name: String::new(), preferred_version: versions.first().cloned().unwrap_or_default(), versions }
    }
}

impl From<OldGroup> for Group {
    fn from(group: OldGroup) -> Self {
        let versions = group.versions.into_iter().map(|v| Version { version: v.version, resources: Vec::new() });
        Self { name: group.name, preferred: group.preferred_version.version, versions: versions.collect() }
    }
}

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default, deserialize_with = "list")]
    resources: Vec<OldResource>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OldResource {
    name: String,
    singular_name: String,
    namespaced: bool,
    group: String,
    version: String,
    kind: String,
    #[serde(deserialize_with = "list")]
    verbs: Vec<String>,
    #[serde(deserialize_with = "list")]
    short_names: Vec<String>,
    #[serde(deserialize_with = "list")]
    categories: Vec<String>,
}

/// Puts subresources, which the older documents list as `RESOURCE/SUBRESOURCE`, below their resources.
fn resources(list: ResourceList) -> Vec<ApiResource> {
    let (below, own): (Vec<OldResource>, Vec<OldResource>) =
        list.resources.into_iter().partition(|r| r.name.contains('/'));
    let mut resources: Vec<ApiResource> = own
        .into_iter()
        .map(|r| ApiResource {
            name: r.name,
            singular: r.singular_name,
            kind: r.kind,
            namespaced: r.namespaced,
            verbs: r.verbs,
            short_names: r.short_names,
            categories: r.categories,
            subresources: Vec::new(),
        })
        .collect();
    for sub in below {
        let (name, part) = sub.name.split_once('/').unwrap_or_default();
        if let Some(resource) = resources.iter_mut().find(|resource| resource.name == name) {
            resource.subresources.push(ApiSubresource {
                name: part.to_owned(),
                group: sub.group,
                version: sub.version,
                kind: sub.kind,
                verbs: sub.verbs,
            });
        }
    }
    resources
}

#[cfg(test)]
#[path = "discovery_tests.rs"]
pub(super) mod tests;
