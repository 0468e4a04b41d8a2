//! `version`: the Kubernetes level that steer is compatible with, its own version, and the server's.

use super::flags::{Flags, switch, text, words};
use super::{Context, Exit, Failure};
use crate::client::Request;
use clap::{ArgMatches, Command};
use http::Method;
use serde::{Deserialize, Serialize};

/// The kustomize that is in that kubectl.
const KUSTOMIZE: &str = "v5.8.1";
/// How many minor versions a client may be from its server (Kubernetes' version skew policy).
const SKEW: u64 = 1;

/// How the command is called.
pub fn command() -> Command {
    Command::new("version")
        .about("Print the client and server version information")
        .long_about(
            "Print which version of kubectl this program equals, and the version of the server.\n\n \
             Called as steer, its own version is printed as well.",
        )
        .after_help("# The client's version and the server's\nkubectl version\n\n# Without asking a server\nkubectl version --client -o json")
        .before_help("[flags]")
        .defer(|c| {
            c.arg(switch("client", None, false, "Only the client's version; asks no server."))
                .arg(text("output", Some('o'), "", "One of 'yaml' or 'json'."))
                .arg(words())
        })
}

#[derive(Debug, PartialEq, Eq)]
struct Plan {
    client_only: bool,
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Lines,
    Json,
    Yaml,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let words = matches.words();
    if !words.is_empty() {
        return Err(Failure::message(format!("extra arguments: [{}]", words.join(" "))));
    }
    let format = match matches.text("output") {
        "" => Format::Lines,
        "json" => Format::Json,
        "yaml" => Format::Yaml,
        _ => return Err(Failure::message("--output must be 'yaml' or 'json'")),
    };
    Ok(Plan { client_only: matches.on("client"), format })
}

/// What `-o json` prints; the order of the fields is kubectl's.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Versions {
    client_version: Build,
    kustomize_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_version: Option<Build>,
}

/// One program's version, as /version answers it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Build {
    major: String,
    minor: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    emulation_major: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    emulation_minor: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    min_compatibility_major: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    min_compatibility_minor: String,
    git_version: String,
    git_commit: String,
    git_tree_state: String,
    build_date: String,
    go_version: String,
    compiler: String,
    platform: String,
}

fn client_build() -> Build {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    Build {
        major: "1".into(),
        minor: "37".into(),
        git_version: super::KUBERNETES.into(),
        git_commit: format!("steersman-{}", env!("CARGO_PKG_VERSION")),
        git_tree_state: "clean".into(),
        build_date: "1970-01-01T00:00:00Z".into(),
        compiler: "rustc".into(),
        platform: format!("{}/{architecture}", std::env::consts::OS),
        ..Build::default()
    }
}

/// Prints the versions, the client's first: it is known even when no server answers.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let server = if plan.client_only { Ok(None) } else { server_build(cx).map(Some) };
    let versions = Versions {
        client_version: client_build(),
        kustomize_version: KUSTOMIZE,
        server_version: server.as_ref().ok().cloned().flatten(),
    };
    let text = match plan.format {
        Format::Lines => lines(&versions, cx.program.name()),
        Format::Json => serde_json::to_string_pretty(&versions).unwrap_or_default() + "\n",
        // kubectl ends its YAML with an empty line here.
        Format::Yaml => crate::yaml::to_string(&serde_json::to_value(&versions).unwrap_or_default()) + "\n",
    };
    cx.print(&text)?;
    if let Some(build) = server? {
        let warning = skew(&versions.client_version, &build);
        warning.map_err(Failure::Message)?.into_iter().for_each(|warning| cx.complain(&warning));
    }
    Ok(0)
}

fn lines(versions: &Versions, program: &str) -> String {
    let mut text = format!(
        "Client Version: {}\nKustomize Version: {}\n",
        versions.client_version.git_version, versions.kustomize_version
    );
    if program == "steer" {
        text.push_str(&format!("Steer Version: v{}\n", env!("CARGO_PKG_VERSION")));
    }
    if let Some(server) = &versions.server_version {
        text.push_str(&format!("Server Version: {}\n", server.git_version));
    }
    text
}

