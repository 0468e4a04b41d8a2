//! Template text to tokens.

use crate::expr::go_value::{Quoted, code_point};
use std::fmt;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The text says what is wrong; nothing follows.
    Error,
    Bool,
    /// A printable character that means nothing by itself.
    Char,
    CharConstant,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Dot,
    Nil,
    /// One of the words that begin or end something.
    Keyword(Keyword),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

/// A token, where it begins (a byte offset and a line, counted from 1), and its text.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    pub at: usize,
    pub line: usize,
    pub text: String,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Eof => f.write_str("EOF"),
            Kind::Error => f.write_str(&self.text),
            Kind::Dot | Kind::Nil | Kind::Keyword(_) => write!(f, "<{}>", self.text),
            _ if self.text.len() > 10 => {
                let start: String = self.text.chars().take(10).collect();
                write!(f, "{}...", Quoted(&start))
            }
            _ => Quoted(&self.text).fmt(f),
        }
    }
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";

/// Takes a template apart.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    start: usize,
    start_line: usize,
    inside: bool,
    parentheses: usize,
    done: bool,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, line: 1, start: 0, start_line: 1, inside: false, parentheses: 0, done: false }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn accept(&mut self, valid: &str) -> bool {
        let found = self.peek().is_some_and(|c| valid.contains(c));
        if found {
            self.next();
        }
        found
    }

    fn advance(&mut self, bytes: usize) {
        self.line += self.text[self.at..self.at + bytes].matches('\n').count();
        self.at += bytes;
    }

    fn token(&mut self, kind: Kind) -> Token {
        let text = self.text[self.start..self.at].to_owned();
        let token = Token { kind, at: self.start, line: self.start_line, text };
        self.ignore();
        token
    }

    fn ignore(&mut self) {
        (self.start, self.start_line) = (self.at, self.line);
    }

    fn error(&mut self, message: impl Into<String>) -> Token {
        self.done = true;
        Token { kind: Kind::Error, at: self.start, line: self.start_line, text: message.into() }
    }

    /// The next token; the last one again and again once the text is at its end.
    pub fn token_after(&mut self) -> Token {
        loop {
            if self.done {
                return Token { kind: Kind::Eof, at: self.at, line: self.start_line, text: "EOF".into() };
            }
            let token = if self.inside { Some(self.inside_action()) } else { self.outside() };
            if let Some(token) = token {
                return token;
            }
        }
    }

    /// Reads text up to an action, or the action's beginning; none when a comment was passed over.
    fn outside(&mut self) -> Option<Token> {
        if self.rest().starts_with(LEFT) {
            return self.left_delim();
        }
        let Some(end) = self.rest().find(LEFT) else {
            if self.rest().is_empty() {
                self.done = true;
                return Some(self.token(Kind::Eof));
            }
            self.advance(self.rest().len());
            return Some(self.token(Kind::Text));
        };
        let text = &self.rest()[..end];
        let trimmed = trims_before(&self.rest()[end + LEFT.len()..]);
        let kept = if trimmed { text.trim_end_matches(is_space).len() } else { end };
        self.advance(kept);
        let token = (kept > 0).then(|| self.token(Kind::Text));
        self.advance(end - kept);
        self.ignore();
        token
    }

    fn left_delim(&mut self) -> Option<Token> {
        let trims = trims_before(&self.rest()[LEFT.len()..]);
        let after = LEFT.len() + if trims { 2 } else { 0 };
        if let Some(comment) = self.rest()[after..].strip_prefix("/*") {
            let Some(end) = comment.find("*/") else {
                self.advance(after + 2);
                return Some(self.error("unclosed comment"));
            };
            self.advance(after + 2 + end + 2);
            let Some((length, trims)) = self.right_delim() else {
                return Some(self.error("comment ends before closing delimiter"));
            };
            self.close(length, trims);
            return None;
        }
        self.advance(LEFT.len());
        let token = self.token(Kind::LeftDelim);
        self.advance(after - LEFT.len());
        self.ignore();
        self.parentheses = 0;
        self.inside = true;
        Some(token)
    }

    /// The length of the closing braces here, with the trim marker, and whether they trim.
    fn right_delim(&self) -> Option<(usize, bool)> {
        let rest = self.rest();
        let trims = rest.starts_with(is_space) && rest[1..].starts_with('-') && rest[2..].starts_with(RIGHT);
        if trims { Some((2 + RIGHT.len(), true)) } else { rest.starts_with(RIGHT).then_some((RIGHT.len(), false)) }
    }

    /// Passes over closing braces, and over the space behind them when they trim.
    fn close(&mut self, length: usize, trims: bool) {
        self.advance(length);
        if trims {
            let space = self.rest().len() - self.rest().trim_start_matches(is_space).len();
            self.advance(space);
        }
        self.ignore();
        self.inside = false;
    }

    fn inside_action(&mut self) -> Token {
        if let Some((length, trims)) = self.right_delim() {
            if self.parentheses > 0 {
                return self.error("unclosed left paren");
            }
            let marker = length - RIGHT.len();
            self.advance(marker);
            self.ignore();
            self.advance(RIGHT.len());
            let token = self.token(Kind::RightDelim);
            self.close(0, trims);
            return token;
        }
        let Some(c) = self.next() else { return self.error("unclosed action") };
        match c {
            c if is_space(c) => {
                while self.peek().is_some_and(is_space) && self.right_delim().is_none() {
                    self.next();
                }
                self.token(Kind::Space)
            }
            '=' => self.token(Kind::Assign),
            ':' if self.accept("=") => self.token(Kind::Declare),
            ':' => self.error("expected :="),
            '|' => self.token(Kind::Pipe),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
            '`' => {
                while let Some(c) = self.next() {
                    if c == '`' {
                        return self.token(Kind::RawString);
                    }
                }
                self.error("unterminated raw quoted string")
            }
            '$' => self.name(Kind::Variable, Kind::Variable),
            '.' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => self.name(Kind::Dot, Kind::Field),
            '.' | '+' | '-' | '0'..='9' => self.number(),
            c if is_alphanumeric(c) => self.identifier(),
            '(' => {
                self.parentheses += 1;
                self.token(Kind::LeftParen)
            }
            ')' if self.parentheses == 0 => self.error("unexpected right paren"),
            ')' => {
                self.parentheses -= 1;
                self.token(Kind::RightParen)
            }
            ' '..='~' => self.token(Kind::Char),
            c => self.error(format!("unrecognized character in action: {}", code_point(c))),
        }
    }

    fn quoted(&mut self, quote: char, kind: Kind, unterminated: &str) -> Token {
        loop {
            match self.next() {
                Some('\\') if self.peek().is_some_and(|c| c != '\n') => {
                    self.next();
                }
                None | Some('\n' | '\\') => return self.error(unterminated),
                Some(c) if c == quote => return self.token(kind),
                Some(_) => {}
            }
        }
    }

    /// A field or variable, of which the first character was read; `alone` when nothing follows.
    fn name(&mut self, alone: Kind, kind: Kind) -> Token {
        if self.at_terminator() {
            return self.token(alone);
        }
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
        if !self.at_terminator() {
            return self.bad_character();
        }
        self.token(kind)
    }

    fn bad_character(&mut self) -> Token {
        let shown = self.peek().map_or_else(|| "U+FFFFFFFFFFFFFFFF".into(), code_point);
        self.error(format!("bad character {shown}"))
    }

    fn identifier(&mut self) -> Token {
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
        if !self.at_terminator() {
            return self.bad_character();
        }
        let kind = match &self.text[self.start..self.at] {
            "true" | "false" => Kind::Bool,
            "nil" => Kind::Nil,
            "block" => Kind::Keyword(Keyword::Block),
            "break" => Kind::Keyword(Keyword::Break),
            "continue" => Kind::Keyword(Keyword::Continue),
            "define" => Kind::Keyword(Keyword::Define),
            "else" => Kind::Keyword(Keyword::Else),
            "end" => Kind::Keyword(Keyword::End),
            "if" => Kind::Keyword(Keyword::If),
            "range" => Kind::Keyword(Keyword::Range),
            "template" => Kind::Keyword(Keyword::Template),
            "with" => Kind::Keyword(Keyword::With),
            _ => Kind::Identifier,
        };
        self.token(kind)
    }

    /// Whether a word may end here.
    fn at_terminator(&self) -> bool {
        match self.peek() {
            None => true,
            Some(c) => is_space(c) || ".,|:)(".contains(c) || self.rest().starts_with(RIGHT),
        }
    }

    /// Reads what looks like a number; whether it is one is the parser's to say.
    fn number(&mut self) -> Token {
        self.at = self.start;
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        let run = |lexer: &mut Self, digits| while lexer.accept(digits) {};
        run(self, digits);
        if self.accept(".") {
            run(self, digits);
        }
        if (digits.len() == 11 && self.accept("eE")) || (digits.len() == 23 && self.accept("pP")) {
            self.accept("+-");
            run(self, "0123456789_");
        }
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            let text = self.text[self.start..self.at].to_owned();
            return self.error(format!("bad number syntax: {}", Quoted(&text)));
        }
        self.token(Kind::Number)
    }
}

/// Whether what follows opening braces is a trim marker: a minus and a space.
fn trims_before(rest: &str) -> bool {
    rest.strip_prefix('-').is_some_and(|rest| rest.starts_with(is_space))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
