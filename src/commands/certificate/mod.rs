//! `certificate`: a group, and what the commands below it share: verdicts on requests for certificates.

mod approve;
mod deny;

use super::flags::{Flags, switch, words};
use super::objects::Wanted;
use super::{Context, Entry, Exit, Failure, leaf, sets};
use crate::api::group::qualified;
use crate::api::{Object, ObjectExt, time};
use crate::ops::edit::{self, Sending};
use crate::ops::infos::Info;
use crate::ops::options::DryRun;
use crate::ops::targets::{Selection, Targets};
use crate::ops::{Cluster, find};
use clap::{Arg, ArgMatches, Command};
use serde_json::json;

/// The commands below it.
pub static BELOW: &[Entry] = &[leaf(approve::command, approve::run), leaf(deny::command, deny::run)];

/// The resource.
const REQUESTS: &str = "certificatesigningrequests";
/// How often a verdict on a request that changed meanwhile is tried again.
const ATTEMPTS: usize = 10;

/// How the group is called.
pub fn command() -> Command {
    Command::new("certificate")
        .about("Modify certificate resources")
        .long_about("Modify certificate resources.")
        .before_help("SUBCOMMAND")
        .defer(|c| c.arg(words()))
}

/// Without a command below it, its help is the output.
pub fn run(_: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let path = [cx.command_path.clone()];
    super::help::print(&path, cx)
}

/// The flags of both.
fn flags() -> Vec<Arg> {
    let mut flags = sets::files("The file, folder or URL that lists the requests.");
    flags.extend(sets::output());
    flags.extend([switch("force", None, false, "Send the request even if it has this verdict already."), words()]);
    flags
}

/// What is said of a request.
struct Verdict {
    condition: &'static str,
    /// The verdict that a request cannot have besides.
    opposite: &'static str,
    reason: &'static str,
    message: &'static str,
    /// How it is printed.
    done: &'static str,
}

#[derive(Debug)]
struct Plan {
    wanted: Wanted,
    force: bool,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let (names, sources) = (matches.words(), super::sources(matches)?);
    let targets = match (names.is_empty(), sources.is_empty()) {
        (true, true) => {
            return Err(Failure::message("one or more CSRs must be specified as <name> or -f <filename>"));
        }
        (true, false) => Targets::Files(sources),
        (false, true) => Targets::named(REQUESTS, &names)?,
        // Refuses it as for other commands.
        (false, false) => {
            let words = names.iter().map(|name| format!("{REQUESTS}/{name}")).collect();
            Selection { words, sources, ..Selection::default() }.targets("")?;
            return Err(Failure::message("resources were given twice"));
        }
    };
    let wanted = Wanted { targets: Some(targets), latest: true, homeless: true, ..Wanted::default() };
    Ok(Plan { wanted, force: matches.on("force") })
}

impl Verdict {
    /// Puts the verdict on a request. Says whether it was there already.
    fn put(&self, request: &mut Object, now: i64) -> Result<bool, Failure> {
        let has = |kind: &str| request.items_at(&["status", "conditions"]).iter().any(|c| c.text(&["type"]) == kind);
        if has(self.opposite) {
            let (name, opposite) = (request.name(), self.opposite);
            return Err(Failure::message(format!("certificate signing request {name:?} is already {opposite}")));
        }
        if has(self.condition) {
            return Ok(true);
        }
        let mut conditions = request.items_at(&["status", "conditions"]).to_vec();
        conditions.push(json!({
            "type": self.condition, "status": "True", "reason": self.reason, "message": self.message,
            "lastUpdateTime": time::rfc3339(now), "lastTransitionTime": null
        }));
        request.put(&["status", "conditions"], conditions);
        Ok(false)
    }

    /// Gives the verdict. The result is the request as it was.
    async fn give(&self, cluster: &Cluster, mut info: Info, force: bool, now: i64) -> Result<Object, Failure> {
        let sending = Sending { subresource: "approval".into(), ..Sending::default() };
        for attempt in 0.. {
            let kind = info.object.group_version_kind();
            if (kind.group.as_str(), kind.kind.as_str()) != ("certificates.k8s.io", "CertificateSigningRequest") {
                return Err(Failure::message(format!(
                    "can only handle CertificateSigningRequest.certificates.k8s.io objects, got {}",
                    qualified(&kind.kind, &kind.group)
                )));
            }
            let mut request = edit::typed(&info.object, "")?;
            if self.put(&mut request, now)? && !force {
                break;
            }
            match sending.update(cluster, &info, &request).await {
                Err(failure) if failure.is_conflict() && attempt < ATTEMPTS => {
                    info.object = find::retrieve(cluster, &info, "").await?;
                }
                done => {
                    done?;
                    break;
                }
            }
        }
        Ok(info.object)
    }

    fn run(&self, matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
        let printer = cx.printer(matches, self.done, DryRun::None)?;
        let plan = plan(matches)?;
        let (cluster, now) = (cx.cluster()?, cx.now().timestamp().as_second());
        let mut found = 0;
        cx.select(&plan.wanted)?.each(
            cx,
            async |_, info| self.give(&cluster, info, plan.force, now).await,
            |cx, request| {
                found += 1;
                printer.print(&request, cx.stdout())
            },
        )?;
        if found == 0 {
            cx.print("No resources found\n")?;
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(line: &str) -> Result<Plan, String> {
        plan(&approve::command().get_matches_from(line.split(' '))).map_err(|failure| failure.words())
    }

    #[test]
    fn requests_are_named_or_in_files() {
        let named = |kind: &str| Some(Targets::Names { pairs: vec![(kind.into(), "a".into())], combined: true });
        for (line, targets) in [
            ("approve", Err("one or more CSRs must be specified as <name> or -f <filename>")),
            ("approve a", Ok(named(REQUESTS))),
            ("approve csr/a", Ok(named("csr"))),
            ("approve a/b/c", Err("arguments in resource/name form may not have more than one slash")),
        ] {
            assert_eq!(planned(line).map(|plan| plan.wanted.targets), targets.map_err(String::from), "{line}");
        }
        assert!(planned("approve a --force").unwrap().force);
        assert!(planned("approve a -f b").is_err());
    }

    #[test]
    fn a_verdict_is_given_once_and_never_both() {
        let with = |kinds: &[&str]| {
            let conditions: Vec<_> = kinds.iter().map(|kind| json!({"type": kind})).collect();
            json!({"metadata": {"name": "a"}, "status": {"conditions": conditions}})
        };
        for (before, outcome, after) in [
            (with(&[]), Ok(false), vec!["Approved"]),
            (with(&["Failed"]), Ok(false), vec!["Failed", "Approved"]),
            (with(&["Approved"]), Ok(true), vec!["Approved"]),
            (with(&["Denied"]), Err("certificate signing request \"a\" is already Denied"), vec!["Denied"]),
        ] {
            let mut request = before;
            let result = approve::APPROVED.put(&mut request, 0).map_err(|failure| failure.words());
            assert_eq!(result, outcome.map_err(String::from));
            let kinds: Vec<&str> =
                request.items_at(&["status", "conditions"]).iter().map(|c| c.text(&["type"])).collect();
            assert_eq!(kinds, after);
        }
    }
}
