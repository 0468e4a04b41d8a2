//! What is wrong with a pod, or with the template of one.

use super::super::amounts::sums;
use super::super::field::{Errors, Field};
use super::super::labels::{validate_annotations, validate_labels};
use super::super::resources::{container_resource_name, pod_resource_name, quantity, requirements};
use super::container::{self, Pod};
use super::{annotations, scheduling, security, volumes};
use crate::api::{Object, Value, names};

/// Complains about a new pod.
pub(super) fn create(pod: &Object, errors: &mut Errors) {
    let root = Field::new("", pod);
    let spec = root.get("spec");
    metadata_and_spec(&root, errors);
    if spec.get("ephemeralContainers").count() > 0 {
        errors.forbidden(spec.get("ephemeralContainers"), "cannot be set on create");
    }
    if !spec.get("nodeName").is_empty() && spec.get("schedulingGates").count() > 0 {
        errors.forbidden(spec.get("nodeName"), "cannot be set until all schedulingGates have been cleared");
    }
    annotations::match_fields(&root.get("metadata"), &spec, errors);
}

/// What is the same for new and changed pods.
pub(super) fn metadata_and_spec(root: &Field, errors: &mut Errors) {
    let (metadata, spec) = (root.get("metadata"), root.get("spec"));
    annotations::validate(&metadata.get("annotations"), &spec, errors);
    pod_spec(&spec, metadata.get("name").text(), true, errors);
    if spec.get("serviceAccountName").is_empty() {
        for volume in spec.get("volumes").items() {
            for source in volume.get("projected.sources").items() {
                if source.get("serviceAccountToken").is_set() {
                    let projected = volume.get("projected");
                    let sources = projected.get("sources");
                    let index = sources.items().position(|other| std::ptr::eq(other.value(), source.value()));
                    let place = sources.item(index.unwrap_or(0));
                    let detail = "must not be specified when serviceAccountName is not set";
                    errors.forbidden(place.get("serviceAccountToken"), detail);
                }
            }
        }
    }
    for list in ["containers", "initContainers"] {
        spec.get(list).items().for_each(|container| container::image_is_trimmed(&container, errors));
    }
}

/// Complains about the template of pods at `template` (its `metadata` and `spec`).
pub(in super::super) fn template(template: &Field, errors: &mut Errors) {
    let (metadata, spec) = (template.get("metadata"), template.get("spec"));
    // kube-apiserver leaves `metadata` out of these paths.
    let (labels, notes) = (template.get("labels"), template.get("annotations"));
    let notes = notes.with(metadata.get("annotations").value());
    validate_labels(&labels.with(metadata.get("labels").value()), errors);
    validate_annotations(&notes, errors);
    annotations::validate(&notes, &spec, errors);
    pod_spec(&spec, "", false, errors);
    annotations::match_fields(&metadata, &spec, errors);
    if spec.get("ephemeralContainers").count() > 0 {
        errors.forbidden(spec.get("ephemeralContainers"), "ephemeral containers not allowed in pod template");
    }
}

