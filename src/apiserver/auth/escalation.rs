//! Nobody gives, by a role or a binding, what they do not have (Kubernetes' "privilege escalation prevention").

use super::rbac::{GROUP, SELECTORS, plural};
use super::{Attributes, User};
use crate::api::policy_rule::{PolicyRule, uncovered};
use crate::api::{Object, ObjectExt, Value};
use crate::apiserver::errors::{About, Answer, Failure, forbidden, not_found, quoted};
use crate::apiserver::pipeline::Server;
use crate::apiserver::registry::Served;
use std::collections::BTreeSet;

impl Server {
    /// Fails when a user is about to give more than they have: by a role's rules, unless they may `escalate` it, or by
    /// binding a role, unless they may `bind` it. `live` is what is there already.
    pub(in crate::apiserver) async fn confirm_grant(
        &self,
        user: Option<&User>,
        served: &Served,
        namespace: &str,
        live: Option<&Value>,
        new: &Value,
    ) -> Answer<()> {
        let Some(user) = user.filter(|user| served.kind.group == GROUP && !self.allows_all(user)) else {
            return Ok(());
        };
        if live.is_some_and(|live| only_collected(live, new)) {
            return Ok(());
        }
        let resource = served.info.resource.as_str();
        if !matches!(resource, "roles" | "clusterroles") {
            let role = Role::bound_by(new);
            let bind = Attributes { namespace: namespace.into(), ..role.attributes("bind") };
            if self.authorize(user, &bind).await?.allowed {
                return Ok(());
            }
            let rules = self.role_rules(role.kind, role.name, namespace).await?;
            let about = About { group: GROUP, kind: role.resource, name: role.name };
            let rules = rules.ok_or_else(|| not_found(about))?;
            return self.confirm(user, served, namespace, new, &rules).await;
        }
        let escalate = Attributes {
            namespace: namespace.into(),
            ..Role { kind: "", resource, name: live.map_or("", Value::name) }.attributes("escalate")
        };
        if self.authorize(user, &escalate).await?.allowed {
            return Ok(());
        }
        self.confirm(user, served, namespace, new, new.items_at(&["rules"])).await?;
        // What a role is put together of cannot be foreseen.
        if aggregates(new) || live.is_some_and(aggregates) {
            let everything = [
                serde_json::json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}),
                serde_json::json!({"nonResourceURLs": ["*"], "verbs": ["*"]}),
            ];
            if self.missing_rights(user, namespace, &everything).await?.is_some() {
                return Err(refused(served, new, "must have cluster-admin privileges to use an aggregationRule"));
            }
        }
        Ok(())
    }

    async fn confirm(
        &self,
        user: &User,
        served: &Served,
        namespace: &str,
        object: &Object,
        rules: &[Value],
    ) -> Answer<()> {
        match self.missing_rights(user, namespace, rules).await? {
            Some(why) => Err(refused(served, object, &why)),
            None => Ok(()),
        }
    }

    /// What of the rules a user does not have, as a complaint; none when they have all of it.
    async fn missing_rights(&self, user: &User, namespace: &str, rules: &[Value]) -> Answer<Option<String>> {
        let granted = self.rules_of(user, namespace).await?;
        let owned: Vec<PolicyRule> = granted.rules.iter().map(|(rule, _)| PolicyRule::from_value(rule)).collect();
        let wanted: Vec<PolicyRule> = rules.iter().map(PolicyRule::from_value).collect();
        let missing = uncovered(&owned, &wanted);
        if missing.is_empty() {
            return Ok(None);
        }
        let lines: Vec<String> = compacted(&missing).into_iter().collect();
        let (name, groups) = (quoted(&user.name), list(&user.groups));
        let mut why = format!(
            "user {name} (groups={groups}) is attempting to grant RBAC permissions not currently held:\n{}",
            lines.join("\n")
        );
        if let Some(problem) = granted.problem(plural) {
            why.push_str(&format!("; resolution errors: [{problem}]"));
        }
        Ok(Some(why))
    }
}

/// A role that rights are asked for.
struct Role<'a> {
    kind: &'a str,
    resource: &'a str,
    name: &'a str,
}

impl<'a> Role<'a> {
    fn bound_by(binding: &'a Value) -> Self {
        let kind = binding.text(&["roleRef", "kind"]);
        Role { kind, resource: plural(kind), name: binding.text(&["roleRef", "name"]) }
    }

    fn attributes(&self, verb: &str) -> Attributes {
        Attributes {
            verb: verb.into(),
            group: GROUP.into(),
            resource: self.resource.into(),
            name: self.name.into(),
            ..Attributes::default()
        }
    }
}

fn refused(served: &Served, object: &Value, why: &str) -> Failure {
    forbidden(served.about(object.name()), why)
}

fn aggregates(role: &Value) -> bool {
    !role.items_at(SELECTORS).is_empty()
}

/// Whether a change is about nothing but what decides when an object goes.
fn only_collected(live: &Value, new: &Value) -> bool {
    let rest = |object: &Value| {
        let mut rest = object.clone();
        for field in ["finalizers", "ownerReferences", "managedFields", "resourceVersion"] {
            rest.take_at(&["metadata", field]);
        }
        rest
    };
    rest(live) == rest(new)
}

/// Rules of one verb and resource each, put together by resource and shown, in order.
fn compacted(rules: &[PolicyRule]) -> BTreeSet<String> {
    let mut compact: Vec<PolicyRule> = Vec::new();
    for rule in rules {
        let same = |known: &&mut PolicyRule| {
            rule.paths.is_empty() && PolicyRule { verbs: rule.verbs.clone(), ..(*known).clone() } == *rule
        };
        match compact.iter_mut().find(same) {
            Some(known) => {
                let new = rule.verbs.iter().filter(|verb| !known.verbs.contains(verb)).cloned().collect::<Vec<_>>();
                known.verbs.extend(new);
            }
            None => compact.push(rule.clone()),
        }
    }
    compact.iter().map(shown).collect()
}

/// A rule as complaints show it: without the lists that are empty.
fn shown(rule: &PolicyRule) -> String {
    let lists = [
        ("APIGroups", &rule.groups),
        ("Resources", &rule.resources),
        ("NonResourceURLs", &rule.paths),
        ("ResourceNames", &rule.names),
        ("Verbs", &rule.verbs),
    ];
    let lists = lists.iter().filter(|(_, texts)| !texts.is_empty());
    format!("{{{}}}", lists.map(|(name, texts)| format!("{name}:{}", list(texts))).collect::<Vec<_>>().join(", "))
}

/// A list as Go's `%q` shows it.
fn list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_missing_is_put_together_by_resource() {
        let rules = json!({"rules": [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "get"]},
            {"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"], "verbs": ["delete"]},
            {"nonResourceURLs": ["/x"], "verbs": ["get"]}
        ]});
        let missing = uncovered(&[], &PolicyRule::all_of(&rules));
        assert_eq!(
            compacted(&missing).into_iter().collect::<Vec<_>>(),
            [
                r#"{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["delete"]}"#,
                r#"{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}"#,
                r#"{NonResourceURLs:["/x"], Verbs:["get"]}"#,
            ]
        );
    }

    #[test]
    fn finalizers_alone_give_nobody_anything() {
        let live = json!({"metadata": {"name": "r", "finalizers": ["a"]}, "rules": []});
        let mut new = json!({"metadata": {"name": "r", "resourceVersion": "3"}, "rules": []});
        assert!(only_collected(&live, &new));
        new.put(&["metadata", "labels", "a"], "b");
        assert!(!only_collected(&live, &new));
    }
}
