//! Policies of admission, and what they are bound to.

use super::super::super::expressions::{Gives, Names};
use super::super::cells::age;
use super::super::conditions::conditions;
use super::super::field::{Errors, Field, quoted};
use super::super::fill::fill;
use super::super::labels::validate_selector;
use super::super::{GENERIC, Kind, internal, keep_all_but_the_status_itself};
use super::{GROUP, rule};
use crate::api::{Object, ObjectExt, Value, names};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

fn matched() -> Json {
    let rules = json!([{"scope*": "*"}]);
    json!({
        "matchPolicy*": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "resourceRules": rules,
        "excludeResourceRules": rules,
    })
}

pub(in super::super) const VALIDATING_POLICIES: Kind = Kind {
    group: GROUP,
    resource: "validatingadmissionpolicies",
    default: |policy| {
        fill(policy, &json!({"spec": {"failurePolicy*": "Fail", "matchConstraints?": matched()}, "status": {}}));
    },
    has_generation: true,
    prepare_for_create: |policy| policy.put(&["status"], json!({})),
    prepare_for_status_update: keep_all_but_the_status_itself,
    validate: validating,
    validate_update: |new, _, errors| validating(new, errors),
    validate_status_update: |new, _, errors| {
        let root = Field::new("", new);
        let status = root.get("status");
        for warning in status.get("typeChecking.expressionWarnings").items() {
            errors.need(&warning.get("warning"));
            errors.need(&warning.get("fieldRef"));
        }
        conditions(&status.get("conditions"), errors);
    },
    cells: |policy, now| {
        let count = policy.items_at(&["spec", "validations"]).len();
        vec![policy.name().into(), count.into(), param_kind_cell(policy), age(policy, now)]
    },
    ..GENERIC
};

pub(in super::super) const MUTATING_POLICIES: Kind = Kind {
    group: GROUP,
    resource: "mutatingadmissionpolicies",
    default: |policy| {
        let spec = json!({"failurePolicy*": "Fail", "matchConstraints?": matched()});
        fill(policy, &json!({"spec": spec}));
    },
    has_generation: true,
    validate: mutating,
    validate_update: |new, _, errors| mutating(new, errors),
    cells: |policy, now| {
        let count = policy.items_at(&["spec", "mutations"]).len();
        vec![policy.name().into(), count.into(), param_kind_cell(policy), age(policy, now)]
    },
    ..GENERIC
};

pub(in super::super) const VALIDATING_BINDINGS: Kind = Kind {
    group: GROUP,
    resource: "validatingadmissionpolicybindings",
    default: |binding| fill(binding, &json!({"spec": {"matchResources?": matched()}})),
    has_generation: true,
    validate: validating_binding,
    validate_update: |new, _, errors| validating_binding(new, errors),
    cells: binding_row,
    ..GENERIC
};

pub(in super::super) const MUTATING_BINDINGS: Kind = Kind {
    group: GROUP,
    resource: "mutatingadmissionpolicybindings",
    default: |binding| fill(binding, &json!({"spec": {"matchResources?": matched()}})),
    has_generation: true,
    validate: binding,
    validate_update: |new, _, errors| binding(new, errors),
    cells: binding_row,
    ..GENERIC
};

fn param_kind_cell(policy: &Object) -> Value {
    let text = |name: &str| policy.text(&["spec", "paramKind", name]);
    let kind = policy.at(&["spec", "paramKind"]).map(|_| format!("{}/{}", text("apiVersion"), text("kind")));
    kind.unwrap_or_else(|| "<unset>".into()).into()
}

fn binding_row(binding: &Object, now: i64) -> Vec<Value> {
    let policy = binding.text(&["spec", "policyName"]);
    vec![binding.name().into(), policy.into(), parameter(binding).into(), age(binding, now)]
}

