//! kube-rs against the server that KUBECONFIG names: create, read, list in pages, patch in each way, server-side apply,
//! watcher, reflector, a custom resource, delete. Panics where something is not as on a cluster.

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, PropagationPolicy,
};
use kube::core::GroupVersionKind;
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::{WatchStreamExt, reflector, watcher};
use kube::{Client, ResourceExt};
use serde_json::{Value, from_value, json};
use std::time::Duration;

const NAMESPACE: &str = "kube-rs";

fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    from_value(value).unwrap()
}

fn status(result: kube::Result<impl std::fmt::Debug>) -> (u16, String) {
    match result {
        Err(kube::Error::Api(status)) => (status.code, status.reason.clone()),
        other => panic!("not refused by the server: {other:?}"),
    }
}

fn config_map(name: &str, value: &str) -> ConfigMap {
    object(json!({"metadata": {"name": name, "labels": {"set": "trial"}}, "data": {"value": value}}))
}

fn deployment(replicas: i32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "registry.example/web:1"}]}
            }
        }
    })
}

async fn writes(client: &Client) -> kube::Result<()> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    let post = PostParams::default();
    let made = deployments.create(&post, &object(deployment(2))).await?;
    assert_eq!(made.metadata.generation, Some(1));
    assert_eq!(status(deployments.create(&post, &object(deployment(2))).await), (409, "AlreadyExists".into()));
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let mut other = deployment(-1);
    other["metadata"]["name"] = json!("other");
    assert_eq!(status(deployments.create(&dry, &object(other)).await), (422, "Invalid".into()));

    let params = PatchParams::default();
    let image =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "registry.example/web:2"}]}}}});
    let changed = deployments.patch("web", &params, &Patch::Strategic(image)).await?;
    assert_eq!(changed.metadata.generation, Some(2));
    let changed = deployments.patch("web", &params, &Patch::Merge(json!({"metadata": {"labels": {"a": "b"}}}))).await?;
    assert_eq!(changed.labels()["a"], "b");
    let steps = from_value(json!([{"op": "replace", "path": "/spec/replicas", "value": 5}])).unwrap();
    let changed = deployments.patch("web", &params, &Patch::<()>::Json(steps)).await?;
    assert_eq!(changed.spec.unwrap().replicas, Some(5));
    assert_eq!(status(deployments.replace("web", &post, &made).await), (409, "Conflict".into()));

    let apply = PatchParams::apply("kube-rs");
    assert_eq!(status(deployments.patch("web", &apply, &Patch::Apply(deployment(3))).await), (409, "Conflict".into()));
    let applied = deployments.patch("web", &apply.clone().force(), &Patch::Apply(deployment(3))).await?;
    assert_eq!(applied.spec.as_ref().unwrap().replicas, Some(3));
    let fields = applied.managed_fields();
    assert!(fields.iter().any(|f| f.manager.as_deref() == Some("kube-rs") && f.operation.as_deref() == Some("Apply")));
    let scale = deployments.patch_scale("web", &params, &Patch::Merge(json!({"spec": {"replicas": 1}}))).await?;
    assert_eq!(scale.spec.unwrap().replicas, Some(1));
    let state = Patch::Merge(json!({"status": {"readyReplicas": 1, "replicas": 1}}));
    let shown = deployments.patch_status("web", &params, &state).await?;
    assert_eq!(shown.status.unwrap().ready_replicas, Some(1));
    deployments
        .delete(
            "web",
            &DeleteParams { propagation_policy: Some(PropagationPolicy::Background), ..DeleteParams::default() },
        )
        .await?;
    assert!(deployments.get_opt("web").await?.is_none());
    Ok(())
}

