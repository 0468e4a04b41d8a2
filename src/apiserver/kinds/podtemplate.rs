//! PodTemplates and ControllerRevisions: what controllers keep to make pods from.

use super::cells::{age, containers, labels};
use super::field::Field;
use super::fill::fill;
use super::{GENERIC, Kind, pod};
use crate::api::{GroupVersion, ObjectExt, Value};
use serde_json::json;

pub(super) const TEMPLATES: Kind = Kind {
    resource: "podtemplates",
    pod_spec: &["template", "spec"],
    default: |template| {
        fill(template, &json!({"template": {}}));
        pod::defaults::template(template.at_mut(&["template"]));
    },
    has_generation: true,
    validate: |template, errors| pod::validate::template(&Field::new("", template).get("template"), errors),
    validate_update: |new, _, errors| (TEMPLATES.validate)(new, errors),
    warnings: |template, old| {
        let generation = ["metadata", "generation"];
        match old {
            Some(old) if old.at(&generation) == template.at(&generation) => Vec::new(),
            _ => pod::warnings::of_template(template, "template"),
        }
    },
    cells: |template, _| {
        let [names, images] = containers(template.at(&["template", "spec"]));
        vec![template.name().into(), names, images, labels(template.map_at(&["template", "metadata", "labels"])).into()]
    },
    ..GENERIC
};

pub(super) const REVISIONS: Kind = Kind {
    group: "apps",
    resource: "controllerrevisions",
    verbatim: Some("data"),
    default: |revision| fill(revision, &json!({"revision": 0})),
    validate: |revision, errors| {
        let root = Field::new("", revision);
        errors.non_negative(&root.get("revision"));
        match root.get("data").value() {
            Value::Object(_) => {}
            Value::Null => errors.required("data", "data is mandatory"),
            _ => errors.required("data", "data must be a valid JSON object"),
        }
    },
    validate_update: |new, _, errors| {
        errors.non_negative(&Field::new("", new).get("revision"));
    },
    cells: |revision, now| {
        let owners = revision.items_at(&["metadata", "ownerReferences"]).iter();
        let owner = owners.into_iter().find(|owner| owner.get("controller") == Some(&true.into())).map(|owner| {
            let kind = GroupVersion::parse(owner.api_version()).with_kind(owner.kind()).group_kind();
            format!("{}/{}", kind.to_lowercase(), owner.text(&["name"]))
        });
        vec![
            revision.name().into(),
            owner.unwrap_or_else(|| "<none>".into()).into(),
            super::cells::number(revision, &["revision"]),
            age(revision, now),
        ]
    },
    ..GENERIC
};
