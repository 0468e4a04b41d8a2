//! `rollout`: a group, and what the commands below it share.

mod change;
mod history;
mod pause;
mod restart;
mod resume;
mod status;
mod undo;

use super::flags::{Flags, words};
use super::objects::{Wanted, selection};
use super::{Context, Entry, Exit, Failure, leaf, sets};
use crate::ops::targets::Selection;
use clap::{Arg, ArgMatches, Command};

/// The commands below it.
pub static BELOW: &[Entry] = &[
    leaf(history::command, history::run),
    leaf(pause::command, pause::run),
    leaf(restart::command, restart::run),
    leaf(resume::command, resume::run),
    leaf(status::command, status::run),
    leaf(undo::command, undo::run),
];

/// How the group is called.
pub fn command() -> Command {
    Command::new("rollout")
        .about("Manage the rollout of a resource")
        .long_about("What the controllers of pods do about a new template. Deployments, daemon sets and stateful sets have rollouts.")
        .after_help("# Back to what was there before\nkubectl rollout undo deployment/web\n\n# Until the new pods are there\nkubectl rollout status deployment/web")
        .before_help("SUBCOMMAND")
        .arg(words())
}

/// Without a command below it, its help is the output, and yet that is a failure.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let words = matches.words().join(" ");
    if !words.is_empty() {
        return Err(Failure::Usage { message: format!("unknown command {words:?}"), command: cx.command_path.clone() });
    }
    let path = [cx.command_path.clone()];
    super::help::print(&path, cx)?;
    Ok(1)
}

/// The flags of all of them.
fn flags() -> Vec<Arg> {
    let mut flags = sets::files("The file, folder or URL that lists the objects.");
    flags.extend([sets::selector(), words()]);
    flags
}

/// Which objects are meant.
fn wanted(matches: &ArgMatches, program: &str) -> Result<Wanted, Failure> {
    let (words, sources) = (matches.words(), super::sources(matches)?);
    if words.is_empty() && sources.is_empty() {
        return Err(Failure::message("required resource not specified"));
    }
    let selection = Selection { words, sources, type_means_all: true, ..selection(matches) };
    Ok(Wanted::new(&selection, program)?.latest().typed())
}

/// A revision that is asked for; 0 when none is.
fn revision(matches: &ArgMatches) -> Result<i64, Failure> {
    match matches.integer("revision") {
        below if below < 0 => Err(Failure::message(format!("revision must be a positive integer: {below}"))),
        revision => Ok(revision),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_must_be_named() {
        let wanted = |line: &str| {
            let matches = command().get_matches_from(line.split(' '));
            wanted(&matches, "kubectl").map_err(|failure| failure.words())
        };
        fn command() -> Command {
            Command::new("status").args(flags())
        }
        assert_eq!(wanted("status").unwrap_err(), "required resource not specified");
        assert!(wanted("status deploy").unwrap().takes_types);
        assert!(wanted("status deploy/d").is_ok());
    }
}
