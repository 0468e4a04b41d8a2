//! The client against small servers of its own, over real sockets.

use super::discovery::tests::documents;
use super::log::tests::Written;
use super::*;
use crate::api::GoDuration;
use crate::kubeconfig::{Credentials, Impersonate, Server, Tls, test_folder};
use http::Method;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex as StdMutex;
use std::thread;

/// A server that answers each request by its head, on connections that are kept open.
struct Fake {
    address: String,
    heads: Arc<StdMutex<Vec<String>>>,
}

/// What a head (the request line and headers) is answered with: the whole text of an answer; empty to hang up.
type Answerer = fn(&str) -> String;

impl Fake {
    fn start(answer: Answerer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heads = Arc::new(StdMutex::new(Vec::new()));
        let seen = heads.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let seen = seen.clone();
                thread::spawn(move || serve(stream.unwrap(), answer, &seen));
            }
        });
        Self { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// The methods and targets of the requests so far.
    fn targets(&self) -> Vec<String> {
        let target = |head: String| head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
        self.heads().into_iter().map(target).collect()
    }
}

fn serve(mut stream: TcpStream, answer: Answerer, seen: &StdMutex<Vec<String>>) {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let length = stream.read(&mut piece).unwrap_or(0);
        if length == 0 {
            return;
        }
        bytes.extend_from_slice(&piece[..length]);
        while let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8(bytes.drain(..end + 4).collect()).unwrap();
            seen.lock().unwrap().push(head.clone());
            let text = answer(&head);
            if text.is_empty() || stream.write_all(text.as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn ok(body: &str) -> String {
    with("200 OK", "Content-Type: application/json\r\n", body)
}

fn with(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn config(address: &str) -> ClientConfig {
    ClientConfig {
        server: Server::parse(address).unwrap(),
        tls: Tls::default(),
        credentials: Credentials::None,
        impersonate: Impersonate::default(),
        proxy_url: String::new(),
        compress: true,
        timeout: None,
    }
}

pub(super) fn client_with(config: ClientConfig, cache: Option<PathBuf>) -> (Client, Written) {
    let written = Written::default();
    let options = ClientOptions {
        log: Log::new(0, written.clone()),
        user_agent: user_agent("v1.37.1"),
        command: "kubectl get".into(),
        cache_dir: cache,
        proxies: Proxies::default(),
        stdin_taken: None,
    };
    (Client::new(config, options).unwrap(), written)
}

fn client(address: &str) -> (Client, Written) {
    client_with(config(address), None)
}

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn get(path: &str) -> Request {
    Request::new(Method::GET, path)
}

#[test]
fn every_request_says_who_asks() {
    let fake = Fake::start(|_| ok("{}"));
    let mut config = config(&format!("http://{}/prefix/", fake.address));
    config.impersonate = Impersonate {
        user: "u".into(),
        uid: "7".into(),
        groups: vec!["g".into(), "h".into()],
        extra: [("A/b".to_owned(), vec!["x".to_owned()])].into(),
    };
    config.timeout = Some(GoDuration::seconds(5));
    let (client, _) = client_with(config, None);
    block(async {
        client.json(&get("/x?b=1")).await.unwrap();
        client.json(&get("/y")).await.unwrap();
    });
    assert_eq!(fake.targets(), ["GET /prefix/x?b=1&timeout=5s", "GET /prefix/y?timeout=5s"]);
    let heads = fake.heads();
    let head = heads[0].to_lowercase();
    for line in [
        "user-agent: kubectl/v1.37.1 (",
        "accept: application/json, */*",
        "accept-encoding: gzip",
        "kubectl-command: kubectl get",
        "impersonate-user: u",
        "impersonate-uid: 7",
        "impersonate-group: g\r\nimpersonate-group: h",
        "impersonate-extra-a%2fb: x",
        &format!("host: {}", fake.address),
    ] {
        assert!(head.contains(&format!("\r\n{line}")), "{line} is not in {head}");
    }
    let session = |head: &str| head.to_lowercase().split("kubectl-session: ").nth(1).unwrap()[..36].to_owned();
    assert_eq!(session(&heads[0]), session(&heads[1]));
}

#[test]
fn refusals_are_read() {
    let fake = Fake::start(|head| {
        let said = r#"{"kind":"Status","status":"Failure","message":"no","reason":"Forbidden","code":403}"#;
        match head {
            head if head.contains("/said") => with("403 Forbidden", "Content-Type: application/json\r\n", said),
            head if head.contains("/html") => with("200 OK", "Content-Type: text/html\r\n", "<html>"),
            head if head.contains("/cut") => with("200 OK", "Content-Type: application/json\r\n", "{\"a\":"),
            _ => with("500 Internal Server Error", "Content-Type: text/plain\r\n", "oops\n"),
        }
    });
    let (client, written) = client(&fake.address);
    let fault = |path: &str| block(client.json(&get(path))).unwrap_err();
    assert_eq!(fault("/said").status().unwrap().message, "no");
    assert!(fault("/said").has_reason("Forbidden"));
    assert_eq!(
        fault("/other").to_string(),
        "an error on the server (\"oops\") has prevented the request from succeeding"
    );
    assert_eq!(fault("/html").to_string(), "serializer for text/html doesn't exist");
    assert_eq!(fault("/cut").to_string(), "unexpected end of JSON input");
    assert_eq!(written.text(), "");
    let faulty = Request { fault: Some("resource name may not be empty".into()), ..get("/x") };
    assert_eq!(block(client.json(&faulty)).unwrap_err().to_string(), "resource name may not be empty");
}

#[test]
fn a_body_that_breaks_off_is_told() {
    let fake = Fake::start(|_| "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".into());
    let (client, written) = client(&fake.address);
    let mut request = get("/half");
    request.timeout = Some(GoDuration(300_000_000));
    let fault = block(client.send(&request)).unwrap_err();
    assert!(fault.is_timeout(), "{fault}");
    assert!(written.text().contains("request.go:1198] \"Unexpected error when reading response body\""));
}

#[test]
fn nobody_there_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let (client, written) = client(&format!("http://{address}"));
    let fault = block(client.send(&get("/x"))).unwrap_err();
    assert_eq!(
        fault.to_string(),
        format!("Get \"http://{address}/x\": dial tcp {address}: connect: connection refused")
    );
    let line = format!("The connection to the server {address} was refused - did you specify the right host or port?");
    assert_eq!(fault.standard_message(), Some(line));
    block(client.resources("pods,svc")).unwrap_err();
    let said = format!(
        "memcache.go:381] \"Couldn't get current server API group list\" err=\"Get \\\"http://{address}/api?timeout=32s\\\": dial tcp {address}: connect: connection refused\"\n"
    );
    assert_eq!(written.text().matches(&said).count(), 6, "{}", written.text());
    for (server, cause) in [
        ("http://127.0.0.1:99999", "dial tcp: address 99999: invalid port"),
        ("ftp://127.0.0.1:1", "unsupported protocol scheme \"ftp\""),
    ] {
        let (client, _) = super::tests::client(server);
        let fault = block(client.send(&get("/x"))).unwrap_err();
        assert_eq!(fault.standard_message(), Some(format!("Unable to connect to the server: {cause}")));
    }
}

#[test]
fn an_answer_that_does_not_come_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config(&listener.local_addr().unwrap().to_string());
    config.timeout = Some(GoDuration(100_000_000));
    let (client, _) = client_with(config, None);
    let fault = block(client.send(&Request::new(Method::POST, "/x"))).unwrap_err();
    assert!(fault.is_timeout());
    assert_eq!(
        fault.standard_message().unwrap(),
        "Unable to connect to the server: net/http: request canceled (Client.Timeout exceeded while awaiting headers)"
    );
}

#[test]
fn a_server_that_is_busy_is_asked_again() {
    static CALLS: StdMutex<u32> = StdMutex::new(0);
    let fake = Fake::start(|_| {
        let mut calls = CALLS.lock().unwrap();
        *calls += 1;
        match *calls {
            1 => with("429 Too Many Requests", "Retry-After: 0\r\n", ""),
            2 => with("503 Service Unavailable", "Retry-After: 0\r\n", ""),
            3 => ok("{}"),
            _ => with("503 Service Unavailable", "", ""),
        }
    });
    let (client, _) = client(&fake.address);
    block(client.send(&Request::new(Method::POST, "/x"))).unwrap();
    assert_eq!(fake.heads().len(), 3);
    // Without Retry-After, the first answer stands.
    assert!(block(client.send(&get("/x"))).unwrap_err().has_reason("ServiceUnavailable"));
    assert_eq!(fake.heads().len(), 4);
}

#[test]
fn warnings_reach_the_user() {
    let fake = Fake::start(|_| with("200 OK", "Content-Type: application/json\r\nWarning: 299 - \"old\"\r\n", "{}"));
    let (client, written) = client(&fake.address);
    block(async {
        client.json(&get("/x")).await.unwrap();
        client.json(&get("/x")).await.unwrap();
    });
    assert_eq!((written.text().as_str(), client.log().warning_count()), ("Warning: old\n", 1));
}

#[test]
fn a_watch_goes_on_until_it_is_closed() {
    let fake = Fake::start(|_| {
        let event = |kind: &str| format!("{{\"type\":\"{kind}\",\"object\":{{}}}}\n");
        let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
        let (one, two) = (event("ADDED"), event("DELETED"));
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}{}{}0\r\n\r\n",
            chunk(&one[..5]),
            chunk(&one[5..]),
            chunk(&two)
        )
    });
    let (client, _) = client(&fake.address);
    let kinds = block(async {
        let mut events = client.watch(&get("/x?watch=true")).await.unwrap();
        let mut kinds = Vec::new();
        while let Some(event) = events.next().await.unwrap() {
            kinds.push(event.kind);
        }
        kinds
    });
    assert_eq!(kinds, ["ADDED", "DELETED"]);
}

