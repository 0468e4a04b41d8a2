//! `-o custom-columns=NAME:.metadata.name,...` and `custom-columns-file=`.

use super::tabwriter::{Layout, TabWriter};
use super::terminal::escape;
use super::{PrintError, Printer};
use crate::api::Value;
use crate::expr::go_value::Plain;
use crate::expr::jsonpath::{JsonPath, ParseError, relax};
use std::io::Write;
use thiserror::Error;

/// Why columns cannot be read, in kubectl's words.
#[derive(Debug, Error)]
pub enum ColumnsError {
    /// Nothing was given.
    #[error("custom-columns format specified but no custom columns given")]
    Empty,
    /// A column has no colon.
    #[error("unexpected custom-columns spec: {0}, expected <header>:<json-path-expr>")]
    NoPath(String),
    /// A file has no first or second line.
    #[error(
        "invalid template, missing {0} line. Expected format is one line of space separated headers, one line of space \
         separated column specs."
    )]
    MissingLine(&'static str),
    /// A file's lines have not the same number of words.
    #[error("number of headers ({0}) and field specifications ({1}) don't match")]
    Different(usize, usize),
    /// A path has braces in the middle.
    #[error(transparent)]
    Path(#[from] ParseError),
}

/// A heading, and the path to what is below it.
#[derive(Debug)]
struct Column {
    heading: String,
    path: String,
}

/// Prints the columns that were asked for.
#[derive(Debug)]
pub struct CustomColumnsPrinter {
    columns: Vec<Column>,
    paths: Vec<JsonPath>,
    /// Whether the next rows need headings.
    headings: bool,
    rows: TabWriter<Vec<u8>>,
}

impl CustomColumnsPrinter {
    /// Reads `HEADING:path,...`.
    ///
    /// # Errors
    /// When that is not what it is.
    pub fn from_spec(spec: &str, no_headers: bool) -> Result<Self, ColumnsError> {
        if spec.is_empty() {
            return Err(ColumnsError::Empty);
        }
        let columns = spec.split(',').map(|part| match part.split_once(':') {
            Some((heading, path)) => Ok(Column { heading: heading.into(), path: relax(path)? }),
            None => Err(ColumnsError::NoPath(part.into())),
        });
        Ok(Self::new(columns.collect::<Result<_, _>>()?, !no_headers))
    }

    /// Reads a file: a line of headings and a line of paths, with blanks between.
    ///
    /// # Errors
    /// When that is not what it is.
    pub fn from_file(text: &str) -> Result<Self, ColumnsError> {
        let mut lines = text.lines();
        let headings = lines.next().ok_or(ColumnsError::MissingLine("header"))?.split_whitespace();
        let paths = lines.next().ok_or(ColumnsError::MissingLine("spec"))?.split_whitespace();
        let counts = (headings.clone().count(), paths.clone().count());
        if counts.0 != counts.1 {
            return Err(ColumnsError::Different(counts.0, counts.1));
        }
        let columns =
            headings.zip(paths).map(|(heading, path)| Ok(Column { heading: heading.into(), path: relax(path)? }));
        Ok(Self::new(columns.collect::<Result<_, ParseError>>()?, true))
    }

    fn new(columns: Vec<Column>, headings: bool) -> Self {
        Self { columns, paths: Vec::new(), headings, rows: TabWriter::new(Vec::new(), Layout::TABLE) }
    }

    /// Adds the headings, where they are still needed, and reads the paths.
    fn start(&mut self) -> Result<(), PrintError> {
        if std::mem::take(&mut self.headings) {
            let headings: Vec<_> = self.columns.iter().map(|column| column.heading.as_str()).collect();
            self.rows.push(&headings.join("\t"))?;
            self.rows.push("\n")?;
        }
        if self.paths.is_empty() {
            let paths = self.columns.iter().map(|column| JsonPath::parse(&column.path));
            self.paths = paths.collect::<Result<_, _>>().map_err(|error| PrintError::Other(error.to_string()))?;
        }
        Ok(())
    }

    fn row(&mut self, object: &Value) -> Result<(), PrintError> {
        let mut text = String::new();
        for (index, path) in self.paths.iter().enumerate() {
            if index > 0 {
                text.push('\t');
            }
            let found = path.find(object, true).map_err(|error| PrintError::Other(error.to_string()))?;
            let nothing = found.first().is_none_or(Vec::is_empty).then(|| "<none>".into());
            let values = found.iter().flatten().map(|value| escape(&Plain(value).to_string()).into_owned());
            text.push_str(&nothing.into_iter().chain(values).collect::<Vec<_>>().join(","));
        }
        text.push('\n');
        Ok(self.rows.push(&text)?)
    }

    fn flush(&mut self, out: &mut dyn Write) -> Result<(), PrintError> {
        self.rows.flush()?;
        Ok(out.write_all(&std::mem::take(self.rows.inner_mut()))?)
    }

    /// After an error, writes what came before it: kubectl shows the headings above an error in a path.
    fn or_flush(&mut self, result: Result<(), PrintError>, out: &mut dyn Write) -> Result<(), PrintError> {
        if result.is_err() {
            self.flush(out)?;
        }
        result
    }
}

impl Printer for CustomColumnsPrinter {
    fn object(&mut self, object: Value, out: &mut dyn Write) -> Result<(), PrintError> {
        self.list(vec![object], out)
    }

    fn list_start(&mut self, out: &mut dyn Write) -> Result<(), PrintError> {
        let started = self.start();
        self.or_flush(started, out)
    }

    fn list_item(&mut self, item: Value, out: &mut dyn Write) -> Result<(), PrintError> {
        let added = self.row(&item);
        self.or_flush(added, out)
    }

    fn list_end(&mut self, out: &mut dyn Write) -> Result<(), PrintError> {
        self.flush(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn print(printer: Result<CustomColumnsPrinter, ColumnsError>) -> String {
        let items = [
            json!({"kind": "X", "metadata": {"name": "a", "labels": {"n": "1"}}, "l": [1, {"b": null}], "n": null}),
            json!({"kind": "X", "metadata": {"name": "longer", "labels": {"n": "\u{1b}[m"}}}),
        ];
        let mut out = Vec::new();
        let result = match printer {
            Ok(mut printer) => printer.list(items.to_vec(), &mut out).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let printed = String::from_utf8(out).unwrap();
        result.map_or_else(|error| format!("{printed}error: {error}"), |()| printed.clone())
    }

    #[test]
    fn columns_print_what_kubectl_prints() {
        for (spec, no_headers, want) in [
            ("NAME:.metadata.name,N:metadata.labels.n", false, "NAME     N\na        1\nlonger   ^[[m\n"),
            (
                "A:{.kind},L:.l,M:.l[*]",
                true,
                "X     [1 map[b:<nil>]]   1,map[b:<nil>]\nX     <none>             <none>\n",
            ),
            (":.n", false, "\n<nil>\n<none>\n"),
            ("A:", true, "<none>\n<none>\n"),
            ("A:..name", true, "a\nlonger\n"),
            ("A:.kind,B:.kind[0]", false, "A     B\nerror: string is not array or slice"),
            ("A:.kind[", false, "A\nerror: unterminated array"),
            ("", false, "error: custom-columns format specified but no custom columns given"),
            ("A", false, "error: unexpected custom-columns spec: A, expected <header>:<json-path-expr>"),
            ("A:.kind,", false, "error: unexpected custom-columns spec: , expected <header>:<json-path-expr>"),
        ] {
            assert_eq!(print(CustomColumnsPrinter::from_spec(spec, no_headers)), want, "{spec}");
        }
    }

    #[test]
    fn a_file_has_two_lines() {
        const FORM: &str =
            "Expected format is one line of space separated headers, one line of space separated column specs.";
        for (text, want) in [
            ("  A   B \n .kind  .metadata.name \nignored\n", "A     B\nX     a\nX     longer\n".to_string()),
            ("", format!("error: invalid template, missing header line. {FORM}")),
            ("A B\n", format!("error: invalid template, missing spec line. {FORM}")),
            ("A B\n.kind", "error: number of headers (2) and field specifications (1) don't match".to_string()),
        ] {
            assert_eq!(print(CustomColumnsPrinter::from_file(text)), want, "{text:?}");
        }
    }
}
