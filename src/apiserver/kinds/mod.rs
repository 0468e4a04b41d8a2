//! What the server knows of each kind: one file per kind, and one record that says which of its rules differ from
//! the generic ones.

pub mod field;

use crate::api::{Object, Value};
use field::Errors;

/// The rules of one resource, in all its versions. [`GENERIC`] holds what most kinds share; a kind's file says
/// `Kind { default: defaults, ..GENERIC }`.
#[derive(Clone, Copy)]
pub struct Kind {
    /// The group; empty for the core group.
    pub group: &'static str,
    /// The plural name.
    pub resource: &'static str,
    /// Fills in what a client left out, in nested parts too. Runs on each decoded object, before admission.
    pub default: fn(&mut Object),
    /// What is wrong with a name, each complaint by itself; the flag says that it is a `generateName` prefix.
    pub name_complaints: fn(&str, bool) -> Vec<String>,
    /// Whether `metadata.generation` counts changes (to all but metadata and status, see `same_generation`).
    pub has_generation: bool,
    /// Sets what only the server may set on a new object: drops status, sets phases, allocates nothing.
    pub prepare_for_create: fn(&mut Object),
    /// Sets what a client may not change on the main resource; `old` is the stored object. Status has been kept
    /// from `old` already where the kind has a status subresource.
    pub prepare_for_update: fn(&mut Object, &Object),
    /// Complaints about a defaulted new object, without its metadata.
    pub validate: fn(&Object, &mut Errors),
    /// Complaints about a change of the main resource, `(new, old)`, without its metadata.
    pub validate_update: fn(&Object, &Object, &mut Errors),
    /// Complaints about a change of the status, `(new, old)`.
    pub validate_status_update: fn(&Object, &Object, &mut Errors),
    /// The texts of `Warning` headers for an object that is created or, with the old one, changed.
    pub warnings: fn(&Object, Option<&Object>) -> Vec<String>,
    /// The cells of a table row, in the order of the facts' columns. The time is Unix seconds.
    pub cells: fn(&Object, i64) -> Vec<Value>,
    /// The fields that a field selector may name besides metadata.name and metadata.namespace, with their readers.
    pub selectable_fields: &'static [(&'static str, fn(&Object) -> String)],
}

/// The rules that hold where a kind has none of its own.
pub const GENERIC: Kind = Kind {
    group: "",
    resource: "",
    default: |_| {},
    name_complaints: |_, _| Vec::new(),
    has_generation: false,
    prepare_for_create: |_| {},
    prepare_for_update: |_, _| {},
    validate: |_, _| {},
    validate_update: |_, _, _| {},
    validate_status_update: |_, _, _| {},
    warnings: |_, _| Vec::new(),
    cells: |_, _| Vec::new(),
    selectable_fields: &[],
};

/// The rules of a built-in resource; the generic ones where it has none of its own.
pub fn rules(group: &str, resource: &str) -> Kind {
    KINDS.iter().find(|k| k.group == group && k.resource == resource).copied().unwrap_or(GENERIC)
}

const KINDS: &[Kind] = &[];
