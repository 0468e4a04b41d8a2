//! `delete`: objects by file, name, label or type.

use super::flags::{Flags, switch, text, words};
use super::progress::Progress;
use super::{Context, Exit, Failure, interrupted, sets};
use crate::client::{JSON, Request};
use crate::commands::manifests::Reading;
use crate::ops::delete::{self, Deleted, Options, Target};
use crate::ops::faults::{Faults, apart};
use crate::ops::options::{Cascade, DryRun, dry_run};
use crate::ops::targets::{NOTHING_NAMED, Selection, Targets};
use crate::ops::{Cluster, find, waves};
use clap::{ArgMatches, Command};
use http::Method;
use std::cell::Cell;

/// How the command is called.
pub fn command() -> Command {
    Command::new("delete")
        .about("Delete resources by file names, stdin, resources and names, or by resources and label selector")
        .long_about(
            "Delete objects that are named by files, by type and name, or by type and selector.\n\n \
             The command waits until the objects are gone; what still holds them is their finalizers. Nothing checks \
             whether somebody changed an object in the meantime: the change is lost with it.\n\n \
             With --force and a grace period of 0 a pod leaves the API at once, while its processes may go on running \
             on a node that cannot be reached.",
        )
        .after_help(
            "# What a file lists\nkubectl delete -f pod.yaml\n\n# By type and name\nkubectl delete pod,service web\n\n\
             # By label\nkubectl delete pods,services -l app=web\n\n# All of a type, after asking\nkubectl delete pods --all -i",
        )
        .before_help("([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)])")
        .defer(|c| {
            c.args(sets::files("The file, folder or URL that lists what to delete."))
                .args(sets::deletion(true))
                .args([
                    sets::selector(),
                    sets::field_selector(),
                    sets::all_namespaces(),
                    sets::dry_run(),
                    switch("all", None, false, "All objects of the types in the namespace."),
                    switch("ignore-not-found", None, false, "What is not there counts as deleted; so it is with --all and selectors."),
                    switch("interactive", Some('i'), false, "Ask before anything is deleted."),
                    switch("now", None, false, "End at once: a grace period of 1 second."),
                    text("output", Some('o'), "", "With 'name', print only resource/name."),
                    text("raw", None, "", "Send DELETE to this path of the server."),
                ])
                .arg(words())
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    targets: Option<Targets>,
    takes_types: bool,
    labels: String,
    fields: String,
    all_namespaces: bool,
    options: Options,
    forced: bool,
    ignore_not_found: bool,
    interactive: bool,
    names_only: bool,
    raw: String,
    raw_body: Option<String>,
}

fn plan(matches: &ArgMatches, program: &str) -> Result<Plan, Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    let selection = Selection {
        words: matches.words(),
        sources: super::sources(matches)?,
        labels: matches.text("selector").into(),
        fields: matches.text("field-selector").into(),
        all: matches.on("all"),
        all_namespaces: matches.on("all-namespaces"),
        type_means_all: false,
    };
    let cascade = Cascade::parse(matches.text("cascade"))?;
    let force = matches.on("force");
    let mut grace = matches.integer("grace-period");
    if matches.on("now") {
        if grace != -1 {
            return fail("--now and --grace-period cannot be specified together");
        }
        grace = 1;
    }
    // A grace period of 0 without --force is taken back to 1, as a guard against losing data.
    grace = match grace {
        0 if !force => 1,
        below if below < 0 && force => 0,
        given => given,
    };
    let raw = matches.text("raw").to_string();
    let targets = if raw.is_empty() { selection.targets(program)? } else { None };
    if !matches!(matches.text("output"), "" | "name") {
        return Err(Failure::message(format!(
            "unexpected -o output mode: {}. We only support '-o name'",
            matches.text("output")
        )));
    }
    if force && grace > 0 {
        return fail("--force and --grace-period greater than 0 cannot be specified together");
    }
    let files = matches.list("filename");
    if !raw.is_empty() {
        let remote = |file: &String| file.starts_with("http://") || file.starts_with("https://");
        match () {
            () if matches.on("interactive") => return fail("--interactive can not be used with --raw"),
            () if files.len() > 1 => return fail("--raw can only use a single local file or stdin"),
            () if files.first().is_some_and(remote) => return fail("--raw cannot read from a url"),
            () if matches.on("recursive") => return fail("--raw and --recursive are mutually exclusive"),
            () if matches.given("output") => return fail("--raw and --output are mutually exclusive"),
            () if !raw.starts_with('/') => {
                return Err(Failure::message(format!(
                    "--raw must be a valid URL path: parse {raw:?}: invalid URI for request"
                )));
            }
            () => {}
        }
    } else if targets.is_none() {
        return fail(NOTHING_NAMED);
    }
    let many = selection.all || !selection.labels.is_empty() || !selection.fields.is_empty();
    let ignore = matches.on("ignore-not-found");
    Ok(Plan {
        targets,
        takes_types: selection.takes_types(),
        labels: selection.labels,
        fields: selection.fields,
        all_namespaces: selection.all_namespaces,
        options: Options {
            cascade,
            grace_period: (grace >= 0).then_some(grace),
            dry_run: dry_run(matches.text("dry-run"))?,
            wait: matches.on("wait"),
            timeout: matches.span("timeout").limit(),
        },
        forced: force,
        ignore_not_found: if matches.given("ignore-not-found") { ignore } else { many },
        interactive: matches.on("interactive"),
        names_only: matches.text("output") == "name",
        raw,
        raw_body: files.into_iter().next(),
    })
}

/// Deletes what is named, says so, and waits until it is gone.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches, cx.program.name())?;
    let forced_now = plan.forced && plan.options.grace_period == Some(0);
    if !plan.raw.is_empty() {
        return raw(&plan, cx);
    }
    let cluster = cx.cluster()?;
    let runtime = cx.runtime()?;
    let (targets, mut faults) = runtime.block_on(find_targets(&plan, &cluster, cx))?;
    if forced_now {
        cx.warn("Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.");
    }
    if plan.interactive && !targets.is_empty() && !confirmed(&targets, cx)? {
        cx.print("deletion is cancelled\n")?;
        return Ok(0);
    }
    if cluster.enforced && !plan.all_namespaces && targets.iter().any(|target| !target.mapping.namespaced) {
        cx.warn("deleting cluster-scoped resources, not scoped to the provided namespace");
    }
    let found = targets.len();
    let mut deleted: Vec<(Target, String)> = Vec::new();
    let order = vec![0; targets.len()];
    let mut printing = Ok(());
    let mut forgiven = false;
    let names: Vec<String> = targets.iter().map(Target::key).collect();
    let progress = cx.progress();
    let left = runtime.block_on(progress.side_by_side(
        &names,
        &order,
        |index| delete::delete(&cluster, &targets[index], &plan.options),
        |index, result| match result {
            Ok(uid) => {
                let line = targets[index].said(&plan.options, plan.names_only, forced_now);
                if let Err(error) = cx.stdout().write_all(line.as_bytes()) {
                    printing = Err(Failure::from(error));
                }
                deleted.push((targets[index].clone(), uid));
            }
            Err(failure) if plan.ignore_not_found && failure.is_not_found() => forgiven = true,
            Err(failure) => faults.add_at(index, failure),
        },
        waves::interruption,
    ));
    printing?;
    let mut failures = faults.told();
    interrupted::check(&left, &names, &mut failures)?;
    match Failure::together(failures) {
        // What is left of several is shown as one of several.
        Some(failure) if forgiven => return Err(failure),
        Some(Failure::Many(failures)) => Failure::collect(failures)?,
        _ => {}
    }
    if found == 0 || (deleted.is_empty() && plan.ignore_not_found && matches!(plan.targets, Some(Targets::Types(_)))) {
        cx.print("No resources found\n")?;
        return Ok(0);
    }
    if plan.options.wait && plan.options.dry_run == DryRun::None {
        cx.finish()?;
        until_gone(&cluster, &deleted, &plan.options, &progress, cx)?;
    }
    Ok(0)
}

