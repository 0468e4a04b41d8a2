//! kubectl's JSONPath templates: text with actions in braces, such as `{range .items[*]}{.metadata.name}{"\n"}{end}`.
//!
//! The dialect (kubernetes.io/docs/reference/kubectl/jsonpath) has fields, `..`, `*`, indexes, slices, unions, filters
//! with one comparison, literals, and `range` and `end`. What a template means where the documentation is silent is
//! what kubectl does: a filter has one comparison, an index past the end is an error, and a missing field is not.

mod by_items;
mod eval;
mod parse;
#[cfg(test)]
mod tests;

use super::go_value::Plain;
use crate::api::{Value, json};
pub use by_items::Part;
pub use eval::EvalError;
pub use parse::ParseError;
use std::io::{self, Write};

#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// Text outside of braces, or in quotes: a string.
    Text(Value),
    /// A number or a boolean: as often as there are values.
    Literal(Value),
    /// One action.
    List(Vec<Node>),
    Field(String),
    Wildcard,
    Recursive,
    Slice(Slice),
    Union(Vec<Vec<Node>>),
    Exists(Vec<Node>),
    Filter {
        left: Vec<Node>,
        operator: String,
        right: Vec<Node>,
    },
    Range,
    End,
    /// A word that means nothing, which is an error only when it is met.
    Unknown(String),
}

/// `[start:end:step]`, or one index.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Slice {
    start: Option<i64>,
    end: Bound,
    step: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    /// Up to the last item.
    Open,
    At(i64),
    /// Only this one item.
    Next(i64),
}

/// A template that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath {
    nodes: Vec<Node>,
}

/// A part of a path that is no field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoField;

/// A failure to print a value by a template.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// The template does not fit the value.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// The writer failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl JsonPath {
    /// Reads a template.
    ///
    /// # Errors
    /// In kubectl's words, such as `unclosed action`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Ok(Self { nodes: parse::template(text)? })
    }

    /// Reads a path as custom columns and `--sort-by` take it: braces and the first dot may be missing.
    ///
    /// # Errors
    /// In kubectl's words.
    pub fn parse_relaxed(text: &str) -> Result<Self, ParseError> {
        Self::parse(&relax(text)?)
    }

    /// The parts of a path that is one action: the names of its fields, and where it has something else.
    ///
    /// # Errors
    /// When there is no such path, or more than one.
    pub fn fields(&self) -> Result<Vec<Result<&str, NoField>>, ParseError> {
        let [Node::List(nodes)] = self.nodes.as_slice() else {
            return Err(ParseError("must pass in 1 jsonpath string".into()));
        };
        let parts = nodes.iter().map(|node| match node {
            Node::Field(name) => Ok(name.as_str()),
            _ => Err(NoField),
        });
        Ok(parts.collect())
    }

    /// What each piece of text and each action of the template yields, in order; the actions of a range once for each
    /// of its values.
    ///
    /// # Errors
    /// In kubectl's words, such as `x is not found` where missing fields are not allowed.
    pub fn find<'a>(&'a self, value: &'a Value, allow_missing: bool) -> Result<Vec<Vec<&'a Value>>, EvalError> {
        eval::Walk::new(&self.nodes, allow_missing).run(value)
    }

    /// Prints what the template yields: results of one action with blanks between, strings bare, maps and lists as
    /// JSON.
    ///
    /// # Errors
    /// Those of [`JsonPath::find`], before anything is written, and the writer's.
    pub fn print(&self, value: &Value, out: &mut dyn Write, allow_missing: bool) -> Result<(), PrintError> {
        for found in self.find(value, allow_missing)? {
            for (index, value) in found.into_iter().enumerate() {
                if index > 0 {
                    out.write_all(b" ")?;
                }
                print(value, out)?;
            }
        }
        Ok(())
    }

    /// Prints the results of each action as one indented JSON list.
    ///
    /// # Errors
    /// As of [`JsonPath::print`].
    pub fn print_json(&self, value: &Value, out: &mut dyn Write, allow_missing: bool) -> Result<(), PrintError> {
        for found in self.find(value, allow_missing)? {
            let list = Value::Array(found.into_iter().cloned().collect());
            out.write_all(json::to_string_pretty(&list).as_bytes())?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}

fn print(value: &Value, out: &mut dyn Write) -> io::Result<()> {
    match value {
        Value::String(text) => out.write_all(text.as_bytes()),
        Value::Null => out.write_all(b"null"),
        Value::Array(_) | Value::Object(_) => out.write_all(json::to_string(value).as_bytes()),
        other => write!(out, "{}", Plain(other)),
    }
}

/// A path with braces and a dot in front: `metadata.name`, `.metadata.name`, `{metadata.name}` and `{.metadata.name}`
/// are all `{.metadata.name}`.
///
/// # Errors
/// When there are other braces in it.
pub fn relax(path: &str) -> Result<String, ParseError> {
    if path.is_empty() {
        return Ok(String::new());
    }
    let inside = path.strip_prefix('{').and_then(|path| path.strip_suffix('}')).unwrap_or(path);
    let field = match inside.strip_prefix('.') {
        Some("") | None => inside,
        Some(field) => field,
    };
    if field.is_empty() || field.contains(['{', '}']) {
        return Err(ParseError(
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'"
                .into(),
        ));
    }
    Ok(format!("{{.{field}}}"))
}
