//! `events`: what happened, sorted by time.

use super::context::Out;
use super::flags::{Flags, list, switch, text, words};
use super::{Context, Exit, Failure, sets};
use crate::api::{GroupVersionResource, Object, ObjectExt, Status, Value, time};
use crate::client::{self, Client, Mapping, Request};
use crate::ops::Cluster;
use crate::ops::edit;
use crate::ops::lists::{self, Query};
use crate::output::format::{self, Chosen};
use crate::output::sort::pdq;
use crate::output::tabwriter::{Layout, TabWriter};
use crate::output::terminal::escape;
use clap::{ArgMatches, Command};
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;

/// How the command is called.
pub fn command() -> Command {
    Command::new("events")
        .about("List events")
        .long_about(
            "Print what happened lately in a namespace, in all, or to one object: the oldest first.\n\n \
             A server forgets events after an hour, unless it is told otherwise.",
        )
        .after_help(
            "# What happened in the namespace\nkubectl events\n\n# Warnings of all namespaces\nkubectl events --types=Warning -A\n\n\
             # What happens to a pod, as it happens\nkubectl events --for pod/web-1 --watch",
        )
        .before_help("[(-o|--output=)json|yaml|kyaml|name|go-template|go-template-file|template|templatefile|jsonpath|jsonpath-as-json|jsonpath-file] [--for TYPE/NAME] [--watch] [--types=Normal,Warning]")
        .defer(|c| {
            c.args(sets::output())
                .args([
                    sets::all_namespaces(),
                    sets::chunk_size(),
                    text("for", None, "", "Only events of this object: TYPE/NAME."),
                    switch("no-headers", None, false, "Leave the headings out."),
                    list("types", None, "Only events of these types: Normal, Warning."),
                    switch("watch", Some('w'), false, "Go on with new events as they come."),
                ])
                .arg(words())
        })
}

/// kubectl's page size, whatever `--chunk-size` says.
const CHUNK: i64 = 500;
/// How long to wait before a closed watch is opened anew.
const PAUSE: Duration = Duration::from_millis(250);

struct Plan {
    about: Option<(String, String)>,
    types: Vec<String>,
    all_namespaces: bool,
    no_headers: bool,
    watch: bool,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let about = match matches.text("for") {
        "" => None,
        about => match about.split('/').collect::<Vec<_>>()[..] {
            [resource, name] => Some((resource.to_lowercase(), name.to_owned())),
            [_] => return Err(Failure::message("--for must be in resource/name form")),
            _ => {
                return Err(Failure::message("arguments in resource/name form may not have more than one slash"));
            }
        },
    };
    Ok(Plan {
        about,
        types: matches.list("types"),
        all_namespaces: matches.on("all-namespaces"),
        no_headers: matches.on("no-headers"),
        watch: matches.on("watch"),
    })
}

/// Whether events of this type are wanted.
fn is_wanted(types: &[String], event: &Object) -> bool {
    types.is_empty() || types.iter().any(|ty| ty.eq_ignore_ascii_case(event.text(&["type"])))
}

/// Reads and prints.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let cluster = cx.cluster()?;
    let plan = plan(matches)?;
    let runtime = cx.runtime()?;
    let fields = match &plan.about {
        Some((resource, name)) => runtime.block_on(about(&cluster.client, resource, name))?,
        None => String::new(),
    };
    let chosen = cx.typed_chosen(matches, format::COMMON)?;
    if plan.types.iter().any(|ty| !["normal", "warning"].contains(&ty.to_lowercase().as_str())) {
        return Err(Failure::message("valid --types are Normal or Warning"));
    }
    let query = Query { fields, chunk: CHUNK, ..Query::default() };
    let namespace = if plan.all_namespaces { String::new() } else { cluster.namespace.clone() };
    let shown = Shown {
        printer: chosen,
        out: TabWriter::new(cx.out(), Layout::TABLE),
        with_namespace: plan.all_namespaces,
        headings: !plan.no_headers,
        versions: HashMap::new(),
    };
    if plan.watch {
        return runtime.block_on(follow(&cluster, &query, &namespace, &plan.types, shown));
    }
    let mut events: Vec<Object> = Vec::new();
    runtime.block_on(query.pages(&cluster, &mapping(), &namespace, |page| {
        events.extend(lists::items(page).into_iter().filter(|event| is_wanted(&plan.types, event)));
        Ok(())
    }))?;
    if events.is_empty() {
        cx.complain(&match plan.all_namespaces {
            true => "No events found.\n".to_owned(),
            false => format!("No events found in {} namespace.\n", cluster.namespace),
        });
        return Ok(0);
    }
    shown.all(sorted(events), cx.now().timestamp().as_second())?;
    Ok(0)
}

