//! What is wrong with an autoscaler.

use super::super::field::{Errors, Field, quoted};
use super::super::resources::{container_resource_name, quantity};
use crate::api::{GroupVersion, Object, names};

/// Complains about the `spec`, in the form of version 2.
pub(super) fn spec(autoscaler: &Object, errors: &mut Errors) {
    let root = Field::new("", autoscaler);
    let spec = root.get("spec");
    let (least, most, metrics) = (spec.get("minReplicas"), spec.get("maxReplicas"), spec.get("metrics"));
    if least.integer().is_some_and(|least| least < 1) {
        errors.reject(&least, "must be greater than or equal to 1");
    }
    match most.number() {
        0 => errors.required(most, "must be set and greater than 0"),
        ..0 => errors.reject(&most, "must be greater than or equal to 1"),
        _ => {}
    }
    if least.integer().is_some_and(|least| most.number() < least) {
        errors.invalid(most, &most.number().into(), "must be greater than or equal to `minReplicas`");
    }
    reference(&spec.get("scaleTargetRef"), errors);
    metrics.items().for_each(|metric| self::metric(&metric, errors));
    let scales_to_zero = metrics.items().any(|metric| ["Object", "External"].contains(&metric.get("type").text()));
    if least.integer() == Some(0) && !scales_to_zero {
        let complaint = "must specify at least one Object or External metric to support scaling to zero replicas";
        errors.forbidden(metrics, complaint);
    }
    for rules in ["behavior.scaleUp", "behavior.scaleDown"].map(|path| spec.get(path)).iter() {
        if rules.is_set() {
            scaling_rules(rules, errors);
        }
    }
}

fn path_segment(text: &str) -> Vec<String> {
    names::path_segment(text, false)
}

fn named(reference: &Field, errors: &mut Errors) {
    errors.need_name(&reference.get("kind"), path_segment);
    errors.need_name(&reference.get("name"), path_segment);
}

/// Complains about the name of an object in any group but the core group.
fn reference(reference: &Field, errors: &mut Errors) {
    named(reference, errors);
    let version = reference.get("apiVersion");
    let complaint = if version.text().matches('/').count() > 1 {
        format!("unexpected GroupVersion string: {}", version.text())
    } else if GroupVersion::parse(version.text()).group.is_empty() {
        "apiVersion must specify API group".into()
    } else {
        return;
    };
    errors.invalid_as(version, &quoted(version.text()), &complaint);
}

