//! `set subject`: whom roles are bound to.

use super::{ALL_AND_SELECTOR, LOCAL_AND_SERVER, Rest, change_all, flags, sending, wanted};
use crate::api::{Object, ObjectExt, Value};
use crate::commands::flags::{Flags, lines};
use crate::commands::{Context, Exit, Failure, sets};
use crate::ops::options::DryRun;
use crate::ops::subjects;
use clap::{ArgMatches, Command};
use std::collections::BTreeSet;

/// How the command is called.
pub fn command() -> Command {
    Command::new("subject")
        .about("Update the user, group, or service account in a role binding or cluster role binding")
        .long_about("Bind the role of a role binding or cluster role binding to more users, groups and service accounts.")
        .after_help(
            "# A service account more\nkubectl set subject clusterrolebinding admins --serviceaccount=shop:robot\n\n\
             # Two users and a group more\nkubectl set subject rolebinding readers --user=ada --user=grace --group=ops",
        )
        .before_help(
            "(-f FILENAME | TYPE NAME) [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]",
        )
        // --user stands in for the global flag, so it is there from the start.
        .arg(lines("user", None, "A user's name; may be repeated."))
        .defer(|c| {
            c.args(sets::files("The file, folder or URL that lists the objects.")).args(flags()).args([
                sets::selector(),
                lines("group", None, "A group's name; may be repeated."),
                lines("serviceaccount", None, "A service account, as NAMESPACE:NAME; may be repeated."),
            ])
        })
}

/// Who is to be bound. kubectl looks at the objects before it looks at this. The namespace is that of service accounts
/// that say none, which cluster role bindings do not take.
fn plan(matches: &ArgMatches, dry_run: DryRun, namespace: &str, objects: &[&Object]) -> Result<Vec<Value>, Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    let sorted = |name: &str| matches.list(name).into_iter().collect::<BTreeSet<String>>();
    let (users, groups, accounts) = (sorted("user"), sorted("group"), sorted("serviceaccount"));
    match () {
        () if matches.on("local") && dry_run == DryRun::Server => return fail(LOCAL_AND_SERVER),
        () if matches.on("all") && !matches.text("selector").is_empty() => return fail(ALL_AND_SELECTOR),
        () if users.is_empty() && groups.is_empty() && accounts.is_empty() => {
            return fail("you must specify at least one value of user, group or serviceaccount");
        }
        () => {}
    }
    let mut found: Vec<Value> = users.iter().map(|name| subjects::user(name)).collect();
    found.extend(groups.iter().map(|name| subjects::group(name)));
    for account in &accounts {
        match account.split(':').collect::<Vec<_>>()[..] {
            [_, ""] => return fail("serviceaccount must be <namespace>:<name>"),
            ["", _] if objects.iter().any(|object| object.kind() == "ClusterRoleBinding") => {
                return fail("serviceaccount must be <namespace>:<name>, namespace must be specified");
            }
            ["", name] => found.push(subjects::service_account(namespace, name)),
            [namespace, name] => found.push(subjects::service_account(namespace, name)),
            _ => return fail("serviceaccount must be <namespace>:<name>"),
        }
    }
    Ok(found)
}

/// Adds the subjects that are not there yet; whether there were any.
fn change(object: &mut Object, new: &[Value]) -> Result<bool, String> {
    if !matches!(object.kind(), "RoleBinding" | "ClusterRoleBinding") {
        return Err("setting subjects is only supported for RoleBinding/ClusterRoleBinding".into());
    }
    let mut subjects = object.items_at(&["subjects"]).to_vec();
    let known = subjects.len();
    subjects.extend(new.iter().filter(|subject| !object.items_at(&["subjects"]).contains(subject)).cloned());
    let changed = subjects.len() > known;
    object.put(&["subjects"], subjects);
    Ok(changed)
}

/// Adds the subjects.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let sending = sending(matches)?;
    let printer = cx.typed_printer(matches, "subjects updated", sending.dry_run)?;
    let wanted = wanted(&matches.words(), matches, cx.program.name())?;
    let objects = cx.select(&wanted)?.typed(cx)?;
    let namespace = cx.namespace()?;
    let known: Vec<&Object> = objects.infos.iter().map(|info| &info.object).collect();
    let new = plan(matches, sending.dry_run, &namespace, &known)?;
    let rest = Rest { sending: &sending, refused: "failed to patch subjects to rolebinding: ", always: false };
    change_all(cx, objects, &rest, &printer, |object, _| change(object, &new))?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn subjects_are_read() {
        let planned = |line: &str, objects: &[&Object]| {
            plan(&command().get_matches_from(line.split(' ')), DryRun::None, "here", objects)
        };
        let cluster = json!({"kind": "ClusterRoleBinding"});
        let found = planned("subject rb b --user=v --user=u --user=v --serviceaccount=:s", &[]).unwrap();
        assert_eq!(found, [subjects::user("u"), subjects::user("v"), subjects::service_account("here", "s")]);
        for bad in [
            "subject rb b",
            "subject rb b --serviceaccount=a",
            "subject rb b --serviceaccount=a:",
            "subject rb --all -l a=b --user=u",
        ] {
            assert!(planned(bad, &[]).is_err(), "{bad}");
        }
        assert!(planned("subject crb b --serviceaccount=:s", &[&cluster]).is_err());
    }

    #[test]
    fn only_new_subjects_are_added() {
        let mut binding = json!({"kind": "RoleBinding", "subjects": [subjects::user("u")]});
        assert!(!change(&mut binding, &[subjects::user("u")]).unwrap());
        assert!(change(&mut binding, &[subjects::user("u"), subjects::group("g")]).unwrap());
        assert_eq!(binding["subjects"], json!([subjects::user("u"), subjects::group("g")]));
        assert!(change(&mut json!({"kind": "Pod"}), &[]).is_err());
    }
}
