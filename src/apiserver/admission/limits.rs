//! LimitRanges give containers what they do not ask for, and refuse what asks for too little or too much
//! (LimitRanger).

use super::super::errors::Answer;
use super::super::kinds::amounts::{Amounts, amounts, pod_amounts};
use super::super::pipeline::Server;
use super::{Asked, Operation, joined};
use crate::api::{ObjectExt, Quantity, Value};

/// The note about what was given.
const NOTE: &str = "kubernetes.io/limit-ranger";

impl Asked<'_> {
    /// Whether LimitRanges hold for it: containers of a pod only change when it is resized.
    fn is_limited(&self) -> bool {
        let is_claim = self.is_for("", "persistentvolumeclaims") && self.subresource.is_empty();
        let is_pod = self.is_for("", "pods")
            && match self.operation {
                Operation::Create => self.subresource.is_empty(),
                Operation::Update => self.subresource == "resize",
                Operation::Delete => false,
            };
        let is_deleting = self.old.is_some_and(|old| old.at(&["metadata", "deletionTimestamp"]).is_some());
        (is_claim || is_pod) && !is_deleting
    }
}

impl Server {
    /// Gives the containers of a pod what they do not ask for.
    pub(super) async fn limit(&self, asked: &Asked<'_>, object: &mut Value) -> Answer<()> {
        if asked.is_limited() && asked.is_for("", "pods") {
            for range in self.objects("", "limitranges", asked.namespace).await? {
                give(&range, object);
            }
        }
        Ok(())
    }

    /// Refuses what asks for too little or too much.
    pub(super) async fn check_limits(&self, asked: &Asked<'_>, object: &Value) -> Answer<()> {
        if asked.is_limited() {
            for range in self.objects("", "limitranges", asked.namespace).await? {
                let complaints = check(&range, object, asked.is_for("", "pods"));
                if !complaints.is_empty() {
                    return Err(asked.refuse(object, &joined(&complaints)));
                }
            }
        }
        Ok(())
    }
}

fn give(range: &Value, pod: &mut Value) {
    let mut notes = Vec::new();
    for (list, what) in [("containers", "container"), ("initContainers", "init container")] {
        let containers = pod.at_mut(&["spec"]).get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let name = container.text(&["name"]).to_string();
            for (part, default, noun) in [("requests", "defaultRequest", "request"), ("limits", "default", "limit")] {
                let mut given: Vec<String> = Vec::new();
                for limit in range.items_at(&["spec", "limits"]) {
                    if limit.text(&["type"]) != "Container" {
                        continue;
                    }
                    for (resource, amount) in limit.map_at(&[default]).into_iter().flatten() {
                        let is_new = given.contains(resource);
                        if is_new || container.at(&["resources", part, resource]).is_none() {
                            container.put(&["resources", part, resource], amount.clone());
                            if !is_new {
                                given.push(resource.clone());
                            }
                        }
                    }
                }
                if !given.is_empty() {
                    given.sort();
                    notes.push(format!("{} {noun} for {what} {name}", given.join(", ")));
                }
            }
        }
    }
    if !notes.is_empty() {
        pod.put(&["metadata", "annotations", NOTE], format!("LimitRanger plugin set: {}", notes.join("; ")));
    }
}

/// What something asks for, and may use at most.
struct Wants {
    requests: Amounts,
    limits: Amounts,
}

fn check(range: &Value, object: &Value, is_pod: bool) -> Vec<String> {
    let mut complaints = Vec::new();
    for limit in range.items_at(&["spec", "limits"]) {
        match limit.text(&["type"]) {
            "Container" if is_pod => {
                for list in ["containers", "initContainers"] {
                    for container in object.items_at(&["spec", list]) {
                        let part = |part| amounts(container, &["resources", part]);
                        compare(limit, &Wants { requests: part("requests"), limits: part("limits") }, &mut complaints);
                    }
                }
            }
            "Pod" if is_pod => {
                let part = |part| pod_amounts(&object["spec"], part);
                compare(limit, &Wants { requests: part("requests"), limits: part("limits") }, &mut complaints);
            }
            "PersistentVolumeClaim" if !is_pod => {
                let requests = amounts(object, &["spec", "resources", "requests"]);
                compare(limit, &Wants { requests, limits: Amounts::new() }, &mut complaints);
            }
            _ => {}
        }
    }
    complaints
}

