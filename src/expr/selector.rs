//! Label and field selectors: read, matched, and written in their canonical form.
//!
//! The errors are those of Kubernetes' own parsers, because both servers and clients show them as they are.

use crate::api::names;
use std::fmt;

/// What is wrong with a selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SelectorError(pub String);

fn fail<T>(message: String) -> Result<T, SelectorError> {
    Err(SelectorError(message))
}

/// How a requirement compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `key in (a,b)`
    In,
    /// `key notin (a,b)`
    NotIn,
    /// `key=a`
    Equals,
    /// `key==a`
    DoubleEquals,
    /// `key!=a`
    NotEquals,
    /// `key`
    Exists,
    /// `!key`
    DoesNotExist,
    /// `key>1`
    GreaterThan,
    /// `key<1`
    LessThan,
}

/// One condition on a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// How it compares.
    pub operator: Operator,
    /// With what: sorted, each once.
    pub values: Vec<String>,
}

/// Conditions on labels, all of which must hold; sorted by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    /// The conditions.
    pub requirements: Vec<Requirement>,
}

impl LabelSelector {
    /// Whether everything matches.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether labels match; `label` gives the value of a key.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|requirement| requirement.matches(label(&requirement.key)))
    }
}

impl Requirement {
    fn matches(&self, label: Option<&str>) -> bool {
        let listed = |value: &str| self.values.iter().any(|v| v == value);
        let numbers = || Some((label?.parse::<i64>().ok()?, self.values.first()?.parse::<i64>().ok()?));
        match self.operator {
            Operator::In | Operator::Equals | Operator::DoubleEquals => label.is_some_and(listed),
            Operator::NotIn | Operator::NotEquals => !label.is_some_and(listed),
            Operator::Exists => label.is_some(),
            Operator::DoesNotExist => label.is_none(),
            Operator::GreaterThan => numbers().is_some_and(|(a, b)| a > b),
            Operator::LessThan => numbers().is_some_and(|(a, b)| a < b),
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, values) = (&self.key, self.values.join(","));
        match self.operator {
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::DoubleEquals => write!(f, "{key}=={values}"),
            Operator::NotEquals => write!(f, "{key}!={values}"),
            Operator::Exists => write!(f, "{key}"),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
        }
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, requirement) in self.requirements.iter().enumerate() {
            write!(f, "{}{requirement}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// An identifier, or the words `in` and `notin`, which are operators only between key and values.
    Word(String),
    /// `(`, `)`, `,`, `!`, `=`, `==`, `!=`, `<`, `>`
    Symbol(&'static str),
    End,
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Token::Word(text) => text,
            Token::Symbol(text) => text,
            Token::End => "",
        }
    }
}

const SYMBOLS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", "<", ">"];

fn tokens(text: &str) -> Vec<Token> {
    let mut rest = text.trim_start_matches(is_space);
    let mut tokens = Vec::new();
    while !rest.is_empty() {
        let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol));
        let length = match symbol {
            Some(symbol) => {
                tokens.push(Token::Symbol(symbol));
                symbol.len()
            }
            None => {
                let end = rest.find(|c| is_space(c) || "=!(),<>".contains(c)).unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..end].into()));
                end
            }
        };
        rest = rest[length..].trim_start_matches(is_space);
    }
    tokens
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Parser {
    fn next(&mut self) -> Token {
        self.tokens.next().unwrap_or(Token::End)
    }

    fn peek(&mut self) -> &Token {
        self.tokens.peek().unwrap_or(&Token::End)
    }

    fn requirements(&mut self) -> Result<Vec<Requirement>, SelectorError> {
        let mut requirements = Vec::new();
        loop {
            match self.peek() {
                Token::Word(_) | Token::Symbol("!") => {}
                Token::End => return Ok(requirements),
                Token::Symbol(other) => {
                    return fail(format!("found '{other}', expected: !, identifier, or 'end of string'"));
                }
            }
            match self.requirement() {
                Ok(requirement) => requirements.push(requirement),
                Err(error) => return fail(format!("unable to parse requirement: {error}")),
            }
            match self.next() {
                Token::End => return Ok(requirements),
                Token::Symbol(",") => match self.peek() {
                    Token::Word(_) | Token::Symbol("!") => {}
                    other => return fail(format!("found '{}', expected: identifier after ','", other.text())),
                },
                other => return fail(format!("found '{}', expected: ',' or 'end of string'", other.text())),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, SelectorError> {
        let mut token = self.next();
        let negated = token == Token::Symbol("!");
        if negated {
            token = self.next();
        }
        let Token::Word(key) = token else {
            return fail(format!("found '{}', expected: identifier", token.text()));
        };
        let complaints = names::qualified_name(&key);
        if !complaints.is_empty() {
            return fail(format!("<nil>: Invalid value: {key:?}: {}", complaints.join("; ")));
        }
        if negated {
            return Ok(Requirement { key, operator: Operator::DoesNotExist, values: Vec::new() });
        }
        if matches!(self.peek(), Token::End | Token::Symbol(",")) {
            return Ok(Requirement { key, operator: Operator::Exists, values: Vec::new() });
        }
        let operator = match self.next() {
            Token::Word(word) if word == "in" => Operator::In,
            Token::Word(word) if word == "notin" => Operator::NotIn,
            Token::Symbol("=") => Operator::Equals,
            Token::Symbol("==") => Operator::DoubleEquals,
            Token::Symbol("!=") => Operator::NotEquals,
            Token::Symbol(">") => Operator::GreaterThan,
            Token::Symbol("<") => Operator::LessThan,
            other => return fail(format!("found '{}', expected: in, notin, =, ==, !=, gt, lt", other.text())),
        };
        let mut values = match operator {
            Operator::In | Operator::NotIn => self.values()?,
            _ => vec![self.exact_value()?],
        };
        values.sort();
        values.dedup();
        check_values(&key, operator, &values)?;
        Ok(Requirement { key, operator, values })
    }

    fn exact_value(&mut self) -> Result<String, SelectorError> {
        if matches!(self.peek(), Token::End | Token::Symbol(",")) {
            return Ok(String::new());
        }
        match self.next() {
            Token::Word(value) => Ok(value),
            other => fail(format!("found '{}', expected: identifier", other.text())),
        }
    }

    fn values(&mut self) -> Result<Vec<String>, SelectorError> {
        match self.next() {
            Token::Symbol("(") => {}
            other => return fail(format!("found '{}' expected: '('", other.text())),
        }
        match self.peek() {
            Token::Word(_) | Token::Symbol("," | ")") => {}
            other => return fail(format!("found '{}', expected: ',', ')' or identifier", other.text())),
        }
        // A missing value between commas, or beside a parenthesis, is the empty one.
        let mut values = Vec::new();
        let mut value = None;
        loop {
            match self.next() {
                Token::Word(word) if value.is_none() => value = Some(word),
                Token::Symbol(",") => values.push(value.take().unwrap_or_default()),
                Token::Symbol(")") => {
                    values.push(value.take().unwrap_or_default());
                    return Ok(values);
                }
                other if value.is_some() => return fail(format!("found '{}', expected: ',' or ')'", other.text())),
                other => return fail(format!("found '{}', expected: ',', or identifier", other.text())),
            }
        }
    }
}

fn check_values(key: &str, operator: Operator, values: &[String]) -> Result<(), SelectorError> {
    let mut complaints = Vec::new();
    for (i, value) in values.iter().enumerate() {
        if matches!(operator, Operator::GreaterThan | Operator::LessThan) && value.parse::<i64>().is_err() {
            let why = "for 'Gt', 'Lt' operators, the value must be an integer";
            complaints.push(format!("values[{i}]: Invalid value: {value:?}: {why}"));
        }
    }
    for (i, value) in values.iter().enumerate() {
        let why = names::label_value(value);
        if !why.is_empty() {
            complaints.push(format!("values[{i}][{key}]: Invalid value: {value:?}: {}", why.join("; ")));
        }
    }
    match complaints.as_slice() {
        [] => Ok(()),
        [one] => fail(one.clone()),
        all => fail(format!("[{}]", all.join(", "))),
    }
}

/// Reads a label selector, such as `app=web,tier in (a,b),!old`.
pub fn parse_labels(text: &str) -> Result<LabelSelector, SelectorError> {
    let mut parser = Parser { tokens: tokens(text).into_iter().peekable() };
    let mut requirements = parser.requirements()?;
    requirements.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(LabelSelector { requirements })
}

/// One condition on a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldRequirement {
    /// The field's path, such as `status.phase`.
    pub field: String,
    /// Whether the field must be equal, or must not.
    pub equal: bool,
    /// To what.
    pub value: String,
}

/// Conditions on fields, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector {
    /// The conditions, as they were written.
    pub requirements: Vec<FieldRequirement>,
}

impl FieldSelector {
    /// Whether everything matches.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// The value that a field must have, when the selector says so.
    pub fn required(&self, field: &str) -> Option<&str> {
        self.requirements.iter().find(|r| r.equal && r.field == field).map(|r| r.value.as_str())
    }
}

impl fmt::Display for FieldSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, FieldRequirement { field, equal, value }) in self.requirements.iter().enumerate() {
            let value = value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=");
            let operator = if *equal { "=" } else { "!=" };
            write!(f, "{}{field}{operator}{value}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// Reads a field selector, such as `metadata.name=x,status.phase!=Running`. A backslash escapes `\`, `,` and `=`.
pub fn parse_fields(text: &str) -> Result<FieldSelector, SelectorError> {
    let mut requirements = Vec::new();
    for term in split_terms(text) {
        if term.is_empty() {
            continue;
        }
        let Some((field, operator, value)) = split_term(term) else {
            return fail(format!("invalid selector: '{text}'; can't understand '{term}'"));
        };
        let value = unescape(value)?;
        requirements.push(FieldRequirement { field: field.into(), equal: operator != "!=", value });
    }
    Ok(FieldSelector { requirements })
}

/// The places of a text's characters that no backslash escapes.
fn unescaped(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut escaped = false;
    text.char_indices().filter(move |(_, c)| {
        let plain = !escaped && *c != '\\';
        escaped = !escaped && *c == '\\';
        plain
    })
}

fn split_terms(text: &str) -> Vec<&str> {
    let mut start = 0;
    let mut terms = Vec::new();
    for (i, _) in unescaped(text).filter(|(_, c)| *c == ',') {
        terms.push(&text[start..i]);
        start = i + 1;
    }
    terms.push(&text[start..]);
    terms
}

fn split_term(term: &str) -> Option<(&str, &str, &str)> {
    unescaped(term).find_map(|(i, _)| {
        let operator = ["!=", "==", "="].into_iter().find(|operator| term[i..].starts_with(operator))?;
        Some((&term[..i], operator, &term[i + operator.len()..]))
    })
}

fn unescape(value: &str) -> Result<String, SelectorError> {
    let mut out = String::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c @ ('\\' | ',' | '=')) => out.push(c),
                Some(c) => return fail(format!("invalid field selector: invalid escape sequence: \\{c}")),
                None => return fail("invalid field selector: invalid escape sequence: \\".into()),
            },
            ',' | '=' => return fail(format!("invalid field selector: unescaped character in value: {c}")),
            c => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_and_written() {
        for (text, canonical) in [
            ("", ""),
            ("a", "a"),
            (" a = b ", "a=b"),
            ("b==c,a!=d", "a!=d,b==c"),
            ("a in (y,x,x), !b", "a in (x,y),!b"),
            ("a notin ()", "a notin ()"),
            ("a in (,)", "a in ()"),
            ("a in (x,,y)", "a in (,x,y)"),
            ("in in (in)", "in in (in)"),
            ("a=", "a="),
            ("n>3,m<2", "m<2,n>3"),
        ] {
            assert_eq!(parse_labels(text).unwrap().to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn label_errors_are_kubernetes() {
        for (text, message) in [
            ("a===b", "unable to parse requirement: found '=', expected: identifier"),
            ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
            ("a in b", "unable to parse requirement: found 'b' expected: '('"),
            ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
            ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
            (",", "found ',', expected: !, identifier, or 'end of string'"),
            ("a,", "found '', expected: identifier after ','"),
            ("a=b c", "found 'c', expected: ',' or 'end of string'"),
            ("!", "unable to parse requirement: found '', expected: identifier"),
            (
                "a>x",
                "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
            ),
        ] {
            assert_eq!(parse_labels(text).unwrap_err().to_string(), message, "{text}");
        }
        let key = parse_labels("a$").unwrap_err().to_string();
        assert!(key.starts_with("unable to parse requirement: <nil>: Invalid value: \"a$\": name part must"), "{key}");
    }

    #[test]
    fn labels_match() {
        let labels = |key: &str| [("a", "x"), ("n", "3")].into_iter().find(|(k, _)| *k == key).map(|(_, v)| v);
        for (text, matches) in [
            ("", true),
            ("a", true),
            ("a=x", true),
            ("a!=x", false),
            ("b!=x", true),
            ("!a", false),
            ("!b", true),
            ("a in (x,y),n>2", true),
            ("n<3", false),
            ("b notin (x)", true),
            ("a>1", false),
        ] {
            assert_eq!(parse_labels(text).unwrap().matches(labels), matches, "{text}");
        }
    }

    #[test]
    fn fields_are_read_and_written() {
        for (text, canonical) in
            [("", ""), ("a.b=c,,d!=e", "a.b=c,d!=e"), ("a==b", "a=b"), (r"a=b\,c\=d\\", r"a=b\,c\=d\\"), ("a=", "a=")]
        {
            assert_eq!(parse_fields(text).unwrap().to_string(), canonical, "{text}");
        }
        assert_eq!(parse_fields("a=b").unwrap().required("a"), Some("b"));
        for (text, message) in [
            ("a", "invalid selector: 'a'; can't understand 'a'"),
            ("a=b,c", "invalid selector: 'a=b,c'; can't understand 'c'"),
            (r"a=\x", r"invalid field selector: invalid escape sequence: \x"),
            ("a=b=c", "invalid field selector: unescaped character in value: ="),
        ] {
            assert_eq!(parse_fields(text).unwrap_err().to_string(), message, "{text}");
        }
    }
}
