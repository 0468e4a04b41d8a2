//! Requests for certificates, and the names of those who sign them.

use super::cells::{age, none_if_empty};
use super::field::{Errors, Field, printed, quoted};
use super::fill::fill;
use super::{GENERIC, Kind};
use crate::api::{Object, ObjectExt, Value, names, time};
use base64::Engine;
use serde_json::json;

pub(super) const REQUESTS: Kind = Kind {
    group: "certificates.k8s.io",
    resource: "certificatesigningrequests",
    default: |request| fill(request, &json!({"spec": {"request": null, "signerName": ""}, "status": {}})),
    name_complaints: names::path_segment,
    prepare_for_create: |request| request.put(&["status"], json!({})),
    // Only metadata may change.
    prepare_for_update: |request, old| {
        let spec = old.get("spec").cloned().unwrap_or_default();
        request.put(&["spec"], spec);
    },
    validate: request,
    validate_update: |new, old, errors| change(new, old, Part::Main, errors),
    prepare_for_status_update: |request, old| {
        super::keep_all_but_status(request, old);
        keep_verdicts(request, old);
    },
    validate_status_update: |new, old, errors| change(new, old, Part::Status, errors),
    validate_part_update: |_, new, old, errors| change(new, old, Part::Approval, errors),
    stamp,
    cells: |request, now| {
        let expiration = request.integer(&["spec", "expirationSeconds"]).map(time::human_duration);
        vec![
            request.name().into(),
            age(request, now),
            none_if_empty(request.text(&["spec", "signerName"])),
            request.text(&["spec", "username"]).into(),
            expiration.unwrap_or_else(|| "<none>".into()).into(),
            state(request).into(),
        ]
    },
    selectable_fields: &[("spec.signerName", |request| request.text(&["spec", "signerName"]).into())],
    ..GENERIC
};

const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

const VERDICTS: [&str; 3] = ["Approved", "Denied", "Failed"];

/// What table rows say of a request's conditions.
fn state(request: &Object) -> String {
    let has = |kind: &str| !conditions(request, kind).is_empty();
    let mut state = String::from(if has("Denied") {
        "Denied"
    } else if has("Approved") {
        "Approved"
    } else {
        "Pending"
    });
    if has("Failed") {
        state += ",Failed";
    }
    if !request.text(&["status", "certificate"]).is_empty() {
        state += ",Issued";
    }
    state
}

fn conditions<'v>(request: &'v Object, kind: &str) -> Vec<&'v Value> {
    request.items_at(&["status", "conditions"]).iter().filter(|c| c.text(&["type"]) == kind).collect()
}

/// The blocks of a PEM text, each with its name.
pub(super) fn pem_blocks(base64: &str) -> Vec<String> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let starts = text.lines().filter_map(|line| line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----"));
    starts.filter(|name| text.contains(&format!("-----END {name}-----"))).map(String::from).collect()
}

fn request(request: &Object, errors: &mut Errors) {
    let root = Field::new("", request);
    let spec = root.get("spec");
    let [bytes, usages, signer, expiration] =
        ["request", "usages", "signerName", "expirationSeconds"].map(|name| spec.get(name));
    if pem_blocks(bytes.text()).first().is_none_or(|name| name != "CERTIFICATE REQUEST") {
        errors.invalid_as(bytes, &printed(bytes.value()), "PEM block type must be CERTIFICATE REQUEST");
    }
    errors.need(&usages);
    for (index, usage) in usages.items().enumerate() {
        errors.one_of(&usage, &USAGES);
        if (0..index).any(|before| usages.item(before).text() == usage.text()) {
            errors.duplicate(usage, usage.value());
        }
    }
    if signer.text() == "kubernetes.io/legacy-unknown" {
        errors.reject(&signer, "the legacy signerName is not allowed via this API version");
    } else {
        signer_name(&signer, errors);
    }
    if expiration.integer().is_some_and(|seconds| seconds < 600) {
        errors.reject(&expiration, "may not specify a duration less than 600 seconds (10 minutes)");
    }
    validate_conditions(&root.get("status.conditions"), errors);
    let certificate = root.get("status.certificate");
    let blocks = pem_blocks(certificate.text());
    let complaint = match blocks.iter().find(|name| *name != "CERTIFICATE") {
        Some(name) => format!("only CERTIFICATE PEM blocks are allowed, found {}", quoted(name)),
        None if blocks.is_empty() => "must contain at least one CERTIFICATE PEM block".into(),
        None => return,
    };
    if !certificate.is_empty() {
        errors.invalid_as(certificate, "\"<certificate data>\"", &complaint);
    }
}

