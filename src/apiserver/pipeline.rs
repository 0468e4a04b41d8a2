//! The way of a request through the server: parse, find the resource, do what the verb says, answer.

use super::admission::Policies;
use super::auth::authenticate::{Authentication, Peer, has_odd_bearer};
use super::auth::rbac::Authorization;
use super::auth::signer::Signer;
use super::auth::{Attributes, User};
use super::claims::ServiceRange;
use super::clock::{self, Clock};
use super::codec::{self, MediaType};
use super::collector::{self, Collector};
use super::custom::{self, Definitions};
use super::discovery;
use super::errors::{Answer, Failure, bad_request, internal, method_not_allowed, no_such_resource};
use super::metrics::Metrics;
use super::negotiate::{self, Accepted, Asked, Include, Shape};
use super::openapi::Documents;
use super::options;
use super::ownership::Manager;
use super::patching;
use super::registry::{Registry, Served};
use super::request::{self, Query, Resource, Target, Verb};
use super::respond::{self, Body};
use super::store::{Entry, Key, Store, StoreError};
use super::update::{Edit, Part};
use super::verbatim::Source;
use crate::api::time::Moment;
use crate::api::{GroupVersion, names};
use crate::expr::selector::parse_fields;
use http::header::{self, HeaderMap};
use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::Bytes;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::watch;

/// An API server: a function from requests to answers, over a store.
pub struct Server {
    pub(super) store: Arc<dyn Store>,
    pub(super) registry: Registry,
    pub(super) clock: Clock,
    /// The addresses that services get.
    pub(super) services: ServiceRange,
    /// Where the server itself is reached.
    pub(super) endpoint: SocketAddr,
    /// How users are known.
    pub(super) authentication: Authentication,
    /// How it is decided what they may do.
    pub(super) authorization: Authorization,
    /// What signs tokens, once one was asked for.
    pub(super) signer: OnceLock<Arc<Signer>>,
    /// OpenAPI documents that were asked for.
    pub(super) documents: Documents,
    /// The custom resources that are known.
    pub(super) definitions: Definitions,
    /// Policies of admission that were compiled.
    pub(super) policies: Policies,
    /// What follows from deletes.
    pub(super) collector: Collector,
    /// What it counts.
    pub(super) metrics: Metrics,
    /// Changes when the server stops.
    pub(super) stopping: watch::Sender<bool>,
}

/// A request about a resource, as far as it is understood.
pub struct Call<'a> {
    /// What it asks for.
    pub target: &'a Resource,
    /// The query.
    pub query: &'a Query,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a Bytes,
    /// Who asks.
    pub user: &'a User,
    /// The resource.
    pub served: &'a Arc<Served>,
    /// What the client accepts.
    pub accepted: Accepted,
    /// When it came.
    pub now: Moment,
    /// What the client is warned of, whether or not the request succeeds.
    warnings: &'a Warnings,
}

/// The value of a header; empty when there is none, or it is no text.
fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// Texts for `Warning` headers.
type Warnings = Mutex<Vec<String>>;

impl Call<'_> {
    /// The same request, as if it were about another resource.
    pub(super) fn redirected<'b>(&'b self, target: &'b Resource, served: &'b Arc<Served>) -> Call<'b> {
        Call { target, served, ..*self }
    }

    /// The key of the object that the request names.
    pub fn key(&self) -> Key {
        self.key_of(&self.target.name)
    }

    /// The key of an object beside the one that the request names.
    pub fn key_of(&self, name: &str) -> Key {
        let name = self.served.place(&self.target.namespace, name);
        Key { collection: self.served.collection.clone(), name }
    }

    /// Warns the client.
    pub fn warn(&self, texts: impl IntoIterator<Item = String>) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).extend(texts);
    }

    /// The type of the body.
    pub fn media(&self) -> Answer<MediaType> {
        MediaType::parse(self.content_type())
    }

    /// The `Content-Type` header.
    pub fn content_type(&self) -> &str {
        self.header(header::CONTENT_TYPE)
    }

    /// The name that managed fields get when the request says none: the client's program.
    pub fn agent(&self) -> &str {
        let agent = self.header(header::USER_AGENT).split('/').next().unwrap_or("");
        if agent.is_empty() { "unknown" } else { agent }
    }

    /// Who writes.
    pub(super) fn manager<'a>(&'a self, options: &'a options::Write) -> Manager<'a> {
        let name = if options.manager.is_empty() { self.agent() } else { &options.manager };
        Manager { name, subresource: &self.target.subresource }
    }

    /// The change of a part of the object that the request names.
    pub(super) fn edit<'a>(&'a self, part: Part, options: &'a options::Write) -> Edit<'a> {
        let manager = self.manager(options);
        let user = Some(self.user);
        let (verb, source, dry_run) = (self.target.verb().name(), Source::Values, options.dry_run);
        Edit { served: self.served, key: self.key(), part, manager, user, verb, applied: false, source, dry_run }
    }

    fn header(&self, name: header::HeaderName) -> &str {
        text(self.headers, name)
    }
}

