//! `get --watch`: what there is, then each change. A watch that the server closes goes on where it was; when the server
//! has forgotten that place, a fresh list shows what changed meanwhile.

use super::found::{Found, places};
use super::seen::{Last, Seen};
use super::{Plan, Shown, Watch};
use crate::api::table::{Table, is_table};
use crate::api::{ObjectExt, Status, Value};
use crate::client::{Error, Mapping, Request};
use crate::commands::context::Out;
use crate::commands::manifests::Reading;
use crate::commands::{Context, Exit, Failure};
use crate::ops::faults::apart;
use crate::ops::lists::{self, Query};
use crate::ops::targets::Targets;
use crate::ops::{Cluster, find};
use crate::output::format::Chosen;
use crate::output::table::{LiveTable, TableOptions, TablePrinter};
use crate::output::terminal;
use std::time::Duration;

/// How long to wait before a closed watch is opened anew, so that a server that closes at once is not pressed.
const PAUSE: Duration = Duration::from_millis(250);
/// How often in a row a watch that ran once is opened in vain, with pauses twice as long each time: eight seconds in all,
/// in which a server may start anew.
const ATTEMPTS: u32 = 5;
/// How often a table on a terminal is looked over, for ages grow while nothing happens.
const TICK: Duration = Duration::from_secs(1);

/// Watches one type, or one object of it, until the user or the request's time limit ends it.
pub async fn run(
    cx: &mut Context,
    cluster: &Cluster,
    plan: &Plan,
    watch: Watch,
    chosen: Chosen,
) -> Result<Exit, Failure> {
    let place = match find_place(cx, cluster, plan).await? {
        Place::One(place) => *place,
        Place::Several(why) => return Err(several(cx, cluster, plan, chosen).await.err().unwrap_or(why)),
    };
    let mut watcher = Watcher::new(cx, place, plan, watch, chosen)?;
    let Some(mut version) = watcher.list(cluster, watch.list_first).await? else { return Ok(0) };
    loop {
        match watcher.follow(cluster, &mut version).await {
            Ok(End::Closed) => tokio::time::sleep(PAUSE).await,
            Ok(End::Forgotten) => version = watcher.list_again(cluster).await?,
            Err(Failure::Client(error)) if error.is_timeout() => return Ok(0),
            Err(failure) if failure.status().is_some_and(|status| status.code == 410) => {
                version = watcher.list_again(cluster).await?;
            }
            Err(failure) => match watcher.failed {
                Some(times) if times < ATTEMPTS && may_pass(&failure) => {
                    tokio::time::sleep(PAUSE * 2_u32.pow(times)).await;
                    watcher.failed = Some(times + 1);
                }
                _ => return Err(failure),
            },
        }
    }
}

/// Whether a failure is one of a server that stops or starts.
fn may_pass(failure: &Failure) -> bool {
    match failure.status() {
        Some(status) => status.code == 429 || status.code >= 500,
        None => matches!(failure, Failure::Client(Error::Connection(_))),
    }
}

/// What is to be watched.
enum Place {
    /// A type in a namespace, or one object of it.
    One(Box<(Mapping, String, String)>),
    /// Several objects, which cannot be watched for this reason.
    Several(Failure),
}

