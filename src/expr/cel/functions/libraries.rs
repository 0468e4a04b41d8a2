//! Kubernetes' libraries: quantities, IP addresses, named formats, semantic versions.

use super::super::Failure;
use super::super::value::Val;
use super::Outcome;
use crate::api::names;
use crate::api::{Quantity, time};
use base64::Engine;
use std::cmp::Ordering;
use std::net::IpAddr;

pub fn call(name: &str, target: Option<&Val>, args: &[Val]) -> Option<Outcome> {
    match (target, args) {
        (None, args) => create(name, args),
        (Some(Val::Quantity(quantity)), args) => of_quantity(name, quantity, args),
        (Some(Val::Ip(ip)), []) => of_ip(name, *ip).map(Ok),
        (Some(Val::Cidr(ip, bits)), args) => of_cidr(name, (*ip, *bits), args),
        (Some(Val::Format(format)), [Val::String(text)]) if name == "validate" => Some(Ok(validate(format, text))),
        (Some(Val::Version(version)), args) => of_version(name, version, args),
        _ => None,
    }
}

fn create(name: &str, args: &[Val]) -> Option<Outcome> {
    if let (Some(format), []) = (name.strip_prefix("format."), args) {
        return named(format).map(|format| Ok(Val::Format(format)));
    }
    if let [Val::Ip(ip)] = args {
        return (name == "string").then(|| Ok(ip.to_string().into()));
    }
    let (Val::String(text), rest) = args.split_first()? else { return None };
    let quantity = || text.parse::<Quantity>().ok();
    let lenient = matches!(rest, [Val::Bool(true)]);
    let version = || Version::parse(text, lenient);
    let address = || names::parse_ip(text);
    let range = || names::parse_cidr(text);
    Some(match (name, rest) {
        ("quantity", []) => quantity().map(|quantity| Val::Quantity(quantity.into())).ok_or_else(|| {
            let why = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
            Failure::from(why)
        }),
        ("isQuantity", []) => Ok(Val::Bool(quantity().is_some())),
        ("ip", []) => address().map(Val::Ip).ok_or_else(|| {
            format!(
                "IP Address {text:?} parse error during conversion from string: ParseAddr({text:?}): unable to parse IP"
            )
            .into()
        }),
        ("isIP", []) => Ok(Val::Bool(address().is_some())),
        ("ip.isCanonical", []) => match address() {
            Some(ip) => Ok(Val::Bool(ip.to_string() == **text)),
            None => Err(format!("IP Address {text:?} parse error during conversion from string").into()),
        },
        ("cidr", []) => range().map(|(ip, bits)| Val::Cidr(ip, bits)).ok_or_else(|| {
            format!("network address parse error during conversion from string: netip.ParsePrefix({text:?}): no '/'")
                .into()
        }),
        ("isCIDR", []) => Ok(Val::Bool(range().is_some())),
        ("format.named", []) => Ok(named(text).map_or(Val::NONE, |format| Val::some(Val::Format(format)))),
        ("semver", [] | [Val::Bool(_)]) => version()
            .map(|version| Val::Version(version.into()))
            .ok_or_else(|| Failure::from("No Major.Minor.Patch elements found")),
        ("isSemver", [] | [Val::Bool(_)]) => Ok(Val::Bool(version().is_some())),
        _ => return None,
    })
}

