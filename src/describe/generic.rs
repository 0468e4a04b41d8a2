//! Any object: all its fields, with their names spread out into words.

use super::labels;
use super::writer::Writer;
use crate::api::{Map, ObjectExt, Value};
use crate::expr::go_value::Plain;

/// What is shown at the top, or never.
const ELSEWHERE: &[&str] =
    &[".metadata.managedFields", ".metadata.name", ".metadata.namespace", ".metadata.labels", ".metadata.annotations"];

/// Words that are written in capitals.
const ACRONYMS: &[&str] = &["API", "URL", "UID", "GUID"];

/// Describes an object of any kind.
pub fn write(w: &mut Writer, object: &Value) {
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    labels::labels_and_annotations(w, object);
    if let Some(fields) = object.as_object() {
        content(w, 0, fields, "");
    }
}

fn content(w: &mut Writer, level: usize, fields: &Map<String, Value>, path: &str) {
    for (name, value) in fields {
        let path = format!("{path}.{name}");
        if ELSEWHERE.contains(&path.as_str()) {
            continue;
        }
        match value {
            Value::Object(fields) => {
                w.line(level, format_args!("{}:", spread(name)));
                content(w, level + 1, fields, &path);
            }
            Value::Array(items) => {
                w.line(level, format_args!("{}:", spread(name)));
                for item in items {
                    match item {
                        Value::Object(fields) => content(w, level + 1, fields, &path),
                        other => w.line(level + 1, Plain(other)),
                    }
                }
            }
            other => w.field(level, spread(name), Plain(other)),
        }
    }
}

/// A field's name in words: `resourceVersion` is `Resource Version`, `apiVersion` is `API Version`.
fn spread(name: &str) -> String {
    if !name.chars().all(|c| c.is_alphabetic() || c == '-') {
        return name.into();
    }
    let words = words(name).into_iter().map(|word| {
        let upper = word.to_uppercase();
        if ACRONYMS.contains(&upper.as_str()) {
            upper
        } else if word.to_lowercase() == word {
            let mut letters = word.chars();
            letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Parts a name where capitals begin. Of several capitals before a small letter, the last belongs to what follows
/// (`podIPs` is `pod`, `I` and `Ps`), but two or more before that are not parted from it (`podCIDRs` is `pod`, `CIDRs`).
fn words(name: &str) -> Vec<String> {
    let class = |c: char| match c {
        c if c.is_lowercase() => 0,
        c if c.is_uppercase() => 1,
        _ => 2,
    };
    let mut runs: Vec<String> = Vec::new();
    for c in name.chars() {
        match runs.last_mut() {
            Some(run) if run.chars().next_back().is_some_and(|last| class(last) == class(c)) => run.push(c),
            _ => runs.push(c.into()),
        }
    }
    for next in 1..runs.len() {
        let capitals = runs[next - 1].starts_with(char::is_uppercase);
        if capitals
            && runs[next].starts_with(char::is_lowercase)
            && let Some(last) = runs[next - 1].pop()
        {
            runs[next].insert(0, last);
        }
    }
    let mut words: Vec<String> = Vec::new();
    let mut joined = false;
    for run in runs.into_iter().filter(|run| !run.is_empty()) {
        match words.last_mut() {
            Some(word) if !joined && is_acronym(word) && run.starts_with(char::is_uppercase) => {
                word.push_str(&run);
                joined = true;
            }
            _ => {
                words.push(run);
                joined = false;
            }
        }
    }
    words
}

fn is_acronym(word: &str) -> bool {
    word.len() >= 2 && word.chars().all(|c| c.is_uppercase() || !c.is_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn names_are_spread_into_words() {
        for (name, want) in [
            ("name", "Name"),
            ("resourceVersion", "Resource Version"),
            ("apiVersion", "API Version"),
            ("uid", "UID"),
            ("a.b/c", "a.b/c"),
            ("with-dash", "With - Dash"),
            ("x1", "x1"),
            ("JSONPath", "JSONPath"),
            ("hostIP", "Host IP"),
            ("podIPs", "Pod I Ps"),
            ("podCIDRs", "Pod CIDRs"),
            ("ABCDefGHi", "ABCDef G Hi"),
            ("XValidations", "X Validations"),
            ("-a", "- A"),
            ("ab-CDe", "Ab - C De"),
            ("éaÉb", "Éa Éb"),
        ] {
            assert_eq!(spread(name), want, "{name}");
        }
    }
}
