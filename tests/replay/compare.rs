//! Compares an answer with a recorded one, as tools/replay.py does: values that a server chooses are not compared, but
//! carried over into later requests.

use serde_json::Value;
use std::collections::HashMap;

const VOLATILE: &[&str] = &[
    "uid",
    "resourceVersion",
    "continue",
    "creationTimestamp",
    "deletionTimestamp",
    "time",
    "description",
    "remainingItemCount",
    "generation",
    "lastTransitionTime",
    "lastProbeTime",
    "token",
    "expirationTimestamp",
    "storageVersionHash",
    "serverAddress",
    "hash",
    "serverRelativeURL",
    "gitCommit",
    "gitVersion",
    "goVersion",
    "buildDate",
    "platform",
    "compiler",
    "gitTreeState",
    "emulationMajor",
    "emulationMinor",
    "minCompatibilityMajor",
    "minCompatibilityMinor",
    "major",
    "minor",
    "healthCheckNodePort",
    "nodePort",
];
const CARRIED: &[&str] = &["uid", "resourceVersion", "continue"];

/// Differences, and what later requests need.
#[derive(Default)]
pub struct Compare {
    pub carry: HashMap<String, String>,
    pub differences: Vec<String>,
}

impl Compare {
    pub fn differ(&mut self, difference: String) {
        self.differences.push(difference);
    }

    pub fn walk(&mut self, want: &Value, got: &Value, path: &str) {
        let key = path.rsplit('.').next().unwrap_or("");
        if let (true, Value::String(want), Value::String(got)) = (CARRIED.contains(&key), want, got) {
            if !want.is_empty() {
                self.carry.insert(want.clone(), got.clone());
            } else if !got.is_empty() {
                self.differ(format!("{path}: want empty, got {got:?}"));
            }
            return;
        }
        if let (true, Value::String(want), Value::String(got)) = (is_cluster_ip(key), want, got)
            && is_address(want)
            && is_address(got)
        {
            self.carry.insert(want.clone(), got.clone());
            return;
        }
        if VOLATILE.contains(&key) {
            if want.is_null() != got.is_null() {
                self.differ(format!("{path}: want {want}, got {got}"));
            }
            return;
        }
        match (want, got) {
            (Value::Object(want), Value::Object(got)) => {
                for (key, value) in want {
                    match got.get(key) {
                        Some(found) => self.walk(value, found, &format!("{path}.{key}")),
                        None => self.differ(format!("{path}.{key}: missing (want {})", cut(&value.to_string(), 90))),
                    }
                }
                for (key, value) in got.iter().filter(|(key, _)| !want.contains_key(*key)) {
                    self.differ(format!("{path}.{key}: extra ({})", cut(&value.to_string(), 90)));
                }
            }
            (Value::Array(want), Value::Array(got)) => {
                let (mut want, mut got) = (want.clone(), got.clone());
                if key == "managedFields" {
                    want.sort_by_key(manager);
                    got.sort_by_key(manager);
                }
                if want.len() != got.len() {
                    self.differ(format!("{path}: want {} items, got {}", want.len(), got.len()));
                }
                for (i, (want, got)) in want.iter().zip(&got).enumerate() {
                    self.walk(want, got, &format!("{path}[{i}]"));
                }
            }
            (Value::String(want), Value::String(got)) => self.texts(want, got, path),
            _ if want != got => {
                let (want, got) = (want.to_string(), got.to_string());
                self.differ(format!("{path}: want {}, got {}", cut(&want, 120), cut(&got, 120)));
            }
            _ => {}
        }
    }

    fn texts(&mut self, want: &str, got: &str, path: &str) {
        let (mut want, mut got) = (text(want), text(got));
        if path.contains(".cells[") {
            if is_age(&want) && is_age(&got) {
                return;
            }
            (want, got) = (cell(&want), cell(&got));
        }
        if want != got {
            self.differ(cut(&format!("{path}: want {want:?}, got {got:?}"), 400).to_string());
        }
    }
}

fn manager(entry: &Value) -> Vec<String> {
    let text = |key: &str| entry.get(key).map(Value::to_string).unwrap_or_default();
    ["operation", "manager", "apiVersion", "subresource"].into_iter().map(text).collect()
}

fn is_cluster_ip(key: &str) -> bool {
    let name = key.split('[').next().unwrap_or("");
    name == "clusterIP" || name == "clusterIPs"
}

fn cut(text: &str, most: usize) -> &str {
    text.get(..most).unwrap_or(text)
}

