//! What is said when a person presses Ctrl-C while objects are changed: each is done or untouched, and which.

use super::{Exit, Failure};
use crate::ops::waves::Left;

/// The exit code after Ctrl-C, as shells count signals.
pub const INTERRUPTED: Exit = 130;

/// The failures, and that the work was interrupted, if anything is left of it. `keys` tell the objects apart as
/// `RESOURCE/NAMESPACE/NAME`.
pub fn check(left: &Left, keys: &[String], failures: &mut Vec<Failure>) -> Result<(), Failure> {
    if *left == Left::default() {
        return Ok(());
    }
    let names = |indices: &[usize]| -> String {
        indices.iter().filter_map(|index| keys.get(*index)).map(|key| format!("\n  {}", named(key))).collect()
    };
    let (untouched, of) = (left.untouched.len(), keys.len());
    let mut text = format!("interrupted: {untouched} of {of} objects were not touched{}", names(&left.untouched));
    if !left.unknown.is_empty() {
        text.push_str("\nThese were sent and not waited for:");
        text.push_str(&names(&left.unknown));
    }
    failures.push(Failure::message(text));
    Err(Failure::Code(INTERRUPTED, Box::new(Failure::Many(std::mem::take(failures)))))
}

/// What is said when only the waiting for objects was interrupted.
pub fn waiting(keys: &[String]) -> Failure {
    let names: String = keys.iter().map(|key| format!("\n  {}", named(key))).collect();
    Failure::Code(INTERRUPTED, Box::new(Failure::message(format!("interrupted; these may not be gone yet:{names}"))))
}

/// What is said when objects were deleted, and were to be created anew.
pub fn deleted(keys: &[String]) -> Failure {
    let names: String = keys.iter().map(|key| format!("\n  {}", named(key))).collect();
    let text = format!("interrupted; these were deleted, and not created anew:{names}");
    Failure::Code(INTERRUPTED, Box::new(Failure::message(text)))
}

/// A key as it is typed: `configmaps/c -n default`.
pub fn named(key: &str) -> String {
    let mut parts = key.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(resource), Some(""), Some(name)) => format!("{resource}/{name}"),
        (Some(resource), Some(namespace), Some(name)) => format!("{resource}/{name} -n {namespace}"),
        _ => key.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interruption_says_what_was_not_touched() {
        let keys = ["configmaps/x/a", "configmaps/x/b", "nodes//c"].map(String::from);
        let mut failures = vec![Failure::message("first")];
        assert!(check(&Left::default(), &keys, &mut failures).is_ok());
        assert_eq!(failures.len(), 1);
        let left = Left { untouched: vec![1], unknown: vec![2] };
        let failure = check(&left, &keys, &mut failures).unwrap_err();
        assert!(matches!(failure, Failure::Code(INTERRUPTED, _)));
        assert_eq!(
            failure.words(),
            "[first, interrupted: 1 of 3 objects were not touched\n  configmaps/b -n x\nThese were sent and not waited for:\n  nodes/c]"
        );
    }
}
