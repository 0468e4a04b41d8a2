//! Which names are URLs, and whether they can be ones.

use crate::api::gotext::quote;

/// Whether a name is taken for a URL.
pub(super) fn is_url(name: &str) -> bool {
    name.starts_with("http://") || name.starts_with("https://")
}

/// Why Go's `net/url` does not read a URL (RFC 3986).
pub(super) fn problem(url: &str) -> Option<String> {
    if url.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Some("net/url: invalid control character in URL".into());
    }
    let rest = url.split_once("://")?.1;
    let rest = rest.split(['#', '?']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let port = if host.starts_with('[') {
        match host.rsplit_once(']') {
            Some((_, port)) => port,
            None => return Some("missing ']' in host".into()),
        }
    } else {
        host.find(':').map_or("", |at| &host[at..])
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    if digits.len() == port.len() && !port.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(format!("invalid port {} after host", quote(port)));
    }
    if let Some(bad) = host.chars().find(|c| matches!(c, ' ' | '"' | '\\' | '^' | '`' | '{' | '|' | '}')) {
        return Some(format!("invalid character {} in host name", quote(&bad.to_string())));
    }
    let bad_escape =
        |rest: &&str| !matches!(rest.as_bytes(), [_, a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    let bad = path.match_indices('%').map(|(at, _)| &path[at..]).find(bad_escape)?;
    Some(format!("invalid URL escape {}", quote(&bad.chars().take(3).collect::<String>())))
}
