//! Going back to what was rolled out before.

use super::history::{History, without_hash};
use super::{REVISION, Workload};
use crate::api::{Map, Object, ObjectExt, Value, json};
use crate::client::PatchKind;
use crate::ops::edit::Sending;
use crate::ops::infos::Info;
use crate::ops::last_applied::ANNOTATION as LAST_APPLIED;
use crate::ops::options::DryRun;
use crate::ops::{Cluster, Failure};
use serde_json::json;

/// The annotations that a Deployment keeps, and does not get from an older ReplicaSet.
const KEPT: [&str; 6] = [
    LAST_APPLIED,
    REVISION,
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
];

/// What came of going back.
#[derive(Debug, PartialEq)]
pub enum Undone {
    /// It is done, or would be.
    RolledBack,
    /// All is as it was then, already.
    Skipped,
    /// Only this was found out: what the pods would be, and the words before it.
    Would(&'static str, Value),
}

/// Goes back to a revision, or, with 0, to the one before.
pub async fn undo(cluster: &Cluster, info: &Info, revision: i64, dry_run: DryRun) -> Result<Undone, Failure> {
    let workload = Workload::of(&info.mapping.gvk, "rollbacker", "rollbacker")?;
    if revision < 0 {
        return Err(no_such_revision(revision));
    }
    let history = History::read(cluster, info, workload).await?;
    let kept = match workload {
        Workload::Deployment => replica_set(&history, revision)?,
        _ => controller_revision(&history, revision)?,
    };
    let template = history.template(kept)?;
    let is_deployment = workload == Workload::Deployment;
    if dry_run == DryRun::Client {
        let lead = if is_deployment { "" } else { "will roll back to " };
        return Ok(Undone::Would(lead, template));
    }
    let paused = info.object.at(&["spec", "paused"]).and_then(Value::as_bool).unwrap_or_default();
    if is_deployment && paused {
        return Err(Failure::message(
            "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again",
        ));
    }
    let current = info.object.at(&["spec", "template"]).cloned().unwrap_or_default();
    let data = || kept.at(&["data"]).cloned().unwrap_or_default();
    let is_same = match is_deployment {
        true => without_hash(template.clone()) == without_hash(current),
        false => whole(current) == data(),
    };
    if is_same {
        return Ok(Undone::Skipped);
    }
    let (kind, patch) = match is_deployment {
        true => (PatchKind::Json, replacement(without_hash(template), annotations(&info.object, kept))),
        false => (PatchKind::Strategic, data()),
    };
    let sending = Sending { dry_run, ..Sending::default() };
    let sent = sending.patch(cluster, info, kind, json::to_string(&patch).into_bytes()).await;
    match sent {
        Ok(_) => Ok(Undone::RolledBack),
        Err(failure) => Err(Failure::message(format!("failed restoring revision {revision}: {}", failure.words()))),
    }
}

fn no_such_revision(revision: i64) -> Failure {
    Failure::message(format!("unable to find specified revision {revision} in history"))
}

/// The ReplicaSet of a revision, or, with 0, of the highest number but one.
fn replica_set(history: &History, revision: i64) -> Result<&Object, Failure> {
    if revision > 0 {
        let set = history.revisions.iter().find(|(number, _)| *number == revision);
        return set.map(|(_, set)| set).ok_or_else(|| no_such_revision(revision));
    }
    let (mut newest, mut before) = (None, None);
    for (number, set) in &history.revisions {
        let is_above = |other: Option<(i64, &Object)>| other.is_none_or(|(known, _)| known < *number);
        if is_above(newest) {
            before = newest.replace((*number, set));
        } else if is_above(before) {
            before = Some((*number, set));
        }
    }
    before
        .map(|(_, set)| set)
        .ok_or_else(|| Failure::message(format!("no rollout history found for deployment {:?}", history.object.name())))
}

/// The ControllerRevision of a revision, or, with 0, the last but one.
fn controller_revision(history: &History, revision: i64) -> Result<&Object, Failure> {
    let mut kept: Vec<&(i64, Object)> = history.revisions.iter().collect();
    if revision > 0 {
        let found = kept.iter().find(|(number, _)| *number == revision);
        return found.map(|(_, kept)| kept).ok_or_else(|| no_such_revision(revision));
    }
    kept.sort_by_key(|(number, _)| *number);
    match kept.as_slice() {
        [.., (_, kept), _] => Ok(kept),
        _ => Err(Failure::message("no last revision to roll back to")),
    }
}

/// What a controller keeps of its template.
fn whole(mut template: Value) -> Value {
    template.put(&["$patch"], "replace");
    json!({"spec": {"template": template}})
}

/// The annotations that the Deployment has after it went back.
fn annotations(deployment: &Object, set: &Object) -> Value {
    let of = |object: &Object, kept: bool| -> Map<String, Value> {
        let all = object.map_at(&["metadata", "annotations"]).into_iter().flatten();
        all.filter(|(key, _)| KEPT.contains(&key.as_str()) == kept).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    Value::Object(of(deployment, true).into_iter().chain(of(set, false)).collect())
}

fn replacement(template: Value, annotations: Value) -> Value {
    json!([
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": annotations},
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_revision() {
        let history = |numbers: &[i64]| History {
            workload: Workload::Deployment,
            object: json!({"metadata": {"name": "d"}}),
            revisions: numbers.iter().map(|n| (*n, json!({"metadata": {"name": n.to_string()}}))).collect(),
        };
        type Pick = fn(&History, i64) -> Result<&Object, Failure>;
        let (sets, others): (Pick, Pick) = (replica_set, controller_revision);
        for (numbers, revision, pick, chosen) in [
            (&[3, 1, 2][..], 0, sets, "2"),
            (&[3, 1, 2], 1, sets, "1"),
            (&[3, 1, 2], 4, sets, "unable to find specified revision 4 in history"),
            (&[3], 0, sets, "no rollout history found for deployment \"d\""),
            (&[], 0, sets, "no rollout history found for deployment \"d\""),
            (&[3, 1, 2], 0, others, "2"),
            (&[3], 0, others, "no last revision to roll back to"),
            (&[3], 3, others, "3"),
            (&[], 3, others, "unable to find specified revision 3 in history"),
        ] {
            let history = history(numbers);
            let found = pick(&history, revision).map_or_else(|failure| failure.words(), |kept| kept.name().to_string());
            assert_eq!(found, chosen, "{numbers:?} {revision}");
        }
    }

    #[test]
    fn some_annotations_stay() {
        let deployment = json!({"metadata": {"annotations": {LAST_APPLIED: "{}", "own": "lost", REVISION: "3"}}});
        let set = json!({"metadata": {"annotations": {"older": "back", REVISION: "1"}}});
        assert_eq!(annotations(&deployment, &set), json!({LAST_APPLIED: "{}", REVISION: "3", "older": "back"}));
    }
}
