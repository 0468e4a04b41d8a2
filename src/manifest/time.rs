//! What Go's `time.Parse` finds wrong with a time that should have the form of RFC 3339.

use std::fmt::Write;

const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";

/// What is wrong with a time.
pub(super) fn problem(text: &str) -> Option<String> {
    parse(text).err().map(|wrong| match wrong {
        Wrong::Form(rest, part) => {
            format!(
                "parsing time {} as {}: cannot parse {} as {}",
                quote(text),
                quote(LAYOUT),
                quote(rest),
                quote(part)
            )
        }
        Wrong::Range(what) => format!("parsing time {}: {what} out of range", quote(text)),
        Wrong::Extra(rest) => format!("parsing time {}: extra text: {}", quote(text), quote(rest)),
    })
}

enum Wrong<'a> {
    /// What is left of the text is not what the layout's part asks for.
    Form(&'a str, &'static str),
    Range(&'static str),
    Extra(&'a str),
}

fn parse(text: &str) -> Result<(), Wrong<'_>> {
    let mut rest = text;
    let year = number(&mut rest, "", "2006", 4)?;
    let month = ranged(number(&mut rest, "-", "01", 2)?, 1, 12, "month")?;
    let day = number(&mut rest, "-", "02", 2)?;
    ranged(number(&mut rest, "T", "15", 0)?, 0, 23, "hour")?;
    ranged(number(&mut rest, ":", "04", 2)?, 0, 59, "minute")?;
    ranged(number(&mut rest, ":", "05", 2)?, 0, 59, "second")?;
    let is_digit = |c: char| c.is_ascii_digit();
    if let Some(fraction) = rest.strip_prefix(['.', ',']).filter(|fraction| fraction.starts_with(is_digit)) {
        rest = fraction.trim_start_matches(is_digit);
    }
    let extra = zone(rest)?;
    let days = match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !extra.is_empty() {
        return Err(Wrong::Extra(extra));
    }
    ranged(day, 1, days, "day").map(|_| ())
}

/// Takes `before` and a number of `width` digits off the text; without a width, one digit or two.
fn number<'a>(rest: &mut &'a str, before: &'static str, part: &'static str, width: usize) -> Result<u32, Wrong<'a>> {
    let after = rest.strip_prefix(before).ok_or(Wrong::Form(rest, before))?;
    let digits = after.bytes().take(width.max(2)).take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits < width {
        return Err(Wrong::Form(after, part));
    }
    *rest = &after[digits..];
    Ok(after[..digits].parse().unwrap_or(0))
}

fn ranged<'a>(number: u32, least: u32, most: u32, what: &'static str) -> Result<u32, Wrong<'a>> {
    if (least..=most).contains(&number) { Ok(number) } else { Err(Wrong::Range(what)) }
}

/// Takes the time zone off the text.
fn zone(text: &str) -> Result<&str, Wrong<'_>> {
    if let Some(extra) = text.strip_prefix('Z') {
        return Ok(extra);
    }
    match text.as_bytes() {
        [b'+' | b'-', a, b, b':', c, d, ..] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()) => {
            let two = |high: &u8, low: &u8| u32::from(high - b'0') * 10 + u32::from(low - b'0');
            ranged(two(a, b), 0, 24, "time zone offset hour")?;
            ranged(two(c, d), 0, 60, "time zone offset minute")?;
            Ok(&text[6..])
        }
        _ => Err(Wrong::Form(text, "Z07:00")),
    }
}

/// The text in quotes, with every byte that is not printable ASCII in hexadecimal.
fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=0x7f => quoted.push(char::from(byte)),
            _ => drop(write!(quoted, "\\x{byte:02x}")),
        }
    }
    quoted.push('"');
    quoted
}
