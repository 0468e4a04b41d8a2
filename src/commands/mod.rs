//! The command table, and what happens between argv and a command's `run`.
//!
//! Each command has a file, and its path is the command line: `config/set_cluster.rs` is `config set-cluster`. A file
//! has four parts, in this order: the flags, a `Plan`, a pure `plan`, and `run`. The table is the one source for
//! parsing, help, completion and man pages; only the command in use is built (clap's `defer`).

pub mod context;
pub mod flags;
pub mod help;
mod interrupted;
pub mod report;
pub mod sets;

pub mod printing;

mod annotate;
mod api_resources;
mod api_versions;
mod apply;
mod auth;
mod autoscale;
mod certificate;
mod change_cause;
mod cluster_info;
mod complete;
mod completion;
mod config;
mod cordon;
mod create;
mod delete;
mod describe;
mod diff;
mod drain;
mod edit;
mod editing;
mod events;
mod explain;
mod expose;
mod get;
mod kustomize;
mod label;
mod logs;
mod manifests;
mod nodes;
mod objects;
mod offline;
mod options;
mod patch;
mod plugin;
mod progress;
mod prompt;
mod replace;
mod rollout;
mod run;
#[cfg(feature = "apiserver")]
mod sandbox;
mod scale;
#[cfg(feature = "apiserver")]
mod serve;
mod set;
mod streams;
mod taint;
mod top;
mod uncordon;
mod version;
mod wait;

use crate::manifest::Sources;
pub use crate::ops::Failure;
use crate::output::terminal::Colour;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};
pub use context::{Context, Program};
use std::ffi::OsString;

/// The kubectl that steer equals.
pub const KUBERNETES: &str = "v1.37.1";

/// How a command ended well: 0, or 1 where a difference was found.
pub type Exit = u8;

/// A command: how it is called, and what it does.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The name, flags and documentation.
    pub command: fn() -> Command,
    /// What it does; none for a group that only holds other commands.
    pub run: Option<Run>,
    /// The commands below it.
    pub below: &'static [Entry],
}

/// A command's work.
pub type Run = fn(&ArgMatches, &mut Context) -> Result<Exit, Failure>;

/// A command without others below it.
pub const fn leaf(command: fn() -> Command, run: Run) -> Entry {
    Entry { command, run: Some(run), below: &[] }
}

/// All commands, in the order of help.
pub static COMMANDS: &[Entry] = &[
    Entry { command: create::command, run: Some(create::run), below: create::BELOW },
    leaf(expose::command, expose::run),
    leaf(run::command, run::run),
    Entry { command: set::command, run: None, below: set::BELOW },
    leaf(explain::command, explain::run),
    leaf(get::command, get::run),
    leaf(edit::command, edit::run),
    leaf(delete::command, delete::run),
    Entry { command: rollout::command, run: Some(rollout::run), below: rollout::BELOW },
    leaf(scale::command, scale::run),
    leaf(autoscale::command, autoscale::run),
    Entry { command: certificate::command, run: Some(certificate::run), below: certificate::BELOW },
    Entry { command: cluster_info::command, run: Some(cluster_info::run), below: cluster_info::BELOW },
    Entry { command: top::command, run: None, below: top::BELOW },
    leaf(cordon::command, cordon::run),
    leaf(uncordon::command, uncordon::run),
    leaf(drain::command, drain::run),
    leaf(taint::command, taint::run),
    leaf(describe::command, describe::run),
    leaf(logs::command, logs::run),
    Entry { command: auth::command, run: None, below: auth::BELOW },
    leaf(events::command, events::run),
    leaf(diff::command, diff::run),
    Entry { command: apply::command, run: Some(apply::run), below: apply::BELOW },
    leaf(patch::command, patch::run),
    leaf(replace::command, replace::run),
    leaf(wait::command, wait::run),
    leaf(kustomize::command, kustomize::run),
    leaf(label::command, label::run),
    leaf(annotate::command, annotate::run),
    leaf(completion::command, completion::run),
    leaf(api_resources::command, api_resources::run),
    leaf(api_versions::command, api_versions::run),
    Entry { command: config::command, run: None, below: config::BELOW },
    Entry { command: plugin::command, run: None, below: plugin::BELOW },
    leaf(version::command, version::run),
    #[cfg(feature = "apiserver")]
    leaf(sandbox::command, sandbox::run),
    #[cfg(feature = "apiserver")]
    leaf(serve::command, serve::run),
    leaf(options::command, options::run),
];

