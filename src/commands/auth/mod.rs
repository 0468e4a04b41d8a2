//! `auth`: who one is, and what one may do.

mod can_i;
mod reconcile;
mod whoami;

use super::{Entry, leaf};
use clap::Command;

/// The commands below it.
pub static BELOW: &[Entry] =
    &[leaf(can_i::command, can_i::run), leaf(reconcile::command, reconcile::run), leaf(whoami::command, whoami::run)];

/// How the group is called.
pub fn command() -> Command {
    Command::new("auth")
        .about("Inspect authorization")
        .long_about(
            "Ask the server who one is and what one may do, and bring roles and bindings to what they should be.",
        )
        .before_help("[flags]")
        .defer(|c| c.arg(super::flags::words()))
}
