//! Draining nodes: which pods have to leave, and how they do.

pub mod leave;
pub mod pods;

use super::options::DryRun;
use crate::api::{GoDuration, GroupVersionKind, GroupVersionResource};
use crate::client::Mapping;

/// How nodes are drained.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Whether pods go that nothing will make anew.
    pub force: bool,
    /// Whether pods of DaemonSets, which stay, keep nobody from draining the rest.
    pub ignore_daemon_sets: bool,
    /// Whether pods go whose data goes with them.
    pub delete_local_data: bool,
    /// Seconds to end in; none for each pod's own.
    pub grace_period: Option<i64>,
    /// How long all of a node's pods may take together; 0 for as long as it takes.
    pub timeout: GoDuration,
    /// Which pods are meant.
    pub pod_selector: String,
    /// The page size of lists; 0 for all at once.
    pub chunk: i64,
    /// Whether pods are deleted, whatever their disruption budgets say.
    pub disable_eviction: bool,
    /// Pods that should have been gone for this many seconds are not waited for; 0 to wait for all.
    pub skip_after: i64,
    /// Whether anything is stored.
    pub dry_run: DryRun,
}

fn mapping(group: &str, resource: &str, kind: &str) -> Mapping {
    Mapping {
        gvr: GroupVersionResource::new(group, "v1", resource),
        gvk: GroupVersionKind::new(group, "v1", kind),
        namespaced: true,
        ..Mapping::default()
    }
}
