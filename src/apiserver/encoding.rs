//! Objects as they are kept: encoded once when they are written, copied when they are read.
//!
//! A kept object is JSON without `metadata.resourceVersion`, which is the revision of the transaction that stores the
//! object: it is known only then, so it is put in while copying, at a place that is remembered. Its `kind` and
//! `apiVersion` come first and are left out where they are not shown (items of a list) or others are (the versions of a
//! resource). Then comes metadata. The fields of what is built in have the order of their Go types; custom resources are
//! of no type, and theirs have the order of the alphabet.

use crate::api::{Map, ObjectExt, TypeRef, Value, json};
use crate::schema;
use hyper::body::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The type of metadata, and the package of what belongs to no group.
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

/// The fields of typed metadata around the resourceVersion, in the order in which kube-apiserver writes them.
const BEFORE_VERSION: [&str; 5] = ["name", "generateName", "namespace", "selfLink", "uid"];
const AFTER_VERSION: [&str; 9] = [
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
];

/// An encoded object, and beside it what selectors need.
#[derive(Clone, Debug)]
pub struct Encoded {
    bytes: Bytes,
    /// Where `"metadata":` starts.
    start: u32,
    /// Where the resourceVersion goes.
    version_at: u32,
    /// Where `metadata`'s value ends.
    metadata_end: u32,
    /// Whether the fields are in the order of the alphabet.
    untyped: bool,
    deleting: bool,
    labels: Arc<[(Box<str>, Box<str>)]>,
    /// The uids of its owners.
    owners: Arc<[Box<str>]>,
    /// The text of the field that is kept as it was sent, where `bytes` have it otherwise. What outlasts the process
    /// is `bytes` alone.
    sent: Option<Box<str>>,
}

/// A field of an object, and its text as a client wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct Verbatim {
    /// The field, at the top of the object.
    pub field: &'static str,
    /// Its JSON.
    pub text: String,
}

/// The field that is left out.
const VERSION: &str = "resourceVersion";
/// How metadata starts.
const METADATA: &[u8] = br#""metadata":"#;

impl Encoded {
    /// Encodes an object. Its resourceVersion is left out.
    pub fn new(object: &Value) -> Self {
        Self::with(object, None)
    }

