//! `config unset`.

use super::Files;
use super::property::{Change, change};
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("unset")
        .about("Unset an individual value in a kubeconfig file")
        .long_about(
            "Take one value, or a whole entry, out of a kubeconfig.\n\n \
             PROPERTY_NAME is its path: names of fields and of entries with dots between.",
        )
        .after_help("# No current context\nkubectl config unset current-context\n\n# No namespace in the context dev\nkubectl config unset contexts.dev.namespace")
        .before_help("PROPERTY_NAME")
        .defer(|c| c.arg(crate::commands::flags::words()))
}

/// Takes it out.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let [name] = super::words(matches, cx)?;
    if name.is_empty() {
        return Err(Failure::message("you must specify a property"));
    }
    let mut files = Files::load(cx)?;
    change(&mut files.config, &name, Change::Unset)?;
    files.save(false)?;
    cx.print(&format!("Property {name:?} unset.\n"))?;
    Ok(0)
}
