//! The schemas of custom resources: what OpenAPI has and Kubernetes has not, and Kubernetes' own extensions. Rules
//! (CEL) are compiled.

use super::super::super::custom::formats;
use super::super::field::{Errors, Field, quoted};
use super::super::internal;
use super::{defaults, rules, structural};
use crate::api::{Object, ObjectExt, Value};

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

/// The fields that a schema may have at its root when there is a status subresource, with Go's names.
const ROOT: [(&str, &str); 22] = [
    ("description", "Description"),
    ("type", "Type"),
    ("format", "Format"),
    ("title", "Title"),
    ("maximum", "Maximum"),
    ("exclusiveMaximum", "ExclusiveMaximum"),
    ("minimum", "Minimum"),
    ("exclusiveMinimum", "ExclusiveMinimum"),
    ("maxLength", "MaxLength"),
    ("minLength", "MinLength"),
    ("pattern", "Pattern"),
    ("maxItems", "MaxItems"),
    ("minItems", "MinItems"),
    ("uniqueItems", "UniqueItems"),
    ("multipleOf", "MultipleOf"),
    ("required", "Required"),
    ("items", "Items"),
    ("properties", "Properties"),
    ("externalDocs", "ExternalDocs"),
    ("example", "Example"),
    ("x-kubernetes-preserve-unknown-fields", "XPreserveUnknownFields"),
    ("x-kubernetes-validations", "XValidations"),
];

/// Complains about a whole schema.
pub(super) fn validate(schema: &Field, has_status: bool, errors: &mut Errors) {
    if !schema.is_set() {
        return;
    }
    let before = errors.causes.len();
    if has_status {
        root(schema, errors);
    }
    if schema.get("nullable").is_true() {
        errors.forbidden(schema.get("nullable"), "nullable cannot be true at the root");
    }
    // What cannot be asked for its structure is complained about only when nothing else is wrong.
    let unsupported = structural::unsupported(schema);
    let mut found = Errors::default();
    if unsupported.is_none() {
        structural::validate(schema, &mut found);
        if found.causes.is_empty() {
            defaults::validate(schema, &mut found);
        }
    }
    // Rules are compiled for schemas that are structural.
    let scope = (unsupported.is_none() && found.causes.is_empty()).then(rules::Scope::default);
    errors.causes.append(&mut found.causes);
    let mut found = Found::default();
    part(schema, &Place { root: true, rules: scope, ..Place::default() }, &mut found);
    errors.causes.extend(found.schemas.causes);
    errors.causes.extend(found.rules.causes);
    if let Some(why) = unsupported.filter(|_| errors.causes.len() == before) {
        errors.invalid(schema, &"".into(), &why);
    }
    found.costs.sum_up(schema, errors);
}

/// Complains about the first thing at the root of a schema that may not be there when there is a status subresource.
fn root(schema: &Field, errors: &mut Errors) {
    let kind = schema.get("type");
    let is_set = |name: &str| !schema.get(name).is_empty();
    let wrong_kind = !kind.is_empty() && kind.text() != "object";
    if wrong_kind && !["id", "$schema", "$ref"].into_iter().any(is_set) {
        let complaint =
            "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
        return errors.reject(&kind, complaint);
    }
    if schema.entries().any(|(name, _)| !ROOT.iter().any(|(known, _)| *known == name)) {
        let all: Vec<&str> = ROOT.iter().map(|(_, name)| *name).collect();
        let complaint = format!(
            "only [{}] fields are allowed at the root of the schema if the status subresource is enabled",
            all.join(" ")
        );
        errors.invalid_as(schema, &internal::print("JSONSchemaProps", schema.value()), &complaint);
    }
}

/// Where in a schema something lies.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    root: bool,
    in_metadata: bool,
    no_defaults: Option<&'a str>,
    rules: Option<rules::Scope<'a>>,
}

/// What is wrong: with schemas, and with rules, which is said after that.
#[derive(Default)]
struct Found {
    schemas: Errors,
    rules: Errors,
    costs: rules::Costs,
}

