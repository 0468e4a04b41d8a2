//! The two versions of autoscalers. Version 1 knows of one metric, and keeps all else in annotations.

use super::super::internal;
use super::cpu_metric;
use crate::api::{Map, Object, ObjectExt, Value};
use serde_json::json;

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
/// The annotations that carry what version 1 has no fields for.
const CARRIERS: [&str; 6] = [
    METRICS,
    CURRENT,
    CONDITIONS,
    BEHAVIOR,
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
];

/// The names of a field in version 1 and of the same in version 2.
type Pairs = &'static [(&'static str, &'static [&'static str])];

const METRIC: (&str, &[&str]) = ("metricName", &["metric", "name"]);
const SELECTOR: (&str, &[&str]) = ("selector", &["metric", "selector"]);

/// The parts of each source of metrics in a `spec`.
const SPEC: [(&str, Pairs); 5] = [
    (
        "object",
        &[
            ("target", &["describedObject"]),
            METRIC,
            SELECTOR,
            ("targetValue", &["target", "value"]),
            ("averageValue", &["target", "averageValue"]),
        ],
    ),
    ("pods", &[METRIC, SELECTOR, ("targetAverageValue", &["target", "averageValue"])]),
    ("resource", RESOURCE),
    ("containerResource", RESOURCE),
    (
        "external",
        &[
            METRIC,
            ("metricSelector", &["metric", "selector"]),
            ("targetValue", &["target", "value"]),
            ("targetAverageValue", &["target", "averageValue"]),
        ],
    ),
];
const RESOURCE: Pairs = &[
    ("name", &["name"]),
    ("container", &["container"]),
    ("targetAverageUtilization", &["target", "averageUtilization"]),
    ("targetAverageValue", &["target", "averageValue"]),
];

/// The parts of each source of metrics in a `status`.
const STATUS: [(&str, Pairs); 5] = [
    (
        "object",
        &[
            ("target", &["describedObject"]),
            METRIC,
            SELECTOR,
            ("currentValue", &["current", "value"]),
            ("averageValue", &["current", "averageValue"]),
        ],
    ),
    ("pods", &[METRIC, SELECTOR, ("currentAverageValue", &["current", "averageValue"])]),
    ("resource", CURRENT_RESOURCE),
    ("containerResource", CURRENT_RESOURCE),
    (
        "external",
        &[
            METRIC,
            ("metricSelector", &["metric", "selector"]),
            ("currentValue", &["current", "value"]),
            ("currentAverageValue", &["current", "averageValue"]),
        ],
    ),
];
const CURRENT_RESOURCE: Pairs = &[
    ("name", &["name"]),
    ("container", &["container"]),
    ("currentAverageUtilization", &["current", "averageUtilization"]),
    ("currentAverageValue", &["current", "averageValue"]),
];

pub(super) fn is_v1(autoscaler: &Object) -> bool {
    autoscaler.api_version() == "autoscaling/v1"
}

/// Turns an autoscaler into the form of the other version.
pub(super) fn convert(autoscaler: &mut Object, version: &str) {
    match (is_v1(autoscaler), version == "autoscaling/v1") {
        (true, false) => to_v2(autoscaler),
        (false, true) => to_v1(autoscaler),
        _ => {}
    }
    autoscaler.put(&["apiVersion"], version);
}

/// Gives an autoscaler of version 1 that goes by nothing else a percentage.
pub(super) fn default_percentage(autoscaler: &mut Object, percent: i64) {
    let path = ["spec", "targetCPUUtilizationPercentage"];
    if autoscaler.at(&path).is_none() && autoscaler.annotation(METRICS).is_none() {
        autoscaler.put(&path, percent);
    }
}

