//! What is wrong with changes of a pod's status.

use super::super::field::{Errors, Field, IMMUTABLE};
use super::super::internal;
use super::annotations;
use crate::api::{Object, names};

/// Complains about a change of a pod's status.
pub(super) fn update(new: &Object, old: &Object, errors: &mut Errors) {
    let (root, old_root) = (Field::new("", new), Field::new("", old));
    let (status, old_status) = (root.get("status"), old_root.get("status"));
    let (spec, old_spec) = (root.get("spec"), old_root.get("spec"));
    annotations::validate_change(
        &root.get("metadata.annotations"),
        &old_root.get("metadata.annotations"),
        &spec,
        errors,
    );
    for condition in status.get("conditions").items() {
        non_negative_generation(&condition.get("observedGeneration"), errors);
        let kind = condition.get("type");
        if !["PodScheduled", "Ready", "Initialized"].contains(&kind.text()) {
            errors.name(&condition.get("Type").with(kind.value()), names::qualified_name);
        }
    }
    let (nominated, old_nominated) = (status.get("nominatedNodeName"), old_status.get("nominatedNodeName"));
    if !nominated.is_empty() && nominated.text() != old_nominated.text() {
        errors.name(&nominated, names::dns1123_subdomain);
        if !old_spec.get("nodeName").is_empty() {
            errors.forbidden(nominated, "may not be set on pods that are already bound to a node");
        }
    }
    non_negative_generation(&status.get("observedGeneration"), errors);
    if status.get("qosClass").text() != old_status.get("qosClass").text() {
        errors.invalid(status.get("qosClass"), &status.get("qosClass").text().into(), IMMUTABLE);
    }
    for list in LISTS {
        transitions(&status.get(list), &old_status.get(list), list, &old_spec, errors);
    }
    claims(&status.get("resourceClaimStatuses"), &spec.get("resourceClaims"), errors);
    extended_claim(&status.get("extendedResourceClaimStatus"), &spec, errors);
    addresses(&status.get("podIPs"), &old_status.get("podIPs"), errors);
    let hosts = status.get("hostIPs");
    if hosts.count() > 0 && hosts.item(0).get("ip").text() != status.get("hostIP").text() {
        errors.reject(&hosts.item(0).get("ip"), "must be equal to `hostIP`");
    }
    addresses(&hosts, &old_status.get("hostIPs"), errors);
    for list in LISTS {
        let statuses = status.get(list);
        statuses.items().for_each(|status| user(&status.get("user"), spec.get("os.name").text(), errors));
    }
    for (list, containers) in LISTS.into_iter().zip([Some("containers"), Some("initContainers"), None]) {
        for status in status.get(list).items() {
            let allocated = status.get("allocatedResourcesStatus");
            match containers {
                Some(containers) => health(&status, &spec.get(containers), errors),
                None if allocated.count() > 0 => {
                    errors.forbidden(allocated, "must not be specified in container status");
                }
                None => {}
            }
        }
    }
}

const LISTS: [&str; 3] = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];

fn non_negative_generation(generation: &Field, errors: &mut Errors) {
    if generation.number() < 0 {
        errors.reject(generation, "must be a non-negative integer");
    }
}

fn addresses(list: &Field, old: &Field, errors: &mut Errors) {
    for address in list.items().filter(|address| !old.items().any(|old| old.value() == address.value())) {
        errors.name(&address.with(address.get("ip").value()), names::ip);
    }
    let families: Vec<bool> = list.items().map(|address| address.get("ip").text().contains(':')).collect();
    if families.len() > 2 || matches!(families.as_slice(), [one, two] if one == two) {
        let printed = internal::print("[]PodIP", list.value());
        errors.invalid_as(list, &printed, "may specify no more than one IP for each IP family");
    }
}

/// A container that has ended for good may not come back.
fn transitions(new: &Field, old: &Field, list: &str, spec: &Field, errors: &mut Errors) {
    let ephemeral = list == "ephemeralContainerStatuses";
    if !ephemeral && all_may_restart(spec) {
        return;
    }
    let containers = spec.get(if list == "initContainerStatuses" { "initContainers" } else { "containers" });
    for (index, status) in old.items().enumerate() {
        let (name, ended) = (status.get("name").text(), status.get("state.terminated"));
        let now = new.items().find(|new| new.get("name").text() == name && !new.get("state.terminated").is_set());
        if !ended.is_set() || now.is_none() {
            continue;
        }
        let own = containers.items().find(|container| container.get("name").text() == name);
        let code = ended.get("exitCode").number();
        if ephemeral || !own.is_some_and(|own| restarts(&own, spec.get("restartPolicy").text(), code)) {
            errors.forbidden(new.item(index).get("state"), "may not be transitioned to non-terminated state");
        }
    }
}

