//! NetworkPolicies and PodDisruptionBudgets.

use super::context::Context;
use super::read::{Scalar, int, some, texts};
use super::writer::Writer;
use super::{labels, selector};
use crate::api::{ObjectExt, Value};
use crate::expr::label_selector;

/// What stands before everything that a policy says.
const INDENT: &str = "    ";

/// Describes a NetworkPolicy.
pub fn network_policy(w: &mut Writer, object: &Value, context: &Context) {
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    w.field(0, "Created on", context.plain_time(object.text(&["metadata", "creationTimestamp"])));
    labels::labels_and_annotations(w, object);
    w.line(0, "Spec:");
    w.put(1, "PodSelector: ");
    let pods = object.at(&["spec", "podSelector"]);
    match label_selector::text(pods) {
        Ok(text) if text.is_empty() => {
            w.line(2, "<none> (Allowing the specific traffic to all pods in this namespace)");
        }
        _ => w.line(2, selector::shown(pods)),
    }
    let types = texts(object, &["spec", "policyTypes"]);
    for (direction, kind) in [(&INGRESS, "Ingress"), (&EGRESS, "Egress")] {
        if types.contains(&kind) {
            w.line(1, format_args!("Allowing {} traffic:", direction.name));
            rules(w, object.items_at(&["spec", direction.name]), direction);
        } else {
            w.line(1, format_args!("Not affecting {} traffic", direction.name));
        }
    }
    let types = types.join(", ");
    w.line(1, format_args!("Policy Types: {}", if types.is_empty() { "<none>" } else { &types }));
}

/// Which way traffic goes, and the words for it.
struct Direction {
    name: &'static str,
    peers: &'static str,
    heading: &'static str,
    unrestricted: &'static str,
}

const INGRESS: Direction = Direction { name: "ingress", peers: "from", heading: "From", unrestricted: "source" };
const EGRESS: Direction = Direction { name: "egress", peers: "to", heading: "To", unrestricted: "destination" };

fn rules(w: &mut Writer, rules: &[Value], direction: &Direction) {
    let Direction { name, peers, heading, unrestricted } = direction;
    if rules.is_empty() {
        w.line(0, format_args!("{INDENT}<none> (Selected pods are isolated for {name} connectivity)"));
    }
    for (index, rule) in rules.iter().enumerate() {
        if index > 0 {
            w.line(0, format_args!("{INDENT}----------"));
        }
        let ports = rule.items_at(&["ports"]);
        if ports.is_empty() {
            w.line(0, format_args!("{INDENT}To Port: <any> (traffic allowed to all ports)"));
        }
        for port in ports {
            let number = some(port, &["port"]).map_or_else(|| "<nil>".into(), |port| Scalar(port).to_string());
            let protocol = some(port, &["protocol"]).map_or_else(|| "TCP".into(), |p| Scalar(p).to_string());
            match port.integer(&["endPort"]) {
                None => w.line(0, format_args!("{INDENT}To Port: {number}/{protocol}")),
                Some(end) => w.line(0, format_args!("{INDENT}To Port Range: {number}-{end}/{protocol}")),
            }
        }
        let peers = rule.items_at(&[peers]);
        if peers.is_empty() {
            w.line(0, format_args!("{INDENT}{heading}: <any> (traffic not restricted by {unrestricted})"));
        }
        for peer in peers {
            w.line(0, format_args!("{INDENT}{heading}:"));
            let selectors = [("NamespaceSelector", "namespaceSelector"), ("PodSelector", "podSelector")]
                .map(|(heading, key)| Some((heading, some(peer, &[key])?)));
            for (heading, selected) in selectors.iter().flatten() {
                w.line(1, format_args!("{INDENT}{heading}: {}", selector::shown(Some(selected))));
            }
            if let (None, Some(block)) = (selectors.iter().flatten().next(), some(peer, &["ipBlock"])) {
                w.line(1, format_args!("{INDENT}IPBlock:"));
                w.line(2, format_args!("{INDENT}CIDR: {}", block.text(&["cidr"])));
                w.line(2, format_args!("{INDENT}Except: {}", texts(block, &["except"]).join(", ")));
            }
        }
    }
}

/// Describes a PodDisruptionBudget.
pub fn pod_disruption_budget(w: &mut Writer, object: &Value) {
    w.field(0, "Name", object.name());
    w.field(0, "Namespace", object.namespace());
    let bounds = [("Min available", "minAvailable"), ("Max unavailable", "maxUnavailable")];
    if let Some((heading, bound)) = bounds.iter().find_map(|(h, key)| Some((h, some(object, &["spec", key])?))) {
        w.field(0, heading, Scalar(bound));
    }
    let selector = some(object, &["spec", "selector"]).map(|selector| selector::shown(Some(selector)));
    w.field(0, "Selector", selector.unwrap_or_else(|| "<unset>".into()));
    w.line(0, "Status:");
    for (heading, key) in [
        ("Allowed disruptions", "disruptionsAllowed"),
        ("Current", "currentHealthy"),
        ("Desired", "desiredHealthy"),
        ("Total", "expectedPods"),
    ] {
        w.field(2, heading, int(object, &["status", key]));
    }
}
