//! What a command may reach: the streams, the environment, the clock, the settings, and a client that connects when
//! it is first used.

use super::Failure;
use super::flags::Flags;
use super::printing::Printing;
use super::prompt::Asking;
use super::streams::Complaints;
pub use super::streams::Out;
use crate::api::gotext;
use crate::client::{self, Client, ClientOptions, Log, Proxies};
use crate::kubeconfig::{self, Kubeconfig, Overrides, User};
use crate::ops::Cluster;
use crate::ops::options::DryRun;
use crate::output::format::{self, Choice, Chosen};
use crate::output::terminal::{self, Colour, Screen, Style, Surface};
use clap::{ArgMatches, Command};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tokio::runtime::Runtime;

/// The name that the binary was called by. Called through a link named `kubectl`, it says kubectl in its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program(&'static str);

impl Program {
    /// The program's name from `argv[0]`: `kubectl` and `kubectl-*` say kubectl, all else steer.
    pub fn from_argv0(argv0: &str) -> Self {
        let name = argv0.rsplit(['/', '\\']).next().unwrap_or_default();
        Program(if name.starts_with("kubectl") { "kubectl" } else { "steer" })
    }

    /// `kubectl` or `steer`.
    pub fn name(&self) -> &'static str {
        self.0
    }
}

/// The global flags.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `--namespace`; none when it was not given.
    pub namespace: Option<String>,
    /// `--cache-dir`.
    pub cache_dir: Option<String>,
    /// `--v`.
    pub verbosity: i64,
    /// `--warnings-as-errors`.
    pub warnings_as_errors: bool,
    /// `--request-timeout`, as it was written.
    pub request_timeout: String,
    /// `--disable-compression`.
    pub disable_compression: bool,
    /// `--match-server-version`.
    pub match_server_version: bool,
    /// The other flags about the connection that were given: flag name and value.
    pub connection: BTreeMap<String, Vec<String>>,
}

impl Settings {
    /// Reads the global flags. A flag that the command has for itself under the same name is none of them.
    pub fn from_matches(matches: &ArgMatches, command: &Command) -> Self {
        let own = |name: &str| command.get_arguments().any(|arg| arg.get_id() == name && !arg.is_global_set());
        let given = |name: &str| (matches.given(name) && !own(name)).then(|| matches.text(name).to_string());
        let mut connection = BTreeMap::new();
        for name in CONNECTION_TEXTS {
            if let Some(value) = given(name) {
                connection.insert(name.to_string(), vec![value]);
            }
        }
        for name in ["as-group", "as-user-extra"] {
            let values = matches.list(name);
            if !values.is_empty() {
                connection.insert(name.into(), values);
            }
        }
        if matches.given("insecure-skip-tls-verify") {
            let value = matches.on("insecure-skip-tls-verify").to_string();
            connection.insert("insecure-skip-tls-verify".into(), vec![value]);
        }
        Settings {
            namespace: given("namespace"),
            cache_dir: given("cache-dir"),
            verbosity: matches.integer("v"),
            warnings_as_errors: matches.on("warnings-as-errors"),
            request_timeout: matches.text("request-timeout").to_string(),
            disable_compression: matches.on("disable-compression"),
            match_server_version: matches.on("match-server-version"),
            connection,
        }
    }
}

impl Settings {
    /// A flag about the connection, empty when it was not given.
    fn connection(&self, name: &str) -> &str {
        self.connection.get(name).and_then(|values| values.first()).map_or("", String::as_str)
    }

    /// The flags as what overrides the kubeconfig.
    fn overrides(&self) -> Overrides {
        let text = |name: &str| self.connection(name).to_string();
        let list = |name: &str| self.connection.get(name).cloned().unwrap_or_default();
        let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pair in list("as-user-extra") {
            // A word without a value says nothing.
            if let Some((key, value)) = pair.split_once('=') {
                extra.entry(key.into()).or_default().push(value.into());
            }
        }
        Overrides {
            context: text("context"),
            cluster_name: text("cluster"),
            user_name: text("user"),
            namespace: self.namespace.clone().unwrap_or_default(),
            cluster: kubeconfig::Cluster {
                server: text("server"),
                tls_server_name: text("tls-server-name"),
                insecure_skip_tls_verify: self.connection("insecure-skip-tls-verify") == "true",
                certificate_authority: text("certificate-authority"),
                proxy_url: text("proxy-url"),
                disable_compression: self.disable_compression,
                ..kubeconfig::Cluster::default()
            },
            user: User {
                token: text("token"),
                username: text("username"),
                password: text("password"),
                client_certificate: text("client-certificate"),
                client_key: text("client-key"),
                impersonate: text("as"),
                impersonate_uid: text("as-uid"),
                impersonate_groups: list("as-group"),
                impersonate_user_extra: extra,
                ..User::default()
            },
            request_timeout: self.request_timeout.clone(),
        }
    }
}

