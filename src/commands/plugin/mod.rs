//! `plugin`: commands that others bring: programs on the PATH named `kubectl-NAME`, and below it `kubectl-NAME-SUB`.

use super::flags::words;
use super::{Context, Entry, Exit, Failure, leaf};
use clap::Command;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

mod list;

/// The commands below it.
pub static BELOW: &[Entry] = &[leaf(list::command, list::run)];

/// How the group is called.
pub fn command() -> Command {
    Command::new("plugin")
        .about("Provides utilities for interacting with plugins")
        .long_about(
            "Tell about plugins: programs on the PATH whose names begin with kubectl-. A program kubectl-foo-bar is the \
             command foo bar. It gets the arguments and flags that follow; a command of kubectl's own goes before it.",
        )
        .before_help("[flags]")
        .arg(words())
}

/// Runs the plugin with the longest name that the words before the first flag spell; none when there is none.
pub fn run(words: &[OsString], cx: &mut Context) -> Option<Result<Exit, Failure>> {
    let names: Vec<String> = words
        .iter()
        .map_while(|word| word.to_str())
        .take_while(|word| !word.starts_with('-'))
        .map(|word| word.replace('-', "_"))
        .collect();
    let path = cx.env("PATH")?.to_string();
    let (count, program) =
        (1..=names.len()).rev().find_map(|count| Some((count, find(&names[..count].join("-"), &path)?)))?;
    Some(start(&program, &words[count..], cx))
}

fn find(name: &str, path: &str) -> Option<PathBuf> {
    std::env::split_paths(path).map(|folder| folder.join(format!("kubectl-{name}"))).find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    file.is_file()
}

fn start(program: &Path, arguments: &[OsString], cx: &mut Context) -> Result<Exit, Failure> {
    cx.finish()?;
    let mut command = std::process::Command::new(program);
    command.args(arguments);
    let failed = |error: std::io::Error| Failure::message(format!("{}: {error}", program.display()));
    // The plugin takes this process's place, so that signals and the exit code are its own.
    #[cfg(unix)]
    return Err(failed(std::os::unix::process::CommandExt::exec(&mut command)));
    #[cfg(not(unix))]
    Ok(command.status().map_err(failed)?.code().map_or(1, |code| code as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_end_a_plugins_name() {
        let mut cx = Context::for_test();
        assert!(run(&["nosuch".into(), "--flag".into()], &mut cx).is_none());
    }

    #[cfg(unix)]
    #[test]
    fn only_executable_files_are_plugins() {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("steer-plugins-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, mode) in [("kubectl-good", 0o755), ("kubectl-plain", 0o644)] {
            std::fs::write(folder.join(name), "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let path = folder.to_str().unwrap();
        assert!(find("good", path).is_some());
        assert!(find("plain", path).is_none() && find("nosuch", path).is_none());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
