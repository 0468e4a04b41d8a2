//! Who wrote which fields (KEP-555): the server's side of managed fields.

use super::registry::Served;
use super::update::Part;
use crate::api::time::{Moment, rfc3339};
use crate::api::{GroupVersion, GroupVersionKind, ObjectExt, TypeRef, Value};
use crate::merge::managed_fields::{self, ApplyError, Writer};
use crate::schema;

/// Who writes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manager<'a> {
    /// The name that the client gives itself.
    pub name: &'a str,
    /// The subresource it writes through; empty for the main resource.
    pub subresource: &'a str,
}

/// Paths of fields.
type Paths = &'static [&'static [&'static str]];

/// The fields that a write to a part of an object cannot set.
fn ignored(served: &Served, part: Part) -> Paths {
    let resource = (served.kind.group.as_str(), served.info.resource.as_str());
    match part {
        Part::Main if resource.1 == "certificatesigningrequests" => &[&["spec"], &["status"]],
        Part::Main if served.has_status() => &[&["status"]],
        Part::Main => &[],
        Part::Status if served.custom.is_some() => &[&["metadata"], &["spec"]],
        Part::Status => of_status(resource),
        Part::Approval => &[&["spec"], &["status", "certificate"]],
        Part::Finalize => &[&["spec"], &["status"]],
        Part::Resize => &[&["status"]],
        Part::EphemeralContainers => &[],
    }
}

/// What besides the spec a write to the status of a resource cannot set.
fn of_status(resource: (&str, &str)) -> Paths {
    match resource {
        ("", "pods") => &[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]],
        ("apps", "deployments") => &[&["spec"], &["metadata", "labels"]],
        ("certificates.k8s.io", _) => &[&["spec"], &["status", "conditions"]],
        ("admissionregistration.k8s.io" | "flowcontrol.apiserver.k8s.io" | "resource.k8s.io" | "storage.k8s.io", _)
        | (_, "servicecidrs") => &[&["metadata"], &["spec"]],
        _ => &[&["spec"]],
    }
}

/// Runs something with the writer that stands for a manager.
fn with_writer<T>(served: &Served, manager: &Manager<'_>, now: Moment, work: impl FnOnce(&Writer<'_>) -> T) -> T {
    let part = Part::of(manager.subresource).unwrap_or(Part::Main);
    work(&Writer {
        manager: manager.name,
        api_version: &served.kind.api_version(),
        subresource: manager.subresource,
        time: &rfc3339(now.seconds),
        ignored: ignored(served, part),
        in_version: &|object, version| in_version(served, object, version),
    })
}

/// An object of a built-in kind in another version, and the types of that version.
fn in_version(served: &Served, object: &Value, version: &str) -> Option<(Value, TypeRef<'static>)> {
    if served.custom.is_some() {
        return None;
    }
    let other = GroupVersion::parse(version);
    let ty = schema::builtin().kind(&GroupVersionKind::new(&other.group, &other.version, &served.kind.kind))?;
    let mut object = object.clone();
    (served.rules.convert)(&mut object, version);
    Some((object, ty))
}

/// Notes who wrote which fields of an object.
pub(super) fn note_update(live: Option<&Value>, new: &mut Value, served: &Served, manager: &Manager<'_>, now: Moment) {
    with_writer(served, manager, now, |writer| managed_fields::update(live, new, writer, served.schema()));
}

/// Applies a configuration to what is there.
pub(super) fn apply(
    live: Option<&Value>,
    config: &Value,
    served: &Served,
    manager: &Manager<'_>,
    force: bool,
    now: Moment,
) -> Result<Value, ApplyError> {
    with_writer(served, manager, now, |writer| managed_fields::apply(live, config, writer, force, served.schema()))
}

/// Notes who wrote an object of a kind that is never stored.
pub(super) fn note_request(request: &mut Value, kind: &GroupVersionKind, manager: &Manager<'_>, now: Moment) {
    let writer = Writer {
        manager: manager.name,
        api_version: &kind.api_version(),
        subresource: manager.subresource,
        time: &rfc3339(now.seconds),
        ignored: &[],
        in_version: &|_, _| None,
    };
    managed_fields::update(None, request, &writer, schema::builtin().kind(kind));
}

const PATH: [&str; 2] = ["metadata", "managedFields"];

/// Gives the scale of an object the managed fields that say who owns its replicas, which are at the path `replicas` of
/// the object.
pub(super) fn lend_to_scale(scale: &mut Value, object: &Value, replicas: &[&str]) {
    put_entries(scale, managed_fields::to_scale(object.at(&PATH), replicas));
}

/// Brings the managed fields of a scale that was written back into those of its object.
pub(super) fn take_from_scale(object: &mut Value, scale: &Value, replicas: &[&str]) {
    let api_version = object.api_version().to_string();
    put_entries(object, managed_fields::from_scale(object.at(&PATH), scale.at(&PATH), &api_version, replicas));
}

fn put_entries(object: &mut Value, entries: Option<Value>) {
    match entries {
        Some(entries) => object.put(&PATH, entries),
        None => drop(object.take_at(&PATH)),
    }
}

/// Notes who wrote a scale.
pub(super) fn note_scale(before: &Value, new: &mut Value, manager: &Manager<'_>, now: Moment) {
    put_entries(new, before.at(&PATH).cloned());
    with_scale_writer(manager, now, |writer, schema| managed_fields::update(Some(before), new, writer, schema));
}

/// Applies a configuration to a scale.
pub(super) fn apply_scale(
    before: &Value,
    config: &Value,
    manager: &Manager<'_>,
    force: bool,
    now: Moment,
) -> Result<Value, ApplyError> {
    with_scale_writer(manager, now, |writer, schema| managed_fields::apply(Some(before), config, writer, force, schema))
}

fn with_scale_writer<T>(
    manager: &Manager<'_>,
    now: Moment,
    work: impl FnOnce(&Writer<'_>, Option<TypeRef<'static>>) -> T,
) -> T {
    let kind = GroupVersionKind::new("autoscaling", "v1", "Scale");
    let writer = Writer {
        manager: manager.name,
        api_version: &kind.api_version(),
        subresource: manager.subresource,
        time: &rfc3339(now.seconds),
        ignored: &[],
        in_version: &|_, _| None,
    };
    work(&writer, schema::builtin().kind(&kind))
}
