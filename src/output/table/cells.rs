//! The cells of one row, and how one is printed.

use super::TableOptions;
use crate::api::table::{self, Column};
use crate::api::{Map, ObjectExt, Value};
use crate::expr::go_value::Plain;
use crate::output::tabwriter::TabWriter;
use crate::output::terminal::{Style, Surface, escape};
use std::borrow::Cow;
use std::io;

/// How the rows of one table become lines.
pub(super) struct Row<'a> {
    pub options: &'a TableOptions,
    pub event: Option<&'a str>,
    /// The column of names.
    pub name: Option<usize>,
}

type Cell<'a> = Option<Cow<'a, str>>;

impl<'a> Row<'a> {
    /// The cells of a row with those that are added in front and behind. A row may have fewer cells than there are
    /// columns; what is added follows its last cell, as in kubectl.
    pub fn cells(&self, row: &'a table::Row) -> impl Iterator<Item = Cell<'a>> {
        let options = self.options;
        let event = self.event.map(|event| Some(Cow::Borrowed(self::event(event))));
        let known = !row.object.is_null();
        let namespace = known.then(|| Cow::Borrowed(row.object.namespace()));
        let name = self.name.filter(|_| options.kind.is_some());
        let own = row.cells.iter().enumerate().map(move |(index, cell)| match (&options.kind, cell) {
            (Some(kind), cell) if Some(index) == name => Some(Cow::Owned(format!("{kind}/{}", Plain(cell)))),
            (_, Value::Null) => None,
            (_, Value::String(text)) => Some(Cow::Borrowed(text.as_str())),
            (_, cell) => Some(Cow::Owned(Plain(cell).to_string())),
        });
        let label = move |key: &'a String| known.then(|| Cow::Borrowed(row.object.label(key).unwrap_or("")));
        let labels = move || known.then(|| Cow::Owned(format_labels(row.object.map_at(&["metadata", "labels"]))));
        event
            .into_iter()
            .chain(options.with_namespace.then_some(namespace))
            .chain(own)
            .chain(options.label_columns.iter().map(label))
            .chain(options.show_labels.then(labels))
    }
}

/// Adds a cell's text: only its first line, and nothing that could steer a terminal.
pub(super) fn push<W: Surface>(cell: &str, style: Style, tabs: &mut TabWriter<W>) -> io::Result<()> {
    if style != Style::Plain {
        tabs.style(style);
    }
    match first_line(cell) {
        (line, true) => tabs.push(&escape(line))?,
        (line, false) => {
            tabs.push(&escape(line))?;
            tabs.push("...")?;
        }
    }
    if style != Style::Plain {
        tabs.style(Style::Plain);
    }
    Ok(())
}

/// The first line of a cell, and whether it is all.
pub(super) fn first_line(cell: &str) -> (&str, bool) {
    match cell.find(['\n', '\r', '\x0c']) {
        None => (cell, true),
        Some(end) => (&cell[..end], false),
    }
}

/// An event's type, as wide as the others.
pub(super) fn event(event: &str) -> &str {
    match event {
        "ADDED" => "ADDED   ",
        "DELETED" => "DELETED ",
        "ERROR" => "ERROR   ",
        other => other,
    }
}

/// A column of text that is always shown.
pub(super) fn column(name: &str) -> Column {
    Column { name: name.into(), kind: "string".into(), ..Column::default() }
}

/// `a=b,c=d`, or `<none>`.
pub(super) fn format_labels(labels: Option<&Map<String, Value>>) -> String {
    match labels {
        Some(labels) if !labels.is_empty() => {
            let labels = labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or("")));
            labels.collect::<Vec<_>>().join(",")
        }
        _ => "<none>".into(),
    }
}
