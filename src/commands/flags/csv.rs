//! The values of a list flag, as pflag splits them: the fields of one CSV record (RFC 4180).

/// The fields of a text. A comma in quotes splits nothing, and two quotes in quotes are one.
///
/// # Errors
/// In the words of Go's `encoding/csv`.
pub fn fields(text: &str) -> Result<Vec<String>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let text = text.trim_start_matches(['\r', '\n']);
    if text.is_empty() {
        return Err("EOF".into());
    }
    let fault = |at: usize, what: &str| format!("parse error on {}: {what}", place(text, at));
    let mut fields = Vec::new();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let (field, length) = if rest.starts_with('"') {
            quoted(rest).map_err(|inside| fault(at + inside, "extraneous or missing \" in quoted-field"))?
        } else {
            let length = rest.find([',', '\n']).unwrap_or(rest.len());
            let field = &rest[..length];
            if let Some(quote) = field.find('"') {
                return Err(fault(at + quote, "bare \" in non-quoted-field"));
            }
            (field.strip_suffix('\r').unwrap_or(field).to_owned(), length)
        };
        fields.push(field);
        at += length;
        match text[at..].starts_with(',') {
            true => at += 1,
            // What follows the line is another record.
            false => return Ok(fields),
        }
    }
}

/// The field that a quote begins, and its length; as an error, where its quotes go wrong.
fn quoted(text: &str) -> Result<(String, usize), usize> {
    let mut field = String::new();
    let mut at = 1;
    loop {
        let length = text[at..].find('"').ok_or(text.len())?;
        field.push_str(&text[at..at + length]);
        let quote = at + length;
        at = quote + 1;
        match text[at..].chars().next() {
            Some('"') => {
                field.push('"');
                at += 1;
            }
            None | Some(',' | '\n') => return Ok((field, at)),
            Some('\r') if text[at..].starts_with("\r\n") => return Ok((field, at)),
            Some(_) => return Err(quote),
        }
    }
}

/// Where in a text something is; lines and bytes are counted from one.
fn place(text: &str, at: usize) -> String {
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    format!("line {}, column {}", before.matches('\n').count() + 1, at - start + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_split_as_csv() {
        for (text, want) in [
            ("", Ok(vec![])),
            ("a", Ok(vec!["a"])),
            ("a,b,,c ", Ok(vec!["a", "b", "", "c "])),
            (",", Ok(vec!["", ""])),
            (r#""a,b",c"#, Ok(vec!["a,b", "c"])),
            (r#""a ""b""""#, Ok(vec![r#"a "b""#])),
            ("a\nb", Ok(vec!["a"])),
            ("\"a\nb\"", Ok(vec!["a\nb"])),
            ("\n", Err("EOF")),
            (r#"a"b"#, Err(r#"parse error on line 1, column 2: bare " in non-quoted-field"#)),
            (r#"x,"a"b"#, Err(r#"parse error on line 1, column 5: extraneous or missing " in quoted-field"#)),
            (r#""a"#, Err(r#"parse error on line 1, column 3: extraneous or missing " in quoted-field"#)),
        ] {
            let got = fields(text);
            assert_eq!(
                got.as_ref().map(|f| f.iter().map(String::as_str).collect()).map_err(String::as_str),
                want,
                "{text:?}"
            );
        }
    }
}
