//! `set selector`: which pods a service is for.

use super::{Rest, change_all, flags, sending, wanted};
use crate::api::{Object, ObjectExt, Value};
use crate::commands::flags::Flags;
use crate::commands::{Context, Exit, Failure, sets};
use crate::ops::edit::Sending;
use crate::ops::{label_selector, record};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("selector")
        .about("Set the selector on a resource")
        .long_about(
            "Change the selector of services. The old one is replaced as a whole.\n\n \
             With --resource-version nothing is changed unless that is the version that the object has now.",
        )
        .after_help("# Another selector\nkubectl set selector service web 'app=web,tier=front'")
        .before_help("(-f FILENAME | TYPE NAME) EXPRESSIONS [--resource-version=version]")
        .defer(|c| {
            let files = sets::files_and_below("The file, folder or URL that lists the objects.");
            c.args(files.into_iter().filter(|arg| arg.get_id() != "kustomize"))
                .args(flags())
                .args([sets::record(), sets::resource_version()])
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    objects: Vec<String>,
    selector: Value,
    resource_version: String,
    sending: Sending,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let sending = sending(matches)?;
    let mut objects = matches.words();
    let Some(expression) = objects.pop() else { return Err(Failure::message("one selector is required")) };
    Ok(Plan {
        objects,
        selector: label_selector::from_text(&expression)?,
        resource_version: matches.text("resource-version").into(),
        sending,
    })
}

fn change(object: &mut Object, plan: &Plan) -> Result<(), String> {
    if !plan.resource_version.is_empty() {
        object.put(&["metadata", "resourceVersion"], plan.resource_version.as_str());
    }
    if (object.api_version(), object.kind()) != ("v1", "Service") {
        return Err("setting a selector is only supported for Services".into());
    }
    let expressions = plan.selector.items_at(&["matchExpressions"]);
    if !expressions.is_empty() {
        let words: Vec<String> = expressions.iter().map(in_words).collect();
        return Err(format!("match expression [{}] not supported on this object", words.join(" ")));
    }
    object.put(&["spec", "selector"], plan.selector.at(&["matchLabels"]).cloned().unwrap_or_default());
    Ok(())
}

/// An expression as Go prints it: `{key In [a b]}`.
fn in_words(expression: &Value) -> String {
    let values: Vec<&str> = expression.items_at(&["values"]).iter().filter_map(Value::as_str).collect();
    format!("{{{} {} [{}]}}", expression.text(&["key"]), expression.text(&["operator"]), values.join(" "))
}

/// Changes the selectors.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let wanted = wanted(&plan.objects, matches, cx.program.name())?;
    let printer = cx.typed_printer(matches, "selector updated", plan.sending.dry_run)?;
    // What cannot be read keeps none of the others from being changed.
    let (mut objects, mut faults) = cx.select(&wanted)?.typed_found(cx)?;
    if !plan.resource_version.is_empty() {
        // So that the version is part of the difference, and the server compares it.
        for info in &mut objects.infos {
            info.object.take_at(&["metadata", "resourceVersion"]);
        }
    }
    let cause = cx.change_cause.clone();
    let rest = Rest { sending: &plan.sending, refused: "", always: true };
    let end = change_all(cx, objects, &rest, &printer, |object, _| match change(object, &plan) {
        Ok(()) => {
            record::note(object, cause.as_deref());
            Ok(true)
        }
        Err(problem) => {
            faults.add(Failure::message(problem));
            Ok(false)
        }
    });
    if let Err(failure) = end {
        faults.add(failure);
    }
    faults.sum().map(|()| 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_are_replaced() {
        let service = || json!({"apiVersion": "v1", "kind": "Service", "spec": {"selector": {"a": "b"}}});
        let changed = |line: &[&str], mut object: Object| {
            let plan = plan(&command().get_matches_from(line)).map_err(|failure| format!("{failure:?}"))?;
            change(&mut object, &plan).map(|()| object)
        };
        assert_eq!(
            changed(&["selector", "svc", "s", "x=y"], service()).unwrap()["spec"]["selector"],
            json!({"x": "y"})
        );
        assert_eq!(
            changed(&["selector", "svc", "s", "x in (b,a),q"], service()).unwrap_err(),
            "match expression [{q Exists []} {x In [a b]}] not supported on this object"
        );
        assert!(
            changed(&["selector", "x=y"], json!({"kind": "Pod"})).unwrap_err().contains("only supported for Services")
        );
        assert!(changed(&["selector"], service()).unwrap_err().contains("one selector is required"));
    }
}
