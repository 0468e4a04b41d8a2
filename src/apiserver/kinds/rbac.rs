//! Roles and who has them, in a namespace and in the cluster.

use super::cells::{age, created_at};
use super::field::{Errors, Field, quoted};
use super::fill::fill;
use super::labels::{selects, validate_selector};
use super::{GENERIC, Kind};
use crate::api::{Object, ObjectExt, Value, names};
use serde_json::json;

const GROUP: &str = "rbac.authorization.k8s.io";

const ROLE: Kind = Kind {
    group: GROUP,
    name_complaints: |name, _| names::path_segment(name, false),
    cells: |role, _| vec![role.name().into(), created_at(role)],
    ..GENERIC
};

pub(super) const ROLES: Kind = Kind {
    resource: "roles",
    validate: |role, errors| rules(role, true, errors),
    validate_update: |new, _, errors| rules(new, true, errors),
    ..ROLE
};

pub(super) const CLUSTER_ROLES: Kind = Kind {
    resource: "clusterroles",
    validate: cluster_role,
    validate_update: |new, _, errors| cluster_role(new, errors),
    ..ROLE
};

const BINDING: Kind = Kind {
    group: GROUP,
    default: |binding| {
        fill(binding, &json!({"roleRef": {"apiGroup": GROUP}}));
        for subject in binding.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
            if ["User", "Group"].contains(&subject.text(&["kind"])) {
                fill(subject, &json!({"apiGroup": GROUP}));
            }
        }
    },
    name_complaints: |name, _| names::path_segment(name, false),
    cells: row,
    ..GENERIC
};

pub(super) const ROLE_BINDINGS: Kind = Kind {
    resource: "rolebindings",
    validate: |binding, errors| self::binding(binding, true, errors),
    validate_update: |new, old, errors| {
        binding(new, true, errors);
        same_role(new, old, errors);
    },
    ..BINDING
};

pub(super) const CLUSTER_ROLE_BINDINGS: Kind = Kind {
    resource: "clusterrolebindings",
    validate: |binding, errors| self::binding(binding, false, errors),
    validate_update: |new, old, errors| {
        binding(new, false, errors);
        same_role(new, old, errors);
    },
    ..BINDING
};

fn rules(role: &Object, namespaced: bool, errors: &mut Errors) {
    let root = Field::new("", role);
    for rule in root.get("rules").items() {
        let [verbs, urls, groups, resources] =
            ["verbs", "nonResourceURLs", "apiGroups", "resources"].map(|name| rule.get(name));
        if verbs.is_empty() {
            errors.required(verbs, "verbs must contain at least one value");
        }
        if !urls.is_empty() {
            if namespaced {
                errors.reject(&urls, "namespaced rules cannot apply to non-resource URLs");
            }
            if !groups.is_empty() || !resources.is_empty() || !rule.get("resourceNames").is_empty() {
                errors.reject(&urls, "rules cannot apply to both regular resources and non-resource URLs");
            }
            continue;
        }
        if groups.is_empty() {
            errors.required(groups, "resource rules must supply at least one api group");
        }
        if resources.is_empty() {
            errors.required(resources, "resource rules must supply at least one resource");
        }
    }
}

fn cluster_role(role: &Object, errors: &mut Errors) {
    rules(role, false, errors);
    let root = Field::new("", role);
    let (aggregation, selectors) = (root.get("aggregationRule"), root.get("aggregationRule.clusterRoleSelectors"));
    if aggregation.is_set() && selectors.is_empty() {
        let complaint = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        errors.required(selectors, complaint);
    }
    for selector in selectors.items() {
        validate_selector(&selector, errors);
        if selects(selector.value(), None).is_none() {
            errors.invalid_as(selector, "null", "invalid label selector.");
        }
    }
}

