//! The paths that a source file names: `use` trees and paths in expressions, resolved to where they lead.
//!
//! It knows as much Rust as that takes: comments, strings, characters and lifetimes, and inline modules.

use std::path::Path;

/// A path as the file means it, such as `["crate", "client", "Request"]`, with its line.
#[derive(Debug, PartialEq)]
pub struct Named {
    pub path: Vec<String>,
    pub line: usize,
    /// Whether it stands in a module called `tests`.
    pub in_tests: bool,
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Mark(char),
    /// `::`
    Joint,
}

/// The module that a file below `src` is: `src/client/mod.rs` is `["crate", "client"]`.
pub fn module(file: &Path) -> Vec<String> {
    let stems = file.with_extension("");
    let mut parts: Vec<String> = stems.iter().skip(1).map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main")) {
        parts.pop();
    }
    parts.insert(0, "crate".into());
    parts
}

/// All paths that start at the crate, near the file, or in `std` or `tokio`.
pub fn named(module: &[String], text: &str) -> Vec<Named> {
    let tokens = tokens(text);
    let word = |at: usize| match tokens.get(at) {
        Some((_, Token::Word(word))) => Some(word.as_str()),
        _ => None,
    };
    let mark = |at: usize, mark: char| matches!(tokens.get(at), Some((_, Token::Mark(c))) if *c == mark);
    let mut found = Vec::new();
    let mut here = module.to_vec();
    // For each open brace, whether it opened an inline module.
    let mut braces: Vec<bool> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let starts = at == 0 || tokens[at - 1].1 != Token::Joint;
        let joined = matches!(tokens.get(at + 1), Some((_, Token::Joint)));
        match word(at) {
            Some("mod") if word(at + 1).is_some() && mark(at + 2, '{') => {
                here.extend(word(at + 1).map(str::to_string));
                braces.push(true);
                at += 3;
            }
            Some("crate" | "self" | "super" | "std" | "tokio") if starts && joined => {
                let mut paths = Vec::new();
                let line = tokens[at].0;
                at = tree(&tokens, at, &mut Vec::new(), &mut paths);
                let in_tests = here.iter().any(|name| name == "tests");
                found.extend(paths.into_iter().map(|path| Named { path: resolve(&here, path), line, in_tests }));
            }
            _ => {
                if mark(at, '{') {
                    braces.push(false);
                } else if mark(at, '}') && braces.pop() == Some(true) {
                    here.pop();
                }
                at += 1;
            }
        }
    }
    found
}

/// Reads a path or a tree of paths, and gives the place after it.
fn tree(tokens: &[(usize, Token)], mut at: usize, prefix: &mut Vec<String>, paths: &mut Vec<Vec<String>>) -> usize {
    let depth = prefix.len();
    loop {
        match tokens.get(at).map(|(_, token)| token) {
            Some(Token::Word(word)) => {
                prefix.push(word.clone());
                at += 1;
                let goes_on = matches!(tokens.get(at), Some((_, Token::Joint)))
                    && !matches!(tokens.get(at + 1), Some((_, Token::Mark('<'))));
                if !goes_on {
                    paths.push(prefix.clone());
                    break;
                }
                at += 1;
            }
            Some(Token::Mark('{')) => {
                at += 1;
                while !matches!(tokens.get(at), Some((_, Token::Mark('}'))) | None) {
                    match &tokens[at].1 {
                        Token::Word(word) if word == "as" => at += 2,
                        Token::Mark(',') => at += 1,
                        _ => at = tree(tokens, at, prefix, paths),
                    }
                }
                at += 1;
                break;
            }
            _ => {
                paths.push(prefix.clone());
                at += 1;
                break;
            }
        }
    }
    prefix.truncate(depth);
    at
}

/// Turns `self` and `super` into the modules that they stand for.
fn resolve(here: &[String], path: Vec<String>) -> Vec<String> {
    let mut full: Vec<String> = Vec::new();
    for (position, part) in path.into_iter().enumerate() {
        match part.as_str() {
            "self" if position == 0 => full = here.to_vec(),
            "super" => {
                if position == 0 {
                    full = here.to_vec();
                }
                full.pop();
            }
            "self" => {}
            _ => full.push(part),
        }
    }
    full
}

