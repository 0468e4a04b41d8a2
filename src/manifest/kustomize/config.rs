//! Which fields a kustomization changes: those that kustomize knows, and those that files of configuration add.

use super::{Outcome, Problem, fields::Field};
use crate::api::{GroupVersionKind, ObjectExt, Value};

const BUILT_IN: &str = include_str!("fields.txt");

/// Fields that name resources of a kind.
#[derive(Clone, Debug)]
pub(super) struct References {
    /// The kind that is named; what is empty stands for all.
    pub target: GroupVersionKind,
    pub fields: Vec<Field>,
}

/// The fields, by what is done to them.
#[derive(Clone, Debug, Default)]
pub(super) struct Config {
    pub name_prefix: Vec<Field>,
    pub name_suffix: Vec<Field>,
    pub namespace: Vec<Field>,
    pub common_labels: Vec<Field>,
    pub labels: Vec<Field>,
    pub template_labels: Vec<Field>,
    pub common_annotations: Vec<Field>,
    pub name_references: Vec<References>,
    pub var_references: Vec<Field>,
    pub images: Vec<Field>,
    pub replicas: Vec<Field>,
}

impl Config {
    /// What kustomize knows by itself.
    pub fn built_in() -> Self {
        let mut config = Config::default();
        let mut section = "";
        for line in BUILT_IN.lines().filter(|line| !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                section = name;
                if let Some(target) = name.strip_prefix("nameReference ") {
                    config.name_references.push(References { target: kind(target), fields: Vec::new() });
                }
                continue;
            }
            let fields = match section.split(' ').next() {
                Some("nameReference") => config.name_references.last_mut().map(|last| &mut last.fields),
                Some(name) => config.section(name),
                None => None,
            };
            if let Some(fields) = fields {
                fields.extend(read_line(line));
            }
        }
        config
    }

    fn section(&mut self, name: &str) -> Option<&mut Vec<Field>> {
        Some(match name {
            "namePrefix" => &mut self.name_prefix,
            "nameSuffix" => &mut self.name_suffix,
            "namespace" => &mut self.namespace,
            "commonLabels" => &mut self.common_labels,
            "labels" => &mut self.labels,
            "templateLabels" => &mut self.template_labels,
            "commonAnnotations" => &mut self.common_annotations,
            "varReference" => &mut self.var_references,
            "images" => &mut self.images,
            "replicas" => &mut self.replicas,
            _ => return None,
        })
    }

    /// Adds what a file of configuration says.
    pub fn add(&mut self, file: &Value) -> Outcome<()> {
        for (name, value) in file.as_object().into_iter().flatten() {
            let entries = value.as_array().map_or(&[][..], Vec::as_slice);
            if name == "nameReference" {
                for entry in entries {
                    let target = Field::read(entry).gvk;
                    let fields = entry.items_at(&["fieldSpecs"]).iter().map(Field::read).collect();
                    self.add_references(References { target, fields })?;
                }
            } else if let Some(fields) = self.section(name) {
                entries.iter().try_for_each(|entry| merge(fields, Field::read(entry)))?;
            }
        }
        Ok(())
    }

    fn add_references(&mut self, added: References) -> Outcome<()> {
        match self.name_references.iter_mut().find(|known| known.target == added.target) {
            Some(known) => added.fields.into_iter().try_for_each(|field| merge(&mut known.fields, field)),
            None => {
                self.name_references.push(added);
                Ok(())
            }
        }
    }

    /// Adds what another kustomization was told.
    pub fn merge(&mut self, other: Config) -> Outcome<()> {
        let pairs = [
            (&mut self.name_prefix, other.name_prefix),
            (&mut self.name_suffix, other.name_suffix),
            (&mut self.namespace, other.namespace),
            (&mut self.common_labels, other.common_labels),
            (&mut self.labels, other.labels),
            (&mut self.template_labels, other.template_labels),
            (&mut self.common_annotations, other.common_annotations),
            (&mut self.var_references, other.var_references),
            (&mut self.images, other.images),
            (&mut self.replicas, other.replicas),
        ];
        for (fields, added) in pairs {
            added.into_iter().try_for_each(|field| merge(fields, field))?;
        }
        other.name_references.into_iter().try_for_each(|references| self.add_references(references))
    }
}

/// Adds a field, unless it is there.
pub(super) fn merge(fields: &mut Vec<Field>, field: Field) -> Outcome<()> {
    let known =
        fields.iter().find(|known| super::fields::is_selected(&known.gvk, &field.gvk) && known.path == field.path);
    match known {
        Some(known) if known.create != field.create => Err(Problem("conflicting fieldspecs".into())),
        Some(_) => Ok(()),
        None => {
            fields.push(field);
            Ok(())
        }
    }
}

fn read_line(line: &str) -> impl Iterator<Item = Field> + '_ {
    let mut words = line.split(' ');
    let path = words.next().unwrap_or_default();
    let (path, create) = path.strip_prefix('+').map_or((path, false), |path| (path, true));
    let kinds: Vec<&str> = words.collect();
    let kinds = if kinds.is_empty() { vec![""] } else { kinds };
    kinds.into_iter().map(move |word| {
        let gvk = kind(word);
        let path = path.strip_prefix('~').map_or_else(|| path.into(), |rest| format!("{}/{rest}", pod_spec(&gvk.kind)));
        Field { gvk, path, create }
    })
}

/// Where a kind has the specification of its pods.
fn pod_spec(kind: &str) -> &'static str {
    match kind {
        "Pod" => "spec",
        "PodTemplate" => "template/spec",
        "CronJob" => "spec/jobTemplate/spec/template/spec",
        _ => "spec/template/spec",
    }
}

fn kind(word: &str) -> GroupVersionKind {
    let (kind, group_version) = word.split_once('@').unwrap_or((word, ""));
    let (group, version) = group_version.split_once('/').unwrap_or((group_version, ""));
    GroupVersionKind::new(group, version, kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_table_is_read() {
        let config = Config::built_in();
        assert_eq!(config.name_references.len(), 15);
        let claims = config.name_references.iter().find(|r| r.target.kind == "PersistentVolumeClaim").unwrap();
        assert!(claims.fields.iter().any(|f| {
            f.gvk.kind == "CronJob"
                && f.path == "spec/jobTemplate/spec/template/spec/volumes/persistentVolumeClaim/claimName"
        }));
        assert_eq!(config.replicas.len(), 4);
        assert!(config.replicas.iter().all(|field| field.create && field.path == "spec/replicas"));
        assert_eq!(config.common_labels[0].gvk, GroupVersionKind::new("", "v1", "Service"));
    }

    #[test]
    fn files_add_fields() {
        let mut config = Config::built_in();
        let file = json!({"images": [{"path": "spec/image", "kind": "Mine"}],
            "nameReference": [{"kind": "Mine", "fieldSpecs": [{"path": "spec/mine", "kind": "Other"}]}]});
        config.add(&file).unwrap();
        config.add(&file).unwrap();
        assert_eq!(config.images.iter().filter(|field| field.path == "spec/image").count(), 1);
        assert_eq!(config.name_references.last().unwrap().fields.len(), 1);
        let file = json!({"images": [{"path": "spec/image", "kind": "Mine", "create": true}]});
        assert_eq!(config.add(&file).unwrap_err().0, "conflicting fieldspecs");
    }
}
