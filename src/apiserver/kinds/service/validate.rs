//! What is wrong with a service.

use super::super::field::{Errors, Field, IMMUTABLE};
use super::super::labels::validate_labels;
use super::{has_node_ports, is_external, is_headless, is_ipv6, kind_of, needs_health_check};
use crate::api::{Object, ObjectExt, Value, names};

const NO_CHANGE: &str = "may not change once set";

pub(super) fn create(service: &Object, errors: &mut Errors) {
    if has_sound_addresses(service, None, errors) {
        validate(service, None, errors);
    }
}

pub(super) fn update(new: &Object, old: &Object, errors: &mut Errors) {
    if !has_sound_addresses(new, Some(old), errors) {
        return;
    }
    let (root, old_root) = (Field::new("", new), Field::new("", old));
    let (spec, old_spec) = (root.get("spec"), old_root.get("spec"));
    if kind_of(new) != "ExternalName" && kind_of(old) != "ExternalName" {
        keep_addresses(&spec, &old_spec, is_headless(new), is_headless(old), errors);
    }
    let (class, old_class) = (spec.get("loadBalancerClass"), old_spec.get("loadBalancerClass"));
    if kind_of(new) == "LoadBalancer" && kind_of(old) == "LoadBalancer" && class.value() != old_class.value() {
        errors.reject(&class, NO_CHANGE);
    }
    load_balancer_class(&spec, errors);
    let check = spec.get("healthCheckNodePort");
    if needs_health_check(new)
        && needs_health_check(old)
        && check.value() != old_spec.get("healthCheckNodePort").value()
    {
        errors.forbidden(check, IMMUTABLE);
    }
    validate(new, Some(old), errors);
}

/// Addresses and families only ever grow, and shrink with `SingleStack`.
fn keep_addresses(spec: &Field, old: &Field, headless: bool, was_headless: bool, errors: &mut Errors) {
    let (ips, policy) = (spec.get("clusterIPs"), spec.get("ipFamilyPolicy"));
    let lists: [(&str, bool, &str, &str); 2] = [
        ("clusterIPs", headless && was_headless, "primary clusterIP can not be unset", "clusterIP"),
        ("ipFamilies", headless || was_headless, "primary ipFamily can not be unset", "ipFamily"),
    ];
    for (name, skipped, unset, item) in lists {
        let (new, old) = (spec.get(name), old.get(name));
        if skipped || old.count() == 0 {
            continue;
        }
        let first_changed = new.count() > 0 && new.item(0).value() != old.item(0).value();
        if new.count() == old.count() {
            for index in (0..new.count()).filter(|i| new.item(*i).value() != old.item(*i).value()) {
                let at = if name == "clusterIPs" { index } else { 0 };
                errors.invalid(new.item(at), new.value(), NO_CHANGE);
            }
        } else if new.count() < old.count() {
            if ips.count() == 0 {
                errors.invalid(new.item(0), new.value(), unset);
            }
            if first_changed {
                errors.invalid(new.item(0), ips.value(), NO_CHANGE);
            }
            if new.count() == 1 && policy.text() != "SingleStack" {
                let detail = format!("must be set to 'SingleStack' when releasing the secondary {item}");
                errors.reject(&policy, &detail);
            }
        } else if first_changed {
            errors.invalid(new.item(0), ips.value(), NO_CHANGE);
        }
    }
}

