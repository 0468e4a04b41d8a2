//! Patches as kustomize merges them. They look like strategic merge patches; but what a patch adds to a list comes
//! first, an item is named by all keys of the list, and there is no order to be set.

use super::{Outcome, Problem};
use crate::api::{Map, TypeRef, Value};

const PATCH: &str = "$patch";

/// What a map or list in a patch does to the one that it is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

fn directive(word: &Value) -> Outcome<Directive> {
    match word.as_str().unwrap_or_default() {
        "merge" => Ok(Directive::Merge),
        "replace" => Ok(Directive::Replace),
        "delete" => Ok(Directive::Delete),
        other => Err(Problem(format!("unknown patch strategy '{other}'"))),
    }
}

/// Merges a patch into a value. Nothing is left when the patch takes the value away.
pub(super) fn merge(value: Value, patch: &Value, ty: Option<TypeRef<'_>>) -> Outcome<Option<Value>> {
    match (value, patch) {
        (_, Value::Null) => Ok(None),
        (Value::Null, patch) => fresh(patch, ty),
        (Value::Object(fields), Value::Object(patch)) => merge_maps(fields, patch, ty),
        (Value::Array(items), Value::Array(patch)) => merge_lists(items, patch, ty),
        (Value::Object(_), other) => Err(unlike("MappingNode", other)),
        (Value::Array(_), other) => Err(unlike("SequenceNode", other)),
        (_, other @ (Value::Object(_) | Value::Array(_))) => Err(unlike("ScalarNode", other)),
        (_, scalar) => Ok(Some(scalar.clone())),
    }
}

fn unlike(expected: &str, value: &Value) -> Problem {
    let found = match value {
        Value::Object(_) => "MappingNode",
        Value::Array(_) => "SequenceNode",
        _ => "ScalarNode",
    };
    let content = crate::yaml::to_string(value);
    Problem(format!("wrong node kind: expected {expected} but got {found}: node contents:\n{content}"))
}

/// What a patch puts where nothing was.
fn fresh(patch: &Value, ty: Option<TypeRef<'_>>) -> Outcome<Option<Value>> {
    match patch {
        Value::Object(patch) => match of_map(patch)? {
            Directive::Delete => Ok(None),
            _ => merge_fields(Map::new(), patch, ty).map(|fields| Some(Value::Object(fields))),
        },
        Value::Array(patch) if is_merged(ty) => merge_lists(Vec::new(), patch, ty),
        other => Ok(Some(other.clone())),
    }
}

fn of_map(patch: &Map<String, Value>) -> Outcome<Directive> {
    patch.get(PATCH).map_or(Ok(Directive::Merge), directive)
}

fn merge_maps(
    fields: Map<String, Value>,
    patch: &Map<String, Value>,
    ty: Option<TypeRef<'_>>,
) -> Outcome<Option<Value>> {
    let fields = match of_map(patch)? {
        Directive::Delete => return Ok(None),
        Directive::Replace => Map::new(),
        Directive::Merge => fields,
    };
    merge_fields(fields, patch, ty).map(|fields| Some(Value::Object(fields)))
}

fn merge_fields(
    mut fields: Map<String, Value>,
    patch: &Map<String, Value>,
    ty: Option<TypeRef<'_>>,
) -> Outcome<Map<String, Value>> {
    for (name, value) in patch.iter().filter(|(name, _)| *name != PATCH) {
        let ty = ty.and_then(|ty| ty.field(name));
        if let Some(merged) = merge(fields.remove(name).unwrap_or(Value::Null), value, ty)? {
            fields.insert(name.clone(), merged);
        }
    }
    Ok(fields)
}

fn is_merged(ty: Option<TypeRef<'_>>) -> bool {
    ty.is_some_and(|ty| ty.has_patch_strategy("merge"))
}

/// The fields that name an item of a list; none for a list of scalars.
fn keys(ty: Option<TypeRef<'_>>) -> Vec<String> {
    match ty {
        Some(ty) if !ty.list_map_keys().is_empty() => ty.list_map_keys().to_vec(),
        Some(ty) if !ty.patch_merge_key().is_empty() => vec![ty.patch_merge_key().into()],
        _ => Vec::new(),
    }
}

