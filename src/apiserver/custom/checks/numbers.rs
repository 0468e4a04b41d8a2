//! Bounds of numbers. The bounds are floats whatever the numbers are, and are compared with whole numbers as Go makes
//! whole numbers of them.

use super::{Outcome, Walk};
use crate::api::{Value, json};
use crate::apiserver::custom::schema::Schema;

/// The greatest number up to which every whole number is a float.
const MOST_EXACT: f64 = 9_007_199_254_740_991.0;

/// A number as Go decodes it from JSON.
#[derive(Clone, Copy)]
pub enum Number {
    Whole(i64),
    Float(f64),
}

impl Number {
    /// The number that a value is; none for other values.
    pub fn of(value: &Value) -> Option<Self> {
        value.as_i64().map(Self::Whole).or_else(|| value.as_f64().map(Self::Float))
    }

    fn float(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Float(number) => number,
        }
    }

    /// The number as one of the kind that another is.
    pub fn like(self, other: Self) -> Self {
        match other {
            Self::Whole(_) => Self::Whole(self.whole()),
            Self::Float(_) => Self::Float(self.float()),
        }
    }

    fn whole(self) -> i64 {
        match self {
            Self::Whole(number) => number,
            // What is out of range, processors turn into the least number that there is.
            Self::Float(number) if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number) => {
                number as i64
            }
            Self::Float(_) => i64::MIN,
        }
    }

    fn shown(self) -> String {
        match self {
            Self::Whole(number) => number.to_string(),
            Self::Float(number) => json::float_g(number),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            _ => false,
        }
    }
}

/// Whether a float is a whole number, or so close to one that nobody can tell.
pub fn is_whole(number: f64) -> bool {
    let rounded = number.round();
    number.abs() <= MOST_EXACT && (number == rounded || (number - rounded).abs() < 1e-9 * rounded.abs())
}

/// Whether a number is one of a type and a format.
fn is_in_range(number: Number, kind: &str, format: &str) -> bool {
    match (kind, number) {
        ("integer", Number::Whole(number)) => format != "int32" || i32::try_from(number).is_ok(),
        ("integer", Number::Float(float)) => {
            let whole = number.whole();
            let is_least = whole == i64::MIN && float != i64::MIN as f64;
            float.fract() == 0.0 && !is_least && (format != "int32" || i32::try_from(whole).is_ok())
        }
        ("number", number) if format == "float" => (number.float() as f32).is_finite(),
        _ => true,
    }
}

impl Walk {
    /// Complains about a number that is not within its bounds.
    pub(super) fn number(&self, value: &Value, schema: &Schema, outcome: &mut Outcome) {
        let Some(number) = Number::of(value) else { return };
        let checks = &schema.checks;
        let (kind, format) = match schema.types() {
            [kind] => (*kind, checks.format.as_str()),
            _ => ("", ""),
        };
        // Says whether what is compared with is of the type; what is not, all is compared with as floats.
        let in_range = |number: Number, what: &str, outcome: &mut Outcome| {
            let holds = is_in_range(number, kind, format);
            if !holds {
                let of_format =
                    if format.is_empty() { "(default format)".into() } else { format!("with format {format}") };
                outcome.about_all(format!("{what} value must be of type {kind} {of_format} in {}", self.path));
            }
            holds
        };
        in_range(number, "Checked", outcome);
        let as_given = |holds: bool| if holds { number } else { Number::Float(number.float()) };
        let printed = |number: Number| match number {
            Number::Whole(number) => Value::from(number),
            Number::Float(number) => Value::from(number),
        };
        if let Some(factor) = checks.multiple_of {
            let number = as_given(in_range(Number::Float(factor), "MultipleOf", outcome));
            self.multiple(number, Number::Float(factor).like(number), factor, &printed(number), outcome);
        }
        if let Some((least, exclusive)) = checks.minimum {
            let number = as_given(in_range(Number::Float(least), "Minimum boundary", outcome));
            let least = Number::Float(least).like(number);
            let order = compare(number, least);
            if order.is_some_and(|order| order.is_lt() || exclusive && order.is_eq()) {
                let or = if exclusive { "" } else { " or equal to" };
                self.invalid(&printed(number), &format!("should be greater than{or} {}", least.shown()), outcome);
            }
        }
        if let Some((most, exclusive)) = checks.maximum {
            let number = as_given(in_range(Number::Float(most), "Maximum boundary", outcome));
            let most = Number::Float(most).like(number);
            let order = compare(number, most);
            if order.is_some_and(|order| order.is_gt() || exclusive && order.is_eq()) {
                let or = if exclusive { "" } else { " or equal to" };
                self.invalid(&printed(number), &format!("should be less than{or} {}", most.shown()), outcome);
            }
        }
        outcome.matches += 1;
    }