fn validate(service: &Object, old: Option<&Object>, errors: &mut Errors) {
    let root = Field::new("", service);
    let (spec, kind, headless) = (root.get("spec"), kind_of(service), is_headless(service));
    let (ports, ips) = (spec.get("ports"), spec.get("clusterIPs"));
    topology_annotations(&root, errors);
    if ports.count() == 0 && !headless && kind != "ExternalName" {
        errors.required(ports, "");
    }
    match kind {
        "LoadBalancer" | "NodePort" if headless => {
            errors.reject(&ips.item(0), &format!("may not be set to 'None' for {kind} services"));
        }
        "ExternalName" => external_name(&spec, errors),
        _ => {}
    }
    each_port(&ports, errors);
    validate_labels(&spec.get("selector"), errors);
    session_affinity(&spec, errors);
    let external_ips = spec.get("externalIPs");
    let old_ips = old.map_or(&[][..], |old| old.items_at(&["spec", "externalIPs"]));
    for ip in external_ips.items() {
        let count = errors.causes.len();
        if !old_ips.contains(ip.value()) {
            errors.name(&ip, names::ip);
        }
        if errors.causes.len() == count {
            reachable_ip(&ip, errors);
        }
    }
    errors.need_one_of(&spec.get("type"), &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]);
    distinct_ports(&ports, kind, errors);
    source_ranges(&root, kind, old, errors);
    let allocate = spec.get("allocateLoadBalancerNodePorts");
    if allocate.is_set() && kind != "LoadBalancer" {
        errors.forbidden(allocate, "may only be used when `type` is 'LoadBalancer'");
    }
    if !allocate.is_set() && kind == "LoadBalancer" {
        errors.required("allocateLoadBalancerNodePorts", "");
    }
    load_balancer_class(&spec, errors);
    traffic(service, &spec, errors);
}

fn topology_annotations(root: &Field, errors: &mut Errors) {
    let annotations = root.get("metadata.annotations");
    let hints = annotations.entry("service.kubernetes.io/topology-aware-hints");
    let mode = annotations.entry("service.kubernetes.io/topology-mode");
    if mode.is_set() && hints.is_set() && mode.text() != hints.text() {
        let detail = "must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified";
        errors.reject(&mode, detail);
    }
}

fn external_name(spec: &Field, errors: &mut Errors) {
    for (field, set) in [
        ("clusterIPs", spec.get("clusterIPs").count() > 0),
        ("ipFamilies", spec.get("ipFamilies").count() > 0),
        ("ipFamilyPolicy", spec.get("ipFamilyPolicy").is_set()),
    ] {
        if set {
            errors.forbidden(spec.get(field), "may not be set for ExternalName services");
        }
    }
    let name = spec.get("externalName");
    let text = Value::from(name.text().strip_suffix('.').unwrap_or(name.text()));
    errors.need_name(&name.with(&text), names::dns1123_subdomain);
}

fn each_port(ports: &Field, errors: &mut Errors) {
    let mut seen: Vec<&str> = Vec::new();
    for index in 0..ports.count() {
        let port = ports.item(index);
        let name = port.get("name");
        if name.is_empty() && ports.count() > 1 {
            errors.required(name, "");
        } else if !name.is_empty() {
            errors.name(&name, names::dns1123_label);
            let text = ports.value()[index].text(&["name"]);
            if seen.contains(&text) {
                errors.duplicate(name, name.value());
            }
            seen.push(text);
        }
        errors.within(&port.get("port"), 1, 65535);
        errors.need_one_of(&port.get("protocol"), &["SCTP", "TCP", "UDP"]);
        port_or_name(&port.get("targetPort"), errors);
        if port.get("appProtocol").is_set() {
            errors.name(&port.get("appProtocol"), names::qualified_name);
        }
    }
}

/// A port's number, or its name.
pub(in super::super) fn port_or_name(port: &Field, errors: &mut Errors) {
    if port.value().is_string() {
        errors.name(port, names::port_name);
    } else {
        errors.within(port, 1, 65535);
    }
}

fn session_affinity(spec: &Field, errors: &mut Errors) {
    let (affinity, config) = (spec.get("sessionAffinity"), spec.get("sessionAffinityConfig"));
    errors.need_one_of(&affinity, &["ClientIP", "None"]);
    match affinity.text() {
        "ClientIP" => {
            let (client, timeout) = (config.get("clientIP"), config.get("clientIP.timeoutSeconds"));
            if !client.is_set() || !timeout.is_set() {
                let missing = if !config.is_set() {
                    &config
                } else if !client.is_set() {
                    &client
                } else {
                    &timeout
                };
                errors.required(missing, "when session affinity type is ClientIP");
            } else if !(1..=86400).contains(&timeout.integer().unwrap_or(0)) {
                errors.reject(&timeout, "must be greater than 0 and less than 86400");
            }
        }
        "None" if config.is_set() => errors.forbidden(config, "must not be set when session affinity is None"),
        _ => {}
    }
}

