//! Many requests that make little sense, over all routes, from a fixed seed: none may end in a panic or a 5xx.

use super::*;
use crate::api::TypeRef;
use crate::schema;

/// Numbers that look random (xorshift), the same each time.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % sides
    }

    pub(super) fn one_of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.roll(all.len())]
    }

    pub(super) fn one_in(&mut self, many: usize) -> bool {
        self.roll(many) == 0
    }
}

/// The seed to begin with, unless `STEER_FUZZ_SEED` says another.
pub(super) fn seed(usual: u64) -> u64 {
    std::env::var("STEER_FUZZ_SEED").map_or(usual, |text| text.parse().unwrap())
}

/// How many rounds to go, unless `STEER_FUZZ_ROUNDS` says how many times as many.
pub(super) fn rounds(usual: usize) -> usize {
    usual * std::env::var("STEER_FUZZ_ROUNDS").map_or(1, |text| text.parse().unwrap())
}

const TEXTS: &[&str] = &[
    "",
    "x",
    "a",
    "default",
    "100m",
    "1Gi",
    "-1",
    "0",
    "10.0.0.7",
    "::1",
    "fe80::1%eth0",
    "10.0.0.0/8",
    "a.b/c",
    "*",
    "2026-01-01T00:00:00Z",
    "2026-13-45",
    "Always",
    "true",
    "{",
    "\u{0}",
    "ü",
    "%",
    "..",
    "/",
    "a=b",
    "a in (b,",
    "80",
    "http",
    "TCP",
    "99999999999999999999",
    "1e400",
    "Bad_Name!",
    "kubernetes.io/x",
    "@every 1s",
    "61 * * * *",
    "\n",
    "🦀",
    "0-3,5",
    "IPv4",
    "RollingUpdate",
    "100%",
    "-5%",
    "pods",
    "v1",
    "ReadWriteOnce",
    "rbac.authorization.k8s.io",
];

/// A value that is of a type, mostly.
fn value(dice: &mut Dice, of: Option<TypeRef<'_>>, depth: usize) -> Value {
    if dice.one_in(40) {
        return match dice.roll(7) {
            0 => Value::Null,
            1 => json!([]),
            2 => json!({}),
            3 => json!(-1),
            4 => json!(1.5),
            5 => json!([null, "a"]),
            _ => json!(true),
        };
    }
    let Some(of) = of else { return dice.one_of(TEXTS).into() };
    let node = of.node();
    if !node.allowed.is_empty() && !dice.one_in(8) {
        return node.allowed[dice.roll(node.allowed.len())].clone();
    }
    match node.kind.as_str() {
        "object" if depth == 0 => json!({}),
        "object" if !node.fields.is_empty() => {
            let mut object = json!({});
            // Wide types get few of their fields, so that some of what is deep is reached, too.
            let sides = 1 + node.fields.len() / 6;
            for name in node.fields.keys() {
                if node.required.contains(name) && !dice.one_in(10) || dice.one_in(sides + 1) {
                    object[name] = value(dice, of.field(name), depth - 1);
                }
            }
            object
        }
        "object" => {
            let mut object = json!({});
            for _ in 0..dice.roll(3) {
                object[dice.one_of(TEXTS)] = value(dice, of.values(), depth - 1);
            }
            object
        }
        "array" => (0..if depth == 0 { 0 } else { dice.roll(3) }).map(|_| value(dice, of.items(), depth - 1)).collect(),
        "integer" | "number" => {
            json!([0, 1, -1, 2, 80, 30000, 65536, i64::from(i32::MAX), i64::MAX, i64::MIN][dice.roll(10)])
        }
        "boolean" => json!(dice.one_in(2)),
        _ if of.is_quantity() => json!(["1", "-1", "500m", "1Gi", "1e30", "x"][dice.roll(6)]),
        _ => dice.one_of(TEXTS).into(),
    }
}

fn object(dice: &mut Dice, of: Option<TypeRef<'_>>, name: &str, plausible: bool) -> Value {
    let mut object = value(dice, of, 7);
    if plausible && object.is_object() {
        if !object["metadata"].is_object() || !dice.one_in(10) {
            object["metadata"] = json!({});
        }
        object["metadata"]["name"] = name.into();
        for field in ["apiVersion", "kind"] {
            object.as_object_mut().unwrap().remove(field);
        }
    }
    object
}

fn mangled(dice: &mut Dice, text: String) -> Vec<u8> {
    let mut bytes = text.into_bytes();
    for _ in 0..1 + dice.roll(3) {
        if bytes.is_empty() {
            break;
        }
        let at = dice.roll(bytes.len());
        match dice.roll(3) {
            0 => bytes.truncate(at),
            1 => bytes[at] = b"\"{}[],:\\\xff0e-"[dice.roll(12)],
            _ => drop(bytes.remove(at)),
        }
    }
    bytes
}

const TYPES: &[&str] = &[
    "application/json",
    "application/json",
    "application/json; charset=utf-8",
    "application/yaml",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/json-patch+json",
    "application/apply-patch+yaml",
    "application/vnd.kubernetes.protobuf",
    "text/plain",
    "",
    ";;",
];

const ACCEPTS: &[&str] = &[
    "application/json",
    "*/*",
    "application/yaml",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    "application/vnd.kubernetes.protobuf",
    "image/png",
    ";q=",
];

