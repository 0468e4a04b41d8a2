//! HorizontalPodAutoscalers. The rules work on version 2, and take version 1 too.

mod convert;
mod validate;

use super::cells::{age, number};
use super::field::Field;
use super::fill::fill;
use super::{GENERIC, Kind};
use crate::api::{Object, ObjectExt, Value};
use serde_json::json;
use std::borrow::Cow;

pub(super) const KIND: Kind = Kind {
    group: "autoscaling",
    resource: "horizontalpodautoscalers",
    default: |autoscaler| {
        let spec = json!({"minReplicas": 1, "maxReplicas": 0, "scaleTargetRef": {"kind": "", "name": ""}});
        fill(autoscaler, &json!({"spec": spec, "status": no_status(autoscaler)}));
        if convert::is_v1(autoscaler) {
            convert::default_percentage(autoscaler, DEFAULT_PERCENT);
        } else {
            defaults(autoscaler.at_mut(&["spec"]));
        }
    },
    prepare_for_create: |autoscaler| {
        let status = no_status(autoscaler);
        autoscaler.put(&["status"], status);
    },
    convert: convert::convert,
    validate: |autoscaler, errors| validate::spec(&as_v2(autoscaler), errors),
    validate_update: |new, _, errors| validate::spec(&as_v2(new), errors),
    validate_status_update: |new, _, errors| {
        let root = Field::new("", new);
        errors.non_negative(&root.get("status.currentReplicas"));
        errors.non_negative(&root.get("status.desiredReplicas"));
    },
    cells: |autoscaler, now| {
        let autoscaler = as_v2(autoscaler);
        let target = |name: &str| autoscaler.text(&["spec", "scaleTargetRef", name]);
        let least = autoscaler.integer(&["spec", "minReplicas"]);
        vec![
            autoscaler.name().into(),
            format!("{}/{}", target("kind"), target("name")).into(),
            metrics(&autoscaler).into(),
            least.map_or("<unset>".into(), |least| least.to_string()).into(),
            number(&autoscaler, &["spec", "maxReplicas"]),
            number(&autoscaler, &["status", "currentReplicas"]),
            age(&autoscaler, now),
        ]
    },
    ..GENERIC
};

/// How busy pods may be where nobody says what an autoscaler goes by.
const DEFAULT_PERCENT: i64 = 80;

/// What every autoscaler without metrics goes by.
fn cpu_metric(percent: i64) -> Value {
    let target = json!({"type": "Utilization", "averageUtilization": percent});
    json!({"type": "Resource", "resource": {"name": "cpu", "target": target}})
}

fn no_status(autoscaler: &Object) -> Value {
    if convert::is_v1(autoscaler) {
        json!({"currentReplicas": 0, "desiredReplicas": 0})
    } else {
        json!({"desiredReplicas": 0, "currentMetrics": null})
    }
}

fn defaults(spec: &mut Value) {
    if spec.items_at(&["metrics"]).is_empty() {
        spec.put(&["metrics"], vec![cpu_metric(DEFAULT_PERCENT)]);
    }
    let policy = |kind: &str, value: i64| json!({"type": kind, "value": value, "periodSeconds": 15});
    let rules = [
        ("scaleUp", json!([policy("Pods", 4), policy("Percent", 100)])),
        ("scaleDown", json!([policy("Percent", 100)])),
    ];
    if spec.get("behavior").is_none() {
        return;
    }
    for (name, policies) in rules {
        let rules = spec.at_mut(&["behavior", name]);
        if rules.is_null() {
            *rules = json!({});
        }
        if name == "scaleUp" {
            fill(rules, &json!({"stabilizationWindowSeconds": 0}));
        }
        fill(rules, &json!({"selectPolicy*": "Max"}));
        if rules.get("policies").is_none_or(Value::is_null) {
            rules.put(&["policies"], policies);
        }
    }
}

fn as_v2(autoscaler: &Object) -> Cow<'_, Object> {
    if !convert::is_v1(autoscaler) {
        return Cow::Borrowed(autoscaler);
    }
    let mut v2 = autoscaler.clone();
    convert::convert(&mut v2, "autoscaling/v2");
    Cow::Owned(v2)
}