fn compare(limit: &Value, wants: &Wants, complaints: &mut Vec<String>) {
    let kind = limit.text(&["type"]);
    for (resource, least) in amounts(limit, &["min"]) {
        let about = format!("minimum {resource} usage per {kind} is {least}");
        match (wants.requests.get(&resource), wants.limits.get(&resource)) {
            (None, _) => complaints.push(format!("{about}.  No request is specified")),
            (Some(request), _) if *request < least => complaints.push(format!("{about}, but request is {request}")),
            (_, Some(most)) if *most < least => complaints.push(format!("{about}, but limit is {most}")),
            _ => {}
        }
    }
    for (resource, most) in amounts(limit, &["max"]) {
        let about = format!("maximum {resource} usage per {kind} is {most}");
        let is_claim = kind == "PersistentVolumeClaim";
        match (wants.requests.get(&resource), wants.limits.get(&resource)) {
            (None, _) if is_claim => complaints.push(format!("{about}.  No request is specified")),
            (_, None) if !is_claim => complaints.push(format!("{about}.  No limit is specified")),
            (_, Some(limit)) if *limit > most => complaints.push(format!("{about}, but limit is {limit}")),
            (Some(request), _) if *request > most => complaints.push(format!("{about}, but request is {request}")),
            _ => {}
        }
    }
    if kind == "PersistentVolumeClaim" {
        return;
    }
    for (resource, most) in amounts(limit, &["maxLimitRequestRatio"]) {
        let about = format!("{resource} max limit to request ratio per {kind} is {most}");
        let positive =
            |amounts: &Amounts| amounts.get(&resource).filter(|amount| !amount.is_zero()).map(Quantity::as_f64);
        match (positive(&wants.requests), positive(&wants.limits)) {
            (None, _) => complaints.push(format!("{about}, but no request is specified or request is 0")),
            (_, None) => complaints.push(format!("{about}, but no limit is specified or limit is 0")),
            (Some(request), Some(limit)) if limit / request > most.as_f64() => {
                complaints.push(format!("{about}, but provided ratio is {:.6}", limit / request));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn containers_get_what_they_do_not_ask_for() {
        let range = json!({"spec": {"limits": [{"type": "Container", "default": {"cpu": "1", "memory": "1Gi"},
            "defaultRequest": {"cpu": "500m"}}]}});
        let mut pod = json!({"metadata": {}, "spec": {
            "containers": [{"name": "a"}, {"name": "b", "resources": {"limits": {"cpu": "2"}}}],
            "initContainers": [{"name": "i", "resources": {"requests": {"cpu": "1"}}}]
        }});
        give(&range, &mut pod);
        assert_eq!(
            pod.annotation(NOTE).unwrap(),
            "LimitRanger plugin set: cpu request for container a; cpu, memory limit for container a; \
             cpu request for container b; memory limit for container b; cpu, memory limit for init container i"
        );
        assert_eq!(pod["spec"]["containers"][1]["resources"]["limits"], json!({"cpu": "2", "memory": "1Gi"}));
    }

    #[test]
    fn too_little_and_too_much() {
        let range = json!({"spec": {"limits": [
            {"type": "Container", "min": {"cpu": "100m"}, "max": {"memory": "1Gi"}, "maxLimitRequestRatio": {"cpu": "2"}},
            {"type": "Pod", "max": {"cpu": "1"}}
        ]}});
        let pod = |resources: Value| json!({"spec": {"containers": [{"name": "c", "resources": resources}]}});
        for (resources, complaints) in [
            (json!({"requests": {"cpu": "500m"}, "limits": {"cpu": "1", "memory": "1Gi"}}), vec![]),
            (
                json!({"requests": {"cpu": "50m"}, "limits": {"cpu": "1", "memory": "2Gi"}}),
                vec![
                    "minimum cpu usage per Container is 100m, but request is 50m",
                    "maximum memory usage per Container is 1Gi, but limit is 2Gi",
                    "cpu max limit to request ratio per Container is 2, but provided ratio is 20.000000",
                ],
            ),
            (
                json!({}),
                vec![
                    "minimum cpu usage per Container is 100m.  No request is specified",
                    "maximum memory usage per Container is 1Gi.  No limit is specified",
                    "cpu max limit to request ratio per Container is 2, but no request is specified or request is 0",
                    "maximum cpu usage per Pod is 1.  No limit is specified",
                ],
            ),
        ] {
            assert_eq!(check(&range, &pod(resources.clone()), true), complaints, "{resources}");
        }
    }
}