fn tokens(text: &str) -> Vec<(usize, Token)> {
    let chars: Vec<char> = text.chars().collect();
    let get = |at: usize| chars.get(at).copied().unwrap_or('\0');
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let start = at;
        match chars[at] {
            '/' if get(at + 1) == '/' => {
                while at < chars.len() && chars[at] != '\n' {
                    at += 1;
                }
            }
            '/' if get(at + 1) == '*' => {
                let mut depth = 0;
                loop {
                    match (get(at), get(at + 1)) {
                        ('/', '*') => (depth, at) = (depth + 1, at + 2),
                        ('*', '/') => (depth, at) = (depth - 1, at + 2),
                        _ => at += 1,
                    }
                    if depth == 0 || at >= chars.len() {
                        break;
                    }
                }
            }
            '"' => {
                at += 1;
                while at < chars.len() && chars[at] != '"' {
                    at += if chars[at] == '\\' { 2 } else { 1 };
                }
                at += 1;
            }
            'r' if matches!(get(at + 1), '"' | '#') && raw_string(&chars, at).is_some() => {
                at = raw_string(&chars, at).unwrap();
            }
            // A character; a lifetime has no second quote where a character has its end.
            '\'' if get(at + 1) == '\\' => {
                at += 3;
                while at < chars.len() && chars[at] != '\'' {
                    at += 1;
                }
                at += 1;
            }
            '\'' if get(at + 2) == '\'' => at += 3,
            ':' if get(at + 1) == ':' => {
                found.push((line, Token::Joint));
                at += 2;
            }
            c if c.is_alphanumeric() || c == '_' => {
                while get(at).is_alphanumeric() || get(at) == '_' {
                    at += 1;
                }
                found.push((line, Token::Word(chars[start..at].iter().collect())));
                // `br"..."` and `b"..."`: the prefix is a word of its own, which does no harm.
            }
            c if c.is_whitespace() => at += 1,
            c => {
                found.push((line, Token::Mark(c)));
                at += 1;
            }
        }
        line += chars[start..at.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    found
}

/// Where a raw string that starts at `at` ends.
fn raw_string(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    let mut end = at + 1 + hashes;
    if chars.get(end) != Some(&'"') {
        return None;
    }
    loop {
        end += 1;
        let closes = *chars.get(end)? == '"' && (1..=hashes).all(|further| chars.get(end + further) == Some(&'#'));
        if closes {
            return Some(end + 1 + hashes);
        }
    }
}

#[test]
fn paths_are_read_as_rust_reads_them() {
    let file = module(Path::new("src/commands/create/secret.rs"));
    for (text, paths) in [
        ("use crate::client::Request;", vec!["crate::client::Request"]),
        (
            "use crate::{api, client::{self, Body as B}, yaml::*};",
            vec!["crate::api", "crate::client", "crate::client::Body", "crate::yaml"],
        ),
        ("let x = crate::yaml::parse::<T>(a);", vec!["crate::yaml::parse"]),
        (
            "use super::super::flags; use self::x::y;",
            vec!["crate::commands::flags", "crate::commands::create::secret::x::y"],
        ),
        (
            "mod tests { use super::*; } use super::z;",
            vec!["crate::commands::create::secret", "crate::commands::create::z"],
        ),
        (
            "// crate::a\n/* crate::b /* */ crate::c */ \"crate::d \\\" crate::e\" r#\"crate::f\"# '\"' crate::g",
            vec!["crate::g"],
        ),
        ("fn f<'a>(x: &'a str) { '\\''; crate::g::h() }", vec!["crate::g::h"]),
        ("pub(crate) fn f() {} impl a::crate_::B {}", vec![]),
        ("use std::{fs, io};", vec!["std::fs", "std::io"]),
    ] {
        let found: Vec<String> = named(&file, text).into_iter().map(|n| n.path.join("::")).collect();
        assert_eq!(found, paths, "{text}");
    }
    let found = named(&file, "\n\nmod tests {\n crate::a::b() }\ncrate::c::d");
    assert_eq!(found.iter().map(|n| (n.line, n.in_tests)).collect::<Vec<_>>(), [(4, true), (5, false)]);
}
