//! `create secret generic`.

use crate::api::Object;
use crate::commands::create::generated;
use crate::commands::flags::{Flags, text, words};
use crate::commands::{Context, Exit, Failure};
use crate::ops::pairs::{self, PairSources};
use crate::ops::secrets;
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("generic")
        .about("Create a secret from a local file, directory, or literal value")
        .long_about("Create a secret from files, folders of files, or values on the command line.")
        .after_help(
            "# From two files\nkubectl create secret generic keys --from-file=id_ed25519 --from-file=id_ed25519.pub\n\n\
             # From values\nkubectl create secret generic login --from-literal=user=ada --from-literal=password=s3cret",
        )
        .before_help(
            "NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]",
        )
        .defer(|c| {
            c.args(generated::flags())
                .args(generated::source_flags())
                .arg(text("type", None, "", "The type of the secret."))
                .arg(words())
        })
}

fn object(
    name: &str,
    kind: &str,
    sources: &PairSources,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Object, Failure> {
    let mut object = secrets::new(name, kind);
    for source in &sources.literals {
        let (key, value) = pairs::literal(source)?;
        secrets::add(&mut object, &key, value.as_bytes())?;
    }
    for source in &sources.files {
        for (key, bytes) in pairs::files(source)? {
            secrets::add(&mut object, &key, &bytes)?;
        }
    }
    for source in &sources.env_files {
        for (key, value) in pairs::env_file(source, "secret", environment)? {
            secrets::add(&mut object, &key, value.as_bytes())?;
        }
    }
    Ok(object)
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let name = generated::name(matches, "create secret generic")?;
    let sources = generated::sources(matches)?;
    let mut object = object(&name, matches.text("type"), &sources, &|key| cx.env(key).map(String::from))?;
    if matches.on("append-hash") {
        secrets::append_hash(&mut object);
    }
    generated::create(object, "failed to create secret ", matches, cx)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_encoded() {
        let sources = PairSources { literals: vec!["a=b".into()], ..PairSources::default() };
        let secret = object("s", "x", &sources, &|_| None).unwrap();
        assert_eq!((&secret["data"], &secret["type"]), (&json!({"a": "Yg=="}), &json!("x")));
        let twice = PairSources { literals: vec!["a=b".into(), "a=c".into()], ..PairSources::default() };
        assert!(object("s", "", &twice, &|_| None).is_err());
    }
}
