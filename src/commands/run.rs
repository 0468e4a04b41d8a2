//! `run`: a pod from an image.

use super::flags::{Flags, lines, span, switch, text, words_and_command};
use super::{Context, Exit, Failure, sets};
use crate::api::{Object, ObjectExt};
use crate::ops::generate::Creation;
use crate::ops::options::{DryRun, dry_run};
use crate::ops::overrides;
use clap::{ArgMatches, Command};
use serde_json::{Value, json};

/// How the command is called.
pub fn command() -> Command {
    Command::new("run")
        .about("Run a particular image on the cluster")
        .long_about("Create a pod with one container that runs an image.")
        .after_help(
            "# A pod named web\nkubectl run web --image=nginx:1.29\n\n\
             # With a port, a variable and labels\nkubectl run web --image=nginx:1.29 --port=80 --env=MODE=fast --labels=app=web,tier=front\n\n\
             # With arguments, or with a command of its own\nkubectl run clock --image=busybox -- arg1 arg2\n\
             kubectl run clock --image=busybox --command -- date -u\n\n\
             # Only look at what would be created\nkubectl run web --image=nginx:1.29 --dry-run=client -o yaml",
        )
        .before_help("NAME --image=image [--env=\"key=value\"] [--port=port] [--dry-run=server|client] [--overrides=inline-json] [--command] -- [COMMAND] [args...]")
        .defer(|c| {
            c.args(sets::output())
                .args(sets::deletion(false))
                .args(sets::files("Accepted for compatibility.").into_iter().map(|arg| {
                    let deprecated = arg.get_id() == "filename";
                    arg.hide(deprecated)
                }))
                .args([
                    sets::save_config(),
                    sets::dry_run(),
                    sets::field_manager("kubectl-run"),
                    lines("annotations", None, "KEY=value for the pod's annotations; may be repeated."),
                    switch("attach", None, false, "Attach to the container once it runs."),
                    switch("command", None, false, "What follows -- is the command, not its arguments."),
                    text("detach-keys", None, "ctrl-p,ctrl-q", "The keys that leave an attached container."),
                    lines("env", None, "KEY=value for the container's environment; may be repeated."),
                    switch("expose", None, false, "Create a service for the pod as well. Needs --port."),
                    text("image", None, "", "The image to run."),
                    text("image-pull-policy", None, "", "Always, IfNotPresent or Never; the server decides when it is empty."),
                    text("labels", Some('l'), "", "KEY=value,... for the pod's labels, instead of run=NAME."),
                    switch("leave-stdin-open", None, false, "Leave stdin open after the first attach ends."),
                    text("override-type", None, "merge", "How --overrides is put in: json, merge or strategic."),
                    text("overrides", None, "", "JSON that is put over the generated object."),
                    span("pod-running-timeout", "1m0s", "How long to wait for the pod to run when attaching."),
                    text("port", None, "", "The port that the container serves on."),
                    switch("privileged", None, false, "Run the container with all rights of its node."),
                    switch("quiet", Some('q'), false, "Leave out prompts."),
                    text("restart", None, "Always", "Always, OnFailure or Never."),
                    switch("rm", None, false, "Delete the pod after it ended. Only when attaching."),
                    switch("stdin", Some('i'), false, "Keep the container's stdin open."),
                    switch("tty", Some('t'), false, "Give the container a terminal."),
                ])
                .args(words_and_command())
        })
}

