//! Names that are more than one word: domains with paths, and the rules that several kinds have for their objects.

use super::field::{Errors, Field, quoted};
use crate::api::names;

/// Names that are RFC 1123 subdomains: most are.
pub(super) fn subdomain(name: &str, prefix: bool) -> Vec<String> {
    names::with_prefix(names::dns1123_subdomain, name, prefix)
}

/// Names that are RFC 1123 labels.
pub(super) fn label(name: &str, prefix: bool) -> Vec<String> {
    names::with_prefix(names::dns1123_label, name, prefix)
}

/// Complains about what is not like `acme.io/foo`.
pub(super) fn domain_prefixed_path(field: &Field, errors: &mut Errors) {
    if !errors.need(field) {
        return;
    }
    let Some((host, path)) = field.text().split_once('/').filter(|(host, path)| !host.is_empty() && !path.is_empty())
    else {
        return errors.reject(field, "must be a domain-prefixed path (such as \"acme.io/foo\")");
    };
    for complaint in names::dns1123_subdomain(host) {
        errors.invalid_as(field, &quoted(host), &complaint);
    }
    let sound = |b: u8| b.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&b);
    if !path.bytes().all(sound) {
        let complaint = names::pattern("Invalid path", r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+", &[]);
        errors.invalid_as(field, &quoted(path), &complaint);
    }
}

/// Complains about what is no domain of at least two parts; a dot at the end is welcome.
pub(super) fn full_domain(field: &Field, errors: &mut Errors) {
    let name = field.text().strip_suffix('.').unwrap_or(field.text());
    if !errors.need(field) {
        return;
    }
    let complaints = names::dns1123_subdomain(name);
    if !complaints.is_empty() {
        errors.invalid_as(field, &quoted(name), &complaints.join(","));
    } else if !name.contains('.') {
        let complaint = "should be a domain with at least two segments separated by dots";
        errors.invalid_as(field, &quoted(name), complaint);
    } else if let Some(label) = name.split('.').find(|label| !names::dns1123_label(label).is_empty()) {
        errors.invalid_as(field, &quoted(label), &names::dns1123_label(label).join(","));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_with_domains() {
        for (text, complaints) in [
            ("acme.io/foo", 0),
            ("acme.io/foo/bar", 0),
            ("acme.io", 1),
            ("/foo", 1),
            ("", 1),
            ("A/b", 1),
            ("a/b c", 1),
            ("A/b c", 2),
        ] {
            let object = json!({"name": text});
            let mut errors = Errors::default();
            domain_prefixed_path(&Field::new("", &object).get("name"), &mut errors);
            assert_eq!(errors.causes.len(), complaints, "{text}");
        }
    }
}
