//! Pausing, resuming and restarting: changes of an object, and what stands in their way.

use crate::api::{Object, ObjectExt};

/// Where the time of a restart is noted: a new template makes new pods.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

/// What is done to a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The controller looks away.
    Pause,
    /// It looks again.
    Resume,
    /// All pods are made anew; the time is noted.
    Restart(String),
}

impl Change {
    /// Changes an object.
    ///
    /// # Errors
    /// Why that cannot be.
    pub fn apply(&self, object: &mut Object) -> Result<(), String> {
        let kind = object.group_version_kind().group_kind();
        let has_rollout = match self {
            Change::Restart(_) => matches!(kind.as_str(), "Deployment.apps" | "DaemonSet.apps" | "StatefulSet.apps"),
            _ => kind == "Deployment.apps",
        };
        if !has_rollout {
            let doing = match self {
                Change::Pause => "pausing",
                Change::Resume => "resuming",
                Change::Restart(_) => "restarting",
            };
            return Err(format!("{doing} is not supported"));
        }
        let is_paused = object.at(&["spec", "paused"]).and_then(crate::api::Value::as_bool).unwrap_or_default();
        match self {
            Change::Pause if is_paused => Err("is already paused".into()),
            Change::Resume if !is_paused => Err("is not paused".into()),
            Change::Restart(_) if is_paused => Err("can't restart paused deployment (run rollout resume first)".into()),
            Change::Restart(time) => {
                object.put(&["spec", "template", "metadata", "annotations", RESTARTED], time.as_str());
                Ok(())
            }
            _ => {
                object.put(&["spec", "paused"], *self == Change::Pause);
                Ok(())
            }
        }
    }

    /// What a change that changes nothing means: a word for it, or that it cannot be.
    pub fn idle(&self, name: &str) -> Result<&'static str, String> {
        match self {
            Change::Pause => Ok("already paused"),
            Change::Resume => Ok("already resumed"),
            Change::Restart(_) => Err(format!(
                "failed to create patch for {name}: if restart has already been triggered within the past second, please wait before attempting to trigger another"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_and_what_stands_in_their_way() {
        let restart = || Change::Restart("now".into());
        for (change, api_version, kind, paused, outcome) in [
            (Change::Pause, "apps/v1", "Deployment", false, Ok("/spec/paused")),
            (Change::Pause, "apps/v1", "Deployment", true, Err("is already paused")),
            (Change::Pause, "apps/v1", "DaemonSet", false, Err("pausing is not supported")),
            (Change::Resume, "apps/v1", "Deployment", true, Ok("/spec/paused")),
            (Change::Resume, "apps/v1", "Deployment", false, Err("is not paused")),
            (Change::Resume, "v1", "Pod", false, Err("resuming is not supported")),
            (restart(), "apps/v1", "StatefulSet", false, Ok("/spec/template/metadata/annotations")),
            (
                restart(),
                "apps/v1",
                "Deployment",
                true,
                Err("can't restart paused deployment (run rollout resume first)"),
            ),
            (restart(), "v1", "Pod", false, Err("restarting is not supported")),
        ] {
            let mut object = json!({"apiVersion": api_version, "kind": kind, "spec": {"paused": paused}});
            let done = change.apply(&mut object);
            match outcome {
                Ok(path) => assert!(done.is_ok() && object.pointer(path).is_some(), "{change:?} {kind}: {object}"),
                Err(why) => assert_eq!(done, Err(why.into()), "{change:?} {kind}"),
            }
        }
    }
}
