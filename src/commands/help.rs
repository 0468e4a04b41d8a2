//! Help, laid out from the command table.

use super::flags::Kind;
use super::{COMMANDS, Context, Exit, Failure, table};
use clap::{Arg, Command};
use std::fmt::Write;

/// Prints the help of the command at `path`.
pub fn print(path: &[String], cx: &mut Context) -> Result<Exit, Failure> {
    let text = text(path, cx.program.name());
    cx.print(&text)?;
    Ok(0)
}

/// The help of the command at `path`; of the program when it is empty.
pub fn text(path: &[String], program: &'static str) -> String {
    let mut root = table(program);
    root.build();
    let mut command = &root;
    for name in path {
        let Some(below) = command.find_subcommand(name) else { break };
        command = below;
    }
    let mut out = String::new();
    let about = command.get_long_about().or(command.get_about());
    let _ = writeln!(out, "{}", about.map(ToString::to_string).unwrap_or_default());
    if let Some(examples) = command.get_after_help() {
        let _ = write!(out, "\nExamples:\n");
        for line in examples.to_string().lines() {
            let _ = writeln!(out, "  {line}");
        }
    }
    let below: Vec<&Command> = command.get_subcommands().filter(|c| !c.is_hide_set()).collect();
    if !below.is_empty() {
        let width = below.iter().map(|c| c.get_name().len()).max().unwrap_or(0).max(11) + 3;
        let _ = writeln!(out, "\nAvailable Commands:");
        for c in below {
            let about = c.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(out, "  {:width$}{about}", c.get_name());
        }
    }
    let is_own = |arg: &&Arg| !arg.is_global_set() && !arg.is_hide_set() && arg.get_long().is_some();
    let own: Vec<&Arg> = command.get_arguments().filter(is_own).collect();
    if !own.is_empty() {
        let _ = write!(out, "\nOptions:\n{}", flags(own, default));
    }
    let _ = write!(out, "\nUsage:\n  {}\n", usage(command, path, program));
    if command.has_subcommands() && !path.is_empty() {
        let _ = write!(
            out,
            "\nUse \"{program} {} <command> --help\" for more information about a given command.\n",
            path.join(" ")
        );
    } else if path.is_empty() && !COMMANDS.is_empty() {
        let _ = write!(out, "\nUse \"{program} <command> --help\" for more information about a given command.\n");
    }
    let _ =
        writeln!(out, "Use \"{program} options\" for a list of global command-line options (applies to all commands).");
    out
}

/// The usage line: the command's own when it has one.
pub fn usage(command: &Command, path: &[String], program: &str) -> String {
    let name = if path.is_empty() { program.to_string() } else { format!("{program} {}", path.join(" ")) };
    match command.get_before_help() {
        Some(shape) if shape.to_string().is_empty() => format!("{name} [options]"),
        Some(shape) => format!("{name} {shape} [options]"),
        None => format!("{name} [flags] [options]"),
    }
}

/// Flags as `--name=default:` lines with their meaning below; `default` spells the defaults.
pub fn flags(mut args: Vec<&Arg>, default: impl Fn(&Arg) -> String) -> String {
    args.sort_by_key(|arg| arg.get_long().unwrap_or_default().to_string());
    let blocks: Vec<String> = args
        .into_iter()
        .filter(|arg| arg.get_id() != "help")
        .map(|arg| {
            let short = arg.get_short().map(|c| format!("-{c}, ")).unwrap_or_default();
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            format!("    {short}--{}={}:\n\t{help}\n", arg.get_long().unwrap_or_default(), default(arg))
        })
        .collect();
    blocks.join("\n")
}

/// A flag's default as kubectl's help spells it.
pub fn default(arg: &Arg) -> String {
    let value = arg.get_default_values().first().map(|v| v.to_string_lossy().into_owned()).unwrap_or_default();
    match Kind::of(arg) {
        Kind::List => "[]".into(),
        Kind::Text => format!("'{value}'"),
        Kind::Switch | Kind::Integer | Kind::Span | Kind::Pairs => value,
    }
}
