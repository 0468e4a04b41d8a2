//! Lists, pages, and the forms of answers.

use super::*;
use crate::apiserver::store::LOG_EVENTS;
use std::io::Read;

#[test]
fn pages_show_one_moment() {
    run(async {
        let client = Client::new().await;
        for i in 0..5 {
            client.configmap(&format!("m{i}"), json!({"n": i.to_string()})).await;
        }
        let first = client.get(&format!("{CONFIGMAPS}?limit=2")).await.expect(200);
        assert_eq!(first["metadata"]["remainingItemCount"], 3);
        client.delete(&format!("{CONFIGMAPS}/m2"), Value::Null).await.expect(200);
        client.configmap("m9", json!({})).await;
        let token = first["metadata"]["continue"].as_str().unwrap();
        let rest = client.get(&format!("{CONFIGMAPS}?limit=9&continue={token}")).await.expect(200);
        let names: Vec<&str> =
            rest["items"].as_array().unwrap().iter().map(|m| m["metadata"]["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["m2", "m3", "m4"], "what was there at the time of the first page");
        assert_eq!(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
        let selected = client.get(&format!("{CONFIGMAPS}?limit=1&labelSelector=n%3E0")).await.expect(200);
        assert_eq!(selected["metadata"].get("remainingItemCount"), None, "with a selector nobody counts");
        assert!(selected["metadata"]["continue"].is_string());
        // What may be of any age comes at once, from a cache in kube-apiserver; events are in none.
        let all = client.get(&format!("{CONFIGMAPS}?limit=2&resourceVersion=0")).await.expect(200);
        assert_eq!((all["items"].as_array().unwrap().len(), all["metadata"].get("continue")), (5, None));
        // Behind a full page something is left, whether or not it is selected.
        let last = client.get(&format!("{CONFIGMAPS}?limit=1&labelSelector=n%3D1")).await.expect(200);
        assert!(last["metadata"]["continue"].is_string(), "{last}");
    });
}

#[test]
fn a_page_that_is_too_old_says_how_to_go_on() {
    run(async {
        let client = Client::new().await;
        for i in 0..5 {
            client.configmap(&format!("m{i}"), json!({})).await;
        }
        let first = client.get(&format!("{CONFIGMAPS}?limit=2")).await.expect(200);
        for value in 0..=LOG_EVENTS {
            client.merge(&format!("{CONFIGMAPS}/m4"), json!({"data": {"v": value.to_string()}})).await.expect(200);
        }
        client.configmap("m5", json!({})).await;
        let page = |token: &Value| format!("{CONFIGMAPS}?limit=9&continue={}", token.as_str().unwrap());
        let expired = client.get(&page(&first["metadata"]["continue"])).await.expect(410);
        assert_eq!(expired["reason"], "Expired");
        let rest = client.get(&page(&expired["metadata"]["continue"])).await.expect(200);
        let names: Vec<&str> =
            rest["items"].as_array().unwrap().iter().map(|m| m["metadata"]["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["m2", "m3", "m4", "m5"]);
    });
}

#[test]
fn a_list_of_many_comes_in_pieces_and_compressed() {
    run(async {
        let client = Client::new().await;
        let data = "x".repeat(4000);
        for i in 0..100 {
            let map = json!({"metadata": {"name": format!("m{i:03}")}, "data": {"d": data}});
            client.post(CONFIGMAPS, map).await.expect(201);
        }
        let plain = client.get(CONFIGMAPS).await;
        assert_eq!(plain.expect(200)["items"].as_array().unwrap().len(), 100);
        let request = Request::builder().uri(CONFIGMAPS).header(header::ACCEPT_ENCODING, "gzip");
        let packed = client.send(request.body(Bytes::new()).unwrap()).await;
        assert_eq!(packed.headers[header::CONTENT_ENCODING], "gzip");
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&packed.bytes[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain.bytes);
        let pretty = client.get(&format!("{CONFIGMAPS}?pretty=true")).await;
        assert_eq!(pretty.json(), plain.json());
        let yaml = client.get_as(CONFIGMAPS, "application/yaml").await;
        assert!(yaml.text().starts_with("apiVersion: v1\nitems:\n- data:"));
    });
}

#[test]
fn the_walk_of_old_tutorials_works() {
    run(async {
        let client = Client::new().await;
        let root = client.get("/").await.expect(200);
        assert!(root["paths"].as_array().unwrap().contains(&json!("/apis/apps/v1")));
        assert_eq!(client.get("/api/v1/nodes").await.expect(200)["kind"], "NodeList");
        let yaml = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: nginx\nspec:\n  containers:\n  - name: c\n    image: nginx\n";
        client.call("POST", PODS, "application/yaml", yaml).await.expect(201);
        client.call("POST", PODS, "application/yaml", yaml).await.expect(409);
        let pod = client.get(&format!("{PODS}/nginx")).await.expect(200);
        assert_eq!((&pod["status"]["phase"], &pod["kind"]), (&json!("Pending"), &json!("Pod")));
        client.delete(&format!("{PODS}/nginx"), Value::Null).await.expect(200);
        client.call("POST", PODS, "application/yaml", yaml).await.expect(201);
    });
}

#[test]
fn every_resource_can_be_listed_in_every_form() {
    run(async {
        let client = Client::new().await;
        let listed = client.server.registry.built_in().iter().filter(|served| served.allows("list"));
        for served in listed {
            let path = format!("{}/{}", served.kind.group_version().root(), served.info.resource);
            let list = client.get(&path).await.expect(200);
            assert_eq!(list["kind"], format!("{}List", served.kind.kind));
            for kind in ["Table", "PartialObjectMetadataList"] {
                let accept = format!("application/json;as={kind};v=v1;g=meta.k8s.io");
                assert_eq!(client.get_as(&path, &accept).await.expect(200)["kind"], kind, "{path}");
            }
        }
    });
}

#[test]
fn rows_have_a_cell_for_each_column() {
    run(async {
        let client = Client::new().await;
        let accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
        for served in client.server.registry.built_in().iter().filter(|served| served.allows("list")) {
            let path = format!("{}/{}", served.kind.group_version().root(), served.info.resource);
            let table = client.get_as(&path, accept).await.expect(200);
            let columns = table["columnDefinitions"].as_array().unwrap().len();
            // kube-apiserver's IPAddresses have an age that no column is for.
            let expected = columns + usize::from(served.info.resource == "ipaddresses");
            for row in table["rows"].as_array().unwrap() {
                assert_eq!(row["cells"].as_array().unwrap().len(), expected, "{path}");
            }
        }
    });
}
