//! What a terminal may be sent, and what only it is sent: colours, and lines that are written anew.
//!
//! Text passes a [`guard`] on its way to a terminal. What is meant to command the terminal is no text but a call: a
//! [`Style`], or [`Surface::back`]. So nothing that a server says can look like it.

mod guard;
mod status;

use guard::Guard;
pub use status::{Status, fitting};
use std::borrow::Cow;
use std::io::{self, Write};

/// A server's text without what would let it steer a terminal, as kubectl prints it in tables and descriptions:
/// `^[` for the escape character, `\r` for the carriage return.
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b == b'\x1b' || b == b'\r') {
        Cow::Owned(text.replace('\x1b', "^[").replace('\r', "\\r"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A piece of text on one line, with all control characters made visible and tabs as blanks.
pub fn visible(text: &str) -> String {
    let mut shown = Vec::with_capacity(text.len());
    // Writing to memory cannot fail.
    let _ = Guard::default().pass(text.as_bytes(), &mut shown);
    String::from_utf8(shown).unwrap_or_default().replace(['\n', '\t'], " ")
}

/// When to use colours: `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// On a terminal that is known to have them.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Colour {
    /// Reads a value of `--color`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "always" => Some(Self::Always),
            "never" => Some(Self::Never),
            _ => None,
        }
    }

    /// Whether to use colours on an output. NO_COLOR (no-color.org) counts when it says anything at all; TERM when it
    /// is `dumb`.
    pub fn enabled(self, is_terminal: bool, no_color: Option<&str>, term: Option<&str>) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => is_terminal && no_color.is_none() && term != Some("dumb"),
        }
    }
}

/// How text looks on a terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// As all text does.
    #[default]
    Plain,
    /// Headings.
    Bold,
    /// What is over, old or not there.
    Faint,
    /// What went wrong, or goes.
    Red,
    /// What is well, or comes.
    Green,
    /// What is not well yet.
    Yellow,
    /// What is new, or a place.
    Cyan,
    /// The word before a warning, as kubectl shows it.
    Warning,
}

impl Style {
    fn code(self) -> &'static [u8] {
        match self {
            Self::Plain => b"\x1b[0m",
            Self::Bold => b"\x1b[1m",
            Self::Faint => b"\x1b[2m",
            Self::Red => b"\x1b[31m",
            Self::Green => b"\x1b[32m",
            Self::Yellow => b"\x1b[33m",
            Self::Cyan => b"\x1b[36m",
            Self::Warning => b"\x1b[33;1m",
        }
    }
}

/// Where text goes that may have styles. What is no terminal takes the text alone.
pub trait Surface: Write {
    /// Whether styles show.
    fn is_coloured(&self) -> bool {
        false
    }

    /// What follows looks like this.
    ///
    /// # Errors
    /// Those of the writer.
    fn style(&mut self, _: Style) -> io::Result<()> {
        Ok(())
    }

    /// Takes the last `lines` lines away, so that others can take their place.
    ///
    /// # Errors
    /// Those of the writer.
    fn back(&mut self, _lines: usize) -> io::Result<()> {
        Ok(())
    }

    /// Writes text in a style, and goes on in the usual one.
    ///
    /// # Errors
    /// Those of the writer.
    fn styled(&mut self, style: Style, text: &str) -> io::Result<()> {
        if style == Style::Plain || text.is_empty() || !self.is_coloured() {
            return self.write_all(text.as_bytes());
        }
        self.style(style)?;
        self.write_all(text.as_bytes())?;
        self.style(Style::Plain)
    }
}

impl Surface for Vec<u8> {}

impl Surface for dyn Write + '_ {}

impl<T: Surface + ?Sized> Surface for &mut T {
    fn is_coloured(&self) -> bool {
        (**self).is_coloured()
    }
    fn style(&mut self, style: Style) -> io::Result<()> {
        (**self).style(style)
    }
    fn back(&mut self, lines: usize) -> io::Result<()> {
        (**self).back(lines)
    }
}

/// One of the program's outputs. A terminal gets guarded text, all else the bytes as they are; but where colours were
/// asked for in a pipe, a terminal is behind it.
pub struct Screen {
    out: Box<dyn Write>,
    is_terminal: bool,
    coloured: bool,
    guard: Guard,
}

impl Screen {
    /// A screen without colours.
    pub fn new(out: Box<dyn Write>, is_terminal: bool) -> Self {
        Self { out, is_terminal, coloured: false, guard: Guard::default() }
    }

