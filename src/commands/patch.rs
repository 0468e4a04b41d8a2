//! `patch`: change fields of an object.

use super::flags::{Flags, text, words};
use super::objects::{Wanted, selection};
use super::{Context, Exit, Failure, sets};
use crate::api::{Object, json};
use crate::client::PatchKind;
use crate::merge::merge_patch;
use crate::ops::edit::Sending;
use crate::ops::infos::Info;
use crate::ops::options::{DryRun, dry_run};
use crate::ops::targets::Selection;
use crate::ops::{Cluster, local_patch, record};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("patch")
        .about("Update fields of a resource")
        .long_about(
            "Change fields of an object by a patch in JSON or YAML.\n\n \
             A strategic merge patch names the fields to change; lists of built-in types merge item by item. A merge \
             patch (RFC 7386) does the same, but replaces lists; custom resources know no other. A JSON patch (RFC \
             6902) is a list of operations.",
        )
        .after_help(
            "# Keep pods off a node\nkubectl patch node n1 -p '{\"spec\":{\"unschedulable\":true}}'\n\n\
             # The image of one container; its name is the key of its list\nkubectl patch pod web -p '{\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"app:2\"}]}}'\n\n\
             # The same by its place\nkubectl patch pod web --type=json -p '[{\"op\":\"replace\",\"path\":\"/spec/containers/0/image\",\"value\":\"app:2\"}]'\n\n\
             # A subresource\nkubectl patch deployment web --subresource=scale --type=merge -p '{\"spec\":{\"replicas\":2}}'",
        )
        .before_help("(-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]")
        .defer(|c| {
            c.args(sets::files("The file, folder or URL that lists what to patch."))
                .args(sets::output())
                .args([
                    sets::dry_run(),
                    sets::field_manager("kubectl-patch"),
                    sets::local(),
                    sets::record(),
                    sets::subresource(),
                    text("patch", Some('p'), "", "The patch."),
                    text("patch-file", None, "", "The file with the patch."),
                    text("type", None, "strategic", "The kind of patch: json, merge or strategic."),
                ])
                .arg(words())
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    wanted: Wanted,
    kind: PatchKind,
    text: String,
    file: String,
    sending: Sending,
}

fn plan(matches: &ArgMatches, program: &str) -> Result<Plan, Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    let sending = Sending {
        dry_run: dry_run(matches.text("dry-run"))?,
        manager: matches.text("field-manager").into(),
        subresource: matches.text("subresource").into(),
        ..Sending::default()
    };
    let (text, file) = (matches.text("patch").to_string(), matches.text("patch-file").to_string());
    let local = matches.on("local");
    match () {
        () if !text.is_empty() && !file.is_empty() => return fail("cannot specify --patch and --patch-file together"),
        () if text.is_empty() && file.is_empty() => {
            return fail("must specify --patch or --patch-file containing the contents of the patch");
        }
        () if local && !matches.words().is_empty() => return fail("cannot specify --local and server resources"),
        () if local && sending.dry_run == DryRun::Server => {
            return fail("cannot specify --local and --dry-run=server - did you mean --dry-run=client?");
        }
        () => {}
    }
    let kind = match matches.text("type").to_lowercase().as_str() {
        "" | "strategic" => PatchKind::Strategic,
        "merge" => PatchKind::Merge,
        "json" => PatchKind::Json,
        _ => {
            return Err(Failure::message(format!(
                "--type must be one of [json merge strategic], not {:?}",
                matches.text("type")
            )));
        }
    };
    let sources = super::sources(matches)?;
    let wanted = if local {
        Wanted::local(sources)
    } else {
        let wanted = Wanted::new(&Selection { words: matches.words(), sources, ..selection(matches) }, program)?;
        Wanted { subresource: sending.subresource.clone(), ..wanted }
    };
    Ok(Plan { wanted, kind, text, file, sending })
}

