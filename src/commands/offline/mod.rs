//! `--offline`: a dry run that asks no server. Manifests are judged by the rules of the API server that this program
//! carries; what only a cluster can tell is said to be unchecked.

#[cfg(feature = "apiserver")]
mod judge;
#[cfg(feature = "apiserver")]
mod pointer;

#[cfg(feature = "apiserver")]
pub use judge::run;

use super::Failure;
use super::flags::Flags;
use crate::manifest::Sources;
use crate::ops::options::{DryRun, Validation};
use clap::ArgMatches;

/// What is tried, and how it is told.
#[cfg_attr(not(feature = "apiserver"), expect(dead_code, reason = "nobody is there to judge"))]
pub struct Trial<'a> {
    /// Where the objects are.
    pub sources: &'a Sources,
    /// `-l`.
    pub labels: &'a str,
    /// `--validate`.
    pub validation: Validation,
    /// What would be done with an object, such as `creating`.
    pub doing: &'static str,
    /// What is said where there are no objects; empty where that is no failure.
    pub nothing: &'static str,
    /// What only a server knows of the objects themselves.
    pub unknown: &'static str,
}

/// Whether no server is to be asked. That makes sense only for a dry run which would send nothing anyway, and not
/// together with the flags `never`.
pub fn asked(matches: &ArgMatches, dry_run: DryRun, never: &[&str]) -> Result<bool, Failure> {
    if !matches.on("offline") {
        return Ok(false);
    }
    if !cfg!(feature = "apiserver") {
        return Err(Failure::message(
            "--offline judges by the rules of the bundled API server, which this program was built without",
        ));
    }
    if dry_run != DryRun::Client {
        return Err(Failure::message("--offline asks no server, and only works with --dry-run=client"));
    }
    match never.iter().find(|flag| matches.on(flag) || !matches.text(flag).is_empty()) {
        Some(flag) => Err(Failure::message(format!("--offline cannot be used with --{flag}"))),
        None => Ok(true),
    }
}

/// Without the server's rules nothing can be said; [`asked`] has refused before.
#[cfg(not(feature = "apiserver"))]
mod absent {
    use super::Trial;
    use crate::api::Object;
    use crate::commands::{Context, Failure};
    use crate::ops::infos::Info;

    pub fn run(
        _: &Trial,
        _: &mut Context,
        _: impl Fn(&Info) -> Result<Object, Failure>,
        _: impl FnMut(&mut Context, Object) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        Err(Failure::Quiet(1))
    }
}
#[cfg(not(feature = "apiserver"))]
pub use absent::run;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::sets;
    use crate::ops::options::dry_run;
    use clap::Command;

    fn judged(line: &str) -> Result<bool, String> {
        let command = Command::new("x");
        let offline = sets::offline(&command);
        let command = command.args([offline, sets::dry_run(), sets::all(), sets::selector()]);
        let matches = command.get_matches_from(line.split(' '));
        let dry_run = dry_run(matches.text("dry-run")).unwrap();
        asked(&matches, dry_run, &["all", "selector"]).map_err(|failure| failure.words())
    }

    #[test]
    fn only_a_dry_run_can_do_without_a_server() {
        for (line, want) in [
            ("x", Ok(false)),
            ("x --all", Ok(false)),
            ("x --offline=false --dry-run=server", Ok(false)),
            ("x --offline --dry-run=client", Ok(true)),
            ("x --offline --dry-run", Ok(true)),
            ("x --offline", Err("--offline asks no server, and only works with --dry-run=client")),
            ("x --offline --dry-run=server", Err("--offline asks no server, and only works with --dry-run=client")),
            ("x --offline --dry-run=client --all", Err("--offline cannot be used with --all")),
            ("x --offline --dry-run=client -l a=b", Err("--offline cannot be used with --selector")),
        ] {
            assert_eq!(judged(line), want.map_err(String::from), "{line}");
        }
    }
}
