//! Structural schemas (KEP-20180731), compiled from what a definition says.

use super::formats;
use super::rules::{self, Rule};
use crate::api::{ObjectExt, Value};
use crate::expr::regexp;
use regex::Regex;
use std::collections::BTreeMap;

/// What a value must be, and what is in it.
#[derive(Debug, Default)]
pub struct Schema {
    /// `object`, `array`, `string`, `integer`, `number`, `boolean`; empty for anything.
    pub kind: String,
    /// Null is a value.
    pub nullable: bool,
    /// A number or a text.
    pub int_or_string: bool,
    /// Fields that are not named are kept.
    pub preserve_unknown: bool,
    /// The value is a whole object.
    pub embedded: bool,
    /// The fields.
    pub properties: BTreeMap<String, Schema>,
    /// All other fields.
    pub additional: Additional,
    /// The items.
    pub items: Option<Box<Schema>>,
    /// What is filled in where nothing is.
    pub default: Option<Value>,
    /// `atomic`, `set` or `map`.
    pub list_type: String,
    /// What names an item of a list of type `map`.
    pub list_map_keys: Vec<String>,
    /// A map that is one value to merges.
    pub atomic_map: bool,
    /// What values must be like.
    pub checks: Checks,
    /// Rules in CEL.
    pub rules: Vec<Rule>,
    /// Whether there are rules here or in what is below.
    pub has_rules: bool,
}

/// What may be in a map besides the fields that are named.
#[derive(Debug, Default)]
pub enum Additional {
    /// Nothing.
    #[default]
    None,
    /// Anything.
    Any,
    /// Values of one schema.
    Of(Box<Schema>),
}

impl Additional {
    fn schema_mut(&mut self) -> Option<&mut Schema> {
        match self {
            Self::Of(schema) => Some(schema),
            Self::None | Self::Any => None,
        }
    }

    /// The schema of the values, when they have one.
    pub fn schema(&self) -> Option<&Schema> {
        match self {
            Self::Of(schema) => Some(schema),
            Self::None | Self::Any => None,
        }
    }
}

/// What values must be like. The numbers are as the definition has them.
#[derive(Debug, Default)]
pub struct Checks {
    /// One of the formats that are known.
    pub format: String,
    /// The values that are allowed.
    pub allowed: Vec<Value>,
    /// What a text must match, or why nothing can.
    pub pattern: Option<(String, Result<Regex, String>)>,
    /// The greatest number, and whether it is too great itself.
    pub maximum: Option<(f64, bool)>,
    /// The smallest number, and whether it is too small itself.
    pub minimum: Option<(f64, bool)>,
    /// What numbers are multiples of.
    pub multiple_of: Option<f64>,
    /// The most characters of a text.
    pub max_length: Option<u64>,
    /// The fewest characters of a text.
    pub min_length: Option<u64>,
    /// The most items of a list.
    pub max_items: Option<u64>,
    /// The fewest items of a list.
    pub min_items: Option<u64>,
    /// The most fields of an object.
    pub max_properties: Option<u64>,
    /// The fewest fields of an object.
    pub min_properties: Option<u64>,
    /// Items may not be equal.
    pub unique_items: bool,
    /// The fields that must be there.
    pub required: Vec<String>,
    /// All of these hold.
    pub all_of: Vec<Schema>,
    /// At least one of these holds.
    pub any_of: Vec<Schema>,
    /// Exactly one of these holds.
    pub one_of: Vec<Schema>,
    /// This does not hold.
    pub not: Option<Box<Schema>>,
}

impl Schema {
    /// Compiles the schema of whole objects, with its rules, as a CustomResourceDefinition has it.
    pub fn compile_whole(source: &Value) -> Self {
        Self::compile_with_rules(source, true)
    }

    /// Compiles a part of a schema, with its rules. `whole` says that its values are whole objects.
    pub fn compile_with_rules(source: &Value, whole: bool) -> Self {
        let mut schema = Self::compile(source);
        schema.add_rules(source, whole);
        schema
    }