fn mapping() -> Mapping {
    Mapping { gvr: GroupVersionResource::new("", "v1", "events"), namespaced: true, ..Mapping::default() }
}

/// The field selector for the events of an object.
async fn about(client: &Client, resource: &str, name: &str) -> Result<String, Failure> {
    let kind = match client.resource_name(resource).await {
        Ok(mapping) => mapping.gvk,
        // kubectl says without `error:` that there is no such type.
        Err(client::Error::Map(error)) => return Err(Failure::Plain(error.to_string())),
        Err(error) => return Err(error.into()),
    };
    // Without a name, kubectl lists all events.
    if name.is_empty() {
        return Ok(String::new());
    }
    let escaped = |text: &str| text.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=");
    Ok(format!(
        "involvedObject.kind={},involvedObject.apiVersion={},involvedObject.name={}",
        escaped(&kind.kind),
        escaped(&kind.api_version()),
        escaped(name)
    ))
}

/// The events in the order in which they were seen last, as Go's sort leaves those of the same time.
fn sorted(mut events: Vec<Object>) -> Vec<Object> {
    let moments: Vec<_> = events.iter().map(|event| time::parse(last_seen(event))).collect();
    let order = pdq::order(events.len(), |a, b| moments[a] < moments[b]);
    order.into_iter().map(|index| events[index].take()).collect()
}

fn last_seen(event: &Object) -> &str {
    let last = event.text(&["lastTimestamp"]);
    match event.get("series").filter(|series| series.is_object()) {
        Some(series) => series.text(&["lastObservedTime"]),
        None if last.is_empty() => event.text(&["eventTime"]),
        None => last,
    }
}

/// When an event was, and how often.
fn interval(event: &Object, now: i64) -> String {
    let age = |text: &str| time::age(text, now);
    let first = match event.text(&["eventTime"]) {
        "" => age(event.text(&["firstTimestamp"])),
        moment => age(moment),
    };
    let series = event.get("series").filter(|series| series.is_object());
    let (last, count) = match series {
        Some(series) => (series.text(&["lastObservedTime"]), series.integer(&["count"])),
        None => (event.text(&["lastTimestamp"]), event.integer(&["count"])),
    };
    match count.unwrap_or(0) {
        count if series.is_some() || count > 1 => format!("{} (x{count} over {first})", age(last)),
        _ => first,
    }
}

