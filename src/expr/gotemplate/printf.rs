//! Go's `fmt.Sprint`, `Sprintln` and `Sprintf`.

use super::value::{Held, Val};
use crate::api::{Value, json};
use crate::expr::go_value::{Quoted, Syntax, code_point, is_printable};

/// The arguments, with a blank between two that are both no text.
pub(super) fn sprint(args: &[Val<'_>]) -> String {
    let mut out = String::new();
    let mut after_text = true;
    for arg in args {
        let text = matches!(arg.held, Held::Text(_));
        if !text && !after_text {
            out.push(' ');
        }
        out.push_str(&arg.held.to_string());
        after_text = text;
    }
    out
}

/// The arguments with blanks between, and a line end.
pub(super) fn sprintln(args: &[Val<'_>]) -> String {
    args.iter().map(|arg| arg.held.to_string()).collect::<Vec<_>>().join(" ") + "\n"
}

/// How one argument is printed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spec {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// The largest width or precision that Go takes.
const MOST: usize = 1_000_000;

/// The arguments, printed as the format says.
pub(super) fn sprintf(format: &str, args: &[Val<'_>]) -> String {
    Printf { format: format.chars().collect(), at: 0, args, next: 0, reordered: false, bad_index: false }.run()
}

struct Printf<'a, 'b> {
    format: Vec<char>,
    at: usize,
    args: &'b [Val<'a>],
    next: usize,
    /// Whether an argument was asked for by number.
    reordered: bool,
    bad_index: bool,
}

impl Printf<'_, '_> {
    fn run(mut self) -> String {
        let mut out = String::new();
        let mut ever_reordered = false;
        while let Some(c) = self.take() {
            if c != '%' {
                out.push(c);
                continue;
            }
            (self.reordered, self.bad_index) = (false, false);
            let mut spec = Spec::default();
            let mut after_index = false;
            while let Some(flag) = self.peek() {
                match flag {
                    '#' => spec.sharp = true,
                    '0' => spec.zero = true,
                    '+' => spec.plus = true,
                    '-' => spec.minus = true,
                    ' ' => spec.space = true,
                    _ => break,
                }
                self.at += 1;
            }
            self.index(&mut after_index);
            if self.peek() == Some('*') {
                self.at += 1;
                match self.number_argument() {
                    Some(width) => {
                        spec.minus |= width < 0;
                        spec.width = Some(width.unsigned_abs() as usize);
                    }
                    None => out.push_str("%!(BADWIDTH)"),
                }
                after_index = false;
            } else {
                spec.width = self.digits();
                if after_index && spec.width.is_some() {
                    self.bad_index = true;
                }
            }
            if self.peek() == Some('.') {
                self.at += 1;
                if after_index {
                    self.bad_index = true;
                }
                self.index(&mut after_index);
                if self.peek() == Some('*') {
                    self.at += 1;
                    match self.number_argument() {
                        Some(precision) => spec.precision = usize::try_from(precision).ok(),
                        None => out.push_str("%!(BADPREC)"),
                    }
                    after_index = false;
                } else {
                    spec.precision = Some(self.digits().unwrap_or(0));
                }
            }
            if !after_index {
                self.index(&mut after_index);
            }
            ever_reordered |= self.reordered;
            // With a minus, blanks fill up on the right, and never zeros.
            spec.zero &= !spec.minus;
            let Some(verb) = self.take() else {
                out.push_str("%!(NOVERB)");
                break;
            };
            // With `v`, a plus asks for the names of fields, of which there are none here.
            spec.plus &= verb != 'v';
            if verb == '%' {
                out.push('%');
            } else if self.bad_index {
                out.push_str(&format!("%!{verb}(BADINDEX)"));
            } else if let Some(arg) = self.args.get(self.next) {
                self.next += 1;
                out.push_str(&verb_of(verb, &arg.held, spec));
            } else {
                out.push_str(&format!("%!{verb}(MISSING)"));
            }
        }
        if !ever_reordered && self.next < self.args.len() {
            let extra = self.args[self.next..].iter().map(|arg| match &arg.held {
                Held::Missing | Held::Nil => "<nil>".to_owned(),
                held => format!("{}={held}", held.type_name()),
            });
            out.push_str(&format!("%!(EXTRA {})", extra.collect::<Vec<_>>().join(", ")));
        }
        out
    }

    fn peek(&self) -> Option<char> {
        self.format.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn digits(&mut self) -> Option<usize> {
        let start = self.at;
        let mut number = 0usize;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            number = (number * 10 + digit as usize).min(MOST + 1);
            self.at += 1;
        }
        (self.at > start && number <= MOST).then_some(number)
    }

    fn number_argument(&mut self) -> Option<i64> {
        let number = self.args.get(self.next)?.held.integer();
        self.next += 1;
        number.filter(|number| number.unsigned_abs() as usize <= MOST)
    }

    /// Reads `[3]`: the number of the argument that comes next.
    fn index(&mut self, found: &mut bool) {
        if self.peek() != Some('[') {
            return;
        }
        self.reordered = true;
        let inside: String = self.format[self.at + 1..].iter().take_while(|c| **c != ']').collect();
        if self.at + 1 + inside.chars().count() >= self.format.len() {
            self.bad_index = true;
            self.at += 1;
            return;
        }
        self.at += inside.chars().count() + 2;
        match inside.parse::<usize>() {
            Ok(number) if (1..=self.args.len()).contains(&number) => {
                self.next = number - 1;
                *found = true;
            }
            _ => {
                self.bad_index = true;
                *found = true;
            }
        }
    }
}

/// Prints one value by a verb.
pub(super) fn verb_of(verb: char, held: &Held<'_>, spec: Spec) -> String {
    if verb == 'T' {
        return pad(held.type_name(), spec.without_zero());
    }
    match held {
        Held::Missing | Held::Nil if verb == 'v' => pad("<nil>", spec.without_zero()),
        Held::Bool(value) if matches!(verb, 't' | 'v') => pad(&value.to_string(), spec.without_zero()),
        Held::Int(int) | Held::Int64(int) => integer(verb, *int, held, spec),
        Held::Byte(byte) if verb == 'v' && spec.sharp => pad(&format!("0x{byte:x}"), spec),
        Held::Byte(byte) => integer(verb, i64::from(*byte), held, spec),
        Held::Float(number) => float(verb, *number, held, spec),
        Held::Text(value) => text(verb, value, held, spec),
        Held::List(items) => {
            let items = items.iter().map(|item| inner(verb, item, spec));
            match verb {
                'v' if spec.sharp => format!("[]interface {{}}{{{}}}", items.collect::<Vec<_>>().join(", ")),
                'p' => bad(verb, held, spec),
                _ => format!("[{}]", items.collect::<Vec<_>>().join(" ")),
            }
        }
        Held::Map(map) => {
            let entries = map.iter().map(|(key, value)| {
                let key = verb_of(verb, &Held::Text(key.into()), spec);
                format!("{key}:{}", inner(verb, value, spec))
            });
            match verb {
                'v' if spec.sharp => {
                    format!("map[string]interface {{}}{{{}}}", entries.collect::<Vec<_>>().join(", "))
                }
                'p' => bad(verb, held, spec),
                _ => format!("map[{}]", entries.collect::<Vec<_>>().join(" ")),
            }
        }
        _ => bad(verb, held, spec),
    }
}

/// Prints what is in a list or map.
fn inner(verb: char, value: &Value, spec: Spec) -> String {
    match value {
        Value::Null if verb == 'v' && spec.sharp => "interface {}(nil)".into(),
        Value::Null => pad("<nil>", spec.without_zero()),
        value => verb_of(verb, &value.into(), spec),
    }
}

/// What Go prints for a verb that does not fit.
fn bad(verb: char, held: &Held<'_>, spec: Spec) -> String {
    match held {
        Held::Missing | Held::Nil => format!("%!{verb}(<nil>)"),
        held => format!("%!{verb}({}={})", held.type_name(), verb_of('v', held, spec)),
    }
}

impl Spec {
    fn without_zero(self) -> Self {
        Self { zero: false, ..self }
    }
}

/// Fills up to the width: blanks on the left, on the right with a minus, or zeros after a sign.
fn pad(text: &str, spec: Spec) -> String {
    let missing = spec.width.unwrap_or(0).saturating_sub(text.chars().count());
    if missing == 0 {
        text.to_owned()
    } else if spec.minus {
        format!("{text}{}", " ".repeat(missing))
    } else if spec.zero {
        let digits = text.strip_prefix(['+', '-', ' ']).unwrap_or(text);
        let sign = &text[..text.len() - digits.len()];
        format!("{sign}{}{digits}", "0".repeat(missing))
    } else {
        format!("{}{text}", " ".repeat(missing))
    }
}

fn sign(negative: bool, spec: Spec) -> &'static str {
    match (negative, spec.plus, spec.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    }
}

fn integer(verb: char, int: i64, held: &Held<'_>, spec: Spec) -> String {
    let size = int.unsigned_abs();
    let (digits, prefix) = match verb {
        'd' | 'v' => (size.to_string(), ""),
        'b' => (format!("{size:b}"), if spec.sharp { "0b" } else { "" }),
        'o' => (format!("{size:o}"), if spec.sharp { "0" } else { "" }),
        'O' => (format!("{size:o}"), "0o"),
        'x' => (format!("{size:x}"), if spec.sharp { "0x" } else { "" }),
        'X' => (format!("{size:X}"), if spec.sharp { "0X" } else { "" }),
        'c' => return pad(&character(int).to_string(), spec.without_zero()),
        'q' => return pad(&quoted_character(character(int)), spec.without_zero()),
        'U' => {
            let code = format!("U+{size:04X}");
            let shown = if spec.sharp { code_point(character(int)) } else { code };
            return pad(&shown, spec.without_zero());
        }
        _ => return bad(verb, held, spec),
    };
    let precision = spec.precision.unwrap_or(0).saturating_sub(digits.len());
    let digits = format!("{}{digits}", "0".repeat(precision));
    let sign = sign(int < 0, spec);
    let zero = spec.zero && spec.precision.is_none();
    if zero {
        // Zeros fill up between the prefix and the digits, and the prefix does not count.
        let missing = spec.width.unwrap_or(0).saturating_sub(sign.len() + digits.len());
        return format!("{sign}{prefix}{}{digits}", "0".repeat(missing));
    }
    pad(&format!("{sign}{prefix}{digits}"), spec.without_zero())
}

fn character(int: i64) -> char {
    u32::try_from(int).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn quoted_character(c: char) -> String {
    match c {
        '\'' => "'\\''".into(),
        '"' => "'\"'".into(),
        c if is_printable(c) && c != '\\' => format!("'{c}'"),
        c => {
            let quoted = Quoted(c.encode_utf8(&mut [0; 4])).to_string();
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
    }
}

fn float(verb: char, number: f64, held: &Held<'_>, spec: Spec) -> String {
    let digits = number.abs();
    let exponent = |precision: usize, mark: char| {
        let text = format!("{digits:.precision$e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let power: i32 = exponent.parse().unwrap_or(0);
        format!("{mantissa}{mark}{}{:02}", if power < 0 { '-' } else { '+' }, power.abs())
    };
    let text = match (verb, spec.precision) {
        ('v' | 'g', None) => json::float_g(digits),
        ('G', None) => json::float_g(digits).to_uppercase(),
        ('v' | 'g' | 'G', Some(precision)) => {
            let text = general(digits, precision.max(1));
            if verb == 'G' { text.to_uppercase() } else { text }
        }
        ('f' | 'F', precision) => format!("{digits:.*}", precision.unwrap_or(6)),
        ('e', precision) => exponent(precision.unwrap_or(6), 'e'),
        ('E', precision) => exponent(precision.unwrap_or(6), 'E'),
        _ => return bad(verb, held, spec),
    };
    pad(&format!("{}{text}", sign(number.is_sign_negative(), spec)), spec)
}

/// So many digits, with an exponent where the point would be outside of them.
fn general(number: f64, precision: usize) -> String {
    let text = format!("{number:.*e}", precision - 1);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let power: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
    };
    if power < -4 || power >= i32::try_from(precision).unwrap_or(i32::MAX) {
        return format!("{}e{}{:02}", trimmed(mantissa), if power < 0 { '-' } else { '+' }, power.abs());
    }
    let decimals = usize::try_from(i64::try_from(precision).unwrap_or(0) - 1 - i64::from(power)).unwrap_or(0);
    trimmed(&format!("{number:.decimals$}"))
}

/// A quoted text with escapes for all that is not ASCII.
fn in_ascii(quoted: &str) -> String {
    let escaped = quoted.chars().map(|c| match u32::from(c) {
        0..0x80 => c.to_string(),
        code @ 0x80..0x10000 => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    });
    escaped.collect()
}

fn text(verb: char, value: &str, held: &Held<'_>, spec: Spec) -> String {
    let cut: String = match spec.precision {
        Some(precision) => value.chars().take(precision).collect(),
        None => value.to_owned(),
    };
    match verb {
        'v' if spec.sharp => pad(&Syntax(&Value::String(cut)).to_string(), spec),
        's' | 'v' => pad(&cut, spec),
        'q' if spec.sharp && !cut.contains('`') && cut.chars().all(|c| c == '\t' || !c.is_control()) => {
            pad(&format!("`{cut}`"), spec)
        }
        'q' if spec.plus => pad(&in_ascii(&Quoted(&cut).to_string()), spec),
        'q' => pad(&Quoted(&cut).to_string(), spec),
        'x' | 'X' => {
            let bytes = value.as_bytes();
            let bytes = &bytes[..spec.precision.unwrap_or(bytes.len()).min(bytes.len())];
            let hex = bytes.iter().map(|b| if verb == 'x' { format!("{b:02x}") } else { format!("{b:02X}") });
            let prefix = match (spec.sharp, verb) {
                (false, _) => "",
                (true, 'x') => "0x",
                (true, _) => "0X",
            };
            let digits = if spec.space {
                hex.map(|digits| format!("{prefix}{digits}")).collect::<Vec<_>>().join(" ")
            } else {
                let digits = hex.collect::<String>();
                if digits.is_empty() { digits } else { format!("{prefix}{digits}") }
            };
            pad(&digits, spec)
        }
        _ => bad(verb, held, spec),
    }
}
