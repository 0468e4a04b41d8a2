//! What holds for any template, table and list: nothing panics, and what is printed item by item is what is printed at
//! once. The generator's seed is fixed, so that a run is like every other; PROPTEST_CASES asks for more cases.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Map, Value, json};
use steersman::api::table::Table;
use steersman::output::custom_columns::CustomColumnsPrinter;
use steersman::output::gotemplate::GoTemplatePrinter;
use steersman::output::jsonpath::JsonPathPrinter;
use steersman::output::table::{TableOptions, TablePrinter};
use steersman::output::{PrintError, Printer, sort};

fn config() -> ProptestConfig {
    let cases = ProptestConfig::default().cases;
    ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), cases, ..ProptestConfig::default() }
}

/// One of these, put together from parts that mean something.
fn soup(parts: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(parts), 0..most).prop_map(|parts| parts.concat())
}

/// Paths that look at items one by one, or seem to.
const LISTS: &[&str] = &[
    "{range .items[*]}{.a}{\"\\n\"}{end}",
    "{.items[*].a}",
    "{.items[*]['a','b']}",
    "{.items[?(@.a>1)].b}",
    "{.items[*].l[*].a}",
    "{.items[*]..a}",
    "{.items[*].l[0]}",
    "{.kind}",
    "{.items[1].a}",
    "{range .items[*]}{['a','b']}{.l[*]} {end}",
    " text ",
];

const PATHS: &[&str] = &[
    "{",
    "}",
    "{.items[*]",
    "{.items[*]}",
    "{range .items[*]}",
    "{range .l[*]}",
    "{end}",
    "{.a}",
    "{.l[0]}",
    "{@}",
    ".",
    "..",
    ".a",
    ".l",
    ".kind",
    "[",
    "]",
    "[*]",
    "[0]",
    "[-1]",
    "[1:]",
    "[::2]",
    "[:-1:0]",
    "['a','b']",
    "[0,1]",
    "[?(@.a",
    "==",
    ">",
    "=~",
    ")]",
    "[?(@.a>1)]",
    "[?(@.l)]",
    "\"x\"",
    "'y'",
    "{\"\\n\"}",
    "\\",
    "1",
    "-9223372036854775808",
    "1.5",
    "$",
    "@",
    " ",
    "text",
    "é",
    "\u{0}",
    "\"",
    "'",
    "true",
    "{.metadata}",
    "[?(@.a==\"t\")].l[*]",
    "{['a']}",
    "*",
];

const RANGES: &[&str] = &[
    "{{range .items}}{{.a}}{{end}}",
    "{{range .items}}{{range .l}}{{.}}{{else}}none{{end}}{{end}}",
    "{{range .items}}{{len .l}}{{end}}",
    "{{range .items}}{{with .a}}{{$}}{{end}}{{end}}",
    "{{range .items}}{{if .a}}{{break}}{{end}}{{.b}}{{end}}",
    "{{define \"t\"}}{{$}}{{end}}",
    "{{range .items}}{{template \"t\" .a}}{{end}}",
    " text ",
    "{{range $i, $x := .items}}{{$i}}{{end}}",
    "{{- 1 -}}",
    "{{range .items}}{{else}}x{{end}}",
];

// No `define`: a template that uses itself twice never ends, in Go either.
const TEMPLATES: &[&str] = &[
    "{{",
    "}}",
    "{{range .items}}",
    "{{range $i, $x := .items}}",
    "{{range .l}}",
    "{{end}}",
    "{{else}}",
    "{{if .a}}",
    "{{with .b}}",
    "{{.a}}",
    "{{.}}",
    "{{$}}",
    "{{$.kind}}",
    "{{$x}}",
    "{{$x := .a}}",
    "{{break}}",
    "{{continue}}",
    "{{- ",
    " -}}",
    "text",
    "\n",
    "{{/* c */}}",
    "{{template \"t\" .}}",
    "{{block \"b\" .}}",
    "{{len .l}}",
    "{{index .l 0}}",
    "{{index .l 9}}",
    "{{slice .l 0 1}}",
    "{{printf \"%v %d %s %q %x %5.2f %t %T %+v %#v\" .a .b .l}}",
    "{{printf \"%[2]*[1]d%!\" 1 2}}",
    "{{eq .a 1}}",
    "{{lt .a .b}}",
    "{{and .a .b}}",
    "{{not .a}}",
    "{{html .a}}",
    "{{js .a}}",
    "{{urlquery .a}}",
    "{{print .a 1 \"x\"}}",
    "{{exists . \"a\"}}",
    "{{base64decode .a}}",
    "{{call .a}}",
    "{{1}}",
    "{{'c'}}",
    "{{0x1F}}",
    "{{1e3}}",
    "{{`r`}}",
    "{{nil}}",
    "{{true}}",
    "{{.a.b.c}}",
    "{{(.a).b}}",
    "{{.a | printf \"%v\"}}",
    "{{range 3}}",
    "$",
    ".",
    "|",
    "\"",
    "`",
    "(",
    ")",
    "é",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-c1-3]{0,3}",
        1 => "\\PC{0,6}",
        1 => proptest::sample::select(vec!["", "1", "2", "10", "1.5", "1Gi", "500m", "-3", "2026-01-02T03:04:05Z", "\u{1b}[2J", "a\nb", "a\r\u{c}b\tc", "é四"]).prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        3 => (-3i64..12).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        4 => text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from), object(inner)]
    })
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let key = proptest::sample::select(vec!["a", "b", "l", "metadata", "name", "labels", "namespace"])
        .prop_map(str::to_owned);
    proptest::collection::btree_map(key, inner, 0..5)
        .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>()))
}

