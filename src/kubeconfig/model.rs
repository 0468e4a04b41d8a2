//! What a kubeconfig file says (client-go's `clientcmd/api/v1`), with lists of named things as maps.
//!
//! Serializing gives the fields in the order in which kubectl prints them as JSON, and leaves out what it leaves out.

use crate::api::Value;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// A kubeconfig file, or several of them merged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Settings of old that nothing reads any more, but that are kept.
    pub preferences: Preferences,
    /// The servers.
    pub clusters: BTreeMap<String, Cluster>,
    /// The credentials.
    pub users: BTreeMap<String, User>,
    /// Which user talks to which cluster, in which namespace.
    pub contexts: BTreeMap<String, Context>,
    /// The context that is used when none is asked for.
    pub current_context: String,
    /// What other programs keep here.
    pub extensions: BTreeMap<String, Value>,
}

/// Preferences; kept, not used.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Preferences {
    /// Whether output should be coloured.
    #[serde(skip_serializing_if = "is_default")]
    pub colors: bool,
    /// What other programs keep here.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "extensions")]
    pub extensions: BTreeMap<String, Value>,
}

/// A server, and how to know that it is the right one.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cluster {
    /// The file that the entry came from; empty for a new one.
    #[serde(skip)]
    pub origin: String,
    /// The server's URL.
    pub server: String,
    /// The name that the server's certificate must be for, when it is not the URL's host.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_server_name: String,
    /// Whether any certificate will do.
    #[serde(skip_serializing_if = "is_default")]
    pub insecure_skip_tls_verify: bool,
    /// A file with the certificates of authorities.
    #[serde(skip_serializing_if = "is_default")]
    pub certificate_authority: String,
    /// The same as PEM text; it goes before the file.
    #[serde(skip_serializing_if = "is_default", serialize_with = "base64_text")]
    pub certificate_authority_data: Vec<u8>,
    /// The proxy for requests to this server, in place of what the environment says.
    #[serde(skip_serializing_if = "is_default")]
    pub proxy_url: String,
    /// Whether answers must not be compressed.
    #[serde(skip_serializing_if = "is_default")]
    pub disable_compression: bool,
    /// What other programs keep here.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "extensions")]
    pub extensions: BTreeMap<String, Value>,
}

/// Credentials, and whom to act as.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct User {
    /// The file that the entry came from; empty for a new one.
    #[serde(skip)]
    pub origin: String,
    /// A file with the client's certificate.
    #[serde(skip_serializing_if = "is_default")]
    pub client_certificate: String,
    /// The same as PEM text; it goes before the file.
    #[serde(skip_serializing_if = "is_default", serialize_with = "base64_text")]
    pub client_certificate_data: Vec<u8>,
    /// A file with the certificate's key.
    #[serde(skip_serializing_if = "is_default")]
    pub client_key: String,
    /// The same as PEM text; it goes before the file.
    #[serde(skip_serializing_if = "is_default", serialize_with = "base64_text")]
    pub client_key_data: Vec<u8>,
    /// A bearer token; it goes before the file.
    #[serde(skip_serializing_if = "is_default")]
    pub token: String,
    /// A file with a bearer token, which may change at any time.
    #[serde(rename = "tokenFile", skip_serializing_if = "is_default")]
    pub token_file: String,
    /// The user to act as.
    #[serde(rename = "as", skip_serializing_if = "is_default")]
    pub impersonate: String,
    /// The uid to act with.
    #[serde(rename = "as-uid", skip_serializing_if = "is_default")]
    pub impersonate_uid: String,
    /// The groups to act in.
    #[serde(rename = "as-groups", skip_serializing_if = "is_default")]
    pub impersonate_groups: Vec<String>,
    /// More about the user to act as.
    #[serde(rename = "as-user-extra", skip_serializing_if = "is_default")]
    pub impersonate_user_extra: BTreeMap<String, Vec<String>>,
    /// A name for basic authentication.
    #[serde(skip_serializing_if = "is_default")]
    pub username: String,
    /// A password for basic authentication.
    #[serde(skip_serializing_if = "is_default")]
    pub password: String,
    /// A provider of old, built into the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_provider: Option<AuthProvider>,
    /// A program that gives credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exec: Option<Exec>,
    /// What other programs keep here.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "extensions")]
    pub extensions: BTreeMap<String, Value>,
}

/// Which user talks to which cluster, in which namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Context {
    /// The file that the entry came from; empty for a new one.
    #[serde(skip)]
    pub origin: String,
    /// The name of the cluster.
    pub cluster: String,
    /// The name of the user.
    pub user: String,
    /// The namespace of requests that name none.
    #[serde(skip_serializing_if = "is_default")]
    pub namespace: String,
    /// What other programs keep here.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "extensions")]
    pub extensions: BTreeMap<String, Value>,
}

/// A provider of old.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AuthProvider {
    /// Which one.
    pub name: String,
    /// Its settings.
    pub config: Option<BTreeMap<String, String>>,
}

/// A program that gives credentials (KEP-541).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exec {
    /// The program.
    pub command: String,
    /// Its arguments.
    pub args: Option<Vec<String>>,
    /// Variables that are added to its environment.
    pub env: Option<Vec<ExecEnv>>,
    /// The version of client.authentication.k8s.io that it speaks.
    #[serde(skip_serializing_if = "is_default")]
    pub api_version: String,
    /// What to tell a user who does not have the program.
    #[serde(skip_serializing_if = "is_default")]
    pub install_hint: String,
    /// Whether it is told about the cluster.
    pub provide_cluster_info: bool,
    /// `Never`, `IfAvailable` or `Always`: whether it gets standard input.
    #[serde(skip_serializing_if = "is_default")]
    pub interactive_mode: String,
}

