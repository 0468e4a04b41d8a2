//! What the server has, for clients that ask: discovery in its old and its aggregated form.

use super::auth::token::ISSUER;
use super::encoding::write_object;
use super::errors::{Answer, method_not_allowed, no_such_representation, no_such_resource};
use super::negotiate::{self, Accepted, Asked, JSON};
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

const KEY_SET: &str = "application/jwk-set+json";
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
        let parts: Vec<&str> = path.trim_end_matches('/').split('/').skip(1).collect();
        // What comes from other places than routes does not look at the method.
        match parts.as_slice() {
            [] if path == "/" => return Ok(raw(&json!({"paths": self.paths()}))),
            ["index.html"] => return Ok(raw(&json!({"paths": self.paths()}))),
            ["healthz" | "livez" | "readyz", rest @ ..] if !path.ends_with('/') => {
                return Ok(self.health(parts[0], &rest.join("/"), query).await);
            }
            ["metrics"] => return self.show_metrics().await,
            ["flagz"] => return Ok(respond::text(StatusCode::OK, "\napiserver flagz\n")),
            ["statusz"] => return Ok(self.show_status()),
            ["metrics", "slis"] => return Ok(self.show_checks().await),
            ["openapi", "v2"] if path.ends_with('/') => return Ok(not_found()),
            ["openapi", "v3"] if path.ends_with('/') => return Ok(respond::empty(StatusCode::NOT_FOUND)),
            ["openapi", rest @ ..] => return Ok(self.openapi(rest, query, headers)),
            ["apis"] if wants_aggregated(headers) => return Ok(aggregated(&self.aggregated(false))),
            ["apis"] => return document(&self.groups(), query, headers, false),
            ["apis", group] => {
                return self
                    .group(group)
                    .map_or_else(|| Ok(not_found()), |group| document(&group, query, headers, false));
            }
            ["apis", group, version] if !self.registry.has_group(group) => {
                let resources = self.resources(group, version);
                return resources.map_or_else(|| Ok(not_found()), |all| document(&all, query, headers, false));
            }
            _ => {}
        }
        let routed = match parts.as_slice() {
            ["version"] | [".well-known", "openid-configuration"] | ["openid", "v1", "jwks"] | ["api"] => None,
            ["api", version] => Some(self.resources("", version).ok_or_else(no_such_resource)?),
            ["apis", group, version] => Some(self.resources(group, version).ok_or_else(no_such_resource)?),
            ["version", ..] => return Err(no_such_resource()),
            _ => return Ok(not_found()),
        };
        if *method != Method::GET {
            return Err(method_not_allowed());
        }
        if let Some(resources) = routed {
            return document(&resources, query, headers, true);
        }
        match parts[0] {
            "api" if wants_aggregated(headers) => Ok(aggregated(&self.aggregated(true))),
            "api" => document(&self.core_versions(headers), query, headers, true),
            "version" => {
                produces(headers, JSON)?;
                Ok(respond::whole(StatusCode::OK, JSON, respond::indent(version::info().as_bytes()), false))
            }
            ".well-known" => {
                produces(headers, "application/json")?;
                let keys = format!("https://{}/openid/v1/jwks", self.endpoint);
                let document = self.signer()?.configuration(ISSUER, &keys);
                Ok(published("application/json", &document))
            }
            _ => {
                produces(headers, KEY_SET)?;
                Ok(published(KEY_SET, &self.signer()?.key_set()))
            }
        }
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
    let GroupVersionKind { group, version, kind } = &served.kind;
    let version = served.custom.as_ref().map_or(version, |custom| &custom.stored);
    let kept = served.kept_in().map_or_else(
        || format!("{group}/{version}"),
        |kept| {
            if kept.contains('/') { kept.to_string() } else { format!("/{kept}") }
        },
    );
    let stored = format!("{kept}/{kind}");
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

/// Refuses a request that does not accept the one type that a route writes.
fn produces(headers: &HeaderMap, media: &str) -> Answer<()> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    if negotiate::is_produced(accept, &[media]) { Ok(()) } else { Err(no_such_representation(&[media])) }
}

/// Answers with what the server says of itself, in the form that is accepted.
fn document(document: &Value, query: &Query, headers: &HeaderMap, is_routed: bool) -> Answer<Response<Body>> {
    let accepted = Accepted::negotiate(headers, request::pretty(query), Asked::Document, is_routed)?;
    Ok(respond::value(StatusCode::OK, document, accepted))
}

/// Answers with JSON that people read.
fn raw(document: &Value) -> Response<Body> {
    let mut out = Vec::new();
    write_object(&mut out, document);
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
