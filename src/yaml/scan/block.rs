//! Literal and folded block scalars (spec, 8.1).

use super::{Fault, Scanner, Token, TokenKind};
use std::borrow::Cow;

/// What becomes of the line breaks at the end.
#[derive(Clone, Copy, PartialEq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

impl Scanner<'_> {
    pub(super) fn fetch_block_scalar(&mut self) -> Result<(), Fault> {
        let line = self.line;
        let literal = self.byte(0) == b'|';
        self.at += 1;
        let (chomp, increment) = self.block_header()?;
        let parent = usize::try_from(self.indent).unwrap_or(0);
        let mut indent = increment.map(|increment| parent + increment);
        let mut text = String::new();
        let mut breaks = String::new();
        // The break at the end of the line before, which may be folded with those in `breaks`.
        let mut last = "";
        let mut last_blank = false;
        let column = self.block_breaks(&mut indent, &mut breaks)?;
        while self.column() == column && !self.at_end() {
            let blank = self.is_blank(0);
            if !literal && last == "\n" && !last_blank && !blank {
                if breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(last);
            }
            text.push_str(&breaks);
            breaks.clear();
            last_blank = blank;
            let end = self.line_end();
            text.push_str(&self.text[self.at..end]);
            self.go_to(end);
            last = self.take_break();
            self.block_breaks(&mut indent, &mut breaks)?;
        }
        if chomp != Chomp::Strip {
            text.push_str(last);
        }
        if chomp == Chomp::Keep {
            text.push_str(&breaks);
        }
        self.tokens.push_back(Token { kind: TokenKind::Scalar { text: Cow::Owned(text), plain: false }, line });
        Ok(())
    }

    /// The indicators after `|` or `>`, in either order, and the rest of their line.
    fn block_header(&mut self) -> Result<(Chomp, Option<usize>), Fault> {
        let mut chomp = None;
        let mut increment = None;
        loop {
            match self.byte(0) {
                b'+' if chomp.is_none() => chomp = Some(Chomp::Keep),
                b'-' if chomp.is_none() => chomp = Some(Chomp::Strip),
                b'0' if increment.is_none() => {
                    return Err(self.fault("found an indentation indicator equal to 0"));
                }
                digit @ b'1'..=b'9' if increment.is_none() => increment = Some(usize::from(digit - b'0')),
                _ => break,
            }
            self.at += 1;
        }
        self.skip_blanks();
        if self.byte(0) == b'#' {
            self.go_to(self.line_end());
        }
        if !self.at_end() && self.take_break().is_empty() {
            return Err(self.fault("did not find expected comment or line break"));
        }
        Ok((chomp.unwrap_or(Chomp::Clip), increment))
    }

    /// Passes the indentation and empty lines here, and finds out the indentation when it is not yet known.
    fn block_breaks(&mut self, indent: &mut Option<usize>, breaks: &mut String) -> Result<usize, Fault> {
        let mut deepest = 0;
        loop {
            while indent.is_none_or(|indent| self.column() < indent) && self.byte(0) == b' ' {
                self.at += 1;
            }
            deepest = deepest.max(self.column());
            if self.byte(0) == b'\t' && indent.is_none_or(|indent| self.column() < indent) {
                return Err(self.fault("found a tab character where an indentation space is expected"));
            }
            match self.take_break() {
                "" => break,
                more => breaks.push_str(more),
            }
        }
        let least = usize::try_from(self.indent + 1).unwrap_or(0).max(1);
        Ok(*indent.get_or_insert(deepest.max(least)))
    }
}
