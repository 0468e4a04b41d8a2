//! Floats as text: the shortest digits that read back the same, in the layouts that Go uses.

/// A float as `encoding/json` writes it: plain digits from 1e-6 up to 1e21, an exponent outside.
pub fn float(value: f64) -> String {
    let digits = Digits::shortest(value);
    if value == 0.0 || (1e-6..1e21).contains(&value.abs()) { digits.plain() } else { digits.scientific(1) }
}

/// A float as `strconv.FormatFloat(value, 'g', -1, 64)` writes it: an exponent of at least two digits below 1e-4 and
/// from 1e6 on.
pub fn float_g(value: f64) -> String {
    if value.is_finite() { Digits::shortest(value).general() } else { not_finite(value).into() }
}

/// Like [`float_g`] for 32 bits: `strconv.FormatFloat(value, 'g', -1, 32)`.
pub fn float_g32(value: f32) -> String {
    if value.is_finite() { Digits::parse(&format!("{value:e}")).general() } else { not_finite(value.into()).into() }
}

fn not_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    }
}

/// A decimal number: a point after the first digit, times ten to the power of `exponent`.
struct Digits {
    negative: bool,
    digits: String,
    exponent: i32,
}

impl Digits {
    fn parse(scientific: &str) -> Self {
        let (number, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
        let digits = number.chars().filter(char::is_ascii_digit).collect();
        Self { negative: number.starts_with('-'), digits, exponent: exponent.parse().unwrap_or(0) }
    }

    /// The fewest digits that stand for `value` alone. Of two such numbers that are equally near Go takes the even one.
    fn shortest(value: f64) -> Self {
        let mut shortest = Self::parse(&format!("{value:e}"));
        let count = shortest.digits.len();
        // Only numbers with nearly as many digits as fit can lie in the middle.
        if count >= 15 && shortest.digits.ends_with(['1', '3', '5', '7', '9']) {
            let exact = Self::parse(&format!("{value:.25e}"));
            let (kept, rest) = exact.digits.split_at(count.min(exact.digits.len()));
            if rest.starts_with('5')
                && rest[1..].bytes().all(|digit| digit == b'0')
                && !kept.ends_with(['1', '3', '5', '7', '9'])
            {
                shortest.digits = kept.into();
            }
        }
        shortest
    }

    fn sign(&self) -> &'static str {
        if self.negative { "-" } else { "" }
    }

    fn plain(&self) -> String {
        let (sign, digits) = (self.sign(), &self.digits);
        match usize::try_from(self.exponent) {
            Err(_) => format!("{sign}0.{:0>width$}{digits}", "", width = self.exponent.unsigned_abs() as usize - 1),
            Ok(exponent) if digits.len() <= exponent + 1 => format!("{sign}{digits:0<width$}", width = exponent + 1),
            Ok(exponent) => format!("{sign}{}.{}", &digits[..=exponent], &digits[exponent + 1..]),
        }
    }

    fn scientific(&self, least: usize) -> String {
        let (first, rest) = self.digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let sign = if self.exponent < 0 { '-' } else { '+' };
        format!("{}{first}{point}{rest}e{sign}{:0least$}", self.sign(), self.exponent.unsigned_abs())
    }

    fn general(&self) -> String {
        if (-4..6).contains(&self.exponent) { self.plain() } else { self.scientific(2) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layouts_of_go() {
        for (value, json, g) in [
            (0.0, "0", "0"),
            (-0.0, "-0", "-0"),
            (1.5, "1.5", "1.5"),
            (-20.0, "-20", "-20"),
            (1e20, "100000000000000000000", "1e+20"),
            (1e21, "1e+21", "1e+21"),
            (1e-6, "0.000001", "1e-06"),
            (1e-7, "1e-7", "1e-07"),
            (0.00012, "0.00012", "0.00012"),
            (123456.5, "123456.5", "123456.5"),
            (12345678.9, "12345678.9", "1.23456789e+07"),
            (1.5e300, "1.5e+300", "1.5e+300"),
            (9223372036854775808.0, "9223372036854776000", "9.223372036854776e+18"),
            (-2.5e-10, "-2.5e-10", "-2.5e-10"),
            // Halfway between .62 and .63.
            (-273675350987346.0 - 0.625, "-273675350987346.62", "-2.7367535098734662e+14"),
            (678564399522779.0 + 0.25, "678564399522779.2", "6.785643995227792e+14"),
        ] {
            assert_eq!(float(value), json);
            assert_eq!(float_g(value), g);
        }
        assert_eq!(float_g32(0.1), "0.1");
        assert_eq!(float_g(f64::NEG_INFINITY), "-Inf");
    }
}
