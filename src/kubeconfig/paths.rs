//! Paths in kubeconfig files: relative ones are relative to the folder of their file, and only their text counts
//! (links are not followed), as in Go's `path/filepath`.

use std::path::{Component, Path, PathBuf};

/// The absolute folder of a file; the working folder for an empty name.
pub fn folder_of(file: &str) -> PathBuf {
    absolute(Path::new(file).parent().unwrap_or(Path::new("")))
}

/// The path made absolute against the working folder, and clean.
pub fn absolute(path: &Path) -> PathBuf {
    clean(&std::env::current_dir().unwrap_or_default().join(path))
}

/// Makes a relative path absolute. An empty one stays empty.
pub fn resolve(path: &mut String, folder: &Path) {
    if !path.is_empty() && !Path::new(path.as_str()).is_absolute() {
        *path = text(&clean(&folder.join(path.as_str())));
    }
}

/// Makes a path relative to a folder when it lies in it.
pub fn relativize(path: &mut String, folder: &Path) {
    resolve(path, folder);
    if let Ok(inside) = Path::new(path.as_str()).strip_prefix(folder) {
        let inside = text(inside);
        if !inside.is_empty() {
            *path = inside;
        }
    }
}

/// Takes `.` and `..` out of a path.
pub fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            Component::ParentDir if out.has_root() => {}
            part => out.push(part),
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_resolved_and_made_relative() {
        for (path, cleaned) in [
            ("/a/./b/../c", "/a/c"),
            ("../x", "../x"),
            ("/../x", "/x"),
            ("a/..", "."),
            ("", "."),
            ("../../a", "../../a"),
        ] {
            assert_eq!(clean(Path::new(path)), Path::new(cleaned), "{path}");
        }
        for (path, resolved, relative) in [
            ("ca", "/k/ca", "ca"),
            ("../ca", "/ca", "/ca"),
            ("/k/x/y", "/k/x/y", "x/y"),
            ("/other/y", "/other/y", "/other/y"),
            ("", "", ""),
        ] {
            let (mut one, mut two) = (path.to_owned(), path.to_owned());
            resolve(&mut one, Path::new("/k"));
            relativize(&mut two, Path::new("/k"));
            assert_eq!((one.as_str(), two.as_str()), (resolved, relative));
        }
    }
}
