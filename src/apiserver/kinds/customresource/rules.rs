//! Rules of schemas (x-kubernetes-validations): how they are written, whether they compile, and what they may cost.

use super::super::super::custom::rules::{Compiler, resolve};
use super::super::super::custom::schema::Schema;
use super::super::field::{Errors, Field};
use super::super::internal;
use crate::api::{ObjectExt, Value};

/// The most that one expression may be estimated to cost.
const MOST: u64 = 10_000_000;
/// The most that all of a schema may.
const MOST_TOGETHER: u64 = 100_000_000;
/// How many of the most expensive are named.
const NAMED: usize = 4;

/// Where a schema is, as far as it matters to its rules.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    /// How many values of it there can be; none when nothing bounds that.
    most: Option<u64>,
    /// The list around it whose items cannot be found again after a change.
    loses_old: Option<&'a str>,
}

impl Default for Scope<'_> {
    fn default() -> Self {
        Self { most: Some(1), loses_old: None }
    }
}

impl<'a> Scope<'a> {
    /// The scope of what is below a schema.
    pub fn below(self, schema: &Value) -> Self {
        let bound = |key: &str| schema.get(key).and_then(Value::as_i64).map(|most| u64::try_from(most).unwrap_or(0));
        let factor = match schema.text(&["type"]) {
            "object" if schema.get("additionalProperties").is_some() => bound("maxProperties"),
            "array" => bound("maxItems"),
            _ => Some(1),
        };
        Self { most: self.most.zip(factor).map(|(most, factor)| most.saturating_mul(factor)), ..self }
    }

    /// The scope of the items of a list at `path` that have no keys.
    pub fn without_old(self, path: &'a str) -> Self {
        Self { loses_old: self.loses_old.or(Some(path)), ..self }
    }
}

/// What all rules of a definition may cost.
#[derive(Default)]
pub(super) struct Costs {
    total: u64,
    expensive: Vec<(u64, String)>,
}

impl Costs {
    fn add(&mut self, path: String, cost: u64) {
        self.total = self.total.saturating_add(cost);
        if cost >= MOST_TOGETHER / 100 {
            self.expensive.push((cost, path));
            self.expensive.sort_by_key(|(cost, _)| std::cmp::Reverse(*cost));
            self.expensive.truncate(NAMED);
        }
    }

    /// Complains when all together are too expensive.
    pub fn sum_up(&self, schema: &Field, errors: &mut Errors) {
        if self.total <= MOST_TOGETHER {
            return;
        }
        for (_, path) in &self.expensive {
            let why = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
            errors.forbidden(path, why);
        }
        let what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
        errors.forbidden(schema, &too_expensive(what, self.total, MOST_TOGETHER));
    }
}

fn too_expensive(what: &str, cost: u64, most: u64) -> String {
    let factor = cost as f64 / most as f64;
    let factor = match factor {
        _ if factor > 100.0 => "more than 100x".to_owned(),
        _ if factor < 1.5 => format!("{factor:.6}x"),
        _ => format!("{factor:.1}x"),
    };
    format!(
        "{what} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, and \
         maxLength where arrays, maps, and strings are declared)"
    )
}

/// Complains about how rules are written.
pub(super) fn written(schema: &Field, errors: &mut Errors) {
    let rules = schema.get("x-kubernetes-validations");
    let breaks = |text: &str| text.contains(['\n', '\r']);
    for rule in rules.items() {
        let [text, message, expression, reason, path] =
            ["rule", "message", "messageExpression", "reason", "fieldPath"].map(|name| rule.get(name));
        let trimmed = message.text().trim();
        if text.text().trim().is_empty() {
            errors.required(text, "rule is not specified");
        } else if !message.is_empty() && trimmed.is_empty() {
            errors.reject(&message, "must be non-empty if specified");
        } else if breaks(trimmed) {
            errors.reject(&message, "must not contain line breaks");
        } else if breaks(text.text().trim()) && trimmed.is_empty() {
            errors.required(message, "message must be specified if rule contains line breaks");
        }
        if !expression.is_empty() && expression.text().trim().is_empty() {
            errors.required(expression, "messageExpression must be non-empty if specified");
        }
        if reason.is_set() {
            let reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
            errors.one_of(&reason, &reasons);
        }
        if !path.is_empty() && path.text().trim().is_empty() {
            errors.reject(&path, "must be non-empty if specified");
        }
        if breaks(path.text()) {
            errors.reject(&path, "must not contain line breaks");
        }
        if !path.is_empty() && resolve(path.text(), &Schema::compile(schema.value()), true).is_err() {
            errors.reject(&path, "must be a valid path");
        }
    }
}

/// Compiles the rules of a schema, and complains about what does not compile or may cost too much.
pub(super) fn compiled(schema: &Field, whole: bool, scope: &Scope, errors: &mut Errors, costs: &mut Costs) {
    let rules = schema.get("x-kubernetes-validations");
    if rules.count() == 0 {
        return;
    }
    let Some(compiler) = Compiler::new(&Schema::compile(schema.value()), whole) else {
        let why = "Internal error: internal error: failed to construct type information for x-kubernetes-validations \
                   rules: unable to convert structural schema to CEL declarations";
        return errors.push("InternalError", rules, why.into());
    };
    let times = scope.most.unwrap_or_else(|| compiler.most());
    for rule in rules.items() {
        let (_, report) = compiler.compile(rule.value());
        let [text, expression, old] = ["rule", "messageExpression", "optionalOldSelf"].map(|name| rule.get(name));
        let cost = report.cost.saturating_mul(times);
        if cost > MOST {
            errors.forbidden(text, &too_expensive("estimated rule cost", cost, MOST));
        }
        costs.add(text.to_string(), cost);
        for (name, why) in &report.complaints {
            errors.invalid_as(rule.get(name), &internal::print("ValidationRule", rule.value()), why);
        }
        if let Some(cost) = report.message_cost {
            if cost > MOST {
                errors.forbidden(expression, &too_expensive("estimated messageExpression cost", cost, MOST));
            }
            costs.add(expression.to_string(), cost);
        }
        match scope.loses_old {
            Some(path) if report.uses_old => {
                let why = format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {path}");
                errors.reject(&text, &why);
            }
            _ if !report.uses_old && old.is_set() => {
                errors.reject(&old, "may not be set if oldSelf is not used in rule");
            }
            _ => {}
        }
    }
}
