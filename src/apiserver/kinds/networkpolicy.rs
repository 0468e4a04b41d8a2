//! NetworkPolicies.

use super::addresses::cidr_warning;
use super::cells::{age, selector};
use super::field::{Errors, Field, printed, quoted};
use super::fill::fill;
use super::labels::validate_selector;
use super::{GENERIC, Kind};
use crate::api::{Object, ObjectExt, names};
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    group: "networking.k8s.io",
    resource: "networkpolicies",
    default: |policy| {
        let ports = json!([{"ports": [{"protocol*": "TCP"}]}]);
        fill(policy, &json!({"spec": {"podSelector": {}, "ingress": ports, "egress": ports}}));
        let spec = policy.at_mut(&["spec"]);
        if spec.items_at(&["policyTypes"]).is_empty() {
            let both = !spec.items_at(&["egress"]).is_empty();
            spec.put(&["policyTypes"], if both { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) });
        }
    },
    has_generation: true,
    validate,
    validate_update: |new, _, errors| validate(new, errors),
    warnings: |policy, _| {
        let root = Field::new("", policy);
        let mut warnings = Vec::new();
        each_peer(&root.get("spec"), &mut |peer| {
            let block = peer.get("ipBlock");
            warnings.extend(cidr_warning(&block.get("cidr")));
            warnings.extend(block.get("except").items().filter_map(|except| cidr_warning(&except)));
        });
        warnings
    },
    cells: |policy, now| {
        vec![policy.name().into(), selector(policy.at(&["spec", "podSelector"])).into(), age(policy, now)]
    },
    ..GENERIC
};

fn each_peer(spec: &Field, visit: &mut dyn FnMut(&Field)) {
    for (rules, peers) in [("ingress", "from"), ("egress", "to")] {
        for rule in spec.get(rules).items() {
            rule.get(peers).items().for_each(|peer| visit(&peer));
        }
    }
}

fn validate(policy: &Object, errors: &mut Errors) {
    let root = Field::new("", policy);
    let spec = root.get("spec");
    validate_selector(&spec.get("podSelector"), errors);
    for (rules, peers) in [("ingress", "from"), ("egress", "to")] {
        for rule in spec.get(rules).items() {
            rule.get("ports").items().for_each(|port| self::port(&port, errors));
            rule.get(peers).items().for_each(|peer| self::peer(&peer, errors));
        }
    }
    let types = spec.get("policyTypes");
    if types.count() > 2 {
        return errors.invalid_as(types, &printed(types.value()), "may not specify more than two policyTypes");
    }
    types.items().for_each(|kind| errors.one_of(&kind, &["Ingress", "Egress"]));
}

fn port(port: &Field, errors: &mut Errors) {
    let (protocol, number, end) = (port.get("protocol"), port.get("port"), port.get("endPort"));
    if protocol.is_set() {
        errors.one_of(&protocol, &["TCP", "UDP", "SCTP"]);
    }
    if number.integer().is_some() {
        errors.within(&number, 1, 65535);
        if end.is_set() {
            if end.number() < number.number() {
                errors.invalid(end, number.value(), "must be greater than or equal to `port`");
            }
            errors.within(&end, 1, 65535);
        }
        return;
    }
    let state = if number.is_set() { "non-numeric" } else { "not specified" };
    if end.is_set() {
        errors.reject(&end, &format!("may not be specified when `port` is {state}"));
    }
    if number.is_set() {
        errors.name(&number, names::port_name);
    }
}

fn peer(peer: &Field, errors: &mut Errors) {
    let [pods, namespaces, block] = ["podSelector", "namespaceSelector", "ipBlock"].map(|name| peer.get(name));
    for selector in [&pods, &namespaces].into_iter().filter(|selector| selector.is_set()) {
        validate_selector(selector, errors);
    }
    if block.is_set() {
        ip_block(&block, errors);
    }
    match (pods.is_set() || namespaces.is_set(), block.is_set()) {
        (false, false) => errors.required(peer, "must specify a peer"),
        (true, true) => errors.forbidden(peer, "may not specify both ipBlock and another peer"),
        _ => {}
    }
}

fn ip_block(block: &Field, errors: &mut Errors) {
    let cidr = block.get("cidr");
    if !errors.need(&cidr) {
        return;
    }
    errors.name(&cidr, names::cidr);
    let Some((network, bits)) = names::parse_cidr(cidr.text()) else { return };
    let network = names::network_of(network, bits);
    for except in block.get("except").items() {
        errors.name(&except, names::cidr);
        let Some((inner, inner_bits)) = names::parse_cidr(except.text()) else { continue };
        let inside = inner.is_ipv4() == network.is_ipv4() && names::network_of(inner, bits) == network;
        if !inside || bits >= inner_bits {
            errors.invalid_as(except, &quoted(except.text()), "must be a strict subset of `cidr`");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_policies() {
        let from = |peer| json!({"spec": {"ingress": [{"from": [peer]}]}});
        let port = |port| json!({"spec": {"egress": [{"ports": [port]}]}});
        for (policy, expected) in [
            (from(json!({"podSelector": {}, "namespaceSelector": {}})), vec![]),
            (from(json!({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}})), vec![]),
            (port(json!({"port": 80, "endPort": 90})), vec![]),
            (from(json!({})), vec!["spec.ingress[0].from[0]: Required value: must specify a peer"]),
            (
                from(json!({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}})),
                vec![
                    "spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: \"11.0.0.0/16\": must be a strict \
                     subset of `cidr`",
                ],
            ),
            (
                port(json!({"port": "http", "endPort": 90})),
                vec![
                    "spec.egress[0].ports[0].endPort: Invalid value: 90: may not be specified when `port` is non-numeric",
                ],
            ),
            (
                port(json!({"protocol": "ICMP"})),
                vec![
                    r#"spec.egress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP""#,
                ],
            ),
        ] {
            let mut errors = Errors::default();
            let mut policy = policy;
            (KIND.default)(&mut policy);
            validate(&policy, &mut errors);
            let lines: Vec<_> = errors.causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
            assert_eq!(lines, expected);
        }
    }
}
