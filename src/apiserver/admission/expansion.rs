//! Claims may only ask for more when they are bound, and their class allows it (PersistentVolumeClaimResize).

use super::super::errors::Answer;
use super::super::pipeline::Server;
use super::{Asked, Operation};
use crate::api::{ObjectExt, Quantity, Value};

impl Server {
    /// Refuses a claim for more that nobody could meet.
    pub(super) async fn check_expansion(&self, asked: &Asked<'_>, claim: &Value) -> Answer<()> {
        let is_change = asked.operation == Operation::Update && asked.subresource.is_empty();
        let Some(old) = asked.old.filter(|_| is_change && asked.is_for("", "persistentvolumeclaims")) else {
            return Ok(());
        };
        let size = |claim: &Value| claim.text(&["spec", "resources", "requests", "storage"]).parse::<Quantity>().ok();
        if size(claim) <= size(old) {
            return Ok(());
        }
        if old.text(&["status", "phase"]) != "Bound" {
            return Err(asked.refuse(claim, "Only bound persistent volume claims can be expanded"));
        }
        let class = |claim: &Value| claim.text(&["spec", "storageClassName"]).to_string();
        let classes = self.objects("storage.k8s.io", "storageclasses", "").await?;
        let own = classes.iter().find(|known| known.name() == class(claim) && class(claim) == class(old));
        if own.is_some_and(|own| own.get("allowVolumeExpansion") == Some(&Value::Bool(true))) {
            return Ok(());
        }
        let why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must \
                   support resize";
        Err(asked.refuse(claim, why))
    }
}
