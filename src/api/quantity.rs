//! Kubernetes' `resource.Quantity`: a decimal number with a suffix, such as `500m`, `1Gi` or `3e6`.
//!
//! The canonical form is the one of the API conventions ("Quantities"): no fraction, the largest suffix that loses
//! nothing, and the notation of the input (decimal, binary, exponent) kept.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Why a text is no quantity, in Go's words.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum QuantityError {
    /// The text does not look like a quantity at all.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// The suffix is unknown.
    #[error("unable to parse quantity's suffix")]
    Suffix,
    /// The number is out of every range.
    #[error("unable to parse numeric part of quantity")]
    Number,
}

/// In which notation a quantity was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notation {
    /// `12e6`
    Exponent,
    /// `12Mi`
    Binary,
    /// `12M`
    Decimal,
}

/// A number `mantissa * 10^exponent`, exact down to billionths (finer ones are rounded up).
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    mantissa: i128,
    exponent: i32,
    notation: Notation,
}

const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const FINEST: i32 = -9;

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || !looks_like_suffix(suffix) {
            return Err(QuantityError::Format);
        }
        let (notation, exponent, shift) = read_suffix(suffix).ok_or(QuantityError::Suffix)?;
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        if whole.len() + fraction.len() > 36 {
            return Err(QuantityError::Number);
        }
        let digits: i128 = format!("0{whole}{fraction}").parse().map_err(|_| QuantityError::Number)?;
        let scaled = digits.checked_mul(1i128 << shift).ok_or(QuantityError::Number)?;
        let scale = exponent - i32::try_from(fraction.len()).unwrap_or(0);
        let signed = if text.starts_with('-') { -scaled } else { scaled };
        Ok(Self { mantissa: signed, exponent: scale, notation }.rounded_up(FINEST))
    }
}

fn looks_like_suffix(suffix: &str) -> bool {
    let rest = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    rest.strip_prefix(['+', '-']).unwrap_or(rest).bytes().all(|b| b.is_ascii_digit())
}

/// The notation, the power of ten and the power of two of a suffix.
fn read_suffix(suffix: &str) -> Option<(Notation, i32, u32)> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((Notation::Decimal, *exponent, 0));
    }
    if let Some(power) = BINARY.iter().position(|name| *name == suffix) {
        return Some((Notation::Binary, 0, u32::try_from(power).ok()? * 10));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    Some((Notation::Exponent, exponent.parse().ok()?, 0))
}

impl Quantity {
    /// The quantity of a whole number, in decimal notation.
    pub const fn whole(value: i64) -> Self {
        Self { mantissa: value as i128, exponent: 0, notation: Notation::Decimal }
    }

    /// -1, 0 or 1.
    pub fn sign(&self) -> i32 {
        self.mantissa.signum() as i32
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.mantissa == 0
    }

    /// Whether it is a whole number.
    pub fn is_whole(&self) -> bool {
        self.rounded_up(0).cmp(self) == Ordering::Equal
    }

    /// The whole number, rounded up (away from zero) like Go's `Value()`, and bounded by 64 bits.
    pub fn value(&self) -> i64 {
        self.scaled(0)
    }

    /// The thousandths, rounded up, like Go's `MilliValue()`.
    pub fn milli_value(&self) -> i64 {
        self.scaled(-3)
    }

    /// Without what is finer than thousandths, rounded up.
    pub fn rounded_to_milli(&self) -> Self {
        self.rounded_up(-3)
    }

    /// The number of units of `10^exponent`, rounded up and bounded by 64 bits.
    pub fn scaled(&self, exponent: i32) -> i64 {
        let rounded = self.rounded_up(exponent);
        let value = 10i128
            .checked_pow((rounded.exponent - exponent).max(0).unsigned_abs())
            .and_then(|factor| rounded.mantissa.checked_mul(factor));
        let bound = if self.mantissa < 0 { i64::MIN } else { i64::MAX };
        value.and_then(|v| i64::try_from(v).ok()).unwrap_or(bound)
    }

    /// The nearest floating-point number.
    pub fn as_f64(&self) -> f64 {
        self.mantissa as f64 * 10f64.powi(self.exponent)
    }

    /// The sum, in this quantity's notation; `other`'s when this one is zero.
    pub fn plus(&self, other: &Self) -> Self {
        if self.is_zero() {
            return *other;
        }
        let exponent = self.exponent.min(other.exponent);
        let mantissa = self.at(exponent).saturating_add(other.at(exponent));
        Self { mantissa, exponent, notation: self.notation }
    }

    /// The difference, in this quantity's notation; `other`'s when this one is zero.
    pub fn minus(&self, other: &Self) -> Self {
        self.plus(&Self { mantissa: -other.mantissa, ..*other })
    }

    /// The same in the notation of another quantity: itself, or, where that is another notation, the whole number.
    pub fn in_notation_of(&self, other: &Self) -> Self {
        if self.notation == other.notation {
            *self
        } else {
            Self { notation: other.notation, ..Self::whole(self.value()) }
        }
    }

    /// The mantissa for an exponent that is not larger than this one's.
    fn at(&self, exponent: i32) -> i128 {
        let factor = 10i128.checked_pow((self.exponent - exponent).unsigned_abs()).unwrap_or(i128::MAX);
        self.mantissa.saturating_mul(factor)
    }

