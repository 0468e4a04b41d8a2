//! Fields to be changed, named by paths in objects of some kinds.

use super::{Outcome, Problem, resource::Id};
use crate::api::{GroupVersionKind, Map, ObjectExt, Value};

/// A field of objects of a kind; what of the kind is empty stands for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub gvk: GroupVersionKind,
    /// Names with `/` between them; `\/` is a slash in a name, `[]` at a name's end says that it is a list.
    pub path: String,
    /// Whether what is missing on the way is made.
    pub create: bool,
}

/// What a field that is made is at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Nothing,
    Scalar,
    Map,
}

/// What is done to the fields that are found.
pub(super) type Change<'a> = &'a mut dyn FnMut(&mut Value) -> Outcome<()>;

impl Field {
    /// A field of all objects.
    pub fn everywhere(path: &str, create: bool) -> Self {
        Field { gvk: GroupVersionKind::new("", "", ""), path: path.into(), create }
    }

    /// Reads one from a file of configuration.
    pub fn read(value: &Value) -> Self {
        Field {
            gvk: GroupVersionKind::new(value.text(&["group"]), value.text(&["version"]), value.text(&["kind"])),
            path: value.text(&["path"]).into(),
            create: value.get("create").and_then(Value::as_bool).unwrap_or_default(),
        }
    }

    /// Changes the field wherever it is in the object, when it is for objects of that kind.
    pub fn change(&self, object: &mut Value, made: Made, change: Change<'_>) -> Outcome<()> {
        if !is_selected(&object.group_version_kind(), &self.gvk) {
            return Ok(());
        }
        let path = split(&self.path, '/');
        let made = if self.create { made } else { Made::Nothing };
        walk(object, &path, made, change).map_err(|problem| {
            let id = Id {
                gvk: object.group_version_kind(),
                name: object.name().into(),
                namespace: object.namespace().into(),
            };
            problem.within(&format!("considering field '{}' of object {id}", self.path))
        })
    }
}

/// Whether a kind is one of those that `selector` stands for.
pub(super) fn is_selected(gvk: &GroupVersionKind, selector: &GroupVersionKind) -> bool {
    let fits = |wanted: &str, has: &str| wanted.is_empty() || wanted == has;
    fits(&selector.group, &gvk.group) && fits(&selector.version, &gvk.version) && fits(&selector.kind, &gvk.kind)
}

/// The names in a path. A delimiter after a backslash belongs to the name.
pub(super) fn split(path: &str, delimiter: char) -> Vec<String> {
    let path = path.strip_prefix(delimiter).unwrap_or(path);
    let mut names: Vec<String> = Vec::new();
    for part in path.split(delimiter) {
        match names.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push(delimiter);
                last.push_str(part);
            }
            _ => names.push(part.into()),
        }
    }
    names
}

fn walk(value: &mut Value, path: &[String], made: Made, change: Change<'_>) -> Outcome<()> {
    let Some((name, rest)) = path.split_first() else { return change(value) };
    match value {
        Value::Null => Ok(()),
        Value::Array(items) => items.iter_mut().try_for_each(|item| {
            walk(item, path, made, change)
                .map_err(|problem| problem.within(&format!("visit traversal on path: {}", go_list(path))))
        }),
        Value::Object(fields) => {
            let plain = name.strip_suffix("[]");
            let is_list = plain.is_some();
            let name = plain.unwrap_or(name);
            if name.is_empty() {
                return Err(Problem("cannot set or create an empty field name".into()));
            }
            let empty = match made {
                Made::Nothing => None,
                _ if is_list => None,
                Made::Scalar if rest.is_empty() => Some(Value::Null),
                _ => Some(Value::Object(Map::new())),
            };
            let field = match (fields.get_mut(name), empty) {
                (Some(field), Some(empty)) if field.is_null() => {
                    *field = empty;
                    field
                }
                (Some(field), _) => field,
                (None, None) => return Ok(()),
                (None, Some(empty)) => fields.entry(name).or_insert(empty),
            };
            walk(field, rest, made, change)
        }
        _ => Err(Problem("expected sequence or mapping node".into())),
    }
}

/// A list as Go prints it.
pub(super) fn go_list(items: &[String]) -> String {
    format!("[{}]", items.join(" "))
}

/// The words of a scalar.
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => Some(String::new()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Enters a text in a map.
pub(super) fn enter(map: &mut Value, key: &str, text: &str) -> Outcome<()> {
    match map {
        Value::Object(fields) => {
            fields.insert(key.into(), text.into());
            Ok(())
        }
        Value::Array(_) => Err(Problem("wrong node kind: expected MappingNode but was SequenceNode".into())),
        _ => Err(Problem("wrong node kind: expected MappingNode but was ScalarNode".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_are_split() {
        for (path, names) in [("a/b", vec!["a", "b"]), ("/a", vec!["a"]), (r"a/x.y\/z/b", vec!["a", "x.y/z", "b"])] {
            assert_eq!(split(path, '/'), names, "{path}");
        }
    }

    #[test]
    fn fields_are_found_in_lists_and_made() {
        let set = |path: &str, create: bool, mut object: Value| {
            let done = Field::everywhere(path, create).change(&mut object, Made::Scalar, &mut |field| {
                *field = "new".into();
                Ok(())
            });
            done.map(|()| object).map_err(|problem| problem.0)
        };
        assert_eq!(
            set("a/b", false, json!({"a": [{"b": 1}, {"c": 1}]})).unwrap(),
            json!({"a": [{"b": "new"}, {"c": 1}]})
        );
        assert_eq!(set("a/b", true, json!({})).unwrap(), json!({"a": {"b": "new"}}));
        assert_eq!(set("a/b", false, json!({})).unwrap(), json!({}));
        assert_eq!(set("a[]/b", true, json!({})).unwrap(), json!({}));
        assert_eq!(set("a/b", true, json!({"a": null})).unwrap(), json!({"a": {"b": "new"}}));
        assert!(set("a/b", true, json!({"a": "x"})).unwrap_err().ends_with(": expected sequence or mapping node"));
    }
}
