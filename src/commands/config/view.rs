//! `config view`.

use super::Files;
use crate::commands::flags::{Flags, switch, words};
use crate::commands::{Context, Exit, Failure, sets};
use crate::kubeconfig::Config;
use crate::output::format::{self, Choice, Chosen};
use clap::{ArgMatches, Command};

const REDACTED: &str = "REDACTED";
const OMITTED: &str = "DATA+OMITTED";

/// How the command is called.
pub fn command() -> Command {
    Command::new("view")
        .about("Display merged kubeconfig settings or a specified kubeconfig file")
        .long_about(
            "Print what the kubeconfig files say together. Secrets and certificates are left out unless asked for.",
        )
        .after_help(
            "# What counts\nkubectl config view\n\n# With secrets\nkubectl config view --raw\n\n\
             # All of the current context in one file of its own\nkubectl config view --minify --flatten > one.yaml",
        )
        .before_help("[flags]")
        .defer(|c| {
            c.args(
                sets::output().into_iter().map(
                    |arg| {
                        if arg.get_id() == "output" { arg.default_value("yaml") } else { arg }
                    },
                ),
            )
            .args([
                switch("flatten", None, false, "Put the files that the kubeconfig names into it."),
                switch("merge", None, true, "Read all files as one."),
                switch("minify", None, false, "Leave out what the current context does not use."),
                switch("raw", None, false, "Show secrets and certificates."),
            ])
            .arg(words())
        })
}

/// Prints it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let given = matches.words();
    if !given.is_empty() {
        let message = format!("unexpected arguments: [{}]", given.join(" "));
        return Err(Failure::Usage { message, command: "config view".into() });
    }
    let choice = Choice {
        output: matches.text("output"),
        template: matches.text("template"),
        allow_missing_keys: matches.on("allow-missing-template-keys"),
        show_managed_fields: matches.on("show-managed-fields"),
        ..Choice::default()
    };
    let chosen = format::choose(&choice, format::COMMON, &crate::commands::read_text)
        .map_err(|error| Failure::message(error.to_string()))?;
    let sources = cx.kubeconfig_sources();
    if matches.given("merge") && !matches.on("merge") && !sources.is_explicit() {
        return Err(Failure::message("if merge==false a precise file must be specified"));
    }
    let mut config = Files::load(cx)?.config;
    if matches.on("minify") {
        if matches.given("context") {
            config.current_context = matches.text("context").to_string();
        }
        minify(&mut config)?;
    }
    if matches.on("flatten") {
        flatten(&mut config)?;
    } else if !matches.on("raw") {
        redact(&mut config);
    }
    let json = matches.text("output") == "json";
    match chosen {
        Chosen::Objects(_) if json => print_json(&config, cx)?,
        Chosen::Objects(mut printer) => printer.object(shown(&config), cx.stdout())?,
        Chosen::Name(mut printer) => crate::output::Printer::object(&mut printer, shown(&config), cx.stdout())?,
        Chosen::Human { .. } => print_json(&config, cx)?,
    }
    Ok(0)
}

/// Omitted bytes are marked by a text that is no base64.
fn shown(config: &Config) -> serde_json::Value {
    let text = unmarked(&serde_json::to_string(config).unwrap_or_default());
    serde_json::from_str(&text).unwrap_or_default()
}

/// JSON with the fields in kubectl's order.
fn print_json(config: &Config, cx: &mut Context) -> Result<(), Failure> {
    let mut text = Vec::new();
    let pretty = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, pretty);
    serde::Serialize::serialize(config, &mut serializer).map_err(|error| Failure::message(error.to_string()))?;
    cx.print(&(unmarked(&String::from_utf8_lossy(&text)) + "\n"))
}

/// The model holds bytes and writes base64; what was omitted is a word instead.
fn unmarked(text: &str) -> String {
    use base64::Engine;
    text.replace(&base64::engine::general_purpose::STANDARD.encode(OMITTED), OMITTED)
}

/// Leaves out what the current context does not use.
fn minify(config: &mut Config) -> Result<(), Failure> {
    let current = config.current_context.clone();
    if current.is_empty() {
        return Err(Failure::message("current-context must exist in order to minify"));
    }
    let Some(context) = config.contexts.get(&current).cloned() else {
        return Err(Failure::message("cannot locate context ".to_string() + &current));
    };
    config.contexts.retain(|name, _| *name == current);
    if !context.cluster.is_empty() && !config.clusters.contains_key(&context.cluster) {
        return Err(Failure::message("cannot locate cluster ".to_string() + &context.cluster));
    }
    if !context.user.is_empty() && !config.users.contains_key(&context.user) {
        return Err(Failure::message("cannot locate user ".to_string() + &context.user));
    }
    config.clusters.retain(|name, _| *name == context.cluster);
    config.users.retain(|name, _| *name == context.user);
    Ok(())
}

/// Puts the files that entries name into the entries.
fn flatten(config: &mut Config) -> Result<(), Failure> {
    let copy = |path: &mut String, data: &mut Vec<u8>, origin: &str| -> Result<(), Failure> {
        if path.is_empty() {
            return Ok(());
        }
        let folder = std::path::Path::new(origin).parent().unwrap_or(std::path::Path::new(""));
        let file = folder.join(&*path);
        if data.is_empty() {
            *data = super::read(&file.to_string_lossy())?;
        }
        path.clear();
        Ok(())
    };
    for user in config.users.values_mut() {
        let origin = user.origin.clone();
        copy(&mut user.client_certificate, &mut user.client_certificate_data, &origin)?;
        copy(&mut user.client_key, &mut user.client_key_data, &origin)?;
    }
    for cluster in config.clusters.values_mut() {
        let origin = cluster.origin.clone();
        copy(&mut cluster.certificate_authority, &mut cluster.certificate_authority_data, &origin)?;
    }
    Ok(())
}

/// Replaces secrets by words.
fn redact(config: &mut Config) {
    let omit = |data: &mut Vec<u8>| {
        if !data.is_empty() {
            *data = OMITTED.into();
        }
    };
    for user in config.users.values_mut() {
        for secret in [&mut user.token, &mut user.password].into_iter().filter(|secret| !secret.is_empty()) {
            *secret = REDACTED.into();
        }
        omit(&mut user.client_certificate_data);
        omit(&mut user.client_key_data);
        if let Some(config) = user.auth_provider.as_mut().and_then(|provider| provider.config.as_mut()) {
            for (key, value) in config.iter_mut() {
                if ["access-token", "id-token", "refresh-token", "client-secret"].contains(&key.as_str()) {
                    *value = REDACTED.into();
                }
            }
        }
    }
    config.clusters.values_mut().for_each(|cluster| omit(&mut cluster.certificate_authority_data));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubeconfig::{Cluster, User};

    #[test]
    fn no_secret_is_shown() {
        let mut config = Config::default();
        config.users.insert(
            "u".into(),
            User {
                token: "t0ken".into(),
                password: "passw0rd".into(),
                client_key_data: b"key".into(),
                ..User::default()
            },
        );
        config.clusters.insert("c".into(), Cluster { certificate_authority_data: b"CA".into(), ..Cluster::default() });
        redact(&mut config);
        let text = shown(&config).to_string();
        assert!(!text.contains("t0ken") && !text.contains("passw0rd") && !text.contains("a2V5"), "{text}");
        assert!(text.contains(OMITTED) && text.contains(REDACTED), "{text}");
    }

    #[test]
    fn minifying_needs_a_context() {
        assert!(minify(&mut Config::default()).is_err());
        let mut config = Config { current_context: "nosuch".into(), ..Config::default() };
        assert!(minify(&mut config).is_err());
    }
}
