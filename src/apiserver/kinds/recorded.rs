//! What a kube-apiserver answered, held against the rules here.

use super::{Kind, rules};
use crate::api::{Object, ObjectExt, TypeRef, Value};
use crate::apiserver::kinds::field::Errors;
use crate::schema;
use serde_json::json;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// One request and its answer.
struct Exchange {
    method: String,
    path: String,
    sent: Value,
    status: u64,
    got: Value,
    warnings: Vec<String>,
}

/// The recordings that lie in the repository; the others that lie beside it, where they do.
fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("STEER_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in [root.join("fixtures/exchanges"), shared.join("reference/exchanges")] {
        for folder in [folder.join("kinds"), folder] {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                let known = files.iter().any(|file| file.file_name() == path.file_name());
                if path.extension().is_some_and(|e| e == "json") && !known {
                    files.push(path);
                }
            }
        }
    }
    files.sort();
    files
}

fn exchanges(file: &Path) -> Vec<Exchange> {
    let text = std::fs::read_to_string(file).unwrap();
    let list: Vec<Value> = serde_json::from_str(&text).unwrap();
    let list: Vec<Value> = list.into_iter().filter(|e| e["response"].get("body").is_some()).collect();
    let exchange = |e: &Value| {
        let (request, answer) = (&e["request"], &e["response"]);
        let headers = match &answer["headers"]["Warning"] {
            Value::String(one) => vec![one.clone()],
            Value::Array(list) => list.iter().filter_map(Value::as_str).map(String::from).collect(),
            _ => Vec::new(),
        };
        let warning = |header: String| {
            let text = header.strip_prefix("299 - \"").and_then(|text| text.strip_suffix('"'));
            text.map(|text| text.replace("\\\"", "\"").replace("\\\\", "\\"))
        };
        Exchange {
            method: request.text(&["method"]).into(),
            path: request.text(&["path"]).into(),
            sent: request["body"].clone(),
            status: answer["status"].as_u64().unwrap_or(0),
            got: answer["body"].clone(),
            // That a version goes away is the server's to say.
            warnings: headers
                .into_iter()
                .filter_map(warning)
                .filter(|text| !text.contains(" is deprecated in v"))
                .collect(),
        }
    };
    list.iter().map(exchange).collect()
}

/// Where a request goes.
struct Target {
    rules: Kind,
    api_version: String,
    kind: String,
    namespaced: bool,
    namespace: String,
    resource: String,
    name: String,
    subresource: String,
    ty: Option<TypeRef<'static>>,
}

fn target(path: &str) -> Option<Target> {
    let path = path.split('?').next()?;
    let mut parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (group, version) = match parts.remove(0) {
        "api" => ("", parts.remove(0)),
        "apis" if parts.len() > 2 => (parts.remove(0), parts.remove(0)),
        _ => return None,
    };
    let mut namespace = "";
    if parts.first() == Some(&"namespaces") && parts.len() > 2 && !["status", "finalize"].contains(&parts[2]) {
        namespace = parts[1];
        parts.drain(..2);
    }
    let mut parts = parts.into_iter();
    let (resource, name, subresource) = (parts.next()?, parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let found = |r: &&schema::Resource| (&*r.group, &*r.version, &*r.resource) == (group, version, resource);
    let info = schema::resources().iter().find(found)?;
    Some(Target {
        rules: rules(if group == "events.k8s.io" { "" } else { group }, resource),
        api_version: info.group_version_kind().api_version(),
        ty: schema::builtin().kind(&info.group_version_kind()),
        kind: info.kind.clone(),
        namespaced: info.namespaced(),
        namespace: namespace.into(),
        resource: format!("{resource}.{group}"),
        name: name.into(),
        subresource: subresource.into(),
    })
}

/// Without what Go leaves out when it is empty, and what the server adds by itself.
fn pruned(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let parts = map.iter().map(|(key, part)| (key.clone(), pruned(part)));
            Value::Object(parts.filter(|(_, part)| !is_empty(part)).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(pruned).collect()),
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(true) => false,
    }
}

