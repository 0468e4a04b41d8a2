//! Labels, annotations and label selectors: what is wrong with them, and what they select.

use super::field::{Errors, Field, quoted};
use crate::api::{Map, ObjectExt, Value, names};

/// Annotations may have this many bytes together.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// Complains about keys and values of labels; the complaints are all about the map.
pub fn validate_labels(labels: &Field, errors: &mut Errors) {
    for (key, value) in labels.entries() {
        for complaint in names::qualified_name(key) {
            errors.invalid_as(labels, &quoted(key), &complaint);
        }
        for complaint in names::label_value(value.text()) {
            errors.invalid_as(labels, &quoted(value.text()), &complaint);
        }
    }
}

/// Complains about keys of annotations, and about their size.
pub fn validate_annotations(annotations: &Field, errors: &mut Errors) {
    let mut size = 0;
    for (key, value) in annotations.entries() {
        size += key.len() + value.text().len();
        for complaint in names::qualified_name(&key.to_lowercase()) {
            errors.invalid_as(annotations, &quoted(key), &complaint);
        }
    }
    if size > ANNOTATIONS_LIMIT {
        errors.too_long(annotations, ANNOTATIONS_LIMIT);
    }
}

/// Complains about a label selector (`matchLabels` and `matchExpressions`).
pub fn validate_selector(selector: &Field, errors: &mut Errors) {
    validate_labels(&selector.get("matchLabels"), errors);
    for expression in selector.get("matchExpressions").items() {
        let values = expression.get("values");
        let operator = expression.get("operator");
        match operator.text() {
            "In" | "NotIn" if values.is_empty() => {
                errors.required(values, "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                errors.forbidden(values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            text => errors.invalid_as(operator, &quoted(text), "not a valid selector operator"),
        }
        errors.name(&expression.get("key"), names::qualified_name);
        for value in values.items() {
            errors.name(&value, names::label_value);
        }
    }
}

/// Whether a label selector selects what has these labels. No selector selects nothing, an empty one all; none when
/// the selector makes no sense.
pub fn selects(selector: &Value, labels: Option<&Map<String, Value>>) -> Option<bool> {
    if selector.is_null() {
        return Some(false);
    }
    if !is_sound(selector) {
        return None;
    }
    let label = |key: &str| labels.and_then(|labels| labels.get(key));
    let mut all = selector.map_at(&["matchLabels"]).into_iter().flatten().all(|(key, v)| label(key) == Some(v));
    for expression in selector.items_at(&["matchExpressions"]) {
        let value = label(expression.text(&["key"]));
        let among = value.is_some_and(|value| expression.items_at(&["values"]).contains(value));
        all &= match expression.text(&["operator"]) {
            "In" => among,
            "NotIn" => !among,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => return None,
        };
    }
    Some(all)
}

/// Whether the keys and values of a selector can be those of labels, and each operator has the values that it needs.
fn is_sound(selector: &Value) -> bool {
    let is_key = |key: &str| names::qualified_name(key).is_empty();
    let is_value = |value: &Value| value.as_str().is_some_and(|value| names::label_value(value).is_empty());
    let mut labels = selector.map_at(&["matchLabels"]).into_iter().flatten();
    labels.all(|(key, value)| is_key(key) && is_value(value))
        && selector.items_at(&["matchExpressions"]).iter().all(|expression| {
            let values = expression.items_at(&["values"]);
            let takes_values = ["In", "NotIn"].contains(&expression.text(&["operator"]));
            is_key(expression.text(&["key"])) && values.is_empty() != takes_values && values.iter().all(is_value)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_selectors_select() {
        let labels = json!({"app": "web", "tier": "front"});
        for (selector, selected) in [
            (json!(null), Some(false)),
            (json!({}), Some(true)),
            (json!({"matchLabels": {"app": "web"}}), Some(true)),
            (json!({"matchLabels": {"app": "db"}}), Some(false)),
            (json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}), Some(true)),
            (json!({"matchExpressions": [{"key": "no", "operator": "NotIn", "values": ["web"]}]}), Some(true)),
            (json!({"matchExpressions": [{"key": "no", "operator": "Exists"}]}), Some(false)),
            (json!({"matchExpressions": [{"key": "no", "operator": "DoesNotExist"}]}), Some(true)),
            (json!({"matchExpressions": [{"key": "app", "operator": "Like"}]}), None),
            (json!({"matchExpressions": [{"key": "app", "operator": "In"}]}), None),
            (json!({"matchExpressions": [{"key": "app", "operator": "Exists", "values": ["x"]}]}), None),
            (json!({"matchLabels": {"a b": "c"}}), None),
            (json!({"matchLabels": {"a": "c d"}}), None),
        ] {
            assert_eq!(selects(&selector, labels.as_object()), selected, "{selector}");
        }
    }

    #[test]
    fn what_is_wrong_with_selectors() {
        let object = json!({"s": {"matchLabels": {"a b": "c d"}, "matchExpressions": [
            {"key": "a", "operator": "In"}, {"key": "a", "operator": "Exists", "values": ["x"]},
            {"key": "", "operator": "Like"}]}});
        let mut errors = Errors::default();
        validate_selector(&Field::new("", &object).get("s"), &mut errors);
        let fields: Vec<_> = errors.causes.iter().map(|c| (c.field.as_str(), c.reason.as_str())).collect();
        let invalid = "FieldValueInvalid";
        assert_eq!(
            fields,
            [
                ("s.matchLabels", invalid),
                ("s.matchLabels", invalid),
                ("s.matchExpressions[0].values", "FieldValueRequired"),
                ("s.matchExpressions[1].values", "FieldValueForbidden"),
                ("s.matchExpressions[2].operator", invalid),
                ("s.matchExpressions[2].key", invalid),
                ("s.matchExpressions[2].key", invalid),
            ]
        );
    }
}
