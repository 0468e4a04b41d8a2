//! Tables: the rows and columns that people see, made from objects by the server (KEP-555).

use super::encoding::{write_string, write_value};
use super::negotiate::Include;
use super::registry::Served;
use super::respond::{Shown, write_partial};
use crate::api::time::age;
use crate::api::{ObjectExt, Value};
use crate::schema::TableColumn;

/// Writes the definitions of columns.
pub fn write_columns(columns: &[TableColumn], out: &mut Vec<u8>) {
    for (i, column) in columns.iter().enumerate() {
        out.push(if i == 0 { b'[' } else { b',' });
        for (key, text) in
            [("{\"name\":", &column.name), (",\"type\":", &column.kind), (",\"format\":", &column.format)]
        {
            out.extend_from_slice(key.as_bytes());
            write_string(out, text);
        }
        out.extend_from_slice(br#","description":"#);
        write_string(out, &column.description);
        out.extend_from_slice(format!(r#","priority":{}}}"#, column.priority).as_bytes());
    }
    out.push(b']');
}

/// Writes the row of one object.
pub fn write_row(served: &Served, shown: &Shown, include: Include, now: i64, out: &mut Vec<u8>) {
    let object = served.as_row(&shown.object, shown.version.unwrap_or(0));
    out.extend_from_slice(br#"{"cells":"#);
    write_value(out, &Value::Array(cells(served, &object, now)));
    let conditions = (served.rules.row_conditions)(&object);
    if !conditions.is_empty() {
        out.extend_from_slice(br#","conditions":"#);
        write_value(out, &Value::Array(conditions));
    }
    out.extend_from_slice(br#","object":"#);
    match include {
        Include::None => out.extend_from_slice(b"null"),
        Include::Metadata => write_partial("meta.k8s.io/v1", shown, served, out),
        Include::Object => shown.object.write(&served.head, shown.version, out),
    }
    out.push(b'}');
}

fn cells(served: &Served, object: &Value, now: i64) -> Vec<Value> {
    if let Some(custom) = &served.custom {
        return custom.cells(object, now);
    }
    let cells = (served.rules.cells)(object, now);
    // A kind without rules of its own may have columns of its own; IPAddresses have a cell that no column is for.
    if cells.len() >= served.columns.len() {
        return cells;
    }
    let created = object.text(&["metadata", "creationTimestamp"]);
    let cell = |column: &TableColumn| match (column.format.as_str(), column.kind.as_str()) {
        ("name", _) => object.name().into(),
        (_, "date") => created.into(),
        _ if column.name == "Age" => age(created, now).into(),
        _ => Value::Null,
    };
    served.columns.iter().map(cell).collect()
}
