//! Pure data that every room speaks: objects, their coordinates, statuses, tables, types, quantities and times.
//!
//! Nothing here does I/O, and nothing here imports another room.

pub mod content_hash;
pub mod duration;
pub mod gotext;
pub mod group;
pub mod json;
pub mod names;
pub mod object;
pub mod policy_rule;
pub mod quantity;
pub mod status;
pub mod table;
pub mod time;
pub mod types;

pub use duration::GoDuration;
pub use group::{GroupVersion, GroupVersionKind, GroupVersionResource};
pub use object::{Object, ObjectExt};
pub use quantity::Quantity;
pub use serde_json::{Map, Value};
pub use status::{Cause, Status};
pub use types::{Catalog, Presence, TypeNode, TypeRef};
