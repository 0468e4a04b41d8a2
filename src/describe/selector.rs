//! A label selector object as descriptions show it.

use crate::api::Value;
use crate::expr::label_selector::text;

/// The selector for a person: `<none>` when it is empty, `<error>` when it is no selector.
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
    fn nothing_and_nonsense_have_words() {
        let bad = json!({"matchExpressions": [{"key": "z", "operator": "Gt"}]});
        assert_eq!(shown(None), "<none>");
        assert_eq!(shown(Some(&json!({"matchLabels": {"a": "b"}}))), "a=b");
        assert_eq!(shown(Some(&bad)), "<error>");
        assert!(or_failure(Some(&bad)).starts_with("Failed to get selector: \"Gt\""));
    }
}
