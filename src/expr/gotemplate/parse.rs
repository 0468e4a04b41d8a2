//! Tokens to nodes.

use super::lex::{Keyword, Kind, Lexer, Token};
use super::node::{Call, Control, Node};
use crate::expr::go_value::Quoted;
use std::collections::BTreeMap;
use thiserror::Error;

/// Why a template cannot be read, in Go's words.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("template: {name}:{line}: {message}")]
pub struct ParseError {
    name: String,
    line: usize,
    message: String,
}

/// How deep actions and parentheses may be in each other. Go allows more, which no stack of ours would.
const DEEPEST: usize = 100;

/// Templates by name.
pub(super) type Templates = BTreeMap<String, Vec<Node>>;

/// Reads a template and those that are defined in it.
pub(super) fn templates(name: &str, text: &str) -> Result<Templates, ParseError> {
    let mut parser = Parser {
        name,
        lexer: Lexer::new(text),
        ahead: Vec::new(),
        line: 1,
        action_line: 0,
        variables: vec!["$".into()],
        ranges: 0,
        depth: 0,
        templates: Templates::new(),
    };
    let root = parser.top()?;
    parser.add(name, root)?;
    Ok(parser.templates)
}

/// How a list of nodes ended.
enum End {
    End,
    /// With what follows directly: `{{else if` and `{{else with`.
    Else(Option<Keyword>),
}

impl End {
    fn text(&self) -> &'static str {
        match self {
            End::End => "{{end}}",
            End::Else(_) => "{{else}}",
        }
    }
}

/// A node, or the end of the list that it would be in.
enum Step {
    Node(Node),
    End(End),
}

pub(super) struct Parser<'a> {
    name: &'a str,
    lexer: Lexer<'a>,
    /// Tokens that were looked at, the next one last.
    ahead: Vec<Token>,
    /// The line of the token that was read last from the text, for errors.
    line: usize,
    /// Where the action began, for errors; 0 outside of actions.
    action_line: usize,
    pub(super) variables: Vec<String>,
    /// How many ranges are open.
    ranges: usize,
    /// How many actions and parentheses are open.
    depth: usize,
    templates: Templates,
}

pub(super) type Result<T, E = ParseError> = std::result::Result<T, E>;

