//! Classes of characters as Go's package `unicode` has them, found with what the standard library knows.

/// Whether Go calls a character printable: not a control, format or private character, not unassigned, and no space
/// but the ASCII one.
pub(super) fn is_printable(character: char) -> bool {
    // Behind another character, the debug form escapes only what is not printable.
    let mut buffer = [b'a'; 5];
    let length = character.encode_utf8(&mut buffer[1..]).len();
    let text = str::from_utf8(&buffer[..=length]).unwrap_or_default();
    matches!(character, '\'' | '"' | '\\') || text.escape_debug().nth(1) == Some(character)
}

/// Whether Go calls a character a letter. The alphabet of the standard library has more: numerals that look like
/// letters and marks that combine with letters. Those of the marks that take space of their own are not told apart.
pub(super) fn is_letter(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphabetic();
    }
    // In front, the debug form also escapes what combines with the character before it.
    character.is_alphabetic() && !character.is_numeric() && character.escape_debug().next() == Some(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        for (character, printable, letter) in [
            ('a', true, true),
            ('\'', true, false),
            (' ', true, false),
            ('\t', false, false),
            ('é', true, true),
            ('日', true, true),
            ('😀', true, false),
            ('\u{301}', true, false),
            ('Ⅳ', true, false),
            ('\u{a0}', false, false),
            ('\u{ad}', false, false),
            ('\u{200b}', false, false),
            ('\u{e000}', false, false),
            ('\u{378}', false, false),
            ('\u{2028}', false, false),
        ] {
            assert_eq!((is_printable(character), is_letter(character)), (printable, letter), "{character:?}");
        }
    }
}
