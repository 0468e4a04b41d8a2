//! Laying JSON text out anew without reading it into values: keys keep their order, texts their escapes.

use super::{JsonError, from_slice};

/// The text with `unit` for each level, as Go's `json.Indent` writes it: white space at the start is dropped, that at
/// the end stays.
///
/// # Errors
/// In Go's words, when the text is no JSON.
pub fn indent(text: &str, unit: &str) -> Result<String, JsonError> {
    from_slice(text.as_bytes())?;
    Ok(indented(text, unit))
}

/// As [`indent`], of a text that is known to be JSON.
pub fn indented(text: &str, unit: &str) -> String {
    let end = text.trim_end_matches([' ', '\t', '\r', '\n']).len();
    let (mut out, mut level) = (String::with_capacity(text.len() * 2), 0usize);
    let (mut in_text, mut escaped) = (false, false);
    let line = |out: &mut String, level: usize| {
        out.push('\n');
        (0..level).for_each(|_| out.push_str(unit));
    };
    let mut last = ' ';
    for c in text[..end].chars() {
        if in_text {
            out.push(c);
            (in_text, escaped) = (escaped || c != '"', !escaped && c == '\\');
            last = c;
            continue;
        }
        match c {
            ' ' | '\t' | '\r' | '\n' => continue,
            '}' | ']' => {
                level = level.saturating_sub(1);
                if !matches!(last, '{' | '[') {
                    line(&mut out, level);
                }
            }
            _ if matches!(last, '{' | '[') => line(&mut out, level),
            _ => {}
        }
        out.push(c);
        match c {
            '{' | '[' => level += 1,
            ',' => line(&mut out, level),
            ':' => out.push(' '),
            '"' => in_text = true,
            _ => {}
        }
        last = if c == '"' { ' ' } else { c };
    }
    out.push_str(&text[end..]);
    out
}

/// JSON text without white space, as Go's encoder takes over what is JSON already: `<`, `>`, `&`, U+2028 and U+2029
/// escaped, everything else as it stands.
pub fn compact(text: &str) -> String {
    let (mut out, mut in_text, mut escaped) = (String::with_capacity(text.len()), false, false);
    for c in text.chars() {
        match c {
            ' ' | '\t' | '\r' | '\n' if !in_text => continue,
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
        if in_text {
            (in_text, escaped) = (escaped || c != '"', !escaped && c == '\\');
        } else {
            in_text = c == '"';
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_taken_over() {
        for (text, want) in [
            (" { \"b\" : [ 1.0,\n{} ] }\t", r#"{"b":[1.0,{}]}"#),
            (r#"{"b c": " \" \\", "a": "<&>"}"#, r#"{"b c":" \" \\","a":"\u003c\u0026\u003e"}"#),
            ("\"\u{2028}\u{2029}é\\u00e9\"", r#""\u2028\u2029é\u00e9""#),
        ] {
            assert_eq!(compact(text), want);
        }
    }

    #[test]
    fn text_is_laid_out_and_kept() {
        for (text, want) in [
            (" 1\n", "1\n"),
            ("{}", "{}"),
            ("[ ]", "[]"),
            (
                r#"{"b":"\u003c{,\"]","a":[1, {},[]]}"#,
                "{\n  \"b\": \"\\u003c{,\\\"]\",\n  \"a\": [\n    1,\n    {},\n    []\n  ]\n}",
            ),
            (r#"{"a":"{"}"#, "{\n  \"a\": \"{\"\n}"),
            (r#"["["]"#, "[\n  \"[\"\n]"),
        ] {
            assert_eq!(indent(text, "  ").unwrap(), want, "{text}");
        }
        assert!(indent("{", "  ").is_err());
    }
}
