//! The server on the network: ports, TLS, who may reach it, and how it ends.

mod certificates;
mod connection;

pub use certificates::{private_folder, write_private};

use super::auth::authenticate::{Authentication, Peer};
use super::auth::rbac::Authorization;
use super::auth::signer::Signer;
use super::auth::subject;
use super::auth::{MASTERS, User};
use super::claims::ServiceRange;
use super::pipeline::{Server, Setup};
use super::store::{Etcd, EtcdOptions, File, Memory, Store};
use certificates::{Certificates, HTTP2};
use connection::PATIENCE;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// How long requests may go on after the server was told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Where a server keeps its objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// In memory: they go with it.
    #[default]
    Memory,
    /// In a folder of its own.
    Folder(PathBuf),
    /// In etcd.
    Etcd(EtcdOptions),
}

impl Storage {
    /// Opens the store. What somebody should know about it is told.
    async fn open(&self, tell: impl FnOnce(&str)) -> io::Result<Arc<dyn Store>> {
        Ok(match self {
            Self::Memory => Arc::new(Memory::new()),
            Self::Folder(path) => {
                let (store, notice) = File::open(path).map_err(io::Error::other)?;
                if let Some(notice) = notice {
                    tell(&notice);
                }
                Arc::new(store)
            }
            Self::Etcd(options) => Arc::new(Etcd::open(options).await?),
        })
    }
}

/// How a server is started. The names are those of kube-apiserver's flags.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens.
    pub bind_address: IpAddr,
    /// The port for TLS, 0 for a free one; none for no TLS.
    pub secure_port: Option<u16>,
    /// The port for plain HTTP, 0 for a free one; none for no plain HTTP.
    pub insecure_port: Option<u16>,
    /// The folder in which the authority and certificates are kept; none to make them anew each time.
    pub cert_dir: Option<PathBuf>,
    /// A file with `token,user,uid,"group1,group2"` lines.
    pub token_auth_file: Option<PathBuf>,
    /// A file with the authorities of client certificates.
    pub client_ca_file: Option<PathBuf>,
    /// Turn away who does not say who they are, where that is asked.
    pub no_anonymous: bool,
    /// How it is decided who may do what.
    pub authorization_mode: Authorization,
    /// A file with the key that signs service accounts' tokens; none for one beside the certificates.
    pub service_account_signing_key_file: Option<PathBuf>,
    /// Where the objects are kept.
    pub storage: Storage,
    /// The addresses that services get.
    pub service_cluster_ip_range: ServiceRange,
    /// A token whose bearer may do everything, besides those of the file.
    pub admin_token: Option<String>,
    /// Whether everybody has to say who they are even when no file says who there is.
    pub strict: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            bind_address: Ipv4Addr::LOCALHOST.into(),
            secure_port: None,
            insecure_port: Some(0),
            cert_dir: None,
            token_auth_file: None,
            client_ca_file: None,
            no_anonymous: false,
            authorization_mode: Authorization::default(),
            service_account_signing_key_file: None,
            storage: Storage::Memory,
            service_cluster_ip_range: ServiceRange::default(),
            admin_token: None,
            strict: false,
        }
    }
}

/// A server whose ports are open and that has all its objects, but answers nobody yet.
pub struct Bound {
    server: Arc<Server>,
    plain: Option<TcpListener>,
    secure: Option<(TcpListener, TlsAcceptor)>,
    /// The URL at which it is reached: the secure one where there are two.
    pub url: String,
    /// The certificate, as PEM text, of the authority that its clients have to trust.
    pub authority: Option<String>,
    /// What somebody should know about how the store was found.
    pub notice: Option<String>,
}

