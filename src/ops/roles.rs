//! What a role allows: rules from verbs and resources.

use super::Failure;
use crate::api::{GroupVersionResource, ObjectExt, Value};
use crate::client::{self, Client};
use serde_json::json;
use std::collections::BTreeMap;

const RESOURCE_VERBS: [&str; 14] = [
    "*",
    "get",
    "delete",
    "list",
    "create",
    "update",
    "patch",
    "watch",
    "proxy",
    "deletecollection",
    "use",
    "bind",
    "escalate",
    "impersonate",
];
const URL_VERBS: [&str; 8] = ["*", "get", "post", "put", "delete", "patch", "head", "options"];
const RBAC: &str = "rbac.authorization.k8s.io";
/// Verbs that mean something for a few resources only: verb, group, resource.
const SPECIAL: [(&str, &str, &str); 10] = [
    ("use", "policy", "podsecuritypolicies"),
    ("use", "extensions", "podsecuritypolicies"),
    ("bind", RBAC, "roles"),
    ("bind", RBAC, "clusterroles"),
    ("escalate", RBAC, "roles"),
    ("escalate", RBAC, "clusterroles"),
    ("impersonate", "", "users"),
    ("impersonate", "", "serviceaccounts"),
    ("impersonate", "", "groups"),
    ("impersonate", "authentication.k8s.io", "userextras"),
];

/// A resource as `--resource` names it: `deployments.apps/scale`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    group: String,
    resource: String,
    subresource: String,
}

/// What a rule is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What may be done, each once.
    pub verbs: Vec<String>,
    /// With what.
    pub resources: Vec<Named>,
    /// With which of them; all when it is empty.
    pub names: Vec<String>,
    /// Paths that are no resources.
    pub urls: Vec<String>,
}

/// Each text once, in order.
fn unique(texts: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for text in texts {
        if !kept.contains(&text) {
            kept.push(text);
        }
    }
    kept
}

impl Rules {
    /// Reads the flags' texts. A star among the verbs or resources stands for all of them.
    pub fn new(verbs: Vec<String>, resources: &[String], names: Vec<String>, urls: Vec<String>) -> Self {
        let verbs = if verbs.iter().any(|verb| verb == "*") { vec!["*".into()] } else { unique(verbs) };
        let mut named: Vec<Named> = Vec::new();
        for text in resources {
            let (resource, subresource) = text.split_once('/').unwrap_or((text, ""));
            let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
            let one = Named { group: group.into(), resource: resource.into(), subresource: subresource.into() };
            if text == "*" {
                named = vec![one];
                break;
            }
            named.push(one);
        }
        Rules { verbs, resources: named, names: unique(names), urls: unique(urls) }
    }

    /// Verbs that are usual for no resource.
    pub fn odd_verbs(&self) -> impl Iterator<Item = &str> {
        self.verbs.iter().map(String::as_str).filter(|verb| !RESOURCE_VERBS.contains(verb))
    }

    /// Refuses verbs and paths that make no sense for what is no resource.
    pub fn check_urls(&self) -> Result<(), Failure> {
        if self.urls.is_empty() {
            return Ok(());
        }
        if let Some(verb) = self.verbs.iter().find(|verb| !URL_VERBS.contains(&verb.as_str())) {
            return Err(Failure::message(format!("invalid verb: '{verb}' for nonResourceURL")));
        }
        for url in self.urls.iter().filter(|url| *url != "*") {
            if !url.starts_with('/') {
                return Err(Failure::message("nonResourceURL should start with /"));
            }
            if url.strip_suffix('*').unwrap_or(url).contains('*') {
                return Err(Failure::message("nonResourceURL only supports wildcard matches when '*' is at the end"));
            }
        }
        Ok(())
    }

    /// What the resources are on the server, and whether the verbs make sense for them. Behind a star all is right.
    pub async fn resolve(&self, client: &Client) -> Result<Vec<GroupVersionResource>, Failure> {
        let mut found = Vec::new();
        let mut star = false;
        for named in &self.resources {
            if named.resource.is_empty() && !star {
                return Err(Failure::message("resource must be specified if apiGroup/subresource specified"));
            }
            star |= named.resource == "*";
            let (resource, failure) = named.find(client).await;
            if !star {
                self.check_special(&resource, failure)?;
            }
            found.push(resource);
        }
        Ok(found)
    }

