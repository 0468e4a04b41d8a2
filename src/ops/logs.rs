//! Containers' logs: whose they are, and reading them.

use super::pod_template::go_type;
use super::{Cluster, Failure};
use crate::api::{GroupVersionKind, GroupVersionResource, Object, ObjectExt, Value, time};
use crate::client::{Mapping, Request};
use crate::expr::label_selector;
use serde_json::json;
use std::cmp::{Ordering, Reverse};
use std::time::Duration;

/// The container that a pod's author thinks of first (KEP-2227).
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";
/// Where a pod's specification lists containers, with what names of them end with.
const LISTS: [(&str, &str); 3] =
    [("containers", ""), ("ephemeralContainers", " (ephem)"), ("initContainers", " (init)")];

/// What is wanted of a log: the `PodLogOptions` of the API.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// The container; empty for the pod's default.
    pub container: String,
    /// Whether to stay for what comes.
    pub follow: bool,
    /// Of the instance before the last restart.
    pub previous: bool,
    /// The time before each line.
    pub timestamps: bool,
    /// Whether the kubelet may be anybody.
    pub insecure_backend: bool,
    /// At most this many bytes.
    pub limit_bytes: Option<i64>,
    /// The last lines alone.
    pub tail_lines: Option<i64>,
    /// What is newer than so many seconds.
    pub since_seconds: Option<i64>,
    /// What is newer than this time (RFC 3339); empty for all.
    pub since_time: String,
}

/// A container's log.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
}

impl Log {
    /// The request for it.
    pub fn request(&self, wanted: &Wanted) -> Request {
        let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        let switch = |on: bool| if on { "true" } else { "" };
        Request::get(&pods(), &self.namespace, &self.pod)
            .subresource("log")
            .query("container", &self.container)
            .query_if("follow", switch(wanted.follow))
            .query_if("insecureSkipTLSVerifyBackend", switch(wanted.insecure_backend))
            .query_if("limitBytes", &number(wanted.limit_bytes))
            .query_if("previous", switch(wanted.previous))
            .query_if("sinceSeconds", &number(wanted.since_seconds))
            .query_if("sinceTime", &wanted.since_time)
            .query_if("tailLines", &number(wanted.tail_lines))
            .query_if("timestamps", switch(wanted.timestamps))
    }
}

/// The resource of pods, for who asks for nothing else.
pub fn pods() -> Mapping {
    Mapping {
        gvr: GroupVersionResource::new("", "v1", "pods"),
        gvk: GroupVersionKind::new("", "v1", "Pod"),
        namespaced: true,
        ..Mapping::default()
    }
}

/// The logs of a pod: of all its containers, init containers first, or of the one that is wanted. `tell` hears what a
/// person should know of the choice.
pub fn of_pod(pod: &Object, wanted: &str, all: bool, tell: &mut dyn FnMut(String)) -> Result<Vec<Log>, Failure> {
    let log = |container: &str| Log {
        namespace: pod.namespace().into(),
        pod: pod.name().into(),
        container: container.into(),
    };
    if all {
        let lists = ["initContainers", "containers", "ephemeralContainers"];
        return Ok(lists.iter().flat_map(|list| names(pod, list)).map(log).collect());
    }
    let has = |name: &str| LISTS.iter().any(|(list, _)| names(pod, list).any(|known| known == name));
    let mut container = wanted;
    if container.is_empty() {
        container = pod.annotation(DEFAULT_CONTAINER).unwrap_or_default();
        if !container.is_empty() && !has(container) {
            tell(format!("Default container name {container:?} not found in pod {}\n", pod.name()));
            container = "";
        }
    }
    if container.is_empty() {
        container = names(pod, "containers").next().unwrap_or_default();
        if LISTS.iter().map(|(list, _)| names(pod, list).count()).sum::<usize>() > 1 {
            tell(format!("Defaulted container {container:?} out of: {}\n", all_names(pod)));
        }
    }
    if !has(container) {
        return Err(Failure::message(format!(
            "container {container} is not valid for pod {} out of: {}",
            pod.name(),
            all_names(pod)
        )));
    }
    Ok(vec![log(container)])
}

fn names<'a>(pod: &'a Object, list: &str) -> impl Iterator<Item = &'a str> {
    pod.items_at(&["spec", list]).iter().map(|container| container.text(&["name"]))
}

fn all_names(pod: &Object) -> String {
    let named = |(list, end): &(&str, &'static str)| {
        let end = *end;
        names(pod, list).map(move |name| format!("{name}{end}")).collect::<Vec<_>>()
    };
    LISTS.iter().flat_map(named).collect::<Vec<_>>().join(", ")
}

