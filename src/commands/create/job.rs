//! `create job`.

use super::generated;
use crate::api::{Object, ObjectExt};
use crate::commands::flags::{Flags, text, words_and_command};
use crate::commands::objects::Wanted;
use crate::commands::{Context, Exit, Failure};
use crate::ops::targets::Selection;
use clap::{ArgMatches, Command};
use serde_json::json;

/// How the command is called.
pub fn command() -> Command {
    Command::new("job")
        .about("Create a job with the specified name")
        .long_about("Create a job that runs an image once, or what a cron job would run.")
        .after_help(
            "# An image\nkubectl create job hello --image=busybox\n\n\
             # With a command of its own\nkubectl create job hello --image=busybox -- date\n\n\
             # What a cron job runs, now\nkubectl create job now --from=cronjob/nightly",
        )
        .before_help("NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...]")
        .defer(|c| {
            c.args(generated::flags())
                .args([
                    text("from", None, "", "The cron job to run, as cronjob/NAME."),
                    text("image", None, "", "The image to run."),
                ])
                .args(words_and_command())
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    name: String,
    image: String,
    from: String,
    command: Vec<String>,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let plan = Plan {
        name: generated::any_name(matches, "create job")?,
        image: matches.text("image").into(),
        from: matches.text("from").into(),
        command: matches.list("after-dashes"),
    };
    if plan.image.is_empty() == plan.from.is_empty() {
        return Err(Failure::message("either --image or --from must be specified"));
    }
    if !plan.from.is_empty() && !plan.command.is_empty() {
        return Err(Failure::message("cannot specify --from and command"));
    }
    Ok(plan)
}

fn object(plan: &Plan) -> Object {
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": plan.name},
        "spec": {"template": {"spec": {
            "containers": [{"name": plan.name, "image": plan.image, "command": plan.command}],
            "restartPolicy": "Never",
        }}},
    })
}

/// A job as a cron job would start it, owned by it and marked as started by hand.
fn from_cron_job(name: &str, cron_job: &Object) -> Object {
    let template = |part: &[&str]| {
        let path = [&["spec", "jobTemplate"], part].concat();
        cron_job.at(&path).cloned().unwrap_or_default()
    };
    let mut annotations = json!({"cronjob.kubernetes.io/instantiate": "manual"});
    for (key, value) in template(&["metadata", "annotations"]).as_object().into_iter().flatten() {
        annotations[key] = value.clone();
    }
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "name": name, "annotations": annotations, "labels": template(&["metadata", "labels"]),
            "ownerReferences": [{
                "apiVersion": "batch/v1", "kind": "CronJob", "name": cron_job.name(), "uid": cron_job.uid(),
                "controller": true,
            }],
        },
        "spec": template(&["spec"]),
    })
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let object = if plan.from.is_empty() { object(&plan) } else { started(&plan, cx)? };
    generated::create(object, "failed to create job: ", matches, cx)
}

fn started(plan: &Plan, cx: &mut Context) -> Result<Object, Failure> {
    let selection = Selection { words: vec![plan.from.clone()], ..Selection::default() };
    let infos = cx.select(&Wanted::new(&selection, cx.program.name())?)?.read_all(cx)?;
    let [info] = infos.as_slice() else { return Err(Failure::message("from must be an existing cronjob")) };
    let kind = info.object.group_version_kind();
    if (kind.group.as_str(), kind.kind.as_str()) != ("batch", "CronJob") {
        return Err(Failure::message(format!("unknown object type *{}.{}", kind.version, kind.kind)));
    }
    Ok(from_cron_job(&plan.name, &info.object))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_or_a_cron_job_is_needed() {
        let planned = |line: &str| plan(&command().get_matches_from(line.split(' ')));
        for bad in ["job j", "job j --image=a --from=b", "job j --from=cronjob/a -- x", "job j k --image=a"] {
            assert!(planned(bad).is_err(), "{bad}");
        }
        assert_eq!(planned("job j --image=a -- x y").unwrap().command, ["x", "y"]);
    }

    #[test]
    fn a_cron_job_starts_a_job() {
        let cron_job = json!({"metadata": {"name": "c", "uid": "u"}, "spec": {"jobTemplate": {
            "metadata": {"labels": {"a": "b"}, "annotations": {"x": "y"}}, "spec": {"backoffLimit": 3}}}});
        let job = from_cron_job("j", &cron_job);
        assert_eq!(job["spec"], json!({"backoffLimit": 3}));
        assert_eq!(job["metadata"]["annotations"], json!({"cronjob.kubernetes.io/instantiate": "manual", "x": "y"}));
        assert_eq!(job["metadata"]["ownerReferences"][0]["uid"], "u");
    }
}
