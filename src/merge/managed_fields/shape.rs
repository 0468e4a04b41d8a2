//! How a value is owned: as one leaf, field by field, or item by item.

use super::element;
use crate::api::{TypeNode, TypeRef};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// How values of a type are owned and merged (KEP-555).
#[derive(Clone, Copy)]
pub enum Shape<'a> {
    /// As a whole: scalars, atomic lists and maps.
    Leaf,
    /// Field by field, or key by key. Without a type, the values tell.
    Map(Option<TypeRef<'a>>),
    /// Item by item.
    List(Items<'a>),
    /// The values tell: maps key by key, all else as a whole.
    Deduced,
}

/// The items of a set, or of a list of maps.
#[derive(Clone, Copy)]
pub struct Items<'a> {
    /// The fields that name an item; none for a set.
    keys: &'a [String],
    /// The type of the items.
    pub ty: Option<TypeRef<'a>>,
}

impl<'a> Shape<'a> {
    /// The shape of values of this type.
    pub fn of(ty: Option<TypeRef<'a>>) -> Self {
        let Some(ty) = ty else { return Shape::Deduced };
        match ty.node().kind.as_str() {
            "" => Shape::Deduced,
            // Raw JSON is owned as a whole too.
            "object" if ty.is_atomic_map() || is_raw(ty.node()) => Shape::Leaf,
            "object" => Shape::Map(Some(ty)),
            "array" => match ty.list_type() {
                "map" => Shape::List(Items { keys: ty.list_map_keys(), ty: ty.items() }),
                "set" => Shape::List(Items { keys: &[], ty: ty.items() }),
                _ => Shape::Leaf,
            },
            _ => Shape::Leaf,
        }
    }

    /// The shape, where one value of it tells.
    pub fn with(self, value: &Value) -> Self {
        match (self, value) {
            (Shape::Deduced, Value::Object(_)) => Shape::Map(None),
            (Shape::Deduced, _) => Shape::Leaf,
            // What does not fit its type is owned as a whole.
            (Shape::Map(_), Value::Object(_) | Value::Null) | (Shape::List(_), Value::Array(_) | Value::Null) => self,
            _ => Shape::Leaf,
        }
    }
}

/// Whether nothing is said of what is in an object.
fn is_raw(node: &TypeNode) -> bool {
    node.fields.is_empty() && node.values.is_none() && !node.preserve_unknown
}

/// The type of the field or value `key` of a map.
pub fn child<'a>(ty: Option<TypeRef<'a>>, key: &str) -> Option<TypeRef<'a>> {
    ty?.field(key)
}

impl Items<'_> {
    /// The part of the path that names `item`, or why nothing does.
    pub fn part(&self, item: &Value) -> Result<String, String> {
        if self.keys.is_empty() {
            return match item {
                Value::Object(_) => Err("associative list without keys has an element that's a map type".into()),
                Value::Array(_) => Err("not supported: associative list with lists as elements".into()),
                Value::Null => Err("associative list without keys has an element that's an explicit null".into()),
                scalar => Ok(element::value(scalar)),
            };
        }
        let map = match item {
            Value::Object(map) => map,
            Value::Null => return Err("associative list with keys may not have a null element".into()),
            _ => return Err("associative list with keys may not have non-map elements".into()),
        };
        let default = |key: &str| self.ty?.field(key)?.usage().default.clone();
        let named = self.keys.iter().filter_map(|key| {
            let value = map.get(key).cloned().or_else(|| default(key))?;
            Some((key.clone(), value))
        });
        let named: Map<String, Value> = named.collect();
        if named.is_empty() {
            let keys: Vec<String> = self.keys.iter().map(|key| format!("{key:?}")).collect();
            return Err(format!(
                "associative list with keys has an element that omits all key fields [{}] (and doesn't have default \
                 values for any key fields)",
                keys.join(" ")
            ));
        }
        Ok(element::keys(named))
    }

    /// The items of a list by their parts, with the items that have the same one together.
    pub fn by_part<'v>(&self, list: &'v [Value]) -> Result<BTreeMap<String, Vec<&'v Value>>, String> {
        let mut found: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for (index, item) in list.iter().enumerate() {
            let part = self.part(item).map_err(|reason| format!("element {index}: {reason}"))?;
            found.entry(part).or_default().push(item);
        }
        Ok(found)
    }
}

/// The entries of a map; none for null.
pub fn entries(value: Option<&Value>) -> &Map<String, Value> {
    static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    value.and_then(Value::as_object).unwrap_or(&EMPTY)
}

/// The items of a list; none for null.
pub fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The keys of both maps, in order, with the values that they have.
pub fn zip<'v>(
    left: &'v Map<String, Value>,
    right: &'v Map<String, Value>,
) -> impl Iterator<Item = (&'v String, Option<&'v Value>, Option<&'v Value>)> {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    std::iter::from_fn(move || {
        let order = match (left.peek(), right.peek()) {
            (Some((a, _)), Some((b, _))) => a.cmp(b),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => return None,
        };
        let of_left = if order.is_le() { left.next() } else { None };
        let of_right = if order.is_ge() { right.next() } else { None };
        let key = of_left.or(of_right)?.0;
        Some((key, of_left.map(|(_, value)| value), of_right.map(|(_, value)| value)))
    })
}

/// Whether two values are the same; a number may be written as an integer or not.
pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a == b || (a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && same(a, b))
        }
        _ => left == right,
    }
}