/// Complains about the `spec` of a pod; `name` is the pod's, empty in a template.
fn pod_spec(spec: &Field, name: &str, is_pod: bool, errors: &mut Errors) {
    let grace = spec.get("terminationGracePeriodSeconds");
    if !grace.is_set() {
        errors.required(grace, "");
    }
    let volumes = volumes::volumes(&spec.get("volumes"), name, errors);
    let claims = resource_claims(&spec.get("resourceClaims"), errors);
    let users = spec.get("hostUsers");
    let pod = Pod {
        volumes,
        claims,
        grace: grace.integer(),
        os: spec.get("os.name").text(),
        restart_policy: spec.get("restartPolicy").text(),
        host_users: !users.is_set() || users.is_true(),
    };
    let (main, init) = (spec.get("containers"), spec.get("initContainers"));
    container::containers(&main, &pod, errors);
    container::init_containers(&init, &main, &pod, errors);
    container::ephemeral_containers(&spec.get("ephemeralContainers"), spec, &pod, errors);
    pod_resources(spec, &pod, errors);
    host_network_ports(spec, is_pod, errors);
    errors.need_one_of(&spec.get("restartPolicy"), &["Always", "OnFailure", "Never"]);
    errors.need_one_of(&spec.get("dnsPolicy"), &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]);
    scheduling::node_labels(&spec.get("nodeSelector"), errors);
    security::pod_context(&spec.get("securityContext"), spec, errors);
    scheduling::affinity(&spec.get("affinity"), errors);
    dns(spec, errors);
    for gate in spec.get("readinessGates").items() {
        errors.name(&gate.get("conditionType"), names::qualified_name);
    }
    scheduling_gates(&spec.get("schedulingGates"), errors);
    scheduling::topology_spread(&spec.get("topologySpreadConstraints"), errors);
    security::host_processes(spec, errors);
    host_users(spec, &pod, errors);
    host_name(spec, errors);
    optional_name(&spec.get("serviceAccountName"), names::dns1123_subdomain, errors);
    optional_name(&spec.get("nodeName"), names::dns1123_subdomain, errors);
    if spec.get("activeDeadlineSeconds").is_set() {
        errors.within(&spec.get("activeDeadlineSeconds"), 1, i64::from(i32::MAX));
    }
    optional_name(&spec.get("hostname"), names::dns1123_label, errors);
    optional_name(&spec.get("subdomain"), names::dns1123_label, errors);
    scheduling::tolerations(&spec.get("tolerations"), errors);
    for alias in spec.get("hostAliases").items() {
        errors.name(&alias.get("ip"), names::ip);
        alias.get("hostnames").items().for_each(|name| errors.name(&name, names::dns1123_subdomain));
    }
    optional_name(&spec.get("priorityClassName"), names::dns1123_subdomain, errors);
    if spec.get("runtimeClassName").is_set() {
        errors.name(&spec.get("runtimeClassName"), names::dns1123_subdomain);
    }
    if spec.get("preemptionPolicy").is_set() {
        errors.need_one_of(&spec.get("preemptionPolicy"), &["PreemptLowerPriority", "Never"]);
    }
    overhead(&spec.get("overhead"), errors);
    operating_system(spec, errors);
    container::file_key_volumes(spec, errors);
}

fn optional_name(field: &Field, rule: fn(&str) -> Vec<String>, errors: &mut Errors) {
    if !field.is_empty() {
        errors.name(field, rule);
    }
}

/// Complains about the claims of a pod for devices; returns their names.
fn resource_claims<'v>(list: &Field<'v, '_>, errors: &mut Errors) -> Vec<&'v str> {
    let mut seen: Vec<&str> = Vec::new();
    for claim in list.items() {
        let (name, own) = (claim.get("name"), claim.get("resourceClaimName"));
        let template = claim.get("resourceClaimTemplateName");
        if errors.need(&name) {
            if seen.contains(&name.text()) {
                errors.duplicate(name, name.value());
            } else {
                errors.name(&name, names::dns1123_label);
                seen.push(name.text());
            }
        }
        let complaint = match (own.is_set(), template.is_set()) {
            (true, true) => "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified",
            (false, false) => "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`",
            _ => "",
        };
        if !complaint.is_empty() {
            errors.invalid_as(claim, &super::super::internal::print("PodResourceClaim", claim.value()), complaint);
        }
        for reference in [&own, &template].into_iter().filter(|reference| reference.is_set()) {
            errors.name(reference, names::dns1123_subdomain);
        }
    }
    list.items().map(|claim| claim.get("name").text()).filter(|name| !name.is_empty()).collect()
}

/// Complains about what the pod as a whole asks for (KEP-2837).
fn pod_resources(spec: &Field, pod: &Pod, errors: &mut Errors) {
    let resources = spec.get("resources");
    if !resources.is_set() {
        return;
    }
    if pod.os == "windows" {
        errors.forbidden(resources, "may not be set for a windows pod");
        return;
    }
    if resources.get("claims").is_set() {
        errors.forbidden(resources.get("claims"), "claims may not be set for Resources at pod-level");
    }
    requirements(&resources, pod_resource_name, &pod.claims, errors);
    let (requests, limits) = (resources.get("requests"), resources.get("limits"));
    for (name, sum) in sums(spec.value(), "requests") {
        let own = requests.entry(&name);
        if own.is_set() && sum > quantity(&own) {
            errors.reject(&own, &format!("must be greater than or equal to aggregate container requests of {sum}"));
        }
    }
    for (name, sum) in sums(spec.value(), "limits") {
        let own = limits.entry(&name);
        if name.starts_with("hugepages-") && own.is_set() && sum > quantity(&own) {
            errors.reject(&own, &format!("must be greater than or equal to aggregate container limits of {sum}"));
        }
    }
    let place = resources.get("containers");
    for (index, container) in spec.get("containers").items().enumerate() {
        for (name, limit) in container.get("resources.limits").entries() {
            let own = limits.entry(name);
            if own.is_set() && quantity(&limit) > quantity(&own) {
                let detail = format!("must be less than or equal to pod limits of {}", quantity(&own));
                let at = place.item(index);
                let at = at.entry(name);
                errors.invalid(at.get("limits"), limit.value(), &detail);
            }
        }
    }
}

