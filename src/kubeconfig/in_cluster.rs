//! The service account of a pod: how a client inside a cluster finds its server.

use super::Error;
use super::resolve::{ClientConfig, Credentials, Impersonate, Pem, Tls};
use super::server::Server;
use super::sources::Environment;
use std::fs;

const FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A pod's service account.
pub(super) struct ServiceAccount {
    address: String,
    /// What `$POD_NAMESPACE` says.
    namespace: Option<String>,
}

impl ServiceAccount {
    /// The account, if this is a pod with one.
    pub(super) fn find(env: Environment) -> Option<Self> {
        let address = address(env)?;
        let has_token = fs::metadata(format!("{FOLDER}/token")).is_ok_and(|file| !file.is_dir());
        has_token.then(|| Self { address, namespace: env("POD_NAMESPACE").filter(|name| !name.is_empty()) })
    }

    /// The pod's namespace.
    pub(super) fn namespace(&self) -> Option<String> {
        let file = || fs::read_to_string(format!("{FOLDER}/namespace")).ok().map(|text| text.trim().to_owned());
        self.namespace.clone().or_else(file).filter(|name| !name.is_empty())
    }

    /// The account's configuration.
    pub(super) fn client_config(&self) -> Result<ClientConfig, Error> {
        let (token_file, authorities) = (format!("{FOLDER}/token"), format!("{FOLDER}/ca.crt"));
        let token = Pem::File(token_file.clone()).read().map_err(Error::Message)?;
        let authorities = fs::metadata(&authorities).is_ok().then_some(Pem::File(authorities));
        Ok(ClientConfig {
            server: Server::parse(&self.address)?,
            tls: Tls { authorities, ..Tls::default() },
            credentials: Credentials::TokenFile(token_file, String::from_utf8_lossy(&token).into_owned()),
            impersonate: Impersonate::default(),
            proxy_url: String::new(),
            compress: true,
            timeout: None,
        })
    }
}

/// The server's address, when the environment has both parts of it.
fn address(env: Environment) -> Option<String> {
    let variable = |name: &str| env(name).filter(|value| !value.is_empty());
    let (host, port) = (variable("KUBERNETES_SERVICE_HOST")?, variable("KUBERNETES_SERVICE_PORT")?);
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    Some(format!("https://{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_needs_both_parts() {
        for (host, port, wanted) in [
            ("10.0.0.1", "443", Some("https://10.0.0.1:443")),
            ("fd00::1", "6443", Some("https://[fd00::1]:6443")),
            ("", "443", None),
            ("h", "", None),
        ] {
            let env = |name: &str| match name {
                "KUBERNETES_SERVICE_HOST" => Some(host.to_owned()),
                "KUBERNETES_SERVICE_PORT" => Some(port.to_owned()),
                _ => None,
            };
            assert_eq!(address(&env).as_deref(), wanted);
        }
    }
}
