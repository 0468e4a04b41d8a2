use crate::merge::managed_fields::*;
use crate::schema::builtin;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// A recorded request to write an object, with what was there and what came of it.
struct Write {
    place: String,
    live: Option<Value>,
    url: String,
    request: Value,
    answer: Value,
    status: u64,
    manager: String,
    subresource: String,
}

fn query<'a>(url: &'a str, key: &str) -> Option<&'a str> {
    url.split_once('?')?.1.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}

/// The path of the object that a URL is about, as far as the URL says it, and the subresource.
fn object_path(url: &str) -> (String, String) {
    let parts: Vec<&str> = url.split('?').next().unwrap().split('/').skip(1).collect();
    let root = if parts[0] == "api" { 2 } else { 3 };
    let of_namespace = parts.get(root) == Some(&"namespaces") && parts.len() > root + 2 && parts[root + 2] != "status";
    let end = (if of_namespace { root + 4 } else { root + 2 }).min(parts.len());
    (parts[..end].join("/"), parts[end..].join("/"))
}

/// The writes in a file of recorded exchanges, in order.
fn writes(file: &str) -> Vec<Write> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/exchanges").join(file);
    let exchanges: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut live: BTreeMap<String, Value> = BTreeMap::new();
    let mut found = Vec::new();
    for (index, exchange) in exchanges.into_iter().enumerate() {
        let (request, response) = (&exchange["request"], &exchange["response"]);
        let (method, url) = (request["method"].as_str().unwrap(), request["path"].as_str().unwrap().to_owned());
        let (answer, status) = (response["body"].clone(), response["status"].as_u64().unwrap());
        let (mut path, subresource) = object_path(&url);
        if method == "POST" {
            path = format!("{path}/{}", answer.name());
        }
        let is_object = answer.at(&["metadata", "creationTimestamp"]).is_some() && answer.kind() != "Scale";
        if ["POST", "PUT", "PATCH"].contains(&method) && (is_object || status >= 300) {
            found.push(Write {
                place: format!("{file} #{index}"),
                live: live.get(&path).cloned(),
                url: url.clone(),
                request: request.clone(),
                answer: answer.clone(),
                status,
                manager: query(&url, "fieldManager").unwrap_or("").into(),
                subresource,
            });
        }
        if method == "DELETE" && status < 300 && !url.contains("dryRun") {
            live.remove(&path);
        } else if is_object && status < 300 && !url.contains("dryRun") {
            live.insert(path, answer);
        }
    }
    found
}

fn type_of(object: &Value) -> Option<TypeRef<'static>> {
    builtin().kind(&object.group_version_kind())
}

/// The record without its times, in a form to compare and to read.
fn record_of(object: &Value) -> Vec<String> {
    let list = object.at(&PATH).cloned().unwrap_or(json!([]));
    let mut lines: Vec<String> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let mut entry = entry.clone();
            entry.take_at(&["time"]);
            entry.to_string()
        })
        .collect();
    lines.sort();
    lines
}

/// What the server sets on a new object after it has recorded the fields.
const SET_LATER: &[(&str, &[&[&str]])] = &[
    ("Job", &[&["metadata", "labels"], &["spec", "selector"], &["spec", "template", "metadata", "labels"]]),
    ("Namespace", &[&["spec", "finalizers"]]),
    ("PersistentVolumeClaim", &[&["metadata", "finalizers"]]),
    ("Pod", &[&["spec", "tolerations"], &["spec", "priority"], &["spec", "preemptionPolicy"]]),
    (
        "Service",
        &[&["spec", "clusterIP"], &["spec", "clusterIPs"], &["spec", "ipFamilies"], &["spec", "ipFamilyPolicy"]],
    ),
    ("VolumeAttributesClass", &[&["metadata", "finalizers"]]),
];

impl Write {
    /// The version that the URL names.
    fn api_version(&self) -> &str {
        let path = self.url.trim_start_matches("/apis/").trim_start_matches("/api/");
        let parts = if self.url.starts_with("/apis/") { 2 } else { 1 };
        path.match_indices('/').nth(parts - 1).map_or(path, |(end, _)| &path[..end])
    }
}

