//! `options`: the flags that every command has.

use super::{Context, Exit, Failure, help, sets};
use clap::{Arg, ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("options").about("List the flags that every command has").hide(true)
}

/// Prints them.
pub fn run(_: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let global = sets::global(cx.program.name());
    let folder = cx.cache_dir();
    // What is shown is what counts while the flag is not given.
    let default = |flag: &Arg| match &folder {
        Some(folder) if flag.get_id() == "cache-dir" => format!("'{}'", folder.display()),
        _ => help::default(flag),
    };
    let text = help::flags(global.iter().filter(|arg| !arg.is_hide_set()).collect(), default);
    cx.print(&format!("The following options can be passed to any command:\n\n{text}"))?;
    Ok(0)
}
