//! The README's first command, and that the README shows what it prints.

use crate::marks::marked;
use crate::{GENERATE, root, sandbox};

const BEGIN: &str = "```console\n";
const END: &str = "```\n";

#[test]
fn the_readme_shows_what_the_tour_prints() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (shown, after) = rest.split_once(END).unwrap();
    let (printed, complaints) = sandbox("tour", &["./fixtures/tour/tour.sh"]);
    assert_eq!(complaints, "");
    let printed = printed.trim_start();
    if std::env::var_os(GENERATE).is_some() {
        std::fs::write(root().join("README.md"), format!("{before}{BEGIN}{printed}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(marked(shown), marked(printed), "STEER_GENERATE=1 cargo test --test transcripts writes the README anew");
}
