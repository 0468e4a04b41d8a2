//! `serve`: the bundled API server in the foreground.

use super::flags::{Flags, integer, list, span, switch, text, words};
use super::{Context, Exit, Failure};
use crate::apiserver::auth::rbac::Authorization;
use crate::apiserver::serve::{self, Options, Storage, private_folder, write_private};
use crate::apiserver::store::EtcdOptions;
use crate::sandbox;
use clap::{ArgMatches, Command};
use std::net::IpAddr;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// How the command is called.
pub fn command() -> Command {
    Command::new("serve")
        .about("Run an API server in the foreground")
        .long_about(
            "Run an API server until it is interrupted. Its objects are in memory and go with it, unless --data-dir \
             names a folder: then what it has acknowledged is on disk, and is there again when it is started again. Or \
             --etcd-servers names an etcd, which several servers may share.\n\n \
             It speaks TLS on --secure-port with a certificate of its own authority, or plain HTTP when only \
             --insecure-port is given. A kubeconfig for it is written, and its path printed. Without --token-auth-file \
             and --client-ca-file everybody who reaches it may do everything, so it then listens only to this machine.",
        )
        .after_help(
            "# For curl and old tutorials\nsteer serve --insecure-port=8080\n\n# With TLS, and objects that outlast the server\nsteer serve --secure-port=6443 --data-dir=./cluster",
        )
        .before_help("[flags]")
        .defer(|c| {
            c.args([
                switch("anonymous-auth", None, true, "Take who does not say who they are for system:anonymous. With =false they are turned away."),
                text("authorization-mode", None, "RBAC", "How it is decided who may do what: RBAC, by roles and bindings, or AlwaysAllow."),
                text("bind-address", None, "127.0.0.1", "The address to listen on."),
                text("cert-dir", None, "", "Where the authority and certificates are kept; a folder in the user's data unless said otherwise."),
                text("client-ca-file", None, "", "A file with the authorities of client certificates."),
                text("data-dir", None, "", "The folder in which the objects are kept. One server at a time can have it."),
                text("etcd-cafile", None, "", "A file with the authorities of etcd's certificates; the system's unless said otherwise."),
                text("etcd-certfile", None, "", "A file with a certificate to show to etcd."),
                span("etcd-compaction-interval", "5m0s", "How often etcd is told to forget what is older than that; 0 for never."),
                text("etcd-keyfile", None, "", "The file with the key of --etcd-certfile."),
                text("etcd-prefix", None, "/registry", "What all keys in etcd begin with."),
                list("etcd-servers", None, "The URLs of an etcd's servers, in which the objects are kept."),
                integer("insecure-port", None, "0", "The port for plain HTTP; 0 for none."),
                integer("secure-port", None, "6443", "The port for TLS; 0 for none."),
                text("service-account-signing-key-file", None, "", "A file with the key that signs service accounts' tokens (RSA, or EC on P-256 in PKCS #8); one beside the certificates unless said otherwise."),
                text("service-cluster-ip-range", None, "10.0.0.0/24", "The addresses that services get; a second range, of the other IP family, after a comma."),
                text("token-auth-file", None, "", "A file with token,user,uid,\"group1,group2\" lines."),
                text("write-kubeconfig", None, "", "Where to write the kubeconfig; beside the certificates unless said otherwise."),
            ])
            .arg(words())
        })
}

#[derive(Debug)]
struct Plan {
    options: Options,
    kubeconfig: Option<PathBuf>,
}

fn plan(matches: &ArgMatches, data: Option<PathBuf>) -> Result<Plan, Failure> {
    super::no_words(matches, "serve")?;
    let port = |name: &str| {
        let number = matches.integer(name);
        u16::try_from(number)
            .map(|port| (port != 0).then_some(port))
            .map_err(|_| Failure::message(format!("--{name}: {number} is no port")))
    };
    let path = |name: &str| Some(matches.text(name)).filter(|text| !text.is_empty()).map(PathBuf::from);
    let bind_address: IpAddr = matches.text("bind-address").parse().map_err(|_| {
        Failure::message(format!("--bind-address: {:?} is no IP address", matches.text("bind-address")))
    })?;
    let insecure_port = port("insecure-port")?;
    // Plain HTTP alone is what was asked for when only its port was.
    let secure_port =
        if insecure_port.is_some() && !matches.given("secure-port") { None } else { port("secure-port")? };
    if insecure_port.is_none() && secure_port.is_none() {
        return Err(Failure::message("--secure-port and --insecure-port are both 0: there is nothing to listen on"));
    }
    let range = matches.text("service-cluster-ip-range");
    let cert_dir = path("cert-dir").or(data.map(|folder| folder.join("steersman").join("serve")));
    let any_port = secure_port.or(insecure_port).unwrap_or_default();
    let beside = cert_dir.as_ref().map(|folder| folder.join(format!("kubeconfig-{any_port}")));
    Ok(Plan {
        options: Options {
            bind_address,
            secure_port,
            insecure_port,
            cert_dir,
            token_auth_file: path("token-auth-file"),
            client_ca_file: path("client-ca-file"),
            no_anonymous: !matches.on("anonymous-auth"),
            authorization_mode: Authorization::parse(matches.text("authorization-mode"))
                .map_err(|problem| Failure::Message(format!("--authorization-mode: {problem}")))?,
            service_account_signing_key_file: path("service-account-signing-key-file"),
            storage: storage(matches, path)?,
            service_cluster_ip_range: range
                .parse()
                .map_err(|problem| Failure::Message(format!("--service-cluster-ip-range: {problem}")))?,
            // Whoever has the kubeconfig is the administrator; nobody else can read it. Without a name for its user,
            // clients would ask for one.
            admin_token: Some(uuid::Uuid::new_v4().simple().to_string()),
            strict: false,
        },
        kubeconfig: path("write-kubeconfig").or(beside),
    })
}

