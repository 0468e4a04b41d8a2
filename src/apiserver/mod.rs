//! A Kubernetes API server: request in, response out, over one generic registry of kinds.

pub mod admission;
pub mod aggregation;
pub mod auth;
pub mod bootstrap;
pub mod claims;
pub mod clock;
pub mod codec;
pub mod collector;
pub mod create;
pub mod custom;
pub mod delete;
pub mod discovery;
pub mod encoding;
pub mod errors;
mod eviction;
pub mod expressions;
pub mod health;
pub mod kinds;
pub mod meta;
pub mod metrics;
pub mod negotiate;
pub mod offline;
pub mod openapi;
pub mod options;
pub mod ownership;
pub mod patch;
mod patching;
pub mod pipeline;
pub mod protobuf;
pub mod read;
pub mod rechecks;
pub mod registry;
pub mod request;
pub mod respond;
pub mod scale;
pub mod serve;
pub mod store;
pub mod subresources;
pub mod table;
pub mod update;
mod verbatim;
pub mod version;
pub mod watch;

pub use pipeline::Server;

#[cfg(test)]
mod tests;
