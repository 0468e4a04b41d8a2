//! What may come next on a line, and how the protocol words it.

use super::line::{Line, Wanted, repeatable};
use super::rules::{self, Words};
use clap::{Arg, Command};

/// What candidates depend on beside the command table. What cannot be found out soon is empty: whoever waits for a
/// completion waits with a finger on the key.
pub trait World {
    /// The types that can be read, as `deployments.apps`, core types first.
    fn types(&mut self) -> Vec<String>;
    /// The names of the objects of a type, or of several with commas between.
    fn names(&mut self, types: &str) -> Vec<String>;
    /// The containers of a pod.
    fn containers(&mut self, pod: &str) -> Vec<String>;
    /// The names under `contexts`, `clusters` or `users` in the kubeconfig.
    fn kubeconfig(&mut self, section: &str) -> Vec<String>;
}

/// What the shell is to do with the candidates; the numbers are the protocol's and can be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Directive(u8);

impl Directive {
    /// Offer files where there is no candidate.
    pub const DEFAULT: Self = Self(0);
    /// No space after the candidate.
    pub const NO_SPACE: Self = Self(2);
    /// Never offer files.
    pub const NO_FILES: Self = Self(4);
    /// The candidates are the endings that files may have.
    pub const FILE_ENDINGS: Self = Self(8);

    const NAMES: [(Self, &str); 3] = [
        (Self::NO_SPACE, "ShellCompDirectiveNoSpace"),
        (Self::NO_FILES, "ShellCompDirectiveNoFileComp"),
        (Self::FILE_ENDINGS, "ShellCompDirectiveFilterFileExt"),
    ];

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn names(self) -> String {
        let set: Vec<&str> = Self::NAMES.iter().filter(|(d, _)| self.0 & d.0 != 0).map(|(_, name)| *name).collect();
        if set.is_empty() { "ShellCompDirectiveDefault".into() } else { set.join(", ") }
    }
}

/// Something that may be put in the place of the word that is being typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The word.
    pub word: String,
    /// What it means; may be empty.
    pub about: String,
}

/// The candidates and what to do with them.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The candidates, in the order to show them in.
    pub candidates: Vec<Candidate>,
    /// What the shell is to do.
    pub directive: Directive,
}

impl Answer {
    /// Finds the candidates for a line.
    pub fn to(line: &Line, world: &mut dyn World) -> Answer {
        let mut finder = Finder { line, world, candidates: Vec::new() };
        let directive = match &line.wanted {
            Wanted::Nothing => Directive::NO_FILES,
            Wanted::Flag => finder.flags(),
            Wanted::Value(flag) => finder.value(flag),
            Wanted::Word => finder.word(),
        };
        Answer { candidates: finder.candidates, directive }
    }

    /// No candidates.
    pub fn none() -> Answer {
        Answer { candidates: Vec::new(), directive: Directive::DEFAULT }
    }

    /// What goes to stdout, with the meanings of the candidates or without.
    pub fn stdout(&self, meanings: bool) -> String {
        let mut text = String::new();
        for Candidate { word, about } in &self.candidates {
            text.push_str(word);
            if meanings && !about.is_empty() {
                text.push('\t');
                text.push_str(about);
            }
            text.push('\n');
        }
        text.push_str(&format!(":{}\n", self.directive.0));
        text
    }

    /// What goes to stderr, for whoever reads along.
    pub fn stderr(&self) -> String {
        format!("Completion ended with directive: {}\n", self.directive.names())
    }
}

struct Finder<'a> {
    line: &'a Line,
    world: &'a mut dyn World,
    candidates: Vec<Candidate>,
}

