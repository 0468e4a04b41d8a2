//! Events: what selectors make of them, where they begin, and that they end.

use super::*;
use crate::apiserver::store::LOG_EVENTS;

/// The types and names of a watch's events.
async fn watched(client: &Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("{CONFIGMAPS}?watch=1&timeoutSeconds=1&{query}")).await;
    assert_eq!(answer.code, 200, "{}", answer.text());
    let events = answer.text();
    let event = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        let name = event["object"]["metadata"]["name"].as_str().or(event["object"]["reason"].as_str());
        format!("{} {}", event["type"].as_str().unwrap(), name.unwrap_or("")).trim_end().to_string()
    };
    events.lines().map(event).collect()
}

#[test]
fn selectors_make_objects_come_and_go() {
    run(async {
        let client = Client::new().await;
        let before = client.get(CONFIGMAPS).await.expect(200)["metadata"]["resourceVersion"].clone();
        client.configmap("a", json!({"w": "1"})).await;
        client.configmap("b", json!({})).await;
        let path = format!("{CONFIGMAPS}/a");
        client.merge(&path, json!({"data": {"x": "1"}})).await.expect(200);
        client.merge(&path, json!({"metadata": {"labels": null}})).await.expect(200);
        client.merge(&path, json!({"metadata": {"labels": {"w": "2"}}})).await.expect(200);
        client.delete(&path, Value::Null).await.expect(200);
        let since = format!("resourceVersion={}", before.as_str().unwrap());
        let expected = ["ADDED a", "MODIFIED a", "DELETED a", "ADDED a", "DELETED a"];
        assert_eq!(watched(&client, &format!("{since}&labelSelector=w")).await, expected);
        assert_eq!(watched(&client, &format!("{since}&fieldSelector=metadata.name%3Db")).await, ["ADDED b"]);
    });
}

#[test]
fn a_watch_begins_where_it_is_told() {
    run(async {
        let client = Client::new().await;
        client.configmap("a", json!({})).await;
        let now = client.configmap("b", json!({})).await["metadata"]["resourceVersion"].clone();
        let now = now.as_str().unwrap();
        assert_eq!(watched(&client, "").await, ["ADDED a", "ADDED b"]);
        assert_eq!(watched(&client, "resourceVersion=0").await, ["ADDED a", "ADDED b"]);
        assert_eq!(watched(&client, &format!("resourceVersion={now}")).await, Vec::<String>::new());
        let stream = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
        assert_eq!(watched(&client, stream).await, ["ADDED a", "ADDED b", "BOOKMARK"]);
        // Whoever takes bookmarks is told where the beginning ends; whoever does not is not.
        assert_eq!(watched(&client, "allowWatchBookmarks=true").await, ["ADDED a", "ADDED b", "BOOKMARK"]);
        let silent = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
        assert_eq!(watched(&client, silent).await, ["ADDED a", "ADDED b"]);
        let from_now = "sendInitialEvents=false&resourceVersionMatch=NotOlderThan";
        assert_eq!(watched(&client, from_now).await, Vec::<String>::new());
        assert_eq!(watched(&client, "resourceVersion=99999999").await, ["ERROR Timeout"]);
    });
}

#[test]
fn a_bookmark_is_an_object_with_nothing_but_a_version() {
    run(async {
        let client = Client::new().await;
        let now = client.get(PODS).await.expect(200)["metadata"]["resourceVersion"].clone();
        let path = format!("{PODS}?watch=1&timeoutSeconds=1&allowWatchBookmarks=1");
        let metadata = json!({"resourceVersion": now, "annotations": {"k8s.io/initial-events-end": "true"}});
        let pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": {"containers": null}, "status": {}});
        assert_eq!(client.get(&path).await.expect(200), json!({"type": "BOOKMARK", "object": pod}));
        let partial = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata});
        let answer = client.get_as(&path, "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io").await;
        assert_eq!(answer.expect(200), json!({"type": "BOOKMARK", "object": partial}));
        let table = client.get_as(&path, "application/json;as=Table;v=v1;g=meta.k8s.io").await.expect(200);
        assert_eq!(table["object"]["rows"][0]["object"], partial);
        // Near the end of a longer watch comes another.
        let longer = client.get(&path.replace("Seconds=1", "Seconds=3")).await.text();
        assert_eq!(longer.matches("BOOKMARK").count(), 2, "{longer}");
    });
}

#[test]
fn a_running_watch_gets_what_happens_and_ends_with_the_server() {
    run(async {
        let client = Client::new().await;
        let request = Request::builder().uri(format!("{CONFIGMAPS}?watch=1")).body(Bytes::new()).unwrap();
        let mut body = client.server.respond(request).await.into_body();
        client.configmap("new", json!({})).await;
        let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(piece.starts_with(br#"{"type":"ADDED","object":{"kind":"ConfigMap","apiVersion":"v1","#));
        client.server.stop();
        assert!(body.frame().await.is_none());
    });
}

#[test]
fn a_reader_that_is_too_slow_is_told() {
    run(async {
        let client = Client::new().await;
        let first = client.configmap("m", json!({})).await["metadata"]["resourceVersion"].clone();
        client.configmap("n", json!({})).await;
        let page = client.get(&format!("{CONFIGMAPS}?limit=1")).await.expect(200);
        for value in 0..=LOG_EVENTS {
            client.merge(&format!("{CONFIGMAPS}/m"), json!({"data": {"v": value.to_string()}})).await.expect(200);
        }
        let events = watched(&client, &format!("resourceVersion={}", first.as_str().unwrap())).await;
        assert_eq!(events, ["ERROR Expired"]);
        let list = format!("{CONFIGMAPS}?resourceVersionMatch=Exact&resourceVersion={}", first.as_str().unwrap());
        assert_eq!(client.get(&list).await.expect(410)["reason"], "Expired");
        // A list that has begun goes on with what is there now, when its reader wants that.
        let go_on = |page: &Value| format!("{CONFIGMAPS}?continue={}", page["metadata"]["continue"].as_str().unwrap());
        let expired = client.get(&go_on(&page)).await.expect(410);
        let rest = client.get(&go_on(&expired)).await.expect(200);
        assert_eq!(rest["items"][0]["metadata"]["name"], "n");
    });
}
