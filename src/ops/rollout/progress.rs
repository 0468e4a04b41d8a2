//! How far a rollout is.

use super::{REVISION, number};
use crate::api::{GroupVersionKind, Object, ObjectExt};
use crate::ops::Failure;

/// How far it is, and whether that is the end.
#[derive(Debug, PartialEq, Eq)]
pub struct Progress {
    /// A line for the user.
    pub text: String,
    /// Whether there is nothing more to wait for.
    pub done: bool,
}

/// How the progress of a kind is told; the number is the revision that is asked about, 0 for any.
pub type Viewer = fn(&Object, i64) -> Result<Progress, String>;

/// What tells the progress of a kind.
pub fn viewer(kind: &GroupVersionKind) -> Result<Viewer, Failure> {
    match kind.group_kind().as_str() {
        "Deployment.apps" | "Deployment.extensions" => Ok(deployment),
        "DaemonSet.apps" | "DaemonSet.extensions" => Ok(daemon_set),
        "StatefulSet.apps" => Ok(stateful_set),
        name => Err(Failure::message(format!("no status viewer has been implemented for {name}"))),
    }
}

fn going_on(text: String) -> Result<Progress, String> {
    Ok(Progress { text, done: false })
}

fn done(text: String) -> Result<Progress, String> {
    Ok(Progress { text, done: true })
}

/// A number of the status.
fn count(object: &Object, field: &str) -> i64 {
    object.integer(&["status", field]).unwrap_or_default()
}

fn generation(object: &Object) -> i64 {
    object.integer(&["metadata", "generation"]).unwrap_or_default()
}

fn deployment(object: &Object, revision: i64) -> Result<Progress, String> {
    let name = object.name();
    if revision > 0 {
        let running = object.annotation(REVISION).map_or(Ok(0), number);
        let running = running.map_err(|error| format!("cannot get the revision of deployment {name:?}: {error}"))?;
        if running != revision {
            return Err(format!("desired revision ({revision}) is different from the running revision ({running})"));
        }
    }
    if generation(object) > count(object, "observedGeneration") {
        return going_on("Waiting for deployment spec update to be observed...\n".into());
    }
    let conditions = object.items_at(&["status", "conditions"]);
    let progressing = conditions.iter().find(|condition| condition.text(&["type"]) == "Progressing");
    if progressing.is_some_and(|condition| condition.text(&["reason"]) == "ProgressDeadlineExceeded") {
        return Err(format!("deployment {name:?} exceeded its progress deadline"));
    }
    let waiting = format!("Waiting for deployment {name:?} rollout to finish");
    let (replicas, updated) = (count(object, "replicas"), count(object, "updatedReplicas"));
    let available = count(object, "availableReplicas");
    match object.integer(&["spec", "replicas"]) {
        Some(wanted) if updated < wanted => {
            going_on(format!("{waiting}: {updated} out of {wanted} new replicas have been updated...\n"))
        }
        _ if replicas > updated => {
            going_on(format!("{waiting}: {} old replicas are pending termination...\n", replicas - updated))
        }
        _ if available < updated => {
            going_on(format!("{waiting}: {available} of {updated} updated replicas are available...\n"))
        }
        _ => done(format!("deployment {name:?} successfully rolled out\n")),
    }
}

/// Only this strategy makes a rollout of its own.
fn must_roll(object: &Object) -> Result<(), String> {
    match object.text(&["spec", "updateStrategy", "type"]) {
        "RollingUpdate" => Ok(()),
        _ => Err("rollout status is only available for RollingUpdate strategy type".into()),
    }
}

fn daemon_set(object: &Object, _revision: i64) -> Result<Progress, String> {
    must_roll(object)?;
    let name = object.name();
    if generation(object) > count(object, "observedGeneration") {
        return going_on("Waiting for daemon set spec update to be observed...\n".into());
    }
    let waiting = format!("Waiting for daemon set {name:?} rollout to finish");
    let (wanted, updated) = (count(object, "desiredNumberScheduled"), count(object, "updatedNumberScheduled"));
    let available = count(object, "numberAvailable");
    if updated < wanted {
        return going_on(format!("{waiting}: {updated} out of {wanted} new pods have been updated...\n"));
    }
    if available < wanted {
        return going_on(format!("{waiting}: {available} of {wanted} updated pods are available...\n"));
    }
    done(format!("daemon set {name:?} successfully rolled out\n"))
}

