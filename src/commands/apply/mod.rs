//! `apply`: make the cluster what the manifests say.

mod edit_last_applied;
mod pruning;
mod set_last_applied;
mod view_last_applied;

use super::flags::{Flags, lines, switch, text, words};
use super::offline::{self, Trial};
use super::printing::Printing;
use super::{Context, Entry, Exit, Failure, interrupted, leaf, sets};
use crate::api::ObjectExt;
use crate::commands::manifests::Reading;
use crate::manifest::Sources;
use crate::ops::apply::{self, Applied, Options, Warnings};
use crate::ops::faults::apart;
use crate::ops::infos::Info;
use crate::ops::options::{Cascade, DryRun, Validation, dry_run};
use crate::ops::{Cluster, conflicts, definitions, delete, prune, record, server_side, waves};
use clap::{ArgMatches, Command};
use pruning::{Prune, Pruner, Visited};
use std::collections::BTreeSet;

/// The commands below it.
pub static BELOW: &[Entry] = &[
    leaf(edit_last_applied::command, edit_last_applied::run),
    leaf(set_last_applied::command, set_last_applied::run),
    leaf(view_last_applied::command, view_last_applied::run),
];

/// How the command is called.
pub fn command() -> Command {
    Command::new("apply")
        .about("Apply a configuration to a resource by file name or stdin")
        .long_about(
            "Create the objects that the manifests list, or change those that are there already until they are what \
             the manifests say. What a manifest does not mention is left alone; what it mentioned at the last apply and \
             does no longer is taken away.\n\n \
             With --server-side the server keeps the account of who set which field, and refuses to change what \
             another manager set.",
        )
        .after_help(
            "# A file, a folder, or what another program prints\nkubectl apply -f pod.yaml\nkubectl apply -f manifests/\ngenerate | kubectl apply -f -\n\n\
             # See what would happen\nkubectl apply -f pod.yaml --dry-run=server\nkubectl diff -f pod.yaml\n\n\
             # Have the server merge\nkubectl apply --server-side -f pod.yaml",
        )
        .before_help("(-f FILENAME | -k DIRECTORY)")
        .defer(|c| {
            let offline = sets::offline(&c);
            c.args(sets::files("The file, folder or URL with the objects to apply."))
                .args(sets::output())
                .args(sets::deletion(false))
                .args([
                    sets::selector(),
                    sets::dry_run(),
                    offline,
                    sets::field_manager("kubectl-client-side-apply"),
                    sets::record(),
                    sets::validate(),
                    sets::subresource(),
                    switch("all", None, false, "With --prune: all objects may be pruned."),
                    switch("force-conflicts", None, false, "With --server-side: take over fields that others manage."),
                    switch("openapi-patch", None, true, "Use what the server says of its types to make patches."),
                    switch("overwrite", None, true, "The manifest wins over changes that others made to its fields."),
                    switch("prune", None, false, "Delete what was applied before and is not in the manifests any more."),
                    text("applyset", None, "", "The object that remembers what belongs together.").hide(true),
                    lines("prune-allowlist", None, "GROUP/VERSION/KIND that may be pruned; may be repeated."),
                    switch("server-side", None, false, "Have the server merge."),
                ])
                .arg(words())
        })
}

const TOO_LONG: &str = "\
Client-side apply keeps the whole manifest in an annotation, and all annotations of an object together may have 262,144 \
bytes. Apply it with --server-side, which keeps no copy; or create it once and replace it from then on.";

#[derive(Debug)]
struct Plan {
    sources: Sources,
    labels: String,
    options: Options,
    /// Whether no server is asked.
    offline: bool,
    server_side: Option<server_side::Options>,
    /// What is deleted afterwards.
    prune: Option<Prune>,
    deletion: delete::Options,
    /// Whether the objects are printed as a whole at the end, not a line each.
    whole: bool,
}

