//! steersman: a drop-in kubectl that carries a Kubernetes API server inside.
//!
//! The rooms of the house, in the order in which data flows. A room imports only rooms above it in this list
//! (the test `repo_rules` holds that), and `client` and `apiserver` never import each other.

#![warn(missing_docs)]

pub mod api;

pub mod expr;
pub mod yaml;

pub mod merge;

pub mod schema;

pub mod kubeconfig;

pub mod client;

pub mod manifest;
pub mod output;

pub mod completion;
pub mod describe;
pub mod ops;

#[cfg(feature = "apiserver")]
pub mod apiserver;
#[cfg(feature = "apiserver")]
pub mod sandbox;

pub mod commands;
