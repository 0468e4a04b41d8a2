//! What a kustomization does to all its resources: namespaces, names, labels, annotations, images and replicas.

use super::config::{Config, merge};
use super::fields::{Field, Made, enter, go_list, is_selected, scalar_text};
use super::resource::{Resources, shown};
use super::sort::compare_kinds;
use super::{Outcome, Problem};
use crate::api::{ObjectExt, Value};
use crate::expr::regexp;
use regex::Regex;

/// Puts everything into a namespace.
pub(super) fn namespace(resources: &mut Resources, namespace: &str, fields: &[Field]) -> Outcome<()> {
    for at in 0..resources.0.len() {
        let resource = &mut resources.0[at];
        resource.store_id();
        if !resource.id().is_cluster_scoped() {
            resource.object.put(&["metadata", "namespace"], namespace);
        }
        let object = &mut resource.object;
        if matches!(object.kind(), "RoleBinding" | "ClusterRoleBinding")
            && let Some(Value::Array(subjects)) = object.get_mut("subjects")
        {
            for subject in subjects.iter_mut().filter(|subject| subject.text(&["name"]) == "default") {
                enter(subject, "namespace", namespace)?;
            }
        }
        let api_version = object.api_version().to_string();
        for field in fields {
            let is_done = field.path == "metadata/namespace"
                || (field.path == "metadata/name" && api_version != "v1")
                || (field.path == "subjects/namespace"
                    && matches!(field.gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding"));
            if !is_done {
                field
                    .change(object, Made::Scalar, &mut |value| {
                        *value = namespace.into();
                        Ok(())
                    })
                    .map_err(|problem| problem.within("namespace transformation failed"))?;
            }
        }
        let id = resources.0[at].id();
        let same: Vec<String> = resources
            .0
            .iter()
            .map(|other| other.id())
            .filter(|other| other.is_same(&id))
            .map(|id| id.to_string())
            .collect();
        if same.len() != 1 {
            return Err(Problem(format!("namespace transformation produces ID conflict: {}", go_list(&same))));
        }
    }
    Ok(())
}

/// Puts a text before or behind names. Kinds whose names mean something keep theirs.
pub(super) fn rename(resources: &mut Resources, text: &str, is_prefix: bool, fields: &[Field]) -> Outcome<()> {
    for resource in &mut resources.0 {
        let id = resource.original_id();
        let is_kept = match id.gvk.kind.as_str() {
            "CustomResourceDefinition" | "Namespace" => true,
            "APIService" => id.gvk.group == "apiregistration.k8s.io",
            _ => false,
        };
        if is_kept {
            continue;
        }
        for field in fields.iter().filter(|field| is_selected(&id.gvk, &field.gvk)) {
            if field.path == "metadata/name" {
                let list = if is_prefix { &mut resource.prefixes } else { &mut resource.suffixes };
                list.push(text.into());
                resource.store_id();
            }
            field.change(&mut resource.object, Made::Scalar, &mut |value| {
                let old = scalar_text(value).unwrap_or_default();
                *value = if is_prefix { format!("{text}{old}") } else { format!("{old}{text}") }.into();
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// Adds one of `labels`.
pub(super) fn labels(resources: &mut Resources, entry: &Value, config: &Config) -> Outcome<()> {
    let is_on = |field: &str| entry.get(field) == Some(&Value::Bool(true));
    let add = |fields: &mut Vec<Field>, added: &[Field]| {
        added
            .iter()
            .try_for_each(|field| merge(fields, field.clone()))
            .map_err(|problem| problem.within("failed to merge labels"))
    };
    let mut fields: Vec<Field> = entry.items_at(&["fields"]).iter().map(Field::read).collect();
    add(&mut fields, &config.labels)?;
    if is_on("includeSelectors") {
        add(&mut fields, &config.common_labels)?;
    } else {
        if is_on("includeTemplates") {
            add(&mut fields, &config.template_labels)?;
        }
        add(&mut fields, &[Field::everywhere("metadata/labels", true)])?;
    }
    enter_all(resources, entry.get("pairs"), &fields)
}

/// Enters texts in maps of all resources.
pub(super) fn enter_all(resources: &mut Resources, entries: Option<&Value>, fields: &[Field]) -> Outcome<()> {
    for resource in &mut resources.0 {
        for (key, text) in entries.and_then(Value::as_object).into_iter().flatten() {
            let text = text.as_str().unwrap_or_default();
            for field in fields {
                field.change(&mut resource.object, Made::Map, &mut |map| enter(map, key, text))?;
            }
        }
    }
    Ok(())
}

/// Changes one of `images`.
pub(super) fn image(resources: &mut Resources, entry: &Value, fields: &[Field]) -> Outcome<()> {
    // A name is a pattern too; one that is none matches nothing.
    let pattern = format!("^{}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$", entry.text(&["name"]));
    let Ok(pattern) = regexp::compile(&pattern) else { return Ok(()) };
    for resource in resources.0.iter_mut().filter(|resource| resource.object.kind() != "CustomResourceDefinition") {
        in_containers(&mut resource.object, &mut |image| replace_image(image, entry, &pattern));
        for field in fields {
            field.change(&mut resource.object, Made::Nothing, &mut |image| {
                if image.is_object() || image.is_array() {
                    return Err(Problem("wrong node kind: expected ScalarNode but was MappingNode".into()));
                }
                replace_image(image, entry, &pattern);
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// Finds the images of everything that looks like a list of containers.
fn in_containers(value: &mut Value, change: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| in_containers(item, change)),
        Value::Object(fields) => {
            for (name, value) in fields {
                in_containers(value, change);
                if matches!(name.as_str(), "containers" | "initContainers")
                    && let Value::Array(containers) = value
                {
                    containers.iter_mut().filter_map(|container| container.get_mut("image")).for_each(&mut *change);
                }
            }
        }
        _ => {}
    }
}

fn replace_image(image: &mut Value, entry: &Value, pattern: &Regex) {
    let Some(old) = image.as_str().filter(|old| pattern.is_match(old)) else { return };
    let (name, tag, digest) = split_image(old);
    let new = |field: &str| Some(entry.text(&[field])).filter(|text| !text.is_empty());
    let name = new("newName").unwrap_or(name);
    let (tag, digest) = match (new("newTag"), new("digest"), new("tagSuffix")) {
        (Some(tag), Some(digest), _) => (tag.to_string(), digest),
        (Some(tag), None, _) => (tag.to_string(), ""),
        (None, Some(digest), _) => (String::new(), digest),
        (None, None, Some(suffix)) => (format!("{tag}{suffix}"), ""),
        (None, None, None) => (tag.to_string(), digest),
    };
    let part = |mark: &str, text: &str| if text.is_empty() { String::new() } else { format!("{mark}{text}") };
    *image = format!("{name}{}{}", part(":", &tag), part("@", digest)).into();
}

/// The name, the tag and the digest of an image; a registry's port is no tag.
fn split_image(image: &str) -> (&str, &str, &str) {
    let path = image.find('/').filter(|at| *at > 0).unwrap_or(0);
    let (colon, at) = (image[path..].find(':').map(|at| at + path), image[path..].find('@').map(|at| at + path));
    match (colon, at) {
        (None, None) => (image, "", ""),
        (Some(colon), Some(at)) if colon < at => (&image[..colon], &image[colon + 1..at], &image[at + 1..]),
        (_, Some(at)) => (&image[..at], "", &image[at + 1..]),
        (Some(colon), None) => (&image[..colon], &image[colon + 1..], ""),
    }
}

/// Changes one of `replicas`.
pub(super) fn replicas(resources: &mut Resources, entry: &Value, fields: &[Field]) -> Outcome<()> {
    let (name, count) = (entry.text(&["name"]), entry.integer(&["count"]).unwrap_or_default());
    let mut is_found = false;
    for field in fields {
        for resource in &mut resources.0 {
            if resource.ids().any(|id| id.name == name && is_selected(&id.gvk, &field.gvk)) {
                is_found = true;
                field.change(&mut resource.object, Made::Scalar, &mut |value| {
                    *value = count.into();
                    Ok(())
                })?;
            }
        }
    }
    if is_found {
        return Ok(());
    }
    let mut kinds: Vec<_> = fields.iter().map(|field| &field.gvk).collect();
    kinds.sort_by(|a, b| compare_kinds(a, b));
    let kinds: Vec<String> = kinds.into_iter().map(shown).collect();
    Err(Problem(format!(
        "resource with name {name} does not match a config with the following GVK {}",
        go_list(&kinds)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::kustomize::resource::Resource;
    use serde_json::json;

    #[test]
    fn images_are_parted() {
        for (image, parts) in [
            ("nginx", ("nginx", "", "")),
            ("nginx:1", ("nginx", "1", "")),
            ("host:5000/a/b", ("host:5000/a/b", "", "")),
            ("host:5000/a:1@sha256:x", ("host:5000/a", "1", "sha256:x")),
            ("a@sha256:x", ("a", "", "sha256:x")),
        ] {
            assert_eq!(split_image(image), parts, "{image}");
        }
    }

    #[test]
    fn images_are_replaced() {
        for (entry, old, new) in [
            (json!({"name": "a", "newTag": "2"}), "a:1", "a:2"),
            (json!({"name": "a", "newName": "b"}), "a:1", "b:1"),
            (json!({"name": "a", "digest": "sha256:x"}), "a:1", "a@sha256:x"),
            (json!({"name": "a", "newTag": "2"}), "ab:1", "ab:1"),
            // Containers are found by their name and by the fields that are configured: kustomize adds twice.
            (json!({"name": "a", "tagSuffix": "-x"}), "a:1", "a:1-x-x"),
        ] {
            let pod =
                json!({"kind": "Pod", "spec": {"containers": [{"image": old}], "initContainers": [{"image": old}]}});
            let mut resources = Resources(vec![Resource::new(pod)]);
            image(&mut resources, &entry, &Config::built_in().images).unwrap();
            assert_eq!(resources.0[0].object["spec"]["containers"][0]["image"], new, "{entry}");
            assert_eq!(resources.0[0].object["spec"]["initContainers"][0]["image"], new, "{entry}");
        }
    }

    #[test]
    fn names_that_mean_something_are_kept() {
        let objects = ["Namespace", "CustomResourceDefinition", "Pod"]
            .map(|kind| Resource::new(json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}})));
        let mut resources = Resources(objects.to_vec());
        rename(&mut resources, "a-", true, &Config::built_in().name_prefix).unwrap();
        let names: Vec<&str> = resources.0.iter().map(|resource| resource.object.name()).collect();
        assert_eq!(names, ["x", "x", "a-x"]);
    }
}
