//! `diff`: what apply would change.

use super::flags::{Flags, integer, lines, switch, words};
use super::manifests::Reading;
use super::{Context, Exit, Failure, log_line, sets};
use crate::api::{GroupVersionKind, Object, ObjectExt};
use crate::client::{Mapping, PatchKind, Request};
use crate::manifest::Sources;
use crate::ops::diff::{Versions, file_name, unified};
use crate::ops::faults::{Fault, of_first_document};
use crate::ops::infos::Info;
use crate::ops::options::{DryRun, Validation};
use crate::ops::prune::{self, Place};
use crate::ops::{Cluster, apply, conflicts, definitions, last_applied, server_side};
use crate::output::terminal::{Style, Surface};
use crate::yaml;
use clap::{ArgMatches, Command};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

/// How often the live object is fetched anew when it changes meanwhile; the last time without holding it to its
/// version.
const RETRIES: usize = 4;
/// The exit code that says that something is wrong, not that something differs.
const TROUBLE: u8 = 2;
/// The variable that names another program to compare with.
const EXTERNAL: &str = "KUBECTL_EXTERNAL_DIFF";

/// How the command is called.
pub fn command() -> Command {
    Command::new("diff")
        .about("Diff the live version against a would-be applied version")
        .long_about(
            "Show what apply would change, as the server says: each object is applied without being stored, and both \
             versions are compared.\n\n \
             KUBECTL_EXTERNAL_DIFF names another program to compare with, options included; it gets two folders. The \
             values of secrets are hidden, and so they are in the annotation that apply keeps.\n\n \
             The exit code is 0 when nothing differs, 1 when something does, and above 1 when something went wrong.",
        )
        .after_help("# What a file would change\nkubectl diff -f pod.yaml\n\n# What comes from another program\ngenerate | kubectl diff -f -")
        .before_help("-f FILENAME")
        .defer(|c| {
            c.args(sets::files("The file, folder or URL with the objects to compare."))
                .args([
                    sets::selector(),
                    sets::field_manager("kubectl-client-side-apply"),
                    integer("concurrency", None, "1", "How many objects kubectl would compare at once. Here it is always 16."),
                    switch("force-conflicts", None, false, "With --server-side: take over fields that others manage."),
                    switch("prune", None, false, "Show as well what pruning would delete."),
                    lines("prune-allowlist", None, "GROUP/VERSION/KIND that may be pruned; may be repeated."),
                    switch("server-side", None, false, "Have the server merge."),
                    switch("show-managed-fields", None, false, "Compare metadata.managedFields as well."),
                    switch("show-secrets", None, false, "Show the values of secrets."),
                ])
                .arg(words())
        })
}

#[derive(Debug)]
struct Plan {
    sources: Sources,
    labels: String,
    manager: String,
    server_side: bool,
    force_conflicts: bool,
    managed_fields: bool,
    secrets: bool,
    /// The kinds whose objects would be pruned: kubectl's when it is empty.
    prune: Option<Vec<GroupVersionKind>>,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    super::no_words(matches, "diff")?;
    let server_side = matches.on("server-side");
    let plan = Plan {
        sources: super::required_sources(matches)?,
        labels: matches.text("selector").into(),
        manager: match (matches.given("field-manager"), server_side) {
            (false, true) => server_side::MANAGER.into(),
            _ => matches.text("field-manager").into(),
        },
        server_side,
        force_conflicts: matches.on("force-conflicts"),
        managed_fields: matches.on("show-managed-fields"),
        secrets: matches.on("show-secrets"),
        prune: if matches.on("prune") { Some(prune::allowlist(&matches.list("prune-allowlist"))?) } else { None },
    };
    if plan.force_conflicts && !server_side {
        return Err(Failure::message("--force-conflicts only works with --server-side"));
    }
    Ok(plan)
}

/// Compares all objects and prints what differs.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    differences(matches, cx).map_err(|failure| match failure {
        quiet @ Failure::Quiet(_) => quiet,
        failure => Failure::Code(TROUBLE, Box::new(failure)),
    })
}

/// A wrong flag of this command is trouble as well, not a difference.
pub fn worded(failure: Failure) -> Failure {
    match failure {
        Failure::Flags { message, command } if command == "diff" => {
            Failure::Code(TROUBLE, Box::new(Failure::Usage { message, command }))
        }
        other => other,
    }
}

