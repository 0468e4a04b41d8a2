//! `certificate deny`: has no certificate issued that somebody asks for.

use super::super::{Context, Exit, Failure};
use super::{Verdict, flags};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("deny")
        .about("Deny a certificate signing request")
        .long_about("Deny requests for certificates: none will be issued.")
        .after_help("# One request\nkubectl certificate deny csr-sqgzp")
        .before_help("(-f FILENAME | NAME)")
        .defer(|c| c.args(flags()))
}

const DENIED: Verdict = Verdict {
    condition: "Denied",
    opposite: "Approved",
    reason: "KubectlDeny",
    message: "This CSR was denied by kubectl certificate deny.",
    done: "denied",
};

/// Denies the requests.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    DENIED.run(matches, cx)
}
