//! Texts that Go's standard library would write, where messages contain them: `%q`, system errors, and what its JSON
//! decoder calls values.

use super::Value;
use std::fmt::Write;
use std::io;

/// Go's word for the kind of a JSON value (`json.UnmarshalTypeError`).
pub fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The text in double quotes with Go's escapes (`strconv.Quote`, the verb `%q`).
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            // Writing to a string cannot fail.
            c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c if is_printable(c) => out.push(c),
            c if (c as u32) < 0x10000 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => {
                let _ = write!(out, "\\U{:08x}", c as u32);
            }
        }
    }
    out.push('"');
    out
}

/// Near enough to Go's `unicode.IsPrint` for what messages carry: no controls, no formatting, no odd spaces.
pub fn is_printable(c: char) -> bool {
    let odd = matches!(c as u32,
        0x80..=0xa0 | 0xad | 0x1680 | 0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x206f | 0x3000 | 0xfeff
        | 0xe000..=0xf8ff | 0xfff9..=0xfffb | 0xfffe..=0xffff | 0xe0000..=0x10ffff);
    !odd
}

/// What Go calls a system error: `no such file or directory`, `connection refused`.
pub fn errno(error: &io::Error) -> String {
    if error.raw_os_error().is_none() {
        return error.to_string();
    }
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// What Go says when a whole file cannot be read: a folder opens, and fails only when it is read.
pub fn unread(path: &str, error: &io::Error) -> String {
    let verb = if error.kind() == io::ErrorKind::IsADirectory { "read" } else { "open" };
    format!("{verb} {path}: {}", errno(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_go_does() {
        for (text, quoted) in [
            ("a b", r#""a b""#),
            ("a\"\\\n\t\u{1}", r#""a\"\\\n\t\x01""#),
            ("h\u{e9}\u{a0}\u{1f600}\u{10ffff}", "\"h\u{e9}\\u00a0\u{1f600}\\U0010ffff\""),
        ] {
            assert_eq!(quote(text), quoted);
        }
    }

    #[test]
    fn names_system_errors_as_go_does() {
        for (code, text) in [(2, "no such file or directory"), (13, "permission denied"), (111, "connection refused")] {
            assert_eq!(errno(&io::Error::from_raw_os_error(code)), text);
        }
        assert_eq!(errno(&io::Error::other("EOF")), "EOF");
    }

    #[test]
    fn unread_files_say_what_failed() {
        assert_eq!(unread("a", &io::Error::from_raw_os_error(2)), "open a: no such file or directory");
        assert_eq!(unread("a", &io::Error::from_raw_os_error(21)), "read a: is a directory");
    }
}
