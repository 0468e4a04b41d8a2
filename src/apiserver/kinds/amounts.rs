//! What the containers of a pod ask for together, and the quality of service that follows from it.

use crate::api::{ObjectExt, Quantity, Value};
use std::collections::BTreeMap;

/// Quantities by the names of resources.
pub type Amounts = BTreeMap<String, Quantity>;

/// The quantities of a list of resources in a value; what is none is left out.
pub fn amounts(value: &Value, path: &[&str]) -> Amounts {
    let entries = value.map_at(path).into_iter().flatten();
    entries.filter_map(|(name, amount)| Some((name.clone(), amount.as_str()?.parse().ok()?))).collect()
}

/// Adds quantities to others.
pub fn add(sum: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let whole = sum.get(name).map_or(*amount, |have| have.plus(amount));
        sum.insert(name.clone(), whole);
    }
}

fn widen(sum: &mut Amounts, other: Amounts) {
    for (name, amount) in other {
        let whole = sum.get(&name).map_or(amount, |have| (*have).max(amount));
        sum.insert(name, whole);
    }
}

/// The `requests` or `limits` of all containers of a pod's spec: those that run at the same time together, and the
/// largest of what runs before them (KEP-753).
pub fn sums(spec: &Value, part: &str) -> Amounts {
    let mut sum = Amounts::new();
    for container in spec.items_at(&["containers"]) {
        add(&mut sum, &amounts(container, &["resources", part]));
    }
    let (mut sidecars, mut before) = (Amounts::new(), Amounts::new());
    for container in spec.items_at(&["initContainers"]) {
        let mut own = amounts(container, &["resources", part]);
        if container.text(&["restartPolicy"]) == "Always" {
            add(&mut sum, &own);
            add(&mut sidecars, &own);
            own = sidecars.clone();
        } else {
            add(&mut own, &sidecars);
        }
        widen(&mut before, own);
    }
    widen(&mut sum, before);
    sum
}

/// The `requests` or `limits` of a pod's spec: those of the pod itself where it has them (KEP-2837), and else the
/// [`sums`] of its containers.
pub fn pod_amounts(spec: &Value, part: &str) -> Amounts {
    let mut sum = sums(spec, part);
    sum.extend(amounts(spec, &["resources", part]));
    sum
}

/// The quality of service of a pod's spec: `Guaranteed`, `Burstable` or `BestEffort`.
pub fn quality_of_service(spec: &Value) -> &'static str {
    let own = spec.get("resources");
    let counted = |name: &str| name == "cpu" || name == "memory";
    let mut requests = Amounts::new();
    let mut limits = Amounts::new();
    let mut guaranteed = true;
    let pod_level = own.is_some_and(|own| own.get("requests").is_some() || own.get("limits").is_some());
    let whole = serde_json::json!({"resources": own});
    let containers: Vec<&Value> = if pod_level {
        vec![&whole]
    } else {
        spec.items_at(&["containers"]).iter().chain(spec.items_at(&["initContainers"])).collect()
    };
    for container in containers {
        let positive = |part: &str| {
            let mut amounts = amounts(container, &["resources", part]);
            amounts.retain(|name, amount| counted(name) && amount.sign() > 0);
            amounts
        };
        add(&mut requests, &positive("requests"));
        let own_limits = positive("limits");
        guaranteed &= own_limits.len() == 2;
        add(&mut limits, &own_limits);
    }
    if requests.is_empty() && limits.is_empty() {
        "BestEffort"
    } else if guaranteed && requests == limits {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn classes_of_service() {
        let all = json!({"cpu": "1", "memory": "1Gi"});
        for (spec, class) in [
            (json!({"containers": [{}]}), "BestEffort"),
            (json!({"containers": [{"resources": {"requests": {"example.com/x": "1"}}}]}), "BestEffort"),
            (json!({"containers": [{"resources": {"requests": {"cpu": "1"}}}]}), "Burstable"),
            (json!({"containers": [{"resources": {"requests": all, "limits": all}}]}), "Guaranteed"),
            (json!({"containers": [{"resources": {"requests": all, "limits": all}}, {}]}), "Burstable"),
            (json!({"containers": [{}], "resources": {"requests": all, "limits": all}}), "Guaranteed"),
        ] {
            assert_eq!(quality_of_service(&spec), class, "{spec}");
        }
    }

    #[test]
    fn what_containers_ask_for_together() {
        let cpu = |amount: &str| json!({"requests": {"cpu": amount}});
        let spec = json!({"containers": [{"resources": cpu("100m")}, {"resources": cpu("200m")}],
            "initContainers": [{"restartPolicy": "Always", "resources": cpu("50m")}, {"resources": cpu("400m")}]});
        assert_eq!(sums(&spec, "requests")["cpu"].to_string(), "450m");
    }
}
