//! What values must be like: the keywords of JSON schema, with the words and the order of kube-openapi's validation.
//!
//! Where an object takes the place of another, what has not changed is not complained about again (KEP-4008).

mod numbers;

use super::super::kinds::field::{Errors, printed};
use super::formats;
use super::schema::{Checks, Schema};
use crate::api::{Cause, Map, Value, json};
use numbers::Number;
use std::collections::HashSet;
use std::fmt::Write;

/// What kube-apiserver calls the object as a whole.
const WHOLE: &str = "<nil>";

/// Complains about an object; `old` is the one that it takes the place of.
pub fn validate(object: &Value, old: Option<&Value>, schema: &Schema, errors: &mut Errors) {
    let mut walk = Walk { path: String::new(), of_default: false };
    errors.causes.extend(walk.schema(object, old, schema).complaints.into_iter().map(|mut cause| {
        if cause.field.is_empty() {
            cause.field = WHOLE.into();
        }
        cause
    }));
}

/// Complains about a default, which lies at `place` in the definition.
pub fn validate_default(default: &Value, schema: &Schema, place: &str, errors: &mut Errors) {
    let mut walk = Walk { path: String::new(), of_default: true };
    let found = walk.schema(default, None, schema);
    errors.causes.extend(found.complaints.into_iter().map(|cause| placed(cause, place)));
}

/// Complains about a part of an object, which lies at `place`, as if it were one itself.
pub fn validate_part(part: &Value, old: Option<&Value>, schema: &Schema, place: &str, errors: &mut Errors) {
    let mut walk = Walk { path: String::new(), of_default: false };
    let found = walk.schema(part, old, schema);
    errors.causes.extend(found.complaints.into_iter().map(|cause| placed(cause, place)));
}

/// A complaint about a value that lies at `place`.
fn placed(cause: Cause, place: &str) -> Cause {
    let field = match cause.field.as_str() {
        "" | WHOLE => place.into(),
        below => format!("{place}.{below}"),
    };
    Cause { field, ..cause }
}

/// What came of a value and a schema.
#[derive(Default)]
struct Outcome {
    complaints: Vec<Cause>,
    /// How many checks were made: of several schemas that all fail, the one that came furthest is reported.
    matches: usize,
}

impl Outcome {
    fn merge(&mut self, other: Outcome) {
        self.complaints.extend(other.complaints);
        self.matches += other.matches;
    }

    /// Leaves out what is said already: of several schemas of one value, more than one may say it.
    fn unite(&mut self) {
        let mut seen = HashSet::new();
        self.complaints.retain(|cause| seen.insert((cause.field.clone(), cause.message.clone())));
    }

    fn is_valid(&self) -> bool {
        self.complaints.is_empty()
    }

    fn push(&mut self, reason: &str, field: &str, message: String) {
        self.complaints.push(Cause { reason: reason.into(), message, field: field.into() });
    }

    /// A complaint about several schemas together, which kube-apiserver gives no path.
    fn about_all(&mut self, text: String) {
        self.push("FieldValueInvalid", WHOLE, format!("Invalid value: \"\": {text}"));
    }
}

struct Walk {
    path: String,
    /// Whether a default is checked, of which kube-apiserver does not ask for a number or a text.
    of_default: bool,
}

impl Walk {
    fn schema(&mut self, value: &Value, old: Option<&Value>, schema: &Schema) -> Outcome {
        let mut outcome = Outcome::default();
        if old.is_some_and(|old| unchanged(old, value, schema)) {
            return outcome;
        }
        self.kind(value, schema, &mut outcome);
        if value.is_null() {
            self.allowed(value, &schema.checks, &mut outcome);
            return outcome;
        }
        self.compositions(value, old, &schema.checks, &mut outcome);
        outcome.matches += 1;
        match value {
            Value::String(text) => {
                self.text(text, &schema.checks, &mut outcome);
                self.format(text, &schema.checks, &mut outcome);
            }
            Value::Number(_) => self.number(value, schema, &mut outcome),
            Value::Array(list) => self.list(list, old, schema, &mut outcome),
            _ => {}
        }
        self.allowed(value, &schema.checks, &mut outcome);
        outcome.matches += 1;
        if let Value::Object(map) = value {
            self.map(map, old, schema, &mut outcome);
            outcome.matches += 1;
        }
        if schema.checks.has_parts() {
            outcome.unite();
        }
        outcome.matches += 1;
        outcome
    }

