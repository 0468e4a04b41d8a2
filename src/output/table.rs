//! Tables: what `get` prints for a person.
//!
//! A server lays out rows and columns (`api::Table`); here they get their headings, kind, namespace and labels, and
//! become text. Objects that come without a table are shown by name and age.

mod cells;
mod live;
mod meaning;
#[cfg(test)]
mod tests;

use super::tabwriter::{Layout, TabWriter};
use super::terminal::{Style, Surface};
use crate::api::table::{self, Column, Table};
use crate::api::{ObjectExt, Value, time};
use cells::{Row, format_labels};
pub use live::LiveTable;
use std::borrow::Borrow;
use std::io::{self, Write};

/// What a table shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// `-o wide`: columns of every priority.
    pub wide: bool,
    /// `--no-headers`.
    pub no_headers: bool,
    /// A first column with the namespace.
    pub with_namespace: bool,
    /// `--show-labels`: a last column with all labels.
    pub show_labels: bool,
    /// `-L`: a column for each of these labels.
    pub label_columns: Vec<String>,
    /// `deployment.apps`: what stands before names, with a slash; none to show names alone.
    pub kind: Option<String>,
    /// The time, in Unix seconds, from which ages are counted that the server did not count.
    pub now: i64,
}

/// How many rows are laid out together. What is wider further down was measured before.
const ROWS_AT_ONCE: usize = 100;

/// Prints tables one after the other, in groups that each have their own headings and widths.
///
/// Within a group, headings are printed once as long as the columns stay the same, and columns never become narrower.
#[derive(Debug)]
pub struct TablePrinter<W: Surface> {
    tabs: TabWriter<Parted<W>>,
    options: TableOptions,
    groups: usize,
    /// The columns of the last table that had any, for those that have none (as later events of a watch).
    columns: Vec<Column>,
    headings_shown: bool,
    shown: Shown,
}

/// What was shown last without a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shown {
    #[default]
    Nothing,
    Object,
    Status,
}

impl<W: Surface> TablePrinter<W> {
    /// A printer that shows nothing until a group begins.
    pub fn new(out: W) -> Self {
        let out = Parted { out, part: false, written: false };
        Self {
            tabs: TabWriter::new(out, Layout::TABLE),
            options: TableOptions::default(),
            groups: 0,
            columns: Vec::new(),
            headings_shown: false,
            shown: Shown::Nothing,
        }
    }

