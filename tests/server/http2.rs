//! HTTP/2, which clients of Kubernetes choose over TLS: many watches on one connection, streams that are not read or are
//! given up, and the end of the server.

use crate::connection::{Connection, Folder, MAPS, Server};
use bytes::Bytes;
use futures_util::future::join_all;
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use http::{Request, StatusCode, header};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// What one connection may have at once.
const STREAMS: usize = 1000;

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

async fn connect(folder: &Folder, port: u16) -> SendRequest<Bytes> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.0.join("ca.crt")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    // As Go's client has it: streams that are not read do not keep others from being read.
    let mut builder = h2::client::Builder::new();
    let (requests, connection) = builder.initial_connection_window_size(1 << 30).handshake(stream).await.unwrap();
    // How it ends is told to all streams.
    tokio::spawn(connection);
    requests
}

/// Sends a request without a body.
async fn get(requests: &SendRequest<Bytes>, path: &str, filler: &str) -> (StatusCode, RecvStream) {
    let request = Request::get(format!("https://localhost{path}")).header("x-filler", filler).body(()).unwrap();
    let mut requests = requests.clone().ready().await.unwrap();
    let answer = requests.send_request(request, true).unwrap().0.await.unwrap();
    (answer.status(), answer.into_body())
}

async fn watch(requests: &SendRequest<Bytes>) -> RecvStream {
    let (status, body) = get(requests, &format!("{MAPS}?watch=1&resourceVersion=1"), "").await;
    assert_eq!(status, StatusCode::OK);
    body
}

async fn watches(requests: &SendRequest<Bytes>, count: usize) -> Vec<RecvStream> {
    join_all((0..count).map(|_| watch(requests))).await
}

/// The next bytes; none at the end.
async fn read(body: &mut RecvStream) -> Option<Bytes> {
    loop {
        let bytes = body.data().await?.unwrap();
        body.flow_control().release_capacity(bytes.len()).unwrap();
        if !bytes.is_empty() {
            return Some(bytes);
        }
    }
}

/// Sends a request with a body; gives the status, the length that is announced and the body.
async fn send(requests: &SendRequest<Bytes>, method: &str, path: &str, body: Bytes) -> (StatusCode, usize, Vec<u8>) {
    let request = Request::builder().method(method).uri(format!("https://localhost{path}"));
    let mut requests = requests.clone().ready().await.unwrap();
    let (answer, mut stream) = requests.send_request(request.body(()).unwrap(), body.is_empty()).unwrap();
    if !body.is_empty() {
        stream.send_data(body, true).unwrap();
    }
    let answer = answer.await.unwrap();
    let length = answer.headers().get(header::CONTENT_LENGTH).map(|length| length.to_str().unwrap().parse().unwrap());
    let (status, mut body, mut text) = (answer.status(), answer.into_body(), Vec::new());
    while let Some(bytes) = read(&mut body).await {
        text.extend_from_slice(&bytes);
    }
    (status, length.unwrap_or_default(), text)
}

fn create(connection: &mut Connection, name: &str, filler: &str) {
    let body = json!({"metadata": {"name": name}, "data": {"filler": filler}});
    assert_eq!(connection.send("POST", MAPS, Some(body)).unwrap().0, 201);
}

#[test]
fn a_thousand_watches_share_a_connection() {
    let folder = Folder::new("h2");
    let (mut server, port) = Server::start_secure(&folder.0);
    run(async {
        let requests = connect(&folder, port).await;
        let mut watchers = watches(&requests, STREAMS).await;
        let mut connection = Connection::new(server.port).unwrap();
        for number in 0..20 {
            create(&mut connection, &format!("m{number}"), "");
        }
        for watcher in &mut watchers {
            let mut text = Vec::new();
            while text.iter().filter(|byte| **byte == b'\n').count() < 20 {
                text.extend_from_slice(&read(watcher).await.expect("the watch ended early"));
            }
            let events = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            let names = events.map(|line| serde_json::from_slice::<Value>(line).unwrap());
            assert!(names.map(|e| e["object"]["metadata"]["name"].clone()).eq((0..20).map(|n| json!(format!("m{n}")))));
        }
        // They end with the server as they should, and not because the connection broke.
        server.signal("TERM");
        for watcher in &mut watchers {
            assert_eq!(read(watcher).await, None);
        }
    });
    assert!(server.wait().success());
}

