//! `top`: a group, and what the commands below it share: asking the metrics API, and laying out what it says.

mod node;
mod pod;

use super::flags::{switch, text, words};
use super::{Entry, Failure, leaf, sets};
use crate::api::{GroupVersionResource, ObjectExt, Quantity, Value};
use crate::client::{Client, Mapping, Request};
use crate::expr::selector::parse_labels;
use crate::ops::lists::Query;
use clap::{Arg, Command};
use http::Method;

/// The commands below it.
pub static BELOW: &[Entry] = &[leaf(node::command, node::run), leaf(pod::command, pod::run)];

/// How the group is called.
pub fn command() -> Command {
    Command::new("top")
        .about("Display resource (CPU/memory) usage")
        .long_about(
            "Print how much processor and memory nodes and pods use, as a cluster's metrics API says it.\n\n \
             The figures are those that autoscalers work with: a metrics server has collected them within the last minute or so.",
        )
        .before_help("[flags]")
        .arg(words())
}

/// The flags that both commands have.
fn flags() -> [Arg; 6] {
    [
        sets::selector(),
        switch("no-headers", None, false, "Leave the headings out."),
        text("sort-by", None, "", "cpu or memory: the greatest first."),
        switch("show-swap", None, false, "Print the use of swap memory too."),
        switch("use-protocol-buffers", None, true, "Accepted for compatibility; answers are read as JSON."),
        words(),
    ]
}

/// What is measured, and what is sorted by.
const CPU: &str = "cpu";
const MEMORY: &str = "memory";
const SWAP: &str = "swap";

/// The resources that are shown.
fn measured(with_swap: bool) -> &'static [&'static str] {
    if with_swap { &[CPU, MEMORY, SWAP] } else { &[CPU, MEMORY] }
}

fn check_order(order: &str) -> Result<(), Failure> {
    match order {
        "" | CPU | MEMORY => Ok(()),
        _ => Err(Failure::message("--sort-by accepts only cpu or memory")),
    }
}

/// A quantity among those that a node or container uses or has; zero when it says nothing of it.
fn quantity(of: Option<&Value>, resource: &str) -> Quantity {
    let said = of.and_then(|of| of.get(resource)?.as_str()?.parse().ok());
    said.unwrap_or(Quantity::whole(0))
}

/// How a quantity is shown: thousandths of a processor, mebibytes.
fn shown(resource: &str, quantity: &Quantity) -> String {
    match resource {
        CPU => format!("{}m", quantity.milli_value()),
        _ => format!("{}Mi", quantity.value() / (1024 * 1024)),
    }
}

/// A number by which the greatest come first.
fn weight(order: &str, usage: impl Fn(&str) -> Quantity) -> i64 {
    match order {
        CPU => usage(CPU).milli_value(),
        _ => usage(MEMORY).value(),
    }
}

/// What is asked of the metrics API.
struct Metrics<'a> {
    client: &'a Client,
    version: String,
}

impl<'a> Metrics<'a> {
    /// Finds the API in what the server serves.
    async fn find(client: &'a Client) -> Result<Self, Failure> {
        let groups = client.json(&Request::new(Method::GET, "/apis")).await?;
        let mut groups = groups.items_at(&["groups"]).iter();
        let versions =
            groups.find(|group| group.text(&["name"]) == "metrics.k8s.io").map(|g| g.items_at(&["versions"]));
        let mut names = versions.unwrap_or_default().iter().map(|version| version.text(&["version"]));
        match names.find(|name| ["v1", "v1beta1"].contains(name)) {
            Some(version) => Ok(Metrics { client, version: version.into() }),
            None => Err(Failure::message("Metrics API not available")),
        }
    }

    /// The metrics of one object, or of those with these labels.
    async fn of(&self, resource: &str, namespace: &str, name: &str, labels: &str) -> Result<Vec<Value>, Failure> {
        let gvr = GroupVersionResource::new("metrics.k8s.io", &self.version, resource);
        ask(self.client, gvr, namespace, name, labels, "").await
    }
}

/// One object by name, or those that the selectors match. Without a namespace they are those of all, or outside of any.
async fn ask(
    client: &Client,
    gvr: GroupVersionResource,
    namespace: &str,
    name: &str,
    labels: &str,
    fields: &str,
) -> Result<Vec<Value>, Failure> {
    let mapping = Mapping { gvr, namespaced: !namespace.is_empty(), ..Mapping::default() };
    if !name.is_empty() {
        return Ok(vec![client.json(&Request::get(&mapping, namespace, name)).await?]);
    }
    let query = Query { labels: labels.into(), fields: fields.into(), ..Query::default() };
    let mut list = client.json(&query.list(&mapping, namespace)).await?;
    match list.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        _ => Ok(Vec::new()),
    }
}

fn check_labels(labels: &str) -> Result<(), Failure> {
    parse_labels(labels).map(drop).map_err(|error| Failure::message(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quantities_are_shown_in_one_unit() {
        let usage = json!({"cpu": "1100n", "memory": "1536Ki", "swap": "0"});
        let text = |resource| shown(resource, &quantity(Some(&usage), resource));
        assert_eq!([text(CPU), text(MEMORY), text(SWAP)], ["1m", "1Mi", "0Mi"]);
        assert_eq!(shown(MEMORY, &quantity(None, MEMORY)), "0Mi");
    }
}
