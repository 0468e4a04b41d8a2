//! Functions of lists, maps and optionals.

use super::super::Failure;
use super::super::operators;
use super::super::value::{Key, Val};
use super::{Outcome, count};
use std::cmp::Ordering;

pub fn call(name: &str, target: Option<&Val>, args: &[Val]) -> Option<Outcome> {
    match (name, target, args) {
        ("size", Some(of), []) | ("size", None, [of]) => Some(Ok(match of {
            Val::String(text) => count(text.chars().count()),
            Val::Bytes(bytes) => count(bytes.len()),
            Val::List(list) => count(list.items.len()),
            Val::Map(map) => count(map.entries.len()),
            _ => return None,
        })),
        ("sets.contains", None, [Val::List(a), Val::List(b)]) => Some(Ok(Val::Bool(has_all(&a.items, &b.items)))),
        ("sets.equivalent", None, [Val::List(a), Val::List(b)]) => {
            Some(Ok(Val::Bool(has_all(&a.items, &b.items) && has_all(&b.items, &a.items))))
        }
        ("sets.intersects", None, [Val::List(a), Val::List(b)]) => {
            Some(Ok(Val::Bool(b.items.iter().any(|item| has(&a.items, item)))))
        }
        ("lists.range", None, [Val::Int(end)]) => {
            // A longer one would cost more than any expression may.
            Some(if *end > 1_000_000 {
                Err(Failure::TooMuch)
            } else {
                Ok(Val::list((0..*end).map(Val::Int).collect()))
            })
        }
        ("optional.of", None, [value]) => Some(Ok(Val::some(value.clone()))),
        ("optional.none", None, []) => Some(Ok(Val::NONE)),
        ("optional.ofNonZeroValue", None, [value]) => {
            Some(Ok(if value.is_zero() { Val::NONE } else { Val::some(value.clone()) }))
        }
        (_, Some(Val::Optional(value)), _) => Some(match (name, value, args) {
            ("hasValue", value, []) => Ok(Val::Bool(value.is_some())),
            ("value", Some(value), []) => Ok((**value).clone()),
            ("value", None, []) => Err("optional.none() dereference".into()),
            ("orValue", Some(value), [_]) => Ok((**value).clone()),
            ("orValue", None, [other]) => Ok(other.clone()),
            ("or", Some(value), [_]) => Ok(Val::Optional(Some(value.clone()))),
            ("or", None, [other]) => Ok(other.clone()),
            _ => return None,
        }),
        (_, Some(Val::List(list)), _) => of_list(name, &list.items, args),
        _ => None,
    }
}

fn has(list: &[Val], item: &Val) -> bool {
    list.iter().any(|other| other.equals(item))
}

fn has_all(list: &[Val], items: &[Val]) -> bool {
    items.iter().all(|item| has(list, item))
}

fn of_list(name: &str, items: &[Val], args: &[Val]) -> Option<Outcome> {
    let indexes = |index: Option<usize>| Ok(index.map_or(Val::Int(-1), count));
    let optional = |item: Option<&Val>| Ok(item.map_or(Val::NONE, |item| Val::some(item.clone())));
    Some(match (name, args) {
        ("isSorted", []) => ordered(items).map(|_| {
            let sorted = items.windows(2).all(|pair| pair[0].order(&pair[1]).is_some_and(Ordering::is_le));
            Val::Bool(sorted)
        }),
        ("sum", []) => sum(items),
        ("min", []) => extreme(items, Ordering::is_lt, "min called on empty list"),
        ("max", []) => extreme(items, Ordering::is_gt, "max called on empty list"),
        ("indexOf", [item]) => indexes(items.iter().position(|other| other.equals(item))),
        ("lastIndexOf", [item]) => indexes(items.iter().rposition(|other| other.equals(item))),
        ("first", []) => optional(items.first()),
        ("last", []) => optional(items.last()),
        ("reverse", []) => Ok(Val::list(items.iter().rev().cloned().collect())),
        ("distinct", []) => {
            let mut seen: Vec<Val> = Vec::new();
            for item in items {
                if !has(&seen, item) {
                    seen.push(item.clone());
                }
            }
            Ok(Val::list(seen))
        }
        ("sort", []) => ordered(items).map(|()| {
            let mut sorted = items.to_vec();
            sorted.sort_by(|a, b| a.order(b).unwrap_or(Ordering::Equal));
            Val::list(sorted)
        }),
        ("slice", [Val::Int(from), Val::Int(to)]) => {
            let range = usize::try_from(*from).ok().zip(usize::try_from(*to).ok());
            match range.and_then(|(from, to)| items.get(from..to)) {
                Some(part) => Ok(Val::list(part.to_vec())),
                None => Err(format!("cannot slice({from}, {to}), list is length {}", items.len()).into()),
            }
        }
        ("flatten", []) => Ok(Val::list(flatten(items, 1))),
        ("flatten", [Val::Int(depth)]) if *depth >= 0 => Ok(Val::list(flatten(items, *depth))),
        ("flatten", [Val::Int(_)]) => Err("level must be non-negative".into()),
        _ => return None,
    })
}

/// Fails when items cannot be put in an order.
fn ordered(items: &[Val]) -> Result<(), Failure> {
    match items.windows(2).all(|pair| pair[0].order(&pair[1]).is_some()) {
        true => Ok(()),
        false => Err("no such overload".into()),
    }
}

fn extreme(items: &[Val], is: fn(Ordering) -> bool, empty: &str) -> Outcome {
    ordered(items)?;
    let better = |best: Val, next: &Val| if next.order(&best).is_some_and(is) { next.clone() } else { best };
    let mut rest = items.iter();
    let first = rest.next().ok_or_else(|| Failure::from(empty))?;
    Ok(rest.fold(first.clone(), better))
}

fn sum(items: &[Val]) -> Outcome {
    let mut rest = items.iter();
    let Some(first) = rest.next() else { return Ok(Val::Int(0)) };
    rest.try_fold(first.clone(), |sum, next| {
        operators::apply("_+_", &[sum, next.clone()]).unwrap_or_else(|| Err("no such overload".into()))
    })
}

fn flatten(items: &[Val], depth: i64) -> Vec<Val> {
    let one = |item: &Val| match item {
        Val::List(list) if depth > 0 => flatten(&list.items, depth - 1),
        other => vec![other.clone()],
    };
    items.iter().flat_map(one).collect()
}

/// The entry of a map by a text.
pub fn entry(key: &str, value: Val) -> (Key, Val) {
    (Key::String(key.into()), value)
}
