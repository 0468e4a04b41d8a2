//! Impersonation: who a user wants to be taken for, and whether they may (KEP-5284, constrained impersonation). The modes
//! that are bound to what is asked come first; then the old one, that allows everything that the other may do.

use super::authenticate::{service_account_groups, service_account_name};
use super::{ANONYMOUS, AUTHENTICATED, Attributes, MASTERS, UNAUTHENTICATED, User};
use crate::api::names;
use crate::apiserver::errors::{About, Answer, Failure, bad_request, forbidden, quoted};
use crate::apiserver::pipeline::Server;
use crate::apiserver::request::percent_decode;
use http::header::HeaderMap;
use std::collections::BTreeMap;

/// The group of the resources that are asked for, but for the users, groups and accounts of the old mode.
const GROUP: &str = "authentication.k8s.io";
/// With so many groups or extras, all of them are asked for at once first.
const MANY: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The node that a service account's pod runs on.
    AssociatedNode,
    /// Any node.
    ArbitraryNode,
    /// A service account.
    ServiceAccount,
    /// Anybody else.
    UserInfo,
    /// Anybody, whatever the request is.
    Legacy,
}

const MODES: [Mode; 5] =
    [Mode::AssociatedNode, Mode::ArbitraryNode, Mode::ServiceAccount, Mode::UserInfo, Mode::Legacy];

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::AssociatedNode => "associated-node",
            Self::ArbitraryNode => "arbitrary-node",
            Self::ServiceAccount => "serviceaccount",
            Self::UserInfo => "user-info",
            Self::Legacy => "",
        }
    }

    fn verb(self) -> String {
        match self {
            Self::Legacy => "impersonate".into(),
            mode => format!("impersonate:{}", mode.name()),
        }
    }

    /// Whether a user can be impersonated in this mode at all.
    fn applies(self, wanted: &User, requester: &User) -> bool {
        let name_alone = wanted.uid.is_empty() && wanted.groups.is_empty() && wanted.extra.is_empty();
        let (node, account) = (node_name(&wanted.name), service_account_name(&wanted.name));
        match self {
            Self::AssociatedNode => {
                name_alone
                    && node.is_some()
                    && service_account_name(&requester.name).is_some()
                    && node == own_node(requester)
            }
            Self::ArbitraryNode => name_alone && node.is_some(),
            Self::ServiceAccount => name_alone && account.is_some(),
            Self::UserInfo => node.is_none() && account.is_none(),
            Self::Legacy => true,
        }
    }

    fn attributes(self, group: &str, resource: &str, name: &str) -> Attributes {
        Attributes {
            verb: self.verb(),
            group: group.into(),
            resource: resource.into(),
            name: name.into(),
            ..Attributes::default()
        }
    }
}

impl Server {
    /// The user that a request counts as, of which `attributes` say what it wants: the one that it comes from, or the one
    /// that it names.
    pub(in crate::apiserver) async fn impersonate(
        &self,
        requester: User,
        headers: &HeaderMap,
        attributes: &Attributes,
    ) -> Answer<User> {
        let Some(wanted) = wanted(headers)? else { return Ok(requester) };
        let mut refusal: Option<Failure> = None;
        for mode in MODES.into_iter().filter(|mode| mode.applies(&wanted, &requester)) {
            match self.may_impersonate(mode, &wanted, &requester, attributes).await {
                Ok(()) => return Ok(complete(wanted, mode)),
                Err(failure) => refusal = refusal.or(Some(failure)),
            }
        }
        Err(refusal.unwrap_or_else(|| bad_request("all impersonation modes failed")))
    }

    async fn may_impersonate(
        &self,
        mode: Mode,
        wanted: &User,
        requester: &User,
        attributes: &Attributes,
    ) -> Answer<()> {
        if mode != Mode::Legacy {
            let verb = format!("impersonate-on:{}:{}", mode.name(), attributes.verb);
            self.require(requester, &Attributes { verb, ..attributes.clone() }).await?;
        }
        let group = if mode == Mode::Legacy { "" } else { GROUP };
        let who = match (node_name(&wanted.name), service_account_name(&wanted.name)) {
            // What is allowed for one node that a pod runs on is allowed for all that pods of this account run on.
            (Some(_), _) if mode == Mode::AssociatedNode => mode.attributes(group, "nodes", "*"),
            (Some(node), _) if mode != Mode::Legacy => mode.attributes(group, "nodes", node),
            (_, Some((namespace, name))) => {
                Attributes { namespace: namespace.into(), ..mode.attributes(group, "serviceaccounts", name) }
            }
            _ => mode.attributes(group, "users", &wanted.name),
        };
        self.require(requester, &who).await?;
        if !wanted.uid.is_empty() {
            self.require(requester, &mode.attributes(GROUP, "uids", &wanted.uid)).await?;
        }
        self.require_groups(mode, group, &wanted.groups, requester).await?;
        self.require_extra(mode, &wanted.extra, requester).await
    }