    /// `as_given` is the factor of the schema, `factor` the same as a number of the kind that is checked.
    fn multiple(&self, number: Number, factor: Number, as_given: f64, shown: &Value, outcome: &mut Outcome) {
        if factor.float() <= 0.0 {
            let (path, factor) = (&self.path, factor.shown());
            let text = format!("factor MultipleOf declared for {path} must be positive: {factor}");
            let message = format!("Invalid value: {factor}: {text}");
            return outcome.push("FieldValueInvalid", path, message);
        }
        let divides = match (number, factor) {
            (Number::Whole(number), Number::Whole(factor)) => number.checked_rem(factor) == Some(0),
            _ if as_given < 1.0 => is_whole(1.0 / as_given * number.float()),
            _ => is_whole(number.float() / as_given),
        };
        if !divides {
            self.invalid(shown, &format!("should be a multiple of {}", factor.shown()), outcome);
        }
    }
}

fn compare(a: Number, b: Number) -> Option<std::cmp::Ordering> {
    match (a, b) {
        (Number::Whole(a), Number::Whole(b)) => Some(a.cmp(&b)),
        _ => a.float().partial_cmp(&b.float()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_within_their_types_and_bounds() {
        let invalid = |text: &str| format!("FieldValueInvalid x: Invalid value: {text}");
        let of_all = |text: &str| format!("FieldValueInvalid <nil>: Invalid value: \"\": {text} in x");
        for (schema, value, want) in [
            (json!({"type": "integer"}), json!(2.0), vec![]),
            (
                json!({"type": "integer"}),
                json!(1.5),
                vec![of_all("Checked value must be of type integer (default format)")],
            ),
            (
                json!({"type": "integer"}),
                json!(1e30),
                vec![of_all("Checked value must be of type integer (default format)")],
            ),
            (
                json!({"type": "integer", "format": "int32"}),
                json!(2_147_483_648_i64),
                vec![of_all("Checked value must be of type integer with format int32")],
            ),
            (
                json!({"type": "number", "format": "float"}),
                json!(3.4e39),
                vec![of_all("Checked value must be of type number with format float")],
            ),
            (json!({"type": "number", "format": "double"}), json!(3.4e39), vec![]),
            (json!({"x-kubernetes-int-or-string": true}), json!(1.5), vec![]),
            (
                json!({"type": "number", "multipleOf": 0.5}),
                json!(1),
                vec![invalid("0: factor MultipleOf declared for x must be positive: 0")],
            ),
            (json!({"type": "number", "multipleOf": 0.1}), json!(0.3), vec![]),
            (
                json!({"type": "integer", "minimum": 1.5}),
                json!(1),
                vec![
                    of_all("Minimum boundary value must be of type integer (default format)"),
                    invalid("1: x in body should be greater than or equal to 1.5"),
                ],
            ),
            (
                json!({"type": "number", "maximum": 1e20}),
                json!(1),
                vec![invalid("1: x in body should be less than or equal to -9223372036854775808")],
            ),
            (
                json!({"type": "number", "minimum": 3, "exclusiveMinimum": true}),
                json!(2.0),
                vec![invalid("2: x in body should be greater than 3")],
            ),
        ] {
            let mut outcome = Outcome::default();
            Walk { path: "x".into(), of_default: false }.number(&value, &Schema::compile(&schema), &mut outcome);
            let found = outcome.complaints.iter().map(|c| format!("{} {}: {}", c.reason, c.field, c.message));
            assert_eq!(found.collect::<Vec<_>>(), want, "{schema} {value}");
        }
    }
}
