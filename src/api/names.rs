//! The rules of names, each with its complaints in the words of apimachinery's validation.
//!
//! Every function returns what is wrong with a text, one complaint for each rule that it breaks, and nothing when
//! it is right. RFC 1123 and RFC 1035 say what labels are; the rest are Kubernetes' own rules.

use std::net::{IpAddr, Ipv6Addr};

/// What is wrong with a text; empty when nothing is.
pub type Complaints = Vec<String>;

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const LABEL_1035: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const LABEL_KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

/// A complaint that says which regular expression a text should match, with examples.
pub fn pattern(complaint: &str, regex: &str, examples: &[&str]) -> String {
    if examples.is_empty() {
        return format!("{complaint} (regex used for validation is '{regex}')");
    }
    let examples: Vec<_> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{complaint} (e.g. {}regex used for validation is '{regex}')", examples.join(" or "))
}

/// `must be between 1 and 65535, inclusive`.
pub fn range(low: i64, high: i64) -> String {
    format!("must be between {low} and {high}, inclusive")
}

fn complain(complaints: [Option<String>; 2]) -> Complaints {
    complaints.into_iter().flatten().collect()
}

fn too_long(text: &str, most: usize) -> Option<String> {
    (text.len() > most).then(|| format!("must be no more than {most} characters"))
}

/// Whether a text begins with `first`, ends with `last` and has only `inner` between.
fn shaped(text: &str, first: fn(u8) -> bool, inner: fn(u8) -> bool, last: fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(start), Some(end)) => first(*start) && last(*end) && bytes.iter().all(|b| inner(*b)),
        _ => false,
    }
}

