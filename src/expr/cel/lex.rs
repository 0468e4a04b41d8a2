//! Words of a text.

use super::Issue;

/// A word, and where it starts, in characters.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// In characters from the start.
    pub at: usize,
    /// What it is.
    pub kind: Word,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// A name.
    Ident(String),
    /// A whole number.
    Int(String),
    /// A whole number with `u` behind it.
    Uint(String),
    /// A number with a point or an exponent.
    Float(String),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// An operator or a bracket.
    Sign(&'static str),
    /// The end.
    End,
}

impl Word {
    /// The word as it is written, for messages.
    pub fn shown(&self) -> String {
        match self {
            Self::Ident(text) | Self::Int(text) | Self::Float(text) => text.clone(),
            Self::Uint(text) => format!("{text}u"),
            Self::Text(text) => format!("\"{text}\""),
            Self::Bytes(_) => "b\"...\"".into(),
            Self::Sign(sign) => (*sign).into(),
            Self::End => "<EOF>".into(),
        }
    }
}

const SIGNS: [&str; 28] = [
    "&&", "||", "==", "!=", "<=", ">=", "(", ")", "[", "]", "{", "}", ",", ".", "?", ":", "+", "-", "*", "/", "%", "<",
    ">", "!", "in", "=", "&", "|",
];

/// Reads the words of a text.
pub fn words(text: &str) -> Result<Vec<Token>, Vec<Issue>> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        if c.is_whitespace() {
            at += 1;
            continue;
        }
        if c == '/' && chars.get(at + 1) == Some(&'/') {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
            continue;
        }
        let start = at;
        let kind = if let Some(kind) = text_at(&chars, &mut at).map_err(|issue| vec![issue])? {
            kind
        } else if c.is_ascii_digit() || c == '.' && chars.get(at + 1).is_some_and(char::is_ascii_digit) {
            number(&chars, &mut at)
        } else if c.is_ascii_alphabetic() || c == '_' {
            while chars.get(at).is_some_and(|c| c.is_ascii_alphanumeric() || *c == '_') {
                at += 1;
            }
            let word: String = chars[start..at].iter().collect();
            if word == "in" { Word::Sign("in") } else { Word::Ident(word) }
        } else if c == '`' {
            let end = chars[at + 1..].iter().position(|c| *c == '`');
            let Some(end) = end else { return Err(vec![unknown(&chars, at)]) };
            at += end + 2;
            Word::Ident(chars[start + 1..at - 1].iter().collect())
        } else {
            let sign = SIGNS.iter().find(|sign| {
                **sign != "in" && sign.chars().enumerate().all(|(index, c)| chars.get(at + index) == Some(&c))
            });
            match sign {
                Some(sign) if !["=", "&", "|"].contains(sign) => {
                    at += sign.len();
                    Word::Sign(sign)
                }
                _ => return Err(vec![unknown(&chars, at)]),
            }
        };
        tokens.push(Token { at: start, kind });
    }
    tokens.push(Token { at: chars.len(), kind: Word::End });
    Ok(tokens)
}

fn unknown(chars: &[char], at: usize) -> Issue {
    let text: String = chars[at..].iter().take(1).collect();
    Issue { at, text: format!("Syntax error: token recognition error at: '{text}'") }
}

fn number(chars: &[char], at: &mut usize) -> Word {
    let start = *at;
    if chars[*at] == '0' && matches!(chars.get(*at + 1), Some('x' | 'X')) {
        *at += 2;
        while chars.get(*at).is_some_and(char::is_ascii_hexdigit) {
            *at += 1;
        }
    } else {
        let digits = |at: &mut usize| {
            while chars.get(*at).is_some_and(char::is_ascii_digit) {
                *at += 1;
            }
        };
        digits(at);
        let mut float = false;
        if chars.get(*at) == Some(&'.') && chars.get(*at + 1).is_some_and(char::is_ascii_digit) {
            float = true;
            *at += 1;
            digits(at);
        }
        if matches!(chars.get(*at), Some('e' | 'E')) {
            let sign = usize::from(matches!(chars.get(*at + 1), Some('+' | '-')));
            if chars.get(*at + 1 + sign).is_some_and(char::is_ascii_digit) {
                float = true;
                *at += 1 + sign;
                digits(at);
            }
        }
        if float {
            return Word::Float(chars[start..*at].iter().collect());
        }
    }
    let text: String = chars[start..*at].iter().collect();
    if matches!(chars.get(*at), Some('u' | 'U')) {
        *at += 1;
        return Word::Uint(text);
    }
    Word::Int(text)
}

