//! `create poddisruptionbudget`.

use super::generated;
use crate::api::{Object, Value};
use crate::commands::flags::{Flags, text, words};
use crate::commands::{Context, Exit, Failure};
use crate::ops::label_selector;
use clap::{ArgMatches, Command};
use serde_json::json;

/// How the command is called.
pub fn command() -> Command {
    Command::new("poddisruptionbudget")
        .alias("pdb")
        .about("Create a pod disruption budget with the specified name")
        .long_about("Create a pod disruption budget: how many of some pods must stay when nodes are drained.")
        .after_help(
            "# One pod of app=web must stay\nkubectl create pdb web --selector=app=web --min-available=1\n\n\
             # Half of them\nkubectl create pdb web --selector=app=web --min-available=50%",
        )
        .before_help("NAME --selector=SELECTOR --min-available=N [--dry-run=server|client|none]")
        .defer(|c| {
            c.args(generated::flags())
                .args([
                    text("max-unavailable", None, "", "How many, or which part, of the pods may be away."),
                    text("min-available", None, "", "How many, or which part, of the pods must stay."),
                    text("selector", None, "", "The pods' labels, such as app=web."),
                ])
                .arg(words())
        })
}

fn object(matches: &ArgMatches) -> Result<Object, Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    let name = generated::name(matches, "create poddisruptionbudget")?;
    let (least, most, selector) =
        (matches.text("min-available"), matches.text("max-unavailable"), matches.text("selector"));
    let good = |text: &str| {
        let digits = text.strip_suffix('%').unwrap_or(text);
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    };
    let (field, text) = match (least, most) {
        _ if selector.is_empty() => return fail("a selector must be specified"),
        ("", "") => return fail("one of min-available or max-unavailable must be specified"),
        (least, "") if good(least) => ("minAvailable", least),
        ("", most) if good(most) => ("maxUnavailable", most),
        (_, "") => return fail("invalid format specified for min-available"),
        ("", _) => return fail("invalid format specified for max-unavailable"),
        _ => return fail("min-available and max-unavailable cannot be both specified"),
    };
    let number = text.parse::<i32>().map_or_else(|_| Value::from(text), Value::from);
    Ok(json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name},
        "spec": {field: number, "selector": label_selector::from_text(selector)?},
    }))
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    generated::create(object(matches)?, "failed to create poddisruptionbudgets: ", matches, cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_needed() {
        let made = |line: &str| object(&command().get_matches_from(line.split(' ')));
        let selector = json!({"matchLabels": {"a": "b"}});
        for (flag, spec) in [
            ("--min-available=50%", json!({"minAvailable": "50%", "selector": selector})),
            ("--max-unavailable=2", json!({"maxUnavailable": 2, "selector": selector})),
        ] {
            assert_eq!(made(&format!("pdb p --selector=a=b {flag}")).unwrap()["spec"], spec);
        }
        for bad in [
            "pdb p --min-available=1",
            "pdb p --selector=a=b",
            "pdb p --selector=a=b --min-available=x",
            "pdb p --selector=a=b --max-unavailable=%",
            "pdb p --selector=a=b --max-unavailable=1 --min-available=1",
            "pdb --selector=a=b --min-available=1",
        ] {
            assert!(made(bad).is_err(), "{bad}");
        }
    }
}
