//! What a namespace may hold and use at most (ResourceQuota).
//!
//! In a cluster a controller counts what is there; here each admission counts, and whoever deletes something has the
//! count taken again. A quota's status is written with the object that it was charged for, in one transaction, so that
//! two requests cannot both have the last of something.

use super::super::errors::Answer;
use super::super::kinds::amounts::{Amounts, add, amounts, pod_amounts, quality_of_service};
use super::super::kinds::resources::is_extended;
use super::super::pipeline::{Server, store_failure};
use super::super::registry::Served;
use super::super::store::{Change, Expect, StoreError, Write};
use super::{Asked, Operation};
use crate::api::group::qualified;
use crate::api::{ObjectExt, Quantity, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The kinds that a quota may name without `count/`.
const COUNTED: [&str; 6] =
    ["configmaps", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas", "secrets", "services"];
/// What every container has to ask for when a quota names it.
const ASKED_FOR: [&str; 6] = ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];
/// What follows a storage class's name.
const OF_CLASS: &str = ".storageclass.storage.k8s.io/";

impl Server {
    /// Charges the quotas of a namespace for an object, or refuses it.
    pub(super) async fn charge(&self, asked: &Asked<'_>, object: &Value) -> Answer<Vec<Write>> {
        if !asked.is_charged(object) {
            return Ok(Vec::new());
        }
        let Some(quotas) = self.registry.core("resourcequotas") else { return Ok(Vec::new()) };
        let mut writes = Vec::new();
        for entry in self.all(quotas, asked.namespace).await? {
            let quota = quotas.value(&entry.object, entry.revision);
            let hard = amounts(&quota, &["spec", "hard"]);
            let relevant: Vec<&str> =
                hard.keys().map(String::as_str).filter(|name| is_used_by(asked.served, name)).collect();
            if relevant.is_empty() || !in_scope(&quota, asked.served, object) {
                continue;
            }
            if asked.is_for("", "pods")
                && let Some(missing) = missing_requests(object, &relevant)
            {
                let why = format!("failed quota: {}: must specify {missing}", quota.name());
                return Err(asked.refuse(object, &why));
            }
            let before =
                asked.old.filter(|old| in_scope(&quota, asked.served, old)).map(|old| usage(asked.served, old));
            let mut wanted = usage(asked.served, object);
            wanted.retain(|name, _| hard.contains_key(name));
            for (name, amount) in before.into_iter().flatten() {
                if let Some(wanted) = wanted.get_mut(&name) {
                    *wanted = wanted.minus(&amount);
                }
            }
            wanted.retain(|_, amount| amount.sign() > 0);
            if wanted.is_empty() {
                continue;
            }
            let mut used = self.used(&quota, &hard, asked.namespace).await?;
            let over: BTreeSet<&String> = wanted
                .iter()
                .filter(|(name, amount)| used.get(*name).is_some_and(|used| used.plus(amount) > hard[*name]))
                .map(|(name, _)| name)
                .collect();
            if !over.is_empty() {
                let list = |amounts: &Amounts| {
                    let over = amounts.iter().filter(|(name, _)| over.contains(name));
                    over.map(|(name, amount)| format!("{name}={amount}")).collect::<Vec<_>>().join(",")
                };
                let (requested, used, limited) = (list(&wanted), list(&used), list(&hard));
                let name = quota.name();
                let why = format!("exceeded quota: {name}, requested: {requested}, used: {used}, limited: {limited}");
                return Err(asked.refuse(object, &why));
            }
            add(&mut used, &wanted);
            let key = self.key(quotas, asked.namespace, quota.name());
            let change = Change::Put(quotas.encode(&with_status(quota, &used)));
            writes.push(Write { key, expect: Expect::At(entry.revision), change });
        }
        Ok(writes)
    }

    /// Counts again what a namespace holds, for those quotas that have been charged.
    pub(in super::super) async fn recount(&self, namespace: &str) -> Answer<()> {
        let Some(quotas) = self.registry.core("resourcequotas") else { return Ok(()) };
        for entry in self.all(quotas, namespace).await? {
            let quota = quotas.value(&entry.object, entry.revision);
            if quota.at(&["status", "used"]).is_none() {
                continue;
            }
            let used = self.used(&quota, &amounts(&quota, &["spec", "hard"]), namespace).await?;
            let key = self.key(quotas, namespace, quota.name());
            let object = quotas.encode(&with_status(quota, &used));
            if object.same_as(&entry.object) {
                continue;
            }
            let write = Write { key, expect: Expect::At(entry.revision), change: Change::Put(object) };
            match self.store.commit(vec![write]).await {
                // Whoever came first has counted.
                Ok(_) | Err(StoreError::Conflict(..)) => {}
                Err(other) => return Err(store_failure(other)),
            }
        }
        Ok(())
    }

    /// What of the hard limits of a quota is used.
    async fn used(&self, quota: &Value, hard: &Amounts, namespace: &str) -> Answer<Amounts> {
        let mut used: Amounts = hard.keys().map(|name| (name.clone(), Quantity::whole(0))).collect();
        let mut seen = BTreeSet::new();
        for served in &self.registry.all() {
            let is_used = served.info.namespaced() && hard.keys().any(|name| is_used_by(served, name));
            if !is_used || !seen.insert(served.collection.clone()) {
                continue;
            }
            for entry in self.all(served, namespace).await? {
                let object = served.value(&entry.object, entry.revision);
                if in_scope(quota, served, &object) {
                    let mut own = usage(served, &object);
                    own.retain(|name, _| hard.contains_key(name));
                    add(&mut used, &own);
                }
            }
        }
        Ok(used)
    }
}

impl Asked<'_> {
    /// Whether quotas have to be asked.
    fn is_charged(&self, object: &Value) -> bool {
        let is_pod = self.is_for("", "pods");
        let has_deadline = |pod: &Value| pod.integer(&["spec", "activeDeadlineSeconds"]).is_some();
        self.served.info.namespaced()
            && match (self.operation, self.subresource) {
                (Operation::Create, "") => true,
                (Operation::Update, "resize") => is_pod,
                (Operation::Update, "") if is_pod => {
                    self.old.is_some_and(|old| has_deadline(old) != has_deadline(object))
                }
                (Operation::Update, "") => self.is_for("", "services") || self.is_for("", "persistentvolumeclaims"),
                _ => false,
            }
    }
}

