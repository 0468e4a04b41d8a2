//! What a server bears: many watches, readers that do not read, requests without end; and how it stops.

use crate::connection::{Connection, Folder, MAPS, Server, events, watch};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

fn version(answer: &[u8]) -> String {
    let object: Value = serde_json::from_slice(answer).unwrap();
    object["metadata"]["resourceVersion"].as_str().unwrap().to_string()
}

#[test]
fn all_watchers_get_all_events_and_end_with_the_server() {
    const WATCHERS: usize = 1500;
    let folder = Folder::new("watchers");
    let mut server = Server::start(&folder.0, &[]);
    let mut connection = Connection::new(server.port).unwrap();
    let now = version(&connection.send("GET", MAPS, None).unwrap().1);
    // Its own side of the connections needs files too.
    let mut watchers = Vec::new();
    for _ in 0..WATCHERS.min(files_allowed() - 100) {
        watchers.push(watch(server.port, &format!("resourceVersion={now}")));
    }
    for number in 0..20 {
        let body = json!({"metadata": {"name": format!("m{number}")}});
        assert_eq!(connection.send("POST", MAPS, Some(body)).unwrap().0, 201);
    }
    for watcher in &mut watchers {
        let mut names = Vec::new();
        while names.len() < 20 {
            let more = events(watcher).unwrap().expect("the watch ended early");
            names.extend(more.iter().map(|event| event["object"]["metadata"]["name"].as_str().unwrap().to_string()));
        }
        assert!(names.iter().cloned().eq((0..20).map(|n| format!("m{n}"))), "{names:?}");
    }
    server.signal("TERM");
    for watcher in &mut watchers {
        assert_eq!(events(watcher).unwrap(), None);
    }
    assert!(server.wait().success());
}

/// How many files this process may have open.
fn files_allowed() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    line.split_whitespace().nth(3).unwrap().parse().unwrap_or(usize::MAX)
}

#[test]
fn readers_that_do_not_read_cost_little_and_are_told() {
    let folder = Folder::new("slow");
    let mut server = Server::start(&folder.0, &[]);
    let mut connection = Connection::new(server.port).unwrap();
    let body =
        |n: usize| json!({"metadata": {"name": "big"}, "data": {"n": n.to_string(), "filler": "x".repeat(100_000)}});
    let (_, made) = connection.send("POST", MAPS, Some(body(0))).unwrap();
    let since = version(&made);
    let mut slow: Vec<_> = (0..200).map(|_| watch(server.port, &format!("resourceVersion={since}"))).collect();
    let before = server.memory();
    // 80 MB of events, of which the history keeps 32 MiB. If each reader had its own copy, it would be 16 GB.
    for number in 1..=800 {
        let (code, _) = connection.send("PUT", &format!("{MAPS}/big"), Some(body(number))).unwrap();
        assert_eq!(code, 200);
    }
    let grown = server.memory().saturating_sub(before) / 1024;
    assert!(grown < 500, "the server grew by {grown} MiB");
    // Whoever reads again gets what was on its way, and then that the rest is gone.
    let reader = &mut slow[17];
    let last = loop {
        match events(reader).unwrap() {
            Some(mut more) => {
                let event = more.pop().unwrap();
                if event["type"] != "MODIFIED" {
                    break event;
                }
            }
            None => panic!("the watch ended without a word"),
        }
    };
    assert_eq!(
        (&last["type"], &last["object"]["code"], &last["object"]["reason"]),
        (&json!("ERROR"), &json!(410), &json!("Expired"))
    );
    assert_eq!(events(reader).unwrap(), None);
    // Readers who do not read do not keep the server.
    server.signal("TERM");
    assert!(server.wait().success());
}

#[test]
fn requests_have_bounds() {
    let folder = Folder::new("bounds");
    let server = Server::start(&folder.0, &[]);
    let send = |method: &str, path: &str, body| Connection::new(server.port).unwrap().send(method, path, body);
    let huge = json!({"metadata": {"name": "a"}, "data": {"a": "x".repeat(3 << 20)}});
    let (code, answer) = send("POST", MAPS, Some(huge)).unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((code, &answer["reason"]), (413, &json!("RequestEntityTooLarge")));
    // kube-apiserver's bound for a config map's data comes before that.
    let large = json!({"metadata": {"name": "a"}, "data": {"a": "x".repeat((3 << 20) - 1000)}});
    assert_eq!(send("POST", MAPS, Some(large)).unwrap().0, 422);
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let header = format!("X-Filler: {}\r\n", "x".repeat(10_000));
    let request = format!("GET /version HTTP/1.1\r\nHost: x\r\n{}\r\n", header.repeat(90));
    // The server may have closed the connection before it has taken all.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert_eq!(send("GET", "/readyz", None).unwrap().0, 200);
}

#[test]
fn writes_finish_when_the_server_stops() {
    let folder = Folder::new("stops");
    let data = format!("--data-dir={}", folder.0.join("data").display());
    let mut server = Server::start(&folder.0, &[&data]);
    let port = server.port;
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            std::thread::spawn(move || {
                let mut made = Vec::new();
                let Ok(mut connection) = Connection::new(port) else { return made };
                for number in 0.. {
                    let name = format!("w{writer}-{number}");
                    match connection.send("POST", MAPS, Some(json!({"metadata": {"name": name}}))) {
                        Ok((201, _)) => made.push(name),
                        Ok((code, answer)) => panic!("{code}: {}", String::from_utf8_lossy(&answer)),
                        // Between two requests a connection may be closed.
                        Err(_) => break,
                    }
                }
                made
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    server.signal("TERM");
    assert!(server.wait().success());
    let made: Vec<String> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    assert!(!made.is_empty());
    let server = Server::start(&folder.0, &[&data]);
    let (_, list) = Connection::new(server.port).unwrap().send("GET", MAPS, None).unwrap();
    let list: Value = serde_json::from_slice(&list).unwrap();
    let there: Vec<&str> =
        list["items"].as_array().unwrap().iter().filter_map(|i| i["metadata"]["name"].as_str()).collect();
    for name in &made {
        assert!(there.contains(&name.as_str()), "{name} was acknowledged");
    }
}
