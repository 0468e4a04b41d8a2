//! Leases.

use super::cells::age;
use super::field::{Errors, Field};
use super::fill::fill;
use super::{GENERIC, Kind};
use crate::api::{Object, ObjectExt, names};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    group: "coordination.k8s.io",
    resource: "leases",
    default: |lease| fill(lease, &json!({"spec": {}})),
    validate,
    validate_update: |new, _, errors| validate(new, errors),
    cells: |lease, now| vec![lease.name().into(), lease.text(&["spec", "holderIdentity"]).into(), age(lease, now)],
    ..GENERIC
};

fn validate(lease: &Object, errors: &mut Errors) {
    let root = Field::new("", lease);
    let spec = root.get("spec");
    let (seconds, strategy) = (spec.get("leaseDurationSeconds"), spec.get("strategy"));
    if seconds.integer().is_some_and(|seconds| seconds <= 0) {
        errors.reject(&seconds, "must be greater than 0");
    }
    errors.non_negative(&spec.get("leaseTransitions"));
    if strategy.is_set() {
        // kube-apiserver names the field twice.
        let place = strategy.get("strategy");
        let place = place.with(strategy.value());
        if strategy.text().contains('/') {
            errors.name(&place, names::qualified_name);
        } else {
            errors.one_of(&place, &["OldestEmulationVersion"]);
        }
    }
    if !spec.get("preferredHolder").is_empty() && strategy.is_empty() {
        errors.forbidden(spec.get("preferredHolder"), "may only be specified if `strategy` is defined");
    }
}
