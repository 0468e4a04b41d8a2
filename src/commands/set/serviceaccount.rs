//! `set serviceaccount`: as whom pods run.

use super::{LOCAL_AND_SERVER, Rest, change_all, flags, sending, wanted};
use crate::api::ObjectExt;
use crate::commands::flags::Flags;
use crate::commands::{Context, Exit, Failure, sets};
use crate::ops::edit::Sending;
use crate::ops::options::DryRun;
use crate::ops::{pod_template, record};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("serviceaccount")
        .alias("sa")
        .about("Update the service account of a resource")
        .long_about("Change the service account of pods and of what makes pods.")
        .after_help(
            "# Another service account\nkubectl set serviceaccount deployment web robot\n\n\
             # Only look at what would be sent\nkubectl set sa -f web.yaml robot --local --dry-run=client -o yaml",
        )
        .before_help("(-f FILENAME | TYPE NAME) SERVICE_ACCOUNT")
        .defer(|c| {
            c.args(sets::files("The file, folder or URL that lists the objects.")).args(flags()).arg(sets::record())
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    objects: Vec<String>,
    name: String,
    sending: Sending,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let sending = sending(matches)?;
    if matches.on("local") && sending.dry_run == DryRun::Server {
        return Err(Failure::message(LOCAL_AND_SERVER));
    }
    let mut objects = matches.words();
    let Some(name) = objects.pop() else { return Err(Failure::message("serviceaccount is required")) };
    if matches.on("local") {
        // kubectl does not look at these words then.
        objects.clear();
    }
    Ok(Plan { objects, name, sending })
}

/// Changes the service accounts.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let printer = cx.typed_printer(matches, "serviceaccount updated", plan.sending.dry_run)?;
    let wanted = wanted(&plan.objects, matches, cx.program.name())?;
    let objects = cx.select(&wanted)?.typed(cx)?;
    let cause = cx.change_cause.clone();
    let rest = Rest { sending: &plan.sending, refused: "failed to patch ServiceAccountName ", always: true };
    change_all(cx, objects, &rest, &printer, |object, _| {
        pod_template::spec_mut(object)?.put(&["serviceAccountName"], plan.name.as_str());
        record::note(object, cause.as_deref());
        Ok(true)
    })?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_the_service_account() {
        let planned = |line: &str| plan(&command().get_matches_from(line.split(' ')));
        let plan = planned("sa deploy d robot").unwrap();
        assert_eq!((plan.objects, plan.name.as_str()), (vec!["deploy".to_string(), "d".into()], "robot"));
        assert!(planned("sa").is_err() && planned("sa robot -f a --local --dry-run=server").is_err());
        assert_eq!(planned("sa x robot -f a --local").unwrap().objects, Vec::<String>::new());
    }
}
