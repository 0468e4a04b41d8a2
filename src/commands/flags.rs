//! Flags as kubectl has them: how each kind of flag reads its value and complains about it, and the sets that several
//! commands share, each defined once.
//!
//! The value rules and the words of complaints are those of Go's pflag: they are part of the interface.

mod csv;

use super::Failure;
use crate::api::GoDuration;
use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches};
use std::collections::BTreeMap;
use std::num::IntErrorKind;
use std::ops::RangeInclusive;

/// What kind of value a flag takes: what help shows as its default, and what pflag calls it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `--flag`, `--flag=true`, `--flag=false`.
    Switch,
    /// One text.
    Text,
    /// Texts; given several times, or with commas between.
    List,
    /// A whole number.
    Integer,
    /// A span of time in Go's notation, such as 1h30m.
    Span,
    /// `key=value` texts with commas between.
    Pairs,
}

impl Kind {
    const ALL: [(Kind, &'static str); 6] = [
        (Kind::Switch, "switch"),
        (Kind::Text, "text"),
        (Kind::List, "list"),
        (Kind::Integer, "integer"),
        (Kind::Span, "span"),
        (Kind::Pairs, "pairs"),
    ];

    fn mark(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("text", |(_, mark)| mark)
    }

    /// The kind of a flag that was made here.
    pub fn of(arg: &Arg) -> Kind {
        let mark = arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
        Self::ALL.iter().find(|(_, m)| *m == mark).map_or(Kind::Text, |(kind, _)| *kind)
    }
}

fn flag(kind: Kind, name: &'static str, short: Option<char>, help: &'static str) -> Arg {
    let arg = Arg::new(name).long(name).value_name(kind.mark()).help(help).overrides_with(name);
    match short {
        Some(short) => arg.short(short),
        None => arg,
    }
}

/// The flag as pflag names it in complaints: `-A, --all-namespaces`.
fn spelled(name: &str, short: Option<char>) -> String {
    short.map_or_else(|| format!("--{name}"), |short| format!("-{short}, --{name}"))
}

/// A flag that is on or off; alone it means on.
pub fn switch(name: &'static str, short: Option<char>, default: bool, help: &'static str) -> Arg {
    let parse = move |text: &str| match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(invalid(text, name, short, "ParseBool")),
    };
    flag(Kind::Switch, name, short, help)
        .action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .default_value(if default { "true" } else { "false" })
        .value_parser(ValueParser::new(parse))
}

/// A flag with one text.
pub fn text(name: &'static str, short: Option<char>, default: &'static str, help: &'static str) -> Arg {
    flag(Kind::Text, name, short, help).action(ArgAction::Set).allow_hyphen_values(true).default_value(default)
}

/// A flag with one text that means `alone` when it has no value.
pub fn text_or(name: &'static str, default: &'static str, alone: &'static str, help: &'static str) -> Arg {
    text(name, None, default, help).num_args(0..=1).require_equals(true).default_missing_value(alone)
}

/// A flag with texts, each split at its commas as CSV is.
pub fn list(name: &'static str, short: Option<char>, help: &'static str) -> Arg {
    let parse = move |text: &str| {
        csv::fields(text)
            .map_err(|problem| format!("invalid argument {text:?} for {:?} flag: {problem}", spelled(name, short)))
    };
    lines(name, short, help).value_parser(ValueParser::new(parse))
}

/// A flag with texts, each kept whole.
pub fn lines(name: &'static str, short: Option<char>, help: &'static str) -> Arg {
    let arg = Arg::new(name).long(name).value_name(Kind::List.mark()).help(help);
    let arg = arg.action(ArgAction::Append).allow_hyphen_values(true);
    match short {
        Some(short) => arg.short(short),
        None => arg,
    }
}

/// A flag with `key=value` texts, with commas between; may be repeated.
pub fn pairs(name: &'static str, help: &'static str) -> Arg {
    let parse = move |text: &str| {
        text.split(',')
            .filter(|part| !part.is_empty())
            .map(|part| part.split_once('=').map(|(key, value)| (key.trim().into(), value.trim().into())))
            .collect::<Option<Vec<(String, String)>>>()
            .ok_or_else(|| {
                format!("invalid argument {text:?} for \"--{name}\" flag: malformed pair, expect string=string")
            })
    };
    Arg::new(name)
        .long(name)
        .value_name(Kind::Pairs.mark())
        .help(help)
        .action(ArgAction::Append)
        .allow_hyphen_values(true)
        .value_parser(ValueParser::new(parse))
}

/// A flag with `FILE=LEVEL` texts, with commas between, as klog reads them.
pub fn levels(name: &'static str, help: &'static str) -> Arg {
    let parse = move |text: &str| {
        let fault = |part: &str| match part.split_once('=') {
            Some((file, level)) if !file.is_empty() => match level.parse::<i32>() {
                Ok(level) if level < 0 => Some("negative value for vmodule level"),
                Ok(_) => None,
                Err(_) => Some("syntax error: expect comma-separated list of filename=N"),
            },
            _ => Some("syntax error: expect comma-separated list of filename=N"),
        };
        match text.split(',').filter(|part| !part.is_empty()).find_map(fault) {
            Some(fault) => Err(format!("invalid argument {text:?} for \"--{name}\" flag: {fault}")),
            None => Ok(text.to_string()),
        }
    };
    flag(Kind::Pairs, name, None, help).allow_hyphen_values(true).value_parser(ValueParser::new(parse))
}

