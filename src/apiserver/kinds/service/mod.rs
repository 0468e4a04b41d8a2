//! Services: defaults, what the server keeps on a change, and the row of a table.

pub(super) mod validate;

pub(in super::super) use validate::has_sound_addresses;
pub(super) use validate::{load_balancer_status, port_or_name, reachable_ip};

use super::fill::fill;
use super::{GENERIC, Kind, cells, label};
use crate::api::{Object, ObjectExt, Value, names};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    resource: "services",
    default: defaults,
    name_complaints: label,
    prepare_for_create,
    prepare_for_update,
    validate: validate::create,
    validate_update: validate::update,
    validate_status_update: validate::status_update,
    warnings: validate::warnings,
    cells: row,
    selectable_fields: &[
        ("spec.clusterIP", |service| service.text(&["spec", "clusterIP"]).into()),
        ("spec.type", |service| service.text(&["spec", "type"]).into()),
    ],
    ..GENERIC
};

fn kind_of(service: &Object) -> &str {
    service.text(&["spec", "type"])
}

fn is_headless(service: &Object) -> bool {
    matches!(service.items_at(&["spec", "clusterIPs"]), [Value::String(ip)] if ip == "None")
}

fn has_node_ports(service: &Object) -> bool {
    matches!(kind_of(service), "NodePort" | "LoadBalancer")
}

/// Whether it is given node ports that it does not ask for.
fn gets_node_ports(service: &Object) -> bool {
    let declined = service.at(&["spec", "allocateLoadBalancerNodePorts"]) == Some(&Value::Bool(false));
    has_node_ports(service) && !(kind_of(service) == "LoadBalancer" && declined)
}

/// Whether clients outside of the cluster may reach it.
fn is_external(service: &Object) -> bool {
    has_node_ports(service) || kind_of(service) == "ClusterIP" && !service.items_at(&["spec", "externalIPs"]).is_empty()
}

fn needs_health_check(service: &Object) -> bool {
    kind_of(service) == "LoadBalancer" && service.text(&["spec", "externalTrafficPolicy"]) == "Local"
}

fn defaults(service: &mut Object) {
    fill(
        service,
        &json!({
            "spec": {"sessionAffinity": "None", "type": "ClusterIP", "ports": [{"protocol": "TCP"}]},
            "status": {"loadBalancer": {}},
        }),
    );
    let kind = kind_of(service).to_owned();
    match service.text(&["spec", "sessionAffinity"]) {
        "None" => drop(service.take_at(&["spec", "sessionAffinityConfig"])),
        "ClientIP" => {
            fill(service, &json!({"spec": {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}}}}))
        }
        _ => {}
    }
    if let Some(ports) = service.at_mut(&["spec"]).get_mut("ports").and_then(Value::as_array_mut) {
        for port in ports {
            let target = port.get("targetPort");
            if target.is_none_or(|target| target == &json!(0) || target == "") {
                let number = port.integer(&["port"]).unwrap_or(0);
                port.put(&["targetPort"], number);
            }
        }
    }
    if is_external(service) {
        fill(service, &json!({"spec": {"externalTrafficPolicy": "Cluster"}}));
    }
    if matches!(kind.as_str(), "ClusterIP" | "NodePort" | "LoadBalancer") {
        fill(service, &json!({"spec": {"internalTrafficPolicy*": "Cluster"}}));
    }
    if kind == "LoadBalancer" {
        fill(service, &json!({"spec": {"allocateLoadBalancerNodePorts": true}}));
        let ingress = service.at_mut(&["status", "loadBalancer"]).get_mut("ingress").and_then(Value::as_array_mut);
        for point in ingress.into_iter().flatten().filter(|point| !point.text(&["ip"]).is_empty()) {
            fill(point, &json!({"ipMode": "VIP"}));
        }
    }
}

/// Leaves to the store only what must be allocated: addresses and node ports that are still missing.
fn prepare_for_create(service: &mut Object) {
    service.put(&["status"], json!({"loadBalancer": {}}));
    default_ip_families(service);
    drop_inner_traffic(service);
}

