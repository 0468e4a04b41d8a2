//! What a plain scalar means: YAML 1.1's types as Kubernetes' reader knows them (https://yaml.org/type/, without
//! numbers to base 60).

/// A scalar with its type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer beyond those that `Int` holds.
    Unsigned(u64),
    Float(f64),
    /// A date, or a date and time. It stays text.
    Timestamp,
    Text,
}

/// What the text of a plain scalar means.
pub(super) fn resolve(text: &str) -> Scalar {
    let Some(&first) = text.as_bytes().first() else { return Scalar::Null };
    match first {
        b'0'..=b'9' | b'+' | b'-' => {
            if let Some(float) = special_float(text) {
                return Scalar::Float(float);
            }
            if is_timestamp(text) { Scalar::Timestamp } else { number(text) }
        }
        b'.' => match special_float(text) {
            Some(float) => Scalar::Float(float),
            None => float(text).map_or(Scalar::Text, Scalar::Float),
        },
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' if text.len() <= 5 => word(text),
        _ => Scalar::Text,
    }
}

fn word(text: &str) -> Scalar {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        _ => Scalar::Text,
    }
}

/// Whether the text is a boolean only in YAML 1.1, such as `yes`.
pub(super) fn is_old_bool(scalar: &Scalar, text: &str) -> bool {
    matches!(scalar, Scalar::Bool(_)) && !matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE")
}

/// A timestamp as Go writes the time that it is (RFC 3339).
pub(super) fn go_time(text: &str) -> String {
    let (date, time) = text.split_once(['T', 't', ' ']).unwrap_or((text, ""));
    let padded = |text: &str, separator: &str| {
        let parts: Vec<String> = text.split(separator).map(|part| format!("{part:0>2}")).collect();
        parts.join(separator)
    };
    let time = time.trim_start();
    let (clock, zone) = time.split_at(time.find(['Z', '+', '-']).unwrap_or(time.len()));
    let (clock, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, ""));
    let fraction = fraction.get(..9).unwrap_or(fraction).trim_end_matches('0');
    let clock = if clock.is_empty() { "00:00:00".into() } else { padded(clock, ":") };
    let point = if fraction.is_empty() { "" } else { "." };
    let zone = if matches!(zone, "" | "+00:00" | "-00:00") { "Z" } else { zone };
    format!("{}T{clock}{point}{fraction}{zone}", padded(date, "-"))
}

fn special_float(text: &str) -> Option<f64> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        _ => None,
    }
}

/// A number, in which `_` may stand anywhere after the first character.
fn number(text: &str) -> Scalar {
    let joined;
    let plain = if text.contains('_') {
        joined = text.replace('_', "");
        joined.as_str()
    } else {
        text
    };
    if let Some(integer) = integer(plain) {
        return integer;
    }
    if let Some(float) = float(plain) {
        return Scalar::Float(float);
    }
    // A sign after the mark of base 2 is an accident of the reference.
    match plain.strip_prefix("0b").map(|digits| i64::from_str_radix(digits, 2)) {
        Some(Ok(integer)) => Scalar::Int(integer),
        _ => Scalar::Text,
    }
}

/// An integer to the base that its prefix says: `0x`, `0o` or `0`, `0b`, or 10.
pub(super) fn integer(text: &str) -> Option<Scalar> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (digits, radix) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (&unsigned[2..], 16),
        [b'0', b'o' | b'O', _, ..] => (&unsigned[2..], 8),
        [b'0', b'b' | b'B', _, ..] => (&unsigned[2..], 2),
        [b'0', _, ..] => (&unsigned[1..], 8),
        _ => (unsigned, 10),
    };
    if !digits.as_bytes().first()?.is_ascii_hexdigit() {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    if text.starts_with('-') {
        return 0_i64.checked_sub_unsigned(size).map(Scalar::Int);
    }
    match i64::try_from(size) {
        Ok(integer) => Some(Scalar::Int(integer)),
        Err(_) if text.starts_with('+') => None,
        Err(_) => Some(Scalar::Unsigned(size)),
    }
}

/// A float to base 10: digits with a point or an exponent or neither, and not too large.
pub(super) fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let well_formed = all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && all_digits(exponent));
    if !well_formed {
        return None;
    }
    text.parse().ok().filter(|float: &f64| float.is_finite())
}

/// Whether the text is a date (`2001-12-14`), or a date and time that Go reads: the parts may have one digit or two,
/// and the time zone is `Z` or `+07:00` after a `T`, and none after a space.
pub(super) fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.get(4) == Some(&b'-') && bytes[..4].iter().all(u8::is_ascii_digit) && timestamp(text).is_some()
}

