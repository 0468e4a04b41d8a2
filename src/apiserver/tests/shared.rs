//! Several servers over one etcd.

use super::*;
use crate::apiserver::store::etcd::tests::Process;

#[test]
fn servers_over_one_etcd_are_one() {
    let Some(etcd) = Process::start() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stores = [etcd.store("/registry").await, etcd.store("/registry").await];
        // All find an empty etcd at the same time.
        let [a, b] = futures_util::future::join_all(stores.map(Client::over)).await.try_into().ok().unwrap();
        for path in ["/api/v1/namespaces", SERVICES, "/apis/apiregistration.k8s.io/v1/apiservices"] {
            let (one, other) = (a.get(path).await.expect(200), b.get(path).await.expect(200));
            assert_eq!(one["items"], other["items"]);
        }
        let request = Request::builder().uri(format!("{CONFIGMAPS}?watch=1")).body(Bytes::new()).unwrap();
        let mut events = b.server.respond(request).await.into_body();
        let made = a.configmap("shared", json!({"k": "v"})).await;
        assert_eq!(b.get(&format!("{CONFIGMAPS}/shared")).await.expect(200), made);
        let event = events.frame().await.unwrap().unwrap().into_data().unwrap();
        let event: Value = serde_json::from_slice(&event).unwrap();
        assert_eq!((&event["type"], &event["object"]), (&json!("ADDED"), &made));
        // Both give out addresses, and never the same.
        let service = |n: usize| json!({"metadata": {"name": format!("s{n}")}, "spec": {"ports": [{"port": 80}]}});
        let made = (0..40).map(|n| [&a, &b][n % 2].post(SERVICES, service(n)));
        let made = futures_util::future::join_all(made).await;
        let mut addresses: Vec<String> =
            made.iter().map(|answer| answer.expect(201)["spec"]["clusterIP"].to_string()).collect();
        addresses.sort();
        addresses.dedup();
        assert_eq!(addresses.len(), 40);
        // A stale write is refused, whoever it is sent to.
        let path = format!("{CONFIGMAPS}/shared");
        b.merge(&path, json!({"data": {"x": "1"}})).await.expect(200);
        let stale = json!({"metadata": {"resourceVersion": event["object"]["metadata"]["resourceVersion"]}});
        a.merge(&path, stale).await.expect(409);
        assert_eq!(a.get("/readyz").await.code, 200);
    });
}
