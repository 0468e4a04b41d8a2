//! Values as Go's verb `%#v` shows them: kubectl's messages about keys have them.

use super::compose::{after, decoded, is_merge, merged, scalar};
use super::parse::{Node, NodeKind};
use super::resolve::Scalar;
use crate::api::json;
use std::collections::BTreeMap;
use std::fmt::Write;

/// How many nodes are shown. Aliases may make any number of them.
const MAX_SHOWN: usize = 10_000;

/// The node at `at` in Go's syntax.
pub(super) fn show(nodes: &[Node<'_>], at: usize) -> String {
    let mut out = String::new();
    Shown { nodes, left: MAX_SHOWN }.node(at, true, &mut out);
    out
}

struct Shown<'a> {
    nodes: &'a [Node<'a>],
    left: usize,
}

impl Shown<'_> {
    /// Writes the node at `at`, and gives the index after it.
    fn node(&mut self, at: usize, outermost: bool, out: &mut String) -> usize {
        let Some(left) = self.left.checked_sub(1) else { return self.nodes.len() };
        self.left = left;
        match &self.nodes[at].kind {
            NodeKind::Scalar { text, tag } => match scalar(text, tag).unwrap_or(Scalar::Text) {
                Scalar::Null if outermost => out.push_str("<nil>"),
                Scalar::Null => out.push_str("interface {}(nil)"),
                Scalar::Bool(bool) => drop(write!(out, "{bool}")),
                Scalar::Int(integer) => drop(write!(out, "{integer}")),
                Scalar::Unsigned(integer) => drop(write!(out, "{integer:#x}")),
                Scalar::Float(float) => out.push_str(&json::float_g(float)),
                Scalar::Timestamp | Scalar::Text => quote(&decoded(text, tag), out),
            },
            NodeKind::Sequence { end } => {
                out.push_str("[]interface {}{");
                let mut item = at + 1;
                while item < *end {
                    if item > at + 1 {
                        out.push_str(", ");
                    }
                    item = self.node(item, false, out);
                }
                out.push('}');
            }
            NodeKind::Mapping { .. } => {
                let mut fields = BTreeMap::new();
                self.fill(at, &mut fields);
                out.push_str("map[interface {}]interface {}{");
                for (i, (key, value)) in fields.iter().enumerate() {
                    let _ = write!(out, "{}{key}:{value}", if i > 0 { ", " } else { "" });
                }
                out.push('}');
            }
            NodeKind::Alias { within: true, .. } => {}
            NodeKind::Alias { target, .. } => drop(self.node(*target, outermost, out)),
        }
        after(self.nodes, at)
    }

    /// Adds the entries of the mapping at `at`, those that it merges too, each shown.
    fn fill(&mut self, at: usize, fields: &mut BTreeMap<String, String>) {
        let NodeKind::Mapping { end } = self.nodes[at].kind else { return };
        let mut key = at + 1;
        while key < end && self.left > 0 {
            let value = after(self.nodes, key);
            if is_merge(&self.nodes[key]) {
                for part in merged(self.nodes, value) {
                    self.left = self.left.saturating_sub(1);
                    match self.nodes[part].kind {
                        NodeKind::Alias { target, within: false, .. } => self.fill(target, fields),
                        _ => self.fill(part, fields),
                    }
                }
            } else {
                let (mut shown, mut field) = (String::new(), String::new());
                self.node(key, false, &mut shown);
                self.node(value, false, &mut field);
                fields.insert(shown, field);
            }
            key = after(self.nodes, value);
        }
    }
}

/// A string in double quotes, as `strconv.Quote` writes it.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..' ' | '\u{7f}' => drop(write!(out, "\\x{:02x}", u32::from(character))),
            '\u{80}'..='\u{a0}' | '\u{ad}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}