fn writer(write: &Write) -> Writer<'_> {
    Writer {
        manager: &write.manager,
        api_version: write.api_version(),
        subresource: &write.subresource,
        time: "2026-11-21T04:07:14Z",
        ignored: if write.subresource.is_empty() { &[&["status"]] } else { &[&["spec"]] },
        in_version: &|_, _| None,
    }
}

fn files() -> Vec<String> {
    let kinds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/exchanges/kinds");
    let names = std::fs::read_dir(kinds).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = names.map(|name| format!("kinds/{name}")).collect();
    files.extend(["patches.json".into(), "server-side-apply.json".into()]);
    files
}

#[test]
fn updates_are_recorded_as_by_kube_apiserver() {
    let mut seen = 0;
    for write in files().iter().flat_map(|file| writes(file)) {
        let is_apply = write.request["contentType"] == "application/apply-patch+yaml";
        // What went through a scale is not recorded object by object.
        let through_scale = record_of(&write.answer).iter().any(|line| line.contains("\"scale\""));
        if is_apply || through_scale || write.status >= 300 {
            continue;
        }
        let mut new = write.answer.clone();
        new.take_at(&PATH);
        if let Some(given) = write.request["body"].at(&PATH) {
            new.put(&PATH, given.clone());
        }
        if write.live.is_none() {
            let set_later = SET_LATER.iter().filter(|(kind, _)| *kind == write.answer.kind());
            set_later.flat_map(|(_, paths)| *paths).for_each(|path| drop(new.take_at(path)));
        }
        update(write.live.as_ref(), &mut new, &writer(&write), type_of(&write.answer));
        assert_eq!(record_of(&new), record_of(&write.answer), "{}", write.place);
        seen += 1;
    }
    assert!(seen > 280, "only {seen}");
}

/// Whether `recorded` has everything that `ours` has.
fn within(recorded: &Value, ours: &Value) -> bool {
    match (recorded, ours) {
        (Value::Object(a), Value::Object(b)) => {
            b.iter().all(|(k, v)| v.is_null() || a.get(k).is_some_and(|other| within(other, v)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| within(a, b)),
        _ => recorded == ours,
    }
}

#[test]
fn applies_are_recorded_as_by_kube_apiserver() {
    let (mut seen, mut refused) = (0, 0);
    for write in files().iter().flat_map(|file| writes(file)) {
        if write.request["contentType"] != "application/apply-patch+yaml" {
            continue;
        }
        let config = crate::yaml::from_str(write.request["rawBody"].as_str().unwrap()).unwrap();
        let force = query(&write.url, "force") == Some("true");
        // Other parts of the server refuse these.
        let message = write.answer.text(&["message"]);
        if write.status == 422 || message.contains("name on the URL") || message.contains("has been modified") {
            continue;
        }
        let ty = type_of(write.live.as_ref().unwrap_or(&write.answer));
        let applied = apply(write.live.as_ref(), &config, &writer(&write), force, ty);
        let place = &write.place;
        if write.status >= 300 {
            let status = applied.expect_err(place).status().to_value();
            assert_eq!(status, write.answer, "{place}");
            refused += 1;
            continue;
        }
        let applied = applied.unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(record_of(&applied), record_of(&write.answer), "{place}");
        let timed = |object: &Value| object.items_at(&PATH).iter().filter(|entry| entry.get("time").is_some()).count();
        assert_eq!(timed(&applied), timed(&write.answer), "{place}");
        let mut ours = applied;
        for server_set in ["managedFields", "generation", "resourceVersion", "uid", "creationTimestamp"] {
            ours.take_at(&["metadata", server_set]);
        }
        assert!(within(&write.answer, &ours), "{place}: {ours}");
        seen += 1;
    }
    assert!(seen > 40 && refused > 4, "only {seen} and {refused}");
}
