//! `api-versions`: the groups and versions that a server has.

use super::{Context, Exit, Failure};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("api-versions")
        .about("Print the supported API versions on the server, in the form of \"group/version\"")
        .after_help("# All groups and versions\nkubectl api-versions")
        .before_help("")
        .defer(|c| c.arg(super::flags::words()))
}

/// Prints them, sorted.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let words = super::flags::Flags::words(matches);
    if !words.is_empty() {
        return Err(Failure::Usage {
            message: format!("unexpected arguments: [{}]", words.join(" ")),
            command: "api-versions".into(),
        });
    }
    let client = cx.client()?;
    let runtime = cx.runtime()?;
    let mut versions: Vec<String> = runtime.block_on(async {
        client
            .fresh_discovery()
            .await
            .map_err(|error| Failure::message(format!("couldn't get available api versions from server: {error}")))?;
        let mapper = client.mapper().await?;
        Ok::<_, Failure>(mapper.group_versions().iter().map(ToString::to_string).collect())
    })?;
    versions.sort();
    versions.dedup();
    for version in versions {
        cx.print(&format!("{version}\n"))?;
    }
    Ok(0)
}
