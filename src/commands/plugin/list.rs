//! `plugin list`: the plugins on the PATH, and why one of them would not run.

use super::is_executable;
use crate::api::gotext;
use crate::commands::flags::{Flags, switch, words};
use crate::commands::{self, Context, Exit, Failure};
use clap::{ArgMatches, Command};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How the command is called.
pub fn command() -> Command {
    Command::new("list")
        .about("List all visible plugin executables on a user's PATH")
        .long_about(
            "Print the plugins in the folders of the PATH, in their order, and warn of those that cannot run: files that \
             are not executable, plugins that another of the same name comes before, and names that are commands already.",
        )
        .after_help("# All plugins\nkubectl plugin list\n\n# Their names alone\nkubectl plugin list --name-only")
        .before_help("[flags]")
        .defer(|c| c.arg(switch("name-only", None, false, "Leave the folders out.")).arg(words()))
}

/// Prints them, and warns of those that cannot run.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let path = cx.env("PATH").unwrap_or_default().to_string();
    let (plugins, unread) = plugins(&path);
    for (folder, reason) in unread {
        cx.complain(&format!("Unable to read directory {folder:?} from your PATH: {reason}. Skipping...\n"));
    }
    if plugins.is_empty() {
        return Err(Failure::message("unable to find any kubectl plugins in your PATH"));
    }
    cx.print("The following compatible plugins are available:\n\n")?;
    let table = commands::table(cx.program.name());
    let mut seen = BTreeMap::new();
    let mut warned = 0;
    for plugin in &plugins {
        let name = name(plugin);
        cx.print(&format!("{}\n", if matches.on("name-only") { name.clone() } else { plugin.display().to_string() }))?;
        let warnings = warnings(plugin, &name, &table, &mut seen);
        if !warnings.is_empty() {
            cx.finish()?;
        }
        warnings.iter().for_each(|warning| cx.complain(&format!("  - warning: {warning}\n")));
        warned += warnings.len();
    }
    match warned {
        0 => Ok(0),
        1 => Err(Failure::message("one plugin warning was found")),
        count => Err(Failure::message(format!("{count} plugin warnings were found"))),
    }
}

fn name(plugin: &Path) -> String {
    plugin.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The files that are named as plugins, folder by folder, and the folders that could not be read.
fn plugins(path: &str) -> (Vec<PathBuf>, Vec<(String, String)>) {
    let (mut plugins, mut unread) = (Vec::new(), Vec::new());
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in std::env::split_paths(path) {
        if folder.to_string_lossy().trim().is_empty() || folders.contains(&folder) {
            continue;
        }
        match std::fs::read_dir(&folder) {
            Ok(entries) => {
                let files = entries.flatten().filter(|entry| !entry.file_type().is_ok_and(|kind| kind.is_dir()));
                let files = files.map(|entry| entry.path());
                let mut found: Vec<PathBuf> = files.filter(|file| name(file).starts_with("kubectl-")).collect();
                found.sort();
                plugins.append(&mut found);
            }
            Err(error) => {
                let folder = folder.to_string_lossy().into_owned();
                let reason = gotext::unread(&folder, &error);
                unread.push((folder, reason));
            }
        }
        folders.push(folder);
    }
    (plugins, unread)
}

/// Why a plugin does not run, or not under its name. `seen` holds the first plugin of each name.
fn warnings<'a>(plugin: &'a Path, name: &str, table: &Command, seen: &mut BTreeMap<String, &'a Path>) -> Vec<String> {
    let mut warnings = Vec::new();
    if !is_executable(plugin) {
        warnings.push(format!("{} identified as a kubectl plugin, but it is not executable", plugin.display()));
    }
    match seen.get(name) {
        Some(first) => {
            let first = first.display();
            warnings.push(format!("{} is overshadowed by a similarly named plugin: {first}", plugin.display()));
        }
        None => {
            seen.insert(name.to_owned(), plugin);
        }
    }
    warnings.extend(command_of(name, table).map(|path| format!("{name} overwrites existing command: {path:?}")));
    warnings
}

/// The command that runs where the plugin's name is spelled out: the words after the prefix are commands, each below
/// the one before it, and then arguments.
fn command_of(name: &str, table: &Command) -> Option<String> {
    let mut path = table.get_name().to_owned();
    let mut command = table;
    for word in name.split('-').skip(1).filter(|word| !word.is_empty()) {
        match command.find_subcommand(word) {
            Some(below) => {
                path = format!("{path} {}", below.get_name());
                command = below;
            }
            None if std::ptr::eq(command, table) => return None,
            None => break,
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_spell_commands() {
        let table = commands::table("kubectl");
        for (name, path) in [
            ("kubectl-", Some("kubectl")),
            ("kubectl-create-configmap", Some("kubectl create configmap")),
            ("kubectl-create-cm-x", Some("kubectl create configmap")),
            ("kubectl-create-nosuch", Some("kubectl create")),
            ("kubectl-get_x", None),
            ("kubectl-foo-get", None),
        ] {
            assert_eq!(command_of(name, &table).as_deref(), path, "{name}");
        }
    }

    #[test]
    fn what_would_not_run_is_warned_of() {
        let folder = std::env::temp_dir().join(format!("steer-plugin-list-{}", std::process::id()));
        let path = ["a", "b"].map(|name| folder.join(name));
        for (folder, files) in path.iter().zip([["kubectl-one", "kubectl-get-more"], ["kubectl-one", "other"]]) {
            std::fs::create_dir_all(folder).unwrap();
            files
                .iter()
                .for_each(|file| std::fs::copy(std::env::current_exe().unwrap(), folder.join(file)).map(drop).unwrap());
        }
        std::fs::write(path[1].join("kubectl-plain"), "").unwrap();
        let path = std::env::join_paths([&path[0], &folder.join("nosuch"), &path[1], &path[0]]).unwrap();
        let (found, unread) = plugins(path.to_str().unwrap());
        assert_eq!(unread.len(), 1);
        assert!(unread[0].1.ends_with("nosuch: no such file or directory"), "{unread:?}");
        let table = commands::table("kubectl");
        let mut seen = BTreeMap::new();
        let said: Vec<String> = found.iter().flat_map(|file| warnings(file, &name(file), &table, &mut seen)).collect();
        let parts = [
            "kubectl-get-more overwrites existing command: \"kubectl get\"",
            "kubectl-one is overshadowed by a similarly named plugin",
            #[cfg(unix)]
            "kubectl-plain identified as a kubectl plugin, but it is not executable",
        ];
        assert_eq!(said.len(), parts.len(), "{said:?}");
        assert!(parts.iter().zip(&said).all(|(part, said)| said.contains(part)), "{said:?}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
