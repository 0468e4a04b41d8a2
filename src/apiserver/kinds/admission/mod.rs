//! Admission of objects by others: webhooks and policies.

mod policy;
mod rule;
mod webhook;

pub(super) use policy::{MUTATING_BINDINGS, MUTATING_POLICIES, VALIDATING_BINDINGS, VALIDATING_POLICIES};
pub(super) use webhook::{MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS, client};

const GROUP: &str = "admissionregistration.k8s.io";
