//! Bringing roles and bindings to what is expected of them: what is missing is added, and what is more than expected is
//! taken away where that is asked for.

use super::{Cluster, Failure};
use crate::api::policy_rule::{PolicyRule, uncovered};
use crate::api::{GroupVersionResource, Object, ObjectExt, Value};
use crate::client::{Mapping, Request};
use serde_json::json;

const GROUP: &str = "rbac.authorization.k8s.io";
/// Objects with this annotation set to `false` are left alone.
const AUTO_UPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";

/// What has to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operation {
    /// Nothing.
    #[default]
    None,
    /// The object is not there yet.
    Create,
    /// The object is there and says less, or more.
    Update,
    /// A binding is there for another role, which cannot be changed.
    Recreate,
}

impl Operation {
    /// The word for it; none when nothing has to be done.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Operation::None => None,
            Operation::Create => Some("create"),
            Operation::Update => Some("update"),
            Operation::Recreate => Some("recreate"),
        }
    }
}

/// What came of one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The object as it is now, or would be.
    pub object: Object,
    /// What was done to it, or would have been.
    pub operation: Operation,
    /// Whether it wants to be left alone.
    pub protected: bool,
    /// The rules or subjects that were missing, as Go shows them.
    pub missing: Vec<String>,
    /// Those that are more than expected, as Go shows them.
    pub extra: Vec<String>,
}

/// How objects are reconciled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciling {
    /// Change nothing.
    pub dry_run: bool,
    /// Take rules or subjects away that are not expected.
    pub remove_extra: bool,
}

/// Whether these are objects that can be reconciled.
pub fn is_known(object: &Object) -> bool {
    resource(object).is_some()
}

fn resource(object: &Object) -> Option<Mapping> {
    if object.api_version() != "rbac.authorization.k8s.io/v1" {
        return None;
    }
    let (resource, namespaced) = match object.kind() {
        "Role" => ("roles", true),
        "RoleBinding" => ("rolebindings", true),
        "ClusterRole" => ("clusterroles", false),
        "ClusterRoleBinding" => ("clusterrolebindings", false),
        _ => return None,
    };
    Some(Mapping { gvr: GroupVersionResource::new(GROUP, "v1", resource), namespaced, ..Mapping::default() })
}

impl Reconciling {
    /// Brings an object on the server to what is expected of it.
    pub async fn run(self, cluster: &Cluster, expected: &Object) -> Result<Outcome, Failure> {
        let Some(mapping) = resource(expected) else { return Ok(Outcome::default()) };
        let mut conflicts = 0;
        loop {
            match self.attempt(cluster, &mapping, expected).await {
                Err(failure) if failure.is_conflict() && conflicts < 2 => conflicts += 1,
                outcome => return outcome,
            }
        }
    }

