//! Creates, updates, conflicts, and what services claim.

use super::*;

#[test]
fn stale_updates_are_refused_and_empty_ones_change_nothing() {
    run(async {
        let client = Client::new().await;
        let made = client.configmap("m", json!({"a": "1"})).await;
        let path = format!("{CONFIGMAPS}/m");
        let changed = client.merge(&path, json!({"data": {"x": "1"}})).await.expect(200);
        assert_eq!(client.put(&path, made.clone()).await.expect(409)["reason"], "Conflict");
        let same = client.put(&path, changed.clone()).await.expect(200);
        assert_eq!(same, changed, "a write that changes nothing is none");
        let dry = client.merge(&format!("{path}?dryRun=All"), json!({"data": {"x": "2"}})).await.expect(200);
        assert_eq!(dry["data"]["x"], "2");
        assert_eq!(client.get(&path).await.expect(200), changed);
    });
}

#[test]
fn status_and_main_resource_keep_out_of_each_other() {
    run(async {
        let client = Client::new().await;
        let deployments = "/apis/apps/v1/namespaces/default/deployments";
        let deployment = json!({"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}},
            "status": {"replicas": 9}});
        let made = client.post(deployments, deployment).await.expect(201);
        assert_eq!((&made["status"], &made["metadata"]["generation"]), (&json!({}), &json!(1)));
        let path = format!("{deployments}/d");
        let both = json!({"spec": {"replicas": 5}, "status": {"replicas": 2}});
        let main = client.merge(&path, both).await.expect(200);
        assert_eq!((&main["status"], &main["metadata"]["generation"]), (&json!({}), &json!(2)));
        let both = json!({"spec": {"replicas": 7}, "status": {"replicas": 2}});
        let status = client.merge(&format!("{path}/status"), both).await.expect(200);
        assert_eq!((&status["spec"]["replicas"], &status["status"]["replicas"]), (&json!(5), &json!(2)));
        let scale = client.merge(&format!("{path}/scale"), json!({"spec": {"replicas": 1}})).await.expect(200);
        assert_eq!(scale["status"], json!({"replicas": 2, "selector": "a=b"}));
        assert_eq!(client.get(&path).await.expect(200)["spec"]["replicas"], 1);
    });
}

