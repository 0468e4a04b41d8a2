//! Answers that are far longer than what a list should take in memory besides its text.

use crate::server::{self, discovery, send_json};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// How many objects a page has.
const COUNT: usize = 12_000;
/// What may be in memory besides the longest page, in KiB.
const BESIDES: u64 = 40 << 10;

/// How far the client is: it asked for the second page, so that it is done with the first; it may go on.
static STATE: (Mutex<[bool; 2]>, Condvar) = (Mutex::new([false; 2]), Condvar::new());

fn reach(index: usize) {
    STATE.0.lock().unwrap()[index] = true;
    STATE.1.notify_all();
}

fn wait_for(index: usize) {
    let long = Duration::from_secs(300);
    let (state, _) = STATE.1.wait_timeout_while(STATE.0.lock().unwrap(), long, |state| !state[index]).unwrap();
    assert!(state[index], "the other side does not come");
}

fn metadata(n: usize) -> String {
    format!(
        r#""metadata":{{"name":"pod-{n}","namespace":"default","labels":{{"app":"a","n":"{n}"}},"managedFields":[{{"fieldsV1":{{"f:metadata":{{"f:labels":{{".":{{}},"f:app":{{}}}}}}}}}}]}}"#
    )
}

fn page(table: bool) -> String {
    let (first, one): (_, fn(usize) -> String) = match table {
        true => (
            r#""kind":"Table","apiVersion":"meta.k8s.io/v1","columnDefinitions":[{"name":"Name","type":"string","format":"name"}],"rows""#,
            |n| format!(r#"{{"cells":["pod-{n}"],"object":{{{},"x":"{}"}}}}"#, metadata(n), "x".repeat(500)),
        ),
        false => (r#""kind":"PodList","apiVersion":"v1","items""#, |n| {
            let container = format!(
                r#"{{"name":"app","image":"app:{n}","env":[{{"name":"A","value":"1"}}],"ports":[{{"containerPort":80}}]}}"#
            );
            format!(
                r#"{{{},"spec":{{"containers":[{container},{container}]}},"status":{{"conditions":[{{}},{{"type":"Ready"}}]}}}}"#,
                metadata(n)
            )
        }),
    };
    let all: Vec<String> = (0..COUNT).map(one).collect();
    format!(r#"{{{first}:[{}],"metadata":{{"continue":"x"}}}}"#, all.join(","))
}

fn large(target: &str, out: &mut TcpStream) -> std::io::Result<()> {
    if let Some(body) = discovery(target) {
        return send_json(out, "200 OK", "", body);
    }
    if target.contains("continue=") {
        reach(0);
        wait_for(1);
        return send_json(out, "200 OK", "", r#"{"kind":"PodList","apiVersion":"v1","items":[]}"#);
    }
    send_json(out, "200 OK", "", &page(target.contains("includeObject")))
}

/// The most memory that a process had, in KiB.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_list_takes_little_more_than_its_text() {
    let server = server::start(large);
    for arguments in [
        "-o json",
        "-o yaml",
        "-o kyaml",
        "-o name",
        "-o jsonpath={range.items[*]}{.metadata.name}{end}",
        "-o go-template={{range.items}}{{.metadata.name}}{{end}}",
        "-o custom-columns=A:.metadata.name",
        "-A",
        "--show-labels",
    ] {
        *STATE.0.lock().unwrap() = [false; 2];
        let mut command = crate::steer(&server, &format!("get pods {arguments}"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for(0);
        let (peak, text) = (peak(child.id()), page(!arguments.contains("-o")).len() as u64 >> 10);
        reach(1);
        child.wait().unwrap();
        assert!(peak < text + BESIDES, "{arguments}: {peak} KiB for a page of {text} KiB");
    }
}
