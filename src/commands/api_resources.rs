//! `api-resources`: the types that a server has.

use super::flags::{Flags, list, switch, text, words};
use super::{Context, Exit, Failure, sets};
use crate::client::Mapping;
use crate::output::format;
use crate::output::tabwriter::{Layout, TabWriter};
use clap::{ArgMatches, Command};
use serde::Serialize;

/// How the command is called.
pub fn command() -> Command {
    Command::new("api-resources")
        .about("Print the supported API resources on the server")
        .long_about("Print the types that the server has, each in the version that it prefers.")
        .after_help("# All types, with verbs and categories\nkubectl api-resources -o wide\n\n# Those of one group\nkubectl api-resources --api-group=apps\n\n# Those outside namespaces that can be listed\nkubectl api-resources --namespaced=false --verbs=list")
        .before_help("[flags]")
        .defer(|c| {
            c.args(sets::output().into_iter().filter(|arg| matches!(arg.get_id().as_str(), "output" | "show-managed-fields")))
                .args([
                    text("api-group", None, "", "Only types of this group."),
                    switch("cached", None, false, "Use what was found before, when there is something."),
                    list("categories", None, "Only types in these categories."),
                    switch("namespaced", None, true, "Only types in namespaces, or with =false only the others."),
                    switch("no-headers", None, false, "Leave the headings out."),
                    text("sort-by", None, "", "Sort by 'name' or 'kind'."),
                    list("verbs", None, "Only types with these verbs."),
                ])
                .arg(words())
        })
}

#[derive(Debug, PartialEq)]
struct Plan {
    group: Option<String>,
    namespaced: Option<bool>,
    verbs: Vec<String>,
    categories: Vec<String>,
    order: Order,
    cached: bool,
    format: Format,
    headers: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Group,
    Name,
    Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Table { wide: bool },
    Name,
    Json,
    Yaml,
    Kyaml,
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let words = matches.words();
    if !words.is_empty() {
        let message = format!("unexpected arguments: [{}]", words.join(" "));
        return Err(Failure::Usage { message, command: "api-resources".into() });
    }
    let format = match matches.text("output") {
        "" => Format::Table { wide: false },
        "wide" => Format::Table { wide: true },
        "name" => Format::Name,
        "json" => Format::Json,
        "yaml" => Format::Yaml,
        "kyaml" => Format::Kyaml,
        other => {
            return Err(Failure::message(format!(
                "unable to match a printer suitable for the output format {other:?}, allowed formats are: {}",
                format::RESOURCES.join(",")
            )));
        }
    };
    let order = match matches.text("sort-by") {
        "" => Order::Group,
        "name" => Order::Name,
        "kind" => Order::Kind,
        _ => return Err(Failure::message("--sort-by accepts only name or kind")),
    };
    Ok(Plan {
        group: matches.given("api-group").then(|| matches.text("api-group").to_string()),
        namespaced: matches.given("namespaced").then(|| matches.on("namespaced")),
        verbs: matches.list("verbs"),
        categories: matches.list("categories"),
        order,
        cached: matches.on("cached"),
        format,
        headers: !matches.on("no-headers"),
    })
}

/// What `-o json` prints of a type; the order of the fields is kubectl's.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource<'a> {
    name: &'a str,
    singular_name: &'a str,
    namespaced: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    group: &'a str,
    version: &'a str,
    kind: &'a str,
    verbs: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    short_names: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    categories: &'a [String],
}

/// The whole list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    kind: &'a str,
    api_version: &'a str,
    group_version: &'a str,
    /// None, which is written as null, where there are no types.
    resources: Option<Vec<Resource<'a>>>,
}

/// Prints the types.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let plan = plan(matches)?;
    let client = cx.client()?;
    let runtime = cx.runtime()?;
    let mut resources = runtime.block_on(async {
        if !plan.cached {
            client.fresh_discovery().await?;
        }
        Ok::<_, Failure>(client.mapper().await?.preferred())
    })?;
    resources.retain(|resource| chosen(resource, &plan));
    sort(&mut resources, plan.order);
    let text = match plan.format {
        Format::Table { wide } => table(&resources, wide, plan.headers)?,
        Format::Name => resources.iter().map(|r| r.gvr.group_resource() + "\n").collect(),
        whole => printed(&resources, whole)?,
    };
    cx.print(&text)?;
    Ok(0)
}

