//! Deleting objects, and waiting until they are gone.

use super::options::{Cascade, DryRun};
use super::{Cluster, Failure};
use crate::api::{ObjectExt, Value};
use crate::client::{Mapping, Request};
use serde_json::json;
use std::time::{Duration, Instant};

/// How long a wait lasts when nobody says: a week, as kubectl does.
const FOREVER: Duration = Duration::from_secs(168 * 3600);
/// From when on a person wants to know what it is that takes so long.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often an object is looked for while it goes.
const POLLS: [Duration; 4] =
    [Duration::from_millis(10), Duration::from_millis(50), Duration::from_millis(200), Duration::from_secs(1)];

/// How objects are deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What happens to what they own.
    pub cascade: Cascade,
    /// Seconds to end in; none for each object's own default.
    pub grace_period: Option<i64>,
    /// Whether anything is stored.
    pub dry_run: DryRun,
    /// Whether to wait until they are gone.
    pub wait: bool,
    /// How long all of the waiting may take.
    pub timeout: Option<Duration>,
}

/// One object that is to be deleted.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its resource.
    pub mapping: Mapping,
    /// Its namespace; empty for what belongs to the whole cluster.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The file that it was read from; empty when none was.
    pub source: String,
}

impl Target {
    /// The line that says that it was deleted, or only its name.
    pub fn said(&self, options: &Options, name_only: bool, forced: bool) -> String {
        if name_only {
            return format!("{}/{}\n", self.kind_name(), self.name);
        }
        let operation = if forced { "force deleted" } else { "deleted" };
        let place = if self.mapping.namespaced { format!(" from {} namespace", self.namespace) } else { String::new() };
        format!("{} \"{}\" {operation}{place}{}\n", self.kind_name(), self.name, options.dry_run.suffix())
    }

    /// What tells the object from others.
    pub fn key(&self) -> String {
        format!("{}/{}/{}", self.mapping.gvr.group_resource(), self.namespace, self.name)
    }

    /// `pod "web"`: how a deletion names its object.
    pub fn kind_name(&self) -> String {
        crate::api::group::qualified(&self.mapping.gvk.kind.to_lowercase(), &self.mapping.gvk.group)
    }
}

/// Deletes one object. The result is its uid, empty when the server did not say.
pub async fn delete(cluster: &Cluster, target: &Target, options: &Options) -> Result<String, Failure> {
    if options.dry_run == DryRun::Client {
        return Ok(String::new());
    }
    let mut body = json!({
        "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": options.cascade.policy(),
    });
    if let Some(seconds) = options.grace_period {
        body.put(&["gracePeriodSeconds"], seconds);
    }
    if options.dry_run == DryRun::Server {
        body.put(&["dryRun"], json!(["All"]));
    }
    let request = Request::delete(&target.mapping, &target.namespace, &target.name, &body);
    let answer =
        cluster.client.json(&request).await.map_err(|error| Failure::from(error).when("deleting", &target.source))?;
    Ok(uid(&answer).to_string())
}

/// A deletion answers with the object, or with a Status about it.
fn uid(answer: &Value) -> &str {
    if answer.kind() == "Status" { answer.text(&["details", "uid"]) } else { answer.uid() }
}

/// An object that was deleted, and its uid.
pub type Deleted = (Target, String);

/// How far waiting has come.
#[derive(Debug)]
pub struct Going {
    /// How many are gone.
    pub gone: usize,
    /// Why the next is not, when that is news.
    pub reason: Option<String>,
}

