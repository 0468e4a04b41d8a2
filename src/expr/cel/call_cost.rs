//! What calls of functions may cost: those of CEL that look at whole texts, and those of Kubernetes' libraries.

use super::cost::{Coster, PER_CHARACTER, PER_PATTERN_CHARACTER, Range};
use super::signatures::Signature;
use super::tree::{Node, Part};
use super::types::Type;
use super::value::Val;

/// The length that the patterns of named formats are taken to have.
const FORMAT_PATTERN: f64 = 128.0;
/// The bytes of an IP address.
const ADDRESS: Range = Range { min: 4, max: 16 };

/// The cost of a call without its arguments', and the size of what it gives; none where a call costs one.
pub fn estimated(
    coster: &mut Coster,
    function: &str,
    signature: &Signature,
    target: Option<&Node>,
    args: &[Node],
) -> Option<(Range, Option<Range>)> {
    let one = Some((Range::of(1), None));
    match (function, target, args) {
        ("check", ..) => Some((Range::of(350_000), None)),
        ("serviceAccount" | "path" | "group" | "resource" | "subresource" | "namespace" | "name" | "allowed", ..)
        | ("reason" | "error" | "errored", ..) => one,
        ("fieldSelector" | "labelSelector", _, [selector]) => {
            let size = coster.size_or_unknown(selector);
            let requirements = size.scaled(0.5).scaled(50.0);
            Some((Range::of(10).plus(size.scaled(PER_CHARACTER)).plus(requirements), None))
        }
        ("isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf", Some(target), _) => {
            let size = coster.size_or_unknown(target);
            let Some((of, item)) = coster.item(target) else { return Some((size.scaled(PER_CHARACTER), None)) };
            let each = match of {
                Type::String | Type::Bytes => Range::of(1).plus(item.scaled(PER_CHARACTER)),
                _ => Range::of(1),
            };
            Some((size.times(each), None))
        }
        ("url", _, [text]) => {
            let size = coster.size_or_unknown(text);
            Some((size.scaled(PER_CHARACTER), Some(size)))
        }
        ("lowerAscii" | "upperAscii" | "substring" | "trim", Some(target), _) => {
            let size = coster.size_or_unknown(target);
            Some((size.scaled(PER_CHARACTER), Some(size)))
        }
        ("replace", Some(target), [from, to, ..]) => {
            let size = coster.size_or_unknown(target);
            let (from, to) = (coster.size_or_unknown(from), coster.size_or_unknown(to));
            Some((size.scaled(2.0 * PER_CHARACTER), Some(replaced(size, from, to))))
        }
        ("split", Some(target), _) => {
            let size = coster.size_or_unknown(target);
            let most = match args.get(1).map(|arg| &arg.part) {
                Some(Part::Literal(Val::Int(most))) => u64::try_from(*most).unwrap_or(u64::MAX),
                _ => size.max,
            };
            Some((size.scaled(2.0 * PER_CHARACTER), Some(Range { min: 0, max: most })))
        }
        ("join", Some(target), _) => {
            let count = coster.size_or_unknown(target);
            let mut size = coster.item(target).map_or(Range::of(0), |(_, item)| count.times(item));
            if let Some(separator) = args.first() {
                let between = Range { min: count.min.saturating_sub(1), max: count.max.saturating_sub(1) };
                size = size.plus(coster.size_or_unknown(separator).times(between));
            }
            Some((size.scaled(PER_CHARACTER), Some(size)))
        }
        ("find" | "findAll", Some(target), [pattern, ..]) => {
            let size = coster.size_or_unknown(target);
            let cost = matching(size, coster.size_or_unknown(pattern));
            Some((cost, Some(Range { min: 0, max: size.max })))
        }
        ("matches", Some(target), [pattern]) => {
            let size = coster.size_or_unknown(target);
            Some((matching(size, coster.size_or_unknown(pattern)), None))
        }
        ("contains", Some(target), [part]) => {
            let size = coster.size_or_unknown(target).scaled(PER_CHARACTER);
            Some((size.times(coster.size_or_unknown(part).scaled(PER_CHARACTER)), None))
        }
        ("startsWith" | "endsWith", _, [part]) => Some((coster.size_or_unknown(part).scaled(PER_CHARACTER), None)),
        ("format", Some(target), _) => Some((coster.size_or_unknown(target).scaled(PER_CHARACTER), None)),
        ("bytes", None, [text]) if signature.args[0] == Type::String => {
            let size = coster.size_or_unknown(text);
            let given = Range { min: size.min, max: size.max.saturating_mul(4) };
            Some((size.scaled(PER_CHARACTER), Some(given)))
        }
        ("string", None, [bytes]) if signature.args[0] == Type::Bytes => {
            let size = coster.size_or_unknown(bytes);
            Some((size.scaled(PER_CHARACTER), Some(Range { min: size.min / 4, max: size.max })))
        }
        ("quote", _, [text]) => {
            let size = coster.size_or_unknown(text);
            let given = Range { min: size.min.saturating_add(2), max: size.max.saturating_mul(2).saturating_add(2) };
            Some((size.scaled(PER_CHARACTER), Some(given)))
        }
        ("@in", _, [_, all]) if matches!(signature.args[1], Type::List(_)) => Some((coster.size_or_unknown(all), None)),
        ("contains" | "intersects" | "equivalent", None, [a, b]) => {
            let factor = if function == "equivalent" { 2.0 } else { 1.0 };
            let size = coster.size_or_unknown(a).times(coster.size_or_unknown(b));
            Some((size.scaled(factor).plus(Range::of(1)), None))
        }
        ("slice", Some(target), [from, to]) => {
            let size = coster.size_or_unknown(target);
            let count = written(to).unwrap_or(size.max).saturating_sub(written(from).unwrap_or(0));
            Some(listed(1.0, Range::of(count), Range::of(count)))
        }
        ("range", _, [count]) => {
            let count = Range::of(written(count).unwrap_or(u64::MAX));
            Some(listed(1.0, count, count))
        }
        ("reverse", Some(target), []) => {
            let size = coster.size_or_unknown(target);
            Some(listed(1.0, size, size))
        }
        ("flatten", Some(target), depth) => {
            let depth = depth.first().map_or(1, |depth| written(depth).unwrap_or(u64::MAX));
            let size = coster.size_or_unknown(target);
            Some(listed(depth as f64, size, size))
        }
        ("distinct" | "sort", Some(target), []) => {
            let size = coster.size_or_unknown(target);
            let square = size.times(size);
            let is_text = matches!(signature.args[0].parts()[..], [Type::String | Type::Bytes]);
            let factor = if function == "sort" && is_text { 2.0 + PER_CHARACTER } else { 2.0 };
            Some(listed(factor, square, square))
        }
        ("ip", Some(_), []) => one,
        ("cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver" | "isSemver", _, [text, ..]) => {
            Some((coster.size_or_unknown(text).scaled(PER_CHARACTER), None))
        }
        ("isCanonical", _, [text]) => Some((coster.size_or_unknown(text).scaled(2.0 * PER_CHARACTER), None)),
        ("containsIP" | "containsCIDR", Some(_), [other]) => {
            let mut cost = ADDRESS.plus(ADDRESS).scaled(PER_CHARACTER);
            if function == "containsCIDR" {
                cost = cost.plus(ADDRESS.scaled(PER_CHARACTER)).plus(Range::of(1));
            }
            if signature.args[1] == Type::String {
                cost = cost.plus(coster.size_or_unknown(other).scaled(PER_CHARACTER));
            }
            Some((cost, None))
        }
        ("validate", _, [text]) => {
            let size = coster.size_or_unknown(text);
            Some((size.scaled(PER_CHARACTER).scaled(FORMAT_PATTERN * PER_PATTERN_CHARACTER), None))
        }
        ("_<_" | "_<=_" | "_>_" | "_>=_", _, [a, b]) if matches!(signature.args[0], Type::String | Type::Bytes) => {
            Some((compared(coster, a, b), None))
        }
        ("_!=_", _, [a, b]) => Some((compared(coster, a, b), None)),
        ("_==_", _, [a, b]) => {
            let own = match (coster.ty(a), coster.ty(b)) {
                (Type::Opaque(ty), Type::Opaque(other)) if ty == other => match *ty {
                    "kubernetes.NamedFormat" => Some(Range { min: 1, max: 64 }.scaled(PER_CHARACTER)),
                    "kubernetes.URL" => {
                        let size = coster.size(b).map_or(1, |size| size.max);
                        Some(Range { min: 1, max: size }.scaled(PER_CHARACTER))
                    }
                    _ => Some(Range::of(1)),
                },
                _ => None,
            };
            Some((own.unwrap_or_else(|| compared(coster, a, b)), None))
        }
        _ => None,
    }
}

