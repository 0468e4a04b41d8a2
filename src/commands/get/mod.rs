//! `get`: objects as a table or in another format, once or as they change.

mod found;
mod seen;
mod watching;

use super::context::Out;
use super::flags::{Flags, list, switch, text, words};
use super::{Context, Exit, Failure, sets};
use crate::api::table::Table;
use crate::client::{Client, List, Mapping, Request};
use crate::ops::Cluster;
use crate::ops::lists::{self, Form, Query};
use crate::ops::targets::{Selection, Targets};
use crate::output::format::{self, Chosen};
use crate::output::sort::{self, SortError};
use crate::output::table::{TableOptions, TablePrinter};
use crate::output::{PrintError, Printer};
use clap::{ArgMatches, Command};
use found::Found;
use http::Method;
use std::io::Write;

/// How the command is called.
pub fn command() -> Command {
    Command::new("get")
        .about("Display one or many resources")
        .long_about(
            "Print objects: a table of the most important facts, or more with -o.\n\n \
             Objects that are not ready yet may be missing facts. Lists come in pieces, see --chunk-size.",
        )
        .after_help(
            "# All pods of the namespace, with more columns\nkubectl get pods -o wide\n\n# One object, whole\nkubectl get deployment web -o yaml\n\n\
             # Several types, several objects\nkubectl get pods,services -l app=web\nkubectl get pod/web-1 service/web\n\n\
             # One fact of each\nkubectl get pods -o custom-columns=NAME:.metadata.name,NODE:.spec.nodeName\n\n# Follow changes\nkubectl get pods -w",
        )
        .before_help("[(-o|--output=)json|yaml|kyaml|name|go-template|go-template-file|template|templatefile|jsonpath|jsonpath-as-json|jsonpath-file|custom-columns|custom-columns-file|wide] (TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags]")
        .defer(|c| {
            c.args(sets::files("The file, folder or URL that lists what to get."))
                .args(sets::output())
                .args([
                    sets::all_namespaces(),
                    sets::chunk_size(),
                    sets::field_selector(),
                    sets::selector(),
                    sets::subresource(),
                    switch("ignore-not-found", None, false, "What is not there is no error."),
                    list("label-columns", Some('L'), "Labels that get a column each."),
                    switch("no-headers", None, false, "Leave the headings out."),
                    switch("output-watch-events", None, false, "While watching: say what happened to each object."),
                    text("raw", None, "", "Send GET to this path of the server and print the answer."),
                    switch("server-print", None, true, "Have the server make the table."),
                    switch("show-kind", None, false, "Put the type before each name."),
                    switch("show-labels", None, false, "Add a column with all labels."),
                    text("sort-by", None, "", "A JSONPath to sort by, such as {.metadata.name}."),
                    switch("watch", Some('w'), false, "Print the objects, then each change."),
                    switch("watch-only", None, false, "Print only changes."),
                ])
                .arg(words())
        })
}

/// What will be read, and how it will be shown.
struct Plan {
    targets: Option<Targets>,
    labels: String,
    all_namespaces: bool,
    query: Query,
    ignore_not_found: bool,
    sort_by: Option<String>,
    table: TableOptions,
    show_kind: bool,
    raw: String,
    watch: Option<Watch>,
}

/// How changes are followed.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Watch {
    list_first: bool,
    events: bool,
}

