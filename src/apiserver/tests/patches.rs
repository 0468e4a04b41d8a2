//! Patches that make no sense, and what PUT asks for besides.

use super::*;

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

async fn deployment(client: &Client) {
    let spec = json!({"selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}});
    client.post(DEPLOYMENTS, json!({"metadata": {"name": "d"}, "spec": spec})).await.expect(201);
}

fn warnings(answer: &super::Answer) -> Vec<&str> {
    answer.headers.get_all(header::WARNING).iter().map(|value| value.to_str().unwrap()).collect()
}

#[test]
fn patches_that_make_no_sense_are_refused() {
    run(async {
        let client = Client::new().await;
        deployment(&client).await;
        let path = format!("{DEPLOYMENTS}/d");
        let strict = format!("{path}?fieldValidation=Strict");
        for (path, kind, body, code, message) in [
            (
                &path,
                STRATEGIC,
                r#"{"spec":{"replicas":"x"}}"#,
                422,
                r#" "" is invalid: patch: Invalid value: "map[spec:map[replicas:x]]": unrecognized type: int32"#,
            ),
            (
                &strict,
                STRATEGIC,
                r#"{"a":1,"spec":{"paused":true,"paused":true}}"#,
                422,
                r#" "" is invalid: patch: Invalid value: "map[a:1 spec:map[paused:true]]": strict decoding error: duplicate field "spec.paused", unknown field "a""#,
            ),
            (
                &path,
                STRATEGIC,
                r#""x""#,
                400,
                "json: cannot unmarshal string into Go value of type map[string]interface {}",
            ),
            (
                &path,
                MERGE,
                "[1]",
                400,
                "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
            ),
            (
                &path,
                JSON,
                "{}",
                400,
                "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
            ),
            (
                &path,
                JSON,
                r#"[{"op":5}]"#,
                400,
                "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string",
            ),
            (
                &path,
                MERGE,
                r#"{"metadata":{"namespace":"q"}}"#,
                400,
                "the namespace of the provided object does not match the namespace sent on the request",
            ),
            (
                &path,
                APPLY,
                "[]",
                400,
                "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}",
            ),
        ] {
            let path = if kind == APPLY { &format!("{path}?fieldManager=m") } else { path };
            assert_eq!(client.call("PATCH", path, kind, body).await.expect(code)["message"], message, "{body}");
        }
        // Here the whole object is shown, and then what is wrong with it.
        for (path, body, ending) in [
            (
                &path,
                json!({"spec": {"replicas": "x"}}),
                "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
            (
                &path,
                json!({"kind": "Secret", "apiVersion": "v1"}),
                "converting (v1.Secret) to (apps.Deployment): unknown conversion",
            ),
            (&strict, json!({"b": 1}), r#"strict decoding error: unknown field "b""#),
        ] {
            let refused = client.call("PATCH", path, MERGE, body.to_string()).await.expect(422);
            let cause = &refused["details"]["causes"][0];
            assert_eq!((&cause["field"], &cause["reason"]), (&json!("patch"), &json!("FieldValueInvalid")));
            assert!(cause["message"].as_str().unwrap().ends_with(ending), "{cause}");
        }
        let many = vec![json!({"op": "test", "path": "/kind", "value": "Deployment"}); 10_001];
        let refused = client.call("PATCH", &path, JSON, Value::from(many).to_string()).await.expect(413);
        let why = "The allowed maximum operations in a JSON patch is 10000, got 10001";
        assert_eq!(refused["message"], format!("Request entity too large: {why}"));

        for (kind, body, warning) in [
            (
                JSON,
                r#"[{"op":"test","path":"/kind","value":"Deployment","x":1}]"#,
                r#"json patch unknown field \"[0].x\""#,
            ),
            (MERGE, r#"{"x":1}"#, r#"unknown field \"x\""#),
            (STRATEGIC, r#"{"spec":{"paused":false,"paused":false}}"#, r#"duplicate field \"spec.paused\""#),
        ] {
            let answer = client.call("PATCH", &path, kind, body).await;
            assert_eq!(
                (answer.code, warnings(&answer)),
                (200, vec![format!("299 - \"{warning}\"").as_str()]),
                "{body}"
            );
        }
        for (kind, body) in [(MERGE, "null"), (STRATEGIC, "null"), (JSON, "null"), (STRATEGIC, r#"{"kind":"Secret"}"#)]
        {
            client.call("PATCH", &path, kind, body).await.expect(200);
        }
    });
}

#[test]
fn scales_are_numbers() {
    run(async {
        let client = Client::new().await;
        deployment(&client).await;
        let path = format!("{DEPLOYMENTS}/d/scale");
        for (kind, why) in [
            (STRATEGIC, "unrecognized type: int32"),
            (MERGE, "json: cannot unmarshal string into Go struct field ScaleSpec.spec.replicas of type int32"),
        ] {
            let refused = client.call("PATCH", &path, kind, r#"{"spec":{"replicas":"x"}}"#).await.expect(422);
            assert!(refused["message"].as_str().unwrap().ends_with(why), "{refused}");
        }
        let answer = client.call("PATCH", &path, MERGE, r#"{"spec":{"replicas":3,"x":1}}"#).await;
        assert_eq!(warnings(&answer), [r#"299 - "unknown field \"spec.x\"""#]);
        assert_eq!(answer.expect(200)["spec"], json!({"replicas": 3}));
    });
}

#[test]
fn who_applies_a_scale_owns_the_replicas_of_what_is_scaled() {
    run(async {
        let client = Client::new().await;
        deployment(&client).await;
        let path = format!("{DEPLOYMENTS}/d");
        let apply = async |manager: &str, replicas: i32, force: &str| {
            let scale = json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": replicas}});
            let url = format!("{path}/scale?fieldManager={manager}{force}");
            client.call("PATCH", &url, APPLY, scale.to_string()).await
        };
        assert_eq!(apply("one", 3, "").await.expect(409)["details"]["causes"][0]["field"], ".spec.replicas");
        assert_eq!(apply("one", 3, "&force=true").await.expect(200)["spec"], json!({"replicas": 3}));
        let found = client.get(&path).await.expect(200);
        let entries = found["metadata"]["managedFields"].as_array().unwrap();
        let of_scale: Vec<_> = entries.iter().filter(|entry| entry["subresource"] == "scale").collect();
        assert_eq!(of_scale.len(), 1, "{found}");
        assert_eq!(
            (&of_scale[0]["manager"], &of_scale[0]["apiVersion"], &of_scale[0]["fieldsV1"]),
            (&json!("one"), &json!("apps/v1"), &json!({"f:spec": {"f:replicas": {}}}))
        );
        let refused = apply("two", 4, "").await.expect(409);
        assert_eq!(refused["details"]["causes"][0]["message"], r#"conflict with "one" with subresource "scale""#);
    });
}

#[test]
fn pods_are_bound_by_either_way() {
    run(async {
        let client = Client::new().await;
        let spec = json!({"containers": [{"name": "c", "image": "i"}]});
        for (name, path) in [("a", format!("{PODS}/a/binding")), ("b", "/api/v1/namespaces/default/bindings".into())] {
            client.post(PODS, json!({"metadata": {"name": name}, "spec": spec})).await.expect(201);
            let binding = |to: Value| json!({"metadata": {"name": name}, "target": to});
            let refused = client.post(&path, binding(json!({"kind": "Pod"}))).await.expect(422);
            assert_eq!(refused["details"]["causes"][1]["field"], "target.name");
            let bound = client.post(&path, binding(json!({"kind": "Node", "name": "n"}))).await.expect(201);
            assert_eq!(bound["kind"], "Status");
            assert_eq!(client.get(&format!("{PODS}/{name}")).await.expect(200)["spec"]["nodeName"], "n");
        }
    });
}

#[test]
fn doubled_keys_of_yaml_are_told() {
    run(async {
        let client = Client::new().await;
        let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: b, a: c}\n";
        let said = "line 4: key \\\"a\\\" already set in map";
        let apply = |validation: &str| format!("{CONFIGMAPS}/m?fieldManager=m&fieldValidation={validation}");
        let answer = client.call("PATCH", &apply("Warn"), APPLY, yaml).await;
        assert_eq!((answer.code, warnings(&answer)), (201, vec![format!("299 - \"{said}\"").as_str()]));
        let refused = client.call("PATCH", &apply("Strict"), APPLY, yaml).await.expect(400);
        let why = "yaml: unmarshal errors:\n  line 4: key \"a\" already set in map";
        assert_eq!(refused["message"], format!("error strict decoding YAML: error converting YAML to JSON: {why}"));
        let post = format!("{CONFIGMAPS}?fieldValidation=Strict&dryRun=All");
        let refused = client.call("POST", &post, "application/yaml", yaml).await.expect(400);
        let why = format!("ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: {why}");
        assert_eq!(refused["message"], why);
    });
}

#[test]
fn uids_name_one_object() {
    run(async {
        let client = Client::new().await;
        let made = client.configmap("m", json!({})).await;
        let other = json!({"metadata": {"name": "m", "uid": "u"}});
        let why = |own: &str| {
            format!(
                "Operation cannot be fulfilled on configmaps \"m\": StorageError: invalid object, Code: 4, Key: \
                 /registry/configmaps/default/m, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in \
                 precondition: u, UID in object meta: {own}"
            )
        };
        let path = format!("{CONFIGMAPS}/m");
        let own = made["metadata"]["uid"].as_str().unwrap();
        assert_eq!(client.put(&path, other.clone()).await.expect(409)["message"], why(own));
        client.delete(&path, Value::Null).await.expect(200);
        assert_eq!(client.put(&path, other).await.expect(409)["message"], why(""));
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "uid": "u"}});
        let refused = client.call("PATCH", &format!("{path}?fieldManager=a"), APPLY, config.to_string()).await;
        let why = "uid mismatch: the provided object specified uid u, and no existing object was found";
        assert!(refused.expect(409)["message"].as_str().unwrap().ends_with(why));
    });
}

#[test]
fn some_kinds_are_made_by_put() {
    run(async {
        let client = Client::new().await;
        for (path, code) in [
            ("/api/v1/namespaces/default/endpoints/x", 201),
            ("/apis/coordination.k8s.io/v1/namespaces/default/leases/x", 201),
            ("/api/v1/namespaces/default/configmaps/x", 404),
        ] {
            client.put(path, json!({"metadata": {"name": "x"}})).await.expect(code);
        }
    });
}

#[test]
fn owners_are_there_once() {
    run(async {
        let client = Client::new().await;
        let owner = json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"});
        let doubled = json!({"metadata": {"name": "m", "ownerReferences": [owner, owner]}});
        let answer = client.post(&format!("{CONFIGMAPS}?dryRun=All"), doubled.clone()).await;
        assert_eq!(warnings(&answer).len(), 1);
        assert!(warnings(&answer)[0].contains("duplicate entries; API server dedups"), "{:?}", warnings(&answer));
        assert_eq!(answer.expect(201)["metadata"]["ownerReferences"], json!([owner]));
        client.configmap("m", json!({})).await;
        let answer = client.merge(&format!("{CONFIGMAPS}/m?dryRun=All"), doubled).await;
        assert!(warnings(&answer)[0].contains("after mutating admission happens"), "{:?}", warnings(&answer));
    });
}

#[test]
fn services_have_the_families_that_there_are() {
    run(async {
        let client = Client::new().await;
        for (spec, complaint) in [
            (
                json!({"ipFamilies": ["IPv6"]}),
                "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster",
            ),
            (
                json!({"ipFamilyPolicy": "RequireDualStack"}),
                "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured for dual-stack services",
            ),
            (
                json!({"type": "ExternalName", "externalName": "a.b", "clusterIP": "10.0.0.5"}),
                "spec.clusterIPs: Forbidden: may not be set for ExternalName services",
            ),
        ] {
            let mut service = json!({"metadata": {"name": "s"}, "spec": spec});
            service["spec"]["ports"] = json!([{"port": 80}]);
            let refused = client.post("/api/v1/namespaces/default/services?dryRun=All", service).await.expect(422);
            assert_eq!(refused["message"], format!("Service \"s\" is invalid: {complaint}"));
        }
    });
}
