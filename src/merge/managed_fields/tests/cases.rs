//! Cases that the recorded exchanges do not have, and what holds for all objects.

use crate::api::GroupVersionKind;
use crate::merge::managed_fields::*;
use crate::schema::builtin;
use proptest::prelude::*;
use serde_json::json;

fn kind(group: &str, kind: &str) -> Option<TypeRef<'static>> {
    builtin().kind(&GroupVersionKind::new(group, "v1", kind))
}

fn writer(manager: &str) -> Writer<'_> {
    Writer {
        manager,
        api_version: "v1",
        subresource: "",
        time: "2026-01-01T00:00:00Z",
        ignored: &[&["status"]],
        in_version: &|_, _| None,
    }
}

fn fields(object: &Value, manager: &str) -> Value {
    let entry = object.items_at(&PATH).iter().find(|entry| entry["manager"] == manager);
    entry.map_or(Value::Null, |entry| entry["fieldsV1"].clone())
}

fn config_map(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data})
}

fn created(mut object: Value, manager: &str) -> Value {
    let ty = kind("", object.kind());
    update(None, &mut object, &writer(manager), ty);
    object
}

#[test]
fn clients_may_end_or_change_the_record() {
    let live = created(config_map(json!({"a": "1"})), "me");
    let other = json!({"manager": "other", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {"f:a": {".": {}}}}});
    for (given, want) in [
        (Some(json!([])), Value::Null),
        (Some(json!([{}])), Value::Null),
        (Some(json!([{"manager": "", "fieldsV1": null}])), Value::Null),
        (None, json!({"f:data": {".": {}, "f:a": {}}})),
        // What is no record does not count.
        (Some(json!([{"manager": "x"}])), json!({"f:data": {".": {}, "f:a": {}}})),
    ] {
        let mut new = config_map(json!({"a": "1"}));
        if let Some(given) = &given {
            new.put(&PATH, given.clone());
        }
        update(Some(&live), &mut new, &writer("me"), kind("", "ConfigMap"));
        assert_eq!(fields(&new, "me"), want, "{given:?}");
        assert_eq!(new.at(&PATH).is_some(), !want.is_null(), "{given:?}");
    }
    let mut new = config_map(json!({"a": "1"}));
    new.put(&PATH, json!([other]));
    update(Some(&live), &mut new, &writer("me"), kind("", "ConfigMap"));
    assert_eq!((fields(&new, "me"), fields(&new, "other")), (Value::Null, json!({"f:data": {"f:a": {}}})));
}

#[test]
fn a_record_that_was_ended_begins_again_with_an_apply() {
    let live = config_map(json!({"a": "1", "b": "2"}));
    let mut new = config_map(json!({"a": "2", "b": "2"}));
    update(Some(&live), &mut new, &writer("me"), kind("", "ConfigMap"));
    assert_eq!(new.at(&PATH), None);
    let applied =
        apply(Some(&live), &config_map(json!({"a": "1"})), &writer("me"), false, kind("", "ConfigMap")).unwrap();
    assert_eq!(fields(&applied, "me"), json!({"f:data": {"f:a": {}}}));
    assert_eq!(fields(&applied, "before-first-apply"), json!({"f:data": {".": {}, "f:a": {}, "f:b": {}}}));
}

#[test]
fn few_updaters_are_kept_apart() {
    let mut live = created(config_map(json!({"k0": "0"})), "m0");
    for n in 1..14 {
        let mut new = live.clone();
        new.put(&["data", &format!("k{n}")], "0");
        let (manager, time) = (format!("m{n}"), format!("2026-01-01T00:00:{n:02}Z"));
        update(Some(&live), &mut new, &Writer { time: &time, ..writer(&manager) }, kind("", "ConfigMap"));
        live = new;
    }
    let managers: Vec<&str> = live.items_at(&PATH).iter().map(|entry| entry.text(&["manager"])).collect();
    assert_eq!(managers, ["ancient-changes", "m5", "m6", "m7", "m8", "m9", "m10", "m11", "m12", "m13"]);
    let old = json!({"f:data": {".": {}, "f:k0": {}, "f:k1": {}, "f:k2": {}, "f:k3": {}, "f:k4": {}}});
    assert_eq!(fields(&live, "ancient-changes"), old);
}