fn chosen(resource: &Mapping, plan: &Plan) -> bool {
    !resource.verbs.is_empty()
        && plan.group.as_ref().is_none_or(|group| *group == resource.gvr.group)
        && plan.namespaced.is_none_or(|namespaced| namespaced == resource.namespaced)
        && plan.verbs.iter().all(|verb| resource.verbs.contains(verb))
        && plan.categories.iter().all(|category| resource.categories.contains(category))
}

fn sort(resources: &mut [Mapping], order: Order) {
    let key = |r: &Mapping| match order {
        Order::Group => r.gvr.group.clone(),
        Order::Name => r.gvr.resource.clone(),
        Order::Kind => r.gvk.kind.clone(),
    };
    resources.sort_by_cached_key(|r| (key(r), r.gvr.resource.clone()));
}

fn table(resources: &[Mapping], wide: bool, headers: bool) -> Result<String, Failure> {
    let mut tabs = TabWriter::new(Vec::new(), Layout::TABLE);
    if headers {
        tabs.push("NAME\tSHORTNAMES\tAPIVERSION\tNAMESPACED\tKIND")?;
        tabs.push(if wide { "\tVERBS\tCATEGORIES\n" } else { "\n" })?;
    }
    for r in resources {
        tabs.push(&format!(
            "{}\t{}\t{}\t{}\t{}",
            r.gvr.resource,
            r.short_names.join(","),
            r.gvr.group_version(),
            r.namespaced,
            r.gvk.kind
        ))?;
        if wide {
            tabs.push(&format!("\t{}\t{}", r.verbs.join(","), r.categories.join(",")))?;
        }
        tabs.push("\n")?;
    }
    tabs.flush()?;
    Ok(String::from_utf8_lossy(tabs.inner_mut()).into_owned())
}

fn printed(resources: &[Mapping], format: Format) -> Result<String, Failure> {
    let list = List {
        kind: "APIResourceList",
        api_version: "v1",
        group_version: "",
        resources: (!resources.is_empty()).then(|| {
            resources
                .iter()
                .map(|r| Resource {
                    name: &r.gvr.resource,
                    singular_name: &r.singular,
                    namespaced: r.namespaced,
                    group: &r.gvr.group,
                    version: &r.gvr.version,
                    kind: &r.gvk.kind,
                    verbs: &r.verbs,
                    short_names: &r.short_names,
                    categories: &r.categories,
                })
                .collect()
        }),
    };
    let unreadable = |error: serde_json::Error| Failure::message(error.to_string());
    Ok(match format {
        Format::Json => {
            let mut text = Vec::new();
            let pretty = serde_json::ser::PrettyFormatter::with_indent(b"    ");
            list.serialize(&mut serde_json::Serializer::with_formatter(&mut text, pretty)).map_err(unreadable)?;
            String::from_utf8_lossy(&text).into_owned() + "\n"
        }
        Format::Kyaml => crate::yaml::kyaml::to_string(&serde_json::to_value(&list).map_err(unreadable)?),
        _ => crate::yaml::to_string(&serde_json::to_value(&list).map_err(unreadable)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans() {
        let planned = |line: &str| plan(&command().get_matches_from(line.split(' ')));
        let all = planned("api-resources").unwrap();
        assert_eq!((all.group, all.namespaced, all.order), (None, None, Order::Group));
        assert_eq!(planned("api-resources --namespaced=false").unwrap().namespaced, Some(false));
        assert_eq!(planned("api-resources --api-group=").unwrap().group, Some(String::new()));
        for line in ["api-resources a", "api-resources -o x", "api-resources --sort-by=x"] {
            assert!(planned(line).is_err(), "{line}");
        }
    }
}
