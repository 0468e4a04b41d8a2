//! The containers of pods and of pod templates.

use super::context::Context;
use super::labels::sorted;
use super::read::{Brackets, Scalar, entries, flag, int, number, quantity, some, text, texts, title};
use super::writer::Writer;
use crate::api::quantity::Quantity;
use crate::api::{ObjectExt, Value};
use crate::expr::go_value::Quoted;
use std::borrow::Cow;

/// Where containers are described.
#[derive(Clone, Copy)]
pub enum Place<'a> {
    /// In a pod: with their state.
    Pod {
        /// The pod.
        pod: &'a Value,
        /// The containers' statuses.
        statuses: &'a [Value],
        /// The time and zone.
        context: &'a Context,
    },
    /// In a pod template.
    Template,
}

/// Writes containers below a heading.
pub fn write(w: &mut Writer, heading: &str, containers: &[Value], place: Place<'_>) {
    let (space, indent) = match place {
        Place::Pod { .. } => ("", ""),
        Place::Template => ("  ", " "),
    };
    w.line(0, format_args!("{space}{heading}:{}", if containers.is_empty() { " <none>" } else { "" }));
    for container in containers {
        w.line(1, format_args!("{indent}{}:", container.text(&["name"])));
        let status = match place {
            Place::Pod { statuses, context, .. } => {
                let named = |status: &&Value| status.text(&["name"]) == container.text(&["name"]);
                statuses.iter().rfind(named).map(|status| (status, context))
            }
            Place::Template => None,
        };
        basics(w, container, status.map(|(status, _)| status));
        for (heading, key) in [("Command", "command"), ("Args", "args")] {
            let words = texts(container, &[key]);
            if !words.is_empty() {
                w.line(2, format_args!("{heading}:"));
                words.iter().flat_map(|word| word.split('\n')).for_each(|line| w.line(3, line));
            }
        }
        if let Some((status, context)) = status {
            states(w, status, context);
        }
        resources(w, 2, container.at(&["resources"]));
        for (heading, key) in
            [("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")]
        {
            if let Some(described) = some(container, &[key]).map(probe) {
                w.field(2, heading, described);
            }
        }
        environment_sources(w, container.items_at(&["envFrom"]));
        environment(w, container, place);
        mounts(w, container);
    }
}

fn basics(w: &mut Writer, container: &Value, status: Option<&Value>) {
    if let Some(status) = status {
        w.field(2, "Container ID", status.text(&["containerID"]));
    }
    w.field(2, "Image", container.text(&["image"]));
    if let Some(status) = status {
        w.field(2, "Image ID", status.text(&["imageID"]));
    }
    for (one, several, key) in [("Port", "Ports", "containerPort"), ("Host Port", "Host Ports", "hostPort")] {
        let ports = container.items_at(&["ports"]).iter().map(|port| {
            let name = text(port, &["name"]).map(|name| format!(" ({name})")).unwrap_or_default();
            format!("{}/{}{name}", int(port, &[key]), port.text(&["protocol"]))
        });
        let ports: Vec<String> = ports.collect();
        match ports.len() {
            0 => w.field(2, one, "<none>"),
            1 => w.field(2, one, &ports[0]),
            _ => w.field(2, several, ports.join(", ")),
        }
    }
    if let Some(profile) = some(container, &["securityContext", "seccompProfile"]) {
        w.field(2, "SeccompProfile", profile.text(&["type"]));
        if profile.text(&["type"]) == "Localhost" {
            w.field(3, "LocalhostProfile", profile.text(&["localhostProfile"]));
        }
    }
}

fn states(w: &mut Writer, status: &Value, context: &Context) {
    state(w, "State", status.at(&["state"]).unwrap_or(&Value::Null), context);
    if let Some(last) = some(status, &["lastState"]).filter(|last| some(last, &["terminated"]).is_some()) {
        state(w, "Last State", last, context);
    }
    w.field(2, "Ready", title(flag(status, &["ready"])));
    w.field(2, "Restart Count", int(status, &["restartCount"]));
}