/// Waits until what was deleted is gone. A person is told what it waits for.
fn until_gone(
    cluster: &Cluster,
    deleted: &[Deleted],
    options: &Options,
    progress: &Progress,
    cx: &mut Context,
) -> Result<(), Failure> {
    let left = Cell::new(deleted.len());
    let waiting = delete::wait(cluster, deleted, options, |going| {
        left.set(deleted.len() - going.gone);
        progress.gone(&going, deleted.len());
    });
    cx.runtime()?.block_on(progress.during(async {
        tokio::select! {
            waited = waiting => waited,
            () = waves::interruption() => {
                let names: Vec<_> = deleted.iter().skip(deleted.len() - left.get()).map(|(target, _)| target.key()).collect();
                Err(interrupted::waiting(&names))
            }
        }
    }))
}

async fn find_targets(plan: &Plan, cluster: &Cluster, cx: &mut Context) -> Result<(Vec<Target>, Faults), Failure> {
    let target = |info: crate::ops::infos::Info| Target {
        mapping: info.mapping,
        namespace: info.namespace,
        name: info.name,
        source: info.source,
    };
    match &plan.targets {
        None => Ok((Vec::new(), Faults::default())),
        Some(Targets::Files(sources)) => {
            let reading = Reading { labels: &plan.labels, ..Reading::default() };
            let (infos, faults) = apart(cx.infos(cluster, sources, reading).await?);
            Ok((infos.into_iter().map(target).collect(), faults))
        }
        Some(Targets::Names { pairs, combined }) => find::named(cluster, pairs, *combined, plan.all_namespaces)
            .await
            .map(|infos| (infos.into_iter().map(target).collect(), Faults::default())),
        Some(Targets::Types(types)) => {
            let mappings = find::types(cluster, types).await?;
            if !plan.takes_types {
                return Err(Failure::message("resource(s) were provided, but no name was specified"));
            }
            let namespace = if plan.all_namespaces { "" } else { cluster.namespace.as_str() };
            let mut targets = Vec::new();
            for mapping in mappings {
                let names = find::metadata(cluster, &mapping, namespace, &plan.labels, &plan.fields).await?;
                targets.extend(names.into_iter().map(|(namespace, name)| Target {
                    mapping: mapping.clone(),
                    namespace,
                    name,
                    source: String::new(),
                }));
            }
            Ok((targets, Faults::default()))
        }
    }
}

