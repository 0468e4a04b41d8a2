//! Formats of texts: those that kube-apiserver checks (go-openapi's strfmt). Others mean nothing.

mod uri;

use crate::api::names::{dns1123_label, dns1123_subdomain, parse_cidr, parse_ip};
use crate::api::time;
use crate::expr::regexp;
use regex::Regex;
use std::sync::LazyLock;

/// The format that values of a type are checked for: one of a text, or of the type's numbers. Others mean nothing.
pub fn checked<'a>(format: &'a str, kind: &str) -> Option<&'a str> {
    let is_known = match kind {
        "" | "string" => TEXTS.contains(&plain(format).as_str()),
        "integer" => ["int32", "int64"].contains(&format),
        "number" => ["float", "double"].contains(&format),
        _ => false,
    };
    is_known.then_some(format)
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
        "bsonobjectid" => text.len() == 24 && is_hex(text),
        "uri" => uri::is_valid(text),
        "email" => is_email(text),
        "hostname" => is_hostname(text),
        "ipv4" => text.contains('.') && parse_ip(text).is_some(),
        "ipv6" => text.contains(':') && parse_ip(text).is_some(),
        "cidr" => parse_cidr(text).is_some(),
        "mac" => is_mac(text),
        "uuid" => matches(&UUID, text),
        "uuid3" => is_uuid(text, '3'),
        "uuid4" => is_uuid(text, '4'),
        "uuid5" => is_uuid(text, '5'),
        "isbn" => is_isbn10(text) || is_isbn13(text),
        "isbn10" => is_isbn10(text),
        "isbn13" => is_isbn13(text),
        "creditcard" => is_credit_card(text),
        "ssn" => text.len() == 11 && matches(&SSN, text),
        "hexcolor" => matches(&HEX_COLOR, text),
        "rgbcolor" => matches(&RGB_COLOR, text),
        "byte" => is_base64(text),
        "date" => is_date(text),
        "duration" => is_duration(text),
        "datetime" => is_date_time(text),
        "k8sshortname" => dns1123_label(text).is_empty(),
        "k8slongname" => dns1123_subdomain(text).is_empty(),
        _ => true,
    }
}

type Pattern = LazyLock<Option<Regex>>;

