//! `set image`: which images containers run.

use super::{ALL_AND_SELECTOR, LOCAL_AND_SERVER, Rest, change_all, flags, sending, wanted};
use crate::api::{Object, ObjectExt, Value};
use crate::commands::flags::Flags;
use crate::commands::{Context, Exit, Failure, sets};
use crate::ops::assignments::{self, Assignments};
use crate::ops::edit::Sending;
use crate::ops::options::DryRun;
use crate::ops::{pod_template, record};
use clap::{ArgMatches, Command};
use std::collections::BTreeMap;

/// How the command is called.
pub fn command() -> Command {
    Command::new("image")
        .about("Update the image of a pod template")
        .long_about(
            "Change the images of containers, by the containers' names; * stands for all of them. Pods, deployments, \
             replica sets, stateful sets, daemon sets, jobs, cron jobs and replication controllers have containers.",
        )
        .after_help(
            "# The image of one container\nkubectl set image deployment/web app=app:2\n\n\
             # Of all containers of all deployments\nkubectl set image deployments --all '*=app:2'\n\n\
             # Only change a file's contents\nkubectl set image -f web.yaml app=app:2 --local -o yaml",
        )
        .before_help(
            "(-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N",
        )
        .defer(|c| {
            c.args(sets::files("The file, folder or URL that lists the objects."))
                .args(flags())
                .args([sets::record(), sets::selector()])
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    objects: Vec<String>,
    images: BTreeMap<String, String>,
    sending: Sending,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let sending = sending(matches)?;
    let (objects, images) = assignments::split(&matches.words(), "image")?;
    Ok(Plan { objects, images: Assignments::read(&images, "image", false)?.set, sending })
}

/// Refuses what contradicts itself. kubectl looks at the objects first, and then at all of this.
fn check(plan: &Plan, matches: &ArgMatches) -> Result<(), Failure> {
    let mut failures = Vec::new();
    let mut fail = |text: &str| failures.push(Failure::message(text));
    if matches.on("all") && !matches.text("selector").is_empty() {
        fail(ALL_AND_SELECTOR);
    }
    if plan.images.is_empty() {
        fail("at least one image update is required");
    } else if plan.images.len() > 1 && plan.images.contains_key("*") {
        fail("all containers are already specified by *, but saw more than one container_name=container_image pairs");
    }
    if matches.on("local") && plan.sending.dry_run == DryRun::Server {
        fail(LOCAL_AND_SERVER);
    }
    Failure::collect(failures)
}

fn change(object: &mut Object, images: &BTreeMap<String, String>, complaints: &mut Vec<Failure>) -> Result<(), String> {
    let spec = pod_template::spec_mut(object)?;
    for (name, image) in images {
        let mut found = false;
        for list in ["initContainers", "containers"] {
            for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                if name == "*" || container.text(&["name"]) == name {
                    container.put(&["image"], image.as_str());
                    found = true;
                }
            }
        }
        if !found {
            complaints.push(Failure::message(format!("error: unable to find container named {name:?}")));
        }
    }
    Ok(())
}

/// Changes the images.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let printer = cx.typed_printer(matches, "image updated", plan.sending.dry_run)?;
    let wanted = wanted(&plan.objects, matches, cx.program.name())?;
    let objects = cx.select(&wanted)?.typed(cx)?;
    check(&plan, matches)?;
    let cause = cx.change_cause.clone();
    let rest =
        Rest { sending: &plan.sending, refused: "failed to patch image update to pod template: ", always: false };
    change_all(cx, objects, &rest, &printer, |object, complaints| {
        change(object, &plan.images, complaints)?;
        record::note(object, cause.as_deref());
        Ok(true)
    })?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(line: &str) -> Result<(), Failure> {
        let matches = command().get_matches_from(line.split(' '));
        check(&plan(&matches)?, &matches)
    }

    #[test]
    fn contradictions_are_refused() {
        for (line, words) in [
            ("image deploy/d", "at least one image update is required"),
            ("image deploy/d *=a b=c", "all containers are already specified by *"),
            ("image deploy --all -l a=b x=y", ALL_AND_SELECTOR),
            ("image -f a --local --dry-run=server x=y", LOCAL_AND_SERVER),
            ("image deploy/d a-", "invalid image format: a-"),
        ] {
            let failure = format!("{:?}", checked(line).unwrap_err());
            assert!(failure.contains(words), "{line}: {failure}");
        }
        assert!(matches!(checked("image deploy --all -l a=b").unwrap_err(), Failure::Many(list) if list.len() == 2));
    }

    #[test]
    fn images_change() {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": {
            "initContainers": [{"name": "i", "image": "x"}], "containers": [{"name": "a", "image": "x"}]}});
        let images = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let mut complaints = Vec::new();
        change(&mut pod, &images(&[("a", "1"), ("nosuch", "2")]), &mut complaints).unwrap();
        assert_eq!((complaints.len(), pod["spec"]["containers"][0]["image"].as_str()), (1, Some("1")));
        change(&mut pod, &images(&[("*", "3")]), &mut complaints).unwrap();
        assert_eq!((&pod["spec"]["initContainers"][0]["image"], complaints.len()), (&json!("3"), 1));
    }
}