fn state(w: &mut Writer, name: &str, state: &Value, context: &Context) {
    if let Some(running) = some(state, &["running"]) {
        w.field(2, name, "Running");
        w.field(3, "Started", context.time(running.text(&["startedAt"])));
    } else if let Some(terminated) = some(state, &["terminated"]).filter(|_| some(state, &["waiting"]).is_none()) {
        w.field(2, name, "Terminated");
        for (heading, key) in [("Reason", "reason"), ("Message", "message")] {
            text(terminated, &[key]).into_iter().for_each(|text| w.field(3, heading, text));
        }
        w.field(3, "Exit Code", int(terminated, &["exitCode"]));
        if int(terminated, &["signal"]) > 0 {
            w.field(3, "Signal", int(terminated, &["signal"]));
        }
        w.field(3, "Started", context.time(terminated.text(&["startedAt"])));
        w.field(3, "Finished", context.time(terminated.text(&["finishedAt"])));
    } else {
        w.field(2, name, "Waiting");
        if let Some(reason) = text(state, &["waiting", "reason"]) {
            w.field(3, "Reason", reason);
        }
    }
}

/// Writes limits and requests.
pub fn resources(w: &mut Writer, level: usize, resources: Option<&Value>) {
    let Some(resources) = resources else { return };
    for (heading, key) in [("Limits", "limits"), ("Requests", "requests")] {
        let mut names = entries(resources, &[key]).peekable();
        if names.peek().is_some() {
            w.line(level, format_args!("{heading}:"));
        }
        for (name, _) in names {
            w.field(level + 1, name, quantity(resources, &[key, name]));
        }
    }
}

/// A probe in one line.
pub fn probe(probe: &Value) -> String {
    let number = |key: &str| int(probe, &[key]);
    let numbers = format!(
        "delay={}s timeout={}s period={}s successThreshold={} failureThreshold={}",
        number("initialDelaySeconds"),
        number("timeoutSeconds"),
        number("periodSeconds"),
        number("successThreshold"),
        number("failureThreshold"),
    );
    let port = |action: &Value| some(action, &["port"]).map_or_else(|| "0".into(), |port| Scalar(port).to_string());
    if let Some(exec) = some(probe, &["exec"]) {
        format!("exec {} {numbers}", Brackets(texts(exec, &["command"])))
    } else if let Some(get) = some(probe, &["httpGet"]) {
        format!("http-get {} {numbers}", url(get, &port(get)))
    } else if let Some(socket) = some(probe, &["tcpSocket"]) {
        format!("tcp-socket {}:{} {numbers}", socket.text(&["host"]), port(socket))
    } else if let Some(grpc) = some(probe, &["grpc"]) {
        format!("grpc <pod>:{} {} {numbers}", int(grpc, &["port"]), grpc.text(&["service"]))
    } else {
        format!("unknown {numbers}")
    }
}

fn url(get: &Value, port: &str) -> String {
    let host = get.text(&["host"]);
    let host: Cow<'_, str> = if host.contains([':', '%']) { format!("[{host}]").into() } else { host.into() };
    let scheme = text(get, &["scheme"]).map(|scheme| scheme.to_lowercase() + ":").unwrap_or_default();
    let path = get.text(&["path"]);
    let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
    let mut escaped = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("{scheme}//{host}:{port}{slash}{escaped}")
}

fn environment_sources(w: &mut Writer, sources: &[Value]) {
    if sources.is_empty() {
        return;
    }
    w.line(2, "Environment Variables from:");
    for source in sources {
        let kinds = [("configMapRef", "ConfigMap"), ("secretRef", "Secret")];
        let found = kinds.iter().find_map(|(key, kind)| Some((some(source, &[*key])?, *kind)));
        let (reference, kind) = found.unwrap_or((&Value::Null, ""));
        let prefix = text(source, &["prefix"]).map(|prefix| format!(" with prefix '{prefix}'")).unwrap_or_default();
        let (name, optional) = (reference.text(&["name"]), flag(reference, &["optional"]));
        w.line(3, format_args!("{name}\t{kind}{prefix}\tOptional: {optional}"));
    }
}

