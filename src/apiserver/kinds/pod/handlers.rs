//! What is wrong with probes and with what runs when a container starts or stops.

use super::super::field::{Errors, Field};
use super::super::service::port_or_name;
use super::container::Pod;
use crate::api::names;

/// Complains about the three probes of a container.
pub(super) fn probes(container: &Field, pod: &Pod, errors: &mut Errors) {
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let probe = container.get(name);
        if !probe.is_set() {
            continue;
        }
        handler(&probe, pod, errors);
        for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
        {
            errors.non_negative(&probe.get(field));
        }
        let (grace, threshold) = (probe.get("terminationGracePeriodSeconds"), probe.get("successThreshold"));
        if grace.integer().is_some_and(|seconds| seconds <= 0) {
            errors.reject(&grace, "must be greater than 0");
        }
        if name == "readinessProbe" {
            if grace.is_set() {
                errors.reject(&grace, "must not be set for readinessProbes");
            }
        } else if threshold.number() != 1 {
            errors.invalid(threshold, &threshold.number().into(), "must be 1");
        }
    }
}

/// Complains about what runs after the start and before the stop.
pub(super) fn lifecycle(lifecycle: &Field, pod: &Pod, errors: &mut Errors) {
    for name in ["postStart", "preStop"] {
        if lifecycle.get(name).is_set() {
            handler(&lifecycle.get(name), pod, errors);
        }
    }
    let signal = lifecycle.get("stopSignal");
    match pod.os {
        _ if !signal.is_set() => {}
        "" => errors.forbidden(signal, "may not be set for containers with empty `spec.os.name`"),
        "windows" => errors.one_of(&signal, &["SIGKILL", "SIGTERM"]),
        _ => {
            let signals = signals();
            errors.one_of(&signal, &signals.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}

/// The signals of Linux, sorted by name.
fn signals() -> Vec<String> {
    let plain = "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS \
                 TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX";
    let mut signals: Vec<String> = plain.split_whitespace().map(|name| format!("SIG{name}")).collect();
    signals.extend((1..=15).map(|n| format!("SIGRTMIN+{n}")));
    signals.extend((1..=14).map(|n| format!("SIGRTMAX-{n}")));
    signals.sort();
    signals
}

/// Complains unless there is exactly one way of doing it, and about that.
fn handler(field: &Field, pod: &Pod, errors: &mut Errors) {
    let mut found = false;
    for name in ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] {
        let way = field.get(name);
        if !way.is_set() {
            continue;
        }
        if found {
            errors.forbidden(way, "may not specify more than 1 handler type");
            continue;
        }
        found = true;
        match name {
            "exec" => drop(errors.need(&way.get("command"))),
            "httpGet" => http_get(&way, errors),
            "sleep" => sleep(&way, pod, errors),
            _ => port_or_name(&way.get("port"), errors),
        }
    }
    if !found {
        errors.required(field, "must specify a handler type");
    }
}

fn http_get(get: &Field, errors: &mut Errors) {
    errors.need(&get.get("path"));
    port_or_name(&get.get("port"), errors);
    errors.one_of(&get.get("scheme"), &["HTTP", "HTTPS"]);
    let headers = get.get("httpHeaders");
    for header in headers.items() {
        errors.name(&headers.with(header.get("name").value()), names::http_header_name);
    }
}

fn sleep(sleep: &Field, pod: &Pod, errors: &mut Errors) {
    let seconds = sleep.get("seconds").number();
    if let Some(grace) = pod.grace.filter(|grace| !(0..=*grace).contains(&seconds)) {
        let detail = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
        errors.invalid(sleep, &seconds.into(), &detail);
    }
}
