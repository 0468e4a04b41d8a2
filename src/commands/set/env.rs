//! `set env`: the environment variables of containers.

use super::{ALL_AND_SELECTOR, LOCAL_AND_SERVER, Rest, change_all, flags, sending, wanted};
use crate::api::{Object, ObjectExt, Value};
use crate::commands::flags::{Flags, lines, list, switch, text};
use crate::commands::objects::{Typed, Wanted};
use crate::commands::{Context, Exit, Failure, sets};
use crate::ops::edit::Sending;
use crate::ops::environment::{self, Changes};
use crate::ops::options::DryRun;
use crate::ops::{Cluster, env_values, pod_template};
use clap::{ArgMatches, Command};
use std::collections::BTreeMap;

/// How the command is called.
pub fn command() -> Command {
    Command::new("env")
        .about("Update environment variables on a pod template")
        .long_about(
            "Change the environment variables of containers, or list them. KEY=value sets a variable, KEY- takes it away, \
             and - reads lines of KEY=value from standard input. With --from a variable is made for each key of a config \
             map or secret.",
        )
        .after_help(
            "# Set one, take one away\nkubectl set env deployment/web MODE=fast OLD-\n\n\
             # List them, with the values that they refer to\nkubectl set env deployment/web --list --resolve\n\n\
             # One for each key of a secret\nkubectl set env deployment/web --from=secret/login --prefix=DB_",
        )
        .before_help("RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N")
        .defer(|c| {
            c.args(sets::files("The file, folder or URL that lists the objects.")).args(flags()).args([
                sets::selector(),
                text("containers", Some('c'), "*", "The containers' names; stars are allowed."),
                lines("env", Some('e'), "KEY=value to set; may be repeated."),
                text("from", None, "", "The config map or secret, as TYPE/NAME, whose keys become variables."),
                list("keys", None, "With --from: only these keys."),
                switch("list", None, false, "Print the variables as they would be, and change nothing."),
                switch("overwrite", None, true, "Change variables that have another value already."),
                text("prefix", None, "", "What is put before the names of the variables that are set."),
                switch("resolve", None, false, "With --list: print the values that variables refer to."),
            ])
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    objects: Vec<String>,
    /// The changes as they were written.
    texts: Vec<String>,
    containers: String,
    list: bool,
    overwrite: bool,
    resolve: bool,
    sending: Sending,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    if matches.on("all") && !matches.text("selector").is_empty() {
        return fail(ALL_AND_SELECTOR);
    }
    let (objects, words) = environment::split(&matches.words())?;
    let sending = sending(matches)?;
    match () {
        () if matches.on("local") && sending.dry_run == DryRun::Server => return fail(LOCAL_AND_SERVER),
        () if matches.list("filename").is_empty() && objects.is_empty() => {
            return fail("one or more resources must be specified as <resource> <name> or <resource>/<name>");
        }
        () if matches.on("list") && !matches.text("output").is_empty() => {
            return fail("--list and --output may not be specified together");
        }
        () if !matches.list("keys").is_empty() && matches.text("from").is_empty() => {
            return fail("when specifying --keys, a configmap or secret must be provided with --from");
        }
        () => {}
    }
    Ok(Plan {
        objects,
        texts: matches.list("env").into_iter().chain(words).collect(),
        containers: matches.text("containers").into(),
        list: matches.on("list"),
        overwrite: matches.on("overwrite"),
        resolve: matches.on("resolve"),
        sending,
    })
}

/// The objects that these words and the flags mean; a local command does not look at the words.
fn objects(words: &[String], matches: &ArgMatches, cx: &mut Context) -> Result<Typed, Failure> {
    let wanted = match matches.on("local") {
        true => Wanted::local(crate::commands::sources(matches)?).typed(),
        false => wanted(words, matches, cx.program.name())?,
    };
    cx.select(&wanted)?.typed(cx)
}

/// What is to be set and taken away, the keys of other objects included.
fn changes(plan: &Plan, matches: &ArgMatches, cx: &mut Context) -> Result<Changes, Failure> {
    let mut changes = Changes::read(&plan.texts, &mut || cx.read_stdin())?;
    let from = matches.text("from");
    if !from.is_empty() {
        let keys = matches.list("keys");
        for info in objects(&[from.to_string()], matches, cx)?.infos {
            let (variables, transferred) = environment::from_object(&info.object, &keys)?;
            transferred.iter().for_each(|line| cx.complain(&format!("Warning: {line}\n")));
            changes.set.extend(variables);
        }
    }
    changes.prefix(matches.text("prefix"));
    Ok(changes)
}

/// Changes one object. What is said of it goes to `warnings`.
fn change(object: &mut Object, plan: &Plan, changes: &Changes, warnings: &mut Vec<String>) -> Result<(), String> {
    let name = format!("{}/{}", object.kind(), object.name());
    let containers = pod_template::containers_mut(pod_template::spec_mut(object)?, &plan.containers);
    if containers.is_empty() {
        warnings.push(format!("{name} does not have any containers matching {:?}", plan.containers));
    }
    for container in containers {
        if !plan.overwrite {
            changes.check(container)?;
        }
        changes.apply(container);
    }
    Ok(())
}

/// Changes the variables, or lists them as they would be.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let printer = cx.typed_printer(matches, "env updated", plan.sending.dry_run)?;
    let changes = changes(&plan, matches, cx)?;
    let objects = objects(&plan.objects, matches, cx)?;
    let mut warnings = Vec::new();
    if plan.list {
        let cluster = objects.cluster.clone();
        for mut info in objects.infos {
            // What is wrong with a change is not said when variables are only listed.
            let unchanged = change(&mut info.object, &plan, &changes, &mut warnings).is_err();
            warnings.drain(..).for_each(|line| cx.complain(&format!("Warning: {line}\n")));
            if !unchanged {
                print_list(cluster.as_ref(), info.object, &plan, cx)?;
            }
        }
        return Ok(0);
    }
    let rest = Rest { sending: &plan.sending, refused: "failed to patch env update to pod template: ", always: false };
    let end = change_all(cx, objects, &rest, &printer, |object, _| {
        change(object, &plan, &changes, &mut warnings)?;
        Ok(true)
    });
    warnings.iter().for_each(|line| cx.complain(&format!("Warning: {line}\n")));
    end.map(|()| 0)
}

fn print_list(cluster: Option<&Cluster>, mut object: Object, plan: &Plan, cx: &mut Context) -> Result<(), Failure> {
    let whole = object.clone();
    let Ok(spec) = pod_template::spec_mut(&mut object) else { return Ok(()) };
    for container in pod_template::containers_mut(spec, &plan.containers) {
        let head = format!("# {} {}, container {}\n", whole.kind(), whole.name(), container.text(&["name"]));
        cx.print(&head)?;
        let mut problems: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for variable in container.items_at(&["env"]) {
            let name = variable.text(&["name"]);
            let line = match resolved(cluster, variable, &whole, container, plan, cx)? {
                Some(Ok(value)) => format!("{name}={value}\n"),
                other => {
                    if let Some(Err(problem)) = other {
                        problems.entry(problem).or_default().push(name);
                    }
                    format!("# {name} from {}\n", environment::origin(variable))
                }
            };
            cx.print(&line)?;
        }
        let mut lines: Vec<String> = problems
            .into_iter()
            .map(|(problem, mut names)| {
                names.sort_unstable();
                format!("error retrieving reference for {}: {problem}\n", names.join(", "))
            })
            .collect();
        lines.sort();
        lines.iter().for_each(|line| cx.complain(line));
    }
    Ok(())
}

/// The value to print for a variable; none where only its origin is to be printed.
fn resolved(
    cluster: Option<&Cluster>,
    variable: &Value,
    object: &Object,
    container: &Value,
    plan: &Plan,
    cx: &mut Context,
) -> Result<Option<Result<String, String>>, Failure> {
    if variable.at(&["valueFrom"]).is_none() {
        return Ok(Some(Ok(variable.text(&["value"]).into())));
    }
    if !plan.resolve {
        return Ok(None);
    }
    let runtime = cx.runtime()?;
    Ok(Some(runtime.block_on(env_values::value(cluster, variable, object, container))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn planned(line: &str) -> Result<Plan, Failure> {
        plan(&command().get_matches_from(line.split(' ')))
    }

    #[test]
    fn contradictions_are_refused() {
        for (line, words) in [
            ("env A=1", "one or more resources must be specified"),
            ("env deploy/d --list -o yaml", "--list and --output may not be specified together"),
            ("env deploy/d --keys=a", "when specifying --keys"),
            ("env deploy --all -l a=b A=1", ALL_AND_SELECTOR),
            ("env -f a --local --dry-run=server A=1", LOCAL_AND_SERVER),
            ("env deploy/d A=1 b", "all resources must be specified before environment changes: deploy/d A=1 b"),
        ] {
            let failure = format!("{:?}", planned(line).unwrap_err());
            assert!(failure.contains(words), "{line}: {failure}");
        }
        assert_eq!(planned("env deploy/d -e A=1 B=2").unwrap().texts, ["A=1", "B=2"]);
    }

    #[test]
    fn containers_change_and_missing_ones_are_told() {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}]}});
        let changes = Changes::read(&["A=1".to_string()], &mut || Ok(Vec::new())).unwrap();
        let mut warnings = Vec::new();
        change(&mut pod, &planned("env pod/p A=1").unwrap(), &changes, &mut warnings).unwrap();
        assert_eq!(pod["spec"]["containers"][0]["env"], json!([{"name": "A", "value": "1"}]));
        change(&mut pod, &planned("env pod/p -c x A=1").unwrap(), &changes, &mut warnings).unwrap();
        assert_eq!(warnings, ["Pod/p does not have any containers matching \"x\""]);
    }
}
