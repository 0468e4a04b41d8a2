//! A server whose every text holds commands for a terminal.

use crate::screen::Terminal;
use crate::server::{self, discovery, send_json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

/// What a person sees who runs this, both streams on one terminal.
fn shown(command: Command) -> String {
    Terminal::run(command).rest()
}

/// What a person sees until it ends with this.
fn shown_until(command: Command, end: &str) -> String {
    let mut terminal = Terminal::run(command);
    terminal.until(|text| text.ends_with(end));
    terminal.kill()
}

/// Clears the screen, sets the title, in seven bits and in eight; then a bell, a backspace and delete.
const EVIL: &str = r"\u001b[2J\u001b]0;x\u0007\u009b31m\u009d0;x\u009c\b\r\u007f";
const HARMLESS: &str = "^[[2J^[]0;x^G\\u009b31m\\u009d0;x\\u009c^H";

fn evil(target: &str, out: &mut TcpStream) -> std::io::Result<()> {
    if let Some(body) = discovery(target) {
        return send_json(out, "200 OK", "", body);
    }
    let pod = format!(
        r#"{{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"p{EVIL}","namespace":"{EVIL}","labels":{{"{EVIL}":"{EVIL}"}},"annotations":{{"a":"{EVIL}"}},"finalizers":["{EVIL}"],"managedFields":[{{"manager":"{EVIL}","operation":"{EVIL}","fieldsV1":{{"f:status":{{"f:phase":{{}}}}}}}}]}},"spec":{{"containers":[{{"name":"{EVIL}","image":"{EVIL}","command":["{EVIL}"]}}]}},"status":{{"phase":"{EVIL}","reason":"{EVIL}","message":"{EVIL}"}}}}"#
    );
    let deployment = format!(
        r#"{{"kind":"Deployment","apiVersion":"apps/v1","metadata":{{"name":"d","namespace":"default","generation":2}},"spec":{{"replicas":1,"selector":{{"matchLabels":{{"a":"b"}}}},"template":{{}}}},"status":{{"observedGeneration":2,"conditions":[{{"type":"ReplicaFailure","status":"True","reason":"{EVIL}","message":"{EVIL}"}}]}}}}"#
    );
    let event = format!(
        r#"{{"kind":"Event","apiVersion":"v1","type":"{EVIL}","reason":"{EVIL}","message":"{EVIL}","metadata":{{"name":"e"}},"involvedObject":{{"name":"{EVIL}"}}}}"#
    );
    let warning = "Warning: 299 - \"\u{9b}2Jbeware\"\r\n";
    let (status, body) = match target.split('?').next().unwrap_or_default() {
        "/version" => ("200 OK", format!(r#"{{"major":"1","minor":"36","gitVersion":"v1.36.0{EVIL}"}}"#)),
        "/openapi/v3" => {
            ("200 OK", r#"{"paths":{"api/v1":{"serverRelativeURL":"/openapi/v3/api/v1?hash=x"}}}"#.to_string())
        }
        "/openapi/v3/api/v1" => (
            "200 OK",
            format!(
                r#"{{"openapi":"3.0.0","components":{{"schemas":{{"Pod":{{"description":"{EVIL}","type":"object","properties":{{"a{EVIL}":{{"type":"string","description":"{EVIL}"}}}},"x-kubernetes-group-version-kind":[{{"group":"","version":"v1","kind":"Pod"}}]}}}}}},"paths":{{"/api/v1/namespaces/{{namespace}}/pods/{{name}}":{{"get":{{"x-kubernetes-group-version-kind":{{"group":"","version":"v1","kind":"Pod"}}}}}}}}}}"#
            ),
        ),
        _ if target.contains("force=false") => (
            "409 Conflict",
            format!(
                r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","message":"{EVIL}","code":409,"details":{{"causes":[{{"reason":"FieldManagerConflict","field":".status.phase","message":"conflict with {EVIL}"}},{{"reason":"FieldManagerConflict","field":"{EVIL}","message":"{EVIL}"}}]}}}}"#
            ),
        ),
        path if path.ends_with("/deployments") => {
            ("200 OK", format!(r#"{{"kind":"DeploymentList","apiVersion":"apps/v1","items":[{deployment}]}}"#))
        }
        path if path.contains("/deployments/") => ("200 OK", deployment),
        _ if target.contains("dryRun=All") => ("200 OK", pod.replace("\"image\":\"", "\"image\":\"new")),
        "/raw" => {
            ("200 OK", format!("{{\"a\": \"{EVIL}\"}}").replace("\\u001b", "\u{1b}").replace("\\u009b", "\u{9b}"))
        }
        path if path.ends_with("/denied") => (
            "403 Forbidden",
            format!(
                r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden{EVIL}","message":"{EVIL}","code":403}}"#
            ),
        ),
        path if path.ends_with("/wrong") => (
            "422 Unprocessable Entity",
            format!(
                r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Invalid","message":"m","code":422,"details":{{"name":"{EVIL}","kind":"{EVIL}","causes":[{{"field":"{EVIL}","message":"{EVIL}"}}]}}}}"#
            ),
        ),
        path if path.ends_with("/events") => {
            ("200 OK", format!(r#"{{"kind":"EventList","apiVersion":"v1","items":[{event}]}}"#))
        }
        path if path.ends_with("/pods") && target.contains("includeObject") => (
            "200 OK",
            format!(
                r#"{{"kind":"Table","apiVersion":"meta.k8s.io/v1","columnDefinitions":[{{"name":"Name{EVIL}","type":"string","format":"name"}},{{"name":"Status","type":"string"}}],"rows":[{{"cells":["{EVIL}","Error{EVIL}"],"object":{pod}}}]}}"#
            ),
        ),
        path if path.ends_with("/pods") => {
            ("200 OK", format!(r#"{{"kind":"PodList","apiVersion":"v1","items":[{pod}]}}"#))
        }
        _ => ("200 OK", pod),
    };
    send_json(out, status, warning, &body)
}

/// The text without the program's own styles, and without its going back to take lines away.
fn without_styles(text: &str) -> String {
    let styles = ["0", "1", "2", "31", "32", "33", "36", "33;1"].map(|code| format!("\x1b[{code}m"));
    let backs = ["1", "2", "3", "4", "5", "6", "7", "8"].map(|lines| format!("\x1b[{lines}F\x1b[J"));
    styles.iter().chain(&backs).fold(text.to_string(), |text, code| text.replace(code, ""))
}

#[test]
fn nothing_that_a_server_says_commands_a_terminal() {
    let server = server::start(evil);
    let file = |name: &str, text: &str| {
        let path = crate::home().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let pod = file("pod.yaml", "{apiVersion: v1, kind: Pod, metadata: {name: p}}");
    let config = file(
        "config",
        &format!(
            r#"{{"current-context":"x{EVIL}","contexts":[{{"name":"x{EVIL}","context":{{"cluster":"{EVIL}","user":""}}}}]}}"#
        ),
    );
    for (arguments, says_much) in [
        ("get pods", true),
        ("get pods -o wide --show-labels", true),
        ("get pods -A --server-print=false", true),
        ("get pods -o json", true),
        ("get pods -o yaml", false),
        ("get pods -o kyaml", false),
        ("get pods -o name", true),
        ("get pods -o jsonpath={.items[0].status.phase}", true),
        ("get pods -o jsonpath-as-json={.items[0].status.phase}", false),
        ("get pods -o jsonpath={.items[0].status.nosuch} --allow-missing-template-keys=false", false),
        ("get pods -o go-template={{range.items}}{{.status.phase}}{{end}}", true),
        ("get pods -o go-template={{.nosuch.x}}{{template(`x`)}}", false),
        ("get pods -o custom-columns=A:.status.phase,B:.metadata.labels", true),
        ("get --raw /raw", true),
        ("get pod denied", true),
        ("patch pod wrong -p {}", true),
        ("get pod denied wrong", true),
        ("describe pod p", true),
        ("delete pods --all --wait=false", true),
        ("delete pod denied", true),
        ("label pod p a=b", true),
        ("label pod p --list", true),
        ("annotate pod p --list", true),
        ("get pods -v=9", true),
        ("events", true),
        ("events -o json", true),
        ("explain pod", true),
        ("explain pod --recursive", true),
        ("explain pod.nosuch", false),
        ("version", true),
        ("version -o yaml", false),
        (&format!("diff -f {pod}"), true),
        (&format!("apply -f {pod}"), true),
        (&format!("config view --kubeconfig={config}"), false),
        (&format!("config get-contexts --kubeconfig={config}"), true),
        (&format!("config current-context --kubeconfig={config}"), true),
        (&format!("config use-context nosuch --kubeconfig={config}"), false),
        ("auth whoami", false),
        ("top pods", false),
        ("wait pod/p --for=jsonpath={.status.phase}=x --timeout=1ms", false),
        // These last until there is more to say.
        ("wait pod/p --for=jsonpath={.status.phase}=x --timeout=1500ms", true),
        ("wait pod/p --for=delete --timeout=1500ms", true),
        ("delete pod p --timeout=1500ms", true),
        ("rollout status deployment/d --timeout=3s", true),
        (&format!("apply --server-side -f {pod}"), true),
    ] {
        for colour in ["--color=always", "--color=never"] {
            let text = shown(crate::steer(&server, &format!("{arguments} {colour}")));
            let plain = without_styles(&text);
            let command = plain.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
            assert_eq!(command, None, "{arguments}:\n{}", plain.escape_debug());
            assert!(colour == "--color=always" || !text.contains("\x1b[0m"), "{arguments}");
            if says_much {
                let said = [HARMLESS, "^[[2J", "\\u001b[2J"].iter().any(|words| plain.contains(words));
                assert!(said, "{arguments}:\n{plain}");
            }
        }
    }
}

#[test]
fn warnings_and_errors_stand_out() {
    let server = server::start(evil);
    let text = shown(crate::steer(&server, "get pod denied"));
    assert!(text.contains("\x1b[33;1mWarning:\x1b[0m 2Jbeware\n"), "{}", text.escape_debug());
    assert!(text.contains("\x1b[31mError from server (Forbidden^["), "{}", text.escape_debug());
}

#[test]
fn a_pipe_gets_the_bytes() {
    let server = server::start(evil);
    let piped = |arguments: &str| crate::steer(&server, arguments).output().unwrap();
    let out = piped("get pods -o jsonpath={.items[0].status.phase}");
    assert_eq!(out.stdout, b"\x1b[2J\x1b]0;x\x07\xc2\x9b31m\xc2\x9d0;x\xc2\x9c\x08\r\x7f");
    assert_eq!(out.stderr, b"Warning: 2Jbeware\n");
    // Colours that were asked for pass the pipe on to some terminal.
    let out = piped("get pods -o jsonpath={.items[0].status.phase} --color");
    assert_eq!(String::from_utf8(out.stdout).unwrap(), format!("{HARMLESS}^M^?"));
}

/// A table of pods, and a watch that says what happened and then stays open.
fn changing(target: &str, out: &mut TcpStream) -> std::io::Result<()> {
    const COLUMNS: &str = r#"[{"name":"Name","type":"string","format":"name"},{"name":"Status","type":"string"}]"#;
    let table = |columns: &str, rows: &[(&str, &str)], version: usize| {
        let row = |(name, status): &(&str, &str)| {
            format!(
                r#"{{"cells":["{name}","{status}"],"object":{{"metadata":{{"name":"{name}","resourceVersion":"{version}"}}}}}}"#
            )
        };
        let rows = rows.iter().map(row).collect::<Vec<_>>().join(",");
        format!(
            r#"{{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{{"resourceVersion":"{version}"}},"columnDefinitions":{columns},"rows":[{rows}]}}"#
        )
    };
    if let Some(body) = discovery(target) {
        return send_json(out, "200 OK", "", body);
    }
    if !target.contains("watch=true") {
        return send_json(out, "200 OK", "", &table(COLUMNS, &[("a", "Pending"), ("b", "Running")], 5));
    }
    write!(out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")?;
    for (kind, row, version) in [("MODIFIED", ("a", "Running"), 6), ("DELETED", ("b", "Running"), 7)] {
        writeln!(out, r#"{{"type":"{kind}","object":{}}}"#, table("[]", &[row], version))?;
    }
    out.read(&mut [0]).map(|_| ())
}

#[test]
fn a_watched_table_is_kept_up_to_date() {
    let server = server::start(changing);
    let head = "NAME   STATUS\n";
    let back = "\x1b[3F\x1b[J";
    assert_eq!(
        shown_until(
            crate::steer(&server, "get pods -w --color=never"),
            "Running\n\x1b[3F\x1b[JNAME   STATUS\na      Running\n"
        ),
        format!(
            "{head}a      Pending\nb      Running\n{back}{head}a      Running\nb      Running\n{back}{head}a      Running\n"
        )
    );
    // What cannot take lines back gets a line for each change.
    let mut dumb = crate::steer(&server, "get pods -w");
    dumb.env("TERM", "dumb");
    let lines = format!("{head}a      Pending\nb      Running\na      Running\nb      Running\n");
    assert_eq!(shown_until(dumb, "a      Running\nb      Running\n"), lines);
}
