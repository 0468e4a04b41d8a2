//! `-f`, `-k`, `-R`: from names of files, folders and URLs to objects, each with the place that it is from.
//!
//! Three steps, of which only the middle one touches the outside: [`Sources::inputs`] finds what is meant, somebody
//! reads it ([`Input::read_file`], a stream, a server), and [`items`] makes objects of the bytes. The rules and the
//! words are those of kubectl (k8s.io/cli-runtime, package `resource`).

mod decode;
mod glob;
pub mod kustomize;
mod metadata;
mod paths;
mod time;
mod url;

pub use decode::{Check, Fault, complaint, items};

use crate::api::Object;
use crate::api::gotext::{errno, quote};
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use thiserror::Error;

/// What `-f`, `-k` and `-R` name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Files, folders, patterns, URLs, and `-` for standard input.
    pub filenames: Vec<String>,
    /// A folder with a kustomization.
    pub kustomize: Option<String>,
    /// Whether folders are read with all folders below them.
    pub recursive: bool,
}

impl Sources {
    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.filenames.is_empty() && self.kustomize.is_none()
    }

    /// Whether all of it is one file or URL, which counts as one object where a command prints one differently from
    /// several: what is in standard input is never known beforehand.
    pub fn is_one_file(&self) -> bool {
        matches!(self.inputs().as_deref(), Ok([Input::File(_) | Input::Url(_)]))
    }
}

/// One thing to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Stdin,
    /// What a URL answers.
    Url(String),
    /// A file.
    File(String),
    /// A folder with a kustomization.
    Kustomization(String),
}

impl Input {
    /// What messages call it.
    pub fn name(&self) -> &str {
        match self {
            Input::Stdin => "STDIN",
            Input::Url(name) | Input::File(name) | Input::Kustomization(name) => name,
        }
    }

    /// Reads a file, and makes its text UTF-8 where a byte order mark says that it is UTF-16.
    ///
    /// # Errors
    /// When there is no file or it cannot be read.
    pub fn read_file(path: &str) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let mut file =
            File::open(path).map_err(|error| Error::Unreadable(format!("open {path}: {}", errno(&error))))?;
        // A folder is opened like a file, and tells only now that it is none.
        file.read_to_end(&mut bytes)
            .map_err(|error| Error::Syntax(path.into(), format!("read {path}: {}", errno(&error))))?;
        Ok(as_utf8(bytes))
    }
}

/// The text of a file or of standard input as UTF-8. A byte order mark says when it is UTF-16, and is taken away; what
/// cannot be decoded becomes U+FFFD.
pub fn as_utf8(bytes: Vec<u8>) -> Vec<u8> {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.chunks(2).map(|pair| <[u8; 2]>::try_from(pair).map_or(0xfffd, unit));
        let text = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
        text.collect::<String>().into_bytes()
    };
    match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned().into_bytes(),
        _ => String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
            .into_bytes(),
    }
}

/// An object, and the place that it is from.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The object; it says its kind.
    pub object: Object,
    /// The file, the URL, or `STDIN`.
    pub source: String,
    /// Where in it.
    pub place: Place,
    /// Whether a key of its document is given more than once.
    pub has_doubled: bool,
}

/// A place in a file, a URL's answer or standard input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The document, counted from 0.
    pub document: usize,
    /// The line, counted from 1: of an object, the one on which its document starts; 0 when it is not known.
    pub line: usize,
    /// Where the text of the document is, in bytes.
    pub bytes: Range<usize>,
    /// The item of the list that the document is, counted from 0; none for the document itself.
    pub item: Option<usize>,
}

/// Why there is no object, in kubectl's words.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Error {
    /// `-f` and `-k` together.
    #[error("only one of -f or -k can be specified")]
    FilesAndKustomize,
    /// `-k` and `-R` together.
    #[error("the -k flag can't be used with -f or -R")]
    RecursiveKustomize,
    /// `-` given twice.
    #[error("standard input cannot be used for multiple arguments")]
    StdinTwice,
    /// No such file.
    #[error("the path {} does not exist", quote(.0))]
    Missing(String),
    /// A file that cannot be looked at.
    #[error("the path {} cannot be accessed: {}", quote(.0), .1)]
    Unreachable(String, String),
    /// A folder that cannot be listed.
    #[error("error reading {}: {}", quote(.0), .1)]
    Folder(String, String),
    /// Folders without manifests.
    #[error("error reading [{0}]: recognized file extensions are [.json .yaml .yml]")]
    NoManifests(String),
    /// A file that cannot be opened.
    #[error("{0}")]
    Unreadable(String),
    /// Not a pattern.
    #[error("pattern {} is not valid: syntax error in pattern", quote(.0))]
    Pattern(String),
    /// Not a URL.
    #[error("the URL passed to filename {} is not valid: parse {}: {}", quote(.0), quote(.0), .1)]
    Url(String, String),
    /// No kustomization, or one that cannot be built.
    #[error("{0}")]
    Kustomization(String),
    /// Neither YAML nor JSON.
    #[error("error parsing {0}: {1}")]
    Syntax(String, String),
    /// An object that does not say what it is, found before anything else is looked at.
    #[error(
        "error validating {}: error validating data: {}; if you choose to ignore these errors, turn validation off with --validate=false",
        quote(.0),
        .1
    )]
    Invalid(String, String),
    /// A document that is no object.
    #[error("unable to decode {}: {}", quote(.0), .1)]
    Decode(String, String),
    /// A list in a list.
    #[error("*unstructured.Unstructured is not a list: no Items field in this object")]
    NestedList,
    /// An item of a list that is no object.
    #[error("{0}")]
    Listed(String),
}

#[cfg(test)]
mod tests;
