//! Text that may say anything but command nothing.

use std::io::{self, Write};

/// Makes control characters visible, except line feeds and tabs: `^[` for the escape character, `^?` for delete,
/// `\u009b` for what is beyond ASCII, `\x9b` for a byte that is no text at all (a terminal that does not read UTF-8
/// takes it for a control character).
#[derive(Debug, Default)]
pub struct Guard {
    /// The first bytes of a character whose last are still to come.
    pending: Vec<u8>,
}

impl Guard {
    /// Writes text to a terminal. A character may come in pieces.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn pass(&mut self, bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
        let mut held = std::mem::take(&mut self.pending);
        let whole = match held.is_empty() {
            true => bytes,
            false => {
                held.extend_from_slice(bytes);
                &held
            }
        };
        let mut chunks = whole.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text(chunk.valid(), out)?;
            let unfinished = |bytes| std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none());
            if chunks.peek().is_none() && unfinished(chunk.invalid()) {
                self.pending = chunk.invalid().to_vec();
                break;
            }
            chunk.invalid().iter().try_for_each(|byte| write!(out, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

fn text(text: &str, out: &mut impl Write) -> io::Result<()> {
    let mut clean = 0;
    for (at, control) in text.char_indices().filter(|(_, c)| c.is_control() && !matches!(c, '\n' | '\t')) {
        out.write_all(&text.as_bytes()[clean..at])?;
        match control {
            '\0'..='\x7f' => out.write_all(&[b'^', control as u8 ^ 0x40])?,
            _ => write!(out, "\\u{:04x}", u32::from(control))?,
        }
        clean = at + control.len_utf8();
    }
    out.write_all(&text.as_bytes()[clean..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_commands_a_terminal() {
        for (bytes, want) in [
            ("plain é € \u{a0}\n\tx".as_bytes(), "plain é € \u{a0}\n\tx"),
            (b"\x1b[2J\r\x07\x7f\0", "^[[2J^M^G^?^@"),
            ("\u{9b}31m\u{80}\u{9f}\u{a1}".as_bytes(), "\\u009b31m\\u0080\\u009f\u{a1}"),
            // The byte 9b is a part of the first character, and by itself none.
            ("四\u{9b}".as_bytes(), "四\\u009b"),
            (b"a\x9b31m\xc2\x1b\xe5\x9bz", "a\\x9b31m\\xc2^[\\xe5\\x9bz"),
        ] {
            let mut whole = Vec::new();
            Guard::default().pass(bytes, &mut whole).unwrap();
            assert_eq!(String::from_utf8(whole).unwrap(), want);
            let (mut in_pieces, mut guard) = (Vec::new(), Guard::default());
            bytes.iter().for_each(|byte| guard.pass(&[*byte], &mut in_pieces).unwrap());
            assert_eq!(String::from_utf8(in_pieces).unwrap(), want);
        }
    }

    #[test]
    fn no_bytes_whatever_get_a_control_character_through() {
        let mut state = 1u64;
        for _ in 0..500 {
            let mut bytes = Vec::new();
            for _ in 0..40 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                // Most of what is dangerous is rare among all bytes.
                bytes.push(match state >> 60 {
                    0..4 => b"\x1b\x9b\xc2\x7f\r\xe5\x90\x80"[(state >> 40) as usize % 8],
                    _ => (state >> 50) as u8,
                });
            }
            let (mut shown, mut guard) = (Vec::new(), Guard::default());
            for piece in bytes.chunks(1 + (state >> 33) as usize % 7) {
                guard.pass(piece, &mut shown).unwrap();
            }
            let shown = String::from_utf8(shown).unwrap();
            assert!(shown.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t')), "{bytes:x?}");
        }
    }
}
