//! The row of a pod in a table: readiness and status boiled down from its containers.

use super::super::cells::{age, none_if_empty};
use crate::api::time::{human_duration, unix_seconds};
use crate::api::{Object, ObjectExt, Value};
use serde_json::json;

/// What the containers of a pod come to.
struct Summary {
    ready: usize,
    total: usize,
    reason: String,
    restarts: i64,
    last_restart: Option<i64>,
}

/// The cells of a pod.
pub fn cells(pod: &Object, now: i64) -> Vec<Value> {
    let Summary { ready, total, reason, restarts, last_restart } = summary(pod);
    let restarts = match last_restart {
        Some(then) if restarts != 0 => format!("{restarts} ({} ago)", human_duration(now - then)),
        _ => restarts.to_string(),
    };
    let ip = pod.items_at(&["status", "podIPs"]).first().map_or("", |ip| ip.text(&["ip"]));
    vec![
        pod.name().into(),
        format!("{ready}/{total}").into(),
        reason.into(),
        restarts.into(),
        age(pod, now),
        none_if_empty(ip),
        none_if_empty(pod.text(&["spec", "nodeName"])),
        none_if_empty(pod.text(&["status", "nominatedNodeName"])),
        readiness_gates(pod).into(),
    ]
}

fn summary(pod: &Object) -> Summary {
    let phase = pod.text(&["status", "phase"]);
    let sidecars: Vec<&str> =
        pod.items_at(&["spec", "initContainers"]).iter().filter(|c| is_sidecar(c)).map(|c| c.text(&["name"])).collect();
    let mut summary = Summary {
        ready: 0,
        total: pod.items_at(&["spec", "containers"]).len() + sidecars.len(),
        reason: first_text([pod.text(&["status", "reason"]), phase]),
        restarts: 0,
        last_restart: None,
    };
    let gated = |c: &&Value| c.text(&["type"]) == "PodScheduled" && c.text(&["reason"]) == "SchedulingGated";
    if conditions(pod).iter().find(gated).is_some() {
        summary.reason = "SchedulingGated".into();
    }
    let initializing = initializing(pod, &sidecars, &mut summary);
    if !initializing || has_true_condition(pod, "Initialized") {
        let started = pod.items_at(&["status", "initContainerStatuses"]).iter();
        let started = started.filter(|status| sidecars.contains(&status.text(&["name"])));
        (summary.restarts, summary.last_restart) = (0, None);
        started.for_each(|status| summary.count_restarts(status));
        running(pod, &mut summary);
    }
    if pod.at(&["metadata", "deletionTimestamp"]).is_some() {
        if pod.text(&["status", "reason"]) == "NodeLost" {
            summary.reason = "Unknown".into();
        } else if phase != "Failed" && phase != "Succeeded" {
            summary.reason = "Terminating".into();
        }
    }
    summary
}

/// Takes in the init containers up to the first that is not done; says whether there is one.
fn initializing(pod: &Object, sidecars: &[&str], summary: &mut Summary) -> bool {
    for (index, status) in pod.items_at(&["status", "initContainerStatuses"]).iter().enumerate() {
        summary.count_restarts(status);
        let terminated = status.at(&["state", "terminated"]);
        if terminated.is_some_and(|state| exit_code(state) == 0) {
            // A container that a signal ended exits with 0 here, too.
            continue;
        }
        let started = status.at(&["started"]) == Some(&true.into());
        if sidecars.contains(&status.text(&["name"])) && started {
            summary.ready += usize::from(is_ready(status));
            continue;
        }
        let waiting = status.text(&["state", "waiting", "reason"]);
        summary.reason = match terminated {
            Some(state) => format!("Init:{}", ending(state)),
            None if !waiting.is_empty() && waiting != "PodInitializing" => format!("Init:{waiting}"),
            None => format!("Init:{index}/{}", pod.items_at(&["spec", "initContainers"]).len()),
        };
        return true;
    }
    false
}

/// Takes in the main containers, the first one last: its state is the pod's.
fn running(pod: &Object, summary: &mut Summary) {
    let mut any_running = false;
    for status in pod.items_at(&["status", "containerStatuses"]).iter().rev() {
        summary.count_restarts(status);
        let waiting = status.text(&["state", "waiting", "reason"]);
        if !waiting.is_empty() {
            summary.reason = waiting.into();
        } else if let Some(state) = status.at(&["state", "terminated"]) {
            summary.reason = ending(state);
        } else if is_ready(status) && status.at(&["state", "running"]).is_some() {
            any_running = true;
            summary.ready += 1;
        }
    }
    if summary.reason == "Completed" && any_running {
        summary.reason = if has_true_condition(pod, "Ready") { "Running" } else { "NotReady" }.into();
    }
}

impl Summary {
    fn count_restarts(&mut self, status: &Value) {
        self.restarts += status.integer(&["restartCount"]).unwrap_or(0);
        let finished = unix_seconds(status.text(&["lastState", "terminated", "finishedAt"]));
        self.last_restart = self.last_restart.max(finished);
    }
}

/// How a container ended: its reason, its signal or its exit code.
fn ending(terminated: &Value) -> String {
    let reason = terminated.text(&["reason"]);
    match terminated.integer(&["signal"]).unwrap_or(0) {
        _ if !reason.is_empty() => reason.into(),
        0 => format!("ExitCode:{}", exit_code(terminated)),
        signal => format!("Signal:{signal}"),
    }
}

fn exit_code(terminated: &Value) -> i64 {
    terminated.integer(&["exitCode"]).unwrap_or(0)
}

fn is_sidecar(container: &Value) -> bool {
    container.text(&["restartPolicy"]) == "Always"
}

fn is_ready(status: &Value) -> bool {
    status.at(&["ready"]) == Some(&true.into())
}

fn first_text<const N: usize>(texts: [&str; N]) -> String {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or("").into()
}

fn conditions(pod: &Object) -> &[Value] {
    pod.items_at(&["status", "conditions"])
}

fn has_true_condition(pod: &Object, kind: &str) -> bool {
    conditions(pod).iter().any(|c| c.text(&["type"]) == kind && c.text(&["status"]) == "True")
}

fn readiness_gates(pod: &Object) -> String {
    let gates = pod.items_at(&["spec", "readinessGates"]);
    if gates.is_empty() {
        return "<none>".into();
    }
    let open = gates.iter().filter(|gate| has_true_condition(pod, gate.text(&["conditionType"]))).count();
    format!("{open}/{}", gates.len())
}

/// What the row of a pod says of pods that are done.
pub(super) fn conditions_of_row(pod: &Object) -> Vec<Value> {
    let (reason, message) = match pod.text(&["status", "phase"]) {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return Vec::new(),
    };
    vec![json!({"type": "Completed", "status": "True", "reason": reason, "message": message})]
}
