//! Who is known, and what they may do.

use super::{Client, PODS, run};
use crate::api::{ObjectExt, Value};
use crate::apiserver::auth::authenticate::Authentication;
use crate::apiserver::auth::rbac::Authorization;
use crate::apiserver::auth::{MASTERS, User};
use crate::apiserver::pipeline::Setup;
use serde_json::json;

const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings";
const CLUSTER_ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
const BINDINGS_OF_ALL: &str = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
const ACCOUNTS: &str = "/api/v1/namespaces/default/serviceaccounts";
const ADMIN: [(&str, &str); 1] = [("authorization", "Bearer root")];
const JANE: [(&str, &str); 1] = [("authorization", "Bearer jane")];

fn setup() -> Setup {
    let mut authentication = Authentication::default();
    authentication.tokens.insert("root".into(), User::new("root", &[MASTERS]));
    authentication.tokens.insert("jane".into(), User::new("jane", &["dev"]));
    Setup { authentication, ..Setup::default() }
}

fn subject(kind: &str, name: &str) -> Value {
    json!({"kind": kind, "name": name, "apiGroup": "rbac.authorization.k8s.io"})
}

impl Client {
    /// Makes a role for jane, and binds it to her.
    async fn let_jane(&self, rules: Value) {
        self.with(&ADMIN, "POST", ROLES, json!({"metadata": {"name": "r"}, "rules": rules})).await.expect(201);
        let binding = binding("r", "Role", "r", subject("Group", "dev"));
        self.with(&ADMIN, "POST", BINDINGS, binding).await.expect(201);
    }

    async fn token(&self, spec: Value) -> String {
        let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
        let answer = self.with(&ADMIN, "POST", &format!("{ACCOUNTS}/bot/token"), request).await.expect(201);
        answer.text(&["status", "token"]).to_string()
    }

    async fn whoami(&self, token: &str) -> super::Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        self.with(&headers, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", json!({})).await
    }
}

fn binding(name: &str, kind: &str, role: &str, subject: Value) -> Value {
    json!({
        "metadata": {"name": name}, "subjects": [subject],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}
    })
}

#[test]
fn nobody_knows_a_wrong_token_and_everybody_an_absent_one() {
    run(async {
        let client = Client::told(setup()).await;
        let refused = client.whoami("nobody").await.expect(401);
        assert_eq!(
            (refused["message"].as_str(), refused["reason"].as_str()),
            (Some("Unauthorized"), Some("Unauthorized"))
        );
        let anonymous = client.get(PODS).await.expect(403);
        let message = r#"pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "default""#;
        assert_eq!(anonymous["message"], message);
        assert_eq!(client.get("/healthz").await.code, 200);
        assert_eq!(
            client.get("/metrics").await.expect(403)["message"],
            r#"forbidden: User "system:anonymous" cannot get path "/metrics""#
        );

        let mut strict = setup();
        strict.authentication.no_anonymous = true;
        assert_eq!(Client::told(strict).await.get("/healthz").await.code, 401);
        let open = Client::told(Setup { authorization: Authorization::AlwaysAllow, ..setup() }).await;
        assert_eq!(open.with(&JANE, "GET", PODS, Value::Null).await.code, 200);
    });
}

