//! What is wrong with a text that is no YAML or JSON.

use std::fmt;

/// A text that cannot be read, in the words that kubectl prints after `error parsing FILE: `.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    context: &'static str,
    reason: String,
    /// The line of the fault in the whole text, counted from 1; 0 when it is not known.
    pub line: usize,
    /// The document that has the fault, counted from 0.
    pub document: usize,
}

impl ReadError {
    pub(super) fn new(context: &'static str, reason: String, line: usize) -> Self {
        Self { context, reason, line, document: 0 }
    }

    /// The reason alone, such as `yaml: line 4: did not find expected key`, without what was being done.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.context)?;
        f.write_str(&self.reason)
    }
}

impl std::error::Error for ReadError {}

/// A fault that the scanner or the parser found.
#[derive(Debug)]
pub(super) struct Fault {
    pub problem: String,
    /// The line where it is, counted from 0.
    pub line: usize,
    /// The line that the message names; 0 for none. The reference counts the scanner's from 1 and the parser's from 0.
    pub shown: usize,
}

impl Fault {
    /// The scanner cannot go on at `line`.
    pub fn scanner(problem: impl Into<String>, line: usize) -> Self {
        Self { problem: problem.into(), line, shown: if line == 0 { 0 } else { line + 1 } }
    }

    /// The parser does not expect the token that starts at `line`.
    pub fn parser(problem: impl Into<String>, line: usize) -> Self {
        Self { problem: problem.into(), line, shown: line }
    }

    /// The input cannot be read at all, or its values make no sense.
    pub fn value(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), line: 0, shown: 0 }
    }
}

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> Self {
        let place = if fault.shown == 0 { String::new() } else { format!("line {}: ", fault.shown) };
        let line = if fault.shown == 0 && fault.line == 0 { 0 } else { fault.line + 1 };
        Self::new(CONVERTING, format!("yaml: {place}{}", fault.problem), line)
    }
}

/// What every fault in a YAML document is announced with.
pub(super) const CONVERTING: &str = "error converting YAML to JSON: ";
