//! What the cells of several kinds' tables have in common.

use crate::api::{Map, Object, ObjectExt, Value, time};

/// The age of an object.
pub fn age(object: &Object, now: i64) -> Value {
    time::age(object.text(&["metadata", "creationTimestamp"]), now).into()
}

/// How long ago a time is.
pub fn age_of(text: &str, now: i64) -> Value {
    time::age(text, now).into()
}

/// When an object was made, as it is written.
pub fn created_at(object: &Object) -> Value {
    object.text(&["metadata", "creationTimestamp"]).into()
}

/// `<none>` for an empty text.
pub fn none_if_empty(text: &str) -> Value {
    if text.is_empty() { "<none>" } else { text }.into()
}

/// The number at `path`; 0 when there is none.
pub fn number(object: &Object, path: &[&str]) -> Value {
    object.integer(path).unwrap_or(0).into()
}

/// `a=b,c=d`; `<none>` without labels.
pub fn labels(map: Option<&Map<String, Value>>) -> String {
    let pairs: Vec<_> =
        map.into_iter().flatten().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or(""))).collect();
    if pairs.is_empty() { "<none>".into() } else { pairs.join(",") }
}

/// A label selector as text: `a=b,c in (d,e),!f`; `<none>` when it selects all, empty when there is none.
pub fn selector(selector: Option<&Value>) -> String {
    let Some(selector) = selector else { return "<none>".into() };
    let mut terms: Vec<(&str, String)> = Vec::new();
    for (key, value) in selector.map_at(&["matchLabels"]).into_iter().flatten() {
        terms.push((key, format!("{key}={}", value.as_str().unwrap_or(""))));
    }
    for expression in selector.items_at(&["matchExpressions"]) {
        let key = expression.text(&["key"]);
        let mut values: Vec<_> = expression.items_at(&["values"]).iter().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        terms.push((
            key,
            match expression.text(&["operator"]) {
                "In" => format!("{key} in ({values})"),
                "NotIn" => format!("{key} notin ({values})"),
                "Exists" => key.into(),
                _ => format!("!{key}"),
            },
        ));
    }
    terms.sort_by_key(|(key, _)| *key);
    if terms.is_empty() {
        return "<none>".into();
    }
    terms.into_iter().map(|(_, term)| term).collect::<Vec<_>>().join(",")
}

/// The names and the images of a pod spec's containers, each with commas between.
pub fn containers(spec: Option<&Value>) -> [Value; 2] {
    let containers = spec.map_or(&[][..], |spec| spec.items_at(&["containers"]));
    ["name", "image"].map(|field| containers.iter().map(|c| c.text(&[field])).collect::<Vec<_>>().join(",").into())
}

/// `RWO,ROX`: access modes of a volume, short and each once.
pub fn access_modes(modes: &[Value]) -> String {
    let short =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let there = short.iter().filter(|(mode, _)| modes.iter().any(|m| m == mode));
    there.map(|(_, short)| *short).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_as_text() {
        for (value, text) in [
            (json!({}), "<none>"),
            (json!({"matchLabels": {"b": "1", "a": "2"}}), "a=2,b=1"),
            (
                json!({"matchLabels": {"z": "1"}, "matchExpressions": [
                    {"key": "b", "operator": "In", "values": ["y", "x"]}, {"key": "a", "operator": "Exists"},
                    {"key": "c", "operator": "DoesNotExist"}, {"key": "d", "operator": "NotIn", "values": ["q"]}]}),
                "a,b in (x,y),!c,d notin (q),z=1",
            ),
        ] {
            assert_eq!(selector(Some(&value)), text);
        }
        assert_eq!(selector(None), "<none>");
        assert_eq!(access_modes(&[json!("ReadOnlyMany"), json!("ReadWriteOnce")]), "RWO,ROX");
    }
}
