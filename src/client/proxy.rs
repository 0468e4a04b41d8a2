//! Which proxy a request goes through: the cluster's own, else what the environment says (Go's
//! `http.ProxyFromEnvironment`, with networks in `NO_PROXY`).

use crate::kubeconfig::Environment;
use std::net::IpAddr;

/// What the environment says about proxies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proxies {
    http: String,
    https: String,
    none: Vec<String>,
}

impl Proxies {
    /// Reads `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, or the same in lower case.
    pub fn from_env(env: Environment) -> Self {
        let variable = |name: &str| {
            let set = |name: &str| env(name).filter(|value| !value.is_empty());
            set(name).or_else(|| set(&name.to_ascii_lowercase())).unwrap_or_default()
        };
        // A web server that runs this as a CGI script must not have its proxy chosen by a request's header.
        let is_script = env("REQUEST_METHOD").is_some_and(|method| !method.is_empty());
        let excluded = variable("NO_PROXY");
        let none = excluded.split(',').map(|part| part.trim().to_ascii_lowercase());
        Self {
            http: if is_script { String::new() } else { variable("HTTP_PROXY") },
            https: variable("HTTPS_PROXY"),
            none: none.filter(|part| !part.is_empty()).collect(),
        }
    }

    /// The proxy's URL for requests to a host (without brackets) and port.
    pub fn choose(&self, secure: bool, host: &str, port: &str) -> Option<String> {
        let proxy = if secure { &self.https } else { &self.http };
        if proxy.is_empty() || self.is_excluded(&host.to_ascii_lowercase(), port) {
            return None;
        }
        let has_scheme = ["http://", "https://", "socks5://", "socks5h://"].iter().any(|s| proxy.starts_with(s));
        Some(if has_scheme { proxy.clone() } else { format!("http://{proxy}") })
    }

    fn is_excluded(&self, host: &str, port: &str) -> bool {
        let address = host.parse::<IpAddr>().ok();
        if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return true;
        }
        self.none.iter().any(|rule| excludes(rule, host, port, address))
    }
}

fn excludes(rule: &str, host: &str, port: &str, address: Option<IpAddr>) -> bool {
    if rule == "*" {
        return true;
    }
    if let Some((network, bits)) = rule.split_once('/')
        && let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>())
    {
        return address.is_some_and(|address| is_in(address, network, bits));
    }
    let (name, wanted_port) = match rule.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
        _ => (rule, None),
    };
    if wanted_port.is_some_and(|wanted| wanted != port) {
        return false;
    }
    let name = name.trim_start_matches('[').trim_end_matches(']');
    if let Ok(rule_address) = name.parse::<IpAddr>() {
        return address == Some(rule_address);
    }
    match name.strip_prefix("*.").or(name.strip_prefix('.')) {
        // Names below, but not the name itself.
        Some(suffix) => host.strip_suffix(suffix).is_some_and(|head| head.ends_with('.')),
        None => host == name || host.strip_suffix(name).is_some_and(|head| head.ends_with('.')),
    }
}

fn is_in(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            u32::from(a) & mask == u32::from(n) & mask
        }
        (IpAddr::V6(a), IpAddr::V6(n)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            u128::from(a) & mask == u128::from(n) & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_chooses() {
        let none = "example.com, .sub.org,10.0.0.0/8,192.168.1.1,h:8443,*.wild.net,fd00::/8";
        let env = |name: &str| match name {
            "https_proxy" => Some("proxy:3128".to_owned()),
            "HTTP_PROXY" => Some("socks5://s:1".to_owned()),
            "NO_PROXY" => Some(none.to_owned()),
            _ => None,
        };
        let proxies = Proxies::from_env(&env);
        let https = Some("http://proxy:3128".to_owned());
        for (secure, host, port, wanted) in [
            (true, "other.net", "443", https.clone()),
            (false, "other.net", "80", Some("socks5://s:1".to_owned())),
            (true, "example.com", "443", None),
            (true, "a.Example.com", "443", None),
            (true, "notexample.com", "443", https.clone()),
            (true, "sub.org", "443", https.clone()),
            (true, "a.sub.org", "443", None),
            (true, "a.wild.net", "443", None),
            (true, "10.1.2.3", "443", None),
            (true, "11.1.2.3", "443", https.clone()),
            (true, "192.168.1.1", "443", None),
            (true, "h", "8443", None),
            (true, "h", "443", https.clone()),
            (true, "fd00::1", "443", None),
            (true, "localhost", "443", None),
            (true, "127.0.0.2", "443", None),
            (true, "::1", "443", None),
        ] {
            assert_eq!(proxies.choose(secure, host, port), wanted, "{host}");
        }
        let all = Proxies { none: vec!["*".into()], ..proxies };
        assert_eq!(all.choose(true, "other.net", "443"), None);
        assert_eq!(Proxies::default().choose(true, "h", "1"), None);
    }
}