fn validate_conditions(list: &Field, errors: &mut Errors) {
    let mut seen: Vec<&str> = Vec::new();
    for condition in list.items() {
        let (kind, status) = (condition.get("type"), condition.get("status"));
        errors.need(&kind);
        let allowed: &[&str] = if VERDICTS.contains(&kind.text()) { &["True"] } else { &["False", "True", "Unknown"] };
        errors.need_one_of(&status, allowed);
        let other = ["Denied", "Approved"][usize::from(kind.text() == "Denied")];
        if ["Approved", "Denied"].contains(&kind.text()) && seen.contains(&other) {
            errors.invalid(list, kind.value(), "Approved and Denied conditions are mutually exclusive");
        }
        if seen.contains(&kind.text()) {
            errors.duplicate(kind, kind.value());
        }
        seen.push(kind.text());
    }
}

/// Puts back the conditions that say whether a request is approved; who adds one or takes one away is complained about.
fn keep_verdicts(request: &mut Object, old: &Object) {
    for kind in ["Approved", "Denied"] {
        let before: Vec<Value> = conditions(old, kind).into_iter().cloned().collect();
        if before.len() != conditions(request, kind).len() {
            continue;
        }
        let mut before = before.into_iter();
        let all = request.at_mut(&["status"]).get_mut("conditions").and_then(Value::as_array_mut).into_iter().flatten();
        for condition in all.filter(|condition| condition.text(&["type"]) == kind) {
            if let Some(kept) = before.next() {
                *condition = kept;
            }
        }
    }
}

/// Says since when conditions hold, where nobody has said it.
fn stamp(request: &mut Object, old: &Object, now: i64) {
    if request.items_at(&["status", "conditions"]).is_empty() {
        return;
    }
    for condition in
        request.at_mut(&["status"]).get_mut("conditions").and_then(Value::as_array_mut).into_iter().flatten()
    {
        let is_missing = |condition: &Value, field: &str| condition.text(&[field]).is_empty();
        if is_missing(condition, "lastUpdateTime") {
            condition.put(&["lastUpdateTime"], time::rfc3339(now));
        }
        if is_missing(condition, "lastTransitionTime") {
            let same =
                |before: &&Value| ["type", "status"].iter().all(|field| before.get(field) == condition.get(field));
            let before = old.items_at(&["status", "conditions"]).iter().filter(same);
            let since = before.map(|before| before.text(&["lastTransitionTime"])).find(|since| !since.is_empty());
            let since = since.map_or_else(|| time::rfc3339(now), String::from);
            condition.put(&["lastTransitionTime"], since);
        }
    }
}

#[derive(PartialEq)]
enum Part {
    Main,
    Status,
    Approval,
}

fn change(new: &Object, old: &Object, part: Part, errors: &mut Errors) {
    request(new, errors);
    for kind in VERDICTS {
        let (now, before) = (conditions(new, kind), conditions(old, kind));
        if now.len() < before.len() {
            errors.forbidden(
                "status.conditions",
                &format!("updates may not remove a condition of type {}", quoted(kind)),
            );
        } else if now.len() > before.len() && kind != "Failed" && part != Part::Approval {
            errors.forbidden("status.conditions", &format!("updates may not add a condition of type {}", quoted(kind)));
        }
    }
    let certificate = |request: &Object| request.text(&["status", "certificate"]).to_owned();
    let before = certificate(old);
    if certificate(new) != before {
        if part != Part::Status {
            errors.forbidden("status.certificate", "updates may not set certificate content");
        } else if !before.is_empty() {
            errors.forbidden("status.certificate", "updates may not modify existing certificate content");
        }
    }
}

/// Complains about the name of a signer: a domain and a path.
pub(super) fn signer_name(field: &Field, errors: &mut Errors) {
    if !errors.need(field) {
        return;
    }
    let text = field.text();
    let (domain, path) = match text.split_once('/') {
        Some((domain, path)) if !path.contains('/') => (domain, path),
        _ => {
            let detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
            return errors.reject(field, detail);
        }
    };
    if domain.len() > 253 {
        errors.too_long(field, 253);
    }
    labels(field, domain, names::dns1123_label, errors);
    if !domain.contains('.') {
        errors.invalid_as(field, &quoted(domain), "should be a domain with at least two segments separated by dots");
    }
    labels(field, path, names::dns1123_subdomain, errors);
    if text.len() > 571 {
        errors.too_long(field, 571);
    }
}

/// Complains about the first label that breaks a rule.
fn labels(field: &Field, text: &str, rule: fn(&str) -> Vec<String>, errors: &mut Errors) {
    if let Some(label) = text.split('.').find(|label| !rule(label).is_empty()) {
        for complaint in rule(label) {
            errors.invalid_as(field, &quoted(text), &format!("validating label {}: {complaint}", quoted(label)));
        }
    }
}

