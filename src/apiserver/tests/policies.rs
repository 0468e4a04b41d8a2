//! Policies that refuse what is written, or warn of it.

use super::*;
use crate::apiserver::auth::User;
use crate::apiserver::auth::authenticate::Authentication;
use crate::apiserver::auth::rbac::Authorization;

const GROUP: &str = "/apis/admissionregistration.k8s.io/v1";
const LIMITS: &str = "/apis/example.com/v1/namespaces/default/limits";

fn warnings(answer: &super::Answer) -> Vec<&str> {
    answer.headers.get_all(header::WARNING).iter().map(|value| value.to_str().unwrap()).collect()
}

/// A policy over config maps.
fn policy(more: Value) -> Value {
    let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]});
    let mut policy = json!({"metadata": {"name": "p"}, "spec": {"matchConstraints": {"resourceRules": [rule]}}});
    for (key, value) in more.as_object().unwrap() {
        policy["spec"][key] = value.clone();
    }
    policy
}

impl Client {
    /// Binds a policy.
    async fn police(&self, policy: Value, binding: Value) {
        self.post(&format!("{GROUP}/validatingadmissionpolicies"), policy).await.expect(201);
        let mut bound = json!({"metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": ["Deny"]}});
        for (key, value) in binding.as_object().unwrap() {
            bound["spec"][key] = value.clone();
        }
        self.post(&format!("{GROUP}/validatingadmissionpolicybindings"), bound).await.expect(201);
    }

    /// Takes policy and binding away.
    async fn free(&self) {
        for resource in ["validatingadmissionpolicies/p", "validatingadmissionpolicybindings/b"] {
            self.delete(&format!("{GROUP}/{resource}"), Value::Null).await.expect(200);
        }
    }

    async fn make(&self, name: &str, data: Value) -> super::Answer {
        self.post(CONFIGMAPS, json!({"metadata": {"name": name}, "data": data})).await
    }
}

#[test]
fn policies_refuse() {
    run(async {
        let client = Client::new().await;
        let valid = |validation: Value| json!({"validations": [validation]});
        let by = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: ";
        for (spec, code, reason, message) in [
            (
                valid(json!({"expression": "has(object.data.a)"})),
                422,
                "Invalid",
                "failed expression: has(object.data.a)",
            ),
            (valid(json!({"expression": "false", "message": " no "})), 422, "Invalid", "no"),
            (
                valid(
                    json!({"expression": "false", "message": "no", "messageExpression": "'no ' + object.metadata.name", "reason": "Forbidden"}),
                ),
                403,
                "Forbidden",
                "no x",
            ),
            (
                valid(json!({"expression": "object.data.gone == ''"})),
                422,
                "Invalid",
                "expression 'object.data.gone == \'\'' resulted in error: no such key: gone",
            ),
            (
                json!({
                    "variables": [{"name": "n", "expression": "size(object.data)"}, {"name": "m", "expression": "variables.n + 1"}],
                    "validations": [{"expression": "variables.m == 3", "messageExpression": "string(variables.m)", "reason": "RequestEntityTooLarge"}]
                }),
                413,
                "RequestEntityTooLarge",
                "2",
            ),
            (
                json!({
                    "variables": [{"name": "n", "expression": "object.data.gone"}],
                    "validations": [{"expression": "variables.n == ''"}]
                }),
                422,
                "Invalid",
                "expression 'variables.n == \'\'' resulted in error: composited variable \"n\" fails to evaluate: no such key: gone",
            ),
            (
                valid(
                    json!({"expression": "namespaceObject.metadata.labels['kubernetes.io/metadata.name'] != request.namespace"}),
                ),
                422,
                "Invalid",
                "failed expression: namespaceObject.metadata.labels['kubernetes.io/metadata.name'] != request.namespace",
            ),
            (
                json!({"matchConditions": [{"name": "c", "expression": "object.data.gone"}], "validations": [{"expression": "true"}]}),
                0,
                "",
                "must evaluate to bool but got dyn",
            ),
            (
                json!({"matchConditions": [{"name": "c", "expression": "object.data.gone == ''"}], "validations": [{"expression": "true"}]}),
                422,
                "Invalid",
                "expression 'object.data.gone == \'\'' resulted in error: no such key: gone",
            ),
            (
                json!({"auditAnnotations": [{"key": "k", "valueExpression": "string(object.data.gone)"}]}),
                422,
                "Invalid",
                "expression 'string(object.data.gone)' resulted in error: no such key: gone",
            ),
        ] {
            let message = message.replace("\\'", "'");
            if code == 0 {
                let refused =
                    client.post(&format!("{GROUP}/validatingadmissionpolicies"), policy(spec)).await.expect(422);
                assert!(refused["message"].as_str().unwrap().ends_with(&message), "{refused}");
                continue;
            }
            client.police(policy(spec.clone()), json!({})).await;
            let refused = client.make("x", json!({"b": "c"})).await.expect(code);
            assert_eq!(refused["message"], format!("configmaps \"x\" is forbidden: {by}{message}"), "{spec}");
            assert_eq!(refused["reason"], reason);
            let cause = json!([{"message": format!("{by}{message}")}]);
            assert_eq!(refused["details"], json!({"name": "x", "kind": "configmaps", "causes": cause}));
            client.free().await;
        }
    });
}

