//! `set resources`: what containers ask for and may have.

use super::{ALL_AND_SELECTOR, LOCAL_AND_SERVER, Rest, change_all, flags, sending, wanted};
use crate::api::quantity::Quantity;
use crate::api::{Object, ObjectExt};
use crate::commands::flags::{Flags, text};
use crate::commands::{Context, Exit, Failure, sets};
use crate::ops::options::DryRun;
use crate::ops::{pod_template, record};
use clap::{ArgMatches, Command};
use std::str::FromStr;

/// How the command is called.
pub fn command() -> Command {
    Command::new("resources")
        .about("Update resource requests/limits on objects with pod templates")
        .long_about(
            "Change how much of their nodes containers ask for (requests) and how much they may have (limits). What has \
             only a limit asks for as much.",
        )
        .after_help(
            "# Limits of one container\nkubectl set resources deployment web -c=app --limits=cpu=200m,memory=512Mi\n\n\
             # Limits and requests of all containers\nkubectl set resources deployment web --limits=cpu=200m --requests=cpu=100m\n\n\
             # Only change a file's contents\nkubectl set resources -f web.yaml --limits=cpu=200m --local -o yaml",
        )
        .before_help("(-f FILENAME | TYPE NAME)  ([--limits=LIMITS & --requests=REQUESTS]")
        .defer(|c| {
            c.args(sets::files("The file, folder or URL that lists the objects.")).args(flags()).args([
                sets::record(),
                sets::selector(),
                text("containers", Some('c'), "*", "The containers' names; stars are allowed."),
                text("limits", None, "", "RESOURCE=QUANTITY,... that containers may have."),
                text("requests", None, "", "RESOURCE=QUANTITY,... that containers ask for."),
            ])
        })
}

type Amounts = Vec<(String, String)>;

#[derive(Debug, PartialEq)]
struct Plan {
    containers: String,
    limits: Amounts,
    requests: Amounts,
}

/// What is to be set. kubectl looks at the objects before it looks at this.
fn plan(matches: &ArgMatches, dry_run: DryRun) -> Result<Plan, Failure> {
    let (limits, requests) = (matches.text("limits"), matches.text("requests"));
    match () {
        () if matches.on("local") && dry_run == DryRun::Server => Err(Failure::message(LOCAL_AND_SERVER)),
        () if matches.on("all") && !matches.text("selector").is_empty() => Err(Failure::message(ALL_AND_SELECTOR)),
        () if limits.is_empty() && requests.is_empty() => Err(Failure::message(
            "you must specify an update to requests or limits (in the form of --requests/--limits)",
        )),
        () => Ok(Plan {
            containers: matches.text("containers").into(),
            limits: amounts(limits)?,
            requests: amounts(requests)?,
        }),
    }
}

fn amounts(text: &str) -> Result<Amounts, Failure> {
    let one = |part: &str| match part.split('=').collect::<Vec<_>>()[..] {
        [resource, quantity] => match Quantity::from_str(quantity) {
            Ok(quantity) => Ok((resource.to_string(), quantity.to_string())),
            Err(error) => Err(Failure::message(error.to_string())),
        },
        _ => Err(Failure::message(format!("invalid argument syntax {part}, expected <resource>=<value>"))),
    };
    if text.is_empty() { Ok(Vec::new()) } else { text.split(',').map(one).collect() }
}

/// Whether there were containers to change.
fn change(object: &mut Object, plan: &Plan, complaints: &mut Vec<Failure>) -> Result<bool, String> {
    let containers = pod_template::containers_mut(pod_template::spec_mut(object)?, &plan.containers);
    if containers.is_empty() {
        complaints.push(Failure::message(format!("error: unable to find container named {}", plan.containers)));
        return Ok(false);
    }
    for container in containers {
        for (part, amounts) in [("limits", &plan.limits), ("requests", &plan.requests)] {
            for (resource, quantity) in amounts {
                container.put(&["resources", part, resource], quantity.as_str());
            }
        }
    }
    Ok(true)
}

/// Changes the amounts.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let sending = sending(matches)?;
    let printer = cx.typed_printer(matches, "resource requirements updated", sending.dry_run)?;
    let wanted = wanted(&matches.words(), matches, cx.program.name())?;
    let objects = cx.select(&wanted)?.typed(cx)?;
    let plan = plan(matches, sending.dry_run)?;
    let cause = cx.change_cause.clone();
    let rest = Rest { sending: &sending, refused: "failed to patch resources update to pod template ", always: false };
    change_all(cx, objects, &rest, &printer, |object, complaints| {
        let found = change(object, &plan, complaints)?;
        record::note(object, cause.as_deref());
        Ok(found)
    })?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn planned(line: &str) -> Result<Plan, Failure> {
        plan(&command().get_matches_from(line.split(' ')), DryRun::None)
    }

    #[test]
    fn contradictions_are_refused() {
        for line in [
            "resources deploy/d",
            "resources deploy --all -l a=b --limits=cpu=1",
            "resources deploy/d --limits=cpu",
            "resources deploy/d --limits=cpu=x",
            "resources deploy/d --limits=cpu=1=2",
        ] {
            assert!(planned(line).is_err(), "{line}");
        }
    }

    #[test]
    fn amounts_change_beside_others() {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [
            {"name": "a", "resources": {"limits": {"memory": "1Gi"}}}, {"name": "b"}]}});
        let mut complaints = Vec::new();
        assert!(change(&mut pod, &planned("resources p -c a --limits=cpu=1000m").unwrap(), &mut complaints).unwrap());
        assert_eq!(
            pod["spec"]["containers"],
            json!([{"name": "a", "resources": {"limits": {"memory": "1Gi", "cpu": "1"}}}, {"name": "b"}])
        );
        assert!(!change(&mut pod, &planned("resources p -c x --limits=cpu=1").unwrap(), &mut complaints).unwrap());
        assert_eq!(complaints.len(), 1);
    }
}
