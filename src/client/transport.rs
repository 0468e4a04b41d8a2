//! Sending requests: one HTTP client, made when it is first needed; headers that every request has; waiting when the
//! server asks for it.

use super::answer;
use super::cause::{self, Circumstances};
use super::dial::Resolver;
use super::identity::Identity;
use super::log::Log;
use super::request::Request;
use super::tls::{self, Handshakes};
use super::trace::{self, Trace};
use super::{ClientOptions, ConnectionError, Error};
use crate::api::GoDuration;
use crate::kubeconfig::{ClientConfig, ExecCredential, Pem};
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long making a TCP connection may take (client-go's dialer).
const DIAL_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a request is repeated when the server asks for it, or when reading broke off (client-go).
const MAX_RETRIES: usize = 10;

/// How long an answer may be. A few bytes of gzip can stand for more than any memory holds.
const LONGEST: usize = 2 << 30;

type Certificate = Option<(Vec<u8>, Vec<u8>)>;

/// Sends requests to one server.
pub(super) struct Transport {
    config: ClientConfig,
    log: Log,
    identity: Identity,
    handshakes: Arc<Handshakes>,
    resolver: Resolver,
    /// The proxy's URL, if one is used.
    proxy: Option<String>,
    /// The scheme, host and path prefix of the URLs that are dialled.
    base: String,
    /// Headers of every request.
    headers: HeaderMap,
    /// The HTTP client, with the certificate that it was made with.
    http: Mutex<Option<(Certificate, reqwest::Client)>>,
}

impl Transport {
    pub(super) fn new(config: ClientConfig, options: &ClientOptions) -> Result<Self, Error> {
        let server = &config.server;
        let proxy = match config.proxy_url.as_str() {
            "" => options.proxies.choose(server.secure, server.name(), server.port()),
            url => Some(url.to_owned()),
        };
        let name = config.tls.server_name.as_str();
        let (resolver, base) = match proxy {
            // The certificate's name stands in the URL, so that the handshake asks for it; it is looked up as the host.
            None if server.secure && !name.is_empty() && name.parse::<IpAddr>().is_err() => (
                Resolver::with_alias(name, server.name()),
                format!("{}://{name}:{}{}", server.scheme, server.port(), server.path),
            ),
            _ => (Resolver::default(), server.url()),
        };
        Ok(Self {
            log: options.log.clone(),
            identity: Identity::new(config.credentials.clone(), options.stdin_taken.clone()),
            handshakes: Arc::default(),
            headers: headers(&config, options)?,
            resolver,
            proxy,
            base,
            http: Mutex::new(None),
            config,
        })
    }

    /// The configuration that requests are sent by.
    pub(super) fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// Sends a request, and repeats it when the server asks for that. The answer may be of any code.
    pub(super) async fn open(&self, request: &Request) -> Result<reqwest::Response, Error> {
        let mut retries = 0;
        loop {
            let wait = match self.send_as_known(request).await {
                Ok(response) => match self.wanted_wait(&response) {
                    Some(wait) if retries < MAX_RETRIES => wait,
                    _ => return Ok(response),
                },
                Err(Error::Connection(fault))
                    if request.method == Method::GET && cause::is_passing(&fault.cause) && retries < MAX_RETRIES =>
                {
                    Duration::from_secs(1)
                }
                Err(error) => return Err(error),
            };
            retries += 1;
            tokio::time::sleep(wait).await;
        }
    }

    /// How long a server that cannot answer now asks to wait.
    fn wanted_wait(&self, response: &reqwest::Response) -> Option<Duration> {
        let code = response.status();
        let busy = code == StatusCode::TOO_MANY_REQUESTS || code.is_server_error();
        let wait = busy.then(|| answer::retry_after(response.headers())).flatten()?;
        self.log.info(4, "with_retry.go:178", &format!("Got a Retry-After {wait}s response"));
        Some(Duration::from_secs(wait))
    }

    /// Sends a request once; a second time when a credential plugin has something new to show.
    async fn send_as_known(&self, request: &Request) -> Result<reqwest::Response, Error> {
        if let Some(fault) = &request.fault {
            return Err(Error::Message(fault.clone()));
        }
        let given = self.given(request).await?;
        let response = self.send_once(request, given.as_deref()).await?;
        let Some(refused) = given.filter(|_| response.status() == StatusCode::UNAUTHORIZED) else {
            return Ok(response);
        };
        match self.identity.renew(&refused).await {
            Ok(true) => {
                let given = self.given(request).await?;
                self.send_once(request, given.as_deref()).await
            }
            Ok(false) => Ok(response),
            Err(fault) => {
                self.log.error("exec.go:349", "refreshing credentials", &fault);
                Ok(response)
            }
        }
    }

    async fn given(&self, request: &Request) -> Result<Option<Arc<ExecCredential>>, Error> {
        self.identity.given().await.map_err(|fault| self.fault(request, fault))
    }

    async fn send_once(&self, request: &Request, given: Option<&ExecCredential>) -> Result<reqwest::Response, Error> {
        let fault = |cause: String| self.fault(request, cause);
        if !matches!(self.config.server.scheme.as_str(), "http" | "https") {
            return Err(fault(format!("unsupported protocol scheme \"{}\"", self.config.server.scheme)));
        }
        let port = self.config.server.port();
        if port.parse::<u16>().is_err() {
            return Err(fault(format!("dial tcp: address {port}: invalid port")));
        }
        let http = self.http(request, given.and_then(|given| given.certificate.clone())).await?;
        let timeout = self.config.timeout.or(request.timeout);
        let target = request.target(timeout);
        let mut headers = self.headers.clone();
        for (name, value) in &request.headers {
            let value = HeaderValue::from_str(value).map_err(|error| Error::Message(error.to_string()))?;
            headers.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|e| Error::Message(e.to_string()))?, value);
        }
        if let Some(value) = self.identity.authorization(given).map_err(fault)? {
            let mut value = HeaderValue::from_str(&value).map_err(|error| fault(error.to_string()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let shown = format!("{}{target}", self.config.server.url());
        let trace = Trace::begin(&self.log, request, &shown, &headers);
        if self.base != self.config.server.url() {
            let host = HeaderValue::from_str(&self.config.server.host).map_err(|error| fault(error.to_string()))?;
            headers.insert(HOST, host);
        }
        let mut builder = http.request(request.method.clone(), format!("{}{target}", self.base)).headers(headers);
        if !request.body.is_empty() {
            builder = builder.body(request.body.clone());
        }
        if let Some(timeout) = timeout.and_then(GoDuration::to_std).filter(|timeout| !timeout.is_zero()) {
            builder = builder.timeout(timeout);
        }
        let sent = tokio::select! {
            sent = builder.send() => sent.map_err(|error| fault(cause::of_request(&error, &self.circumstances()))),
            () = self.handshakes.stalled() => Err(fault("net/http: TLS handshake timeout".into())),
        };
        match sent {
            Ok(response) => {
                trace.head(&response.status().to_string(), response.headers());
                self.log.warnings(response.headers());
                Ok(response)
            }
            Err(error) => {
                trace.head("", &HeaderMap::new());
                Err(error)
            }
        }
    }

    fn circumstances(&self) -> Circumstances {
        let (host, port) = match self.proxy.as_deref().and_then(|proxy| reqwest::Url::parse(proxy).ok()) {
            Some(url) => {
                let port = url.port_or_known_default().unwrap_or(1080);
                (url.host_str().unwrap_or_default().to_owned(), port.to_string())
            }
            None => (self.config.server.name().to_owned(), self.config.server.port().to_owned()),
        };
        let dialled = self.resolver.dialled(&host, &port);
        let server = &self.config.server;
        let through = match &self.proxy {
            None => String::new(),
            Some(proxy) if proxy.starts_with("socks5") => {
                format!("socks connect tcp {dialled}->{}:{}: ", server.name(), server.port())
            }
            Some(_) => "proxyconnect tcp: ".to_owned(),
        };
        Circumstances { through, dialled, connecting: self.handshakes.is_open() }
    }

    /// The error of a request that got no answer.
    pub(super) fn fault(&self, request: &Request, cause: String) -> Error {
        let timeout = self.config.timeout.or(request.timeout);
        let verb = request.method.as_str();
        Error::Connection(Box::new(ConnectionError {
            operation: format!("{}{}", &verb[..1], verb[1..].to_ascii_lowercase()),
            url: format!("{}{}", self.config.server.url(), request.target(timeout)),
            host: self.config.server.host.clone(),
            cause,
        }))
    }

    /// Reads all of an answer, decompressed. It is put together as it comes, so that it is in memory but once.
    pub(super) async fn body(&self, mut response: reqwest::Response) -> Result<Bytes, Error> {
        // What is said of the length is believed as far as it costs little.
        let length = response.content_length().unwrap_or(0).min(1 << 20) as usize;
        let mut body = Vec::with_capacity(length);
        while let Some(piece) = response.chunk().await.map_err(|error| self.broken(&error))? {
            if body.len() + piece.len() > LONGEST {
                return Err(Error::Message(format!("the server's answer is longer than {} GiB", LONGEST >> 30)));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body.into())
    }

    /// The error of an answer that broke off.
    fn broken(&self, error: &reqwest::Error) -> Error {
        let cause = cause::of_body(error);
        self.log.error("request.go:1198", "Unexpected error when reading response body", &cause);
        Error::Message(format!("unexpected error when reading response body. Please retry. Original error: {cause}"))
    }

    /// The error of a stream that broke off.
    pub(super) fn cut(&self, error: &reqwest::Error) -> Error {
        Error::Message(cause::of_body(error))
    }

    /// Shows an answer's body to whoever asked for traces.
    pub(super) fn trace_body(&self, request: &Request, body: &[u8]) {
        trace::body(&self.log, "Response Body", request.secret, body);
    }

    /// The HTTP client for a certificate that a plugin gave, or for the configured one.
    async fn http(&self, request: &Request, given: Certificate) -> Result<reqwest::Client, Error> {
        let mut http = self.http.lock().await;
        if let Some((certificate, client)) = http.as_ref()
            && *certificate == given
        {
            return Ok(client.clone());
        }
        let secure_proxy = self.proxy.as_deref().is_some_and(|proxy| proxy.starts_with("https"));
        let tls = if self.config.server.secure || secure_proxy {
            self.tls(request, given.as_ref())?
        } else {
            tls::unused().map_err(Error::Message)?
        };
        let client = self.build(tls).map_err(|error| Error::Message(error.to_string()))?;
        *http = Some((given, client.clone()));
        Ok(client)
    }

    fn build(&self, tls: rustls::ClientConfig) -> reqwest::Result<reqwest::Client> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(DIAL_TIMEOUT)
            .tcp_keepalive(Duration::from_secs(30))
            .gzip(self.config.compress)
            .dns_resolver(Arc::new(self.resolver.clone()))
            .tls_backend_preconfigured(tls)
            .no_proxy();
        if let Some(proxy) = &self.proxy {
            // Names are looked up by the proxy, as Go leaves it to do.
            let proxy = proxy.replacen("socks5://", "socks5h://", 1);
            builder = builder.proxy(reqwest::Proxy::all(proxy)?);
        }
        builder.build()
    }

    fn tls(&self, request: &Request, given: Option<&(Vec<u8>, Vec<u8>)>) -> Result<rustls::ClientConfig, Error> {
        let configured = match &self.config.tls.client {
            Some((certificate, key)) => {
                Some((certificate.read().map_err(Error::Message)?, key.read().map_err(Error::Message)?))
            }
            None => None,
        };
        let client = given.or(configured.as_ref()).map(|(certificate, key)| (&certificate[..], &key[..]));
        let from_files = matches!(&self.config.tls.client, Some((Pem::File(_), _) | (_, Pem::File(_))));
        tls::config(&self.config.tls, client, self.handshakes.clone()).map_err(|fault| match fault {
            tls::Fault::Client(fault) if given.is_some() => {
                self.fault(request, format!("getting credentials: failed parsing client key/certificate: {fault}"))
            }
            // Files may be replaced while the client works, so that they are looked at for each connection.
            tls::Fault::Client(fault) if from_files => {
                self.log.error_about("cert_rotation.go:172", "Loading client cert failed", &fault, ("key", "key"));
                self.fault(request, fault)
            }
            tls::Fault::Client(fault) | tls::Fault::Authorities(fault) => Error::Message(fault),
        })
    }
}

/// The headers of every request.
fn headers(config: &ClientConfig, options: &ClientOptions) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    let text = |value: &str| HeaderValue::from_str(value).map_err(|error| Error::Message(error.to_string()));
    headers.insert(USER_AGENT, text(&options.user_agent)?);
    if !options.command.is_empty() {
        headers.insert("kubectl-command", text(&options.command)?);
        headers.insert("kubectl-session", text(&session())?);
    }
    let who = &config.impersonate;
    if !who.user.is_empty() {
        headers.insert("impersonate-user", text(&who.user)?);
    }
    if !who.uid.is_empty() {
        headers.insert("impersonate-uid", text(&who.uid)?);
    }
    for group in &who.groups {
        headers.append("impersonate-group", text(group)?);
    }
    for (key, values) in &who.extra {
        let name = format!("impersonate-extra-{}", escaped_key(key));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| Error::Message(error.to_string()))?;
        for value in values {
            headers.append(name.clone(), text(value)?);
        }
    }
    Ok(headers)
}

/// A key of `as-user-extra` as a part of a header's name: lower case, with what may not stand there escaped.
fn escaped_key(key: &str) -> String {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(&byte);
    let escape = |byte: u8| if safe(byte) { (byte as char).to_string() } else { format!("%{byte:02x}") };
    key.to_ascii_lowercase().bytes().map(escape).collect()
}

/// A random UUID (RFC 9562, version 4), by which a server can tell the requests of one command.
fn session() -> String {
    let mut bytes = [0u8; 16];
    // Without randomness the header says nothing, which harms nobody.
    let _ = rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// What the client calls itself: the kubectl that it stands for, in client-go's form, and then itself.
pub fn user_agent(kubectl_version: &str) -> String {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        os => os,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        arch => arch,
    };
    format!("kubectl/{kubectl_version} ({os}/{arch}) steer/{}", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_a_uuid_of_its_own() {
        let (one, two) = (session(), session());
        assert_ne!(one, two);
        assert_eq!((one.len(), one.as_bytes()[14]), (36, b'4'));
        assert!(matches!(one.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }

    #[test]
    fn keys_are_escaped_for_a_header() {
        assert_eq!(escaped_key("A/b%c d"), "a%2fb%25c%20d");
    }
}
