//! The files that are made from the command table: man pages and the shells' completion scripts. The test compares what
//! is committed; with STEER_GENERATE=1 in the environment it writes the files anew.

#![allow(clippy::unwrap_used)]

mod man;

use std::collections::BTreeMap;
use std::path::Path;
use steersman::completion::shells::Shell;

const PROGRAM: &str = "steer";

/// Holds a folder against the files that must be in it.
fn compare(folder: &str, files: BTreeMap<String, String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let generate = std::env::var_os("STEER_GENERATE").is_some();
    std::fs::create_dir_all(&folder).unwrap();
    let mut complaints = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if files.contains_key(&name) {
            continue;
        }
        match generate {
            true => std::fs::remove_file(entry.path()).unwrap(),
            false => complaints.push(format!("{name} is made from nothing")),
        }
    }
    for (name, text) in files {
        let path = folder.join(&name);
        if generate {
            std::fs::write(&path, text).unwrap();
        } else if std::fs::read_to_string(&path).ok() != Some(text) {
            complaints.push(format!("{name} is not what the command table gives"));
        }
    }
    let advice = "STEER_GENERATE=1 cargo test --test generated writes the files anew";
    assert!(complaints.is_empty(), "in {}:\n{}\n{advice}", folder.display(), complaints.join("\n"));
}

#[test]
fn man_pages_are_up_to_date() {
    compare("man", man::pages(PROGRAM));
}

#[test]
fn completions_are_up_to_date() {
    compare("completions", Shell::ALL.into_iter().map(|shell| (shell.file(PROGRAM), shell.script(PROGRAM))).collect());
}
