//! Evaluating the rules of an object's schema, and what is said of those that it breaks.

use super::Rule;
use crate::api::Value;
use crate::apiserver::custom::rule_types::value;
use crate::apiserver::custom::schema::Schema;
use crate::apiserver::custom::{blocks_rules, checks};
use crate::apiserver::kinds::field::{Errors, quoted};
use crate::expr::cel::{Failure, Program, Val, Variables};
use std::fmt::Write;

/// What all rules of an object may cost together.
const BUDGET: u64 = 10_000_000;
/// What one expression may cost.
const MOST: u64 = 1_000_000;
/// How long a message may be that an expression gives.
const LONGEST_MESSAGE: usize = 5 * 1024;

/// Complains about an object that breaks rules. Nothing is evaluated for an object that is wrong otherwise.
pub fn validate(object: &Value, old: Option<&Value>, schema: &Schema, errors: &mut Errors) {
    if !schema.has_rules {
        return;
    }
    if blocks_rules(errors) {
        let why = "null: some validation rules were not checked because the object was invalid; correct the existing \
                   errors to complete validation";
        return errors.wrong("<nil>", why);
    }
    let mut walk = Walk { path: String::new(), budget: BUDGET, errors, over: false };
    let same = old.is_some_and(|old| checks::unchanged(old, object, schema));
    walk.node(object, old, same, schema, true);
}

/// Complains about a default, which lies at `place` in the definition: as a value that stays as it is, and as a new one.
pub fn validate_default(default: &Value, schema: &Schema, place: &str, errors: &mut Errors) {
    for old in [Some(default), None] {
        if !errors.causes.is_empty() {
            return;
        }
        let mut walk = Walk { path: place.to_owned(), budget: BUDGET, errors, over: false };
        walk.node(default, old, false, schema, schema.embedded);
    }
}

struct Walk<'a> {
    path: String,
    budget: u64,
    errors: &'a mut Errors,
    over: bool,
}