const CONNECTION_TEXTS: [&str; 15] = [
    "as",
    "as-uid",
    "certificate-authority",
    "client-certificate",
    "client-key",
    "cluster",
    "context",
    "kubeconfig",
    "password",
    "proxy-url",
    "server",
    "tls-server-name",
    "token",
    "user",
    "username",
];

/// What a command may reach.
pub struct Context {
    /// The name to say in messages.
    pub program: Program,
    /// The global flags.
    pub settings: Settings,
    /// The command, such as `config view`.
    pub command_path: String,
    /// The command line, where it is to be noted in the objects that it changes (`--record`).
    pub change_cause: Option<String>,
    stdin: Box<dyn BufRead>,
    stdout: Out,
    stderr: Out,
    env: BTreeMap<String, String>,
    runtime: Option<Rc<Runtime>>,
    client: Option<Rc<Client>>,
    kubeconfig: Option<Rc<Kubeconfig>>,
    /// What was warned of in a server's place.
    warned: BTreeSet<String>,
    advice: Vec<Cow<'static, str>>,
}

impl Context {
    /// A context on these streams and this environment.
    pub fn new(
        program: Program,
        stdin: Box<dyn BufRead>,
        stdout: Screen,
        stderr: Screen,
        env: BTreeMap<String, String>,
    ) -> Self {
        let (stdout, stderr) = Out::both(stdout, stderr);
        let mut cx = Context {
            program,
            settings: Settings::default(),
            command_path: String::new(),
            change_cause: None,
            stdin,
            stdout,
            stderr,
            env,
            runtime: None,
            client: None,
            kubeconfig: None,
            warned: BTreeSet::new(),
            advice: Vec::new(),
        };
        cx.colour(Colour::Auto);
        cx
    }

    /// Uses colours as `--color` says.
    pub fn colour(&mut self, colour: Colour) {
        let (no_color, term) = (self.env("NO_COLOR"), self.env("TERM"));
        for out in [&self.stdout, &self.stderr] {
            out.set_coloured(colour.enabled(out.is_terminal(), no_color, term));
        }
    }