#[derive(Debug, Default, PartialEq)]
struct Plan {
    name: String,
    image: String,
    annotations: Vec<(String, String)>,
    labels: Vec<(String, String)>,
    env: Vec<(String, String)>,
    arguments: Vec<String>,
    as_command: bool,
    restart: String,
    pull_policy: String,
    port: Option<i64>,
    expose: bool,
    privileged: bool,
    stdin: bool,
    tty: bool,
    leave_stdin_open: bool,
    overrides: String,
    override_type: String,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let fail = |message: String| Err(Failure::Message(message));
    if !matches.given("image") {
        return fail("required flag(s) \"image\" not set".into());
    }
    let restart = matches.text("restart").to_string();
    if !["Always", "OnFailure", "Never"].contains(&restart.as_str()) {
        return fail(format!("invalid restart policy: {restart}, valid values are: Always, OnFailure, Never"));
    }
    let pull_policy = matches.text("image-pull-policy").to_string();
    if !["", "Always", "IfNotPresent", "Never"].contains(&pull_policy.as_str()) {
        return fail(format!(
            "invalid image pull policy: {pull_policy}, valid values are: Always, IfNotPresent, Never"
        ));
    }
    let mut words = matches.words().into_iter();
    let Some(name) = words.next() else { return fail("NAME is required for run".into()) };
    let image = matches.text("image").to_string();
    if image.is_empty() {
        return fail("--image is required".into());
    }
    if !is_image_reference(&image) {
        return fail(format!("invalid image name {image:?}: invalid reference format"));
    }
    let (stdin, tty) = (matches.on("stdin"), matches.on("tty"));
    if tty && !stdin {
        return fail("-i/--stdin is required for containers with -t/--tty=true".into());
    }
    let port = match matches.text("port") {
        "" if matches.on("expose") => return fail("--port must be set when exposing a service".into()),
        "" => None,
        text => match text.parse() {
            Ok(port) => Some(port),
            Err(_) => return fail("--port must be a number".into()),
        },
    };
    let attach = matches.on("attach") || stdin;
    if matches.on("rm") && !attach {
        return fail("--rm should only be used for attached containers".into());
    }
    if attach && dry_run(matches.text("dry-run"))? != DryRun::None {
        return fail(
            "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)"
                .into(),
        );
    }
    if attach {
        return fail("attaching to a container is not supported yet: run it without --attach and --stdin".into());
    }
    Ok(Plan {
        name,
        image,
        annotations: matches
            .list("annotations")
            .iter()
            .map(|text| pair(text, "annotations"))
            .collect::<Result<_, _>>()?,
        labels: labels(matches.text("labels"))?,
        env: matches.list("env").iter().map(|text| variable(text)).collect::<Result<_, _>>()?,
        arguments: words.chain(matches.list("after-dashes")).collect(),
        as_command: matches.on("command"),
        restart,
        pull_policy,
        port,
        expose: matches.on("expose"),
        privileged: matches.on("privileged"),
        stdin,
        tty,
        leave_stdin_open: matches.on("leave-stdin-open"),
        overrides: matches.text("overrides").to_string(),
        override_type: matches.text("override-type").to_string(),
    })
}

fn pair(text: &str, what: &str) -> Result<(String, String), Failure> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.into(), value.into())),
        _ => Err(Failure::message(format!("invalid {what} format: {text}"))),
    }
}

fn labels(text: &str) -> Result<Vec<(String, String)>, Failure> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(',')
        .map(|part| match part.split('=').collect::<Vec<_>>()[..] {
            ["", _] => Err(Failure::message("unexpected empty label key")),
            [key, value] => Ok((key.to_string(), value.to_string())),
            _ => Err(Failure::message(format!("unexpected label spec: {part}"))),
        })
        .collect()
}

fn variable(text: &str) -> Result<(String, String), Failure> {
    let good = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    match text.split_once('=') {
        Some((name, value)) if good(name) => Ok((name.into(), value.into())),
        _ => Err(Failure::message(format!("invalid env: {text}"))),
    }
}

/// Whether a text names an image: `[host[:port]/]path[:tag][@digest]` (the distribution project's reference grammar).
fn is_image_reference(text: &str) -> bool {
    let (rest, digest) = text.split_once('@').map_or((text, None), |(rest, digest)| (rest, Some(digest)));
    let digest_ok = digest.is_none_or(|digest| match digest.split_once(':') {
        Some((algorithm, hex)) => {
            !algorithm.is_empty()
                && algorithm.bytes().all(|b| b.is_ascii_alphanumeric() || b"+._-".contains(&b))
                && hex.len() >= 32
                && hex.bytes().all(|b| b.is_ascii_hexdigit())
        }
        None => false,
    });
    let last_slash = rest.rfind('/').map_or(0, |at| at + 1);
    let (path, tag) = match rest[last_slash..].rfind(':') {
        Some(at) => (&rest[..last_slash + at], Some(&rest[last_slash + at + 1..])),
        None => (rest, None),
    };
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let tag_ok = tag.is_none_or(|tag| {
        tag.len() <= 128
            && tag.bytes().next().is_some_and(word)
            && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
    });
    let mut parts: Vec<&str> = path.split('/').collect();
    let host = |part: &str| {
        part.split(':').next().is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
        }) && part.split(':').nth(1).is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
    };
    if parts.len() > 1
        && (parts[0].contains(['.', ':'])
            || parts[0].bytes().any(|b| b.is_ascii_uppercase())
            || parts[0] == "localhost")
        && host(parts[0])
    {
        parts.remove(0);
    }
    let component = |part: &&str| {
        let bytes = part.as_bytes();
        let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        bytes.first().is_some_and(alphanumeric)
            && bytes.last().is_some_and(alphanumeric)
            && bytes.iter().all(|b| alphanumeric(b) || b"._-".contains(b))
            && !part.contains("..")
            && !part.contains("___")
    };
    digest_ok && tag_ok && parts.iter().all(component)
}