/// What a server is told when it starts.
#[derive(Clone, Debug)]
pub struct Setup {
    /// How users are known.
    pub authentication: Authentication,
    /// How it is decided what they may do.
    pub authorization: Authorization,
    /// What signs service accounts' tokens; none for a key that lives as long as the server.
    pub signer: Option<Arc<Signer>>,
    /// The addresses that services get.
    pub services: ServiceRange,
    /// Where the server itself is reached: what the endpoints of the service `kubernetes` say.
    pub endpoint: SocketAddr,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            authentication: Authentication::default(),
            authorization: Authorization::default(),
            signer: None,
            services: ServiceRange::default(),
            endpoint: SocketAddr::from((Ipv4Addr::LOCALHOST, 6443)),
        }
    }
}

impl Server {
    /// Ends all watches; requests that come later are still answered.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// A server over a store, with the system's clock, and all objects that every server has.
    pub async fn start(store: Arc<dyn Store>, setup: Setup) -> Answer<Arc<Self>> {
        let (collector, backlog) = Collector::new();
        let server = Arc::new(Self {
            store,
            registry: Registry::builtin(),
            clock: clock::system,
            services: setup.services,
            endpoint: setup.endpoint,
            authentication: setup.authentication,
            authorization: setup.authorization,
            signer: setup.signer.map_or_else(OnceLock::new, OnceLock::from),
            documents: Documents::default(),
            definitions: Definitions::default(),
            policies: Policies::default(),
            collector,
            metrics: Metrics::since(clock::system().seconds),
            stopping: watch::Sender::new(false),
        });
        server.bootstrap().await?;
        server.serve_definitions().await?;
        tokio::spawn(collector::run(Arc::downgrade(&server), backlog));
        Ok(server)
    }

    /// Answers a request.
    pub async fn respond(self: &Arc<Self>, request: Request<Bytes>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let (target, query) = request::parse(&parts.method, &parts.uri);
        let warnings = Warnings::default();
        let failed = |failure: Failure| {
            respond::failure(&failure, negotiate::for_failures(&parts.headers, request::pretty(&query)))
        };
        let mut response = match self.admit_user(&parts, &target, &query, &warnings).await {
            Ok(user) => {
                let answer = self.answer(&parts, &target, &query, &body, &user, &warnings).await;
                answer.unwrap_or_else(failed)
            }
            Err(failure) if failure.code == 401 => failed(failure),
            Err(failure) => respond::without_sniffing(failed(failure)),
        };
        let is_apply = codec::essence(text(&parts.headers, header::CONTENT_TYPE)) == patching::APPLY;
        self.count_request(&target, &query, is_apply, response.status());
        respond::identify(&mut response, &parts.headers);
        respond::warn(&mut response, &warnings.into_inner().unwrap_or_else(PoisonError::into_inner));
        response
    }

    /// Who sends a request, when they may do what it asks for.
    async fn admit_user(&self, parts: &Parts, target: &Target, query: &Query, warnings: &Warnings) -> Answer<User> {
        let is_long = match target {
            Target::Resource(target) => target.runs_long(),
            Target::Path => false,
        };
        if !is_long {
            options::check_timeout(query)?;
        }
        let peer = parts.extensions.get::<Peer>().cloned().unwrap_or_default();
        if has_odd_bearer(&parts.headers) {
            let text = "the provided Authorization header contains extra space before the bearer token, and is ignored";
            warnings.lock().unwrap_or_else(PoisonError::into_inner).push(text.into());
        }
        let user = self.authenticate(&parts.headers, &peer).await?;
        let path = request::path(&parts.uri).unwrap_or_default();
        let attributes = attributes(&parts.method, &path, target, query);
        let user = self.impersonate(user, &parts.headers, &attributes).await?;
        self.require(&user, &attributes).await?;
        Ok(user)
    }

