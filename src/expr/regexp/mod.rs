//! Regular expressions as Go writes them (RE2), run by Rust's engine, which guarantees linear time too.

mod class;
mod parse;

use regex::{Regex, RegexBuilder};

/// How large a compiled expression may be. Nested counted repetitions of Kubernetes' own types need about a tenth.
const MOST: usize = 32 << 20;

/// Compiles an expression with the meaning that it has in Go. Its groups have no names.
///
/// # Errors
/// The reason, in Go's words.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    let failed = |why: &str, part: &str| format!("error parsing regexp: {why}: `{part}`");
    let translated = parse::translate(pattern).map_err(|fault| failed(fault.why, &fault.part))?;
    RegexBuilder::new(&translated).size_limit(MOST).build().map_err(|_| failed("expression too large", pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_mean_what_they_mean_in_go() {
        for (pattern, text, matches) in [
            (r"^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$", "* * * * */5", true),
            (r"^\d+$", "٣", false),
            (r"^\w+$", "é", false),
            (r"^[\d\w-]+$", "a-9_", true),
            (r"^[^\s]+$", "a b", false),
            (r"^[[:alpha:]]+$", "abc", true),
            (r"^[[a]+$", "[a", true),
            (r"^[]a]+$", "]a", true),
            (r"^[a&&b]+$", "&a", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"\bfoo\b", "a foo b", true),
            (r"^.$", "é", true),
            (r"^a{,2}$", "a{,2}", true),
            (r"^{a}{$", "{a}{", true),
            (r"^a{0,2}?b??$", "aa", true),
            (r"^\101\0\x41\x{e9}$", "A\0Aé", true),
            (r"^\<\_\-$", "<_-", true),
            (r"^[\d-z]+$", "1-z", true),
            (r"^[a\-z]+$", "m", false),
            (r"^[^a]$", "\n", true),
            (r"^\pN\p{^L}\PL$", "1--", true),
            (r"^[\pL\D[:^space:]]$", "1", true),
            (r"^(?P<n>a)(?P<n>b)(?<m>c)(?:d)$", "abcd", true),
            (r"(?i)^a(?-i)b$", "Ab", true),
            (r"(?i)^a(?-i)b$", "aB", false),
            (r"^(?i:a)b$", "Ab", true),
            (r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.){1,8}$", "a.b.", true),
        ] {
            assert_eq!(compile(pattern).unwrap().is_match(text), matches, "{pattern} {text}");
        }
        let nested = "(".repeat(1001) + &")".repeat(1001);
        for (pattern, why) in [
            ("a(b", "missing closing ): `a(b`"),
            ("a)", "unexpected ): `a)`"),
            ("[a", "missing closing ]: `[a`"),
            ("x[z-a]", "invalid character class range: `z-a`"),
            ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
            (r"\pX", r"invalid character class range: `\pX`"),
            (r"\p{Nosuch}", r"invalid character class range: `\p{Nosuch}`"),
            (r"[a-\d]", r"invalid escape sequence: `\d`"),
            (r"\8", r"invalid escape sequence: `\8`"),
            (r"\x{110000}", r"invalid escape sequence: `\x{110000`"),
            ("\\", "trailing backslash at end of expression: ``"),
            ("*a", "missing argument to repetition operator: `*`"),
            ("a|*", "missing argument to repetition operator: `*`"),
            ("(?i)+", "missing argument to repetition operator: `+`"),
            ("a**", "invalid nested repetition operator: `**`"),
            ("a{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
            ("x{2,1}", "invalid repeat count: `{2,1}`"),
            ("x{1001}", "invalid repeat count: `{1001}`"),
            ("(x{100}){11}", "invalid repeat count: `{11}`"),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            ("(?i-)a", "invalid or unsupported Perl syntax: `(?i-)`"),
            ("(?P<n", "invalid named capture: `(?P<n`"),
            ("(?P<1-a>x)", "invalid named capture: `(?P<1-a>`"),
            (nested.as_str(), &format!("expression nests too deeply: `{nested}`")),
        ] {
            assert_eq!(compile(pattern).unwrap_err(), format!("error parsing regexp: {why}"), "{pattern}");
        }
    }
}
