//! Finding the server's addresses, and remembering them: messages about connections name them.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, fs, io};

/// Looks names up by the system's resolver.
#[derive(Clone, Default)]
pub(super) struct Resolver {
    found: Arc<Mutex<HashMap<String, IpAddr>>>,
    /// A name that stands for another: the certificate's name for the server's host.
    alias: Option<(String, String)>,
}

/// A name that has no addresses.
#[derive(Debug)]
pub(super) struct LookupError(pub String);

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LookupError {}

impl Resolver {
    /// Looks up `host` when asked for `alias`.
    pub(super) fn with_alias(alias: &str, host: &str) -> Self {
        Self { alias: Some((alias.to_ascii_lowercase(), host.to_owned())), ..Self::default() }
    }

    /// The address that a host was dialled at, with its port, as Go writes it; the host itself when it is an address
    /// or was not looked up.
    pub(super) fn dialled(&self, host: &str, port: &str) -> String {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner).get(host).copied();
        match found.or_else(|| host.parse().ok()) {
            Some(IpAddr::V6(address)) => format!("[{address}]:{port}"),
            Some(address) => format!("{address}:{port}"),
            None => format!("{host}:{port}"),
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = match &self.alias {
            Some((alias, host)) if alias.eq_ignore_ascii_case(name.as_str()) => host.clone(),
            _ => name.as_str().to_owned(),
        };
        let found = self.found.clone();
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = match tokio::net::lookup_host((host.as_str(), 0)).await {
                Ok(addresses) => addresses.collect(),
                Err(error) => return Err(Box::new(LookupError(lookup_fault(&host, &error))) as _),
            };
            if let Some(first) = addresses.first() {
                found.lock().unwrap_or_else(PoisonError::into_inner).insert(host, first.ip());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// What Go's resolver says, with the name server that it would have asked.
fn lookup_fault(host: &str, error: &io::Error) -> String {
    let text = error.to_string();
    let why = if text.contains("Temporary failure") { "server misbehaving" } else { "no such host" };
    let servers = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    format!("lookup {host} on {}: {why}", name_server(&servers))
}

fn name_server(resolv_conf: &str) -> String {
    let servers = resolv_conf.lines().filter_map(|line| line.strip_prefix("nameserver"));
    match servers.map(str::trim).find_map(|server| server.parse::<IpAddr>().ok()) {
        Some(IpAddr::V6(address)) => format!("[{address}]:53"),
        Some(address) => format!("{address}:53"),
        None => "127.0.0.1:53".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_server_is_named() {
        for (text, server) in [
            ("search x\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n", "10.0.0.2:53"),
            ("nameserver fd00::1\n", "[fd00::1]:53"),
            ("# nothing", "127.0.0.1:53"),
        ] {
            assert_eq!(name_server(text), server);
        }
    }

    #[test]
    fn addresses_are_written_as_go_writes_them() {
        let resolver = Resolver::default();
        resolver.found.lock().unwrap().insert("localhost".into(), "::1".parse().unwrap());
        for (host, dialled) in [("localhost", "[::1]:80"), ("10.0.0.1", "10.0.0.1:80"), ("h", "h:80")] {
            assert_eq!(resolver.dialled(host, "80"), dialled);
        }
    }
}
