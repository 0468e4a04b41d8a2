//! Classes of characters: in brackets, by name, and those that an escape stands for.

use super::parse::{Fault, fault};
use regex::Regex;
use std::fmt::Write;

const NAMED: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

/// Reads a class in brackets; gives it in Rust's dialect, and what is after it.
pub fn bracketed(text: &str) -> Result<(String, &str), Fault> {
    let mut rest = &text[1..];
    let mut out = String::from("[");
    if let Some(after) = rest.strip_prefix('^') {
        out.push('^');
        rest = after;
    }
    let mut first = true;
    while first || !rest.starts_with(']') {
        first = false;
        if let Some((name, after)) = rest.strip_prefix("[:").and_then(|after| after.split_once(":]")) {
            if !NAMED.contains(&name.strip_prefix('^').unwrap_or(name)) {
                return fault("invalid character class range", &rest[..rest.len() - after.len()]);
            }
            out.push_str(&rest[..rest.len() - after.len()]);
            rest = after;
            continue;
        }
        if let Some((inner, after)) = group(rest)? {
            out.push_str(&inner);
            rest = after;
            continue;
        }
        let start = rest;
        let (low, after) = one(rest, text)?;
        rest = after;
        // A hyphen before the end is one of the characters.
        let mut high = low;
        if let Some(after) = rest.strip_prefix('-').filter(|after| !after.is_empty() && !after.starts_with(']')) {
            (high, rest) = one(after, text)?;
            if high < low {
                return fault("invalid character class range", &start[..start.len() - rest.len()]);
            }
        }
        // Writing to a String cannot fail.
        let _ = write!(out, "\\x{{{:x}}}-\\x{{{:x}}}", u32::from(low), u32::from(high));
    }
    out.push(']');
    Ok((out, &rest[1..]))
}

fn one<'a>(text: &'a str, class: &str) -> Result<(char, &'a str), Fault> {
    match text.chars().next() {
        None => fault("missing closing ]", class),
        Some('\\') => escaped(text),
        Some(c) => Ok((c, &text[c.len_utf8()..])),
    }
}

/// Reads an escape that stands for several characters: `\d`, `\pL`, `\p{Greek}`. Gives what stands in brackets for it,
/// and what is after it; none when it is another one.
pub fn group(text: &str) -> Result<Option<(String, &str)>, Fault> {
    let Some(c) = text.strip_prefix('\\').and_then(|after| after.chars().next()) else { return Ok(None) };
    // All of them know ASCII only.
    let class = match c {
        'd' => "0-9",
        'D' => "[^0-9]",
        's' => r"\t\n\f\r ",
        'S' => r"[^\t\n\f\r ]",
        'w' => "0-9A-Za-z_",
        'W' => "[^0-9A-Za-z_]",
        'p' | 'P' => {
            let name = &text[2..];
            let length = match name.chars().next() {
                Some('{') => name.find('}').map(|end| end + 1),
                Some(c) => Some(c.len_utf8()),
                None => None,
            };
            let Some(length) = length else { return fault("invalid character class range", text) };
            let (sequence, rest) = text.split_at(2 + length);
            let name = sequence[2..].trim_start_matches('{').trim_end_matches('}');
            let (name, flips) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
            let sign = if (c == 'P') != flips { 'P' } else { 'p' };
            let class = format!("\\{sign}{{{name}}}");
            let is_known = name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()) && Regex::new(&class).is_ok();
            if !is_known {
                return fault("invalid character class range", sequence);
            }
            return Ok(Some((class, rest)));
        }
        _ => return Ok(None),
    };
    Ok(Some((class.into(), &text[2..])))
}

/// Reads an escape that stands for one character; gives it and what is after it.
pub fn escaped(text: &str) -> Result<(char, &str), Fault> {
    let mut chars = text.char_indices().skip(1);
    let Some((at, c)) = chars.next() else { return fault("trailing backslash at end of expression", "") };
    let rest = &text[at + c.len_utf8()..];
    let wrong = |length: usize| fault("invalid escape sequence", &text[..length]);
    let octal = |c: char| c.is_digit(8);
    let found = match c {
        'a' => '\u{7}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '0'..='7' if c == '0' || rest.starts_with(octal) => {
            let digits = &text[1..];
            let length = digits.chars().take(3).take_while(|c| octal(*c)).count();
            let code = u32::from_str_radix(&digits[..length], 8).unwrap_or_default();
            let Some(c) = char::from_u32(code) else { return wrong(1 + length) };
            return Ok((c, &digits[length..]));
        }
        'x' => return hexadecimal(text, rest),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => c,
        c => return wrong(1 + c.len_utf8()),
    };
    Ok((found, rest))
}

/// Reads `\x41` or `\x{41}`; `digits` is what comes after the `x`.
fn hexadecimal<'a>(text: &'a str, digits: &'a str) -> Result<(char, &'a str), Fault> {
    let wrong = |rest: &str| fault("invalid escape sequence", &text[..text.len() - rest.len()]);
    let step = |rest: &'a str| rest.chars().next().map(|c| (c, &rest[c.len_utf8()..]));
    let Some((first, mut rest)) = step(digits) else { return wrong(digits) };
    if first != '{' {
        // Go reads two characters before it looks at them, and the end of the text as one that is none.
        let Some((second, rest)) = step(rest) else { return wrong("") };
        let code = first.to_digit(16).zip(second.to_digit(16)).map(|(high, low)| high * 16 + low);
        return match code.and_then(char::from_u32) {
            Some(c) => Ok((c, rest)),
            None => wrong(rest),
        };
    }
    let (mut code, mut count) = (0, 0);
    while let Some((c, after)) = step(rest) {
        rest = after;
        match c.to_digit(16) {
            None if c == '}' && count > 0 => {
                return char::from_u32(code).map_or_else(|| wrong(rest), |c| Ok((c, rest)));
            }
            None => return wrong(rest),
            Some(digit) => (code, count) = (code * 16 + digit, count + 1),
        }
        if code > u32::from(char::MAX) {
            return wrong(rest);
        }
    }
    wrong(rest)
}