fn part(schema: &Field, place: &Place, found: &mut Found) {
    let before = found.schemas.causes.len();
    let errors = &mut found.schemas;
    standard(schema, place, errors);
    if schema.get("uniqueItems").is_true() {
        let complaint = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.forbidden(schema.get("uniqueItems"), complaint);
    }
    let (properties, additional, items) =
        (schema.get("properties"), schema.get("additionalProperties"), schema.get("items"));
    if additional.is_set() && properties.count() > 0 && additional.value() != &Value::Bool(true) {
        errors.forbidden(additional, "additionalProperties and properties are mutual exclusive");
    }
    let path = schema.to_string();
    let scope = place.rules.map(|scope| scope.below(schema.value()));
    let inner = Place { root: false, rules: scope, ..*place };
    if additional.value().is_object() {
        let reason = "inside additionalProperties applying to object metadata";
        let no_defaults = place.in_metadata.then_some(reason).or(place.no_defaults);
        part(&additional, &Place { no_defaults, ..inner }, found);
    }
    for (name, property) in properties.entries() {
        let meta = ["metadata", "kind", "apiVersion"].contains(&name);
        let embedded = schema.get("x-kubernetes-embedded-resource").is_true();
        let reason = format!("in top-level {name}");
        let mut inner = inner;
        inner.in_metadata |= meta && (place.root || embedded);
        if meta && place.root {
            inner.no_defaults = Some(&reason);
        }
        part(&property, &inner, found);
    }
    for list in ["not", "allOf", "oneOf", "anyOf"].map(|name| schema.get(name)) {
        let inner = Place { rules: None, ..inner };
        if list.value().is_object() {
            part(&list, &inner, found);
        }
        list.items().for_each(|schema| part(&schema, &inner, found));
    }
    let unruled = Place { rules: None, ..inner };
    let (definitions, dependencies) = (schema.get("definitions"), schema.get("dependencies"));
    definitions.entries().for_each(|(_, schema)| part(&schema, &unruled, found));
    items.items().for_each(|schema| part(&schema, &unruled, found));
    for (_, schema) in dependencies.entries().filter(|(_, schema)| schema.value().is_object()) {
        part(&schema, &unruled, found);
    }
    if items.value().is_object() {
        let keyed = schema.get("x-kubernetes-list-type").text() == "map";
        let rules = scope.map(|scope| if keyed { scope } else { scope.without_old(&path) });
        part(&items, &Place { rules, ..inner }, found);
    }
    extensions(schema, &mut found.schemas);
    list_map(schema, &mut found.schemas);
    rules::written(schema, &mut found.schemas);
    if let Some(scope) = place.rules.filter(|_| found.schemas.causes.len() == before) {
        let whole = place.root || schema.get("x-kubernetes-embedded-resource").is_true();
        rules::compiled(schema, whole, &scope, &mut found.rules, &mut found.costs);
    }
}

/// Complains about what OpenAPI has and Kubernetes has not.
fn standard(schema: &Field, place: &Place, errors: &mut Errors) {
    let (kind, items) = (schema.get("type"), schema.get("items"));
    if !kind.is_empty() {
        errors.one_of(&kind, &TYPES);
    }
    if let Some(reason) = place.no_defaults.filter(|_| schema.get("default").is_set()) {
        errors.forbidden(schema.get("default"), &format!("must not be set {reason}"));
    }
    for name in ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] {
        // Those that are pointers in Go are there when they are empty, too.
        let is_pointer = ["additionalItems", "dependencies", "$ref"].contains(&name);
        if !schema.get(name).is_empty() || is_pointer && schema.get(name).is_set() {
            errors.forbidden(schema.get(name), &format!("{name} is not supported"));
        }
    }
    if kind.text() == "null" {
        errors.forbidden(kind, "type cannot be set to null, use nullable as an alternative");
    }
    if items.value().is_array() {
        errors.forbidden(items, "items must be a schema object and not an array");
    }
    let embedded = schema.get("x-kubernetes-embedded-resource");
    if place.in_metadata && embedded.is_true() {
        errors.forbidden(embedded, "must not be used inside of resource meta");
    }
}

fn extensions(schema: &Field, errors: &mut Errors) {
    let (kind, items) = (schema.get("type"), schema.get("items"));
    let (preserve, map, list) = (
        schema.get("x-kubernetes-preserve-unknown-fields"),
        schema.get("x-kubernetes-map-type"),
        schema.get("x-kubernetes-list-type"),
    );
    if preserve.is_set() && !preserve.is_true() {
        errors.reject(&preserve, "must be true or undefined");
    }
    typed(&map, &kind, "object", "x-kubernetes-map-type", errors);
    if map.is_set() {
        errors.one_of(&map, &["atomic", "granular"]);
    }
    let wrong = typed(&list, &kind, "array", "x-kubernetes-list-type", errors);
    if !wrong && list.text() == "set" {
        let inner_list = items.get("x-kubernetes-list-type");
        let complaint = "must be atomic as item of a list with x-kubernetes-list-type=set";
        match items.get("type").text() {
            "array" if !["", "atomic"].contains(&inner_list.text()) => errors.reject(&inner_list, complaint),
            "object" if items.get("x-kubernetes-map-type").text() != "atomic" => {
                errors.invalid(items.get("x-kubernetes-map-type"), inner_list.value(), complaint);
            }
            _ => {}
        }
    }
    if list.is_set() {
        errors.one_of(&list, &["atomic", "set", "map"]);
    }
}

