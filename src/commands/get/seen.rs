//! What a watch has shown, so that nothing is shown twice, and nothing missed, after it was interrupted.

use crate::api::table::Row;
use crate::api::{Object, ObjectExt};
use std::collections::HashMap;

/// What was shown of an object last.
#[derive(Clone, Debug, PartialEq)]
pub enum Last {
    /// A row of a table.
    Row(Row),
    /// The object.
    Object(Object),
}

#[derive(Debug)]
struct Shown {
    version: String,
    /// The list or watch that told of it.
    round: u32,
    last: Option<Last>,
}

/// The objects that were shown, by namespace and name.
#[derive(Debug, Default)]
pub struct Seen {
    shown: HashMap<(String, String), Shown>,
    round: u32,
    /// Whether what was shown is kept, to show it again when the object is gone.
    keeps: bool,
}

impl Seen {
    pub fn new(keeps: bool) -> Self {
        Self { keeps, ..Self::default() }
    }

    /// Notes the version in which an object is shown. The result is what happened to it; none when it was shown in this
    /// version already.
    pub fn note<'a>(&mut self, event: &'a str, object: &Object, last: impl FnOnce() -> Last) -> Option<&'a str> {
        let key = (object.namespace().to_string(), object.name().to_string());
        let version = object.resource_version();
        if key.1.is_empty() || version.is_empty() {
            return Some(event);
        }
        if event == "DELETED" {
            self.shown.remove(&key);
            return Some(event);
        }
        let round = self.round;
        if let Some(known) = self.shown.get_mut(&key).filter(|known| known.version == version) {
            known.round = round;
            return None;
        }
        let shown = Shown { version: version.to_string(), round, last: self.keeps.then(last) };
        // A list, and a watch without a beginning, tell of everything as if it were new.
        match self.shown.insert(key, shown) {
            Some(_) if event == "ADDED" => Some("MODIFIED"),
            _ => Some(event),
        }
    }

    /// Begins a list that tells of all there is.
    pub fn begin(&mut self) {
        self.round += 1;
    }

    /// What the list that was begun last did not tell of, in order, and forgets it: it is gone.
    pub fn gone(&mut self) -> Vec<Last> {
        let round = self.round;
        let mut gone: Vec<_> = self.shown.extract_if(|_, shown| shown.round != round).collect();
        gone.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        gone.into_iter().filter_map(|(_, shown)| shown.last).collect()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.shown.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(name: &str, version: &str) -> Object {
        json!({"metadata": {"name": name, "resourceVersion": version}})
    }

    fn note(seen: &mut Seen, event: &'static str, name: &str, version: &str) -> Option<&'static str> {
        let object = object(name, version);
        seen.note(event, &object, || Last::Object(object.clone()))
    }

    #[test]
    fn nothing_is_shown_twice_in_one_version() {
        let mut seen = Seen::new(false);
        for (event, version, happened) in [
            ("ADDED", "1", Some("ADDED")),
            ("ADDED", "1", None),
            ("MODIFIED", "2", Some("MODIFIED")),
            ("ADDED", "3", Some("MODIFIED")),
            ("DELETED", "4", Some("DELETED")),
            ("ADDED", "5", Some("ADDED")),
        ] {
            assert_eq!(note(&mut seen, event, "a", version), happened, "{event} {version}");
        }
        assert_eq!(seen.note("ADDED", &json!({}), || unreachable!()), Some("ADDED"));
    }

    #[test]
    fn what_a_later_list_does_not_tell_of_is_gone() {
        for keeps in [true, false] {
            let mut seen = Seen::new(keeps);
            for name in ["c", "b", "a"] {
                note(&mut seen, "ADDED", name, "1");
            }
            seen.begin();
            note(&mut seen, "ADDED", "b", "1");
            let last = if keeps { ["a", "c"].map(|name| Last::Object(object(name, "1"))).to_vec() } else { vec![] };
            assert_eq!(seen.gone(), last);
            assert_eq!(note(&mut seen, "ADDED", "a", "1"), Some("ADDED"));
            assert_eq!(note(&mut seen, "ADDED", "b", "1"), None);
        }
    }
}
