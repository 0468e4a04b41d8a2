//! `set`: a group, and what the commands below it share: they change one part of objects that have pods, services or
//! bindings, and send the difference.

mod env;
mod image;
mod resources;
mod selector;
mod serviceaccount;
mod subject;

use super::flags::{Flags, words};
use super::objects::{Typed, Wanted, selection, side_by_side};
use super::printing::Printing;
use super::{Context, Entry, Failure, leaf, sets};
use crate::api::Object;
use crate::ops::Cluster;
use crate::ops::edit::{self, Sending};
use crate::ops::faults::Fault;
use crate::ops::infos::Info;
use crate::ops::options::{DryRun, dry_run};
use crate::ops::targets::Selection;
use clap::{Arg, ArgMatches, Command};

/// The commands below it.
pub static BELOW: &[Entry] = &[
    leaf(env::command, env::run),
    leaf(image::command, image::run),
    leaf(resources::command, resources::run),
    leaf(selector::command, selector::run),
    leaf(serviceaccount::command, serviceaccount::run),
    leaf(subject::command, subject::run),
];

/// How the group is called.
pub fn command() -> Command {
    Command::new("set")
        .about("Set specific features on objects")
        .long_about("Change one part of objects that are there already.")
        .before_help("SUBCOMMAND")
        .arg(words())
}

const NEEDS_FILES: &str = "error: you must specify resources by --filename when --local is set.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'";
const LOCAL_AND_SERVER: &str = "cannot specify --local and --dry-run=server - did you mean --dry-run=client?";
const ALL_AND_SELECTOR: &str = "cannot set --all and --selector at the same time";

/// The flags of all of them but those about files and selectors.
fn flags() -> Vec<Arg> {
    let mut flags = sets::output();
    flags.extend([sets::all(), sets::dry_run(), sets::field_manager("kubectl-set"), sets::local(), words()]);
    flags
}

/// How the changes are sent.
fn sending(matches: &ArgMatches) -> Result<Sending, Failure> {
    Ok(Sending {
        dry_run: dry_run(matches.text("dry-run"))?,
        manager: matches.text("field-manager").into(),
        ..Sending::default()
    })
}

/// Which objects these words and the flags mean.
fn wanted(objects: &[String], matches: &ArgMatches, program: &str) -> Result<Wanted, Failure> {
    let sources = super::sources(matches)?;
    if !matches.on("local") {
        let selection =
            Selection { words: objects.to_vec(), sources, type_means_all: matches.on("all"), ..selection(matches) };
        return Ok(Wanted::new(&selection, program)?.latest().typed());
    }
    match objects {
        [] => Ok(Wanted::local(sources).typed()),
        _ => Err(Failure::message(NEEDS_FILES)),
    }
}

/// How a command goes on with the objects that it changed.
struct Rest<'a> {
    sending: &'a Sending,
    /// What is put before the server's refusal; empty for nothing.
    refused: &'a str,
    /// Whether objects that did not change are sent and printed as well.
    always: bool,
}

/// An object before and after its change.
struct Edited {
    info: Info,
    after: Object,
}

/// Changes the objects one by one, then sends the differences side by side and prints what came of them. `change` says
/// whether there is anything to do with an object; what it complains of besides is shown first.
fn change_all(
    cx: &mut Context,
    objects: Typed,
    rest: &Rest,
    printer: &Printing,
    mut change: impl FnMut(&mut Object, &mut Vec<Failure>) -> Result<bool, String>,
) -> Result<(), Failure> {
    let Typed { infos, cluster } = objects;
    let mut complaints = Vec::new();
    let mut edited = Vec::new();
    for info in infos {
        let mut after = info.object.clone();
        match change(&mut after, &mut complaints) {
            Ok(true) => edited.push(edit::typed(&after, "").map(|after| Edited { info, after }).map_err(Fault::own)),
            Ok(false) => {}
            Err(problem) => {
                let failure = Failure::message(format!("error: {} {problem}\n", info.short()));
                edited.push(Err(Fault::own(failure)));
            }
        }
    }
    let end = side_by_side(
        cx,
        edited,
        |edited| edited.info.key(),
        async |edited| send(cluster.as_ref(), edited, rest).await,
        |cx, object| object.map_or(Ok(()), |object| printer.print(&object, cx.stdout())),
    );
    complaints.extend(end.err().map(Failure::each).into_iter().flatten());
    Failure::collect(complaints)
}

/// Sends one change. The result is the object to print; none when nothing changed.
async fn send(cluster: Option<&Cluster>, edited: Edited, rest: &Rest<'_>) -> Result<Option<Object>, Failure> {
    let Edited { info, after } = edited;
    let patch = edit::strategic_difference(&info.object, &after)?;
    if !rest.always && patch.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(None);
    }
    let Some(cluster) = cluster.filter(|_| rest.sending.dry_run != DryRun::Client) else { return Ok(Some(after)) };
    match rest.sending.strategic(cluster, &info, &patch).await {
        Ok(object) => edit::typed(&object, "").map(Some),
        Err(failure) if rest.refused.is_empty() => Err(failure),
        Err(failure) => Err(Failure::message(format!("{}{}", rest.refused, failure.words()))),
    }
}
