//! Indexes of an Indexed Job's pods, written `1,3-5,7`.

/// How many indexes a text names, or what is wrong with it.
pub(super) fn count(text: &str, completions: i64) -> Result<i64, String> {
    let (mut last, mut total) = (None, 0);
    for interval in text.split(',').filter(|_| !text.is_empty()) {
        let (from, to) = parse(interval, completions)?;
        if let Some(previous) = last.filter(|last| *last >= from) {
            return Err(format!("non-increasing order, previous: {previous}, current: {from}"));
        }
        total += to - from + 1;
        last = Some(to);
    }
    Ok(total)
}

/// The first index that two texts share.
pub(super) fn overlap(left: &str, right: &str, completions: i64) -> Option<i64> {
    let intervals = |text: &str| -> Vec<(i64, i64)> {
        text.split(',').filter_map(|interval| parse(interval, completions).ok()).collect()
    };
    let right = intervals(right);
    let shared = |(from, to): (i64, i64)| right.iter().find(|(f, t)| from <= *t && *f <= to).map(|(f, _)| from.max(*f));
    intervals(left).into_iter().find_map(shared)
}

fn parse(interval: &str, completions: i64) -> Result<(i64, i64), String> {
    let number = |text: &str| match text.parse::<i64>() {
        Err(_) => Err(format!("cannot convert string to integer for index: {text:?}")),
        Ok(index) if index >= completions => Err(format!("too large index: {text:?}")),
        Ok(index) => Ok(index),
    };
    let parts: Vec<&str> = interval.split('-').collect();
    match parts.as_slice() {
        [one] => number(one).map(|index| (index, index)),
        [from, to] => match (number(from)?, number(to)?) {
            (from, to) if from >= to => Err(format!("non-increasing order, previous: {from}, current: {to}")),
            both => Ok(both),
        },
        _ => Err(format!(
            "the fragment {interval:?} violates the requirement that an index interval can have at most two parts \
             separated by '-'"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_counted() {
        for (text, result) in [
            ("", Ok(0)),
            ("1", Ok(1)),
            ("1,3-5,7", Ok(5)),
            ("3-1", Err("non-increasing order, previous: 3, current: 1")),
            ("1,1", Err("non-increasing order, previous: 1, current: 1")),
            ("10", Err("too large index: \"10\"")),
            ("x", Err("cannot convert string to integer for index: \"x\"")),
        ] {
            assert_eq!(count(text, 10), result.map_err(String::from), "{text}");
        }
        assert!(count("1-2-3", 10).is_err());
        assert_eq!((overlap("1-3,5", "4-6", 10), overlap("1-3", "4", 10)), (Some(5), None));
    }
}