// Compiled like the patterns of schemas, in whose language `\d` and `\s` know ASCII only.
static SSN: Pattern = LazyLock::new(|| regexp::compile(r"^\d{3}[- ]?\d{2}[- ]?\d{4}$").ok());
static HEX_COLOR: Pattern = LazyLock::new(|| regexp::compile(r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$").ok());
static RGB_COLOR: Pattern = LazyLock::new(|| {
    let part = r"\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*";
    regexp::compile(&format!(r"^rgb\({part},{part},{part}\)$")).ok()
});
static DATE: Pattern = LazyLock::new(|| regexp::compile(r"^\d{4}-\d{2}-\d{2}$").ok());
static TIME: Pattern =
    LazyLock::new(|| regexp::compile(r"^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(.\d+)?(z|[+-]\d{2}:\d{2})$").ok());
static UUID: Pattern =
    LazyLock::new(|| regexp::compile(r"^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$").ok());
static DURATION: Pattern = LazyLock::new(|| regexp::compile(r"(\d+)\s*([A-Za-zµ]+)").ok());
/// The numbers of cards that issuers give.
static CARD: Pattern = LazyLock::new(|| {
    let issuers = [
        r"4\d{12}(\d{3})?",
        r"5[1-5]\d{14}",
        r"6(011|5\d\d)\d{12}",
        r"3[47]\d{13}",
        r"3(0[0-5]|[68]\d)\d{11}",
        r"(2131|1800|35\d{3})\d{11}",
    ];
    regexp::compile(&format!("^({})$", issuers.join("|"))).ok()
});
/// The characters of host names: besides letters and digits any letter and any symbol of Unicode.
static NAMED: Pattern = LazyLock::new(|| regexp::compile(r"^[a-zA-Z0-9\p{S}\p{L}]*$").ok());
static HYPHENED: Pattern = LazyLock::new(|| regexp::compile(r"^[-a-zA-Z0-9\p{S}\p{L}]*$").ok());
static LETTERS: Pattern = LazyLock::new(|| regexp::compile(r"^\p{L}{2,63}$").ok());

fn matches(pattern: &Pattern, text: &str) -> bool {
    pattern.as_ref().is_some_and(|regex| regex.is_match(text))
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_date(text: &str) -> bool {
    matches(&DATE, text) && time::parse(&format!("{text}T00:00:00Z")).is_some()
}

/// A date and a time; what is after a second `T` does not matter.
fn is_date_time(text: &str) -> bool {
    let text = text.to_lowercase();
    let mut parts = text.split('t');
    parts.next().is_some_and(is_date) && parts.next().is_some_and(|time| matches(&TIME, time))
}

/// Whole groups of four characters, whatever bits the last one leaves over.
fn is_base64(text: &str) -> bool {
    let digits = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let is_digit = |b: u8| b.is_ascii_alphanumeric() || b"+/".contains(&b);
    !text.is_empty() && text.len().is_multiple_of(4) && digits.bytes().all(is_digit)
}

/// What `mail.ParseAddress` takes: `a@b`, `"a b"@c`, `A <a@b>`, with or without a comment in parentheses.
fn is_email(text: &str) -> bool {
    let text = text.trim();
    let text = match text.strip_suffix(')').and_then(|text| text.rsplit_once('(')) {
        Some((address, _)) => address.trim_end(),
        None => text,
    };
    let address = match text.rsplit_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or(""),
        None => text,
    };
    let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c) || !c.is_ascii();
    let is_dotted = |part: &str| !part.starts_with('.') && !part.ends_with('.') && !part.contains("..");
    let is_quoted = |part: &str| part.len() > 1 && part.starts_with('"') && part.ends_with('"');
    address.rsplit_once('@').is_some_and(|(local, domain)| {
        let is_local = is_quoted(local) || !local.is_empty() && local.chars().all(is_atom) && is_dotted(local);
        is_local && !domain.is_empty() && domain.chars().all(|c| is_atom(c) || "[]:".contains(c)) && is_dotted(domain)
    })
}

/// One word with at most one hyphen, after its first letter; or labels and, at the end, one of letters alone.
fn is_hostname(text: &str) -> bool {
    if text.len() > 255 || text.split('.').any(|label| label.len() > 63) {
        return false;
    }
    let mut chars = text.chars();
    let first = chars.next().is_some_and(|first| matches(&NAMED, first.encode_utf8(&mut [0; 4])));
    let rest = chars.as_str();
    if first && matches(&NAMED, rest.strip_prefix('-').unwrap_or(rest)) {
        return true;
    }
    let Some((labels, last)) = text.rsplit_once('.') else { return false };
    let is_label = |label: &str| {
        !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && matches(&HYPHENED, label)
    };
    labels.split('.').all(is_label) && matches(&LETTERS, last)
}

fn is_mac(text: &str) -> bool {
    let groups = |separator: char, digits: usize, counts: &[usize]| {
        let groups: Vec<&str> = text.split(separator).collect();
        counts.contains(&groups.len()) && groups.iter().all(|group| group.len() == digits && is_hex(group))
    };
    groups(':', 2, &[6, 8, 20])
        || groups('-', 2, &[6, 8, 20])
        || groups('.', 4, &[3, 4, 10])
        || [12, 16, 40].contains(&text.len()) && is_hex(text)
}

/// A UUID of a version. Hyphens may be missing.
fn is_uuid(text: &str, version: char) -> bool {
    let digits: Vec<char> = text.chars().filter(|c| *c != '-').collect();
    matches(&UUID, text)
        && digits.get(12) == Some(&version)
        && (version == '3' || digits.get(16).is_some_and(|c| "89abAB".contains(*c)))
}

/// The digits of a book's number: blanks and hyphens are left out, and an `X` at its end counts ten.
fn digits_of(text: &str) -> Option<Vec<u32>> {
    let text: String = text.chars().filter(|c| *c != '-' && !c.is_ascii_whitespace()).collect();
    let digit = |(at, c): (usize, char)| c.to_digit(10).or((c == 'X' && at == 9).then_some(10));
    text.chars().enumerate().map(digit).collect()
}

fn is_isbn10(text: &str) -> bool {
    let Some(digits) = digits_of(text).filter(|digits| digits.len() == 10) else { return false };
    let sum: u32 = digits.iter().enumerate().map(|(index, digit)| (index as u32 + 1) * digit).sum();
    sum.is_multiple_of(11)
}

fn is_isbn13(text: &str) -> bool {
    let Some(digits) = digits_of(text).filter(|digits| digits.len() == 13 && !digits.contains(&10)) else {
        return false;
    };
    let sum: u32 =
        digits.iter().enumerate().map(|(index, digit)| if index % 2 == 0 { *digit } else { 3 * digit }).sum();
    sum.is_multiple_of(10)
}

/// Luhn's check of a number that somebody gives to cards.
fn is_credit_card(text: &str) -> bool {
    let number: String = text.chars().filter(char::is_ascii_digit).collect();
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let digits = number.chars().rev().filter_map(|c| c.to_digit(10));
    let sum: u32 = digits.enumerate().map(|(i, d)| if i % 2 == 1 { doubled(d) } else { d }).sum();
    matches(&CARD, &number) && sum.is_multiple_of(10)
}

/// What Go takes, or somewhere in it a number and a unit: `1h30m`, `3 days`, `2 weeks`.
fn is_duration(text: &str) -> bool {
    const UNITS: [&[&str]; 8] = [
        &["ns", "nano"],
        &["us", "µs", "micro"],
        &["ms", "milli"],
        &["s", "sec"],
        &["m", "min"],
        &["h", "hr", "hour"],
        &["d", "day"],
        &["w", "wk", "week"],
    ];
    if crate::api::GoDuration::parse(text).is_some() {
        return true;
    }
    let Some(pattern) = DURATION.as_ref() else { return false };
    let is_unit = |unit: &str| {
        // What begins like the long name of a unit is one.
        UNITS.iter().any(|names| names.contains(&unit) || names.last().is_some_and(|long| unit.starts_with(long)))
    };
    let parts: Vec<_> = pattern.captures_iter(text).map(|found| found.extract::<2>().1).collect();
    parts.iter().all(|[number, _]| number.parse::<i64>().is_ok())
        && parts.iter().any(|[_, unit]| is_unit(&unit.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_of_their_formats() {
        for (format, valid, wrong) in [
            (
                "uri",
                &["https://a.b/c?d", "/a", "mailto:a@b", "*", "http://[::1]:80/x", "http://u:p@a/%41"][..],
                &["a", "", "1a://b", "http://a:b", "http://a/%zz", "http://%41", "http://a b", "://a"][..],
            ),
            ("email", &["a@b.c", "A B <a@b>", "\"a b\"@c", "a@b (c)"], &["a", "@b", "a@", "a b@c"]),
            ("hostname", &["a.bc", "A-1", "a-", "1", "a-b.c-d.com"], &["-a", "a..b", "a_b", "a.b", "a-b-c", "1.2.3.4"]),
            ("ipv4", &["1.2.3.4", "::ffff:1.2.3.4"], &["1.2.3", "::1"]),
            ("ipv6", &["::1", "2001:db8::"], &["1.2.3.4", "x"]),
            ("cidr", &["10.0.0.0/8", "::/0"], &["10.0.0.0", "10.0.0.0/33"]),
            ("mac", &["01:23:45:67:89:ab", "0123.4567.89ab", "0123456789ab"], &["01:23:45", "g1:23:45:67:89:ab"]),
            (
                "uuid",
                &["123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b12d3-a456-426614174000"],
                &["123e4567", ""],
            ),
            ("uuid4", &["16fd2706-8baf-433b-82eb-8c7fada847da"], &["16fd2706-8baf-333b-82eb-8c7fada847da"]),
            ("isbn10", &["0-306-40615-2"], &["0-306-40615-3"]),
            ("isbn13", &["978-0-306-40615-7"], &["978-0-306-40615-8"]),
            ("ssn", &["123-45-6789"], &["123456789", "12-345-6789"]),
            ("creditcard", &["4111 1111 1111 1111"], &["4111 1111 1111 1112", "0000000000000000"]),
            ("hexcolor", &["#fff", "a0B1c2"], &["#ff", "ggg"]),
            ("rgbcolor", &["rgb(0, 128,255)"], &["rgb(0,0,256)", "rgb(0,0)"]),
            ("byte", &["aGVsbG8=", "YR=="], &["aGVsbG8", "!", ""]),
            ("date", &["2024-02-29"], &["2023-02-29", "2024-2-1"]),
            (
                "date-time",
                &["2024-02-29T01:02:03Z", "2024-02-29T01:02:03.5+02:00", "2024-02-29t01:02:03,5z"],
                &["2024-02-29", "2024-02-29 01:02:03", "2024-02-29T01:02:60Z"],
            ),
            (
                "duration",
                &["1h30m", "300ms", "3 days", "2 weeks", "1ms 2s", "1D", " 1s"],
                &["", "x", "3 things", "2 wks"],
            ),
            ("password", &["", "x"], &[]),
        ] {
            assert_eq!(checked(format, "string"), Some(format));
            valid.iter().for_each(|text| assert!(is_valid(format, text), "{format} {text}"));
            wrong.iter().for_each(|text| assert!(!is_valid(format, text), "{format} {text}"));
        }
        for (format, kind, is_checked) in [
            ("nosuch", "string", false),
            ("date", "", true),
            ("date", "integer", false),
            ("int32", "integer", true),
            ("int32", "number", false),
            ("double", "number", true),
            ("date", "object", false),
        ] {
            assert_eq!(checked(format, kind).is_some(), is_checked, "{format} {kind}");
        }
    }
}
