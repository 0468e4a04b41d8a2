//! Talking to an API server: requests as values, the transport that sends them, and what the server serves.
//!
//! A [`Client`] opens no connection before its first request, and asks what the server serves only when a resource is
//! looked up that the cache does not know.

mod answer;
mod cache;
mod cause;
mod dial;
mod discovery;
mod download;
mod error;
mod identity;
mod list;
mod log;
mod mapper;
mod proxy;
mod request;
mod tls;
mod trace;
mod transport;
mod watch;

pub use discovery::{ApiResource, ApiSubresource, Discovery, Group, Version};
pub use download::download;
pub use error::{ConnectionError, Error};
pub use list::List;
pub use log::{Lines, Log};
pub use mapper::{MapError, Mapper, Mapping, Subresource};
pub use proxy::Proxies;
pub use request::{ANYTHING, JSON, METADATA_LIST, PatchKind, Request, TABLE};
pub use transport::user_agent;
pub use watch::Event;

use crate::api::{GroupVersionKind, GroupVersionResource, Value, json};
use crate::kubeconfig::ClientConfig;
use bytes::Bytes;
use cache::Cache;
use http::{HeaderMap, header};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Mutex;
use transport::Transport;

/// How a client goes about its work, besides what the configuration says.
pub struct ClientOptions {
    /// Where warnings and traces go.
    pub log: Log,
    /// What the client calls itself; see [`user_agent`].
    pub user_agent: String,
    /// The command that the requests are for, such as `kubectl get`; empty to keep it to oneself.
    pub command: String,
    /// The folder for what is kept between runs; none to keep nothing.
    pub cache_dir: Option<PathBuf>,
    /// What the environment says about proxies.
    pub proxies: Proxies,
    /// Who reads standard input, so that a credential plugin cannot; empty text for nobody worth naming.
    pub stdin_taken: Option<String>,
}

/// An answer that says yes.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
}

impl Response {
    fn require_json(&self) -> Result<(), Error> {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or(JSON);
        let kind = kind.split(';').next().unwrap_or_default().trim();
        match kind == JSON || kind.ends_with("+json") {
            true => Ok(()),
            false => Err(Error::Message(format!("serializer for {kind} doesn't exist"))),
        }
    }
}

/// A connection to one API server.
pub struct Client {
    transport: Transport,
    log: Log,
    cache: Option<Cache>,
    known: Mutex<Option<Known>>,
    url: String,
}

/// What is known of what the server serves.
#[derive(Clone)]
struct Known {
    mapper: Arc<Mapper>,
    /// Whether the server said it in this run, so that asking again would bring nothing.
    fresh: bool,
}

impl Client {
    /// A client. Nothing is sent, and no file is read.
    ///
    /// # Errors
    /// For parts of the configuration that cannot stand in a header.
    pub fn new(config: ClientConfig, options: ClientOptions) -> Result<Self, Error> {
        let cache = options.cache_dir.as_ref().map(|folder| Cache::new(folder, &config.server));
        let url = config.server.url();
        let transport = Transport::new(config, &options)?;
        Ok(Self { transport, log: options.log, cache, known: Mutex::new(None), url })
    }

    /// The server's URL, without a slash at its end.
    pub fn server(&self) -> &str {
        &self.url
    }

    /// The configuration that requests are sent by.
    pub fn config(&self) -> &ClientConfig {
        self.transport.config()
    }

    /// Where warnings and traces go.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// [`Error::Status`] when the server says no, and what went wrong on the way.
    pub async fn send(&self, request: &Request) -> Result<Response, Error> {
        let response = self.transport.open(request).await?;
        let (code, headers) = (response.status(), response.headers().clone());
        let body = self.transport.body(response).await?;
        self.transport.trace_body(request, &body);
        if !code.is_success() {
            return Err(answer::failure(request, code.as_u16(), &headers, &body).into());
        }
        Ok(Response { status: code.as_u16(), headers, body })
    }

    /// Sends a request and reads the answer as a JSON value.
    ///
    /// # Errors
    /// As [`Client::send`], and when the answer is no JSON.
    pub async fn json(&self, request: &Request) -> Result<Value, Error> {
        let response = self.send(request).await?;
        response.require_json()?;
        let value = value(&response.body)?;
        if !request.subject.is_empty() {
            answer::require_object(&value, &response.body)?;
        }
        Ok(value)
    }

