//! `logs`: what containers said.

use super::flags::{Flags, integer, span, switch, text, words};
use super::streams::{Complaints, Out};
use super::{Context, Exit, Failure, sets};
use crate::api::duration::GoDuration;
use crate::api::{Object, ObjectExt, Status};
use crate::ops::logs::{self, Log, Wanted};
use crate::ops::targets::Targets;
use crate::ops::{Cluster, edit, find, lists::Query};
use crate::schema;
use clap::{ArgMatches, Command};
use futures_util::future::try_join_all;
use std::io::Write;
use std::time::Duration;

const USAGE: &str = "logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]";
/// How many lines of each log are printed where pods are selected and nothing else is said.
const SELECTED_TAIL: i64 = 10;
/// How long to wait before a log that could not be followed is asked for again.
const PAUSE: Duration = Duration::from_secs(1);

/// How the command is called.
pub fn command() -> Command {
    Command::new("logs")
        .about("Print the logs for a container in a pod or specified resource. If the pod has only one container, the container name is optional")
        .long_about(
            "Print what a container wrote to its output. Of a pod with several containers that is its default, or the one \
             that is named. Something that has pods, such as a Deployment, means the pod of it that tells most.",
        )
        .after_help(
            "# The log of a pod's only or default container\nkubectl logs web-1\n\n\
             # Of one container; of all; of the instance before the last restart\nkubectl logs web-1 -c proxy\nkubectl logs web-1 --all-containers\nkubectl logs -p web-1\n\n\
             # What comes, of all pods with a label, each line with its pod and container\nkubectl logs -f -l app=web --prefix\n\n\
             # Of the pods of a Deployment\nkubectl logs deployment/web --all-pods\n\n\
             # The last 20 lines; those of the last hour\nkubectl logs --tail=20 web-1\nkubectl logs --since=1h web-1",
        )
        .before_help("[-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]")
        .defer(|c| {
            c.args([
                switch("all-pods", None, false, "The logs of all pods of an object; turns --prefix on."),
                switch("all-containers", None, false, "The logs of all containers."),
                switch("follow", Some('f'), false, "Print what comes until the container ends."),
                switch("timestamps", None, false, "Put the time before each line."),
                integer("limit-bytes", None, "0", "Print at most this many bytes of each log; 0 for all."),
                switch("previous", Some('p'), false, "The log of the container before it was restarted."),
                integer("tail", None, "-1", "Print this many of the last lines; -1 for all, or for 10 with a selector."),
                switch("ignore-errors", None, false, "Go on with the other logs when one cannot be read."),
                text("since-time", None, "", "Print what is newer than this time (RFC 3339)."),
                span("since", "0s", "Print what is newer than this, such as 5s, 2m or 3h; 0 for all."),
                text("container", Some('c'), "", "The container."),
                switch(
                    "insecure-skip-tls-verify-backend",
                    None,
                    false,
                    "Have the server accept whatever kubelet answers: what it says may be false.",
                ),
                span("pod-running-timeout", "20s", "How long to wait until there is a pod to read of."),
                sets::selector(),
                integer("max-log-requests", None, "5", "Follow at most this many logs at once."),
                switch("prefix", None, false, "Put the pod and the container before each line."),
                words(),
            ])
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    /// The object; empty where a selector says which pods.
    object: String,
    selector: String,
    wanted: Wanted,
    all_pods: bool,
    all_containers: bool,
    prefix: bool,
    ignore_errors: bool,
    at_once: i64,
    limit: Duration,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let usage = |message: &str| Failure::Usage { message: message.into(), command: "logs".into() };
    let named_nothing =
        || usage(&format!("expected '{USAGE}'.\nPOD or TYPE/NAME is a required argument for the logs command"));
    let selector = matches.text("selector").to_string();
    let mut container = matches.text("container").to_string();
    let words = matches.words();
    let object = match words.as_slice() {
        [] if selector.is_empty() => return Err(named_nothing()),
        [] => String::new(),
        [_] if !selector.is_empty() => return Err(usage("only a selector (-l) or a POD name is allowed")),
        [object] => object.clone(),
        [object, inline] => {
            container = inline.clone();
            object.clone()
        }
        _ => return Err(named_nothing()),
    };
    let limit = matches.span("pod-running-timeout").limit();
    let limit = limit.ok_or_else(|| Failure::message("--pod-running-timeout must be higher than zero"))?;
    let since_time = match matches.text("since-time") {
        "" => String::new(),
        text => schema::time(text, false).map_err(Failure::Message)?,
    };
    let (tail, since) = (matches.integer("tail"), matches.span("since"));
    let tail_lines = match tail {
        -1 if !selector.is_empty() && !matches.given("tail") => Some(SELECTED_TAIL),
        -1 => None,
        lines => Some(lines),
    };
    let all_pods = matches.on("all-pods");
    Ok(Plan {
        object,
        selector,
        wanted: Wanted {
            container,
            follow: matches.on("follow"),
            previous: matches.on("previous"),
            timestamps: matches.on("timestamps"),
            insecure_backend: matches.on("insecure-skip-tls-verify-backend"),
            limit_bytes: Some(matches.integer("limit-bytes")).filter(|bytes| *bytes != 0),
            tail_lines,
            since_seconds: (since != GoDuration(0)).then(|| rounded(since)),
            since_time,
        },
        all_pods,
        all_containers: matches.on("all-containers"),
        prefix: all_pods || matches.on("prefix"),
        ignore_errors: matches.on("ignore-errors"),
        at_once: matches.integer("max-log-requests"),
        limit,
    })
}

/// Seconds; halves are rounded away from zero.
fn rounded(span: GoDuration) -> i64 {
    (span.0 + span.0.signum() * 500_000_000) / 1_000_000_000
}

/// What kubectl refuses only after it has found the object.
fn check(plan: &Plan, matches: &ArgMatches) -> Result<(), Failure> {
    let fail = |text: &str| Err(Failure::message(text));
    let wanted = &plan.wanted;
    match () {
        () if !wanted.since_time.is_empty() && wanted.since_seconds.is_some() => {
            fail("at most one of `sinceTime` or `sinceSeconds` may be specified")
        }
        () if plan.all_containers && !wanted.container.is_empty() => {
            fail(&format!("--all-containers=true should not be specified with container name {}", wanted.container))
        }
        () if matches.given("container") && matches.words().len() == 2 => {
            fail("only one of -c or an inline [CONTAINER] arg is allowed")
        }
        () if wanted.limit_bytes.is_some_and(|bytes| bytes < 0) => fail("--limit-bytes must be greater than 0"),
        () if wanted.since_seconds.is_some_and(|seconds| seconds < 0) => fail("--since must be greater than 0"),
        () if wanted.tail_lines.is_some_and(|lines| lines < -1) => fail("--tail must be greater than or equal to -1"),
        () => Ok(()),
    }
}

/// Finds the containers and prints what they say.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let cluster = cx.cluster()?;
    let found = cx.block_on(found(&plan, &cluster))?;
    if found.is_empty() {
        cx.complain(&format!("No resources found in {} namespace.\n", cluster.namespace));
    }
    check(&plan, matches)?;
    let pods = match found.as_slice() {
        [object] if plan.selector.is_empty() && object.kind() != "Pod" => cx.pods_of(object, &plan, &cluster)?,
        _ => found,
    };
    let mut told = String::new();
    let mut logs = Vec::new();
    for pod in &pods {
        // Who reads all pods' logs sees in each line whose it is.
        let mut tell = |line: String| {
            if !plan.all_pods || !line.starts_with("Defaulted") {
                told.push_str(&line)
            }
        };
        logs.extend(logs::of_pod(pod, &plan.wanted.container, plan.all_containers, &mut tell)?);
    }
    if !told.is_empty() {
        cx.complain(&told);
    }
    let count = i64::try_from(logs.len()).unwrap_or(i64::MAX);
    if plan.wanted.follow && count > 1 && count > plan.at_once {
        return Err(Failure::message(format!(
            "you are attempting to follow {count} log streams, but maximum allowed concurrency is {}, use --max-log-requests to increase the limit",
            plan.at_once
        )));
    }
    let reader = Reader { cluster: &cluster, plan: &plan, out: cx.out(), complaints: cx.complaints() };
    cx.block_on(async {
        if plan.wanted.follow {
            try_join_all(logs.iter().map(|log| reader.follow(log))).await?;
            return Ok(());
        }
        for log in &logs {
            reader.once(log).await?;
        }
        Ok::<(), Failure>(())
    })?;
    Ok(0)
}

/// The object that is named, or the pods that are selected.
async fn found(plan: &Plan, cluster: &Cluster) -> Result<Vec<Object>, Failure> {
    if plan.object.is_empty() {
        let mut pods = Vec::new();
        let query = Query { labels: plan.selector.clone(), ..Query::default() };
        let page = |page| {
            pods.extend(crate::ops::lists::items(page));
            Ok(())
        };
        query.pages(cluster, &logs::pods(), &cluster.namespace, page).await?;
        return Ok(pods);
    }
    let Targets::Names { pairs, combined } = Targets::named("pods", std::slice::from_ref(&plan.object))? else {
        return Ok(Vec::new());
    };
    let mut objects = Vec::new();
    for info in find::named(cluster, &pairs, combined, false).await? {
        let object = find::retrieve(cluster, &info, "").await.map_err(|failure| absent(failure, cluster))?;
        objects.push(edit::typed(&object, "")?);
    }
    Ok(objects)
}

fn absent(failure: Failure, cluster: &Cluster) -> Failure {
    match failure.status() {
        Some(Status { message, .. }) if failure.is_not_found() => {
            Failure::message(format!("error from server (NotFound): {message} in namespace {:?}", cluster.namespace))
        }
        _ => failure,
    }
}

impl Context {
    /// The pods of an object whose logs are to be read.
    fn pods_of(&mut self, object: &Object, plan: &Plan, cluster: &Cluster) -> Result<Vec<Object>, Failure> {
        let selector = logs::selector(object)?;
        let mut pods = self.block_on(logs::selected(cluster, object.namespace(), &selector, plan.limit))?;
        if !plan.all_pods && pods.len() > 1 {
            self.complain(&format!("Found {} pods, using pod/{}\n", pods.len(), pods[0].name()));
            pods.truncate(1);
        }
        Ok(pods)
    }
}

/// Reads logs and prints them.
struct Reader<'a> {
    cluster: &'a Cluster,
    plan: &'a Plan,
    out: Out,
    complaints: Complaints,
}

