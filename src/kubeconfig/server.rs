//! The server's address: a URL, or a host and port.

use super::Error;
use crate::api::gotext;

/// Where requests go.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Whether the connection is made by TLS.
    pub secure: bool,
    /// The scheme, in lower case: `http`, `https`, or another, which only fails when a request is made.
    pub scheme: String,
    /// The host, with the port if one is given, as it is written.
    pub host: String,
    /// What comes before `/api` in paths: empty, or a path that starts with a slash and does not end with one.
    pub path: String,
}

impl Server {
    /// Reads an address. Without a scheme, it is plain HTTP and has no path.
    ///
    /// # Errors
    /// When the text is neither a URL nor a host and port.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let fault = || Error::Message(format!("host must be a URL or a host:port pair: {}", gotext::quote(text)));
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
            Some(_) => return Err(fault()),
            None => ("http".to_owned(), text),
        };
        let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = path.trim_end_matches('/');
        if !is_host(host) || (!text.contains("://") && !path.is_empty()) {
            return Err(fault());
        }
        Ok(Self { secure: scheme == "https", scheme, host: host.to_owned(), path: path.to_owned() })
    }

    /// The address as a URL, without a slash at its end.
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.host, self.path)
    }

    /// The host alone, without brackets or a port.
    pub fn name(&self) -> &str {
        match self.host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => self.host.split(':').next().unwrap_or_default(),
        }
    }

    /// The port as it is written, else the scheme's.
    pub fn port(&self) -> &str {
        let after = &self.host[self.host.rfind(']').unwrap_or(0)..];
        match after.split_once(':') {
            Some((_, port)) if !port.is_empty() => port,
            _ if self.secure => "443",
            _ => "80",
        }
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

fn is_host(host: &str) -> bool {
    let (name, rest) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, rest)) if name.contains(':') => (name, rest),
            _ => return false,
        },
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let port = rest.strip_prefix(':').unwrap_or(rest);
    !name.is_empty()
        && !name.contains(|c: char| c.is_whitespace() || "<>\"[]\\^`{|}".contains(c))
        && (rest.is_empty() || rest.starts_with(':'))
        && port.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (text, url, name, port) in [
            ("https://a.b", "https://a.b", "a.b", "443"),
            ("https://a:6443/", "https://a:6443", "a", "6443"),
            ("HTTP://127.0.0.1:1/x/y/?q=1", "http://127.0.0.1:1/x/y", "127.0.0.1", "1"),
            ("localhost", "http://localhost", "localhost", "80"),
            ("localhost:8080/", "http://localhost:8080", "localhost", "8080"),
            ("https://[::1]:2", "https://[::1]:2", "::1", "2"),
            ("http://a:99999", "http://a:99999", "a", "99999"),
            ("ftp://x", "ftp://x", "x", "80"),
        ] {
            let server = Server::parse(text).unwrap();
            assert_eq!((server.url().as_str(), server.name(), server.port()), (url, name, port), "{text}");
        }
        for text in ["http://[", "http://a:b", "localhost:1/foo", "", "http://", "://x", "http://a b"] {
            let fault = format!("host must be a URL or a host:port pair: \"{text}\"");
            assert_eq!(Server::parse(text), Err(Error::Message(fault)));
        }
    }
}
