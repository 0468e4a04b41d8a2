//! From words to trees, by descent. Macros become what they stand for here.

use super::lex::{Token, Word, words};
use super::syntax::{Expr, Field, Kind, Loop};
use super::value::Val;
use super::{Issue, WORDS};
use std::collections::VecDeque;

/// How deep expressions may be nested.
const DEEPEST: usize = 100;
/// How deep the tree may be that comes of one.
const DEEPEST_TREE: usize = 250;

/// Reads an expression; `binds` says whether it may give names to values with `cel.bind`.
pub fn parse(text: &str, binds: bool) -> Result<Expr, Vec<Issue>> {
    let mut issues = Vec::new();
    let tokens = words(text, &mut issues);
    let mut parser = Parser { tokens, next: 0, depth: 0, binds, issues, lost: false, wanted: String::new() };
    let parsed = parser.choice();
    match parsed {
        Ok(expr) => {
            if !matches!(parser.peek(), Word::End) {
                // One thing too many is told from many.
                let how = if matches!(parser.second(), Word::End) { "extraneous" } else { "mismatched" };
                let issue = parser.issue(format!("{how} input '{}' expecting <EOF>", parser.shown()));
                parser.complain(issue);
            }
            if parser.issues.is_empty() { Ok(expr) } else { Err(parser.issues) }
        }
        Err(issue) => {
            parser.complain(issue);
            Err(parser.issues)
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    binds: bool,
    issues: Vec<Issue>,
    /// Whether nothing fitted since the last complaint: what comes of that is not complained about.
    lost: bool,
    /// What may stand here besides the begin of an expression, for complaints.
    wanted: String,
}

/// The words that an expression may begin with and those that may stand in their place, in ANTLR's order.
const STARTS: [&str; 10] = ["'['", "']'", "'{'", "'}'", "'('", "')'", "'.'", "','", "'-'", "'!'"];
const ALWAYS: [&str; 6] = ["'['", "'{'", "'('", "'.'", "'-'", "'!'"];

type Parsed = Result<Expr, Issue>;

impl Parser {
    fn peek(&self) -> &Word {
        &self.tokens[self.next.min(self.tokens.len() - 1)].kind
    }

    fn at(&self) -> usize {
        self.tokens[self.next.min(self.tokens.len() - 1)].at
    }

    /// The word after the next one.
    fn second(&self) -> &Word {
        &self.tokens[(self.next + 1).min(self.tokens.len() - 1)].kind
    }

    /// The next word as it is written.
    fn shown(&self) -> &str {
        &self.tokens[self.next.min(self.tokens.len() - 1)].text
    }

    fn issue(&self, text: String) -> Issue {
        Issue { at: self.at(), text: format!("Syntax error: {text}") }
    }

    fn complain(&mut self, issue: Issue) {
        if !self.lost {
            self.issues.push(issue);
        }
        self.lost = true;
    }

    fn skip(&mut self) {
        self.next += 1;
        self.lost = false;
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), Word::Sign(found) if *found == sign)
    }

    /// Takes a sign, if it is next, and gives its place.
    fn take(&mut self, sign: &str) -> Option<usize> {
        let at = self.at();
        self.is(sign).then(|| {
            self.skip();
            at
        })
    }

    /// Takes a sign that has to be next. As cel-go's parser does, it looks over one word too many, and takes a closing
    /// sign for written where the text ends.
    fn need(&mut self, sign: &str) -> Result<usize, Issue> {
        self.need_of(sign, &format!("'{sign}'"))
    }

    fn need_of(&mut self, sign: &str, wanted: &str) -> Result<usize, Issue> {
        if let Some(at) = self.take(sign) {
            return Ok(at);
        }
        if matches!(self.second(), Word::Sign(found) if *found == sign) {
            let issue = self.issue(format!("extraneous input '{}' expecting {wanted}", self.shown()));
            self.complain(issue);
            self.next += 1;
            return self.take(sign).ok_or_else(|| self.unexpected(wanted));
        }
        let is_one = wanted.starts_with('\'');
        let closes = [")", "]"].contains(&sign) && matches!(self.peek(), Word::End);
        if is_one && (closes || sign == ":" && self.starts(self.peek())) {
            let issue = self.issue(format!("missing {wanted} at '{}'", self.shown()));
            self.complain(issue);
            return Ok(self.at());
        }
        Err(self.unexpected(wanted))
    }

    fn unexpected(&self, wanted: &str) -> Issue {
        self.issue(format!("mismatched input '{}' expecting {wanted}", self.shown()))
    }

    /// Whether an expression may begin with a word.
    fn starts(&self, word: &Word) -> bool {
        match word {
            Word::Sign(sign) => ["[", "{", "(", ".", "-", "!"].contains(sign),
            word => !matches!(word, Word::End),
        }
    }

    /// Something that is no expression: a word too many before one is looked over, and an operator is taken for one
    /// that only lacks its operand.
    fn lacking(&mut self) -> Parsed {
        let own = std::mem::take(&mut self.wanted);
        let may = |sign: &&&str| ALWAYS.contains(*sign) || own.contains(**sign);
        let mut wanted: Vec<&str> = STARTS.iter().filter(may).copied().collect();
        wanted.extend(own.contains('?').then_some("'?'"));
        let wanted = format!(
            "{{{}, 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}}",
            wanted.join(", ")
        );
        if !matches!(self.peek(), Word::End) && self.starts(self.second()) {
            let issue = self.issue(format!("extraneous input '{}' expecting {wanted}", self.shown()));
            self.complain(issue);
            self.next += 1;
            return self.unary();
        }
        let issue = self.unexpected(&wanted);
        let at = self.at();
        self.complain(issue);
        Ok(Expr::new(at, Kind::Literal(Val::Null)))
    }

    fn choice(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEEPEST {
            let text = format!("expression recursion limit exceeded: {DEEPEST}");
            return Err(Issue { at: self.at(), text });
        }
        let cond = self.or()?;
        let result = match self.take("?") {
            Some(at) => {
                let yes = self.or()?;
                self.need(":")?;
                let no = self.choice()?;
                Expr::new(at, Kind::Choice(Box::new([cond, yes, no])))
            }
            None => cond,
        };
        self.depth -= 1;
        Ok(result)
    }

    fn or(&mut self) -> Parsed {
        self.terms("||", |parser| parser.terms("&&", |parser| parser.binary(0), Kind::And), Kind::Or)
    }

    /// Terms with one operator between them. The tree is balanced, for there may be many of them.
    fn terms(&mut self, sign: &str, term: fn(&mut Self) -> Parsed, make: fn(Box<[Expr; 2]>) -> Kind) -> Parsed {
        let mut rest = VecDeque::from([(0, term(self)?)]);
        while let Some(at) = self.take(sign) {
            rest.push_back((at, term(self)?));
        }
        balanced(rest, make).1.map_or_else(|| Err(self.unexpected("IDENTIFIER")), |expr| self.shallow(expr))
    }

    /// Refuses a tree that is too deep to be walked.
    fn shallow(&self, expr: Expr) -> Parsed {
        if expr.depth <= DEEPEST_TREE {
            return Ok(expr);
        }
        Err(Issue { at: self.at(), text: format!("expression recursion limit exceeded: {DEEPEST_TREE}") })
    }

    /// Relations, sums and products, by their level.
    fn binary(&mut self, level: usize) -> Parsed {
        const LEVELS: [&[(&str, &str)]; 3] = [
            &[
                ("<", "_<_"),
                ("<=", "_<=_"),
                (">", "_>_"),
                (">=", "_>=_"),
                ("==", "_==_"),
                ("!=", "_!=_"),
                ("in", "@in"),
            ],
            &[("+", "_+_"), ("-", "_-_")],
            &[("*", "_*_"), ("/", "_/_"), ("%", "_%_")],
        ];
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        loop {
            let found = operators.iter().find(|(sign, _)| self.is(sign));
            let Some((sign, function)) = found else { return Ok(left) };
            let at = self.need(sign)?;
            let right = self.binary(level + 1)?;
            left = self.shallow(call(at, function, vec![left, right]))?;
        }
    }

    fn unary(&mut self) -> Parsed {
        for (sign, function) in [("!", "!_"), ("-", "-_")] {
            let Some(at) = self.take(sign) else { continue };
            self.wanted.clear();
            let mut count = 1;
            while self.take(sign).is_some() {
                count += 1;
            }
            if sign == "-" && count == 1 {
                // The smallest number has no positive counterpart.
                let negative = match self.peek() {
                    Word::Int(text) => int(&format!("-{text}")).map(Val::Int),
                    Word::Float(text) => text.parse::<f64>().ok().map(|number| Val::Double(-number)),
                    _ => None,
                };
                if let Some(value) = negative {
                    self.skip();
                    return self.members(Expr::new(at, Kind::Literal(value)));
                }
            }
            let operand = self.member()?;
            return Ok(if count % 2 == 0 { operand } else { call(at, function, vec![operand]) });
        }
        self.member()
    }

    fn member(&mut self) -> Parsed {
        let primary = self.primary()?;
        self.members(primary)
    }

    fn members(&mut self, mut operand: Expr) -> Parsed {
        loop {
            operand = self.shallow(operand)?;
            if let Some(at) = self.take(".") {
                let optional = self.take("?").is_some();
                let field = if optional { self.name()? } else { self.selected()? };
                operand = match self.is("(") && !optional {
                    true => {
                        let open = self.need("(")?;
                        let args = self.arguments(")")?;
                        let is_cel = matches!(&operand.kind, Kind::Ident(name) if name == "cel");
                        match <[Expr; 3]>::try_from(args) {
                            Ok(args) if self.binds && is_cel && field == "bind" => bind(args, open)?,
                            Ok(args) => expand(operand, field, args.into(), open)?,
                            Err(args) => expand(operand, field, args, open)?,
                        }
                    }
                    false => Expr::new(at, Kind::Select { operand: Box::new(operand), field, optional }),
                };
            } else if let Some(at) = self.take("[") {
                let optional = self.take("?").is_some();
                self.wanted = if optional { "" } else { "'?'" }.into();
                let index = self.choice()?;
                self.need("]")?;
                operand = call(at, if optional { "_[?_]" } else { "_[_]" }, vec![operand, index]);
            } else if self.is("{")
                && let Some(name) = operand.qualified()
            {
                operand = self.made(name)?;
            } else {
                return Ok(operand);
            }
        }
    }

    /// The fields of an object that is made.
    fn made(&mut self, name: String) -> Parsed {
        let at = self.need("{")?;
        let mut fields = Vec::new();
        while self.take("}").is_none() {
            let optional = self.take("?").is_some();
            if !optional && fields.is_empty() && !matches!(self.peek(), Word::Ident(_)) {
                return Err(self.unexpected("{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}"));
            }
            let name = self.name()?;
            let at = self.need(":")?;
            fields.push(Field { at, optional, name, value: self.choice()? });
            if self.take(",").is_none() {
                self.need_of("}", "{'}', ','}")?;
                break;
            }
        }
        Ok(Expr::new(at, Kind::Struct { name, fields }))
    }

    fn name(&mut self) -> Result<String, Issue> {
        match self.peek().clone() {
            Word::Ident(name) => {
                self.skip();
                Ok(name)
            }
            _ => Err(self.unexpected("{IDENTIFIER, ESC_IDENTIFIER}")),
        }
    }

    /// A name after a dot.
    fn selected(&mut self) -> Result<String, Issue> {
        if matches!(self.peek(), Word::Ident(_)) {
            return self.name();
        }
        let word = if matches!(self.peek(), Word::End) { "" } else { self.shown() };
        Err(self.issue(format!("no viable alternative at input '.{word}'")))
    }

    fn arguments(&mut self, end: &str) -> Result<Vec<Expr>, Issue> {
        let mut args = Vec::new();
        if self.take(end).is_some() {
            return Ok(args);
        }
        self.wanted = format!("'{end}'");
        loop {
            args.push(self.choice()?);
            if self.take(",").is_none() {
                self.need(end)?;
                return Ok(args);
            }
        }
    }

    fn primary(&mut self) -> Parsed {
        let at = self.at();
        if self.starts(self.peek()) {
            self.wanted.clear();
        }
        let literal = |value: Val| Expr::new(at, Kind::Literal(value));
        let word = self.peek().clone();
        let wrong = |what: &str| Issue { at, text: format!("invalid {what} literal") };
        let expr = match word {
            Word::Int(text) => literal(Val::Int(int(&text).ok_or_else(|| wrong("int"))?)),
            Word::Uint(text) => literal(Val::Uint(uint(&text).ok_or_else(|| wrong("uint"))?)),
            Word::Float(text) => {
                let number = text.parse().ok().filter(|number: &f64| number.is_finite());
                literal(Val::Double(number.ok_or_else(|| wrong("double"))?))
            }
            Word::Text(text) => literal(Val::String(text.into())),
            Word::Bytes(bytes) => literal(Val::Bytes(bytes.into())),
            Word::Ident(name) => {
                self.skip();
                return self.ident(at, name);
            }
            Word::Sign("(") => {
                self.skip();
                self.wanted.clear();
                let inner = self.choice()?;
                self.need(")")?;
                return Ok(inner);
            }
            Word::Sign("[") => {
                self.skip();
                return self.list(at);
            }
            Word::Sign("{") => {
                self.skip();
                return self.map(at);
            }
            Word::Sign(".") => {
                self.skip();
                let at = self.at();
                let name = self.selected()?;
                return self.ident(at, name);
            }
            _ => return self.lacking(),
        };
        self.skip();
        Ok(expr)
    }

    fn ident(&mut self, at: usize, name: String) -> Parsed {
        let value = match name.as_str() {
            "true" => Some(Val::Bool(true)),
            "false" => Some(Val::Bool(false)),
            "null" => Some(Val::Null),
            _ => None,
        };
        if let Some(value) = value {
            return Ok(Expr::new(at, Kind::Literal(value)));
        }
        if WORDS.contains(&name.as_str()) || name == "struct" {
            self.issues.push(Issue { at, text: format!("reserved identifier: {name}") });
        }
        let Some(open) = self.take("(") else { return Ok(Expr::new(at, Kind::Ident(name))) };
        let args = self.arguments(")")?;
        if name != "has" || args.len() != 1 {
            return Ok(Expr::new(open, Kind::Call { target: None, function: name, args }));
        }
        match args.into_iter().next().map(|arg| (arg.at, arg.kind)) {
            Some((_, Kind::Select { operand, field, optional: false })) => {
                Ok(Expr::new(open, Kind::Has { operand, field }))
            }
            other => {
                Err(Issue { at: other.map_or(open, |(at, _)| at), text: "invalid argument to has() macro".into() })
            }
        }
    }

    fn list(&mut self, at: usize) -> Parsed {
        let mut items = Vec::new();
        while self.take("]").is_none() {
            if items.is_empty() && self.take(",").is_some() {
                self.need("]")?;
                break;
            }
            if !items.is_empty() && !self.starts(self.peek()) && !self.is("?") {
                self.need("]")?;
                break;
            }
            let optional = self.take("?").is_some();
            self.wanted = if items.is_empty() && !optional { "']' ',' '?'" } else { "" }.into();
            items.push((optional, self.choice()?));
            if self.take(",").is_none() {
                self.need_of("]", "{']', ','}")?;
                break;
            }
        }
        Ok(Expr::new(at, Kind::List(items)))
    }

    fn map(&mut self, at: usize) -> Parsed {
        let mut entries = Vec::new();
        while self.take("}").is_none() {
            if entries.is_empty() && self.take(",").is_some() {
                self.need("}")?;
                break;
            }
            if !entries.is_empty() && !self.starts(self.peek()) && !self.is("?") {
                self.need("}")?;
                break;
            }
            let optional = self.take("?").is_some();
            self.wanted = if entries.is_empty() && !optional { "'}' ',' '?'" } else { "" }.into();
            let key = self.choice()?;
            self.need(":")?;
            entries.push((optional, key, self.choice()?));
            if self.take(",").is_none() {
                self.need_of("}", "{'}', ','}")?;
                break;
            }
        }
        Ok(Expr::new(at, Kind::Map(entries)))
    }
}

