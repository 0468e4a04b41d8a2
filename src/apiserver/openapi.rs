//! The schema of everything, for clients: OpenAPI 2 as one document, OpenAPI 3 as one for each version.

use super::clock::http_date;
use super::custom;
use super::discovery::not_found;
use super::encoding::write_value;
use super::negotiate::{self, JSON};
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
    made: Mutex<HashMap<String, Document>>,
}

/// A document, and when it was made.
#[derive(Clone)]
struct Document {
    bytes: Bytes,
    since: i64,
}

impl Documents {
    /// Forgets all documents: something that they tell of has changed.
    pub fn forget(&self) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn get(&self, path: &str, now: i64, make: impl FnOnce() -> Option<Value>) -> Option<Document> {
        self.get_bytes(path, now, || {
            let mut out = Vec::new();
            write_value(&mut out, &make()?);
            Some(out)
        })
    }

    fn get_bytes(&self, path: &str, now: i64, make: impl FnOnce() -> Option<Vec<u8>>) -> Option<Document> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(document) = made.get(path) {
            return Some(document.clone());
        }
        let document = Document { bytes: Bytes::from(make()?), since: now };
        made.insert(path.into(), document.clone());
        Some(document)
    }
}

impl Server {
    /// Answers with a document; `parts` is what comes after `/openapi/`.
    pub(super) fn openapi(&self, parts: &[&str], query: &Query, headers: &HeaderMap) -> Response<Body> {
        let now = (self.clock)().seconds;
        // Protobuf is spelled with an `@` in requests, which no media type may have.
        let written: &[&str] = if parts == ["v2"] {
            &[JSON, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf", PROTOBUF]
        } else {
            &[JSON]
        };
        let chosen = negotiate::first_of(headers, written);
        let document = match parts {
            ["v3"] => {
                let Some(index) = self.documents.get("v3", now, || Some(self.v3_index())) else { return not_found() };
                let mut response = respond::whole(StatusCode::OK, respond::TEXT, index.bytes.to_vec(), false);
                put_content(&mut response, index.since);
                return response;
            }
            ["v2"] if chosen.is_some_and(|chosen| chosen != JSON) => {
                self.documents.get_bytes("v2.pb", now, || Some(openapi::protobuf(&self.v2())))
            }
            ["v2"] => self.documents.get("v2", now, || Some(self.v2())),
            ["v3", rest @ ..] => {
                let path = rest.join("/");
                let make = || openapi::v3_at(&path).or_else(|| self.custom_v3(&path));
                let Some(document) = self.documents.get(&path, now, make) else {
                    return respond::empty(StatusCode::NOT_FOUND);
                };
                Some(document)
            }
            _ => None,
        };
        let Some(document) = document else { return not_found() };
        let hash = self.hash(parts);
        // An address with a hash never means another document.
        let asked = value(query, "hash").filter(|asked| !asked.is_empty());
        if asked.is_some_and(|asked| asked != hash) && parts[0] == "v3" {
            return respond::moved(&format!("/openapi/{}?hash={hash}", parts.join("/")));
        }
        let tag = format!("\"{hash}\"");
        let mut response = match chosen {
            None => respond::empty(StatusCode::NOT_ACCEPTABLE),
            Some(_) if is_known(headers, &tag) => respond::empty(StatusCode::NOT_MODIFIED),
            Some(chosen) => {
                let kind = if chosen == JSON { JSON } else { PROTOBUF };
                let gzip = parts == ["v2"] && negotiate::accepts_gzip(headers);
                let mut response = respond::whole(StatusCode::OK, kind, document.bytes.to_vec(), gzip);
                put_content(&mut response, document.since);
                response
            }
        };
        response.headers_mut().remove(header::VARY);
        let varies: &[&str] = if parts == ["v2"] { &["Accept-Encoding", "Accept"] } else { &["Accept"] };
        for varies in varies {
            response.headers_mut().append(header::VARY, HeaderValue::from_static(varies));
        }
        if chosen.is_some() {
            put(&mut response, header::ETAG, &tag);
        }
        if asked.is_some() {
            const YEAR: i64 = 365 * 86_400;
            put(&mut response, header::CACHE_CONTROL, "public, immutable");
            put(&mut response, header::EXPIRES, &http_date(now + YEAR));
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

/// The type of answers in protobuf.
const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// Whether a client has the document with this tag already (RFC 9110, section 13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok()).unwrap_or("");
    known.split(',').map(str::trim).any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// What Go says of content that it serves.
fn put_content(response: &mut Response<Body>, since: i64) {
    put(response, header::ACCEPT_RANGES, "bytes");
    put(response, header::LAST_MODIFIED, &http_date(since));
}

fn put(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
