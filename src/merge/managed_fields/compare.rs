//! Which fields an object has, and which fields differ between two objects.

use super::element;
use super::set::{Fields, SELF, node};
use super::shape::{Shape, child, entries, items, same, zip};
use crate::api::TypeRef;
use serde_json::Value;
use std::collections::BTreeMap;

/// The fields in which two objects differ.
#[derive(Debug, Default, PartialEq)]
pub struct Changes {
    /// What is new, or has another value.
    pub changed: Fields,
    /// What is gone.
    pub removed: Fields,
}

/// The fields in which `new` differs from `old`. Fails when an item of a list has nothing that names it.
pub fn changes(old: &Value, new: &Value, ty: Option<TypeRef>) -> Result<Changes, String> {
    let found = compare(Some(old), Some(new), ty)?;
    let fields = |node| if let Some(Value::Object(fields)) = node { fields } else { Fields::new() };
    Ok(Changes { changed: fields(found.changed), removed: fields(found.removed) })
}

/// The changes of one value: nodes of the two sets.
#[derive(Default)]
struct Nodes {
    changed: Option<Value>,
    removed: Option<Value>,
}

fn compare(old: Option<&Value>, new: Option<&Value>, ty: Option<TypeRef>) -> Result<Nodes, String> {
    if let (Some(old), Some(new)) = (old, new)
        && same(old, new)
    {
        return Ok(Nodes::default());
    }
    let of_type = Shape::of(ty);
    let shape_of = |value: Option<&Value>| value.filter(|value| !value.is_null()).map(|value| of_type.with(value));
    match (shape_of(old), shape_of(new)) {
        (Some(Shape::Map(ty)), Some(Shape::Map(_)) | None) | (None, Some(Shape::Map(ty))) => compare_maps(old, new, ty),
        (Some(Shape::List(_)), Some(Shape::List(_)) | None) | (None, Some(Shape::List(_))) => {
            compare_lists(old, new, of_type)
        }
        // A map became something else, or the other way round: its fields went or came as well.
        (Some(Shape::Map(ty)), Some(_)) => {
            Ok(Nodes { changed: node(true, Fields::new()), removed: compare_maps(old, None, ty)?.removed_below() })
        }
        (Some(_), Some(Shape::Map(ty))) => {
            let below = compare_maps(None, new, ty)?.changed;
            Ok(Nodes { changed: owned(below), removed: None })
        }
        _ => Ok(leaf(old, new)),
    }
}

impl Nodes {
    /// The nodes below what was removed, without itself.
    fn removed_below(self) -> Option<Value> {
        let Some(Value::Object(mut below)) = self.removed else { return None };
        below.remove(SELF);
        node(false, below)
    }
}

/// The node, as one that belongs to the set.
fn owned(found: Option<Value>) -> Option<Value> {
    match found {
        Some(Value::Object(mut below)) => {
            below.remove(SELF);
            node(true, below)
        }
        _ => node(true, Fields::new()),
    }
}

fn leaf(old: Option<&Value>, new: Option<&Value>) -> Nodes {
    match (old, new) {
        (Some(_), None) => Nodes { changed: None, removed: node(true, Fields::new()) },
        (Some(old), Some(new)) if same(old, new) => Nodes::default(),
        _ => Nodes { changed: node(true, Fields::new()), removed: None },
    }
}

/// The nodes of a value with these changes below. A list or map that came or went belongs to the set itself.
fn around(old: Option<&Value>, new: Option<&Value>, below: Changes) -> Nodes {
    Nodes { changed: node(old.is_none(), below.changed), removed: node(new.is_none(), below.removed) }
}

impl Changes {
    fn add(&mut self, part: impl FnOnce() -> String, found: Nodes) {
        match (found.changed, found.removed) {
            (None, None) => {}
            (Some(changed), None) => {
                self.changed.insert(part(), changed);
            }
            (None, Some(removed)) => {
                self.removed.insert(part(), removed);
            }
            (Some(changed), Some(removed)) => {
                let part = part();
                self.changed.insert(part.clone(), changed);
                self.removed.insert(part, removed);
            }
        }
    }
}

fn compare_maps(old: Option<&Value>, new: Option<&Value>, ty: Option<TypeRef>) -> Result<Nodes, String> {
    let (old_map, new_map) = (entries(old), entries(new));
    if old_map.is_empty() && new_map.is_empty() {
        return Ok(leaf(old, new));
    }
    let mut below = Changes::default();
    for (key, old, new) in zip(old_map, new_map) {
        below.add(|| element::field(key), compare(old, new, child(ty, key))?);
    }
    Ok(around(old, new, below))
}

fn compare_lists(old: Option<&Value>, new: Option<&Value>, shape: Shape) -> Result<Nodes, String> {
    let Shape::List(of_list) = shape else { return Ok(leaf(old, new)) };
    let (old_items, new_items) = (items(old), items(new));
    if old_items.is_empty() && new_items.is_empty() {
        return Ok(leaf(old, new));
    }
    let mut pairs: BTreeMap<String, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
    for (part, items) in of_list.by_part(old_items)? {
        pairs.entry(part).or_default().0 = items;
    }
    for (part, items) in of_list.by_part(new_items)? {
        pairs.entry(part).or_default().1 = items;
    }
    let mut below = Changes::default();
    for (part, (old, new)) in pairs {
        let one = |item: Option<&&Value>, other: Option<&&Value>| compare(item.copied(), other.copied(), of_list.ty);
        // Items that have a name in common are one thing as long as they do.
        let found = match (old.as_slice(), new.as_slice()) {
            ([] | [_], [] | [_]) => one(old.first(), new.first())?,
            ([_, _, ..], [_, _, ..]) if old == new => Nodes::default(),
            ([_, _, ..], [_, _, ..]) => Nodes { changed: node(true, Fields::new()), removed: None },
            ([_, _, ..], _) => {
                let changed = if new.is_empty() { None } else { one(None, new.first())?.changed };
                Nodes { changed, removed: node(true, Fields::new()) }
            }
            (_, _) => {
                let removed = if old.is_empty() { None } else { one(old.first(), None)?.removed };
                Nodes { changed: node(true, Fields::new()), removed }
            }
        };
        below.add(|| part, found);
    }
    Ok(around(old, new, below))
}

/// The fields that an object has: its leaves, the items of its lists, and the keys of its maps.
pub fn fields_of(value: &Value, ty: Option<TypeRef>) -> Fields {
    match fields_below(value, ty) {
        Some(Value::Object(fields)) => fields,
        _ => Fields::new(),
    }
}

fn fields_below(value: &Value, ty: Option<TypeRef>) -> Option<Value> {
    match Shape::of(ty).with(value) {
        Shape::Leaf | Shape::Deduced => node(true, Fields::new()),
        Shape::Map(ty) => {
            let mut below = Fields::new();
            for (key, value) in entries(Some(value)) {
                let declared = ty.is_some_and(|ty| ty.has_field(key));
                let is_empty = value.is_null() || value.as_object().is_some_and(|map| map.is_empty());
                let mut found = fields_below(value, child(ty, key));
                if is_empty || !declared {
                    found = owned(found);
                }
                below.extend(found.map(|found| (element::field(key), found)));
            }
            node(false, below)
        }
        Shape::List(of_list) => {
            let parts = of_list.by_part(items(Some(value))).unwrap_or_default();
            let item = |(part, items): (String, Vec<&Value>)| {
                let found = if let [item] = items[..] { fields_below(item, of_list.ty) } else { None };
                Some((part, owned(found)?))
            };
            node(false, parts.into_iter().filter_map(item).collect())
        }
    }
}
