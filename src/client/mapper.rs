//! From what a user writes, or a manifest says, to the resource that is meant (kubectl's REST mappers).

use super::discovery::{ApiResource, Discovery, Version};
use crate::api::group::qualified;
use crate::api::{GroupVersion, GroupVersionKind, GroupVersionResource, gotext};
use std::collections::HashSet;
use thiserror::Error;

/// A resource, and what is known of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    /// What URLs say.
    pub gvr: GroupVersionResource,
    /// What objects say.
    pub gvk: GroupVersionKind,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// What can be done with it.
    pub verbs: Vec<String>,
    /// Short names.
    pub short_names: Vec<String>,
    /// The singular name; empty when the server gives none.
    pub singular: String,
    /// Categories, such as `all`.
    pub categories: Vec<String>,
    /// What lies below an object.
    pub subresources: Vec<Subresource>,
}

/// What lies below an object: `status`, `scale`, ...
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subresource {
    /// The name.
    pub name: String,
    /// The kind that it takes and gives.
    pub gvk: GroupVersionKind,
    /// What can be done with it.
    pub verbs: Vec<String>,
}

impl Mapping {
    /// Whether the server can do this with the resource.
    pub fn has_verb(&self, verb: &str) -> bool {
        self.verbs.iter().any(|known| known == verb)
    }

    /// What lies below an object under this name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|sub| sub.name == name)
    }
}

/// Why nothing is meant.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MapError {
    /// The server has no such resource.
    #[error("the server doesn't have a resource type {}{}", gotext::quote(.resource), in_group(.group))]
    Resource {
        /// What was asked for, up to the first point.
        resource: String,
        /// What came after the first point.
        group: String,
    },
    /// The server has no such kind.
    #[error("no matches for kind {} in version {}", gotext::quote(&.0.kind), gotext::quote(&.0.api_version()))]
    Kind(GroupVersionKind),
}

fn in_group(group: &str) -> String {
    if group.is_empty() { String::new() } else { format!(" in group {}", gotext::quote(group)) }
}

/// Finds resources in what a server serves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapper {
    discovery: Discovery,
}

/// A resource as it is asked for: by name, and perhaps by group and version.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    resource: &'a str,
    group: &'a str,
    version: &'a str,
}

impl Mapper {
    /// A mapper over what a server serves.
    pub fn new(discovery: Discovery) -> Self {
        Self { discovery }
    }

    /// What the server serves.
    pub fn discovery(&self) -> &Discovery {
        &self.discovery
    }

    /// The resource that a user means by a plural, a singular or a short name, with or without `.GROUP` or
    /// `.VERSION.GROUP`, or by `KIND.VERSION.GROUP`.
    ///
    /// # Errors
    /// When the server has none.
    pub fn resource(&self, arg: &str) -> Result<Mapping, MapError> {
        let (resource, group) = arg.split_once('.').unwrap_or((arg, ""));
        let by_version = full(arg).and_then(|wanted| self.kind_for(wanted));
        let kind = by_version.or_else(|| self.kind_for(Wanted { resource, group, version: "" }));
        let mapping = match (kind, full(arg)) {
            (Some(kind), _) => self.by_kind(&kind.group, &kind.kind, &kind.version),
            (None, Some(full)) => {
                self.by_kind(full.group, full.resource, full.version).or_else(|| self.by_kind(group, resource, ""))
            }
            (None, None) => self.by_kind(group, resource, ""),
        };
        mapping.ok_or_else(|| MapError::Resource { resource: resource.into(), group: group.into() })
    }

    /// All resources that a plural, a singular or a short name could mean, in the server's order.
    ///
    /// # Errors
    /// When the server has none.
    pub fn resources(&self, name: &str) -> Result<Vec<GroupVersionResource>, MapError> {
        let long = self.long_name(Wanted { resource: name, group: "", version: "" });
        let (full, group) = long.unwrap_or_else(|| (name.to_owned(), String::new()));
        let full = full.to_lowercase();
        let of_version = |(gv, version): (GroupVersion, &Version)| {
            let named = |resource: &&ApiResource| resource.name == full || singular(resource) == full;
            let found = version.resources.iter().filter(named).map(|resource| gv.with_resource(&resource.name));
            found.collect::<Vec<_>>()
        };
        let versions = self.discovery.versions().filter(|(gv, _)| in_wanted(&gv.group, &group, true));
        let found: Vec<GroupVersionResource> = versions.flat_map(of_version).collect();
        match found.is_empty() {
            true => Err(MapError::Resource { resource: name.into(), group: String::new() }),
            false => Ok(found),
        }
    }

