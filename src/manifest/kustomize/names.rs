//! References by name: when a resource gets another name, so do the fields that name it.

use super::config::{Config, References};
use super::fields::{Field, Made, is_selected, scalar_text};
use super::resource::{Id, Resource, Resources};
use super::{Outcome, Problem};
use crate::api::{GroupVersionKind, ObjectExt, Value};
use crate::yaml;
use std::collections::HashSet;

/// Puts the names that resources have now into the fields that name them.
pub(super) fn follow(resources: &mut Resources, config: &Config) -> Outcome<()> {
    // Names do not change here, so what may be named is looked at as it is before.
    let all = resources.0.clone();
    for referrer in &mut resources.0 {
        let (id, original) = (referrer.id(), referrer.original_id());
        let named: Vec<(&References, &Field)> = config
            .name_references
            .iter()
            .flat_map(|references| references.fields.iter().map(move |field| (references, field)))
            .filter(|(_, field)| is_selected(&original.gvk, &field.gvk))
            .collect();
        if named.is_empty() {
            continue;
        }
        let context = referrer.clone();
        let candidates = within_reach(&all, &context)?;
        for (references, field) in named {
            let search =
                Search { referrer: &context, id: &id, field, target: &references.target, candidates: &candidates };
            let here = Field { gvk: id.gvk.clone(), ..field.clone() };
            here.change(&mut referrer.object, Made::Nothing, &mut |value| search.rename(value)).map_err(|problem| {
                problem.within(&format!("updating name reference in '{}' field of '{id}'", field.path))
            })?;
        }
    }
    Ok(())
}

/// What a resource may name: what is in its namespace or in none, and the service accounts of a RoleBinding.
fn within_reach<'a>(all: &'a [Resource], referrer: &Resource) -> Outcome<Vec<&'a Resource>> {
    let id = referrer.id();
    if id.is_cluster_scoped() {
        return Ok(all.iter().collect());
    }
    let mut namespaces = HashSet::new();
    if referrer.object.kind() == "RoleBinding" {
        for subject in referrer.object.items_at(&["subjects"]) {
            if subject.text(&["kind"]) == "ServiceAccount"
                && let Some(namespace) = subject.get("namespace")
            {
                let Value::String(namespace) = namespace else {
                    return Err(Problem(format!("Invalid Input: namespace is blank for resource \"{id}\"\n")));
                };
                namespaces.insert(namespace.as_str());
            }
        }
    }
    let is_near = |resource: &&Resource| {
        let other = resource.id();
        other.is_cluster_scoped()
            || other.effective_namespace() == id.effective_namespace()
            || namespaces.contains(resource.object.namespace())
    };
    Ok(all.iter().filter(is_near).collect())
}

/// The search for what one field of a resource names.
struct Search<'a> {
    referrer: &'a Resource,
    id: &'a Id,
    field: &'a Field,
    target: &'a GroupVersionKind,
    candidates: &'a [&'a Resource],
}