#[test]
fn nobody_gives_what_they_do_not_have() {
    run(async {
        let client = Client::told(setup()).await;
        client
            .let_jane(json!([
                {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": ["create", "update", "patch"]},
                {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}
            ]))
            .await;
        let pods = |verbs: &[&str]| json!([{"apiGroups": [""], "resources": ["pods"], "verbs": verbs}]);
        let role = |name: &str, rules: Value| json!({"metadata": {"name": name}, "rules": rules});
        client.with(&JANE, "POST", ROLES, role("fine", pods(&["get"]))).await.expect(201);
        let missing = "is forbidden: user \"jane\" (groups=[\"dev\" \"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"watch\" \"delete\"]}";
        let more = pods(&["get", "watch", "delete"]);
        let path = format!("{ROLES}/fine");
        for (method, path, body, name) in
            [("POST", ROLES, role("more", more.clone()), "more"), ("PUT", &*path, role("fine", more.clone()), "fine")]
        {
            let refused = client.with(&JANE, method, path, body).await.expect(403);
            let message = format!("roles.rbac.authorization.k8s.io {name:?} {missing}");
            assert_eq!(refused["message"], message.as_str());
        }
        let patch = json!({"rules": more}).to_string();
        let request = http::Request::builder().method("PATCH").uri(&path).header("authorization", "Bearer jane");
        let request = request.header("content-type", "application/merge-patch+json").body(patch.into()).unwrap();
        client.send(request).await.expect(403);
        // What only lets an object go later gives nothing.
        let ask = json!({"metadata": {"name": "r", "finalizers": ["example.com/x"]}, "rules": client.with(&ADMIN, "GET", &format!("{ROLES}/r"), Value::Null).await.json()["rules"]});
        client.with(&JANE, "PUT", &format!("{ROLES}/r"), ask).await.expect(200);

        let bound = client
            .with(&JANE, "POST", BINDINGS, binding("b", "ClusterRole", "cluster-admin", subject("User", "jane")))
            .await;
        let message = bound.expect(403).text(&["message"]).to_string();
        assert!(message.contains(r#"{APIGroups:["*"], Resources:["*"], Verbs:["*"]}"#), "{message}");
        let absent = client.with(&JANE, "POST", BINDINGS, binding("b", "Role", "nosuch", subject("User", "x"))).await;
        assert_eq!(absent.expect(404)["message"], r#"roles.rbac.authorization.k8s.io "nosuch" not found"#);
        client.with(&JANE, "POST", BINDINGS, binding("b", "Role", "fine", subject("User", "x"))).await.expect(201);
    });
}

#[test]
fn who_may_bind_and_escalate_may() {
    run(async {
        let client = Client::told(setup()).await;
        client.let_jane(json!([
            {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["create", "escalate"]},
            {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["rolebindings"], "verbs": ["create"]},
            {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "resourceNames": ["view"], "verbs": ["bind"]}
        ])).await;
        let everything = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]);
        client.with(&JANE, "POST", ROLES, json!({"metadata": {"name": "all"}, "rules": everything})).await.expect(201);
        let view = binding("v", "ClusterRole", "view", subject("User", "x"));
        client.with(&JANE, "POST", BINDINGS, view).await.expect(201);
        let edit = binding("e", "ClusterRole", "edit", subject("User", "x"));
        client.with(&JANE, "POST", BINDINGS, edit).await.expect(403);
    });
}

#[test]
fn aggregation_needs_everything() {
    run(async {
        let client = Client::told(setup()).await;
        let rules =
            json!([{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["create"]}]);
        let role = json!({"metadata": {"name": "r"}, "rules": rules});
        client.with(&ADMIN, "POST", CLUSTER_ROLES, role).await.expect(201);
        let bound = binding("r", "ClusterRole", "r", subject("User", "jane"));
        client.with(&ADMIN, "POST", BINDINGS_OF_ALL, bound).await.expect(201);
        let selectors = json!([{"matchLabels": {"a": "b"}}]);
        let role =
            json!({"metadata": {"name": "sum"}, "aggregationRule": {"clusterRoleSelectors": selectors}, "rules": []});
        let refused = client.with(&JANE, "POST", CLUSTER_ROLES, role).await.expect(403);
        let message = r#"clusterroles.rbac.authorization.k8s.io "sum" is forbidden: must have cluster-admin privileges to use an aggregationRule"#;
        assert_eq!(refused["message"], message);
    });
}

#[test]
fn a_binding_of_a_role_that_is_gone_is_told() {
    run(async {
        let client = Client::told(setup()).await;
        client
            .with(&ADMIN, "POST", BINDINGS, binding("b", "ClusterRole", "gone", subject("User", "jane")))
            .await
            .expect(201);
        let refused = client.with(&JANE, "GET", PODS, Value::Null).await.expect(403);
        let message = r#"pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default": RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found"#;
        assert_eq!(refused["message"], message);
        let review = json!({"spec": {"namespace": "default"}});
        let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
        let rules = client.with(&JANE, "POST", path, review).await.expect(201);
        assert_eq!(rules["status"]["evaluationError"], r#"clusterrole.rbac.authorization.k8s.io "gone" not found"#);
    });
}

#[test]
fn tokens_are_good_as_long_as_what_they_are_bound_to_is_there() {
    run(async {
        let client = Client::told(setup()).await;
        let account = client.with(&ADMIN, "POST", ACCOUNTS, json!({"metadata": {"name": "bot"}})).await.expect(201);
        let pod = json!({"metadata": {"name": "p"}, "spec": {"serviceAccountName": "bot", "containers": [{"name": "c", "image": "i"}]}});
        let pod = client.with(&ADMIN, "POST", PODS, pod).await.expect(201);
        let secrets = "/api/v1/namespaces/default/secrets";
        client.with(&ADMIN, "POST", secrets, json!({"metadata": {"name": "s"}})).await.expect(201);
        let bound =
            |kind: &str, name: &str| json!({"boundObjectRef": {"apiVersion": "v1", "kind": kind, "name": name}});
        let (plain, of_pod, of_secret) = (
            client.token(json!({})).await,
            client.token(bound("Pod", "p")).await,
            client.token(bound("Secret", "s")).await,
        );

        let user = client.whoami(&of_pod).await.expect(201)["status"]["userInfo"].clone();
        assert_eq!(
            (&user["username"], &user["uid"]),
            (&json!("system:serviceaccount:default:bot"), &account["metadata"]["uid"])
        );
        assert_eq!(
            user["groups"],
            json!(["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"])
        );
        assert_eq!(user["extra"]["authentication.kubernetes.io/pod-uid"], json!([pod["metadata"]["uid"]]));
        assert!(user["extra"]["authentication.kubernetes.io/credential-id"][0].as_str().unwrap().starts_with("JTI="));
        client.whoami(&of_secret).await.expect(201);

        client.with(&ADMIN, "DELETE", &format!("{PODS}/p?gracePeriodSeconds=0"), Value::Null).await.expect(200);
        client.with(&ADMIN, "DELETE", &format!("{secrets}/s"), Value::Null).await.expect(200);
        assert_eq!((client.whoami(&of_pod).await.code, client.whoami(&of_secret).await.code), (401, 401));
        client.whoami(&plain).await.expect(201);
        client.with(&ADMIN, "DELETE", &format!("{ACCOUNTS}/bot"), Value::Null).await.expect(200);
        client.with(&ADMIN, "POST", ACCOUNTS, json!({"metadata": {"name": "bot"}})).await.expect(201);
        assert_eq!(client.whoami(&plain).await.code, 401);
    });
}

#[test]
fn tokens_are_for_their_audience_alone() {
    run(async {
        let client = Client::told(setup()).await;
        client.with(&ADMIN, "POST", ACCOUNTS, json!({"metadata": {"name": "bot"}})).await.expect(201);
        let other = client.token(json!({"audiences": ["elsewhere"]})).await;
        assert_eq!(client.whoami(&other).await.code, 401);
        let review = async |token: &str, audiences: Value| {
            let review = json!({"spec": {"token": token, "audiences": audiences}});
            client.with(&ADMIN, "POST", "/apis/authentication.k8s.io/v1/tokenreviews", review).await.expect(201)["status"].clone()
        };
        let known = review(&other, json!(["elsewhere", "nowhere"])).await;
        assert_eq!((&known["authenticated"], &known["audiences"]), (&json!(true), &json!(["elsewhere"])));
        let message = r#"[invalid bearer token, token audiences ["elsewhere"] is invalid for the target audiences ["https://kubernetes.default.svc"]]"#;
        assert_eq!(review(&other, Value::Null).await, json!({"user": {}, "error": message}));
        assert_eq!(review("x", Value::Null).await, json!({"user": {}, "error": "invalid bearer token"}));
        assert_eq!(review("jane", Value::Null).await["user"]["username"], "jane");
    });
}

#[test]
fn tokens_cannot_be_bound_to_anything() {
    run(async {
        let client = Client::told(setup()).await;
        client.with(&ADMIN, "POST", ACCOUNTS, json!({"metadata": {"name": "bot"}})).await.expect(201);
        client
            .with(&ADMIN, "POST", "/api/v1/namespaces/default/secrets", json!({"metadata": {"name": "s"}}))
            .await
            .expect(201);
        for (bound, code, message) in [
            (
                json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "x"}),
                400,
                "cannot bind token to object of type /v1, Kind=ConfigMap",
            ),
            (json!({"apiVersion": "v1", "kind": "Pod", "name": "x"}), 404, r#"pods "x" not found"#),
            (
                json!({"apiVersion": "v1", "kind": "Secret", "name": "s", "uid": "u"}),
                409,
                r#"Operation cannot be fulfilled on Secret "s": the UID in the bound object reference (u) does not match the UID in record. The object might have been deleted and then recreated"#,
            ),
        ] {
            let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"boundObjectRef": bound}});
            let refused = client.with(&ADMIN, "POST", &format!("{ACCOUNTS}/bot/token"), request).await.expect(code);
            assert_eq!(refused["message"], message);
        }
        for (metadata, code, message) in [
            (
                json!({"name": "x"}),
                422,
                r#"TokenRequest.authentication.k8s.io "bot" is invalid: metadata.name: Invalid value: "x": must match the service account name if specified"#,
            ),
            (
                json!({"namespace": "x"}),
                400,
                "the namespace of the provided object does not match the namespace sent on the request",
            ),
            (
                json!({"uid": "x"}),
                409,
                r#"Operation cannot be fulfilled on TokenRequest.authentication.k8s.io "bot": the UID in the token request (x) does not match the UID of the service account ("#,
            ),
        ] {
            let request =
                json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": metadata});
            let refused = client.with(&ADMIN, "POST", &format!("{ACCOUNTS}/bot/token"), request).await.expect(code);
            assert!(refused.text(&["message"]).starts_with(message), "{refused}");
        }
    });
}

