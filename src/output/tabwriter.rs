//! Elastic tab stops, as kubectl's tables and descriptions are laid out.
//!
//! Text is a sequence of cells. A tab ends a cell, a line feed ends a line; the last cell of a line belongs to no
//! column. A column is a run of lines that have a cell in that place, and is as wide as its widest cell and the
//! padding. A form feed ends the line and all columns, as a flush does.
//!
//! The rules are those of Go's text/tabwriter; remembered widths are those of the fork that kubectl's tables use
//! (github.com/liggitt/tabwriter): a column never becomes narrower than it was before the last flush.

use super::terminal::{Style, Surface};
use std::io;

/// The numbers by which columns are laid out.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The least width of a column, its padding included.
    pub min_width: usize,
    /// How many blanks follow the widest cell of a column.
    pub padding: usize,
    /// Whether a column stays as wide as it was before a flush.
    pub remember: bool,
}

impl Layout {
    /// kubectl's tables.
    pub const TABLE: Layout = Layout { min_width: 6, padding: 3, remember: true };
    /// kubectl's descriptions.
    pub const DESCRIPTION: Layout = Layout { min_width: 0, padding: 2, remember: false };
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    /// Where the text ends in the buffer; it begins where the cell before ends.
    end: usize,
    /// Characters of text, and, after layout, of the column.
    width: usize,
}

/// Lays out what is written into it, and passes it on when flushed.
#[derive(Debug)]
pub struct TabWriter<W> {
    out: W,
    layout: Layout,
    /// The text of all cells, without tabs and line ends.
    text: String,
    cells: Vec<Cell>,
    /// For each line that is complete, the number of its last cell plus one.
    lines: Vec<usize>,
    remembered: Vec<usize>,
    /// Where in the text another style begins.
    styles: Vec<(usize, Style)>,
}

impl<W: Surface> TabWriter<W> {
    /// A writer that lays out text for `out`.
    pub fn new(out: W, layout: Layout) -> Self {
        Self {
            out,
            layout,
            text: String::new(),
            cells: Vec::new(),
            lines: Vec::new(),
            remembered: Vec::new(),
            styles: Vec::new(),
        }
    }

    /// Adds text, in which tabs end cells and line feeds end lines.
    ///
    /// # Errors
    /// Those of the writer below, when a form feed makes it write.
    pub fn push(&mut self, mut text: &str) -> io::Result<()> {
        while let Some(at) = text.bytes().position(|b| (b'\t'..=b'\x0c').contains(&b)) {
            self.text.push_str(&text[..at]);
            self.end_cell();
            match text.as_bytes()[at] {
                b'\n' => self.lines.push(self.cells.len()),
                b'\x0c' => {
                    self.lines.push(self.cells.len());
                    self.flush()?;
                }
                _ => {}
            }
            text = &text[at + 1..];
        }
        self.text.push_str(text);
        Ok(())
    }

    /// What is added from here on looks like this.
    pub fn style(&mut self, style: Style) {
        self.styles.push((self.text.len(), style));
    }

    /// Adds `count` blanks.
    pub fn pad(&mut self, count: usize) {
        self.text.extend(std::iter::repeat_n(' ', count));
    }

    /// Writes out all that was added. What follows begins new columns.
    ///
    /// # Errors
    /// Those of the writer below.
    pub fn flush(&mut self) -> io::Result<()> {
        let open = self.text.len() > self.last_end();
        if open {
            self.end_cell();
        }
        let unfinished = self.cells.len() > self.lines.last().copied().unwrap_or(0);
        if unfinished {
            self.lines.push(self.cells.len());
        }
        self.lay_out();
        let written = self.write_lines(unfinished);
        self.text.clear();
        self.cells.clear();
        self.lines.clear();
        self.styles.clear();
        written
    }

    /// Forgets the widths that were remembered.
    pub fn forget_widths(&mut self) {
        self.remembered.clear();
    }

    /// The writer below, which has only what was flushed.
    pub fn inner_mut(&mut self) -> &mut W {
        &mut self.out
    }

    fn last_end(&self) -> usize {
        self.cells.last().map_or(0, |cell| cell.end)
    }

    fn end_cell(&mut self) {
        let start = self.last_end();
        let width = self.text[start..].chars().count();
        self.cells.push(Cell { end: self.text.len(), width });
    }

    /// Turns the width of each cell that belongs to a column into the column's width.
    fn lay_out(&mut self) {
        // A line that has a cell in one column has one in every column before it, so columns can be taken one by one.
        let depth = self.line_ranges().map(|line| line.len()).max().unwrap_or(0);
        let starts: Vec<usize> = self.line_ranges().map(|line| line.start).collect();
        for column in 0..depth.saturating_sub(1) {
            let belongs = |line: usize| starts[line] + column + 1 < self.lines[line];
            let mut line = 0;
            while line < self.lines.len() {
                if !belongs(line) {
                    line += 1;
                    continue;
                }
                let end = (line..self.lines.len()).find(|l| !belongs(*l)).unwrap_or(self.lines.len());
                let cells = starts[line..end].iter().map(|start| start + column);
                let widest = cells.clone().map(|cell| self.cells[cell].width).max().unwrap_or(0);
                let mut width = (widest + self.layout.padding).max(self.layout.min_width);
                if self.layout.remember {
                    if self.remembered.len() <= column {
                        self.remembered.resize(column + 1, 0);
                    }
                    width = width.max(self.remembered[column]);
                    self.remembered[column] = width;
                }
                for cell in cells {
                    // The blanks that follow the text.
                    self.cells[cell].width = width - self.cells[cell].width;
                }
                line = end;
            }
        }
    }

