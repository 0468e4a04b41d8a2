//! Resources of the compute kind: their names, their amounts, requests and limits.

use super::field::{Errors, Field, quoted};
use crate::api::{Quantity, Value, names};

const COUNTED: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];
const MEASURED: [&str; 11] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "requests.storage",
    "storage",
];

/// The quantity of a field, 0 where it is none.
pub(super) fn quantity(field: &Field) -> Quantity {
    field.text().parse().unwrap_or(Quantity::whole(0))
}

fn is_huge_page(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// Whether a name is Kubernetes' own: without a domain, or with one of kubernetes.io.
pub(super) fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// Whether a name is a resource of somebody else than Kubernetes.
pub fn is_extended(name: &str) -> bool {
    !is_native(name) && !name.starts_with("requests.") && names::qualified_name(&format!("requests.{name}")).is_empty()
}

/// Whether more may be used than was requested.
pub(super) fn may_overcommit(name: &str) -> bool {
    is_native(name) && !is_huge_page(name)
}

fn is_quota_huge_page(name: &str) -> bool {
    is_huge_page(name) || name.starts_with("requests.hugepages-")
}

/// Complains about a resource's name; the field is the one that the complaint is about.
pub(super) fn resource_name(name: &str, field: &Field, errors: &mut Errors) -> bool {
    let complaints = names::qualified_name(name);
    for complaint in &complaints {
        errors.invalid_as(field, &quoted(name), complaint);
    }
    let known = COUNTED.contains(&name) || MEASURED.contains(&name) || is_quota_huge_page(name);
    if complaints.is_empty() && !name.contains('/') && !known {
        errors.invalid_as(field, &quoted(name), "must be a standard resource type or fully qualified");
        return false;
    }
    complaints.is_empty()
}

/// Complains about the name of what a container asks for.
pub(super) fn container_resource_name(name: &str, field: &Field, errors: &mut Errors) {
    resource_name(name, field, errors);
    if !name.contains('/') {
        if !["cpu", "memory", "ephemeral-storage"].contains(&name) && !is_huge_page(name) {
            errors.invalid_as(field, &quoted(name), "must be a standard resource for containers");
        }
    } else if !is_native(name) && !is_extended(name) {
        errors.invalid_as(field, &quoted(name), "doesn't follow extended resource name standard");
    }
}

/// Complains about the name of what a whole pod asks for.
pub(super) fn pod_resource_name(name: &str, field: &Field, errors: &mut Errors) {
    if resource_name(name, field, errors) && !["cpu", "memory"].contains(&name) && !is_huge_page(name) {
        errors.unsupported(field, &quoted(name), &["cpu", "hugepages-", "memory"]);
    }
}

/// Whether quotas know a resource.
pub(super) fn is_quota_resource(name: &str) -> bool {
    COUNTED.contains(&name) || MEASURED.contains(&name) && name != "storage" || is_quota_huge_page(name)
}

/// Complains about the name of what a quota bounds.
pub(super) fn quota_resource_name(name: &str, field: &Field, errors: &mut Errors) {
    resource_name(name, field, errors);
    if !name.contains('/') && !is_quota_resource(name) {
        errors.invalid_as(field, &quoted(name), "must be a standard resource for quota");
    }
}

/// Complains about an amount: negative, or broken where only whole numbers make sense.
pub(super) fn amount(name: &str, field: &Field, errors: &mut Errors) {
    let quantity = quantity(field);
    if quantity.sign() < 0 {
        errors.reject(field, "must be greater than or equal to 0");
    }
    if (COUNTED.contains(&name) || is_extended(name)) && quantity.milli_value() % 1000 != 0 {
        errors.reject(field, "must be an integer");
    }
}

/// Complains about requests, limits and claims; `name_rule` says which resources there may be.
pub(super) fn requirements(
    resources: &Field,
    name_rule: fn(&str, &Field, &mut Errors),
    claims: &[&str],
    errors: &mut Errors,
) {
    let (limits, requests) = (resources.get("limits"), resources.get("requests"));
    for (name, limit) in limits.entries() {
        name_rule(name, &limit, errors);
        amount(name, &limit, errors);
        huge_page_amount(name, &limit, errors);
    }
    for (name, request) in requests.entries() {
        name_rule(name, &request, errors);
        amount(name, &request, errors);
        let limit = limits.entry(name);
        let text = quantity(&limit).to_string();
        if limit.is_set() {
            let order = quantity(&request).cmp(&quantity(&limit));
            if order.is_ne() && !may_overcommit(name) {
                errors.invalid(requests, request.value(), &format!("must be equal to {name} limit of {text}"));
            } else if order.is_gt() {
                let detail = format!("must be less than or equal to {name} limit of {text}");
                errors.invalid(requests, request.value(), &detail);
            }
        } else if !may_overcommit(name) {
            errors.required(limits, "Limit must be set for non overcommitable resources");
        }
        huge_page_amount(name, &request, errors);
    }
    let mut all = limits.entries().chain(requests.entries()).map(|(name, _)| name);
    let computes = all.any(|name| name == "cpu" || name == "memory");
    if !computes && limits.entries().chain(requests.entries()).any(|(name, _)| is_huge_page(name)) {
        errors.forbidden(resources, "HugePages require cpu or memory");
    }
    claim_names(&resources.get("claims"), claims, errors);
}

fn huge_page_amount(name: &str, field: &Field, errors: &mut Errors) {
    let Some(size) = name.strip_prefix("hugepages-") else { return };
    let size = size.parse::<Quantity>().ok().filter(|size| size.sign() > 0 && size.is_whole());
    let amount = quantity(field);
    if size.is_none_or(|size| amount.value() % size.value() != 0) {
        let detail = format!("{amount} is not positive integer multiple of {name}");
        errors.reject(field, &detail);
    }
}

/// Complains about the resource claims that a container uses; `claims` are the pod's.
fn claim_names(list: &Field, claims: &[&str], errors: &mut Errors) {
    let mut seen: Vec<(String, String)> = Vec::new();
    for claim in list.items() {
        let (name, request) = (claim.get("name").text().to_owned(), claim.get("request").text().to_owned());
        if name.is_empty() {
            errors.required(claim, "");
            continue;
        }
        if !request.is_empty() {
            errors.name(&claim.get("request"), names::dns1123_label);
        }
        let whole = seen.contains(&(name.clone(), String::new()));
        let same = seen.contains(&(name.clone(), request.clone()));
        if whole || request.is_empty() && seen.iter().any(|(other, _)| *other == name) {
            errors.duplicate(claim, &Value::from(name.as_str()));
        } else if same {
            errors.duplicate(claim, &Value::from(format!("{name}/{request}")));
        }
        if !claims.contains(&name.as_str()) {
            let mut known = claims.to_vec();
            known.sort_unstable();
            let which = if known.is_empty() { " which is empty".into() } else { format!(": {}", known.join(", ")) };
            let message =
                format!("Not found: {}: must be one of the names in pod.spec.resourceClaims{which}", quoted(&name));
            errors.push("FieldValueNotFound", claim, message);
        }
        seen.push((name, request));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn requests_and_limits() {
        for (resources, expected) in [
            (json!({"requests": {"cpu": "1"}, "limits": {"cpu": "1"}}), vec![]),
            (
                json!({"requests": {"cpu": "2", "bogus": "1"}, "limits": {"cpu": "1"}}),
                vec![
                    r#"r.requests[bogus]: Invalid value: "bogus": must be a standard resource type or fully qualified"#,
                    r#"r.requests[bogus]: Invalid value: "bogus": must be a standard resource for containers"#,
                    r#"r.requests: Invalid value: "2": must be less than or equal to cpu limit of 1"#,
                ],
            ),
            (
                json!({"requests": {"example.com/gpu": "1500m"}}),
                vec![
                    r#"r.requests[example.com/gpu]: Invalid value: "1500m": must be an integer"#,
                    "r.limits: Required value: Limit must be set for non overcommitable resources",
                ],
            ),
            (
                json!({"limits": {"hugepages-2Mi": "3Mi", "memory": "-1"}}),
                vec![
                    r#"r.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi"#,
                    r#"r.limits[memory]: Invalid value: "-1": must be greater than or equal to 0"#,
                ],
            ),
            (json!({"limits": {"hugepages-2Mi": "2Mi"}}), vec!["r: Forbidden: HugePages require cpu or memory"]),
            (
                json!({"claims": [{"name": "a"}, {"name": "a"}, {}, {"name": "b"}]}),
                vec![
                    r#"r.claims[1]: Duplicate value: "a""#,
                    "r.claims[2]: Required value",
                    r#"r.claims[3]: Not found: "b": must be one of the names in pod.spec.resourceClaims: a"#,
                ],
            ),
        ] {
            let mut errors = Errors::default();
            requirements(&Field::new("r", &resources), container_resource_name, &["a"], &mut errors);
            let lines: Vec<_> = errors.causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
            assert_eq!(lines, expected);
        }
    }
}