fn with_status(mut quota: Value, used: &Amounts) -> Value {
    let hard = quota.at(&["spec", "hard"]).cloned().unwrap_or_default();
    let used: BTreeMap<&String, String> = used.iter().map(|(name, amount)| (name, amount.to_string())).collect();
    quota.put(&["status"], serde_json::json!({"hard": hard, "used": used}));
    quota
}

/// Whether objects of a resource use what a quota calls by this name.
fn is_used_by(served: &Served, name: &str) -> bool {
    let (group, resource) = (served.kind.group.as_str(), served.info.resource.as_str());
    if name.strip_prefix("count/") == Some(&qualified(resource, group)) {
        return true;
    }
    let is_compute = || {
        let name = name.strip_prefix("requests.").or(name.strip_prefix("limits.")).unwrap_or(name);
        ["cpu", "memory", "ephemeral-storage"].contains(&name) || name.starts_with("hugepages-") || name.contains('/')
    };
    match (group, resource) {
        ("", "pods") => name == "pods" || !name.starts_with("count/") && !name.contains(OF_CLASS) && is_compute(),
        ("", "services") => name == resource || name == "services.loadbalancers" || name == "services.nodeports",
        ("", "persistentvolumeclaims") => name == resource || name == "requests.storage" || name.contains(OF_CLASS),
        ("", _) => name == resource && COUNTED.contains(&name),
        _ => false,
    }
}

