//! `Status`: how an API server says that something failed, or that it is done (API conventions, "Response Status Kind").

use super::Value;
use serde::{Deserialize, Serialize};

/// The answer to a request that returns no object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// `Success` or `Failure`.
    pub status: String,
    /// What happened, for a person. Scripts read it too: the words are part of the interface.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What happened, for a program: `NotFound`, `Invalid`, ...
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// More, depending on the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// The HTTP status code; 0 when a success leaves it out.
    #[serde(skip_serializing_if = "is_zero")]
    pub code: u16,
    /// The list's metadata: an expired list says here where to go on.
    pub metadata: ListMeta,
}

/// The metadata of a list, and of a [`Status`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListMeta {
    /// The token of the next page.
    #[serde(rename = "continue", skip_serializing_if = "String::is_empty")]
    pub continue_token: String,
}

/// What a [`Status`] is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Details {
    /// The object's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The group of `kind`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The kind, or, in most errors, the resource.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The object's uid.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// Each single complaint, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// When to try again, in seconds; 0 when nothing is said.
    #[serde(skip_serializing_if = "is_zero")]
    pub retry_after_seconds: u32,
}

/// One complaint of a [`Status`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cause {
    /// A reason for a program, such as `FieldValueRequired`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The complaint, for a person.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The field's path, such as `spec.ports[0].port`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
}

impl Status {
    /// A failure.
    pub fn failure(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self { status: "Failure".into(), message: message.into(), reason: reason.into(), code, ..Self::default() }
    }

    /// Adds what it is about.
    pub fn about(mut self, details: Details) -> Self {
        self.details = Some(details);
        self
    }

    /// Where an expired list can be taken up again, when the server says so.
    pub fn continue_token(&self) -> Option<String> {
        Some(self.metadata.continue_token.clone()).filter(|token| !token.is_empty())
    }

    /// Reads a `Status` object; none when the value is something else.
    pub fn from_value(value: &Value) -> Option<Self> {
        if value.get("kind")?.as_str()? != "Status" {
            return None;
        }
        serde_json::from_value(value.clone()).ok()
    }

    /// The object as it goes over the wire.
    pub fn to_value(&self) -> Value {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.insert("kind".into(), "Status".into());
            map.insert("apiVersion".into(), "v1".into());
        }
        value
    }
}

fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_failure_reads_back() {
        let status = Status::failure(404, "NotFound", "pods \"x\" not found").about(Details {
            name: "x".into(),
            kind: "pods".into(),
            ..Details::default()
        });
        let value = status.to_value();
        assert_eq!(value["details"], json!({"name": "x", "kind": "pods"}));
        assert_eq!(Status::from_value(&value), Some(status));
        assert_eq!(Status::from_value(&json!({"kind": "Pod"})), None);
    }
}
