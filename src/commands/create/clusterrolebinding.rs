//! `create clusterrolebinding`.

use super::generated;
use crate::api::Object;
use crate::commands::flags::{Flags, required, text, words};
use crate::commands::{Context, Exit, Failure};
use crate::ops::subjects;
use clap::{ArgMatches, Command};
use serde_json::json;

/// How the command is called.
pub fn command() -> Command {
    Command::new("clusterrolebinding")
        .about("Create a cluster role binding for a particular cluster role")
        .long_about("Allow users, groups and service accounts in the whole cluster what a cluster role allows.")
        .after_help(
            "# What cluster-admin allows, for two users and a group\nkubectl create clusterrolebinding admins --clusterrole=cluster-admin --user=ada --user=grace --group=ops",
        )
        .before_help(
            "NAME --clusterrole=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]",
        )
        .args(generated::subject_flags())
        .defer(|c| {
            c.args(generated::flags())
                .arg(text("clusterrole", None, "", "The cluster role to bind."))
                .arg(words())
        })
}

fn object(matches: &ArgMatches) -> Result<Object, Failure> {
    required(matches, &["clusterrole"])?;
    let name = generated::name(matches, "create clusterrolebinding")?;
    Ok(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
        "subjects": subjects::of(&matches.list("user"), &matches.list("group"), &matches.list("serviceaccount"))?,
        "roleRef": subjects::role("ClusterRole", matches.text("clusterrole")),
    }))
}

/// Creates it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    generated::create(object(matches)?, "failed to create clusterrolebinding: ", matches, cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_role_is_needed() {
        let made = |line: &str| object(&command().get_matches_from(line.split(' ')));
        assert_eq!(
            made("clusterrolebinding b --clusterrole=r --group=g").unwrap()["subjects"],
            json!([subjects::group("g")])
        );
        assert!(made("clusterrolebinding b").is_err() && made("clusterrolebinding --clusterrole=r").is_err());
    }
}
