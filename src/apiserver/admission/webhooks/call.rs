//! The connection to a webhook.

use super::super::super::errors::Failure;
use super::super::super::pipeline::Server;
use super::trust;
use crate::api::{ObjectExt, Value};
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The largest answer that is read.
const MOST: usize = 3 << 20;

/// Where a webhook is, and how it is reached.
pub(super) struct Caller {
    url: String,
    /// Where to connect to, when that is not what the URL says.
    address: Option<String>,
    tls: Arc<ClientConfig>,
    patience: Duration,
}

impl Caller {
    /// Finds out where a webhook is.
    pub async fn new(server: &Server, hook: &Value) -> Result<Self, String> {
        let client = hook.get("clientConfig").unwrap_or(&Value::Null);
        let seconds = hook.integer(&["timeoutSeconds"]).and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(10);
        let (url, address) = match client.get("service") {
            None => (client.text(&["url"]).to_string(), None),
            Some(service) => {
                let (namespace, name) = (service.text(&["namespace"]), service.text(&["name"]));
                let port = service.integer(&["port"]).unwrap_or(443);
                let path = service.text(&["path"]);
                let url = format!("https://{name}.{namespace}.svc:{port}/{}", path.trim_start_matches('/'));
                let reach = |why: String| format!("failed to call webhook: Post \"{url}?timeout={seconds}s\": {why}");
                (url.clone(), Some(server.behind(namespace, name, port).await.map_err(reach)?))
            }
        };
        let tls = trust::config(client.text(&["caBundle"]))?;
        Ok(Self { url, address, tls: Arc::new(tls), patience: Duration::from_secs(seconds) })
    }

    /// Sends a review, and gives the answer.
    pub async fn post(&self, review: &Value) -> Result<Value, String> {
        let url = format!("{}?timeout={}s", self.url, self.patience.as_secs());
        let about = |why: &str| format!("Post {url:?}: {why}");
        match tokio::time::timeout(self.patience, self.exchange(&url, review)).await {
            Ok(answer) => answer.map_err(|why| about(&why)),
            Err(_) => Err(about("context deadline exceeded")),
        }
    }

    async fn exchange(&self, url: &str, review: &Value) -> Result<Value, String> {
        let uri: Uri = url.parse().map_err(|error: http::uri::InvalidUri| error.to_string())?;
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = uri.port_u16().unwrap_or(443);
        let address = self.address.clone().unwrap_or_else(|| format!("{}:{port}", uri.host().unwrap_or_default()));
        let stream = TcpStream::connect(&address).await.map_err(|error| dial(&address, &error))?;
        let body = Bytes::from(review.to_string());
        let request = Request::post(uri.path_and_query().map_or("/", |path| path.as_str()))
            .header(header::HOST, uri.authority().map_or(host, |authority| authority.as_str()))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, */*")
            .header(header::USER_AGENT, "kube-apiserver-admission")
            .body(Full::new(body))
            .map_err(|error| error.to_string())?;
        let name = ServerName::try_from(host.to_string()).map_err(|error| error.to_string())?;
        let connector = TlsConnector::from(self.tls.clone());
        let stream = connector.connect(name, stream).await.map_err(|error| trust::fault(&error))?;
        send(stream, request).await
    }
}

/// Go's words for a connection that does not come about.
fn dial(address: &str, error: &std::io::Error) -> String {
    let why = match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "connect: connection refused".into(),
        std::io::ErrorKind::HostUnreachable => "connect: no route to host".into(),
        _ => error.to_string(),
    };
    format!("dial tcp {address}: {why}")
}

async fn send<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Value, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // It ends with the sender; what goes wrong shows in the answer.
    tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MOST).collect().await.map_err(|error| error.to_string())?.to_bytes();
    if !status.is_success() {
        return Err(refusal(status, String::from_utf8_lossy(&body).trim()));
    }
    serde_json::from_slice(&body).map_err(|error| error.to_string())
}

/// How Go's client speaks of an answer that is none.
fn refusal(status: StatusCode, body: &str) -> String {
    let text = match status.as_u16() {
        400 => "the server rejected our request for an unknown reason",
        401 => "the server has asked for the client to provide credentials",
        404 => "the server could not find the requested resource",
        405 => "the server does not allow this method on the requested resource",
        429 => "the server has received too many requests and has asked us to try again later",
        503 => "the server is currently unable to handle the request",
        504 => {
            "the server was unable to return a response in the time allotted, but may still be processing the request"
        }
        500.. => return format!("an error on the server ({body:?}) has prevented the request from succeeding"),
        code => return format!("the server responded with the status code {code} but did not return more information"),
    };
    text.into()
}

impl Server {
    /// An address behind a service's port.
    async fn behind(&self, namespace: &str, name: &str, port: i64) -> Result<String, String> {
        let missing = || format!("service {name:?} not found");
        let stored = |failure: Failure| failure.message.clone();
        let entry = self.get_core("services", namespace, name).await.map_err(stored)?.ok_or_else(missing)?;
        let service = entry.object.value(entry.revision);
        if service.text(&["spec", "type"]) == "ExternalName" {
            return Ok(format!("{}:{port}", service.text(&["spec", "externalName"])));
        }
        let ports = service.items_at(&["spec", "ports"]);
        let own = ports.iter().find(|own| own.integer(&["port"]) == Some(port));
        let own = own.ok_or_else(|| format!("no service port {port} found for service {name:?}"))?;
        let slices = match self.registry.find("discovery.k8s.io", "v1", "endpointslices") {
            Some(slices) => self.all(slices, namespace).await.map_err(stored)?,
            None => Vec::new(),
        };
        for entry in slices.iter().filter(|entry| entry.object.label("kubernetes.io/service-name") == Some(name)) {
            let slice = entry.object.value(entry.revision);
            let target = slice.items_at(&["ports"]).iter().find(|port| port.text(&["name"]) == own.text(&["name"]));
            let ready = slice
                .items_at(&["endpoints"])
                .iter()
                .find(|endpoint| endpoint.at(&["conditions", "ready"]) != Some(&Value::Bool(false)));
            let address = ready.and_then(|endpoint| endpoint.items_at(&["addresses"]).first()).and_then(Value::as_str);
            if let (Some(target), Some(address)) = (target.and_then(|port| port.integer(&["port"])), address) {
                let is_ipv6 = address.contains(':');
                return Ok(if is_ipv6 { format!("[{address}]:{target}") } else { format!("{address}:{target}") });
            }
        }
        Err(format!("no endpoints available for service {name:?}"))
    }
}
