//! Patches of a kustomization: maps that are merged, and lists of operations (RFC 6902).

use super::fields::scalar_text;
use super::file::texts;
use super::load::Root;
use super::resource::{self, Resource, Resources};
use super::select::Selector;
use super::{Outcome, Problem, merge};
use crate::api::gotext::quote;
use crate::api::{ObjectExt, Value};
use crate::merge::json_patch;
use crate::{schema, yaml};

/// A patch that was read.
#[derive(Debug)]
enum Patch {
    Maps(Vec<Resource>),
    Operations(Value),
}

/// Carries out `patchesStrategicMerge`: each is a file's name, or the patch itself.
pub(super) fn strategic(resources: &mut Resources, file: &Value, root: &Root) -> Outcome<()> {
    let mut patches = Vec::new();
    for text in texts(file, "patchesStrategicMerge") {
        match resource::parse(text.as_bytes()) {
            Ok(found) => patches.extend(found),
            Err(_) => patches.extend(resource::parse(&root.load(text)?).map_err(|problem| problem.of_file(text))?),
        }
    }
    patches.iter().try_for_each(|patch| merge_into(resources, patch))?;
    resources.0.retain(|resource| !resource.object.is_null());
    Ok(())
}

/// Carries out one of `patches`.
pub(super) fn patch(resources: &mut Resources, entry: &Value, root: &Root) -> Outcome<()> {
    let (patch, source) = load(entry, root).map_err(|problem| problem.configuring("PatchTransformer", entry))?;
    let target = entry.get("target").map(Selector::read).transpose()?;
    match patch {
        Patch::Maps(mut patches) => {
            for patch in &mut patches {
                let allows = |option: &str| entry.at(&["options", option]) == Some(&Value::Bool(true));
                patch.may_change_name = allows("allowNameChange");
                patch.may_change_kind = allows("allowKindChange");
            }
            merge_all(resources, &patches, target.as_ref(), &source)?;
        }
        Patch::Operations(operations) => {
            let Some(target) = target else {
                return Err(Problem(format!("must specify a target for JSON patch {source}")));
            };
            for at in resources.select(&target)? {
                resources.0[at].store_id();
                operate(&mut resources.0[at], &operations)?;
            }
        }
    }
    resources.0.retain(|resource| !resource.object.is_null());
    Ok(())
}

/// The patch of an entry, and what messages call it.
fn load(entry: &Value, root: &Root) -> Outcome<(Patch, String)> {
    let (inline, path) = (entry.text(&["patch"]).trim(), entry.text(&["path"]));
    let (text, source) = match (inline, path) {
        ("", "") => return Err(Problem(format!("must specify one of patch and path in\n{}", yaml::to_string(entry)))),
        (inline, "") => (inline.as_bytes().to_vec(), format!("[patch: {}]", quote(inline))),
        ("", path) => {
            let load = root.load(path).map_err(|Problem(reason)| {
                Problem(format!("failed to get the patch file from path({path}): {reason}"))
            });
            (load?, format!("[path: {}]", quote(path)))
        }
        _ => return Err(Problem(format!("patch and path can't be set at the same time\n{}", yaml::to_string(entry)))),
    };
    Ok((read(&text, &source)?, source))
}

/// Carries out one of `patchesJson6902`.
pub(super) fn json6902(resources: &mut Resources, entry: &Value, root: &Root) -> Outcome<()> {
    let (inline, path) = (entry.text(&["patch"]), entry.text(&["path"]));
    let text = match (inline, path) {
        _ if entry.text(&["target", "name"]).is_empty() => return Err(Problem("must specify the target name".into())),
        ("", "") => return Err(Problem("empty file path and empty jsonOp".into())),
        (inline, "") => inline.as_bytes().to_vec(),
        ("", path) => root.load(path)?,
        _ => return Err(Problem("must specify a file path or jsonOp, not both".into())),
    };
    let operations = yaml::from_slice(&text).map_err(|error| Problem(error.to_string()))?;
    let target = Selector::read(&entry["target"])?;
    for at in resources.select(&target)? {
        operate(&mut resources.0[at], &operations)?;
    }
    Ok(())
}

fn read(text: &[u8], source: &str) -> Outcome<Patch> {
    let is_operations = |value: &Value| {
        value.as_array().is_some_and(|items| items.iter().all(|item| item.is_object() && item.get("op").is_some()))
    };
    if let Ok(operations) = yaml::from_slice(text)
        && is_operations(&operations)
    {
        return Ok(Patch::Operations(operations));
    }
    match resource::parse(text) {
        Ok(patches) => Ok(Patch::Maps(patches)),
        Err(_) => Err(Problem(format!("unable to parse SM or JSON patch from {source}"))),
    }
}

fn operate(resource: &mut Resource, operations: &Value) -> Outcome<()> {
    resource.object = json_patch::apply(&resource.object, operations).map_err(|error| Problem(error.to_string()))?;
    if let Value::Object(annotations) =
        resource.object.at_mut(&["metadata"]).get_mut("annotations").unwrap_or(&mut Value::Null)
    {
        for value in annotations.values_mut() {
            *value = scalar_text(value).unwrap_or_default().into();
        }
    }
    Ok(())
}

fn merge_all(resources: &mut Resources, patches: &[Resource], target: Option<&Selector>, source: &str) -> Outcome<()> {
    let Some(target) = target else {
        return patches.iter().try_for_each(|patch| {
            let id = patch.original_id();
            let resource = resources.by_id(&id).map_err(|problem| {
                problem.within(&format!("no resource matches strategic merge patch {}", quote(&id.to_string())))
            });
            apply(resource?, patch)
        });
    };
    let [patch] = patches else {
        let named =
            "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field";
        return Err(Problem(format!("{named}: {source}")));
    };
    for at in resources.select(target)? {
        let resource = &mut resources.0[at];
        let mut patch = patch.clone();
        patch.object.put(&["apiVersion"], resource.object.api_version());
        apply(resource, &patch)?;
    }
    Ok(())
}

fn merge_into(resources: &mut Resources, patch: &Resource) -> Outcome<()> {
    apply(resources.by_id(&patch.original_id())?, patch)
}

/// Merges a patch into a resource, which keeps its kind, name and namespace unless the patch may change them.
fn apply(resource: &mut Resource, patch: &Resource) -> Outcome<()> {
    let id = resource.id();
    if patch.may_change_name || patch.may_change_kind {
        resource.store_id();
    }
    let ty = schema::builtin().kind(&id.gvk);
    let Some(mut object) = merge::merge(resource.object.take(), &patch.object, ty)? else {
        resource.object = Value::Null;
        return Ok(());
    };
    if !patch.may_change_kind {
        object.put(&["kind"], id.gvk.kind);
    }
    if !patch.may_change_name {
        object.put(&["metadata", "name"], id.name);
    }
    match id.namespace.as_str() {
        "" => drop(object.take_at(&["metadata", "namespace"])),
        namespace => object.put(&["metadata", "namespace"], namespace),
    }
    resource.object = object;
    Ok(())
}
