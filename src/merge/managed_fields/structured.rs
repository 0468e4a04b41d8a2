//! Merging an applied configuration into an object, and taking fields out of one.

use super::element;
use super::set::{self, Fields, is_owned};
use super::shape::{Items, Shape, child, entries, items, zip};
use crate::api::TypeRef;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Merges `new` into `old`: what `new` says holds, what it does not say stays. Lists of items keep the order of `new`
/// for its items, with the others where they were.
pub fn merge(old: Option<&Value>, new: Option<&Value>, ty: Option<TypeRef>) -> Result<Option<Value>, String> {
    let keep = || new.or(old).cloned();
    let of_type = Shape::of(ty);
    let shape_of = |value: Option<&Value>| value.filter(|value| !value.is_null()).map(|value| of_type.with(value));
    // Null says nothing of a map or list, but it is a value to a leaf.
    let shape = match (shape_of(new), shape_of(old)) {
        (Some(shape), _) => shape,
        (None, Some(shape)) if new.is_none() || !matches!(shape, Shape::Leaf) => shape,
        _ => return Ok(keep()),
    };
    match shape {
        Shape::Map(ty) => {
            let (old_map, new_map) = (entries(old), entries(new));
            if old_map.is_empty() && new_map.is_empty() {
                return Ok(keep());
            }
            let mut merged = Map::new();
            for (key, old, new) in zip(old_map, new_map) {
                if let Some(value) = merge(old, new, child(ty, key))? {
                    merged.insert(key.clone(), value);
                }
            }
            Ok((!merged.is_empty()).then_some(Value::Object(merged)))
        }
        Shape::List(of_list) => {
            let (old_items, new_items) = (items(old), items(new));
            if old_items.is_empty() && new_items.is_empty() {
                return Ok(keep());
            }
            let merged = merge_items(old_items, new_items, of_list)?;
            Ok((!merged.is_empty()).then_some(Value::Array(merged)))
        }
        Shape::Leaf | Shape::Deduced => Ok(keep()),
    }
}

fn merge_items(old: &[Value], new: &[Value], of_list: Items) -> Result<Vec<Value>, String> {
    let parts = |list: &[Value]| -> Result<Vec<String>, String> {
        let part = |(index, item)| of_list.part(item).map_err(|reason| format!("element {index}: {reason}"));
        list.iter().enumerate().map(part).collect()
    };
    let (old_parts, new_parts) = (parts(old)?, parts(new)?);
    let in_old: HashSet<&String> = old_parts.iter().collect();
    let in_new: HashSet<&String> = new_parts.iter().collect();
    // The items in both, in the order of `new`: the next of them is where items of `old` wait.
    let mut shared = new_parts.iter().filter(|part| in_old.contains(part)).peekable();
    let mut merged = Vec::with_capacity(old.len().max(new.len()));
    let mut waiting = old.iter().zip(&old_parts).peekable();
    for (item, part) in new.iter().zip(&new_parts) {
        // Before an item: those that only the old list has, up to the next item in both.
        while let Some((other, other_part)) = waiting.peek() {
            if !in_new.contains(other_part) {
                merged.extend(merge(Some(other), None, of_list.ty)?);
            } else if *other_part == part || shared.peek() == Some(other_part) {
                break;
            }
            waiting.next();
        }
        if waiting.peek().is_some_and(|(_, other)| *other == part) {
            waiting.next();
        }
        if shared.peek() == Some(&part) {
            shared.next();
        }
        // Items of the old list that have one name are not merged with: nobody can tell which is meant.
        let mut same = old.iter().zip(&old_parts).filter(|(_, other)| *other == part).map(|(other, _)| other);
        let other = same.next().filter(|_| same.next().is_none());
        merged.extend(merge(other, Some(item), of_list.ty)?);
    }
    for (other, _) in waiting.filter(|(_, part)| !in_new.contains(part)) {
        merged.extend(merge(Some(other), None, of_list.ty)?);
    }
    Ok(merged)
}

/// The value without these fields. A list or map that loses all it had becomes null.
pub fn without(value: &Value, fields: &Fields, ty: Option<TypeRef>) -> Value {
    match Shape::of(ty).with(value) {
        Shape::Map(ty) => {
            let mut kept = Map::new();
            for (key, value) in entries(Some(value)) {
                if let Some(value) = less(value, fields.get(&element::field(key)), child(ty, key)) {
                    kept.insert(key.clone(), value);
                }
            }
            if kept.is_empty() { Value::Null } else { Value::Object(kept) }
        }
        Shape::List(of_list) => {
            let keep = |item: &Value| {
                let part = of_list.part(item).ok();
                less(item, part.and_then(|part| fields.get(&part)), of_list.ty)
            };
            let kept: Vec<Value> = items(Some(value)).iter().filter_map(keep).collect();
            if kept.is_empty() { Value::Null } else { Value::Array(kept) }
        }
        Shape::Leaf | Shape::Deduced if value.is_array() || value.is_object() => Value::Null,
        Shape::Leaf | Shape::Deduced => value.clone(),
    }
}

/// A value without the fields below `node`; nothing when the node belongs to the set itself.
fn less(value: &Value, node: Option<&Value>, ty: Option<TypeRef>) -> Option<Value> {
    match node {
        None => Some(value.clone()),
        Some(node) if is_owned(node) => None,
        Some(node) => Some(node.as_object().map_or_else(|| value.clone(), |fields| without(value, fields, ty))),
    }
}

/// The set with the named fields of types on the way to its members as members too (`a` of `a.b`, but not a map's key).
pub fn with_named(fields: &Fields, ty: Option<TypeRef>) -> Fields {
    let grown = |(part, node): (&String, &Value)| {
        let name = part.strip_prefix("f:");
        let of_node = match name {
            Some(name) => child(ty, name),
            None => ty.and_then(TypeRef::items),
        };
        let named = name.is_some_and(|name| ty.is_some_and(|ty| ty.has_field(name)));
        let below = node.as_object().map(|below| with_named(below, of_node)).unwrap_or_default();
        Some((part.clone(), set::node(named || is_owned(node), below)?))
    };
    fields.iter().filter(|(part, _)| *part != set::SELF).filter_map(grown).collect()
}

/// Makes one field of what a set names below a list or map that is owned as a whole: the type may have changed since
/// the set was written.
pub fn collapse(fields: &mut Fields, ty: Option<TypeRef>) {
    for (part, node) in fields.iter_mut().filter(|(part, _)| *part != set::SELF) {
        let of_node = match part.strip_prefix("f:") {
            Some(name) => child(ty, name),
            None => ty.and_then(TypeRef::items),
        };
        let (Some(of_node), Value::Object(below)) = (of_node, node) else { continue };
        match Shape::of(Some(of_node)) {
            Shape::Leaf if ["array", "object"].contains(&of_node.node().kind.as_str()) => below.clear(),
            Shape::Map(_) | Shape::List(_) if !below.is_empty() => collapse(below, Some(of_node)),
            _ => {}
        }
    }
}
