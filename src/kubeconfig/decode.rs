//! From text to a [`Config`], with the errors that Go's decoder gives for values of the wrong type.

use super::model::{AuthProvider, Cluster, Config, Context, Exec, ExecEnv, Preferences, User};
use crate::api::{Map, Value, gotext};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Why a text is no kubeconfig, in the words that follow `error loading config file "NAME": `.
type Fault = String;

const HEADER: &str = concat!(
    "couldn't get version/kind; json parse error: json: cannot unmarshal KIND into Go value of type struct ",
    r#"{ APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#
);

/// Reads a kubeconfig file's text. An empty one is an empty config.
pub fn config(text: &[u8]) -> Result<Config, Fault> {
    let value = yaml(text)?;
    let (version, kind) = header(&value)?;
    let (version, kind) = (non_empty(version, "v1"), non_empty(kind, "Config"));
    if version.matches('/').count() > 1 {
        return Err(format!("unexpected GroupVersion string: {version}"));
    }
    if version != "v1" || kind != "Config" {
        return Err(unregistered(version, kind, "k8s.io/client-go/tools/clientcmd/api/latest/latest.go:50"));
    }
    top(&Fields::of(&value, "Config"))
}

/// The `apiVersion` and `kind` of a decoded text; empty where it has none.
pub(super) fn header(value: &Value) -> Result<(&str, &str), Fault> {
    if !matches!(value, Value::Null | Value::Object(_)) {
        return Err(HEADER.replace("KIND", gotext::json_kind(value)));
    }
    let text = |key: &str| match value.get(key) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(other) => Err(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go struct field .{key} of type string",
            gotext::json_kind(other)
        )),
    };
    Ok((text("apiVersion")?, text("kind")?))
}

/// What a decoder says of a kind that it does not know; `scheme` is where the reference keeps the known ones.
pub(super) fn unregistered(version: &str, kind: &str, scheme: &str) -> Fault {
    let (kind, version) = (gotext::quote(kind), gotext::quote(version));
    format!("no kind {kind} is registered for version {version} in scheme \"{scheme}\"")
}

/// Reads YAML (or JSON, which is YAML too) as a value.
///
/// The reader is this program's own and not serde_yaml: `user: y` is a boolean to the reference, and its faults are
/// part of what scripts see.
pub(super) fn yaml(text: &[u8]) -> Result<Value, Fault> {
    crate::yaml::from_slice(text).map_err(|fault| fault.reason().to_owned())
}

/// The text of a kubeconfig file.
pub(super) fn to_yaml(config: &Config) -> Vec<u8> {
    crate::yaml::to_string(&config.to_value()).into_bytes()
}

/// The fields are read in the order of their names, as they lie in the JSON that the reference decodes: the first
/// fault in that order is the one that is told.
fn top(fields: &Fields) -> Result<Config, Fault> {
    Ok(Config {
        clusters: fields.named("clusters", "NamedCluster", "cluster", "Cluster", cluster)?,
        contexts: fields.named("contexts", "NamedContext", "context", "Context", context)?,
        current_context: fields.text("current-context")?,
        extensions: fields.extensions()?,
        preferences: fields.object("preferences", "Preferences", preferences)?.unwrap_or_default(),
        users: fields.named("users", "NamedAuthInfo", "user", "AuthInfo", user)?,
    })
}

fn preferences(fields: &Fields) -> Result<Preferences, Fault> {
    Ok(Preferences { colors: fields.boolean("colors")?, extensions: fields.extensions()? })
}

fn cluster(fields: &Fields) -> Result<Cluster, Fault> {
    Ok(Cluster {
        origin: String::new(),
        certificate_authority: fields.text("certificate-authority")?,
        certificate_authority_data: fields.bytes("certificate-authority-data")?,
        disable_compression: fields.boolean("disable-compression")?,
        extensions: fields.extensions()?,
        insecure_skip_tls_verify: fields.boolean("insecure-skip-tls-verify")?,
        proxy_url: fields.text("proxy-url")?,
        server: fields.text("server")?,
        tls_server_name: fields.text("tls-server-name")?,
    })
}

