//! The table that `get --watch` keeps up to date on a terminal: one row for each object, all written anew when one
//! changes. Only a person sees it, so columns are as wide as they look and cut short where the terminal ends.

use super::cells::{self, Row};
use super::{TableOptions, meaning};
use crate::api::table::{self, Column, Table};
use crate::api::{ObjectExt, time};
use crate::output::terminal::{Style, Surface, visible};
use comfy_table::{ContentArrangement, Row as Line, presets};
use std::io;

/// What stands in the place of the end of a cell that does not fit.
const CUT: &str = "…";

/// A table on a terminal, whose rows come and go.
#[derive(Debug)]
pub struct LiveTable<W> {
    out: W,
    options: TableOptions,
    columns: Vec<Column>,
    rows: Vec<table::Row>,
    /// The lines that the terminal shows.
    drawn: Vec<String>,
}

impl<W: Surface> LiveTable<W> {
    /// A table without rows.
    pub fn new(out: W, options: TableOptions) -> Self {
        Self { out, options, columns: Vec::new(), rows: Vec::new(), drawn: Vec::new() }
    }

    /// What it shows.
    pub fn options(&self) -> &TableOptions {
        &self.options
    }

    /// Takes rows: an object's row takes the place of the one that it had. With `gone` the objects leave the table.
    pub fn take(&mut self, table: Table, gone: bool) {
        if !table.column_definitions.is_empty() {
            self.columns = table.column_definitions;
        }
        let name = |row: &table::Row| (row.object.namespace().to_owned(), row.object.name().to_owned());
        for row in table.rows {
            match (self.rows.iter().position(|known| name(known) == name(&row)), gone) {
                (Some(known), false) => self.rows[known] = row,
                (Some(known), true) => drop(self.rows.remove(known)),
                (None, false) => self.rows.push(row),
                (None, true) => {}
            }
        }
    }

    /// Forgets all rows: what there is is about to be told anew.
    pub fn clear(&mut self) {
        self.rows.clear();
    }

    /// Shows the rows as they are at this time (in Unix seconds) on a terminal of this many columns and lines. False
    /// when there are too many.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn draw(&mut self, (columns, lines): (usize, usize), now: i64) -> io::Result<bool> {
        // A line below the table is the cursor's.
        if self.rows.len() + usize::from(!self.options.no_headers) >= lines {
            return Ok(false);
        }
        let cells = self.cells(now);
        let laid_out = lay_out(&cells, columns);
        if laid_out != self.drawn {
            self.erase(columns)?;
            for (line, cells) in laid_out.iter().zip(&cells) {
                paint(line, cells, &mut self.out)?;
            }
            self.out.flush()?;
            self.drawn = laid_out;
        }
        Ok(true)
    }

    /// Takes the table off the terminal; the result is what was in it.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn end(&mut self, columns: usize) -> io::Result<Table> {
        self.erase(columns)?;
        let (column_definitions, rows) = (std::mem::take(&mut self.columns), std::mem::take(&mut self.rows));
        Ok(Table { column_definitions, rows, ..Table::default() })
    }

    fn erase(&mut self, columns: usize) -> io::Result<()> {
        // Lines wrap when the terminal became narrower.
        let lines = |line: &String| line.chars().count().div_ceil(columns).max(1);
        self.out.back(self.drawn.iter().map(lines).sum())?;
        self.drawn.clear();
        Ok(())
    }

    /// What the lines consist of: text and style of each cell, headings first.
    fn cells(&self, now: i64) -> Vec<Vec<(String, Style)>> {
        let columns = self.options.columns(&self.columns, false);
        let shown = |index: &usize| self.options.wide || columns[*index].1 == 0;
        let shown: Vec<usize> = (0..columns.len()).filter(shown).collect();
        let heading = |index: &usize| (visible(&columns[*index].0.to_uppercase()), Style::Bold);
        let headings = (!self.options.no_headers).then(|| shown.iter().map(heading).collect());
        let name = self.columns.iter().position(|column| column.format == "name" && column.kind == "string");
        let row = Row { options: &self.options, event: None, name };
        let rows = self.rows.iter().map(|cells| {
            let texts: Vec<String> =
                row.cells(cells).map(|cell| cell.map_or(String::new(), |cell| one_line(&cell))).collect();
            let pairs = || columns.iter().map(|(heading, _)| *heading).zip(&texts);
            let over = pairs().any(|(heading, text)| meaning::is_over(heading, text));
            let created = cells.object.text(&["metadata", "creationTimestamp"]);
            let cell = |index: &usize| {
                let (heading, text) = (columns[*index].0, texts.get(*index).cloned().unwrap_or_default());
                // Ages grow while nothing else changes.
                let text = if heading == "Age" && !created.is_empty() { time::age(created, now) } else { text };
                let style = if over { Style::Faint } else { meaning::style(heading, &text) };
                (text, style)
            };
            shown.iter().map(cell).collect()
        });
        headings.into_iter().chain(rows).collect()
    }
}

fn one_line(cell: &str) -> String {
    match cells::first_line(cell) {
        (line, true) => visible(line),
        (line, false) => visible(line) + "...",
    }
}