fn merge_lists(items: Vec<Value>, patch: &[Value], ty: Option<TypeRef<'_>>) -> Outcome<Option<Value>> {
    if !is_merged(ty) {
        return Ok(Some(Value::Array(patch.to_vec())));
    }
    let is_directive = |item: &Value| item.as_object().is_some_and(|map| map.len() == 1 && map.contains_key(PATCH));
    let whole =
        patch.iter().find(|item| is_directive(item)).map_or(Ok(Directive::Merge), |item| directive(&item[PATCH]))?;
    let patch: Vec<Value> = patch.iter().filter(|item| !is_directive(item)).cloned().collect();
    let items = match whole {
        Directive::Delete => return Ok(None),
        Directive::Replace => Vec::new(),
        Directive::Merge => items,
    };
    let item_type = ty.and_then(TypeRef::items);
    let keys = keys(ty);
    if keys.is_empty() {
        let mut merged: Vec<Value> = Vec::new();
        for item in patch.into_iter().chain(items) {
            if !merged.contains(&item) {
                merged.push(item);
            }
        }
        return Ok(Some(Value::Array(merged)));
    }
    let mut names: Vec<Vec<String>> = Vec::new();
    for item in patch.iter().chain(&items) {
        let name = name_of(item, &keys);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    complete(&mut names);
    if keys.len() > 1 {
        // Where several keys name an item, what was there keeps its order.
        let place =
            |name: &Vec<String>| items.iter().position(|item| fits(&name_of(item, &keys), name)).map_or(0, |at| at + 1);
        names.sort_by_key(place);
    }
    let mut merged: Vec<Value> = Vec::new();
    let mut done: Vec<Vec<String>> = Vec::new();
    for name in names {
        if done.contains(&name) {
            continue;
        }
        let is_it = |item: &&Value| fits(&name_of(item, &keys), &name);
        let old = items.iter().find(is_it).cloned().unwrap_or(Value::Null);
        let new = match patch.iter().find(is_it) {
            Some(patch) => merge(old, patch, item_type)?,
            None => Some(old),
        };
        done.push(name);
        merged.extend(new.filter(|item| item.as_object().is_none_or(|map| !map.is_empty())));
    }
    Ok(Some(Value::Array(merged)))
}

/// The values of the keys; empty for those that an item does not have.
fn name_of(item: &Value, keys: &[String]) -> Vec<String> {
    keys.iter().map(|key| item.get(key).and_then(super::fields::scalar_text).unwrap_or_default()).collect()
}

/// Whether what an item says of its name is said by `name` too.
fn fits(said: &[String], name: &[String]) -> bool {
    said.iter().zip(name).all(|(said, name)| said == name || said.is_empty())
        && said.iter().any(|part| !part.is_empty())
        || said == name
}

/// A name of which a part is missing is that of another item which has the part.
fn complete(names: &mut [Vec<String>]) {
    for first in 0..names.len() {
        for second in 0..names.len() {
            if let Some(whole) = joined(&names[first], &names[second]) {
                names[first].clone_from(&whole);
                names[second] = whole;
            }
        }
    }
}

fn joined(first: &[String], second: &[String]) -> Option<Vec<String>> {
    let parts: Option<Vec<String>> = first
        .iter()
        .zip(second)
        .map(|(first, second)| match (first.as_str(), second.as_str()) {
            (a, b) if a == b => Some(first.clone()),
            ("", _) => Some(second.clone()),
            (_, "") => Some(first.clone()),
            _ => None,
        })
        .collect();
    parts.filter(|_| first.iter().zip(second).any(|(first, second)| first == second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ObjectExt;
    use crate::schema;
    use serde_json::json;

    fn pod(spec: Value) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "spec": spec})
    }

    fn merged(spec: Value, patch: Value) -> Value {
        let (object, patch) = (pod(spec), pod(patch));
        let ty = schema::builtin().kind(&object.group_version_kind());
        merge(object, &patch, ty).unwrap().unwrap()["spec"].take()
    }

    #[test]
    fn what_a_patch_adds_to_a_list_comes_first() {
        let old = json!({"containers": [{"name": "a", "image": "1"}, {"name": "b"}]});
        let patch = json!({"containers": [{"name": "c"}, {"name": "b", "image": "2"}]});
        let new = json!({"containers": [{"name": "c"}, {"name": "b", "image": "2"}, {"name": "a", "image": "1"}]});
        assert_eq!(merged(old, patch), new);
    }

    #[test]
    fn directives_are_carried_out() {
        let old = || json!({"containers": [{"name": "a", "image": "1"}, {"name": "b"}], "nodeSelector": {"x": "1"}});
        for (patch, new) in [
            (
                json!({"containers": [{"name": "a", "$patch": "delete"}]}),
                json!({"containers": [{"name": "b"}], "nodeSelector": {"x": "1"}}),
            ),
            (
                json!({"containers": [{"name": "c"}, {"$patch": "replace"}]}),
                json!({"containers": [{"name": "c"}], "nodeSelector": {"x": "1"}}),
            ),
            (json!({"containers": null}), json!({"nodeSelector": {"x": "1"}})),
            (
                json!({"nodeSelector": {"$patch": "replace", "y": "2"}}),
                json!({"containers": [{"name": "a", "image": "1"}, {"name": "b"}], "nodeSelector": {"y": "2"}}),
            ),
            (
                json!({"nodeSelector": {"$patch": "delete"}}),
                json!({"containers": [{"name": "a", "image": "1"}, {"name": "b"}]}),
            ),
        ] {
            assert_eq!(merged(old(), patch.clone()), new, "{patch}");
        }
    }

    #[test]
    fn items_are_named_by_all_keys() {
        let ports = |ports: Value| json!({"containers": [{"name": "a", "ports": ports}]});
        let old = ports(json!([{"containerPort": 53, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]));
        let patch = ports(json!([{"containerPort": 53, "protocol": "UDP", "name": "dns"}]));
        let new = ports(
            json!([{"containerPort": 53, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP", "name": "dns"}]),
        );
        assert_eq!(merged(old, patch), new);
    }
}
