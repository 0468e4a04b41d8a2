//! Plain scalars, and how lines of any scalar are joined (spec, 6.5 and 7.3.3).

use super::{Fault, Scanner, TokenKind};
use std::borrow::Cow;

impl<'a> Scanner<'a> {
    pub(super) fn fetch_plain(&mut self) -> Result<(), Fault> {
        let line = self.line;
        let indent = self.indent + 1;
        let mut text = Cow::Borrowed(self.plain_line());
        let mut broken = false;
        while self.is_break(0) {
            let (first, rest) = self.take_breaks(indent)?;
            broken = true;
            if (self.flow == 0 && self.indent_column() < indent) || self.at_document_mark() || self.byte(0) == b'#' {
                break;
            }
            let more = self.plain_line();
            if !more.is_empty() {
                broken = false;
                let text = text.to_mut();
                fold(text, first, &rest);
                text.push_str(more);
            }
        }
        if broken {
            self.key_allowed = true;
        }
        self.push(TokenKind::Scalar { text, plain: true }, line);
        Ok(())
    }

    /// The part of a plain scalar on this line, without the blanks after it, which are passed too.
    fn plain_line(&mut self) -> &'a str {
        let start = self.at;
        let (mut end, mut at) = (start, start);
        loop {
            while at < self.bytes.len() && !self.ends_plain(at) {
                at += 1;
            }
            if at > end {
                end = at;
            }
            let blanks = self.bytes[at..].iter().take_while(|&&byte| matches!(byte, b' ' | b'\t')).count();
            at += blanks;
            let next = self.bytes.get(at).copied();
            if blanks == 0 || next == Some(b'#') || next.is_none_or(|_| self.ends_plain(at)) {
                self.go_to(at);
                return &self.text[start..end];
            }
        }
    }

    /// Whether a run of a plain scalar ends at byte `at`.
    fn ends_plain(&self, at: usize) -> bool {
        match PLAIN[usize::from(self.bytes[at])] {
            Class::Text => false,
            Class::End => true,
            Class::Break => self.break_at(at) > 0,
            Class::Colon => self.is_space(at + 1 - self.at),
            Class::Flow => self.flow > 0,
        }
    }

    /// Passes the line breaks here and the blanks between and after them. Gives the first break, and the rest
    /// together. No tab may stand before the column `indent`.
    fn take_breaks(&mut self, indent: isize) -> Result<(&'static str, String), Fault> {
        let first = self.take_break();
        let mut rest = String::new();
        loop {
            match self.byte(0) {
                b'\t' if self.indent_column() < indent => {
                    return Err(self.fault("found a tab character that violates indentation"));
                }
                b' ' | b'\t' => self.at += 1,
                _ => match self.take_break() {
                    "" => return Ok((first, rest)),
                    more => rest.push_str(more),
                },
            }
        }
    }
}

/// Joins two lines of a scalar: one line break becomes a space, of several the first goes.
pub(super) fn fold(text: &mut String, first: &str, rest: &str) {
    match (first, rest) {
        ("\n", "") => text.push(' '),
        ("\n", _) => text.push_str(rest),
        _ => {
            text.push_str(first);
            text.push_str(rest);
        }
    }
}

/// What a byte means inside a plain scalar.
#[derive(Clone, Copy)]
enum Class {
    Text,
    End,
    /// It may begin a line break of several bytes.
    Break,
    Colon,
    /// It ends the scalar in flow style.
    Flow,
}

const PLAIN: [Class; 256] = {
    let mut table = [Class::Text; 256];
    table[b' ' as usize] = Class::End;
    table[b'\t' as usize] = Class::End;
    table[b'\n' as usize] = Class::End;
    table[b'\r' as usize] = Class::End;
    table[0xc2] = Class::Break;
    table[0xe2] = Class::Break;
    table[b':' as usize] = Class::Colon;
    table[b',' as usize] = Class::Flow;
    table[b'?' as usize] = Class::Flow;
    table[b'[' as usize] = Class::Flow;
    table[b']' as usize] = Class::Flow;
    table[b'{' as usize] = Class::Flow;
    table[b'}' as usize] = Class::Flow;
    table
};
