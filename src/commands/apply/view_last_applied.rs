//! `apply view-last-applied`: what was applied last, as its annotation keeps it.

use crate::api::json;
use crate::commands::flags::{Flags, text, words};
use crate::commands::objects::{Wanted, selection};
use crate::commands::{Context, Exit, Failure, sets, sources};
use crate::ops::last_applied;
use crate::ops::targets::Selection;
use crate::yaml;
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("view-last-applied")
        .about("View the latest last-applied-configuration annotations of a resource/object")
        .long_about("Print the configurations that were applied last, as YAML or JSON.")
        .after_help(
            "# Of one object\nkubectl apply view-last-applied deployment/web\n\n\
             # Of what a file lists, as JSON\nkubectl apply view-last-applied -f web.yaml -o json",
        )
        .before_help("(TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME)")
        .defer(|c| {
            c.args(sets::files("The file, folder or URL that lists the objects."))
                .args([sets::all(), sets::selector(), text("output", Some('o'), "yaml", "How to print: yaml or json.")])
                .arg(words())
        })
}

fn plan(matches: &ArgMatches, program: &str) -> Result<Wanted, Failure> {
    let selection = Selection {
        words: matches.words(),
        sources: sources(matches)?,
        all: matches.on("all"),
        // So kubectl has it: in a namespace that was named, a type alone means all of it.
        type_means_all: !matches.text("namespace").is_empty(),
        ..selection(matches)
    };
    Ok(Wanted::new(&selection, program)?.latest())
}

/// One configuration in the format that is asked for.
fn shown(configuration: &str, format: &str) -> Result<String, Failure> {
    match format {
        "json" => json::indent(configuration, "  ").map_err(|error| Failure::message(error.to_string())),
        "yaml" => {
            let value = yaml::from_str(configuration).map_err(|error| Failure::message(error.reason()))?;
            Ok(yaml::to_string(&value))
        }
        _ => Err(Failure::Usage {
            message: format!("Unexpected -o output mode: {format}, the flag 'output' must be one of yaml|json"),
            command: "apply view-last-applied".into(),
        }),
    }
}

/// Prints the configurations, or nothing when one object cannot be read.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let wanted = plan(matches, cx.program.name())?;
    let infos = cx.select(&wanted)?.read_all(cx)?;
    let mut texts = Vec::new();
    for info in &infos {
        match last_applied::read(&info.object) {
            Some(text) => texts.push(text),
            None if info.source.is_empty() => {}
            None => {
                return Err(Failure::message("<nil>").when(
                    &format!("no last-applied-configuration annotation found on resource: {}\n", info.name),
                    &info.source,
                ));
            }
        }
    }
    for text in texts {
        cx.print(&shown(text, matches.text("output"))?)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_are_shown() {
        let text = "{\"kind\":\"X\",\"data\":{\"a\":\"\\u003c\"}}\n";
        assert_eq!(
            shown(text, "json").unwrap(),
            "{\n  \"kind\": \"X\",\n  \"data\": {\n    \"a\": \"\\u003c\"\n  }\n}\n"
        );
        assert_eq!(shown(text, "yaml").unwrap(), "data:\n  a: <\nkind: X\n");
        assert!(matches!(shown(text, "wide"), Err(Failure::Usage { .. })));
    }

    #[test]
    fn a_type_alone_needs_a_reason_to_mean_all() {
        let planned = |line: &str| {
            let mut root = crate::commands::table("kubectl");
            let matches = root.try_get_matches_from_mut(line.split(' ')).unwrap();
            let (_, apply) = matches.subcommand().unwrap();
            plan(apply.subcommand().unwrap().1, "kubectl").unwrap().takes_types
        };
        assert!(!planned("kubectl apply view-last-applied cm"));
        assert!(planned("kubectl apply view-last-applied cm --all"));
        assert!(planned("kubectl apply view-last-applied cm -n foo"));
    }
}