/// Opens the ports and makes the objects that every server has.
///
/// # Errors
/// Ports that are taken, files that cannot be read, and a server that everybody could reach and do anything with.
pub async fn bind(options: &Options) -> io::Result<Bound> {
    raise_file_limit();
    let mut authentication = Authentication::default();
    let named = |file: &PathBuf, error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
    if let Some(file) = &options.token_auth_file {
        let text = std::fs::read_to_string(file).map_err(|error| named(file, error))?;
        authentication
            .read_tokens(&text)
            .map_err(|problem| io::Error::other(format!("{}: {problem}", file.display())))?;
    }
    authentication.trusting = options.token_auth_file.is_none() && options.client_ca_file.is_none() && !options.strict;
    if let Some(token) = &options.admin_token {
        authentication.tokens.insert(token.clone(), User::new("kubernetes-admin", &[MASTERS]));
    }
    let clients = match &options.client_ca_file {
        Some(file) => Some(std::fs::read_to_string(file).map_err(|error| named(file, error))?),
        None => None,
    };
    authentication.certificates = clients.is_some();
    // Where everybody may do everything, at least they must be somebody. So kube-apiserver has it.
    authentication.no_anonymous = options.no_anonymous || options.authorization_mode == Authorization::AlwaysAllow;
    if !options.bind_address.is_loopback() && !authentication.is_configured() {
        return Err(io::Error::other(format!(
            "{} can be reached from other machines, and anybody there could do anything: give --token-auth-file or --client-ca-file, or bind to 127.0.0.1",
            options.bind_address
        )));
    }
    let listen = |port: Option<u16>| async move {
        let Some(port) = port else { return Ok(None) };
        let address = SocketAddr::new(options.bind_address, port);
        let listener = TcpListener::bind(address).await;
        listener.map(Some).map_err(|error| io::Error::new(error.kind(), format!("listen on {address}: {error}")))
    };
    let plain = listen(options.insecure_port).await?;
    let secure = listen(options.secure_port).await?;
    let (mut url, mut endpoint) = (String::new(), SocketAddr::new(options.bind_address, 0));
    for (listener, scheme) in [(&plain, "http"), (&secure, "https")] {
        if let Some(listener) = listener {
            endpoint = listener.local_addr()?;
            url = format!("{scheme}://{}", reachable(endpoint));
        }
    }
    let (secure, authority) = match secure {
        None => (None, None),
        Some(listener) => {
            let certificates = Certificates::make(&addresses(options), options.cert_dir.as_deref())?;
            let config = certificates.tls(clients.as_deref())?;
            (Some((listener, TlsAcceptor::from(Arc::new(config)))), Some(certificates.authority))
        }
    };
    if endpoint.ip().is_loopback() || endpoint.ip().is_unspecified() {
        endpoint.set_ip(outward_address().unwrap_or(endpoint.ip()));
    }
    let signer = signing_key(options)?;
    let authorization = options.authorization_mode;
    let setup = Setup { authentication, authorization, signer, services: options.service_cluster_ip_range, endpoint };
    let mut notice = None;
    let store = options.storage.open(|text| notice = Some(text.to_string())).await?;
    let started = Server::start(store, setup).await;
    let server = started.map_err(|failure| io::Error::other(failure.message))?;
    Ok(Bound { server, plain, secure, url, authority, notice })
}