#[test]
fn policies_choose_and_warn() {
    run(async {
        let client = Client::new().await;
        let no = json!([{"expression": "false", "message": "no"}]);
        client.police(policy(json!({"validations": no})), json!({"validationActions": ["Warn", "Audit"]})).await;
        let answer = client.make("a", json!({})).await;
        let warning = "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': no";
        assert_eq!(warnings(&answer), [format!("299 - \"{warning}\"")]);
        answer.expect(201);
        client.free().await;
        for (spec, binding, code) in [
            (
                json!({"validations": no, "matchConditions": [{"name": "c", "expression": "request.operation != 'CREATE'"}]}),
                json!({}),
                201,
            ),
            (
                json!({"validations": no, "matchConditions": [{"name": "c", "expression": "object.data.x == ''"}], "failurePolicy": "Ignore"}),
                json!({}),
                201,
            ),
            (
                json!({"validations": [{"expression": "object.data.x == ''"}], "failurePolicy": "Ignore"}),
                json!({}),
                201,
            ),
            (
                json!({"validations": no}),
                json!({"matchResources": {"namespaceSelector": {"matchLabels": {"a": "b"}}}}),
                201,
            ),
            (
                json!({"validations": no}),
                json!({"matchResources": {"objectSelector": {"matchLabels": {"a": "b"}}}}),
                201,
            ),
            (
                json!({"validations": no}),
                json!({"matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}}),
                422,
            ),
            (json!({"validations": no}), json!({"policyName": "other"}), 201),
        ] {
            client.police(policy(spec.clone()), binding.clone()).await;
            let answer = client.post(CONFIGMAPS, json!({"metadata": {"generateName": "g"}, "data": {}})).await;
            answer.expect(code);
            client.free().await;
        }
        let mut named = policy(json!({"validations": no}));
        named["spec"]["matchConstraints"]["resourceRules"][0]["resourceNames"] = json!(["x"]);
        named["spec"]["matchConstraints"]["excludeResourceRules"] = json!([{
            "apiGroups": [""], "apiVersions": ["*"], "operations": ["DELETE"], "resources": ["*"]}]);
        client.make("x", json!({})).await.expect(201);
        client.police(named, json!({})).await;
        client.make("y", json!({})).await.expect(201);
        client.merge(&format!("{CONFIGMAPS}/x"), json!({"data": {"a": "b"}})).await.expect(422);
        client.delete(&format!("{CONFIGMAPS}/x"), Value::Null).await.expect(200);
    });
}

#[test]
fn policies_have_parameters() {
    run(async {
        let client = Client::new().await;
        let kind = json!({"apiVersion": "example.com/v1", "kind": "Limit"});
        let spec = json!({"paramKind": kind, "validations": [{"expression": "size(object.data) <= params.most", "messageExpression": "'at most ' + string(params.most)"}]});
        let by_name = json!({"paramRef": {"name": "l", "parameterNotFoundAction": "Deny"}});
        client.police(policy(spec.clone()), by_name.clone()).await;
        let refused = client.make("a", json!({})).await.expect(422);
        let why =
            "failed to configure policy: failed to find resource referenced by paramKind: 'example.com/v1, Kind=Limit'";
        assert_eq!(
            refused["details"]["causes"][0]["message"],
            format!("ValidatingAdmissionPolicy 'p' denied request: {why}")
        );
        let schema = json!({"type": "object", "properties": {"most": {"type": "integer"}}});
        let definition = json!({"metadata": {"name": "limits.example.com"}, "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "limits", "kind": "Limit"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}});
        client.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition).await.expect(201);
        client.until(LIMITS, 200).await;
        let refused = client.make("a", json!({})).await.expect(422);
        let why = "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction";
        let by = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: ";
        assert_eq!(refused["details"]["causes"][0]["message"], format!("{by}{why}"));
        let limit = |name: &str, most: i64| {
            let labels = json!({"for": "all"});
            json!({"apiVersion": "example.com/v1", "kind": "Limit", "metadata": {"name": name, "labels": labels}, "most": most})
        };
        client.post(LIMITS, limit("l", 1)).await.expect(201);
        client.make("a", json!({"x": "1"})).await.expect(201);
        let refused = client.make("b", json!({"x": "1", "y": "2"})).await.expect(422);
        assert_eq!(refused["details"]["causes"][0]["message"], format!("{by}at most 1"));
        client.free().await;
        // All that a selector chooses hold.
        client.post(LIMITS, limit("m", 0)).await.expect(201);
        let by_label =
            json!({"paramRef": {"selector": {"matchLabels": {"for": "all"}}, "parameterNotFoundAction": "Allow"}});
        client.police(policy(spec), by_label).await;
        let refused = client.make("c", json!({"x": "1"})).await.expect(422);
        assert_eq!(refused["details"]["causes"][0]["message"], format!("{by}at most 0"));
    });
}

#[test]
fn policies_ask_who_may() {
    run(async {
        let mut authentication = Authentication::default();
        authentication.tokens.insert("root".into(), User::new("root", &["system:masters"]));
        authentication.tokens.insert("jane".into(), User::new("jane", &["dev"]));
        let setup = Setup { authentication, authorization: Authorization::Rbac, ..Setup::default() };
        let client = Client::told(setup).await;
        let root = [("authorization", "Bearer root")];
        let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]}]);
        let path = "/apis/rbac.authorization.k8s.io/v1/clusterrole";
        client
            .with(&root, "POST", &format!("{path}s"), json!({"metadata": {"name": "r"}, "rules": rules}))
            .await
            .expect(201);
        let subject = json!({"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"});
        let role = json!({"kind": "ClusterRole", "name": "r", "apiGroup": "rbac.authorization.k8s.io"});
        let binding = json!({"metadata": {"name": "r"}, "roleRef": role, "subjects": [subject]});
        client.with(&root, "POST", &format!("{path}bindings"), binding).await.expect(201);
        let validations = json!([
            {"expression": "authorizer.requestResource.check('approve').allowed()", "message": "who approved it?"},
            {"expression": "!authorizer.serviceAccount('default', 'x').group('').resource('pods').namespace('default').check('get').allowed()"},
        ]);
        let spec = policy(json!({"validations": validations}));
        client.with(&root, "POST", &format!("{GROUP}/validatingadmissionpolicies"), spec).await.expect(201);
        let bound = json!({"metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": ["Deny"]}});
        client.with(&root, "POST", &format!("{GROUP}/validatingadmissionpolicybindings"), bound).await.expect(201);
        let map = |name: &str| json!({"metadata": {"name": name}});
        client.with(&root, "POST", CONFIGMAPS, map("a")).await.expect(201);
        let jane = [("authorization", "Bearer jane")];
        let refused = client.with(&jane, "POST", CONFIGMAPS, map("b")).await.expect(422);
        assert!(refused["message"].as_str().unwrap().ends_with("who approved it?"), "{refused}");
    });
}

