//! Requests as values: built and compared without I/O.

use super::mapper::Mapping;
use crate::api::ObjectExt;
use crate::api::{GoDuration, Value, gotext};
use http::Method;

/// What asks for a `Table` (KEP-555), and for plain JSON from servers that know none.
pub const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;\
                         g=meta.k8s.io,application/json";
/// What asks for no more than the metadata of a list's items, and for all of them from servers that cannot do that.
pub const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";
/// What asks for a JSON object.
pub const JSON: &str = "application/json";
/// What asks for JSON, but takes anything.
pub const ANYTHING: &str = "application/json, */*";

/// How a patch is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchKind {
    /// Operations on paths (RFC 6902).
    Json,
    /// A part of the object (RFC 7386).
    Merge,
    /// A part of the object, with lists merged by their keys.
    Strategic,
    /// What the client owns (KEP-555, server-side apply).
    Apply,
}

impl PatchKind {
    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json-patch+json",
            Self::Merge => "application/merge-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
            Self::Apply => "application/apply-patch+yaml",
        }
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, starting with a slash; segments are escaped.
    pub path: String,
    /// The parameters, in any order.
    pub query: Vec<(String, String)>,
    /// Headers besides those that every request has.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// How long the server and the client wait; none for what the configuration says.
    pub timeout: Option<GoDuration>,
    /// What the request is about, as messages for answers without words name it: `pods`, `deployments.apps x`.
    pub subject: String,
    /// Why the request must not be sent.
    pub fault: Option<String>,
    /// Whether the body or the answer has secrets, which traces do not show.
    pub secret: bool,
}

impl Request {
    /// A request for any path, which may have a query.
    pub fn new(method: Method, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Self {
            method,
            path: path.to_owned(),
            query: parse_query(query),
            headers: vec![("Accept", ANYTHING.to_owned())],
            body: Vec::new(),
            timeout: None,
            subject: String::new(),
            fault: None,
            secret: false,
        }
    }

    /// Reads one object.
    pub fn get(mapping: &Mapping, namespace: &str, name: &str) -> Self {
        Self::about(Method::GET, mapping, namespace, Some(name))
    }

    /// Reads all objects of a namespace; of all namespaces when it is empty.
    pub fn list(mapping: &Mapping, namespace: &str) -> Self {
        Self::about(Method::GET, mapping, namespace, None)
    }

    /// Follows the changes of objects from a version on; from the present when it is empty.
    pub fn watch(mapping: &Mapping, namespace: &str, resource_version: &str) -> Self {
        let request = Self::list(mapping, namespace).query("watch", "true");
        if resource_version.is_empty() { request } else { request.query("resourceVersion", resource_version) }
    }

    /// Makes an object. The version that a manifest was saved with says nothing about a new one and is left out.
    pub fn create(mapping: &Mapping, namespace: &str, object: &Value) -> Self {
        let request = Self::about(Method::POST, mapping, namespace, None);
        if object.text(&["metadata", "resourceVersion"]).is_empty() {
            return request.json(object);
        }
        let mut new = object.clone();
        new.take_at(&["metadata", "resourceVersion"]);
        request.json(&new)
    }

    /// Sends something to what lies below an object; which it is, [`Request::subresource`] says.
    pub fn post(mapping: &Mapping, namespace: &str, name: &str, object: &Value) -> Self {
        Self::about(Method::POST, mapping, namespace, Some(name)).json(object)
    }

    /// Replaces an object.
    pub fn update(mapping: &Mapping, namespace: &str, name: &str, object: &Value) -> Self {
        Self::about(Method::PUT, mapping, namespace, Some(name)).json(object)
    }

    /// Changes parts of an object.
    pub fn patch(mapping: &Mapping, namespace: &str, name: &str, kind: PatchKind, patch: Vec<u8>) -> Self {
        Self::about(Method::PATCH, mapping, namespace, Some(name)).content(kind.content_type(), patch)
    }

    /// Deletes an object; `options` is a `DeleteOptions`, or null for none.
    pub fn delete(mapping: &Mapping, namespace: &str, name: &str, options: &Value) -> Self {
        Self::about(Method::DELETE, mapping, namespace, Some(name)).optional_json(options)
    }

