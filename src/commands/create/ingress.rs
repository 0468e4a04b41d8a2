//! `create ingress`.

use super::generated;
use crate::api::{Object, ObjectExt, Value};
use crate::commands::flags::{Flags, lines, text, words};
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};
use serde_json::json;

/// How the command is called.
pub fn command() -> Command {
    Command::new("ingress")
        .alias("ing")
        .about("Create an ingress with the specified name")
        .long_about("Create an ingress: which service answers for which host and path.")
        .after_help(
            "# One path of one host, with a certificate from a secret\nkubectl create ingress web --rule=\"shop.example.com/cart=cart:8080,tls=shop-cert\"\n\n\
             # All below a path, of a class\nkubectl create ingress web --class=nginx --rule=\"shop.example.com/*=front:http\"\n\n\
             # What no rule names\nkubectl create ingress web --default-backend=front:80",
        )
        .before_help("NAME --rule=host/path=service:port[,tls[=secret]] ")
        .defer(|c| {
            c.args(generated::flags())
                .args([
                    lines("annotation", None, "KEY=value for the annotations; may be repeated."),
                    text("class", None, "", "The class of ingress."),
                    text("default-backend", None, "", "SERVICE:PORT for what no rule names."),
                    lines("rule", None, "HOST/PATH=SERVICE:PORT[,tls[=SECRET]]; a star behind the path means all below it. May be repeated."),
                ])
                .arg(words())
        })
}

/// One rule as it was written: `host/path=service:port,tls=secret`.
#[derive(Clone, Debug, PartialEq)]
struct Rule {
    host: String,
    path: String,
    service: String,
    /// The secret with the certificate; empty for a default one, none without TLS.
    tls: Option<String>,
}

#[derive(Debug, PartialEq)]
struct Plan {
    name: String,
    class: String,
    annotations: Vec<(String, String)>,
    backend: String,
    rules: Vec<Rule>,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let name = generated::any_name(matches, "create ingress")?;
    let (rules, backend) = (matches.list("rule"), matches.text("default-backend"));
    if rules.is_empty() && backend.is_empty() {
        return Err(Failure::message(
            "not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)",
        ));
    }
    let rules = rules.iter().map(|text| rule(text)).collect::<Result<_, _>>()?;
    let annotations = matches
        .list("annotation")
        .iter()
        .map(|text| match text.split_once('=') {
            Some((key, value)) => Ok((key.to_string(), value.to_string())),
            None => Err(Failure::message(format!("annotation {text} is invalid and should be in format key=[value]"))),
        })
        .collect::<Result<_, _>>()?;
    if !backend.is_empty() && backend.split(':').count() != 2 {
        return Err(Failure::message("default-backend should be in format servicename:serviceport"));
    }
    Ok(Plan { name, class: matches.text("class").into(), annotations, backend: backend.into(), rules })
}

fn rule(text: &str) -> Result<Rule, Failure> {
    let bad = || {
        Failure::message(format!(
            "rule {text} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]"
        ))
    };
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let (before, tls) = match text.split(',').collect::<Vec<_>>()[..] {
        [before, tls] => (before, Some(tls.split('=').nth(1).unwrap_or_default().to_string())),
        _ => (text.split(',').next().unwrap_or_default(), None),
    };
    let (host, rest) = before.split_once('/').ok_or_else(bad)?;
    let (path, service) = rest.split_once('=').ok_or_else(bad)?;
    let service = service.split('=').next().unwrap_or_default();
    let (name, port) = service.split_once(':').ok_or_else(bad)?;
    let good_host = host.chars().all(|c| word(c) || c == '*' || c == '.');
    if !good_host || name.is_empty() || !name.chars().all(word) || !port.starts_with(word) {
        return Err(bad());
    }
    Ok(Rule { host: host.into(), path: format!("/{path}"), service: service.into(), tls })
}

/// `service:port` as a backend; the port may be a name.
fn backend(text: &str) -> Value {
    let mut parts = text.split(':');
    let (name, port) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let port = match port.parse::<i32>() {
        Ok(number) => json!({"number": number}),
        Err(_) => json!({"name": port}),
    };
    json!({"service": {"name": name, "port": port}})
}