async fn watches(client: &Client) -> kube::Result<()> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), NAMESPACE);
    for number in 0..12 {
        maps.create(&PostParams::default(), &config_map(&format!("map-{number:02}"), "old")).await?;
    }
    let mut names = Vec::new();
    let mut params = ListParams::default().labels("set=trial").limit(5);
    loop {
        let page = maps.list(&params).await?;
        names.extend(page.items.iter().map(ResourceExt::name_any));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => break,
        }
    }
    assert!(names.iter().cloned().eq((0..12).map(|n| format!("map-{n:02}"))), "{names:?}");

    for streaming in [false, true] {
        let mut config = watcher::Config::default().labels("set=trial");
        if streaming {
            config = config.streaming_lists();
        }
        let (reader, writer) = reflector::store();
        let mut events = reflector(writer, watcher(maps.clone(), config)).boxed();
        let mut initial = 0;
        loop {
            match events.try_next().await.unwrap().unwrap() {
                watcher::Event::Init => {}
                watcher::Event::InitApply(_) => initial += 1,
                watcher::Event::InitDone => break,
                other => panic!("before the initial list was done: {other:?}"),
            }
        }
        assert_eq!((initial, reader.state().len()), (12, 12));
        let value = format!("new-{streaming}");
        let patch = Patch::Merge(json!({"data": {"value": value}}));
        maps.patch("map-07", &PatchParams::default(), &patch).await?;
        maps.delete("map-03", &DeleteParams::default()).await?;
        maps.create(&PostParams::default(), &config_map("map-03", "again")).await?;
        let mut seen = Vec::new();
        while seen.len() < 3 {
            seen.push(match events.try_next().await.unwrap().unwrap() {
                watcher::Event::Apply(map) => format!("apply {}", map.name_any()),
                watcher::Event::Delete(map) => format!("delete {}", map.name_any()),
                other => panic!("unexpected: {other:?}"),
            });
        }
        assert_eq!(seen, ["apply map-07", "delete map-03", "apply map-03"]);
        let found = reader.find(|map| map.name_any() == "map-07").unwrap();
        assert_eq!(found.data.as_ref().unwrap()["value"], value);
    }
    let touched = watcher(maps.clone(), watcher::Config::default()).default_backoff().applied_objects();
    assert!(touched.take(12).map(|map| map.unwrap().name_any()).collect::<Vec<_>>().await.contains(&"map-07".into()));
    maps.delete_collection(&DeleteParams::default(), &ListParams::default().labels("set=trial")).await?;
    assert!(maps.list(&ListParams::default().labels("set=trial")).await?.items.is_empty());
    Ok(())
}

async fn custom(client: &Client) -> kube::Result<()> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.rs.example.org"},
        "spec": {
            "group": "rs.example.org", "scope": "Namespaced", "names": {"kind": "Gadget", "plural": "gadgets"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object",
                "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer", "maximum": 9}}}}
            }}}]
        }
    });
    let apply = PatchParams::apply("kube-rs").force();
    definitions.patch("gadgets.rs.example.org", &apply, &Patch::Apply(definition)).await?;
    let established = await_condition(definitions, "gadgets.rs.example.org", conditions::is_crd_established());
    tokio::time::timeout(Duration::from_secs(20), established).await.unwrap().unwrap();
    let resource =
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("rs.example.org", "v1", "Gadget"), "gadgets");
    let gadgets: Api<DynamicObject> = Api::namespaced_with(client.clone(), NAMESPACE, &resource);
    let gadget = |size: i32| {
        Patch::Apply(
            json!({"apiVersion": "rs.example.org/v1", "kind": "Gadget", "metadata": {"name": "g"}, "spec": {"size": size}}),
        )
    };
    assert_eq!(gadgets.patch("g", &apply, &gadget(4)).await?.data["spec"]["size"], 4);
    assert_eq!(status(gadgets.patch("g", &apply, &gadget(10)).await), (422, "Invalid".into()));
    assert_eq!(gadgets.list(&ListParams::default()).await?.items.len(), 1);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::try_default().await?;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.create(&PostParams::default(), &object(json!({"metadata": {"name": NAMESPACE}}))).await?;
    writes(&client).await?;
    watches(&client).await?;
    custom(&client).await?;
    namespaces.delete(NAMESPACE, &DeleteParams::default()).await?;
    println!("kube-rs: all as expected");
    Ok(())
}
