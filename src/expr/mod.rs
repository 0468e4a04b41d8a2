//! Small languages over JSON values: all pure.

pub mod go_value;
pub mod gotemplate;
pub mod jsonpath;
pub mod label_selector;
pub mod selector;
pub mod unquote;