#[test]
fn webhooks_are_asked_under_conditions() {
    run(async {
        let client = Client::new().await;
        let rule =
            json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]});
        let hook = |condition: &str| {
            // Nobody answers there.
            json!({"metadata": {"name": "h"}, "webhooks": [{
                "name": "h.example.com", "clientConfig": {"url": "https://127.0.0.1:9/"}, "rules": [rule], "sideEffects": "None",
                "admissionReviewVersions": ["v1"], "matchConditions": [{"name": "c", "expression": condition}]}]})
        };
        let path = format!("{GROUP}/validatingwebhookconfigurations");
        for (condition, code, message) in [
            ("object.metadata.name != 'x'", 201, ""),
            ("request.name == 'x'", 500, "failed calling webhook"),
            ("object.gone == 1", 403, "expression 'object.gone == 1' resulted in error: no such key: gone"),
        ] {
            client.post(&path, hook(condition)).await.expect(201);
            let answer = client.make("x", json!({})).await.expect(code);
            assert!(message.is_empty() || answer["message"].as_str().unwrap().contains(message), "{answer}");
            client.delete(&format!("{path}/h"), Value::Null).await.expect(200);
        }
        let refused = client.post(&path, hook("params.x")).await.expect(422);
        assert_eq!(refused["details"]["causes"][0]["field"], "webhooks[0].matchConditions[0].expression");
    });
}