/// A new object as the generic code hands it on; metadata as in the answer.
fn prepared(exchange: &Exchange, at: &Target) -> Object {
    let mut object = exchange.sent.clone();
    object.put(&["apiVersion"], at.api_version.as_str());
    object.put(&["kind"], at.kind.as_str());
    let ty = at.ty.expect("every resource has a type");
    schema::normalise(&mut object, ty).expect("what was recorded can be decoded");
    (at.rules.default)(&mut object);
    for key in ["uid", "creationTimestamp"] {
        let text = exchange.got.text(&["metadata", key]);
        object.put(&["metadata", key], if text.is_empty() { "set" } else { text });
    }
    if at.namespaced {
        object.put(&["metadata", "namespace"], at.namespace.as_str());
    }
    if object.name().is_empty() && !object.text(&["metadata", "generateName"]).is_empty() {
        object.put(&["metadata", "name"], exchange.got.name());
    }
    if at.rules.has_generation {
        object.put(&["metadata", "generation"], 1);
    }
    (at.rules.prepare_for_create)(&mut object);
    object
}

fn lines(causes: impl Iterator<Item = (String, String)>) -> Vec<String> {
    // Of metadata, only names are looked at here.
    let lines = causes.map(|(field, message)| format!("{field}: {message}"));
    lines.filter(|line| !line.starts_with("metadata.") || line.starts_with("metadata.name: Invalid")).collect()
}

fn recorded_causes(status: &Value) -> Vec<String> {
    let causes = status.items_at(&["details", "causes"]).iter();
    lines(causes.map(|cause| (cause.text(&["field"]).into(), cause.text(&["message"]).into())))
}

fn causes(errors: Errors) -> Vec<String> {
    lines(errors.causes.into_iter().map(|cause| (cause.field, cause.message)))
}

/// How many comparisons held, and what did not.
#[derive(Default)]
struct Score {
    right: usize,
    wrong: Vec<String>,
}