/// A number that is written out.
fn written(node: &Node) -> Option<u64> {
    match &node.part {
        Part::Literal(Val::Int(number)) => u64::try_from(*number).ok(),
        _ => None,
    }
}

/// The cost of a function that makes a list.
fn listed(factor: f64, looked_at: Range, size: Range) -> (Range, Option<Range>) {
    (looked_at.scaled(factor).plus(Range::of(11)), Some(size))
}

fn matching(text: Range, pattern: Range) -> Range {
    text.plus(Range::of(1)).scaled(PER_CHARACTER).times(pattern.scaled(PER_PATTERN_CHARACTER))
}

fn compared(coster: &mut Coster, a: &Node, b: &Node) -> Range {
    let most = coster.size_or_unknown(a).max.min(coster.size_or_unknown(b).max);
    Range { min: u64::from(most > 0), max: most }.scaled(PER_CHARACTER)
}

/// How long a text is in which parts were replaced.
fn replaced(size: Range, from: Range, to: Range) -> Range {
    // The longest: the shortest parts become the longest ones; the shortest the other way round.
    let (most, kept_most) = match from.min {
        0 => (size.max.saturating_add(1), size.max),
        shortest if to.max <= shortest => (0, size.max),
        shortest => ((size.max as f64 / shortest as f64).ceil() as u64, 0),
    };
    let (least, kept_least) = match from.max {
        0 => (size.min.saturating_add(1), size.min),
        longest if longest <= to.min => (0, size.min),
        longest => ((size.min as f64 / longest as f64).ceil() as u64, 0),
    };
    Range { min: least, max: most }.times(to).plus(Range { min: kept_least, max: kept_most })
}
