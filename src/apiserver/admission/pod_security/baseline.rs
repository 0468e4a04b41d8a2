//! The baseline standard: nothing that gives a pod the powers of its node.

use super::containers::{Pod, called, context, plural, quoted, uses};
use super::{Level, Standard, Violation};
use crate::api::{ObjectExt, Value};
use std::collections::BTreeSet;

/// What containers may add to their capabilities.
const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// The kernel's settings that pods may change, and the minor version since when.
const SYSCTLS: [(&str, u32); 14] = [
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
    ("net.ipv4.tcp_slow_start_after_idle", 37),
    ("net.ipv4.tcp_notsent_lowat", 37),
];

/// The version of Kubernetes that this server is: the latest standards are as old as it.
const OWN_MINOR: u32 = 36;

const PROFILES: [&str; 2] = ["RuntimeDefault", "Localhost"];

/// Complains by the baseline standard, without what the restricted one says more strictly when that is asked for.
pub(super) fn check(pod: &Pod<'_>, standard: Standard, found: &mut Vec<Violation>) {
    let (version, restricted) = (standard.version, standard.level == Level::Restricted);
    app_armor(pod, found);
    if !(restricted && version.since(22)) {
        capabilities(pod, found);
    }
    let spaces = ["hostNetwork", "hostPID", "hostIPC"];
    let shared: Vec<String> = spaces
        .iter()
        .filter(|space| pod.spec(&[space]) == Some(&true.into()))
        .map(|space| format!("{space}=true"))
        .collect();
    if !shared.is_empty() {
        found.push(("host namespaces", shared.join(", ")));
    }
    if !restricted {
        let volumes: Vec<&str> = pod
            .items("volumes")
            .iter()
            .filter(|volume| volume.get("hostPath").is_some())
            .map(|volume| volume.text(&["name"]))
            .collect();
        if !volumes.is_empty() {
            found.push(("hostPath volumes", called("volume", &volumes)));
        }
    }
    host_ports(pod, found);
    if version.since(34) {
        hosts(pod, found);
    }
    let privileged = pod.named(|container| context(container, &["privileged"]) == Some(&true.into()));
    if !privileged.is_empty() {
        let containers = called("container", &privileged);
        found.push(("privileged", format!("{containers} must not set securityContext.privileged=true")));
    }
    if !version.since(35) || !restricted && !pod.has_own_users() {
        proc_mount(pod, found);
    }
    selinux(pod, version.since(31), found);
    if !(restricted && version.since(19)) {
        seccomp(pod, version.since(19), found);
    }
    let minor = version.0.unwrap_or(OWN_MINOR);
    let sysctls = pod.spec(&["securityContext", "sysctls"]).and_then(Value::as_array).into_iter().flatten();
    let forbidden: Vec<&str> = sysctls
        .map(|sysctl| sysctl.text(&["name"]))
        .filter(|name| !SYSCTLS.iter().any(|(known, since)| known == name && *since <= minor))
        .collect();
    if !forbidden.is_empty() {
        found.push(("forbidden sysctls", forbidden.join(", ")));
    }
    let (setters, _) = pod.setters(&["windowsOptions", "hostProcess"], |value| value != &Value::Bool(true));
    if !setters.is_empty() {
        let setters = setters.join(" and ");
        found.push(("hostProcess", format!("{setters} must not set securityContext.windowsOptions.hostProcess=true")));
    }
}

fn app_armor(pod: &Pod<'_>, found: &mut Vec<Violation>) {
    let is_right = |kind: &Value| kind.as_str().is_some_and(|kind| PROFILES.contains(&kind));
    let (mut setters, values) = pod.setters(&["appArmorProfile", "type"], is_right);
    let mut values: Vec<String> = values.into_iter().collect();
    let notes: BTreeSet<String> = pod
        .annotations()
        .filter(|(key, value)| {
            let allowed = value.is_empty() || *value == "runtime/default" || value.starts_with("localhost/");
            key.starts_with("container.apparmor.security.beta.kubernetes.io/") && !allowed
        })
        .map(|(key, value)| format!("{key}={value:?}"))
        .collect();
    if !notes.is_empty() {
        setters.push(plural("annotation", notes.len()));
        values.extend(notes);
    }
    if !setters.is_empty() {
        let reason = if values.len() == 1 { "forbidden AppArmor profile" } else { "forbidden AppArmor profiles" };
        let setters = setters.join(" and ");
        found.push((reason, format!("{setters} must not set AppArmor profile type to {}", quoted(values))));
    }
}

