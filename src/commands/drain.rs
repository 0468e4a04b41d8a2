//! `drain`: has the pods of nodes leave, so that work can be done on them.

use super::flags::{Flags, integer, span, switch, text};
use super::nodes::{Nodes, flags, nodes};
use super::printing::Printing;
use super::progress::Progress;
use super::{Context, Exit, Failure, sets};
use crate::api::{Object, ObjectExt, Status};
use crate::expr::selector::parse_labels;
use crate::ops::delete::why_there;
use crate::ops::drain::Options;
use crate::ops::drain::leave::{Told, leave};
use crate::ops::drain::pods::Pods;
use crate::ops::options::DryRun;
use clap::{ArgMatches, Command};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// How the command is called.
pub fn command() -> Command {
    Command::new("drain")
        .about("Drain node in preparation for maintenance")
        .long_about(
            "Have nodes take no new pods, and those leave that are there. Pods are evicted, so that their disruption \
             budgets (PodDisruptionBudget) are kept, and waited for until they are gone. Pods of DaemonSets stay, for \
             they would come back at once; so do the kubelet's own. Nothing leaves while there are pods that would be \
             lost: such as have no controller (--force), or have data of their own (--delete-emptydir-data).",
        )
        .after_help(
            "# All that can come back elsewhere\nkubectl drain one --ignore-daemonsets\n\n\
             # All pods, whatever is lost, within five minutes\nkubectl drain one --ignore-daemonsets --force --delete-emptydir-data --timeout=5m",
        )
        .before_help("NODE")
        .defer(|c| {
            c.args(flags()).args([
                sets::chunk_size(),
                switch("delete-emptydir-data", None, false, "Have pods leave whose data goes with them (emptyDir)."),
                switch("disable-eviction", None, false, "Delete pods, whatever their disruption budgets say."),
                switch("force", None, false, "Have pods leave that nothing will make anew."),
                integer("grace-period", None, "-1", "How many seconds each pod has to end; below 0 as many as it says itself."),
                switch("ignore-daemonsets", None, false, "Let pods of DaemonSets stay, and drain the rest."),
                text("pod-selector", None, "", "Have only pods with these labels leave."),
                integer(
                    "skip-wait-for-delete-timeout",
                    None,
                    "0",
                    "Do not wait for pods that should have been gone for this many seconds; 0 to wait for all.",
                ),
                span("timeout", "0s", "How long a node may take; 0 for as long as it takes."),
            ])
        })
}

#[derive(Debug)]
struct Plan {
    nodes: Nodes,
    options: Options,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let nodes = nodes(matches, "drain")?;
    let pod_selector = matches.text("pod-selector");
    if parse_labels(pod_selector).is_err() {
        return Err(Failure::message("--pod-selector=<pod_selector> must be a valid label selector"));
    }
    let options = Options {
        force: matches.on("force"),
        ignore_daemon_sets: matches.on("ignore-daemonsets"),
        delete_local_data: matches.on("delete-emptydir-data"),
        grace_period: Some(matches.integer("grace-period")).filter(|seconds| *seconds >= 0),
        timeout: matches.span("timeout"),
        pod_selector: pod_selector.into(),
        chunk: matches.integer("chunk-size"),
        disable_eviction: matches.on("disable-eviction"),
        skip_after: matches.integer("skip-wait-for-delete-timeout"),
        dry_run: nodes.dry_run,
    };
    Ok(Plan { nodes, options })
}

/// Drains one node after the other. One that cannot be drained keeps none of the others from it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let infos = plan.nodes.find(cx)?;
    plan.nodes.mark(&infos, false, matches, cx)?;
    let printer = cx.printer(matches, "drained", plan.options.dry_run)?;
    let (mut pending, mut failures) = (String::new(), Vec::new());
    for info in &infos {
        match drain(&info.name, &plan.options, &printer, cx)? {
            Ok(()) => printer.print(&info.object, cx.stdout())?,
            Err(failure) => {
                let (node, why) = (&info.name, failure.words());
                cx.complain(&format!(
                    "error: unable to drain node {node:?} due to error: {why}, continuing command...\n"
                ));
                pending.push_str(&format!(" {node}\n"));
                failures.push(failure);
            }
        }
    }
    if !pending.is_empty() {
        cx.complain(&format!("There are pending nodes to be drained:\n{pending}"));
    }
    Failure::together(failures).map_or(Ok(0), Err)
}