fn plan(matches: &ArgMatches, program: &'static str, applysets: bool) -> Result<Plan, Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    super::no_words(matches, "apply")?;
    let dry_run = dry_run(matches.text("dry-run"))?;
    let sources = super::required_sources(matches)?;
    let validation = Validation::parse(matches.text("validate"))?;
    let cascade = Cascade::parse(matches.text("cascade"))?;
    let server_side = matches.on("server-side");
    let (force, prune) = (matches.on("force"), matches.on("prune"));
    let labels = matches.text("selector").to_string();
    if matches.given("applyset") && !applysets {
        return Err(Failure::Flags { message: "unknown flag: --applyset".into(), command: "apply".into() });
    }
    let set = matches.text("applyset");
    let allowlist = if prune { prune::allowlist(&matches.list("prune-allowlist"))? } else { Vec::new() };
    match () {
        () if matches.on("force-conflicts") && !server_side => {
            return fail("--force-conflicts only works with --server-side");
        }
        () if dry_run == DryRun::Client && server_side => {
            return fail("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)");
        }
        () if server_side && force => return fail("--force cannot be used with --server-side"),
        () if dry_run == DryRun::Server && force => return fail("--dry-run=server cannot be used with --force"),
        () if matches.on("all") && !labels.is_empty() => {
            return fail("cannot set --all and --selector at the same time");
        }
        () if !set.is_empty() && !prune => return fail("--applyset requires --prune"),
        () if prune && force => return fail("--force cannot be used with --prune"),
        () if !set.is_empty() && matches.on("all") => return fail("--all is incompatible with --applyset"),
        () if !set.is_empty() && !labels.is_empty() => return fail("--selector is incompatible with --applyset"),
        () if !set.is_empty() && !allowlist.is_empty() => {
            return fail("--prune-allowlist is incompatible with --applyset");
        }
        () if !set.is_empty() => {}
        () if prune && !matches.on("all") && labels.is_empty() => {
            return fail(
                "all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you did not mean to prune all resources, specify a label selector",
            );
        }
        () if prune && server_side => {
            return fail("--prune is in alpha and doesn't currently work on objects created by server-side apply");
        }
        () => {}
    }
    if !matches.text("subresource").is_empty() && !server_side {
        return fail("--subresource can only be specified for --server-side");
    }
    let manager = match (matches.given("field-manager"), server_side) {
        (false, true) => server_side::MANAGER.to_string(),
        _ => matches.text("field-manager").to_string(),
    };
    let grace = matches.integer("grace-period");
    Ok(Plan {
        sources,
        offline: offline::asked(matches, dry_run, &["prune"])?,
        prune: prune.then(|| match set {
            "" => Prune::Listed { allowlist, labels: labels.clone() },
            set => Prune::Set(set.into()),
        }),
        deletion: delete::Options {
            cascade,
            grace_period: (grace >= 0).then_some(grace),
            dry_run,
            wait: false,
            timeout: None,
        },
        labels,
        server_side: server_side.then(|| server_side::Options {
            manager: manager.clone(),
            force: matches.on("force-conflicts"),
            dry_run,
            validation,
            subresource: matches.text("subresource").to_string(),
        }),
        options: Options { dry_run, validation, manager, overwrite: matches.on("overwrite"), force, program },
        whole: !matches!(matches.text("output"), "" | "name"),
    })
}

