//! Where a build may read: files in or below the folder of the kustomization that names them, and folders that are not
//! being built already.

use super::{Outcome, Problem};
use crate::api::gotext::errno;
use std::fs;
use std::path::{Component, Path, PathBuf, absolute};

/// The names that a kustomization's file may have.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What may be read from where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restriction {
    /// Files in or below the folder.
    #[default]
    RootOnly,
    /// All files.
    None,
}

/// A folder that is being built.
#[derive(Clone, Debug)]
pub(super) struct Root {
    /// Absolute, without links.
    pub path: PathBuf,
    /// The folders that lead here, from outside to inside, this one included.
    visited: Vec<PathBuf>,
    restriction: Restriction,
}

impl Root {
    /// The folder that the user names.
    pub fn new(folder: &str, restriction: Restriction) -> Outcome<Self> {
        if is_repository(folder) {
            return Err(remote(folder));
        }
        let path = confirm(Path::new(folder), folder)?;
        Ok(Root { visited: vec![path.clone()], path, restriction })
    }

    /// The folder that a kustomization names.
    pub fn below(&self, folder: &str) -> Outcome<Self> {
        if folder.is_empty() {
            return Err(Problem("new root cannot be empty".into()));
        }
        if is_repository(folder) {
            return Err(remote(folder));
        }
        if Path::new(folder).is_absolute() {
            return Err(Problem(format!("new root '{folder}' cannot be absolute")));
        }
        let joined = clean(&self.path.join(folder));
        let path = confirm(&joined, &joined.display().to_string())?;
        if let Some(visited) = self.visited.iter().rev().find(|visited| visited.starts_with(&path)) {
            let (candidate, visited) = (path.display(), visited.display());
            return Err(Problem(format!(
                "cycle detected: candidate root '{candidate}' contains visited root '{visited}'"
            )));
        }
        let visited = self.visited.iter().cloned().chain([path.clone()]).collect();
        Ok(Root { path, visited, restriction: self.restriction })
    }

    /// The content of a file.
    pub fn load(&self, name: &str) -> Outcome<Vec<u8>> {
        if is_url(name) {
            return Err(remote(name));
        }
        let path = clean(&self.path.join(name));
        let path = match self.restriction {
            Restriction::None => path,
            Restriction::RootOnly => self.confine(&path)?,
        };
        fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::IsADirectory => Problem(format!("read {}: is a directory", path.display())),
            _ => Problem(format!("open {}: {}", path.display(), errno(&error))),
        })
    }

    /// Links are followed before it is looked where the file is.
    fn confine(&self, path: &Path) -> Outcome<PathBuf> {
        let shown = path.display();
        let found = match fs::canonicalize(path) {
            Ok(found) => found,
            Err(error) => {
                let reason = errno(&error);
                return Err(Problem(format!("evalsymlink failure on '{shown}' : lstat {shown}: {reason}")));
            }
        };
        if found.is_dir() {
            return Err(Problem(format!("'{shown}' must resolve to a file")));
        }
        if !found.starts_with(&self.path) {
            let root = self.path.display();
            return Err(Problem(format!("security; file '{shown}' is not in or below '{root}'")));
        }
        Ok(found)
    }

    /// The name and the content of the file of the kustomization.
    pub fn kustomization(&self) -> Outcome<(&'static str, Vec<u8>)> {
        let mut found = NAMES.iter().filter_map(|name| Some((*name, fs::read(self.path.join(name)).ok()?)));
        match (found.next(), found.next()) {
            (Some(file), None) => Ok(file),
            (Some(_), Some(_)) => {
                Err(Problem(format!("Found multiple kustomization files under: {}\n", self.path.display())))
            }
            (None, _) => {
                let [first, second, third] = NAMES;
                let path = self.path.display();
                Err(Problem(format!("unable to find one of '{first}', '{second}' or '{third}' in directory '{path}'")))
            }
        }
    }
}

/// A folder's path without links.
fn confirm(path: &Path, shown: &str) -> Outcome<PathBuf> {
    let invalid = |reason: String| Problem(format!("must build at directory: {reason}"));
    if shown.is_empty() {
        return Err(invalid("directory path cannot be empty".into()));
    }
    let whole = absolute(path).unwrap_or_else(|_| path.into());
    let found = fs::canonicalize(&whole).map_err(|error| {
        let (whole, reason) = (clean(&whole), errno(&error));
        let missing = missing(&whole).unwrap_or(whole);
        invalid(format!(
            "not a valid directory: evalsymlink failure on '{shown}' : lstat {}: {reason}",
            missing.display()
        ))
    })?;
    if found.is_dir() { Ok(found) } else { Err(invalid(format!("'{shown}': file is not directory"))) }
}

/// The first folder on the way that is not there.
fn missing(path: &Path) -> Option<PathBuf> {
    let mut ancestors: Vec<&Path> = path.ancestors().collect();
    ancestors.reverse();
    ancestors.into_iter().find(|path| fs::symlink_metadata(path).is_err()).map(Path::to_path_buf)
}

/// A path without `.` and `..`.
fn clean(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if parts.parent().is_some() && parts.file_name().is_some() => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts
}

fn is_url(name: &str) -> bool {
    name.starts_with("http://") || name.starts_with("https://")
}

/// Whether a name is that of a git repository.
fn is_repository(name: &str) -> bool {
    const BEGINNINGS: [&str; 7] = ["git@", "git::", "ssh://", "https://", "http://", "file://", "github.com/"];
    BEGINNINGS.iter().any(|beginning| name.starts_with(beginning)) || name.contains(".git/") || name.contains("?ref=")
}

fn remote(name: &str) -> Problem {
    Problem(format!("'{name}' is elsewhere: fetch it, and name the file or folder that it is in"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned() {
        for (path, cleaned) in [("/a/./b/../c", "/a/c"), ("a/../../b", "../b"), ("/a/b/..", "/a")] {
            let cleaned_path = clean(Path::new(path));
            assert_eq!(cleaned_path, Path::new(cleaned), "{path}");
        }
    }

    #[test]
    fn repositories_are_known() {
        for (name, is) in [
            ("github.com/a/b", true),
            ("https://example.com/a", true),
            ("git@example.com:a/b", true),
            ("../base", false),
            ("base.git", false),
        ] {
            assert_eq!(is_repository(name), is, "{name}");
        }
    }
}
