//! Pure data that every room speaks: objects, their coordinates, statuses, tables, types, quantities and times.
//!
//! Nothing here does I/O, and nothing here imports another room.

pub mod group;
pub mod object;
pub mod status;
pub mod table;
pub mod types;

pub use group::{GroupVersion, GroupVersionKind, GroupVersionResource};
pub use object::{Object, ObjectExt};
pub use serde_json::{Map, Value};
pub use status::{Cause, Status};
pub use types::{Catalog, TypeNode, TypeRef};
