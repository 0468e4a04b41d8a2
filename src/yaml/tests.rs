//! Tests of the room as a whole.

mod errors;
mod properties;
mod values;

use super::{ReadError, documents, from_slice_strict, from_str, kyaml, to_string};
use crate::api::Value;
use serde_json::json;

/// What the texts of the tables stand after, as a manifest.
const HEADER: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n";

/// The first document of the manifest that ends with `text`.
fn first(text: &str) -> Result<Value, ReadError> {
    documents(format!("{HEADER}{text}\n").as_bytes()).next().expect("a document").map(|document| document.value)
}

/// The documents of a stream as `line value`, and the error that ends it.
fn stream(bytes: &[u8]) -> Vec<String> {
    documents(bytes)
        .map(|document| match document {
            Ok(document) => format!("{}{} {}", document.line, if document.json { "j" } else { "" }, document.value),
            Err(error) => error.to_string(),
        })
        .collect()
}

#[test]
fn streams_are_split_as_kubectl_splits_them() {
    for (text, expected) in [
        ("", &[] as &[&str]),
        ("a: 1", &["1 {\"a\":1}"]),
        ("a: 1\n---\nb: 2\n", &["1 {\"a\":1}", "3 {\"b\":2}"]),
        ("---\na: 1\n---\n", &["1 {\"a\":1}"]),
        ("---\n---\na: 1\n", &["1 null", "3 {\"a\":1}"]),
        ("# only\n---  # and\n\n--- \na: 1", &["1 null", "3 null", "5 {\"a\":1}"]),
        ("a: |\n  b\r\n---\r\nc: d\r\n", &["1 {\"a\":\"b\\n\"}", "4 {\"c\":\"d\"}"]),
        ("a: |\n  b", &["1 {\"a\":\"b\\n\"}"]),
        ("a: 1\n...\n%%\n", &["1 {\"a\":1}"]),
        ("\u{feff}a: 1\n---\n\u{feff}b: 2\n", &["1 {\"a\":1}", "3 {\"b\":2}"]),
        ("a: 1\n--- b\nc: 1\n", &["invalid Yaml document separator: b"]),
        ("-----BEGIN\n", &["invalid Yaml document separator: --BEGIN"]),
        ("{} {\"a\": 1}\n\n[2]\n\"x\" 3 ", &["1j {}", "1j {\"a\":1}", "3j [2]", "4j \"x\"", "4j 3"]),
        ("{\"a\": 1}\n---\n{\"b\": 1.0}\n", &["1j {\"a\":1}", "2 {\"b\":1}"]),
        ("{\"a\": 1} # c\n---\nb: 1\n", &["1j {\"a\":1}", "1 null", "3 {\"b\":1}"]),
        ("{a: 1}\n---\n{b: 2}\n", &["1 {\"a\":1}", "3 {\"b\":2}"]),
        ("{a: ]}\n", &["json: offset 2: invalid character 'a' looking for beginning of object key string"]),
        ("{a}", &["json: offset 2: invalid character 'a' looking for beginning of object key string"]),
        ("{\"a\": [1", &["unexpected EOF"]),
        ("{} {} x", &["1j {}", "1j {}", "invalid character 'x' looking for beginning of value"]),
        ("{} x", &["1j {}", "json: offset 4: invalid character 'x' looking for beginning of value"]),
    ] {
        assert_eq!(stream(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn wrong_encodings_are_told() {
    for (bytes, problem) in [
        (&b"a: \xff"[..], "invalid leading UTF-8 octet"),
        (b"a: \x80", "invalid leading UTF-8 octet"),
        (b"a: \xc3x", "invalid trailing UTF-8 octet"),
        (b"a: \xe2\x82", "incomplete UTF-8 octet sequence"),
        (b"a: \xc0\x80", "invalid length of a UTF-8 sequence"),
        (b"a: \xed\xa0\x80", "invalid Unicode character"),
        (b"a: \x01", "control characters are not allowed"),
    ] {
        let error = super::from_slice(bytes).unwrap_err();
        assert_eq!(error.reason(), format!("yaml: {problem}"));
    }
}

#[test]
fn keys_given_twice_are_told() {
    let text = b"a: 1\nb: {c: 1, c: 2}\na: 2\n1: x\n1: z\nd:\n  <<: {e: 1}\n  e: 2\n";
    let (value, duplicates) = from_slice_strict(text).unwrap();
    assert_eq!(value, json!({"a": 2, "b": {"c": 2}, "1": "z", "d": {"e": 2}}));
    assert_eq!(
        duplicates,
        [
            "line 2: key \"c\" already set in map",
            "line 3: key \"a\" already set in map",
            "line 5: key 1 already set in map",
            "line 8: key \"e\" already set in map"
        ]
    );
}

#[test]
fn bombs_end() {
    let laughs = |levels: usize, width: usize| {
        let mut text = "a0: &a0 [lol, lol]\n".to_owned();
        for level in 1..levels {
            let items = vec![format!("*a{}", level - 1); width].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        text
    };
    let repeated = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 2000].join(", "));
    let maps = format!("a: &a {{b: {{c: {{d: e}}}}}}\nf:\n{}{}", "- *a\n".repeat(60_000), "- g\n".repeat(60_000));
    for (text, problem) in [
        (laughs(10, 9), "document contains excessive aliasing"),
        (laughs(40, 2), "document contains excessive aliasing"),
        (repeated, "document contains excessive aliasing"),
        (maps, "document contains excessive aliasing"),
        ("[".repeat(1 << 20), "exceeded max depth of 10000"),
        ("{a: ".repeat(1 << 20), "exceeded max depth of 10000"),
        ("- ".repeat(1 << 20), "exceeded max depth of 10000"),
        (format!("{}{}", "[".repeat(5000), "]".repeat(5000)), "exceeded max depth of 1000"),
        ("? ".repeat(1 << 20), "exceeded max depth of 10000"),
    ] {
        let error = from_str(&text).unwrap_err();
        assert!(error.reason().ends_with(problem), "{} is not {problem}", error.reason());
    }
    let deep = format!("{}1{}", "[".repeat(1000), "]".repeat(1000));
    let value = from_str(&deep).unwrap();
    assert_eq!(kyaml::to_string(&value).matches('[').count(), 1000);
    assert_eq!(from_str(&to_string(&value)), Ok(value));
}

#[test]
fn long_text_is_folded_only_where_that_is_safe() {
    let word = "x".repeat(90);
    for (value, written) in [
        (json!({"k": format!("{word} a b")}), format!("k: {word}\n  a b\n")),
        (json!({"k": format!("{word}  a b")}), format!("k: {word}  a\n  b\n")),
        (json!({"k": format!("{word}: a")}), format!("k: '{word}:\n  a'\n")),
        (json!({"k": format!("{word}: a ")}), format!("k: '{word}:\n  a '\n")),
        (json!({"k": format!("{word}\u{1}  a")}), format!("k: \"{word}\\x01\n  \\ a\"\n")),
        (json!([format!("{word} a")]), format!("- {word}\n  a\n")),
        (json!(format!("{word} a")), format!("{word}\n  a\n")),
        (json!({format!("{word} a"): [1]}), format!("{word} a:\n- 1\n")),
        (json!({format!("{word} {word}"): [1, {"b": 2}]}), format!("? {word}\n  {word}\n: - 1\n  - b: 2\n")),
        (json!({format!("{word}\n{word}"): {"b": [2]}}), format!("? |-\n  {word}\n  {word}\n: b:\n  - 2\n")),
    ] {
        assert_eq!(to_string(&value), written);
    }
}

#[test]
fn next_line_is_folded_as_on_the_way_through_json() {
    for (text, read_back) in [
        ("a\u{85}b", "a b"),
        ("a \u{85}  b", "a b"),
        ("a\u{85} \u{85}b \u{85}", "a\nb "),
        ("\u{85}\u{85}\u{85}", "\n\n"),
    ] {
        assert_eq!(super::write::as_read_back(text), read_back, "{text:?}");
    }
}

#[test]
fn keys_come_in_natural_order() {
    let order = [
        "", "-1", "_", "0", "00", "1", "1.5", "01", "2", "10", "010", "A", "a", "a-", "a.", "a0", "a00", "a1", "a1-2",
        "a1-10", "a2", "a10", "a10b1", "a10b02", "ab", "b", "v1", "v1alpha1", "v1beta1", "v2", "é",
    ];
    let value = Value::Object(order.iter().map(|key| ((*key).to_owned(), json!(0))).collect());
    let written = to_string(&value);
    let keys: Vec<_> = written.lines().map(|line| line.trim_end_matches(": 0").trim_matches('"')).collect();
    assert_eq!(keys, order);
    // No order can satisfy all three pairs here: a1b < a2 < a10 < a1b.
    assert_eq!(to_string(&json!({"a1b": 0, "a2": 0, "a10": 0})).lines().count(), 3);
}
