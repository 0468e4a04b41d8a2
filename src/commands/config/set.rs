//! `config set`.

use super::Files;
use super::property::{Change, change};
use crate::commands::flags::{Flags, switch, words};
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("set")
        .about("Set an individual value in a kubeconfig file")
        .long_about(
            "Set one value of a kubeconfig.\n\n \
             PROPERTY_NAME is the path of the value: names of fields and of entries with dots between.\n\n \
             PROPERTY_VALUE is its text; of bytes, such as certificate-authority-data, it is the base64 unless \
             --set-raw-bytes is given.",
        )
        .after_help("# The server of the cluster dev\nkubectl config set clusters.dev.server https://1.2.3.4")
        .before_help("PROPERTY_NAME PROPERTY_VALUE")
        .defer(|c| c.arg(switch("set-raw-bytes", None, false, "The value is the bytes themselves.")).arg(words()))
}

/// Sets it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let [name, value] = super::words(matches, cx)?;
    if value.is_empty() {
        return Err(Failure::message("you cannot use set to unset a property"));
    }
    if name.is_empty() {
        return Err(Failure::message("you must specify a property"));
    }
    let mut files = Files::load(cx)?;
    change(&mut files.config, &name, Change::Set { text: &value, raw: matches.on("set-raw-bytes") })?;
    files.save(false)?;
    cx.print(&format!("Property {name:?} set.\n"))?;
    Ok(0)
}
