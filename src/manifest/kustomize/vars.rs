//! Vars: `$(NAME)` stands for a field of a resource.

use super::config::Config;
use super::fields::{Made, is_selected};
use super::replace::lookup;
use super::resource::{Id, Resources};
use super::{Outcome, Problem};
use crate::api::{GroupVersion, GroupVersionKind, ObjectExt, Value};

/// The vars of all kustomizations.
#[derive(Clone, Debug, Default)]
pub(super) struct Vars(Vec<Value>);

impl Vars {
    /// Adds vars, and marks the resources that they read from.
    pub fn add(&mut self, entries: &[Value], resources: &mut Resources) -> Outcome<()> {
        for entry in entries {
            let target = target(entry);
            let is_it = |id: &Id| match target.namespace.is_empty() && !target.is_cluster_scoped() {
                true => id.name == target.name && id.gvk == target.gvk,
                false => id.is_same(&target),
            };
            let mut found: Vec<_> =
                resources.0.iter_mut().filter(|resource| resource.ids().any(|id| is_it(&id))).collect();
            let name = entry.text(&["name"]);
            match found.as_mut_slice() {
                [] => {}
                [one] => one.vars.push(name.into()),
                several => {
                    let count = several.len();
                    return Err(Problem(format!(
                        "found {count} resId matches for var {name} (unable to disambiguate)"
                    )));
                }
            }
            self.push(entry.clone())?;
        }
        Ok(())
    }

    /// Adds the vars of another kustomization.
    pub fn merge(&mut self, other: Vars) -> Outcome<()> {
        other.0.into_iter().try_for_each(|entry| self.push(entry))
    }

    fn push(&mut self, entry: Value) -> Outcome<()> {
        let name = entry.text(&["name"]);
        if self.0.iter().any(|known| known.text(&["name"]) == name) {
            return Err(Problem(format!("var '{name}' already encountered")));
        }
        self.0.push(entry);
        Ok(())
    }

    /// Puts the values in. The vars that nothing used are told in `log`.
    pub fn resolve(mut self, resources: &mut Resources, config: &Config, log: &mut Vec<String>) -> Outcome<()> {
        self.0.sort_by(|a, b| a.text(&["name"]).cmp(b.text(&["name"])));
        let mut values: Vec<(String, Value, bool)> = Vec::new();
        for entry in &self.0 {
            let name = entry.text(&["name"]).to_string();
            let Some(resource) = resources.0.iter().find(|resource| resource.vars.contains(&name)) else {
                return Err(Problem(format!("var '{name}' cannot be mapped to a field in the set of known resources")));
            };
            let path = match entry.text(&["fieldref", "fieldPath"]) {
                "" => "metadata.name",
                path => path,
            };
            let Some(value) = lookup(&resource.object, path) else {
                return Err(Problem(format!("field specified in var '{name}' not found in corresponding resource")));
            };
            values.push((name, value.clone(), false));
        }
        if values.is_empty() {
            return Ok(());
        }
        for resource in &mut resources.0 {
            for field in config.var_references.iter() {
                if is_selected(&resource.object.group_version_kind(), &field.gvk) {
                    field.change(&mut resource.object, Made::Nothing, &mut |value| expand_in(value, &mut values))?;
                }
            }
        }
        let unused: Vec<&str> = values.iter().filter(|(.., used)| !used).map(|(name, ..)| name.as_str()).collect();
        if !unused.is_empty() {
            log.push(format!("well-defined vars that were never replaced: {}", unused.join(",")));
        }
        Ok(())
    }
}

/// The resource that a var reads from.
fn target(entry: &Value) -> Id {
    let part = |name: &str| entry.text(&["objref", name]);
    let version = GroupVersion::parse(part("apiVersion"));
    let gvk = match part("apiVersion") {
        "" => GroupVersionKind::new(part("group"), part("version"), part("kind")),
        _ => version.with_kind(part("kind")),
    };
    Id { gvk, name: part("name").into(), namespace: part("namespace").into() }
}

fn expand_in(value: &mut Value, values: &mut [(String, Value, bool)]) -> Outcome<()> {
    match value {
        Value::String(text) => *value = expand(text, values),
        Value::Object(fields) => {
            for text in fields.values_mut() {
                if let Value::String(old) = text {
                    *text = expand(old, values);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                let Value::String(old) = item else {
                    return Err(Problem("invalid value type expect a string".into()));
                };
                *item = expand(old, values);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Puts values for `$(NAME)`; `$$` is a dollar. A text that is nothing but one name becomes its value with its type.
fn expand(text: &str, values: &mut [(String, Value, bool)]) -> Value {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            let known = values.iter_mut().find(|(known, ..)| known == name);
            let scalar = known.filter(|(_, value, _)| !value.is_object() && !value.is_array());
            let value = scalar.map(|(_, value, used)| {
                *used = true;
                value.clone()
            });
            if text.len() == name.len() + 3 {
                return value.unwrap_or_else(|| text.into());
            }
            match value {
                Some(Value::String(value)) => expanded.push_str(&value),
                Some(value) => expanded.push_str(&value.to_string()),
                None => expanded.push_str(&format!("$({name})")),
            }
            rest = after;
        } else {
            expanded.push('$');
        }
    }
    expanded.push_str(rest);
    expanded.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_put_in() {
        let mut values = [("A".to_string(), json!("x"), false), ("N".to_string(), json!(7), false)];
        for (text, value) in [
            ("$(A)", json!("x")),
            ("$(N)", json!(7)),
            ("a$(A)b$(N)", json!("axb7")),
            ("$$(A) $(B) $x $(", json!("$(A) $(B) $x $(")),
        ] {
            assert_eq!(expand(text, &mut values), value, "{text}");
        }
        assert!(values.iter().all(|(.., used)| *used));
    }
}