    /// Deletes the objects that the query selects.
    pub fn delete_collection(mapping: &Mapping, namespace: &str, options: &Value) -> Self {
        Self::about(Method::DELETE, mapping, namespace, None).optional_json(options)
    }

    fn about(method: Method, mapping: &Mapping, namespace: &str, name: Option<&str>) -> Self {
        let resource = &mapping.gvr.resource;
        let mut path = mapping.gvr.group_version().root();
        let mut fault = None;
        if mapping.namespaced && !namespace.is_empty() {
            fault = complaint("namespace", namespace);
            path.push_str("/namespaces/");
            push_segment(&mut path, namespace);
        }
        path.push('/');
        path.push_str(resource);
        let mut subject = mapping.gvr.group_resource();
        if let Some(name) = name {
            fault = fault.or_else(|| match name {
                "" => Some("resource name may not be empty".to_owned()),
                name => complaint("resource name", name),
            });
            path.push('/');
            push_segment(&mut path, name);
            subject = format!("{subject} {name}");
        }
        let secret = mapping.gvr.group.is_empty() && resource == "secrets";
        Self { headers: vec![("Accept", JSON.to_owned())], subject, fault, secret, ..Self::new(method, &path) }
    }

    /// Asks for a part of the object, such as `status`.
    pub fn subresource(mut self, name: &str) -> Self {
        if !name.is_empty() {
            self.fault = self.fault.or_else(|| complaint("subresource", name));
            self.path.push('/');
            push_segment(&mut self.path, name);
            self.secret |= name == "token";
        }
        self
    }

    /// Adds a parameter.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a parameter unless its value is empty.
    pub fn query_if(self, name: &str, value: &str) -> Self {
        if value.is_empty() { self } else { self.query(name, value) }
    }

    /// Says what answers are wanted, in place of what was said before.
    pub fn accept(self, types: &str) -> Self {
        self.header("Accept", types)
    }

    /// Sets a header, in place of what it said before.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Sets a body of any type.
    pub fn content(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.body = body;
        self.header("Content-Type", content_type)
    }

    /// Sets an object as the body.
    pub fn json(self, object: &Value) -> Self {
        // A value of serde_json always has a text.
        self.content(JSON, serde_json::to_vec(object).unwrap_or_default())
    }

    fn optional_json(self, object: &Value) -> Self {
        if object.is_null() { self } else { self.json(object) }
    }

