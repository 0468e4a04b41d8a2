//! `config rename-context`.

use super::Files;
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("rename-context")
        .about("Rename a context from the kubeconfig file")
        .long_about("Give a context another name. The current context stays the current one.")
        .after_help("# From old to new\nkubectl config rename-context old new")
        .before_help("CONTEXT_NAME NEW_NAME")
        .defer(|c| c.arg(crate::commands::flags::words()))
}

/// Renames it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let [old, new] = super::words(matches, cx)?;
    if new.is_empty() {
        return Err(Failure::message("You must specify a new non-empty context name"));
    }
    let mut files = Files::load(cx)?;
    let refuse = |why: String| Err(Failure::message(format!("cannot rename the context {old:?}, {why}")));
    let contexts = &mut files.config.contexts;
    if !contexts.contains_key(&old) {
        return refuse(format!("it's not in {}", files.name()));
    }
    if contexts.contains_key(&new) {
        return refuse(format!("the context {new:?} already exists in {}", files.name()));
    }
    if let Some(context) = contexts.remove(&old) {
        contexts.insert(new.clone(), context);
    }
    if files.config.current_context == old {
        files.config.current_context = new.clone();
    }
    files.save(true)?;
    cx.print(&format!("Context {old:?} renamed to {new:?}.\n"))?;
    Ok(0)
}