/// Whether addresses can be allocated at all, which is what kube-apiserver tries before it looks at anything else.
pub(in super::super::super) fn has_sound_addresses(
    service: &Object,
    old: Option<&Object>,
    errors: &mut Errors,
) -> bool {
    let before = errors.causes.len();
    if kind_of(service) != "ExternalName" {
        addresses(&Field::new("", service).get("spec"), is_headless(service), old, errors);
    }
    errors.causes.len() == before
}

fn addresses(spec: &Field, headless: bool, old: Option<&Object>, errors: &mut Errors) {
    let (ip, ips, families) = (spec.get("clusterIP"), spec.get("clusterIPs"), spec.get("ipFamilies"));
    match (ip.is_empty(), ips.count()) {
        (false, 0) => errors.required(ips, ""),
        (false, _) if ips.item(0).value() != ip.value() => errors.reject(&ips, "first value must match `clusterIP`"),
        (true, 1..) => errors.reject(&ips, "must be empty when `clusterIP` is not specified"),
        _ => {}
    }
    for index in 0..families.count() {
        let family = families.item(index);
        errors.one_of(&family, &["IPv4", "IPv6"]);
        if (0..index).any(|before| families.item(before).value() == family.value()) {
            errors.duplicate(family, family.value());
        }
    }
    if spec.get("ipFamilyPolicy").is_set() {
        errors.one_of(&spec.get("ipFamilyPolicy"), &["PreferDualStack", "RequireDualStack", "SingleStack"]);
    }
    let old_ips = old.map_or(&[][..], |old| old.items_at(&["spec", "clusterIPs"]));
    let mut sound = true;
    for (index, ip) in ips.items().enumerate() {
        if index == 0 && ip.text() == "None" {
            if ips.count() > 1 {
                sound = false;
                errors.reject(&ips, "'None' must be the first and only value");
            }
        } else if !old_ips.contains(ip.value()) {
            sound &= names::ip(ip.text()).is_empty();
            errors.name(&ip, names::ip);
        }
    }
    if ips.count() > 2 {
        errors.reject(&ips, "may only hold up to 2 values");
    }
    if !sound {
        return;
    }
    if ips.count() > 1 && ips.items().all(|ip| is_ipv6(ip.text()) == is_ipv6(ips.item(0).text())) {
        errors.reject(&ips, "may specify no more than one IP for each IP family");
    }
    if !headless {
        for (index, (ip, family)) in ips.items().zip(families.items()).enumerate() {
            let fits = match family.text() {
                "IPv4" => !is_ipv6(ip.text()),
                "IPv6" => is_ipv6(ip.text()),
                _ => true,
            };
            if !fits {
                let article = family.text();
                errors.reject(&ip, &format!("expected an {article} value as indicated by `ipFamilies[{index}]`"));
            }
        }
    }
}

