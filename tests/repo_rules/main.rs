//! The rules of the house (CONTRIBUTING.md), held against the files as they are. A failure names the room.

#![allow(clippy::unwrap_used)]

mod coverage;
mod files;
mod imports;
mod paths;
mod surface;

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder of the project, as paths from its top, sorted; none when the folder is not there.
fn files_below(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if path.file_name().is_some_and(|name| name == "__pycache__") => {}
                true => folders.push(path),
                false => found.push(path.strip_prefix(root()).unwrap().to_path_buf()),
            }
        }
    }
    found.sort();
    found
}

/// The room of a file: the folder below `src`, else the folder at the top.
fn room(file: &Path) -> String {
    let mut parts = file.iter().map(|part| part.to_string_lossy().into_owned());
    let top = parts.next().unwrap_or_default();
    match parts.next() {
        Some(below) if top == "src" => below.trim_end_matches(".rs").to_string(),
        _ => top,
    }
}

/// Fails with all complaints at once, each on its line.
fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
