//! The patch that `kubectl apply` sends: what the manifest says that the live object does not, and what the manifest
//! said when it was applied last and says no more.

use super::go_print::GoPrint;
use super::merge_patch;
use super::strategic::{self, Mode, Parts, conflicts, diff_maps, merge_maps};
use crate::api::TypeRef;
use crate::yaml;
use serde_json::{Map, Value};
use thiserror::Error;

/// Why there is no patch.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Error {
    /// The objects do not fit the types.
    #[error(transparent)]
    Strategic(#[from] strategic::Error),
    /// The patch would change what an object is: its apiVersion, kind or name.
    #[error("precondition failed for: {}", GoPrint(.0))]
    Precondition(Value),
    /// The live object was changed in a way that the patch would undo, and it may not.
    #[error(
        "patch:\n{}\nconflicts with changes made from original to current:\n{}\n",
        yaml::to_string(patch),
        yaml::to_string(changes)
    )]
    Conflict {
        /// The patch.
        patch: Value,
        /// What changed since the manifest was applied last.
        changes: Value,
    },
}

/// The strategic merge patch that brings `current`, the live object, to `modified`, the manifest; `original` is the
/// manifest as it was applied last (null when it never was). An empty map when there is nothing to do. Unless
/// `overwrite` is set, a change of what others have changed in the meantime is an error.
pub fn strategic(
    original: &Value,
    modified: &Value,
    current: &Value,
    schema: TypeRef,
    overwrite: bool,
) -> Result<Value, Error> {
    let (original, modified, current) = (&map(original)?, &map(modified)?, &map(current)?);
    let changes = diff_maps(current, modified, schema, Parts { deletions: false, ..Parts::ALL }, false)?;
    let deletions = diff_maps(original, modified, schema, Parts { changes: false, ..Parts::ALL }, false)?;
    let patch = merge_maps(deletions, &changes, schema, Mode::Combine)?;
    if !overwrite {
        let since = diff_maps(original, current, schema, Parts { order: false, ..Parts::ALL }, false)?;
        if conflicts(&patch, &since, schema)? {
            return Err(Error::Conflict { patch: patch.into(), changes: since.into() });
        }
    }
    Ok(Value::Object(patch))
}

fn map(value: &Value) -> Result<Map<String, Value>, strategic::Error> {
    match value {
        Value::Null => Ok(Map::new()),
        Value::Object(map) => Ok(map.clone()),
        _ => Err(strategic::Error::Malformed("invalid JSON document")),
    }
}

/// The same as a JSON merge patch, for kinds whose types say nothing of strategic merges. Lists are replaced. The
/// patch may not change apiVersion, kind or metadata.name.
pub fn json(original: &Value, modified: &Value, current: &Value) -> Result<Value, Error> {
    let (original, modified, current) =
        (map(original)?.into(), Value::Object(map(modified)?), Value::Object(map(current)?));
    let mut patch = only_deletions(&merge_patch::diff(&original, &modified)).unwrap_or_else(|| Map::new().into());
    // The two cannot contradict each other: what is deleted is not in `modified`, what is changed is.
    let changes = without_deletions(&merge_patch::diff(&current, &modified)).unwrap_or_else(|| Map::new().into());
    merge_patch::apply(&mut patch, &changes);
    let names_another =
        ["/apiVersion", "/kind", "/metadata/name"].iter().any(|pointer| patch.pointer(pointer).is_some());
    if names_another { Err(Error::Precondition(patch)) } else { Ok(patch) }
}

/// The nulls of a merge patch, with the maps that they are in.
fn only_deletions(patch: &Value) -> Option<Value> {
    match patch {
        Value::Null => Some(Value::Null),
        Value::Object(map) => filtered(map, only_deletions),
        _ => None,
    }
}

/// A merge patch without its nulls, and without the maps that then say nothing. A map that was empty is a value.
fn without_deletions(patch: &Value) -> Option<Value> {
    match patch {
        Value::Null => None,
        Value::Object(map) if !map.is_empty() => filtered(map, without_deletions),
        other => Some(other.clone()),
    }
}

