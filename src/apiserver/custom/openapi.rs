//! What clients are told of the types of custom resources.

use crate::api::types::Gvk;
use crate::api::{Catalog, GroupVersion, GroupVersionKind, Map, ObjectExt, TypeNode, Value};
use crate::apiserver::registry::Served;
use crate::schema::{self, Resource, openapi};
use serde_json::json;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock};

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const CONVENTIONS: &str = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md";

/// What kube-apiserver says of the fields that every object has.
static API_VERSION: LazyLock<String> = LazyLock::new(|| {
    format!(
        "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized \
         schemas to the latest internal value, and may reject unrecognized values. More info: {CONVENTIONS}#resources"
    )
});
static KIND: LazyLock<String> = LazyLock::new(|| {
    format!(
        "Kind is a string value representing the REST resource this object represents. Servers may infer this from the \
         endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: {CONVENTIONS}#types-kinds"
    )
});
static METADATA: LazyLock<String> =
    LazyLock::new(|| format!("Standard object's metadata. More info: {CONVENTIONS}#metadata"));
static LIST_METADATA: LazyLock<String> =
    LazyLock::new(|| format!("Standard list metadata. More info: {CONVENTIONS}#types-kinds"));

/// The types that documents of custom resources refer to.
static SHARED: LazyLock<BTreeMap<String, TypeNode>> = LazyLock::new(|| {
    let types = schema::builtin().types().iter();
    types
        .filter(|(name, _)| {
            name.starts_with("io.k8s.apimachinery.") || name.starts_with("io.k8s.api.autoscaling.v1.Scale")
        })
        .map(|(name, node)| (name.clone(), node.clone()))
        .collect()
});

/// The name of the type of a kind: `com.example.stable.v1.CronTab`.
pub fn type_name(kind: &GroupVersionKind) -> String {
    let mut parts: Vec<&str> = kind.group.split('.').rev().collect();
    parts.extend([kind.version.as_str(), kind.kind.as_str()]);
    parts.join(".")
}

/// The types of a kind's objects, for merges.
pub fn types(kind: &GroupVersionKind, source: &Value) -> Catalog {
    let mut node = openapi::node(source);
    add_meta(&mut node, true);
    node.gvk = vec![Gvk { group: kind.group.clone(), version: kind.version.clone(), kind: kind.kind.clone() }];
    let mut catalog = Catalog::new(SHARED.clone());
    catalog.insert(&type_name(kind), node);
    catalog
}

/// Adds the fields that every whole object has, and brings types into the form that merges want.
fn add_meta(node: &mut TypeNode, whole: bool) {
    let parts = node.fields.values_mut().map(Box::as_mut);
    parts
        .chain(node.values.as_deref_mut())
        .chain(node.items.as_deref_mut())
        .for_each(|part| add_meta(part, part.embedded));
    // Of numbers or texts, and of objects without fields, the values tell who owns what.
    if node.format == "int-or-string" {
        node.kind.clear();
        node.format.clear();
    }
    node.preserve_unknown |= !whole && node.kind == "object" && node.fields.is_empty() && node.values.is_none();
    if whole {
        let text = || Box::new(TypeNode { kind: "string".into(), ..TypeNode::default() });
        node.fields.entry("apiVersion".into()).or_insert_with(text);
        node.fields.entry("kind".into()).or_insert_with(text);
        let metadata = TypeNode { reference: Some(format!("{META}ObjectMeta")), ..TypeNode::default() };
        node.fields.insert("metadata".into(), Box::new(metadata));
    }
}

/// The schema of a kind as a document has it.
fn published(served: &Served, v2: bool) -> Option<Value> {
    let custom = served.custom.as_ref()?;
    let mut schema = custom.source.clone();
    if v2 {
        simplify(&mut schema);
    }
    // Of a whole object about which nothing is said, clients must not believe that it has metadata only.
    if schema.is_object() && !(v2 && schema.get("x-kubernetes-preserve-unknown-fields") == Some(&true.into())) {
        put_meta(&mut schema, true, v2);
    } else {
        schema = json!({"type": "object"});
    }
    schema["x-kubernetes-group-version-kind"] = gvk(&served.kind);
    Some(schema)
}

fn gvk(kind: &GroupVersionKind) -> Value {
    json!([{"group": kind.group, "version": kind.version, "kind": kind.kind}])
}

fn reference(name: &str, v2: bool) -> Value {
    json!({"$ref": format!("{}{name}", if v2 { "#/definitions/" } else { "#/components/schemas/" })})
}

fn described(name: &str, description: &str, v2: bool) -> Value {
    let target = reference(name, v2);
    let mut schema = if v2 { target } else { json!({"allOf": [target]}) };
    schema["description"] = description.into();
    schema
}

/// Adds the fields that whole objects have to those that are.
fn put_meta(schema: &mut Value, whole: bool, v2: bool) {
    for key in ["additionalProperties", "items"] {
        if let Some(inner) = schema.get_mut(key).filter(|inner| inner.is_object()) {
            put_meta(inner, false, v2);
        }
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(|property| put_meta(property, false, v2));
    }
    if whole || schema.get("x-kubernetes-embedded-resource") == Some(&true.into()) {
        schema.put(&["properties", "apiVersion"], json!({"type": "string", "description": *API_VERSION}));
        schema.put(&["properties", "kind"], json!({"type": "string", "description": *KIND}));
        schema.put(&["properties", "metadata"], described(&format!("{META}ObjectMeta"), &METADATA, v2));
    }
}

