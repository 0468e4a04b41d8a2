//! Setting how many replicas an object has, by its scale subresource.

use super::options::DryRun;
use super::{Cluster, Failure, edit::Sending, infos::Info, polling};
use crate::api::{Object, ObjectExt};
use crate::client::PatchKind;
use crate::ops::find;
use serde_json::json;
use std::time::Duration;

/// How long is tried while others change the object at the same time.
const RETRYING: Duration = Duration::from_secs(5 * 60);

/// How an object is scaled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scaling {
    /// The number that is wanted.
    pub replicas: i64,
    /// The number that there must be now; -1 for any.
    pub current: i64,
    /// The version that the scale must have now; empty for any.
    pub version: String,
    /// Whether it is kept.
    pub dry_run: DryRun,
    /// How long to wait until the replicas are there; none for not at all.
    pub wait: Option<Duration>,
}

const SCALE: &str = "scale";

impl Scaling {
    /// Scales one object. The result is the number that it has now, or would have.
    pub async fn run(&self, cluster: &Cluster, info: &Info) -> Result<i64, Failure> {
        let replicas = polling::until(RETRYING, async || match self.attempt(cluster, info).await {
            Ok(scale) => Ok(Some(scale.integer(&["spec", "replicas"]).unwrap_or_default())),
            Err(failure) if failure.is_conflict() => Ok(None),
            Err(failure) => Err(failure),
        });
        let replicas = replicas.await?.ok_or_else(|| Failure::message("context deadline exceeded"))?;
        if let (Some(limit), DryRun::None) = (self.wait, self.dry_run) {
            let reached = polling::until(limit, async || {
                Ok(self.is_reached(&find::retrieve(cluster, info, SCALE).await?).then_some(()))
            });
            reached
                .await?
                .ok_or_else(|| Failure::message(format!("timed out waiting for {:?} to be synced", info.name)))?;
        }
        Ok(replicas)
    }

    async fn attempt(&self, cluster: &Cluster, info: &Info) -> Result<Object, Failure> {
        let sending = Sending { dry_run: self.dry_run, subresource: SCALE.into(), ..Sending::default() };
        if self.current == -1 && self.version.is_empty() {
            let patch = json!({"spec": {"replicas": self.replicas}}).to_string().into_bytes();
            return sending.patch(cluster, info, PatchKind::Merge, patch).await;
        }
        let mut scale = find::retrieve(cluster, info, SCALE).await?;
        self.check(&scale)?;
        scale.put(&["spec", "replicas"], self.replicas);
        sending.update(cluster, info, &scale).await
    }

    /// Refuses a scale that is not what it must be.
    fn check(&self, scale: &Object) -> Result<(), Failure> {
        let expected = |what: &str, wanted: &str, found: &str| {
            Err(Failure::message(format!("Expected {what} to be {wanted}, was {found}")))
        };
        let current = scale.integer(&["spec", "replicas"]).unwrap_or_default();
        if self.current != -1 && current != self.current {
            return expected("replicas", &self.current.to_string(), &current.to_string());
        }
        if !self.version.is_empty() && scale.resource_version() != self.version {
            return expected("resource version", &self.version, scale.resource_version());
        }
        Ok(())
    }

    /// Whether the replicas are there, or somebody wants another number by now.
    fn is_reached(&self, scale: &Object) -> bool {
        let number = |part| scale.integer(&[part, "replicas"]).unwrap_or_default();
        number("spec") != self.replicas || number("status") == self.replicas
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preconditions_and_the_end_of_waiting() {
        let scale = json!({"metadata": {"resourceVersion": "7"}, "spec": {"replicas": 5}, "status": {"replicas": 2}});
        let scaling = |current, version: &str, replicas| Scaling {
            replicas,
            current,
            version: version.into(),
            dry_run: DryRun::None,
            wait: None,
        };
        for (current, version, words) in [
            (5, "", ""),
            (-1, "7", ""),
            (3, "", "Expected replicas to be 3, was 5"),
            (-1, "8", "Expected resource version to be 8, was 7"),
        ] {
            let said = match scaling(current, version, 1).check(&scale) {
                Err(Failure::Message(text)) => text,
                _ => String::new(),
            };
            assert_eq!(said, words);
        }
        assert!(!scaling(-1, "", 5).is_reached(&scale));
        assert!(scaling(-1, "", 2).is_reached(&scale), "somebody else wants 5");
        let done = json!({"spec": {"replicas": 2}, "status": {"replicas": 2}});
        assert!(scaling(-1, "", 2).is_reached(&done));
    }
}
