//! What the server has, for clients that ask: discovery in its old and its aggregated form.

use super::auth::token::ISSUER;
use super::errors::{Answer, no_such_resource};
use super::negotiate::{Accepted, Asked};
use super::pipeline::Server;
use super::registry::Served;
use super::request::{self, Query};
use super::respond::{self, Body};
use super::{health, version};
use crate::api::{GroupVersionKind, Value};
use base64::Engine;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Response, StatusCode};
use serde_json::json;
use std::sync::Arc;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

impl Server {
    /// Answers a request that is about no resource.
    pub(super) async fn path(
        &self,
        method: &Method,
        path: &str,
        query: &Query,
        headers: &HeaderMap,
    ) -> Answer<Response<Body>> {
        let pretty = request::pretty(query);
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let reads = matches!(*method, Method::GET | Method::HEAD);
        if !reads {
            return Ok(not_found());
        }
        let document = match parts.as_slice() {
            [] => return Ok(raw(&json!({"paths": self.paths()}))),
            ["version"] => return Ok(raw(&version::info())),
            ["healthz" | "livez" | "readyz", rest @ ..] => {
                return Ok(self.health(parts[0], &rest.join("/"), query).await);
            }
            ["openapi", rest @ ..] => return Ok(self.openapi(rest, query, headers)),
            [".well-known", "openid-configuration"] => {
                let keys = format!("https://{}/openid/v1/jwks", self.endpoint);
                let document = self.signer()?.configuration(ISSUER, &keys);
                return Ok(published("application/json", &document));
            }
            ["openid", "v1", "jwks"] => {
                return Ok(published("application/jwk-set+json", &self.signer()?.key_set()));
            }
            ["api"] if wants_aggregated(headers) => return Ok(aggregated(&self.aggregated(true))),
            ["apis"] if wants_aggregated(headers) => return Ok(aggregated(&self.aggregated(false))),
            ["api"] => self.core_versions(headers),
            ["apis"] => self.groups(),
            ["api", version] => self.resources("", version).ok_or_else(no_such_resource)?,
            ["apis", group] => match self.group(group) {
                Some(document) => document,
                None => return Ok(not_found()),
            },
            ["apis", group, version] => match self.resources(group, version) {
                Some(document) => document,
                None => return Ok(not_found()),
            },
            _ => return Ok(not_found()),
        };
        let accepted = Accepted::negotiate(headers, pretty, Asked::One)?;
        Ok(respond::value(StatusCode::OK, &document, accepted))
    }

    /// The paths that `GET /` lists.
    fn paths(&self) -> Vec<String> {
        let mut paths: Vec<String> =
            ["/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/apis/", "/flagz", "/metrics"]
                .into_iter()
                .chain(["/metrics/slis", "/openapi/v2", "/openapi/v3", "/openapi/v3/", "/openid/v1/jwks"])
                .chain(["/statusz", "/version"])
                .map(String::from)
                .collect();
        let all = self.registry.all();
        for served in all.iter().filter(|served| !served.kind.group.is_empty()) {
            paths.push(format!("/apis/{}", served.kind.group));
            paths.push(served.kind.group_version().root());
        }
        for endpoint in ["healthz", "livez", "readyz"] {
            paths.push(format!("/{endpoint}"));
            paths.extend(health::checks(endpoint).map(|check| format!("/{endpoint}/{check}")));
        }
        paths.sort();
        paths.dedup();
        paths
    }

    fn core_versions(&self, headers: &HeaderMap) -> Value {
        let address = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("");
        json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
        })
    }

    /// The groups with their versions, in order; the core group alone, or all the others.
    fn registry_groups(&self, core: bool) -> Vec<(String, Vec<String>)> {
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        let all = self.registry.all();
        for served in all.iter().filter(|served| served.kind.group.is_empty() == core) {
            let (group, version) = (&served.kind.group, &served.kind.version);
            match groups.iter_mut().find(|(name, _)| name == group) {
                Some((_, versions)) if !versions.contains(version) => versions.push(version.clone()),
                Some(_) => {}
                None => groups.push((group.clone(), vec![version.clone()])),
            }
        }
        groups
    }

    fn groups(&self) -> Value {
        let groups: Vec<Value> =
            self.registry_groups(false).iter().map(|(group, versions)| group_document(group, versions)).collect();
        json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
    }

    fn group(&self, name: &str) -> Option<Value> {
        let groups = self.registry_groups(false);
        let (group, versions) = groups.iter().find(|(group, _)| group == name)?;
        let mut document = group_document(group, versions);
        document["kind"] = "APIGroup".into();
        document["apiVersion"] = "v1".into();
        Some(document)
    }

    fn of_version(&self, group: &str, version: &str) -> impl Iterator<Item = Arc<Served>> {
        self.registry.all().into_iter().filter(move |s| s.kind.group == group && s.kind.version == version)
    }

    /// The resources of a version, in the old form.
    fn resources(&self, group: &str, version: &str) -> Option<Value> {
        let resources: Vec<Value> = self.of_version(group, version).flat_map(|served| old_form(&served)).collect();
        if resources.is_empty() {
            return None;
        }
        let group_version = if group.is_empty() { version.to_string() } else { format!("{group}/{version}") };
        let mut document = json!({"kind": "APIResourceList", "groupVersion": group_version, "resources": resources});
        if !group.is_empty() {
            document["apiVersion"] = "v1".into();
        }
        Some(document)
    }
}

