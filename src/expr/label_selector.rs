//! A LabelSelector object as text: `app=web,tier in (a,b),!old`.

use super::go_value::Quoted;
use super::selector::SelectorError;
use crate::api::{ObjectExt, Value};

/// The selector as a list request takes it; empty when it selects all or when there is none.
///
/// # Errors
/// When an operator is none of the four.
pub fn text(selector: Option<&Value>) -> Result<String, SelectorError> {
    let Some(selector) = selector else { return Ok(String::new()) };
    let labels = selector.map_at(&["matchLabels"]).into_iter().flatten();
    let labels = labels.map(|(key, value)| (key.as_str(), format!("{key}={}", value.as_str().unwrap_or_default())));
    let mut terms: Vec<(&str, String)> = labels.collect();
    for expression in selector.items_at(&["matchExpressions"]) {
        let key = expression.text(&["key"]);
        let mut values: Vec<&str> = expression.items_at(&["values"]).iter().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        let term = match expression.text(&["operator"]) {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.into(),
            "DoesNotExist" => format!("!{key}"),
            other => {
                let message = format!("{} is not a valid label selector operator", Quoted(other));
                return Err(SelectorError(message));
            }
        };
        terms.push((key, term));
    }
    terms.sort_by_key(|(key, _)| *key);
    Ok(terms.into_iter().map(|(_, term)| term).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn terms_are_in_order_of_their_keys() {
        for (selector, want) in [
            (None, ""),
            (Some(json!({})), ""),
            (Some(json!({"matchLabels": {"b": "c", "a": "b"}})), "a=b,b=c"),
            (
                Some(json!({"matchLabels": {"b": "c"}, "matchExpressions": [
                    {"key": "z", "operator": "In", "values": ["y", "x"]},
                    {"key": "a", "operator": "NotIn", "values": ["z"]},
                    {"key": "q", "operator": "Exists"},
                    {"key": "p", "operator": "DoesNotExist"},
                ]})),
                "a notin (z),b=c,!p,q,z in (x,y)",
            ),
            (
                Some(json!({"matchExpressions": [{"key": "z", "operator": "Gt"}]})),
                "\"Gt\" is not a valid label selector operator",
            ),
        ] {
            assert_eq!(text(selector.as_ref()).unwrap_or_else(|error| error.0), want);
        }
    }
}
