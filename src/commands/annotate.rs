//! `annotate`: set and take away annotations.

use super::flags::{Flags, switch, words};
use super::objects::{self, Wanted, listing};
use super::{Context, Exit, Failure, sets};
use crate::api::{Object, ObjectExt};
use crate::ops::Cluster;
use crate::ops::assignments::{self, Assignments};
use crate::ops::edit::Sending;
use crate::ops::infos::Info;
use crate::ops::options::{DryRun, dry_run};
use crate::ops::record::{self, CHANGE_CAUSE};
use clap::{ArgMatches, Command};

const PATH: &[&str] = &["metadata", "annotations"];

/// How the command is called.
pub fn command() -> Command {
    Command::new("annotate")
        .about("Update the annotations on a resource")
        .long_about(
            "Set and take away annotations of objects: any texts that people and programs keep with an object.\n\n \
             An annotation that has another value already is only changed with --overwrite. With --resource-version \
             nothing is changed unless that is the version that the object has now.",
        )
        .after_help(
            "# An annotation of one pod; of several values the last one counts\nkubectl annotate pod web note='front end'\n\n\
             # Another value\nkubectl annotate --overwrite pod web note='back end'\n\n\
             # Of all pods, and of what a file lists\nkubectl annotate pods --all note=checked\nkubectl annotate -f pod.yaml note=checked\n\n\
             # Take an annotation away\nkubectl annotate pod web note-",
        )
        .before_help("[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]")
        .defer(|c| {
            c.args(sets::files_and_below("The file, folder or URL that lists what to annotate."))
                .args(sets::output())
                .args([
                    sets::all(),
                    sets::all_namespaces(),
                    sets::dry_run(),
                    sets::field_manager("kubectl-annotate"),
                    sets::field_selector(),
                    sets::local(),
                    sets::record(),
                    sets::resource_version(),
                    sets::selector(),
                    switch("list", None, false, "Print the annotations."),
                    switch("overwrite", None, false, "Change annotations that have another value already."),
                ])
                .arg(words())
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    wanted: Wanted,
    changes: Assignments,
    overwrite: bool,
    list: bool,
    resource_version: String,
    sending: Sending,
}

fn plan(matches: &ArgMatches, program: &str) -> Result<Plan, Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    let sending = Sending {
        dry_run: dry_run(matches.text("dry-run"))?,
        manager: matches.text("field-manager").into(),
        ..Sending::default()
    };
    let (named, changes) = assignments::split(&matches.words(), "annotation")?;
    let changes = Assignments::read(&changes, "annotation", true)?;
    let list = matches.on("list");
    if list && !matches.text("output").is_empty() {
        return fail("--list and --output may not be specified together");
    }
    let wanted = objects::wanted(matches, program, named, sending.dry_run, "rsrc")?;
    if changes.is_empty() && !list {
        return fail("at least one annotation update is required");
    }
    let both = changes.contradictions();
    if !both.is_empty() {
        return Err(Failure::message(format!(
            "can not both modify and remove the following annotation(s) in the same command: {}",
            both.join(", ")
        )));
    }
    Ok(Plan {
        wanted,
        changes,
        overwrite: matches.on("overwrite"),
        list,
        resource_version: matches.text("resource-version").into(),
        sending,
    })
}

fn annotated(mut object: Object, plan: &Plan) -> Result<Object, Failure> {
    if !plan.overwrite {
        // What caused the last change may always be told anew.
        let refused: Vec<String> = plan
            .changes
            .overwrites(&object, PATH)
            .into_iter()
            .filter(|(key, _)| *key != CHANGE_CAUSE)
            .map(|(key, value)| format!("'{key}' already has a value ({value})"))
            .collect();
        if !refused.is_empty() {
            return Err(Failure::message(format!(
                "--overwrite is false but found the following declared annotation(s): {}",
                refused.join("; ")
            )));
        }
    }
    plan.changes.apply(&mut object, PATH);
    if !plan.resource_version.is_empty() {
        object.put(&["metadata", "resourceVersion"], plan.resource_version.as_str());
    }
    Ok(object)
}

async fn annotate(cluster: Option<&Cluster>, mut info: Info, plan: &Plan) -> Result<Object, Failure> {
    let mut before = std::mem::take(&mut info.object);
    match cluster {
        Some(cluster) if plan.sending.dry_run != DryRun::Client && !plan.list => {
            let mut after = before.clone();
            record::note(&mut after, plan.sending.cause.as_deref());
            let after = annotated(after, plan)?;
            if !plan.resource_version.is_empty() {
                // So that the version is part of the difference, and the server compares it.
                before.take_at(&["metadata", "resourceVersion"]);
            }
            plan.sending.difference(cluster, &info, &before, &after).await
        }
        _ => annotated(before, plan),
    }
}

/// Annotates the objects side by side.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let mut plan = plan(matches, cx.program.name())?;
    plan.sending.cause = cx.change_cause.clone();
    let printer = cx.printer(matches, "annotated", plan.sending.dry_run)?;
    let selected = cx.select(&plan.wanted)?;
    let single = selected.single;
    if !single && !plan.resource_version.is_empty() {
        return Err(Failure::message("--resource-version may only be used with a single resource"));
    }
    selected.each(
        cx,
        async |cluster, info| annotate(cluster, info, &plan).await,
        |cx, object| match plan.list {
            true => cx.print(&listing("annotations", &object, PATH, single)),
            false => printer.print(&object, cx.stdout()),
        },
    )?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn planned(line: &str) -> Result<Plan, Failure> {
        plan(&command().get_matches_from(line.split(' ')), "kubectl")
    }

    #[test]
    fn contradictions_are_refused() {
        for (line, words) in [
            ("annotate pod a", "at least one annotation update is required"),
            ("annotate x=1", "one or more resources must be specified as <resource> <name> or <resource>/<name>"),
            ("annotate pod a x=1 x- y=1 y-", "the following annotation(s) in the same command: x, y"),
            ("annotate pod a --list -o yaml", "--list and --output may not be specified together"),
            ("annotate pod --all -l a=b x=1", "cannot set --all and --selector at the same time"),
            ("annotate --local x=1", "one or more files must be specified as -f rsrc.yaml"),
            ("annotate pod --local x=1", "can only use local files by -f rsrc.yaml"),
            ("annotate -f a --local --dry-run=server x=1", "cannot specify --local and --dry-run=server"),
        ] {
            let failure = format!("{:?}", planned(line).unwrap_err());
            assert!(failure.contains(words), "{line}: {failure}");
        }
    }

    #[test]
    fn annotations_are_changed() {
        let object = || json!({"metadata": {"annotations": {"a": "1", "b": "2", CHANGE_CAUSE: "x"}}});
        let changed =
            annotated(object(), &planned("annotate cm c a- n=x=y kubernetes.io/change-cause=z").unwrap()).unwrap();
        assert_eq!(changed["metadata"]["annotations"], json!({"b": "2", "n": "x=y", CHANGE_CAUSE: "z"}));
        let failure = format!("{:?}", annotated(object(), &planned("annotate cm c a=5 b=6").unwrap()).unwrap_err());
        assert!(
            failure.contains("annotation(s): 'a' already has a value (1); 'b' already has a value (2)"),
            "{failure}"
        );
        let planned = planned("annotate cm c a=5 --overwrite --resource-version=7").unwrap();
        let changed = annotated(object(), &planned).unwrap();
        assert_eq!((changed.resource_version(), changed.annotation("a")), ("7", Some("5")));
    }
}
