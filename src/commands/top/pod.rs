//! `top pod`: what pods and their containers use.

use super::{Metrics, ask, check_labels, check_order, flags, measured, quantity, shown, weight};
use crate::api::{GoDuration, GroupVersionResource, ObjectExt, Quantity, Value, time};
use crate::client::Client;
use crate::commands::flags::{Flags, switch, text};
use crate::commands::{Context, Exit, Failure, sets};
use crate::expr::selector::parse_fields;
use crate::output::sort::pdq;
use crate::output::tabwriter::{Layout, TabWriter};
use clap::{ArgMatches, Command};
use std::collections::HashSet;

/// How the command is called.
pub fn command() -> Command {
    Command::new("pod")
        .visible_aliases(["pods", "po"])
        .about("Display resource (CPU/memory) usage of pods")
        .long_about(
            "Print how much processor and memory pods use.\n\n \
             A pod that was created within the last minutes may have no figures yet.",
        )
        .after_help(
            "# All pods of the namespace\nkubectl top pod\n\n# The containers of one pod\nkubectl top pod web-1 --containers\n\n\
             # All pods of all namespaces, and their sum\nkubectl top pod -A --sum",
        )
        .before_help("[NAME | -l label]")
        .defer(|c| {
            c.args(flags()).args([
                sets::all_namespaces(),
                switch("containers", None, false, "Print a line for each container."),
                text("field-selector", None, "", "Only pods whose fields are so: key=value, key!=value."),
                switch("sum", None, false, "Print the sum at the end."),
            ])
        })
}

struct Plan {
    name: String,
    labels: String,
    fields: String,
    order: String,
    all_namespaces: bool,
    containers: bool,
    headings: bool,
    sum: bool,
    swap: bool,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let words = matches.words();
    if words.len() > 1 {
        return Err(Failure::Usage { message: "pod [NAME | -l label]".into(), command: "top pod".into() });
    }
    let plan = Plan {
        name: words.into_iter().next().unwrap_or_default(),
        labels: matches.text("selector").into(),
        fields: matches.text("field-selector").into(),
        order: matches.text("sort-by").into(),
        all_namespaces: matches.on("all-namespaces"),
        containers: matches.on("containers"),
        headings: !matches.on("no-headers"),
        sum: matches.on("sum"),
        swap: matches.on("show-swap"),
    };
    check_order(&plan.order)?;
    let has_selector = !plan.labels.is_empty() || !plan.fields.is_empty();
    if has_selector && !plan.name.is_empty() {
        return Err(Failure::message("only one of NAME or selector can be provided"));
    }
    check_labels(&plan.labels)?;
    parse_fields(&plan.fields).map_err(|error| Failure::message(error.to_string()))?;
    Ok(plan)
}

/// Asks and prints.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let own = cx.namespace()?;
    let client = cx.client()?;
    let plan = plan(matches)?;
    let runtime = cx.runtime()?;
    let namespace = if plan.all_namespaces { "" } else { own.as_str() };
    let metrics = runtime.block_on(async {
        let api = Metrics::find(&client).await?;
        let mut metrics = api.of("pods", namespace, &plan.name, &plan.labels).await?;
        if !metrics.is_empty() && !plan.fields.is_empty() {
            let chosen = ask(&client, pods(), namespace, "", &plan.labels, &plan.fields).await?;
            let chosen: HashSet<_> = chosen.iter().map(|pod| (pod.namespace(), pod.name())).collect();
            metrics.retain(|metrics| chosen.contains(&(metrics.namespace(), metrics.name())));
        }
        if metrics.is_empty() {
            explain_none(&client, &own, &plan).await?;
        }
        Ok::<_, Failure>(metrics)
    })?;
    if metrics.is_empty() {
        cx.complain(&match plan.all_namespaces {
            true => "No resources found\n".to_owned(),
            false => format!("No resources found in {own} namespace.\n"),
        });
        return Ok(0);
    }
    let mut table = TabWriter::new(cx.out(), Layout::TABLE);
    table.push(&lines(&plan, &metrics))?;
    table.flush()?;
    Ok(0)
}

fn pods() -> GroupVersionResource {
    GroupVersionResource::new("", "v1", "pods")
}

