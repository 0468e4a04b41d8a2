//! Complaints about fields, in the words of kube-apiserver (apimachinery's field errors).

use crate::api::{Cause, Value};

/// Complaints about one object, in the order in which they were found.
#[derive(Clone, Debug, Default)]
pub struct Errors {
    /// The complaints; their `field` is the path.
    pub causes: Vec<Cause>,
}

impl Errors {
    /// A field that must be there is missing or empty; `detail` may be empty.
    pub fn required(&mut self, path: &str, detail: &str) {
        let message = if detail.is_empty() { "Required value".into() } else { format!("Required value: {detail}") };
        self.push("FieldValueRequired", path, message);
    }

    /// A value is not what it should be.
    pub fn invalid(&mut self, path: &str, value: &Value, detail: &str) {
        self.push("FieldValueInvalid", path, format!("Invalid value: {value}: {detail}"));
    }

    /// Adds a complaint whose message is complete.
    pub fn push(&mut self, reason: &str, path: &str, message: String) {
        self.causes.push(Cause { reason: reason.into(), message, field: path.into() });
    }
}
