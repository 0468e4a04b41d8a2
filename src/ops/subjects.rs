//! Who a role is bound to.

use super::Failure;
use crate::api::Value;
use serde_json::json;

const GROUP: &str = "rbac.authorization.k8s.io";

/// A user by name.
pub fn user(name: &str) -> Value {
    json!({"kind": "User", "apiGroup": GROUP, "name": name})
}

/// A group by name.
pub fn group(name: &str) -> Value {
    json!({"kind": "Group", "apiGroup": GROUP, "name": name})
}

/// A service account.
pub fn service_account(namespace: &str, name: &str) -> Value {
    json!({"kind": "ServiceAccount", "name": name, "namespace": namespace})
}

/// Users, groups and `namespace:name` service accounts, in the order in which they were given.
pub fn of(users: &[String], groups: &[String], service_accounts: &[String]) -> Result<Vec<Value>, Failure> {
    let mut subjects: Vec<Value> = users.iter().map(|name| user(name)).collect();
    subjects.extend(groups.iter().map(|name| group(name)));
    for text in service_accounts {
        match text.split(':').collect::<Vec<_>>()[..] {
            [namespace, name] if !namespace.is_empty() && !name.is_empty() => {
                subjects.push(service_account(namespace, name));
            }
            _ => return Err(Failure::message("serviceaccount must be <namespace>:<name>")),
        }
    }
    Ok(subjects)
}

/// The role that is bound; its kind is `Role` or `ClusterRole`.
pub fn role(kind: &str, name: &str) -> Value {
    json!({"apiGroup": GROUP, "kind": kind, "name": name})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_read() {
        let list = |text: &str| text.split_whitespace().map(String::from).collect::<Vec<_>>();
        let subjects = of(&list("u1 u2"), &list("g"), &list("ns:sa")).unwrap();
        assert_eq!(subjects, [user("u1"), user("u2"), group("g"), service_account("ns", "sa")]);
        for bad in ["bad", "a:", ":b", "a:b:c", ""] {
            assert!(of(&[], &[], &[bad.to_string()]).is_err(), "{bad}");
        }
    }
}
