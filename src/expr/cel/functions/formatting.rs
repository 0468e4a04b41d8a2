//! `format` of texts: `%s`, `%d`, `%f`, `%e`, `%b`, `%o`, `%x`, `%X`.

use super::super::Failure;
use super::super::value::Val;
use super::convert::text;
use crate::api::json;
use std::fmt::Write;

/// How many digits there may be behind the point.
const MOST_DIGITS: usize = 1000;

/// Fills in the arguments.
pub fn format(pattern: &str, args: &[Val]) -> Result<String, Failure> {
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    let mut next = 0;
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.peek() == Some(&'%') {
            chars.next();
            out.push('%');
            continue;
        }
        let mut precision = None;
        if chars.peek() == Some(&'.') {
            chars.next();
            let mut digits = String::new();
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            precision = Some(digits.parse::<usize>().unwrap_or(MOST_DIGITS).min(MOST_DIGITS));
        }
        let Some(verb) = chars.next() else { return Err("unexpected end of string".into()) };
        let Some(arg) = args.get(next) else { return Err(format!("index {next} out of range").into()) };
        next += 1;
        out.push_str(&one(verb, arg, precision.unwrap_or(6))?);
    }
    Ok(out)
}

fn one(verb: char, arg: &Val, precision: usize) -> Result<String, Failure> {
    let wrong = |wanted: &str| {
        let found = arg.type_name();
        let text = format!("error during formatting: {wanted}, was given {found}");
        Err(Failure::from(text))
    };
    match (verb, arg) {
        ('s', arg) => Ok(shown(arg)),
        ('d', Val::Int(_) | Val::Uint(_)) => Ok(shown(arg)),
        ('d', Val::Double(number)) if !number.is_finite() => Ok(shown(arg)),
        ('d', _) => wrong("decimal clause can only be used on integers"),
        ('f', arg) | ('e', arg) => {
            let number = match arg {
                Val::Double(number) => *number,
                Val::Int(number) => *number as f64,
                Val::Uint(number) => *number as f64,
                _ => return wrong("fixed-point clause can only be used on doubles"),
            };
            if verb == 'f' {
                return Ok(format!("{number:.precision$}"));
            }
            let text = format!("{number:.precision$e}");
            let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
            Ok(format!("{digits}e{sign}{exponent:0>2}"))
        }
        ('b', Val::Bool(value)) => Ok(u8::from(*value).to_string()),
        ('b' | 'o' | 'x' | 'X', Val::Int(number)) => {
            let sign = if *number < 0 { "-" } else { "" };
            Ok(format!("{sign}{}", based(verb, number.unsigned_abs())))
        }
        ('b' | 'o' | 'x' | 'X', Val::Uint(number)) => Ok(based(verb, *number)),
        ('x' | 'X', Val::String(text)) => Ok(hex(text.as_bytes(), verb)),
        ('x' | 'X', Val::Bytes(bytes)) => Ok(hex(bytes, verb)),
        ('b', _) => wrong("only integers and bools can be formatted as binary"),
        ('o', _) => wrong("octal clause can only be used on integers"),
        ('x' | 'X', _) => wrong("only integers, byte buffers, and strings can be formatted as hex"),
        _ => Err(format!("could not parse formatting clause: unrecognized formatting clause \"{verb}\"").into()),
    }
}

fn based(verb: char, number: u64) -> String {
    match verb {
        'b' => format!("{number:b}"),
        'o' => format!("{number:o}"),
        'x' => format!("{number:x}"),
        _ => format!("{number:X}"),
    }
}

fn hex(bytes: &[u8], verb: char) -> String {
    let mut out = String::new();
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = if verb == 'x' { write!(out, "{byte:02x}") } else { write!(out, "{byte:02X}") };
    }
    out
}

/// A value as `%s` shows it.
fn shown(value: &Val) -> String {
    match value {
        Val::Null => "null".into(),
        Val::Double(number) => json::float_g(*number),
        Val::List(list) => format!("[{}]", list.items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Val::Map(map) => {
            let entry =
                |(key, value): (&super::super::value::Key, &Val)| format!("{}: {}", shown(&key.value()), shown(value));
            format!("{{{}}}", map.entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        other => text(other).unwrap_or_else(|| other.type_name().to_owned()),
    }
}
