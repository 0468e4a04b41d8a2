//! The built-in resources and types of Kubernetes 1.36, embedded as data.
//!
//! The file is kept as it is, not compressed: it is a quarter of a megabyte, and reading it as it lies is faster.

use crate::api::types::Gvk;
use crate::api::{Catalog, GroupVersionKind, GroupVersionResource, Presence, TypeNode};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

const FACTS: &[u8] = include_bytes!("api-facts.json");
const GO_TYPES: &str = include_str!("go-types.txt");

/// The parts of the facts. Each is read when it is first asked for: most commands need one of them, or none.
#[derive(Deserialize)]
struct Resources {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Tables {
    tables: HashMap<String, Vec<TableColumn>>,
}

#[derive(Deserialize)]
struct Types {
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
    /// What it shows, in a sentence; only custom resources' columns say it.
    pub description: String,
}

static RESOURCES: LazyLock<Vec<Resource>> = LazyLock::new(|| read::<Resources>().resources);
static TABLES: LazyLock<HashMap<String, Vec<TableColumn>>> = LazyLock::new(|| read::<Tables>().tables);
static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let mut types = read::<Types>().types;
    add_go_types(&mut types);
    Catalog::new(types).ordered_by(super::order::field_order)
});

fn read<T: Deserialize<'static>>() -> T {
    // The file is part of the program; a test reads it, so a failure here cannot reach a user.
    #[allow(clippy::expect_used)]
    serde_json::from_slice(FACTS).expect("the embedded facts are JSON")
}

/// A text that is another one when the facts are others, or the program.
pub fn fingerprint() -> String {
    let mut hasher = DefaultHasher::new();
    (FACTS, GO_TYPES, env!("CARGO_PKG_VERSION")).hash(&mut hasher);
    format!("{:016X}", hasher.finish())
}

/// Adds what the OpenAPI types do not say of the Go types: when each field is written, and what its type is called.
fn add_go_types(types: &mut BTreeMap<String, TypeNode>) {
    let structs: HashSet<String> = types
        .iter()
        .filter(|(_, node)| node.kind != "array" && (node.kind != "object" || node.values.is_none()))
        .map(|(name, _)| name.clone())
        .collect();
    for node in types.values_mut() {
        for field in node.fields.values_mut() {
            let is_struct = field.reference.as_ref().is_some_and(|name| structs.contains(name));
            field.presence = if is_struct { Presence::Set } else { Presence::Filled };
        }
    }
    for (ty, name, mark, go_type) in go_types() {
        let Some(field) = types.get_mut(ty).and_then(|node| node.fields.get_mut(name)) else { continue };
        field.presence = match mark {
            Some('+') => Presence::Always,
            Some('!') => Presence::AlwaysOrNull,
            Some(_) => Presence::Set,
            None => field.presence,
        };
        field.go_type = go_type.into();
    }
}

/// The entries of the table of Go types: type, field, mark, and the name of the Go type.
fn go_types() -> impl Iterator<Item = (&'static str, &'static str, Option<char>, &'static str)> {
    GO_TYPES.lines().filter(|line| !line.starts_with('#')).flat_map(|line| {
        let (ty, fields) = line.split_once(' ').unwrap_or((line, ""));
        fields.split(' ').map(move |word| {
            let (field, go_type) = word.split_once('=').unwrap_or((word, ""));
            let name = field.trim_end_matches(['+', '!', '?']);
            (ty, name, field[name.len()..].chars().next(), go_type)
        })
    })
}

/// The built-in types.
pub fn builtin() -> &'static Catalog {
    &CATALOG
}

/// The built-in resources, in the order of discovery.
pub fn resources() -> &'static [Resource] {
    &RESOURCES
}

/// The columns of a built-in resource's table; none when it has only NAME and AGE.
pub fn table_columns(resource: &GroupVersionResource) -> Option<&'static [TableColumn]> {
    let key = format!("{}/{}", resource.group_version(), resource.resource);
    TABLES.get(&key).map(Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
    fn every_go_type_is_of_a_field() {
        for (ty, name, mark, go_type) in go_types() {
            assert!(builtin().types()[ty].fields.contains_key(name), "{ty} {name}");
            assert!(mark.is_some() || !go_type.is_empty(), "{ty} {name}");
        }
    }

    #[test]
    fn empty_objects_have_what_is_always_written() {
        for (group, kind, want) in [
            ("", "ConfigMap", json!({"metadata": {}})),
            (
                "apps",
                "Deployment",
                json!({
                    "metadata": {},
                    "spec": {"selector": null, "strategy": {}, "template": {"metadata": {}, "spec": {"containers": null}}},
                    "status": {}
                }),
            ),
            (
                "",
                "Event",
                json!({
                    "metadata": {}, "involvedObject": {}, "source": {}, "firstTimestamp": null, "lastTimestamp": null,
                    "eventTime": null, "reportingComponent": "", "reportingInstance": ""
                }),
            ),
        ] {
            assert_eq!(builtin().kind(&GroupVersionKind::new(group, "v1", kind)).unwrap().empty(), want);
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(node: &TypeNode, name: &str) {
            if let Some(reference) = &node.reference {
                assert!(builtin().named(reference).is_some(), "{name} refers to {reference}");
            }
            node.fields
                .values()
                .map(Box::as_ref)
                .chain(node.values.as_deref())
                .chain(node.items.as_deref())
                .for_each(|n| walk(n, name));
        }
        builtin().types().iter().for_each(|(name, node)| walk(node, name));
    }
}