#[test]
fn services_get_addresses_and_ports_that_nobody_else_has() {
    run(async {
        let client = Client::new().await;
        let service = |name: &str, spec: Value| json!({"metadata": {"name": name}, "spec": spec});
        let ports = json!([{"port": 80}]);
        let first = service("a", json!({"type": "NodePort", "ports": ports, "clusterIP": "10.0.0.50"}));
        let first = client.post(SERVICES, first).await.expect(201);
        let port = first["spec"]["ports"][0]["nodePort"].as_i64().unwrap();
        assert!((30000..=32767).contains(&port));
        let taken = service("b", json!({"ports": ports, "clusterIP": "10.0.0.50"}));
        let refused = client.post(SERVICES, taken).await.expect(422);
        assert!(refused["message"].as_str().unwrap().ends_with("provided IP is already allocated"));
        let taken = service("b", json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": port}]}));
        let refused = client.post(SERVICES, taken.clone()).await.expect(422);
        assert!(refused["message"].as_str().unwrap().ends_with("provided port is already allocated"));
        let claimed = client.get("/apis/networking.k8s.io/v1/ipaddresses/10.0.0.50").await.expect(200);
        assert_eq!(claimed["spec"]["parentRef"]["name"], "a");
        client.delete(&format!("{SERVICES}/a"), Value::Null).await.expect(200);
        client.get("/apis/networking.k8s.io/v1/ipaddresses/10.0.0.50").await.expect(404);
        client.post(SERVICES, taken).await.expect(201);
    });
}

#[test]
fn all_addresses_can_be_given_out_and_no_more() {
    run(async {
        let client = Client::new().await;
        let service = |i: usize| json!({"metadata": {"name": format!("s{i}")}, "spec": {"ports": [{"port": 80}]}});
        let mut seen = std::collections::HashSet::new();
        for i in 0..253 {
            let made = client.post(SERVICES, service(i)).await.expect(201);
            assert!(seen.insert(made["spec"]["clusterIP"].to_string()));
        }
        client.post(SERVICES, service(999)).await.expect(500);
    });
}

#[test]
fn generated_names_do_not_collide() {
    run(async {
        let client = Client::new().await;
        let mut seen = std::collections::HashSet::new();
        for _ in 0..50 {
            let made = client.post(CONFIGMAPS, json!({"metadata": {"generateName": "g-"}})).await.expect(201);
            assert!(seen.insert(made["metadata"]["name"].to_string()));
        }
    });
}

#[test]
fn both_versions_of_an_autoscaler_are_one_object() {
    run(async {
        let client = Client::new().await;
        let spec = json!({"scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"},
            "maxReplicas": 3, "targetCPUUtilizationPercentage": 70});
        let v1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers";
        let made = client.post(v1, json!({"metadata": {"name": "h"}, "spec": spec})).await.expect(201);
        assert_eq!(made["spec"]["targetCPUUtilizationPercentage"], 70);
        let v2 = client.get("/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/h").await.expect(200);
        assert_eq!(v2["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 70);
        assert_eq!((&v2["apiVersion"], &v2["metadata"]["uid"]), (&json!("autoscaling/v2"), &made["metadata"]["uid"]));
    });
}

#[test]
fn api_services_tell_whether_their_server_is_there() {
    run(async {
        let client = Client::new().await;
        let path = "/apis/apiregistration.k8s.io/v1/apiservices";
        let spec = json!({"group": "x.example.com", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1,
            "service": {"namespace": "default", "name": "s"}});
        let object = json!({"metadata": {"name": "v1.x.example.com"}, "spec": spec});
        client.post(path, object).await.expect(201);
        let one = format!("{path}/v1.x.example.com");
        let found = client.get(&one).await.expect(200);
        assert_eq!(found["status"]["conditions"][0]["reason"], "ServiceNotFound", "{found}");
        let port = json!([{"port": 443}]);
        client.post(SERVICES, json!({"metadata": {"name": "s"}, "spec": {"ports": port}})).await.expect(201);
        client.merge(&one, json!({"spec": {"versionPriority": 2}})).await.expect(200);
        let found = client.get(&one).await.expect(200);
        assert_eq!(
            found["status"]["conditions"][0]["message"],
            "cannot find endpointslices for service/s in \"default\""
        );
    });
}

#[test]
fn jobs_show_the_labels_that_their_pods_get() {
    run(async {
        let client = Client::new().await;
        let pod = json!({"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]});
        for (own, of_pods, shared) in [
            (json!({}), json!({}), true),
            (json!({}), json!({"a": "b"}), true),
            (json!({"a": "b"}), json!({"a": "b"}), false),
        ] {
            let template = json!({"metadata": {"labels": of_pods}, "spec": pod});
            let job = json!({"metadata": {"name": "j", "labels": own}, "spec": {"template": template}});
            let made = client.post("/apis/batch/v1/namespaces/default/jobs?dryRun=All", job).await.expect(201);
            let labels = &made["spec"]["template"]["metadata"]["labels"];
            assert_eq!(labels["job-name"], "j");
            assert_eq!(&made["metadata"]["labels"], if shared { labels } else { &own });
        }
    });
}

#[test]
fn the_data_of_a_revision_is_what_was_sent_to_the_byte() {
    run(async {
        let client = Client::new().await;
        let path = "/apis/apps/v1/namespaces/default/controllerrevisions";
        let sent =
            |name: &str, data: &str| format!(r#"{{"metadata": {{"name": "{name}"}}, "revision": 1, "data": {data}}}"#);
        let label = json!({"metadata": {"labels": {"a": "b"}}});
        for (name, data, put, patched, code) in [
            ("plain", r#"{"a":1,"b":2}"#, r#"{"a":1,"b":2}"#, "strategic-merge-patch", 200),
            ("turned", r#"{"b":2,"a":1.0}"#, r#"{"b":2,"a":1.0}"#, "merge-patch", 200),
            ("rewritten", r#"{"b":2,"a":1.0}"#, r#"{"b":2,"a":1.0}"#, "strategic-merge-patch", 422),
            ("spaced", r#"{"a": 1}"#, r#"{"a": 1}"#, "merge-patch", 422),
        ] {
            let one = format!("{path}/{name}");
            let made = client.call("POST", path, "application/json", sent(name, data)).await;
            let shown = String::from_utf8(made.bytes.to_vec()).unwrap();
            assert!(shown.contains(&format!(r#""data":{}"#, crate::api::json::compact(data))), "{shown}");
            client.call("PUT", &one, "application/json", sent(name, put)).await.expect(200);
            let kind = format!("application/{patched}+json");
            client.call("PATCH", &one, &kind, label.to_string()).await.expect(code);
            let spaced = put.replace(':', " : ");
            let refused = client.call("PUT", &one, "application/json", sent(name, &spaced)).await.expect(422);
            assert_eq!(refused["details"]["causes"][0]["field"], "data");
        }
    });
}