/// Applies the objects side by side and says what became of each, in the order of the input.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let applysets = cx.env("KUBECTL_APPLYSET").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let plan = plan(matches, cx.program.name(), applysets)?;
    let printer = cx.printer(matches, "", plan.options.dry_run)?;
    if plan.offline {
        return offline(&plan, &printer, cx);
    }
    let cluster = cx.cluster()?;
    let runtime = cx.runtime()?;
    let mut pruner = match &plan.prune {
        Some(prune) => Some(runtime.block_on(Pruner::new(&cluster, prune))?),
        None => None,
    };
    let reading = Reading {
        labels: &plan.labels,
        validation: Some(plan.options.validation),
        // A dry run defines nothing.
        defining: plan.options.dry_run != DryRun::Server,
        ..Reading::default()
    };
    let found = runtime.block_on(cx.infos(&cluster, &plan.sources, reading))?;
    if found.is_empty() {
        return Err(Failure::message("no objects passed to apply"));
    }
    let (mut infos, faults) = apart(found);
    // What could not be read is told first, as one failure.
    let mut failures: Vec<Failure> = faults.sum().err().into_iter().collect();
    infos.iter_mut().for_each(|info| record::note(&mut info.object, cx.change_cause.as_deref()));
    if let Some(pruner) = &mut pruner {
        if let Err(failure) = pruner.adopt(&mut infos) {
            infos.clear();
            failures = vec![failure];
        }
        let warning = runtime.block_on(pruner.prepare(&cluster, &infos, &plan))?;
        warning.iter().for_each(|warning| cx.complain(warning));
    }
    let names: Vec<String> = infos.iter().map(Info::key).collect();
    let keys: Vec<_> = infos.iter().zip(&names).map(|(info, name)| (&info.object, name.clone())).collect();
    let mut objects = Vec::new();
    let mut visited = BTreeSet::new();
    let mut printing = Ok(());
    let progress = cx.progress();
    let columns = cx.complaint_columns();
    let left = runtime.block_on(progress.side_by_side(
        &names,
        &waves::waves(&keys),
        |index| apply_one(&cluster, &infos[index], &plan, columns, progress.of(index)),
        |_, Outcome { warnings, conflicts, result }| {
            warnings.iter().for_each(|line| cx.complain(line));
            conflicts.into_iter().for_each(|conflicts| cx.advise(conflicts));
            match result {
                Ok(applied) => {
                    visited.insert(applied.object.uid().to_string());
                    if plan.whole {
                        objects.push(applied.object);
                    } else if printing.is_ok() {
                        printing = printer.print_as(&applied.object, applied.operation, cx.stdout());
                    }
                }
                Err(failure) => failures.push(failure),
            }
        },
        waves::interruption,
    ));
    printing?;
    interrupted::check(&left, &names, &mut failures)?;
    if failures.iter().any(annotation_too_long) {
        cx.advise(TOO_LONG);
    }
    Failure::collect(failures)?;
    if plan.whole && !objects.is_empty() {
        printer.print_all(objects, cx.stdout())?;
    }
    if let Some(pruner) = pruner {
        let namespaces = infos.iter().filter(|info| info.mapping.namespaced).map(|info| info.namespace.clone());
        let asked = cluster.enforced.then(|| cluster.namespace.clone());
        let visited = Visited { uids: visited, namespaces: namespaces.chain(asked).collect() };
        pruner.prune(&cluster, &visited, &plan, matches, cx)?;
    }
    Ok(0)
}

/// Says what would be applied, asking no server.
fn offline(plan: &Plan, printer: &Printing, cx: &mut Context) -> Result<Exit, Failure> {
    let trial = Trial {
        sources: &plan.sources,
        labels: &plan.labels,
        validation: plan.options.validation,
        doing: "creating",
        nothing: "no objects passed to apply",
        unknown: "whether an object is there already (\"created\" may be \"configured\")",
    };
    let cause = cx.change_cause.clone();
    let prepare = |info: &Info| {
        let mut info = info.clone();
        record::note(&mut info.object, cause.as_deref());
        apply::as_new(&info)
    };
    let mut objects = Vec::new();
    offline::run(&trial, cx, prepare, |cx, object| match plan.whole {
        true => {
            objects.push(object);
            Ok(())
        }
        false => printer.print_as(&object, "created", cx.stdout()),
    })
    .inspect_err(|failure| {
        if annotation_too_long(failure) {
            cx.advise(TOO_LONG);
        }
    })?;
    if !objects.is_empty() {
        printer.print_all(objects, cx.stdout())?;
    }
    Ok(0)
}

/// What became of one object.
struct Outcome {
    warnings: Warnings,
    /// Which fields others manage, for a person.
    conflicts: Option<String>,
    result: Result<Applied, Failure>,
}