/// `chosen` is none where the format cannot be used.
fn plan(matches: &ArgMatches, chosen: Option<&Chosen>, program: &str) -> Result<Plan, Failure> {
    let fail = |text: String| Err(Failure::Message(text));
    let raw = matches.text("raw").to_string();
    let output = matches.text("output");
    let watch = (matches.on("watch") || matches.on("watch-only"))
        .then(|| Watch { list_first: !matches.on("watch-only"), events: matches.on("output-watch-events") });
    if !raw.is_empty() {
        match () {
            () if !matches.words().is_empty() => {
                return fail("arguments may not be passed when --raw is specified".into());
            }
            () if watch.is_some() || matches.given("selector") => {
                return fail(
                    "--raw may not be specified with other flags that filter the server request or alter the output"
                        .into(),
                );
            }
            () if !output.is_empty() => return fail("--raw and --output are mutually exclusive".into()),
            () if !raw.starts_with('/') => {
                return fail(format!("--raw must be a valid URL path: parse {raw:?}: invalid URI for request"));
            }
            () => {}
        }
    }
    if matches.on("show-labels") && !matches!(output, "" | "wide") {
        return fail(format!("--show-labels option cannot be used with {output} printer"));
    }
    let label_columns = matches.list("label-columns");
    if !label_columns.is_empty() && output.starts_with("custom-columns") {
        return fail(format!("--label-columns option cannot be used with {output} printer"));
    }
    if matches.on("output-watch-events") && watch.is_none() {
        return fail("--output-watch-events option can only be used with --watch or --watch-only".into());
    }
    let selection = Selection {
        words: matches.words(),
        sources: super::sources(matches)?,
        labels: matches.text("selector").into(),
        fields: matches.text("field-selector").into(),
        all: false,
        all_namespaces: matches.on("all-namespaces"),
        type_means_all: true,
    };
    let targets = if raw.is_empty() { selection.targets(program)? } else { None };
    if raw.is_empty() && targets.is_none() {
        return Err(Failure::Usage {
            message: format!(
                "Required resource not specified.\nUse \"{program} explain <resource>\" for a detailed description of that resource (e.g. {program} explain pods)."
            ),
            command: "get".into(),
        });
    }
    let sort_by = match matches.text("sort-by") {
        "" => None,
        field => Some(field.to_string()),
    };
    let wide = matches!(chosen, Some(Chosen::Human { wide: true }));
    let human = matches!(chosen, Some(Chosen::Human { .. }));
    // The objects beside the rows are asked for only where a column or the order needs them.
    let include = match () {
        () if sort_by.is_some() => "Object",
        () if matches.on("show-labels") || !label_columns.is_empty() || selection.all_namespaces || watch.is_some() => {
            "Metadata"
        }
        () => "None",
    };
    Ok(Plan {
        targets,
        query: Query {
            labels: selection.labels.clone(),
            fields: selection.fields,
            chunk: if sort_by.is_some() { 0 } else { matches.integer("chunk-size") },
            subresource: matches.text("subresource").into(),
            form: if human && matches.on("server-print") { Form::Table(include) } else { Form::Objects },
        },
        labels: selection.labels,
        all_namespaces: selection.all_namespaces,
        ignore_not_found: matches.on("ignore-not-found"),
        sort_by,
        table: TableOptions {
            wide,
            no_headers: matches.on("no-headers"),
            show_labels: matches.on("show-labels"),
            label_columns,
            ..TableOptions::default()
        },
        show_kind: matches.on("show-kind"),
        raw,
        watch,
    })
}

/// Reads and prints.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let program = cx.program.name();
    if matches.words().is_empty()
        && super::sources(matches)?.is_empty()
        && matches.text("raw").is_empty()
        && !matches.on("watch")
        && !matches.on("watch-only")
    {
        cx.complain(&format!(
            "You must specify the type of resource to get. Use \"{program} api-resources\" for a complete list of supported resources.\n\n"
        ));
    }
    let chosen = cx.chosen(matches, format::GET);
    let mut plan = plan(matches, chosen.as_ref().ok(), program)?;
    plan.table.now = cx.now().timestamp().as_second();
    if !plan.raw.is_empty() {
        let client = cx.client()?;
        let runtime = cx.runtime()?;
        runtime.block_on(raw(&client, &plan.raw, cx.stdout()))?;
        return Ok(0);
    }
    let cluster = cx.cluster()?;
    let runtime = cx.runtime()?;
    if let Some(watch) = plan.watch {
        if plan.sort_by.is_some() {
            cx.complain("warning: --watch requested, --sort-by will be ignored for watch events received\n");
        }
        return runtime.block_on(watching::run(cx, &cluster, &plan, watch, chosen?));
    }
    match chosen {
        Ok(Chosen::Human { .. }) => runtime.block_on(print_tables(cx, &cluster, &plan)),
        Ok(Chosen::Name(printer)) => runtime.block_on(print_objects(cx, &cluster, &plan, Box::new(printer))),
        Ok(Chosen::Objects(printer)) => runtime.block_on(print_objects(cx, &cluster, &plan, printer)),
        Err(unusable) => runtime.block_on(refuse(cx, &cluster, &plan, unusable)),
    }
}

