//! Plays recorded exchanges of a kube-apiserver (fixtures/exchanges) against the bundled server, in this process.
//!
//! The number that must match is kept in tests/replay.floor, and only goes up. `REPLAY_SHOW=PREFIX` prints the
//! differences of the files whose names start so.

#![cfg(feature = "apiserver")]
// A test says what is wrong by failing.
#![allow(clippy::unwrap_used)]

#[path = "replay/compare.rs"]
mod compare;

use compare::{Compare, text};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use steersman::apiserver::Server;
use steersman::apiserver::auth::User;
use steersman::apiserver::auth::authenticate::Authentication;
use steersman::apiserver::pipeline::Setup;
use steersman::apiserver::store::Memory;
use tokio::time::{sleep, timeout};

/// The token of the one who may do everything.
const TOKEN: &str = "admin-token";
/// How long an answer may take; the longest recorded watch takes a second.
const PATIENCE: Duration = Duration::from_secs(4);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn recorded_exchanges_match() {
    let mut files = Vec::new();
    find(&root().join("fixtures/exchanges"), &mut files);
    files.sort();
    assert!(!files.is_empty(), "there are no recordings");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut matched, mut total, mut report) = (0, 0, String::new());
    runtime.block_on(async {
        let played: Vec<_> = files.into_iter().map(|file| tokio::spawn(play(file))).collect();
        for file in played {
            let result = file.await.unwrap();
            matched += result.matched;
            total += result.total;
            report.push_str(&result.report);
        }
    });
    let floor = std::fs::read_to_string(root().join("tests/replay.floor")).unwrap();
    let floor: usize = floor.trim().parse().unwrap();
    println!("matched {matched} of {total} (floor {floor})");
    if let Ok(prefix) = std::env::var("REPLAY_SHOW") {
        let mut shown = false;
        for line in report.lines() {
            shown = if line.starts_with(' ') { shown } else { line.starts_with(&prefix) };
            if shown {
                println!("{line}");
            }
        }
    }
    assert!(matched >= floor, "matched {matched} of {total}, fewer than the floor of {floor}:\n{report}");
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}

struct Played {
    matched: usize,
    total: usize,
    report: String,
}

/// Plays one file against a fresh server.
async fn play(file: PathBuf) -> Played {
    let exchanges: Vec<Value> = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let mut authentication = Authentication::default();
    let admin = User { uid: "1000".into(), ..User::new("admin", &["system:masters"]) };
    authentication.tokens.insert(TOKEN.into(), admin);
    let endpoint = ([192, 0, 2, 2], 26443).into();
    let setup = Setup { authentication, endpoint, ..Setup::default() };
    let server = Server::start(Arc::new(Memory::new()), setup).await.unwrap();
    let (mut matched, mut total, mut lines, mut carry) = (0, 0, String::new(), HashMap::new());
    for (i, exchange) in exchanges.iter().enumerate() {
        if let Some(seconds) = exchange["waitSeconds"].as_f64() {
            sleep(Duration::from_secs_f64(seconds)).await;
        }
        let mut compare = Compare { carry: std::mem::take(&mut carry), differences: Vec::new() };
        let request = request(&exchange["request"], &compare.carry);
        let answer = timeout(PATIENCE, send(&server, request)).await;
        if exchange["setup"] == true {
            if let Ok((_, _, body)) = answer
                && let Ok(got) = serde_json::from_str(&body)
            {
                compare.walk(&exchange["response"]["body"], &got, "body");
            }
            carry = compare.carry;
            continue;
        }
        match answer {
            Ok((status, headers, body)) => check(&exchange["response"], status, &headers, &body, &mut compare),
            Err(_) => compare.differ("no answer".into()),
        }
        total += 1;
        if compare.differences.is_empty() {
            matched += 1;
        } else {
            let (method, path) = (&exchange["request"]["method"], &exchange["request"]["path"]);
            lines.push_str(&format!("  [{i}] {} {}\n", method.as_str().unwrap(), path.as_str().unwrap()));
            compare.differences.iter().for_each(|difference| lines.push_str(&format!("      {difference}\n")));
        }
        carry = compare.carry;
    }
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    Played { matched, total, report: format!("{name}: {matched}/{total}\n{lines}") }
}