impl Score {
    fn count<T: PartialEq + std::fmt::Debug>(&mut self, about: &str, ours: &T, theirs: &T) {
        if ours == theirs {
            self.right += 1;
        } else {
            self.wrong.push(format!("{about}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }

    /// Says how many held, and fails when there are fewer than there have been.
    fn floor(&self, what: &str, floor: usize) {
        println!("{what}: {} as recorded, {} not", self.right, self.wrong.len());
        for wrong in &self.wrong {
            println!("{wrong}");
        }
        assert!(self.right >= floor, "{what}: only {} as recorded, there were {floor}", self.right);
    }
}

fn about(file: &Path, index: usize, exchange: &Exchange) -> String {
    format!("{}#{index} {} {}", file.file_stem().unwrap().to_string_lossy(), exchange.method, exchange.path)
}

/// All exchanges that make an object, or were to make one.
fn each_create(mut see: impl FnMut(&str, &Exchange, &Target)) {
    for file in files() {
        for (i, exchange) in exchanges(&file).iter().enumerate().filter(|(_, e)| e.method == "POST") {
            // Reviews are answered, not kept, and options of requests are the server's.
            let ours = |at: &Target| !at.kind.ends_with("Review") && at.name.is_empty() && exchange.sent.is_object();
            let about_options = exchange
                .got
                .items_at(&["details", "causes"])
                .iter()
                .any(|cause| ["dryRun", "fieldValidation", "fieldManager"].contains(&cause.text(&["field"])));
            let Some(at) = target(&exchange.path).filter(ours).filter(|_| !about_options) else {
                continue;
            };
            see(&about(&file, i, exchange), exchange, &at);
        }
    }
}

#[test]
fn new_objects_are_as_recorded() {
    let mut score = Score::default();
    each_create(|about, exchange, at| {
        if exchange.status != 201 || exchange.got.kind() != at.kind {
            return;
        }
        let mut theirs = exchange.got.clone();
        let mut ours = prepared(exchange, at);
        // As when it is read from the store.
        (at.rules.default)(&mut ours);
        if let Some(metadata) = theirs.at_mut(&["metadata"]).as_object_mut() {
            metadata.retain(|key, _| key != "managedFields" && key != "resourceVersion");
        }
        // What is allocated is the server's to do.
        if at.kind == "Service" {
            for object in [&mut ours, &mut theirs] {
                object.take_at(&["spec", "clusterIP"]);
                object.take_at(&["spec", "clusterIPs"]);
                object.take_at(&["spec", "ipFamilies"]);
                object.take_at(&["spec", "healthCheckNodePort"]);
                for port in object.at_mut(&["spec", "ports"]).as_array_mut().into_iter().flatten() {
                    port.take_at(&["nodePort"]);
                }
            }
        }
        score.count(about, &pruned(&ours).to_string(), &pruned(&theirs).to_string());
    });
    score.floor("new objects", 158);
}

#[test]
fn complaints_are_as_recorded() {
    let mut score = Score::default();
    each_create(|about, exchange, at| {
        if exchange.status != 422 && exchange.status != 201 {
            return;
        }
        let object = prepared(exchange, at);
        let mut errors = Errors::default();
        let names = (at.rules.name_complaints)(object.name(), false);
        for complaint in names.iter().filter(|_| !object.name().is_empty()) {
            errors.invalid("metadata.name", &object.name().into(), complaint);
        }
        (at.rules.validate)(&object, &mut errors);
        score.count(about, &causes(errors), &recorded_causes(&exchange.got));
    });
    score.floor("complaints", 253);
}

#[test]
fn warnings_are_as_recorded() {
    let mut score = Score::default();
    each_create(|about, exchange, at| {
        if exchange.status == 201 {
            let object = prepared(exchange, at);
            score.count(about, &(at.rules.warnings)(&object, None), &exchange.warnings);
        }
    });
    score.floor("warnings", 166);
}

#[test]
fn rows_are_as_recorded() {
    let mut score = Score::default();
    for file in files() {
        let mut live: HashMap<(String, String, String), Object> = HashMap::new();
        for (i, exchange) in exchanges(&file).iter().enumerate().filter(|(_, e)| e.status < 300) {
            let Some(at) = target(&exchange.path) else { continue };
            let mut see = |object: &Object| {
                let key = (at.resource.clone(), object.namespace().to_string(), object.name().to_string());
                live.insert(key, object.clone());
            };
            match exchange.got.kind() {
                "Table" => {
                    for row in exchange.got.items_at(&["rows"]) {
                        let of_row = row.at(&["object", "metadata"]).cloned().unwrap_or_default();
                        let of_row = json!({"metadata": of_row});
                        let name = if of_row.name().is_empty() { at.name.as_str() } else { of_row.name() };
                        let namespace = if of_row.name().is_empty() { &at.namespace } else { of_row.namespace() };
                        let key = (at.resource.clone(), namespace.to_string(), name.to_string());
                        let Some(object) = live.get(&key) else { continue };
                        let object = match row.at(&["object"]) {
                            Some(full) if full.kind() == at.kind => full,
                            _ => object,
                        };
                        let shown = json!([row["cells"], row.get("conditions").unwrap_or(&json!([]))]);
                        let created = object.text(&["metadata", "creationTimestamp"]);
                        let created = crate::api::time::parse(created).map_or(0, |moment| moment.seconds);
                        let at_time = |now| json!([(at.rules.cells)(object, now), (at.rules.row_conditions)(object)]);
                        let ours = (created..created + 200).map(at_time).find(|cells| *cells == shown);
                        score.count(&about(&file, i, exchange), &ours.unwrap_or_else(|| at_time(created)), &shown);
                    }
                }
                "Status" => {}
                kind if kind == at.kind && (at.subresource.is_empty() || exchange.got.name() != "") => {
                    see(&exchange.got)
                }
                kind if kind.ends_with("List") => exchange.got.items_at(&["items"]).iter().for_each(see),
                _ => {}
            }
        }
    }
    score.floor("rows", 145);
}
