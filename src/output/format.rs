//! `-o` and `--template`: which printer a command uses.

use super::custom_columns::{ColumnsError, CustomColumnsPrinter};
use super::json::JsonPrinter;
use super::jsonpath::JsonPathPrinter;
use super::kyaml::KyamlPrinter;
use super::name::NamePrinter;
use super::yaml::YamlPrinter;
use super::{Printer, gotemplate};
use crate::expr::jsonpath::ParseError;
use std::fmt::Debug;
use thiserror::Error;

/// The formats of most commands, in the order in which errors list them.
pub const COMMON: &[&str] = &[
    "go-template",
    "go-template-file",
    "json",
    "jsonpath",
    "jsonpath-as-json",
    "jsonpath-file",
    "kyaml",
    "name",
    "template",
    "templatefile",
    "yaml",
];

/// The formats of `get`.
pub const GET: &[&str] = &[
    "custom-columns",
    "custom-columns-file",
    "go-template",
    "go-template-file",
    "json",
    "jsonpath",
    "jsonpath-as-json",
    "jsonpath-file",
    "kyaml",
    "name",
    "template",
    "templatefile",
    "wide",
    "yaml",
];

/// The formats of `api-resources`.
pub const RESOURCES: &[&str] = &["json", "kyaml", "name", "wide", "yaml"];

/// The flags that say how to print.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// `--output`; empty when it is not given.
    pub output: &'a str,
    /// `--template`; empty when it is not given.
    pub template: &'a str,
    /// `--allow-missing-template-keys`, which is true unless it is given.
    pub allow_missing_keys: bool,
    /// `--show-managed-fields`.
    pub show_managed_fields: bool,
    /// `--no-headers`.
    pub no_headers: bool,
    /// Whether kubectl holds the objects as Go types: then JSON and KYAML keep the order of their fields.
    pub typed: bool,
}

impl Default for Choice<'_> {
    fn default() -> Self {
        Self {
            output: "",
            template: "",
            allow_missing_keys: true,
            show_managed_fields: false,
            no_headers: false,
            typed: false,
        }
    }
}

/// How to print.
pub enum Chosen {
    /// For a person: tables, or a line that says what was done.
    Human {
        /// `-o wide`.
        wide: bool,
    },
    /// `-o name`. Commands that only do something print the names of what they did it to.
    Name(NamePrinter),
    /// Objects in a format of their own.
    Objects(Box<dyn Printer>),
}

impl Debug for Chosen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Human { wide } => write!(f, "Human {{ wide: {wide} }}"),
            Self::Name(_) => f.write_str("Name"),
            Self::Objects(_) => f.write_str("Objects"),
        }
    }
}

/// Why a format cannot be used, in kubectl's words.
#[derive(Debug, Error)]
pub enum FormatError {
    /// No such format.
    #[error(
        "unable to match a printer suitable for the output format {}, allowed formats are: {}",
        crate::expr::go_value::Quoted(.output), .allowed.join(",")
    )]
    Unknown {
        /// The format.
        output: String,
        /// Those that there are.
        allowed: &'static [&'static str],
    },
    /// A template's format without a template.
    #[error("template format specified but no template given")]
    NoTemplate,
    /// A template's file cannot be read.
    #[error("error reading --template {0}, {1}")]
    Unreadable(String, String),
    /// A file of columns cannot be read.
    #[error("error reading template {0}, {1}\n")]
    UnreadableColumns(String, String),
    /// Not a JSONPath template.
    #[error("error parsing jsonpath {0}, {1}")]
    JsonPath(String, ParseError),
    /// Not a Go template.
    #[error("error parsing template {0}, {1}")]
    GoTemplate(String, crate::expr::gotemplate::ParseError),
    /// Not custom columns.
    #[error(transparent)]
    Columns(#[from] ColumnsError),
}

