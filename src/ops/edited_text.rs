//! The text that `edit` puts before a person: the lines above it, and what of it counts when it comes back.

use super::local_patch;
use crate::api::json;
use crate::manifest;

/// What is edited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// Objects that are on the server.
    #[default]
    Live,
    /// What apply noted in their annotations.
    LastApplied,
    /// Objects that are to be created.
    New,
}

/// Why a text has to be edited once more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reason {
    /// What is wrong.
    pub head: String,
    /// One line for each thing that is.
    pub details: Vec<String>,
}

const ABOVE_LAST_APPLIED: &str = "# Please edit the 'last-applied-configuration' annotations below.
# Lines beginning with a '#' will be ignored, and an empty file will abort the edit.
#
";
const ABOVE_OBJECTS: &str = "# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
";

/// The comment above the text.
pub fn header(subject: Subject, reasons: &[Reason]) -> String {
    let mut text = String::from(if subject == Subject::LastApplied { ABOVE_LAST_APPLIED } else { ABOVE_OBJECTS });
    for reason in reasons {
        let end = if reason.details.is_empty() { "" } else { ":" };
        text.push_str(&format!("# {}{end}\n", commented(&reason.head)));
        reason.details.iter().for_each(|detail| text.push_str(&format!("# * {}\n", commented(detail))));
        text.push_str("#\n");
    }
    text
}

/// A text whose lines after the first are comments as well.
fn commented(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        result.push(c);
        if c == '\n' && rest.peek().is_some_and(|next| *next != '#') {
            result.push_str("# ");
        }
    }
    result
}

/// The text with each line ending as Windows ends it.
pub fn with_windows_line_endings(text: &str) -> String {
    text.replace('\n', "\r\n")
}

/// The text without the lines that are comments. `#!` starts none.
pub fn without_comments(text: &[u8]) -> Vec<u8> {
    let comment = |line: &[u8]| {
        let line = line.trim_ascii_start();
        line.starts_with(b"#") && !line.starts_with(b"#!")
    };
    text.split_inclusive(|byte| *byte == b'\n').filter(|line| !comment(line)).flatten().copied().collect()
}

/// What a text says, whatever its comments and layout: JSON, or the lines that are no comments when it is no YAML.
pub fn meaning(text: &[u8]) -> Vec<u8> {
    local_patch::to_json(text).unwrap_or_else(|_| without_comments(text))
}

/// What is wrong with a text before anything is read of it but what its objects say they are.
pub fn complaint(text: &[u8]) -> Option<String> {
    let text = local_patch::to_json(&meaning(text));
    match text.and_then(|text| json::from_slice(&text).map_err(|error| error.to_string())) {
        Ok(value) => manifest::complaint(&value),
        Err(problem) => Some(problem),
    }
}

/// Whether there is any line but blanks and comments.
pub fn has_lines(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).any(|line| !line.is_empty() && line[0] != b'#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_stand_above_the_text() {
        let reasons = [
            Reason { head: "one\ntwo\n#three\n".into(), ..Reason::default() },
            Reason { head: "pods \"p\" was not valid".into(), details: vec!["a: b".into(), "c: d\ne".into()] },
        ];
        let text = header(Subject::Live, &reasons);
        let want = "# one\n# two\n#three\n\n#\n# pods \"p\" was not valid:\n# * a: b\n# * c: d\n# e\n#\n";
        assert_eq!(text.strip_prefix(ABOVE_OBJECTS), Some(want));
        assert_eq!(header(Subject::New, &[]), ABOVE_OBJECTS);
        assert_eq!(header(Subject::LastApplied, &[]), ABOVE_LAST_APPLIED);
    }

    #[test]
    fn comments_and_layout_mean_nothing() {
        for (text, stripped, said) in [
            ("# a\nb: 1\n", "b: 1\n", "{\"b\":1}"),
            ("b:   1\n  # c\n", "b:   1\n", "{\"b\":1}"),
            ("#!/bin/sh\nb: [\n#x", "#!/bin/sh\nb: [\n", "#!/bin/sh\nb: [\n"),
            ("{\"b\":\n1}", "{\"b\":\n1}", "{\"b\":\n1}"),
            ("", "", "null"),
        ] {
            assert_eq!(String::from_utf8(without_comments(text.as_bytes())).unwrap(), stripped, "{text:?}");
            assert_eq!(String::from_utf8(meaning(text.as_bytes())).unwrap(), said, "{text:?}");
        }
    }

    #[test]
    fn texts_are_looked_at_before_they_are_read() {
        for (text, problem) in [
            ("# x\nkind: Pod\napiVersion: v1\n", None),
            ("# x\n# y\na: [\n", Some("yaml: line 1: did not find expected node content")),
            ("kind: Pod", Some("apiVersion not set")),
            ("", Some("invalid object to validate")),
            ("{\"kind\": \"Pod\"", Some("unexpected end of JSON input")),
        ] {
            assert_eq!(complaint(text.as_bytes()).as_deref(), problem, "{text:?}");
        }
    }

    #[test]
    fn blank_texts_have_no_lines() {
        for (text, lines) in [("", false), (" \n# a\n\t#b", false), ("# a\n b", true)] {
            assert_eq!(has_lines(text.as_bytes()), lines, "{text:?}");
        }
    }

    #[test]
    fn lines_end_as_on_windows() {
        assert_eq!(with_windows_line_endings("a\n\nb"), "a\r\n\r\nb");
    }
}
