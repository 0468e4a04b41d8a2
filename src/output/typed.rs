//! JSON of objects that kubectl holds as Go types: fields come in the order of the type, not of the alphabet.
//!
//! That is so for what commands such as `create deployment` make themselves.

use crate::api::{ObjectExt, TypeRef, Value, json};
use crate::schema;
use std::io::{self, Write};

/// One line of JSON, as Go's encoder writes it.
pub fn to_string(object: &Value) -> String {
    let mut out = Vec::new();
    let layout = Layout { indent: None };
    // Writing into memory does not fail.
    let _ = layout.value(object, kind(object), 0, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// JSON with four blanks for each level and a line feed at the end, as `-o json` prints it.
///
/// # Errors
/// Those of the writer.
pub fn write_pretty(object: &Value, out: &mut dyn Write) -> io::Result<()> {
    Layout { indent: Some("    ") }.value(object, kind(object), 0, out)?;
    out.write_all(b"\n")
}

/// The built-in type of an object.
pub fn kind(object: &Value) -> Option<TypeRef<'static>> {
    schema::builtin().kind(&object.group_version_kind())
}

/// The fields of `v1.List`, a Go type that no schema describes, in their order.
const LIST: [&str; 4] = ["kind", "apiVersion", "metadata", "items"];

/// Whether a value is a list of any objects, which commands make to print several as one. Its items have no Go type.
fn is_list(object: &Value) -> bool {
    object.kind() == "List" && object.api_version() == "v1"
}

struct Layout {
    indent: Option<&'static str>,
}

impl Layout {
    fn value(&self, value: &Value, ty: Option<TypeRef>, level: usize, out: &mut dyn Write) -> io::Result<()> {
        match value {
            Value::Object(map) if !map.is_empty() => {
                let entries = match ty {
                    Some(ty) => ty.in_order(map),
                    None if level == 0 && is_list(value) => {
                        LIST.iter().filter_map(|key| map.get_key_value(*key)).collect()
                    }
                    None => map.iter().collect(),
                };
                out.write_all(b"{")?;
                for (i, (key, value)) in entries.into_iter().enumerate() {
                    self.next(i, level + 1, out)?;
                    out.write_all(json::to_string(&Value::from(key.as_str())).as_bytes())?;
                    out.write_all(if self.indent.is_some() { b": " } else { b":" })?;
                    self.value(value, ty.and_then(|ty| ty.field(key)), level + 1, out)?;
                }
                self.line(level, out)?;
                out.write_all(b"}")
            }
            Value::Array(items) if !items.is_empty() => {
                out.write_all(b"[")?;
                for (i, item) in items.iter().enumerate() {
                    self.next(i, level + 1, out)?;
                    self.value(item, ty.and_then(TypeRef::items), level + 1, out)?;
                }
                self.line(level, out)?;
                out.write_all(b"]")
            }
            scalar => out.write_all(json::to_string(scalar).as_bytes()),
        }
    }

    fn next(&self, index: usize, level: usize, out: &mut dyn Write) -> io::Result<()> {
        if index > 0 {
            out.write_all(b",")?;
        }
        self.line(level, out)
    }

    fn line(&self, level: usize, out: &mut dyn Write) -> io::Result<()> {
        let Some(indent) = self.indent else { return Ok(()) };
        out.write_all(b"\n")?;
        (0..level).try_for_each(|_| out.write_all(indent.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_keep_the_order_of_their_types_and_keys_that_of_the_alphabet() {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"name": "1", "a": "<"}, "metadata": {"name": "x"}});
        assert_eq!(
            to_string(&object),
            r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x"},"data":{"a":"\u003c","name":"1"}}"#
        );
        let mut out = Vec::new();
        write_pretty(&json!({"kind": "Namespace", "apiVersion": "v1", "spec": {}}), &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\n    \"kind\": \"Namespace\",\n    \"apiVersion\": \"v1\",\n    \"spec\": {}\n}\n"
        );
    }

    #[test]
    fn a_list_of_any_objects_has_an_order_and_its_items_have_none() {
        let list = json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": [{"kind": "Other", "data": 1}]});
        assert_eq!(
            to_string(&list),
            r#"{"kind":"List","apiVersion":"v1","metadata":{},"items":[{"data":1,"kind":"Other"}]}"#
        );
    }
}
