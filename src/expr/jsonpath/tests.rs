use super::*;
use serde_json::json;

fn pod() -> Value {
    json!({
        "kind": "Pod",
        "metadata": {"name": "p", "labels": {"a": "b", "x.y/z": "w"}, "annotations": {"h": "<a&b>"}},
        "spec": {
            "priority": 5,
            "share": 1000000.5,
            "nothing": null,
            "hostNetwork": false,
            "containers": [
                {"name": "c1", "image": "i", "ports": [{"containerPort": 80}, {"containerPort": 443}]},
                {"name": "c2", "image": "j"},
            ],
        },
    })
}

fn print(template: &str, allow_missing: bool) -> String {
    let mut out = Vec::new();
    match JsonPath::parse(template) {
        Err(error) => format!("parse: {error}"),
        Ok(path) => match path.print(&pod(), &mut out, allow_missing) {
            Err(error) => format!("eval: {error}"),
            Ok(()) => String::from_utf8(out).unwrap(),
        },
    }
}

#[test]
fn templates_print_what_kubectl_prints() {
    for (template, want) in [
        ("", ""),
        ("plain", "plain"),
        (".metadata.name", ".metadata.name"),
        ("}{.kind}", "}Pod"),
        ("{ .kind }  {  .kind  }", "Pod  Pod"),
        ("{.kind}/{.metadata.name} {\"literal\"}", "Pod/p literal"),
        ("{$.kind}{@.kind}", "PodPod"),
        ("{.}", ""),
        ("{5}{-3.50}{+1}{true}{\"a\\tb\"}{'\\''}", "5-3.51truea\tb'"),
        ("{.spec.priority} {.spec.share} {.spec.hostNetwork} {.spec.nothing}", "5 1.0000005e+06 false null"),
        ("{.metadata.labels.x\\.y/z}{.metadata.labels['x\\.y/z']}{.metadata['labels'].a}", "wwb"),
        ("{.metadata['labels.a']}{.kind' }{.metadata.labels.a\\q}", "b"),
        ("{.metadata.annotations}", "{\"h\":\"\\u003ca\\u0026b\\u003e\"}"),
        ("{.spec.containers[0].ports}", "[{\"containerPort\":80},{\"containerPort\":443}]"),
        ("{.spec.containers[*].name}", "c1 c2"),
        ("{.metadata.labels.*}", "b w"),
        ("{.kind.*}", "80 111 100"),
        ("{..containerPort}", "80 443"),
        ("{..name}", "p c1 c2"),
        ("{.metadata..a}", "b"),
        ("{..ports[0]}", "{\"containerPort\":80}"),
        ("{.spec['priority','hostNetwork']}", "5 false"),
        ("{.spec.containers[1, 0].name}", "c2 c1"),
        // Indexes and slices.
        ("{.spec.containers[-1].name}{.spec.containers[].name}{.spec.containers[-2].name}", "c2c1c1"),
        ("{.spec.containers[0:2].name}|{.spec.containers[::2].name}|{.spec.containers[-1:].name}", "c1 c2|c1|c2"),
        ("{.spec.containers[:-1].name}{.spec.containers[5:5].name}", "c1"),
        // Missing fields.
        ("{.nosuch}{.kind.x}{.spec.priority.x}{.spec.containers[*].nosuch}|", "|"),
        // Ranges.
        ("{range .spec.containers[*]}{.name}:{end}x", "c1:c2:x"),
        ("{range .spec.containers[*]}{range .ports[*]}{.containerPort},{end}{.name}\n{end}", "80,443,c1\nc2\n"),
        ("{range .nosuch[*]}{range .x[*]}{.y}{end}{end}z", "z"),
        ("{range}{.kind}{end}{range .metadata.labels.*}{@}-{end}", "Podb-w-"),
        ("{range .spec.containers[*]}{.name}", "c1c2"),
        // Filters.
        ("{.spec.containers[?(@.name==\"c2\")].image}{.spec.containers[?(@.name=='c1')].image}", "ji"),
        ("{.spec.containers[?(@.name!=\"c1\")].name}{.spec.containers[?(@.name>\"c1\")].name}", "c2c2"),
        ("{.spec.containers[0].ports[?(@.containerPort>80)].containerPort}", "443"),
        ("{.spec.containers[0].ports[?(@.containerPort<=80)].containerPort}", "80"),
        ("{.spec.containers[?(@.ports)].name}{.spec.containers[?(true)].name}", "c1c1 c2"),
        ("{.spec.containers[?(@.ports[0].containerPort==80)].name}", "c1"),
        ("{.spec.containers[?(@.name==@.name)].name}", "c1 c2"),
        ("{.spec.containers[?(@.name==\")\")].name}{.spec.containers[?(@.a=)].name}", ""),
        // What cannot be evaluated exists.
        ("{.spec.containers[?(@.ports[5])].name}|{.spec.containers[?(@.name[0])].name}", "c1|c1 c2"),
    ] {
        assert_eq!(print(template, true), want, "{template}");
    }
}

