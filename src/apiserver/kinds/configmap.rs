//! ConfigMaps.

use super::field::{Errors, Field, quoted};
use super::{GENERIC, Kind, cells};
use crate::api::{Object, ObjectExt, names};

pub(super) const KIND: Kind = Kind {
    resource: "configmaps",
    validate,
    validate_update,
    cells: |map, now| {
        let count = ["data", "binaryData"].map(|part| map.map_at(&[part]).map_or(0, |entries| entries.len()));
        vec![map.name().into(), count.iter().sum::<usize>().into(), cells::age(map, now)]
    },
    ..GENERIC
};

/// All keys and values of a ConfigMap or a Secret together, in bytes.
pub(super) const SIZE_LIMIT: usize = 1024 * 1024;

fn validate(map: &Object, errors: &mut Errors) {
    let root = Field::new("", map);
    let (data, binary) = (root.get("data"), root.get("binaryData"));
    let mut size = 0;
    for (key, value) in data.entries() {
        complain_about_key(&data, key, errors);
        if binary.entry(key).is_set() {
            errors.invalid_as(data.entry(key), &quoted(key), "duplicate of key present in binaryData");
        }
        size += value.text().len();
    }
    for (key, value) in binary.entries() {
        complain_about_key(&binary, key, errors);
        size += decoded_length(value.text());
    }
    if size > SIZE_LIMIT {
        errors.too_long("", SIZE_LIMIT);
    }
}

fn validate_update(new: &Object, old: &Object, errors: &mut Errors) {
    let (root, old_root) = (Field::new("", new), Field::new("", old));
    if old_root.get("immutable").is_true() {
        keep_immutable(&root, &old_root, &["data", "binaryData"], errors);
    }
    validate(new, errors);
}

/// Complains about changes of an object whose `immutable` is set.
pub(super) fn keep_immutable(new: &Field, old: &Field, parts: &[&str], errors: &mut Errors) {
    let complaint = "field is immutable when `immutable` is set";
    if !new.get("immutable").is_true() {
        errors.forbidden(new.get("immutable"), complaint);
    }
    for part in parts {
        let same =
            new.get(part).is_empty() && old.get(part).is_empty() || new.get(part).value() == old.get(part).value();
        if !same {
            errors.forbidden(new.get(part), complaint);
        }
    }
}

/// Complains about a key of `data`.
pub(super) fn complain_about_key(data: &Field, key: &str, errors: &mut Errors) {
    for complaint in names::config_map_key(key) {
        errors.invalid_as(data.entry(key), &quoted(key), &complaint);
    }
}

/// How many bytes a base64 text stands for.
pub(super) fn decoded_length(base64: &str) -> usize {
    base64.trim_end_matches('=').len() * 3 / 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn complaints(map: &Object) -> Vec<String> {
        let mut errors = Errors::default();
        validate(map, &mut errors);
        errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
    }

    #[test]
    fn keys_and_sizes() {
        assert_eq!(complaints(&json!({"data": {"a.b-c_d": ""}})), Vec::<String>::new());
        let two = complaints(&json!({"data": {"a": "", "b c": ""}, "binaryData": {"a": ""}}));
        assert_eq!(two[0], "data[a]: Invalid value: \"a\": duplicate of key present in binaryData");
        assert!(two[1].starts_with("data[b c]: Invalid value: \"b c\": a valid config key must consist of"));
        let big = complaints(&json!({"data": {"a": "x".repeat(SIZE_LIMIT + 1)}}));
        assert_eq!(big, [": Too long: may not be more than 1048576 bytes"]);
        assert_eq!(decoded_length("cGFzcw=="), 4);
    }
}
