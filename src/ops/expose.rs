//! A service for what an object's pods serve: selector, ports and labels, from flags or from the object.

use super::{Failure, pod_template};
use crate::api::{Map, Object, ObjectExt, Value};
use serde_json::json;

/// What a service is made of; what is empty is found out from the object. What was found out stays for the objects that
/// follow, as kubectl has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// The name.
    pub name: String,
    /// The pods' labels, as `key=value,...`.
    pub selector: String,
    /// The service's own labels, as `key=value,...`.
    pub labels: String,
    /// The port, or several with commas between.
    pub port: String,
    /// Ports of an object that has several; they go before `port`.
    pub ports: String,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// The pods' port or its name.
    pub target_port: String,
    /// The kind of service.
    pub kind: String,
    /// An address that leads to the cluster.
    pub external_ip: String,
    /// The address of a load balancer.
    pub load_balancer_ip: String,
    /// `None` or `ClientIP`.
    pub session_affinity: String,
    /// The address; `None` for none.
    pub cluster_ip: String,
    /// What protocols the object serves on which port.
    pub protocols: Vec<(String, String)>,
}

/// Refuses kinds that no service can be made for.
pub fn check(object: &Object) -> Result<(), Failure> {
    let kind = object.group_version_kind();
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "ReplicationController" | "Service" | "Pod") | ("apps" | "extensions", "Deployment" | "ReplicaSet") => {
            Ok(())
        }
        _ => Err(Failure::message(format!("cannot expose a {}", kind.group_kind()))),
    }
}

/// The longest name of a service (RFC 1035, labels).
const LONGEST: usize = 63;

impl Service {
    /// Finds out from the object what is not known.
    pub fn complete(&mut self, object: &Object) -> Result<(), Failure> {
        if self.selector.is_empty() {
            self.selector = selector(object).map_err(|problem| {
                Failure::message(format!("couldn't retrieve selectors via --selector flag or introspection: {problem}"))
            })?;
        }
        let served = served(object);
        if self.port.is_empty() {
            let mut ports: Vec<&str> = Vec::new();
            for (port, _) in &served {
                if !ports.contains(&port.as_str()) {
                    ports.push(port);
                }
            }
            match ports.as_slice() {
                [] if self.cluster_ip != "None" => {
                    return Err(Failure::message("couldn't find port via --port flag or introspection"));
                }
                [] => {}
                [one] => self.port = one.to_string(),
                many => self.ports = many.join(","),
            }
        }
        if !served.is_empty() {
            self.protocols = served;
        }
        if self.labels.is_empty() {
            self.labels = object.map_at(&["metadata", "labels"]).map(joined).unwrap_or_default();
        }
        Ok(())
    }

