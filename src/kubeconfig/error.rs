//! What can be wrong with a kubeconfig, in clientcmd's words.

use thiserror::Error;

/// Why there is no configuration to work with.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Error {
    /// One thing is wrong; said as `error: MESSAGE`.
    #[error("{0}")]
    Message(String),
    /// Several files cannot be read; each said on a line of its own, without a prefix.
    #[error("[{}]", .0.join(", "))]
    Several(Vec<String>),
    /// The parts that are used contradict each other. One complaint is said as `error: COMPLAINT`; several as a list
    /// after `Error in configuration: `.
    #[error("invalid configuration: {}", Self::joined(.0))]
    Invalid(Vec<String>),
    /// The context that was asked for is not there; said after `Error in configuration: `.
    #[error("context was not found for specified context: {0}")]
    ContextNotFound(String),
    /// The file of `--kubeconfig` is not there.
    #[error("stat {0}: no such file or directory")]
    Missing(String),
}

impl Error {
    fn joined(complaints: &[String]) -> String {
        match complaints {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        }
    }
}