/// Where the objects are kept.
fn storage(matches: &ArgMatches, path: impl Fn(&str) -> Option<PathBuf>) -> Result<Storage, Failure> {
    let servers = matches.list("etcd-servers");
    let folder = path("data-dir");
    let (certfile, keyfile) = (path("etcd-certfile"), path("etcd-keyfile"));
    if certfile.is_some() != keyfile.is_some() {
        return Err(Failure::message("--etcd-certfile and --etcd-keyfile go together"));
    }
    if servers.is_empty() {
        return Ok(folder.map_or(Storage::Memory, Storage::Folder));
    }
    if folder.is_some() {
        return Err(Failure::message("--data-dir and --etcd-servers: the objects can be kept in one place only"));
    }
    let servers = servers.iter().map(|server| server.parse());
    let interval = matches.span("etcd-compaction-interval");
    Ok(Storage::Etcd(EtcdOptions {
        servers: servers
            .collect::<Result<_, _>>()
            .map_err(|problem| Failure::Message(format!("--etcd-servers: {problem}")))?,
        prefix: matches.text("etcd-prefix").to_string(),
        cafile: path("etcd-cafile"),
        certfile,
        keyfile,
        compaction_interval: interval.to_std().unwrap_or_default(),
    }))
}

/// Serves until it is told to stop.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches, dirs::data_local_dir())?;
    let failed = |error: std::io::Error| Failure::message(error.to_string());
    let runtime = cx.runtime()?;
    runtime.block_on(async {
        let server = serve::bind(&plan.options).await.map_err(failed)?;
        if let Some(notice) = &server.notice {
            cx.complain(&format!("{notice}\n"));
        }
        if let Some(file) = &plan.kubeconfig {
            if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                private_folder(folder).map_err(failed)?;
            }
            write_private(file, &sandbox::kubeconfig(&server, plan.options.admin_token.as_deref())).map_err(failed)?;
            cx.complain(&format!("Serving on {}; KUBECONFIG={}\n", server.url, file.display()));
        } else {
            cx.complain(&format!("Serving on {}\n", server.url));
        }
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let stop = async move {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        };
        server.serve(stop).await.map_err(failed)
    })?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports() {
        let ports = |line: &str| {
            plan(&command().get_matches_from(line.split(' ')), None)
                .map(|p| (p.options.secure_port, p.options.insecure_port))
        };
        assert_eq!(ports("serve").unwrap(), (Some(6443), None));
        assert_eq!(ports("serve --insecure-port=8080").unwrap(), (None, Some(8080)));
        assert_eq!(ports("serve --insecure-port=8080 --secure-port=6443").unwrap(), (Some(6443), Some(8080)));
        let storage = |line: &str| plan(&command().get_matches_from(line.split(' ')), None).unwrap().options.storage;
        assert_eq!(storage("serve"), Storage::Memory);
        assert_eq!(storage("serve --data-dir=a/b"), Storage::Folder("a/b".into()));
        let Storage::Etcd(etcd) = storage("serve --etcd-servers=http://a:1,http://b --etcd-compaction-interval=1m")
        else {
            panic!("not in etcd")
        };
        assert_eq!((etcd.servers.len(), &*etcd.prefix, etcd.compaction_interval.as_secs()), (2, "/registry", 60));
        for line in [
            "serve --secure-port=0",
            "serve --secure-port=70000",
            "serve --bind-address=x",
            "serve --authorization-mode=ABAC",
            "serve --service-cluster-ip-range=x",
            "serve --etcd-servers=127.0.0.1:2379",
            "serve --etcd-servers=http://127.0.0.1:2379 --data-dir=x",
            "serve --etcd-servers=https://127.0.0.1:2379 --etcd-certfile=x",
            "serve a",
        ] {
            assert!(ports(line).is_err(), "{line}");
        }
    }
}
