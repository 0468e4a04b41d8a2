//! One value of a kubeconfig by its path: `clusters.NAME.server`, `current-context`. Names may have dots in them: a
//! name ends where the next part is a field.

use crate::kubeconfig::{Cluster, Config, Context, User};
use crate::ops::Failure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What is done to a value.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// It becomes this text; for bytes, the text is base64 unless `raw`.
    Set {
        /// The text.
        text: &'a str,
        /// Whether the text is the bytes themselves.
        raw: bool,
    },
    /// It is taken away.
    Unset,
}

/// A value that can be changed.
enum Field<'a> {
    Text(&'a mut String),
    Bytes(&'a mut Vec<u8>),
    Switch(&'a mut bool),
    Texts(&'a mut Vec<String>),
    /// Something that can only be taken away as a whole.
    Whole(Box<dyn FnOnce() + 'a>),
}

/// Changes the value at `path`.
pub fn change(config: &mut Config, path: &str, change: Change) -> Result<(), Failure> {
    let parts: Vec<&str> = path.split('.').collect();
    let (first, rest) = (parts[0], &parts[1..]);
    match first {
        "clusters" => in_map(&mut config.clusters, rest, path, change, cluster),
        "users" => in_map(&mut config.users, rest, path, change, user),
        "contexts" => in_map(&mut config.contexts, rest, path, change, context),
        "current-context" if rest.is_empty() => put(Field::Text(&mut config.current_context), change),
        "preferences" => match rest {
            ["colors"] => put(Field::Switch(&mut config.preferences.colors), change),
            [] => put(Field::Whole(Box::new(|| config.preferences = Default::default())), change),
            _ => unknown(path, &format!("[{{preferences api.Preferences}}] at {}", "api.Preferences")),
        },
        "extensions" if rest.is_empty() => put(Field::Whole(Box::new(|| config.extensions.clear())), change),
        "kind" | "apiVersion" if rest.is_empty() => Ok(()),
        "current-context" | "extensions" | "kind" | "apiVersion" => too_long(path),
        _ => unknown(path, "[] at api.Config"),
    }
}

fn unknown<T>(path: &str, place: &str) -> Result<T, Failure> {
    Err(Failure::message(format!("unable to parse {path} after {place}")))
}

fn too_long<T>(path: &str) -> Result<T, Failure> {
    Err(Failure::message(format!("unable to parse one or more field values of {path}")))
}

fn in_map<T: Default>(
    entries: &mut std::collections::BTreeMap<String, T>,
    parts: &[&str],
    path: &str,
    change: Change,
    field: for<'a> fn(&'a mut T, &str) -> Option<Field<'a>>,
) -> Result<(), Failure> {
    // Which parts are fields does not depend on what an entry says.
    let at = (1..parts.len()).find(|at| field(&mut T::default(), parts[*at]).is_some());
    let name = parts[..at.unwrap_or(parts.len())].join(".");
    let Some(at) = at else {
        return match change {
            Change::Unset => {
                entries.remove(&name);
                Ok(())
            }
            Change::Set { .. } => Err(Failure::message(format!("can't set a map to a value: {path}"))),
        };
    };
    if at + 1 < parts.len() {
        return too_long(path);
    }
    if matches!(change, Change::Unset) && !entries.contains_key(&name) {
        return Err(Failure::message(format!("current map key `{name}` is invalid")));
    }
    match field(entries.entry(name).or_default(), parts[at]) {
        Some(field) => put(field, change),
        None => too_long(path),
    }
}

fn put(field: Field, change: Change) -> Result<(), Failure> {
    match (field, change) {
        (Field::Text(value), Change::Set { text, .. }) => *value = text.to_string(),
        (Field::Text(value), Change::Unset) => value.clear(),
        (Field::Bytes(value), Change::Set { text, raw: true }) => *value = text.as_bytes().to_vec(),
        (Field::Bytes(value), Change::Set { text, raw: false }) => {
            *value = STANDARD.decode(text).map_err(|error| {
                let at = match error {
                    base64::DecodeError::InvalidByte(at, _) => at,
                    base64::DecodeError::InvalidLastSymbol { offset, .. } => offset,
                    _ => text.len() / 4 * 4,
                };
                Failure::message(format!("error decoding input value: illegal base64 data at input byte {at}"))
            })?;
        }
        (Field::Bytes(value), Change::Unset) => value.clear(),
        (Field::Switch(value), Change::Set { text, .. }) => {
            *value = match text {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
                "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
                _ => {
                    let message = format!("strconv.ParseBool: parsing {text:?}: invalid syntax");
                    return Err(Failure::Message(message));
                }
            };
        }
        (Field::Switch(value), Change::Unset) => *value = false,
        (Field::Texts(_), Change::Set { .. }) => return Err(Failure::message("unrecognized slice type. string")),
        (Field::Texts(value), Change::Unset) => value.clear(),
        (Field::Whole(clear), Change::Unset) => clear(),
        (Field::Whole(_), Change::Set { .. }) => {
            return Err(Failure::message("this is no single value: set the values in it"));
        }
    }
    Ok(())
}

fn cluster<'a>(entry: &'a mut Cluster, name: &str) -> Option<Field<'a>> {
    Some(match name {
        "server" => Field::Text(&mut entry.server),
        "tls-server-name" => Field::Text(&mut entry.tls_server_name),
        "insecure-skip-tls-verify" => Field::Switch(&mut entry.insecure_skip_tls_verify),
        "certificate-authority" => Field::Text(&mut entry.certificate_authority),
        "certificate-authority-data" => Field::Bytes(&mut entry.certificate_authority_data),
        "proxy-url" => Field::Text(&mut entry.proxy_url),
        "disable-compression" => Field::Switch(&mut entry.disable_compression),
        "extensions" => Field::Whole(Box::new(|| entry.extensions.clear())),
        _ => return None,
    })
}

fn user<'a>(entry: &'a mut User, name: &str) -> Option<Field<'a>> {
    Some(match name {
        "client-certificate" => Field::Text(&mut entry.client_certificate),
        "client-certificate-data" => Field::Bytes(&mut entry.client_certificate_data),
        "client-key" => Field::Text(&mut entry.client_key),
        "client-key-data" => Field::Bytes(&mut entry.client_key_data),
        "token" => Field::Text(&mut entry.token),
        "tokenFile" => Field::Text(&mut entry.token_file),
        "act-as" => Field::Text(&mut entry.impersonate),
        "act-as-uid" => Field::Text(&mut entry.impersonate_uid),
        "act-as-groups" => Field::Texts(&mut entry.impersonate_groups),
        "act-as-user-extra" => Field::Whole(Box::new(|| entry.impersonate_user_extra.clear())),
        "username" => Field::Text(&mut entry.username),
        "password" => Field::Text(&mut entry.password),
        "auth-provider" => Field::Whole(Box::new(|| entry.auth_provider = None)),
        "exec" => Field::Whole(Box::new(|| entry.exec = None)),
        "extensions" => Field::Whole(Box::new(|| entry.extensions.clear())),
        _ => return None,
    })
}

