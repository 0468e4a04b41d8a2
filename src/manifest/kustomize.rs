//! Folders with a kustomization. What one says is not carried out yet.

use crate::api::gotext::errno;
use std::path::absolute;

/// The names of a kustomization's file.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Why a folder cannot be built.
pub(super) fn problem(folder: &str) -> String {
    let path = absolute(folder).unwrap_or_else(|_| folder.into());
    let found = match path.canonicalize() {
        Ok(found) => found,
        Err(error) => {
            let (path, reason) = (path.display(), errno(&error));
            return format!(
                "must build at directory: not a valid directory: evalsymlink failure on '{folder}' : lstat {path}: {reason}"
            );
        }
    };
    if !found.is_dir() {
        return format!("must build at directory: '{folder}': file is not directory");
    }
    let shown = found.display();
    if !NAMES.iter().any(|name| found.join(name).is_file()) {
        let [first, second, third] = NAMES;
        return format!("unable to find one of '{first}', '{second}' or '{third}' in directory '{shown}'");
    }
    format!("building kustomizations is not supported yet: build '{shown}' with kustomize, and give the result with -f")
}
