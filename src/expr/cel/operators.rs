//! Operators.

use super::Failure;
use super::value::{Key, Val};
use crate::api::GoDuration;
use crate::api::time::Moment;
use std::cmp::Ordering;
use std::sync::Arc;

type Outcome = Result<Val, Failure>;

/// Applies an operator; none when the name is no operator's.
pub fn apply(name: &str, args: &[Val]) -> Option<Outcome> {
    Some(match (name, args) {
        ("_==_", [a, b]) => Ok(Val::Bool(a.equals(b))),
        ("_!=_", [a, b]) => Ok(Val::Bool(!a.equals(b))),
        ("_<_", [a, b]) => compare(a, b, Ordering::is_lt),
        ("_<=_", [a, b]) => compare(a, b, Ordering::is_le),
        ("_>_", [a, b]) => compare(a, b, Ordering::is_gt),
        ("_>=_", [a, b]) => compare(a, b, Ordering::is_ge),
        ("_+_", [a, b]) => plus(a, b),
        ("_-_", [a, b]) => minus(a, b),
        ("_*_" | "_/_" | "_%_", [a, b]) => multiply(name, a, b),
        ("!_", [Val::Bool(value)]) => Ok(Val::Bool(!value)),
        ("-_", [Val::Int(value)]) => value.checked_neg().map(Val::Int).ok_or_else(overflow),
        ("-_", [Val::Double(value)]) => Ok(Val::Double(-value)),
        ("!_" | "-_", _) => Err(no_overload()),
        ("@in", [item, all]) => within(item, all),
        ("_[_]", [of, at]) => index(of, at),
        ("_[?_]", [of, at]) => match (of, index(of, at)) {
            (_, Ok(value @ Val::Optional(_))) if matches!(of, Val::Optional(_)) => Ok(value),
            (_, Ok(value)) => Ok(Val::some(value)),
            (Val::List(_) | Val::Map(_) | Val::Optional(_), Err(_)) => Ok(Val::NONE),
            (_, Err(failure)) => Err(failure),
        },
        _ => return None,
    })
}

pub(super) fn no_overload() -> Failure {
    "no such overload".into()
}

fn overflow() -> Failure {
    "integer overflow".into()
}

fn compare(a: &Val, b: &Val, is: fn(Ordering) -> bool) -> Outcome {
    match (a, b) {
        (Val::Double(a), Val::Double(b)) if a.is_nan() || b.is_nan() => Err("NaN values cannot be ordered".into()),
        _ => a.order(b).map(|order| Val::Bool(is(order))).ok_or_else(no_overload),
    }
}

fn plus(a: &Val, b: &Val) -> Outcome {
    Ok(match (a, b) {
        (Val::Int(a), Val::Int(b)) => Val::Int(a.checked_add(*b).ok_or_else(overflow)?),
        (Val::Uint(a), Val::Uint(b)) => Val::Uint(a.checked_add(*b).ok_or("unsigned integer overflow")?),
        (Val::Double(a), Val::Double(b)) => Val::Double(a + b),
        (Val::String(a), Val::String(b)) => format!("{a}{b}").into(),
        (Val::Bytes(a), Val::Bytes(b)) => Val::Bytes([&**a, &**b].concat().into()),
        (Val::List(a), Val::List(b)) => Val::List(Arc::new(a.plus(b))),
        (Val::Duration(a), Val::Duration(b)) => {
            Val::Duration(GoDuration(a.0.checked_add(b.0).ok_or("duration overflow")?))
        }
        (Val::Timestamp(at), Val::Duration(span)) | (Val::Duration(span), Val::Timestamp(at)) => shift(*at, span.0),
        _ => return Err(no_overload()),
    })
}

fn minus(a: &Val, b: &Val) -> Outcome {
    Ok(match (a, b) {
        (Val::Int(a), Val::Int(b)) => Val::Int(a.checked_sub(*b).ok_or_else(overflow)?),
        (Val::Uint(a), Val::Uint(b)) => Val::Uint(a.checked_sub(*b).ok_or("unsigned integer overflow")?),
        (Val::Double(a), Val::Double(b)) => Val::Double(a - b),
        (Val::Duration(a), Val::Duration(b)) => {
            Val::Duration(GoDuration(a.0.checked_sub(b.0).ok_or("duration overflow")?))
        }
        (Val::Timestamp(at), Val::Duration(span)) => shift(*at, span.0.checked_neg().ok_or("duration overflow")?),
        (Val::Timestamp(a), Val::Timestamp(b)) => {
            let nanoseconds = |at: &Moment| i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanoseconds);
            let span = i64::try_from(nanoseconds(a) - nanoseconds(b)).map_err(|_| "duration overflow")?;
            Val::Duration(GoDuration(span))
        }
        _ => return Err(no_overload()),
    })
}

fn shift(at: Moment, span: i64) -> Val {
    let nanoseconds = i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanoseconds) + i128::from(span);
    Val::Timestamp(Moment {
        seconds: nanoseconds.div_euclid(1_000_000_000) as i64,
        nanoseconds: nanoseconds.rem_euclid(1_000_000_000) as u32,
    })
}

fn multiply(name: &str, a: &Val, b: &Val) -> Outcome {
    let zero = || Failure::from(if name == "_/_" { "division by zero" } else { "modulus by zero" });
    Ok(match (name, a, b) {
        ("_*_", Val::Int(a), Val::Int(b)) => Val::Int(a.checked_mul(*b).ok_or_else(overflow)?),
        ("_*_", Val::Uint(a), Val::Uint(b)) => Val::Uint(a.checked_mul(*b).ok_or("unsigned integer overflow")?),
        ("_*_", Val::Double(a), Val::Double(b)) => Val::Double(a * b),
        ("_/_", Val::Double(a), Val::Double(b)) => Val::Double(a / b),
        (_, Val::Int(_), Val::Int(0)) | (_, Val::Uint(_), Val::Uint(0)) => return Err(zero()),
        ("_/_", Val::Int(a), Val::Int(b)) => Val::Int(a.checked_div(*b).ok_or_else(overflow)?),
        ("_/_", Val::Uint(a), Val::Uint(b)) => Val::Uint(a / b),
        ("_%_", Val::Int(a), Val::Int(b)) => Val::Int(a.checked_rem(*b).ok_or_else(overflow)?),
        ("_%_", Val::Uint(a), Val::Uint(b)) => Val::Uint(a % b),
        _ => return Err(no_overload()),
    })
}

fn within(item: &Val, all: &Val) -> Outcome {
    match all {
        Val::List(list) => Ok(Val::Bool(list.items.iter().any(|other| other.equals(item)))),
        Val::Map(map) => Ok(Val::Bool(Key::of(item).is_some_and(|key| map.entries.contains_key(&key)))),
        _ => Err(no_overload()),
    }
}

fn index(of: &Val, at: &Val) -> Outcome {
    match of {
        Val::List(list) => {
            let Some(Key::Int(index)) = Key::of(at) else { return Err(no_overload()) };
            let found = usize::try_from(index).ok().and_then(|index| list.items.get(index));
            found.cloned().ok_or_else(|| format!("index out of bounds: {index}").into())
        }
        Val::Map(map) => {
            let found = Key::of(at).and_then(|key| map.entries.get(&key).cloned());
            found.ok_or_else(|| format!("no such key: {}", super::functions::text(at).unwrap_or_default()).into())
        }
        Val::Optional(None) => Ok(Val::NONE),
        Val::Optional(Some(value)) => Ok(index(value, at).map_or(Val::NONE, Val::some)),
        _ => Err(no_overload()),
    }
}
