//! `apply edit-last-applied`: change in an editor what objects' annotations say was applied last.

use crate::commands::editing::Editing;
use crate::commands::flags::{Flags, words};
use crate::commands::objects::Wanted;
use crate::commands::{Context, Exit, Failure, sets, sources};
use crate::ops::edit::Sending;
use crate::ops::edited_text::Subject;
use crate::ops::options::Validation;
use crate::ops::targets::Selection;
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("edit-last-applied")
        .about("Edit latest last-applied-configuration annotations of a resource/object")
        .long_about(
            "Open what objects' annotations say was applied last in the editor that KUBE_EDITOR or EDITOR names, and \
             put what came back into the annotations. Nothing else of the objects changes.",
        )
        .after_help(
            "# Of one object\nkubectl apply edit-last-applied deployment/web\n\n\
             # Of the objects that a file names, as JSON\nkubectl apply edit-last-applied -f web.yaml -o json",
        )
        .before_help("(RESOURCE/NAME | -f FILENAME)")
        .defer(|c| {
            c.args(sets::files("The file, folder or URL that names the objects."))
                .args(sets::output())
                .args([
                    sets::field_manager("kubectl-client-side-apply"),
                    sets::record(),
                    sets::validate(),
                    sets::windows_line_endings("End lines as Windows does."),
                ])
                .arg(words())
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    wanted: Wanted,
    sending: Sending,
}

fn plan(matches: &ArgMatches, program: &str) -> Result<Plan, Failure> {
    let selection =
        Selection { words: matches.words(), sources: sources(matches)?, type_means_all: true, ..Selection::default() };
    Ok(Plan {
        wanted: Wanted::new(&selection, program)?.latest(),
        sending: Sending {
            manager: matches.text("field-manager").into(),
            validation: Some(Validation::parse(matches.text("validate"))?),
            ..Sending::default()
        },
    })
}

/// Reads the objects and has their annotations edited together.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches, cx.program.name())?;
    let cluster = cx.cluster()?;
    let (infos, faults) = cx.select(&plan.wanted)?.read(cx)?;
    faults.sum()?;
    let configurations = cx.configurations(&cluster, &infos)?;
    if configurations.is_empty() {
        return Err(Failure::message(
            "no last-applied-configuration annotation found on resources, to create the annotation, use command `kubectl apply set-last-applied --create-annotation`",
        ));
    }
    let editing = Editing {
        matches,
        subject: Subject::LastApplied,
        sending: Sending { cause: cx.change_cause.clone(), ..plan.sending },
        save_config: false,
        output_patch: false,
    };
    editing.run(&configurations, &cluster, cx).map(|()| 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_is_that_of_apply() {
        let planned = |line: &str| plan(&command().get_matches_from(line.split(' ')), "kubectl");
        assert_eq!(planned("edit-last-applied cm a").unwrap().sending.manager, "kubectl-client-side-apply");
        assert!(planned("edit-last-applied cm").unwrap().wanted.takes_types);
        assert!(planned("edit-last-applied cm a --validate=x").is_err());
    }
}
