//! CEL, the Common Expression Language, with the libraries that Kubernetes adds to it: rules of custom resources, and
//! policies.
//!
//! A text is parsed, checked against the types of its variables, and can then be evaluated as often as wanted. What is
//! wrong with it is said as cel-go says it, with the place.

pub mod access;
mod call_cost;
mod check;
mod cost;
mod eval;
mod functions;
mod lex;
mod operators;
mod parse;
mod patterns;
mod signatures;
mod syntax;
mod tree;
mod types;
mod unify;
mod value;

pub use eval::Variables;
pub use types::{Fields, Type};
pub use value::{Key, Late, List, ListKind, Made, Map, Val};

/// Words that have a meaning or are kept for one: what is called so can be no name.
pub const WORDS: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
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
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

use std::fmt::Write;
use syntax::Expr;

/// How many characters a text may have.
const LONGEST: usize = 100_000;
/// How many issues are told.
const MOST_ISSUES: usize = 100;
/// The longest line that is shown.
const LONGEST_LINE: usize = 16_384;

/// An expression that can be evaluated.
#[derive(Debug)]
pub struct Program {
    expr: Expr,
    /// The type of what it gives.
    pub result: Type,
    names: Vec<String>,
}

/// Something that is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Where, in characters from the start.
    pub at: usize,
    /// What.
    pub text: String,
}

impl Program {
    /// Compiles a text whose variables have these types.
    ///
    /// # Errors
    /// All that is wrong with it, in cel-go's words and layout.
    pub fn compile(text: &str, variables: &[(&str, Type)]) -> Result<Self, String> {
        Ok(Self::estimate(text, variables, &|_| None)?.0)
    }

    /// Compiles a text too, and estimates what it costs at most. `size_at` knows how large what lies at a path may be:
    /// a variable or the name of a type, and below it the names of fields, `@items`, `@keys` and `@values`.
    ///
    /// # Errors
    /// As for `compile`.
    pub fn estimate(
        text: &str,
        variables: &[(&str, Type)],
        size_at: &dyn Fn(&[String]) -> Option<u64>,
    ) -> Result<(Self, u64), String> {
        Self::read(text, variables, size_at, false)
    }

    /// The same for a text that may give names to values with `cel.bind`.
    ///
    /// # Errors
    /// As for `compile`.
    pub fn estimate_with_bindings(
        text: &str,
        variables: &[(&str, Type)],
        size_at: &dyn Fn(&[String]) -> Option<u64>,
    ) -> Result<(Self, u64), String> {
        Self::read(text, variables, size_at, true)
    }

    fn read(
        text: &str,
        variables: &[(&str, Type)],
        size_at: &dyn Fn(&[String]) -> Option<u64>,
        binds: bool,
    ) -> Result<(Self, u64), String> {
        let length = text.chars().count();
        if length > LONGEST {
            return Err(format!(
                "ERROR: <input>:-1:0: expression code point size exceeds limit: size: {length}, limit {LONGEST}"
            ));
        }
        let expr = parse::parse(text, binds).map_err(|issues| shown(text, issues))?;
        let (node, count) = tree::expand(&expr);
        let checked = check::check(&node, count, variables).map_err(|issues| shown(text, issues))?;
        let cost = cost::estimate(&node, &checked, size_at).max;
        let result = checked.types[node.id].clone();
        Ok((Self { expr, result, names: checked.names }, cost))
    }

    /// Whether it speaks of a variable.
    pub fn uses(&self, name: &str) -> bool {
        self.names.iter().any(|used| used == name)
    }

    /// Evaluates the expression. `budget` is how many steps it may take, and what is left of them after.
    ///
    /// # Errors
    /// In cel-go's words: `no such key: x`, `division by zero`, ...
    pub fn eval(&self, variables: &Variables, budget: &mut u64) -> Result<Val, Failure> {
        eval::run(&self.expr, variables, budget)
    }
}

/// Why an expression gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It took too many steps.
    #[error("operation cancelled: actual cost limit exceeded")]
    TooMuch,
    /// Something is wrong with the values.
    #[error("{0}")]
    Wrong(String),
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::Wrong(text.into())
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Wrong(text)
    }
}

/// Issues as cel-go shows them: line and column, and the line with a mark below.
fn shown(text: &str, mut issues: Vec<Issue>) -> String {
    // Lines and columns grow with the place.
    issues.sort_by_key(|issue| issue.at);
    let mut out = String::new();
    for issue in issues.iter().take(MOST_ISSUES) {
        if text.is_empty() {
            // There is no line to show.
            let _ = write!(out, "ERROR: <input>:1:0: {}", issue.text);
            continue;
        }
        let before: String = text.chars().take(issue.at).collect();
        let line = before.matches('\n').count();
        let column = before.chars().rev().take_while(|c| *c != '\n').count();
        let source = text.split('\n').nth(line).unwrap_or("").replace('\t', " ");
        if !out.is_empty() {
            out.push('\n');
        }
        // Writing to a String cannot fail.
        let _ = write!(out, "ERROR: <input>:{}:{}: {}", line + 1, column + 1, issue.text);
        if source.len() <= LONGEST_LINE {
            let wide = |c: char| c.len_utf8() > 1;
            let dots: String = source.chars().take(column).map(|c| if wide(c) { '\u{ff0e}' } else { '.' }).collect();
            let mark = if source.chars().nth(column).is_some_and(wide) { '\u{ff3e}' } else { '^' };
            let _ = write!(out, "\n | {source}\n | {dots}{mark}");
        }
    }
    if issues.len() > MOST_ISSUES {
        let _ = write!(out, "\n{} more errors were truncated", issues.len() - MOST_ISSUES);
    }
    out
}

#[cfg(test)]
mod tests;
