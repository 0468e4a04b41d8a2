//! A pod as the standards see it, and how its containers are named in complaints.

use crate::api::{ObjectExt, Value};
use std::collections::BTreeSet;

/// A pod, or the template of one.
pub(super) struct Pod<'a> {
    object: &'a Value,
}

impl<'a> Pod<'a> {
    /// A value with `metadata` and `spec`.
    pub fn new(object: &'a Value) -> Self {
        Self { object }
    }

    /// A field of the spec.
    pub fn spec(&self, path: &[&str]) -> Option<&'a Value> {
        self.object.get("spec").and_then(|spec| spec.at(path))
    }

    /// The items of a list of the spec.
    pub fn items(&self, list: &str) -> &'a [Value] {
        self.object.get("spec").map_or(&[], |spec| spec.items_at(&[list]))
    }

    /// The annotations.
    pub fn annotations(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let map = self.object.map_at(&["metadata", "annotations"]);
        map.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }

    /// All containers, in the order in which they are complained about.
    pub fn containers(&self) -> impl Iterator<Item = &'a Value> {
        let lists = ["initContainers", "containers", "ephemeralContainers"].map(|list| self.items(list));
        lists.into_iter().flatten()
    }

    /// The names of the containers of which something is true.
    pub fn named(&self, holds: impl Fn(&Value) -> bool) -> Vec<&'a str> {
        self.containers().filter(|container| holds(container)).map(|container| container.text(&["name"])).collect()
    }

    /// Whether it is for Windows.
    pub fn is_windows(&self) -> bool {
        self.spec(&["os", "name"]).is_some_and(|name| name == "windows")
    }

    /// Whether its users are not those of the host (KEP-127).
    pub fn has_own_users(&self) -> bool {
        self.spec(&["hostUsers"]) == Some(&false.into())
    }

    /// The pod and the containers whose `securityContext` has a value at `path` that is not right: how they are
    /// called, and the values.
    pub fn setters(&self, path: &[&str], is_right: impl Fn(&Value) -> bool) -> (Vec<String>, BTreeSet<String>) {
        let own = |of: &'a Value| of.get("securityContext").and_then(|context| context.at(path));
        let wrong = |of: &'a Value| own(of).filter(|value| !is_right(value));
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), String::from);
        let (mut setters, mut values) = (Vec::new(), BTreeSet::new());
        if let Some(value) = self.object.get("spec").and_then(wrong) {
            setters.push("pod".to_string());
            values.insert(text(value));
        }
        let mut containers = Vec::new();
        for container in self.containers() {
            if let Some(value) = wrong(container) {
                containers.push(container.text(&["name"]));
                values.insert(text(value));
            }
        }
        if !containers.is_empty() {
            setters.push(called("container", &containers));
        }
        (setters, values)
    }
}

/// `container "a"`, or `containers "a", "b"`.
pub(super) fn called(noun: &str, names: &[&str]) -> String {
    format!("{} {}", plural(noun, names.len()), quoted(names))
}

/// A noun, with an s when there are several.
pub(super) fn plural(noun: &str, count: usize) -> String {
    if count == 1 { noun.into() } else { format!("{noun}s") }
}

/// `uses`, or `use` for several.
pub(super) fn uses(count: usize) -> &'static str {
    if count == 1 { "uses" } else { "use" }
}

/// `"a", "b"`
pub(super) fn quoted<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| format!("\"{}\"", item.as_ref())).collect::<Vec<_>>().join(", ")
}

/// A place below the `securityContext` of a container.
pub(super) fn context<'a>(container: &'a Value, path: &[&str]) -> Option<&'a Value> {
    container.get("securityContext").and_then(|context| context.at(path))
}
