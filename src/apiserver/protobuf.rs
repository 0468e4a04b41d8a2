//! Bodies in Kubernetes' protobuf encoding, which its own typed clients send: read, never written.
//!
//! The envelope is four bytes and a `runtime.Unknown`; in it is the object, encoded by its type (proto2). The numbers of
//! the fields are a table beside this file: a line for each message with its fields in the order of their numbers,
//! `name=number` after a gap, `@Message` for one whose fields are the outer message's own in JSON. What the fields are
//! is known from the types.

use crate::api::time::{Moment, rfc3339, rfc3339_micro};
use crate::api::{Catalog, GroupVersionKind, Map, ObjectExt, TypeRef, Value, json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::collections::HashMap;
use std::sync::LazyLock;

const MAGIC: &[u8] = b"k8s\0";
/// How many messages may stand inside each other.
const DEEPEST: usize = 200;

const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
const MICRO_TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";
const FIELDS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1";
const RAW: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";
const INT_OR_STRING: &str = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";

/// The fields of each message, by number.
static MESSAGES: LazyLock<HashMap<String, HashMap<u64, &'static str>>> = LazyLock::new(|| {
    let mut messages = HashMap::new();
    let mut package = "";
    for line in include_str!("protobuf-fields.txt").lines() {
        if let Some(name) = line.strip_suffix(':') {
            package = name;
            continue;
        }
        let mut words = line.split(' ');
        let name = format!("{package}.{}", words.next().unwrap_or(""));
        let mut last = 0;
        let fields = words.map(|word| {
            let (field, number) = word.split_once('=').unwrap_or((word, ""));
            last = number.parse().unwrap_or(last + 1);
            (last, field)
        });
        messages.insert(name, fields.collect());
    }
    messages
});