/// Applies one object. `tell` hears what it waits for. Conflicts are looked into for a person whose terminal has this
/// many columns.
async fn apply_one(
    cluster: &Cluster,
    info: &Info,
    plan: &Plan,
    columns: Option<usize>,
    tell: impl Fn(String),
) -> Outcome {
    let (mut warnings, mut conflicts) = (Warnings::new(), None);
    if plan.options.dry_run == DryRun::None
        && let Err(failure) = definitions::ready(cluster, info, &tell).await
    {
        return Outcome { warnings, conflicts, result: Err(failure) };
    }
    let result = match &plan.server_side {
        Some(options) => {
            let result = server_side::apply(cluster, info, options, &mut warnings).await;
            if let Err(failure) = &result
                && let Some(columns) = columns
            {
                conflicts = conflicts::explained(cluster, info, &options.subresource, failure, columns).await;
            }
            result.map_err(server_side::worded)
        }
        None => apply::client_side(cluster, info, &plan.options, &mut warnings, &tell).await,
    };
    Outcome { warnings, conflicts, result }
}

/// Whether an object was refused because client-side apply makes its annotations too long.
fn annotation_too_long(failure: &Failure) -> bool {
    if let Failure::Plain(text) = failure {
        return text.contains("metadata.annotations: Too long: may not be more than 262144 bytes");
    }
    let causes = failure.status().and_then(|status| status.details.as_ref()).map(|details| &details.causes);
    causes.into_iter().flatten().any(|cause| {
        cause.field == "metadata.annotations"
            && cause.message.starts_with("Too long")
            && cause.message.contains("262144")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_refused() {
        for line in [
            "apply",
            "apply -f a b",
            "apply -f a --server-side --force",
            "apply -f a --force-conflicts",
            "apply -f a --server-side --dry-run=client",
            "apply -f a --dry-run=server --force",
            "apply -f a --all -l x=y",
            "apply -f a --prune",
            "apply -f a --prune --all --prune-allowlist=Pod",
            "apply -f a --prune --all --server-side",
            "apply -f a --prune -l a=b --force",
            "apply -f a --applyset=x",
            "apply -f a --applyset=x --prune --all",
            "apply -f a --applyset=x --prune -l a=b",
            "apply -f a --applyset=x --prune --prune-allowlist=core/v1/Pod",
            "apply -f a --validate=bogus",
            "apply -f a --subresource=status",
            "apply -f a --offline",
            "apply -f a --offline --dry-run=server",
            "apply -f a --offline --dry-run=client --server-side",
            "apply -f a --offline --dry-run=client --prune --all",
        ] {
            assert!(plan(&command().get_matches_from(line.split(' ')), "kubectl", true).is_err(), "{line}");
        }
        let set = command().get_matches_from(["apply", "-f", "a", "--prune", "--applyset=x", "--server-side"]);
        assert!(matches!(plan(&set, "kubectl", true).unwrap().prune, Some(Prune::Set(_))));
        let refused = plan(&set, "kubectl", false).unwrap_err();
        assert!(matches!(refused, Failure::Flags { .. }), "{refused:?}");
    }

    #[test]
    fn the_manager_depends_on_who_merges() {
        let manager =
            |line: &str| plan(&command().get_matches_from(line.split(' ')), "kubectl", false).unwrap().options.manager;
        assert_eq!(manager("apply -f a"), "kubectl-client-side-apply");
        assert_eq!(manager("apply -f a --server-side"), "kubectl");
        assert_eq!(manager("apply -f a --server-side --field-manager=me"), "me");
    }

    #[test]
    fn only_annotations_that_are_too_long_are_explained() {
        use crate::api::status::Details;
        use crate::api::{Cause, Status};
        let refused = |field: &str, message: &str| {
            let causes = vec![Cause { field: field.into(), message: message.into(), ..Cause::default() }];
            let details = Details { causes, ..Details::default() };
            Failure::Status(Box::new(Status::failure(422, "Invalid", "x").about(details)))
        };
        let long = "Too long: may not be more than 262144 bytes";
        assert!(annotation_too_long(&refused("metadata.annotations", long)));
        assert!(!annotation_too_long(&refused("metadata.labels", long)));
        assert!(!annotation_too_long(&refused("metadata.annotations", "Invalid value")));
        let offline = |field: &str| Failure::Plain(format!("error: Pod \"x\" is invalid: {field}: {long} (line 1)\n"));
        assert!(annotation_too_long(&offline("metadata.annotations")));
        assert!(!annotation_too_long(&offline("metadata.labels")));
    }
}
