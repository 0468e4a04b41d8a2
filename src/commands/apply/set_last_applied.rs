//! `apply set-last-applied`: have the annotation say that a file was applied, without applying it.

use crate::api::{Object, json};
use crate::client::PatchKind;
use crate::commands::flags::{Flags, list, switch, words};
use crate::commands::objects::Wanted;
use crate::commands::{Context, Exit, Failure, sets};
use crate::manifest::Sources;
use crate::ops::edit::Sending;
use crate::ops::infos::Info;
use crate::ops::options::{DryRun, dry_run};
use crate::ops::targets::Targets;
use crate::ops::{find, last_applied};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("set-last-applied")
        .about("Set the last-applied-configuration annotation on a live object to match the contents of a file")
        .long_about(
            "Have the annotation say that a file was applied last. Nothing else of the object changes: the next apply \
             then knows which fields it may take away.",
        )
        .after_help(
            "# As if this file had been applied\nkubectl apply set-last-applied -f web.yaml\n\n\
             # Also for what was never applied\nkubectl apply set-last-applied -f web.yaml --create-annotation",
        )
        .before_help("-f FILENAME")
        .defer(|c| {
            c.args(sets::output())
                .args([
                    sets::dry_run(),
                    list("filename", Some('f'), "The file, folder or URL with the objects."),
                    switch("create-annotation", None, false, "Make the annotation where there is none."),
                ])
                .arg(words())
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    wanted: Wanted,
    create: bool,
    sending: Sending,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let sources = Sources { filenames: matches.list("filename"), ..Sources::default() };
    let targets = (!sources.is_empty()).then_some(Targets::Files(sources));
    Ok(Plan {
        wanted: Wanted { targets, ..Wanted::default() },
        create: matches.on("create-annotation"),
        sending: Sending { dry_run: dry_run(matches.text("dry-run"))?, ..Sending::default() },
    })
}

/// The object's own text, as the annotation is to keep it, and the patch that puts it there.
fn patch(object: &Object) -> (String, Vec<u8>) {
    let patch = json::to_string(&last_applied::patch(object)).into_bytes();
    (json::to_string(object) + "\n", patch)
}

/// Looks at all objects first; changes them when all are as they must be.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let printer = cx.printer(matches, "configured", plan.sending.dry_run)?;
    let selected = cx.select(&plan.wanted)?;
    let mut changes: Vec<(Info, Vec<u8>)> = Vec::new();
    let mut unchanged = String::new();
    let looked = selected.each_until_fault(
        cx,
        async |cluster, mut info| {
            let (text, patch) = patch(&info.object);
            if let Some(cluster) = cluster {
                let retrieving = |failure: Failure| match failure.is_not_found() {
                    true => failure,
                    false => failure.when(
                        &format!("retrieving current configuration of:\n{}\nfrom server for:", info.describe()),
                        &info.source,
                    ),
                };
                info.object = find::retrieve(cluster, &info, "").await.map_err(retrieving)?;
            }
            match last_applied::read(&info.object) {
                None if !plan.create => Err(Failure::message(format!(
                    "no last-applied-configuration annotation found on resource: {}, to create the annotation, run the command with --create-annotation",
                    info.name
                ))),
                Some(known) if known == text => Ok((info, None)),
                _ => Ok((info, Some(patch))),
            }
        },
        |_, (info, patch)| {
            match patch {
                Some(patch) => changes.push((info, patch)),
                None => unchanged.push_str(&format!("set-last-applied {}: no changes required.\n", info.name)),
            }
            Ok(())
        },
    );
    cx.print(&unchanged)?;
    looked?;
    for (info, patch) in changes {
        let object = match plan.sending.dry_run {
            DryRun::Client => info.object,
            _ => {
                let cluster = cx.cluster()?;
                cx.block_on(plan.sending.patch(&cluster, &info, PatchKind::Merge, patch))?
            }
        };
        printer.print(&object, cx.stdout())?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_patch_holds_the_text_of_the_object() {
        let (text, patch) = patch(&json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c"}}));
        assert_eq!(text, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\"}}\n");
        let patch: serde_json::Value = serde_json::from_slice(&patch).unwrap();
        assert_eq!(patch, json!({"metadata": {"annotations": {last_applied::ANNOTATION: text}}}));
    }
}
