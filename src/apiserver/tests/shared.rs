//! Several servers over one etcd.

use super::*;
use crate::apiserver::encoding::Encoded;
use crate::apiserver::store::etcd::tests::Process;
use crate::apiserver::store::{Change, Entry, Expect, Feed, Key, Later, Page, Range, Revision, Write};
use std::sync::Mutex;

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

/// A store to which another server writes at the worst moment: just before something is done in a collection.
struct Meddled {
    memory: Memory,
    /// When, and what.
    meddling: Mutex<Option<(&'static str, Vec<Write>)>>,
}

impl Meddled {
    fn meddle(&self, collection: &str) {
        let mut meddling = self.meddling.lock().unwrap();
        if let Some((_, writes)) = meddling.take_if(|(when, _)| *when == collection) {
            drop(self.memory.commit(writes));
        }
    }
}

impl Store for Arc<Meddled> {
    fn get<'a>(&'a self, key: &'a Key) -> Later<'a, Option<Arc<Entry>>> {
        self.memory.get(key)
    }

    fn range<'a>(&'a self, range: Range<'a>) -> Later<'a, Page> {
        self.meddle(range.collection);
        self.memory.range(range)
    }

    fn commit(&self, writes: Vec<Write>) -> Later<'_, Revision> {
        self.meddle(&writes[0].key.collection);
        self.memory.commit(writes)
    }

    fn watch<'a>(&'a self, collection: &'a Arc<str>, after: Option<Revision>) -> Later<'a, Box<dyn Feed>> {
        self.memory.watch(collection, after)
    }
}

fn place(collection: &str, name: &str) -> Key {
    Key { collection: format!("/registry/{collection}/").into(), name: name.into() }
}

fn write(collection: &str, kind: &str, metadata: &Value) -> Write {
    let name = format!("default/{}", metadata["name"].as_str().unwrap());
    let object = Encoded::new(&json!({"kind": kind, "apiVersion": "v1", "metadata": metadata}));
    Write { key: place(collection, &name), expect: Expect::Absent, change: Change::Put(object) }
}

#[test]
fn nothing_is_made_in_what_has_just_gone() {
    run(async {
        let store = Arc::new(Meddled { memory: Memory::new(), meddling: Mutex::default() });
        let client = Client::over(store.clone()).await;
        client.post("/api/v1/namespaces", json!({"metadata": {"name": "gone"}})).await.expect(201);
        let namespace = place("namespaces", "gone");
        let revision = store.memory.get(&namespace).await.unwrap().unwrap().revision;
        let delete = Write { key: namespace, expect: Expect::At(revision), change: Change::Delete };
        *store.meddling.lock().unwrap() = Some(("/registry/configmaps/", vec![delete]));
        let maps = "/api/v1/namespaces/gone/configmaps";
        let answer = client.post(maps, json!({"metadata": {"name": "a"}})).await.expect(404);
        assert_eq!(answer["message"], "namespaces \"gone\" not found");
        assert_eq!(client.get(maps).await.expect(200)["items"], json!([]));
    });
}

#[test]
fn what_is_made_while_leftovers_are_looked_for_stays() {
    run(async {
        let reference = |uid: &str| json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}]);
        let memory = Memory::new();
        let orphan =
            json!({"name": "orphan", "namespace": "default", "uid": "o", "ownerReferences": reference("gone")});
        memory.commit(vec![write("secrets", "Secret", &orphan)]).await.unwrap();
        // Config maps have been looked through when secrets are.
        let owner = json!({"name": "owner", "namespace": "default", "uid": "u"});
        let owned = json!({"name": "owned", "namespace": "default", "uid": "d", "ownerReferences": reference("u")});
        let both = vec![write("configmaps", "ConfigMap", &owner), write("secrets", "Secret", &owned)];
        let meddling = Mutex::new(Some(("/registry/secrets/", both)));
        let client = Client::over(Arc::new(Meddled { memory, meddling })).await;
        client.until("/api/v1/namespaces/default/secrets/orphan", 404).await;
        client.get("/api/v1/namespaces/default/secrets/owned").await.expect(200);
    });
}