fn confirmed(targets: &[Target], cx: &mut Context) -> Result<bool, Failure> {
    let mut text = format!("You are about to delete the following {} resource(s):\n", targets.len());
    for target in targets {
        text.push_str(&format!("{}/{}\n", target.kind_name(), target.name));
    }
    text.push_str("Do you want to continue? (y/N): ");
    cx.print(&text)?;
    cx.stdout().flush()?;
    let mut answer = String::new();
    cx.stdin().read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("y"))
}

/// Sends DELETE to a path, with a file as the body, and prints the answer as it comes.
fn raw(plan: &Plan, cx: &mut Context) -> Result<Exit, Failure> {
    let mut request = Request::new(Method::DELETE, &plan.raw);
    if let Some(file) = &plan.raw_body {
        request = request.content(JSON, cx.read_body(file)?);
    }
    let client = cx.client()?;
    let response = cx.block_on(async { client.send(&request).await })?;
    cx.stdout().write_all(&response.body)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(line: &str) -> Result<Plan, Failure> {
        plan(&command().get_matches_from(line.split(' ')), "kubectl")
    }

    #[test]
    fn grace_periods() {
        for (line, grace) in [
            ("delete pod a", None),
            ("delete pod a --now", Some(1)),
            ("delete pod a --grace-period=0", Some(1)),
            ("delete pod a --grace-period=0 --force", Some(0)),
            ("delete pod a --force", Some(0)),
            ("delete pod a --grace-period=5", Some(5)),
        ] {
            assert_eq!(planned(line).unwrap().options.grace_period, grace, "{line}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        for line in [
            "delete",
            "delete pod a --now --grace-period=3",
            "delete pod a --force --grace-period=3",
            "delete pod a --cascade=bogus",
            "delete pod a -o yaml",
            "delete pod --all -l a=b",
            "delete pod a --all",
            "delete --raw x",
            "delete --raw /x -i",
        ] {
            assert!(planned(line).is_err(), "{line}");
        }
    }

    #[test]
    fn selectors_forgive_what_is_not_there() {
        assert!(planned("delete pod -l a=b").unwrap().ignore_not_found);
        assert!(!planned("delete pod a").unwrap().ignore_not_found);
        assert!(!planned("delete pod --all --ignore-not-found=false").unwrap().ignore_not_found);
    }
}