fn stateful_set(object: &Object, _revision: i64) -> Result<Progress, String> {
    must_roll(object)?;
    let observed = count(object, "observedGeneration");
    if observed == 0 || generation(object) > observed {
        return going_on("Waiting for statefulset spec update to be observed...\n".into());
    }
    let wanted = object.integer(&["spec", "replicas"]);
    let (ready, updated) = (count(object, "readyReplicas"), count(object, "updatedReplicas"));
    if let Some(wanted) = wanted.filter(|wanted| ready < *wanted) {
        return going_on(format!("Waiting for {} pods to be ready...\n", wanted - ready));
    }
    if let Some(rolling) = object.at(&["spec", "updateStrategy", "rollingUpdate"]).filter(|value| value.is_object()) {
        if let Some((wanted, partition)) = wanted.zip(rolling.integer(&["partition"]))
            && updated < wanted - partition
        {
            let wanted = wanted - partition;
            return going_on(format!(
                "Waiting for partitioned roll out to finish: {updated} out of {wanted} new pods have been updated...\n"
            ));
        }
        return done(format!("partitioned roll out complete: {updated} new pods have been updated...\n"));
    }
    let (update, current) = (object.text(&["status", "updateRevision"]), object.text(&["status", "currentRevision"]));
    if update != current {
        return going_on(format!(
            "waiting for statefulset rolling update to complete {updated} pods at revision {update}...\n"
        ));
    }
    let pods = count(object, "currentReplicas");
    done(format!("statefulset rolling update complete {pods} pods at revision {current}...\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Value;
    use serde_json::json;

    fn told(viewer: Viewer, spec: Value, status: Value) -> String {
        let metadata = json!({"name": "x", "generation": 2, "annotations": {REVISION: "3"}});
        let object = json!({"metadata": metadata, "spec": spec, "status": status});
        match viewer(&object, 0) {
            Ok(Progress { text, done: true }) => format!("end: {}", text.trim_end()),
            Ok(Progress { text, .. }) => text.trim_end().into(),
            Err(problem) => format!("error: {problem}"),
        }
    }

    #[test]
    fn deployments() {
        for (status, said) in [
            (json!({"observedGeneration": 1}), "Waiting for deployment spec update to be observed..."),
            (
                json!({"observedGeneration": 2, "conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]}),
                "error: deployment \"x\" exceeded its progress deadline",
            ),
            (json!({"observedGeneration": 2, "updatedReplicas": 1}), "1 out of 3 new replicas have been updated..."),
            (
                json!({"observedGeneration": 2, "updatedReplicas": 3, "replicas": 5}),
                "2 old replicas are pending termination...",
            ),
            (
                json!({"observedGeneration": 2, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 1}),
                "1 of 3 updated replicas are available...",
            ),
            (
                json!({"observedGeneration": 2, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 3}),
                "end: deployment \"x\" successfully rolled out",
            ),
        ] {
            let told = told(deployment, json!({"replicas": 3}), status);
            assert!(told.ends_with(said), "{told}");
        }
    }

    #[test]
    fn another_revision_is_refused() {
        let of = |revision: &str| json!({"metadata": {"name": "x", "annotations": {REVISION: revision}}});
        assert_eq!(
            deployment(&of("3"), 2).unwrap_err(),
            "desired revision (2) is different from the running revision (3)"
        );
        assert!(deployment(&of("3"), 3).is_ok());
        assert!(deployment(&of("x"), 3).unwrap_err().contains("cannot get the revision of deployment \"x\": strconv"));
    }

    #[test]
    fn daemon_sets() {
        let rolling = || json!({"updateStrategy": {"type": "RollingUpdate"}});
        for (spec, status, said) in [
            (
                json!({"updateStrategy": {"type": "OnDelete"}}),
                json!({}),
                "error: rollout status is only available for RollingUpdate strategy type",
            ),
            (rolling(), json!({}), "Waiting for daemon set spec update to be observed..."),
            (
                rolling(),
                json!({"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 1}),
                "Waiting for daemon set \"x\" rollout to finish: 1 out of 2 new pods have been updated...",
            ),
            (
                rolling(),
                json!({"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2}),
                "Waiting for daemon set \"x\" rollout to finish: 0 of 2 updated pods are available...",
            ),
            (rolling(), json!({"observedGeneration": 2}), "end: daemon set \"x\" successfully rolled out"),
        ] {
            assert_eq!(told(daemon_set, spec, status), said);
        }
    }

    #[test]
    fn stateful_sets() {
        let with = |rolling: Value| json!({"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": rolling}});
        for (spec, status, said) in [
            (with(Value::Null), json!({}), "Waiting for statefulset spec update to be observed..."),
            (
                with(Value::Null),
                json!({"observedGeneration": 2, "readyReplicas": 1}),
                "Waiting for 2 pods to be ready...",
            ),
            (
                with(json!({"partition": 1})),
                json!({"observedGeneration": 2, "readyReplicas": 3, "updatedReplicas": 1}),
                "Waiting for partitioned roll out to finish: 1 out of 2 new pods have been updated...",
            ),
            (
                with(json!({"partition": 1})),
                json!({"observedGeneration": 2, "readyReplicas": 3, "updatedReplicas": 2}),
                "end: partitioned roll out complete: 2 new pods have been updated...",
            ),
            (
                with(Value::Null),
                json!({"observedGeneration": 2, "readyReplicas": 3, "updatedReplicas": 2, "updateRevision": "b", "currentRevision": "a"}),
                "waiting for statefulset rolling update to complete 2 pods at revision b...",
            ),
            (
                with(Value::Null),
                json!({"observedGeneration": 2, "readyReplicas": 3, "currentReplicas": 3, "updateRevision": "b", "currentRevision": "b"}),
                "end: statefulset rolling update complete 3 pods at revision b...",
            ),
        ] {
            assert_eq!(told(stateful_set, spec, status), said);
        }
    }
}
