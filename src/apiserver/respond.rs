//! Answers: objects, tables and failures in the form that a client accepts.

use super::encoding::{Encoded, write_object, write_value};
use super::errors::{Failure, internal_plain, not_acceptable_because};
use super::negotiate::{Accepted, Format, Include, JSON, Shape, YAML};
use super::registry::Served;
use super::{meta, table};
use crate::api::{Map, ObjectExt, Value, json};
use crate::schema::TableColumn;
use crate::yaml;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use hyper::body::{Bytes, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// What an answer consists of.
pub enum Body {
    /// All of it, at once.
    Whole(Bytes),
    /// Pieces, made when there is room for them.
    Pieces(Box<dyn Iterator<Item = Bytes> + Send>),
    /// Pieces, when they come.
    Stream(mpsc::Receiver<Bytes>),
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match self.get_mut() {
            Body::Whole(bytes) if bytes.is_empty() => None,
            Body::Whole(bytes) => Some(std::mem::take(bytes)),
            Body::Pieces(pieces) => pieces.next(),
            Body::Stream(receiver) => match receiver.poll_recv(cx) {
                Poll::Ready(piece) => piece,
                Poll::Pending => return Poll::Pending,
            },
        };
        Poll::Ready(piece.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Body::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            _ => SizeHint::default(),
        }
    }
}

/// An object that an answer shows: encoded, and its resourceVersion when it has one.
pub struct Shown {
    /// The object.
    pub object: Encoded,
    /// The resourceVersion.
    pub version: Option<u64>,
}

