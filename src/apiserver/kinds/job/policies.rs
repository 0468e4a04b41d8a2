//! When a Job fails, succeeds, or gets new pods.

use super::super::field::{Errors, Field, quoted};
use super::super::internal;
use super::indexes;
use crate::api::names;

const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];

/// Complains about `podFailurePolicy`.
pub(super) fn failure(spec: &Field, errors: &mut Errors) {
    let policy = spec.get("podFailurePolicy");
    let rules = policy.get("rules");
    errors.at_most_items(&rules, 20);
    let pod = spec.get("template.spec");
    let lists = [pod.get("containers"), pod.get("initContainers")];
    let containers: Vec<&str> =
        lists.iter().flat_map(|list| list.items().map(|item| item.get("name").text()).collect::<Vec<_>>()).collect();
    for rule in rules.items() {
        let (action, codes, conditions) = (rule.get("action"), rule.get("onExitCodes"), rule.get("onPodConditions"));
        match action.text() {
            "FailIndex" => {
                if !spec.get("backoffLimitPerIndex").is_set() {
                    errors.reject(&action, "requires the backoffLimitPerIndex to be set");
                }
            }
            _ => need_listed(&action, &ACTIONS, errors),
        }
        if codes.is_set() {
            exit_codes(&codes, &containers, errors);
        }
        pod_conditions(&conditions, errors);
        match (codes.is_set(), conditions.count() > 0) {
            (true, true) => errors.wrong(rule, "specifying both OnExitCodes and OnPodConditions is not supported"),
            (false, false) => errors.wrong(rule, "specifying one of OnExitCodes and OnPodConditions is required"),
            _ => {}
        }
    }
}

/// Complains about a missing text by naming those that there are, or about one that is none of them.
fn need_listed(field: &Field, supported: &[&str], errors: &mut Errors) {
    if field.is_empty() {
        let all: Vec<String> = supported.iter().map(|text| quoted(text)).collect();
        errors.required(field, &format!("valid values: [{}]", all.join(" ")));
    } else {
        errors.one_of(field, supported);
    }
}

fn pod_conditions(conditions: &Field, errors: &mut Errors) {
    errors.at_most_items(conditions, 20);
    for pattern in conditions.items() {
        errors.name(&pattern.get("type"), names::qualified_name);
        need_listed(&pattern.get("status"), &["False", "True", "Unknown"], errors);
    }
}

fn exit_codes(codes: &Field, containers: &[&str], errors: &mut Errors) {
    let (operator, container, values) = (codes.get("operator"), codes.get("containerName"), codes.get("values"));
    need_listed(&operator, &["In", "NotIn"], errors);
    if container.is_set() && !containers.contains(&container.text()) {
        errors.reject(&container, "must be one of the container or initContainer names in the pod template");
    }
    if values.count() == 0 {
        errors.reject(&values, "at least one value is required");
    }
    errors.at_most_items(&values, 255);
    let mut before: Vec<i64> = Vec::new();
    for value in values.items() {
        if operator.text() == "In" && value.number() == 0 {
            errors.reject(&value, "must not be 0 for the In operator");
        }
        if before.contains(&value.number()) {
            errors.duplicate(value, value.value());
        }
        before.push(value.number());
    }
    if !before.is_sorted() {
        errors.reject(&values, "must be ordered");
    }
}

/// Complains about `successPolicy`.
pub(super) fn success(spec: &Field, errors: &mut Errors) {
    let policy = spec.get("successPolicy");
    if !policy.is_set() {
        return;
    }
    if !super::is_indexed(spec) {
        let whole = internal::print("SuccessPolicy", policy.value());
        return errors.invalid_as(policy, &whole, "requires indexed completion mode");
    }
    let (rules, completions) = (policy.get("rules"), spec.get("completions").number());
    if rules.count() == 0 {
        errors.required(rules, "at least one rules must be specified when the successPolicy is specified");
    }
    errors.at_most_items(&rules, 20);
    for rule in rules.items() {
        let (count, succeeded) = (rule.get("succeededCount"), rule.get("succeededIndexes"));
        if !count.is_set() && !succeeded.is_set() {
            errors.required(rule, "at least one of succeededCount or succeededIndexes must be specified");
        }
        errors.at_most_bytes(&succeeded, 64 * 1024);
        let total = indexes::count(succeeded.text(), completions);
        if let Err(why) = &total {
            errors.reject(&succeeded, &format!("error parsing succeededIndexes: {why}"));
        }
        errors.non_negative(&count);
        if count.number() > completions {
            let complaint =
                format!("must be less than or equal to {completions} (the number of specified completions)");
            errors.reject(&count, &complaint);
        }
        let total = total.unwrap_or(0);
        if succeeded.is_set() && count.number() > total {
            errors.reject(
                &count,
                &format!(
                    "must be less than or equal to {total} (the number of indexes in the specified succeededIndexes \
                     field)"
                ),
            );
        }
    }
}

/// Complains about `podReplacementPolicy`.
pub(super) fn replacement(spec: &Field, errors: &mut Errors) {
    let policy = spec.get("podReplacementPolicy");
    let supported = ["Failed", "TerminatingOrFailed"];
    let supported = if spec.get("podFailurePolicy").is_set() { &supported[..1] } else { &supported };
    if policy.is_set() {
        errors.one_of(&policy, supported);
    }
}