    /// The service for an object of this name.
    pub fn object(&self, name: &str) -> Result<Object, Failure> {
        if self.selector.is_empty() {
            return Err(Failure::message("selector must be specified"));
        }
        let selector = labels(&self.selector)?;
        let mut metadata = json!({"name": if self.name.is_empty() { short(name) } else { &self.name }});
        if !self.labels.is_empty() {
            metadata.put(&["labels"], labels(&self.labels)?);
        }
        let target = match self.target_port.as_str() {
            "" => None,
            text => Some(text.parse::<i32>().map_or_else(|_| Value::from(text), Value::from)),
        };
        let mut ports = self.port_list()?;
        for port in &mut ports {
            let value = target.clone().unwrap_or_else(|| port["port"].clone());
            port.put(&["targetPort"], value);
        }
        if !matches!(self.session_affinity.as_str(), "" | "None" | "ClientIP") {
            return Err(Failure::message(format!("unknown session affinity: {}", self.session_affinity)));
        }
        let mut spec = json!({"selector": selector, "ports": ports});
        if !self.external_ip.is_empty() {
            spec.put(&["externalIPs"], vec![self.external_ip.clone()]);
        }
        for (field, value) in
            [("type", &self.kind), ("sessionAffinity", &self.session_affinity), ("clusterIP", &self.cluster_ip)]
        {
            if !value.is_empty() {
                spec.put(&[field], value.as_str());
            }
        }
        if self.kind == "LoadBalancer" {
            spec.put(&["loadBalancerIP"], self.load_balancer_ip.as_str());
        }
        Ok(json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}))
    }

    /// The ports, each for every protocol that the object serves on it unless one is asked for.
    fn port_list(&self) -> Result<Vec<Value>, Failure> {
        let text = if self.ports.is_empty() { &self.port } else { &self.ports };
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let parts: Vec<&str> = text.split(',').collect();
        let mut ports = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            let port = number(part)?;
            let name = if parts.len() > 1 { format!("port-{}", i + 1) } else { String::new() };
            let served: Vec<&str> =
                self.protocols.iter().filter(|(port, _)| port == part).map(|(_, protocol)| protocol.as_str()).collect();
            match (self.protocol.as_str(), served.as_slice()) {
                ("", []) => ports.push(json!({"name": name, "port": port, "protocol": "TCP"})),
                ("", [one]) => ports.push(json!({"name": name, "port": port, "protocol": one})),
                ("", many) => ports.extend(many.iter().map(|protocol| {
                    let name = format!("port-{}-{}", i + 1, protocol.to_lowercase());
                    json!({"name": name, "port": port, "protocol": protocol})
                })),
                (asked, _) => ports.push(json!({"name": name, "port": port, "protocol": asked})),
            }
        }
        Ok(ports)
    }
}

fn number(text: &str) -> Result<i32, Failure> {
    let failed = |what: &str| Failure::message(format!("strconv.Atoi: parsing {text:?}: {what}"));
    text.parse::<i64>()
        .map_err(|error| match error.kind() {
            std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => failed("value out of range"),
            _ => failed("invalid syntax"),
        })
        // As Go does: what is too long loses its upper half.
        .map(|number| number as i32)
}

/// A name, cut to the length that a service's may have.
fn short(name: &str) -> &str {
    name.get(..LONGEST).unwrap_or(name)
}

fn joined(map: &Map<String, Value>) -> String {
    map.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect::<Vec<_>>().join(",")
}

fn labels(text: &str) -> Result<Value, Failure> {
    let one = |part: &str| match part.split('=').collect::<Vec<_>>()[..] {
        ["", _] => Err(Failure::message("unexpected empty label key")),
        [key, value] => Ok((key.to_string(), Value::from(value))),
        _ => Err(Failure::message(format!("unexpected label spec: {part}"))),
    };
    text.split(',').map(one).collect::<Result<Map<_, _>, _>>().map(Value::Object)
}

/// The labels of the pods that an object stands for.
fn selector(object: &Object) -> Result<String, String> {
    let kind = object.kind();
    let map = |path: &[&str]| object.map_at(path).filter(|map| !map.is_empty()).map(joined);
    match kind {
        "Pod" => map(&["metadata", "labels"]).ok_or_else(|| "the pod has no labels and cannot be exposed".into()),
        "Service" => match object.map_at(&["spec", "selector"]) {
            Some(selector) => Ok(joined(selector)),
            None => Err("the service has no pod selector set".into()),
        },
        "Deployment" | "ReplicaSet" => {
            let selector = map(&["spec", "selector", "matchLabels"])
                .ok_or_else(|| format!("invalid {}: no selectors, therefore cannot be exposed", kind.to_lowercase()))?;
            let expressions = object.items_at(&["spec", "selector", "matchExpressions"]);
            if expressions.is_empty() {
                return Ok(selector);
            }
            let words: Vec<String> = expressions.iter().map(in_words).collect();
            Err(format!("couldn't convert expressions - \"[{}]\" to map-based selector format", words.join(" ")))
        }
        _ => Ok(map(&["spec", "selector"]).unwrap_or_default()),
    }
}

