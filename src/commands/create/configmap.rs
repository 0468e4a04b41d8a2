//! `create configmap`.

use super::generated;
use crate::api::{Object, ObjectExt};
use crate::commands::flags::{Flags, words};
use crate::commands::{Context, Exit, Failure};
use crate::ops::pairs::{self, PairSources};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{ArgMatches, Command};
use serde_json::json;

/// How the command is called.
pub fn command() -> Command {
    Command::new("configmap")
        .alias("cm")
        .about("Create a config map from a local file, directory or literal value")
        .long_about(
            "Create a config map from files, folders of files, or values on the command line.\n\n \
             A file's name is its key unless another is given. A folder gives a key for each file in it whose name can \
             be one.",
        )
        .after_help(
            "# From the files in a folder\nkubectl create configmap settings --from-file=conf.d\n\n\
             # From one file under another key\nkubectl create configmap settings --from-file=app.conf=conf.d/prod.conf\n\n\
             # From values\nkubectl create configmap settings --from-literal=mode=fast --from-literal=level=3\n\n\
             # From a file with KEY=value lines\nkubectl create configmap settings --from-env-file=.env",
        )
        .before_help(
            "NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]",
        )
        .defer(|c| c.args(generated::flags()).args(generated::source_flags()).arg(words()))
}

fn object(name: &str, sources: &PairSources, environment: &dyn Fn(&str) -> Option<String>) -> Result<Object, Failure> {
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    for source in &sources.files {
        for (key, bytes) in pairs::files(source)? {
            add(&mut object, &key, bytes)?;
        }
    }
    for source in &sources.literals {
        let (key, value) = pairs::literal(source)?;
        add(&mut object, &key, value.into_bytes())?;
    }
    for source in &sources.env_files {
        for (key, value) in pairs::env_file(source, "config", environment)? {
            add(&mut object, &key, value.into_bytes())?;
        }
    }
    Ok(object)
}

/// Adds a key. What is no text goes into `binaryData`.
fn add(object: &mut Object, key: &str, bytes: Vec<u8>) -> Result<(), Failure> {
    if let Some(complaint) = pairs::bad_key(key) {
        return Err(Failure::message(format!("{key:?} is not a valid key name for a ConfigMap: {complaint}")));
    }
    for part in ["data", "binaryData"] {
        if object.at(&[part, key]).is_some() {
            let place = if part == "data" { "Data" } else { "BinaryData" };
            return Err(Failure::message(format!(
                "cannot add key {key:?}, another key by that name already exists in {place} for ConfigMap {:?}",
                object.name()
            )));
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) => object.put(&["data", key], text),
        Err(error) => object.put(&["binaryData", key], STANDARD.encode(error.as_bytes())),
    }
    Ok(())
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let name = generated::name(matches, "create configmap")?;
    let mut object = object(&name, &generated::sources(matches)?, &|key| cx.env(key).map(String::from))?;
    if matches.on("append-hash") {
        let hash = crate::api::content_hash::config_map(&object);
        object.put(&["metadata", "name"], format!("{name}-{hash}"));
    }
    generated::create(object, "failed to create configmap: ", matches, cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_data() {
        let sources = PairSources { literals: vec!["b=1".into(), "a=x=y".into()], ..PairSources::default() };
        let object = object("c", &sources, &|_| None).unwrap();
        assert_eq!(object["data"], json!({"a": "x=y", "b": "1"}));
    }

    #[test]
    fn bytes_become_binary_data_and_keys_are_taken_once() {
        let mut object = json!({"metadata": {"name": "c"}});
        add(&mut object, "k", vec![0xff, 0xfe]).unwrap();
        assert_eq!(object["binaryData"], json!({"k": "//4="}));
        assert!(add(&mut object, "k", b"x".to_vec()).is_err());
        assert!(add(&mut object, "bad key", b"x".to_vec()).is_err());
    }
}
