//! Literals in quotes, with Go's escapes.

/// The text of a literal, quotes included, in single or double quotes; none when it is no literal.
pub fn unquote(literal: &str) -> Option<String> {
    let quote = literal.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut rest = literal.get(1..)?.strip_suffix(quote)?;
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => rest = escape(rest, quote, &mut bytes)?,
            c if c == quote => return None,
            c => push(c, &mut bytes),
        }
    }
    Some(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

fn push(c: char, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Reads what follows a backslash, and returns what follows that.
fn escape<'a>(text: &'a str, quote: char, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let c = text.chars().next()?;
    let simple = match c {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        '\'' | '"' if c == quote => c as u8,
        'x' => {
            bytes.push(u8::try_from(digits(text, 1..3, 16)?).ok()?);
            return Some(&text[3..]);
        }
        'u' | 'U' => {
            let end = if c == 'u' { 5 } else { 9 };
            push(char::from_u32(digits(text, 1..end, 16)?)?, bytes);
            return Some(&text[end..]);
        }
        '0'..='7' => {
            bytes.push(u8::try_from(digits(text, 0..3, 8)?).ok()?);
            return Some(&text[3..]);
        }
        _ => return None,
    };
    bytes.push(simple);
    Some(&text[1..])
}

fn digits(text: &str, range: std::ops::Range<usize>, radix: u32) -> Option<u32> {
    let digits = text.get(range)?;
    digits.chars().all(|c| c.is_digit(radix)).then(|| u32::from_str_radix(digits, radix).ok())?
}

#[cfg(test)]
mod tests {
    use super::unquote;

    #[test]
    fn escapes_are_gos() {
        for (literal, want) in [
            (r#""""#, Some("")),
            (r#""a'b""#, Some("a'b")),
            (r#"'a"b'"#, Some("a\"b")),
            (r#""\a\b\f\n\r\t\v\\\"""#, Some("\x07\x08\x0c\n\r\t\x0b\\\"")),
            (r#""\x41\u00e9\U0001F600\101""#, Some("Aé😀A")),
            (r#""\xe2\x82\xac""#, Some("€")),
            (r"'\''", Some("'")),
            (r#""\'""#, None),
            (r#""\q""#, None),
            (r#""\x4""#, None),
            (r#""\x+4""#, None),
            (r#""\400""#, None),
            (r#""\ud800""#, None),
            (r#"""#, None),
            ("x", None),
        ] {
            assert_eq!(unquote(literal).as_deref(), want, "{literal}");
        }
    }
}
