//! Which pods of a node have to leave, which stay, and which keep it from being drained.

use super::{Options, mapping};
use crate::api::time::unix_seconds;
use crate::api::{Object, ObjectExt};
use crate::client::Request;
use crate::ops::lists::{self, Query};
use crate::ops::{Cluster, Failure};
use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the kubelet puts on pods that it made itself, from a file.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// What becomes of a pod.
#[derive(Clone, Debug, PartialEq)]
enum Fate {
    Leaves,
    LeavesThough(String),
    Stays,
    StaysFor(&'static str),
    /// It may not leave, and nobody may be told that the node is drained.
    Blocks(String),
}

/// The pods of a node.
#[derive(Debug, Default)]
pub struct Pods {
    /// Those that have to leave.
    pub leaving: Vec<Object>,
    /// What should be known of some: what, and which pods.
    warned: Vec<(String, Vec<String>)>,
    /// What is in the way: what, and which pods.
    blocked: Vec<(String, Vec<String>)>,
}

impl Pods {
    /// Reads the pods of a node, and decides on each.
    pub async fn on(cluster: &Cluster, node: &str, options: &Options) -> Result<Self, Failure> {
        let query = Query {
            labels: options.pod_selector.clone(),
            fields: format!("spec.nodeName={node}"),
            chunk: options.chunk,
            ..Query::default()
        };
        let mut all = Vec::new();
        let resource = mapping("", "pods", "Pod");
        let pages = query.pages(cluster, &resource, "", |page| {
            all.extend(lists::items(page));
            Ok(())
        });
        pages.await?;
        let mut daemon_sets = HashMap::new();
        for pod in &all {
            if let Some(place) = daemon_set(pod)
                && !daemon_sets.contains_key(&place)
            {
                let request = Request::get(&mapping("apps", "daemonsets", "DaemonSet"), &place.0, &place.1);
                let found = cluster.client.json(&request).await.map(drop).map_err(Failure::from);
                daemon_sets.insert(place, found);
            }
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() as i64);
        let mut pods = Pods::default();
        for pod in all {
            let owner = daemon_set(&pod).and_then(|place| daemon_sets.get(&place));
            pods.add(fate(&pod, owner, options, now), pod);
        }
        Ok(pods)
    }

    fn add(&mut self, fate: Fate, pod: Object) {
        let name = format!("{}/{}", pod.namespace(), pod.name());
        let note = |notes: &mut Vec<(String, Vec<String>)>, what: String| match notes.iter_mut().find(|n| n.0 == what) {
            Some((_, names)) => names.push(name.clone()),
            None => notes.push((what, vec![name.clone()])),
        };
        match fate {
            Fate::Leaves => self.leaving.push(pod),
            Fate::LeavesThough(what) => {
                note(&mut self.warned, what);
                self.leaving.push(pod);
            }
            Fate::Stays => {}
            Fate::StaysFor(what) => note(&mut self.warned, what.into()),
            Fate::Blocks(what) => note(&mut self.blocked, what),
        }
    }

    /// What should be known; empty when nothing is special.
    pub fn warnings(&self) -> String {
        let lines = self.warned.iter().map(|(what, names)| format!("{what}: {}", names.join(", ")));
        lines.collect::<Vec<_>>().join("; ")
    }

