//! Nodes to values: types are found out, aliases and merges replaced by what they stand for, keys made strings.
//!
//! This does in one step what the reference does in three (YAML to Go values, those to JSON, that to an object), and
//! so has the numbers, the keys and the order of errors of all three.

use super::Reader;
use super::error::{CONVERTING, Fault, ReadError};
use super::gosyntax;
use super::parse::{Node, NodeKind, Tag};
use super::resolve::{Scalar, go_time, is_old_bool, resolve};
use crate::api::json::{self, MAX_DEPTH};
use crate::api::{Map, Value};
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine, alphabet};
use std::borrow::Cow;

/// How much memory may come from aliases, in bytes, about.
const MAX_ALIASED_SIZE: usize = 32 << 20;

/// Makes the value of a document's nodes, and says which keys were given more than once.
pub(super) fn compose(nodes: Vec<Node<'_>>, reader: Reader) -> Result<(Value, Vec<String>), ReadError> {
    if nodes.is_empty() {
        return Ok((Value::Null, Vec::new()));
    }
    let has_aliases = nodes.iter().any(|node| matches!(node.kind, NodeKind::Alias { .. }));
    let mut composer = Composer {
        nodes,
        reader,
        has_aliases,
        depth: 0,
        decoded: 1,
        aliased: 0,
        aliased_size: 0,
        in_alias: 0,
        bad_key: None,
        bad_number: None,
        duplicates: Vec::new(),
    };
    let value = composer.value(0)?;
    match composer.bad_key.map(|(_, problem)| problem).or(composer.bad_number) {
        Some(problem) => Err(ReadError::new(CONVERTING, problem, 0)),
        None => Ok((value, composer.duplicates)),
    }
}

/// How many keys are reported that were given more than once.
const MAX_DUPLICATES: usize = 100;

struct Composer<'a> {
    nodes: Vec<Node<'a>>,
    reader: Reader,
    has_aliases: bool,
    depth: usize,
    /// How many nodes were visited, and how many of these through an alias.
    decoded: usize,
    aliased: usize,
    aliased_size: usize,
    in_alias: usize,
    /// What is wrong only for JSON is told last: first keys, then numbers.
    bad_key: Option<(usize, String)>,
    bad_number: Option<String>,
    duplicates: Vec<String>,
}

impl<'a> Composer<'a> {
    /// Counts a visit, and stops when aliases make too much of a small text.
    fn count(&mut self, at: usize) -> Result<(), Fault> {
        self.decoded += 1;
        if self.in_alias == 0 {
            return Ok(());
        }
        self.aliased += 1;
        self.aliased_size += match &self.nodes[at].kind {
            NodeKind::Scalar { text, .. } => 64 + text.len(),
            // One node of the tree that a map is.
            NodeKind::Mapping { .. } => 700,
            _ => 64,
        };
        let ratio = self.aliased as f64 / self.decoded as f64;
        let excessive = self.aliased > 100 && self.decoded > 1000 && ratio > allowed_ratio(self.decoded);
        if excessive || self.aliased_size > MAX_ALIASED_SIZE {
            return Err(Fault::value("document contains excessive aliasing"));
        }
        Ok(())
    }

    /// The index after the node at `at` and its content.
    fn after(&self, at: usize) -> usize {
        after(&self.nodes, at)
    }

