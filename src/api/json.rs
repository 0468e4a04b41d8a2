//! JSON as Go's `encoding/json` writes and reads it, which is how every Kubernetes program does: `<`, `>`, `&`, U+2028
//! and U+2029 escaped, floats in their shortest form, invalid UTF-8 replaced, integers kept whole when they fit 64 bits
//! with a sign.

mod indent;
mod lean;
mod number;
mod read;

pub use indent::{compact, indent, indented};
pub use lean::without_managed_fields;
pub use number::{float, float_g, float_g32};
pub(crate) use read::push_replacing;
pub use read::{JsonError, MAX_DEPTH, Prefix, from_slice, from_slice_strict, read_prefix};

use super::Value;
use std::io::{self, Write};

/// What one level of nesting adds in the indented form: four spaces, as `kubectl -o json` prints.
const INDENT: &str = "    ";

/// The value on one line, as `json.Marshal` writes it.
pub fn to_string(value: &Value) -> String {
    in_memory(|out| write(value, out))
}

/// The value with four spaces for each level and no newline at the end, as `json.MarshalIndent` writes it.
pub fn to_string_pretty(value: &Value) -> String {
    in_memory(|out| write_pretty(value, 0, out))
}

/// Writes the value on one line.
pub fn write(value: &Value, out: &mut impl Write) -> io::Result<()> {
    write_value(value, None, out)
}

/// Writes the value with four spaces for each level, as if it stood `level` levels deep: the first line is not
/// indented, every other line is. This lets a list be written item by item.
pub fn write_pretty(value: &Value, level: usize, out: &mut impl Write) -> io::Result<()> {
    write_value(value, Some(level), out)
}

fn in_memory(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    // Writing to memory cannot fail, and only whole strings are written.
    let _ = write(&mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Writes `value`; `level` is the depth of nesting, or none for the form on one line.
fn write_value(value: &Value, level: Option<usize>, out: &mut impl Write) -> io::Result<()> {
    match value {
        Value::Null => out.write_all(b"null"),
        Value::Bool(true) => out.write_all(b"true"),
        Value::Bool(false) => out.write_all(b"false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.write_all(b"[")?;
            for (i, item) in items.iter().enumerate() {
                separate(i, level, out)?;
                write_value(item, level.map(|l| l + 1), out)?;
            }
            finish(items.is_empty(), level, b"]", out)
        }
        Value::Object(fields) => {
            out.write_all(b"{")?;
            for (i, (key, field)) in fields.iter().enumerate() {
                separate(i, level, out)?;
                write_text(key, out)?;
                out.write_all(if level.is_some() { b": " } else { b":" })?;
                write_value(field, level.map(|l| l + 1), out)?;
            }
            finish(fields.is_empty(), level, b"}", out)
        }
    }
}

fn separate(i: usize, level: Option<usize>, out: &mut impl Write) -> io::Result<()> {
    if i > 0 {
        out.write_all(b",")?;
    }
    level.map_or(Ok(()), |level| new_line(level + 1, out))
}

fn finish(empty: bool, level: Option<usize>, bracket: &[u8], out: &mut impl Write) -> io::Result<()> {
    if let (false, Some(level)) = (empty, level) {
        new_line(level, out)?;
    }
    out.write_all(bracket)
}

fn new_line(level: usize, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"\n")?;
    (0..level).try_for_each(|_| out.write_all(INDENT.as_bytes()))
}

/// Writes a number: integers in full, floats as Go writes them.
pub fn write_number(number: &serde_json::Number, out: &mut impl Write) -> io::Result<()> {
    match number.as_f64() {
        Some(float) if number.is_f64() => out.write_all(number::float(float).as_bytes()),
        _ => write!(out, "{number}"),
    }
}

/// Writes a string with its quotes.
pub fn write_text(text: &str, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    let bytes = text.as_bytes();
    let mut done = 0;
    for (i, &byte) in bytes.iter().enumerate() {
        if !ESCAPED[usize::from(byte)] {
            continue;
        }
        let mut code = [b'\\', b'u', b'0', b'0', 0, 0];
        let (escape, width): (&[u8], usize) = match byte {
            b'"' => (b"\\\"", 1),
            b'\\' => (b"\\\\", 1),
            b'\n' => (b"\\n", 1),
            b'\r' => (b"\\r", 1),
            b'\t' => (b"\\t", 1),
            0x08 => (b"\\b", 1),
            0x0c => (b"\\f", 1),
            0xe2 if bytes[i..].starts_with("\u{2028}".as_bytes()) => (b"\\u2028", 3),
            0xe2 if bytes[i..].starts_with("\u{2029}".as_bytes()) => (b"\\u2029", 3),
            0xe2 => continue,
            _ => {
                code[4] = HEX[usize::from(byte >> 4)];
                code[5] = HEX[usize::from(byte & 15)];
                (&code, 1)
            }
        };
        out.write_all(&bytes[done..i])?;
        out.write_all(escape)?;
        done = i + width;
    }
    out.write_all(&bytes[done..])?;
    out.write_all(b"\"")
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The bytes that need, or (0xe2) may begin what needs, an escape.
const ESCAPED: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < 0x20 {
        table[i] = true;
        i += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table[b'<' as usize] = true;
    table[b'>' as usize] = true;
    table[b'&' as usize] = true;
    table[0xe2] = true;
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn strings_are_escaped_as_go_does() {
        for (text, written) in [
            ("plain é 😀", r#""plain é 😀""#),
            ("<a&b>", r#""\u003ca\u0026b\u003e""#),
            ("\u{2028}x\u{2029}\u{2027}", "\"\\u2028x\\u2029\u{2027}\""),
            ("\"\\/\n\r\t\u{8}\u{c}", r#""\"\\/\n\r\t\b\f""#),
            ("\0\u{1b}\u{7f}", "\"\\u0000\\u001b\u{7f}\""),
        ] {
            assert_eq!(to_string(&json!(text)), written);
        }
    }

    #[test]
    fn indented_form() {
        let value = json!({"b": [], "a": {}, "c": [1, {"d": null}], "e": {"f": true}});
        assert_eq!(to_string(&value), r#"{"a":{},"b":[],"c":[1,{"d":null}],"e":{"f":true}}"#);
        assert_eq!(
            to_string_pretty(&value),
            "{\n    \"a\": {},\n    \"b\": [],\n    \"c\": [\n        1,\n        {\n            \"d\": null\n        }\n    ],\n    \"e\": {\n        \"f\": true\n    }\n}"
        );
        let mut out = Vec::new();
        write_pretty(&json!({"a": 1}), 2, &mut out).unwrap();
        assert_eq!(out, b"{\n            \"a\": 1\n        }");
    }
}
