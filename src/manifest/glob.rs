//! Patterns of file names, as Go's `path/filepath` reads them: `*`, `?`, `[a-z]`, `[^a-z]` and `\`.

use super::paths::join;
use std::path::Path;

/// A part of a pattern.
enum Part {
    /// Any characters but `/`.
    Any,
    /// One character but `/`.
    One,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    Char(char),
}

/// The paths that `pattern` matches, by name within each folder; none when the pattern is malformed.
pub(super) fn expand(pattern: &str) -> Option<Vec<String>> {
    parse(pattern)?;
    if !has_pattern(pattern) {
        let exists = Path::new(pattern).symlink_metadata().is_ok();
        return Some(if exists { vec![pattern.into()] } else { Vec::new() });
    }
    let (folder, name) = match pattern.rsplit_once('/') {
        None => (".", pattern),
        Some(("", name)) => ("/", name),
        Some(parts) => parts,
    };
    let parts = parse(name)?;
    let folders = if has_pattern(folder) { expand(folder)? } else { vec![folder.into()] };
    Some(folders.iter().flat_map(|folder| matching(folder, &parts)).collect())
}

fn has_pattern(path: &str) -> bool {
    path.contains(['*', '?', '[', '\\'])
}

fn matching(folder: &str, parts: &[Part]) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> =
        entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect();
    names.sort();
    names.retain(|name| is_match(parts, name));
    names.iter().map(|name| join(folder, name)).collect()
}

fn parse(pattern: &str) -> Option<Vec<Part>> {
    let mut rest = pattern.chars().peekable();
    let mut parts = Vec::new();
    while let Some(c) = rest.next() {
        parts.push(match c {
            '*' => Part::Any,
            '?' => Part::One,
            '\\' => Part::Char(rest.next()?),
            '[' => {
                let negated = rest.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                while ranges.is_empty() || rest.next_if_eq(&']').is_none() {
                    let low = class_char(&mut rest)?;
                    let high = if rest.next_if_eq(&'-').is_some() { class_char(&mut rest)? } else { low };
                    ranges.push((low, high));
                }
                Part::Class { negated, ranges }
            }
            c => Part::Char(c),
        });
    }
    Some(parts)
}

fn class_char(rest: &mut impl Iterator<Item = char>) -> Option<char> {
    match rest.next()? {
        '-' | ']' => None,
        '\\' => rest.next(),
        c => Some(c),
    }
}

fn is_match(parts: &[Part], name: &str) -> bool {
    let Some((part, parts)) = parts.split_first() else { return name.is_empty() };
    let mut rest = name.chars();
    match part {
        Part::Any => name.char_indices().map(|(at, _)| at).chain([name.len()]).any(|at| is_match(parts, &name[at..])),
        Part::One => rest.next().is_some() && is_match(parts, rest.as_str()),
        Part::Char(c) => rest.next() == Some(*c) && is_match(parts, rest.as_str()),
        Part::Class { negated, ranges } => rest.next().is_some_and(|c| {
            ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated && is_match(parts, rest.as_str())
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names() {
        for (pattern, name, matches) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", ".yaml", true),
            ("*.yaml", "a.yml", false),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[a\\]]", "]", true),
            ("\\*", "*", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
        ] {
            assert_eq!(parse(pattern).is_some_and(|parts| is_match(&parts, name)), matches, "{pattern} {name}");
        }
        for pattern in ["[", "[]", "[]a]", "[a", "[a-", "[a-]", "[-a]", "a\\"] {
            assert!(parse(pattern).is_none(), "{pattern}");
        }
    }
}
