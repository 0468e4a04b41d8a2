//! How an operation fails. What kubectl says then is in `commands::report`.

use crate::api::Status;
use crate::api::gotext::errno;
use crate::client;

/// The exit code that a shell shows for kubectl, which SIGPIPE ends, when its reader went away.
const BROKEN_PIPE: u8 = 141;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub enum Failure {
    /// The command line makes no sense; the flags could not be read. Points at `--help`.
    Flags {
        /// What is wrong, without `error:`.
        message: String,
        /// The command, such as `get` or `config set`.
        command: String,
    },
    /// The command line makes no sense to this command. Points at `-h`.
    Usage {
        /// What is wrong, without `error:`.
        message: String,
        /// The command, such as `get` or `config set`.
        command: String,
    },
    /// Something else that kubectl words itself, without `error:`.
    Message(String),
    /// Lines that stand as they are.
    Plain(String),
    /// The server refused.
    Status(Box<Status>),
    /// The server could not be asked, or its answer not be read.
    Client(client::Error),
    /// Several things went wrong; each is shown.
    Many(Vec<Failure>),
    /// All is said already; only the exit code is left.
    Quiet(u8),
    /// A failure with an exit code that is not 1.
    Code(u8, Box<Failure>),
}

impl Failure {
    /// A message of kubectl's, without `error:`.
    pub fn message(text: impl Into<String>) -> Self {
        Failure::Message(text.into())
    }

    /// The failures as one; none when there are none.
    pub fn collect(mut failures: Vec<Failure>) -> Result<(), Failure> {
        match failures.len() {
            0 => Ok(()),
            1 => Err(failures.remove(0)),
            _ => Err(Failure::Many(failures)),
        }
    }

    /// The failures as one that is a list, however few they are: shown without `error:`, and in one line among others.
    pub fn together(failures: Vec<Failure>) -> Option<Failure> {
        (!failures.is_empty()).then_some(Failure::Many(failures))
    }

    /// The failures one by one.
    pub fn each(self) -> Vec<Self> {
        match self {
            Failure::Many(list) => list,
            other => vec![other],
        }
    }

    /// The failures one by one, however deep they lie.
    pub fn leaves(self) -> Vec<Self> {
        match self {
            Failure::Many(list) => list.into_iter().flat_map(Failure::leaves).collect(),
            other => vec![other],
        }
    }

    /// The first of several failures: where kubectl stops at the first.
    pub fn first(self) -> Self {
        match self {
            Failure::Many(list) if !list.is_empty() => {
                list.into_iter().next().map_or(Failure::Quiet(1), Failure::first)
            }
            other => other,
        }
    }

    /// What went wrong, in words that another message can hold: several that are one have brackets, and each is said
    /// once.
    pub fn words(&self) -> String {
        match self {
            Failure::Flags { message, .. } | Failure::Usage { message, .. } | Failure::Message(message) => {
                message.clone()
            }
            Failure::Plain(text) => text.clone(),
            Failure::Status(status) => status.message.clone(),
            Failure::Client(error) => error.to_string(),
            Failure::Many(list) => match list.as_slice() {
                [one] => one.words(),
                _ => {
                    let mut parts = Vec::new();
                    self.add_words(&mut parts);
                    if parts.len() == 1 { parts.remove(0) } else { format!("[{}]", parts.join(", ")) }
                }
            },
            Failure::Quiet(_) => String::new(),
            Failure::Code(_, failure) => failure.words(),
        }
    }

    /// The words of each failure that lies in this one, each only once.
    fn add_words(&self, parts: &mut Vec<String>) {
        match self {
            Failure::Many(list) => list.iter().for_each(|failure| failure.add_words(parts)),
            other => {
                let words = other.words();
                if !parts.contains(&words) {
                    parts.push(words);
                }
            }
        }
    }

    /// Says what was being done to what: `error when creating "pod.yaml": ...`. A refusal stays a refusal.
    pub fn when(self, verb: &str, source: &str) -> Self {
        if source.is_empty() {
            return self;
        }
        self.within(&format!("error when {verb} {source:?}"))
    }

    /// Puts words before the message; a refusal stays a refusal.
    pub fn within(self, prefix: &str) -> Self {
        match self {
            Failure::Status(mut status) => {
                status.message = format!("{prefix}: {}", status.message);
                Failure::Status(status)
            }
            Failure::Client(client::Error::Status(mut status)) => {
                status.message = format!("{prefix}: {}", status.message);
                Failure::Status(status)
            }
            Failure::Many(list) => Failure::Many(list.into_iter().map(|f| f.within(prefix)).collect()),
            Failure::Message(text) => Failure::Message(format!("{prefix}: {text}")),
            Failure::Client(error) => Failure::Message(format!("{prefix}: {error}")),
            other => other,
        }
    }

    /// The status, when the server refused.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Failure::Status(status) => Some(status),
            Failure::Client(client::Error::Status(status)) => Some(status),
            _ => None,
        }
    }

    /// Whether the server said that there is no such thing.
    pub fn is_not_found(&self) -> bool {
        self.status().is_some_and(|status| status.reason == "NotFound")
    }

    /// Whether the server said that somebody else was quicker.
    pub fn is_conflict(&self) -> bool {
        self.status().is_some_and(|status| status.reason == "Conflict")
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        Failure::Client(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Failure::Quiet(BROKEN_PIPE),
            std::io::ErrorKind::StorageFull => Failure::Message(format!("write /dev/stdout: {}", errno(&error))),
            _ => Failure::Message(errno(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_are_one() {
        let one = |words: &str| Failure::message(words);
        let many = |words: &[&str]| Failure::Many(words.iter().map(|words| one(words)).collect());
        for (failure, said) in [
            (one("a"), "a"),
            (many(&["a"]), "a"),
            (many(&["a", "b", "a"]), "[a, b]"),
            (Failure::Many(vec![many(&["a", "b"])]), "[a, b]"),
            (Failure::Many(vec![one("c"), many(&["a", "b"]), many(&["c"])]), "[c, a, b]"),
            (Failure::Many(vec![many(&["a"]), one("a")]), "a"),
        ] {
            assert_eq!(failure.words(), said);
        }
    }
}