fn path(rule: &Rule) -> Value {
    let (path, kind) = match rule.path.strip_suffix('*') {
        Some(path) => (path, "Prefix"),
        None => (rule.path.as_str(), "Exact"),
    };
    json!({"path": path, "pathType": kind, "backend": backend(&rule.service)})
}

/// The rules, one for each host.
fn rules(plan: &Plan) -> Vec<Value> {
    let mut hosts: Vec<(&str, Vec<Value>)> = Vec::new();
    for rule in &plan.rules {
        match hosts.iter_mut().find(|(host, _)| *host == rule.host) {
            Some((_, paths)) => paths.push(path(rule)),
            None => hosts.push((&rule.host, vec![path(rule)])),
        }
    }
    hosts.into_iter().map(|(host, paths)| json!({"host": host, "http": {"paths": paths}})).collect()
}

/// Which hosts use which certificate: an entry for each secret, each host once.
fn certificates(plan: &Plan) -> Vec<Value> {
    let mut entries: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for rule in &plan.rules {
        let (host, Some(secret)) = (rule.host.as_str(), &rule.tls) else { continue };
        if seen.contains(&host) {
            continue;
        }
        seen.push(host);
        match entries.iter_mut().find(|(known, _)| known == secret) {
            Some((_, hosts)) => hosts.push(host),
            None if host.is_empty() && secret.is_empty() => {}
            None if host.is_empty() => entries.push((secret, Vec::new())),
            None => entries.push((secret, vec![host])),
        }
    }
    entries.into_iter().map(|(secret, hosts)| json!({"hosts": hosts, "secretName": secret})).collect()
}

fn object(plan: &Plan) -> Object {
    let mut ingress = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": plan.name},
        "spec": {"rules": rules(plan), "tls": certificates(plan)},
    });
    if !plan.class.is_empty() {
        ingress.put(&["spec", "ingressClassName"], plan.class.as_str());
    }
    if !plan.backend.is_empty() {
        ingress.put(&["spec", "defaultBackend"], backend(&plan.backend));
    }
    for (key, value) in &plan.annotations {
        ingress.put(&["metadata", "annotations", key], value.as_str());
    }
    ingress
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    generated::create(object(&plan(matches)?), "failed to create ingress: ", matches, cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(line: &str) -> Result<Plan, Failure> {
        plan(&command().get_matches_from(line.split(' ')))
    }

    #[test]
    fn rules_are_read() {
        for (text, host, path, service, tls) in [
            ("a.b/c=s:80", "a.b", "/c", "s:80", None),
            ("/=s:http", "", "/", "s:http", None),
            ("*.a/p*=s:80,tls", "*.a", "/p*", "s:80", Some("")),
            ("a/p=s:80,tls=x", "a", "/p", "s:80", Some("x")),
        ] {
            let want =
                Rule { host: host.into(), path: path.into(), service: service.into(), tls: tls.map(String::from) };
            assert_eq!(rule(text).unwrap(), want);
        }
        for bad in ["bad", "a=s:80", "a/b", "a/b=s", "a/b=:80", "a/b=s:", "a b/c=s:80"] {
            assert!(rule(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hosts_and_secrets_are_gathered() {
        let plan =
            planned("ing i --rule=a/x=s:80,tls=c --rule=a/y*=t:web --rule=b/=s:80,tls=c --rule=/z=s:80,tls").unwrap();
        let made = object(&plan);
        assert_eq!(made["spec"]["rules"].as_array().unwrap().len(), 3);
        assert_eq!(
            made["spec"]["rules"][0]["http"]["paths"][1],
            json!({"path": "/y", "pathType": "Prefix", "backend": {"service": {"name": "t", "port": {"name": "web"}}}})
        );
        assert_eq!(made["spec"]["tls"], json!([{"hosts": ["a", "b"], "secretName": "c"}]));
    }

    #[test]
    fn something_must_be_said() {
        for bad in [
            "ing i",
            "ing i --rule=x",
            "ing i --default-backend=a",
            "ing i --default-backend=a:1 --annotation=x",
            "ing --rule=a/=s:1",
        ] {
            assert!(planned(bad).is_err(), "{bad}");
        }
    }
}
