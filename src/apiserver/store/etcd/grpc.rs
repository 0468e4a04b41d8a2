//! gRPC over HTTP/2, as far as etcd's API needs it: calls with one answer, and streams. One connection, made when it is
//! needed and again when it breaks, to whichever of the servers can be reached and answers.

use h2::client::SendRequest;
use http::{HeaderMap, Request, StatusCode, Uri};
use hyper::body::Bytes;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 10 });
/// How often a connection is asked whether it is still there, and how long it has to say so.
const ALIVE: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 10 });

/// gRPC's codes that matter here.
pub const OUT_OF_RANGE: u32 = 11;
const DEADLINE_EXCEEDED: u32 = 4;
const INTERNAL: u32 = 13;
const UNAVAILABLE: u32 = 14;

/// Why a call failed.
#[derive(Clone, Debug)]
pub struct Status {
    /// gRPC's code.
    pub code: u32,
    /// What it says.
    pub message: String,
    /// Whether the server may have got the request.
    pub sent: bool,
}

impl Status {
    /// An answer that makes no sense.
    pub fn internal(message: &str) -> Self {
        Self { code: INTERNAL, message: message.into(), sent: true }
    }

    fn unavailable(message: impl fmt::Display, sent: bool) -> Self {
        Self { code: UNAVAILABLE, message: message.to_string(), sent }
    }

    /// Whether trying again may help.
    pub fn is_passing(&self) -> bool {
        matches!(self.code, UNAVAILABLE | DEADLINE_EXCEEDED)
    }
}

impl fmt::Display for Status {
    /// As Go's etcd client words it, for kube-apiserver passes that on.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.message.starts_with("etcdserver: ") {
            return f.write_str(&self.message);
        }
        match self.code {
            DEADLINE_EXCEEDED => f.write_str("context deadline exceeded"),
            code => write!(f, "rpc error: code = {} desc = {}", name(code), self.message),
        }
    }
}

/// A code's name.
fn name(code: u32) -> &'static str {
    const NAMES: [&str; 17] = [
        "OK",
        "Canceled",
        "Unknown",
        "InvalidArgument",
        "DeadlineExceeded",
        "NotFound",
        "AlreadyExists",
        "PermissionDenied",
        "ResourceExhausted",
        "FailedPrecondition",
        "Aborted",
        "OutOfRange",
        "Unimplemented",
        "Internal",
        "Unavailable",
        "DataLoss",
        "Unauthenticated",
    ];
    NAMES.get(code as usize).copied().unwrap_or("Unknown")
}

/// Where a server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its scheme, host and port.
    pub uri: Uri,
}

impl std::str::FromStr for Endpoint {
    type Err = String;

    /// Reads `http://127.0.0.1:2379`.
    fn from_str(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|_| format!("{text:?} is no URL"))?;
        match (uri.scheme_str(), uri.host(), uri.path()) {
            (Some("http" | "https"), Some(_), "" | "/") => Ok(Self { uri }),
            _ => Err(format!("{text:?} is no URL such as http://127.0.0.1:2379")),
        }
    }
}

impl Endpoint {
    /// Whether it speaks TLS.
    pub fn is_secure(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    fn host(&self) -> &str {
        self.uri.host().unwrap_or_default().trim_matches(['[', ']'])
    }

    fn address(&self) -> String {
        format!("{}:{}", self.uri.host().unwrap_or_default(), self.uri.port_u16().unwrap_or(2379))
    }
}

/// The way to a service.
pub struct Channel {
    endpoints: Vec<Endpoint>,
    tls: Option<TlsConnector>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<Connection>,
    /// How many connections there were.
    made: u64,
    /// The endpoint that is tried first.
    first: usize,
}

#[derive(Clone)]
struct Connection {
    number: u64,
    requests: SendRequest<Bytes>,
    endpoint: Endpoint,
}

impl State {
    /// Leaves a connection, and the server that it leads to where there is another.
    fn leave(&mut self, number: u64, endpoints: usize) {
        if self.open.take_if(|open| open.number == number).is_some() {
            self.first = (self.first + 1) % endpoints.max(1);
        }
    }
}

impl Channel {
    /// A channel that connects when it is used. `tls` is needed where an endpoint is secure.
    pub fn new(endpoints: Vec<Endpoint>, tls: Option<TlsConnector>) -> Arc<Self> {
        Arc::new(Self { endpoints, tls, state: Mutex::default() })
    }