    async fn require_groups(&self, mode: Mode, group: &str, wanted: &[String], requester: &User) -> Answer<()> {
        if mode != Mode::Legacy {
            if wanted.iter().any(String::is_empty) {
                let why = "impersonating the empty string group is not allowed";
                return Err(refused(&mode.attributes(group, "groups", ""), requester, why));
            }
            if wanted.iter().any(|group| group == MASTERS) {
                let why = "impersonating the system:masters group is not allowed";
                return Err(refused(&mode.attributes(group, "groups", MASTERS), requester, why));
            }
            let all = mode.attributes(group, "groups", "*");
            if wanted.len() >= MANY && self.require(requester, &all).await.is_ok() {
                return Ok(());
            }
        }
        for name in wanted {
            self.require(requester, &mode.attributes(group, "groups", name)).await?;
        }
        Ok(())
    }

    async fn require_extra(&self, mode: Mode, wanted: &Extra, requester: &User) -> Answer<()> {
        let extra = |key: &str, value: &str| Attributes {
            subresource: key.into(),
            ..mode.attributes(GROUP, "userextras", value)
        };
        if mode != Mode::Legacy {
            if let Some(why) = wanted.iter().find_map(|(key, values)| improper(key, values)) {
                return Err(refused(&extra("", ""), requester, &why));
            }
            let many = wanted.len() >= MANY || wanted.values().map(Vec::len).sum::<usize>() >= MANY;
            if many && self.require(requester, &extra("*", "*")).await.is_ok() {
                return Ok(());
            }
        }
        for (key, values) in wanted {
            for value in values {
                self.require(requester, &extra(key, value)).await?;
            }
        }
        Ok(())
    }

    /// Fails when a user may not do something.
    pub(in crate::apiserver) async fn require(&self, user: &User, attributes: &Attributes) -> Answer<()> {
        let decision = self.authorize(user, attributes).await?;
        if decision.allowed { Ok(()) } else { Err(refused(attributes, user, &decision.reason)) }
    }
}

fn refused(attributes: &Attributes, user: &User, why: &str) -> Failure {
    let about = About { group: &attributes.group, kind: &attributes.resource, name: &attributes.name };
    forbidden(about, &attributes.denied(user, why))
}

type Extra = BTreeMap<String, Vec<String>>;

/// The user that the headers name, as they name it; none when they name nobody.
fn wanted(headers: &HeaderMap) -> Answer<Option<User>> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_string();
    let groups = headers.get_all("impersonate-group").iter();
    let mut extra = Extra::new();
    for (header, value) in headers {
        if let (Some(key), Ok(value)) = (header.as_str().strip_prefix("impersonate-extra-"), value.to_str()) {
            extra.entry(percent_decode(key)).or_default().push(value.into());
        }
    }
    let wanted = User {
        name: text("impersonate-user"),
        uid: text("impersonate-uid"),
        groups: groups.filter_map(|value| value.to_str().ok().map(String::from)).collect(),
        extra,
    };
    if !wanted.name.is_empty() {
        return Ok(Some(wanted));
    }
    if wanted == User::default() {
        return Ok(None);
    }
    Err(bad_request(format!("requested {} without impersonating a user name", shown(&wanted))))
}

/// A user as Go's `%#v` shows it.
fn shown(user: &User) -> String {
    let list = |texts: &[String]| {
        let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
        format!("[]string{{{}}}", texts.join(", "))
    };
    let groups = if user.groups.is_empty() { "[]string(nil)".into() } else { list(&user.groups) };
    let extra: Vec<String> =
        user.extra.iter().map(|(key, values)| format!("{}:{}", quoted(key), list(values))).collect();
    let extra = if extra.is_empty() { "(nil)".into() } else { format!("{{{}}}", extra.join(", ")) };
    let (name, uid) = (quoted(&user.name), quoted(&user.uid));
    format!("&user.DefaultInfo{{Name:{name}, UID:{uid}, Groups:{groups}, Extra:map[string][]string{extra}}}")
}

/// The user with the groups that go with the name.
fn complete(mut user: User, mode: Mode) -> User {
    if mode != Mode::Legacy && node_name(&user.name).is_some() {
        user.groups = vec!["system:nodes".into()];
    } else if let Some((namespace, _)) = service_account_name(&user.name)
        && user.groups.is_empty()
    {
        user.groups = service_account_groups(namespace);
    }
    let group = if user.name == ANONYMOUS { UNAUTHENTICATED } else { AUTHENTICATED };
    if !user.is_in(group) && !user.is_in(UNAUTHENTICATED) {
        user.groups.push(group.into());
    }
    user
}