/// The key for service accounts' tokens: the one that is named, or the one that is kept beside the certificates, so that
/// tokens stay good when the server is started again.
fn signing_key(options: &Options) -> io::Result<Option<Arc<Signer>>> {
    let read = |file: &Path| {
        let problem = |why: String| io::Error::other(format!("{}: {why}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|error| problem(error.to_string()))?;
        Signer::from_pem(&text).map(|signer| Some(Arc::new(signer))).map_err(problem)
    };
    if let Some(file) = &options.service_account_signing_key_file {
        return read(file);
    }
    let Some(folder) = &options.cert_dir else { return Ok(None) };
    let file = folder.join("sa.key");
    if !file.exists() {
        private_folder(folder)?;
        write_private(&file, &rcgen::KeyPair::generate().map_err(io::Error::other)?.serialize_pem())?;
    }
    read(&file)
}

/// Lets the process have as many files, and so connections, as it may: by default it often starts with 1,024.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    // What the system refuses stays as it was.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// The address at which others reach this machine. Asking for it sends nothing.
fn outward_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

/// The addresses that the certificate is for.
fn addresses(options: &Options) -> Vec<IpAddr> {
    let mut addresses = vec![Ipv4Addr::LOCALHOST.into(), options.service_cluster_ip_range.first()];
    if !options.bind_address.is_unspecified() && !options.bind_address.is_loopback() {
        addresses.push(options.bind_address);
    }
    addresses
}

/// An address that a client on this machine can use.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() { SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()) } else { address }
}

impl Bound {
    /// Answers until `stop` is over: then watches end, and requests under way have a little time to finish.
    ///
    /// # Errors
    /// A port that cannot be used any more.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let (stopping, _) = watch::channel(false);
        let accept =
            async { tokio::try_join!(self.accept_plain(&stopping), self.accept_secure(&stopping)).map(|_| ()) };
        tokio::select! {
            ended = accept => return ended,
            () = stop => {}
        }
        self.server.stop();
        // Every connection holds a receiver; when the last one is gone, all are done.
        let _ = stopping.send(true);
        let _ = timeout(GRACE, stopping.closed()).await;
        Ok(())
    }

    async fn accept_plain(&self, stopping: &watch::Sender<bool>) -> io::Result<()> {
        let Some(listener) = &self.plain else { return std::future::pending().await };
        loop {
            let Some(stream) = next(listener).await? else { continue };
            tokio::spawn(connection::http1(
                self.server.clone(),
                Box::new(stream),
                Peer::default(),
                stopping.subscribe(),
            ));
        }
    }

    async fn accept_secure(&self, stopping: &watch::Sender<bool>) -> io::Result<()> {
        let Some((listener, acceptor)) = &self.secure else { return std::future::pending().await };
        loop {
            let Some(stream) = next(listener).await? else { continue };
            let (server, acceptor, stop) = (self.server.clone(), acceptor.clone(), stopping.subscribe());
            tokio::spawn(async move {
                // A handshake that fails is its client's business.
                let Ok(Ok(stream)) = timeout(PATIENCE, acceptor.accept(stream)).await else { return };
                let session = stream.get_ref().1;
                let certificate = session.peer_certificates().and_then(|chain| chain.first());
                let peer = Peer { user: certificate.and_then(|certificate| subject::user(certificate)) };
                if session.alpn_protocol() == Some(HTTP2) {
                    connection::http2(server, Box::new(stream), peer, stop).await;
                } else {
                    connection::http1(server, Box::new(stream), peer, stop).await;
                }
            });
        }
    }
}

/// The next connection. What goes wrong with one that is not even open yet is passed over.
async fn next(listener: &TcpListener) -> io::Result<Option<TcpStream>> {
    match listener.accept().await {
        Ok((stream, _)) => {
            // Answers are whole when they are written, so there is nothing to wait for.
            stream.set_nodelay(true)?;
            Ok(Some(stream))
        }
        Err(error) => match error.kind() {
            io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted => Ok(None),
            _ => {
                // Too many open files: some will be closed soon.
                tokio::time::sleep(Duration::from_millis(50)).await;
                Ok(None)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(options: &Options) -> Result<Bound, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(bind(options)).map_err(|error| error.to_string())
    }

    #[test]
    fn who_is_reached_by_others_must_know_them() {
        let everywhere = Options { bind_address: Ipv4Addr::UNSPECIFIED.into(), ..Options::default() };
        let with_token = Options { admin_token: Some("t".into()), ..everywhere.clone() };
        for options in [&everywhere, &with_token] {
            assert!(bound(options).err().unwrap().contains("anybody there could do anything"));
        }
        assert!(bound(&Options { strict: true, ..with_token }).is_ok());
        assert!(bound(&Options::default()).is_ok());
    }

    #[test]
    fn the_key_for_tokens_is_kept() {
        let folder = std::env::temp_dir().join(format!("steer-signing-{}", std::process::id()));
        let beside = Options { cert_dir: Some(folder.clone()), ..Options::default() };
        let id = |options: &Options| format!("{:?}", signing_key(options).unwrap().unwrap());
        assert_eq!(id(&beside), id(&beside));
        let named = Options { service_account_signing_key_file: Some(folder.join("sa.key")), ..Options::default() };
        assert_eq!(id(&named), id(&beside));
        let absent = Options { service_account_signing_key_file: Some(folder.join("nosuch")), ..Options::default() };
        assert!(signing_key(&absent).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
