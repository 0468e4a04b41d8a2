//! `rollout history`: what was rolled out before.

use super::{flags, revision, wanted};
use crate::api::Object;
use crate::commands::flags::{Flags, integer};
use crate::commands::objects::Wanted;
use crate::commands::{Context, Exit, Failure, sets};
use crate::describe;
use crate::ops::infos::Info;
use crate::ops::options::DryRun;
use crate::ops::rollout::Workload;
use crate::ops::rollout::history::{self, History, no_such_revision};
use crate::ops::{Cluster, edit};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("history")
        .about("View rollout history")
        .long_about("List the revisions of a rollout, or show the template of one of them.")
        .after_help("# All revisions, and the third in detail\nkubectl rollout history deployment/web\nkubectl rollout history deployment/web --revision=3")
        .before_help("(TYPE NAME | TYPE/NAME) [flags]")
        .defer(|c| {
            c.args(flags())
                .args(sets::output())
                .arg(integer("revision", None, "0", "The revision to show in detail; 0 for a list of all."))
        })
}

#[derive(Debug)]
struct Plan {
    wanted: Wanted,
    revision: i64,
    /// Whether the revisions are printed as objects.
    objects: bool,
}

fn plan(matches: &ArgMatches, program: &str) -> Result<Plan, Failure> {
    let wanted = wanted(matches, program)?;
    let objects = ["output", "template"].iter().any(|flag| !matches.text(flag).is_empty());
    Ok(Plan { wanted, revision: revision(matches)?, objects })
}

/// What is shown of one controller.
enum Shown {
    Text(Object, String),
    Objects(Vec<Object>),
}

/// Shows the histories.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches, cx.program.name())?;
    let printer = cx.typed_printer(matches, "", DryRun::None)?;
    let cluster = cx.cluster()?;
    cx.select(&plan.wanted)?.each(
        cx,
        async |_, info| shown(&cluster, info, &plan).await,
        |cx, shown| match shown {
            Shown::Text(object, text) => printer.print_as(&object, &text, cx.stdout()),
            Shown::Objects(objects) => objects.iter().try_for_each(|object| printer.print(object, cx.stdout())),
        },
    )?;
    Ok(0)
}

async fn shown(cluster: &Cluster, mut info: Info, plan: &Plan) -> Result<Shown, Failure> {
    info.object = edit::typed(&info.object, &info.source)?;
    let workload = Workload::of(&info.mapping.gvk, "history", "history viewer")?;
    let history = History::read(cluster, &info, workload).await?;
    if plan.objects {
        let revisions = history.by_number();
        let chosen: Vec<&Object> = match plan.revision {
            0 => revisions.into_values().collect(),
            revision => vec![revisions.get(&revision).copied().ok_or_else(no_such_revision)?],
        };
        let restored: Result<Vec<Object>, Failure> = chosen.into_iter().map(|kept| history.restored(kept)).collect();
        return restored.map(Shown::Objects);
    }
    let of_one = if plan.revision > 0 { format!("with revision #{}", plan.revision) } else { String::new() };
    let history = match history.shown(plan.revision)? {
        history::Shown::Text(text) => text,
        history::Shown::Template(template) => describe::pod_template(&template),
    };
    let text = format!("{of_one}\n{history}");
    Ok(Shown::Text(info.object, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_or_all() {
        let planned = |line: &str| plan(&command().get_matches_from(line.split(' ')), "kubectl");
        let all = planned("history deploy/d").unwrap();
        assert!(all.revision == 0 && !all.objects);
        assert!(planned("history deploy/d -o yaml").unwrap().objects);
        assert!(planned("history deploy/d --revision=-2").is_err());
    }
}