fn differences(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let cluster = cx.cluster()?;
    let runtime = cx.runtime()?;
    let allowlist = match &plan.prune {
        Some(allowlist) => Some(runtime.block_on(prune::resources(&cluster, allowlist))?),
        None => None,
    };
    let reading = Reading { labels: &plan.labels, defining: true, ..Reading::default() };
    let (infos, unread) = before_fault(runtime.block_on(cx.infos(&cluster, &plan.sources, reading))?);
    let mut faults: Vec<(usize, Fault)> = Vec::new();
    let namespaces = infos.iter().filter(|info| info.mapping.gvk.kind == "Namespace");
    let namespaces: BTreeSet<&str> = namespaces.map(|info| info.name.as_str()).collect();
    let comes = |info: &Info| definitions::is_awaited(info) || namespaces.contains(info.namespace.as_str());
    let mut found: Vec<Versions> = Vec::new();
    // What is equal is of interest only to those who look at all: pruning, and a program of the user's.
    let keeps_all = allowlist.is_some() || cx.env(EXTERNAL).is_some();
    let (progress, columns) = (cx.progress(), cx.complaint_columns());
    let names: Vec<String> = infos.iter().map(Info::key).collect();
    runtime.block_on(progress.side_by_side(
        &names,
        &vec![0; infos.len()],
        async |index| {
            let info = &infos[index];
            let compared = versions(&cluster, info, comes(info), &plan).await;
            let listed = match (&compared, columns) {
                (Err((failure, _)), Some(columns)) => conflicts::explained(&cluster, info, "", failure, columns).await,
                _ => None,
            };
            (compared, listed)
        },
        |index, (compared, listed)| match compared {
            Ok((mut versions, notes)) => {
                notes.iter().for_each(|note| cx.complain(note));
                if !keeps_all && versions.live == versions.merged {
                    (versions.live, versions.merged) = (None, None);
                }
                found.push(versions);
            }
            Err((failure, notes)) => {
                if faults.is_empty() {
                    notes.iter().for_each(|note| cx.complain(note));
                    listed.into_iter().for_each(|listed| cx.advise(listed));
                }
                faults.push((index, Fault::of_item(infos[index].list_place(), failure)));
            }
        },
        std::future::pending,
    ));
    drop(progress);
    if !plan.managed_fields {
        found.iter_mut().for_each(Versions::without_managed_fields);
    }
    if let Some(allowlist) = allowlist {
        let visited = found.iter().filter_map(|versions| Some(versions.live.as_ref()?.uid().to_string())).collect();
        let namespaces =
            infos.iter().filter(|info| info.mapping.namespaced).map(|info| info.namespace.clone()).collect();
        pruned(&cluster, allowlist, &plan.labels, &visited, &namespaces, &mut found, cx)?;
    }
    // What could not be read stands before the object that came after it.
    faults.splice(0..0, unread);
    faults.sort_by_key(|(index, _)| *index);
    if let Some(failure) = of_first_document(faults.into_iter().map(|(_, fault)| fault).collect()) {
        return Err(failure);
    }
    if !plan.secrets {
        found.iter_mut().for_each(Versions::mask_secrets);
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    // Of two texts about one object, the later one wins, as it does in kubectl's folders.
    found.reverse();
    found.dedup_by(|a, b| a.file == b.file);
    found.reverse();
    match cx.env(EXTERNAL).map(String::from) {
        Some(program) => external(&program, &found, cx),
        None => internal(&found, cx),
    }
}

/// The objects before the first that cannot be read, and the others of its list; what is wrong, each with the number of
/// objects before it. kubectl ends there.
fn before_fault(items: Vec<Result<Info, Fault>>) -> (Vec<Info>, Vec<(usize, Fault)>) {
    let (mut infos, mut faults): (Vec<Info>, Vec<(usize, Fault)>) = (Vec::new(), Vec::new());
    for item in items {
        let list = item.as_ref().map_or_else(|fault| fault.list.clone(), Info::list_place);
        if faults.first().is_some_and(|(_, first)| list.is_none() || first.list != list) {
            break;
        }
        match item {
            Ok(info) => infos.push(info),
            Err(fault) => faults.push((infos.len(), fault)),
        }
    }
    (infos, faults)
}

/// Adds the objects that pruning would delete. That they cannot be found is a warning.
fn pruned(
    cluster: &Cluster,
    allowlist: Vec<Mapping>,
    labels: &str,
    visited: &BTreeSet<String>,
    namespaces: &BTreeSet<String>,
    found: &mut Vec<Versions>,
    cx: &mut Context,
) -> Result<(), Failure> {
    let runtime = cx.runtime()?;
    let searched = runtime.block_on(async {
        let mut resources = allowlist;
        if resources.is_empty() {
            let (place, words) = prune::WARNING;
            cx.complain(&log_line('W', place, words));
            resources = prune::default_resources(cluster).await?;
        }
        let stale = |object: &Object| prune::is_stale(object, visited);
        prune::search(cluster, &Place::of(&resources, namespaces), labels, stale, async |place, objects| {
            for object in objects.map_err(|failure| place.failed(&failure))? {
                let file = file_name(&object, &place.namespace);
                found.push(Versions { file, live: Some(object), merged: None });
            }
            Ok(())
        })
        .await
    });
    if let Err(failure) = searched {
        let words = format!("pruning failed and could not be evaluated err: {}", failure.words());
        cx.complain(&log_line('W', "diff.go:760", &words));
    }
    Ok(())
}

type Notes = Vec<String>;

/// The object as it is, and as it would be. When its namespace or its type `comes` with the same input, and is not there
/// yet, the server cannot say more than the manifest does.
async fn versions(
    cluster: &Cluster,
    info: &Info,
    comes: bool,
    plan: &Plan,
) -> Result<(Versions, Notes), (Failure, Notes)> {
    let mut notes = Notes::new();
    for attempt in 1..=RETRIES {
        let live = match cluster.client.json(&Request::get(&info.mapping, &info.namespace, &info.name)).await {
            Ok(live) => Some(live),
            Err(error) => match Failure::from(error) {
                failure if failure.is_not_found() => None,
                failure => return Err((failure, notes)),
            },
        };
        let last = attempt == RETRIES;
        if last && live.is_some() {
            notes.push(log_line(
                'W',
                "diff.go:723",
                &format!(
                    "Object ({}/{}, Kind={}: {}) keeps changing, diffing without lock",
                    info.mapping.gvk.group, info.mapping.gvk.version, info.mapping.gvk.kind, info.name
                ),
            ));
        }
        let merged = match merged(cluster, info, live.as_ref(), plan, last, &mut notes).await {
            Err(failure) if comes && live.is_none() && failure.is_not_found() => Ok(info.object.clone()),
            merged => merged,
        };
        match merged {
            Ok(merged) => {
                let file = file_name(&merged, &info.namespace);
                return Ok((Versions { file, live, merged: Some(merged) }, notes));
            }
            Err(failure) if failure.is_conflict() && !last => {}
            Err(failure) => return Err((failure, notes)),
        }
    }
    Err((Failure::message("the object keeps changing"), notes))
}

async fn merged(
    cluster: &Cluster,
    info: &Info,
    live: Option<&Object>,
    plan: &Plan,
    unlocked: bool,
    notes: &mut Notes,
) -> Result<Object, Failure> {
    let client = &cluster.client;
    if plan.server_side {
        let options = server_side::Options {
            manager: plan.manager.clone(),
            force: plan.force_conflicts,
            dry_run: DryRun::Server,
            validation: Validation::Ignore,
            subresource: String::new(),
        };
        return Ok(client.json(&server_side::request(info, &options)).await?);
    }
    let dry = |request: Request| request.query("fieldManager", &plan.manager).query("dryRun", "All");
    let Some(live) = live else {
        let request = Request::create(&info.mapping, &info.namespace, &info.object);
        return Ok(client.json(&dry(request)).await?);
    };
    // The annotation itself is no difference.
    let modified = last_applied::configuration(&info.object);
    let (mut patch, kind) = apply::patch(client, info, &modified, live, true, notes).await?;
    if patch.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(live.clone());
    }
    if !unlocked && kind != PatchKind::Json {
        patch.put(&["metadata", "resourceVersion"], live.resource_version());
    }
    let request = Request::patch(
        &info.mapping,
        &info.namespace,
        &info.name,
        kind,
        crate::api::json::to_string(&patch).into_bytes(),
    );
    client.json(&dry(request)).await.map_err(|error| Failure::from(error).when("patching", &info.source))
}