fn aggregated(head: &str) -> String {
    let [core, groups] = documents();
    let kind = "Content-Type: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList\r\n";
    match head.split(' ').nth(1).unwrap().split('?').next().unwrap() {
        "/api" => with("200 OK", kind, &core.to_string()),
        "/apis" => with("200 OK", kind, &groups.to_string()),
        _ => ok("{}"),
    }
}

#[test]
fn discovery_is_asked_for_once_and_kept() {
    let folder = test_folder("discovery");
    let fake = Fake::start(aggregated);
    let cache = || Some(PathBuf::from(folder.file("")));
    let names = |client: &Client, word: &str| -> Result<Vec<String>, Error> {
        let found = block(client.resources(word))?;
        Ok(found.iter().map(|mapping| mapping.gvr.group_resource()).collect())
    };
    let (cold, written) = client_with(config(&fake.address), cache());
    assert_eq!(names(&cold, "po,deploy,po").unwrap(), ["pods", "deployments.apps"]);
    assert_eq!(
        block(cold.kind(&GroupVersionKind::new("apps", "v1", "Deployment"))).unwrap().gvr.resource,
        "deployments"
    );
    assert_eq!(fake.targets(), ["GET /api?timeout=32s", "GET /apis?timeout=32s"]);
    assert_eq!(written.text(), "Warning: short name \"po\" could also match lower priority resource foos.example\n");
    // Fresh knowledge is not asked for again.
    assert!(matches!(names(&cold, "nosuch"), Err(Error::Map(_))));
    assert_eq!(fake.heads().len(), 2);

    let (warm, _) = client_with(config(&fake.address), cache());
    assert_eq!(names(&warm, "all").unwrap()[0], "pods");
    assert_eq!(fake.heads().len(), 2);
    // What is not known may be new: the server is asked, once.
    let error = names(&warm, "nosuch").unwrap_err();
    assert_eq!(error.to_string(), "the server doesn't have a resource type \"nosuch\"");
    assert!(names(&warm, "nosuch").is_err());
    assert_eq!(fake.heads().len(), 4);
    block(warm.fresh_discovery()).unwrap();
    assert_eq!(fake.heads().len(), 6);
    assert!(block(warm.mapper()).unwrap().group_versions().iter().any(|gv| gv.to_string() == "example.com/v1beta1"));
}

