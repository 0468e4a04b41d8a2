//! Resources that are served in more than one version, or under two groups: how each form is made of the one that is
//! kept.

use crate::api::{Map, ObjectExt, Value, json};
use serde_json::json as value;

/// How a version differs from the one that is kept.
#[derive(Clone, Copy)]
pub struct Conversion {
    /// The version that is kept, with its group.
    pub kept: &'static str,
    /// Makes the kept form of an object, but for the version's name.
    pub to_kept: fn(&mut Value),
    /// Makes this version of a kept object.
    pub from_kept: fn(&mut Value),
}

/// The conversion of a resource's version; none for the version that is kept.
pub fn of(group: &str, version: &str, resource: &str) -> Option<Conversion> {
    match (group, version, resource) {
        ("events.k8s.io", _, "events") => {
            Some(Conversion { kept: "v1", to_kept: event_to_core, from_kept: event_from_core })
        }
        ("autoscaling", "v1", "horizontalpodautoscalers") => {
            Some(Conversion { kept: "autoscaling/v2", to_kept: autoscaler_to_v2, from_kept: autoscaler_to_v1 })
        }
        _ => None,
    }
}

/// The fields of events that have other names in the core group, with those.
const EVENT: [(&str, &str); 7] = [
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
    ("reportingController", "reportingComponent"),
];

fn event_to_core(event: &mut Value) {
    EVENT.iter().for_each(|(new, core)| rename(event, new, core));
}

fn event_from_core(event: &mut Value) {
    EVENT.iter().for_each(|(new, core)| rename(event, core, new));
}

fn rename(object: &mut Value, from: &str, to: &str) {
    if let Some(value) = object.take_at(&[from]) {
        object.put(&[to], value);
    }
}

/// What version 1 of autoscalers has no field for is kept in annotations (autoscaling/v1's own convention).
const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const TARGET: &str = "targetCPUUtilizationPercentage";
const CURRENT: &str = "currentCPUUtilizationPercentage";

fn autoscaler_to_v1(autoscaler: &mut Value) {
    let metrics = list(autoscaler.take_at(&["spec", "metrics"]));
    let is_cpu = |metric: &Value, field: &str| {
        metric.text(&["type"]) == "Resource"
            && metric.text(&["resource", "name"]) == "cpu"
            && metric.at(&["resource", field, "averageUtilization"]).is_some_and(|v| !v.is_null())
    };
    let (cpu, others): (Vec<Value>, Vec<Value>) = metrics.into_iter().partition(|metric| is_cpu(metric, "target"));
    if let Some(percent) = cpu.first().and_then(|m| m.integer(&["resource", "target", "averageUtilization"])) {
        autoscaler.put(&["spec", TARGET], percent);
    }
    annotate(autoscaler, METRICS, others.iter().map(metric_to_v1).collect());
    let current = list(autoscaler.take_at(&["status", "currentMetrics"]));
    let cpu = current.iter().find(|metric| is_cpu(metric, "current"));
    if let Some(percent) = cpu.and_then(|m| m.integer(&["resource", "current", "averageUtilization"])) {
        autoscaler.put(&["status", CURRENT], percent);
    }
    annotate(autoscaler, CURRENT_METRICS, current.iter().map(current_to_v1).collect());
    let conditions = list(autoscaler.take_at(&["status", "conditions"]));
    annotate(autoscaler, CONDITIONS, conditions);
    if let Some(behavior) = autoscaler.take_at(&["spec", "behavior"]) {
        put_annotation(autoscaler, BEHAVIOR, &behavior);
    }
}

fn autoscaler_to_v2(autoscaler: &mut Value) {
    let mut metrics: Vec<Value> = list(take_annotation(autoscaler, METRICS)).iter().map(metric_to_v2).collect();
    if let Some(percent) = autoscaler.take_at(&["spec", TARGET]) {
        let target = value!({"type": "Utilization", "averageUtilization": percent});
        metrics.insert(0, value!({"type": "Resource", "resource": {"name": "cpu", "target": target}}));
    }
    put_list(autoscaler, &["spec", "metrics"], metrics);
    let current: Vec<Value> = list(take_annotation(autoscaler, CURRENT_METRICS)).iter().map(current_to_v2).collect();
    autoscaler.take_at(&["status", CURRENT]);
    put_list(autoscaler, &["status", "currentMetrics"], current);
    let conditions = list(take_annotation(autoscaler, CONDITIONS));
    put_list(autoscaler, &["status", "conditions"], conditions);
    if let Some(behavior) = take_annotation(autoscaler, BEHAVIOR) {
        autoscaler.put(&["spec", "behavior"], behavior);
    }
}

fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

fn put_list(object: &mut Value, path: &[&str], items: Vec<Value>) {
    if !items.is_empty() {
        object.put(path, items);
    }
}

fn annotate(object: &mut Value, key: &str, items: Vec<Value>) {
    if !items.is_empty() {
        put_annotation(object, key, &Value::Array(items));
    }
}

fn put_annotation(object: &mut Value, key: &str, content: &Value) {
    object.put(&["metadata", "annotations", key], json::to_string(content));
}

fn take_annotation(object: &mut Value, key: &str) -> Option<Value> {
    let text = object.take_at(&["metadata", "annotations", key])?;
    let empty = object.map_at(&["metadata", "annotations"]).is_some_and(Map::is_empty);
    if empty {
        object.take_at(&["metadata", "annotations"]);
    }
    json::from_slice(text.as_str()?.as_bytes()).ok()
}

