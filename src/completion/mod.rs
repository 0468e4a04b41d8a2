//! Completion: the protocol that the shells' scripts speak (`__complete WORDS...`, cobra's), and those scripts.
//!
//! A line of words is read against the command table; what depends on kubeconfig or server is asked of a [`World`].
//! The protocol, the order of candidates and the directives are those of the reference; descriptions are our own.

mod answer;
mod line;
mod rules;
pub mod shells;

pub use answer::{Answer, Candidate, Directive, World};
pub use line::{Line, read};

#[cfg(test)]
mod tests;
