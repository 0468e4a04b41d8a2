//! From files and flags to one [`ClientConfig`], by clientcmd's rules.

use super::in_cluster::ServiceAccount;
use super::model::{Cluster, Config, Context, User};
use super::server::Server;
use super::sources::{Environment, Sources};
use super::{Error, validate};
use crate::api::{GoDuration, gotext};
use std::collections::BTreeMap;
use std::fs;
use std::io;

/// What the global flags say. Empty fields say nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// `--context`
    pub context: String,
    /// `--cluster`
    pub cluster_name: String,
    /// `--user`
    pub user_name: String,
    /// `--namespace`
    pub namespace: String,
    /// `--server`, `--tls-server-name`, `--insecure-skip-tls-verify`, `--certificate-authority`, `--proxy-url`,
    /// `--disable-compression`
    pub cluster: Cluster,
    /// `--token`, `--username`, `--password`, `--client-certificate`, `--client-key`, `--as` and its like
    pub user: User,
    /// `--request-timeout`, as it is written
    pub request_timeout: String,
}

/// Everything that a client needs to know to send requests.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientConfig {
    /// Where requests go.
    pub server: Server,
    /// How the server is known, and the client's certificate.
    pub tls: Tls,
    /// Who the client is.
    pub credentials: Credentials,
    /// Whom it acts as.
    pub impersonate: Impersonate,
    /// The proxy that the cluster's entry names; empty when the environment decides.
    pub proxy_url: String,
    /// Whether answers may be compressed.
    pub compress: bool,
    /// How long a whole request may take; none for as long as it wants.
    pub timeout: Option<GoDuration>,
}

/// How the server is known, and the client's certificate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tls {
    /// The authorities' certificates; none for those of the system.
    pub authorities: Option<Pem>,
    /// The name that the server's certificate must be for; empty for the host's name.
    pub server_name: String,
    /// Whether any certificate will do.
    pub insecure: bool,
    /// The client's certificate and its key.
    pub client: Option<(Pem, Pem)>,
}

/// PEM text, or the file that it is in.
#[derive(Clone, Debug, PartialEq)]
pub enum Pem {
    /// The file.
    File(String),
    /// The text.
    Data(Vec<u8>),
}

impl Pem {
    fn new(file: &str, data: &[u8]) -> Option<Self> {
        match (file, data) {
            ("", []) => None,
            (file, []) => Some(Self::File(file.to_owned())),
            (_, data) => Some(Self::Data(data.to_vec())),
        }
    }

    /// The text.
    ///
    /// # Errors
    /// Why the file cannot be read, in Go's words.
    pub fn read(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::Data(data) => Ok(data.clone()),
            Self::File(file) => fs::read(file).map_err(|error| format!("open {file}: {}", gotext::errno(&error))),
        }
    }
}

/// Who the client is. Nothing is sent over a connection that is not secure.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Credentials {
    /// Nobody, or whom the client's certificate says.
    #[default]
    None,
    /// A bearer token.
    Token(String),
    /// A file with a bearer token, and the token to use while the file cannot be read.
    TokenFile(String, String),
    /// A name and a password.
    Basic(String, String),
    /// A program that gives credentials.
    Exec(Box<super::ExecPlugin>),
    /// What is wrong with a provider of old; each request fails with it.
    Unusable(String),
}

/// Whom the client acts as.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Impersonate {
    /// The user; empty for nobody.
    pub user: String,
    /// The uid.
    pub uid: String,
    /// The groups.
    pub groups: Vec<String>,
    /// More about the user.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// Asks a person for what no file says.
pub trait Prompt {
    /// Shows `prompt` and reads a word. With `secret`, the typing is not shown.
    ///
    /// # Errors
    /// When there is nothing to read.
    fn ask(&mut self, prompt: &str, secret: bool) -> io::Result<String>;
}

/// The files, merged and with paths resolved, together with the flags.
pub struct Kubeconfig {
    config: Config,
    flags: Overrides,
    default_server: String,
    account: Option<ServiceAccount>,
}

impl Kubeconfig {
    /// Reads the files.
    ///
    /// # Errors
    /// As [`Sources::load`].
    pub fn load(sources: &Sources, flags: Overrides, env: Environment) -> Result<Self, Error> {
        let master = env("KUBERNETES_MASTER").filter(|server| !server.is_empty());
        Ok(Self {
            config: sources.load_resolved()?,
            flags,
            default_server: master.unwrap_or_else(|| "http://localhost:8080".into()),
            account: ServiceAccount::find(env),
        })
    }

    /// The files' content, merged.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The namespace of requests that name none, and whether a flag says so.
    ///
    /// # Errors
    /// When the parts that are used contradict each other; some commands ask for the namespace before all else, and
    /// so tell this before what [`Kubeconfig::client_config`] would.
    pub fn namespace(&self) -> Result<(String, bool), Error> {
        if !self.flags.namespace.is_empty() {
            return Ok((self.flags.namespace.clone(), true));
        }
        self.confirm_usable()?;
        self.namespace_offline()
    }