const SOURCES: [(&str, &str); 5] = [
    ("Object", "object"),
    ("External", "external"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
];

fn metric(metric: &Field, errors: &mut Errors) {
    let kind = metric.get("type");
    let unsupported = |errors: &mut Errors| {
        errors.one_of(&kind, &["ContainerResource", "External", "Object", "Pods", "Resource"]);
    };
    if kind.is_empty() {
        errors.required(kind, "must specify a metric source type");
    }
    unsupported(errors);
    let there: Vec<&str> =
        SOURCES.iter().map(|(_, source)| *source).filter(|source| metric.get(source).is_set()).collect();
    if let Some(name) = there.first() {
        source(name, &metric.get(name), errors);
    }
    let expected = SOURCES.iter().find(|(word, _)| *word == kind.text()).map(|(_, source)| *source);
    match expected {
        None => unsupported(errors),
        Some(source) if !there.contains(&source) => {
            errors.required(metric.get(source), "must populate information for the given metric source");
        }
        Some(_) => {}
    }
    for other in there.iter().filter(|source| there.len() != 1 && Some(**source) != expected) {
        errors.forbidden(metric.get(other), "must populate the given metric source only");
    }
}

fn source(name: &str, source: &Field, errors: &mut Errors) {
    let [target, metric, resource, container] = ["target", "metric", "name", "container"].map(|name| source.get(name));
    if name == "object" {
        named(&source.get("describedObject"), errors);
    }
    if name.ends_with("esource") {
        if resource.is_empty() {
            errors.required(resource, "must specify a resource name");
        } else if name == "containerResource" {
            container_resource_name(resource.text(), &resource, errors);
        }
        if name == "containerResource" && container.is_empty() {
            errors.required(container, "must specify a container");
        } else if name == "containerResource" {
            errors.name(&container, names::dns1123_label);
        }
    } else {
        identifier(&metric, errors);
    }
    self::target(&target, errors);
    let [value, average, percent] = ["value", "averageValue", "averageUtilization"].map(|name| target.get(name));
    match name {
        "object" | "external" => {
            if !value.is_set() && !average.is_set() {
                let complaint = match name {
                    "object" => "must set either a target value or averageValue",
                    _ => "must set either a target value for metric or a per-pod target",
                };
                errors.required(average, complaint);
            }
            if name == "external" && value.is_set() && average.is_set() {
                errors.forbidden(value, "may not set both a target value for metric and a per-pod target");
            }
        }
        "pods" if !average.is_set() => errors.required(average, "must specify a positive target averageValue"),
        "pods" => {}
        _ => match (percent.is_set(), average.is_set()) {
            (false, false) => {
                errors.required(percent, "must set either a target raw value or a target utilization");
            }
            (true, true) => {
                errors.forbidden(average, "may not set both a target raw value and a target utilization");
            }
            _ => {}
        },
    }
}

fn identifier(metric: &Field, errors: &mut Errors) {
    let name = metric.get("name");
    if name.is_empty() {
        errors.required(name, "must specify a metric name");
    } else {
        errors.name(&name, path_segment);
    }
}

fn target(target: &Field, errors: &mut Errors) {
    let (kind, percent) = (target.get("type"), target.get("averageUtilization"));
    if kind.is_empty() {
        errors.required(kind, "must specify a metric target type");
    }
    if !["Utilization", "Value", "AverageValue"].contains(&kind.text()) {
        errors.invalid_as(kind, &quoted(kind.text()), "must be either Utilization, Value, or AverageValue");
    }
    for amount in [target.get("value"), target.get("averageValue")].iter().filter(|amount| amount.is_set()) {
        if quantity(amount).sign() != 1 {
            errors.reject(amount, "must be positive");
        }
    }
    if percent.integer().is_some_and(|percent| percent < 1) {
        errors.reject(&percent, "must be greater than 0");
    }
}

fn scaling_rules(rules: &Field, errors: &mut Errors) {
    const HOUR: i64 = 3600;
    let [window, select, policies, tolerance] =
        ["stabilizationWindowSeconds", "selectPolicy", "policies", "tolerance"].map(|name| rules.get(name));
    if window.number() < 0 {
        errors.reject(&window, "must be greater than or equal to zero");
    }
    if window.number() > HOUR {
        errors.reject(&window, &format!("must be less than or equal to {HOUR}"));
    }
    if select.is_set() {
        errors.one_of(&select, &["Disabled", "Max", "Min"]);
    }
    if policies.count() == 0 {
        errors.required(policies, "must specify at least one Policy");
    }
    for policy in policies.items() {
        errors.one_of(&policy.get("type"), &["Percent", "Pods"]);
        for amount in [policy.get("value"), policy.get("periodSeconds")] {
            if amount.number() <= 0 {
                errors.invalid(amount, &amount.number().into(), "must be greater than zero");
            }
        }
        if policy.get("periodSeconds").number() > HOUR / 2 {
            errors.reject(&policy.get("periodSeconds"), &format!("must be less than or equal to {}", HOUR / 2));
        }
    }
    if quantity(&tolerance).sign() < 0 {
        errors.reject(&tolerance, "must be greater than or equal to 0");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_wrong_with_metrics() {
        let of = |metric| {
            let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"});
            let autoscaler = json!({"spec": {"maxReplicas": 1, "scaleTargetRef": target, "metrics": [metric]}});
            let mut errors = Errors::default();
            spec(&autoscaler, &mut errors);
            errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect::<Vec<_>>()
        };
        let target = json!({"type": "Utilization", "averageUtilization": 0});
        assert_eq!(
            of(json!({"type": "Resource", "resource": {"name": "cpu", "target": target}})),
            ["spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0"]
        );
        let value = json!({"type": "Value", "averageValue": "1"});
        assert_eq!(
            of(json!({"type": "Pods", "external": {"metric": {"name": "a/b"}, "target": value}})),
            [
                r#"spec.metrics[0].external.metric.name: Invalid value: "a/b": may not contain '/'"#,
                "spec.metrics[0].pods: Required value: must populate information for the given metric source",
            ]
        );
    }
}
