//! The scanner: text to tokens, by the rules of YAML 1.1 as libyaml reads it (spec, chapters 5 to 9).
//!
//! Where a mapping begins without a mark of its own, the scanner finds out only at the `:`. It remembers where a key
//! may have begun ([`Key`]) and holds tokens back until it knows.

mod block;
mod plain;
mod quoted;
mod tag;

use super::error::Fault;
use std::borrow::Cow;
use std::collections::VecDeque;

/// A token and the line, counted from 0, where it starts.
#[derive(Debug)]
pub(super) struct Token<'a> {
    pub kind: TokenKind<'a>,
    pub line: usize,
}

/// What a token is.
#[derive(Debug, PartialEq)]
pub(super) enum TokenKind<'a> {
    VersionDirective {
        major: u8,
        minor: u8,
    },
    /// A handle and what it stands for.
    TagDirective(Box<(String, String)>),
    DocumentStart,
    DocumentEnd,
    StreamEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    BlockEntry,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    FlowEntry,
    Key,
    Value,
    Alias(&'a str),
    Anchor(&'a str),
    /// A handle, which may be empty, and what follows it.
    Tag(Box<(String, String)>),
    Scalar {
        text: Cow<'a, str>,
        plain: bool,
    },
}

/// A place where a key without `?` may have begun.
#[derive(Debug)]
struct Key {
    /// The flow level; there is one possible key for each at the most.
    level: usize,
    /// The number of the key's first token, counted from the start of the stream.
    token: usize,
    /// It stands where the block needs a key.
    required: bool,
    /// Its tokens are held back until it is known whether it is one.
    held: bool,
    index: usize,
    line: usize,
    column: usize,
}

/// How long a key without `?` may be, in characters.
const MAX_KEY: usize = 1024;
/// How many collections may stand inside each other, for block and flow style alike.
const MAX_NESTING: usize = 10_000;

pub(super) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// The current place, in bytes.
    at: usize,
    /// How many bytes before `at` continue a character that another byte began.
    wide: usize,
    line: usize,
    /// The index in characters where the current line starts.
    line_start: usize,
    tokens: VecDeque<Token<'a>>,
    /// How many tokens have been handed out.
    taken: usize,
    /// The column of the current block collection, -1 outside of all.
    indent: isize,
    indents: Vec<isize>,
    flow: usize,
    /// For each flow collection that is open the number of its first token, until a key may have begun in it.
    keyless: Vec<Option<usize>>,
    keys: VecDeque<Key>,
    key_allowed: bool,
}

