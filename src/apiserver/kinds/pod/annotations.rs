//! Annotations of pods that mean something to Kubernetes, most of them from before there were fields.

use super::super::field::{Errors, Field, quoted};
use super::container::each;
use super::scheduling::tolerations;
use super::sources::relative_path;
use crate::api::Value;

const MIRROR: &str = "kubernetes.io/config.mirror";
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
const TOLERATIONS: &str = "scheduler.alpha.kubernetes.io/tolerations";
const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
/// What the annotations about AppArmor start with; the name of a container follows.
pub(super) const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// Whether a pod stands for one that a kubelet runs by itself.
pub(super) fn is_mirror(annotations: &Field) -> bool {
    annotations.entry(MIRROR).is_set()
}

/// Complains about the values of these annotations.
pub(super) fn validate(annotations: &Field, spec: &Field, errors: &mut Errors) {
    if is_mirror(annotations) && spec.get("nodeName").is_empty() {
        let detail = "must set spec.nodeName if mirror pod annotation is set";
        errors.reject(&annotations.entry(MIRROR), detail);
    }
    let text = annotations.entry(TOLERATIONS).text();
    if let Ok(list) = serde_json::from_str::<Value>(text) {
        let path = format!("{annotations}.{TOLERATIONS}");
        tolerations(&Field::new(&path, &list), errors);
    }
    let cost = annotations.entry(DELETION_COST);
    if cost.is_set() && !is_cost(cost.text()) {
        errors.reject(&cost, "must be a 32bit integer");
    }
    for (key, value) in annotations.entries() {
        if key == SECCOMP_POD || key.starts_with(SECCOMP_CONTAINER) {
            seccomp(&annotations.get(key).with(value.value()), errors);
        }
    }
    for (key, value) in annotations.entries() {
        let Some(container) = key.strip_prefix(APP_ARMOR) else { continue };
        let mut found = false;
        each(spec, &mut |other| found |= other.get("name").text() == container);
        if !found {
            errors.invalid_as(value, &quoted(container), "container not found");
        }
        let text = value.text();
        if !["", "runtime/default", "unconfined"].contains(&text) && !text.starts_with("localhost/") {
            errors.reject(&value, &format!("invalid AppArmor profile name: {}", quoted(text)));
        }
    }
}

/// A 32-bit number without a plus or leading zeros.
fn is_cost(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = text == "0" || digits.starts_with(|c: char| ('1'..='9').contains(&c));
    canonical && text.parse::<i32>().is_ok()
}

fn seccomp(value: &Field, errors: &mut Errors) {
    match value.text() {
        "runtime/default" | "docker/default" | "unconfined" => {}
        text => match text.strip_prefix("localhost/") {
            Some(path) => relative_path(&value.with(&path.into()), errors),
            None => errors.reject(value, "must be a valid seccomp profile"),
        },
    }
}

/// Complains where an annotation and the field that replaced it say different things.
pub(super) fn match_fields(metadata: &Field, spec: &Field, errors: &mut Errors) {
    let annotations = metadata.get("annotations");
    let pod = spec.get("securityContext.seccompProfile");
    agree(&annotations.entry(SECCOMP_POD), &pod, "seccomp", errors);
    each(spec, &mut |container| {
        let key = format!("{SECCOMP_CONTAINER}{}", container.get("name").text());
        agree(&annotations.entry(&key), &container.get("securityContext.seccompProfile"), "seccomp", errors);
    });
    if spec.get("os.name").text() == "windows" {
        return;
    }
    let pod = spec.get("securityContext.appArmorProfile");
    each(spec, &mut |container| {
        let key = format!("{APP_ARMOR}{}", container.get("name").text());
        let own = container.get("securityContext.appArmorProfile");
        let profile = if own.is_set() { own } else { own.with(pod.value()) };
        agree(&annotations.entry(&key), &profile, "apparmor", errors);
    });
}

fn agree(annotation: &Field, profile: &Field, what: &str, errors: &mut Errors) {
    if !annotation.is_set() || !profile.is_set() {
        return;
    }
    let (text, local) = (annotation.text(), profile.get("localhostProfile"));
    let same_type = match profile.get("type").text() {
        "Unconfined" => text == "unconfined",
        "RuntimeDefault" => text == "runtime/default" || what == "seccomp" && text == "docker/default",
        "Localhost" => match text.strip_prefix("localhost/") {
            Some(path) if local.is_set() && path == local.text() => true,
            Some(_) => {
                errors.forbidden(local, &format!("{what} profile in annotation and field must match"));
                true
            }
            None => false,
        },
        _ => true,
    };
    if !same_type {
        errors.forbidden(profile.get("type"), &format!("{what} type in annotation and field must match"));
    }
}

/// Complains about changes of annotations that a pod is born with.
pub(super) fn validate_change(new: &Field, old: &Field, spec: &Field, errors: &mut Errors) {
    let fixed = |key: &str| match key {
        MIRROR => Some("mirror pod annotation"),
        _ if key.starts_with(APP_ARMOR) => Some("AppArmor annotations"),
        _ => None,
    };
    for (key, value) in old.entries() {
        if let Some(what) = fixed(key).filter(|_| new.entry(key).value() != value.value()) {
            errors.forbidden(new.entry(key), &format!("may not remove or update {what}"));
        }
    }
    for (key, value) in new.entries() {
        if let Some(what) = fixed(key).filter(|_| !old.entry(key).is_set()) {
            errors.forbidden(value, &format!("may not add {what}"));
        }
    }
    validate(new, spec, errors);
}
