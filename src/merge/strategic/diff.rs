//! Making a patch from two objects.

use super::order::arrange;
use super::{DELETE_FROM_LIST, Error, GoPrint, Items, PATCH, RETAIN_KEYS, SET_ORDER, as_map, field, items_are_maps};
use crate::api::TypeRef;
use serde_json::{Map, Value, json};
use std::cmp::Ordering;

/// Which parts of the difference go into the patch.
#[derive(Clone, Copy)]
pub struct Parts {
    /// What is new or changed.
    pub changes: bool,
    /// What is gone.
    pub deletions: bool,
    /// The order of merged lists.
    pub order: bool,
}

impl Parts {
    /// A whole patch.
    pub const ALL: Parts = Parts { changes: true, deletions: true, order: true };
}

/// The patch that makes `new` of `old`, both of the type `ty`, or those parts of it. With `retain_keys` it names the
/// keys that a map keeps.
pub fn diff_maps(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    ty: TypeRef,
    parts: Parts,
    retain_keys: bool,
) -> Result<Map<String, Value>, Error> {
    let mut patch = Map::new();
    for (key, value) in new {
        match (old.get(key), value) {
            (Some(before), _) if key == PATCH => diff_directive(before, value, &mut patch)?,
            (Some(Value::Object(before)), Value::Object(after)) => {
                let Some(of_field) = known(field(ty, key), before == after)? else { continue };
                if of_field.has_patch_strategy("replace") {
                    if parts.changes {
                        patch.insert(key.clone(), value.clone());
                    }
                    continue;
                }
                let retain_keys = of_field.has_patch_strategy("retainKeys");
                let changes = diff_maps(before, after, of_field, parts, retain_keys)?;
                if !changes.is_empty() {
                    patch.insert(key.clone(), Value::Object(changes));
                }
            }
            (Some(Value::Array(before)), Value::Array(after)) => {
                let Some(items) = known(Items::of(ty, key), before == after)? else { continue };
                if items.merges {
                    diff_lists(before, after, items, parts)?.write(key, &mut patch);
                } else if parts.changes && before != after {
                    patch.insert(key.clone(), value.clone());
                }
            }
            (before, after) => {
                if parts.changes && before != Some(after) {
                    patch.insert(key.clone(), after.clone());
                }
            }
        }
    }
    let gone = || old.iter().filter(|(key, _)| !new.contains_key(*key));
    if parts.deletions {
        patch.extend(gone().map(|(key, _)| (key.clone(), Value::Null)));
    }
    if retain_keys && (!patch.is_empty() || gone().any(|(_, value)| !value.is_null())) {
        let keys: Vec<&str> = new.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.as_str()).collect();
        if !keys.is_empty() {
            patch.insert(RETAIN_KEYS.into(), json!(keys));
        }
    }
    Ok(patch)
}

/// What the types say of a field; nothing when they do not know it, which is an error only if the values differ.
fn known<T>(found: Result<T, Error>, equal: bool) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(_) if equal => Ok(None),
        Err(error) => Err(error),
    }
}

fn diff_directive(before: &Value, after: &Value, patch: &mut Map<String, Value>) -> Result<(), Error> {
    if !before.is_string() || !after.is_string() {
        return Err(Error::Failed(format!("invalid value for special key: {PATCH}")));
    }
    if before != after {
        patch.insert(PATCH.into(), after.clone());
    }
    Ok(())
}

/// The patch of one list.
#[derive(Default)]
struct ListPatch {
    items: Vec<Value>,
    gone: Vec<Value>,
    order: Vec<Value>,
}

impl ListPatch {
    fn write(self, name: &str, patch: &mut Map<String, Value>) {
        let lists = [
            (name.into(), self.items),
            (format!("{DELETE_FROM_LIST}/{name}"), self.gone),
            (format!("{SET_ORDER}/{name}"), self.order),
        ];
        patch.extend(lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(key, list)| (key, list.into())));
    }
}

fn diff_lists(old: &[Value], new: &[Value], items: Items, parts: Parts) -> Result<ListPatch, Error> {
    if old.is_empty() {
        let added = if parts.changes { new.to_vec() } else { Vec::new() };
        return Ok(ListPatch { items: added, ..ListPatch::default() });
    }
    if !items_are_maps(&[old, new])? {
        return diff_scalars(old, new, items, parts);
    }
    let (changed, gone) = diff_items(old, new, items, parts)?;
    let mut patch = ListPatch { items: arrange(changed, items, &items.keys(new)?, &[])?, ..ListPatch::default() };
    patch.items.extend(gone);
    let moved = parts.changes && items.keys(old)? != items.keys(new)?;
    if parts.order && (!patch.items.is_empty() || moved) {
        let only_key = |key: &Value| json!({ items.merge_key: key });
        patch.order = items.keys(new)?.into_iter().map(only_key).collect();
    }
    Ok(patch)
}

