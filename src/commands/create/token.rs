//! `create token`.

use super::generated;
use crate::api::GoDuration;
use crate::api::{GroupVersionResource, Object, ObjectExt};
use crate::client::{Mapping, Request};
use crate::commands::flags::{Flags, lines, span, text, words};
use crate::commands::{Context, Exit, Failure, sets};
use crate::ops::Cluster;
use crate::ops::options::DryRun;
use crate::schema;
use clap::{ArgMatches, Command};
use serde_json::json;

/// The kinds that a token can be bound to.
const KINDS: [&str; 3] = ["Node", "Pod", "Secret"];

/// How the command is called.
pub fn command() -> Command {
    Command::new("token")
        .about("Request a service account token")
        .long_about("Ask the server for a token with which a program can be a service account for some time.")
        .after_help(
            "# A token for the service account robot\nkubectl create token robot\n\n\
             # For ten minutes, and for another audience\nkubectl create token robot --duration=10m --audience=https://example.com\n\n\
             # That ends with a secret\nkubectl create token robot --bound-object-kind=Secret --bound-object-name=mine",
        )
        .before_help("SERVICE_ACCOUNT_NAME")
        .defer(|c| {
            c.args(sets::output())
                .args([
                    lines("audience", None, "Whom the token is for; may be repeated. The API server without it."),
                    text("bound-object-kind", None, "", "Node, Pod or Secret: the kind of object that the token ends with."),
                    text("bound-object-name", None, "", "That object's name."),
                    text("bound-object-uid", None, "", "That object's uid; the present one's without it."),
                    span("duration", "0s", "How long the token is good; 0 leaves it to the server."),
                ])
                .arg(words())
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    name: String,
    audiences: Vec<String>,
    duration: GoDuration,
    kind: String,
    object: String,
    uid: String,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    let plan = Plan {
        name: generated::any_name(matches, "create token")?,
        audiences: matches.list("audience"),
        duration: matches.span("duration"),
        kind: matches.text("bound-object-kind").into(),
        object: matches.text("bound-object-name").into(),
        uid: matches.text("bound-object-uid").into(),
    };
    match () {
        () if plan.name.is_empty() => fail("service account name is required"),
        () if plan.duration.0 < 0 => fail("--duration must be greater than or equal to 0"),
        () if plan.duration.0 % 1_000_000_000 != 0 => fail("--duration cannot be expressed in units less than seconds"),
        () if plan.audiences.iter().any(String::is_empty) => fail("--audience must not be an empty string"),
        () if plan.kind.is_empty() && !plan.object.is_empty() => {
            fail("--bound-object-name can only be set if --bound-object-kind is provided")
        }
        () if plan.kind.is_empty() && !plan.uid.is_empty() => {
            fail("--bound-object-uid can only be set if --bound-object-kind is provided")
        }
        () if !plan.kind.is_empty() && !KINDS.contains(&plan.kind.as_str()) => {
            Err(Failure::message(format!("supported --bound-object-kind values are {}", KINDS.join(", "))))
        }
        () if !plan.kind.is_empty() && plan.object.is_empty() => {
            fail("--bound-object-name is required if --bound-object-kind is provided")
        }
        () => Ok(plan),
    }
}

fn request(plan: &Plan) -> Object {
    let mut request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"});
    if !plan.audiences.is_empty() {
        request.put(&["spec", "audiences"], plan.audiences.clone());
    }
    if let Some(duration) = plan.duration.limit() {
        request.put(&["spec", "expirationSeconds"], duration.as_secs());
    }
    if !plan.kind.is_empty() {
        let object = json!({"kind": plan.kind, "apiVersion": "v1", "name": plan.object, "uid": plan.uid});
        request.put(&["spec", "boundObjectRef"], object);
    }
    schema::as_go_type(&request).and_then(Result::ok).unwrap_or(request)
}

async fn ask(cluster: &Cluster, plan: &Plan) -> Result<Object, Failure> {
    let mapping =
        Mapping { gvr: GroupVersionResource::new("", "v1", "serviceaccounts"), namespaced: true, ..Mapping::default() };
    let request = Request::post(&mapping, &cluster.namespace, &plan.name, &request(plan)).subresource("token");
    let failed = |reason: String| Failure::message(format!("failed to create token: {reason}"));
    let answer = cluster.client.json(&request).await.map_err(|error| failed(error.to_string()))?;
    match answer.text(&["status", "token"]) {
        "" => Err(failed("no token in server response".into())),
        _ => Ok(answer),
    }
}

/// Asks for it and prints it; with a line feed only where a person reads it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let printer = cx.typed_printer(matches, "created", DryRun::None)?;
    let cluster = cx.cluster()?;
    let answer = cx.block_on(ask(&cluster, &plan))?;
    if !matches.text("output").is_empty() || !matches.text("template").is_empty() {
        printer.print(&answer, cx.stdout())?;
        return Ok(0);
    }
    let end = if cx.prints_to_terminal() { "\n" } else { "" };
    cx.print(&format!("{}{end}", answer.text(&["status", "token"])))?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(line: &str) -> Result<Plan, Failure> {
        plan(&command().get_matches_from(line.split(' ')))
    }

    #[test]
    fn contradictions_are_refused() {
        for (line, words) in [
            ("token", "exactly one NAME is required, got 0"),
            ("token a --duration=-1s", "must be greater than or equal to 0"),
            ("token a --duration=1500ms", "cannot be expressed in units less than seconds"),
            ("token a --audience=", "--audience must not be an empty string"),
            ("token a --bound-object-name=x", "--bound-object-name can only be set"),
            ("token a --bound-object-uid=x", "--bound-object-uid can only be set"),
            ("token a --bound-object-kind=Job", "supported --bound-object-kind values are Node, Pod, Secret"),
            ("token a --bound-object-kind=Pod", "--bound-object-name is required"),
        ] {
            let failure = format!("{:?}", planned(line).unwrap_err());
            assert!(failure.contains(words), "{line}: {failure}");
        }
    }

    #[test]
    fn requests_say_only_what_was_asked_for() {
        assert_eq!(
            request(&planned("token a --duration=10m").unwrap())["spec"],
            json!({"audiences": null, "expirationSeconds": 600, "boundObjectRef": null})
        );
        let bound = request(&planned("token a --bound-object-kind=Pod --bound-object-name=p").unwrap());
        assert_eq!(bound["spec"]["boundObjectRef"], json!({"kind": "Pod", "apiVersion": "v1", "name": "p"}));
    }
}
