//! Times as Kubernetes writes them (RFC 3339; meta/v1 Time and MicroTime), and durations for people.

use jiff::Timestamp;

/// A moment: whole seconds since 1970 and the nanoseconds after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Unix seconds.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanoseconds: u32,
}

/// Reads an RFC 3339 time with any zone; none when the text is something else.
pub fn parse(text: &str) -> Option<Moment> {
    // jiff also takes blanks and lower-case letters where RFC 3339 as Go reads it has `T` and `Z`.
    let bytes = text.as_bytes();
    let zoned = text.ends_with('Z') || bytes.len() >= 25 && matches!(bytes[bytes.len() - 6], b'+' | b'-');
    if bytes.get(10) != Some(&b'T') || !zoned {
        return None;
    }
    let nanoseconds = text.parse::<Timestamp>().ok()?.as_nanosecond();
    let (seconds, rest) = (nanoseconds.div_euclid(1_000_000_000), nanoseconds.rem_euclid(1_000_000_000));
    Some(Moment { seconds: i64::try_from(seconds).ok()?, nanoseconds: u32::try_from(rest).ok()? })
}

/// The Unix seconds of an RFC 3339 time.
pub fn unix_seconds(text: &str) -> Option<i64> {
    parse(text).map(|moment| moment.seconds)
}

/// `2026-01-01T00:00:00Z`: how meta/v1 Time is written.
pub fn rfc3339(seconds: i64) -> String {
    written(Moment { seconds, nanoseconds: 0 }, 0)
}

/// `2026-01-01T00:00:00.000000Z`: how meta/v1 MicroTime is written.
pub fn rfc3339_micro(moment: Moment) -> String {
    written(moment, 6)
}

fn written(moment: Moment, digits: usize) -> String {
    let at = Timestamp::new(moment.seconds, 0).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut text = at.to_string();
    text.truncate(text.len() - 1);
    if digits > 0 {
        let fraction = format!("{:09}", moment.nanoseconds);
        text.push('.');
        text.push_str(&fraction[..digits]);
    }
    text.push('Z');
    text
}

/// How long ago something was, with two or three significant figures: `5m30s`, `3d4h`, `324d`. More than a second
/// in the future is `<invalid>`; a clock may be off by less.
pub fn human_duration(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |large: i64, unit: char, small: i64, part: char| {
        if small == 0 { format!("{large}{unit}") } else { format!("{large}{unit}{small}{part}") }
    };
    match seconds {
        ..=-2 => "<invalid>".into(),
        -1 => "0s".into(),
        0..120 => format!("{seconds}s"),
        _ if minutes < 10 => two(minutes, 'm', seconds % 60, 's'),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => two(hours, 'h', minutes % 60, 'm'),
        _ if hours < 48 => format!("{hours}h"),
        _ if days < 8 => two(days, 'd', hours % 24, 'h'),
        _ if days < 365 * 2 => format!("{days}d"),
        _ if days < 365 * 8 => two(days / 365, 'y', days % 365, 'd'),
        _ => format!("{}y", days / 365),
    }
}

/// How long ago something was, in one unit: `5m`, `3d`.
pub fn short_human_duration(seconds: i64) -> String {
    match seconds {
        ..=-2 => "<invalid>".into(),
        -1 => "0s".into(),
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ if seconds < 86_400 * 365 => format!("{}d", seconds / 86_400),
        _ => format!("{}y", seconds / (86_400 * 365)),
    }
}

/// The age of a time in a table: [`human_duration`] up to `now` (Unix seconds), `<unknown>` without a time.
pub fn age(text: &str, now: i64) -> String {
    unix_seconds(text).map_or_else(|| "<unknown>".into(), |then| human_duration(now - then))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_and_write_back() {
        for (text, seconds, nanoseconds) in [
            ("2026-01-01T00:00:00Z", 1_767_225_600, 0),
            ("2026-01-01T02:00:00+02:00", 1_767_225_600, 0),
            ("2026-01-01T00:00:00.5Z", 1_767_225_600, 500_000_000),
            ("1969-12-31T23:59:59.25Z", -1, 250_000_000),
        ] {
            assert_eq!(parse(text), Some(Moment { seconds, nanoseconds }), "{text}");
        }
        for text in ["", "2026-01-01", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "now"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(rfc3339(1_767_225_600), "2026-01-01T00:00:00Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59Z");
        let moment = Moment { seconds: 1_767_225_600, nanoseconds: 1_234_567 };
        assert_eq!(rfc3339_micro(moment), "2026-01-01T00:00:00.001234Z");
    }

    #[test]
    fn durations_for_people() {
        const M: i64 = 60;
        const H: i64 = 3600;
        const D: i64 = 86_400;
        for (seconds, long, short) in [
            (-2, "<invalid>", "<invalid>"),
            (-1, "0s", "0s"),
            (0, "0s", "0s"),
            (119, "119s", "1m"),
            (120, "2m", "2m"),
            (5 * M + 30, "5m30s", "5m"),
            (10 * M + 30, "10m", "10m"),
            (179 * M, "179m", "2h"),
            (3 * H, "3h", "3h"),
            (7 * H + 59 * M, "7h59m", "7h"),
            (47 * H, "47h", "1d"),
            (3 * D + 4 * H, "3d4h", "3d"),
            (7 * D, "7d", "7d"),
            (8 * D + 5 * H, "8d", "8d"),
            (729 * D, "729d", "1y"),
            (730 * D, "2y", "2y"),
            (731 * D, "2y1d", "2y"),
            (8 * 365 * D + D, "8y", "8y"),
        ] {
            assert_eq!(human_duration(seconds), long);
            assert_eq!(short_human_duration(seconds), short);
        }
        assert_eq!(age("2026-01-01T00:00:00Z", 1_767_225_600 + 90), "90s");
        assert_eq!(age("", 5), "<unknown>");
    }
}
