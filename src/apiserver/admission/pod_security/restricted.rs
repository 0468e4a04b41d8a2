//! The restricted standard: what is known to harden pods.

use super::baseline::proc_mount;
use super::containers::{Pod, called, context, plural, quoted, uses};
use super::{Version, Violation};
use crate::api::{ObjectExt, Value};
use std::collections::BTreeSet;

/// The sources of volumes that pods may use.
const VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// Complains by the restricted standard, beyond the baseline one.
pub(super) fn check(pod: &Pod<'_>, version: Version, found: &mut Vec<Violation>) {
    let is_exempt = version.since(25) && pod.is_windows();
    if version.since(8) && !is_exempt {
        let containers = pod.named(|c| context(c, &["allowPrivilegeEscalation"]) != Some(&false.into()));
        if !containers.is_empty() {
            let containers = called("container", &containers);
            let detail = format!("{containers} must set securityContext.allowPrivilegeEscalation=false");
            found.push(("allowPrivilegeEscalation != false", detail));
        }
    }
    if version.since(22) && !is_exempt {
        capabilities(pod, found);
    }
    if version.since(35) {
        proc_mount(pod, found);
    }
    volumes(pod, found);
    let is_relaxed = version.since(35) && pod.has_own_users();
    if !is_relaxed {
        run_as_non_root(pod, found);
    }
    if version.since(23) && !is_relaxed {
        let (setters, _) = pod.setters(&["runAsUser"], |user| user.as_i64() != Some(0));
        if !setters.is_empty() {
            found.push(("runAsUser=0", format!("{} must not set runAsUser=0", setters.join(" and "))));
        }
    }
    if version.since(19) && !is_exempt {
        seccomp(pod, found);
    }
}

fn list<'a>(container: &'a Value, name: &str) -> impl Iterator<Item = &'a str> {
    let list = context(container, &["capabilities", name]).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

fn capabilities(pod: &Pod<'_>, found: &mut Vec<Violation>) {
    let forbidden = |name: &&str| *name != "NET_BIND_SERVICE";
    let mut details = Vec::new();
    let keeping = pod.named(|container| !list(container, "drop").any(|name| name == "ALL"));
    if !keeping.is_empty() {
        let containers = called("container", &keeping);
        details.push(format!(r#"{containers} must set securityContext.capabilities.drop=["ALL"]"#));
    }
    let adding = pod.named(|container| list(container, "add").any(|name| forbidden(&name)));
    if !adding.is_empty() {
        let names: BTreeSet<&str> = pod.containers().flat_map(|c| list(c, "add")).filter(forbidden).collect();
        let (containers, names) = (called("container", &adding), quoted(names));
        details.push(format!("{containers} must not include {names} in securityContext.capabilities.add"));
    }
    if !details.is_empty() {
        found.push(("unrestricted capabilities", details.join("; ")));
    }
}

fn volumes(pod: &Pod<'_>, found: &mut Vec<Violation>) {
    fn source(volume: &Value) -> Vec<&str> {
        let sources = volume.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
        sources.filter(|key| *key != "name").collect()
    }
    let wrong = |volume: &&Value| !source(volume).iter().any(|kind| VOLUMES.contains(kind));
    let bad: Vec<&Value> = pod.items("volumes").iter().filter(wrong).collect();
    if bad.is_empty() {
        return;
    }
    let kinds: BTreeSet<String> =
        bad.iter().map(|volume| source(volume).first().map_or("unknown".into(), |kind| kind.to_string())).collect();
    let names: Vec<&str> = bad.iter().map(|volume| volume.text(&["name"])).collect();
    let (named, uses) = (called("volume", &names), uses(names.len()));
    let noun = plural("restricted volume type", kinds.len());
    found.push(("restricted volume types", format!("{named} {uses} {noun} {}", quoted(kinds))));
}

fn run_as_non_root(pod: &Pod<'_>, found: &mut Vec<Violation>) {
    const REASON: &str = "runAsNonRoot != true";
    let (setters, _) = pod.setters(&["runAsNonRoot"], |value| value == &Value::Bool(true));
    if !setters.is_empty() {
        let setters = setters.join(" and ");
        return found.push((REASON, format!("{setters} must not set securityContext.runAsNonRoot=false")));
    }
    let pod_does = pod.spec(&["securityContext", "runAsNonRoot"]) == Some(&true.into());
    let silent = pod.named(|container| !pod_does && context(container, &["runAsNonRoot"]).is_none());
    if !silent.is_empty() {
        let containers = called("container", &silent);
        found.push((REASON, format!("pod or {containers} must set securityContext.runAsNonRoot=true")));
    }
}

fn seccomp(pod: &Pod<'_>, found: &mut Vec<Violation>) {
    const REASON: &str = "seccompProfile";
    let is_right = |kind: &Value| kind == "RuntimeDefault" || kind == "Localhost";
    let (setters, values) = pod.setters(&["seccompProfile", "type"], is_right);
    if !setters.is_empty() {
        let (setters, values) = (setters.join(" and "), quoted(values));
        let detail = format!("{setters} must not set securityContext.seccompProfile.type to {values}");
        return found.push((REASON, detail));
    }
    let pod_has = pod.spec(&["securityContext", "seccompProfile", "type"]).is_some();
    let silent = pod.named(|container| !pod_has && context(container, &["seccompProfile"]).is_none());
    if !silent.is_empty() {
        let containers = called("container", &silent);
        let rule = r#"must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost""#;
        found.push((REASON, format!("pod or {containers} {rule}")));
    }
}