/// What is only a name has no traffic of its own; what makes no sense stays, to be complained about.
fn drop_inner_traffic(service: &mut Object) {
    let policy = service.text(&["spec", "internalTrafficPolicy"]);
    if kind_of(service) == "ExternalName" && ["Cluster", "Local"].contains(&policy) {
        service.take_at(&["spec", "internalTrafficPolicy"]);
    }
}

/// `clusterIP` and `clusterIPs` say the same, and the families follow from them (KEP-563). What does not follow from
/// them is the cluster's to say, when it gives out addresses.
fn default_ip_families(service: &mut Object) {
    let ip = service.text(&["spec", "clusterIP"]).to_owned();
    if !ip.is_empty() && service.items_at(&["spec", "clusterIPs"]).is_empty() {
        service.put(&["spec", "clusterIPs"], json!([ip]));
    }
    if kind_of(service) == "ExternalName" {
        return;
    }
    let family = |ip: &Value| if ip.as_str().is_some_and(is_ipv6) { "IPv6" } else { "IPv4" };
    let ips = service.items_at(&["spec", "clusterIPs"]);
    let families: Vec<_> = if is_headless(service) { Vec::new() } else { ips.iter().map(family).collect() };
    let spec = service.at_mut(&["spec"]);
    if spec.items_at(&["ipFamilies"]).is_empty() && !families.is_empty() {
        spec.put(&["ipFamilies"], families);
    }
    default_family_policy(service);
}

fn default_family_policy(service: &mut Object) {
    let selectorless = service.map_at(&["spec", "selector"]).is_none_or(|selector| selector.is_empty());
    let policy = if is_headless(service) && selectorless { "RequireDualStack" } else { "SingleStack" };
    fill(service, &json!({"spec": {"ipFamilyPolicy*": policy}}));
}

fn prepare_for_update(service: &mut Object, old: &Object) {
    drop_what_the_type_has_not(service, old);
    keep_allocated(service, old);
    // A changed clusterIP goes first into clusterIPs, when those have not changed themselves.
    let (ip, ips) = (service.at(&["spec", "clusterIP"]), service.at(&["spec", "clusterIPs"]));
    if ip != old.at(&["spec", "clusterIP"]) && ips == old.at(&["spec", "clusterIPs"]) {
        match ip.cloned() {
            Some(ip) => service.put(&["spec", "clusterIPs"], json!([ip])),
            None => drop(service.take_at(&["spec", "clusterIPs"])),
        }
    }
    keep_families(service, old);
    if kind_of(service) != "ExternalName" {
        default_family_policy(service);
    }
    drop_inner_traffic(service);
}

/// Keeps what was settled about families where the client has left it out, and lets go of the second one where the
/// client wants only one.
fn keep_families(service: &mut Object, old: &Object) {
    if kind_of(service) == "ExternalName" || kind_of(old) == "ExternalName" {
        return;
    }
    let policy = |service: &Object| service.text(&["spec", "ipFamilyPolicy"]).to_owned();
    if policy(service) == "SingleStack" && policy(old) != "SingleStack" {
        for field in ["clusterIPs", "ipFamilies"] {
            let (new, old) = (service.items_at(&["spec", field]), old.items_at(&["spec", field]));
            if new == old && new.len() == 2 {
                let first = json!([new[0]]);
                service.put(&["spec", field], first);
            }
        }
    }
    let path = ["spec", "ipFamilyPolicy"];
    if let Some(value) = old.at(&path).filter(|_| service.at(&path).is_none()) {
        service.put(&path, value.clone());
    }
}

