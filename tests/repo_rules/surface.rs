//! The command table beside the reference's: names, aliases, flags, short forms, defaults. The reference's table is
//! `../shared/reference/kubectl-surface.json`; the test says so when it is not there.

use crate::{none, root};
use clap::{Arg, Command};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use steersman::commands::{help, table};

/// A command of the reference.
#[derive(Deserialize)]
struct Reference {
    command: String,
    aliases: Option<BTreeSet<String>>,
    flags: Vec<Flag>,
}

#[derive(Deserialize)]
struct Flag {
    name: String,
    short: Option<char>,
    default: String,
}

/// Flags that are ours alone: nobody's script is hurt by them.
const OURS: [(&str, &str); 0] = [];

fn reference() -> Option<Vec<Reference>> {
    let shared = std::env::var_os("STEER_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let file = shared.join("reference/kubectl-surface.json");
    match std::fs::read(&file) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(_) => {
            eprintln!("skipped: {} is not there", file.display());
            None
        }
    }
}

fn find<'a>(root: &'a Command, path: &str) -> Option<&'a Command> {
    path.split_whitespace().try_fold(root, |command, name| command.get_subcommands().find(|c| c.get_name() == name))
}

/// The flags that a command shows for itself.
fn own_flags(command: &Command) -> BTreeMap<&str, &Arg> {
    let own = command.get_arguments().filter(|arg| !arg.is_global_set() && !arg.is_hide_set());
    own.filter_map(|arg| Some((arg.get_long()?, arg))).collect()
}

fn differences(reference: &Reference, command: &Command) -> Vec<String> {
    let path = &reference.command;
    let mut found = Vec::new();
    let mut flags = own_flags(command);
    for flag in &reference.flags {
        // Some commands have a flag of their own in the place of one that every command has; ours serves both.
        let global = || command.get_arguments().find(|arg| arg.is_global_set() && arg.get_long() == Some(&flag.name));
        let Some(arg) = flags.remove(flag.name.as_str()).or_else(global) else {
            found.push(format!("{path}: --{} is missing", flag.name));
            continue;
        };
        if arg.get_short() != flag.short && !arg.is_global_set() {
            found.push(format!(
                "{path}: --{} has the short form {:?}, not {:?}",
                flag.name,
                arg.get_short(),
                flag.short
            ));
        }
        let default = help::default(arg);
        if default != flag.default {
            found.push(format!("{path}: --{} has the default {default}, not {}", flag.name, flag.default));
        }
    }
    let extra = flags.into_keys().filter(|name| !OURS.contains(&(path.as_str(), name)));
    found.extend(extra.map(|name| format!("{path}: the reference has no --{name}")));

    let name = command.get_name();
    let aliases: BTreeSet<String> = command.get_all_aliases().map(str::to_string).collect();
    let mut expected = reference.aliases.clone().unwrap_or_default();
    expected.remove(name);
    if aliases != expected {
        found.push(format!("{path}: has the aliases {aliases:?}, not {expected:?}"));
    }
    found
}

#[test]
fn commands_are_called_as_the_reference_calls_them() {
    let Some(reference) = reference() else { return };
    let mut ours = table("kubectl");
    ours.build();
    let (mut missing, mut found) = (Vec::new(), Vec::new());
    for command in reference.iter().filter(|command| !command.command.is_empty()) {
        match find(&ours, &command.command) {
            Some(own) => found.extend(differences(command, own)),
            None => missing.push(command.command.as_str()),
        }
    }
    println!(
        "{} of the reference's {} commands are missing: {}",
        missing.len(),
        reference.len() - 1,
        missing.join(", ")
    );
    none(found);
}

#[test]
fn differences_are_found() {
    let command = Command::new("x").alias("y").args([
        Arg::new("same").long("same").short('s').value_name("text").default_value("a"),
        Arg::new("other").long("other").value_name("integer").default_value("2"),
        Arg::new("extra").long("extra"),
    ]);
    let flag = |name: &str, short, default: &str| Flag { name: name.into(), short, default: default.into() };
    let flags = vec![flag("same", Some('s'), "'a'"), flag("other", Some('o'), "1"), flag("gone", None, "''")];
    let reference = Reference { command: "x".into(), aliases: Some(["x", "z"].map(String::from).into()), flags };
    assert_eq!(
        differences(&reference, &command),
        [
            "x: --other has the short form None, not Some('o')",
            "x: --other has the default 2, not 1",
            "x: --gone is missing",
            "x: the reference has no --extra",
            "x: has the aliases {\"y\"}, not {\"z\"}",
        ]
    );
}
