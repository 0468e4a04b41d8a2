//! `-o yaml`: documents with `---` between them.

use super::{PrintError, Printer, event_of, omit_managed_fields, require_kind};
use crate::api::Value;
use crate::yaml;
use std::io::Write;

/// Prints YAML.
#[derive(Debug)]
pub struct YamlPrinter {
    show_managed_fields: bool,
    documents: usize,
    items: usize,
}

impl YamlPrinter {
    /// A printer that leaves `metadata.managedFields` out unless they are asked for.
    pub fn new(show_managed_fields: bool) -> Self {
        Self { show_managed_fields, documents: 0, items: 0 }
    }

    fn document(&mut self, out: &mut dyn Write) -> Result<(), PrintError> {
        if self.documents > 0 {
            out.write_all(b"---\n")?;
        }
        self.documents += 1;
        Ok(())
    }
}

impl Printer for YamlPrinter {
    fn object(&mut self, mut object: Value, mut out: &mut dyn Write) -> Result<(), PrintError> {
        self.document(out)?;
        require_kind(&object)?;
        if !self.show_managed_fields {
            omit_managed_fields(&mut object);
        }
        Ok(yaml::write(&object, &mut out)?)
    }

    fn event(&mut self, event: &str, object: Value, mut out: &mut dyn Write) -> Result<(), PrintError> {
        self.document(out)?;
        Ok(yaml::write(&event_of(event, object), &mut out)?)
    }

    fn shows_managed_fields(&self) -> bool {
        self.show_managed_fields
    }

    fn list_start(&mut self, out: &mut dyn Write) -> Result<(), PrintError> {
        self.document(out)?;
        self.items = 0;
        Ok(out.write_all(b"apiVersion: v1\n")?)
    }

    fn list_item(&mut self, mut item: Value, mut out: &mut dyn Write) -> Result<(), PrintError> {
        if !self.show_managed_fields {
            omit_managed_fields(&mut item);
        }
        if self.items == 0 {
            out.write_all(b"items:\n")?;
        }
        self.items += 1;
        // Items stand as deep as their key, so one looks the same in a list of its own.
        Ok(yaml::write(&Value::Array(vec![item]), &mut out)?)
    }

    fn list_end(&mut self, out: &mut dyn Write) -> Result<(), PrintError> {
        if self.items == 0 {
            out.write_all(b"items: []\n")?;
        }
        Ok(out.write_all(b"kind: List\nmetadata:\n  resourceVersion: \"\"\n")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::list_of;
    use serde_json::json;

    fn object(name: &str) -> Value {
        let long = "word ".repeat(30);
        json!({"apiVersion": "v1", "kind": "X", "data": {"long": long, "lines": "a\n\n b\n"},
            "metadata": {"name": name, "managedFields": [{}]}})
    }

    #[test]
    fn documents_are_parted() {
        let mut out = Vec::new();
        let mut printer = YamlPrinter::new(false);
        for name in ["a", "b"] {
            printer.object(json!({"kind": "X", "metadata": {"name": name, "managedFields": []}}), &mut out).unwrap();
        }
        printer.event("ADDED", json!({"a": 1}), &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "kind: X\nmetadata:\n  name: a\n---\nkind: X\nmetadata:\n  name: b\n---\nobject:\n  a: 1\ntype: ADDED\n"
        );
    }

    #[test]
    fn a_list_written_by_items_is_the_list_written_at_once() {
        for count in 0..3 {
            let items: Vec<Value> = (0..count).map(|n| object(&n.to_string())).collect();
            let (mut by_items, mut at_once) = (Vec::new(), Vec::new());
            YamlPrinter::new(false).list(items.clone(), &mut by_items).unwrap();
            YamlPrinter::new(false).object(list_of(items), &mut at_once).unwrap();
            assert_eq!(String::from_utf8(by_items).unwrap(), String::from_utf8(at_once).unwrap());
        }
    }
}
