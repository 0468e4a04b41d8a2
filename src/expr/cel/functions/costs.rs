//! What calls cost, as cel-go counts while it evaluates.

use super::super::cost::{PER_CHARACTER, PER_PATTERN_CHARACTER};
use super::super::value::Val;

/// Where counting stops: no budget is as large.
const MOST: u64 = 100_000_000;

/// What a call costs. Without its result only what the operands tell: none when the result is needed.
pub fn cost(function: &str, operands: &[&Val], result: Option<&Val>) -> Option<u64> {
    let size_at = |index: usize| operands.get(index).map_or(1, |value| size(value));
    let scaled = |size: u64, factor: f64| (size as f64 * factor).ceil() as u64;
    let text = |index: usize| scaled(size_at(index), PER_CHARACTER);
    let pattern =
        |index: usize| scaled(size_at(index) + 1, PER_CHARACTER) * scaled(size_at(index + 1), PER_PATTERN_CHARACTER);
    let square = |factor: u64| size_at(0).saturating_mul(size_at(0)).saturating_mul(factor).saturating_add(11);
    Some(match (function, operands) {
        ("check", _) => 350_000,
        ("fieldSelector" | "labelSelector", [_, selector]) => {
            10 + scaled(size(selector), PER_CHARACTER) + scaled(scaled(size(selector), 0.5), 50.0)
        }
        ("isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf", [on, ..]) => traversal(on, MOST),
        ("url" | "lowerAscii" | "upperAscii" | "substring" | "trim" | "cidr" | "isIP" | "isCIDR", _) => text(0),
        ("quantity" | "isQuantity" | "semver" | "isSemver", _) => text(0),
        ("startsWith" | "endsWith" | "strings.quote" | "format", _) => text(0),
        ("ip", [Val::String(_)]) | ("bytes", [Val::String(_)]) | ("string", [Val::Bytes(_)]) => text(0),
        ("replace" | "split" | "ip.isCanonical", _) => scaled(size_at(0), 2.0 * PER_CHARACTER),
        ("join", _) => scaled(size(result?), 2.0 * PER_CHARACTER),
        ("find" | "findAll" | "matches", _) => pattern(0),
        ("validate", _) => scaled(size_at(1) + 1, PER_CHARACTER) * scaled(128, PER_PATTERN_CHARACTER),
        ("@in", [_, Val::List(list)]) => list.items.len() as u64,
        ("_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_", _) => scaled(size_at(0).min(size_at(1)), PER_CHARACTER),
        ("_+_", [Val::String(_) | Val::Bytes(_), _]) => scaled(size_at(0) + size_at(1), PER_CHARACTER),
        ("contains", [Val::String(_), _]) => text(0) * text(1),
        ("sets.contains" | "sets.intersects", _) => size_at(0).saturating_mul(size_at(1)) + 1,
        ("sets.equivalent", _) => size_at(0).saturating_mul(size_at(1)).saturating_mul(2) + 1,
        ("distinct" | "sort", _) => square(2),
        ("slice" | "lists.range" | "reverse" | "flatten", _) => size(result?) + 11,
        _ => 1,
    })
}

/// How long a value is.
fn size(value: &Val) -> u64 {
    let size = match value {
        Val::String(text) => text.chars().count(),
        Val::Bytes(bytes) => bytes.len(),
        Val::List(list) => list.items.len(),
        Val::Map(map) => map.entries.len(),
        Val::Optional(Some(value)) => return size(value),
        _ => 1,
    };
    size as u64
}

/// What looking at all of a value costs.
fn traversal(value: &Val, most: u64) -> u64 {
    let all = |values: &mut dyn Iterator<Item = &Val>| {
        values.fold(0, |sum: u64, value| if sum >= most { sum } else { sum + traversal(value, most - sum) })
    };
    match value {
        Val::String(text) => (text.len() as f64 * PER_CHARACTER) as u64,
        Val::Bytes(bytes) => (bytes.len() as f64 * PER_CHARACTER) as u64,
        Val::List(list) => all(&mut list.items.iter()),
        Val::Map(map) => all(&mut map.entries.values()),
        _ => 1,
    }
}
