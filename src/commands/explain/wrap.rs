//! Lines broken between words, in the two ways of kubectl: that of its OpenAPI 3 output (the rules of Go's
//! go-wordwrap) and that of its older one.

/// What Go calls a blank that a line may break at.
fn breaks(c: char) -> bool {
    c != '\u{a0}' && c.is_whitespace()
}

/// Breaks lines at blanks so that none is longer than `limit` letters, unless a word alone is. Line ends stay, and so
/// do blanks inside of a line.
pub fn wrap(text: &str, limit: usize) -> String {
    let mut wrapped = Wrapped { out: String::with_capacity(text.len()), limit, ..Wrapped::default() };
    for c in text.chars() {
        wrapped.push(c);
    }
    wrapped.finish()
}

/// A text of which the last blanks and the last word may still move to the next line.
#[derive(Default)]
struct Wrapped {
    out: String,
    limit: usize,
    /// How many letters the line has without what is held back.
    width: usize,
    blanks: String,
    word: String,
}

impl Wrapped {
    fn push(&mut self, c: char) {
        let length = |text: &str| text.chars().count();
        if c == '\n' {
            if self.word.is_empty() && self.width + length(&self.blanks) > self.limit {
                self.blanks.clear();
            }
            self.settle();
            self.out.push('\n');
            self.width = 0;
        } else if breaks(c) {
            if self.blanks.is_empty() || !self.word.is_empty() {
                self.settle();
            }
            self.blanks.push(c);
        } else {
            self.word.push(c);
            let word = length(&self.word);
            if self.width + length(&self.blanks) + word > self.limit && word < self.limit {
                self.out.push('\n');
                self.width = 0;
                self.blanks.clear();
            }
        }
    }

    /// Writes what is held back on this line.
    fn settle(&mut self) {
        self.width += self.blanks.chars().count() + self.word.chars().count();
        self.out.push_str(&self.blanks);
        self.out.push_str(&self.word);
        self.blanks.clear();
        self.word.clear();
    }

    fn finish(mut self) -> String {
        if !self.word.is_empty() || self.width + self.blanks.chars().count() <= self.limit {
            self.settle();
        }
        self.out
    }
}

/// Fills lines of `limit` bytes as the older output does. Words of following lines are joined; what keeps its line:
/// indented code, empty lines after the first, the items of lists, and what comes after a colon.
pub fn fill(text: &str, limit: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for source in text.split('\n') {
        let is_code = source.starts_with("    ");
        let is_empty = source.trim().is_empty();
        if is_code || (is_empty && !lines.is_empty()) {
            flush(&mut line, &mut lines);
            lines.push(if is_code { source.to_owned() } else { String::new() });
            continue;
        }
        if is_empty || line.ends_with(':') || starts_item(source.trim()) {
            flush(&mut line, &mut lines);
        }
        for word in source.split_whitespace() {
            if !line.is_empty() && line.len() + 1 + word.len() > limit {
                flush(&mut line, &mut lines);
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    flush(&mut line, &mut lines);
    lines
}

fn flush(line: &mut String, lines: &mut Vec<String>) {
    if !line.is_empty() {
        lines.push(std::mem::take(line));
    }
}

/// Whether a line begins as an item of a list does: `- x`, `* x`, `1. x`, `1 x`.
fn starts_item(line: &str) -> bool {
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let mark = match (digits, line.as_bytes().get(digits)) {
        (0, Some(b'-' | b'*')) => 1,
        (0, _) => return false,
        (_, Some(b'.')) => digits + 1,
        _ => digits,
    };
    line.as_bytes().get(mark).is_some_and(|c| matches!(c, b' ' | b'\t' | b'\n' | b'\r' | 0x0c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        for (text, limit, wrapped) in [
            ("", 5, ""),
            ("foo bar baz", 20, "foo bar baz"),
            ("foo bar baz", 7, "foo bar\nbaz"),
            ("foo bar baz", 5, "foo\nbar\nbaz"),
            ("foo  bar", 4, "foo\nbar"),
            ("a  b c", 9, "a  b c"),
            // A word that is too long stands where it is.
            ("a abcdefgh b", 5, "a\nabcdefgh\nb"),
            ("abcdefgh", 5, "abcdefgh"),
            ("foo\nbar baz\n", 7, "foo\nbar baz\n"),
            ("foobar   \nx", 7, "foobar\nx"),
            ("foo \n", 7, "foo \n"),
            ("foo  ", 4, "foo"),
            // Letters count, not bytes; a blank that binds is none.
            ("éé éé", 5, "éé éé"),
            ("a\u{a0}b c", 3, "a\u{a0}b\nc"),
        ] {
            assert_eq!(wrap(text, limit), wrapped, "{text:?}");
        }
    }

    #[test]
    fn lines_are_filled() {
        for (text, lines) in [
            ("", vec![]),
            ("one two\nthree", vec!["one two", "three"]),
            ("one\ntwo", vec!["one two"]),
            ("one:\ntwo", vec!["one:", "two"]),
            ("one\n\ntwo", vec!["one", "two"]),
            ("one two four\n\nsix", vec!["one two", "four", "", "six"]),
            ("a\n    code  x\nb", vec!["a", "    code  x", "b"]),
            ("a\n- b\n* c\n12. d\n3 e\n4x\n.5", vec!["a", "- b", "* c", "12. d", "3 e 4x", ".5"]),
            ("longerthanaline x", vec!["longerthanaline", "x"]),
        ] {
            assert_eq!(fill(text, 8), lines, "{text:?}");
        }
    }
}