    /// What else a short name could mean, as a warning.
    pub fn ambiguity(&self, arg: &str) -> Option<String> {
        let (resource, group) = match full(arg) {
            Some(full) => (full.resource, full.group),
            None => arg.split_once('.').unwrap_or((arg, "")),
        };
        if self.is_full_name(resource, group) {
            return None;
        }
        let named = |exact: bool| {
            let mut found: Vec<String> = Vec::new();
            for (gv, resource) in self.short_named(resource).filter(|(gv, _)| in_wanted(&gv.group, group, exact)) {
                let name = qualified(&resource.name, &gv.group);
                if !found.contains(&name) {
                    found.push(name);
                }
            }
            found
        };
        let found = match named(true) {
            none if none.is_empty() && !group.is_empty() => named(false),
            found => found,
        };
        let others = found.get(1..).filter(|others| !others.is_empty())?;
        let name = gotext::quote(resource);
        Some(format!("short name {name} could also match lower priority resource {}", others.join(", ")))
    }

    /// The resource of a kind.
    ///
    /// # Errors
    /// When the server has none in that version.
    pub fn kind(&self, kind: &GroupVersionKind) -> Result<Mapping, MapError> {
        self.by_kind(&kind.group, &kind.kind, &kind.version).ok_or_else(|| MapError::Kind(kind.clone()))
    }

    /// The names of the resources in a category, without repetition; none when there is no such category.
    pub fn category(&self, name: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (gv, version) in self.discovery.versions() {
            for resource in version.resources.iter().filter(|r| r.categories.iter().any(|c| c == name)) {
                let resource = qualified(&resource.name, &gv.group);
                if !names.contains(&resource) {
                    names.push(resource);
                }
            }
        }
        names
    }

    /// Every resource once, in the version that the server prefers among those that have it.
    pub fn preferred(&self) -> Vec<Mapping> {
        let mut seen: HashSet<(String, &str)> = HashSet::new();
        self.by_priority()
            .filter(|(gv, resource)| seen.insert((gv.group.clone(), &resource.name)))
            .map(|(gv, resource)| Discovery::mapping(&gv, resource))
            .collect()
    }

    /// Every group version that is served, in the server's order.
    pub fn group_versions(&self) -> Vec<GroupVersion> {
        self.discovery.versions().map(|(gv, _)| gv).collect()
    }

    /// What is said when parts of what the server serves could not be found out; none when all is known.
    pub fn incomplete(&self) -> Option<String> {
        let failed: Vec<String> = self.discovery.failed.iter().map(|(gv, why)| format!("{gv}: {why}")).collect();
        (!failed.is_empty())
            .then(|| format!("unable to retrieve the complete list of server APIs: {}", failed.join(", ")))
    }

    /// Every resource with its group version, the ones that go before others first: the core group's, then each
    /// group's preferred version before its others.
    fn by_priority(&self) -> impl Iterator<Item = (GroupVersion, &ApiResource)> {
        let groups = || self.discovery.groups.iter();
        let ordered = groups().filter(|g| g.name.is_empty()).chain(groups().filter(|g| !g.name.is_empty()));
        ordered.flat_map(|group| {
            let preferred = group.versions.iter().filter(|v| v.version == group.preferred);
            let others = group.versions.iter().filter(|v| v.version != group.preferred);
            preferred.chain(others).flat_map(|version| {
                let gv = GroupVersion { group: group.name.clone(), version: version.version.clone() };
                version.resources.iter().map(move |resource| (gv.clone(), resource))
            })
        })
    }

