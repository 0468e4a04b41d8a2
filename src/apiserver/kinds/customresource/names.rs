//! The names of a custom resource.

use super::super::field::{Errors, Field};
use crate::api::names::dns1035_label;

/// Complains about names; missing ones are somebody else's to complain about.
pub(super) fn validate(names: &Field, errors: &mut Errors) {
    for name in ["plural", "singular", "kind", "listKind"] {
        let field = names.get(name);
        let lower = if name.ends_with("ind") { field.text().to_lowercase() } else { field.text().to_owned() };
        let complaints = dns1035_label(&lower);
        if field.is_empty() || complaints.is_empty() {
            continue;
        }
        let mixed = if name.ends_with("ind") { "may have mixed case, but should otherwise match: " } else { "" };
        errors.reject(&field, &format!("{mixed}{}", complaints.join(",")));
    }
    labels(&names.get("shortNames"), errors);
    let (kind, list) = (names.get("kind"), names.get("listKind"));
    if !kind.is_empty() && kind.text() == list.text() {
        errors.reject(&list, "kind and listKind may not be the same");
    }
    labels(&names.get("categories"), errors);
}

fn labels(list: &Field, errors: &mut Errors) {
    for name in list.items() {
        let complaints = dns1035_label(name.text());
        if !complaints.is_empty() {
            errors.reject(&name, &complaints.join(","));
        }
    }
}
