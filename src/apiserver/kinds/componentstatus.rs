//! ComponentStatuses and Bindings: what is looked up, and what is written once.

use super::field::{Errors, Field, quoted};
use super::{GENERIC, Kind};
use crate::api::{Object, ObjectExt};

pub(super) const STATUSES: Kind = Kind {
    resource: "componentstatuses",
    cells: |component, _| {
        let healthy = component.items_at(&["conditions"]).iter().find(|c| c.text(&["type"]) == "Healthy");
        let text = |name: &str| healthy.map_or("", |condition| condition.text(&[name]));
        let state = match (healthy, text("status")) {
            (None, _) => "Unknown",
            (_, "True") => "Healthy",
            _ => "Unhealthy",
        };
        vec![component.name().into(), state.into(), text("message").into(), text("error").into()]
    },
    ..GENERIC
};

pub(super) const BINDINGS: Kind = Kind { resource: "bindings", validate: binding, ..GENERIC };

fn binding(binding: &Object, errors: &mut Errors) {
    let root = Field::new("", binding);
    let (kind, name) = (root.get("target.kind"), root.get("target.name"));
    if !["", "Node"].contains(&kind.text()) {
        errors.unsupported(kind, &quoted(kind.text()), &["Node", "<empty>"]);
    }
    errors.need(&name);
}