/// Fails unless there are no pods that could have metrics; a pod that is older than two minutes should have some.
async fn explain_none(client: &Client, namespace: &str, plan: &Plan) -> Result<(), Failure> {
    const PATIENCE: i64 = 120_000_000_000;
    let pods = ask(client, pods(), namespace, &plan.name, &plan.labels, &plan.fields).await?;
    let now = jiff::Timestamp::now().as_nanosecond();
    for pod in &pods {
        let created = time::unix_seconds(pod.text(&["metadata", "creationTimestamp"])).unwrap_or(0);
        let age = now - i128::from(created) * 1_000_000_000;
        let age = GoDuration(i64::try_from(age.clamp(i64::MIN.into(), i64::MAX.into())).unwrap_or(0));
        if age.0 > PATIENCE {
            let (namespace, name) = (pod.namespace(), pod.name());
            return Err(Failure::Message(format!("Metrics not available for pod {namespace}/{name}, age: {age}")));
        }
    }
    match pods.is_empty() {
        true => Ok(()),
        false => Err(Failure::message("metrics not available yet")),
    }
}

/// What all containers of a pod use together.
fn usage(metrics: &Value, resource: &str) -> Quantity {
    let containers = metrics.items_at(&["containers"]).iter();
    containers.fold(Quantity::whole(0), |sum, one| sum.plus(&quantity(one.get("usage"), resource)))
}

/// The order of metrics: by use, or by namespace (where it is shown) and name.
fn ordered(items: &[Value], order: &str, with_namespace: bool, usage: impl Fn(&Value, &str) -> Quantity) -> Vec<usize> {
    let weights: Vec<i64> = items.iter().map(|item| weight(order, |resource| usage(item, resource))).collect();
    let name = |at: usize| {
        let item: &Value = &items[at];
        let namespace = if with_namespace { item.namespace() } else { "" };
        (namespace, if item.get("metadata").is_some() { item.name() } else { item.text(&["name"]) })
    };
    pdq::order(items.len(), |a, b| if order.is_empty() { name(a) < name(b) } else { weights[a] > weights[b] })
}

/// The table's text.
fn lines(plan: &Plan, metrics: &[Value]) -> String {
    let resources = measured(plan.swap);
    let mut text = String::new();
    // The sum stands below the last columns; kubectl counts those of the headings that it has printed.
    let mut columns = resources.len() + 1;
    if plan.headings {
        for (heading, shows) in [("NAMESPACE\t", plan.all_namespaces), ("POD\t", plan.containers)] {
            if shows {
                text.push_str(heading);
                columns += 1;
            }
        }
        text.push_str("NAME\tCPU(cores)\tMEMORY(bytes)\t");
        text.push_str(if plan.swap { "SWAP(bytes)\t\n" } else { "\n" });
    }
    let cells = |usage: &dyn Fn(&str) -> Quantity| -> String {
        resources.iter().map(|resource| format!("{}\t", shown(resource, &usage(resource)))).collect()
    };
    for at in ordered(metrics, &plan.order, plan.all_namespaces, usage) {
        let pod = &metrics[at];
        let namespace = if plan.all_namespaces { format!("{}\t", pod.namespace()) } else { String::new() };
        if !plan.containers {
            text.push_str(&format!("{namespace}{}\t{}\n", pod.name(), cells(&|resource| usage(pod, resource))));
            continue;
        }
        let containers = pod.items_at(&["containers"]);
        let used = |container: &Value, resource: &str| quantity(container.get("usage"), resource);
        for container in ordered(containers, &plan.order, false, used).into_iter().map(|at| &containers[at]) {
            let cells = cells(&|resource| used(container, resource));
            text.push_str(&format!("{namespace}{}\t{}\t{cells}\n", pod.name(), container.text(&["name"])));
        }
    }
    if plan.sum {
        let sum = |resource: &str| metrics.iter().fold(Quantity::whole(0), |sum, pod| sum.plus(&usage(pod, resource)));
        text.push_str(&format!("{}________\t________\t\n", "\t".repeat(columns - 2)));
        text.push_str(&format!("{}\t{}\n", "\t".repeat(columns - 3), cells(&sum)));
    }
    text
}
