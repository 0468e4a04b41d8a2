//! Requests for certificates: who asked, who approves, who signs.

use super::{Client, run};
use crate::api::{ObjectExt, Value};
use crate::apiserver::auth::authenticate::Authentication;
use crate::apiserver::auth::{MASTERS, User};
use crate::apiserver::pipeline::Setup;
use base64::Engine;
use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::json;

const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
const ROOT: [(&str, &str); 1] = [("authorization", "Bearer root")];
const JANE: [(&str, &str); 1] = [("authorization", "Bearer jane")];

/// A server on which jane may do with requests what is needed, and with signers what is said.
async fn server(signers: Value) -> Client {
    let mut authentication = Authentication::default();
    authentication.tokens.insert("root".into(), User::new("root", &[MASTERS]));
    let mut jane = User { uid: "7".into(), ..User::new("jane", &["dev"]) };
    jane.extra.insert("example.com/k".into(), vec!["v".into()]);
    authentication.tokens.insert("jane".into(), jane);
    let client = Client::told(Setup { authentication, ..Setup::default() }).await;
    let mut rules = vec![
        json!({"apiGroups": ["certificates.k8s.io"], "resources": ["*"], "verbs": ["create", "update"]}),
        json!({"apiGroups": ["certificates.k8s.io"], "resources": ["*"], "verbs": ["get"]}),
    ];
    rules.extend(signers.as_array().into_iter().flatten().cloned());
    let role = json!({"metadata": {"name": "r"}, "rules": rules});
    client.with(&ROOT, "POST", &format!("{RBAC}/clusterroles"), role).await.expect(201);
    let binding = json!({
        "metadata": {"name": "r"}, "subjects": [{"kind": "User", "name": "jane"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"}
    });
    client.with(&ROOT, "POST", &format!("{RBAC}/clusterrolebindings"), binding).await.expect(201);
    client
}

fn request(name: &str, signer: &str, group: &str) -> Value {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "ada");
    params.distinguished_name.push(DnType::OrganizationName, group);
    let pem = params.serialize_request(&KeyPair::generate().unwrap()).unwrap().pem().unwrap();
    let pem = base64::engine::general_purpose::STANDARD.encode(pem);
    let spec = json!({"request": pem, "signerName": signer, "usages": ["client auth"], "username": "forged"});
    json!({"metadata": {"name": name}, "spec": spec})
}

fn signer(verb: &str, name: &str) -> Value {
    json!({"apiGroups": ["certificates.k8s.io"], "resources": ["signers"], "resourceNames": [name], "verbs": [verb]})
}

#[test]
fn requests_say_who_asks() {
    run(async {
        let client = server(json!([])).await;
        let made = client.with(&JANE, "POST", REQUESTS, request("a", "example.com/s", "dev")).await.expect(201);
        let spec = &made["spec"];
        let who = (&spec["username"], &spec["uid"], &spec["groups"], &spec["extra"]);
        let groups = json!(["dev", "system:authenticated"]);
        assert_eq!(who, (&json!("jane"), &json!("7"), &groups, &json!({"example.com/k": ["v"]})));
        let changed = client.with(&ROOT, "PUT", &format!("{REQUESTS}/a"), made.clone()).await.expect(200);
        assert_eq!(changed["spec"]["username"], "jane");
    });
}

#[test]
fn nobody_asks_for_everything() {
    run(async {
        let client = server(json!([])).await;
        let clients = "kubernetes.io/kube-apiserver-client";
        let refused = client.with(&JANE, "POST", REQUESTS, request("a", clients, MASTERS)).await.expect(403);
        let message = r#"certificatesigningrequests.certificates.k8s.io "a" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed"#;
        assert_eq!(refused["message"], message);
        client.with(&JANE, "POST", REQUESTS, request("a", clients, "dev")).await.expect(201);
        client.with(&JANE, "POST", REQUESTS, request("b", "example.com/s", MASTERS)).await.expect(201);
    });
}

#[test]
fn verdicts_and_certificates_need_the_right_of_the_signer() {
    run(async {
        let approved = json!([{"type": "Approved", "status": "True", "reason": "r"}]);
        let failed = json!([{"type": "Failed", "status": "True", "reason": "r"}]);
        for (right, subresource, conditions, code) in [
            (signer("approve", "example.com/s"), "approval", &approved, 200),
            (signer("approve", "example.com/*"), "approval", &approved, 200),
            (signer("approve", "example.org/*"), "approval", &approved, 403),
            (signer("sign", "example.com/s"), "approval", &approved, 403),
            (signer("sign", "example.com/s"), "status", &failed, 200),
            (signer("approve", "example.com/s"), "status", &failed, 403),
        ] {
            let client = server(json!([right])).await;
            let mut made = client.with(&JANE, "POST", REQUESTS, request("a", "example.com/s", "dev")).await.expect(201);
            made.put(&["status", "conditions"], conditions.clone());
            let answer = client.with(&JANE, "PUT", &format!("{REQUESTS}/a/{subresource}"), made).await;
            let answer = answer.expect(code);
            if code == 403 {
                let verb = if subresource == "approval" { "approve" } else { "sign" };
                let message = format!(
                    r#"certificatesigningrequests.certificates.k8s.io "a" is forbidden: user not permitted to {verb} requests with signerName "example.com/s""#
                );
                assert_eq!(answer["message"], message.as_str());
            } else {
                let condition = &answer["status"]["conditions"][0];
                assert!(condition["lastUpdateTime"].is_string() && condition["lastTransitionTime"].is_string());
            }
        }
    });
}
