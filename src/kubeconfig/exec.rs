//! Credential plugins: programs that print an `ExecCredential` (KEP-541, client.authentication.k8s.io).

use super::decode::{self, Fields};
use super::model::{Cluster, Exec};
use super::{Error, Pem};
use crate::api::{Value, gotext};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use std::io::{ErrorKind, IsTerminal};
use std::process::Stdio;

const GROUP: &str = "client.authentication.k8s.io";
const VERSIONS: [&str; 2] = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];
/// The key of a cluster's extension that is handed to plugins.
const EXTENSION: &str = "client.authentication.k8s.io/exec";
const NOT_INSTALLED: &str = "\n\n\
    It looks like you are trying to use a client-go credential plugin that is not installed.\n\n\
    To learn more about this feature, consult the documentation available at:\n      \
    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins";

/// A program that gives credentials, and what it is told.
#[derive(Clone, Debug, PartialEq)]
pub struct ExecPlugin {
    exec: Exec,
    cluster: ClusterInfo,
}

/// What a plugin gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExecCredential {
    /// A bearer token; empty for none.
    pub token: String,
    /// A certificate and its key, as PEM text.
    pub certificate: Option<(Vec<u8>, Vec<u8>)>,
    /// When they end; none for never.
    pub expires: Option<Timestamp>,
}

/// The cluster, as plugins are told of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct ClusterInfo {
    server: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    tls_server_name: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    insecure_skip_tls_verify: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    certificate_authority_data: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    proxy_url: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_compression: bool,
    config: Value,
}

/// What is in `KUBERNETES_EXEC_INFO`.
#[derive(Serialize)]
struct Info<'a> {
    kind: &'static str,
    #[serde(rename = "apiVersion")]
    api_version: &'a str,
    spec: Spec<'a>,
}

#[derive(Serialize)]
struct Spec<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a ClusterInfo>,
    interactive: bool,
}

impl ExecPlugin {
    /// The plugin of a user, for a cluster.
    ///
    /// # Errors
    /// For a version that is not spoken, or an unreadable file of the cluster.
    pub fn new(exec: &Exec, cluster: &Cluster) -> Result<Self, Error> {
        if !VERSIONS.contains(&exec.api_version.as_str()) {
            let version = gotext::quote(&exec.api_version);
            return Err(Error::Message(format!("exec plugin: invalid apiVersion {version}")));
        }
        let authorities = match cluster.certificate_authority.as_str() {
            "" => cluster.certificate_authority_data.clone(),
            _ if !cluster.certificate_authority_data.is_empty() => cluster.certificate_authority_data.clone(),
            file => Pem::File(file.to_owned()).read().map_err(Error::Message)?,
        };
        let cluster = ClusterInfo {
            server: cluster.server.clone(),
            tls_server_name: cluster.tls_server_name.clone(),
            insecure_skip_tls_verify: cluster.insecure_skip_tls_verify,
            certificate_authority_data: STANDARD.encode(authorities),
            proxy_url: cluster.proxy_url.clone(),
            disable_compression: cluster.disable_compression,
            config: cluster.extensions.get(EXTENSION).cloned().unwrap_or(Value::Null),
        };
        Ok(Self { exec: exec.clone(), cluster })
    }

