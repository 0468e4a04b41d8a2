//! Columns of tables that definitions ask for (additionalPrinterColumns).

use crate::api::time::{age, unix_seconds};
use crate::api::{ObjectExt, Value};
use crate::expr::jsonpath::JsonPath;
use crate::schema::TableColumn;

/// A column.
#[derive(Debug)]
pub struct Column {
    /// What clients are told of it.
    pub shown: TableColumn,
    path: Option<JsonPath>,
}

impl Column {
    /// The columns besides the name that a version of a definition asks for; the age when it asks for none.
    pub fn all(version: &Value) -> Vec<Self> {
        let wanted = version.items_at(&["additionalPrinterColumns"]);
        if wanted.is_empty() {
            return vec![Self::new("Age", "date", "", 0, ".metadata.creationTimestamp")];
        }
        let column = |column: &Value| {
            let text = |key: &str| column.text(&[key]);
            let priority = column.integer(&["priority"]).and_then(|n| i32::try_from(n).ok()).unwrap_or(0);
            let mut made = Self::new(text("name"), text("type"), text("format"), priority, text("jsonPath"));
            if !text("description").is_empty() {
                made.shown.description = text("description").into();
            }
            made
        };
        wanted.iter().map(column).collect()
    }

    fn new(name: &str, kind: &str, format: &str, priority: i32, path: &str) -> Self {
        let description = format!("Custom resource definition column (in JSONPath format): {path}");
        let shown = TableColumn { name: name.into(), kind: kind.into(), format: format.into(), priority, description };
        // A path that cannot be read was refused when the definition was made.
        Self { shown, path: JsonPath::parse(&format!("{{{path}}}")).ok() }
    }

    /// The cell of an object; null where there is nothing, or nothing of the column's type.
    pub fn cell(&self, object: &Value, now: i64) -> Value {
        let Some(path) = &self.path else { return Value::Null };
        let found = path.find(object, true).ok().and_then(|found| found.first()?.first().copied());
        let Some(value) = found else { return Value::Null };
        match (self.shown.kind.as_str(), value) {
            ("string", value) => match value {
                Value::Null => "<nil>".into(),
                Value::String(text) => text.as_str().into(),
                other => crate::api::json::to_string(other).into(),
            },
            ("integer", Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => whole.into(),
                (None, Some(float)) => (float as i64).into(),
                (None, None) => Value::Null,
            },
            ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => value.clone(),
            ("date", Value::String(text)) => match unix_seconds(text) {
                Some(_) => age(text, now).into(),
                None => "<invalid>".into(),
            },
            _ => Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_are_of_their_columns_types() {
        let object = json!({"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}, "spec": {
            "text": "a", "whole": 3, "float": 2.5, "yes": true, "list": ["a", "b"], "map": {"k": "v"},
            "items": [{"type": "A", "status": "True"}, {"type": "B", "status": "False"}]}});
        for (kind, path, want) in [
            ("string", ".spec.text", json!("a")),
            ("string", ".spec.whole", json!("3")),
            ("string", ".spec.list", json!(r#"["a","b"]"#)),
            ("string", ".spec.nosuch", json!(null)),
            ("string", r#".spec.items[?(@.type=="B")].status"#, json!("False")),
            ("string", ".spec.list[1]", json!("b")),
            ("integer", ".spec.whole", json!(3)),
            ("integer", ".spec.float", json!(2)),
            ("integer", ".spec.text", json!(null)),
            ("number", ".spec.float", json!(2.5)),
            ("boolean", ".spec.yes", json!(true)),
            ("date", ".metadata.creationTimestamp", json!("60s")),
            ("date", ".spec.text", json!("<invalid>")),
        ] {
            let column = Column::new("C", kind, "", 0, path);
            assert_eq!(column.cell(&object, 1_767_225_660), want, "{kind} {path}");
        }
    }
}
