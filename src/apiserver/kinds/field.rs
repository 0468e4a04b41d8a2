//! Complaints about fields, in the words of kube-apiserver (apimachinery's field errors), and the way to a field.

pub use crate::api::gotext::quote as quoted;
use crate::api::{Cause, Value};
use std::fmt::{self, Display};

/// Complaints about one object, in the order in which they were found.
#[derive(Clone, Debug, Default)]
pub struct Errors {
    /// The complaints; their `field` is the path.
    pub causes: Vec<Cause>,
    /// What is only warned of.
    pub warnings: Vec<String>,
}

impl Errors {
    /// A field that must be there is missing or empty; `detail` may be empty.
    pub fn required(&mut self, path: impl Display, detail: &str) {
        let message = if detail.is_empty() { "Required value".into() } else { format!("Required value: {detail}") };
        self.push("FieldValueRequired", path, message);
    }

    /// A value is not what it should be.
    pub fn invalid(&mut self, path: impl Display, value: &Value, detail: &str) {
        self.invalid_as(path, &printed(value), detail);
    }

    /// A value, given as Go prints it, is not what it should be. For internal types, whose fields print otherwise.
    pub fn invalid_as(&mut self, path: impl Display, printed: &str, detail: &str) {
        let colon = if detail.is_empty() { "" } else { ": " };
        self.push("FieldValueInvalid", path, format!("Invalid value: {printed}{colon}{detail}"));
    }

    /// Something is not what it should be, and no value would help to see it.
    pub fn wrong(&mut self, path: impl Display, detail: &str) {
        self.push("FieldValueInvalid", path, format!("Invalid value: {detail}"));
    }

    /// A value is none of those that there are.
    pub fn unsupported(&mut self, path: impl Display, printed: &str, supported: &[&str]) {
        let supported: Vec<_> = supported.iter().map(|text| quoted(text)).collect();
        let detail =
            if supported.is_empty() { String::new() } else { format!(": supported values: {}", supported.join(", ")) };
        self.push("FieldValueNotSupported", path, format!("Unsupported value: {printed}{detail}"));
    }

    /// A value is there twice.
    pub fn duplicate(&mut self, path: impl Display, value: &Value) {
        self.duplicate_as(path, &printed(value));
    }

    /// A value, given as Go prints it, is there twice.
    pub fn duplicate_as(&mut self, path: impl Display, printed: &str) {
        self.push("FieldValueDuplicate", path, format!("Duplicate value: {printed}"));
    }

    /// A value names something that is not there.
    pub fn not_found(&mut self, path: impl Display, value: &Value) {
        self.push("FieldValueNotFound", path, format!("Not found: {}", printed(value)));
    }

    /// A field may not be set.
    pub fn forbidden(&mut self, path: impl Display, detail: &str) {
        self.push("FieldValueForbidden", path, format!("Forbidden: {detail}"));
    }

    /// A text has too many bytes.
    pub fn too_long(&mut self, path: impl Display, most: usize) {
        let bytes = if most == 1 { "byte" } else { "bytes" };
        self.push("FieldValueTooLong", path, format!("Too long: may not be more than {most} {bytes}"));
    }

    /// A list has too many items.
    pub fn too_many(&mut self, path: impl Display, count: usize, most: usize) {
        let items = if most == 1 { "item" } else { "items" };
        self.push("FieldValueTooMany", path, format!("Too many: {count}: must have at most {most} {items}"));
    }

    /// Adds a complaint whose message is complete.
    pub fn push(&mut self, reason: &str, path: impl Display, message: String) {
        self.causes.push(Cause { reason: reason.into(), message, field: path.to_string() });
    }

