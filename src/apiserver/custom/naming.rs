//! The names that definitions take: nobody gets one that another definition of the group has.

use super::super::kinds::field::quoted;
use crate::api::{ObjectExt, Value};
use serde_json::json;
use std::collections::HashSet;

/// The names that the definitions of a group have been given.
#[derive(Debug, Default)]
pub struct Taken {
    resources: HashSet<String>,
    kinds: HashSet<String>,
}

impl Taken {
    /// The names of definitions.
    pub fn of<'a>(definitions: impl Iterator<Item = &'a Value>) -> Self {
        let mut taken = Self::default();
        for definition in definitions {
            let name = |key: &str| definition.text(&["status", "acceptedNames", key]).to_owned();
            taken.resources.extend([name("plural"), name("singular")]);
            taken.kinds.extend([name("kind"), name("listKind")]);
            let short = definition.items_at(&["status", "acceptedNames", "shortNames"]);
            taken.resources.extend(short.iter().filter_map(Value::as_str).map(str::to_owned));
        }
        taken
    }

    /// The names that a definition gets, and what is said of them: `True`, or `False` with a reason and a message.
    pub fn accept(&self, definition: &Value) -> (Value, Verdict) {
        let wanted = definition.at(&["spec", "names"]).cloned().unwrap_or_default();
        let mut names = definition.at(&["status", "acceptedNames"]).cloned().unwrap_or_else(|| json!({}));
        let mut verdict = Verdict::default();
        for (key, reason, used) in [
            ("plural", "PluralConflict", &self.resources),
            ("singular", "SingularConflict", &self.resources),
            ("shortNames", "ShortNamesConflict", &self.resources),
            ("kind", "KindConflict", &self.kinds),
            ("listKind", "ListKindConflict", &self.kinds),
        ] {
            let complaints = conflicts(&wanted, &names, key, used);
            if complaints.is_empty() {
                put(&mut names, key, &wanted);
                continue;
            }
            verdict.reason = reason;
            verdict.message = match complaints.as_slice() {
                [one] => one.clone(),
                several => format!("[{}]", several.join(", ")),
            };
        }
        put(&mut names, "categories", &wanted);
        (names, verdict)
    }
}

/// Whether names are given, and if not, why.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// One word.
    pub reason: &'static str,
    /// A sentence.
    pub message: String,
}

impl Default for Verdict {
    fn default() -> Self {
        Self { reason: "NoConflicts", message: "no conflicts found".into() }
    }
}

impl Verdict {
    /// Whether all names are given.
    pub fn is_yes(&self) -> bool {
        self.reason == "NoConflicts"
    }
}

fn put(names: &mut Value, key: &str, wanted: &Value) {
    match wanted.get(key) {
        Some(value) => names.put(&[key], value.clone()),
        None => drop(names.take_at(&[key])),
    }
}

fn conflicts(wanted: &Value, has: &Value, key: &str, used: &HashSet<String>) -> Vec<String> {
    let own = |name: &str| match key {
        // A short name may be what the definition is called already.
        "shortNames" => ["plural", "singular"].iter().any(|key| has.text(&[key]) == name),
        _ => false,
    };
    let all = |names: &Value| -> Vec<String> {
        match names.get(key) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(name)) => vec![name.clone()],
            _ => Vec::new(),
        }
    };
    let given = all(has);
    let fresh = all(wanted).into_iter().filter(|name| !given.contains(name) && !own(name));
    fresh.filter(|name| used.contains(name)).map(|name| format!("{} is already in use", quoted(&name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_given_once() {
        let first = json!({"status": {"acceptedNames": {
            "plural": "foos", "singular": "foo", "shortNames": ["f"], "kind": "Foo", "listKind": "FooList"}}});
        let taken = Taken::of([&first].into_iter());
        let definition = |names: Value| json!({"spec": {"names": names}, "status": {"acceptedNames": {}}});
        let other =
            json!({"plural": "bars", "singular": "bar", "kind": "Bar", "listKind": "BarList", "categories": ["all"]});
        let (names, verdict) = taken.accept(&definition(other.clone()));
        assert_eq!((names, verdict), (other, Verdict::default()));
        let clash = json!({"plural": "bars", "singular": "bar", "shortNames": ["f", "foo", "b"], "kind": "Foo", "listKind": "BarList"});
        let (names, verdict) = taken.accept(&definition(clash));
        assert_eq!(names, json!({"plural": "bars", "singular": "bar", "listKind": "BarList"}));
        assert_eq!((verdict.reason, verdict.message.as_str()), ("KindConflict", r#""Foo" is already in use"#));
        // What a definition has, it keeps.
        let mut own = first.clone();
        own["spec"] = json!({"names": first["status"]["acceptedNames"]});
        assert!(taken.accept(&own).1.is_yes());
    }
}