/// The lines of a table that is at most this wide.
fn lay_out(cells: &[Vec<(String, Style)>], width: usize) -> Vec<String> {
    let mut table = comfy_table::Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_truncation_indicator(CUT)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX));
    for line in cells {
        let mut row = Line::from(line.iter().map(|(text, _)| text));
        row.max_height(1);
        table.add_row(row);
    }
    let last = table.column_count().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if index == last { 0 } else { 3 }));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// Writes a line with each cell in its style. The cells stand in it in their order, some of them cut short.
fn paint(line: &str, cells: &[(String, Style)], out: &mut impl Surface) -> io::Result<()> {
    let mut rest = line;
    for (text, style) in cells {
        let blanks = rest.len() - rest.trim_start().len();
        let text = text.trim();
        let (before, after) = rest.split_at(blanks);
        let same = after.chars().zip(text.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
        let (_, end) = after.split_at(same);
        rest = end.strip_prefix(CUT).unwrap_or(end);
        let shown = &after[..after.len() - rest.len()];
        if shown.is_empty() {
            rest = &line[line.len() - before.len() - after.len()..];
            continue;
        }
        out.write_all(before.as_bytes())?;
        out.styled(*style, shown)?;
    }
    writeln!(out, "{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// What a terminal shows that understands two commands: a style, and going back.
    #[derive(Default)]
    struct Screen {
        shown: Vec<u8>,
        backs: Vec<usize>,
    }

    impl io::Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.shown.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Surface for Screen {
        fn is_coloured(&self) -> bool {
            true
        }
        fn style(&mut self, style: Style) -> io::Result<()> {
            let mark = if style == Style::Plain { "/".into() } else { format!("{style:?}:") };
            io::Write::write_all(self, mark.as_bytes())
        }
        fn back(&mut self, lines: usize) -> io::Result<()> {
            self.backs.push(lines);
            self.shown.clear();
            Ok(())
        }
    }

    fn table(rows: &[(&str, Value)]) -> Table {
        let columns = ["Name", "Status", "Age"].map(cells::column);
        let rows = rows.iter().map(|(name, cells)| table::Row {
            cells: cells.as_array().unwrap().clone(),
            object: json!({"metadata": {"name": name, "creationTimestamp": "2026-11-21T10:00:00Z"}}),
        });
        Table { column_definitions: columns.to_vec(), rows: rows.collect(), ..Table::default() }
    }

    fn shown(live: &LiveTable<Screen>) -> String {
        String::from_utf8(live.out.shown.clone()).unwrap()
    }

    #[test]
    fn rows_are_kept_up_to_date() {
        let now = time::unix_seconds("2026-11-21T10:00:05Z").unwrap();
        let mut live = LiveTable::new(Screen::default(), TableOptions::default());
        live.take(table(&[("a", json!(["a", "Pending", "1s"])), ("b", json!(["b", "Completed", "1s"]))]), false);
        assert!(live.draw((80, 24), now).unwrap());
        let head = "Bold:NAME/   Bold:STATUS/      Bold:AGE/\n";
        assert_eq!(
            shown(&live),
            format!("{head}a      Yellow:Pending/     Cyan:5s/\nFaint:b/      Faint:Completed/   Faint:5s/\n")
        );
        // Nothing changed: nothing is written.
        assert!(live.draw((80, 24), now).unwrap());
        assert_eq!(live.out.backs, [0]);
        // A row stays in its place, another leaves; ages grow by themselves.
        live.take(table(&[("a", json!(["a", "Run\x1b\nx", "1s"]))]), false);
        live.take(table(&[("b", json!(["b", "", ""]))]), true);
        assert!(live.draw((80, 24), now + 300).unwrap());
        assert_eq!(shown(&live), "Bold:NAME/   Bold:STATUS/     Bold:AGE/\na      Run^[...   5m5s\n");
        assert_eq!(live.out.backs, [0, 3]);
        // On a terminal that is too narrow each line took two.
        live.clear();
        assert!(live.draw((15, 24), now).unwrap());
        assert_eq!(live.out.backs, [0, 3, 4]);
    }

    #[test]
    fn what_does_not_fit_is_cut_short_or_given_back() {
        let mut live = LiveTable::new(Screen::default(), TableOptions::default());
        let long = "a-name-that-is-much-too-long-for-so-narrow-a-terminal";
        live.take(table(&[("a", json!([long, "Running", "1s"])), ("w", json!(["二二", "x", "1s"]))]), false);
        let now = time::unix_seconds("2026-11-21T10:00:05Z").unwrap();
        assert!(live.draw((40, 4), now).unwrap());
        for line in shown(&live).lines() {
            let plain =
                ["Bold:", "Green:", "Faint:", "Cyan:", "/"].iter().fold(line.to_owned(), |l, m| l.replace(m, ""));
            assert!(plain.chars().count() <= 40, "{plain}");
        }
        assert!(shown(&live).contains(CUT) && shown(&live).contains("Green:Running/"));
        assert!(!live.draw((40, 3), now).unwrap());
        assert_eq!(live.end(40).unwrap().rows.len(), 2);
        assert_eq!(live.out.backs, [0, 3]);
    }
}
