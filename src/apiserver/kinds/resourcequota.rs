//! ResourceQuotas.

use super::field::{Errors, Field, IMMUTABLE, printed, quoted};
use super::fill::fill;
use super::pod::defaults::round_list;
use super::resources::{amount, is_quota_resource, quantity, quota_resource_name};
use super::{GENERIC, Kind, cells};
use crate::api::{Object, ObjectExt, Value};
use serde_json::json;
use std::collections::BTreeSet;

pub(super) const KIND: Kind = Kind {
    resource: "resourcequotas",
    default: |quota| {
        fill(quota, &json!({"spec": {}, "status": {}}));
        round_list(quota.at_mut(&["spec"]), "hard");
        round_list(quota.at_mut(&["status"]), "hard");
        round_list(quota.at_mut(&["status"]), "used");
    },
    prepare_for_create: |quota| quota.put(&["status"], json!({})),
    validate,
    validate_update: |new, old, errors| {
        validate(new, errors);
        let scopes = |quota: &Object| -> BTreeSet<String> {
            quota.items_at(&["spec", "scopes"]).iter().filter_map(Value::as_str).map(String::from).collect()
        };
        if scopes(new) != scopes(old) {
            errors.reject(&Field::new("", new).get("spec.scopes"), IMMUTABLE);
        }
    },
    validate_status_update: |new, _, errors| {
        if new.resource_version().is_empty() {
            errors.required("resourceVersion", "");
        }
        let root = Field::new("", new);
        bounds(&root.get("status.hard"), errors);
        bounds(&root.get("status.used"), errors);
    },
    cells: row,
    ..GENERIC
};

fn validate(quota: &Object, errors: &mut Errors) {
    let root = Field::new("", quota);
    let spec = root.get("spec");
    let (hard, scopes, selector) = (spec.get("hard"), spec.get("scopes"), spec.get("scopeSelector"));
    bounds(&hard, errors);
    for scope in scopes.items() {
        if !SCOPES.contains(&scope.text()) {
            errors.reject(&scopes, "unsupported scope");
        }
        for _ in hard.entries().filter(|(name, _)| !fits(scope.text(), name)) {
            errors.reject(&scopes, "unsupported scope applied to resource");
        }
    }
    let names = scopes.items().map(|scope| scope.text()).collect::<Vec<_>>();
    contradiction(&scopes, &names, &scopes, errors);
    if selector.is_set() {
        let expressions = selector.get("matchExpressions");
        for expression in expressions.items() {
            scope_expression(&expressions, &expression, &selector, &hard, errors);
        }
        let names = expressions.items().map(|e| e.get("scopeName").text()).collect::<Vec<_>>();
        contradiction(&expressions, &names, &scopes, errors);
    }
}

fn bounds(list: &Field, errors: &mut Errors) {
    for (name, entry) in list.entries() {
        quota_resource_name(name, &entry, errors);
        amount(name, &entry, errors);
    }
}

const SCOPES: [&str; 7] = [
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "VolumeAttributesClass",
    "CrossNamespacePodAffinity",
];

/// Whether a scope makes sense for a resource.
fn fits(scope: &str, resource: &str) -> bool {
    let pods = resource == "pods";
    let compute = ["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];
    !is_quota_resource(resource)
        || match scope {
            "BestEffort" => pods,
            "VolumeAttributesClass" => ["persistentvolumeclaims", "requests.storage"].contains(&resource),
            _ if SCOPES.contains(&scope) => pods || compute.contains(&resource),
            _ => true,
        }
}

fn contradiction(place: &Field, scopes: &[&str], shown: &Field, errors: &mut Errors) {
    for pair in [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]] {
        if pair.iter().all(|scope| scopes.contains(scope)) {
            errors.invalid(place, shown.value(), "conflicting scopes");
        }
    }
}

fn scope_expression(list: &Field, expression: &Field, selector: &Field, hard: &Field, errors: &mut Errors) {
    let [scope, operator, values] = ["scopeName", "operator", "values"].map(|name| expression.get(name));
    // The complaints say nothing of which expression it is.
    let at = |name: &'static str| list.get(name).to_string();
    if !SCOPES.contains(&scope.text()) {
        errors.invalid_as(at("scopeName"), &quoted(scope.text()), "unsupported scope");
    }
    for _ in hard.entries().filter(|(name, _)| !fits(scope.text(), name)) {
        let all: Vec<String> = selector.get("matchExpressions").items().map(|e| internal(&e)).collect();
        let whole = format!(r#"{{"MatchExpressions":[{}]}}"#, all.join(","));
        errors.invalid_as(list, &whole, "unsupported scope applied to resource");
    }
    let only_exists =
        SCOPES.contains(&scope.text()) && !["PriorityClass", "VolumeAttributesClass"].contains(&scope.text());
    if only_exists && operator.text() != "Exists" {
        let complaint = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, \
                         ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort \
                         or ResourceQuotaScopeCrossNamespacePodAffinity";
        errors.invalid_as(at("operator"), &quoted(operator.text()), complaint);
    }
    match operator.text() {
        "In" | "NotIn" => {
            if values.is_empty() {
                let complaint = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
                errors.required(at("values"), complaint);
            }
        }
        "Exists" | "DoesNotExist" => {
            if !values.is_empty() {
                let complaint = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
                errors.invalid(at("values"), values.value(), complaint);
            }
        }
        text => errors.invalid_as(at("operator"), &quoted(text), "not a valid selector operator"),
    }
}

/// An expression as kube-apiserver's internal type prints it.
fn internal(expression: &Field) -> String {
    let [scope, operator] = ["scopeName", "operator"].map(|name| quoted(expression.get(name).text()));
    format!(r#"{{"ScopeName":{scope},"Operator":{operator},"Values":{}}}"#, printed(expression.get("values").value()))
}

fn row(quota: &Object, now: i64) -> Vec<Value> {
    let root = Field::new("", quota);
    let (hard, used) = (root.get("status.hard"), root.get("status.used"));
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (name, bound) in hard.entries() {
        let list = if name.starts_with("limits.") { &mut limits } else { &mut requests };
        list.push(format!("{name}: {}/{}", quantity(&used.entry(name)), quantity(&bound)));
    }
    vec![quota.name().into(), requests.join(", ").into(), limits.join(", ").into(), cells::age(quota, now)]
}
