//! OpenAPI documents: those of the built-in resources, made from the facts, and those of other servers, read into
//! types.

mod document;
mod operations;
mod protobuf;
mod read;
mod types;

pub use document::Contents;
pub use protobuf::protobuf;
pub use read::{from_v2, from_v3, node};

use super::facts::{builtin, resources};
use super::{Resource, facts};
use crate::api::{GroupVersion, Value};
use serde_json::json;

const BUILTIN: fn() -> Contents<'static> = || Contents { catalog: builtin(), strategic: true };

/// The versions of the built-in groups, with their resources, in the order of discovery.
fn versions() -> Vec<(GroupVersion, Vec<&'static Resource>)> {
    let mut versions: Vec<(GroupVersion, Vec<&Resource>)> = Vec::new();
    for resource in resources() {
        let version = resource.group_version_resource().group_version();
        match versions.iter_mut().find(|(other, _)| *other == version) {
            Some((_, resources)) => resources.push(resource),
            None => versions.push((version, vec![resource])),
        }
    }
    versions
}

/// The OpenAPI 3 document of a version of a built-in group.
pub fn v3(version: &GroupVersion) -> Option<Value> {
    let (version, resources) = versions().into_iter().find(|(other, _)| other == version)?;
    Some(BUILTIN().v3(&version, &resources))
}

/// The OpenAPI 3 document at `path`, such as `apis/apps/v1` or `version`: what comes after `/openapi/v3/`.
pub fn v3_at(path: &str) -> Option<Value> {
    let version = match path.split('/').collect::<Vec<_>>()[..] {
        ["api", version] => GroupVersion { group: String::new(), version: version.into() },
        ["apis", group, version] => GroupVersion { group: group.into(), version: version.into() },
        _ if paths().iter().any(|other| other == path) => {
            return Some(BUILTIN().v3_plain(document::plain_items(path)?));
        }
        _ => return None,
    };
    v3(&version)
}

/// The paths of all OpenAPI 3 documents, sorted.
fn paths() -> Vec<String> {
    let mut paths: Vec<String> =
        [".well-known/openid-configuration", "api", "apis", "openid/v1/jwks", "version"].map(str::to_owned).to_vec();
    for (version, _) in versions() {
        paths.push(version.root().trim_start_matches('/').to_owned());
        if !version.group.is_empty() {
            paths.push(format!("apis/{}", version.group));
        }
    }
    paths.sort();
    paths.dedup();
    paths
}

/// The index of the OpenAPI 3 documents, with addresses that change when the documents do.
pub fn v3_index() -> Value {
    let hash = facts::fingerprint();
    let entry = |path: String| {
        let address = format!("/openapi/v3/{path}?hash={hash}");
        (path, json!({"serverRelativeURL": address}))
    };
    json!({"paths": paths().into_iter().map(entry).collect::<serde_json::Map<_, _>>()})
}

/// The Swagger 2 document of all built-in resources.
pub fn v2() -> Value {
    BUILTIN().v2(&versions())
}

#[cfg(test)]
mod tests;
