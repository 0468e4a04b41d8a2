//! Reading a server's OpenAPI documents into types.

use crate::api::types::Gvk;
use crate::api::{Catalog, ObjectExt, TypeNode, Value};
use std::collections::BTreeMap;

/// The types of an OpenAPI 3 document (`/openapi/v3/...`), by name and kind. What is no schema is passed over.
pub fn from_v3(document: &Value) -> Catalog {
    catalog(document, &["components", "schemas"])
}

/// The types of a Swagger 2 document (`/openapi/v2`), by name and kind.
pub fn from_v2(document: &Value) -> Catalog {
    catalog(document, &["definitions"])
}

fn catalog(document: &Value, place: &[&str]) -> Catalog {
    let schemas = document.map_at(place).into_iter().flatten();
    let types: BTreeMap<String, TypeNode> = schemas.map(|(name, schema)| (name.clone(), node(schema))).collect();
    Catalog::new(types)
}

/// Reads one schema, as a document or a CustomResourceDefinition has it.
pub fn node(schema: &Value) -> TypeNode {
    let text = |key: &str| schema.text(&[key]).to_owned();
    let holds = |key: &str| schema.get(key).and_then(Value::as_bool).unwrap_or(false);
    let texts = |key: &str| -> Vec<String> {
        schema.items_at(&[key]).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let fields = schema.map_at(&["properties"]).into_iter().flatten();
    let mut read = TypeNode {
        kind: text("type"),
        format: text("format"),
        reference: reference(schema),
        fields: fields.map(|(name, field)| (name.clone(), Box::new(node(field)))).collect(),
        values: match schema.get("additionalProperties") {
            Some(Value::Bool(true)) => Some(Box::default()),
            Some(values @ Value::Object(_)) => Some(Box::new(node(values))),
            _ => None,
        },
        items: schema.get("items").map(|items| Box::new(node(items))),
        required: texts("required"),
        allowed: schema.items_at(&["enum"]).to_vec(),
        default: schema.get("default").cloned(),
        list_type: text("x-kubernetes-list-type"),
        list_map_keys: texts("x-kubernetes-list-map-keys"),
        map_type: text("x-kubernetes-map-type"),
        patch_strategy: text("x-kubernetes-patch-strategy"),
        patch_merge_key: text("x-kubernetes-patch-merge-key"),
        gvk: schema.items_at(&["x-kubernetes-group-version-kind"]).iter().map(gvk).collect(),
        unions: schema.get("x-kubernetes-unions").cloned().unwrap_or_default(),
        preserve_unknown: holds("x-kubernetes-preserve-unknown-fields"),
        embedded: holds("x-kubernetes-embedded-resource"),
        description: text("description"),
        ..TypeNode::default()
    };
    // What may be one of several scalars is said in several ways.
    let either = |key: &str| -> Vec<&str> { schema.items_at(&[key]).iter().map(|one| one.text(&["type"])).collect() };
    let either = [either("oneOf"), either("anyOf")].concat();
    if holds("x-kubernetes-int-or-string") || either.contains(&"integer") && either.contains(&"string") {
        read.format = "int-or-string".into();
    }
    if read.kind.is_empty() && (read.format == "int-or-string" || either.contains(&"string")) {
        read.kind = "string".into();
    }
    read
}

/// The type that a schema refers to, by itself or with more said beside it.
fn reference(schema: &Value) -> Option<String> {
    let one = schema.items_at(&["allOf"]).first().unwrap_or(schema);
    let text = schema.get("$ref").or_else(|| one.get("$ref"))?.as_str()?;
    Some(text.rsplit('/').next().unwrap_or(text).to_owned())
}

fn gvk(value: &Value) -> Gvk {
    let text = |key: &str| value.text(&[key]).to_owned();
    Gvk { group: text("group"), version: text("version"), kind: text("kind") }
}
