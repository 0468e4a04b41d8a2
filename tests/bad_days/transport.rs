//! Servers that hang up, talk nonsense or never come to an end: one clear line, exit code 1, and nothing lost of what
//! came before.

use crate::server::{self, discovery, send, send_json};
use std::io::Write;
use std::net::TcpStream;

const JSON: &str = "Content-Type: application/json\r\n";
/// An empty list, as it is printed where reading another one failed.
const NONE: &str = "{\n    \"apiVersion\": \"v1\",\n    \"items\": [],\n    \"kind\": \"List\",\n    \"metadata\": {\n        \"resourceVersion\": \"\"\n    }\n}\n";

fn pod(name: &str) -> String {
    format!(r#"{{"metadata":{{"name":"{name}","annotations":{{"a":"{}"}}}}}}"#, "x".repeat(300))
}

/// The first part of the path says what goes wrong with pods.
fn badly(target: &str, out: &mut TcpStream) -> std::io::Result<()> {
    let (way, path) = target[1..].split_once('/').unwrap_or((&target[1..], ""));
    if let Some(body) = discovery(&format!("/{path}")) {
        return send_json(out, "200 OK", "", body);
    }
    let gzip = format!("{JSON}Content-Encoding: gzip\r\n");
    match way {
        "garbage" => send_json(out, "200 OK", "", "<html>"),
        "page" => send(out, "200 OK", "Content-Type: text/html\r\n", b"<html>"),
        "half" => send_json(out, "200 OK", "", r#"{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"#),
        "array" => send_json(out, "200 OK", "", "[1,2]"),
        "kindless" => send_json(out, "200 OK", "", r#"{"a":1}"#),
        "refusal" => send_json(
            out,
            "200 OK",
            "",
            r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","reason":"Forbidden","code":403}"#,
        ),
        "no-gzip" => send(out, "200 OK", &gzip, b"\x1f\x8bthis is no gzip"),
        "redirect" => send(out, "302 Found", "Location: /redirect/x\r\n", b""),
        "nowhere" => send(out, "302 Found", "", b""),
        // A piece now and then.
        "slow" => {
            let list = format!(r#"{{"kind":"PodList","apiVersion":"v1","items":[{}]}}"#, pod("first"));
            write!(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{JSON}\r\n")?;
            for piece in list.as_bytes().chunks(40) {
                write!(out, "{:x}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece))?;
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            write!(out, "0\r\n\r\n")
        }
        // Far less than what was promised comes.
        "hang-up" => {
            write!(out, "HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n{JSON}\r\n")?;
            write!(out, r#"{{"kind":"PodList","apiVersion":"v1","items":["#)?;
            (0..20_000).try_for_each(|_| write!(out, "{},", pod("p")))
        }
        // The first page comes, the second breaks off.
        _ if target.contains("continue=") => write!(out, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n{JSON}\r\n{{"),
        _ => {
            let list = format!(
                r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"continue":"x"}},"items":[{}]}}"#,
                pod("first")
            );
            send_json(out, "200 OK", "", &list)
        }
    }
}

#[test]
fn what_goes_wrong_is_one_line() {
    let server = server::start(badly);
    let broken = "error: unexpected error when reading response body. Please retry. Original error: ";
    for (way, says) in [
        ("garbage", "error: invalid character '<' looking for beginning of value".to_string()),
        ("page", "error: serializer for text/html doesn't exist".into()),
        ("half", "error: unexpected end of JSON input".into()),
        ("array", "error: json: cannot unmarshal array into Go value of type unstructured.detector".into()),
        ("kindless", "error: Object 'Kind' is missing in '{\"a\":1}'".into()),
        ("refusal", "Error from server (Forbidden): no".into()),
        ("no-gzip", format!("{broken}gzip: invalid header")),
        ("hang-up", format!("{broken}unexpected EOF")),
        ("redirect", "Unable to connect to the server: stopped after 10 redirects".into()),
        (
            "nowhere",
            "Error from server: the server responded with the status code 302 but did not return more information (get pods)"
                .into(),
        ),
    ] {
        for format in ["json", "name", "jsonpath={range .items[*]}{.metadata.name}{end}", "custom-columns=A:.metadata.name"] {
            let mut command = crate::steer(&format!("{server}/{way}"), "get pods");
            let run = command.args(["-o", format]).output().unwrap();
            let complaint = String::from_utf8(run.stderr).unwrap();
            // What kubectl logs of an answer that broke off stands before the line.
            let last = complaint.lines().last().unwrap_or_default();
            assert_eq!((last, run.status.code()), (says.as_str(), Some(1)), "{way} {format}");
            assert!(complaint.lines().count() <= 2, "{complaint}");
            if format == "json" {
                assert_eq!(String::from_utf8(run.stdout).unwrap(), NONE, "{way}");
            }
        }
    }
}

#[test]
fn what_came_before_is_not_lost() {
    let server = server::start(badly);
    for (format, shown) in [("name", "pod/first\n"), ("jsonpath={.items[*].metadata.name}", "first")] {
        let run = crate::steer(&format!("{server}/later"), &format!("get pods -o {format}")).output().unwrap();
        assert_eq!((String::from_utf8(run.stdout).unwrap().as_str(), run.status.code()), (shown, Some(1)));
        let complaint = String::from_utf8(run.stderr).unwrap();
        assert!(complaint.ends_with("Original error: unexpected EOF\n"), "{complaint}");
    }
}

/// A pod, and a log that comes in pieces which are no lines; of the pod `cut` it breaks off.
fn log(target: &str, out: &mut TcpStream) -> std::io::Result<()> {
    if let Some(body) = discovery(target) {
        return send_json(out, "200 OK", "", body);
    }
    let path = target.split('?').next().unwrap_or_default();
    let Some(pod) = path.strip_suffix("/log") else {
        let name = path.rsplit('/').next().unwrap_or_default();
        let pod = format!(
            r#"{{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"{name}"}},"spec":{{"containers":[{{"name":"c"}}]}}}}"#
        );
        return send_json(out, "200 OK", "", &pod);
    };
    write!(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    for piece in ["one\ntwo", " and\n\nthree"] {
        write!(out, "{:x}\r\n{piece}\r\n", piece.len())?;
        out.flush()?;
    }
    if pod.ends_with("cut") { Ok(()) } else { write!(out, "0\r\n\r\n") }
}

#[test]
fn logs_are_printed_as_they_come_and_to_the_last_byte() {
    let server = server::start(log);
    for (line, says, complains) in [
        ("logs whole", "one\ntwo and\n\nthree", ""),
        ("logs -f whole --prefix", "[pod/whole/c] one\n[pod/whole/c] two and\n[pod/whole/c] \n[pod/whole/c] three", ""),
        ("logs cut", "one\ntwo and\n\nthree", "error: unexpected EOF\n"),
        ("logs cut --ignore-errors", "one\ntwo and\n\nthreeerror: unexpected EOF\n", ""),
    ] {
        let run = crate::steer(&server, line).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&run.stdout), says, "{line}");
        assert_eq!(String::from_utf8_lossy(&run.stderr), complains, "{line}");
        assert_eq!(run.status.code(), Some(i32::from(!complains.is_empty())), "{line}");
    }
}

#[test]
fn a_slow_server_is_waited_for() {
    let server = server::start(badly);
    for (format, shown) in [("name", "pod/first\n"), ("jsonpath={.items[*].metadata.name}", "first")] {
        let run = crate::steer(&format!("{server}/slow"), &format!("get pods -o {format}")).output().unwrap();
        assert_eq!((String::from_utf8(run.stdout).unwrap().as_str(), run.status.code()), (shown, Some(0)));
    }
}
