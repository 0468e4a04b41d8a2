//! Server-side apply of one object (KEP-555), and the change over from client-side apply.

use super::apply::{Applied, Warnings};
use super::options::{DryRun, Validation};
use super::{Cluster, Failure, infos::Info, last_applied};
use crate::api::{Object, ObjectExt, Value, json};
use crate::client::{PatchKind, Request};
use serde_json::json;

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

/// Applies one object.
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
    let mut object = cluster.client.json(&request(info, options)).await.map_err(|error| worded(error.into()))?;
    match take_over(cluster, info, &mut object, options).await {
        Ok(true) => object = cluster.client.json(&request(info, options)).await?,
        Ok(false) => {}
        Err(failure) => warnings.push(format!(
            "Warning: server rejected managed fields migration to Server-Side Apply. This is non-fatal and will be retried next time you apply. Error: {}\n",
            failure.status().map(|status| status.message.clone()).unwrap_or_default()
        )),
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

/// kubectl explains what to do about a conflict.
fn worded(failure: Failure) -> Failure {
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

/// Moves what client-side apply owns to the manager of server-side apply, so that fields which the manifest drops are
/// really dropped. The annotation gets a manager of its own, so that going back stays possible. Says whether the
/// object has to be applied once more.
async fn take_over(cluster: &Cluster, info: &Info, object: &mut Object, options: &Options) -> Result<bool, Failure> {
    if options.dry_run != DryRun::None || !options.subresource.is_empty() {
        return Ok(false);
    }
    if options.manager == MANAGER
        && let Some(text) = last_applied::read(object)
        && owners(object, "Apply").is_empty()
    {
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
    }
    for _ in 0..RETRIES {
        let managers = owners(object, "Update");
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
            Err(failure) if failure.is_conflict() => {
                let request = Request::get(&info.mapping, &info.namespace, &info.name);
                *object = cluster.client.json(&request).await?;
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(false)
}

/// The managers that own the annotation of client-side apply by this operation.
fn owners(object: &Object, operation: &str) -> Vec<String> {
    object
        .items_at(&["metadata", "managedFields"])
        .iter()
        .filter(|entry| entry.text(&["operation"]) == operation && entry.text(&["subresource"]).is_empty())
        .filter(|entry| {
            let mut path = vec!["fieldsV1"];
            path.extend(ANNOTATION_FIELD);
            entry.at(&path).is_some()
        })
        .map(|entry| entry.text(&["manager"]).to_string())
        .collect()
}

/// managedFields with the entries of these managers made part of `manager`'s Apply entry; none when there are none.
fn moved(object: &Object, managers: &[String], manager: &str) -> Option<Value> {
    let entries = object.items_at(&["metadata", "managedFields"]);
    let is_old = |entry: &Value| {
        entry.text(&["operation"]) == "Update"
            && entry.text(&["subresource"]).is_empty()
            && managers.iter().any(|name| name == entry.text(&["manager"]))
    };
    let is_target = |entry: &Value| {
        entry.text(&["operation"]) == "Apply"
            && entry.text(&["subresource"]).is_empty()
            && entry.text(&["manager"]) == manager
    };
    if !entries.iter().any(is_old) {
        return None;
    }
    let mut kept: Vec<Value> = entries.iter().filter(|entry| !is_old(entry)).cloned().collect();
    for old in entries.iter().filter(|entry| is_old(entry)) {
        match kept.iter_mut().find(|entry| is_target(entry)) {
            Some(target) => {
                let fields = old.at(&["fieldsV1"]).cloned().unwrap_or_default();
                unite(target.at_mut(&["fieldsV1"]), &fields);
            }
            None => {
                let mut entry = old.clone();
                entry.put(&["operation"], "Apply");
                entry.put(&["manager"], manager);
                kept.push(entry);
            }
        }
    }
    // The annotation belongs to its own manager from now on.
    for entry in kept.iter_mut().filter(|entry| is_target(entry)) {
        let mut path = vec!["fieldsV1"];
        path.extend(ANNOTATION_FIELD);
        entry.take_at(&path);
    }
    Some(kept.into())
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
        assert_eq!(managers, ["kubectl-client-side-apply"]);
        let moved = moved(&object, &managers, "kubectl").unwrap();
        assert_eq!(moved.as_array().unwrap().len(), 2);
        assert_eq!(moved[0]["fieldsV1"]["f:data"], json!({"f:a": {}, "f:b": {}}));
        assert!(super::moved(&object, &[], "kubectl").is_none());
    }
}