fn node_name(user: &str) -> Option<&str> {
    user.strip_prefix("system:node:").filter(|name| names::dns1123_subdomain(name).is_empty())
}

/// The node of the pod that a service account's token is bound to.
pub(super) fn own_node(user: &User) -> Option<&str> {
    match user.extra.get("authentication.kubernetes.io/node-name")?.as_slice() {
        [name] => Some(name),
        _ => None,
    }
}

/// Why an extra is none that can be impersonated in the new modes.
fn improper(key: &str, values: &[String]) -> Option<String> {
    if key.is_empty() {
        return Some("impersonating the empty string key in extra is not allowed".into());
    }
    let complaint = match key.split_once('/').filter(|(domain, path)| !domain.is_empty() && !path.is_empty()) {
        None => Some((key, r#"must be a domain-prefixed path (such as "acme.io/foo")"#.to_string())),
        Some((domain, _)) => names::dns1123_subdomain(domain).into_iter().next().map(|complaint| (domain, complaint)),
    };
    if let Some((value, complaint)) = complaint {
        let value = quoted(value);
        return Some(format!(
            "impersonating an invalid key in extra is not allowed: extra.key: Invalid value: {value}: {complaint}"
        ));
    }
    if values.iter().any(String::is_empty) {
        return Some("impersonating the empty string value in extra is not allowed".into());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).fold(
            HeaderMap::new(),
            |mut headers, (name, value): (http::HeaderName, http::HeaderValue)| {
                headers.append(name, value);
                headers
            },
        )
    }

    #[test]
    fn nobody_is_impersonated_without_a_name() {
        assert_eq!(wanted(&headers(&[("accept", "*/*")])).unwrap(), None);
        let failure = wanted(&headers(&[
            ("impersonate-group", "a"),
            ("impersonate-group", "b"),
            ("impersonate-extra-k%2fv", "c"),
            ("impersonate-uid", "1"),
        ]));
        let failure = failure.unwrap_err();
        let message = r#"requested &user.DefaultInfo{Name:"", UID:"1", Groups:[]string{"a", "b"}, Extra:map[string][]string{"k/v":[]string{"c"}}} without impersonating a user name"#;
        assert_eq!((failure.code, failure.message.as_str()), (400, message));
    }

    #[test]
    fn modes_are_for_whom_they_are_made() {
        let plain = User::new("jane", &[]);
        let mut agent = User::new("system:serviceaccount:n:agent", &[]);
        agent.extra.insert("authentication.kubernetes.io/node-name".into(), vec!["n1".into()]);
        let applying = |wanted: &User, requester: &User| -> Vec<&str> {
            MODES.iter().filter(|mode| mode.applies(wanted, requester)).map(|mode| mode.name()).collect()
        };
        for (wanted, requester, expected) in [
            (User::new("joe", &[]), &plain, vec!["user-info", ""]),
            (User::new("system:node:n1", &[]), &plain, vec!["arbitrary-node", ""]),
            (User::new("system:node:n1", &[]), &agent, vec!["associated-node", "arbitrary-node", ""]),
            (User::new("system:node:n2", &[]), &agent, vec!["arbitrary-node", ""]),
            (User::new("system:node:n1", &["g"]), &agent, vec![""]),
            (User::new("system:node:_", &[]), &plain, vec!["user-info", ""]),
            (User::new("system:serviceaccount:n:a", &[]), &plain, vec!["serviceaccount", ""]),
        ] {
            assert_eq!(applying(&wanted, requester), expected, "{wanted:?}");
        }
    }

    #[test]
    fn groups_go_with_names() {
        let groups = |name: &str, groups: &[&str], mode| complete(User::new(name, groups), mode).groups.join(" ");
        for (name, given, mode, expected) in [
            ("joe", &[][..], Mode::UserInfo, "system:authenticated"),
            ("joe", &["g", UNAUTHENTICATED], Mode::Legacy, "g system:unauthenticated"),
            (ANONYMOUS, &[AUTHENTICATED], Mode::Legacy, "system:authenticated system:unauthenticated"),
            ("system:node:n", &[], Mode::ArbitraryNode, "system:nodes system:authenticated"),
            ("system:node:n", &[], Mode::Legacy, "system:authenticated"),
            (
                "system:serviceaccount:n:a",
                &[],
                Mode::ServiceAccount,
                "system:serviceaccounts system:serviceaccounts:n system:authenticated",
            ),
        ] {
            assert_eq!(groups(name, given, mode), expected, "{name} {given:?}");
        }
    }
}
