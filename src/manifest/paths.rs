//! Which files are meant: folders are listed, patterns expanded.

use super::{Error, Input, Sources, glob, url};
use crate::api::gotext::errno;
use std::fs;
use std::io::{self, ErrorKind};

impl Sources {
    /// What is to be read, in order. All names are looked at before anything is read, so that a wrong one stops all.
    ///
    /// # Errors
    /// What is wrong with each name.
    pub fn inputs(&self) -> Result<Vec<Input>, Vec<Error>> {
        let mut errors = Vec::new();
        if self.kustomize.is_some() && !self.filenames.is_empty() {
            errors.push(Error::FilesAndKustomize);
        }
        if self.kustomize.is_some() && self.recursive {
            errors.push(Error::RecursiveKustomize);
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut inputs = Vec::new();
        for name in &self.filenames {
            if name == "-" {
                errors.extend(inputs.contains(&Input::Stdin).then_some(Error::StdinTwice));
                inputs.push(Input::Stdin);
            } else if url::is_url(name) {
                match url::problem(name) {
                    None => inputs.push(Input::Url(name.clone())),
                    Some(problem) => errors.push(Error::Url(name.clone(), problem)),
                }
            } else {
                match expand(name) {
                    Ok(paths) => add(&paths, self.recursive, &mut inputs, &mut errors),
                    Err(error) => errors.push(error),
                }
            }
        }
        if let Some(folder) = &self.kustomize {
            inputs.push(Input::Kustomization(folder.clone()));
        }
        if errors.is_empty() { Ok(inputs) } else { Err(errors) }
    }
}

/// What is not there as it is spelled may be a pattern.
fn expand(path: &str) -> Result<Vec<String>, Error> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => match glob::expand(path) {
            None => Err(Error::Pattern(path.into())),
            Some(paths) if paths.is_empty() => Err(Error::Missing(path.into())),
            Some(paths) => Ok(paths),
        },
        _ => Ok(vec![path.into()]),
    }
}

/// Adds the files at `paths`. A folder without any is an error only as long as nothing else was found.
fn add(paths: &[String], recursive: bool, inputs: &mut Vec<Input>, errors: &mut Vec<Error>) {
    for path in paths {
        match fs::metadata(path) {
            Ok(_) => {
                if let Err(reason) = walk(path, recursive, true, inputs) {
                    errors.push(Error::Folder(path.clone(), reason));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => errors.push(Error::Missing(path.clone())),
            Err(error) => {
                errors.push(Error::Unreachable(path.clone(), format!("stat {path}: {}", errno(&error))));
            }
        }
    }
    if inputs.is_empty() && errors.is_empty() {
        errors.push(Error::NoManifests(paths.join(" ")));
    }
}

/// Adds a file, or the manifests of a folder in the order of names. What is `named` is read whatever its ending. Links
/// to folders are not followed, except where one is named with a `/` at its end.
fn walk(path: &str, recursive: bool, named: bool, inputs: &mut Vec<Input>) -> Result<(), String> {
    let failed = |call: &str, error: &io::Error| format!("{call} {path}: {}", errno(error));
    let metadata = fs::symlink_metadata(path).map_err(|error| failed("lstat", &error))?;
    if !metadata.is_dir() {
        if named || is_manifest(path) {
            inputs.push(Input::File(path.into()));
        }
        return Ok(());
    }
    if !named && !recursive {
        return Ok(());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| failed("open", &error))? {
        names.push(entry.map_err(|error| failed("readdirent", &error))?.file_name());
    }
    names.sort();
    names.iter().try_for_each(|name| walk(&join(path, &name.to_string_lossy()), recursive, false, inputs))
}

fn is_manifest(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name.rsplit_once('.'), Some((_, "json" | "yaml" | "yml")))
}

/// The path of `name` in `folder` in its shortest form: without `.`, without `//`, and with `..` carried out.
pub(super) fn join(folder: &str, name: &str) -> String {
    let path = format!("{folder}/{name}");
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if absolute => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".into(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_in_their_shortest_form() {
        for (folder, name, joined) in [
            (".", "a", "a"),
            ("./d/", "a", "d/a"),
            ("d//e", "a", "d/e/a"),
            ("../d", "a", "../d/a"),
            ("d/..", "a", "a"),
            ("/", "a", "/a"),
            ("/../d", "a", "/d/a"),
        ] {
            assert_eq!(join(folder, name), joined);
        }
    }

    #[test]
    fn manifests_are_known_by_their_ending() {
        for (path, known) in [
            ("a.yaml", true),
            ("d/.yml", true),
            ("a.b.json", true),
            ("a.YAML", false),
            ("a.yaml~", false),
            ("yaml", false),
            ("d.yaml/a", false),
        ] {
            assert_eq!(is_manifest(path), known, "{path}");
        }
    }
}
