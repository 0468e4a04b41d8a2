//! The reader: JSON text to values, with Go's rules for numbers and text, and Go's words for what is wrong.

use super::super::{Map, Value};
use serde_json::map::Entry;
use std::fmt;

/// How many objects and lists may stand inside each other. Go stops at 10,000; here every level also costs stack
/// wherever a value is copied, written or dropped.
pub const MAX_DEPTH: usize = 1000;

/// Text that is no JSON, in the words of Go's `encoding/json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    message: String,
    /// How many bytes were read, the one that is wrong included.
    pub offset: usize,
    /// The text ended too early.
    pub at_end: bool,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for JsonError {}

/// Reads one value and nothing after it but white space.
///
/// Integers that fit 64 bits with a sign stay integers, every other number becomes a float; of a key that is given
/// twice the last value counts; lone surrogates and bytes that are no UTF-8 become U+FFFD.
pub fn from_slice(bytes: &[u8]) -> Result<Value, JsonError> {
    from_slice_strict(bytes).map(|(value, _)| value)
}

/// Reads one value as [`from_slice`] does, and gives the paths of the keys that were given twice, such as
/// `spec.ports[0].name`.
pub fn from_slice_strict(bytes: &[u8]) -> Result<(Value, Vec<String>), JsonError> {
    let mut reader = Reader::new(bytes);
    let value = reader.value()?;
    reader.space();
    if reader.at < bytes.len() {
        return Err(reader.unexpected("after top-level value"));
    }
    match reader.too_large {
        None => Ok((value, reader.doubled)),
        Some(error) => Err(error),
    }
}

/// Reads the first value of a stream of values, and says how many bytes it took with the white space before it.
/// None when there is only white space.
pub fn read_prefix(bytes: &[u8]) -> Result<Option<Prefix>, JsonError> {
    let mut reader = Reader::new(bytes);
    if reader.at == bytes.len() {
        return Ok(None);
    }
    let value = reader.value()?;
    let prefix = Prefix { value, length: reader.at, has_doubled: !reader.doubled.is_empty() };
    reader.too_large.map_or(Ok(Some(prefix)), Err)
}