fn context(fields: &Fields) -> Result<Context, Fault> {
    Ok(Context {
        origin: String::new(),
        cluster: fields.text("cluster")?,
        extensions: fields.extensions()?,
        namespace: fields.text("namespace")?,
        user: fields.text("user")?,
    })
}

fn user(fields: &Fields) -> Result<User, Fault> {
    Ok(User {
        origin: String::new(),
        impersonate: fields.text("as")?,
        impersonate_groups: fields.texts("as-groups")?.unwrap_or_default(),
        impersonate_uid: fields.text("as-uid")?,
        impersonate_user_extra: fields.map("as-user-extra", "map[string][]string", |f, v| f.text_list(v))?,
        auth_provider: fields.object("auth-provider", "AuthProviderConfig", auth_provider)?,
        client_certificate: fields.text("client-certificate")?,
        client_certificate_data: fields.bytes("client-certificate-data")?,
        client_key: fields.text("client-key")?,
        client_key_data: fields.bytes("client-key-data")?,
        exec: fields.object("exec", "ExecConfig", exec)?,
        extensions: fields.extensions()?,
        password: fields.text("password")?,
        token: fields.text("token")?,
        token_file: fields.text("tokenFile")?,
        username: fields.text("username")?,
    })
}

fn auth_provider(fields: &Fields) -> Result<AuthProvider, Fault> {
    let config = fields.map("config", "map[string]string", |f, v| f.text_of(v))?;
    Ok(AuthProvider {
        config: fields.map.get("config").is_some_and(Value::is_object).then_some(config),
        name: fields.text("name")?,
    })
}

fn exec(fields: &Fields) -> Result<Exec, Fault> {
    let api_version = fields.text("apiVersion")?;
    let args = fields.texts("args")?;
    let command = fields.text("command")?;
    let variable = |f: &Fields| Ok(ExecEnv { name: f.text("name")?, value: f.text("value")? });
    let env = fields.list("env", "ExecEnvVar", variable)?;
    let install_hint = fields.text("installHint")?;
    let mut interactive_mode = fields.text("interactiveMode")?;
    // The default of the versions before v1 (client.authentication.k8s.io).
    if interactive_mode.is_empty() && matches!(version_of(&api_version), "v1alpha1" | "v1beta1") {
        interactive_mode = "IfAvailable".into();
    }
    let provide_cluster_info = fields.boolean("provideClusterInfo")?;
    Ok(Exec { command, args, env, api_version, install_hint, provide_cluster_info, interactive_mode })
}

fn version_of(api_version: &str) -> &str {
    api_version.strip_prefix("client.authentication.k8s.io/").unwrap_or("")
}

/// One object of the file, with what errors say about where it is.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    /// The Go type that the object is decoded into.
    owner: &'static str,
    /// The names on the way to the object, each with a point after it.
    path: &'a str,
}

impl<'a> Fields<'a> {
    /// The fields of a whole document, which is decoded into the Go type `owner`.
    pub(super) fn of(value: &'a Value, owner: &'static str) -> Self {
        static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        Self { map: value.as_object().unwrap_or(&EMPTY), owner, path: "" }
    }