    /// The kind of a resource that is asked for by name.
    fn kind_for(&self, wanted: Wanted) -> Option<GroupVersionKind> {
        let long = self.long_name(wanted);
        let wanted = long.as_ref().map_or(wanted, |(resource, group)| Wanted { resource, group, version: "" });
        let name = wanted.resource.to_lowercase();
        let matches = |gv: &GroupVersion, resource: &ApiResource| {
            let group = match wanted.version {
                "" => in_wanted(&gv.group, wanted.group, false),
                // With a version, an empty group means any.
                _ => in_wanted(&gv.group, wanted.group, true),
            };
            group
                && (wanted.version.is_empty() || gv.version == wanted.version)
                && (resource.name == name || singular(resource) == name)
        };
        self.by_priority().find(|(gv, resource)| matches(gv, resource)).map(|(gv, found)| gv.with_kind(&found.kind))
    }

    /// The full name and group of a short name; none when it is a full name, or no name at all.
    fn long_name(&self, wanted: Wanted) -> Option<(String, String)> {
        if self.is_full_name(wanted.resource, wanted.group) {
            return None;
        }
        let find = |exact: bool| {
            self.short_named(wanted.resource)
                .find(|(gv, _)| in_wanted(&gv.group, wanted.group, exact))
                .map(|(gv, resource)| (resource.name.clone(), gv.group))
        };
        find(true).or_else(|| if wanted.group.is_empty() { None } else { find(false) })
    }

    fn is_full_name(&self, name: &str, group: &str) -> bool {
        let named = |resource: &ApiResource| resource.name == name || resource.singular == name;
        self.discovery
            .versions()
            .any(|(gv, version)| in_wanted(&gv.group, group, true) && version.resources.iter().any(named))
    }

    fn short_named(&self, name: &str) -> impl Iterator<Item = (GroupVersion, &ApiResource)> {
        self.discovery.versions().flat_map(move |(gv, version)| {
            let named = version.resources.iter().filter(move |r| r.short_names.iter().any(|short| short == name));
            named.map(move |resource| (gv.clone(), resource))
        })
    }

    /// The resource of a kind, in a version when one is given. Of several in one version, the last counts.
    fn by_kind(&self, group: &str, kind: &str, version: &str) -> Option<Mapping> {
        let of_kind = |resource: &ApiResource| resource.kind == kind || resource.kind.to_lowercase() == kind;
        let mut found: Option<(GroupVersion, &ApiResource)> = None;
        for (gv, resource) in self.by_priority() {
            let here = gv.group == group && (version.is_empty() || gv.version == version) && of_kind(resource);
            if here && found.as_ref().is_none_or(|(first, _)| *first == gv) {
                found = Some((gv, resource));
            }
        }
        found.map(|(gv, resource)| Discovery::mapping(&gv, resource))
    }
}

/// `RESOURCE.VERSION.GROUP`, when the text has two points.
fn full(arg: &str) -> Option<Wanted<'_>> {
    let mut parts = arg.splitn(3, '.');
    let (resource, version, group) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Wanted { resource, group, version })
}

/// Whether a group is the one that is asked for; without `exact`, the beginning of its name is enough.
fn in_wanted(group: &str, wanted: &str, exact: bool) -> bool {
    wanted.is_empty() || if exact { group == wanted } else { group.starts_with(wanted) }
}