fn of_quantity(name: &str, quantity: &Quantity, args: &[Val]) -> Option<Outcome> {
    let compare = |other: &Quantity| quantity.minus(other).sign().cmp(&0);
    let whole = |number: &i64| Quantity::whole(*number);
    let made = |quantity: Quantity| Val::Quantity(quantity.into());
    Some(Ok(match (name, args) {
        ("sign", []) => Val::Int(quantity.sign().into()),
        ("isInteger", []) => Val::Bool(quantity.is_whole()),
        ("asInteger", []) if quantity.is_whole() => Val::Int(quantity.value()),
        ("asInteger", []) => return Some(Err("cannot convert value to integer".into())),
        ("asApproximateFloat", []) => Val::Double(quantity.as_f64()),
        ("isGreaterThan", [Val::Quantity(other)]) => Val::Bool(compare(other).is_gt()),
        ("isLessThan", [Val::Quantity(other)]) => Val::Bool(compare(other).is_lt()),
        ("compareTo", [Val::Quantity(other)]) => Val::Int(compare(other) as i64),
        ("add", [Val::Quantity(other)]) => made(quantity.plus(other)),
        ("add", [Val::Int(number)]) => made(quantity.plus(&whole(number))),
        ("sub", [Val::Quantity(other)]) => made(quantity.minus(other)),
        ("sub", [Val::Int(number)]) => made(quantity.minus(&whole(number))),
        _ => return None,
    }))
}

fn of_ip(name: &str, ip: IpAddr) -> Option<Val> {
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.segments()[0] & 0xffc0 == 0xfe80,
    };
    let link_local_multicast = match ip {
        IpAddr::V4(ip) => ip.octets()[..3] == [224, 0, 0],
        IpAddr::V6(ip) => ip.segments()[0] & 0xff0f == 0xff02,
    };
    Some(match name {
        "family" => Val::Int(if ip.is_ipv4() { 4 } else { 6 }),
        "isUnspecified" => Val::Bool(ip.is_unspecified()),
        "isLoopback" => Val::Bool(ip.is_loopback()),
        "isLinkLocalMulticast" => Val::Bool(link_local_multicast),
        "isLinkLocalUnicast" => Val::Bool(link_local),
        "isGlobalUnicast" => {
            let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
            let other = ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || link_local;
            Val::Bool(!broadcast && !other)
        }
        _ => return None,
    })
}

fn of_cidr(name: &str, (ip, bits): (IpAddr, u8), args: &[Val]) -> Option<Outcome> {
    let holds = |other: IpAddr, other_bits: u8| {
        ip.is_ipv4() == other.is_ipv4()
            && other_bits >= bits
            && names::network_of(other, bits) == names::network_of(ip, bits)
    };
    let most = |ip: IpAddr| if ip.is_ipv4() { 32 } else { 128 };
    let wrong = |what: &str, text: &str| {
        Some(Err(Failure::from(format!("{what} {text:?} parse error during conversion from string"))))
    };
    Some(Ok(match (name, args) {
        ("ip", []) => Val::Ip(ip),
        ("masked", []) => Val::Cidr(names::network_of(ip, bits), bits),
        ("prefixLength", []) => Val::Int(bits.into()),
        ("containsIP", [Val::Ip(other)]) => Val::Bool(holds(*other, most(*other))),
        ("containsIP", [Val::String(text)]) => match names::parse_ip(text) {
            Some(other) => Val::Bool(holds(other, most(other))),
            None => return wrong("IP Address", text),
        },
        ("containsCIDR", [Val::Cidr(other, other_bits)]) => Val::Bool(holds(*other, *other_bits)),
        ("containsCIDR", [Val::String(text)]) => match names::parse_cidr(text) {
            Some((other, other_bits)) => Val::Bool(holds(other, other_bits)),
            None => return wrong("network address", text),
        },
        _ => return None,
    }))
}

const FORMATS: [&str; 13] = [
    "dns1123Label",
    "dns1123Subdomain",
    "dns1035Label",
    "qualifiedName",
    "dns1123LabelPrefix",
    "dns1123SubdomainPrefix",
    "dns1035LabelPrefix",
    "labelValue",
    "uri",
    "uuid",
    "byte",
    "date",
    "datetime",
];

fn named(name: &str) -> Option<&'static str> {
    FORMATS.iter().find(|format| **format == name).copied()
}

