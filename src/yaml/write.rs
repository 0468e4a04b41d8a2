//! The writer: values as `kubectl -o yaml` prints them, which is as go-yaml 2 writes what it reads from JSON.

use super::resolve::{Scalar, resolve};
use super::style;
use super::unicode::is_letter;
use crate::api::{Map, Value, json};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::io::{self, Write};

/// How many spaces one level is.
const STEP: usize = 2;
/// Keys longer than this, in bytes, are written with `?`.
const MAX_SIMPLE_KEY: usize = 128;

/// The value as YAML, with a newline at the end.
pub fn to_string(value: &Value) -> String {
    let mut out = Vec::new();
    // Writing to memory cannot fail, and only whole strings are written.
    let _ = write(value, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Writes the value as YAML, with a newline at the end.
///
/// Keys come in natural order (`a2` before `a10`), sequences stand as deep as their key, and long text is folded
/// after 80 columns.
pub fn write(value: &Value, out: &mut impl Write) -> io::Result<()> {
    match value {
        Value::Object(fields) if !fields.is_empty() => mapping(fields, 0, true, out),
        Value::Array(items) if !items.is_empty() => sequence(items, 0, true, out),
        _ => scalar(value, STEP, 0, out),
    }
}

/// Writes the entries of a mapping at the column `indent`. When it begins `inline`, the first stands where the cursor
/// is.
fn mapping(fields: &Map<String, Value>, indent: usize, inline: bool, out: &mut impl Write) -> io::Result<()> {
    let mut inline = inline;
    for (key, value) in sorted(fields) {
        if !inline {
            spaces(indent, out)?;
        }
        inline = false;
        let key = as_read_back(key);
        let style = style::of(&key);
        if key.len() > MAX_SIMPLE_KEY || style.multi_line() {
            out.write_all(b"? ")?;
            end_line(style.write(&key, indent + STEP, indent + 2, true, out)?, out)?;
            spaces(indent, out)?;
            out.write_all(b":")?;
            complex_value(value, indent, out)?;
        } else {
            let column = style.write(&key, indent + STEP, indent, false, out)?;
            out.write_all(b":")?;
            simple_value(value, indent, column + 1, out)?;
        }
    }
    Ok(())
}

/// Writes the value of a key that ended at `column`.
fn simple_value(value: &Value, indent: usize, column: usize, out: &mut impl Write) -> io::Result<()> {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            out.write_all(b"\n")?;
            mapping(fields, indent + STEP, false, out)
        }
        Value::Array(items) if !items.is_empty() => {
            out.write_all(b"\n")?;
            sequence(items, indent, false, out)
        }
        _ => {
            out.write_all(b" ")?;
            scalar(value, indent + STEP, column + 1, out)
        }
    }
}

/// Writes a value after an indicator of one byte at the column `indent`: it begins on the same line.
fn complex_value(value: &Value, indent: usize, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b" ")?;
    match value {
        Value::Object(fields) if !fields.is_empty() => mapping(fields, indent + STEP, true, out),
        Value::Array(items) if !items.is_empty() => sequence(items, indent + STEP, true, out),
        _ => scalar(value, indent + STEP, indent + 2, out),
    }
}

fn sequence(items: &[Value], indent: usize, inline: bool, out: &mut impl Write) -> io::Result<()> {
    let mut inline = inline;
    for item in items {
        if !inline {
            spaces(indent, out)?;
        }
        inline = false;
        out.write_all(b"-")?;
        complex_value(item, indent, out)?;
    }
    Ok(())
}

/// Writes a scalar or an empty collection at `column`, and ends the line. Further lines are indented to `indent`.
fn scalar(value: &Value, indent: usize, column: usize, out: &mut impl Write) -> io::Result<()> {
    match value {
        Value::Null => out.write_all(b"null\n"),
        Value::Bool(true) => out.write_all(b"true\n"),
        Value::Bool(false) => out.write_all(b"false\n"),
        Value::Array(_) => out.write_all(b"[]\n"),
        Value::Object(_) => out.write_all(b"{}\n"),
        Value::Number(number) => {
            write_number(number, out)?;
            out.write_all(b"\n")
        }
        Value::String(text) => {
            let text = as_read_back(text);
            end_line(style::of(&text).write(&text, indent, column, true, out)?, out)
        }
    }
}

