//! A server of a test's own, and HTTP spoken to it by hand: what a library would do for a test is part of what is tried.

use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// Where config maps are.
pub const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// A port that nobody has.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server that is killed when it is dropped.
pub struct Server {
    pub child: Child,
    pub port: u16,
}

impl Server {
    /// Starts a server with a home, and waits until it is ready.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_on(folder, 0, arguments)
    }

    /// Starts a server that has a port for TLS, too, and gives that.
    pub fn start_secure(folder: &Path) -> (Self, u16) {
        let (port, certificates) = (free_port(), format!("--cert-dir={}", folder.display()));
        (Self::start_on(folder, port, &[&certificates]), port)
    }

    fn start_on(folder: &Path, secure: u16, arguments: &[&str]) -> Self {
        let port = free_port();
        let child = Command::new(env!("CARGO_BIN_EXE_steer"))
            .args(["serve", &format!("--secure-port={secure}"), &format!("--insecure-port={port}")])
            .args(arguments)
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

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// The memory that it has, in KiB.
    pub fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Waits until it has ended.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One HTTP connection.
pub struct Connection(pub BufReader<TcpStream>);

impl Connection {
    pub fn new(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self(BufReader::new(stream)))
    }

    pub fn send(&mut self, method: &str, path: &str, body: Option<Value>) -> io::Result<(u16, Vec<u8>)> {
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

/// A folder that goes when the test is over.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("steersman-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A watch whose headers have been read.
pub fn watch(port: u16, query: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(stream, "GET {MAPS}?watch=1&{query} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 200 OK\r\n");
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    reader
}

/// The next events, which are the lines of the chunks that come; none when the watch has ended as it should.
pub fn events(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<Value>>> {
    let mut text = Vec::new();
    // A chunk may end within an event.
    while text.last() != Some(&b'\n') {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let length = usize::from_str_radix(line.trim_end(), 16).unwrap_or_else(|_| panic!("{line:?} is no chunk"));
        let start = text.len();
        text.resize(start + length + 2, 0);
        reader.read_exact(&mut text[start..])?;
        text.truncate(start + length);
        if length == 0 {
            assert_eq!(start, 0, "the watch ended within an event");
            return Ok(None);
        }
    }
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Ok(Some(lines.map(|line| serde_json::from_slice(line).unwrap()).collect()))
}