/// What an object uses, by the names that quotas have for it.
fn usage(served: &Served, object: &Value) -> Amounts {
    let (group, resource) = (served.kind.group.as_str(), served.info.resource.as_str());
    let mut used = Amounts::from([(format!("count/{}", qualified(resource, group)), Quantity::whole(1))]);
    match (group, resource) {
        ("", "pods") => pod_usage(object, &mut used),
        ("", "services") => {
            let ports = object.items_at(&["spec", "ports"]);
            let kind = object.text(&["spec", "type"]);
            let chosen = ports.iter().filter(|port| port.integer(&["nodePort"]).is_some_and(|port| port != 0)).count();
            let wants_all = object.at(&["spec", "allocateLoadBalancerNodePorts"]) != Some(&false.into());
            let node_ports = match kind {
                "NodePort" => ports.len(),
                "LoadBalancer" => {
                    if wants_all {
                        ports.len()
                    } else {
                        chosen
                    }
                }
                _ => 0,
            };
            let count = |count: usize| Quantity::whole(i64::try_from(count).unwrap_or(i64::MAX));
            used.insert("services".into(), count(1));
            used.insert("services.loadbalancers".into(), count(usize::from(kind == "LoadBalancer")));
            used.insert("services.nodeports".into(), count(node_ports));
        }
        ("", "persistentvolumeclaims") => {
            let old_form = object.annotation("volume.beta.kubernetes.io/storage-class");
            let class = old_form.unwrap_or(object.text(&["spec", "storageClassName"]));
            let mut own = vec![("persistentvolumeclaims", Quantity::whole(1))];
            if let Ok(storage) = object.text(&["spec", "resources", "requests", "storage"]).parse() {
                own.push(("requests.storage", storage));
            }
            for (name, amount) in own {
                used.insert(name.into(), amount);
                if !class.is_empty() {
                    used.insert(format!("{class}{OF_CLASS}{name}"), amount);
                }
            }
        }
        ("", resource) if COUNTED.contains(&resource) => {
            used.insert(resource.into(), Quantity::whole(1));
        }
        _ => {}
    }
    used
}

/// A pod that has ended uses nothing but its place.
fn pod_usage(pod: &Value, used: &mut Amounts) {
    if ["Failed", "Succeeded"].contains(&pod.text(&["status", "phase"])) {
        return;
    }
    used.insert("pods".into(), Quantity::whole(1));
    let overhead = amounts(pod, &["spec", "overhead"]);
    let (mut requests, mut limits) = (pod_amounts(&pod["spec"], "requests"), pod_amounts(&pod["spec"], "limits"));
    add(&mut requests, &overhead);
    for (name, more) in &overhead {
        if let Some(limit) = limits.get_mut(name) {
            *limit = limit.plus(more);
        }
    }
    used.extend(container_usage(&requests, &limits));
}

fn container_usage(requests: &Amounts, limits: &Amounts) -> Amounts {
    let mut used = Amounts::new();
    for (name, amount) in requests {
        let is_plain =
            ["cpu", "memory", "ephemeral-storage"].contains(&name.as_str()) || name.starts_with("hugepages-");
        if is_plain {
            used.insert(name.clone(), *amount);
        }
        if is_plain || is_extended(name) {
            used.insert(format!("requests.{name}"), *amount);
        }
    }
    for (name, amount) in
        limits.iter().filter(|(name, _)| ["cpu", "memory", "ephemeral-storage"].contains(&name.as_str()))
    {
        used.insert(format!("limits.{name}"), *amount);
    }
    used
}