impl Walk<'_> {
    fn shown(&self) -> &str {
        if self.path.is_empty() { "<nil>" } else { &self.path }
    }

    /// `same` says that the value, or the nearest part around it that can be compared, is what it was before.
    fn node(&mut self, new: &Value, old: Option<&Value>, same: bool, schema: &Schema, whole: bool) {
        if self.over || !schema.has_rules || new.is_null() {
            return;
        }
        self.rules(new, old, same, schema, whole);
        match new {
            Value::Array(list) => {
                let Some(items) = schema.items.as_deref() else { return };
                for (index, item) in list.iter().enumerate() {
                    let keyed = schema.list_type == "map";
                    let before = old.filter(|_| keyed).and_then(|old| checks::correlated(old, item, schema));
                    let same = before.map_or(same, |before| checks::unchanged(before, item, items));
                    self.at(format_args!("[{index}]"), |walk| walk.node(item, before, same, items, items.embedded));
                }
            }
            Value::Object(map) => {
                for (name, value) in map {
                    let Some(inner) = schema.field(name) else { continue };
                    let before = old.and_then(|old| old.get(name));
                    let same = before.map_or(same, |before| checks::unchanged(before, value, inner));
                    let dot = if self.path.is_empty() { "" } else { "." };
                    let work = |walk: &mut Self| walk.node(value, before, same, inner, inner.embedded);
                    match schema.properties.contains_key(name) {
                        true => self.at(format_args!("{dot}{name}"), work),
                        false => self.at(format_args!("[{name}]"), work),
                    }
                }
            }
            _ => {}
        }
    }

    fn rules(&mut self, new: &Value, old: Option<&Value>, same: bool, schema: &Schema, whole: bool) {
        if schema.rules.is_empty() {
            return;
        }
        let (given, kind) = (new, schema.kind.as_str());
        let old = old.filter(|old| !old.is_null()).map(|old| value(old, schema, whole));
        let new = value(new, schema, whole);
        for rule in &schema.rules {
            let program = match &rule.program {
                Ok(program) => program,
                Err(why) => {
                    self.unchecked(kind, &format!("rule compile error: {why}"));
                    continue;
                }
            };
            let transition = program.uses("oldSelf");
            let mut variables = Variables::default().with("self", new.clone());
            variables = match (rule.optional_old, &old) {
                (false, Some(old)) => variables.with("oldSelf", old.clone()),
                (false, None) if transition => continue,
                (false, None) => variables,
                (true, Some(old)) => variables.with("oldSelf", Val::some(old.clone())),
                (true, None) => variables.with("oldSelf", Val::NONE),
            };
            let result = match self.eval(program, &variables) {
                Some(result) => result,
                None => {
                    let why = "validation failed due to running out of cost budget, no further validation rules will \
                               be run";
                    self.unchecked(kind, why);
                    self.over = true;
                    return;
                }
            };
            match result {
                Ok(Val::Bool(true)) => {}
                Ok(_) => {
                    let message = match &rule.message_expression {
                        Some((text, program)) => match self.own_message(text, program, &variables) {
                            Ok(message) => message,
                            Err(why) => {
                                self.unchecked(kind, &why);
                                self.over = true;
                                return;
                            }
                        },
                        None => None,
                    };
                    let message = message.unwrap_or_else(|| rule.default_message());
                    let complaint = self.broken(rule, given, kind, &message);
                    // What was wrong before may stay as it is (KEP-4008).
                    if same && !transition {
                        let told = complaint.causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message));
                        self.errors.warnings.extend(told);
                    } else {
                        self.errors.causes.extend(complaint.causes);
                    }
                }
                Err(failure) => {
                    self.failed(rule, kind, &failure);
                    if failure == Failure::TooMuch {
                        self.over = true;
                        return;
                    }
                }
            }
        }
    }

    /// Evaluates an expression within what is left of the budget; none when that was not enough.
    fn eval(&mut self, program: &Program, variables: &Variables) -> Option<Result<Val, Failure>> {
        let mut left = MOST;
        let result = program.eval(variables, &mut left);
        self.budget = self.budget.checked_sub(MOST - left)?;
        Some(result)
    }

    /// The message that an expression gives, when it gives one that can be shown.
    fn own_message(&mut self, text: &str, program: &Program, variables: &Variables) -> Result<Option<String>, String> {
        match self.eval(program, variables) {
            None => {
                Err("messageExpression evaluation failed due to running out of cost budget, no further validation \
                         rules will be run"
                    .into())
            }
            Some(Err(Failure::TooMuch)) => Err(format!(
                "no further validation rules will be run due to call cost exceeds limit for messageExpression: {}",
                quoted(text)
            )),
            Some(Ok(Val::String(text))) => {
                let text = text.trim();
                let fits = !text.is_empty() && text.len() <= LONGEST_MESSAGE && !text.contains('\n');
                Ok(fits.then(|| text.to_owned()))
            }
            Some(_) => Ok(None),
        }
    }

    /// The complaint about a broken rule. Objects and lists are not printed.
    fn broken(&self, rule: &Rule, value: &Value, kind: &str, message: &str) -> Errors {
        let mut errors = Errors::default();
        let dot = if self.path.is_empty() { "" } else { "." };
        let path = match rule.field_path.as_str() {
            "" => self.shown().to_owned(),
            below => format!("{}{dot}{below}", self.path),
        };
        let prints = !["object", "array"].contains(&kind);
        match rule.reason.as_str() {
            "FieldValueForbidden" => errors.forbidden(path, message),
            "FieldValueRequired" => errors.required(path, message),
            "FieldValueDuplicate" if prints => errors.duplicate(path, value),
            "FieldValueDuplicate" => errors.push("FieldValueDuplicate", path, "Duplicate value".into()),
            _ if prints => errors.invalid(path, value, message),
            _ => errors.wrong(path, message),
        }
        errors
    }

    /// Complains that a rule cannot be checked; the value that is shown is the schema's type.
    fn unchecked(&mut self, kind: &str, why: &str) {
        let path = self.shown().to_owned();
        self.errors.invalid(path, &kind.into(), why);
    }

    fn failed(&mut self, rule: &Rule, kind: &str, failure: &Failure) {
        let (failure, name) = (failure.to_string(), rule.name());
        let why = if failure.starts_with("no such overload") {
            format!(
                "'{failure}': call arguments did not match a supported operator, function or macro signature for rule: \
                 {name}"
            )
        } else if failure.starts_with("operation cancelled") {
            format!(
                "'{failure}': no further validation rules will be run due to call cost exceeds limit for rule: {name}"
            )
        } else {
            format!("{failure} evaluating rule: {name}")
        };
        self.unchecked(kind, &why);
    }

    fn at(&mut self, step: std::fmt::Arguments, work: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        // Writing to a String cannot fail.
        let _ = self.path.write_fmt(step);
        work(self);
        self.path.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn broken(schema: Value, new: Value, old: Option<Value>) -> Vec<String> {
        let source = json!({"type": "object", "properties": {"x": schema}});
        let schema = Schema::compile_whole(&source);
        let (new, old) = (json!({"x": new}), old.map(|old| json!({"x": old})));
        let mut errors = Errors::default();
        validate(&new, old.as_ref(), &schema, &mut errors);
        errors.causes.into_iter().map(|c| format!("{} {}: {}", c.reason, c.field, c.message)).collect()
    }

    fn ruled(kind: Value, rule: Value) -> Value {
        let mut schema = kind;
        schema["x-kubernetes-validations"] = json!([rule]);
        schema
    }

    #[test]
    fn rules_are_checked() {
        let int = json!({"type": "integer"});
        let object = json!({"type": "object", "properties": {
            "a": {"type": "integer"}, "a-b": {"type": "string"}, "in": {"type": "string"},
            "at": {"type": "string", "format": "date-time"}, "span": {"type": "string", "format": "duration"},
            "port": {"x-kubernetes-int-or-string": true},
            "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        }});
        let none: Vec<String> = Vec::new();
        for (kind, rule, new, old, want) in [
            (&int, json!({"rule": "self > 1"}), json!(2), None, none.clone()),
            (
                &int,
                json!({"rule": "self > 1"}),
                json!(1),
                None,
                vec!["FieldValueInvalid x: Invalid value: 1: failed rule: self > 1".into()],
            ),
            (
                &int,
                json!({"rule": "self > 1", "message": " too small "}),
                json!(1),
                None,
                vec!["FieldValueInvalid x: Invalid value: 1: too small".into()],
            ),
            (
                &int,
                json!({"rule": "self > 1", "messageExpression": "'%d is too small'.format([self])", "reason": "FieldValueForbidden"}),
                json!(1),
                None,
                vec!["FieldValueForbidden x: Forbidden: 1 is too small".into()],
            ),
            // Transitions need something to come from.
            (&int, json!({"rule": "self >= oldSelf"}), json!(1), None, none.clone()),
            (&int, json!({"rule": "self >= oldSelf", "message": "no"}), json!(1), Some(json!(2)), vec!["FieldValueInvalid x: Invalid value: 1: no".into()]),
            (&int, json!({"rule": "oldSelf.hasValue() || self == 1", "optionalOldSelf": true}), json!(1), None, none.clone()),
            (
                &int,
                json!({"rule": "oldSelf.hasValue() || self == 1", "optionalOldSelf": true, "message": "no"}),
                json!(2),
                None,
                vec!["FieldValueInvalid x: Invalid value: 2: no".into()],
            ),
            // What was wrong before may stay.
            (&int, json!({"rule": "self > 1"}), json!(1), Some(json!(1)), none.clone()),
            (
                &object,
                json!({"rule": "self.a > 1", "fieldPath": ".a", "reason": "FieldValueRequired"}),
                json!({"a": 1}),
                None,
                vec!["FieldValueRequired x.a: Required value: failed rule: self.a > 1".into()],
            ),
            (&object, json!({"rule": "self.a__dash__b == 'x' && self.__in__ == 'y'"}), json!({"a-b": "x", "in": "y"}), None, none.clone()),
            (&object, json!({"rule": "self.at.getFullYear() == 2024 && self.span > duration('1m')"}), json!({"at": "2024-01-01T00:00:00Z", "span": "1h"}), None, none.clone()),
            (&object, json!({"rule": "self.set == ['b', 'a'] && self.set + ['a'] == self.set"}), json!({"set": ["a", "b"]}), None, none.clone()),
            (
                &object,
                json!({"rule": "self.port > 1"}),
                json!({"port": "http"}),
                None,
                vec!["FieldValueInvalid x: Invalid value: \"object\": 'no such overload': call arguments did not match a supported operator, function or macro signature for rule: self.port > 1".into()],
            ),
            (
                &object,
                json!({"rule": "self.a > 1"}),
                json!({}),
                None,
                vec!["FieldValueInvalid x: Invalid value: \"object\": no such key: a evaluating rule: self.a > 1".into()],
            ),
        ] {
            assert_eq!(broken(ruled(kind.clone(), rule.clone()), new.clone(), old), want, "{rule} {new}");
        }
    }

    #[test]
    fn rules_are_found_wherever_they_are() {
        let item = json!({"type": "object", "properties": {"k": {"type": "string"}, "n": ruled(json!({"type": "integer"}), json!({"rule": "self >= oldSelf", "message": "shrinks"}))}});
        let list = json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], "items": item});
        assert_eq!(
            broken(list, json!([{"k": "new", "n": 1}, {"k": "a", "n": 1}]), Some(json!([{"k": "a", "n": 2}]))),
            ["FieldValueInvalid x[1].n: Invalid value: 1: shrinks"]
        );
        let map = json!({"type": "object", "additionalProperties": ruled(json!({"type": "integer"}), json!({"rule": "self > 0"}))});
        assert_eq!(
            broken(map, json!({"a": 0}), None),
            ["FieldValueInvalid x[a]: Invalid value: 0: failed rule: self > 0"]
        );
        let whole = json!({"type": "object", "x-kubernetes-validations": [{"rule": "self.metadata.name == 'a'", "message": "no"}]});
        let mut errors = Errors::default();
        validate(&json!({"metadata": {"name": "b"}}), None, &Schema::compile_whole(&whole), &mut errors);
        assert_eq!(
            (errors.causes[0].field.as_str(), errors.causes[0].message.as_str()),
            ("<nil>", "Invalid value: no")
        );
    }

    #[test]
    fn a_rule_that_never_ends_is_cut_off() {
        let rule = json!({"rule": "self.all(a, self.all(b, self.all(c, self.all(d, a + b + c + d >= 0))))"});
        let list = ruled(json!({"type": "array", "items": {"type": "integer"}}), rule);
        let found = broken(list, (0..200).collect::<Vec<i32>>().into(), None);
        assert!(found[0].contains("no further validation rules will be run"), "{found:?}");
    }
}