    async fn answer(
        self: &Arc<Self>,
        parts: &Parts,
        target: &Target,
        query: &Query,
        body: &Bytes,
        user: &User,
        warnings: &Warnings,
    ) -> Answer<Response<Body>> {
        let path = || request::path(&parts.uri).unwrap_or_default();
        match target {
            Target::Path => self.path(&parts.method, &path(), query, &parts.headers).await,
            Target::Resource(target) => self.resource(target, query, &parts.headers, body, user, warnings).await,
        }
    }

    async fn resource(
        self: &Arc<Self>,
        target: &Resource,
        query: &Query,
        headers: &HeaderMap,
        body: &Bytes,
        user: &User,
        warnings: &Warnings,
    ) -> Answer<Response<Body>> {
        let found = self.registry.lookup(&target.group, &target.version, &target.resource);
        let Some(served) = &found.filter(|served| served.is_at(target)) else {
            let version = GroupVersion { group: target.group.clone(), version: target.version.clone() };
            let is_built_in = self.registry.has_group(&version.group);
            return if is_built_in { Err(no_such_resource()) } else { Ok(discovery::not_found()) };
        };
        let read;
        let target = match served.custom {
            // What is built in has no routes for it.
            Some(_) if target.head => {
                read = Resource { verb: Some(target.read_verb()), ..target.clone() };
                &read
            }
            _ => target,
        };
        let asked = match target.verb() {
            Verb::List => Asked::List,
            Verb::Watch => Asked::Watch,
            _ => Asked::One,
        };
        check_custom(target, served)?;
        check_route(target, served)?;
        let pretty = request::pretty(query);
        let mut accepted = Accepted::negotiate(headers, pretty, asked, served.custom.is_none())?;
        accepted.include = match request::value(query, "includeObject").unwrap_or("") {
            "None" => Include::None,
            "Object" => Include::Object,
            "" | "Metadata" => Include::Metadata,
            other if matches!(accepted.shape, Shape::Table(_)) => {
                let why =
                    format!("includeObject: Invalid value: {other:?}: must be 'Metadata', 'Object', 'None', or empty");
                return Err(bad_request(format!("Unable to convert to Table as requested: {why}")));
            }
            _ => Include::Metadata,
        };
        check_segment(target)?;
        let call = Call { target, query, headers, body, user, served, accepted, now: (self.clock)(), warnings };
        call.warn(served.deprecation());
        let answer = self.verb(&call).await;
        let writes = !matches!(target.verb(), Verb::Get | Verb::List | Verb::Watch);
        if writes && answer.is_ok() && *served.collection == *custom::COLLECTION {
            self.settle_definitions().await?;
        }
        answer
    }

    /// Does what the verb says.
    async fn verb(self: &Arc<Self>, call: &Call<'_>) -> Answer<Response<Body>> {
        let target = call.target;
        if !target.subresource.is_empty() {
            return self.subresource(call).await;
        }
        match target.verb() {
            Verb::Get => self.get(call).await,
            Verb::List => self.list(call).await,
            Verb::Watch => self.watch(call).await,
            Verb::Create => self.create(call).await,
            Verb::Update => self.update(call, Part::Main).await,
            Verb::Patch => self.patch(call, Part::Main).await,
            Verb::Delete => self.delete(call).await,
            Verb::DeleteCollection => self.delete_collection(call).await,
            Verb::Other => Err(method_not_allowed()),
        }
    }

    /// Where an object is kept.
    pub(super) fn key(&self, served: &Served, namespace: &str, name: &str) -> Key {
        Key { collection: served.collection.clone(), name: served.place(namespace, name) }
    }

    /// Reads one object, or fails with 404.
    pub(super) async fn entry(&self, call: &Call<'_>) -> Answer<Arc<Entry>> {
        let found = self.store.get(&call.key()).await.map_err(store_failure)?;
        found.ok_or_else(|| super::errors::not_found(call.served.about(&call.target.name)))
    }
}