impl Finder<'_> {
    /// Takes a candidate when it starts with what is typed.
    fn offer(&mut self, word: String, about: &str) {
        if word.starts_with(&self.line.typed) {
            let about = about.lines().next().unwrap_or_default().to_string();
            self.candidates.push(Candidate { word, about });
        }
    }

    fn offer_all(&mut self, words: impl IntoIterator<Item = impl Into<String>>) {
        for word in words {
            self.offer(word.into(), "");
        }
    }

    fn offer_flag(&mut self, arg: &Arg) {
        let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
        self.offer(format!("--{}", arg.get_long().unwrap_or_default()), &about);
        if let Some(short) = arg.get_short() {
            self.offer(format!("-{short}"), &about);
        }
    }

    /// The flags that the command cannot do without and that are not there yet.
    fn required(&mut self) {
        let line = self.line;
        for name in rules::of(&line.path).required.iter().filter(|name| !line.has(name)) {
            if let Some(arg) = line.own().find(|arg| arg.get_long() == Some(name)) {
                let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
                self.offer(format!("--{name}"), &about);
            }
        }
    }

    /// The flags' names: those that are required first, and then nothing else; else those of every command, then the
    /// command's own.
    fn flags(&mut self) -> Directive {
        self.required();
        if self.candidates.is_empty() {
            let line = self.line;
            let shown = |arg: &&Arg| !arg.is_hide_set() && (repeatable(arg) || !line.has(arg.get_id().as_str()));
            let own = |arg: &Arg| line.path.is_empty() || arg.get_id() == "help" || !arg.is_global_set();
            // A command's own flag stands in the place of a global one with its name.
            let global = |arg: &&Arg| !line.own().any(|own| own.get_long() == arg.get_long());
            let mut flags: Vec<&Arg> = line.globals().filter(global).chain(line.own()).filter(shown).collect();
            flags.sort_by_key(|arg| (own(arg), arg.get_long()));
            flags.into_iter().for_each(|arg| self.offer_flag(arg));
        }
        Directive::NO_FILES
    }

    fn value(&mut self, flag: &str) -> Directive {
        let path = self.line.path.join(" ");
        let own = self.line.own().any(|arg| arg.get_id() == flag);
        match (flag, path.as_str()) {
            ("namespace", _) => {
                let names = self.world.names("namespaces");
                self.offer_all(names);
            }
            ("cluster" | "context" | "user", _) if !own => {
                let names = self.world.kubeconfig(&format!("{flag}s"));
                self.offer_all(names);
            }
            ("color", _) if !own => self.offer_all(rules::COLOURS),
            ("output", "get") => self.offer_all(rules::FORMATS),
            ("subresource", _) => self.offer_all(rules::SUBRESOURCES),
            ("load-restrictor", "kustomize") => self.offer_all(rules::RESTRICTORS),
            ("clusterrole", "create clusterrolebinding") => {
                let names = self.world.names("clusterroles");
                self.offer_all(names);
            }
            ("container", "exec" | "attach") => {
                if let Some(pod) = self.line.words.first() {
                    let containers = self.world.containers(pod);
                    self.offer_all(containers);
                }
            }
            ("filename", _) if own => {
                // Endings are told as they are, whatever of a path is typed.
                let ending = |word: &&str| Candidate { word: word.to_string(), about: String::new() };
                self.candidates.extend(rules::ENDINGS.iter().map(ending));
                return Directive::FILE_ENDINGS;
            }
            _ => return Directive::DEFAULT,
        }
        Directive::NO_FILES
    }

    fn word(&mut self) -> Directive {
        self.required();
        let line = self.line;
        let mut directive = Directive::DEFAULT;
        if line.words.is_empty() && !line.has_own() && line.command.has_subcommands() {
            let mut below: Vec<(&str, String)> =
                line.command.get_subcommands().filter(|c| !c.is_hide_set()).map(described).collect();
            if line.path.is_empty() {
                below.push(("help", "Help about any command".into()));
            }
            below.sort();
            below.into_iter().for_each(|(name, about)| self.offer(name.to_string(), &about));
            directive = Directive::NO_FILES;
        }
        match rules::of(&line.path).words {
            Words::Anything => directive,
            Words::OneOf(words) => {
                if !line.words.is_empty() {
                    return Directive::DEFAULT;
                }
                self.offer_all(words.iter().copied());
                Directive::NO_FILES
            }
            Words::Name(types) => {
                if line.words.is_empty() {
                    let names = self.world.names(types);
                    self.offer_all(names);
                }
                Directive::NO_FILES
            }
            Words::Kubeconfig(section) => {
                if line.words.is_empty() {
                    let names = self.world.kubeconfig(section);
                    self.offer_all(names);
                }
                Directive::NO_FILES
            }
            Words::Objects => self.objects(None),
            Words::ObjectsOf(types) => self.objects(Some(types)),
            Words::Pod { containers } => self.pod(containers),
            Words::Copy => self.copy(),
        }
    }

    /// `TYPE NAME...` or `TYPE/NAME...`: after a first word of one form, only words of the same form.
    fn objects(&mut self, types: Option<&[&str]>) -> Directive {
        let (words, typed) = (&self.line.words, &self.line.typed);
        if let Some(first) = words.first().filter(|first| !first.contains('/')) {
            let names = self.world.names(first);
            self.offer_all(names.into_iter().filter(|name| !words[1..].contains(name)));
            return Directive::NO_FILES;
        }
        if let Some((of, _)) = typed.split_once('/') {
            let names = self.world.names(of).into_iter().map(|name| format!("{of}/{name}"));
            self.offer_all(names.filter(|name| !words.contains(name)));
            return Directive::NO_FILES;
        }
        // Of `a,b` the last is being typed.
        let before = typed.rfind(',').map_or("", |comma| &typed[..=comma]);
        let types = match types {
            Some(types) => types.iter().map(|name| name.to_string()).collect(),
            None => self.world.types(),
        };
        let slash = if words.is_empty() { "" } else { "/" };
        self.offer_all(types.into_iter().map(|name| format!("{before}{name}{slash}")));
        if words.is_empty() { Directive::NO_FILES } else { Directive::NO_FILES.and(Directive::NO_SPACE) }
    }

    /// A pod's name, or the type of something that has pods and a slash.
    fn pod(&mut self, containers: bool) -> Directive {
        let line = self.line;
        match (line.words.as_slice(), line.typed.split_once('/')) {
            ([], Some((of, _))) => {
                let names = self.world.names(of);
                self.offer_all(names.into_iter().map(|name| format!("{of}/{name}")));
            }
            ([], None) => {
                let pods = self.world.names("pods");
                self.offer_all(pods);
                let none = self.candidates.is_empty();
                self.offer_all(rules::WITH_PODS.iter().map(|of| format!("{of}/")));
                if none {
                    return Directive::NO_FILES.and(Directive::NO_SPACE);
                }
            }
            ([pod], _) if containers && !pod.contains('/') => {
                let containers = self.world.containers(pod);
                self.offer_all(containers);
            }
            _ => {}
        }
        Directive::NO_FILES
    }

    /// `POD:` or the start of a path.
    fn copy(&mut self) -> Directive {
        if self.line.words.is_empty() && !self.line.typed.contains('/') {
            let pods = self.world.names("pods");
            self.offer_all(pods.into_iter().map(|pod| format!("{pod}:")));
            self.offer_all(["./", "/"]);
        }
        Directive::NO_SPACE
    }
}

fn described(command: &Command) -> (&str, String) {
    (command.get_name(), command.get_about().map(ToString::to_string).unwrap_or_default())
}
