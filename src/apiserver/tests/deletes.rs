//! What goes, when, and what goes with it.

use super::*;

#[test]
fn dependents_follow_their_owner_or_stay() {
    run(async {
        for (policy, follows) in [("Background", true), ("Foreground", true), ("Orphan", false)] {
            let client = Client::new().await;
            let owner_map = client.configmap("owner", json!({})).await;
            let dependent = json!({"metadata": {"name": "dependent", "ownerReferences": owner(&owner_map, true)}});
            client.post(CONFIGMAPS, dependent).await.expect(201);
            let options = json!({"propagationPolicy": policy});
            client.delete(&format!("{CONFIGMAPS}/owner"), options).await.expect(200);
            client.until(&format!("{CONFIGMAPS}/owner"), 404).await;
            if follows {
                client.until(&format!("{CONFIGMAPS}/dependent"), 404).await;
            } else {
                let left = client.get(&format!("{CONFIGMAPS}/dependent")).await.expect(200);
                assert_eq!(left["metadata"].get("ownerReferences"), None, "{policy}");
            }
        }
    });
}

#[test]
fn an_owner_waits_for_its_dependents_in_the_foreground() {
    run(async {
        let client = Client::new().await;
        let owner_map = client.configmap("owner", json!({})).await;
        let held = json!({"name": "held", "ownerReferences": owner(&owner_map, true), "finalizers": ["example.com/x"]});
        client.post(CONFIGMAPS, json!({"metadata": held})).await.expect(201);
        let path = format!("{CONFIGMAPS}/owner");
        client.delete(&path, json!({"propagationPolicy": "Foreground"})).await.expect(200);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let waiting = client.get(&path).await.expect(200);
        assert_eq!(waiting["metadata"]["finalizers"], json!(["foregroundDeletion"]));
        client.merge(&format!("{CONFIGMAPS}/held"), json!({"metadata": {"finalizers": null}})).await.expect(200);
        client.until(&path, 404).await;
    });
}

#[test]
fn a_dependent_stays_while_it_has_another_owner() {
    run(async {
        let client = Client::new().await;
        let (first, second) = (client.configmap("first", json!({})).await, client.configmap("second", json!({})).await);
        let owners = json!([owner(&first, false)[0], owner(&second, false)[0]]);
        client.post(CONFIGMAPS, json!({"metadata": {"name": "both", "ownerReferences": owners}})).await.expect(201);
        client.delete(&format!("{CONFIGMAPS}/first"), Value::Null).await.expect(200);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let left = client.get(&format!("{CONFIGMAPS}/both")).await.expect(200);
        assert_eq!(left["metadata"]["ownerReferences"].as_array().unwrap().len(), 1);
        client.delete(&format!("{CONFIGMAPS}/second"), Value::Null).await.expect(200);
        client.until(&format!("{CONFIGMAPS}/both"), 404).await;
    });
}

#[test]
fn a_namespace_goes_with_its_content() {
    run(async {
        let client = Client::new().await;
        client.post("/api/v1/namespaces", json!({"metadata": {"name": "n"}})).await.expect(201);
        let maps = "/api/v1/namespaces/n/configmaps";
        client.post(maps, json!({"metadata": {"name": "m"}})).await.expect(201);
        let going = client.delete("/api/v1/namespaces/n", Value::Null).await.expect(200);
        assert_eq!(going["status"]["phase"], "Terminating");
        let refused = client.post(maps, json!({"metadata": {"name": "late"}})).await.expect(403);
        assert_eq!(refused["details"]["causes"][0]["reason"], "NamespaceTerminating");
        client.until("/api/v1/namespaces/n", 404).await;
        assert_eq!(client.get(maps).await.expect(200)["items"], json!([]));
        let refused = client.delete("/api/v1/namespaces/default", Value::Null).await.expect(403);
        assert_eq!(refused["message"], "namespaces \"default\" is forbidden: this namespace may not be deleted");
    });
}

#[test]
fn a_namespace_that_waits_says_what_for() {
    run(async {
        let client = Client::new().await;
        client.post("/api/v1/namespaces", json!({"metadata": {"name": "n"}})).await.expect(201);
        let maps = "/api/v1/namespaces/n/configmaps";
        client.post(maps, json!({"metadata": {"name": "m", "finalizers": ["example.com/x"]}})).await.expect(201);
        let other = json!({"preconditions": {"uid": "other"}});
        let refused = client.delete("/api/v1/namespaces/n", other).await.expect(409);
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains("Precondition failed: UID in precondition: other, UID in object meta: "), "{message}");
        client.delete("/api/v1/namespaces/n", Value::Null).await.expect(200);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let waiting = client.get("/api/v1/namespaces/n").await.expect(200);
        let conditions: Vec<String> = waiting["status"]["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| ["type", "status", "message"].map(|key| c[key].as_str().unwrap()).join(" "))
            .collect();
        assert_eq!(
            conditions[3..],
            [
                "NamespaceContentRemaining True Some resources are remaining: configmaps. has 1 resource instances",
                "NamespaceFinalizersRemaining True Some content in the namespace has finalizers remaining: \
                 example.com/x in 1 resource instances",
            ]
        );
        client.merge(&format!("{maps}/m"), json!({"metadata": {"finalizers": null}})).await.expect(200);
        client.until("/api/v1/namespaces/n", 404).await;
    });
}