/// Where the parts of a metric are in version 1 and in version 2, by the metric's field: `(field, v1, v2)`.
fn metric_fields(field: &str, part: &str) -> Vec<(&'static str, Vec<String>)> {
    let (prefix, path) = if part == "target" { ("target", "target") } else { ("current", "current") };
    let under = |name: &str| vec![path.to_string(), name.to_string()];
    let metric = |name: &str| vec!["metric".to_string(), name.to_string()];
    let v1 = |average: &'static str, value: &'static str| if prefix == "target" { average } else { value };
    match field {
        "resource" | "containerResource" => vec![
            ("name", vec!["name".into()]),
            ("container", vec!["container".into()]),
            (v1("targetAverageUtilization", "currentAverageUtilization"), under("averageUtilization")),
            (v1("targetAverageValue", "currentAverageValue"), under("averageValue")),
        ],
        "pods" => vec![
            ("metricName", metric("name")),
            ("selector", metric("selector")),
            (v1("targetAverageValue", "currentAverageValue"), under("averageValue")),
        ],
        "object" => vec![
            ("target", vec!["describedObject".into()]),
            ("metricName", metric("name")),
            ("selector", metric("selector")),
            (v1("targetValue", "currentValue"), under("value")),
            ("averageValue", under("averageValue")),
        ],
        _ => vec![
            ("metricName", metric("name")),
            ("metricSelector", metric("selector")),
            (v1("targetValue", "currentValue"), under("value")),
            (v1("targetAverageValue", "currentAverageValue"), under("averageValue")),
        ],
    }
}

fn metric_to_v1(metric: &Value) -> Value {
    to_v1(metric, "target")
}

fn current_to_v1(metric: &Value) -> Value {
    to_v1(metric, "current")
}

fn to_v1(metric: &Value, part: &str) -> Value {
    let mut out = value!({"type": metric.text(&["type"])});
    for (field, content) in metric.as_object().into_iter().flatten().filter(|(field, _)| *field != "type") {
        for (name, path) in metric_fields(field, part) {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            if let Some(value) = content.at(&path) {
                out.put(&[field, name], value.clone());
            }
        }
    }
    out
}

fn metric_to_v2(metric: &Value) -> Value {
    let mut out = to_v2(metric, "target");
    let Some(field) = out.as_object().and_then(|map| map.keys().find(|key| *key != "type").cloned()) else {
        return out;
    };
    let kind = match out.at(&[&field, "target"]) {
        Some(target) if target.get("averageUtilization").is_some() => "Utilization",
        Some(target) if target.get("averageValue").is_some() => "AverageValue",
        _ => "Value",
    };
    out.put(&[&field, "target", "type"], kind);
    out
}

fn current_to_v2(metric: &Value) -> Value {
    to_v2(metric, "current")
}

fn to_v2(metric: &Value, part: &str) -> Value {
    let mut out = value!({"type": metric.text(&["type"])});
    for (field, content) in metric.as_object().into_iter().flatten().filter(|(field, _)| *field != "type") {
        for (name, path) in metric_fields(field, part) {
            if let Some(value) = content.get(name) {
                let path: Vec<&str> = std::iter::once(field.as_str()).chain(path.iter().map(String::as_str)).collect();
                out.put(&path, value.clone());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_lead_back() {
        let autoscaler = value!({"metadata": {"name": "a", "annotations": {"x": "y"}}, "spec": {
            "maxReplicas": 3,
            "behavior": {"scaleUp": {"stabilizationWindowSeconds": 5}},
            "metrics": [
                {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}},
                {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}},
                {"type": "Pods", "pods": {"metric": {"name": "qps"}, "target": {"type": "AverageValue", "averageValue": "10"}}},
                {"type": "Object", "object": {"describedObject": {"kind": "Service", "name": "s"}, "metric": {"name": "m"},
                    "target": {"type": "Value", "value": "3"}}},
            ]
        }, "status": {"currentReplicas": 1, "conditions": [{"type": "AbleToScale", "status": "True"}]}});
        let event = value!({"involvedObject": {"name": "p"}, "message": "m", "count": 2, "source": {"component": "c"},
            "firstTimestamp": "t", "lastTimestamp": "t", "reportingComponent": "r", "type": "Normal"});
        for (group, version, resource, kept) in
            [("autoscaling", "v1", "horizontalpodautoscalers", autoscaler), ("events.k8s.io", "v1", "events", event)]
        {
            let conversion = of(group, version, resource).unwrap();
            let mut object = kept.clone();
            (conversion.from_kept)(&mut object);
            assert_ne!(object, kept);
            (conversion.to_kept)(&mut object);
            assert_eq!(object, kept);
        }
    }

    #[test]
    fn version_1_has_the_percentage_of_the_processor() {
        let mut autoscaler = value!({"spec": {"targetCPUUtilizationPercentage": 50}});
        autoscaler_to_v2(&mut autoscaler);
        assert_eq!(autoscaler["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 50);
        autoscaler_to_v1(&mut autoscaler);
        assert_eq!(autoscaler, value!({"spec": {"targetCPUUtilizationPercentage": 50}}));
    }
}