/// Complains about a certificate that a pod wants in a volume (KEP-4317).
pub(super) fn pod_certificate(certificate: &Field, errors: &mut Errors) {
    let (signer, seconds) = (certificate.get("signerName"), certificate.get("maxExpirationSeconds"));
    signer_name(&signer, errors);
    let types = ["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];
    errors.one_of(&certificate.get("keyType"), &types);
    if seconds.is_set() {
        if seconds.number() < 3600 {
            errors.reject(&seconds, "if provided, maxExpirationSeconds must be >= 3600");
        }
        let domain = signer.text().split('/').next().unwrap_or("");
        let own = domain == "kubernetes.io" || domain.ends_with(".kubernetes.io");
        let most = if own { 24 * 3600 } else { 91 * 24 * 3600 };
        if seconds.number() > most {
            errors.reject(&seconds, &format!("if provided, maxExpirationSeconds must be <= {most}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_requests() {
        let pem = |name: &str| {
            let text = format!("-----BEGIN {name}-----\nAAAA\n-----END {name}-----\n");
            base64::engine::general_purpose::STANDARD.encode(text)
        };
        let complaints = |spec: Value| -> Vec<String> {
            let mut errors = Errors::default();
            request(&json!({"spec": spec}), &mut errors);
            errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
        };
        let good = json!({"request": pem("CERTIFICATE REQUEST"), "usages": ["client auth"],
            "signerName": "kubernetes.io/kube-apiserver-client"});
        assert_eq!(complaints(good), Vec::<String>::new());
        let bad = complaints(json!({"usages": ["a", "a"], "signerName": "x", "expirationSeconds": 1}));
        let fields: Vec<_> = bad.iter().map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(": ")).collect();
        assert_eq!(
            fields,
            [
                "spec.request: Invalid value",
                "spec.usages[0]: Unsupported value",
                "spec.usages[1]: Unsupported value",
                "spec.usages[1]: Duplicate value",
                "spec.signerName: Invalid value",
                "spec.expirationSeconds: Invalid value",
            ]
        );
    }

    #[test]
    fn verdicts_are_given_by_approval_alone() {
        let with = |conditions: Value| json!({"status": {"conditions": conditions}});
        let approved = || json!({"type": "Approved", "status": "True", "reason": "r"});
        let forged = json!({"type": "Approved", "status": "True", "reason": "x"});
        let mut request = with(json!([{"type": "Failed", "status": "True"}, forged]));
        keep_verdicts(&mut request, &with(json!([approved()])));
        assert_eq!(request, with(json!([{"type": "Failed", "status": "True"}, approved()])));
        let complaints = |new: &Object, old: &Object, part: Part| -> Vec<String> {
            let mut errors = Errors::default();
            change(new, old, part, &mut errors);
            let causes = errors.causes.into_iter().filter(|cause| cause.field.starts_with("status"));
            causes.map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
        };
        let (new, old) = (with(json!([approved()])), with(json!([])));
        assert!(complaints(&new, &old, Part::Approval).is_empty());
        for part in [Part::Main, Part::Status] {
            let complaint = "status.conditions: Forbidden: updates may not add a condition of type \"Approved\"";
            assert_eq!(complaints(&new, &old, part), [complaint]);
        }
        let both = with(json!([approved(), {"type": "Denied", "status": "True"}]));
        let complaint =
            "status.conditions: Invalid value: \"Denied\": Approved and Denied conditions are mutually exclusive";
        assert_eq!(complaints(&both, &new, Part::Approval), [complaint]);
    }

    #[test]
    fn conditions_say_since_when_they_hold() {
        let old = json!({"status": {"conditions": [
            {"type": "Approved", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"}
        ]}});
        let mut new = json!({"status": {"conditions": [
            {"type": "Approved", "status": "True", "lastUpdateTime": "2020-01-02T00:00:00Z"},
            {"type": "Failed", "status": "True"}
        ]}});
        stamp(&mut new, &old, 0);
        let expected = json!({"status": {"conditions": [
            {"type": "Approved", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z",
                "lastUpdateTime": "2020-01-02T00:00:00Z"},
            {"type": "Failed", "status": "True", "lastTransitionTime": "1970-01-01T00:00:00Z",
                "lastUpdateTime": "1970-01-01T00:00:00Z"}
        ]}});
        assert_eq!(new, expected);
    }

    #[test]
    fn states_of_requests() {
        let with = |kinds: &[&str]| {
            let conditions: Vec<Value> = kinds.iter().map(|kind| json!({"type": kind, "status": "True"})).collect();
            state(&json!({"status": {"conditions": conditions}}))
        };
        assert_eq!(with(&[]), "Pending");
        assert_eq!(with(&["Approved", "Failed"]), "Approved,Failed");
        assert_eq!(with(&["Approved", "Denied"]), "Denied");
        assert_eq!(state(&json!({"status": {"certificate": "eA=="}})), "Pending,Issued");
    }
}
