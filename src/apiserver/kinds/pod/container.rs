//! What is wrong with the containers of a pod.

use super::super::field::{Errors, Field, quoted};
use super::super::resources::{container_resource_name, requirements};
use super::sources::{no_back_steps, relative_path};
use super::volumes::is_claim;
use super::{handlers, refs, security};
use crate::api::{ObjectExt, Value, names};

/// What containers must know of their pod.
pub(super) struct Pod<'v> {
    /// The sound volumes.
    pub volumes: Vec<(&'v str, &'v Value)>,
    /// The names of its resource claims.
    pub claims: Vec<&'v str>,
    /// `terminationGracePeriodSeconds`.
    pub grace: Option<i64>,
    /// The name of its operating system; empty when it says none.
    pub os: &'v str,
    /// Its restart policy.
    pub restart_policy: &'v str,
    /// Whether its users are the host's.
    pub host_users: bool,
}

/// Complains about the main containers.
pub(super) fn containers(list: &Field, pod: &Pod, errors: &mut Errors) {
    if !errors.need(list) {
        return;
    }
    for (index, container) in list.items().enumerate() {
        common(&container, pod, errors);
        let name = container.get("name");
        if (0..index).any(|before| list.item(before).get("name").text() == name.text()) {
            errors.duplicate(name, &name.text().into());
        }
        handlers::lifecycle(&container.get("lifecycle"), pod, errors);
        handlers::probes(&container, pod, errors);
        restart_rules(&container, errors);
    }
    let mut seen = Vec::new();
    for container in list.items() {
        host_ports(&container, &mut seen, errors);
    }
}

/// Complains about the containers that run before the main ones, or beside them as sidecars.
pub(super) fn init_containers(list: &Field, main: &Field, pod: &Pod, errors: &mut Errors) {
    let mut seen: Vec<&str> = main.items().map(|container| container.get("name").text()).collect();
    for container in list.items() {
        common(&container, pod, errors);
        let (name, policy) = (container.get("name"), container.get("restartPolicy"));
        let sidecar = policy.text() == "Always";
        if policy.is_set() {
            restart_rules(&container, errors);
        } else if container.get("restartPolicyRules").count() > 0 {
            errors.required(policy, NEEDS_POLICY);
        }
        if seen.contains(&name.text()) {
            errors.duplicate(name, &name.text().into());
        } else if !name.is_empty() {
            seen.push(name.text());
        }
        // The complaint names the list's first container, whichever it is.
        host_ports(&list.item(0).with(container.value()), &mut Vec::new(), errors);
        if sidecar {
            handlers::lifecycle(&container.get("lifecycle"), pod, errors);
            handlers::probes(&container, pod, errors);
            continue;
        }
        for part in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            if container.get(part).is_set() {
                errors
                    .forbidden(container.get(part), "may not be set for init containers without restartPolicy=Always");
            }
        }
        for policy in container.get("resizePolicy").items() {
            let restart = policy.get("restartPolicy");
            if restart.text() == "RestartContainer" {
                errors.reject(&restart, "must not be set to 'RestartContainer' for non-sidecar initContainers");
            }
        }
    }
}

/// Complains about containers that somebody adds to a running pod to look into it.
pub(super) fn ephemeral_containers(list: &Field, spec: &Field, pod: &Pod, errors: &mut Errors) {
    let (main, init) = (spec.get("containers"), spec.get("initContainers"));
    let others: Vec<&str> = main.items().chain(init.items()).map(|c| c.get("name").text()).collect();
    let mut seen = others.clone();
    for container in list.items() {
        common(&container, pod, errors);
        image_is_trimmed(&container, errors);
        let (name, target) = (container.get("name"), container.get("targetContainerName"));
        if seen.contains(&name.text()) {
            errors.duplicate(name, &name.text().into());
        } else {
            seen.push(name.text());
        }
        if !target.is_empty() && !others.contains(&target.text()) {
            errors.not_found(target, target.value());
        }
        let not_allowed = "cannot be set for an Ephemeral Container";
        let parts = [
            "ports",
            "resources",
            "resizePolicy",
            "restartPolicy",
            "restartPolicyRules",
            "livenessProbe",
            "readinessProbe",
            "startupProbe",
            "lifecycle",
        ];
        // What is no pointer counts when there is something in it.
        let counts = |part: &str| match part {
            "resources" => !container.get(part).is_empty(),
            _ => container.get(part).is_set(),
        };
        for part in parts.iter().filter(|part| counts(part)) {
            errors.forbidden(container.get(part), not_allowed);
        }
        for mount in container.get("volumeMounts").items() {
            for part in ["subPath", "subPathExpr"] {
                if !mount.get(part).is_empty() {
                    errors.forbidden(mount.get(part), not_allowed);
                }
            }
        }
    }
}

