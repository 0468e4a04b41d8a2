//! Words of a text.

use super::Issue;

/// A word, and where it starts, in characters.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// In characters from the start.
    pub at: usize,
    /// What it is.
    pub kind: Word,
    /// How it is written.
    pub text: String,
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

const SIGNS: [&str; 28] = [
    "&&", "||", "==", "!=", "<=", ">=", "(", ")", "[", "]", "{", "}", ",", ".", "?", ":", "+", "-", "*", "/", "%", "<",
    ">", "!", "in", "=", "&", "|",
];

/// Reads the words of a text, and complains about what is none; that is left out.
pub fn words(text: &str, issues: &mut Vec<Issue>) -> Vec<Token> {
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
        let kind = if let Some(quoted) = text_at(&chars, &mut at) {
            match quoted {
                Ok(kind) => kind,
                Err(end) => {
                    // What comes before may be words by itself: a name, an empty text.
                    let (from, word) = before_text(&chars, start);
                    if let Some(kind) = word {
                        tokens.push(Token { at: start, kind, text: chars[start..from].iter().collect() });
                    }
                    issues.push(unknown(&chars[from..end], from));
                    at = end;
                    continue;
                }
            }
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
            let Some(end) = end else {
                issues.push(unknown(&chars[at..], at));
                break;
            };
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
                found => {
                    // A sign that is only begun takes what disproves it with it.
                    let end = chars.len().min(at + 1 + usize::from(found.is_some()));
                    issues.push(unknown(&chars[at..end], at));
                    at = end;
                    continue;
                }
            }
        };
        tokens.push(Token { at: start, kind, text: chars[start..at].iter().collect() });
    }
    tokens.push(Token { at: chars.len(), kind: Word::End, text: "<EOF>".into() });
    tokens
}

fn unknown(chars: &[char], at: usize) -> Issue {
    let text: String = chars.iter().collect();
    Issue { at, text: format!("Syntax error: token recognition error at: '{text}'") }
}

fn number(chars: &[char], at: &mut usize) -> Word {
    let start = *at;
    if chars[*at] == '0' && matches!(chars.get(*at + 1), Some('x' | 'X')) {
        *at += 2;
        if !chars.get(*at).is_some_and(char::is_ascii_hexdigit) {
            *at -= 1;
            return Word::Int("0".into());
        }
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

/// What stands before a text that does not end: where that begins, and the word if it is one.
fn before_text(chars: &[char], start: usize) -> (usize, Option<Word>) {
    let prefix = chars[start..].iter().take_while(|c| "rRbB".contains(**c)).count();
    if prefix > 0 {
        return (start + prefix, Some(Word::Ident(chars[start..start + prefix].iter().collect())));
    }
    if chars.get(start + 1) == chars.get(start) {
        return (start + 2, Some(Word::Text(String::new())));
    }
    (start, None)
}

/// Reads a text or bytes, if there are any at this place; or says where it is clear that they are not.
fn text_at(chars: &[char], at: &mut usize) -> Option<Result<Word, usize>> {
    let start = *at;
    let prefix = chars[start..].iter().take_while(|c| "rRbB".contains(**c)).count();
    let quote = match chars.get(start + prefix) {
        Some(quote @ ('"' | '\'')) if prefix <= 2 => *quote,
        _ => return None,
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
            None => return Some(Err(chars.len())),
            Some('\n' | '\r') if !triple => return Some(Err(from + 1)),
            Some('\\') if !raw => {
                let rest = &chars[from + 1..];
                let Some((value, length)) = escape(rest) else {
                    return Some(Err(chars.len().min(from + 2 + begun(rest))));
                };
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
    Some(Ok(if bytes { Word::Bytes(out) } else { Word::Text(String::from_utf8_lossy(&out).into_owned()) }))
}

fn put(c: char, out: &mut Vec<u8>) {
    out.extend(c.encode_utf8(&mut [0; 4]).bytes());
}

/// How many characters after a backslash could be the begin of an escape that they are not.
fn begun(rest: &[char]) -> usize {
    let digits = |most: usize| 1 + rest[1..].iter().take(most - 1).take_while(|c| c.is_ascii_hexdigit()).count();
    match rest.first() {
        Some('x' | 'X') => digits(2),
        Some('u') => digits(4),
        Some('U') => digits(8),
        Some('0'..='3') => rest.iter().take(2).take_while(|c| matches!(c, '0'..='7')).count(),
        _ => 0,
    }
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