/// Reads a body. Its object has `apiVersion` and `kind` where the envelope says them; the kind that is expected stands
/// in where it does not.
///
/// # Errors
/// The body is no protobuf, or of a kind whose encoding is not known.
pub fn decode(body: &[u8], expected: &GroupVersionKind, catalog: &Catalog) -> Result<Value, String> {
    let envelope = body
        .strip_prefix(MAGIC)
        .ok_or("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for field in Fields(envelope) {
        match field? {
            (1, Wire::Bytes(meta)) => {
                for field in Fields(meta) {
                    match field? {
                        (1, Wire::Bytes(text)) => api_version = string(text),
                        (2, Wire::Bytes(text)) => kind = string(text),
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let mut gvk = expected.clone();
    if !kind.is_empty() {
        gvk = crate::api::GroupVersion::parse(&api_version).with_kind(&kind);
    }
    let named = |gvk: &GroupVersionKind| {
        let is = |g: &crate::api::types::Gvk| g.group == gvk.group && g.version == gvk.version && g.kind == gvk.kind;
        catalog.types().iter().find(|(_, node)| node.gvk.iter().any(is)).map(|(name, _)| name.clone())
    };
    // Options of deletes say that they are of the group they are sent to.
    let name = named(&gvk).or_else(|| (gvk.kind == expected.kind).then(|| named(expected)).flatten());
    let found = name.and_then(|name| Some((catalog.named(&name)?, name)));
    let Some((ty, name)) = found.filter(|(_, name)| MESSAGES.contains_key(name)) else {
        return Err(format!("no kind {:?} is registered for version {:?} in protobuf", gvk.kind, gvk.api_version()));
    };
    let mut object = Map::new();
    message(raw, &name, ty, &mut object, 0)?;
    let mut object = Value::Object(object);
    if !kind.is_empty() {
        object.put(&["apiVersion"], api_version);
        object.put(&["kind"], kind);
    }
    Ok(object)
}

/// Reads a message's fields into an object.
fn message(bytes: &[u8], name: &str, ty: TypeRef, into: &mut Map<String, Value>, depth: usize) -> Result<(), String> {
    if depth > DEEPEST {
        return Err("proto: message is nested too deeply".into());
    }
    let Some(fields) = MESSAGES.get(name) else { return Ok(()) };
    for found in Fields(bytes) {
        let (number, wire) = found?;
        let Some(field) = fields.get(&number) else { continue };
        if let Some(inner) = field.strip_prefix('@') {
            let package = name.rsplit_once('.').map_or("", |(package, _)| package);
            message(wire.bytes()?, &format!("{package}.{inner}"), ty, into, depth + 1)?;
            continue;
        }
        let Some(ty) = ty.field(field) else { continue };
        match ty.node().kind.as_str() {
            "array" => {
                let Some(items) = ty.items() else { continue };
                let list = into.entry(*field).or_insert_with(|| Value::Array(Vec::new()));
                if let Some(list) = list.as_array_mut() {
                    elements(wire, items, list, depth)?;
                }
            }
            "object" if ty.node().fields.is_empty() && ty.values().is_some() => {
                let map = into.entry(*field).or_insert_with(|| Value::Object(Map::new()));
                if let (Some(map), Some(values)) = (map.as_object_mut(), ty.values()) {
                    entry(wire.bytes()?, values, map, depth)?;
                }
            }
            _ => {
                if let Some(value) = value(wire, ty, depth)? {
                    into.insert((*field).into(), value);
                }
            }
        }
    }
    Ok(())
}

/// One element of a repeated field, or several numbers packed together.
fn elements(wire: Wire<'_>, items: TypeRef, list: &mut Vec<Value>, depth: usize) -> Result<(), String> {
    match wire {
        Wire::Bytes(mut packed) if items.node().kind == "integer" => {
            while !packed.is_empty() {
                let (number, rest) = varint(packed).ok_or(CUT)?;
                list.push(number.cast_signed().into());
                packed = rest;
            }
        }
        wire => list.extend(value(wire, items, depth)?),
    }
    Ok(())
}

/// One entry of a map: a message of a key and a value.
fn entry(bytes: &[u8], values: TypeRef, map: &mut Map<String, Value>, depth: usize) -> Result<(), String> {
    let (mut key, mut found) = (String::new(), None);
    for field in Fields(bytes) {
        match field? {
            (1, Wire::Bytes(text)) => key = string(text),
            (2, wire) if values.node().kind == "array" => {
                // A list that is no field is a message of its own.
                let mut list = Vec::new();
                for item in Fields(wire.bytes()?) {
                    if let ((1, wire), Some(items)) = (item?, values.items()) {
                        elements(wire, items, &mut list, depth)?;
                    }
                }
                found = Some(Value::Array(list));
            }
            (2, wire) => found = value(wire, values, depth)?,
            _ => {}
        }
    }
    // A value that is not written is its type's zero.
    map.insert(key, found.unwrap_or_else(|| values.zero()));
    Ok(())
}

/// One value; none for what JSON would leave out.
fn value(wire: Wire<'_>, ty: TypeRef, depth: usize) -> Result<Option<Value>, String> {
    let node = ty.node();
    Ok(match (ty.name().unwrap_or(""), node.kind.as_str()) {
        (QUANTITY, _) => first_text(wire.bytes()?)?.map(Value::String),
        (TIME | MICRO_TIME, _) => time(wire.bytes()?, ty.name() == Some(MICRO_TIME))?,
        (INT_OR_STRING, _) => Some(int_or_string(wire.bytes()?)?),
        (FIELDS | RAW, _) => match first_text(wire.bytes()?)? {
            Some(text) => Some(json::from_slice(text.as_bytes()).map_err(|error| error.to_string())?),
            None => None,
        },
        (_, "string") if node.format == "byte" => Some(BASE64.encode(wire.bytes()?).into()),
        (_, "string") => Some(string(wire.bytes()?).into()),
        (_, "boolean") => Some((wire.number()? != 0).into()),
        (_, "number") => Some(f64::from_bits(wire.number()?).into()),
        (_, "integer") => Some(wire.number()?.cast_signed().into()),
        (name, _) => {
            let mut object = Map::new();
            message(wire.bytes()?, name, ty, &mut object, depth + 1)?;
            Some(object.into())
        }
    })
}

fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The text of a message's first field.
fn first_text(bytes: &[u8]) -> Result<Option<String>, String> {
    for field in Fields(bytes) {
        if let (1, Wire::Bytes(text)) = field? {
            return Ok(Some(string(text)));
        }
    }
    Ok(None)
}

/// A time; none for the zero time, which is an empty message.
fn time(bytes: &[u8], micro: bool) -> Result<Option<Value>, String> {
    let (mut seconds, mut nanoseconds) = (None, 0);
    for field in Fields(bytes) {
        match field? {
            (1, Wire::Number(number)) => seconds = Some(number.cast_signed()),
            (2, Wire::Number(number)) => nanoseconds = u32::try_from(number).unwrap_or(0),
            _ => {}
        }
    }
    let written = |seconds| if micro { rfc3339_micro(Moment { seconds, nanoseconds }) } else { rfc3339(seconds) };
    Ok(seconds.map(|seconds| written(seconds).into()))
}

fn int_or_string(bytes: &[u8]) -> Result<Value, String> {
    let (mut is_text, mut number, mut text) = (false, 0, String::new());
    for field in Fields(bytes) {
        match field? {
            (1, Wire::Number(kind)) => is_text = kind == 1,
            (2, Wire::Number(value)) => number = value.cast_signed(),
            (3, Wire::Bytes(value)) => text = string(value),
            _ => {}
        }
    }
    Ok(if is_text { text.into() } else { number.into() })
}

const CUT: &str = "unexpected EOF";

/// What is written after a field's number.
#[derive(Clone, Copy)]
enum Wire<'a> {
    /// A varint, or a fixed number.
    Number(u64),
    /// A text, bytes, a message, or packed numbers.
    Bytes(&'a [u8]),
}

impl<'a> Wire<'a> {
    fn bytes(self) -> Result<&'a [u8], String> {
        match self {
            Wire::Bytes(bytes) => Ok(bytes),
            Wire::Number(_) => Err("proto: wrong wireType".into()),
        }
    }

    fn number(self) -> Result<u64, String> {
        match self {
            Wire::Number(number) => Ok(number),
            Wire::Bytes(_) => Err("proto: wrong wireType".into()),
        }
    }
}

/// The fields of a message, one after the other; the first error ends them.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn read(&mut self) -> Option<(u64, Wire<'a>)> {
        let (tag, rest) = varint(self.0)?;
        let (wire, rest) = match tag & 7 {
            0 => {
                let (number, rest) = varint(rest)?;
                (Wire::Number(number), rest)
            }
            1 => (Wire::Number(u64::from_le_bytes(rest.get(..8)?.try_into().ok()?)), &rest[8..]),
            2 => {
                let (length, rest) = varint(rest)?;
                let length = usize::try_from(length).ok()?;
                (Wire::Bytes(rest.get(..length)?), &rest[length..])
            }
            5 => (Wire::Number(u32::from_le_bytes(rest.get(..4)?.try_into().ok()?).into()), &rest[4..]),
            _ => return None,
        };
        self.0 = rest;
        Some((tag >> 3, wire))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Wire<'a>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or_else(|| CUT.to_string()))
    }
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (i, byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[i + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::builtin;
    use serde_json::json;

    fn field(number: u64, content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for mut left in [number << 3 | 2, content.len() as u64] {
            while left > 0x7f {
                out.push(left as u8 | 0x80);
                left >>= 7;
            }
            out.push(left as u8);
        }
        out.extend_from_slice(content);
        out
    }

    fn enveloped(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &meta), field(2, raw)].concat()
    }

    fn read(body: &[u8], kind: &str) -> Result<Value, String> {
        decode(body, &GroupVersionKind::new("", "v1", kind), builtin())
    }

    #[test]
    fn objects_are_read_by_their_types() {
        let secret =
            [field(1, &field(1, b"s")), field(2, &[field(1, b"k"), field(2, b"v")].concat()), field(3, b"Opaque")];
        let expected = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "dg=="},
            "type": "Opaque"});
        assert_eq!(read(&enveloped("v1", "Secret", &secret.concat()), "Secret").unwrap(), expected);
        // spec.ports[0]: port 80, targetPort "http"; a volume's own fields are those of its source.
        let port = [vec![3 << 3, 80], field(4, &[vec![1 << 3, 1], field(3, b"http")].concat())].concat();
        let service = field(2, &field(1, &port));
        let got = read(&enveloped("v1", "Service", &service), "Service").unwrap();
        assert_eq!(got["spec"]["ports"], json!([{"port": 80, "targetPort": "http"}]));
        let volume = [field(1, b"v"), field(2, &field(19, &field(1, &field(1, b"c"))))].concat();
        let got = read(&enveloped("v1", "Pod", &field(2, &field(1, &volume))), "Pod").unwrap();
        assert_eq!(got["spec"]["volumes"], json!([{"name": "v", "configMap": {"name": "c"}}]));
    }

    #[test]
    fn times_and_quantities_have_their_forms() {
        let metadata = [field(1, b"n"), field(8, b""), field(9, &[1 << 3, 60])].concat();
        let got = read(&enveloped("v1", "Namespace", &field(1, &metadata)), "Namespace").unwrap();
        assert_eq!(got["metadata"], json!({"name": "n", "deletionTimestamp": "1970-01-01T00:01:00Z"}));
        let hard = [field(1, b"pods"), field(2, &field(1, b"5"))].concat();
        let got = read(&enveloped("v1", "ResourceQuota", &field(2, &field(1, &hard))), "ResourceQuota").unwrap();
        assert_eq!(got["spec"]["hard"], json!({"pods": "5"}));
    }

    #[test]
    fn the_messages_of_the_api_groups_have_the_fields_of_their_types() {
        // Groups that kube-apiserver adds by other means have messages that only their own clients send.
        let elsewhere = ["io.k8s.apiextensions-apiserver.", "io.k8s.kube-aggregator."];
        for (name, node) in builtin().types().iter().filter(|(_, node)| !node.gvk.is_empty()) {
            if elsewhere.iter().any(|package| name.starts_with(package)) || name.ends_with("List") {
                continue;
            }
            let fields = MESSAGES.get(name).unwrap_or_else(|| panic!("{name} has no message"));
            for field in node.fields.keys().filter(|field| !matches!(field.as_str(), "apiVersion" | "kind")) {
                assert!(fields.values().any(|known| known == field), "{name} has no number for {field}");
            }
        }
    }

    #[test]
    fn what_is_no_protobuf_is_refused() {
        for body in [&b""[..], b"{}", b"k8s", b"k8s\0\x0a\xff", b"k8s\0\x12\x02\x0a\x09"] {
            assert!(read(body, "Secret").is_err(), "{body:?}");
        }
        assert!(read(&enveloped("v9", "Nosuch", b""), "Secret").is_err());
        assert!(read(&enveloped("v1", "Secret", b"\x0a\x09"), "Secret").is_err());
    }
}