/// Reads a text or bytes, if there are any at this place.
fn text_at(chars: &[char], at: &mut usize) -> Result<Option<Word>, Issue> {
    let start = *at;
    let prefix = chars[start..].iter().take_while(|c| "rRbB".contains(**c)).count();
    let quote = match chars.get(start + prefix) {
        Some(quote @ ('"' | '\'')) if prefix <= 2 => *quote,
        _ => return Ok(None),
    };
    let flags: String = chars[start..start + prefix].iter().collect::<String>().to_lowercase();
    let (raw, bytes) = (flags.contains('r'), flags.contains('b'));
    let mut from = start + prefix;
    let triple = chars.get(from + 1) == Some(&quote) && chars.get(from + 2) == Some(&quote);
    let width = if triple { 3 } else { 1 };
    from += width;
    let mut out: Vec<u8> = Vec::new();
    loop {
        let ends = (0..width).all(|index| chars.get(from + index) == Some(&quote));
        match chars.get(from) {
            _ if ends => break,
            None => return Err(unterminated(chars, start)),
            Some('\n') if !triple => return Err(unterminated(chars, start)),
            Some('\\') if !raw => {
                let (value, length) = escape(&chars[from + 1..]).ok_or_else(|| unterminated(chars, start))?;
                match value {
                    Escaped::Char(c) => put(c, &mut out),
                    // In bytes an escape is one byte; in a text it is a code point.
                    Escaped::Code(code) if bytes && code < 256 => out.push(code as u8),
                    Escaped::Code(code) => put(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), &mut out),
                }
                from += 1 + length;
            }
            Some(c) => {
                put(*c, &mut out);
                from += 1;
            }
        }
    }
    *at = from + width;
    Ok(Some(if bytes { Word::Bytes(out) } else { Word::Text(String::from_utf8_lossy(&out).into_owned()) }))
}

fn put(c: char, out: &mut Vec<u8>) {
    out.extend(c.encode_utf8(&mut [0; 4]).bytes());
}

fn unterminated(chars: &[char], at: usize) -> Issue {
    let text: String = chars[at..].iter().collect();
    Issue { at, text: format!("Syntax error: token recognition error at: '{text}'") }
}

enum Escaped {
    Char(char),
    Code(u32),
}

/// What stands behind a backslash, and how many characters it takes.
fn escape(rest: &[char]) -> Option<(Escaped, usize)> {
    let code = |from: usize, count: usize, radix: u32| {
        let digits: String = rest.get(from..from + count)?.iter().collect();
        Some((Escaped::Code(u32::from_str_radix(&digits, radix).ok()?), from + count))
    };
    let plain = |c: char| Some((Escaped::Char(c), 1));
    match rest.first()? {
        'a' => plain('\u{7}'),
        'b' => plain('\u{8}'),
        'f' => plain('\u{c}'),
        'n' => plain('\n'),
        'r' => plain('\r'),
        't' => plain('\t'),
        'v' => plain('\u{b}'),
        c @ ('\\' | '\'' | '"' | '`' | '?') => plain(*c),
        'x' | 'X' => code(1, 2, 16),
        'u' => code(1, 4, 16),
        'U' => code(1, 8, 16),
        '0'..='3' => code(0, 3, 8),
        _ => None,
    }
}
