//! `replace`: put whole objects in the place of those that are there.

use super::flags::{Flags, text, words};
use super::offline::{self, Trial};
use super::{Context, Exit, Failure, interrupted, sets};
use crate::api::{GoDuration, Object, ObjectExt};
use crate::client::{JSON, Request};
use crate::commands::manifests::Reading;
use crate::manifest::Sources;
use crate::ops::delete::{self, Going, Target};
use crate::ops::edit::Sending;
use crate::ops::faults::{Fault, apart};
use crate::ops::infos::Info;
use crate::ops::options::{Cascade, DryRun, Validation, dry_run};
use crate::ops::{Cluster, find, last_applied, polling, record, waves};
use clap::{ArgMatches, Command};
use http::Method;
use std::time::Duration;

/// How long is waited until what is deleted is gone, when nobody says.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// How the command is called.
pub fn command() -> Command {
    Command::new("replace")
        .about("Replace a resource by file name or stdin")
        .long_about(
            "Put the objects that manifests list in the place of those that are there, as a whole: the manifests must say \
             all of it. With --force they are deleted first and created anew.",
        )
        .after_help(
            "# What a file lists\nkubectl replace -f pod.json\n\n# What another program prints\ngenerate | kubectl replace -f -\n\n\
             # Delete it and create it anew\nkubectl replace --force -f pod.json",
        )
        .before_help("-f FILENAME")
        .defer(|c| {
            let offline = sets::offline(&c);
            c.args(sets::files("The file, folder or URL with the objects."))
                .args(sets::output())
                .args(sets::deletion(false))
                .args([
                    sets::dry_run(),
                    offline,
                    sets::field_manager("kubectl-replace"),
                    sets::record(),
                    sets::save_config(),
                    sets::subresource(),
                    sets::validate(),
                    text("raw", None, "", "Send PUT with the file to this path of the server."),
                ])
                .arg(words())
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    sources: Sources,
    /// Whether no server is asked.
    offline: bool,
    sending: Sending,
    save_config: bool,
    /// How objects are deleted first, where they are.
    force: Option<delete::Options>,
    names_only: bool,
    raw: String,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    let validation = Validation::parse(matches.text("validate"))?;
    let dry_run = dry_run(matches.text("dry-run"))?;
    let cascade = Cascade::parse(matches.text("cascade"))?;
    let (force, raw) = (matches.on("force"), matches.text("raw").to_string());
    let (grace, timeout) = (matches.integer("grace-period"), matches.span("timeout"));
    let sources = super::required_sources(matches)?;
    let remote = |file: &String| file.starts_with("http://") || file.starts_with("https://");
    match () {
        () if grace >= 0 && !force => return fail("--grace-period must have --force specified"),
        () if timeout != GoDuration(0) && !force => return fail("--timeout must have --force specified"),
        () if force && dry_run != DryRun::None => return fail("--dry-run can not be used when --force is set"),
        () if raw.is_empty() => {}
        () if sources.filenames.len() != 1 => return fail("--raw can only use a single local file or stdin"),
        () if sources.filenames.iter().any(remote) => return fail("--raw cannot read from a url"),
        () if sources.recursive => return fail("--raw and --recursive are mutually exclusive"),
        () if !matches.text("output").is_empty() => return fail("--raw and --output are mutually exclusive"),
        () if !raw.starts_with('/') => {
            return Err(Failure::message(format!(
                "--raw must be a valid URL path: parse {raw:?}: invalid URI for request"
            )));
        }
        () => {}
    }
    let options = delete::Options {
        cascade,
        // A grace period of 0 is taken back to 1, and waited for, as a guard against losing data.
        grace_period: (grace >= 0).then_some(grace.max(1)),
        dry_run,
        wait: matches.on("wait") || grace == 0,
        timeout: timeout.limit(),
    };
    Ok(Plan {
        sources,
        offline: offline::asked(matches, dry_run, &["raw", "subresource"])?,
        sending: Sending {
            dry_run,
            manager: matches.text("field-manager").into(),
            subresource: matches.text("subresource").into(),
            validation: Some(validation),
            cause: None,
        },
        save_config: matches.on("save-config"),
        force: force.then_some(options),
        names_only: matches.text("output") == "name",
        raw,
    })
}

/// The object as it is sent: with its configuration in its annotation where that is kept or was there.
fn prepared(info: &Info, plan: &Plan) -> Object {
    let mut object = info.object.clone();
    if plan.save_config || last_applied::read(&object).is_some() {
        last_applied::write(&mut object);
    }
    record::note(&mut object, plan.sending.cause.as_deref());
    object
}

/// Replaces the objects side by side.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let mut plan = plan(matches)?;
    plan.sending.cause = cx.change_cause.clone();
    let printer = cx.printer(matches, "replaced", plan.sending.dry_run)?;
    if !plan.raw.is_empty() {
        return raw(&plan, cx);
    }
    if plan.offline {
        let trial = Trial {
            sources: &plan.sources,
            labels: "",
            validation: plan.sending.validation.unwrap_or_default(),
            doing: "replacing",
            nothing: "",
            unknown: "whether an object is there to be replaced",
        };
        let prepare = |info: &Info| Ok(prepared(info, &plan));
        return offline::run(&trial, cx, prepare, |cx, object| printer.print(&object, cx.stdout())).map(|()| 0);
    }
    let cluster = cx.cluster()?;
    let runtime = cx.runtime()?;
    let reading = Reading { validation: plan.sending.validation, ..Reading::default() };
    let items = runtime.block_on(cx.infos(&cluster, &plan.sources, reading))?;
    if let Some(options) = &plan.force {
        if !matches.words().is_empty() {
            return Err(Failure::message(
                "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well",
            ));
        }
        let (infos, faults) = apart(items);
        faults.sum()?;
        if infos.is_empty() {
            return Err(Failure::message("no objects passed to replace"));
        }
        delete_all(&cluster, &infos, options, &plan, cx)?;
        return finish(cx, infos.into_iter().map(Ok).collect(), &printer, async |info| {
            let object = prepared(&info, &plan);
            create(&cluster, &info, object, &plan.sending).await
        });
    }
    finish(cx, items, &printer, async |info| {
        let object = prepared(&info, &plan);
        let replaced = replace(&cluster, &info, object, &plan.sending).await;
        replaced.map_err(|failure| failure.when("replacing", &info.source))
    })
}

fn finish(
    cx: &mut Context,
    items: Vec<Result<Info, Fault>>,
    printer: &super::printing::Printing,
    work: impl AsyncFn(Info) -> Result<Object, Failure>,
) -> Result<Exit, Failure> {
    super::objects::side_by_side(cx, items, Info::key, work, |cx, object| printer.print(&object, cx.stdout()))?;
    Ok(0)
}

/// Replaces one object. One that says no version takes that of the object that is there.
async fn replace(cluster: &Cluster, info: &Info, mut object: Object, sending: &Sending) -> Result<Object, Failure> {
    if sending.dry_run == DryRun::Client {
        return Ok(object);
    }
    if object.resource_version().is_empty() {
        let request = Request::get(&info.mapping, &info.namespace, &info.name).subresource(&sending.subresource);
        // Where there is nothing to replace, the server says so when it is replaced.
        if let Ok(live) = cluster.client.json(&request).await {
            object.put(&["metadata", "resourceVersion"], live.resource_version());
        }
    }
    sending.update(cluster, info, &object).await
}

async fn create(cluster: &Cluster, info: &Info, mut object: Object, sending: &Sending) -> Result<Object, Failure> {
    object.take_at(&["metadata", "resourceVersion"]);
    sending.create(cluster, info, &object).await
}

/// Deletes the objects, says so, and waits until they are gone. Those that are not there are as good as deleted.
fn delete_all(
    cluster: &Cluster,
    infos: &[Info],
    options: &delete::Options,
    plan: &Plan,
    cx: &mut Context,
) -> Result<(), Failure> {
    let targets: Vec<Target> = infos
        .iter()
        .map(|info| Target {
            mapping: info.mapping.clone(),
            namespace: info.namespace.clone(),
            name: info.name.clone(),
            source: info.source.clone(),
        })
        .collect();
    let runtime = cx.runtime()?;
    let (mut failures, mut deleted) = (Vec::new(), Vec::new());
    let mut printing = Ok(());
    let names: Vec<String> = targets.iter().map(Target::key).collect();
    let progress = cx.progress();
    let left = runtime.block_on(progress.side_by_side(
        &names,
        &vec![0; targets.len()],
        |index| delete::delete(cluster, &targets[index], options),
        |index, result| match result {
            Ok(uid) => {
                let line = targets[index].said(options, plan.names_only, false);
                if let Err(failure) = cx.print(&line) {
                    printing = Err(failure);
                }
                deleted.push((targets[index].clone(), uid));
            }
            Err(failure) if failure.is_not_found() => {}
            Err(failure) => failures.push(failure),
        },
        waves::interruption,
    ));
    printing?;
    interrupted::check(&left, &names, &mut failures)?;
    Failure::collect(failures)?;
    cx.finish()?;
    let limit = options.timeout.unwrap_or(PATIENCE);
    let gone = async {
        if options.wait {
            delete::wait(cluster, &deleted, options, |going| progress.gone(&going, deleted.len())).await?;
        }
        let mut failures = Vec::new();
        for (gone, info) in infos.iter().enumerate() {
            let why = |object: &Object| format!("{} {}", interrupted::named(&info.key()), delete::why_there(object));
            let tell = |why| progress.gone(&Going { gone, reason: Some(why) }, infos.len());
            let gone = polling::until(limit, async || match find::retrieve(cluster, info, "").await {
                Err(failure) if failure.is_not_found() => Ok(Some(())),
                found => found.map(|object| {
                    tell(why(&object));
                    None
                }),
            });
            match gone.await {
                Ok(Some(())) => {}
                Ok(None) => failures.push(Failure::message("context deadline exceeded")),
                Err(failure) => failures.push(failure),
            }
        }
        Failure::collect(failures)
    };
    runtime.block_on(progress.during(async {
        tokio::select! {
            gone = gone => gone,
            () = waves::interruption() => Err(interrupted::deleted(&names)),
        }
    }))
}

/// Sends a file to a path as it is, and prints the answer as it comes.
fn raw(plan: &Plan, cx: &mut Context) -> Result<Exit, Failure> {
    let file = plan.sources.filenames.first().cloned().unwrap_or_default();
    let bytes = cx.read_body(&file)?;
    let client = cx.client()?;
    let request = Request::new(Method::PUT, &plan.raw).content(JSON, bytes);
    let response = cx.block_on(async { client.send(&request).await })?;
    cx.stdout().write_all(&response.body)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(line: &str) -> Result<Plan, Failure> {
        plan(&command().get_matches_from(line.split(' ')))
    }

    #[test]
    fn contradictions_are_refused() {
        for (line, words) in [
            ("replace", "must specify one of -f and -k"),
            ("replace -f a --grace-period=3", "--grace-period must have --force specified"),
            ("replace -f a --timeout=3s", "--timeout must have --force specified"),
            ("replace -f a --force --dry-run=client", "--dry-run can not be used when --force is set"),
            ("replace -f a -f b --raw /x", "--raw can only use a single local file or stdin"),
            ("replace -f http://x --raw /x", "--raw cannot read from a url"),
            ("replace -f a -R --raw /x", "--raw and --recursive are mutually exclusive"),
            ("replace -f a -o json --raw /x", "--raw and --output are mutually exclusive"),
            ("replace -f a --raw x", "--raw must be a valid URL path"),
            ("replace -f a --offline", "--offline asks no server, and only works with --dry-run=client"),
            ("replace -f a --offline --dry-run=client --raw /x", "--offline cannot be used with --raw"),
        ] {
            let failure = format!("{:?}", planned(line).unwrap_err());
            assert!(failure.contains(words), "{line}: {failure}");
        }
    }

    #[test]
    fn a_grace_period_of_nothing_is_a_second_and_waited_for() {
        let force = |line: &str| planned(line).unwrap().force.unwrap();
        let at_once = force("replace -f a --force --grace-period=0");
        assert_eq!((at_once.grace_period, at_once.wait), (Some(1), true));
        let plain = force("replace -f a --force");
        assert_eq!((plain.grace_period, plain.wait), (None, false));
    }
}
