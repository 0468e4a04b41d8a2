//! Patches of all forms made from what an object is, cut, doubled and put in the wrong places: none may end in a panic or
//! a failure of the server's own, and an apply that is done again changes nothing.

use super::fuzz::{Dice, rounds, seed};
use super::*;

const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

/// Objects with lists that are maps, sets and atoms, and what they are at.
fn objects() -> Vec<(String, Value)> {
    let container = json!({
        "name": "a", "image": "i", "ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}],
        "env": [{"name": "A", "value": "1"}, {"name": "B"}], "volumeMounts": [{"name": "v", "mountPath": "/v"}]
    });
    let pod = json!({
        "containers": [container], "volumes": [{"name": "v", "emptyDir": {}}],
        "tolerations": [{"key": "k", "operator": "Exists"}]
    });
    let metadata = json!({"name": "x", "labels": {"a": "b"}, "finalizers": ["example.com/x"]});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod}}
    });
    let ports = json!([{"name": "p", "port": 80}, {"name": "q", "port": 80, "protocol": "UDP"}]);
    vec![
        ("/apis/apps/v1/namespaces/default/deployments".into(), deployment),
        (PODS.into(), json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod})),
        (
            SERVICES.into(),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports}}),
        ),
        (CONFIGMAPS.into(), json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}})),
        (
            WIDGETS.into(),
            json!({
                "apiVersion": "example.com/v1", "kind": "Widget", "metadata": metadata,
                "spec": {"map": [{"k": "a", "v": [1]}, {"k": "b"}], "set": ["a", "b"], "any": {"x": [1, {}]}}
            }),
        ),
    ]
}

fn widgets() -> Value {
    let map = json!({
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
        "items": {"type": "object", "required": ["k"], "properties": {
            "k": {"type": "string", "default": "d"}, "v": {"type": "array", "items": {"type": "integer"}}
        }}
    });
    let set = json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}});
    let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let schema = json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {"map": map, "set": set, "any": any}}
    }});
    json!({"metadata": {"name": "widgets.example.com"}, "spec": {
        "group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}})
}

/// The places in a value, as JSON pointers.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_string());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            places(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), all);
        }),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| places(item, &format!("{at}/{i}"), all)),
        _ => {}
    }
}

/// A place in a value, or one that is none.
fn place(dice: &mut Dice, value: &Value) -> String {
    let mut all = Vec::new();
    places(value, "", &mut all);
    let found = all.swap_remove(dice.roll(all.len()));
    match dice.roll(12) {
        0 => format!("{found}/-"),
        1 => format!("{found}/0"),
        2 => format!("{found}/nosuch/x"),
        3 => format!("{found}/{}", "9".repeat(1 + dice.roll(30))),
        4 => format!("{found}~"),
        _ => found,
    }
}

fn odd(dice: &mut Dice, of: &Value) -> Value {
    match dice.roll(12) {
        0 => Value::Null,
        1 => json!(""),
        2 => json!(-1),
        3 => json!(1.5),
        4 => json!([]),
        5 => json!({}),
        6 => json!([null]),
        7 => json!([[{"name": {}}]]),
        8 => json!({"": {"": []}}),
        9 => json!("x".repeat(300)),
        _ => of.pointer(&place(dice, of)).cloned().unwrap_or_default(),
    }
}

/// Changes a value in a few places, with a directive of strategic merge now and then.
fn mutate(dice: &mut Dice, value: &mut Value) {
    for _ in 0..dice.roll(5) {
        let new = odd(dice, value);
        let at = place(dice, value);
        let Some(part) = value.pointer_mut(&at) else { continue };
        match (part, dice.roll(5)) {
            (Value::Object(map), 0) => {
                let directives =
                    ["$patch", "$retainKeys", "$setElementOrder/ports", "$deleteFromPrimitiveList/finalizers"];
                let how = match dice.roll(4) {
                    0 => json!("delete"),
                    1 => json!("replace"),
                    2 => json!(["name", "a"]),
                    _ => new,
                };
                map.insert(dice.one_of(&directives).to_owned(), how);
            }
            (Value::Object(map), 1) => {
                if let Some(key) = map.keys().next().cloned() {
                    map.remove(&key);
                }
            }
            (Value::Array(items), 0) => items.push(new),
            (Value::Array(items), 1) => items.reverse(),
            (Value::Array(items), 2) => items.extend(items.first().cloned()),
            (part, _) => *part = new,
        }
    }
}

fn operations(dice: &mut Dice, live: &Value) -> Value {
    let names = ["add", "remove", "replace", "move", "copy", "test"];
    let operation = |_| {
        let (path, from, value) = (place(dice, live), place(dice, live), odd(dice, live));
        json!({"op": dice.one_of(&names), "path": path, "from": from, "value": value})
    };
    (0..4).map(operation).collect()
}

#[test]
fn no_patch_breaks_the_server() {
    run(async {
        let client = Client::new().await;
        client.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", widgets()).await.expect(201);
        client.until(WIDGETS, 200).await;
        let (mut dice, mut changed) = (Dice(seed(0x9a7c)), 0);
        for (collection, object) in objects() {
            let path = format!("{collection}/x");
            for round in 0..rounds(60) {
                let live = match client.get(&path).await {
                    found if found.code == 200 => found.json(),
                    _ => client.post(&collection, object.clone()).await.expect(201),
                };
                let mut body = if dice.one_in(2) { live.clone() } else { object.clone() };
                if dice.one_in(2) {
                    body["metadata"].as_object_mut().unwrap().remove("managedFields");
                }
                mutate(&mut dice, &mut body);
                let force = dice.one_in(2);
                let query = format!("fieldManager=m{}&force={force}", dice.roll(3));
                let plain = "fieldManager=p";
                let (kind, query, body) = match dice.roll(5) {
                    0 | 1 => ("application/apply-patch+yaml", query.as_str(), body),
                    2 => ("application/merge-patch+json", plain, body),
                    3 => ("application/strategic-merge-patch+json", plain, body),
                    _ => ("application/json-patch+json", plain, operations(&mut dice, &live)),
                };
                let below = if dice.one_in(6) { "/status" } else { "" };
                let uri = format!("{path}{below}?{query}");
                let shown = || format!("{round}: {uri} {kind}\n{body}\nof {live}");
                let answer = client.call("PATCH", &uri, kind, body.to_string()).await;
                // An error of Go, without a reason, is what kube-apiserver passes on when these two cannot be merged.
                let may_fail = kind.starts_with("application/apply") || kind.starts_with("application/strategic");
                let is_gos = may_fail && answer.code == 500 && answer.json().get("reason").is_none();
                assert!(answer.code < 500 || is_gos, "{}\n{}", shown(), answer.text());
                if answer.code != 200 {
                    continue;
                }
                changed += 1;
                // What an item's key that is null becomes by its default is another item than the one that is applied.
                let has_null = body.to_string().contains("null");
                if kind.starts_with("application/apply") && !has_null {
                    let again = client.call("PATCH", &uri, kind, body.to_string()).await;
                    // One that names a resourceVersion comes too late the second time.
                    assert!(matches!(again.code, 200 | 409), "again {}\n{}", shown(), again.text());
                    if again.code == 200 {
                        assert_eq!(again.json(), answer.json(), "again {}", shown());
                    }
                }
                if dice.one_in(10) {
                    client.merge(&path, json!({"metadata": {"finalizers": null}})).await;
                    client.delete(&path, json!({"gracePeriodSeconds": 0})).await;
                }
            }
        }
        assert!(changed > 20, "only {changed} patches changed something");
    });
}