fn timestamp(text: &str) -> Option<()> {
    let year: u32 = text[..4].parse().ok()?;
    let (month, rest) = two_digits(&text[5..], 1, 12)?;
    let days = match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let (_, rest) = two_digits(rest.strip_prefix('-')?, 1, days)?;
    if rest.is_empty() {
        return Some(());
    }
    let zoned = rest.starts_with(['T', 't']);
    let time = if zoned { &rest[1..] } else { rest.strip_prefix(' ')?.trim_start_matches(' ') };
    let (_, rest) = two_digits(time, 0, 23)?;
    let (_, rest) = two_digits(rest.strip_prefix(':')?, 0, 59)?;
    let (_, rest) = two_digits(rest.strip_prefix(':')?, 0, 59)?;
    let fraction = rest.strip_prefix(['.', ',']).map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let rest = match fraction {
        Some(after) if rest.len() > after.len() + 1 => after,
        _ => rest,
    };
    match rest {
        "" => (!zoned).then_some(()),
        "Z" => zoned.then_some(()),
        _ => {
            let zone = rest.strip_prefix(['+', '-']).filter(|zone| zoned && zone.len() == 5)?;
            let (hours, minutes) = zone.split_once(':').filter(|(hours, _)| hours.len() == 2)?;
            // Go lets 24 hours and 60 minutes pass here.
            let parts = [two_digits(hours, 0, 24)?, two_digits(minutes, 0, 60)?];
            parts.iter().all(|(_, rest)| rest.is_empty()).then_some(())
        }
    }
}

/// A number of one digit or two within bounds, and what follows it.
fn two_digits(text: &str, least: u32, most: u32) -> Option<(u32, &str)> {
    let length = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let number = text.get(..length)?.parse().ok()?;
    (least..=most).contains(&number).then(|| (number, &text[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_go_does() {
        for (text, time) in [
            ("2001-12-14", "2001-12-14T00:00:00Z"),
            ("2001-1-2", "2001-01-02T00:00:00Z"),
            ("2001-1-1t1:2:3.50Z", "2001-01-01T01:02:03.5Z"),
            ("2001-01-01T00:00:00.123456789+07:00", "2001-01-01T00:00:00.123456789+07:00"),
            ("2001-01-01   1:2:3,25", "2001-01-01T01:02:03.25Z"),
        ] {
            assert_eq!(go_time(text), time, "{text}");
        }
    }

    #[test]
    fn timestamps() {
        for text in [
            "2001-12-14",
            "2001-1-1",
            "2000-02-29",
            "2001-01-01T00:00:00Z",
            "2001-1-1t1:2:3.5Z",
            "2001-01-01T00:00:00.123456789+07:00",
            "2001-01-01T00:00:00+07:60",
            "2001-01-01 10:20:30",
            "2001-01-01   1:2:3,25",
        ] {
            assert!(is_timestamp(text), "{text}");
            assert_eq!(resolve(text), Scalar::Timestamp);
        }
        for text in [
            "2001-13-14",
            "2001-02-29",
            "2001-1",
            "2001-1-1T",
            "2001-01-01T00:00:00",
            "2001-01-01 10:20:30Z",
            "2001-01-01T24:00:00Z",
            "2001-01-01T00:00:00.Z",
            "2001-01-01T00:00:00+7:00",
            "2001-1-1x",
            "20010-1-1",
            "2001-123-1",
            "2001-01-01T00:00:00+07:61",
            "2001-01-01T00:00:00+0é:00",
        ] {
            assert!(!is_timestamp(text), "{text}");
            assert_eq!(resolve(text), Scalar::Text, "{text}");
        }
    }

    #[test]
    fn numbers() {
        for (text, scalar) in [
            ("0", Scalar::Int(0)),
            ("00", Scalar::Int(0)),
            ("-0", Scalar::Int(0)),
            ("0_7", Scalar::Int(7)),
            ("0x1_F", Scalar::Int(31)),
            ("+0b11", Scalar::Int(3)),
            ("0b-11", Scalar::Int(-3)),
            ("-0b-11", Scalar::Text),
            ("0x+1", Scalar::Text),
            ("0xg", Scalar::Text),
            ("-9223372036854775808", Scalar::Int(i64::MIN)),
            ("9223372036854775808", Scalar::Unsigned(1 << 63)),
            ("+9223372036854775808", Scalar::Float(9223372036854775808.0)),
            ("18446744073709551616", Scalar::Float(18446744073709551616.0)),
            ("09", Scalar::Float(9.0)),
            ("1e3", Scalar::Float(1000.0)),
            ("1e400", Scalar::Text),
            (".5", Scalar::Float(0.5)),
            (".5_0", Scalar::Text),
            (".", Scalar::Text),
            ("-.5", Scalar::Float(-0.5)),
            ("-", Scalar::Text),
            ("1e", Scalar::Text),
            ("+.INF", Scalar::Float(f64::INFINITY)),
            ("", Scalar::Null),
        ] {
            assert_eq!(resolve(text), scalar, "{text}");
        }
    }
}
