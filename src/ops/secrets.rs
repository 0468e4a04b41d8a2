//! Secrets that commands make.

use super::{Failure, pairs};
use crate::api::{Object, ObjectExt};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

/// A secret without data; without a type when that is empty.
pub fn new(name: &str, kind: &str) -> Object {
    let mut object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}});
    if !kind.is_empty() {
        object.put(&["type"], kind);
    }
    object
}

/// Adds a value under a key that is not there yet.
pub fn add(object: &mut Object, key: &str, bytes: &[u8]) -> Result<(), Failure> {
    if let Some(complaint) = pairs::bad_key(key) {
        return Err(Failure::message(format!("{key:?} is not valid key name for a Secret {complaint}")));
    }
    if object.at(&["data", key]).is_some() {
        return Err(Failure::message(format!("cannot add key {key}, another key by that name already exists")));
    }
    object.put(&["data", key], STANDARD.encode(bytes));
    Ok(())
}

/// Puts a hash of the contents behind the name.
pub fn append_hash(object: &mut Object) {
    let name = format!("{}-{}", object.name(), crate::api::content_hash::secret(object));
    object.put(&["metadata", "name"], name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_once() {
        let mut secret = new("s", "");
        add(&mut secret, "a", b"b").unwrap();
        assert_eq!(
            secret,
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "Yg=="}})
        );
        assert!(add(&mut secret, "a", b"c").is_err() && add(&mut secret, "a/b", b"c").is_err());
        append_hash(&mut secret);
        assert!(secret.name().starts_with("s-"));
    }
}
