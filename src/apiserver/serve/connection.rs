//! One connection: HTTP/1.1, or HTTP/2 where a client chose that in the TLS handshake. Everything that a client may
//! hold up or pile up has a bound.

use crate::apiserver::auth::authenticate::Peer;
use crate::apiserver::errors;
use crate::apiserver::negotiate::Format;
use crate::apiserver::pipeline::Server;
use crate::apiserver::request;
use crate::apiserver::respond::{self, Body};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Version, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::server::conn;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// How long a connection may take to say what it wants, and to shake hands.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How long a body may take to come; kube-apiserver gives a request as much.
const BODY: Duration = Duration::from_secs(60);
/// The largest body, as in kube-apiserver.
const MOST: usize = 3 << 20;
/// How much more of a body that is too large is read, and forgotten.
const DRAINED: usize = 16 << 20;
/// The most bytes that wait for a client to take them: of a connection, or of a stream in HTTP/2. So many bytes
/// HTTP/1.1's headers may have, too.
const BUFFER: usize = 64 << 10;
/// The most headers: a proxy names all groups of the user that it acts for.
const HEADERS: usize = 1000;
/// The most bytes of HTTP/2's headers, as in Go.
const HEADER_BYTES: u32 = 1 << 20;
/// The most requests at once on one connection, watches too.
const STREAMS: u32 = 1000;

/// The bytes of a connection, with TLS or without. One type for both: hyper's code is in the program once for each.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Serves HTTP/1.1 until the client goes, or the server stops and the request under way is done.
pub async fn http1(server: Arc<Server>, stream: Box<dyn Stream>, peer: Peer, stop: watch::Receiver<bool>) {
    let service = service_fn(move |request| answer(server.clone(), peer.clone(), request));
    let connection = conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_headers(HEADERS)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    until_done(connection, stop, |connection| connection.graceful_shutdown()).await;
}

/// Serves HTTP/2 until the client goes, or the server stops and all requests under way are done.
pub async fn http2(server: Arc<Server>, stream: Box<dyn Stream>, peer: Peer, stop: watch::Receiver<bool>) {
    let begun = Arc::new(AtomicBool::new(false));
    let says_nothing = {
        let begun = begun.clone();
        async move {
            sleep(PATIENCE).await;
            if begun.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
        }
    };
    let service = service_fn(move |request| {
        begun.store(true, Ordering::Relaxed);
        answer(server.clone(), peer.clone(), request)
    });
    let connection = conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PATIENCE)
        .keep_alive_timeout(PATIENCE)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_BYTES)
        .max_send_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        () = until_done(connection, stop, |connection| connection.graceful_shutdown()) => {}
        () = says_nothing => {}
    }
}

/// Serves a connection to its end. When the server stops it is told to come to one.
async fn until_done<C: Future>(connection: C, mut stop: watch::Receiver<bool>, end: impl FnOnce(Pin<&mut C>)) {
    let mut connection = pin!(connection);
    // A connection that breaks is its client's business.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => end(connection.as_mut()),
    }
    let _ = connection.await;
}

/// Whether a request says once for which host it is, as HTTP/1.1 demands (RFC 9112, section 3.2).
fn names_host(parts: &Parts) -> bool {
    parts.version != Version::HTTP_11 || parts.headers.get_all(header::HOST).iter().count() == 1
}

async fn answer(server: Arc<Server>, peer: Peer, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (mut parts, mut body) = request.into_parts();
    let only_head = parts.method == Method::HEAD;
    if request::path(&parts.uri).is_none() || !names_host(&parts) {
        return Ok(respond::text(StatusCode::BAD_REQUEST, "400 Bad Request"));
    }
    let body = match timeout(BODY, Limited::new(&mut body, MOST).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Err(_) => return Ok(respond::failure(&errors::timed_out(), Format::Json)),
        Ok(Err(error)) => {
            let failure = if error.is::<LengthLimitError>() {
                drain(&mut body).await;
                errors::too_large(MOST)
            } else {
                errors::bad_request(error.to_string())
            };
            return Ok(respond::failure(&failure, Format::Json));
        }
    };
    parts.extensions.insert(peer);
    let answer = server.respond(Request::from_parts(parts, body)).await;
    Ok(if only_head { without_body(answer) } else { answer })
}

/// Reads the rest of a body that is too large, unless it is far too large: a client that has not sent all may take the
/// end of the connection for the answer.
async fn drain(body: &mut Incoming) {
    let mut left = DRAINED;
    let rest = async {
        while left > 0
            && let Some(Ok(frame)) = body.frame().await
        {
            left = left.saturating_sub(frame.data_ref().map_or(0, |data| data.len()));
        }
    };
    // Who takes too long is not waited for.
    let _ = timeout(PATIENCE, rest).await;
}

/// What HEAD is answered with: the headers. HTTP/2 has nobody else to leave the body out.
fn without_body(answer: Response<Body>) -> Response<Body> {
    let (mut parts, body) = answer.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Response::from_parts(parts, Body::Whole(Bytes::new()))
}
