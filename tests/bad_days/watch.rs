//! Watches of servers that close them, break them off, forget, and start anew: no row is lost, and none is repeated.

use crate::server::{self, discovery, send, send_json};
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const COLUMNS: &str = r#"[{"name":"Name","type":"string","format":"name"},{"name":"Status","type":"string"}]"#;
/// What happens: the version before, and what the server says to a watch from there.
const STORY: [(usize, &[&str]); 6] = [
    (5, &["MODIFIED a Running 6", "closed"]),
    (6, &["half"]),
    (6, &["BOOKMARK - - 8", "closed"]),
    (8, &["500"]),
    (8, &["410"]),
    (10, &["ADDED d New 11", "DELETED a Running 12", "403"]),
];
/// How many watches were opened so far, for each run of the story.
static WATCHES: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];

fn pod(name: &str, status: &str, version: &str) -> String {
    let status = format!(r#""status":{{"phase":"{status}"}}"#);
    format!(
        r#"{{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"{name}","resourceVersion":"{version}"}},{status}}}"#
    )
}

/// Pods as a table, or as they are.
fn answer(pods: &[&str], version: &str, as_table: bool, columns: &str) -> String {
    let words =
        |pod: &str| -> [String; 3] { pod.split(' ').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap() };
    let items = pods.iter().map(|pod| words(pod)).map(|[name, status, version]| {
        let object = pod(&name, &status, &version);
        if as_table { format!(r#"{{"cells":["{name}","{status}"],"object":{object}}}"#) } else { object }
    });
    let items = items.collect::<Vec<_>>().join(",");
    let metadata = format!(r#""metadata":{{"resourceVersion":"{version}"}}"#);
    match as_table {
        true => format!(
            r#"{{"kind":"Table","apiVersion":"meta.k8s.io/v1",{metadata},"columnDefinitions":{columns},"rows":[{items}]}}"#
        ),
        false => format!(r#"{{"kind":"PodList","apiVersion":"v1",{metadata},"items":[{items}]}}"#),
    }
}

fn status(code: u16, reason: &str) -> String {
    format!(
        r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"no more","reason":"{reason}","code":{code}}}"#
    )
}

fn tell<const RUN: usize>(target: &str, out: &mut TcpStream) -> std::io::Result<()> {
    if let Some(body) = discovery(target) {
        return send_json(out, "200 OK", "", body);
    }
    let as_table = !target.contains("/objects/");
    if !target.contains("watch=true") {
        let (pods, version): (&[&str], _) = match WATCHES[RUN].load(Relaxed) {
            0 => (&["a Pending 4", "b Running 5"], "5"),
            _ => (&["a Running 6", "c New 9"], "10"),
        };
        return send_json(out, "200 OK", "", &answer(pods, version, as_table, COLUMNS));
    }
    let (version, events) = STORY[WATCHES[RUN].fetch_add(1, Relaxed)];
    assert!(target.contains(&format!("resourceVersion={version}&")), "{target} is not from {version}");
    if events == ["500"] {
        return send(
            out,
            "500 Internal Server Error",
            "Content-Type: application/json\r\n",
            status(500, "InternalError").as_bytes(),
        );
    }
    write!(out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")?;
    for event in events {
        let (kind, object) = match event.split(' ').collect::<Vec<_>>()[..] {
            [kind, "-", _, version] => (kind, answer(&[], version, as_table, "[]")),
            [kind, name, status, version] if as_table => {
                (kind, answer(&[&format!("{name} {status} {version}")], "", true, "[]"))
            }
            [kind, name, status, version] => (kind, pod(name, status, version)),
            ["410"] => ("ERROR", status(410, "Expired")),
            ["403"] => ("ERROR", status(403, "Forbidden")),
            ["half"] => return write!(out, r#"{{"type":"MODIFIED","object":{{"kind":"#),
            _ => return Ok(()),
        };
        writeln!(out, r#"{{"type":"{kind}","object":{object}}}"#)?;
    }
    Ok(())
}

fn watched(answer: server::Answer, arguments: &str) -> String {
    let mut command = crate::steer(&server::start(answer), arguments);
    let said = command.output().unwrap();
    assert_eq!(String::from_utf8(said.stderr).unwrap(), "Error from server (Forbidden): no more\n");
    assert_eq!(said.status.code(), Some(1));
    String::from_utf8(said.stdout).unwrap()
}

#[test]
fn a_watched_table_goes_on() {
    let rows =
        "NAME   STATUS\na      Pending\nb      Running\na      Running\nc      New\nd      New\na      Running\n";
    assert_eq!(watched(tell::<0>, "get pods -w"), rows);
}

#[test]
fn events_tell_what_is_gone() {
    let rows = "EVENT      NAME   STATUS\nADDED      a      Pending\nADDED      b      Running\nMODIFIED   a      Running\n\
                ADDED      c      New\nDELETED    b      Running\nADDED      d      New\nDELETED    a      Running\n";
    assert_eq!(watched(tell::<1>, "get pods -w --output-watch-events"), rows);
}

#[test]
fn watched_objects_go_on() {
    let names = "pod/a\npod/a\npod/c\npod/d\npod/a\n";
    assert_eq!(watched(tell::<2>, "get pods --watch-only -n objects -o name"), format!("{}", &names[6..]));
    let lines = "ADDED a ADDED b MODIFIED a ADDED c DELETED b ADDED d DELETED a ";
    let arguments =
        "get pods -w -n objects --output-watch-events -o jsonpath={.type}{\"\\x20\"}{.object.metadata.name}{\"\\x20\"}";
    assert_eq!(watched(tell::<3>, arguments), lines);
}