fn binding(binding: &Object, namespaced: bool, errors: &mut Errors) {
    let root = Field::new("", binding);
    let [group, kind, name] = ["roleRef.apiGroup", "roleRef.kind", "roleRef.name"].map(|path| root.get(path));
    errors.one_of(&group, &[GROUP]);
    errors.one_of(&kind, if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] });
    errors.need_name(&name, |name| names::path_segment(name, false));
    for subject in root.get("subjects").items() {
        let [kind, group, name] = ["kind", "apiGroup", "name"].map(|name| subject.get(name));
        errors.need(&name);
        match kind.text() {
            "ServiceAccount" => {
                if !name.is_empty() {
                    errors.name(&name, names::dns1123_subdomain);
                }
                if !group.is_empty() {
                    errors.unsupported(group, &quoted(group.text()), &[""]);
                }
                if !namespaced {
                    errors.need(&subject.get("namespace"));
                }
            }
            "User" | "Group" => errors.one_of(&group, &[GROUP]),
            _ => errors.one_of(&kind, &["ServiceAccount", "User", "Group"]),
        }
    }
}

fn same_role(new: &Object, old: &Object, errors: &mut Errors) {
    let root = Field::new("", new);
    let role = root.get("roleRef");
    if Some(role.value()) != old.get("roleRef") {
        let [group, kind, name] = ["apiGroup", "kind", "name"].map(|name| quoted(role.get(name).text()));
        let shown = format!(r#"{{"APIGroup":{group},"Kind":{kind},"Name":{name}}}"#);
        errors.invalid_as(role, &shown, "cannot change roleRef");
    }
}

fn row(binding: &Object, now: i64) -> Vec<Value> {
    let role = |name: &str| binding.text(&["roleRef", name]);
    let subjects = |kind: &str| -> Value {
        let subjects = binding.items_at(&["subjects"]).iter().filter(|subject| subject.kind() == kind);
        let names = subjects.map(|subject| match (kind, subject.text(&["name"])) {
            ("ServiceAccount", name) => format!("{}/{name}", subject.text(&["namespace"])),
            (_, name) => name.into(),
        });
        names.collect::<Vec<_>>().join(", ").into()
    };
    vec![
        binding.name().into(),
        format!("{}/{}", role("kind"), role("name")).into(),
        age(binding, now),
        subjects("User"),
        subjects("Group"),
        subjects("ServiceAccount"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_roles_and_bindings() {
        let lines = |kind: &Kind, object: Value| -> Vec<String> {
            let (mut object, mut errors) = (object, Errors::default());
            (kind.default)(&mut object);
            (kind.validate)(&object, &mut errors);
            errors.causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect()
        };
        assert_eq!(
            lines(&ROLES, json!({"rules": [{"nonResourceURLs": ["/a"]}, {"verbs": ["get"]}]})),
            [
                "rules[0].verbs: Required value: verbs must contain at least one value",
                r#"rules[0].nonResourceURLs: Invalid value: ["/a"]: namespaced rules cannot apply to non-resource URLs"#,
                "rules[1].apiGroups: Required value: resource rules must supply at least one api group",
                "rules[1].resources: Required value: resource rules must supply at least one resource",
            ]
        );
        let role = json!({"kind": "ClusterRole", "name": "r"});
        assert_eq!(
            lines(
                &CLUSTER_ROLE_BINDINGS,
                json!({"roleRef": role, "subjects": [{"kind": "User", "name": "u"}, {"kind": "ServiceAccount",
                    "name": "s"}, {"kind": "Robot", "name": "r"}]})
            ),
            [
                "subjects[1].namespace: Required value",
                r#"subjects[2].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group""#,
            ]
        );
        let binding = json!({"metadata": {"name": "b"}, "roleRef": role, "subjects": [
            {"kind": "User", "name": "u"}, {"kind": "User", "name": "v"},
            {"kind": "ServiceAccount", "name": "s", "namespace": "n"}]});
        assert_eq!(row(&binding, 0)[3..], [json!("u, v"), json!(""), json!("n/s")]);
    }
}