#[test]
fn a_dependent_with_another_owner_outlives_a_foreground_delete() {
    run(async {
        let client = Client::new().await;
        let (first, second) = (client.configmap("first", json!({})).await, client.configmap("second", json!({})).await);
        let owners = json!([owner(&first, true)[0], owner(&second, true)[0]]);
        let both = json!({"metadata": {"name": "both", "ownerReferences": owners}});
        client.post(CONFIGMAPS, both).await.expect(201);
        let only = json!({"metadata": {"name": "only", "ownerReferences": owner(&first, true)}});
        client.post(CONFIGMAPS, only).await.expect(201);
        let path = format!("{CONFIGMAPS}/first");
        // The old option for it is answered differently.
        client.delete(&path, json!({"propagationPolicy": "Foreground"})).await.expect(200);
        client.until(&path, 404).await;
        client.get(&format!("{CONFIGMAPS}/only")).await.expect(404);
        let left = client.get(&format!("{CONFIGMAPS}/both")).await.expect(200);
        assert_eq!(left["metadata"]["ownerReferences"], owner(&second, true));
    });
}

#[test]
fn what_happens_to_dependents_may_be_said_before() {
    run(async {
        let client = Client::new().await;
        let held = |name: &str, finalizers: Value| json!({"metadata": {"name": name, "finalizers": finalizers}});
        for (name, finalizers, options, expected) in [
            ("a", json!(["orphan"]), Value::Null, json!(["orphan"])),
            ("b", json!(["example.com/x"]), json!({"propagationPolicy": "Orphan"}), json!(["example.com/x", "orphan"])),
            ("c", json!(["foregroundDeletion"]), json!({"propagationPolicy": "Orphan"}), json!(["orphan"])),
            (
                "d",
                json!(["orphan", "example.com/x"]),
                json!({"propagationPolicy": "Background"}),
                json!(["example.com/x"]),
            ),
        ] {
            client.post(CONFIGMAPS, held(name, finalizers)).await.expect(201);
            let marked = client.delete(&format!("{CONFIGMAPS}/{name}"), options).await.expect(200);
            assert_eq!(marked["metadata"]["finalizers"], expected, "{name}");
        }
        client.post(CONFIGMAPS, held("e", json!(["example.com/x"]))).await.expect(201);
        let path = format!("{CONFIGMAPS}/e");
        let marked = client.delete(&path, json!({"orphanDependents": false})).await.expect(202);
        let again = client.delete(&path, Value::Null).await.expect(200);
        assert_eq!(again, marked, "nothing changes");
    });
}

#[test]
fn a_bound_pod_gets_time_and_may_get_less() {
    run(async {
        let client = Client::new().await;
        let pod = |name: &str, node: &str| json!({"metadata": {"name": name}, "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i"}]}});
        client.post(PODS, pod("free", "")).await.expect(201);
        client.delete(&format!("{PODS}/free"), Value::Null).await.expect(200);
        client.get(&format!("{PODS}/free")).await.expect(404);
        client.post(PODS, pod("bound", "n1")).await.expect(201);
        let path = format!("{PODS}/bound");
        let marked = client.delete(&path, Value::Null).await.expect(200);
        assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 30);
        let again = client.delete(&path, Value::Null).await.expect(200);
        assert_eq!(again["metadata"]["resourceVersion"], marked["metadata"]["resourceVersion"]);
        let shorter = client.delete(&path, json!({"gracePeriodSeconds": 5})).await.expect(200);
        assert_eq!(shorter["metadata"]["deletionGracePeriodSeconds"], 5);
        let least = client.delete(&path, json!({"gracePeriodSeconds": -7})).await.expect(200);
        assert_eq!(least["metadata"]["deletionGracePeriodSeconds"], 1);
        client.delete(&path, json!({"gracePeriodSeconds": 0})).await.expect(200);
        client.get(&path).await.expect(404);
    });
}

#[test]
fn preconditions_and_dry_runs_leave_things_alone() {
    run(async {
        let client = Client::new().await;
        client.configmap("m", json!({})).await;
        let path = format!("{CONFIGMAPS}/m");
        client.delete(&path, json!({"preconditions": {"uid": "other"}})).await.expect(409);
        client.delete(&format!("{path}?dryRun=All"), Value::Null).await.expect(200);
        client.get(&path).await.expect(200);
    });
}
