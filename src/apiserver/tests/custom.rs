//! CustomResourceDefinitions, and the resources that they define.

use super::*;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const FOOS: &str = "/apis/example.com/v1/namespaces/default/foos";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// A definition of foos with one version; its fields are those of `spec`.
fn foos(spec: Value) -> Value {
    json!({"metadata": {"name": "foos.example.com"}, "spec": {
        "group": "example.com", "scope": "Namespaced",
        "names": {"plural": "foos", "singular": "foo", "kind": "Foo", "shortNames": ["f"], "categories": ["all"]},
        "versions": [{"name": "v1", "served": true, "storage": true,
            "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.n", "statusReplicasPath": ".status.n",
                "labelSelectorPath": ".status.selector"}},
            "additionalPrinterColumns": [{"name": "N", "type": "integer", "jsonPath": ".spec.n"}],
            "selectableFields": [{"jsonPath": ".spec.color"}],
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "spec": {"type": "object", "properties": spec},
                "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}]}})
}

fn foo(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": name}, "spec": spec})
}

fn fields() -> Value {
    json!({"n": {"type": "integer", "maximum": 5}, "color": {"type": "string", "default": "red"}})
}

async fn with_foos() -> Client {
    let client = Client::new().await;
    client.post(DEFINITIONS, foos(fields())).await.expect(201);
    client
}

#[test]
fn a_definition_is_established_and_served() {
    run(async {
        let client = Client::new().await;
        let made = client.post(DEFINITIONS, foos(fields())).await.expect(201);
        assert_eq!(made["status"]["conditions"], Value::Null);
        let there = client.get(&format!("{DEFINITIONS}/foos.example.com")).await.expect(200);
        let conditions: Vec<(&str, &str, &str)> = there["status"]["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| (c["type"].as_str().unwrap(), c["status"].as_str().unwrap(), c["reason"].as_str().unwrap()))
            .collect();
        let want = [("NamesAccepted", "True", "NoConflicts"), ("Established", "True", "InitialNamesAccepted")];
        assert_eq!(conditions, want);
        assert_eq!(there["status"]["acceptedNames"], there["spec"]["names"]);
        let old = client.get("/apis/example.com/v1").await.expect(200);
        let names: Vec<&str> =
            old["resources"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["foos", "foos/status", "foos/scale"]);
        let new = client.get_as("/apis", AGGREGATED).await.expect(200);
        let group = new["items"].as_array().unwrap().iter().find(|g| g["metadata"]["name"] == "example.com").unwrap();
        assert_eq!(group["versions"][0]["resources"][0]["shortNames"], json!(["f"]));
        let index = client.get("/openapi/v3").await.expect(200);
        let address = index["paths"]["apis/example.com/v1"]["serverRelativeURL"].as_str().unwrap();
        let document = client.get(address).await.expect(200);
        let schema = &document["components"]["schemas"]["com.example.v1.Foo"];
        assert_eq!(schema["properties"]["spec"]["properties"]["n"], json!({"type": "integer", "maximum": 5}));
        assert!(schema["properties"]["metadata"]["allOf"][0]["$ref"].is_string());
        assert!(
            document["paths"]["/apis/example.com/v1/namespaces/{namespace}/foos/{name}/scale"]["patch"].is_object()
        );
        let v2 = client.get("/openapi/v2").await.expect(200);
        assert_eq!(v2["definitions"]["com.example.v1.FooList"]["required"], json!(["items"]));
    });
}

#[test]
fn names_that_are_taken_are_not_given() {
    run(async {
        let client = with_foos().await;
        let mut other = foos(fields());
        other["metadata"]["name"] = "bars.example.com".into();
        other["spec"]["names"] = json!({"plural": "bars", "kind": "Foo", "shortNames": ["f"]});
        client.post(DEFINITIONS, other).await.expect(201);
        let path = format!("{DEFINITIONS}/bars.example.com");
        let there = client.get(&path).await.expect(200);
        assert_eq!(there["status"]["conditions"][0]["message"], r#""FooList" is already in use"#);
        assert_eq!(there["status"]["conditions"][1]["reason"], "NotAccepted");
        assert_eq!(client.get("/apis/example.com/v1/namespaces/default/bars").await.code, 404);
        // When the other one goes, its names are free.
        client.delete(&format!("{DEFINITIONS}/foos.example.com"), Value::Null).await.expect(200);
        client.until("/apis/example.com/v1/namespaces/default/bars", 200).await;
    });
}

#[test]
fn objects_are_pruned_filled_in_and_checked() {
    run(async {
        let client = with_foos().await;
        let made = client.post(FOOS, foo("a", json!({"n": 1, "x": 1}))).await.expect(201);
        assert_eq!(made["spec"], json!({"n": 1, "color": "red"}));
        let strict =
            client.post(&format!("{FOOS}?fieldValidation=Strict"), foo("b", json!({"x": 1}))).await.expect(400);
        let why = r#"Foo in version "v1" cannot be handled as a Foo: strict decoding error: unknown field "spec.x""#;
        assert_eq!(strict["message"], why);
        let warned = client.post(&format!("{FOOS}?fieldValidation=Warn"), foo("b", json!({"x": 1}))).await;
        assert_eq!(warned.headers["warning"], r#"299 - "unknown field \"spec.x\"""#);
        let wrong = client.post(FOOS, foo("c", json!({"n": 6}))).await.expect(422);
        let why = "spec.n: Invalid value: 6: spec.n in body should be less than or equal to 5";
        assert_eq!(wrong["message"], format!(r#"Foo.example.com "c" is invalid: {why}"#));
        for (body, code, why) in [
            (
                json!({"apiVersion": "example.com/v2", "kind": "Foo"}),
                400,
                "the API version in the data (example.com/v2) does not match the expected API version (example.com/v1)",
            ),
            (
                json!({"apiVersion": "example.com/v1", "kind": "Bar", "metadata": {"name": "x"}}),
                422,
                r#"Bar.example.com "x" is invalid: kind: Invalid value: "Bar": must be Foo"#,
            ),
            (
                json!({"apiVersion": "example.com/v1"}),
                400,
                r#"the object provided is unrecognized (must be of type Foo): Object 'Kind' is missing in '{"apiVersion":"example.com/v1"}' ({"apiVersion":"example.com/v1" ...)"#,
            ),
        ] {
            assert_eq!(client.post(FOOS, body).await.expect(code)["message"], why);
        }
    });
}

#[test]
fn objects_are_changed_like_others() {
    run(async {
        let client = with_foos().await;
        client.post(FOOS, foo("a", json!({"n": 1}))).await.expect(201);
        let path = format!("{FOOS}/a");
        let changed = client.merge(&path, json!({"spec": {"n": 2}, "status": {"n": 9}})).await.expect(200);
        assert_eq!((&changed["metadata"]["generation"], changed.get("status")), (&json!(2), None));
        let status =
            json!({"status": {"n": 4, "selector": "a=b"}, "spec": {"n": 5}, "metadata": {"labels": {"x": "y"}}});
        let status = client.merge(&format!("{path}/status"), status).await.expect(200);
        assert_eq!((&status["spec"]["n"], &status["metadata"]["generation"]), (&json!(2), &json!(2)));
        assert_eq!(status["metadata"].get("labels"), None, "only the status is written");
        let scale = client.get(&format!("{path}/scale")).await.expect(200);
        assert_eq!(
            (&scale["spec"], &scale["status"]),
            (&json!({"replicas": 2}), &json!({"replicas": 4, "selector": "a=b"}))
        );
        client.merge(&format!("{path}/scale"), json!({"spec": {"replicas": 3}})).await.expect(200);
        let table = client.get_as(FOOS, TABLE).await.expect(200);
        assert_eq!(table["rows"][0]["cells"], json!(["a", 3]));
        let refused = client.put(&path, foo("a", json!({}))).await.expect(422);
        let why = "metadata.resourceVersion: Invalid value: 0: must be specified for an update";
        assert_eq!(refused["message"], format!(r#"foos.example.com "a" is invalid: {why}"#));
        let strategic = client.call("PATCH", &path, "application/strategic-merge-patch+json", "{}").await;
        assert_eq!(strategic.expect(415)["reason"], "UnsupportedMediaType");
        let removed =
            client.call("PATCH", &path, "application/json-patch+json", r#"[{"op":"remove","path":"/spec/n"}]"#);
        assert_eq!(removed.await.expect(200)["spec"], json!({"color": "red"}));
        let gone = client.get(&format!("{path}/scale")).await.expect(500);
        assert_eq!(gone["message"], r#"Internal error occurred: the spec replicas field ".spec.n" does not exist"#);
    });
}

#[test]
fn lists_are_selected_and_say_what_they_are() {
    run(async {
        let client = with_foos().await;
        client.post(FOOS, foo("a", json!({"color": "blue"}))).await.expect(201);
        client.post(FOOS, foo("b", json!({}))).await.expect(201);
        let list = client.get(&format!("{FOOS}?fieldSelector=spec.color=blue")).await.expect(200);
        assert_eq!((&list["kind"], &list["metadata"]["continue"]), (&json!("FooList"), &json!("")));
        assert_eq!((&list["items"][0]["kind"], list["items"].as_array().unwrap().len()), (&json!("Foo"), 1));
        let refused = client.get(&format!("{FOOS}?fieldSelector=spec.n=1")).await.expect(400);
        assert_eq!(refused["message"], "field label not supported: spec.n");
        client.delete(FOOS, Value::Null).await.expect(200);
        assert_eq!(client.get(FOOS).await.expect(200)["items"], json!([]));
    });
}

#[test]
fn applies_merge_lists_by_their_keys() {
    run(async {
        let client = Client::new().await;
        let item = json!({"type": "object", "required": ["k"], "properties": {"k": {"type": "string"}, "v": {"type": "string"}}});
        let list = json!({"type": "array", "items": item, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]});
        client.post(DEFINITIONS, foos(json!({"list": list, "color": {"type": "string"}}))).await.expect(201);
        let apply = async |manager: &str, key: &str| {
            let body = foo("a", json!({"list": [{"k": key, "v": manager}]})).to_string();
            let path = format!("{FOOS}/a?fieldManager={manager}");
            client.call("PATCH", &path, "application/apply-patch+yaml", body).await
        };
        apply("one", "a").await.expect(201);
        let both = apply("two", "b").await.expect(200);
        assert_eq!(both["spec"]["list"], json!([{"k": "a", "v": "one"}, {"k": "b", "v": "two"}]));
        assert_eq!(apply("two", "a").await.expect(409)["reason"], "Conflict");
        let twice = foo("b", json!({"list": [{"k": "a"}, {"k": "a"}]}));
        let refused = client.post(FOOS, twice).await.expect(422);
        assert_eq!(refused["details"]["causes"][0]["message"], r#"Duplicate value: {"k":"a"}"#);
    });
}

#[test]
fn versions_share_their_objects() {
    run(async {
        let client = Client::new().await;
        let mut definition = foos(fields());
        let mut second = definition["spec"]["versions"][0].clone();
        second["name"] = "v1beta1".into();
        second["storage"] = false.into();
        second["deprecated"] = true.into();
        second["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"] =
            json!({"n": {"type": "integer"}, "extra": {"type": "string", "default": "x"}});
        second.as_object_mut().unwrap().remove("selectableFields");
        definition["spec"]["versions"].as_array_mut().unwrap().push(second);
        client.post(DEFINITIONS, definition).await.expect(201);
        client.post(FOOS, foo("a", json!({"n": 1}))).await.expect(201);
        let old = client.get("/apis/example.com/v1beta1/namespaces/default/foos/a").await;
        assert_eq!(old.headers["warning"], r#"299 - "example.com/v1beta1 Foo is deprecated; use example.com/v1 Foo""#);
        let old = old.expect(200);
        // What is kept has the fields and the defaults of the version that is stored.
        assert_eq!((&old["apiVersion"], &old["spec"]), (&json!("example.com/v1beta1"), &json!({"n": 1})));
        let mut other = foo("b", json!({"n": 2, "extra": "y"}));
        other["apiVersion"] = "example.com/v1beta1".into();
        let made = client.post("/apis/example.com/v1beta1/namespaces/default/foos", other).await.expect(201);
        assert_eq!(made["spec"], json!({"n": 2}));
        let made = client.get(&format!("{FOOS}/b")).await.expect(200);
        assert_eq!(made["spec"], json!({"n": 2, "color": "red"}));
        let group = client.get("/apis/example.com").await.expect(200);
        assert_eq!(group["preferredVersion"]["version"], "v1");
    });
}

#[test]
fn a_definition_takes_its_objects_with_it() {
    run(async {
        let client = with_foos().await;
        client.post(FOOS, foo("a", json!({}))).await.expect(201);
        let mut held = foo("b", json!({}));
        held["metadata"]["finalizers"] = json!(["example.com/hold"]);
        client.post(FOOS, held).await.expect(201);
        let path = format!("{DEFINITIONS}/foos.example.com");
        let deleted = client.delete(&path, Value::Null).await.expect(200);
        assert_eq!(deleted["metadata"]["finalizers"], json!(["customresourcecleanup.apiextensions.k8s.io"]));
        assert_eq!(
            (&deleted["metadata"]["generation"], &deleted["status"]["conditions"][2]["reason"]),
            (&json!(1), &json!("InstanceDeletionPending"))
        );
        let refused = client.post(FOOS, foo("c", json!({}))).await.expect(405);
        assert_eq!(refused["message"], "create not allowed while custom resource definition is terminating");
        client.until(&format!("{FOOS}/a"), 404).await;
        client.get(&path).await.expect(200);
        client.merge(&format!("{FOOS}/b"), json!({"metadata": {"finalizers": null}})).await;
        client.until(&path, 404).await;
        let gone = client.get(FOOS).await;
        assert_eq!((gone.code, gone.text().as_str()), (404, "404 page not found\n"));
    });
}

#[test]
fn definitions_are_served_after_a_restart() {
    run(async {
        let client = with_foos().await;
        client.post(FOOS, foo("a", json!({}))).await.expect(201);
        let again = Client { server: Server::start(client.server.store.clone(), Setup::default()).await.unwrap() };
        assert_eq!(again.get(&format!("{FOOS}/a")).await.expect(200)["spec"]["color"], "red");
        // What one server learns, the other does too.
        again.delete(&format!("{DEFINITIONS}/foos.example.com"), Value::Null).await.expect(200);
        client.until(FOOS, 404).await;
    });
}

#[test]
fn a_new_schema_holds_for_old_objects() {
    run(async {
        let client = with_foos().await;
        client.post(FOOS, foo("a", json!({"n": 1}))).await.expect(201);
        let path = format!("{DEFINITIONS}/foos.example.com");
        let mut definition = client.get(&path).await.expect(200);
        definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"] =
            json!({"n": {"type": "integer", "maximum": 0}, "size": {"type": "string", "default": "m"}});
        definition["spec"]["versions"][0].as_object_mut().unwrap().remove("selectableFields");
        client.put(&path, definition).await.expect(200);
        let there = client.get(&format!("{FOOS}/a")).await.expect(200);
        assert_eq!(there["spec"], json!({"n": 1, "size": "m"}));
        // What was wrong before may stay as it is.
        let changed = client.merge(&format!("{FOOS}/a"), json!({"spec": {"size": "l"}})).await.expect(200);
        assert_eq!(changed["spec"]["size"], "l");
        client.merge(&format!("{FOOS}/a"), json!({"spec": {"n": 2}})).await.expect(422);
    });
}

#[test]
fn rules_hold() {
    run(async {
        let client = Client::new().await;
        let rule = |rule: Value| json!({"type": "integer", "x-kubernetes-validations": [rule]});
        let wrong =
            client.post(DEFINITIONS, foos(json!({"color": {"type": "string"}, "n": rule(json!({"rule": "self.x"}))})));
        let wrong = wrong.await.expect(422);
        let cause = &wrong["details"]["causes"][0];
        let at = "spec.validation.openAPIV3Schema.properties[spec].properties[n].x-kubernetes-validations[0].rule";
        assert_eq!(cause["field"], at);
        assert!(cause["message"].as_str().unwrap().contains("compilation failed: ERROR: <input>:1:5: "), "{cause}");
        let mut pairs = rule(json!({"rule": "self.all(a, self.exists(b, a == b))"}));
        pairs["type"] = "array".into();
        pairs["items"] = json!({"type": "string"});
        let wrong =
            client.post(DEFINITIONS, foos(json!({"color": {"type": "string"}, "pairs": pairs}))).await.expect(422);
        let why = "Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or \
                   adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";
        let causes: Vec<&str> =
            wrong["details"]["causes"].as_array().unwrap().iter().filter_map(|c| c["message"].as_str()).collect();
        assert_eq!(causes[0], why);
        assert_eq!(causes[1..].len(), 2, "the rule and the schema are named: {causes:?}");
        let grows = rule(
            json!({"rule": "self >= oldSelf", "messageExpression": "'%d is less than %d'.format([self, oldSelf])"}),
        );
        client
            .post(DEFINITIONS, foos(json!({"color": {"type": "string", "enum": ["red"]}, "n": grows})))
            .await
            .expect(201);
        client.post(FOOS, foo("a", json!({"n": 3}))).await.expect(201);
        let refused = client.merge(&format!("{FOOS}/a"), json!({"spec": {"n": 2}})).await.expect(422);
        assert_eq!(refused["message"], r#"Foo.example.com "a" is invalid: spec.n: Invalid value: 2: 2 is less than 3"#);
        let refused = client.merge(&format!("{FOOS}/a"), json!({"spec": {"n": 2, "color": "x"}})).await.expect(422);
        assert_eq!(
            refused["details"]["causes"][1]["field"], "<nil>",
            "rules are not evaluated for what is wrong anyway"
        );
        client.merge(&format!("{FOOS}/a"), json!({"spec": {"n": 4}})).await.expect(200);
    });
}
