//! The volumes of a pod: each has one source, and each source its rules. Persistent volumes share them.

use super::super::field::{Errors, Field, quoted};
use super::projected::{downward_api, projected};
use super::sources::*;
use crate::api::{ObjectExt, Value, names};

/// What is wrong with a source.
pub(in super::super) type Rule = fn(&Field, &mut Errors);

/// A kind of source.
pub(in super::super) struct Source {
    /// The name of its field.
    pub name: &'static str,
    /// The name in paths of complaints about its parts; kube-apiserver does not always use the field's.
    pub path: &'static str,
    /// The name in the path of the complaint that there is another source already.
    pub other: &'static str,
    /// The fields that may not be empty.
    pub required: &'static [&'static str],
    /// All else.
    pub rule: Rule,
    /// Whether another source may come before it.
    pub beside: bool,
}

/// A source that is called the same everywhere, and has these fields that may not be empty.
pub(in super::super) const fn source(name: &'static str, required: &'static [&'static str]) -> Source {
    Source { name, path: name, other: name, required, rule: |_, _| {}, beside: false }
}

/// A source with a rule.
pub(in super::super) const fn with(rule: Rule, source: Source) -> Source {
    Source { rule, ..source }
}

/// All sources of a pod's volumes, in the order in which they are looked at.
const SOURCES: &[Source] = &[
    with(empty_dir, source("emptyDir", &[])),
    with(host_path, source("hostPath", &[])),
    with(|s, e| relative_path(&s.get("directory"), e), source("gitRepo", &["repository"])),
    Source { path: "persistentDisk", ..with(disk_partition, source("gcePersistentDisk", &["pdName"])) },
    with(disk_partition, source("awsElasticBlockStore", &["volumeID"])),
    with(file_source, source("secret", &["secretName"])),
    with(absolute_path, source("nfs", &["server", "path"])),
    with(iscsi, source("iscsi", &["targetPortal"])),
    source("glusterfs", &["endpoints", "path"]),
    with(flocker, source("flocker", &[])),
    source("persistentVolumeClaim", &["claimName"]),
    source("rbd", &["monitors", "image"]),
    with(secret_ref_name, source("cinder", &["volumeID"])),
    Source { other: "cephFS", ..source("cephfs", &["monitors"]) },
    with(quobyte, source("quobyte", &[])),
    Source { other: "downwarAPI", ..with(downward_api, source("downwardAPI", &[])) },
    with(fibre_channel, source("fc", &[])),
    with(flex_options, source("flexVolume", &["driver"])),
    with(file_source, source("configMap", &["name"])),
    source("azureFile", &["secretName", "shareName"]),
    source("vsphereVolume", &["volumePath"]),
    source("photonPersistentDisk", &["pdID"]),
    source("portworxVolume", &["volumeID"]),
    with(azure_disk, source("azureDisk", &["diskName", "diskURI"])),
    with(storage_os, source("storageos", &["volumeName"])),
    with(projected, source("projected", &[])),
    source("scaleIO", &["gateway", "system", "volumeName"]),
    with(csi, source("csi", &[])),
    with(ephemeral, source("ephemeral", &[])),
    with(
        |image, errors| {
            if !image.get("pullPolicy").is_empty() {
                errors.one_of(&image.get("pullPolicy"), &["Always", "IfNotPresent", "Never"]);
            }
        },
        source("image", &["reference"]),
    ),
];

/// Complains about volumes. `pod` is the name of the pod, empty in a template. Returns the sound ones.
pub(super) fn volumes<'v>(list: &Field<'v, '_>, pod: &str, errors: &mut Errors) -> Vec<(&'v str, &'v Value)> {
    let mut sound: Vec<(&str, &Value)> = Vec::new();
    let created: Vec<String> = list
        .items()
        .filter(|volume| !pod.is_empty() && volume.get("ephemeral").is_set())
        .map(|volume| format!("{pod}-{}", volume.get("name").text()))
        .collect();
    for volume in list.items() {
        let before = errors.causes.len();
        let name = volume.get("name");
        one_source(&volume, SOURCES, errors);
        portal_length(&volume, errors);
        if volume.get("ephemeral").is_set() && !pod.is_empty() && !name.is_empty() {
            let claim = format!("{pod}-{}", name.text());
            for complaint in names::dns1123_subdomain(&claim) {
                errors.reject(&name, &format!("PVC name {}: {complaint}", quoted(&claim)));
            }
        }
        errors.need_name(&name, names::dns1123_label);
        if sound.iter().any(|(other, _)| *other == name.text()) {
            errors.duplicate(name, name.value());
        }
        if errors.causes.len() == before {
            sound.push((name.text(), volume.value()));
        }
        let claim = volume.get("persistentVolumeClaim.claimName");
        if created.iter().any(|created| created == claim.text()) {
            errors.reject(&claim, "must not reference a PVC that gets created for an ephemeral volume");
        }
    }
    sound
}

