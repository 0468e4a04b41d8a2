//! `create cronjob`.

use super::generated;
use crate::api::Object;
use crate::commands::flags::{Flags, required, text, words_and_command};
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};
use serde_json::json;

/// How the command is called.
pub fn command() -> Command {
    Command::new("cronjob")
        .alias("cj")
        .about("Create a cron job with the specified name")
        .long_about("Create a cron job that runs an image again and again, at times that are written as cron writes them.")
        .after_help(
            "# Every minute\nkubectl create cronjob tick --image=busybox --schedule=\"*/1 * * * *\"\n\n\
             # With a command of its own\nkubectl create cronjob tick --image=busybox --schedule=\"*/1 * * * *\" -- date",
        )
        .before_help("NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...] [flags]")
        .defer(|c| {
            c.args(generated::flags())
                .args([
                    text("image", None, "", "The image to run."),
                    text("restart", None, "", "OnFailure, which is meant without it, or Never."),
                    text("schedule", None, "", "When to run, as cron writes it."),
                ])
                .args(words_and_command())
        })
}

fn object(matches: &ArgMatches) -> Result<Object, Failure> {
    required(matches, &["image", "schedule"])?;
    let name = generated::any_name(matches, "create cronjob")?;
    let restart = match matches.text("restart") {
        "" => "OnFailure",
        restart => restart,
    };
    Ok(json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name},
        "spec": {
            "schedule": matches.text("schedule"),
            "jobTemplate": {"metadata": {"name": name}, "spec": {"template": {"spec": {
                "containers": [{"name": name, "image": matches.text("image"), "command": matches.list("after-dashes")}],
                "restartPolicy": restart,
            }}}},
        },
    }))
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    generated::create(object(matches)?, "failed to create cronjob: ", matches, cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_and_a_schedule_are_needed() {
        let made = |line: &[&str]| object(&command().get_matches_from(line));
        let failure = format!("{:?}", made(&["cronjob", "c"]).unwrap_err());
        assert!(failure.contains("required flag(s) \\\"image\\\", \\\"schedule\\\" not set"), "{failure}");
        let cron_job =
            made(&["cronjob", "c", "--image=a", "--schedule=* * * * *", "--restart=Never", "--", "x"]).unwrap();
        let pod = &cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
        assert_eq!(
            pod,
            &json!({"containers": [{"name": "c", "image": "a", "command": ["x"]}], "restartPolicy": "Never"})
        );
    }
}
