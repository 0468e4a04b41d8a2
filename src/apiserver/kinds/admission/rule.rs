//! What admission is about: operations on resources.

use super::super::super::expressions::{Gives, Names};
use super::super::field::{Errors, Field, quoted};
use super::super::labels::validate_selector;
use crate::api::names;
use crate::expr::cel::Program;
use crate::expr::cel::WORDS;
use std::collections::HashSet;

/// Complains about a rule with operations.
pub(super) fn rule(rule: &Field, errors: &mut Errors) {
    let [operations, groups, versions, resources] =
        ["operations", "apiGroups", "apiVersions", "resources"].map(|name| rule.get(name));
    errors.need(&operations);
    lonely(&operations, "operations", errors);
    for operation in operations.items() {
        errors.one_of(&operation, &["*", "CONNECT", "CREATE", "DELETE", "UPDATE"]);
    }
    errors.need(&groups);
    lonely(&groups, "API groups", errors);
    errors.need(&versions);
    lonely(&versions, "API versions", errors);
    for version in versions.items() {
        errors.need(&version);
    }
    self::resources(&resources, errors);
    if rule.get("scope").is_set() {
        errors.one_of(&rule.get("scope"), &["*", "Cluster", "Namespaced"]);
    }
}

fn lonely(list: &Field, others: &str, errors: &mut Errors) {
    if list.count() > 1 && list.items().any(|item| item.text() == "*") {
        errors.reject(list, &format!("if '*' is present, must not specify other {others}"));
    }
}

fn resources(resources: &Field, errors: &mut Errors) {
    errors.need(resources);
    let (mut all_below, mut below_all): (HashSet<&str>, HashSet<&str>) = Default::default();
    let mut whole = false;
    for item in resources.items() {
        let text = item.text();
        if text.is_empty() {
            errors.required(item, "");
            continue;
        }
        let Some((resource, part)) = text.split_once('/') else {
            whole = text != "*";
            continue;
        };
        for (covered, by) in
            [(all_below.contains(resource), format!("{resource}/*")), (below_all.contains(part), format!("*/{part}"))]
        {
            if covered {
                errors.reject(&item, &format!("if '{by}' is present, must not specify {text}"));
            }
        }
        if part == "*" {
            all_below.insert(resource);
        }
        if resource == "*" {
            below_all.insert(part);
        }
    }
    let has = |text: &str| resources.items().any(|item| item.text() == text);
    if resources.count() > 1 && has("*/*") {
        errors.reject(resources, "if '*/*' is present, must not specify other resources");
    }
    if has("*") && whole {
        errors.reject(resources, "if '*' is present, must not specify other resources without subresources");
    }
}

/// Complains about what a policy matches.
pub(super) fn match_resources(matched: &Field, errors: &mut Errors) {
    let policy = matched.get("matchPolicy");
    if policy.is_set() {
        errors.one_of(&policy, &["Equivalent", "Exact"]);
    } else {
        errors.required(policy, "");
    }
    for selector in [matched.get("namespaceSelector"), matched.get("objectSelector")] {
        if selector.is_set() {
            validate_selector(&selector, errors);
        } else {
            errors.required(selector, "");
        }
    }
    for list in [matched.get("resourceRules"), matched.get("excludeResourceRules")] {
        for rule in list.items() {
            let names = rule.get("resourceNames");
            for (index, name) in names.items().enumerate() {
                errors.name(&name, |name| names::path_segment(name, false));
                if (0..index).any(|before| names.item(before).value() == name.value()) {
                    errors.duplicate(name, name.value());
                }
            }
            self::rule(&rule, errors);
        }
    }
}

/// Complains about conditions for a match, each an expression with a name.
pub(super) fn match_conditions(conditions: &Field, params: bool, errors: &mut Errors) {
    let known = Names { params, authorizer: true, ..Names::default() };
    errors.at_most_items(conditions, 64);
    for (index, condition) in conditions.items().enumerate() {
        let (expression, name) = (condition.get("expression"), condition.get("name"));
        match expression.text().trim() {
            "" => errors.required(expression, ""),
            text => compiled(&expression, text, &known.compile(text, Gives::Bool), errors),
        }
        errors.need_name(&name, names::qualified_name);
        if !name.is_empty() && (0..index).any(|before| conditions.item(before).get("name").text() == name.text()) {
            errors.duplicate(name, name.value());
        }
    }
}

/// Complains about an expression that does not compile.
pub(super) fn compiled(field: &Field, text: &str, program: &Result<Program, String>, errors: &mut Errors) {
    if let Err(why) = program {
        errors.invalid_as(field, &quoted(text), why);
    }
}

/// Complains about a name that expressions could not use.
pub(super) fn variable_name(name: &Field, errors: &mut Errors) {
    let text = name.text();
    if text.trim().is_empty() {
        return errors.required(name, "name is not specified");
    }
    let letters = text.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric());
    if !letters || text.starts_with(|c: char| c.is_ascii_digit()) || WORDS.contains(&text) {
        errors.invalid_as(name, &quoted(text), "must be a valid CEL identifier");
    }
}
