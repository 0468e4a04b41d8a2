//! Formats of texts: those that kube-apiserver checks (go-openapi's strfmt). Others mean nothing.

use crate::api::names::{dns1123_label, dns1123_subdomain, parse_cidr, parse_ip};
use crate::api::time;
use base64::Engine;
use regex::Regex;
use std::net::IpAddr;
use std::sync::LazyLock;

/// Whether a format is one that is checked, or one of a number.
pub fn is_known(format: &str) -> bool {
    TEXTS.contains(&plain(format).as_str()) || ["int32", "int64", "float", "double"].contains(&format)
}

const TEXTS: [&str; 26] = [
    "bsonobjectid",
    "uri",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "cidr",
    "mac",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
    "isbn",
    "isbn10",
    "isbn13",
    "creditcard",
    "ssn",
    "hexcolor",
    "rgbcolor",
    "byte",
    "password",
    "date",
    "duration",
    "datetime",
    "k8sshortname",
    "k8slongname",
];

/// Formats are the same with and without hyphens: `date-time`, `datetime`.
fn plain(format: &str) -> String {
    format.replace('-', "")
}

/// Whether a text is of a format.
pub fn is_valid(format: &str, text: &str) -> bool {
    match plain(format).as_str() {
        "bsonobjectid" => text.len() == 24 && text.bytes().all(|b| b.is_ascii_hexdigit()),
        "uri" => is_uri(text),
        "email" => is_email(text),
        "hostname" => is_hostname(text),
        "ipv4" => parse_ip(text).is_some_and(|ip| ip.is_ipv4()),
        "ipv6" => text.contains(':') && parse_ip(text).is_some_and(|ip| matches!(ip, IpAddr::V6(_) | IpAddr::V4(_))),
        "cidr" => parse_cidr(text).is_some(),
        "mac" => is_mac(text),
        "uuid" => is_uuid(text, None),
        "uuid3" => is_uuid(text, Some('3')),
        "uuid4" => is_uuid(text, Some('4')),
        "uuid5" => is_uuid(text, Some('5')),
        "isbn" => is_isbn10(text) || is_isbn13(text),
        "isbn10" => is_isbn10(text),
        "isbn13" => is_isbn13(text),
        "creditcard" => is_credit_card(text),
        "ssn" => matches(&SSN, text),
        "hexcolor" => matches(&HEX_COLOR, text),
        "rgbcolor" => matches(&RGB_COLOR, text),
        "byte" => base64::engine::general_purpose::STANDARD.decode(text).is_ok() && !text.is_empty(),
        "date" => matches(&DATE, text) && time::parse(&format!("{text}T00:00:00Z")).is_some(),
        "duration" => is_duration(text),
        "datetime" => matches(&DATE_TIME, text) && time::parse(&text.to_uppercase()).is_some(),
        "k8sshortname" => dns1123_label(text).is_empty(),
        "k8slongname" => dns1123_subdomain(text).is_empty(),
        _ => true,
    }
}

type Pattern = LazyLock<Option<Regex>>;

static SSN: Pattern = LazyLock::new(|| Regex::new(r"^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$").ok());
static HEX_COLOR: Pattern = LazyLock::new(|| Regex::new(r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$").ok());
static RGB_COLOR: Pattern = LazyLock::new(|| {
    let part = r"\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*";
    Regex::new(&format!(r"^rgb\({part},{part},{part}\)$")).ok()
});
static DATE: Pattern = LazyLock::new(|| Regex::new(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$").ok());
static DATE_TIME: Pattern = LazyLock::new(|| {
    Regex::new(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$")
        .ok()
});

fn matches(pattern: &Pattern, text: &str) -> bool {
    pattern.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// What `url.ParseRequestURI` takes: a path, or a scheme and something after it.
fn is_uri(text: &str) -> bool {
    if text.is_empty() || text.bytes().any(|b| b < b' ' || b == 0x7f || b == b' ') {
        return false;
    }
    if text.starts_with('/') {
        return true;
    }
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        && !rest.is_empty()
}

fn is_email(text: &str) -> bool {
    let address = match text.rsplit_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or(""),
        None => text,
    };
    let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c) || !c.is_ascii();
    address.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && local.chars().all(is_atom)
            && domain.chars().all(|c| is_atom(c) || "[]:".contains(c))
            && ![local, domain].iter().any(|part| part.starts_with('.') || part.ends_with('.') || part.contains(".."))
    })
}

fn is_hostname(text: &str) -> bool {
    let labels: Vec<&str> = text.split('.').collect();
    text.len() <= 255
        && labels.iter().all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        })
}

