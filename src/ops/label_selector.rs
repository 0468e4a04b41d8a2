//! Label selectors as objects hold them, from the text that users write.

use super::Failure;
use crate::api::{ObjectExt, Value};
use crate::expr::selector::{Operator, parse_labels};
use serde_json::json;

/// The selector as a `LabelSelector` of the API. It knows neither `!=` nor comparisons of numbers.
pub fn from_text(text: &str) -> Result<Value, Failure> {
    let parsed = parse_labels(text)
        .map_err(|error| Failure::message(format!("couldn't parse the selector string \"{text}\": {error}")))?;
    let mut selector = json!({});
    let mut expressions = Vec::new();
    for requirement in parsed.requirements {
        let operator = match requirement.operator {
            Operator::Equals | Operator::DoubleEquals => {
                let value = requirement.values.first().cloned().unwrap_or_default();
                selector.put(&["matchLabels", &requirement.key], value);
                continue;
            }
            Operator::In => "In",
            Operator::NotIn => "NotIn",
            Operator::Exists => "Exists",
            Operator::DoesNotExist => "DoesNotExist",
            Operator::GreaterThan => return Err(Failure::message("\"gt\" isn't supported in label selectors")),
            Operator::LessThan => return Err(Failure::message("\"lt\" isn't supported in label selectors")),
            Operator::NotEquals => return Err(Failure::message("\"!=\" is not a valid label selector operator")),
        };
        let mut expression = json!({"key": requirement.key, "operator": operator});
        if !requirement.values.is_empty() {
            expression.put(&["values"], requirement.values);
        }
        expressions.push(expression);
    }
    if !expressions.is_empty() {
        selector.put(&["matchExpressions"], expressions);
    }
    Ok(selector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_selectors() {
        for (text, want) in [
            ("a=b,c==d", json!({"matchLabels": {"a": "b", "c": "d"}})),
            (
                "x in (2,1),!y,z",
                json!({"matchExpressions": [
                    {"key": "x", "operator": "In", "values": ["1", "2"]},
                    {"key": "y", "operator": "DoesNotExist"}, {"key": "z", "operator": "Exists"}]}),
            ),
            ("", json!({})),
        ] {
            assert_eq!(from_text(text).unwrap(), want, "{text}");
        }
        for bad in ["a!=b", "a>1", "a=b c"] {
            assert!(from_text(bad).is_err(), "{bad}");
        }
    }
}
