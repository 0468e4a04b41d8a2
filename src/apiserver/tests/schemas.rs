//! Definitions with schemas and rules that make little sense, and objects that hardly fit them, from a fixed seed: none may
//! end in a panic or a 5xx, nor take long.

use super::fuzz::{Dice, rounds, seed};
use super::*;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const FOOS: &str = "/apis/example.com/v1/foos";
const POLICIES: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
const NAMES: [&str; 10] = ["a", "b", "a-b", "in", "metadata", "kind", "1", "x.y/z", "__", "\u{fc}"];
const KINDS: [&str; 9] = ["object", "object", "array", "string", "integer", "number", "boolean", "", "null"];
const LEAVES: [&str; 16] = [
    "self",
    "oldSelf",
    "1",
    "-9223372036854775808",
    "1.5",
    "2u",
    "'a'",
    "b'a'",
    "true",
    "null",
    "[]",
    "{}",
    "x",
    "timestamp('2024-01-01T00:00:00Z')",
    "quantity('1Gi')",
    "optional.none()",
];
const FORMS: [&str; 26] = [
    "# + #",
    "# - #",
    "# * #",
    "# / #",
    "# % #",
    "# == #",
    "# < #",
    "# in #",
    "# && #",
    "# || #",
    "# ? # : #",
    "!(#)",
    "-(#)",
    "(#).a",
    "has(#.a)",
    "(#).?b",
    "(#)[#]",
    "[#, ?#]",
    "{#: #}",
    "(#).all(x, #)",
    "(#).map(x, #)",
    "(#).filter(x, #)",
    "size(#)",
    "string(#)",
    "(#).exists_one(x, #)",
    "(#).transformMap(k, x, #)",
];

/// An expression that is one, mostly.
fn expression(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 || dice.one_in(4) {
        return dice.one_of(&LEAVES).to_owned();
    }
    let form = dice.one_of(&FORMS).to_owned();
    let mut text = String::new();
    for part in form.split_inclusive('#') {
        match part.strip_suffix('#') {
            Some(before) => text += &format!("{before}{}", expression(dice, depth - 1)),
            None => text += part,
        }
    }
    if dice.one_in(40) {
        text.truncate(text.char_indices().nth(dice.roll(8)).map_or(0, |(at, _)| at));
    }
    text
}