/// Answers with one object of a resource.
pub fn object(status: StatusCode, shown: &Shown, served: &Served, accepted: Accepted, now: i64) -> Response<Body> {
    let mut out = Vec::with_capacity(shown.object.size() + 256);
    match accepted.shape {
        Shape::MetadataList(_) => {
            let why = match served.go_type() {
                Some(ty) => not_acceptable_because(format!(
                    "you requested PartialObjectMetadataList, but the requested object is not a list (*{ty})"
                )),
                None => internal_plain("content is not a list"),
            };
            return failure(&why, accepted.failures);
        }
        Shape::Whole => shown.object.write(&served.head, shown.version, &mut out),
        Shape::Metadata(version) => write_partial(version, shown, served, &mut out),
        Shape::Table(version) => {
            out.extend_from_slice(format!(r#"{{"kind":"Table","apiVersion":"{version}","metadata":"#).as_bytes());
            let version = shown.version.map(|v| v.to_string());
            let metadata: Map<String, Value> =
                version.into_iter().map(|v| ("resourceVersion".to_string(), v.into())).collect();
            write_value(&mut out, &metadata.into());
            out.extend_from_slice(br#","columnDefinitions":"#);
            table::write_columns(&served.columns, &mut out);
            out.extend_from_slice(br#","rows":["#);
            table::write_row(served, shown, accepted.include, now, &mut out);
            out.extend_from_slice(b"]}");
        }
    }
    json(status, out, accepted)
}

/// Writes an object's metadata by itself.
pub fn write_partial(version: &str, shown: &Shown, served: &Served, out: &mut Vec<u8>) {
    out.extend_from_slice(
        format!(r#"{{"kind":"PartialObjectMetadata","apiVersion":"{version}","metadata":"#).as_bytes(),
    );
    match served.rules.internal_annotations {
        [] => shown.object.write_metadata(shown.version, out),
        internal => {
            let mut object = shown.object.value(shown.version.unwrap_or(0));
            for annotation in internal {
                object.take_at(&["metadata", "annotations", annotation]);
            }
            meta::prune(&mut object);
            Encoded::new(&object).write_metadata(shown.version, out);
        }
    }
    out.push(b'}');
}

/// Answers with one row of a table that is no resource's own.
pub fn row(
    columns: &[TableColumn],
    cells: Vec<Value>,
    object: &Value,
    accepted: Accepted,
    version: &str,
) -> Response<Body> {
    let metadata = object.at(&["metadata", "resourceVersion"]).cloned().unwrap_or_default();
    let mut out = format!(r#"{{"kind":"Table","apiVersion":"{version}","metadata":{{"resourceVersion":{metadata}}},"#)
        .into_bytes();
    out.extend_from_slice(br#""columnDefinitions":"#);
    table::write_columns(columns, &mut out);
    out.extend_from_slice(br#","rows":[{"cells":"#);
    write_value(&mut out, &Value::Array(cells));
    out.extend_from_slice(br#","object":"#);
    match accepted.include {
        Include::None => out.extend_from_slice(b"null"),
        Include::Object => write_object(&mut out, object),
        Include::Metadata => {
            out.extend_from_slice(br#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":"#);
            Encoded::new(object).write_metadata(object.resource_version().parse().ok(), &mut out);
            out.push(b'}');
        }
    }
    out.extend_from_slice(b"}]}");
    json(StatusCode::OK, out, accepted)
}

/// Answers with a value that is no object of a resource: a Status, a review, a Scale.
pub fn value(status: StatusCode, value: &Value, accepted: Accepted) -> Response<Body> {
    let mut out = Vec::with_capacity(512);
    write_object(&mut out, value);
    json(status, out, accepted)
}

/// Answers with JSON that is written already, in the form that is accepted.
pub fn json(status: StatusCode, mut out: Vec<u8>, accepted: Accepted) -> Response<Body> {
    match accepted.format {
        Format::Json => out.push(b'\n'),
        Format::PrettyJson => out = indent(&out),
        Format::Yaml => {
            let value: Value = serde_json::from_slice(&out).unwrap_or_default();
            return whole(status, YAML, yaml::to_string(&value).into_bytes(), accepted.gzip);
        }
    }
    whole(status, JSON, out, accepted.gzip)
}

/// Answers with text.
pub fn text(status: StatusCode, text: impl Into<Vec<u8>>) -> Response<Body> {
    without_sniffing(whole(status, TEXT, text.into(), false))
}

/// The type of text.
pub const TEXT: &str = "text/plain; charset=utf-8";

/// The header of an answer by which it is found in an audit log; a client may choose it.
const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");

/// Gives an answer an identity of its own.
pub fn identify(response: &mut Response<Body>, asked: &HeaderMap) {
    let id = asked.get(AUDIT_ID).filter(|id| !id.is_empty()).cloned();
    let id = id.or_else(|| HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()).ok());
    response.headers_mut().extend(id.map(|id| (AUDIT_ID, id)));
}

/// Tells browsers not to guess what an answer is.
pub fn without_sniffing(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Answers with nothing but a status.
pub fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Whole(Bytes::new()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CACHE_CONTROL, NOT_KEPT);
    response
}

/// Answers that something is elsewhere, as Go does.
pub fn moved(to: &str) -> Response<Body> {
    let body = format!("<a href=\"{}\">Moved Permanently</a>.\n\n", to.replace('&', "&amp;"));
    let mut response = whole(StatusCode::MOVED_PERMANENTLY, "text/html; charset=utf-8", body.into_bytes(), false);
    response.headers_mut().extend(HeaderValue::from_str(to).map(|to| (header::LOCATION, to)));
    response
}

/// What is said of answers that nobody but the client may keep, and not without asking again.
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-cache, private");

/// Answers with a failure.
pub fn failure(failure: &Failure, format: Format) -> Response<Body> {
    let status = StatusCode::from_u16(failure.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let accepted = Accepted { format, ..Accepted::default() };
    let mut response = value(status, &failure.to_value(), accepted);
    if let Some(seconds) = failure.details.as_ref().map(|d| d.retry_after_seconds).filter(|s| *s > 0) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The size from which kube-apiserver compresses.
const GZIP_FROM: usize = 128 * 1024;

/// Answers with bytes of some type.
pub fn whole(status: StatusCode, content_type: &'static str, mut bytes: Vec<u8>, gzip: bool) -> Response<Body> {
    let compressed = gzip && bytes.len() >= GZIP_FROM;
    if compressed {
        let mut encoder = GzipPieces::new(std::iter::once(Bytes::from(bytes)));
        bytes = encoder.by_ref().flatten().collect();
    }
    with_body(status, content_type, Body::Whole(bytes.into()), compressed)
}

/// Answers with pieces, of which there are many.
pub fn pieces(pieces: impl Iterator<Item = Bytes> + Send + 'static, gzip: bool) -> Response<Body> {
    let pieces: Box<dyn Iterator<Item = Bytes> + Send> =
        if gzip { Box::new(GzipPieces::new(pieces)) } else { Box::new(pieces) };
    with_body(StatusCode::OK, JSON, Body::Pieces(pieces), gzip)
}

/// Answers with a stream of events.
pub fn stream(receiver: mpsc::Receiver<Bytes>) -> Response<Body> {
    with_body(StatusCode::OK, JSON, Body::Stream(receiver), false)
}

fn with_body(status: StatusCode, content_type: &'static str, body: Body, compressed: bool) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, NOT_KEPT);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if compressed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    response
}

/// Adds warnings to an answer (RFC 7234, section 5.5; code 299, as Kubernetes uses it).
///
/// Long ones are cut, and when they are too long together, all are cut and the last ones left out: headers have to be
/// small.
pub fn warn(response: &mut Response<Body>, warnings: &[String]) {
    const LONGEST: usize = 256;
    const MOST: usize = 4096;
    let all: usize = warnings.iter().map(|warning| warning.chars().count()).sum();
    let mut left = MOST;
    for warning in warnings {
        let mut cut = warning.as_str();
        if all > MOST {
            let end = cut.char_indices().nth(LONGEST).map_or(cut.len(), |(end, _)| end);
            cut = &cut[..end];
            let Some(rest) = left.checked_sub(cut.chars().count()) else { break };
            left = rest;
        }
        let warning = cut;
        let escaped = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{escaped}\"")) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
}

/// Compresses pieces one by one.
struct GzipPieces<I> {
    pieces: I,
    encoder: Option<flate2::write::GzEncoder<Vec<u8>>>,
}

impl<I> GzipPieces<I> {
    fn new(pieces: I) -> Self {
        Self { pieces, encoder: Some(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast())) }
    }
}

impl<I: Iterator<Item = Bytes>> Iterator for GzipPieces<I> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        use std::io::Write;
        loop {
            let encoder = self.encoder.as_mut()?;
            // Writing into memory cannot fail.
            match self.pieces.next() {
                Some(piece) => encoder.write_all(&piece).ok()?,
                None => return self.encoder.take()?.finish().ok().map(Bytes::from),
            }
            let out = std::mem::take(encoder.get_mut());
            if !out.is_empty() {
                return Some(out.into());
            }
        }
    }
}

/// Lays JSON out with two blanks for each level, as Go's `json.Indent` does.
pub fn indent(written: &[u8]) -> Vec<u8> {
    json::indented(&String::from_utf8_lossy(written), "  ").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_written_as_its_type_has_it() {
        let status = serde_json::json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "code": 404,
            "details": {"causes": [], "kind": "pods", "name": "p"}, "message": "m", "reason": "r", "status": "Failure"});
        let mut out = Vec::new();
        write_object(&mut out, &status);
        let wanted = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"m","reason":"r","details":{"name":"p","kind":"pods","causes":[]},"code":404}"#;
        assert_eq!(String::from_utf8(out).unwrap(), wanted);
    }

    #[test]
    fn json_is_indented_as_go_does() {
        let compact = br#"{"a":[],"b":{},"c":[1,"x\"{,"],"d":{"e":null}}"#;
        let expected = "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    \"x\\\"{,\"\n  ],\n  \"d\": {\n    \"e\": null\n  }\n}";
        assert_eq!(String::from_utf8(indent(compact)).unwrap(), expected);
    }

    #[test]
    fn pieces_are_compressed() {
        use std::io::Read;
        let pieces = (0..100).map(|i| Bytes::from(format!("piece {i} ").repeat(50)));
        let compressed: Vec<u8> = GzipPieces::new(pieces.clone()).flatten().collect();
        let mut text = String::new();
        flate2::read::GzDecoder::new(compressed.as_slice()).read_to_string(&mut text).unwrap();
        assert_eq!(text.into_bytes(), pieces.flatten().collect::<Vec<u8>>());
    }
}
