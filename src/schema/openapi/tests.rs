use super::*;
use crate::api::{GroupVersionKind, ObjectExt, TypeNode, TypeRef};
use std::path::Path;

/// A file of the reference; nothing, with a word, when it is not there.
fn reference(name: &str) -> Option<Value> {
    let shared = std::env::var("STEER_SHARED").unwrap_or_else(|_| "../shared".into());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(shared).join("reference").join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(_) => {
            eprintln!("skipped: {} is not there", path.display());
            None
        }
    }
}

/// Lists in which order says nothing, in one order.
fn sorted(value: &Value, key: &str) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), sorted(value, key))).collect(),
        Value::Array(list) => {
            let mut list: Vec<Value> = list.iter().map(|item| sorted(item, "")).collect();
            if ["consumes", "produces", "parameters", "x-kubernetes-group-version-kind"].contains(&key) {
                list.sort_by_key(Value::to_string);
            }
            list.into()
        }
        other => other.clone(),
    }
}

fn differences(ours: &Value, theirs: &Value, path: &str, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                differences(&ours[key], &theirs[key], &format!("{path} {key}"), found);
            }
        }
        _ if ours == theirs => {}
        _ => found.push(format!("{path}: {ours} instead of {theirs}")),
    }
}

fn assert_same(ours: &Value, theirs: &Value) {
    let mut found = Vec::new();
    differences(&sorted(ours, ""), &sorted(theirs, ""), "", &mut found);
    assert!(found.is_empty(), "{found:#?}");
}

fn policy() -> GroupVersion {
    GroupVersion::parse("policy/v1")
}

#[test]
fn the_v3_document_is_that_of_kube_apiserver() {
    let Some(theirs) = reference("openapi-v3-policy-v1.json") else { return };
    assert_same(&v3(&policy()).unwrap(), &theirs);
}

#[test]
fn the_v2_document_is_that_of_kube_apiserver() {
    let Some(mut theirs) = reference("openapi-v2-policy-v1.json") else { return };
    // Parameters that several operations share are written where they are used.
    let shared = theirs.take_at(&["parameters"]).unwrap();
    fn resolve(value: &mut Value, shared: &Value) {
        if let Some(name) = value.text(&["$ref"]).strip_prefix("#/parameters/") {
            *value = shared[name].clone();
        }
        match value {
            Value::Object(map) => map.values_mut().for_each(|value| resolve(value, shared)),
            Value::Array(list) => list.iter_mut().for_each(|value| resolve(value, shared)),
            _ => {}
        }
    }
    resolve(&mut theirs, &shared);
    // The reference is cut to one group: so is ours.
    let mut ours = v2();
    for part in ["paths", "definitions"] {
        let keep = theirs[part].as_object().unwrap().clone();
        ours[part].as_object_mut().unwrap().retain(|key, _| keep.contains_key(key));
    }
    assert_same(&ours, &theirs);
}

#[test]
fn the_index_leads_to_every_document() {
    let exchanges: Value =
        serde_json::from_str(include_str!("../../../fixtures/exchanges/discovery/openapi-v3-index.json")).unwrap();
    let theirs = exchanges[0]["response"]["body"]["paths"].as_object().unwrap();
    let index = v3_index();
    let ours = index["paths"].as_object().unwrap();
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for path in ours.keys() {
        let document = v3_at(path).unwrap_or_else(|| panic!("{path}"));
        assert!(!document["paths"].as_object().unwrap().is_empty(), "{path}");
        // Every reference leads to a schema.
        fn check(value: &Value, document: &Value) {
            if let Some(pointer) = value.get("$ref").and_then(Value::as_str) {
                assert!(document.pointer(pointer.trim_start_matches('#')).is_some(), "{pointer}");
            }
            match value {
                Value::Object(map) => map.values().for_each(|value| check(value, document)),
                Value::Array(list) => list.iter().for_each(|value| check(value, document)),
                _ => {}
            }
        }
        check(&document, &document);
    }
    assert_eq!(v3_at("apis/nosuch/v1"), None);
    assert_eq!(v3_at("nosuch"), None);
}