/// Complains about blanks around an image's name; templates may have them.
pub(super) fn image_is_trimmed(container: &Field, errors: &mut Errors) {
    let image = container.get("image");
    if image.text().trim().len() != image.text().len() {
        errors.reject(&image, "must not have leading or trailing whitespace");
    }
}

/// What is the same for all containers.
fn common(container: &Field, pod: &Pod, errors: &mut Errors) {
    errors.need_name(&container.get("name"), names::dns1123_label);
    errors.need(&container.get("image"));
    errors.need_one_of(&container.get("terminationMessagePolicy"), &["File", "FallbackToLogsOnError"]);
    ports(&container.get("ports"), errors);
    env(&container.get("env"), errors);
    env_from(&container.get("envFrom"), errors);
    mounts(container, pod, errors);
    devices(container, pod, errors);
    errors.need_one_of(&container.get("imagePullPolicy"), &["Always", "IfNotPresent", "Never"]);
    requirements(&container.get("resources"), container_resource_name, &pod.claims, errors);
    resize_policy(&container.get("resizePolicy"), pod, errors);
    security::container_context(&container.get("securityContext"), pod.host_users, errors);
}

fn ports(list: &Field, errors: &mut Errors) {
    let mut seen: Vec<&str> = Vec::new();
    for port in list.items() {
        let (name, number, host) = (port.get("name"), port.get("containerPort"), port.get("hostPort"));
        if !name.is_empty() {
            let sound = names::port_name(name.text()).is_empty();
            errors.name(&name, names::port_name);
            if sound && seen.contains(&name.text()) {
                errors.duplicate(name, name.value());
            }
            seen.push(if sound { name.text() } else { "" });
        }
        if number.number() == 0 {
            errors.required(number, "");
        } else {
            errors.within(&number, 1, 65535);
        }
        if host.number() != 0 {
            errors.within(&host, 1, 65535);
        }
        errors.need_one_of(&port.get("protocol"), &["SCTP", "TCP", "UDP"]);
    }
}

fn host_ports(container: &Field, seen: &mut Vec<String>, errors: &mut Errors) {
    for port in container.get("ports").items() {
        let (protocol, ip, host) = (port.get("protocol"), port.get("hostIP"), port.get("hostPort"));
        if host.number() == 0 {
            continue;
        }
        let key = format!("{}/{}/{}", protocol.text(), ip.text(), host.number());
        if seen.contains(&key) {
            errors.duplicate(host, &key.into());
        } else {
            seen.push(key);
        }
    }
}

fn env(list: &Field, errors: &mut Errors) {
    for variable in list.items() {
        errors.need_name(&variable.get("name"), names::env_var_name);
        let from = variable.get("valueFrom");
        if from.is_set() {
            value_from(&from, &variable.get("value"), errors);
        }
    }
}

fn value_from(from: &Field, value: &Field, errors: &mut Errors) {
    let mut sources = 0;
    let mut source = |name: &str, rule: &dyn Fn(&Field, &mut Errors), errors: &mut Errors| {
        if from.get(name).is_set() {
            sources += 1;
            rule(&from.get(name), errors);
        }
    };
    source("fieldRef", &|field, errors| refs::object_field(field, &refs::ENV_FIELDS, errors), errors);
    source("resourceFieldRef", &|field, errors| refs::resource_field(field, false, errors), errors);
    source("configMapKeyRef", &refs::key_ref, errors);
    source("secretKeyRef", &refs::key_ref, errors);
    source("fileKeyRef", &refs::file_key, errors);
    let complaint = if sources == 0 {
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
    } else if !value.is_empty() {
        "may not be specified when `value` is not empty"
    } else if sources > 1 {
        "may not have more than one field specified at a time"
    } else {
        return;
    };
    errors.invalid_as(from, "\"\"", complaint);
}

