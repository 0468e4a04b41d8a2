//! Parts of pods, and of some other kinds, as kube-apiserver's own types print: every field, in their order, by their Go names.
//!
//! Complaints show some values like this, and the one about a change of a pod's spec shows a diff of them. The table
//! beside this file has a line for each type: `Type Field:type ...`, with `Field=json` where the JSON name is not the
//! Go name with a small first letter (`^json` lies in the object above). Types are `s`, `i`, `b`, quantities `q`, `p`
//! for a number or a text, `t` for times and the names of other lines, with `*`, `[]` and `{}` before them as in Go;
//! `?` after one leaves out what is empty. `@metadata` stands for the fields of `metadata`, which Go writes among the
//! others. In types that are one of several things in JSON, `?object` and `?array` stand for the value when it is that,
//! and `?allowed` for whether it is anything but `false`.

use super::field::printed;
use crate::api::Value;
use similar::TextDiff;
use std::collections::HashMap;
use std::sync::LazyLock;

struct Part {
    name: &'static str,
    json: String,
    kind: &'static str,
    above: bool,
    omits_empty: bool,
}

static TYPES: LazyLock<HashMap<&'static str, Vec<Part>>> = LazyLock::new(|| {
    let lines = include_str!("internal.txt").lines();
    lines
        .filter_map(|line| line.split_once(' '))
        .map(|(name, parts)| (name, parts.split(' ').map(part).collect()))
        .collect()
});

fn part(text: &'static str) -> Part {
    let (name, kind) = text.split_once(':').unwrap_or((text, "s"));
    let (name, json) = match name.split_once('=') {
        Some((name, json)) => (name, json.to_owned()),
        None => (name, name[..1].to_lowercase() + &name[1..]),
    };
    let (json, above) = json.strip_prefix('^').map_or((json.clone(), false), |json| (json.to_owned(), true));
    let (kind, omits_empty) = kind.strip_suffix('?').map_or((kind, false), |kind| (kind, true));
    Part { name, json, kind, above, omits_empty }
}

/// A value of a type on one line.
pub(in super::super) fn print(kind: &str, value: &Value) -> String {
    let mut out = Printer { text: String::new(), indent: None };
    out.value(kind, value, &Value::Null, 0);
    out.text
}

/// What differs between two values of a type: hunks of a unified diff, with three lines around each change.
pub(super) fn diff(kind: &str, old: &Value, new: &Value) -> String {
    let [old, new] = [old, new].map(|value| {
        let mut out = Printer { text: String::new(), indent: Some(1) };
        out.value(kind, value, &Value::Null, 0);
        out.text.push('\n');
        out.text
    });
    TextDiff::from_lines(&old, &new).unified_diff().context_radius(3).to_string()
}

struct Printer {
    text: String,
    /// The spaces of one level, when every part gets a line.
    indent: Option<usize>,
}

impl Printer {
    fn value(&mut self, kind: &str, value: &Value, above: &Value, depth: usize) {
        if let Some(kind) = kind.strip_prefix('*') {
            return if value.is_null() { self.text.push_str("null") } else { self.value(kind, value, above, depth) };
        }
        if let Some(kind) = kind.strip_prefix("[]") {
            let Some(items) = value.as_array() else { return self.text.push_str("null") };
            let items = items.iter().map(|item| (String::new(), kind, item));
            return self.parts(['[', ']'], items, value, depth);
        }
        if let Some(kind) = kind.strip_prefix("{}") {
            let Some(entries) = value.as_object() else { return self.text.push_str("null") };
            let entries = entries.iter().map(|(key, entry)| (self.key(&Value::from(key.as_str())), kind, entry));
            let entries: Vec<_> = entries.collect();
            return self.parts(['{', '}'], entries.into_iter(), value, depth);
        }
        let Some(parts) = TYPES.get(kind) else {
            let empty = match kind {
                "s" => "\"\"",
                "i" | "p" => "0",
                "b" => "false",
                "q" => "\"0\"",
                _ => "null",
            };
            let text = if value.is_null() { empty.into() } else { json(value) };
            return self.text.push_str(&text);
        };
        let own = |part: &'static Part| (part, if part.above { above } else { value });
        let below = |part: &'static Part| {
            let metadata = part.name.strip_prefix('@').map(|name| value.get(name).unwrap_or(&Value::Null));
            let Some(metadata) = metadata else { return vec![own(part)] };
            TYPES.get("ObjectMeta").into_iter().flatten().map(|part| (part, metadata)).collect()
        };
        let parts: Vec<_> = parts
            .iter()
            .flat_map(below)
            .map(|(part, value)| (part, field(&part.json, value)))
            .filter(|(part, value)| !part.omits_empty || !value.is_null())
            .map(|(part, value)| (self.key(&Value::from(part.name)), part.kind, value))
            .collect();
        self.parts(['{', '}'], parts.into_iter(), value, depth);
    }

    fn key(&self, name: &Value) -> String {
        format!("{}:{}", json(name), if self.indent.is_some() { " " } else { "" })
    }

    fn parts<'a>(
        &mut self,
        [open, close]: [char; 2],
        parts: impl ExactSizeIterator<Item = (String, &'a str, &'a Value)>,
        above: &Value,
        depth: usize,
    ) {
        let count = parts.len();
        self.text.push(open);
        for (index, (key, kind, value)) in parts.enumerate() {
            self.new_line(depth + 1);
            self.text.push_str(&key);
            self.value(kind, value, above, depth + 1);
            if index + 1 < count {
                self.text.push(',');
            }
        }
        if count > 0 {
            self.new_line(depth);
        }
        self.text.push(close);
    }

    fn new_line(&mut self, depth: usize) {
        if let Some(spaces) = self.indent {
            self.text.push('\n');
            self.text.extend(std::iter::repeat_n(' ', spaces * depth));
        }
    }
}

