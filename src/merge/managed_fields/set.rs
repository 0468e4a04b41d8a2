//! Sets of fields, in the form in which objects carry them (`fieldsV1`, KEP-555).
//!
//! A node is a map from the parts of paths to nodes: `f:` and the name of a field, `k:` and the keys of a list's item,
//! `v:` and the value of an item of a set. A node that is empty, or has `.`, belongs to the set itself; the others are
//! only on the way. As this is the form that is stored, nothing is encoded or decoded when an object is written.

use super::element;
use serde_json::{Map, Value};

/// The parts below a node, or the whole set.
pub type Fields = Map<String, Value>;

/// The part that says that a node with others below belongs to the set itself.
pub const SELF: &str = ".";

/// A node, when there is anything to say.
pub fn node(owned: bool, mut below: Fields) -> Option<Value> {
    if owned && !below.is_empty() {
        below.insert(SELF.into(), Value::Object(Fields::new()));
    }
    (owned || !below.is_empty()).then_some(Value::Object(below))
}

/// Whether a node belongs to the set itself.
pub fn is_owned(node: &Value) -> bool {
    node.as_object().is_some_and(|map| map.is_empty() || map.contains_key(SELF))
}

/// Takes a node apart: whether it belongs to the set, and what is below.
fn split(node: Value) -> (bool, Fields) {
    let Value::Object(mut map) = node else { return (false, Fields::new()) };
    let owned = map.is_empty() || map.remove(SELF).is_some();
    (owned, map)
}

/// Adds to `fields` what is in `others`.
pub fn unite(fields: &mut Fields, others: Fields) {
    for (part, other) in others {
        match fields.get_mut(&part) {
            None => {
                fields.insert(part, other);
            }
            Some(mine) => {
                let ((owned, mut below), (other_owned, other_below)) = (split(mine.take()), split(other));
                unite(&mut below, other_below);
                *mine = node(owned || other_owned, below).unwrap_or_default();
            }
        }
    }
}

/// Takes from `fields` what is in `others`. What is below a node in `others` stays.
pub fn subtract(fields: &mut Fields, others: &Fields) {
    for (part, other) in others.iter().filter(|(part, _)| *part != SELF) {
        let Some(mine) = fields.get_mut(part) else { continue };
        let (owned, mut below) = split(mine.take());
        if let Some(others) = other.as_object() {
            subtract(&mut below, others);
        }
        match node(owned && !is_owned(other), below) {
            Some(rest) => *mine = rest,
            None => {
                fields.remove(part);
            }
        }
    }
}

/// Takes from `fields` what is in `others`, with all that is below.
pub fn subtract_whole(fields: &mut Fields, others: &Fields) {
    for (part, other) in others.iter().filter(|(part, _)| *part != SELF) {
        if is_owned(other) {
            fields.remove(part);
        } else if let (Some(mine), Some(others)) = (fields.get_mut(part), other.as_object()) {
            let (owned, mut below) = split(mine.take());
            subtract_whole(&mut below, others);
            match node(owned, below) {
                Some(rest) => *mine = rest,
                None => {
                    fields.remove(part);
                }
            }
        }
    }
}

/// What is in both.
pub fn intersection(fields: &Fields, others: &Fields) -> Fields {
    let both = |(part, mine): (&String, &Value)| {
        let other = others.get(part).filter(|_| part != SELF)?;
        let common = match (mine.as_object(), other.as_object()) {
            (Some(mine), Some(other)) => intersection(mine, other),
            _ => Fields::new(),
        };
        Some((part.clone(), node(is_owned(mine) && is_owned(other), common)?))
    };
    fields.iter().filter_map(both).collect()
}

/// Whether the set has the field at this path of names.
pub fn has(fields: &Fields, path: &[&str]) -> bool {
    let Some((last, parents)) = path.split_last() else { return false };
    let parent = parents.iter().try_fold(fields, |fields, name| fields.get(&element::field(name))?.as_object());
    parent.and_then(|fields| fields.get(&element::field(last))).is_some_and(is_owned)
}

/// The set of fields at these paths of names.
pub fn of_paths(paths: &[&[&str]]) -> Fields {
    let mut fields = Fields::new();
    for path in paths {
        let leaf = Some(Value::Object(Fields::new()));
        let top = path.iter().rev().fold(leaf, |below, name| {
            Some(Value::Object(below.map(|below| (element::field(name), below)).into_iter().collect()))
        });
        if let Some(Value::Object(top)) = top {
            unite(&mut fields, top);
        }
    }
    fields
}

/// The paths of the set, as errors write them: `.spec.containers[name="c"].image`.
pub fn paths(fields: &Fields) -> Vec<String> {
    fn walk(fields: &Fields, prefix: &str, found: &mut Vec<String>) {
        let parts = || fields.iter().filter(|(part, _)| *part != SELF);
        for (part, _) in parts().filter(|(_, node)| is_owned(node)) {
            found.push(format!("{prefix}{}", element::display(part)));
        }
        for (part, node) in parts() {
            if let Some(fields) = node.as_object() {
                walk(fields, &format!("{prefix}{}", element::display(part)), found);
            }
        }
    }
    let mut found = Vec::new();
    walk(fields, "", &mut found);
    found
}

