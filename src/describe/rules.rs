//! The rules of roles, one line for each resource.

use super::read::{Brackets, texts};
use crate::api::Value;
use std::collections::BTreeMap;
use std::fmt;

/// What may be done to one resource, or to one path.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule<'a> {
    /// What may be done.
    pub verbs: Vec<&'a str>,
    /// The group and the resource, which may have a subresource; none of a path.
    pub resource: Option<(&'a str, &'a str)>,
    /// Only the object of this name.
    pub name: Option<&'a str>,
    /// The path.
    pub path: Option<&'a str>,
}

impl fmt::Display for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((group, resource)) = self.resource {
            let (resource, subresource) = match resource.split_once('/') {
                Some((resource, subresource)) => (resource, format!("/{subresource}")),
                None => (resource, String::new()),
            };
            let dot = if group.is_empty() { "" } else { "." };
            write!(f, "{resource}{dot}{group}{subresource}")?;
        }
        let list = |item: Option<&'_ str>| format!("[{}]", item.unwrap_or(""));
        write!(f, "\t{}\t{}\t{}", list(self.path), list(self.name), Brackets(self.verbs.clone()))
    }
}

/// Takes rules apart into resources and paths, and puts the verbs of each resource together.
pub fn compact(rules: &[Value]) -> Vec<Rule<'_>> {
    let mut resources: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    let mut all = Vec::new();
    for rule in rules {
        let [groups, kinds, names, verbs, paths] =
            ["apiGroups", "resources", "resourceNames", "verbs", "nonResourceURLs"].map(|key| texts(rule, &[key]));
        for (group, kind) in groups.iter().flat_map(|group| kinds.iter().map(move |kind| (*group, *kind))) {
            let names = names.iter().copied().map(Some).chain(names.is_empty().then_some(None));
            for name in names {
                let known = resources.entry(((group, kind), name)).or_default();
                for verb in &verbs {
                    if !known.contains(verb) {
                        known.push(verb);
                    }
                }
            }
        }
        for path in paths {
            let one = |verb| Rule { verbs: vec![verb], resource: None, name: None, path: Some(path) };
            all.extend(verbs.iter().copied().map(one));
        }
    }
    let resources = resources.into_iter().filter(|(_, verbs)| !verbs.is_empty());
    all.extend(resources.map(|((resource, name), verbs)| Rule { verbs, resource: Some(resource), name, path: None }));
    // kubectl's order: that of the rules' text, in which the verbs come first.
    all.sort_by_cached_key(|rule| {
        let (group, kind) =
            rule.resource.map_or(("[]".into(), "[]".into()), |(g, k)| (format!("[{g}]"), format!("[{k}]")));
        let list = |item: Option<&str>| format!("[{}]", item.unwrap_or(""));
        let (verbs, name, path) = (Brackets(rule.verbs.clone()), list(rule.name), list(rule.path));
        format!("Verbs:{verbs},APIGroups:{group},Resources:{kind},ResourceNames:{name},NonResourceURLs:{path},")
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn verbs_of_one_resource_come_together() {
        let rules = json!([
            {"apiGroups": ["", "apps"], "resources": ["pods", "pods/log"], "verbs": ["list", "get"]},
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "watch"]},
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a", "b"], "verbs": ["get"]},
            {"nonResourceURLs": ["/healthz"], "verbs": ["get", "post"]},
            {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
            {"apiGroups": [""], "resources": ["none"], "verbs": []},
        ]);
        let lines: Vec<String> = compact(rules.as_array().unwrap()).iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "*.*\t[]\t[]\t[*]",
                "\t[/healthz]\t[]\t[get]",
                "secrets\t[]\t[a]\t[get]",
                "secrets\t[]\t[b]\t[get]",
                "pods\t[]\t[]\t[list get watch]",
                "pods/log\t[]\t[]\t[list get]",
                "pods.apps/log\t[]\t[]\t[list get]",
                "pods.apps\t[]\t[]\t[list get]",
                "\t[/healthz]\t[]\t[post]",
            ]
        );
    }
}