    /// Sends a request and reads the answer as a list, whose items are not decoded yet.
    ///
    /// # Errors
    /// As [`Client::json`].
    pub async fn list(&self, request: &Request) -> Result<List, Error> {
        let response = self.send(request).await?;
        response.require_json()?;
        List::read(response.body)
    }

    /// Sends a request whose answer is read piece by piece.
    ///
    /// # Errors
    /// As [`Client::send`], for the head of the answer.
    pub async fn stream(&self, request: &Request) -> Result<ByteStream<'_>, Error> {
        let response = self.transport.open(request).await?;
        let (code, headers) = (response.status(), response.headers().clone());
        if !code.is_success() {
            let body = self.transport.body(response).await?;
            self.transport.trace_body(request, &body);
            return Err(answer::failure(request, code.as_u16(), &headers, &body).into());
        }
        Ok(ByteStream { transport: &self.transport, response, headers })
    }

    /// Sends a request whose answer is a stream of events; see [`Request::watch`].
    ///
    /// # Errors
    /// As [`Client::stream`].
    pub async fn watch(&self, request: &Request) -> Result<Events<'_>, Error> {
        Ok(Events { stream: Some(self.stream(request).await?), decoder: watch::Decoder::default() })
    }

    /// What the server serves: from this run, from the cache, or from the server.
    ///
    /// # Errors
    /// When the server has to be asked and does not say.
    pub async fn mapper(&self) -> Result<Arc<Mapper>, Error> {
        Ok(self.known(1).await?.mapper)
    }

    /// Asks the server what it serves, whatever is known already.
    ///
    /// # Errors
    /// When it does not say.
    pub async fn fresh_discovery(&self) -> Result<(), Error> {
        self.refresh(1, true).await.map(drop)
    }

    /// The resources that a word of a user means: one, or those of a category; several words may stand there with
    /// commas between them.
    ///
    /// # Errors
    /// [`MapError::Resource`] when the server has none of that name, and what [`Client::mapper`] says.
    pub async fn resources(&self, words: &str) -> Result<Vec<Mapping>, Error> {
        let first = words.split(',').next().unwrap_or_default();
        let attempts = words.split(',').count() + lookups(first);
        self.look_up(attempts, |mapper| {
            let mut names: Vec<String> = Vec::new();
            for word in words.split(',') {
                let expanded = match mapper.category(word) {
                    none if none.is_empty() => vec![word.to_owned()],
                    category => category,
                };
                expanded.into_iter().for_each(|name| {
                    if !names.contains(&name) {
                        names.push(name)
                    }
                });
            }
            names.iter().map(|name| self.resource_in(mapper, name)).collect()
        })
        .await
    }

    /// The resource that a word of a user means, which is no category.
    ///
    /// # Errors
    /// As [`Client::resources`].
    pub async fn resource(&self, word: &str) -> Result<Mapping, Error> {
        self.look_up(lookups(word), |mapper| self.resource_in(mapper, word)).await
    }

    /// As [`Client::resource`], for who wants its name and not its kind: one question less of a server that is not there.
    ///
    /// # Errors
    /// As [`Client::resources`].
    pub async fn resource_name(&self, word: &str) -> Result<Mapping, Error> {
        self.look_up(lookups(word) - 2, |mapper| self.resource_in(mapper, word)).await
    }

    /// All resources that a word of a user could mean, which names no group, in the server's order.
    ///
    /// # Errors
    /// As [`Client::resources`].
    pub async fn resources_named(&self, word: &str) -> Result<Vec<GroupVersionResource>, Error> {
        self.look_up(2, |mapper| {
            if let Some(warning) = mapper.ambiguity(word) {
                self.log.warn(&warning);
            }
            mapper.resources(word)
        })
        .await
    }

    fn resource_in(&self, mapper: &Mapper, word: &str) -> Result<Mapping, MapError> {
        if let Some(warning) = mapper.ambiguity(word) {
            self.log.warn(&warning);
        }
        mapper.resource(word)
    }

    /// The resource of a kind.
    ///
    /// # Errors
    /// [`MapError::Kind`] when the server has none, and what [`Client::mapper`] says.
    pub async fn kind(&self, kind: &GroupVersionKind) -> Result<Mapping, Error> {
        self.look_up(1, |mapper| mapper.kind(kind)).await
    }

    /// Looks something up; once more with fresh knowledge when what is known is old and says no.
    async fn look_up<T>(&self, attempts: usize, find: impl Fn(&Mapper) -> Result<T, MapError>) -> Result<T, Error> {
        let known = self.known(attempts).await?;
        match find(&known.mapper) {
            Err(_) if !known.fresh => Ok(find(&*self.refresh(attempts, false).await?)?),
            found => Ok(found?),
        }
    }

    async fn known(&self, attempts: usize) -> Result<Known, Error> {
        let mut slot = self.known.lock().await;
        if let Some(known) = slot.as_ref() {
            return Ok(known.clone());
        }
        let known = match self.cache.as_ref().and_then(Cache::load) {
            Some(discovery) => Known { mapper: Arc::new(Mapper::new(discovery)), fresh: false },
            None => self.ask(attempts).await?,
        };
        *slot = Some(known.clone());
        Ok(known)
    }

    /// Asks the server, unless another lookup has done so while this one waited; `always` asks even then.
    async fn refresh(&self, attempts: usize, always: bool) -> Result<Arc<Mapper>, Error> {
        let mut slot = self.known.lock().await;
        let known = match slot.as_ref().filter(|known| known.fresh && !always) {
            Some(known) => known.clone(),
            None => self.ask(attempts).await?,
        };
        *slot = Some(known.clone());
        Ok(known.mapper)
    }

    /// Asks the server. kubectl asks again at each step of a lookup, and says each time that it got no answer; the
    /// lines are part of what scripts see, the waiting is not.
    async fn ask(&self, attempts: usize) -> Result<Known, Error> {
        let discovery = match discovery::fetch(&self.transport).await {
            Ok(discovery) => discovery,
            Err(error) => {
                for _ in 0..attempts {
                    self.log.error("memcache.go:381", "Couldn't get current server API group list", &error.to_string());
                }
                return Err(error);
            }
        };
        for (gv, why) in &discovery.failed {
            self.log.error_about("memcache.go:403", "Couldn't get resource list", why, ("groupVersion", gv));
        }
        if let Some(cache) = self.cache.as_ref().filter(|_| discovery.failed.is_empty())
            && let Err(error) = cache.store(&discovery)
        {
            self.log.info(4, "cached_discovery.go:1", &format!("failed to write cache: {error}"));
        }
        Ok(Known { mapper: Arc::new(Mapper::new(discovery)), fresh: true })
    }
}