async fn find_place(cx: &mut Context, cluster: &Cluster, plan: &Plan) -> Result<Place, Failure> {
    let single = || Err(Failure::message("you may only specify a single resource type"));
    let one_at_a_time = "you may only watch a single resource or type of resource at a time";
    let (mut infos, why) = match &plan.targets {
        Some(Targets::Types(types)) => {
            let namespace = if plan.all_namespaces { "" } else { cluster.namespace.as_str() };
            return match find::types(cluster, types).await?.as_slice() {
                [mapping] => Ok(Place::One(Box::new((mapping.clone(), namespace.to_string(), String::new())))),
                _ => single(),
            };
        }
        Some(Targets::Names { pairs, combined }) => {
            let infos = find::named(cluster, pairs, *combined, plan.all_namespaces).await?;
            if infos.windows(2).any(|pair| pair[0].mapping.gvr != pair[1].mapping.gvr) {
                return single();
            }
            (infos, one_at_a_time.to_string())
        }
        Some(Targets::Files(sources)) => {
            let reading = Reading { labels: &plan.labels, ..Reading::default() };
            let (infos, faults) = apart(cx.infos(&places(cluster, plan), sources, reading).await?);
            faults.sum()?;
            let count = infos.len();
            let why = match sources.inputs() {
                Ok(inputs) if inputs.len() == 1 => format!(
                    "watch is only supported on individual resources and resource collections - {count} resources were found"
                ),
                _ => one_at_a_time.to_string(),
            };
            (infos, why)
        }
        None => return single(),
    };
    Ok(match infos.len() {
        1 => {
            let info = infos.remove(0).required(cluster)?;
            Place::One(Box::new((info.mapping, info.namespace, info.name)))
        }
        _ => Place::Several(Failure::Message(why)),
    })
}

/// Shows what there is where it cannot be watched.
async fn several(cx: &mut Context, cluster: &Cluster, plan: &Plan, chosen: Chosen) -> Result<(), Failure> {
    let mut kept = Vec::new();
    let found = Found::ask(cx, cluster, plan).await?;
    let faults = found
        .each(|mapping, list| {
            kept.push((mapping.clone(), list));
            Ok(())
        })
        .await;
    // One that is missing is enough.
    faults.sum().map_err(Failure::first)?;
    let mut printer: Box<dyn crate::output::Printer> = match chosen {
        Chosen::Human { .. } => {
            let mut shown = Shown { together: true, ..Shown::new(cx.out()) };
            kept.iter().try_for_each(|(mapping, list)| shown.show(plan, mapping, list, false))?;
            return shown.flush();
        }
        Chosen::Name(printer) => Box::new(printer),
        Chosen::Objects(printer) => printer,
    };
    for (mapping, list) in &kept {
        lists::objects(list, mapping, true)
            .try_for_each(|object| Ok::<_, Failure>(printer.object(object?, cx.stdout())?))?;
    }
    Ok(())
}

/// Why a watch ended.
enum End {
    /// The server closed it.
    Closed,
    /// The server no longer knows what happened since.
    Forgotten,
}

struct Watcher {
    mapping: Mapping,
    namespace: String,
    /// The one object that is watched; empty for all that the query matches.
    name: String,
    query: Query,
    ignore_not_found: bool,
    events: bool,
    printer: Sink,
    seen: Seen,
    /// How often in a row the watch could not be opened; none before it was open for the first time.
    failed: Option<u32>,
}

enum Sink {
    Tables(Box<TablePrinter<Out>>),
    /// On a terminal, as long as it shows all rows at once.
    Live(Box<LiveTable<Out>>, Out),
    Objects(Box<dyn crate::output::Printer>, Out),
}

impl Watcher {
    fn new(
        cx: &mut Context,
        (mapping, namespace, name): (Mapping, String, String),
        plan: &Plan,
        watch: Watch,
        chosen: Chosen,
    ) -> Result<Self, Failure> {
        let printer = match chosen {
            Chosen::Human { .. } => {
                let options = TableOptions {
                    with_namespace: plan.all_namespaces && mapping.namespaced,
                    kind: plan.show_kind.then(|| lists::prefix(&mapping.gvk)),
                    ..plan.table.clone()
                };
                if cx.redraws() && !watch.events && terminal::size().is_some() {
                    Sink::Live(Box::new(LiveTable::new(cx.out(), options)), cx.out())
                } else {
                    Sink::tables(cx.out(), options)?
                }
            }
            Chosen::Name(printer) => Sink::Objects(Box::new(printer), cx.out()),
            Chosen::Objects(printer) => Sink::Objects(printer, cx.out()),
        };
        Ok(Watcher {
            mapping,
            namespace,
            name,
            query: plan.query.clone(),
            ignore_not_found: plan.ignore_not_found,
            events: watch.events,
            printer,
            seen: Seen::new(watch.events),
            failed: None,
        })
    }

