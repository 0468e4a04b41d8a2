//! Lines below all others that say what goes on while it does. They make way for whatever else is written, and leave no
//! trace.
//!
//! The cursor rests on the line below them. So a program that is ended by a signal leaves whole lines behind, and the
//! shell's next line is its own.

use super::{Style, Surface, visible};
use std::io;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands in the place of the end of a line that does not fit.
const CUT: char = '…';
/// How many lines of the terminal are used at the most, and how many of them for one line of text.
const LINES: usize = 8;
const LINES_EACH: usize = 3;

/// The lines that a terminal shows now.
#[derive(Debug, Default)]
pub struct Status {
    shown: Vec<String>,
}

impl Status {
    /// Whether there are any.
    pub fn is_shown(&self) -> bool {
        !self.shown.is_empty()
    }

    /// Shows these lines in the place of those that were shown, on a terminal of this many columns and lines.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn show(
        &mut self,
        lines: &[String],
        (columns, rows): (usize, usize),
        out: &mut impl Surface,
    ) -> io::Result<()> {
        // The line below is the cursor's, and what was printed last should be seen.
        let room = LINES.min(rows.saturating_sub(2));
        let lines: Vec<String> = lines.iter().flat_map(|line| wrapped(line, columns)).take(room).collect();
        if lines == self.shown {
            return Ok(());
        }
        self.erase(columns, out)?;
        if !lines.is_empty() {
            out.styled(Style::Faint, &(lines.join("\n") + "\n"))?;
        }
        self.shown = lines;
        out.flush()
    }

    /// Takes the lines away.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn erase(&mut self, columns: usize, out: &mut impl Surface) -> io::Result<()> {
        // Lines wrap when the terminal became narrower.
        let lines = self.shown.drain(..).map(|line| line.width().div_ceil(columns.max(1)).max(1));
        out.back(lines.sum())
    }
}

/// A text as lines that command nothing and are at most this wide: what does not fit goes on below, further to the right.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut rest = visible(text);
    let indent = rest.len() - rest.trim_start().len() + 2;
    let mut lines = Vec::new();
    while lines.len() + 1 < LINES_EACH && rest.width() > columns {
        let start = longest(&rest, columns);
        let blank = if rest[start..].starts_with(' ') { Some(start) } else { rest[..start].rfind(' ') };
        let end = blank.filter(|end| *end > indent).unwrap_or(start);
        if end <= indent {
            break;
        }
        lines.push(rest[..end].to_string());
        rest = format!("{:indent$}{}", "", rest[end..].trim_start());
    }
    lines.push(fitting(&rest, columns));
    lines
}

/// How many bytes of a text are at most this wide.
fn longest(text: &str, mut columns: usize) -> usize {
    let wider = |(_, c): &(usize, char)| match columns.checked_sub(c.width().unwrap_or_default()) {
        Some(left) => {
            columns = left;
            false
        }
        None => true,
    };
    text.char_indices().find(wider).map_or(text.len(), |(end, _)| end)
}

/// A text as one line that commands nothing and is at most this wide.
pub fn fitting(text: &str, columns: usize) -> String {
    let line = visible(text);
    if line.width() <= columns {
        return line;
    }
    let start = &line[..longest(&line, columns.saturating_sub(1))];
    start.chars().chain([CUT].into_iter().take(columns)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal that notes what it was told to do.
    #[derive(Default)]
    struct Terminal(String);

    impl io::Write for Terminal {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push_str(std::str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Surface for Terminal {
        fn back(&mut self, lines: usize) -> io::Result<()> {
            if lines > 0 {
                self.0.push_str(&format!("<{lines}>"));
            }
            Ok(())
        }
    }

    #[test]
    fn lines_fit_the_terminal() {
        for (text, columns, line) in [
            ("plain", 5, "plain"),
            ("longer", 5, "long…"),
            ("四四四", 6, "四四四"),
            ("四四四四", 6, "四四…"),
            ("e\u{301}e\u{301}e\u{301}", 3, "e\u{301}e\u{301}e\u{301}"),
            ("a\x1b[2J\r\nb", 80, "a^[[2J^M b"),
            ("\x1b\x1b\x1b", 5, "^[^[…"),
            ("ab", 1, "…"),
            ("ab", 0, ""),
        ] {
            assert_eq!(fitting(text, columns), line, "{text:?} in {columns}");
        }
    }

    #[test]
    fn long_texts_go_on_below() {
        for (text, columns, lines) in [
            ("  short", 20, "  short"),
            ("  one two three four five", 12, "  one two|    three|    four fi…"),
            ("  one two three four five", 14, "  one two|    three four|    five"),
            ("  onetwothreefour", 10, "  onetwoth|    reefou|    r"),
            ("  四四四四 四四", 12, "  四四四四|    四四"),
            ("  one two", 3, "  …"),
            ("  one two", 0, ""),
        ] {
            assert_eq!(wrapped(text, columns).join("|"), lines, "{text:?} in {columns}");
        }
    }

    #[test]
    fn lines_take_the_place_of_others_and_leave_nothing() {
        let (mut status, mut terminal) = (Status::default(), Terminal::default());
        let lines = |text: &str| text.lines().map(String::from).collect::<Vec<_>>();
        status.show(&lines("one"), (80, 24), &mut terminal).unwrap();
        // What is shown already is not written again.
        status.show(&lines("one"), (80, 24), &mut terminal).unwrap();
        status.show(&lines("two\nthree"), (80, 24), &mut terminal).unwrap();
        assert!(status.is_shown());
        status.erase(80, &mut terminal).unwrap();
        status.erase(80, &mut terminal).unwrap();
        assert!(!status.is_shown());
        assert_eq!(terminal.0, "one\n<1>two\nthree\n<2>");
    }

    #[test]
    fn a_terminal_may_be_small_or_become_so() {
        let (mut status, mut terminal) = (Status::default(), Terminal::default());
        let lines: Vec<String> = ["12345", "67890", "x"].map(String::from).into();
        status.show(&lines, (5, 4), &mut terminal).unwrap();
        // Each line takes two now.
        status.erase(3, &mut terminal).unwrap();
        status.show(&lines, (5, 2), &mut terminal).unwrap();
        assert_eq!(terminal.0, "12345\n67890\n<4>");
    }
}
