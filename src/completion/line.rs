//! A command line that is being typed, read against the command table.

use clap::{Arg, ArgAction, Command};

/// What the last word of a line is about to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// The name of a flag.
    Flag,
    /// The value of the flag with this name.
    Value(String),
    /// A command or another word.
    Word,
    /// Nothing: the line asks for help.
    Nothing,
}

/// A line up to the word that is being typed.
#[derive(Debug)]
pub struct Line {
    /// The command, built, and the names that lead to it.
    pub command: Command,
    /// The names that lead to the command.
    pub path: Vec<String>,
    /// The flags given so far, by name, with their values; a switch alone has the value that it then means.
    pub given: Vec<(String, String)>,
    /// The words that are neither commands nor flags.
    pub words: Vec<String>,
    /// What comes next.
    pub wanted: Wanted,
    /// As much of it as there is; of `--flag=val` the `val`.
    pub typed: String,
    globals: Vec<Arg>,
}

/// Why a line cannot be completed, as it is told to whoever debugs a script.
pub type Unreadable = String;

/// Reads a line; the last word is the one that is being typed.
pub fn read(root: &Command, words: &[String]) -> Result<Line, Unreadable> {
    let (typed, before) = match words.split_last() {
        Some((last, before)) => (last.clone(), before),
        None => (String::new(), &[][..]),
    };
    let mut line = Line {
        command: root.clone(),
        path: Vec::new(),
        given: Vec::new(),
        words: Vec::new(),
        wanted: Wanted::Word,
        typed,
        globals: root.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect(),
    };
    line.walk(before)?;
    Ok(line)
}

impl Line {
    fn walk(&mut self, before: &[String]) -> Result<(), Unreadable> {
        let (mut dashes, mut waiting, mut helping) = (false, None, false);
        let mut arguments: &[String] = before;
        let mut rest = before.iter().enumerate();
        while let Some((position, word)) = rest.next() {
            let wrong =
                |problem: String| format!("[Error] Error while parsing flags from args {}: {problem}", list(arguments));
            if dashes || !word.starts_with('-') || word == "-" {
                if !self.enter(word, &mut helping) {
                    self.words.push(word.clone());
                } else {
                    arguments = &before[position + 1..];
                }
            } else if word == "--" {
                dashes = true;
            } else if let Some(flag) = self.flag(word).map_err(wrong)? {
                match rest.next() {
                    Some((_, value)) => self.given.push((flag, value.clone())),
                    // A word that starts with a dash is no value here, though it is one on a line that is done.
                    None if self.typed.starts_with('-') => {
                        let letter = word.chars().last().unwrap_or_default();
                        let spelled =
                            if word.starts_with("--") { word.clone() } else { format!("{letter:?} in -{letter}") };
                        return Err(wrong(format!("flag needs an argument: {spelled}")));
                    }
                    None => waiting = Some(flag),
                }
            }
        }
        if self.path.is_empty() && !self.words.is_empty() && !helping {
            return Err(format!(
                "Cleared global flags for plugin completion\n[Debug] [Error] unable to find a command for arguments: {}",
                list(before)
            ));
        }
        self.wanted = self.next(dashes, waiting);
        Ok(())
    }

    /// Goes down to a command below, when the word is one and none but commands came before it.
    fn enter(&mut self, word: &str, helping: &mut bool) -> bool {
        if !self.words.is_empty() {
            return false;
        }
        if self.path.is_empty() && word == "help" {
            *helping = true;
            return true;
        }
        let Some(below) = self.command.find_subcommand(word).cloned() else { return false };
        self.path.push(below.get_name().to_string());
        self.command = below;
        // What a command defers until it is used is built here.
        self.command.build();
        true
    }

    /// Notes a word that starts with a dash; the flag's name when its value must be the next word.
    fn flag(&mut self, word: &str) -> Result<Option<String>, String> {
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            let arg = self.find(name).ok_or_else(|| format!("unknown flag: --{name}"))?;
            return match (value, alone(arg)) {
                (None, None) => Ok(Some(name.to_string())),
                (Some(value), _) => Ok(self.note(name.to_string(), value.to_string())),
                (None, Some(value)) => Ok(self.note(name.to_string(), value)),
            };
        }
        let letters: Vec<char> = word.chars().skip(1).collect();
        for (position, letter) in letters.iter().enumerate() {
            let arg = self.by_letter(*letter);
            let arg = arg.ok_or_else(|| {
                format!("unknown shorthand flag: {letter:?} in -{}", letters[position..].iter().collect::<String>())
            })?;
            let name = arg.get_id().to_string();
            let rest: String = letters[position + 1..].iter().collect();
            match (alone(arg), rest.strip_prefix('=')) {
                (_, Some(value)) => return Ok(self.note(name, value.to_string())),
                (Some(value), None) => _ = self.note(name, value),
                (None, None) if rest.is_empty() => return Ok(Some(name)),
                (None, None) => return Ok(self.note(name, rest)),
            }
        }
        Ok(None)
    }

    fn note(&mut self, name: String, value: String) -> Option<String> {
        self.given.push((name, value));
        None
    }

    /// What the word that is being typed is about to be; of `--flag=value` only the value is left.
    fn next(&mut self, dashes: bool, waiting: Option<String>) -> Wanted {
        if self.has("help") {
            return Wanted::Nothing;
        }
        if self.typed.starts_with('-') && !dashes {
            let Some((flag, value)) = self.typed.split_once('=') else { return Wanted::Flag };
            let letter = flag.chars().last().unwrap_or_default();
            let arg = match flag.strip_prefix("--") {
                Some(name) => self.find(name),
                None => self.by_letter(letter),
            };
            let name = arg.map(|arg| arg.get_id().to_string()).unwrap_or_default();
            self.typed = value.to_string();
            return Wanted::Value(name);
        }
        waiting.map_or(Wanted::Word, Wanted::Value)
    }

    /// Whether a flag was given.
    pub fn has(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| given == name)
    }

    /// Whether a flag of the command itself was given.
    pub fn has_own(&self) -> bool {
        self.given.iter().any(|(name, _)| self.own().any(|arg| arg.get_id() == name.as_str()))
    }

    /// The flags of the command itself.
    pub fn own(&self) -> impl Iterator<Item = &Arg> {
        self.command.get_arguments().filter(|arg| arg.get_long().is_some() && !arg.is_global_set())
    }

    /// The flags that every command has.
    pub fn globals(&self) -> impl Iterator<Item = &Arg> {
        self.globals.iter()
    }

    fn find(&self, name: &str) -> Option<&Arg> {
        self.own().chain(self.globals()).find(|arg| arg.get_long() == Some(name))
    }

    fn by_letter(&self, letter: char) -> Option<&Arg> {
        self.own().chain(self.globals()).find(|arg| arg.get_short() == Some(letter))
    }

    /// The global flags that were given, as arguments.
    pub fn global_arguments(&self) -> Vec<String> {
        let global = |name: &str| self.globals().any(|arg| arg.get_id() == name);
        let given =
            self.given.iter().filter(|(name, _)| global(name) && !self.own().any(|arg| arg.get_id() == name.as_str()));
        given.map(|(name, value)| format!("--{name}={value}")).collect()
    }
}

/// What a flag means when it stands without a value; none where it needs one.
fn alone(arg: &Arg) -> Option<String> {
    let optional = arg.get_num_args().is_some_and(|range| range.min_values() == 0);
    optional.then(|| "true".to_string())
}

/// Whether a flag may be given again.
pub fn repeatable(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// Words as Go prints a list of them.
fn list(words: &[String]) -> String {
    format!("[{}]", words.join(" "))
}
