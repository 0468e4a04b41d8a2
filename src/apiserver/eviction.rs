//! Evictions (policy/v1): pods are deleted as far as their disruption budgets allow.

use super::codec::Decoded;
use super::delete::{Deleted, check_preconditions};
use super::errors::{About, Answer, Failure, bad_request, conflict, forbidden, internal_plain};
use super::options::{Delete, Write as Options};
use super::ownership::Manager;
use super::pipeline::{Call, Server};
use super::respond::{self, Body};
use super::subresources::{body, set_condition, success};
use super::update::{Edit, Part};
use super::verbatim::Source;
use crate::api::status::Details;
use crate::api::time::rfc3339;
use crate::api::{Cause, Object, ObjectExt, Status, Value};
use crate::expr::label_selector;
use crate::expr::selector::parse_labels;
use http::{Response, StatusCode};
use serde_json::json;

/// How many pods may be on their way out of one budget before its controller has to take note.
const MOST_DISRUPTED: usize = 2000;

/// What is said to whoever has to wait.
const DENIED: &str = "Cannot evict pod as it would violate the pod's disruption budget.";

impl Server {
    /// Deletes a pod as far as its disruption budgets allow.
    pub(super) async fn evict(&self, call: &Call<'_>) -> Answer<Response<Body>> {
        let creation = Options::parse(call.query, "CreateOptions")?;
        let mut eviction = body(call, "policy", "v1", "Eviction", &creation)?;
        if eviction.name() != call.target.name {
            return Err(bad_request("name in URL does not match name in Eviction object"));
        }
        let mut options = Delete::parse(call.query, eviction.get("deleteOptions"))?;
        options.dry_run |= creation.dry_run;
        self.admit_request(call, &mut eviction, options.dry_run).await?;
        loop {
            let entry = self.entry(call).await?;
            let pod = call.served.value(&entry.object, entry.revision);
            check_preconditions(call.served, &pod, &options)?;
            let is_counted = !is_disrupted(&pod) && self.count(call, &pod, options.dry_run).await?;
            // What was not counted must still be as it was seen.
            let seen = (!is_counted).then(|| pod.resource_version().to_string());
            match self.target(call, seen.as_deref(), &options).await {
                Err(failure) if failure.reason == "Conflict" && !is_counted => continue,
                other => other?,
            }
            break;
        }
        options.version = None;
        loop {
            let entry = self.entry(call).await?;
            match self.remove(call.served, &entry, &options, call.now).await? {
                Some(Deleted::Gone(_) | Deleted::Waiting(_)) => break,
                None => {}
            }
        }
        Ok(respond::value(StatusCode::CREATED, &success(StatusCode::CREATED), call.accepted))
    }

    /// Notes in a pod that it is evicted; `seen` is the version that it must have.
    async fn target(&self, call: &Call<'_>, seen: Option<&str>, options: &Delete) -> Answer<()> {
        if options.dry_run {
            return Ok(());
        }
        let target = json!({
            "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting", "lastProbeTime": null
        });
        let note = |pod: &mut Value| {
            if seen.is_some_and(|version| version != pod.resource_version()) {
                return Err(conflict(call.served.about(&call.target.name), "the pod has changed"));
            }
            set_condition(pod, target.clone(), call.now.seconds);
            Ok(())
        };
        self.touch(call, note).await
    }

    /// Counts a disruption in the budget of a pod. Without a budget, or when the pod is not healthy and its budget says
    /// that such a pod may go, nothing is counted.
    async fn count(&self, call: &Call<'_>, pod: &Value, dry_run: bool) -> Answer<bool> {
        let Some(served) = self.registry.find("policy", "v1", "poddisruptionbudgets") else { return Ok(false) };
        let budgets = self.all(served, pod.namespace()).await?;
        let budgets = budgets.iter().map(|entry| served.value(&entry.object, entry.revision));
        let mut budgets = budgets.filter(|budget| covers(budget, pod));
        let Some(budget) = budgets.next() else { return Ok(false) };
        if budgets.next().is_some() {
            return Err(internal_plain(
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            ));
        }
        if !is_ready(pod) && spares_unhealthy(&budget) {
            return Ok(false);
        }
        let edit = Edit {
            served,
            key: self.key(served, budget.namespace(), budget.name()),
            part: Part::Status,
            manager: Manager { name: "kube-apiserver", subresource: "status" },
            user: None,
            verb: "update",
            applied: false,
            source: Source::Values,
            dry_run,
        };
        let take = |live: &Value| {
            let object = disrupted(live, pod.name(), call.now.seconds)?;
            Ok(Decoded { object, warnings: Vec::new() })
        };
        self.change(&edit, &mut Vec::new(), &take).await?;
        Ok(true)
    }
}

