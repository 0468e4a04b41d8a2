//! Man pages, one for each command.

use clap::{Arg, Command};
use std::collections::BTreeMap;
use std::fmt::Write;
use steersman::commands::{help, table};

/// All pages: file name and text.
pub fn pages(program: &'static str) -> BTreeMap<String, String> {
    let mut root = table(program);
    root.build();
    let mut pages = BTreeMap::new();
    add(&root, program, &mut Vec::new(), &mut pages);
    pages
}

fn add(command: &Command, program: &str, path: &mut Vec<String>, pages: &mut BTreeMap<String, String>) {
    pages.insert(format!("{}.1", title(program, path)), page(command, program, path));
    for below in shown(command) {
        path.push(below.get_name().to_string());
        add(below, program, path, pages);
        path.pop();
    }
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| !command.is_hide_set())
}

/// `steer-create-secret`.
fn title(program: &str, path: &[String]) -> String {
    std::iter::once(program).chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join("-")
}

fn page(command: &Command, program: &str, path: &[String]) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let long = command.get_long_about().map_or_else(|| about.clone(), ToString::to_string);
    let name = title(program, path);
    let mut out = String::new();
    let _ = writeln!(
        out,
        ".TH {} 1 \"\" \"steersman {}\" \"{program} manual\"",
        escape(&name.to_uppercase()),
        env!("CARGO_PKG_VERSION")
    );
    let _ = writeln!(out, ".SH NAME\n{} \\- {}", escape(&name), escape(about.trim_end_matches('.')));
    let _ = writeln!(out, ".SH SYNOPSIS\n{}", escape(&help::usage(command, path, program)));
    let _ = writeln!(out, ".SH DESCRIPTION");
    paragraphs(&mut out, &long);

    let below: Vec<&Command> = shown(command).collect();
    if !below.is_empty() {
        let _ = writeln!(out, ".SH COMMANDS");
        for c in below {
            let full = title(program, &[path, &[c.get_name().to_string()]].concat());
            let about = c.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(out, ".TP\n.BR {} (1)\n{}", escape(&full), escape(&about));
        }
    }
    let own: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| arg.get_long().is_some() && !arg.is_hide_set() && (path.is_empty() || !arg.is_global_set()))
        .collect();
    options(&mut out, own);
    if let Some(examples) = command.get_after_help() {
        let _ = writeln!(out, ".SH EXAMPLES\n.nf");
        for line in examples.to_string().lines() {
            let own = line.replacen("kubectl ", &format!("{program} "), 1);
            let _ = writeln!(out, "{}", escape(if line.starts_with('#') { line } else { &own }));
        }
        let _ = writeln!(out, ".fi");
    }
    if let Some((_, above)) = path.split_last() {
        let _ = writeln!(out, ".SH SEE ALSO");
        if !above.is_empty() {
            let _ = writeln!(out, ".BR {} (1),", escape(&title(program, above)));
        }
        let _ = writeln!(out, ".BR {program} (1)\nhas the options of all commands.");
    }
    out
}

fn options(out: &mut String, mut args: Vec<&Arg>) {
    args.sort_by_key(|arg| arg.get_long());
    if args.is_empty() {
        return;
    }
    let _ = writeln!(out, ".SH OPTIONS");
    for arg in args {
        let short = arg.get_short().map(|c| format!("\\fB\\-{c}\\fR, ")).unwrap_or_default();
        let long = escape(arg.get_long().unwrap_or_default());
        let default = escape(&help::default(arg));
        let text = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(out, ".TP\n{short}\\fB\\-\\-{long}\\fR={default}\n{}", escape(&text));
    }
}

/// Text as paragraphs; indented lines stay as they are.
fn paragraphs(out: &mut String, text: &str) {
    for (position, paragraph) in text.split("\n\n").enumerate() {
        if position > 0 {
            let _ = writeln!(out, ".PP");
        }
        let _ = writeln!(out, "{}", escape(paragraph.trim()));
    }
}

/// Keeps roff from reading commands into text.
fn escape(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn text_is_not_read_as_roff() {
    for (text, roff) in [("a-b", "a\\-b"), (".SH x\n'y", "\\&.SH x\n\\&'y"), ("a\\n", "a\\en")] {
        assert_eq!(escape(text), roff);
    }
}

#[test]
fn a_page_has_its_parts() {
    let arg = |name: &'static str| Arg::new(name).long(name).value_name("text").default_value("x");
    let command = Command::new("b")
        .about("Do b")
        .long_about("Do b.\n\n And more.")
        .after_help("# So\nkubectl a b")
        .before_help("FILE")
        .args([arg("two").short('t').help("Second."), arg("one").help("First."), arg("none").hide(true)]);
    let page = page(&command, "steer", &["a".into(), "b".into()]);
    for part in [
        ".TH STEER\\-A\\-B 1",
        ".SH NAME\nsteer\\-a\\-b \\- Do b\n",
        ".SH SYNOPSIS\nsteer a b FILE [options]\n",
        ".SH DESCRIPTION\nDo b.\n.PP\nAnd more.\n",
        ".SH OPTIONS\n.TP\n\\fB\\-\\-one\\fR=\\&'x'\nFirst.\n.TP\n\\fB\\-t\\fR, \\fB\\-\\-two\\fR=\\&'x'\nSecond.\n",
        ".SH EXAMPLES\n.nf\n# So\nsteer a b\n.fi\n",
        ".BR steer\\-a (1),\n.BR steer (1)\nhas the options of all commands.\n",
    ] {
        assert!(page.contains(part), "{part}\nis not in\n{page}");
    }
    assert!(!page.contains("none"));
}