/// Takes away what was allocated for the old type, unless the client has changed it.
fn drop_what_the_type_has_not(service: &mut Object, old: &Object) {
    let unchanged = |service: &Object, field: &str| service.at(&["spec", field]) == old.at(&["spec", field]);
    if kind_of(old) != "ExternalName" && kind_of(service) == "ExternalName" {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if unchanged(service, field) {
                service.take_at(&["spec", field]);
            }
        }
    }
    if has_node_ports(old) && !has_node_ports(service) {
        let old_ports: Vec<_> = old.items_at(&["spec", "ports"]).iter().map(|p| p.get("nodePort").cloned()).collect();
        if let Some(ports) = service.at_mut(&["spec"]).get_mut("ports").and_then(Value::as_array_mut) {
            for port in ports.iter_mut().filter(|port| old_ports.contains(&port.get("nodePort").cloned())) {
                port.take_at(&["nodePort"]);
            }
        }
    }
    let drops: [(bool, bool, &str); 4] = [
        (needs_health_check(old), needs_health_check(service), "healthCheckNodePort"),
        (kind_of(old) == "LoadBalancer", kind_of(service) == "LoadBalancer", "allocateLoadBalancerNodePorts"),
        (kind_of(old) == "LoadBalancer", kind_of(service) == "LoadBalancer", "loadBalancerClass"),
        (is_external(old), is_external(service), "externalTrafficPolicy"),
    ];
    for (before, now, field) in drops {
        if before && !now && unchanged(service, field) {
            service.take_at(&["spec", field]);
        }
    }
    if kind_of(service) != "LoadBalancer" {
        service.put(&["status", "loadBalancer"], json!({}));
    }
}

/// Keeps what was allocated where the client has left it out.
fn keep_allocated(service: &mut Object, old: &Object) {
    if kind_of(old) != "ExternalName" && kind_of(service) != "ExternalName" {
        for field in ["clusterIP", "clusterIPs"] {
            if service.at(&["spec", field]).is_none_or(|value| value == "")
                && let Some(value) = old.at(&["spec", field])
            {
                service.put(&["spec", field], value.clone());
            }
        }
    }
    if gets_node_ports(old) && gets_node_ports(service) {
        let mut free: Vec<&Value> = old.items_at(&["spec", "ports"]).iter().collect();
        let ports = service.at_mut(&["spec"]).get_mut("ports").and_then(Value::as_array_mut);
        let taken = |port: &Value| port.integer(&["nodePort"]).unwrap_or(0);
        for port in ports.into_iter().flatten().filter(|port| taken(port) == 0) {
            let same = |other: &&Value| ["port", "protocol"].iter().all(|key| other.get(key) == port.get(*key));
            if let Some(index) = free.iter().position(same) {
                let number = taken(free.remove(index));
                if number != 0 {
                    port.put(&["nodePort"], number);
                }
            }
        }
    }
    if needs_health_check(old) && needs_health_check(service) {
        let port = old.integer(&["spec", "healthCheckNodePort"]).unwrap_or(0);
        fill(service, &json!({"spec": {"healthCheckNodePort|0": port}}));
    }
}

fn row(service: &Object, now: i64) -> Vec<Value> {
    let spec = |path: &[&str]| service.items_at(&[&["spec"], path].concat());
    let texts = |items: &[Value]| items.iter().filter_map(Value::as_str).map(String::from).collect::<Vec<_>>();
    let ports: Vec<_> = spec(&["ports"])
        .iter()
        .map(|port| {
            let number = port.integer(&["port"]).unwrap_or(0);
            let node_port = port.integer(&["nodePort"]).filter(|n| *n > 0).map_or(String::new(), |n| format!(":{n}"));
            format!("{number}{node_port}/{}", port.text(&["protocol"]))
        })
        .collect();
    let mut external = texts(spec(&["externalIPs"]));
    let (kind, mut none) = (kind_of(service), "<none>");
    match kind {
        "LoadBalancer" => {
            external = [load_balancer_points(service), external].concat();
            none = "<pending>";
        }
        "ExternalName" => external = vec![service.text(&["spec", "externalName"]).into()],
        "ClusterIP" | "NodePort" => {}
        _ => (external, none) = (Vec::new(), "<unknown>"),
    }
    vec![
        service.name().into(),
        kind.into(),
        cells::none_if_empty(spec(&["clusterIPs"]).first().and_then(Value::as_str).unwrap_or("")),
        if external.is_empty() { none.into() } else { external.join(",").into() },
        cells::none_if_empty(&ports.join(",")),
        cells::age(service, now),
        cells::labels(service.map_at(&["spec", "selector"])).into(),
    ]
}

