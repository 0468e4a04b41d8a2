//! `steer serve --data-dir`, killed while it writes: what it acknowledged is there when it is started again.
//!
//! A short run by default. `STEER_DURABILITY=50x10000` kills it 50 times, each time somewhere within 10,000 writes.

#![cfg(feature = "apiserver")]
#![allow(clippy::unwrap_used, reason = "a test may stop at once")]

use serde_json::{Value, json};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const WRITERS: usize = 4;

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts a server over a folder, and waits until it is ready.
    fn start(folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(env!("CARGO_BIN_EXE_steer"))
            .args(["serve", "--secure-port=0", &format!("--insecure-port={port}")])
            .arg(format!("--data-dir={}", folder.join("data").display()))
            .arg(format!("--write-kubeconfig={}", folder.join("kubeconfig").display()))
            .env("HOME", folder)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut server = Self { child, port };
        for _ in 0..2000 {
            if Connection::new(port).and_then(|mut c| c.send("GET", "/readyz", None)).is_ok_and(|(code, _)| code == 200)
            {
                return server;
            }
            if server.child.try_wait().unwrap().is_some() {
                let mut said = String::new();
                server.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                panic!("the server ended: {said}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the server did not get ready");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One HTTP connection.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn new(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self(BufReader::new(stream)))
    }

    fn send(&mut self, method: &str, path: &str, body: Option<Value>) -> io::Result<(u16, Vec<u8>)> {
        let body = body.map_or_else(String::new, |body| body.to_string());
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.0.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let code = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(io::ErrorKind::UnexpectedEof)?;
        let (mut length, mut chunked) = (0, false);
        loop {
            line.clear();
            if self.0.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let header = line.trim_end().to_ascii_lowercase();
            match header.split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(("transfer-encoding", "chunked")) => chunked = true,
                Some(_) => {}
                None => break,
            }
        }
        let mut body = Vec::new();
        loop {
            if chunked {
                line.clear();
                self.0.read_line(&mut line)?;
                length = usize::from_str_radix(line.trim_end(), 16).map_err(|_| io::ErrorKind::UnexpectedEof)?;
            }
            let start = body.len();
            body.resize(start + length, 0);
            self.0.read_exact(&mut body[start..])?;
            if !chunked {
                return Ok((code, body));
            }
            self.0.read_exact(&mut [0; 2])?;
            if length == 0 {
                return Ok((code, body));
            }
        }
    }
}

/// What a writer knows of one object.
#[derive(Clone, Debug)]
struct Known {
    /// The value and resourceVersion that were acknowledged last; none when that was a delete.
    acknowledged: Option<(usize, String)>,
    /// Whether something was asked for since and never answered.
    open: bool,
}

/// Creates, changes and deletes objects until the server goes; gives what became of each.
fn write(port: u16, writer: usize, acknowledged: &AtomicUsize) -> HashMap<String, Known> {
    let mut known: HashMap<String, Known> = HashMap::new();
    let Ok(mut connection) = Connection::new(port) else { return known };
    let filler = "x".repeat(800);
    for number in 0.. {
        // Four creates, a change and a delete.
        let (step, block) = (number % 6, number / 6);
        let name = format!("w{writer}-{}", block * 4 + [0, 1, 2, 3, 1, 2][step]);
        let data = json!({"number": number.to_string(), "filler": filler});
        let path = format!("{MAPS}/{name}");
        let (method, path, body, expected) = match step {
            4 => ("PATCH", path, Some(json!({"data": data})), 200),
            5 => ("DELETE", path, None, 200),
            _ => ("POST", MAPS.to_string(), Some(json!({"metadata": {"name": name}, "data": data})), 201),
        };
        let entry = known.entry(name).or_insert(Known { acknowledged: None, open: true });
        entry.open = true;
        let Ok((code, answer)) = connection.send(method, &path, body) else { break };
        assert_eq!(code, expected, "{}", String::from_utf8_lossy(&answer));
        entry.open = false;
        entry.acknowledged = (step != 5).then(|| {
            let object: Value = serde_json::from_slice(&answer).unwrap();
            (number, object["metadata"]["resourceVersion"].as_str().unwrap().to_string())
        });
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
    known
}

/// Compares what the server has with what the writers know. Gives how many objects it has.
fn check(server: &Server, known: &HashMap<String, Known>) -> usize {
    let mut connection = Connection::new(server.port).unwrap();
    let (code, list) = connection.send("GET", MAPS, None).unwrap();
    assert_eq!(code, 200);
    let list: Value = serde_json::from_slice(&list).unwrap();
    let items = list["items"].as_array().unwrap();
    let there: HashMap<&str, &Value> = items.iter().map(|i| (i["metadata"]["name"].as_str().unwrap(), i)).collect();
    for (name, state) in known.iter().filter(|(_, state)| !state.open) {
        let found = there.get(name.as_str()).map(|object| {
            let number = object["data"]["number"].as_str().unwrap().parse().unwrap();
            (number, object["metadata"]["resourceVersion"].as_str().unwrap().to_string())
        });
        assert_eq!(found, state.acknowledged, "{name}");
    }
    let version = |text: &str| text.parse::<u64>().unwrap();
    let last = known.values().filter_map(|state| Some(version(&state.acknowledged.as_ref()?.1))).max().unwrap_or(0);
    assert!(version(list["metadata"]["resourceVersion"].as_str().unwrap()) >= last);
    assert!(there.keys().all(|name| known.contains_key(*name)), "an object came from nowhere");
    items.len()
}

#[test]
fn no_acknowledged_write_is_lost() {
    let wanted = std::env::var("STEER_DURABILITY").unwrap_or_else(|_| "3x300".into());
    let (rounds, writes) = wanted.split_once('x').expect("STEER_DURABILITY is ROUNDSxWRITES");
    let (rounds, writes): (usize, usize) = (rounds.parse().unwrap(), writes.parse().unwrap());
    let folder: PathBuf = std::env::temp_dir().join(format!("steersman-durability-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut server = Server::start(&folder);
    for round in 0..rounds {
        let until = 1 + RandomState::new().hash_one(round) as usize % writes;
        let acknowledged = AtomicUsize::new(0);
        let port = server.port;
        let known: HashMap<String, Known> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    scope.spawn({
                        let a = &acknowledged;
                        move || write(port, writer, a)
                    })
                })
                .collect();
            while acknowledged.load(Ordering::SeqCst) < until && !writers.iter().any(|w| w.is_finished()) {
                std::thread::sleep(Duration::from_micros(200));
            }
            // SIGKILL, while the writers go on.
            server.child.kill().unwrap();
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
        });
        drop(server);
        assert!(acknowledged.load(Ordering::SeqCst) >= until, "the server went before it was killed");
        server = Server::start(&folder);
        let there = check(&server, &known);
        println!("round {round}: killed after {until} writes or a few more; {there} objects are there");
        let (code, _) = Connection::new(server.port).unwrap().send("DELETE", MAPS, None).unwrap();
        assert_eq!(code, 200);
    }
    drop(server);
    std::fs::remove_dir_all(&folder).unwrap();
}
