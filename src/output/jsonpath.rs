//! `-o jsonpath=`, `jsonpath-file=` and `jsonpath-as-json=`.

use super::{PrintError, Printer, list_of};
use crate::api::Value;
use crate::expr::jsonpath::{self, JsonPath, ParseError};
use std::io::Write;

/// Prints what a JSONPath template makes of an object.
#[derive(Debug)]
pub struct JsonPathPrinter {
    path: JsonPath,
    template: String,
    /// Results as JSON lists, instead of text.
    as_json: bool,
    allow_missing: bool,
    items: Vec<Value>,
}

impl JsonPathPrinter {
    /// Reads a template.
    ///
    /// # Errors
    /// When it is no template.
    pub fn new(template: &str, as_json: bool, allow_missing: bool) -> Result<Self, ParseError> {
        let path = JsonPath::parse(template)?;
        Ok(Self { path, template: template.into(), as_json, allow_missing, items: Vec::new() })
    }
}

impl Printer for JsonPathPrinter {
    fn object(&mut self, object: Value, out: &mut dyn Write) -> Result<(), PrintError> {
        let printed = if self.as_json {
            self.path.print_json(&object, out, self.allow_missing)
        } else {
            self.path.print(&object, out, self.allow_missing)
        };
        printed.map_err(|error| match error {
            jsonpath::PrintError::Io(error) => PrintError::Io(error),
            jsonpath::PrintError::Eval(error) => PrintError::JsonPath {
                template: self.template.clone(),
                error: error.to_string(),
                object: Box::new(object),
            },
        })
    }

    fn list_start(&mut self, _: &mut dyn Write) -> Result<(), PrintError> {
        Ok(())
    }

    fn list_item(&mut self, item: Value, _: &mut dyn Write) -> Result<(), PrintError> {
        self.items.push(item);
        Ok(())
    }

    fn list_end(&mut self, out: &mut dyn Write) -> Result<(), PrintError> {
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
        let mut printer = JsonPathPrinter::new("{.kind} {.items[*].a} {.metadata}", false, true).unwrap();
        printer.list(vec![json!({"a": 1}), json!({"a": 2})], &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "List 1 2 {\"resourceVersion\":\"\"}");
    }

    #[test]
    fn errors_show_the_template_and_the_object() {
        let mut printer = JsonPathPrinter::new("{.nosuch}{\"x\"}", false, false).unwrap();
        let error = printer.object(json!({"a": "b"}), &mut Vec::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "error executing jsonpath \"{.nosuch}{\\\"x\\\"}\": Error executing template: nosuch is not found. \
             Printing more information for debugging the template:\n\ttemplate was:\n\t\t{.nosuch}{\"x\"}\n\
             \tobject given to jsonpath engine was:\n\t\tmap[string]interface {}{\"a\":\"b\"}\n\n\n"
        );
    }
}