    /// As [`Encoded::new`], with a field that is kept as it was sent.
    pub fn with(value: &Value, verbatim: Option<&Verbatim>) -> Self {
        let empty = Map::new();
        let object = value.as_object().unwrap_or(&empty);
        let metadata = object.get("metadata").and_then(Value::as_object).unwrap_or(&empty);
        let ty = value.built_in_type();
        let untyped = ty.is_none() && object.contains_key("kind");
        let mut out = Vec::with_capacity(512);
        out.push(b'{');
        write_fields(&mut out, ["kind", "apiVersion"].iter().filter_map(|key| object.get_key_value(*key)), None);
        if out.len() > 1 {
            out.push(b',');
        }
        let start = out.len() as u32;
        out.extend_from_slice(METADATA);
        out.push(b'{');
        let version_at = if untyped {
            let (before, after): (Vec<_>, Vec<_>) =
                metadata.iter().filter(|(key, _)| *key != VERSION).partition(|(key, _)| key.as_str() < VERSION);
            write_fields(&mut out, before.into_iter(), None);
            let version_at = out.len() as u32;
            write_fields(&mut out, after.into_iter(), None);
            version_at
        } else {
            let ty = schema::builtin().named(OBJECT_META);
            let listed = |fields: &'static [&'static str]| fields.iter().filter_map(|key| metadata.get_key_value(*key));
            write_fields(&mut out, listed(&BEFORE_VERSION), ty);
            let version_at = out.len() as u32;
            write_fields(&mut out, listed(&AFTER_VERSION), ty);
            version_at
        };
        out.push(b'}');
        let metadata_end = out.len() as u32;
        let mut sent = None;
        for (key, value) in ty.map_or_else(|| object.iter().collect(), |ty| ty.in_order(object)) {
            match verbatim.filter(|verbatim| verbatim.field == key) {
                _ if matches!(key.as_str(), "metadata" | "apiVersion" | "kind") => {}
                None => write_field(&mut out, key, value, ty),
                Some(Verbatim { text, .. }) => {
                    let shown = json::compact(text);
                    write_key(&mut out, key);
                    out.extend_from_slice(shown.as_bytes());
                    sent = (*text != shown).then(|| text.as_str().into());
                }
            }
        }
        out.push(b'}');
        let labels = metadata.get("labels").and_then(Value::as_object).map_or_else(Vec::new, |labels| {
            labels.iter().filter_map(|(k, v)| Some((k.as_str().into(), v.as_str()?.into()))).collect()
        });
        out.shrink_to_fit();
        let deleting = metadata.contains_key("deletionTimestamp");
        let owners = metadata.get("ownerReferences").and_then(Value::as_array).map_or_else(Vec::new, |owners| {
            owners.iter().filter_map(|owner| Some(owner.get("uid")?.as_str()?.into())).collect()
        });
        let (labels, owners) = (labels.into(), owners.into());
        Self { bytes: out.into(), start, version_at, metadata_end, untyped, deleting, labels, owners, sent }
    }

    /// The bytes to keep where objects outlast the process; [`Encoded::from_kept`] takes them back.
    pub fn kept(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes back an object from its bytes, of which only the metadata is read. None when they are not such bytes.
    pub fn from_kept(bytes: Bytes) -> Option<Self> {
        let start = start_of_metadata(&bytes)?;
        let value = start + METADATA.len();
        let mut metadata = serde_json::Deserializer::from_slice(&bytes[value..]).into_iter::<KeptMetadata<'_>>();
        let kept = metadata.next()?.ok()?;
        let metadata_end = value + metadata.byte_offset();
        let fields = [&kept.name, &kept.generate_name, &kept.namespace, &kept.self_link, &kept.uid];
        let mut before = vec![b'{'];
        for (key, value) in BEFORE_VERSION.iter().zip(fields) {
            if let Some(value) = value {
                write_field(&mut before, key, &Value::from(&**value), None);
            }
        }
        let typed = bytes[value..metadata_end].starts_with(&before);
        // In the order of the alphabet nothing but the uid comes after the version.
        let mut last = Vec::new();
        if let Some(uid) = &kept.uid {
            last.extend_from_slice(b",");
            write_field(&mut last, "uid", &Value::from(&**uid), None);
            last.remove(1);
        }
        last.push(b'}');
        let untyped = !typed && kept.self_link.is_none() && bytes[value..metadata_end].ends_with(&last);
        let version_at = if untyped { metadata_end - last.len() } else { value + before.len() };
        let ours = (typed || untyped) && bytes.ends_with(b"}");
        if !ours || version_at >= metadata_end || kept.resource_version.is_some() {
            return None;
        }
        let labels: Vec<(Box<str>, Box<str>)> =
            kept.labels.iter().flatten().map(|(key, value)| ((&**key).into(), (&**value).into())).collect();
        let owners: Vec<Box<str>> =
            kept.owner_references.iter().flatten().filter_map(|owner| Some(owner.uid.as_deref()?.into())).collect();
        let deleting = kept.deletion_timestamp.is_some();
        Some(Self {
            start: start as u32,
            version_at: version_at as u32,
            metadata_end: metadata_end as u32,
            untyped,
            deleting,
            labels: labels.into(),
            owners: owners.into(),
            sent: None,
            bytes,
        })
    }

    /// Writes the object as an item of a list: without `apiVersion` and `kind`.
    pub fn write_item(&self, revision: Option<u64>, out: &mut Vec<u8>) {
        self.write("", revision, out);
    }

    /// Writes the object by itself; `head` is `"kind":"Pod","apiVersion":"v1",`.
    pub fn write(&self, head: &str, revision: Option<u64>, out: &mut Vec<u8>) {
        out.push(b'{');
        out.extend_from_slice(head.as_bytes());
        self.write_around_version(self.start as usize, self.bytes.len(), revision, out);
    }

    /// Writes the value of `metadata`.
    pub fn write_metadata(&self, revision: Option<u64>, out: &mut Vec<u8>) {
        if self.untyped {
            // By itself it is of a type.
            let mut alone = Value::Object(Map::new());
            alone.put(&["metadata"], self.value(0).at(&["metadata"]).cloned().unwrap_or_default());
            return Self::new(&alone).write_metadata(revision, out);
        }
        self.write_around_version(self.start as usize + METADATA.len(), self.metadata_end as usize, revision, out);
    }

    /// Copies bytes, and puts the resourceVersion in its place between them.
    fn write_around_version(&self, start: usize, end: usize, revision: Option<u64>, out: &mut Vec<u8>) {
        let (before, after) =
            (&self.bytes[start..self.version_at as usize], &self.bytes[self.version_at as usize..end]);
        out.extend_from_slice(before);
        if let Some(revision) = revision {
            let first = before.ends_with(b"{");
            out.extend_from_slice(if first { br#""resourceVersion":""# } else { br#","resourceVersion":""# });
            out.extend_from_slice(revision.to_string().as_bytes());
            out.push(b'"');
            if first && !after.starts_with(b"}") {
                out.push(b',');
            }
        }
        out.extend_from_slice(after);
    }

    /// The object as a value, with its resourceVersion, in the version that is kept.
    pub fn value(&self, revision: u64) -> Value {
        Self::with_version(serde_json::from_slice(&self.bytes).unwrap_or_default(), revision)
    }

    /// As [`Encoded::value`], without the managed fields, which are the greater part of many objects.
    pub fn lean_value(&self, revision: u64) -> Value {
        Self::with_version(json::without_managed_fields(&self.bytes).unwrap_or_default(), revision)
    }

    fn with_version(mut value: Value, revision: u64) -> Value {
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".into(), revision.to_string().into());
        }
        value
    }

    /// Whether it is being deleted.
    pub fn is_deleting(&self) -> bool {
        self.deleting
    }

    /// Its uid; empty when it has none.
    pub fn uid(&self) -> &str {
        // It is the last field, or the last one before the resourceVersion, and has nothing that JSON escapes.
        let end = if self.untyped { self.metadata_end as usize - 1 } else { self.version_at as usize };
        let before = self.bytes[..end].strip_suffix(b"\"");
        let start = before.and_then(|before| before.iter().rposition(|byte| *byte == b'"'));
        let uid = before.zip(start).map(|(before, start)| before.split_at(start));
        uid.filter(|(key, _)| key.ends_with(b"\"uid\":"))
            .map_or("", |(_, uid)| std::str::from_utf8(&uid[1..]).unwrap_or(""))
    }

    /// The uids of its owners.
    pub fn owners(&self) -> &[Box<str>] {
        &self.owners
    }

    /// A label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(k, _)| &**k == key).map(|(_, v)| &**v)
    }

    /// The JSON of a field, as it was sent.
    pub fn text(&self, field: &str) -> Option<String> {
        self.sent.as_deref().map(str::to_string).or_else(|| text_of(&self.bytes, field))
    }

    /// Whether another object is the same but for the resourceVersion.
    pub fn same_as(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }

    /// How many bytes it takes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// What is read of an object that is taken back.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptMetadata<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    generate_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    namespace: Option<Cow<'a, str>>,
    #[serde(borrow)]
    self_link: Option<Cow<'a, str>>,
    #[serde(borrow)]
    uid: Option<Cow<'a, str>>,
    resource_version: Option<IgnoredAny>,
    deletion_timestamp: Option<IgnoredAny>,
    #[serde(borrow, default)]
    labels: Option<BTreeMap<Cow<'a, str>, Cow<'a, str>>>,
    #[serde(borrow, default)]
    owner_references: Option<Vec<KeptOwner<'a>>>,
}

