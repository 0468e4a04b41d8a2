//! CustomResourceDefinitions: from what one says, a resource like those that are built in.
//!
//! A definition's schemas are compiled once, when it becomes known; the objects of its resource then go through the
//! same code as all others, which asks here for defaults, complaints and cells.

mod checks;
mod column;
mod controller;
mod definition;
pub mod embedded;
mod fill;
pub mod formats;
mod lists;
mod naming;
mod openapi;
mod prune;
mod rank;
mod rule_types;
pub mod rules;
mod scale;
pub mod schema;

pub use column::Column;
pub use controller::{COLLECTION, Definitions, FINALIZER, begin_deletion};
pub use definition::foresee;
pub use openapi::{add_to_v2, index, v3};
pub use scale::{Paths as ScalePaths, names};

use super::kinds::field::Errors;
use crate::api::{Catalog, ObjectExt, TypeRef, Value};
use crate::schema::DecodeError;
use schema::Schema;
use std::sync::Arc;

/// What the objects of a custom resource are in one version.
#[derive(Debug)]
pub struct Custom {
    /// The schema.
    pub schema: Arc<Schema>,
    /// The schema as the definition has it.
    pub source: Value,
    /// The types of the objects, for merges.
    pub types: Catalog,
    /// The name of the type in `types`.
    pub type_name: String,
    /// The kind of lists.
    pub list_kind: String,
    /// The version that is stored.
    pub stored: String,
    /// The schema of the version that is stored, when it is another.
    pub kept: Option<Schema>,
    /// The columns besides the name.
    pub columns: Vec<Column>,
    /// Where the scale is, when there is one.
    pub scale: Option<ScalePaths>,
    /// The fields that selectors may name, without the dot in front.
    pub selectable: Vec<String>,
    /// What clients of the version are warned of.
    pub deprecation: Option<String>,
    /// Whether the definition is being deleted.
    pub terminating: bool,
    /// Objects that were written at a revision before this one may lack defaults, or have what is no field any more.
    pub since: u64,
}

impl Custom {
    /// The type of the objects.
    pub fn object_type(&self) -> Option<TypeRef<'_>> {
        self.types.named(&self.type_name)
    }

    /// Takes away what the schema does not have, and gives a complaint for each.
    ///
    /// # Errors
    /// When the metadata is none, or that of an object within the object.
    pub fn normalise(&self, object: &mut Value) -> Result<Vec<String>, DecodeError> {
        let mut unknown = embedded::normalise_metadata(object)?;
        unknown.extend(prune::prune(object, &self.schema));
        fill::drop_nulls(object, &self.schema);
        unknown.extend(embedded::coerce(object, &self.schema, "")?);
        Ok(unknown.into_iter().map(|path| format!("unknown field {path:?}")).collect())
    }

    /// Fills in what was left out.
    pub fn default(&self, object: &mut Value) {
        fill::fill(object, &self.schema);
    }

    /// Whether an object that was written at a revision may not be as the schema wants it now.
    pub fn is_stale(&self, revision: u64) -> bool {
        revision < self.since
    }

    /// Brings an object that is kept into the form that the schema has now.
    pub fn renew(&self, object: &mut Value) {
        let kept = self.kept.as_ref().unwrap_or(&self.schema);
        prune::prune(object, kept);
        fill::fill(object, kept);
        fill::drop_nulls(object, kept);
        if self.kept.is_some() {
            prune::prune(object, &self.schema);
        }
    }

    /// The object as it is kept, when that is not as it is: the version that is stored may not have all its fields.
    pub fn as_kept(&self, object: &Value) -> Option<Value> {
        let kept = self.kept.as_ref()?;
        let mut object = object.clone();
        prune::prune(&mut object, kept);
        Some(object)
    }

    /// Complains about an object; `old` is the one that it takes the place of.
    pub fn validate(&self, object: &Value, old: Option<&Value>, errors: &mut Errors) {
        checks::validate(object, old, &self.schema, errors);
        if let Some(scale) = &self.scale {
            scale.validate(object, true, errors);
        }
        self.validate_whole(object, old, errors);
    }

    /// Complains about an object whose status takes the place of another. Its schema is a part of the whole one.
    pub fn validate_status(&self, object: &Value, old: &Value, errors: &mut Errors) {
        if let Some((status, schema)) = object.get("status").zip(self.schema.properties.get("status")) {
            checks::validate_part(status, old.get("status"), schema, "status", errors);
        }
        if let Some(scale) = &self.scale {
            scale.validate(object, false, errors);
        }
        self.validate_whole(object, Some(old), errors);
    }

    fn validate_whole(&self, object: &Value, old: Option<&Value>, errors: &mut Errors) {
        embedded::validate(object, &self.schema, "", errors);
        // Lists that had an item twice may have it still.
        let before = old.map_or_else(Errors::default, |old| {
            let mut before = Errors::default();
            lists::validate(old, &self.schema, &mut before);
            before
        });
        if before.causes.is_empty() {
            lists::validate(object, &self.schema, errors);
        }
        rules::validate(object, old, &self.schema, errors);
    }

    /// The cells of a table row.
    pub fn cells(&self, object: &Value, now: i64) -> Vec<Value> {
        let columns = self.columns.iter().map(|column| column.cell(object, now));
        std::iter::once(object.name().into()).chain(columns).collect()
    }

    /// The value of a field that a selector names; none when it may not.
    pub fn selected(&self, object: &Value, field: &str) -> Option<String> {
        self.selectable.iter().any(|known| known == field).then(|| {
            let path: Vec<&str> = field.split('.').collect();
            match object.at(&path) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Null) | None => String::new(),
                Some(other) => other.to_string(),
            }
        })
    }
}

/// Whether a default has fields that its schema has not.
pub fn has_unknown_fields(default: &Value, schema: &Schema) -> bool {
    let mut pruned = default.clone();
    prune::prune_part(&mut pruned, schema);
    pruned != *default
}

/// What is wrong with a default, which lies at `place` in its definition.
pub fn faults_of_default(default: &Value, schema: &Schema, place: &str) -> Errors {
    let mut errors = Errors::default();
    checks::validate_default(default, schema, place, &mut errors);
    if errors.causes.is_empty() {
        rules::validate_default(default, schema, place, &mut errors);
    }
    errors
}

/// Whether what is wrong already keeps rules from being evaluated.
fn blocks_rules(errors: &Errors) -> bool {
    const BLOCKING: [&str; 5] = [
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    ];
    errors.causes.iter().any(|cause| BLOCKING.contains(&cause.reason.as_str()))
}
