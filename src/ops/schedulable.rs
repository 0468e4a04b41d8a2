//! Whether a node takes new pods.

use super::edit::{self, Sending};
use super::infos::Info;
use super::options::DryRun;
use super::{Cluster, Failure};
use crate::api::{ObjectExt, Value};

/// Has a node take new pods, or none. The result says whether that is another state than before.
pub async fn set(cluster: &Cluster, info: &Info, schedulable: bool, dry_run: DryRun) -> Result<bool, Failure> {
    let before = edit::typed(&info.object, "")?;
    let unschedulable = before.at(&["spec", "unschedulable"]).and_then(Value::as_bool).unwrap_or_default();
    if unschedulable != schedulable {
        return Ok(false);
    }
    if dry_run != DryRun::Client {
        let mut after = before.clone();
        after.put(&["spec", "unschedulable"], !schedulable);
        let patch = edit::strategic_difference(&before, &edit::typed(&after, "")?)?;
        let sending = Sending { dry_run, ..Sending::default() };
        sending.strategic(cluster, info, &patch).await?;
    }
    Ok(true)
}