    /// Begins a group: rows of one type. A blank line parts it from what was printed before, if it has headings and
    /// if anything follows.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn begin(&mut self, options: TableOptions) -> io::Result<()> {
        self.tabs.flush()?;
        self.tabs.forget_widths();
        let out = self.tabs.inner_mut();
        out.part |= self.groups > 0 && !options.no_headers && out.written;
        self.groups += 1;
        self.options = options;
        self.columns.clear();
        (self.headings_shown, self.shown) = (false, Shown::Nothing);
        Ok(())
    }

    /// Prints a table's rows, after headings where they are needed.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn table(&mut self, table: &Table) -> io::Result<()> {
        self.rows(&table.column_definitions, || table.rows.iter().map(Ok), None)
    }

    /// Prints a table's rows after the type of an event of a watch: `ADDED`, `MODIFIED`, ...
    ///
    /// # Errors
    /// Those of the writer.
    pub fn event(&mut self, event: &str, table: &Table) -> io::Result<()> {
        self.rows(&table.column_definitions, || table.rows.iter().map(Ok), Some(event))
    }

    /// Prints rows below columns, as [`TablePrinter::table`] and [`TablePrinter::event`] do. `rows` is called twice, so
    /// that rows may be made as they are needed: first they are measured, then they are printed.
    ///
    /// # Errors
    /// Those of the rows and of the writer.
    pub fn rows<R: Borrow<table::Row>, E: From<io::Error>, I: Iterator<Item = Result<R, E>>>(
        &mut self,
        definitions: &[Column],
        rows: impl Fn() -> I,
        event: Option<&str>,
    ) -> Result<(), E> {
        let again = definitions.is_empty() || definitions == self.columns;
        if !again {
            self.columns = definitions.to_vec();
        }
        let shown = again && self.headings_shown;
        let headings = !self.options.no_headers && !shown;
        let any = rows().next().transpose()?.is_some();
        self.headings_shown = shown || any;
        if !any {
            return Ok(());
        }
        let columns = self.options.columns(&self.columns, event.is_some());
        let name = self.columns.iter().position(|column| column.format == "name" && column.kind == "string");
        let row = Row { options: &self.options, event, name };
        let visible: Vec<bool> = columns.iter().map(|(_, priority)| self.options.wide || *priority == 0).collect();
        let last = visible.iter().rposition(|visible| *visible).unwrap_or(0);
        let coloured = self.tabs.inner_mut().is_coloured();

        // Rows are laid out in parts, so the first line of the first part is made as wide as the widest cell of all.
        // kubectl measures bytes here, and cells before they are cut short.
        let mut widths = vec![0; columns.len()];
        for cells in rows() {
            for (width, cell) in widths.iter_mut().zip(row.cells(cells?.borrow())) {
                *width = (*width).max(cell.map_or(0, |cell| cell.len()));
            }
        }
        if headings {
            let mut first = true;
            if coloured {
                self.tabs.style(Style::Bold);
            }
            for (index, (heading, _)) in columns.iter().enumerate().filter(|(index, _)| visible[*index]) {
                if !std::mem::take(&mut first) {
                    self.tabs.push("\t")?;
                }
                let heading = heading.to_uppercase();
                self.tabs.push(&heading)?;
                if index != last {
                    self.tabs.pad(widths[index].saturating_sub(heading.len()));
                }
            }
            if coloured {
                self.tabs.style(Style::Plain);
            }
            self.tabs.push("\n")?;
        }
        for (number, cells) in rows().enumerate() {
            let cells = cells?;
            let cells = cells.borrow();
            let mut first = true;
            let pairs =
                || columns.iter().zip(row.cells(cells)).filter_map(|((heading, _), cell)| Some((*heading, cell?)));
            let over = coloured && pairs().any(|(heading, cell)| meaning::is_over(heading, &cell));
            for (index, cell) in row.cells(cells).enumerate().take(columns.len()).filter(|(index, _)| visible[*index]) {
                if !std::mem::take(&mut first) {
                    self.tabs.push("\t")?;
                }
                let cell = cell.unwrap_or_default();
                let style = match (coloured, over) {
                    (true, false) => meaning::style(columns[index].0, &cell),
                    (true, true) => Style::Faint,
                    (false, _) => Style::Plain,
                };
                cells::push(&cell, style, &mut self.tabs)?;
                if !headings && number == 0 && index != last {
                    self.tabs.pad(widths[index].saturating_sub(cell.len()));
                }
            }
            self.tabs.push("\n")?;
            if (number + 1) % ROWS_AT_ONCE == 0 {
                self.tabs.flush()?;
            }
        }
        Ok(())
    }

    /// Prints an object that came without a table: its name and age, or a Status by its own columns.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn object(&mut self, object: &Value, event: Option<&str>) -> io::Result<()> {
        let (shown, headings, cells) = if object.kind() == "Status" && object.api_version() == "v1" {
            let cells = ["status", "reason", "message"].map(|key| object.text(&[key]).to_owned());
            (Shown::Status, ["Status", "Reason", "Message"].as_slice(), cells.to_vec())
        } else {
            let age = time::age(object.text(&["metadata", "creationTimestamp"]), self.options.now);
            (Shown::Object, ["Name", "Age"].as_slice(), vec![object.name().to_owned(), age])
        };
        if shown != self.shown && !self.options.no_headers {
            if self.shown != Shown::Nothing {
                self.tabs.push("\n")?;
            }
            let columns: Vec<Column> = headings.iter().map(|name| cells::column(name)).collect();
            let headings = self.options.columns(&columns, event.is_some());
            let headings: Vec<_> = headings.iter().map(|(heading, _)| heading.to_uppercase()).collect();
            self.tabs.push(&headings.join("\t"))?;
            self.tabs.push("\n")?;
        }
        self.shown = shown;

        let mut line = Vec::new();
        line.extend(event.map(cells::event));
        line.extend(self.options.with_namespace.then(|| object.namespace()));
        let name = self.options.kind.as_ref().map(|kind| format!("{kind}/{}", cells[0]));
        line.push(name.as_deref().unwrap_or(&cells[0]));
        line.extend(cells[1..].iter().map(String::as_str));
        line.extend(self.options.label_columns.iter().map(|key| object.label(key).unwrap_or("")));
        let labels = self.options.show_labels.then(|| format_labels(object.map_at(&["metadata", "labels"])));
        line.extend(labels.as_deref());
        self.tabs.push(&line.join("\t"))?;
        self.tabs.push("\n")
    }

    /// Writes out what was laid out so far.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn flush(&mut self) -> io::Result<()> {
        self.tabs.flush()?;
        self.tabs.inner_mut().out.flush()
    }

    /// Whether anything was printed, flushed or not yet.
    ///
    /// # Errors
    /// Those of the writer, to which all is flushed.
    pub fn has_printed(&mut self) -> io::Result<bool> {
        self.flush()?;
        Ok(self.tabs.inner_mut().written)
    }
}

impl TableOptions {
    /// All headings and priorities, with those that are added in front and behind.
    fn columns<'a>(&'a self, columns: &'a [Column], event: bool) -> Vec<(&'a str, i32)> {
        let label = |key: &'a String| key.rsplit('/').next().unwrap_or(key);
        let added = |wanted: bool, name: &'static str| wanted.then_some((name, 0));
        added(event, "Event")
            .into_iter()
            .chain(added(self.with_namespace, "Namespace"))
            .chain(columns.iter().map(|column| (column.name.as_str(), column.priority)))
            .chain(self.label_columns.iter().map(|key| (label(key), 0)))
            .chain(added(self.show_labels, "Labels"))
            .collect()
    }
}

/// Passes text on, after a blank line when the text begins another part.
#[derive(Debug)]
struct Parted<W> {
    out: W,
    part: bool,
    written: bool,
}

impl<W: Write> Parted<W> {
    fn begin(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.part) { self.out.write_all(b"\n") } else { Ok(()) }
    }
}

impl<W: Surface> Surface for Parted<W> {
    fn is_coloured(&self) -> bool {
        self.out.is_coloured()
    }
    fn style(&mut self, style: Style) -> io::Result<()> {
        self.begin()?;
        self.out.style(style)
    }
}

impl<W: Write> Write for Parted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begin()?;
        self.written |= !bytes.is_empty();
        self.out.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
