//! Nodes, and what the pods on one ask for.

use super::context::{Context, Lookup};
use super::read::{Scalar, canonical, entries, flag, number, some, text, texts};
use super::writer::Writer;
use super::{Error, conditions, labels};
use crate::api::quantity::Quantity;
use crate::api::{ObjectExt, Value};
use std::collections::BTreeMap;

/// What a node's description needs: its pods, its lease and its resource slices.
pub fn needs(node: &Value) -> Vec<Lookup> {
    vec![pods(node), lease(node), slices(node)]
}

fn pods(node: &Value) -> Lookup {
    let fields = format!("spec.nodeName={},status.phase!=Succeeded,status.phase!=Failed", node.name());
    Lookup::list("", "v1", "pods", "", "", &fields)
}

fn lease(node: &Value) -> Lookup {
    Lookup::one("coordination.k8s.io", "v1", "leases", "kube-node-lease", node.name())
}

fn slices(node: &Value) -> Lookup {
    Lookup::list("resource.k8s.io", "v1", "resourceslices", "", "", &format!("spec.nodeName={}", node.name()))
}

/// Describes a Node.
pub fn write(w: &mut Writer, object: &Value, context: &Context) -> Result<(), Error> {
    let pods = match context.found(&pods(object)) {
        Ok(pods) => Some(pods),
        Err(status) if status.reason == "Forbidden" => None,
        Err(status) => return Err(status.into()),
    };
    w.field(0, "Name", object.name());
    let roles = roles(object);
    w.field(0, "Roles", if roles.is_empty() { "<none>".into() } else { roles.join(",") });
    labels::labels_and_annotations(w, object);
    w.field(0, "CreationTimestamp", context.time(object.text(&["metadata", "creationTimestamp"])));
    labels::taints(w, object);
    w.field(0, "Unschedulable", flag(object, &["spec", "unschedulable"]));
    write_lease(w, object, context);
    conditions::write(w, object, conditions::NODE, context);
    w.line(0, "Addresses:");
    for address in object.items_at(&["status", "addresses"]) {
        w.field(1, address.text(&["type"]), address.text(&["address"]));
    }
    for (heading, key) in [("Capacity", "capacity"), ("Allocatable", "allocatable")] {
        let mut resources = entries(object, &["status", key]).peekable();
        if resources.peek().is_some() {
            w.line(0, format_args!("{heading}:"));
        }
        resources.for_each(|(name, amount)| w.field(1, name, canonical(amount)));
    }
    pools(w, context.found(&slices(object)).unwrap_or_default());
    w.line(0, "System Info:");
    for (heading, key) in [
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
    ] {
        w.field(1, heading, object.text(&["status", "nodeInfo", key]));
    }
    text(object, &["spec", "podCIDR"]).into_iter().for_each(|range| w.field(0, "PodCIDR", range));
    let ranges = texts(object, &["spec", "podCIDRs"]);
    if !ranges.is_empty() {
        w.field(0, "PodCIDRs", ranges.join(","));
    }
    text(object, &["spec", "providerID"]).into_iter().for_each(|id| w.field(0, "ProviderID", id));
    match pods {
        Some(pods) => usage(w, object, pods, context),
        None => w.field(0, "Pods", "not authorized"),
    }
    Ok(())
}

/// A node's roles: from labels `node-role.kubernetes.io/<role>` and `kubernetes.io/role`.
fn roles(node: &Value) -> Vec<String> {
    let labels = entries(node, &["metadata", "labels"]);
    let mut roles: Vec<String> = labels
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            None if key == "kubernetes.io/role" => value.as_str().map(String::from),
            role => role.map(String::from),
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}

fn write_lease(w: &mut Writer, node: &Value, context: &Context) {
    let lease = match context.found(&lease(node)) {
        Ok(lease) => lease.first().unwrap_or(&Value::Null),
        Err(status) => return w.field(0, "Lease", format_args!("Failed to get lease: {}", status.message)),
    };
    w.line(0, "Lease:");
    let holder = some(lease, &["spec", "holderIdentity"]).map(|holder| Scalar(holder).to_string());
    w.field(1, "HolderIdentity", holder.unwrap_or_else(|| "<unset>".into()));
    for (heading, key) in [("AcquireTime", "acquireTime"), ("RenewTime", "renewTime")] {
        let time = text(lease, &["spec", key]).map(|time| context.time(time));
        w.field(1, heading, time.unwrap_or_else(|| "<unset>".into()));
    }
}

/// Writes the pools of devices that are on the node.
fn pools(w: &mut Writer, slices: &[Value]) {
    const SHOWN: usize = 10;
    let mut pools: BTreeMap<String, (&str, &str, usize, usize)> = BTreeMap::new();
    for slice in slices {
        let (driver, pool) = (slice.text(&["spec", "driver"]), slice.text(&["spec", "pool", "name"]));
        let counts = pools.entry(format!("{driver}/{pool}")).or_insert((driver, pool, 0, 0));
        counts.2 += 1;
        counts.3 += slice.items_at(&["spec", "devices"]).len();
    }
    if pools.is_empty() {
        return;
    }
    w.line(0, "Node-Local ResourceSlices:");
    w.line(1, "Driver\tPool\tSlices\tDevices");
    w.line(1, "------\t----\t------\t-------");
    for (driver, pool, slices, devices) in pools.values().take(SHOWN) {
        w.line(1, format_args!("{driver}\t{pool}\t{slices}\t{devices}"));
    }
    if pools.len() > SHOWN {
        w.line(1, format_args!("...and {} more pools", pools.len() - SHOWN));
    }
}

/// Amounts of resources by name.
type Amounts = BTreeMap<String, Quantity>;

fn amounts(value: &Value, path: &[&str]) -> Amounts {
    entries(value, path).filter_map(|(name, amount)| Some((name.clone(), number(amount)?))).collect()
}

