//! Ingresses and IngressClasses.

use super::context::{Context, Lookup};
use super::labels;
use super::network::{endpoints, slices_of};
use super::read::{Scalar, int, some, text, texts};
use super::writer::Writer;
use crate::api::{ObjectExt, Value};

/// What an Ingress's description needs: the services behind it, and their endpoint slices.
pub fn needs(ingress: &Value) -> Vec<Lookup> {
    let mut lookups = Vec::new();
    for name in backends(ingress).filter_map(|backend| text(backend, &["service", "name"])) {
        for lookup in [slices_of(ingress.namespace(), name), service(ingress.namespace(), name)] {
            if !lookups.contains(&lookup) {
                lookups.push(lookup);
            }
        }
    }
    lookups
}

fn service(namespace: &str, name: &str) -> Lookup {
    Lookup::one("", "v1", "services", namespace, name)
}

fn backends(ingress: &Value) -> impl Iterator<Item = &Value> {
    let rules = ingress.items_at(&["spec", "rules"]).iter();
    let paths = rules.flat_map(|rule| rule.items_at(&["http", "paths"])).filter_map(|path| path.at(&["backend"]));
    some(ingress, &["spec", "defaultBackend"]).into_iter().chain(paths)
}

/// Describes an Ingress.
pub fn ingress(w: &mut Writer, object: &Value, context: &Context) {
    w.field(0, "Name", object.name());
    labels::labels(w, "Labels", object, &["metadata", "labels"]);
    w.field(0, "Namespace", object.namespace());
    let points = object.items_at(&["status", "loadBalancer", "ingress"]).iter();
    let mut addresses: Vec<&str> =
        points.filter_map(|point| text(point, &["ip"]).or_else(|| text(point, &["hostname"]))).collect();
    addresses.sort_unstable();
    addresses.dedup();
    w.field(0, "Address", addresses.join(","));
    let class = some(object, &["spec", "ingressClassName"]).map(|class| Scalar(class).to_string());
    w.field(0, "Ingress Class", class.unwrap_or_else(|| "<none>".into()));
    let default = some(object, &["spec", "defaultBackend"]);
    let default = default.map_or_else(|| "<default>".into(), |default| backend(object, default, context));
    w.field(0, "Default backend", &default);
    let tls = object.items_at(&["spec", "tls"]);
    if !tls.is_empty() {
        w.line(0, "TLS:");
    }
    for tls in tls {
        let hosts = texts(tls, &["hosts"]).join(",");
        match text(tls, &["secretName"]) {
            Some(secret) => w.line(1, format_args!("{secret} terminates {hosts}")),
            None => w.line(1, format_args!("SNI routes {hosts}")),
        }
    }
    w.line(0, "Rules:\n  Host\tPath\tBackends");
    w.line(1, "----\t----\t--------");
    let rules = object.items_at(&["spec", "rules"]).iter().filter(|rule| some(rule, &["http"]).is_some());
    let mut none = true;
    for rule in rules {
        none = false;
        w.line(1, format_args!("{}\t", text(rule, &["host"]).unwrap_or("*")));
        for path in rule.items_at(&["http", "paths"]) {
            let described = path.at(&["backend"]).map(|one| backend(object, one, context)).unwrap_or_default();
            w.line(2, format_args!("\t{} \t{described}", path.text(&["path"])));
        }
    }
    if none {
        w.line(1, format_args!("*\t*\t{default}"));
    }
    labels::annotations(w, "Annotations", object, &["metadata", "annotations"]);
}

fn backend(ingress: &Value, backend: &Value, context: &Context) -> String {
    if let Some(wanted) = some(backend, &["service"]) {
        let name = wanted.text(&["name"]);
        let (number, port_name) = (int(wanted, &["port", "number"]), wanted.text(&["port", "name"]));
        let port = if number == 0 { port_name.to_owned() } else { number.to_string() };
        let endpoints = addresses(ingress.namespace(), name, number, port_name, context);
        return format!("{name}:{port} ({})", endpoints.unwrap_or_else(|error| format!("<error: {error}>")));
    }
    if let Some(resource) = some(backend, &["resource"]) {
        let group = some(resource, &["apiGroup"]).map_or_else(|| "<none>".into(), |group| Scalar(group).to_string());
        let (kind, name) = (resource.text(&["kind"]), resource.text(&["name"]));
        return format!("APIGroup: {group}, Kind: {kind}, Name: {name}");
    }
    String::new()
}

/// The addresses behind the port of a service that is meant by number or by name.
fn addresses(namespace: &str, name: &str, number: i64, port: &str, context: &Context) -> Result<String, String> {
    let slices = context.found(&slices_of(namespace, name)).map_err(|status| status.message.clone())?;
    let service = context.found(&service(namespace, name)).map_err(|status| status.message.clone())?;
    let ports = service.iter().flat_map(|service| service.items_at(&["spec", "ports"]));
    let mut meant = ports
        .filter(|p| (number != 0 && number == int(p, &["port"])) || (!port.is_empty() && port == p.text(&["name"])));
    Ok(endpoints(slices, meant.next_back().map_or("", |port| port.text(&["name"]))))
}

/// Describes an IngressClass.
pub fn ingress_class(w: &mut Writer, object: &Value) {
    w.field(0, "Name", object.name());
    labels::labels_and_annotations(w, object);
    w.field(0, "Controller", object.text(&["spec", "controller"]));
    if let Some(parameters) = some(object, &["spec", "parameters"]) {
        w.line(0, "Parameters:");
        if let Some(group) = some(parameters, &["apiGroup"]) {
            w.field(1, "APIGroup", Scalar(group));
        }
        w.field(1, "Kind", parameters.text(&["kind"]));
        w.field(1, "Name", parameters.text(&["name"]));
    }
}
