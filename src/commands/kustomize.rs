//! `kustomize`: builds a kustomization, and prints its objects.

use super::flags::{Flags, lines, list, switch, text, words};
use super::{Context, Exit, Failure};
use crate::api::{Object, ObjectExt};
use crate::manifest::kustomize::{self, Restriction};
use clap::{ArgMatches, Command};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// How the command is called.
pub fn command() -> Command {
    Command::new("kustomize")
        .about("Build a kustomization target from a directory or URL")
        .long_about(
            "Build the objects of a folder that has a kustomization.yaml, and print them: what others need comes first. \
             Without a folder, the one where the command is called is built.",
        )
        .after_help(
            "# What apply -k would send\nkubectl kustomize overlays/production\n\n\
             # A file for each object\nkubectl kustomize overlays/production -o built/",
        )
        .before_help("DIR")
        .defer(|c| {
            c.args([
                switch("as-current-user", None, false, "Run functions as the user who calls. No function is run yet."),
                switch("enable-alpha-plugins", None, false, "Run plugins. None is run yet."),
                switch("enable-helm", None, false, "Make use of helm for charts. None is made use of yet."),
                lines("env", Some('e'), "Variables for functions."),
                list("helm-api-versions", None, "The API versions that helm is told of."),
                text("helm-command", None, "helm", "The helm to call."),
                switch("helm-debug", None, false, "Have helm say more."),
                text("helm-kube-version", None, "", "The version of Kubernetes that helm is told of."),
                text(
                    "load-restrictor",
                    None,
                    "LoadRestrictionsRootOnly",
                    "With LoadRestrictionsNone, files may be read from outside of the folder.",
                ),
                lines("mount", None, "Folders for functions."),
                switch("network", None, false, "Let functions use the network."),
                text("network-name", None, "bridge", "The network for functions."),
                text("output", Some('o'), "", "Write to this file, or a file for each object into this folder."),
                words(),
            ])
        })
}

#[derive(Debug, PartialEq, Eq)]
struct Plan {
    folder: String,
    restriction: Restriction,
    output: Option<PathBuf>,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let folder = match matches.words().as_slice() {
        [] => ".".to_string(),
        [folder] => folder.clone(),
        _ => return Err(Failure::message("specify one path to kustomization.yaml")),
    };
    let restriction = match matches.text("load-restrictor") {
        "LoadRestrictionsRootOnly" | "" => Restriction::RootOnly,
        "LoadRestrictionsNone" => Restriction::None,
        other => {
            return Err(Failure::message(format!(
                "illegal flag value --load-restrictor {other}; legal values: [LoadRestrictionsRootOnly LoadRestrictionsNone]"
            )));
        }
    };
    let output = Some(matches.text("output")).filter(|output| !output.is_empty()).map(PathBuf::from);
    Ok(Plan { folder, restriction, output })
}

/// Builds, and prints or writes.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let objects = cx.build(&plan.folder, plan.restriction)?;
    match plan.output {
        None => cx.print(&kustomize::text(&objects))?,
        Some(folder) if folder.is_dir() => {
            for (name, object) in files(&objects) {
                kustomize::write(&folder.join(name), std::slice::from_ref(object)).map_err(Failure::message)?;
            }
        }
        Some(file) => kustomize::write(&file, &objects).map_err(Failure::message)?,
    }
    Ok(0)
}

/// The names of files: kind and name, behind the namespace when there is more than one.
fn files(objects: &[Object]) -> impl Iterator<Item = (String, &Object)> {
    let namespaces: BTreeSet<&str> =
        objects.iter().map(|object| object.namespace()).filter(|n| !n.is_empty()).collect();
    let several = namespaces.len() > 1;
    objects.iter().map(move |object| {
        let gvk = object.group_version_kind();
        let namespace = if several { object.namespace() } else { "" };
        let parts = [namespace, &gvk.group, &gvk.version, &gvk.kind, object.name()];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        (parts.join("_").to_lowercase() + ".yaml", object)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plans() {
        let planned =
            |line: &str| plan(&command().get_matches_from(line.split(' '))).map_err(|failure| failure.words());
        let here = Plan { folder: ".".into(), restriction: Restriction::RootOnly, output: None };
        assert_eq!(planned("kustomize").unwrap(), here);
        assert_eq!(planned("kustomize a b").unwrap_err(), "specify one path to kustomization.yaml");
        assert!(planned("kustomize --load-restrictor=x").unwrap_err().starts_with("illegal flag value"));
        assert_eq!(planned("kustomize a -o f").unwrap().output, Some("f".into()));
    }

    #[test]
    fn files_are_named_by_what_is_in_them() {
        let object = |kind: &str, namespace: &str| json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "X", "namespace": namespace}});
        let names = |objects: &[Object]| files(objects).map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(&[object("Deployment", "a")]), ["apps_v1_deployment_x.yaml"]);
        assert_eq!(
            names(&[object("Deployment", "a"), object("Deployment", "b")]),
            ["a_apps_v1_deployment_x.yaml", "b_apps_v1_deployment_x.yaml"]
        );
    }
}