impl Parser<'_> {
    pub(super) fn fail<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(ParseError { name: self.name.into(), line: self.line, message: message.into() })
    }

    pub(super) fn unexpected<T>(&self, token: &Token, context: &str) -> Result<T> {
        if token.kind != Kind::Error {
            return self.fail(format!("unexpected {token} in {context}"));
        }
        let mut extra = String::new();
        if self.action_line != 0 && self.action_line != token.line {
            extra = format!(" in action started at {}:{}", self.name, self.action_line);
            if token.text.ends_with(" action") {
                extra.drain(.." in action".len());
            }
        }
        self.fail(format!("{token}{extra}"))
    }

    pub(super) fn next(&mut self) -> Token {
        self.ahead.pop().unwrap_or_else(|| {
            let token = self.lexer.token_after();
            self.line = token.line;
            token
        })
    }

    pub(super) fn next_non_space(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    pub(super) fn back(&mut self, token: Token) {
        self.ahead.push(token);
    }

    pub(super) fn peek(&mut self) -> Kind {
        let token = self.next();
        let kind = token.kind;
        self.back(token);
        kind
    }

    pub(super) fn peek_non_space(&mut self) -> Token {
        let token = self.next_non_space();
        self.back(token.clone());
        token
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Result<Token> {
        let token = self.next_non_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(&token, context) }
    }

    fn add(&mut self, name: &str, nodes: Vec<Node>) -> Result<()> {
        let is_empty = |nodes: &[Node]| nodes.iter().all(|n| matches!(n, Node::Text(text) if text.trim().is_empty()));
        match self.templates.get(name) {
            Some(known) if !is_empty(known) => {
                if is_empty(&nodes) {
                    return Ok(());
                }
                self.fail(format!("template: multiple definition of template {}", Quoted(name)))
            }
            _ => {
                self.templates.insert(name.into(), nodes);
                Ok(())
            }
        }
    }

    fn top(&mut self) -> Result<Vec<Node>> {
        let mut nodes = Vec::new();
        loop {
            let token = self.next();
            match token.kind {
                Kind::Eof => return Ok(nodes),
                Kind::LeftDelim => {
                    let first = self.next_non_space();
                    if first.kind == Kind::Keyword(Keyword::Define) {
                        self.definition()?;
                        continue;
                    }
                    self.back(first);
                    self.back(token);
                }
                _ => self.back(token),
            }
            match self.text_or_action()? {
                Step::Node(node) => nodes.push(node),
                Step::End(end) => return self.fail(format!("unexpected {}", end.text())),
            }
        }
    }

    fn definition(&mut self) -> Result<()> {
        const CONTEXT: &str = "define clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        let nodes = self.separately(|parser| parser.list_to_end(CONTEXT))?;
        self.add(&name, nodes)
    }

    /// Reads a template of its own, in which outer variables and ranges are unknown.
    fn separately<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let variables = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let ranges = std::mem::take(&mut self.ranges);
        let result = self.deeper(read);
        (self.variables, self.ranges) = (variables, ranges);
        result
    }

    fn list_to_end(&mut self, context: &str) -> Result<Vec<Node>> {
        match self.list()? {
            (nodes, End::End) => Ok(nodes),
            (_, end) => self.fail(format!("unexpected {} in {context}", end.text())),
        }
    }

    fn list(&mut self) -> Result<(Vec<Node>, End)> {
        let mut nodes = Vec::new();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Step::Node(node) => nodes.push(node),
                Step::End(end) => return Ok((nodes, end)),
            }
        }
        self.fail("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Result<Step> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => Ok(Step::Node(Node::Text(token.text))),
            Kind::LeftDelim => {
                self.action_line = token.line;
                let step = self.action();
                self.action_line = 0;
                step
            }
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Result<Step> {
        let token = self.next_non_space();
        let Kind::Keyword(keyword) = token.kind else {
            self.back(token);
            let pipe = self.pipeline("command", Kind::RightDelim)?;
            return Ok(Step::Node(Node::Action(pipe)));
        };
        let node = match keyword {
            Keyword::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Step::End(End::End));
            }
            Keyword::Else => {
                let follows = self.peek_non_space();
                if let Kind::Keyword(keyword @ (Keyword::If | Keyword::With)) = follows.kind {
                    return Ok(Step::End(End::Else(Some(keyword))));
                }
                self.expect(Kind::RightDelim, "else")?;
                return Ok(Step::End(End::Else(None)));
            }
            Keyword::If => Node::If(self.control("if")?),
            Keyword::With => Node::With(self.control("with")?),
            Keyword::Range => Node::Range(self.control("range")?),
            Keyword::Template => self.template()?,
            Keyword::Block => self.block()?,
            Keyword::Break => self.jump(Node::Break, "break")?,
            Keyword::Continue => self.jump(Node::Continue, "continue")?,
            Keyword::Define => {
                self.back(token);
                Node::Action(self.pipeline("command", Kind::RightDelim)?)
            }
        };
        Ok(Step::Node(node))
    }

    fn jump(&mut self, node: Node, name: &str) -> Result<Node> {
        let token = self.next_non_space();
        if token.kind != Kind::RightDelim {
            return self.unexpected(&token, &format!("{{{{{name}}}}}"));
        }
        if self.ranges == 0 {
            return self.fail(format!("{{{{{name}}}}} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    /// Reads something that is in something else.
    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == DEEPEST {
            return self.fail("max expression depth exceeded");
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn control(&mut self, context: &str) -> Result<Control> {
        self.deeper(|parser| parser.controlled(context))
    }

    fn controlled(&mut self, context: &str) -> Result<Control> {
        let known = self.variables.len();
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        self.ranges += usize::from(context == "range");
        let body = self.list();
        self.ranges -= usize::from(context == "range");
        let (list, end) = body?;
        let otherwise = match end {
            End::End => Vec::new(),
            // `else if` needs no end of its own.
            End::Else(Some(Keyword::If)) if context == "if" => {
                self.next_non_space();
                vec![Node::If(self.control("if")?)]
            }
            End::Else(Some(Keyword::With)) if context == "with" => {
                self.next_non_space();
                vec![Node::With(self.control("with")?)]
            }
            End::Else(_) => match self.list()? {
                (nodes, End::End) => nodes,
                (_, end) => return self.fail(format!("expected end; found {}", end.text())),
            },
        };
        self.variables.truncate(known);
        Ok(Control { pipe, list, otherwise })
    }

    fn template_name(&mut self, token: &Token, context: &str) -> Result<String> {
        match token.kind {
            Kind::String | Kind::RawString => self.unquoted(&token.text),
            _ => self.unexpected(token, context),
        }
    }

    fn template(&mut self) -> Result<Node> {
        const CONTEXT: &str = "template clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        let next = self.next_non_space();
        let mut pipe = None;
        if next.kind != Kind::RightDelim {
            self.back(next);
            pipe = Some(self.pipeline(CONTEXT, Kind::RightDelim)?);
        }
        Ok(Node::Template(Call { at: token.at, name, pipe }))
    }

    fn block(&mut self) -> Result<Node> {
        const CONTEXT: &str = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        let nodes = self.separately(|parser| parser.list_to_end(CONTEXT))?;
        self.add(&name, nodes)?;
        Ok(Node::Template(Call { at: token.at, name, pipe: Some(pipe) }))
    }
}
