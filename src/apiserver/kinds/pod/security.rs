//! What is wrong with the security contexts of pods and containers.

use super::super::field::{Errors, Field, quoted};
use super::container::each;
use super::sources::relative_path;
use crate::api::names;

/// Complains about the security context of a container.
pub(super) fn container_context(context: &Field, host_users: bool, errors: &mut Errors) {
    if !context.is_set() {
        return;
    }
    for name in ["runAsUser", "runAsGroup"] {
        number(&context.get(name), errors);
    }
    let mount = context.get("procMount");
    if mount.is_set() {
        errors.one_of(&mount, &["Default", "Unmasked"]);
        if host_users && mount.text() == "Unmasked" {
            errors.reject(&mount, "`hostUsers` must be false to use `Unmasked`");
        }
    }
    seccomp(&context.get("seccompProfile"), errors);
    let escalation = context.get("allowPrivilegeEscalation");
    if escalation.is_set() && !escalation.is_true() {
        let mut both = |complaint: &str| errors.invalid_as(context, &internal(context), complaint);
        if context.get("privileged").is_true() {
            both("cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
        }
        for _ in context.get("capabilities.add").items().filter(|capability| capability.text() == "CAP_SYS_ADMIN") {
            both("cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
        }
    }
    windows_options(&context.get("windowsOptions"), errors);
    app_armor(&context.get("appArmorProfile"), errors);
}

/// A container's security context as kube-apiserver's internal type prints.
fn internal(context: &Field) -> String {
    super::super::internal::print("SecurityContext", context.value())
}

fn number(id: &Field, errors: &mut Errors) {
    for complaint in id.integer().map(names::user_id).unwrap_or_default() {
        errors.reject(id, &complaint);
    }
}

/// Complains about the security context of a pod.
pub(super) fn pod_context(context: &Field, spec: &Field, errors: &mut Errors) {
    for name in ["fsGroup", "runAsUser", "runAsGroup"] {
        number(&context.get(name), errors);
    }
    for group in context.get("supplementalGroups").items() {
        number(&group, errors);
    }
    let share = spec.get("shareProcessNamespace");
    if share.is_true() && spec.get("hostPID").is_true() {
        let place = context.get("shareProcessNamespace");
        errors.reject(&place.with(share.value()), "ShareProcessNamespace and HostPID cannot both be enabled");
    }
    sysctls(&context.get("sysctls"), spec, errors);
    if context.get("fsGroupChangePolicy").is_set() {
        errors.one_of(&context.get("fsGroupChangePolicy"), &["Always", "OnRootMismatch"]);
    }
    seccomp(&context.get("seccompProfile"), errors);
    windows_options(&context.get("windowsOptions"), errors);
    app_armor(&context.get("appArmorProfile"), errors);
    if context.get("supplementalGroupsPolicy").is_set() {
        errors.one_of(&context.get("supplementalGroupsPolicy"), &["Merge", "Strict"]);
    }
    if context.get("seLinuxChangePolicy").is_set() {
        errors.one_of(&context.get("seLinuxChangePolicy"), &["Recursive"]);
    }
}

fn sysctls(list: &Field, spec: &Field, errors: &mut Errors) {
    for (index, sysctl) in list.items().enumerate() {
        let name = sysctl.get("name");
        if errors.need(&name) {
            if !is_sysctl(name.text()) {
                let regex = r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
                errors.reject(&name, &format!("must have at most 253 characters and match regex {regex}"));
            } else if (0..index).any(|before| list.item(before).get("name").text() == name.text()) {
                errors.duplicate(name, name.value());
            }
        }
        let dotted = name.text().replace('/', ".");
        let of = |starts: &[&str]| starts.iter().any(|start| dotted.starts_with(start));
        if spec.get("hostNetwork").is_true() && of(&["net."]) {
            errors.reject(&name, "may not be specified when 'hostNetwork' is true");
        }
        if spec.get("hostIPC").is_true() && of(&["kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue."]) {
            errors.reject(&name, "may not be specified when 'hostIPC' is true");
        }
    }
}

fn is_sysctl(name: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    name.len() <= 253
        && name.split(['.', '/']).all(|part| {
            let bytes = part.as_bytes();
            let ends = [bytes.first(), bytes.last()].iter().all(|b| b.is_some_and(|b| word(*b)));
            ends && bytes.iter().all(|b| word(*b) || matches!(b, b'-' | b'_'))
        })
}

fn seccomp(profile: &Field, errors: &mut Errors) {
    if !profile.is_set() {
        return;
    }
    let (kind, local) = (profile.get("type"), profile.get("localhostProfile"));
    if kind.is_empty() {
        errors.required(kind, "type is required when seccompProfile is set");
    } else {
        errors.one_of(&kind, &["Localhost", "RuntimeDefault", "Unconfined"]);
    }
    match (kind.text() == "Localhost", local.is_set()) {
        (true, true) => relative_path(&local, errors),
        (true, false) => errors.required(local, "must be set when seccomp type is Localhost"),
        (false, true) => {
            let whole = super::super::internal::print("SeccompProfile", profile.value());
            errors.invalid_as(local, &whole, "can only be set when seccomp type is Localhost");
        }
        (false, false) => {}
    }
}

fn app_armor(profile: &Field, errors: &mut Errors) {
    if !profile.is_set() {
        return;
    }
    let (kind, local) = (profile.get("type"), profile.get("localhostProfile"));
    let text = local.text();
    match kind.text() {
        "Localhost" => {
            if text.trim() != text {
                errors.reject(&local, "must not be padded with whitespace");
            } else if text.is_empty() {
                errors.required(local, "must be set when AppArmor type is Localhost");
            }
            if text.len() > 4095 {
                errors.too_long(local, 4095);
            }
        }
        "RuntimeDefault" | "Unconfined" => {
            if local.is_set() {
                errors.reject(&local, "can only be set when AppArmor type is Localhost");
            }
        }
        "" => errors.required(kind, "type is required when appArmorProfile is set"),
        _ => errors.one_of(&kind, &["Localhost", "RuntimeDefault", "Unconfined"]),
    }
}

fn windows_options(options: &Field, errors: &mut Errors) {
    let (name, spec, user) =
        (options.get("gmsaCredentialSpecName"), options.get("gmsaCredentialSpec"), options.get("runAsUserName"));
    if name.is_set() {
        errors.name(&name, names::dns1123_subdomain);
    }
    if spec.is_set() && spec.is_empty() {
        errors.reject(&spec, "gmsaCredentialSpec cannot be an empty string");
    } else if spec.text().len() > 64 * 1024 {
        errors.reject(&spec, "gmsaCredentialSpec size must be under 64 KiB");
    }
    if user.is_set() {
        windows_user(&user, errors);
    }
}

/// `USER` or `DOMAIN\USER`, with what Windows takes for one.
fn windows_user(field: &Field, errors: &mut Errors) {
    let text = field.text();
    let whole = match text {
        "" => "runAsUserName cannot be an empty string",
        _ if text.contains(|c: char| c.is_ascii_control()) => "runAsUserName cannot contain control characters",
        _ if text.matches('\\').count() > 1 => "runAsUserName cannot contain more than one backslash",
        _ => "",
    };
    if !whole.is_empty() {
        return errors.reject(field, whole);
    }
    let (domain, user) = text.split_once('\\').map_or((None, text), |(domain, user)| (Some(domain), user));
    for (broken, complaint) in [
        (
            domain.is_some_and(|domain| domain.len() >= 256),
            "runAsUserName's Domain length must be under 256 characters",
        ),
        (
            domain.is_some_and(|domain| !is_windows_domain(domain)),
            "runAsUserName's Domain doesn't match the NetBios nor the DNS format",
        ),
        (user.is_empty(), "runAsUserName's User cannot be empty"),
        (user.len() > 104, "runAsUserName's User length must not be longer than 104 characters"),
        (
            !user.is_empty() && user.chars().all(|c| c == '.' || c == ' '),
            "runAsUserName's User cannot contain only periods or spaces",
        ),
        (
            user.contains(['"', '/', '\\', ':', ';', '|', '=', ',', '+', '*', '?', '<', '>', '@', '[', ']']),
            r#"runAsUserName's User cannot contain the following characters: "/\:;|=,+*?<>@[]"#,
        ),
    ] {
        if broken {
            errors.reject(field, complaint);
        }
    }
}

fn is_windows_domain(domain: &str) -> bool {
    let netbios = (1..=15).contains(&domain.chars().count())
        && !domain.starts_with('.')
        && !domain.contains(['\\', '/', ':', '*', '?', '"', '<', '>', '|']);
    let dns = domain.split('.').all(|label| names::dns1123_label(&label.to_lowercase()).is_empty());
    netbios || dns
}

/// Complains about what Linux does not know.
pub(super) fn linux(spec: &Field, errors: &mut Errors) {
    let complaint = "windows options cannot be set for a linux pod";
    if spec.get("securityContext.windowsOptions").is_set() {
        errors.forbidden(spec.get("securityContext.windowsOptions"), complaint);
    }
    each(spec, &mut |container| {
        if container.get("securityContext.windowsOptions").is_set() {
            errors.forbidden(container.get("securityContext.windowsOptions"), complaint);
        }
    });
}

/// Complains about what Windows does not know.
pub(super) fn windows(spec: &Field, errors: &mut Errors) {
    let complaint = "cannot be set for a windows pod";
    for name in [
        "securityContext.appArmorProfile",
        "securityContext.seLinuxOptions",
        "hostUsers",
        "hostPID",
        "hostIPC",
        "securityContext.seccompProfile",
        "securityContext.fsGroup",
        "securityContext.fsGroupChangePolicy",
        "securityContext.sysctls",
        "shareProcessNamespace",
        "securityContext.runAsUser",
        "securityContext.runAsGroup",
        "securityContext.supplementalGroups",
        "securityContext.supplementalGroupsPolicy",
        "securityContext.seLinuxChangePolicy",
    ] {
        let flag = name == "hostPID" || name == "hostIPC";
        if if flag { spec.get(name).is_true() } else { spec.get(name).is_set() } {
            errors.forbidden(spec.get(name), complaint);
        }
    }
    each(spec, &mut |container| {
        for name in [
            "securityContext.appArmorProfile",
            "securityContext.seLinuxOptions",
            "securityContext.seccompProfile",
            "securityContext.capabilities",
            "securityContext.readOnlyRootFilesystem",
            "securityContext.privileged",
            "securityContext.allowPrivilegeEscalation",
            "securityContext.procMount",
            "securityContext.runAsUser",
            "securityContext.runAsGroup",
        ] {
            if container.get(name).is_set() {
                errors.forbidden(container.get(name), complaint);
            }
        }
    });
}

/// Complains about containers that are processes of a Windows host, which all must be or none.
pub(super) fn host_processes(spec: &Field, errors: &mut Errors) {
    let option = "securityContext.windowsOptions.hostProcess";
    let pod = spec.get(option);
    let (mut all, mut host) = (0, 0);
    each(spec, &mut |container| {
        let own = container.get(option);
        if pod.is_set() && own.is_set() && pod.value() != own.value() {
            let was = pod.is_true();
            let detail = format!("pod hostProcess value must be identical if both are specified, was {was}");
            errors.reject(&own, &detail);
        }
        all += 1;
        host += usize::from(if own.is_set() { own.is_true() } else { pod.is_true() });
    });
    if host == 0 {
        return;
    }
    if host != all {
        let complaint = "If pod contains any hostProcess containers then all containers must be HostProcess containers";
        errors.invalid_as(spec, &quoted(""), complaint);
    }
    if !spec.get("hostNetwork").is_true() {
        let complaint = "hostNetwork must be true if pod contains any hostProcess containers";
        errors.invalid(spec.get("hostNetwork"), &false.into(), complaint);
    }
}
