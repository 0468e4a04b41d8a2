//! Why a rollout is not through yet: what its status says, and what keeps its pods from being ready. For a person who
//! waits.

use super::{REVISION, Workload};
use crate::api::{GroupVersionResource, Object, ObjectExt, Value};
use crate::client::{METADATA_LIST, Mapping, Request};
use crate::expr::label_selector;
use crate::ops::delete::why_there;
use crate::ops::{Cluster, Failure, lists};
use std::collections::BTreeMap;

/// How many pods and ReplicaSets are looked at: a sample is enough to see what is wrong.
const SAMPLE: &str = "500";

/// Who looks at the pods of one controller.
pub struct Onlooker<'a> {
    cluster: &'a Cluster,
    workload: Workload,
    /// A Deployment's revision, and the uid of the ReplicaSet that has it.
    newest: Option<(String, String)>,
}

impl<'a> Onlooker<'a> {
    /// An onlooker for a controller of this sort.
    pub fn new(cluster: &'a Cluster, workload: Workload) -> Self {
        Self { cluster, workload, newest: None }
    }

    /// What keeps the pods from being ready, a line each, the gravest first.
    ///
    /// # Errors
    /// When pods or what belongs to them cannot be read.
    pub async fn why(&mut self, object: &Object) -> Result<Vec<String>, Failure> {
        let selector = label_selector::text(object.at(&["spec", "selector"])).unwrap_or_default();
        if selector.is_empty() {
            return Ok(Vec::new());
        }
        let owner = match self.workload {
            Workload::Deployment => self.replica_set(object, &selector).await?,
            _ => object.uid().to_string(),
        };
        let pods = self.list(object, ("", "pods"), ("labelSelector", &selector), false).await?;
        let (new, old): (Vec<_>, Vec<_>) =
            pods.iter().partition(|pod| owner.is_empty() || pod.is_controlled_by(&owner));
        let mut why = summed_up(&new);
        if why.is_empty() {
            // What is left of the old ones may be all that is waited for.
            let leaving: Vec<_> = old.into_iter().filter(|pod| is_leaving(pod)).collect();
            why = summed_up(&leaving);
        }
        // The status of a Deployment says itself that pods cannot be made.
        if why.is_empty() && self.workload != Workload::Deployment {
            why = self.warned(object).await?;
        }
        if why.is_empty() {
            let seconds = object.integer(&["spec", "minReadySeconds"]).filter(|seconds| *seconds > 0);
            why.extend(seconds.map(|seconds| format!("pods count once they have been ready for {seconds}s")));
        }
        Ok(why)
    }

    /// The uid of the ReplicaSet that has the Deployment's revision; empty when there is none yet.
    async fn replica_set(&mut self, object: &Object, selector: &str) -> Result<String, Failure> {
        let revision = object.annotation(REVISION).unwrap_or_default();
        if let Some((known, uid)) = &self.newest
            && known == revision
        {
            return Ok(uid.clone());
        }
        let sets = self.list(object, ("apps", "replicasets"), ("labelSelector", selector), true).await?;
        let is_newest = |set: &&Object| {
            set.is_controlled_by(object.uid()) && set.annotation(REVISION).unwrap_or_default() == revision
        };
        let Some(newest) = sets.iter().find(is_newest).filter(|_| !revision.is_empty()) else {
            return Ok(String::new());
        };
        self.newest = Some((revision.into(), newest.uid().into()));
        Ok(newest.uid().into())
    }

    /// The last warning among the controller's events.
    async fn warned(&self, object: &Object) -> Result<Vec<String>, Failure> {
        let fields = format!("involvedObject.uid={},type=Warning", object.uid());
        let events = self.list(object, ("", "events"), ("fieldSelector", &fields), false).await?;
        let last = events.iter().max_by_key(|event| event.text(&["lastTimestamp"]));
        Ok(last.map(|event| worded(event.text(&["reason"]), event.text(&["message"]))).into_iter().collect())
    }

    async fn list(
        &self,
        object: &Object,
        (group, resource): (&str, &str),
        (by, selector): (&str, &str),
        only_metadata: bool,
    ) -> Result<Vec<Object>, Failure> {
        let gvr = GroupVersionResource::new(group, "v1", resource);
        let mapping = Mapping { gvr, namespaced: true, ..Mapping::default() };
        let mut request = Request::list(&mapping, object.namespace()).query("limit", SAMPLE).query(by, selector);
        if only_metadata {
            request = request.accept(METADATA_LIST);
        }
        Ok(lists::items(self.cluster.client.json(&request).await?))
    }
}