    /// All complaints in one line, each once: what follows `Pod "x" is invalid: `.
    pub fn summary(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for cause in &self.causes {
            let line = format!("{}: {}", cause.field, cause.message);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        match lines.as_slice() {
            [line] => line.clone(),
            _ => format!("[{}]", lines.join(", ")),
        }
    }

    /// Complains about the field's own value.
    pub fn reject(&mut self, field: &Field, detail: &str) {
        self.invalid(field, field.value(), detail);
    }

    /// Complains about a text that breaks a rule of names; a missing text counts as empty.
    pub fn name(&mut self, field: &Field, rule: fn(&str) -> Vec<String>) {
        for complaint in rule(field.text()) {
            self.invalid_as(field, &quoted(field.text()), &complaint);
        }
    }

    /// Complains about an empty or missing value; says whether there is one.
    pub fn need(&mut self, field: &Field) -> bool {
        if field.is_empty() {
            self.required(field, "");
        }
        !field.is_empty()
    }

    /// Complains about a missing text, or else about one that breaks a rule of names.
    pub fn need_name(&mut self, field: &Field, rule: fn(&str) -> Vec<String>) {
        if self.need(field) {
            self.name(field, rule);
        }
    }

    /// Complains about a negative number.
    pub fn non_negative(&mut self, field: &Field) {
        if field.integer().is_some_and(|n| n < 0) {
            self.reject(field, "must be greater than or equal to 0");
        }
    }

    /// Complains about a number outside `low..=high`; a missing one counts as 0.
    pub fn within(&mut self, field: &Field, low: i64, high: i64) {
        let number = field.number();
        if !(low..=high).contains(&number) {
            self.invalid(field, &number.into(), &crate::api::names::range(low, high));
        }
    }

    /// Complains about a text that is none of `supported`; a missing one counts as empty.
    pub fn one_of(&mut self, field: &Field, supported: &[&str]) {
        if !supported.contains(&field.text()) {
            self.unsupported(field, &quoted(field.text()), supported);
        }
    }

    /// Complains about a missing text, or else about one that is none of `supported`.
    pub fn need_one_of(&mut self, field: &Field, supported: &[&str]) {
        if self.need(field) {
            self.one_of(field, supported);
        }
    }

    /// Complains about a change of a field that may not change.
    pub fn immutable(&mut self, new: &Field, old: &Field) {
        if new.value() != old.value() {
            self.reject(new, IMMUTABLE);
        }
    }

    /// Complains about changes of the fields `names` of `new`.
    pub fn all_immutable(&mut self, new: &Field, old: &Field, names: &[&str]) {
        for name in names {
            self.immutable(&new.get(name), &old.get(name));
        }
    }

    /// Complains about a text of more than `most` bytes.
    pub fn at_most_bytes(&mut self, field: &Field, most: usize) {
        if field.text().len() > most {
            self.too_long(field, most);
        }
    }

    /// Complains about a list or a map of more than `most` items.
    pub fn at_most_items(&mut self, field: &Field, most: usize) {
        if field.count() > most {
            self.too_many(field, field.count(), most);
        }
    }
}

/// What is said of a change of a field that may not change.
pub const IMMUTABLE: &str = "field is immutable";

/// A value as Go prints it in a complaint: texts quoted, objects as JSON.
pub fn printed(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        // The one type that is not printed like an internal one, and whose fields are not in order of the alphabet.
        Value::Object(fields) if fields.len() == 2 && SELECTOR.iter().all(|name| fields.contains_key(*name)) => {
            let parts = SELECTOR.map(|name| format!("\"{name}\":{}", printed(&fields[name])));
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(_) | Value::Object(_) => {
            // Go's encoder escapes what HTML would take for markup.
            value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
        }
        Value::Number(number) if number.is_f64() => crate::api::json::float_g(number.as_f64().unwrap_or_default()),
        _ => value.to_string(),
    }
}

/// The fields of a LabelSelector.
const SELECTOR: [&str; 2] = ["matchLabels", "matchExpressions"];

/// A place in an object: a value that may be missing, and the way to it. Cheap: the path is only written out when
/// somebody complains. The value may outlive the way (`'v` and `'p`).
#[derive(Clone, Copy)]
pub struct Field<'v, 'p> {
    value: Option<&'v Value>,
    up: Option<&'p Field<'v, 'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    /// `.name`, or several with dots between.
    Name(&'p str),
    /// `[0]`
    Index(usize),
    /// `[key]`
    Key(&'p str),
}

static NULL: Value = Value::Null;

impl<'v, 'p> Field<'v, 'p> {
    /// A whole object, or a part of one that lies at `path`.
    pub fn new(path: &'p str, value: &'v Value) -> Self {
        Self { value: Some(value), up: None, step: Step::Name(path) }
    }

    /// What lies at `path` (names with dots between) below.
    pub fn get<'b>(&'b self, path: &'b str) -> Field<'v, 'b> {
        let value = self.value.and_then(|value| path.split('.').try_fold(value, |value, name| value.get(name)));
        Field { value, up: Some(self), step: Step::Name(path) }
    }

    /// The entry of a map, written `[key]`.
    pub fn entry<'b>(&'b self, key: &'b str) -> Field<'v, 'b> {
        Field { value: self.value.and_then(|map| map.get(key)), up: Some(self), step: Step::Key(key) }
    }

    /// The item of a list.
    pub fn item<'b>(&'b self, index: usize) -> Field<'v, 'b> {
        Field { value: self.value.and_then(|list| list.get(index)), up: Some(self), step: Step::Index(index) }
    }

