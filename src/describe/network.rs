//! Services, Endpoints, EndpointSlices, ServiceCIDRs and IPAddresses.

use super::context::{Context, Lookup};
use super::read::{Scalar, int, joined, pairs, some, text, texts};
use super::writer::Writer;
use super::{conditions, labels};
use crate::api::{ObjectExt, Value};

/// What a Service's description needs: its endpoint slices.
pub fn needs(service: &Value) -> Vec<Lookup> {
    vec![slices_of(service.namespace(), service.name())]
}

/// The lookup for a service's endpoint slices.
pub fn slices_of(namespace: &str, service: &str) -> Lookup {
    let labels = format!("kubernetes.io/service-name={service}");
    Lookup::list("discovery.k8s.io", "v1", "endpointslices", namespace, &labels, "")
}

fn or_none(list: &[&str]) -> String {
    if list.is_empty() { "<none>".into() } else { list.join(",") }
}

/// Describes a Service.
pub fn service(w: &mut Writer, object: &Value, context: &Context) {
    let slices = context.found(&slices_of(object.namespace(), object.name())).unwrap_or_default();
    let spec = object.at(&["spec"]).unwrap_or(&Value::Null);
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    labels::labels_and_annotations(w, object);
    w.field(0, "Selector", joined(&pairs(spec, &["selector"])));
    w.field(0, "Type", spec.text(&["type"]));
    if let Some(policy) = some(spec, &["ipFamilyPolicy"]) {
        w.field(0, "IP Family Policy", Scalar(policy));
    }
    w.field(0, "IP Families", or_none(&texts(spec, &["ipFamilies"])));
    w.field(0, "IP", spec.text(&["clusterIP"]));
    w.field(0, "IPs", or_none(&texts(spec, &["clusterIPs"])));
    let external = texts(spec, &["externalIPs"]);
    if !external.is_empty() {
        w.field(0, "External IPs", external.join(","));
    }
    for (heading, key) in [("Desired LoadBalancer IP", "loadBalancerIP"), ("External Name", "externalName")] {
        text(spec, &[key]).into_iter().for_each(|text| w.field(0, heading, text));
    }
    let ingress = object.items_at(&["status", "loadBalancer", "ingress"]);
    if !ingress.is_empty() {
        w.field(0, "LoadBalancer Ingress", ingress.iter().map(ingress_point).collect::<Vec<_>>().join(", "));
    }
    for port in spec.items_at(&["ports"]) {
        let name = text(port, &["name"]).unwrap_or("<unset>");
        let protocol = port.text(&["protocol"]);
        w.field(0, "Port", format_args!("{name}\t{}/{protocol}", int(port, &["port"])));
        let target = some(port, &["targetPort"]).map_or_else(|| "0".into(), |target| Scalar(target).to_string());
        w.field(0, "TargetPort", format_args!("{target}/{protocol}"));
        if let Some(application) = some(port, &["appProtocol"]) {
            w.field(0, "AppProtocol", Scalar(application));
        }
        if int(port, &["nodePort"]) != 0 {
            w.field(0, "NodePort", format_args!("{name}\t{}/{protocol}", int(port, &["nodePort"])));
        }
        w.field(0, "Endpoints", endpoints(slices, port.text(&["name"])));
    }
    w.field(0, "Session Affinity", spec.text(&["sessionAffinity"]));
    for (heading, key) in
        [("External Traffic Policy", "externalTrafficPolicy"), ("Internal Traffic Policy", "internalTrafficPolicy")]
    {
        text(spec, &[key]).into_iter().for_each(|text| w.field(0, heading, text));
    }
    if int(spec, &["healthCheckNodePort"]) != 0 {
        w.field(0, "HealthCheck NodePort", int(spec, &["healthCheckNodePort"]));
    }
    let ranges = texts(spec, &["loadBalancerSourceRanges"]);
    if !ranges.is_empty() {
        w.field(0, "LoadBalancer Source Ranges", ranges.join(","));
    }
    if let Some(distribution) = some(spec, &["trafficDistribution"]) {
        w.field(0, "Traffic Distribution", Scalar(distribution));
    }
}

fn ingress_point(point: &Value) -> String {
    match text(point, &["ip"]) {
        Some(ip) => {
            let mode = text(point, &["ipMode"]).map(|mode| format!(" ({mode})")).unwrap_or_default();
            format!("{ip}{mode}")
        }
        None => point.text(&["hostname"]).into(),
    }
}