    /// Shows what there is and was not shown yet, or only takes note of it. The result is the version from which on to
    /// watch; none when there is nothing and that is no error.
    async fn list(&mut self, cluster: &Cluster, show: bool) -> Result<Option<String>, Failure> {
        if !self.name.is_empty() {
            let request = self.query.object(&self.mapping, &self.namespace, &self.name);
            let answer = match cluster.client.json(&request).await.map_err(Failure::from) {
                Err(failure) if failure.is_not_found() && self.ignore_not_found => return Ok(None),
                answer => answer?,
            };
            let version = version(&answer).to_string();
            self.take("ADDED", answer, show)?;
            return Ok(Some(version));
        }
        self.pages(cluster, &self.query.clone(), show).await.map(Some)
    }

    /// Shows what the query matches and was not shown yet, or only takes note of it.
    async fn pages(&mut self, cluster: &Cluster, query: &Query, show: bool) -> Result<String, Failure> {
        let (mapping, namespace) = (self.mapping.clone(), self.namespace.clone());
        query.pages(cluster, &mapping, &namespace, |page| self.take("ADDED", page, show)).await
    }

    /// Shows what changed while nobody watched; the result is the version from which on to watch.
    async fn list_again(&mut self, cluster: &Cluster) -> Result<String, Failure> {
        if let Sink::Live(live, _) = &mut self.printer {
            live.clear();
            self.seen.clear();
        }
        self.seen.begin();
        // One object, too, is asked for as a list: that it is gone is no error.
        let query = Query { fields: self.fields(), subresource: String::new(), ..self.query.clone() };
        let version = self.pages(cluster, &query, true).await?;
        for last in self.seen.gone() {
            match last {
                Last::Row(row) => self.rows("DELETED", Table { rows: vec![row], ..Table::default() })?,
                Last::Object(object) => self.object("DELETED", object)?,
            }
        }
        self.flush()?;
        Ok(version)
    }

    /// Follows changes until the watch ends; `version` is kept at the last one seen.
    async fn follow(&mut self, cluster: &Cluster, seen: &mut String) -> Result<End, Failure> {
        let mut stream = cluster.client.watch(&self.request(seen)).await?;
        self.failed = Some(0);
        loop {
            let event = match &self.printer {
                Sink::Live(..) => match tokio::time::timeout(TICK, stream.next()).await {
                    Ok(event) => event?,
                    Err(_) => {
                        self.redraw()?;
                        continue;
                    }
                },
                _ => stream.next().await?,
            };
            let Some(event) = event else { return Ok(End::Closed) };
            match event.kind.as_str() {
                "BOOKMARK" => *seen = version(&event.object).to_string(),
                "ERROR" => match Status::from_value(&event.object) {
                    Some(status) if status.code == 410 => return Ok(End::Forgotten),
                    Some(status) => return Err(Failure::Status(Box::new(status))),
                    None => return Err(Failure::message("the watch ended with an error that cannot be read")),
                },
                kind => {
                    let now = version(&event.object);
                    if !now.is_empty() {
                        *seen = now.to_string();
                    }
                    self.take(kind, event.object, true)?;
                }
            }
        }
    }

    fn request(&self, version: &str) -> Request {
        let namespace = if self.mapping.namespaced { self.namespace.as_str() } else { "" };
        let mut request = self.query.formed(Request::list(&self.mapping, namespace));
        let fields = self.fields();
        for (name, value) in [
            ("labelSelector", self.query.labels.as_str()),
            ("fieldSelector", fields.as_str()),
            ("resourceVersion", version),
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
        ] {
            if !value.is_empty() {
                request = request.query(name, value);
            }
        }
        request
    }

    fn fields(&self) -> String {
        match self.name.as_str() {
            "" => self.query.fields.clone(),
            name => format!("metadata.name={name}"),
        }
    }

