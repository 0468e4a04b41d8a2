//! Reading an expression of RE2: what is wrong with it, and the same for Rust's engine.

use super::class;
use regex::escape;

/// How deep groups may lie in one another.
const DEEPEST: usize = 1000;
/// How often a part may be repeated, with all the repetitions around it.
const MOST_TIMES: u32 = 1000;

/// What is wrong with an expression.
#[derive(Debug)]
pub struct Fault {
    /// Why, in Go's words.
    pub why: &'static str,
    /// The part that is wrong.
    pub part: String,
}

/// A fault in a part of an expression.
pub fn fault<T>(why: &'static str, part: &str) -> Result<T, Fault> {
    Err(Fault { why, part: part.into() })
}

/// The expression in Rust's dialect.
///
/// # Errors
/// When it is none of RE2's.
pub fn translate(pattern: &str) -> Result<String, Fault> {
    let mut parser = Parser { whole: pattern, rest: pattern, out: String::new(), groups: vec![vec![Vec::new()]] };
    parser.run()?;
    Ok(parser.out)
}

/// A part that may be repeated, as far as it matters to the number of repetitions.
#[derive(Default)]
struct Part {
    /// How often at least and, when there is a bound, at most.
    times: Option<(u32, Option<u32>)>,
    inner: Vec<Part>,
}

impl Part {
    /// Whether there are no more than `most` copies of anything in it.
    fn is_within(&self, most: u32) -> bool {
        let times = self.times.map(|(least, most)| most.unwrap_or(least));
        let most = match times {
            Some(0) if self.times.is_some_and(|(_, bound)| bound.is_some()) => return true,
            Some(times) if times > most => return false,
            Some(times) if times > 0 => most / times,
            _ => most,
        };
        self.inner.iter().all(|part| part.is_within(most))
    }
}

struct Parser<'a> {
    whole: &'a str,
    rest: &'a str,
    out: String,
    /// The parts of each group that is open, in each of its alternatives.
    groups: Vec<Vec<Vec<Part>>>,
}

impl<'a> Parser<'a> {
    fn run(&mut self) -> Result<(), Fault> {
        // Where the repetition stands that was read last, when nothing came after it.
        let mut repeated = None;
        while let Some(c) = self.rest.chars().next() {
            let start = self.rest;
            let last = repeated.take();
            match c {
                '(' if start.starts_with("(?") => self.flags()?,
                '(' => {
                    self.rest = &start[1..];
                    self.open("(")?;
                }
                '|' => {
                    self.literal("|", 1);
                    if let Some(group) = self.groups.last_mut() {
                        group.push(Vec::new());
                    }
                }
                ')' if self.groups.len() == 1 => return fault("unexpected )", self.whole),
                ')' => {
                    self.literal(")", 1);
                    let inner = self.groups.pop().into_iter().flatten().flatten().collect();
                    self.push(Part { times: None, inner });
                }
                '^' | '$' | '.' => self.single(&start[..1], 1),
                '[' => {
                    let (class, rest) = class::bracketed(start)?;
                    self.single(&class, start.len() - rest.len());
                }
                '*' => repeated = Some(self.repeat("*", (0, None), start, &start[1..], last)?),
                '+' => repeated = Some(self.repeat("+", (1, None), start, &start[1..], last)?),
                '?' => repeated = Some(self.repeat("?", (0, Some(1)), start, &start[1..], last)?),
                '{' => match counts(start) {
                    Some((least, most, after)) => {
                        let sign = &start[..start.len() - after.len()];
                        let high = most.unwrap_or(least);
                        if least > MOST_TIMES || high > MOST_TIMES || least > high {
                            return fault("invalid repeat count", sign);
                        }
                        let sign = sign.to_owned();
                        repeated = Some(self.repeat(&sign, (least, most), start, after, last)?);
                    }
                    None => self.single("\\{", 1),
                },
                '\\' => self.escape(start)?,
                c => self.single(&escape(c.encode_utf8(&mut [0; 4])), c.len_utf8()),
            }
        }
        if self.groups.len() == 1 { Ok(()) } else { fault("missing closing )", self.whole) }
    }

    /// Writes what takes the place of the next bytes.
    fn literal(&mut self, text: &str, length: usize) {
        self.out.push_str(text);
        self.rest = &self.rest[length..];
    }

    /// Writes something that can be repeated.
    fn single(&mut self, text: &str, length: usize) {
        self.literal(text, length);
        self.push(Part::default());
    }

    fn push(&mut self, part: Part) {
        if let Some(parts) = self.groups.last_mut().and_then(|group| group.last_mut()) {
            parts.push(part);
        }
    }

