//! `rollout undo`: goes back to what was rolled out before.

use super::{flags, wanted};
use crate::api::ObjectExt;
use crate::commands::flags::{Flags, integer};
use crate::commands::objects::Wanted;
use crate::commands::{Context, Exit, Failure, sets};
use crate::describe;
use crate::ops::edit;
use crate::ops::last_applied::ANNOTATION;
use crate::ops::options::{DryRun, dry_run};
use crate::ops::rollout::undo::{Undone, undo};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("undo")
        .about("Undo a previous rollout")
        .long_about("Roll out what was there before: the revision before the newest, or the one that --to-revision names.")
        .after_help("# To the one before, and to the third\nkubectl rollout undo deployment/web\nkubectl rollout undo daemonset/agent --to-revision=3")
        .before_help("(TYPE NAME | TYPE/NAME) [flags]")
        .defer(|c| {
            c.args(flags())
                .args(sets::output())
                .args([sets::dry_run(), integer("to-revision", None, "0", "The revision to go back to; 0 for the one before.")])
        })
}

#[derive(Debug)]
struct Plan {
    wanted: Wanted,
    revision: i64,
    dry_run: DryRun,
}

fn plan(matches: &ArgMatches, program: &str) -> Result<Plan, Failure> {
    let dry_run = dry_run(matches.text("dry-run"))?;
    Ok(Plan { wanted: wanted(matches, program)?, revision: matches.integer("to-revision"), dry_run })
}

/// Rolls the objects back.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches, cx.program.name())?;
    let (cluster, program) = (cx.cluster()?, cx.program.name());
    cx.select(&plan.wanted)?.each(
        cx,
        async |_, mut info| {
            info.object = edit::typed(&info.object, &info.source)?;
            let done = undo(&cluster, &info, plan.revision, plan.dry_run).await;
            Ok((info, done))
        },
        |cx, (info, done)| {
            if info.object.annotation(ANNOTATION).is_some() {
                cx.complain(&warning(&info.short(), program));
            }
            // Each object is printed by itself, as if it were the only one.
            cx.typed_printer(matches, "", plan.dry_run)?.print_as(
                &info.object,
                &said(&done?, plan.revision),
                cx.stdout(),
            )
        },
    )?;
    Ok(0)
}

fn said(done: &Undone, revision: i64) -> String {
    match done {
        Undone::RolledBack => "rolled back".into(),
        Undone::Skipped => format!("skipped rollback (current template already matches revision {revision})"),
        Undone::Would(lead, template) => format!("{lead}{}", describe::pod_template(template)),
    }
}

fn warning(object: &str, program: &str) -> String {
    format!(
        "Warning: resource {object} was previously managed with '{program} apply'. Rolling back will not update the {ANNOTATION} annotation, which may cause unexpected behavior on future '{program} apply' operations. Consider using '{program} apply' with your previous configuration file instead.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions() {
        let planned = |line: &str| plan(&command().get_matches_from(line.split(' ')), "kubectl");
        let plan = planned("undo deploy/d --to-revision=-1 --dry-run=server").unwrap();
        assert_eq!((plan.revision, plan.dry_run), (-1, DryRun::Server));
        assert!(planned("undo").is_err());
    }
}