    /// As [`Kubeconfig::namespace`], for who connects to nothing: whether the cluster and the user are usable does not
    /// matter.
    ///
    /// # Errors
    /// When there is no such context.
    pub fn namespace_offline(&self) -> Result<(String, bool), Error> {
        if !self.flags.namespace.is_empty() {
            return Ok((self.flags.namespace.clone(), true));
        }
        let namespace = self.context()?.namespace;
        if !namespace.is_empty() {
            return Ok((namespace, false));
        }
        let of_pod = self.account.as_ref().and_then(ServiceAccount::namespace);
        Ok((of_pod.unwrap_or_else(|| "default".into()), false))
    }

    /// Everything that a client needs to know. `prompt` is asked for a name and a password when a secure server is
    /// configured and no credentials are.
    ///
    /// # Errors
    /// What is missing or contradictory.
    pub fn client_config(&self, prompt: Option<&mut dyn Prompt>) -> Result<ClientConfig, Error> {
        let user = self.user()?;
        self.context()?;
        let cluster = self.cluster()?;
        self.confirm_usable()?;
        let timeout = match self.flags.request_timeout.as_str() {
            "" | "0" => None,
            text => Some(parse_timeout(text)?),
        };
        if let Some(account) = &self.account
            && timeout.is_none()
            && self.says_nothing(&cluster, &user)
        {
            return account.client_config();
        }
        let server = Server::parse(&cluster.server)?;
        let (tls, credentials) = if server.secure {
            let credentials = credentials(&user, &cluster, prompt)?;
            (tls(&user, &cluster)?, credentials)
        } else {
            (Tls::default(), Credentials::None)
        };
        let impersonate = if user.impersonate.is_empty() {
            Impersonate::default()
        } else {
            Impersonate {
                user: user.impersonate,
                uid: user.impersonate_uid,
                groups: user.impersonate_groups,
                extra: user.impersonate_user_extra,
            }
        };
        Ok(ClientConfig {
            server,
            tls,
            credentials,
            impersonate,
            proxy_url: cluster.proxy_url,
            compress: !cluster.disable_compression,
            timeout,
        })
    }

    /// Whether neither files nor flags say anything of use, so that a pod's service account may.
    fn says_nothing(&self, cluster: &Cluster, user: &User) -> bool {
        let (server, origin) = (self.default_server.clone(), cluster.origin.clone());
        let empty = Cluster { server, origin, ..Cluster::default() };
        *cluster == empty && user.impersonate.is_empty()
    }

    fn context_name(&self) -> &str {
        if self.flags.context.is_empty() { &self.config.current_context } else { &self.flags.context }
    }

    fn context(&self) -> Result<Context, Error> {
        let mut context = match self.config.contexts.get(self.context_name()) {
            Some(context) => context.clone(),
            None if !self.flags.context.is_empty() => {
                let name = gotext::quote(&self.flags.context);
                return Err(Error::Message(format!("context {name} does not exist")));
            }
            None => Context::default(),
        };
        replace(&mut context.cluster, &self.flags.cluster_name);
        replace(&mut context.user, &self.flags.user_name);
        replace(&mut context.namespace, &self.flags.namespace);
        Ok(context)
    }

    fn user(&self) -> Result<User, Error> {
        let name = self.context().unwrap_or_default().user;
        let name = if self.flags.user_name.is_empty() { name } else { self.flags.user_name.clone() };
        let mut user = match self.config.users.get(&name) {
            Some(user) => user.clone(),
            None if !self.flags.user_name.is_empty() => {
                return Err(Error::Message(format!("auth info {} does not exist", gotext::quote(&name))));
            }
            None => User::default(),
        };
        let flags = &self.flags.user;
        if !flags.client_certificate.is_empty() {
            user.client_certificate = flags.client_certificate.clone();
            user.client_certificate_data.clear();
        }
        if !flags.client_key.is_empty() {
            user.client_key = flags.client_key.clone();
            user.client_key_data.clear();
        }
        replace(&mut user.token, &flags.token);
        replace(&mut user.username, &flags.username);
        replace(&mut user.password, &flags.password);
        replace(&mut user.impersonate, &flags.impersonate);
        replace(&mut user.impersonate_uid, &flags.impersonate_uid);
        if !flags.impersonate_groups.is_empty() {
            user.impersonate_groups = flags.impersonate_groups.clone();
        }
        user.impersonate_user_extra.extend(flags.impersonate_user_extra.clone());
        Ok(user)
    }