#[test]
fn errors_are_kubectls() {
    for (template, want) in [
        ("{.metadata.name", "parse: unclosed action"),
        ("{.kind}}{.kind", "parse: unclosed action"),
        ("{.kind} {\n.kind}", "parse: unclosed action"),
        ("{#}", "parse: unrecognized character in action: U+0023 '#'"),
        ("{\t.kind}", "parse: unrecognized character in action: U+0009"),
        ("{.a[0],.b}", "parse: unrecognized character in action: U+002C ','"),
        ("{.a..*}", "parse: unrecognized character in action: U+002A '*'"),
        ("{....name}", "parse: invalid multiple recursive descent"),
        ("{[}", "parse: unterminated array"),
        ("{.a[x]}", "parse: invalid array index x"),
        ("{.a[ 0 ]}", "parse: invalid array index  0 "),
        ("{.a[--1]}", "parse: invalid array index --1"),
        ("{.a[0:1:2:3]}", "parse: invalid array index 0:1:2:3"),
        ("{.items[*][\"metadata.name\",\"kind\"]}", "parse: invalid array index \"metadata.name\""),
        ("{.a[-]}", "parse: array index - is not a number"),
        ("{.a[99999999999999999999]}", "parse: array index 99999999999999999999 is not a number"),
        ("{+}", "parse: cannot parse number +"),
        ("{1.2.3}", "parse: cannot parse number 1.2.3"),
        ("{\"x}", "parse: unterminated quoted string"),
        ("{\"a\\qb\"}", "parse: unquote string \"a\\qb\" error invalid syntax"),
        ("{.a[?(}", "parse: unterminated filter"),
        ("{.a[?(@.x]}", "parse: unterminated filter"),
        ("{.a[?(@.x==\"y\")}", "parse: unclosed array expect ]"),
        ("{.a[?(@.x==\"a\" && @.y==\"b\")]}", "parse: unrecognized character in action: U+0026 '&'"),
        ("{.a[?(@.x==)]}", "parse: unrecognized character in action: U+003D '='"),
        ("{.a[?(@.x=~\"c\")]}", "parse: unrecognized character in action: U+007E '~'"),
        ("{foo}", "eval: unrecognized identifier foo"),
        ("{end}", "eval: not in range, nothing to end"),
        ("{.spec[0]}", "eval: map[string]interface {} is not array or slice"),
        ("{.kind[0]}", "eval: string is not array or slice"),
        ("{.spec.priority[0]}", "eval: int64 is not array or slice"),
        ("{.metadata.labels[?(@.a)]}", "eval: map[a:b x.y/z:w] is not array or slice and cannot be filtered"),
        ("{.spec.containers[5]}", "eval: array index out of bounds: index 5, length 2"),
        ("{.spec.containers[-3]}", "eval: array index out of bounds: index -1, length 2"),
        ("{.spec.containers[1:5]}", "eval: array index out of bounds: index 4, length 2"),
        ("{.spec.containers[1:0]}", "eval: starting index 1 is greater than ending index 0"),
        ("{.spec.containers[::0]}", "eval: step must be > 0"),
        ("{.spec.containers[?(@.name>1)]}", "eval: incompatible types for comparison"),
        ("{.spec.containers[?(@.name==true)]}", "eval: incompatible types for comparison"),
        ("{.spec.containers[0].ports[?(@.containerPort==80.0)]}", "eval: incompatible types for comparison"),
        ("{.spec.containers[?(@.ports==1)]}", "eval: invalid type for comparison"),
        ("{.spec.containers[?(true<true)]}", "eval: invalid type for comparison"),
        ("{.spec.containers[?(@.name<>\"c\")]}", "eval: unrecognized filter operator <>"),
        ("{.spec.containers[?(@.ports[*].containerPort==80)]}", "eval: can only compare one element at a time"),
        ("{.spec.containers[?(@.ports[5]==1)]}", "eval: array index out of bounds: index 5, length 2"),
    ] {
        assert_eq!(print(template, true), want, "{template}");
    }
}

