//! Reading and writing against the reference's data, which lies outside of the project: in the folder that
//! STEER_SHARED names, or ../shared. Where it is absent the tests say so and pass.

#![allow(clippy::unwrap_used, reason = "a test may stop at once")]

use serde_json::{Value, json};
use std::path::PathBuf;
use steersman::{api, yaml};

/// The first lines of every manifest of the data; the part under test follows.
const HEADER: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n";

fn shared(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("STEER_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")), PathBuf::from);
    let path = folder.join("reference").join(name);
    if !path.exists() {
        println!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

fn cases(name: &str) -> Vec<Value> {
    let Some(path) = shared(name) else { return Vec::new() };
    api::json::from_slice(&std::fs::read(path).unwrap()).unwrap().as_array().unwrap().clone()
}

/// Go's and Python's JSON show a float that is whole as an integer; compare what both would show.
fn as_shown(value: &Value) -> String {
    api::json::to_string(&api::json::from_slice(api::json::to_string(value).as_bytes()).unwrap())
}

fn report(failures: &[String], total: usize) {
    assert!(failures.is_empty(), "{} of {total} differ:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn scalars_and_documents_are_read() {
    let cases = cases("yaml-read.json");
    let mut failures = Vec::new();
    for case in &cases {
        let text = format!("{HEADER}{}", case["yaml"].as_str().unwrap());
        let documents: Result<Vec<_>, _> = yaml::documents(text.as_bytes()).collect();
        let (got, expected) = match (documents, case["error"].as_str()) {
            (Err(error), Some(expected)) => (format!("error: error parsing STDIN: {error}"), expected.to_owned()),
            (Ok(documents), Some(expected)) if expected.contains("'Kind' is missing") => {
                let last = &documents[documents.len() - 1].value;
                assert_eq!(last.get("kind"), None);
                let shown = api::json::to_string(last);
                (
                    format!("error: unable to decode \"STDIN\": Object 'Kind' is missing in '{shown}'"),
                    expected.to_owned(),
                )
            }
            (Ok(documents), _) => {
                let mut value = documents[0].value.clone();
                for key in ["apiVersion", "kind", "metadata"] {
                    value.as_object_mut().unwrap().remove(key);
                }
                let whole = case["whole"] == json!(true);
                (as_shown(if whole { &value } else { &value["v"] }), as_shown(&case["json"]))
            }
            (Err(error), None) => (error.to_string(), as_shown(&case["json"])),
        };
        if got != expected {
            failures.push(format!("{:?}\n  got      {got}\n  expected {expected}", case["yaml"]));
        }
    }
    report(&failures, cases.len());
}

#[test]
fn values_are_written() {
    let cases = cases("yaml-write.json");
    let mut failures = Vec::new();
    for case in &cases {
        let value = json!({"v": case["json"]});
        for (format, got) in [
            ("yaml", yaml::to_string(&value)),
            ("kyaml", yaml::kyaml::to_string(&value) + "\n"),
            ("jsonText", api::json::to_string_pretty(&value) + "\n"),
        ] {
            let Some(expected) = case[format].as_str() else { continue };
            // The data leaves out what comes before `v`.
            let got = if format == "yaml" { &got } else { got.strip_prefix("{\n").unwrap() };
            if got != expected {
                failures.push(format!("{} as {format}\n  got      {got:?}\n  expected {expected:?}", case["json"]));
            }
        }
    }
    report(&failures, cases.len());
}

#[test]
fn every_kind_goes_both_ways() {
    let Some(folder) = shared("roundtrip") else { return };
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    assert!(names.len() > 180);
    let mut failures = Vec::new();
    for path in &names {
        let value = api::json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let text = std::fs::read_to_string(path.with_extension("yaml")).unwrap();
        if yaml::to_string(&value) != text {
            failures.push(format!("{} is not written", path.display()));
        }
        if yaml::from_str(&text).as_ref() != Ok(&value) {
            failures.push(format!("{} is not read", path.display()));
        }
    }
    report(&failures, names.len());
}
