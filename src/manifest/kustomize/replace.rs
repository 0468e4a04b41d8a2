//! Replacements: a field of one resource is copied into fields of others.

use super::fields::{is_selected, scalar_text, split};
use super::load::Root;
use super::resource::{Resource, Resources};
use super::select::Selector;
use super::{Outcome, Problem};
use crate::api::gotext::quote;
use crate::api::{GroupVersionKind, Map, ObjectExt, Value};
use crate::expr::regexp;
use crate::yaml::{self, Document, Reader};

/// Carries out one of `replacements`, which may be in a file of its own.
pub(super) fn replace(resources: &mut Resources, entry: &Value, root: &Root) -> Outcome<()> {
    let path = entry.text(&["path"]);
    if path.is_empty() {
        return replace_one(resources, entry);
    }
    if entry.get("source").is_some() || entry.get("targets").is_some() {
        return Err(Problem("cannot specify both path and inline replacement".into()));
    }
    let file = yaml::from_slice(&root.load(path)?).map_err(|error| Problem(error.to_string()))?;
    match &file {
        Value::Array(entries) => entries.iter().try_for_each(|entry| replace_one(resources, entry)),
        Value::Object(_) => replace_one(resources, &file),
        _ => Err(Problem(format!("unsupported replacement type encountered within replacement path: {path}"))),
    }
}

fn replace_one(resources: &mut Resources, entry: &Value) -> Outcome<()> {
    let targets = entry.items_at(&["targets"]);
    if (entry.get("source").is_none() && entry.get("sourceValue").is_none()) || entry.get("targets").is_none() {
        return Err(Problem("replacements must specify a source and at least one target".into()));
    }
    let value = source(resources, entry)?;
    for target in targets {
        let Some(select) = target.get("select") else {
            return Err(Problem("target must specify resources to select".into()));
        };
        let selected = Selector::read(select)?;
        let rejected: Vec<Selector> =
            target.items_at(&["reject"]).iter().map(Selector::read).collect::<Outcome<_>>()?;
        for resource in &mut resources.0 {
            if is_target(resource, &selected, &rejected)? {
                copy(&mut resource.object, &value, target)?;
            }
        }
    }
    Ok(())
}