/// One variable of a program's environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ExecEnv {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", "Config")?;
        map.serialize_entry("apiVersion", "v1")?;
        if !is_default(&self.preferences) {
            map.serialize_entry("preferences", &self.preferences)?;
        }
        map.serialize_entry("clusters", &Named("cluster", &self.clusters))?;
        map.serialize_entry("users", &Named("user", &self.users))?;
        map.serialize_entry("contexts", &Named("context", &self.contexts))?;
        map.serialize_entry("current-context", &self.current_context)?;
        if !self.extensions.is_empty() {
            map.serialize_entry("extensions", &Named("extension", &self.extensions))?;
        }
        map.end()
    }
}

/// A map as a list of `{name, KEY}`, in the order of names; null when it is empty.
struct Named<'a, T>(&'static str, &'a BTreeMap<String, T>);

impl<T: Serialize> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.1.is_empty() {
            return serializer.serialize_none();
        }
        let mut list = serializer.serialize_seq(Some(self.1.len()))?;
        for (name, value) in self.1 {
            list.serialize_element(&NamedItem(name, self.0, value))?;
        }
        list.end()
    }
}

struct NamedItem<'a, T>(&'a str, &'static str, &'a T);

impl<T: Serialize> Serialize for NamedItem<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("name", self.0)?;
        map.serialize_entry(self.1, self.2)?;
        map.end()
    }
}

fn extensions<S: Serializer>(map: &BTreeMap<String, Value>, serializer: S) -> Result<S::Ok, S::Error> {
    Named("extension", map).serialize(serializer)
}

fn base64_text<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// An entry of a [`Config`] that remembers the file it came from.
pub trait Entry {
    /// The file; empty for a new entry.
    fn origin(&self) -> &str;
    /// Says where the entry came from.
    fn set_origin(&mut self, file: &str);
    /// The paths in it that are relative to that file's folder. A program's name without a slash is no path.
    fn paths(&mut self) -> Vec<&mut String>;
}

impl Entry for Cluster {
    fn origin(&self) -> &str {
        &self.origin
    }
    fn set_origin(&mut self, file: &str) {
        self.origin = file.into();
    }
    fn paths(&mut self) -> Vec<&mut String> {
        vec![&mut self.certificate_authority]
    }
}

impl Entry for User {
    fn origin(&self) -> &str {
        &self.origin
    }
    fn set_origin(&mut self, file: &str) {
        self.origin = file.into();
    }
    fn paths(&mut self) -> Vec<&mut String> {
        let command = self.exec.as_mut().map(|exec| &mut exec.command).filter(|command| command.contains('/'));
        [&mut self.client_certificate, &mut self.client_key, &mut self.token_file].into_iter().chain(command).collect()
    }
}

impl Entry for Context {
    fn origin(&self) -> &str {
        &self.origin
    }
    fn set_origin(&mut self, file: &str) {
        self.origin = file.into();
    }
    fn paths(&mut self) -> Vec<&mut String> {
        Vec::new()
    }
}

impl Config {
    /// Runs `change` on every entry of every kind.
    pub fn each_entry(&mut self, mut change: impl FnMut(&mut dyn Entry)) {
        self.clusters.values_mut().for_each(|entry| change(entry));
        self.users.values_mut().for_each(|entry| change(entry));
        self.contexts.values_mut().for_each(|entry| change(entry));
    }

    /// The file as a value, as it is written.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_config_says_null() {
        assert_eq!(
            serde_json::to_string(&Config::default()).unwrap(),
            r#"{"kind":"Config","apiVersion":"v1","clusters":null,"users":null,"contexts":null,"current-context":""}"#
        );
    }

    #[test]
    fn fields_keep_kubectls_order_and_leave_out_what_is_empty() {
        let mut config = Config { current_context: "c".into(), ..Config::default() };
        config.clusters.insert(
            "one".into(),
            Cluster {
                server: "s".into(),
                certificate_authority_data: b"ABC".into(),
                proxy_url: "p".into(),
                origin: "file".into(),
                ..Cluster::default()
            },
        );
        config.users.insert(
            "u".into(),
            User {
                token_file: "t".into(),
                username: "n".into(),
                exec: Some(Exec { command: "c".into(), args: Some(vec![]), ..Exec::default() }),
                ..User::default()
            },
        );
        config.contexts.insert("c".into(), Context { cluster: "one".into(), ..Context::default() });
        config.extensions.insert("e".into(), Value::Null);
        assert_eq!(
            serde_json::to_string(&config).unwrap(),
            concat!(
                r#"{"kind":"Config","apiVersion":"v1","#,
                r#""clusters":[{"name":"one","cluster":{"server":"s","certificate-authority-data":"QUJD","proxy-url":"p"}}],"#,
                r#""users":[{"name":"u","user":{"tokenFile":"t","username":"n","#,
                r#""exec":{"command":"c","args":[],"env":null,"provideClusterInfo":false}}}],"#,
                r#""contexts":[{"name":"c","context":{"cluster":"one","user":""}}],"current-context":"c","#,
                r#""extensions":[{"name":"e","extension":null}]}"#
            )
        );
    }
}
