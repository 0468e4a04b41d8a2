//! Times and spans.

use super::super::Failure;
use super::super::value::Val;
use super::Outcome;
use crate::api::GoDuration;
use crate::api::time::{Moment, parse, rfc3339};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

pub fn call(name: &str, target: Option<&Val>, args: &[Val]) -> Option<Outcome> {
    match (name, target, args) {
        ("duration", None, [Val::Duration(_)]) | ("timestamp", None, [Val::Timestamp(_)]) => Some(Ok(args[0].clone())),
        ("duration", None, [Val::String(text)]) => {
            Some(GoDuration::read(text).map(Val::Duration).map_err(Failure::from))
        }
        ("timestamp", None, [Val::String(text)]) => Some(parse(text).map(Val::Timestamp).ok_or_else(|| {
            let quoted = crate::api::gotext::quote(text);
            format!("parsing time {quoted} as \"2006-01-02T15:04:05Z07:00\": cannot parse {quoted} as \"2006\"").into()
        })),
        ("timestamp", None, [Val::Int(seconds)]) => {
            Some(Ok(Val::Timestamp(Moment { seconds: *seconds, nanoseconds: 0 })))
        }
        (_, Some(Val::Duration(span)), []) => of_span(name, span.0).map(|number| Ok(Val::Int(number))),
        (_, Some(Val::Timestamp(at)), []) => of_time(name, *at, "UTC"),
        (_, Some(Val::Timestamp(at)), [Val::String(zone)]) => of_time(name, *at, zone),
        _ => None,
    }
}

fn of_span(name: &str, nanoseconds: i64) -> Option<i64> {
    Some(match name {
        "getHours" => nanoseconds / 3_600_000_000_000,
        "getMinutes" => nanoseconds / 60_000_000_000,
        "getSeconds" => nanoseconds / 1_000_000_000,
        "getMilliseconds" => nanoseconds / 1_000_000,
        _ => return None,
    })
}

fn of_time(name: &str, at: Moment, zone: &str) -> Option<Outcome> {
    let zoned = match local(at, zone) {
        Ok(zoned) => zoned,
        Err(failure) => return Some(Err(failure)),
    };
    let number: i64 = match name {
        "getFullYear" => zoned.year().into(),
        "getMonth" => i64::from(zoned.month()) - 1,
        "getDayOfMonth" => i64::from(zoned.day()) - 1,
        "getDate" => zoned.day().into(),
        "getDayOfWeek" => zoned.weekday().to_sunday_zero_offset().into(),
        "getDayOfYear" => i64::from(zoned.day_of_year()) - 1,
        "getHours" => zoned.hour().into(),
        "getMinutes" => zoned.minute().into(),
        "getSeconds" => zoned.second().into(),
        "getMilliseconds" => i64::from(at.nanoseconds / 1_000_000),
        _ => return None,
    };
    Some(Ok(Val::Int(number)))
}

/// A time in a zone: a name of one, or an offset such as `-08:00`.
fn local(at: Moment, zone: &str) -> Result<Zoned, Failure> {
    let unknown = || Failure::from(format!("unknown time zone {zone}"));
    let offset = zone.trim_start_matches(['+', '-']).split_once(':').and_then(|(hours, minutes)| {
        let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
        Offset::from_seconds(if zone.starts_with('-') { -seconds } else { seconds }).ok()
    });
    let zone = match offset {
        Some(offset) => TimeZone::fixed(offset),
        None if zone == "UTC" || zone.is_empty() => TimeZone::UTC,
        None => TimeZone::get(zone).map_err(|_| unknown())?,
    };
    let nanoseconds = i32::try_from(at.nanoseconds).unwrap_or(0);
    Ok(Timestamp::new(at.seconds, nanoseconds).map_err(|_| unknown())?.to_zoned(zone))
}

/// A time as RFC 3339, with as many digits behind the second as it has.
pub fn written(seconds: i64, nanoseconds: u32) -> String {
    let mut text = rfc3339(seconds);
    if nanoseconds > 0 {
        text.truncate(text.len() - 1);
        let fraction = format!("{nanoseconds:09}");
        text.push('.');
        text.push_str(fraction.trim_end_matches('0'));
        text.push('Z');
    }
    text
}

/// A span in seconds: `90s`, `0.5s`.
pub fn seconds(nanoseconds: i64) -> String {
    let (whole, rest) = (nanoseconds / 1_000_000_000, (nanoseconds % 1_000_000_000).abs());
    let sign = if nanoseconds < 0 && whole == 0 { "-" } else { "" };
    let fraction = format!("{rest:09}");
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}s")
}
