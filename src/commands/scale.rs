//! `scale`: set how many replicas there are.

use super::flags::{Flags, integer, span, words};
use super::objects::{Wanted, selection};
use super::{Context, Exit, Failure, sets};
use crate::api::{Object, ObjectExt, json};
use crate::client::PatchKind;
use crate::merge::merge_patch;
use crate::ops::edit::Sending;
use crate::ops::infos::Info;
use crate::ops::options::{DryRun, dry_run};
use crate::ops::record;
use crate::ops::scaling::Scaling;
use crate::ops::targets::Selection;
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("scale")
        .about("Set a new size for a deployment, replica set, or replication controller")
        .long_about(
            "Set how many replicas a deployment, replica set, stateful set or other object with a scale has.\n\n \
             With --current-replicas or --resource-version nothing is changed unless that is the number or the version \
             that the object has now.",
        )
        .after_help(
            "# Three replicas of a replica set, and of what a file names\nkubectl scale --replicas=3 rs/web\nkubectl scale --replicas=3 -f web.yaml\n\n\
             # Only when there are two now\nkubectl scale --current-replicas=2 --replicas=3 deployment/web\n\n\
             # Several at once\nkubectl scale --replicas=5 rc/one rc/two rc/three",
        )
        .before_help("[--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)")
        .defer(|c| {
            c.args(sets::files("The file, folder or URL that lists what to scale."))
                .args(sets::output())
                .args([
                    sets::all(),
                    sets::dry_run(),
                    sets::record(),
                    sets::resource_version(),
                    sets::selector(),
                    integer("current-replicas", None, "-1", "Only when there are this many replicas now; -1 for any number."),
                    integer("replicas", None, "0", "How many replicas there are to be. Required."),
                    span("timeout", "0s", "How long to wait until the replicas are there; 0 for not at all."),
                ])
                .arg(words())
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    wanted: Wanted,
    scaling: Scaling,
}

fn plan(matches: &ArgMatches, program: &str) -> Result<Plan, Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    if !matches.given("replicas") {
        return fail("required flag(s) \"replicas\" not set");
    }
    let scaling = Scaling {
        replicas: matches.integer("replicas"),
        current: matches.integer("current-replicas"),
        version: matches.text("resource-version").into(),
        dry_run: dry_run(matches.text("dry-run"))?,
        wait: matches.span("timeout").limit(),
    };
    if scaling.replicas < 0 {
        return fail("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0");
    }
    if scaling.current < -1 {
        return fail("The --current-replicas must specify an integer of -1 or greater");
    }
    let selection = Selection {
        words: matches.words(),
        sources: super::sources(matches)?,
        type_means_all: matches.on("all"),
        ..selection(matches)
    };
    Ok(Plan { wanted: Wanted::new(&selection, program)?, scaling })
}

/// Puts the number into the object as it is printed. Where other kinds keep theirs is not known.
fn with_replicas(mut object: Object, replicas: i64) -> Object {
    if matches!(object.group_version_kind().group.as_str(), "" | "apps") {
        object.put(&["spec", "replicas"], replicas);
    }
    object
}

/// Scales one object after the other: what follows one that cannot be scaled stays as it is.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches, cx.program.name())?;
    let printer = cx.printer(matches, "scaled", plan.scaling.dry_run)?;
    let selected = cx.select(&plan.wanted)?;
    let (infos, faults) = selected.read(cx)?;
    if !plan.scaling.version.is_empty() && infos.len() > 1 {
        return Err(Failure::message("cannot use --resource-version with multiple resources"));
    }
    if infos.is_empty() {
        faults.sum()?;
        return Err(Failure::message("no objects passed to scale"));
    }
    for info in infos {
        let replicas = scale(cx, &info, &plan.scaling)?;
        printer.print(&with_replicas(info.object, replicas), cx.stdout())?;
    }
    faults.sum().map(|()| 0)
}

fn scale(cx: &mut Context, info: &Info, scaling: &Scaling) -> Result<i64, Failure> {
    if scaling.dry_run == DryRun::Client {
        return Ok(scaling.replicas);
    }
    let cluster = cx.cluster()?;
    let replicas = cx.block_on(scaling.run(&cluster, info))?;
    if let Some(cause) = cx.change_cause.clone() {
        let mut noted = info.object.clone();
        record::note(&mut noted, Some(&cause));
        let patch = json::to_string(&merge_patch::diff(&info.object, &noted)).into_bytes();
        // That the cause cannot be noted does not make the change undone.
        let _ = cx.block_on(Sending::default().patch(&cluster, info, PatchKind::Merge, patch));
    }
    Ok(replicas)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn planned(line: &str) -> Result<Plan, Failure> {
        plan(&command().get_matches_from(line.split(' ')), "kubectl")
    }

    #[test]
    fn numbers_must_make_sense() {
        for (line, words) in [
            ("scale deploy a", "required flag(s) \\\"replicas\\\" not set"),
            ("scale deploy a --replicas=-1", "COUNT must be greater than or equal to 0"),
            ("scale deploy a --replicas=1 --current-replicas=-2", "must specify an integer of -1 or greater"),
        ] {
            let failure = format!("{:?}", planned(line).unwrap_err());
            assert!(failure.contains(words), "{line}: {failure}");
        }
        let plan = planned("scale deploy --all --replicas=3 --timeout=2s").unwrap();
        assert!(plan.wanted.takes_types && plan.scaling.wait.is_some() && plan.scaling.replicas == 3);
    }

    #[test]
    fn only_known_kinds_show_the_number() {
        let object = |version: &str| json!({"apiVersion": version, "kind": "X", "spec": {}});
        assert_eq!(with_replicas(object("apps/v1"), 3)["spec"]["replicas"], 3);
        assert_eq!(with_replicas(object("example.com/v1"), 3), object("example.com/v1"));
    }
}