/// The whole table as clap's tree.
pub fn table(program: &'static str) -> Command {
    let root = Command::new(program)
        .about("steer talks to Kubernetes clusters as kubectl does, and can be one for a test.")
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .disable_version_flag(true)
        .allow_external_subcommands(true)
        .args(sets::global(program))
        .arg(help_flag());
    with_below(root, COMMANDS, program)
}

/// Adds the commands below a command. Each has the program's name, which its flags may depend on, for its display name.
fn with_below(command: Command, below: &[Entry], program: &'static str) -> Command {
    command.subcommands(below.iter().map(|entry| {
        let command = (entry.command)().display_name(program).disable_help_flag(true).disable_help_subcommand(true);
        with_below(command, entry.below, program)
    }))
}

fn help_flag() -> Arg {
    flags::switch("help", Some('h'), false, "Tell about the command.").action(ArgAction::Set).global(true)
}

/// Reads the command line and does what it says. The result is the exit code.
pub fn main(arguments: Vec<OsString>, cx: &mut Context) -> u8 {
    let outcome = dispatch(arguments, cx).and_then(|exit| cx.finish().map(|()| exit)).and_then(|exit| match exit {
        0 => cx.judge_warnings().map(|()| 0),
        _ => Ok(exit),
    });
    match outcome {
        Ok(exit) => exit,
        Err(failure) => {
            let report = report::report(&failure, cx.program.name());
            cx.fail(&report.stderr);
            cx.give_advice();
            report.code
        }
    }
}

fn dispatch(arguments: Vec<OsString>, cx: &mut Context) -> Result<Exit, Failure> {
    let mut table = table(cx.program.name());
    let matches = match table.try_get_matches_from_mut(&arguments) {
        Ok(matches) => matches,
        Err(error) => return Err(diff::worded(wrong_flags(&error, &mut table, &arguments))),
    };
    if let Some((name, _)) = matches.subcommand()
        && table.find_subcommand(name).is_none()
    {
        let start = arguments.iter().position(|word| word == name).unwrap_or(arguments.len());
        if let Some(meanings) = complete::asked(name) {
            return complete::run(arguments.get(start + 1..).unwrap_or_default(), meanings, cx);
        }
        return plugin::run(&arguments[start..], cx)
            .unwrap_or_else(|| Err(unknown_command(name, &table, cx.program.name())));
    }
    let Found { path, below, run, matches, command } = find(&matches, &table);
    remind(command, matches, cx);
    if flags::Flags::on(matches, "record") {
        cx.change_cause = Some(change_cause::spell(cx.program.name(), [&table, command], &arguments));
    }
    cx.colour(Colour::parse(flags::Flags::text(matches, "color")).unwrap_or_default());
    cx.settings = context::Settings::from_matches(matches, command);
    cx.command_path = path.join(" ");
    if flags::Flags::on(matches, "help") {
        return help::print(&path, cx);
    }
    match run {
        Some(run) => run(matches, cx),
        None => no_such(&path, below, matches, cx),
    }
}

/// The command that is meant.
struct Found<'a> {
    path: Vec<String>,
    below: &'static [Entry],
    run: Option<Run>,
    matches: &'a ArgMatches,
    command: &'a Command,
}

/// Says what flags and spellings that are going away were used.
fn remind(command: &Command, matches: &ArgMatches, cx: &mut Context) {
    for (name, advice) in command.get_arguments().filter_map(flags::going_away) {
        if flags::Flags::given(matches, name) {
            cx.complain(&format!("Flag --{name} has been deprecated, {advice}\n"));
        }
    }
    if let Some((place, words)) = crate::ops::options::old_dry_run(flags::Flags::text(matches, "dry-run")) {
        cx.complain(&log_line('W', place, &words));
    }
    if let Some(words) = crate::ops::options::Cascade::old_spelling(flags::Flags::text(matches, "cascade")) {
        cx.complain(&words);
    }
}

