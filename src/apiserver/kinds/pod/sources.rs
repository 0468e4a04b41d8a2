//! What is wrong with the single kinds of volumes.

use super::super::field::{Errors, Field, quoted};
use super::super::{persistentvolumeclaim, resources};
use crate::api::names;

pub(in super::super) fn empty_dir(dir: &Field, errors: &mut Errors) {
    let limit = dir.get("sizeLimit");
    if resources::quantity(&limit).sign() < 0 {
        errors.forbidden(limit, "SizeLimit field must be a valid resource quantity");
    }
}

pub(in super::super) fn host_path(host: &Field, errors: &mut Errors) {
    if errors.need(&host.get("path")) {
        no_back_steps(&host.get("path"), errors);
        let kinds =
            ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
        errors.one_of(&host.get("type"), &kinds);
    }
}

pub(in super::super) fn disk_partition(disk: &Field, errors: &mut Errors) {
    if !(0..=255).contains(&disk.get("partition").number()) {
        errors.reject(&disk.get("partition"), &names::range(1, 255));
    }
}

pub(in super::super) fn file_mode(mode: &Field, errors: &mut Errors) {
    if mode.integer().is_some_and(|mode| !(0..=0o777).contains(&mode)) {
        errors.reject(mode, "must be a number between 0 and 0777 (octal), both inclusive");
    }
}

pub(in super::super) fn file_source(source: &Field, errors: &mut Errors) {
    file_mode(&source.get("defaultMode"), errors);
    for item in source.get("items").items() {
        key_to_path(&item, errors);
    }
}

pub(in super::super) fn key_to_path(item: &Field, errors: &mut Errors) {
    errors.need(&item.get("key"));
    errors.need(&item.get("path"));
    local_path(&item.get("path"), errors);
    file_mode(&item.get("mode"), errors);
}

pub(in super::super) fn absolute_path(source: &Field, errors: &mut Errors) {
    let path = source.get("path");
    if !path.text().starts_with('/') {
        errors.invalid_as(path, &quoted(path.text()), "must be an absolute path");
    }
}

/// A path may not climb.
pub(in super::super) fn no_back_steps(path: &Field, errors: &mut Errors) {
    if path.text().split('/').any(|part| part == "..") {
        errors.reject(path, "must not contain '..'");
    }
}

/// A path below something.
pub(in super::super) fn relative_path(path: &Field, errors: &mut Errors) {
    if path.text().starts_with('/') {
        errors.reject(path, "must be a relative path");
    }
    no_back_steps(path, errors);
}

/// A path below something that does not look like the links that the kubelet makes.
pub(in super::super) fn local_path(path: &Field, errors: &mut Errors) {
    relative_path(path, errors);
    if path.text().starts_with("..") && !path.text().starts_with("../") {
        errors.reject(path, "must not start with '..'");
    }
}

pub(in super::super) fn portal_length(volume: &Field, errors: &mut Errors) {
    let (name, portal) = (volume.get("name"), volume.get("iscsi.targetPortal"));
    if volume.get("iscsi.initiatorName").is_set() && name.text().len() + 1 + portal.text().len() > 64 {
        errors.reject(&name, PORTAL_TOO_LONG);
    }
}

pub(in super::super) const PORTAL_TOO_LONG: &str = "Total length of <volume name>:<iscsi.targetPortal> must be under \
                                                   64 characters if iscsi.initiatorName is specified.";

pub(in super::super) fn iscsi(disk: &Field, errors: &mut Errors) {
    iscsi_names(disk, "must be valid format starting with iqn, eui, or naa", |_, _| {}, errors);
}

pub(in super::super) fn iscsi_names(disk: &Field, unknown: &str, secret: fn(&Field, &mut Errors), errors: &mut Errors) {
    let (iqn, initiator) = (disk.get("iqn"), disk.get("initiatorName"));
    if errors.need(&iqn) {
        iscsi_name(&iqn, unknown, errors);
    }
    errors.within(&disk.get("lun"), 0, 255);
    let authenticates = disk.get("chapAuthDiscovery").is_true() || disk.get("chapAuthSession").is_true();
    if authenticates && !disk.get("secretRef").is_set() {
        errors.required(disk.get("secretRef"), "");
    }
    secret(disk, errors);
    if initiator.is_set() {
        let path = disk.get("initiatorname");
        iscsi_name(&path.with(initiator.value()), unknown, errors);
    }
}

/// RFC 3720 names: `iqn.2001-04.com.example:disk`, `eui.` and 16, `naa.` and 32 letters.
pub(in super::super) fn iscsi_name(name: &Field, unknown: &str, errors: &mut Errors) {
    let text = name.text();
    let rest = text.get(4..).unwrap_or("");
    let letters = |count: usize| rest.len() == count && rest.bytes().all(|b| b.is_ascii_alphanumeric());
    let sound = match text.get(..3).unwrap_or("") {
        "iqn" => {
            let (authority, target) = rest.split_once(':').unwrap_or(("", ""));
            let mut parts = authority.splitn(2, '.');
            let (date, domain) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            let dated =
                date.split_once('-').is_some_and(|(y, m)| y.len() == 4 && m.len() == 2 && digits(y) && digits(m));
            let in_domain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
            let named = !target.is_empty() && !target.contains([',', ';', '*', '&', '$', '|', ' ', '\t']);
            dated && !domain.is_empty() && domain.bytes().all(in_domain) && named
        }
        "eui" => letters(16),
        "naa" => letters(32),
        _ => return errors.reject(name, unknown),
    };
    if !sound {
        errors.reject(name, "must be valid format");
    }
}

