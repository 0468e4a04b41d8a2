//! Streams of documents: YAML documents between `---` lines, or JSON values one after the other, told apart as
//! kubectl's YAMLOrJSONDecoder does.

use super::error::{CONVERTING, Fault, ReadError};
use super::{Reader, compose, parse};
use crate::api::Value;
use crate::api::json::{self, Prefix};
use std::borrow::Cow;
use std::ops::Range;

/// How far a stream is searched for the brace that makes it JSON.
const SNIFFED: usize = 4096;

/// One document of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its value; null when it has only comments.
    pub value: Value,
    /// Where its text is in the stream, in bytes.
    pub bytes: Range<usize>,
    /// The line where its text starts, counted from 1.
    pub line: usize,
    /// Its place among the documents, counted from 0.
    pub index: usize,
    /// It was read by the rules of JSON.
    pub json: bool,
    /// A key was given more than once, perhaps to override what a merge brought; see [`super::Marks::doubled`].
    pub has_doubled: bool,
}

/// The documents of a stream, as kubectl reads it. The first error ends it.
pub fn documents(bytes: &[u8]) -> Documents<'_> {
    documents_as(bytes, Reader::Kubectl)
}

/// The documents of a stream, as `reader` reads it. The first error ends it.
pub fn documents_as(bytes: &[u8], reader: Reader) -> Documents<'_> {
    let start = &bytes[..bytes.len().min(SNIFFED)];
    Documents { bytes, reader, at: 0, line: 1, index: 0, json: starts_with_brace(start), done: false }
}

/// Iterates over the [`documents`] of a stream.
#[derive(Debug)]
pub struct Documents<'a> {
    bytes: &'a [u8],
    reader: Reader,
    at: usize,
    line: usize,
    index: usize,
    json: bool,
    done: bool,
}

impl Iterator for Documents<'_> {
    type Item = Result<Document, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let mut document = if self.json { self.next_json() } else { self.next_yaml() };
        if let Some(Err(error)) = &mut document {
            error.document = self.index;
        }
        self.done = !matches!(document, Some(Ok(_)));
        self.index += 1;
        document
    }
}

impl Documents<'_> {
    fn next_json(&mut self) -> Option<Result<Document, ReadError>> {
        let rest = &self.bytes[self.at..];
        let fault = match json::read_prefix(rest) {
            Ok(None) => return None,
            Ok(Some(Prefix { value, length, has_doubled })) => {
                let space = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                self.go_to(self.at + space);
                let document = self.document(value, self.at + length - space, has_doubled);
                return Some(Ok(document));
            }
            Err(fault) => fault,
        };
        let line = self.line + count_lines(&rest[..fault.offset.min(rest.len())]);
        let error = if fault.at_end {
            ReadError::new("", "unexpected EOF".into(), line)
        } else if self.index > 1 {
            ReadError::new("", fault.to_string(), line)
        } else {
            ReadError::new("", format!("json: offset {}: {fault}", self.at + fault.offset), line)
        };
        // After two values it is certain that the stream is JSON; before that it may be YAML in flow style.
        if self.index > 1 || !self.switch_to_yaml() {
            return Some(Err(error));
        }
        self.json = false;
        let document = self.next_yaml();
        Some(document?.map_err(|_| error))
    }

    /// Passes white space up to the end of the line, as the switch from JSON to YAML does, and says whether enough of
    /// the stream is left for the switch.
    fn switch_to_yaml(&mut self) -> bool {
        while self.bytes.len() - self.at >= 4 {
            match self.bytes[self.at] {
                b'\n' => {
                    self.go_to(self.at + 1);
                    return true;
                }
                byte if byte.is_ascii_whitespace() || byte == 0x0b => self.at += 1,
                byte => return byte.is_ascii() || str::from_utf8(&self.bytes[self.at..]).is_ok(),
            }
        }
        false
    }

    /// Reads up to the next line that begins with `---`. One in front of everything belongs to the document.
    fn next_yaml(&mut self) -> Option<Result<Document, ReadError>> {
        let start = self.at;
        let (mut end, mut next) = (self.bytes.len(), self.bytes.len());
        let mut at = start;
        while at < self.bytes.len() {
            let rest = &self.bytes[at..];
            let length = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |newline| newline + 1);
            if rest.starts_with(b"---") {
                let after = String::from_utf8_lossy(&rest[3..length]);
                let after = after.trim();
                if !after.is_empty() && !after.starts_with('#') {
                    let line = self.line + count_lines(&self.bytes[start..at]);
                    return Some(Err(ReadError::new("", format!("invalid Yaml document separator: {after}"), line)));
                }
                if at > start {
                    (end, next) = (at, at + length);
                    break;
                }
            }
            at += length;
        }
        if start == end {
            return None;
        }
        let line = self.line;
        let document = match yaml_chunk(&self.bytes[start..end], self.reader) {
            Ok((value, doubled)) => Ok(self.document(value, end, !doubled.is_empty())),
            Err(mut error) => {
                error.line = if error.line == 0 { 0 } else { error.line + line - 1 };
                Err(error)
            }
        };
        self.go_to(next);
        Some(document)
    }

    /// The document from the current place to `end`, where the stream goes on.
    fn document(&mut self, value: Value, end: usize, has_doubled: bool) -> Document {
        let (bytes, line, index, json) = (self.at..end, self.line, self.index, self.json);
        let document = Document { value, bytes, line, index, json, has_doubled };
        self.go_to(end);
        document
    }

    fn go_to(&mut self, to: usize) {
        self.line += count_lines(&self.bytes[self.at..to]);
        self.at = to;
    }
}