/// Follows the matches down to the command that is meant.
fn find<'a>(matches: &'a ArgMatches, table: &'a Command) -> Found<'a> {
    let mut found = Found { path: Vec::new(), below: COMMANDS, run: None, matches, command: table };
    while let Some((name, matches)) = found.matches.subcommand() {
        let Some(position) = found.command.get_subcommands().position(|sub| sub.get_name() == name) else { break };
        let Some(entry) = found.below.get(position) else { break };
        found.path.push(name.to_string());
        (found.below, found.run, found.matches) = (entry.below, entry.run, matches);
        found.command = found.command.get_subcommands().nth(position).unwrap_or(found.command);
    }
    found
}

/// A group was called without, or with an unknown, command below it.
fn no_such(path: &[String], below: &[Entry], matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let words = flags::Flags::words(matches);
    match words.is_empty() {
        false if !below.is_empty() && !path.is_empty() => {
            let words = words.join(" ");
            Err(Failure::Usage { message: format!("unknown command {words:?}"), command: path.join(" ") })
        }
        _ if path.is_empty() => help::print(path, cx),
        _ => {
            // kubectl shows a group's help as an error when nothing below it was asked for.
            let text = help::text(path, cx.program.name());
            Err(Failure::Plain(text))
        }
    }
}

fn unknown_command(name: &str, table: &Command, program: &str) -> Failure {
    let mut text = format!("error: unknown command {name:?} for {program:?}");
    let close: Vec<&str> = table
        .get_subcommands()
        .map(Command::get_name)
        .filter(|known| levenshtein(name, known) <= 2 || known.starts_with(&name.to_lowercase()))
        .collect();
    if !close.is_empty() {
        text.push_str("\n\nDid you mean this?");
        for known in close {
            text.push_str(&format!("\n\t{known}"));
        }
    }
    Failure::Plain(text)
}

/// How many letters must be put in, taken out or changed to make one word the other; case does not count.
fn levenshtein(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = if x == *y { diagonal } else { 1 + diagonal.min(row[j]).min(row[j + 1]) };
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}

/// Turns clap's refusal of the command line into pflag's words.
fn wrong_flags(error: &clap::Error, table: &mut Command, arguments: &[OsString]) -> Failure {
    let command = command_path(table, arguments);
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let argument = text(ContextKind::InvalidArg);
    let message = match error.kind() {
        ErrorKind::UnknownArgument if argument.starts_with("--") => {
            format!("unknown flag: {}", argument.split('=').next().unwrap_or_default())
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            let letter = argument.chars().nth(1).unwrap_or_default();
            let word = arguments
                .iter()
                .filter_map(|a| a.to_str())
                .find(|a| a.starts_with('-') && !a.starts_with("--") && a.contains(letter))
                .unwrap_or(&argument);
            let rest = word.find(letter).map_or(word, |at| &word[at..]);
            format!("unknown shorthand flag: {letter:?} in -{rest}")
        }
        ErrorKind::UnknownArgument => {
            return Failure::Usage { message: format!("Unexpected args: [{argument}]"), command };
        }
        ErrorKind::InvalidValue | ErrorKind::TooFewValues | ErrorKind::NoEquals | ErrorKind::WrongNumberOfValues => {
            needs_argument(&argument, arguments)
        }
        ErrorKind::ValueValidation => {
            std::error::Error::source(error).map_or_else(|| error.to_string(), |source| source.to_string())
        }
        _ => error.to_string().trim_start_matches("error: ").lines().next().unwrap_or_default().to_string(),
    };
    Failure::Flags { message, command }
}

/// A flag at the end of the line has no value. clap names it as help does; pflag as it was typed.
fn needs_argument(argument: &str, arguments: &[OsString]) -> String {
    let typed = arguments.last().and_then(|a| a.to_str()).unwrap_or_default();
    if typed.starts_with("--") {
        return format!("flag needs an argument: {typed}");
    }
    match typed.strip_prefix('-').and_then(|letters| letters.chars().last()) {
        Some(letter) => format!("flag needs an argument: {letter:?} in {typed}"),
        None => format!("flag needs an argument: {}", argument.split([' ', '=']).next().unwrap_or_default()),
    }
}

/// The command that the arguments name, as far as that can be said without reading the flags.
fn command_path(table: &Command, arguments: &[OsString]) -> String {
    let mut command = table;
    let mut path: Vec<&str> = Vec::new();
    for word in arguments.iter().skip(1).filter_map(|a| a.to_str()) {
        if word == "--" {
            break;
        }
        if let Some(below) = command.find_subcommand(word) {
            path.push(below.get_name());
            command = below;
        } else if !word.starts_with('-') && !path.is_empty() {
            break;
        }
    }
    path.join(" ")
}

