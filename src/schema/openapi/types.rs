//! Types as OpenAPI writes them.

use crate::api::types::Gvk;
use crate::api::{Catalog, Map, Presence, TypeNode, TypeRef, Value};
use serde_json::json;

/// The version of OpenAPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Swagger 2.0.
    V2,
    /// OpenAPI 3.0.
    V3,
}

impl Dialect {
    /// Where types are, as references write it.
    pub fn prefix(self) -> &'static str {
        match self {
            Dialect::V2 => "#/definitions/",
            Dialect::V3 => "#/components/schemas/",
        }
    }

    /// A reference to the type `name`.
    pub fn reference(self, name: &str) -> Value {
        json!({"$ref": format!("{}{name}", self.prefix())})
    }
}

/// The schema of the type `name`. Of the kinds that it is the type of, only those are named that `names` picks.
pub fn schema(catalog: &Catalog, name: &str, dialect: Dialect, names: &dyn Fn(&Gvk) -> bool) -> Value {
    let Some(ty) = catalog.named(name) else { return json!({}) };
    let node = ty.node();
    let mut schema = Writer { dialect }.of(ty, node);
    let kinds: Vec<Value> = node
        .gvk
        .iter()
        .filter(|gvk| names(gvk))
        .map(|gvk| json!({"group": gvk.group, "version": gvk.version, "kind": gvk.kind}))
        .collect();
    if !kinds.is_empty() {
        schema["x-kubernetes-group-version-kind"] = kinds.into();
    }
    schema
}

struct Writer {
    dialect: Dialect,
}

impl Writer {
    /// The schema of a type: what `node`, its use or itself, says of it.
    fn of(&self, ty: TypeRef, node: &TypeNode) -> Value {
        let mut schema = Map::new();
        let mut put = |key: &str, value: Value| {
            schema.insert(key.into(), value);
        };
        let is_quantity = std::ptr::eq(node, ty.node()) && ty.is_quantity();
        match (node.kind.as_str(), node.format.as_str(), self.dialect) {
            (_, "int-or-string", Dialect::V3) => {
                put("format", "int-or-string".into());
                put("oneOf", json!([{"type": "integer"}, {"type": "string"}]));
            }
            _ if is_quantity && self.dialect == Dialect::V3 => {
                put("oneOf", json!([{"type": "string"}, {"type": "number"}]));
            }
            (kind, format, _) => {
                for (key, text) in [("type", kind), ("format", format)] {
                    if !text.is_empty() {
                        put(key, text.into());
                    }
                }
            }
        }
        if !node.fields.is_empty() {
            let fields = node.fields.keys().filter_map(|name| Some((name.clone(), self.field(ty.declared(name)?))));
            put("properties", Value::Object(fields.collect()));
        }
        if let Some(of_values) = ty.values() {
            put("additionalProperties", self.part(of_values));
        }
        if let Some(of_items) = ty.items() {
            put("items", self.part(of_items));
        }
        if !node.required.is_empty() {
            put("required", json!(node.required));
        }
        rules(node, &mut schema);
        Value::Object(schema)
    }

    /// The schema of a list's items or a map's values.
    fn part(&self, ty: TypeRef) -> Value {
        match ty.name() {
            Some(name) => self.dialect.reference(name),
            None => self.of(ty, ty.usage()),
        }
    }

    /// The schema of a field.
    fn field(&self, ty: TypeRef) -> Value {
        let usage = ty.usage();
        let mut schema = match (ty.name(), self.dialect) {
            (Some(name), Dialect::V2) => self.dialect.reference(name),
            (Some(name), Dialect::V3) => json!({"allOf": [self.dialect.reference(name)]}),
            (None, _) => self.of(ty, usage),
        };
        if let Value::Object(schema) = &mut schema {
            if ty.name().is_some() {
                rules(usage, schema);
            }
            if self.dialect == Dialect::V3
                && let Some(default) = usage.default.clone().or_else(|| zero(ty))
            {
                schema.insert("default".into(), default);
            }
        }
        schema
    }
}

/// What a field is that is always written, where OpenAPI can say it.
fn zero(ty: TypeRef) -> Option<Value> {
    let node = ty.node();
    let says = match node.kind.as_str() {
        "object" => !node.fields.is_empty(),
        "string" => ty.name().is_none() && node.format.is_empty(),
        "integer" | "number" | "boolean" => true,
        _ => false,
    };
    if ty.usage().presence != Presence::Always || !says {
        return None;
    }
    Some(if node.kind == "object" { json!({}) } else { ty.zero() })
}

/// What merges and validation need to know.
fn rules(node: &TypeNode, schema: &mut Map<String, Value>) {
    let mut put = |key: &str, value: Value| {
        schema.insert(key.into(), value);
    };
    if !node.description.is_empty() {
        put("description", node.description.as_str().into());
    }
    if !node.allowed.is_empty() {
        put("enum", node.allowed.clone().into());
    }
    if !node.list_map_keys.is_empty() {
        put("x-kubernetes-list-map-keys", json!(node.list_map_keys));
    }
    for (key, text) in [
        ("x-kubernetes-list-type", &node.list_type),
        ("x-kubernetes-map-type", &node.map_type),
        ("x-kubernetes-patch-strategy", &node.patch_strategy),
        ("x-kubernetes-patch-merge-key", &node.patch_merge_key),
    ] {
        if !text.is_empty() {
            put(key, text.as_str().into());
        }
    }
    for (key, holds) in [
        ("x-kubernetes-preserve-unknown-fields", node.preserve_unknown),
        ("x-kubernetes-embedded-resource", node.embedded),
    ] {
        if holds {
            put(key, true.into());
        }
    }
    if !node.unions.is_null() {
        put("x-kubernetes-unions", node.unions.clone());
    }
}
