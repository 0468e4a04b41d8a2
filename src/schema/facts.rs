//! The built-in resources and types of Kubernetes 1.36, embedded as data.
//!
//! The file is kept as it is, not compressed: it is a quarter of a megabyte, and reading it as it lies is faster.

use crate::api::types::Gvk;
use crate::api::{Catalog, GroupVersionKind, GroupVersionResource, TypeNode};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

const FACTS: &[u8] = include_bytes!("api-facts.json");

#[derive(Deserialize)]
struct Facts {
    resources: Vec<Resource>,
    tables: HashMap<String, Vec<TableColumn>>,
    types: BTreeMap<String, TypeNode>,
}

/// A resource that every server has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Resource {
    /// The group; empty for the core group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The plural name.
    pub resource: String,
    /// The kind of its objects.
    pub kind: String,
    /// The singular name.
    pub singular: String,
    /// `Namespaced` or `Cluster`.
    pub scope: String,
    /// The verbs it is served with, sorted.
    pub verbs: Vec<String>,
    /// Short names.
    pub short_names: Vec<String>,
    /// Categories, such as `all`.
    pub categories: Vec<String>,
    /// What lies below an object: status, scale, log, ...
    pub subresources: Vec<Subresource>,
}

impl Resource {
    /// Whether its objects live in namespaces.
    pub fn namespaced(&self) -> bool {
        self.scope == "Namespaced"
    }

    /// The resource's full name.
    pub fn group_version_resource(&self) -> GroupVersionResource {
        GroupVersionResource::new(&self.group, &self.version, &self.resource)
    }

    /// The full name of the kind.
    pub fn group_version_kind(&self) -> GroupVersionKind {
        GroupVersionKind::new(&self.group, &self.version, &self.kind)
    }
}

/// What lies below an object of a resource.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Subresource {
    /// `status`, `scale`, ...
    pub name: String,
    /// The kind that it takes and gives; an empty group and version mean the resource's own.
    pub kind: Gvk,
    /// The verbs it is served with.
    pub verbs: Vec<String>,
}

/// A column of the table that a server makes of a resource.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TableColumn {
    /// The heading.
    pub name: String,
    /// The JSON type of its cells.
    #[serde(rename = "type")]
    pub kind: String,
    /// The format; `name` marks the column of names.
    pub format: String,
    /// 0 when it is always shown, 1 for `-o wide`.
    pub priority: i32,
}

static PARSED: LazyLock<(Vec<Resource>, HashMap<String, Vec<TableColumn>>, Catalog)> = LazyLock::new(|| {
    // The file is part of the program; a test reads it, so a failure here cannot reach a user.
    #[allow(clippy::expect_used)]
    let facts: Facts = serde_json::from_slice(FACTS).expect("the embedded facts are JSON");
    (facts.resources, facts.tables, Catalog::new(facts.types))
});

/// The built-in types.
pub fn builtin() -> &'static Catalog {
    &PARSED.2
}

/// The built-in resources, in the order of discovery.
pub fn resources() -> &'static [Resource] {
    &PARSED.0
}

/// The columns of a built-in resource's table; none when it has only NAME and AGE.
pub fn table_columns(resource: &GroupVersionResource) -> Option<&'static [TableColumn]> {
    let key = format!("{}/{}", resource.group_version(), resource.resource);
    PARSED.1.get(&key).map(Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_hold_together() {
        assert_eq!(resources().len(), 68);
        let pod = builtin().kind(&GroupVersionKind::new("", "v1", "Pod")).unwrap();
        let ports = pod.field("spec").unwrap().field("containers").unwrap().items().unwrap().field("ports").unwrap();
        assert_eq!(ports.patch_merge_key(), "containerPort");
        assert_eq!(ports.list_map_keys(), ["containerPort", "protocol"]);
        assert_eq!(ports.items().unwrap().field("protocol").unwrap().usage().default, Some("TCP".into()));
        assert!(table_columns(&GroupVersionResource::new("", "v1", "pods")).unwrap().len() > 4);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(node: &TypeNode, name: &str) {
            if let Some(reference) = &node.reference {
                assert!(builtin().named(reference).is_some(), "{name} refers to {reference}");
            }
            node.fields.values().chain(node.values.as_deref()).chain(node.items.as_deref()).for_each(|n| walk(n, name));
        }
        builtin().types().iter().for_each(|(name, node)| walk(node, name));
    }
}