/// Refuses a format that cannot be used: only where there is something to print, for what cannot be read is said first.
async fn refuse(cx: &mut Context, cluster: &Cluster, plan: &Plan, unusable: Failure) -> Result<Exit, Failure> {
    let mut empty = true;
    let found = Found::ask(cx, cluster, plan).await?;
    let faults = found
        .each(|_, list| {
            empty &= list.objects(false).next().is_none();
            Ok(())
        })
        .await;
    if means_one(plan) && !faults.is_empty() || empty && plan.ignore_not_found {
        return faults.sum().map(|()| 0);
    }
    Err(unusable)
}

/// Prints what the server answers to a path, as it comes.
async fn raw(client: &Client, path: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let mut stream = client.stream(&Request::new(Method::GET, path)).await?;
    while let Some(piece) = stream.chunk().await? {
        out.write_all(&piece)?;
        out.flush()?;
    }
    Ok(())
}

/// Whether exactly one object is meant, so that it is printed by itself and not as a list of one.
fn means_one(plan: &Plan) -> bool {
    match &plan.targets {
        Some(Targets::Names { pairs, .. }) => pairs.len() == 1,
        Some(Targets::Files(sources)) => sources.is_one_file(),
        _ => false,
    }
}

async fn print_tables(cx: &mut Context, cluster: &Cluster, plan: &Plan) -> Result<Exit, Failure> {
    let mut shown = Shown { namespaced: !plan.all_namespaces, ..Shown::new(cx.out()) };
    let found = Found::ask(cx, cluster, plan).await?;
    let kinds = found.is_mixed();
    let faults = found.each(|mapping, list| shown.show(plan, mapping, &list, kinds)).await;
    shown.flush()?;
    let quiet = shown.wrote || plan.ignore_not_found || !faults.is_empty();
    if !quiet {
        let text = match shown.namespaced {
            true => format!("No resources found in {} namespace.\n", cluster.namespace),
            false => "No resources found\n".to_string(),
        };
        cx.complain(&text);
    }
    // All that went wrong while reading is one of several to kubectl.
    faults.sum().map(|()| 0).map_err(|failure| Failure::Many(vec![failure]))
}

/// The tables that were shown so far.
struct Shown {
    printer: TablePrinter<Out>,
    last: Option<Mapping>,
    /// Whether tables of several types make one group: nothing parts them but their headings.
    together: bool,
    namespaced: bool,
    wrote: bool,
}

impl Shown {
    fn new(out: Out) -> Self {
        Self { printer: TablePrinter::new(out), last: None, together: false, namespaced: true, wrote: false }
    }