fn lower(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

fn lower_or_dash(b: u8) -> bool {
    lower(b) || b == b'-'
}

fn word(b: u8) -> bool {
    b.is_ascii_alphanumeric()
}

fn word_or_mark(b: u8) -> bool {
    word(b) || matches!(b, b'-' | b'_' | b'.')
}

fn is_label(text: &str) -> bool {
    shaped(text, lower, lower_or_dash, lower)
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

/// A lowercase RFC 1123 label.
pub fn dns1123_label(text: &str) -> Complaints {
    let rule = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
                and end with an alphanumeric character";
    let shape = (!is_label(text)).then(|| {
        if is_subdomain(text) { "must not contain dots".into() } else { pattern(rule, LABEL, &["my-name", "123-abc"]) }
    });
    complain([too_long(text, 63), shape])
}

/// A lowercase RFC 1123 subdomain.
pub fn dns1123_subdomain(text: &str) -> Complaints {
    let rule = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and \
                must start and end with an alphanumeric character";
    let shape = (!is_subdomain(text)).then(|| pattern(rule, SUBDOMAIN, &["example.com"]));
    complain([too_long(text, 253), shape])
}

/// An RFC 1123 subdomain whose labels may have underscores, as search domains of DNS.
pub fn dns1123_subdomain_with_underscore(text: &str) -> Complaints {
    let rule = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', \
                and must start and end with an alphanumeric character";
    let regex = r"_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*";
    let label =
        |label: &str| shaped(label.strip_prefix('_').unwrap_or(label), lower, |b| lower_or_dash(b) || b == b'_', lower);
    let shape = (!text.split('.').all(label)).then(|| pattern(rule, regex, &["example.com"]));
    complain([too_long(text, 253), shape])
}

/// `*.` and an RFC 1123 subdomain.
pub fn wildcard_dns1123_subdomain(text: &str) -> Complaints {
    let rule = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must \
                consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
    let fits = text.strip_prefix("*.").is_some_and(is_subdomain);
    let shape = (!fits).then(|| pattern(rule, &format!(r"\*\.{SUBDOMAIN}"), &["*.example.com"]));
    complain([too_long(text, 253), shape])
}

/// An RFC 1035 label.
pub fn dns1035_label(text: &str) -> Complaints {
    let rule = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
                character, and end with an alphanumeric character";
    let fits = shaped(text, |b| b.is_ascii_lowercase(), lower_or_dash, lower);
    complain([too_long(text, 63), (!fits).then(|| pattern(rule, LABEL_1035, &["my-name", "abc-123"]))])
}

/// A key of a label, an annotation, a taint, ...: a name of up to 63 characters, with an optional DNS subdomain and
/// a slash before it.
pub fn qualified_name(text: &str) -> Complaints {
    let rule = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
                alphanumeric character";
    let shape = || pattern(rule, LABEL_KEY, &["MyName", "my.name", "123-abc"]);
    let mut complaints = Vec::new();
    let mut name = text;
    if let Some((prefix, rest)) = text.split_once('/') {
        if rest.contains('/') {
            return vec![format!(
                "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                shape()
            )];
        }
        name = rest;
        if prefix.is_empty() {
            complaints.push("prefix part must be non-empty".into());
        }
        if !prefix.is_empty() {
            complaints.extend(dns1123_subdomain(prefix).iter().map(|c| format!("prefix part {c}")));
        }
    }
    match name.len() {
        0 => complaints.push("name part must be non-empty".into()),
        1..=63 => {}
        _ => complaints.push("name part must be no more than 63 bytes".into()),
    }
    if !shaped(name, word, word_or_mark, word) {
        complaints.push(format!("name part {}", shape()));
    }
    complaints
}

/// A label's value.
pub fn label_value(text: &str) -> Complaints {
    let rule = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and \
                must start and end with an alphanumeric character";
    let fits = text.is_empty() || shaped(text, word, word_or_mark, word);
    let long = (text.len() > 63).then(|| "must be no more than 63 bytes".into());
    let regex = format!("({LABEL_KEY})?");
    complain([long, (!fits).then(|| pattern(rule, &regex, &["MyValue", "my_value", "12345"]))])
}

/// A port's name (RFC 6335): up to 15 lower-case letters, digits and single dashes, with a letter among them.
pub fn port_name(text: &str) -> Complaints {
    let mut complaints: Complaints = too_long(text, 15).into_iter().collect();
    let mut rule = |broken: bool, complaint: &str| {
        if broken {
            complaints.push(complaint.into());
        }
    };
    rule(
        text.is_empty() || !text.bytes().all(lower_or_dash),
        "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
    );
    rule(!text.bytes().any(|b| b.is_ascii_lowercase()), "must contain at least one letter (a-z)");
    rule(text.contains("--"), "must not contain consecutive hyphens");
    rule(text.starts_with('-') || text.ends_with('-'), "must not begin or end with a hyphen");
    complaints
}

/// A port's number.
pub fn port_number(port: i64) -> Complaints {
    if (1..=65535).contains(&port) { Vec::new() } else { vec![range(1, 65535)] }
}

/// The name of an environment variable: any printable ASCII but `=` (KEP-4369).
pub fn env_var_name(text: &str) -> Complaints {
    if text.is_empty() {
        return vec!["environment variable name must be non-empty".into()];
    }
    if text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'=') {
        return Vec::new();
    }
    vec!["a valid environment variable name must consist only of printable ASCII characters other than '='".into()]
}

/// The name of an environment variable as clients still take it: letters, digits and a few marks, no digit first.
pub fn plain_env_var_name(text: &str) -> Complaints {
    let rule = "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit";
    let fits = !text.is_empty() && text.bytes().all(word_or_mark) && !text.as_bytes()[0].is_ascii_digit();
    let shape = || pattern(rule, "[-._a-zA-Z][-._a-zA-Z0-9]*", &["my.env-name", "MY_ENV.NAME", "MyEnvName1"]);
    let mut complaints: Complaints = (!fits).then(shape).into_iter().collect();
    match text {
        "." => complaints.push("must not be '.'".into()),
        ".." => complaints.push("must not be '..'".into()),
        _ if text.starts_with("..") => complaints.push("must not start with '..'".into()),
        _ => {}
    }
    complaints
}

/// A key of a ConfigMap or a Secret: it must do as a file name.
pub fn config_map_key(text: &str) -> Complaints {
    let rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    let fits = !text.is_empty() && text.bytes().all(word_or_mark);
    let shape = (!fits).then(|| pattern(rule, "[-._a-zA-Z0-9]+", &["key.name", "KEY_NAME", "key-name"]));
    let mut complaints = complain([too_long(text, 253), shape]);
    match text {
        "." => complaints.push("must not be '.'".into()),
        ".." => complaints.push("must not be '..'".into()),
        _ if text.starts_with("..") => complaints.push("must not start with '..'".into()),
        _ => {}
    }
    complaints
}

/// An HTTP header's name.
pub fn http_header_name(text: &str) -> Complaints {
    let rule = "a valid HTTP header must consist of alphanumeric characters or '-'";
    if !text.is_empty() && text.bytes().all(|b| word(b) || b == b'-') {
        return Vec::new();
    }
    vec![pattern(rule, "[-A-Za-z0-9]+", &["X-Header-Name"])]
}

/// A C identifier.
pub fn c_identifier(text: &str) -> Complaints {
    let rule = "a valid C identifier must start with alphabetic character or '_', followed by a string of \
                alphanumeric characters or '_'";
    let rest = |b: u8| word(b) || b == b'_';
    if shaped(text, |b| b.is_ascii_alphabetic() || b == b'_', rest, rest) {
        return Vec::new();
    }
    vec![pattern(rule, "[A-Za-z_][A-Za-z0-9_]*", &["my_name", "MY_NAME", "MyName"])]
}

/// A percentage such as `25%`.
pub fn percent(text: &str) -> Complaints {
    let rule = "a valid percent string must be a numeric string followed by an ending '%'";
    if text.strip_suffix('%').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
        return Vec::new();
    }
    vec![pattern(rule, "[0-9]+%", &["1%", "93%"])]
}

