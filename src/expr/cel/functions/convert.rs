//! From one type to another.

use super::super::Failure;
use super::super::value::Val;
use super::{Outcome, times};
use crate::api::json;
use crate::api::time::Moment;

pub fn call(name: &str, target: Option<&Val>, args: &[Val]) -> Option<Outcome> {
    let ([value], None) = (args, target) else { return None };
    let wrong = |why: &str| Err(Failure::from(why));
    Some(match (name, value) {
        ("dyn", value) => Ok(value.clone()),
        ("type", value) => Ok(Val::Type(value.type_name().into())),
        ("int", Val::Int(_)) | ("uint", Val::Uint(_)) | ("double", Val::Double(_)) | ("bool", Val::Bool(_)) => {
            Ok(value.clone())
        }
        ("bytes", Val::Bytes(_)) => Ok(value.clone()),
        ("int", Val::Uint(number)) => i64::try_from(*number).map(Val::Int).or_else(|_| wrong("integer overflow")),
        ("int", Val::Double(number)) if number.abs() < 9.223_372_036_854_775e18 => Ok(Val::Int(*number as i64)),
        ("int", Val::Double(_)) => wrong("integer overflow"),
        ("int", Val::String(text)) => parsed("int", "ParseInt", text, text.parse().ok().map(Val::Int)),
        ("int", Val::Timestamp(at)) => Ok(Val::Int(at.seconds)),
        ("int", Val::Duration(span)) => Ok(Val::Int(span.0)),
        ("uint", Val::Int(number)) => {
            u64::try_from(*number).map(Val::Uint).or_else(|_| wrong("unsigned integer overflow"))
        }
        ("uint", Val::Double(number)) if (0.0..1.844_674_407_370_955e19).contains(number) => {
            Ok(Val::Uint(*number as u64))
        }
        ("uint", Val::Double(_)) => wrong("unsigned integer overflow"),
        ("uint", Val::String(text)) => parsed("uint", "ParseUint", text, text.parse().ok().map(Val::Uint)),
        ("double", Val::Int(number)) => Ok(Val::Double(*number as f64)),
        ("double", Val::Uint(number)) => Ok(Val::Double(*number as f64)),
        ("double", Val::String(text)) => parsed("double", "ParseFloat", text, text.parse().ok().map(Val::Double)),
        ("bool", Val::String(text)) => match &**text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Val::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Val::Bool(false)),
            _ => parsed("bool", "ParseBool", text, None),
        },
        ("bytes", Val::String(text)) => Ok(Val::Bytes(text.as_bytes().into())),
        ("string", value) => text(value).map(Val::from).ok_or_else(|| "no such overload".into()),
        _ => return None,
    })
}

fn parsed(kind: &str, function: &str, text: &str, value: Option<Val>) -> Outcome {
    let _ = kind;
    value.ok_or_else(|| {
        format!("strconv.{function}: parsing {}: invalid syntax", crate::api::gotext::quote(text)).into()
    })
}

/// A value as text; none when it has no such form.
pub fn text(value: &Val) -> Option<String> {
    Some(match value {
        Val::String(text) => text.to_string(),
        Val::Bool(value) => value.to_string(),
        Val::Int(number) => number.to_string(),
        Val::Uint(number) => number.to_string(),
        Val::Double(number) => json::float_g(*number),
        Val::Bytes(bytes) => String::from_utf8(bytes.to_vec()).ok()?,
        Val::Timestamp(Moment { seconds, nanoseconds }) => times::written(*seconds, *nanoseconds),
        Val::Duration(span) => times::seconds(span.0),
        Val::Ip(ip) => ip.to_string(),
        Val::Cidr(ip, bits) => format!("{ip}/{bits}"),
        Val::Type(name) => name.to_string(),
        _ => return None,
    })
}
