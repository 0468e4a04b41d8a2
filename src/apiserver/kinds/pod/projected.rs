//! Volumes that gather files from several places.

use super::super::certificates;
use super::super::field::{Errors, Field, quoted};
use super::super::labels::validate_selector;
use super::refs;
use super::sources::{file_mode, key_to_path, local_path};
use crate::api::names;

pub(super) fn downward_api(source: &Field, errors: &mut Errors) {
    file_mode(&source.get("defaultMode"), errors);
    for file in source.get("items").items() {
        // kube-apiserver does not say which file it is.
        downward_file(&source.with(file.value()), errors);
    }
}

fn downward_file(file: &Field, errors: &mut Errors) {
    let (field_ref, resource_ref) = (file.get("fieldRef"), file.get("resourceFieldRef"));
    errors.need(&file.get("path"));
    local_path(&file.get("path"), errors);
    if field_ref.is_set() {
        refs::object_field(&field_ref, &refs::VOLUME_FIELDS, errors);
        if resource_ref.is_set() {
            errors.invalid_as(
                file,
                "\"resource\"",
                "fieldRef and resourceFieldRef can not be specified simultaneously",
            );
        }
    } else if resource_ref.is_set() {
        refs::resource_field(&resource_ref, true, errors);
    } else {
        errors.required(file, "one of fieldRef and resourceFieldRef is required");
    }
    file_mode(&file.get("mode"), errors);
}

pub(super) fn projected(volume: &Field, errors: &mut Errors) {
    file_mode(&volume.get("defaultMode"), errors);
    let mut paths: Vec<String> = Vec::new();
    let mut conflict = |path: &str, said: &str, errors: &mut Errors| {
        if !path.is_empty() && paths.iter().any(|other| other == path) {
            errors.invalid_as(volume, &quoted(said), "conflicting duplicate paths");
        }
        paths.push(path.into());
    };
    for source in volume.get("sources").items() {
        for kind in ["secret", "configMap"] {
            let files = source.get(kind);
            if files.is_set() {
                errors.need(&files.get("name"));
                for item in files.get("items").items() {
                    key_to_path(&item, errors);
                    conflict(item.get("path").text(), files.get("name").text(), errors);
                }
            }
        }
        let downward = source.get("downwardAPI");
        for file in downward.get("items").items() {
            downward_file(&downward.with(file.value()), errors);
            conflict(file.get("path").text(), file.get("path").text(), errors);
        }
        if source.get("serviceAccountToken").is_set() {
            token(volume, &source.get("serviceAccountToken"), errors);
        }
        let bundle = source.get("clusterTrustBundle");
        if bundle.is_set() {
            trust_bundle(&bundle, errors);
            conflict(bundle.get("path").text(), bundle.get("path").text(), errors);
        }
        let certificate = source.get("podCertificate");
        if certificate.is_set() {
            certificates::pod_certificate(&certificate, errors);
            let places = ["credentialBundlePath", "keyPath", "certificateChainPath"];
            for path in places.map(|place| certificate.get(place)).iter().filter(|path| !path.is_empty()) {
                local_path(path, errors);
                conflict(path.text(), path.text(), errors);
            }
            if places.iter().all(|place| certificate.get(place).is_empty()) {
                let detail = "specify at least one of credentialBundlePath, keyPath, and certificateChainPath";
                errors.required(certificate, detail);
            }
        }
        if source.count() > 1 {
            errors.forbidden(source, "may not specify more than 1 volume type per source");
        }
    }
}

fn token(volume: &Field, token: &Field, errors: &mut Errors) {
    let seconds = token.get("expirationSeconds");
    if seconds.number() < 600 {
        errors.reject(&seconds, "may not specify a duration less than 10 minutes");
    }
    if seconds.number() > 1 << 32 {
        errors.reject(&seconds, "may not specify a duration larger than 2^32 seconds");
    }
    let place = volume.get("path");
    let path = place.with(token.get("path").value());
    if errors.need(&path) {
        local_path(&path, errors);
    }
}

fn trust_bundle(bundle: &Field, errors: &mut Errors) {
    let (name, signer) = (bundle.get("name"), bundle.get("signerName"));
    match (name.is_set(), signer.is_set()) {
        (true, true) => errors.reject(bundle, "only one of name and signerName may be used"),
        (true, false) => {
            if name.is_empty() {
                errors.required(name, "must be a valid object name");
            }
            let last = name.text().rsplit(':').next().unwrap_or("");
            for complaint in names::dns1123_subdomain(last) {
                errors.reject(&name, &format!("not a valid clustertrustbundlename: {complaint}"));
            }
            if bundle.get("labelSelector").is_set() {
                errors.reject(&bundle.get("labelSelector"), "labelSelector must be unset if name is specified");
            }
        }
        (false, true) => {
            if signer.is_empty() {
                errors.required(signer, "must be a valid signer name");
            }
            certificates::signer_name(&signer, errors);
            validate_selector(&bundle.get("labelSelector"), errors);
        }
        (false, false) => errors.required(bundle, "either name or signerName must be specified"),
    }
    errors.need(&bundle.get("path"));
    local_path(&bundle.get("path"), errors);
}