#[test]
fn operations_have_names_of_their_own() {
    let mut seen = std::collections::BTreeMap::new();
    for (path, item) in v2()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(method, _)| *method != "parameters") {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            let place = format!("{method} {path}");
            assert_eq!(seen.insert(id.clone(), place.clone()), None, "{id} {place}");
        }
    }
    for (id, place) in [
        ("listCoreV1PodForAllNamespaces", "get /api/v1/pods"),
        ("readCoreV1NamespacedPodLog", "get /api/v1/namespaces/{namespace}/pods/{name}/log"),
        ("connectCoreV1PostNamespacedPodExec", "post /api/v1/namespaces/{namespace}/pods/{name}/exec"),
        ("createCoreV1NamespacedPodEviction", "post /api/v1/namespaces/{namespace}/pods/{name}/eviction"),
        ("replaceCoreV1NamespaceFinalize", "put /api/v1/namespaces/{name}/finalize"),
        ("patchAppsV1NamespacedDeploymentScale", "patch /apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"),
        ("deleteCoreV1CollectionNode", "delete /api/v1/nodes"),
        ("getRbacAuthorizationV1APIResources", "get /apis/rbac.authorization.k8s.io/v1/"),
    ] {
        assert_eq!(seen.get(id).map(String::as_str), Some(place));
    }
}

/// What a type says, without what a document cannot say.
fn spoken(ty: TypeRef, depth: usize) -> Value {
    let (node, usage) = (ty.node(), ty.usage());
    let mut said = json!({
        "kind": node.kind, "format": node.format, "list": [ty.list_type(), ty.list_map_keys()],
        "map": ty.is_atomic_map(), "patch": [usage.patch_strategy, ty.patch_merge_key()],
        "required": node.required, "enum": node.allowed, "name": ty.name(),
    });
    if depth > 0 {
        let fields = node.fields.keys().map(|name| (name.clone(), spoken(ty.declared(name).unwrap(), depth - 1)));
        said["fields"] = Value::Object(fields.collect());
        said["items"] = ty.items().map_or(Value::Null, |items| spoken(items, depth - 1));
        said["values"] = ty.values().map_or(Value::Null, |values| spoken(values, depth - 1));
    }
    said
}

#[test]
fn documents_read_back() {
    let core = from_v3(&v3(&GroupVersion::parse("v1")).unwrap());
    let all = from_v2(&v2());
    for kind in ["Pod", "Service", "PersistentVolume", "Event"] {
        let kind = GroupVersionKind::new("", "v1", kind);
        let builtin = spoken(builtin().kind(&kind).unwrap(), 7);
        assert_eq!(spoken(core.kind(&kind).unwrap(), 7), builtin);
        assert_eq!(spoken(all.kind(&kind).unwrap(), 7), builtin);
    }
}

#[test]
fn quantities_are_texts_or_numbers() {
    let name = "io.k8s.apimachinery.pkg.api.resource.Quantity";
    let core = v3(&GroupVersion::parse("v1")).unwrap();
    assert_eq!(core["components"]["schemas"][name], json!({"oneOf": [{"type": "string"}, {"type": "number"}]}));
    assert_eq!(v2()["definitions"][name], json!({"type": "string"}));
    let read = from_v3(&core);
    assert!(read.named(name).unwrap().is_quantity() && read.named(name).unwrap().node().kind == "string");
}

#[test]
fn schemas_of_custom_resources_are_read() {
    let node = read::node(&json!({
        "type": "object", "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
            "port": {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": true},
            "any": {"additionalProperties": true, "type": "object"},
            "metadata": {"allOf": [{"$ref": "#/components/schemas/Meta"}], "description": "d"},
        }
    }));
    let field = |name: &str| -> &TypeNode { &node.fields[name] };
    assert!(node.preserve_unknown && field("any").values.is_some());
    assert_eq!((field("port").kind.as_str(), field("port").format.as_str()), ("string", "int-or-string"));
    assert_eq!((field("metadata").reference.as_deref(), field("metadata").description.as_str()), (Some("Meta"), "d"));
}
