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

    /// The numbers of an object, wanted and there, and its selector.
    ///
    /// # Errors
    /// The first that is none.
    pub fn read(&self, object: &Value) -> Result<(Option<i64>, Option<i64>, String), String> {
        let selector = text_at(object, &self.selector)?.unwrap_or_default();
        Ok((number_at(object, &self.spec)?, number_at(object, &self.status)?, selector))
    }

    /// Complains about an object whose numbers are none; about the wanted one only when `spec` may have changed.
    pub fn validate(&self, object: &Value, spec: bool, errors: &mut Errors) {
        for path in [&self.spec, &self.status].into_iter().skip(usize::from(!spec)) {
            let place = format!(".{}", path.join("."));
            match number_at(object, path) {
                Err(why) => errors.invalid(&place, &0.into(), &why),
                Ok(Some(number)) if number < 0 => {
                    errors.invalid(&place, &number.into(), "should be a non-negative integer");
                }
                Ok(Some(number)) if number > i64::from(i32::MAX) => {
                    let complaint = format!("should be less than or equal to {}", i32::MAX);
                    errors.invalid(&place, &number.into(), &complaint);
                }
                Ok(_) => {}
            }
        }
        if let Err(why) = text_at(object, &self.selector) {
            errors.invalid(format!(".{}", self.selector.join(".")), &"".into(), &why);
        }
    }
}

fn number_at(object: &Value, path: &[String]) -> Result<Option<i64>, String> {
    let Some(value) = value_at(object, path)? else { return Ok(None) };
    value.as_i64().map(Some).ok_or_else(|| no_access(path, value, "int64"))
}

fn text_at(object: &Value, path: &[String]) -> Result<Option<String>, String> {
    let Some(value) = value_at(object, path)? else { return Ok(None) };
    value.as_str().map(|text| Some(text.to_owned())).ok_or_else(|| no_access(path, value, "string"))
}

/// What lies at a path, which may end where something is missing or null, but not at what is no map.
fn value_at<'v>(object: &'v Value, path: &[String]) -> Result<Option<&'v Value>, String> {
    let mut found = object;
    for (index, name) in path.iter().enumerate() {
        match found {
            Value::Null => return Ok(None),
            Value::Object(map) => match map.get(name) {
                Some(value) => found = value,
                None => return Ok(None),
            },
            other => return Err(no_access(&path[..=index], other, "map[string]interface{}")),
        }
    }
    Ok((!path.is_empty()).then_some(found))
}

/// Why what lies at a path cannot be read, in the words of Go's unstructured objects.
fn no_access(path: &[String], value: &Value, wanted: &str) -> String {
    let path = path.join(".");
    format!(".{path} accessor error: {} is of the type {}, expected {wanted}", GoPrint(value), go_type(value))
}

/// A path as the readers of objects take it.
pub fn names(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_found_or_missing_or_none() {
        let paths = Paths {
            spec: vec!["spec".into(), "n".into()],
            status: vec!["status".into(), "n".into()],
            selector: vec!["status".into(), "s".into()],
        };
        for (object, want) in [
            (json!({"spec": {"n": 1}, "status": {"n": 2, "s": "a=b"}}), vec![]),
            (json!({"spec": null, "status": {}}), vec![]),
            (json!({"spec": {"n": -1}}), vec![".spec.n: Invalid value: -1: should be a non-negative integer"]),
            (
                json!({"status": {"n": "x"}}),
                vec![".status.n: Invalid value: 0: .status.n accessor error: x is of the type string, expected int64"],
            ),
            (
                json!({"spec": "x"}),
                vec![
                    ".spec.n: Invalid value: 0: .spec.n accessor error: x is of the type string, expected map[string]interface{}",
                ],
            ),
            (
                json!({"status": {"s": 1}}),
                vec![
                    r#".status.s: Invalid value: "": .status.s accessor error: 1 is of the type int64, expected string"#,
                ],
            ),
        ] {
            let mut errors = Errors::default();
            paths.validate(&object, true, &mut errors);
            let found: Vec<String> = errors.causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
            assert_eq!(found, want, "{object}");
        }
    }
}
