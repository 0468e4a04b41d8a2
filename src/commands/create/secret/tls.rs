//! `create secret tls`.

use crate::api::{Object, gotext};
use crate::commands::create::generated;
use crate::commands::flags::{Flags, switch, text, words};
use crate::commands::{Context, Exit, Failure};
use crate::ops::{key_pair, secrets};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("tls")
        .about("Create a TLS secret")
        .long_about(
            "Create a secret from a certificate and its private key, both as PEM files. They must belong together.",
        )
        .after_help("# From two files\nkubectl create secret tls web --cert=web.crt --key=web.key")
        .before_help("NAME --cert=path/to/cert/file --key=path/to/key/file [--dry-run=server|client|none]")
        .defer(|c| {
            c.args(generated::flags())
                .args([
                    switch("append-hash", None, false, "Put a hash of the contents behind the name."),
                    text("cert", None, "", "The file with the certificate, as PEM."),
                    text("key", None, "", "The file with its private key, as PEM."),
                ])
                .arg(words())
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    name: String,
    certificate: String,
    key: String,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let plan = Plan {
        name: generated::any_name(matches, "create secret tls")?,
        certificate: matches.text("cert").into(),
        key: matches.text("key").into(),
    };
    if plan.certificate.is_empty() || plan.key.is_empty() {
        return Err(Failure::message("key and cert must be specified"));
    }
    Ok(plan)
}

fn object(plan: &Plan) -> Result<Object, Failure> {
    let (certificate, key) = (read(&plan.certificate)?, read(&plan.key)?);
    key_pair::check(&certificate, &key)?;
    let mut object = secrets::new(&plan.name, "kubernetes.io/tls");
    secrets::add(&mut object, "tls.crt", &certificate)?;
    secrets::add(&mut object, "tls.key", &key)?;
    Ok(object)
}

fn read(file: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(file)
        .map_err(|error| Failure::message(format!("Cannot read file {file}, {}", gotext::unread(file, &error))))
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let mut object = object(&plan(matches)?)?;
    if matches.on("append-hash") {
        secrets::append_hash(&mut object);
    }
    generated::create(object, "failed to create secret ", matches, cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_needed() {
        for (line, good) in [
            ("tls t", false),
            ("tls t --cert=a", false),
            ("tls t --cert=a --key=b", true),
            ("tls --cert=a --key=b", false),
        ] {
            assert_eq!(plan(&command().get_matches_from(line.split(' '))).is_ok(), good, "{line}");
        }
    }
}
