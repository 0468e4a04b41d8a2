//! What is wrong with where a pod may run: node selectors, affinity, tolerations, spreading.

use super::super::field::{Errors, Field, quoted};
use super::super::labels::{validate_labels, validate_selector};
use super::super::node::taint_effect;
use crate::api::names;

/// Complains about the affinity of a pod.
pub(super) fn affinity(affinity: &Field, errors: &mut Errors) {
    let node = affinity.get("nodeAffinity");
    let required = node.get("requiredDuringSchedulingIgnoredDuringExecution");
    if required.is_set() {
        node_selector(&required, errors);
    }
    for term in node.get("preferredDuringSchedulingIgnoredDuringExecution").items() {
        weight(&term, errors);
        node_selector_term(&term.get("preference"), false, errors);
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let pods = affinity.get(kind);
        for term in pods.get("requiredDuringSchedulingIgnoredDuringExecution").items() {
            pod_affinity_term(&term, errors);
        }
        for term in pods.get("preferredDuringSchedulingIgnoredDuringExecution").items() {
            weight(&term, errors);
            pod_affinity_term(&term.get("podAffinityTerm"), errors);
        }
    }
}

fn weight(term: &Field, errors: &mut Errors) {
    let weight = term.get("weight");
    if !(1..=100).contains(&weight.number()) {
        errors.invalid(weight, &weight.number().into(), "must be in the range 1-100");
    }
}

/// Complains about a node selector, which has terms; volumes and devices have some, too.
pub(in super::super) fn node_selector(selector: &Field, errors: &mut Errors) {
    let terms = selector.get("nodeSelectorTerms");
    if terms.count() == 0 {
        errors.required(terms, "must have at least one node selector term");
    }
    for term in terms.items() {
        node_selector_term(&term, true, errors);
    }
}

fn node_selector_term(term: &Field, checks_values: bool, errors: &mut Errors) {
    for expression in term.get("matchExpressions").items() {
        let (operator, values) = (expression.get("operator"), expression.get("values"));
        match operator.text() {
            "In" | "NotIn" => {
                if values.is_empty() {
                    errors.required(values, "must be specified when `operator` is 'In' or 'NotIn'");
                }
            }
            "Exists" | "DoesNotExist" => {
                if !values.is_empty() {
                    let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                    errors.forbidden(values, detail);
                }
            }
            "Gt" | "Lt" => {
                if values.count() != 1 {
                    errors.required(values, "must be specified single value when `operator` is 'Lt' or 'Gt'");
                }
            }
            text => errors.invalid_as(operator, &quoted(text), "not a valid selector operator"),
        }
        errors.name(&expression.get("key"), names::qualified_name);
        for value in values.items().filter(|_| checks_values) {
            errors.name(&value, names::label_value);
        }
    }
    for expression in term.get("matchFields").items() {
        let (key, operator, values) = (expression.get("key"), expression.get("operator"), expression.get("values"));
        if !["In", "NotIn"].contains(&operator.text()) {
            errors.invalid_as(operator, &quoted(operator.text()), "not a valid selector operator");
        } else if values.count() != 1 {
            let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
            errors.required(values, detail);
        }
        if key.text() != "metadata.name" {
            errors.invalid_as(key, &quoted(key.text()), "not a valid field selector key");
        } else {
            values.items().for_each(|value| errors.name(&value, names::dns1123_subdomain));
        }
    }
}

fn pod_affinity_term(term: &Field, errors: &mut Errors) {
    validate_selector(&term.get("labelSelector"), errors);
    validate_selector(&term.get("namespaceSelector"), errors);
    let place = term.get("namespace");
    for namespace in term.get("namespaces").items() {
        errors.name(&place.with(namespace.value()), names::dns1123_label);
    }
    label_keys(term, errors);
    let key = term.get("topologyKey");
    if key.is_empty() {
        errors.required(key, "can not be empty");
    }
    errors.name(&key, names::qualified_name);
}