/// What a request wants to do.
fn attributes(method: &Method, path: &str, target: &Target, query: &Query) -> Attributes {
    let Target::Resource(target) = target else {
        return Attributes { verb: method.as_str().to_ascii_lowercase(), path: path.into(), ..Attributes::default() };
    };
    let mut name = target.name.clone();
    if matches!(target.verb(), Verb::List | Verb::Watch)
        && let Some(Ok(fields)) = request::value(query, "fieldSelector").map(parse_fields)
        && let Some(one) = fields.required("metadata.name").filter(|one| names::path_segment(one, false).is_empty())
    {
        // Who may read one object may list it and watch it.
        name = one.into();
    }
    Attributes {
        verb: target.attribute().into(),
        group: target.group.clone(),
        resource: target.resource.clone(),
        subresource: target.subresource.clone(),
        namespace: target.namespace.clone(),
        name,
        path: String::new(),
    }
}

/// Refuses what a custom resource does not have, and new objects when its definition is being deleted.
fn check_custom(target: &Resource, served: &Served) -> Answer<()> {
    let Some(custom) = &served.custom else { return Ok(()) };
    if !target.subresource.is_empty() && served.subresource(&target.subresource).is_none() {
        return Err(super::errors::not_found(served.about(&target.name)));
    }
    if target.name.is_empty() && matches!(target.verb(), Verb::Update | Verb::Patch) {
        return Err(bad_request("name must be provided"));
    }
    if target.verb() == Verb::Other {
        return Err(super::errors::method_not_supported(served.about(""), ""));
    }
    if !custom.terminating || target.verb() != Verb::Create {
        return Ok(());
    }
    Err(terminating(served))
}

/// Refuses a name that no object can have, because no path can have it.
fn check_segment(target: &Resource) -> Answer<()> {
    let complaints = names::path_segment(&target.name, false);
    if complaints.is_empty() {
        return Ok(());
    }
    Err(bad_request(format!("Name parameter invalid: {:?}: {}", target.name, complaints.join(";"))))
}

/// 405 for new objects of a definition that is being deleted.
pub(super) fn terminating(served: &Served) -> Failure {
    let mut failure = super::errors::method_not_supported(served.about(""), "create");
    failure.message = "create not allowed while custom resource definition is terminating".into();
    failure
}

/// Checks that the URL is one that the resource is served at.
fn check_route(target: &Resource, served: &Served) -> Answer<()> {
    let whole = target.name.is_empty();
    if served.custom.is_none() && !target.rest.is_empty() && target.subresource != "proxy" {
        return Err(no_such_resource());
    }
    if !target.subresource.is_empty() {
        let below = served.subresource(&target.subresource).ok_or_else(no_such_resource)?;
        let fits = below.verbs.iter().any(|v| v == target.verb().name());
        return match served.custom {
            _ if fits => Ok(()),
            Some(_) => Err(super::errors::method_not_supported(served.about(""), target.verb().name())),
            None => Err(method_not_allowed()),
        };
    }
    let namespaced = served.info.namespaced();
    if !namespaced && !target.namespace.is_empty() && served.info.resource != "namespaces" {
        return Err(no_such_resource());
    }
    let across = namespaced && target.namespace.is_empty();
    let has_objects = ["get", "update", "patch", "delete"].iter().any(|verb| served.allows(verb));
    if !whole && (across || !has_objects) {
        return Err(no_such_resource());
    }
    let fits = match target.verb() {
        Verb::List | Verb::Watch => !across || whole,
        Verb::Create | Verb::DeleteCollection => whole && !across,
        Verb::Get | Verb::Update | Verb::Patch | Verb::Delete => !whole && !across,
        Verb::Other => false,
    };
    if fits && served.allows(target.verb().name()) { Ok(()) } else { Err(method_not_allowed()) }
}

/// What a store's error means to a client that could not foresee it.
pub(super) fn store_failure(error: StoreError) -> Failure {
    match error {
        StoreError::Future(wanted, current) => super::errors::revision_in_the_future(wanted, current),
        StoreError::Compacted => super::errors::expired("The resourceVersion for the provided list is too old."),
        // An error of Go's etcd client, in kube-apiserver.
        StoreError::Unavailable(problem) => super::errors::internal_plain(problem),
        other @ StoreError::Conflict(..) => internal(other.to_string()),
    }
}
