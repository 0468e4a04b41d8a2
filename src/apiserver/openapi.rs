//! The schema of everything, for clients: OpenAPI 2 as one document, OpenAPI 3 as one for each version.

use super::clock::http_date;
use super::custom;
use super::discovery::not_found;
use super::encoding::write_value;
use super::negotiate;
use super::pipeline::Server;
use super::request::{Query, value};
use super::respond::{self, Body};

use crate::api::{GroupVersion, ObjectExt, Value};
use crate::schema::openapi;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use hyper::body::Bytes;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Documents that somebody has asked for: they are made only then, and kept.
#[derive(Default)]
pub struct Documents {
    made: Mutex<HashMap<String, Bytes>>,
}

impl Documents {
    /// Forgets all documents: something that they tell of has changed.
    pub fn forget(&self) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn get(&self, path: &str, make: impl FnOnce() -> Option<Value>) -> Option<Bytes> {
        self.get_bytes(path, || {
            let mut out = Vec::new();
            write_value(&mut out, &make()?);
            Some(out)
        })
    }

    fn get_bytes(&self, path: &str, make: impl FnOnce() -> Option<Vec<u8>>) -> Option<Bytes> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(document) = made.get(path) {
            return Some(document.clone());
        }
        let document = Bytes::from(make()?);
        made.insert(path.into(), document.clone());
        Some(document)
    }
}

impl Server {
    /// Answers with a document; `parts` is what comes after `/openapi/`.
    pub(super) fn openapi(&self, parts: &[&str], query: &Query, headers: &HeaderMap) -> Response<Body> {
        let gzip = negotiate::accepts_gzip(headers);
        let is_protobuf = parts == ["v2"] && wants_protobuf(headers);
        let document = match parts {
            ["v3"] => {
                let index = self.documents.get("v3", || Some(self.v3_index()));
                let bytes = index.unwrap_or_default().to_vec();
                return respond::whole(StatusCode::OK, "text/plain; charset=utf-8", bytes, gzip);
            }
            ["v2"] if is_protobuf => self.documents.get_bytes("v2.pb", || Some(openapi::protobuf(&self.v2()))),
            ["v2"] => self.documents.get("v2", || Some(self.v2())),
            ["v3", rest @ ..] => {
                let path = rest.join("/");
                self.documents.get(&path, || openapi::v3_at(&path).or_else(|| self.custom_v3(&path)))
            }
            _ => None,
        };
        let Some(document) = document else { return not_found() };
        let hash = self.hash(parts);
        let tag = format!("\"{hash}\"");
        let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
        let mut response = if known {
            respond::empty(StatusCode::NOT_MODIFIED)
        } else {
            let kind = if is_protobuf { PROTOBUF } else { "application/json" };
            respond::whole(StatusCode::OK, kind, document.to_vec(), gzip)
        };
        put(&mut response, header::ETAG, &tag);
        put(&mut response, header::VARY, "Accept");
        // An address with a hash never means another document.
        if value(query, "hash").is_some_and(|asked| asked == hash) {
            const YEAR: i64 = 365 * 86_400;
            put(&mut response, header::CACHE_CONTROL, "public, immutable");
            put(&mut response, header::EXPIRES, &http_date((self.clock)().seconds + YEAR));
        }
        response
    }

    /// The Swagger 2 document of everything.
    fn v2(&self) -> Value {
        let mut document = openapi::v2();
        custom::add_to_v2(&self.registry.custom(), &mut document);
        document
    }

    /// The index of the OpenAPI 3 documents, custom resources' among them.
    fn v3_index(&self) -> Value {
        let mut index = openapi::v3_index();
        for (path, hash) in custom::index(&self.registry.custom()) {
            let address = format!("/openapi/v3/{path}?hash={hash}");
            index.put(&["paths", &path, "serverRelativeURL"], address);
        }
        index
    }

    /// The OpenAPI 3 document of a version of a group that has custom resources only.
    fn custom_v3(&self, path: &str) -> Option<Value> {
        let version = path.strip_prefix("apis/").filter(|version| version.contains('/'))?;
        custom::v3(&self.registry.custom(), &GroupVersion::parse(version))
    }

    /// The hash in a document's address; one for all documents that have no address.
    fn hash(&self, parts: &[&str]) -> String {
        let index = self.v3_index();
        let path = parts.get(1..).unwrap_or_default().join("/");
        let hash_at = |path: &str| {
            let address = index.text(&["paths", path, "serverRelativeURL"]);
            address.rsplit_once("hash=").map_or("", |(_, hash)| hash).to_string()
        };
        match hash_at(&path) {
            found if !found.is_empty() => found,
            // What is about everything changes with every custom resource.
            _ => {
                std::iter::once(hash_at("api/v1")).chain(custom::index(&self.registry.custom()).into_values()).collect()
            }
        }
    }
}

/// The type of answers in protobuf. Requests spell it with an `@`, which no media type may have.
const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

fn wants_protobuf(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    accept.contains("proto-openapi.spec.v2") && !accept.contains("json")
}

fn put(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