/// How far a rollout is: `web: 2 of 3 pods updated, 1 available`.
pub fn how_far(object: &Object, workload: Workload) -> String {
    let count = |field: &str| object.integer(&["status", field]).unwrap_or_default();
    let replicas = || object.integer(&["spec", "replicas"]).unwrap_or(1);
    let (wanted, updated, good, word) = match workload {
        Workload::Deployment => (replicas(), "updatedReplicas", "availableReplicas", "available"),
        Workload::DaemonSet => {
            (count("desiredNumberScheduled"), "updatedNumberScheduled", "numberAvailable", "available")
        }
        Workload::StatefulSet => (replicas(), "updatedReplicas", "readyReplicas", "ready"),
    };
    format!("{}: {} of {wanted} pods updated, {} {word}", object.name(), count(updated), count(good))
}

/// What the object says itself of why it does not go on.
pub fn said(object: &Object) -> Vec<String> {
    let mut said = Vec::new();
    let observed = object.integer(&["status", "observedGeneration"]).unwrap_or_default();
    if object.integer(&["metadata", "generation"]).unwrap_or_default() > observed {
        said.push("its controller has not looked at the change yet".to_string());
    }
    if object.at(&["spec", "paused"]) == Some(&Value::Bool(true)) {
        said.push("it is paused, until `rollout resume`".into());
    }
    let fails =
        |condition: &&Value| condition.text(&["type"]) == "ReplicaFailure" && condition.text(&["status"]) == "True";
    let failures = object.items_at(&["status", "conditions"]).iter().filter(fails);
    said.extend(failures.map(|failure| worded(failure.text(&["reason"]), failure.text(&["message"]))));
    said
}

fn is_leaving(pod: &Object) -> bool {
    pod.at(&["metadata", "deletionTimestamp"]).is_some()
}

/// What keeps pods from being ready, those with the same trouble in one line.
fn summed_up(pods: &[&Object]) -> Vec<String> {
    let mut troubles: BTreeMap<Trouble, Vec<&str>> = BTreeMap::new();
    for pod in pods {
        if let Some(trouble) = trouble(pod) {
            troubles.entry(trouble).or_default().push(pod.name());
        }
    }
    let line = |(Trouble { words, .. }, names): (Trouble, Vec<&str>)| match names.as_slice() {
        [] => words,
        [one] => format!("{one}: {words}"),
        [one, more @ ..] => format!("{one} and {} more: {words}", more.len()),
    };
    troubles.into_iter().map(line).collect()
}

/// What keeps a pod from being ready; the gravest first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Trouble {
    grade: Grade,
    words: String,
}

/// How grave it is.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    /// It will not be ready unless something is changed.
    Fails,
    /// There is no place for it.
    Homeless,
    /// It runs, and does not do what it should.
    Unready,
    /// That is to be expected for a while.
    Passing,
}

impl Grade {
    fn with(self, words: impl Into<String>) -> Option<Trouble> {
        Some(Trouble { grade: self, words: words.into() })
    }
}

/// What keeps a pod from being ready; none when it is.
fn trouble(pod: &Object) -> Option<Trouble> {
    let status = |path: &str| pod.text(&["status", path]);
    let condition =
        |name: &str| pod.items_at(&["status", "conditions"]).iter().find(|condition| condition.text(&["type"]) == name);
    let is_true = |name: &str| condition(name).is_some_and(|found| found.text(&["status"]) == "True");
    if is_leaving(pod) {
        return Grade::Passing.with(why_there(pod));
    }
    if is_true("Ready") {
        return None;
    }
    if status("phase") == "Failed" || !status("reason").is_empty() {
        let reason = if status("reason").is_empty() { "Failed" } else { status("reason") };
        return Grade::Fails.with(worded(reason, status("message")));
    }
    match condition("PodScheduled") {
        Some(found) if found.text(&["status"]) == "False" => {
            return Grade::Homeless.with(worded(found.text(&["reason"]), found.text(&["message"])));
        }
        None if pod.text(&["spec", "nodeName"]).is_empty() => return Grade::Homeless.with("is not scheduled yet"),
        _ => {}
    }
    let statuses = |field: &str| pod.items_at(&["status", field]).iter();
    // Init containers run one after the other: the first that is not through is what the others wait for.
    let initial = statuses("initContainerStatuses").find_map(|status| container(status, "init container", true));
    let main = || statuses("containerStatuses").filter_map(|status| container(status, "container", false)).min();
    if let Some(trouble) = initial.or_else(main) {
        return Some(trouble);
    }
    let gates = pod.items_at(&["spec", "readinessGates"]).iter().map(|gate| gate.text(&["conditionType"]));
    if let Some(gate) = gates.into_iter().find(|gate| !is_true(gate)) {
        return Grade::Unready.with(format!("waits for its readiness gate {gate}"));
    }
    match condition("Ready") {
        Some(found) => Grade::Unready.with(worded(found.text(&["reason"]), found.text(&["message"]))),
        None => Grade::Passing.with("starts"),
    }
}