    async fn attempt(self, cluster: &Cluster, mapping: &Mapping, expected: &Object) -> Result<Outcome, Failure> {
        let (client, namespace, name) = (&cluster.client, expected.namespace(), expected.name());
        // What comes and goes meanwhile is looked at again, but not forever.
        for _ in 0..=if is_binding(expected) { 3 } else { 2 } {
            let existing = match client.json(&Request::get(mapping, namespace, name)).await.map_err(Failure::from) {
                Ok(existing) => Some(existing),
                Err(failure) if failure.is_not_found() => None,
                Err(failure) => return Err(failure),
            };
            let mut outcome = self.outcome(existing.as_ref(), expected);
            if outcome.protected || self.dry_run {
                return Ok(outcome);
            }
            if outcome.operation == Operation::Recreate {
                let uid = existing.as_ref().map_or("", |binding| binding.uid());
                let options = json!({"preconditions": {"uid": uid}});
                let gone = client.json(&Request::delete(mapping, namespace, name, &options)).await;
                match gone.map_err(Failure::from) {
                    Ok(_) => {}
                    Err(failure) if failure.is_not_found() => {}
                    Err(failure) if failure.is_conflict() => continue,
                    Err(failure) => return Err(failure),
                }
            }
            let (request, raced) = match outcome.operation {
                Operation::None => return Ok(outcome),
                Operation::Update => (Request::update(mapping, namespace, name, &outcome.object), "NotFound"),
                Operation::Create | Operation::Recreate => {
                    if mapping.namespaced {
                        ensure_namespace(cluster, namespace).await?;
                    }
                    (Request::create(mapping, namespace, &outcome.object), "AlreadyExists")
                }
            };
            match client.json(&request).await.map_err(Failure::from) {
                Ok(object) => {
                    outcome.object = object;
                    return Ok(outcome);
                }
                Err(failure) if failure.status().is_some_and(|status| status.reason == raced) => {}
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::message("exceeded maximum attempts"))
    }

    /// What has to be done so that an object is what is expected.
    fn outcome(self, existing: Option<&Object>, expected: &Object) -> Outcome {
        let Some(existing) = existing else {
            let missing = if is_binding(expected) {
                expected.items_at(&["subjects"]).iter().map(subject_text).collect()
            } else {
                PolicyRule::all_of(expected).iter().map(ToString::to_string).collect()
            };
            let object = expected.clone();
            return Outcome { object, operation: Operation::Create, missing, ..Outcome::default() };
        };
        let protected = existing.annotation(AUTO_UPDATE) == Some("false");
        if is_binding(expected) && expected.get("roleRef") != existing.get("roleRef") {
            let object = expected.clone();
            return Outcome { object, operation: Operation::Recreate, protected, ..Outcome::default() };
        }
        let mut outcome = Outcome { object: existing.clone(), protected, ..Outcome::default() };
        for field in ["annotations", "labels"] {
            // What is there already is not changed.
            for (key, value) in expected.map_at(&["metadata", field]).into_iter().flatten() {
                if existing.at(&["metadata", field, key]).is_none() {
                    outcome.object.put(&["metadata", field, key], value.clone());
                }
            }
        }
        if is_binding(expected) {
            self.subjects(existing, expected, &mut outcome);
        } else {
            self.rules(existing, expected, &mut outcome);
            self.selectors(existing, expected, &mut outcome.object);
        }
        if outcome.object != *existing {
            outcome.operation = Operation::Update;
        }
        outcome
    }

    fn rules(self, existing: &Object, expected: &Object, outcome: &mut Outcome) {
        let (here, wanted) = (PolicyRule::all_of(existing), PolicyRule::all_of(expected));
        let missing = uncovered(&here, &wanted);
        // The rules of roles that are put together of others are not their own.
        let aggregated = [existing, expected].iter().all(|role| aggregation(role).is_some());
        let extra = if aggregated { Vec::new() } else { uncovered(&wanted, &here) };
        if !self.remove_extra {
            append(&mut outcome.object, &["rules"], missing.iter().map(PolicyRule::to_value));
        } else if !missing.is_empty() || !extra.is_empty() {
            set(&mut outcome.object, "rules", expected.get("rules"));
        }
        outcome.missing = missing.iter().map(ToString::to_string).collect();
        outcome.extra = extra.iter().map(ToString::to_string).collect();
    }

    /// The selectors of the roles that a role is put together of.
    fn selectors(self, existing: &Object, expected: &Object, object: &mut Object) {
        const PATH: [&str; 2] = ["aggregationRule", "clusterRoleSelectors"];
        if expected.kind() != "ClusterRole" {
            return;
        }
        let (here, wanted) = (existing.items_at(&PATH), expected.items_at(&PATH));
        let missing: Vec<&Value> = wanted.iter().filter(|selector| !here.contains(selector)).collect();
        if aggregation(expected).is_none() {
            set(object, "aggregationRule", None);
        } else if !self.remove_extra {
            append(object, &PATH, missing.into_iter().cloned());
        } else if !missing.is_empty() || here.iter().any(|selector| !wanted.contains(selector)) {
            set(object, "aggregationRule", aggregation(expected));
        }
    }

    fn subjects(self, existing: &Object, expected: &Object, outcome: &mut Outcome) {
        let (here, wanted) = (existing.items_at(&["subjects"]), expected.items_at(&["subjects"]));
        let missing = without(wanted, here);
        let extra = without(here, wanted);
        if !self.remove_extra {
            append(&mut outcome.object, &["subjects"], missing.iter().map(|subject| (*subject).clone()));
        } else if !missing.is_empty() || !extra.is_empty() {
            set(&mut outcome.object, "subjects", expected.get("subjects"));
        }
        outcome.missing = missing.into_iter().map(subject_text).collect();
        outcome.extra = extra.into_iter().map(subject_text).collect();
    }
}

fn is_binding(object: &Object) -> bool {
    object.kind().ends_with("Binding")
}

fn aggregation(role: &Object) -> Option<&Value> {
    role.get("aggregationRule").filter(|rule| !rule.is_null())
}

/// The subjects in one list and not in another, each once.
fn without<'a>(list: &'a [Value], other: &[Value]) -> Vec<&'a Value> {
    let mut found: Vec<&Value> = Vec::new();
    for subject in list.iter().filter(|subject| !other.contains(subject)) {
        if !found.contains(&subject) {
            found.push(subject);
        }
    }
    found
}

