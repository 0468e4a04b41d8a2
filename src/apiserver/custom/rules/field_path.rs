//! Paths to fields of a schema, as rules and selectable fields have them: `.name`, `['name']`.

use crate::apiserver::custom::schema::{Additional, Schema};
use std::sync::LazyLock;

/// The schema of values that may be anything.
static ANYTHING: LazyLock<Schema> = LazyLock::new(Schema::default);

/// What a path leads to, and the path as errors write it. Whether names may stand in `brackets` is up to who asks.
///
/// # Errors
/// Why it leads nowhere.
pub fn resolve<'a>(path: &str, schema: &'a Schema, brackets: bool) -> Result<(String, &'a Schema), String> {
    let (mut tokens, mut schema, mut out) = (Tokens(path), schema, String::new());
    while let Some(token) = tokens.next() {
        let mut following = || tokens.next().ok_or("unexpected end of JSON path");
        let name = match token {
            "." => following()?.to_owned(),
            "[" if !brackets => return Err("array notation is not allowed".into()),
            "[" => {
                let quoted = following()?;
                let name = quoted.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
                let name = name.ok_or_else(|| format!("expected single quoted string but got {quoted}"))?;
                unescaped(name).map_err(|wrong| format!("invalid string literal: invalid escape char {wrong}"))?
            }
            other => return Err(format!("expected [ or . but got: {other}")),
        };
        let nowhere = "does not refer to a valid field";
        if schema.properties.is_empty() {
            schema = match &schema.additional {
                Additional::Of(of_values) => of_values,
                Additional::Any => &ANYTHING,
                Additional::None => return Err(nowhere.into()),
            };
            out.push_str(&format!("[{name}]"));
        } else {
            schema = schema.properties.get(&name).ok_or(nowhere)?;
            let dot = if out.is_empty() { "" } else { "." };
            out.push_str(&format!("{dot}{name}"));
        }
        if token == "[" {
            match following()? {
                "]" => {}
                other => return Err(format!("expected ] but got {other}")),
            }
        }
    }
    Ok((out, schema))
}

/// The parts of a path: dots and brackets, what is between single quotes, and all other text.
struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let bytes = self.0.as_bytes();
        let end = match *bytes.first()? {
            b'.' | b'[' | b']' => 1,
            b'\'' => (1..bytes.len())
                .find(|at| bytes[*at] == b'\'' && bytes[at - 1] != b'\\')
                .map_or(bytes.len(), |at| at + 1),
            _ => self.0.find(['.', '[', ']']).unwrap_or(bytes.len()),
        };
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(token)
    }
}

/// What stands between single quotes, or what is no escape in it.
fn unescaped(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('a') => '\u{7}',
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('v') => '\u{b}',
                Some(c @ ('\'' | '\\')) => c,
                Some(c) => return Err(format!("\\{c}")),
                None => '\\',
            },
            c => c,
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_to_fields() {
        let schema = Schema::compile(&json!({"type": "object", "properties": {
            "a": {"type": "object", "properties": {"b.c": {"type": "string"}, "it's": {"type": "string"}}},
            "m": {"type": "object", "additionalProperties": {"type": "integer"}},
        }}));
        for (path, brackets, want) in [
            (".a", true, Ok("a")),
            (".a['b.c']", true, Ok("a.b.c")),
            (r".a['it\'s']", true, Ok("a.it's")),
            (".m['k']", true, Ok("m[k]")),
            (".m.k", false, Ok("m[k]")),
            ("", true, Ok("")),
            (".a['b.c']", false, Err("array notation is not allowed")),
            ("a", true, Err("expected [ or . but got: a")),
            (".a.", true, Err("unexpected end of JSON path")),
            (".b", true, Err("does not refer to a valid field")),
            (".a[0]", true, Err("expected single quoted string but got 0")),
            (".a['b.c'", true, Err("unexpected end of JSON path")),
            (r".a['\x']", true, Err(r"invalid string literal: invalid escape char \x")),
            (".a['it", true, Err("expected single quoted string but got 'it")),
        ] {
            let found = resolve(path, &schema, brackets).map(|(path, _)| path);
            assert_eq!(found, want.map(str::to_owned).map_err(str::to_owned), "{path}");
        }
    }
}
