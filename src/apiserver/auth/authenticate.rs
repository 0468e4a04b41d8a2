//! Authentication: bearer tokens, client certificates, and everybody else.

use super::token::{ISSUER, Known};
use super::{ANONYMOUS, MASTERS, UNAUTHENTICATED, User};
use crate::api::names;
use crate::apiserver::errors::{Answer, unauthorized};
use crate::apiserver::pipeline::Server;
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
        Ok(user.authenticated())
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
}

/// Who everybody is where nobody is asked. As users of token files have, it has a uid.
fn trusted() -> User {
    User { uid: "1000".into(), ..User::new("admin", &[MASTERS]) }
}

/// The namespace and name of a service account from its user's name.
pub(super) fn service_account_name(user: &str) -> Option<(&str, &str)> {
    let account = user.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    let is_well_formed = names::dns1123_label(account.0).is_empty() && names::dns1123_subdomain(account.1).is_empty();
    is_well_formed.then_some(account)
}

/// A service account as a user.
pub fn service_account(namespace: &str, name: &str) -> User {
    let name = format!("system:serviceaccount:{namespace}:{name}");
    User { name, groups: service_account_groups(namespace), ..User::default() }
}

/// The groups that all service accounts of a namespace are in.
pub(super) fn service_account_groups(namespace: &str) -> Vec<String> {
    vec!["system:serviceaccounts".into(), format!("system:serviceaccounts:{namespace}")]
}

/// Whether a token is passed over because more than one space is before it.
pub fn has_odd_bearer(headers: &HeaderMap) -> bool {
    let text = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("").trim();
    let Some((scheme, token)) = text.split_once(' ') else { return false };
    scheme.eq_ignore_ascii_case("bearer") && token.starts_with(' ')
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    let token = token.split(' ').next().unwrap_or("");
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearers_are_read() {
        for (header, token) in [
            ("Bearer a", Some("a")),
            ("  bearer a b ", Some("a")),
            ("Bearer", None),
            ("Bearer  a", None),
            ("Basic a", None),
        ] {
            let headers = [(header::AUTHORIZATION, header.parse().unwrap())].into_iter().collect();
            assert_eq!(bearer(&headers), token, "{header}");
        }
    }

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