    /// Complains in the words that name the place again: `spec.x in body should ...`.
    fn invalid(&self, value: &Value, text: &str, outcome: &mut Outcome) {
        let message = format!("Invalid value: {}: {} in body {text}", printed(value), self.path);
        outcome.push("FieldValueInvalid", &self.path, message);
    }

    fn wrong_type(&self, wanted: &str, found: &str, shown: &Value, outcome: &mut Outcome) {
        let path = &self.path;
        let message = format!("Invalid value: {}: {path} in body must be of type {wanted}: {found:?}", printed(shown));
        outcome.push("FieldValueTypeInvalid", path, message);
    }

    fn kind(&self, value: &Value, schema: &Schema, outcome: &mut Outcome) {
        let types = if self.of_default && schema.int_or_string { &[] } else { schema.types() };
        let format = schema.checks.format.as_str();
        if types.is_empty() && format.is_empty() {
            return;
        }
        let (found, of_format) = match value {
            Value::Null => {
                if !types.is_empty() && !schema.nullable {
                    self.wrong_type(&types.join(","), "null", &"null".into(), outcome);
                }
                outcome.matches += 1;
                return;
            }
            Value::Bool(_) => ("boolean", ""),
            Value::Number(_) if value.as_i64().is_some() => ("integer", "int64"),
            Value::Number(_) => ("number", "float64"),
            Value::String(_) => ("string", ""),
            Value::Array(_) => ("array", ""),
            Value::Object(_) => ("object", ""),
        };
        let takes_integers = types.contains(&"integer");
        let takes_numbers = types.contains(&"number");
        let fits = types.contains(&found)
            || found == "number" && takes_integers && value.as_f64().is_some_and(numbers::is_whole)
            || found == "integer" && takes_numbers;
        let may_be_formatted = matches!(value, Value::String(_) | Value::Array(_));
        if !may_be_formatted && !format.is_empty() && !fits && of_format != format {
            return self.wrong_type(format, of_format, &of_format.into(), outcome);
        }
        let is_formatted = may_be_formatted && !format.is_empty() && !takes_integers && !takes_numbers;
        if !is_formatted && !fits {
            return self.wrong_type(&types.join(","), found, &found.into(), outcome);
        }
        outcome.matches += 2;
    }

    fn compositions(&mut self, value: &Value, old: Option<&Value>, checks: &Checks, outcome: &mut Outcome) {
        let path = self.path.clone();
        let best = |failures: Option<Outcome>, next: Outcome| match failures {
            Some(best) if best.matches >= next.matches => Some(best),
            _ => Some(next),
        };
        if !checks.any_of.is_empty() {
            let (mut failures, mut holds) = (None, false);
            for schema in &checks.any_of {
                let next = self.schema(value, old, schema);
                if next.is_valid() {
                    holds = true;
                    break;
                }
                failures = best(failures, next);
            }
            if !holds {
                outcome.about_all(format!("{path:?} must validate at least one schema (anyOf)"));
                outcome.merge(failures.unwrap_or_default());
            }
        }
        if !checks.one_of.is_empty() {
            let (mut failures, mut valid) = (None, 0);
            for schema in &checks.one_of {
                let next = self.schema(value, old, schema);
                if next.is_valid() {
                    valid += 1;
                    failures = None;
                } else if valid == 0 {
                    failures = best(failures, next);
                }
            }
            if valid != 1 {
                let found =
                    if valid == 0 { "Found none valid".into() } else { format!("Found {valid} valid alternatives") };
                outcome.about_all(format!("{path:?} must validate one and only one schema (oneOf). {found}"));
                outcome.merge(failures.unwrap_or_default());
            }
        }
        let mut valid = 0;
        for schema in &checks.all_of {
            let next = self.schema(value, old, schema);
            valid += usize::from(next.is_valid());
            outcome.merge(next);
        }
        if valid != checks.all_of.len() {
            let none = if valid == 0 { ". None validated" } else { "" };
            outcome.about_all(format!("{path:?} must validate all the schemas (allOf){none}"));
        }
        if let Some(not) = &checks.not
            && self.schema(value, None, not).is_valid()
        {
            outcome.about_all(format!("{path:?} must not validate the schema (not)"));
        }
    }