/// The first value of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Prefix {
    /// The value.
    pub value: Value,
    /// How many bytes it took, with the white space before it.
    pub length: usize,
    /// Whether a key was given twice.
    pub has_doubled: bool,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    /// A number that no float holds. What is wrong with the syntax is told first.
    too_large: Option<JsonError>,
    /// The paths of doubled keys, from the value that is being read down.
    doubled: Vec<String>,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let mut reader = Reader { bytes, at: 0, depth: 0, too_large: None, doubled: Vec::new() };
        reader.space();
        reader
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn fail<T: Into<String>>(&self, message: T, offset: usize) -> JsonError {
        JsonError { message: message.into(), offset, at_end: false }
    }

    /// The error for the byte at the current place, or for the end of the text.
    fn unexpected(&self, context: &str) -> JsonError {
        match self.peek() {
            Some(byte) => self.fail(format!("invalid character {} {context}", quoted(char::from(byte))), self.at + 1),
            None => {
                JsonError { message: "unexpected end of JSON input".into(), offset: self.bytes.len(), at_end: true }
            }
        }
    }

    fn value(&mut self) -> Result<Value, JsonError> {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => self.string().map(Value::String),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.unexpected("looking for beginning of value")),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, JsonError>) -> Result<Value, JsonError> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fail("exceeded max depth", self.at));
        }
        self.space();
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, JsonError> {
        let mut fields = Map::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(fields));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("looking for beginning of object key string"));
            }
            let key = self.string()?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("after object key"));
            }
            self.at += 1;
            self.space();
            let before = self.doubled.len();
            let value = self.value()?;
            for path in &mut self.doubled[before..] {
                let dot = if path.starts_with('[') { "" } else { "." };
                *path = format!("{key}{dot}{path}");
            }
            match fields.entry(key) {
                Entry::Vacant(field) => {
                    field.insert(value);
                }
                Entry::Occupied(mut field) => {
                    self.doubled.push(field.key().clone());
                    field.insert(value);
                }
            }
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.unexpected("after object key:value pair")),
            }
            self.space();
        }
        self.at += 1;
        Ok(Value::Object(fields))
    }

    fn array(&mut self) -> Result<Value, JsonError> {
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            let before = self.doubled.len();
            items.push(self.value()?);
            for path in &mut self.doubled[before..] {
                let dot = if path.starts_with('[') { "" } else { "." };
                *path = format!("[{}]{dot}{path}", items.len() - 1);
            }
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.unexpected("after array element")),
            }
            self.space();
        }
        self.at += 1;
        Ok(Value::Array(items))
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, JsonError> {
        for expected in word.bytes() {
            if self.peek() != Some(expected) {
                return Err(self.unexpected(&format!("in literal {word} (expecting '{}')", char::from(expected))));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self, context: &str) -> Result<(), JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected(context)) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        let mut integer = true;
        if self.peek() == Some(b'.') {
            integer = false;
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            integer = false;
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        let text = str::from_utf8(&self.bytes[start..self.at]).unwrap_or_default();
        if let (true, Ok(number)) = (integer, text.parse::<i64>()) {
            return Ok(number.into());
        }
        let float = text.parse().unwrap_or(f64::INFINITY);
        if float.is_infinite() && self.too_large.is_none() {
            let message = format!("json: cannot unmarshal number {text} into Go value of type float64");
            self.too_large = Some(self.fail(message, self.at));
        }
        Ok(float.into())
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let start = self.at;
            while self.at < self.bytes.len() && !ENDS[usize::from(self.bytes[self.at])] {
                self.at += 1;
            }
            let piece = &self.bytes[start..self.at];
            match str::from_utf8(piece) {
                Ok(piece) if text.is_empty() => text = piece.to_owned(),
                Ok(piece) => text.push_str(piece),
                Err(_) => push_replacing(&mut text, piece),
            }
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                _ => return Err(self.unexpected("in string literal")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let escaped = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.unexpected("in string escape code")),
        };
        self.at += 1;
        Ok(escaped)
    }

    /// What follows `\u`: one character, which a pair of escapes may make.
    fn unicode(&mut self) -> Result<char, JsonError> {
        let first = self.hex()?;
        if (0xd800..0xdc00).contains(&first) && self.bytes[self.at..].starts_with(b"\\u") {
            let after_first = self.at;
            self.at += 2;
            let second = self.hex()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = after_first;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return Err(self.unexpected("in \\u hexadecimal character escape"));
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }
}

/// The bytes that end a run of plain text in a string.
const ENDS: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < 0x20 {
        table[i] = true;
        i += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

/// Appends `bytes`, with U+FFFD for each byte that is not part of a UTF-8 sequence.
pub(crate) fn push_replacing(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n(char::REPLACEMENT_CHARACTER, chunk.invalid().len()));
    }
}

