//! `-o json`: four spaces, keys in order, one object after the other.

use super::{PrintError, Printer, omit_managed_fields, require_kind, typed, typed_list_of};
use crate::api::{Value, json};
use serde_json::json;
use std::io::Write;

/// Prints JSON.
#[derive(Debug)]
pub struct JsonPrinter {
    show_managed_fields: bool,
    typed: bool,
    items: usize,
}

impl JsonPrinter {
    /// A printer that leaves `metadata.managedFields` out unless they are asked for.
    pub fn new(show_managed_fields: bool) -> Self {
        Self { show_managed_fields, typed: false, items: 0 }
    }

    /// A printer whose objects' fields come in the order of their Go types, where those are known.
    pub fn typed(self, typed: bool) -> Self {
        Self { typed, ..self }
    }
}

impl Printer for JsonPrinter {
    fn object(&mut self, mut object: Value, mut out: &mut dyn Write) -> Result<(), PrintError> {
        require_kind(&object)?;
        if !self.show_managed_fields {
            omit_managed_fields(&mut object);
        }
        if self.typed {
            return Ok(typed::write_pretty(&object, out)?);
        }
        json::write_pretty(&object, 0, &mut out)?;
        Ok(out.write_all(b"\n")?)
    }

    fn typed_list(&mut self, items: Vec<Value>, out: &mut dyn Write) -> Result<(), PrintError> {
        let mut list = typed_list_of(items);
        if !self.show_managed_fields {
            omit_managed_fields(&mut list);
        }
        Ok(typed::write_pretty(&list, out)?)
    }

    fn event(&mut self, event: &str, object: Value, mut out: &mut dyn Write) -> Result<(), PrintError> {
        out.write_all(b"{\"type\":")?;
        json::write(&json!(event), &mut out)?;
        out.write_all(b",\"object\":")?;
        json::write(&object, &mut out)?;
        Ok(out.write_all(b"}\n")?)
    }

    fn shows_managed_fields(&self) -> bool {
        self.show_managed_fields
    }

    fn list_start(&mut self, out: &mut dyn Write) -> Result<(), PrintError> {
        self.items = 0;
        Ok(out.write_all(b"{\n    \"apiVersion\": \"v1\",\n    \"items\": [")?)
    }

    fn list_item(&mut self, mut item: Value, mut out: &mut dyn Write) -> Result<(), PrintError> {
        if !self.show_managed_fields {
            omit_managed_fields(&mut item);
        }
        out.write_all(if self.items == 0 { b"\n        " } else { b",\n        " })?;
        self.items += 1;
        Ok(json::write_pretty(&item, 2, &mut out)?)
    }

    fn list_end(&mut self, out: &mut dyn Write) -> Result<(), PrintError> {
        let close: &[u8] = if self.items == 0 { b"]" } else { b"\n    ]" };
        out.write_all(close)?;
        Ok(out.write_all(
            b",\n    \"kind\": \"List\",\n    \"metadata\": {\n        \"resourceVersion\": \"\"\n    }\n}\n",
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::list_of;

    fn object(name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": name, "managedFields": [{}]}})
    }

    #[test]
    fn objects_follow_each_other() {
        for (show, name) in [
            (false, "{\n        \"name\": \"a<\"\n    }"),
            (true, "{\n        \"managedFields\": [\n            {}\n        ],\n        \"name\": \"a<\"\n    }"),
        ] {
            let mut out = Vec::new();
            let mut printer = JsonPrinter::new(show);
            printer.object(object("a<"), &mut out).unwrap();
            printer.object(object("a<"), &mut out).unwrap();
            let one = format!("{{\n    \"apiVersion\": \"v1\",\n    \"kind\": \"X\",\n    \"metadata\": {name}\n}}\n");
            assert_eq!(String::from_utf8(out).unwrap(), one.repeat(2).replace('<', "\\u003c"));
        }
    }

    #[test]
    fn a_list_written_by_items_is_the_list_written_at_once() {
        for count in 0..3 {
            let items: Vec<Value> = (0..count).map(|n| object(&n.to_string())).collect();
            let (mut by_items, mut at_once) = (Vec::new(), Vec::new());
            JsonPrinter::new(false).list(items.clone(), &mut by_items).unwrap();
            JsonPrinter::new(false).object(list_of(items), &mut at_once).unwrap();
            assert_eq!(String::from_utf8(by_items).unwrap(), String::from_utf8(at_once).unwrap());
        }
    }

    #[test]
    fn events_are_one_line_and_keep_managed_fields() {
        let mut out = Vec::new();
        JsonPrinter::new(false).event("ADDED", object("a"), &mut out).unwrap();
        let want =
            r#"{"type":"ADDED","object":{"apiVersion":"v1","kind":"X","metadata":{"managedFields":[{}],"name":"a"}}}"#;
        assert_eq!(String::from_utf8(out).unwrap(), format!("{want}\n"));
    }

    #[test]
    fn an_object_must_say_what_it_is() {
        assert!(JsonPrinter::new(false).object(json!({"a": 1}), &mut Vec::new()).is_err());
    }
}