/// An expression as Go prints it with the names of its fields.
fn in_words(expression: &Value) -> String {
    let values: Vec<&str> = expression.items_at(&["values"]).iter().filter_map(Value::as_str).collect();
    let (key, operator) = (expression.text(&["key"]), expression.text(&["operator"]));
    format!("{{Key:{key} Operator:{operator} Values:[{}]}}", values.join(" "))
}

/// On which ports what the object stands for serves, and by which protocol, in order.
fn served(object: &Object) -> Vec<(String, String)> {
    let pair = |port: &Value, field: &str| {
        let protocol = Some(port.text(&["protocol"])).filter(|protocol| !protocol.is_empty()).unwrap_or("TCP");
        (port.integer(&[field]).unwrap_or_default().to_string(), protocol.to_string())
    };
    if object.kind() == "Service" {
        return object.items_at(&["spec", "ports"]).iter().map(|port| pair(port, "port")).collect();
    }
    let containers = pod_template::spec(object).map_or(&[][..], |spec| spec.items_at(&["containers"]));
    containers
        .iter()
        .flat_map(|container| container.items_at(&["ports"]).iter().map(|port| pair(port, "containerPort")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(ports: Value) -> Object {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}},
            "spec": {"containers": [{"ports": ports}]}})
    }

    fn made(mut service: Service, object: &Object) -> Result<Object, Failure> {
        service.complete(object)?;
        service.object(object.name())
    }

    #[test]
    fn ports_and_labels_are_found_out() {
        let one = pod(json!([{"containerPort": 80}]));
        assert_eq!(
            made(Service::default(), &one).unwrap(),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "p", "labels": {"a": "b"}},
                "spec": {"selector": {"a": "b"}, "ports": [{"name": "", "port": 80, "protocol": "TCP", "targetPort": 80}]}})
        );
        let several = pod(
            json!([{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53}, {"containerPort": 80, "protocol": "SCTP"}]),
        );
        let names = |object: Object| -> Vec<String> {
            let ports = object["spec"]["ports"].as_array().unwrap().clone();
            ports.iter().map(|p| format!("{}:{}/{}", p.text(&["name"]), p["port"], p.text(&["protocol"]))).collect()
        };
        assert_eq!(
            names(made(Service::default(), &several).unwrap()),
            ["port-1-udp:53/UDP", "port-1-tcp:53/TCP", "port-2:80/SCTP"]
        );
        let asked = Service { port: "1,2".into(), protocol: "UDP".into(), ..Service::default() };
        assert_eq!(names(made(asked, &several).unwrap()), ["port-1:1/UDP", "port-2:2/UDP"]);
    }

    #[test]
    fn what_is_missing_is_said() {
        let none = pod(json!([]));
        let bare = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}});
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}});
        for (service, object, words) in [
            (Service::default(), &none, "couldn't find port via --port flag or introspection"),
            (Service::default(), &bare, "the pod has no labels and cannot be exposed"),
            (Service::default(), &deployment, "invalid deployment: no selectors, therefore cannot be exposed"),
            (
                Service { port: "x".into(), ..Service::default() },
                &none,
                "strconv.Atoi: parsing \\\"x\\\": invalid syntax",
            ),
            (Service { labels: "a".into(), port: "1".into(), ..Service::default() }, &none, "unexpected label spec: a"),
            (
                Service { session_affinity: "x".into(), port: "1".into(), ..Service::default() },
                &none,
                "unknown session affinity: x",
            ),
        ] {
            let failure = format!("{:?}", made(service, object).unwrap_err());
            assert!(failure.contains(words), "{failure}");
        }
        assert!(made(Service { cluster_ip: "None".into(), ..Service::default() }, &none).is_ok());
        assert!(check(&none).is_ok() && check(&json!({"apiVersion": "batch/v1", "kind": "Job"})).is_err());
    }
}