    /// With an exponent of at least `exponent`, rounded away from zero where digits are lost.
    fn rounded_up(&self, exponent: i32) -> Self {
        if self.exponent >= exponent {
            return *self;
        }
        let factor = 10i128.checked_pow((exponent - self.exponent).unsigned_abs());
        let mantissa = match factor {
            Some(factor) if self.mantissa % factor == 0 => self.mantissa / factor,
            Some(factor) => self.mantissa / factor + self.mantissa.signum(),
            None => self.mantissa.signum(),
        };
        Self { mantissa, exponent, ..*self }
    }
}

/// The canonical form.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("0");
        }
        // Small and fractional binary quantities are written as decimals, which loses nothing.
        if self.notation == Notation::Binary && self.is_whole() && self.rounded_up(0).at(0).unsigned_abs() >= 1024 {
            let mut number = self.rounded_up(0).at(0);
            let mut power = 0;
            while number % 1024 == 0 && power + 1 < BINARY.len() {
                (number, power) = (number / 1024, power + 1);
            }
            return write!(f, "{number}{}", BINARY[power]);
        }
        let (mut mantissa, mut exponent) = (self.mantissa, self.exponent);
        while mantissa % 10 == 0 {
            (mantissa, exponent) = (mantissa / 10, exponent + 1);
        }
        while exponent.rem_euclid(3) != 0 {
            (mantissa, exponent) = (mantissa * 10, exponent - 1);
        }
        let suffix = DECIMAL.iter().find(|(_, e)| *e == exponent);
        match (self.notation, suffix) {
            (Notation::Exponent, _) if exponent == 0 => write!(f, "{mantissa}"),
            (Notation::Decimal | Notation::Binary, Some((name, _))) => write!(f, "{mantissa}{name}"),
            _ => write!(f, "{mantissa}e{exponent}"),
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Quantities compare by value; their notation does not count.
impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        let exponent = self.exponent.min(other.exponent);
        self.at(exponent).cmp(&other.at(exponent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn q(text: &str) -> Quantity {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn the_canonical_form() {
        for (text, canonical) in [
            ("0", "0"),
            ("0Gi", "0"),
            ("-0", "0"),
            ("0.5", "500m"),
            (".5", "500m"),
            ("1.", "1"),
            ("+1", "1"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("1.5", "1500m"),
            ("100000", "100k"),
            ("1024", "1024"),
            ("1Gi", "1Gi"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Ki", "512"),
            ("1000Ki", "1000Ki"),
            ("0.5Mi", "512Ki"),
            ("1.1Ki", "1126400m"),
            ("12e6", "12e6"),
            ("1E3", "1e3"),
            ("1E", "1E"),
            ("1e1", "10"),
            ("100e-3", "100e-3"),
            ("0.1n", "1n"),
            ("-1.5", "-1500m"),
            ("123456789", "123456789"),
            ("1000000G", "1P"),
            ("8Ei", "8Ei"),
            ("1e30", "1e30"),
            ("010", "10"),
            ("1.000", "1"),
        ] {
            assert_eq!(q(text).to_string(), canonical, "{text}");
            assert_eq!(q(canonical), q(text));
        }
    }

    #[test]
    fn what_is_no_quantity() {
        for (text, error) in [
            ("", QuantityError::Format),
            ("abc", QuantityError::Format),
            ("1 Gi", QuantityError::Format),
            ("1.2.3", QuantityError::Format),
            (".", QuantityError::Format),
            ("--1", QuantityError::Format),
            ("1Zi", QuantityError::Format),
            ("1GG", QuantityError::Suffix),
            ("1K", QuantityError::Suffix),
            ("1mi", QuantityError::Suffix),
            ("1e", QuantityError::Suffix),
        ] {
            assert_eq!(text.parse::<Quantity>(), Err(error), "{text}");
        }
        assert_eq!(
            QuantityError::Format.to_string(),
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        );
    }

    #[test]
    fn values_and_order() {
        assert!(q("1Ki") > q("1k") && q("0.5") < q("501m") && q("1Gi") == q("1073741824") && q("-1") < q("0"));
        assert_eq!((q("1.5").value(), q("1.5").milli_value(), q("-1.5").value()), (2, 1500, -2));
        assert_eq!((q("1e30").value(), q("-1e30").value()), (i64::MAX, i64::MIN));
        assert_eq!(q("100m").as_f64(), 0.1);
        assert!(q("2Gi").is_whole() && !q("2m").is_whole());
        assert_eq!(q("100m").plus(&q("1")).to_string(), "1100m");
        assert_eq!(q("1Gi").plus(&q("512Mi")).to_string(), "1536Mi");
        assert_eq!(q("0").plus(&q("1Gi")).to_string(), "1Gi");
        assert_eq!(q("1").minus(&q("250m")).to_string(), "750m");
        assert_eq!(Quantity::whole(3).to_string(), "3");
    }

    proptest::proptest! {
        #[test]
        fn every_canonical_form_is_its_own(text in "[+-]?[0-9]{1,12}(\\.[0-9]{0,9})?(n|u|m||k|M|G|T|Ki|Mi|Gi|e[0-9])") {
            let once = q(&text);
            proptest::prop_assert_eq!(q(&once.to_string()).to_string(), once.to_string());
            proptest::prop_assert_eq!(q(&once.to_string()), once);
        }
    }
}