fn group_document(group: &str, versions: &[String]) -> Value {
    let versions: Vec<Value> =
        versions.iter().map(|v| json!({"groupVersion": format!("{group}/{v}"), "version": v})).collect();
    json!({"name": group, "preferredVersion": versions.first(), "versions": versions})
}

/// A resource and what lies below it, in the old form.
fn old_form(served: &Served) -> Vec<Value> {
    let info = &served.info;
    let mut resource = json!({
        "name": info.resource, "singularName": info.singular, "namespaced": info.namespaced(), "kind": info.kind,
        "verbs": served.shown_verbs()
    });
    put_names(&mut resource, served);
    if served.allows("get") && served.allows("create") {
        resource["storageVersionHash"] = storage_version_hash(served).into();
    }
    let below = info.subresources.iter().map(|below| {
        let mut resource = json!({
            "name": format!("{}/{}", info.resource, below.name), "singularName": "", "namespaced": info.namespaced(),
            "kind": below.kind.kind, "verbs": below.verbs
        });
        if !below.kind.version.is_empty() {
            resource["group"] = below.kind.group.as_str().into();
            resource["version"] = below.kind.version.as_str().into();
        }
        resource
    });
    std::iter::once(resource).chain(below).collect()
}

fn put_names(resource: &mut Value, served: &Served) {
    let info = &served.info;
    if !info.short_names.is_empty() {
        resource["shortNames"] = info.short_names.clone().into();
    }
    if !info.categories.is_empty() {
        resource["categories"] = info.categories.clone().into();
    }
}

/// What changes when a resource is stored in another version.
fn storage_version_hash(served: &Served) -> String {
    let version = served.custom.as_ref().map_or(&served.kind.version, |custom| &custom.stored);
    let stored = GroupVersionKind::new(&served.kind.group, version, &served.kind.kind);
    let stored = format!("{}/{}", stored.api_version(), stored.kind);
    let digest = ring::digest::digest(&ring::digest::SHA256, stored.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(&digest.as_ref()[..8])
}

impl Server {
    /// Everything about the core group, or about all the others, in one document (KEP-3352).
    fn aggregated(&self, core: bool) -> Value {
        let groups = self.registry_groups(core);
        let items: Vec<Value> = groups.iter().map(|(group, versions)| self.aggregated_group(group, versions)).collect();
        json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
    }

    fn aggregated_group(&self, group: &str, versions: &[String]) -> Value {
        let versions: Vec<Value> = versions
            .iter()
            .map(|version| {
                let resources: Vec<Value> = self.of_version(group, version).map(|served| new_form(&served)).collect();
                json!({"version": version, "resources": resources, "freshness": "Current"})
            })
            .collect();
        let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
        json!({"metadata": metadata, "versions": versions})
    }
}

fn new_form(served: &Served) -> Value {
    let info = &served.info;
    let kind = |group: &str, version: &str, kind: &str| json!({"group": group, "version": version, "kind": kind});
    let mut resource = json!({
        "resource": info.resource, "responseKind": kind("", "", &info.kind), "scope": info.scope,
        "singularResource": info.singular, "verbs": served.shown_verbs()
    });
    put_names(&mut resource, served);
    if !info.subresources.is_empty() {
        let below = info.subresources.iter().map(|below| {
            let kind = kind(&below.kind.group, &below.kind.version, &below.kind.kind);
            json!({"subresource": below.name, "responseKind": kind, "verbs": below.verbs})
        });
        resource["subresources"] = below.collect();
    }
    resource
}

/// Whether the first thing that a client accepts is aggregated discovery.
fn wants_aggregated(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    accept.split(',').any(|clause| {
        let mut parts = clause.split(';').map(str::trim);
        let json = parts.next() == Some("application/json");
        let parameters: Vec<&str> = parts.collect();
        json && ["g=apidiscovery.k8s.io", "v=v2", "as=APIGroupDiscoveryList"].iter().all(|p| parameters.contains(p))
    })
}

fn aggregated(document: &Value) -> Response<Body> {
    let mut response = respond::value(StatusCode::OK, document, Accepted::default());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(AGGREGATED));
    response
}

/// Answers with JSON that people read.
fn raw(document: &Value) -> Response<Body> {
    let mut out = Vec::new();
    respond::write_object(document, &mut out);
    respond::whole(StatusCode::OK, "application/json", respond::indent(&out), false)
}

/// Answers with JSON that others may keep for some time.
fn published(content_type: &'static str, document: &Value) -> Response<Body> {
    let mut response = respond::whole(StatusCode::OK, content_type, document.to_string().into_bytes(), false);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    response
}

/// Answers as Go's own HTTP server does where there is nothing.
pub(super) fn not_found() -> Response<Body> {
    respond::text(StatusCode::NOT_FOUND, "404 page not found\n")
}