/// The terms as one tree, with the place of the operator before the first of them.
fn balanced(mut terms: VecDeque<(usize, Expr)>, make: fn(Box<[Expr; 2]>) -> Kind) -> (usize, Option<Expr>) {
    if terms.len() <= 1 {
        return terms.pop_front().map_or((0, None), |(at, expr)| (at, Some(expr)));
    }
    let right = terms.split_off(terms.len().div_ceil(2));
    let (before, left) = balanced(terms, make);
    let (at, right) = balanced(right, make);
    (before, left.zip(right).map(|(left, right)| Expr::new(at, make(Box::new([left, right])))))
}

fn call(at: usize, function: &str, args: Vec<Expr>) -> Expr {
    Expr::new(at, Kind::Call { target: None, function: function.into(), args })
}

fn int(text: &str) -> Option<i64> {
    match text.strip_prefix("-0x").or_else(|| text.strip_prefix("-0X")) {
        Some(digits) => i64::from_str_radix(&format!("-{digits}"), 16).ok(),
        None => match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => i64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        },
    }
}

fn uint(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A call on something: a macro, when its name and the number of its arguments are one's.
fn expand(target: Expr, function: String, args: Vec<Expr>, at: usize) -> Parsed {
    let (what, names, bodies) = match (function.as_str(), args.len()) {
        ("all", 2) => (Loop::All, 1, 1),
        ("exists", 2) => (Loop::Exists, 1, 1),
        ("exists_one" | "existsOne", 2) => (Loop::ExistsOne, 1, 1),
        ("map", 2) => (Loop::Map, 1, 1),
        ("map", 3) => (Loop::Map, 1, 2),
        ("filter", 2) => (Loop::Filter, 1, 1),
        ("all", 3) => (Loop::All, 2, 1),
        ("exists", 3) => (Loop::Exists, 2, 1),
        ("existsOne" | "exists_one", 3) => (Loop::ExistsOne, 2, 1),
        ("transformList", 3) => (Loop::TransformList, 2, 1),
        ("transformList", 4) => (Loop::TransformList, 2, 2),
        ("transformMap", 3) => (Loop::TransformMap, 2, 1),
        ("transformMap", 4) => (Loop::TransformMap, 2, 2),
        ("transformMapEntry", 3) => (Loop::TransformMapEntry, 2, 1),
        ("transformMapEntry", 4) => (Loop::TransformMapEntry, 2, 2),
        ("optMap" | "optFlatMap", 2) => {
            let flat = function == "optFlatMap";
            let mut args = args.into_iter();
            let why = format!("{function}() variable name must be a simple identifier");
            let variable = args.next().map(|arg| variable(arg, &why)).transpose()?.unwrap_or_default();
            let body = Box::new(args.next().unwrap_or(Expr::new(at, Kind::Literal(Val::Null))));
            return Ok(Expr::new(at, Kind::OptMap { target: Box::new(target), variable, body, flat }));
        }
        _ => {
            let target = Some(Box::new(target));
            return Ok(Expr::new(at, Kind::Call { target, function, args }));
        }
    };
    let mut args = args.into_iter();
    let why = if ["map", "filter"].contains(&function.as_str()) { "argument is not an identifier" } else { SIMPLE };
    let mut variables: Vec<String> = Vec::with_capacity(names);
    for arg in args.by_ref().take(names) {
        let place = arg.at;
        let name = variable(arg, why)?;
        if variables.contains(&name) {
            return Err(Issue { at: place, text: format!("duplicate variable name: {name}") });
        }
        if name == "__result__" {
            return Err(Issue { at: place, text: "iteration variable overwrites accumulator variable".into() });
        }
        variables.push(name);
    }
    let body: Vec<Expr> = args.take(bodies).collect();
    Ok(Expr::new(at, Kind::Loop { range: Box::new(target), what, variables, body }))
}

fn bind([name, value, body]: [Expr; 3], at: usize) -> Parsed {
    let variable = variable(name, "cel.bind() variable names must be simple identifiers")?;
    Ok(Expr::new(at, Kind::Bind { variable, value: Box::new(value), body: Box::new(body) }))
}

const SIMPLE: &str = "argument must be a simple name";

fn variable(expr: Expr, why: &str) -> Result<String, Issue> {
    match expr.kind {
        Kind::Ident(name) => Ok(name),
        _ => Err(Issue { at: expr.at, text: why.into() }),
    }
}
