//! What types there are: the built-in ones from the facts, others from a server's OpenAPI documents; and what it takes
//! to be of a type.

mod facts;
mod normalise;
pub mod openapi;
mod order;
mod scalar;
mod strict;
mod unstructured;
mod validate;

pub use facts::{Resource, Subresource, TableColumn, builtin, resources, table_columns};
pub use normalise::{DecodeError, as_go_type, normalise};
pub use scalar::time;
pub use strict::complaints;
pub use unstructured::misfit;
pub use validate::validate;