fn server_build(cx: &mut Context) -> Result<Build, Failure> {
    let client = cx.client()?;
    let answer = cx.block_on(async { client.json(&Request::new(Method::GET, "/version")).await })?;
    serde_json::from_value(answer)
        .map_err(|error| Failure::message(format!("unable to parse the server version: {error}")))
}

/// Warns of a server that is too old or too new for the client.
fn skew(client: &Build, server: &Build) -> Result<Option<String>, String> {
    let ours = semantic(&client.git_version).map_err(|problem| format!("client version error: {problem}"))?;
    let theirs = semantic(&server.git_version).map_err(|problem| format!("server version error: {problem}"))?;
    if ours.0 == theirs.0 && ours.1.abs_diff(theirs.1) <= SKEW {
        return Ok(None);
    }
    Ok(Some(format!(
        "Warning: version difference between client ({}.{}) and server ({}.{}) exceeds the supported minor version skew of +/-{SKEW}\n",
        ours.0, ours.1, theirs.0, theirs.1
    )))
}

/// The first two numbers of a semantic version, which may begin with a `v`; what is wrong with it in Kubernetes' words.
fn semantic(text: &str) -> Result<(u64, u64), String> {
    let bare = text.trim_start();
    let bare = bare.strip_prefix('v').unwrap_or(bare);
    // A dot counts as one between numbers only when a number follows.
    let end = bare
        .char_indices()
        .find(|(at, c)| match c {
            '.' => *at == 0 || !bare[at + 1..].starts_with(|next: char| next.is_ascii_digit()),
            c => !c.is_ascii_digit(),
        })
        .map_or(bare.len(), |(at, _)| at);
    let (numbers, extra) = bare.split_at(end);
    if numbers.is_empty() {
        return Err(format!("could not parse {text:?} as version"));
    }
    let [major, minor, patch] = numbers.split('.').collect::<Vec<_>>()[..] else {
        return Err(format!("illegal version string {text:?}"));
    };
    let number = |part: &str| match part.parse::<u64>() {
        Ok(number) if number.to_string() == part => Ok(number),
        _ => Err(format!("illegal zero-prefixed version component {part:?} in {text:?}")),
    };
    let parsed = (number(major)?, number(minor)?);
    number(patch)?;
    let (release, build) = extra.trim_end().split_once('+').unwrap_or((extra.trim_end(), "0"));
    let is_word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let is_release = release.is_empty() || release.strip_prefix('-').is_some_and(|words| words.split('.').all(is_word));
    match is_release && build.split('.').all(is_word) {
        true => Ok(parsed),
        false => Err(format!("could not parse pre-release/metadata ({extra}) in version {text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans() {
        let parse = |line: &str| plan(&command().get_matches_from(line.split(' ')));
        assert_eq!(parse("version --client").unwrap(), Plan { client_only: true, format: Format::Lines });
        assert_eq!(parse("version -o yaml").unwrap(), Plan { client_only: false, format: Format::Yaml });
        for line in ["version -o x", "version a"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn skews() {
        let warned = |version: &str| skew(&client_build(), &Build { git_version: version.into(), ..Build::default() });
        for near in ["v1.36.0", "v1.37.1+k3s1", " 1.38.2-gke.100 ", "v1.38.0-alpha.1+b.c"] {
            assert_eq!(warned(near), Ok(None), "{near}");
        }
        assert!(warned("v1.30.2").unwrap().unwrap().contains("client (1.37) and server (1.30)"));
        assert!(warned("v2.37.0").unwrap().unwrap().contains("server (2.37)"));
        for (version, problem) in [
            ("vX", "could not parse \"vX\" as version"),
            ("1.36", "illegal version string \"1.36\""),
            ("v1.36.0.1", "illegal version string \"v1.36.0.1\""),
            ("v1.036.0", "illegal zero-prefixed version component \"036\" in \"v1.036.0\""),
            ("v1.36.0_x", "could not parse pre-release/metadata (_x) in version \"v1.36.0_x\""),
            ("v1.36.0-", "could not parse pre-release/metadata (-) in version \"v1.36.0-\""),
        ] {
            assert_eq!(warned(version), Err(format!("server version error: {problem}")));
        }
    }
}
