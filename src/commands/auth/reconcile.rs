//! `auth reconcile`: roles and bindings brought to what manifests expect of them.

use crate::api::{Object, ObjectExt};
use crate::commands::flags::{Flags, switch, words};
use crate::commands::manifests;
use crate::commands::{Context, Exit, Failure, required_sources, sets};
use crate::manifest::{Check, Sources};
use crate::ops::edit;
use crate::ops::faults::{Fault, Faults};
use crate::ops::infos::Info;
use crate::ops::options::{DryRun, dry_run};
use crate::ops::reconcile::{Outcome, Reconciling, is_known};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("reconcile")
        .about("Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects")
        .long_about(
            "Bring roles and bindings to what manifests expect of them. What is not there is made, with its namespace; \
             what is there gets the rules and subjects that it misses. More rules and subjects than expected stay, \
             unless they are to be removed.\n\n \
             Rules are compared by what they allow, not by how they are written, which apply would do.",
        )
        .after_help(
            "# Roles and bindings of a file\nkubectl auth reconcile -f rbac.yaml\n\n\
             # Nothing but what the file says\nkubectl auth reconcile -f rbac.yaml --remove-extra-permissions --remove-extra-subjects",
        )
        .before_help("-f FILENAME")
        .defer(|c| {
            c.args(sets::files("The file, folder or URL with the roles and bindings."))
                .args(sets::output())
                .args([
                    sets::dry_run(),
                    switch("remove-extra-permissions", None, false, "Take away from roles what is not expected."),
                    switch("remove-extra-subjects", None, false, "Take away from bindings who is not expected."),
                ])
                .arg(words())
        })
}

#[derive(Debug)]
struct Plan {
    sources: Sources,
    dry_run: bool,
    remove_permissions: bool,
    remove_subjects: bool,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let sources = required_sources(matches)?;
    if !matches.words().is_empty() {
        return Err(Failure::message("no arguments are allowed"));
    }
    let dry_run = match dry_run(matches.text("dry-run")) {
        Ok(DryRun::Server) => {
            return Err(Failure::message("--dry-run=server for command reconcile is not supported yet"));
        }
        Ok(dry_run) => dry_run == DryRun::Client,
        Err(failure) => {
            return Err(failure.within("error accessing --dry-run flag for command reconcile"));
        }
    };
    Ok(Plan {
        sources,
        dry_run,
        remove_permissions: matches.on("remove-extra-permissions"),
        remove_subjects: matches.on("remove-extra-subjects"),
    })
}

impl Plan {
    fn removes_extra(&self, object: &Object) -> bool {
        if is_role(object) { self.remove_permissions } else { self.remove_subjects }
    }
}

fn is_role(object: &Object) -> bool {
    object.kind().ends_with("Role")
}

/// What is said of an object, besides its name.
fn told(outcome: &Outcome, removed: bool) -> String {
    let Some(operation) = outcome.operation.word() else { return String::new() };
    let caveat = match outcome.protected {
        true => ", but object opted out (rbac.authorization.kubernetes.io/autoupdate: false)",
        false => "",
    };
    let what = if is_role(&outcome.object) { "rules" } else { "subjects" };
    let extra: &[String] = if removed { &outcome.extra } else { &[] };
    let mut text = format!("\treconciliation required {operation}{caveat}\n");
    for (heading, lines) in [("missing", &*outcome.missing), ("extra", extra)] {
        if !lines.is_empty() {
            let done = if heading == "missing" { "added" } else { "removed" };
            text += &format!("\t{heading} {what} {done}:\n");
            text.extend(lines.iter().map(|line| format!("\t\t{line}\n")));
        }
    }
    text
}

/// The object in a manifest, as its Go type holds it.
fn object(item: crate::manifest::Item, enforced: Option<&str>) -> Result<Object, Failure> {
    let kind = item.object.group_version_kind();
    if kind.group == "rbac.authorization.k8s.io" && ["v1beta1", "v1alpha1"].contains(&kind.version.as_str()) {
        return Err(Failure::message(format!(
            "only rbac.authorization.k8s.io/v1 is supported: not *{}.{}",
            kind.version, kind.kind
        )));
    }
    let info = Info::local(item, enforced)?;
    if edit::is_of_old_version(&info.object) {
        return Ok(info.object);
    }
    edit::typed(&info.object, &info.source)
}

/// Reconciles one object after the other; what goes wrong with one keeps none of the others from it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let dry_run = if plan.dry_run { DryRun::Client } else { DryRun::None };
    let printer = cx.typed_printer(matches, "reconciled", dry_run)?;
    let cluster = cx.cluster()?;
    let enforced = cx.enforced_namespace().map(String::from);
    let runtime = cx.runtime()?;
    let items = runtime.block_on(cx.items(&plan.sources, Check::No))?;
    let mut faults = Faults::default();
    for item in manifests::typed(items) {
        let expected = match item.and_then(|item| object(item, enforced.as_deref()).map_err(Fault::own)) {
            Ok(expected) if is_known(&expected) => expected,
            Ok(_) => continue,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        let removed = plan.removes_extra(&expected);
        let reconciling = Reconciling { dry_run: plan.dry_run, remove_extra: removed };
        match cx.block_on(reconciling.run(&cluster, &expected)) {
            Ok(outcome) => {
                printer.print(&edit::typed(&outcome.object, "")?, cx.stdout())?;
                cx.complain(&told(&outcome, removed));
            }
            Err(failure) => faults.add(failure),
        }
    }
    faults.sum().map(|()| 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::reconcile::Operation;
    use serde_json::json;

    #[test]
    fn contradictions_are_refused() {
        for (line, words) in [
            ("reconcile", "must specify one of -f and -k"),
            ("reconcile -f a b", "no arguments are allowed"),
            ("reconcile -f a --dry-run=server", "--dry-run=server for command reconcile is not supported yet"),
            (
                "reconcile -f a --dry-run=x",
                "error accessing --dry-run flag for command reconcile: Invalid dry-run value",
            ),
        ] {
            let failure = plan(&command().get_matches_from(line.split(' '))).unwrap_err().words();
            assert!(failure.starts_with(words), "{line}: {failure}");
        }
    }

    #[test]
    fn what_was_done_is_told() {
        let outcome = Outcome {
            object: json!({"kind": "RoleBinding"}),
            operation: Operation::Update,
            protected: true,
            missing: vec!["a".into()],
            extra: vec!["b".into()],
        };
        let caveat = ", but object opted out (rbac.authorization.kubernetes.io/autoupdate: false)";
        let head = format!("\treconciliation required update{caveat}\n\tmissing subjects added:\n\t\ta\n");
        assert_eq!(told(&outcome, false), head);
        assert_eq!(told(&outcome, true), format!("{head}\textra subjects removed:\n\t\tb\n"));
        assert_eq!(told(&Outcome::default(), true), "");
    }
}