    /// Compiles the rules of a schema, and of what is below it.
    fn add_rules(&mut self, source: &Value, whole: bool) {
        for (name, property) in &mut self.properties {
            if let Some(source) = source.at(&["properties", name]) {
                property.add_rules(source, property.embedded);
            }
        }
        let below = [("items", self.items.as_deref_mut()), ("additionalProperties", self.additional.schema_mut())];
        for (name, schema) in below {
            if let Some((schema, source)) = schema.zip(source.get(name)) {
                schema.add_rules(source, schema.embedded);
            }
        }
        self.rules = rules::compile(source, self, whole);
        let parts = self.properties.values().chain(self.items.as_deref()).chain(self.additional.schema());
        self.has_rules = !self.rules.is_empty() || parts.into_iter().any(|part| part.has_rules);
    }

    /// Compiles a schema, without its rules.
    pub fn compile(source: &Value) -> Self {
        let text = |key: &str| source.text(&[key]).to_owned();
        let holds = |key: &str| source.get(key).and_then(Value::as_bool).unwrap_or(false);
        let one = |key: &str| source.get(key).filter(|inner| inner.is_object()).map(|s| Box::new(Self::compile(s)));
        let properties = source.map_at(&["properties"]).into_iter().flatten();
        Self {
            kind: text("type"),
            nullable: holds("nullable"),
            int_or_string: holds("x-kubernetes-int-or-string"),
            preserve_unknown: holds("x-kubernetes-preserve-unknown-fields"),
            embedded: holds("x-kubernetes-embedded-resource"),
            properties: properties.map(|(name, inner)| (name.clone(), Self::compile(inner))).collect(),
            additional: match source.get("additionalProperties") {
                Some(Value::Bool(true)) => Additional::Any,
                Some(inner @ Value::Object(_)) => Additional::Of(Box::new(Self::compile(inner))),
                _ => Additional::None,
            },
            items: one("items"),
            default: source.get("default").filter(|default| !default.is_null()).cloned(),
            list_type: text("x-kubernetes-list-type"),
            list_map_keys: texts(source, "x-kubernetes-list-map-keys"),
            atomic_map: source.text(&["x-kubernetes-map-type"]) == "atomic",
            checks: Checks::compile(source),
            ..Self::default()
        }
    }

    /// The schema of a field.
    pub fn field(&self, name: &str) -> Option<&Schema> {
        self.properties.get(name).or_else(|| self.additional.schema())
    }

    /// The types that values may have.
    pub fn types(&self) -> &[&str] {
        match self.kind.as_str() {
            _ if self.int_or_string => &["integer", "string"],
            "object" => &["object"],
            "array" => &["array"],
            "string" => &["string"],
            "integer" => &["integer"],
            "number" => &["number"],
            "boolean" => &["boolean"],
            _ => &[],
        }
    }
}

impl Checks {
    /// Whether there are schemas beside this one that a value must be like, or must not be.
    pub fn has_parts(&self) -> bool {
        !(self.all_of.is_empty() && self.any_of.is_empty() && self.one_of.is_empty() && self.not.is_none())
    }

    fn compile(source: &Value) -> Self {
        let holds = |key: &str| source.get(key).and_then(Value::as_bool).unwrap_or(false);
        let count = |key: &str| source.get(key).and_then(Value::as_u64);
        let number = |key: &str| source.get(key).and_then(Value::as_f64);
        let all = |key: &str| source.items_at(&[key]).iter().map(Schema::compile).collect();
        let pattern = source.text(&["pattern"]);
        let kind = if holds("x-kubernetes-int-or-string") { "" } else { source.text(&["type"]) };
        Self {
            format: formats::checked(source.text(&["format"]), kind).unwrap_or_default().into(),
            allowed: source.items_at(&["enum"]).to_vec(),
            pattern: (!pattern.is_empty()).then(|| (pattern.to_owned(), regexp::compile(pattern))),
            maximum: number("maximum").map(|most| (most, holds("exclusiveMaximum"))),
            minimum: number("minimum").map(|least| (least, holds("exclusiveMinimum"))),
            multiple_of: number("multipleOf"),
            max_length: count("maxLength"),
            min_length: count("minLength"),
            max_items: count("maxItems"),
            min_items: count("minItems"),
            max_properties: count("maxProperties"),
            min_properties: count("minProperties"),
            unique_items: holds("uniqueItems"),
            required: texts(source, "required"),
            all_of: all("allOf"),
            any_of: all("anyOf"),
            one_of: all("oneOf"),
            not: source.get("not").filter(|not| not.is_object()).map(|not| Box::new(Schema::compile(not))),
        }
    }
}

fn texts(source: &Value, key: &str) -> Vec<String> {
    source.items_at(&[key]).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