    /// Whether a person reads it, and not a file or another program.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Uses colours, or no longer.
    pub fn set_coloured(&mut self, coloured: bool) {
        self.coloured = coloured;
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_terminal && !self.coloured {
            return self.out.write(bytes);
        }
        self.guard.pass(bytes, &mut self.out)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Surface for Screen {
    fn is_coloured(&self) -> bool {
        self.coloured
    }

    /// All at once, so that a signal does not come between.
    fn styled(&mut self, style: Style, text: &str) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(text.len() + 8);
        let style = (style != Style::Plain && !text.is_empty() && self.coloured).then_some(style);
        if let Some(style) = style {
            bytes.extend_from_slice(style.code());
        }
        match self.is_terminal || self.coloured {
            true => self.guard.pass(text.as_bytes(), &mut bytes)?,
            false => bytes.extend_from_slice(text.as_bytes()),
        }
        if style.is_some() {
            bytes.extend_from_slice(Style::Plain.code());
        }
        self.out.write_all(&bytes)
    }

    fn style(&mut self, style: Style) -> io::Result<()> {
        if self.coloured { self.out.write_all(style.code()) } else { Ok(()) }
    }

    fn back(&mut self, lines: usize) -> io::Result<()> {
        if self.is_terminal && lines > 0 {
            // To the start of the line that many lines above (CPL), and away with all from there on (ED).
            self.out.write_all(format!("\x1b[{lines}F\x1b[J").as_bytes())?;
        }
        Ok(())
    }
}

/// How many characters a line of the terminal holds, and how many lines it shows.
#[cfg(unix)]
pub fn size() -> Option<(usize, usize)> {
    use rustix::termios::tcgetwinsize;
    let size = tcgetwinsize(io::stdout()).or_else(|_| tcgetwinsize(io::stderr())).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col.into(), size.ws_row.into()))
}

/// How many characters a line of the terminal holds, and how many lines it shows.
#[cfg(not(unix))]
pub fn size() -> Option<(usize, usize)> {
    None
}

/// Whether another program gets what is printed. It may itself write to the terminal, at any time.
#[cfg(unix)]
pub fn is_piped() -> bool {
    use rustix::fs::{FileType, fstat};
    let kind = fstat(io::stdout()).map(|found| FileType::from_raw_mode(found.st_mode));
    matches!(kind, Ok(FileType::Fifo | FileType::Socket))
}

/// Whether another program gets what is printed. It may itself write to the terminal, at any time.
#[cfg(not(unix))]
pub fn is_piped() -> bool {
    !io::IsTerminal::is_terminal(&io::stdout())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    #[derive(Clone, Default)]
    struct Shared(Rc<RefCell<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn tables_are_escaped() {
        assert_eq!(escape("a\x1b[31m\rb\nc"), "a^[[31m\\rb\nc");
        assert!(matches!(escape("plain\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn colours_need_a_terminal() {
        for (colour, terminal, no_color, term, want) in [
            ("auto", true, None, Some("xterm"), true),
            ("auto", true, Some("1"), Some("xterm"), false),
            ("auto", true, None, Some("dumb"), false),
            ("auto", false, None, None, false),
            ("always", false, Some("1"), None, true),
            ("never", true, None, None, false),
        ] {
            assert_eq!(Colour::parse(colour).unwrap().enabled(terminal, no_color, term), want, "{colour}");
        }
        assert_eq!(Colour::parse("Always"), None);
    }

    #[test]
    fn only_calls_command_a_screen() {
        for (is_terminal, coloured, want) in [
            (false, false, "\x1b[1ma\rb"),
            (false, true, "\x1b[31m^[[1ma^Mb\x1b[0m"),
            (true, false, "^[[1ma^Mb\x1b[2F\x1b[J"),
            (true, true, "\x1b[31m^[[1ma^Mb\x1b[0m\x1b[2F\x1b[J"),
        ] {
            let written = Shared::default();
            let mut screen = Screen::new(Box::new(written.clone()), is_terminal);
            screen.set_coloured(coloured);
            screen.styled(Style::Red, "\x1b[1ma\rb").unwrap();
            screen.back(2).unwrap();
            screen.back(0).unwrap();
            assert_eq!(String::from_utf8(written.0.borrow().clone()).unwrap(), want, "{is_terminal} {coloured}");
        }
    }
}