    /// Calls a method, and gives the message of its answer.
    pub async fn call(&self, method: &str, message: Vec<u8>) -> Result<Bytes, Status> {
        let connection = self.connection().await?;
        let number = connection.number;
        let call = async {
            let mut stream = Self::open(connection, method, message, true).await?;
            let answer = stream.next().await?;
            // The status comes last.
            match (answer, stream.next().await?) {
                (Some(answer), None) => Ok(answer),
                _ => Err(Status::internal("not one message was answered")),
            }
        };
        let answer = timeout(ANSWER, call).await.unwrap_or_else(|_| {
            Err(Status { code: DEADLINE_EXCEEDED, message: "context deadline exceeded".into(), sent: true })
        });
        if answer.as_ref().is_err_and(Status::is_passing) {
            // A server may hang, or have lost the others, while those go on.
            self.state.lock().await.leave(number, self.endpoints.len());
        }
        answer
    }

    /// Calls a method that answers with many messages. `only`: the request has no more of them either.
    pub async fn stream(&self, method: &str, message: Vec<u8>, only: bool) -> Result<Stream, Status> {
        Self::open(self.connection().await?, method, message, only).await
    }

    async fn open(connection: Connection, method: &str, message: Vec<u8>, only: bool) -> Result<Stream, Status> {
        let Connection { requests, endpoint, .. } = connection;
        let uri = format!(
            "{}://{}{method}",
            endpoint.uri.scheme_str().unwrap_or("http"),
            endpoint.uri.authority().map_or("", |authority| authority.as_str())
        );
        let request = Request::post(uri).header("content-type", "application/grpc").header("te", "trailers");
        // Without it, a server that has lost the others would leave a watch open and silent.
        let request = request.header("hasleader", "true").body(());
        let request = request.map_err(|error| Status::internal(&error.to_string()))?;
        let lost = |sent: bool| move |error: h2::Error| Status::unavailable(broken(&error), sent);
        let mut requests = requests.ready().await.map_err(lost(false))?;
        let (answer, mut body) = requests.send_request(request, false).map_err(lost(false))?;
        let mut frame = Vec::with_capacity(message.len() + 5);
        frame.push(0);
        frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
        frame.extend_from_slice(&message);
        body.send_data(frame.into(), only).map_err(lost(true))?;
        let answer = answer.await.map_err(lost(true))?;
        if answer.status() != StatusCode::OK {
            return Err(Status::unavailable(format!("unexpected HTTP status code {}", answer.status()), true));
        }
        if let Some(status) = status(answer.headers()) {
            return Err(status);
        }
        Ok(Stream { body: answer.into_body(), buffer: Vec::new(), _request: (!only).then_some(body) })
    }

    async fn connection(&self) -> Result<Connection, Status> {
        let mut state = self.state.lock().await;
        if let Some(connection) = state.open.clone() {
            // A connection that is over says so at once, and one that is there waits at most for its turn.
            match timeout(ANSWER, connection.requests.clone().ready()).await {
                Ok(Ok(_)) => return Ok(connection),
                _ => state.leave(connection.number, self.endpoints.len()),
            }
        }
        let mut problem = Status::unavailable("no endpoint is known", false);
        let (before, from) = self.endpoints.split_at(state.first);
        for endpoint in from.iter().chain(before) {
            let connected = timeout(CONNECT, self.connect(endpoint)).await;
            let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            match connected {
                Ok(requests) => {
                    state.made += 1;
                    let connection = Connection { number: state.made, requests, endpoint: endpoint.clone() };
                    state.first = self.endpoints.iter().position(|known| known == endpoint).unwrap_or(0);
                    return Ok(state.open.insert(connection).clone());
                }
                Err(error) => {
                    let dial = format!("dial tcp {}: {}", endpoint.address(), go_error(&error));
                    let text = format!("connection error: desc = \"transport: Error while dialing: {dial}\"");
                    problem = Status::unavailable(text, false);
                }
            }
        }
        Err(problem)
    }

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<SendRequest<Bytes>> {
        let stream = TcpStream::connect(endpoint.address().as_str()).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            Some(tls) if endpoint.is_secure() => {
                let name = ServerName::try_from(endpoint.host().to_string()).map_err(io::Error::other)?;
                handshake(Box::new(tls.connect(name, stream).await?)).await
            }
            _ => handshake(Box::new(stream)).await,
        }
    }
}