/// What is the same in both kinds of policies; gives what their other expressions may speak of.
fn common<'v, 'p>(spec: &Field<'v, 'p>, errors: &mut Errors) -> Names {
    let [failure, kind, matched] = ["failurePolicy", "paramKind", "matchConstraints"].map(|name| spec.get(name));
    if failure.is_set() {
        errors.one_of(&failure, &["Fail", "Ignore"]);
    } else {
        errors.required(failure, "");
    }
    if kind.is_set() {
        param_kind(&kind, errors);
    }
    if matched.is_set() {
        rule::match_resources(&matched, errors);
        errors.need(&matched.get("resourceRules"));
    } else {
        errors.required(matched, "");
    }
    rule::match_conditions(&spec.get("matchConditions"), kind.is_set(), errors);
    let mut known =
        Names { params: kind.is_set(), authorizer: true, variables: Some(BTreeMap::new()), ..Names::default() };
    for variable in spec.get("variables").items() {
        rule::variable_name(&variable.get("name"), errors);
        let text = variable.get("expression");
        if expression(&text, errors) {
            let program = known.compile_variable(variable.get("name").text(), text.text());
            rule::compiled(&text, text.text(), &program, errors);
        }
    }
    known
}

/// Complains about an expression that is missing; says whether it is there.
fn expression(expression: &Field, errors: &mut Errors) -> bool {
    let is_there = !expression.text().trim().is_empty();
    if !is_there {
        errors.required(expression, "expression is not specified");
    }
    is_there
}

fn param_kind(param: &Field, errors: &mut Errors) {
    let (version, kind) = (param.get("apiVersion"), param.get("kind"));
    let text = version.text();
    if text.is_empty() {
        errors.required(version, "");
    } else if text.matches('/').count() > 1 {
        errors.reject(&version, &format!("unexpected GroupVersion string: {text}"));
    } else {
        let (group, number) = text.split_once('/').unwrap_or(("", text));
        let complaints = names::dns1123_subdomain(group);
        if !group.is_empty() && !complaints.is_empty() {
            errors.invalid_as(version, &quoted(group), &complaints.join(","));
        }
        let complaints = names::dns1035_label(number);
        if number.is_empty() {
            errors.reject(&version, "version must be specified");
        } else if !complaints.is_empty() {
            errors.invalid_as(version, &quoted(number), &complaints.join(","));
        }
    }
    let complaints = names::dns1035_label(&kind.text().to_lowercase());
    if kind.is_empty() {
        errors.required(kind, "");
    } else if !complaints.is_empty() {
        let complaint = format!("may have mixed case, but should otherwise match: {}", complaints.join(","));
        errors.reject(&kind, &complaint);
    }
}

fn validating(policy: &Object, errors: &mut Errors) {
    let root = Field::new("", policy);
    let spec = root.get("spec");
    let (validations, notes) = (spec.get("validations"), spec.get("auditAnnotations"));
    let known = common(&spec, errors);
    if validations.is_empty() && notes.is_empty() {
        let complaint = "validations or auditAnnotations must contain at least one item";
        errors.required(validations, complaint);
        errors.required(notes, complaint);
    }
    validations.items().for_each(|validation| self::validation(&validation, &known, errors));
    const MOST: usize = 20;
    if notes.count() > MOST {
        let shown = internal::print("[]AuditAnnotation", notes.value());
        errors.invalid_as(notes, &shown, &format!("must not have more than {MOST} auditAnnotations"));
    }
    for (index, note) in notes.items().enumerate() {
        audit_annotation(&note, policy.name(), &known, errors);
        let key = note.get("key");
        if (0..index).any(|before| notes.item(before).get("key").text() == key.text()) {
            errors.duplicate(key, key.value());
        }
    }
}

fn validation(validation: &Field, known: &Names, errors: &mut Errors) {
    let [message, message_expression, reason] =
        ["message", "messageExpression", "reason"].map(|name| validation.get(name));
    let text = validation.get("expression");
    if expression(&text, errors) {
        rule::compiled(&text, text.text(), &known.compile(text.text(), Gives::Bool), errors);
    }
    match message_expression.text() {
        "" => {}
        text if text.trim().is_empty() => errors.reject(&message_expression, "must be non-empty if specified"),
        text => {
            let known = Names { authorizer: false, ..known.clone() };
            rule::compiled(&message_expression, text, &known.compile(text, Gives::Text), errors);
        }
    }
    if !message.is_empty() && message.text().trim().is_empty() {
        errors.reject(&message, "message must be non-empty if specified");
    } else if message.text().trim().contains(['\n', '\r']) {
        errors.reject(&message, "message must not contain line breaks");
    }
    if reason.is_set() && reason.text() != "Unauthorized" {
        // There is one more, which nobody is told of.
        errors.one_of(&reason, &["Forbidden", "Invalid", "RequestEntityTooLarge"]);
    }
}

