//! Where the scale of a custom resource is.

use super::super::kinds::field::Errors;
use crate::api::{ObjectExt, Value};
use crate::merge::go_print::{GoPrint, go_type};

/// The paths of the parts of a scale, as names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The wanted number.
    pub spec: Vec<String>,
    /// The number that there are.
    pub status: Vec<String>,
    /// The selector of what is counted, as text; may be empty.
    pub selector: Vec<String>,
}

impl Paths {
    /// What a version of a definition says; none when it has no scale.
    pub fn of(version: &Value) -> Option<Self> {
        let scale = version.at(&["subresources", "scale"]).filter(|scale| scale.is_object())?;
        let path = |key: &str| -> Vec<String> {
            let text = scale.text(&[key]).trim_start_matches('.');
            text.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        Some(Self {
            spec: path("specReplicasPath"),
            status: path("statusReplicasPath"),
            selector: path("labelSelectorPath"),
        })
    }

    /// Complains about an object whose numbers are none.
    pub fn validate(&self, object: &Value, errors: &mut Errors) {
        for (path, is_number) in [(&self.spec, true), (&self.status, true), (&self.selector, false)] {
            let names = names(path);
            let Some(value) = object.at(&names).filter(|_| !path.is_empty()) else { continue };
            let place = format!(".{}", path.join("."));
            let wrong = |wanted: &str| {
                format!(
                    "{place} accessor error: {} is of the type {}, expected {wanted}",
                    GoPrint(value),
                    go_type(value)
                )
            };
            match (is_number, value.as_i64()) {
                (true, None) => errors.invalid(&place, &0.into(), &wrong("int64")),
                (true, Some(number)) if number < 0 => {
                    errors.invalid(&place, value, "should be a non-negative integer");
                }
                (true, Some(number)) if number > i64::from(i32::MAX) => {
                    let complaint = format!("should be less than or equal to {}", i32::MAX);
                    errors.invalid(&place, value, &complaint);
                }
                (false, _) if !value.is_string() => errors.invalid(&place, &"".into(), &wrong("string")),
                _ => {}
            }
        }
    }
}

/// A path as the readers of objects take it.
pub fn names(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}
