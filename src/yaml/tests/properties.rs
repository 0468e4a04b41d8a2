//! What holds for every value.

use crate::api::{Map, Value, json};
use crate::yaml;
use proptest::prelude::*;

/// Text of all kinds. Left out is NEL, which kubectl loses on the way.
fn text() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        "[ -~]{0,12}",
        "[:#?,\\[\\]{}&*!|>'\"%@` \\-]{0,4}",
        "\\PC{0,4}",
        Just("\n".to_owned()),
        Just("  ".to_owned()),
        Just("word ".repeat(30)),
        proptest::sample::select(vec![
            "yes",
            "null",
            "~",
            "1.0",
            "0x1f",
            "1_000",
            ".inf",
            "2001-01-01",
            "12:30",
            "---",
            "...",
            "<<",
            "\t",
            "\r\n",
            "\u{2028}",
            "\u{a0}",
            "\u{feff}",
            "\u{7f}",
            "\0",
            "\u{1b}",
            "\u{80}",
            "\u{fffe}",
            "😀",
            "e\u{301}",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(parts, 0..4).prop_map(|parts| parts.concat().replace('\u{85}', ""))
}

/// A key. Left out is the one that kubectl writes without quotes though it then means a merge.
fn key() -> impl Strategy<Value = String> {
    text().prop_filter("a merge", |key| key != "<<")
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => (-1_000_000..1_000_000).prop_map(|n| Value::from(f64::from(n) / 64.0)),
        4 => text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(key(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Whether a line of a text begins with a space that must be escaped. In front of it kubectl's KYAML, and so ours, has
/// one backslash too many.
fn kyaml_loses(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            let lost = |c: char| c.is_whitespace() && !matches!(c, ' ' | '\t');
            text.contains('\n') && text.split('\n').any(|line| line.starts_with(lost))
        }
        Value::Array(items) => items.iter().any(kyaml_loses),
        Value::Object(fields) => fields.values().any(kyaml_loses),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(value in value()) {
        let expected = json::from_slice(json::to_string(&value).as_bytes()).unwrap();
        prop_assert_eq!(&json::from_slice(json::to_string_pretty(&value).as_bytes()).unwrap(), &expected);
        let mut all = vec![yaml::to_string(&value)];
        if !kyaml_loses(&value) {
            all.push(yaml::kyaml::to_string(&value));
        }
        for written in all {
            let read = yaml::from_str(&written);
            // A whole float is an integer once it went through text.
            prop_assert_eq!(read.map(|read| json::to_string(&read)), Ok(json::to_string(&expected)), "{}", written);
        }
    }

    #[test]
    fn reading_anything_ends(text in "[\\[\\]{}:,?&*!|>'\"%@` \\-\n\t#a1<\\\\]{0,60}") {
        let _ = yaml::from_str(&text);
        let _ = yaml::documents(text.as_bytes()).count();
        let _ = json::from_slice(text.as_bytes());
    }

    #[test]
    fn reading_any_bytes_ends(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = yaml::from_slice(&bytes);
        let _ = yaml::documents(&bytes).count();
        let _ = json::from_slice(&bytes);
    }
}