fn map(pairs: &[(String, String)]) -> Value {
    pairs
        .iter()
        .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn pod(plan: &Plan) -> Object {
    let labels = if plan.labels.is_empty() { json!({"run": plan.name}) } else { map(&plan.labels) };
    let mut container = json!({"name": plan.name, "image": plan.image, "resources": {}});
    if !plan.arguments.is_empty() {
        container.put(&[if plan.as_command { "command" } else { "args" }], plan.arguments.clone());
    }
    if !plan.env.is_empty() {
        // An empty value is left out, as Go leaves out empty texts.
        let entry = |(name, value): &(String, String)| match value.as_str() {
            "" => json!({"name": name}),
            value => json!({"name": name, "value": value}),
        };
        container.put(&["env"], plan.env.iter().map(entry).collect::<Vec<_>>());
    }
    if let Some(port) = plan.port {
        container.put(&["ports"], json!([{"containerPort": port}]));
    }
    if !plan.pull_policy.is_empty() {
        container.put(&["imagePullPolicy"], plan.pull_policy.as_str());
    }
    if plan.privileged {
        container.put(&["securityContext"], json!({"privileged": true}));
    }
    for (name, on) in [("stdin", plan.stdin), ("stdinOnce", plan.stdin && !plan.leave_stdin_open), ("tty", plan.tty)] {
        if on {
            container.put(&[name], true);
        }
    }
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": plan.name, "labels": labels},
        "spec": {"containers": [container], "dnsPolicy": "ClusterFirst", "restartPolicy": plan.restart},
        "status": {},
    });
    if !plan.annotations.is_empty() {
        pod.put(&["metadata", "annotations"], map(&plan.annotations));
    }
    pod
}

fn service(plan: &Plan) -> Object {
    let selector = if plan.labels.is_empty() { json!({"run": plan.name}) } else { map(&plan.labels) };
    let mut service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": plan.name},
        "spec": {"ports": [{"port": plan.port, "protocol": "TCP", "targetPort": plan.port}], "selector": selector},
        "status": {"loadBalancer": {}},
    });
    if !plan.labels.is_empty() {
        service.put(&["metadata", "labels"], map(&plan.labels));
    }
    service
}

/// Creates the pod, and the service where one is asked for.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let dry_run = dry_run(matches.text("dry-run"))?;
    let printer = cx.typed_printer(matches, "created", dry_run)?;
    let cluster = cx.cluster()?;
    let mut objects = vec![overrides::apply(pod(&plan), &plan.overrides, &plan.override_type)?];
    if plan.expose {
        objects.push(service(&plan));
    }
    for object in objects {
        let mut creation = Creation {
            object,
            dry_run,
            save_config: matches.on("save-config") && dry_run != DryRun::Client,
            manager: matches.text("field-manager").to_string(),
            validation: None,
            complaint: "",
        };
        if cluster.enforced || dry_run != DryRun::Client {
            creation.put_into(&cluster.namespace);
        }
        let creation = creation.prepared();
        let object = if dry_run == DryRun::Client { creation.object } else { cx.block_on(creation.run(&cluster))? };
        printer.print(&object, cx.stdout())?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(line: &[&str]) -> Result<Plan, Failure> {
        plan(&command().get_matches_from(["run"].iter().chain(line)))
    }

    #[test]
    fn flags_become_a_pod() {
        let plan = planned(&["x", "--image=nginx", "--port=80", "--env=A=b", "-l", "a=b", "--", "sh", "-c"]).unwrap();
        let pod = pod(&plan);
        assert_eq!(pod["metadata"]["labels"], json!({"a": "b"}));
        assert_eq!(
            pod["spec"]["containers"][0],
            json!({"name": "x", "image": "nginx", "resources": {}, "args": ["sh", "-c"],
                "env": [{"name": "A", "value": "b"}], "ports": [{"containerPort": 80}]})
        );
    }

    #[test]
    fn bad_lines_are_refused() {
        for line in [
            &["x"][..],
            &["--image=a"],
            &["x", "--image=A"],
            &["x", "--image=a", "--restart=Bogus"],
            &["x", "--image=a", "--port=http"],
            &["x", "--image=a", "--expose"],
            &["x", "--image=a", "--env=A"],
            &["x", "--image=a", "-l", "a=b=c"],
            &["x", "--image=a", "--rm"],
        ] {
            assert!(planned(line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn images_are_references() {
        for good in
            ["nginx", "nginx:1.29", "a/b/c:x_1", "localhost:5000/a", "r.io/a@sha256:0123456789abcdef0123456789abcdef"]
        {
            assert!(is_image_reference(good), "{good}");
        }
        for bad in ["A", "a:", "a b", "/a", "a//b", "a@sha256:x", "-a", "a..b"] {
            assert!(!is_image_reference(bad), "{bad}");
        }
    }
}