/// A character between single quotes, as Go shows it in messages.
fn quoted(character: char) -> String {
    match character {
        '\'' => r"'\''".into(),
        '"' => "'\"'".into(),
        '\\' => r"'\\'".into(),
        '\u{7}' => r"'\a'".into(),
        '\u{8}' => r"'\b'".into(),
        '\u{c}' => r"'\f'".into(),
        '\n' => r"'\n'".into(),
        '\r' => r"'\r'".into(),
        '\t' => r"'\t'".into(),
        '\u{b}' => r"'\v'".into(),
        '\u{0}'..='\u{1f}' | '\u{7f}' => format!("'\\x{:02x}'", u32::from(character)),
        '\u{80}'..='\u{a0}' | '\u{ad}' => format!("'\\u{:04x}'", u32::from(character)),
        _ => format!("'{character}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_keep_64_bits() {
        for (text, value) in [
            ("9223372036854775807", json!(9223372036854775807_i64)),
            ("-9223372036854775808", json!(-9223372036854775808_i64)),
            ("9223372036854775808", json!(9223372036854775808.0)),
            ("18446744073709551615", json!(18446744073709551615.0)),
            ("-0", json!(0)),
            ("1.0", json!(1.0)),
            ("1e2", json!(100.0)),
            ("-0.0", json!(-0.0)),
        ] {
            assert_eq!(from_slice(text.as_bytes()), Ok(value), "{text}");
        }
    }

    #[test]
    fn text_reads_as_in_go() {
        for (bytes, text) in [
            (&br#""a\u00e9\"\/\\\b\f\n\r\t""#[..], "aé\"/\\\u{8}\u{c}\n\r\t"),
            (br#""\ud83d\ude00 \ud800 \udc00\ud83dx""#, "😀 \u{fffd} \u{fffd}\u{fffd}x"),
            (b"\"\xff\xc3\xa9\xe2\x82\"", "\u{fffd}é\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(from_slice(bytes), Ok(json!(text)));
        }
        assert_eq!(
            from_slice(b" {\"a\": 1, \"b\": [], \"a\": [null, true, {}]} "),
            Ok(json!({"a": [null, true, {}], "b": []}))
        );
    }

    #[test]
    fn doubled_keys_are_found() {
        let text = br#"{"a":{"x":1,"x":2},"l":[{"b":1},{"b":1,"b":2}],"ll":[[{"c":1,"c":2}]],"a":3}"#;
        let (value, doubled) = from_slice_strict(text).unwrap();
        assert_eq!(doubled, ["a.x", "l[1].b", "ll[0][0].c", "a"]);
        assert_eq!(value["a"], 3);
    }

    #[test]
    fn errors_are_worded_as_in_go() {
        for (text, message, offset) in [
            ("", "unexpected end of JSON input", 0),
            ("{", "unexpected end of JSON input", 1),
            ("{a", "invalid character 'a' looking for beginning of object key string", 2),
            ("{\"a\" 1}", "invalid character '1' after object key", 6),
            ("{\"a\":1 2}", "invalid character '2' after object key:value pair", 8),
            ("{\"a\":01}", "invalid character '1' after object key:value pair", 7),
            ("[1 2]", "invalid character '2' after array element", 4),
            ("[1,]", "invalid character ']' looking for beginning of value", 4),
            ("{} x", "invalid character 'x' after top-level value", 4),
            ("-x", "invalid character 'x' in numeric literal", 2),
            ("1.x", "invalid character 'x' after decimal point in numeric literal", 3),
            ("1ex", "invalid character 'x' in exponent of numeric literal", 3),
            ("trux", "invalid character 'x' in literal true (expecting 'e')", 4),
            ("\"a\nb\"", "invalid character '\\n' in string literal", 3),
            ("\"\\q\"", "invalid character 'q' in string escape code", 3),
            ("\"\\u12x\"", "invalid character 'x' in \\u hexadecimal character escape", 6),
            ("'a'", "invalid character '\\'' looking for beginning of value", 1),
            ("é", "invalid character 'Ã' looking for beginning of value", 1),
        ] {
            let error = from_slice(text.as_bytes()).unwrap_err();
            assert_eq!((error.to_string().as_str(), error.offset), (message, offset), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(from_slice(deep.as_bytes()).unwrap_err().to_string(), "exceeded max depth");
    }

    #[test]
    fn streams_are_read_value_by_value() {
        let prefix = |value, length, has_doubled| Ok(Some(Prefix { value, length, has_doubled }));
        assert_eq!(read_prefix(b" {} [1] 2"), prefix(json!({}), 3, false));
        assert_eq!(read_prefix(b" [1] 2"), prefix(json!([1]), 4, false));
        assert_eq!(read_prefix(br#"{"a":1,"a":2}"#), prefix(json!({"a": 2}), 13, true));
        assert_eq!(read_prefix(b" \n"), Ok(None));
    }
}
