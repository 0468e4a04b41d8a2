//! Scalars between quotes (spec, 7.3.1 and 7.3.2).

use super::plain::fold;
use super::{Fault, Scanner, Token, TokenKind};
use std::borrow::Cow;

impl<'a> Scanner<'a> {
    pub(super) fn fetch_quoted(&mut self) -> Result<(), Fault> {
        let line = self.line;
        let double = self.byte(0) == b'"';
        self.at += 1;
        let text = if double { self.double_quoted()? } else { self.single_quoted()? };
        self.tokens.push_back(Token { kind: TokenKind::Scalar { text, plain: false }, line });
        Ok(())
    }

    fn single_quoted(&mut self) -> Result<Cow<'a, str>, Fault> {
        let mut text = Cow::Borrowed("");
        loop {
            let piece = self.quoted_piece(b'\'', b'\'');
            match self.byte(0) {
                b'\'' if self.byte(1) == b'\'' => {
                    let text = text.to_mut();
                    text.push_str(piece);
                    text.push('\'');
                    self.at += 2;
                }
                b'\'' => return Ok(self.finish_quoted(text, piece)),
                _ => {
                    text.to_mut().push_str(piece.trim_end_matches([' ', '\t']));
                    self.fold_quoted(text.to_mut(), false)?;
                }
            }
        }
    }

    fn double_quoted(&mut self) -> Result<Cow<'a, str>, Fault> {
        let mut text = Cow::Borrowed("");
        loop {
            let piece = self.quoted_piece(b'"', b'\\');
            match self.byte(0) {
                b'"' => return Ok(self.finish_quoted(text, piece)),
                b'\\' => {
                    let text = text.to_mut();
                    text.push_str(piece);
                    if self.is_break(1) {
                        self.at += 1;
                        self.take_break();
                        self.fold_quoted(text, true)?;
                    } else {
                        text.push(self.escape()?);
                    }
                }
                _ => {
                    text.to_mut().push_str(piece.trim_end_matches([' ', '\t']));
                    self.fold_quoted(text.to_mut(), false)?;
                }
            }
        }
    }

    /// The text up to one of the two bytes, a line break or the end.
    fn quoted_piece(&mut self, quote: u8, escape: u8) -> &'a str {
        let start = self.at;
        let mut end = start;
        while let Some(&byte) = self.bytes.get(end) {
            let stop = byte == quote || byte == escape || byte == b'\n' || byte == b'\r';
            if stop || (byte >= 0xc2 && self.break_at(end) > 0) {
                break;
            }
            end += 1;
        }
        self.go_to(end);
        &self.text[start..end]
    }

    fn finish_quoted(&mut self, mut text: Cow<'a, str>, piece: &'a str) -> Cow<'a, str> {
        self.at += 1;
        if let Cow::Owned(text) = &mut text {
            text.push_str(piece);
            return Cow::Owned(std::mem::take(text));
        }
        Cow::Borrowed(piece)
    }

    /// Passes the line breaks and blanks here, and adds what they stand for. After an escaped line break only the
    /// further ones count.
    fn fold_quoted(&mut self, text: &mut String, escaped: bool) -> Result<(), Fault> {
        let first = if escaped { "" } else { self.take_break() };
        let mut rest = String::new();
        loop {
            self.skip_blanks();
            match self.take_break() {
                "" => break,
                more => rest.push_str(more),
            }
        }
        if self.at_document_mark() {
            return Err(self.fault("found unexpected document indicator"));
        }
        if self.at_end() {
            return Err(self.fault("found unexpected end of stream"));
        }
        fold(text, first, &rest);
        Ok(())
    }

    /// What the escape here stands for (spec, 5.7).
    fn escape(&mut self) -> Result<char, Fault> {
        let digits = match self.byte(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            byte => {
                let character = match byte {
                    b'0' => '\0',
                    b'a' => '\u{7}',
                    b'b' => '\u{8}',
                    b't' | b'\t' => '\t',
                    b'n' => '\n',
                    b'v' => '\u{b}',
                    b'f' => '\u{c}',
                    b'r' => '\r',
                    b'e' => '\u{1b}',
                    b' ' | b'"' | b'\'' | b'\\' => char::from(byte),
                    b'N' => '\u{85}',
                    b'_' => '\u{a0}',
                    b'L' => '\u{2028}',
                    b'P' => '\u{2029}',
                    _ => return Err(self.fault("found unknown escape character")),
                };
                self.at += 2;
                return Ok(character);
            }
        };
        self.at += 2;
        let mut code: u32 = 0;
        for i in 0..digits {
            let digit = char::from(self.byte(i)).to_digit(16);
            // The word is spelled like this wherever kubectl prints it.
            let digit = digit.ok_or_else(|| self.fault("did not find expected hexdecimal number"))?;
            code = (code << 4) | digit;
        }
        let character =
            char::from_u32(code).ok_or_else(|| self.fault("found invalid Unicode character escape code"))?;
        self.at += digits;
        Ok(character)
    }
}