fn context<'a>(entry: &'a mut Context, name: &str) -> Option<Field<'a>> {
    Some(match name {
        "cluster" => Field::Text(&mut entry.cluster),
        "user" => Field::Text(&mut entry.user),
        "namespace" => Field::Text(&mut entry.namespace),
        "extensions" => Field::Whole(Box::new(|| entry.extensions.clear())),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(config: &mut Config, path: &str, text: &str) -> Result<(), Failure> {
        change(config, path, Change::Set { text, raw: false })
    }

    #[test]
    fn values_are_found_by_their_paths() {
        let mut config = Config::default();
        set(&mut config, "clusters.10.0.0.1.server", "https://10.0.0.1").unwrap();
        set(&mut config, "clusters.c.insecure-skip-tls-verify", "true").unwrap();
        set(&mut config, "clusters.c.certificate-authority-data", "eA==").unwrap();
        set(&mut config, "current-context", "x").unwrap();
        assert_eq!(config.clusters["10.0.0.1"].server, "https://10.0.0.1");
        assert!(config.clusters["c"].insecure_skip_tls_verify);
        assert_eq!(config.clusters["c"].certificate_authority_data, b"x");
        assert_eq!(config.current_context, "x");
        change(&mut config, "clusters.c.insecure-skip-tls-verify", Change::Unset).unwrap();
        assert!(!config.clusters["c"].insecure_skip_tls_verify);
        change(&mut config, "clusters.c", Change::Unset).unwrap();
        assert!(!config.clusters.contains_key("c"));
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for (path, text, words) in [
            ("nosuch.path", "v", "unable to parse nosuch.path after [] at api.Config"),
            ("clusters.c", "v", "can't set a map to a value"),
            ("clusters.c.server.x", "v", "unable to parse one or more field values of clusters.c.server.x"),
            ("clusters.c.insecure-skip-tls-verify", "maybe", "strconv.ParseBool: parsing \"maybe\": invalid syntax"),
            ("clusters.c.certificate-authority-data", "?", "illegal base64 data at input byte 0"),
            ("users.u.exec", "v", "no single value"),
        ] {
            let failure = format!("{:?}", set(&mut Config::default(), path, text).unwrap_err());
            assert!(failure.replace('\\', "").contains(words), "{failure}");
        }
    }
}