/// A mutating policy over deployments and config maps.
fn changing(mutations: Value) -> Value {
    let rule = json!({"apiGroups": ["", "apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps", "deployments"]});
    json!({"metadata": {"name": "m"}, "spec": {
        "matchConstraints": {"resourceRules": [rule]}, "reinvocationPolicy": "Never", "failurePolicy": "Fail",
        "variables": [{"name": "by", "expression": "request.userInfo.username"}], "mutations": mutations}})
}

#[test]
fn policies_change() {
    run(async {
        let client = Client::new().await;
        let (policies, bindings) =
            (format!("{GROUP}/mutatingadmissionpolicies"), format!("{GROUP}/mutatingadmissionpolicybindings"));
        let apply = |text: &str| json!({"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": text}});
        let patch = |text: &str| json!({"patchType": "JSONPatch", "jsonPatch": {"expression": text}});
        let path = "/apis/apps/v1/namespaces/default/deployments";
        let pod = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}, {"name": "d", "image": "i"}]}});
        let deployment =
            json!({"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": pod}});
        client.post(&bindings, json!({"metadata": {"name": "b"}, "spec": {"policyName": "m"}})).await.expect(201);
        let mutations = json!([
            apply(
                "Object{metadata: Object.metadata{labels: {'by': variables.by}}, spec: Object.spec{replicas: 3, template: Object.spec.template{spec: Object.spec.template.spec{containers: [Object.spec.template.spec.containers{name: 'd', image: 'j'}]}}}}"
            ),
            patch(
                "[JSONPatch{op: 'test', path: '/spec/replicas', value: 3}, JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a.b/c'), value: 'x'}]"
            ),
            patch("[JSONPatch{op: 'test', path: '/spec/replicas', value: 4}, JSONPatch{op: 'remove', path: '/spec'}]"),
        ]);
        client.post(&policies, changing(mutations)).await.expect(201);
        let made = client.post(path, deployment).await.expect(201);
        assert_eq!(made["metadata"]["labels"], json!({"by": "admin", "a.b/c": "x"}));
        assert_eq!(made["spec"]["replicas"], 3);
        let containers = made["spec"]["template"]["spec"]["containers"].as_array().unwrap();
        let images: Vec<&Value> = containers.iter().map(|container| &container["image"]).collect();
        assert_eq!(images, ["i", "j"], "items are merged by their keys");
        client.delete(&format!("{policies}/m"), Value::Null).await.expect(200);
        let by = "policy 'm' with binding 'b' denied request: ";
        for (mutation, why) in [
            (
                apply("Object{data: Object.wrong{}}"),
                r#"type mismatch: unexpected type name "Object.wrong", expected "Object.data", which matches field name path from root Object type"#,
            ),
            (
                apply("Object{metadata: Object.metadata{name: object.data.gone}}"),
                "expression 'Object{metadata: Object.metadata{name: object.data.gone}}' resulted in error: no such key: gone",
            ),
            (
                apply(
                    "Object{metadata: Object.metadata{ownerReferences: [Object.metadata.ownerReferences{uid: '1'}], managedFields: []}}",
                ),
                "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .metadata.managedFields, .metadata.ownerReferences[0]",
            ),
        ] {
            client.post(&policies, changing(json!([mutation]))).await.expect(201);
            let refused = client.make("x", json!({"a": "b"})).await.expect(403);
            assert_eq!(refused["message"], format!("{by}{why}"));
            assert_eq!(refused["reason"], "Invalid");
            assert_eq!(refused["details"]["causes"], json!([{"message": format!("{by}{why}")}]));
            client.delete(&format!("{policies}/m"), Value::Null).await.expect(200);
        }
        let refused = client.post(&policies, changing(json!([patch("object")]))).await.expect(422);
        assert_eq!(
            refused["details"]["causes"],
            json!([{
                "reason": "FieldValueInvalid", "field": "spec.mutations[0].jsonPatch.expression",
                "message": "Invalid value: \"object\": must evaluate to list(JSONPatch) but got dyn"}])
        );
    });
}