fn env_from(list: &Field, errors: &mut Errors) {
    for from in list.items() {
        if !from.get("prefix").is_empty() {
            errors.name(&from.get("prefix"), names::env_var_name);
        }
        let kinds = ["configMapRef", "secretRef"].map(|kind| from.get(kind));
        for reference in kinds.iter().filter(|reference| reference.is_set()) {
            let name = reference.get("name");
            if errors.need(&name) {
                for complaint in names::with_prefix(names::dns1123_subdomain, name.text(), true) {
                    errors.reject(&name, &complaint);
                }
            }
        }
        match kinds.iter().filter(|reference| reference.is_set()).count() {
            0 => errors.invalid_as(list, "\"\"", "must specify one of: `configMapRef` or `secretRef`"),
            1 => {}
            _ => errors.invalid_as(list, "\"\"", "may not have more than one field specified at a time"),
        }
    }
}

fn mounts(container: &Field, pod: &Pod, errors: &mut Errors) {
    let (list, devices) = (container.get("volumeMounts"), container.get("volumeDevices"));
    let privileged = container.get("securityContext.privileged").is_true();
    for (index, mount) in list.items().enumerate() {
        let (name, path) = (mount.get("name"), mount.get("mountPath"));
        errors.need(&name);
        if !pod.volumes.iter().any(|(volume, _)| *volume == name.text()) {
            errors.not_found(name, &name.text().into());
        }
        errors.need(&path);
        if (0..index).any(|before| list.item(before).get("mountPath").text() == path.text()) {
            errors.invalid_as(path, &quoted(path.text()), "must be unique");
        }
        if devices.items().any(|device| device.get("name").text() == name.text()) {
            errors.reject(&name, "must not already exist in volumeDevices");
        }
        if devices.items().any(|device| device.get("devicePath").text() == path.text()) {
            errors.reject(&path, "must not already exist as a path in volumeDevices");
        }
        // These complaints are about the list: kube-apiserver leaves the index out.
        let (sub, expression) = (mount.get("subPath"), mount.get("subPathExpr"));
        if !sub.is_empty() {
            relative_path(&list.get("subPath").with(sub.value()), errors);
        }
        if !expression.is_empty() {
            if !sub.is_empty() {
                errors.reject(&expression, "subPathExpr and subPath are mutually exclusive");
            }
            relative_path(&list.get("subPathExpr").with(expression.value()), errors);
        }
        propagation(&list, &mount, privileged, errors);
    }
}

fn propagation(list: &Field, mount: &Field, privileged: bool, errors: &mut Errors) {
    let (mode, place) = (mount.get("mountPropagation"), list.get("mountPropagation"));
    if mode.is_set() {
        let mode = place.with(mode.value());
        errors.one_of(&mode, &["Bidirectional", "HostToContainer", "None"]);
        if mode.text() == "Bidirectional" && !privileged {
            errors.forbidden(mode, "Bidirectional mount propagation is available only to privileged containers");
        }
    }
    let (recursive, place) = (mount.get("recursiveReadOnly"), list.get("recursiveReadOnly"));
    match recursive.text() {
        _ if !recursive.is_set() => {}
        "Disabled" => {}
        "Enabled" | "IfPossible" => {
            if !mount.get("readOnly").is_true() {
                errors.forbidden(place, "may only be specified when readOnly is true");
            }
            if mode.is_set() && mode.text() != "None" {
                errors.forbidden(place, "may only be specified when mountPropagation is None or not specified");
            }
        }
        _ => errors.one_of(&place.with(recursive.value()), &["Disabled", "Enabled", "IfPossible"]),
    }
}