/// JSON of any kind.
fn any(dice: &mut Dice, depth: usize) -> Value {
    match dice.roll(if depth == 0 { 6 } else { 8 }) {
        0 => Value::Null,
        1 => dice.one_in(2).into(),
        2 => (i64::try_from(dice.roll(10)).unwrap() - 5).into(),
        3 => json!(1.5e300),
        4 => dice.one_of(&["", "a", "2024-01-01", "1h", "\u{fc}", "%%%"]).into(),
        5 => json!(u64::MAX),
        6 => (0..dice.roll(4)).map(|_| any(dice, depth - 1)).collect::<Vec<Value>>().into(),
        _ => (0..dice.roll(4))
            .map(|_| (dice.one_of(&NAMES).to_owned(), any(dice, depth - 1)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

fn schema(dice: &mut Dice, depth: usize) -> Value {
    let kind = dice.one_of(&KINDS);
    let mut schema = json!({"type": kind});
    match kind {
        "object" if depth > 0 && dice.one_in(3) => schema["additionalProperties"] = self::schema(dice, depth - 1),
        "object" if depth > 0 => {
            let properties: serde_json::Map<String, Value> =
                (0..dice.roll(4)).map(|_| (dice.one_of(&NAMES).to_owned(), self::schema(dice, depth - 1))).collect();
            schema["properties"] = properties.into();
        }
        "array" if depth > 0 => schema["items"] = self::schema(dice, depth - 1),
        _ => {}
    }
    for _ in 0..dice.roll(4) {
        let (key, value) = match dice.roll(22) {
            0 => ("nullable", json!(true)),
            1 => ("format", dice.one_of(&["date", "date-time", "duration", "byte", "int32", "uuid", "what"]).into()),
            2 => ("pattern", dice.one_of(&["^a+$", "(", "(a{1000}){1000}", "\\d"]).into()),
            3 => ("enum", any(dice, 1)),
            4 => ("default", any(dice, 2)),
            5 => ("required", json!(["a", "b"])),
            6 => ("maxItems", any(dice, 0)),
            7 => ("maxLength", json!(dice.roll(10))),
            8 => ("maximum", any(dice, 0)),
            9 => ("multipleOf", json!(0)),
            10 => ("uniqueItems", json!(dice.one_in(2))),
            11 => ("x-kubernetes-list-type", dice.one_of(&["map", "set", "atomic", "x"]).into()),
            12 => ("x-kubernetes-list-map-keys", json!(["a"])),
            13 => ("x-kubernetes-int-or-string", json!(true)),
            14 => ("x-kubernetes-preserve-unknown-fields", json!(true)),
            15 => ("x-kubernetes-embedded-resource", json!(true)),
            16 => ("allOf", json!([self::schema(dice, depth.min(1))])),
            17 => ("not", self::schema(dice, 0)),
            18 => ("x-kubernetes-map-type", dice.one_of(&["atomic", "granular"]).into()),
            19 => ("maxProperties", json!(dice.roll(5))),
            _ => {
                let mut rule = json!({"rule": expression(dice, 4)});
                if dice.one_in(3) {
                    rule["messageExpression"] = expression(dice, 3).into();
                }
                if dice.one_in(3) {
                    rule["fieldPath"] = dice.one_of(&[".a", "['a-b']", "..", "['", ".a.b"]).into();
                }
                if dice.one_in(3) {
                    rule["optionalOldSelf"] = dice.one_in(2).into();
                }
                ("x-kubernetes-validations", json!([rule]))
            }
        };
        schema[key] = value;
    }
    schema
}

fn foos(schema: Value) -> Value {
    json!({"metadata": {"name": "foos.example.com"}, "spec": {
        "group": "example.com", "scope": "Cluster", "names": {"plural": "foos", "kind": "Foo"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}})
}

#[test]
fn no_schema_breaks_the_server() {
    run(async {
        let client = Client::new().await;
        let (mut dice, mut taken) = (Dice(seed(0x5eed_5c4e)), 0);
        for round in 0..rounds(100) {
            let spec = schema(&mut dice, 3);
            let whole = json!({"type": "object", "properties": {"spec": spec}});
            let answer = client.post(DEFINITIONS, foos(whole.clone())).await;
            assert!(answer.code < 500, "{round}: {whole}: {}", answer.text());
            if answer.code != 201 {
                continue;
            }
            taken += 1;
            client.until(FOOS, 200).await;
            for index in 0..4 {
                let name = format!("f{}", index / 2);
                let foo = json!({"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": name}, "spec": any(&mut dice, 3)});
                let answer = client.post(FOOS, foo.clone()).await;
                assert!(answer.code < 500, "{round}: {whole}: {foo}: {}", answer.text());
                let patch = json!({"spec": any(&mut dice, 3)});
                let answer = client.merge(&format!("{FOOS}/{name}"), patch.clone()).await;
                assert!(answer.code < 500, "{round}: {whole}: {patch}: {}", answer.text());
            }
            for path in ["/openapi/v2", "/openapi/v3/apis/example.com/v1"] {
                assert_eq!(client.get(path).await.code, 200, "{whole}");
            }
            client.delete(&format!("{DEFINITIONS}/foos.example.com"), Value::Null).await.expect(200);
            client.until(&format!("{DEFINITIONS}/foos.example.com"), 404).await;
        }
        assert!(taken > 5, "only {taken} definitions made sense");
    });
}

#[test]
fn no_expression_breaks_the_server() {
    run(async {
        let client = Client::new().await;
        let mut dice = Dice(seed(0xce1));
        let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]});
        let binding = json!({"metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": ["Deny"]}});
        client.post(&POLICIES.replace("policies", "policybindings"), binding).await.expect(201);
        for round in 0..rounds(400) {
            let text = expression(&mut dice, 5).replace("oldSelf", "oldObject").replace("self", "object");
            let policy = json!({"metadata": {"name": "p"}, "spec": {
                "matchConstraints": {"resourceRules": [rule]},
                "variables": [{"name": "a", "expression": text}],
                "validations": [{"expression": "dyn(variables.a) == dyn(variables.a)"}]}});
            let answer = client.post(POLICIES, policy).await;
            assert!(answer.code < 500, "{text}: {}", answer.text());
            if answer.code != 201 {
                continue;
            }
            let map = json!({"metadata": {"name": format!("m{round}")}, "data": {"a": "b"}});
            let answer = client.post(CONFIGMAPS, map).await;
            assert!(answer.code < 500, "{text}: {}", answer.text());
            client.delete(&format!("{POLICIES}/p"), Value::Null).await.expect(200);
        }
    });
}