/// Complains about keys of labels whose values the pod itself adds to a selector.
fn label_keys(term: &Field, errors: &mut Errors) {
    let selector = term.get("labelSelector");
    let (matching, mismatching) = (term.get("matchLabelKeys"), term.get("mismatchLabelKeys"));
    for keys in [&matching, &mismatching].into_iter().filter(|keys| keys.count() > 0) {
        if selector.is_set() {
            keys.items().for_each(|key| errors.name(&key, names::qualified_name));
        } else {
            errors.forbidden(keys, "must not be specified when labelSelector is not set");
        }
    }
    // The merged keys come last in the selector, so a key that is there twice was there before.
    let mut seen: Vec<&str> = selector.get("matchLabels").entries().map(|(key, _)| key).collect();
    for expression in selector.get("matchExpressions").items() {
        let key = expression.get("key").text();
        if let Some(index) = matching.items().position(|own| own.text() == key).filter(|_| seen.contains(&key)) {
            errors.invalid_as(term.item(index), &quoted(key), "exists in both matchLabelKeys and labelSelector");
        }
        seen.push(key);
    }
    for key in matching.items().filter(|key| mismatching.items().any(|other| other.text() == key.text())) {
        errors.reject(&key, "exists in both matchLabelKeys and mismatchLabelKeys");
    }
}

/// Complains about tolerations.
pub(in super::super) fn tolerations(list: &Field, errors: &mut Errors) {
    for toleration in list.items() {
        let (key, operator, value) = (toleration.get("key"), toleration.get("operator"), toleration.get("value"));
        let (effect, seconds) = (toleration.get("effect"), toleration.get("tolerationSeconds"));
        if !key.is_empty() {
            errors.name(&key, names::qualified_name);
        } else if operator.text() != "Exists" {
            let detail = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            errors.invalid_as(operator, &quoted(operator.text()), detail);
        }
        if seconds.is_set() && effect.text() != "NoExecute" {
            let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            errors.invalid_as(effect, &quoted(effect.text()), detail);
        }
        match operator.text() {
            "" | "Equal" => {
                let complaints = names::label_value(value.text());
                if !complaints.is_empty() {
                    errors.invalid(operator, value.value(), &complaints.join(";"));
                }
            }
            "Exists" => {
                if !value.is_empty() {
                    errors.invalid(operator, value.value(), "value must be empty when `operator` is 'Exists'");
                }
            }
            "Lt" | "Gt" => errors.unsupported(operator, &quoted(operator.text()), &["Equal", "Exists", "Lt", "Gt"]),
            _ => errors.one_of(&operator, &["Equal", "Exists"]),
        }
        if !effect.is_empty() {
            taint_effect(&effect, errors);
        }
    }
}

/// Complains about how pods are spread over topologies.
pub(super) fn topology_spread(list: &Field, errors: &mut Errors) {
    for (index, constraint) in list.items().enumerate() {
        let (skew, key) = (constraint.get("maxSkew"), constraint.get("topologyKey"));
        let (action, domains) = (constraint.get("whenUnsatisfiable"), constraint.get("minDomains"));
        if skew.number() <= 0 {
            errors.invalid(skew, &skew.number().into(), "must be greater than zero");
        }
        if key.is_empty() {
            errors.required(key, "can not be empty");
        }
        errors.one_of(&action, &["DoNotSchedule", "ScheduleAnyway"]);
        let same = |other: &Field| {
            ["topologyKey", "whenUnsatisfiable"]
                .iter()
                .all(|part| other.get(part).text() == constraint.get(part).text())
        };
        if list.items().skip(index + 1).any(|other| same(&other)) {
            let pair = format!("{{{}, {}}}", key.text(), action.text());
            errors.duplicate(constraint.get("{topologyKey, whenUnsatisfiable}"), &pair.into());
        }
        if domains.is_set() {
            if domains.number() <= 0 {
                errors.reject(&domains, "must be greater than zero");
            }
            if action.text() != "DoNotSchedule" {
                let action = action.text();
                let detail = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
                errors.reject(&domains, &detail);
            }
        }
        for policy in ["nodeAffinityPolicy", "nodeTaintsPolicy"].map(|name| constraint.get(name)) {
            if policy.is_set() {
                errors.one_of(&policy, &["Honor", "Ignore"]);
            }
        }
        label_keys(&constraint, errors);
        validate_selector(&constraint.get("labelSelector"), errors);
    }
}

/// Complains about a map of labels that a node must have.
pub(super) fn node_labels(labels: &Field, errors: &mut Errors) {
    validate_labels(labels, errors);
}
