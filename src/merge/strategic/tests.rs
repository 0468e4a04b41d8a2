use super::*;
use crate::api::GroupVersionKind;
use crate::schema::builtin;
use proptest::prelude::*;
use serde_json::json;

fn kind(group: &str, kind: &str) -> TypeRef<'static> {
    builtin().kind(&GroupVersionKind::new(group, "v1", kind)).unwrap()
}

fn pod_spec() -> TypeRef<'static> {
    kind("", "Pod").field("spec").unwrap()
}

#[test]
fn patches_apply() {
    for (original, patch, want) in [
        // Items of a merged list: changed, added before the ones that only the server has, deleted, replaced.
        (
            json!({"containers": [{"name": "a", "image": "1", "tty": true}, {"name": "b"}]}),
            json!({"containers": [{"name": "a", "image": "2"}, {"name": "c"}]}),
            json!({"containers": [{"name": "a", "image": "2", "tty": true}, {"name": "c"}, {"name": "b"}]}),
        ),
        (
            json!({"containers": [{"name": "a"}, {"name": "b"}]}),
            json!({"containers": [{"$patch": "delete", "name": "a"}, {"name": "c"}]}),
            json!({"containers": [{"name": "c"}, {"name": "b"}]}),
        ),
        (
            json!({"containers": [{"name": "a"}]}),
            json!({"containers": [{"$patch": "replace"}, {"name": "z"}]}),
            json!({"containers": [{"name": "z"}]}),
        ),
        // The order that the patch gives; what only the server has stays where it was.
        (
            json!({"containers": [{"name": "a"}, {"name": "s"}, {"name": "b"}]}),
            json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}),
            json!({"containers": [{"name": "s"}, {"name": "b"}, {"name": "a"}]}),
        ),
        (
            json!({"containers": [{"name": "a"}, {"name": "s"}, {"name": "b"}]}),
            json!({"$setElementOrder/containers": [{"name": "a"}, {"name": "n"}, {"name": "b"}], "containers": [{"name": "n"}]}),
            json!({"containers": [{"name": "a"}, {"name": "n"}, {"name": "s"}, {"name": "b"}]}),
        ),
        (json!({}), json!({"$setElementOrder/containers": [{"name": "a"}]}), json!({})),
        (
            json!({}),
            json!({"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "a"}, {"name": "x", "$patch": "delete"}]}),
            json!({"containers": [{"name": "a"}]}),
        ),
        // Lists without a strategy, and other values, are replaced.
        (
            json!({"hostAliases": [{"ip": "1"}]}),
            json!({"hostAliases": [{"ip": "2"}]}),
            json!({"hostAliases": [{"ip": "2"}, {"ip": "1"}]}),
        ),
        (
            json!({"tolerations": [{"key": "a"}]}),
            json!({"tolerations": [{"key": "b"}]}),
            json!({"tolerations": [{"key": "b"}]}),
        ),
        (
            json!({"hostname": "a", "nodeName": "n"}),
            json!({"hostname": null, "subdomain": null}),
            json!({"nodeName": "n"}),
        ),
        // Maps.
        (
            json!({"nodeSelector": {"a": "1"}}),
            json!({"nodeSelector": {"b": "2", "c": null}}),
            json!({"nodeSelector": {"a": "1", "b": "2"}}),
        ),
        (
            json!({"nodeSelector": {"a": "1"}}),
            json!({"nodeSelector": {"$patch": "replace", "b": "2"}}),
            json!({"nodeSelector": {"b": "2"}}),
        ),
        (
            json!({"nodeSelector": {"a": "1"}}),
            json!({"nodeSelector": {"$patch": "delete"}}),
            json!({"nodeSelector": {}}),
        ),
        (json!({}), json!({"nodeSelector": {"b": "2", "c": null}}), json!({"nodeSelector": {"b": "2"}})),
        (json!({}), json!({"nodeSelector": {"$patch": "delete"}}), json!({})),
        (json!({"nodeSelector": null}), json!({"nodeSelector": {"b": "2"}}), json!({"nodeSelector": {"b": "2"}})),
        // The keys that a map keeps.
        (
            json!({"volumes": [{"name": "v", "emptyDir": {}}]}),
            json!({"volumes": [{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}]}),
            json!({"volumes": [{"name": "v", "hostPath": {"path": "/x"}}]}),
        ),
    ] {
        let once = apply(&original, &patch, pod_spec());
        assert_eq!(once, Ok(want), "{original} {patch}");
    }
}

