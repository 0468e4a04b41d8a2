//! How a string is written: plain, in quotes, or as a literal block, by go-yaml's rules (YAML 1.1, chapter 9).

use super::resolve::{Scalar, resolve};
use std::io::{self, Write};

/// The column after which text is folded at its spaces.
const WIDTH: usize = 80;

/// The form of a string.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Style {
    Plain,
    Single { multi_line: bool },
    Double { multi_line: bool },
    Literal,
}

/// The form that `text` is written in where a block may stand.
pub(super) fn of(text: &str) -> Style {
    let found = Found::in_text(text);
    let multi_line = found.line_breaks;
    if text.contains('\n') {
        let literal = !found.space_before_break && !found.special && !text.ends_with(' ');
        return if literal { Style::Literal } else { Style::Double { multi_line } };
    }
    if !plain_means_text(text) {
        return Style::Double { multi_line };
    }
    if found.space_before_break || found.space_after_break || found.special {
        return Style::Double { multi_line };
    }
    if found.indicators || found.line_breaks || text.starts_with(' ') || text.ends_with(' ') {
        return Style::Single { multi_line };
    }
    Style::Plain
}

/// Whether the text, written plain, is read as a string by every reader of YAML 1.1.
fn plain_means_text(text: &str) -> bool {
    match text.as_bytes().first() {
        None => false,
        Some(b'0'..=b'9' | b'+' | b'-') => resolve(text) == Scalar::Text && !is_base_60(text),
        Some(_) => resolve(text) == Scalar::Text,
    }
}