    fn text(&self, text: &str, checks: &Checks, outcome: &mut Outcome) {
        let length = text.chars().count() as u64;
        let shown = Value::from(text);
        if let Some(most) = checks.max_length.filter(|most| length > *most) {
            let bytes = if most == 1 { "byte" } else { "bytes" };
            let message = format!("Too long: may not be more than {most} {bytes}");
            return outcome.push("FieldValueTooLong", &self.path, message);
        }
        if let Some(least) = checks.min_length.filter(|least| length < *least) {
            return self.invalid(&shown, &format!("should be at least {least} chars long"), outcome);
        }
        match &checks.pattern {
            Some((pattern, Ok(regex))) if !regex.is_match(text) => {
                self.invalid(&shown, &format!("should match '{pattern}'"), outcome);
            }
            Some((pattern, Err(why))) => {
                self.invalid(&shown, &format!("should match '{pattern}, but pattern is invalid: {why}'"), outcome);
            }
            _ => outcome.matches += 1,
        }
    }

    fn format(&self, text: &str, checks: &Checks, outcome: &mut Outcome) {
        if checks.format.is_empty() {
            return;
        }
        if formats::is_valid(&checks.format, text) {
            outcome.matches += 1;
        } else {
            self.wrong_type(&checks.format, text, &text.into(), outcome);
        }
    }

    fn list(&mut self, list: &[Value], old: Option<&Value>, schema: &Schema, outcome: &mut Outcome) {
        let checks = &schema.checks;
        if let Some(items) = schema.items.as_deref() {
            for (index, item) in list.iter().enumerate() {
                let before = old.and_then(|old| correlated(old, item, schema));
                let inner = self.at(format_args!("[{index}]"), |walk| walk.schema(item, before, items));
                outcome.merge(inner);
            }
        }
        let count = list.len() as u64;
        let shown = || Value::from(list);
        if let Some(least) = checks.min_items.filter(|least| count < *least) {
            self.invalid(&count.into(), &format!("should have at least {least} items"), outcome);
        }
        if let Some(most) = checks.max_items.filter(|most| count > *most) {
            self.too_many(count, most, outcome);
        }
        if checks.unique_items && (1..list.len()).any(|index| list[..index].contains(&list[index])) {
            self.invalid(&shown(), "shouldn't contain duplicates", outcome);
        }
        outcome.matches += 1;
    }

    fn too_many(&self, count: u64, most: u64, outcome: &mut Outcome) {
        let items = if most == 1 { "item" } else { "items" };
        let message = format!("Too many: {count}: must have at most {most} {items}");
        outcome.push("FieldValueTooMany", &self.path, message);
    }

    fn allowed(&self, value: &Value, checks: &Checks, outcome: &mut Outcome) {
        if checks.allowed.is_empty() {
            return;
        }
        if checks.allowed.iter().any(|one| is_same(value, one)) {
            outcome.matches += 1;
            return;
        }
        let supported: Vec<String> =
            checks.allowed.iter().map(|one| one.as_str().map_or_else(|| json::to_string(one), str::to_owned)).collect();
        let supported: Vec<&str> = supported.iter().map(String::as_str).collect();
        let mut errors = Errors::default();
        errors.unsupported(&self.path, &printed(value), &supported);
        outcome.complaints.extend(errors.causes);
    }

    fn map(&mut self, map: &Map<String, Value>, old: Option<&Value>, schema: &Schema, outcome: &mut Outcome) {
        let checks = &schema.checks;
        let count = map.len() as u64;
        if let Some(least) = checks.min_properties.filter(|least| count < *least) {
            self.invalid(&count.into(), &format!("should have at least {least} properties"), outcome);
        }
        if let Some(most) = checks.max_properties.filter(|most| count > *most) {
            self.too_many(count, most, outcome);
        }
        let dot = if self.path.is_empty() { "" } else { "." };
        for name in checks.required.iter().filter(|name| !map.contains_key(*name)) {
            let path = format!("{}{dot}{name}", self.path);
            outcome.push("FieldValueRequired", &path, "Required value".into());
        }
        let is_named = |name: &String| schema.properties.contains_key(name);
        // Maps come before fields.
        let values = map.iter().filter(|(name, _)| !is_named(name));
        let fields = map.iter().filter(|(name, _)| is_named(name));
        for (name, value) in values.chain(fields) {
            let Some(inner) = schema.field(name) else { continue };
            let before = old.and_then(|old| old.get(name));
            let of_value = self.at(format_args!("{dot}{name}"), |walk| walk.schema(value, before, inner));
            outcome.merge(of_value);
        }
    }

    fn at<T>(&mut self, step: std::fmt::Arguments, work: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        // Writing to a String cannot fail.
        let _ = self.path.write_fmt(step);
        let result = work(self);
        self.path.truncate(length);
        result
    }
}

