//! `-o go-template=`, `go-template-file=` and their other names.

use super::by_items::{ByItems, Part};
use super::{PrintError, Printer, list_of};
use crate::api::{Value, json};
use crate::expr::go_value::{Plain, Quoted};
use crate::expr::gotemplate::{ExecError, GoTemplate, ParseError};
use std::io::Write;

/// Prints what a Go template makes of an object.
#[derive(Debug)]
pub struct GoTemplatePrinter {
    template: GoTemplate,
    text: String,
    allow_missing: bool,
    items: Vec<Value>,
    /// Whether items are kept, and printed together.
    whole: bool,
    parts: Option<ByItems<GoTemplate>>,
}

impl GoTemplatePrinter {
    /// Reads a template.
    ///
    /// # Errors
    /// When it is no template.
    pub fn new(text: &str, allow_missing: bool) -> Result<Self, ParseError> {
        Ok(Self {
            template: GoTemplate::parse(text)?,
            text: text.into(),
            allow_missing,
            items: Vec::new(),
            whole: false,
            parts: None,
        })
    }
}

impl Printer for GoTemplatePrinter {
    /// Writes what the template yields; when it does not fit, also why and the object, which kubectl writes there too.
    fn object(&mut self, object: Value, out: &mut dyn Write) -> Result<(), PrintError> {
        match self.template.execute(&object, self.allow_missing, out) {
            Ok(()) => Ok(()),
            Err(ExecError::Io(error)) => Err(error.into()),
            Err(ExecError::Template(error)) => {
                let (text, data) = (&self.text, json::to_string(&object));
                write!(
                    out,
                    "Error executing template: {error}. Printing more information for debugging the template:\n\
                     \ttemplate was:\n\t\t{text}\n\traw data was:\n\t\t{data}\n\
                     \tobject given to template engine was:\n\t\t{}\n\n",
                    Plain(&object)
                )?;
                Err(PrintError::Other(format!("error executing template {}: {error}", Quoted(text))))
            }
        }
    }

    fn keep_items(&mut self) {
        self.whole = true;
    }

    fn list_start(&mut self, _: &mut dyn Write) -> Result<(), PrintError> {
        let parts = if self.whole { None } else { self.template.by_items() };
        self.parts = parts.map(|parts| {
            let part = |(of_items, part)| if of_items { Part::Each(part) } else { Part::Once(part) };
            ByItems::new(parts.into_iter().map(part).collect())
        });
        Ok(())
    }

    fn list_item(&mut self, item: Value, out: &mut dyn Write) -> Result<(), PrintError> {
        let Some(parts) = &mut self.parts else {
            self.items.push(item);
            return Ok(());
        };
        let make = |part: &mut GoTemplate, list: &Value, out: &mut Vec<u8>| {
            part.execute(list, self.allow_missing, out).map_err(|error| PrintError::Other(error.to_string()))
        };
        Ok(parts.item(item, &make, out)?)
    }

    fn list_end(&mut self, out: &mut dyn Write) -> Result<(), PrintError> {
        if let Some(parts) = self.parts.as_mut().filter(|parts| !parts.is_empty()) {
            return parts.end(out);
        }
        let items = std::mem::take(&mut self.items);
        self.object(list_of(items), out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_is_one_object() {
        let mut out = Vec::new();
        let mut printer = GoTemplatePrinter::new("{{.kind}}{{range .items}} {{.a}}{{end}}", true).unwrap();
        printer.list(vec![json!({"a": 1}), json!({"a": 2})], &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "List 1 2");
    }

    #[test]
    fn errors_show_the_template_and_the_object() {
        let mut out = Vec::new();
        let mut printer = GoTemplatePrinter::new("{{.a}}{{.nosuch}}", false).unwrap();
        let error = printer.object(json!({"a": "<b>"}), &mut out).unwrap_err();
        let why = "template: output:1:8: executing \"output\" at <.nosuch>: map has no entry for key \"nosuch\"";
        assert_eq!(error.to_string(), format!("error executing template \"{{{{.a}}}}{{{{.nosuch}}}}\": {why}"));
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!(
                "<b>Error executing template: {why}. Printing more information for debugging the template:\n\
                 \ttemplate was:\n\t\t{{{{.a}}}}{{{{.nosuch}}}}\n\traw data was:\n\t\t{{\"a\":\"\\u003cb\\u003e\"}}\n\
                 \tobject given to template engine was:\n\t\tmap[a:<b>]\n\n"
            )
        );
    }
}
