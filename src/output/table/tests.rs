use super::*;
use crate::api::table;
use serde_json::json;

fn table(columns: &[(&str, i32)], rows: &[Value]) -> Table {
    let columns = columns.iter().enumerate().map(|(index, (name, priority))| Column {
        format: if index == 0 { "name".into() } else { String::new() },
        priority: *priority,
        ..cells::column(name)
    });
    let rows = rows.iter().map(|cells| table::Row {
        cells: cells.as_array().unwrap().clone(),
        object: json!({"metadata": {"namespace": "ns", "labels": {"a.b/app": "web", "t": "x"}}}),
    });
    Table { column_definitions: columns.collect(), rows: rows.collect(), ..Table::default() }
}

fn print(parts: &[(TableOptions, Vec<Table>)]) -> String {
    let mut out = Vec::new();
    let mut printer = TablePrinter::new(&mut out);
    for (options, tables) in parts {
        printer.begin(options.clone()).unwrap();
        tables.iter().for_each(|table| printer.table(table).unwrap());
    }
    printer.flush().unwrap();
    String::from_utf8(out).unwrap()
}

const PODS: &[(&str, i32)] = &[("Name", 0), ("Ready", 0), ("Node", 1)];

fn pods() -> Table {
    table(PODS, &[json!(["web-1", "0/2", "n1"]), json!(["b", 5, null])])
}

#[test]
fn options_add_columns() {
    let plain = TableOptions::default();
    for (options, want) in [
        (plain.clone(), "NAME    READY\nweb-1   0/2\nb       5\n"),
        (TableOptions { wide: true, ..plain.clone() }, "NAME    READY   NODE\nweb-1   0/2     n1\nb       5       \n"),
        (TableOptions { no_headers: true, ..plain.clone() }, "web-1   0/2\nb       5\n"),
        (
            TableOptions { with_namespace: true, kind: Some("pod".into()), ..plain.clone() },
            "NAMESPACE   NAME        READY\nns          pod/web-1   0/2\nns          pod/b       5\n",
        ),
        (
            TableOptions { label_columns: vec!["a.b/app".into(), "no".into()], show_labels: true, ..plain.clone() },
            "NAME    READY   APP   NO    LABELS\n\
             web-1   0/2     web         a.b/app=web,t=x\n\
             b       5       web         a.b/app=web,t=x\n",
        ),
    ] {
        assert_eq!(print(&[(options, vec![pods()])]), want);
    }
}

#[test]
fn groups_are_parted_by_a_blank_line_when_both_show_something() {
    let named = TableOptions { kind: Some("pod".into()), ..TableOptions::default() };
    let bare = TableOptions { no_headers: true, ..TableOptions::default() };
    let none = table(PODS, &[]);
    let one = table(&[("Name", 0)], &[json!(["x"])]);
    for (parts, want) in [
        (vec![(named.clone(), vec![one.clone()]), (named.clone(), vec![one.clone()])], "NAME\npod/x\n\nNAME\npod/x\n"),
        (vec![(named.clone(), vec![none.clone()]), (named.clone(), vec![one.clone()])], "NAME\npod/x\n"),
        (vec![(named.clone(), vec![one.clone()]), (named.clone(), vec![none])], "NAME\npod/x\n"),
        (vec![(bare.clone(), vec![one.clone()]), (bare, vec![one])], "x\nx\n"),
    ] {
        assert_eq!(print(&parts), want);
    }
}

#[test]
fn later_tables_have_no_headings_and_keep_the_widths() {
    let later = table(&[], &[json!(["c", "1/1", "n"])]);
    let wider = table(PODS, &[json!(["a-long-name", "1/1", "n"])]);
    let want = "NAME    READY\nweb-1   0/2\nb       5\nc       1/1\na-long-name   1/1\nc             1/1\n";
    let mut out = Vec::new();
    let mut printer = TablePrinter::new(&mut out);
    printer.begin(TableOptions::default()).unwrap();
    for table in [&pods(), &later, &wider, &later] {
        printer.table(table).unwrap();
        printer.flush().unwrap();
    }
    assert_eq!(String::from_utf8(out).unwrap(), want);
}

#[test]
fn cells_are_one_safe_line() {
    let odd = table(
        PODS,
        &[json!(["a\nlonger-than-shown", "é\u{1b}[31m", ""]), json!(["t\tab", ["l"], ""]), json!(["short"])],
    );
    // The first column is as wide as its longest cell was before it was cut short.
    assert_eq!(
        print(&[(TableOptions::default(), vec![odd])]),
        "NAME                  READY\na...                  é^[[31m\nt                     ab    [l]\nshort\n"
    );
}

#[test]
fn many_rows_have_the_width_of_the_widest() {
    let rows: Vec<Value> = (0..250).map(|n| json!(["n", "x".repeat(n / 10), "y"])).collect();
    let printed = print(&[(TableOptions { wide: true, ..TableOptions::default() }, vec![table(PODS, &rows)])]);
    let widths: Vec<usize> = printed.lines().skip(1).map(str::len).collect();
    assert_eq!((widths.len(), widths.iter().min(), widths.iter().max()), (250, Some(&35), Some(&35)));
}

#[test]
fn events_come_first() {
    let mut out = Vec::new();
    let mut printer = TablePrinter::new(&mut out);
    printer.begin(TableOptions::default()).unwrap();
    for event in ["ADDED", "MODIFIED", "DELETED"] {
        printer.event(event, &table(&[("Name", 0)], &[json!(["x"])])).unwrap();
        printer.flush().unwrap();
    }
    assert_eq!(String::from_utf8(out).unwrap(), "EVENT      NAME\nADDED      x\nMODIFIED   x\nDELETED    x\n");
}

#[test]
fn objects_without_a_table_show_name_and_age() {
    let object = json!({"metadata": {"name": "x", "namespace": "ns", "labels": {"a": "b"}, "creationTimestamp": "2026-01-01T00:00:00Z"}});
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Gone", "message": "m"});
    let all = TableOptions {
        with_namespace: true,
        show_labels: true,
        label_columns: vec!["a".into()],
        kind: Some("x.example.com".into()),
        now: 1_767_225_690,
        ..TableOptions::default()
    };
    for (options, event, objects, want) in [
        (TableOptions::default(), None, vec![&json!({"metadata": {"name": "x"}})], "NAME   AGE\nx      <unknown>\n"),
        (
            TableOptions { no_headers: true, ..all.clone() },
            None,
            vec![&object],
            "ns    x.example.com/x   90s   b     a=b\n",
        ),
        (
            all,
            Some("ADDED"),
            vec![&object],
            "EVENT      NAMESPACE   NAME              AGE   A     LABELS\n\
             ADDED      ns          x.example.com/x   90s   b     a=b\n",
        ),
        (
            TableOptions::default(),
            None,
            vec![&json!({"metadata": {"name": "x"}}), &status],
            "NAME   AGE\nx      <unknown>\n\nSTATUS    REASON   MESSAGE\nFailure   Gone     m\n",
        ),
    ] {
        let mut out = Vec::new();
        let mut printer = TablePrinter::new(&mut out);
        printer.begin(options).unwrap();
        objects.iter().for_each(|object| printer.object(object, event).unwrap());
        printer.flush().unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }
}
