//! Holds templates against what kubectl 1.37.1 made of them (fixtures/gotemplate.json).

use super::*;
use serde_json::json;

const RECORDED: &str = include_str!("../../../fixtures/gotemplate.json");

fn run(template: &str, value: &Value, allow_missing: bool) -> (String, String) {
    let mut out = Vec::new();
    let error = match GoTemplate::parse(template) {
        Err(error) => error.to_string(),
        Ok(template) => match template.execute(value, allow_missing, &mut out) {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        },
    };
    (String::from_utf8(out).unwrap(), error)
}

#[test]
fn templates_do_what_kubectl_does() {
    let recorded: Value = serde_json::from_str(RECORDED).unwrap();
    for case in recorded["cases"].as_array().unwrap() {
        let text = |key: &str| case[key].as_str().unwrap_or("").to_owned();
        let (out, error) = run(&text("template"), &recorded["object"], text("missing") != "error");
        // kubectl ends a message that has no line end with one.
        let got = (out, error.trim_end_matches('\n').to_owned());
        assert_eq!(got, (text("text"), text("error")), "{}", text("template"));
    }
}

#[test]
fn what_is_too_deep_is_an_error() {
    let deep = format!("{{{{{}1{}}}}}", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(run(&deep, &json!({}), true).1, "template: output:1: max expression depth exceeded");
    let deep = "{{if 1}}".repeat(10_000);
    assert_eq!(run(&deep, &json!({}), true).1, "template: output:1: max expression depth exceeded");
    let (_, error) = run("{{define \"a\"}}{{template \"a\" .}}{{end}}{{template \"a\" .}}", &json!({}), true);
    assert!(error.ends_with("exceeded maximum template depth (100)"), "{error}");
    assert_eq!(run(&"{{if 1}}x{{end}}".repeat(1000), &json!({}), true).0.len(), 1000);
}

#[test]
fn variables_end_with_their_block() {
    for (template, want) in [
        ("{{if 1}}{{$x := 1}}{{end}}{{$x}}", "template: output:1: undefined variable \"$x\""),
        ("{{$x := 1}}{{define \"t\"}}{{$x}}{{end}}", "template: output:1: undefined variable \"$x\""),
    ] {
        assert_eq!(run(template, &json!({}), true).1, want);
    }
}

proptest::proptest! {
    /// Whatever is given is read or refused, and what is read can be carried out.
    #[test]
    fn no_text_is_too_odd(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "{{", "}}", "{{- ", " -}}", "(", ")", "|", ".", "$", "$x", ":=", "=", ",", "'", "\"", "`", "\\", "/*", "*/", "0x",
        "1", "-", "_", "e", "if ", "else ", "end", "range ", "with ", "define ", "template ", "block ", "break", "nil",
        "printf ", "index ", "slice ", "eq ", "\"%[1]*.3v\" ", "\"%s\" ", ".a", ".l", " ", "\n", "é",
    ]), 0..24)) {
        run(&pieces.concat(), &json!({"a": "b", "l": [1, "é", null]}), true);
    }

    #[test]
    fn no_format_is_too_odd(format in "[%\\[\\]*.0-9a-zA-Z#+ -]{0,12}") {
        let template = format!("{{{{printf `{format}` .a .l 5 1.5 true nil}}}}");
        run(&template, &json!({"a": "b", "l": [1, "é", null]}), true);
    }
}
