//! KYAML (KEP-5295): YAML in flow style with quoted strings, as `kubectl -o kyaml` prints it.

use super::resolve::is_timestamp;
use super::unicode::{is_letter, is_printable};
use super::write::as_read_back;
use crate::api::{Map, TypeRef, Value, json};
use std::io::{self, Write};

/// The value as KYAML, without the `---` that kubectl puts before it and without a newline at the end.
pub fn to_string(value: &Value) -> String {
    let mut out = Vec::new();
    // Writing to memory cannot fail, and only whole strings are written.
    let _ = write(value, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Writes the value as KYAML, without the `---` that kubectl puts before it and without a newline at the end.
pub fn write(value: &Value, out: &mut impl Write) -> io::Result<()> {
    write_level(value, 0, out)
}

/// Writes the value as if it stood `level` levels deep.
pub fn write_level(value: &Value, level: usize, out: &mut impl Write) -> io::Result<()> {
    write_value(value, None, level, out)
}

/// Writes a value of a type, whose fields come in the order in which Go writes them.
pub fn write_typed(value: &Value, ty: Option<TypeRef>, out: &mut impl Write) -> io::Result<()> {
    write_value(value, ty, 0, out)
}

fn write_value(value: &Value, ty: Option<TypeRef>, level: usize, out: &mut impl Write) -> io::Result<()> {
    match value {
        Value::Object(fields) if fields.is_empty() => out.write_all(b"{}"),
        Value::Array(items) if items.is_empty() => out.write_all(b"[]"),
        Value::Object(fields) => mapping(fields, ty, level, out),
        Value::Array(items) => sequence(items, ty.and_then(TypeRef::items), level, out),
        Value::String(text) => {
            let text = as_read_back(text);
            if text.contains('\n') { lines(&text, level + 1, out) } else { quoted(&text, Breaks::None, out) }
        }
        _ => json::write(value, out),
    }
}

fn mapping(fields: &Map<String, Value>, ty: Option<TypeRef>, level: usize, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"{\n")?;
    for (name, value) in ty.map_or_else(|| fields.iter().collect(), |ty| ty.in_order(fields)) {
        indent(level + 1, out)?;
        let key = as_read_back(name);
        if needs_quotes(&key) {
            quoted(&key, Breaks::Escaped, out)?
        } else {
            out.write_all(key.as_bytes())?
        }
        out.write_all(b": ")?;
        write_value(value, ty.and_then(|ty| ty.field(name)), level + 1, out)?;
        out.write_all(b",\n")?;
    }
    indent(level, out)?;
    out.write_all(b"}")
}

/// Lists of only maps and lists share their brackets' lines and level.
fn sequence(items: &[Value], ty: Option<TypeRef>, level: usize, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"[")?;
    if items.iter().all(|item| item.is_object() || item.is_array()) {
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                out.write_all(b", ")?;
            }
            write_value(item, ty, level, out)?;
        }
        return out.write_all(b"]");
    }
    out.write_all(b"\n")?;
    for item in items {
        indent(level + 1, out)?;
        write_value(item, ty, level + 1, out)?;
        out.write_all(b",\n")?;
    }
    indent(level, out)?;
    out.write_all(b"]")
}

fn indent(level: usize, out: &mut impl Write) -> io::Result<()> {
    (0..level).try_for_each(|_| out.write_all(b"  "))
}

/// Writes text with line breaks as one line each, all folded into one string again by `\` at their ends. A space in
/// front, or a `\` where the line itself begins with one, keeps the lines aligned.
fn lines(text: &str, level: usize, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"\"\\\n")?;
    for line in text.split_inclusive('\n') {
        indent(level, out)?;
        let begins_blank = line.starts_with(|c: char| c.is_whitespace() && c != '\n');
        out.write_all(if begins_blank { b"\\" } else { b" " })?;
        escaped(line, Breaks::Folded, out)?;
    }
    if !text.ends_with('\n') {
        out.write_all(b"\\\n")?;
    }
    indent(level, out)?;
    out.write_all(b"\"")
}

/// What a newline is written as, and with it a tab.
#[derive(Clone, Copy, PartialEq)]
enum Breaks {
    /// There is none.
    None,
    Escaped,
    Folded,
}

fn quoted(text: &str, breaks: Breaks, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    escaped(text, breaks, out)?;
    out.write_all(b"\"")
}

fn escaped(text: &str, breaks: Breaks, out: &mut impl Write) -> io::Result<()> {
    let mut done = 0;
    for (at, character) in text.char_indices() {
        let short = match character {
            ' ' | '!' | '#'..='[' | ']'..='~' => continue,
            '"' => "\\\"",
            '\\' => "\\\\",
            '\t' if breaks != Breaks::Escaped => continue,
            '\u{a1}'.. if is_printable(character) => continue,
            '\t' => "\\t",
            '\n' if breaks == Breaks::Folded => "\\n\\\n",
            '\n' => "\\n",
            '\u{7}' => "\\a",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\r' => "\\r",
            '\u{b}' => "\\v",
            '\0' => "\\0",
            '\u{1b}' => "\\e",
            '\u{85}' => "\\N",
            '\u{a0}' => "\\_",
            '\u{2028}' => "\\L",
            '\u{2029}' => "\\P",
            _ => "",
        };
        out.write_all(&text.as_bytes()[done..at])?;
        done = at + character.len_utf8();
        match u32::from(character) {
            _ if !short.is_empty() => out.write_all(short.as_bytes())?,
            code @ (0..0x20 | 0x7f) => write!(out, "\\x{code:02x}")?,
            code @ 0..=0xffff => write!(out, "\\u{code:04x}")?,
            code => write!(out, "\\U{code:08x}")?,
        }
    }
    out.write_all(&text.as_bytes()[done..])
}

/// Whether a key may be taken for something else when it has no quotes.
fn needs_quotes(key: &str) -> bool {
    let inner = |c: char| matches!(c, '-' | '.' | '/');
    let free = |c: char| is_letter(c) || c.is_numeric() || c == '_';
    key.is_empty()
        || !key.chars().all(|c| free(c) || inner(c))
        || key.starts_with(inner)
        || key.ends_with(inner)
        || is_ambiguous(key)
}

/// Whether some reader of YAML takes the word for something that is no string.
fn is_ambiguous(word: &str) -> bool {
    const WORDS: [&str; 9] = ["null", "true", "false", "y", "yes", "on", "n", "no", "off"];
    if WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)) || matches!(word, "t" | "T" | "f" | "F") {
        return true;
    }
    let joined = word.replace('_', "");
    is_integer(&joined) || is_float(&joined) || is_timestamp(word)
}

/// An integer as Go reads it to base 0. One that does not fit 64 bits is none.
fn is_integer(text: &str) -> bool {
    matches!(super::resolve::integer(text), Some(super::resolve::Scalar::Int(_)))
}

/// A float as Go reads it, which may also be to base 16, infinite, or not a number.
fn is_float(text: &str) -> bool {
    if super::resolve::float(text).is_some() {
        return true;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if ["inf", "infinity", "nan"].iter().any(|word| word.eq_ignore_ascii_case(unsigned)) {
        return !(unsigned.len() < text.len() && unsigned.eq_ignore_ascii_case("nan"));
    }
    let Some(hexadecimal) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) else { return false };
    let Some((digits, exponent)) = hexadecimal.split_once(['p', 'P']) else { return false };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    !exponent.is_empty()
        && exponent.bytes().all(|byte| byte.is_ascii_digit())
        && !(whole.is_empty() && fraction.is_empty())
        && [whole, fraction].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