fn is_mac(text: &str) -> bool {
    let groups = |separator: char, digits: usize, counts: &[usize]| {
        let groups: Vec<&str> = text.split(separator).collect();
        counts.contains(&groups.len())
            && groups.iter().all(|g| g.len() == digits && g.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    groups(':', 2, &[6, 8, 20]) || groups('-', 2, &[6, 8, 20]) || groups('.', 4, &[3, 4, 10])
}

/// A UUID with or without hyphens; of one version when it is given.
fn is_uuid(text: &str, version: Option<char>) -> bool {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let hyphens: Vec<usize> = text.match_indices('-').map(|(at, _)| at).collect();
    digits.len() == 32
        && digits.bytes().all(|b| b.is_ascii_hexdigit())
        && (hyphens.is_empty() || hyphens == [8, 13, 18, 23])
        && version.is_none_or(|version| digits.chars().nth(12) == Some(version))
        && (!matches!(version, Some('4' | '5')) || digits.chars().nth(16).is_some_and(|c| "89abAB".contains(c)))
}

fn digits_of(text: &str) -> Vec<u32> {
    text.chars().filter(|c| !"- ".contains(*c)).filter_map(|c| c.to_digit(10).or((c == 'X').then_some(10))).collect()
}

fn is_isbn10(text: &str) -> bool {
    let digits = digits_of(text);
    let sum: u32 = digits.iter().enumerate().map(|(index, digit)| (index as u32 + 1) * digit).sum();
    digits.len() == 10 && text.chars().filter(|c| !"- ".contains(*c)).count() == 10 && sum.is_multiple_of(11)
}

fn is_isbn13(text: &str) -> bool {
    let digits = digits_of(text);
    let sum: u32 =
        digits.iter().enumerate().map(|(index, digit)| if index % 2 == 0 { *digit } else { 3 * digit }).sum();
    digits.len() == 13 && text.chars().filter(|c| !"- ".contains(*c)).count() == 13 && sum.is_multiple_of(10)
}

/// Luhn's check.
fn is_credit_card(text: &str) -> bool {
    let digits = digits_of(text);
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 = digits.iter().rev().enumerate().map(|(i, d)| if i % 2 == 1 { doubled(*d) } else { *d }).sum();
    (13..=19).contains(&digits.len()) && sum.is_multiple_of(10)
}

/// What Go takes, and words: `1h30m`, `3 days`, `2 weeks`.
fn is_duration(text: &str) -> bool {
    const UNITS: [&str; 21] = [
        "ns",
        "nano",
        "nanosecond",
        "us",
        "µs",
        "micro",
        "microsecond",
        "ms",
        "milli",
        "millisecond",
        "s",
        "sec",
        "second",
        "m",
        "min",
        "minute",
        "h",
        "hr",
        "hour",
        "d",
        "day",
    ];
    if crate::api::GoDuration::parse(text).is_some() {
        return true;
    }
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let unit = number.trim();
    let singular = unit.strip_suffix('s').unwrap_or(unit);
    number.len() < text.len()
        && (UNITS.contains(&unit) || UNITS.contains(&singular) || ["w", "wk", "week"].contains(&singular))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_of_their_formats() {
        for (format, valid, wrong) in [
            ("uri", &["https://a.b/c?d", "/a", "mailto:a@b"][..], &["a", "", "1a://b"][..]),
            ("email", &["a@b.c", "A B <a@b>"], &["a", "@b", "a@"]),
            ("hostname", &["a.b", "A-1"], &["-a", "a..b", "a_b"]),
            ("ipv4", &["1.2.3.4"], &["1.2.3", "::1"]),
            ("ipv6", &["::1", "2001:db8::"], &["1.2.3.4", "x"]),
            ("cidr", &["10.0.0.0/8", "::/0"], &["10.0.0.0", "10.0.0.0/33"]),
            ("mac", &["01:23:45:67:89:ab", "0123.4567.89ab"], &["01:23:45", "g1:23:45:67:89:ab"]),
            ("uuid", &["123e4567-e89b-12d3-a456-426614174000"], &["123e4567", ""]),
            ("uuid4", &["16fd2706-8baf-433b-82eb-8c7fada847da"], &["16fd2706-8baf-333b-82eb-8c7fada847da"]),
            ("isbn10", &["0-306-40615-2"], &["0-306-40615-3"]),
            ("isbn13", &["978-0-306-40615-7"], &["978-0-306-40615-8"]),
            ("creditcard", &["4111 1111 1111 1111"], &["4111 1111 1111 1112"]),
            ("hexcolor", &["#fff", "a0B1c2"], &["#ff", "ggg"]),
            ("rgbcolor", &["rgb(0, 128,255)"], &["rgb(0,0,256)", "rgb(0,0)"]),
            ("byte", &["aGVsbG8="], &["aGVsbG8", "!"]),
            ("date", &["2024-02-29"], &["2023-02-29", "2024-2-1"]),
            (
                "date-time",
                &["2024-02-29T01:02:03Z", "2024-02-29T01:02:03.5+02:00"],
                &["2024-02-29", "2024-02-29 01:02:03"],
            ),
            ("duration", &["1h30m", "300ms", "3 days", "2 weeks"], &["", "x", "3 things"]),
            ("password", &["", "x"], &[]),
        ] {
            assert!(is_known(format));
            valid.iter().for_each(|text| assert!(is_valid(format, text), "{format} {text}"));
            wrong.iter().for_each(|text| assert!(!is_valid(format, text), "{format} {text}"));
        }
        assert!(!is_known("nosuch"));
    }
}
