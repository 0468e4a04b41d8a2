//! What admission does to objects, and refuses.

use super::*;

fn pod(name: &str, resources: Value) -> Value {
    let container = json!({"name": "c", "image": "i", "resources": resources});
    json!({"metadata": {"name": name}, "spec": {"containers": [container]}})
}

async fn namespace(client: &Client, name: &str, labels: Value) -> String {
    client.post("/api/v1/namespaces", json!({"metadata": {"name": name, "labels": labels}})).await.expect(201);
    format!("/api/v1/namespaces/{name}")
}

fn warnings(answer: &super::Answer) -> Vec<&str> {
    answer.headers.get_all(header::WARNING).iter().map(|value| value.to_str().unwrap()).collect()
}

#[test]
fn limit_ranges_give_and_refuse() {
    run(async {
        let client = Client::new().await;
        let limits = json!([{"type": "Container", "default": {"cpu": "1"}, "max": {"cpu": "2"}}]);
        let range = json!({"metadata": {"name": "l"}, "spec": {"limits": limits}});
        client.post("/api/v1/namespaces/default/limitranges", range).await.expect(201);
        let made = client.post(PODS, pod("a", json!({}))).await.expect(201);
        let resources = json!({"limits": {"cpu": "1"}, "requests": {"cpu": "1"}});
        assert_eq!(made["spec"]["containers"][0]["resources"], resources);
        let refused = client.post(PODS, pod("b", json!({"limits": {"cpu": "3"}}))).await.expect(403);
        assert_eq!(
            refused["message"],
            r#"pods "b" is forbidden: maximum cpu usage per Container is 2, but limit is 3"#
        );
    });
}

