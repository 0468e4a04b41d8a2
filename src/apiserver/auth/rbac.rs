//! Role-based access control: what rules and bindings allow (rbac.authorization.k8s.io).

use super::authenticate::service_account_name;
use super::{Attributes, MASTERS, User};
use crate::api::group::qualified;
use crate::api::{ObjectExt, Value};
use crate::apiserver::errors::Answer;
use crate::apiserver::kinds::labels::selects;
use crate::apiserver::pipeline::{Server, store_failure};

/// The group of roles and bindings.
pub const GROUP: &str = "rbac.authorization.k8s.io";
/// What says that a role has the rules of others.
pub const SELECTORS: &[&str] = &["aggregationRule", "clusterRoleSelectors"];

/// How it is decided who may do what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authorization {
    /// By roles and bindings.
    #[default]
    Rbac,
    /// Everybody may do everything.
    AlwaysAllow,
}

impl Authorization {
    /// Reads `--authorization-mode`.
    ///
    /// # Errors
    /// Another word.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "RBAC" => Ok(Self::Rbac),
            "AlwaysAllow" => Ok(Self::AlwaysAllow),
            _ => Err(format!("{text:?} is not a valid mode: there are RBAC and AlwaysAllow")),
        }
    }
}

/// Whether somebody may do something, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Whether they may.
    pub allowed: bool,
    /// Why; may be empty.
    pub reason: String,
}

/// The rules that a user has.
#[derive(Clone, Debug, Default)]
pub struct Granted {
    /// The rules, each with where it comes from.
    pub rules: Vec<(Value, String)>,
    /// The roles, by kind and name, that bindings speak of and that are not there.
    pub missing: Vec<(String, String)>,
}

impl Granted {
    /// What is missing, as one text; none when nothing is. kube-apiserver names the kind where it reads from its cache,
    /// and the resource where it reads from its store.
    pub fn problem(&self, spelled: fn(&str) -> &str) -> Option<String> {
        let texts =
            self.missing.iter().map(|(kind, name)| format!("{} {name:?} not found", qualified(spelled(kind), GROUP)));
        match texts.collect::<Vec<_>>().as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            all => Some(format!("[{}]", all.join(", "))),
        }
    }
}

/// The kind of a role in small letters.
pub fn singular(kind: &str) -> &str {
    if kind == "ClusterRole" { "clusterrole" } else { "role" }
}

/// The resource of a kind of role.
pub fn plural(kind: &str) -> &str {
    if kind == "ClusterRole" { "clusterroles" } else { "roles" }
}

impl Server {
    /// Whether a user may do something.
    pub(in crate::apiserver) async fn authorize(&self, user: &User, attributes: &Attributes) -> Answer<Decision> {
        if self.allows_all(user) {
            return Ok(Decision { allowed: true, reason: String::new() });
        }
        let granted = self.rules_of(user, &attributes.namespace).await?;
        let problem = granted.problem(singular);
        let allowing = granted.rules.into_iter().find(|(rule, _)| allows(rule, attributes));
        Ok(match (allowing, problem) {
            (Some((_, reason)), _) => Decision { allowed: true, reason },
            (None, Some(problem)) => Decision { allowed: false, reason: format!("RBAC: {problem}") },
            (None, None) => Decision::default(),
        })
    }

    /// Whether nothing is forbidden to a user.
    pub(super) fn allows_all(&self, user: &User) -> bool {
        self.authorization == Authorization::AlwaysAllow || user.is_in(MASTERS)
    }

    /// All rules that bindings give a user, in the cluster and in a namespace.
    pub(super) async fn rules_of(&self, user: &User, namespace: &str) -> Answer<Granted> {
        let mut granted = Granted::default();
        for binding in self.values("clusterrolebindings", "").await? {
            self.grant(user, &binding, "", &mut granted).await?;
        }
        if !namespace.is_empty() {
            for binding in self.values("rolebindings", namespace).await? {
                self.grant(user, &binding, namespace, &mut granted).await?;
            }
        }
        Ok(granted)
    }

    async fn grant(&self, user: &User, binding: &Value, namespace: &str, granted: &mut Granted) -> Answer<()> {
        let subjects = binding.items_at(&["subjects"]);
        let Some(subject) = subjects.iter().find_map(|subject| applies(subject, user, namespace)) else {
            return Ok(());
        };
        let (kind, name) = (binding.text(&["roleRef", "kind"]), binding.text(&["roleRef", "name"]));
        let binding_kind = if namespace.is_empty() { "ClusterRoleBinding" } else { "RoleBinding" };
        let place =
            if namespace.is_empty() { binding.name().into() } else { format!("{}/{namespace}", binding.name()) };
        let reason = format!("RBAC: allowed by {binding_kind} {place:?} of {kind} {name:?} to {subject}");
        match self.role_rules(kind, name, namespace).await? {
            Some(rules) => granted.rules.extend(rules.into_iter().map(|rule| (rule, reason.clone()))),
            None => {
                let missing = (kind.to_string(), name.to_string());
                if !granted.missing.contains(&missing) {
                    granted.missing.push(missing);
                }
            }
        }
        Ok(())
    }

