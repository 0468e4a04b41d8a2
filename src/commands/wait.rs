//! `wait`: until objects are as they should be.

use super::flags::{Flags, lines, span, words};
use super::objects::{Wanted, selection};
use super::printing::Printing;
use super::progress::Progress;
use super::{Context, Exit, Failure, interrupted, sets};
use crate::api::{GoDuration, Object};
use crate::ops::condition::Condition;
use crate::ops::faults::Faults;
use crate::ops::infos::Info;
use crate::ops::observe::{self, Seen};
use crate::ops::options::DryRun;
use crate::ops::targets::Selection;
use crate::ops::{Cluster, find};
use clap::{ArgMatches, Command};
use std::time::{Duration, Instant};

/// How often is looked for objects that are to be made.
const PAUSE: Duration = Duration::from_millis(500);
const WEEK: Duration = Duration::from_secs(168 * 3600);

/// How the command is called.
pub fn command() -> Command {
    Command::new("wait")
        .about("Wait for a specific condition on one or many resources")
        .long_about(
            "Wait until objects are there or gone, until a condition of their status is true, or until a path in them \
             leads to a value. Several --for are waited for one after the other; --for=create always first.",
        )
        .after_help(
            "# Until a pod is ready, and until it is not\nkubectl wait --for=condition=Ready pod/web\nkubectl wait --for=condition=Ready=false pod/web\n\n\
             # Until it runs\nkubectl wait --for=jsonpath='{.status.phase}'=Running pod/web\n\n\
             # Until it is gone, for a minute at the most\nkubectl wait --for=delete pod/web --timeout=60s",
        )
        .before_help("([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) [--for=create|--for=delete|--for condition=available|--for=jsonpath='{}'[=value]]")
        .defer(|c| {
            let files = sets::files_and_below("The file, folder or URL that lists the objects.");
            c.args(files.into_iter().filter(|arg| arg.get_id() != "kustomize"))
                .args(sets::output())
                .args([
                    sets::all(),
                    sets::all_namespaces(),
                    sets::field_selector(),
                    sets::local(),
                    sets::selector(),
                    lines("for", None, "create, delete, condition=NAME[=VALUE] or jsonpath=PATH[=VALUE]; may be repeated."),
                    span("timeout", "30s", "How long to wait; 0 looks once, below 0 waits for a week."),
                ])
                .arg(words())
        })
}

#[derive(Debug)]
struct Plan {
    wanted: Wanted,
    conditions: Vec<Condition>,
    /// How long to wait; none to look once.
    limit: Option<Duration>,
}

impl Plan {
    fn waits_for(&self, kind: fn(&Condition) -> bool) -> bool {
        self.conditions.iter().any(kind)
    }
}

fn plan(matches: &ArgMatches, program: &str) -> Result<Plan, Failure> {
    let conditions = matches.list("for").iter().map(|text| Condition::parse(text)).collect::<Result<Vec<_>, _>>()?;
    if conditions.is_empty() {
        return Err(Failure::message("unrecognized condition: []"));
    }
    let selection = Selection {
        words: matches.words(),
        sources: super::sources(matches)?,
        type_means_all: matches.on("all"),
        ..selection(matches)
    };
    let limit = match matches.span("timeout") {
        GoDuration(0) => None,
        GoDuration(below) if below < 0 => Some(WEEK),
        GoDuration(nanos) => Some(Duration::from_nanos(nanos.unsigned_abs())),
    };
    Ok(Plan { wanted: Wanted::new(&selection, program)?.latest(), conditions, limit })
}

/// Waits for one object after the other, all within one time limit.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let printer = cx.printer(matches, "condition met", DryRun::None)?;
    let plan = plan(matches, cx.program.name())?;
    let progress = cx.progress();
    let end = Instant::now() + plan.limit.unwrap_or_default();
    if plan.waits_for(|condition| matches!(condition, Condition::Created)) {
        until_created(&plan, end, &progress, cx)?;
    }
    let results = cx.select(&plan.wanted)?.results(cx)?;
    let is_for_delete = plan.waits_for(|condition| matches!(condition, Condition::Deleted));
    let nothing = results.is_empty() && !is_for_delete;
    let cluster = cx.cluster()?;
    let mut faults = Faults::default();
    let all = results.len();
    for (done, result) in results.into_iter().enumerate() {
        match result {
            Ok(info) => {
                let waiting = Waiting { cluster: &cluster, progress: &progress, done, all };
                if let Err(failure) = wait_for(&info, &plan, end, &waiting, &printer, cx) {
                    faults.add(failure);
                }
            }
            // What is not there is as good as deleted.
            Err(fault) if is_for_delete && fault.failure.is_not_found() => {}
            Err(fault) => faults.push(fault),
        }
    }
    faults.sum()?;
    if nothing { Err(Failure::message("no matching resources found")) } else { Ok(0) }
}