/// Whether the end of one container may start all of them again (KEP-5532).
fn all_may_restart(spec: &Field) -> bool {
    ["initContainers", "containers"].iter().any(|list| {
        spec.get(list).items().any(|container| {
            let rules = container.get("restartPolicyRules");
            rules.items().any(|rule| rule.get("action").text() == "RestartAllContainers")
        })
    })
}

/// Whether a container starts again when it has ended: a rule says so, or its own policy, or that of the pod.
fn restarts(container: &Field, pod_policy: &str, code: i64) -> bool {
    let own = container.get("restartPolicy");
    let matches = |rule: Field| {
        let codes = rule.get("exitCodes");
        let among = codes.get("values").items().any(|value| value.integer() == Some(code));
        codes.is_set() && among == (codes.get("operator").text() == "In")
    };
    if own.is_set() && container.get("restartPolicyRules").items().any(matches) {
        return true;
    }
    match if own.is_set() { own.text() } else { pod_policy } {
        "OnFailure" => code != 0,
        "Never" => false,
        _ => true,
    }
}

/// Complains about the statuses of the claims for devices.
fn claims(list: &Field, claims: &Field, errors: &mut Errors) {
    for (index, status) in list.items().enumerate() {
        let (name, claim) = (status.get("name"), status.get("resourceClaimName"));
        if !claims.items().any(|claim| claim.get("name").text() == name.text()) {
            errors.invalid(name, &name.text().into(), "must match the name of an entry in `spec.resourceClaims`");
        }
        if (0..index).any(|before| list.item(before).get("name").text() == name.text()) {
            errors.duplicate(name, &name.text().into());
        }
        if claim.is_set() {
            errors.name(&claim, names::dns1123_subdomain);
        }
    }
}

/// Complains about the claim that stands for extended resources (KEP-5004).
fn extended_claim(claim: &Field, spec: &Field, errors: &mut Errors) {
    if !claim.is_set() {
        return;
    }
    let mappings = claim.get("requestMappings");
    if mappings.count() == 0 {
        errors.required(mappings, "at least one request mapping is required");
    }
    let parts = ["containerName", "resourceName", "requestName"];
    for (index, mapping) in mappings.items().enumerate() {
        let [container, resource, request] = parts.map(|part| mapping.get(part));
        let (init, main) = (spec.get("initContainers"), spec.get("containers"));
        let of = main.items().chain(init.items()).find(|of| of.get("name").text() == container.text());
        match of {
            Some(of) if !of.get("resources.requests").entry(resource.text()).is_set() => {
                let detail = "must match the extended resource name of an entry in \
                              spec.initContainers.resources.requests or spec.containers.resources.requests";
                errors.invalid(resource, &resource.text().into(), detail);
            }
            None => {
                let detail = "must match the name of an entry in spec.initContainers.name or spec.containers.name";
                errors.invalid(container, &container.text().into(), detail);
            }
            _ => {}
        }
        errors.name(&claim.get("requestName").with(request.value()), names::dns1123_label);
        let same =
            |before: usize| parts.iter().all(|part| mappings.item(before).get(part).text() == mapping.get(part).text());
        if (0..index).any(same) {
            for part in parts.map(|part| mapping.get(part)) {
                errors.duplicate(part, &part.text().into());
            }
        }
    }
    errors.need_name(&claim.get("resourceClaimName"), names::dns1123_subdomain);
}

/// Complains about the user that a container runs as.
fn user(user: &Field, os: &str, errors: &mut Errors) {
    let linux = user.get("linux");
    if !linux.is_set() {
        return;
    }
    if os == "windows" {
        return errors.forbidden(linux, "cannot be set for a windows pod");
    }
    let groups = linux.get("supplementalGroups");
    let ids = ["uid", "gid"].map(|id| linux.get(id));
    for id in ids.into_iter().chain(groups.items()) {
        for complaint in names::user_id(id.number()) {
            errors.invalid(id, &id.number().into(), &complaint);
        }
    }
}