    fn cluster(&self) -> Result<Cluster, Error> {
        let name = self.context().unwrap_or_default().cluster;
        let name = if self.flags.cluster_name.is_empty() { name } else { self.flags.cluster_name.clone() };
        let mut cluster = match self.config.clusters.get(&name) {
            Some(cluster) => cluster.clone(),
            None if !self.flags.cluster_name.is_empty() => {
                return Err(Error::Message(format!("cluster {} does not exist", gotext::quote(&name))));
            }
            None => Cluster::default(),
        };
        if cluster.server.is_empty() {
            cluster.server = self.default_server.clone();
        }
        let flags = &self.flags.cluster;
        // A flag about how the server is known puts aside all that the files say about it.
        if flags.insecure_skip_tls_verify || !flags.certificate_authority.is_empty() {
            cluster.insecure_skip_tls_verify = flags.insecure_skip_tls_verify;
            cluster.certificate_authority = flags.certificate_authority.clone();
            cluster.certificate_authority_data.clear();
        }
        // The files' name is for the files' server.
        if !flags.tls_server_name.is_empty() || !flags.server.is_empty() {
            cluster.tls_server_name = flags.tls_server_name.clone();
        }
        replace(&mut cluster.server, &flags.server);
        replace(&mut cluster.proxy_url, &flags.proxy_url);
        cluster.disable_compression |= flags.disable_compression;
        Ok(cluster)
    }

    fn confirm_usable(&self) -> Result<(), Error> {
        let mut complaints = Vec::new();
        let context = self.context_name();
        let lost = !context.is_empty() && !self.config.contexts.contains_key(context);
        if lost {
            complaints.push(Error::ContextNotFound(context.to_owned()).to_string());
        }
        let named = self.context().unwrap_or(Context {
            cluster: self.flags.cluster_name.clone(),
            user: self.flags.user_name.clone(),
            ..Context::default()
        });
        complaints.extend(validate::user(&named.user, &self.user().unwrap_or_default()));
        complaints.extend(validate::cluster(&named.cluster, &self.cluster().unwrap_or_default()));
        match complaints.len() {
            0 => Ok(()),
            1 if lost => Err(Error::ContextNotFound(context.to_owned())),
            _ => Err(Error::Invalid(complaints)),
        }
    }
}

fn replace(text: &mut String, other: &str) {
    if !other.is_empty() {
        *text = other.to_owned();
    }
}

fn tls(user: &User, cluster: &Cluster) -> Result<Tls, Error> {
    let authorities = Pem::new(&cluster.certificate_authority, &cluster.certificate_authority_data);
    if cluster.insecure_skip_tls_verify && authorities.is_some() {
        return Err(Error::Message("specifying a root certificates file with the insecure flag is not allowed".into()));
    }
    let certificate = Pem::new(&user.client_certificate, &user.client_certificate_data);
    let key = Pem::new(&user.client_key, &user.client_key_data);
    Ok(Tls {
        authorities,
        server_name: cluster.tls_server_name.clone(),
        insecure: cluster.insecure_skip_tls_verify,
        client: certificate.zip(key),
    })
}

fn credentials(user: &User, cluster: &Cluster, prompt: Option<&mut dyn Prompt>) -> Result<Credentials, Error> {
    let mut token = user.token.clone();
    if token.is_empty() && !user.token_file.is_empty() {
        token = Pem::File(user.token_file.clone())
            .read()
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(Error::Message)?;
    }
    let has_basic = !user.username.is_empty() || !user.password.is_empty();
    if !token.is_empty() && has_basic {
        return Err(Error::Message("username/password or bearer token may be set, but not both".into()));
    }
    if !token.is_empty() {
        return Ok(match user.token_file.as_str() {
            "" => Credentials::Token(token),
            file => Credentials::TokenFile(file.to_owned(), token),
        });
    }
    if has_basic {
        return Ok(Credentials::Basic(user.username.clone(), user.password.clone()));
    }
    if let Some(exec) = &user.exec {
        return super::ExecPlugin::new(exec, cluster).map(|plugin| Credentials::Exec(Box::new(plugin)));
    }
    if let Some(provider) = &user.auth_provider {
        return super::auth_provider::credentials(provider);
    }
    let has_certificate = !user.client_certificate.is_empty() || !user.client_certificate_data.is_empty();
    match prompt {
        Some(prompt) if !has_certificate => {
            let mut ask =
                |what: &str, secret| prompt.ask(what, secret).map_err(|error| Error::Message(gotext::errno(&error)));
            let name = ask("Please enter Username: ", false)?;
            Ok(Credentials::Basic(name, ask("Please enter Password: ", true)?))
        }
        _ => Ok(Credentials::None),
    }
}

/// Reads `--request-timeout`: seconds, or a duration.
fn parse_timeout(text: &str) -> Result<GoDuration, Error> {
    let seconds = text.parse::<i64>().ok().filter(|seconds| *seconds >= 0).map(GoDuration::seconds);
    seconds.or_else(|| GoDuration::parse(text)).ok_or_else(|| {
        Error::Message(
            "Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a \
             corresponding time unit (e.g. 1s | 2m | 3h)"
                .into(),
        )
    })
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