    /// Refuses a special verb for a resource that does not know it, and a resource that the server does not have
    /// unless it is a special one.
    fn check_special(&self, resource: &GroupVersionResource, failure: Option<Failure>) -> Result<(), Failure> {
        let mut failure = failure;
        for verb in &self.verbs {
            let mut known = SPECIAL.iter().filter(|(special, ..)| special == verb).peekable();
            if known.peek().is_none() {
                continue;
            }
            if !known.any(|(_, group, name)| *group == resource.group && *name == resource.resource) {
                return Err(Failure::message(format!(
                    "can not perform '{verb}' on '{}' in group '{}'",
                    resource.resource, resource.group
                )));
            }
            failure = None;
        }
        failure.map_or(Ok(()), Err)
    }

    /// The rules: one for each group, and one for the paths. `found` is what the resources are on the server.
    pub fn rules(&self, found: &[GroupVersionResource]) -> Vec<Value> {
        let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (named, resource) in self.resources.iter().zip(found) {
            let name = match named.subresource.as_str() {
                "" => resource.resource.clone(),
                subresource => format!("{}/{subresource}", resource.resource),
            };
            let list = groups.entry(&resource.group).or_default();
            if !list.contains(&name) {
                list.push(name);
            }
        }
        let mut rules: Vec<Value> = Vec::new();
        for (group, resources) in groups {
            let mut rule = json!({"verbs": self.verbs, "apiGroups": [group], "resources": resources});
            if !self.names.is_empty() {
                rule.put(&["resourceNames"], self.names.clone());
            }
            rules.push(rule);
        }
        if !self.urls.is_empty() {
            rules.push(json!({"verbs": self.verbs, "nonResourceURLs": self.urls}));
        }
        rules
    }
}

impl Named {
    /// The resource on the server, or as it was named and why the server does not have it.
    async fn find(&self, client: &Client) -> (GroupVersionResource, Option<Failure>) {
        let unknown = GroupVersionResource::new(&self.group, "", &self.resource);
        if self.resource == "*" {
            return (unknown, None);
        }
        match client.resource(&crate::api::group::qualified(&self.resource, &self.group)).await {
            Ok(mapping) => (mapping.gvr, None),
            Err(client::Error::Map(error)) => (unknown, Some(Failure::Plain(error.to_string()))),
            Err(error) => (unknown, Some(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        text.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn flags_become_rules() {
        let gvr = |group: &str, resource: &str| GroupVersionResource::new(group, "v1", resource);
        let rules = Rules::new(list("get list get"), &list("pods/log pods deploy.apps pods"), list("x x"), list("/a"));
        let found = [gvr("", "pods"), gvr("", "pods"), gvr("apps", "deployments"), gvr("", "pods")];
        assert_eq!(
            rules.rules(&found),
            [
                json!({"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods/log", "pods"], "resourceNames": ["x"]}),
                json!({"verbs": ["get", "list"], "apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["x"]}),
                json!({"verbs": ["get", "list"], "nonResourceURLs": ["/a"]}),
            ]
        );
        let all = Rules::new(list("get * list"), &list("pods * svc"), Vec::new(), Vec::new());
        assert_eq!((all.verbs, all.resources.len(), all.resources[0].resource.as_str()), (list("*"), 1, "*"));
        assert_eq!(Rules::new(list("fly get"), &[], Vec::new(), Vec::new()).odd_verbs().collect::<Vec<_>>(), ["fly"]);
    }

    #[test]
    fn paths_are_checked() {
        for (verbs, url, good) in [
            ("get", "/logs/*", true),
            ("*", "*", true),
            ("get", "logs", false),
            ("list", "/logs", false),
            ("get", "/a/*/b", false),
            ("get", "", false),
        ] {
            let rules = Rules::new(list(verbs), &[], Vec::new(), vec![url.into()]);
            assert_eq!(rules.check_urls().is_ok(), good, "{verbs} {url}");
        }
    }

    #[test]
    fn special_verbs_are_for_special_resources() {
        let check = |verb: &str, group: &str, resource: &str, known: bool| {
            let rules = Rules::new(list(verb), &[], Vec::new(), Vec::new());
            let failure = (!known).then(|| Failure::Plain("unknown".into()));
            rules.check_special(&GroupVersionResource::new(group, "", resource), failure).is_ok()
        };
        assert!(check("get", "", "pods", true) && check("bind", RBAC, "roles", true));
        assert!(check("impersonate", "", "users", false), "no server has users");
        assert!(!check("get", "", "nosuch", false) && !check("use", "", "pods", true));
    }
}