/// Reads the patch, as JSON.
fn read(plan: &Plan) -> Result<Vec<u8>, Failure> {
    let text = match plan.file.as_str() {
        "" => plan.text.clone().into_bytes(),
        file => super::read_text(file)
            .map_err(|error| Failure::message(format!("unable to read patch file: {error}")))?
            .into_bytes(),
    };
    local_patch::to_json(&text).map_err(|error| Failure::message(format!("unable to parse {:?}: {error}", plan.text)))
}

async fn patch(cluster: Option<&Cluster>, info: Info, plan: &Plan, patch: &[u8]) -> Result<(Object, bool), Failure> {
    let patched = match cluster {
        Some(cluster) if plan.sending.dry_run != DryRun::Client => {
            let answer = plan.sending.patch(cluster, &info, plan.kind, patch.to_vec()).await;
            answer.map_err(|failure| unsupported(failure, plan.kind, &info))?
        }
        _ => local_patch::apply(&info.object, plan.kind, patch)?,
    };
    let changed = patched != info.object;
    let (Some(cluster), Some(cause)) = (cluster, plan.sending.cause.as_deref()) else { return Ok((patched, changed)) };
    let mut noted = patched.clone();
    record::note(&mut noted, Some(cause));
    let cause = json::to_string(&merge_patch::diff(&patched, &noted)).into_bytes();
    // That the cause cannot be noted does not make the change undone.
    let noted = plan.sending.patch(cluster, &info, PatchKind::Merge, cause).await;
    Ok((noted.unwrap_or(patched), changed))
}

/// A server that does not take this kind of patch is named with the kind of object.
fn unsupported(failure: Failure, kind: PatchKind, info: &Info) -> Failure {
    match failure.status() {
        Some(status) if status.code == 415 => Failure::message(format!(
            "{} is not supported by {}: {}",
            kind.content_type(),
            info.mapping.gvk,
            status.message
        )),
        _ => failure,
    }
}

/// Patches the objects side by side.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let mut plan = plan(matches, cx.program.name())?;
    plan.sending.cause = cx.change_cause.clone();
    cx.printer(matches, "", DryRun::None)?;
    let bytes = read(&plan)?;
    let selected = cx.select(&plan.wanted)?;
    if selected.is_empty() {
        return Err(Failure::message("no objects passed to patch"));
    }
    selected.each(
        cx,
        async |cluster, info| patch(cluster, info, &plan, &bytes).await,
        |cx, (object, changed)| {
            let operation = if changed { "patched" } else { "patched (no change)" };
            // Each object has a printer of its own: no line parts them. A dry run is not told from the real thing.
            cx.printer(matches, operation, DryRun::None)?.print(&object, cx.stdout())
        },
    )?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(line: &str) -> Result<Plan, Failure> {
        plan(&command().get_matches_from(line.split(' ')), "kubectl")
    }

    #[test]
    fn contradictions_are_refused() {
        for (line, words) in [
            ("patch pod a", "must specify --patch or --patch-file containing the contents of the patch"),
            ("patch pod a -p {} --patch-file x", "cannot specify --patch and --patch-file together"),
            ("patch pod a -p {} --type=bogus", "--type must be one of [json merge strategic], not \\\"bogus\\\""),
            ("patch pod a -p {} --local", "cannot specify --local and server resources"),
            ("patch -f a -p {} --local --dry-run=server", "cannot specify --local and --dry-run=server"),
        ] {
            let failure = format!("{:?}", planned(line).unwrap_err());
            assert!(failure.contains(words), "{line}: {failure}");
        }
        assert_eq!(planned("patch -p {}").unwrap().wanted.targets, None);
    }

    #[test]
    fn kinds_of_patches() {
        for (line, kind) in [
            ("patch pod a -p {}", PatchKind::Strategic),
            ("patch pod a -p {} --type=", PatchKind::Strategic),
            ("patch pod a -p {} --type=Merge", PatchKind::Merge),
            ("patch pod a -p {} --type json", PatchKind::Json),
        ] {
            assert_eq!(planned(line).unwrap().kind, kind);
        }
    }
}
