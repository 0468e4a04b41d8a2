//! `Table`: a list as a server lays it out for people (KEP-555, meta.k8s.io/v1).

use super::{ObjectExt, Value};
use serde::{Deserialize, Serialize};

/// Rows and the columns that explain them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Table {
    /// The list's metadata: resourceVersion, continue, remainingItemCount.
    pub metadata: Value,
    /// The columns. A watch leaves them out after the first event.
    #[serde(deserialize_with = "null_is_empty")]
    pub column_definitions: Vec<Column>,
    /// The rows, one for each object.
    #[serde(deserialize_with = "null_is_empty")]
    pub rows: Vec<Row>,
}

/// Whether a server's answer is a table, whole or without its rows.
pub fn is_table(answer: &Value) -> bool {
    answer.kind() == "Table" && answer.api_version().starts_with("meta.k8s.io/")
}

/// One column of a [`Table`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Column {
    /// The heading, as it is before kubectl puts it in capitals.
    pub name: String,
    /// The JSON type of the cells.
    #[serde(rename = "type")]
    pub kind: String,
    /// The OpenAPI format; `name` marks the column of names.
    pub format: String,
    /// What the column shows, in a sentence.
    pub description: String,
    /// 0 for columns that are always shown, more for those of `-o wide`.
    pub priority: i32,
}

/// One row of a [`Table`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Row {
    /// A cell for each column: strings, numbers, booleans or null.
    pub cells: Vec<Value>,
    /// The object or its metadata, as `includeObject` asked for; null for none.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub object: Value,
}

fn null_is_empty<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
