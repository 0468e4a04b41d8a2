//! `create rolebinding`.

use super::generated;
use crate::api::Object;
use crate::commands::flags::{Flags, text, words};
use crate::commands::{Context, Exit, Failure};
use crate::ops::subjects;
use clap::{ArgMatches, Command};
use serde_json::json;

/// How the command is called.
pub fn command() -> Command {
    Command::new("rolebinding")
        .about("Create a role binding for a particular role or cluster role")
        .long_about("Allow users, groups and service accounts in a namespace what a role, or a cluster role, allows.")
        .after_help(
            "# What the cluster role admin allows, for a user and a group\nkubectl create rolebinding admins --clusterrole=admin --user=ada --group=ops\n\n\
             # What the role reader allows, for a service account\nkubectl create rolebinding readers --role=reader --serviceaccount=shop:robot",
        )
        .before_help(
            "NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]",
        )
        .args(generated::subject_flags())
        .defer(|c| {
            c.args(generated::flags())
                .args([
                    text("clusterrole", None, "", "The cluster role to bind."),
                    text("role", None, "", "The role to bind."),
                ])
                .arg(words())
        })
}

fn object(matches: &ArgMatches) -> Result<Object, Failure> {
    let name = generated::name(matches, "create rolebinding")?;
    let role = match (matches.text("clusterrole"), matches.text("role")) {
        ("", "") => return Err(Failure::message("exactly one of clusterrole or role must be specified")),
        ("", role) => subjects::role("Role", role),
        (role, "") => subjects::role("ClusterRole", role),
        _ => return Err(Failure::message("exactly one of clusterrole or role must be specified")),
    };
    Ok(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
        "subjects": subjects::of(&matches.list("user"), &matches.list("group"), &matches.list("serviceaccount"))?,
        "roleRef": role,
    }))
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    generated::create(object(matches)?, "failed to create rolebinding: ", matches, cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_role_is_bound() {
        let made = |line: &str| object(&command().get_matches_from(line.split(' ')));
        let binding = made("rolebinding b --role=r --user=u --serviceaccount=n:s").unwrap();
        assert_eq!(binding["roleRef"], json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}));
        assert_eq!(binding["subjects"].as_array().unwrap().len(), 2);
        assert_eq!(made("rolebinding b --clusterrole=r").unwrap()["roleRef"]["kind"], "ClusterRole");
        for bad in ["rolebinding b", "rolebinding b --role=r --clusterrole=c", "rolebinding --role=r"] {
            assert!(made(bad).is_err(), "{bad}");
        }
    }
}
