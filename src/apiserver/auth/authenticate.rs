//! Authentication: bearer tokens, client certificates, impersonation, and everybody else.

use super::token::{ISSUER, Known};
use super::{ANONYMOUS, Attributes, MASTERS, UNAUTHENTICATED, User};
use crate::apiserver::errors::{About, Answer, forbidden, internal, unauthorized};
use crate::apiserver::pipeline::Server;
use crate::apiserver::request::percent_decode;
use http::header::{self, HeaderMap};
use std::collections::HashMap;

/// How users are known.
#[derive(Clone, Debug, Default)]
pub struct Authentication {
    /// The users of static tokens.
    pub tokens: HashMap<String, User>,
    /// Whether client certificates are asked for.
    pub certificates: bool,
    /// Whether who shows nothing is trusted with everything.
    pub trusting: bool,
    /// Whether who shows nothing is turned away.
    pub no_anonymous: bool,
}

/// What the connection itself says of its other end.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// The user of a verified client certificate.
    pub user: Option<User>,
}

impl Authentication {
    /// Reads a file of static tokens: `token,user,uid,"group1,group2"` on each line.
    ///
    /// # Errors
    /// A line has fewer than three columns, or an empty token.
    pub fn read_tokens(&mut self, text: &str) -> Result<(), String> {
        for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let columns = csv(line);
            let [token, name, uid, rest @ ..] = columns.as_slice() else {
                return Err(format!(
                    "token file must have at least 3 columns (token, user name, user uid), line {} has {}",
                    i + 1,
                    columns.len()
                ));
            };
            if token.is_empty() {
                return Err(format!("empty token has been found in token file, line {}", i + 1));
            }
            let groups = rest.first().map_or("", String::as_str).split(',').map(str::trim).filter(|g| !g.is_empty());
            let groups = groups.map(String::from).collect();
            let user = User { name: name.clone(), uid: uid.clone(), groups, ..User::default() };
            self.tokens.insert(token.clone(), user);
        }
        Ok(())
    }

    /// Whether there is any way to be known. Where there is none, everybody is trusted.
    pub fn is_configured(&self) -> bool {
        !self.trusting && (self.certificates || !self.tokens.is_empty())
    }
}

/// The columns of one line.
fn csv(line: &str) -> Vec<String> {
    let mut columns = vec![String::new()];
    let mut quoted = false;
    for c in line.trim().chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => columns.push(String::new()),
            c => {
                if let Some(column) = columns.last_mut() {
                    column.push(c);
                }
            }
        }
    }
    columns.into_iter().map(|column| column.trim().to_string()).collect()
}

impl Server {
    /// Who sends a request.
    pub(in crate::apiserver) async fn authenticate(&self, headers: &HeaderMap, peer: &Peer) -> Answer<User> {
        let user = match bearer(headers) {
            Some(token) => match self.token_user(token, &[ISSUER.to_string()]).await? {
                Known::As(user, _) => user,
                Known::No(_) => return Err(unauthorized()),
            },
            None => match &peer.user {
                Some(user) => user.clone(),
                None if !self.authentication.is_configured() => trusted(),
                None if self.authentication.no_anonymous => return Err(unauthorized()),
                None => User::new(ANONYMOUS, &[UNAUTHENTICATED]),
            },
        };
        self.impersonate(user.authenticated(), headers).await
    }

    /// The user of a token. Static tokens are for every audience.
    pub(super) async fn token_user(&self, token: &str, audiences: &[String]) -> Answer<Known> {
        let known = match self.authentication.tokens.get(token) {
            Some(user) => Known::As(user.clone(), audiences.to_vec()),
            None => self.service_account(token, audiences).await?,
        };
        Ok(match known {
            Known::As(user, audiences) => Known::As(user.authenticated(), audiences),
            no => no,
        })
    }

    /// Whom the user wants to be taken for.
    async fn impersonate(&self, user: User, headers: &HeaderMap) -> Answer<User> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let name = text("impersonate-user");
        let groups: Vec<String> = headers
            .get_all("impersonate-group")
            .iter()
            .filter_map(|value| value.to_str().ok().map(String::from))
            .collect();
        let extra: Vec<(String, String)> = headers
            .iter()
            .filter_map(|(key, value)| {
                let key = percent_decode(key.as_str().strip_prefix("impersonate-extra-")?, false);
                Some((key, value.to_str().ok()?.to_string()))
            })
            .collect();
        let uid = text("impersonate-uid");
        if name.is_empty() {
            if groups.is_empty() && extra.is_empty() && uid.is_empty() {
                return Ok(user);
            }
            return Err(internal("requested impersonation of groups, extra or uid without impersonating a user"));
        }
        let mut asked = Vec::new();
        match service_account_name(name) {
            Some((namespace, account)) => asked.push(("", "serviceaccounts", "", namespace, account)),
            None => asked.push(("", "users", "", "", name)),
        }
        asked.extend(groups.iter().map(|group| ("", "groups", "", "", group.as_str())));
        let group = "authentication.k8s.io";
        asked.extend(extra.iter().map(|(key, value)| (group, "userextras", key.as_str(), "", value.as_str())));
        if !uid.is_empty() {
            asked.push((group, "uids", "", "", uid));
        }
        for (group, resource, subresource, namespace, name) in asked {
            let attributes = Attributes {
                verb: "impersonate".into(),
                group: group.into(),
                resource: resource.into(),
                subresource: subresource.into(),
                namespace: namespace.into(),
                name: name.into(),
                path: String::new(),
            };
            let decision = self.authorize(&user, &attributes).await?;
            if !decision.allowed {
                let why = attributes.denied(&user, &decision.reason);
                return Err(forbidden(About { group, kind: resource, name }, &why));
            }
        }
        let mut wanted = User { name: name.into(), uid: uid.into(), groups, ..User::default() };
        for (key, value) in extra {
            wanted.extra.entry(key).or_default().push(value);
        }
        if let Some((namespace, _)) = service_account_name(name)
            && wanted.groups.is_empty()
        {
            wanted.groups = service_account_groups(namespace);
        }
        Ok(wanted.authenticated())
    }
}

/// Who everybody is where nobody is asked. As users of token files have, it has a uid.
fn trusted() -> User {
    User { uid: "1000".into(), ..User::new("admin", &[MASTERS]) }
}

/// The namespace and name of a service account from its user's name.
pub(super) fn service_account_name(user: &str) -> Option<(&str, &str)> {
    user.strip_prefix("system:serviceaccount:")?.split_once(':')
}

/// The groups that all service accounts of a namespace are in.
pub(super) fn service_account_groups(namespace: &str) -> Vec<String> {
    vec!["system:serviceaccounts".into(), format!("system:serviceaccounts:{namespace}")]
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_files_are_read() {
        let mut authentication = Authentication::default();
        authentication.read_tokens("t1,jane,1,\"dev,ops\"\n\nt2, bob ,2\n").unwrap();
        let jane = &authentication.tokens["t1"];
        assert_eq!((jane.name.as_str(), jane.groups.as_slice()), ("jane", &["dev".to_string(), "ops".into()][..]));
        assert_eq!(authentication.tokens["t2"].name, "bob");
        assert!(authentication.read_tokens("t3,x").is_err());
        assert!(authentication.read_tokens(",x,1").is_err());
    }
}