const QUERIES: &[&str] = &[
    "",
    "",
    "dryRun=All",
    "dryRun=Some",
    "fieldManager=m&force=true",
    "fieldValidation=Strict",
    "fieldManager=%00",
    "limit=1",
    "limit=-1",
    "limit=99999999999999999999",
    "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJ4In0",
    "continue=x",
    "labelSelector=a%20in%20(b,c),!d",
    "labelSelector=%25%25,(",
    "fieldSelector=metadata.name%3Dx",
    "fieldSelector=spec.nodeName!%3Dx,status.phase%3DRunning",
    "fieldSelector=%3D%3D%3D",
    "resourceVersion=0&resourceVersionMatch=NotOlderThan",
    "resourceVersion=1&resourceVersionMatch=Exact&limit=2",
    "resourceVersion=x",
    "watch=1&timeoutSeconds=0&resourceVersion=99x",
    "gracePeriodSeconds=-5&propagationPolicy=Foreground",
    "gracePeriodSeconds=9223372036854775807",
    "watch=1&timeoutSeconds=-9223372036854775808",
    "watch=1&timeoutSeconds=-1&resourceVersion=1&allowWatchBookmarks=true",
    "timeoutSeconds=9223372036854775807",
    "orphanDependents=maybe",
    "includeObject=Object",
    "pretty=true&%zz=%",
];

/// A patch of a form that a content type stands for.
fn patch(dice: &mut Dice, of: Option<TypeRef<'_>>) -> Value {
    if dice.one_in(2) {
        return value(dice, of, 6);
    }
    let operations = ["add", "remove", "replace", "move", "copy", "test", "x"];
    let paths =
        ["", "/", "/spec", "/metadata/labels/a~1b", "/spec/containers/0", "/spec/containers/-", "/status/x/y", "a"];
    (0..dice.roll(4))
        .map(|_| {
            json!({
                "op": operations[dice.roll(operations.len())], "path": paths[dice.roll(paths.len())],
                "from": paths[dice.roll(paths.len())], "value": dice.one_of(TEXTS)
            })
        })
        .collect()
}

/// What kube-apiserver answers with a 5xx, too: the store, and not the request, is said to be at fault.
fn is_like_kubernetes(status: &Value) -> bool {
    let message = status["message"].as_str().unwrap_or_default();
    let known = [
        "resourceVersion should not be set",
        "Too large resource version",
        "error dialing backend",
        "no endpoints available",
        "failed to create typed patch object",
        "does not contain declared merge key",
        "resourceVersion: Invalid value",
    ];
    known.iter().any(|known| message.contains(known))
}

async fn storm(seed: u64, rounds: usize) {
    let client = Client::new().await;
    let mut dice = Dice(seed);
    let all = client.server.registry.all().to_vec();
    let mut made = 0;
    for served in &all {
        let of = schema::builtin().kind(&served.kind);
        let root = served.kind.group_version().root();
        for _ in 0..rounds {
            let namespace = dice.one_of(&["default", "default", "default", "kube-system", "none", "%2e%2e", "ü"]);
            let name = dice.one_of(&["x", "x", "y", "default", "kubernetes", "10.0.0.9", "v1.x", "%00", "a%2fb"]);
            let place = if served.info.namespaced() { format!("/namespaces/{namespace}") } else { String::new() };
            let mut path = format!("{root}{place}/{}", served.info.resource);
            let method =
                dice.one_of(&["POST", "POST", "POST", "GET", "PUT", "PATCH", "PATCH", "DELETE", "HEAD", "OPTIONS"]);
            if method != "POST" && !(method == "GET" && dice.one_in(2)) || dice.one_in(20) {
                path = format!("{path}/{name}");
                let below = &served.info.subresources;
                if !below.is_empty() && dice.one_in(3) {
                    path = format!("{path}/{}", below[dice.roll(below.len())].name);
                }
            }
            let query = dice.one_of(QUERIES);
            let plausible = !dice.one_in(6);
            let (kind, body) = match method {
                "PATCH" => (dice.one_of(&TYPES[3..9]), patch(&mut dice, of)),
                _ => (
                    if plausible { "application/json" } else { dice.one_of(TYPES) },
                    object(&mut dice, of, name, plausible),
                ),
            };
            let body =
                if dice.one_in(12) { mangled(&mut dice, body.to_string()) } else { body.to_string().into_bytes() };
            let uri = format!("{path}?{query}");
            let request = Request::builder()
                .method(method)
                .uri(&uri)
                .header(header::CONTENT_TYPE, kind)
                .header(header::ACCEPT, dice.one_of(ACCEPTS));
            let Ok(request) = request.body(Bytes::from(body.clone())) else { continue };
            let answer = client.send(request).await;
            made += usize::from(answer.code == 201);
            let shown = || format!("{method} {uri}\n{kind}\n{}\n{}", String::from_utf8_lossy(&body), answer.text());
            assert!(answer.code < 500 || is_like_kubernetes(&answer.json()), "{}", shown());
            if answer.code == 422 {
                assert!(!answer.json()["message"].as_str().unwrap_or_default().is_empty(), "{}", shown());
            }
        }
    }
    assert!(made > all.len() / 4, "only {made} requests made something");
}

#[test]
fn no_request_breaks_the_server() {
    run(storm(seed(0x5eed), rounds(30)));
}