    /// Runs the program once. `stdin_taken` says who reads standard input, if anybody does.
    ///
    /// # Errors
    /// Why there are no credentials, in client-go's words.
    pub async fn run(&self, stdin_taken: Option<&str>) -> Result<ExecCredential, String> {
        let interactive = self
            .is_interactive(std::io::stdin().is_terminal(), stdin_taken)
            .map_err(|fault| format!("exec plugin cannot support interactive mode: {fault}"))?;
        let mut command = tokio::process::Command::new(&self.exec.command);
        command
            .args(self.exec.args.iter().flatten())
            .envs(self.exec.env.iter().flatten().map(|variable| (&variable.name, &variable.value)))
            .env("KUBERNETES_EXEC_INFO", self.info(interactive))
            .stdin(if interactive { Stdio::inherit() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let output = match command.spawn() {
            Ok(child) => child.wait_with_output().await.map_err(|error| format!("exec: {}", gotext::errno(&error)))?,
            Err(error) => return Err(self.not_started(&error)),
        };
        if !output.status.success() {
            let code = output.status.code().unwrap_or(-1);
            return Err(format!("exec: executable {} failed with exit code {code}", self.exec.command));
        }
        self.read(&output.stdout)
    }

    fn info(&self, interactive: bool) -> String {
        let cluster = self.exec.provide_cluster_info.then_some(&self.cluster);
        let spec = Spec { cluster, interactive };
        let info = Info { kind: "ExecCredential", api_version: &self.exec.api_version, spec };
        let mut text = serde_json::to_string(&info).unwrap_or_default();
        text.push('\n');
        text
    }

    fn is_interactive(&self, is_terminal: bool, stdin_taken: Option<&str>) -> Result<bool, String> {
        match (self.exec.interactive_mode.as_str(), stdin_taken) {
            ("Never", _) => Ok(false),
            ("IfAvailable", taken) => Ok(taken.is_none() && is_terminal),
            ("Always", _) if !is_terminal => Err("standard input is not a terminal".into()),
            ("Always", Some("")) => Err("standard input is unavailable".into()),
            ("Always", Some(by)) => Err(format!("standard input is unavailable: {by}")),
            ("Always", None) => Ok(true),
            (mode, _) => Err(format!("unknown interactiveMode: {}", gotext::quote(mode))),
        }
    }

    fn not_started(&self, error: &std::io::Error) -> String {
        let command = &self.exec.command;
        if command.contains('/') || error.kind() != ErrorKind::NotFound {
            return format!("exec: fork/exec {command}: {}", gotext::errno(error));
        }
        let mut text = format!("exec: executable {command} not found{NOT_INSTALLED}");
        if !self.exec.install_hint.is_empty() {
            text.push_str("\n\n");
            text.push_str(&without_controls(&self.exec.install_hint));
        }
        text
    }

    /// Reads what the program printed.
    fn read(&self, output: &[u8]) -> Result<ExecCredential, String> {
        let wrap = |fault: String| format!("decoding stdout: {fault}");
        let value = decode::yaml(output).map_err(wrap)?;
        let (version, kind) = decode::header(&value).map_err(wrap)?;
        let version = match (version, kind) {
            ("", "") => format!("{GROUP}/__internal"),
            (version, "ExecCredential") if VERSIONS.contains(&version) => version.to_owned(),
            _ => return Err(wrap(decode::unregistered(version, kind, "pkg/client/auth/exec/exec.go:64"))),
        };
        let status = |fields: &Fields| {
            let certificate = fields.text("clientCertificateData")?;
            let key = fields.text("clientKeyData")?;
            let expires = match fields.text("expirationTimestamp")?.as_str() {
                "" => None,
                text => Some(text.parse::<Timestamp>().map_err(|_| bad_time(text))?),
            };
            Ok((fields.text("token")?, certificate, key, expires))
        };
        let status =
            Fields::of(&value, "ExecCredential").object("status", "ExecCredentialStatus", status).map_err(wrap)?;
        if version != self.exec.api_version {
            return Err(format!(
                "exec plugin is configured to use API version {}, plugin returned version {version}",
                self.exec.api_version
            ));
        }
        let (token, certificate, key, expires) = status.ok_or("exec plugin didn't return a status field")?;
        let certificate = match (certificate.is_empty(), key.is_empty()) {
            (true, true) if token.is_empty() => return Err("exec plugin didn't return a token or cert/key pair".into()),
            (true, true) => None,
            (false, false) => Some((certificate.into_bytes(), key.into_bytes())),
            _ => return Err("exec plugin returned only certificate or key, not both".into()),
        };
        Ok(ExecCredential { token, certificate, expires })
    }
}

fn bad_time(text: &str) -> String {
    let text = gotext::quote(text);
    format!("parsing time {text} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text} as \"2006\"")
}

/// The text with each control character but white space written out, so that it cannot move a terminal's cursor.
fn without_controls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && !('\t'..='\r').contains(&c) {
            out.push_str(&format!("U+{:04X}", c as u32));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plugin(exec: Exec) -> ExecPlugin {
        let exec = Exec { api_version: VERSIONS[0].into(), interactive_mode: "Never".into(), ..exec };
        let mut cluster = Cluster { server: "https://h".into(), insecure_skip_tls_verify: true, ..Cluster::default() };
        cluster.extensions.insert(EXTENSION.into(), json!({"audience": "a"}));
        ExecPlugin::new(&exec, &cluster).unwrap()
    }

    fn shell(script: &str) -> ExecPlugin {
        let args = Some(vec!["-c".to_owned(), script.to_owned()]);
        plugin(Exec { command: "sh".into(), args, provide_cluster_info: true, ..Exec::default() })
    }

    fn run(plugin: &ExecPlugin) -> Result<ExecCredential, String> {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(plugin.run(None))
    }

    #[test]
    fn a_program_gets_the_cluster_and_gives_a_token() {
        let script = r#"printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' \
            "$(echo "$KUBERNETES_EXEC_INFO" | tr '"' "'")""#;
        assert_eq!(
            run(&shell(script)).unwrap().token,
            "{'kind':'ExecCredential','apiVersion':'client.authentication.k8s.io/v1','spec':{'cluster':{'server':'https://h',\
             'insecure-skip-tls-verify':true,'config':{'audience':'a'}},'interactive':false}}"
        );
    }

    #[test]
    fn a_program_that_fails_is_told_as_client_go_tells_it() {
        assert_eq!(run(&shell("exit 3")), Err("exec: executable sh failed with exit code 3".into()));
        assert_eq!(run(&shell("kill -9 $$")), Err("exec: executable sh failed with exit code -1".into()));
        let missing =
            plugin(Exec { command: "nosuch-plugin".into(), install_hint: "get\n\u{1b}it".into(), ..Exec::default() });
        assert_eq!(
            run(&missing),
            Err(format!("exec: executable nosuch-plugin not found{NOT_INSTALLED}\n\nget\nU+001Bit"))
        );
        let path = plugin(Exec { command: "/nosuch/x".into(), ..Exec::default() });
        assert_eq!(run(&path), Err("exec: fork/exec /nosuch/x: no such file or directory".into()));
    }

    #[test]
    fn what_a_program_prints_is_checked() {
        let status =
            |status: &str| format!(r#"{{"apiVersion":"{}","kind":"ExecCredential","status":{status}}}"#, VERSIONS[0]);
        for (output, fault) in [
            ("not json".to_owned(), format!("decoding stdout: {}", decode::header(&json!("x")).unwrap_err())),
            (
                status("1").replace("/v1", "/v1beta1").replace("1}", "{\"token\":\"t\"}}"),
                "exec plugin is configured to use API version client.authentication.k8s.io/v1, plugin returned version client.authentication.k8s.io/v1beta1".into(),
            ),
            (
                String::new(),
                "exec plugin is configured to use API version client.authentication.k8s.io/v1, plugin returned version client.authentication.k8s.io/__internal".into(),
            ),
            (
                r#"{"apiVersion":"v1","kind":"Pod"}"#.into(),
                "decoding stdout: no kind \"Pod\" is registered for version \"v1\" in scheme \"pkg/client/auth/exec/exec.go:64\"".into(),
            ),
            (status("null"), "exec plugin didn't return a status field".into()),
            (status("{}"), "exec plugin didn't return a token or cert/key pair".into()),
            (status(r#"{"clientKeyData":"x"}"#), "exec plugin returned only certificate or key, not both".into()),
            (
                status(r#"{"token":"t","expirationTimestamp":"foo"}"#),
                "decoding stdout: parsing time \"foo\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"foo\" as \"2006\"".into(),
            ),
            (
                status(r#"{"token":1}"#),
                "decoding stdout: json: cannot unmarshal number into Go struct field ExecCredentialStatus.status.token of type string".into(),
            ),
        ] {
            assert_eq!(shell("").read(output.as_bytes()), Err(fault), "{output}");
        }
        let good = shell("").read(status(r#"{"token":"t","expirationTimestamp":"2030-01-01T00:00:00Z"}"#).as_bytes());
        assert_eq!(good.unwrap().expires, Some("2030-01-01T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn standard_input_is_given_only_when_it_can_be() {
        for (mode, terminal, taken, wanted) in [
            ("Never", true, None, Ok(false)),
            ("IfAvailable", true, None, Ok(true)),
            ("IfAvailable", true, Some("x"), Ok(false)),
            ("IfAvailable", false, None, Ok(false)),
            ("Always", true, None, Ok(true)),
            ("Always", false, None, Err("standard input is not a terminal")),
            ("Always", true, Some("used by x"), Err("standard input is unavailable: used by x")),
        ] {
            let mut plugin = shell("");
            plugin.exec.interactive_mode = mode.into();
            assert_eq!(plugin.is_interactive(terminal, taken), wanted.map_err(str::to_owned), "{mode}");
        }
    }
}
