//! What a person at a terminal is told while work takes long: how far it is and what it waits for, and nothing of it is
//! left when it is done. Each server here is slow until the test has seen on the terminal what there is to see.

use crate::screen::{Terminal, seen};
use crate::server::{self, discovery, send_json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Condvar, Mutex};

/// What a server waits for before it goes on.
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    const fn new() -> Self {
        Self { open: Mutex::new(false), opened: Condvar::new() }
    }

    fn is_open(&self) -> bool {
        *self.open.lock().unwrap()
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn pass(&self) {
        drop(self.opened.wait_while(self.open.lock().unwrap(), |open| !*open).unwrap());
    }
}

const NOT_FOUND: &str =
    r#"{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","message":"not found","code":404}"#;

fn pod(name: &str, fields: &str) -> String {
    format!(
        r#"{{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"{name}","namespace":"default","uid":"u-{name}","resourceVersion":"1"{fields}}}"#
    )
}

/// A watch of which this happens when the gate is open, and that stays open.
fn watch(out: &mut TcpStream, gate: &Gate, event: &str) -> std::io::Result<()> {
    write!(out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")?;
    gate.pass();
    writeln!(out, "{event}")?;
    out.read(&mut [0]).map(|_| ())
}

fn manifest(name: &str, text: &str) -> String {
    let path = crate::home().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

static READY: Gate = Gate::new();

/// A pod that becomes ready.
fn becoming_ready(target: &str, out: &mut TcpStream) -> std::io::Result<()> {
    if let Some(body) = discovery(target) {
        return send_json(out, "200 OK", "", body);
    }
    let with = |status: &str, version: u8| {
        pod(
            "p",
            &format!(
                r#"}},"status":{{"v":"{version}","conditions":[{{"type":"Ready","status":"{status}","reason":"ContainersNotReady","message":"unready: [c]"}}]}}"#
            ),
        )
        .replace(r#""resourceVersion":"1""#, &format!(r#""resourceVersion":"{version}""#))
    };
    match target {
        _ if target.contains("watch=true") => {
            watch(out, &READY, &format!(r#"{{"type":"MODIFIED","object":{}}}"#, with("True", 2)))
        }
        _ if target.contains("/pods?") => {
            let pod = with("False", 1);
            let list = format!(
                r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"1"}},"items":[{pod}]}}"#
            );
            send_json(out, "200 OK", "", &list)
        }
        _ => send_json(out, "200 OK", "", &with("False", 1)),
    }
}

#[test]
fn a_wait_says_how_it_is_instead() {
    let server = server::start(becoming_ready);
    let mut terminal = Terminal::run(crate::steer(&server, "wait pod/p --for=condition=Ready"));
    terminal.until_seen(
        "  0 of 1 done\n    pods/p -n default has Ready=False, not true (ContainersNotReady: unready:\n      [c])\n",
    );
    READY.open();
    assert_eq!(seen(&terminal.rest()), "pod/p condition met\n");
}

#[test]
fn a_signal_leaves_whole_lines() {
    static NEVER: Gate = Gate::new();
    fn never(target: &str, out: &mut TcpStream) -> std::io::Result<()> {
        if target.contains("watch=true") {
            return watch(out, &NEVER, "");
        }
        becoming_ready(target, out)
    }
    let server = server::start(never);
    let mut terminal = Terminal::run(crate::steer(&server, "wait pod/p --for=condition=Ready --color=always"));
    terminal.until_seen("has Ready=False");
    terminal.terminate();
    let text = terminal.rest();
    assert!(text.ends_with("\n\x1b[0m"), "{}", text.escape_debug());
    NEVER.open();
}

static ROLLED_OUT: Gate = Gate::new();

/// A deployment whose new pods find no image, and whose old one is well.
fn rolling_out(target: &str, out: &mut TcpStream) -> std::io::Result<()> {
    if let Some(body) = discovery(target) {
        return send_json(out, "200 OK", "", body);
    }
    let deployment = |available: u8, version: u8| {
        format!(
            r#"{{"kind":"Deployment","apiVersion":"apps/v1","metadata":{{"name":"web","namespace":"default","uid":"d","generation":2,"resourceVersion":"{version}","annotations":{{"deployment.kubernetes.io/revision":"2"}}}},"spec":{{"replicas":2,"selector":{{"matchLabels":{{"app":"web"}}}},"template":{{}}}},"status":{{"observedGeneration":2,"replicas":2,"updatedReplicas":2,"availableReplicas":{available}}}}}"#
        )
    };
    let owned = |name: &str, owner: &str, rest: &str| {
        format!(
            r#"{{"metadata":{{"name":"{name}","uid":"u-{name}","ownerReferences":[{{"uid":"{owner}","controller":true}}]{rest}}}"#
        )
    };
    let set = |name: &str, revision: u8| {
        owned(name, "d", &format!(r#","annotations":{{"deployment.kubernetes.io/revision":"{revision}"}}}}"#))
    };
    let pod = |name: &str, set: &str, reason: &str| {
        owned(
            name,
            set,
            &format!(
                r#"}},"spec":{{"nodeName":"n"}},"status":{{"phase":"Pending","containerStatuses":[{{"name":"web","state":{{"waiting":{{"reason":"{reason}","message":"no such image"}}}}}}]}}"#
            ),
        )
    };
    let list = |kind: &str, items: &[String]| {
        format!(
            r#"{{"kind":"{kind}List","apiVersion":"v1","metadata":{{"resourceVersion":"1"}},"items":[{}]}}"#,
            items.join(",")
        )
    };
    let body = match target.split('?').next().unwrap_or_default() {
        _ if target.contains("watch=true") => {
            let event = format!(r#"{{"type":"MODIFIED","object":{}}}"#, deployment(2, 2));
            return watch(out, &ROLLED_OUT, &event);
        }
        path if path.ends_with("/deployments") => list("Deployment", &[deployment(0, 1)]),
        path if path.ends_with("/replicasets") => list("ReplicaSet", &[set("old", 1), set("new", 2)]),
        path if path.ends_with("/pods") => list(
            "Pod",
            &[
                pod("web-a", "u-new", "ImagePullBackOff"),
                pod("web-b", "u-new", "ImagePullBackOff"),
                pod("web-c", "u-old", "CreateContainerError"),
            ],
        ),
        _ => deployment(0, 1),
    };
    send_json(out, "200 OK", "", &body)
}

#[test]
fn a_rollout_says_what_is_wrong_with_its_new_pods() {
    let server = server::start(rolling_out);
    let mut terminal = Terminal::run(crate::steer(&server, "rollout status deployment/web"));
    let line = "Waiting for deployment \"web\" rollout to finish: 0 of 2 updated replicas are available...\n";
    let why = "    web-a and 1 more: container \"web\": ImagePullBackOff: no such image\n";
    terminal.until_seen(&format!("{line}  web: 2 of 2 pods updated, 0 available\n{why}"));
    ROLLED_OUT.open();
    let text = terminal.rest();
    assert_eq!(seen(&text), format!("{line}deployment \"web\" successfully rolled out\n"));
    assert!(!text.contains("CreateContainerError"), "{text}");
}

#[test]
fn who_may_not_look_at_pods_still_sees_the_rollout() {
    static DONE: Gate = Gate::new();
    fn forbidden(target: &str, out: &mut TcpStream) -> std::io::Result<()> {
        match target {
            _ if target.contains("watch=true") => {
                let event = r#"{"type":"DELETED","object":{"metadata":{"resourceVersion":"3"}}}"#;
                watch(out, &DONE, event)
            }
            _ if target.contains("/replicasets") => {
                // All is asked that will be.
                DONE.open();
                let status = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","message":"you may not","code":403}"#;
                send_json(out, "403 Forbidden", "", status)
            }
            _ => rolling_out(target, out),
        }
    }
    let server = server::start(forbidden);
    let text = Terminal::run(crate::steer(&server, "rollout status deployment/web")).rest();
    assert!(seen(&text).ends_with("...\nerror: object has been deleted\n") && !text.contains("you may not"), "{text}");
}

static LABELLED: Gate = Gate::new();

/// Pods of which one is changed slowly.
fn one_is_slow(target: &str, out: &mut TcpStream) -> std::io::Result<()> {
    if let Some(body) = discovery(target) {
        return send_json(out, "200 OK", "", body);
    }
    let name = target.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    if name == "b" && target.contains("fieldManager") {
        LABELLED.pass();
    }
    send_json(out, "200 OK", "", &pod(name, "}"))
}

#[test]
fn objects_that_take_long_are_counted_and_named() {
    let server = server::start(one_is_slow);
    let mut terminal = Terminal::run(crate::steer(&server, "label pod a b c x=y"));
    terminal.until_seen("pod/a labeled\n  2 of 3 done, pods/b -n default is next\n");
    LABELLED.open();
    assert_eq!(seen(&terminal.rest()), "pod/a labeled\npod/b labeled\npod/c labeled\n");
}

/// A pod that finalizers keep until the gate is open.
fn kept(gate: &Gate, target: &str, out: &mut TcpStream) -> std::io::Result<()> {
    if let Some(body) = discovery(target) {
        return send_json(out, "200 OK", "", body);
    }
    match gate.is_open() && target.ends_with("/p") {
        true => send_json(out, "404 Not Found", "", NOT_FOUND),
        false => send_json(out, "200 OK", "", &pod("p", r#","finalizers":["example.com/hold"]}"#)),
    }
}

#[test]
fn a_deletion_names_the_finalizers() {
    static GONE: Gate = Gate::new();
    let server = server::start(|target, out| kept(&GONE, target, out));
    let mut terminal = Terminal::run(crate::steer(&server, "delete pod p"));
    let line = "pod \"p\" deleted from default namespace\n";
    terminal.until_seen(&format!("{line}  0 of 1 are gone\n    pod \"p\" waits for finalizers: example.com/hold\n"));
    GONE.open();
    assert_eq!(seen(&terminal.rest()), line);
}

#[test]
fn what_cannot_take_lines_back_gets_lines_that_stay() {
    static OF_DUMB: Gate = Gate::new();
    static OF_PIPED: Gate = Gate::new();
    let told = "  0 of 1 are gone; pod \"p\" waits for finalizers: example.com/hold\n";
    let mut dumb = crate::steer(&server::start(|target, out| kept(&OF_DUMB, target, out)), "delete pod p");
    dumb.env("TERM", "dumb");
    let piped = crate::steer(&server::start(|target, out| kept(&OF_PIPED, target, out)), "delete pod p");
    for (mut terminal, gate, printed) in [
        (Terminal::run(dumb), &OF_DUMB, "pod \"p\" deleted from default namespace\n"),
        (Terminal::run_piped(piped), &OF_PIPED, ""),
    ] {
        terminal.until(|text| text.ends_with(told));
        gate.open();
        assert_eq!(terminal.rest(), format!("{printed}{told}"));
    }
}

#[test]
fn a_pipe_is_told_nothing() {
    static GONE: Gate = Gate::new();
    static ASKED: Mutex<u32> = Mutex::new(0);
    fn asked(target: &str, out: &mut TcpStream) -> std::io::Result<()> {
        let mut asked = ASKED.lock().unwrap();
        *asked += 1;
        // By then it has taken more than a second.
        if *asked > 18 {
            GONE.open();
        }
        kept(&GONE, target, out)
    }
    let server = server::start(asked);
    let out = crate::steer(&server, "delete pod p").output().unwrap();
    assert_eq!(String::from_utf8(out.stdout).unwrap(), "pod \"p\" deleted from default namespace\n");
    assert_eq!(String::from_utf8(out.stderr).unwrap(), "");
}

#[test]
fn what_is_replaced_by_force_is_waited_for_by_name() {
    static GONE: Gate = Gate::new();
    let server = server::start(|target, out| kept(&GONE, target, out));
    let file = manifest("forced.yaml", "{apiVersion: v1, kind: Pod, metadata: {name: p}}");
    let mut terminal = Terminal::run(crate::steer(&server, &format!("replace --force -f {file} --validate=false")));
    terminal.until_seen("  0 of 1 are gone\n    pods/p -n default waits for finalizers: example.com/hold\n");
    GONE.open();
    assert_eq!(seen(&terminal.rest()), "pod \"p\" deleted from default namespace\npod/p replaced\n");
}

/// A pod whose image another manager set.
fn conflicting(target: &str, out: &mut TcpStream) -> std::io::Result<()> {
    if let Some(body) = discovery(target) {
        return send_json(out, "200 OK", "", body);
    }
    if target.contains("force=false") {
        let status = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","code":409,"message":"Apply failed with 1 conflict: conflict with \"images\" using v1: .spec.containers[name=\"web\"].image","details":{"causes":[{"reason":"FieldManagerConflict","message":"conflict with \"images\" using v1","field":".spec.containers[name=\"web\"].image"}]}}"#;
        return send_json(out, "409 Conflict", "", status);
    }
    let fields = r#","managedFields":[{"manager":"images","operation":"Update","apiVersion":"v1","fieldsV1":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{"f:image":{}}}}}}]},"spec":{"containers":[{"name":"web","image":"nginx:1.29"}]}"#;
    send_json(out, "200 OK", "", &pod("p", fields))
}

#[test]
fn conflicts_are_listed_for_a_person() {
    let server = server::start(conflicting);
    let file = manifest(
        "conflicts.yaml",
        "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: web, image: 'nginx:1.31'}]}}",
    );
    let listed = "\
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts
Fields of pod/p that others manage:
  .spec.containers[name=\"web\"].image
    owner     images (Update)
    there     \"nginx:1.29\"
    manifest  \"nginx:1.31\"
";
    let arguments = format!("apply --server-side -f {file} --validate=false");
    let text = seen(&Terminal::run(crate::steer(&server, &arguments)).rest());
    assert!(text.starts_with("error: Apply failed with 1 conflict") && text.ends_with(listed), "{text}");
    // Scripts get kubectl's words alone.
    let piped = crate::steer(&server, &arguments).output().unwrap();
    let piped = String::from_utf8(piped.stderr).unwrap();
    assert!(piped.ends_with("#conflicts\n") && text.starts_with(&piped), "{piped}");
}
