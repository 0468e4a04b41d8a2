//! Server-side apply of one object (KEP-555), and the change over from client-side apply.

use super::apply::{Applied, Warnings};
use super::options::{DryRun, Validation};
use super::{Cluster, Failure, infos::Info, last_applied};
use crate::api::{Object, ObjectExt, Value, json};
use crate::client::{PatchKind, Request};
use serde_json::json;
use std::collections::BTreeSet;

/// The field manager unless another is named.
pub const MANAGER: &str = "kubectl";
/// The manager that keeps the annotation of client-side apply alive after the change over.
const ANNOTATION_MANAGER: &str = "kubectl-last-applied";
/// The path of that annotation in managedFields.
const ANNOTATION_FIELD: [&str; 3] =
    ["f:metadata", "f:annotations", "f:kubectl.kubernetes.io/last-applied-configuration"];
const RETRIES: usize = 5;

/// How objects are applied.
#[derive(Clone, Debug)]
pub struct Options {
    /// The field manager.
    pub manager: String,
    /// Take over fields that others manage.
    pub force: bool,
    /// Whether anything is stored.
    pub dry_run: DryRun,
    /// What happens about unknown fields.
    pub validation: Validation,
    /// The subresource to work on; empty for the object itself.
    pub subresource: String,
}

/// Applies one object. What the server refuses is still to be [`worded`].
pub async fn apply(
    cluster: &Cluster,
    info: &Info,
    options: &Options,
    warnings: &mut Warnings,
) -> Result<Applied, Failure> {
    if info.name.is_empty() {
        let prefix = info.object.text(&["metadata", "generateName"]);
        if !prefix.is_empty() {
            return Err(Failure::message(format!("from {prefix}: cannot use generate name with apply")));
        }
        return Err(Failure::message("resource name may not be empty"));
    }
    let mut object = cluster.client.json(&request(info, options)).await?;
    if options.dry_run == DryRun::None && options.subresource.is_empty() {
        warnings.extend(take_over(cluster, info, &mut object, options).await);
    }
    if !object.text(&["metadata", "deletionTimestamp"]).is_empty() {
        warnings.push(format!(
            "Warning: Detected changes to resource {} which is currently being deleted.\n",
            object.name()
        ));
    }
    Ok(Applied { object, operation: "serverside-applied" })
}

/// The request that applies an object, or would with `--dry-run=server`.
pub fn request(info: &Info, options: &Options) -> Request {
    let mut request = Request::patch(&info.mapping, &info.namespace, &info.name, PatchKind::Apply, body(&info.object))
        .query("fieldManager", &options.manager)
        .query("fieldValidation", options.validation.parameter())
        .query("force", if options.force { "true" } else { "false" });
    if !options.subresource.is_empty() {
        request = request.subresource(&options.subresource);
    }
    if options.dry_run == DryRun::Server { request.query("dryRun", "All") } else { request }
}

/// A refusal in kubectl's words, which explain what to do about a conflict.
pub fn worded(failure: Failure) -> Failure {
    let Some(status) = failure.status() else { return failure };
    if status.code == 415 {
        return Failure::message(format!("Server-side apply not available on the server: ({})", status.message));
    }
    if status.reason != "Conflict" {
        return failure;
    }
    Failure::message(format!(
        "{}\nPlease review the fields above--they currently have other managers. Here\nare the ways you can resolve this warning:\n* If you intend to manage all of these fields, please re-run the apply\n  command with the `--force-conflicts` flag.\n* If you do not intend to manage all of the fields, please edit your\n  manifest to remove references to the fields that should keep their\n  current managers.\n* You may co-own fields by updating your manifest to match the existing\n  value; in this case, you'll become the manager if the other manager(s)\n  stop managing the field (remove it from their configuration).\nSee https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts",
        status.message
    ))
}

/// Moves what client-side apply owns to the manager of server-side apply, and applies once more, so that fields which the
/// manifest drops are really dropped. What goes wrong is a warning: the object is applied.
async fn take_over(cluster: &Cluster, info: &Info, object: &mut Object, options: &Options) -> Option<String> {
    let warning = |what: &str, failure: Failure| {
        let why = failure.words();
        Some(format!("Warning: {what}. This is non-fatal and will be retried next time you apply. Error: {why}\n"))
    };
    if options.manager == MANAGER
        && let Err(failure) = keep_annotation(cluster, info, object).await
    {
        let what = format!("failed to migrate {} for Server-Side Apply", last_applied::ANNOTATION);
        return warning(&what, failure);
    }
    match migrate(cluster, info, object, options).await {
        Ok(false) => return None,
        Ok(true) => {}
        Err(failure) => return warning("server rejected managed fields migration to Server-Side Apply", failure),
    }
    match cluster.client.json(&request(info, options)).await {
        Ok(applied) => {
            *object = applied;
            None
        }
        Err(error) => {
            warning("failed to re-apply configuration after performing Server-Side Apply migration", error.into())
        }
    }
}