    fn value(&mut self, at: usize) -> Result<Value, Fault> {
        self.count(at)?;
        match self.nodes[at].kind {
            NodeKind::Scalar { .. } => {
                let scalar = self.scalar(at)?;
                Ok(self.scalar_value(scalar, at))
            }
            NodeKind::Alias { target, .. } => self.through_alias(at, |this| this.value(target)),
            NodeKind::Sequence { end } => self.nested(|this| {
                let mut items = Vec::new();
                let mut item = at + 1;
                while item < end {
                    items.push(this.value(item)?);
                    item = this.after(item);
                }
                Ok(Value::Array(items))
            }),
            NodeKind::Mapping { .. } => self.nested(|this| {
                let mut fields = Map::new();
                this.fill(at, &mut fields)?;
                Ok(Value::Object(fields))
            }),
        }
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::value(format!("exceeded max depth of {MAX_DEPTH}")));
        }
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn through_alias<T>(&mut self, at: usize, read: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if let NodeKind::Alias { name, within: true, .. } = self.nodes[at].kind {
            return Err(Fault::value(format!("anchor '{name}' value contains itself")));
        }
        self.in_alias += 1;
        let value = self.nested(read);
        self.in_alias -= 1;
        value
    }

    /// Adds the content of the mapping at `at`. A later entry replaces an earlier one, merged ones too.
    fn fill(&mut self, at: usize, fields: &mut Map<String, Value>) -> Result<(), Fault> {
        let end = self.after(at);
        let mut key = at + 1;
        while key < end {
            let value = self.after(key);
            if is_merge(&self.nodes[key]) {
                self.merge(value, fields)?;
            } else {
                let name = self.key(key, value, at)?;
                let field = self.value(value)?;
                if fields.insert(name, field).is_some() && self.duplicates.len() < MAX_DUPLICATES {
                    let (line, shown) = (self.nodes[value].line + 1, gosyntax::show(&self.nodes, key));
                    self.duplicates.push(format!("line {line}: key {shown} already set in map"));
                }
            }
            key = self.after(value);
        }
        Ok(())
    }

    /// Merges a mapping, or a sequence of mappings of which the first counts most.
    fn merge(&mut self, at: usize, fields: &mut Map<String, Value>) -> Result<(), Fault> {
        merged(&self.nodes, at).into_iter().try_for_each(|part| self.merge_one(part, fields))
    }

    fn merge_one(&mut self, at: usize, fields: &mut Map<String, Value>) -> Result<(), Fault> {
        let not_a_map = || Fault::value("map merge requires map or sequence of maps as the value");
        match self.nodes[at].kind {
            NodeKind::Mapping { .. } => {
                self.count(at)?;
                self.nested(|this| this.fill(at, fields))
            }
            NodeKind::Alias { target, .. } if matches!(self.nodes[target].kind, NodeKind::Mapping { .. }) => {
                self.count(at)?;
                self.through_alias(at, |this| this.merge_one(target, fields))
            }
            _ => Err(not_a_map()),
        }
    }

    /// The key at `at` of `mapping` as a string; `value` is where its value is.
    fn key(&mut self, at: usize, value: usize, mapping: usize) -> Result<String, Fault> {
        self.count(at)?;
        let at = match self.nodes[at].kind {
            NodeKind::Alias { target, .. } => {
                self.through_alias(at, |this| this.count(target))?;
                target
            }
            _ => at,
        };
        if !matches!(self.nodes[at].kind, NodeKind::Scalar { .. }) {
            let shown = gosyntax::show(&self.nodes, at);
            // What is wrong inside comes first.
            self.value(at)?;
            return Err(Fault::value(format!("invalid map key: {shown}")));
        }
        let kind = match self.scalar(at)? {
            Scalar::Text | Scalar::Timestamp => return Ok(self.text(at)),
            Scalar::Int(integer) => return Ok(integer.to_string()),
            Scalar::Bool(bool) => return Ok(bool.to_string()),
            #[expect(clippy::cast_possible_truncation, reason = "the reference rounds floats that are keys to 32 bits")]
            Scalar::Float(float) => {
                let text = json::float_g32(float as f32);
                return Ok(match text.as_str() {
                    "+Inf" => ".inf".into(),
                    "-Inf" => "-.inf".into(),
                    "NaN" => ".nan".into(),
                    _ => text,
                });
            }
            Scalar::Null => "%!s(<nil>)",
            Scalar::Unsigned(_) => "uint64",
        };
        // A key that comes again counts only the last time.
        if self.bad_key.as_ref().is_none_or(|bad| bad.0 == mapping) {
            let (key, value) = (gosyntax::show(&self.nodes, at), gosyntax::show(&self.nodes, value));
            let problem = format!("unsupported map key of type: {kind}, key: {key}, value: {value}");
            self.bad_key = Some((mapping, problem));
        }
        Ok(String::new())
    }

    fn scalar(&self, at: usize) -> Result<Scalar, Fault> {
        match &self.nodes[at].kind {
            NodeKind::Scalar { text, tag } => {
                let scalar = scalar(text, tag)?;
                let is_word = self.reader == Reader::Kustomize && *tag == Tag::Implicit && is_old_bool(&scalar, text);
                Ok(if is_word { Scalar::Text } else { scalar })
            }
            _ => Ok(Scalar::Null),
        }
    }

    fn scalar_value(&mut self, scalar: Scalar, at: usize) -> Value {
        match scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(bool) => bool.into(),
            Scalar::Int(integer) => integer.into(),
            Scalar::Unsigned(integer) if self.reader == Reader::Kustomize => integer.into(),
            // JSON's reader knows only integers with a sign.
            Scalar::Unsigned(integer) => (integer as f64).into(),
            Scalar::Float(float) => self.float(float),
            Scalar::Timestamp if self.reader == Reader::Kustomize => Value::String(go_time(&self.text(at))),
            Scalar::Timestamp | Scalar::Text => Value::String(self.text(at)),
        }
    }

    /// A float goes through its text, after which a whole one is an integer.
    fn float(&mut self, float: f64) -> Value {
        if !float.is_finite() {
            let shown = json::float_g(float);
            self.bad_number.get_or_insert_with(|| format!("json: unsupported value: {shown}"));
            return Value::Null;
        }
        if float.fract() != 0.0 || float.abs() >= 1e19 {
            return float.into();
        }
        json::float(float).parse::<i64>().map_or(float.into(), Value::from)
    }

    /// The text of the scalar at `at`. It is taken away where no alias may want it.
    fn text(&mut self, at: usize) -> String {
        let NodeKind::Scalar { text, tag } = &mut self.nodes[at].kind else { return String::new() };
        if is_binary(tag) {
            return decoded(text, tag).into_owned();
        }
        match text {
            Cow::Owned(text) if !self.has_aliases => std::mem::take(text),
            text => text.clone().into_owned(),
        }
    }
}