/// How often kubectl asks what the server serves while it looks a word up.
fn lookups(word: &str) -> usize {
    if word.matches('.').count() >= 2 { 6 } else { 4 }
}

/// An answer that is read piece by piece.
pub struct ByteStream<'a> {
    transport: &'a Transport,
    response: reqwest::Response,
    /// The answer's headers.
    pub headers: HeaderMap,
}

impl ByteStream<'_> {
    /// The next piece; none when the answer is over.
    ///
    /// # Errors
    /// When the answer broke off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.response.chunk().await.map_err(|error| self.transport.cut(&error))
    }
}

/// The events of a watch.
pub struct Events<'a> {
    stream: Option<ByteStream<'a>>,
    decoder: watch::Decoder,
}

impl Events<'_> {
    /// The next event; none when the server has closed the watch, or the connection broke: either way the watch can be
    /// opened again where it was.
    ///
    /// # Errors
    /// When an event cannot be read, or the request's time is over.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.decoder.next()? {
                return Ok(Some(event));
            }
            let Some(stream) = &mut self.stream else { return Ok(None) };
            match stream.chunk().await {
                Ok(Some(piece)) => self.decoder.push(&piece)?,
                Err(error) if error.is_timeout() => return Err(error),
                Ok(None) | Err(_) => {
                    self.stream = None;
                    return Ok(self.decoder.finish());
                }
            }
        }
    }
}

/// Reads a value. What only Go's rules can read, such as bytes that are no UTF-8, is read by them.
fn value(text: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(text).or_else(|_| json::from_slice(text)).map_err(|error| Error::Message(error.to_string()))
}

/// What Go's JSON decoder says of a text that is no JSON.
fn json_fault(error: &serde_json::Error, text: &[u8]) -> String {
    match json::from_slice(text) {
        Err(fault) => fault.to_string(),
        // What this reader takes and the quicker one does not, such as a value that is too deep.
        Ok(_) => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