/// A recorded request, with this server's values in place of the recorded ones.
fn request(recorded: &Value, carry: &HashMap<String, String>) -> Request<hyper::body::Bytes> {
    let path = recorded["path"].as_str().unwrap();
    let mut request = Request::builder()
        .method(recorded["method"].as_str().unwrap())
        .uri(carried_path(path, carry))
        .header(header::ACCEPT, recorded["accept"].as_str().unwrap_or("application/json"));
    for (name, value) in recorded["headers"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap());
    }
    match recorded.get("token").map(|token| token.as_str().unwrap_or("")) {
        Some("") => {}
        token => request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.unwrap_or(TOKEN))),
    }
    let body = match (recorded.get("rawBody"), recorded.get("body")) {
        (Some(raw), _) => Some(raw.as_str().unwrap().to_string()),
        (None, Some(body)) => Some(carried_body(body, carry)),
        (None, None) => None,
    };
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, recorded["contentType"].as_str().unwrap());
    }
    request.body(body.unwrap_or_default().into()).unwrap()
}

fn carried_path(path: &str, carry: &HashMap<String, String>) -> String {
    let Some((path, query)) = path.split_once('?') else { return path.into() };
    let replaced = query.split('&').map(|pair| match pair.split_once('=') {
        Some((key @ ("resourceVersion" | "continue"), value)) => {
            format!("{key}={}", carry.get(value).map_or(value, String::as_str))
        }
        _ => pair.to_string(),
    });
    format!("{path}?{}", replaced.collect::<Vec<_>>().join("&"))
}

fn carried_body(body: &Value, carry: &HashMap<String, String>) -> String {
    let mut text = body.to_string();
    for (recorded, own) in carry.iter().filter(|(recorded, _)| recorded.len() > 8) {
        text = text.replace(recorded.as_str(), own);
    }
    let mut body: Value = serde_json::from_str(&text).unwrap();
    if let Some(version) = body.pointer_mut("/metadata/resourceVersion")
        && let Some(own) = version.as_str().and_then(|version| carry.get(version))
    {
        *version = own.as_str().into();
    }
    body.to_string()
}

async fn send(server: &Arc<Server>, request: Request<hyper::body::Bytes>) -> (StatusCode, HeaderMap, String) {
    let (parts, body) = server.respond(request).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
}

fn check(want: &Value, status: StatusCode, headers: &HeaderMap, body: &str, compare: &mut Compare) {
    if want["status"] != status.as_u16() {
        compare.differ(format!("status: want {}, got {status}", want["status"]));
    }
    let wanted = |name: &str| {
        let mut headers = want["headers"].as_object().into_iter().flatten();
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).and_then(|(_, value)| value.as_str())
    };
    // Of several headers of a name the recording kept the last.
    let got = |name: &str| headers.get_all(name).iter().next_back().and_then(|value| value.to_str().ok());
    let essence = |value: Option<&str>| value.map_or("", |value| value.split(';').next().unwrap_or("")).to_string();
    if essence(wanted("content-type")) != essence(got("content-type")) {
        compare.differ(format!("content-type: want {:?}, got {:?}", wanted("content-type"), got("content-type")));
    }
    if wanted("warning") != got("warning") {
        compare.differ(format!("warning: want {:?}, got {:?}", wanted("warning"), got("warning")));
    }
    if let Some(events) = want.get("events") {
        let got: Result<Vec<Value>, _> =
            body.lines().filter(|l| !l.trim().is_empty()).map(serde_json::from_str).collect();
        match got {
            Ok(got) => compare.walk(events, &Value::Array(got), "events"),
            Err(error) => compare.differ(format!("events are not JSON: {error}")),
        }
    } else if let Some(wanted) = want.get("body") {
        match serde_json::from_str(body) {
            Ok(got) => compare.walk(wanted, &got, "body"),
            Err(error) => compare.differ(format!("body is not JSON: {error}")),
        }
    } else if text(want["text"].as_str().unwrap_or("")).trim() != text(body).trim() {
        compare.differ(format!("text: want {}, got {body:?}", want["text"]));
    }
}