#[derive(Deserialize)]
struct KeptOwner<'a> {
    #[serde(borrow)]
    uid: Option<Cow<'a, str>>,
}

/// Where `"metadata":{` starts in an object that begins with it, or with `kind` and `apiVersion` before it.
fn start_of_metadata(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    for key in [&br#""kind":""#[..], br#""apiVersion":""#] {
        if bytes.get(at..)?.starts_with(key) {
            at += key.len();
            // Neither has a character that JSON escapes.
            at += bytes[at..].iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            at += bytes[at..].starts_with(b"\",").then_some(2)?;
        }
    }
    let metadata = bytes.get(at..)?.strip_prefix(METADATA)?;
    (bytes[0] == b'{' && metadata.starts_with(b"{")).then_some(at)
}

fn write_fields<'a>(out: &mut Vec<u8>, fields: impl Iterator<Item = (&'a String, &'a Value)>, ty: Option<TypeRef>) {
    for (key, value) in fields {
        write_field(out, key, value, ty);
    }
}

/// Writes a field of something of a type.
fn write_field(out: &mut Vec<u8>, key: &str, value: &Value, of: Option<TypeRef>) {
    write_key(out, key);
    write_typed(out, value, of.and_then(|ty| ty.field(key)));
}

fn write_key(out: &mut Vec<u8>, key: &str) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    write_string(out, key);
    out.push(b':');
}

/// The JSON of one field of an object.
pub fn text_of(object: &[u8], field: &str) -> Option<String> {
    let mut fields: BTreeMap<String, &RawValue> = serde_json::from_slice(object).ok()?;
    fields.remove(field).map(|text| text.get().to_string())
}

