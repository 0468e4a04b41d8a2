//! Small languages over JSON values: all pure.

pub mod cel;
pub mod go_value;
pub mod gotemplate;
pub mod jsonpath;
pub mod label_selector;
pub mod regexp;
pub mod selector;
pub mod unquote;