impl Reader<'_> {
    /// Prints a log as it is now.
    async fn once(&self, log: &Log) -> Result<(), Failure> {
        match self.copy(log).await {
            Err(failure) if self.plan.ignore_errors => self.note(&failure),
            ended => ended,
        }
    }

    /// Prints what comes. A log that a server does not give yet is asked for again, for a while.
    async fn follow(&self, log: &Log) -> Result<(), Failure> {
        let begin = tokio::time::Instant::now();
        loop {
            let failure = match self.copy(log).await {
                Ok(()) => return Ok(()),
                Err(failure) if self.plan.ignore_errors => return self.note(&failure),
                Err(failure) => failure,
            };
            let mut complaints = self.complaints.clone();
            complaints.write_all(format!("{}\n", failure.words()).as_bytes())?;
            complaints.flush()?;
            if failure.status().is_none() {
                return Err(failure);
            }
            if begin.elapsed() + PAUSE > self.plan.limit {
                return Err(Failure::message("context deadline exceeded"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// An error that does not matter stands among the lines.
    fn note(&self, failure: &Failure) -> Result<(), Failure> {
        Ok(self.out.clone().write_all(format!("error: {}\n", failure.words()).as_bytes())?)
    }

    /// Prints whole lines, so that logs that are read at once do not mix within a line.
    async fn copy(&self, log: &Log) -> Result<(), Failure> {
        let prefix = match self.plan.prefix {
            true => format!("[pod/{}/{}] ", log.pod, log.container),
            false => String::new(),
        };
        let mut stream = self.cluster.client.stream(&log.request(&self.plan.wanted)).await?;
        let mut out = self.out.clone();
        let mut rest = Vec::new();
        loop {
            let chunk = stream.chunk().await;
            if let Ok(Some(bytes)) = &chunk {
                rest.extend_from_slice(bytes);
            }
            let whole = match &chunk {
                Ok(Some(_)) => rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1),
                _ => rest.len(),
            };
            for line in rest[..whole].split_inclusive(|byte| *byte == b'\n') {
                out.write_all(prefix.as_bytes())?;
                out.write_all(line)?;
            }
            rest.drain(..whole);
            if self.plan.wanted.follow {
                out.flush()?;
            }
            if chunk?.is_none() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(line: &str) -> Result<Plan, Failure> {
        let matches = command().get_matches_from(line.split(' '));
        let plan = plan(&matches)?;
        check(&plan, &matches)?;
        Ok(plan)
    }

    #[test]
    fn contradictions_are_refused() {
        for (line, words) in [
            ("logs", "POD or TYPE/NAME is a required argument for the logs command"),
            ("logs a b c", "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'."),
            ("logs a -l b=c", "only a selector (-l) or a POD name is allowed"),
            ("logs a b -c b", "only one of -c or an inline [CONTAINER] arg is allowed"),
            ("logs a -c b --all-containers", "--all-containers=true should not be specified with container name b"),
            ("logs a --since=1s --since-time=2026-01-01T00:00:00Z", "at most one of `sinceTime` or `sinceSeconds`"),
            ("logs a --since=-1s", "--since must be greater than 0"),
            ("logs a --since-time=x", "parsing time \\\"x\\\" as"),
            ("logs a --tail=-2", "--tail must be greater than or equal to -1"),
            ("logs a --limit-bytes=-1", "--limit-bytes must be greater than 0"),
            ("logs a --pod-running-timeout=0s", "--pod-running-timeout must be higher than zero"),
        ] {
            let failure = format!("{:?}", planned(line).unwrap_err());
            assert!(failure.contains(words), "{line}: {failure}");
        }
    }

    #[test]
    fn plans() {
        assert_eq!(planned("logs -l a=b").unwrap().wanted.tail_lines, Some(10));
        assert_eq!(planned("logs -l a=b --tail=-1").unwrap().wanted.tail_lines, None);
        assert_eq!(planned("logs p").unwrap().wanted, Wanted::default());
        let plan = planned("logs p c --all-pods --since=1500ms").unwrap();
        assert_eq!((plan.wanted.container.as_str(), plan.prefix), ("c", true));
        assert_eq!(plan.wanted.since_seconds, Some(2));
    }
}
