//! `create service`: a group, and what the commands below it share.

pub mod clusterip;
pub mod externalname;
pub mod loadbalancer;
pub mod nodeport;

use crate::api::{Object, ObjectExt, Value, names};
use crate::commands::create::generated;
use crate::commands::flags::{Flags, list, words};
use crate::commands::{Context, Entry, Exit, Failure, leaf};
use clap::{Arg, ArgMatches, Command};
use serde_json::json;

/// The commands below it.
pub static BELOW: &[Entry] = &[
    leaf(clusterip::command, clusterip::run),
    leaf(externalname::command, externalname::run),
    leaf(loadbalancer::command, loadbalancer::run),
    leaf(nodeport::command, nodeport::run),
];

/// How the group is called.
pub fn command() -> Command {
    Command::new("service")
        .alias("svc")
        .about("Create a service using a specified subcommand")
        .long_about("Create a service of one of the kinds below, for the pods with the label app=NAME.")
        .arg(words())
}

/// The flags of every service.
fn flags() -> Vec<Arg> {
    let mut flags = generated::flags();
    flags.extend([list("tcp", None, "PORT or PORT:TARGETPORT; several make several ports."), words()]);
    flags
}

/// A service to make. The flags that a kind does not have are empty.
#[derive(Debug, Default, PartialEq)]
struct Plan {
    name: String,
    kind: &'static str,
    tcp: Vec<String>,
    cluster_ip: String,
    node_port: i64,
    external_name: String,
}

fn plan(matches: &ArgMatches, kind: &'static str, command: &str) -> Result<Plan, Failure> {
    let plan = Plan {
        name: generated::any_name(matches, command)?,
        kind,
        tcp: matches.list("tcp"),
        cluster_ip: matches.text("clusterip").into(),
        node_port: matches.integer("node-port"),
        external_name: matches.text("external-name").into(),
    };
    if plan.cluster_ip != "None" && plan.tcp.is_empty() && kind != externalname::KIND {
        return Err(Failure::message("at least one tcp port specifier must be provided"));
    }
    if kind == externalname::KIND && !names::dns1123_subdomain(&plan.external_name).is_empty() {
        return Err(Failure::message(format!("invalid service external name {}", plan.external_name)));
    }
    Ok(plan)
}

fn object(plan: &Plan) -> Result<Object, Failure> {
    let mut service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": plan.name, "labels": {"app": plan.name}},
        "spec": {"type": plan.kind, "selector": {"app": plan.name}},
    });
    let ports = plan.tcp.iter().map(|text| port(text, plan.node_port)).collect::<Result<Vec<_>, _>>()?;
    service.put(&["spec", "ports"], ports);
    for (field, value) in [("externalName", &plan.external_name), ("clusterIP", &plan.cluster_ip)] {
        if !value.is_empty() {
            service.put(&["spec", field], value.as_str());
        }
    }
    Ok(service)
}

/// One port, from `PORT` or `PORT:TARGETPORT`. The node port is left out where it is 0.
fn port(text: &str, node_port: i64) -> Result<Value, Failure> {
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default();
    let port = number(first)?;
    let target = match parts.next() {
        None => Value::from(port),
        Some(target) => target_port(target)?,
    };
    Ok(
        json!({"name": text.replace(':', "-"), "port": port, "targetPort": target, "protocol": "TCP", "nodePort": node_port}),
    )
}

fn number(text: &str) -> Result<u16, Failure> {
    let failed = |what: &str| Failure::message(format!("strconv.ParseUint: parsing {text:?}: {what}"));
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(failed("invalid syntax"));
    }
    text.parse().map_err(|_| failed("value out of range"))
}

/// A port's number, or its name.
fn target_port(text: &str) -> Result<Value, Failure> {
    let (value, complaints) = match text.parse::<i64>() {
        Ok(number) => (Value::from(number), names::port_number(number)),
        Err(_) => (Value::from(text), names::port_name(text)),
    };
    if complaints.is_empty() { Ok(value) } else { Err(Failure::message(complaints.join(","))) }
}

/// Creates it. Its configuration is not kept, whatever --save-config says: so kubectl has it.
fn create(plan: &Plan, complaint: &'static str, matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    generated::create_without_config(object(plan)?, complaint, matches, cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read() {
        for (text, want) in [
            ("80", json!({"name": "80", "port": 80, "targetPort": 80, "protocol": "TCP", "nodePort": 0})),
            ("80:8080", json!({"name": "80-8080", "port": 80, "targetPort": 8080, "protocol": "TCP", "nodePort": 0})),
            ("80:web", json!({"name": "80-web", "port": 80, "targetPort": "web", "protocol": "TCP", "nodePort": 0})),
        ] {
            assert_eq!(port(text, 0).unwrap(), want);
        }
        for (text, words) in [
            ("abc", "strconv.ParseUint: parsing \\\"abc\\\": invalid syntax"),
            ("", "invalid syntax"),
            ("70000", "value out of range"),
            ("80:0", "must be between 1 and 65535, inclusive"),
            ("80:a_b", "must contain only alpha-numeric characters"),
        ] {
            let failure = format!("{:?}", port(text, 0).unwrap_err());
            assert!(failure.contains(words), "{text}: {failure}");
        }
    }

    #[test]
    fn kinds_need_what_they_need() {
        let planned =
            |command: Command, kind, line: &str| plan(&command.get_matches_from(line.split(' ')), kind, "").is_ok();
        assert!(!planned(clusterip::command(), "ClusterIP", "clusterip s"));
        assert!(planned(clusterip::command(), "ClusterIP", "clusterip s --clusterip=None"));
        assert!(planned(externalname::command(), "ExternalName", "externalname s --external-name=a.b"));
        assert!(!planned(externalname::command(), "ExternalName", "externalname s --external-name=A_"));
    }
}