/// Refuses words where a command takes none, as most of kubectl's commands word it.
pub fn no_words(matches: &ArgMatches, command: &str) -> Result<(), Failure> {
    let words = flags::Flags::words(matches);
    if words.is_empty() {
        return Ok(());
    }
    Err(Failure::Usage { message: format!("Unexpected args: [{}]", words.join(" ")), command: command.into() })
}

/// The sources that `-f`, `-k` and `-R` name.
pub fn sources(matches: &ArgMatches) -> Result<Sources, Failure> {
    let kustomize = Some(flags::Flags::text(matches, "kustomize").to_string()).filter(|folder| !folder.is_empty());
    let filenames = flags::Flags::list(matches, "filename");
    if kustomize.is_some() && (!filenames.is_empty() || flags::Flags::on(matches, "recursive")) {
        return Err(Failure::message(match filenames.is_empty() {
            true => "the -k flag can't be used with -f or -R",
            false => "only one of -f or -k can be specified",
        }));
    }
    Ok(Sources { filenames, kustomize, recursive: flags::Flags::on(matches, "recursive") })
}

/// The sources of a command that needs some.
pub fn required_sources(matches: &ArgMatches) -> Result<Sources, Failure> {
    let sources = sources(matches)?;
    if sources.is_empty() {
        return Err(Failure::message("must specify one of -f and -k"));
    }
    Ok(sources)
}

/// Reads a file that holds a template; the error is the reason in Go's words.
pub fn read_text(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| crate::api::gotext::unread(path, &error))
}

/// A line as Kubernetes' logger writes it: level, time, process, the place in kubectl's source that says it, and the
/// words.
pub fn log_line(level: char, place: &str, text: &str) -> String {
    let now = jiff::Zoned::now();
    format!("{level}{} {:>7} {place}] {text}\n", now.strftime("%m%d %H:%M:%S.%6f"), std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(line: &str) -> String {
        let mut cx = Context::for_test();
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        match dispatch(arguments, &mut cx) {
            Ok(code) => format!("exit {code}"),
            Err(failure) => report::report(&failure, "kubectl").stderr,
        }
    }

    #[test]
    fn the_table_is_sound() {
        let mut table = table("kubectl");
        table.build();
        table.debug_assert();
    }

    #[test]
    fn command_lines_are_refused_in_pflags_words() {
        for (line, words) in [
            ("kubectl version --nosuch", "error: unknown flag: --nosuch\nSee 'kubectl version --help' for usage.\n"),
            ("kubectl version --nosuch=3", "error: unknown flag: --nosuch\nSee 'kubectl version --help' for usage.\n"),
            (
                "kubectl version -z",
                "error: unknown shorthand flag: 'z' in -z\nSee 'kubectl version --help' for usage.\n",
            ),
            (
                "kubectl version -o",
                "error: flag needs an argument: 'o' in -o\nSee 'kubectl version --help' for usage.\n",
            ),
            (
                "kubectl version --output",
                "error: flag needs an argument: --output\nSee 'kubectl version --help' for usage.\n",
            ),
            ("kubectl -n", "error: flag needs an argument: 'n' in -n\nSee 'kubectl --help' for usage.\n"),
            (
                "kubectl version -v=x",
                "error: invalid argument \"x\" for \"-v, --v\" flag: strconv.ParseInt: parsing \"x\": invalid syntax\nSee 'kubectl version --help' for usage.\n",
            ),
            (
                "kubectl version --client=maybe",
                "error: invalid argument \"maybe\" for \"--client\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax\nSee 'kubectl version --help' for usage.\n",
            ),
            (
                "kubectl config no such",
                "error: unknown command \"no such\"\nSee 'kubectl config -h' for help and examples\n",
            ),
            ("kubectl nosuch", "error: unknown command \"nosuch\" for \"kubectl\"\n"),
            ("kubectl versio", "error: unknown command \"versio\" for \"kubectl\"\n\nDid you mean this?\n\tversion\n"),
        ] {
            assert_eq!(complaint(line), words, "{line}");
        }
    }

    #[test]
    fn distances_between_words() {
        for (a, b, distance) in [("get", "get", 0), ("gett", "get", 1), ("GET", "set", 1), ("", "abc", 3)] {
            assert_eq!(levenshtein(a, b), distance);
        }
    }
}
