//! Structural schemas: every part has a type, and what only checks values adds no structure (KEP-20180731).

use super::super::field::{Errors, Field, quoted};
use serde_json::{Value, json};

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Root,
    Item,
    Property,
}

/// Complains about what is not structural, in the order of the complaints' texts.
pub(super) fn validate(schema: &Field, errors: &mut Errors) {
    let mut found = Errors::default();
    part(schema, Level::Root, &mut found);
    found.causes.sort_by_key(|cause| format!("{}: {}", cause.field, cause.message));
    errors.causes.append(&mut found.causes);
}

fn is_object(schema: &Field) -> bool {
    schema.value().is_object()
}

fn part(schema: &Field, level: Level, errors: &mut Errors) {
    let [kind, items, additional, properties] =
        ["type", "items", "additionalProperties", "properties"].map(|name| schema.get(name));
    if kind.text() == "array" && !items.is_set() {
        errors.required(items, "must be specified");
    }
    if is_object(&items) {
        part(&items, Level::Item, errors);
    }
    for (_, property) in properties.entries() {
        part(&property, Level::Property, errors);
    }
    if additional.is_set() && level == Level::Root {
        errors.forbidden(additional, "must not be used at the root");
    }
    if is_object(&additional) {
        part(&additional, Level::Property, errors);
    }
    let [embedded, preserve, int_or_string] =
        ["x-kubernetes-embedded-resource", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"]
            .map(|name| schema.get(name));
    for extension in [&preserve, &embedded].into_iter().filter(|e| int_or_string.is_true() && e.is_true()) {
        errors.reject(extension, "must be false if x-kubernetes-int-or-string is true");
    }
    value_validation(schema, errors);
    if embedded.is_true() && kind.text() != "object" {
        let complaint = "must be object if x-kubernetes-embedded-resource is true";
        if kind.is_empty() {
            errors.required(kind, complaint);
        } else {
            errors.reject(&kind, complaint);
        }
    } else if kind.is_empty() && !int_or_string.is_true() && !preserve.is_true() {
        let place = match level {
            Level::Root => "at the root",
            Level::Item => "for specified array items",
            Level::Property => "for specified object fields",
        };
        errors.required(kind, &format!("must not be empty {place}"));
    }
    if embedded.is_true() && additional.is_set() {
        errors.forbidden(additional, "must not be used if x-kubernetes-embedded-resource is set");
    }
    if level == Level::Root && !["", "object"].contains(&kind.text()) {
        errors.reject(&kind, "must be object at the root");
    }
    metadata(&properties, level == Level::Root, level == Level::Root || embedded.is_true(), errors);
    if embedded.is_true() && !preserve.is_true() && properties.count() == 0 {
        let complaint = "must not be empty if x-kubernetes-embedded-resource is true without \
                         x-kubernetes-preserve-unknown-fields";
        errors.required(properties, complaint);
    }
}

fn metadata(properties: &Field, is_root: bool, checked: bool, errors: &mut Errors) {
    for (name, wanted) in [("kind", "string"), ("apiVersion", "string"), ("metadata", "object")] {
        let property = properties.entry(name);
        let kind = property.get("type");
        if checked && property.is_set() && kind.text() != wanted {
            errors.invalid_as(kind, &quoted(kind.text()), &format!("must be {wanted}"));
        }
    }
    let metadata = properties.entry("metadata");
    let inner = metadata.get("properties");
    let only_names = inner.entries().all(|(name, _)| ["name", "generateName"].contains(&name));
    let more = metadata.entries().any(|(name, _)| !["type", "properties", "default"].contains(&name));
    if is_root && metadata.is_set() && (more || !only_names) {
        let complaint = "must not specify anything other than name and generateName, but metadata is implicitly \
                         specified";
        errors.forbidden(metadata, complaint);
    }
}

/// Complains about the junctors of a schema.
fn value_validation(schema: &Field, errors: &mut Errors) {
    let either = json!([{"type": "integer"}, {"type": "string"}]);
    let is_either = |list: &Field| list.value() == &either;
    let int_or_string = schema.get("x-kubernetes-int-or-string").is_true();
    for (name, skips) in [("anyOf", true), ("allOf", false), ("oneOf", false)] {
        let list = schema.get(name);
        if skips && int_or_string && is_either(&list) {
            continue;
        }
        for (index, nested) in list.items().enumerate() {
            let first = name == "allOf" && index == 0 && int_or_string && is_either(&nested.get("anyOf"));
            self::nested(&nested, first, errors);
        }
    }
    let not = schema.get("not");
    if is_object(&not) {
        nested(&not, false, errors);
    }
}

/// Complains about structure in what only checks values.
fn nested(schema: &Field, skips_any: bool, errors: &mut Errors) {
    for name in ["anyOf", "allOf", "oneOf"].into_iter().filter(|name| !(skips_any && *name == "anyOf")) {
        schema.get(name).items().for_each(|inner| nested(&inner, false, errors));
    }
    for inner in ["not", "items"].map(|name| schema.get(name)) {
        if is_object(&inner) {
            nested(&inner, false, errors);
        }
    }
    let properties = schema.get("properties");
    properties.entries().for_each(|(_, inner)| nested(&inner, false, errors));
    for (name, must) in [
        ("type", "empty"),
        ("additionalProperties", "undefined"),
        ("default", "undefined"),
        ("title", "empty"),
        ("description", "empty"),
        ("nullable", "false"),
        ("x-kubernetes-preserve-unknown-fields", "false"),
        ("x-kubernetes-embedded-resource", "false"),
        ("x-kubernetes-int-or-string", "false"),
        ("x-kubernetes-list-map-keys", "empty"),
        ("x-kubernetes-list-type", "undefined"),
        ("x-kubernetes-map-type", "undefined"),
        ("x-kubernetes-validations", "empty"),
    ] {
        let field = schema.get(name);
        let set = if must == "undefined" {
            field.is_set()
        } else {
            !field.is_empty() && field.value() != &Value::Bool(false)
        };
        if set {
            errors.forbidden(field, &format!("must be {must} to be structural"));
        }
    }
    if properties.entry("metadata").is_set() {
        errors.forbidden(properties.entry("metadata"), "must not be specified in a nested context");
    }
}