    /// An environment variable; an empty one counts as not set.
    pub fn env(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Prints to stdout. A reader that went away ends the program quietly.
    pub fn print(&mut self, text: &str) -> Result<(), Failure> {
        Ok(self.stdout.write_all(text.as_bytes())?)
    }

    /// Where results go.
    pub fn stdout(&mut self) -> &mut dyn Write {
        &mut self.stdout
    }

    /// Stdout, for results that have styles.
    pub fn surface(&mut self) -> &mut impl Surface {
        &mut self.stdout
    }

    /// A handle on stdout for printers that keep one.
    pub fn out(&self) -> Out {
        self.stdout.clone()
    }

    /// Where complaints and warnings go.
    pub fn stderr(&mut self) -> &mut dyn Write {
        &mut self.stderr
    }

    /// Where `-f -` and answers come from.
    pub fn stdin(&mut self) -> &mut dyn BufRead {
        &mut *self.stdin
    }

    /// A handle on stderr for whoever keeps one.
    pub(super) fn complaints(&self) -> Complaints {
        Complaints { stdout: self.stdout.clone(), stderr: self.stderr.clone() }
    }

    /// Says something on stderr, after what stdout was told. That stderr itself is gone can be told to nobody.
    pub fn complain(&mut self, text: &str) {
        let _ = self.stdout.flush();
        let _ = self.stderr.write_all(text.as_bytes());
        let _ = self.stderr.flush();
    }

    /// Says what went wrong: the words that tell so stand out.
    pub fn fail(&mut self, text: &str) {
        let mut written = self.stdout.flush();
        for line in text.split_inclusive('\n') {
            let red = match line.split_once(": ") {
                Some((what, _)) if what == "error" || what.starts_with("Error from server") => what.len() + 1,
                _ => 0,
            };
            written = written.and(self.stderr.styled(Style::Red, &line[..red]));
            written = written.and(self.stderr.write_all(&line.as_bytes()[red..]));
        }
        // That stderr itself is gone can be told to nobody.
        let _ = written.and(self.stderr.flush());
    }

    /// Reads all of stdin.
    pub fn read_stdin(&mut self) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        self.stdin.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// What is sent as it is: a file's bytes, or with `-` all of stdin.
    pub fn read_body(&mut self, file: &str) -> Result<Vec<u8>, Failure> {
        if file == "-" {
            return self.read_stdin();
        }
        std::fs::read(file).map_err(|error| Failure::message(gotext::unread(file, &error)))
    }

    /// Notes what a person may do about a failure.
    pub fn advise(&mut self, advice: impl Into<Cow<'static, str>>) {
        let advice = advice.into();
        if !self.advice.contains(&advice) {
            self.advice.push(advice);
        }
    }

    /// Gives the advice, after the failure was told. kubectl gives none: who calls this program by its name and is not a
    /// person gets none either.
    pub fn give_advice(&mut self) {
        let advice = std::mem::take(&mut self.advice);
        if self.program.name() != "kubectl" || self.stderr.is_terminal() {
            advice.iter().for_each(|advice| self.complain(&format!("{advice}\n")));
        }
    }

    /// Writes out what is still held back.
    pub fn finish(&mut self) -> Result<(), Failure> {
        Ok(self.stdout.flush()?)
    }

    /// Fails after a server's warnings, when `--warnings-as-errors` says so.
    pub fn judge_warnings(&self) -> Result<(), Failure> {
        let count = self.client.as_ref().map_or(0, |client| client.log().warning_count()) + self.warned.len();
        match count {
            _ if !self.settings.warnings_as_errors => Ok(()),
            0 => Ok(()),
            1 => Err(Failure::message("1 warning received")),
            count => Err(Failure::message(format!("{count} warnings received"))),
        }
    }

    /// Warns on stderr, as a server's warnings are shown.
    pub fn warn(&mut self, text: &str) {
        let _ = self.stdout.flush();
        let _ = self.stderr.styled(Style::Warning, "Warning:");
        self.complain(&format!(" {text}\n"));
    }

    /// Warns of what a server would have warned of, once.
    pub fn warn_as_server(&mut self, text: &str) {
        if self.warned.insert(text.to_owned()) {
            self.warn(text);
        }
    }

    /// The time.
    pub fn now(&self) -> jiff::Zoned {
        jiff::Zoned::now()
    }

    /// Whether a person reads what is complained of, and not a file or another program.
    pub fn complains_to_terminal(&self) -> bool {
        self.stderr.is_terminal()
    }

    /// How wide the terminal is that shows what is complained of; none when that is no terminal.
    pub fn complaint_columns(&self) -> Option<usize> {
        let columns = || terminal::size().map_or(usize::MAX, |(columns, _)| columns);
        self.complains_to_terminal().then(columns)
    }

    /// Whether a person reads what is printed, and not a file or another program.
    pub fn prints_to_terminal(&self) -> bool {
        self.stdout.is_terminal()
    }

    /// Whether lines that were printed can be taken back.
    pub fn redraws(&self) -> bool {
        self.prints_to_terminal() && self.env("TERM").is_some_and(|term| term != "dumb")
    }

    /// A number that nobody else has now.
    pub fn random_number(&self) -> u64 {
        use std::hash::{BuildHasher, Hasher};
        std::collections::hash_map::RandomState::new().build_hasher().finish() >> 32
    }

    /// Five letters and digits, as Kubernetes puts behind names to make them unique.
    pub fn random_suffix(&self) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        let mut number = self.random_number();
        (0..5)
            .map(|_| {
                let letter = LETTERS[(number % LETTERS.len() as u64) as usize];
                number /= LETTERS.len() as u64;
                letter as char
            })
            .collect()
    }

    /// What runs asynchronous work, on this thread; started when it is first used.
    pub fn runtime(&mut self) -> Result<Rc<Runtime>, Failure> {
        if let Some(runtime) = &self.runtime {
            return Ok(runtime.clone());
        }
        let runtime = Rc::new(tokio::runtime::Builder::new_current_thread().enable_all().build()?);
        self.runtime = Some(runtime.clone());
        Ok(runtime)
    }

    /// Waits for asynchronous work.
    pub fn block_on<T>(&mut self, work: impl Future<Output = Result<T, impl Into<Failure>>>) -> Result<T, Failure> {
        self.runtime()?.block_on(work).map_err(Into::into)
    }

