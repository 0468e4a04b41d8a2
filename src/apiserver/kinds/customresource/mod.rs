//! CustomResourceDefinitions.

mod defaults;
mod names;
mod rules;
mod schema;
mod structural;
mod versions;

use super::cells::created_at;
use super::field::{Errors, Field};
use super::fill::fill;
use super::{GENERIC, Kind, admission};
use crate::api::names::dns1035_label;
use crate::api::{Object, ObjectExt, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    group: "apiextensions.k8s.io",
    resource: "customresourcedefinitions",
    default: defaults,
    has_generation: true,
    prepare_for_create: |definition| {
        let names = json!({"plural": "", "kind": ""});
        definition.put(&["status"], json!({"conditions": null, "acceptedNames": names, "storedVersions": null}));
        store_version(definition);
    },
    prepare_for_update: |definition, _| store_version(definition),
    validate: |definition, errors| validate(definition, None, errors),
    validate_update: |new, old, errors| validate(new, Some(old), errors),
    validate_status_update: |new, _, errors| {
        names::validate(&Field::new("", new).get("status.acceptedNames"), errors);
    },
    warnings: |definition, old| {
        let before = old.map(schema::unknown_formats).unwrap_or_default();
        let now = schema::unknown_formats(definition);
        let new = now.into_iter().filter(|format| !before.contains(format));
        new.map(|format| format!("unrecognized format {}", super::field::quoted(&format))).collect()
    },
    cells: |definition, _| vec![definition.name().into(), created_at(definition)],
    ..GENERIC
};

fn defaults(definition: &mut Object) {
    let conversion = definition.at_mut(&["spec", "conversion"]);
    if conversion.is_null() {
        *conversion = json!({"strategy": "None"});
    }
    let service = json!({"webhook?": {"clientConfig?": {"service?": {"port": 443}}}});
    fill(
        definition,
        &json!({
            "spec": {
                "group": "",
                "names": {"plural": "", "kind": ""},
                "scope": "",
                "versions": null,
                "conversion?": service,
            },
            "status": {"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": null},
        }),
    );
    let names = definition.at_mut(&["spec", "names"]);
    let kind = names.text(&["kind"]).to_owned();
    if !kind.is_empty() {
        fill(names, &json!({"singular": kind.to_lowercase(), "listKind": format!("{kind}List")}));
    }
    if definition.items_at(&["status", "storedVersions"]).is_empty() {
        store_version(definition);
    }
}

/// The version that objects are stored in is one that was, from now on.
fn store_version(definition: &mut Object) {
    let versions = definition.items_at(&["spec", "versions"]);
    let Some(version) = versions.iter().find(|version| version.get("storage") == Some(&true.into())) else { return };
    let name = Value::from(version.text(&["name"]));
    let stored = definition.items_at(&["status", "storedVersions"]);
    if !stored.contains(&name) {
        let stored: Vec<Value> = stored.iter().cloned().chain([name]).collect();
        definition.put(&["status", "storedVersions"], stored);
    }
}

fn is_established(definition: &Object) -> bool {
    let conditions = definition.items_at(&["status", "conditions"]);
    conditions.iter().any(|c| c.text(&["type"]) == "Established" && c.text(&["status"]) == "True")
}

fn validate(definition: &Object, old: Option<&Object>, errors: &mut Errors) {
    let root = Field::new("", definition);
    let spec = root.get("spec");
    let name = format!("{}.{}", spec.get("names.plural").text(), spec.get("group").text());
    if old.is_none() && !definition.name().is_empty() && definition.name() != name {
        errors.reject(&root.get("metadata.name"), "must be spec.names.plural+\".\"+spec.group");
    }
    group(&spec.get("group"), errors);
    errors.need_one_of(&spec.get("scope"), &["Cluster", "Namespaced"]);
    let preserve = spec.get("preserveUnknownFields");
    versions::have_schemas(&spec, errors);
    if preserve.is_true() && versions::have_defaults(&spec) {
        errors.reject(&preserve, "must be false in order to use defaults in the schema");
    }
    versions::validate(&spec, errors);
    let names = spec.get("names");
    for name in ["plural", "singular", "kind", "listKind"] {
        errors.need(&names.get(name));
    }
    names::validate(&names, errors);
    versions::validate_shared(&spec, errors);
    if preserve.is_true() && spec.get("conversion.strategy").text() == "Webhook" {
        let complaint = "must be None if spec.preserveUnknownFields is true";
        errors.reject(&spec.get("conversion.strategy"), complaint);
    }
    conversion(&spec.get("conversion"), old, errors);
    if let Some(old) = old {
        let old_root = Field::new("", old);
        let before = old_root.get("spec");
        if is_established(old) {
            errors.all_immutable(&spec, &before, &["scope", "names.kind"]);
        }
        errors.all_immutable(&spec, &before, &["group", "names.plural"]);
    }
    names::validate(&root.get("status.acceptedNames"), errors);
    stored_versions(&root, errors);
    approval(definition, old, errors);
    let preserved = old.is_some_and(|old| old.at(&["spec", "preserveUnknownFields"]) == Some(&true.into()));
    if preserve.is_true() && !preserved {
        let complaint = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in \
                         spec.versions[*].schema instead";
        errors.reject(&preserve, complaint);
    }
}