fn devices(container: &Field, pod: &Pod, errors: &mut Errors) {
    let (list, mounts) = (container.get("volumeDevices"), container.get("volumeMounts"));
    for (index, device) in list.items().enumerate() {
        let (name, path) = (device.get("name"), device.get("devicePath"));
        let volume = pod.volumes.iter().find(|(volume, _)| *volume == name.text());
        let before = |part: &str, text: &str| (0..index).any(|before| list.item(before).get(part).text() == text);
        errors.need(&name);
        if !name.is_empty() && before("name", name.text()) {
            errors.reject(&name, "must be unique");
        }
        match volume {
            None => errors.not_found(name, &name.text().into()),
            Some((_, volume)) if !is_claim(volume) => errors
                .reject(&name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"),
            Some(_) => {}
        }
        errors.need(&path);
        if before("devicePath", path.text()) {
            errors.reject(&path, "must be unique");
        }
        let mut steps = Errors::default();
        no_back_steps(&path, &mut steps);
        if !steps.causes.is_empty() {
            errors.reject(&path, "can not contain backsteps ('..')");
        }
        if mounts.items().any(|mount| mount.get("name").text() == name.text()) {
            errors.reject(&name, "must not already exist in volumeMounts");
        }
        if mounts.items().any(|mount| mount.get("mountPath").text() == path.text()) {
            errors.reject(&path, "must not already exist as a path in volumeMounts");
        }
    }
}

fn resize_policy(list: &Field, pod: &Pod, errors: &mut Errors) {
    for (index, policy) in list.items().enumerate() {
        let (resource, restart) = (policy.get("resourceName"), policy.get("restartPolicy"));
        if (0..index).any(|before| list.item(before).get("resourceName").text() == resource.text()) {
            errors.duplicate(policy, &resource.text().into());
        }
        errors.need_one_of(&list.with(resource.value()), &["cpu", "memory"]);
        errors.need_one_of(&list.with(restart.value()), &["NotRequired", "RestartContainer"]);
        if pod.restart_policy == "Never" && restart.text() != "NotRequired" {
            errors.invalid_as(
                list,
                &quoted(restart.text()),
                "must be 'NotRequired' when pod `restartPolicy` is 'Never'",
            );
        }
    }
}

const NEEDS_POLICY: &str = "must specify restartPolicy when restart rules are used";

/// A container's own restart policy (KEP-5307, KEP-5532).
fn restart_rules(container: &Field, errors: &mut Errors) {
    let (policy, rules) = (container.get("restartPolicy"), container.get("restartPolicyRules"));
    if !policy.is_set() {
        if rules.count() > 0 {
            errors.required(policy, NEEDS_POLICY);
        }
    } else {
        errors.one_of(&policy, &["Always", "Never", "OnFailure"]);
    }
    errors.at_most_items(&rules, 20);
    for rule in rules.items() {
        errors.one_of(&rule.get("action"), &["Restart", "RestartAllContainers"]);
        let codes = rule.get("exitCodes");
        if codes.is_set() {
            errors.one_of(&codes.get("operator"), &["In", "NotIn"]);
            errors.at_most_items(&codes.get("values"), 255);
        } else {
            errors.required(codes, "must be specified");
        }
    }
}

/// The lists of containers, with each container's place, in the order of visits: init, main, ephemeral.
pub(super) fn each<'v>(spec: &Field<'v, '_>, visit: &mut dyn FnMut(&Field<'v, '_>)) {
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        spec.get(list).items().for_each(|container| visit(&container));
    }
}

/// Complains where a variable is read from a volume that cannot have it.
pub(super) fn file_key_volumes(spec: &Field, errors: &mut Errors) {
    let volumes = spec.get("volumes");
    each(spec, &mut |container| {
        for variable in container.get("env").items() {
            let reference = variable.get("valueFrom.fileKeyRef");
            if !reference.is_set() {
                continue;
            }
            let from = variable.get("valueFrom");
            let (key, name) = (from.get("fileKeyRef"), reference.get("volumeName"));
            let place = key.get("volumeName");
            let volume = volumes.value().as_array().and_then(|v| v.iter().rfind(|v| v.text(&["name"]) == name.text()));
            match volume {
                None => errors.not_found(place, &name.text().into()),
                Some(volume) if volume.get("emptyDir").is_none() => {
                    errors.reject(&place, "referenced volume must be of type emptyDir");
                }
                Some(_) => {}
            }
        }
    });
}