fn added(container: &Value) -> impl Iterator<Item = &str> {
    let list = context(container, &["capabilities", "add"]).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

fn capabilities(pod: &Pod<'_>, found: &mut Vec<Violation>) {
    let forbidden = |name: &&str| !CAPABILITIES.contains(name);
    let containers = pod.named(|container| added(container).any(|name| forbidden(&name)));
    let names: BTreeSet<&str> = pod.containers().flat_map(added).filter(forbidden).collect();
    if !containers.is_empty() {
        let (containers, names) = (called("container", &containers), quoted(names));
        let detail = format!("{containers} must not include {names} in securityContext.capabilities.add");
        found.push(("non-default capabilities", detail));
    }
}

fn host_ports(pod: &Pod<'_>, found: &mut Vec<Violation>) {
    fn ports(container: &Value) -> impl Iterator<Item = String> {
        let ports = container.items_at(&["ports"]).iter().filter_map(|port| port.integer(&["hostPort"]));
        ports.filter(|port| *port != 0).map(|port| port.to_string())
    }
    let containers = pod.named(|container| ports(container).next().is_some());
    if !containers.is_empty() {
        let all: BTreeSet<String> = pod.containers().flat_map(ports).collect();
        let (named, uses) = (called("container", &containers), uses(containers.len()));
        let noun = plural("hostPort", all.len());
        found.push(("hostPort", format!("{named} {uses} {noun} {}", all.into_iter().collect::<Vec<_>>().join(", "))));
    }
}

/// Probes and hooks that ask another host than the pod.
fn hosts(pod: &Pod<'_>, found: &mut Vec<Violation>) {
    fn asked(container: &Value) -> impl Iterator<Item = &str> {
        let handlers: [&[&str]; 5] = [
            &["livenessProbe"],
            &["readinessProbe"],
            &["startupProbe"],
            &["lifecycle", "postStart"],
            &["lifecycle", "preStop"],
        ];
        let handlers = handlers.into_iter().filter_map(|path| container.at(path));
        let hosts = handlers.flat_map(|handler| ["httpGet", "tcpSocket"].map(|kind| handler.text(&[kind, "host"])));
        hosts.filter(|host| !host.is_empty())
    }
    let containers: BTreeSet<&str> = pod.named(|container| asked(container).next().is_some()).into_iter().collect();
    if !containers.is_empty() {
        let hosts: BTreeSet<&str> = pod.containers().flat_map(asked).collect();
        let containers: Vec<&str> = containers.into_iter().collect();
        let (named, uses) = (called("container", &containers), uses(containers.len()));
        let noun = plural("probe or lifecycle host", hosts.len());
        found.push(("probe or lifecycle host", format!("{named} {uses} {noun} {}", quoted(hosts))));
    }
}

/// Complains about another view of `/proc` than the default one.
pub(super) fn proc_mount(pod: &Pod<'_>, found: &mut Vec<Violation>) {
    let masked = |container: &Value| {
        context(container, &["procMount"]).and_then(Value::as_str).filter(|kind| *kind != "Default").map(String::from)
    };
    let containers = pod.named(|container| masked(container).is_some());
    if !containers.is_empty() {
        let kinds: BTreeSet<String> = pod.containers().filter_map(masked).collect();
        let containers = called("container", &containers);
        let detail = format!("{containers} must not set securityContext.procMount to {}", quoted(kinds));
        found.push(("procMount", detail));
    }
}

fn selinux(pod: &Pod<'_>, has_engine: bool, found: &mut Vec<Violation>) {
    let allowed = |kind: &str| {
        ["", "container_t", "container_init_t", "container_kvm_t"].contains(&kind)
            || has_engine && kind == "container_engine_t"
    };
    let is_right = |options: &Value| {
        let text = |field: &str| options.text(&[field]);
        allowed(text("type")) && text("user").is_empty() && text("role").is_empty()
    };
    let (setters, _) = pod.setters(&["seLinuxOptions"], is_right);
    if setters.is_empty() {
        return;
    }
    let values = |field: &str| {
        let (_, values) = pod.setters(&["seLinuxOptions", field], |_| false);
        values
    };
    let mut wrong = Vec::new();
    let kinds: BTreeSet<String> = values("type").into_iter().filter(|kind| !allowed(kind)).collect();
    if !kinds.is_empty() {
        wrong.push(format!("{} {}", plural("type", kinds.len()), quoted(kinds)));
    }
    for field in ["user", "role"] {
        if values(field).iter().any(|value| !value.is_empty()) {
            wrong.push(format!("{field} may not be set"));
        }
    }
    let (setters, wrong) = (setters.join(" and "), wrong.join("; "));
    found.push(("seLinuxOptions", format!("{setters} set forbidden securityContext.seLinuxOptions: {wrong}")));
}

fn seccomp(pod: &Pod<'_>, is_field: bool, found: &mut Vec<Violation>) {
    if is_field {
        let is_right = |kind: &Value| kind.as_str().is_some_and(|kind| PROFILES.contains(&kind));
        let (setters, values) = pod.setters(&["seccompProfile", "type"], is_right);
        if !setters.is_empty() {
            let (setters, values) = (setters.join(" and "), quoted(values));
            let detail = format!("{setters} must not set securityContext.seccompProfile.type to {values}");
            found.push(("seccompProfile", detail));
        }
        return;
    }
    let names: Vec<String> = pod
        .named(|_| true)
        .iter()
        .map(|name| format!("container.seccomp.security.alpha.kubernetes.io/{name}"))
        .chain(["seccomp.security.alpha.kubernetes.io/pod".to_string()])
        .collect();
    let allowed =
        |value: &str| ["runtime/default", "docker/default"].contains(&value) || value.starts_with("localhost/");
    let notes: BTreeSet<String> = pod
        .annotations()
        .filter(|(key, value)| names.iter().any(|name| name == key) && !allowed(value))
        .map(|(key, value)| format!("{key}={value:?}"))
        .collect();
    if !notes.is_empty() {
        let noun = plural("annotation", notes.len());
        let notes = notes.into_iter().collect::<Vec<_>>().join(", ");
        found.push(("seccompProfile", format!("forbidden {noun} {notes}")));
    }
}
