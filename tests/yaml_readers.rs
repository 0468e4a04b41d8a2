//! What we write as YAML means the same to a reader that is not ours.

use proptest::prelude::*;
use serde_json::Value;
use steersman::yaml;

fn values() -> impl Strategy<Value = Value> {
    let texts = prop_oneof![
        "[ -~]{0,12}",
        "[a-z \\n\\t:#'\"{}\\[\\],&*?|<>=!%@`-]{0,12}",
        "(yes|no|on|off|null|~|true|0x1F|0o7|017|1_000|1e3|.5|1:30|2001-01-01|=|<<|-|---|\\.\\.\\.)",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        texts.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z0-9./ -]{0,8}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn yaml_reads_back_equal(value in values()) {
        let text = yaml::to_string(&value);
        let theirs: Value = serde_yaml::from_str(&text).unwrap();
        prop_assert_eq!(&theirs, &value, "serde_yaml reads otherwise:\n{}", text);
        prop_assert_eq!(&yaml::from_str(&text).unwrap(), &value, "our reader reads otherwise:\n{}", text);
    }
}