#[test]
fn streams_that_are_not_read_cost_little() {
    let folder = Folder::new("h2-slow");
    let (mut server, port) = Server::start_secure(&folder.0);
    run(async {
        let (slow, other) = (connect(&folder, port).await, connect(&folder, port).await);
        let unread = watches(&slow, 200).await;
        let before = server.memory();
        let mut connection = Connection::new(server.port).unwrap();
        let filler = "x".repeat(100_000);
        // 80 MB of events. If each stream had its own copy, it would be 16 GB.
        for number in 0..800 {
            create(&mut connection, &format!("m{number}"), &filler);
        }
        let grown = server.memory().saturating_sub(before) / 1024;
        assert!(grown < 500, "the server grew by {grown} MiB");
        assert_eq!(get(&other, "/readyz", "").await.0, StatusCode::OK);
        // Readers who do not read do not keep the server.
        server.signal("TERM");
        assert!(server.wait().success());
        drop(unread);
    });
}

#[test]
fn answers_are_those_of_the_older_protocol() {
    let folder = Folder::new("h2-answers");
    let (server, port) = Server::start_secure(&folder.0);
    run(async {
        let requests = connect(&folder, port).await;
        let (status, length, body) = send(&requests, "GET", "/readyz", Bytes::new()).await;
        assert_eq!((status, length), (StatusCode::OK, body.len()));
        assert_eq!(send(&requests, "HEAD", "/readyz", Bytes::new()).await, (status, length, Vec::new()));
        assert_eq!(send(&requests, "HEAD", "/version", Bytes::new()).await.0, StatusCode::METHOD_NOT_ALLOWED);
        let missing = send(&requests, "HEAD", "/nosuch", Bytes::new()).await;
        assert_eq!((missing.0, missing.2), (StatusCode::NOT_FOUND, Vec::new()));
        // All of the body is taken before its length is complained of.
        let large = Bytes::from(vec![b' '; 8 << 20]);
        let (status, _, body) = send(&requests, "POST", MAPS, large.clone()).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        let older = Connection::new(server.port).unwrap().send("POST", MAPS, Some("x".repeat(8 << 20).into()));
        assert_eq!(older.unwrap(), (413, body));
        let map = json!({"metadata": {"name": "a"}}).to_string().into();
        assert_eq!(send(&requests, "POST", MAPS, map).await.0, StatusCode::CREATED);
    });
}

#[test]
fn streams_that_are_given_up_are_gone() {
    let folder = Folder::new("h2-reset");
    let (server, port) = Server::start_secure(&folder.0);
    run(async {
        let requests = connect(&folder, port).await;
        let mut before = 0;
        for round in 0..8 {
            // A further stream is had only when the server counts those before no more.
            drop(watches(&requests, STREAMS).await);
            assert_eq!(get(&requests, "/readyz", "").await.0, StatusCode::OK);
            if round == 1 {
                before = server.memory();
            }
        }
        let grown = server.memory().saturating_sub(before) / 1024;
        assert!(grown < 16, "6,000 watches left {grown} MiB behind");
        // What is too much for one request does no harm to the others on the connection.
        assert_eq!(get(&requests, "/version", &"x".repeat(200_000)).await.0, StatusCode::OK);
        let request = Request::get("https://localhost/version").header("x-filler", "x".repeat(1 << 20)).body(());
        let mut ready = requests.clone().ready().await.unwrap();
        match ready.send_request(request.unwrap(), true).unwrap().0.await {
            Ok(answer) => assert_eq!(answer.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
            Err(error) => assert_eq!(error.reason(), Some(Reason::PROTOCOL_ERROR), "{error}"),
        }
        assert_eq!(get(&connect(&folder, port).await, "/readyz", "").await.0, StatusCode::OK);
    });
}