    fn show(&mut self, plan: &Plan, mapping: &Mapping, list: &List, kinds: bool) -> Result<(), Failure> {
        self.namespaced &= mapping.namespaced;
        if self.last.as_ref().is_none_or(|last| !self.together && last.gvr != mapping.gvr) {
            self.printer.begin(TableOptions {
                with_namespace: plan.all_namespaces && mapping.namespaced,
                kind: (kinds || plan.show_kind).then(|| lists::prefix(&mapping.gvk)),
                ..plan.table.clone()
            })?;
            self.last = Some(mapping.clone());
        }
        match (&plan.sort_by, list.is_table()) {
            (None, true) => {
                let rows = || list.rows().map(|row| row.map_err(Failure::from));
                self.printer.rows(&list.table()?.column_definitions, rows, None)
            }
            (None, false) => {
                lists::objects(list, mapping, false).try_for_each(|object| Ok(self.printer.object(&object?, None)?))
            }
            (Some(field), true) => {
                let mut table = Table { rows: list.rows().collect::<Result<_, _>>()?, ..list.table()? };
                match sort::table(&mut table, field) {
                    Ok(()) => Ok(self.printer.table(&table)?),
                    Err(error @ SortError::Unsortable { .. }) => Err(Failure::message(error.to_string())),
                    // A table in which there is nothing to sort by is left out without a word, as kubectl does.
                    Err(_) => Ok(()),
                }
            }
            (Some(field), false) => {
                let mut objects = lists::objects(list, mapping, true).collect::<Result<Vec<_>, _>>()?;
                sort::objects(&mut objects, field).map_err(|error| Failure::message(error.to_string()))?;
                objects.iter().try_for_each(|object| Ok(self.printer.object(object, None)?))
            }
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.wrote = self.printer.has_printed()?;
        Ok(())
    }
}

async fn print_objects(
    cx: &mut Context,
    cluster: &Cluster,
    plan: &Plan,
    mut printer: Box<dyn Printer>,
) -> Result<Exit, Failure> {
    let single = means_one(plan);
    // Without an order to find first, objects are printed as they come.
    let stream = !single && plan.sort_by.is_none();
    if stream {
        let mut end = stream_objects(cx, cluster, plan, &mut *printer).await?;
        if end.is_none() {
            printer.keep_items();
            end = stream_objects(cx, cluster, plan, &mut *printer).await?;
        }
        return Failure::collect(end.unwrap_or_default()).map(|()| 0);
    }
    let mut objects = Vec::new();
    let managed_fields = printer.shows_managed_fields() || plan.sort_by.is_some();
    let found = Found::ask(cx, cluster, plan).await?;
    let faults = found
        .each(|mapping, list| {
            lists::objects(&list, mapping, managed_fields).try_for_each(|object| {
                objects.push(object?);
                Ok(())
            })
        })
        .await;
    if single && !faults.is_empty() {
        return faults.sum().map(|()| 0);
    }
    let failures: Vec<Failure> = faults.told().into_iter().flat_map(Failure::leaves).collect();
    if objects.is_empty() && plan.ignore_not_found {
        return Failure::collect(failures).map(|()| 0);
    }
    if let Some(field) = &plan.sort_by {
        sort::objects(&mut objects, field).map_err(|error| Failure::message(error.to_string()))?;
    }
    let printed = match (single, objects.len()) {
        (true, 1) => printer.object(objects.remove(0), cx.stdout()),
        _ => printer.list(objects, cx.stdout()),
    };
    Failure::collect(failures.into_iter().chain(printed.err().map(Failure::from)).collect()).map(|()| 0)
}

/// Prints objects as they come, as one list. The result is what went wrong while reading; none when the printer finds
/// that it needs all objects at once.
async fn stream_objects(
    cx: &mut Context,
    cluster: &Cluster,
    plan: &Plan,
    printer: &mut dyn Printer,
) -> Result<Option<Vec<Failure>>, Failure> {
    let mut started = false;
    let managed_fields = printer.shows_managed_fields();
    let found = Found::ask(cx, cluster, plan).await?;
    let faults = found
        .each(|mapping, list| {
            lists::objects(&list, mapping, managed_fields).try_for_each(|object| {
                if !std::mem::replace(&mut started, true) {
                    printer.list_start(cx.stdout())?;
                }
                Ok(printer.list_item(object?, cx.stdout())?)
            })
        })
        .await;
    let mut failures: Vec<Failure> = faults.told().into_iter().flat_map(Failure::leaves).collect();
    if !(started || plan.ignore_not_found) {
        printer.list_start(cx.stdout())?;
        started = true;
    }
    if started {
        match printer.list_end(cx.stdout()) {
            Err(PrintError::Whole) => return Ok(None),
            end => failures.extend(end.err().map(Failure::from)),
        }
    }
    Ok(Some(failures))
}
