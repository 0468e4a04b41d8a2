//! The functions that templates can call: Go's own, and kubectl's `exists` and `base64decode`.

use super::printf::{Spec, sprint, sprintf, sprintln, verb_of};
use super::value::{Held, Val};
use crate::expr::go_value::is_printable;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::cmp::Ordering;

/// What a function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter {
    /// Anything, and nothing at all.
    Value,
    /// Anything; what is missing is an empty box.
    Any,
    String,
}

/// A function.
pub(super) struct Function {
    /// The parameters that are always there.
    pub fixed: &'static [Parameter],
    /// What further arguments are, where there may be any.
    pub more: Option<Parameter>,
    pub call: Call,
}

type Call = for<'a> fn(Vec<Val<'a>>) -> Result<Val<'a>, String>;

use Parameter::{Any, String as Text, Value};

const ONE: &[Parameter] = &[Value];
const TWO: &[Parameter] = &[Value, Value];

/// The function with this name. `and` and `or` are called by the machine itself, which leaves out arguments that do
/// not count.
pub(super) fn find(name: &str) -> Option<Function> {
    let function = |fixed, more, call| Some(Function { fixed, more, call });
    match name {
        "and" | "or" => function(ONE, Some(Value), last),
        "call" => function(ONE, Some(Value), |_| Err("call of nil".into())),
        "html" => function(&[], Some(Any), |args| Ok(Val::text(html(&joined(args))))),
        "js" => function(&[], Some(Any), |args| Ok(Val::text(js(&joined(args))))),
        "urlquery" => function(&[], Some(Any), |args| Ok(Val::text(url_query(&joined(args))))),
        "index" => function(ONE, Some(Value), index),
        "slice" => function(ONE, Some(Value), slice),
        "len" => function(ONE, None, length),
        "not" => function(ONE, None, |args| Ok(Held::Bool(!args[0].is_true()).into())),
        "print" => function(&[], Some(Any), |args| Ok(Val::text(sprint(&args)))),
        "println" => function(&[], Some(Any), |args| Ok(Val::text(sprintln(&args)))),
        "printf" => function(&[Text], Some(Any), |args| Ok(Val::text(sprintf(&args[0].held.to_string(), &args[1..])))),
        "eq" => function(ONE, Some(Value), |args| truth(equal(&args))),
        "ne" => function(TWO, None, |args| truth(equal(&args).map(|equal| !equal))),
        "lt" => function(TWO, None, |args| truth(order(&args).map(Ordering::is_lt))),
        "le" => function(TWO, None, |args| truth(order(&args).map(Ordering::is_le))),
        "gt" => function(TWO, None, |args| truth(order(&args).map(Ordering::is_gt))),
        "ge" => function(TWO, None, |args| truth(order(&args).map(Ordering::is_ge))),
        "exists" => function(&[Any], Some(Any), |args| Ok(Held::Bool(exists(args)).into())),
        "base64decode" => function(&[Text], None, base64_decode),
        _ => None,
    }
}

