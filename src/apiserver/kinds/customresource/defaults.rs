//! Defaults of schemas: each must be a value that the schema takes, without what would be pruned.

use super::super::super::custom::schema::Schema;
use super::super::super::custom::{embedded, faults_of_default, has_unknown_fields};
use super::super::field::{Errors, Field};
use crate::api::Value;
use serde_json::json;

/// Complains about the defaults of a structural schema of whole objects.
pub(super) fn validate(schema: &Field, errors: &mut Errors) {
    let around = Around { root: schema.value(), way: Vec::new() };
    part(schema, true, false, &around, errors);
}

/// What is around a value: a whole object, and the way from it to the value.
#[derive(Clone)]
struct Around<'a> {
    root: &'a Value,
    /// The names of fields; none for the item of a list.
    way: Vec<Option<&'a str>>,
}

impl<'a> Around<'a> {
    fn below(&self, step: Option<&'a str>) -> Self {
        let mut around = self.clone();
        around.way.push(step);
        around
    }

    /// An object that has nothing but a value where it belongs.
    fn object(&self, value: &Value) -> Value {
        let wrap = |inner: Value, step: &Option<&str>| match step {
            Some(name) => json!({(*name): inner}),
            None => json!([inner]),
        };
        let mut object = self.way.iter().rev().fold(value.clone(), wrap);
        for (name, text) in [("apiVersion", "validation/v1"), ("kind", "Validation")] {
            if let Some(map) = object.as_object_mut() {
                map.entry(name).or_insert_with(|| text.into());
            }
        }
        object
    }
}

/// `whole` says that the schema is that of all of an object; `in_metadata` that it is below what objects have in common.
fn part<'v>(schema: &Field<'v, '_>, whole: bool, in_metadata: bool, around: &Around<'v>, errors: &mut Errors) {
    let embedded = whole || schema.get("x-kubernetes-embedded-resource").is_true();
    let own = Around { root: schema.value(), way: Vec::new() };
    let (in_metadata, around) = if embedded { (false, &own) } else { (in_metadata, around) };
    let default = schema.get("default");
    if default.is_set() {
        let mut compiled = Schema::compile_with_rules(schema.value(), embedded);
        compiled.embedded = embedded;
        if in_metadata {
            within_metadata(&default, &compiled, around, errors);
        } else {
            value(&default, &compiled, errors);
        }
    }
    let items = schema.get("items");
    if items.value().is_object() {
        part(&items, false, in_metadata, &around.below(None), errors);
    }
    let properties = schema.get("properties");
    for (name, property) in properties.entries() {
        let in_metadata = in_metadata || embedded && ["metadata", "apiVersion", "kind"].contains(&name);
        part(&property, false, in_metadata, &around.below(Some(name)), errors);
    }
}

fn value(default: &Field, schema: &Schema, errors: &mut Errors) {
    let mut object = default.value().clone();
    if has_unknown_fields(&object, schema) {
        errors.reject(default, "must not have unknown fields");
    }
    let place = default.to_string();
    if let Err(error) = embedded::coerce(&mut object, schema, &place) {
        return errors.push("FieldValueInvalid", error.field, error.complaint);
    }
    let before = errors.causes.len();
    embedded::validate(&object, schema, &place, errors);
    if errors.causes.len() == before {
        errors.causes.extend(faults_of_default(&object, schema, &place).causes);
    }
}

/// Complains about a default of what all objects have in common, which must make such an object.
fn within_metadata(default: &Field, schema: &Schema, around: &Around, errors: &mut Errors) {
    let mut object = around.object(default.value());
    let mut root = Schema::compile(around.root);
    root.embedded = true;
    let refuse = |why: String, errors: &mut Errors| {
        errors.reject(default, &format!("must result in valid metadata: {why}"));
    };
    if let Err(error) = embedded::coerce(&mut object, &root, "") {
        return refuse(error.to_string(), errors);
    }
    let mut found = Errors::default();
    embedded::validate(&object, &root, "", &mut found);
    if found.causes.is_empty() {
        errors.causes.extend(faults_of_default(default.value(), schema, &default.to_string()).causes);
    } else {
        refuse(found.summary(), errors);
    }
}