fn count_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

fn starts_with_brace(bytes: &[u8]) -> bool {
    let text = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    text.trim_start().starts_with('{')
}

/// Reads one document of a stream, whose lines all end with a single `\n` for the parser, and says which keys were given
/// more than once.
fn yaml_chunk(bytes: &[u8], reader: Reader) -> Result<(Value, Vec<String>), ReadError> {
    let text = utf8(bytes)?;
    let mut text = if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) };
    if !text.ends_with('\n') {
        text.to_mut().push('\n');
    }
    read(&text, reader)
}

/// Reads the first document of a YAML text, and says which keys were given more than once.
pub(super) fn read(text: &str, reader: Reader) -> Result<(Value, Vec<String>), ReadError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.bytes().any(|byte| SUSPECT[usize::from(byte)]) && text.chars().any(is_forbidden) {
        return Err(Fault::value("control characters are not allowed").into());
    }
    compose::compose(parse::parse(text)?, reader)
}

/// The bytes that are forbidden, or may begin a character that is.
const SUSPECT: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < 0x20 {
        table[i] = i != 9 && i != 10 && i != 13;
        i += 1;
    }
    table[0x7f] = true;
    table[0xc2] = true;
    table[0xef] = true;
    table
};

/// Characters that no YAML text may have (spec, 5.1).
fn is_forbidden(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' | '\u{85}' => false,
        '\0'..' ' | '\u{7f}'..'\u{a0}' | '\u{fffe}' | '\u{ffff}' => true,
        _ => false,
    }
}

/// The text, or what is wrong with its encoding.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, ReadError> {
    str::from_utf8(bytes).map_err(|error| {
        let bad = &bytes[error.valid_up_to()..];
        let width = match bad.first() {
            Some(0xc0..0xe0) => 2,
            Some(0xe0..0xf0) => 3,
            Some(0xf0..0xf8) => 4,
            _ => 1,
        };
        let problem = if width == 1 {
            "invalid leading UTF-8 octet"
        } else if width > bad.len() {
            "incomplete UTF-8 octet sequence"
        } else if bad[1..width].iter().any(|byte| byte & 0xc0 != 0x80) {
            "invalid trailing UTF-8 octet"
        } else if matches!(bad, [0xc0 | 0xc1, ..] | [0xe0, 0..0xa0, ..] | [0xf0, 0..0x90, ..]) {
            "invalid length of a UTF-8 sequence"
        } else {
            "invalid Unicode character"
        };
        let line = count_lines(&bytes[..error.valid_up_to()]) + 1;
        ReadError::new(CONVERTING, format!("yaml: {problem}"), line)
    })
}