fn group(group: &Field, errors: &mut Errors) {
    let complaints = crate::api::names::dns1123_subdomain(group.text());
    if group.is_empty() {
        errors.required(group, "");
    } else if !complaints.is_empty() {
        errors.reject(group, &complaints.join(","));
    } else if !group.text().contains('.') {
        errors.reject(group, "should be a domain with at least one dot");
    }
}

fn conversion(conversion: &Field, old: Option<&Object>, errors: &mut Errors) {
    let (strategy, webhook) = (conversion.get("strategy"), conversion.get("webhook"));
    // The paths are those of kube-apiserver's internal type.
    let (client, versions) = (conversion.get("webhookClientConfig"), conversion.get("conversionReviewVersions"));
    let (own_client, own_versions) = (webhook.get("clientConfig"), webhook.get("conversionReviewVersions"));
    let (client, versions) = (client.with(own_client.value()), versions.with(own_versions.value()));
    errors.need_one_of(&strategy, &["None", "Webhook"]);
    if strategy.text() != "Webhook" {
        for part in [&client, &versions].into_iter().filter(|part| !part.is_empty()) {
            errors.forbidden(part, "should not be set when strategy is not set to Webhook");
        }
        return;
    }
    if client.is_set() {
        admission::client(&client, errors);
        let bundle = client.get("caBundle");
        // What could not be read before need not be readable now.
        let kept = old.is_none_or(|old| {
            let before = old.text(&["spec", "conversion", "webhook", "clientConfig", "caBundle"]);
            !is_established(old) || !before.is_empty() && !has_certificates(before)
        });
        if !kept && !bundle.is_empty() && !has_certificates(bundle.text()) {
            errors.reject(&bundle, "unable to load root certificates: unable to parse bytes as PEM block");
        }
    } else {
        errors.required(client, "required when strategy is set to Webhook");
    }
    if !errors.need(&versions) {
        return;
    }
    for (index, version) in versions.items().enumerate() {
        if (0..index).any(|before| versions.item(before).text() == version.text()) {
            errors.reject(&version, "duplicate version");
        } else {
            errors.name(&version, dns1035_label);
        }
    }
    if !versions.items().any(|version| ["v1", "v1beta1"].contains(&version.text())) {
        errors.reject(&versions, "must include at least one of v1, v1beta1");
    }
}

/// Whether there is a certificate in a text of base64.
fn has_certificates(bundle: &str) -> bool {
    let pem = STANDARD.decode(bundle).unwrap_or_default();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
    !roots.is_empty()
}

fn stored_versions(root: &Field, errors: &mut Errors) {
    let (stored, versions) = (root.get("status.storedVersions"), root.get("spec.versions"));
    if stored.is_empty() {
        return errors.reject(&stored, "must have at least one stored version");
    }
    let is_stored = |name: &str| stored.items().any(|version| version.text() == name);
    for version in versions.items() {
        let name = version.get("name").text();
        if version.get("storage").is_true() && !is_stored(name) {
            errors.reject(&stored, &format!("must have the storage version {name}"));
        }
    }
    for version in stored.items() {
        let name = version.text();
        if !versions.items().any(|version| version.get("name").text() == name) {
            let complaint = format!(
                "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions \
                 until a storage migration ensures no data remains persisted in {name} and removes {name} from \
                 status.storedVersions"
            );
            errors.reject(&version, &complaint);
        }
    }
}