/// The bytes of a connection, with TLS or without. One type for both: h2's code is in the program once.
trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Io for S {}

async fn handshake(stream: Box<dyn Io>) -> io::Result<SendRequest<Bytes>> {
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(4 << 20).initial_connection_window_size(16 << 20).max_frame_size(1 << 20);
    let (requests, mut connection) = builder.handshake(stream).await.map_err(io::Error::other)?;
    let pings = connection.ping_pong();
    tokio::spawn(async move {
        tokio::select! {
            // How it ends is told to all who use it.
            _ = connection => {}
            () = alive(pings) => {}
        }
    });
    Ok(requests)
}

/// Ends when the other side is not there any more.
async fn alive(pings: Option<h2::PingPong>) {
    let Some(mut pings) = pings else { return std::future::pending().await };
    loop {
        sleep(ALIVE).await;
        match timeout(ALIVE, pings.ping(h2::Ping::opaque())).await {
            Ok(Ok(_)) => {}
            _ => return,
        }
    }
}

/// The messages of an answer.
pub struct Stream {
    body: h2::RecvStream,
    buffer: Vec<u8>,
    /// The request's side, which stays open while more could be asked.
    _request: Option<h2::SendStream<Bytes>>,
}

impl Stream {
    /// The next message; none at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        loop {
            if let Some((head, rest)) = self.buffer.split_at_checked(5) {
                let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
                if head[0] != 0 {
                    return Err(Status::internal("a compressed message was answered"));
                }
                if rest.len() >= length {
                    let message = Bytes::copy_from_slice(&rest[..length]);
                    self.buffer.drain(..5 + length);
                    return Ok(Some(message));
                }
            }
            match self.body.data().await {
                Some(Ok(bytes)) => {
                    self.buffer.extend_from_slice(&bytes);
                    let lost = |error: h2::Error| Status::unavailable(broken(&error), true);
                    self.body.flow_control().release_capacity(bytes.len()).map_err(lost)?;
                }
                Some(Err(error)) => return Err(Status::unavailable(broken(&error), true)),
                None => {
                    let trailers = self.body.trailers().await;
                    let trailers = trailers.map_err(|error| Status::unavailable(broken(&error), true))?;
                    return match trailers.as_ref().map(|trailers| (trailers.contains_key(STATUS), status(trailers))) {
                        Some((true, None)) => Ok(None),
                        Some((_, Some(status))) => Err(status),
                        _ => Err(Status::unavailable("the answer ended early", true)),
                    };
                }
            }
        }
    }
}

const STATUS: &str = "grpc-status";

/// The failure that headers or trailers tell of.
fn status(headers: &HeaderMap) -> Option<Status> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let code = text(STATUS);
    if code.is_empty() || code == "0" {
        return None;
    }
    Some(Status { code: code.parse().unwrap_or(2), message: unescape(text("grpc-message")), sent: true })
}

/// Undoes `%20`, as gRPC escapes its messages.
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &tail[2..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn broken(error: &h2::Error) -> String {
    format!("error reading from server: {error}")
}

/// The words of Go for why there is no connection.
fn go_error(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connect: connection refused".into(),
        io::ErrorKind::TimedOut => "i/o timeout".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        let address = |text: &str| text.parse::<Endpoint>().map(|e| (e.address(), e.host().to_string(), e.is_secure()));
        assert_eq!(address("http://127.0.0.1:2379"), Ok(("127.0.0.1:2379".into(), "127.0.0.1".into(), false)));
        assert_eq!(address("https://[::1]"), Ok(("[::1]:2379".into(), "::1".into(), true)));
        for bad in ["", "127.0.0.1:2379", "ftp://a", "http://a/b", "unix:///a"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn failures_are_worded_as_gos() {
        let mut trailers = HeaderMap::new();
        assert!(status(&trailers).is_none());
        trailers.insert(STATUS, "11".parse().unwrap());
        trailers.insert("grpc-message", "etcdserver: mvcc: required%20revision %e2%9c%93 100%".parse().unwrap());
        let failure = status(&trailers).unwrap();
        assert_eq!(failure.to_string(), "etcdserver: mvcc: required revision ✓ 100%");
        let failure = Status::unavailable("gone", true);
        assert_eq!(failure.to_string(), "rpc error: code = Unavailable desc = gone");
    }
}