fn is_target(resource: &Resource, selected: &Selector, rejected: &[Selector]) -> Outcome<bool> {
    if !selected.fits_metadata(resource)? || !resource.ids().any(|id| selected.names(&id)) {
        return Ok(false);
    }
    for selector in rejected {
        let by_metadata = selector.has_metadata() && selector.fits_metadata(resource)?;
        if by_metadata || (!selector.is_empty() && resource.ids().any(|id| selector.names(&id))) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The value that is copied.
fn source(resources: &Resources, entry: &Value) -> Outcome<Value> {
    let Some(source) = entry.get("source") else { return Ok(entry["sourceValue"].clone()) };
    if entry.get("sourceValue").is_some() {
        return Err(Problem("value and resource selectors are mutually exclusive".into()));
    }
    let part = |name: &str| source.text(&[name]);
    let gvk = GroupVersionKind::new(part("group"), part("version"), part("kind"));
    let (name, namespace) = (part("name"), part("namespace"));
    let is_it = |resource: &&Resource| {
        resource.ids().any(|id| {
            (name.is_empty() || id.name == name)
                && (namespace.is_empty() || id.effective_namespace() == namespace)
                && is_selected(&id.gvk, &gvk)
        })
    };
    let shown = || {
        let id = super::resource::Id { gvk: gvk.clone(), name: name.into(), namespace: namespace.into() };
        id.to_string()
    };
    let with_path = || match part("fieldPath") {
        "" => shown(),
        path => format!("{}:{path}", shown()),
    };
    let mut found = resources.0.iter().filter(is_it);
    let resource = match (found.next(), found.next()) {
        (Some(resource), None) => resource,
        (Some(_), Some(_)) => return Err(Problem(format!("multiple matches for selector {}", with_path()))),
        (None, _) => return Err(Problem(format!("nothing selected by {}", with_path()))),
    };
    let path = if part("fieldPath").is_empty() { "metadata.name" } else { part("fieldPath") };
    let is_filled = |value: &&Value| match value {
        Value::Null => false,
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    let Some(value) = lookup(&resource.object, path).filter(is_filled) else {
        return Err(Problem(format!("fieldPath `{path}` is missing for replacement source {}", shown())));
    };
    let delimiter = source.text(&["options", "delimiter"]);
    if delimiter.is_empty() {
        return Ok(value.clone());
    }
    let Some(text) = scalar_text(value) else {
        return Err(Problem("delimiter option can only be used with scalar nodes".into()));
    };
    let index = source.integer(&["options", "index"]).unwrap_or_default();
    let part = usize::try_from(index).ok().and_then(|index| text.split(delimiter).nth(index));
    part.map(Value::from).ok_or_else(|| Problem(format!("options.index {index} is out of bounds for value {text}")))
}

/// Copies the value into the fields of a resource.
fn copy(object: &mut Value, value: &Value, target: &Value) -> Outcome<()> {
    let paths: Vec<&str> = match target.items_at(&["fieldPaths"]) {
        [] => vec!["metadata.name"],
        paths => paths.iter().filter_map(Value::as_str).collect(),
    };
    let create = target.at(&["options", "create"]) == Some(&Value::Bool(true));
    for path in paths {
        let names = split_path(path);
        if set_in_text(object, &names, value, target)? {
            continue;
        }
        let verb = if create { "find or create" } else { "find" };
        let missing = || format!("unable to {verb} field {} in replacement target", quote(path));
        let mut count = 0;
        each(object, &names, create.then_some(value), &mut |field| {
            count += 1;
            put(field, value, target)
        })
        .map_err(|problem| problem.within(&missing()))?;
        if count == 0 {
            return Err(Problem(missing()));
        }
    }
    Ok(())
}

/// Sets a field of data that a text holds, such as a file in a config map. Whether there was one is the result.
fn set_in_text(object: &mut Value, names: &[String], value: &Value, target: &Value) -> Outcome<bool> {
    for length in 1..names.len() {
        let Some(Value::String(text)) = find(object, &names[..length]) else { continue };
        let Some(Ok(Document { value: mut data, .. })) = yaml::documents_as(text.as_bytes(), Reader::Kustomize).next()
        else {
            continue;
        };
        if !data.is_object() && !data.is_array() {
            return Ok(false);
        }
        let (is_json, is_pretty) =
            (text.trim_start().starts_with(['{', '[']), text.contains('\n') && text.contains("  "));
        let create = target.at(&["options", "create"]) == Some(&Value::Bool(true));
        let mut count = 0;
        let done = each(&mut data, &names[length..], create.then_some(value), &mut |field| {
            count += 1;
            // The options for parts of a text do not reach in here.
            put(field, value, &Value::Null)
        });
        if done.is_err() || count == 0 {
            return Ok(false);
        }
        let written = match (is_json, is_pretty) {
            (true, true) => crate::api::json::to_string_pretty(&data).replace("    ", "  "),
            (true, false) => crate::api::json::to_string(&data),
            (false, _) => yaml::to_string(&data).trim().to_string(),
        };
        each(object, &names[..length], None, &mut |field| {
            *field = written.as_str().into();
            Ok(())
        })?;
        return Ok(true);
    }
    Ok(false)
}

/// Puts the value into a field, or into the part of it that the options name.
fn put(field: &mut Value, value: &Value, target: &Value) -> Outcome<()> {
    let delimiter = target.text(&["options", "delimiter"]);
    let mut value = value.clone();
    if !delimiter.is_empty() {
        let (Some(old), Some(new)) = (scalar_text(field), scalar_text(&value)) else {
            return Err(Problem("delimiter option can only be used with scalar nodes".into()));
        };
        let index = target.integer(&["options", "index"]).unwrap_or_default();
        let mut parts: Vec<&str> = old.split(delimiter).collect();
        match usize::try_from(index) {
            Err(_) => parts.insert(0, &new),
            Ok(index) if index < parts.len() => parts[index] = &new,
            Ok(_) => parts.push(&new),
        }
        value = parts.join(delimiter).into();
    }
    // A scalar keeps its type.
    *field = match (&*field, &value) {
        (Value::String(_), Value::Bool(_) | Value::Number(_)) => value.to_string().into(),
        (Value::Number(_) | Value::Bool(_), Value::String(text)) => match serde_json::from_str(text) {
            Ok(typed @ (Value::Number(_) | Value::Bool(_))) => typed,
            _ => value,
        },
        _ => value,
    };
    Ok(())
}

/// The names in a path: `.` parts them, outside of brackets.
pub(super) fn split_path(path: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut parts = split(path, '.').into_iter();
    while let Some(mut part) = parts.next() {
        if part.starts_with('[') && !part.ends_with(']') {
            for next in parts.by_ref() {
                part.push('.');
                part.push_str(&next);
                if part.ends_with(']') {
                    break;
                }
            }
            if !part.contains('=') {
                part = part.trim_matches(['[', ']']).to_string();
            }
        }
        names.push(part);
    }
    names
}

/// The field at a path of a resource.
pub(super) fn lookup<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let names: Vec<String> = split_path(path)
        .into_iter()
        .flat_map(|name| match name.strip_suffix(']').and_then(|name| name.rsplit_once('[')) {
            Some((before, index)) if !before.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()) => {
                vec![before.to_string(), index.to_string()]
            }
            _ => vec![name],
        })
        .collect();
    find(object, &names)
}

fn find<'a>(object: &'a Value, names: &[String]) -> Option<&'a Value> {
    names.iter().try_fold(object, |value, name| match value {
        Value::Object(fields) => fields.get(name),
        Value::Array(items) => match condition(name) {
            Some((key, wanted)) => items.iter().find(|item| text_at(item, key).as_deref() == Some(wanted)),
            None => items.get(name.parse::<usize>().ok()?),
        },
        _ => None,
    })
}

