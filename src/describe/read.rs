//! Readers for the parts of an object as kubectl's types have them: what is missing or null is empty, zero or false.

use crate::api::quantity::Quantity;
use crate::api::{Map, ObjectExt, Value};
use std::fmt::{self, Display, Formatter};

/// The value at a path, unless it is missing or null.
pub fn some<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    value.at(path).filter(|value| !value.is_null())
}

/// The text at a path, unless it is missing or empty.
pub fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    Some(value.text(path)).filter(|text| !text.is_empty())
}

/// The integer at a path, or 0.
pub fn int(value: &Value, path: &[&str]) -> i64 {
    value.integer(path).unwrap_or(0)
}

/// The boolean at a path, or false.
pub fn flag(value: &Value, path: &[&str]) -> bool {
    value.at(path).and_then(Value::as_bool).unwrap_or(false)
}

/// The texts of the list at a path.
pub fn texts<'a>(value: &'a Value, path: &[&str]) -> Vec<&'a str> {
    value.items_at(path).iter().filter_map(Value::as_str).collect()
}

/// The quantity at a path in its canonical form, or `0`.
pub fn quantity(value: &Value, path: &[&str]) -> String {
    some(value, path).map_or_else(|| "0".into(), canonical)
}

/// A quantity in its canonical form.
pub fn canonical(value: &Value) -> String {
    match number(value) {
        Some(quantity) => quantity.to_string(),
        None => Scalar(value).to_string(),
    }
}

/// A quantity.
pub fn number(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.to_string().parse().ok(),
    }
}

/// The entries of the map at a path whose values are texts, in order of their keys.
pub fn pairs<'a>(value: &'a Value, path: &[&str]) -> Vec<(&'a str, &'a str)> {
    entries(value, path).filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect()
}

/// The entries of the map at a path, in order of their keys.
pub fn entries<'a>(value: &'a Value, path: &[&str]) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    value.map_at(path).into_iter().flat_map(Map::iter)
}

/// A text, number or boolean: of an integer or text alike, as of `targetPort`.
#[derive(Clone, Copy, Debug)]
pub struct Scalar<'a>(pub &'a Value);

impl Display for Scalar<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => Ok(()),
            Value::String(text) => f.write_str(text),
            other => other.fmt(f),
        }
    }
}

/// A list as Go's `%v` prints it: `[a b]`.
#[derive(Clone, Debug)]
pub struct Brackets<'a>(pub Vec<&'a str>);

impl Display for Brackets<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.0.join(" "))
    }
}

/// `a=b,c=d`, or `<none>`.
pub fn joined(pairs: &[(&str, &str)]) -> String {
    match pairs {
        [] => "<none>".into(),
        pairs => pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(","),
    }
}

/// `True` or `False`.
pub fn title(flag: bool) -> &'static str {
    if flag { "True" } else { "False" }
}
