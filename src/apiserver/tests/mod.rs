//! The server as a function: requests in, answers out, without a socket.

mod access;
mod admission;
mod certificates;
mod custom;
mod deletes;
mod fuzz;
mod fuzz_patches;
mod patches;
mod policies;
mod reads;
mod restarts;
mod rules;
mod schemas;
mod services;
mod shared;
mod surface;
mod watches;
mod webhooks;
mod writes;

use super::Server;
use super::pipeline::Setup;
use super::store::{Memory, Store};
use crate::api::Value;
use http::{HeaderMap, Request, header};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use serde_json::json;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";
const PODS: &str = "/api/v1/namespaces/default/pods";
const SERVICES: &str = "/api/v1/namespaces/default/services";

/// A fresh server, and what it was asked.
struct Client {
    server: Arc<Server>,
}

/// An answer.
struct Answer {
    code: u16,
    headers: HeaderMap,
    bytes: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        if self.headers.get(header::CONTENT_TYPE).is_some_and(|media| media == "application/yaml") {
            return crate::yaml::from_slice_strict(&self.bytes).unwrap_or_else(|_| panic!("{}", self.text())).0;
        }
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The object, when it was answered with this code.
    fn expect(&self, code: u16) -> Value {
        assert_eq!(self.code, code, "{}", self.text());
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }
}

impl Client {
    async fn new() -> Self {
        Self::over(Memory::new()).await
    }

    /// A server over a store that may have something already.
    async fn over(store: impl Store) -> Self {
        Self { server: Server::start(Arc::new(store), Setup::default()).await.unwrap() }
    }

    /// A fresh server that is told more when it starts.
    async fn told(setup: Setup) -> Self {
        Self { server: Server::start(Arc::new(Memory::new()), setup).await.unwrap() }
    }

    /// Sends JSON with more headers.
    async fn with(&self, headers: &[(&str, &str)], method: &str, path: &str, body: Value) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn send(&self, request: Request<Bytes>) -> Answer {
        let (parts, body) = self.server.respond(request).await.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { code: parts.status.as_u16(), headers: parts.headers, bytes }
    }

    async fn call(&self, method: &str, path: &str, kind: &str, body: impl Into<Bytes>) -> Answer {
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, kind);
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::builder().uri(path).body(Bytes::new()).unwrap()).await
    }

    async fn get_as(&self, path: &str, accept: &str) -> Answer {
        self.send(Request::builder().uri(path).header(header::ACCEPT, accept).body(Bytes::new()).unwrap()).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, "application/json", body.to_string()).await
    }

    async fn put(&self, path: &str, body: Value) -> Answer {
        self.call("PUT", path, "application/json", body.to_string()).await
    }

    async fn merge(&self, path: &str, body: Value) -> Answer {
        self.call("PATCH", path, "application/merge-patch+json", body.to_string()).await
    }

    async fn delete(&self, path: &str, options: Value) -> Answer {
        let body = if options.is_null() { String::new() } else { options.to_string() };
        self.call("DELETE", path, "application/json", body).await
    }

    /// Makes a ConfigMap with labels, and gives it.
    async fn configmap(&self, name: &str, labels: Value) -> Value {
        self.post(CONFIGMAPS, json!({"metadata": {"name": name, "labels": labels}})).await.expect(201)
    }

    /// Waits until something is answered with a code.
    async fn until(&self, path: &str, code: u16) -> Answer {
        for _ in 0..200 {
            let answer = self.get(path).await;
            if answer.code == code {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{path} was never answered with {code}");
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Who owns an object, for `ownerReferences`.
fn owner(object: &Value, blocks: bool) -> Value {
    json!([{
        "apiVersion": object["apiVersion"], "kind": object["kind"], "name": object["metadata"]["name"],
        "uid": object["metadata"]["uid"], "blockOwnerDeletion": blocks
    }])
}