/// A name that can be a segment of a URL's path, which is all that some kinds ask of their names.
pub fn path_segment(text: &str, prefix: bool) -> Complaints {
    if !prefix && (text == "." || text == "..") {
        return vec![format!("may not be '{text}'")];
    }
    ["/", "%"].iter().filter(|part| text.contains(**part)).map(|part| format!("may not contain '{part}'")).collect()
}

/// A user's or a group's number.
pub fn user_id(id: i64) -> Complaints {
    let most = i64::from(i32::MAX);
    if (0..=most).contains(&id) { Vec::new() } else { vec![range(0, most)] }
}

/// Reads an IP address as Kubernetes always did: leading zeros are decimal.
pub fn parse_ip(text: &str) -> Option<IpAddr> {
    if let Ok(ip) = text.parse() {
        return Some(ip);
    }
    let octets: Vec<u8> = text
        .split('.')
        .map(|part| if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) { None } else { part.parse().ok() })
        .collect::<Option<_>>()?;
    <[u8; 4]>::try_from(octets).ok().map(IpAddr::from)
}

/// Reads `address/bits`.
pub fn parse_cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text.split_once('/')?;
    let ip = parse_ip(address)?;
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let bits = bits.bytes().all(|b| b.is_ascii_digit()).then(|| bits.parse::<u8>().ok())??;
    (bits <= most).then_some((ip, bits))
}

/// The address with all bits after the prefix cleared.
pub fn network_of(ip: IpAddr, bits: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            IpAddr::from((u32::from(ip) & u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)).to_be_bytes())
        }
        IpAddr::V6(ip) => {
            IpAddr::from(Ipv6Addr::from(u128::from(ip) & u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)))
        }
    }
}

fn is_mapped(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some())
}

/// An IP address in a field that always had one: strict about leading zeros and mapped addresses.
pub fn ip(text: &str) -> Complaints {
    let Some(ip) = parse_ip(text) else {
        return vec!["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".into()];
    };
    let zeros = text.parse::<IpAddr>().is_err().then(|| "must not have leading 0s".into());
    complain([zeros, is_mapped(ip).then(|| "must not be an IPv4-mapped IPv6 address".into())])
}

/// An IP address in its canonical form (RFC 5952).
pub fn canonical_ip(text: &str) -> Complaints {
    let complaints = ip(text);
    match parse_ip(text).map(|ip| ip.to_string()) {
        Some(form) if complaints.is_empty() && form != text => vec![format!("must be in canonical form (\"{form}\")")],
        _ => complaints,
    }
}

/// A network `address/bits` in a field that always had one.
pub fn cidr(text: &str) -> Complaints {
    let Some((ip, bits)) = parse_cidr(text) else {
        return vec!["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)".into()];
    };
    let (address, length) = text.split_once('/').unwrap_or_default();
    let complaint = if address.parse::<IpAddr>().is_err() || length.len() > 1 && length.starts_with('0') {
        "must not have leading 0s in IP or prefix length"
    } else if is_mapped(ip) {
        "must not have an IPv4-mapped IPv6 address"
    } else if network_of(ip, bits) != ip {
        "must not have bits set beyond the prefix length"
    } else {
        return Vec::new();
    };
    vec![complaint.into()]
}

