//! `label`: set and take away labels.

use super::flags::{Flags, switch, words};
use super::objects::{self, Wanted, listing};
use super::{Context, Exit, Failure, sets};
use crate::api::{Object, ObjectExt, names};
use crate::ops::Cluster;
use crate::ops::assignments::{self, Assignments, Changed};
use crate::ops::edit::Sending;
use crate::ops::infos::Info;
use crate::ops::options::{DryRun, dry_run};
use crate::ops::record;
use clap::{ArgMatches, Command};

const PATH: &[&str] = &["metadata", "labels"];

/// How the command is called.
pub fn command() -> Command {
    Command::new("label")
        .about("Update the labels on a resource")
        .long_about(
            "Set and take away labels of objects.\n\n \
             A key has at most 63 letters, digits, '-', '_' and '.', begins and ends with a letter or digit, and may \
             have a DNS name and a slash before it, such as example.com/app. The same goes for a value, which may also \
             be empty.\n\n \
             A label that has another value already is only changed with --overwrite. With --resource-version nothing \
             is changed unless that is the version that the object has now.",
        )
        .after_help(
            "# A label of one pod\nkubectl label pod web tier=front\n\n# Another value\nkubectl label --overwrite pod web tier=back\n\n\
             # Of all pods, and of what a file lists\nkubectl label pods --all checked=yes\nkubectl label -f pod.yaml checked=yes\n\n\
             # Take a label away\nkubectl label pod web tier-\n\n# Only look\nkubectl label pod web --list",
        )
        .before_help("[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]")
        .defer(|c| {
            c.args(sets::files("The file, folder or URL that lists what to label."))
                .args(sets::output())
                .args([
                    sets::all(),
                    sets::all_namespaces(),
                    sets::dry_run(),
                    sets::field_manager("kubectl-label"),
                    sets::field_selector(),
                    sets::local(),
                    sets::record(),
                    sets::resource_version(),
                    sets::selector(),
                    switch("list", None, false, "Print the labels."),
                    switch("overwrite", None, false, "Change labels that have another value already."),
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
    let (named, changes) = assignments::split(&matches.words(), "label")?;
    let changes = read(&changes)?;
    let list = matches.on("list");
    if list && !matches.text("output").is_empty() {
        return fail("--list and --output may not be specified together");
    }
    let wanted = objects::wanted(matches, program, named, sending.dry_run, "pod")?;
    if changes.is_empty() && !list {
        return fail("at least one label update is required");
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

fn read(changes: &[String]) -> Result<Assignments, Failure> {
    for change in changes.iter().filter(|change| change.contains('=')) {
        let Some((_, value)) = change.split_once('=').filter(|(_, value)| !value.contains('=')) else {
            return Err(Failure::message(format!("invalid label spec: {change}")));
        };
        let complaints = names::label_value(value);
        if !complaints.is_empty() {
            return Err(Failure::message(format!("invalid label value: {change:?}: {}", complaints.join(";"))));
        }
    }
    let changes = Assignments::read(changes, "label", true)?;
    if !changes.contradictions().is_empty() {
        return Err(Failure::message("can not both modify and remove a label in the same command"));
    }
    Ok(changes)
}

/// What became of one object.
#[derive(Debug, PartialEq)]
struct Labeled {
    object: Object,
    operation: &'static str,
    /// Labels that were to go and are not there.
    missing: Vec<String>,
}

fn relabel(mut object: Object, plan: &Plan) -> Result<Labeled, Failure> {
    if !plan.overwrite {
        let refused =
            |(key, value)| Failure::message(format!("'{key}' already has a value ({value}), and --overwrite is false"));
        Failure::collect(plan.changes.overwrites(&object, PATH).into_iter().map(refused).collect())?;
    }
    let missing = plan.changes.remove.iter().filter(|key| object.label(key).is_none()).cloned().collect();
    let changed = plan.changes.apply(&mut object, PATH);
    if !plan.resource_version.is_empty() {
        object.put(&["metadata", "resourceVersion"], plan.resource_version.as_str());
    }
    Ok(Labeled { object, operation: operation(&changed), missing })
}

const UNCHANGED: &str = "not labeled";

fn operation(changed: &Changed) -> &'static str {
    match (changed.set.is_empty(), changed.removed.is_empty()) {
        (false, false) => "modified",
        (false, true) => "labeled",
        (true, false) => "unlabeled",
        (true, true) => UNCHANGED,
    }
}

async fn label(cluster: Option<&Cluster>, mut info: Info, plan: &Plan) -> Result<Labeled, Failure> {
    let mut before = std::mem::take(&mut info.object);
    let mut labeled = relabel(before.clone(), plan)?;
    match cluster {
        Some(cluster) if plan.sending.dry_run != DryRun::Client && !plan.list => {
            if labeled.operation != UNCHANGED {
                if !plan.resource_version.is_empty() {
                    // So that the version is part of the difference, and the server compares it.
                    before.take_at(&["metadata", "resourceVersion"]);
                }
                record::note(&mut labeled.object, plan.sending.cause.as_deref());
                plan.sending.difference(cluster, &info, &before, &labeled.object).await?;
            }
        }
        _ => labeled.missing.clear(),
    }
    Ok(labeled)
}

/// Labels the objects side by side.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let mut plan = plan(matches, cx.program.name())?;
    plan.sending.cause = cx.change_cause.clone();
    cx.printer(matches, "", plan.sending.dry_run)?;
    let selected = cx.select(&plan.wanted)?;
    let single = selected.single;
    if !single && !plan.resource_version.is_empty() {
        return Err(Failure::message("--resource-version may only be used with a single resource"));
    }
    selected.each(
        cx,
        async |cluster, info| label(cluster, info, &plan).await,
        |cx, labeled| {
            for key in &labeled.missing {
                cx.print(&format!("label {key:?} not found.\n"))?;
            }
            if plan.list {
                return cx.print(&listing("labels", &labeled.object, PATH, single));
            }
            // Each object has a printer of its own: no line parts them.
            let printer = cx.printer(matches, labeled.operation, plan.sending.dry_run)?;
            printer.print(&labeled.object, cx.stdout())
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
            ("label pod a", "at least one label update is required"),
            ("label x=1", "one or more resources must be specified as <resource> <name> or <resource>/<name>"),
            ("label pod a x=1 b", "all resources must be specified before label changes: b"),
            ("label pod a x=1=2", "invalid label spec: x=1=2"),
            ("label pod a x=1 x-", "can not both modify and remove a label in the same command"),
            ("label pod a x=-", "invalid label value: \\\"x=-\\\""),
            ("label pod a --list -o yaml", "--list and --output may not be specified together"),
            ("label pod --all -l a=b x=1", "cannot set --all and --selector at the same time"),
            ("label pod --all --field-selector=a=b x=1", "cannot set --all and --field-selector"),
            ("label --local x=1", "one or more files must be specified as -f pod.yaml"),
            ("label pod --local x=1", "can only use local files by -f pod.yaml"),
            ("label -f a --local --dry-run=server x=1", "cannot specify --local and --dry-run=server"),
        ] {
            let failure = format!("{:?}", planned(line).unwrap_err());
            assert!(failure.contains(words), "{line}: {failure}");
        }
    }

    #[test]
    fn all_means_types_only_where_no_name_is() {
        let wanted = planned("label pods --all x=1").unwrap().wanted;
        assert!(wanted.takes_types && wanted.latest && !wanted.local);
        assert!(planned("label pods a --all x=1").is_ok());
        assert!(!planned("label pods x=1").unwrap().wanted.takes_types);
    }

    #[test]
    fn labels_are_changed() {
        for (line, labels, operation, missing) in [
            ("label cm a x=1", json!({"x": "1", "y": "2"}), "not labeled", 0),
            ("label cm a z=1", json!({"x": "1", "y": "2", "z": "1"}), "labeled", 0),
            ("label cm a y-", json!({"x": "1"}), "unlabeled", 0),
            ("label cm a y- z=1 nosuch-", json!({"x": "1", "z": "1"}), "modified", 1),
            ("label cm a x=5 --overwrite", json!({"x": "5", "y": "2"}), "labeled", 0),
        ] {
            let object = json!({"metadata": {"labels": {"x": "1", "y": "2"}}});
            let labeled = relabel(object, &planned(line).unwrap()).unwrap();
            assert_eq!(labeled.object["metadata"]["labels"], labels, "{line}");
            assert_eq!((labeled.operation, labeled.missing.len()), (operation, missing), "{line}");
        }
        let object = json!({"metadata": {"labels": {"x": "1", "y": "2"}}});
        let failure = relabel(object, &planned("label cm a x=5 y=6").unwrap()).unwrap_err();
        assert!(matches!(failure, Failure::Many(list) if list.len() == 2));
    }
}