    /// Shows an answer or an event's object, less what was shown in this very version already.
    fn take(&mut self, event: &str, answer: Value, show: bool) -> Result<(), Failure> {
        if is_table(&answer) {
            let mut table = lists::table(answer)?;
            let mut happened = event;
            for row in std::mem::take(&mut table.rows) {
                let Some(now) = self.seen.note(event, &row.object, || Last::Row(row.clone())) else { continue };
                if show && now != happened && !table.rows.is_empty() {
                    let column_definitions = table.column_definitions.clone();
                    let rows = std::mem::take(&mut table.rows);
                    self.rows(happened, Table { column_definitions, rows, ..Table::default() })?;
                }
                happened = now;
                table.rows.push(row);
            }
            if show {
                self.rows(happened, table)?;
            }
        } else {
            self.line_by_line()?;
            for mut object in lists::items(answer) {
                lists::name_kind(&mut object, &self.mapping.gvk.api_version(), &self.mapping.gvk.kind);
                let happened = self.seen.note(event, &object, || Last::Object(object.clone()));
                if let (Some(event), true) = (happened, show) {
                    self.object(event, object)?;
                }
            }
        }
        self.flush()
    }

    fn rows(&mut self, event: &str, table: Table) -> Result<(), Failure> {
        match &mut self.printer {
            Sink::Live(live, _) => {
                live.take(table, event == "DELETED");
                self.redraw()
            }
            Sink::Tables(printer) if self.events => Ok(printer.event(event, &table)?),
            Sink::Tables(printer) => Ok(printer.table(&table)?),
            Sink::Objects(..) => Ok(()),
        }
    }

    fn object(&mut self, event: &str, object: Value) -> Result<(), Failure> {
        match &mut self.printer {
            Sink::Tables(printer) => printer.object(&object, self.events.then_some(event))?,
            Sink::Objects(printer, out) if self.events => printer.event(event, object, out)?,
            Sink::Objects(printer, out) => printer.object(object, out)?,
            Sink::Live(..) => {}
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        match &mut self.printer {
            Sink::Tables(printer) => printer.flush()?,
            Sink::Objects(_, out) => std::io::Write::flush(out)?,
            Sink::Live(..) => {}
        }
        Ok(())
    }
}

impl Watcher {
    /// Shows the table anew; what the terminal cannot show at once goes on line by line, as for a file.
    fn redraw(&mut self) -> Result<(), Failure> {
        let Sink::Live(live, _) = &mut self.printer else { return Ok(()) };
        let now = jiff::Timestamp::now().as_second();
        match terminal::size() {
            Some(size) if live.draw(size, now)? => Ok(()),
            _ => self.line_by_line(),
        }
    }

    fn line_by_line(&mut self) -> Result<(), Failure> {
        if let Sink::Live(live, out) = &mut self.printer {
            let table = live.end(terminal::size().map_or(usize::MAX, |(columns, _)| columns))?;
            let mut printer = TablePrinter::new(out.clone());
            printer.begin(live.options().clone())?;
            printer.table(&table)?;
            printer.flush()?;
            self.printer = Sink::Tables(Box::new(printer));
        }
        Ok(())
    }
}

impl Sink {
    fn tables(out: Out, options: TableOptions) -> Result<Self, Failure> {
        let mut tables = TablePrinter::new(out);
        tables.begin(options)?;
        Ok(Sink::Tables(Box::new(tables)))
    }
}

/// The version of an object, a list or a table; of a table with one row, that of its object.
fn version(answer: &Value) -> &str {
    match answer.items_at(&["rows"]) {
        [row] if !row.text(&["object", "metadata", "resourceVersion"]).is_empty() => {
            row.text(&["object", "metadata", "resourceVersion"])
        }
        _ => answer.resource_version(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn versions_come_from_rows_objects_and_lists() {
        assert_eq!(version(&json!({"metadata": {"resourceVersion": "5"}})), "5");
        let row = json!({"object": {"metadata": {"resourceVersion": "7"}}});
        assert_eq!(version(&json!({"kind": "Table", "metadata": {"resourceVersion": "5"}, "rows": [row]})), "7");
    }
}