/// Writes an object of a kind that is built in, its fields in the order of its Go type; any other in the order of the
/// alphabet.
pub fn write_object(out: &mut Vec<u8>, object: &Value) {
    write_typed(out, object, object.built_in_type());
}

fn write_typed(out: &mut Vec<u8>, value: &Value, ty: Option<TypeRef>) {
    match (value, ty) {
        (Value::Object(map), Some(ty)) => {
            out.push(b'{');
            write_fields(out, ty.in_order(map).into_iter(), Some(ty));
            out.push(b'}');
        }
        (Value::Array(items), Some(ty)) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_typed(out, item, ty.items());
            }
            out.push(b']');
        }
        _ => write_value(out, value),
    }
}

/// What has a type that the server knows.
trait Typed {
    /// The type: that of the kind, or one of those that belong to no group (a Status, what discovery answers).
    fn built_in_type(&self) -> Option<TypeRef<'static>>;
}

impl Typed for Value {
    fn built_in_type(&self) -> Option<TypeRef<'static>> {
        let kind = self.group_version_kind();
        let of_no_group = || schema::builtin().named(&format!("{META}.{}", kind.kind));
        schema::builtin().kind(&kind).or_else(|| if kind.group.is_empty() { of_no_group() } else { None })
    }
}

/// Writes a value as Go does.
pub fn write_value(out: &mut Vec<u8>, value: &Value) {
    // Writing to memory cannot fail.
    let _ = json::write(value, out);
}

/// Writes a string as Go does.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    let _ = json::write_text(text, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_is_written_with_its_version() {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "<&>\u{2028}\u{1}é"},
            "metadata": {"uid": "u", "name": "x", "labels": {"k": "v"}, "resourceVersion": "9", "generation": 1}});
        let encoded = Encoded::new(&object);
        let mut out = Vec::new();
        encoded.write(r#""kind":"ConfigMap","apiVersion":"v1","#, Some(12), &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x","uid":"u","resourceVersion":"12","generation":1,"labels":{"k":"v"}},"data":{"a":"\u003c\u0026\u003e\u2028\u0001é"}}"#
        );
        let mut out = Vec::new();
        encoded.write_metadata(Some(3), &mut out);
        assert_eq!(out, br#"{"name":"x","uid":"u","resourceVersion":"3","generation":1,"labels":{"k":"v"}}"#);
        assert_eq!(encoded.value(5)["metadata"]["resourceVersion"], "5");
        assert_eq!((encoded.label("k"), encoded.label("z")), (Some("v"), None));
        for (metadata, written) in [
            (json!({}), r#"{"resourceVersion":"3"}"#),
            (json!({"annotations": {}}), r#"{"resourceVersion":"3","annotations":{}}"#),
        ] {
            let mut out = Vec::new();
            Encoded::new(&json!({"metadata": metadata})).write_metadata(Some(3), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), written);
        }
    }

    #[test]
    fn an_object_is_taken_back() {
        for object in [
            json!({"metadata": {"name": "x"}}),
            json!({"kind": "ConfigMap", "metadata": {"name": "x"}, "apiVersion": "v1", "data": {"a": "b"}}),
            json!({"metadata": {"uid": "u", "name": "a\"<é\u{2028}", "namespace": "n", "generateName": "a-",
                "labels": {"k<": "v\n"}, "deletionTimestamp": "t", "creationTimestamp": null,
                "ownerReferences": [{"uid": "o1", "name": "x"}, {"name": "none"}]}, "spec": {"a": [1.5, -1, null]}}),
        ] {
            let encoded = Encoded::new(&object);
            let back = Encoded::from_kept(Bytes::copy_from_slice(encoded.kept())).unwrap();
            let all = |e: &Encoded| (e.start, e.version_at, e.metadata_end, e.deleting, e.labels.clone());
            assert_eq!(all(&back), all(&encoded));
            assert_eq!(encoded.uid(), object["metadata"]["uid"].as_str().unwrap_or(""));
            assert_eq!(back.value(7), encoded.value(7));
        }
        for bad in [
            "",
            "{}",
            r#"{"metadata":{"name":"#,
            r#"{"metadata": {"name":"x"}}"#,
            r#"{"metadata":{"uid":"u","name":"x"}}"#,
            r#"{"metadata":{"name":"x","resourceVersion":"1"}}"#,
            r#"{"kind":"A\"","metadata":{"name":"x"}}"#,
            r#"{"kind":"A","spec":{},"metadata":{"name":"x"}}"#,
        ] {
            assert!(Encoded::from_kept(Bytes::from(bad)).is_none(), "{bad}");
        }
    }
}
