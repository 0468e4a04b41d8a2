//! `rollout status`: how far rollouts are, until they are through.

use super::{flags, revision, wanted};
use crate::api::Object;
use crate::commands::flags::{Flags, integer, span, switch};
use crate::commands::objects::Wanted;
use crate::commands::progress::Progress;
use crate::commands::{Context, Exit, Failure};
use crate::ops::Cluster;
use crate::ops::edit;
use crate::ops::faults::{Fault, Faults};
use crate::ops::infos::Info;
use crate::ops::observe::{self, Seen};
use crate::ops::rollout::Workload;
use crate::ops::rollout::progress::{self, Viewer};
use crate::ops::rollout::trouble::{self, Onlooker};
use clap::{ArgMatches, Command};
use std::cell::RefCell;
use std::convert::Infallible;
use std::future::pending;
use std::time::{Duration, Instant};

/// From when on a rollout that does not change is looked into.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How long until it is looked into again: at first, and at the most when nothing changes.
const AGAIN: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(24));

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
    let mut faults = Faults::default();
    let all = results.len();
    for (index, result) in results.into_iter().enumerate() {
        let told = result.and_then(|info| {
            edit::typed(&info.object, &info.source)?;
            let which = if all > 1 { format!("{} of {all}: ", index + 1) } else { String::new() };
            tell(&info, progress::viewer(&info.mapping.gvk).map_err(Fault::own)?, &which, &plan, cx).map_err(Fault::own)
        });
        if let Err(fault) = told {
            faults.push(fault);
        }
    }
    faults.sum().map(|()| 0)
}

/// Tells each change until the rollout is through. A person is told besides what it waits for; `which` says which of
/// several it is.
fn tell(info: &Info, viewer: Viewer, which: &str, plan: &Plan, cx: &mut Context) -> Result<(), Failure> {
    let (cluster, runtime, progress) = (cx.cluster()?, cx.runtime()?, cx.progress());
    let onlooker = match Workload::of(&info.mapping.gvk, "status", "status viewer") {
        Ok(workload) => Some(Explaining { workload, which, progress: &progress, last: RefCell::default() }),
        Err(_) => None,
    }
    .filter(|_| progress.is_on() && plan.watch);
    let mut look = |object: &Object| -> Result<Option<()>, Failure> {
        let progress = viewer(object, plan.revision).map_err(Failure::message)?;
        cx.print(&progress.text)?;
        cx.finish()?;
        if let Some(onlooker) = &onlooker {
            onlooker.note(object);
        }
        Ok((progress.done || !plan.watch).then_some(()))
    };
    let watching = observe::until(&cluster, info, plan.limit, |seen| match seen {
        Seen::There(object) => look(object),
        Seen::Gone => Err(Failure::message("object has been deleted")),
        Seen::Missing => Ok(None),
    });
    let told = runtime.block_on(progress.during(async {
        match &onlooker {
            None => watching.await,
            Some(onlooker) => tokio::select! {
                told = watching => told,
                never = onlooker.explain(&cluster) => match never {},
            },
        }
    }))?;
    told.ok_or_else(|| Failure::message("timed out waiting for the condition"))
}

/// Tells a person why a rollout is not through yet.
struct Explaining<'a> {
    workload: Workload,
    which: &'a str,
    progress: &'a Progress,
    /// The object as it was seen last, and when.
    last: RefCell<Option<(Object, Instant)>>,
}

impl Explaining<'_> {
    fn note(&self, object: &Object) {
        self.say(object, Vec::new());
        *self.last.borrow_mut() = Some((object.clone(), Instant::now()));
    }

    fn say(&self, object: &Object, of_pods: Vec<String>) {
        let how_far = trouble::how_far(object, self.workload);
        let mut why = trouble::said(object);
        why.extend(of_pods);
        self.progress.say(format!("{}{how_far}", self.which), &why.join("\n"));
    }

    /// Looks at the pods when the rollout does not go on. Who may not look at them is told no more than the status says.
    async fn explain(&self, cluster: &Cluster) -> Infallible {
        let mut onlooker = Onlooker::new(cluster, self.workload);
        let (mut pause, mut told) = (AGAIN.0, Vec::new());
        // What was looked into last, and when.
        let mut looked: Option<(Instant, Instant)> = None;
        loop {
            tokio::time::sleep(PATIENCE).await;
            let is_due = |seen: Instant| {
                let due = |(of, at): (Instant, Instant)| at.elapsed() >= if of == seen { pause } else { AGAIN.0 };
                seen.elapsed() >= PATIENCE && looked.is_none_or(due)
            };
            let Some((object, seen)) = self.last.borrow().clone().filter(|(_, seen)| is_due(*seen)) else { continue };
            let why = match onlooker.why(&object).await {
                Ok(why) => why,
                Err(failure) if failure.status().is_some_and(|status| status.code == 403) => pending().await,
                Err(_) => Vec::new(),
            };
            // It may have gone on meanwhile.
            let is_latest = self.last.borrow().as_ref().is_some_and(|(_, now)| *now == seen);
            if is_latest {
                self.say(&object, why.clone());
            }
            pause = if why == told { (pause * 2).min(AGAIN.1) } else { AGAIN.0 };
            (told, looked) = (why, Some((seen, Instant::now())));
        }
    }
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