/// Complains unless there is exactly one of the sources, and about that.
pub(in super::super) fn one_source(volume: &Field, sources: &[Source], errors: &mut Errors) {
    let mut found = false;
    for source in sources.iter().filter(|source| volume.get(source.name).is_set()) {
        if found && !source.beside {
            errors.forbidden(volume.get(source.other), "may not specify more than 1 volume type");
        } else {
            found = true;
            check(volume, source, errors);
        }
    }
    if !found {
        errors.required(volume, "must specify a volume type");
    }
}

/// Complains about one source.
fn check(volume: &Field, source: &Source, errors: &mut Errors) {
    let (value, place) = (volume.get(source.name), volume.get(source.path));
    let field = place.with(value.value());
    for name in source.required {
        errors.need(&field.get(name));
    }
    (source.rule)(&field, errors);
}

/// Whether a volume may be used as a device.
pub(super) fn is_claim(volume: &Value) -> bool {
    volume.at(&["persistentVolumeClaim"]).is_some() || volume.at(&["ephemeral"]).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn complaints(volumes: Value) -> Vec<String> {
        let pod = json!({"spec": {"volumes": volumes}});
        let mut errors = Errors::default();
        super::volumes(&Field::new("", &pod).get("spec.volumes"), "p", &mut errors);
        errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
    }

    #[test]
    fn what_is_wrong_with_volumes() {
        for (volumes, expected) in [
            (json!([{"name": "v", "emptyDir": {}}, {"name": "w", "secret": {"secretName": "s"}}]), vec![]),
            (
                json!([{"name": "v", "emptyDir": {}}, {"name": "v"}]),
                vec![
                    "spec.volumes[1]: Required value: must specify a volume type",
                    r#"spec.volumes[1].name: Duplicate value: "v""#,
                ],
            ),
            (
                json!([{"emptyDir": {}, "hostPath": {"path": "/"}, "downwardAPI": {}}]),
                vec![
                    "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
                    "spec.volumes[0].downwarAPI: Forbidden: may not specify more than 1 volume type",
                    "spec.volumes[0].name: Required value",
                ],
            ),
            (
                json!([{"name": "v", "hostPath": {"path": "/a/../b", "type": "Door"}}]),
                vec![
                    r#"spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain '..'"#,
                    r#"spec.volumes[0].hostPath.type: Unsupported value: "Door": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket""#,
                ],
            ),
            (
                json!([{"name": "v", "configMap": {"name": "c", "defaultMode": 512, "items": [{"path": "../a"}]}}]),
                vec![
                    "spec.volumes[0].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 \
                     (octal), both inclusive",
                    "spec.volumes[0].configMap.items[0].key: Required value",
                    r#"spec.volumes[0].configMap.items[0].path: Invalid value: "../a": must not contain '..'"#,
                ],
            ),
            (
                json!([{"name": "v", "iscsi": {"targetPortal": "p", "iqn": "iqn.2001-04.com.example:disk"}},
                    {"name": "w", "iscsi": {"targetPortal": "p", "iqn": "x"}}]),
                vec![
                    r#"spec.volumes[1].iscsi.iqn: Invalid value: "x": must be valid format starting with iqn, eui, or naa"#,
                ],
            ),
            (
                json!([{"name": "v", "projected": {"sources": [
                    {"secret": {"name": "s", "items": [{"key": "k", "path": "a"}]}},
                    {"configMap": {"name": "c", "items": [{"key": "k", "path": "a"}]}}]}}]),
                vec![r#"spec.volumes[0].projected: Invalid value: "c": conflicting duplicate paths"#],
            ),
        ] {
            assert_eq!(complaints(volumes), expected);
        }
    }
}
