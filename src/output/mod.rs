//! What commands print: one file for each format, all writing into `std::io::Write`.
//!
//! [`format::choose`] turns `-o` and `--template` into a [`Printer`] for objects, or says that a person is to be
//! printed for: then lists are a [`table`], and what was done to an object is a line of [`name`].

mod by_items;
pub mod custom_columns;
pub mod format;
pub mod gotemplate;
pub mod json;
pub mod jsonpath;
pub mod kyaml;
pub mod name;
pub mod sort;
pub mod table;
pub mod tabwriter;
pub mod terminal;
pub mod typed;
pub mod yaml;

use crate::api::{ObjectExt, Value};
use crate::expr::go_value::{Quoted, Syntax};
use serde_json::json;
use std::io::{self, Write};
use thiserror::Error;

/// Prints objects in one format. What is between two objects, such as YAML's `---`, is the printer's to remember.
pub trait Printer {
    /// Prints one object.
    ///
    /// # Errors
    /// Those of the writer, and of templates that do not fit the object.
    fn object(&mut self, object: Value, out: &mut dyn Write) -> Result<(), PrintError>;

    /// Prints one event of a watch: its type (`ADDED`, ...) and the object.
    ///
    /// # Errors
    /// As of [`Printer::object`].
    fn event(&mut self, event: &str, object: Value, out: &mut dyn Write) -> Result<(), PrintError> {
        self.object(event_of(event, object), out)
    }

    /// Begins a list of objects that are printed as one. Objects follow by [`Printer::list_item`].
    ///
    /// # Errors
    /// As of [`Printer::object`].
    fn list_start(&mut self, out: &mut dyn Write) -> Result<(), PrintError>;

    /// Prints or keeps one object of the list.
    ///
    /// # Errors
    /// As of [`Printer::object`].
    fn list_item(&mut self, item: Value, out: &mut dyn Write) -> Result<(), PrintError>;

    /// Ends the list.
    ///
    /// # Errors
    /// As of [`Printer::object`].
    fn list_end(&mut self, out: &mut dyn Write) -> Result<(), PrintError>;

    /// Whether it may show objects' `metadata.managedFields`.
    fn shows_managed_fields(&self) -> bool {
        true
    }

    /// From now on, items of lists are kept and printed together. For printers that look at items one by one where
    /// they can, and say [`PrintError::Whole`] at the end of a list where they found that they cannot.
    fn keep_items(&mut self) {}

    /// Prints a whole list of objects as one.
    ///
    /// # Errors
    /// As of [`Printer::object`].
    fn list(&mut self, items: Vec<Value>, out: &mut dyn Write) -> Result<(), PrintError> {
        self.keep_items();
        self.list_start(out)?;
        items.into_iter().try_for_each(|item| self.list_item(item, out))?;
        self.list_end(out)
    }

    /// Prints what a command did to several objects as one list, which kubectl holds as a Go type.
    ///
    /// # Errors
    /// As of [`Printer::object`].
    fn typed_list(&mut self, items: Vec<Value>, out: &mut dyn Write) -> Result<(), PrintError> {
        self.object(typed_list_of(items), out)
    }
}

/// Why something was not printed, in kubectl's words.
#[derive(Debug, Error)]
pub enum PrintError {
    /// The writer failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A JSONPath template does not fit the object.
    #[error(
        "error executing jsonpath {}: Error executing template: {error}. Printing more information for debugging the \
         template:\n\ttemplate was:\n\t\t{template}\n\tobject given to jsonpath engine was:\n\t\t{}\n\n\n",
        Quoted(template),
        Syntax(object)
    )]
    JsonPath {
        /// The template.
        template: String,
        /// What does not fit.
        error: String,
        /// The object.
        object: Box<Value>,
    },
    /// The items of the list are needed all at once. Nothing was printed.
    #[error("the list is needed as a whole")]
    Whole,
    /// Something else.
    #[error("{0}")]
    Other(String),
}

/// A list of any objects as commands hold it that make one of what they did: Go's type `v1.List`.
fn typed_list_of(items: Vec<Value>) -> Value {
    let mut list = list_of(items);
    list.put(&["metadata"], json!({}));
    list
}

/// Several objects as one: `kind: List`, as kubectl wraps them.
fn list_of(items: Vec<Value>) -> Value {
    let mut list = json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}});
    // Inside of `json!` the items would be copied.
    list.put(&["items"], items);
    list
}

/// An event of a watch as an object.
fn event_of(event: &str, object: Value) -> Value {
    let mut value = json!({"type": event});
    value.put(&["object"], object);
    value
}

/// Takes away an object's `metadata.managedFields`, and those of its items when it is a list.
fn omit_managed_fields(object: &mut Value) {
    object.take_at(&["metadata", "managedFields"]);
    if let Some(items) = object.get_mut("items").and_then(Value::as_array_mut) {
        for item in items {
            item.take_at(&["metadata", "managedFields"]);
        }
    }
}

/// Checks that an object says what it is, as kubectl's printers of whole objects do.
fn require_kind(object: &Value) -> Result<(), PrintError> {
    if object.api_version().is_empty() && object.kind().is_empty() {
        let message = "missing apiVersion or kind; try GetObjectKind().SetGroupVersionKind() if you know the type";
        return Err(PrintError::Other(message.into()));
    }
    Ok(())
}