#[test]
fn quotas_are_charged_and_freed() {
    run(async {
        let client = Client::new().await;
        let hard = json!({"pods": "1", "configmaps": "2", "count/secrets": "0"});
        let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": hard}});
        client.post("/api/v1/namespaces/default/resourcequotas", quota).await.expect(201);
        client.post(PODS, pod("a", json!({}))).await.expect(201);
        let refused = client.post(PODS, pod("b", json!({}))).await.expect(403);
        let message = r#"pods "b" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"#;
        assert_eq!(refused["message"], message);
        let path = "/api/v1/namespaces/default/resourcequotas/q";
        assert_eq!(client.get(path).await.expect(200)["status"]["used"]["pods"], "1");
        client.delete(&format!("{PODS}/a"), json!({"gracePeriodSeconds": 0})).await.expect(200);
        for _ in 0..200 {
            if client.get(path).await.expect(200)["status"]["used"]["pods"] == "0" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        client.post(PODS, pod("b", json!({}))).await.expect(201);
        assert_eq!(client.get(path).await.expect(200)["status"]["used"]["configmaps"], "0");
        client.post("/api/v1/namespaces/default/secrets", json!({"metadata": {"name": "s"}})).await.expect(403);
    });
}

#[test]
fn quotas_of_what_must_be_asked_for() {
    run(async {
        let client = Client::new().await;
        let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": {"requests.cpu": "1", "limits.memory": "1Gi"}}});
        client.post("/api/v1/namespaces/default/resourcequotas", quota).await.expect(201);
        let refused = client.post(PODS, pod("a", json!({"requests": {"cpu": "1"}}))).await.expect(403);
        let message = r#"pods "a" is forbidden: failed quota: q: must specify limits.memory for: c"#;
        assert_eq!(refused["message"], message);
        let fits = json!({"requests": {"cpu": "600m"}, "limits": {"memory": "100Mi"}});
        client.post(PODS, pod("a", fits.clone())).await.expect(201);
        let refused = client.post(PODS, pod("b", fits)).await.expect(403);
        let message =
            "exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1";
        assert_eq!(refused["message"], format!(r#"pods "b" is forbidden: {message}"#));
    });
}

#[test]
fn namespaces_enforce_and_warn_of_pod_security() {
    run(async {
        let client = Client::new().await;
        let enforce = "pod-security.kubernetes.io/enforce";
        let path = namespace(&client, "n", json!({enforce: "baseline"})).await;
        let mut open = pod("a", json!({}));
        open["spec"]["hostNetwork"] = true.into();
        let refused = client.post(&format!("{path}/pods"), open.clone()).await.expect(403);
        let message =
            r#"pods "a" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)"#;
        assert_eq!(refused["message"], message);
        let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": open["spec"]});
        let deployment = json!({"metadata": {"name": "d"}, "spec": {
            "selector": {"matchLabels": {"a": "b"}}, "template": template
        }});
        let answer = client.post("/apis/apps/v1/namespaces/n/deployments", deployment).await;
        assert_eq!(answer.code, 201, "{}", answer.text());
        assert!(warnings(&answer)[0].starts_with(r#"299 - "would violate PodSecurity \"baseline:latest\": host"#));
        client.post(&format!("{path}/pods"), pod("b", json!({}))).await.expect(201);
        let answer = client.merge(&path, json!({"metadata": {"labels": {enforce: "restricted"}}})).await;
        assert_eq!(warnings(&answer).len(), 2, "{:?}", warnings(&answer));
        assert!(warnings(&answer)[1].contains("b: allowPrivilegeEscalation != false, unrestricted capabilities"));
        let refused = client.merge(&path, json!({"metadata": {"labels": {enforce: "much"}}})).await.expect(422);
        assert_eq!(refused["details"]["causes"][0]["field"], format!("metadata.labels[{enforce}]"));
    });
}

#[test]
fn default_classes_are_named() {
    run(async {
        let client = Client::new().await;
        let mark = "storageclass.kubernetes.io/is-default-class";
        let class = json!({"metadata": {"name": "fast", "annotations": {mark: "true"}}, "provisioner": "p"});
        client.post("/apis/storage.k8s.io/v1/storageclasses", class).await.expect(201);
        let spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
        let claims = "/api/v1/namespaces/default/persistentvolumeclaims";
        let made = client.post(claims, json!({"metadata": {"name": "c"}, "spec": spec.clone()})).await.expect(201);
        assert_eq!(made["spec"]["storageClassName"], "fast");
        let mut none = spec;
        none["storageClassName"] = "".into();
        let made = client.post(claims, json!({"metadata": {"name": "d"}, "spec": none})).await.expect(201);
        assert_eq!(made["spec"]["storageClassName"], "");
    });
}

#[test]
fn runtime_classes_cost_and_claims_grow() {
    run(async {
        let client = Client::new().await;
        let class = json!({"metadata": {"name": "vm"}, "handler": "vm", "overhead": {"podFixed": {"cpu": "100m"}},
            "scheduling": {"nodeSelector": {"vm": "yes"}}});
        client.post("/apis/node.k8s.io/v1/runtimeclasses", class).await.expect(201);
        let mut with = pod("a", json!({}));
        with["spec"]["runtimeClassName"] = "vm".into();
        let made = client.post(PODS, with.clone()).await.expect(201);
        assert_eq!(made["spec"]["overhead"], json!({"cpu": "100m"}));
        assert_eq!(made["spec"]["nodeSelector"], json!({"vm": "yes"}));
        with["spec"]["runtimeClassName"] = "none".into();
        let refused = client.post(PODS, with).await.expect(403);
        assert_eq!(refused["message"], r#"pods "a" is forbidden: pod rejected: RuntimeClass "none" not found"#);

        let claims = "/api/v1/namespaces/default/persistentvolumeclaims";
        let spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
        client.post(claims, json!({"metadata": {"name": "c"}, "spec": spec})).await.expect(201);
        let one = format!("{claims}/c");
        client.merge(&format!("{one}/status"), json!({"status": {"phase": "Bound"}})).await.expect(200);
        let more = json!({"spec": {"resources": {"requests": {"storage": "2Gi"}}}});
        let refused = client.merge(&one, more).await.expect(403);
        assert!(refused["message"].as_str().unwrap().contains("only dynamically provisioned pvc"), "{refused}");
    });
}
