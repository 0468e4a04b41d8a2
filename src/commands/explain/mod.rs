//! `explain`: the documentation of a type and its fields, from the server's OpenAPI documents.

mod v2;
mod v3;
mod wrap;

use super::flags::{Flags, integer, switch, text, words};
use super::{Context, Exit, Failure};
use crate::api::{GroupVersion, GroupVersionResource, ObjectExt, Value};
use crate::client::{self, Client, JSON, Request};
use crate::expr::jsonpath::{JsonPath, NoField};
use clap::{ArgMatches, Command};
use http::Method;

/// How the command is called.
pub fn command() -> Command {
    Command::new("explain")
        .about("Get documentation for a resource")
        .long_about(
            "Print what a type is, and its fields with their types, as the server documents them.\n\n \
             A field is named by the type and the way to it: TYPE.FIELD[.FIELD]",
        )
        .after_help(
            "# A type and its fields\nkubectl explain pods\n\n# One field\nkubectl explain pods.spec.containers\n\n\
             # All fields of all fields, two levels deep\nkubectl explain pods --recursive --max-depth=2\n\n\
             # Another version\nkubectl explain hpa --api-version=autoscaling/v1\n\n\
             # The older format\nkubectl explain deployment --output=plaintext-openapiv2",
        )
        .before_help(
            "TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group] [-o|--output=plaintext|plaintext-openapiv2]",
        )
        .defer(|c| {
            c.args([
                text("api-version", None, "", "The version of the type, as GROUP/VERSION."),
                integer("max-depth", None, "0", "With --recursive: how many levels of fields to print; 0 for all."),
                text("output", Some('o'), PLAINTEXT, "plaintext or plaintext-openapiv2."),
                switch("recursive", Some('R'), false, "Print the fields of fields too, without what they mean."),
                words(),
            ])
        })
}

const PLAINTEXT: &str = "plaintext";
const PLAINTEXT_V2: &str = "plaintext-openapiv2";

/// How deep fields are listed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Depth {
    /// One level, each field with what it means.
    Flat,
    /// The fields of fields too, to this level; 0 for all levels.
    Levels(usize),
}

impl Depth {
    /// Whether the fields of a field at `level`, counted from one, are listed.
    fn goes_below(self, level: usize) -> bool {
        match self {
            Depth::Flat => false,
            Depth::Levels(most) => most == 0 || level < most,
        }
    }
}

/// What is to be told of a type.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The way to the field; empty for the type itself.
    pub fields: Vec<String>,
    /// How deep.
    pub depth: Depth,
}

struct Plan {
    path: String,
    api_version: String,
    format: String,
    depth: Depth,
}

fn plan(matches: &ArgMatches, program: &str) -> Result<Plan, Failure> {
    let fail = |text: String| Err(Failure::Message(text));
    let (words, levels, recursive) = (matches.words(), matches.integer("max-depth"), matches.on("recursive"));
    let [path] = words.as_slice() else {
        return fail(match words.is_empty() {
            true => format!(
                "You must specify the type of resource to explain. Use \"{program} api-resources\" for a complete list of supported resources."
            ),
            false => "We accept only this format: explain RESOURCE".into(),
        });
    };
    if levels > 0 && !recursive {
        return fail("--max-depth requires --recursive".into());
    }
    if levels < 0 {
        return fail("--max-depth must be non-negative".into());
    }
    Ok(Plan {
        path: path.clone(),
        api_version: matches.text("api-version").into(),
        format: matches.text("output").into(),
        depth: if recursive { Depth::Levels(usize::try_from(levels).unwrap_or(0)) } else { Depth::Flat },
    })
}

/// Finds the type and prints what the server says of it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let client = cx.client()?;
    let plan = plan(matches, cx.program.name())?;
    let runtime = cx.runtime()?;
    let (text, end) = runtime.block_on(explain(&client, &plan))?;
    cx.print(&text)?;
    end.map(|()| 0).map_err(Failure::Message)
}

/// The documentation; with what went wrong while it was written.
async fn explain(client: &Client, plan: &Plan) -> Result<(String, Result<(), String>), Failure> {
    let (mut resource, fields) = match plan.api_version.as_str() {
        "" => by_prefix(client, &plan.path).await?,
        _ => by_name(client, &plan.path).await?,
    };
    let asked = Asked { fields, depth: plan.depth };
    let mut text = String::new();
    let index = match plan.format.as_str() {
        PLAINTEXT_V2 => None,
        format => match read(client, "/openapi/v3").await {
            Ok(index) => Some(index),
            Err(_) if format == PLAINTEXT => None,
            Err(failure) => return Err(failure.within("failed to fetch list of groupVersions")),
        },
    };
    let Some(index) = index else {
        let mut kind = client.resource(&resource.group_resource()).await?.gvk;
        if !plan.api_version.is_empty() {
            kind = group_version(&plan.api_version)?.with_kind(&kind.kind);
        }
        let document = read(client, "/openapi/v2").await?;
        let end = v2::render(&document, &kind, &asked, &mut text);
        return Ok((text, end));
    };
    if !plan.api_version.is_empty() {
        resource = group_version(&plan.api_version)?.with_resource(&resource.resource);
    }
    let document = document(client, &index, &resource).await?;
    if plan.format != PLAINTEXT {
        return Err(Failure::Message(format!("unrecognized format: {}", plan.format)));
    }
    let end = v3::render(&document, &resource, &asked, &mut text);
    Ok((text, end))
}