/// Groups of Kubernetes itself need somebody's approval (KEP-1111).
fn approval(definition: &Object, old: Option<&Object>, errors: &mut Errors) {
    const NOTE: &str = "api-approved.kubernetes.io";
    let group = definition.text(&["spec", "group"]);
    let protected = ["k8s.io", "kubernetes.io"]
        .iter()
        .any(|domain| group == *domain || group.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')));
    let state = |definition: &Object| match definition.annotation(NOTE).unwrap_or("") {
        "" => Approval::Missing,
        note if note.starts_with("unapproved") => Approval::Bypassed,
        note if note
            .split_once("://")
            .is_some_and(|(s, rest)| !s.is_empty() && !rest.starts_with(['/', '?', '#']) && !rest.is_empty()) =>
        {
            Approval::Given
        }
        _ => Approval::Invalid,
    };
    if !protected || old.is_some_and(|old| state(old) == state(definition)) {
        return;
    }
    let (path, see) =
        (format!("metadata.annotations[{NOTE}]"), "see https://github.com/kubernetes/enhancements/pull/1111");
    let must = format!("protected groups must have approval annotation \"{NOTE}\"");
    match state(definition) {
        Approval::Missing => errors.required(path, &format!("{must}, {see}")),
        Approval::Invalid => {
            let shown = super::field::quoted(definition.annotation(NOTE).unwrap_or(""));
            let complaint = format!("{must} with either a URL or a reason starting with \"unapproved\", {see}");
            errors.invalid_as(path, &shown, &complaint);
        }
        Approval::Given | Approval::Bypassed => {}
    }
}

#[derive(PartialEq)]
enum Approval {
    Missing,
    Invalid,
    Bypassed,
    Given,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(change: impl Fn(&mut Value)) -> Vec<String> {
        let mut definition = json!({"metadata": {"name": "foos.example.com"}, "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "foos", "kind": "Foo"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "properties": {"spec": {"type": "object", "properties": {"n": {"type": "integer"}}}}}}}]}});
        change(&mut definition);
        defaults(&mut definition);
        let mut errors = Errors::default();
        validate(&definition, None, &mut errors);
        errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
    }

    #[test]
    fn what_is_wrong_with_definitions() {
        assert_eq!(complaints(|_| {}), Vec::<String>::new());
        assert_eq!(
            complaints(|d| d["metadata"]["name"] = json!("x")),
            [r#"metadata.name: Invalid value: "x": must be spec.names.plural+"."+spec.group"#]
        );
        let schema = |part: Value| {
            complaints(move |d| {
                d["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["n"] =
                    part.clone();
            })
        };
        let at = "spec.validation.openAPIV3Schema.properties[spec].properties[n]";
        assert_eq!(
            schema(json!({})),
            [format!("{at}.type: Required value: must not be empty for specified object fields")]
        );
        assert_eq!(schema(json!({"type": "array"})), [format!("{at}.items: Required value: must be specified")]);
        assert_eq!(
            schema(json!({"type": "text"})),
            [format!(
                r#"{at}.type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string""#
            )]
        );
        assert_eq!(
            schema(json!({"type": "object", "x-kubernetes-list-type": "map"})),
            [
                format!(r#"{at}.type: Invalid value: "object": must be array if x-kubernetes-list-type is specified"#),
                format!(
                    "{at}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"
                ),
                format!("{at}.items: Required value: must have a schema if x-kubernetes-list-type is map"),
            ]
        );
        assert_eq!(
            complaints(|d| {
                let mut other = d["spec"]["versions"][0].clone();
                other["name"] = json!("v2");
                other["additionalPrinterColumns"] = json!([{"name": "N", "type": "text"}]);
                let list = d["spec"]["versions"].as_array_mut().unwrap();
                list.push(other);
            })[..3],
            [
                r#"spec.versions[1].additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string"#,
                "spec.versions[1].additionalPrinterColumns[0].JSONPath: Required value",
                r#"spec.versions: Invalid value: [{"Name":"v1","Served":true,"Storage":true,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null},{"Name":"v2","Served":true,"Storage":true,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":[{"Name":"N","Type":"text","Format":"","Description":"","Priority":0,"JSONPath":""}],"SelectableFields":null}]: must have exactly one version marked as storage version"#,
            ]
        );
        assert_eq!(
            complaints(|d| d["spec"]["group"] = json!("a.k8s.io"))[1],
            "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval \
             annotation \"api-approved.kubernetes.io\", see https://github.com/kubernetes/enhancements/pull/1111"
        );
    }
}