/// Whether it is a number to base 60, such as `12:30`, to those readers that know these.
fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_digit_or_line = |byte: u8| byte.is_ascii_digit() || byte == b'_';
    let Some((first, rest)) = unsigned.split_once(':') else { return false };
    let (rest, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    first.starts_with(|c: char| c.is_ascii_digit())
        && first.bytes().all(is_digit_or_line)
        && fraction.bytes().all(is_digit_or_line)
        && rest.split(':').all(|part| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']))
}

/// What the choice depends on.
#[derive(Debug, Default)]
struct Found {
    /// Something that means something else at this place of a plain scalar.
    indicators: bool,
    /// Characters that are escaped.
    special: bool,
    line_breaks: bool,
    space_before_break: bool,
    space_after_break: bool,
}

impl Found {
    /// Looks at each byte once.
    fn in_text(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut found = Self { indicators: starts_with_indicator(bytes), ..Self::default() };
        let mut i = 0;
        while let Some(&byte) = bytes.get(i) {
            i += 1;
            match CLASS[usize::from(byte)] {
                Class::Ordinary => {}
                Class::Special => found.special = true,
                Class::Colon => found.indicators |= i > 1 && bytes.get(i).is_none_or(|&next| is_blank(next)),
                // A blank before it, or a line break, makes it a comment.
                Class::Hash => found.indicators |= i > 1 && ends_with_space(&text[..i - 1]),
                Class::Space => found.space_before_break |= break_length(&bytes[i..]) > 0,
                Class::Wide if break_length(&bytes[i - 1..]) > 0 => {
                    found.line_breaks = true;
                    i += break_length(&bytes[i - 1..]) - 1;
                    found.space_after_break |= bytes.get(i) == Some(&b' ');
                }
                Class::Wide => {
                    let character = text[i - 1..].chars().next().unwrap_or_default();
                    found.special |= !is_printable(character);
                    i += character.len_utf8() - 1;
                }
                Class::Break => {
                    found.line_breaks = true;
                    found.special |= byte == b'\r';
                    found.space_after_break |= bytes.get(i) == Some(&b' ');
                }
            }
        }
        found
    }
}

fn starts_with_indicator(bytes: &[u8]) -> bool {
    let before_blank = || bytes.get(1).is_none_or(|&next| is_blank(next));
    match bytes.first() {
        Some(
            b'#' | b',' | b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@'
            | b'`',
        ) => true,
        Some(b'?' | b':') => before_blank(),
        Some(b'-') => before_blank() || bytes.starts_with(b"---"),
        Some(b'.') => bytes.starts_with(b"..."),
        _ => false,
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn ends_with_space(text: &str) -> bool {
    text.ends_with([' ', '\t', '\n', '\r', '\u{2028}', '\u{2029}'])
}

fn break_length(bytes: &[u8]) -> usize {
    match bytes {
        [b'\n' | b'\r', ..] => 1,
        [0xe2, 0x80, 0xa8 | 0xa9, ..] => 3,
        _ => 0,
    }
}

/// Whether a character is written as it is. Those beyond the basic plane are not.
fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && character != '\u{feff}'
}

#[derive(Clone, Copy)]
enum Class {
    Ordinary,
    Special,
    Space,
    Break,
    Colon,
    Hash,
    /// The first of several bytes.
    Wide,
}

const CLASS: [Class; 256] = {
    let mut table = [Class::Wide; 256];
    let mut i = 0;
    while i < 0x80 {
        table[i] = if i < 0x20 || i == 0x7f { Class::Special } else { Class::Ordinary };
        i += 1;
    }
    table[b' ' as usize] = Class::Space;
    table[b'\n' as usize] = Class::Break;
    table[b'\r' as usize] = Class::Break;
    table[b':' as usize] = Class::Colon;
    table[b'#' as usize] = Class::Hash;
    table
};

impl Style {
    /// Whether it cannot be a key on one line.
    pub fn multi_line(self) -> bool {
        match self {
            Self::Plain => false,
            Self::Literal => true,
            Self::Single { multi_line } | Self::Double { multi_line } => multi_line,
        }
    }

    /// Writes `text` from `column` on, folded where `fold` allows it, its further lines indented to `indent`. Gives
    /// the column after it: 0 when that is the start of a new line.
    pub fn write(
        self,
        text: &str,
        indent: usize,
        column: usize,
        fold: bool,
        out: &mut impl Write,
    ) -> io::Result<usize> {
        let mut page = Page { out, indent, column, fold };
        match self {
            Self::Plain => page.plain(text)?,
            Self::Single { .. } => page.single(text)?,
            Self::Double { .. } => page.double(text)?,
            Self::Literal => page.literal(text)?,
        }
        Ok(page.column)
    }
}

/// Where text is written, with the column.
struct Page<'a, W> {
    out: &'a mut W,
    indent: usize,
    column: usize,
    fold: bool,
}

impl<W: Write> Page<'_, W> {
    fn put(&mut self, text: &str) -> io::Result<()> {
        self.column += if text.is_ascii() { text.len() } else { text.chars().count() };
        self.out.write_all(text.as_bytes())
    }

    fn new_line(&mut self) -> io::Result<()> {
        self.column = 0;
        self.out.write_all(b"\n")
    }

    fn indent(&mut self) -> io::Result<()> {
        for _ in self.column..self.indent {
            self.out.write_all(b" ")?;
        }
        self.column = self.column.max(self.indent);
        Ok(())
    }

    /// Whether `text` fits the current line, so that nothing need be looked at.
    fn fits(&self, text: &str) -> bool {
        !self.fold || self.column + text.len() <= WIDTH
    }

    fn plain(&mut self, text: &str) -> io::Result<()> {
        if self.fits(text) { self.put(text) } else { self.folded(text, true) }
    }

    fn single(&mut self, text: &str) -> io::Result<()> {
        self.put("'")?;
        let quoted = text.replace('\'', "''");
        if text.contains(['\u{2028}', '\u{2029}']) {
            self.broken(&quoted)?;
        } else if self.fits(text) {
            self.put(&quoted)?;
        } else {
            self.folded(&quoted, false)?;
        }
        self.put("'")
    }

    /// Writes text with its spaces, of which single ones may become line breaks, those at the `ends` too.
    fn folded(&mut self, text: &str, ends: bool) -> io::Result<()> {
        let mut rest = text;
        let mut after_space = false;
        while let Some(at) = rest.find(' ') {
            self.put(&rest[..at])?;
            after_space &= at == 0;
            let start = rest.len() == text.len() && at == 0;
            rest = &rest[at + 1..];
            let alone = !after_space && !rest.starts_with(' ');
            if alone && self.fold && self.column > WIDTH && (ends || !(start || rest.is_empty())) {
                self.new_line()?;
                self.indent()?;
            } else {
                self.put(" ")?;
            }
            after_space = true;
        }
        self.put(rest)
    }

    /// Writes text with line breaks that are no newlines. What follows one is indented.
    fn broken(&mut self, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some(at) = rest.find(['\u{2028}', '\u{2029}']) {
            self.folded(&rest[..at], false)?;
            let length = break_length(&rest.as_bytes()[at..]);
            self.out.write_all(&rest.as_bytes()[at..at + length])?;
            self.column = 0;
            rest = &rest[at + length..];
            if break_length(rest.as_bytes()) == 0 && !rest.is_empty() {
                self.indent()?;
            }
        }
        self.folded(rest, false)
    }

    fn double(&mut self, text: &str) -> io::Result<()> {
        self.put("\"")?;
        // The reference takes every character for a byte order mark once the first is one.
        let escape_all = text.starts_with('\u{feff}');
        let mut after_space = false;
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let after = &rest[character.len_utf8()..];
            let plain = is_printable(character) && !matches!(character, '\n' | '"' | '\\' | '\u{2028}' | '\u{2029}');
            if !plain || escape_all {
                self.escape(character)?;
                after_space = false;
            } else if character == ' ' {
                let inside = rest.len() < text.len() && !after.is_empty();
                if self.fold && !after_space && self.column > WIDTH && inside {
                    self.new_line()?;
                    self.indent()?;
                    if after.starts_with(' ') {
                        self.put("\\")?;
                    }
                } else {
                    self.put(" ")?;
                }
                after_space = true;
            } else {
                self.put(&rest[..character.len_utf8()])?;
                after_space = false;
            }
            rest = after;
        }
        self.put("\"")
    }

    fn escape(&mut self, character: char) -> io::Result<()> {
        let short = match character {
            '\0' => "\\0",
            '\u{7}' => "\\a",
            '\u{8}' => "\\b",
            '\t' => "\\t",
            '\n' => "\\n",
            '\u{b}' => "\\v",
            '\u{c}' => "\\f",
            '\r' => "\\r",
            '\u{1b}' => "\\e",
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{85}' => "\\N",
            '\u{a0}' => "\\_",
            '\u{2028}' => "\\L",
            '\u{2029}' => "\\P",
            _ => {
                let code = u32::from(character);
                return match code {
                    0..=0xff => self.put(&format!("\\x{code:02X}")),
                    0x100..=0xffff => self.put(&format!("\\u{code:04X}")),
                    _ => self.put(&format!("\\U{code:08X}")),
                };
            }
        };
        self.put(short)
    }

    fn literal(&mut self, text: &str) -> io::Result<()> {
        self.put("|")?;
        if text.starts_with(' ') || break_length(text.as_bytes()) > 0 {
            self.put("2")?;
        }
        let ends_with_break = |text: &str| text.ends_with(['\n', '\u{2028}', '\u{2029}']);
        let body = text.strip_suffix(['\n', '\u{2028}', '\u{2029}']);
        match body {
            None => self.put("-")?,
            Some(body) if body.is_empty() || ends_with_break(body) => self.put("+")?,
            Some(_) => {}
        }
        let mut rest = text;
        self.new_line()?;
        while !rest.is_empty() {
            let at = rest.find(['\n', '\u{2028}', '\u{2029}']).unwrap_or(rest.len());
            if at > 0 {
                self.indent()?;
                self.put(&rest[..at])?;
            }
            let length = break_length(&rest.as_bytes()[at..]);
            if length > 0 {
                self.out.write_all(&rest.as_bytes()[at..at + length])?;
                self.column = 0;
            }
            rest = &rest[at + length..];
        }
        Ok(())
    }
}