/// A network in its canonical form.
pub fn canonical_cidr(text: &str) -> Complaints {
    let complaints = cidr(text);
    match parse_cidr(text).map(|(ip, bits)| format!("{}/{bits}", network_of(ip, bits))) {
        Some(form) if complaints.is_empty() && form != text => vec![format!("must be in canonical form (\"{form}\")")],
        _ => complaints,
    }
}

/// Applies a rule to the prefix of a generated name: the two characters before what will follow may end in a dash.
pub fn with_prefix(rule: fn(&str) -> Complaints, name: &str, prefix: bool) -> Complaints {
    let mut start = name.strip_suffix('-').unwrap_or("").chars();
    if prefix && start.next_back().is_some() { rule(&format!("{}a", start.as_str())) } else { rule(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rule = fn(&str) -> Complaints;

    #[test]
    fn what_is_right() {
        let long = "a".repeat(63);
        let cases: &[(Rule, &[&str])] = &[
            (dns1123_label, &["a", "1", "my-name", &long]),
            (dns1123_subdomain, &["a", "a.b", "1.2.3", "my-name.example.com"]),
            (dns1123_subdomain_with_underscore, &["_a.b_c.d"]),
            (wildcard_dns1123_subdomain, &["*.example.com"]),
            (dns1035_label, &["a", "a-1"]),
            (qualified_name, &["a", "A_b.c", "example.com/a", &long]),
            (label_value, &["", "a", "A_b.c-1"]),
            (port_name, &["http", "a-1", "1a"]),
            (env_var_name, &["A", "a.b", "1", "a b"]),
            (config_map_key, &["a", ".a", "a_b-c.d"]),
            (http_header_name, &["X-Y"]),
            (c_identifier, &["_a1"]),
            (percent, &["0%", "100%"]),
            (ip, &["1.2.3.4", "::1"]),
            (canonical_ip, &["10.0.0.1", "2001:db8::1"]),
            (cidr, &["10.0.0.0/8", "0.0.0.0/0", "2001:db8::/64"]),
        ];
        for (rule, texts) in cases {
            for text in *texts {
                assert_eq!(rule(text), Complaints::new(), "{text}");
            }
        }
    }

    #[test]
    fn what_is_wrong() {
        let long = "a".repeat(64);
        let cases: &[(Rule, &str, &[&str])] = &[
            (dns1123_label, "a.b", &["must not contain dots"]),
            (dns1123_label, &long, &["must be no more than 63 characters"]),
            (
                dns1123_label,
                "A",
                &["a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
                   start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for \
                   validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"],
            ),
            (qualified_name, "/a", &["prefix part must be non-empty"]),
            (label_value, &long, &["must be no more than 63 bytes"]),
            (
                port_name,
                "--",
                &[
                    "must contain at least one letter (a-z)",
                    "must not contain consecutive hyphens",
                    "must not begin or end with a hyphen",
                ],
            ),
            (port_name, "way-too-long-port-name", &["must be no more than 15 characters"]),
            (config_map_key, "..", &["must not be '..'"]),
            (config_map_key, "..a", &["must not start with '..'"]),
            (env_var_name, "", &["environment variable name must be non-empty"]),
            (ip, "1.2.3", &["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]),
            (ip, "01.2.3.4", &["must not have leading 0s"]),
            (ip, "::ffff:1.2.3.4", &["must not be an IPv4-mapped IPv6 address"]),
            (canonical_ip, "2001:DB8::1", &["must be in canonical form (\"2001:db8::1\")"]),
            (cidr, "10.0.0.1/8", &["must not have bits set beyond the prefix length"]),
            (cidr, "10.0.0.0", &["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]),
            (cidr, "10.0.0.0/08", &["must not have leading 0s in IP or prefix length"]),
        ];
        for (rule, text, complaints) in cases {
            assert_eq!(rule(text), *complaints, "{text}");
        }
        assert_eq!(qualified_name("").len(), 2);
        assert_eq!(path_segment("..", false), ["may not be '..'"]);
        assert_eq!(path_segment("a/b%", true), ["may not contain '/'", "may not contain '%'"]);
        assert_eq!(port_number(0), ["must be between 1 and 65535, inclusive"]);
    }

    #[test]
    fn a_prefix_may_end_in_a_dash() {
        assert!(with_prefix(dns1123_label, "a-", true).is_empty());
        assert!(!with_prefix(dns1123_label, "a-", false).is_empty());
        assert!(!with_prefix(dns1123_label, "-", true).is_empty());
    }
}
