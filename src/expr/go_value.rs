//! JSON values as Go's `fmt` prints them: kubectl shows values in templates, custom columns and errors this way.

use crate::api::{Value, json};
use serde_json::Number;
use std::fmt::{self, Display, Formatter, Write};

/// A value as `%v` prints it: strings bare, `map[a:b]`, `[a b]`, `<nil>`.
#[derive(Clone, Copy, Debug)]
pub struct Plain<'a>(pub &'a Value);

/// A value as `%#v` prints it: `map[string]interface {}{"a":"b"}`.
#[derive(Clone, Copy, Debug)]
pub struct Syntax<'a>(pub &'a Value);

/// A text as `%q` prints it: in double quotes, with what cannot be printed as escapes.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a>(pub &'a str);

/// The number as kubectl has it: 64-bit integers stay whole, everything else is a float.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GoNumber {
    /// An `int64`.
    Int(i64),
    /// A `float64`.
    Float(f64),
}

impl From<&Number> for GoNumber {
    fn from(number: &Number) -> Self {
        match number.as_i64() {
            Some(int) => Self::Int(int),
            None => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
        }
    }
}

impl Display for GoNumber {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(int) => int.fmt(f),
            Self::Float(float) => f.write_str(&json::float_g(*float)),
        }
    }
}

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("<nil>"),
            Value::Bool(b) => write!(f, "{b}"),
            Value::Number(n) => GoNumber::from(n).fmt(f),
            Value::String(s) => f.write_str(s),
            Value::Array(items) => {
                f.write_char('[')?;
                separated(f, " ", items, |f, item| Plain(item).fmt(f))?;
                f.write_char(']')
            }
            Value::Object(map) => {
                f.write_str("map[")?;
                separated(f, " ", map, |f, (key, value)| write!(f, "{key}:{}", Plain(value)))?;
                f.write_char(']')
            }
        }
    }
}

impl Display for Syntax<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("interface {}(nil)"),
            Value::Bool(_) | Value::Number(_) => Plain(self.0).fmt(f),
            Value::String(s) => Quoted(s).fmt(f),
            Value::Array(items) => {
                f.write_str("[]interface {}{")?;
                separated(f, ", ", items, |f, item| Syntax(item).fmt(f))?;
                f.write_char('}')
            }
            Value::Object(map) => {
                f.write_str("map[string]interface {}{")?;
                separated(f, ", ", map, |f, (key, value)| write!(f, "{}:{}", Quoted(key), Syntax(value)))?;
                f.write_char('}')
            }
        }
    }
}

fn separated<T>(
    f: &mut Formatter<'_>,
    separator: &str,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        write(f, item)?;
    }
    Ok(())
}

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\x07' => f.write_str("\\a")?,
                '\x08' => f.write_str("\\b")?,
                '\x0b' => f.write_str("\\v")?,
                '\x0c' => f.write_str("\\f")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if is_printable(c) => f.write_char(c)?,
                c if c.is_ascii() => write!(f, "\\x{:02x}", c as u32)?,
                c if (c as u32) < 0x10000 => write!(f, "\\u{:04x}", c as u32)?,
                c => write!(f, "\\U{:08x}", c as u32)?,
            }
        }
        f.write_char('"')
    }
}

/// Whether Go counts a character as printable: letters, marks, numbers, punctuation, symbols and the ASCII blank.
pub fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // Inside of a text, Rust escapes exactly what is not printable; a lone mark it would escape too.
    let mut text = [b'a'; 5];
    let length = c.encode_utf8(&mut text[1..]).len();
    std::str::from_utf8(&text[..=length]).is_ok_and(|text| text.escape_debug().nth(1) == Some(c))
}

/// A character as `%#U` prints it: `U+0026 '&'`.
pub fn code_point(c: char) -> String {
    let code = format!("U+{:04X}", c as u32);
    if is_printable(c) { format!("{code} '{c}'") } else { code }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_print_plain_and_as_syntax() {
        let value = json!({"s": "a \"b\"\n", "n": 1, "f": 1.5, "big": u64::MAX, "l": [null, true, "x"], "m": {}});
        assert_eq!(
            Plain(&value).to_string(),
            "map[big:1.8446744073709552e+19 f:1.5 l:[<nil> true x] m:map[] n:1 s:a \"b\"\n]"
        );
        assert_eq!(
            Syntax(&value).to_string(),
            "map[string]interface {}{\"big\":1.8446744073709552e+19, \"f\":1.5, \
             \"l\":[]interface {}{interface {}(nil), true, \"x\"}, \"m\":map[string]interface {}{}, \"n\":1, \
             \"s\":\"a \\\"b\\\"\\n\"}"
        );
    }

    #[test]
    fn texts_are_quoted_as_go_quotes_them() {
        for (text, want) in [
            ("a\\b", r#""a\\b""#),
            ("\x00\x1b\x7f", r#""\x00\x1b\x7f""#),
            ("\x07\x08\x0b\x0c\r\t", r#""\a\b\v\f\r\t""#),
            ("é€😀", "\"é€😀\""),
            ("e\u{301}", "\"e\u{301}\""),
            ("\u{301}", "\"\u{301}\""),
            ("\u{85}\u{a0}\u{200b}\u{2028}", r#""\u0085\u00a0\u200b\u2028""#),
            ("\u{10ffff}", r#""\U0010ffff""#),
        ] {
            assert_eq!(Quoted(text).to_string(), want);
        }
        assert_eq!((code_point('&'), code_point('\t')), ("U+0026 '&'".into(), "U+0009".into()));
    }
}
