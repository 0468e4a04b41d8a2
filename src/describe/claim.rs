//! PersistentVolumeClaims, and the templates of claims in pods and StatefulSets.

use super::context::{Context, Lookup};
use super::labels;
use super::read::{Brackets, quantity, some, text, texts};
use super::writer::Writer;
use super::{Error, conditions};
use crate::api::{ObjectExt, Value};

/// Where the class of a claim was before it had a field of its own.
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

/// What a claim's description needs: the pods of its namespace.
pub fn needs(claim: &Value) -> Vec<Lookup> {
    vec![pods(claim)]
}

fn pods(claim: &Value) -> Lookup {
    Lookup::list("", "v1", "pods", claim.namespace(), "", "")
}

/// Describes a PersistentVolumeClaim.
pub fn write(w: &mut Writer, object: &Value, context: &Context) -> Result<(), Error> {
    let pods = context.found(&pods(object))?;
    claim(w, object, Some(context));
    let mut users = users(object, pods);
    users.sort_unstable();
    labels::lines(w, "Used By", users.into_iter().map(String::from));
    conditions::write(w, object, conditions::CLAIM, context);
    Ok(())
}

/// The names of the pods that use a claim: those that mount it, and those that own it.
fn users<'a>(claim: &Value, pods: &'a [Value]) -> Vec<&'a str> {
    let claims = |pod: &Value| {
        let volumes = pod.items_at(&["spec", "volumes"]).iter();
        volumes.filter(|volume| volume.text(&["persistentVolumeClaim", "claimName"]) == claim.name()).count()
    };
    let owns = |pod: &Value| {
        let owners = claim.items_at(&["metadata", "ownerReferences"]).iter();
        owners.into_iter().any(|owner| owner.text(&["kind"]) == "Pod" && owner.text(&["uid"]) == pod.uid())
    };
    // A pod that mounts a claim twice is shown twice.
    pods.iter().flat_map(|pod| std::iter::repeat_n(pod.name(), claims(pod).max(usize::from(owns(pod))))).collect()
}

/// The storage class of a claim or of a template of one.
pub fn storage_class(claim: &Value) -> &str {
    claim.annotation(CLASS_ANNOTATION).unwrap_or(claim.text(&["spec", "storageClassName"]))
}

/// The access modes, short and each once: `RWO,ROX`.
pub fn access_modes(modes: &[&str]) -> String {
    let known =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let short = known.iter().filter(|(long, _)| modes.contains(long)).map(|(_, short)| *short);
    short.collect::<Vec<_>>().join(",")
}

/// Writes a claim's fields; without a context it is a template, which has no name and no status.
pub fn claim(w: &mut Writer, claim: &Value, context: Option<&Context>) {
    if context.is_some() {
        w.field(0, "Name", claim.name());
        w.field(0, "Namespace", claim.namespace());
    }
    w.field(0, "StorageClass", storage_class(claim));
    if let Some(context) = context {
        status(w, claim, context);
    }
    w.field(0, "Volume", claim.text(&["spec", "volumeName"]));
    labels::labels_and_annotations(w, claim);
    if context.is_some() {
        w.field(0, "Finalizers", Brackets(texts(claim, &["metadata", "finalizers"])));
    }
    let bound = text(claim, &["spec", "volumeName"]).is_some();
    let capacity = bound.then(|| quantity(claim, &["status", "capacity", "storage"]));
    w.field(0, "Capacity", capacity.unwrap_or_default());
    let modes = bound.then(|| access_modes(&texts(claim, &["status", "accessModes"])));
    w.field(0, "Access Modes", modes.unwrap_or_default());
    if let Some(mode) = text(claim, &["spec", "volumeMode"]) {
        w.field(0, "VolumeMode", mode);
    }
    if let Some(source) = some(claim, &["spec", "dataSource"]) {
        w.line(0, "DataSource:");
        if let Some(group) = some(source, &["apiGroup"]) {
            w.field(1, "APIGroup", super::read::Scalar(group));
        }
        w.field(1, "Kind", source.text(&["kind"]));
        w.field(1, "Name", source.text(&["name"]));
    }
}

/// Writes the phase of a volume or a claim, or for how long it has been on its way out.
pub fn status(w: &mut Writer, object: &Value, context: &Context) {
    match text(object, &["metadata", "deletionTimestamp"]) {
        Some(time) => w.field(0, "Status", format_args!("Terminating (lasts {})", context.age(time))),
        None => w.field(0, "Status", object.text(&["status", "phase"])),
    }
}

/// Writes the claims that a StatefulSet makes for its pods.
pub fn templates(w: &mut Writer, templates: &[Value]) {
    if templates.is_empty() {
        return w.field(0, "Volume Claims", "<none>");
    }
    w.line(0, "Volume Claims:");
    for template in templates {
        w.field(1, "Name", template.name());
        w.field(1, "StorageClass", storage_class(template));
        for (title, key) in [("Labels", "labels"), ("Annotations", "annotations")] {
            labels::labels_indented(w, "  ", title, template, &["metadata", key]);
        }
        let capacity = some(template, &["spec", "resources", "requests", "storage"]).map(super::read::canonical);
        w.field(1, "Capacity", capacity.unwrap_or_else(|| "<default>".into()));
        w.field(1, "Access Modes", Brackets(texts(template, &["spec", "accessModes"])));
    }
}