    /// The client; made when it is first used, connected when it first sends.
    pub fn client(&mut self) -> Result<Rc<Client>, Failure> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let kubeconfig = self.kubeconfig()?;
        let mut asking = Asking { stdin: &mut *self.stdin, stdout: &mut self.stdout };
        let config = kubeconfig.client_config(Some(&mut asking)).map_err(client::Error::from)?;
        let environment = |name: &str| self.env.get(name).cloned();
        let log = self.log();
        for file in self.kubeconfig_sources().files().iter().filter(|file| log.is_at(6) && Path::new(file).exists()) {
            log.info(6, "loader.go:408", &format!("Config loaded from file:  {file}"));
        }
        let options = ClientOptions {
            log,
            user_agent: client::user_agent(super::KUBERNETES),
            command: format!("kubectl {}", self.command_path),
            cache_dir: self.cache_dir(),
            proxies: Proxies::from_env(&environment),
            stdin_taken: None,
        };
        let client = Rc::new(Client::new(config, options)?);
        self.client = Some(client.clone());
        Ok(client)
    }

    /// What is logged, to the level that the flags say.
    pub fn log(&self) -> Log {
        let level = u8::try_from(self.settings.verbosity.max(0)).unwrap_or(u8::MAX);
        Log::new(level, self.complaints())
    }

    /// Where discovery is kept: what the flag says, $KUBECACHEDIR, or a folder in the home; none without a home.
    pub fn cache_dir(&self) -> Option<PathBuf> {
        match (&self.settings.cache_dir, self.env("KUBECACHEDIR")) {
            (Some(folder), _) => Some(folder.into()),
            (None, Some(folder)) => Some(folder.into()),
            (None, None) => kubeconfig::home(&|name| self.env.get(name).cloned()).map(|home| home.join(".kube/cache")),
        }
    }

    /// The kubeconfig files that the flags and the environment name.
    pub fn kubeconfig_sources(&self) -> kubeconfig::Sources {
        kubeconfig::Sources::new(self.settings.connection("kubeconfig"), &|name| self.env.get(name).cloned())
    }

    /// What the kubeconfig files and the flags say together.
    fn kubeconfig(&mut self) -> Result<Rc<Kubeconfig>, Failure> {
        if let Some(kubeconfig) = &self.kubeconfig {
            return Ok(kubeconfig.clone());
        }
        let environment = |name: &str| self.env.get(name).cloned();
        let loaded = Kubeconfig::load(&self.kubeconfig_sources(), self.settings.overrides(), &environment);
        let kubeconfig = Rc::new(loaded.map_err(client::Error::from)?);
        self.kubeconfig = Some(kubeconfig.clone());
        Ok(kubeconfig)
    }

    /// The client and the namespace to work in.
    pub fn cluster(&mut self) -> Result<Cluster, Failure> {
        let (namespace, enforced) = self.kubeconfig()?.namespace().map_err(client::Error::from)?;
        Ok(Cluster { client: self.client()?, namespace, enforced })
    }

    /// The namespace to work in.
    pub fn namespace(&mut self) -> Result<String, Failure> {
        Ok(self.kubeconfig()?.namespace().map_err(client::Error::from)?.0)
    }

    /// The namespace to work in, and whether it was asked for by name, for who connects to nothing.
    pub fn namespace_offline(&mut self) -> Result<(String, bool), Failure> {
        Ok(self.kubeconfig()?.namespace_offline().map_err(client::Error::from)?)
    }

    /// The namespace that was asked for by name.
    pub fn enforced_namespace(&self) -> Option<&str> {
        self.settings.namespace.as_deref().filter(|namespace| !namespace.is_empty())
    }

    /// How the flags say to print, among the formats that a command has.
    pub fn chosen(&self, matches: &ArgMatches, allowed: &'static [&'static str]) -> Result<Chosen, Failure> {
        self.choose(matches, allowed, false)
    }

    /// As [`Context::chosen`], for a command that holds the objects as Go types in kubectl.
    pub fn typed_chosen(&self, matches: &ArgMatches, allowed: &'static [&'static str]) -> Result<Chosen, Failure> {
        self.choose(matches, allowed, true)
    }

    fn choose(&self, matches: &ArgMatches, allowed: &'static [&'static str], typed: bool) -> Result<Chosen, Failure> {
        let choice = Choice {
            output: matches.text("output"),
            template: matches.text("template"),
            allow_missing_keys: matches.on("allow-missing-template-keys"),
            show_managed_fields: matches.on("show-managed-fields"),
            no_headers: matches.on("no-headers"),
            typed,
        };
        format::choose(&choice, allowed, &super::read_text).map_err(|error| Failure::message(error.to_string()))
    }

    /// How a command that does something to objects prints them.
    pub fn printer(&self, matches: &ArgMatches, operation: &'static str, dry_run: DryRun) -> Result<Printing, Failure> {
        Ok(Printing::new(self.choose(matches, format::COMMON, false)?, operation, dry_run))
    }

    /// As [`Context::printer`], for a command that holds the objects as Go types in kubectl.
    pub fn typed_printer(
        &self,
        matches: &ArgMatches,
        operation: &'static str,
        dry_run: DryRun,
    ) -> Result<Printing, Failure> {
        Ok(Printing::new(self.choose(matches, format::COMMON, true)?, operation, dry_run))
    }

    /// A context for tests: no streams, no environment.
    #[cfg(test)]
    pub fn for_test() -> Self {
        Context::new(
            Program("kubectl"),
            Box::new(std::io::empty()),
            Screen::new(Box::new(std::io::sink()), false),
            Screen::new(Box::new(std::io::sink()), false),
            BTreeMap::new(),
        )
    }
}