/// The singular name; a server that gives none means the kind in lower case.
fn singular(resource: &ApiResource) -> String {
    if resource.singular.is_empty() { resource.kind.to_lowercase() } else { resource.singular.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::discovery::tests::sample;

    fn name(mapping: &Mapping) -> String {
        format!("{} {}", mapping.gvr.group_version(), mapping.gvr.resource)
    }

    #[test]
    fn resources_are_found_as_kubectl_finds_them() {
        let mapper = Mapper::new(sample());
        for (arg, found) in [
            ("po", "v1 pods"),
            ("pod", "v1 pods"),
            ("POD", "v1 pods"),
            ("pods.v1.", "v1 pods"),
            ("po.v2.", "v1 pods"),
            ("deploy.apps", "apps/v1 deployments"),
            ("deploy.v2.apps", "apps/v1 deployments"),
            ("deployments.ap", "apps/v1 deployments"),
            ("Deployment.v1.apps", "apps/v1 deployments"),
            ("hpa.v1.autoscaling", "autoscaling/v2 horizontalpodautoscalers"),
            ("horizontalpodautoscalers.v1.autoscaling", "autoscaling/v1 horizontalpodautoscalers"),
            ("Event", "v1 events"),
            ("ev", "v1 events"),
            ("events.events.k8s.io", "events.k8s.io/v1 events"),
            ("foo", "example/v1 foos"),
            ("f", "example/v1 foos"),
            ("foos.example.com", "example.com/v2 foos"),
            ("foos.exam", "example/v1 foos"),
            ("fv1", "example.com/v2 foos"),
            ("olds", "example.com/v1 olds"),
            ("Foo.v1.example.com", "example.com/v1 foos"),
            ("gadget", "example.com/v1 gizmos"),
            ("pod.example.com", "example.com/v1 pods"),
            ("dups", "zed.io/v1 dups2"),
        ] {
            assert_eq!(mapper.resource(arg).map(|m| name(&m)), Ok(found.to_owned()), "{arg}");
        }
    }

    #[test]
    fn what_is_not_there_is_told() {
        let mapper = Mapper::new(sample());
        for (arg, text) in [
            ("nosuch", "the server doesn't have a resource type \"nosuch\""),
            ("nosuch.v1.apps", "the server doesn't have a resource type \"nosuch\" in group \"v1.apps\""),
            ("pods.v1", "the server doesn't have a resource type \"pods\" in group \"v1\""),
            ("pods.v2.", "the server doesn't have a resource type \"pods\" in group \"v2.\""),
            ("Deployment.v2.apps", "the server doesn't have a resource type \"Deployment\" in group \"v2.apps\""),
            ("bars.v1.example.com", "the server doesn't have a resource type \"bars\" in group \"v1.example.com\""),
            ("PO", "the server doesn't have a resource type \"PO\""),
            ("Widget", "the server doesn't have a resource type \"Widget\""),
            ("gizmo", "the server doesn't have a resource type \"gizmo\""),
            ("stales", "the server doesn't have a resource type \"stales\""),
            ("", "the server doesn't have a resource type \"\""),
            (".", "the server doesn't have a resource type \"\""),
        ] {
            assert_eq!(mapper.resource(arg).map_err(|e| e.to_string()), Err(text.to_owned()), "{arg}");
        }
        let widget = GroupVersionKind::new("nosuch.example.com", "v1", "Widget");
        let text = "no matches for kind \"Widget\" in version \"nosuch.example.com/v1\"";
        assert_eq!(mapper.kind(&widget).unwrap_err().to_string(), text);
        assert_eq!(mapper.kind(&GroupVersionKind::new("", "v1", "Pod")).map(|m| name(&m)), Ok("v1 pods".into()));
        assert!(mapper.kind(&GroupVersionKind::new("example.com", "v9", "Foo")).is_err());
    }

    #[test]
    fn short_names_of_several_resources_are_warned_of() {
        let mapper = Mapper::new(sample());
        let warning = |name: &str, others: &str| {
            Some(format!("short name \"{name}\" could also match lower priority resource {others}"))
        };
        for (arg, expected) in [
            ("po", warning("po", "foos.example")),
            ("ev", warning("ev", "events.events.k8s.io")),
            ("f", warning("f", "foos.example.com")),
            ("f.example", None),
            ("fv1", None),
            ("pods", None),
            ("nosuch", None),
        ] {
            assert_eq!(mapper.ambiguity(arg), expected, "{arg}");
        }
    }

    #[test]
    fn a_category_names_each_resource_once() {
        let mapper = Mapper::new(sample());
        let all = mapper.category("all").join(",");
        assert!(all.starts_with("pods,replicationcontrollers,services,daemonsets.apps,deployments.apps,"), "{all}");
        assert!(all.ends_with("jobs.batch,foos.example,foos.example.com"), "{all}");
        assert_eq!(all.matches("horizontalpodautoscalers").count(), 1);
        assert!(mapper.category("nosuch").is_empty());
    }
}
