//! `top node`: what nodes use of what they have.

use super::{Metrics, SWAP, ask, check_labels, check_order, flags, measured, quantity, shown, weight};
use crate::api::{GroupVersionResource, ObjectExt, Value};
use crate::commands::flags::{Flags, switch};
use crate::commands::{Context, Exit, Failure};
use crate::output::sort::pdq;
use crate::output::tabwriter::{Layout, TabWriter};
use clap::{ArgMatches, Command};
use std::collections::BTreeMap;

/// How the command is called.
pub fn command() -> Command {
    Command::new("node")
        .visible_aliases(["nodes", "no"])
        .about("Display resource (CPU/memory) usage of nodes")
        .long_about("Print how much processor and memory nodes use, and how much that is of what pods may have.")
        .after_help("# All nodes\nkubectl top node\n\n# One node\nkubectl top node worker-1")
        .before_help("[NAME | -l label]")
        .defer(|c| {
            c.args(flags()).arg(switch(
                "show-capacity",
                None,
                false,
                "Count in parts of all that the node has, and not of what pods may have.",
            ))
        })
}

struct Plan {
    name: String,
    labels: String,
    order: String,
    headings: bool,
    /// The part of a node's status that is the whole.
    whole: &'static str,
    swap: bool,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let words = matches.words();
    if words.len() > 1 {
        return Err(Failure::Usage { message: "node [NAME | -l label]".into(), command: "top node".into() });
    }
    let plan = Plan {
        name: words.into_iter().next().unwrap_or_default(),
        labels: matches.text("selector").into(),
        order: matches.text("sort-by").into(),
        headings: !matches.on("no-headers"),
        whole: if matches.on("show-capacity") { "capacity" } else { "allocatable" },
        swap: matches.on("show-swap"),
    };
    check_order(&plan.order)?;
    if !plan.name.is_empty() && !plan.labels.is_empty() {
        return Err(Failure::message("only one of NAME or --selector can be provided"));
    }
    check_labels(&plan.labels)?;
    Ok(plan)
}

/// Asks and prints.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let client = cx.client()?;
    let plan = plan(matches)?;
    let runtime = cx.runtime()?;
    let (metrics, nodes) = runtime.block_on(async {
        let api = Metrics::find(&client).await?;
        let metrics = api.of("nodes", "", &plan.name, &plan.labels).await?;
        if metrics.is_empty() {
            return Err(Failure::message("metrics not available yet"));
        }
        let nodes = GroupVersionResource::new("", "v1", "nodes");
        Ok((metrics, ask(&client, nodes, "", &plan.name, &plan.labels, "").await?))
    })?;
    let mut table = TabWriter::new(cx.out(), Layout::TABLE);
    table.push(&text(&plan, &metrics, &nodes))?;
    table.flush()?;
    Ok(0)
}

/// The table's text: a line for each node with metrics, then one for each without.
fn text(plan: &Plan, metrics: &[Value], nodes: &[Value]) -> String {
    let mut without: BTreeMap<&str, &Value> = nodes.iter().map(|node| (node.name(), node)).collect();
    let mut text = String::new();
    if plan.headings {
        text.push_str("NAME\tCPU(cores)\tCPU(%)\tMEMORY(bytes)\tMEMORY(%)\t");
        text.push_str(if plan.swap { "SWAP(bytes)\tSWAP(%)\t\n" } else { "\n" });
    }
    let order = pdq::order(metrics.len(), |a, b| {
        let usage = |at: usize| weight(&plan.order, |resource| quantity(metrics[at].get("usage"), resource));
        if plan.order.is_empty() { metrics[a].name() < metrics[b].name() } else { usage(a) > usage(b) }
    });
    for metrics in order.into_iter().map(|at| &metrics[at]) {
        text.push_str(&format!("{}\t", metrics.name()));
        let node = without.remove(metrics.name());
        for resource in measured(plan.swap) {
            text.push_str(&cells(plan, resource, metrics, node));
        }
        text.push('\n');
    }
    for name in without.keys() {
        text.push_str(&format!("{name}\t{}\n", "<unknown>\t".repeat(2 * measured(plan.swap).len())));
    }
    text
}

/// How much a node uses of a resource, and how much that is of all; both with a tab behind.
fn cells(plan: &Plan, resource: &str, metrics: &Value, node: Option<&Value>) -> String {
    let used = quantity(metrics.get("usage"), resource);
    let line = format!("{}\t", shown(resource, &used));
    let Some(node) = node else { return line };
    let all = if resource == SWAP {
        // Swap is counted in bytes, beside the other resources.
        match node.at(&["status", "nodeInfo", "swap", "capacity"]).and_then(Value::as_i64) {
            Some(bytes) => crate::api::Quantity::whole(bytes),
            None => return "<unknown>\t<unknown>\t".into(),
        }
    } else if node.at(&["status", plan.whole, resource]).is_some() {
        quantity(node.at(&["status", plan.whole]), resource)
    } else {
        return line;
    };
    let part = if all.is_zero() { 0.0 } else { used.milli_value() as f64 / all.milli_value() as f64 * 100.0 };
    format!("{line}{}%\t", part as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn planned(line: &str) -> Result<Plan, String> {
        let matches = command().try_get_matches_from(line.split(' ')).unwrap();
        plan(&matches).map_err(|failure| failure.words())
    }

    #[test]
    fn nodes_are_laid_out() {
        let metrics = [
            json!({"metadata": {"name": "b"}, "usage": {"cpu": "250m", "memory": "512Mi", "swap": "1Mi"}}),
            json!({"metadata": {"name": "a"}, "usage": {"cpu": "1", "memory": "1Mi"}}),
            json!({"metadata": {"name": "gone"}, "usage": {}}),
        ];
        let nodes = [
            json!({"metadata": {"name": "a"}, "status": {"allocatable": {"cpu": "3", "memory": "0"}, "capacity": {"cpu": "4"}}}),
            json!({"metadata": {"name": "b"}, "status": {
                "allocatable": {"cpu": "1", "memory": "1Gi"}, "nodeInfo": {"swap": {"capacity": 4_194_304}}}}),
            json!({"metadata": {"name": "c"}}),
        ];
        let head = "NAME\tCPU(cores)\tCPU(%)\tMEMORY(bytes)\tMEMORY(%)\t";
        let unknown = "<unknown>\t<unknown>\t";
        for (line, lines) in [
            (
                "node",
                format!(
                    "{head}\na\t1000m\t33%\t1Mi\t0%\t\nb\t250m\t25%\t512Mi\t50%\t\ngone\t0m\t0Mi\t\nc\t{unknown}{unknown}\n"
                ),
            ),
            (
                "node --no-headers --sort-by=memory --show-capacity --show-swap",
                format!(
                    "b\t250m\t512Mi\t1Mi\t25%\t\na\t1000m\t25%\t1Mi\t{unknown}\ngone\t0m\t0Mi\t0Mi\t\nc\t{unknown}{unknown}{unknown}\n"
                ),
            ),
        ] {
            assert_eq!(text(&planned(line).unwrap(), &metrics, &nodes), lines, "{line}");
        }
    }

    #[test]
    fn plans() {
        for (line, complaint) in [
            ("node a b", "node [NAME | -l label]"),
            ("node --sort-by=name", "--sort-by accepts only cpu or memory"),
            ("node a -l x=y", "only one of NAME or --selector can be provided"),
        ] {
            assert_eq!(planned(line).err().as_deref(), Some(complaint));
        }
    }
}