/// Has the pods of a node leave. What kept them from it is the inner failure.
fn drain(node: &str, options: &Options, printer: &Printing, cx: &mut Context) -> Result<Result<(), Failure>, Failure> {
    let (cluster, runtime) = (cx.cluster()?, cx.runtime()?);
    let look = || runtime.block_on(Pods::on(&cluster, node, options));
    let pods = match look() {
        Ok(pods) => pods,
        Err(failure) => return Ok(Err(failure)),
    };
    if let Some(problems) = pods.problems() {
        return Ok(Err(problems));
    }
    let warnings = pods.warnings();
    if !warnings.is_empty() {
        cx.warn(&warnings);
    }
    if options.dry_run == DryRun::Client {
        for pod in &pods.leaving {
            cx.print(&format!("evicting pod {}/{} (dry run)\n", pod.namespace(), pod.name()))?;
        }
        return Ok(Ok(()));
    }
    let progress = cx.progress();
    let teller = Teller {
        cx,
        node,
        printer,
        progress: &progress,
        waiting: BTreeMap::new(),
        gone: 0,
        all: pods.leaving.len(),
        broken: Ok(()),
    };
    let teller = RefCell::new(teller);
    let tell = |told: Told<'_>| teller.borrow_mut().tell(told);
    let left = runtime.block_on(progress.during(leave(&cluster, &pods.leaving, options, &tell)));
    let Teller { cx, broken, .. } = teller.into_inner();
    broken?;
    let Err(failure) = left else { return Ok(Ok(())) };
    match look() {
        Err(unread) => cx.complain(&not_listed(&unread)),
        Ok(pods) => {
            if !pods.leaving.is_empty() {
                let names: String = pods.leaving.iter().map(|pod| format!("pod/{}\n", pod.name())).collect();
                let why = failure.words();
                cx.complain(&format!("There are pending pods in node {node:?} when an error occurred: {why}\n{names}"));
            }
            if let Some(problems) = pods.problems() {
                cx.complain(&not_listed(&problems));
            }
        }
    }
    Ok(Err(failure))
}

fn not_listed(failure: &Failure) -> String {
    format!("Following errors occurred while getting the list of pods to delete:\n{}", failure.words())
}

/// Tells of pods while they leave.
struct Teller<'a> {
    cx: &'a mut Context,
    node: &'a str,
    printer: &'a Printing,
    progress: &'a Progress,
    /// The pods that are still there, and why, as far as that is known: a person wants to know what has to be waited for.
    waiting: BTreeMap<String, String>,
    gone: usize,
    all: usize,
    /// Whether somebody still reads it.
    broken: Result<(), Failure>,
}

impl Teller<'_> {
    fn tell(&mut self, told: Told<'_>) {
        if self.broken.is_ok() {
            self.broken = self.say(told);
        }
        let why: Vec<String> = self.waiting.iter().map(|(pod, why)| format!("pod {pod} {why}")).collect();
        let how_far = format!("node {}: {} of {} pods are gone", self.node, self.gone, self.all);
        self.progress.say(how_far, &why.join("\n"));
    }

    fn say(&mut self, told: Told<'_>) -> Result<(), Failure> {
        let key = |pod: &Object| format!("{}/{}", pod.namespace(), pod.name());
        match told {
            Told::Line(line) => self.cx.print(&line)?,
            Told::Retry(line, pod, status) => {
                self.cx.complain(&line);
                self.waiting.insert(key(pod), format!("cannot leave yet: {}", reasons(status)));
            }
            Told::Still(pod) => drop(self.waiting.insert(key(pod), why_there(pod))),
            Told::Left(pod) => {
                self.gone += 1;
                self.waiting.remove(&key(pod));
            }
            Told::Gone(pod, word) => {
                self.gone += 1;
                self.waiting.remove(&key(pod));
                self.printed(pod, word)?;
            }
            Told::Lost(pod, word) => self.printed(pod, word)?,
        }
        self.cx.finish()
    }

    fn printed(&mut self, pod: &Object, word: &str) -> Result<(), Failure> {
        let mut pod = pod.clone();
        crate::ops::lists::name_kind(&mut pod, "v1", "Pod");
        self.printer.print_as(&pod, word, self.cx.stdout())
    }
}

/// Why a pod may not be evicted: which disruption budget holds it.
fn reasons(status: &Status) -> String {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let causes: Vec<&str> = causes.map(|cause| cause.message.as_str()).filter(|message| !message.is_empty()).collect();
    if causes.is_empty() { status.message.clone() } else { causes.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::GoDuration;

    #[test]
    fn plans() {
        let planned =
            |line: &str| plan(&command().get_matches_from(line.split(' '))).map_err(|failure| failure.words());
        for (line, words) in [
            ("drain", "USAGE: drain NODE [flags]"),
            ("drain n -l a=b", "error: cannot specify both a node name and a --selector option"),
            ("drain n --pod-selector=a=b=c", "--pod-selector=<pod_selector> must be a valid label selector"),
        ] {
            assert_eq!(planned(line).unwrap_err(), words, "{line}");
        }
        let options = |line: &str| planned(line).unwrap().options;
        let plain = options("drain n");
        assert_eq!(plain, Options { chunk: 500, ..Options::default() });
        let all = options(
            "drain n --force --ignore-daemonsets --delete-emptydir-data --grace-period=0 --timeout=1m --pod-selector=a \
             --chunk-size=2 --disable-eviction --skip-wait-for-delete-timeout=3 --dry-run=server"
                .replace("             ", "")
                .as_str(),
        );
        assert!(all.force && all.ignore_daemon_sets && all.delete_local_data && all.disable_eviction);
        assert_eq!((all.grace_period, all.chunk, all.skip_after), (Some(0), 2, 3));
        assert_eq!((all.timeout, all.dry_run), (GoDuration::seconds(60), DryRun::Server));
    }
}
