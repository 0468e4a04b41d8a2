//! The parser: tokens to a flat list of nodes (spec, chapter 3.2.1), each with the place where it ends, so that a tree
//! can be walked, skipped and visited again for an alias without any pointers.
//!
//! What is open is kept in a list of states, not on the call stack: text of any depth is read safely.

use super::error::Fault;
use super::scan::{Scanner, Token, TokenKind};
use std::borrow::Cow;
use std::collections::HashMap;

/// One node of a document. The content of a collection follows it, up to the index `end`; a mapping's content is keys
/// and values in turn.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub kind: NodeKind<'a>,
    /// The line, counted from 0.
    pub line: usize,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum NodeKind<'a> {
    Scalar {
        text: Cow<'a, str>,
        tag: Tag,
    },
    Sequence {
        end: usize,
    },
    Mapping {
        end: usize,
    },
    /// The node at `target` again; `within` says that it has not ended where the alias stands.
    Alias {
        name: &'a str,
        target: usize,
        within: bool,
    },
}

/// What is said about a scalar's type.
#[derive(Debug, PartialEq)]
pub(super) enum Tag {
    /// A plain scalar: its text decides.
    Implicit,
    /// A scalar in quotes or a block: a string.
    Text,
    /// A tag, in full.
    Explicit(Box<str>),
}

/// Reads the first document of `text`; an empty list when there is none.
pub(super) fn parse(text: &str) -> Result<Vec<Node<'_>>, Fault> {
    let mut parser = Parser {
        scanner: Scanner::new(text),
        nodes: Vec::with_capacity(64),
        open: Vec::new(),
        states: Vec::new(),
        anchors: HashMap::new(),
        tags: Vec::new(),
    };
    parser.document()?;
    Ok(parser.nodes)
}

/// What is expected next.
#[derive(Clone, Copy)]
enum State {
    BlockEntry,
    /// An entry of a sequence that is no deeper than the key before it.
    IndentlessEntry,
    BlockKey,
    BlockValue,
    FlowEntry {
        first: bool,
    },
    /// A mapping of one pair, written as an entry of a sequence.
    PairKey,
    PairValue,
    PairEnd,
    FlowKey {
        first: bool,
    },
    FlowValue,
    /// A key that has no value.
    FlowNoValue,
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    nodes: Vec<Node<'a>>,
    /// The collections that have not ended.
    open: Vec<usize>,
    states: Vec<State>,
    anchors: HashMap<&'a str, usize>,
    /// Handles of tags, and what they stand for.
    tags: Vec<(String, String)>,
}

type Done = Result<(), Fault>;

