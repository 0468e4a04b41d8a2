//! `KEY=VALUE` and `KEY-` words behind the words that name objects, and what they do to labels and annotations.

use super::Failure;
use crate::api::{Map, Object, ObjectExt, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What is set and what is taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignments {
    /// Keys and their new values.
    pub set: BTreeMap<String, String>,
    /// Keys that go, in the order in which they were given.
    pub remove: Vec<String>,
}

/// Parts the words that name objects from the changes behind them; `what` is what is changed, for the complaint.
pub fn split(words: &[String], what: &str) -> Result<(Vec<String>, Vec<String>), Failure> {
    let is_change = |word: &str| (word.contains('=') && !word.starts_with('=')) || (word.ends_with('-') && word != "-");
    let first = words.iter().position(|word| is_change(word)).unwrap_or(words.len());
    match words[first..].iter().find(|word| !is_change(word)) {
        Some(late) => Err(Failure::message(format!("all resources must be specified before {what} changes: {late}"))),
        None => Ok((words[..first].to_vec(), words[first..].to_vec())),
    }
}

impl Assignments {
    /// Reads changes; `KEY-` only where keys can be taken away.
    pub fn read(changes: &[String], what: &str, removable: bool) -> Result<Self, Failure> {
        let mut read = Self::default();
        let mut invalid: Vec<&str> = Vec::new();
        for change in changes {
            match (change.split_once('='), change.strip_suffix('-')) {
                (Some((key, value)), _) if !key.is_empty() => {
                    read.set.insert(key.into(), value.into());
                }
                (_, Some(key)) if removable && !key.is_empty() => read.remove.push(key.into()),
                _ => invalid.push(change),
            }
        }
        match invalid.is_empty() {
            true => Ok(read),
            false => Err(Failure::message(format!("invalid {what} format: {}", invalid.join(", ")))),
        }
    }

    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }

    /// The keys that are both set and taken away.
    pub fn contradictions(&self) -> Vec<&str> {
        self.remove.iter().filter(|key| self.set.contains_key(*key)).map(String::as_str).collect()
    }

    /// The keys that have another value in the map at `path` now, each with that value.
    pub fn overwrites<'a>(&'a self, object: &'a Object, path: &[&str]) -> Vec<(&'a str, &'a str)> {
        let Some(map) = object.map_at(path) else { return Vec::new() };
        let differing = |(key, value): (&'a String, &'a String)| {
            let current = map.get(key)?.as_str()?;
            (current != value).then_some((key.as_str(), current))
        };
        self.set.iter().filter_map(differing).collect()
    }

    /// Changes the map at `path`. Says which keys are new or different, and which are gone.
    pub fn apply(&self, object: &mut Object, path: &[&str]) -> Changed {
        object.make_texts(path);
        let place = object.at_mut(path);
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let mut changed = Changed::default();
        let Some(map) = place.as_object_mut() else { return changed };
        for (key, value) in &self.set {
            if map.get(key).and_then(Value::as_str) != Some(value) {
                map.insert(key.clone(), value.as_str().into());
                changed.set.insert(key.clone());
            }
        }
        for key in &self.remove {
            if map.remove(key).is_some() {
                changed.removed.insert(key.clone());
            }
        }
        changed
    }
}

/// What assignments changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Keys that are new or have another value.
    pub set: BTreeSet<String>,
    /// Keys that are gone.
    pub removed: BTreeSet<String>,
}

impl Changed {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.removed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn objects_come_before_changes() {
        for (text, objects, changes) in [
            ("pods a x=1 y-", "pods a", "x=1 y-"),
            ("x=1", "", "x=1"),
            ("pods -", "pods -", ""),
            ("pods =x", "pods =x", ""),
        ] {
            assert_eq!(split(&words(text), "label").unwrap(), (words(objects), words(changes)), "{text}");
        }
        let failure = format!("{:?}", split(&words("a x=1 b"), "label").unwrap_err());
        assert!(failure.contains("all resources must be specified before label changes: b"), "{failure}");
    }

    #[test]
    fn changes_set_and_remove() {
        let read = Assignments::read(&words("a=1 b=x=y c= d- a=2"), "annotation", true).unwrap();
        assert_eq!(read.set, BTreeMap::from([("a", "2"), ("b", "x=y"), ("c", "")].map(|(k, v)| (k.into(), v.into()))));
        assert_eq!(read.remove, ["d"]);
        let failure = format!("{:?}", Assignments::read(&words("a=1 b- =c"), "image", false).unwrap_err());
        assert!(failure.contains("invalid image format: b-, =c"), "{failure}");
    }

    #[test]
    fn maps_are_changed_and_say_what_changed() {
        let path = &["metadata", "labels"];
        let mut object = json!({"metadata": {"labels": {"a": "1", "b": "2", "c": "3"}}});
        let changes = Assignments::read(&words("a=1 b=5 n=6 c- nosuch-"), "label", true).unwrap();
        assert_eq!(changes.overwrites(&object, path), [("b", "2")]);
        let changed = changes.apply(&mut object, path);
        assert_eq!(object["metadata"]["labels"], json!({"a": "1", "b": "5", "n": "6"}));
        assert_eq!(changed.set.into_iter().collect::<Vec<_>>(), ["b", "n"]);
        assert_eq!(changed.removed.into_iter().collect::<Vec<_>>(), ["c"]);
        let mut bare = json!({"metadata": {}});
        assert!(Assignments::read(&words("x-"), "label", true).unwrap().apply(&mut bare, path).is_empty());
        assert_eq!(bare, json!({"metadata": {"labels": {}}}));
    }
}
