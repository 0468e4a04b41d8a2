//! `--sort-by`: the items of a list, or the rows of a table, by one field.
//!
//! Numbers sort as numbers, texts that are both quantities as quantities, other texts by their bytes. Items without the
//! field come first.

pub mod pdq;

use crate::api::Value;
use crate::api::quantity::Quantity;
use crate::api::table::{Row, Table};
use crate::expr::go_value::{GoNumber, Quoted};
use crate::expr::jsonpath::{EvalError, JsonPath, ParseError, relax};
use std::cell::RefCell;
use thiserror::Error;

pub use pdq::order as go_order;

/// Why a list cannot be sorted, in kubectl's words.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SortError {
    /// The path cannot be read.
    #[error(transparent)]
    Path(#[from] ParseError),
    /// The path of a table's field cannot be read.
    #[error("sorting error: {0}")]
    TablePath(ParseError),
    /// The path does not fit the items.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// No item has the field.
    #[error("couldn't find any field with path {} in the list of objects", Quoted(.0))]
    NotFound(String),
    /// What is in the field has no order. kubectl logs this as fatal, with the place in its source before it.
    #[error("Field {field} in {among} is an unsortable type: interface, err: {reason}")]
    Unsortable {
        /// The path.
        field: String,
        /// The Go type of what is sorted.
        among: &'static str,
        /// What is in the field.
        reason: &'static str,
    },
}

/// Sorts objects by a field: `.metadata.name`, with or without braces and the first dot.
///
/// # Errors
/// In kubectl's words. The objects are then as they were.
pub fn objects(objects: &mut Vec<Value>, field: &str) -> Result<(), SortError> {
    if objects.is_empty() {
        return Ok(());
    }
    let field = relax(field)?;
    let path = JsonPath::parse(&field)?;
    let order = by_field(objects.iter(), &path, &field, "*unstructured.Unstructured")?;
    arrange(objects, order);
    Ok(())
}

/// Sorts a table's rows by a field of their objects, which must have been asked for whole.
///
/// # Errors
/// In kubectl's words.
pub fn table(table: &mut Table, field: &str) -> Result<(), SortError> {
    if table.rows.len() < 2 {
        return Ok(());
    }
    let field = relax(field).unwrap_or_else(|_| field.into());
    let path = JsonPath::parse(&field).map_err(SortError::TablePath)?;
    let order = by_field(table.rows.iter().map(|row| &row.object), &path, &field, "[][][]reflect.Value")?;
    arrange::<Row>(&mut table.rows, order);
    Ok(())
}

fn by_field<'a>(
    items: impl Iterator<Item = &'a Value>,
    path: &'a JsonPath,
    field: &str,
    among: &'static str,
) -> Result<Vec<usize>, SortError> {
    let mut keys = Vec::new();
    for item in items {
        let found = path.find(item, true)?;
        keys.push(found.first().and_then(|found| found.first()).map(|value| Key::from(*value)));
    }
    if keys.iter().all(Option::is_none) {
        return Err(SortError::NotFound(field.into()));
    }
    let unsortable = RefCell::new(None);
    let order = pdq::order(keys.len(), |a, b| match (&keys[a], &keys[b]) {
        (None, _) => true,
        (_, None) => false,
        (Some(a), Some(b)) => a.less(b).unwrap_or_else(|reason| {
            unsortable.borrow_mut().get_or_insert(reason);
            false
        }),
    });
    match unsortable.into_inner() {
        Some(reason) => Err(SortError::Unsortable { field: field.into(), among, reason }),
        None => Ok(order),
    }
}

fn arrange<T>(items: &mut Vec<T>, order: Vec<usize>) {
    let mut taken: Vec<Option<T>> = items.drain(..).map(Some).collect();
    items.extend(order.into_iter().filter_map(|place| taken[place].take()));
}