/// What keeps a container from being ready, or an init container from being through.
fn container(status: &Value, what: &str, is_initial: bool) -> Option<Trouble> {
    let name = format!("{what} {:?}", status.text(&["name"]));
    let is = |field: &str| status.at(&[field]) == Some(&Value::Bool(true));
    if let Some(waiting) = status.at(&["state", "waiting"]) {
        let (reason, message) = (waiting.text(&["reason"]), waiting.text(&["message"]));
        let last = status.at(&["lastState", "terminated"]).map(ended);
        return match (reason, last) {
            ("" | "ContainerCreating" | "PodInitializing", _) => {
                Grade::Passing.with(format!("{name}: {}", worded(reason, message)))
            }
            // The message says only how long the pause is, and names the pod.
            ("CrashLoopBackOff", Some(ended)) => Grade::Fails.with(format!("{name}: {reason}, {ended}")),
            _ => Grade::Fails.with(format!("{name}: {}", worded(reason, message))),
        };
    }
    if let Some(terminated) = status.at(&["state", "terminated"]) {
        let is_through = is_initial && terminated.integer(&["exitCode"]).unwrap_or_default() == 0;
        return if is_through { None } else { Grade::Fails.with(format!("{name}: {}", ended(terminated))) };
    }
    match () {
        // One that goes on beside the others (a sidecar) is through when it has started.
        () if is("ready") || (is_initial && is("started")) => None,
        () if is_initial => Grade::Passing.with(format!("{name} runs")),
        () if is("started") => Grade::Unready.with(format!("{name} runs, and is not ready")),
        () => Grade::Passing.with(format!("{name} has not started up yet")),
    }
}

/// How a container ended.
fn ended(terminated: &Value) -> String {
    let code = terminated.integer(&["exitCode"]).unwrap_or_default();
    match terminated.text(&["reason"]) {
        "" => format!("ended with exit code {code}"),
        reason => format!("ended with {reason}, exit code {code}"),
    }
}