#[test]
fn missing_fields_are_errors_on_demand() {
    for (template, want) in [
        ("{.nosuch}", "eval: nosuch is not found"),
        ("{.spec.containers[*].ports}", "[{\"containerPort\":80},{\"containerPort\":443}]"),
        ("{.spec.containers[?(@.ports)].name}", "c1"),
        ("{range .spec.nothing[*]}{.name}{end}", "eval: name is not found"),
        ("{.spec.nothing.x}", "eval: x is not found"),
    ] {
        assert_eq!(print(template, false), want, "{template}");
    }
}

#[test]
fn results_print_as_json_lists() {
    let mut out = Vec::new();
    let path = JsonPath::parse("{.kind}x{.spec.containers[*].name}{.nosuch}").unwrap();
    path.print_json(&pod(), &mut out, true).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "[\n    \"Pod\"\n]\n[\n    \"x\"\n]\n[\n    \"c1\",\n    \"c2\"\n]\n[]\n"
    );
}

#[test]
fn a_template_can_be_used_again() {
    let path = JsonPath::parse("{range .spec.containers[*]}{.name}{end}").unwrap();
    for _ in 0..2 {
        assert_eq!(path.find(&pod(), true).unwrap(), [[&json!("c1")], [&json!("c2")]]);
    }
}

#[test]
fn paths_may_lack_braces_and_the_first_dot() {
    for (path, want) in [
        ("metadata.name", Some("{.metadata.name}")),
        (".metadata.name", Some("{.metadata.name}")),
        ("{metadata.name}", Some("{.metadata.name}")),
        ("{.metadata.name}", Some("{.metadata.name}")),
        ("", Some("")),
        (".", Some("{..}")),
        ("{.a}{.b}", None),
        ("{.a", None),
        ("{}", None),
    ] {
        assert_eq!(relax(path).ok().as_deref(), want, "{path}");
    }
}

proptest::proptest! {
    /// Whatever is given is read or refused, and what is read can be evaluated.
    #[test]
    fn no_text_is_too_odd(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "{", "}", "[", "]", "?(", ")", "..", ".", "*", "@", "$", "'", "\"", "\\", ",", ":", "-", "1", "==", "<", "a",
        "range ", "end", "true", " ", "\n", "é", "spec", "containers", "name", "99999999999999999999",
    ]), 0..24)) {
        let text = pieces.concat();
        let pod = pod();
        if let Ok(path) = JsonPath::parse(&text) {
            let _ = path.find(&pod, true);
            let _ = path.find(&pod, false);
        }
        let _ = relax(&text);
    }
}