/// The selector of an object's pods, as a list request takes it.
pub fn selector(object: &Object) -> Result<String, Failure> {
    let kind = object.group_version_kind();
    let spec = object.at(&["spec", "selector"]);
    let labels = || Some(json!({"matchLabels": spec.cloned().unwrap_or_default()}));
    let selector = match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Deployment") | ("batch", "Job") => spec.cloned(),
        ("", "ReplicationController") => labels(),
        ("", "Service") if spec.and_then(Value::as_object).is_some_and(|labels| !labels.is_empty()) => labels(),
        ("", "Service") => {
            let problem = format!("invalid service '{}': Service is defined without a selector", object.name());
            return Err(refused(object, &problem));
        }
        _ => return Err(refused(object, &format!("selector for {} not implemented", go_type(object)))),
    };
    label_selector::text(selector.as_ref())
        .map_err(|error| refused(object, &format!("invalid label selector: {error}")))
}

fn refused(object: &Object, problem: &str) -> Failure {
    Failure::message(format!("cannot get the logs from {}: {problem}", go_type(object)))
}

/// The pods that a selector matches, whose logs tell most first; waits for the first one.
pub async fn selected(
    cluster: &Cluster,
    namespace: &str,
    selector: &str,
    limit: Duration,
) -> Result<Vec<Object>, Failure> {
    let request = Request::list(&pods(), namespace).query_if("labelSelector", selector);
    let list = cluster.client.json(&request).await?;
    let mut found = super::lists::items(list.clone());
    if found.is_empty() {
        let version = list.text(&["metadata", "resourceVersion"]);
        let request = Request::watch(&pods(), namespace, version).query_if("labelSelector", selector);
        let first = async {
            let mut events = cluster.client.watch(&request).await?;
            while let Some(event) = events.next().await? {
                if matches!(event.kind.as_str(), "ADDED" | "MODIFIED") {
                    return Ok(event.object);
                }
            }
            Err(Failure::message("watch closed before UntilWithoutRetry timeout"))
        };
        let late = |_| Failure::message("timed out waiting for the condition");
        found.push(tokio::time::timeout(limit, first).await.map_err(late)??);
    }
    found.sort_by(telling);
    Ok(found)
}

/// Whose log tells more stands before: pods that run on a node, are ready, for long, and were restarted often.
fn telling(a: &Object, b: &Object) -> Ordering {
    // A time that is not there comes last.
    let times = |a: Option<i64>, b: Option<i64>| a.unwrap_or(i64::MAX).cmp(&b.unwrap_or(i64::MAX));
    let key = |pod: &Object| {
        let phase = match pod.text(&["status", "phase"]) {
            "Unknown" => 1,
            "Pending" => 2,
            _ => 0,
        };
        (pod.text(&["spec", "nodeName"]).is_empty(), phase, ready(pod).is_none())
    };
    let created = |pod: &Object| time::unix_seconds(pod.text(&["metadata", "creationTimestamp"]));
    key(a)
        .cmp(&key(b))
        .then_with(|| times(ready(a).flatten(), ready(b).flatten()))
        .then_with(|| Reverse(restarts(a)).cmp(&Reverse(restarts(b))))
        .then_with(|| times(created(a), created(b)))
}

/// Since when the pod is ready, if it is.
fn ready(pod: &Object) -> Option<Option<i64>> {
    let conditions = pod.items_at(&["status", "conditions"]);
    let condition = conditions
        .iter()
        .find(|condition| condition.text(&["type"]) == "Ready" && condition.text(&["status"]) == "True")?;
    Some(time::unix_seconds(condition.text(&["lastTransitionTime"])))
}