impl<'a> Scanner<'a> {
    /// A scanner of `text`, which must have none of the characters that YAML forbids.
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            wide: 0,
            line: 0,
            line_start: 0,
            tokens: VecDeque::with_capacity(8),
            taken: 0,
            indent: -1,
            indents: Vec::new(),
            flow: 0,
            keyless: Vec::new(),
            keys: VecDeque::new(),
            key_allowed: true,
        }
    }

    /// The next token, which stays.
    pub fn peek(&mut self) -> Result<&Token<'a>, Fault> {
        while self.needs_more()? {
            self.fetch()?;
        }
        self.tokens.front().ok_or_else(|| Fault::scanner("unexpected end", self.line))
    }

    /// Takes the token that [`Self::peek`] showed.
    pub fn next(&mut self) -> Option<Token<'a>> {
        self.taken += 1;
        self.tokens.pop_front()
    }

    /// Whether it is still unknown what the next token is: there is none, or it may turn out to begin a key.
    fn needs_more(&mut self) -> Result<bool, Fault> {
        if self.tokens.is_empty() {
            return Ok(true);
        }
        match self.keys.front() {
            Some(key) if key.held && key.token == self.taken => {
                let stale = self.is_stale(key)?;
                if stale {
                    self.keys.pop_front();
                }
                Ok(!stale)
            }
            _ => Ok(false),
        }
    }

    /// Whether too much text has passed since `key` for it to be one.
    fn is_stale(&self, key: &Key) -> Result<bool, Fault> {
        let stale = key.line < self.line || key.index + MAX_KEY < self.index();
        if stale && key.required { Err(self.fault("could not find expected ':'")) } else { Ok(stale) }
    }

    fn fault(&self, problem: impl Into<String>) -> Fault {
        Fault::scanner(problem, self.line)
    }

    // The text.

    /// The byte `ahead` bytes on, 0 at the end.
    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The current place in characters.
    fn index(&self) -> usize {
        self.at - self.wide
    }

    fn column(&self) -> usize {
        self.index() - self.line_start
    }

    fn indent_column(&self) -> isize {
        isize::try_from(self.column()).unwrap_or(isize::MAX)
    }

    fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), b' ' | b'\t')
    }

    /// The length of the line break at byte `at`, 0 when there is none.
    fn break_at(&self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        match rest {
            [b'\r', b'\n', ..] | [0xc2, 0x85, ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            [0xe2, 0x80, 0xa8 | 0xa9, ..] => 3,
            _ => 0,
        }
    }

    fn is_break(&self, ahead: usize) -> bool {
        self.break_at(self.at + ahead) > 0
    }

    /// Whether there is a blank, a line break or the end.
    fn is_space(&self, ahead: usize) -> bool {
        self.at + ahead >= self.bytes.len() || self.is_blank(ahead) || self.is_break(ahead)
    }

    /// Goes on to the byte `to` on the same line.
    fn go_to(&mut self, to: usize) {
        self.wide += self.bytes[self.at..to].iter().filter(|&&byte| byte & 0xc0 == 0x80).count();
        self.at = to;
    }

    fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.at += 1;
        }
    }

    /// Goes past the line break here, and gives what it stands for: LS and PS stay, all others are `\n`.
    fn take_break(&mut self) -> &'static str {
        let length = self.break_at(self.at);
        let (text, wide) = match (length, self.byte(0), self.byte(2)) {
            (3, _, 0xa8) => ("\u{2028}", 2),
            (3, ..) => ("\u{2029}", 2),
            (2, 0xc2, _) => ("\n", 1),
            (0, ..) => return "",
            _ => ("\n", 0),
        };
        self.at += length;
        self.wide += wide;
        self.line += 1;
        self.line_start = self.index();
        text
    }

    /// The end of the current line, in bytes.
    fn line_end(&self) -> usize {
        let mut end = self.at;
        while let Some(&byte) = self.bytes.get(end) {
            if matches!(byte, b'\n' | b'\r') || (byte >= 0xc2 && self.break_at(end) > 0) {
                break;
            }
            end += 1;
        }
        end
    }

    /// Whether `---` or `...` stands here, at the start of a line.
    fn at_document_mark(&self) -> bool {
        self.column() == 0 && matches!(self.bytes.get(self.at..self.at + 3), Some(b"---" | b"...")) && self.is_space(3)
    }

    fn pass_space(&mut self) {
        loop {
            let tabs = self.flow > 0 || !self.key_allowed;
            while self.byte(0) == b' ' || (tabs && self.byte(0) == b'\t') {
                self.at += 1;
            }
            if self.byte(0) == b'#' {
                self.go_to(self.line_end());
            }
            if self.take_break().is_empty() {
                return;
            }
            if self.flow == 0 {
                self.key_allowed = true;
            }
        }
    }

    // Tokens.

    fn push(&mut self, kind: TokenKind<'a>, line: usize) {
        self.tokens.push_back(Token { kind, line });
    }

    /// Adds the token of an indicator of `length` bytes, and goes past it.
    fn push_indicator(&mut self, kind: TokenKind<'a>, length: usize) {
        self.push(kind, self.line);
        self.at += length;
    }

    fn fetch(&mut self) -> Result<(), Fault> {
        self.pass_space();
        self.unroll(self.indent_column());
        if self.at_end() {
            return self.fetch_end();
        }
        let byte = self.byte(0);
        if self.column() == 0 {
            if byte == b'%' {
                self.leave_blocks()?;
                let line = self.line;
                let directive = self.directive()?;
                self.push(directive, line);
                return Ok(());
            }
            if self.at_document_mark() {
                self.leave_blocks()?;
                let kind = if byte == b'-' { TokenKind::DocumentStart } else { TokenKind::DocumentEnd };
                self.push_indicator(kind, 3);
                return Ok(());
            }
        }
        let block = self.flow == 0;
        match byte {
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => self.fetch_entry(TokenKind::FlowEntry),
            b'-' if self.is_space(1) => self.fetch_block_entry(),
            b'?' if !block || self.is_space(1) => self.fetch_key(),
            b':' if !block || self.is_space(1) => self.fetch_value(),
            b'*' | b'&' => {
                self.may_be_key(false)?;
                self.fetch_anchor()
            }
            b'!' => {
                self.may_be_key(false)?;
                self.fetch_tag()
            }
            b'|' | b'>' if block => {
                self.forget_key()?;
                self.key_allowed = true;
                self.fetch_block_scalar()
            }
            b'\'' | b'"' => {
                self.may_be_key(false)?;
                self.fetch_quoted()
            }
            b'\t' | b'#' | b'|' | b'>' | b'%' | b'@' | b'`' => {
                Err(self.fault("found character that cannot start any token"))
            }
            _ => {
                self.may_be_key(false)?;
                self.fetch_plain()
            }
        }
    }

    fn fetch_end(&mut self) -> Result<(), Fault> {
        if self.column() != 0 {
            self.line += 1;
            self.line_start = self.index();
        }
        self.leave_blocks()?;
        self.push(TokenKind::StreamEnd, self.line);
        Ok(())
    }

    /// Ends all block collections, because a document ends.
    fn leave_blocks(&mut self) -> Result<(), Fault> {
        self.unroll(-1);
        self.forget_key()?;
        self.key_allowed = false;
        Ok(())
    }

    /// Remembers that a key may begin here, and says whether one may follow.
    fn may_be_key(&mut self, allowed_next: bool) -> Result<(), Fault> {
        if self.key_allowed {
            self.forget_key()?;
            if let Some(keyless) = self.keyless.last_mut() {
                *keyless = None;
            }
            self.keys.push_back(Key {
                level: self.flow,
                token: self.taken + self.tokens.len(),
                required: self.flow == 0 && self.indent == self.indent_column(),
                held: true,
                index: self.index(),
                line: self.line,
                column: self.column(),
            });
        }
        self.key_allowed = allowed_next;
        Ok(())
    }

    /// The possible key of the current flow level is none.
    fn forget_key(&mut self) -> Result<(), Fault> {
        match self.keys.pop_back_if(|key| key.level == self.flow) {
            Some(key) if key.required => Err(self.fault("could not find expected ':'")),
            _ => Ok(()),
        }
    }

    /// Begins a block collection when `column` is deeper than the current one. Its token goes before the token
    /// `before`, or to the end.
    fn roll(&mut self, column: isize, before: Option<usize>, kind: TokenKind<'a>, line: usize) -> Result<(), Fault> {
        if self.flow > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_NESTING {
            return Err(self.fault(format!("exceeded max depth of {MAX_NESTING}")));
        }
        self.insert(before, kind, line);
        Ok(())
    }

    fn insert(&mut self, before: Option<usize>, kind: TokenKind<'a>, line: usize) {
        let place = before.and_then(|token| token.checked_sub(self.taken)).unwrap_or(self.tokens.len());
        self.tokens.insert(place, Token { kind, line });
    }

    /// Ends the block collections that are deeper than `column`.
    fn unroll(&mut self, column: isize) {
        while self.flow == 0 && self.indent > column {
            self.push(TokenKind::BlockEnd, self.line);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn fetch_flow_start(&mut self, kind: TokenKind<'a>) -> Result<(), Fault> {
        self.may_be_key(true)?;
        self.flow += 1;
        if self.flow > MAX_NESTING {
            return Err(self.fault(format!("exceeded max depth of {MAX_NESTING}")));
        }
        self.keyless.push(Some(self.taken + self.tokens.len()));
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind<'a>) -> Result<(), Fault> {
        self.forget_key()?;
        self.flow = self.flow.saturating_sub(1);
        // The reference lets go of a key that is an empty collection too early, and then misses the mapping.
        let keyless = self.keyless.pop().flatten();
        if let Some(key) = self.keys.back_mut().filter(|key| key.level == self.flow && Some(key.token) == keyless) {
            key.held = false;
        }
        self.key_allowed = false;
        self.push_indicator(kind, 1);
        Ok(())
    }

    /// An entry's mark, after which a key may stand.
    fn fetch_entry(&mut self, kind: TokenKind<'a>) -> Result<(), Fault> {
        self.forget_key()?;
        self.key_allowed = true;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), Fault> {
        if self.flow == 0 {
            if !self.key_allowed {
                return Err(self.fault("block sequence entries are not allowed in this context"));
            }
            self.roll(self.indent_column(), None, TokenKind::BlockSequenceStart, self.line)?;
        }
        self.fetch_entry(TokenKind::BlockEntry)
    }

    fn fetch_key(&mut self) -> Result<(), Fault> {
        if self.flow == 0 {
            if !self.key_allowed {
                return Err(self.fault("mapping keys are not allowed in this context"));
            }
            self.roll(self.indent_column(), None, TokenKind::BlockMappingStart, self.line)?;
        }
        self.forget_key()?;
        self.key_allowed = self.flow == 0;
        self.push_indicator(TokenKind::Key, 1);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), Fault> {
        let key = self.keys.pop_back_if(|key| key.level == self.flow);
        match key {
            Some(key) if !self.is_stale(&key)? => {
                self.insert(Some(key.token), TokenKind::Key, key.line);
                let column = isize::try_from(key.column).unwrap_or(isize::MAX);
                self.roll(column, Some(key.token), TokenKind::BlockMappingStart, key.line)?;
                self.key_allowed = false;
            }
            _ => {
                if self.flow == 0 {
                    if !self.key_allowed {
                        return Err(self.fault("mapping values are not allowed in this context"));
                    }
                    self.roll(self.indent_column(), None, TokenKind::BlockMappingStart, self.line)?;
                }
                self.key_allowed = self.flow == 0;
            }
        }
        self.push_indicator(TokenKind::Value, 1);
        Ok(())
    }
}
