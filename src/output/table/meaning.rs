//! What a cell tells, for whoever looks for what is wrong: the style of a cell follows from its column and its words.

use crate::output::terminal::Style;

/// The style of a cell in the column with this heading.
pub fn style(heading: &str, cell: &str) -> Style {
    if matches!(cell, "<none>" | "<unset>") {
        return Style::Faint;
    }
    match heading.to_ascii_uppercase().as_str() {
        "STATUS" | "PHASE" | "STATE" | "CONDITION" => status(cell),
        "REASON" if worst(cell) == Style::Red => Style::Red,
        "READY" | "AVAILABLE" | "VALID" | "ESTABLISHED" => ready(cell),
        "TYPE" if cell == "Warning" => Style::Yellow,
        "RESTARTS" if !cell.starts_with("0") => Style::Yellow,
        "AGE" | "LAST SEEN" => age(cell),
        _ => Style::Plain,
    }
}

/// Whether a row is about something that is over, as a pod that did its work: nothing in it calls for attention.
pub fn is_over(heading: &str, cell: &str) -> bool {
    matches!(heading.to_ascii_uppercase().as_str(), "STATUS" | "PHASE") && status(cell) == Style::Faint
}

/// The worst that a status with commas in it says.
fn status(cell: &str) -> Style {
    let styles = cell.split(',').map(worst).collect::<Vec<_>>();
    let order = [Style::Red, Style::Yellow, Style::Green, Style::Faint];
    order.into_iter().find(|style| styles.contains(style)).unwrap_or_default()
}

fn worst(word: &str) -> Style {
    const WELL: [&str; 11] = [
        "Running",
        "Ready",
        "Active",
        "Bound",
        "Available",
        "Approved",
        "Issued",
        "Healthy",
        "Established",
        "True",
        "Synced",
    ];
    const NOT_YET: [&str; 13] = [
        "Pending",
        "ContainerCreating",
        "PodInitializing",
        "Terminating",
        "Released",
        "SchedulingDisabled",
        "Waiting",
        "Progressing",
        "Suspended",
        "SchedulingGated",
        "Resizing",
        "Creating",
        "Updating",
    ];
    const OVER: [&str; 3] = ["Completed", "Complete", "Succeeded"];
    const WRONG: [&str; 9] =
        ["NotReady", "Failed", "Lost", "Evicted", "Denied", "OOMKilled", "Unknown", "False", "ContainerStatusUnknown"];
    // Reasons are words that tell of trouble in their parts: CrashLoopBackOff, ErrImagePull, Init:Error, Signal:9.
    const PARTS: [&str; 7] = ["Err", "BackOff", "Fail", "Invalid", "ExitCode:", "Signal:", "Deadline"];
    match word {
        _ if WELL.contains(&word) => Style::Green,
        _ if NOT_YET.contains(&word) => Style::Yellow,
        _ if OVER.contains(&word) => Style::Faint,
        _ if WRONG.contains(&word) || PARTS.iter().any(|part| word.contains(part)) => Style::Red,
        _ if word.starts_with("Init:") => Style::Yellow,
        _ => Style::Plain,
    }
}

/// `1/2`, or what a condition says.
fn ready(cell: &str) -> Style {
    match cell.split_once('/') {
        Some((ready, all)) if ready == all => Style::Plain,
        Some((ready, all)) if [ready, all].iter().all(|n| n.parse::<u32>().is_ok()) => Style::Yellow,
        _ if cell.starts_with("False") || cell.starts_with("Unknown") => Style::Red,
        _ if cell == "True" => Style::Green,
        _ => Style::Plain,
    }
}

/// What is less than two minutes old is new; what is days old is not.
fn age(cell: &str) -> Style {
    match cell.as_bytes() {
        [digits @ .., b's'] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => Style::Cyan,
        [first, ..] if first.is_ascii_digit() && cell.contains(['d', 'y']) => Style::Faint,
        _ => Style::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_tell_by_their_style() {
        for (heading, cells, want) in [
            ("Status", &["Running", "Ready", "Bound", "Active", "Approved,Issued"][..], Style::Green),
            ("Status", &["Pending", "Init:0/2", "Ready,SchedulingDisabled", "Init:PodInitializing"], Style::Yellow),
            (
                "STATUS",
                &[
                    "CrashLoopBackOff",
                    "Init:Error",
                    "ExitCode:3",
                    "Signal:9",
                    "NotReady,SchedulingDisabled",
                    "ErrImagePull",
                ],
                Style::Red,
            ),
            ("Status", &["Completed", "Complete", "<none>"], Style::Faint),
            ("Status", &["", "Whatever"], Style::Plain),
            ("Ready", &["1/1", "0/0", "3", "n/a"], Style::Plain),
            ("Ready", &["0/1", "9/10"], Style::Yellow),
            ("Available", &["False (MissingEndpoints)"], Style::Red),
            ("Available", &["True"], Style::Green),
            ("Restarts", &["1", "12 (3m ago)"], Style::Yellow),
            ("Restarts", &["0"], Style::Plain),
            ("Age", &["5s", "119s"], Style::Cyan),
            ("Age", &["2m", "2m5s", "3h10m", "<unknown>", "s", ""], Style::Plain),
            ("Age", &["2d", "2d3h", "4y20d"], Style::Faint),
            ("Type", &["Warning"], Style::Yellow),
            ("Type", &["ClusterIP", "Normal"], Style::Plain),
            ("Name", &["Error", "Running"], Style::Plain),
        ] {
            for cell in cells {
                assert_eq!(style(heading, cell), want, "{heading} {cell}");
            }
        }
        assert!(is_over("Status", "Completed") && !is_over("Status", "Running") && !is_over("Name", "Completed"));
    }
}
