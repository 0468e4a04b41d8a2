//! `key=value` texts, files and environment files, from which config maps and secrets are made.

use super::Failure;
use crate::api::gotext;
use std::path::Path;

/// Where a value came from matters: text may go into `data`, other bytes only into `binaryData`.
pub type Pairs = Vec<(String, Vec<u8>)>;

/// `--from-literal`, `--from-file` and `--from-env-file`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PairSources {
    /// `key=value` texts.
    pub literals: Vec<String>,
    /// `[key=]path` of files and folders.
    pub files: Vec<String>,
    /// Paths of files with `key=value` lines.
    pub env_files: Vec<String>,
}

impl PairSources {
    /// Refuses environment files together with the others.
    pub fn check(&self) -> Result<(), Failure> {
        if !(self.env_files.is_empty() || self.files.is_empty() && self.literals.is_empty()) {
            return Err(Failure::message("from-env-file cannot be combined with from-file or from-literal"));
        }
        Ok(())
    }
}

/// Reads one `key=value`. Quotes around the value are dropped, as a shell would have done.
pub fn literal(source: &str) -> Result<(String, String), Failure> {
    let bad = || Failure::message(format!("invalid literal source {source}, expected key=value"));
    let (key, value) = source.split_once('=').ok_or_else(bad)?;
    if key.is_empty() {
        return Err(bad());
    }
    let quoted = value.len() >= 2 && (value.starts_with('"') || value.starts_with('\''));
    let value = if quoted && value.ends_with(&value[..1]) { &value[1..value.len() - 1] } else { value };
    Ok((key.to_string(), value.to_string()))
}

/// The files that one `[key=]path` means, each with its key. A folder means the files in it.
pub fn files(source: &str) -> Result<Pairs, Failure> {
    let (key, path) = file_source(source)?;
    let metadata = std::fs::metadata(&path).map_err(|error| reading(&path, &error))?;
    if !metadata.is_dir() {
        return Ok(vec![(key, read(&path)?)]);
    }
    if source.contains('=') {
        return Err(Failure::message("cannot give a key name for a directory path"));
    }
    let listing =
        |error: std::io::Error| Failure::message(format!("error listing files in {path}: {}", gotext::errno(&error)));
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&path).map_err(listing)? {
        let entry = entry.map_err(listing)?;
        if entry.file_type().map_err(listing)?.is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let file = Path::new(&path).join(&name);
            Ok((name, read(&file.to_string_lossy())?))
        })
        .collect()
}

/// Splits `[key=]path`; without a key, the file's name is the key.
fn file_source(source: &str) -> Result<(String, String), Failure> {
    match source.matches('=').count() {
        0 => {
            let name = Path::new(source).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            Ok((name, source.to_string()))
        }
        1 => match source.split_once('=') {
            Some(("", path)) => Err(Failure::message(format!("key name for file path {path} missing"))),
            Some((key, "")) => Err(Failure::message(format!("file path for key name {key} missing"))),
            Some((key, path)) => Ok((key.to_string(), path.to_string())),
            None => Ok((String::new(), source.to_string())),
        },
        _ => Err(Failure::message("key names or file paths cannot contain '='")),
    }
}

/// The `key=value` lines of an environment file; `environment` answers for lines with only a key.
pub fn env_file(
    path: &str,
    what: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<(String, String)>, Failure> {
    let metadata = std::fs::metadata(path).map_err(|error| reading(path, &error))?;
    if metadata.is_dir() {
        return Err(Failure::message(format!("env {what} file cannot be a directory")));
    }
    let bytes = read(path)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::message(format!("env file {path} contains invalid utf8 bytes at line 1")))?;
    let mut pairs = Vec::new();
    for line in text.trim_start_matches('\u{feff}').lines() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').map_or((line, None), |(key, value)| (key, Some(value)));
        if let Some(complaint) = bad_variable_name(key) {
            return Err(Failure::message(format!("{key:?} is not a valid key name: {complaint}")));
        }
        match value {
            Some(value) => pairs.push((key.to_string(), value.to_string())),
            None => pairs.extend(environment(key).map(|value| (key.to_string(), value))),
        }
    }
    Ok(pairs)
}

fn bad_variable_name(name: &str) -> Option<&'static str> {
    let good = |c: char| c.is_ascii_graphic() || c == ' ';
    (name.is_empty() || name.contains('=') || !name.chars().all(good))
        .then_some("a valid environment variable name must consist only of printable ASCII characters other than '='")
}

/// What is wrong with a key of a config map or secret, in apimachinery's words.
pub fn bad_key(key: &str) -> Option<String> {
    if key.len() > 253 {
        return Some("must be no more than 253 bytes".into());
    }
    if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        return Some(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
                .into(),
        );
    }
    match key {
        "." => Some("must not be '.'".into()),
        ".." => Some("must not be '..'".into()),
        _ if key.starts_with("..") => Some("must not start with '..'".into()),
        _ => None,
    }
}

fn read(path: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::message(gotext::unread(path, &error)))
}

fn reading(path: &str, error: &std::io::Error) -> Failure {
    Failure::message(format!("error reading {path}: {}", gotext::errno(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_lose_their_quotes() {
        for (source, key, value) in
            [("a=b", "a", "b"), ("a=", "a", ""), ("a=b=c", "a", "b=c"), ("a='x y'", "a", "x y"), ("a=\"", "a", "\"")]
        {
            assert_eq!(literal(source).unwrap(), (key.into(), value.into()));
        }
        assert!(literal("a").is_err() && literal("=b").is_err());
    }

    #[test]
    fn file_sources_have_keys() {
        assert_eq!(file_source("dir/x.txt").unwrap(), ("x.txt".into(), "dir/x.txt".into()));
        assert_eq!(file_source("k=dir/x").unwrap(), ("k".into(), "dir/x".into()));
        for source in ["=x", "k=", "a=b=c"] {
            assert!(file_source(source).is_err(), "{source}");
        }
    }

    #[test]
    fn keys_follow_the_rules() {
        for key in ["a", "A_b.c-1", ".x"] {
            assert_eq!(bad_key(key), None, "{key}");
        }
        for key in ["", "a b", ".", "..", "..x", "a/b"] {
            assert!(bad_key(key).is_some(), "{key}");
        }
    }
}
