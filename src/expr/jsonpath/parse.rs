//! Text to nodes.

use super::{Bound, Node, Slice};
use crate::api::Value;
use crate::expr::go_value::code_point;
use crate::expr::unquote::unquote;
use thiserror::Error;

/// Why a template cannot be read, in kubectl's words.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ParseError(pub(super) String);

fn fail<T>(message: impl Into<String>) -> Result<T, ParseError> {
    Err(ParseError(message.into()))
}

/// Reads a template: text, and actions in braces.
pub(super) fn template(text: &str) -> Result<Vec<Node>, ParseError> {
    let mut nodes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        if at > 0 {
            nodes.push(Node::Text(rest[..at].into()));
        }
        let mut action = Action { text: rest, at: at + 1, nodes: Vec::new() };
        action.read()?;
        rest = &rest[action.at..];
        nodes.push(Node::List(action.nodes));
    }
    if !rest.is_empty() {
        nodes.push(Node::Text(rest.into()));
    }
    Ok(nodes)
}

/// Reads a part of an action as an action of its own.
fn part(text: &str) -> Result<Vec<Node>, ParseError> {
    match template(&format!("{{{text}}}"))?.into_iter().next() {
        Some(Node::List(nodes)) => Ok(nodes),
        _ => Ok(Vec::new()),
    }
}

/// What is between one pair of braces.
struct Action<'a> {
    text: &'a str,
    at: usize,
    nodes: Vec<Node>,
}

impl<'a> Action<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Reads on to the closing brace, and over it.
    fn read(&mut self) -> Result<(), ParseError> {
        loop {
            if self.rest().starts_with("[?(") {
                self.filter()?;
                continue;
            }
            if self.rest().starts_with("..") {
                self.recursive()?;
                continue;
            }
            let start = self.at;
            match self.next() {
                Some('}') => return Ok(()),
                None | Some('\r' | '\n') => return fail("unclosed action"),
                Some(' ' | '@' | '$') => {}
                Some('[') => self.array()?,
                Some(quote @ ('"' | '\'')) => self.quoted(start, quote)?,
                Some('.') => self.field(),
                Some(c) if c == '+' || c == '-' || is_digit(c) => self.number(start)?,
                Some(c) if is_alphanumeric(c) => self.identifier(start),
                Some(c) => return fail(format!("unrecognized character in action: {}", code_point(c))),
            }
        }
    }

    fn identifier(&mut self, start: usize) {
        while self.peek().is_some_and(|c| !is_terminator(c)) {
            self.next();
        }
        self.nodes.push(match &self.text[start..self.at] {
            "true" => Node::Literal(Value::Bool(true)),
            "false" => Node::Literal(Value::Bool(false)),
            "range" => Node::Range,
            "end" => Node::End,
            name => Node::Unknown(name.into()),
        });
    }

    fn recursive(&mut self) -> Result<(), ParseError> {
        if matches!(self.nodes.last(), Some(Node::Recursive)) {
            return fail("invalid multiple recursive descent");
        }
        self.at += 2;
        self.nodes.push(Node::Recursive);
        if self.peek().is_some_and(is_alphanumeric) {
            self.field();
        }
        Ok(())
    }

    fn number(&mut self, start: usize) -> Result<(), ParseError> {
        while self.peek().is_some_and(|c| c == '.' || is_digit(c)) {
            self.next();
        }
        let text = &self.text[start..self.at];
        let number = match text.parse::<i64>() {
            Ok(int) => Some(Value::from(int)),
            Err(_) => text.parse().ok().and_then(serde_json::Number::from_f64).map(Value::Number),
        };
        match number {
            Some(number) => self.nodes.push(Node::Literal(number)),
            None => return fail(format!("cannot parse number {text}")),
        }
        Ok(())
    }

    /// A name up to what may follow one; a backslash takes away a character's meaning.
    fn field(&mut self) {
        let start = self.at;
        while let Some(c) = self.peek().filter(|c| !is_terminator(*c)) {
            self.next();
            if c == '\\' {
                self.next();
            }
        }
        self.nodes.push(match &self.text[start..self.at] {
            "*" => Node::Wildcard,
            name => Node::Field(name.replace('\\', "")),
        });
    }

    fn quoted(&mut self, start: usize, quote: char) -> Result<(), ParseError> {
        loop {
            match self.next() {
                None | Some('\n') => return fail("unterminated quoted string"),
                Some(c) if c == quote && self.text.as_bytes()[self.at - 2] != b'\\' => break,
                Some(_) => {}
            }
        }
        let text = &self.text[start..self.at];
        match unquote(text) {
            Some(text) => self.nodes.push(Node::Text(text.into())),
            None => return fail(format!("unquote string {text} error invalid syntax")),
        }
        Ok(())
    }

    /// What is between brackets: an index, a slice, names in single quotes, or several of these.
    fn array(&mut self) -> Result<(), ParseError> {
        let start = self.at;
        let inside = loop {
            match self.next() {
                None | Some('\n') => return fail("unterminated array"),
                Some(']') => break &self.text[start..self.at - 1],
                Some(_) => {}
            }
        };
        let inside = if inside == "*" { ":" } else { inside };
        if inside.contains(',') {
            let several = inside.split(',').map(|one| part(&format!("[{}]", one.trim_matches(' '))));
            self.nodes.push(Node::Union(several.collect::<Result<_, _>>()?));
        } else if let Some(name) = inside.strip_prefix('\'').and_then(|s| s.strip_suffix('\''))
            && !name.contains('\'')
        {
            self.nodes.extend(part(&format!(".{name}"))?);
        } else {
            self.nodes.push(Node::Slice(slice(inside)?));
        }
        Ok(())
    }

    fn filter(&mut self) -> Result<(), ParseError> {
        self.at += "[?(".len();
        let start = self.at;
        // Only the first quote is looked at, and the one that closes it: a bracket between the two is text.
        let mut quote = None;
        let mut closed = false;
        let end = loop {
            match self.next() {
                None | Some('\n') => return fail("unterminated filter"),
                Some(c @ ('"' | '\'')) => match quote {
                    None => quote = Some(c),
                    Some(q) => closed |= q == c && self.text.as_bytes()[self.at - 2] != b'\\',
                },
                Some(')') if quote.is_some() == closed => break self.at - 1,
                Some(_) => {}
            }
        };
        if self.next() != Some(']') {
            return fail("unclosed array expect ]");
        }
        let text = &self.text[start..end];
        let node = match comparison(text) {
            None => Node::Exists(part(text)?),
            Some((left, operator, right)) => {
                Node::Filter { left: part(left)?, operator: operator.into(), right: part(right)? }
            }
        };
        self.nodes.push(node);
        Ok(())
    }
}

