//! Go templates (text/template) over JSON values: `{{range .items}}{{.metadata.name}}{{"\n"}}{{end}}`.
//!
//! Values have no methods, so a field of anything but a map is an error. Complex numbers are not there, and templates
//! may not use each other as deep as in Go.

mod by_items;
mod exec;
mod functions;
mod lex;
mod node;
mod parse;
mod pipeline;
mod printf;
#[cfg(test)]
mod tests;
mod value;

use crate::api::Value;
pub use exec::ExecError;
pub use parse::ParseError;
use std::io::Write;

/// The name of the template in errors: what kubectl calls it.
const NAME: &str = "output";

/// A template that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct GoTemplate {
    text: String,
    templates: parse::Templates,
}

impl GoTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// In Go's words, such as `template: output:1: unclosed action`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Ok(Self { text: text.into(), templates: parse::templates(NAME, text)? })
    }

    /// Writes what the template makes of a value. Where a field is missing, `<no value>` is written, or it is an error.
    ///
    /// # Errors
    /// In Go's words. What came before the error is written.
    pub fn execute(&self, value: &Value, allow_missing: bool, out: &mut dyn Write) -> Result<(), ExecError> {
        exec::run(&self.templates, NAME, &self.text, value, !allow_missing, out)
    }
}
