//! Where a description is written: lines at levels, with tabs between what is to stand in columns.

use crate::output::tabwriter::{Layout, TabWriter};
use crate::output::terminal::escape;
use std::fmt::{Display, Write};

/// A description that is being written.
#[derive(Debug, Default)]
pub struct Writer {
    text: String,
    /// Levels added to all others.
    base: usize,
}

impl Writer {
    /// Adds text after the blanks of a level. Tabs in it end columns; nothing ends the line.
    pub fn put(&mut self, level: usize, text: impl Display) {
        self.text.extend(std::iter::repeat_n("  ", self.base + level));
        // Writing to memory cannot fail.
        let _ = write!(self.text, "{text}");
    }

    /// Adds a line.
    pub fn line(&mut self, level: usize, text: impl Display) {
        self.put(level, text);
        self.text.push('\n');
    }

    /// Adds a name, a colon and a value in the next column.
    pub fn field(&mut self, level: usize, name: impl Display, value: impl Display) {
        self.line(level, format_args!("{name}:\t{value}"));
    }

    /// Writes all that `write` does some levels deeper.
    pub fn deeper(&mut self, levels: usize, write: impl FnOnce(&mut Self)) {
        self.base += levels;
        write(self);
        self.base -= levels;
    }

    /// The description with its tabs.
    pub fn plain(self) -> String {
        escape(&self.text).into_owned()
    }

    /// The description, laid out.
    pub fn finish(self) -> String {
        let mut out = Vec::new();
        let mut tabs = TabWriter::new(&mut out, Layout::DESCRIPTION);
        // Writing to memory cannot fail.
        let _ = tabs.push(&escape(&self.text)).and_then(|()| tabs.flush());
        String::from_utf8(out).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Writer;

    #[test]
    fn levels_and_columns() {
        let mut w = Writer::default();
        w.field(0, "Name", "x\x1b[m");
        w.line(0, "Containers:");
        w.deeper(1, |w| {
            w.field(0, "A", 1);
            w.put(1, "B:\t");
            w.put(0, "c\n");
        });
        assert_eq!(w.finish(), "Name:  x^[[m\nContainers:\n  A:    1\n    B:    c\n");
    }
}