/// Waits until all of them are gone, or others with the same names are there instead. Being forbidden to look is no
/// failure: the deletion is done. `tell` hears how it goes.
pub async fn wait(
    cluster: &Cluster,
    deleted: &[Deleted],
    options: &Options,
    mut tell: impl FnMut(Going),
) -> Result<(), Failure> {
    let deadline = Instant::now() + options.timeout.unwrap_or(FOREVER);
    let mut failures = Vec::new();
    for (gone, (target, uid)) in deleted.iter().enumerate() {
        tell(Going { gone, reason: None });
        match wait_for(cluster, target, uid, deadline, |reason| tell(Going { gone, reason: Some(reason) })).await {
            Ok(()) => {}
            Err(failure)
                if failure.status().is_some_and(|s| matches!(s.reason.as_str(), "Forbidden" | "MethodNotAllowed")) =>
            {
                return Ok(());
            }
            Err(failure) => failures.push(failure),
        }
    }
    Failure::collect(failures)
}

async fn wait_for(
    cluster: &Cluster,
    target: &Target,
    uid: &str,
    deadline: Instant,
    mut tell: impl FnMut(String),
) -> Result<(), Failure> {
    let request = Request::get(&target.mapping, &target.namespace, &target.name);
    let begin = Instant::now();
    let mut told = String::new();
    for poll in 0usize.. {
        match cluster.client.json(&request).await.map_err(Failure::from) {
            Ok(object) if !uid.is_empty() && object.uid() != uid => return Ok(()),
            Ok(object) => {
                let reason = format!("{} {:?} {}", target.kind_name(), target.name, why_there(&object));
                // What goes by itself in a moment is no news.
                if begin.elapsed() > PATIENCE && reason != told {
                    tell(reason.clone());
                    told = reason;
                }
            }
            Err(failure) if failure.is_not_found() => return Ok(()),
            Err(failure) => return Err(failure),
        }
        let now = Instant::now();
        if now >= deadline {
            break;
        }
        let pause = POLLS.get(poll / 4).unwrap_or(&POLLS[POLLS.len() - 1]);
        tokio::time::sleep((*pause).min(deadline - now)).await;
    }
    let what = target.mapping.gvr.group_resource();
    Err(Failure::message(format!("timed out waiting for the condition on {what}/{}", target.name)))
}

/// Why an object is still there that was deleted.
pub fn why_there(object: &Value) -> String {
    let finalizers: Vec<&str> = object.items_at(&["metadata", "finalizers"]).iter().filter_map(Value::as_str).collect();
    if !finalizers.is_empty() {
        return format!("waits for finalizers: {}", finalizers.join(", "));
    }
    // A namespace says what is left in it.
    let conditions = object.items_at(&["status", "conditions"]).iter();
    let left = conditions.filter(|condition| {
        let name = condition.text(&["type"]);
        let fails = name.starts_with("Namespace") && (name.ends_with("Failure") || name.ends_with("Remaining"));
        fails && condition.text(&["status"]) == "True"
    });
    let left: Vec<&str> = left.map(|condition| condition.text(&["message"])).collect();
    match object.integer(&["metadata", "deletionGracePeriodSeconds"]) {
        _ if !left.is_empty() => left.join("; "),
        Some(seconds) if seconds > 0 => format!("has {seconds}s to end"),
        _ => "is not gone yet".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_an_object_is_named() {
        for (object, words) in [
            (json!({"metadata": {"finalizers": ["a/b", "c"]}}), "waits for finalizers: a/b, c"),
            (json!({"metadata": {"deletionGracePeriodSeconds": 30}}), "has 30s to end"),
            (
                json!({"status": {"conditions": [
                    {"type": "NamespaceContentRemaining", "status": "True", "message": "Some resources are remaining: pods. has 2 resource instances"},
                    {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "all is well"}]}}),
                "Some resources are remaining: pods. has 2 resource instances",
            ),
            (json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}), "is not gone yet"),
        ] {
            assert_eq!(why_there(&object), words);
        }
    }

    #[test]
    fn uids_come_from_objects_and_statuses() {
        assert_eq!(uid(&json!({"kind": "Status", "details": {"uid": "a"}})), "a");
        assert_eq!(uid(&json!({"kind": "Pod", "metadata": {"uid": "b"}})), "b");
    }
}