/// The share of visits that may come through aliases: nearly all in a small document, a tenth in a large one.
fn allowed_ratio(decoded: usize) -> f64 {
    const SMALL: f64 = 400_000.0;
    const LARGE: f64 = 4_000_000.0;
    let over = (decoded as f64).clamp(SMALL, LARGE) - SMALL;
    0.99 - 0.89 * over / (LARGE - SMALL)
}

/// The index after the node at `at` and its content.
pub(super) fn after(nodes: &[Node<'_>], at: usize) -> usize {
    match nodes[at].kind {
        NodeKind::Sequence { end } | NodeKind::Mapping { end } => end,
        _ => at + 1,
    }
}

/// Whether the key merges its value into the mapping.
pub(super) fn is_merge(key: &Node<'_>) -> bool {
    match &key.kind {
        NodeKind::Scalar { text, tag } if text == "<<" => match tag {
            Tag::Implicit => true,
            Tag::Text => false,
            Tag::Explicit(tag) => matches!(&**tag, "!" | "tag:yaml.org,2002:merge"),
        },
        _ => false,
    }
}

/// What the value at `at` of a merge key merges, what counts most last.
pub(super) fn merged(nodes: &[Node<'_>], at: usize) -> Vec<usize> {
    let NodeKind::Sequence { end } = nodes[at].kind else { return vec![at] };
    let mut parts = Vec::new();
    let mut part = at + 1;
    while part < end {
        parts.push(part);
        part = after(nodes, part);
    }
    parts.reverse();
    parts
}

/// The text of a scalar, which may be in base 64.
pub(super) fn decoded<'a>(text: &'a str, tag: &Tag) -> Cow<'a, str> {
    if !is_binary(tag) {
        return Cow::Borrowed(text);
    }
    let mut decoded = String::new();
    json::push_replacing(&mut decoded, &decode_base64(text).unwrap_or_default());
    Cow::Owned(decoded)
}

fn is_binary(tag: &Tag) -> bool {
    matches!(tag, Tag::Explicit(tag) if **tag == *"tag:yaml.org,2002:binary")
}

/// Go's decoder passes over line breaks, and does not mind what the last bits are.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose =
        GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
    let joined: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    LENIENT.decode(joined).ok()
}

/// The type of a scalar, whose tag must fit its text.
pub(super) fn scalar(text: &str, tag: &Tag) -> Result<Scalar, Fault> {
    let tag = match tag {
        Tag::Implicit => return Ok(resolve(text)),
        Tag::Text => return Ok(Scalar::Text),
        Tag::Explicit(tag) => tag,
    };
    let Some(name) = tag.strip_prefix("tag:yaml.org,2002:") else { return Ok(Scalar::Text) };
    let found = match name {
        "bool" | "int" | "float" | "null" | "timestamp" => resolve(text),
        "binary" if decode_base64(text).is_none() => {
            return Err(Fault::value("!!binary value contains invalid base64 data"));
        }
        _ => return Ok(Scalar::Text),
    };
    let found_name = match found {
        Scalar::Null => "null",
        Scalar::Bool(_) => "bool",
        Scalar::Int(integer) if name == "float" => return Ok(Scalar::Float(integer as f64)),
        Scalar::Int(_) | Scalar::Unsigned(_) => "int",
        Scalar::Float(_) => "float",
        Scalar::Timestamp if name != "timestamp" => "str",
        Scalar::Timestamp => "timestamp",
        Scalar::Text => "str",
    };
    if found_name != name {
        return Err(Fault::value(format!("cannot decode !!{found_name} `{text}` as a !!{name}")));
    }
    Ok(found)
}