#[test]
fn the_scale_has_its_own_view() {
    let entry = |manager: &str, subresource: &str, fields: Value| {
        let mut entry = json!({"manager": manager, "operation": "Update", "apiVersion": "apps/v1", "time": "t",
            "fieldsType": "FieldsV1", "fieldsV1": fields});
        if !subresource.is_empty() {
            entry["subresource"] = subresource.into();
        }
        entry
    };
    let replicas = &["spec", "replicas"];
    let parent = json!([entry("me", "", json!({"f:spec": {"f:paused": {}, "f:replicas": {}}}))]);
    let mut live = json!({"spec": {"replicas": 1}, "metadata": {}});
    live.put(&PATH, to_scale(Some(&parent), replicas).unwrap());
    assert_eq!(live["metadata"]["managedFields"][0]["apiVersion"], "autoscaling/v1");
    let mut new = json!({"spec": {"replicas": 2}, "metadata": {}});
    let of_scale = Writer { api_version: "autoscaling/v1", subresource: "scale", ..writer("you") };
    update(Some(&live), &mut new, &of_scale, kind("autoscaling", "Scale"));
    let record = from_scale(Some(&parent), new.at(&PATH), "apps/v1", replicas).unwrap();
    let mut yours = entry("you", "scale", json!({"f:spec": {"f:replicas": {}}}));
    yours.take_at(&["time"]);
    assert_eq!(record, json!([yours, entry("me", "", json!({"f:spec": {"f:paused": {}}}))]));
}

#[test]
fn a_write_of_nothing_keeps_its_times() {
    let old = created(config_map(json!({"a": "1"})), "me");
    for (data, kept) in [(json!({"a": "1"}), true), (json!({"a": "2"}), false)] {
        let mut new = created(config_map(data), "me");
        new["metadata"]["managedFields"][0]["time"] = "2027-01-01T00:00:00Z".into();
        keep_times(&mut new, &old);
        assert_eq!(new["metadata"]["managedFields"] == old["metadata"]["managedFields"], kept);
    }
}

#[test]
fn without_types_maps_are_merged_and_lists_are_not() {
    let object = |spec: Value| json!({"apiVersion": "v1", "kind": "Own", "metadata": {"name": "x"}, "spec": spec});
    let mut live = object(json!({"a": {"b": 1}, "l": [1]}));
    update(None, &mut live, &writer("me"), None);
    assert_eq!(fields(&live, "me"), json!({"f:spec": {".": {}, "f:a": {".": {}, "f:b": {}}, "f:l": {}}}));
    let conflict = apply(Some(&live), &object(json!({"a": {"b": 2}, "l": [2]})), &writer("you"), false, None);
    let text = "Apply failed with 2 conflicts: conflicts with \"me\" using v1:\n- .spec.l\n- .spec.a.b";
    assert_eq!(conflict.unwrap_err().to_string(), text);
    let forced = apply(Some(&live), &object(json!({"l": [2, 3], "n": null})), &writer("you"), true, None).unwrap();
    assert_eq!(forced["spec"], json!({"a": {"b": 1}, "l": [2, 3], "n": null}));
    assert_eq!(fields(&forced, "you"), json!({"f:spec": {".": {}, "f:l": {}, "f:n": {}}}));
    assert_eq!(fields(&forced, "me"), json!({"f:spec": {".": {}, "f:a": {".": {}, "f:b": {}}}}));
}

#[test]
fn configurations_that_do_not_fit_are_refused() {
    let service = |spec: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": spec});
    for (config, want) in [
        (service(json!({"nosuch": 1})), ".spec.nosuch: field not declared in schema"),
        (service(json!({"type": 1})), ".spec.type: expected string, got &value.valueUnstructured{Value:1}"),
        (service(json!({"ports": "x"})), ".spec.ports: expected list, got &{x}"),
        (
            service(json!({"ports": [{"port": "x"}]})),
            ".spec.ports[port=\"x\",protocol=\"TCP\"].port: expected numeric (int or float), got string",
        ),
        (service(json!({"selector": [1, 2]})), ".spec.selector: expected map, got &{[1 2]}"),
        (
            service(json!({"ports": [null]})),
            ".spec.ports: element 0: associative list with keys may not have a null element",
        ),
        (
            service(json!({"type": 1, "sessionAffinity": 2})),
            "errors:\n  .spec.sessionAffinity: expected string, got &value.valueUnstructured{Value:2}\n  .spec.type: expected \
             string, got &value.valueUnstructured{Value:1}",
        ),
    ] {
        let error = apply(None, &config, &writer("me"), false, kind("", "Service")).unwrap_err();
        let text = format!("failed to create typed patch object (/x; /v1, Kind=Service): {want}");
        assert_eq!(error, ApplyError::Failed(text));
    }
    // Quantities and ports may be numbers.
    let config = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": [
        {"name": "c", "resources": {"limits": {"cpu": 1}}, "livenessProbe": {"httpGet": {"port": "http"}}}]}});
    assert!(apply(None, &config, &writer("me"), false, kind("", "Pod")).is_ok());
}

#[test]
fn items_and_keys_go_when_their_last_owner_lets_go() {
    let pod = |containers: Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": containers}});
    let ty = kind("", "Pod");
    let run = |live: Option<&Value>, config: Value, manager| apply(live, &config, &writer(manager), false, ty).unwrap();
    let live = run(None, pod(json!([{"name": "a", "image": "1"}, {"name": "b", "env": [{"name": "E"}]}])), "me");
    // Another manager holds an image of one container: of that container, only what it holds stays.
    let live = run(Some(&live), pod(json!([{"name": "b", "image": "2"}, {"name": "c"}])), "you");
    let live = run(Some(&live), pod(json!([])), "me");
    assert_eq!(live["spec"]["containers"], json!([{"name": "b", "image": "2"}, {"name": "c"}]));
    let live = run(Some(&live), pod(json!([{"name": "c", "image": "3"}, {"name": "d"}])), "you");
    assert_eq!(live["spec"]["containers"], json!([{"name": "c", "image": "3"}, {"name": "d"}]));
    assert_eq!(fields(&live, "me"), Value::Null);
}

