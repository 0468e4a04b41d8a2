//! What a terminal may be sent.

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
    /// Whether to use colours on an output. NO_COLOR (no-color.org) counts when it is there at all, whatever it says;
    /// so does TERM when it is `dumb`.
    pub fn enabled(self, is_terminal: bool, no_color: Option<&str>, term: Option<&str>) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => is_terminal && no_color.is_none() && term != Some("dumb"),
        }
    }
}

/// Passes text on to a terminal with all control characters made visible, except line feeds and tabs: `^[` for the
/// escape character, `^?` for delete, `\u009b` for what is beyond ASCII.
#[derive(Debug)]
pub struct Guard<W> {
    out: W,
    /// A first byte that may begin a control character beyond ASCII (all of them begin with it in UTF-8).
    pending: bool,
}

/// The first byte of U+0080 to U+00BF in UTF-8.
const LEAD: u8 = 0xc2;

impl<W: Write> Guard<W> {
    /// Guards a writer that is a terminal.
    pub fn new(out: W) -> Self {
        Self { out, pending: false }
    }
}

impl<W: Write> Write for Guard<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut clean = 0;
        for (index, &byte) in bytes.iter().enumerate() {
            let led = std::mem::replace(&mut self.pending, byte == LEAD);
            if byte == LEAD || led || is_control(byte) {
                self.out.write_all(&bytes[clean..index])?;
                clean = index + 1;
            }
            match byte {
                _ if led && (0x80..0xa0).contains(&byte) => write!(self.out, "\\u{byte:04x}")?,
                _ if led && is_control(byte) => {
                    self.out.write_all(&[LEAD])?;
                    visible(&mut self.out, byte)?;
                }
                LEAD if led => self.out.write_all(&[LEAD])?,
                LEAD => {}
                _ if led => self.out.write_all(&[LEAD, byte])?,
                _ if is_control(byte) => visible(&mut self.out, byte)?,
                _ => {}
            }
        }
        self.out.write_all(&bytes[clean..])?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\n' && byte != b'\t'
}

fn visible(out: &mut impl Write, byte: u8) -> io::Result<()> {
    out.write_all(&[b'^', byte ^ 0x40])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_escaped() {
        assert_eq!(escape("a\x1b[31m\rb\nc"), "a^[[31m\\rb\nc");
        assert!(matches!(escape("plain\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_terminal_is_guarded() {
        for (text, want) in [
            ("plain é € \u{a0}\n\tx", "plain é € \u{a0}\n\tx"),
            ("\x1b[2J\r\x07\x7f\0", "^[[2J^M^G^?^@"),
            ("\u{9b}31m\u{80}\u{9f}\u{a1}", "\\u009b31m\\u0080\\u009f\u{a1}"),
        ] {
            let mut whole = Vec::new();
            Guard::new(&mut whole).write_all(text.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(whole).unwrap(), want);
            let mut in_pieces = Vec::new();
            let mut guard = Guard::new(&mut in_pieces);
            text.as_bytes().iter().for_each(|byte| guard.write_all(&[*byte]).unwrap());
            assert_eq!(String::from_utf8(in_pieces).unwrap(), want);
        }
    }

    #[test]
    fn colours_need_a_terminal() {
        for (colour, terminal, no_color, term, want) in [
            (Colour::Auto, true, None, Some("xterm"), true),
            (Colour::Auto, true, Some(""), Some("xterm"), false),
            (Colour::Auto, true, None, Some("dumb"), false),
            (Colour::Auto, false, None, None, false),
            (Colour::Always, false, Some("1"), None, true),
            (Colour::Never, true, None, None, false),
        ] {
            assert_eq!(colour.enabled(terminal, no_color, term), want);
        }
    }
}