fn audit_annotation(note: &Field, policy: &str, known: &Names, errors: &mut Errors) {
    const LONGEST: usize = 5 * 1024;
    let (key, value) = (note.get("key"), note.get("valueExpression"));
    if policy.is_empty() {
        errors.reject(&key, "requires metadata.name be non-empty");
    } else {
        let full = format!("{policy}/{}", key.text());
        for complaint in names::qualified_name(&full) {
            errors.invalid_as(key, &quoted(&full), &complaint);
        }
    }
    match value.text().trim().len() {
        0 => errors.required(value, "valueExpression is not specified"),
        length if length > LONGEST => errors.required(value, &format!("must not exceed {LONGEST} bytes in length")),
        _ => {
            let program = known.compile(value.text().trim(), Gives::TextOrNull);
            rule::compiled(&value, value.text(), &program, errors);
        }
    }
}

fn mutating(policy: &Object, errors: &mut Errors) {
    let root = Field::new("", policy);
    let spec = root.get("spec");
    let (mutations, again) = (spec.get("mutations"), spec.get("reinvocationPolicy"));
    let known = Names { patches: true, ..common(&spec, errors) };
    // Nothing is left to change of what goes away.
    let rules = spec.get("matchConstraints.resourceRules");
    let place = rules.get("operations");
    for rule in rules.items() {
        for operation in rule.get("operations").items() {
            errors.one_of(&place.with(operation.value()), &["*", "CONNECT", "CREATE", "UPDATE"]);
        }
    }
    if mutations.is_empty() {
        errors.required(mutations, "mutations must contain at least one item");
    }
    for mutation in mutations.items() {
        let [kind, apply, patch] = ["patchType", "applyConfiguration", "jsonPatch"].map(|name| mutation.get(name));
        let (own, other, gives) = match kind.text() {
            "ApplyConfiguration" => (apply, patch, Gives::Object),
            "JSONPatch" => (patch, apply, Gives::Patches),
            "" => {
                errors.required(kind, "");
                continue;
            }
            _ => {
                errors.one_of(&kind, &["ApplyConfiguration", "JSONPatch"]);
                continue;
            }
        };
        let text = own.get("expression");
        if own.is_set() {
            if text.text().trim().is_empty() {
                errors.required(text, "");
            } else {
                rule::compiled(&text, text.text(), &known.compile(text.text(), gives), errors);
            }
        } else {
            errors.required(own, &format!("must be specified when patchType is {}", kind.text()));
        }
        if other.is_set() {
            let name = other.to_string();
            let shown = format!("{{{}}}", name.rsplit('.').next().unwrap_or(""));
            let detail = format!("must not be specified when patchType is {}", kind.text());
            errors.invalid_as(other, &quoted(&shown), &detail);
        }
    }
    errors.need_one_of(&again, &["IfNeeded", "Never"]);
}

/// What is the same in both kinds of bindings.
fn binding(binding: &Object, errors: &mut Errors) {
    let root = Field::new("", binding);
    let spec = root.get("spec");
    let (parameter, matched) = (spec.get("paramRef"), spec.get("matchResources"));
    errors.need_name(&spec.get("policyName"), names::dns1123_subdomain);
    if parameter.is_set() {
        param_ref(&parameter, errors);
    }
    if matched.is_set() {
        rule::match_resources(&matched, errors);
    }
}

