//! YAML as kubectl reads and writes it: YAML 1.1 by the rules of libyaml and go-yaml, on the way from and to JSON.

mod compose;
mod documents;
mod error;
mod gosyntax;
pub mod kyaml;
mod marks;
mod parse;
mod resolve;
mod scan;
mod style;
#[cfg(test)]
mod tests;
mod unicode;
mod write;

pub use documents::{Document, Documents, documents, documents_as};
pub use error::ReadError;
pub use marks::Marks;
pub use write::{to_string, write};

use crate::api::Value;

/// Whose reading of YAML is followed: the two differ in what a text without quotes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// kubectl's, by YAML 1.1: `yes` and `on` are true, a time stays the text that it was.
    Kubectl,
    /// kustomize's: only `true` and `false` are booleans, a time is written by RFC 3339, integers have up to 64 bits
    /// without a sign.
    Kustomize,
}

/// Reads one document, as `sigs.k8s.io/yaml` does: keys become strings, timestamps stay text, integers keep 64 bits
/// with a sign and every other number becomes a float. Of a key that is given twice the last value counts. Further
/// documents in the text are passed over.
pub fn from_str(text: &str) -> Result<Value, ReadError> {
    Ok(documents::read(text, Reader::Kubectl)?.0)
}

/// Reads one document of UTF-8 text; see [`from_str`].
pub fn from_slice(bytes: &[u8]) -> Result<Value, ReadError> {
    Ok(from_slice_strict(bytes)?.0)
}

/// Reads one document of UTF-8 text, and says which keys were given more than once, each as
/// `line 3: key "a" already set in map`; see [`from_str`].
pub fn from_slice_strict(bytes: &[u8]) -> Result<(Value, Vec<String>), ReadError> {
    documents::read(documents::utf8(bytes)?, Reader::Kubectl)
}