/// Complains about the health of a container's devices (KEP-4680).
fn health(status: &Field, containers: &Field, errors: &mut Errors) {
    let allocated = status.get("allocatedResourcesStatus");
    let own = containers.items().find(|container| container.get("name").text() == status.get("name").text());
    for resource in allocated.items() {
        let name = resource.get("name");
        if let Some(detail) = own.and_then(|own| not_asked_for(&own, name.text())) {
            errors.invalid(name, &name.text().into(), detail);
        }
        let devices = resource.get("resources");
        for (index, device) in devices.items().enumerate() {
            let (id, message) = (device.get("resourceID"), device.get("message"));
            errors.one_of(&device.get("health"), &["Healthy", "Unhealthy", "Unknown"]);
            if message.is_set() && message.is_empty() {
                errors.required(message, "must be non-empty if specified");
            }
            errors.at_most_bytes(&message, 1024);
            if (0..index).any(|before| devices.item(before).get("resourceID").text() == id.text()) {
                errors.duplicate(id, &id.text().into());
            }
        }
    }
}

/// What is wrong with the name of a resource that a container has not asked for.
fn not_asked_for(container: &Field, name: &str) -> Option<&'static str> {
    if !name.starts_with("claim:") {
        let asked = container.get("resources.requests").entry(name).is_set();
        return (!asked).then_some("must match one of the container's resource requests");
    }
    let detail = "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or \
                  'claim:<claimName>' if request is empty";
    let claims = container.get("resources.claims");
    let asked = claims.items().any(|claim| match claim.get("request").text() {
        "" => name == format!("claim:{}", claim.get("name").text()),
        request => name == format!("claim:{}/{request}", claim.get("name").text()),
    });
    (!asked).then_some(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ObjectExt;
    use serde_json::{Value, json};

    fn pod() -> Object {
        let mut pod = json!({"metadata": {"name": "x"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
        super::super::defaults::pod(&mut pod);
        pod
    }

    fn complaints(new: &Object, old: &Object) -> Vec<String> {
        let mut errors = Errors::default();
        update(new, old, &mut errors);
        errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
    }

    #[test]
    fn what_has_ended_stays_so() {
        let never = json!({"restartPolicy": "Never"});
        let rule = |action: &str| {
            json!({"restartPolicy": "Never", "restartPolicyRules": [
                {"action": action, "exitCodes": {"operator": "In", "values": [1]}}]})
        };
        for (policy, container, code, revived) in [
            ("Always", json!({}), 0, true),
            ("Never", json!({}), 1, false),
            ("OnFailure", json!({}), 1, true),
            ("OnFailure", json!({}), 0, false),
            ("Always", never, 1, false),
            ("Never", rule("Restart"), 1, true),
            ("Never", rule("Restart"), 2, false),
            ("Never", rule("RestartAllContainers"), 2, true),
        ] {
            let with = |state: Value| {
                let mut pod = pod();
                pod.put(&["spec", "restartPolicy"], policy);
                for (key, value) in container.as_object().unwrap() {
                    pod["spec"]["containers"][0][key] = value.clone();
                }
                pod.put(&["status", "containerStatuses"], json!([{"name": "c", "state": state}]));
                pod
            };
            let complaints =
                complaints(&with(json!({"running": {}})), &with(json!({"terminated": {"exitCode": code}})));
            let expected: &[&str] = if revived {
                &[]
            } else {
                &["status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"]
            };
            assert_eq!(complaints, expected, "{policy} {container} {code}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_status() {
        for (status, complaint) in [
            (
                json!({"resourceClaimStatuses": [{"name": "x"}]}),
                "status.resourceClaimStatuses[0].name: Invalid value: \"x\": must match the name of an entry in \
                 `spec.resourceClaims`",
            ),
            (
                json!({"extendedResourceClaimStatus": {"resourceClaimName": "c"}}),
                "status.extendedResourceClaimStatus.requestMappings: Required value: at least one request mapping is \
                 required",
            ),
            (
                json!({"containerStatuses": [{"name": "c", "user": {"linux": {"uid": -1, "gid": 0}}}]}),
                "status.containerStatuses[0].user.linux.uid: Invalid value: -1: must be between 0 and 2147483647, \
                 inclusive",
            ),
            (
                json!({"containerStatuses": [{"name": "c", "allocatedResourcesStatus": [{"name": "cpu"}]}]}),
                "status.containerStatuses[0].allocatedResourcesStatus[0].name: Invalid value: \"cpu\": must match one \
                 of the container's resource requests",
            ),
            (
                json!({"ephemeralContainerStatuses": [{"name": "e", "allocatedResourcesStatus": [{"name": "cpu"}]}]}),
                "status.ephemeralContainerStatuses[0].allocatedResourcesStatus: Forbidden: must not be specified in \
                 container status",
            ),
        ] {
            let (mut new, old) = (pod(), pod());
            new.put(&["status"], status.clone());
            assert_eq!(complaints(&new, &old), [complaint], "{status}");
        }
    }
}
