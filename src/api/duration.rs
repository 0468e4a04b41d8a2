//! Durations as Go reads and writes them: `1h30m`, `300ms`, `1.5h` (the grammar of `time.ParseDuration`).

use super::gotext;
use std::time::Duration;

/// A signed span of nanoseconds. Flags and API fields may be negative, which `std::time::Duration` cannot be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoDuration(pub i64);

const UNITS: [(&str, i64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

impl GoDuration {
    /// A whole number of seconds.
    pub fn seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// Reads a duration; none when the text is none (a number without a unit is none, except `0`).
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(text).ok()
    }

    /// Reads a duration.
    ///
    /// # Errors
    /// In Go's words, such as `time: missing unit in duration "5"`.
    pub fn read(text: &str) -> Result<Self, String> {
        let quoted = gotext::quote(text);
        let invalid = || format!("time: invalid duration {quoted}");
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (digits, tail) = rest.split_at(number);
            if !digits.contains(|c: char| c.is_ascii_digit()) {
                return Err(invalid());
            }
            let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
            let unit = match &tail[..unit_end] {
                "" => return Err(format!("time: missing unit in duration {quoted}")),
                name => UNITS
                    .iter()
                    .find(|(known, _)| *known == name)
                    .ok_or_else(|| format!("time: unknown unit {} in duration {quoted}", gotext::quote(name)))?,
            };
            total += scaled(digits, unit.1).ok_or_else(invalid)?;
            rest = &tail[unit_end..];
        }
        i64::try_from(if negative { -total } else { total }).map(Self).map_err(|_| invalid())
    }

    /// The length as a limit: none when it is zero or below, which means no limit in most flags.
    pub fn limit(self) -> Option<Duration> {
        self.to_std().filter(|length| !length.is_zero())
    }

    /// The same as a standard duration; none when it is negative.
    pub fn to_std(self) -> Option<Duration> {
        u64::try_from(self.0).ok().map(Duration::from_nanos)
    }
}

/// `digits` may have one point; what is finer than a nanosecond is cut off.
fn scaled(digits: &str, unit: i64) -> Option<i128> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let mut value = if whole.is_empty() { 0 } else { whole.parse::<i64>().ok()? as i128 * unit as i128 };
    let mut weight = unit as i128;
    let mut part = 0i128;
    let mut scale = 1i128;
    for digit in fraction.bytes().take(18) {
        part = part * 10 + i128::from(digit - b'0');
        scale *= 10;
    }
    weight *= part;
    value += weight / scale;
    Some(value)
}

impl std::fmt::Display for GoDuration {
    /// Go's form: `1h0m5s`, `1.5s`, `300ms`, `0s`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nanos = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match nanos {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{nanos}ns"),
            1_000..1_000_000 => write!(f, "{}\u{b5}s", decimal(nanos, 1_000)),
            1_000_000..1_000_000_000 => write!(f, "{}ms", decimal(nanos, 1_000_000)),
            _ => {
                let minutes = nanos / 60_000_000_000;
                if minutes >= 60 {
                    write!(f, "{}h", minutes / 60)?;
                }
                if minutes > 0 {
                    write!(f, "{}m", minutes % 60)?;
                }
                write!(f, "{}s", decimal(nanos % 60_000_000_000, 1_000_000_000))
            }
        }
    }
}

fn decimal(value: u64, unit: u64) -> String {
    let text = format!("{}.{:0width$}", value / unit, value % unit, width = unit.ilog10() as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_write_as_in_go() {
        for (text, nanos, written) in [
            ("0", 0, "0s"),
            ("5s", 5_000_000_000, "5s"),
            ("1m5s", 65_000_000_000, "1m5s"),
            ("90m", 5_400_000_000_000, "1h30m0s"),
            ("1.5h", 5_400_000_000_000, "1h30m0s"),
            ("300ms", 300_000_000, "300ms"),
            ("-1s", -1_000_000_000, "-1s"),
            ("+.5s", 500_000_000, "500ms"),
            ("1.25us", 1_250, "1.25\u{b5}s"),
            ("1s1ms", 1_001_000_000, "1.001s"),
            ("7ns", 7, "7ns"),
        ] {
            assert_eq!(GoDuration::parse(text), Some(GoDuration(nanos)), "{text}");
            assert_eq!(GoDuration(nanos).to_string(), written, "{text}");
        }
        for text in ["", "5", "s", "-", "1.2.3s", "1x", ".s", "1 s", "99999999999h"] {
            assert_eq!(GoDuration::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_told_in_gos_words() {
        for (text, words) in [
            ("", "time: invalid duration \"\""),
            ("5", "time: missing unit in duration \"5\""),
            ("5x", "time: unknown unit \"x\" in duration \"5x\""),
            ("abc", "time: invalid duration \"abc\""),
        ] {
            assert_eq!(GoDuration::read(text).unwrap_err(), words);
        }
        assert_eq!(GoDuration(0).limit(), None);
        assert_eq!(GoDuration::seconds(-1).limit(), None);
        assert_eq!(GoDuration::seconds(1).limit(), Some(Duration::from_secs(1)));
    }
}
