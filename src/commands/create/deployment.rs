//! `create deployment`.

use super::generated;
use crate::api::{Object, ObjectExt};
use crate::commands::flags::{Flags, integer, list, words_and_command};
use crate::commands::{Context, Exit, Failure};
use clap::{ArgMatches, Command};
use serde_json::{Value, json};

/// How the command is called.
pub fn command() -> Command {
    Command::new("deployment")
        .alias("deploy")
        .about("Create a deployment with the specified name")
        .after_help(
            "# A deployment that runs an image\nkubectl create deployment web --image=nginx:1.29\n\n\
             # Three replicas, with a port\nkubectl create deployment web --image=nginx:1.29 --replicas=3 --port=80\n\n\
             # With a command of its own\nkubectl create deployment clock --image=busybox -- date",
        )
        .before_help("NAME --image=image -- [COMMAND] [args...]")
        .defer(|c| {
            c.args(generated::flags())
                .arg(list("image", None, "The image to run; several make a pod with several containers."))
                .arg(integer("port", None, "-1", "The port that the containers serve on."))
                .arg(integer("replicas", Some('r'), "1", "How many pods to run."))
                .args(words_and_command())
        })
}

#[derive(Debug, Default, PartialEq)]
struct Plan {
    name: String,
    images: Vec<String>,
    port: i64,
    replicas: i64,
    command: Vec<String>,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    if !matches.given("image") {
        return Err(Failure::message("required flag(s) \"image\" not set"));
    }
    let plan = Plan {
        name: generated::name(matches, "create deployment")?,
        images: matches.list("image"),
        port: matches.integer("port"),
        replicas: matches.integer("replicas"),
        command: matches.list("after-dashes"),
    };
    if plan.images.len() > 1 && !plan.command.is_empty() {
        return Err(Failure::message("cannot specify multiple --image options and command"));
    }
    Ok(plan)
}

fn object(plan: &Plan, random: &mut dyn FnMut() -> String) -> Object {
    let labels = json!({"app": plan.name});
    let containers: Vec<Value> = plan
        .images
        .iter()
        .enumerate()
        .map(|(i, image)| {
            let mut container = json!({"name": container_name(image, random), "image": image});
            if !plan.command.is_empty() {
                container.put(&["command"], plan.command.clone());
            }
            if i == 0 && plan.port >= 0 {
                container.put(&["ports"], json!([{"containerPort": plan.port}]));
            }
            container
        })
        .collect();
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": plan.name, "labels": labels},
        "spec": {
            "replicas": plan.replicas, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
    })
}

/// An image's last part without tag and digest. Where it is no valid name, it is made one and kept unique.
fn container_name(image: &str, random: &mut dyn FnMut() -> String) -> String {
    let last = image.rsplit('/').next().unwrap_or_default();
    let name = last.split(':').next().unwrap_or_default().split('@').next().unwrap_or_default();
    if name.contains(['_', '.']) { format!("{}-{}", name.replace(['_', '.'], "-"), random()) } else { name.into() }
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let object = object(&plan, &mut || cx.random_suffix());
    generated::create(object, "failed to create deployment: ", matches, cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_become_a_deployment() {
        let matches = command().get_matches_from(["deployment", "web", "--image=a/b:1,c@sha256:0", "--port=80"]);
        let plan = plan(&matches).unwrap();
        let deployment = object(&plan, &mut || "abcde".into());
        let containers = deployment.items_at(&["spec", "template", "spec", "containers"]);
        assert_eq!(containers[0]["name"], "b");
        assert_eq!(containers[0]["ports"], json!([{"containerPort": 80}]));
        assert_eq!((containers[1]["name"].as_str(), containers[1].get("ports")), (Some("c"), None));
    }

    #[test]
    fn bad_lines_are_refused() {
        for line in
            [&["deployment", "web"][..], &["deployment", "--image=a"], &["deployment", "w", "--image=a,b", "--", "x"]]
        {
            assert!(plan(&command().get_matches_from(line)).is_err(), "{line:?}");
        }
    }

    #[test]
    fn containers_are_named_after_images() {
        for (image, name) in [("nginx", "nginx"), ("r.io:5000/a/b:1", "b"), ("a_b.c:1", "a-b-c-xxxxx")] {
            assert_eq!(container_name(image, &mut || "xxxxx".into()), name);
        }
    }
}