fn add(total: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let sum = total.get(name).map_or(*amount, |sum| sum.plus(amount));
        total.insert(name.clone(), sum);
    }
}

fn raise(total: &mut Amounts, other: Amounts) {
    for (name, amount) in other {
        if total.get(&name).is_none_or(|sum| amount > *sum) {
            total.insert(name, amount);
        }
    }
}

/// What a pod asks for (`requests`) or is held to (`limits`): the sum of its containers, or what its init containers
/// need before that if it is more, what is said for the pod as a whole, and the overhead of its runtime class. With
/// `actual`, what containers have now counts where it is more.
fn of_pod(pod: &Value, kind: &str, actual: bool) -> Amounts {
    let of = |container: &Value, statuses: &str| {
        let mut own = amounts(container, &["resources", kind]);
        let name = container.text(&["name"]);
        let mut statuses = pod.items_at(&["status", statuses]).iter();
        let status = statuses.find(|status| actual && status.text(&["name"]) == name);
        if let Some(status) = status.filter(|status| some(status, &["resources"]).is_some()) {
            let now = amounts(status, &["resources", kind]);
            if resize_is_infeasible(pod) {
                return now;
            }
            raise(&mut own, now);
            if kind == "requests" {
                raise(&mut own, amounts(status, &["allocatedResources"]));
            }
        }
        own
    };
    let mut total = Amounts::new();
    for container in pod.items_at(&["spec", "containers"]) {
        add(&mut total, &of(container, "containerStatuses"));
    }
    let (mut sidecars, mut most) = (Amounts::new(), Amounts::new());
    for container in pod.items_at(&["spec", "initContainers"]) {
        let own = of(container, "initContainerStatuses");
        if container.text(&["restartPolicy"]) == "Always" {
            // It runs on beside the containers.
            add(&mut total, &own);
            add(&mut sidecars, &own);
            raise(&mut most, sidecars.clone());
        } else {
            let mut together = own;
            add(&mut together, &sidecars);
            raise(&mut most, together);
        }
    }
    raise(&mut total, most);
    let whole = amounts(pod, &["spec", "resources", kind]);
    total.extend(
        whole
            .into_iter()
            .filter(|(name, _)| matches!(name.as_str(), "cpu" | "memory") || name.starts_with("hugepages-")),
    );
    let mut overhead = amounts(pod, &["spec", "overhead"]);
    if kind == "limits" {
        overhead.retain(|name, _| total.contains_key(name));
    }
    add(&mut total, &overhead);
    total
}

fn resize_is_infeasible(pod: &Value) -> bool {
    let mut conditions = pod.items_at(&["status", "conditions"]).iter();
    conditions.any(|c| c.text(&["type"]) == "PodResizePending" && c.text(&["reason"]) == "Infeasible")
}

/// `500m (25%)`: an amount, and what part it is of what there is.
fn part(amount: Option<&Quantity>, name: &str, allocatable: &Amounts, checked: bool) -> String {
    let units = |quantity: Option<&Quantity>| match (quantity, name) {
        (None, _) => 0,
        (Some(quantity), "cpu") => quantity.milli_value(),
        (Some(quantity), _) => quantity.value(),
    };
    let all = units(allocatable.get(name));
    let percent = if checked && all == 0 { 0.0 } else { units(amount) as f64 / all as f64 * 100.0 };
    // What no integer can be is the least of them, as Go has it on most machines.
    let percent = if percent.is_finite() { percent as i64 } else { i64::MIN };
    format!("{} ({percent}%)", shown(amount))
}

fn shown(amount: Option<&Quantity>) -> String {
    amount.map_or_else(|| "0".into(), Quantity::to_string)
}

/// Writes what each pod on the node asks for, and what all do.
fn usage(w: &mut Writer, node: &Value, pods: &[Value], context: &Context) {
    let mut allocatable = amounts(node, &["status", "allocatable"]);
    if allocatable.is_empty() {
        allocatable = amounts(node, &["status", "capacity"]);
    }
    w.field(0, "Non-terminated Pods", format_args!("({} in total)", pods.len()));
    w.line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge");
    w.line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---");
    let (mut requests, mut limits) = (Amounts::new(), Amounts::new());
    for pod in pods {
        let now = [of_pod(pod, "requests", true), of_pod(pod, "limits", true)];
        let cell = |kind: usize, name: &str| part(now[kind].get(name), name, &allocatable, false);
        let cells = [cell(0, "cpu"), cell(1, "cpu"), cell(0, "memory"), cell(1, "memory")].join("\t");
        let age = context.age(pod.text(&["metadata", "creationTimestamp"]));
        w.line(1, format_args!("{}\t{}\t\t{cells}\t{age}", pod.namespace(), pod.name()));
        add(&mut requests, &of_pod(pod, "requests", false));
        add(&mut limits, &of_pod(pod, "limits", false));
    }
    w.line(0, "Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)");
    w.line(1, "Resource\tRequests\tLimits");
    w.line(1, "--------\t--------\t------");
    const STANDARD: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
    let pages = allocatable.keys().map(String::as_str).filter(|name| name.starts_with("hugepages-"));
    for name in STANDARD.into_iter().chain(pages) {
        let cell = |amounts: &Amounts| part(amounts.get(name), name, &allocatable, true);
        w.line(1, format_args!("{name}\t{}\t{}", cell(&requests), cell(&limits)));
    }
    let counted = |name: &str| STANDARD.contains(&name) || name.starts_with("hugepages-") || name == "pods";
    for name in allocatable.keys().filter(|name| !counted(name)) {
        w.line(1, format_args!("{name}\t{}\t{}", shown(requests.get(name)), shown(limits.get(name))));
    }
}