    fn mismatch(&self, key: &str, value: &Value, wanted: &str) -> Fault {
        let (kind, owner, path) = (gotext::json_kind(value), self.owner, self.path);
        format!("json: cannot unmarshal {kind} into Go struct field {owner}.{path}{key} of type {wanted}")
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, key: &str) -> Result<String, Fault> {
        match self.get(key) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err(self.mismatch(key, other, "string")),
        }
    }

    fn boolean(&self, key: &str) -> Result<bool, Fault> {
        match self.get(key) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(other) => Err(self.mismatch(key, other, "bool")),
        }
    }

    fn bytes(&self, key: &str) -> Result<Vec<u8>, Fault> {
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => base64(text),
            Some(other) => Err(self.mismatch(key, other, "[]uint8")),
        }
    }

    fn texts(&self, key: &str) -> Result<Option<Vec<String>>, Fault> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Array(items)) => {
                items.iter().map(|item| self.item_text(key, item)).collect::<Result<_, _>>().map(Some)
            }
            Some(other) => Err(self.mismatch(key, other, "[]string")),
        }
    }

    fn item_text(&self, key: &str, value: &Value) -> Result<String, Fault> {
        match value {
            Value::Null => Ok(String::new()),
            Value::String(text) => Ok(text.clone()),
            other => Err(self.mismatch(key, other, "string")),
        }
    }

    fn map<T>(
        &self,
        key: &'static str,
        wanted: &str,
        read: impl Fn(&Item, &Value) -> Result<T, Fault>,
    ) -> Result<BTreeMap<String, T>, Fault> {
        match self.get(key) {
            None => Ok(BTreeMap::new()),
            Some(Value::Object(map)) => {
                let item = Item { fields: self, key };
                map.iter().map(|(name, value)| Ok((name.clone(), read(&item, value)?))).collect()
            }
            Some(other) => Err(self.mismatch(key, other, wanted)),
        }
    }

    pub(super) fn object<T>(
        &self,
        key: &str,
        owner: &'static str,
        read: impl Fn(&Fields) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Object(map)) => read(&Fields { map, owner, path: &format!("{}{key}.", self.path) }).map(Some),
            Some(other) => Err(self.mismatch(key, other, &format!("v1.{owner}"))),
        }
    }

    fn list<T>(
        &self,
        key: &str,
        owner: &'static str,
        read: impl Fn(&Fields) -> Result<T, Fault>,
    ) -> Result<Option<Vec<T>>, Fault> {
        let empty = Map::new();
        let path = format!("{}{key}.", self.path);
        let one = |item: &Value| match item {
            Value::Object(map) => read(&Fields { map, owner, path: &path }),
            Value::Null => read(&Fields { map: &empty, owner, path: &path }),
            other => Err(self.mismatch(key, other, &format!("v1.{owner}"))),
        };
        match self.get(key) {
            None => Ok(None),
            Some(Value::Array(items)) => items.iter().map(one).collect::<Result<_, _>>().map(Some),
            Some(other) => Err(self.mismatch(key, other, &format!("[]v1.{owner}"))),
        }
    }

    /// A list of `{name, KEY}` as a map. A name may stand there only once.
    fn named<T: Default>(
        &self,
        list: &str,
        item: &'static str,
        key: &str,
        owner: &'static str,
        read: impl Fn(&Fields) -> Result<T, Fault> + Copy,
    ) -> Result<BTreeMap<String, T>, Fault> {
        let one = |fields: &Fields| Ok((fields.text("name")?, fields.object(key, owner, read)?.unwrap_or_default()));
        unique(item, owner, self.list(list, item, one)?.unwrap_or_default())
    }

    fn extensions(&self) -> Result<BTreeMap<String, Value>, Fault> {
        let one =
            |fields: &Fields| Ok((fields.text("name")?, fields.map.get("extension").cloned().unwrap_or(Value::Null)));
        unique("NamedExtension", "Extension", self.list("extensions", "NamedExtension", one)?.unwrap_or_default())
    }
}

/// A value of a map: errors name the map's key.
struct Item<'a> {
    fields: &'a Fields<'a>,
    key: &'static str,
}

impl Item<'_> {
    fn text_of(&self, value: &Value) -> Result<String, Fault> {
        self.fields.item_text(self.key, value)
    }

    fn text_list(&self, value: &Value) -> Result<Vec<String>, Fault> {
        match value {
            Value::Null => Ok(Vec::new()),
            Value::Array(items) => items.iter().map(|item| self.text_of(item)).collect(),
            other => Err(self.fields.mismatch(self.key, other, "[]string")),
        }
    }
}

fn unique<T>(item: &str, kind: &str, entries: Vec<(String, T)>) -> Result<BTreeMap<String, T>, Fault> {
    let names: Vec<String> = entries.iter().map(|(name, _)| name.clone()).collect();
    let mut map = BTreeMap::new();
    for (name, value) in entries {
        if map.contains_key(&name) {
            return Err(format!(
                "error converting *[]{item} into *map[string]*api.{kind}: duplicate name {} in list: [{}]",
                gotext::quote(&name),
                names.join(" ")
            ));
        }
        map.insert(name, value);
    }
    Ok(map)
}

