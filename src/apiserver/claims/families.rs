//! Which IP families a service has, in a cluster that has one or both (KEP-563).

use super::ranges::{ServiceRange, family_of};
use crate::api::{ObjectExt, Value, names};
use crate::apiserver::kinds::field::Errors;
use serde_json::json;

/// What a service asks for when it does not say: one family, or, without anything to look after its addresses, both.
const FAMILIES: [&str; 2] = ["ipFamilies", "clusterIPs"];

/// Fills in the families that a service leaves to the cluster, and complains about those that the cluster has not.
pub(super) fn settle(service: &mut Value, old: Option<&Value>, ranges: ServiceRange, errors: &mut Errors) {
    let policy = |service: &Value| service.text(&["spec", "ipFamilyPolicy"]).to_owned();
    // A service that only prefers two families keeps what it has when the cluster gets or loses one.
    let prefers = "PreferDualStack";
    let unchanged = |old: &Value| FAMILIES.iter().all(|name| service.at(&["spec", name]) == old.at(&["spec", name]));
    if old.is_some_and(|old| policy(old) == prefers && policy(service) == prefers && unchanged(old)) {
        return;
    }
    let wanted = policy(service);
    let mut families: Vec<String> =
        service.items_at(&["spec", "ipFamilies"]).iter().filter_map(Value::as_str).map(String::from).collect();
    let addresses = service.items_at(&["spec", "clusterIPs"]);
    let headless = addresses.first().is_some_and(|address| address == "None");
    let single = wanted == "SingleStack";
    for (name, what) in [("clusterIPs", "cluster IP"), ("ipFamilies", "IP family")] {
        let of = |service: &Value| service.items_at(&["spec", name]).len();
        let before = old.map_or(0, of);
        if !single && before == 2 && of(service) == 1 {
            let why = format!("must be 'SingleStack' to release the secondary {what}");
            errors.invalid("spec.ipFamilyPolicy", &json!(wanted), &why);
        }
    }
    if single {
        let value = json!(wanted);
        let why = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
        if addresses.len() == 2 {
            errors.invalid("spec.ipFamilyPolicy", &value, &format!("{why} cluster IPs are specified"));
        }
        if families.len() == 2 {
            errors.invalid("spec.ipFamilyPolicy", &value, &format!("{why} IP families are specified"));
        }
    }
    if !headless {
        for (index, address) in addresses.iter().enumerate().skip(families.len()) {
            let Some(family) = address.as_str().and_then(names::parse_ip).map(family_of) else { continue };
            if ranges.of(family).is_none() {
                let why = format!("{family} is not configured on this cluster");
                errors.invalid(format!("spec.clusterIPs[{index}]"), &json!(addresses), &why);
            } else {
                families.push(family.into());
            }
        }
    }
    if !errors.causes.is_empty() {
        return;
    }
    let both = ranges.blocks().count() == 2;
    let selects = service.map_at(&["spec", "selector"]).is_some_and(|selector| !selector.is_empty());
    // Nobody but its owner knows what such a service's endpoints are.
    let anything_goes = headless && !selects;
    if !anything_goes {
        if wanted == "RequireDualStack" && !both {
            let why = "this cluster is not configured for dual-stack services";
            errors.invalid("spec.ipFamilyPolicy", &json!(wanted), why);
        }
        for (index, family) in families.iter().enumerate().filter(|(_, family)| ranges.of(family).is_none()) {
            errors.invalid(format!("spec.ipFamilies[{index}]"), &json!(family), "not configured on this cluster");
        }
        if !errors.causes.is_empty() {
            return;
        }
    }
    if families.is_empty() {
        families.extend(ranges.blocks().next().map(|block| block.family().to_string()));
    }
    if wanted != "SingleStack" && families.len() == 1 && (both || anything_goes) {
        families.push(if families[0] == "IPv4" { "IPv6" } else { "IPv4" }.into());
    }
    service.put(&["spec", "ipFamilies"], json!(families));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_follow_from_the_cluster() {
        const SINGLE: &str = "10.0.0.0/24";
        const DUAL: &str = "10.0.0.0/24,fd00::/112";
        let reversed = "fd00::/112,10.0.0.0/24";
        for (ranges, spec, expected) in [
            (SINGLE, json!({"ipFamilyPolicy": "SingleStack"}), "IPv4"),
            (DUAL, json!({"ipFamilyPolicy": "SingleStack"}), "IPv4"),
            (reversed, json!({"ipFamilyPolicy": "SingleStack"}), "IPv6"),
            (SINGLE, json!({"ipFamilyPolicy": "PreferDualStack"}), "IPv4"),
            (DUAL, json!({"ipFamilyPolicy": "PreferDualStack"}), "IPv4,IPv6"),
            (DUAL, json!({"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv6"]}), "IPv6,IPv4"),
            (DUAL, json!({"ipFamilyPolicy": "RequireDualStack", "clusterIPs": ["fd00::7"]}), "IPv6,IPv4"),
            (
                SINGLE,
                json!({"ipFamilyPolicy": "RequireDualStack"}),
                "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured for dual-stack services",
            ),
            (
                SINGLE,
                json!({"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv6"]}),
                "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster",
            ),
            (
                SINGLE,
                json!({"ipFamilyPolicy": "SingleStack", "clusterIPs": ["fd00::7"]}),
                "spec.clusterIPs[0]: Invalid value: [\"fd00::7\"]: IPv6 is not configured on this cluster",
            ),
            (
                DUAL,
                json!({"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv6", "IPv4"]}),
                "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
            ),
            (SINGLE, json!({"ipFamilyPolicy": "RequireDualStack", "clusterIPs": ["None"]}), "IPv4,IPv6"),
        ] {
            let mut service = json!({"spec": spec});
            let mut errors = Errors::default();
            settle(&mut service, None, ranges.parse().unwrap(), &mut errors);
            let said: Vec<String> = errors.causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
            let families = service.items_at(&["spec", "ipFamilies"]).iter().filter_map(Value::as_str);
            let got = if said.is_empty() { families.collect::<Vec<_>>().join(",") } else { said.join("; ") };
            assert_eq!(got, expected, "{ranges} {spec}");
        }
        let old =
            json!({"spec": {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv4"], "clusterIPs": ["10.0.0.7"]}});
        let mut new = old.clone();
        settle(&mut new, Some(&old), DUAL.parse().unwrap(), &mut Errors::default());
        assert_eq!(new, old, "a preference is no order to change");
    }
}