fn diff_scalars(old: &[Value], new: &[Value], items: Items, parts: Parts) -> Result<ListPatch, Error> {
    let mut patch = ListPatch::default();
    let (old, sorted) = (in_order(old.iter()), in_order(new.iter()));
    for step in steps(&old, &sorted) {
        match step {
            (Some(value), None) if parts.deletions && !patch.gone.contains(value) => patch.gone.push(value.clone()),
            (None, Some(value)) if parts.changes => patch.items.push(value.clone()),
            _ => {}
        }
    }
    patch.items = arrange(patch.items, items, &items.keys(new)?, &[])?;
    // kubectl has sorted the old list by now, so a list that is not sorted always has its order in the patch.
    let moved = parts.changes && !old.iter().copied().eq(new);
    if parts.order && (!patch.gone.is_empty() || moved) {
        patch.order = new.to_vec();
    }
    Ok(patch)
}

/// The patches of changed items and the new items; and the deletions of items that are gone.
fn diff_items(old: &[Value], new: &[Value], items: Items, parts: Parts) -> Result<(Vec<Value>, Vec<Value>), Error> {
    let (mut changed, mut gone) = (Vec::new(), Vec::new());
    let (old, new) = (by_key(old, items)?, by_key(new, items)?);
    for step in walk(&old, &new, |a, b| a.text.cmp(&b.text)) {
        match step {
            (Some(old), Some(new)) => {
                let mut patch = diff_maps(as_map(old.item)?, as_map(new.item)?, items.ty, parts, items.retain_keys)?;
                if !patch.is_empty() {
                    patch.insert(items.merge_key.into(), new.key.clone());
                    changed.push(Value::Object(patch));
                }
            }
            (None, Some(new)) if parts.changes => changed.push(new.item.clone()),
            (Some(old), None) if parts.deletions => {
                gone.push(json!({ items.merge_key: old.key, PATCH: "delete" }));
            }
            _ => {}
        }
    }
    Ok((changed, gone))
}

/// An item with its key, and the key as the text by which items are compared.
struct Keyed<'a> {
    item: &'a Value,
    key: &'a Value,
    text: String,
}

impl<'a> Keyed<'a> {
    fn new(item: &'a Value, items: Items) -> Result<Self, Error> {
        let key = items.key(item)?;
        Ok(Self { item, key, text: GoPrint(key).to_string() })
    }
}

/// The items in the order of their keys. Items with the same key are met in reverse, as kubectl meets them: that
/// decides which of them are taken for each other.
fn by_key<'a>(list: &'a [Value], items: Items) -> Result<Vec<Keyed<'a>>, Error> {
    let mut keyed = list.iter().map(|item| Keyed::new(item, items)).collect::<Result<Vec<_>, _>>()?;
    keyed.reverse();
    keyed.sort_by(|a, b| a.text.cmp(&b.text));
    Ok(keyed)
}

/// Scalars in the order of their texts.
fn in_order<'a>(list: impl Iterator<Item = &'a Value>) -> Vec<&'a Value> {
    let mut list: Vec<&Value> = list.collect();
    list.sort_by_cached_key(|value| GoPrint(value).to_string());
    list
}

fn steps<'a>(old: &[&'a Value], new: &[&'a Value]) -> Vec<(Option<&'a Value>, Option<&'a Value>)> {
    let text = |value: &&Value| GoPrint(value).to_string();
    walk(old, new, |a, b| text(a).cmp(&text(b))).map(|(a, b)| (a.copied(), b.copied())).collect()
}

/// Walks two sorted lists side by side: each step has the items that are equal, or the one that only one list has.
fn walk<'a, T>(
    old: &'a [T],
    new: &'a [T],
    compare: impl Fn(&T, &T) -> Ordering,
) -> impl Iterator<Item = (Option<&'a T>, Option<&'a T>)> {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    std::iter::from_fn(move || {
        let order = match (old.peek(), new.peek()) {
            (Some(a), Some(b)) => compare(a, b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        Some((if order.is_le() { old.next() } else { None }, if order.is_ge() { new.next() } else { None }))
    })
}
