//! How long files are, and what they and the rooms are called.

use crate::{files_below, none, room, root};
use std::path::Path;

const MOST_LINES: usize = 600;
const EMPTY_NAMES: [&str; 9] =
    ["util", "utils", "utility", "utilities", "helper", "helpers", "common", "commons", "misc"];

fn too_long(file: &Path, text: &str) -> Option<String> {
    let lines = text.lines().count();
    (lines > MOST_LINES)
        .then(|| format!("room {}: {} has {lines} lines, more than {MOST_LINES}", room(file), file.display()))
}

fn says_nothing(file: &Path) -> Option<String> {
    let name = file
        .iter()
        .map(|part| part.to_string_lossy())
        .find(|part| part.split(['_', '-', '.']).any(|word| EMPTY_NAMES.contains(&word)))?;
    Some(format!("room {}: {} is called {name:?}, which says nothing", room(file), file.display()))
}

#[test]
fn files_are_short() {
    let mut complaints = Vec::new();
    for file in ["src", "tests", "benches"].into_iter().flat_map(files_below) {
        // Data, and what cargo writes, is as long as it is; all that people read has the limit.
        if file.extension().is_some_and(|kind| ["json", "gz", "lock"].iter().any(|data| kind == *data)) {
            continue;
        }
        complaints.extend(too_long(&file, &std::fs::read_to_string(root().join(&file)).unwrap()));
    }
    none(complaints);
}

#[test]
fn names_say_something() {
    none(
        ["src", "tests", "benches", "fixtures"]
            .into_iter()
            .flat_map(files_below)
            .filter_map(|f| says_nothing(&f))
            .collect(),
    );
}

#[test]
fn these_are_found() {
    let file = Path::new("src/ops/wait.rs");
    assert_eq!(too_long(file, &"\n".repeat(600)), None);
    assert_eq!(too_long(file, &"\n".repeat(601)).unwrap(), "room ops: src/ops/wait.rs has 601 lines, more than 600");
    for (file, found) in [
        ("src/ops/wait.rs", false),
        ("src/utils/wait.rs", true),
        ("src/ops/string_utils.rs", true),
        ("tests/common/mod.rs", true),
        ("src/ops/miscible.rs", false),
    ] {
        assert_eq!(says_nothing(Path::new(file)).is_some(), found, "{file}");
    }
}
