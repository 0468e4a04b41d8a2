//! Lines about the work, on standard error: klog's lines, as verbose as `-v` asks for, and the server's warnings.

use crate::api::gotext;
use http::HeaderMap;
use jiff::{Timestamp, tz::TimeZone};
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::rc::Rc;

/// Where the lines go, and how many there are. Copies share what they write to.
#[derive(Clone)]
pub struct Log {
    level: u8,
    shared: Rc<RefCell<Shared>>,
}

/// Where the lines go.
pub trait Lines: Write {
    /// Begins a warning: writes the word that stands before it.
    ///
    /// # Errors
    /// Those of the writer.
    fn warning(&mut self) -> io::Result<()> {
        self.write_all(b"Warning:")
    }
}

struct Shared {
    out: Box<dyn Lines>,
    /// The warnings that were shown; each is shown once.
    warned: HashSet<String>,
}

impl Log {
    /// Writes to `out` what `-v=LEVEL` asks for.
    pub fn new(level: u8, out: impl Lines + 'static) -> Self {
        let shared = Shared { out: Box::new(out), warned: HashSet::new() };
        Self { level, shared: Rc::new(RefCell::new(shared)) }
    }

    /// Whether lines of this level are written.
    pub fn is_at(&self, level: u8) -> bool {
        self.level >= level
    }

    /// An informational line of a level; `place` is the file and line that klog would name.
    pub fn info(&self, level: u8, place: &str, text: &str) {
        if self.is_at(level) {
            self.line('I', place, text);
        }
    }

    /// A line about an error that the work goes on after, in klog's form `"MESSAGE" err="ERROR"`.
    pub fn error(&self, place: &str, message: &str, error: &str) {
        self.line('E', place, &format!("{} err={}", gotext::quote(message), gotext::quote(error)));
    }

    /// Like [`Log::error`], with one more key and value.
    pub fn error_about(&self, place: &str, message: &str, error: &str, (key, value): (&str, &str)) {
        let (message, error) = (gotext::quote(message), gotext::quote(error));
        self.line('E', place, &format!("{message} err={error} {key}={}", gotext::quote(value)));
    }

    fn line(&self, severity: char, place: &str, text: &str) {
        let now = Timestamp::now().to_zoned(TimeZone::system()).strftime("%m%d %H:%M:%S%.6f").to_string();
        self.write(&format!("{severity}{now} {:>7} {place}] {text}\n", std::process::id()));
    }

    /// Shows a warning, unless it has been shown before.
    pub fn warn(&self, text: &str) {
        let new = self.shared.borrow_mut().warned.insert(text.to_owned());
        if new {
            // A standard error that is closed is no reason to stop working.
            let _ = self.shared.borrow_mut().out.warning();
            self.write(&format!(" {text}\n"));
        }
    }

    /// How many warnings were shown.
    pub fn warning_count(&self) -> usize {
        self.shared.borrow().warned.len()
    }

    /// Shows what the `Warning` headers of an answer say (RFC 7234, 5.5; code 299).
    pub fn warnings(&self, headers: &HeaderMap) {
        for header in headers.get_all(http::header::WARNING) {
            for text in parse_warnings(&String::from_utf8_lossy(header.as_bytes())) {
                self.warn(&text);
            }
        }
    }

    fn write(&self, text: &str) {
        // A standard error that is closed is no reason to stop working.
        let _ = self.shared.borrow_mut().out.write_all(text.as_bytes());
    }
}

/// A value as klog writes it after `KEY=`: quoted, or, when it has several lines, indented between `<` and `>`.
pub(super) fn klog_value(text: &str) -> String {
    if !text.contains('\n') {
        return gotext::quote(text);
    }
    let mut out = String::from("<\n");
    for line in text.trim_end_matches('\n').split('\n') {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\t{line}");
    }
    out.push_str(" >");
    out
}

/// The texts of the warnings with code 299 in one header: `299 AGENT "TEXT" ["DATE"], ...`.
fn parse_warnings(header: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = header.trim_start();
    while let Some((code, tail)) = rest.split_once(' ') {
        let Some((_, tail)) = tail.trim_start().split_once(' ') else { break };
        let Some((text, tail)) = quoted(tail.trim_start()) else { break };
        if code == "299" && !text.is_empty() {
            texts.push(text);
        }
        let tail = tail.trim_start();
        let tail = quoted(tail).map_or(tail, |(_, tail)| tail.trim_start());
        let Some(tail) = tail.strip_prefix(',') else { break };
        rest = tail.trim_start();
    }
    texts
}

/// Reads a text in quotes, and gives what follows it. Control characters, which could move a terminal's cursor, are
/// left out.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut chars = text.strip_prefix('"')?.char_indices();
    let mut out = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, &text[at + 2..])),
            '\\' => out.push(chars.next()?.1),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    None
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Something to write to that can be read afterwards.
    #[derive(Clone, Default)]
    pub(crate) struct Written(Rc<RefCell<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Lines for Written {}

    impl Written {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.borrow().clone()).unwrap()
        }
    }

    #[test]
    fn warnings_are_read_and_shown_once() {
        for (header, texts) in [
            (r#"299 - "a \"b\"""#, vec!["a \"b\""]),
            (r#"299 - "a" "Sat, 21 Nov 2026 07:40:27 GMT", 299 agent "b, c""#, vec!["a", "b, c"]),
            (r#"199 - "other", 299 - "x""#, vec!["x"]),
            (r#"299 - "open"#, vec![]),
            ("", vec![]),
        ] {
            assert_eq!(parse_warnings(header), texts, "{header}");
        }
        let written = Written::default();
        let log = Log::new(0, written.clone());
        let mut headers = HeaderMap::new();
        headers.append("warning", r#"299 - "a""#.parse().unwrap());
        headers.append("warning", "299 - \"b\u{1}\"".replace('\u{1}', "\\\t").parse().unwrap());
        log.warnings(&headers);
        log.clone().warnings(&headers);
        assert_eq!(written.text(), "Warning: a\nWarning: b\t\n");
    }

    #[test]
    fn lines_have_klogs_form() {
        let written = Written::default();
        let log = Log::new(6, written.clone());
        log.info(7, "x.go:1", "not shown");
        log.error("memcache.go:381", "Couldn't", "Get \"u\"");
        let text = written.text();
        let (head, rest) = text.split_once("] ").unwrap();
        assert_eq!(rest, "\"Couldn't\" err=\"Get \\\"u\\\"\"\n");
        let fields: Vec<&str> = head.split_whitespace().collect();
        assert!(fields[0].starts_with('E') && fields[0].len() == 5 && fields[1].len() == 15, "{head}");
        assert_eq!(&fields[2..], [std::process::id().to_string().as_str(), "memcache.go:381"]);
        assert_eq!(klog_value("a\nb\n"), "<\n\ta\n\tb\n >");
    }
}
