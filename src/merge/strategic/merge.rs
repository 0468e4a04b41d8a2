//! Merging a patch into an object, or into another patch.

use super::order::arrange;
use super::{
    BAD_DELETE_LIST, BAD_RETAIN_KEYS, BAD_SET_ORDER, DELETE_FROM_LIST, Error, Items, PATCH, RETAIN_KEYS, SET_ORDER,
};
use super::{GoPrint, as_list, as_map, field, items_are_maps};
use crate::api::TypeRef;
use serde_json::{Map, Value};
use std::mem::take;

/// What the patch is merged into.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// An object: directives are obeyed.
    Apply,
    /// Another patch: directives and nulls are kept.
    Combine,
}

/// Merges `patch` into `original`, both of the type `ty`.
pub fn merge_maps(
    mut original: Map<String, Value>,
    patch: &Map<String, Value>,
    ty: TypeRef,
    mode: Mode,
) -> Result<Map<String, Value>, Error> {
    if let Some(directive) = patch.get(PATCH) {
        return match directive.as_str() {
            Some("replace") => Ok(patch.iter().filter(|(key, _)| *key != PATCH).map(owned).collect()),
            Some("delete") => Ok(Map::new()),
            _ => Err(unknown_directive(directive, &Value::Object(patch.clone()))),
        };
    }
    retain_keys(&mut original, patch, mode)?;
    let mut done = Vec::new();
    for (key, order) in patch.iter().filter(|(key, _)| key.starts_with(SET_ORDER)) {
        done.push(merge_ordered(&mut original, patch, (key, order), ty, mode)?);
    }
    for (key, change) in patch {
        if key == RETAIN_KEYS || key.starts_with(SET_ORDER) || done.contains(&key.as_str()) {
            continue;
        }
        if !key.starts_with(DELETE_FROM_LIST) {
            merge_field(&mut original, key, change, ty, mode)?;
        } else if mode == Mode::Combine {
            original.insert(key.clone(), change.clone());
        } else {
            let name = list_name(key, DELETE_FROM_LIST).ok_or(BAD_DELETE_LIST)?;
            if let (Some(Value::Array(list)), Value::Array(gone)) = (original.get_mut(name), change) {
                let items = Items::of(ty, name)?;
                *list = delete_from_list(take(list), gone, items, mode)?;
            }
        }
    }
    Ok(original)
}

fn owned((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

fn unknown_directive(directive: &Value, map: &Value) -> Error {
    Error::Failed(format!("unknown patch type: {} in map: {}", GoPrint(directive), GoPrint(map)))
}

/// The list that the directive `key` is about.
fn list_name<'a>(key: &'a str, prefix: &str) -> Option<&'a str> {
    key.strip_prefix(prefix)?.strip_prefix('/')
}

fn retain_keys(original: &mut Map<String, Value>, patch: &Map<String, Value>, mode: Mode) -> Result<(), Error> {
    let Some(keys) = patch.get(RETAIN_KEYS) else { return Ok(()) };
    if mode == Mode::Combine {
        return match original.get(RETAIN_KEYS) {
            Some(other) if other != keys => Err(Error::Failed(format!(
                "{} and {} are not deep equal: this may happen when calculating the 3-way diff patch",
                GoPrint(other),
                GoPrint(keys)
            ))),
            _ => {
                original.insert(RETAIN_KEYS.into(), keys.clone());
                Ok(())
            }
        };
    }
    let kept = keys.as_array().ok_or(BAD_RETAIN_KEYS)?;
    let is_kept = |key: &str| kept.iter().any(|kept| kept.as_str() == Some(key));
    let is_directive =
        |key: &str| key == RETAIN_KEYS || key.starts_with(DELETE_FROM_LIST) || key.starts_with(SET_ORDER);
    if patch.iter().any(|(key, value)| !value.is_null() && !is_directive(key) && !is_kept(key)) {
        return Err(BAD_RETAIN_KEYS);
    }
    original.retain(|key, _| is_kept(key));
    Ok(())
}

fn merge_field(
    original: &mut Map<String, Value>,
    key: &str,
    change: &Value,
    ty: TypeRef,
    mode: Mode,
) -> Result<(), Error> {
    if change.is_null() {
        original.remove(key);
        if mode == Mode::Combine {
            original.insert(key.into(), Value::Null);
        }
        return Ok(());
    }
    match (original.get_mut(key), change) {
        (Some(Value::Object(old)), Value::Object(new)) => {
            let of_field = field(ty, key)?;
            *old = match of_field.has_patch_strategy("replace") {
                true => new.clone(),
                false => merge_maps(take(old), new, of_field, mode)?,
            };
        }
        (Some(Value::Array(old)), Value::Array(new)) => {
            let items = Items::of(ty, key)?;
            *old = if items.merges { merge_lists(take(old), new, items, mode)? } else { new.clone() };
        }
        (_, new) => match without_directives(new, mode) {
            Some(new) => {
                original.insert(key.into(), new);
            }
            None => {
                original.remove(key);
            }
        },
    }
    Ok(())
}