/// The two sides of a comparison and what is between; none when the text compares nothing.
fn comparison(text: &str) -> Option<(&str, &str, &str)> {
    let is_operator = |c| matches!(c, '!' | '<' | '>' | '=');
    let start = text.find(is_operator).filter(|start| *start > 0)?;
    let operators = text[start..].find(|c| !is_operator(c)).unwrap_or(text.len() - start);
    // The right side has at least one character, be it one that looks like an operator.
    let end = (start + operators).min(text.len() - 1);
    (end > start).then(|| (&text[..start], &text[start..end], &text[end..]))
}

fn slice(text: &str) -> Result<Slice, ParseError> {
    let invalid = || ParseError(format!("invalid array index {text}"));
    let parts: Vec<&str> = text.split(':').collect();
    let is_bound = |part: &&str| part.strip_prefix('-').unwrap_or(part).bytes().all(|b| b.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(is_bound) {
        return Err(invalid());
    }
    let bound = |part: Option<&&str>| match part {
        None | Some(&"") => Ok(None),
        Some(part) => {
            part.parse::<i64>().map(Some).map_err(|_| ParseError(format!("array index {part} is not a number")))
        }
    };
    let start = bound(parts.first())?;
    let end = match parts.get(1) {
        None => Bound::Next(start.unwrap_or(0)),
        end => bound(end)?.map_or(Bound::Open, Bound::At),
    };
    Ok(Slice { start, end, step: bound(parts.get(2))? })
}

fn is_terminator(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || (!c.is_ascii() && !c.is_alphabetic() && c.is_numeric())
}
