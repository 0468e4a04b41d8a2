//! Texts that are wrong, and what kubectl says about them.

use super::{HEADER, first};

#[rustfmt::skip]
const CASES: &[(&str, &str)] = &[
    ("v: \"abc", "yaml: line 5: found unexpected end of stream"),
    ("v: 'abc", "yaml: line 5: found unexpected end of stream"),
    ("v: [a", "yaml: line 4: did not find expected ',' or ']'"),
    ("v: {a", "yaml: line 4: did not find expected ',' or '}'"),
    ("v: [a, b", "yaml: line 4: did not find expected ',' or ']'"),
    ("v: {a: b", "yaml: line 4: did not find expected ',' or '}'"),
    ("v: {a: b]", "yaml: line 3: did not find expected ',' or '}'"),
    ("v: [a: b}", "yaml: line 3: did not find expected ',' or ']'"),
    ("v: [a b: c}", "yaml: line 3: did not find expected ',' or ']'"),
    ("v: ]", "yaml: line 3: did not find expected node content"),
    ("v: }", "yaml: line 3: did not find expected node content"),
    ("v: ,", "yaml: line 3: did not find expected node content"),
    ("]", "yaml: line 3: did not find expected key"),
    ("}", "yaml: line 3: did not find expected key"),
    (",", "yaml: line 3: did not find expected key"),
    ("- a", "yaml: line 3: did not find expected key"),
    ("v", "yaml: line 5: could not find expected ':'"),
    ("v w", "yaml: line 5: could not find expected ':'"),
    ("v: a\nw", "yaml: line 6: could not find expected ':'"),
    ("v: a\n w: b", "yaml: line 5: mapping values are not allowed in this context"),
    ("v: |\n a\n  b\n c\nx", "yaml: line 9: could not find expected ':'"),
    ("v: |x\n a", "yaml: line 4: did not find expected comment or line break"),
    ("v: |0\n a", "yaml: line 4: found an indentation indicator equal to 0"),
    ("v: |10\n a", "yaml: line 4: did not find expected comment or line break"),
    ("v: |-+\n a", "yaml: line 4: did not find expected comment or line break"),
    ("v: |\n\t a", "yaml: line 5: found a tab character where an indentation space is expected"),
    ("v: |\n  a\n\tb", "yaml: line 6: found a tab character where an indentation space is expected"),
    ("v: >\n  a\n \tb", "yaml: line 6: found a tab character where an indentation space is expected"),
    ("v: a\n\tb", "yaml: line 5: found a tab character that violates indentation"),
    ("v:\n\t- a", "yaml: line 5: found character that cannot start any token"),
    ("v:\n  - a\n  b: c", "yaml: line 5: did not find expected '-' indicator"),
    ("v:\n  a: b\n   c: d", "yaml: line 6: mapping values are not allowed in this context"),
    ("v: &", "yaml: line 4: did not find expected alphabetic or numeric character"),
    ("v: & a", "yaml: line 4: did not find expected alphabetic or numeric character"),
    ("v: *", "yaml: line 4: did not find expected alphabetic or numeric character"),
    ("v: *a b", "yaml: unknown anchor 'a' referenced"),
    ("v: *a", "yaml: unknown anchor 'a' referenced"),
    ("v: &a [*a]", "yaml: anchor 'a' value contains itself"),
    ("v: &a {b: *a}", "yaml: anchor 'a' value contains itself"),
    ("v: &a! x", "yaml: line 4: did not find expected alphabetic or numeric character"),
    ("v: !!", "yaml: line 4: did not find expected tag URI"),
    ("v: !!int", "yaml: cannot decode !!null `` as a !!int"),
    ("v: !!int a", "yaml: cannot decode !!str `a` as a !!int"),
    ("v: !!float a", "yaml: cannot decode !!str `a` as a !!float"),
    ("v: !!bool a", "yaml: cannot decode !!str `a` as a !!bool"),
    ("v: !!null a", "yaml: cannot decode !!str `a` as a !!null"),
    ("v: !!timestamp a", "yaml: cannot decode !!str `a` as a !!timestamp"),
    ("v: !!binary a", "yaml: !!binary value contains invalid base64 data"),
    ("v: !!float 18446744073709551615", "yaml: cannot decode !!int `18446744073709551615` as a !!float"),
    ("v: !!int 1.5", "yaml: cannot decode !!float `1.5` as a !!int"),
    ("v: !!int 1e3", "yaml: cannot decode !!float `1e3` as a !!int"),
    ("v: !a!b c", "yaml: line 3: found undefined tag handle"),
    ("v: !<a", "yaml: line 4: did not find the expected '>'"),
    ("v: !<> a", "yaml: line 4: did not find expected tag URI"),
    ("v: !a%zz c", "yaml: line 4: did not find URI escaped octet"),
    ("v: !a%ff c", "yaml: line 4: found an incorrect leading UTF-8 octet"),
    ("v: !a{ c", "yaml: line 4: did not find expected whitespace or line break"),
    ("%FOO", "yaml: line 4: found unknown directive name"),
    ("%", "yaml: line 4: could not find expected directive name"),
    ("v: %a", "yaml: line 4: found character that cannot start any token"),
    ("v: @a", "yaml: line 4: found character that cannot start any token"),
    ("v: `a", "yaml: line 4: found character that cannot start any token"),
    ("v: a: b", "yaml: line 4: mapping values are not allowed in this context"),
    ("v: - a", "yaml: line 4: block sequence entries are not allowed in this context"),
    ("v: ? a", "yaml: line 4: mapping keys are not allowed in this context"),
    ("v: : a", "yaml: line 4: mapping values are not allowed in this context"),
    ("v: {a: b, c", "yaml: line 4: did not find expected ',' or '}'"),
    ("v: {a: b,, c: d}", "yaml: line 3: did not find expected node content"),
    ("v: {?}", "unsupported map key of type: %!s(<nil>), key: <nil>, value: <nil>"),
    ("? - a\n: b", "yaml: invalid map key: []interface {}{\"a\"}"),
    ("? {a: b}\n: c", "yaml: invalid map key: map[interface {}]interface {}{\"a\":\"b\"}"),
    ("? [a, b]\n: c", "yaml: invalid map key: []interface {}{\"a\", \"b\"}"),
    ("[a]: b", "yaml: invalid map key: []interface {}{\"a\"}"),
    ("{a: b}: c", "yaml: invalid map key: map[interface {}]interface {}{\"a\":\"b\"}"),
    ("*a : b", "yaml: unknown anchor 'a' referenced"),
    ("null: b", "unsupported map key of type: %!s(<nil>), key: <nil>, value: \"b\""),
    ("~: b", "unsupported map key of type: %!s(<nil>), key: <nil>, value: \"b\""),
    ("18446744073709551615: b", "unsupported map key of type: uint64, key: 0xffffffffffffffff, value: \"b\""),
    ("18446744073709551615: {a: [1, \"x\", ~, 1.5, yes]}", "unsupported map key of type: uint64, key: 0xffffffffffffffff, value: map[interface {}]interface {}{\"a\":[]interface {}{1, \"x\", interface {}(nil), 1.5, true}}"),
    ("null: {a: b}", "unsupported map key of type: %!s(<nil>), key: <nil>, value: map[interface {}]interface {}{\"a\":\"b\"}"),
    ("<<: b", "yaml: map merge requires map or sequence of maps as the value"),
    ("<<: [a]", "yaml: map merge requires map or sequence of maps as the value"),
    ("<<: [a, {b: c}]", "yaml: map merge requires map or sequence of maps as the value"),
    ("v: &a [b]\nw:\n  <<: *a", "yaml: map merge requires map or sequence of maps as the value"),
    ("v: &a [b]\n*a : c", "yaml: invalid map key: []interface {}{\"b\"}"),
    ("v: \"\\x4\"", "yaml: line 4: did not find expected hexdecimal number"),
    ("v: \"\\xzz\"", "yaml: line 4: did not find expected hexdecimal number"),
    ("v: \"\\u12\"", "yaml: line 4: did not find expected hexdecimal number"),
    ("v: \"\\ud800\"", "yaml: line 4: found invalid Unicode character escape code"),
    ("v: \"\\U00110000\"", "yaml: line 4: found invalid Unicode character escape code"),
    ("v: \"\\q\"", "yaml: line 4: found unknown escape character"),
    ("v: \"\\/\"", "yaml: line 4: found unknown escape character"),
    ("v: \"a\n---\nb\"", "yaml: line 5: found unexpected end of stream"),
    ("v: \"a\n...\nb\"", "yaml: line 5: found unexpected document indicator"),
    ("v: 'a\n...\nb'", "yaml: line 5: found unexpected document indicator"),
    ("v: - - a", "yaml: line 4: block sequence entries are not allowed in this context"),
    ("v: -", "yaml: line 4: block sequence entries are not allowed in this context"),
    ("v: - ", "yaml: line 4: block sequence entries are not allowed in this context"),
    ("v: [[a]: b]", "yaml: invalid map key: []interface {}{\"a\"}"),
    ("v: [{a: b}: c]", "yaml: invalid map key: map[interface {}]interface {}{\"a\":\"b\"}"),
    ("v: a\u{7}b", "yaml: control characters are not allowed"),
    ("v: a\u{7f}b", "yaml: control characters are not allowed"),
    ("v: a\u{90}b", "yaml: control characters are not allowed"),
    ("v: a\u{fffe}b", "yaml: control characters are not allowed"),
];

#[test]
fn errors_are_worded_as_kubectl_words_them() {
    for (text, reason) in CASES {
        let error = first(text).expect_err(text);
        assert_eq!(error.to_string(), format!("error converting YAML to JSON: {reason}"), "{text}");
        assert_eq!(error.reason(), *reason);
        assert_eq!(error.document, 0);
    }
}

#[test]
fn errors_know_their_place_in_the_stream() {
    let text = format!("---\n{HEADER}\n---\n# comment\na: b\nc: d: e\n");
    let error = crate::yaml::documents(text.as_bytes()).nth(1).unwrap().unwrap_err();
    assert_eq!(error.reason(), "yaml: line 3: mapping values are not allowed in this context");
    assert_eq!((error.document, error.line), (1, 9));
}
