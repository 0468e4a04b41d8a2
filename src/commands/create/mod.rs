//! `create`: objects from manifests, and, below it, objects from flags.

mod clusterrole;
mod clusterrolebinding;
mod configmap;
mod cronjob;
mod deployment;
mod generated;
mod ingress;
mod job;
mod namespace;
mod poddisruptionbudget;
mod priorityclass;
mod quota;
mod role;
mod rolebinding;
mod secret;
mod service;
mod serviceaccount;
mod token;

use super::editing::Editing;
use super::flags::{Flags, switch, text, words};
use super::offline::{self, Trial};
use super::{Context, Entry, Exit, Failure, interrupted, leaf, sets};
use crate::api::Object;
use crate::client::{JSON, Request};
use crate::commands::manifests::Reading;
use crate::manifest::Sources;
use crate::ops::edit::Sending;
use crate::ops::edited_text::Subject;
use crate::ops::faults::apart;
use crate::ops::infos::Info;
use crate::ops::options::{DryRun, Validation, dry_run};
use crate::ops::{Cluster, definitions, last_applied, waves};
use clap::{ArgMatches, Command};
use http::Method;

/// The commands below it.
pub static BELOW: &[Entry] = &[
    leaf(clusterrole::command, clusterrole::run),
    leaf(clusterrolebinding::command, clusterrolebinding::run),
    leaf(configmap::command, configmap::run),
    leaf(cronjob::command, cronjob::run),
    leaf(deployment::command, deployment::run),
    leaf(ingress::command, ingress::run),
    leaf(job::command, job::run),
    leaf(namespace::command, namespace::run),
    leaf(poddisruptionbudget::command, poddisruptionbudget::run),
    leaf(priorityclass::command, priorityclass::run),
    leaf(quota::command, quota::run),
    leaf(role::command, role::run),
    leaf(rolebinding::command, rolebinding::run),
    Entry { command: secret::command, run: None, below: secret::BELOW },
    Entry { command: service::command, run: None, below: service::BELOW },
    leaf(serviceaccount::command, serviceaccount::run),
    leaf(token::command, token::run),
];

/// How the command is called.
pub fn command() -> Command {
    Command::new("create")
        .about("Create a resource from a file or from stdin")
        .long_about("Create the objects that manifests list. What is there already is an error: apply changes it instead.")
        .after_help("# What a file lists\nkubectl create -f pod.json\n\n# What another program prints\ngenerate | kubectl create -f -")
        .before_help("-f FILENAME")
        .defer(|c| {
            let offline = sets::offline(&c);
            c.args(sets::files("The file, folder or URL with the objects to create."))
                .args(sets::output())
                .args([
                    sets::selector(),
                    sets::dry_run(),
                    offline,
                    sets::field_manager("kubectl-create"),
                    sets::record(),
                    sets::validate(),
                    sets::save_config(),
                    switch("edit", None, false, "Open the objects in an editor first."),
                    text("raw", None, "", "Send POST with the file to this path of the server."),
                    sets::windows_line_endings("With --edit: end lines as Windows does."),
                ])
                .arg(words())
        })
}

#[derive(Debug)]
struct Plan {
    sources: Sources,
    labels: String,
    dry_run: DryRun,
    /// Whether no server is asked.
    offline: bool,
    manager: String,
    validation: Validation,
    save_config: bool,
    raw: String,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    super::no_words(matches, "create")?;
    let dry_run = dry_run(matches.text("dry-run"))?;
    let validation = Validation::parse(matches.text("validate"))?;
    let sources = super::required_sources(matches)?;
    let raw = matches.text("raw").to_string();
    if !raw.is_empty() {
        if matches.on("edit") {
            return fail("--raw and --edit are mutually exclusive");
        }
        let files = matches.list("filename");
        let remote = |file: &String| file.starts_with("http://") || file.starts_with("https://");
        match files.as_slice() {
            [file] if remote(file) => return fail("--raw cannot read from a url"),
            [_] => {}
            _ => return fail("--raw can only use a single local file or stdin"),
        }
        match () {
            () if matches.on("recursive") => return fail("--raw and --recursive are mutually exclusive"),
            () if matches.given("selector") => return fail("--raw and --selector (-l) are mutually exclusive"),
            () if matches.given("output") => return fail("--raw and --output are mutually exclusive"),
            () if !raw.starts_with('/') => {
                return Err(Failure::message(format!(
                    "--raw must be a valid URL path: parse {raw:?}: invalid URI for request"
                )));
            }
            () => {}
        }
    }
    Ok(Plan {
        sources,
        labels: matches.text("selector").into(),
        dry_run,
        offline: offline::asked(matches, dry_run, &["edit", "raw"])?,
        manager: matches.text("field-manager").into(),
        validation,
        save_config: matches.on("save-config"),
        raw,
    })
}