/// Whether the pod serves nobody, or not for long, so that its end disrupts nothing.
fn is_disrupted(pod: &Object) -> bool {
    matches!(pod.text(&["status", "phase"]), "Succeeded" | "Failed" | "Pending") || super::meta::is_deleting(pod)
}

fn condition<'a>(object: &'a Object, kind: &str) -> Option<&'a Value> {
    object.items_at(&["status", "conditions"]).iter().find(|condition| condition.text(&["type"]) == kind)
}

fn is_ready(pod: &Object) -> bool {
    condition(pod, "Ready").is_some_and(|ready| ready.text(&["status"]) == "True")
}

/// Whether a budget is about a pod. One that selects everything is about none.
fn covers(budget: &Object, pod: &Object) -> bool {
    let labels = label_selector::text(budget.at(&["spec", "selector"])).unwrap_or_default();
    parse_labels(&labels).is_ok_and(|labels| !labels.is_empty() && labels.matches(|key| pod.label(key)))
}

fn count(budget: &Object, field: &str) -> i64 {
    budget.integer(&["status", field]).unwrap_or_default()
}

/// Whether a budget lets pods go that are not healthy, without counting them.
fn spares_unhealthy(budget: &Object) -> bool {
    let (healthy, desired) = (count(budget, "currentHealthy"), count(budget, "desiredHealthy"));
    budget.text(&["spec", "unhealthyPodEvictionPolicy"]) == "AlwaysAllow" || healthy >= desired && desired > 0
}

/// 429: not now.
fn denied(retry_after_seconds: u32, message: String) -> Failure {
    let cause = Cause { reason: "DisruptionBudget".into(), message, ..Cause::default() };
    let details = Details { causes: vec![cause], retry_after_seconds, ..Details::default() };
    Box::new(Status::failure(429, "TooManyRequests", DENIED).about(details))
}

/// Why a budget allows no disruption.
fn why_none(budget: &Object) -> String {
    let start = format!("The disruption budget {}", budget.name());
    let (healthy, desired) = (count(budget, "currentHealthy"), count(budget, "desiredHealthy"));
    let failed = condition(budget, "DisruptionAllowed")
        .filter(|condition| condition.text(&["status"]) == "False")
        .map(|condition| (condition.text(&["reason"]), condition.text(&["message"])))
        .filter(|(_, message)| !message.is_empty());
    match failed {
        Some(("SyncFailed", message)) => {
            format!("{start} does not allow evicting pods currently because it failed sync: {message}")
        }
        _ if healthy <= desired => format!("{start} needs {desired} healthy pods and has {healthy} currently"),
        Some((reason, message)) => format!("{start} does not allow evicting pods currently ({reason}): {message}"),
        None => format!("{start} does not allow evicting pods currently"),
    }
}