#[test]
fn others_are_only_impersonated_by_who_may() {
    run(async {
        let client = Client::told(setup()).await;
        let rules = json!([
            {"apiGroups": [""], "resources": ["users"], "resourceNames": ["joe"], "verbs": ["impersonate"]},
            {"apiGroups": ["authentication.k8s.io"], "resources": ["userextras/a/b"], "verbs": ["impersonate"]}
        ]);
        client
            .with(&ADMIN, "POST", CLUSTER_ROLES, json!({"metadata": {"name": "r"}, "rules": rules}))
            .await
            .expect(201);
        let bound = binding("r", "ClusterRole", "r", subject("User", "jane"));
        client.with(&ADMIN, "POST", BINDINGS_OF_ALL, bound).await.expect(201);
        let who = async |more: &[(&str, &str)]| {
            let headers = [&JANE[..], more].concat();
            client.with(&headers, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", json!({})).await
        };
        let joe = [("impersonate-user", "joe"), ("impersonate-extra-a%2fb", "c")];
        let user = who(&joe).await.expect(201)["status"]["userInfo"].clone();
        assert_eq!(user, json!({"username": "joe", "groups": ["system:authenticated"], "extra": {"a/b": ["c"]}}));
        for (headers, mode) in [
            ([("impersonate-user", "zoe"), ("x", "")], "user-info"),
            ([("impersonate-user", "joe"), ("impersonate-group", "system:masters")], "user-info"),
            ([("impersonate-user", "system:serviceaccount:n:s"), ("x", "")], "serviceaccount"),
            ([("impersonate-user", "system:node:n"), ("x", "")], "arbitrary-node"),
        ] {
            let message = format!(
                r#"selfsubjectreviews.authentication.k8s.io is forbidden: User "jane" cannot impersonate-on:{mode}:create resource "selfsubjectreviews" in API group "authentication.k8s.io" at the cluster scope"#
            );
            assert_eq!(who(&headers).await.expect(403)["message"], message.as_str());
        }
    });
}

#[test]
fn impersonation_may_be_bound_to_what_is_asked() {
    run(async {
        let client = Client::told(setup()).await;
        let group = "authentication.k8s.io";
        let rules = json!([
            {"apiGroups": [group], "resources": ["users"], "resourceNames": ["ann"], "verbs": ["impersonate:user-info"]},
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["impersonate-on:user-info:list"]}
        ]);
        let role = json!({"metadata": {"name": "r"}, "rules": rules});
        client.with(&ADMIN, "POST", CLUSTER_ROLES, role).await.expect(201);
        let bound = binding("r", "ClusterRole", "r", subject("User", "jane"));
        client.with(&ADMIN, "POST", BINDINGS_OF_ALL, bound).await.expect(201);
        let pods = r#"resource "pods" in API group "" in the namespace "default""#;
        for (path, name, groups, message) in [
            (PODS, "ann", "", format!(r#"pods is forbidden: User "ann" cannot list {pods}"#)),
            (
                PODS,
                "zoe",
                "",
                format!(
                    r#"users.{group} "zoe" is forbidden: User "jane" cannot impersonate:user-info resource "users" in API group "{group}" at the cluster scope"#
                ),
            ),
            (
                PODS,
                "ann",
                MASTERS,
                format!(
                    r#"groups.{group} "system:masters" is forbidden: User "jane" cannot impersonate:user-info resource "groups" in API group "{group}" at the cluster scope: impersonating the system:masters group is not allowed"#
                ),
            ),
            (
                "/metrics",
                "ann",
                "",
                r#"forbidden: User "jane" cannot impersonate-on:user-info:get path "/metrics""#.into(),
            ),
        ] {
            let mut headers = [&JANE[..], &[("impersonate-user", name)]].concat();
            if !groups.is_empty() {
                headers.push(("impersonate-group", groups));
            }
            assert_eq!(client.with(&headers, "GET", path, Value::Null).await.expect(403)["message"], message.as_str());
        }
    });
}

#[test]
fn one_object_may_be_listed_by_who_may_read_it_alone() {
    run(async {
        let client = Client::told(setup()).await;
        client
            .let_jane(json!([{"apiGroups": [""], "resources": ["pods"], "resourceNames": ["p"], "verbs": ["list"]}]))
            .await;
        let list = async |query: &str| client.with(&JANE, "GET", &format!("{PODS}{query}"), Value::Null).await;
        list("?fieldSelector=metadata.name%3Dp").await.expect(200);
        list("").await.expect(403);
        let other = list("?fieldSelector=metadata.name%3Dq").await.expect(403);
        assert!(other.text(&["message"]).starts_with(r#"pods "q" is forbidden: "#), "{other}");
        let markup = client.with(&JANE, "GET", "/%3Cb%3E", Value::Null).await.expect(403);
        assert!(!markup.text(&["message"]).contains('<'), "{markup}");
    });
}

#[test]
fn who_makes_by_applying_must_be_allowed_to_make() {
    run(async {
        let client = Client::told(setup()).await;
        let rule = |verbs: &[&str]| json!({"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs});
        client.let_jane(json!([rule(&["patch"])])).await;
        let apply = async || {
            let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}});
            let path = "/api/v1/namespaces/default/configmaps/c?fieldManager=m";
            let request = http::Request::builder().method("PATCH").uri(path).header("authorization", "Bearer jane");
            let request = request.header("content-type", "application/apply-patch+yaml");
            client.send(request.body(config.to_string().into()).unwrap()).await
        };
        let message = r#"configmaps "c" is forbidden: User "jane" cannot create resource "configmaps" in API group "" in the namespace "default""#;
        assert_eq!(apply().await.expect(403)["message"], message);
        let role = json!({"metadata": {"name": "r"}, "rules": [rule(&["patch", "create"])]});
        client.with(&ADMIN, "PUT", &format!("{ROLES}/r"), role).await.expect(200);
        apply().await.expect(201);
    });
}

#[test]
fn who_makes_by_replacing_must_be_allowed_to_make() {
    run(async {
        let client = Client::told(setup()).await;
        let rule = |verbs: &[&str]| json!([{"apiGroups": [""], "resources": ["endpoints"], "verbs": verbs}]);
        client.let_jane(rule(&["update"])).await;
        let put = async || {
            let path = "/api/v1/namespaces/default/endpoints/l";
            client.with(&JANE, "PUT", path, json!({"metadata": {"name": "l"}})).await
        };
        let message = r#"endpoints "l" is forbidden: User "jane" cannot create resource "endpoints" in API group "" in the namespace "default""#;
        assert_eq!(put().await.expect(403)["message"], message);
        let role = json!({"metadata": {"name": "r"}, "rules": rule(&["update", "create"])});
        client.with(&ADMIN, "PUT", &format!("{ROLES}/r"), role).await.expect(200);
        let made = put().await.expect(201);
        assert!(!made.uid().is_empty());
        put().await.expect(200);
        let other =
            client.with(&ADMIN, "PUT", "/api/v1/namespaces/default/configmaps/c", json!({"metadata": {"name": "c"}}));
        other.await.expect(404);
    });
}

#[test]
fn the_key_for_tokens_is_told() {
    run(async {
        let client = Client::told(setup()).await;
        let about = client.with(&ADMIN, "GET", "/.well-known/openid-configuration", Value::Null).await.expect(200);
        assert_eq!(about["issuer"], "https://kubernetes.default.svc");
        let keys = client.with(&ADMIN, "GET", "/openid/v1/jwks", Value::Null).await;
        assert_eq!(keys.headers["content-type"], "application/jwk-set+json");
        assert_eq!(keys.json()["keys"][0]["alg"], "ES256");
    });
}