/// How often the container that was restarted most was: of the ordinary ones, and of the sidecars (KEP-753).
fn restarts(pod: &Object) -> (i64, i64) {
    let most = |list: &str, counts: &dyn Fn(&str) -> bool| {
        let statuses = pod.items_at(&["status", list]).iter().filter(|status| counts(status.text(&["name"])));
        statuses.filter_map(|status| status.integer(&["restartCount"])).max().unwrap_or_default()
    };
    let sidecar = |name: &str| {
        let mut containers = pod.items_at(&["spec", "initContainers"]).iter();
        containers.any(|c| c.text(&["name"]) == name && c.text(&["restartPolicy"]) == "Always")
    };
    (most("containerStatuses", &|_| true), most("initContainerStatuses", &sidecar))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod() -> Object {
        json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p", "namespace": "n"}, "spec": {
            "containers": [{"name": "app"}, {"name": "side"}], "initContainers": [{"name": "first"}],
            "ephemeralContainers": [{"name": "look"}]}})
    }

    #[test]
    fn containers_are_chosen() {
        const ALL: &str = "app, side, look (ephem), first (init)";
        let chosen = |pod: &Object, wanted: &str, all: bool| {
            let mut told = String::new();
            let logs = of_pod(pod, wanted, all, &mut |line| told.push_str(&line)).map_err(|failure| failure.words());
            (logs.map(|logs| logs.into_iter().map(|log| log.container).collect::<Vec<_>>().join(" ")), told)
        };
        assert_eq!(
            chosen(&pod(), "", false),
            (Ok("app".into()), format!("Defaulted container \"app\" out of: {ALL}\n"))
        );
        assert_eq!(chosen(&pod(), "first", false), (Ok("first".into()), String::new()));
        assert_eq!(chosen(&pod(), "", true), (Ok("first app side look".into()), String::new()));
        let invalid = format!("container x is not valid for pod p out of: {ALL}");
        assert_eq!(chosen(&pod(), "x", false), (Err(invalid), String::new()));
        let mut annotated = pod();
        annotated.put(&["metadata", "annotations", DEFAULT_CONTAINER], "side");
        assert_eq!(chosen(&annotated, "", false), (Ok("side".into()), String::new()));
        annotated.put(&["metadata", "annotations", DEFAULT_CONTAINER], "gone");
        let (logs, told) = chosen(&annotated, "", false);
        assert_eq!(
            (logs.as_deref(), told.lines().next()),
            (Ok("app"), Some("Default container name \"gone\" not found in pod p"))
        );
    }

    #[test]
    fn objects_have_pods() {
        for (object, selector) in [
            (
                json!({"kind": "Deployment", "apiVersion": "apps/v1", "spec": {"selector": {"matchLabels": {"b": "2", "a": "1"}}}}),
                Ok("a=1,b=2"),
            ),
            (json!({"kind": "ReplicationController", "apiVersion": "v1", "spec": {"selector": {"a": "1"}}}), Ok("a=1")),
            (
                json!({"kind": "Service", "apiVersion": "v1", "metadata": {"name": "s"}, "spec": {}}),
                Err("cannot get the logs from *v1.Service: invalid service 's': Service is defined without a selector"),
            ),
            (
                json!({"kind": "Node", "apiVersion": "v1"}),
                Err("cannot get the logs from *v1.Node: selector for *v1.Node not implemented"),
            ),
        ] {
            let found = super::selector(&object).map_err(|failure| failure.words());
            assert_eq!(found.as_deref().map_err(String::as_str), selector, "{object}");
        }
    }

    #[test]
    fn requests_say_only_what_is_wanted() {
        let log = Log { namespace: "n".into(), pod: "p".into(), container: "c".into() };
        let plain = log.request(&Wanted::default());
        assert_eq!(plain.target(None), "/api/v1/namespaces/n/pods/p/log?container=c");
        let all =
            Wanted { follow: true, tail_lines: Some(0), since_seconds: Some(5), timestamps: true, ..Wanted::default() };
        let target =
            "/api/v1/namespaces/n/pods/p/log?container=c&follow=true&sinceSeconds=5&tailLines=0&timestamps=true";
        assert_eq!(log.request(&all).target(None), target);
    }

    #[test]
    fn pods_that_tell_more_come_first() {
        let pod = |name: &str, node: &str, phase: &str, ready: &str, restarts: i64| {
            json!({"metadata": {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"}, "spec": {"nodeName": node},
                "status": {"phase": phase, "containerStatuses": [{"restartCount": restarts}], "conditions": [
                    {"type": "Ready", "status": if ready.is_empty() { "False" } else { "True" }, "lastTransitionTime": ready}]}})
        };
        let mut pods = [
            pod("unassigned", "", "Running", "2026-01-01T00:00:00Z", 0),
            pod("pending", "n", "Pending", "", 0),
            pod("unready", "n", "Running", "", 0),
            pod("restarted", "n", "Running", "", 3),
            pod("young", "n", "Running", "2026-01-02T00:00:00Z", 0),
            pod("old", "n", "Running", "2026-01-01T00:00:00Z", 0),
        ];
        pods.sort_by(telling);
        let names: Vec<&str> = pods.iter().map(|pod| pod.name()).collect();
        assert_eq!(names, ["old", "young", "restarted", "unready", "pending", "unassigned"]);
    }
}