/// The two sides of `[name=value]`.
fn condition(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix('[')?.strip_suffix(']')?.split_once('=')
}

fn text_at(item: &Value, key: &str) -> Option<String> {
    scalar_text(if key.is_empty() { item } else { item.get(key)? })
}

/// Does something with every field at a path. What is missing is made when there is a value `made` for it.
fn each(
    value: &mut Value,
    names: &[String],
    made: Option<&Value>,
    change: &mut dyn FnMut(&mut Value) -> Outcome<()>,
) -> Outcome<()> {
    let Some((name, rest)) = names.split_first() else { return change(value) };
    let fresh = || match rest.first() {
        None => match made {
            Some(Value::Object(_)) => Value::Object(Map::new()),
            Some(Value::Array(_)) => Value::Array(Vec::new()),
            _ => Value::Null,
        },
        Some(next) if next == "-" || condition(next).is_some() || next.parse::<usize>().is_ok() => {
            Value::Array(Vec::new())
        }
        Some(_) => Value::Object(Map::new()),
    };
    if name == "*" {
        let Value::Array(items) = value else {
            return Err(Problem("wrong node kind: expected SequenceNode but was MappingNode".into()));
        };
        return items.iter_mut().try_for_each(|item| each(item, rest, made, change));
    }
    if let Some((key, pattern)) = condition(name) {
        let Value::Array(items) = value else {
            return Err(Problem("wrong node kind: expected SequenceNode but was MappingNode".into()));
        };
        let regex = regexp::compile(pattern).map_err(Problem)?;
        let is_it = |item: &Value| text_at(item, key).is_some_and(|text| regex.is_match(&text));
        if made.is_some() && !items.iter().any(&is_it) {
            let item = if key.is_empty() {
                pattern.into()
            } else {
                Value::Object(Map::from_iter([(key.to_string(), pattern.into())]))
            };
            items.push(item);
        }
        return items.iter_mut().filter(|item| is_it(item)).try_for_each(|item| each(item, rest, made, change));
    }
    match value {
        Value::Array(items) => {
            let Ok(index) = name.parse::<usize>() else {
                return Err(Problem("wrong node kind: expected MappingNode but was SequenceNode".into()));
            };
            if index == items.len() && made.is_some() {
                items.push(fresh());
            }
            let count = items.len();
            let Some(item) = items.get_mut(index) else {
                return Err(Problem(format!("index {index} specified but only {count} elements found")));
            };
            each(item, rest, made, change)
        }
        Value::Object(fields) => {
            if made.is_some() {
                fields.entry(name.as_str()).or_insert_with(fresh);
            }
            match fields.get_mut(name) {
                Some(field) => each(field, rest, made, change),
                None => Ok(()),
            }
        }
        Value::Null => Ok(()),
        _ => Err(Problem("wrong node kind: expected MappingNode but was ScalarNode".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_are_split() {
        for (path, names) in [
            ("a.b", vec!["a", "b"]),
            ("a.[name=x.y].b", vec!["a", "[name=x.y]", "b"]),
            ("a.[x.y/z].b", vec!["a", "x.y/z", "b"]),
            (r"a.x\.y", vec!["a", "x.y"]),
        ] {
            assert_eq!(split_path(path), names, "{path}");
        }
    }

    #[test]
    fn values_are_copied() {
        let object = || json!({"a": {"b": "x-y-z"}, "list": [{"name": "one", "v": 1}, {"name": "two", "v": 2}]});
        for (target, value, path, result) in [
            (json!({"fieldPaths": ["a.b"]}), json!("n"), "a.b", json!("n")),
            (
                json!({"fieldPaths": ["a.b"], "options": {"delimiter": "-", "index": 1}}),
                json!("n"),
                "a.b",
                json!("x-n-z"),
            ),
            (json!({"fieldPaths": ["list.[name=two].v"]}), json!(7), "list.1.v", json!(7)),
            (json!({"fieldPaths": ["list.*.v"]}), json!(7), "list.0.v", json!(7)),
            (json!({"fieldPaths": ["a.c.d"], "options": {"create": true}}), json!("n"), "a.c.d", json!("n")),
        ] {
            let mut object = object();
            copy(&mut object, &value, &target).unwrap();
            assert_eq!(lookup(&object, path), Some(&result), "{target}");
        }
        let missing = copy(&mut object(), &json!(1), &json!({"fieldPaths": ["a.c.d"]})).unwrap_err().0;
        assert_eq!(missing, r#"unable to find field "a.c.d" in replacement target"#);
    }
}
