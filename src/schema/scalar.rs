//! Scalars as Go decodes and writes them: quantities, times, bytes, integers of a size.

use crate::api::quantity::{Quantity, QuantityError};
use crate::api::time::{parse, rfc3339, rfc3339_micro};
use crate::api::{TypeRef, Value, gotext};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

const MICRO_TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";

/// Brings a scalar into its canonical form. Fails with the message of the type's own decoder, or with none where the
/// value is of the wrong kind.
pub fn normalise(value: &mut Value, ty: TypeRef) -> Result<(), Option<String>> {
    let node = ty.node();
    let fits = match (node.kind.as_str(), node.format.as_str()) {
        ("string", _) if ty.is_quantity() => {
            *value = quantity(value).map_err(|error| Some(error.to_string()))?.into();
            true
        }
        ("string", "date-time") => {
            let text = value.as_str().ok_or_else(|| Some(not_go(value, "string")))?;
            *value = time(text, ty.name() == Some(MICRO_TIME)).map_err(Some)?.into();
            true
        }
        ("string", "int-or-string") => match value {
            Value::String(_) => true,
            other => is_integer(other, "int32").then_some(true).ok_or_else(|| Some(not_go(other, "int32")))?,
        },
        ("string", "byte") => match value.as_str() {
            Some(text) => {
                *value = bytes(text).map_err(Some)?.into();
                true
            }
            None => false,
        },
        ("string", _) => value.is_string(),
        ("integer", format) => is_integer(value, format),
        ("number", _) => value.is_number(),
        ("boolean", _) => value.is_boolean(),
        _ => true,
    };
    if fits { Ok(()) } else { Err(None) }
}

/// The complaint of a decoder that reads one value by itself.
fn not_go(value: &Value, go_type: &str) -> String {
    let found = match value {
        Value::Number(number) if go_type != "string" => format!("number {number}"),
        _ => gotext::json_kind(value).into(),
    };
    format!("json: cannot unmarshal {found} into Go value of type {go_type}")
}

fn is_integer(value: &Value, format: &str) -> bool {
    value.as_i64().is_some_and(|number| format != "int32" || i32::try_from(number).is_ok())
}

fn quantity(value: &Value) -> Result<String, QuantityError> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return Err(QuantityError::Format),
    };
    Ok(text.parse::<Quantity>()?.to_string())
}

/// A time as the API writes it: in UTC, with `micro` to the microsecond (`MicroTime`).
///
/// # Errors
/// In Go's words.
pub fn time(text: &str, micro: bool) -> Result<String, String> {
    let moment = parse(text).filter(|_| !micro || has_micros(text)).ok_or_else(|| time_complaint(text, micro))?;
    Ok(if micro { rfc3339_micro(moment) } else { rfc3339(moment.seconds) })
}

/// Whether a time has the six digits behind the seconds that a `MicroTime` must have.
fn has_micros(text: &str) -> bool {
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    fraction.find(|c: char| !c.is_ascii_digit()) == Some(6)
}

/// Where a text stops to be a time, in the words of Go.
fn time_complaint(text: &str, micro: bool) -> String {
    const LAYOUT: [&str; 11] = ["2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05"];
    const RANGES: [(usize, u32, u32, &str); 5] =
        [(2, 1, 12, "month"), (4, 1, 31, "day"), (6, 0, 23, "hour"), (8, 0, 59, "minute"), (10, 0, 59, "second")];
    let layout = if micro { "2006-01-02T15:04:05.000000Z07:00" } else { "2006-01-02T15:04:05Z07:00" };
    let complaint =
        |rest: &str, part: &str| format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {part:?}");
    let out_of_range = |part: &str| format!("parsing time {text:?}: {part} out of range");
    let mut rest = text;
    for (index, part) in LAYOUT.into_iter().enumerate() {
        let is_number = part.as_bytes()[0].is_ascii_digit();
        let head = rest.get(..part.len()).filter(|head| match is_number {
            true => head.bytes().all(|byte| byte.is_ascii_digit()),
            false => *head == part,
        });
        let Some(head) = head else { return complaint(rest, part) };
        let range = RANGES.iter().find(|range| range.0 == index);
        if let Some((_, low, high, name)) = range
            && !(*low..=*high).contains(&head.parse().unwrap_or(0))
        {
            return out_of_range(name);
        }
        rest = &rest[part.len()..];
    }
    if micro {
        let whole = rest
            .strip_prefix('.')
            .is_some_and(|rest| rest.len() >= 6 && rest.bytes().take(6).all(|byte| byte.is_ascii_digit()));
        if !whole {
            return complaint(rest, ".000000");
        }
        rest = &rest[7..];
    } else if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    match rest.strip_prefix('Z') {
        Some("") => out_of_range("day"),
        Some(extra) => format!("parsing time {text:?}: extra text: {extra:?}"),
        None => complaint(rest, "Z07:00"),
    }
}

