//! Conditions of the kind that all later kinds have (meta/v1 Condition).

use super::field::{Errors, Field, quoted};
use crate::api::names;

const LONGEST_REASON: usize = 1024;
const LONGEST_MESSAGE: usize = 32 * 1024;

/// Complains about conditions.
pub(super) fn conditions(list: &Field, errors: &mut Errors) {
    for (index, condition) in list.items().enumerate() {
        let [kind, status, since, reason] =
            ["type", "status", "lastTransitionTime", "reason"].map(|name| condition.get(name));
        if (0..index).any(|before| list.item(before).get("type").text() == kind.text()) {
            errors.duplicate(kind, kind.value());
        }
        errors.name(&kind, names::qualified_name);
        errors.one_of(&status, &["False", "True", "Unknown"]);
        let generation = condition.get("observedGeneration");
        if generation.number() < 0 {
            errors.reject(&generation, "must be greater than or equal to zero");
        }
        errors.need(&since);
        if reason.is_empty() {
            errors.required(reason, "");
        } else {
            if !is_reason(reason.text()) {
                let detail = "a condition reason must start with alphabetic character, optionally followed by a string \
                              of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' \
                              (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or \
                              'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')";
                errors.invalid_as(reason, &quoted(reason.text()), detail);
            }
            errors.at_most_bytes(&reason, LONGEST_REASON);
        }
        errors.at_most_bytes(&condition.get("message"), LONGEST_MESSAGE);
    }
}

fn is_reason(reason: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    reason.starts_with(|c: char| c.is_ascii_alphabetic())
        && reason.bytes().all(|b| word(b) || matches!(b, b',' | b':'))
        && reason.bytes().last().is_some_and(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_wrong_with_conditions() {
        let fine = json!({"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z",
            "reason": "A,B"});
        for (part, value, complaint) in [
            ("type", json!("Ready"), ""),
            ("status", json!("Yes"), r#"Unsupported value: "Yes": supported values: "False", "True", "Unknown""#),
            ("lastTransitionTime", json!(null), "Required value"),
            ("reason", json!(""), "Required value"),
            ("reason", json!("A,"), r#"Invalid value: "A,": a condition reason must start"#),
            ("observedGeneration", json!(-1), "Invalid value: -1: must be greater than or equal to zero"),
        ] {
            let mut condition = fine.clone();
            condition[part] = value;
            let object = json!({"c": [condition]});
            let mut errors = Errors::default();
            conditions(&Field::new("", &object).get("c"), &mut errors);
            let made = errors.causes.first().map_or("", |cause| cause.message.as_str());
            assert!(made.starts_with(complaint) && made.is_empty() == complaint.is_empty(), "{part}: {made}");
        }
    }
}