    /// The items of a list; none when it is no list.
    pub fn items<'b>(&'b self) -> impl Iterator<Item = Field<'v, 'b>> + use<'v, 'b, 'p> {
        (0..self.value().as_array().map_or(0, Vec::len)).map(|index| self.item(index))
    }

    /// The entries of a map, in the order of their keys; none when it is no map.
    pub fn entries<'b>(&'b self) -> impl Iterator<Item = (&'v str, Field<'v, 'b>)> + use<'v, 'b, 'p>
    where
        'v: 'b,
    {
        self.value().as_object().into_iter().flat_map(|map| map.keys()).map(|key| (key.as_str(), self.entry(key)))
    }

    /// The same place with another value, for complaints about what is not written down like that.
    pub fn with<'w>(&self, value: &'w Value) -> Field<'w, 'p>
    where
        'v: 'w,
    {
        Field { value: Some(value), ..*self }
    }

    /// The same value at another place, for paths that are not where the value lies.
    pub fn named<'b>(&self, path: &'b str) -> Field<'v, 'b> {
        Field { value: self.value, up: None, step: Step::Name(path) }
    }

    /// What it is a part of.
    pub fn above(&self) -> Option<Field<'v, 'p>> {
        self.up.copied()
    }

    /// The value; null when it is missing.
    pub fn value(&self) -> &'v Value {
        self.value.unwrap_or(&NULL)
    }

    /// The text; empty when it is missing.
    pub fn text(&self) -> &'v str {
        self.value().as_str().unwrap_or("")
    }

    /// The whole number, when it is one.
    pub fn integer(&self) -> Option<i64> {
        self.value().as_i64()
    }

    /// The whole number; 0 when it is missing.
    pub fn number(&self) -> i64 {
        self.integer().unwrap_or(0)
    }

    /// Whether it is true.
    pub fn is_true(&self) -> bool {
        self.value().as_bool().unwrap_or(false)
    }

    /// Whether there is a value.
    pub fn is_set(&self) -> bool {
        !self.value().is_null()
    }

    /// Whether it is missing, or an empty text, list or map.
    pub fn is_empty(&self) -> bool {
        match self.value() {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => false,
        }
    }

    /// How many items or entries there are.
    pub fn count(&self) -> usize {
        match self.value() {
            Value::Array(list) => list.len(),
            Value::Object(map) => map.len(),
            _ => 0,
        }
    }

    fn is_root(&self) -> bool {
        self.up.is_none() && matches!(self.step, Step::Name(""))
    }
}

/// The path.
impl Display for Field<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let above = self.up.is_some_and(|up| !up.is_root());
        if let Some(up) = self.up {
            up.fmt(f)?;
        }
        match self.step {
            Step::Name(name) if above && !name.is_empty() => write!(f, ".{name}"),
            Step::Name(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[{key}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_know_their_way() {
        let object = json!({"spec": {"ports": [{"port": 80}], "hard": {"a/b": "1"}, "strategy": {"type": "X"}}});
        let root = Field::new("", &object);
        let spec = root.get("spec");
        let ports = spec.get("ports");
        let port = ports.items().next().unwrap();
        assert_eq!(port.get("port").to_string(), "spec.ports[0].port");
        assert_eq!(port.get("port").integer(), Some(80));
        let hard = spec.get("hard");
        let (key, entry) = hard.entries().next().unwrap();
        assert_eq!((key, entry.text(), entry.to_string().as_str()), ("a/b", "1", "spec.hard[a/b]"));
        assert_eq!(root.get("spec.strategy.type").text(), "X");
        let missing = root.get("spec.nothing.here");
        assert_eq!((missing.to_string().as_str(), missing.is_set(), missing.count()), ("spec.nothing.here", false, 0));
        assert_eq!(Field::new("spec.template", &object).get("spec.ports").to_string(), "spec.template.spec.ports");
    }

    #[test]
    fn complaints_are_worded_like_kube_apiserver() {
        let object = json!({"a": "x\n\u{1}é", "b": -1, "m": {"k": "<&>"}, "n": null});
        let root = Field::new("", &object);
        let mut errors = Errors::default();
        errors.need(&root.get("z"));
        errors.reject(&root.get("a"), "no");
        errors.non_negative(&root.get("b"));
        errors.reject(&root.get("m"), "");
        errors.reject(&root.get("n"), "null");
        errors.one_of(&root.get("z"), &["A", "B"]);
        errors.within(&root.get("z"), 1, 5);
        errors.duplicate(root.get("b"), root.get("b").value());
        errors.forbidden("f", "may not");
        errors.too_long("f", 63);
        errors.too_many("f", 2, 1);
        errors.not_found("f", &json!("v"));
        let lines: Vec<_> = errors.causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        assert_eq!(
            lines,
            [
                "z: Required value",
                r#"a: Invalid value: "x\n\x01é": no"#,
                "b: Invalid value: -1: must be greater than or equal to 0",
                r#"m: Invalid value: {"k":"\u003c\u0026\u003e"}"#,
                "n: Invalid value: null: null",
                r#"z: Unsupported value: "": supported values: "A", "B""#,
                "z: Invalid value: 0: must be between 1 and 5, inclusive",
                "b: Duplicate value: -1",
                "f: Forbidden: may not",
                "f: Too long: may not be more than 63 bytes",
                "f: Too many: 2: must have at most 1 item",
                r#"f: Not found: "v""#,
            ]
        );
    }

    #[test]
    fn a_summary_says_everything_once() {
        let mut errors = Errors::default();
        errors.required("a", "");
        assert_eq!(errors.summary(), "a: Required value");
        errors.required("a", "");
        errors.required("b", "why");
        assert_eq!(errors.summary(), "[a: Required value, b: Required value: why]");
    }
}
