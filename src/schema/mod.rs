//! What types there are: the built-in ones from the facts, others from a server's OpenAPI documents.

mod facts;

pub use facts::{Resource, Subresource, TableColumn, builtin, resources, table_columns};