fn text(object: &Option<Object>) -> String {
    object.as_ref().map(yaml::to_string).unwrap_or_default()
}

/// Prints what `diff -u -N` of two folders prints. The folders have names only: nothing is written.
fn internal(found: &[Versions], cx: &mut Context) -> Result<Exit, Failure> {
    let folder = std::env::temp_dir();
    let number = cx.random_number();
    let (live, merged) = (folder.join(format!("LIVE-{number}")), folder.join(format!("MERGED-{number}")));
    let stamped = |time: jiff::Zoned| time.strftime("%Y-%m-%d %H:%M:%S.%9f %z").to_string();
    let (stamp, epoch) =
        (stamped(cx.now()), stamped(jiff::Timestamp::UNIX_EPOCH.to_zoned(cx.now().time_zone().clone())));
    let mut differs = false;
    for versions in found {
        let hunks = unified(&text(&versions.live), &text(&versions.merged));
        if hunks.is_empty() {
            continue;
        }
        differs = true;
        let (a, b) = (live.join(&versions.file), merged.join(&versions.file));
        let (a, b) = (a.display(), b.display());
        // An object that is not there any more has no file, which counts as an empty one of long ago.
        let merged_stamp = if versions.merged.is_some() { &stamp } else { &epoch };
        let head = format!("diff -u -N {a} {b}\n--- {a}\t{stamp}\n+++ {b}\t{merged_stamp}\n");
        for line in head.split_inclusive('\n') {
            cx.surface().styled(Style::Bold, line)?;
        }
        for line in hunks.split_inclusive('\n') {
            cx.surface().styled(style(line), line)?;
        }
    }
    Ok(u8::from(differs))
}