/// What a part of a patch becomes where there is nothing to merge it with: maps with a directive go, and, in an
/// object, the nulls in maps.
fn without_directives(value: &Value, mode: Mode) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(PATCH) => None,
        Value::Object(map) => {
            let fields = map.iter().filter(|(_, value)| mode == Mode::Combine || !value.is_null());
            let kept = fields.filter_map(|(key, value)| Some((key.clone(), without_directives(value, mode)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(list) => Some(list.iter().filter_map(|item| without_directives(item, mode)).collect()),
        other => Some(other.clone()),
    }
}

/// Merges a list whose order the patch gives, and returns the list's name: it is done.
fn merge_ordered<'p>(
    original: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    (directive, order): (&'p str, &Value),
    ty: TypeRef,
    mode: Mode,
) -> Result<&'p str, Error> {
    if mode == Mode::Combine {
        match original.get(directive) {
            Some(other) if other != order => return Err(BAD_SET_ORDER),
            Some(_) => {}
            None => {
                original.insert(directive.into(), order.clone());
            }
        }
    }
    let order = as_list(order)?;
    let name = list_name(directive, SET_ORDER).ok_or(BAD_SET_ORDER)?;
    let new = patch.get(name).map(as_list).transpose()?;
    let items = Items::of(ty, name)?;
    let old = match original.get(name) {
        Some(value) => Some(as_list(value)?.clone()),
        None => None,
    };
    check_order(new.map_or(&[], Vec::as_slice), order, items)?;
    let merged = match (&old, new) {
        (None, None) => return Ok(name),
        (Some(old), None) => old.clone(),
        (None, Some(new)) => new.iter().filter_map(|item| without_directives(item, Mode::Combine)).collect(),
        (Some(_), Some(new)) if !items.merges => new.clone(),
        (Some(old), Some(new)) => merge_lists(old.clone(), new, items, mode)?,
    };
    let old = old.unwrap_or_default();
    items_are_maps(&[&old, new.map_or(&[], Vec::as_slice)])?;
    let merged = arrange(merged, items, &items.keys(order)?, &items.keys(&old)?)?;
    original.insert(name.into(), Value::Array(merged));
    Ok(name)
}

/// The items of the patch must all be in the order, and in that order. Deletions do not count.
fn check_order(new: &[Value], order: &[Value], items: Items) -> Result<(), Error> {
    if new.is_empty() || order.is_empty() {
        return Ok(());
    }
    let mut rest = order.iter();
    for item in new.iter().filter(|item| item.get(PATCH).is_none()) {
        let key = items.key(item)?;
        let mut found = false;
        for other in rest.by_ref() {
            if items.key(other)? == key {
                found = true;
                break;
            }
        }
        if !found {
            let (new, order) = (Value::from(new.to_vec()), Value::from(order.to_vec()));
            return Err(Error::Failed(format!(
                "The order in patch list:\n{}\n doesn't match {SET_ORDER} list:\n{}\n",
                GoPrint(&new),
                GoPrint(&order)
            )));
        }
    }
    Ok(())
}

fn delete_from_list(list: Vec<Value>, gone: &[Value], items: Items, mode: Mode) -> Result<Vec<Value>, Error> {
    if list.is_empty() && gone.is_empty() {
        return Ok(list);
    }
    if items_are_maps(&[&list, gone])? {
        return merge_lists(list, gone, items, mode);
    }
    Ok(list.into_iter().filter(|item| !gone.contains(item)).collect())
}

fn merge_lists(original: Vec<Value>, patch: &[Value], items: Items, mode: Mode) -> Result<Vec<Value>, Error> {
    if original.is_empty() && patch.is_empty() {
        return Ok(original);
    }
    if !items_are_maps(&[&original, patch])? {
        let mut merged = Vec::with_capacity(original.len() + patch.len());
        for item in original.iter().chain(patch) {
            if !merged.contains(item) {
                merged.push(item.clone());
            }
        }
        return arrange(merged, items, &items.keys(patch)?, &items.keys(&original)?);
    }
    if items.merge_key.is_empty() {
        return Err(Error::Failed("cannot merge lists without merge key for struct".into()));
    }
    let Sorted { kept: original, patch } = obey_directives(original, patch, items)?;
    let mut merged = original;
    let before = merged.len();
    for item in &patch {
        let key = items.key(item)?;
        match merged.iter().position(|other| other.get(items.merge_key) == Some(key)) {
            Some(place) => {
                let Value::Object(old) = take(&mut merged[place]) else { continue };
                merged[place] = Value::Object(merge_maps(old, as_map(item)?, items.ty, mode)?);
            }
            None => merged.push(item.clone()),
        }
    }
    let keys: Vec<Value> = items.keys(&merged[..before])?.into_iter().cloned().collect();
    arrange(merged, items, &items.keys(&patch)?, &keys.iter().collect::<Vec<_>>())
}

/// A list and the items to merge into it, after `$patch` items have done their work.
struct Sorted {
    kept: Vec<Value>,
    patch: Vec<Value>,
}

fn obey_directives(mut kept: Vec<Value>, patch: &[Value], items: Items) -> Result<Sorted, Error> {
    let mut rest = Vec::with_capacity(patch.len());
    let mut replaces = false;
    for item in patch {
        let Some(directive) = item.get(PATCH) else {
            rest.push(item.clone());
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                let key = items.key(item)?;
                kept.retain(|other| other.get(items.merge_key) != Some(key));
            }
            Some("replace") => replaces = true,
            Some("merge") => {
                return Err(Error::Failed("merging lists cannot yet be specified in the patch".into()));
            }
            _ => return Err(unknown_directive(directive, item)),
        }
    }
    Ok(if replaces { Sorted { kept: rest, patch: Vec::new() } } else { Sorted { kept, patch: rest } })
}