/// The first two metrics: what is and what should be.
fn metrics(autoscaler: &Object) -> String {
    let metrics = autoscaler.items_at(&["spec", "metrics"]);
    let now = autoscaler.items_at(&["status", "currentMetrics"]);
    let shown: Vec<String> = metrics
        .iter()
        .enumerate()
        .take(2)
        .map(|(i, metric)| shown(metric, now.get(i).unwrap_or(&Value::Null)))
        .collect();
    match metrics.len() {
        0 => "<none>".into(),
        1 | 2 => shown.join(", "),
        count => format!("{} + {} more...", shown.join(", "), count - 2),
    }
}

fn shown(metric: &Value, now: &Value) -> String {
    let source = match metric.text(&["type"]) {
        "External" => "external",
        "Pods" => "pods",
        "Object" => "object",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        _ => return "<unknown type>".into(),
    };
    let target = |name: &str| metric.at(&[source, "target", name]);
    let quantity = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or("0").to_string();
    // A status without a quantity counts as zero; one of another source says nothing.
    let current = |name: &str| now.get(source).map(|now| quantity(now.at(&["current", name])));
    let unknown = || "<unknown>".to_string();
    match source {
        "resource" | "containerResource" => {
            let name = metric.text(&[source, "name"]);
            let percent = |value: Option<&Value>| value.and_then(Value::as_i64).map(|percent| format!("{percent}%"));
            match target("averageValue") {
                Some(wanted) => {
                    let current = current("averageValue").unwrap_or_else(unknown);
                    format!("{name}: {current}/{}", quantity(Some(wanted)))
                }
                None => {
                    let current = percent(now.at(&[source, "current", "averageUtilization"])).unwrap_or_else(unknown);
                    let wanted = percent(target("averageUtilization")).unwrap_or_else(|| "<auto>".into());
                    format!("{name}: {current}/{wanted}")
                }
            }
        }
        "pods" => {
            let current = current("averageValue").unwrap_or_else(unknown);
            format!("{current}/{}", quantity(target("averageValue")))
        }
        _ => match target("averageValue") {
            Some(wanted) => {
                let current = now.at(&[source, "current", "averageValue"]).map(|value| quantity(Some(value)));
                format!("{}/{} (avg)", current.unwrap_or_else(unknown), quantity(Some(wanted)))
            }
            None => format!("{}/{}", current("value").unwrap_or_else(unknown), quantity(target("value"))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behavior_is_filled_in() {
        let mut object = json!({"apiVersion": "autoscaling/v2", "spec": {"behavior": {"scaleDown": {"policies": []}}}});
        (KIND.default)(&mut object);
        assert_eq!(object.at(&["spec", "behavior", "scaleUp", "stabilizationWindowSeconds"]), Some(&json!(0)));
        assert_eq!(object.items_at(&["spec", "behavior", "scaleUp", "policies"]).len(), 2);
        assert_eq!(
            object.at(&["spec", "behavior", "scaleDown"]),
            Some(&json!({"selectPolicy": "Max", "policies": []}))
        );
        assert_eq!(object.at(&["spec", "metrics"]), Some(&json!([cpu_metric(80)])));
    }

    #[test]
    fn metrics_are_shown() {
        let metric =
            |kind: &str, source: &str, target: Value| json!({"type": kind, source: {"name": "m", "target": target}});
        let status = |source: &str, current: Value| json!({source: {"current": current}});
        for (metric, now, expected) in [
            (metric("Resource", "resource", json!({"averageUtilization": 80})), json!(null), "m: <unknown>/80%"),
            (
                metric("Resource", "resource", json!({"averageValue": "1Gi"})),
                status("resource", json!({"averageValue": "5Mi"})),
                "m: 5Mi/1Gi",
            ),
            (metric("Pods", "pods", json!({"averageValue": "1"})), json!(null), "<unknown>/1"),
            (
                metric("Object", "object", json!({"averageValue": "1"})),
                status("object", json!({"value": "2"})),
                "<unknown>/1 (avg)",
            ),
            (metric("External", "external", json!({"value": "7"})), status("external", json!({"value": "2"})), "2/7"),
        ] {
            assert_eq!(shown(&metric, &now), expected);
        }
    }
}
