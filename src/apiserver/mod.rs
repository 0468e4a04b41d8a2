//! A Kubernetes API server: request in, response out, over one generic registry of kinds.

pub mod kinds;