    fn line_ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let starts = std::iter::once(0).chain(self.lines.iter().copied());
        starts.zip(self.lines.iter().copied()).map(|(start, end)| start..end)
    }

    fn write_lines(&mut self, unfinished: bool) -> io::Result<()> {
        const BLANKS: &str = "                                                                ";
        let mut laid_out = String::with_capacity(self.text.len() * 2);
        let mut marks = Vec::with_capacity(self.styles.len());
        let mut styles = self.styles.iter().peekable();
        let mut start = 0;
        for (number, line) in self.line_ranges().enumerate() {
            let last = line.end.saturating_sub(1);
            for index in line {
                let cell = self.cells[index];
                // A style ends before the blanks that follow a cell, and begins after them.
                let here = |(at, style): &&(usize, Style)| *at < cell.end || *at == cell.end && *style == Style::Plain;
                while let Some((at, style)) = styles.next_if(here) {
                    marks.push((laid_out.len() + at - start, *style));
                }
                laid_out.push_str(&self.text[start..cell.end]);
                start = cell.end;
                if index < last {
                    let mut blanks = cell.width;
                    while blanks > BLANKS.len() {
                        laid_out.push_str(BLANKS);
                        blanks -= BLANKS.len();
                    }
                    laid_out.push_str(&BLANKS[..blanks]);
                }
            }
            if !unfinished || number + 1 < self.lines.len() {
                laid_out.push('\n');
            }
        }
        let mut written = 0;
        for (at, style) in marks {
            self.out.write_all(&laid_out.as_bytes()[written..at])?;
            self.out.style(style)?;
            written = at;
        }
        if laid_out.is_empty() { Ok(()) } else { self.out.write_all(&laid_out.as_bytes()[written..]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lay_out(layout: Layout, parts: &[&str]) -> String {
        let mut out = Vec::new();
        let mut writer = TabWriter::new(&mut out, layout);
        for part in parts {
            writer.push(part).unwrap();
        }
        writer.flush().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_runs_of_lines() {
        for (text, want) in [
            ("", ""),
            ("a", "a"),
            ("a\n", "a\n"),
            ("\n\n", "\n\n"),
            ("a\tb\nlong\tc\n", "a     b\nlong  c\n"),
            // The last cell of a line ends no column, so `x` does not widen the first one, and it parts two columns.
            ("a\tb\nxxxxxxxx\nlong\tc\n", "a  b\nxxxxxxxx\nlong  c\n"),
            ("a\tb\tc\naa\tb\naaa\tbbb\tc\n", "a    b  c\naa   b\naaa  bbb  c\n"),
            // An empty last cell leaves the blanks of the cell before it.
            ("a\t\nbb\t\n", "a   \nbb  \n"),
            ("\tb\n", "  b\n"),
            ("é\tb\nab\tc\n", "é   b\nab  c\n"),
            ("a\tb\x0clong\tc", "a  b\nlong  c"),
            ("a\x0bb\n", "a  b\n"),
            ("a\t", "a"),
        ] {
            assert_eq!(lay_out(Layout::DESCRIPTION, &[text]), want, "{text:?}");
        }
    }

    #[test]
    fn styles_end_before_the_blanks() {
        let mut writer = TabWriter::new(Marked::default(), Layout::DESCRIPTION);
        for (style, text) in
            [(Style::Red, "a"), (Style::Plain, "\t"), (Style::Bold, "bc"), (Style::Plain, "\nxxx\ty\n")]
        {
            writer.style(style);
            writer.push(text).unwrap();
        }
        writer.flush().unwrap();
        let shown = String::from_utf8(writer.inner_mut().0.clone()).unwrap();
        assert_eq!(shown, "<Red>a<Plain>    <Bold>bc<Plain>\nxxx  y\n");
    }

    #[derive(Default)]
    struct Marked(Vec<u8>);

    impl io::Write for Marked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Surface for Marked {
        fn style(&mut self, style: Style) -> io::Result<()> {
            io::Write::write_all(self, format!("<{style:?}>").as_bytes())
        }
    }

    #[test]
    fn cells_may_come_in_pieces() {
        assert_eq!(lay_out(Layout::TABLE, &["NA", "ME\tA", "GE\nx\t", "1s\n"]), "NAME   AGE\nx      1s\n");
    }

    #[test]
    fn widths_are_remembered_until_forgotten() {
        let mut out = Vec::new();
        let mut writer = TabWriter::new(&mut out, Layout::TABLE);
        for (text, forget) in
            [("longer-name\tx\n", false), ("n\tx\n", false), ("longest-name-of-all\tx\n", false), ("n\tx\n", true)]
        {
            if forget {
                writer.forget_widths();
            }
            writer.push(text).unwrap();
            writer.flush().unwrap();
        }
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "longer-name   x\nn             x\nlongest-name-of-all   x\nn     x\n"
        );
    }
}
