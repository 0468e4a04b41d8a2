//! HorizontalPodAutoscalers.

use super::context::{Context, Lookup};
use super::read::{canonical, int, quantity, some};
use super::writer::Writer;
use super::{conditions, labels};
use crate::api::{ObjectExt, Value};
use crate::expr::go_value::Quoted;

/// One of autoscaling/v1 is looked up in v2, which says all: kubectl describes that, whichever was asked for.
pub fn lookups(object: &Value) -> Vec<Lookup> {
    let is_old = object.api_version() == "autoscaling/v1";
    is_old.then(|| newer(object)).into_iter().collect()
}

fn newer(object: &Value) -> Lookup {
    Lookup::one("autoscaling", "v2", "horizontalpodautoscalers", object.namespace(), object.name())
}

/// Describes a HorizontalPodAutoscaler of autoscaling/v2; or of v1, where there is no v2.
pub fn write(w: &mut Writer, object: &Value, context: &Context) {
    let object = context.found(&newer(object)).ok().and_then(|found| found.first()).unwrap_or(object);
    let target = |key| object.text(&["spec", "scaleTargetRef", key]);
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    labels::labels_and_annotations(w, object);
    w.field(0, "CreationTimestamp", context.time(object.text(&["metadata", "creationTimestamp"])));
    w.field(0, "Reference", format_args!("{}/{}", target("kind"), target("name")));
    if object.api_version() == "autoscaling/v1" {
        if let Some(percent) = object.integer(&["spec", "targetCPUUtilizationPercentage"]) {
            w.field(0, "Target CPU utilization", format_args!("{percent}%"));
            let current = object.integer(&["status", "currentCPUUtilizationPercentage"]);
            let current = current.map_or_else(|| "<unknown>".into(), |current| current.to_string());
            w.field(0, "Current CPU utilization", format_args!("{current}%"));
        }
    } else {
        w.field(0, "Metrics", "( current / target )");
        let metrics = object.items_at(&["spec", "metrics"]).iter();
        metrics
            .enumerate()
            .for_each(|(index, one)| metric(w, one, object.items_at(&["status", "currentMetrics"]).get(index)));
    }
    let least = object.integer(&["spec", "minReplicas"]).map_or_else(|| "<unset>".into(), |least| least.to_string());
    w.field(0, "Min replicas", least);
    w.field(0, "Max replicas", int(object, &["spec", "maxReplicas"]));
    if let Some(behavior) = some(object, &["spec", "behavior"]) {
        w.line(0, "Behavior:");
        for (heading, key) in [("Scale Up", "scaleUp"), ("Scale Down", "scaleDown")] {
            some(behavior, &[key]).into_iter().for_each(|rules| direction(w, heading, rules));
        }
    }
    let replicas = |key| int(object, &["status", key]);
    let (current, desired) = (replicas("currentReplicas"), replicas("desiredReplicas"));
    w.field(0, format_args!("{} pods", target("kind")), format_args!("{current} current / {desired} desired"));
    if object.api_version() != "autoscaling/v1" {
        conditions::write(w, object, conditions::AUTOSCALER, context);
    }
}

/// Writes what one metric is and what it should be.
fn metric(w: &mut Writer, metric: &Value, status: Option<&Value>) {
    const KINDS: [(&str, &str); 5] = [
        ("External", "external"),
        ("Pods", "pods"),
        ("Object", "object"),
        ("Resource", "resource"),
        ("ContainerResource", "containerResource"),
    ];
    let kind = metric.text(&["type"]);
    let Some((_, key)) = KINDS.iter().find(|(name, _)| *name == kind) else {
        return w.line(1, format_args!("<unknown metric type {}>", Quoted(kind)));
    };
    let source = metric.at(&[key]).unwrap_or(&Value::Null);
    let name = source.text(&["metric", "name"]);
    let current = status.and_then(|status| some(status, &[key]));
    // What is measured, of what is known of it.
    let now =
        |field: &str| current.map_or_else(|| "<unknown>".into(), |current| quantity(current, &["current", field]));
    let wanted = |field: &str| quantity(source, &["target", field]);
    let average = some(source, &["target", "averageValue"]).map(canonical);
    let line = match (kind, average) {
        ("External", Some(average)) => {
            let known = current.is_some_and(|current| some(current, &["current", "averageValue"]).is_some());
            let now = if known { now("averageValue") } else { "<unknown>".into() };
            format!("{} (target average value):\t{now} / {average}", Quoted(name))
        }
        ("External", None) => format!("{} (target value):\t{} / {}", Quoted(name), now("value"), wanted("value")),
        ("Pods", _) => format!("{} on pods:\t{} / {}", Quoted(name), now("averageValue"), wanted("averageValue")),
        ("Object", _) => {
            let object = |key| source.text(&["describedObject", key]);
            let (what, field) = match source.text(&["target", "type"]) {
                "AverageValue" => ("target average value", "averageValue"),
                _ => ("target value", "value"),
            };
            let (now, wanted) = (now(field), wanted(field));
            format!("\"{name}\" on {}/{} ({what}):\t{now} / {wanted}", object("kind"), object("name"))
        }
        (kind, average) => {
            let resource = source.text(&["name"]);
            let pods = match kind {
                "ContainerResource" => {
                    format!("resource {resource} of container \"{}\" on pods", source.text(&["container"]))
                }
                _ => format!("resource {resource} on pods"),
            };
            match average {
                Some(average) => format!("{pods}:\t{} / {average}", now("averageValue")),
                None => {
                    let used = current.and_then(|current| current.integer(&["current", "averageUtilization"]));
                    let used = used.map(|used| format!("{used}% ({})", now("averageValue")));
                    let target = source.integer(&["target", "averageUtilization"]);
                    let target = target.map_or_else(|| "<auto>".into(), |target| format!("{target}%"));
                    let used = used.unwrap_or_else(|| "<unknown>".into());
                    format!("{pods}  (as a percentage of request):\t{used} / {target}")
                }
            }
        }
    };
    w.line(1, line);
}

fn direction(w: &mut Writer, heading: &str, rules: &Value) {
    w.line(1, format_args!("{heading}:"));
    if let Some(seconds) = rules.integer(&["stabilizationWindowSeconds"]) {
        w.line(2, format_args!("Stabilization Window: {seconds} seconds"));
    }
    let policies = rules.items_at(&["policies"]);
    if policies.is_empty() {
        return;
    }
    let select = some(rules, &["selectPolicy"]).and_then(Value::as_str).unwrap_or("Max");
    w.line(2, format_args!("Select Policy: {select}"));
    w.line(2, "Policies:");
    for policy in policies {
        let (value, period) = (int(policy, &["value"]), int(policy, &["periodSeconds"]));
        w.line(3, format_args!("- Type: {}\tValue: {value}\tPeriod: {period} seconds", policy.text(&["type"])));
    }
}