/// Prints events as they come, until the user or the request's time limit ends it. A watch that the server closes goes
/// on where it was; when the server has forgotten that place, it begins anew with what there is.
async fn follow(
    cluster: &Cluster,
    query: &Query,
    namespace: &str,
    types: &[String],
    mut shown: Shown,
) -> Result<Exit, Failure> {
    let mut version = String::new();
    loop {
        let request = query.list(&mapping(), namespace).query("watch", "true").query("allowWatchBookmarks", "true");
        let request = request.query_if("resourceVersion", &version);
        match until_closed(cluster, &request, types, &mut version, &mut shown).await {
            Ok(()) => {}
            Err(failure) if failure.status().is_some_and(|status| status.code == 410) => version.clear(),
            Err(Failure::Client(error)) if error.is_timeout() => return Ok(0),
            Err(failure) => return Err(failure),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn until_closed(
    cluster: &Cluster,
    request: &Request,
    types: &[String],
    version: &mut String,
    shown: &mut Shown,
) -> Result<(), Failure> {
    let mut stream = cluster.client.watch(request).await?;
    while let Some(event) = stream.next().await? {
        if event.kind == "ERROR" {
            return Err(match Status::from_value(&event.object) {
                Some(status) => Failure::Status(Box::new(status)),
                None => Failure::message("the watch ended with an error that cannot be read"),
            });
        }
        if !event.object.resource_version().is_empty() {
            *version = event.object.resource_version().to_owned();
        }
        // What is only forgotten is no news.
        let is_news = ["ADDED", "MODIFIED"].contains(&event.kind.as_str()) && is_wanted(types, &event.object);
        if is_news && shown.is_new(&event.object) {
            let mut object = event.object;
            lists::name_kind(&mut object, "v1", "Event");
            shown.one(object, jiff::Timestamp::now().as_second())?;
        }
    }
    Ok(())
}

/// The events that were printed so far. All formats are laid out as tables are, as far as they have tabs.
struct Shown {
    printer: Chosen,
    out: TabWriter<Out>,
    with_namespace: bool,
    headings: bool,
    /// The version in which each event was printed last, while watching.
    versions: HashMap<String, String>,
}

impl Shown {
    /// Notes the version of an event; false when it was printed in it already.
    fn is_new(&mut self, event: &Object) -> bool {
        let version = event.resource_version().to_owned();
        self.versions.insert(event.uid().to_owned(), version.clone()).is_none_or(|before| before != version)
    }

    fn all(mut self, events: Vec<Object>, now: i64) -> Result<(), Failure> {
        if let Chosen::Human { .. } = self.printer {
            events.iter().try_for_each(|event| self.line(event, now))?;
        } else {
            self.object(&json!({"kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": events}))?;
        }
        Ok(self.out.flush()?)
    }

    fn one(&mut self, event: Object, now: i64) -> Result<(), Failure> {
        match self.printer {
            Chosen::Human { .. } => self.line(&event, now)?,
            _ => self.object(&event)?,
        }
        self.out.flush()?;
        Ok(std::io::Write::flush(self.out.inner_mut())?)
    }

    fn line(&mut self, event: &Object, now: i64) -> Result<(), Failure> {
        let namespace = |text: &str| if self.with_namespace { format!("{text}\t") } else { String::new() };
        let mut text = String::new();
        if std::mem::take(&mut self.headings) {
            text = format!("{}LAST SEEN\tTYPE\tREASON\tOBJECT\tMESSAGE\n", namespace("NAMESPACE"));
        }
        let part = |path: &[&str]| escape(event.text(path)).into_owned();
        text.push_str(&format!(
            "{}{}\t{}\t{}\t{}/{}\t{}\n",
            namespace(event.namespace()),
            interval(event, now),
            part(&["type"]),
            part(&["reason"]),
            part(&["involvedObject", "kind"]),
            part(&["involvedObject", "name"]),
            escape(event.text(&["message"]).trim()),
        ));
        Ok(self.out.push(&text)?)
    }

    /// Prints an object in the format that was asked for. kubectl goes on when it does not fit a template.
    fn object(&mut self, object: &Value) -> Result<(), Failure> {
        let object = edit::typed(object, "")?;
        let mut text = Vec::new();
        let printed = match &mut self.printer {
            Chosen::Human { .. } => Ok(()),
            // It has no name for a list, and says nothing of it.
            Chosen::Name(_) if object.kind() == "EventList" => Ok(()),
            Chosen::Name(printer) => crate::output::Printer::object(printer, object, &mut text),
            Chosen::Objects(printer) => printer.object(object, &mut text),
        };
        drop(printed);
        Ok(self.out.push(&String::from_utf8_lossy(&text))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals() {
        let at = |second: u32| format!("2026-01-01T00:00:{second:02}Z");
        let now = time::unix_seconds("2026-01-01T00:01:00Z").unwrap();
        for (event, text) in [
            (json!({}), "<unknown>"),
            (json!({"firstTimestamp": at(0), "lastTimestamp": at(30), "count": 1}), "60s"),
            (json!({"firstTimestamp": at(0), "lastTimestamp": at(30), "count": 3}), "30s (x3 over 60s)"),
            (json!({"eventTime": "2026-01-01T00:00:50.000000Z", "firstTimestamp": at(0)}), "10s"),
            (json!({"firstTimestamp": at(0), "series": {"count": 1, "lastObservedTime": at(50)}}), "10s (x1 over 60s)"),
            (json!({"firstTimestamp": null, "series": null, "count": 2}), "<unknown> (x2 over <unknown>)"),
        ] {
            assert_eq!(interval(&event, now), text, "{event}");
        }
    }

    #[test]
    fn events_are_sorted_by_when_they_were_seen_last() {
        let events = vec![
            json!({"n": 1, "lastTimestamp": "2026-01-01T00:00:03Z", "eventTime": "2026-01-01T00:00:00Z"}),
            json!({"n": 2, "eventTime": "2026-01-01T00:00:02.5Z"}),
            json!({"n": 3, "lastTimestamp": "2026-01-01T00:00:09Z", "series": {"lastObservedTime": "2026-01-01T00:00:02Z"}}),
            json!({"n": 4}),
        ];
        let numbers: Vec<_> = sorted(events).iter().filter_map(|event| event.integer(&["n"])).collect();
        assert_eq!(numbers, [4, 3, 2, 1]);
    }

    #[test]
    fn types_and_objects_are_chosen() {
        let planned = |line: &str| {
            let matches = command().try_get_matches_from(line.split(' ')).unwrap();
            plan(&matches).map_err(|failure| failure.words())
        };
        assert_eq!(planned("events --for POD/x").unwrap().about, Some(("pod".into(), "x".into())));
        for (line, complaint) in [
            ("events --for x", "--for must be in resource/name form"),
            ("events --for a/b/c", "arguments in resource/name form may not have more than one slash"),
        ] {
            assert_eq!(planned(line).err().as_deref(), Some(complaint));
        }
        let types = ["warning".to_owned()];
        assert!(is_wanted(&types, &json!({"type": "Warning"})));
        assert!(!is_wanted(&types, &json!({"type": "Normal"})));
        assert!(is_wanted(&[], &json!({})));
    }
}