impl Search<'_> {
    fn rename(&self, value: &mut Value) -> Outcome<()> {
        match value {
            Value::Null => Ok(()),
            Value::Object(_) => self.rename_in_map(value),
            Value::Array(items) => items.iter_mut().try_for_each(|item| match item {
                Value::Null => Ok(()),
                Value::Object(_) => self.rename_in_map(item),
                Value::Array(_) => Err(Problem("a list is expected to be either a string or a map of string".into())),
                scalar => self.rename_scalar(scalar),
            }),
            scalar => self.rename_scalar(scalar),
        }
    }

    fn rename_scalar(&self, value: &mut Value) -> Outcome<()> {
        let old = scalar_text(value).unwrap_or_default();
        let same_names = |found: &[&Resource]| found.iter().all(|other| other.object.name() == found[0].object.name());
        if let Some(found) = self.find(&old, self.candidates.to_vec(), same_names)?
            && found.object.name() != old
        {
            *value = found.object.name().into();
        }
        Ok(())
    }

    /// A map with a name, and perhaps a namespace.
    fn rename_in_map(&self, map: &mut Value) -> Outcome<()> {
        let Some(name) = map.get("name") else {
            return Err(Problem("path config error; no 'name' field in node".into()));
        };
        let old = scalar_text(name).unwrap_or_default();
        let candidates = match map.get("namespace").map(|namespace| scalar_text(namespace).unwrap_or_default()) {
            None => self.candidates.to_vec(),
            Some(namespace) => {
                let of = |id: fn(&Resource) -> Id| {
                    let is_there = |resource: &&&Resource| id(resource).effective_namespace() == namespace;
                    self.candidates.iter().filter(is_there).copied().collect::<Vec<_>>()
                };
                let before = of(Resource::original_id);
                if before.is_empty() { of(Resource::id) } else { before }
            }
        };
        let is_same = |found: &[&Resource]| {
            let name =
                |resource: &Resource| (resource.object.name().to_string(), resource.object.namespace().to_string());
            found.iter().all(|other| name(other) == name(found[0]))
        };
        let Some(found) = self.find(&old, candidates, is_same)? else { return Ok(()) };
        let namespace = found.object.namespace();
        if found.object.name() != old || !namespace.is_empty() {
            map.put(&["name"], found.object.name());
            if !namespace.is_empty() {
                map.put(&["namespace"], namespace);
            }
        }
        Ok(())
    }

    /// The resource that had this name.
    fn find<'c>(
        &self,
        old: &str,
        mut candidates: Vec<&'c Resource>,
        are_equal: impl Fn(&[&Resource]) -> bool,
    ) -> Outcome<Option<&'c Resource>> {
        let role = self.role();
        candidates.retain(|candidate| {
            candidate.previous_ids().any(|id| id.name == old)
                && candidate.previous_ids().any(|id| is_selected(&id.gvk, self.target))
                && role.as_ref().is_none_or(|role| candidate.previous_ids().any(|id| is_selected(&id.gvk, role)))
                && self.is_in_reach(candidate)
        });
        if candidates.len() > 1 {
            candidates.retain(|candidate| self.has_equal_names(candidate, true));
        }
        if candidates.len() > 1 {
            candidates.retain(|candidate| self.has_equal_names(candidate, false));
        }
        match candidates.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            several if are_equal(several) => Ok(Some(several[0])),
            several => {
                let ids: Vec<String> = several.iter().map(|resource| resource.id().to_string()).collect();
                let text = |resource: &Resource| yaml::to_string(&resource.object);
                let mut problem = format!(
                    "found multiple possible referrals: {}\n\n**** Too many possible referral targets to referrer:\n{}\n",
                    ids.join(", "),
                    text(self.referrer)
                );
                for (at, resource) in several.iter().enumerate() {
                    problem.push_str(&format!("--- possible referral {at}:\n{}\n", text(resource)));
                }
                Err(Problem(problem))
            }
        }
    }

    /// The kind that a binding says its role is of.
    fn role(&self) -> Option<GroupVersionKind> {
        let object = &self.referrer.object;
        let part = |name: &str| object.at(&["roleRef", name]).and_then(Value::as_str);
        self.field.path.ends_with("roleRef/name").then_some(())?;
        Some(GroupVersionKind::new(part("apiGroup")?, "", part("kind")?))
    }

    fn is_in_reach(&self, candidate: &Resource) -> bool {
        let other = candidate.id();
        self.id.is_cluster_scoped()
            || other.is_cluster_scoped()
            || candidate.object.kind() == "ServiceAccount"
            || other.effective_namespace() == self.id.effective_namespace()
    }

    /// Whether both names got the same prefixes and suffixes last; with `or_none`, one of them may have got none.
    fn has_equal_names(&self, candidate: &Resource, or_none: bool) -> bool {
        let equal = |a: &[String], b: &[String]| {
            let length = a.len().min(b.len());
            (or_none && length == 0)
                || ((length > 0 || a.len() == b.len()) && a[a.len() - length..] == b[b.len() - length..])
        };
        equal(&candidate.prefixes, &self.referrer.prefixes) && equal(&candidate.suffixes, &self.referrer.suffixes)
    }
}