/// The addresses and names that a load balancer has given, sorted, each once; of ingresses, too.
pub(super) fn load_balancer_points(object: &Object) -> Vec<String> {
    let points = object.items_at(&["status", "loadBalancer", "ingress"]).iter();
    let texts =
        points.filter_map(|p| ["ip", "hostname"].iter().map(|key| p.text(&[key])).find(|text| !text.is_empty()));
    let mut texts: Vec<String> = texts.map(String::from).collect();
    texts.sort();
    texts.dedup();
    texts
}

/// Whether an address is of the sixth version.
fn is_ipv6(ip: &str) -> bool {
    names::parse_ip(ip).is_some_and(|ip| ip.is_ipv6())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(mut service: Object) -> Object {
        defaults(&mut service);
        prepare_for_create(&mut service);
        service
    }

    #[test]
    fn families_follow_from_addresses() {
        for (spec, families, policy) in [
            (json!({}), Value::Null, "SingleStack"),
            (json!({"clusterIP": "fd00::1"}), json!(["IPv6"]), "SingleStack"),
            (json!({"clusterIP": "10.0.0.7"}), json!(["IPv4"]), "SingleStack"),
            (json!({"clusterIP": "None", "selector": {"a": "b"}}), Value::Null, "SingleStack"),
            (json!({"clusterIP": "None"}), Value::Null, "RequireDualStack"),
        ] {
            let service = made(json!({"spec": spec}));
            assert_eq!(service["spec"]["ipFamilies"], families);
            assert_eq!(service["spec"]["ipFamilyPolicy"], policy);
        }
        assert_eq!(made(json!({"spec": {"type": "ExternalName"}}))["spec"].get("ipFamilies"), None);
    }

    #[test]
    fn a_second_family_goes_when_only_one_is_wanted() {
        let spec = |policy: &str, families: Value, ips: Value| {
            json!({"spec": {"type": "ClusterIP", "ipFamilyPolicy": policy,
            "ipFamilies": families, "clusterIP": ips[0], "clusterIPs": ips}})
        };
        let both = spec("RequireDualStack", json!(["IPv4", "IPv6"]), json!(["10.0.0.1", "fd00::1"]));
        let mut new = both.clone();
        new.put(&["spec", "ipFamilyPolicy"], "SingleStack");
        prepare_for_update(&mut new, &both);
        assert_eq!(new["spec"]["clusterIPs"], json!(["10.0.0.1"]));
        assert_eq!(new["spec"]["ipFamilies"], json!(["IPv4"]));
        let mut silent = json!({"spec": {"type": "ClusterIP"}});
        prepare_for_update(&mut silent, &both);
        assert_eq!(silent["spec"]["ipFamilyPolicy"], "RequireDualStack");
        assert_eq!(silent["spec"].get("ipFamilies"), None, "the addresses tell them");
    }

    #[test]
    fn a_change_keeps_what_was_allocated() {
        let mut old = made(json!({"spec": {"type": "NodePort", "ports": [{"port": 80}]}}));
        old.put(&["spec", "clusterIP"], "10.0.0.1");
        old.put(&["spec", "clusterIPs"], json!(["10.0.0.1"]));
        old["spec"]["ports"][0]["nodePort"] = json!(30000);
        let mut new = json!({"spec": {"type": "NodePort", "ports": [{"port": 81}, {"port": 80}]}});
        defaults(&mut new);
        prepare_for_update(&mut new, &old);
        assert_eq!(new["spec"]["clusterIPs"], json!(["10.0.0.1"]));
        assert_eq!(new["spec"]["ports"][1]["nodePort"], json!(30000));
        assert_eq!(new["spec"]["ports"][0].get("nodePort"), None);

        let mut new = old.clone();
        new.put(&["spec", "type"], "ClusterIP");
        prepare_for_update(&mut new, &old);
        assert_eq!(new["spec"]["ports"][0].get("nodePort"), None);
        assert_eq!(new["spec"].get("externalTrafficPolicy"), None);

        let mut new = old.clone();
        new.put(&["spec", "clusterIP"], "10.0.0.77");
        prepare_for_update(&mut new, &old);
        assert_eq!(new["spec"]["clusterIPs"], json!(["10.0.0.77"]));
    }
}
