//! `edit`: change objects on the server in an editor.

use super::editing::Editing;
use super::flags::{Flags, switch, words};
use super::objects::Wanted;
use super::{Context, Exit, Failure, sets, sources};
use crate::ops::edit::Sending;
use crate::ops::edited_text::Subject;
use crate::ops::options::{DryRun, Validation};
use crate::ops::targets::Selection;
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("edit")
        .about("Edit a resource on the server")
        .long_about(
            "Open objects in the editor that KUBE_EDITOR or EDITOR names (vi when neither does), and send what was \
             changed. Several objects come as one list and are changed one after the other.\n\n \
             What the server finds invalid comes back into the editor with the reasons above it. When a change is refused \
             for another reason, or the object is gone, the text is kept in a file whose name is told. An unchanged or \
             empty text changes nothing.",
        )
        .after_help(
            "# A service\nkubectl edit svc/registry\n\n# With another editor\nKUBE_EDITOR=nano kubectl edit svc/registry\n\n\
             # As JSON, of this version\nkubectl edit job.v1.batch/myjob -o json\n\n\
             # Its status\nkubectl edit deployment web --subresource=status",
        )
        .before_help("(RESOURCE/NAME | -f FILENAME)")
        .defer(|c| {
            c.args(sets::files("The file, folder or URL that names the objects to edit."))
                .args(sets::output())
                .args([
                    sets::field_manager("kubectl-edit"),
                    sets::record(),
                    sets::save_config(),
                    sets::subresource(),
                    sets::validate(),
                    switch("output-patch", None, false, "Show the patches that are sent."),
                    sets::windows_line_endings("End lines as Windows does."),
                ])
                .arg(words())
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    wanted: Wanted,
    sending: Sending,
    save_config: bool,
    output_patch: bool,
}

fn plan(matches: &ArgMatches, program: &str) -> Result<Plan, Failure> {
    let selection =
        Selection { words: matches.words(), sources: sources(matches)?, type_means_all: true, ..Selection::default() };
    let subresource = matches.text("subresource").to_string();
    let wanted = Wanted { subresource: subresource.clone(), ..Wanted::new(&selection, program)?.latest() };
    Ok(Plan {
        wanted,
        sending: Sending {
            dry_run: DryRun::None,
            manager: matches.text("field-manager").into(),
            subresource,
            validation: Some(Validation::parse(matches.text("validate"))?),
            cause: None,
        },
        save_config: matches.on("save-config"),
        output_patch: matches.on("output-patch"),
    })
}

/// Reads the objects and has them edited together.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches, cx.program.name())?;
    let cluster = cx.cluster()?;
    let (infos, faults) = cx.select(&plan.wanted)?.read(cx)?;
    faults.sum()?;
    if infos.is_empty() {
        return Err(Failure::message("edit cancelled, no objects found"));
    }
    let editing = Editing {
        matches,
        subject: Subject::Live,
        sending: Sending { cause: cx.change_cause.clone(), ..plan.sending },
        save_config: plan.save_config,
        output_patch: plan.output_patch,
    };
    editing.run(&infos, &cluster, cx).map(|()| 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::targets::Targets;

    #[test]
    fn a_type_alone_means_all_of_it() {
        let planned = |line: &str| plan(&command().get_matches_from(line.split(' ')), "kubectl");
        let all = planned("edit cm").unwrap();
        assert_eq!(all.wanted.targets, Some(Targets::Types(vec!["cm".into()])));
        assert!(all.wanted.takes_types && all.wanted.latest);
        assert_eq!(planned("edit").unwrap().wanted.targets, None);
        let scale = planned("edit deploy d --subresource=scale --validate=warn").unwrap();
        assert_eq!((scale.wanted.subresource.as_str(), scale.sending.subresource.as_str()), ("scale", "scale"));
        assert_eq!(scale.sending.validation, Some(Validation::Warn));
        for line in ["edit cm/a b", "edit cm a --validate=x", "edit cm a -f b"] {
            assert!(planned(line).is_err(), "{line}");
        }
    }
}