/// Reads a set that a client wrote, and puts its parts in their canonical form. Parts of an unknown sort are dropped;
/// nothing comes back when it is no set.
pub fn read(value: &Value) -> Option<Fields> {
    let mut fields = Fields::new();
    for (part, below) in value.as_object()? {
        if part == SELF {
            continue;
        }
        let Some(part) = element::canonical(part)? else { continue };
        let node = node(is_owned(below), read(below)?).unwrap_or_else(|| Value::Object(Fields::new()));
        fields.insert(part, node);
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn fields(value: Value) -> Fields {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn sets_are_combined_member_by_member() {
        let data = || fields(json!({"f:data": {".": {}, "f:a": {}, "f:b": {}}}));
        for (other, union, difference, whole, common) in [
            (
                json!({"f:data": {}}),
                json!({"f:data": {".": {}, "f:a": {}, "f:b": {}}}),
                json!({"f:data": {"f:a": {}, "f:b": {}}}),
                json!({}),
                json!({"f:data": {}}),
            ),
            (
                json!({"f:data": {"f:b": {}, "f:c": {}}}),
                json!({"f:data": {".": {}, "f:a": {}, "f:b": {}, "f:c": {}}}),
                json!({"f:data": {".": {}, "f:a": {}}}),
                json!({"f:data": {".": {}, "f:a": {}}}),
                json!({"f:data": {"f:b": {}}}),
            ),
            (
                json!({"f:data": {".": {}, "f:a": {}, "f:b": {}}}),
                json!({"f:data": {".": {}, "f:a": {}, "f:b": {}}}),
                json!({}),
                json!({}),
                json!({"f:data": {".": {}, "f:a": {}, "f:b": {}}}),
            ),
            (
                json!({"f:kind": {}}),
                json!({"f:data": {".": {}, "f:a": {}, "f:b": {}}, "f:kind": {}}),
                json!({"f:data": {".": {}, "f:a": {}, "f:b": {}}}),
                json!({"f:data": {".": {}, "f:a": {}, "f:b": {}}}),
                json!({}),
            ),
        ] {
            let other = fields(other);
            let mut result = data();
            unite(&mut result, other.clone());
            assert_eq!(Value::Object(result), union);
            let mut result = data();
            subtract(&mut result, &other);
            assert_eq!(Value::Object(result), difference);
            let mut result = data();
            subtract_whole(&mut result, &other);
            assert_eq!(Value::Object(result), whole);
            assert_eq!(Value::Object(intersection(&data(), &other)), common);
        }
        let mut leaf = fields(json!({"f:a": {"f:b": {}}}));
        subtract(&mut leaf, &fields(json!({"f:a": {".": {}, "f:b": {}}})));
        assert_eq!(Value::Object(leaf), json!({}));
    }

    #[test]
    fn paths_are_those_of_errors() {
        let set = fields(
            json!({"f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:image": {}}}, "f:paused": {}},
            "f:metadata": {"f:finalizers": {"v:\"x\"": {}}}}),
        );
        assert_eq!(
            paths(&set),
            [
                ".metadata.finalizers[=\"x\"]",
                ".spec.paused",
                ".spec.containers[name=\"c\"]",
                ".spec.containers[name=\"c\"].image"
            ]
        );
    }

    #[test]
    fn foreign_sets_become_canonical() {
        for (given, want) in [
            (json!({"f:a": {".": {}}}), Some(json!({"f:a": {}}))),
            (
                json!({"k:{ \"protocol\":\"TCP\", \"port\":1}": {"f:x": {}}}),
                Some(json!({"k:{\"port\":1,\"protocol\":\"TCP\"}": {"f:x": {}}})),
            ),
            (json!({"z:odd": {}, "f:a": {}}), Some(json!({"f:a": {}}))),
            (json!({"fa": {}}), None),
            (json!({"k:{": {}}), None),
            (json!({"f:a": 1}), None),
            (json!([]), None),
        ] {
            assert_eq!(read(&given).map(Value::Object), want, "{given}");
        }
    }

    fn set() -> impl Strategy<Value = Fields> {
        let leaf = Just(Fields::new());
        let tree = leaf.prop_recursive(3, 12, 3, |inner| {
            prop::collection::btree_map("f:[a-c]", (any::<bool>(), inner), 0..3).prop_map(|map| {
                let nodes = map.into_iter().map(|(part, (owned, below))| {
                    let leaf = below.is_empty();
                    (part, node(owned || leaf, below).unwrap())
                });
                nodes.collect()
            })
        });
        tree.boxed()
    }

    proptest! {
        #[test]
        fn the_algebra_of_sets_holds(a in set(), b in set()) {
            let (mut union, mut only_a) = (a.clone(), a.clone());
            unite(&mut union, b.clone());
            subtract(&mut only_a, &b);
            let common = intersection(&a, &b);
            // a = (a - b) + (a & b), and the two have nothing in common.
            let mut again = only_a.clone();
            unite(&mut again, common.clone());
            prop_assert_eq!(&again, &a);
            prop_assert_eq!(intersection(&only_a, &b), Fields::new());
            // a + b = b + (a - b)
            let mut other_way = b.clone();
            unite(&mut other_way, only_a);
            prop_assert_eq!(other_way, union);
            prop_assert_eq!(read(&Value::Object(a.clone())), Some(a));
        }
    }
}