/// The OpenAPI 3 document that has a resource.
async fn document(client: &Client, index: &Value, resource: &GroupVersionResource) -> Result<Value, Failure> {
    let version = resource.group_version().root();
    let version = version.trim_start_matches('/');
    let Some(entry) = index.at(&["paths", version]) else {
        return Err(Failure::Message(format!("couldn't find resource for \"{resource}\"")));
    };
    let document = read(client, entry.text(&["serverRelativeURL"])).await;
    document.map_err(|failure| failure.within(&format!("failed to fetch openapi schema for {version}")))
}

/// Reads a document; the server calls the list of them plain text.
async fn read(client: &Client, path: &str) -> Result<Value, Failure> {
    let response = client.send(&Request::new(Method::GET, path).accept(JSON)).await?;
    serde_json::from_slice(&response.body).map_err(|error| Failure::Message(error.to_string()))
}

fn group_version(text: &str) -> Result<GroupVersion, Failure> {
    match text.matches('/').count() {
        0 | 1 => Ok(GroupVersion::parse(text)),
        _ => Err(Failure::Message(format!("unexpected GroupVersion string: {text}"))),
    }
}

/// The parts of a path, fields or not.
fn parts(path: &str) -> Result<Vec<Result<String, NoField>>, Failure> {
    let path = path.strip_suffix('.').unwrap_or(path);
    let parts = JsonPath::parse(&format!("{{.{path}}}")).and_then(|path| {
        let parts = path.fields()?;
        Ok(parts.into_iter().map(|part| part.map(str::to_owned)).collect::<Vec<_>>())
    });
    parts.map_err(|error| Failure::Message(error.to_string()))
}

/// The resource that a path begins with, and the parts after it.
fn split(path: &str) -> Result<(String, Vec<Result<String, NoField>>), Failure> {
    let mut parts = parts(path)?.into_iter();
    match parts.next() {
        Some(Ok(resource)) if resource.is_empty() => {
            Err(Failure::message("a resource must be present, got: /, Resource="))
        }
        Some(Ok(resource)) => Ok((resource, parts.collect())),
        _ => Err(no_field("first node must be field node")),
    }
}

fn all_fields(parts: Vec<Result<String, NoField>>, rule: &str) -> Result<Vec<String>, Failure> {
    parts.into_iter().collect::<Result<_, _>>().map_err(|NoField| no_field(rule))
}

fn no_field(rule: &str) -> Failure {
    Failure::Message(format!("invalid jsonpath syntax, {rule}"))
}

/// kubectl says without `error:` that there is no such type.
fn not_served(error: client::Error) -> Failure {
    match error {
        client::Error::Map(error) => Failure::Plain(error.to_string()),
        error => error.into(),
    }
}

async fn by_name(client: &Client, path: &str) -> Result<(GroupVersionResource, Vec<String>), Failure> {
    let (name, rest) = split(path)?;
    let resource = client.resource(&name).await.map_err(not_served)?.gvr;
    Ok((resource, all_fields(rest, "all nodes must be field nodes")?))
}

/// Takes as much of the path as can be the resource's name with its group: `deployments.apps.spec`.
async fn by_prefix(client: &Client, path: &str) -> Result<(GroupVersionResource, Vec<String>), Failure> {
    let (name, mut rest) = split(path)?;
    let resources = client.resources_named(&name).await.map_err(not_served)?;
    let mut found = None;
    for resource in &resources {
        if let Some(suffix) = path.strip_prefix(&resource.group_resource()) {
            rest = if suffix.is_empty() { Vec::new() } else { parts(suffix)?.into_iter().skip(1).collect() };
            found = Some(resource);
            break;
        }
    }
    let Some(resource) = found.or(resources.first()) else {
        return Err(no_field("first node must be field node"));
    };
    Ok((resource.clone(), all_fields(rest, "first node must be field node")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(line: &str) -> Result<Plan, String> {
        let matches = command().try_get_matches_from(line.split(' ')).map_err(|error| error.to_string())?;
        plan(&matches, "kubectl").map_err(|failure| failure.words())
    }

    #[test]
    fn plans() {
        let plan = planned("explain pods.spec -R --max-depth=3 --api-version v1").unwrap();
        assert_eq!((plan.path.as_str(), plan.api_version.as_str(), plan.depth), ("pods.spec", "v1", Depth::Levels(3)));
        assert_eq!(planned("explain pods").unwrap().depth, Depth::Flat);
        for (line, complaint) in [
            ("explain a b", "We accept only this format: explain RESOURCE"),
            ("explain a --max-depth=1", "--max-depth requires --recursive"),
            ("explain a --max-depth=-1", "--max-depth must be non-negative"),
        ] {
            assert_eq!(planned(line).err().as_deref(), Some(complaint));
        }
    }

    #[test]
    fn paths_have_fields() {
        let names = |path: &str| split(path).map_err(|failure| failure.words());
        assert_eq!(names("pods.spec.").unwrap(), ("pods".into(), vec![Ok("spec".into())]));
        assert_eq!(names("pods[0].x").unwrap(), ("pods".into(), vec![Err(NoField), Ok("x".into())]));
        for (path, complaint) in [
            ("*", "invalid jsonpath syntax, first node must be field node"),
            ("a}{b", "must pass in 1 jsonpath string"),
            ("a{", "unrecognized character in action: U+007B '{'"),
        ] {
            assert_eq!(names(path).err().as_deref(), Some(complaint), "{path}");
        }
    }
}
