//! `create secret docker-registry`.

use crate::api::{Object, Value, json};
use crate::commands::create::generated;
use crate::commands::flags::{Flags, list, switch, text, words};
use crate::commands::{Context, Exit, Failure};
use crate::ops::{pairs, secrets};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{ArgMatches, Command};

const KEY: &str = ".dockerconfigjson";

/// How the command is called.
pub fn command() -> Command {
    Command::new("docker-registry")
        .about("Create a secret for use with a Docker registry")
        .long_about("Create a secret with what a node needs to fetch images from a registry that asks who wants them.")
        .after_help(
            "# For a registry of your own\nkubectl create secret docker-registry regcred --docker-server=r.example.com --docker-username=ada --docker-password=s3cret\n\n\
             # From a file that docker login wrote\nkubectl create secret docker-registry regcred --from-file=$HOME/.docker/config.json",
        )
        .before_help(
            "NAME --docker-username=user --docker-password=password --docker-email=email [--docker-server=string] [--from-file=[key=]source] [--dry-run=server|client|none]",
        )
        .defer(|c| {
            c.args(generated::flags())
                .args([
                    switch("append-hash", None, false, "Put a hash of the contents behind the name."),
                    text("docker-email", None, "", "The mail address for the registry."),
                    text("docker-password", None, "", "The password for the registry."),
                    text("docker-server", None, "https://index.docker.io/v1/", "The registry's address."),
                    text("docker-username", None, "", "The user's name for the registry."),
                    list("from-file", None, "A file with docker's configuration, or KEY=file."),
                ])
                .arg(words())
        })
}

#[derive(Debug, Default, PartialEq)]
struct Plan {
    name: String,
    files: Vec<String>,
    server: String,
    username: String,
    password: String,
    email: String,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let named = |source: String| if source.contains('=') { source } else { format!("{KEY}={source}") };
    let plan = Plan {
        name: generated::name(matches, "create secret docker-registry")?,
        files: matches.list("from-file").into_iter().map(named).collect(),
        server: matches.text("docker-server").into(),
        username: matches.text("docker-username").into(),
        password: matches.text("docker-password").into(),
        email: matches.text("docker-email").into(),
    };
    if plan.files.is_empty() && [&plan.username, &plan.password, &plan.server].iter().any(|text| text.is_empty()) {
        return Err(Failure::message(
            "either --from-file or the combination of --docker-username, --docker-password and --docker-server is required",
        ));
    }
    Ok(plan)
}

fn object(plan: &Plan) -> Result<Object, Failure> {
    let mut object = secrets::new(&plan.name, "kubernetes.io/dockerconfigjson");
    if plan.files.is_empty() {
        secrets::add(&mut object, KEY, configuration(plan).as_bytes())?;
    }
    for source in &plan.files {
        for (key, bytes) in pairs::files(source)? {
            secrets::add(&mut object, &key, &bytes)?;
        }
    }
    Ok(object)
}

/// docker's configuration, with its fields in docker's order.
fn configuration(plan: &Plan) -> String {
    let quoted = |text: &str| json::to_string(&Value::from(text));
    let auth = STANDARD.encode(format!("{}:{}", plan.username, plan.password));
    let fields = [("username", &plan.username), ("password", &plan.password), ("email", &plan.email), ("auth", &auth)];
    let entry: Vec<String> = fields
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{}:{}", quoted(name), quoted(value)))
        .collect();
    format!("{{\"auths\":{{{}:{{{}}}}}}}", quoted(&plan.server), entry.join(","))
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

    fn planned(line: &str) -> Result<Plan, Failure> {
        plan(&command().get_matches_from(line.split(' ')))
    }

    #[test]
    fn a_registry_needs_a_user_or_a_file() {
        assert!(planned("docker-registry r").is_err());
        assert!(planned("docker-registry r --docker-username=u --docker-password=p --docker-server=").is_err());
        assert_eq!(planned("docker-registry r --from-file=a,b=c").unwrap().files, [".dockerconfigjson=a", "b=c"]);
    }

    #[test]
    fn the_configuration_is_dockers() {
        let plan = planned("docker-registry r --docker-username=u --docker-password=<p>").unwrap();
        let text = "{\"auths\":{\"https://index.docker.io/v1/\":{\"username\":\"u\",\"password\":\"\\u003cp\\u003e\",\"auth\":\"dTo8cD4=\"}}}";
        assert_eq!(configuration(&plan), text);
    }
}
