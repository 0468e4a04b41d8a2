//! `config set-cluster`.

use super::Files;
use crate::commands::flags::{Flags, switch, words};
use crate::commands::{Context, Exit, Failure};
use crate::kubeconfig::Cluster;
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("set-cluster")
        .about("Set a cluster entry in kubeconfig")
        .long_about(
            "Make a cluster's entry, or change what is named of one that is there: --server, --tls-server-name, \
             --certificate-authority, --insecure-skip-tls-verify, --proxy-url.",
        )
        .after_help(
            "# A cluster with its authority's certificate in the file\nkubectl config set-cluster dev --server=https://1.2.3.4 --certificate-authority=ca.crt --embed-certs",
        )
        .before_help("NAME [--server=server] [--certificate-authority=path/to/certificate/authority] [--insecure-skip-tls-verify=true] [--tls-server-name=example.com]")
        .defer(|c| c.arg(switch("embed-certs", None, false, "Copy the certificates into the file.")).arg(words()))
}

/// Sets it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let [name] = super::words(matches, cx)?;
    check(&name, matches)?;
    let mut files = Files::load(cx)?;
    change(files.config.clusters.entry(name.clone()).or_default(), matches)?;
    files.save(true)?;
    cx.print(&format!("Cluster {name:?} set.\n"))?;
    Ok(0)
}

fn check(name: &str, matches: &ArgMatches) -> Result<(), Failure> {
    let authority = matches.text("certificate-authority");
    if name.is_empty() {
        return Err(Failure::message("you must specify a non-empty cluster name"));
    }
    if matches.on("insecure-skip-tls-verify") && !authority.is_empty() {
        return Err(Failure::message("you cannot specify a certificate authority and insecure mode at the same time"));
    }
    if matches.on("embed-certs") {
        if authority.is_empty() {
            return Err(Failure::message("you must specify a --certificate-authority to embed"));
        }
        super::must_exist("certificate-authority", authority)?;
    }
    Ok(())
}

fn change(cluster: &mut Cluster, matches: &ArgMatches) -> Result<(), Failure> {
    if matches.given("server") {
        cluster.server = matches.text("server").to_string();
        // The name belonged to the server of before.
        cluster.tls_server_name.clear();
    }
    if matches.given("tls-server-name") {
        cluster.tls_server_name = matches.text("tls-server-name").to_string();
    }
    if matches.given("insecure-skip-tls-verify") {
        cluster.insecure_skip_tls_verify = matches.on("insecure-skip-tls-verify");
        if cluster.insecure_skip_tls_verify {
            cluster.certificate_authority.clear();
            cluster.certificate_authority_data.clear();
        }
    }
    if matches.given("certificate-authority") {
        let path = matches.text("certificate-authority");
        cluster.insecure_skip_tls_verify &= path.is_empty();
        if matches.on("embed-certs") {
            cluster.certificate_authority_data = super::read(path)?;
            cluster.certificate_authority.clear();
            cluster.insecure_skip_tls_verify = false;
        } else {
            cluster.certificate_authority = super::absolute(path)?;
            cluster.certificate_authority_data.clear();
        }
    }
    if matches.given("proxy-url") {
        cluster.proxy_url = matches.text("proxy-url").to_string();
    }
    Ok(())
}