/// Looks for the objects until all of them are there.
fn until_created(plan: &Plan, end: Instant, progress: &Progress, cx: &mut Context) -> Result<(), Failure> {
    loop {
        let (infos, faults) = cx.select(&plan.wanted)?.read(cx)?;
        match faults.sum().map_err(Failure::first) {
            Ok(()) if !infos.is_empty() => return Ok(()),
            Err(failure) if !failure.is_not_found() => return Err(failure),
            Err(failure) => progress.say("waits for what is to be created".into(), &failure.words()),
            Ok(()) => progress.say("waits for what is to be created".into(), "there is nothing yet"),
        }
        let now = Instant::now();
        if now >= end {
            return Err(Failure::message("timed out waiting for the condition"));
        }
        cx.runtime()?.block_on(progress.during(async { tokio::time::sleep(PAUSE.min(end - now)).await }));
    }
}

/// Where objects are waited for, and how many of them were.
struct Waiting<'a> {
    cluster: &'a Cluster,
    progress: &'a Progress,
    done: usize,
    all: usize,
}

/// Waits for one object, and says of each condition that it is met.
fn wait_for(
    info: &Info,
    plan: &Plan,
    end: Instant,
    waiting: &Waiting,
    printer: &Printing,
    cx: &mut Context,
) -> Result<(), Failure> {
    if info.name.is_empty() {
        return Err(Failure::message("resource name must be provided"));
    }
    let name = || format!("{}/{}", info.mapping.gvr.resource, info.name);
    for condition in &plan.conditions {
        let runtime = cx.runtime()?;
        let met = match plan.limit {
            None => runtime.block_on(once(waiting.cluster, info, condition))?,
            Some(_) => {
                let left = end.saturating_duration_since(Instant::now());
                let met = waiting.observed(info, condition, left);
                runtime.block_on(waiting.progress.during(met))?
            }
        };
        match met {
            Some(object) => printer.print(&object, cx.stdout())?,
            None if plan.limit.is_none() => return Err(Failure::message(format!("condition not met for {}", name()))),
            None => return Err(Failure::message(format!("timed out waiting for the condition on {}", name()))),
        }
        cx.finish()?;
    }
    Ok(())
}

/// Looks once. The result is the object when it is as it should be.
async fn once(cluster: &Cluster, info: &Info, condition: &Condition) -> Result<Option<Object>, Failure> {
    match (condition, find::retrieve(cluster, info, "").await) {
        (Condition::Deleted, Err(failure)) if failure.is_not_found() => Ok(Some(info.object.clone())),
        (_, Err(failure)) => Err(failure),
        (condition, Ok(object)) => Ok(condition.is_met(&object)?.then_some(object)),
    }
}

impl Waiting<'_> {
    /// Follows the object until it is as it should be; none when the time is over.
    async fn observed(&self, info: &Info, condition: &Condition, left: Duration) -> Result<Option<Object>, Failure> {
        if matches!(condition, Condition::Created) {
            return Ok(Some(info.object.clone()));
        }
        let tell = |instead: &str| {
            let (done, all) = (self.done, self.all);
            self.progress
                .say(format!("{done} of {all} done"), &format!("{} {instead}", interrupted::named(&info.key())));
        };
        let mut last = info.object.clone();
        observe::until(self.cluster, info, Some(left), |seen| match seen {
            Seen::There(object) => {
                last = object.clone();
                let is_met = condition.is_met(object)?;
                if !is_met && self.progress.is_on() {
                    tell(&condition.instead(object));
                }
                Ok(is_met.then(|| object.clone()))
            }
            Seen::Gone | Seen::Missing if matches!(condition, Condition::Deleted) => Ok(Some(last.clone())),
            Seen::Gone => {
                tell("was deleted");
                Ok(None)
            }
            Seen::Missing => Err(find::not_found(info)),
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(line: &str) -> Result<Plan, Failure> {
        plan(&command().get_matches_from(line.split(' ')), "kubectl")
    }

    #[test]
    fn something_must_be_waited_for() {
        for (line, words) in [
            ("wait pod/p", "unrecognized condition: []"),
            ("wait pod/p --for=bogus", "unrecognized condition: \\\"bogus\\\""),
            ("wait pod/p --for=delete --for=x", "unrecognized condition: \\\"x\\\""),
        ] {
            let failure = format!("{:?}", planned(line).unwrap_err());
            assert!(failure.contains(words), "{line}: {failure}");
        }
    }

    #[test]
    fn limits_of_time() {
        for (flag, limit) in [
            ("", Some(Duration::from_secs(30))),
            (" --timeout=0", None),
            (" --timeout=1m", Some(Duration::from_secs(60))),
            (" --timeout=-1s", Some(WEEK)),
        ] {
            assert_eq!(planned(&format!("wait pod/p --for=delete{flag}")).unwrap().limit, limit, "{flag}");
        }
    }
}
