//! `config get-contexts`.

use super::Files;
use crate::commands::flags::{Flags, switch, text, words};
use crate::commands::{Context, Exit, Failure};
use crate::output::tabwriter::{Layout, TabWriter};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("get-contexts")
        .about("Describe one or many contexts")
        .long_about("Print contexts: which user talks to which cluster, in which namespace.")
        .after_help("# All contexts\nkubectl config get-contexts\n\n# One of them\nkubectl config get-contexts dev")
        .before_help("[(-o|--output=)name)]")
        .defer(|c| {
            c.arg(switch("no-headers", None, false, "Leave the headings out."))
                .arg(text("output", Some('o'), "", "With 'name', print only names."))
                .arg(words())
        })
}

/// Prints them, sorted by name.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let names_only = match matches.text("output") {
        "" => false,
        "name" => true,
        other => {
            return Err(Failure::message(format!(
                "--output {other} is not available in kubectl config get-contexts; resetting to default output format"
            )));
        }
    };
    let files = Files::load(cx)?;
    let contexts = &files.config.contexts;
    let mut names = matches.words();
    let mut failures = Vec::new();
    if names.is_empty() {
        names = contexts.keys().cloned().collect();
    }
    names.retain(|name| {
        let known = contexts.contains_key(name);
        if !known {
            failures.push(Failure::message(format!("context {name} not found")));
        }
        known
    });
    names.sort();
    let mut tabs = TabWriter::new(cx.out(), Layout::TABLE);
    if !names_only && !matches.on("no-headers") {
        tabs.push("CURRENT\tNAME\tCLUSTER\tAUTHINFO\tNAMESPACE\n")?;
    }
    for name in names {
        let Some(context) = contexts.get(&name) else { continue };
        if names_only {
            tabs.push(&format!("{name}\n"))?;
            continue;
        }
        let mark = if files.config.current_context == name { "*" } else { " " };
        tabs.push(&format!("{mark}\t{name}\t{}\t{}\t{}\n", context.cluster, context.user, context.namespace))?;
    }
    tabs.flush()?;
    Failure::collect(failures).map(|()| 0)
}