#[test]
fn the_older_discovery_documents_will_do() {
    let fake = Fake::start(|head| match head.split(' ').nth(1).unwrap().split('?').next().unwrap() {
        "/api" => ok(r#"{"kind":"APIVersions","versions":["v1"]}"#),
        "/apis" => ok(
            r#"{"groups":[{"name":"apps","versions":[{"version":"v1"}],"preferredVersion":{"version":"v1"}},{"name":"down","versions":[{"version":"v1"}],"preferredVersion":{"version":"v1"}}]}"#,
        ),
        "/api/v1" => ok(
            r#"{"resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get"],"shortNames":["po"]}]}"#,
        ),
        "/apis/apps/v1" => ok(
            r#"{"resources":[{"name":"deployments","singularName":"deployment","namespaced":true,"kind":"Deployment","verbs":["get"]}]}"#,
        ),
        _ => with("503 Service Unavailable", "Content-Type: text/plain\r\n", ""),
    });
    let folder = test_folder("older");
    let (client, written) = client_with(config(&fake.address), Some(folder.file("").into()));
    let found = block(client.resources("po,deployment")).unwrap();
    assert_eq!(found.iter().map(|m| m.gvr.group_resource()).collect::<Vec<_>>(), ["pods", "deployments.apps"]);
    let why = "the server is currently unable to handle the request";
    assert!(written.text().ends_with(&format!(
        "memcache.go:403] \"Couldn't get resource list\" err=\"{why}\" groupVersion=\"down/v1\"\n"
    )));
    let incomplete = block(client.mapper()).unwrap().incomplete();
    assert_eq!(incomplete, Some(format!("unable to retrieve the complete list of server APIs: down/v1: {why}")));
    // Half of the truth is not kept.
    assert!(!std::path::Path::new(&folder.file("steer")).exists());
}
