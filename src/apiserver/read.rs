//! Reading: one object, or a list with selectors and pages.

use super::codec::parse_json;
use super::errors::{Answer, bad_request, expired, not_acceptable_because};
use super::negotiate::{Accepted, Format, Shape};
use super::options::{self, List};
use super::pipeline::{Call, Server, store_failure};
use super::registry::Served;
use super::respond::{self, Body};
use super::store::{Entry, Page, Range, Revision, StoreError};
use super::{request, table};
use crate::api::{ObjectExt, Value};
use crate::expr::selector::{FieldSelector, LabelSelector, parse_fields, parse_labels};
use base64::Engine;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use http::{Response, StatusCode};
use hyper::body::Bytes;
use std::sync::Arc;

/// Where events are kept.
const EVENTS: &str = "/registry/events/";
/// The size of a list's pieces.
const PIECE: usize = 64 * 1024;

/// What a list or a watch selects.
#[derive(Clone, Debug)]
pub struct Selection {
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selection {
    /// Reads the selectors of a request.
    pub fn parse(options: &List, served: &Served) -> Answer<Self> {
        let labels = parse_labels(&options.labels).map_err(|e| bad_request(e.to_string()))?;
        let mut fields = parse_fields(&options.fields).map_err(|e| bad_request(e.to_string()))?;
        // What names nothing selects everything.
        fields.requirements.retain(|requirement| !requirement.field.is_empty() || !requirement.value.is_empty());
        let selectable = served.rules.selectable_fields;
        for requirement in &fields.requirements {
            let field = requirement.field.as_str();
            let known = field == "metadata.name" || field == "metadata.namespace" && served.info.namespaced();
            if let Some(custom) = &served.custom {
                if !known && !custom.selectable.iter().any(|name| name == field) {
                    return Err(bad_request(format!("field label not supported: {field}")));
                }
                continue;
            }
            if !known && !selectable.iter().any(|(name, _)| *name == field) {
                return Err(bad_request(if selectable.is_empty() {
                    format!("{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
                } else {
                    format!("field label not supported: {field}")
                }));
            }
        }
        Ok(Self { labels, fields })
    }

    /// Whether the fields that are selected leave it at the object with this name.
    pub fn may_name(&self, name: &str) -> bool {
        self.fields.is_empty() || self.fields.required("metadata.name") == Some(name)
    }

    /// Whether everything is selected.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Leaves the entries that are selected, and says how many were not looked at because enough were found.
    fn select(&self, entries: &mut Vec<Arc<Entry>>, served: &Served, limit: usize) -> usize {
        let limit = if limit == 0 { usize::MAX } else { limit };
        let (mut selected, mut seen) = (0, 0);
        while seen < entries.len() && selected < limit {
            if self.matches(&entries[seen], served) {
                entries.swap(selected, seen);
                selected += 1;
            }
            seen += 1;
        }
        let rest = entries.len() - seen;
        entries.truncate(selected);
        rest
    }

    /// Whether an object is selected.
    pub fn matches(&self, entry: &Entry, served: &Served) -> bool {
        if !self.labels.matches(|key| entry.object.label(key)) {
            return false;
        }
        let (namespace, name) = entry.name.rsplit_once('/').unwrap_or(("", &entry.name));
        let mut decoded = None;
        self.fields.requirements.iter().all(|requirement| {
            let equal = match requirement.field.as_str() {
                "metadata.name" => requirement.value == name,
                "metadata.namespace" => requirement.value == namespace,
                field => {
                    let object = decoded.get_or_insert_with(|| served.value(&entry.object, entry.revision));
                    served.selected(object, field).is_some_and(|value| value == requirement.value)
                }
            };
            equal == requirement.equal
        })
    }
}

impl Server {
    /// Answers with one object.
    pub(super) async fn get(&self, call: &Call<'_>) -> Answer<Response<Body>> {
        if let Some(version) = request::value(call.query, "resourceVersion").filter(|v| !v.is_empty()) {
            let wanted = options::parse_version(version)?;
            let current = self.store.range(nothing(call)).await.map_err(store_failure)?.revision;
            if wanted > current {
                return Err(super::errors::revision_in_the_future(wanted, current));
            }
        }
        let entry = self.entry(call).await?;
        let shown = call.served.show(&entry.object, Some(entry.revision));
        Ok(respond::object(StatusCode::OK, &shown, call.served, call.accepted, call.now.seconds))
    }

    /// Answers with a list.
    pub(super) async fn list(&self, call: &Call<'_>) -> Answer<Response<Body>> {
        let options = List::parse(call.query, false)?;
        let selection = Selection::parse(&options, call.served)?;
        let (page, continues, remaining) = self.page(call, &options, &selection).await?;
        let metadata = list_metadata(call, page.revision, continues, remaining);
        Ok(answer(call, page.entries, metadata))
    }

    /// Reads what a list asks for: the entries, where to go on, and how many are left.
    pub(super) async fn page(
        &self,
        call: &Call<'_>,
        options: &List,
        selection: &Selection,
    ) -> Answer<(Page, Option<String>, usize)> {
        let prefix = prefix(call);
        let mut at = match (options.version, options.version_match.as_str()) {
            (None | Some(0), _) => None,
            _ if !options.continues.is_empty() => None,
            (Some(version), "Exact") => Some(version),
            (Some(version), "") if options.limit > 0 => Some(version),
            (Some(version), _) => {
                let current = self.store.range(nothing(call)).await.map_err(store_failure)?.revision;
                if version > current {
                    return Err(super::errors::revision_in_the_future(version, current));
                }
                None
            }
        };
        let mut start = String::new();
        if !options.continues.is_empty() {
            let (revision, after) = decode_continue(&options.continues)?;
            if options.version.is_some_and(|version| version != 0) {
                let message = "specifying resource version is not allowed when using continue";
                return Err(bad_request(message));
            }
            at = revision;
            start = format!("{prefix}{after}");
        }
        // What may be of any age kube-apiserver answers from its cache, and then at once. Events are in none.
        let is_cached = options.version == Some(0) && start.is_empty() && &*call.served.collection != EVENTS;
        let wanted = if is_cached { 0 } else { options.limit };
        // With a selector the limit counts what is selected, which only this side knows.
        let limit = if selection.is_empty() { wanted } else { 0 };
        let range = Range { collection: &call.served.collection, prefix: &prefix, start: &start, limit, at };
        let mut page = self.store.range(range).await.map_err(|error| match error {
            StoreError::Compacted if !options.continues.is_empty() => {
                let mut failure = expired(CONTINUE_EXPIRED);
                failure.metadata.continue_token = encode_continue(NEWEST, &start[prefix.len()..]);
                failure
            }
            other => store_failure(other),
        })?;
        let mut remaining = page.remaining;
        if !selection.is_empty() {
            // Whether anything behind a full page is selected is seen only when the next page is asked for.
            remaining = selection.select(&mut page.entries, call.served, wanted);
        }
        let continues = match page.entries.last() {
            Some(last) if remaining > 0 => {
                let next = format!("{}\0", &last.name[prefix.len()..]);
                Some(encode_continue(i64::try_from(page.revision).unwrap_or(i64::MAX), &next))
            }
            _ => None,
        };
        Ok((page, continues, if selection.is_empty() { remaining } else { 0 }))
    }
}

/// What the names of a request's objects start with.
pub(super) fn prefix(call: &Call<'_>) -> String {
    let namespaced = call.served.info.namespaced() && !call.target.namespace.is_empty();
    if namespaced { format!("{}/", call.target.namespace) } else { String::new() }
}

/// A range without entries, to learn the current revision.
fn nothing<'a>(call: &'a Call<'_>) -> Range<'a> {
    Range { collection: &call.served.collection, prefix: "\u{10ffff}", start: "", limit: 1, at: None }
}

/// Answers with a list of entries.
pub(super) fn answer(call: &Call<'_>, entries: Vec<Arc<Entry>>, metadata: Vec<u8>) -> Response<Body> {
    let served = call.served;
    if let Shape::Metadata(_) = call.accepted.shape {
        let ty = served.go_type().unwrap_or_else(|| "unstructured.Unstructured".into());
        let why = format!("you requested PartialObjectMetadata, but the requested object is a list (*{ty}List)");
        return respond::failure(&not_acceptable_because(why), call.accepted.failures);
    }
    let mut out = Vec::with_capacity(PIECE);
    let end: Vec<u8> = match call.accepted.shape {
        Shape::Whole if served.custom.is_some() => {
            let (kind, version) = (served.list_kind(), served.kind.api_version());
            out.extend_from_slice(format!(r#"{{"apiVersion":"{version}","items":["#).as_bytes());
            let mut end = format!(r#"],"kind":"{kind}","metadata":"#).into_bytes();
            end.extend_from_slice(&metadata);
            end.push(b'}');
            end
        }
        Shape::Whole => {
            let (kind, version) = (served.list_kind(), served.kind.api_version());
            out.extend_from_slice(format!(r#"{{"kind":"{kind}","apiVersion":"{version}","metadata":"#).as_bytes());
            out.extend_from_slice(&metadata);
            out.extend_from_slice(br#","items":["#);
            b"]}".into()
        }
        Shape::Metadata(version) | Shape::MetadataList(version) => {
            let head = format!(r#"{{"kind":"PartialObjectMetadataList","apiVersion":"{version}","metadata":"#);
            out.extend_from_slice(head.as_bytes());
            out.extend_from_slice(&metadata);
            if entries.is_empty() {
                // Go has no list here, rather than one without items.
                out.extend_from_slice(br#","items":null"#);
                b"}".into()
            } else {
                out.extend_from_slice(br#","items":["#);
                b"]}".into()
            }
        }
        Shape::Table(version) => {
            out.extend_from_slice(format!(r#"{{"kind":"Table","apiVersion":"{version}","metadata":"#).as_bytes());
            out.extend_from_slice(&metadata);
            out.extend_from_slice(br#","columnDefinitions":"#);
            table::write_columns(&served.columns, &mut out);
            out.extend_from_slice(br#","rows":["#);
            b"]}".into()
        }
    };
    let size: usize = entries.iter().map(|entry| entry.object.size()).sum();
    if size < 2 * PIECE || call.accepted.format != Format::Json {
        for (i, entry) in entries.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            write_item(served, entry, call.accepted, call.now.seconds, &mut out);
        }
        out.extend_from_slice(&end);
        return respond::json(StatusCode::OK, out, call.accepted);
    }
    let served = call.served.clone();
    let (accepted, now) = (call.accepted, call.now.seconds);
    let mut entries = entries.into_iter();
    let (mut first, mut open) = (true, true);
    let pieces = std::iter::from_fn(move || {
        while open && out.len() < PIECE {
            match entries.next() {
                Some(entry) => {
                    if !std::mem::take(&mut first) {
                        out.push(b',');
                    }
                    write_item(&served, &entry, accepted, now, &mut out);
                }
                None => {
                    out.extend_from_slice(&end);
                    out.push(b'\n');
                    open = false;
                }
            }
        }
        let piece = std::mem::replace(&mut out, Vec::with_capacity(if open { PIECE + PIECE / 4 } else { 0 }));
        (!piece.is_empty()).then(|| Bytes::from(piece))
    });
    respond::pieces(pieces, call.accepted.gzip)
}

fn write_item(served: &Served, entry: &Entry, accepted: Accepted, now: i64, out: &mut Vec<u8>) {
    let shown = served.show(&entry.object, Some(entry.revision));
    match accepted.shape {
        Shape::Whole if served.custom.is_some() => shown.object.write(&served.head, shown.version, out),
        Shape::Whole => shown.object.write_item(shown.version, out),
        Shape::Metadata(version) | Shape::MetadataList(version) => respond::write_partial(version, &shown, served, out),
        Shape::Table(_) => table::write_row(served, &shown, accepted.include, now, out),
    }
}

/// Writes the metadata of a list.
pub(super) fn list_metadata(
    call: &Call<'_>,
    revision: Revision,
    continues: Option<String>,
    remaining: usize,
) -> Vec<u8> {
    let token = Value::from(continues.unwrap_or_default());
    let goes_on = token.as_str() != Some("");
    let remaining =
        if goes_on && remaining > 0 { format!(r#","remainingItemCount":{remaining}"#) } else { String::new() };
    let metadata = if call.served.custom.is_some() && call.accepted.shape == Shape::Whole {
        // A list without a type has its fields in the order of the alphabet, and always says where it goes on.
        format!(r#"{{"continue":{token}{remaining},"resourceVersion":"{revision}"}}"#)
    } else {
        let token = if goes_on { format!(r#","continue":{token}"#) } else { String::new() };
        format!(r#"{{"resourceVersion":"{revision}"{token}{remaining}}}"#)
    };
    metadata.into_bytes()
}

const CONTINUE_EXPIRED: &str = "The provided continue parameter is too old to display a consistent list result. You can \
    start a new list without the continue parameter, or use the continue token in this response to retrieve the \
    remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were \
    created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/// URL-safe, without padding, and as little strict about the last bits as Go.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// The revision in a token that lets a list go on with what is there now.
const NEWEST: i64 = -1;

/// The token that lets a list go on from a name: the form that kube-apiserver's tokens have.
fn encode_continue(revision: i64, start: &str) -> String {
    let token = serde_json::json!({"v": "meta.k8s.io/v1", "rv": revision, "start": start});
    BASE64.encode(token.to_string())
}

/// Reads a token: the revision to read at (none for the newest), and where to start.
fn decode_continue(token: &str) -> Answer<(Option<Revision>, String)> {
    let invalid = |why: &str| bad_request(format!("invalid continue token: continue key is not valid: {why}"));
    let json = BASE64.decode(token).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _) => at,
            // The last letters are too few.
            _ => token.len() - token.len() % 4,
        };
        invalid(&format!("illegal base64 data at input byte {at}"))
    })?;
    let (value, _) = parse_json(&json).map_err(|why| invalid(&why))?;
    if value.text(&["v"]) != "meta.k8s.io/v1" {
        return Err(invalid(&format!("server does not recognize this encoded version {}", value.text(&["v"]))));
    }
    let revision = value.get("rv").and_then(Value::as_i64).unwrap_or(0);
    if revision == 0 {
        return Err(invalid("incorrect encoded start resourceVersion (version meta.k8s.io/v1)"));
    }
    let start = value.text(&["start"]);
    if start.is_empty() {
        return Err(invalid("encoded start key empty (version meta.k8s.io/v1)"));
    }
    // kube-apiserver's own tokens sometimes begin with a slash.
    let name = start.strip_prefix('/').unwrap_or(start);
    if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(invalid(start));
    }
    Ok((u64::try_from(revision).ok(), name.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_read_back() {
        let token = encode_continue(710, "l2\0");
        assert_eq!(token, "eyJydiI6NzEwLCJzdGFydCI6ImwyXHUwMDAwIiwidiI6Im1ldGEuazhzLmlvL3YxIn0");
        assert_eq!(decode_continue(&token).unwrap(), (Some(710), "l2\0".into()));
        let newest = encode_continue(NEWEST, "/n/l2\0");
        assert_eq!(decode_continue(&newest).unwrap(), (None, "n/l2\0".into()));
        let made = |revision, start| encode_continue(revision, start);
        for (token, message) in [
            (
                "garbage",
                r"invalid continue token: continue key is not valid: invalid character '\u0081' looking for beginning of value",
            ),
            ("a!", "invalid continue token: continue key is not valid: illegal base64 data at input byte 1"),
            (
                "e30",
                "invalid continue token: continue key is not valid: server does not recognize this encoded version ",
            ),
            (
                &made(0, "a"),
                "invalid continue token: continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
            ),
            (
                &made(7, ""),
                "invalid continue token: continue key is not valid: encoded start key empty (version meta.k8s.io/v1)",
            ),
            (&made(7, "../a"), "invalid continue token: continue key is not valid: ../a"),
        ] {
            assert_eq!(decode_continue(token).unwrap_err().message, message, "{token}");
        }
    }
}