#[test]
fn lists_of_scalars_merge() {
    for (finalizers, patch, want) in [
        (json!(["a", "b"]), json!({"finalizers": ["c", "a"]}), json!(["c", "a", "b"])),
        (json!(["a", "b"]), json!({"$deleteFromPrimitiveList/finalizers": ["a", "x"]}), json!(["b"])),
        (json!(["a", "b"]), json!({"$setElementOrder/finalizers": ["b", "a"]}), json!(["b", "a"])),
        (
            json!(["a", "b"]),
            json!({"$setElementOrder/finalizers": ["c", "b"], "$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]}),
            json!(["c", "b"]),
        ),
    ] {
        let metadata = kind("", "Pod").field("metadata").unwrap();
        let result = apply(&json!({"finalizers": finalizers}), &patch, metadata).unwrap();
        assert_eq!(result["finalizers"], want, "{patch}");
    }
}

#[test]
fn failures_speak_as_apimachinery_does() {
    let spec = json!({"containers": [{"name": "a"}], "volumes": [{"name": "v"}], "nodeSelector": {"a": "1"}, "xs": [1], "x": {}});
    for (patch, want) in [
        (
            json!({"containers": [{"image": "noname"}]}),
            "map: map[image:noname] does not contain declared merge key: name",
        ),
        (json!({"containers": ["a"]}), "list element types are not identical: [[map[name:a]] [a]]"),
        (json!({"containers": [["a"]]}), "list element types are not identical: [[map[name:a]] [[a]]]"),
        (json!({"containers": [{"$patch": "merge"}]}), "merging lists cannot yet be specified in the patch"),
        (
            json!({"containers": [{"$patch": "odd", "name": "a"}]}),
            "unknown patch type: odd in map: map[$patch:odd name:a]",
        ),
        (json!({"nodeSelector": {"$patch": "odd"}}), "unknown patch type: odd in map: map[$patch:odd]"),
        (json!({"x": {"a": 1}}), "unable to find api field in struct PodSpec for the json field \"x\""),
        (json!({"xs": [1]}), "unable to find api field in struct PodSpec for the json field \"xs\""),
        (json!({"$setElementOrder/containers": "a"}), "expected a []interface {}, but received a string"),
        (json!({"$setElementOrder": []}), "invalid patch format of setElementOrder list"),
        (json!({"$deleteFromPrimitiveList": []}), "invalid patch format of primitive list"),
        (
            json!({"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "b"}]}),
            "The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n",
        ),
        (
            json!({"volumes": [{"name": "v", "$retainKeys": ["name"], "emptyDir": {}}]}),
            "invalid patch format of retainKeys",
        ),
        (json!({"volumes": [{"name": "v", "$retainKeys": "name"}]}), "invalid patch format of retainKeys"),
    ] {
        assert_eq!(apply(&spec, &patch, pod_spec()).unwrap_err().to_string(), want, "{patch}");
    }
    assert_eq!(apply(&json!({}), &json!([]), pod_spec()).unwrap_err().to_string(), "invalid JSON document");
}

#[test]
fn diffs_are_those_of_kubectl() {
    for (from, to, want) in [
        (json!({"hostname": "a"}), json!({"hostname": "a"}), json!({})),
        (json!({"hostname": "a"}), json!({"subdomain": "b"}), json!({"hostname": null, "subdomain": "b"})),
        (
            json!({"containers": [{"name": "a", "image": "1"}, {"name": "b"}]}),
            json!({"containers": [{"name": "a", "image": "2"}, {"name": "c"}]}),
            json!({
                "$setElementOrder/containers": [{"name": "a"}, {"name": "c"}],
                "containers": [{"name": "a", "image": "2"}, {"name": "c"}, {"$patch": "delete", "name": "b"}]
            }),
        ),
        (
            json!({"containers": [{"name": "a"}, {"name": "b"}]}),
            json!({"containers": [{"name": "b"}, {"name": "a"}]}),
            json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}),
        ),
        (
            json!({"volumes": [{"name": "v", "emptyDir": {}}]}),
            json!({"volumes": [{"name": "v", "hostPath": {"path": "/x"}}]}),
            json!({
                "$setElementOrder/volumes": [{"name": "v"}],
                "volumes": [{"name": "v", "emptyDir": null, "hostPath": {"path": "/x"}, "$retainKeys": ["hostPath", "name"]}]
            }),
        ),
        (json!({"tolerations": [{"key": "a"}]}), json!({"tolerations": []}), json!({"tolerations": []})),
        (json!({"containers": []}), json!({"containers": [{"name": "a"}]}), json!({"containers": [{"name": "a"}]})),
        (json!({"odd": {"a": 1}}), json!({"odd": {"a": 1}}), json!({})),
        // Two ports with one merge key: the last is taken for the last.
        (
            json!({"containers": [{"name": "a", "ports": [{"containerPort": 53, "protocol": "TCP"}]}]}),
            json!({"containers": [{"name": "a", "ports": [{"containerPort": 53, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]}]}),
            json!({
                "$setElementOrder/containers": [{"name": "a"}],
                "containers": [{
                    "name": "a",
                    "$setElementOrder/ports": [{"containerPort": 53}, {"containerPort": 53}],
                    "ports": [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53, "protocol": "TCP"}]
                }]
            }),
        ),
    ] {
        assert_eq!(diff(&from, &to, pod_spec()), Ok(want), "{from} {to}");
    }
    let metadata = kind("", "Pod").field("metadata").unwrap();
    for (from, to, want) in [
        (
            json!(["a", "b"]),
            json!(["b", "c"]),
            json!({"$setElementOrder/finalizers": ["b", "c"], "$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]}),
        ),
        (json!(["a", "b"]), json!(["a", "b"]), json!({})),
        (json!(["b", "a"]), json!(["b", "a"]), json!({"$setElementOrder/finalizers": ["b", "a"]})),
    ] {
        assert_eq!(diff(&json!({"finalizers": from}), &json!({"finalizers": to}), metadata), Ok(want));
    }
    // A map whose strategy is "replace" is always sent.
    let budget = json!({"spec": {"selector": {"matchLabels": {"a": "b"}}}});
    assert_eq!(diff(&budget, &budget, kind("policy", "PodDisruptionBudget")), Ok(budget));
}

/// Everything that `ours` has is in `recorded`, and lists have the same items in the same order.
fn within(recorded: &Value, ours: &Value) -> bool {
    match (recorded, ours) {
        (Value::Object(a), Value::Object(b)) => b.iter().all(|(k, v)| a.get(k).is_some_and(|other| within(other, v))),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| within(a, b)),
        _ => recorded == ours,
    }
}

#[test]
fn the_recorded_patches_apply() {
    let exchanges: Value = serde_json::from_str(include_str!("../../../fixtures/exchanges/patches.json")).unwrap();
    let mut live = Value::Null;
    let mut applied = 0;
    for exchange in exchanges.as_array().unwrap() {
        let (request, response) = (&exchange["request"], &exchange["response"]);
        let mut body = response["body"].clone();
        if let Some(metadata) = body["metadata"].as_object_mut() {
            metadata.retain(|key, _| !["managedFields", "generation", "resourceVersion"].contains(&key.as_str()));
        }
        if request["contentType"] == "application/strategic-merge-patch+json" {
            let patch = match request["rawBody"].as_str() {
                Some(text) => serde_json::from_str(text).unwrap(),
                None => request["body"].clone(),
            };
            match apply(&live, &patch, kind("apps", "Deployment")) {
                Ok(result) => assert!(within(&body, &result), "{patch}\n{result}\n{body}"),
                Err(error) => assert_eq!(response["body"]["message"], error.to_string(), "{patch}"),
            }
            applied += 1;
        }
        if body["kind"] == "Deployment" {
            live = body;
        }
    }
    assert!(applied > 15, "only {applied}");
}

/// A pod's spec out of a few lists and maps, with names that meet.
fn spec() -> impl Strategy<Value = Value> {
    let name = "[abc]";
    let port = (80..83, prop_oneof!["TCP", "UDP"]).prop_map(|(n, p)| json!({"containerPort": n, "protocol": p}));
    let ports = prop::collection::vec(port, 0..3).prop_map(|mut list| {
        list.dedup_by_key(|port| port["containerPort"].clone());
        list.sort_by_key(|port| port["containerPort"].as_i64());
        list.dedup_by_key(|port| port["containerPort"].clone());
        list
    });
    let container = (name, prop::option::of("[xy]"), ports).prop_map(|(name, image, ports)| {
        let mut container = json!({"name": name});
        if let Some(image) = image {
            container["image"] = image.into();
        }
        if !ports.is_empty() {
            container["ports"] = ports.into();
        }
        container
    });
    let containers = prop::collection::btree_map("[a-d]", container, 1..4).prop_map(|map| {
        let named = map.into_iter().map(|(name, mut container)| {
            container["name"] = name.into();
            container
        });
        named.rev().collect::<Vec<_>>()
    });
    let volume = prop_oneof![
        Just(json!({"emptyDir": {}})),
        Just(json!({"hostPath": {"path": "/"}})),
        Just(json!({"hostPath": {"path": "/x"}}))
    ];
    let volumes = prop::collection::btree_map("[ab]", volume, 0..3).prop_map(|map| {
        let named = map.into_iter().map(|(name, mut volume)| {
            volume["name"] = name.into();
            volume
        });
        named.collect::<Vec<_>>()
    });
    let selector = prop::option::of(prop::collection::btree_map("[ab]", "[12]", 1..3));
    (containers, volumes, selector, prop::collection::vec("[kl]", 0..2)).prop_map(
        |(containers, volumes, selector, tolerations)| {
            let mut spec = json!({"containers": containers});
            if !volumes.is_empty() {
                spec["volumes"] = volumes.into();
            }
            if let Some(selector) = selector {
                spec["nodeSelector"] = json!(selector);
            }
            if !tolerations.is_empty() {
                spec["tolerations"] = tolerations.into_iter().map(|key| json!({"key": key})).collect();
            }
            spec
        },
    )
}

proptest! {
    #[test]
    fn a_diff_leads_from_one_to_the_other(from in spec(), to in spec()) {
        let patch = diff(&from, &to, pod_spec()).unwrap();
        let mut result = apply(&from, &patch, pod_spec()).unwrap();
        // A merged list that loses all its items stays as an empty one.
        if let Some(map) = result.as_object_mut() {
            map.retain(|_, value| *value != json!([]));
        }
        prop_assert_eq!(result, to, "{}", patch);
    }

    #[test]
    fn equals_differ_in_nothing(value in spec()) {
        prop_assert_eq!(diff(&value, &value, pod_spec()).unwrap(), json!({}));
    }

    #[test]
    fn twice_is_once(original in spec(), patch in spec()) {
        let once = apply(&original, &patch, pod_spec()).unwrap();
        prop_assert_eq!(&apply(&once, &patch, pod_spec()).unwrap(), &once);
    }
}