    /// The rules of a role; those of an aggregated role are the rules of all that it selects. None when there is no such
    /// role.
    pub(super) async fn role_rules(&self, kind: &str, name: &str, namespace: &str) -> Answer<Option<Vec<Value>>> {
        let namespace = if kind == "ClusterRole" { "" } else { namespace };
        let Some(served) = self.registry.find(GROUP, "v1", plural(kind)) else { return Ok(None) };
        let found = self.store.get(&self.key(served, namespace, name)).await.map_err(store_failure)?;
        let Some(entry) = found else { return Ok(None) };
        let mut role = served.value(&entry.object, entry.revision);
        let (mut seen, mut rules) = (Vec::new(), Vec::new());
        if role.items_at(SELECTORS).is_empty() {
            if let Value::Array(own) = role["rules"].take() {
                rules = own;
            }
            return Ok(Some(rules));
        }
        let roles = self.values(plural(kind), namespace).await?;
        let mut pending = vec![&role];
        while let Some(role) = pending.pop() {
            if seen.contains(&role.name()) {
                continue;
            }
            seen.push(role.name());
            rules.extend_from_slice(role.items_at(&["rules"]));
            for selector in role.items_at(SELECTORS) {
                pending.extend(roles.iter().filter(|other| selected(selector, other)));
            }
        }
        Ok(Some(rules))
    }

    async fn values(&self, resource: &str, namespace: &str) -> Answer<Vec<Value>> {
        let Some(served) = self.registry.find(GROUP, "v1", resource) else {
            return Ok(Vec::new());
        };
        let entries = self.all(served, namespace).await?;
        Ok(entries.iter().map(|entry| served.value(&entry.object, entry.revision)).collect())
    }
}

/// Whether a selector of an aggregated role selects another role.
fn selected(selector: &Value, role: &Value) -> bool {
    selects(selector, role.map_at(&["metadata", "labels"])).unwrap_or(false)
}

/// Whether a subject of a binding is the user, and how a reason names it.
fn applies(subject: &Value, user: &User, namespace: &str) -> Option<String> {
    let name = subject.text(&["name"]);
    match subject.text(&["kind"]) {
        "User" if user.name == name => Some(format!("User {name:?}")),
        "Group" if user.is_in(name) => Some(format!("Group {name:?}")),
        "ServiceAccount" => {
            let own = subject.text(&["namespace"]);
            let own = if own.is_empty() { namespace } else { own };
            let found = service_account_name(&user.name) == Some((own, name));
            found.then(|| format!("ServiceAccount {:?}", format!("{name}/{own}")))
        }
        _ => None,
    }
}

/// Whether a rule allows something.
pub fn allows(rule: &Value, attributes: &Attributes) -> bool {
    let texts = |field: &str| rule.items_at(&[field]).iter().filter_map(Value::as_str).collect::<Vec<&str>>();
    let has = |field: &str, wanted: &str| texts(field).iter().any(|text| *text == "*" || *text == wanted);
    if !has("verbs", &attributes.verb) {
        return false;
    }
    if attributes.resource.is_empty() {
        let path = attributes.path.as_str();
        return texts("nonResourceURLs").iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => *pattern == path,
        });
    }
    let names = texts("resourceNames");
    let resource = attributes.resource_path();
    let every = format!("*/{}", attributes.subresource);
    let matches =
        |text: &&str| *text == "*" || *text == resource || !attributes.subresource.is_empty() && *text == every;
    has("apiGroups", &attributes.group)
        && texts("resources").iter().any(matches)
        && (names.is_empty() || names.contains(&attributes.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rules_allow_what_they_say() {
        let asked = |verb: &str, resource: &str, name: &str| {
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            Attributes {
                verb: verb.into(),
                resource: resource.into(),
                subresource: subresource.into(),
                name: name.into(),
                ..Attributes::default()
            }
        };
        let rule = |resources: Value| json!({"apiGroups": [""], "resources": resources, "verbs": ["get"]});
        for (rule, attributes, allowed) in [
            (rule(json!(["pods"])), asked("get", "pods", ""), true),
            (rule(json!(["pods"])), asked("list", "pods", ""), false),
            (rule(json!(["pods"])), asked("get", "pods/log", ""), false),
            (rule(json!(["pods/log"])), asked("get", "pods/log", ""), true),
            (rule(json!(["*/log"])), asked("get", "pods/log", ""), true),
            (rule(json!(["*"])), asked("get", "pods/log", ""), true),
            (json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}), asked("x", "y", "z"), true),
            (
                json!({"apiGroups": [""], "resources": ["a"], "resourceNames": ["n"], "verbs": ["get"]}),
                asked("get", "a", "n"),
                true,
            ),
            (
                json!({"apiGroups": [""], "resources": ["a"], "resourceNames": ["n"], "verbs": ["get"]}),
                asked("get", "a", "m"),
                false,
            ),
        ] {
            assert_eq!(allows(&rule, &attributes), allowed, "{rule} {attributes:?}");
        }
        let path = |path: &str| Attributes { verb: "get".into(), path: path.into(), ..Attributes::default() };
        let rule = json!({"nonResourceURLs": ["/healthz", "/api/*"], "verbs": ["get"]});
        assert!(allows(&rule, &path("/healthz")) && allows(&rule, &path("/api/v1")));
        assert!(!allows(&rule, &path("/metrics")));
    }
}
