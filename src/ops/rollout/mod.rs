//! Rollouts: what controllers of pods are doing about a new template, what they did before, and how to go back.

pub mod change;
pub mod history;
pub mod progress;
pub mod trouble;
pub mod undo;

use super::Failure;
use crate::api::GroupVersionKind;

/// The controllers that keep a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// It keeps ReplicaSets.
    Deployment,
    /// It keeps ControllerRevisions.
    DaemonSet,
    /// It keeps ControllerRevisions.
    StatefulSet,
}

impl Workload {
    /// What this kind is; `wanted` and `tool` are what a complaint calls that which is missing.
    pub fn of(kind: &GroupVersionKind, wanted: &str, tool: &str) -> Result<Self, Failure> {
        let name = kind.group_kind();
        match (kind.kind.as_str(), kind.group.as_str()) {
            ("Deployment", "apps" | "extensions") => Ok(Workload::Deployment),
            ("DaemonSet", "apps" | "extensions") => Ok(Workload::DaemonSet),
            ("StatefulSet", "apps") => Ok(Workload::StatefulSet),
            ("Pod" | "ReplicationController", "" | "core")
            | ("Job" | "CronJob", "batch")
            | ("ReplicaSet", "apps" | "extensions") => {
                Err(Failure::message(format!("no {tool} has been implemented for {name:?}")))
            }
            (kind, group) => Err(Failure::message(format!(
                "error retrieving {wanted} for {name:?}, no visitor method exists for {{{group} {kind}}}"
            ))),
        }
    }

    /// The kind as messages of the server name it.
    fn kind(self) -> &'static str {
        match self {
            Workload::Deployment => "Deployment",
            Workload::DaemonSet => "DaemonSet",
            Workload::StatefulSet => "StatefulSet",
        }
    }
}

/// Reads a revision number as Go does.
fn number(text: &str) -> Result<i64, String> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse::<i64>().map_err(|error| {
        let problem =
            if matches!(error.kind(), PosOverflow | NegOverflow) { "value out of range" } else { "invalid syntax" };
        format!("strconv.ParseInt: parsing {text:?}: {problem}")
    })
}

/// Where a Deployment's controller notes the revision.
const REVISION: &str = "deployment.kubernetes.io/revision";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let of = |group: &str, kind: &str| {
            Workload::of(&GroupVersionKind::new(group, "v1", kind), "history", "history viewer")
                .map_err(|failure| failure.words())
        };
        assert_eq!(of("apps", "DaemonSet"), Ok(Workload::DaemonSet));
        assert_eq!(of("", "Pod").unwrap_err(), "no history viewer has been implemented for \"Pod\"");
        assert_eq!(
            of("", "ConfigMap").unwrap_err(),
            "error retrieving history for \"ConfigMap\", no visitor method exists for { ConfigMap}"
        );
        assert_eq!(
            of("example.com", "Thing").unwrap_err(),
            "error retrieving history for \"Thing.example.com\", no visitor method exists for {example.com Thing}"
        );
    }

    #[test]
    fn numbers() {
        assert_eq!(number("-3"), Ok(-3));
        assert_eq!(number("x").unwrap_err(), "strconv.ParseInt: parsing \"x\": invalid syntax");
        assert!(number("99999999999999999999").unwrap_err().ends_with("value out of range"));
    }
}