fn field<'v>(name: &str, value: &'v Value) -> &'v Value {
    const ALLOWED: Value = Value::Bool(true);
    let found = match name {
        "?object" => Some(value).filter(|value| value.is_object()),
        "?array" => Some(value).filter(|value| value.is_array()),
        "?allowed" => Some(&ALLOWED).filter(|_| value != &Value::Bool(false)),
        _ => value.get(name),
    };
    found.unwrap_or(&Value::Null)
}

/// A scalar as Go's encoder writes it.
fn json(value: &Value) -> String {
    match value {
        // In a list, so that texts are escaped for JSON and not quoted like Go literals.
        Value::String(_) => printed(&Value::Array(vec![value.clone()])).trim_matches(['[', ']']).into(),
        Value::Number(_) => crate::api::json::to_string(value),
        _ => printed(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_type_of_the_table_is_there() {
        for (name, parts) in TYPES.iter() {
            for part in parts {
                let kind = part.kind.trim_start_matches(['*', '[', ']', '{', '}']);
                let plain = ["s", "i", "b", "q", "p", "t"].contains(&kind);
                assert!(plain || TYPES.contains_key(kind), "{name}.{}: {kind}", part.name);
            }
        }
    }

    #[test]
    fn values_print_like_internal_types() {
        let profile = json!({"type": "Unconfined", "localhostProfile": "a<b"});
        assert_eq!(print("SeccompProfile", &profile), r#"{"Type":"Unconfined","LocalhostProfile":"a\u003cb"}"#);
        assert_eq!(
            print("Taint", &json!({"key": "k", "effect": "NoSchedule"})),
            r#"{"Key":"k","Value":"","Effect":"NoSchedule","TimeAdded":null}"#
        );
        assert_eq!(print("*Taint", &json!(null)), "null");
        let schema = json!({"items": {"type": "string"}, "additionalProperties": false, "maximum": 2.0});
        let schema = print("JSONSchemaProps", &schema);
        for part in [
            r#""Maximum":2,"#,
            r#""Items":{"Schema":{"ID":"","Schema":"","Ref":null,"Description":"","Type":"string","#,
            r#""JSONSchemas":null},"#,
            r#""AdditionalProperties":{"Allows":false,"Schema":null},"#,
        ] {
            assert!(schema.contains(part), "{part} {schema}");
        }
        let old = json!({"restartPolicy": "Always", "hostNetwork": true, "securityContext": {}});
        let new = json!({"restartPolicy": "Never", "hostNetwork": true, "securityContext": {}});
        let diff = diff("PodSpec", &old, &new);
        assert!(diff.starts_with("@@ -3,7 +3,7 @@\n"), "{diff}");
        assert!(diff.contains("\n- \"RestartPolicy\": \"Always\",\n+ \"RestartPolicy\": \"Never\",\n"), "{diff}");
        assert!(print("PodSpec", &old).contains(r#""SecurityContext":{"HostNetwork":true,"#));
    }
}