/// Ends the line, when anything stands on it.
fn end_line(column: usize, out: &mut impl Write) -> io::Result<()> {
    if column == 0 { Ok(()) } else { out.write_all(b"\n") }
}

/// A float goes through JSON text, which may make it an integer.
fn write_number(number: &serde_json::Number, out: &mut impl Write) -> io::Result<()> {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return write!(out, "{number}") };
    match resolve(&json::float(float)) {
        Scalar::Int(integer) => write!(out, "{integer}"),
        Scalar::Unsigned(integer) => write!(out, "{integer}"),
        _ => out.write_all(json::float_g(float).as_bytes()),
    }
}

/// The text as the reference has it after it went through JSON text that was read as YAML: there NEL, the one line
/// break that JSON does not escape, is folded with the spaces around it.
pub(super) fn as_read_back(text: &str) -> Cow<'_, str> {
    const NEL: char = '\u{85}';
    let Some(start) = text.find(NEL) else { return Cow::Borrowed(text) };
    let mut folded = text[..start].trim_end_matches(' ').to_owned();
    let mut rest = &text[start..];
    while let Some(at) = rest.find(NEL) {
        folded.push_str(rest[..at].trim_end_matches(' '));
        let after = rest[at..].trim_start_matches([NEL, ' ']);
        let breaks = rest[at..rest.len() - after.len()].matches(NEL).count();
        if breaks == 1 {
            folded.push(' ');
        }
        folded.extend(std::iter::repeat_n('\n', breaks - 1));
        rest = after;
    }
    folded.push_str(rest);
    Cow::Owned(folded)
}

fn spaces(count: usize, out: &mut impl Write) -> io::Result<()> {
    const BLANK: &[u8; 64] = &[b' '; 64];
    let mut left = count;
    while left > 0 {
        let part = left.min(BLANK.len());
        out.write_all(&BLANK[..part])?;
        left -= part;
    }
    Ok(())
}

/// The entries in natural order of their keys. Most maps have that order already.
fn sorted(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = fields.iter().collect();
    if !entries.is_sorted_by(|a, b| natural_order(a.0, b.0) != Ordering::Greater) {
        entries = merge_sorted(entries);
    }
    entries
}

/// Sorts stably. The order of the reference is no order in the strict sense (a text may be before a second, this before
/// a third, and the third before the first), which the standard library's sort does not forgive.
fn merge_sorted<'a>(entries: Vec<(&'a String, &'a Value)>) -> Vec<(&'a String, &'a Value)> {
    if entries.len() < 2 {
        return entries;
    }
    let mut left = entries;
    let right = left.split_off(left.len() / 2);
    let (mut left, mut right) = (merge_sorted(left).into_iter().peekable(), merge_sorted(right).into_iter().peekable());
    let mut merged = Vec::with_capacity(left.len() + right.len());
    loop {
        match (left.peek(), right.peek()) {
            (Some(a), Some(b)) if natural_order(a.0, b.0) == Ordering::Greater => merged.extend(right.next()),
            (Some(_), _) => merged.extend(left.next()),
            (None, _) => {
                merged.extend(right);
                return merged;
            }
        }
    }
}

/// The order of keys: where two keys first differ, other characters come before letters, and digits count as numbers.
fn natural_order(a: &str, b: &str) -> Ordering {
    let mut same = 0;
    let mut pairs = a.chars().zip(b.chars());
    let (x, y) = loop {
        match pairs.next() {
            Some((x, y)) if x == y => same += x.len_utf8(),
            Some(different) => break different,
            None => return a.len().cmp(&b.len()),
        }
    };
    match (is_letter(x), is_letter(y)) {
        (true, true) => return x.cmp(&y),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // After the digits of a number has begun, a further 0 counts.
    let begun =
        (x == '0' || y == '0') && a[..same].chars().rev().take_while(char::is_ascii_digit).any(|digit| digit != '0');
    let number = |text: &str| {
        let digits = text[same..].bytes().take_while(u8::is_ascii_digit);
        digits.fold((i64::from(begun), 0), |(number, length), digit| {
            (number.wrapping_mul(10).wrapping_add(i64::from(digit - b'0')), length + 1)
        })
    };
    number(a).cmp(&number(b)).then(x.cmp(&y))
}