/// The ready addresses behind a port of a service: the first three, and how many there are besides.
pub fn endpoints(slices: &[Value], port: &str) -> String {
    const SHOWN: usize = 3;
    if slices.is_empty() {
        return "<none>".into();
    }
    let mut shown = Vec::new();
    let mut count = 0;
    let mut more = false;
    for slice in slices {
        let ports = slice.items_at(&["ports"]);
        let ports: Vec<Option<&Value>> = match ports {
            // A headless service may have none.
            [] => vec![None],
            ports => ports.iter().filter(|p| p.text(&["name"]) == port).map(Some).collect(),
        };
        for port in ports {
            for endpoint in slice.items_at(&["endpoints"]) {
                // One that is not ready counts here, too.
                more |= shown.len() == SHOWN;
                if some(endpoint, &["conditions", "ready"]).and_then(Value::as_bool) == Some(false) {
                    continue;
                }
                if !more {
                    let address = texts(endpoint, &["addresses"]).first().copied().unwrap_or("");
                    shown.push(match port {
                        Some(port) if address.contains(':') => format!("[{address}]:{}", int(port, &["port"])),
                        Some(port) => format!("{address}:{}", int(port, &["port"])),
                        None => address.into(),
                    });
                }
                count += 1;
            }
        }
    }
    let list = shown.join(",");
    if more { format!("{list} + {} more...", count - SHOWN as i64) } else { list }
}

/// Describes an Endpoints object.
pub fn endpoints_object(w: &mut Writer, object: &Value) {
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    labels::labels_and_annotations(w, object);
    w.line(0, "Subsets:");
    for subset in object.items_at(&["subsets"]) {
        for (heading, key) in [("Addresses", "addresses"), ("NotReadyAddresses", "notReadyAddresses")] {
            let addresses: Vec<&str> = subset.items_at(&[key]).iter().map(|address| address.text(&["ip"])).collect();
            w.field(1, heading, or_none(&addresses));
        }
        let ports = subset.items_at(&["ports"]);
        if !ports.is_empty() {
            w.line(1, "Ports:");
            w.line(2, "Name\tPort\tProtocol");
            w.line(2, "----\t----\t--------");
            for port in ports {
                let name = text(port, &["name"]).unwrap_or("<unset>");
                w.line(2, format_args!("{name}\t{}\t{}", int(port, &["port"]), port.text(&["protocol"])));
            }
        }
        w.line(0, "");
    }
}

/// Describes an EndpointSlice.
pub fn endpoint_slice(w: &mut Writer, object: &Value) {
    let unset = |value: &Value, path: &[&str]| {
        some(value, path).map_or_else(|| "<unset>".into(), |value| Scalar(value).to_string())
    };
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    labels::labels_and_annotations(w, object);
    w.field(0, "AddressType", object.text(&["addressType"]));
    let ports = object.items_at(&["ports"]);
    if ports.is_empty() {
        w.line(0, "Ports: <unset>");
    } else {
        w.line(0, "Ports:");
        w.line(1, "Name\tPort\tProtocol");
        w.line(1, "----\t----\t--------");
    }
    for port in ports {
        let name = text(port, &["name"]).unwrap_or("<unset>");
        w.line(1, format_args!("{name}\t{}\t{}", unset(port, &["port"]), port.text(&["protocol"])));
    }
    let endpoints = object.items_at(&["endpoints"]);
    w.line(0, if endpoints.is_empty() { "Endpoints: <none>" } else { "Endpoints:" });
    for endpoint in endpoints {
        let addresses = texts(endpoint, &["addresses"]).join(", ");
        w.field(1, "- Addresses", if addresses.is_empty() { "<none>" } else { &addresses });
        w.line(2, "Conditions:");
        w.field(3, "Ready", unset(endpoint, &["conditions", "ready"]));
        w.field(2, "Hostname", unset(endpoint, &["hostname"]));
        if let Some(target) = some(endpoint, &["targetRef"]) {
            w.field(2, "TargetRef", format_args!("{}/{}", target.text(&["kind"]), target.text(&["name"])));
        }
        w.field(2, "NodeName", unset(endpoint, &["nodeName"]));
        w.field(2, "Zone", unset(endpoint, &["zone"]));
    }
}

/// Describes a ServiceCIDR.
pub fn service_cidr(w: &mut Writer, object: &Value, context: &Context) {
    w.field(0, "Name", object.name());
    labels::labels_and_annotations(w, object);
    w.field(0, "CIDRs", texts(object, &["spec", "cidrs"]).join(", "));
    if !object.items_at(&["status", "conditions"]).is_empty() {
        w.line(0, "Status:");
    }
    conditions::write(w, object, conditions::CHANGES, context);
}

/// Describes an IPAddress.
pub fn ip_address(w: &mut Writer, object: &Value) {
    w.field(0, "Name", object.name());
    labels::labels_and_annotations(w, object);
    if let Some(parent) = some(object, &["spec", "parentRef"]) {
        w.line(0, "Parent Reference:");
        for (heading, key) in
            [("Group", "group"), ("Resource", "resource"), ("Namespace", "namespace"), ("Name", "name")]
        {
            w.field(1, heading, parent.text(&[key]));
        }
    }
}