fn append(object: &mut Object, path: &[&str], items: impl Iterator<Item = Value>) {
    let items: Vec<Value> = items.collect();
    if !items.is_empty() {
        let all: Vec<Value> = object.items_at(path).iter().cloned().chain(items).collect();
        object.put(path, all);
    }
}

fn set(object: &mut Object, field: &str, value: Option<&Value>) {
    match value {
        Some(value) => object.put(&[field], value.clone()),
        None => drop(object.take_at(&[field])),
    }
}

/// A subject as Go's `%+v` shows it.
fn subject_text(subject: &Value) -> String {
    let [kind, group, name, namespace] = ["kind", "apiGroup", "name", "namespace"].map(|field| subject.text(&[field]));
    format!("{{Kind:{kind} APIGroup:{group} Name:{name} Namespace:{namespace}}}")
}

/// Makes the namespace that an object is to be in. Who may not see or make it may still make the object.
async fn ensure_namespace(cluster: &Cluster, name: &str) -> Result<(), Failure> {
    let mapping = Mapping { gvr: GroupVersionResource::new("", "v1", "namespaces"), ..Mapping::default() };
    let tolerated = |failure: Failure, reasons: [&str; 2]| match failure.status() {
        Some(status) if reasons.contains(&status.reason.as_str()) => Ok(()),
        _ => Err(failure),
    };
    match cluster.client.json(&Request::get(&mapping, "", name)).await {
        Ok(_) => return Ok(()),
        Err(error) => tolerated(error.into(), ["NotFound", "Forbidden"])?,
    }
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    match cluster.client.json(&Request::create(&mapping, "", &namespace)).await {
        Ok(_) => Ok(()),
        Err(error) => tolerated(error.into(), ["AlreadyExists", "Forbidden"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(verbs: &[&str]) -> Object {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": verbs}]
        })
    }

    fn binding(role: &str, users: &[&str]) -> Object {
        let subjects: Vec<Value> = users.iter().map(|name| crate::ops::subjects::user(name)).collect();
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "b"},
            "roleRef": crate::ops::subjects::role("Role", role), "subjects": subjects
        })
    }

    fn outcome(existing: &Object, expected: &Object, remove_extra: bool) -> Outcome {
        Reconciling { dry_run: false, remove_extra }.outcome(Some(existing), expected)
    }

    #[test]
    fn roles_get_what_they_miss_and_lose_what_is_more_where_that_is_wanted() {
        let added = outcome(&role(&["get", "list"]), &role(&["get", "watch"]), false);
        assert_eq!(added.operation, Operation::Update);
        assert_eq!(added.object["rules"].as_array().unwrap().len(), 2);
        assert!(added.missing[0].starts_with("{Verbs:[watch] ") && added.extra[0].starts_with("{Verbs:[list] "));
        let exact = outcome(&role(&["get", "list"]), &role(&["get"]), true);
        assert_eq!((exact.operation, &exact.object["rules"]), (Operation::Update, &role(&["get"])["rules"]));
        for (existing, expected) in [(role(&["*"]), role(&["get"])), (role(&["get", "list"]), role(&["list", "get"]))] {
            assert_eq!(outcome(&existing, &expected, false).operation, Operation::None);
        }
        let new = Reconciling::default().outcome(None, &role(&["get"]));
        assert_eq!((new.operation, new.missing.len()), (Operation::Create, 1));
    }

    #[test]
    fn labels_that_are_there_stay_and_the_others_come() {
        let (mut existing, mut expected) = (role(&["get"]), role(&["get"]));
        existing.put(&["metadata", "labels"], json!({"a": "1"}));
        expected.put(&["metadata", "labels"], json!({"a": "2"}));
        assert_eq!(outcome(&existing, &expected, false).operation, Operation::None);
        expected.put(&["metadata", "labels", "b"], "3");
        let more = outcome(&existing, &expected, false);
        assert_eq!(
            (more.operation, &more.object["metadata"]["labels"]),
            (Operation::Update, &json!({"a": "1", "b": "3"}))
        );
        existing.put(&["metadata", "annotations", AUTO_UPDATE], "false");
        assert!(outcome(&existing, &expected, false).protected);
    }

    #[test]
    fn aggregation_rules_are_compared_too() {
        let with = |names: &[&str]| {
            let mut role = role(&["get"]);
            let selectors: Vec<Value> = names.iter().map(|name| json!({"matchLabels": {"n": name}})).collect();
            role.put(&["aggregationRule", "clusterRoleSelectors"], selectors);
            role
        };
        for (existing, expected, remove, result) in [
            (with(&["a"]), with(&["b"]), false, with(&["a", "b"])),
            (with(&["a"]), with(&["b"]), true, with(&["b"])),
            (with(&["a", "b"]), with(&["b"]), true, with(&["b"])),
            (with(&["a"]), role(&["get"]), false, role(&["get"])),
            (role(&["get"]), with(&["a"]), false, with(&["a"])),
        ] {
            let found = outcome(&existing, &expected, remove);
            assert_eq!((found.operation, found.object), (Operation::Update, result));
        }
        assert_eq!(outcome(&with(&["a", "b"]), &with(&["b"]), false).operation, Operation::None);
        // The rules of an aggregated role are not its own.
        let mut existing = with(&["a"]);
        existing["rules"] = role(&["get", "list"])["rules"].clone();
        assert_eq!(outcome(&existing, &with(&["a"]), true).operation, Operation::None);
    }

    #[test]
    fn bindings_get_subjects_and_are_made_anew_for_another_role() {
        let more = outcome(&binding("r", &["a", "b"]), &binding("r", &["b", "c", "c"]), false);
        assert_eq!(more.object["subjects"], binding("r", &["a", "b", "c"])["subjects"]);
        let user = |name: &str| format!("{{Kind:User APIGroup:{GROUP} Name:{name} Namespace:}}");
        assert_eq!((more.missing, more.extra), (vec![user("c")], vec![user("a")]));
        let exact = outcome(&binding("r", &["a", "b"]), &binding("r", &["b"]), true);
        assert_eq!(exact.object["subjects"], binding("r", &["b"])["subjects"]);
        let other = outcome(&binding("r", &["a"]), &binding("s", &["b"]), false);
        assert_eq!((other.operation, other.missing.len()), (Operation::Recreate, 0));
        assert_eq!(outcome(&binding("r", &["a"]), &binding("r", &["a"]), true).operation, Operation::None);
    }
}