/// A text with the parts that no two servers share replaced by a mark.
pub fn text(text: &str) -> String {
    replace(&replace(text, &[uuid, stamp]), &[generated, version])
}

fn cell(text: &str) -> String {
    replace(text, &[ago, address, node_port])
}

type Matcher = fn(&str, &str) -> Option<(usize, String)>;

/// Replaces what a matcher finds; each gets what stands before it and what follows.
fn replace(text: &str, matchers: &[Matcher]) -> String {
    let mut out = String::new();
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        match matchers.iter().find_map(|matcher| matcher(&text[..at], &text[at..])) {
            Some((length, mark)) => {
                out.push_str(&mark);
                at += length;
            }
            None => {
                out.push(next);
                at += next.len_utf8();
            }
        }
    }
    out
}

/// How much of a text has a shape: `9` stands for a digit, `x` for a small hexadecimal one.
fn shaped(text: &str, shape: &str) -> bool {
    let fits = |(c, s): (char, char)| match s {
        '9' => c.is_ascii_digit(),
        'x' => c.is_ascii_digit() || ('a'..='f').contains(&c),
        s => c == s,
    };
    text.chars().count() >= shape.len() && text.chars().zip(shape.chars()).all(fits)
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn uuid(_: &str, text: &str) -> Option<(usize, String)> {
    shaped(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx").then(|| (36, "<uid>".into()))
}

fn stamp(_: &str, text: &str) -> Option<(usize, String)> {
    let shape = "9999-99-99T99:99:99";
    let rest = shaped(text, shape).then(|| &text[shape.len()..])?;
    let fraction = rest.strip_prefix('.').map_or(0, |rest| 1 + digits(rest));
    rest[fraction..].starts_with('Z').then(|| (shape.len() + fraction + 1, "<time>".into()))
}

fn generated(_: &str, text: &str) -> Option<(usize, String)> {
    let rest = text.strip_prefix("gen-")?.get(..5)?;
    let random = rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    random.then(|| (9, "gen-<rand>".into()))
}

fn version(_: &str, text: &str) -> Option<(usize, String)> {
    let words = ["resource version", "resourceversion", "current", "in record"];
    let word = words.into_iter().find(|w| text.get(..w.len()).is_some_and(|t| t.eq_ignore_ascii_case(w)))?;
    let rest = &text[word.len()..];
    let between = rest.bytes().take_while(|b| b": (".contains(b)).count();
    let quote = usize::from(rest[between..].starts_with('"'));
    let number = digits(&rest[between + quote..]);
    if between == 0 || number == 0 {
        return None;
    }
    let end = between + quote + number;
    let end = end + usize::from(rest[end..].starts_with('"'));
    Some((word.len() + end, format!("{} <rv>", &text[..word.len()])))
}

/// The length of an age, such as `5m30s`.
fn age(text: &str) -> usize {
    let mut at = 0;
    loop {
        let number = digits(&text[at..]);
        if number == 0 || !text[at + number..].starts_with(['s', 'm', 'h', 'd', 'y']) {
            return at;
        }
        at += number + 1;
    }
}

fn is_age(text: &str) -> bool {
    text == "<invalid>" || !text.is_empty() && age(text) == text.len()
}

fn ago(_: &str, text: &str) -> Option<(usize, String)> {
    let rest = text.strip_prefix('(')?;
    let length = age(rest);
    let found = length > 0 && rest[length..].starts_with(" ago)");
    found.then(|| (1 + length + " ago)".len(), "(<age> ago)".into()))
}

fn is_address(text: &str) -> bool {
    address("", text).is_some()
}

/// An address of a service, or any address with a port.
fn address(before: &str, text: &str) -> Option<(usize, String)> {
    if before.ends_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let mut at = 0;
    for part in 0..4 {
        let number = digits(&text[at..]);
        if number == 0 || part < 3 && !text[at + number..].starts_with('.') {
            return None;
        }
        at += number + usize::from(part < 3);
    }
    let port = text[at..].strip_prefix(':').map_or(0, digits);
    if port > 0 {
        return Some((at + 1 + port, "<ip>".into()));
    }
    text.starts_with("10.0.0.").then(|| (at, "<ip>".into()))
}

fn node_port(_: &str, text: &str) -> Option<(usize, String)> {
    let port = text.strip_prefix(':')?;
    let found = digits(port) == 5 && port.starts_with('3') && port[1..].starts_with(['0', '1', '2']);
    let ends = port.get(5..).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    (found && ends).then(|| (6, ":<port>".into()))
}
