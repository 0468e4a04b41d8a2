//! What a definition says of the resource that it defines.

use super::column::Column;
use super::naming::Taken;
use super::rank::rank;
use super::scale::Paths;
use super::schema::Schema;
use super::{Custom, openapi};
use crate::api::types::Gvk;
use crate::api::{GroupVersionKind, ObjectExt, Value};
use crate::apiserver::kinds::{GENERIC, Kind};
use crate::apiserver::meta;
use crate::apiserver::registry::{Registry, Served};
use crate::schema::{Resource, Subresource, TableColumn};
use std::sync::Arc;

/// The rules of custom resources whose status is a part of the object like others.
const RULES: Kind = Kind {
    has_generation: true,
    warnings: warn_of_finalizers,
    changes_generation: |new, old| {
        let rest = |object: &Value| {
            let mut rest = object.clone();
            rest.take_at(&["metadata"]);
            rest
        };
        rest(new) != rest(old)
    },
    ..GENERIC
};

/// The rules of custom resources whose status is a subresource.
const RULES_WITH_STATUS: Kind = Kind {
    has_generation: true,
    warnings: warn_of_finalizers,
    prepare_for_create: |object| drop(object.take_at(&["status"])),
    prepare_for_status_update: |new, old| {
        let mut kept = old.clone();
        for path in [&["status"][..], &["metadata", "managedFields"], &["metadata", "resourceVersion"]] {
            match new.at(path) {
                Some(value) => kept.put(path, value.clone()),
                None => drop(kept.take_at(path)),
            }
        }
        *new = kept;
    },
    ..GENERIC
};

/// Warns of new finalizers that do not say whose they are.
fn warn_of_finalizers(object: &Value, old: Option<&Value>) -> Vec<String> {
    let before = old.map(meta::finalizers).unwrap_or_default();
    let mut new = meta::finalizers(object);
    new.retain(|name| !before.contains(name) && !name.contains('/') && !meta::STANDARD_FINALIZERS.contains(name));
    new.sort_unstable();
    new.dedup();
    let warning = |name: &str| {
        let path = if name.contains('.') { " including a path (/)" } else { "" };
        format!(
            "metadata.finalizers: {name:?}: prefer a domain-qualified finalizer name{path} to avoid accidental conflicts \
             with other finalizer writers"
        )
    };
    new.into_iter().map(warning).collect()
}

/// Whether a condition of a definition is `True`.
pub fn holds(definition: &Value, condition: &str) -> bool {
    let conditions = definition.items_at(&["status", "conditions"]);
    conditions.iter().any(|c| c.text(&["type"]) == condition && c.text(&["status"]) == "True")
}

/// The resource that a definition will define when it gets the names that it asks for.
pub fn foresee(definition: &Value, registry: &Registry) -> Vec<Arc<Served>> {
    let mut definition = definition.clone();
    let (names, _) = Taken::default().accept(&definition);
    definition.put(&["status", "acceptedNames"], names);
    serve(&definition, 0, registry)
}

/// The resource that an established definition defines, in each version that is served. `revision` is the one that
/// wrote the definition.
pub fn serve(definition: &Value, revision: u64, registry: &Registry) -> Vec<Arc<Served>> {
    let group = definition.text(&["spec", "group"]);
    let versions = definition.items_at(&["spec", "versions"]);
    let holds_true = |version: &Value, key: &str| version.get(key) == Some(&true.into());
    let stored = versions.iter().find(|version| holds_true(version, "storage")).map_or("", |v| v.text(&["name"]));
    let source_of = |version: &Value| version.at(&["schema", "openAPIV3Schema"]).cloned().unwrap_or_default();
    let kept = versions.iter().find(|version| holds_true(version, "storage")).map(&source_of);
    // Objects of another version may have been written with other defaults.
    let since = if versions.len() > 1 { u64::MAX } else { revision };
    let served = versions.iter().filter(|version| holds_true(version, "served"));
    served
        .map(|version| {
            let info = resource(definition, group, version);
            let columns = Column::all(version);
            let name = TableColumn {
                name: "Name".into(),
                kind: "string".into(),
                format: "name".into(),
                ..TableColumn::default()
            };
            let shown = std::iter::once(name).chain(columns.iter().map(|column| column.shown.clone())).collect();
            let kind = info.group_version_kind();
            let source = source_of(version);
            let type_name = openapi::type_name(&kind);
            let selectable = version.items_at(&["selectableFields"]).iter();
            let rules = if version.at(&["subresources", "status"]).is_some() { RULES_WITH_STATUS } else { RULES };
            let custom = Custom {
                schema: Arc::new(Schema::compile_whole(&source)),
                types: openapi::types(&kind, &source),
                type_name,
                list_kind: definition.text(&["status", "acceptedNames", "listKind"]).into(),
                stored: stored.into(),
                kept: kept.as_ref().filter(|kept| **kept != source).map(Schema::compile),
                columns,
                scale: Paths::of(version),
                selectable: selectable.map(|f| f.text(&["jsonPath"]).trim_start_matches('.').to_owned()).collect(),
                deprecation: deprecation(version, versions, &kind),
                terminating: holds(definition, "Terminating"),
                since,
                source,
            };
            Arc::new(registry.make_custom(info, shown, rules, custom))
        })
        .collect()
}

fn resource(definition: &Value, group: &str, version: &Value) -> Resource {
    let name = |key: &str| definition.text(&["status", "acceptedNames", key]).to_owned();
    let names = |key: &str| -> Vec<String> {
        let list = definition.items_at(&["status", "acceptedNames", key]);
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let verbs = |verbs: &[&str]| verbs.iter().map(|verb| (*verb).to_owned()).collect::<Vec<_>>();
    let below =
        |name: &str, kind: Gvk| Subresource { name: name.into(), kind, verbs: verbs(&["get", "patch", "update"]) };
    let part = |name: &str| version.at(&["subresources", name]).is_some_and(Value::is_object);
    let status = part("status").then(|| below("status", Gvk { kind: name("kind"), ..Gvk::default() }));
    let scale = Gvk { group: "autoscaling".into(), version: "v1".into(), kind: "Scale".into() };
    Resource {
        group: group.into(),
        version: version.text(&["name"]).into(),
        resource: name("plural"),
        kind: name("kind"),
        singular: name("singular"),
        scope: definition.text(&["spec", "scope"]).into(),
        verbs: verbs(&["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]),
        short_names: names("shortNames"),
        categories: names("categories"),
        subresources: status.into_iter().chain(part("scale").then(|| below("scale", scale))).collect(),
    }
}

/// What is said to whoever uses a version that is deprecated: its own words, or the latest version to use instead.
fn deprecation(version: &Value, versions: &[Value], kind: &GroupVersionKind) -> Option<String> {
    let holds = |version: &Value, key: &str| version.get(key) == Some(&true.into());
    if !holds(version, "deprecated") {
        return None;
    }
    let own = version.text(&["deprecationWarning"]);
    if !own.is_empty() {
        return Some(own.into());
    }
    let good = versions.iter().filter(|other| holds(other, "served") && !holds(other, "deprecated"));
    let later = good.map(|other| other.text(&["name"])).filter(|name| rank(name) < rank(&kind.version));
    let mut text = format!("{} {} is deprecated", kind.api_version(), kind.kind);
    if let Some(best) = later.min_by_key(|name| rank(name)) {
        text.push_str(&format!("; use {}/{best} {}", kind.group, kind.kind));
    }
    Some(text)
}
