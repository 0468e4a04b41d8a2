//! Whether two patches say different things of the same field.

use super::{Error, Items, PATCH, RETAIN_KEYS, field, items_are_maps};
use crate::api::TypeRef;
use serde_json::{Map, Value};

/// Whether two patches of objects of the type `ty` overlap with different values.
pub fn conflicts(left: &Map<String, Value>, right: &Map<String, Value>, ty: TypeRef) -> Result<bool, Error> {
    if left.get(PATCH) != right.get(PATCH) {
        return Ok(true);
    }
    for (key, left) in left.iter().filter(|(key, _)| *key != PATCH && *key != RETAIN_KEYS) {
        let Some(right) = right.get(key) else { continue };
        let conflict = match (left, right) {
            (Value::Object(left), Value::Object(right)) => {
                let of_field = field(ty, key)?;
                if of_field.has_patch_strategy("replace") {
                    left.get(PATCH) != right.get(PATCH)
                } else {
                    conflicts(left, right, of_field)?
                }
            }
            (Value::Array(left), Value::Array(right)) => match key.starts_with('$') {
                // The types do not know the lists that belong to directives.
                true => left != right,
                false => lists_conflict(left, right, Items::of(ty, key)?)?,
            },
            _ => left != right,
        };
        if conflict {
            return Ok(true);
        }
    }
    Ok(false)
}

fn lists_conflict(left: &[Value], right: &[Value], items: Items) -> Result<bool, Error> {
    let maps = items_are_maps(&[left, right])?;
    if !items.merges {
        if left.len() != right.len() {
            return Ok(true);
        }
        return match maps {
            true => pairs_conflict(left.iter().zip(right), items),
            // Scalars are compared without regard to their order.
            false => Ok(left.iter().any(|item| !right.contains(item)) || right.iter().any(|item| !left.contains(item))),
        };
    }
    if !maps {
        return Ok(false);
    }
    let right_keys = items.keys(right)?;
    let mut pairs = Vec::new();
    for item in left {
        let key = items.key(item)?;
        pairs.extend(right_keys.iter().position(|other| *other == key).map(|place| (item, &right[place])));
    }
    pairs_conflict(pairs.into_iter(), items)
}

fn pairs_conflict<'a>(pairs: impl Iterator<Item = (&'a Value, &'a Value)>, items: Items) -> Result<bool, Error> {
    for (left, right) in pairs {
        let conflict = match (left, right) {
            (Value::Object(left), Value::Object(right)) => conflicts(left, right, items.ty)?,
            _ => left != right,
        };
        if conflict {
            return Ok(true);
        }
    }
    Ok(false)
}