/// An address that traffic can go to: not one with a meaning of its own.
pub(in super::super) fn reachable_ip(ip: &Field, errors: &mut Errors) {
    let Some(address) = names::parse_ip(ip.text()) else {
        errors.reject(ip, "must be a valid IP address");
        return;
    };
    let link_local = match address {
        std::net::IpAddr::V4(ip) => ip.is_link_local(),
        std::net::IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    let link_local_multicast = match address {
        std::net::IpAddr::V4(ip) => ip.octets()[..3] == [224, 0, 0],
        std::net::IpAddr::V6(ip) => ip.segments()[0] & 0xff0f == 0xff02,
    };
    for (broken, detail) in [
        (address.is_unspecified(), format!("may not be unspecified ({})", ip.text())),
        (address.is_loopback(), "may not be in the loopback range (127.0.0.0/8, ::1/128)".into()),
        (link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)".into()),
        (link_local_multicast, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".into()),
    ] {
        if broken {
            errors.reject(ip, &detail);
        }
    }
}

fn distinct_ports(ports: &Field, kind: &str, errors: &mut Errors) {
    let key = |index: usize, number: &str| {
        let port = &ports.value()[index];
        (port.text(&["protocol"]), port.integer(&[number]).unwrap_or(0))
    };
    for index in 0..ports.count() {
        if kind == "ClusterIP" && key(index, "nodePort").1 != 0 {
            errors.forbidden(ports.item(index).get("nodePort"), "may not be used when `type` is 'ClusterIP'");
        }
    }
    for index in 0..ports.count() {
        let own = key(index, "nodePort");
        if own.1 != 0 && (0..index).any(|before| key(before, "nodePort") == own) {
            errors.duplicate(ports.item(index).get("nodePort"), &own.1.into());
        }
    }
    for index in 0..ports.count() {
        let (protocol, number) = key(index, "port");
        if (0..index).any(|before| key(before, "port") == (protocol, number)) {
            let same = format!(
                r#"Duplicate value: {{"Name":"","Protocol":"{protocol}","AppProtocol":null,"Port":{number},"TargetPort":0,"NodePort":0}}"#
            );
            errors.push("FieldValueDuplicate", ports.item(index), same);
        }
    }
}

fn source_ranges(root: &Field, kind: &str, old: Option<&Object>, errors: &mut Errors) {
    let spec = root.get("spec");
    // The path is spelled this way by kube-apiserver, too.
    let ranges =
        Field::new("spec.LoadBalancerSourceRanges", spec.value()).with(spec.get("loadBalancerSourceRanges").value());
    let only = "may only be used when `type` is 'LoadBalancer'";
    if ranges.count() > 0 {
        if kind != "LoadBalancer" {
            errors.forbidden(ranges, only);
        }
        let old_ranges = old.map_or(&[][..], |old| old.items_at(&["spec", "loadBalancerSourceRanges"]));
        for range in ranges.items().filter(|range| !old_ranges.contains(range.value())) {
            let text = Value::from(range.text().trim());
            errors.name(&range.with(&text), names::cidr);
        }
        return;
    }
    let key = "service.beta.kubernetes.io/load-balancer-source-ranges";
    let annotations = root.get("metadata.annotations");
    let annotation = annotations.entry(key);
    if annotation.is_set() {
        if kind != "LoadBalancer" {
            errors.forbidden(annotation, only);
        }
        let same = old.is_some_and(|old| old.annotation(key) == Some(annotation.text()));
        for range in annotation.text().trim().split(',').filter(|range| !same && !range.is_empty()) {
            let text = Value::from(range.trim());
            errors.name(&annotation.with(&text), names::cidr);
        }
    }
}

fn load_balancer_class(spec: &Field, errors: &mut Errors) {
    let class = spec.get("loadBalancerClass");
    if !class.is_set() {
    } else if spec.get("type").text() == "LoadBalancer" {
        errors.name(&class, names::qualified_name);
    } else {
        errors.forbidden(class, "may only be used when `type` is 'LoadBalancer'");
    }
}

fn traffic(service: &Object, spec: &Field, errors: &mut Errors) {
    let external = spec.get("externalTrafficPolicy");
    if is_external(service) {
        errors.need_one_of(&external, &["Cluster", "Local"]);
    } else if !external.is_empty() {
        errors.reject(&external, "may only be set for externally-accessible services");
    }
    let check = spec.get("healthCheckNodePort");
    match check.integer().unwrap_or(0) {
        // The store allocates a port that is missing.
        0 => {}
        _ if needs_health_check(service) => errors.within(&check, 1, 65535),
        _ => errors
            .reject(&check, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"),
    }
    let internal = spec.get("internalTrafficPolicy");
    if internal.is_set() {
        errors.one_of(&internal, &["Cluster", "Local"]);
    } else if has_node_ports(service) || kind_of(service) == "ClusterIP" {
        errors.required(internal, "");
    }
    let distribution = spec.get("trafficDistribution");
    if distribution.is_set() {
        errors.one_of(&distribution, &["PreferClose", "PreferSameZone", "PreferSameNode"]);
    }
}

pub(super) fn status_update(new: &Object, old: &Object, errors: &mut Errors) {
    let root = Field::new("", new);
    let ingress = root.get("status.loadBalancer.ingress");
    if kind_of(new) != "LoadBalancer" && ingress.count() > 0 {
        errors.forbidden(ingress, "may only be used when `spec.type` is 'LoadBalancer'");
    } else {
        load_balancer_status(&ingress, old, errors);
    }
}

/// The points of a load balancer, each an address or a name; of ingresses, too.
pub(in super::super) fn load_balancer_status(ingress: &Field, old: &Object, errors: &mut Errors) {
    let old_points = old.items_at(&["status", "loadBalancer", "ingress"]);
    for point in ingress.items() {
        let (ip, host, mode) = (point.get("ip"), point.get("hostname"), point.get("ipMode"));
        if !ip.is_empty() && !old_points.iter().any(|old| old.get("ip") == Some(ip.value())) {
            errors.name(&ip, names::ip);
        }
        if mode.is_set() && ip.is_empty() {
            errors.forbidden(mode, "may not be specified when `ip` is not set");
        } else if mode.is_set() {
            errors.one_of(&mode, &["Proxy", "VIP"]);
        }
        if !host.is_empty() {
            errors.name(&host, names::dns1123_subdomain);
            if names::parse_ip(host.text()).is_some() {
                errors.reject(&host, "must be a DNS name, not an IP address");
            }
        }
    }
}

pub(super) fn warnings(service: &Object, _old: Option<&Object>) -> Vec<String> {
    let root = Field::new("", service);
    let spec = root.get("spec");
    let (external_ips, kind) = (spec.get("externalIPs"), kind_of(service));
    let mut warnings: Vec<String> = Vec::new();
    let mut warn = |condition: bool, text: &str| {
        if condition {
            warnings.push(text.into());
        }
    };
    warn(
        service.annotation("service.kubernetes.io/topology-aware-hints").is_some(),
        "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use \
         service.kubernetes.io/topology-mode instead",
    );
    let headless = kind == "ClusterIP" && spec.get("clusterIP").text() == "None";
    warn(headless && !spec.get("loadBalancerIP").is_empty(), "spec.loadBalancerIP is ignored for headless services");
    warn(headless && external_ips.count() > 0, "spec.externalIPs is ignored for headless services");
    let affinity = spec.get("sessionAffinity").text();
    warn(headless && affinity == "ClientIP", "spec.SessionAffinity is ignored for headless services");
    warn(
        external_ips.count() > 0 && !headless && kind != "ExternalName",
        "spec.externalIPs is deprecated and may no longer be implemented in some clusters",
    );
    warn(
        kind == "ExternalName" && external_ips.count() > 0,
        "spec.externalIPs is ignored when spec.type is \"ExternalName\"",
    );
    warn(
        kind != "ExternalName" && !spec.get("externalName").is_empty(),
        "spec.externalName is ignored when spec.type is not \"ExternalName\"",
    );
    warn(
        spec.get("trafficDistribution").text() == "PreferClose",
        "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"",
    );
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn complaints(spec: Value) -> Vec<String> {
        let mut service = json!({"metadata": {"name": "x"}, "spec": spec});
        super::super::defaults(&mut service);
        super::super::prepare_for_create(&mut service);
        let mut errors = Errors::default();
        create(&service, &mut errors);
        errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
    }

    #[test]
    fn what_is_wrong_with_services() {
        for (spec, expected) in [
            (json!({"ports": [{"port": 80}]}), vec![]),
            (json!({"clusterIP": "None"}), vec![]),
            (json!({"type": "ExternalName", "externalName": "example.com."}), vec![]),
            (
                json!({"type": "NodePort", "clusterIP": "None", "ports": [{"port": 80}]}),
                vec![r#"spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for NodePort services"#],
            ),
            (
                json!({"ports": [{"name": "a", "port": 80}, {"name": "a", "port": 80, "nodePort": 1}]}),
                vec![
                    r#"spec.ports[1].name: Duplicate value: "a""#,
                    "spec.ports[1].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
                    r#"spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}"#,
                ],
            ),
            (
                json!({"ports": [{"port": 80}], "externalIPs": ["127.0.0.1", "x"], "loadBalancerSourceRanges": ["y"]}),
                vec![
                    r#"spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)"#,
                    r#"spec.externalIPs[1]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#,
                    "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
                    r#"spec.LoadBalancerSourceRanges[0]: Invalid value: "y": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"#,
                ],
            ),
            (
                json!({"ports": [{"port": 80}], "sessionAffinity": "ClientIP",
                    "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 100000}}}),
                vec![
                    "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 100000: must be greater than 0 \
                     and less than 86400",
                ],
            ),
        ] {
            assert_eq!(complaints(spec), expected);
        }
    }
}