/// Picks the printer for the flags, from the formats that a command has.
///
/// `read` reads a file that holds a template; its error is the reason in Go's words (`open x: no such file or
/// directory`).
///
/// # Errors
/// In kubectl's words.
pub fn choose(
    choice: &Choice<'_>,
    allowed: &'static [&'static str],
    read: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Chosen, FormatError> {
    // A template alone is a Go template.
    let output = if choice.output.is_empty() && !choice.template.is_empty() { "go-template" } else { choice.output };
    let unknown = || FormatError::Unknown { output: output.into(), allowed };
    // A template is part of the format, unless it has a flag of its own; then the format stands alone.
    let (name, argument) = match (choice.template, output.split_once('=')) {
        ("", Some((name, argument))) if takes_argument(name) => (name, argument),
        (template, _) => (output, template),
    };
    let lower = name.to_lowercase();
    let name = if matches!(lower.as_str(), "json" | "yaml" | "kyaml" | "name") { lower.as_str() } else { name };
    if name.is_empty() {
        return Ok(Chosen::Human { wide: false });
    }
    if !allowed.contains(&name) {
        return Err(unknown());
    }
    let template = || match argument {
        "" => Err(FormatError::NoTemplate),
        _ if name.ends_with("file") => read(argument).map_err(|e| FormatError::Unreadable(argument.into(), e)),
        _ => Ok(argument.to_owned()),
    };
    let printer: Box<dyn Printer> = match name {
        "wide" => return Ok(Chosen::Human { wide: true }),
        "name" => return Ok(Chosen::Name(NamePrinter::names())),
        "json" => Box::new(JsonPrinter::new(choice.show_managed_fields).typed(choice.typed)),
        "yaml" => Box::new(YamlPrinter::new(choice.show_managed_fields)),
        "kyaml" => Box::new(KyamlPrinter::new(choice.show_managed_fields).typed(choice.typed)),
        "custom-columns" => Box::new(CustomColumnsPrinter::from_spec(argument, choice.no_headers)?),
        "custom-columns-file" if argument.is_empty() => return Err(ColumnsError::Empty.into()),
        "custom-columns-file" => {
            let text = read(argument).map_err(|e| FormatError::UnreadableColumns(argument.into(), e))?;
            Box::new(CustomColumnsPrinter::from_file(&text)?)
        }
        "jsonpath" | "jsonpath-as-json" | "jsonpath-file" => {
            let template = template()?;
            let printer = JsonPathPrinter::new(&template, name == "jsonpath-as-json", choice.allow_missing_keys);
            Box::new(printer.map_err(|error| FormatError::JsonPath(template, error))?)
        }
        "go-template" | "go-template-file" | "template" | "templatefile" => {
            let template = template()?;
            let printer = gotemplate::GoTemplatePrinter::new(&template, choice.allow_missing_keys);
            Box::new(printer.map_err(|error| FormatError::GoTemplate(template, error))?)
        }
        _ => return Err(unknown()),
    };
    Ok(Chosen::Objects(printer))
}

/// Whether the format's name is followed by `=` and a template, path or columns.
fn takes_argument(name: &str) -> bool {
    ["jsonpath", "template", "custom-columns"].iter().any(|stem| name.contains(stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(output: &str, template: &str, allowed: &'static [&'static str]) -> String {
        let read = |path: &str| match path {
            "path.txt" => Ok("{.kind}".into()),
            "columns.txt" => Ok("A\n.kind\n".into()),
            _ => Err(format!("open {path}: no such file or directory")),
        };
        match choose(&Choice { output, template, ..Choice::default() }, allowed, &read) {
            Ok(chosen) => format!("{chosen:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn formats_are_chosen_as_kubectl_chooses_them() {
        const NO_TEMPLATE: &str = "template format specified but no template given";
        const NO_COLUMNS: &str = "custom-columns format specified but no custom columns given";
        let unknown = |output: &str, allowed: &[&str]| {
            let allowed = allowed.join(",");
            format!(
                "unable to match a printer suitable for the output format \"{output}\", allowed formats are: {allowed}"
            )
        };
        for (output, template, get, want) in [
            ("", "", true, "Human { wide: false }".to_string()),
            ("wide", "", true, "Human { wide: true }".into()),
            ("wide", "", false, unknown("wide", COMMON)),
            ("WIDE", "", true, unknown("WIDE", GET)),
            ("name", "", true, "Name".into()),
            ("Name", "", false, "Name".into()),
            ("JSON", "", true, "Objects".into()),
            ("yaml", "{.kind}", true, "Objects".into()),
            ("kyaml", "", false, "Objects".into()),
            ("json=", "", true, unknown("json=", GET)),
            ("nosuch", "", false, unknown("nosuch", COMMON)),
            ("jsonpath={.kind}", "", false, "Objects".into()),
            ("jsonpath", "{.kind}", false, "Objects".into()),
            ("jsonpath=x", "{.kind}", false, unknown("jsonpath=x", COMMON)),
            ("jsonpath", "", true, NO_TEMPLATE.into()),
            ("jsonpath=", "", true, NO_TEMPLATE.into()),
            ("jsonpath-as-json", "", true, NO_TEMPLATE.into()),
            ("jsonpath={.kind", "", true, "error parsing jsonpath {.kind, unclosed action".into()),
            ("jsonpath-file=path.txt", "", true, "Objects".into()),
            ("jsonpath-file=no", "", true, "error reading --template no, open no: no such file or directory".into()),
            ("go-template", "", true, NO_TEMPLATE.into()),
            ("template=", "", true, NO_TEMPLATE.into()),
            ("templatefile=no", "", true, "error reading --template no, open no: no such file or directory".into()),
            ("custom-columns=A:.kind", "", true, "Objects".into()),
            ("custom-columns=A:.kind", "", false, unknown("custom-columns=A:.kind", COMMON)),
            ("custom-columns", "A:.kind", true, "Objects".into()),
            ("custom-columns", "", true, NO_COLUMNS.into()),
            ("custom-columns-file=", "", true, NO_COLUMNS.into()),
            ("custom-columns-file=columns.txt", "", true, "Objects".into()),
            (
                "custom-columns-file=no",
                "",
                true,
                "error reading template no, open no: no such file or directory\n".into(),
            ),
        ] {
            assert_eq!(chosen(output, template, if get { GET } else { COMMON }), want, "{output} {template}");
        }
        assert_eq!(chosen("jsonpath=x", "", RESOURCES), unknown("jsonpath=x", RESOURCES));
    }
}
