//! Schedules of CronJobs: five fields, or a word for them.

use crate::api::GoDuration;

/// One of the five fields: the least and the greatest number, and names of numbers.
struct Bounds {
    least: u64,
    most: u64,
    names: &'static [&'static str],
}

const FIELDS: [Bounds; 5] = [
    Bounds { least: 0, most: 59, names: &[] },
    Bounds { least: 0, most: 23, names: &[] },
    Bounds { least: 1, most: 31, names: &[] },
    Bounds {
        least: 1,
        most: 12,
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Bounds { least: 0, most: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

/// What is wrong with a schedule, if anything.
pub(super) fn complaint(schedule: &str) -> Option<String> {
    if schedule.is_empty() {
        return Some("empty spec string".into());
    }
    let mut rest = schedule;
    if schedule.starts_with("TZ=") || schedule.starts_with("CRON_TZ=") {
        let (zone, after) = schedule.split_once(' ').unwrap_or((schedule, ""));
        let zone = zone.split_once('=').map_or("", |(_, zone)| zone);
        if !is_zone(zone) {
            return Some(format!("provided bad location {zone}: unknown time zone {zone}"));
        }
        rest = after.trim();
    }
    if rest.starts_with('@') {
        return word(rest);
    }
    let fields: Vec<&str> = rest.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Some(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
    }
    let ranges = |(field, bounds): (&&str, &'static Bounds)| -> Option<String> {
        field.split(',').filter(|range| !range.is_empty()).find_map(|range| self::range(range, bounds).err())
    };
    fields.iter().zip(&FIELDS).find_map(ranges)
}

fn word(word: &str) -> Option<String> {
    let words = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
    if words.contains(&word) {
        return None;
    }
    match word.strip_prefix("@every ") {
        Some(span) => {
            let wrong = GoDuration::parse(span).is_none();
            wrong.then(|| format!("failed to parse duration {word}: time: invalid duration {span:?}"))
        }
        None => Some(format!("unrecognized descriptor: {word}")),
    }
}

fn range(text: &str, bounds: &Bounds) -> Result<(), String> {
    let mut parts = text.split('/');
    let ends: Vec<&str> = parts.next().unwrap_or("").split('-').collect();
    let any = matches!(ends[0], "*" | "?");
    let (start, mut end) = match ends.as_slice() {
        _ if any => (bounds.least, bounds.most),
        [one] => number(one, bounds).map(|n| (n, n))?,
        [from, to] => (number(from, bounds)?, number(to, bounds)?),
        _ => {
            number(ends[0], bounds)?;
            return Err(format!("too many hyphens: {text}"));
        }
    };
    let mut step = 1;
    if let Some(text) = parts.next() {
        step = natural(text)?;
        if ends.len() == 1 {
            end = bounds.most;
        }
    }
    if parts.next().is_some() {
        Err(format!("too many slashes: {text}"))
    } else if start < bounds.least {
        Err(format!("beginning of range ({start}) below minimum ({}): {text}", bounds.least))
    } else if end > bounds.most {
        Err(format!("end of range ({end}) above maximum ({}): {text}", bounds.most))
    } else if start > end {
        Err(format!("beginning of range ({start}) beyond end of range ({end}): {text}"))
    } else if step == 0 {
        Err(format!("step of range should be a positive number: {text}"))
    } else {
        Ok(())
    }
}

fn number(text: &str, bounds: &Bounds) -> Result<u64, String> {
    match bounds.names.iter().position(|name| text.eq_ignore_ascii_case(name)) {
        Some(index) => Ok(bounds.least + index as u64),
        None => natural(text),
    }
}

fn natural(text: &str) -> Result<u64, String> {
    let why = |why: &str| format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: {why}");
    match text.parse::<i64>() {
        Ok(number) => u64::try_from(number).map_err(|_| format!("negative number ({number}) not allowed: {text}")),
        Err(error)
            if matches!(error.kind(), std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow) =>
        {
            Err(why("value out of range"))
        }
        Err(_) => Err(why("invalid syntax")),
    }
}

/// Whether a time zone of this name is known. The table has a line for each area: its name, or `-`, and its zones.
pub(super) fn is_zone(name: &str) -> bool {
    let (area, place) = name.rsplit_once('/').unwrap_or(("-", name));
    let mut areas = include_str!("time_zones.txt").lines().filter_map(|line| line.split_once(' '));
    name.is_empty() || name == "Local" || areas.any(|(a, all)| a == area && all.split(' ').any(|p| p == place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_zones() {
        for zone in ["", "UTC", "Etc/UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Asia/Kolkata", "Etc/GMT+5"] {
            assert!(is_zone(zone), "{zone}");
        }
        for zone in ["Europe", "Europe/berlin", "Berlin", "Mars/Base", "-"] {
            assert!(!is_zone(zone), "{zone}");
        }
    }

    #[test]
    fn schedules() {
        for schedule in ["* * * * *", "*/5 0 1,15 * 1-5", "0 0 * jan SUN", "@daily", "@every 1h30m", "5/15 * ? * *"] {
            assert_eq!(complaint(schedule), None, "{schedule}");
        }
        for (schedule, why) in [
            ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
            ("hello", "expected exactly 5 fields, found 1: [hello]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("* * * * 7", "end of range (7) above maximum (6): 7"),
            ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("x * * * *", r#"failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax"#),
            ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
            ("1/2/3 * * * *", "too many slashes: 1/2/3"),
            ("@never", "unrecognized descriptor: @never"),
        ] {
            assert_eq!(complaint(schedule).as_deref(), Some(why), "{schedule}");
        }
    }
}
