//! How objects lie in etcd: as kube-apiserver lays them out.
//!
//! The key of a collection's object is the prefix (`/registry`), the rest of the collection's name and the object's
//! place in it: `/registry/pods/default/web`, `/registry/minions/node-1`. The value is the object as JSON, with `kind` and
//! `apiVersion` first and without `metadata.resourceVersion`, which is the revision that wrote the key: what kube-apiserver
//! writes with `--storage-media-type=application/json`. Its own protobuf is read too.

use super::super::Key;
use crate::api::{GroupVersionKind, Value};
use crate::apiserver::encoding::Encoded;
use crate::apiserver::protobuf;
use crate::schema;
use hyper::body::Bytes;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// How all names of collections begin.
const ROOT: &str = "/registry/";

/// Where things are in etcd.
pub struct Layout {
    /// What stands for [`ROOT`], with a slash at the end.
    root: String,
    /// One copy of each collection's name.
    collections: Mutex<HashSet<Arc<str>>>,
}

impl Layout {
    /// The layout below a prefix, such as `/registry`.
    pub fn new(prefix: &str) -> Self {
        Self { root: format!("/{}/", prefix.trim_matches('/')), collections: Mutex::default() }
    }

    /// The range of keys of all that is kept.
    pub fn everything(&self) -> (Vec<u8>, Vec<u8>) {
        (self.root.clone().into_bytes(), after(self.root.as_bytes()))
    }

    /// The key of an object.
    pub fn key(&self, key: &Key) -> Vec<u8> {
        self.place(&key.collection, &key.name)
    }

    /// The key of a place in a collection.
    pub fn place(&self, collection: &str, name: &str) -> Vec<u8> {
        format!("{}{}{name}", self.root, collection.strip_prefix(ROOT).unwrap_or(collection)).into_bytes()
    }

    /// The object that a key is of. None when it is none of ours.
    pub fn read(&self, key: &[u8]) -> Option<Key> {
        let path = std::str::from_utf8(key).ok()?.strip_prefix(&self.root)?;
        let first = path.find('/')? + 1;
        // Groups of aggregated and custom resources have dots; these two of the core's are one level deeper as well.
        let deeper = path[..first].contains('.') || matches!(&path[..first], "services/" | "ranges/");
        let end = if deeper { first + path[first..].find('/')? + 1 } else { first };
        let (collection, name) = path.split_at(end);
        if name.is_empty() {
            return None;
        }
        let collection = format!("{ROOT}{collection}");
        let mut known = self.collections.lock().unwrap_or_else(PoisonError::into_inner);
        let collection = match known.get(collection.as_str()) {
            Some(found) => found.clone(),
            None => {
                let new: Arc<str> = collection.into();
                known.insert(new.clone());
                new
            }
        };
        Some(Key { collection, name: name.into() })
    }
}

/// The smallest key behind all that begin with this.
pub fn after(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return end;
        }
    }
    vec![0]
}

/// The value of an object.
pub fn write(object: &Encoded) -> Vec<u8> {
    let mut value = object.kept().to_vec();
    value.push(b'\n');
    value
}

/// The object of a value; none when it is no object, or encrypted.
pub fn object(value: &[u8]) -> Option<Encoded> {
    let json = value.trim_ascii();
    if json.starts_with(b"{")
        && let Some(object) = Encoded::from_kept(Bytes::copy_from_slice(json))
    {
        return Some(object);
    }
    let any = GroupVersionKind::default();
    let object = match protobuf::decode(value, &any, schema::builtin()) {
        Ok(object) => object,
        Err(_) => serde_json::from_slice::<Value>(json).ok().filter(Value::is_object)?,
    };
    Some(Encoded::new(&object))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_those_of_kube_apiserver() {
        for (collection, name, key) in [
            ("/registry/pods/", "default/web", "/registry/pods/default/web"),
            ("/registry/minions/", "node-1", "/registry/minions/node-1"),
            ("/registry/services/specs/", "default/kubernetes", "/registry/services/specs/default/kubernetes"),
            ("/registry/services/endpoints/", "default/a", "/registry/services/endpoints/default/a"),
            ("/registry/example.org/widgets/", "n/w.x", "/registry/example.org/widgets/n/w.x"),
            (
                "/registry/apiregistration.k8s.io/apiservices/",
                "v1.apps",
                "/registry/apiregistration.k8s.io/apiservices/v1.apps",
            ),
            ("/registry/roles/", "n/system:x", "/registry/roles/n/system:x"),
        ] {
            for prefix in ["/registry", "/other/place/", "k8s"] {
                let layout = Layout::new(prefix);
                let there = format!("/{}{}", prefix.trim_matches('/'), key.strip_prefix("/registry").unwrap());
                let object = Key { collection: collection.into(), name: name.into() };
                assert_eq!(String::from_utf8(layout.key(&object)).unwrap(), there);
                assert_eq!(layout.read(there.as_bytes()), Some(object));
            }
        }
        let layout = Layout::new("/registry");
        for other in ["compact_rev_key", "/registry", "/registry/health", "/registry/ranges/serviceips", "/other/a/b"] {
            assert_eq!(layout.read(other.as_bytes()), None, "{other}");
        }
        assert_eq!(layout.everything(), (b"/registry/".to_vec(), b"/registry0".to_vec()));
        assert_eq!(after(b"a\xff"), b"b");
    }

    #[test]
    fn values_of_all_sorts_are_read() {
        let map = json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "x", "uid": "u"},
            "data": {"a": "b"}});
        let ours = Encoded::new(&map);
        assert!(write(&ours).starts_with(br#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x""#));
        assert!(object(&write(&ours)).unwrap().same_as(&ours));
        // Somebody else's JSON, and with a resourceVersion.
        let mut other = map.clone();
        other["metadata"]["resourceVersion"] = json!("3");
        assert!(object(serde_json::to_string_pretty(&other).unwrap().as_bytes()).unwrap().same_as(&ours));
        // runtime.Unknown { typeMeta { v1, ConfigMap }, raw { metadata { name x, uid u }, data { a: b } } }
        let protobuf =
            b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x10\x0a\x06\x0a\x01x\x2a\x01u\x12\x06\x0a\x01a\x12\x01b";
        let read = object(protobuf).unwrap().value(9);
        assert_eq!((&read["data"]["a"], &read["metadata"]["name"]), (&json!("b"), &json!("x")));
        for bad in [&b""[..], b"k8s:enc:aescbc:v1:key1:", b"[]", b"k8s\0\xff"] {
            assert!(object(bad).is_none());
        }
    }
}
