//! What `rollout pause`, `resume` and `restart` share: each changes objects in one way and sends the difference.

use super::{flags, wanted};
use crate::api::Object;
use crate::commands::flags::Flags;
use crate::commands::objects::{Wanted, side_by_side};
use crate::commands::{Context, Exit, Failure, sets};
use crate::ops::Cluster;
use crate::ops::edit::{self, Sending};
use crate::ops::infos::Info;
use crate::ops::options::DryRun;
use crate::ops::rollout::change::Change;
use clap::{ArgMatches, Command};

/// One of the commands, with the flags that all of them have.
pub fn with_flags(command: Command) -> Command {
    command
        .before_help("RESOURCE")
        .defer(|c| c.args(flags()).args(sets::output()).arg(sets::field_manager("kubectl-rollout")))
}

#[derive(Debug)]
struct Plan {
    wanted: Wanted,
    sending: Sending,
}

fn plan(matches: &ArgMatches, program: &str) -> Result<Plan, Failure> {
    let sending = Sending { manager: matches.text("field-manager").into(), ..Sending::default() };
    Ok(Plan { wanted: wanted(matches, program)?, sending })
}

/// Changes the objects; `done` is the word for it.
pub fn run(matches: &ArgMatches, cx: &mut Context, change: &Change, done: &'static str) -> Result<Exit, Failure> {
    let plan = plan(matches, cx.program.name())?;
    let cluster = cx.cluster()?;
    let (infos, faults) = cx.select(&plan.wanted)?.read(cx)?;
    if infos.is_empty() && faults.is_empty() {
        let nothing = format!("No resources found in {} namespace.\n", cluster.namespace);
        cx.complain(&nothing);
        return Ok(0);
    }
    let end = side_by_side(
        cx,
        infos.into_iter().map(Ok).collect(),
        Info::key,
        async |info| changed(&cluster, info, change, done, &plan.sending).await,
        |cx, (object, word)| {
            // Each object is printed by itself, as if it were the only one.
            cx.typed_printer(matches, done, DryRun::None)?.print_as(&object, word, cx.stdout())
        },
    );
    // All that could not be read is one of several, even when nothing else went wrong.
    let unread = faults.sum().err();
    let failures = unread.into_iter().chain(end.err().map(Failure::each).into_iter().flatten());
    Failure::together(failures.collect()).map_or(Ok(0), Err)
}

/// Changes one object. The result is the object as it is then, and the word for what was done.
async fn changed(
    cluster: &Cluster,
    info: Info,
    change: &Change,
    done: &'static str,
    sending: &Sending,
) -> Result<(Object, &'static str), Failure> {
    let before = edit::typed(&info.object, &info.source)?;
    let mut after = before.clone();
    change.apply(&mut after).map_err(|why| {
        let resource = info.mapping.gvr.group_resource();
        Failure::message(format!("error: {resource} {:?} {why}", info.name))
    })?;
    let patch = edit::strategic_difference(&before, &edit::typed(&after, "")?)?;
    if patch.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok((after, change.idle(&info.name).map_err(Failure::message)?));
    }
    match sending.strategic(cluster, &info, &patch).await {
        Ok(object) => Ok((edit::typed(&object, "")?, done)),
        Err(failure) => Err(Failure::message(format!("failed to patch: {}", failure.words()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_have_a_manager() {
        let planned =
            |line: &str| plan(&with_flags(Command::new("pause")).get_matches_from(line.split(' ')), "kubectl");
        assert_eq!(planned("pause deploy/d").unwrap().sending.manager, "kubectl-rollout");
        assert_eq!(planned("pause deploy/d --field-manager=x").unwrap().sending.manager, "x");
        assert!(planned("pause").is_err());
    }
}