pub(in super::super) fn flocker(source: &Field, errors: &mut Errors) {
    let (name, uuid) = (source.get("datasetName"), source.get("datasetUUID"));
    if name.is_empty() && uuid.is_empty() {
        errors.required(source, "one of datasetName and datasetUUID is required");
    }
    if !name.is_empty() && !uuid.is_empty() {
        errors.invalid_as(source, "\"resource\"", "datasetName and datasetUUID can not be specified simultaneously");
    }
    if name.text().contains('/') {
        errors.reject(&name, "must not contain '/'");
    }
}

pub(in super::super) fn secret_ref_name(source: &Field, errors: &mut Errors) {
    if source.get("secretRef").is_set() {
        errors.need(&source.get("secretRef.name"));
    }
}

pub(in super::super) fn quobyte(source: &Field, errors: &mut Errors) {
    let (registry, tenant) = (source.get("registry"), source.get("tenant"));
    let pairs = "must be a host:port pair or multiple pairs separated by commas";
    if registry.is_empty() {
        errors.required(registry, pairs);
    } else if tenant.text().len() >= 65 {
        errors.required(tenant, "must be a UUID and may not exceed a length of 64 characters");
    } else {
        for _ in registry.text().split(',').filter(|pair| !pair.contains(':')) {
            errors.reject(&registry, pairs);
        }
    }
    errors.need(&source.get("volume"));
}

pub(in super::super) fn fibre_channel(source: &Field, errors: &mut Errors) {
    let (targets, ids, lun) = (source.get("targetWWNs"), source.get("wwids"), source.get("lun"));
    if targets.is_empty() && ids.is_empty() {
        errors.required(targets, "must specify either targetWWNs or wwids, but not both");
    }
    if !targets.is_empty() && !ids.is_empty() {
        errors.reject(&targets, "targetWWNs and wwids can not be specified simultaneously");
    }
    if !targets.is_empty() {
        if lun.is_set() {
            errors.within(&lun, 0, 255);
        } else {
            errors.required(lun, "lun is required if targetWWNs is specified");
        }
    }
}

pub(in super::super) fn flex_options(source: &Field, errors: &mut Errors) {
    for (key, option) in source.get("options").entries() {
        let domain = format!(".{}", key.split('/').next().unwrap_or(key).to_lowercase());
        if domain.ends_with(".kubernetes.io") || domain.ends_with(".k8s.io") {
            errors.invalid_as(option, &quoted(key), "kubernetes.io and k8s.io namespaces are reserved");
        }
    }
}

pub(in super::super) fn azure_disk(disk: &Field, errors: &mut Errors) {
    let (mode, kind, uri) = (disk.get("cachingMode"), disk.get("kind"), disk.get("diskURI"));
    errors.one_of(&mode, &["None", "ReadOnly", "ReadWrite"]);
    errors.one_of(&kind, &["Dedicated", "Managed", "Shared"]);
    let (start, example) = if kind.text() == "Managed" {
        (
            "/subscriptions/",
            "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}",
        )
    } else {
        ("https://", "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd")
    };
    if !uri.text().starts_with(start) {
        errors.unsupported(uri, &quoted(uri.text()), &[example]);
    }
}

pub(in super::super) fn storage_os(source: &Field, errors: &mut Errors) {
    for name in ["volumeName", "volumeNamespace"] {
        if !source.get(name).is_empty() {
            errors.name(&source.get(name), names::dns1123_label);
        }
    }
    secret_ref_name(source, errors);
}

/// The name of a driver of volumes or devices.
pub(in super::super) fn driver_name(driver: &Field, errors: &mut Errors) {
    if !errors.need(driver) {
        return;
    }
    errors.at_most_bytes(driver, 63);
    for complaint in names::dns1123_subdomain(&driver.text().to_lowercase()) {
        errors.invalid_as(driver, &quoted(driver.text()), &complaint);
    }
}

pub(in super::super) fn csi(source: &Field, errors: &mut Errors) {
    driver_name(&source.get("driver"), errors);
    let secret = source.get("nodePublishSecretRef");
    if secret.is_set() && errors.need(&secret.get("name")) {
        let place = source.get("name");
        errors.name(&place.with(secret.get("name").value()), names::dns1123_subdomain);
    }
}

pub(in super::super) fn ephemeral(source: &Field, errors: &mut Errors) {
    let template = source.get("volumeClaimTemplate");
    if template.is_set() {
        persistentvolumeclaim::validate_template(&template, errors);
    } else {
        errors.required(template, "");
    }
}