/// What is wrong with a text; nothing when it is of the format.
fn validate(format: &str, text: &str) -> Val {
    let prefix = |rule: fn(&str) -> Vec<String>| names::with_prefix(rule, text, true);
    let said = |holds: bool, complaint: &str| if holds { Vec::new() } else { vec![complaint.to_owned()] };
    let complaints = match format {
        "dns1123Label" => names::dns1123_label(text),
        "dns1123Subdomain" => names::dns1123_subdomain(text),
        "dns1035Label" => names::dns1035_label(text),
        "qualifiedName" => names::qualified_name(text),
        "dns1123LabelPrefix" => prefix(names::dns1123_label),
        "dns1123SubdomainPrefix" => prefix(names::dns1123_subdomain),
        "dns1035LabelPrefix" => prefix(names::dns1035_label),
        "labelValue" => names::label_value(text),
        "uri" => said(text.starts_with('/') || text.contains(':') && !text.contains(' '), "invalid URI for request"),
        "uuid" => said(
            text.len() == 36
                && text
                    .chars()
                    .enumerate()
                    .all(|(i, c)| if [8, 13, 18, 23].contains(&i) { c == '-' } else { c.is_ascii_hexdigit() }),
            "does not match the UUID format",
        ),
        "byte" => said(base64::engine::general_purpose::STANDARD.decode(text).is_ok(), "invalid base64"),
        "date" => said(time::parse(&format!("{text}T00:00:00Z")).is_some(), "invalid date"),
        _ => said(time::parse(text).is_some(), "invalid datetime"),
    };
    if complaints.is_empty() {
        return Val::NONE;
    }
    Val::some(Val::list(complaints.into_iter().map(Val::from).collect()))
}

/// A semantic version (semver.org, 2.0.0).
#[derive(Clone, Debug)]
pub struct Version {
    numbers: [u64; 3],
    before: Vec<String>,
}

impl Version {
    fn parse(text: &str, lenient: bool) -> Option<Self> {
        let text = if lenient { text.trim_start_matches('v') } else { text };
        let text = text.split('+').next().unwrap_or(text);
        let (core, before) = text.split_once('-').map_or((text, None), |(core, before)| (core, Some(before)));
        let parts: Vec<&str> = core.split('.').collect();
        let number = |part: &&str| {
            let plain = part.bytes().all(|b| b.is_ascii_digit()) && (lenient || *part == "0" || !part.starts_with('0'));
            part.parse::<u64>().ok().filter(|_| plain)
        };
        let mut numbers: Vec<u64> = parts.iter().map(number).collect::<Option<_>>()?;
        if lenient && numbers.len() < 3 {
            numbers.resize(3, 0);
        }
        let before: Vec<String> = before.map(|text| text.split('.').map(str::to_owned).collect()).unwrap_or_default();
        let is_word = |word: &String| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        before.iter().all(is_word).then_some(())?;
        Some(Self { numbers: numbers.try_into().ok()?, before })
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        // What comes before a release is less than it; numbers are less than words.
        let rank = |word: &String| match word.parse::<u64>() {
            Ok(number) => (0, number, String::new()),
            Err(_) => (1, 0, word.clone()),
        };
        let before = |version: &Self| version.before.iter().map(rank).collect::<Vec<_>>();
        let of_release = other.before.is_empty().cmp(&self.before.is_empty()).reverse();
        self.numbers.cmp(&other.numbers).then(of_release).then_with(|| before(self).cmp(&before(other)))
    }
}

fn of_version(name: &str, version: &Version, args: &[Val]) -> Option<Outcome> {
    let number = |index: usize| Val::Int(i64::try_from(version.numbers[index]).unwrap_or(i64::MAX));
    Some(Ok(match (name, args) {
        ("major", []) => number(0),
        ("minor", []) => number(1),
        ("patch", []) => number(2),
        ("isLessThan", [Val::Version(other)]) => Val::Bool(version < other),
        ("isGreaterThan", [Val::Version(other)]) => Val::Bool(version > other),
        ("compareTo", [Val::Version(other)]) => Val::Int(version.cmp(other) as i64),
        _ => return None,
    }))
}
