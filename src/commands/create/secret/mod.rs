//! `create secret`: a group.

pub mod docker_registry;
pub mod generic;
pub mod tls;

use crate::commands::Entry;
use crate::commands::flags::words;
use crate::commands::leaf;
use clap::Command;

/// The commands below it.
pub static BELOW: &[Entry] = &[
    leaf(docker_registry::command, docker_registry::run),
    leaf(generic::command, generic::run),
    leaf(tls::command, tls::run),
];

/// How the group is called.
pub fn command() -> Command {
    Command::new("secret")
        .about("Create a secret using a specified subcommand")
        .long_about("Create a secret of one of the kinds below.")
        .before_help("(docker-registry | generic | tls)")
        .arg(words())
}
