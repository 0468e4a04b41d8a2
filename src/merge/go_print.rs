//! Values in error messages, as Go prints them with `%v`: `map[a:1 b:[x y]]`.

use serde_json::{Number, Value};
use std::fmt;

/// Prints a value as Go's `%v` does.
pub struct GoPrint<'a>(pub &'a Value);

impl fmt::Display for GoPrint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("<nil>"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Number(number) => print_number(number, f),
            Value::String(text) => f.write_str(text),
            Value::Array(list) => {
                f.write_str("[")?;
                for (i, item) in list.iter().enumerate() {
                    let space = if i > 0 { " " } else { "" };
                    write!(f, "{space}{}", GoPrint(item))?;
                }
                f.write_str("]")
            }
            Value::Object(map) => {
                f.write_str("map[")?;
                for (i, (key, value)) in map.iter().enumerate() {
                    let space = if i > 0 { " " } else { "" };
                    write!(f, "{space}{key}:{}", GoPrint(value))?;
                }
                f.write_str("]")
            }
        }
    }
}

/// Integers plainly; floats in the shortest form, with an exponent of two digits below 1e-4 and from 1e21 on.
fn print_number(number: &Number, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return write!(f, "{number}") };
    let size = float.abs();
    if size != 0.0 && !(1e-4..1e21).contains(&size) {
        let text = format!("{float:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
        return write!(f, "{digits}e{sign}{exponent:0>2}");
    }
    write!(f, "{float}")
}

/// The name of a value's type in Go, as decoded JSON has it.
pub fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "%!s(<nil>)",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_print_as_in_go() {
        for (value, want) in [
            (json!({"image": "noname"}), "map[image:noname]"),
            (json!({"b": [1, "x", null], "a": {}}), "map[a:map[] b:[1 x <nil>]]"),
            (json!([1.5, 1e21, 1e-7, -2.0, true]), "[1.5 1e+21 1e-07 -2 true]"),
        ] {
            assert_eq!(GoPrint(&value).to_string(), want);
        }
    }
}