    /// Says how long the server and the client wait for this request.
    pub fn timeout(mut self, timeout: GoDuration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The path with the parameters, sorted by name. `timeout` is added when it is not none.
    pub fn target(&self, timeout: Option<GoDuration>) -> String {
        let mut query: Vec<(&str, String)> =
            self.query.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        if let Some(timeout) = timeout.filter(|timeout| timeout.0 != 0) {
            query.push(("timeout", timeout.to_string()));
        }
        // A stable sort: values of one name keep their order.
        query.sort_by_key(|(name, _)| *name);
        let mut target = self.path.clone();
        for (i, (name, value)) in query.iter().enumerate() {
            target.push(if i == 0 { '?' } else { '&' });
            escape(&mut target, name, QUERY_SAFE);
            target.push('=');
            escape(&mut target, value, QUERY_SAFE);
        }
        target
    }

    /// What messages for answers without words end with: ` (get pods x)`, or nothing.
    pub fn about_text(&self) -> String {
        if self.subject.is_empty() {
            return String::new();
        }
        format!(" ({} {})", self.method.as_str().to_ascii_lowercase(), self.subject)
    }
}

/// Why a text cannot be one segment of a path.
fn complaint(what: &str, text: &str) -> Option<String> {
    let quoted = gotext::quote(text);
    if text == "." || text == ".." {
        return Some(format!("invalid {what} {quoted}: [may not be '{text}']"));
    }
    let found: Vec<String> =
        ["/", "%"].iter().filter(|c| text.contains(**c)).map(|c| format!("may not contain '{c}'")).collect();
    (!found.is_empty()).then(|| format!("invalid {what} {quoted}: [{}]", found.join(" ")))
}

/// What may stand in a path's segment as it is (RFC 3986, `pchar`).
const SEGMENT_SAFE: &[u8] = b"-_.~$&+,:;=@!'()*";
/// What Go leaves as it is in a query.
const QUERY_SAFE: &[u8] = b"-_.~";

fn push_segment(path: &mut String, text: &str) {
    escape(path, text, SEGMENT_SAFE);
}

/// Escapes all but letters, digits and `safe`; a space in a query becomes a plus.
fn escape(out: &mut String, text: &str, safe: &[u8]) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || safe.contains(&byte) {
            out.push(byte as char);
        } else if byte == b' ' && safe == QUERY_SAFE {
            out.push('+');
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

fn parse_query(query: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (unescape(name), unescape(value))
    };
    query.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = match (first, tail) {
            (b'%', [high, low, ..]) => {
                std::str::from_utf8(&[*high, *low]).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok())
            }
            _ => None,
        };
        match code {
            Some(code) => {
                bytes.push(code);
                rest = &tail[2..];
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{GroupVersionKind, GroupVersionResource};
    use serde_json::json;

    fn mapping(group: &str, resource: &str, namespaced: bool) -> Mapping {
        Mapping {
            gvr: GroupVersionResource::new(group, "v1", resource),
            gvk: GroupVersionKind::new(group, "v1", "Kind"),
            namespaced,
            ..Mapping::default()
        }
    }

    #[test]
    fn paths_follow_scope_and_group() {
        let (pods, nodes, deployments) =
            (mapping("", "pods", true), mapping("", "nodes", false), mapping("apps", "deployments", true));
        for (request, target, subject) in [
            (Request::get(&pods, "n", "x"), "/api/v1/namespaces/n/pods/x", " (get pods x)"),
            (Request::list(&pods, ""), "/api/v1/pods", " (get pods)"),
            (Request::list(&nodes, "n"), "/api/v1/nodes", " (get nodes)"),
            (
                Request::create(&deployments, "n", &json!({})),
                "/apis/apps/v1/namespaces/n/deployments",
                " (post deployments.apps)",
            ),
            (
                Request::get(&deployments, "n", "x").subresource("scale"),
                "/apis/apps/v1/namespaces/n/deployments/x/scale",
                " (get deployments.apps x)",
            ),
            (Request::watch(&pods, "n", "5"), "/api/v1/namespaces/n/pods?resourceVersion=5&watch=true", " (get pods)"),
            (Request::get(&nodes, "", "a:b c"), "/api/v1/nodes/a:b%20c", " (get nodes a:b c)"),
        ] {
            assert_eq!((request.target(None).as_str(), request.about_text().as_str()), (target, subject));
        }
    }

    #[test]
    fn parameters_are_sorted_and_escaped() {
        let request = Request::new(Method::GET, "/x?b=2&a=%41+c").query("labelSelector", "a in (b,c)");
        assert_eq!(request.target(None), "/x?a=A+c&b=2&labelSelector=a+in+%28b%2Cc%29");
        assert_eq!(
            request.target(Some(GoDuration::seconds(65))),
            "/x?a=A+c&b=2&labelSelector=a+in+%28b%2Cc%29&timeout=1m5s"
        );
    }

    #[test]
    fn names_that_would_change_the_path_are_refused() {
        let pods = mapping("", "pods", true);
        for (namespace, name, fault) in [
            ("n", "", "resource name may not be empty"),
            ("n", "a/b", "invalid resource name \"a/b\": [may not contain '/']"),
            ("n", "%/", "invalid resource name \"%/\": [may not contain '/' may not contain '%']"),
            ("n", "..", "invalid resource name \"..\": [may not be '..']"),
            ("a/b", "x", "invalid namespace \"a/b\": [may not contain '/']"),
        ] {
            assert_eq!(Request::get(&pods, namespace, name).fault.as_deref(), Some(fault));
        }
        assert_eq!(Request::get(&pods, "n", "x.y").fault, None);
    }

    #[test]
    fn a_body_has_its_type() {
        let request = Request::patch(&mapping("", "pods", true), "n", "x", PatchKind::Merge, b"{}".to_vec());
        assert_eq!(
            request.headers,
            [("Accept", JSON.to_owned()), ("Content-Type", "application/merge-patch+json".to_owned())]
        );
        assert!(Request::delete(&mapping("", "secrets", true), "n", "x", &Value::Null).secret);
    }
}