/// A line of a hunk as it looks on a terminal.
fn style(line: &str) -> Style {
    match line.as_bytes().first() {
        Some(b'+') => Style::Green,
        Some(b'-') => Style::Red,
        Some(b'@') => Style::Cyan,
        _ => Style::Plain,
    }
}

/// Has another program compare two folders. Its exit code 1 means that something differs.
fn external(program: &str, found: &[Versions], cx: &mut Context) -> Result<Exit, Failure> {
    let folders = Folders::new(cx.random_number())?;
    for versions in found {
        folders.write(versions)?;
    }
    let mut parts = program.split(' ');
    let name = parts.next().unwrap_or_default();
    // Only what cannot be anything but an option is passed on.
    let plain = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-=".contains(c));
    cx.finish()?;
    let status = std::process::Command::new(name)
        .args(parts.filter(plain))
        .args([&folders.live, &folders.merged])
        .status()
        .map_err(|error| Failure::message(format!("failed to run {name:?}: {error}")))?;
    match status.code() {
        Some(code @ (0 | 1)) => Ok(code as u8),
        Some(code) => Err(Failure::message(format!("failed to run {name:?}: exit status {code}"))),
        None => Err(Failure::message(format!("failed to run {name:?}: {status}"))),
    }
}

/// Two folders that go when this does.
struct Folders {
    live: std::path::PathBuf,
    merged: std::path::PathBuf,
}

impl Folders {
    fn new(number: u64) -> Result<Self, Failure> {
        let make = |name: &str| -> std::io::Result<_> {
            let path = std::env::temp_dir().join(format!("{name}-{number}"));
            private_folder(&path)?;
            Ok(path)
        };
        Ok(Folders { live: make("LIVE")?, merged: make("MERGED")? })
    }

    fn write(&self, versions: &Versions) -> Result<(), Failure> {
        for (folder, object) in [(&self.live, &versions.live), (&self.merged, &versions.merged)] {
            // What would not be there any more has no file.
            if object.is_none() && std::ptr::eq(folder, &self.merged) {
                continue;
            }
            let mut file = std::fs::File::create(folder.join(&versions.file))?;
            file.write_all(text(object).as_bytes())?;
        }
        Ok(())
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        // What cannot be removed from a temporary folder stays there; there is nobody to tell.
        let _ = std::fs::remove_dir_all(&self.live);
        let _ = std::fs::remove_dir_all(&self.merged);
    }
}

/// Makes a folder that only its owner can look into: there may be secrets in it.
fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_refused() {
        for line in ["diff", "diff -f a b", "diff -f a --force-conflicts"] {
            assert!(plan(&command().get_matches_from(line.split(' '))).is_err(), "{line}");
        }
        assert_eq!(plan(&command().get_matches_from(["diff", "-f", "a", "--server-side"])).unwrap().manager, "kubectl");
    }
}