fn last(mut args: Vec<Val<'_>>) -> Result<Val<'_>, String> {
    Ok(args.pop().unwrap_or(Val::MISSING))
}

fn truth<'a>(result: Result<bool, String>) -> Result<Val<'a>, String> {
    result.map(|truth| Held::Bool(truth).into())
}

/// What Go says when a function does what cannot be done with no value at all.
const NO_TYPE: &str = "reflect: call of reflect.Value.Type on zero Value";

fn length(args: Vec<Val<'_>>) -> Result<Val<'_>, String> {
    let length = match &args[0].held {
        Held::Text(text) => text.len(),
        Held::List(items) => items.len(),
        Held::Map(map) => map.len(),
        Held::Nil => return Err("len of nil pointer".into()),
        Held::Missing => return Err(NO_TYPE.into()),
        other => return Err(format!("len of type {}", other.type_name())),
    };
    Ok(Held::Int(length as i64).into())
}

/// A place in a list or text of this length, or at its end.
fn place(index: &Val<'_>, length: usize) -> Result<usize, String> {
    let index = match (&index.held, index.held.integer()) {
        (_, Some(index)) => index,
        (Held::Missing | Held::Nil, _) => return Err("cannot index slice/array with nil".into()),
        (other, _) => return Err(format!("cannot index slice/array with type {}", other.type_name())),
    };
    usize::try_from(index).ok().filter(|index| *index <= length).ok_or(format!("index out of range: {index}"))
}

fn index(args: Vec<Val<'_>>) -> Result<Val<'_>, String> {
    let mut args = args.into_iter();
    let mut item = args.next().unwrap_or(Val::MISSING).unboxed();
    if item.is_missing() {
        return Err("index of untyped nil".into());
    }
    for index in args {
        item = match item.held {
            Held::Nil => return Err("index of nil pointer".into()),
            Held::List(items) => match items.get(place(&index, items.len())?) {
                Some(item) => Val::boxed(item),
                None => return Err("reflect: slice index out of range".into()),
            },
            Held::Text(text) => match text.as_bytes().get(place(&index, text.len())?) {
                Some(byte) => Held::Byte(*byte).into(),
                None => return Err("reflect: string index out of range".into()),
            },
            Held::Map(map) => match index.held {
                Held::Text(key) => map.get(key.as_ref()).map_or(Val { held: Held::Nil, boxed: true }, Val::boxed),
                Held::Missing | Held::Nil => return Err("value is nil; should be of type string".into()),
                other => return Err(format!("value has type {}; should be string", other.type_name())),
            },
            other => return Err(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(item)
}

fn slice(args: Vec<Val<'_>>) -> Result<Val<'_>, String> {
    let mut args = args.into_iter();
    let item = args.next().unwrap_or(Val::MISSING).unboxed();
    let indexes: Vec<Val<'_>> = args.collect();
    if item.is_missing() {
        return Err("slice of untyped nil".into());
    }
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()));
    }
    let length = match &item.held {
        Held::Text(_) if indexes.len() == 3 => return Err("cannot 3-index slice a string".into()),
        Held::Text(text) => text.len(),
        Held::List(items) => items.len(),
        other => return Err(format!("can't slice item of type {}", other.type_name())),
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(&indexes) {
        *bound = place(index, length)?;
    }
    for (low, high) in [(bounds[0], bounds[1]), (bounds[1], bounds[2])] {
        if low > high {
            return Err(format!("invalid slice index: {low} > {high}"));
        }
    }
    let range = bounds[0]..bounds[1];
    Ok(match item.held {
        Held::Text(text) => Val::text(String::from_utf8_lossy(&text.as_bytes()[range]).into_owned()),
        Held::List(items) => Held::List(&items[range]).into(),
        other => other.into(),
    })
}

const WRONG_TYPE: &str = "invalid type for comparison";

/// Whether the first argument equals any other.
fn equal(args: &[Val<'_>]) -> Result<bool, String> {
    let (first, others) = (&args[0].held, &args[1..]);
    if others.is_empty() {
        return Err("missing argument for comparison".into());
    }
    for other in others {
        let equal = match (first, &other.held) {
            (Held::Bool(a), Held::Bool(b)) => a == b,
            (Held::Missing | Held::Nil, Held::Missing | Held::Nil) => true,
            (Held::Missing | Held::Nil, _) | (_, Held::Missing | Held::Nil) => false,
            (Held::List(_), Held::List(_)) | (Held::Map(_), Held::Map(_)) => {
                let shown = verb_of('s', &other.held, Spec::default());
                return Err(format!("non-comparable type {shown}: {}", other.held.type_name()));
            }
            (a @ (Held::List(_) | Held::Map(_)), b @ (Held::List(_) | Held::Map(_))) => {
                let shown = verb_of('s', a, Spec::default());
                return Err(format!("non-comparable types {shown}: {}, {}: {b}", a.type_name(), b.type_name()));
            }
            (a, b) => compare(a, b).ok_or_else(|| different(a, b))?.is_eq(),
        };
        if equal {
            return Ok(true);
        }
    }
    Ok(false)
}

fn order(args: &[Val<'_>]) -> Result<Ordering, String> {
    let (a, b) = (&args[0].held, &args[1].held);
    let has_order = |held: &Held<'_>| !matches!(held, Held::Missing | Held::Nil | Held::List(_) | Held::Map(_));
    if !has_order(a) || !has_order(b) || matches!((a, b), (Held::Bool(_), Held::Bool(_))) {
        return Err(WRONG_TYPE.into());
    }
    compare(a, b).ok_or_else(|| different(a, b))
}

fn different(a: &Held<'_>, b: &Held<'_>) -> String {
    format!("incompatible types for comparison: {} and {}", a.type_name(), b.type_name())
}

fn compare(a: &Held<'_>, b: &Held<'_>) -> Option<Ordering> {
    match (a, b) {
        (Held::Text(a), Held::Text(b)) => Some(a.cmp(b)),
        (Held::Float(a), Held::Float(b)) => a.partial_cmp(b),
        _ => Some(a.integer()?.cmp(&b.integer()?)),
    }
}

/// Whether indexing would find something.
fn exists(args: Vec<Val<'_>>) -> bool {
    let mut args = args.into_iter();
    let mut item = args.next().unwrap_or(Val::MISSING).unboxed();
    for index in args {
        let index = index.unboxed();
        item = match (item.held, index.held.integer(), &index.held) {
            (Held::List(items), Some(place), _) => match usize::try_from(place).ok().and_then(|at| items.get(at)) {
                Some(item) => Val::boxed(item),
                None => return false,
            },
            (Held::Text(text), Some(place), _) => {
                match usize::try_from(place).ok().and_then(|at| text.as_bytes().get(at)) {
                    Some(byte) => Held::Byte(*byte).into(),
                    None => return false,
                }
            }
            (Held::Map(map), _, Held::Text(key)) => match map.get(key.as_ref()) {
                Some(item) => Val::boxed(item),
                None => return false,
            },
            _ => return false,
        };
    }
    !matches!(item.held, Held::Nil)
}

fn base64_decode(args: Vec<Val<'_>>) -> Result<Val<'_>, String> {
    // Go passes over line ends.
    let text: String = args[0].held.to_string().chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    match STANDARD.decode(&text) {
        Ok(bytes) => Ok(Val::text(String::from_utf8_lossy(&bytes).into_owned())),
        Err(_) => Err(format!("base64 decode failed: illegal base64 data at input byte {}", corrupt_at(&text))),
    }
}

/// Where Go sees that a text is not base64.
fn corrupt_at(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_digit = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let valid = bytes.iter().take_while(|b| is_digit(b)).count();
    match (bytes.get(valid), valid % 4) {
        // Cut short within a group of four.
        (None, 0) => valid,
        (None, over) => valid - over,
        (Some(b'='), 2) if bytes.get(valid + 1) != Some(&b'=') => (valid + 1).min(bytes.len()),
        (Some(b'='), 2) => valid + 2,
        (Some(b'='), 3) => valid + 1,
        _ => valid,
    }
}

/// The arguments as one text; what is missing is named so.
fn joined(args: Vec<Val<'_>>) -> String {
    let args = args.into_iter().map(|arg| match arg.unboxed() {
        arg if arg.is_missing() => Val::text("<no value>"),
        arg => arg,
    });
    sprint(&args.collect::<Vec<_>>())
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

fn js(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '\'' | '"' => out.extend(['\\', c]),
            '<' | '>' | '&' | '=' | '\0'..' ' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c if c.is_ascii() || is_printable(c) => out.push(c),
            c => out.push_str(&format!("\\u{:04X}", u32::from(c))),
        }
    }
    out
}

fn url_query(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}
