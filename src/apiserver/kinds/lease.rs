//! Leases.

use super::cells::age;
use super::field::{Errors, Field};
use super::fill::fill;
use super::{GENERIC, Kind};
use crate::api::{Object, ObjectExt};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    group: "coordination.k8s.io",
    resource: "leases",
    disabled: &["spec.preferredHolder", "spec.strategy"],
    default: |lease| fill(lease, &json!({"spec": {}})),
    validate,
    validate_update: |new, _, errors| validate(new, errors),
    cells: |lease, now| vec![lease.name().into(), lease.text(&["spec", "holderIdentity"]).into(), age(lease, now)],
    ..GENERIC
};

fn validate(lease: &Object, errors: &mut Errors) {
    let root = Field::new("", lease);
    let spec = root.get("spec");
    let seconds = spec.get("leaseDurationSeconds");
    if seconds.integer().is_some_and(|seconds| seconds <= 0) {
        errors.reject(&seconds, "must be greater than 0");
    }
    errors.non_negative(&spec.get("leaseTransitions"));
}
