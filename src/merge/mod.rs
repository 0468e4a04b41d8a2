//! Patches, merges and the record of who set which field: pure functions on values.

pub mod faithful;
pub mod go_print;
pub mod json_patch;
pub mod managed_fields;
pub mod merge_patch;
pub mod strategic;
pub mod three_way;