/// Standard base64, with line breaks allowed, and Go's word for a fault.
pub fn base64(text: &str) -> Result<Vec<u8>, Fault> {
    let clean: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    STANDARD.decode(&clean).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol { offset: at, .. } => at,
            _ => clean.len() / 4 * 4,
        };
        format!("illegal base64 data at input byte {at}")
    })
}

fn non_empty<'a>(text: &'a str, default: &'a str) -> &'a str {
    if text.is_empty() { default } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_file_reads() {
        let text = br#"
kind: Config
current-context: c
preferences: {colors: true}
extensions: [{name: e, extension: {a: 1}}]
unknown: 1
clusters:
- {name: b, cluster: {server: "http://1", certificate-authority-data: QUJD, disable-compression: true}}
contexts:
- {name: c, context: {cluster: b, user: u, namespace: ns}}
- {name: d}
users:
- name: u
  user:
    as: bob
    as-groups: [g]
    as-user-extra: {k: [v]}
    auth-provider: {name: oidc, config: {a: b}}
    exec: {command: c, apiVersion: client.authentication.k8s.io/v1beta1, env: [{name: A, value: b}]}
"#;
        let config = config(text).unwrap();
        assert_eq!(config.current_context, "c");
        assert!(config.preferences.colors);
        assert_eq!(config.clusters["b"].certificate_authority_data, b"ABC");
        assert_eq!(config.contexts["c"].namespace, "ns");
        assert_eq!(config.contexts["d"], Context::default());
        let user = &config.users["u"];
        assert_eq!(user.impersonate_user_extra["k"], ["v"]);
        let exec = user.exec.as_ref().unwrap();
        assert_eq!((exec.interactive_mode.as_str(), exec.args.as_ref()), ("IfAvailable", None));
        assert_eq!(exec.env.as_ref().unwrap()[0].value, "b");
    }

    #[test]
    fn faults_are_told_as_the_reference_tells_them() {
        for (text, fault) in [
            (
                "clusters: foo",
                "json: cannot unmarshal string into Go struct field Config.clusters of type []v1.NamedCluster",
            ),
            (
                "clusters: [{name: 1}]",
                "json: cannot unmarshal number into Go struct field NamedCluster.clusters.name of type string",
            ),
            (
                "clusters: [{name: a, cluster: {insecure-skip-tls-verify: \"true\"}}]",
                "json: cannot unmarshal string into Go struct field Cluster.clusters.cluster.insecure-skip-tls-verify of type bool",
            ),
            (
                "users: [{name: a, user: {auth-provider: {config: {id-token: 2}}}}]",
                "json: cannot unmarshal number into Go struct field AuthProviderConfig.users.user.auth-provider.config of type string",
            ),
            (
                "current-context: 1",
                "json: cannot unmarshal number into Go struct field Config.current-context of type string",
            ),
            ("clusters: [\n", "yaml: line 1: did not find expected node content"),
            (
                "contexts: [{name: b, context: {user: y}}]",
                "json: cannot unmarshal bool into Go struct field Context.contexts.context.user of type string",
            ),
            ("users: [{name: b, user: {client-key-data: \"!!\"}}]", "illegal base64 data at input byte 0"),
            (
                "apiVersion: v2",
                "no kind \"Config\" is registered for version \"v2\" in scheme \"k8s.io/client-go/tools/clientcmd/api/latest/latest.go:50\"",
            ),
            (
                "[a]",
                "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }",
            ),
            (
                "contexts: [{name: a}, {name: a}]",
                "error converting *[]NamedContext into *map[string]*api.Context: duplicate name \"a\" in list: [a a]",
            ),
        ] {
            assert_eq!(config(text.as_bytes()), Err(fault.to_owned()), "{text}");
        }
        assert_eq!(config(b""), Ok(Config::default()));
    }
}