/// What containers of a pod do not ask for although a quota names it: `cpu for: a,b; memory for: a`.
fn missing_requests(pod: &Value, relevant: &[&str]) -> Option<String> {
    if pod.at(&["spec", "resources"]).is_some_and(|own| own.get("requests").or(own.get("limits")).is_some()) {
        return None;
    }
    let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for container in pod.items_at(&["spec", "containers"]).iter().chain(pod.items_at(&["spec", "initContainers"])) {
        let part = |part| amounts(container, &["resources", part]);
        let used = container_usage(&part("requests"), &part("limits"));
        for name in relevant.iter().filter(|name| ASKED_FOR.contains(*name) && !used.contains_key(**name)) {
            missing.entry(name).or_default().insert(container.text(&["name"]));
        }
    }
    let lines: Vec<String> = missing
        .into_iter()
        .map(|(name, containers)| format!("{name} for: {}", containers.into_iter().collect::<Vec<_>>().join(",")))
        .collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

/// Whether an object is of those that a quota is about.
fn in_scope(quota: &Value, served: &Served, object: &Value) -> bool {
    let scopes = quota.items_at(&["spec", "scopes"]).iter().filter_map(Value::as_str).map(|scope| (scope, None));
    let expressions = quota.items_at(&["spec", "scopeSelector", "matchExpressions"]);
    let selected = expressions.iter().map(|expression| (expression.text(&["scopeName"]), Some(expression)));
    let is_pod = served.kind.group.is_empty() && served.info.resource == "pods";
    scopes.chain(selected).all(|(scope, expression)| is_pod && pod_in_scope(scope, expression, object))
}

fn pod_in_scope(scope: &str, expression: Option<&Value>, pod: &Value) -> bool {
    let ends = || pod.integer(&["spec", "activeDeadlineSeconds"]).is_some_and(|seconds| seconds >= 0);
    let best_effort = || quality_of_service(&pod["spec"]) == "BestEffort";
    match scope {
        "Terminating" => ends(),
        "NotTerminating" => !ends(),
        "BestEffort" => best_effort(),
        "NotBestEffort" => !best_effort(),
        "PriorityClass" => {
            let class = pod.text(&["spec", "priorityClassName"]);
            let among = |expression: &Value| expression.items_at(&["values"]).iter().any(|value| value == class);
            match expression.map(|expression| (expression.text(&["operator"]), expression)) {
                Some(("In", expression)) => !class.is_empty() && among(expression),
                Some(("NotIn", expression)) => !among(expression),
                Some(("DoesNotExist", _)) => class.is_empty(),
                _ => !class.is_empty(),
            }
        }
        "CrossNamespacePodAffinity" => ["podAffinity", "podAntiAffinity"].iter().any(|affinity| {
            let at = ["spec", "affinity", affinity];
            let rules = pod.at(&at);
            let own = |list| rules.map_or(&[][..], |rules| rules.items_at(&[list]));
            let required = own("requiredDuringSchedulingIgnoredDuringExecution").iter();
            let preferred = own("preferredDuringSchedulingIgnoredDuringExecution").iter();
            required
                .chain(preferred.filter_map(|term| term.get("podAffinityTerm")))
                .any(|term| !term.items_at(&["namespaces"]).is_empty() || term.get("namespaceSelector").is_some())
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_pods_use_and_lack() {
        let pod = json!({"spec": {"containers": [
            {"name": "a", "resources": {"requests": {"cpu": "1", "example.com/gpu": "2"}, "limits": {"cpu": "2"}}},
            {"name": "b"}
        ]}});
        let mut used = Amounts::new();
        pod_usage(&pod, &mut used);
        let lines: Vec<String> = used.iter().map(|(name, amount)| format!("{name}={amount}")).collect();
        assert_eq!(lines, ["cpu=1", "limits.cpu=2", "pods=1", "requests.cpu=1", "requests.example.com/gpu=2"]);
        assert_eq!(
            missing_requests(&pod, &["limits.memory", "pods", "requests.cpu"]).unwrap(),
            "limits.memory for: a,b; requests.cpu for: b"
        );
        assert_eq!(missing_requests(&pod, &["pods"]), None);
    }

    #[test]
    fn scopes_choose_pods() {
        let pod =
            json!({"spec": {"containers": [{"name": "a"}], "priorityClassName": "high", "activeDeadlineSeconds": 5}});
        let high = json!({"operator": "In", "values": ["high"]});
        let others = json!({"operator": "NotIn", "values": ["high"]});
        for (scope, expression, expected) in [
            ("Terminating", None, true),
            ("NotTerminating", None, false),
            ("BestEffort", None, true),
            ("NotBestEffort", None, false),
            ("PriorityClass", None, true),
            ("PriorityClass", Some(&high), true),
            ("PriorityClass", Some(&others), false),
            ("CrossNamespacePodAffinity", None, false),
        ] {
            assert_eq!(pod_in_scope(scope, expression, &pod), expected, "{scope} {expression:?}");
        }
    }
}
