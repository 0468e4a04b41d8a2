//! `rollout status`: how far rollouts are, until they are through.

use super::{flags, revision, wanted};
use crate::api::Object;
use crate::commands::flags::{Flags, integer, span, switch};
use crate::commands::objects::Wanted;
use crate::commands::{Context, Exit, Failure};
use crate::ops::edit;
use crate::ops::infos::Info;
use crate::ops::observe::{self, Seen};
use crate::ops::rollout::progress::{self, Viewer};
use clap::{ArgMatches, Command};
use std::time::Duration;

/// How the command is called.
pub fn command() -> Command {
    Command::new("status")
        .about("Show the status of the rollout")
        .long_about(
            "Tell how far the newest rollout is, and each change until it is through. With --watch=false only how far it is \
             now; with --revision only as long as it is that revision that is rolled out.",
        )
        .after_help("# Until the new pods are there, for a minute at the most\nkubectl rollout status deployment/web --timeout=1m")
        .before_help("(TYPE NAME | TYPE/NAME) [flags]")
        .defer(|c| {
            c.args(flags()).args([
                integer("revision", None, "0", "The revision that must be the one that is rolled out; 0 for any."),
                span("timeout", "0s", "How long to wait; 0 for as long as it takes."),
                switch("watch", Some('w'), true, "Whether to wait until the rollout is through."),
            ])
        })
}

#[derive(Debug)]
struct Plan {
    wanted: Wanted,
    revision: i64,
    limit: Option<Duration>,
    watch: bool,
}

fn plan(matches: &ArgMatches, program: &str) -> Result<Plan, Failure> {
    let wanted = wanted(matches, program)?;
    let limit = matches.span("timeout").limit();
    Ok(Plan { wanted, revision: revision(matches)?, limit, watch: matches.on("watch") })
}

/// Tells of one rollout after the other.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches, cx.program.name())?;
    let results = cx.select(&plan.wanted)?.results(cx)?;
    if results.is_empty() {
        let nothing = format!("No resources found in {} namespace.\n", cx.namespace()?);
        cx.complain(&nothing);
    }
    let mut failures = Vec::new();
    for result in results {
        let told = result.and_then(|info| {
            edit::typed(&info.object, &info.source)?;
            tell(&info, progress::viewer(&info.mapping.gvk)?, &plan, cx)
        });
        failures.extend(told.err());
    }
    Failure::collect(failures)?;
    Ok(0)
}

/// Tells each change until the rollout is through.
fn tell(info: &Info, viewer: Viewer, plan: &Plan, cx: &mut Context) -> Result<(), Failure> {
    let (cluster, runtime) = (cx.cluster()?, cx.runtime()?);
    let mut look = |object: &Object| -> Result<Option<()>, Failure> {
        let progress = viewer(object, plan.revision).map_err(Failure::message)?;
        cx.print(&progress.text)?;
        cx.finish()?;
        Ok((progress.done || !plan.watch).then_some(()))
    };
    let told = runtime.block_on(observe::until(&cluster, info, plan.limit, |seen| match seen {
        Seen::There(object) => look(object),
        Seen::Gone => Err(Failure::message("object has been deleted")),
        Seen::Missing => Ok(None),
    }))?;
    told.ok_or_else(|| Failure::message("timed out waiting for the condition"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_and_which() {
        let planned = |line: &str| plan(&command().get_matches_from(line.split(' ')), "kubectl");
        let all = planned("status deploy/d").unwrap();
        assert!(all.watch && all.limit.is_none() && all.revision == 0);
        let once = planned("status deploy/d -w=false --timeout=2s --revision=3").unwrap();
        assert!(!once.watch && once.limit == Some(Duration::from_secs(2)) && once.revision == 3);
        let failure = planned("status deploy/d --revision=-1").unwrap_err();
        assert_eq!(failure.words(), "revision must be a positive integer: -1");
    }
}
