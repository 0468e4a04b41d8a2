//! URLs (Kubernetes' URL library).

use super::super::Failure;
use super::super::value::Val;
use super::Outcome;
use super::lists::entry;
use std::collections::BTreeMap;

/// A URL in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    scheme: String,
    host: String,
    path: String,
    query: String,
}

impl Url {
    /// Reads what is absolute: a URL with a scheme, or a path from the root.
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.bytes().any(|b| b <= b' ' || b == 0x7f) {
            return None;
        }
        let (before, query) = text.split_once('?').unwrap_or((text, ""));
        let query = query.to_owned();
        if before.starts_with('/') {
            return Some(Self { scheme: String::new(), host: String::new(), path: escaped(before), query });
        }
        let (scheme, rest) = before.split_once(':')?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        if !is_scheme {
            return None;
        }
        let (host, path) = match rest.strip_prefix("//") {
            Some(rest) => rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash)),
            None => ("", rest),
        };
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let port = host.rsplit_once(']').map_or(host, |(_, port)| port).rsplit_once(':').map_or("", |(_, port)| port);
        if !port.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        Some(Self { scheme: scheme.to_ascii_lowercase(), host: host.into(), path: escaped(path), query })
    }

    fn hostname(&self) -> &str {
        let host = match self.host.strip_prefix('[') {
            Some(rest) => return rest.split(']').next().unwrap_or(""),
            None => &self.host,
        };
        host.split(':').next().unwrap_or("")
    }

    fn port(&self) -> &str {
        let after = self.host.rsplit_once(']').map_or(self.host.as_str(), |(_, after)| after);
        after.rsplit_once(':').map_or("", |(_, port)| port)
    }

    fn query(&self) -> Val {
        let mut entries: BTreeMap<String, Vec<Val>> = BTreeMap::new();
        for pair in self.query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            entries.entry(unescaped(key)).or_default().push(unescaped(value).into());
        }
        Val::map(entries.into_iter().map(|(key, values)| entry(&key, Val::list(values))).collect())
    }
}

fn escaped(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:@/%[]".contains(&b);
    path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let code = text.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (bytes[at], code) {
            (b'%', Some(code)) => {
                out.push(code);
                at += 3;
                continue;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

pub fn call(name: &str, target: Option<&Val>, args: &[Val]) -> Option<Outcome> {
    Some(match (name, target, args) {
        ("url", None, [Val::String(text)]) => match Url::parse(text) {
            Some(url) => Ok(Val::Url(url.into())),
            None => {
                let why =
                    format!("URL parse error during conversion from string: parse {text:?}: invalid URI for request");
                Err(Failure::from(why))
            }
        },
        ("isURL", None, [Val::String(text)]) => Ok(Val::Bool(Url::parse(text).is_some())),
        ("getScheme", Some(Val::Url(url)), []) => Ok(url.scheme.as_str().into()),
        ("getHost", Some(Val::Url(url)), []) => Ok(url.host.as_str().into()),
        ("getHostname", Some(Val::Url(url)), []) => Ok(url.hostname().into()),
        ("getPort", Some(Val::Url(url)), []) => Ok(url.port().into()),
        ("getEscapedPath", Some(Val::Url(url)), []) => Ok(url.path.as_str().into()),
        ("getQuery", Some(Val::Url(url)), []) => Ok(url.query()),
        _ => return None,
    })
}
