//! From words to trees, by descent. Macros become what they stand for here.

use super::Issue;
use super::lex::{Token, Word, words};
use super::syntax::{Expr, Field, Kind, Loop};
use super::value::Val;
use std::collections::VecDeque;

/// How deep expressions may be nested.
const DEEPEST: usize = 100;
/// How deep the tree may be that comes of one.
const DEEPEST_TREE: usize = 250;

const RESERVED: [&str; 18] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "namespace",
    "package",
    "return",
    "struct",
    "var",
    "void",
    "while",
];

/// Reads an expression; `binds` says whether it may give names to values with `cel.bind`.
pub fn parse(text: &str, binds: bool) -> Result<Expr, Vec<Issue>> {
    let mut parser = Parser { tokens: words(text)?, next: 0, depth: 0, binds };
    let expr = parser.choice().map_err(|issue| vec![issue])?;
    match parser.peek() {
        Word::End => Ok(expr),
        other => {
            // One thing too many is told from many.
            let is_last = parser.tokens.get(parser.next + 1).is_none_or(|token| matches!(token.kind, Word::End));
            let how = if is_last { "extraneous" } else { "mismatched" };
            let text = format!("Syntax error: {how} input '{}' expecting <EOF>", other.shown());
            Err(vec![Issue { at: parser.at(), text }])
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    binds: bool,
}

type Parsed = Result<Expr, Issue>;

impl Parser {
    fn peek(&self) -> &Word {
        &self.tokens[self.next.min(self.tokens.len() - 1)].kind
    }

    fn at(&self) -> usize {
        self.tokens[self.next.min(self.tokens.len() - 1)].at
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), Word::Sign(found) if *found == sign)
    }

    /// Takes a sign, if it is next, and gives its place.
    fn take(&mut self, sign: &str) -> Option<usize> {
        let at = self.at();
        self.is(sign).then(|| {
            self.next += 1;
            at
        })
    }

    fn need(&mut self, sign: &str) -> Result<usize, Issue> {
        self.take(sign).ok_or_else(|| self.unexpected(&format!("'{sign}'")))
    }

    fn unexpected(&self, wanted: &str) -> Issue {
        let text = format!("Syntax error: mismatched input '{}' expecting {wanted}", self.peek().shown());
        Issue { at: self.at(), text }
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
                    self.next += 1;
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
                let field = self.name()?;
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
            let name = self.name()?;
            let at = self.need(":")?;
            fields.push(Field { at, optional, name, value: self.choice()? });
            if self.take(",").is_none() {
                self.need("}")?;
                break;
            }
        }
        Ok(Expr::new(at, Kind::Struct { name, fields }))
    }

    fn name(&mut self) -> Result<String, Issue> {
        match self.peek().clone() {
            Word::Ident(name) => {
                self.next += 1;
                Ok(name)
            }
            Word::Sign("in") => Err(self.unexpected("IDENTIFIER")),
            _ => Err(self.unexpected("IDENTIFIER")),
        }
    }

    fn arguments(&mut self, end: &str) -> Result<Vec<Expr>, Issue> {
        let mut args = Vec::new();
        while self.take(end).is_none() {
            args.push(self.choice()?);
            if self.take(",").is_none() {
                self.need(end)?;
                break;
            }
        }
        Ok(args)
    }

    fn primary(&mut self) -> Parsed {
        let at = self.at();
        let literal = |value: Val| Expr::new(at, Kind::Literal(value));
        let word = self.peek().clone();
        let wrong = |what: &str| Issue { at, text: format!("invalid {what} literal") };
        let expr = match word {
            Word::Int(text) => literal(Val::Int(int(&text).ok_or_else(|| wrong("int"))?)),
            Word::Uint(text) => literal(Val::Uint(uint(&text).ok_or_else(|| wrong("uint"))?)),
            Word::Float(text) => literal(Val::Double(text.parse().map_err(|_| wrong("double"))?)),
            Word::Text(text) => literal(Val::String(text.into())),
            Word::Bytes(bytes) => literal(Val::Bytes(bytes.into())),
            Word::Ident(name) => {
                self.next += 1;
                return self.ident(at, name);
            }
            Word::Sign("(") => {
                self.next += 1;
                let inner = self.choice()?;
                self.need(")")?;
                return Ok(inner);
            }
            Word::Sign("[") => {
                self.next += 1;
                return self.list(at);
            }
            Word::Sign("{") => {
                self.next += 1;
                return self.map(at);
            }
            Word::Sign(".") => {
                self.next += 1;
                let at = self.at();
                let name = self.name()?;
                return self.ident(at, name);
            }
            _ => {
                let wanted = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, \
                              STRING, BYTES, IDENTIFIER}";
                return Err(self.unexpected(wanted));
            }
        };
        self.next += 1;
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
        if RESERVED.contains(&name.as_str()) {
            return Err(Issue { at, text: format!("reserved identifier: {name}") });
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
            let optional = self.take("?").is_some();
            items.push((optional, self.choice()?));
            if self.take(",").is_none() {
                self.need("]")?;
                break;
            }
        }
        Ok(Expr::new(at, Kind::List(items)))
    }

    fn map(&mut self, at: usize) -> Parsed {
        let mut entries = Vec::new();
        while self.take("}").is_none() {
            let optional = self.take("?").is_some();
            let key = self.choice()?;
            self.need(":")?;
            entries.push((optional, key, self.choice()?));
            if self.take(",").is_none() {
                self.need("}")?;
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