/// Complains about an extension of a schema of another type; says whether it is one.
fn typed(extension: &Field, kind: &Field, wanted: &str, name: &str, errors: &mut Errors) -> bool {
    let wrong = extension.is_set() && kind.text() != wanted;
    let complaint = format!("must be {wanted} if {name} is specified");
    if wrong && kind.is_empty() {
        errors.required(kind, &complaint);
    } else if wrong {
        errors.reject(kind, &complaint);
    }
    wrong
}

fn list_map(schema: &Field, errors: &mut Errors) {
    let (list, keys, items) =
        (schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys"), schema.get("items"));
    if keys.count() > 0 && list.text() != "map" {
        let complaint = "must be map if x-kubernetes-list-map-keys is non-empty";
        if list.is_set() {
            errors.reject(&list, complaint);
        } else {
            errors.required(list, complaint);
        }
    }
    let properties = items.get("properties");
    if list.text() == "map" {
        if keys.count() == 0 {
            errors.required(keys, "must not be empty if x-kubernetes-list-type is map");
        }
        let kind = items.get("type");
        if !items.is_set() {
            errors.required(items, "must have a schema if x-kubernetes-list-type is map");
        } else if items.value().is_array() {
            let printed = internal::print("JSONSchemaPropsOrArray", items.value());
            errors.invalid_as(items, &printed, "must only have a single schema if x-kubernetes-list-type is map");
        } else if kind.text() != "object" {
            let complaint = "must be object if parent array's x-kubernetes-list-type is map";
            errors.invalid_as(kind, &quoted(kind.text()), complaint);
        } else {
            for (index, key) in keys.items().enumerate() {
                let property = properties.entry(key.text());
                if !property.is_set() {
                    errors.reject(&keys, "entries must all be names of item properties");
                } else if ["array", "object"].contains(&property.get("type").text()) {
                    let complaint = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                    errors.invalid(property.get("type"), kind.value(), complaint);
                }
                if (0..index).any(|before| keys.item(before).text() == key.text()) {
                    errors.reject(&keys, "must not contain duplicate entries");
                }
            }
        }
    }
    if !["set", "map"].contains(&list.text()) || !items.value().is_object() {
        return;
    }
    if items.get("nullable").is_true() {
        let complaint = format!("cannot be nullable when x-kubernetes-list-type is {}", list.text());
        errors.forbidden(items.get("nullable"), &complaint);
    }
    let required = items.get("required");
    for key in keys.items().filter(|key| list.text() == "map" && properties.entry(key.text()).is_set()) {
        let property = properties.entry(key.text());
        let reason = "this property is in x-kubernetes-list-map-keys, so it";
        if !required.items().any(|name| name.text() == key.text()) && !property.get("default").is_set() {
            errors
                .required(property.get("default"), &format!("{reason} must have a default or be a required property"));
        }
        if property.get("nullable").is_true() {
            errors.forbidden(property.get("nullable"), &format!("{reason} cannot be nullable"));
        }
    }
}

/// The formats of all versions' schemas that nobody checks.
pub(super) fn unknown_formats(definition: &Object) -> Vec<String> {
    let mut unknown = Vec::new();
    for version in definition.items_at(&["spec", "versions"]) {
        collect_formats(version.at(&["schema", "openAPIV3Schema"]).unwrap_or(&Value::Null), &mut unknown);
    }
    unknown.sort();
    unknown.dedup();
    unknown
}

fn collect_formats(schema: &Value, unknown: &mut Vec<String>) {
    let format = schema.text(&["format"]);
    let kind = if schema.get("x-kubernetes-int-or-string") == Some(&true.into()) { "" } else { schema.text(&["type"]) };
    let known = formats::checked(format, kind).is_some();
    if !format.is_empty() && !known {
        unknown.push(format.into());
    }
    for name in ["items", "not", "additionalProperties"] {
        if let Some(inner) = schema.get(name).filter(|inner| inner.is_object()) {
            collect_formats(inner, unknown);
        }
    }
    for name in ["allOf", "anyOf", "oneOf"] {
        schema.items_at(&[name]).iter().for_each(|inner| collect_formats(inner, unknown));
    }
    for (_, inner) in schema.map_at(&["properties"]).into_iter().flatten() {
        collect_formats(inner, unknown);
    }
}
