//! A server that answers what a test tells it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// What is answered to the target of a request (path and query): writes a whole HTTP answer.
pub type Answer = fn(target: &str, out: &mut TcpStream) -> std::io::Result<()>;

/// Starts a server that runs as long as the test does; the result is its URL. Each connection serves one request.
pub fn start(answer: Answer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || serve(stream.unwrap(), answer));
        }
    });
    url
}

/// Reads a request and answers it. That the client goes away in the middle is its own affair.
fn serve(mut stream: TcpStream, answer: Answer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut target = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
            break;
        }
        if target.is_empty() {
            target = line.split(' ').nth(1).unwrap_or_default().to_string();
        } else if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_ok() {
        let _ = answer(&target, &mut stream);
    }
}

/// Writes an answer with a body. `headers` are lines that end with `\r\n`.
pub fn send(out: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    write!(out, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n")?;
    out.write_all(body)
}

/// Writes JSON.
pub fn send_json(out: &mut TcpStream, status: &str, headers: &str, body: &str) -> std::io::Result<()> {
    send(out, status, &format!("Content-Type: application/json\r\n{headers}"), body.as_bytes())
}

/// What a server says of itself that has pods and deployments.
pub fn discovery(target: &str) -> Option<&'static str> {
    match target.split('?').next()? {
        "/api" => Some(r#"{"kind":"APIVersions","versions":["v1"]}"#),
        "/apis" => Some(
            r#"{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"apps","versions":[{"groupVersion":"apps/v1","version":"v1"}],"preferredVersion":{"groupVersion":"apps/v1","version":"v1"}}]}"#,
        ),
        "/apis/apps/v1" => Some(
            r#"{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"apps/v1","resources":[{"name":"deployments","singularName":"deployment","namespaced":true,"kind":"Deployment","verbs":["get","list","watch","patch"],"shortNames":["deploy"]}]}"#,
        ),
        "/api/v1" => Some(
            r#"{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"v1","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get","list","watch","create","patch","delete"],"shortNames":["po"]},{"name":"events","singularName":"event","namespaced":true,"kind":"Event","verbs":["get","list"]}]}"#,
        ),
        _ => None,
    }
}
