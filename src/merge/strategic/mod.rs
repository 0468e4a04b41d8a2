//! Strategic merge patch (Kubernetes API conventions, "Strategic Merge Patch"; the design proposals "Preserve Order in
//! Strategic Merge Patch" and "Add new patchStrategy to clear fields not present in the patch"): a merge patch that
//! knows from the types which lists are merged item by item, and by which key.

mod conflict;
mod diff;
mod merge;
mod order;

pub(super) use conflict::conflicts;
pub(super) use diff::{Parts, diff_maps};
pub(super) use merge::{Mode, merge_maps};

use super::go_print::{GoPrint, go_type};
use crate::api::TypeRef;
use serde_json::{Map, Value};
use thiserror::Error;

/// What a map in a patch is: `replace`, `delete` or (the default) `merge`.
pub(super) const PATCH: &str = "$patch";
/// The keys that a map may keep.
pub(super) const RETAIN_KEYS: &str = "$retainKeys";
/// The prefix, before `/` and a list's name, of the items to take out of a list of scalars.
pub(super) const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList";
/// The prefix, before `/` and a list's name, of the order of a list's items.
pub(super) const SET_ORDER: &str = "$setElementOrder";

/// Why a strategic merge patch could not be applied or made, in the words of apimachinery.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// A directive does not have the form that it must have (a bad request).
    #[error("{0}")]
    Malformed(&'static str),
    /// A list has lists in it, which no strategy merges (an unprocessable request).
    #[error("lists of lists are not supported")]
    ListOfLists,
    /// The type says nothing of a field that would have to be merged.
    #[error("unable to find api field in struct {type_name} for the json field {field:?}")]
    UnknownField {
        /// The type's name in Go.
        type_name: String,
        /// The field.
        field: String,
    },
    /// The patch does not fit the types or the object.
    #[error("{0}")]
    Failed(String),
}

pub(super) const BAD_DELETE_LIST: Error = Error::Malformed("invalid patch format of primitive list");
pub(super) const BAD_RETAIN_KEYS: Error = Error::Malformed("invalid patch format of retainKeys");
pub(super) const BAD_SET_ORDER: Error = Error::Malformed("invalid patch format of setElementOrder list");

/// Applies `patch` to `original`, an object of the type `schema`.
pub fn apply(original: &Value, patch: &Value, schema: TypeRef) -> Result<Value, Error> {
    let (Value::Object(original), Value::Object(patch)) = (original, patch) else {
        return Err(Error::Malformed("invalid JSON document"));
    };
    merge_maps(original.clone(), patch, schema, Mode::Apply).map(Value::Object)
}

/// The patch that makes `to` of `from`, both objects of the type `schema`: an empty map when they are equal.
pub fn diff(from: &Value, to: &Value, schema: TypeRef) -> Result<Value, Error> {
    let (Value::Object(from), Value::Object(to)) = (from, to) else {
        return Err(Error::Malformed("invalid JSON document"));
    };
    diff_maps(from, to, schema, Parts::ALL, false).map(Value::Object)
}

/// The type of the field `name` of an object or map of the type `ty`.
fn field<'a>(ty: TypeRef<'a>, name: &str) -> Result<TypeRef<'a>, Error> {
    ty.field(name).ok_or_else(|| {
        let type_name = ty.name().and_then(|name| name.rsplit('.').next()).unwrap_or_default().into();
        Error::UnknownField { type_name, field: name.into() }
    })
}

/// How the items of a list merge: their type, and the key that tells them apart (none for scalars).
#[derive(Clone, Copy)]
struct Items<'a> {
    ty: TypeRef<'a>,
    merge_key: &'a str,
    /// Whether the list merges at all; if not, a patch replaces it.
    merges: bool,
    /// Whether items that are patched carry the keys that they keep.
    retain_keys: bool,
}

impl<'a> Items<'a> {
    /// How the list `name` of an object of the type `ty` merges.
    fn of(ty: TypeRef<'a>, name: &str) -> Result<Self, Error> {
        let list = field(ty, name)?;
        Ok(Self {
            ty: list.items().unwrap_or(list),
            merge_key: list.patch_merge_key(),
            merges: list.has_patch_strategy("merge"),
            retain_keys: list.has_patch_strategy("retainKeys"),
        })
    }

    /// What tells `item` from the other items of its list.
    fn key<'v>(&self, item: &'v Value) -> Result<&'v Value, Error> {
        if self.merge_key.is_empty() {
            return Ok(item);
        }
        let map = as_map(item)?;
        map.get(self.merge_key).ok_or_else(|| self.no_merge_key(item))
    }

    fn no_merge_key(&self, item: &Value) -> Error {
        let (item, key) = (GoPrint(item), self.merge_key);
        Error::Failed(format!("map: {item} does not contain declared merge key: {key}"))
    }

    /// The keys of all items, in order.
    fn keys<'v>(&self, list: &'v [Value]) -> Result<Vec<&'v Value>, Error> {
        list.iter().map(|item| self.key(item)).collect()
    }
}

fn as_map(value: &Value) -> Result<&Map<String, Value>, Error> {
    value.as_object().ok_or_else(|| wrong_type("map[string]interface {}", value))
}

fn as_list(value: &Value) -> Result<&Vec<Value>, Error> {
    value.as_array().ok_or_else(|| wrong_type("[]interface {}", value))
}

fn wrong_type(want: &str, value: &Value) -> Error {
    Error::Failed(format!("expected a {want}, but received a {}", go_type(value)))
}

/// Whether the items of these lists are maps; an error when they are not all of one type, or when there are none.
fn items_are_maps(lists: &[&[Value]]) -> Result<bool, Error> {
    let mut items = lists.iter().flat_map(|list| list.iter());
    let Some(first) = items.next() else {
        return Err(Error::Failed("no elements in any of the given slices".into()));
    };
    if first.is_array() {
        return Err(Error::ListOfLists);
    }
    if items.any(|item| go_type(item) != go_type(first)) {
        let lists: Value = lists.iter().map(|list| list.to_vec()).collect();
        return Err(Error::Failed(format!("list element types are not identical: {}", GoPrint(&lists))));
    }
    Ok(first.is_object())
}

fn is_deletion(item: &Value) -> bool {
    item.get(PATCH).and_then(Value::as_str) == Some("delete")
}

#[cfg(test)]
mod tests;
