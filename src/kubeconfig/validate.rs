//! What clientcmd refuses in the cluster and the user that are about to be used.

use super::model::{Cluster, User};
use crate::api::gotext;
use std::fs::File;

/// The complaints about a cluster, after flags have been merged in.
pub(super) fn cluster(name: &str, cluster: &Cluster) -> Vec<String> {
    let mut complaints = Vec::new();
    if cluster.server.is_empty() {
        complaints.push(match name {
            "" => "default cluster has no server defined".to_owned(),
            name => format!("no server found for cluster {}", gotext::quote(name)),
        });
    }
    if let Err(fault) = proxy_url(&cluster.proxy_url) {
        let (url, name) = (gotext::quote(&cluster.proxy_url), gotext::quote(name));
        complaints.push(format!("invalid 'proxy-url' {url} for cluster {name}: {fault}"));
    }
    if !cluster.certificate_authority.is_empty() && !cluster.certificate_authority_data.is_empty() {
        complaints.push(format!(
            "certificate-authority-data and certificate-authority are both specified for {name}. \
             certificate-authority-data will override."
        ));
    }
    readable("certificate-authority", &cluster.certificate_authority, name, &mut complaints);
    complaints
}

/// The complaints about a user, after flags have been merged in.
pub(super) fn user(name: &str, user: &User) -> Vec<String> {
    let mut complaints = Vec::new();
    if !user.client_certificate.is_empty() || !user.client_certificate_data.is_empty() {
        certificate(name, user, &mut complaints);
    }
    if let Some(exec) = &user.exec {
        let need = "to use exec authentication plugin";
        if user.auth_provider.is_some() {
            complaints.push(format!("authProvider cannot be provided in combination with an exec plugin for {name}"));
        }
        if exec.command.is_empty() {
            complaints.push(format!("command must be specified for {name} {need}"));
        }
        if exec.api_version.is_empty() {
            complaints.push(format!("apiVersion must be specified for {name} {need}"));
        }
        for _ in exec.env.iter().flatten().filter(|variable| variable.name.is_empty()) {
            complaints.push(format!("env variable name must be specified for {name} {need}"));
        }
        match exec.interactive_mode.as_str() {
            "" => complaints.push(format!("interactiveMode must be specified for {name} {need}")),
            "Never" | "IfAvailable" | "Always" => {}
            mode => complaints.push(format!("invalid interactiveMode for {name}: {}", gotext::quote(mode))),
        }
    }
    let has_basic = !user.username.is_empty() || !user.password.is_empty();
    if !user.token.is_empty() && has_basic {
        complaints.push(format!(
            "more than one authentication method found for {name}; found [token basicAuth], only one is allowed"
        ));
    }
    let impersonates_more = !user.impersonate_uid.is_empty()
        || !user.impersonate_groups.is_empty()
        || !user.impersonate_user_extra.is_empty();
    if impersonates_more && user.impersonate.is_empty() {
        complaints.push(format!("requesting uid, groups or user-extra for {name} without impersonating a user"));
    }
    complaints
}

fn certificate(name: &str, user: &User, complaints: &mut Vec<String>) {
    if !user.client_certificate.is_empty() && !user.client_certificate_data.is_empty() {
        complaints.push(format!(
            "client-cert-data and client-cert are both specified for {name}. client-cert-data will override."
        ));
    }
    if !user.client_key.is_empty() && !user.client_key_data.is_empty() {
        complaints.push(format!(
            "client-key-data and client-key are both specified for {name}; client-key-data will override"
        ));
    }
    if user.client_key.is_empty() && user.client_key_data.is_empty() {
        complaints.push(format!(
            "client-key-data or client-key must be specified for {name} to use the clientCert authentication method."
        ));
    }
    readable("client-cert", &user.client_certificate, name, complaints);
    readable("client-key", &user.client_key, name, complaints);
}

fn readable(what: &str, file: &str, name: &str, complaints: &mut Vec<String>) {
    if file.is_empty() {
        return;
    }
    if let Err(error) = File::open(file) {
        complaints
            .push(format!("unable to read {what} {file} for {name} due to open {file}: {}", gotext::errno(&error)));
    }
}

/// What is wrong with a proxy's URL, if anything.
fn proxy_url(url: &str) -> Result<(), String> {
    if url.is_empty() {
        return Ok(());
    }
    let scheme = match url.split_once(':') {
        Some(("", _)) => return Err(format!("could not parse: {url}")),
        Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) => scheme,
        _ => "",
    };
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" | "socks5" => Ok(()),
        _ => Err(format!("unsupported scheme {}, must be http, https, or socks5", gotext::quote(scheme))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubeconfig::{Exec, ExecEnv};

    #[test]
    fn clusters_are_checked() {
        let good = Cluster { server: "s".into(), ..Cluster::default() };
        let proxied = |url: &str| Cluster { proxy_url: url.into(), ..good.clone() };
        for (name, case, complaint) in [
            ("c", Cluster::default(), Some("no server found for cluster \"c\"")),
            ("", Cluster::default(), Some("default cluster has no server defined")),
            ("c", proxied("socks5://h:1"), None),
            (
                "c",
                proxied("socks4://x"),
                Some(
                    "invalid 'proxy-url' \"socks4://x\" for cluster \"c\": unsupported scheme \"socks4\", must be http, https, or socks5",
                ),
            ),
            (
                "c",
                proxied("foo"),
                Some(
                    "invalid 'proxy-url' \"foo\" for cluster \"c\": unsupported scheme \"\", must be http, https, or socks5",
                ),
            ),
            ("c", proxied(":bad"), Some("invalid 'proxy-url' \":bad\" for cluster \"c\": could not parse: :bad")),
            (
                "c",
                Cluster { certificate_authority: "/nosuch".into(), ..good.clone() },
                Some(
                    "unable to read certificate-authority /nosuch for c due to open /nosuch: no such file or directory",
                ),
            ),
        ] {
            assert_eq!(cluster(name, &case), complaint.into_iter().map(str::to_owned).collect::<Vec<_>>());
        }
    }

    #[test]
    fn users_are_checked() {
        let exec = |exec: Exec| User { exec: Some(exec), ..User::default() };
        let whole = Exec {
            command: "c".into(),
            api_version: "client.authentication.k8s.io/v1".into(),
            interactive_mode: "Never".into(),
            ..Exec::default()
        };
        for (case, complaints) in [
            (User::default(), vec![]),
            (exec(whole.clone()), vec![]),
            (
                User { token: "t".into(), password: "p".into(), ..User::default() },
                vec!["more than one authentication method found for u; found [token basicAuth], only one is allowed"],
            ),
            (
                User { impersonate_groups: vec!["g".into()], ..User::default() },
                vec!["requesting uid, groups or user-extra for u without impersonating a user"],
            ),
            (
                User { client_certificate_data: b"x".into(), ..User::default() },
                vec![
                    "client-key-data or client-key must be specified for u to use the clientCert authentication method.",
                ],
            ),
            (
                exec(Exec::default()),
                vec![
                    "command must be specified for u to use exec authentication plugin",
                    "apiVersion must be specified for u to use exec authentication plugin",
                    "interactiveMode must be specified for u to use exec authentication plugin",
                ],
            ),
            (
                exec(Exec { interactive_mode: "Foo".into(), env: Some(vec![ExecEnv::default()]), ..whole }),
                vec![
                    "env variable name must be specified for u to use exec authentication plugin",
                    "invalid interactiveMode for u: \"Foo\"",
                ],
            ),
        ] {
            assert_eq!(user("u", &case), complaints);
        }
    }
}