impl<'a> Parser<'a> {
    fn kind(&mut self) -> Result<&TokenKind<'a>, Fault> {
        Ok(&self.scanner.peek()?.kind)
    }

    fn skip(&mut self) {
        self.scanner.next();
    }

    /// The error for the token that comes next.
    fn unexpected(&mut self, problem: &str) -> Done {
        let line = self.scanner.peek()?.line;
        Err(Fault::parser(problem, line))
    }

    fn document(&mut self) -> Done {
        if *self.kind()? == TokenKind::StreamEnd {
            return Ok(());
        }
        self.directives()?;
        if *self.kind()? == TokenKind::DocumentStart {
            self.skip();
            use TokenKind::{DocumentEnd, DocumentStart, StreamEnd, TagDirective, VersionDirective};
            if matches!(
                self.kind()?,
                VersionDirective { .. } | TagDirective(_) | DocumentStart | DocumentEnd | StreamEnd
            ) {
                return self.empty();
            }
        }
        self.node(true, false)?;
        while let Some(state) = self.states.pop() {
            self.step(state)?;
        }
        // What follows decides whether the document ended well.
        self.scanner.peek()?;
        Ok(())
    }

    fn directives(&mut self) -> Done {
        let mut version = false;
        let mut any = false;
        loop {
            let token = self.scanner.peek()?;
            let line = token.line;
            match &token.kind {
                TokenKind::VersionDirective { major, minor } => {
                    if version {
                        return Err(Fault::parser("found duplicate %YAML directive", line));
                    }
                    if (*major, *minor) != (1, 1) {
                        return Err(Fault::parser("found incompatible YAML document", line));
                    }
                    version = true;
                }
                TokenKind::TagDirective(directive) => {
                    if self.tags.iter().any(|(known, _)| *known == directive.0) {
                        return Err(Fault::parser("found duplicate %TAG directive", line));
                    }
                    self.tags.push((**directive).clone());
                }
                TokenKind::DocumentStart => break,
                _ if any => return Err(Fault::parser("did not find expected <document start>", line)),
                _ => break,
            }
            any = true;
            self.skip();
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if !self.tags.iter().any(|(known, _)| known == handle) {
                self.tags.push((handle.into(), prefix.into()));
            }
        }
        Ok(())
    }

    fn step(&mut self, state: State) -> Done {
        match state {
            State::BlockEntry => self.block_entry(),
            State::IndentlessEntry => self.indentless_entry(),
            State::BlockKey => self.block_key(),
            State::BlockValue => self.block_value(),
            State::FlowEntry { first } => self.flow_entry(first),
            State::PairKey => self.pair_key(),
            State::PairValue => self.flow_value(State::PairEnd, &TokenKind::FlowSequenceEnd),
            State::PairEnd => self.close(),
            State::FlowKey { first } => self.flow_key(first),
            State::FlowValue => self.flow_value(State::FlowKey { first: false }, &TokenKind::FlowMappingEnd),
            State::FlowNoValue => {
                self.states.push(State::FlowKey { first: false });
                self.empty()
            }
        }
    }

    // Nodes.

    fn push(&mut self, kind: NodeKind<'a>, line: usize, anchor: Option<&'a str>) {
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, self.nodes.len());
        }
        self.nodes.push(Node { kind, line });
    }

    fn open(&mut self, kind: NodeKind<'a>, line: usize, anchor: Option<&'a str>, state: State) {
        self.open.push(self.nodes.len());
        self.push(kind, line, anchor);
        self.states.push(state);
    }

    fn close(&mut self) -> Done {
        let length = self.nodes.len();
        if let Some(NodeKind::Sequence { end } | NodeKind::Mapping { end }) =
            self.open.pop().and_then(|at| self.nodes.get_mut(at)).map(|node| &mut node.kind)
        {
            *end = length;
        }
        Ok(())
    }

    /// A value that is not written.
    fn empty(&mut self) -> Done {
        let line = self.scanner.peek()?.line;
        self.push(NodeKind::Scalar { text: Cow::Borrowed(""), tag: Tag::Implicit }, line, None);
        Ok(())
    }

    /// A node: all of a scalar or an alias, the beginning of a collection.
    fn node(&mut self, block: bool, indentless: bool) -> Done {
        if let TokenKind::Alias(name) = *self.kind()? {
            return self.alias(name);
        }
        let first_line = self.scanner.peek()?.line;
        let (anchor, tag) = self.properties()?;
        let token = self.scanner.peek()?;
        let line = if anchor.is_some() || tag.is_some() { first_line } else { token.line };
        let (kind, state) = match &token.kind {
            TokenKind::BlockEntry if indentless => {
                self.open(NodeKind::Sequence { end: 0 }, line, anchor, State::IndentlessEntry);
                return Ok(());
            }
            TokenKind::Scalar { .. } => {
                if let Some(Token { kind: TokenKind::Scalar { text, plain }, .. }) = self.scanner.next() {
                    let tag = scalar_tag(tag, plain);
                    self.push(NodeKind::Scalar { text, tag }, line, anchor);
                }
                return Ok(());
            }
            TokenKind::FlowSequenceStart => (NodeKind::Sequence { end: 0 }, State::FlowEntry { first: true }),
            TokenKind::FlowMappingStart => (NodeKind::Mapping { end: 0 }, State::FlowKey { first: true }),
            TokenKind::BlockSequenceStart if block => (NodeKind::Sequence { end: 0 }, State::BlockEntry),
            TokenKind::BlockMappingStart if block => (NodeKind::Mapping { end: 0 }, State::BlockKey),
            _ if anchor.is_some() || tag.is_some() => {
                let tag = tag.map_or(Tag::Implicit, |tag| Tag::Explicit(tag.into()));
                self.push(NodeKind::Scalar { text: Cow::Borrowed(""), tag }, line, anchor);
                return Ok(());
            }
            _ => return self.unexpected("did not find expected node content"),
        };
        self.skip();
        self.open(kind, line, anchor, state);
        Ok(())
    }

    fn alias(&mut self, name: &'a str) -> Done {
        let line = self.scanner.peek()?.line;
        let Some(&target) = self.anchors.get(name) else {
            return Err(Fault::value(format!("unknown anchor '{name}' referenced")));
        };
        let within = matches!(
            self.nodes.get(target).map(|node| &node.kind),
            Some(NodeKind::Sequence { end: 0 } | NodeKind::Mapping { end: 0 })
        );
        self.push(NodeKind::Alias { name, target, within }, line, None);
        self.skip();
        Ok(())
    }

    /// A node's anchor and tag, in either order.
    fn properties(&mut self) -> Result<(Option<&'a str>, Option<String>), Fault> {
        let mut anchor = None;
        let mut tag = None;
        loop {
            let token = self.scanner.peek()?;
            match &token.kind {
                TokenKind::Anchor(name) if anchor.is_none() => anchor = Some(*name),
                TokenKind::Tag(parts) if tag.is_none() => tag = Some(((**parts).clone(), token.line)),
                _ => break,
            }
            self.skip();
        }
        let Some(((handle, suffix), line)) = tag else { return Ok((anchor, None)) };
        if handle.is_empty() {
            return Ok((anchor, Some(suffix)));
        }
        match self.tags.iter().find(|(known, _)| *known == handle) {
            Some((_, prefix)) => Ok((anchor, Some(format!("{prefix}{suffix}")))),
            None => Err(Fault::parser("found undefined tag handle", line)),
        }
    }

    // Block collections.

    fn block_entry(&mut self) -> Done {
        match self.kind()? {
            TokenKind::BlockEntry => {
                self.skip();
                self.states.push(State::BlockEntry);
                match self.kind()? {
                    TokenKind::BlockEntry | TokenKind::BlockEnd => self.empty(),
                    _ => self.node(true, false),
                }
            }
            TokenKind::BlockEnd => {
                self.skip();
                self.close()
            }
            _ => self.unexpected("did not find expected '-' indicator"),
        }
    }

    fn indentless_entry(&mut self) -> Done {
        if *self.kind()? != TokenKind::BlockEntry {
            return self.close();
        }
        self.skip();
        self.states.push(State::IndentlessEntry);
        match self.kind()? {
            TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => self.empty(),
            _ => self.node(true, false),
        }
    }

    fn block_key(&mut self) -> Done {
        match self.kind()? {
            TokenKind::Key => {
                self.skip();
                self.states.push(State::BlockValue);
                self.block_content()
            }
            TokenKind::BlockEnd => {
                self.skip();
                self.close()
            }
            _ => self.unexpected("did not find expected key"),
        }
    }

    fn block_value(&mut self) -> Done {
        self.states.push(State::BlockKey);
        if *self.kind()? != TokenKind::Value {
            return self.empty();
        }
        self.skip();
        self.block_content()
    }

    fn block_content(&mut self) -> Done {
        match self.kind()? {
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => self.empty(),
            _ => self.node(true, true),
        }
    }

    // Flow collections.

    fn flow_entry(&mut self, first: bool) -> Done {
        if *self.kind()? != TokenKind::FlowSequenceEnd && !first {
            if *self.kind()? != TokenKind::FlowEntry {
                return self.unexpected("did not find expected ',' or ']'");
            }
            self.skip();
        }
        match self.kind()? {
            TokenKind::FlowSequenceEnd => {
                self.skip();
                self.close()
            }
            TokenKind::Key => {
                let line = self.scanner.peek()?.line;
                self.skip();
                self.states.push(State::FlowEntry { first: false });
                self.open(NodeKind::Mapping { end: 0 }, line, None, State::PairKey);
                Ok(())
            }
            _ => {
                self.states.push(State::FlowEntry { first: false });
                self.node(false, false)
            }
        }
    }

    fn pair_key(&mut self) -> Done {
        self.states.push(State::PairValue);
        match self.kind()? {
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {
                // The reference passes over this token, whatever it is.
                self.skip();
                self.empty()
            }
            _ => self.node(false, false),
        }
    }

    /// A value in flow style, which `then` follows; `end` would end the collection.
    fn flow_value(&mut self, then: State, end: &TokenKind<'_>) -> Done {
        self.states.push(then);
        if *self.kind()? == TokenKind::Value {
            self.skip();
            let kind = self.kind()?;
            if *kind != TokenKind::FlowEntry && kind != end {
                return self.node(false, false);
            }
        }
        self.empty()
    }

    fn flow_key(&mut self, first: bool) -> Done {
        if *self.kind()? != TokenKind::FlowMappingEnd && !first {
            if *self.kind()? != TokenKind::FlowEntry {
                return self.unexpected("did not find expected ',' or '}'");
            }
            self.skip();
        }
        match self.kind()? {
            TokenKind::FlowMappingEnd => {
                self.skip();
                self.close()
            }
            TokenKind::Key => {
                self.skip();
                self.states.push(State::FlowValue);
                match self.kind()? {
                    TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd => self.empty(),
                    _ => self.node(false, false),
                }
            }
            _ => {
                self.states.push(State::FlowNoValue);
                self.node(false, false)
            }
        }
    }
}

/// The tag of a scalar that is written.
fn scalar_tag(tag: Option<String>, plain: bool) -> Tag {
    match tag {
        Some(tag) => Tag::Explicit(tag.into()),
        None if plain => Tag::Implicit,
        None => Tag::Text,
    }
}