    fn open(&mut self, text: &str) -> Result<(), Fault> {
        self.out.push_str(text);
        self.groups.push(vec![Vec::new()]);
        if self.groups.len() > DEEPEST { fault("expression nests too deeply", self.whole) } else { Ok(()) }
    }

    /// Repeats the last part; gives where the sign stands.
    fn repeat(
        &mut self,
        sign: &str,
        times: (u32, Option<u32>),
        start: &'a str,
        after: &'a str,
        last: Option<&'a str>,
    ) -> Result<&'a str, Fault> {
        let lazy = after.strip_prefix('?');
        let after = lazy.unwrap_or(after);
        if let Some(last) = last {
            return fault("invalid nested repetition operator", &last[..last.len() - after.len()]);
        }
        let shown = &start[..start.len() - after.len()];
        let Some(part) = self.groups.last_mut().and_then(|group| group.last_mut()).and_then(Vec::pop) else {
            return fault("missing argument to repetition operator", shown);
        };
        let counted = sign.starts_with('{');
        let part = Part { times: counted.then_some(times), inner: vec![part] };
        if counted && times.1.unwrap_or(times.0).max(times.0) >= 2 && !part.is_within(MOST_TIMES) {
            return fault("invalid repeat count", shown);
        }
        self.push(part);
        self.out.push_str(sign);
        if lazy.is_some() {
            self.out.push('?');
        }
        self.rest = after;
        Ok(start)
    }

    /// Reads what begins with `(?`: the name of a group, or flags for a group or for what follows.
    fn flags(&mut self) -> Result<(), Fault> {
        let start = self.rest;
        let named = |prefix: &str| start.strip_prefix(prefix).filter(|rest| !rest.is_empty());
        if let Some(name) = named("(?P<").or_else(|| named("(?<")) {
            let Some(end) = start.find('>') else { return fault("invalid named capture", start) };
            let name = &name[..name.find('>').unwrap_or(0)];
            if name.is_empty() || !name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()) {
                return fault("invalid named capture", &start[..=end]);
            }
            self.rest = &start[end + 1..];
            // Two groups may have one name, and nobody asks for it.
            return self.open("(");
        }
        let (mut negative, mut saw_flag) = (false, false);
        for (at, c) in start.char_indices().skip(2) {
            let after = at + c.len_utf8();
            match c {
                'i' | 'm' | 's' | 'U' => saw_flag = true,
                '-' if !negative => (negative, saw_flag) = (true, false),
                ':' | ')' if !negative || saw_flag => {
                    self.rest = &start[after..];
                    if c == ':' {
                        return self.open(&start[..after]);
                    }
                    if at > 2 {
                        self.out.push_str(&start[..after]);
                    }
                    return Ok(());
                }
                _ => return fault("invalid or unsupported Perl syntax", &start[..after]),
            }
        }
        fault("invalid or unsupported Perl syntax", start)
    }

    fn escape(&mut self, start: &'a str) -> Result<(), Fault> {
        match start[1..].chars().next() {
            Some('A') => self.single("\\A", 2),
            Some('z') => self.single("\\z", 2),
            Some(c @ ('b' | 'B')) => self.single(&format!("(?-u:\\{c})"), 2),
            Some('C') => return fault("invalid escape sequence", &start[..2]),
            Some('Q') => {
                let quoted = &start[2..];
                let (text, length) = quoted.find("\\E").map_or((quoted, start.len()), |end| (&quoted[..end], end + 4));
                text.chars().for_each(|c| self.single(&escape(c.encode_utf8(&mut [0; 4])), 0));
                self.rest = &start[length..];
            }
            _ => {
                let (class, rest) = match class::group(start)? {
                    Some((inner, rest)) => (format!("[{inner}]"), rest),
                    None => class::escaped(start).map(|(c, rest)| (escape(c.encode_utf8(&mut [0; 4])), rest))?,
                };
                self.single(&class, start.len() - rest.len());
            }
        }
        Ok(())
    }
}

/// Reads `{2}`, `{2,}` or `{2,3}`, and gives what is after it; none when it is something else, and stands for itself.
fn counts(text: &str) -> Option<(u32, Option<u32>, &str)> {
    let (inner, after) = text.strip_prefix('{')?.split_once('}')?;
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // A leading zero makes it no number; what has too many digits is too much.
        (is_number && (text == "0" || !text.starts_with('0'))).then(|| text.parse().unwrap_or(u32::MAX))
    };
    match inner.split_once(',') {
        None => number(inner).map(|times| (times, Some(times), after)),
        Some((least, "")) => number(least).map(|least| (least, None, after)),
        Some((least, most)) => Some((number(least)?, Some(number(most)?), after)),
    }
}