/// A flag with a whole number.
pub fn integer(name: &'static str, short: Option<char>, default: &'static str, help: &'static str) -> Arg {
    whole(name, short, default, help, i64::MIN..=i64::MAX)
}

/// A flag with a whole number of 32 bits.
pub fn integer32(name: &'static str, short: Option<char>, default: &'static str, help: &'static str) -> Arg {
    whole(name, short, default, help, i64::from(i32::MIN)..=i64::from(i32::MAX))
}

fn whole(
    name: &'static str,
    short: Option<char>,
    default: &'static str,
    help: &'static str,
    range: RangeInclusive<i64>,
) -> Arg {
    let parse = move |text: &str| {
        let outside = || {
            let flag = spelled(name, short);
            format!(
                "invalid argument {text:?} for {flag:?} flag: strconv.ParseInt: parsing {text:?}: value out of range"
            )
        };
        match text.parse::<i64>() {
            Ok(number) if range.contains(&number) => Ok(number),
            Ok(_) => Err(outside()),
            Err(error) => match error.kind() {
                IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => Err(outside()),
                _ => Err(invalid(text, name, short, "ParseInt")),
            },
        }
    };
    flag(Kind::Integer, name, short, help)
        .action(ArgAction::Set)
        .allow_hyphen_values(true)
        .default_value(default)
        .value_parser(ValueParser::new(parse))
}

/// A flag with a span of time.
pub fn span(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    let parse = move |text: &str| {
        GoDuration::read(text)
            .map_err(|problem| format!("invalid argument {text:?} for {:?} flag: {problem}", spelled(name, None)))
    };
    flag(Kind::Span, name, None, help)
        .action(ArgAction::Set)
        .allow_hyphen_values(true)
        .default_value(default)
        .value_parser(ValueParser::new(parse))
}

/// A flag that is only there for old command lines; whoever gives it is told the advice.
pub fn deprecated(flag: Arg, advice: &'static str) -> Arg {
    flag.hide(true).long_help(advice)
}

/// A deprecated flag's name and advice.
pub fn going_away(flag: &Arg) -> Option<(&str, String)> {
    let advice = flag.get_long_help().filter(|_| flag.is_hide_set())?;
    Some((flag.get_id().as_str(), advice.to_string()))
}

/// Refuses a command line without flags that the command needs, as cobra words it.
pub fn required(matches: &ArgMatches, names: &[&str]) -> Result<(), Failure> {
    let missing: Vec<String> =
        names.iter().filter(|name| !matches.given(name)).map(|name| format!("{name:?}")).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Failure::message(format!("required flag(s) {} not set", missing.join(", ")))),
    }
}

/// The words that are no flags.
pub fn words() -> Arg {
    Arg::new("words").num_args(0..).action(ArgAction::Append)
}

/// The words that are no flags, and all that follows `--`, flags or not.
pub fn words_and_command() -> [Arg; 2] {
    [words(), Arg::new("after-dashes").num_args(0..).last(true).action(ArgAction::Append).allow_hyphen_values(true)]
}

fn invalid(text: &str, name: &str, short: Option<char>, function: &str) -> String {
    format!(
        "invalid argument {text:?} for {:?} flag: strconv.{function}: parsing {text:?}: invalid syntax",
        spelled(name, short)
    )
}

/// Readers of parsed flags, total: a flag that a command does not have reads as its empty value.
pub trait Flags {
    /// Whether a switch is on.
    fn on(&self, name: &str) -> bool;
    /// A text, empty by default.
    fn text(&self, name: &str) -> &str;
    /// The texts of a list.
    fn list(&self, name: &str) -> Vec<String>;
    /// A whole number.
    fn integer(&self, name: &str) -> i64;
    /// The pairs of a map, the last value of each key.
    fn pairs(&self, name: &str) -> BTreeMap<String, String>;
    /// A span of time.
    fn span(&self, name: &str) -> GoDuration;
    /// Whether the flag was on the command line.
    fn given(&self, name: &str) -> bool;
    /// The words that are no flags.
    fn words(&self) -> Vec<String> {
        self.list("words")
    }
}

impl Flags for ArgMatches {
    fn on(&self, name: &str) -> bool {
        self.try_get_one::<bool>(name).ok().flatten().copied().unwrap_or_default()
    }

    fn text(&self, name: &str) -> &str {
        self.try_get_one::<String>(name).ok().flatten().map_or("", String::as_str)
    }

    fn list(&self, name: &str) -> Vec<String> {
        // What was not given may still have the default of a global flag with the same name.
        if !self.given(name) {
            return Vec::new();
        }
        match self.try_get_many::<Vec<String>>(name) {
            Ok(lists) => lists.into_iter().flatten().flatten().cloned().collect(),
            Err(_) => self.try_get_many::<String>(name).ok().flatten().into_iter().flatten().cloned().collect(),
        }
    }

    fn integer(&self, name: &str) -> i64 {
        self.try_get_one::<i64>(name).ok().flatten().copied().unwrap_or_default()
    }

    fn pairs(&self, name: &str) -> BTreeMap<String, String> {
        let given = self.try_get_many::<Vec<(String, String)>>(name).ok().flatten();
        given.into_iter().flatten().flatten().cloned().collect()
    }

    fn span(&self, name: &str) -> GoDuration {
        self.try_get_one::<GoDuration>(name).ok().flatten().copied().unwrap_or_default()
    }

    fn given(&self, name: &str) -> bool {
        self.try_contains_id(name).unwrap_or(false)
            && self.value_source(name) == Some(clap::parser::ValueSource::CommandLine)
    }
}
