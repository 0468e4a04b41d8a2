//! `config set-context`.

use super::Files;
use crate::commands::flags::{Flags, switch, words};
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("set-context")
        .about("Set a context entry in kubeconfig")
        .long_about("Make a context, or change what is named of one that is there: --cluster, --user, --namespace.")
        .after_help(
            "# Another namespace for the current context\nkubectl config set-context --current --namespace=dev\n\n\
             # A new context\nkubectl config set-context dev --cluster=local --user=me",
        )
        .before_help("[NAME | --current] [--cluster=cluster_nickname] [--user=user_nickname] [--namespace=namespace]")
        .defer(|c| c.arg(switch("current", None, false, "Change the current context.")).arg(words()))
}

/// Sets it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let words = matches.words();
    if words.len() > 1 {
        let [_] = super::words::<1>(matches, cx)?;
    }
    let current = matches.on("current");
    let given = words.into_iter().next().unwrap_or_default();
    if given.is_empty() && !current {
        return Err(Failure::message("you must specify a non-empty context name or --current"));
    }
    if !given.is_empty() && current {
        return Err(Failure::message("you cannot specify both a context name and --current"));
    }
    let mut files = Files::load(cx)?;
    let name = if current { files.config.current_context.clone() } else { given };
    if name.is_empty() {
        return Err(Failure::message("no current context is set"));
    }
    let exists = files.config.contexts.contains_key(&name);
    let context = files.config.contexts.entry(name.clone()).or_default();
    for (flag, field) in
        [("cluster", &mut context.cluster), ("user", &mut context.user), ("namespace", &mut context.namespace)]
    {
        if matches.given(flag) {
            *field = matches.text(flag).to_string();
        }
    }
    files.save(true)?;
    cx.print(&format!("Context {name:?} {}.\n", if exists { "modified" } else { "created" }))?;
    Ok(0)
}
