//! `certificate approve`: has a certificate issued that somebody asks for.

use super::super::{Context, Exit, Failure};
use super::{Verdict, flags};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("approve")
        .about("Approve a certificate signing request")
        .long_about(
            "Approve requests for certificates. What signs them for the cluster then issues the certificates, with all \
             that was asked for.\n\n \
             Whoever gets a certificate may be able to act as the user that it names, so look at what is asked for first: \
             kubectl describe csr NAME shows it.",
        )
        .after_help("# One request\nkubectl certificate approve csr-sqgzp")
        .before_help("(-f FILENAME | NAME)")
        .defer(|c| c.args(flags()))
}

pub(super) const APPROVED: Verdict = Verdict {
    condition: "Approved",
    opposite: "Denied",
    reason: "KubectlApprove",
    message: "This CSR was approved by kubectl certificate approve.",
    done: "approved",
};

/// Approves the requests.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    APPROVED.run(matches, cx)
}
