//! The command line as `--record` notes it: the words first, then the flags in their order, each with its long name
//! and value.

use super::flags::Kind;
use clap::{Arg, Command};
use std::ffi::OsString;

/// Spells the command line out. `commands` are the program and the command, whose flags it may have.
pub fn spell(program: &str, commands: [&Command; 2], arguments: &[OsString]) -> String {
    let known = |found: &dyn Fn(&Arg) -> bool| commands.iter().find_map(|c| c.get_arguments().find(|arg| found(arg)));
    let (mut words, mut flags) = (String::new(), String::new());
    let mut note = |name: &str, value: &str| flags.push_str(&format!(" --{name}={value}"));
    let mut rest = arguments.iter().skip(1).map(|word| word.to_string_lossy());
    while let Some(word) = rest.next() {
        if word == "--" {
            rest.by_ref().for_each(|word| words.push_str(&format!(" {word}")));
        } else if let Some(flag) = word.strip_prefix("--") {
            match flag.split_once('=') {
                Some((name, value)) => note(name, value),
                None if known(&|arg| arg.get_long() == Some(flag)).is_some_and(stands_alone) => note(flag, "true"),
                None => note(flag, &rest.next().unwrap_or_default()),
            }
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            for (at, letter) in letters.char_indices() {
                let arg = known(&|arg| arg.get_short() == Some(letter));
                let name = arg.and_then(Arg::get_long).map_or_else(|| letter.to_string(), String::from);
                let after = &letters[at + letter.len_utf8()..];
                match after.strip_prefix('=') {
                    Some(value) => note(&name, value),
                    None if arg.is_some_and(stands_alone) => {
                        note(&name, "true");
                        continue;
                    }
                    None if after.is_empty() => note(&name, &rest.next().unwrap_or_default()),
                    None => note(&name, after),
                }
                break;
            }
        } else {
            words.push_str(&format!(" {word}"));
        }
    }
    format!("{program}{words}{flags}")
}

/// Whether the flag's value follows only after `=`.
fn stands_alone(arg: &Arg) -> bool {
    Kind::of(arg) == Kind::Switch || arg.is_require_equals_set()
}

#[cfg(test)]
mod tests {
    use super::super::flags::{switch, text};
    use super::*;

    #[test]
    fn command_lines_are_spelled_out() {
        let root = Command::new("kubectl").arg(text("namespace", Some('n'), "", ""));
        let command =
            Command::new("label").args([switch("record", None, false, ""), switch("recursive", Some('R'), false, "")]);
        for (line, want) in [
            ("x label cm a x=1 --record", "kubectl label cm a x=1 --record=true"),
            ("x -n foo label --record=true cm a x=1", "kubectl label cm a x=1 --namespace=foo --record=true"),
            (
                "x label -Rnfoo cm --namespace b -- -x",
                "kubectl label cm -x --recursive=true --namespace=foo --namespace=b",
            ),
        ] {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(spell("kubectl", [&root, &command], &arguments), want);
        }
    }
}
