//! A server over the store of one before it.

use super::*;
use crate::apiserver::store::File;
use std::path::PathBuf;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("steersman-restart-{name}-{}", std::process::id())))
    }

    async fn server(&self) -> Client {
        Client::over(File::open(&self.0).unwrap().0).await
    }
}

#[test]
fn everything_is_as_it_was() {
    let folder = Folder::new("same");
    let everything = async |client: &Client| {
        let mut all = Vec::new();
        for path in [CONFIGMAPS, SERVICES, "/api/v1/namespaces", "/apis/apiregistration.k8s.io/v1/apiservices"] {
            all.push(client.get(path).await.expect(200));
        }
        all
    };
    let before = run(async {
        let client = folder.server().await;
        client.configmap("a", json!({"k": "v"})).await;
        client.post(SERVICES, json!({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})).await.expect(201);
        everything(&client).await
    });
    run(async {
        let client = folder.server().await;
        assert_eq!(everything(&client).await, before);
        let version = before[0]["items"][0]["metadata"]["resourceVersion"].as_str().unwrap().to_string();
        let change = json!({"metadata": {"resourceVersion": version}, "data": {"x": "1"}});
        client.merge(&format!("{CONFIGMAPS}/a"), change).await.expect(200);
        // The service's address is still taken.
        let address = before[1]["items"].as_array().unwrap().iter().find(|s| s["metadata"]["name"] == "s").unwrap();
        let again = json!({"metadata": {"name": "t"},
            "spec": {"clusterIP": address["spec"]["clusterIP"], "ports": [{"port": 80}]}});
        client.post(SERVICES, again).await.expect(422);
    });
}

#[test]
fn what_follows_from_deletes_still_comes() {
    let folder = Folder::new("deletes");
    let inside = "/api/v1/namespaces/going/configmaps";
    run(async {
        let client = folder.server().await;
        client.post("/api/v1/namespaces", json!({"metadata": {"name": "going"}})).await.expect(201);
        client.post(inside, json!({"metadata": {"name": "in-it"}})).await.expect(201);
        let gone = client.configmap("gone", json!({})).await;
        let mut waiting = client.configmap("waiting", json!({})).await;
        for (name, owned_by) in [("of-gone", &gone), ("of-waiting", &waiting)] {
            let object = json!({"metadata": {"name": name, "ownerReferences": owner(owned_by, true)}});
            client.post(CONFIGMAPS, object).await.expect(201);
        }
        let mut elsewhere = owner(&gone, false);
        elsewhere[0]["apiVersion"] = json!("example.org/v1");
        elsewhere[0]["uid"] = json!("of-another-server");
        let object = json!({"metadata": {"name": "owned-elsewhere", "ownerReferences": elsewhere}});
        client.post(CONFIGMAPS, object).await.expect(201);
        client.delete("/api/v1/namespaces/going", Value::Null).await.expect(200);
        client.delete(&format!("{CONFIGMAPS}/gone"), Value::Null).await.expect(200);
        let foreground = json!({"propagationPolicy": "Foreground"});
        waiting = client.delete(&format!("{CONFIGMAPS}/waiting"), foreground).await.expect(200);
        assert_ne!(waiting["metadata"]["deletionTimestamp"], Value::Null);
        // The server goes before anything followed.
    });
    run(async {
        let client = folder.server().await;
        client.until("/api/v1/namespaces/going", 404).await;
        for name in ["of-gone", "of-waiting", "waiting"] {
            client.until(&format!("{CONFIGMAPS}/{name}"), 404).await;
        }
        client.get(&format!("{CONFIGMAPS}/owned-elsewhere")).await.expect(200);
    });
}

#[test]
fn all_who_share_a_quota_get_their_turn() {
    let folder = Folder::new("quota");
    run(async {
        let client = folder.server().await;
        let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": {"count/configmaps": "35"}}});
        client.post("/api/v1/namespaces/default/resourcequotas", quota).await.expect(201);
        // While one waits for the disk, the others count.
        let made = (0..40).map(|n| client.post(CONFIGMAPS, json!({"metadata": {"name": format!("m{n}")}})));
        let mut codes: Vec<u16> = futures_util::future::join_all(made).await.iter().map(|made| made.code).collect();
        codes.sort_unstable();
        assert_eq!((codes[34], &codes[35..]), (201, &[403; 5][..]), "{codes:?}");
    });
}