/// Gives the annotation of client-side apply a manager of its own, so that going back stays possible.
async fn keep_annotation(cluster: &Cluster, info: &Info, object: &mut Object) -> Result<(), Failure> {
    let Some(text) = last_applied::read(object).filter(|_| owners(object, "Apply").is_empty()) else { return Ok(()) };
    let mut only = json!({
        "apiVersion": info.mapping.gvk.api_version(), "kind": info.mapping.gvk.kind,
        "metadata": {"name": info.name, "annotations": {last_applied::ANNOTATION: text}},
    });
    if !info.namespace.is_empty() {
        only.put(&["metadata", "namespace"], info.namespace.as_str());
    }
    let request = Request::patch(&info.mapping, &info.namespace, &info.name, PatchKind::Apply, body(&only))
        .query("fieldManager", ANNOTATION_MANAGER);
    *object = cluster.client.json(&request).await?;
    Ok(())
}

/// Moves what client-side apply owns to the manager of server-side apply, if there is anything.
async fn migrate(cluster: &Cluster, info: &Info, object: &mut Object, options: &Options) -> Result<bool, Failure> {
    let managers = owners(object, "Update");
    let mut tries = 0;
    loop {
        let Some(entries) = moved(object, &managers, &options.manager) else { return Ok(false) };
        let patch = json!([
            {"op": "replace", "path": "/metadata/managedFields", "value": entries},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": object.resource_version()},
        ]);
        let request = Request::patch(&info.mapping, &info.namespace, &info.name, PatchKind::Json, body(&patch));
        match cluster.client.json(&request).await.map_err(Failure::from) {
            Ok(updated) => {
                *object = updated;
                return Ok(true);
            }
            Err(failure) if failure.is_conflict() && tries < RETRIES => {
                tries += 1;
                let request = Request::get(&info.mapping, &info.namespace, &info.name);
                *object = cluster.client.json(&request).await?;
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// The managers that own the annotation of client-side apply by this operation.
fn owners(object: &Object, operation: &str) -> BTreeSet<String> {
    object
        .items_at(&["metadata", "managedFields"])
        .iter()
        .filter(|entry| entry.text(&["operation"]) == operation)
        .filter(|entry| {
            let mut path = vec!["fieldsV1"];
            path.extend(ANNOTATION_FIELD);
            entry.at(&path).is_some()
        })
        .map(|entry| entry.text(&["manager"]).to_string())
        .collect()
}

/// managedFields with the entries of these managers made part of `manager`'s Apply entry; none when there are none. Of
/// several entries of one manager, those of another version than the Apply entry's are dropped.
fn moved(object: &Object, managers: &BTreeSet<String>, manager: &str) -> Option<Value> {
    let before = object.items_at(&["metadata", "managedFields"]);
    let is = |entry: &Value, name: &str, operation: &str| {
        entry.text(&["manager"]) == name
            && entry.text(&["operation"]) == operation
            && entry.text(&["subresource"]).is_empty()
    };
    let mut entries = before.to_vec();
    for name in managers {
        let target = entries.iter().position(|entry| is(entry, manager, "Apply"));
        let Some(at) = target.or_else(|| entries.iter().position(|entry| is(entry, name, "Update"))) else { continue };
        let mut target = entries[at].clone();
        target.put(&["operation"], "Apply");
        target.put(&["manager"], manager);
        let same_version = |entry: &&Value| entry.text(&["apiVersion"]) == target.text(&["apiVersion"]);
        let old = entries.iter().filter(|entry| is(entry, name, "Update")).find(same_version);
        if let Some(fields) = old.and_then(|old| old.at(&["fieldsV1"])).cloned() {
            unite(target.at_mut(&["fieldsV1"]), &fields);
        }
        entries[at] = target;
        entries.retain(|entry| !is(entry, name, "Update"));
    }
    (entries != before).then(|| entries.into())
}

/// Puts the fields of one set into another.
fn unite(into: &mut Value, from: &Value) {
    if let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) {
        for (key, value) in from {
            unite(into.entry(key.clone()).or_insert_with(|| json!({})), value);
        }
    }
}

fn body(value: &Value) -> Vec<u8> {
    json::to_string(value).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, fields: Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields})
    }

    #[test]
    fn entries_of_client_side_apply_are_moved() {
        let annotation = json!({ANNOTATION_FIELD[1]: {ANNOTATION_FIELD[2]: {}}});
        let object = json!({"metadata": {"managedFields": [
            entry("kubectl", "Apply", json!({"f:data": {"f:a": {}}})),
            entry("kubectl-client-side-apply", "Update", json!({"f:data": {"f:b": {}}, "f:metadata": annotation})),
            entry("other", "Update", json!({"f:data": {"f:c": {}}})),
        ]}});
        let managers = owners(&object, "Update");
        assert_eq!(managers, BTreeSet::from(["kubectl-client-side-apply".into()]));
        // The annotation goes with the rest; who applies without it drops it, unless another manager keeps it.
        let both = json!({"f:data": {"f:a": {}, "f:b": {}}, "f:metadata": annotation});
        let other = entry("other", "Update", json!({"f:data": {"f:c": {}}}));
        assert_eq!(moved(&object, &managers, "kubectl").unwrap(), json!([entry("kubectl", "Apply", both), other]));
        assert_eq!(moved(&object, &BTreeSet::new(), "kubectl"), None);
        // Without an entry to join, the old one becomes it, where it stands.
        let alone = moved(&object, &managers, "me").unwrap();
        assert_eq!(alone[1], entry("me", "Apply", json!({"f:data": {"f:b": {}}, "f:metadata": annotation})));
    }
}
