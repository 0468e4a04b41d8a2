//! Structural schemas: every part has a type, and what only checks values adds no structure (KEP-20180731).

use super::super::field::{Errors, Field, quoted};
use crate::api::Value;
use crate::expr::regexp;
use serde_json::json;

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Root,
    Item,
    Property,
}

/// What keeps a schema from being one that structure can be asked of: the first thing in it that Kubernetes has not.
pub(super) fn unsupported(schema: &Field) -> Option<String> {
    let [items, preserve, additional] =
        ["items", "x-kubernetes-preserve-unknown-fields", "additionalProperties"].map(|name| schema.get(name));
    for (name, shown) in [
        ("id", "id"),
        ("$schema", "schema"),
        ("$ref", "$ref"),
        ("patternProperties", "patternProperties"),
        ("dependencies", "dependencies"),
        ("additionalItems", "additionalItems"),
        ("definitions", "definitions"),
    ] {
        if !schema.get(name).is_empty() {
            return Some(format!("OpenAPIV3Schema '{shown}' is not supported"));
        }
    }
    let below = |names: &[&str]| {
        names.iter().find_map(|name| {
            let inner = schema.get(name);
            match inner.value() {
                Value::Object(_) => unsupported(&inner),
                _ => inner.items().find_map(|schema| unsupported(&schema)),
            }
        })
    };
    let found = below(&["not", "allOf", "anyOf", "oneOf"]);
    if found.is_some() {
        return found;
    }
    if preserve.is_set() && !preserve.is_true() {
        return Some("internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined".into());
    }
    if items.value().is_array() {
        return Some("OpenAPIV3Schema 'items' must be a schema, but is an array".into());
    }
    let properties = schema.get("properties");
    below(&["items"])
        .or_else(|| properties.entries().find_map(|(_, property)| unsupported(&property)))
        .or_else(|| additional.value().is_object().then(|| unsupported(&additional)).flatten())
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
    let (all, either) = (schema.get("allOf"), is_either(schema));
    value_validation(schema, either, is_either(&all.item(0)), errors);
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

/// Complains about what checks values of a schema. `skips_any` says that its `anyOf` is the one of a number or a text.
fn value_validation(schema: &Field, skips_any: bool, skips_first: bool, errors: &mut Errors) {
    for (name, skips) in [("anyOf", skips_any), ("allOf", false), ("oneOf", false)] {
        let list = schema.get(name);
        for (index, part) in list.items().enumerate().filter(|_| !skips) {
            nested(&part, skips_first && name == "allOf" && index == 0, errors);
        }
    }
    let not = schema.get("not");
    if is_object(&not) {
        nested(&not, false, errors);
    }
    let pattern = schema.get("pattern");
    if let Err(why) = regexp::compile(pattern.text()) {
        errors.reject(&pattern, &format!("must be a valid regular expression, but isn't: {why}"));
    }
}

/// Whether a schema takes a number or a text by its `anyOf`, which may say so in two words.
fn is_either(schema: &Field) -> bool {
    schema.get("anyOf").value() == &json!([{"type": "integer"}, {"type": "string"}])
}

/// Complains about structure in what only checks values.
fn nested(schema: &Field, skips_any: bool, errors: &mut Errors) {
    value_validation(schema, skips_any, false, errors);
    let items = schema.get("items");
    if is_object(&items) {
        nested(&items, false, errors);
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
        let set = if name == "additionalProperties" {
            field.is_set() && field.value() != &Value::Bool(false)
        } else if must == "undefined" {
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