fn host_network_ports(spec: &Field, is_pod: bool, errors: &mut Errors) {
    if !spec.get("hostNetwork").is_true() {
        return;
    }
    for container in spec.get("containers").items() {
        for port in container.get("ports").items() {
            let (host, own) = (port.get("hostPort"), port.get("containerPort"));
            if (is_pod || host.number() != 0) && host.number() != own.number() {
                let detail = "must match `containerPort` when `hostNetwork` is true";
                errors.invalid(host, &host.number().into(), detail);
            }
        }
    }
}

fn dns(spec: &Field, errors: &mut Errors) {
    let config = spec.get("dnsConfig");
    let (servers, searches) = (config.get("nameservers"), config.get("searches"));
    if spec.get("dnsPolicy").text() == "None" {
        if !config.is_set() {
            return errors.required(config, "must provide `dnsConfig` when `dnsPolicy` is None");
        }
        if servers.count() == 0 {
            let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            return errors.required(servers, detail);
        }
    }
    if servers.count() > 3 {
        errors.reject(&servers, "must not have more than 3 nameservers");
    }
    servers.items().for_each(|server| errors.name(&server, names::ip));
    if searches.count() > 32 {
        errors.reject(&searches, "must not have more than 32 search paths");
    }
    let length: usize = searches.items().map(|search| search.text().len() + 1).sum();
    if length > 2048 + 1 {
        errors.reject(&searches, "must not have more than 2048 characters (including spaces) in the search list");
    }
    for search in searches.items().filter(|search| search.text() != ".") {
        let text = Value::from(search.text().strip_suffix('.').unwrap_or(search.text()));
        errors.name(&search.with(&text), names::dns1123_subdomain_with_underscore);
    }
    for option in config.get("options").items().filter(|option| option.get("name").is_empty()) {
        errors.required(option, "must not be empty");
    }
}

fn scheduling_gates(list: &Field, errors: &mut Errors) {
    for (index, gate) in list.items().enumerate() {
        let name = gate.get("name");
        errors.name(&gate.with(name.value()), names::qualified_name);
        if (0..index).any(|before| list.item(before).get("name").text() == name.text()) {
            errors.duplicate(gate, &name.text().into());
        }
    }
}

fn host_users(spec: &Field, pod: &Pod, errors: &mut Errors) {
    if pod.host_users {
        return;
    }
    for (name, path) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
        if spec.get(name).is_true() {
            errors.forbidden(spec.get(path), "when `hostUsers` is false");
        }
    }
    container::each(spec, &mut |container| {
        if container.get("volumeDevices").count() > 0 {
            errors.forbidden(container.get("volumeDevices"), "when `hostUsers` is false");
        }
    });
}

fn host_name(spec: &Field, errors: &mut Errors) {
    let name = spec.get("hostnameOverride");
    if !name.is_set() {
        return;
    }
    if spec.get("setHostnameAsFQDN").is_true() {
        errors.forbidden(name, "may not be specified when setHostnameAsFQDN is true");
    }
    if spec.get("hostNetwork").is_true() {
        errors.forbidden(name, "may not be specified when hostNetwork is true");
    }
    if name.text().len() > 64 {
        errors.too_long(name, 64);
    }
    errors.name(&name, names::dns1123_subdomain);
}

fn overhead(overhead: &Field, errors: &mut Errors) {
    // The overhead counts as limits, and complaints say so.
    let limits = serde_json::json!({"limits": overhead.value()});
    if overhead.is_set() {
        let path = overhead.to_string();
        requirements(&Field::new(&path, &limits), container_resource_name, &[], errors);
    }
}

fn operating_system(spec: &Field, errors: &mut Errors) {
    let os = spec.get("os");
    let name = os.get("name");
    match name.text() {
        _ if !os.is_set() => {}
        "" => errors.required(name, ""),
        "linux" => security::linux(spec, errors),
        "windows" => security::windows(spec, errors),
        _ => errors.one_of(&os.with(name.value()), &["linux", "windows"]),
    }
}