/// What is sorted by.
enum Key<'a> {
    Null,
    Int(i64),
    Float(f64),
    Text(&'a str, Option<Quantity>),
    Other(&'static str),
}

impl<'a> From<&'a Value> for Key<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Number(number) => match number.into() {
                GoNumber::Int(int) => Self::Int(int),
                GoNumber::Float(float) => Self::Float(float),
            },
            Value::String(text) => Self::Text(text, text.parse().ok()),
            Value::Bool(_) => Self::Other("unsortable type: bool"),
            Value::Array(_) => Self::Other("unsortable type: []interface {}"),
            Value::Object(_) => Self::Other("unsortable type: map[string]interface {}"),
        }
    }
}

impl Key<'_> {
    fn less(&self, other: &Self) -> Result<bool, &'static str> {
        match (self, other) {
            (Self::Null, other) => Ok(!matches!(other, Self::Null)),
            (_, Self::Null) => Ok(false),
            (Self::Int(a), Self::Int(b)) => Ok(a < b),
            (Self::Float(a), Self::Float(b)) => Ok(a < b),
            (Self::Text(_, Some(a)), Self::Text(_, Some(b))) => Ok(a < b),
            (Self::Text(a, _), Self::Text(b, _)) => Ok(a < b),
            (Self::Other(reason), _) => Err(reason),
            _ => Err("unsortable interface: interface"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(objects: &[Value]) -> String {
        objects.iter().map(|object| object["n"].to_string().trim_matches('"').to_owned()).collect::<Vec<_>>().join(" ")
    }

    fn sorted(values: &[Value], field: &str) -> Result<String, String> {
        let mut list: Vec<Value> = values.iter().enumerate().map(|(n, v)| json!({"n": n, "v": v})).collect();
        list.push(json!({"n": "none"}));
        objects(&mut list, field).map(|()| names(&list)).map_err(|error| error.to_string())
    }

    #[test]
    fn fields_sort_by_their_type() {
        for (values, want) in [
            (vec![json!(10), json!(9), json!(-1)], "none 2 1 0"),
            (vec![json!(1.5), json!(0.5)], "none 1 0"),
            (vec![json!("a10"), json!("a9"), json!("A")], "none 2 0 1"),
            (vec![json!("10"), json!("9"), json!("1k"), json!("100m")], "none 3 1 0 2"),
            (vec![json!("1Gi"), json!("x"), json!("5M")], "none 2 0 1"),
            (vec![json!("2026-01-02T00:00:00Z"), json!("2026-01-01T00:00:00Z")], "none 1 0"),
            (vec![json!("x"), json!(null)], "none 1 0"),
        ] {
            assert_eq!(sorted(&values, "v").as_deref(), Ok(want), "{values:?}");
        }
    }

    #[test]
    fn errors_are_kubectls() {
        for (values, field, want) in [
            (vec![json!(1)], "{.x}", "couldn't find any field with path \"{.x}\" in the list of objects"),
            (vec![json!(1)], "v[", "unterminated array"),
            (
                vec![json!(1)],
                "{.a}{.b}",
                "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'",
            ),
            (
                vec![json!({}), json!({})],
                ".v",
                "Field {.v} in *unstructured.Unstructured is an unsortable type: interface, err: unsortable type: \
                 map[string]interface {}",
            ),
            (
                vec![json!("a"), json!(1)],
                ".v",
                "Field {.v} in *unstructured.Unstructured is an unsortable type: interface, err: unsortable interface: \
                 interface",
            ),
        ] {
            assert_eq!(sorted(&values, field).unwrap_err(), want);
        }
    }

    #[test]
    fn rows_sort_by_their_objects() {
        let rows =
            |names: &[&str]| names.iter().map(|name| Row { cells: vec![], object: json!({"v": name}) }).collect();
        let mut two = Table { rows: rows(&["b", "a"]), ..Table::default() };
        table(&mut two, "v").unwrap();
        assert_eq!(two.rows[0].object["v"], "a");
        let missing = table(&mut two, ".x").unwrap_err();
        assert_eq!(missing.to_string(), "couldn't find any field with path \"{.x}\" in the list of objects");
        let mut one = Table { rows: rows(&["b"]), ..Table::default() };
        assert_eq!(table(&mut one, "{{{"), Ok(()));
    }
}
