//! `cluster-info`: where the control plane and the cluster's own services are.

mod dump;

use super::flags::words;
use super::{Context, Entry, Exit, Failure, leaf};
use crate::api::{GroupVersionResource, Object, ObjectExt};
use crate::client::{Mapping, Request};
use clap::{ArgMatches, Command};

/// The commands below it.
pub static BELOW: &[Entry] = &[leaf(dump::command, dump::run)];

/// How the command is called.
pub fn command() -> Command {
    Command::new("cluster-info")
        .about("Display cluster information")
        .long_about(
            "Print the addresses of the control plane and of the services labelled kubernetes.io/cluster-service=true.",
        )
        .after_help("# Where the cluster is\nkubectl cluster-info")
        .before_help("[flags]")
        .defer(|c| c.arg(words()))
}

/// Prints the addresses. The last line is printed even when the server cannot be asked, as kubectl does.
pub fn run(_: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let namespace = cx.settings.namespace.clone().unwrap_or_else(|| "kube-system".into());
    let client = cx.client()?;
    let services =
        Mapping { gvr: GroupVersionResource::new("", "v1", "services"), namespaced: true, ..Mapping::default() };
    let request = Request::list(&services, &namespace).query("labelSelector", "kubernetes.io/cluster-service=true");
    let runtime = cx.runtime()?;
    let answer = runtime.block_on(async { client.json(&request).await });
    if let Ok(list) = &answer {
        let host = client.server().to_string();
        cx.print(&line("Kubernetes control plane", &host))?;
        for service in list.items_at(&["items"]) {
            let name = service.label("kubernetes.io/name").unwrap_or(service.name()).to_string();
            cx.print(&line(&name, &link(service, &host)))?;
        }
    }
    let program = cx.program.name();
    cx.print(&format!("\nTo further debug and diagnose cluster problems, use '{program} cluster-info dump'.\n"))?;
    answer?;
    Ok(0)
}

fn line(name: &str, link: &str) -> String {
    format!("{name} is running at {link}\n")
}

/// Where a service is: at its load balancer, or behind the server's proxy.
fn link(service: &Object, host: &str) -> String {
    let ports = service.items_at(&["spec", "ports"]);
    if let Some(ingress) = service.items_at(&["status", "loadBalancer", "ingress"]).first() {
        let address = match ingress.text(&["ip"]) {
            "" => ingress.text(&["hostname"]),
            ip => ip,
        };
        return ports.iter().map(|p| format!("http://{address}:{} ", p.integer(&["port"]).unwrap_or(0))).collect();
    }
    let mut name = service.name().to_string();
    if let Some(port) = ports.first() {
        let port_name = port.text(&["name"]);
        let https = port_name == "https" || port.integer(&["port"]) == Some(443);
        name = match (https, port_name) {
            (true, port_name) => format!("https:{name}:{port_name}"),
            (false, "") => name,
            (false, port_name) => format!("{name}:{port_name}"),
        };
    }
    format!("{host}/api/v1/namespaces/{}/services/{name}/proxy", service.namespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn services_have_links() {
        let service = |spec| json!({"metadata": {"name": "dns", "namespace": "kube-system"}, "spec": spec});
        for (spec, link_) in [
            (json!({}), "h/api/v1/namespaces/kube-system/services/dns/proxy"),
            (json!({"ports": [{"port": 53, "name": "dns"}]}), "h/api/v1/namespaces/kube-system/services/dns:dns/proxy"),
            (json!({"ports": [{"port": 443}]}), "h/api/v1/namespaces/kube-system/services/https:dns:/proxy"),
        ] {
            assert_eq!(link(&service(spec), "h"), link_);
        }
    }
}
