//! Who wrote which fields (KEP-555): the server's side of managed fields.

use super::registry::Served;
use super::update::Part;
use crate::api::time::{Moment, rfc3339};
use crate::api::{GroupVersionKind, ObjectExt, Value};
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

/// The fields that a write to a part of an object cannot set.
fn ignored(served: &Served, part: Part) -> &'static [&'static [&'static str]] {
    match part {
        Part::Main if served.has_status() => &[&["status"]],
        Part::Main => &[],
        Part::Status | Part::Approval => &[&["spec"]],
        Part::Finalize => &[&["spec"], &["status"]],
        Part::Resize => &[&["status"]],
        Part::EphemeralContainers => &[],
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
    })
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
    };
    managed_fields::update(None, request, &writer, schema::builtin().kind(kind));
}

/// Notes who wrote the replicas of an object through its scale: `scale` is the scale before, `new` the one after.
///
/// The replicas are at the path `replicas` of the object.
pub(super) fn note_scale(
    object: &mut Value,
    replicas: &[&str],
    (scale, new): (&Value, &Value),
    manager: &Manager<'_>,
    now: Moment,
) {
    const PATH: [&str; 2] = ["metadata", "managedFields"];
    let kind = GroupVersionKind::new("autoscaling", "v1", "Scale");
    let (mut before, mut after) = (scale.clone(), new.clone());
    let owned = managed_fields::to_scale(object.at(&PATH), replicas);
    for scale in [&mut before, &mut after] {
        match &owned {
            Some(owned) => scale.put(&PATH, owned.clone()),
            None => drop(scale.take_at(&PATH)),
        }
    }
    let writer = Writer {
        manager: manager.name,
        api_version: &kind.api_version(),
        subresource: manager.subresource,
        time: &rfc3339(now.seconds),
        ignored: &[],
    };
    managed_fields::update(Some(&before), &mut after, &writer, schema::builtin().kind(&kind));
    let api_version = object.api_version().to_string();
    match managed_fields::from_scale(object.at(&PATH), after.at(&PATH), &api_version, replicas) {
        Some(entries) => object.put(&PATH, entries),
        None => drop(object.take_at(&PATH)),
    }
}