    /// What is in the way.
    pub fn problems(&self) -> Option<Failure> {
        let told = |(what, names): &(String, Vec<String>)| {
            Failure::message(format!("cannot delete {what}: {}", names.join(", ")))
        };
        Failure::together(self.blocked.iter().map(told).collect())
    }
}

fn is_finished(pod: &Object) -> bool {
    matches!(pod.text(&["status", "phase"]), "Succeeded" | "Failed")
}

/// Namespace and name of the DaemonSet that will make the pod anew.
fn daemon_set(pod: &Object) -> Option<(String, String)> {
    let owner = pod.controller()?;
    let is_daemon_set = owner.text(&["kind"]) == "DaemonSet" && owner.text(&["apiVersion"]) == "apps/v1";
    (is_daemon_set && !is_finished(pod)).then(|| (pod.namespace().into(), owner.text(&["name"]).into()))
}

/// Whether a pod should have been gone for longer than anybody waits.
pub(super) fn is_overdue(pod: &Object, skip_after: i64, now: i64) -> bool {
    let since = unix_seconds(pod.text(&["metadata", "deletionTimestamp"]));
    skip_after > 0 && since.is_some_and(|since| now - since > skip_after)
}

/// Decides on a pod. `owner` says whether its DaemonSet is there, if it has one.
fn fate(pod: &Object, owner: Option<&Result<(), Failure>>, options: &Options, now: i64) -> Fate {
    if is_overdue(pod, options.skip_after, now) {
        return Fate::Stays;
    }
    match owner {
        Some(Ok(())) if options.ignore_daemon_sets => return Fate::StaysFor("ignoring DaemonSet-managed Pods"),
        Some(Ok(())) => return Fate::Blocks("DaemonSet-managed Pods (use --ignore-daemonsets to ignore)".into()),
        Some(Err(failure)) if !(failure.is_not_found() && options.force) => return Fate::Blocks(failure.words()),
        _ => {}
    }
    if pod.annotation(MIRROR).is_some() {
        return Fate::Stays;
    }
    if is_finished(pod) {
        return Fate::Leaves;
    }
    let has_local_data = pod.items_at(&["spec", "volumes"]).iter().any(|volume| volume.get("emptyDir").is_some());
    if has_local_data && !options.delete_local_data {
        return Fate::Blocks("Pods with local storage (use --delete-emptydir-data to override)".into());
    }
    // What is said of a pod's controller is said last, and takes the place of all before.
    match pod.controller() {
        Some(_) => Fate::Leaves,
        None if options.force => Fate::LeavesThough("deleting Pods that declare no controller".into()),
        None => Fate::Blocks("Pods that declare no controller (use --force to override)".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Status, Value};
    use serde_json::json;

    #[test]
    fn who_leaves_and_who_stays() {
        let pod = |extra: Value| {
            let mut pod =
                json!({"metadata": {"name": "p", "namespace": "ns"}, "spec": {}, "status": {"phase": "Running"}});
            for (path, value) in extra.as_object().unwrap() {
                pod.put(&path.split('.').collect::<Vec<_>>(), value.clone());
            }
            pod
        };
        let owned = |kind: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": "o", "controller": true}]);
        let free = || pod(json!({}));
        let kept = |kind: &str| pod(json!({"metadata.ownerReferences": owned(kind)}));
        let scratch = || {
            pod(
                json!({"metadata.ownerReferences": owned("ReplicaSet"), "spec.volumes": [{"name": "v", "emptyDir": {}}]}),
            )
        };
        let there = || Some(Ok(()));
        let gone = || {
            Some(Err(Failure::Status(Box::new(Status::failure(404, "NotFound", "daemonsets.apps \"o\" not found")))))
        };
        let with = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            options
        };
        let (plain, force) = (Options::default(), with(|options| options.force = true));
        let blocks = |text: &str| Fate::Blocks(text.into());
        for (pod, owner, options, wanted) in [
            (kept("ReplicaSet"), None, &plain, Fate::Leaves),
            (free(), None, &plain, blocks("Pods that declare no controller (use --force to override)")),
            (free(), None, &force, Fate::LeavesThough("deleting Pods that declare no controller".into())),
            (pod(json!({"status.phase": "Failed"})), None, &plain, Fate::Leaves),
            (pod(json!({"metadata.annotations": {MIRROR: "x"}})), None, &force, Fate::Stays),
            (kept("DaemonSet"), there(), &plain, blocks("DaemonSet-managed Pods (use --ignore-daemonsets to ignore)")),
            (
                kept("DaemonSet"),
                there(),
                &with(|options| options.ignore_daemon_sets = true),
                Fate::StaysFor("ignoring DaemonSet-managed Pods"),
            ),
            (kept("DaemonSet"), gone(), &plain, blocks("daemonsets.apps \"o\" not found")),
            (kept("DaemonSet"), gone(), &force, Fate::Leaves),
            (scratch(), None, &plain, blocks("Pods with local storage (use --delete-emptydir-data to override)")),
            (scratch(), None, &with(|options| options.delete_local_data = true), Fate::Leaves),
            (
                pod(json!({"metadata.deletionTimestamp": "1970-01-01T00:00:00Z"})),
                None,
                &with(|options| options.skip_after = 9),
                Fate::Stays,
            ),
        ] {
            assert_eq!(fate(&pod, owner.as_ref(), options, 10), wanted, "{pod}");
        }
        assert_eq!(daemon_set(&kept("DaemonSet")), Some(("ns".into(), "o".into())));
        assert_eq!(daemon_set(&kept("ReplicaSet")), None);
    }

    #[test]
    fn pods_are_named_together() {
        let mut pods = Pods::default();
        for (name, fate) in [
            ("a", Fate::StaysFor("ignoring")),
            ("b", Fate::LeavesThough("deleting".into())),
            ("c", Fate::StaysFor("ignoring")),
            ("d", Fate::Blocks("no".into())),
        ] {
            pods.add(fate, json!({"metadata": {"name": name, "namespace": "n"}}));
        }
        assert_eq!(pods.warnings(), "ignoring: n/a, n/c; deleting: n/b");
        assert_eq!(pods.problems().unwrap().words(), "cannot delete no: n/d");
        assert_eq!(pods.leaving.len(), 1);
    }
}
