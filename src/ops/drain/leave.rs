//! Having pods leave a node: by eviction where the server knows it, else by deletion; and waiting until they are gone.

use super::pods::is_overdue;
use super::{Options, mapping};
use crate::api::{Object, ObjectExt, Status};
use crate::client::Request;
use crate::ops::options::DryRun;
use crate::ops::{Cluster, Failure};
use futures_util::future::join_all;
use serde_json::json;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long until a pod is asked again to leave whose disruption budget is used up.
const AGAIN: Duration = Duration::from_secs(5);
/// How often is looked whether pods are gone, four looks each; then always the last.
const LOOKS: [Duration; 4] =
    [Duration::from_millis(10), Duration::from_millis(50), Duration::from_millis(200), Duration::from_secs(1)];

/// What is told of a pod while it leaves.
#[derive(Debug)]
pub enum Told<'a> {
    /// A line for the output.
    Line(String),
    /// A line about a pod that is asked again to leave, and why it has to be.
    Retry(String, &'a Object, &'a Status),
    /// It was told to leave, and is still there.
    Still(&'a Object),
    /// It is gone, and nobody here made it leave.
    Left(&'a Object),
    /// It is gone; the word says how.
    Gone(&'a Object, &'static str),
    /// It is not known what became of it; the word says what failed.
    Lost(&'a Object, &'static str),
}

/// Who is told.
pub type Tell<'t> = &'t dyn Fn(Told<'_>);

/// Has the pods leave. The failure says which do not.
pub async fn leave(cluster: &Cluster, pods: &[Object], options: &Options, tell: Tell<'_>) -> Result<(), Failure> {
    if pods.is_empty() {
        return Ok(());
    }
    let now = Instant::now();
    let end = match options.timeout.0 {
        0 => None,
        _ => Some(now + options.timeout.to_std().unwrap_or_default()),
    };
    let leaving = Leaving { cluster, options, tell, end };
    let eviction = match options.disable_eviction {
        true => None,
        false => {
            let pods = cluster.client.resource("pods").await?;
            pods.subresource("eviction").map(|eviction| eviction.gvk.api_version()).filter(|version| version != "v1")
        }
    };
    match eviction {
        Some(version) => {
            let each = pods.iter().map(|pod| leaving.evict(pod, &version));
            let failures = join_all(each).await.into_iter().filter_map(Result::err).collect();
            Failure::together(failures).map_or(Ok(()), Err)
        }
        None => leaving.delete(pods).await,
    }
}

struct Leaving<'a> {
    cluster: &'a Cluster,
    options: &'a Options,
    tell: Tell<'a>,
    end: Option<Instant>,
}

/// Whether the server says that the pod's namespace is going, and the pod with it.
fn is_namespace_going(status: &Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    status.reason == "Forbidden" && causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating")
}

impl Leaving<'_> {
    fn is_over(&self) -> bool {
        self.end.is_some_and(|end| Instant::now() >= end)
    }

    fn delete_options(&self) -> Object {
        let mut options = json!({});
        if let Some(seconds) = self.options.grace_period {
            options.put(&["gracePeriodSeconds"], seconds);
        }
        if self.options.dry_run == DryRun::Server {
            options.put(&["dryRun"], json!(["All"]));
        }
        options
    }

    async fn read(&self, pod: &Object) -> Result<Object, Failure> {
        let mapping = mapping("", "pods", "Pod");
        Ok(self.cluster.client.json(&Request::get(&mapping, pod.namespace(), pod.name())).await?)
    }

    /// Evicts one pod, as often as it takes, and waits until it is gone.
    async fn evict(&self, pod: &Object, version: &str) -> Result<(), Failure> {
        let (name, namespace) = (pod.name(), pod.namespace());
        let eviction = json!({
            "kind": "Eviction", "apiVersion": version, "metadata": {"name": name, "namespace": namespace},
            "deleteOptions": self.delete_options(),
        });
        let request = Request::post(&mapping("", "pods", "Pod"), namespace, name, &eviction).subresource("eviction");
        let mut pod = pod.clone();
        loop {
            let dry_run = if self.options.dry_run == DryRun::Server { " (server dry run)" } else { "" };
            (self.tell)(Told::Line(format!("evicting pod {namespace}/{name}{dry_run}\n")));
            let failed =
                |why: &str| Err(Failure::message(format!("error when evicting pods/{name:?} -n {namespace:?}: {why}")));
            if self.is_over() {
                return failed(&format!("global timeout reached: {}", self.options.timeout));
            }
            let Err(failure) = self.cluster.client.json(&request).await.map_err(Failure::from) else { break };
            let words = failure.words();
            match failure.status() {
                Some(status) if status.reason == "NotFound" => {
                    (self.tell)(Told::Left(&pod));
                    return Ok(());
                }
                Some(status) if status.reason == "TooManyRequests" || status.code == 429 => {
                    let told =
                        format!("error when evicting pods/{name:?} -n {namespace:?} (will retry after 5s): {words}\n");
                    (self.tell)(Told::Retry(told, &pod, status));
                }
                Some(status) if is_namespace_going(status) => {
                    // A pod that is going already needs no eviction, and gets none.
                    if pod.at(&["metadata", "deletionTimestamp"]).is_some() {
                        break;
                    }
                    let told = format!(
                        "error when evicting pod {name:?} from terminating namespace {namespace:?} (will retry after 5s): {words}\n"
                    );
                    (self.tell)(Told::Retry(told, &pod, status));
                }
                _ => return failed(&words),
            }
            tokio::time::sleep(AGAIN).await;
            if let Ok(fresh) = self.read(&pod).await {
                pod = fresh;
            }
        }
        if self.options.dry_run == DryRun::Server {
            return Ok(());
        }
        self.until_gone(std::slice::from_ref(&pod), ("evicted", "eviction failed")).await.map_err(|failure| {
            let words = failure.words();
            Failure::message(format!(
                "error when waiting for pod {name:?} in namespace {namespace:?} to terminate: {words}"
            ))
        })
    }

    /// Deletes the pods one after the other, and waits until they are gone.
    async fn delete(&self, pods: &[Object]) -> Result<(), Failure> {
        let options = self.delete_options();
        for pod in pods {
            let request = Request::delete(&mapping("", "pods", "Pod"), pod.namespace(), pod.name(), &options);
            match self.cluster.client.json(&request).await.map_err(Failure::from) {
                Err(failure) if !failure.is_not_found() => return Err(failure),
                _ => {}
            }
        }
        if self.options.dry_run == DryRun::Server {
            return Ok(());
        }
        self.until_gone(pods, ("deleted", "deletion failed")).await
    }

    async fn until_gone(&self, pods: &[Object], (gone, lost): (&'static str, &'static str)) -> Result<(), Failure> {
        let mut pods: Vec<&Object> = pods.iter().collect();
        for look in 0usize.. {
            let mut left = Vec::new();
            for pod in pods {
                match self.read(pod).await {
                    Ok(now) if now.uid() == pod.uid() => {
                        if self.is_skipped(&now) {
                            continue;
                        }
                        (self.tell)(Told::Still(&now));
                        left.push(pod);
                    }
                    Err(failure) if !failure.is_not_found() => {
                        (self.tell)(Told::Lost(pod, lost));
                        return Err(failure);
                    }
                    _ => (self.tell)(Told::Gone(pod, gone)),
                }
            }
            pods = left;
            if pods.is_empty() {
                return Ok(());
            }
            let pause = *LOOKS.get(look / 4).unwrap_or(&LOOKS[LOOKS.len() - 1]);
            let left = self.end.map_or(pause, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            tokio::time::sleep(pause.min(left)).await;
        }
        Err(Failure::message("context deadline exceeded"))
    }

    fn is_skipped(&self, pod: &Object) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() as i64);
        let (skipped, seconds) = (is_overdue(pod, self.options.skip_after, now), self.options.skip_after);
        if skipped {
            let name = pod.name();
            let line = format!("pod {name:?} has DeletionTimestamp older than {seconds} seconds, skipping\n");
            (self.tell)(Told::Line(line));
        }
        skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Cause;
    use crate::api::status::Details;

    #[test]
    fn a_namespace_that_goes_is_told_by_its_cause() {
        let status = |reason: &str, cause: &str| {
            let causes = vec![Cause { reason: cause.into(), ..Cause::default() }];
            Status::failure(403, reason, "").about(Details { causes, ..Details::default() })
        };
        assert!(is_namespace_going(&status("Forbidden", "NamespaceTerminating")));
        assert!(!is_namespace_going(&status("Forbidden", "Other")));
        assert!(!is_namespace_going(&status("Conflict", "NamespaceTerminating")));
        assert!(!is_namespace_going(&Status::failure(403, "Forbidden", "")));
    }
}
