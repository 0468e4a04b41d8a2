//! Which requests a webhook is asked about.

use super::super::super::registry::Served;
use super::super::Asked;
use super::word;
use crate::api::{ObjectExt, Value};

/// The rules of a webhook.
pub(in super::super) struct Rules<'a>(&'a [Value]);

impl<'a> Rules<'a> {
    /// The rules of a webhook.
    pub fn of(hook: &'a Value) -> Self {
        Self(hook.items_at(&["rules"]))
    }

    /// Whether some rule names a resource, whatever is done with it.
    pub fn name(&self, served: &Served) -> bool {
        self.0.iter().any(|rule| names(rule, served))
    }

    /// Whether some rule names what is done with a resource.
    pub fn apply(&self, asked: &Asked<'_>, seen: &Served) -> bool {
        self.apply_to(asked, seen, None)
    }

    /// The same, for rules that may also name objects.
    pub fn apply_to(&self, asked: &Asked<'_>, seen: &Served, name: Option<&str>) -> bool {
        self.0.iter().any(|rule| {
            let named = rule.items_at(&["resourceNames"]);
            let scope = match rule.text(&["scope"]) {
                // A Namespace is no part of a namespace.
                "Namespaced" => seen.info.namespaced(),
                "Cluster" => !seen.info.namespaced(),
                _ => true,
            };
            scope
                && (named.is_empty() || name.is_some_and(|name| named.iter().any(|own| own == name)))
                && names(rule, seen)
                && has(rule, "operations", word(asked.operation))
                && resource(rule, &seen.info.resource, asked.subresource)
        })
    }
}

fn has(rule: &Value, list: &str, wanted: &str) -> bool {
    rule.items_at(&[list]).iter().any(|item| item == "*" || item == wanted)
}

fn names(rule: &Value, served: &Served) -> bool {
    has(rule, "apiGroups", &served.kind.group)
        && has(rule, "apiVersions", &served.kind.version)
        && rule.items_at(&["resources"]).iter().filter_map(Value::as_str).any(|text| {
            let (resource, _) = text.split_once('/').unwrap_or((text, ""));
            resource == "*" || resource == served.info.resource
        })
}

/// Whether a rule names a resource, or what lies below it: `pods`, `pods/status`, `*`, `*/status`, `pods/*`, `*/*`.
fn resource(rule: &Value, resource: &str, subresource: &str) -> bool {
    rule.items_at(&["resources"]).iter().filter_map(Value::as_str).any(|text| {
        let (own, below) = match text.split_once('/') {
            Some((own, below)) => (own, below),
            None => (text, ""),
        };
        (own == "*" || own == resource) && (below == "*" || below == subresource)
    })
}

/// Whether a selector of a webhook chooses everything.
pub(super) fn selects_all(hook: &Value, selector: &str) -> bool {
    hook.get(selector).and_then(Value::as_object).is_none_or(|selector| selector.is_empty())
}

/// Whether a selector of a webhook chooses what has these labels.
pub(in super::super) fn selects(hook: &Value, selector: &str, labels: Option<&Value>) -> bool {
    let Some(selector) = hook.get(selector) else { return true };
    let label = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
    let same = selector.map_at(&["matchLabels"]).into_iter().flatten().all(|(key, value)| label(key) == value.as_str());
    same && selector.items_at(&["matchExpressions"]).iter().all(|expression| {
        let own = label(expression.text(&["key"]));
        let among = || own.is_some_and(|own| expression.items_at(&["values"]).iter().any(|value| value == own));
        match expression.text(&["operator"]) {
            "In" => among(),
            "NotIn" => !among(),
            "Exists" => own.is_some(),
            "DoesNotExist" => own.is_none(),
            _ => false,
        }
    })
}

/// Whether a webhook's object selector chooses the object as it is or was.
pub(super) fn selects_object(hook: &Value, object: Option<&Value>, old: Option<&Value>) -> bool {
    if selects_all(hook, "objectSelector") {
        return true;
    }
    let labels = |object: &Value| object.at(&["metadata", "labels"]).cloned();
    [object, old].into_iter().flatten().any(|object| selects(hook, "objectSelector", labels(object).as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rules_name_resources_and_what_lies_below() {
        for (text, below, expected) in [
            ("pods", "", true),
            ("pods", "status", false),
            ("pods/status", "status", true),
            ("pods/status", "", false),
            ("pods/*", "", true),
            ("pods/*", "status", true),
            ("*", "", true),
            ("*", "status", false),
            ("*/status", "status", true),
            ("*/status", "", false),
            ("*/*", "", true),
            ("*/*", "scale", true),
            ("services", "", false),
        ] {
            assert_eq!(resource(&json!({"resources": [text]}), "pods", below), expected, "{text} {below}");
        }
    }

    #[test]
    fn selectors_choose_by_labels() {
        let labels = json!({"a": "1"});
        for (selector, expected) in [
            (json!({}), true),
            (json!({"matchLabels": {"a": "1"}}), true),
            (json!({"matchLabels": {"a": "2"}}), false),
            (json!({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}), true),
            (json!({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}), false),
            (json!({"matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["1"]}]}), true),
            (json!({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}), true),
        ] {
            let hook = json!({"objectSelector": selector});
            assert_eq!(selects(&hook, "objectSelector", Some(&labels)), expected, "{hook}");
        }
    }
}
