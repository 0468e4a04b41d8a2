//! No command without a test and a man page; no dependency without a reason in the README.

use crate::{files_below, none, root};
use clap::Command;
use std::collections::BTreeSet;
use steersman::commands::table;

/// The paths of all commands that are shown, groups included.
fn paths(command: &Command, path: &[String]) -> Vec<(Vec<String>, bool)> {
    let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
    shown
        .flat_map(|command| {
            let path = [path, &[command.get_name().to_string()]].concat();
            let below = paths(command, &path);
            std::iter::once((path, command.has_subcommands())).chain(below).collect::<Vec<_>>()
        })
        .collect()
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_default()
}

/// Whether a text runs the command: its words stand behind the program's name.
fn runs(text: &str, path: &[String]) -> bool {
    let command = path.join(" ");
    let after = |program: &str| {
        text.split(&format!("{program} {command}"))
            .skip(1)
            .any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-'))
    };
    after("kubectl") || after("steer")
}

#[test]
fn every_command_has_a_test_and_a_man_page() {
    let shown: Vec<String> = files_below("tests/transcripts")
        .iter()
        .chain(&files_below("tests/parity/cases"))
        .chain(&files_below("fixtures/tour"))
        .map(|file| read(&file.to_string_lossy()))
        .collect();
    let mut complaints = Vec::new();
    for (path, is_group) in paths(&table("steer"), &[]) {
        let name = path.join(" ");
        if !root().join(format!("man/steer-{}.1", path.join("-"))).exists() {
            complaints.push(format!("{name} has no man page"));
        }
        let file = path.join("/").replace('-', "_");
        let beside =
            ["", "/mod", "/tests"].iter().any(|end| read(&format!("src/commands/{file}{end}.rs")).contains("#[test]"));
        if !is_group && !beside && !shown.iter().any(|text| runs(text, &path)) {
            complaints.push(format!("{name} has no test: neither beside it nor in tests/transcripts"));
        }
    }
    none(complaints);
}

#[test]
fn every_dependency_has_a_reason() {
    let manifest = read("Cargo.toml");
    let mut section = "";
    let mut dependencies = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]")
            && let Some((name, _)) = line.split_once(" = ")
        {
            dependencies.insert(name.to_string());
        }
    }
    let readme = read("README.md");
    let (_, table) = readme.split_once("## Dependencies\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")).skip(1);
    let named =
        rows.flat_map(|row| row.split(" |").next().unwrap_or_default().split(", ")).map(str::to_string).collect();
    assert_eq!(dependencies, named, "Cargo.toml (left) and the README's table (right)");
}

#[test]
fn commands_are_found_in_texts() {
    let path = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
    for (text, command, found) in [
        ("$ kubectl create namespace a", "create namespace", true),
        ("$ kubectl create namespaces", "create namespace", false),
        ("show 'steer get pods'", "get", true),
        ("kubectl get-contexts", "get", false),
        ("kubectl config get-contexts", "get-contexts", false),
        ("kubectl version", "version", true),
    ] {
        assert_eq!(runs(text, &path(command)), found, "{text}: {command}");
    }
}