/// The canonical base64 of what a base64 text stands for; it may have line breaks.
fn bytes(text: &str) -> Result<String, String> {
    const LENIENT: GeneralPurpose =
        GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
    let joined: String = text.chars().filter(|c| !['\r', '\n'].contains(c)).collect();
    match LENIENT.decode(joined) {
        Ok(bytes) => Ok(LENIENT.encode(bytes)),
        Err(_) => Err(format!("illegal base64 data at input byte {}", base64_fault(text.as_bytes()))),
    }
}

/// The byte at which Go's decoder stops: the odd byte itself, or the beginning of a group of four that is not full.
fn base64_fault(text: &[u8]) -> usize {
    let mut of_group = 0;
    let mut bytes = text.iter().enumerate().filter(|(_, byte)| !b"\r\n".contains(byte)).peekable();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'=' if of_group < 2 => return at,
            b'=' => {
                if of_group == 2 {
                    match bytes.next() {
                        None => return text.len(),
                        Some((_, b'=')) => {}
                        Some((at, _)) => return at - 1,
                    }
                }
                // Something follows the padding.
                return bytes.peek().map_or(text.len(), |(at, _)| *at);
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => of_group = (of_group + 1) % 4,
            _ => return at,
        }
    }
    text.len() - of_group
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_their_form() {
        for (text, micro, want) in [
            ("2026-01-01T00:00:00Z", false, Ok("2026-01-01T00:00:00Z")),
            ("2026-01-01T02:00:00.5+02:00", false, Ok("2026-01-01T00:00:00Z")),
            ("2026-01-01T00:00:00.123456Z", true, Ok("2026-01-01T00:00:00.123456Z")),
            (
                "2026-01-01T00:00:00Z",
                true,
                Err(
                    r#"parsing time "2026-01-01T00:00:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000""#,
                ),
            ),
            ("abc", false, Err(r#"parsing time "abc" as "2006-01-02T15:04:05Z07:00": cannot parse "abc" as "2006""#)),
            ("", true, Err(r#"parsing time "" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "" as "2006""#)),
            (
                "2026-01-01 00:00:00Z",
                false,
                Err(
                    r#"parsing time "2026-01-01 00:00:00Z" as "2006-01-02T15:04:05Z07:00": cannot parse " 00:00:00Z" as "T""#,
                ),
            ),
            ("2026-13-01T00:00:00Z", false, Err(r#"parsing time "2026-13-01T00:00:00Z": month out of range"#)),
            ("2026-02-30T00:00:00Z", false, Err(r#"parsing time "2026-02-30T00:00:00Z": day out of range"#)),
            (
                "2026-01-01T00:00:00",
                false,
                Err(
                    r#"parsing time "2026-01-01T00:00:00" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00""#,
                ),
            ),
        ] {
            assert_eq!(time(text, micro).as_deref().map_err(String::as_str), want, "{text}");
        }
    }

    #[test]
    fn bytes_are_written_in_their_form() {
        for (text, want) in [
            ("aGVsbG8=", Ok("aGVsbG8=")),
            ("aGVs\nbG8=\n", Ok("aGVsbG8=")),
            ("", Ok("")),
            ("YR==", Ok("YQ==")),
            ("abc", Err(0)),
            ("abcde", Err(4)),
            ("not base64!", Err(3)),
            ("YQ=", Err(3)),
            ("YQ==YQ==", Err(4)),
            ("=", Err(0)),
        ] {
            let want = want.map(str::to_owned).map_err(|at| format!("illegal base64 data at input byte {at}"));
            assert_eq!(bytes(text), want, "{text}");
        }
    }
}