/// The budget after one more disruption.
fn disrupted(budget: &Object, pod: &str, now: i64) -> Answer<Object> {
    let about = About { group: "policy", kind: "poddisruptionbudget", name: budget.name() };
    let observed = count(budget, "observedGeneration");
    if observed < budget.integer(&["metadata", "generation"]).unwrap_or_default() {
        let name = budget.name();
        return Err(denied(10, format!("The disruption budget {name} is still being processed by the server.")));
    }
    let allowed = count(budget, "disruptionsAllowed");
    if allowed < 0 {
        return Err(forbidden(about, "pdb disruptions allowed is negative"));
    }
    if budget.map_at(&["status", "disruptedPods"]).is_some_and(|pods| pods.len() > MOST_DISRUPTED) {
        let why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller";
        return Err(forbidden(about, why));
    }
    if allowed == 0 {
        return Err(denied(0, why_none(budget)));
    }
    let mut budget = budget.clone();
    budget.put(&["status", "disruptionsAllowed"], allowed - 1);
    budget.put(&["status", "disruptedPods", pod], rfc3339(now));
    if allowed == 1 {
        let condition = json!({
            "type": "DisruptionAllowed", "status": "False", "observedGeneration": observed, "reason": "InsufficientPods",
            "message": ""
        });
        set_condition(&mut budget, condition, now);
    }
    Ok(budget)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(status: Value) -> Object {
        json!({
            "metadata": {"name": "b", "generation": 2},
            "spec": {"selector": {"matchLabels": {"app": "web"}}},
            "status": status,
        })
    }

    #[test]
    fn budgets_select_pods() {
        let pod = json!({"metadata": {"labels": {"app": "web", "tier": "a"}}});
        for (selector, covered) in [
            (json!({"matchLabels": {"app": "web"}}), true),
            (json!({"matchLabels": {"app": "db"}}), false),
            (json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}]}), true),
            (json!({"matchExpressions": [{"key": "tier", "operator": "Bogus"}]}), false),
            (json!({}), false),
            (Value::Null, false),
        ] {
            assert_eq!(covers(&json!({"spec": {"selector": selector}}), &pod), covered, "{selector}");
        }
    }

    #[test]
    fn what_a_budget_says() {
        let failed =
            |reason: &str| json!([{"type": "DisruptionAllowed", "status": "False", "reason": reason, "message": "m"}]);
        let none = |more: Value| {
            let mut status = json!({"observedGeneration": 2, "disruptionsAllowed": 0});
            status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            budget(status)
        };
        for (budget, code, said) in [
            (budget(json!({})), 429, "The disruption budget b is still being processed by the server."),
            (
                none(json!({"desiredHealthy": 3, "currentHealthy": 2})),
                429,
                "The disruption budget b needs 3 healthy pods and has 2 currently",
            ),
            (
                none(json!({"conditions": failed("SyncFailed")})),
                429,
                "The disruption budget b does not allow evicting pods currently because it failed sync: m",
            ),
            (
                none(json!({"currentHealthy": 2, "conditions": failed("Why")})),
                429,
                "The disruption budget b does not allow evicting pods currently (Why): m",
            ),
            (none(json!({"currentHealthy": 2})), 429, "The disruption budget b does not allow evicting pods currently"),
            (none(json!({"disruptionsAllowed": -1})), 403, "pdb disruptions allowed is negative"),
        ] {
            let failure = disrupted(&budget, "p", 0).unwrap_err();
            let causes = failure.details.map(|details| details.causes).unwrap_or_default();
            let words = causes.first().map_or(failure.message, |cause| cause.message.clone());
            assert_eq!(failure.code, code, "{budget}");
            assert!(words.ends_with(said), "{words}");
        }
        let after = disrupted(&none(json!({"disruptionsAllowed": 1})), "p", 0).unwrap();
        assert_eq!(count(&after, "disruptionsAllowed"), 0);
        assert_eq!(after.text(&["status", "disruptedPods", "p"]), "1970-01-01T00:00:00Z");
        assert_eq!(condition(&after, "DisruptionAllowed").unwrap().text(&["reason"]), "InsufficientPods");
    }

    #[test]
    fn unhealthy_pods_may_go() {
        for (status, policy, goes) in [
            (json!({"desiredHealthy": 1, "currentHealthy": 1}), "", true),
            (json!({"desiredHealthy": 2, "currentHealthy": 1}), "", false),
            (json!({}), "IfHealthyBudget", false),
            (json!({}), "AlwaysAllow", true),
        ] {
            let mut budget = budget(status);
            budget.put(&["spec", "unhealthyPodEvictionPolicy"], policy);
            assert_eq!(spares_unhealthy(&budget), goes, "{budget}");
        }
    }
}