fn to_v1(autoscaler: &mut Object) {
    CARRIERS.iter().for_each(|name| drop(take_annotation(autoscaler, name)));
    let is_cpu = |metric: &Value, part: &str| {
        metric.text(&["type"]) == "Resource"
            && metric.text(&["resource", "name"]) == "cpu"
            && metric.at(&["resource", part, "averageUtilization"]).is_some()
    };
    let list = |value: Option<Value>| match value {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    let metrics = list(autoscaler.take_at(&["spec", "metrics"]));
    let current = list(autoscaler.take_at(&["status", "currentMetrics"]));
    let conditions = list(autoscaler.take_at(&["status", "conditions"]));
    let behavior = autoscaler.take_at(&["spec", "behavior"]);
    let percent = |metrics: &[Value], part: &str| {
        let cpu = metrics.iter().find(|metric| is_cpu(metric, part))?;
        cpu.at(&["resource", part, "averageUtilization"]).cloned()
    };
    if let Some(percent) = percent(&metrics, "target") {
        autoscaler.put(&["spec", "targetCPUUtilizationPercentage"], percent);
    }
    if let Some(percent) = percent(&current, "current") {
        autoscaler.put(&["status", "currentCPUUtilizationPercentage"], percent);
    }
    let counts = ["currentReplicas", "desiredReplicas"].map(|name| (name, autoscaler.integer(&["status", name])));
    for (name, count) in counts {
        autoscaler.put(&["status", name], count.unwrap_or(0));
    }
    let others: Vec<Value> = metrics.into_iter().filter(|metric| !is_cpu(metric, "target")).collect();
    let older = |metrics: &[Value], table| metrics.iter().map(|metric| to_old(metric, table)).collect::<Vec<_>>();
    for (name, kind, list) in [
        (METRICS, "[]v1.MetricSpec", older(&others, &SPEC)),
        (CURRENT, "[]v1.MetricStatus", older(&current, &STATUS)),
        (CONDITIONS, "[]v1.HorizontalPodAutoscalerCondition", conditions),
    ] {
        if !list.is_empty() {
            annotate(autoscaler, name, &internal::print(kind, &list.into()));
        }
    }
    if let Some(behavior) = behavior {
        annotate(autoscaler, BEHAVIOR, &internal::print("HorizontalPodAutoscalerBehavior", &behavior));
    }
}

fn to_v2(autoscaler: &mut Object) {
    let mut carried = |name: &str| -> Option<Value> {
        let text = take_annotation(autoscaler, name)?;
        serde_json::from_str(text.as_str()?).ok()
    };
    let others = carried(METRICS);
    let current = carried(CURRENT);
    let conditions = carried(CONDITIONS);
    let behavior = carried(BEHAVIOR).map(with_small_names);
    CARRIERS.iter().for_each(|name| drop(take_annotation(autoscaler, name)));
    let newer = |list: Option<Value>, table| -> Vec<Value> {
        list.as_ref().and_then(Value::as_array).into_iter().flatten().map(|metric| to_new(metric, table)).collect()
    };
    let percent = autoscaler.take_at(&["spec", "targetCPUUtilizationPercentage"]);
    let mut metrics = newer(others, &SPEC);
    metrics.extend(percent.and_then(|percent| percent.as_i64()).map(cpu_metric));
    if metrics.is_empty() {
        metrics.push(cpu_metric(80));
    }
    autoscaler.put(&["spec", "metrics"], metrics);
    if let Some(behavior) = behavior.filter(|behavior| behavior.as_object().is_some_and(|map| !map.is_empty())) {
        autoscaler.put(&["spec", "behavior"], behavior);
    }
    let percent = autoscaler.take_at(&["status", "currentCPUUtilizationPercentage"]);
    let current = match (current, percent) {
        (Some(current), _) => Value::Array(newer(Some(current), &STATUS)),
        (None, Some(percent)) => {
            let current = json!({"averageUtilization": percent});
            json!([{"type": "Resource", "resource": {"name": "cpu", "current": current}}])
        }
        (None, None) => Value::Null,
    };
    autoscaler.put(&["status", "currentMetrics"], current);
    if let Some(conditions) = conditions {
        autoscaler.put(&["status", "conditions"], conditions);
    }
    if autoscaler.integer(&["status", "currentReplicas"]) == Some(0) {
        autoscaler.take_at(&["status", "currentReplicas"]);
    }
}

fn annotate(object: &mut Object, name: &str, text: &str) {
    object.put(&["metadata", "annotations", name], text);
}

fn take_annotation(object: &mut Object, name: &str) -> Option<Value> {
    let taken = object.take_at(&["metadata", "annotations", name]);
    if object.map_at(&["metadata", "annotations"]).is_some_and(|notes| notes.is_empty()) {
        object.take_at(&["metadata", "annotations"]);
    }
    taken
}

fn to_old(metric: &Value, table: &[(&str, Pairs)]) -> Value {
    let mut old = json!({"type": metric.text(&["type"])});
    for (source, pairs) in table {
        let Some(part) = metric.get(source) else { continue };
        old.put(&[source], json!({}));
        for (name, path) in pairs.iter() {
            if let Some(value) = part.at(path) {
                old.put(&[source, name], value.clone());
            }
        }
    }
    old
}

fn to_new(metric: &Value, table: &[(&str, Pairs)]) -> Value {
    let mut new = json!({"type": metric.text(&["type"])});
    for (source, pairs) in table {
        let Some(part) = metric.get(source) else { continue };
        new.put(&[source], json!({}));
        for (name, path) in pairs.iter() {
            if let Some(value) = part.get(name) {
                new.at_mut(&[source]).put(path, value.clone());
            }
        }
        if let Some(target) = new.at_mut(&[source]).get_mut("target") {
            let kind = if target.get("averageUtilization").is_some() {
                "Utilization"
            } else if target.get("value").is_some() && target.get("averageValue").is_none() {
                "Value"
            } else {
                "AverageValue"
            };
            target.put(&["type"], kind);
        }
    }
    new
}

/// Go's field names begin with capitals.
fn with_small_names(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let small = |name: String| name[..1].to_lowercase() + &name[1..];
            let parts = map.into_iter().filter(|(name, part)| !part.is_null() && name.is_char_boundary(1));
            let parts: Map<String, Value> = parts.map(|(name, part)| (small(name), with_small_names(part))).collect();
            parts.into()
        }
        Value::Array(items) => items.into_iter().map(with_small_names).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_say_the_same() {
        let v2 = json!({
            "apiVersion": "autoscaling/v2",
            "metadata": {"name": "h"},
            "spec": {
                "minReplicas": 1, "maxReplicas": 5,
                "metrics": [
                    {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}},
                    {"type": "Pods", "pods": {"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "1k"}}},
                    cpu_metric(50),
                ],
                "behavior": {"scaleDown": {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 1, "periodSeconds": 15}]}},
            },
            "status": {"currentMetrics": null, "desiredReplicas": 0},
        });
        let mut v1 = v2.clone();
        convert(&mut v1, "autoscaling/v1");
        assert_eq!(v1.integer(&["spec", "targetCPUUtilizationPercentage"]), Some(50));
        assert_eq!(
            v1.annotation(METRICS),
            Some(
                r#"[{"type":"Resource","resource":{"name":"memory","targetAverageValue":"1Gi"}},{"type":"Pods","pods":{"metricName":"rps","targetAverageValue":"1k"}}]"#
            )
        );
        assert_eq!(
            v1.annotation(BEHAVIOR),
            Some(
                r#"{"ScaleUp":null,"ScaleDown":{"StabilizationWindowSeconds":null,"SelectPolicy":"Max","Policies":[{"Type":"Percent","Value":1,"PeriodSeconds":15}],"Tolerance":null}}"#
            )
        );
        convert(&mut v1, "autoscaling/v2");
        assert_eq!(v1, v2);
    }

    #[test]
    fn version_1_has_a_metric_of_its_own() {
        let mut object = json!({"apiVersion": "autoscaling/v1", "spec": {"maxReplicas": 3}, "status": {}});
        convert(&mut object, "autoscaling/v2");
        assert_eq!(object.at(&["spec", "metrics"]), Some(&json!([cpu_metric(80)])));
    }
}
