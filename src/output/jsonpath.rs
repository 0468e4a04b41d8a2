//! `-o jsonpath=`, `jsonpath-file=` and `jsonpath-as-json=`.

use super::by_items::{self, ByItems};
use super::{PrintError, Printer, list_of};
use crate::api::Value;
use crate::expr::jsonpath::{self, JsonPath, ParseError, Part};
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
    /// Whether items are kept, and printed together.
    whole: bool,
    parts: Option<ByItems<Part>>,
}

impl JsonPathPrinter {
    /// Reads a template.
    ///
    /// # Errors
    /// When it is no template.
    pub fn new(template: &str, as_json: bool, allow_missing: bool) -> Result<Self, ParseError> {
        let path = JsonPath::parse(template)?;
        Ok(Self {
            path,
            template: template.into(),
            as_json,
            allow_missing,
            items: Vec::new(),
            whole: as_json,
            parts: None,
        })
    }
}

impl Printer for JsonPathPrinter {
    fn object(&mut self, object: Value, out: &mut dyn Write) -> Result<(), PrintError> {
        let printed = if self.as_json {
            self.path.print_json(&object, out, self.allow_missing)
        } else {
            self.path.print(&object, out, self.allow_missing)
        };
        printed.map_err(|error| explained(error, &self.template, object))
    }

    fn keep_items(&mut self) {
        self.whole = true;
    }

    fn list_start(&mut self, _: &mut dyn Write) -> Result<(), PrintError> {
        let parts = if self.whole { None } else { self.path.by_items() };
        self.parts = parts.map(|parts| {
            let part = |part: Part| if part.of_items { by_items::Part::Each(part) } else { by_items::Part::Once(part) };
            ByItems::new(parts.into_iter().map(part).collect())
        });
        Ok(())
    }

    fn list_item(&mut self, item: Value, out: &mut dyn Write) -> Result<(), PrintError> {
        let Some(parts) = &mut self.parts else {
            self.items.push(item);
            return Ok(());
        };
        let make = |part: &mut Part, list: &Value, out: &mut Vec<u8>| {
            part.print(list, out, self.allow_missing).map_err(|error| explained(error, &self.template, list.clone()))
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

fn explained(error: jsonpath::PrintError, template: &str, object: Value) -> PrintError {
    match error {
        jsonpath::PrintError::Io(error) => PrintError::Io(error),
        jsonpath::PrintError::Eval(error) => {
            PrintError::JsonPath { template: template.into(), error: error.to_string(), object: Box::new(object) }
        }
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
    fn items_are_not_kept_where_a_template_does_not_need_them() {
        let items = |count: usize| (0..count).map(|n| json!({"a": n, "l": [n]}));
        for (template, count, want) in [
            ("{.kind}{range .items[*]} {.a}{end}", 2, Some("List 0 1")),
            ("{.items[*].a}", 3, Some("0 1 2")),
            // What fails with one item may not fail with all, or shows them all.
            ("{.items[*].l[1]}", 2, None),
            ("{.kind}{.items[*].a}", 0, Some("List")),
        ] {
            let (mut out, mut printer) = (Vec::new(), JsonPathPrinter::new(template, false, true).unwrap());
            printer.list_start(&mut out).unwrap();
            items(count).for_each(|item| printer.list_item(item, &mut out).unwrap());
            assert!(printer.items.is_empty());
            match (printer.list_end(&mut out), want) {
                (Ok(()), Some(want)) => assert_eq!(String::from_utf8(out).unwrap(), want),
                (Err(PrintError::Whole), None) => assert_eq!(out, b""),
                (other, _) => panic!("{template}: {other:?}"),
            }
        }
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