fn worded(reason: &str, message: &str) -> String {
    match (reason, message) {
        ("", "") => "waits".into(),
        (reason, "") => reason.into(),
        ("", message) => message.into(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(spec: Value, status: Value) -> Object {
        let mut pod = json!({"metadata": {"name": "p"}, "spec": {"nodeName": "n"}, "status": {"phase": "Pending"}});
        for (part, fields) in [("spec", spec), ("status", status)] {
            for (field, value) in fields.as_object().unwrap() {
                pod.put(&[part, field], value.clone());
            }
        }
        pod
    }

    #[test]
    fn what_keeps_a_pod_from_being_ready_is_said() {
        use Grade::*;
        let with = |state: Value| {
            let mut status = json!({"name": "c"});
            state.as_object().unwrap().iter().for_each(|(field, value)| status.put(&[field], value.clone()));
            pod(json!({}), json!({"containerStatuses": [{"name": "a", "ready": true}, status]}))
        };
        let initial = |state: Value| {
            let mut status = json!({"name": "i"});
            state.as_object().unwrap().iter().for_each(|(field, value)| status.put(&[field], value.clone()));
            let waiting = json!([{"name": "c", "state": {"waiting": {"reason": "PodInitializing"}}}]);
            pod(json!({}), json!({"initContainerStatuses": [status], "containerStatuses": waiting}))
        };
        let conditions = |conditions: Value| pod(json!({}), json!({"conditions": conditions}));
        let scheduled = json!({"type": "PodScheduled", "status": "True"});
        let unready = json!({"type": "Ready", "status": "False", "reason": "R", "message": "m"});
        let mut leaving = with(json!({"ready": true}));
        leaving.put(&["metadata", "deletionTimestamp"], "2026-11-21T10:00:00Z");
        leaving.put(&["metadata", "deletionGracePeriodSeconds"], 30);
        for (pod, want) in [
            (conditions(json!([{"type": "Ready", "status": "True"}])), None),
            (leaving, Some((Passing, "has 30s to end"))),
            (
                pod(json!({}), json!({"phase": "Failed", "reason": "Evicted", "message": "disk"})),
                Some((Fails, "Evicted: disk")),
            ),
            (
                conditions(
                    json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}]),
                ),
                Some((Homeless, "Unschedulable: 0/3 nodes")),
            ),
            (pod(json!({"nodeName": ""}), json!({})), Some((Homeless, "is not scheduled yet"))),
            (
                with(json!({"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}})),
                Some((Fails, "container \"c\": ImagePullBackOff: no such image")),
            ),
            (
                with(json!({"state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off p"}},
                    "lastState": {"terminated": {"reason": "Error", "exitCode": 3}}})),
                Some((Fails, "container \"c\": CrashLoopBackOff, ended with Error, exit code 3")),
            ),
            (
                with(json!({"state": {"waiting": {"reason": "ContainerCreating"}}})),
                Some((Passing, "container \"c\": ContainerCreating")),
            ),
            (
                with(json!({"state": {"terminated": {"exitCode": 0}}})),
                Some((Fails, "container \"c\": ended with exit code 0")),
            ),
            (
                with(json!({"started": true, "state": {"running": {}}})),
                Some((Unready, "container \"c\" runs, and is not ready")),
            ),
            (with(json!({"state": {"running": {}}})), Some((Passing, "container \"c\" has not started up yet"))),
            (
                initial(json!({"state": {"waiting": {"reason": "ErrImagePull"}}})),
                Some((Fails, "init container \"i\": ErrImagePull")),
            ),
            (initial(json!({"state": {"running": {}}})), Some((Passing, "init container \"i\" runs"))),
            (
                initial(json!({"state": {"terminated": {"exitCode": 0}}})),
                Some((Passing, "container \"c\": PodInitializing")),
            ),
            (
                initial(json!({"started": true, "state": {"running": {}}})),
                Some((Passing, "container \"c\": PodInitializing")),
            ),
            (
                pod(json!({"readinessGates": [{"conditionType": "g/x"}]}), json!({"conditions": [unready, scheduled]})),
                Some((Unready, "waits for its readiness gate g/x")),
            ),
            (conditions(json!([unready, scheduled])), Some((Unready, "R: m"))),
            (conditions(json!([scheduled])), Some((Passing, "starts"))),
        ] {
            let want = want.map(|(grade, words)| Trouble { grade, words: words.into() });
            assert_eq!(trouble(&pod), want, "{pod}");
        }
    }

    #[test]
    fn the_same_trouble_is_told_once_and_the_gravest_first() {
        let named = |name: &str, mut pod: Object| {
            pod.put(&["metadata", "name"], name);
            pod
        };
        let creating =
            json!({"containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "ContainerCreating"}}}]});
        let pods = [
            named("a", pod(json!({}), creating)),
            named("b", pod(json!({}), json!({"reason": "Evicted"}))),
            named("c", pod(json!({}), json!({"reason": "Evicted"}))),
            named("d", pod(json!({}), json!({"conditions": [{"type": "Ready", "status": "True"}]}))),
        ];
        let pods: Vec<&Object> = pods.iter().collect();
        assert_eq!(summed_up(&pods), ["b and 1 more: Evicted", "a: container \"c\": ContainerCreating"]);
    }

    #[test]
    fn what_the_object_says_is_told() {
        let object = json!({
            "metadata": {"name": "web", "generation": 3},
            "spec": {"replicas": 3, "paused": true},
            "status": {"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 1, "readyReplicas": 4,
                "desiredNumberScheduled": 5, "updatedNumberScheduled": 6, "numberAvailable": 7,
                "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"},
                    {"type": "Progressing", "status": "True", "reason": "x"}]},
        });
        let lines = [
            "its controller has not looked at the change yet",
            "it is paused, until `rollout resume`",
            "FailedCreate: exceeded quota",
        ];
        assert_eq!(said(&object), lines);
        for (workload, words) in [
            (Workload::Deployment, "web: 2 of 3 pods updated, 1 available"),
            (Workload::DaemonSet, "web: 6 of 5 pods updated, 7 available"),
            (Workload::StatefulSet, "web: 2 of 3 pods updated, 4 ready"),
        ] {
            assert_eq!(how_far(&object, workload), words);
        }
        assert_eq!(said(&json!({"metadata": {"generation": 1}, "status": {"observedGeneration": 1}})), [""; 0]);
    }
}
