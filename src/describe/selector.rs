//! A label selector object as text: `app=web,tier in (a,b),!old`.

use super::Error;
use super::read::{pairs, texts};
use crate::api::{ObjectExt, Value};
use crate::expr::go_value::Quoted;

/// The selector as a list request takes it; empty when it selects all or when there is none.
///
/// # Errors
/// When an operator is none of the four.
pub fn text(selector: Option<&Value>) -> Result<String, Error> {
    let Some(selector) = selector else { return Ok(String::new()) };
    let mut terms: Vec<(&str, String)> =
        pairs(selector, &["matchLabels"]).into_iter().map(|(key, value)| (key, format!("{key}={value}"))).collect();
    for expression in selector.items_at(&["matchExpressions"]) {
        let key = expression.text(&["key"]);
        let mut values = texts(expression, &["values"]);
        values.sort_unstable();
        let values = values.join(",");
        let term = match expression.text(&["operator"]) {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.into(),
            "DoesNotExist" => format!("!{key}"),
            other => {
                let message = format!("{} is not a valid label selector operator", Quoted(other));
                return Err(Error::Object(message));
            }
        };
        terms.push((key, term));
    }
    terms.sort_by_key(|(key, _)| *key);
    Ok(terms.into_iter().map(|(_, term)| term).collect::<Vec<_>>().join(","))
}

/// The same for a person: `<none>` when it is empty, `<error>` when it is no selector.
pub fn shown(selector: Option<&Value>) -> String {
    match text(selector) {
        Ok(text) if text.is_empty() => "<none>".into(),
        Ok(text) => text,
        Err(_) => "<error>".into(),
    }
}

/// The same in the descriptions that go on without it.
pub fn or_failure(selector: Option<&Value>) -> String {
    text(selector).unwrap_or_else(|error| format!("Failed to get selector: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn terms_are_in_order_of_their_keys() {
        for (selector, want) in [
            (None, "<none>"),
            (Some(json!({})), "<none>"),
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
            (Some(json!({"matchExpressions": [{"key": "z", "operator": "Gt"}]})), "<error>"),
        ] {
            assert_eq!(shown(selector.as_ref()), want);
        }
    }
}