fn environment(w: &mut Writer, container: &Value, place: Place<'_>) {
    let variables = container.items_at(&["env"]);
    w.line(2, format_args!("Environment:{}", if variables.is_empty() { "\t<none>" } else { "" }));
    for variable in variables {
        let name = variable.text(&["name"]);
        let Some(from) = some(variable, &["valueFrom"]) else {
            let mut lines = variable.text(&["value"]).split('\n');
            w.field(3, name, lines.next().unwrap_or(""));
            lines.for_each(|line| w.line(3, format_args!("\t{line}")));
            continue;
        };
        if let Some(field) = some(from, &["fieldRef"]) {
            let (version, path) = (field.text(&["apiVersion"]), field.text(&["fieldPath"]));
            // Only these two fields are known to kubectl.
            let value = match (place, path) {
                (Place::Pod { pod, .. }, "metadata.name") => pod.name(),
                (Place::Pod { pod, .. }, "metadata.namespace") => pod.namespace(),
                _ => "",
            };
            w.field(3, name, format_args!("{value} ({version}:{path})"));
        } else if let Some(field) = some(from, &["resourceFieldRef"]) {
            let resource = field.text(&["resource"]);
            let value = match resource_value(container, field).unwrap_or_default() {
                value if value == "0" && matches!(resource, "limits.cpu" | "limits.memory") => {
                    "node allocatable".into()
                }
                value => value,
            };
            w.field(3, name, format_args!("{value} ({resource})"));
        } else {
            for (key, what) in [("secretKeyRef", "in secret"), ("configMapKeyRef", "of config map")] {
                if let Some(source) = some(from, &[key]) {
                    let (key, from) = (source.text(&["key"]), source.text(&["name"]));
                    let optional = flag(source, &["optional"]);
                    w.field(3, name, format_args!("<set to the key '{key}' {what} '{from}'>\tOptional: {optional}"));
                    break;
                }
            }
        }
    }
}

/// A container's limit or request in units of the divisor, rounded up.
fn resource_value(container: &Value, field: &Value) -> Option<String> {
    let (kind, resource) = field.text(&["resource"]).split_once('.')?;
    let known = matches!(resource, "cpu" | "memory" | "ephemeral-storage") || resource.starts_with("hugepages-");
    if !known || !matches!(kind, "limits" | "requests") {
        return None;
    }
    let quantity = some(container, &["resources", kind, resource]).and_then(number).unwrap_or(Quantity::whole(0));
    let divisor = some(field, &["divisor"]).and_then(number).filter(|divisor| !divisor.is_zero());
    let divisor = divisor.unwrap_or(Quantity::whole(1));
    let units = |quantity: &Quantity| match resource {
        "cpu" => quantity.milli_value(),
        _ => quantity.value(),
    };
    let quotient = units(&quantity) as f64 / units(&divisor) as f64;
    Some((quotient.ceil() as i64).to_string())
}

fn mounts(w: &mut Writer, container: &Value) {
    let mounts = container.items_at(&["volumeMounts"]);
    let none = if mounts.is_empty() { "\t<none>" } else { "" };
    w.line(2, format_args!("Mounts:{none}"));
    for mount in sorted(mounts, |mount| mount.text(&["mountPath"]).to_owned()) {
        let mode = if flag(mount, &["readOnly"]) { "ro" } else { "rw" };
        let path = text(mount, &["subPath"]).map(|path| format!(",path={}", Quoted(path))).unwrap_or_default();
        w.line(3, format_args!("{} from {} ({mode}{path})", mount.text(&["mountPath"]), mount.text(&["name"])));
    }
    let devices = container.items_at(&["volumeDevices"]);
    if !devices.is_empty() {
        // kubectl says here whether there are mounts.
        w.line(2, format_args!("Devices:{none}"));
        for device in sorted(devices, |device| device.text(&["devicePath"]).to_owned()) {
            w.line(3, format_args!("{} from {}", device.text(&["devicePath"]), device.text(&["name"])));
        }
    }
}
