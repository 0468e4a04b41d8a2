//! Which resources a patch or a replacement is for.

use super::resource::{Id, Resource};
use super::{Outcome, Problem};
use crate::api::{GroupVersionKind, ObjectExt, Value};
use crate::expr::regexp;
use crate::expr::selector::parse_labels;
use regex::Regex;

/// Names are regular expressions, for the whole of what they stand for; what is empty stands for all.
#[derive(Clone, Debug)]
pub(super) struct Selector {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    labels: String,
    annotations: String,
}

impl Selector {
    pub fn read(value: &Value) -> Outcome<Self> {
        let regex = |field: &str| -> Outcome<Option<Regex>> {
            match value.text(&[field]) {
                "" => Ok(None),
                pattern => Ok(Some(whole(pattern)?)),
            }
        };
        Ok(Selector {
            group: regex("group")?,
            version: regex("version")?,
            kind: regex("kind")?,
            name: regex("name")?,
            namespace: regex("namespace")?,
            labels: value.text(&["labelSelector"]).into(),
            annotations: value.text(&["annotationSelector"]).into(),
        })
    }

    /// Whether it says neither kind nor name nor namespace.
    pub fn is_empty(&self) -> bool {
        [&self.group, &self.version, &self.kind, &self.name, &self.namespace].iter().all(|part| part.is_none())
    }

    /// Whether it selects by labels or annotations.
    pub fn has_metadata(&self) -> bool {
        !self.labels.is_empty() || !self.annotations.is_empty()
    }

    fn is_of_kind(&self, gvk: &GroupVersionKind) -> bool {
        fits(&self.group, &gvk.group) && fits(&self.version, &gvk.version) && fits(&self.kind, &gvk.kind)
    }

    /// Whether it stands for this name of a resource.
    pub fn names(&self, id: &Id) -> bool {
        self.is_of_kind(&id.gvk) && fits(&self.name, &id.name) && fits(&self.namespace, &id.namespace)
    }

    /// Whether it is for this resource, under its first name or its present one.
    pub fn selects(&self, resource: &Resource) -> Outcome<bool> {
        let (now, before) = (resource.id(), resource.original_id());
        let either = |pattern: &Option<Regex>, now: &str, before: &str| fits(pattern, now) || fits(pattern, before);
        Ok(either(&self.namespace, now.effective_namespace(), before.effective_namespace())
            && either(&self.name, &now.name, &before.name)
            && self.is_of_kind(&now.gvk)
            && self.fits_metadata(resource)?)
    }

    /// Whether the labels and annotations fit.
    pub fn fits_metadata(&self, resource: &Resource) -> Outcome<bool> {
        for (selector, field) in [(&self.labels, "labels"), (&self.annotations, "annotations")] {
            let selector = parse_labels(selector).map_err(|error| Problem(error.0))?;
            if !selector.matches(|key| resource.object.at(&["metadata", field, key])?.as_str()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn fits(pattern: &Option<Regex>, text: &str) -> bool {
    pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
}

/// A pattern for the whole of a text.
fn whole(pattern: &str) -> Outcome<Regex> {
    regexp::compile(&format!("^(?:{pattern})$")).map_err(Problem)
}
