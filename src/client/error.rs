//! What can go wrong between a request and its answer.

use super::mapper::MapError;
use crate::api::{Status, gotext};
use crate::kubeconfig;
use std::fmt;
use thiserror::Error;

/// Why there is no answer, or what answer there is instead. The text is what Go's `error` would say.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Error {
    /// There is no usable configuration.
    #[error(transparent)]
    Config(#[from] kubeconfig::Error),
    /// The server says no. Said as `Error from server (REASON): MESSAGE`, but `error: You must be logged in to the
    /// server (MESSAGE)` for `Unauthorized`.
    #[error("{}", .0.message)]
    Status(Box<Status>),
    /// There is no connection, or it broke before the answer came.
    #[error(transparent)]
    Connection(Box<ConnectionError>),
    /// No such type.
    #[error(transparent)]
    Map(#[from] MapError),
    /// Anything else; said as `error: MESSAGE`.
    #[error("{0}")]
    Message(String),
}

/// A request that got no answer (Go's `url.Error`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionError {
    /// The method, as in `Get`.
    pub operation: String,
    /// The whole URL.
    pub url: String,
    /// The server's host, with the port if one was given.
    pub host: String,
    /// What happened.
    pub cause: String,
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.operation, gotext::quote(&self.url), self.cause)
    }
}

impl std::error::Error for ConnectionError {}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

impl Error {
    /// The server's answer, when that is what went wrong.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Status(status) => Some(status),
            _ => None,
        }
    }

    /// Whether the server answered with this reason.
    pub fn has_reason(&self, reason: &str) -> bool {
        self.status().is_some_and(|status| status.reason == reason)
    }

    /// Whether the request took longer than it was allowed to.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Connection(error) => error.cause.contains("Client.Timeout"),
            Self::Message(text) => text.contains("Client.Timeout"),
            _ => false,
        }
    }

    /// The whole line that kubectl prints in place of `error: TEXT`, where it has one.
    pub fn standard_message(&self) -> Option<String> {
        match self {
            Self::Config(error) => match error {
                kubeconfig::Error::ContextNotFound(_) => Some(format!("Error in configuration: {error}")),
                kubeconfig::Error::Invalid(complaints) if complaints.len() > 1 => {
                    let list: String = complaints.iter().map(|complaint| format!("\n* {complaint}")).collect();
                    Some(format!("Error in configuration: {list}"))
                }
                kubeconfig::Error::Invalid(complaints) => complaints.first().map(|one| format!("error: {one}")),
                kubeconfig::Error::Several(faults) => Some(faults.join("\n")),
                _ => None,
            },
            Self::Connection(error) if error.cause.contains("connection refused") => Some(format!(
                "The connection to the server {} was refused - did you specify the right host or port?",
                error.host
            )),
            Self::Connection(error) => Some(format!("Unable to connect to the server: {}", error.cause)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_errors_have_a_line_of_their_own() {
        let config = |error| Error::Config(error);
        let connection = |cause: &str| {
            Error::Connection(Box::new(ConnectionError {
                operation: "Get".into(),
                url: "http://h:1/api?timeout=32s".into(),
                host: "h:1".into(),
                cause: cause.into(),
            }))
        };
        for (error, line) in [
            (config(kubeconfig::Error::Message("x".into())), None),
            (
                config(kubeconfig::Error::ContextNotFound("x".into())),
                Some("Error in configuration: context was not found for specified context: x"),
            ),
            (config(kubeconfig::Error::Invalid(vec!["a".into()])), Some("error: a")),
            (
                config(kubeconfig::Error::Invalid(vec!["a".into(), "b".into()])),
                Some("Error in configuration: \n* a\n* b"),
            ),
            (config(kubeconfig::Error::Several(vec!["a".into(), "b".into()])), Some("a\nb")),
            (
                connection("dial tcp 127.0.0.1:1: connect: connection refused"),
                Some("The connection to the server h:1 was refused - did you specify the right host or port?"),
            ),
            (connection("EOF"), Some("Unable to connect to the server: EOF")),
        ] {
            assert_eq!(error.standard_message().as_deref(), line);
        }
        assert_eq!(connection("EOF").to_string(), "Get \"http://h:1/api?timeout=32s\": EOF");
    }
}
