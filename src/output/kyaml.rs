//! `-o kyaml`: documents that each begin with `---`, in braces.

use super::{PrintError, Printer, event_of, omit_managed_fields, require_kind, typed};
use crate::api::{TypeRef, Value};
use crate::yaml::kyaml;
use std::io::Write;

/// Prints KYAML (KEP-5295).
#[derive(Debug)]
pub struct KyamlPrinter {
    show_managed_fields: bool,
    typed: bool,
    items: usize,
}

impl KyamlPrinter {
    /// A printer that leaves `metadata.managedFields` out unless they are asked for.
    pub fn new(show_managed_fields: bool) -> Self {
        Self { show_managed_fields, typed: false, items: 0 }
    }

    /// A printer whose objects' fields come in the order of their Go types, where those are known.
    pub fn typed(self, typed: bool) -> Self {
        Self { typed, ..self }
    }
}

fn document(object: &Value, ty: Option<TypeRef>, mut out: &mut dyn Write) -> Result<(), PrintError> {
    out.write_all(b"---\n")?;
    kyaml::write_typed(object, ty, &mut out)?;
    Ok(out.write_all(b"\n")?)
}

impl Printer for KyamlPrinter {
    fn object(&mut self, mut object: Value, out: &mut dyn Write) -> Result<(), PrintError> {
        require_kind(&object)?;
        if !self.show_managed_fields {
            omit_managed_fields(&mut object);
        }
        document(&object, if self.typed { typed::kind(&object) } else { None }, out)
    }

    fn event(&mut self, event: &str, object: Value, out: &mut dyn Write) -> Result<(), PrintError> {
        document(&event_of(event, object), None, out)
    }

    fn shows_managed_fields(&self) -> bool {
        self.show_managed_fields
    }

    fn list_start(&mut self, out: &mut dyn Write) -> Result<(), PrintError> {
        self.items = 0;
        Ok(out.write_all(b"---\n{\n  apiVersion: \"v1\",\n  items: [")?)
    }

    fn list_item(&mut self, mut item: Value, mut out: &mut dyn Write) -> Result<(), PrintError> {
        if !self.show_managed_fields {
            omit_managed_fields(&mut item);
        }
        if self.items > 0 {
            out.write_all(b", ")?;
        }
        self.items += 1;
        Ok(kyaml::write_level(&item, 1, &mut out)?)
    }

    fn list_end(&mut self, out: &mut dyn Write) -> Result<(), PrintError> {
        Ok(out.write_all(b"],\n  kind: \"List\",\n  metadata: {\n    resourceVersion: \"\",\n  },\n}\n")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::list_of;
    use serde_json::json;

    #[test]
    fn a_list_written_by_items_is_the_list_written_at_once() {
        for count in 0..3 {
            let object = |name: usize| {
                json!({"apiVersion": "v1", "kind": "X", "l": [[1, {}], "a\nb"],
                    "metadata": {"name": name.to_string(), "managedFields": [{}]}})
            };
            let items: Vec<Value> = (0..count).map(object).collect();
            let (mut by_items, mut at_once) = (Vec::new(), Vec::new());
            KyamlPrinter::new(false).list(items.clone(), &mut by_items).unwrap();
            KyamlPrinter::new(false).object(list_of(items), &mut at_once).unwrap();
            assert_eq!(String::from_utf8(by_items).unwrap(), String::from_utf8(at_once).unwrap());
        }
    }
}