/// Takes away what Swagger 2, as kubectl reads it, cannot say.
fn simplify(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else { return };
    ["anyOf", "oneOf", "allOf", "not", "default", "x-kubernetes-validations"]
        .iter()
        .for_each(|key| drop(map.remove(*key)));
    let holds = |map: &Map<String, Value>, key: &str| map.get(key) == Some(&true.into());
    if holds(map, "nullable") || holds(map, "x-kubernetes-int-or-string") {
        map.retain(|key, _| ["description", "x-kubernetes-int-or-string"].contains(&key.as_str()));
    }
    if holds(map, "x-kubernetes-preserve-unknown-fields") {
        map.retain(|key, _| {
            !["properties", "additionalProperties", "items", "type", "required"].contains(&key.as_str())
        });
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = map.get_mut(key).filter(|inner| inner.is_object()) {
            simplify(inner);
        }
    }
    if let Some(properties) = map.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(simplify);
    }
}

fn published_list(served: &Served, v2: bool) -> Option<(String, Value)> {
    let custom = served.custom.as_ref()?;
    let kind = GroupVersionKind { kind: custom.list_kind.clone(), ..served.kind.clone() };
    let description = format!("List of {}. More info: {CONVENTIONS}", served.info.resource);
    let schema = json!({
        "type": "object",
        "description": format!("{} is a list of {}", custom.list_kind, served.kind.kind),
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string", "description": *API_VERSION},
            "kind": {"type": "string", "description": *KIND},
            "items": {"type": "array", "description": description, "items": reference(&custom.type_name, v2)},
            "metadata": described(&format!("{META}ListMeta"), &LIST_METADATA, v2),
        },
        "x-kubernetes-group-version-kind": gvk(&kind),
    });
    Some((type_name(&kind), schema))
}

/// The types of custom resources and their lists, as documents need them to refer to.
fn catalog(all: &[Arc<Served>]) -> Catalog {
    let mut catalog = Catalog::new(SHARED.clone());
    for served in all {
        let Some(custom) = &served.custom else { continue };
        for kind in [served.kind.kind.clone(), custom.list_kind.clone()] {
            let kind = GroupVersionKind { kind, ..served.kind.clone() };
            let gvk = Gvk { group: kind.group.clone(), version: kind.version.clone(), kind: kind.kind.clone() };
            let meta =
                |name: &str| Box::new(TypeNode { reference: Some(format!("{META}{name}")), ..TypeNode::default() });
            // The schemas themselves take the place of these later; what matters is what they refer to.
            let fields = [("metadata".into(), meta("ObjectMeta")), ("listMeta".into(), meta("ListMeta"))].into();
            catalog.insert(&type_name(&kind), TypeNode { gvk: vec![gvk], fields, ..TypeNode::default() });
        }
    }
    catalog
}

fn put_schemas(all: &[Arc<Served>], schemas: &mut Value, v2: bool) {
    for served in all {
        if let (Some(custom), Some(schema), Some((list, list_schema))) =
            (&served.custom, published(served, v2), published_list(served, v2))
        {
            schemas[&custom.type_name] = schema;
            schemas[list] = list_schema;
        }
    }
}

/// The OpenAPI 3 document of a version of a group; none when it has no custom resources.
pub fn v3(all: &[Arc<Served>], version: &GroupVersion) -> Option<Value> {
    let of_version: Vec<Arc<Served>> = all.iter().filter(|s| s.kind.group_version() == *version).cloned().collect();
    if of_version.is_empty() {
        return None;
    }
    let catalog = catalog(&of_version);
    let resources: Vec<&Resource> = of_version.iter().map(|served| &*served.info).collect();
    let mut document = openapi::Contents { catalog: &catalog, strategic: false }.v3(version, &resources);
    put_schemas(&of_version, document.at_mut(&["components", "schemas"]), false);
    Some(document)
}

/// Adds custom resources to the Swagger 2 document.
pub fn add_to_v2(all: &[Arc<Served>], document: &mut Value) {
    let catalog = catalog(all);
    let mut versions: Vec<(GroupVersion, Vec<&Resource>)> = Vec::new();
    for served in all {
        let version = served.kind.group_version();
        match versions.iter_mut().find(|(other, _)| *other == version) {
            Some((_, resources)) => resources.push(&served.info),
            None => versions.push((version, vec![&served.info])),
        }
    }
    let mut added = openapi::Contents { catalog: &catalog, strategic: false }.v2(&versions);
    if let (Some(Value::Object(more)), Some(paths)) = (added.take_at(&["paths"]), document["paths"].as_object_mut()) {
        paths.extend(more);
    }
    put_schemas(all, &mut document["definitions"], true);
}

/// The paths of the OpenAPI 3 documents of custom resources, with a text for each that changes when it does.
pub fn index(all: &[Arc<Served>]) -> BTreeMap<String, String> {
    let mut hashers: BTreeMap<String, DefaultHasher> = BTreeMap::new();
    for served in all {
        let path = served.kind.group_version().root().trim_start_matches('/').to_owned();
        let hasher = hashers.entry(path).or_default();
        let source = served.custom.as_ref().map(|custom| custom.source.to_string());
        (&served.info.resource, &served.kind.kind, &served.info.short_names, served.info.subresources.len(), source)
            .hash(hasher);
    }
    hashers.into_iter().map(|(path, hasher)| (path, format!("{:016X}", hasher.finish()))).collect()
}