/// Whether a value is one of an enumeration's, after it was converted to that one's type as Go does: a float to a whole
/// number and back, and a whole number to the character that it is the code of.
fn is_same(value: &Value, one: &Value) -> bool {
    match (Number::of(value), Number::of(one), one) {
        (Some(number), Some(other), _) => number.like(other) == other,
        (Some(Number::Whole(number)), None, Value::String(text)) => {
            let code = u32::try_from(number).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
            text.strip_prefix(code) == Some("")
        }
        (_, _, Value::Null) => false,
        _ => value == one,
    }
}

/// The item of an old list that an item takes the place of, where that can be said: in lists of type `map` by the keys.
pub fn correlated<'a>(old: &'a Value, item: &Value, schema: &Schema) -> Option<&'a Value> {
    let old = old.as_array()?;
    match schema.list_type.as_str() {
        "map" => {
            let key = |item: &Value| -> Vec<Value> {
                schema.list_map_keys.iter().map(|key| item.get(key).cloned().unwrap_or_default()).collect()
            };
            let wanted = key(item);
            old.iter().find(|old| key(old) == wanted)
        }
        _ => None,
    }
}

/// Whether a value is what it was, as far as its schema lets that be said: of fields that it does not have nothing is
/// known, and items of lists are found again by their keys or not at all.
pub fn unchanged(old: &Value, new: &Value, schema: &Schema) -> bool {
    match (old, new) {
        (Value::Array(before), Value::Array(now)) if schema.list_type == "map" => {
            let same = |item: &Value| {
                let before = correlated(old, item, schema);
                before.zip(schema.items.as_deref()).is_some_and(|(before, items)| unchanged(before, item, items))
            };
            before.len() == now.len() && now.iter().all(same)
        }
        (Value::Object(before), Value::Object(now)) => {
            let same = |(name, value): (&String, &Value)| {
                before.get(name).zip(schema.field(name)).is_some_and(|(before, inner)| unchanged(before, value, inner))
            };
            before.len() == now.len() && now.iter().all(same)
        }
        _ => old == new,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn complaints(schema: Value, value: Value, old: Option<Value>) -> Vec<String> {
        let schema = Schema::compile(&json!({"type": "object", "properties": {"x": schema}}));
        let (value, old) = (json!({"x": value}), old.map(|old| json!({"x": old})));
        let mut errors = Errors::default();
        validate(&value, old.as_ref(), &schema, &mut errors);
        errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
    }

    #[test]
    fn complaints_are_kube_openapis() {
        for (schema, value, want) in [
            (json!({"type": "string"}), json!("a"), vec![]),
            (json!({"type": "integer"}), json!(5.0), vec![]),
            (json!({"type": "number"}), json!(5), vec![]),
            (
                json!({"type": "string"}),
                json!(5),
                vec![r#"x: Invalid value: "integer": x in body must be of type string: "integer""#],
            ),
            (
                json!({"type": "string"}),
                json!(null),
                vec![r#"x: Invalid value: "null": x in body must be of type string: "null""#],
            ),
            (json!({"type": "string", "nullable": true}), json!(null), vec![]),
            (
                json!({"x-kubernetes-int-or-string": true}),
                json!(true),
                vec![r#"x: Invalid value: "boolean": x in body must be of type integer,string: "boolean""#],
            ),
            (
                json!({"type": "string", "format": "date-time"}),
                json!("now"),
                vec![r#"x: Invalid value: "now": x in body must be of type date-time: "now""#],
            ),
            (
                json!({"type": "string", "maxLength": 2, "pattern": "^a"}),
                json!("bcd"),
                vec!["x: Too long: may not be more than 2 bytes"],
            ),
            (
                json!({"type": "string", "minLength": 2}),
                json!("é"),
                vec![r#"x: Invalid value: "é": x in body should be at least 2 chars long"#],
            ),
            (
                json!({"type": "string", "pattern": "^a"}),
                json!("b"),
                vec![r#"x: Invalid value: "b": x in body should match '^a'"#],
            ),
            (
                json!({"type": "integer", "minimum": 1, "multipleOf": 2}),
                json!(-1),
                vec![
                    "x: Invalid value: -1: x in body should be a multiple of 2",
                    "x: Invalid value: -1: x in body should be greater than or equal to 1",
                ],
            ),
            (
                json!({"type": "number", "maximum": 1000000, "exclusiveMaximum": true}),
                json!(1000000.5),
                vec!["x: Invalid value: 1.0000005e+06: x in body should be less than 1e+06"],
            ),
            (
                json!({"type": "string", "enum": ["a", "b"]}),
                json!("c"),
                vec![r#"x: Unsupported value: "c": supported values: "a", "b""#],
            ),
            (json!({"type": "number", "enum": [1, 2.5]}), json!(1.5), vec![]),
            (
                json!({"type": "string", "nullable": true, "enum": ["a", null]}),
                json!(null),
                vec![r#"x: Unsupported value: null: supported values: "a", "null""#],
            ),
            (
                json!({"type": "string", "minLength": 2, "allOf": [{"minLength": 2}]}),
                json!("a"),
                vec![
                    r#"x: Invalid value: "a": x in body should be at least 2 chars long"#,
                    r#"<nil>: Invalid value: "": "x" must validate all the schemas (allOf). None validated"#,
                ],
            ),
            (
                json!({"type": "array", "maxItems": 1, "items": {"type": "object", "required": ["k"]}}),
                json!([{}, {"k": 1}]),
                vec!["x[0].k: Required value", "x: Too many: 2: must have at most 1 item"],
            ),
            (
                json!({"type": "array", "minItems": 1, "items": {"type": "string"}}),
                json!([]),
                vec!["x: Invalid value: 0: x in body should have at least 1 items"],
            ),
            (
                json!({"type": "object", "maxProperties": 1, "additionalProperties": {"type": "string"}}),
                json!({"a": "", "b": 1}),
                vec![
                    "x: Too many: 2: must have at most 1 item",
                    r#"x.b: Invalid value: "integer": x.b in body must be of type string: "integer""#,
                ],
            ),
            (
                json!({"type": "object", "additionalProperties": {"type": "integer"}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}),
                json!({"a": 1, "b": 2}),
                vec![
                    r#"<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found 2 valid alternatives"#,
                ],
            ),
            (
                json!({"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}),
                json!({}),
                vec![
                    r#"<nil>: Invalid value: "": "x" must validate at least one schema (anyOf)"#,
                    "x.a: Required value",
                ],
            ),
            (
                json!({"type": "integer", "not": {"enum": [3]}}),
                json!(3),
                vec![r#"<nil>: Invalid value: "": "x" must not validate the schema (not)"#],
            ),
            (
                json!({"type": "integer", "allOf": [{"minimum": 3}, {"maximum": 1}]}),
                json!(2),
                vec![
                    "x: Invalid value: 2: x in body should be greater than or equal to 3",
                    "x: Invalid value: 2: x in body should be less than or equal to 1",
                    r#"<nil>: Invalid value: "": "x" must validate all the schemas (allOf). None validated"#,
                ],
            ),
        ] {
            assert_eq!(complaints(schema.clone(), value.clone(), None), want, "{schema} {value}");
            assert_eq!(complaints(schema, value.clone(), Some(value)), Vec::<String>::new());
        }
    }

    #[test]
    fn only_what_changed_is_complained_about() {
        let schema = json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
            "items": {"type": "object", "properties": {"k": {"type": "string"}, "n": {"type": "integer", "maximum": 1}}}});
        let old = json!([{"k": "a", "n": 5}]);
        assert_eq!(
            complaints(schema, json!([{"k": "b", "n": 5}, {"k": "a", "n": 5}]), Some(old)),
            ["x[0].n: Invalid value: 5: x[0].n in body should be less than or equal to 1"]
        );
        let short =
            json!({"type": "object", "properties": {"a": {"type": "string", "maxLength": 1}, "b": {"type": "string"}}});
        let mut atomic = short.clone();
        atomic["x-kubernetes-map-type"] = json!("atomic");
        let list = json!({"type": "array", "items": short});
        let free = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "maxProperties": 1});
        for (schema, old, new, is_told) in [
            (&atomic, json!({"a": "aa"}), json!({"a": "aa", "b": "b"}), false),
            (&list, json!([{"a": "aa"}]), json!([{"a": "aa"}]), false),
            (&list, json!([{"a": "aa"}]), json!([{"a": "aa"}, {}]), true),
            // Nobody knows whether fields without a schema are the same.
            (&free, json!({"a": 1, "b": 1}), json!({"a": 1, "b": 1}), true),
        ] {
            assert_eq!(!complaints(schema.clone(), new.clone(), Some(old)).is_empty(), is_told, "{schema} {new}");
        }
    }
}