fn param_ref(parameter: &Field, errors: &mut Errors) {
    let [name, selector, action] = ["name", "selector", "parameterNotFoundAction"].map(|name| parameter.get(name));
    let both = !name.is_empty() && selector.is_set();
    if !name.is_empty() {
        errors.name(&name, |name| names::path_segment(name, false));
    }
    if both {
        errors.forbidden(name, "name and selector are mutually exclusive");
    }
    if selector.is_set() {
        validate_selector(&selector, errors);
    }
    if both {
        errors.forbidden(selector, "name and selector are mutually exclusive");
    }
    if name.is_empty() && !selector.is_set() {
        errors.required(parameter, "one of name or selector must be specified");
    }
    errors.need_one_of(&action, &["Deny", "Allow"]);
}

fn validating_binding(object: &Object, errors: &mut Errors) {
    binding(object, errors);
    let root = Field::new("", object);
    let actions = root.get("spec.validationActions");
    for (index, action) in actions.items().enumerate() {
        errors.one_of(&action, &["Audit", "Deny", "Warn"]);
        if (0..index).any(|before| actions.item(before).text() == action.text()) {
            errors.duplicate(action, action.value());
        }
    }
    if ["Deny", "Warn"].iter().all(|word| actions.items().any(|action| action.text() == *word)) {
        let complaint = "must not contain both Deny and Warn (repeating the same validation failure information in \
                         the API response and headers serves no purpose)";
        errors.reject(&actions, complaint);
    }
    if actions.is_empty() {
        errors.required(actions, "at least one validation action is required");
    }
}

/// What a binding's table row says of its parameter.
fn parameter(binding: &Object) -> String {
    let Some(parameter) = binding.at(&["spec", "paramRef"]) else { return "<unset>".into() };
    match (parameter.text(&["name"]), parameter.text(&["namespace"])) {
        ("", _) => parameter.get("selector").map_or_else(|| "<unset>".into(), go_selector),
        (name, "") => format!("*/{name}"),
        (name, namespace) => format!("{namespace}/{name}"),
    }
}

/// A label selector as Go's generated `String` writes it.
fn go_selector(selector: &Value) -> String {
    let labels = selector.map_at(&["matchLabels"]).into_iter().flatten();
    let labels: String = labels.map(|(key, value)| format!("{key}: {},", value.as_str().unwrap_or(""))).collect();
    let expressions: String = selector
        .items_at(&["matchExpressions"])
        .iter()
        .map(|expression| {
            let values: Vec<&str> = expression.items_at(&["values"]).iter().filter_map(Value::as_str).collect();
            let (key, operator) = (expression.text(&["key"]), expression.text(&["operator"]));
            format!("{{{key} {operator} [{}]}},", values.join(" "))
        })
        .collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_policies() {
        let rule = json!({"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["a"]});
        let mut policy = json!({"metadata": {"name": "p"}, "spec": {
        "matchConstraints": {"resourceRules": [rule]},
        "paramKind": {"apiVersion": "a/b/c", "kind": "K!"},
        "variables": [{"name": "in", "expression": "1"}, {"name": "a", "expression": "x"}],
        "validations": [
            {"message": "a\nb", "reason": "No"},
            {"expression": "variables.a == params", "messageExpression": "authorizer"},
            {"expression": "object.spec", "messageExpression": "1"},
        ]}});
        (VALIDATING_POLICIES.default)(&mut policy);
        let mut errors = Errors::default();
        validating(&policy, &mut errors);
        let fields: Vec<_> = errors.causes.iter().map(|cause| cause.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "spec.paramKind.apiVersion",
                "spec.paramKind.kind",
                "spec.variables[0].name",
                "spec.variables[1].expression",
                "spec.validations[0].expression",
                "spec.validations[0].message",
                "spec.validations[0].reason",
                "spec.validations[1].messageExpression",
                "spec.validations[2].expression",
                "spec.validations[2].messageExpression",
            ]
        );
    }

    #[test]
    fn parameters_of_bindings() {
        for (parameter, shown) in [
            (json!({"name": "n"}), "*/n"),
            (json!({"name": "n", "namespace": "ns"}), "ns/n"),
            (
                json!({"selector": {"matchLabels": {"a": "b"}}}),
                "&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},}",
            ),
        ] {
            assert_eq!(super::parameter(&json!({"spec": {"paramRef": parameter}})), shown);
        }
    }
}