/// Creates the objects side by side and says so in the order of the input.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let printer = cx.printer(matches, "created", plan.dry_run)?;
    if !plan.raw.is_empty() {
        return raw(&plan, cx);
    }
    if plan.offline {
        let trial = Trial {
            sources: &plan.sources,
            labels: &plan.labels,
            validation: plan.validation,
            doing: "creating",
            nothing: "no objects passed to create",
            unknown: "whether an object is there already",
        };
        let prepare = |info: &Info| Ok(prepared(info, &plan));
        return offline::run(&trial, cx, prepare, |cx, object| printer.print(&object, cx.stdout())).map(|()| 0);
    }
    let cluster = cx.cluster()?;
    let runtime = cx.runtime()?;
    if matches.on("edit") {
        return edit(matches, &plan, &cluster, cx);
    }
    let reading = Reading {
        labels: &plan.labels,
        validation: Some(plan.validation),
        // A dry run defines nothing.
        defining: plan.dry_run != DryRun::Server,
        ..Reading::default()
    };
    let found = runtime.block_on(cx.infos(&cluster, &plan.sources, reading))?;
    if found.is_empty() {
        return Err(Failure::message("no objects passed to create"));
    }
    let (infos, mut faults) = apart(found);
    let names: Vec<String> = infos.iter().map(Info::key).collect();
    let keys: Vec<_> = infos.iter().enumerate().map(|(i, info)| (&info.object, key(i, info))).collect();
    let mut printing = Ok(());
    let progress = cx.progress();
    let left = runtime.block_on(progress.side_by_side(
        &names,
        &waves::waves(&keys),
        |index| create(&cluster, &infos[index], &plan, progress.of(index)),
        |index, result| match result {
            Ok(object) if printing.is_ok() => printing = printer.print(&object, cx.stdout()),
            Ok(_) => {}
            Err(failure) => faults.add_at(index, failure),
        },
        waves::interruption,
    ));
    printing?;
    let mut failures = faults.told();
    interrupted::check(&left, &names, &mut failures)?;
    Failure::collect(failures).map(|()| 0)
}

/// Has a person edit one object after the other, and creates what comes back.
fn edit(matches: &ArgMatches, plan: &Plan, cluster: &Cluster, cx: &mut Context) -> Result<Exit, Failure> {
    let runtime = cx.runtime()?;
    let editing = Editing {
        matches,
        subject: Subject::New,
        sending: Sending {
            dry_run: plan.dry_run,
            manager: plan.manager.clone(),
            subresource: String::new(),
            validation: Some(plan.validation),
            cause: cx.change_cause.clone(),
        },
        save_config: plan.save_config,
        output_patch: false,
    };
    let (infos, mut faults) = apart(runtime.block_on(cx.infos(cluster, &plan.sources, Reading::default()))?);
    for info in infos {
        if let Err(failure) = editing.run(&[info], cluster, cx) {
            faults.add(failure);
        }
    }
    faults.sum().map(|()| 0)
}

/// Objects without a name are told apart by their place: the server names each of them.
fn key(index: usize, info: &Info) -> String {
    if info.name.is_empty() { index.to_string() } else { info.key() }
}

/// The object as it is sent: with its configuration in its annotation where that is kept, or was there.
fn prepared(info: &Info, plan: &Plan) -> Object {
    let mut object = info.object.clone();
    if plan.save_config || last_applied::read(&object).is_some() {
        last_applied::write(&mut object);
    }
    object
}

async fn create(cluster: &Cluster, info: &Info, plan: &Plan, tell: impl Fn(String)) -> Result<Object, Failure> {
    let object = prepared(info, plan);
    if plan.dry_run == DryRun::Client {
        return Ok(object);
    }
    definitions::ready(cluster, info, tell).await?;
    let mut request = Request::create(&info.mapping, &info.namespace, &object)
        .query("fieldManager", &plan.manager)
        .query("fieldValidation", plan.validation.parameter());
    if plan.dry_run == DryRun::Server {
        request = request.query("dryRun", "All");
    }
    cluster.client.json(&request).await.map_err(|error| Failure::from(error).when("creating", &info.source))
}

/// Sends a file to a path as it is, and prints the answer as it comes.
fn raw(plan: &Plan, cx: &mut Context) -> Result<Exit, Failure> {
    let file = plan.sources.filenames.first().cloned().unwrap_or_default();
    let bytes = cx.read_body(&file)?;
    let client = cx.client()?;
    let request = Request::new(Method::POST, &plan.raw).content(JSON, bytes);
    let response = cx.block_on(async { client.send(&request).await })?;
    cx.stdout().write_all(&response.body)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_refused() {
        for line in [
            "create",
            "create -f a b",
            "create -f a --dry-run=x",
            "create -f a -f b --raw /x",
            "create -f http://x --raw /x",
            "create -f a --raw x",
            "create -f a --raw /x -o json",
            "create -f a --offline",
            "create -f a --offline --dry-run=client --edit",
            "create -f a --offline --dry-run=client --raw /x",
        ] {
            assert!(plan(&command().get_matches_from(line.split(' '))).is_err(), "{line}");
        }
    }
}