/// Pods with lists of maps, sets, atomic lists and maps whose parts meet.
fn pod() -> impl Strategy<Value = Value> {
    let container = (
        prop::option::of("[xy]"),
        prop::collection::btree_map("[EF]", "[01]", 0..3),
        prop::collection::vec("[pq]", 0..2),
    )
        .prop_map(|(image, env, args)| {
            let mut container = json!({});
            if let Some(image) = image {
                container["image"] = image.into();
            }
            if !env.is_empty() {
                container["env"] = env.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
            }
            if !args.is_empty() {
                container["args"] = args.into();
            }
            container
        });
    let containers = prop::collection::btree_map("[a-d]", container, 0..4);
    let labels = prop::option::of(prop::collection::btree_map("[kl]", "[12]", 1..3));
    let finalizers = prop::option::of(prop::collection::btree_set("[fgh]", 1..3));
    (containers, labels, finalizers, any::<bool>()).prop_map(|(containers, labels, finalizers, backwards)| {
        let named = |(name, mut container): (String, Value)| {
            container["name"] = name.into();
            container
        };
        let mut containers: Vec<Value> = containers.into_iter().map(named).collect();
        if backwards {
            containers.reverse();
        }
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {}});
        if !containers.is_empty() {
            pod["spec"]["containers"] = containers.into();
        }
        if let Some(labels) = labels {
            pod["metadata"]["labels"] = json!(labels);
        }
        if let Some(finalizers) = finalizers {
            pod["metadata"]["finalizers"] = json!(finalizers);
        }
        pod
    })
}

/// Whether the object says all that the configuration says; lists of items in any order.
fn says(object: &Value, config: &Value) -> bool {
    match (object, config) {
        (Value::Object(object), Value::Object(config)) => {
            config.iter().all(|(key, value)| object.get(key).is_some_and(|mine| says(mine, value)))
        }
        (Value::Array(object), Value::Array(config)) => {
            config.iter().all(|item| object.iter().any(|mine| says(mine, item)))
        }
        _ => object == config,
    }
}

proptest! {
    #[test]
    fn applying_twice_is_applying_once(live in pod(), config in pod()) {
        let live = created(live, "other");
        let once = apply(Some(&live), &config, &writer("me"), true, kind("", "Pod")).unwrap();
        prop_assert!(says(&once, &config), "{once}");
        prop_assert!(says(&once, &live) || fields(&once, "other") != fields(&live, "other"));
        let again = Writer { time: "2027-01-01T00:00:00Z", ..writer("me") };
        let twice = apply(Some(&once), &config, &again, false, kind("", "Pod")).unwrap();
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn a_sole_applier_gets_what_it_says(first in pod(), second in pod()) {
        let once = apply(None, &first, &writer("me"), false, kind("", "Pod")).unwrap();
        let then = apply(Some(&once), &second, &writer("me"), false, kind("", "Pod")).unwrap();
        let fresh = apply(None, &second, &writer("me"), false, kind("", "Pod")).unwrap();
        let bare = |mut object: Value| {
            object.take_at(&PATH);
            // Lists and maps that have lost everything stay as null.
            for path in [&["spec", "containers"][..], &["spec"], &["metadata", "labels"], &["metadata", "finalizers"]] {
                if object.at(path).is_some_and(|value| [json!(null), json!({}), json!([])].contains(value)) {
                    object.take_at(path);
                }
            }
            object
        };
        prop_assert!(says(&bare(then.clone()), &bare(fresh.clone())) && says(&bare(fresh.clone()), &bare(then.clone())), "{then}\n{fresh}");
        prop_assert_eq!(fields(&then, "me"), fields(&fresh, "me"));
    }

    #[test]
    fn updates_own_what_they_change(old in pod(), new in pod()) {
        let old = created(old, "other");
        let mut after = new.clone();
        update(Some(&old), &mut after, &writer("me"), kind("", "Pod"));
        let mut same = after.clone();
        update(Some(&after), &mut same, &Writer { time: "2027-01-01T00:00:00Z", ..writer("third") }, kind("", "Pod"));
        prop_assert_eq!(&same, &after);
        // Nobody owns a field together with the one who has just changed it.
        let mine = fields(&after, "me").as_object().cloned().unwrap_or_default();
        let others = fields(&after, "other").as_object().cloned().unwrap_or_default();
        prop_assert_eq!(set::intersection(&mine, &others), Fields::new());
    }
}