/// Objects that say what they are.
fn objects() -> impl Strategy<Value = Vec<Value>> {
    let named = object(value()).prop_map(|mut object| {
        object["kind"] = "X".into();
        object["apiVersion"] = "v1".into();
        object
    });
    proptest::collection::vec(named, 0..5)
}

/// Prints a list item by item; where the printer finds that it needs all of it, nothing was printed.
fn by_items(mut printer: impl Printer, items: &[Value]) -> (Result<(), PrintError>, Vec<u8>) {
    let mut out = Vec::new();
    let done = printer
        .list_start(&mut out)
        .and_then(|()| items.iter().try_for_each(|item| printer.list_item(item.clone(), &mut out)))
        .and_then(|()| printer.list_end(&mut out));
    (done, out)
}

fn at_once(mut printer: impl Printer, items: &[Value]) -> (Result<(), PrintError>, Vec<u8>) {
    let mut out = Vec::new();
    let done = printer.list(items.to_vec(), &mut out);
    (done, out)
}

/// What is printed item by item is what is printed at once.
fn agree(one: (Result<(), PrintError>, Vec<u8>), all: (Result<(), PrintError>, Vec<u8>)) -> Result<(), TestCaseError> {
    match one {
        (Err(PrintError::Whole), out) => prop_assert!(out.is_empty()),
        (done, out) => {
            let words = |done: Result<(), PrintError>| done.map_err(|error| error.to_string());
            prop_assert_eq!(words(done), words(all.0));
            prop_assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&all.1));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_jsonpath(template in prop_oneof![soup(PATHS, 8), soup(LISTS, 4)], items in objects(), missing: bool, as_json: bool) {
        if let (Ok(one), Ok(all)) = (JsonPathPrinter::new(&template, as_json, missing), JsonPathPrinter::new(&template, as_json, missing)) {
            agree(by_items(one, &items), at_once(all, &items))?;
        }
    }

    #[test]
    fn any_text_as_jsonpath(template in "\\PC{0,20}", item in value()) {
        if let Ok(mut printer) = JsonPathPrinter::new(&template, false, true) {
            let _ = printer.object(item, &mut Vec::new());
        }
    }

    #[test]
    fn any_go_template(template in prop_oneof![soup(TEMPLATES, 8), soup(RANGES, 4)], items in objects(), missing: bool) {
        if let (Ok(one), Ok(all)) = (GoTemplatePrinter::new(&template, missing), GoTemplatePrinter::new(&template, missing)) {
            agree(by_items(one, &items), at_once(all, &items))?;
        }
    }

    #[test]
    fn any_text_as_go_template(template in "(\\{\\{)?\\PC{0,20}(\\}\\})?", item in value()) {
        if let Ok(mut printer) = GoTemplatePrinter::new(&template, true) {
            let _ = printer.object(item, &mut Vec::new());
        }
    }

    #[test]
    fn any_custom_columns(paths in proptest::collection::vec(soup(PATHS, 3), 1..4), items in objects(), no_headers: bool) {
        let spec = paths.iter().map(|path| format!("A:{path}")).collect::<Vec<_>>().join(",");
        let printer = || CustomColumnsPrinter::from_spec(&spec, no_headers);
        if let (Ok(one), Ok(all)) = (printer(), printer()) {
            agree(by_items(one, &items), at_once(all, &items))?;
        }
    }

    #[test]
    fn any_order(mut items in proptest::collection::vec(object(value()), 0..60), field in soup(PATHS, 3)) {
        let _ = sort::objects(&mut items, "{.a}");
        let _ = sort::objects(&mut items, &field);
        let rows: Vec<Value> = items.iter().map(|item| json!({"cells": [item["a"]], "object": item})).collect();
        let table = json!({"columnDefinitions": [{"name": "A", "type": "string"}], "rows": rows});
        let mut table: Table = serde_json::from_value(table).unwrap();
        let _ = sort::table(&mut table, "{.a}");
        prop_assert_eq!(table.rows.len(), items.len());
    }

    #[test]
    fn any_table(
        names in proptest::collection::vec(text(), 0..5),
        rows in proptest::collection::vec((proptest::collection::vec(value(), 0..7), value()), 0..5),
        switches: [bool; 5],
        label in text(),
    ) {
        let columns: Vec<Value> = names.iter().enumerate()
            .map(|(n, name)| json!({"name": name, "type": "string", "format": if n == 0 { "name" } else { "" }, "priority": n % 2}))
            .collect();
        let rows: Vec<Value> = rows.iter().map(|(cells, object)| json!({"cells": cells, "object": object})).collect();
        let count = rows.len();
        let table: Table = serde_json::from_value(json!({"columnDefinitions": columns, "rows": rows})).unwrap();
        let [wide, no_headers, with_namespace, show_labels, kind] = switches;
        let mut printer = TablePrinter::new(Vec::new());
        let kind = kind.then(|| "pod".to_string());
        printer.begin(TableOptions { wide, no_headers, with_namespace, show_labels, label_columns: vec![label], kind, now: 0 }).unwrap();
        printer.table(&table).unwrap();
        printer.event("ADDED", &table).unwrap();
        for object in &table.rows {
            printer.object(&object.object, None).unwrap();
        }
        prop_assert_eq!(printer.has_printed().unwrap(), count > 0);
    }
}