fn filtered(map: &Map<String, Value>, keep: fn(&Value) -> Option<Value>) -> Option<Value> {
    let kept: Map<_, _> = map.iter().filter_map(|(key, value)| Some((key.clone(), keep(value)?))).collect();
    (!kept.is_empty()).then(|| kept.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::GroupVersionKind;
    use crate::schema::builtin;
    use proptest::prelude::*;
    use serde_json::json;

    fn pod_spec() -> TypeRef<'static> {
        builtin().kind(&GroupVersionKind::new("", "v1", "Pod")).unwrap().field("spec").unwrap()
    }

    #[test]
    fn strategic_patches_are_those_of_kubectl() {
        for (original, modified, current, want) in [
            // Nothing to do.
            (json!(null), json!({"hostname": "a"}), json!({"hostname": "a", "nodeName": "n"}), json!({})),
            // Changed, added, deleted; what only the server says stays.
            (
                json!({"hostname": "a", "subdomain": "s"}),
                json!({"hostname": "b", "nodeName": "n"}),
                json!({"hostname": "a", "subdomain": "s", "priority": 0}),
                json!({"hostname": "b", "nodeName": "n", "subdomain": null}),
            ),
            // Deleted from the manifest, and already gone.
            (json!({"subdomain": "s"}), json!({}), json!({}), json!({"subdomain": null})),
            // Lists: an item of ours changed, one deleted, one of the server's stays.
            (
                json!({"containers": [{"name": "a", "image": "1"}, {"name": "b"}]}),
                json!({"containers": [{"name": "a", "image": "2"}]}),
                json!({"containers": [{"name": "a", "image": "1"}, {"name": "b"}, {"name": "sidecar"}]}),
                json!({
                    "$setElementOrder/containers": [{"name": "a"}],
                    "containers": [{"name": "a", "image": "2"}, {"$patch": "delete", "name": "b"}]
                }),
            ),
            (
                json!({"containers": [{"name": "a", "image": "1", "tty": true}]}),
                json!({"containers": [{"name": "a", "image": "1"}]}),
                json!({"containers": [{"name": "a", "image": "1", "tty": true, "stdin": true}]}),
                json!({"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "a", "tty": null}]}),
            ),
            // A server's extra item makes the order differ.
            (
                json!({"containers": [{"name": "a"}]}),
                json!({"containers": [{"name": "a"}]}),
                json!({"containers": [{"name": "a"}, {"name": "sidecar"}]}),
                json!({"$setElementOrder/containers": [{"name": "a"}]}),
            ),
            // The keys that a union keeps.
            (
                json!({"volumes": [{"name": "v", "emptyDir": {}}]}),
                json!({"volumes": [{"name": "v", "hostPath": {"path": "/x"}}]}),
                json!({"volumes": [{"name": "v", "emptyDir": {}}]}),
                json!({
                    "$setElementOrder/volumes": [{"name": "v"}],
                    "volumes": [{"name": "v", "$retainKeys": ["hostPath", "name"], "emptyDir": null, "hostPath": {"path": "/x"}}]
                }),
            ),
            (
                json!({"nodeSelector": {"a": "1"}}),
                json!({}),
                json!({"nodeSelector": {"a": "1"}}),
                json!({"nodeSelector": null}),
            ),
        ] {
            let patch = strategic(&original, &modified, &current, pod_spec(), true);
            assert_eq!(patch, Ok(want), "{original} {modified} {current}");
        }
    }

    #[test]
    fn json_patches_are_those_of_kubectl() {
        for (original, modified, current, want) in [
            (json!(null), json!({"a": 1}), json!({"a": 1, "b": 2}), json!({})),
            (json!({"x": {"y": 1}}), json!({"x": {"z": 1}}), json!({"x": {"y": 1}}), json!({"x": {"y": null, "z": 1}})),
            (json!({"l": [1]}), json!({"l": [2]}), json!({"l": [1], "m": {}}), json!({"l": [2]})),
            (json!({}), json!({"e": {}}), json!({}), json!({"e": {}})),
            (json!({"e": {"a": 1}}), json!({}), json!({"e": {"a": 1}}), json!({"e": null})),
            (json!({}), json!({"e": {"a": null}}), json!({"e": {}}), json!({"e": {"a": null}})),
        ] {
            assert_eq!(json(&original, &modified, &current), Ok(want), "{original} {modified} {current}");
        }
        let renamed = json(&json!({}), &json!({"metadata": {"name": "b"}}), &json!({"metadata": {"name": "a"}}));
        assert_eq!(renamed.unwrap_err().to_string(), "precondition failed for: map[metadata:map[name:b]]");
    }

    #[test]
    fn what_others_changed_is_not_overwritten_unasked() {
        let conflict = |original: Value, modified: Value, current: Value| {
            matches!(strategic(&original, &modified, &current, pod_spec(), false), Err(Error::Conflict { .. }))
        };
        let spec = |image: &str| json!({"hostname": "h", "containers": [{"name": "a", "image": image}]});
        assert!(conflict(spec("1"), spec("2"), spec("3")));
        assert!(!conflict(spec("1"), spec("2"), spec("1")));
        assert!(!conflict(spec("1"), spec("3"), spec("3")));
        assert!(conflict(spec("1"), spec("1"), spec("3")));
        assert!(!conflict(
            spec("1"),
            spec("1"),
            json!({"hostname": "h", "containers": [{"name": "a", "image": "1"}, {"name": "b"}]})
        ));
    }

    fn spec() -> impl Strategy<Value = Value> {
        let image = prop::option::of("[xy]");
        let containers = prop::collection::btree_map("[a-c]", image, 1..4).prop_map(|map| {
            let container = |(name, image): (String, Option<String>)| match image {
                Some(image) => json!({"name": name, "image": image}),
                None => json!({"name": name}),
            };
            map.into_iter().map(container).collect::<Vec<_>>()
        });
        let labels = prop::collection::btree_map("[ab]", "[12]", 1..3);
        (containers, prop::option::of("[pq]"), prop::option::of(labels)).prop_map(|(containers, hostname, labels)| {
            let mut spec = json!({"containers": containers});
            if let Some(hostname) = hostname {
                spec["hostname"] = hostname.into();
            }
            if let Some(labels) = labels {
                spec["nodeSelector"] = json!(labels);
            }
            spec
        })
    }

    /// Whether `result` is what a three-way merge must give: `new` where it speaks, without what only `last` said,
    /// and `live` where both are silent.
    fn merged(last: &Value, new: &Value, live: &Value, result: &Value) -> bool {
        match (new, result) {
            (Value::Object(new), Value::Object(result)) => {
                let empty = Map::new();
                let (last, live) = (last.as_object().unwrap_or(&empty), live.as_object().unwrap_or(&empty));
                new.iter().all(|(key, value)| {
                    let part = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                    merged(&part(last), value, &part(live), &part(result))
                }) && last.keys().filter(|key| !new.contains_key(*key)).all(|key| !result.contains_key(key))
                    && live
                        .iter()
                        .filter(|(key, _)| !new.contains_key(*key) && !last.contains_key(*key))
                        .all(|(key, value)| result.get(key) == Some(value))
            }
            (Value::Array(_), Value::Array(_)) => {
                let keyed = |list: &Value| -> Value {
                    let items = list.as_array().into_iter().flatten();
                    Value::Object(items.map(|item| (item["name"].as_str().unwrap().into(), item.clone())).collect())
                };
                merged(&keyed(last), &keyed(new), &keyed(live), &keyed(result))
            }
            _ => new == result,
        }
    }

    /// Nulls in the items that a patch adds stay until the object is decoded.
    fn without_nulls(value: &mut Value) {
        match value {
            Value::Object(map) => map.retain(|_, value| {
                without_nulls(value);
                !value.is_null()
            }),
            Value::Array(list) => list.iter_mut().for_each(without_nulls),
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn the_patch_gives_what_both_say(last in spec(), new in spec(), live in spec()) {
            let patch = strategic(&last, &new, &live, pod_spec(), true).unwrap();
            let mut result = strategic::apply(&live, &patch, pod_spec()).unwrap();
            without_nulls(&mut result);
            prop_assert!(merged(&last, &new, &live, &result), "{patch}\n{result}");
        }

        #[test]
        fn the_json_patch_gives_what_both_say(last in spec(), new in spec(), live in spec()) {
            let unlisted = |mut spec: Value| {
                spec["containers"] = json!({});
                spec
            };
            let (last, new, live) = (unlisted(last), unlisted(new), unlisted(live));
            let patch = json(&last, &new, &live).unwrap();
            let mut result = live.clone();
            merge_patch::apply(&mut result, &patch);
            prop_assert!(merged(&last, &new, &live, &result), "{patch}\n{result}");
        }

        #[test]
        fn applying_what_was_applied_changes_nothing(spec in spec()) {
            prop_assert_eq!(strategic(&spec, &spec, &spec, pod_spec(), false).unwrap(), json!({}));
            prop_assert_eq!(json(&spec, &spec, &spec).unwrap(), json!({}));
        }
    }
}
